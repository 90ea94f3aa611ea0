/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices that somebody put into one slot of the guest. Each function has an address space of its
 * own there (QEMU 11.1 hw/i386/intel_iommu.c vtd_find_add_as and hw/virtio/virtio-iommu.c
 * virtio_iommu_find_add_as go by bus and devfn), so a slot works and is kept. Linux in the guest
 * makes one group of functions without ACS (7.2 drivers/iommu/iommu.c
 * get_pci_function_alias_group), which is in the way of a device that the guest isolates. Whether
 * the ACS of a host's function reaches the guest nobody tells, so none is counted on.
 */
#include "plan-seat.h"

#define DISPLAY_CLASS 3

static gboolean
is_mate(const PlanSeat *seat, const PlanSeat *other)
{
    return other != seat && !seat->bridge && !other->bridge &&
           model_address_share_slot(seat->now, other->now);
}

/* Another device of its slot: any, or function 0. NULL: none */
static PlanSeat *
find_mate(const GArray *seats, const PlanSeat *seat, gboolean zero)
{
    for (guint i = 0; i < seats->len; i++) {
        PlanSeat *other = &g_array_index(seats, PlanSeat, i);

        if (is_mate(seat, other) && (!zero || other->now->pci.function == 0))
            return other;
    }
    return NULL;
}

static gboolean
is_display(const ViewHostdev *hostdev)
{
    return hostdev->fact && base_u64_is_known(hostdev->fact->class) &&
           hostdev->fact->class.value >> 16 == DISPLAY_CLASS;
}

static gboolean
is_companion(const ViewHostdev *gpu, const ViewHostdev *other)
{
    const BasePci *a = &gpu->dev->host, *b = &other->dev->host;

    return is_display(gpu) && !is_display(other) && gpu->dev->host_known &&
           other->dev->host_known && a->domain == b->domain && a->bus == b->bus &&
           a->slot == b->slot && model_address_share_slot(&gpu->dev->address, &other->dev->address);
}

gboolean
plan_slot_is_card_of(const PlanWork *work, const ViewHostdev *gpu, const ViewHostdev *other)
{
    const ModelAddress *slot = &gpu->dev->address;

    for (guint i = 0; i < work->view->hostdevs->len; i++) {
        const ViewHostdev *it = work->view->hostdevs->pdata[i];

        if (it != gpu && model_address_share_slot(slot, &it->dev->address) &&
            !is_companion(gpu, it))
            return FALSE;
    }
    for (guint i = 0; i < work->domain->endpoints->len; i++) {
        const ModelEndpoint *endpoint = work->domain->endpoints->pdata[i];

        if (model_address_share_slot(slot, &endpoint->address))
            return FALSE;
    }
    return slot->pci.function == 0 && is_companion(gpu, other);
}

/* Whether its slot holds one GPU with its companions and nothing else */
static gboolean
is_in_card(const GArray *seats, const PlanSeat *seat)
{
    const PlanSeat *zero = seat->now->pci.function == 0 ? seat : find_mate(seats, seat, TRUE);

    if (!zero || !zero->device)
        return FALSE;
    for (guint i = 0; i < seats->len; i++) {
        const PlanSeat *other = &g_array_index(seats, PlanSeat, i);

        if (is_mate(zero, other) &&
            (!other->device || !is_companion(zero->device->hostdev, other->device->hostdev)))
            return FALSE;
    }
    return TRUE;
}

/* A card is handed on inside the guest as it is on a host: all of it. Linux enables PASIDs for no
 * function of such a slot (drivers/pci/ats.c pci_enable_pasid wants ACS on the way up, that of the
 * function included). Whose policy makes an error of the shared group gets none. */
static gboolean
must_be_alone(const PlanWork *work, const GArray *seats, const PlanSeat *seat)
{
    if (!plan_seat_needs_own_port(seat) || seat->device->usage == VIOMMU_USAGE_DMA)
        return FALSE;
    return seat->device->usage > VIOMMU_USAGE_GUEST_IOMMU || !is_in_card(seats, seat) ||
           plan_policy_forbids(work, "bus-guest-group-shared");
}

/* Function 0 stays where it is: the guest sees no slot without it. */
static void
part(const PlanWork *work, const GArray *seats, PlanSeat *seat)
{
    const PlanSeat *zero = seat->now->pci.function == 0 ? NULL : find_mate(seats, seat, TRUE);

    seat->apart = must_be_alone(work, seats, seat) || (zero && must_be_alone(work, seats, zero));
    if (seat->apart && zero && !plan_seat_is_waiting(zero) && !plan_seat_is_waiting(seat))
        plan_seat_move(seat,
                       "functions of one slot are one group in the guest, and the guest isolates "
                       "one of them",
                       "bus-guest-group-shared");
}

/* Of those beside function 0 that have no reason to leave */
static gboolean
is_first_that_stays(const GArray *seats, const PlanSeat *seat)
{
    for (guint i = 0; i < seats->len; i++) {
        const PlanSeat *other = &g_array_index(seats, PlanSeat, i);

        if (is_mate(seat, other) && other->now->pci.function < seat->now->pci.function &&
            (other->inherits || !plan_seat_is_waiting(other)))
            return FALSE;
    }
    return TRUE;
}

/* Where function 0 goes the others go too, or the first that stays takes its place. */
static void
follow(const GArray *seats, PlanSeat *seat)
{
    PlanSeat *zero = seat->now->pci.function == 0 ? NULL : find_mate(seats, seat, TRUE);

    if (!zero || !plan_seat_is_waiting(zero))
        return;
    if (plan_seat_is_waiting(seat)) {
        if (plan_seat_needs_own_port(seat) && plan_seat_needs_own_port(zero) && !seat->apart &&
            !zero->apart && seat->smmu == zero->smmu)
            seat->leader = zero;
    } else if (is_first_that_stays(seats, seat)) {
        plan_seat_move(seat,
                       "function 0 of its slot goes elsewhere, and without one the guest sees "
                       "nothing there",
                       "bus-function-without-zero");
        seat->inherits = TRUE;
    }
    zero->leads = zero->leads || seat->leader;
}

gboolean
plan_slot_has_more(const GArray *seats, const PlanSeat *seat)
{
    for (guint i = 0; i < seats->len; i++) {
        const PlanSeat *other = &g_array_index(seats, PlanSeat, i);

        if (is_mate(seat, other) && !plan_seat_is_waiting(other))
            return TRUE;
    }
    return FALSE;
}

static void
tell(const GArray *seats, const PlanSeat *seat)
{
    gboolean shared =
        plan_seat_is_waiting(seat) ? seat->leads || seat->leader : plan_slot_has_more(seats, seat);

    if (shared && plan_seat_needs_own_port(seat) && seat->device->usage > VIOMMU_USAGE_DMA &&
        !seat->apart)
        plan_device_note(seat->device,
                         "in the guest it is one group with its companions in the slot: whoever "
                         "takes it there takes them all");
}

void
plan_slots_judge(const PlanWork *work, const GArray *seats)
{
    for (guint i = 0; i < seats->len; i++) {
        PlanSeat *seat = &g_array_index(seats, PlanSeat, i);

        if (find_mate(seats, seat, FALSE))
            part(work, seats, seat);
    }
    for (guint i = 0; i < seats->len; i++) {
        PlanSeat *seat = &g_array_index(seats, PlanSeat, i);

        if (find_mate(seats, seat, FALSE))
            follow(seats, seat);
    }
    for (guint i = 0; i < seats->len; i++)
        tell(seats, &g_array_index(seats, PlanSeat, i));
}
