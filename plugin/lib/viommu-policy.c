/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <viommu/viommu-policy.h>

#include <stdlib.h>
#include <string.h>

#include "base-file.h"
#include "lib.h"

static gint
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Adds the *.json files of @directory to @paths in the order of their names; editors' left-overs
 * and hidden files end or begin otherwise. */
static gboolean
add_fragments(const char *directory, GPtrArray *paths, GError **error)
{
    g_autoptr(GDir) dir = NULL;
    guint first = paths->len;
    const char *name;

    if (!base_directory_open(directory, &dir, error))
        return FALSE;
    while (dir && (name = g_dir_read_name(dir)))
        if (*name != '.' && g_str_has_suffix(name, ".json"))
            g_ptr_array_add(paths, g_build_filename(directory, name, NULL));
    if (paths->len > first)
        qsort(paths->pdata + first, paths->len - first, sizeof(gpointer), compare_names);
    return TRUE;
}

/* The site's own policy: confdir/policy.json, where there is one, and confdir/policy.d over it. */
static ViommuPolicy *
load_site(GError **error)
{
    const char *set = g_getenv("VIRT_VIOMMU_CONFDIR");
    const char *directory = set && *set ? set : VIOMMU_CONFDIR;
    g_autofree char *base = g_build_filename(directory, "policy.json", NULL);
    g_autofree char *fragments = g_build_filename(directory, "policy.d", NULL);
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);

    if (g_file_test(base, G_FILE_TEST_EXISTS))
        g_ptr_array_add(paths, g_steal_pointer(&base));
    if (!add_fragments(fragments, paths, error))
        return NULL;
    g_ptr_array_add(paths, NULL);
    return policy_load_all((const char *const *)paths->pdata, rule_policy_catalogue(), error);
}

ViommuPolicy *
viommu_policy_load(const char *source, GError **error)
{
    g_return_val_if_fail(!error || !*error, NULL);

    return source ? policy_load(source, rule_policy_catalogue(), error) : load_site(error);
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

gboolean
viommu_policy_get_hook_enforces(const ViommuPolicy *policy)
{
    g_return_val_if_fail(policy, FALSE);

    return policy->hook_enforce;
}

guint
viommu_policy_get_hook_time_limit(const ViommuPolicy *policy)
{
    g_return_val_if_fail(policy, 0);

    return policy->hook_time_limit_ms;
}

char *
viommu_policy_to_json(const ViommuPolicy *policy)
{
    g_return_val_if_fail(policy, NULL);

    return base_json_to_text(policy->merged);
}
