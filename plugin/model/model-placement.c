/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where libvirt will put devices that have no address: qemuDomainAssignPCIAddresses (11.3,
 * qemu_domain_address.c:2617), for the machines q35, i440fx and ARM virt. It runs twice, first to
 * learn which controllers must be added, then with them to choose the addresses.
 */
#include <string.h>

#include "model-items.h"
#include "model-private.h"
#include "model-slots.h"

static gboolean
is_wanted(const ModelItem *item)
{
    return !item->placed && item->address->kind != MODEL_ADDRESS_WRITTEN;
}

/* The IDE and USB controllers of the PIIX3 have their fixed place on i440fx. */
static gboolean
is_piix3(const ModelRun *run, const ModelItem *item, guint *ret_function)
{
    if (!run->domain->is_i440fx || !item->endpoint ||
        item->endpoint->rank != MODEL_RANK_CONTROLLER || item->endpoint->index != 0)
        return FALSE;
    *ret_function = g_str_has_prefix(item->endpoint->what, "ide") ? 1 : 2;
    return g_str_has_prefix(item->endpoint->what, "ide") ||
           strcmp(item->endpoint->what, "usb controller piix3-uhci") == 0;
}

static gboolean
refuse(ModelRun *run, ModelRefusal why, const xmlNode *node)
{
    why.node = node;
    if (why.kind != MODEL_REFUSAL_NONE)
        g_array_append_val(run->refusals, why);
    return FALSE;
}

/* Devices whose kind we do not know but whose address is written: their place is taken. A console
 * repeats the address of its serial port. */
static gboolean
reserve_strangers(const ModelRun *run, ModelSlots *slots)
{
    for (const xmlNode *node = model_first_element(run->domain->devices); node;
         node = model_next_element(node)) {
        gboolean known = model_is(node, "console") || model_attribute_is(node, "type", "pci");
        ModelAddress address;

        for (guint i = 0; i < run->items->len && !known; i++)
            known = model_run_item(run, i)->node == node;
        if (known)
            continue;
        address = model_guest_address(node);
        if (address.kind == MODEL_ADDRESS_WRITTEN &&
            !model_slots_reserve(slots, address.pci, MODEL_SLOT_PCI, NULL))
            return FALSE;
    }
    return TRUE;
}

/* libvirt stops at the first that it cannot have; here all are found. */
static gboolean
reserve_written(ModelRun *run, ModelSlots *slots)
{
    gboolean good = TRUE;
    guint function;

    for (guint i = 0; i < run->items->len; i++) {
        const ModelItem *item = model_run_item(run, i);
        ModelRefusal why = {0};

        if (item->address->kind == MODEL_ADDRESS_WRITTEN && !is_piix3(run, item, &function) &&
            !model_slots_reserve(slots, item->address->pci, item->flags & ~MODEL_SLOT_AUTO, &why))
            good = refuse(run, why, item->node);
    }
    return reserve_strangers(run, slots) && good;
}

/* A place that belongs to the chipset. FALSE: something else is written there. */
static gboolean
reserve_fixed(ModelRun *run, ModelSlots *slots, guint slot, guint function, guint flags)
{
    BasePci place = {0, 0, (guint8)slot, (guint8)function};
    ModelRefusal why = {0};

    if (model_slots_reserve(slots, place, flags, &why))
        return TRUE;
    for (guint i = 0; i < run->items->len; i++) {
        const ModelItem *item = model_run_item(run, i);

        if (item->address->kind == MODEL_ADDRESS_WRITTEN &&
            base_pci_equal(item->address->pci, place))
            return refuse(run, why, item->node);
    }
    return FALSE;
}

static void
put(ModelItem *item, guint slot, guint function)
{
    item->placed = TRUE;
    item->chosen = (BasePci){0, 0, (guint8)slot, (guint8)function};
}

/* Puts a wanted item onto a slot of bus 0 if that is free. */
static gboolean
put_if_free(ModelSlots *slots, ModelItem *item, guint slot, guint flags)
{
    if (model_slots_in_use(slots, 0, slot) ||
        !model_slots_reserve(slots, (BasePci){0, 0, (guint8)slot, 0}, flags, NULL))
        return FALSE;
    put(item, slot, 0);
    return TRUE;
}

static const ModelRefusal no_room = {.kind = MODEL_REFUSAL_ROOM};

/* The first video device: slot 1 (q35) or 2 (i440fx), else the next free place at this point. */
static gboolean
place_primary_video(ModelRun *run, ModelSlots *slots, guint slot, guint flags)
{
    for (guint i = 0; i < run->items->len; i++) {
        ModelItem *item = model_run_item(run, i);

        if (!item->endpoint || item->endpoint->rank != MODEL_RANK_VIDEO)
            continue;
        if (!is_wanted(item) || put_if_free(slots, item, slot, flags))
            return TRUE;
        item->placed = model_slots_reserve_next(slots, item->flags, -1, &item->chosen);
        return item->placed || refuse(run, no_room, item->node);
    }
    return TRUE;
}

/* qemuDomainValidateDevicePCISlotsQ35 */
static gboolean
place_q35(ModelRun *run, ModelSlots *slots)
{
    const guint flags = MODEL_SLOT_PCIE;
    gboolean sound_free;

    for (guint i = 0; i < run->items->len; i++) {
        ModelItem *item = model_run_item(run, i);

        if (!is_wanted(item))
            continue;
        if (item->endpoint && g_str_has_prefix(item->endpoint->what, "sata") &&
            item->endpoint->index == 0) {
            if (!reserve_fixed(run, slots, 0x1f, 2, flags))
                return FALSE;
            put(item, 0x1f, 2);
        } else if (item->usb_function == 0) {
            if (!put_if_free(slots, item, 0x1d, flags))
                put_if_free(slots, item, 0x1a, flags);
        } else if (item->controller && item->controller->kind == MODEL_BUS_DMI_TO_PCI) {
            put_if_free(slots, item, 0x1e, flags);
        }
    }
    if (!reserve_fixed(run, slots, 0x1f, 0, flags) || !reserve_fixed(run, slots, 0x1f, 3, flags) ||
        !place_primary_video(run, slots, 1, flags))
        return FALSE;
    sound_free = !model_slots_in_use(slots, 0, 0x1b);
    for (guint i = 0; i < run->items->len && sound_free; i++) {
        ModelItem *item = model_run_item(run, i);

        if (item->endpoint && strcmp(item->endpoint->what, "ich9 sound") == 0 && is_wanted(item))
            sound_free = !put_if_free(slots, item, 0x1b, flags);
    }
    return TRUE;
}

/* qemuDomainValidateDevicePCISlotsPIIX3 */
static gboolean
place_i440fx(ModelRun *run, ModelSlots *slots)
{
    const guint flags = MODEL_SLOT_PCI | MODEL_SLOT_AUTO;

    for (guint i = 0; i < run->items->len; i++) {
        ModelItem *item = model_run_item(run, i);
        guint function;

        if (!is_piix3(run, item, &function))
            continue;
        if (!reserve_fixed(run, slots, 1, function, flags))
            return FALSE;
        put(item, 1, function);
    }
    return reserve_fixed(run, slots, 1, 0, flags) && reserve_fixed(run, slots, 1, 3, flags) &&
           place_primary_video(run, slots, 2, flags);
}

static gboolean
place_chipset(ModelRun *run, ModelSlots *slots)
{
    if (run->domain->is_q35)
        return place_q35(run, slots);
    return !run->domain->is_i440fx || place_i440fx(run, slots);
}

/* The functions of one USB 2 controller share a slot once one of them has an address. */
static gboolean
place_usb2(ModelRun *run, ModelSlots *slots, ModelItem *item)
{
    for (guint i = 0; i < run->items->len; i++) {
        const ModelItem *other = model_run_item(run, i);
        BasePci address;

        if (other->usb_function < 0 || !other->endpoint ||
            other->endpoint->index != item->endpoint->index || is_wanted(other))
            continue;
        address = other->placed ? other->chosen : other->address->pci;
        address.function = (guint8)item->usb_function;
        item->chosen = address;
        return model_slots_reserve(slots, address, item->flags, NULL);
    }
    return model_slots_reserve_next(slots, item->flags, item->usb_function, &item->chosen);
}

static gboolean
place_rest(ModelRun *run, ModelSlots *slots)
{
    for (guint i = 0; i < run->items->len; i++) {
        ModelItem *item = model_run_item(run, i);

        if (!is_wanted(item))
            continue;
        item->placed = item->usb_function >= 0
                           ? place_usb2(run, slots, item)
                           : model_slots_reserve_next(slots, item->flags, -1, &item->chosen);
        if (!item->placed)
            return item->usb_function < 0 && refuse(run, no_room, item->node);
    }
    return TRUE;
}

static guint
bus_count(const ModelRun *run)
{
    guint count = 0;

    for (guint i = 0; i < run->domain->controllers->len; i++)
        count = MAX(count, ((ModelController *)run->domain->controllers->pdata[i])->index + 1);
    for (guint i = 0; i < run->added->len; i++)
        count = MAX(count, ((ModelController *)run->added->pdata[i])->index + 1);
    return count;
}

static void
set_kinds(const ModelSlots *slots, const GPtrArray *controllers)
{
    for (guint i = 0; i < controllers->len; i++) {
        const ModelController *controller = controllers->pdata[i];

        model_slots_set_kind((ModelSlots *)slots, controller->index, controller->kind);
    }
}

static ModelSlots *
slots_for(const ModelRun *run, gboolean may_grow)
{
    guint count = bus_count(run);
    ModelSlots *slots = model_slots_new(count, may_grow);

    set_kinds(slots, run->domain->controllers);
    set_kinds(slots, run->added);
    for (guint i = 1; i < count; i++)
        if (!model_slots_has_kind(slots, i))
            model_slots_set_kind(slots, i,
                                 model_has_pcie_root(run->domain) ? MODEL_BUS_ROOT_PORT
                                                                  : MODEL_BUS_PCI_BRIDGE);
    return slots;
}

static void
add_new_controller(ModelRun *run, guint index, ModelBusKind kind)
{
    ModelController *controller = g_new0(ModelController, 1);

    controller->index = index;
    controller->kind = kind;
    controller->model = model_bus_name(kind);
    controller->added = TRUE;
    controller->hole64 = base_u64_absent();
    controller->address.kind = MODEL_ADDRESS_UNKNOWN;
    g_ptr_array_add(run->added, controller);
}

/* The first pass: which controllers must be added? */
static gboolean
find_added(ModelRun *run)
{
    guint count = bus_count(run);
    g_autoptr(ModelSlots) slots = slots_for(run, TRUE);
    BasePci ignored;

    if (!reserve_written(run, slots) || !place_chipset(run, slots))
        return FALSE;
    /* one slot more, for a bridge in the future */
    if (run->domain->is_i440fx && !model_slots_all_full(slots) &&
        !model_slots_reserve_next(slots, MODEL_SLOT_PCI | MODEL_SLOT_AUTO, -1, &ignored))
        return FALSE;
    if (!place_rest(run, slots))
        return FALSE;
    /* one free port for hotplug, if the user listed no controller at all and some were needed */
    if (count <= 1 && model_slots_count(slots) > count && model_has_pcie_root(run->domain) &&
        !model_slots_reserve_next(slots, MODEL_SLOT_PCIE | MODEL_SLOT_AUTO, -1, &ignored))
        return FALSE;
    for (guint i = 1; i < model_slots_count(slots); i++)
        if (!model_controller(run->domain, i))
            add_new_controller(run, i, model_slots_kind(slots, i));
    return TRUE;
}

static gboolean
all_is_written(const ModelRun *run)
{
    for (guint i = 0; i < run->items->len; i++)
        if (model_run_item(run, i)->address->kind != MODEL_ADDRESS_WRITTEN)
            return FALSE;
    return run->added->len == 0;
}

/* Both passes; the second has nothing to choose where every address is written. FALSE: libvirt
 * would refuse the domain (then the run knows why), or an address is beyond us. */
static gboolean
place(ModelRun *run)
{
    g_autoptr(ModelSlots) slots = NULL;

    model_run_list(run);
    if (!find_added(run))
        return FALSE;
    if (all_is_written(run))
        return TRUE;
    model_run_list(run);
    slots = slots_for(run, FALSE);
    return reserve_written(run, slots) && place_chipset(run, slots) && place_rest(run, slots);
}

/* Whether @item got the same place in the other run. */
static gboolean
agrees(const ModelRun *other, const ModelItem *item)
{
    for (guint i = 0; i < other->items->len; i++) {
        const ModelItem *twin = model_run_item(other, i);
        gboolean same = item->controller && item->controller->added
                            ? twin->controller && twin->controller->added &&
                                  twin->controller->index == item->controller->index &&
                                  twin->controller->kind == item->controller->kind
                            : twin->address == item->address;

        if (same)
            return twin->placed && base_pci_equal(twin->chosen, item->chosen);
    }
    return FALSE;
}

static gboolean
adds_too(const ModelRun *other, const ModelController *controller)
{
    for (guint i = 0; i < other->added->len; i++) {
        const ModelController *twin = other->added->pdata[i];

        if (twin->index == controller->index && twin->kind == controller->kind)
            return TRUE;
    }
    return FALSE;
}

static void
forget_differences(ModelRun *run, const ModelRun *other)
{
    for (guint i = 0; i < run->items->len; i++) {
        ModelItem *item = model_run_item(run, i);

        item->placed = item->placed && agrees(other, item);
    }
    for (guint i = 0; i < run->added->len; i++) {
        ModelController *controller = run->added->pdata[i];

        controller->added = controller->added && adds_too(other, controller);
    }
}

/* Repeats the placement with every other answer to the questions that are open, and forgets the
 * places and added controllers that depend on them. */
static gboolean
compare_guesses(ModelRun *run)
{
    for (guint guess = 1; guess <= MODEL_GUESS_ALL; guess++) {
        g_autoptr(ModelRun) other = model_run_new(run->domain, guess);

        if ((guess & run->matters) != guess)
            continue;
        if (!place(other))
            return FALSE;
        run->matters |= other->matters;
        forget_differences(run, other);
    }
    return TRUE;
}

/* Whether libvirt refuses the domain whatever the answers to the open questions are */
static gboolean
is_refused(ModelRun *run)
{
    for (guint guess = 1; guess <= MODEL_GUESS_ALL && run->refusals->len > 0; guess++) {
        g_autoptr(ModelRun) other = model_run_new(run->domain, guess);

        if ((guess & run->matters) == guess && (place(other) || other->refusals->len == 0))
            return FALSE;
    }
    return run->refusals->len > 0;
}

static void
set_predicted(ModelRun *run)
{
    for (guint i = 0; i < run->items->len; i++) {
        ModelItem *item = model_run_item(run, i);

        if (item->address->kind != MODEL_ADDRESS_UNKNOWN || !item->placed)
            continue;
        item->address->kind = MODEL_ADDRESS_PREDICTED;
        item->address->pci = item->chosen;
    }
}

/* An interface of type network is listed twice; both entries tell the same. */
static void
copy_to_hostdevs(ModelRun *run)
{
    for (guint i = 0; i < run->domain->hostdevs->len; i++) {
        ModelHostdev *hostdev = run->domain->hostdevs->pdata[i];
        const ModelEndpoint *endpoint =
            hostdev->kind == MODEL_HOSTDEV_NETWORK ? model_run_endpoint(run, hostdev->node) : NULL;

        if (endpoint)
            hostdev->address = endpoint->address;
    }
}

static gboolean
can_predict(const ModelRun *run)
{
    const ModelController *root = model_controller(run->domain, 0);

    return (model_has_pcie_root(run->domain) || run->domain->is_i440fx) && root &&
           root->kind ==
               (model_has_pcie_root(run->domain) ? MODEL_BUS_PCIE_ROOT : MODEL_BUS_PCI_ROOT) &&
           bus_count(run) <= 256 && !model_controllers_may_overflow(run->domain);
}

void
model_predict_placement(ViommuDomain *domain)
{
    g_autoptr(ModelRun) run = model_run_new(domain, 0);

    if (!can_predict(run))
        return;
    if (!place(run)) {
        if (is_refused(run))
            g_array_append_vals(domain->refusals, run->refusals->data, run->refusals->len);
        return;
    }
    if (!compare_guesses(run))
        return;
    set_predicted(run);
    copy_to_hostdevs(run);
    for (guint i = 0; i < run->added->len; i++) {
        ModelController *controller = run->added->pdata[i];

        run->added->pdata[i] = NULL;
        if (controller->added)
            g_ptr_array_add(domain->added_controllers, controller);
        else
            g_free(controller);
    }
}
