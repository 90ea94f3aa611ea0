/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan-layout.h"

#include <string.h>

/* What libvirt's schema takes for a controller's index and for a root port's chassis. */
#define LARGEST_INDEX 255

struct PlanLayout {
    const ViommuDomain *domain;
    GPtrArray *controllers; /* of PlanController */
    GHashTable *taken;      /* key of a guest address -> number of users */
    guint next_index;
    guint port_slot;      /* slot of bus 0 that new root ports share; 0: none yet */
    guint port_functions; /* functions used there */
    guint first_slot, last_slot;
    gboolean changed;
};

/* Slots of bus 0 that new devices may use. QEMU 11.1: a q35 board has its own devices at 1f, 1d,
 * 1b, 1a; libvirt keeps 01 for the primary video card. virt has nothing but the host bridge. */
#define FIRST_SLOT_Q35 2
#define LAST_SLOT_Q35  0x18
#define FIRST_SLOT     1
#define LAST_SLOT      31
/* Expanders start here, as in domains written by hand: the slots before are left to ports. */
#define EXPANDER_SLOT 8

static void
controller_free(gpointer data)
{
    PlanController *controller = data;

    g_free(controller->because);
    g_free(controller);
}

static gpointer
address_key(guint bus, guint slot, guint function)
{
    return GUINT_TO_POINTER((bus << 8 | slot << 3 | function) + 1);
}

static void
count_user(PlanLayout *layout, BasePci address, gint change)
{
    gpointer key = address_key(address.bus, address.slot, address.function);
    gint users = GPOINTER_TO_INT(g_hash_table_lookup(layout->taken, key));

    if (address.domain == 0)
        g_hash_table_insert(layout->taken, key, GINT_TO_POINTER(MAX(users + change, 0)));
}

void
plan_layout_take(PlanLayout *layout, BasePci address)
{
    count_user(layout, address, 1);
}

void
plan_layout_release(PlanLayout *layout, BasePci address)
{
    count_user(layout, address, -1);
}

static gboolean
is_taken(const PlanLayout *layout, guint bus, guint slot, guint function)
{
    return g_hash_table_lookup(layout->taken, address_key(bus, slot, function)) != NULL;
}

static gboolean
slot_is_free(const PlanLayout *layout, guint bus, guint slot)
{
    for (guint function = 0; function < 8; function++) {
        if (is_taken(layout, bus, slot, function))
            return FALSE;
    }
    return TRUE;
}

guint
plan_layout_users(const PlanLayout *layout, guint bus)
{
    guint users = 0;

    for (guint i = 0; i < 256; i++)
        users += (guint)GPOINTER_TO_INT(
            g_hash_table_lookup(layout->taken, address_key(bus, i >> 3, i & 7)));
    return users;
}

static gboolean
hex_attribute(const xmlNode *element, const char *name, guint *ret)
{
    g_autofree char *text = model_attribute(element, name);
    gboolean hex = text && (strncmp(text, "0x", 2) == 0 || strncmp(text, "0X", 2) == 0);
    guint64 value = 0;

    *ret = 0;
    if (!text)
        return TRUE;
    if (!g_ascii_string_to_unsigned(hex ? text + 2 : text, hex ? 16 : 10, 0, 0xff, &value, NULL))
        return FALSE;
    *ret = (guint)value;
    return TRUE;
}

/* Written guest addresses of every device, also of kinds that the model has no list for. */
static void
take_written(PlanLayout *layout, const xmlNode *parent)
{
    for (const xmlNode *node = parent ? parent->children : NULL; node; node = node->next) {
        g_autofree char *type = NULL;
        guint bus, slot, function;

        if (node->type != XML_ELEMENT_NODE || xmlStrEqual(node->name, BAD_CAST "source"))
            continue;
        type = model_attribute(node, "type");
        if (!xmlStrEqual(node->name, BAD_CAST "address")) {
            take_written(layout, node);
        } else if (g_strcmp0(type, "pci") == 0 && hex_attribute(node, "bus", &bus) &&
                   hex_attribute(node, "slot", &slot) &&
                   hex_attribute(node, "function", &function) && slot < 32 && function < 8) {
            plan_layout_take(
                layout,
                (BasePci){.bus = (guint8)bus, .slot = (guint8)slot, .function = (guint8)function});
            layout->next_index = MAX(layout->next_index, bus + 1);
        }
    }
}

static void
take_predicted(PlanLayout *layout, const ModelAddress *address)
{
    if (address->kind == MODEL_ADDRESS_PREDICTED)
        plan_layout_take(layout, address->pci);
}

static void
take_all(PlanLayout *layout)
{
    const ViommuDomain *domain = layout->domain;

    take_written(layout, domain->devices);
    for (guint i = 0; i < domain->controllers->len; i++) {
        const ModelController *controller = domain->controllers->pdata[i];

        take_predicted(layout, &controller->address);
    }
    for (guint i = 0; i < domain->hostdevs->len; i++) {
        const ModelHostdev *hostdev = domain->hostdevs->pdata[i];

        take_predicted(layout, &hostdev->address);
    }
    for (guint i = 0; i < domain->endpoints->len; i++) {
        const ModelEndpoint *endpoint = domain->endpoints->pdata[i];

        take_predicted(layout, &endpoint->address);
    }
    for (guint i = 0; i < domain->iommus->len; i++) {
        const ModelIommu *iommu = domain->iommus->pdata[i];

        take_predicted(layout, &iommu->address);
    }
}

static void
add_existing(PlanLayout *layout, const ModelController *existing)
{
    PlanController *controller = g_new0(PlanController, 1);

    controller->index = existing->index;
    controller->kind = existing->kind;
    controller->existing = existing;
    controller->address = existing->address.pci;
    controller->multifunction = existing->address.multifunction;
    if (base_u64_is_known(existing->bus_nr))
        controller->bus_nr = (guint)existing->bus_nr.value;
    controller->cell = existing->numa_node;
    g_ptr_array_add(layout->controllers, controller);
    layout->next_index = MAX(layout->next_index, existing->index + 1);
}

PlanLayout *
plan_layout_new(const ViommuDomain *domain)
{
    PlanLayout *layout = g_new0(PlanLayout, 1);

    layout->domain = domain;
    layout->controllers = g_ptr_array_new_with_free_func(controller_free);
    layout->taken = g_hash_table_new(NULL, NULL);
    layout->next_index = 1;
    layout->first_slot = domain->is_q35 ? FIRST_SLOT_Q35 : FIRST_SLOT;
    layout->last_slot = domain->is_q35 ? LAST_SLOT_Q35 : LAST_SLOT;
    for (guint i = 0; i < domain->controllers->len; i++) {
        const ModelController *controller = domain->controllers->pdata[i];

        if (controller->node || controller->index == 0)
            add_existing(layout, controller);
    }
    take_all(layout);
    return layout;
}

void
plan_layout_free(PlanLayout *layout)
{
    if (!layout)
        return;
    g_ptr_array_unref(layout->controllers);
    g_hash_table_unref(layout->taken);
    g_free(layout);
}

const GPtrArray *
plan_layout_controllers(const PlanLayout *layout)
{
    return layout->controllers;
}

PlanController *
plan_layout_find(const PlanLayout *layout, guint index)
{
    for (guint i = 0; i < layout->controllers->len; i++) {
        PlanController *controller = layout->controllers->pdata[i];

        if (controller->index == index)
            return controller;
    }
    return NULL;
}

guint
plan_layout_root(const PlanLayout *layout, guint index)
{
    const PlanController *controller = plan_layout_find(layout, index);

    if (!controller)
        return G_MAXUINT;
    if (controller->existing)
        return model_root_bus(layout->domain, index);
    if (controller->kind == MODEL_BUS_PXB_PCIE)
        return index;
    return plan_layout_root(layout, controller->address.bus);
}

guint
plan_layout_buses_below(const PlanLayout *layout, guint root)
{
    guint buses = 0;

    for (guint i = 0; i < layout->controllers->len; i++) {
        const PlanController *controller = layout->controllers->pdata[i];

        if (controller->index != root && controller->kind != MODEL_BUS_PXB_PCIE &&
            controller->kind != MODEL_BUS_PXB &&
            plan_layout_root(layout, controller->index) == root)
            buses++;
    }
    return buses;
}

gboolean
plan_layout_is_generic_port(const PlanController *controller)
{
    const char *name = controller->existing ? controller->existing->model_name : NULL;

    return controller->kind == MODEL_BUS_ROOT_PORT &&
           (!name || g_str_equal(name, "pcie-root-port"));
}

GArray *
plan_layout_free_ports(const PlanLayout *layout, guint root)
{
    GArray *ports = g_array_new(FALSE, FALSE, sizeof(guint));

    for (guint i = 0; i < layout->controllers->len; i++) {
        const PlanController *controller = layout->controllers->pdata[i];

        if (plan_layout_is_generic_port(controller) &&
            (!controller->existing || controller->existing->hotplug != BASE_NO) &&
            plan_layout_users(layout, controller->index) == 0 &&
            plan_layout_root(layout, controller->index) == root)
            g_array_append_val(ports, controller->index);
    }
    return ports;
}

gboolean
plan_layout_changed(const PlanLayout *layout)
{
    return layout->changed;
}

/* --- adding --- */

/* The number that libvirt would take, the index, unless another port has it by hand. */
static guint
free_chassis(const PlanLayout *layout, guint wanted)
{
    for (guint i = 0; i < layout->controllers->len; i++) {
        const PlanController *controller = layout->controllers->pdata[i];

        if (controller->existing && base_u64_is_known(controller->existing->chassis) &&
            controller->existing->chassis.value == wanted)
            return wanted < LARGEST_INDEX ? free_chassis(layout, wanted + 1) : LARGEST_INDEX;
    }
    return wanted;
}

static PlanController *
add_controller_at(PlanLayout *layout, guint index, ModelBusKind kind, BasePci address,
                  const char *because)
{
    PlanController *controller = g_new0(PlanController, 1);
    guint place = layout->controllers->len;

    while (place > 0 && ((PlanController *)layout->controllers->pdata[place - 1])->index > index)
        place--;
    controller->index = index;
    controller->kind = kind;
    controller->address = address;
    controller->because = g_strdup(because);
    g_ptr_array_insert(layout->controllers, (gint)place, controller);
    plan_layout_take(layout, address);
    layout->changed = TRUE;
    return controller;
}

static PlanController *
add_controller(PlanLayout *layout, ModelBusKind kind, BasePci address, const char *because)
{
    return add_controller_at(layout, layout->next_index++, kind, address, because);
}

static gboolean
is_full(const PlanLayout *layout)
{
    return layout->next_index > LARGEST_INDEX;
}

static gboolean
find_slot(const PlanLayout *layout, guint bus, guint first, guint last, guint *ret)
{
    for (guint slot = first; slot <= last; slot++) {
        if (slot_is_free(layout, bus, slot)) {
            *ret = slot;
            return TRUE;
        }
    }
    return FALSE;
}

/* Function 0 of the slot that new ports share must say that there are more. */
static void
mark_multifunction(PlanLayout *layout, guint slot)
{
    for (guint i = 0; i < layout->controllers->len; i++) {
        PlanController *controller = layout->controllers->pdata[i];

        if (!controller->existing && controller->address.bus == 0 &&
            controller->address.slot == slot && controller->address.function == 0)
            controller->multifunction = TRUE;
    }
}

/* Eight ports to a slot, as libvirt does; each is a group of its own in the guest. */
static gboolean
port_address_on_root(PlanLayout *layout, BasePci *ret)
{
    if (layout->port_slot == 0 || layout->port_functions == 8) {
        if (!find_slot(layout, 0, layout->first_slot, layout->last_slot, &layout->port_slot))
            return FALSE;
        layout->port_functions = 0;
    } else {
        mark_multifunction(layout, layout->port_slot);
    }
    *ret =
        (BasePci){.slot = (guint8)layout->port_slot, .function = (guint8)layout->port_functions++};
    return TRUE;
}

static PlanController *
make_port(PlanLayout *layout, guint index, guint root, const char *because)
{
    BasePci address = {0};
    PlanController *port;
    guint slot = 0;

    if (root == 0) {
        if (!port_address_on_root(layout, &address))
            return NULL;
    } else {
        if (!find_slot(layout, root, 0, LAST_SLOT, &slot))
            return NULL;
        address = (BasePci){.bus = (guint8)root, .slot = (guint8)slot};
    }
    port = add_controller_at(layout, index, MODEL_BUS_ROOT_PORT, address, because);
    port->chassis = free_chassis(layout, port->index);
    port->port = (0x10 + port->index) & 0xff;
    return port;
}

PlanController *
plan_layout_add_port(PlanLayout *layout, guint root, const char *because)
{
    PlanController *port =
        is_full(layout) ? NULL : make_port(layout, layout->next_index, root, because);

    if (port)
        layout->next_index++;
    return port;
}

PlanController *
plan_layout_add_port_below(PlanLayout *layout, guint limit, const char *because)
{
    for (guint index = 1; index < limit; index++)
        if (!plan_layout_find(layout, index) && plan_layout_users(layout, index) == 0)
            return make_port(layout, index, 0, because);
    return NULL;
}

PlanController *
plan_layout_add_expander(PlanLayout *layout, const char *because)
{
    guint slot = 0;

    if (is_full(layout))
        return NULL;
    if (!find_slot(layout, 0, EXPANDER_SLOT, layout->last_slot, &slot) &&
        !find_slot(layout, 0, layout->first_slot, EXPANDER_SLOT - 1, &slot))
        return NULL;
    return add_controller(layout, MODEL_BUS_PXB_PCIE, (BasePci){.slot = (guint8)slot}, because);
}

PlanController *
plan_layout_add_bridge(PlanLayout *layout, const char *because)
{
    PlanController *port = plan_layout_add_port(layout, 0, because);

    if (!port || is_full(layout))
        return NULL;
    return add_controller(layout, MODEL_BUS_PCIE_TO_PCI, (BasePci){.bus = (guint8)port->index},
                          because);
}

gboolean
plan_layout_free_slot(const PlanLayout *layout, guint bus, guint *ret_slot)
{
    return find_slot(layout, bus, 1, LAST_SLOT, ret_slot);
}
