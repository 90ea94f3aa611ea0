/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ports for devices and for hotplug, the conventional bus, and the expander buses of vSMMUs. */
#include "plan-port.h"

void
plan_port_reject(PlanWork *work, const char *what)
{
    g_autofree char *reason =
        g_strdup_printf("the domain has no room for %s: all slots or indexes are taken", what);

    g_ptr_array_add(work->plan->rejected,
                    plan_rejection_new(NULL, PLAN_NO_CANDIDATE, NULL,
                                       "fewer devices, or fewer spare ports", reason));
}

/* Ports that stay free where nothing is written: bridges that libvirt adds take some. */
static GArray *
unused_ports(const PlanWork *work, guint root)
{
    g_autoptr(GArray) ports = plan_layout_free_ports(work->layout, root);
    GArray *left = g_array_new(FALSE, FALSE, sizeof(guint));

    for (guint i = 0; i < ports->len; i++) {
        guint index = g_array_index(ports, guint, i);
        const PlanController *port = plan_layout_find(work->layout, index);

        if (!port->existing || model_port_is_free(work->domain, port->existing))
            g_array_append_val(left, index);
    }
    return left;
}

gboolean
plan_port_lacks_spares(const PlanWork *work, guint root)
{
    g_autoptr(GArray) ports = unused_ports(work, root);

    return ports->len < work->spares;
}

gboolean
plan_port_add_spares(PlanWork *work, guint root, guint wanted, const char *because)
{
    g_autoptr(GArray) ports = plan_layout_free_ports(work->layout, root);

    for (guint have = ports->len; have < wanted; have++) {
        PlanController *port = plan_layout_add_port(work->layout, root, because);

        if (!port) {
            plan_port_reject(work, "the spare ports");
            return FALSE;
        }
        port->rule = "hotplug-no-free-port";
    }
    return TRUE;
}

void
plan_port_list_spares(PlanWork *work, guint root, gboolean placed)
{
    g_autoptr(GArray) ports = placed || plan_layout_changed(work->layout)
                                  ? plan_layout_free_ports(work->layout, root)
                                  : unused_ports(work, root);

    g_array_append_vals(work->plan->spare_ports, ports->data, ports->len);
}

gboolean
plan_port_take(PlanWork *work, guint root, const char *because, BasePci *ret)
{
    g_autoptr(GArray) ports = plan_layout_free_ports(work->layout, root);
    const PlanController *added = NULL;

    if (ports->len == 0) {
        added = plan_layout_add_port(work->layout, root, because);
        if (!added)
            return FALSE;
    }
    *ret = (BasePci){.bus = (guint8)(added ? added->index : g_array_index(ports, guint, 0))};
    return TRUE;
}

/* A bridge needs a port that QEMU makes before it. */
gboolean
plan_port_take_for_bridge(PlanWork *work, const ModelController *bridge, const char *because,
                          BasePci *ret)
{
    g_autoptr(GArray) ports = plan_layout_free_ports(work->layout, 0);
    const PlanController *added = NULL;

    if (ports->len > 0 && g_array_index(ports, guint, 0) < bridge->index) {
        *ret = (BasePci){.bus = (guint8)g_array_index(ports, guint, 0)};
        return TRUE;
    }
    added = plan_layout_add_port_below(work->layout, bridge->index, because);
    if (added)
        *ret = (BasePci){.bus = (guint8)added->index};
    return added != NULL;
}

/* A slot on a conventional bus that hangs below bus 0 */
gboolean
plan_port_take_conventional(PlanWork *work, BasePci *ret)
{
    const GPtrArray *controllers = plan_layout_controllers(work->layout);
    const PlanController *bridge = NULL;
    guint slot = 0;

    for (guint i = 0; i < controllers->len && !bridge; i++) {
        const PlanController *controller = controllers->pdata[i];

        if ((controller->kind == MODEL_BUS_PCIE_TO_PCI ||
             controller->kind == MODEL_BUS_PCI_BRIDGE) &&
            plan_layout_root(work->layout, controller->index) == 0 &&
            plan_layout_free_slot(work->layout, controller->index, &slot))
            bridge = controller;
    }
    if (!bridge) {
        bridge = plan_layout_add_bridge(work->layout, "bridge for conventional PCI devices");
        slot = 1;
    }
    if (bridge)
        *ret = (BasePci){.bus = (guint8)bridge->index, .slot = (guint8)slot};
    return bridge != NULL;
}

/* A bus without <node> belongs to no cell, and the guest knows no memory that is near. */
static void
note_cell(PlanWork *work, const PlanController *expander, const PlanSmmu *smmu)
{
    const PlanDevice *device = smmu->devices->len > 0 ? smmu->devices->pdata[0] : NULL;
    const HostDevice *fact = device ? device->hostdev->fact : NULL;
    g_autofree char *label = device ? view_hostdev_label(device->hostdev) : NULL;

    if (base_u64_is_known(expander->cell) || work->domain->numa_cells == 0 || !fact ||
        fact->numa_node.state == BASE_STATE_ABSENT)
        return;
    if (!base_u64_is_known(fact->numa_node))
        plan_note(work, "expander bus %u has no <node>: the host's NUMA node of %s is not known",
                  expander->index, label);
    else
        plan_note(work,
                  "expander bus %u has no <node>: no <memnode> in <numatune> says which cell has "
                  "memory of host node %" G_GUINT64_FORMAT " (%s)",
                  expander->index, fact->numa_node.value, label);
}

gboolean
plan_port_add_expander(PlanWork *work, PlanSmmu *smmu)
{
    g_autofree char *name = plan_unit_name(smmu->unit);
    g_autofree char *because = g_strdup_printf("guest bus for the devices behind %s", name);
    PlanController *expander = plan_layout_add_expander(work->layout, because);

    if (!expander) {
        plan_port_reject(work, "an expander bus");
        return FALSE;
    }
    smmu->bus = expander->index;
    for (guint i = 0; i < smmu->devices->len; i++) {
        const PlanDevice *device = smmu->devices->pdata[i];
        const HostDevice *fact = device->hostdev->fact;

        if (fact && !base_u64_is_known(expander->cell))
            expander->cell = plan_bus_cell(work->domain, fact->numa_node);
    }
    note_cell(work, expander, smmu);
    return TRUE;
}
