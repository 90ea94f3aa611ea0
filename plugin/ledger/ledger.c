/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ledger.h"

#include "base-file.h"
#include "ledger-entry.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#define SUFFIX      ".json"
#define UUID_LENGTH 36

Ledger *
ledger_new(const char *directory, const char *boot)
{
    Ledger *ledger = g_new0(Ledger, 1);

    ledger->directory = g_strdup(directory);
    ledger->boot = g_strdup(boot);
    ledger->lock = -1;
    ledger->stale = g_ptr_array_new_with_free_func(g_free);
    return ledger;
}

void
ledger_free(Ledger *ledger)
{
    if (!ledger)
        return;
    ledger_unlock(ledger);
    g_ptr_array_unref(ledger->stale);
    g_free(ledger->directory);
    g_free(ledger->boot);
    g_free(ledger);
}

gboolean
ledger_exists(const Ledger *ledger)
{
    return g_file_test(ledger->directory, G_FILE_TEST_IS_DIR);
}

/* File names are made of nothing else. */
static gboolean
is_uuid(const char *text)
{
    if (!text || !g_uuid_string_is_valid(text))
        return FALSE;
    for (const char *c = text; *c; c++)
        if (g_ascii_isupper(*c))
            return FALSE;
    return TRUE;
}

/* (transfer full) (nullable): of a name "UUID.json" */
static char *
uuid_of(const char *name)
{
    g_autofree char *uuid = NULL;

    if (strlen(name) != UUID_LENGTH + strlen(SUFFIX) || !g_str_has_suffix(name, SUFFIX))
        return NULL;
    uuid = g_strndup(name, UUID_LENGTH);
    return is_uuid(uuid) ? g_steal_pointer(&uuid) : NULL;
}

/* "UUID.json.XXXXXX": what a writer that was killed has left */
static gboolean
is_leftover(const char *name)
{
    g_autofree char *uuid = g_strndup(name, UUID_LENGTH);

    return strlen(name) > UUID_LENGTH + strlen(SUFFIX) && is_uuid(uuid) &&
           g_str_has_prefix(name + UUID_LENGTH, SUFFIX ".");
}

static char *
path_of(const Ledger *ledger, const char *uuid)
{
    g_autofree char *name = g_strconcat(uuid, SUFFIX, NULL);

    return g_build_filename(ledger->directory, name, NULL);
}

static gint
compare_uuids(gconstpointer a, gconstpointer b)
{
    const HostReservation *first = *(const HostReservation *const *)a;
    const HostReservation *second = *(const HostReservation *const *)b;

    return strcmp(first->uuid, second->uuid);
}

static void
free_entry(gpointer entry)
{
    host_reservation_free(entry);
}

static void
read_entry(Ledger *ledger, const char *uuid, GPtrArray *entries, GPtrArray *problems)
{
    g_autofree char *path = path_of(ledger, uuid);
    g_autoptr(GError) error = NULL;
    HostReservation *entry = ledger_entry_load(path, uuid, ledger->boot, &error);

    if (!entry && !error) { /* of another boot */
        if (ledger->lock >= 0)
            g_ptr_array_add(ledger->stale, g_path_get_basename(path));
        return;
    }
    if (!entry && !g_file_test(path, G_FILE_TEST_EXISTS))
        return; /* removed since the directory was listed */
    if (!entry) {
        entry = host_reservation_new(uuid, NULL);
        entry->devices_state = BASE_STATE_UNKNOWN;
        if (problems)
            g_ptr_array_add(problems, g_strdup(error->message));
    }
    g_ptr_array_add(entries, entry);
}

GPtrArray *
ledger_read(Ledger *ledger, GPtrArray *problems, GError **error)
{
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(free_entry);
    g_autoptr(GDir) dir = NULL;
    const char *name;

    if (!base_directory_open(ledger->directory, &dir, error))
        return NULL;
    if (!dir)
        return g_steal_pointer(&entries);
    g_ptr_array_set_size(ledger->stale, 0);
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *uuid = uuid_of(name);

        if (uuid)
            read_entry(ledger, uuid, entries, problems);
        else if (ledger->lock >= 0 && is_leftover(name))
            g_ptr_array_add(ledger->stale, g_strdup(name));
    }
    g_ptr_array_sort(entries, compare_uuids);
    return g_steal_pointer(&entries);
}

/* Nobody else writes while we hold the lock, so nobody misses them. */
static void
sweep(Ledger *ledger)
{
    for (guint i = 0; i < ledger->stale->len; i++) {
        g_autofree char *path = g_build_filename(ledger->directory, ledger->stale->pdata[i], NULL);

        g_unlink(path);
    }
    g_ptr_array_set_size(ledger->stale, 0);
}

gboolean
ledger_write(Ledger *ledger, const HostReservation *reservation, GError **error)
{
    g_autoptr(BaseJson) document = NULL;
    g_autofree char *text = NULL;
    g_autofree char *path = NULL;

    g_return_val_if_fail(ledger->lock >= 0, FALSE);

    if (!is_uuid(reservation->uuid)) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_INVALID_ARGUMENT,
                    "domain %s: no <uuid> to keep account by",
                    reservation->domain ? reservation->domain : "without name");
        return FALSE;
    }
    sweep(ledger);
    if (host_reservation_is_empty(reservation))
        return ledger_remove(ledger, reservation->uuid, error);
    document = ledger_entry_save(reservation, ledger->boot);
    text = base_json_to_text(document);
    path = path_of(ledger, reservation->uuid);
    /* what is no file would be written into, and a pipe would wait for a reader */
    if (!g_file_test(path, G_FILE_TEST_IS_REGULAR) && g_unlink(path) != 0 && errno != ENOENT) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO, "%s: cannot remove it: %s", path,
                    g_strerror(errno));
        return FALSE;
    }
    return base_file_replace(path, text, strlen(text), error);
}

gboolean
ledger_remove(const Ledger *ledger, const char *uuid, GError **error)
{
    g_autofree char *name = uuid ? g_ascii_strdown(uuid, -1) : NULL;
    g_autofree char *path = NULL;

    if (!is_uuid(name))
        return TRUE; /* nothing was ever written under it */
    path = path_of(ledger, name);
    if (g_unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR)
        return TRUE;
    g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO, "%s: cannot remove it: %s", path,
                g_strerror(errno));
    return FALSE;
}

gboolean
ledger_forget_name(const Ledger *ledger, GPtrArray *entries, const char *domain, const char *uuid,
                   GError **error)
{
    g_return_val_if_fail(ledger->lock >= 0, FALSE);

    for (guint i = entries->len; i-- > 0;) {
        const HostReservation *entry = entries->pdata[i];

        if (!domain || g_strcmp0(entry->domain, domain) != 0 ||
            (uuid && g_ascii_strcasecmp(entry->uuid, uuid) == 0))
            continue;
        if (!ledger_remove(ledger, entry->uuid, error))
            return FALSE;
        g_ptr_array_remove_index(entries, i);
    }
    return TRUE;
}

HostReservation *
ledger_find(const GPtrArray *entries, const char *uuid)
{
    for (guint i = 0; i < entries->len; i++) {
        HostReservation *entry = entries->pdata[i];

        if (uuid && g_ascii_strcasecmp(entry->uuid, uuid) == 0)
            return entry;
    }
    return NULL;
}
