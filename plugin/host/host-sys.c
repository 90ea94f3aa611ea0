/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base-text.h"

/* sysfs gives at most one page for an attribute; 64 KiB pages are the largest. */
#define ATTRIBUTE_LIMIT 65536
#define CHUNK           4096

int
host_sys_open_dir(int dir, const char *path, HostDir *ret)
{
    *ret = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *ret < 0 ? errno : 0;
}

/* O_NONBLOCK: a FIFO in a directory tree must not make us wait for a writer. */
static int
open_file(int dir, const char *path, HostDir *ret, gsize *ret_size)
{
    struct stat info;

    *ret = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (*ret < 0)
        return errno;
    if (fstat(*ret, &info) < 0)
        return errno;
    *ret_size = (gsize)MAX(info.st_size, 0);
    return S_ISREG(info.st_mode) ? 0 : EBADMSG;
}

/* Asks at once for all of a file that tells its size: dpkg's and libvirt's have hundreds of
 * kilobytes. */
static int
read_all(int fd, gsize size, gsize limit, GByteArray *bytes)
{
    guint chunk = (guint)CLAMP(size, CHUNK - 1, limit) + 1;

    for (;;) {
        guint before = bytes->len;
        gssize count;

        g_byte_array_set_size(bytes, before + chunk);
        count = read(fd, bytes->data + before, chunk);
        if (count < 0 && errno != EINTR)
            return errno;
        g_byte_array_set_size(bytes, before + (guint)MAX(count, 0));
        if (count == 0)
            return 0;
        if (bytes->len > limit)
            return EFBIG;
        chunk = CHUNK;
    }
}

int
host_sys_bytes(int dir, const char *path, gsize limit, guint8 **ret, gsize *ret_length)
{
    g_auto(HostDir) fd = -1;
    g_autoptr(GByteArray) bytes = NULL;
    gsize size = 0;
    int failed = open_file(dir, path, &fd, &size);

    if (failed)
        return failed;
    bytes = g_byte_array_new();
    failed = read_all(fd, size, limit, bytes);
    if (failed)
        return failed;
    *ret_length = bytes->len;
    g_byte_array_append(bytes, (const guint8 *)"", 1);
    *ret = g_byte_array_free(g_steal_pointer(&bytes), FALSE);
    return 0;
}

static char *
clean_any(const char *text)
{
    char *copy = g_utf8_make_valid(text, -1);

    for (char *c = copy; *c; c = g_utf8_next_char(c)) {
        gunichar character = g_utf8_get_char(c);

        /* U+0080 to U+009F, which terminals obey as well, take two bytes */
        if (g_unichar_iscntrl(character))
            memset(c, ' ', character < 0x80 ? 1 : 2);
    }
    return g_strstrip(copy);
}

/* Nearly every file has one line of plain ASCII. */
char *
host_sys_clean(const char *text)
{
    gsize length;

    text += strspn(text, " \t\n");
    length = strlen(text);
    while (length > 0 && g_ascii_isspace(text[length - 1]))
        length--;
    for (gsize i = 0; i < length; i++) {
        if (!g_ascii_isprint(text[i]))
            return clean_any(text);
    }
    return g_strndup(text, length);
}

/* A file of sysfs gives an attribute as one record (Linux fs/kernfs/file.c, kernfs_seq_next()), and
 * so do those below /proc/sys: a read that does not fill the buffer was the last. Asking again
 * costs a system call for each of a host's many files. */
static int
read_attribute(int dir, const char *path, char text[ATTRIBUTE_LIMIT + 1])
{
    g_auto(HostDir) fd = -1;
    gsize size = 0;
    int failed = open_file(dir, path, &fd, &size);
    gssize count;

    if (failed)
        return failed;
    do
        count = read(fd, text, ATTRIBUTE_LIMIT + 1);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return errno;
    if (count > ATTRIBUTE_LIMIT)
        return EFBIG;
    text[count] = '\0';
    return memchr(text, '\0', (gsize)count) ? EBADMSG : 0;
}

int
host_sys_text(int dir, const char *path, char **ret)
{
    char text[ATTRIBUTE_LIMIT + 1];
    int failed = read_attribute(dir, path, text);

    if (!failed)
        *ret = host_sys_clean(text);
    return failed;
}

int
host_sys_rows(int dir, const char *path, char **ret)
{
    char text[ATTRIBUTE_LIMIT + 1];
    int failed = read_attribute(dir, path, text);

    if (!failed)
        *ret = g_strdup(text);
    return failed;
}

int
host_sys_lines(int dir, const char *path, gsize limit, GStrv *ret)
{
    g_autofree guint8 *bytes = NULL;
    gsize length = 0;
    int failed = host_sys_bytes(dir, path, limit, &bytes, &length);

    if (failed)
        return failed;
    if (strlen((const char *)bytes) != length)
        return EBADMSG;
    *ret = g_strsplit((const char *)bytes, "\n", -1);
    for (char **line = *ret; *line; line++) {
        char *raw = *line;

        *line = host_sys_clean(raw);
        g_free(raw);
    }
    return 0;
}

int
host_sys_u64(int dir, const char *path, guint base, guint64 max, guint64 *ret)
{
    g_autofree char *text = NULL;
    guint64 value;
    int failed = host_sys_text(dir, path, &text);

    if (failed)
        return failed;
    if (!base_parse_u64(text, base, &value) || value > max)
        return EBADMSG;
    *ret = value;
    return 0;
}

static int
read_target(int dir, const char *path, char target[PATH_MAX])
{
    gssize length = readlinkat(dir, path, target, PATH_MAX - 1);

    if (length < 0)
        return errno == EINVAL ? EBADMSG : errno;
    target[length] = '\0';
    return 0;
}

int
host_sys_target(int dir, const char *path, char **ret)
{
    char target[PATH_MAX];
    int failed = read_target(dir, path, target);

    if (!failed)
        *ret = host_sys_clean(target);
    return failed;
}

int
host_sys_link(int dir, const char *path, char **ret)
{
    char target[PATH_MAX];
    g_autofree char *name = NULL;
    g_autofree char *clean = NULL;
    int failed = read_target(dir, path, target);

    if (failed)
        return failed;
    name = g_path_get_basename(target);
    clean = host_sys_clean(name);
    if (!*clean)
        return EBADMSG;
    *ret = g_steal_pointer(&clean);
    return 0;
}

static gint
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What the kernel gives for names, and a terminal and a document can have */
static gboolean
is_plain(const char *name)
{
    while (g_ascii_isgraph(*name))
        name++;
    return *name == '\0';
}

int
host_sys_list(int dir, const char *path, GPtrArray **ret)
{
    g_autoptr(GPtrArray) names = NULL;
    int failed = host_sys_list_any(dir, path, &names);

    for (guint i = failed ? 0 : names->len; i-- > 0;) {
        if (!is_plain(names->pdata[i]))
            g_ptr_array_remove_index(names, i);
    }
    if (!failed)
        *ret = g_steal_pointer(&names);
    return failed;
}

int
host_sys_list_any(int dir, const char *path, GPtrArray **ret)
{
    g_auto(HostDir) fd = -1;
    g_autoptr(GPtrArray) names = NULL;
    struct dirent *entry;
    DIR *stream;
    int failed = host_sys_open_dir(dir, path, &fd);

    if (failed)
        return failed;
    stream = fdopendir(fd);
    if (!stream)
        return errno;
    fd = -1; /* the stream owns it now */
    names = g_ptr_array_new_with_free_func(g_free);
    errno = 0;
    while ((entry = readdir(stream))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            g_ptr_array_add(names, g_strdup(entry->d_name));
        errno = 0;
    }
    failed = errno;
    closedir(stream);
    g_ptr_array_sort(names, compare_names);
    if (!failed)
        *ret = g_steal_pointer(&names);
    return failed;
}

/* By O_PATH, which opens no device, and not by fstatat(): umockdev 0.17 leaves that alone where the
 * path is relative. */
int
host_sys_find(int dir, const char *path)
{
    g_auto(HostDir) fd = openat(dir, path, O_PATH | O_CLOEXEC);

    return fd >= 0 ? 0 : errno;
}

gboolean
host_sys_exists(int dir, const char *path)
{
    return host_sys_find(dir, path) == 0;
}

gboolean
host_sys_denied(int failed)
{
    return failed == EACCES || failed == EPERM;
}

gboolean
host_sys_gone(int dir, const char *path)
{
    struct stat info;

    return fstatat(dir, path, &info, AT_SYMLINK_NOFOLLOW) < 0 &&
           (errno == ENOENT || errno == ENODEV);
}
