/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where everything sits. Emulated devices come first, on ports of bus 0: libvirt gives a device
 * without address the free port of lowest index, so the ports behind a vIOMMU get higher ones.
 */
#include "plan-room.h"

#include "plan-address.h"
#include "plan-edit.h"
#include "plan-port.h"
#include "plan-seat.h"

/* --- whether the buses change at all --- */

/* Those that the domain may start without: hotplug-order.c says why */
static gboolean
has_latecomers(const PlanWork *work)
{
    if (!work->policy->avoid_boot_pinning || work->live || plan_seats_stay_unwritten(work))
        return FALSE;
    for (guint i = 0; i < work->plan->devices->len; i++) {
        const PlanDevice *device = work->plan->devices->pdata[i];

        if (device->mode == VIOMMU_MODE_SHADOW)
            return TRUE;
    }
    return FALSE;
}

/* What has no address takes the free port of lowest index when the domain starts, which may be that
 * of a device that comes later. On bus 0 it is in nobody's way. */
static gboolean
goes_to_a_port(const PlanSeat *seat)
{
    return seat->state == PLAN_SEAT_FREE &&
           (seat->now->kind != MODEL_ADDRESS_PREDICTED || seat->now->pci.bus != 0);
}

/* Once we add a controller libvirt adds no spare port by itself, and what has no address yet
 * would take the ports that we add: then every place is written down. */
static gboolean
buses_change(const PlanWork *work, const GArray *seats)
{
    gboolean later = has_latecomers(work);

    if (plan_viommu_is_new(work) && !plan_seats_stay_unwritten(work))
        return TRUE;
    for (guint i = 0; i < seats->len; i++) {
        const PlanSeat *seat = &g_array_index(seats, PlanSeat, i);

        if (plan_seat_is_waiting(seat) || seat->pinned || (later && goes_to_a_port(seat)))
            return TRUE;
    }
    for (guint i = 0; i < work->smmus->len; i++) {
        const PlanSmmu *smmu = work->smmus->pdata[i];

        if (smmu->bus == G_MAXUINT || plan_port_lacks_spares(work, smmu->bus))
            return TRUE;
    }
    return work->smmus->len == 0 && plan_port_lacks_spares(work, 0);
}

/* Keeps libvirt's own choice where that stays possible. */
static void
settle(PlanWork *work, PlanSeat *seat)
{
    const PlanController *bus = plan_layout_find(work->layout, seat->now->pci.bus);

    if (seat->state != PLAN_SEAT_FREE)
        return;
    if (seat->now->kind == MODEL_ADDRESS_PREDICTED && seat->now->pci.bus == 0 && !seat->pinned)
        return;
    if (seat->now->kind == MODEL_ADDRESS_PREDICTED && bus && !plan_seat_needs_own_port(seat)) {
        seat->state = PLAN_SEAT_WRITE;
        seat->because = seat->pinned ? "beside an accelerated vSMMU a device without address is "
                                       "taken for one that belongs behind it"
                                     : "so that it stays off the ports that are added";
    } else if (seat->now->kind == MODEL_ADDRESS_PREDICTED && bus) {
        seat->state = PLAN_SEAT_WRITE;
        seat->because = "a port of its own, and so that nothing else is put there";
    } else {
        plan_seat_move(seat,
                       plan_seat_needs_own_port(seat)
                           ? "a root port of its own"
                           : "so that it stays off the ports that are added",
                       NULL);
    }
}

/* --- giving places --- */

static gboolean
find_place(PlanWork *work, PlanSeat *seat, guint root)
{
    g_autofree char *port = NULL;
    g_autofree char *label = NULL;

    if (seat->leader) {
        seat->place = seat->leader->place;
        seat->place.function = seat->now->pci.function;
        return TRUE;
    }
    if (seat->device) {
        label = view_hostdev_label(seat->device->hostdev);
        port = g_strdup_printf(seat->leads ? "root port for %s and the functions of its slot"
                                           : "root port of its own for %s",
                               label);
    } else {
        port = g_strdup(seat->bridge ? "port for a bridge on the root complex"
                                     : "port for an emulated device on the root complex");
    }
    if (seat->endpoint && seat->endpoint->conventional)
        return plan_port_take_conventional(work, &seat->place);
    if (seat->bridge)
        return plan_port_take_for_bridge(work, seat->bridge, port, &seat->place);
    return plan_port_take(work, root, port, &seat->place);
}

/* @shared: others are, or will be, in that slot */
static void
take_place(PlanWork *work, PlanSeat *seat, gboolean shared)
{
    seat->given = TRUE;
    plan_layout_take(work->layout, seat->place);
    if (seat->bridge)
        plan_layout_find(work->layout, seat->bridge->index)->address = seat->place;
    if (seat->device)
        seat->device->bus = base_u64(seat->place.bus);
    if (seat->node)
        plan_address_write(work, seat->node, seat->place,
                           seat->now->kind == MODEL_ADDRESS_WRITTEN ? base_tri(shared)
                                                                    : BASE_UNKNOWN,
                           seat->because, seat->rule);
    else /* of a kind that cannot be written it takes this port anyhow: the first that is free */
        (void)plan_address_write_implicit(work, seat->endpoint, seat->place);
}

static gboolean
seat_on(PlanWork *work, PlanSeat *seat, guint root)
{
    if (seat->given)
        return TRUE;
    if ((seat->leader && !seat_on(work, seat->leader, root)) || !find_place(work, seat, root))
        return FALSE;
    take_place(work, seat, seat->leads);
    return TRUE;
}

/* In the slots where they are, before somebody else takes these for free. */
static void
seat_heirs(PlanWork *work, const GArray *seats)
{
    for (guint i = 0; i < seats->len; i++) {
        PlanSeat *seat = &g_array_index(seats, PlanSeat, i);

        if (!seat->inherits)
            continue;
        seat->place = seat->now->pci;
        seat->place.function = 0;
        take_place(work, seat, plan_slot_has_more(seats, seat));
    }
}

static gboolean
seat_all(PlanWork *work, const GArray *seats, const PlanSmmu *smmu, gboolean assigned)
{
    for (guint i = 0; i < seats->len; i++) {
        PlanSeat *seat = &g_array_index(seats, PlanSeat, i);
        gboolean mine = seat->smmu == smmu && (smmu || plan_seat_needs_own_port(seat) == assigned);

        if (!mine || !plan_seat_is_waiting(seat))
            continue;
        if (!seat_on(work, seat, smmu ? smmu->bus : seat->near)) {
            plan_port_reject(work, "another port");
            return FALSE;
        }
    }
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
        !plan_port_add_spares(work, 0, 1, "free port for hotplug on the root complex"))
        return FALSE;
    for (guint i = 0; i < work->smmus->len; i++) {
        PlanSmmu *smmu = work->smmus->pdata[i];

        if (smmu->bus == G_MAXUINT && !plan_port_add_expander(work, smmu))
            return FALSE;
    }
    for (guint i = 0; i < work->smmus->len; i++) {
        PlanSmmu *smmu = work->smmus->pdata[i];

        if (!seat_all(work, seats, smmu, TRUE) ||
            !plan_port_add_spares(work, smmu->bus, work->spares, spare))
            return FALSE;
    }
    return TRUE;
}

static void
write_settled(PlanWork *work, const GArray *seats)
{
    for (guint i = 0; i < seats->len; i++) {
        const PlanSeat *seat = &g_array_index(seats, PlanSeat, i);

        if (seat->state == PLAN_SEAT_WRITE && seat->node)
            plan_address_write(work, seat->node, seat->now->pci, BASE_UNKNOWN, seat->because, NULL);
        else if (seat->state == PLAN_SEAT_WRITE && seat->endpoint)
            plan_address_write_implicit(work, seat->endpoint, seat->now->pci);
    }
}

static void
release_waiting(PlanWork *work, const GArray *seats)
{
    for (guint i = 0; i < seats->len; i++) {
        const PlanSeat *seat = &g_array_index(seats, PlanSeat, i);

        if (plan_seat_is_waiting(seat) && seat->now->kind != MODEL_ADDRESS_UNKNOWN)
            plan_layout_release(work->layout, seat->now->pci);
    }
}

/* --- telling --- */

/* A place that somebody wrote stays, far from the device's memory as it may be. */
static void
note_cell(const PlanWork *work, PlanDevice *device, guint root)
{
    const HostDevice *fact = device->hostdev->fact;
    const PlanController *expander = plan_layout_find(work->layout, root);
    BaseU64 cell = fact ? plan_bus_cell(work->domain, fact->numa_node) : (BaseU64){0};

    if (expander && base_u64_is_known(expander->cell) && base_u64_is_known(cell) &&
        expander->cell.value != cell.value)
        plan_device_note(device,
                         "its bus is of the guest's cell %" G_GUINT64_FORMAT
                         ", and the memory near it is that of cell %" G_GUINT64_FORMAT,
                         expander->cell.value, cell.value);
}

static void
describe(const PlanWork *work, const PlanSeat *seat)
{
    PlanDevice *device = seat->device;
    const PlanController *port;
    g_autofree char *unit = NULL;
    guint root;

    if (!base_u64_is_known(device->bus) && seat->now->kind != MODEL_ADDRESS_UNKNOWN &&
        seat->state != PLAN_SEAT_MOVE)
        device->bus = base_u64(seat->now->pci.bus);
    if (!base_u64_is_known(device->bus)) {
        device->where = g_strdup("where libvirt places it");
        return;
    }
    port = plan_layout_find(work->layout, (guint)device->bus.value);
    root = port ? plan_layout_root(work->layout, port->index) : 0;
    note_cell(work, device, root);
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
finish(PlanWork *work, const GArray *seats, gboolean placed)
{
    for (guint i = 0; i < seats->len; i++) {
        const PlanSeat *seat = &g_array_index(seats, PlanSeat, i);

        if (seat->device)
            describe(work, seat);
    }
    for (guint i = 0; i < work->smmus->len; i++) {
        const PlanSmmu *smmu = work->smmus->pdata[i];

        plan_port_list_spares(work, smmu->bus, placed);
    }
    if (work->smmus->len == 0)
        plan_port_list_spares(work, 0, placed);
    plan_address_write_controllers(work);
}

gboolean
plan_place(PlanWork *work)
{
    g_autoptr(GArray) seats = plan_seats_collect(work);
    gboolean placed = buses_change(work, seats);

    if (placed) {
        for (guint i = 0; i < seats->len; i++)
            settle(work, &g_array_index(seats, PlanSeat, i));
        release_waiting(work, seats);
        seat_heirs(work, seats);
        if (!seat_all(work, seats, NULL, FALSE) || !seat_behind_smmus(work, seats) ||
            !seat_all(work, seats, NULL, TRUE))
            return FALSE;
        if (work->smmus->len == 0 &&
            !plan_port_add_spares(work, 0, work->spares, "free port for hotplug"))
            return FALSE;
        write_settled(work, seats);
    }
    if (!plan_bus_number(work->layout)) {
        plan_port_reject(work, "the bus numbers of another expander");
        return FALSE;
    }
    finish(work, seats, placed);
    return TRUE;
}
