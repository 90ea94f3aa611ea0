/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base-json-out.h"

#include <string.h>

static void
append_line(BaseJsonOut *out)
{
    g_string_append_c(out->text, '\n');
    for (guint i = 0; i < out->depth; i++)
        g_string_append_len(out->text, "  ", 2);
}

static void
append_escaped(GString *text, guchar c)
{
    static const char shorts[] = {['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
                                  ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't'};

    if (shorts[c])
        g_string_append_printf(text, "\\%c", shorts[c]);
    else
        g_string_append_printf(text, "\\u%04x", c);
}

static gboolean
needs_escape(guchar c)
{
    return c < ' ' || c == '"' || c == '\\';
}

static void
append_quoted(GString *text, const char *value, gsize length)
{
    gsize start = 0;

    g_string_append_c(text, '"');
    for (gsize i = 0; i < length; i++) {
        if (!needs_escape((guchar)value[i]))
            continue;
        g_string_append_len(text, value + start, (gssize)(i - start));
        append_escaped(text, (guchar)value[i]);
        start = i + 1;
    }
    g_string_append_len(text, value + start, (gssize)(length - start));
    g_string_append_c(text, '"');
}

/* All that stands before a value. */
static void
begin(BaseJsonOut *out, const char *key)
{
    if (out->filled)
        g_string_append_c(out->text, ',');
    if (out->depth > 0)
        append_line(out);
    if (key) {
        append_quoted(out->text, key, strlen(key));
        g_string_append_len(out->text, ": ", 2);
    }
    out->filled = TRUE;
}

void
base_json_out_open(BaseJsonOut *out, const char *key, char bracket)
{
    begin(out, key);
    g_string_append_c(out->text, bracket);
    out->depth++;
    out->filled = FALSE;
}

void
base_json_out_close(BaseJsonOut *out, char bracket)
{
    out->depth--;
    if (out->filled)
        append_line(out);
    g_string_append_c(out->text, bracket);
    out->filled = TRUE;
}

void
base_json_out_string(BaseJsonOut *out, const char *key, const char *value)
{
    if (!value)
        return;
    begin(out, key);
    append_quoted(out->text, value, strlen(value));
}

void
base_json_out_number(BaseJsonOut *out, const char *key, guint64 value)
{
    char digits[20];
    gsize first = sizeof digits;

    do {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    begin(out, key);
    g_string_append_len(out->text, digits + first, (gssize)(sizeof digits - first));
}

void
base_json_out_bool(BaseJsonOut *out, const char *key, gboolean value)
{
    begin(out, key);
    g_string_append(out->text, value ? "true" : "false");
}

static void
write_array(BaseJsonOut *out, const char *key, BaseJson *array)
{
    gsize length = json_object_array_length(array);

    base_json_out_open(out, key, '[');
    for (gsize i = 0; i < length; i++)
        base_json_out_value(out, NULL, json_object_array_get_idx(array, i));
    base_json_out_close(out, ']');
}

static void
write_object(BaseJsonOut *out, const char *key, BaseJson *object)
{
    g_autoptr(GPtrArray) keys = base_json_members(object);

    base_json_out_open(out, key, '{');
    for (guint i = 0; i < keys->len; i++)
        base_json_out_value(out, keys->pdata[i], json_object_object_get(object, keys->pdata[i]));
    base_json_out_close(out, '}');
}

void
base_json_out_value(BaseJsonOut *out, const char *key, BaseJson *value)
{
    switch (json_object_get_type(value)) {
    case json_type_array:
        write_array(out, key, value);
        break;
    case json_type_object:
        write_object(out, key, value);
        break;
    case json_type_string:
        begin(out, key);
        append_quoted(out->text, json_object_get_string(value),
                      (gsize)json_object_get_string_len(value));
        break;
    case json_type_null:
    case json_type_boolean:
    case json_type_double:
    case json_type_int:
    default:
        begin(out, key);
        g_string_append(out->text, json_object_to_json_string(value));
        break;
    }
}

/* Not json-c's own layout: that of empty arrays differs between its releases. */
char *
base_json_to_text(BaseJson *value)
{
    BaseJsonOut out = {.text = g_string_new(NULL)};

    base_json_out_value(&out, NULL, value);
    g_string_append_c(out.text, '\n');
    return g_string_free(out.text, FALSE);
}
