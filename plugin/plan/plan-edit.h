/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Edits that say what must be there. What is already so gives no edit. Private to the room. */
#pragma once

#include "plan.h"

/* Why an edit is made; both static or owned by somebody who lives longer than the call. */
typedef struct {
    const char *because;
    const char *rule; /* id of the rule that it mends; NULL */
} PlanWhy;

/* An element to write to: one of the document, or one that an edit will insert. */
typedef struct {
    xmlNode *node;        /* NULL: not there yet */
    BaseElement *element; /* set when @node is NULL */
} PlanSpot;

PlanSpot plan_spot(xmlNode *node);
/* <devices>, made where the domain has none */
PlanSpot plan_spot_devices(ViommuPlan *plan);
/* The first child element of that name, made where there is none: behind @after (a child of
 * @parent in the document, or NULL: at the end). */
PlanSpot plan_spot_child(ViommuPlan *plan, PlanSpot parent, const char *name, xmlNode *after,
                         PlanWhy why);
/* A new child, whatever is there already. */
PlanSpot plan_spot_add(ViommuPlan *plan, PlanSpot parent, const char *name, xmlNode *after,
                       PlanWhy why);
/* Makes the attribute have that value. */
void plan_spot_set(ViommuPlan *plan, PlanSpot spot, const char *name, const char *value,
                   PlanWhy why);
void plan_spot_setf(ViommuPlan *plan, PlanSpot spot, const char *name, PlanWhy why,
                    const char *format, ...) G_GNUC_PRINTF(5, 6);
/* Takes the attribute out where it is. */
void plan_spot_unset(ViommuPlan *plan, PlanSpot spot, const char *name, PlanWhy why);
/* Takes an element of the document out. */
void plan_spot_remove(ViommuPlan *plan, xmlNode *node, PlanWhy why);
/* Takes back the insertion of an element that nothing was set on. */
void plan_spot_drop_empty(ViommuPlan *plan, PlanSpot spot);
/* (transfer full) (nullable): what the attribute will be once the edits are made */
char *plan_spot_get(const ViommuPlan *plan, PlanSpot spot, const char *name);

/* Document order; edits of one place keep the order in which they were made. */
void plan_edits_sort(ViommuPlan *plan);
void plan_edit_free(PlanEdit *edit);
