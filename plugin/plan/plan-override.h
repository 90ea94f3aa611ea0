/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU properties for which libvirt has no attribute, by <qemu:override>. libvirt ties them to an
 * alias, keeps only one that starts with "ua-", and says nothing of an override whose alias is
 * nobody's (12.8, run). Private to the room.
 */
#pragma once

#include "plan-edit.h"

/* libvirt 8.2 has it (drvqemu, "Overriding properties of QEMU devices") */
#define PLAN_LIBVIRT_OVERRIDE BASE_VERSION(8, 2, 0)

typedef struct PlanOverride PlanOverride;

/* Whether the document has one of that alias */
gboolean plan_override_exists(const ViommuPlan *plan, const char *alias);

/* (transfer full): the alias of that element, one of ours where it has none that lasts: behind
 * @after, @stem and a number from @first on that makes a name which nothing has yet */
char *plan_override_alias(ViommuPlan *plan, PlanSpot spot, xmlNode *after, const char *stem,
                          guint first);
/* The override of that alias, there or made; @why: what for. */
PlanOverride *plan_override_open(ViommuPlan *plan, const char *alias, PlanWhy why);
void plan_override_free(PlanOverride *override);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PlanOverride, plan_override_free)

/* @type: "bool", "unsigned", "signed" or "string", as QEMU's JSON has it */
void plan_override_set(const PlanOverride *override, const char *name, const char *type,
                       const char *value, PlanWhy why);
/* Tells, once a plan, what overrides do to a domain. */
void plan_override_note(ViommuPlan *plan);
