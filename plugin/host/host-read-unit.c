/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What systemd gives the libvirt daemon at its next start: LimitMEMLOCK= of its unit and of the
 * drop-ins, as systemd.unit(5) orders them. The running daemon may still have another limit.
 */
#include "host-tree.h"

#include <errno.h>
#include <string.h>

#define UNIT_LIMIT ((gsize)1024 * 1024)

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

/* Takes what this file sets; the last assignment wins, an empty one takes it back. */
static void
read_file(HostTree *tree, const char *path)
{
    static const char key[] = "LimitMEMLOCK";
    HostMemlock *memlock = &tree->host->memlock;
    g_auto(GStrv) lines = NULL;
    gboolean in_service = FALSE;

    if (host_sys_lines(tree->root, path, UNIT_LIMIT, &lines))
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
            host_facts_explain(tree->host, "limits/memlock/unit", "%s: '%s' is no size", path,
                               value);
            continue;
        }
        memlock->unit = bytes;
        g_free(memlock->unit_file.text);
        memlock->unit_file =
            *value ? (BaseText){BASE_STATE_KNOWN, g_strconcat("/", path, NULL)} : (BaseText){0};
    }
}

static gboolean
read_main(HostTree *tree, const char *unit)
{
    for (guint i = 0; i < G_N_ELEMENTS(directories); i++) {
        g_autofree char *path = g_build_filename(directories[i], unit, NULL);

        if (!host_sys_exists(tree->root, path))
            continue;
        read_file(tree, path);
        return TRUE;
    }
    return FALSE;
}

/* Adds the names that no directory of higher rank has. */
static void
collect(HostTree *tree, const char *folder, GTree *files)
{
    for (guint i = 0; i < G_N_ELEMENTS(directories); i++) {
        g_autofree char *directory = g_build_filename(directories[i], folder, NULL);
        g_autoptr(GPtrArray) names = NULL;

        if (host_sys_list(tree->root, directory, &names))
            continue;
        for (guint j = 0; j < names->len; j++) {
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
read_drop_ins(HostTree *tree, const char *unit)
{
    g_autofree char *own = g_strconcat(unit, ".d", NULL);
    g_autoptr(GTree) files =
                  g_tree_new_full((GCompareDataFunc)(void (*)(void))strcmp, NULL, g_free, g_free);

    collect(tree, own, files);
    collect(tree, "service.d", files);
    for (GTreeNode *node = g_tree_node_first(files); node; node = g_tree_node_next(node))
        read_file(tree, g_tree_node_value(node));
}

static gboolean
read_unit(HostTree *tree, const char *daemon)
{
    g_autofree char *unit = g_strconcat(daemon, ".service", NULL);

    if (!read_main(tree, unit))
        return FALSE;
    read_drop_ins(tree, unit);
    if (!base_u64_is_known(tree->host->memlock.unit))
        host_facts_explain(tree->host, "limits/memlock/unit",
                           "%s sets no LimitMEMLOCK: systemd's default, DefaultLimitMEMLOCK", unit);
    return TRUE;
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
    host_facts_explain(tree->host, "limits/memlock/unit", "no systemd unit of a libvirt daemon");
}
