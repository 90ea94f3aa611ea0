/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <viommu/viommu-domain.h>
#include <viommu/viommu-host.h>
#include <viommu/viommu-policy.h>

G_BEGIN_DECLS

/**
 * ViommuPlan:
 *
 * All decisions for one domain on one host: vIOMMUs, buses, placement, spare ports, limits and
 * grants; or the reasons why there is none. Immutable.
 */

/**
 * ViommuPlanFlags:
 * @VIOMMU_PLAN_NO_METADATA: write nothing about the plan into <metadata>, where a later run would
 *   find the policy's name and a digest of the decisions
 *
 * Since: 0.1
 */
typedef enum {
    VIOMMU_PLAN_DEFAULT = 0,
    VIOMMU_PLAN_NO_METADATA = 1 << 0,
} ViommuPlanFlags;

/**
 * viommu_plan_new: (constructor)
 * @host: facts; config space of the functions that @domain names is read if it has not been
 * @domain: what to plan for
 * @policy: what is allowed and wanted
 * @target: (nullable): the stack that the XML is for; NULL: what the host facts say
 * @flags: what to leave out
 *
 * Returns: (transfer full): a plan; ask viommu_plan_is_valid() what it is worth
 *
 * Since: 0.1
 */
ViommuPlan *viommu_plan_new(ViommuHost *host, const ViommuDomain *domain,
                            const ViommuPolicy *policy, const ViommuTarget *target,
                            ViommuPlanFlags flags);

/**
 * viommu_plan_ref:
 *
 * Returns: (transfer full): @plan
 */
ViommuPlan *viommu_plan_ref(ViommuPlan *plan);

/**
 * viommu_plan_unref:
 * @plan: (nullable) (transfer full)
 */
void viommu_plan_unref(ViommuPlan *plan);

/**
 * viommu_plan_is_valid:
 *
 * Returns: FALSE when there is no plan; viommu_plan_render() tells the reasons
 *
 * Since: 0.1
 */
gboolean viommu_plan_is_valid(const ViommuPlan *plan);

/**
 * viommu_plan_count_edits:
 *
 * Returns: number of changes to the XML; 0: the domain is right as it is
 *
 * Since: 0.1
 */
guint viommu_plan_count_edits(const ViommuPlan *plan);

/**
 * viommu_plan_apply:
 *
 * Returns: (transfer full): the finished domain XML: the text that was given with the plan's edits
 *   and no other byte changed; NULL with %VIOMMU_ERROR_NO_PLAN where there is no plan
 *
 * Since: 0.1
 */
char *viommu_plan_apply(const ViommuPlan *plan, GError **error);

/**
 * viommu_plan_diff:
 *
 * Returns: (transfer full): what viommu_plan_apply() changes, as a unified diff; empty where it
 *   changes nothing; NULL with %VIOMMU_ERROR_NO_PLAN where there is no plan
 *
 * Since: 0.1
 */
char *viommu_plan_diff(const ViommuPlan *plan, GError **error);

/**
 * viommu_plan_to_virt_xml:
 *
 * Returns: (transfer full): arguments for `virt-xml --edit` that change what viommu_plan_apply()
 *   changes, except <metadata>: one a line, quoted for a shell; empty where there is nothing to
 *   change; NULL with %VIOMMU_ERROR_NO_PLAN where there is no plan
 *
 * Since: 0.1
 */
char *viommu_plan_to_virt_xml(const ViommuPlan *plan, GError **error);

/**
 * viommu_plan_to_json:
 *
 * Returns: (transfer full): a plan-1 document
 *
 * Since: 0.1
 */
char *viommu_plan_to_json(const ViommuPlan *plan);

/**
 * viommu_plan_render:
 * @flags: how
 * @width: columns; 0: no limit
 *
 * Returns: (transfer full): the decisions, or the reasons why there are none, for people
 *
 * Since: 0.1
 */
char *viommu_plan_render(const ViommuPlan *plan, ViommuRenderFlags flags, guint width);

/**
 * viommu_plan_limits_to_json:
 *
 * Returns: (transfer full): locked memory and PASIDs of the domain as it is and as planned, as a
 *   limits-1 document
 *
 * Since: 0.1
 */
char *viommu_plan_limits_to_json(const ViommuPlan *plan);

/**
 * viommu_plan_limits_render:
 * @flags: how
 * @width: columns; 0: no limit
 *
 * Returns: (transfer full): the same for people: figures, formula, who sets and who enforces them
 *
 * Since: 0.1
 */
char *viommu_plan_limits_render(const ViommuPlan *plan, ViommuRenderFlags flags, guint width);

#ifndef VIOMMU_INTERNAL /* the rooms have their own */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ViommuPlan, viommu_plan_unref)
#endif

G_END_DECLS
