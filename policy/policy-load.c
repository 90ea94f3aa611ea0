/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy-read.h"

#include <string.h>

#include "base-file.h"

/* A policy is written by hand; a larger one is a mistake. */
#define POLICY_FILE_LIMIT ((gsize)1024 * 1024)

static const char *
profiles_dir(void)
{
    const char *dir = g_getenv("VIRT_VIOMMU_PROFILES");

    return dir && *dir ? dir : VIOMMU_PROFILES_DIR;
}

/* A bare name is a shipped profile; anything with a slash or a dot is a file. */
static gboolean
is_profile_name(const char *source)
{
    if (!g_ascii_isalnum(*source))
        return FALSE;
    for (const char *c = source; *c; c++)
        if (!g_ascii_isalnum(*c) && *c != '-' && *c != '_')
            return FALSE;
    return TRUE;
}

static BaseJson *
load_profile(const char *name, char **ret_path, GError **error)
{
    g_autofree char *file = g_strconcat(name, ".json", NULL);
    const char *shipped = policy_shipped(name);

    *ret_path = g_build_filename(profiles_dir(), file, NULL);
    if (!g_file_test(*ret_path, G_FILE_TEST_EXISTS)) {
        if (shipped)
            return base_json_parse(shipped, strlen(shipped), file, error);
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO,
                    "%s: no such profile \"%s\"; a file of your own needs a path, such as \"./%s\"",
                    *ret_path, name, name);
        return NULL;
    }
    return base_json_load(*ret_path, POLICY_FILE_LIMIT, error);
}

/* Loads @source and makes sure that it is a valid policy by itself. */
static BaseJson *
load_document(const char *source, const PolicyCatalogue *catalogue, GError **error)
{
    g_autoptr(ViommuPolicy) scratch = policy_new_empty();
    g_autoptr(BaseJson) document = NULL;
    g_autofree char *path = NULL;

    if (is_profile_name(source))
        document = load_profile(source, &path, error);
    else
        document = base_json_load(source, POLICY_FILE_LIMIT, error);
    if (!document || !policy_read(document, path ? path : source, catalogue, scratch, error))
        return NULL;
    return g_steal_pointer(&document);
}

ViommuPolicy *
policy_load_all(const char *const *sources, const PolicyCatalogue *catalogue, GError **error)
{
    g_autoptr(ViommuPolicy) policy = policy_new_empty();
    const char *last = "default";

    policy->merged = load_document(last, catalogue, error);
    if (!policy->merged)
        return NULL;
    for (guint i = 0; sources[i]; i++) {
        g_autoptr(BaseJson) below = policy->merged;
        g_autoptr(BaseJson) over = NULL;

        policy->merged = NULL;
        if (strcmp(sources[i], "default") == 0) {
            policy->merged = g_steal_pointer(&below);
            continue;
        }
        over = load_document(sources[i], catalogue, error);
        if (!over)
            return NULL;
        policy->merged = policy_merge(below, over);
        last = sources[i];
    }
    if (!policy_read(policy->merged, last, catalogue, policy, error))
        return NULL;
    return g_steal_pointer(&policy);
}

ViommuPolicy *
policy_load(const char *source, const PolicyCatalogue *catalogue, GError **error)
{
    const char *const sources[] = {source, NULL};

    return policy_load_all(sources, catalogue, error);
}

static void
rule_free(gpointer data)
{
    PolicyRule *rule = data;

    g_free(rule->rule);
    g_free(rule->reason);
    g_free(rule);
}

ViommuPolicy *
policy_new_empty(void)
{
    ViommuPolicy *policy = g_new0(ViommuPolicy, 1);

    policy->refs = 1;
    policy->modes = g_array_new(FALSE, FALSE, sizeof(ViommuMode));
    policy->usages = g_ptr_array_new_with_free_func(g_free);
    policy->rules = g_ptr_array_new_with_free_func(rule_free);
    return policy;
}

ViommuPolicy *
policy_ref(ViommuPolicy *policy)
{
    g_atomic_int_inc(&policy->refs);
    return policy;
}

void
policy_unref(ViommuPolicy *policy)
{
    if (!policy || !g_atomic_int_dec_and_test(&policy->refs))
        return;
    g_free(policy->name);
    g_array_unref(policy->modes);
    g_ptr_array_unref(policy->usages);
    g_free(policy->domain_quota.locked_memory);
    g_free(policy->host_quota.locked_memory);
    g_ptr_array_unref(policy->rules);
    json_object_put(policy->merged);
    g_free(policy);
}
