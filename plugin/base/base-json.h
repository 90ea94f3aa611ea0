/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strict access to JSON documents: every wrong type is a GError that names a JSON pointer. */
#pragma once

#include "base-types.h"

#include <json-c/json.h>

#include "viommu/viommu-error.h"

typedef struct json_object BaseJson;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BaseJson, json_object_put)

/* Parses @length bytes; @name (a file name) prefixes errors as "name:line: ". (transfer full) */
BaseJson *base_json_parse(const char *text, gsize length, const char *name, GError **error);
/* Reads at most @limit bytes of a file, then as above. (transfer full) */
BaseJson *base_json_load(const char *path, gsize limit, GError **error);
/* The same by base_file_read_plain() */
BaseJson *base_json_load_plain(const char *path, gsize limit, GError **error);

/* Names of an object's members, sorted; the names are borrowed. (transfer container) */
GPtrArray *base_json_members(BaseJson *object);

/*
 * A place in a document: the value, its JSON pointer, and the file that it came from. Cheap to
 * copy into a child place; the pointer text is only built when an error needs it.
 */
typedef struct BasePlace BasePlace;
struct BasePlace {
    const BasePlace *parent; /* NULL for the root */
    const char *file;        /* set at the root */
    const char *key;         /* member name, or NULL for an array element */
    gsize index;
    BaseJson *value; /* borrowed; NULL for JSON null and for a missing member */
    gboolean present;
};

BasePlace base_place_root(BaseJson *value, const char *file);
BasePlace base_place_member(const BasePlace *object, const char *key);
BasePlace base_place_element(const BasePlace *array, gsize index);
gsize base_place_length(const BasePlace *array);

/* "file: /devices/3/bars: " + message, code VIOMMU_ERROR_SCHEMA */
void base_place_error(const BasePlace *place, GError **error, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* The getters below take a missing member as "unknown" (and null as "absent" where the type can
 * say so), leave *ret untouched in that case, and fail on any other type. */
gboolean base_place_is_object(const BasePlace *place, GError **error);
gboolean base_place_is_array(const BasePlace *place, GError **error);
gboolean base_place_string(const BasePlace *place, const char **ret, GError **error);
gboolean base_place_bool(const BasePlace *place, gboolean *ret, GError **error);
gboolean base_place_tri(const BasePlace *place, BaseTri *ret, GError **error);
gboolean base_place_text(const BasePlace *place, BaseText *ret, GError **error);
/* a JSON integer from 0 to @max, or (@hex) a string "0x…"; null is ABSENT */
gboolean base_place_u64(const BasePlace *place, guint64 max, BaseU64 *ret, GError **error);
gboolean base_place_hex(const BasePlace *place, guint64 max, BaseU64 *ret, GError **error);
/* fails when @object has a member that is not in the NULL-terminated list */
gboolean base_place_only(const BasePlace *object, const char *const *keys, GError **error);

/* Canonical text: members sorted by name, two-space indent, newline at the end. (transfer full) */
char *base_json_to_text(BaseJson *value);

/* Writers that leave out what is unknown and write null for what is absent. */
void base_json_add_u64(BaseJson *object, const char *key, BaseU64 number);
void base_json_add_hex(BaseJson *object, const char *key, BaseU64 number);
void base_json_add_tri(BaseJson *object, const char *key, BaseTri tri);
void base_json_add_text(BaseJson *object, const char *key, BaseText text);
/* NULL text: the member is left out */
void base_json_add_string(BaseJson *object, const char *key, const char *text);
