/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which devices can stay where they are in the guest, and which need a place. */
#include "plan-seat.h"

#include "host-isolation.h"
#include "plan-address.h"

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

/* Somebody made an expander bus for the cell that has memory of the device's host node. */
static guint
near_of(const PlanWork *work, const PlanSeat *seat)
{
    const HostDevice *fact = seat->device ? seat->device->hostdev->fact : NULL;
    guint near = !fact || seat->smmu || plan_seats_stay_unwritten(work)
                     ? 0
                     : plan_bus_near(work->layout, work->domain, fact->numa_node);
    g_autoptr(GArray) ports = plan_layout_free_ports(work->layout, near);

    if (is_accel_bus(work, near) || (work->live && ports->len == 0))
        return 0;
    return near;
}

gboolean
plan_seat_needs_own_port(const PlanSeat *seat)
{
    return seat->device && seat->device->mode != VIOMMU_MODE_NONE;
}

void
plan_seat_move(PlanSeat *seat, const char *because, const char *rule)
{
    seat->state = PLAN_SEAT_MOVE;
    seat->because = because;
    seat->rule = rule;
}

/* Behind a conventional bridge all devices are one to the vIOMMU: that works for plain DMA through
 * shadow tables, where both may be (QEMU 11.1.2 with VT-d, in the lab). */
static void
judge_conventional(PlanSeat *seat)
{
    if (seat->device->mode == VIOMMU_MODE_NESTED)
        plan_seat_move(seat, "VT-d first stage takes no device behind a conventional bridge",
                       "vtd-first-stage-bridge");
    else if (seat->device->usage > VIOMMU_USAGE_DMA || seat->now->kind != MODEL_ADDRESS_WRITTEN)
        plan_seat_move(seat,
                       "an assigned device behind a conventional bridge shares the bridge's group",
                       "bus-guest-group-shared");
}

/* A written place that works is kept; who shares its slot is looked at later. */
static void
judge_own_port(PlanWork *work, PlanSeat *seat, guint root)
{
    const BasePci *pci = &seat->now->pci;
    const PlanController *port = plan_layout_find(work->layout, pci->bus);
    gboolean plain = seat->device->usage == VIOMMU_USAGE_DMA;

    if (seat->smmu && (root == G_MAXUINT || root != seat->smmu->bus))
        plan_seat_move(seat, "its bus is that of the vSMMU which stands for its physical SMMU",
                       "accel-second-smmu");
    else if (seat->device->hostdev->conventional)
        judge_conventional(seat);
    else if (pci->bus == 0)
        return;
    else if (pci->slot != 0 || (port && port->kind != MODEL_BUS_ROOT_PORT &&
                                (!plain || port->kind != MODEL_BUS_DOWNSTREAM)))
        plan_seat_move(
            seat,
            "an assigned device needs a root port of its own to be alone in its group in the guest",
            "bus-guest-group-shared");
    /* without a port in the list libvirt adds a generic one for the bus that is named */
}

/* KubeVirt's hook sees a domain before anything in it has an address; libvirt gives each assigned
 * device a port of its own later. Only an accelerated vSMMU needs them in places that we say. */
gboolean
plan_seats_stay_unwritten(const PlanWork *work)
{
    return work->target.profile == VIOMMU_PROFILE_KUBEVIRT && work->smmus->len == 0 && !work->live;
}

static void
judge(PlanWork *work, PlanSeat *seat)
{
    gboolean placed = seat->now->kind != MODEL_ADDRESS_UNKNOWN;
    guint root = placed ? plan_layout_root(work->layout, seat->now->pci.bus) : G_MAXUINT;

    seat->state = seat->now->kind == MODEL_ADDRESS_WRITTEN ? PLAN_SEAT_KEEP : PLAN_SEAT_FREE;
    if (work->live && seat->device && seat->state == PLAN_SEAT_FREE) {
        plan_seat_move(seat, "a port of its own, and so that libvirt takes no other", NULL);
    } else if (seat->near && root != seat->near && seat->state == PLAN_SEAT_FREE) {
        plan_seat_move(seat, "the expander bus of the guest's cell that has memory near it", NULL);
    } else if (plan_seat_needs_own_port(seat)) {
        if (!placed && plan_seats_stay_unwritten(work))
            return;
        if (!placed || (seat->smmu && seat->state == PLAN_SEAT_FREE))
            plan_seat_move(seat, "libvirt would place it elsewhere", NULL);
        else
            judge_own_port(work, seat, root);
    } else if (root != G_MAXUINT && is_accel_bus(work, root)) {
        /* what is behind a bridge has a seat of its own, and QEMU lets bridges be there: 11.1
         * hw/arm/smmuv3-accel.c smmuv3_accel_pdev_allowed() */
        if (seat->bridge && seat->state == PLAN_SEAT_KEEP)
            return;
        plan_seat_move(seat, "only assigned devices may be behind an accelerated vSMMU",
                       "accel-emulated-endpoint");
    } else if (!placed && work->smmus->len > 0) {
        plan_seat_move(seat, "libvirt could place it behind an accelerated vSMMU",
                       "bus-unwritten-address-behind-expander");
    } else if (work->smmus->len > 0 && seat->device && seat->state == PLAN_SEAT_FREE) {
        seat->pinned = TRUE;
    }
}

gboolean
plan_seat_is_waiting(const PlanSeat *seat)
{
    return seat->state == PLAN_SEAT_MOVE;
}

static void
add_seat(PlanWork *work, GArray *seats, xmlNode *node, const ModelAddress *now,
         const ModelEndpoint *endpoint, const ModelController *bridge, const ViewHostdev *hostdev)
{
    PlanSeat seat = {.node = node, .now = now, .endpoint = endpoint, .bridge = bridge};

    if (now->kind == MODEL_ADDRESS_NONE)
        return;
    seat.device = hostdev ? plan_device_of(work, hostdev) : NULL;
    seat.smmu = smmu_of(work, seat.device);
    seat.near = near_of(work, &seat);
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

/* Function 0 of a slot that nobody shares (any more) */
static void
mend_function(PlanWork *work, const GArray *seats, const PlanSeat *seat)
{
    const HostDevice *fact = seat->device->hostdev->fact;

    if (seat->device->usage > VIOMMU_USAGE_GUEST_IOMMU && seat->now->multifunction &&
        seat->now->kind == MODEL_ADDRESS_WRITTEN && seat->now->pci.bus != 0 &&
        seat->now->pci.function == 0 && fact && host_pcie_redirects(&fact->pcie) == BASE_NO &&
        !plan_slot_has_more(seats, seat))
        plan_address_make_single(work, seat->node);
}

/* Of devices that stay where they are, or in their slot */
static void
mend_ports(PlanWork *work, const GArray *seats)
{
    for (guint i = 0; i < seats->len; i++) {
        const PlanSeat *seat = &g_array_index(seats, PlanSeat, i);
        const PlanController *port;

        if (!plan_seat_needs_own_port(seat) || (plan_seat_is_waiting(seat) && !seat->inherits) ||
            seat->device->usage == VIOMMU_USAGE_DMA || seat->now->kind == MODEL_ADDRESS_UNKNOWN)
            continue;
        mend_function(work, seats, seat);
        port = plan_layout_find(work->layout, seat->now->pci.bus);
        if (port && port->kind == MODEL_BUS_ROOT_PORT && !plan_layout_is_generic_port(port) &&
            port->existing->node)
            plan_address_make_generic(work, port);
    }
}

GArray *
plan_seats_collect(PlanWork *work)
{
    GArray *seats = g_array_new(FALSE, TRUE, sizeof(PlanSeat));

    for (guint i = 0; i < work->domain->endpoints->len; i++) {
        const ModelEndpoint *endpoint = work->domain->endpoints->pdata[i];

        add_seat(work, seats, endpoint->node, &endpoint->address, endpoint, NULL, NULL);
    }
    for (guint i = 0; i < work->view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = work->view->hostdevs->pdata[i];

        add_seat(work, seats, hostdev->dev->node, &hostdev->dev->address, NULL, NULL, hostdev);
    }
    collect_bridges(work, seats);
    plan_slots_judge(work, seats);
    mend_ports(work, seats);
    return seats;
}
