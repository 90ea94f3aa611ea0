/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guest PCI addresses that libvirt's assignment of addresses or QEMU refuses. */
#include "rule-bus-address.h"

#include "rule-tools.h"

#include <string.h>

static const ModelController *
controller_of(const View *view, const xmlNode *node)
{
    for (guint i = 0; i < view->domain->controllers->len; i++) {
        const ModelController *it = view->domain->controllers->pdata[i];

        if (it->node == node)
            return it;
    }
    return NULL;
}

static char *
label_of(const View *view, const ModelRefusal *refusal)
{
    const ModelController *controller = refusal->node ? controller_of(view, refusal->node) : NULL;

    if (!refusal->node)
        return g_strdup("a device that libvirt adds");
    if (controller)
        return rule_controller_label(controller);
    for (guint i = 0; i < view->hostdevs->len; i++) {
        const ViewHostdev *it = view->hostdevs->pdata[i];

        if (it->dev->node == refusal->node && it->dev->kind != MODEL_HOSTDEV_NETWORK)
            return rule_hostdev_name(it);
    }
    for (guint i = 0; i < view->domain->endpoints->len; i++) {
        const ModelEndpoint *it = view->domain->endpoints->pdata[i];

        if (it->node == refusal->node)
            return rule_endpoint_label(it);
    }
    return g_strdup_printf("<%s>", (const char *)refusal->node->name);
}

static void
refuse_kind(RuleCall *call, const ModelRefusal *refusal, const char *label)
{
    const ModelController *bus = model_controller(call->view->domain, refusal->place.bus);
    gboolean is_controller = controller_of(call->view, refusal->node) != NULL;

    /* told by other rules: an unknown kind of bus, and devices right on an expander */
    if (bus &&
        (bus->kind == MODEL_BUS_OTHER || (bus->kind == MODEL_BUS_PXB_PCIE && !is_controller)))
        return;
    rule_fail(call, refusal->node, NULL, "%s is placed on bus %u, and %s takes no such device",
              label, refusal->place.bus, bus ? bus->model : "what libvirt adds there");
}

static void
refuse_place(RuleCall *call, const ModelRefusal *refusal, const char *label)
{
    const BasePci *place = &refusal->place;

    switch (refusal->kind) {
    case MODEL_REFUSAL_DOMAIN:
        rule_fail(call, refusal->node, NULL, "%s is in PCI domain %u, and there is only domain 0",
                  label, place->domain);
        break;
    case MODEL_REFUSAL_BUS:
        rule_fail(
            call, refusal->node, NULL,
            "%s is placed on bus %u, which is not there and which libvirt does not add for it",
            label, place->bus);
        break;
    case MODEL_REFUSAL_KIND:
        refuse_kind(call, refusal, label);
        break;
    case MODEL_REFUSAL_INTEGRATED:
        /* a vIOMMU there is the finding of another rule */
        if (strcmp((const char *)refusal->node->name, "iommu") != 0)
            rule_fail(call, refusal->node, "bus='0x00', or no address: libvirt then chooses one",
                      "%s is placed on bus %u, and belongs on bus 0", label, place->bus);
        break;
    case MODEL_REFUSAL_SLOT:
        rule_fail(call, refusal->node, NULL,
                  "%s is placed in slot %u of bus %u, which has slots %u to %u", label, place->slot,
                  place->bus, refusal->first, refusal->last);
        break;
    case MODEL_REFUSAL_NONE:
    case MODEL_REFUSAL_TAKEN:
    case MODEL_REFUSAL_ROOM:
        break;
    }
}

void
rule_bus_check_refused(RuleCall *call)
{
    const GArray *refusals = call->view->domain->refusals;

    for (guint i = 0; i < refusals->len; i++) {
        const ModelRefusal *refusal = &g_array_index(refusals, ModelRefusal, i);
        g_autofree char *label = label_of(call->view, refusal);

        refuse_place(call, refusal, label);
    }
}

void
rule_bus_check_room(RuleCall *call)
{
    const GArray *refusals = call->view->domain->refusals;

    for (guint i = 0; i < refusals->len; i++) {
        const ModelRefusal *refusal = &g_array_index(refusals, ModelRefusal, i);
        g_autofree char *label = label_of(call->view, refusal);

        if (refusal->kind == MODEL_REFUSAL_ROOM)
            rule_fail(call, refusal->node ? refusal->node : call->view->domain->devices, NULL,
                      "%s has no address, and there is no bus with room for it", label);
    }
}

typedef struct {
    const ModelAddress *address;
    const xmlNode *node;
} Function;

/* Which of them QEMU makes first is no matter: it complains of either order. */
static const Function *
find_function(const GArray *list, const BasePci *slot, gboolean zero)
{
    for (guint i = 0; i < list->len; i++) {
        const Function *it = &g_array_index(list, Function, i);

        if (it->address->pci.bus == slot->bus && it->address->pci.slot == slot->slot &&
            (it->address->pci.function == 0) == zero)
            return it;
    }
    return NULL;
}

static void
add_function(GArray *list, const ModelAddress *address, const xmlNode *node)
{
    Function function = {address, node};

    if (address->kind == MODEL_ADDRESS_WRITTEN && node)
        g_array_append_val(list, function);
}

static GArray *
functions(const View *view)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(Function));
    const ViommuDomain *domain = view->domain;

    for (guint i = 0; i < domain->controllers->len; i++) {
        const ModelController *it = domain->controllers->pdata[i];

        add_function(list, &it->address, it->node);
    }
    for (guint i = 0; i < domain->endpoints->len; i++) {
        const ModelEndpoint *it = domain->endpoints->pdata[i];

        add_function(list, &it->address, it->node);
    }
    for (guint i = 0; i < view->hostdevs->len; i++) {
        const ViewHostdev *it = view->hostdevs->pdata[i];

        if (it->dev->kind != MODEL_HOSTDEV_NETWORK)
            add_function(list, &it->dev->address, it->dev->node);
    }
    for (guint i = 0; i < domain->iommus->len; i++) {
        const ModelIommu *it = domain->iommus->pdata[i];

        add_function(list, &it->address, it->node);
    }
    return list;
}

/* libvirt sets multifunction='on' by itself, but not against what is written. */
void
rule_bus_check_function_zero(RuleCall *call)
{
    g_autoptr(GArray) list = functions(call->view);

    for (guint i = 0; i < list->len; i++) {
        const Function *it = &g_array_index(list, Function, i);
        const char *written = model_value(it->address->node, "multifunction");

        if (it->address->pci.function == 0 && g_strcmp0(written, "off") == 0 &&
            find_function(list, &it->address->pci, FALSE))
            rule_fail(call, it->address->node, "multifunction='on'",
                      "function 0 of bus %u, slot %u has multifunction='off', and the slot has "
                      "another function",
                      it->address->pci.bus, it->address->pci.slot);
    }
}
