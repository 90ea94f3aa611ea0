/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base-text.h"
#include "model-private.h"

static const struct {
    const char *model;
    ModelBusKind kind;
} models[] = {
    {"pcie-root", MODEL_BUS_PCIE_ROOT},
    {"pci-root", MODEL_BUS_PCI_ROOT},
    {"pcie-root-port", MODEL_BUS_ROOT_PORT},
    {"pcie-switch-upstream-port", MODEL_BUS_UPSTREAM},
    {"pcie-switch-downstream-port", MODEL_BUS_DOWNSTREAM},
    {"pcie-expander-bus", MODEL_BUS_PXB_PCIE},
    {"pci-expander-bus", MODEL_BUS_PXB},
    {"pci-bridge", MODEL_BUS_PCI_BRIDGE},
    {"pcie-to-pci-bridge", MODEL_BUS_PCIE_TO_PCI},
    {"dmi-to-pci-bridge", MODEL_BUS_DMI_TO_PCI},
};

/* What libvirt takes as bus 0 when it is not written, as qemuDomainDefAddDefaultDevices (11.3,
 * qemu_postparse.c:1178) does; NULL: this machine has no PCI that we know of. */
static const char *
root_model(const ViommuDomain *domain)
{
    static const char *const express[] = {"riscv64", "riscv32", "loongarch64", NULL};
    static const char *const conventional[] = {"ppc64",  "ppc64le", "ppc",  "sparc64", "alpha",
                                               "mips64", "mipsel",  "mips", NULL};

    if (domain->is_q35 || domain->is_virt)
        return "pcie-root";
    if (domain->is_i440fx)
        return "pci-root";
    if (!domain->arch)
        return NULL;
    if (g_strv_contains(express, domain->arch))
        return "pcie-root";
    return g_strv_contains(conventional, domain->arch) ? "pci-root" : NULL;
}

static ModelBusKind
kind_of(const char *model)
{
    for (guint i = 0; model && i < G_N_ELEMENTS(models); i++)
        if (strcmp(models[i].model, model) == 0)
            return models[i].kind;
    return MODEL_BUS_OTHER;
}

const char *
model_bus_name(ModelBusKind kind)
{
    for (guint i = 0; i < G_N_ELEMENTS(models); i++)
        if (models[i].kind == kind)
            return models[i].model;
    return NULL;
}

static BaseU64
read_node(const xmlNode *target)
{
    const xmlNode *node = model_child(target, "node");
    g_autofree char *text = model_text(node);
    char *end = NULL;
    guint64 value;

    if (!text)
        return node ? (BaseU64){0} : base_u64_absent();
    value = g_ascii_strtoull(text, &end, 10);
    return *end || !g_ascii_isdigit(*text) ? (BaseU64){0} : base_u64(value);
}

/* @memReserve is in KiB (libvirt 10.3, formatdomain). */
static BaseU64
read_reserve(const xmlNode *target)
{
    BaseU64 reserve = model_number(target, "memReserve", 10);

    if (base_u64_is_known(reserve))
        reserve = reserve.value <= G_MAXUINT64 >> 10 ? base_u64(reserve.value << 10) : (BaseU64){0};
    return reserve;
}

/* libvirt takes blanks before the number and none behind it, and rounds up to KiB (11.3
 * src/util/virxml.c, virParseScaledValue). */
static BaseU64
read_hole(const xmlNode *node)
{
    const xmlNode *hole = model_child(node, "pcihole64");
    g_autofree char *unit = model_attribute(hole, "unit");
    g_autoptr(XmlText) text = hole ? (XmlText *)xmlNodeGetContent((xmlNode *)hole) : NULL;
    gsize length = text ? strlen(text) : 0;
    guint64 number, bytes;

    if (length == 0)
        return base_u64_absent();
    if (g_ascii_isspace(text[length - 1]) || !base_parse_loose_u64(text, 10, &number) ||
        !model_scale(number, unit && *unit ? unit : "KiB", &bytes) || bytes > G_MAXUINT64 - 1023)
        return (BaseU64){0};
    return base_u64((bytes + 1023) / 1024 * 1024);
}

static gboolean
is_root(ModelBusKind kind)
{
    return kind == MODEL_BUS_PCIE_ROOT || kind == MODEL_BUS_PCI_ROOT;
}

static ModelController *
controller_new(const ViommuDomain *domain, xmlNode *node, guint index)
{
    ModelController *controller = g_new0(ModelController, 1);
    const xmlNode *target = model_child(node, "target");

    controller->node = node;
    controller->index = index;
    controller->alias = model_value(model_child(node, "alias"), "name");
    controller->model = model_value(node, "model");
    if (!controller->model && index == 0)
        controller->model = root_model(domain);
    controller->kind = kind_of(controller->model);
    if (!controller->model)
        controller->model = "pci controller";
    controller->model_name = model_value(model_child(node, "model"), "name");
    controller->address = model_guest_address(node);
    if (is_root(controller->kind))
        controller->address.kind = MODEL_ADDRESS_NONE;
    controller->hole64 = is_root(controller->kind) ? read_hole(node) : base_u64_absent();
    controller->bus_nr = model_number(target, "busNr", 0);
    controller->chassis = model_number(target, "chassis", 0);
    controller->port = model_number(target, "port", 0);
    controller->numa_node = read_node(target);
    controller->mem_reserve = read_reserve(target);
    controller->hotplug = model_switch(target, "hotplug");
    return controller;
}

static gint
compare_index(gconstpointer a, gconstpointer b)
{
    const ModelController *left = *(ModelController *const *)a;
    const ModelController *right = *(ModelController *const *)b;

    return (left->index > right->index) - (left->index < right->index);
}

static xmlNode *
next_pci_controller(const ViommuDomain *domain, xmlNode *node)
{
    do
        node = node ? model_next(node, "controller") : model_child(domain->devices, "controller");
    while (node && !model_attribute_is(node, "type", "pci"));
    return node;
}

/* Those with @index first, since libvirt gives the others the lowest free one each, in order
 * (virDomainControllerFindUnusedIndex). */
gboolean
model_read_controllers(ViommuDomain *domain, GError **error)
{
    g_autoptr(GHashTable) used = g_hash_table_new(NULL, NULL);
    guint next = 0;

    for (xmlNode *node = next_pci_controller(domain, NULL); node;
         node = next_pci_controller(domain, node)) {
        BaseU64 index = model_number(node, "index", 10);

        if (index.state == BASE_STATE_UNKNOWN || index.value > G_MAXINT)
            return model_refuse(domain, node, error, "the index of this <controller> is no number");
        if (!base_u64_is_known(index))
            continue;
        g_hash_table_add(used, GUINT_TO_POINTER((guint)index.value));
        g_ptr_array_add(domain->controllers, controller_new(domain, node, (guint)index.value));
    }
    for (xmlNode *node = next_pci_controller(domain, NULL); node;
         node = next_pci_controller(domain, node)) {
        if (model_number(node, "index", 10).state != BASE_STATE_ABSENT)
            continue;
        while (g_hash_table_contains(used, GUINT_TO_POINTER(next)))
            next++;
        g_ptr_array_add(domain->controllers, controller_new(domain, node, next++));
    }
    if (root_model(domain) && !model_controller(domain, 0))
        g_ptr_array_add(domain->controllers, controller_new(domain, NULL, 0));
    g_ptr_array_sort(domain->controllers, compare_index);
    return TRUE;
}

static const ModelController *
find_index(const GPtrArray *controllers, guint index)
{
    for (guint i = 0; i < controllers->len; i++) {
        const ModelController *controller = controllers->pdata[i];

        if (controller->index == index)
            return controller;
    }
    return NULL;
}

const ModelController *
model_controller(const ViommuDomain *domain, guint index)
{
    const ModelController *found = find_index(domain->controllers, index);

    return found ? found : find_index(domain->added_controllers, index);
}

static gboolean
is_placed(const ModelAddress *address)
{
    return address->kind == MODEL_ADDRESS_WRITTEN || address->kind == MODEL_ADDRESS_PREDICTED;
}

/* Goes up from controller @index. Returns the root bus or NULL, and whether a conventional bridge
 * was met. Written addresses may form a loop; no tree is deeper than its number of controllers. */
static const ModelController *
climb(const ViommuDomain *domain, guint index, gboolean *ret_conventional)
{
    guint left = domain->controllers->len + domain->added_controllers->len;
    const ModelController *controller = model_controller(domain, index);

    *ret_conventional = FALSE;
    for (; controller && left > 0; left--) {
        if (is_root(controller->kind) || controller->kind == MODEL_BUS_PXB_PCIE ||
            controller->kind == MODEL_BUS_PXB)
            return controller;
        if (controller->kind == MODEL_BUS_PCI_BRIDGE || controller->kind == MODEL_BUS_PCIE_TO_PCI ||
            controller->kind == MODEL_BUS_DMI_TO_PCI)
            *ret_conventional = TRUE;
        if (!is_placed(&controller->address))
            return NULL;
        controller = model_controller(domain, controller->address.pci.bus);
    }
    return NULL;
}

guint
model_root_bus(const ViommuDomain *domain, guint index)
{
    gboolean conventional;
    const ModelController *root = climb(domain, index, &conventional);

    return root ? root->index : G_MAXUINT;
}

gboolean
model_behind_conventional(const ViommuDomain *domain, guint index)
{
    gboolean conventional;

    climb(domain, index, &conventional);
    return conventional;
}

/* Whether an entry of one of the domain's lists, or any device with a written address (also of a
 * kind that we do not know), sits on bus @index. */
static gboolean
sits_on(const ModelAddress *address, guint index)
{
    return is_placed(address) && address->pci.bus == index;
}

static gboolean
bus_is_used(const ViommuDomain *domain, guint index)
{
    for (const xmlNode *node = model_first_element(domain->devices); node;
         node = model_next_element(node)) {
        ModelAddress address = model_guest_address(node);

        if (sits_on(&address, index))
            return TRUE;
    }
    for (guint i = 0; i < domain->controllers->len; i++)
        if (sits_on(&((ModelController *)domain->controllers->pdata[i])->address, index))
            return TRUE;
    for (guint i = 0; i < domain->added_controllers->len; i++)
        if (sits_on(&((ModelController *)domain->added_controllers->pdata[i])->address, index))
            return TRUE;
    for (guint i = 0; i < domain->hostdevs->len; i++)
        if (sits_on(&((ModelHostdev *)domain->hostdevs->pdata[i])->address, index))
            return TRUE;
    for (guint i = 0; i < domain->endpoints->len; i++)
        if (sits_on(&((ModelEndpoint *)domain->endpoints->pdata[i])->address, index))
            return TRUE;
    return FALSE;
}

gboolean
model_port_is_free(const ViommuDomain *domain, const ModelController *port)
{
    return (port->kind == MODEL_BUS_ROOT_PORT || port->kind == MODEL_BUS_DOWNSTREAM) &&
           port->hotplug != BASE_NO && !bus_is_used(domain, port->index);
}
