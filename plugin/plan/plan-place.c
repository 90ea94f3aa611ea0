/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where everything sits. Emulated devices come first, on ports of bus 0: libvirt gives a device
 * without address the free port of lowest index, so the ports behind a vIOMMU get higher ones.
 */
#include "plan-room.h"

#include "plan-address.h"
#include "plan-edit.h"

typedef enum {
    SEAT_KEEP,  /* where it is, as it is written */
    SEAT_FREE,  /* not written, and no reason to */
    SEAT_WRITE, /* where libvirt would put it, but written down */
    SEAT_MOVE,  /* must go elsewhere */
} SeatState;

/* One device that needs a place on a bus. */
typedef struct {
    xmlNode *node;
    const ModelAddress *now;
    const ModelEndpoint *endpoint; /* NULL: a <hostdev> or <interface> */
    PlanDevice *device;            /* NULL: emulated, or not surely assigned */
    PlanSmmu *smmu;                /* that it must be behind */
    const ModelController *bridge; /* that is the device itself */
    SeatState state;
    gboolean pinned; /* where it stays, it has to be written */
    const char *because, *rule;
} Seat;

static void
reject_room(PlanWork *work, const char *what)
{
    g_autofree char *reason =
        g_strdup_printf("the domain has no room for %s: all slots or indexes are taken", what);

    g_ptr_array_add(work->plan->rejected,
                    plan_rejection_new(NULL, PLAN_NO_CANDIDATE, NULL,
                                       "fewer devices, or fewer spare ports", reason));
}

static PlanSmmu *
smmu_of(const PlanWork *work, const PlanDevice *device)
{
    for (guint i = 0; device && i < work->smmus->len; i++) {
        PlanSmmu *smmu = work->smmus->pdata[i];

        if (g_ptr_array_find(smmu->devices, device, NULL))
            return smmu;
    }
    return NULL;
}

static gboolean
is_accel_bus(const PlanWork *work, guint root)
{
    for (guint i = 0; i < work->smmus->len; i++) {
        const PlanSmmu *smmu = work->smmus->pdata[i];

        if (smmu->bus == root)
            return TRUE;
    }
    return FALSE;
}

/* --- judging where each device is now --- */

static gboolean
needs_own_port(const PlanWork *work, const Seat *seat)
{
    (void)work;
    return seat->device && seat->device->mode != VIOMMU_MODE_NONE;
}

static void
move(Seat *seat, const char *because, const char *rule)
{
    seat->state = SEAT_MOVE;
    seat->because = because;
    seat->rule = rule;
}

static void
judge_own_port(PlanWork *work, Seat *seat, guint root)
{
    const BasePci *pci = &seat->now->pci;
    const PlanController *port = plan_layout_find(work->layout, pci->bus);

    if (seat->smmu && (root == G_MAXUINT || root != seat->smmu->bus))
        move(seat, "its bus is that of the vSMMU which stands for its physical SMMU",
             "accel-second-smmu");
    else if (seat->device->hostdev->conventional)
        move(seat, "an assigned device behind a conventional bridge shares the bridge's group",
             "bus-guest-group-shared");
    else if (pci->bus == 0)
        move(seat,
             "an assigned device on a root port of its own can be unplugged and is alone in "
             "its group in the guest",
             NULL);
    else if (pci->slot != 0 || pci->function != 0 ||
             plan_layout_users(work->layout, pci->bus) > 1 ||
             (port && port->kind != MODEL_BUS_ROOT_PORT))
        move(
            seat,
            "an assigned device needs a root port of its own to be alone in its group in the guest",
            "bus-guest-group-shared");
    else if (seat->device->usage > VIOMMU_USAGE_DMA && port && !plan_layout_is_generic_port(port) &&
             port->existing->node)
        plan_address_make_generic(work, port);
    /* without a port in the list libvirt adds a generic one for the bus that is named */
}

/* KubeVirt's hook sees a domain before anything in it has an address; libvirt gives each assigned
 * device a port of its own later. Only an accelerated vSMMU needs them in places that we say. */
static gboolean
leaves_places(const PlanWork *work)
{
    return work->target.profile == VIOMMU_PROFILE_KUBEVIRT && work->smmus->len == 0 && !work->live;
}

static void
judge(PlanWork *work, Seat *seat)
{
    gboolean placed = seat->now->kind != MODEL_ADDRESS_UNKNOWN;
    guint root = placed ? plan_layout_root(work->layout, seat->now->pci.bus) : G_MAXUINT;

    seat->state = seat->now->kind == MODEL_ADDRESS_WRITTEN ? SEAT_KEEP : SEAT_FREE;
    if (work->live && seat->device && seat->state == SEAT_FREE) {
        move(seat, "a port of its own, and so that libvirt takes no other", NULL);
    } else if (needs_own_port(work, seat)) {
        if (!placed && leaves_places(work))
            return;
        if (!placed || (seat->smmu && seat->state == SEAT_FREE))
            move(seat, "libvirt would place it elsewhere", NULL);
        else
            judge_own_port(work, seat, root);
    } else if (root != G_MAXUINT && is_accel_bus(work, root)) {
        /* what is behind a bridge has a seat of its own, and QEMU lets bridges be there: 11.1
         * hw/arm/smmuv3-accel.c smmuv3_accel_pdev_allowed() */
        if (seat->bridge && seat->state == SEAT_KEEP)
            return;
        move(seat, "only assigned devices may be behind an accelerated vSMMU",
             "accel-emulated-endpoint");
    } else if (!placed && work->smmus->len > 0) {
        move(seat, "libvirt could place it behind an accelerated vSMMU",
             "bus-unwritten-address-behind-expander");
    } else if (work->smmus->len > 0 && seat->device && seat->state == SEAT_FREE) {
        seat->pinned = TRUE;
    }
}

static gboolean
is_waiting(const Seat *seat)
{
    return seat->state == SEAT_MOVE;
}

static void
add_seat(PlanWork *work, GArray *seats, xmlNode *node, const ModelAddress *now,
         const ModelEndpoint *endpoint, const ModelController *bridge, const ViewHostdev *hostdev)
{
    Seat seat = {.node = node, .now = now, .endpoint = endpoint, .bridge = bridge};

    if (now->kind == MODEL_ADDRESS_NONE)
        return;
    seat.device = hostdev ? plan_device_of(work, hostdev) : NULL;
    seat.smmu = smmu_of(work, seat.device);
    judge(work, &seat);
    g_array_append_val(seats, seat);
}

/* Bridges and switches without address take a port as well, like a device. */
static void
collect_bridges(PlanWork *work, GArray *seats)
{
    for (guint i = 0; i < work->domain->controllers->len; i++) {
        const ModelController *it = work->domain->controllers->pdata[i];

        if (it->node && (it->kind == MODEL_BUS_PCIE_TO_PCI || it->kind == MODEL_BUS_UPSTREAM)) {
            add_seat(work, seats, it->node, &it->address, NULL, it, NULL);
        }
    }
}

static GArray *
collect(PlanWork *work)
{
    GArray *seats = g_array_new(FALSE, TRUE, sizeof(Seat));

    for (guint i = 0; i < work->domain->endpoints->len; i++) {
        const ModelEndpoint *endpoint = work->domain->endpoints->pdata[i];

        add_seat(work, seats, endpoint->node, &endpoint->address, endpoint, NULL, NULL);
    }
    for (guint i = 0; i < work->view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = work->view->hostdevs->pdata[i];

        add_seat(work, seats, hostdev->dev->node, &hostdev->dev->address, NULL, NULL, hostdev);
    }
    collect_bridges(work, seats);
    return seats;
}

/* --- whether the buses change at all --- */

/* Ports that stay free where nothing is written: bridges that libvirt adds take some. */
static GArray *
free_ports_now(const PlanWork *work, guint root)
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

static gboolean
lacks_spares(const PlanWork *work, guint root)
{
    g_autoptr(GArray) ports = free_ports_now(work, root);

    return ports->len < work->spares;
}

/* Once we add a controller libvirt adds no spare port by itself, and what has no address yet
 * would take the ports that we add: then every place is written down. */
static gboolean
buses_change(const PlanWork *work, const GArray *seats)
{
    if (plan_viommu_is_new(work) && !leaves_places(work))
        return TRUE;
    for (guint i = 0; i < seats->len; i++) {
        const Seat *seat = &g_array_index(seats, Seat, i);

        if (is_waiting(seat) || seat->pinned)
            return TRUE;
    }
    for (guint i = 0; i < work->smmus->len; i++) {
        const PlanSmmu *smmu = work->smmus->pdata[i];

        if (smmu->bus == G_MAXUINT || lacks_spares(work, smmu->bus))
            return TRUE;
    }
    return work->smmus->len == 0 && lacks_spares(work, 0);
}

/* Keeps libvirt's own choice where that stays possible. */
static void
settle(PlanWork *work, Seat *seat)
{
    const PlanController *bus = plan_layout_find(work->layout, seat->now->pci.bus);

    if (seat->state != SEAT_FREE)
        return;
    if (seat->now->kind == MODEL_ADDRESS_PREDICTED && seat->now->pci.bus == 0 && !seat->pinned)
        return;
    if (seat->now->kind == MODEL_ADDRESS_PREDICTED && bus && !needs_own_port(work, seat)) {
        seat->state = SEAT_WRITE;
        seat->because = seat->pinned ? "beside an accelerated vSMMU a device without address is "
                                       "taken for one that belongs behind it"
                                     : "so that it stays off the ports that are added";
    } else if (seat->now->kind == MODEL_ADDRESS_PREDICTED && bus) {
        seat->state = SEAT_WRITE;
        seat->because = "a port of its own, and so that nothing else is put there";
    } else {
        move(seat,
             needs_own_port(work, seat) ? "a root port of its own"
                                        : "so that it stays off the ports that are added",
             NULL);
    }
}

/* --- giving places --- */

static gboolean
take_port(PlanWork *work, guint root, const char *because, BasePci *ret)
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
static gboolean
take_port_for_bridge(PlanWork *work, const ModelController *bridge, const char *because,
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
static gboolean
take_conventional(PlanWork *work, BasePci *ret)
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

static gboolean
seat_on(PlanWork *work, const Seat *seat, guint root)
{
    g_autofree char *port = NULL;
    g_autofree char *label = NULL;
    BasePci address = {0};
    gboolean found;

    if (seat->device) {
        label = view_hostdev_label(seat->device->hostdev);
        port = g_strdup_printf("root port of its own for %s", label);
    } else {
        port = g_strdup(seat->bridge ? "port for a bridge on the root complex"
                                     : "port for an emulated device on the root complex");
    }
    if (seat->endpoint && seat->endpoint->conventional)
        found = take_conventional(work, &address);
    else if (seat->bridge)
        found = take_port_for_bridge(work, seat->bridge, port, &address);
    else
        found = take_port(work, root, port, &address);
    if (!found)
        return FALSE;
    plan_layout_take(work->layout, address);
    if (seat->bridge)
        plan_layout_find(work->layout, seat->bridge->index)->address = address;
    if (seat->device)
        seat->device->bus = base_u64(address.bus);
    if (seat->node)
        plan_address_write(work, seat->node, address, seat->because, seat->rule);
    else /* of a kind that cannot be written it takes this port anyhow: the first that is free */
        (void)plan_address_write_implicit(work, seat->endpoint, address);
    return TRUE;
}

static gboolean
seat_all(PlanWork *work, const GArray *seats, const PlanSmmu *smmu, gboolean assigned)
{
    for (guint i = 0; i < seats->len; i++) {
        const Seat *seat = &g_array_index(seats, Seat, i);
        gboolean mine = seat->smmu == smmu && (smmu || needs_own_port(work, seat) == assigned);

        if (!mine || !is_waiting(seat))
            continue;
        if (!seat_on(work, seat, smmu ? smmu->bus : 0)) {
            reject_room(work, "another port");
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean
add_spares(PlanWork *work, guint root, guint wanted, const char *because)
{
    g_autoptr(GArray) ports = plan_layout_free_ports(work->layout, root);

    for (guint have = ports->len; have < wanted; have++) {
        PlanController *port = plan_layout_add_port(work->layout, root, because);

        if (!port) {
            reject_room(work, "the spare ports");
            return FALSE;
        }
        port->rule = "hotplug-no-free-port";
    }
    return TRUE;
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

static gboolean
add_expander(PlanWork *work, PlanSmmu *smmu)
{
    g_autofree char *name = plan_unit_name(smmu->unit);
    g_autofree char *because = g_strdup_printf("guest bus for the devices behind %s", name);
    PlanController *expander = plan_layout_add_expander(work->layout, because);

    if (!expander) {
        reject_room(work, "an expander bus");
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

static gboolean
seat_behind_smmus(PlanWork *work, const GArray *seats)
{
    static const char spare[] = "free port for hotplug behind this vSMMU";
    gboolean added = FALSE;

    for (guint i = 0; i < work->smmus->len; i++) {
        PlanSmmu *smmu = work->smmus->pdata[i];

        added = added || smmu->bus == G_MAXUINT;
    }
    if (added && work->spares > 0 &&
        !add_spares(work, 0, 1, "free port for hotplug on the root complex"))
        return FALSE;
    for (guint i = 0; i < work->smmus->len; i++) {
        PlanSmmu *smmu = work->smmus->pdata[i];

        if (smmu->bus == G_MAXUINT && !add_expander(work, smmu))
            return FALSE;
    }
    for (guint i = 0; i < work->smmus->len; i++) {
        PlanSmmu *smmu = work->smmus->pdata[i];

        if (!seat_all(work, seats, smmu, TRUE) || !add_spares(work, smmu->bus, work->spares, spare))
            return FALSE;
    }
    return TRUE;
}

static void
write_settled(PlanWork *work, const GArray *seats)
{
    for (guint i = 0; i < seats->len; i++) {
        const Seat *seat = &g_array_index(seats, Seat, i);

        if (seat->state == SEAT_WRITE && seat->node)
            plan_address_write(work, seat->node, seat->now->pci, seat->because, NULL);
        else if (seat->state == SEAT_WRITE && seat->endpoint)
            plan_address_write_implicit(work, seat->endpoint, seat->now->pci);
    }
}

static void
release_waiting(PlanWork *work, const GArray *seats)
{
    for (guint i = 0; i < seats->len; i++) {
        const Seat *seat = &g_array_index(seats, Seat, i);

        if (is_waiting(seat) && seat->now->kind != MODEL_ADDRESS_UNKNOWN)
            plan_layout_release(work->layout, seat->now->pci);
    }
}

/* --- telling --- */

static void
describe(const PlanWork *work, const Seat *seat)
{
    PlanDevice *device = seat->device;
    const PlanController *port;
    g_autofree char *unit = NULL;
    guint root;

    if (!base_u64_is_known(device->bus) && seat->now->kind != MODEL_ADDRESS_UNKNOWN &&
        seat->state != SEAT_MOVE)
        device->bus = base_u64(seat->now->pci.bus);
    if (!base_u64_is_known(device->bus)) {
        device->where = g_strdup("where libvirt places it");
        return;
    }
    port = plan_layout_find(work->layout, (guint)device->bus.value);
    root = port ? plan_layout_root(work->layout, port->index) : 0;
    if (seat->smmu) {
        unit = plan_unit_name(seat->smmu->unit);
        device->where =
            g_strdup_printf("bus %u on expander %u (%s)", (guint)device->bus.value, root, unit);
    } else if (root != 0 && root != G_MAXUINT) {
        device->where = g_strdup_printf("bus %u on expander %u", (guint)device->bus.value, root);
    } else {
        device->where = g_strdup_printf("bus %u", (guint)device->bus.value);
    }
}

static void
list_spares(PlanWork *work, guint root)
{
    g_autoptr(GArray) ports = plan_layout_changed(work->layout)
                                  ? plan_layout_free_ports(work->layout, root)
                                  : free_ports_now(work, root);

    g_array_append_vals(work->plan->spare_ports, ports->data, ports->len);
}

static void
finish(PlanWork *work, const GArray *seats)
{
    for (guint i = 0; i < seats->len; i++) {
        const Seat *seat = &g_array_index(seats, Seat, i);

        if (seat->device)
            describe(work, seat);
    }
    for (guint i = 0; i < work->smmus->len; i++) {
        const PlanSmmu *smmu = work->smmus->pdata[i];

        list_spares(work, smmu->bus);
    }
    if (work->smmus->len == 0)
        list_spares(work, 0);
    plan_address_write_controllers(work);
}

gboolean
plan_place(PlanWork *work)
{
    g_autoptr(GArray) seats = collect(work);

    if (buses_change(work, seats)) {
        for (guint i = 0; i < seats->len; i++)
            settle(work, &g_array_index(seats, Seat, i));
        release_waiting(work, seats);
        if (!seat_all(work, seats, NULL, FALSE) || !seat_behind_smmus(work, seats) ||
            !seat_all(work, seats, NULL, TRUE))
            return FALSE;
        if (work->smmus->len == 0 && !add_spares(work, 0, work->spares, "free port for hotplug"))
            return FALSE;
        write_settled(work, seats);
    }
    if (!plan_bus_number(work->layout)) {
        reject_room(work, "the bus numbers of another expander");
        return FALSE;
    }
    finish(work, seats);
    return TRUE;
}
