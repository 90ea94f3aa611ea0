/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "viommu/viommu-error.h"

/* A file descriptor that closes itself. */
typedef int Fd;

static void
fd_close(Fd *fd)
{
    if (*fd > STDERR_FILENO)
        close(*fd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fd, fd_close)

static gboolean
set_io_error(GError **error, const char *path, const char *what, int number)
{
    g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO, "%s: cannot %s: %s", path, what,
                g_strerror(number));
    return FALSE;
}

/* Room for all of a regular file, the zero behind it and one byte more, so that its end is read
 * without growing. */
static gsize
room_for(int fd)
{
    struct stat info;

    return fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0
               ? (gsize)info.st_size + 2
               : 16384;
}

gboolean
base_file_read(const char *path, gsize limit, char **ret_text, gsize *ret_length, GError **error)
{
    g_auto(Fd) fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    g_autofree char *text = NULL;
    gsize length = 0, room;
    gssize count;

    if (fd < 0)
        return set_io_error(error, path, "open", errno);
    room = MIN(room_for(fd), limit + 2);
    text = g_malloc(room);
    do {
        if (length + 1 == room) {
            room *= 2;
            text = g_realloc(text, room);
        }
        count = read(fd, text + length, room - length - 1);
        if (count < 0 && errno != EINTR)
            return set_io_error(error, path, "read", errno);
        length += (gsize)MAX(count, 0);
        if (length > limit) {
            g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO,
                        "%s: larger than %" G_GSIZE_FORMAT " bytes", path, limit);
            return FALSE;
        }
    } while (count != 0);
    text[length] = '\0';
    *ret_length = length;
    *ret_text = g_steal_pointer(&text);
    return TRUE;
}

gboolean
base_directory_open(const char *path, GDir **ret, GError **error)
{
    g_auto(Fd) fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    *ret = NULL;
    if (fd < 0 && errno == ENOENT)
        return TRUE;
    /* GLib would put the path and its own words into the message */
    if (fd < 0)
        return set_io_error(error, path, "read this directory", errno);
    *ret = g_dir_open(path, 0, NULL);
    return *ret || set_io_error(error, path, "read this directory", EIO);
}

static gboolean
write_all(int fd, const char *text, gsize length)
{
    while (length > 0) {
        gssize count = write(fd, text, length);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return FALSE;
        text += count;
        length -= (gsize)count;
    }
    return TRUE;
}

/* A pipe, a terminal or another device: there is nothing to replace. */
static gboolean
write_special(const char *path, const char *text, gsize length, GError **error)
{
    g_auto(Fd) fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return set_io_error(error, path, "open", errno);
    if (!write_all(fd, text, length))
        return set_io_error(error, path, "write", errno);
    return TRUE;
}

/* Whom the old file belongs to as well, as far as the caller may give files away: root mends the
 * files of others. The owner first, since a change of it takes bits of the mode away; and a group
 * that cannot be kept must not leave its rights to another one. */
static void
keep_access(int fd, const GStatBuf *old)
{
    mode_t mode = old->st_mode & 07777;
    GStatBuf now;

    if (fchown(fd, old->st_uid, old->st_gid) != 0)
        (void)!fchown(fd, (uid_t)-1, old->st_gid);
    if (fstat(fd, &now) != 0 || now.st_gid != old->st_gid)
        mode &= ~(mode_t)02070;
    (void)fchmod(fd, mode);
}

gboolean
base_file_replace(const char *path, const char *text, gsize length, GError **error)
{
    char *resolved = realpath(path, NULL);
    g_autofree char *target = g_strdup(resolved ? resolved : path);
    g_autofree char *temporary = g_strconcat(target, ".XXXXXX", NULL);
    g_auto(Fd) fd = -1;
    GStatBuf old;
    gboolean exists = g_stat(target, &old) == 0;
    int failure;

    free(resolved);
    if (exists && !S_ISREG(old.st_mode))
        return write_special(path, text, length, error);
    fd = g_mkstemp_full(temporary, O_WRONLY | O_CLOEXEC, 0666);
    if (fd < 0)
        return set_io_error(error, path, "create a file beside it", errno);
    if (exists)
        keep_access(fd, &old);
    if (write_all(fd, text, length) && fsync(fd) == 0 && g_rename(temporary, target) == 0)
        return TRUE;
    failure = errno;
    g_unlink(temporary);
    return set_io_error(error, path, "write", failure);
}
