/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Device XML, and the domain that has it. */
#include "hotplug-room.h"

#include <string.h>

/* On one line, so that lines in errors are those of the device's own file. */
#define BEFORE "<domain><memory>1</memory><devices>"
#define AFTER  "</devices></domain>"

static const char *
skip_declaration(const char *text)
{
    const char *at = text + strspn(text, " \t\r\n"), *end;

    if (!g_str_has_prefix(at, "<?xml"))
        return text;
    end = strstr(at, "?>");
    return end ? end + 2 : text;
}

static guint
count_elements(const xmlNode *parent)
{
    guint count = 0;

    for (const xmlNode *node = parent->children; node; node = node->next)
        count += node->type == XML_ELEMENT_NODE;
    return count;
}

static char *
device_at(BasePci address)
{
    return g_strdup_printf("<hostdev mode='subsystem' type='pci' managed='yes'>\n"
                           "  <source>\n"
                           "    <address domain='0x%04x' bus='0x%02x' slot='0x%02x' "
                           "function='0x%x'/>\n"
                           "  </source>\n"
                           "</hostdev>",
                           address.domain, address.bus, address.slot, address.function);
}

char *
hotplug_device_text(const char *device, const char *name, GError **error)
{
    BasePci address;
    g_autofree char *text = base_pci_parse_loose(device, &address)
                                ? device_at(address)
                                : g_strchomp(g_strdup(skip_declaration(device)));
    g_autofree char *wrapped = g_strconcat(BEFORE, text, AFTER, NULL);
    g_autoptr(ViommuDomain) domain = NULL;
    const xmlNode *node;

    if (!strchr(text, '<')) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_INVALID_ARGUMENT,
                    "%s: neither a file with a <hostdev> nor a PCI address such as 0000:3b:00.0",
                    name);
        return NULL;
    }
    domain = model_domain_parse(wrapped, strlen(wrapped), name, error);
    if (!domain)
        return NULL;
    node = hotplug_last_device(domain);
    if (!node || count_elements(domain->devices) != 1 || domain->hostdevs->len != 1 ||
        ((ModelHostdev *)domain->hostdevs->pdata[0])->kind == MODEL_HOSTDEV_NETWORK) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_SCHEMA,
                    "%s:1: one <hostdev> or <interface type='hostdev'> is expected, not <%s>", name,
                    node ? (const char *)node->name : "nothing");
        return NULL;
    }
    return g_steal_pointer(&text);
}

ViommuDomain *
hotplug_with_device(const ViommuDomain *domain, const char *text, GError **error)
{
    const ModelSpan *span = domain->devices ? model_span(domain, domain->devices) : NULL;
    g_autoptr(GString) with = g_string_new(domain->text);

    if (!span || span->empty_tag) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_SCHEMA,
                    "%s: the domain has no <devices>: it is not one that runs", domain->file);
        return NULL;
    }
    g_string_insert(with, (gssize)span->content_end, text);
    g_string_insert(with, (gssize)span->content_end, "\n"); /* a line of its own */
    return model_domain_parse(with->str, with->len, domain->file, error);
}

xmlNode *
hotplug_last_device(const ViommuDomain *domain)
{
    xmlNode *node = domain->devices ? domain->devices->last : NULL;

    while (node && node->type != XML_ELEMENT_NODE)
        node = node->prev;
    return node;
}

const ViewHostdev *
hotplug_hostdev_of(const View *view, const xmlNode *node)
{
    for (guint i = 0; i < view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = view->hostdevs->pdata[i];

        if (hostdev->dev->node == node)
            return hostdev;
    }
    return NULL;
}

static gboolean
is_same(const ModelHostdev *a, const ModelHostdev *b)
{
    if (a->kind == MODEL_HOSTDEV_MDEV || b->kind == MODEL_HOSTDEV_MDEV)
        return a->kind == b->kind && a->mdev_uuid && g_strcmp0(a->mdev_uuid, b->mdev_uuid) == 0;
    return a->host_known && b->host_known && base_pci_equal(a->host, b->host);
}

const ViewHostdev *
hotplug_find_device(const View *view, const ModelHostdev *wanted)
{
    for (guint i = 0; i < view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = view->hostdevs->pdata[i];

        if (is_same(hostdev->dev, wanted))
            return hostdev;
    }
    return NULL;
}

/* As deep as its end tag stands, which is right also where somebody pasted it in. */
char *
hotplug_source(const ViommuDomain *domain, const xmlNode *node)
{
    const ModelSpan *span = model_span(domain, node);
    g_autofree char *text = g_strndup(domain->text + span->start, span->end - span->start);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    guint last = g_strv_length(lines) - 1;
    gsize indent = last > 0 ? strspn(lines[last], " \t") : 0;

    for (guint i = 1; lines[i]; i++) {
        gsize blank = MIN(strspn(lines[i], " \t"), indent);

        memmove(lines[i], lines[i] + blank, strlen(lines[i] + blank) + 1);
    }
    return g_strjoinv("\n", lines);
}

void
hotplug_name_device(Hotplug *hotplug, const ModelHostdev *dev)
{
    g_free(hotplug->alias);
    g_free(hotplug->address);
    hotplug->alias = g_strdup(dev->alias);
    if (dev->kind == MODEL_HOSTDEV_MDEV)
        hotplug->address = g_strdup(dev->mdev_uuid);
    else
        hotplug->address = dev->host_known ? base_pci_format(dev->host) : NULL;
}
