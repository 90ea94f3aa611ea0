/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <viommu/viommu-error.h>
#include <viommu/viommu-types.h>

G_BEGIN_DECLS

/**
 * viommu_rule_list:
 *
 * Returns: (transfer container) (array zero-terminated=1): ids of all rules in the order of the
 *   catalogue; free the array with g_free()
 *
 * Since: 0.1
 */
const char **viommu_rule_list(void);

/**
 * viommu_rule_explain:
 * @id: a rule
 * @flags: how
 * @width: columns; 0: no limit
 *
 * Returns: (transfer full): rationale, remedy and source for people; NULL with
 *   %VIOMMU_ERROR_INVALID_ARGUMENT, and the nearest id in the message, where there is no such rule
 *
 * Since: 0.1
 */
char *viommu_rule_explain(const char *id, ViommuRenderFlags flags, guint width, GError **error);

/**
 * viommu_rules_to_json:
 * @ids: (array zero-terminated=1) (nullable): rules; NULL: all
 *
 * Returns: (transfer full): a JSON array with one rule-1 document each; NULL with
 *   %VIOMMU_ERROR_INVALID_ARGUMENT where there is no such rule
 *
 * Since: 0.1
 */
char *viommu_rules_to_json(const char *const *ids, GError **error);

G_END_DECLS
