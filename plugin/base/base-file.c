/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "viommu/viommu-error.h"

#define ACL "system.posix_acl_access"
/* As many as the kernel follows */
#define MAX_LINKS 40

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

static gboolean
read_all(int fd, const char *path, gsize limit, char **ret_text, gsize *ret_length, GError **error)
{
    g_autofree char *text = NULL;
    gsize length = 0, room;
    gssize count;

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
base_file_read(const char *path, gsize limit, char **ret_text, gsize *ret_length, GError **error)
{
    g_auto(Fd) fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return set_io_error(error, path, "open", errno);
    return read_all(fd, path, limit, ret_text, ret_length, error);
}

gboolean
base_file_read_plain(const char *path, gsize limit, char **ret_text, gsize *ret_length,
                     GError **error)
{
    /* without waiting for whoever would write into a pipe */
    g_auto(Fd) fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat info;

    if (fd < 0)
        return set_io_error(error, path, "open", errno);
    if (fstat(fd, &info) != 0)
        return set_io_error(error, path, "read", errno);
    if (!S_ISREG(info.st_mode)) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO, "%s: not a regular file", path);
        return FALSE;
    }
    return read_all(fd, path, limit, ret_text, ret_length, error);
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

/* Labels and rights beside the mode that a file takes along; others belong to its content (IMA,
 * file capabilities), or to a file system. */
static gboolean
is_kept(const char *attribute)
{
    return g_str_has_prefix(attribute, "user.") || strcmp(attribute, ACL) == 0 ||
           strcmp(attribute, "security.selinux") == 0 ||
           g_str_has_prefix(attribute, "security.SMACK64");
}

static void
keep_attribute(int fd, const char *target, const char *name)
{
    g_autofree char *value = NULL;
    gssize size = getxattr(target, name, NULL, 0);

    if (size < 0)
        return;
    value = g_malloc((gsize)size + 1);
    size = getxattr(target, name, value, (gsize)size);
    if (size >= 0)
        (void)!fsetxattr(fd, name, value, (gsize)size, 0);
}

/* As far as the file system has them and the caller may set them. @acl: the group is the same, so
 * that what it may do is meant for it. A new file may have got an ACL from its directory. */
static void
keep_attributes(int fd, const char *target, gboolean acl)
{
    gssize size = listxattr(target, NULL, 0);
    g_autofree char *names = g_malloc0((gsize)MAX(size, 0) + 1);

    if (size > 0)
        size = listxattr(target, names, (gsize)size);
    for (const char *name = names; name < names + MAX(size, 0); name += strlen(name) + 1)
        if (is_kept(name) && (acl || strcmp(name, ACL) != 0))
            keep_attribute(fd, target, name);
}

/* Whom the old file belongs to as well, as far as the caller may give files away: root mends the
 * files of others. The owner first, since a change of it takes bits of the mode away; and a group
 * that cannot be kept must not leave its rights to another one. */
static void
keep_access(int fd, const char *target, const GStatBuf *old)
{
    mode_t mode = old->st_mode & 07777;
    gboolean same_group;
    GStatBuf now;

    if (fchown(fd, old->st_uid, old->st_gid) != 0)
        (void)!fchown(fd, (uid_t)-1, old->st_gid);
    same_group = fstat(fd, &now) == 0 && now.st_gid == old->st_gid;
    if (!same_group)
        mode &= ~(mode_t)02070;
    (void)fremovexattr(fd, ACL);
    (void)fchmod(fd, mode);
    keep_attributes(fd, target, same_group);
}

/* The file that @path names at the end of all links, also where there is none yet: a link is never
 * replaced by a file. (transfer full); NULL: errno tells why */
static char *
resolve(const char *path)
{
    char *resolved = realpath(path, NULL);
    g_autofree char *at = g_strdup(resolved ? resolved : path);
    gboolean ends = resolved != NULL;

    free(resolved);
    for (guint i = 0; !ends && i < MAX_LINKS; i++) {
        g_autofree char *link = g_file_read_link(at, NULL);
        g_autofree char *directory = g_path_get_dirname(at);

        ends = !link;
        if (link) {
            g_free(at);
            at =
                g_path_is_absolute(link) ? g_strdup(link) : g_build_filename(directory, link, NULL);
        }
    }
    if (ends)
        return g_steal_pointer(&at);
    errno = ELOOP;
    return NULL;
}

gboolean
base_file_replace(const char *path, const char *text, gsize length, GError **error)
{
    g_autofree char *target = NULL, *temporary = NULL;
    g_auto(Fd) fd = -1;
    GStatBuf old;
    gboolean exists = g_stat(path, &old) == 0;
    int failure;

    /* before links are followed: that of a pipe in /dev/fd names no file */
    if (exists && !S_ISREG(old.st_mode))
        return write_special(path, text, length, error);
    target = resolve(path);
    if (!target)
        return set_io_error(error, path, "write", errno);
    temporary = g_strconcat(target, ".XXXXXX", NULL);
    fd = g_mkstemp_full(temporary, O_WRONLY | O_CLOEXEC, 0666);
    if (fd < 0)
        return set_io_error(error, path, "create a file beside it", errno);
    if (exists)
        keep_access(fd, target, &old);
    if (write_all(fd, text, length) && fsync(fd) == 0 && g_rename(temporary, target) == 0)
        return TRUE;
    failure = errno;
    g_unlink(temporary);
    return set_io_error(error, path, "write", failure);
}
