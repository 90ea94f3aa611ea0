/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to policy/: one document into the struct, and one document over another. */
#pragma once

#include "policy.h"

/* Reads every member that @document has into @policy and leaves the others alone. Strict: the
 * first thing wrong is an error that names @file and the JSON pointer. @catalogue may be NULL:
 * rule ids are then taken as they are. */
gboolean policy_read(BaseJson *document, const char *file, const PolicyCatalogue *catalogue,
                     ViommuPolicy *policy, GError **error);

/* @over on top of @below, both valid. Objects merge member by member, other values replace;
 * entries of "usages" come before those below, since the first that matches counts.
 * (transfer full) */
BaseJson *policy_merge(BaseJson *below, BaseJson *over);

/* (transfer full): a policy with everything empty */
ViommuPolicy *policy_new_empty(void);

/* The members of one document, in policy-read-limits.c; each reads a missing one as nothing. */
gboolean policy_read_hotplug(const BasePlace *root, ViommuPolicy *policy, GError **error);
gboolean policy_read_quotas(const BasePlace *root, ViommuPolicy *policy, GError **error);
gboolean policy_read_rules(const BasePlace *root, const PolicyCatalogue *catalogue,
                           ViommuPolicy *policy, GError **error);
gboolean policy_read_hook(const BasePlace *root, ViommuPolicy *policy, GError **error);
gboolean policy_read_pasid_bits(const BasePlace *object, guint64 min, BaseU64 *ret, GError **error);
/* *ret becomes whether the text of @key is @yes; it must be @yes or @no */
gboolean policy_read_choice(const BasePlace *object, const char *key, const char *no,
                            const char *yes, gboolean *ret, GError **error);

/* Text of a shipped profile; NULL: there is none of that name */
const char *policy_shipped(const char *name);
