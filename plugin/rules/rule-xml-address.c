/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI addresses that libvirt refuses to read, of guest and host alike, and hostdevs. */
#include "rule-xml-attributes.h"

#include "base-text.h"

#include <string.h>

typedef struct {
    const char *name;
    guint64 highest;
} Part;

/* libvirt 11.3 src/util/virpci.c:1782-1802; of the domain only that it is a number */
static const Part parts[] = {
    {"domain", G_MAXUINT32}, {"bus", 0xff}, {"slot", 0x1f}, {"function", 7}};

static void
check_address(RuleCall *call, const xmlNode *address)
{
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
        const char *text = model_value(address, parts[i].name);
        g_autofree char *help = NULL;
        guint64 value;

        if (!text || (base_parse_loose_u64(text, 0, &value) && value <= parts[i].highest))
            continue;
        help = g_strdup_printf("%s='0x0' to '0x%" G_GINT64_MODIFIER "x', or no address at all",
                               parts[i].name, parts[i].highest);
        rule_fail(call, address, help, "%s='%s' is no %s of a PCI address", parts[i].name, text,
                  parts[i].name);
    }
}

static gboolean
is_switch(const char *text)
{
    return !text || strcmp(text, "on") == 0 || strcmp(text, "off") == 0;
}

static void
check_guest(RuleCall *call, const xmlNode *address)
{
    const char *type = model_value(address, "type");
    const char *functions = model_value(address, "multifunction");

    if (!type)
        rule_fail(call, address, "<address type='pci' …/>", "an <address> without type");
    else if (!model_address_is_known(address))
        rule_fail(call, address, "<address type='pci' …/>", "an <address> of unknown type '%s'",
                  type);
    else if (strcmp(type, "pci") == 0 && !is_switch(functions))
        rule_fail(call, address, "multifunction='on' or multifunction='off'",
                  "multifunction='%s' is neither 'on' nor 'off'", functions);
}

static gboolean
is_pci(const xmlNode *element)
{
    const char *type = model_value(element, "type");

    return g_strcmp0(type, "pci") == 0;
}

void
rule_xml_check_addresses(RuleCall *call)
{
    const xmlNode *devices = call->view->domain->devices;

    for (xmlNode *device = devices ? xmlFirstElementChild((xmlNode *)devices) : NULL; device;
         device = xmlNextElementSibling(device)) {
        const xmlNode *guest = model_child(device, "address");
        const xmlNode *host = model_child(model_child(device, "source"), "address");
        gboolean is_hostdev = strcmp((const char *)device->name, "hostdev") == 0;

        if (guest)
            check_guest(call, guest);
        if (guest && is_pci(guest))
            check_address(call, guest);
        /* <hostdev type='pci'> has it without a type, <interface type='hostdev'> with one */
        if (host && (is_pci(host) || (is_hostdev && is_pci(device))))
            check_address(call, host);
    }
}

/* FALSE: told why libvirt cannot say what kind of device this is */
static gboolean
check_hostdev_kind(RuleCall *call, const xmlNode *hostdev)
{
    const char *mode = model_value(hostdev, "mode"), *type = model_value(hostdev, "type");

    if (model_hostdev_is_known(hostdev))
        return TRUE;
    if (mode && !g_str_equal(mode, "subsystem") && !g_str_equal(mode, "capabilities"))
        rule_fail(call, hostdev, "mode='subsystem'",
                  "mode='%s' of a <hostdev> is none of libvirt's", mode);
    else if (!type)
        rule_fail(call, hostdev, "type='pci'", "a <hostdev> without type");
    else
        rule_fail(call, hostdev, "type='pci' with mode='subsystem'",
                  "type='%s' of a <hostdev> is none of libvirt's", type);
    return FALSE;
}

static void
check_hostdev_source(RuleCall *call, const xmlNode *hostdev)
{
    const xmlNode *source = model_child(hostdev, "source"),
                  *guest = model_child(hostdev, "address");
    const char *place = model_value(guest, "type");
    gboolean mediated = g_str_equal(model_value(hostdev, "type"), "mdev");

    if (!source)
        rule_fail(call, hostdev, NULL, "a <hostdev> without <source>");
    else if (!model_child(source, "address"))
        rule_fail(call, source, mediated ? "<source><address uuid=…/></source>" : NULL,
                  mediated ? "a mediated device without <address> in <source>"
                           : "a <source> without <address>, which libvirt takes for 0000:00:00.0");
    if (!mediated && place && model_address_is_known(guest) && !g_str_equal(place, "pci") &&
        !g_str_equal(place, "unassigned"))
        rule_fail(call, guest, "<address type='pci' …/>",
                  "an <address> of type '%s' of a PCI function", place);
}

void
rule_xml_check_hostdevs(RuleCall *call)
{
    const xmlNode *devices = call->view->domain->devices;

    for (xmlNode *node = devices ? xmlFirstElementChild((xmlNode *)devices) : NULL; node;
         node = xmlNextElementSibling(node)) {
        const char *type = model_value(node, "type"), *mode = model_value(node, "mode");

        if (xmlStrEqual(node->name, BAD_CAST "hostdev") && check_hostdev_kind(call, node) &&
            (!mode || g_str_equal(mode, "subsystem")) &&
            (g_str_equal(type, "pci") || g_str_equal(type, "mdev")))
            check_hostdev_source(call, node);
    }
}

/* libvirt reads these with strtoull and takes nothing behind the number, not even a blank (11.3
 * src/util/virxml.c, virParseScaledValue). */
void
rule_xml_check_memory(RuleCall *call)
{
    const xmlNode *root = call->view->domain->root;
    const xmlNode *tune = model_child(root, "memtune");
    const xmlNode *elements[] = {
        model_child(root, "memory"),     model_child(root, "currentMemory"),
        model_child(root, "maxMemory"),  model_child(tune, "hard_limit"),
        model_child(tune, "soft_limit"), model_child(tune, "swap_hard_limit"),
    };

    for (gsize i = 0; i < G_N_ELEMENTS(elements); i++) {
        xmlChar *text = elements[i] ? xmlNodeGetContent((xmlNode *)elements[i]) : NULL;
        gsize length = text ? strlen((const char *)text) : 0;

        if (length > 0 && g_ascii_isspace(text[length - 1]))
            rule_fail(call, elements[i], NULL, "blanks behind the number in <%s>",
                      (const char *)elements[i]->name);
        xmlFree(text);
    }
}
