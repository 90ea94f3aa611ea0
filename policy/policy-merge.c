/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy-read.h"

#include <string.h>

static BaseJson *
deep_copy(BaseJson *value)
{
    BaseJson *copy = NULL;

    if (value && json_object_deep_copy(value, &copy, NULL) != 0)
        g_error("out of memory while copying a policy");
    return copy;
}

static BaseJson *
concatenate(BaseJson *first, BaseJson *second)
{
    BaseJson *both = json_object_new_array();

    for (gsize i = 0; i < json_object_array_length(first); i++)
        json_object_array_add(both, deep_copy(json_object_array_get_idx(first, i)));
    for (gsize i = 0; i < json_object_array_length(second); i++)
        json_object_array_add(both, deep_copy(json_object_array_get_idx(second, i)));
    return both;
}

/* A rule's severity and its reason belong together: an entry replaces the one below as a whole. */
static gboolean
merges_deep(const char *parent)
{
    return strcmp(parent, "rules") != 0;
}

static BaseJson *
merge_objects(BaseJson *below, BaseJson *over, const char *name)
{
    BaseJson *merged = deep_copy(below);
    g_autoptr(GPtrArray) keys = base_json_members(over);

    for (guint i = 0; i < keys->len; i++) {
        const char *key = keys->pdata[i];
        BaseJson *value = json_object_object_get(over, key);
        BaseJson *old = json_object_object_get(below, key);
        gboolean objects = json_object_is_type(value, json_type_object) &&
                           json_object_is_type(old, json_type_object);
        BaseJson *result;

        if (objects && merges_deep(name))
            result = merge_objects(old, value, key);
        else if (strcmp(key, "usages") == 0 && old)
            result = concatenate(value, old);
        else
            result = deep_copy(value);
        json_object_object_add(merged, key, result);
    }
    return merged;
}

BaseJson *
policy_merge(BaseJson *below, BaseJson *over)
{
    return merge_objects(below, over, "");
}
