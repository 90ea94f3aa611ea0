/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The buses of a guest and what is taken on them, with the rules by which libvirt finds a free
 * slot: virDomainPCIAddress… in conf/domain_addr.c (11.3; the same in 9.0 as far as x86 and ARM
 * are concerned).
 */
#pragma once

#include "model.h"

/* What a device needs, and what a bus accepts (virDomainPCIConnectFlags) */
typedef enum {
    MODEL_SLOT_PCI = 1 << 0,
    MODEL_SLOT_PCIE = 1 << 1,
    MODEL_SLOT_ROOT_PORT = 1 << 2,
    MODEL_SLOT_UPSTREAM = 1 << 3,
    MODEL_SLOT_DOWNSTREAM = 1 << 4,
    MODEL_SLOT_PCI_BRIDGE = 1 << 5,
    MODEL_SLOT_DMI_TO_PCI = 1 << 6,
    MODEL_SLOT_PCIE_TO_PCI = 1 << 7,
    MODEL_SLOT_PXB = 1 << 8,
    MODEL_SLOT_PXB_PCIE = 1 << 9,
    MODEL_SLOT_TYPES = (1 << 10) - 1,
    MODEL_SLOT_AUTO = 1 << 10,       /* device: was not placed by the user; bus: may be chosen */
    MODEL_SLOT_AGGREGATE = 1 << 11,  /* several may share a slot as its functions */
    MODEL_SLOT_INTEGRATED = 1 << 12, /* bus 0 only */
} ModelSlotFlags;

typedef struct ModelSlots ModelSlots;

/* @count buses of which none has a kind yet. @may_grow: missing buses are added. */
ModelSlots *model_slots_new(guint count, gboolean may_grow);
void model_slots_free(ModelSlots *slots);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ModelSlots, model_slots_free)

guint model_slots_count(const ModelSlots *slots);
ModelBusKind model_slots_kind(const ModelSlots *slots, guint bus);
gboolean model_slots_has_kind(const ModelSlots *slots, guint bus);
void model_slots_set_kind(ModelSlots *slots, guint bus, ModelBusKind kind);
/* The flags with which a controller of that kind looks for its own place; 0: it has none. */
guint model_slots_flags_of(ModelBusKind kind);

gboolean model_slots_in_use(const ModelSlots *slots, guint bus, guint slot);
/* Whether each slot of every bus has something in it */
gboolean model_slots_all_full(const ModelSlots *slots);
/* Takes an address that the user wrote or the chipset fixes. FALSE: libvirt refuses it, and
 * @ret_why (may be NULL; its node is left alone) says why. */
gboolean model_slots_reserve(ModelSlots *slots, BasePci address, guint flags,
                             ModelRefusal *ret_why);
/* Takes the next free function @function (-1: any) for a device; FALSE: there is none. */
gboolean model_slots_reserve_next(ModelSlots *slots, guint flags, gint function, BasePci *ret);
