/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Windows of ports that are empty at boot. Private to the room, but for what plan.h has. */
#pragma once

#include "plan-edit.h"
#include "plan-override.h"
#include "plan-room.h"
#include "view-bars.h"

/* A port and what it is to reserve. */
typedef struct {
    ViommuPlan *plan;
    guint bus;
    PlanSpot port;
    const ModelController *existing; /* NULL: an edit inserts it */
    ViewReserve now;
    ViewReserve least;   /* to write for what the policy wants of any empty port; 0: nothing */
    ViewReserve reserve; /* to write; 0: nothing */
    char *because;
    const char *rule; /* NULL */
} PlanPort;

/* --- plan-reserve-write.c --- */

/* The edit that inserts the controller of that index, or NULL */
PlanEdit *plan_reserve_edit(const ViommuPlan *plan, guint bus);
/* What it will be once the edits are made: an ioh3420 reserves nothing */
gboolean plan_reserve_is_generic(const ViommuPlan *plan, const ModelController *port);
void plan_reserve_note(ViommuPlan *plan, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* TRUE: something was written */
gboolean plan_reserve_write(const PlanPort *port);
/* Whether the memReserve of the port, which this libvirt drops, becomes QEMU's own property */
gboolean plan_reserve_moves(const ViommuPlan *plan, const ModelController *port);
/* Takes out each memReserve that QEMU refuses or this libvirt drops. */
void plan_reserve_mend(PlanWork *work);

/* --- plan-reserve.c --- */

/* Gives each spare port the windows that the policy wants, where it has less. */
void plan_reserve_spares(PlanWork *work);
/* What firmware takes for them. Bytes; 0: the policy wants none. */
guint64 plan_reserve_spare_windows(const ViommuPlan *plan);
