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
typedef struct {
    xmlNode *node;
    const ModelAddress *now;
    const ModelEndpoint *endpoint; /* NULL: a <hostdev> or <interface> */
    PlanDevice *device;            /* NULL: emulated, or not surely assigned */
    PlanSmmu *smmu;                /* that it must be behind */
    const ModelController *bridge; /* that is the device itself */
    PlanSeatState state;
    gboolean pinned; /* where it stays, it has to be written */
    const char *because, *rule;
} PlanSeat;

/* Every device and bridge of the domain, judged. (transfer full): of PlanSeat */
GArray *plan_seats_collect(PlanWork *work);
/* Whether devices without address keep none: who gives them later is not us */
gboolean plan_seats_stay_unwritten(const PlanWork *work);
gboolean plan_seat_needs_own_port(const PlanSeat *seat);
gboolean plan_seat_is_waiting(const PlanSeat *seat);
/* Marks it as one that must go elsewhere; @rule: that says so, or NULL. */
void plan_seat_move(PlanSeat *seat, const char *because, const char *rule);
