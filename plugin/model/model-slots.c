/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model-slots.h"

#define SLOT_COUNT 32
/* Bus numbers are bytes. */
#define MAX_BUSES 256

typedef struct {
    gboolean set;
    ModelBusKind kind;
    guint flags;
    guint first, last; /* slots */
    guint8 functions[SLOT_COUNT];
    gboolean aggregate[SLOT_COUNT];
} Bus;

struct ModelSlots {
    GArray *buses; /* of Bus */
    gboolean may_grow;
};

/* What each kind accepts, and its slots: virDomainPCIAddressBusSetModel, 11.3,
 * conf/domain_addr.c:470. @needs: virDomainPCIControllerModelToConnectType. */
static const struct {
    guint accepts;
    guint first, last;
    guint needs;
} kinds[] = {
    [MODEL_BUS_PCIE_ROOT] = {MODEL_SLOT_PCIE | MODEL_SLOT_ROOT_PORT | MODEL_SLOT_DMI_TO_PCI |
                                 MODEL_SLOT_PXB_PCIE,
                             1, 31, 0},
    [MODEL_BUS_PCI_ROOT] = {MODEL_SLOT_AUTO | MODEL_SLOT_PCI | MODEL_SLOT_PCI_BRIDGE |
                                MODEL_SLOT_PXB,
                            1, 31, 0},
    [MODEL_BUS_ROOT_PORT] = {MODEL_SLOT_AUTO | MODEL_SLOT_PCIE | MODEL_SLOT_UPSTREAM |
                                 MODEL_SLOT_PCIE_TO_PCI,
                             0, 0, MODEL_SLOT_ROOT_PORT | MODEL_SLOT_AGGREGATE},
    [MODEL_BUS_UPSTREAM] = {MODEL_SLOT_DOWNSTREAM, 0, 31, MODEL_SLOT_UPSTREAM},
    [MODEL_BUS_DOWNSTREAM] = {MODEL_SLOT_AUTO | MODEL_SLOT_PCIE | MODEL_SLOT_UPSTREAM |
                                  MODEL_SLOT_PCIE_TO_PCI,
                              0, 0, MODEL_SLOT_DOWNSTREAM},
    [MODEL_BUS_PXB_PCIE] = {MODEL_SLOT_ROOT_PORT | MODEL_SLOT_DMI_TO_PCI, 0, 31,
                            MODEL_SLOT_PXB_PCIE},
    [MODEL_BUS_PXB] = {MODEL_SLOT_AUTO | MODEL_SLOT_PCI | MODEL_SLOT_PCI_BRIDGE, 0, 31,
                       MODEL_SLOT_PXB},
    [MODEL_BUS_PCI_BRIDGE] = {MODEL_SLOT_AUTO | MODEL_SLOT_PCI | MODEL_SLOT_PCI_BRIDGE, 1, 31,
                              MODEL_SLOT_PCI_BRIDGE},
    [MODEL_BUS_PCIE_TO_PCI] = {MODEL_SLOT_AUTO | MODEL_SLOT_PCI | MODEL_SLOT_PCI_BRIDGE, 1, 31,
                               MODEL_SLOT_PCIE_TO_PCI},
    [MODEL_BUS_DMI_TO_PCI] = {MODEL_SLOT_PCI | MODEL_SLOT_PCI_BRIDGE, 0, 31, MODEL_SLOT_DMI_TO_PCI},
    [MODEL_BUS_OTHER] = {0, 0, 31, 0},
};

static Bus *
bus_at(const ModelSlots *slots, guint index)
{
    return &g_array_index(slots->buses, Bus, index);
}

ModelSlots *
model_slots_new(guint count, gboolean may_grow)
{
    ModelSlots *slots = g_new0(ModelSlots, 1);

    slots->buses = g_array_new(FALSE, TRUE, sizeof(Bus));
    slots->may_grow = may_grow;
    g_array_set_size(slots->buses, MIN(count, MAX_BUSES));
    return slots;
}

void
model_slots_free(ModelSlots *slots)
{
    if (!slots)
        return;
    g_array_unref(slots->buses);
    g_free(slots);
}

guint
model_slots_count(const ModelSlots *slots)
{
    return slots->buses->len;
}

ModelBusKind
model_slots_kind(const ModelSlots *slots, guint bus)
{
    return bus_at(slots, bus)->kind;
}

gboolean
model_slots_has_kind(const ModelSlots *slots, guint bus)
{
    return bus_at(slots, bus)->set;
}

void
model_slots_set_kind(ModelSlots *slots, guint index, ModelBusKind kind)
{
    Bus *bus = bus_at(slots, index);

    bus->set = TRUE;
    bus->kind = kind;
    bus->flags = kinds[kind].accepts;
    bus->first = kinds[kind].first;
    bus->last = kinds[kind].last;
}

guint
model_slots_flags_of(ModelBusKind kind)
{
    return kinds[kind].needs;
}

gboolean
model_slots_in_use(const ModelSlots *slots, guint bus, guint slot)
{
    return bus_at(slots, bus)->functions[slot] != 0;
}

gboolean
model_slots_all_full(const ModelSlots *slots)
{
    for (guint i = 0; i < slots->buses->len; i++) {
        const Bus *bus = bus_at(slots, i);

        for (guint slot = bus->first; slot <= bus->last; slot++)
            if (!bus->functions[slot])
                return FALSE;
    }
    return TRUE;
}

/* virDomainPCIAddressFlagsCompatible. @written: by the user, who may mix PCI and PCI Express. */
static gboolean
fits(const Bus *bus, guint index, guint flags, gboolean written)
{
    const guint endpoints = MODEL_SLOT_PCI | MODEL_SLOT_PCIE;
    guint accepts = bus->flags;

    if (flags & MODEL_SLOT_INTEGRATED) {
        if (index != 0)
            return FALSE;
        accepts |= MODEL_SLOT_PCI | MODEL_SLOT_AUTO;
    }
    if (written) {
        accepts |= accepts & endpoints ? endpoints : 0;
        flags |= flags & MODEL_SLOT_PCI_BRIDGE ? MODEL_SLOT_PCI : 0;
    } else if ((flags & MODEL_SLOT_AUTO) && !(accepts & MODEL_SLOT_AUTO)) {
        return FALSE;
    }
    return (flags & accepts & MODEL_SLOT_TYPES) != 0;
}

static gboolean
accepts_bridge(const ModelSlots *slots)
{
    for (guint i = 0; i < slots->buses->len; i++)
        if (bus_at(slots, i)->flags & MODEL_SLOT_PCI_BRIDGE)
            return TRUE;
    return FALSE;
}

/* Adds buses until *bus exists (virDomainPCIAddressSetGrow). Where a conventional device meets a
 * pure PCIe tree, a root port comes before its bridge, and *bus moves on by one. FALSE: libvirt
 * has no controller to add for such a device. */
static gboolean
grow(ModelSlots *slots, guint *bus, guint flags)
{
    guint count = slots->buses->len;
    gboolean first_bridge = (flags & MODEL_SLOT_PCI) && !accepts_bridge(slots);

    if (!(flags & (MODEL_SLOT_PCI | MODEL_SLOT_PCIE | MODEL_SLOT_UPSTREAM)))
        return FALSE;
    if (first_bridge && *bus == count)
        (*bus)++;
    if (*bus >= MAX_BUSES)
        return FALSE;
    g_array_set_size(slots->buses, *bus + 1);
    for (guint i = count; i <= *bus; i++) {
        ModelBusKind kind = flags & MODEL_SLOT_PCI ? MODEL_BUS_PCI_BRIDGE : MODEL_BUS_ROOT_PORT;

        if (first_bridge && i - count < 2)
            kind = i == count ? MODEL_BUS_ROOT_PORT : MODEL_BUS_PCIE_TO_PCI;
        model_slots_set_kind(slots, i, kind);
    }
    /* that port is for the bridge only */
    if (first_bridge)
        bus_at(slots, count)->flags = MODEL_SLOT_PCIE_TO_PCI;
    return TRUE;
}

static void
take(Bus *bus, BasePci address, guint flags)
{
    if (!bus->functions[address.slot] && (flags & MODEL_SLOT_AGGREGATE))
        bus->aggregate[address.slot] = TRUE;
    bus->functions[address.slot] |= (guint8)(1 << address.function);
}

static gboolean
refuse(ModelRefusal *why, ModelRefusalKind kind, BasePci place, const Bus *bus)
{
    if (why) {
        why->kind = kind;
        why->place = place;
        why->first = bus ? bus->first : 0;
        why->last = bus ? bus->last : 0;
    }
    return FALSE;
}

/* virDomainPCIAddressReserveAddrInternal and virDomainPCIAddressValidate, 11.3,
 * conf/domain_addr.c:800, 407 */
gboolean
model_slots_reserve(ModelSlots *slots, BasePci address, guint flags, ModelRefusal *ret_why)
{
    guint index = address.bus;
    Bus *bus;

    if (index >= slots->buses->len && (!slots->may_grow || !grow(slots, &index, flags)))
        return refuse(ret_why, MODEL_REFUSAL_BUS, address, NULL);
    /* libvirt moves the device by one bus, written address or not (run on 12.8.0) */
    if (index != address.bus)
        return refuse(ret_why, MODEL_REFUSAL_NONE, address, NULL);
    if (address.domain != 0)
        return refuse(ret_why, MODEL_REFUSAL_DOMAIN, address, NULL);
    bus = bus_at(slots, index);
    if (!fits(bus, index, flags, TRUE))
        return refuse(ret_why,
                      flags & MODEL_SLOT_INTEGRATED && index != 0 ? MODEL_REFUSAL_INTEGRATED
                                                                  : MODEL_REFUSAL_KIND,
                      address, bus);
    if (address.slot < bus->first || address.slot > bus->last)
        return refuse(ret_why, MODEL_REFUSAL_SLOT, address, bus);
    if (bus->functions[address.slot] & 1 << address.function)
        return refuse(ret_why, MODEL_REFUSAL_TAKEN, address, bus);
    take(bus, address, flags);
    return TRUE;
}

/* virDomainPCIAddressFindUnusedFunctionOnBus: an empty slot, or a free function of a slot whose
 * first device was of the aggregating kind too. */
static gboolean
find_function(const Bus *bus, guint slot, guint flags, gint function, BasePci *ret)
{
    guint wanted = function < 0 ? 0 : (guint)function;

    ret->slot = (guint8)slot;
    ret->function = (guint8)wanted;
    if (!bus->functions[slot])
        return TRUE;
    if (!(flags & MODEL_SLOT_AGGREGATE) || !bus->aggregate[slot])
        return FALSE;
    for (; wanted < 8; wanted++) {
        ret->function = (guint8)wanted;
        if (!(bus->functions[slot] & 1 << wanted))
            return TRUE;
        if (function >= 0)
            return FALSE;
    }
    return FALSE;
}

gboolean
model_slots_reserve_next(ModelSlots *slots, guint flags, gint function, BasePci *ret)
{
    guint index = slots->buses->len;

    for (guint i = 0; i < slots->buses->len; i++) {
        Bus *bus = bus_at(slots, i);

        if (!fits(bus, i, flags, FALSE))
            continue;
        for (guint slot = bus->first; slot <= bus->last; slot++) {
            if (!find_function(bus, slot, flags, function, ret))
                continue;
            ret->domain = 0;
            ret->bus = (guint8)i;
            take(bus, *ret, flags);
            return TRUE;
        }
    }
    if (!slots->may_grow || !grow(slots, &index, flags))
        return FALSE;
    *ret =
        (BasePci){0, (guint8)index, (guint8)bus_at(slots, index)->first, (guint8)MAX(function, 0)};
    take(bus_at(slots, index), *ret, flags);
    return TRUE;
}
