/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <driver iommu= ats= …> of the guest's emulated devices. */
#include "rule-xml-attributes.h"

#include "rule-tools.h"

#include <string.h>

/* libvirt 11.3 src/conf/domain_conf.c (virDomainVirtioOptionsParseXML) */
static const char *const options[] = {"iommu", "ats", "packed", "page_per_vq"};

static gboolean
is_virtio(const ModelEndpoint *endpoint)
{
    return g_str_has_prefix(endpoint->what, "virtio") || g_str_has_prefix(endpoint->what, "vhost");
}

static gboolean
is_interface(const ModelEndpoint *endpoint)
{
    return strcmp((const char *)endpoint->node->name, "interface") == 0;
}

static void
check_endpoint(RuleCall *call, const ModelEndpoint *endpoint)
{
    const xmlNode *driver = endpoint->node ? model_child(endpoint->node, "driver") : NULL;

    for (guint i = 0; driver && i < G_N_ELEMENTS(options); i++) {
        const char *value = model_value(driver, options[i]);
        g_autofree char *help = NULL;

        if (!value)
            continue;
        help = g_strdup_printf("%s='on' or %s='off'", options[i], options[i]);
        if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
            rule_fail(call, driver, help, "%s='%s' of %s is neither 'on' nor 'off'", options[i],
                      value, endpoint->what);
        else if (!is_virtio(endpoint) && is_interface(endpoint))
            rule_fail(call, driver, "<model type='virtio'/>, or no such attribute",
                      "%s='%s' of %s, which is no virtio device", options[i], value,
                      endpoint->what);
    }
}

void
rule_xml_check_driver(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;

    for (guint i = 0; i < domain->endpoints->len; i++)
        check_endpoint(call, domain->endpoints->pdata[i]);
}
