/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which devices can stay where they are in the guest, and which need a place. Private to the room.
 */
#pragma once

#include "plan-room.h"

typedef enum {
    PLAN_SEAT_KEEP,  /* where it is, as it is written */
    PLAN_SEAT_FREE,  /* not written, and no reason to */
    PLAN_SEAT_WRITE, /* where libvirt would put it, but written down */
    PLAN_SEAT_MOVE,  /* must go elsewhere */
} PlanSeatState;

/* One device that needs a place on a bus. All pointers are borrowed. */
typedef struct PlanSeat {
    xmlNode *node;
    const ModelAddress *now;
    const ModelEndpoint *endpoint; /* NULL: a <hostdev> or <interface> */
    PlanDevice *device;            /* NULL: emulated, or not surely assigned */
    PlanSmmu *smmu;                /* that it must be behind */
    guint near;                    /* without one: root bus of its NUMA cell; 0: any */
    const ModelController *bridge; /* that is the device itself */
    PlanSeatState state;
    gboolean pinned;   /* where it stays, it has to be written */
    gboolean apart;    /* may not share a slot */
    gboolean leads;    /* function 0 that others move along with */
    gboolean inherits; /* stays in its slot, as function 0 */
    const char *because, *rule;
    struct PlanSeat *leader; /* function 0 of the slot that it moves along with; NULL */
    gboolean given;          /* it has a new place: */
    BasePci place;
} PlanSeat;

/* Every device and bridge of the domain, judged. (transfer full): of PlanSeat */
GArray *plan_seats_collect(PlanWork *work);
/* Whether devices without address keep none: who gives them later is not us */
gboolean plan_seats_stay_unwritten(const PlanWork *work);
gboolean plan_seat_needs_own_port(const PlanSeat *seat);
gboolean plan_seat_is_waiting(const PlanSeat *seat);
/* Marks it as one that must go elsewhere; @rule: that says so, or NULL. */
void plan_seat_move(PlanSeat *seat, const char *because, const char *rule);

/* --- plan-slot.c --- */

/* Judges those that share a slot, once each was judged alone. */
void plan_slots_judge(const PlanWork *work, const GArray *seats);
/* Whether others stay in its slot */
gboolean plan_slot_has_more(const GArray *seats, const PlanSeat *seat);
