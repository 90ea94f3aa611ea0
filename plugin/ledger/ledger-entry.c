/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ledger-entry.h"

#include <string.h>

/* 4096 devices and as many rules fit in it many times. */
#define ENTRY_LIMIT ((gsize)1024 * 1024)
#define VERSION     1

static BaseJson *
texts(const GPtrArray *list)
{
    BaseJson *array = json_object_new_array();

    for (guint i = 0; i < list->len; i++)
        json_object_array_add(array, json_object_new_string(list->pdata[i]));
    return array;
}

BaseJson *
ledger_entry_save(const HostReservation *reservation, const char *boot)
{
    BaseJson *entry = json_object_new_object();

    json_object_object_add(entry, "ledger", json_object_new_int(VERSION));
    base_json_add_string(entry, "boot_id", boot);
    base_json_add_string(entry, "uuid", reservation->uuid);
    base_json_add_string(entry, "domain", reservation->domain);
    if (reservation->devices_state == BASE_STATE_KNOWN)
        json_object_object_add(entry, "devices", texts(reservation->devices));
    base_json_add_u64(entry, "locked_memory", reservation->locked_memory);
    base_json_add_u64(entry, "pasid_bits", reservation->pasid_bits);
    base_json_add_u64(entry, "accel_viommus", reservation->accel_viommus);
    base_json_add_u64(entry, "command_queues", reservation->command_queues);
    if (reservation->undecided->len > 0)
        json_object_object_add(entry, "undecided", texts(reservation->undecided));
    return entry;
}

static gboolean
load_texts(const BasePlace *root, const char *key, GPtrArray *ret, GError **error)
{
    BasePlace list = base_place_member(root, key);

    if (!list.present)
        return TRUE;
    if (!base_place_is_array(&list, error))
        return FALSE;
    for (gsize i = 0; i < base_place_length(&list); i++) {
        BasePlace place = base_place_element(&list, i);
        const char *text = NULL;

        if (!base_place_string(&place, &text, error))
            return FALSE;
        if (text)
            g_ptr_array_add(ret, g_strdup(text));
    }
    return TRUE;
}

static gboolean
load_number(const BasePlace *root, const char *key, guint64 max, BaseU64 *ret, GError **error)
{
    BasePlace place = base_place_member(root, key);

    return base_place_u64(&place, max, ret, error);
}

static gboolean
load_members(const BasePlace *root, HostReservation *ret, GError **error)
{
    BasePlace devices = base_place_member(root, "devices");

    ret->devices_state = devices.present ? BASE_STATE_KNOWN : BASE_STATE_UNKNOWN;
    return load_texts(root, "devices", ret->devices, error) &&
           load_texts(root, "undecided", ret->undecided, error) &&
           load_number(root, "locked_memory", G_MAXINT64, &ret->locked_memory, error) &&
           load_number(root, "pasid_bits", 32, &ret->pasid_bits, error) &&
           load_number(root, "accel_viommus", G_MAXUINT32, &ret->accel_viommus, error) &&
           load_number(root, "command_queues", G_MAXUINT32, &ret->command_queues, error);
}

static gboolean
is_version(const BasePlace *root, GError **error)
{
    BasePlace place = base_place_member(root, "ledger");
    BaseU64 version = {0};

    if (!base_place_u64(&place, G_MAXUINT16, &version, error))
        return FALSE;
    if (base_u64_is_known(version) && version.value == VERSION)
        return TRUE;
    base_place_error(&place, error, "is not %d", VERSION);
    return FALSE;
}

/* A text that must be there */
static gboolean
required(const BasePlace *root, const char *key, const char **ret, GError **error)
{
    BasePlace place = base_place_member(root, key);

    if (!base_place_string(&place, ret, error))
        return FALSE;
    if (*ret)
        return TRUE;
    base_place_error(&place, error, "is missing");
    return FALSE;
}

HostReservation *
ledger_entry_load(const char *path, const char *uuid, const char *boot, GError **error)
{
    g_autoptr(BaseJson) document = base_json_load_plain(path, ENTRY_LIMIT, error);
    g_autoptr(HostReservation) entry = NULL;
    const char *of = NULL, *inside = NULL, *domain = NULL;
    BasePlace root, place;

    if (!document)
        return NULL;
    root = base_place_root(document, path);
    if (!base_place_is_object(&root, error) || !required(&root, "boot_id", &of, error))
        return NULL;
    if (strcmp(of, boot) != 0)
        return NULL;
    if (!is_version(&root, error) || !required(&root, "uuid", &inside, error) ||
        !required(&root, "domain", &domain, error))
        return NULL;
    if (strcmp(inside, uuid) != 0) {
        place = base_place_member(&root, "uuid");
        base_place_error(&place, error, "is not the file's");
        return NULL;
    }
    entry = host_reservation_new(uuid, domain);
    return load_members(&root, entry, error) ? g_steal_pointer(&entry) : NULL;
}
