/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What systemd gives the libvirt daemon at its next start: LimitMEMLOCK= of its unit and of the
 * drop-ins, as systemd.unit(5) orders them. The running daemon may still have another limit.
 */
#include "host-tree.h"

#include <errno.h>
#include <string.h>

#define UNIT_LIMIT ((gsize)1024 * 1024)
#define UNIT       "limits/memlock/unit"
#define UNIT_FILE  "limits/memlock/unit_file"

/* A place that could not be looked into; NULL: none */
typedef struct {
    char *path;
    int failed;
} Bar;

/* The first that has a file of some name wins: systemd.unit(5), Unit File Load Path. */
static const char *const directories[] = {"etc/systemd/system", "run/systemd/system",
                                          "usr/local/lib/systemd/system", "usr/lib/systemd/system",
                                          "lib/systemd/system"};

/* "8M", "infinity", "64M:128M" (soft:hard); systemd.exec(5), Process Properties: K to E count in
 * 1024. FALSE: not understood. */
static gboolean
parse_size(const char *text, BaseU64 *ret)
{
    static const char suffixes[] = "KMGTPE";
    g_auto(GStrv) parts = g_strsplit(text, ":", 2);
    const char *hard = parts[0] && parts[1] ? parts[1] : parts[0];
    const char *suffix;
    char *end = NULL;
    guint64 number;

    if (!hard || !*hard)
        return FALSE;
    if (g_str_equal(hard, "infinity")) {
        *ret = base_u64(G_MAXUINT64);
        return TRUE;
    }
    if (!g_ascii_isdigit(*hard))
        return FALSE;
    number = g_ascii_strtoull(hard, &end, 10);
    suffix = *end ? strchr(suffixes, *end) : NULL;
    for (const char *step = suffixes; suffix && step <= suffix; step++) {
        if (number > G_MAXINT64 / 1024)
            return FALSE;
        number *= 1024;
    }
    if (*end && (!suffix || end[1]))
        return FALSE;
    *ret = base_u64(number);
    return TRUE;
}

static void
set(HostTree *tree, BaseU64 bytes, const char *path)
{
    HostMemlock *memlock = &tree->host->memlock;
    g_autofree char *full = g_strconcat("/", path, NULL);

    memlock->unit = bytes;
    g_free(memlock->unit_file.text);
    memlock->unit_file = path ? (BaseText){BASE_STATE_KNOWN, host_sys_clean(full)} : (BaseText){0};
    g_hash_table_remove(tree->host->reasons, UNIT);
    g_hash_table_remove(tree->host->reasons, UNIT_FILE);
}

static void G_GNUC_PRINTF(2, 3) unknown(HostTree *tree, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    host_facts_explain(tree->host, UNIT, "%s", text);
    host_facts_explain(tree->host, UNIT_FILE, "%s", text);
}

/* What was set so far counts no more, for what cannot be read may set something else. */
static void
barred(HostTree *tree, const char *path, int failed)
{
    set(tree, (BaseU64){0}, NULL);
    host_tree_failed(tree, UNIT, path, failed);
    host_tree_failed(tree, UNIT_FILE, path, failed);
}

/* Takes what this file sets; the last assignment wins, an empty one takes it back. */
static void
read_file(HostTree *tree, const char *path)
{
    static const char key[] = "LimitMEMLOCK";
    g_auto(GStrv) lines = NULL;
    gboolean in_service = FALSE;
    int failed = host_sys_lines(tree->root, path, UNIT_LIMIT, &lines);

    if (host_sys_denied(failed))
        barred(tree, path, failed);
    if (failed)
        return;
    for (guint i = 0; lines[i]; i++) {
        g_autofree char *line = g_strstrip(g_strdup(lines[i]));
        const char *value = strchr(line, '=');
        BaseU64 bytes = {0};

        if (*line == '[')
            in_service = g_str_equal(line, "[Service]");
        if (!in_service || !value || !g_str_has_prefix(line, key) ||
            strspn(line + strlen(key), " \t") != (gsize)(value - line) - strlen(key))
            continue;
        value += 1 + strspn(value + 1, " \t");
        if (*value && !parse_size(value, &bytes)) {
            unknown(tree, "%s: '%s' is no size", path, value);
            continue;
        }
        set(tree, bytes, *value ? path : NULL);
    }
}

static void
note(Bar *bar, const char *path, int failed)
{
    if (!host_sys_denied(failed) || bar->path)
        return;
    bar->path = g_strdup(path);
    bar->failed = failed;
}

/* The unit's own file; *ret_bar: where another of higher rank may be */
static gboolean
read_main(HostTree *tree, const char *unit, Bar *ret_bar)
{
    for (guint i = 0; i < G_N_ELEMENTS(directories); i++) {
        g_autofree char *path = g_build_filename(directories[i], unit, NULL);
        int failed = host_sys_find(tree->root, path);

        note(ret_bar, path, failed);
        if (failed)
            continue;
        read_file(tree, path);
        return TRUE;
    }
    return FALSE;
}

/* Adds the names that no directory of higher rank has. */
static void
collect(HostTree *tree, const char *folder, GTree *files, Bar *ret_bar)
{
    for (guint i = 0; i < G_N_ELEMENTS(directories); i++) {
        g_autofree char *directory = g_build_filename(directories[i], folder, NULL);
        g_autoptr(GPtrArray) names = NULL;
        int failed = host_sys_list_any(tree->root, directory, &names);

        note(ret_bar, directory, failed);
        for (guint j = 0; names && j < names->len; j++) {
            const char *name = names->pdata[j];

            if (g_str_has_suffix(name, ".conf") && !g_tree_lookup(files, name))
                g_tree_insert(files, g_strdup(name), g_build_filename(directory, name, NULL));
        }
    }
}

/* Different names count in their order, wherever they are; of one name the unit's own is before
 * that of all services (systemd.unit(5), systemd src/shared/dropin.c
 * unit_file_find_dropin_paths()). */
static void
read_drop_ins(HostTree *tree, const char *unit, Bar *ret_bar)
{
    g_autofree char *own = g_strconcat(unit, ".d", NULL);
    g_autoptr(GTree) files =
                  g_tree_new_full((GCompareDataFunc)(void (*)(void))strcmp, NULL, g_free, g_free);

    collect(tree, own, files, ret_bar);
    collect(tree, "service.d", files, ret_bar);
    for (GTreeNode *node = g_tree_node_first(files); node; node = g_tree_node_next(node))
        read_file(tree, g_tree_node_value(node));
}

static gboolean
read_unit(HostTree *tree, const char *daemon)
{
    g_autofree char *unit = g_strconcat(daemon, ".service", NULL);
    Bar bar = {0};
    gboolean found = read_main(tree, unit, &bar);

    if (found)
        read_drop_ins(tree, unit, &bar);
    if (bar.path) {
        barred(tree, bar.path, bar.failed);
        g_free(bar.path);
        return TRUE;
    }
    if (found && !base_u64_is_known(tree->host->memlock.unit) &&
        !g_hash_table_contains(tree->host->reasons, UNIT))
        unknown(tree, "%s sets no LimitMEMLOCK: systemd's default, DefaultLimitMEMLOCK", unit);
    return found;
}

void
host_tree_read_unit(HostTree *tree)
{
    static const char *const daemons[] = {"libvirtd", "virtqemud"};
    const char *of = tree->host->memlock.of;

    if (of && read_unit(tree, of))
        return;
    for (guint i = 0; !of && i < G_N_ELEMENTS(daemons); i++) {
        if (read_unit(tree, daemons[i]))
            return;
    }
    unknown(tree, "no systemd unit of %s", of ? of : "a libvirt daemon");
}
