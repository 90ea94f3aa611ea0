/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <viommu/viommu-error.h>
#include <viommu/viommu-types.h>

G_BEGIN_DECLS

/**
 * ViommuPolicy:
 *
 * What a site allows and wants (virt-viommu-policy(5)): a policy-1 document merged over the shipped
 * profile "default". Immutable.
 */

/**
 * viommu_policy_load: (constructor)
 * @source: (nullable): a file name, or a shipped profile's name; NULL: "default", and over it
 *   policy.json and policy.d of the configuration directory, where they are
 *
 * Returns: (transfer full): the merged policy, or NULL with %VIOMMU_ERROR_IO, %VIOMMU_ERROR_PARSE
 *   or %VIOMMU_ERROR_SCHEMA (wrong types, unknown members, unknown rules, or a rule's severity
 *   lowered that may not be)
 *
 * Since: 0.1
 */
ViommuPolicy *viommu_policy_load(const char *source, GError **error);

/**
 * viommu_policy_ref:
 *
 * Returns: (transfer full): @policy
 */
ViommuPolicy *viommu_policy_ref(ViommuPolicy *policy);

/**
 * viommu_policy_unref:
 * @policy: (nullable) (transfer full)
 */
void viommu_policy_unref(ViommuPolicy *policy);

/**
 * viommu_policy_get_name:
 *
 * Returns: (transfer none): name of the most specific document
 *
 * Since: 0.1
 */
const char *viommu_policy_get_name(const ViommuPolicy *policy);

/**
 * viommu_policy_get_hook_enforces:
 *
 * Returns: whether the libvirt hook refuses starts, or only reports
 *
 * Since: 0.1
 */
gboolean viommu_policy_get_hook_enforces(const ViommuPolicy *policy);

/**
 * viommu_policy_get_hook_time_limit:
 *
 * Returns: milliseconds after which the libvirt hook lets a start pass
 *
 * Since: 0.1
 */
guint viommu_policy_get_hook_time_limit(const ViommuPolicy *policy);

/**
 * viommu_policy_to_json:
 *
 * Returns: (transfer full): the merged policy as a policy-1 document
 *
 * Since: 0.1
 */
char *viommu_policy_to_json(const ViommuPolicy *policy);

#ifndef VIOMMU_INTERNAL /* the rooms have their own */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ViommuPolicy, viommu_policy_unref)
#endif

G_END_DECLS
