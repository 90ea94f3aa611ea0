/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ledger against what happens to machines: death at every call that changes a file, a full or
 * read-only disk, other boots, damaged files, and many processes at once. This program's own
 * write(), fsync(), rename() and unlink() take the place of the C library's, so that each can fail,
 * or be the last thing that a process does.
 */
#include "ledger-compare.h"
#include "ledger-entry.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BOOT  "11111111-2222-3333-4444-555555555555"
#define FIRST "00000000-0000-0000-0000-00000000000a"
#define OTHER "00000000-0000-0000-0000-00000000000b"

/* The one mutable object of this test: what happens at the call with number @at. */
static struct {
    gboolean armed;
    guint calls, at;
    int failure;     /* errno; 0: the process dies */
    gboolean after;  /* dies when the call has been made */
    gboolean partly; /* write() takes half of it first */
    const char *unlinked;
} fault;

static gboolean
is_hit(void)
{
    if (!fault.armed || ++fault.calls != fault.at)
        return FALSE;
    if (!fault.failure && !fault.after)
        kill(getpid(), SIGKILL);
    return TRUE;
}

static long
finish(gboolean hit, long result)
{
    if (hit && fault.after)
        kill(getpid(), SIGKILL);
    return result;
}

static long
refuse(void)
{
    errno = fault.failure;
    return -1;
}

ssize_t
write(int fd, const void *bytes, size_t count)
{
    gboolean hit = fd > STDERR_FILENO && is_hit();

    if (hit && fault.failure)
        return refuse();
    if (hit && fault.partly)
        count /= 2;
    return finish(hit, syscall(SYS_write, fd, bytes, count));
}

int
fsync(int fd)
{
    gboolean hit = is_hit();

    return (int)(hit && fault.failure ? refuse() : finish(hit, syscall(SYS_fsync, fd)));
}

int
rename(const char *from, const char *to)
{
    gboolean hit = is_hit();

    return (int)(hit && fault.failure
                     ? refuse()
                     : finish(hit, syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0)));
}

int
unlink(const char *path)
{
    gboolean hit = is_hit();

    return (int)(hit && fault.failure ? refuse()
                                      : finish(hit, syscall(SYS_unlinkat, AT_FDCWD, path, 0)));
}

/* Somebody removes the lock's file when it has been opened and not yet been locked. */
int
flock(int fd, int operation)
{
    if (fault.unlinked)
        syscall(SYS_unlinkat, AT_FDCWD, fault.unlinked, 0);
    fault.unlinked = NULL;
    return (int)syscall(SYS_flock, fd, operation);
}

typedef struct {
    char *parent, *directory;
} Place;

static void
place_clear(Place *place)
{
    const char *const argv[] = {"rm", "-rf", place->parent, NULL};

    g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                 NULL);
    g_free(place->parent);
    g_free(place->directory);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Place, place_clear)

static Place
place_new(void)
{
    char *parent = g_dir_make_tmp("viommu-ledger-XXXXXX", NULL);

    g_assert_nonnull(parent);
    return (Place){parent, g_build_filename(parent, "run", "ledger", NULL)};
}

static HostReservation *
reservation(const char *uuid, const char *name, guint devices)
{
    HostReservation *made = host_reservation_new(uuid, name);

    for (guint i = 0; i < devices; i++)
        g_ptr_array_add(made->devices, g_strdup_printf("0000:%02x:00.0", i));
    made->locked_memory = base_u64(devices * G_GUINT64_CONSTANT(4294967296));
    made->pasid_bits = base_u64(16);
    made->accel_viommus = base_u64(0);
    return made;
}

static gboolean
put(const Place *place, const char *uuid, const char *name, guint devices, GError **error)
{
    g_autoptr(Ledger) ledger = ledger_new(place->directory, BOOT);
    g_autoptr(HostReservation) made = reservation(uuid, name, devices);
    g_autoptr(GPtrArray) entries = NULL;

    if (!ledger_lock(ledger, 10000, error))
        return FALSE;
    entries = ledger_read(ledger, NULL, error);
    return entries && ledger_write(ledger, made, error);
}

static GPtrArray *
entries_of(const Place *place, GPtrArray *problems)
{
    g_autoptr(Ledger) ledger = ledger_new(place->directory, BOOT);
    g_autoptr(GError) error = NULL;
    GPtrArray *entries = ledger_read(ledger, problems, &error);

    g_assert_no_error(error);
    return entries;
}

/* Devices that an entry holds; 0: there is none */
static guint
held(const Place *place, const char *uuid)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) entries = entries_of(place, problems);
    const HostReservation *entry = ledger_find(entries, uuid);

    g_assert_cmpuint(problems->len, ==, 0);
    return entry ? entry->devices->len : 0;
}

static guint
count_files(const Place *place)
{
    g_autoptr(GDir) dir = g_dir_open(place->directory, 0, NULL);
    guint count = 0;

    while (dir && g_dir_read_name(dir))
        count++;
    return count;
}

static void
test_round_trip(void)
{
    g_auto(Place) place = place_new();
    g_autoptr(HostReservation) made = reservation(FIRST, "a \"b\" <c>", 3);
    g_autoptr(Ledger) ledger = ledger_new(place.directory, BOOT);
    g_autoptr(GPtrArray) entries = NULL;
    const HostReservation *entry;

    g_assert_false(ledger_exists(ledger));
    g_assert_cmpuint(held(&place, FIRST), ==, 0);
    g_ptr_array_add(made->undecided, g_strdup("group-viable"));
    g_assert_true(ledger_lock(ledger, 0, NULL));
    g_assert_true(ledger_exists(ledger));
    g_assert_true(ledger_write(ledger, made, NULL));
    entries = entries_of(&place, NULL);
    entry = ledger_find(entries, FIRST);
    g_assert_true(entry && host_reservation_holds_same(entry, made));
    g_assert_cmpstr(entry->domain, ==, made->domain);
    g_assert_cmpstr(entry->undecided->pdata[0], ==, "group-viable");
    g_assert_cmpint(entry->command_queues.state, ==, BASE_STATE_UNKNOWN);
    /* who holds nothing has no file */
    g_ptr_array_set_size(made->devices, 0);
    made->locked_memory = made->pasid_bits = base_u64(0);
    g_assert_true(ledger_write(ledger, made, NULL));
    g_assert_cmpuint(held(&place, FIRST), ==, 0); /* command queues are unknown: still there */
    g_assert_cmpuint(count_files(&place), ==, 2);
    made->command_queues = base_u64(0);
    g_assert_true(ledger_write(ledger, made, NULL));
    g_assert_cmpuint(count_files(&place), ==, 1);
}

static void
test_names(void)
{
    static const char *const wrong[] = {"", "../../etc/passwd", "x",
                                        "00000000-0000-0000-0000-00000000000A",
                                        "000000000000000000000000000000000000"};
    g_auto(Place) place = place_new();
    g_autoptr(Ledger) ledger = ledger_new(place.directory, BOOT);

    g_assert_true(ledger_lock(ledger, 0, NULL));
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(HostReservation) made = reservation(wrong[i], "x", 1);
        g_autoptr(GError) error = NULL;

        g_assert_false(ledger_write(ledger, made, &error));
        g_assert_error(error, VIOMMU_ERROR, VIOMMU_ERROR_INVALID_ARGUMENT);
        g_assert_true(ledger_remove(ledger, wrong[i], NULL));
    }
    g_assert_cmpuint(count_files(&place), ==, 1);
}

/* A file that cannot be used never hides that somebody may hold something. */
static void
test_damaged(void)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{\"ledger\": 1}",
        "{\"ledger\": 2, \"boot_id\": \"" BOOT "\"}",
        "{\"ledger\": 1, \"boot_id\": \"" BOOT "\", \"uuid\": \"" OTHER "\", \"domain\": \"x\"}",
        "{\"ledger\": 1, \"boot_id\": \"" BOOT "\", \"uuid\": \"" FIRST "\", \"domain\": \"x\", "
        "\"devices\": 3}",
        "{\"ledger\": 1, \"boot_id\": \"" BOOT "\", \"uuid\": \"" FIRST "\", \"domain\": \"x\", "
        "\"devices\": [], \"pasid_bits\": 99}"};
    g_auto(Place) place = place_new();
    g_autofree char *path = g_build_filename(place.directory, FIRST ".json", NULL);

    g_assert_true(put(&place, OTHER, "other", 1, NULL));
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GPtrArray) entries = NULL;
        const HostReservation *entry;

        g_assert_true(g_file_set_contents(path, texts[i], -1, NULL));
        entries = entries_of(&place, problems);
        entry = ledger_find(entries, FIRST);
        g_test_message("%s", texts[i]);
        g_assert_cmpuint(problems->len, ==, 1);
        g_assert_true(g_str_has_prefix(problems->pdata[0], path));
        g_assert_true(entry && entry->devices_state == BASE_STATE_UNKNOWN);
        g_assert_cmpint(entry->locked_memory.state, ==, BASE_STATE_UNKNOWN);
        g_assert_cmpuint(ledger_find(entries, OTHER)->devices->len, ==, 1);
    }
    /* and the domain's next start mends it */
    g_assert_true(put(&place, FIRST, "x", 2, NULL));
    g_assert_cmpuint(held(&place, FIRST), ==, 2);
}

/* After a reboot nothing is held, and the files of before go at the next write. */
static void
test_other_boot(void)
{
    g_auto(Place) place = place_new();
    g_autoptr(Ledger) before = ledger_new(place.directory, "of another boot");
    g_autoptr(HostReservation) made = reservation(FIRST, "x", 4);

    g_assert_true(ledger_lock(before, 0, NULL));
    g_assert_true(ledger_write(before, made, NULL));
    ledger_unlock(before);
    g_assert_cmpuint(held(&place, FIRST), ==, 0);
    g_assert_cmpuint(count_files(&place), ==, 2);
    g_assert_true(put(&place, OTHER, "other", 1, NULL));
    g_assert_cmpuint(count_files(&place), ==, 2);
    g_assert_cmpuint(held(&place, OTHER), ==, 1);
}

/* A transient domain that was made anew has another UUID; a renamed one has another name. */
static void
test_identity(void)
{
    g_auto(Place) place = place_new();
    g_autoptr(Ledger) ledger = ledger_new(place.directory, BOOT);
    g_autoptr(GPtrArray) entries = NULL;

    g_assert_true(put(&place, FIRST, "vm", 2, NULL));
    g_assert_true(put(&place, OTHER, "else", 1, NULL));
    g_assert_true(ledger_lock(ledger, 0, NULL));
    entries = ledger_read(ledger, NULL, NULL);
    g_assert_true(ledger_forget_name(ledger, entries, "vm", FIRST, NULL));
    g_assert_cmpuint(held(&place, FIRST), ==, 2);
    g_assert_true(ledger_forget_name(ledger, entries, "vm", OTHER, NULL));
    g_assert_null(ledger_find(entries, FIRST));
    g_assert_cmpuint(held(&place, FIRST), ==, 0);
    g_assert_cmpuint(held(&place, OTHER), ==, 1);
    ledger_unlock(ledger);
    g_assert_true(put(&place, OTHER, "renamed", 3, NULL));
    g_assert_cmpuint(held(&place, OTHER), ==, 3);
    g_assert_cmpuint(count_files(&place), ==, 2);
}

/* Runs @put in a process that may not survive it. Returns its exit code, -1: killed */
static int
put_in_child(const Place *place, const char *uuid, guint devices)
{
    pid_t child = fork();
    int status = 0;

    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        fault.armed = TRUE;
        _exit(put(place, uuid, "vm", devices, NULL) ? 0 : 1);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Death at the nth call, before or after it, in the middle of a write: the old entry or the new,
 * the lock is free, and what was left behind goes. Returns the number of deaths. */
static guint
die_everywhere(guint old, guint new)
{
    guint deaths = 0;
    int code = -1;

    for (guint at = 1; code != 0; at++) {
        for (guint way = 0; way < 3; way++) {
            g_auto(Place) place = place_new();
            guint after;

            fault = (typeof(fault)){0};
            if (old > 0)
                g_assert_true(put(&place, FIRST, "vm", old, NULL));
            fault = (typeof(fault)){.at = at, .after = way > 0, .partly = way == 2};
            code = put_in_child(&place, FIRST, new);
            fault = (typeof(fault)){0};
            deaths += code == -1;
            after = held(&place, FIRST);
            g_test_message("call %u, way %u: exit %d, holds %u", at, way, code, after);
            g_assert_true(code == -1 ? after == old || after == new : after == new);
            g_assert_true(put(&place, OTHER, "other", 1, NULL));
            g_assert_cmpuint(held(&place, FIRST), ==, after);
            g_assert_cmpuint(count_files(&place), ==, 2 + (after > 0));
        }
    }
    return deaths;
}

static void
test_death(void)
{
    /* write, fsync, rename */
    g_assert_cmpuint(die_everywhere(0, 2), >=, 9);
    g_assert_cmpuint(die_everywhere(3, 2), >=, 9);
}

/* A disk that is full, read-only or broken: an error, and the old entry as it was. */
static void
test_failures(void)
{
    static const int numbers[] = {ENOSPC, EROFS, EIO, EDQUOT};
    guint failures = 0;

    for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
        gboolean failed = TRUE;

        for (guint at = 1; failed; at++) {
            g_auto(Place) place = place_new();
            g_autoptr(GError) error = NULL;

            g_assert_true(put(&place, FIRST, "vm", 3, NULL));
            fault = (typeof(fault)){.armed = TRUE, .at = at, .failure = numbers[i]};
            failed = !put(&place, FIRST, "vm", 2, &error);
            fault = (typeof(fault)){0};
            failures += failed;
            g_assert_true(failed == (error != NULL));
            g_assert_cmpuint(held(&place, FIRST), ==, failed ? 3 : 2);
            g_assert_cmpuint(count_files(&place), ==, 2);
        }
    }
    g_assert_cmpuint(failures, ==, 3 * G_N_ELEMENTS(numbers));
}

static void
test_read_only(void)
{
    g_auto(Place) place = place_new();
    g_autoptr(Ledger) ledger = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *file = g_build_filename(place.parent, "file", NULL);

    /* no directory can be made below a file, whoever tries */
    g_assert_true(g_file_set_contents(file, "", -1, NULL));
    g_free(place.directory);
    place.directory = g_build_filename(file, "ledger", NULL);
    ledger = ledger_new(place.directory, BOOT);
    g_assert_false(ledger_lock(ledger, 50, &error));
    g_assert_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO);
    g_assert_true(ledger_remove(ledger, FIRST, NULL));
}

static void
test_lock(void)
{
    g_auto(Place) place = place_new();
    g_autoptr(Ledger) first = ledger_new(place.directory, BOOT);
    g_autoptr(Ledger) second = ledger_new(place.directory, BOOT);
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(place.directory, "lock", NULL);
    const char *const remove[] = {"rm", "-rf", place.directory, NULL};
    struct stat info, locked;
    gint64 begin;

    g_assert_true(ledger_lock(first, 0, NULL));
    /* others may not open it, and so not keep it */
    g_assert_cmpint(stat(path, &info), ==, 0);
    g_assert_cmpint(info.st_mode & 0777, ==, 0600);
    begin = g_get_monotonic_time();
    g_assert_false(ledger_lock(second, 100, &error));
    g_assert_cmpint(g_get_monotonic_time() - begin, >=, 100000);
    g_assert_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO);
    g_assert_nonnull(strstr(error->message, "100 ms"));
    /* removing goes on without it */
    g_assert_true(ledger_remove(second, FIRST, NULL));
    /* a lock on a directory that is gone is no lock on the new one */
    g_spawn_sync(NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                 NULL);
    fault.unlinked = path;
    ledger_unlock(first);
    g_assert_true(ledger_lock(second, 1000, NULL));
    g_assert_null(fault.unlinked);
    g_assert_cmpint(stat(path, &info), ==, 0);
    g_assert_cmpint(fstat(second->lock, &locked), ==, 0);
    g_assert_cmpuint(info.st_ino, ==, locked.st_ino);
    g_assert_false(ledger_lock(first, 0, NULL));
}

/* Takes one of @quota places where there is one; what a hook does. Exit code: 0 taken, 1 full */
static int
compete(const Place *place, guint number, guint quota)
{
    g_autofree char *uuid = g_strdup_printf("00000000-0000-0000-0000-%012x", number);
    g_autoptr(Ledger) ledger = ledger_new(place->directory, BOOT);
    g_autoptr(HostReservation) made = reservation(uuid, uuid, 1);
    g_autoptr(GPtrArray) entries = NULL;

    if (!ledger_lock(ledger, 60000, NULL))
        return 2;
    entries = ledger_read(ledger, NULL, NULL);
    if (!entries)
        return 3;
    if (entries->len >= quota)
        return 1;
    return ledger_write(ledger, made, NULL) ? 0 : 4;
}

/* 200 processes for 64 places, some of which die holding the lock or with half a file. */
static void
test_crowd(void)
{
    g_auto(Place) place = place_new();
    g_autoptr(GPtrArray) entries = NULL;
    guint results[5] = {0}, killed = 0;
    pid_t children[200];

    for (guint i = 0; i < G_N_ELEMENTS(children); i++) {
        children[i] = fork();
        g_assert_cmpint(children[i], >=, 0);
        if (children[i] == 0) {
            if (i % 10 == 9)
                fault = (typeof(fault)){
                    .armed = TRUE, .at = 1 + i / 10 % 3, .partly = TRUE, .after = TRUE};
            _exit(compete(&place, i, 64));
        }
    }
    for (guint i = 0; i < G_N_ELEMENTS(children); i++) {
        int status = 0;

        g_assert_cmpint(waitpid(children[i], &status, 0), ==, children[i]);
        if (!WIFEXITED(status))
            killed++;
        else
            results[MIN(WEXITSTATUS(status), 4)]++;
    }
    entries = entries_of(&place, NULL);
    g_test_message("%u took a place, %u found none, %u died", results[0], results[1], killed);
    g_assert_cmpuint(entries->len, ==, 64);
    g_assert_cmpuint(results[0], <=, 64);
    g_assert_cmpuint(results[0] + results[1] + killed, ==, G_N_ELEMENTS(children));
    g_assert_cmpuint(killed, >, 0);
}

static GPtrArray *
list_of(HostReservation *first, HostReservation *second)
{
    GPtrArray *list = g_ptr_array_new();

    for (guint i = 0; i < 2; i++)
        if (i == 0 ? first : second)
            g_ptr_array_add(list, i == 0 ? first : second);
    return list;
}

static void
test_compare(void)
{
    g_auto(Place) place = place_new();
    g_autoptr(Ledger) ledger = ledger_new(place.directory, BOOT);
    g_autoptr(HostReservation) running = reservation(FIRST, "vm", 2);
    g_autoptr(HostReservation) started =
                  reservation("00000000-0000-0000-0000-00000000000c", "new", 1);
    g_autoptr(GPtrArray) really = list_of(running, started);
    g_autoptr(GPtrArray) entries = NULL, differences = NULL, after = NULL;

    g_assert_true(put(&place, FIRST, "vm", 1, NULL));
    g_assert_true(put(&place, OTHER, "gone", 1, NULL));
    entries = entries_of(&place, NULL);
    differences = ledger_compare(entries, really);
    g_assert_cmpuint(differences->len, ==, 3);
    g_assert_cmpint(((LedgerDifference *)differences->pdata[0])->kind, ==, LEDGER_WRONG);
    g_assert_cmpint(((LedgerDifference *)differences->pdata[1])->kind, ==, LEDGER_LEFT);
    g_assert_cmpint(((LedgerDifference *)differences->pdata[2])->kind, ==, LEDGER_MISSING);
    /* between the look and the repair one domain stopped and started again with more */
    g_assert_true(put(&place, OTHER, "gone", 4, NULL));
    g_assert_true(ledger_lock(ledger, 0, NULL));
    g_assert_true(ledger_repair(ledger, entries, really, NULL));
    ledger_unlock(ledger);
    g_assert_cmpuint(held(&place, FIRST), ==, 2);
    g_assert_cmpuint(held(&place, OTHER), ==, 4);
    g_assert_cmpuint(held(&place, started->uuid), ==, 1);
    after = entries_of(&place, NULL);
    g_assert_true(ledger_lock(ledger, 0, NULL));
    g_assert_true(ledger_repair(ledger, after, really, NULL));
    g_assert_cmpuint(held(&place, OTHER), ==, 0);
    g_assert_cmpuint(count_files(&place), ==, 3);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/ledger/round-trip", test_round_trip);
    g_test_add_func("/ledger/names", test_names);
    g_test_add_func("/ledger/damaged", test_damaged);
    g_test_add_func("/ledger/other-boot", test_other_boot);
    g_test_add_func("/ledger/identity", test_identity);
    g_test_add_func("/ledger/death", test_death);
    g_test_add_func("/ledger/failures", test_failures);
    g_test_add_func("/ledger/read-only", test_read_only);
    g_test_add_func("/ledger/lock", test_lock);
    g_test_add_func("/ledger/crowd", test_crowd);
    g_test_add_func("/ledger/compare", test_compare);
    return g_test_run();
}
