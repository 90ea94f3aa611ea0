/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base-json.h"

static void append_value(BaseJson *value, guint indent, GString *out);

static void
append_line(guint indent, GString *out)
{
    g_string_append_printf(out, "\n%*s", (int)indent, "");
}

static void
append_scalar(BaseJson *value, GString *out)
{
    g_string_append(out, json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN |
                                                                   JSON_C_TO_STRING_NOSLASHESCAPE));
}

static void
append_array(BaseJson *array, guint indent, GString *out)
{
    gsize length = json_object_array_length(array);

    g_string_append_c(out, '[');
    for (gsize i = 0; i < length; i++) {
        append_line(indent + 2, out);
        append_value(json_object_array_get_idx(array, i), indent + 2, out);
        g_string_append(out, i + 1 < length ? "," : "");
    }
    if (length > 0)
        append_line(indent, out);
    g_string_append_c(out, ']');
}

static void
append_object(BaseJson *object, guint indent, GString *out)
{
    g_autoptr(GPtrArray) keys = base_json_members(object);

    g_string_append_c(out, '{');
    for (guint i = 0; i < keys->len; i++) {
        g_autoptr(BaseJson) key = json_object_new_string(keys->pdata[i]);

        append_line(indent + 2, out);
        append_scalar(key, out);
        g_string_append(out, ": ");
        append_value(json_object_object_get(object, keys->pdata[i]), indent + 2, out);
        g_string_append(out, i + 1 < keys->len ? "," : "");
    }
    if (keys->len > 0)
        append_line(indent, out);
    g_string_append_c(out, '}');
}

static void
append_value(BaseJson *value, guint indent, GString *out)
{
    if (json_object_is_type(value, json_type_array))
        append_array(value, indent, out);
    else if (json_object_is_type(value, json_type_object))
        append_object(value, indent, out);
    else
        append_scalar(value, out);
}

/* Not json-c's own layout: that of empty arrays differs between its releases. */
char *
base_json_to_text(BaseJson *value)
{
    GString *out = g_string_new(NULL);

    append_value(value, 0, out);
    g_string_append_c(out, '\n');
    return g_string_free(out, FALSE);
}

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
