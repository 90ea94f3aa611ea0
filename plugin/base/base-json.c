/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base-json.h"

#include "base-file.h"
#include "base-text.h"

#include <stdarg.h>
#include <string.h>

/* Deep enough for every format of ours, shallow enough for a fuzzer's stack. */
#define MAX_DEPTH       32
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

typedef struct json_tokener Tokener;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tokener, json_tokener_free)

static guint
line_at(const char *text, gsize offset)
{
    guint line = 1;

    for (gsize i = 0; i < offset; i++)
        line += text[i] == '\n';
    return line;
}

BaseJson *
base_json_parse(const char *text, gsize length, const char *name, GError **error)
{
    g_autoptr(Tokener) tokener = json_tokener_new_ex(MAX_DEPTH);
    g_autoptr(BaseJson) value = NULL;
    gsize end;

    if (length > G_MAXINT || memchr(text, '\0', length)) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_PARSE, "%s: not JSON text in UTF-8", name);
        return NULL;
    }
    /* some editors begin every file with it; RFC 8259 section 8.1 lets a reader skip it */
    if (length >= strlen(BYTE_ORDER_MARK) && g_str_has_prefix(text, BYTE_ORDER_MARK)) {
        text += strlen(BYTE_ORDER_MARK);
        length -= strlen(BYTE_ORDER_MARK);
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
    value = json_tokener_parse_ex(tokener, text, (int)length);
    end = json_tokener_get_parse_end(tokener);
    if (json_tokener_get_error(tokener) != json_tokener_success || !value) {
        const char *why = json_tokener_get_error(tokener) == json_tokener_continue
                              ? "the text ends too early"
                              : json_tokener_error_desc(json_tokener_get_error(tokener));

        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_PARSE, "%s:%u: not valid JSON: %s", name,
                    line_at(text, MIN(end, length)), value || why ? why : "no value");
        return NULL;
    }
    while (end < length && g_ascii_isspace(text[end]))
        end++;
    if (end < length) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_PARSE,
                    "%s:%u: not valid JSON: text after the end of the document", name,
                    line_at(text, end));
        return NULL;
    }
    return g_steal_pointer(&value);
}

BaseJson *
base_json_load(const char *path, gsize limit, GError **error)
{
    g_autofree char *text = NULL;
    gsize length;

    if (!base_file_read(path, limit, &text, &length, error))
        return NULL;
    return base_json_parse(text, length, path, error);
}

BaseJson *
base_json_load_plain(const char *path, gsize limit, GError **error)
{
    g_autofree char *text = NULL;
    gsize length;

    if (!base_file_read_plain(path, limit, &text, &length, error))
        return NULL;
    return base_json_parse(text, length, path, error);
}

static gint
compare_keys(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *
base_json_members(BaseJson *object)
{
    GPtrArray *members = g_ptr_array_new();
    struct json_object_iterator end = json_object_iter_end(object);

    for (struct json_object_iterator i = json_object_iter_begin(object);
         !json_object_iter_equal(&i, &end); json_object_iter_next(&i))
        g_ptr_array_add(members, (char *)json_object_iter_peek_name(&i));
    g_ptr_array_sort(members, compare_keys);
    return members;
}

BasePlace
base_place_root(BaseJson *value, const char *file)
{
    return (BasePlace){.file = file, .value = value, .present = TRUE};
}

BasePlace
base_place_member(const BasePlace *object, const char *key)
{
    BasePlace place = {.parent = object, .key = key};

    place.present = json_object_is_type(object->value, json_type_object) &&
                    json_object_object_get_ex(object->value, key, &place.value);
    return place;
}

BasePlace
base_place_element(const BasePlace *array, gsize index)
{
    return (BasePlace){.parent = array,
                       .index = index,
                       .value = json_object_array_get_idx(array->value, index),
                       .present = TRUE};
}

gsize
base_place_length(const BasePlace *array)
{
    return json_object_is_type(array->value, json_type_array)
               ? json_object_array_length(array->value)
               : 0;
}

/* RFC 6901: "~" and "/" inside a name are written "~0" and "~1". */
static void
append_pointer(const BasePlace *place, GString *pointer)
{
    if (!place->parent)
        return;
    append_pointer(place->parent, pointer);
    g_string_append_c(pointer, '/');
    if (!place->key)
        g_string_append_printf(pointer, "%" G_GSIZE_FORMAT, place->index);
    for (const char *c = place->key; c && *c; c++) {
        if (*c == '~')
            g_string_append(pointer, "~0");
        else if (*c == '/')
            g_string_append(pointer, "~1");
        else
            g_string_append_c(pointer, *c);
    }
}

void
base_place_error(const BasePlace *place, GError **error, const char *format, ...)
{
    g_autoptr(GString) pointer = g_string_new(NULL);
    g_autofree char *message = NULL, *where = NULL;
    const BasePlace *root = place;
    va_list args;

    while (root->parent)
        root = root->parent;
    append_pointer(place, pointer);
    va_start(args, format);
    message = base_one_line(g_strdup_vprintf(format, args));
    va_end(args);
    where = base_one_line(g_strdup(pointer->len ? pointer->str : "/"));
    g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_SCHEMA, "%s: %s: %s",
                root->file ? root->file : "JSON", where, message);
}

static gboolean
wrong_type(const BasePlace *place, const char *wanted, GError **error)
{
    base_place_error(place, error, "must be %s, not %s", wanted,
                     json_type_to_name(json_object_get_type(place->value)));
    return FALSE;
}

static gboolean
has_type(const BasePlace *place, json_type type, const char *wanted, GError **error)
{
    return json_object_is_type(place->value, type) || wrong_type(place, wanted, error);
}

gboolean
base_place_is_object(const BasePlace *place, GError **error)
{
    return has_type(place, json_type_object, "an object", error);
}

gboolean
base_place_is_array(const BasePlace *place, GError **error)
{
    return has_type(place, json_type_array, "an array", error);
}

gboolean
base_place_string(const BasePlace *place, const char **ret, GError **error)
{
    if (!place->present)
        return TRUE;
    if (!has_type(place, json_type_string, "a string", error))
        return FALSE;
    if (strlen(json_object_get_string(place->value)) !=
        (gsize)json_object_get_string_len(place->value)) {
        base_place_error(place, error, "must not contain a null character");
        return FALSE;
    }
    *ret = json_object_get_string(place->value);
    return TRUE;
}

gboolean
base_place_bool(const BasePlace *place, gboolean *ret, GError **error)
{
    if (!place->present)
        return TRUE;
    if (!has_type(place, json_type_boolean, "true or false", error))
        return FALSE;
    *ret = json_object_get_boolean(place->value);
    return TRUE;
}

gboolean
base_place_tri(const BasePlace *place, BaseTri *ret, GError **error)
{
    gboolean value = FALSE;

    if (!base_place_bool(place, &value, error))
        return FALSE;
    if (place->present)
        *ret = base_tri(value);
    return TRUE;
}

gboolean
base_place_text(const BasePlace *place, BaseText *ret, GError **error)
{
    const char *text = NULL;

    if (!place->present)
        return TRUE;
    if (place->value && !base_place_string(place, &text, error))
        return FALSE;
    *ret = (BaseText){text ? BASE_STATE_KNOWN : BASE_STATE_ABSENT, g_strdup(text)};
    return TRUE;
}

gboolean
base_place_u64(const BasePlace *place, guint64 max, BaseU64 *ret, GError **error)
{
    guint64 value;

    if (!place->present)
        return TRUE;
    if (!place->value) {
        *ret = base_u64_absent();
        return TRUE;
    }
    if (!has_type(place, json_type_int, "a number", error))
        return FALSE;
    value = json_object_get_uint64(place->value);
    if (json_object_get_int64(place->value) < 0 || value > max) {
        base_place_error(place, error, "must be from 0 to %" G_GUINT64_FORMAT ", not %s", max,
                         json_object_get_string(place->value));
        return FALSE;
    }
    *ret = base_u64(value);
    return TRUE;
}

gboolean
base_place_hex(const BasePlace *place, guint64 max, BaseU64 *ret, GError **error)
{
    const char *text = NULL;
    guint64 value;

    if (!place->present)
        return TRUE;
    if (!place->value) {
        *ret = base_u64_absent();
        return TRUE;
    }
    if (!base_place_string(place, &text, error))
        return FALSE;
    if (!g_str_has_prefix(text, "0x") || !base_parse_u64(text + 2, 16, &value) || value > max) {
        base_place_error(place, error, "must be a hex string up to \"0x%" G_GINT64_MODIFIER "x\"",
                         max);
        return FALSE;
    }
    *ret = base_u64(value);
    return TRUE;
}

gboolean
base_place_only(const BasePlace *object, const char *const *keys, GError **error)
{
    g_autoptr(GPtrArray) members = NULL;

    if (!base_place_is_object(object, error))
        return FALSE;
    members = base_json_members(object->value);
    for (guint i = 0; i < members->len; i++) {
        const char *key = members->pdata[i];
        BasePlace place = base_place_member(object, key);
        const char *near;

        if (g_strv_contains(keys, key))
            continue;
        near = base_nearest(key, keys);
        base_place_error(&place, error, "unknown member%s%s%s", near ? "; did you mean \"" : "",
                         near ? near : "", near ? "\"?" : "");
        return FALSE;
    }
    return TRUE;
}
