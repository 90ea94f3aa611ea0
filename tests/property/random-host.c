/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "random.h"

#include <string.h>

#include "base-file.h"
#include "host-read.h"

/* By name, so that a host that joins the folder rolls no other dice for all the tests. */
static const char *const recorded[] = {
    "ampere",     "ampere-64k",     "client39",        "genoa",
    "grace",      "grace-4",        "lab-arm64",       "lab-x86-47",
    "none-iommu", "odd-smmus",      "odd-vtd",         "pod",
    "xeon",       "xeon",           "xeon-6.1",        "xeon-6.12",
    "grace",      "genoa",          "lab-x86",         "ampere",
    "genoa-off",  "grace-unprobed", "xeon-companions", "grace-companions"};

GPtrArray *
random_recorded_hosts(void)
{
    GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);

    if (!g_getenv("VIOMMU_TEST_DATA"))
        g_error("VIOMMU_TEST_DATA must be the folder tests of the source tree");
    for (guint i = 0; i < G_N_ELEMENTS(recorded); i++) {
        g_autofree char *file = g_strconcat(recorded[i], ".json", NULL);
        g_autofree char *path = g_build_filename(g_getenv("VIOMMU_TEST_DATA"), "host", file, NULL);
        g_autoptr(GError) error = NULL;
        char *text = NULL;
        gsize length;

        if (!base_file_read(path, BASE_FILE_LIMIT, &text, &length, &error))
            g_error("%s", error->message);
        g_ptr_array_add(texts, text);
    }
    return texts;
}

gboolean
random_chance(GRand *random, guint percent)
{
    return (guint)g_rand_int_range(random, 0, 100) < percent;
}

const char *
random_word(GRand *random, const char *const *words)
{
    return words[g_rand_int_range(random, 0, (gint)g_strv_length((char **)words))];
}

/* --- changes to a recorded host --- */

static BaseJson *
member(BaseJson *object, const char *key)
{
    BaseJson *value = NULL;

    return json_object_object_get_ex(object, key, &value) ? value : NULL;
}

static BaseJson *
any_element(GRand *random, BaseJson *list)
{
    gsize length =
        list && json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

    return length > 0
               ? json_object_array_get_idx(list, (gsize)g_rand_int_range(random, 0, (gint)length))
               : NULL;
}

/* A fact that somebody could not read */
static void
forget(GRand *random, BaseJson *object)
{
    static const char *const kept[] = {"host", "address", "name", "type", "id", NULL};
    g_autoptr(GPtrArray) keys = object && json_object_is_type(object, json_type_object)
                                    ? base_json_members(object)
                                    : g_ptr_array_new();
    g_autofree char *key = NULL;

    if (keys->len == 0)
        return;
    key = g_strdup(keys->pdata[g_rand_int_range(random, 0, (gint)keys->len)]);
    if (!g_strv_contains(kept, key))
        json_object_object_del(object, key);
}

static void
set_string(BaseJson *object, const char *key, const char *text)
{
    if (object && json_object_is_type(object, json_type_object))
        json_object_object_add(object, key, json_object_new_string(text));
}

static BaseJson *
group_of(BaseJson *host, BaseJson *device)
{
    BaseJson *groups = member(host, "groups"), *id = device ? member(device, "group") : NULL;

    for (gsize i = 0; id && groups && i < json_object_array_length(groups); i++) {
        BaseJson *group = json_object_array_get_idx(groups, i);

        if (member(group, "devices") &&
            json_object_get_int(member(group, "id")) == json_object_get_int(id))
            return group;
    }
    return NULL;
}

static void
leave_group(BaseJson *group, const char *address)
{
    BaseJson *devices = member(group, "devices"), *rest = json_object_new_array();

    for (gsize i = 0; i < json_object_array_length(devices); i++) {
        BaseJson *it = json_object_array_get_idx(devices, i);

        if (strcmp(json_object_get_string(it), address) != 0)
            json_object_array_add(rest, json_object_get(it));
    }
    json_object_object_add(group, "devices", rest);
}

/* Two functions in one group */
static void
merge_groups(GRand *random, BaseJson *host)
{
    BaseJson *left = any_element(random, member(host, "devices"));
    BaseJson *right = any_element(random, member(host, "devices"));
    BaseJson *from = group_of(host, left), *to = group_of(host, right);

    if (!from || !to || from == to)
        return;
    leave_group(from, json_object_get_string(member(left, "address")));
    json_object_array_add(member(to, "devices"), json_object_get(member(left, "address")));
    json_object_object_add(left, "group", json_object_get(member(to, "id")));
}

static void
change_register(GRand *random, BaseJson *iommu)
{
    static const char *const names[] = {"cap", "ecap", NULL};
    const char *key = random_word(random, names);
    BaseJson *value = iommu ? member(iommu, key) : NULL;
    g_autofree char *text = NULL;
    guint64 bits;

    if (!value || !json_object_is_type(value, json_type_string))
        return;
    bits = g_ascii_strtoull(json_object_get_string(value), NULL, 16);
    bits ^= G_GUINT64_CONSTANT(1) << g_rand_int_range(random, 0, 64);
    text = g_strdup_printf("0x%" G_GINT64_MODIFIER "x", bits);
    set_string(iommu, key, text);
}

static void
change_idr(GRand *random, BaseJson *iommu)
{
    BaseJson *list = iommu ? member(iommu, "idr") : NULL;
    g_autofree char *text = NULL;
    gsize place;
    guint bits;

    if (!list || !json_object_is_type(list, json_type_array) || json_object_array_length(list) != 6)
        return;
    place = (gsize)g_rand_int_range(random, 0, 6);
    bits = (guint)g_ascii_strtoull(json_object_get_string(json_object_array_get_idx(list, place)),
                                   NULL, 16);
    text = g_strdup_printf("0x%08x", bits ^ 1U << g_rand_int_range(random, 0, 32));
    json_object_array_put_idx(list, place, json_object_new_string(text));
}

static void
change(GRand *random, BaseJson *host)
{
    BaseJson *iommu = any_element(random, member(host, "iommus"));

    switch (g_rand_int_range(random, 0, 8)) {
    case 0:
        forget(random, host);
        break;
    case 1:
        forget(random, any_element(random, member(host, "devices")));
        break;
    case 2:
        forget(random, iommu);
        break;
    case 3:
        forget(random, any_element(random, member(host, "groups")));
        break;
    case 4:
        merge_groups(random, host);
        break;
    case 5:
        change_register(random, iommu);
        break;
    case 6:
        change_idr(random, iommu);
        break;
    default:
        if (iommu)
            json_object_object_add(iommu, "nest_parent", json_object_new_boolean(FALSE));
        break;
    }
}

BaseJson *
random_host_document(GRand *random, const GPtrArray *texts)
{
    g_autoptr(GError) error = NULL;
    const char *text = texts->pdata[g_rand_int_range(random, 0, (gint)texts->len)];
    BaseJson *host = base_json_parse(text, strlen(text), "host.json", &error);
    gint changes = random_chance(random, 60) ? 0 : g_rand_int_range(random, 1, 4);

    g_assert_no_error(error);
    for (gint i = 0; i < changes; i++)
        change(random, host);
    return host;
}
