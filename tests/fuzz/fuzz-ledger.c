/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file of the ledger: whatever it holds, the ledger is read. An entry that is taken is written
 * and read again as the same; one that is not counts as unknown and is told; either can be
 * replaced.
 */
#include "fuzz.h"

#include "ledger.h"

#include <glib/gstdio.h>

#define UUID "00000000-0000-0000-0000-000000000001"
#define BOOT "00000000-0000-0000-0000-00000000b001"

static char *
make_directory(void)
{
    char *directory = g_strdup("/dev/shm/viommu-fuzz-XXXXXX");

    if (g_mkdtemp(directory))
        return directory;
    g_free(directory);
    directory = g_dir_make_tmp("viommu-fuzz-XXXXXX", NULL);
    g_assert_nonnull(directory);
    return directory;
}

static void
remove_directory(const char *directory)
{
    static const char *const names[] = {UUID ".json", "lock"};

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(directory, names[i], NULL);

        g_unlink(path);
    }
    if (g_rmdir(directory) != 0)
        g_error("%s: something else is in it", directory);
}

/* The one entry of the directory; NULL: it is of another boot */
static HostReservation *
read_entry(Ledger *ledger, GPtrArray *problems)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) entries = ledger_read(ledger, problems, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(entries->len, <=, 1);
    return entries->len ? host_reservation_copy(entries->pdata[0]) : NULL;
}

static void
write_entry(Ledger *ledger, const HostReservation *entry)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(ledger_lock(ledger, 0, &error));
    g_assert_true(ledger_write(ledger, entry, &error));
    ledger_unlock(ledger);
    g_assert_no_error(error);
}

static void
replace(Ledger *ledger)
{
    g_autoptr(HostReservation) mine = host_reservation_new(UUID, "vm"), found = NULL;
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);

    mine->devices_state = BASE_STATE_KNOWN;
    g_ptr_array_add(mine->devices, g_strdup("0000:01:00.0"));
    write_entry(ledger, mine);
    found = read_entry(ledger, problems);
    g_assert_cmpuint(problems->len, ==, 0);
    g_assert_true(host_reservation_holds_same(mine, found));
}

static void
take(Ledger *ledger)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(HostReservation) entry = read_entry(ledger, problems), again = NULL;

    g_assert_true(entry || problems->len == 0);
    if (!entry || problems->len > 0 || host_reservation_is_empty(entry))
        return;
    write_entry(ledger, entry);
    again = read_entry(ledger, problems);
    g_assert_cmpuint(problems->len, ==, 0);
    g_assert_true(again && host_reservation_holds_same(entry, again));
    g_assert_cmpstr(entry->domain, ==, again->domain);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *directory = make_directory();
    g_autofree char *path = g_build_filename(directory, UUID ".json", NULL);
    g_autoptr(Ledger) ledger = ledger_new(directory, BOOT);

    g_assert_true(g_file_set_contents(path, (const char *)data, (gssize)size, NULL));
    take(ledger);
    replace(ledger);
    remove_directory(directory);
    return 0;
}
