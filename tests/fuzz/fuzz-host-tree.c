/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every parser of sysfs, /proc, /boot and systemd's units: the input is a directory tree, which is
 * made, read as a host, asked everything, shown and saved. An input has records, each from a line
 * "@PATH", with the content of that file up to the next, or a line "@PATH>TARGET", a link.
 */
#include "fuzz.h"

#include "host-read.h"
#include "write.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORDS_MAX 256
#define DEPTH_MAX   12

/* Where trees are made: memory, where there is a file system for that. */
static char *
make_top(void)
{
    char *top = g_strdup("/dev/shm/viommu-fuzz-XXXXXX");

    if (g_mkdtemp(top))
        return top;
    g_free(top);
    top = g_dir_make_tmp("viommu-fuzz-XXXXXX", NULL);
    if (!top)
        g_error("no directory for trees can be made");
    return top;
}

static int
remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)walk;
    if (type == FTW_DP)
        (void)chmod(path, 0700);
    return remove(path);
}

static void
remove_top(const char *top)
{
    if (nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
        g_error("%s: cannot be removed", top);
}

/* Nothing outside of the tree is ever touched, wherever a path or an earlier link leads. */
static int
open_parent(const char *top, char **parts)
{
    int dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (guint i = 0; dir >= 0 && parts[i + 1]; i++) {
        int next;

        (void)mkdirat(dir, parts[i], 0755);
        next = openat(dir, parts[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close(dir);
        dir = next;
    }
    return dir;
}

static gboolean
is_path(char **parts)
{
    guint depth = g_strv_length(parts);

    if (depth == 0 || depth > DEPTH_MAX)
        return FALSE;
    for (guint i = 0; i < depth; i++) {
        if (!*parts[i] || strcmp(parts[i], ".") == 0 || strcmp(parts[i], "..") == 0)
            return FALSE;
    }
    return TRUE;
}

/* Whether a link that @depth directories hold stays below the top, as links of sysfs do */
static gboolean
stays_inside(const char *target, guint depth)
{
    g_auto(GStrv) parts = g_strsplit(target, "/", -1);
    guint up = 0;

    for (guint i = 0; parts[i]; i++)
        up += strcmp(parts[i], "..") == 0;
    return *target && *target != '/' && up <= depth;
}

static void
put_file(int dir, const char *name, const char *content, gsize length)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);

    if (fd < 0)
        return;
    if (write(fd, content, length) != (gssize)length)
        g_error("%s: cannot be written", name);
    close(fd);
}

static void
put_record(const char *top, const char *record, gsize length)
{
    const char *end = memchr(record, '\n', length);
    gsize head = end ? (gsize)(end - record) : length;
    g_autofree char *path = g_strndup(record, head);
    char *target = strchr(path, '>');
    g_auto(GStrv) parts = NULL;
    guint depth;
    int dir;

    if (target)
        *target++ = '\0';
    parts = g_strsplit(path, "/", -1);
    if (!is_path(parts))
        return;
    dir = open_parent(top, parts);
    if (dir < 0)
        return;
    depth = g_strv_length(parts) - 1;
    if (target && stays_inside(target, depth))
        (void)!symlinkat(target, dir, parts[depth]);
    else if (!target)
        put_file(dir, parts[depth], end ? end + 1 : "", end ? length - head - 1 : 0);
    close(dir);
}

static void
put_tree(const char *top, const char *data, gsize size)
{
    const char *end = data + size;
    guint n = 0;

    while (data < end && n++ < RECORDS_MAX) {
        const char *next = memmem(data, (gsize)(end - data), "\n@", 2);
        gsize length = (gsize)((next ? next : end) - data);

        if (*data == '@')
            put_record(top, data + 1, length - 1);
        data = next ? next + 1 : end;
    }
}

static void
check_text(const char *text)
{
    if (!g_utf8_validate(text, -1, NULL))
        g_error("not UTF-8: %s", text);
    for (const char *c = text; *c; c = g_utf8_next_char(c)) {
        if (*c != '\n' && g_unichar_iscntrl(g_utf8_get_char(c)))
            g_error("a control character reaches the terminal: %s", text);
    }
}

static void
show(ViommuHost *host)
{
    static const WriteStyle styles[] = {{.verbose = TRUE}, {.width = 40}};

    for (guint i = 0; i < G_N_ELEMENTS(styles); i++) {
        const WriteHostView view = {.style = styles[i]};
        g_autoptr(GString) text = g_string_new(NULL);

        write_host_text(host, &view, text);
        check_text(text->str);
    }
}

static void
save(const ViommuHost *host)
{
    g_autoptr(BaseJson) described = host_json_describe(host);
    g_autoptr(BaseJson) saved = host_json_save(host);
    g_autofree char *first = base_json_to_text(saved);
    g_autoptr(GError) error = NULL;
    g_autoptr(BaseJson) parsed = base_json_parse(first, strlen(first), "saved", &error);
    g_autoptr(ViommuHost) again = parsed ? host_json_parse(parsed, "saved", &error) : NULL;
    g_autoptr(BaseJson) resaved = again ? host_json_save(again) : NULL;
    g_autofree char *second = resaved ? base_json_to_text(resaved) : NULL;

    g_assert_nonnull(described);
    if (!again)
        g_error("what was read is refused: %s", error->message);
    if (strcmp(first, second) != 0)
        g_error("saving what was read differs:\n%s\n%s", first, second);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *top = make_top();
    g_autoptr(ViommuHost) host = NULL;
    g_autoptr(GError) error = NULL;

    put_tree(top, (const char *)data, size);
    host = host_read_tree(top, HOST_READ_CONFIG, &error);
    if (!host)
        g_error("a directory is no host: %s", error->message);
    show(host);
    save(host);
    remove_top(top);
    return 0;
}
