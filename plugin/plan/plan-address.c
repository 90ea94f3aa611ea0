/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan-address.h"

#include <string.h>

#include "plan-edit.h"

static gboolean
means(const char *text, guint value)
{
    gboolean hex = text && (strncmp(text, "0x", 2) == 0 || strncmp(text, "0X", 2) == 0);
    guint64 number = 0;

    return text &&
           g_ascii_string_to_unsigned(hex ? text + 2 : text, hex ? 16 : 10, 0, G_MAXUINT, &number,
                                      NULL) &&
           number == value;
}

/* Leaves another spelling of the same number alone. */
static void
set_number(ViommuPlan *plan, PlanSpot spot, const char *name, const char *format, guint value,
           PlanWhy why)
{
    g_autofree char *now = plan_spot_get(plan, spot, name);
    g_autofree char *text = NULL;

    if (means(now, value))
        return;
    if (g_str_equal(format, "0x%04x"))
        text = g_strdup_printf("0x%04x", value);
    else if (g_str_equal(format, "0x%02x"))
        text = g_strdup_printf("0x%02x", value);
    else
        text = g_strdup_printf("0x%x", value);
    plan_spot_set(plan, spot, name, text, why);
}

static void
set_address(ViommuPlan *plan, PlanSpot spot, BasePci address, PlanWhy why)
{
    plan_spot_set(plan, spot, "type", "pci", why);
    set_number(plan, spot, "domain", "0x%04x", 0, why);
    set_number(plan, spot, "bus", "0x%02x", address.bus, why);
    set_number(plan, spot, "slot", "0x%02x", address.slot, why);
    set_number(plan, spot, "function", "0x%x", address.function, why);
}

void
plan_address_write(PlanWork *work, xmlNode *device, BasePci address, BaseTri multifunction,
                   const char *because, const char *rule)
{
    PlanWhy why = {because, rule};
    PlanSpot spot = plan_spot_child(work->plan, plan_spot(device), "address", NULL, why);

    set_address(work->plan, spot, address, why);
    if (multifunction == BASE_YES)
        plan_spot_set(work->plan, spot, "multifunction", "on", why);
    else if (multifunction == BASE_NO)
        plan_spot_unset(work->plan, spot, "multifunction", why);
}

void
plan_address_make_single(PlanWork *work, xmlNode *device)
{
    PlanWhy why = {"Linux enables PASIDs for a function among others only where it has ACS",
                   "pasid-multifunction"};
    PlanSpot spot = plan_spot_child(work->plan, plan_spot(device), "address", NULL, why);

    plan_spot_unset(work->plan, spot, "multifunction", why);
}

void
plan_address_make_generic(PlanWork *work, const PlanController *port)
{
    PlanWhy why = {"an ioh3420 has no ACS: the guest sees port and device as one group",
                   "bus-root-port-acs"};
    PlanSpot spot =
        plan_spot_child(work->plan, plan_spot(port->existing->node), "model", NULL, why);

    plan_spot_set(work->plan, spot, "name", "pcie-root-port", why);
}

/* --- controllers --- */

static gboolean
is_element(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && xmlStrEqual(node->name, BAD_CAST name);
}

/* New controllers go behind the last one, or where virsh dumpxml would begin to list them. */
static xmlNode *
controller_anchor(const ViommuDomain *domain)
{
    static const char *const before[] = {"controller", "filesystem", "disk", "emulator"};

    for (guint i = 0; i < G_N_ELEMENTS(before); i++) {
        for (xmlNode *node = domain->devices ? domain->devices->last : NULL; node;
             node = node->prev) {
            if (is_element(node, before[i]))
                return node;
        }
    }
    return NULL;
}

static PlanSpot
add_controller(PlanWork *work, const char *type, guint index, const char *model, PlanWhy why)
{
    PlanSpot spot = plan_spot_add(work->plan, plan_spot_devices(work->plan), "controller",
                                  controller_anchor(work->domain), why);

    base_element_set(spot.element, "type", type);
    base_element_setf(spot.element, "index", "%u", index);
    if (model)
        base_element_set(spot.element, "model", model);
    return spot;
}

static const char *
model_of(ModelBusKind kind)
{
    if (kind == MODEL_BUS_PXB_PCIE)
        return "pcie-expander-bus";
    return kind == MODEL_BUS_ROOT_PORT ? "pcie-root-port" : "pcie-to-pci-bridge";
}

static const char *
name_of(ModelBusKind kind)
{
    if (kind == MODEL_BUS_PXB_PCIE)
        return "pxb-pcie";
    return kind == MODEL_BUS_ROOT_PORT ? "pcie-root-port" : "pcie-pci-bridge";
}

static void
write_target(BaseElement *element, const PlanController *controller)
{
    BaseElement *target = base_element_add(element, "target");

    if (controller->kind == MODEL_BUS_PXB_PCIE) {
        base_element_setf(target, "busNr", "%u", controller->bus_nr);
        if (base_u64_is_known(controller->cell))
            base_element_add(target, "node")->text =
                g_strdup_printf("%" G_GUINT64_FORMAT, controller->cell.value);
        return;
    }
    base_element_setf(target, "chassis", "%u", controller->chassis);
    base_element_setf(target, "port", "0x%x", controller->port);
}

static void
write_new(PlanWork *work, const PlanController *controller)
{
    PlanWhy why = {controller->because, controller->rule};
    PlanSpot spot = add_controller(work, "pci", controller->index, model_of(controller->kind), why);
    PlanSpot address;

    base_element_set(base_element_add(spot.element, "model"), "name", name_of(controller->kind));
    if (controller->kind != MODEL_BUS_PCIE_TO_PCI)
        write_target(spot.element, controller);
    address = plan_spot_child(work->plan, spot, "address", NULL, why);
    set_address(work->plan, address, controller->address, why);
    if (controller->multifunction)
        base_element_set(address.element, "multifunction", "on");
}

static void
write_number(PlanWork *work, const PlanController *expander)
{
    PlanWhy why = {"the buses behind this expander need their own range of bus numbers",
                   "bus-expander-number-range"};
    PlanSpot target =
        plan_spot_child(work->plan, plan_spot(expander->existing->node), "target", NULL, why);

    plan_spot_setf(work->plan, target, "busNr", why, "%u", expander->bus_nr);
}

void
plan_address_write_controllers(PlanWork *work)
{
    const GPtrArray *controllers = plan_layout_controllers(work->layout);
    const ModelController *root = model_controller(work->domain, 0);
    PlanWhy why = {"libvirt wants the root bus listed along with other ports", NULL};

    if (plan_layout_changed(work->layout) && (!root || !root->node))
        add_controller(work, "pci", 0, "pcie-root", why);
    for (guint i = 0; i < controllers->len; i++) {
        const PlanController *controller = controllers->pdata[i];

        if (!controller->existing)
            write_new(work, controller);
        else if (controller->bus_nr_new && controller->existing->node)
            write_number(work, controller);
    }
}

/* --- devices that libvirt adds by itself --- */

gboolean
plan_address_write_implicit(PlanWork *work, const ModelEndpoint *endpoint, BasePci address)
{
    PlanWhy why = {"libvirt adds this device by itself and would take the first free port for it",
                   "bus-unwritten-address-behind-expander"};
    PlanSpot spot;

    if (g_str_has_prefix(endpoint->what, "usb controller")) {
        spot = add_controller(work, "usb", 0, "qemu-xhci", why);
    } else if (g_str_equal(endpoint->what, "virtio-serial")) {
        spot = add_controller(work, "virtio-serial", 0, NULL, why);
    } else if (strstr(endpoint->what, "balloon")) {
        spot = plan_spot_add(work->plan, plan_spot_devices(work->plan), "memballoon", NULL, why);
        base_element_set(spot.element, "model", "virtio");
    } else {
        return FALSE;
    }
    set_address(work->plan, plan_spot_child(work->plan, spot, "address", NULL, why), address, why);
    return TRUE;
}
