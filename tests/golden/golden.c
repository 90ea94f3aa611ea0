/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "golden.h"

#include <string.h>

#include "base-file.h"
#include "host-read.h"

#define MAX_DIFFERENCES 12

static char *
data_path(const char *folder, const char *name)
{
    return g_build_filename(g_getenv("VIOMMU_TEST_DATA"), folder, name, NULL);
}

static gint
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *
golden_names(void)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *path = data_path("xml", NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir)))
        g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, compare_names);
    return names;
}

static void
must(const char *name, const GError *error)
{
    if (error)
        g_error("%s: %s", name, error->message);
}

static void
load_host(GoldenCase *golden, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *file = g_strconcat(name, ".json", NULL);
    g_autofree char *path = data_path("host", file);

    if (strcmp(name, "none") == 0) {
        golden->host = host_facts_none();
        return;
    }
    golden->host_document = base_json_load(path, BASE_FILE_LIMIT, &error);
    must(golden->name, error);
    golden->host = host_json_parse(golden->host_document, file, &error);
    must(golden->name, error);
}

static void
load_policy(GoldenCase *golden, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = name ? g_build_filename(golden->dir, name, NULL) : NULL;
    gboolean file = path && g_file_test(path, G_FILE_TEST_EXISTS);

    golden->policy = policy_load(file ? path : name, rule_policy_catalogue(), &error);
    must(golden->name, error);
}

static void
load_domain(GoldenCase *golden)
{
    g_autofree char *path = g_build_filename(golden->dir, "domain.xml", NULL);
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    gsize length;

    if (base_file_read(path, BASE_FILE_LIMIT, &text, &length, &error))
        golden->domain = model_domain_parse(text, length, "domain.xml", &error);
    must(golden->name, error);
}

static guint64
read_version(const GoldenCase *golden, const BasePlace *root, const char *key)
{
    BasePlace place = base_place_member(root, key);
    const char *text = NULL;
    guint64 version = 0;

    base_place_string(&place, &text, NULL);
    if (text && !base_parse_version(text, &version))
        g_error("%s: \"%s\" is no version", golden->name, text);
    return version;
}

static ViommuProfile
read_profile(const GoldenCase *golden, const BasePlace *root)
{
    static const char *const names[] = {"system", "session", "kubevirt", "vdsm"};
    BasePlace place = base_place_member(root, "profile");
    const char *text = NULL;

    base_place_string(&place, &text, NULL);
    for (guint i = 0; text && i < G_N_ELEMENTS(names); i++)
        if (strcmp(names[i], text) == 0)
            return (ViommuProfile)i;
    if (text)
        g_error("%s: no profile \"%s\"", golden->name, text);
    return VIOMMU_PROFILE_SYSTEM;
}

GoldenCase *
golden_load(const char *name)
{
    static const char *const keys[] = {"host",   "libvirt", "note", "plan",
                                       "policy", "profile", "qemu", NULL};
    GoldenCase *golden = g_new0(GoldenCase, 1);
    g_autofree char *path = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(BaseJson) document = NULL;
    const char *note = NULL, *host = NULL, *policy = NULL;
    BasePlace root, place;

    golden->name = g_strdup(name);
    golden->dir = data_path("xml", name);
    path = g_build_filename(golden->dir, "case.json", NULL);
    document = base_json_load(path, BASE_FILE_LIMIT, &error);
    must(name, error);
    root = base_place_root(document, path);
    base_place_only(&root, keys, &error);
    must(name, error);
    place = base_place_member(&root, "note");
    base_place_string(&place, &note, NULL);
    place = base_place_member(&root, "host");
    base_place_string(&place, &host, NULL);
    place = base_place_member(&root, "policy");
    base_place_string(&place, &policy, NULL);
    place = base_place_member(&root, "plan");
    base_place_bool(&place, &golden->plan, NULL);
    if (!note || !host)
        g_error("%s: case.json needs a note and a host", name);
    golden->target.libvirt = read_version(golden, &root, "libvirt");
    golden->target.qemu = read_version(golden, &root, "qemu");
    golden->target.profile = read_profile(golden, &root);
    load_host(golden, host);
    load_policy(golden, policy);
    load_domain(golden);
    return golden;
}

void
golden_free(GoldenCase *golden)
{
    g_free(golden->name);
    g_free(golden->dir);
    json_object_put(golden->host_document);
    host_facts_unref(golden->host);
    model_domain_unref(golden->domain);
    policy_unref(golden->policy);
    g_free(golden);
}

ViommuReport *
golden_check(const GoldenCase *golden, const ViommuHost *host)
{
    g_autoptr(View) view = view_new(host ? host : golden->host, golden->domain, golden->policy,
                                    &golden->target);

    return rule_check(view);
}

static void
print_differences(const char *expected, const char *actual)
{
    g_auto(GStrv) old = g_strsplit(expected, "\n", -1);
    g_auto(GStrv) new = g_strsplit(actual, "\n", -1);
    guint shown = 0, i = 0, j = 0;

    /* what both begin and end with is of no interest */
    guint old_end = g_strv_length(old), new_end = g_strv_length(new);

    while (i < old_end && i < new_end && strcmp(old[i], new[i]) == 0)
        i++;
    while (old_end > i && new_end > i && strcmp(old[old_end - 1], new[new_end - 1]) == 0) {
        old_end--;
        new_end--;
    }
    for (j = i; j < old_end && shown < MAX_DIFFERENCES; j++, shown++)
        g_test_message("line %u: -%s", j + 1, old[j]);
    for (j = i, shown = 0; j < new_end && shown < MAX_DIFFERENCES; j++, shown++)
        g_test_message("line %u: +%s", j + 1, new[j]);
}

void
golden_compare_file(const char *path, const char *text)
{
    g_autofree char *expected = NULL;
    g_autoptr(GError) error = NULL;

    if (g_getenv("VIOMMU_TEST_REGENERATE")) {
        g_file_set_contents(path, text, -1, &error);
        must(path, error);
        return;
    }
    g_file_get_contents(path, &expected, NULL, &error);
    g_assert_no_error(error);
    if (!expected || strcmp(expected, text) == 0)
        return;
    g_test_message("%s is not what is expected; VIOMMU_TEST_REGENERATE=1 writes it anew", path);
    print_differences(expected, text);
    g_test_fail();
}

void
golden_compare(const GoldenCase *golden, const char *file, const char *text)
{
    g_autofree char *path = g_build_filename(golden->dir, file, NULL);

    golden_compare_file(path, text);
}
