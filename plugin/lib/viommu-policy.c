/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <viommu/viommu-policy.h>

#include "lib.h"

/* The site's own policy: confdir/policy.json, where there is one. (transfer full) (nullable) */
static char *
site_policy(void)
{
    const char *directory = g_getenv("VIRT_VIOMMU_CONFDIR");
    g_autofree char *path =
        g_build_filename(directory && *directory ? directory : VIOMMU_CONFDIR, "policy.json", NULL);

    return g_file_test(path, G_FILE_TEST_EXISTS) ? g_steal_pointer(&path) : NULL;
}

ViommuPolicy *
viommu_policy_load(const char *source, GError **error)
{
    g_autofree char *site = source ? NULL : site_policy();

    g_return_val_if_fail(!error || !*error, NULL);

    return policy_load(site ? site : source, rule_policy_catalogue(), error);
}

ViommuPolicy *
viommu_policy_ref(ViommuPolicy *policy)
{
    g_return_val_if_fail(policy, NULL);

    return policy_ref(policy);
}

void
viommu_policy_unref(ViommuPolicy *policy)
{
    if (policy)
        policy_unref(policy);
}

const char *
viommu_policy_get_name(const ViommuPolicy *policy)
{
    g_return_val_if_fail(policy, NULL);

    return policy->name;
}

char *
viommu_policy_to_json(const ViommuPolicy *policy)
{
    g_return_val_if_fail(policy, NULL);

    return base_json_to_text(policy->merged);
}
