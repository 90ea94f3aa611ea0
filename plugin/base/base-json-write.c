/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base-json.h"

void
base_json_add_u64(BaseJson *object, const char *key, BaseU64 number)
{
    if (number.state == BASE_STATE_ABSENT)
        json_object_object_add(object, key, NULL);
    else if (number.state == BASE_STATE_KNOWN)
        json_object_object_add(object, key, json_object_new_uint64(number.value));
}

void
base_json_add_hex(BaseJson *object, const char *key, BaseU64 number)
{
    g_autofree char *text = NULL;

    if (number.state == BASE_STATE_KNOWN)
        text = g_strdup_printf("0x%" G_GINT64_MODIFIER "x", number.value);
    if (number.state != BASE_STATE_UNKNOWN)
        json_object_object_add(object, key, text ? json_object_new_string(text) : NULL);
}

void
base_json_add_tri(BaseJson *object, const char *key, BaseTri tri)
{
    if (tri != BASE_UNKNOWN)
        json_object_object_add(object, key, json_object_new_boolean(tri == BASE_YES));
}

void
base_json_add_text(BaseJson *object, const char *key, BaseText text)
{
    if (text.state != BASE_STATE_UNKNOWN)
        json_object_object_add(object, key, text.text ? json_object_new_string(text.text) : NULL);
}

void
base_json_add_string(BaseJson *object, const char *key, const char *text)
{
    if (text)
        json_object_object_add(object, key, json_object_new_string(text));
}
