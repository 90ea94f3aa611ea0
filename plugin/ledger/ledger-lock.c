/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_FILE   "lock"
#define LONGEST_NAP 16 /* milliseconds between two tries */

static gboolean
fail(GError **error, const char *path, const char *what, int number)
{
    g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO, "%s: cannot %s: %s", path, what,
                g_strerror(number));
    return FALSE;
}

/* Only root may open it, or anybody could keep it locked. On a file system that has become
 * read-only the lock of before will do. */
static int
open_lock(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0 && (errno == EROFS || errno == ENOSPC))
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd;
}

/* Whether @path still is what was locked: somebody may have removed the directory meanwhile. */
static gboolean
is_still(int fd, const char *path)
{
    struct stat held, named;

    return fstat(fd, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino &&
           held.st_dev == named.st_dev;
}

/* One try: 0, an errno value, or EWOULDBLOCK where another holds it */
static int
try_lock(Ledger *ledger, const char *path)
{
    int fd = open_lock(path), failed = 0;

    if (fd < 0)
        return errno;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        failed = errno;
    else if (!is_still(fd, path))
        failed = EWOULDBLOCK;
    if (failed)
        close(fd);
    else
        ledger->lock = fd;
    return failed;
}

/* A directory that was removed while we waited is made again. */
static int
make_and_try(Ledger *ledger, const char *path)
{
    int failed = try_lock(ledger, path);

    if (failed != ENOENT)
        return failed;
    if (g_mkdir_with_parents(ledger->directory, 0755) != 0)
        return errno;
    return try_lock(ledger, path);
}

/* There is no flock() with a time limit; waiting in a signal's or another thread's company is no
 * business of a library. So it asks again, after naps of random length that no two waiters share.
 */
gboolean
ledger_lock(Ledger *ledger, guint timeout_ms, GError **error)
{
    gint64 end = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    g_autofree char *path = g_build_filename(ledger->directory, LOCK_FILE, NULL);
    guint nap = 1;

    g_return_val_if_fail(ledger->lock < 0, FALSE);

    for (;;) {
        int failed = make_and_try(ledger, path);

        if (!failed)
            return TRUE;
        if (failed != EWOULDBLOCK && failed != ENOENT && failed != EINTR)
            return fail(error, path, "lock it", failed);
        if (g_get_monotonic_time() >= end) {
            g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO,
                        "%s: another process has held this lock for %u ms", path, timeout_ms);
            return FALSE;
        }
        g_usleep((gulong)g_random_int_range(500, 1500) * nap);
        nap = MIN(nap * 2, LONGEST_NAP);
    }
}

void
ledger_unlock(Ledger *ledger)
{
    if (ledger->lock >= 0)
        close(ledger->lock);
    ledger->lock = -1;
}
