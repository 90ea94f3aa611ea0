/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /sys/kernel/iommu_groups */
#include "host-tree.h"

#include "base-text.h"
#include "host-names.h"

#include <errno.h>
#include <string.h>

#define GROUPS_PATH "sys/kernel/iommu_groups"

typedef struct {
    HostTree *tree;
    int dir; /* of the group */
    HostGroup *group;
} Reader;

static void
group_failed(const Reader *reader, const char *fact, const char *file, int failed)
{
    g_autofree char *fact_path = g_strdup_printf("groups/%u/%s", reader->group->id, fact);
    g_autofree char *file_path = g_strdup_printf(GROUPS_PATH "/%u/%s", reader->group->id, file);

    host_tree_failed(reader->tree, fact_path, file_path, failed);
}

/* "0x00000000fee00000 0x00000000feefffff msi", and moves *cursor to the next line; words that we do
 * not know are kept as "other" */
static gboolean
take_region(const char **cursor, HostRegion *ret)
{
    g_autofree char *type = NULL;
    guint64 start, end;
    gsize length;

    if (!base_take_hex(cursor, &start) || !base_take_hex(cursor, &end) || start > end)
        return FALSE;
    *cursor += strspn(*cursor, " ");
    length = strcspn(*cursor, " \n");
    type = g_strndup(*cursor, length);
    *cursor += length;
    *ret = (HostRegion){start, end, host_region_type_parse(type)};
    return length > 0 && (!**cursor || *(*cursor)++ == '\n');
}

static void
read_regions(const Reader *reader)
{
    HostGroup *group = reader->group;
    g_autofree char *rows = NULL;
    int failed = host_sys_rows(reader->dir, "reserved_regions", &rows);
    const char *cursor = rows;

    while (!failed && *cursor) {
        HostRegion region;

        if (take_region(&cursor, &region))
            g_array_append_val(group->reserved, region);
        else
            failed = EBADMSG;
    }
    if (failed) {
        g_array_set_size(group->reserved, 0);
        group_failed(reader, "reserved", "reserved_regions", failed);
        return;
    }
    group->reserved_state = BASE_STATE_KNOWN;
}

static void
read_members(const Reader *reader)
{
    g_autoptr(GPtrArray) names = NULL;
    int failed = host_sys_list(reader->dir, "devices", &names);

    if (failed) {
        group_failed(reader, "devices", "devices", failed);
        return;
    }
    reader->group->devices_state = BASE_STATE_KNOWN;
    for (guint i = 0; i < names->len; i++) {
        BasePci address;

        if (host_tree_address(names->pdata[i], &address))
            g_array_append_val(reader->group->devices, address);
        else
            reader->group->other_members++;
    }
}

/* An optional file: not there is absent. */
static void
read_word(const Reader *reader, const char *file, BaseText *ret)
{
    char *text = NULL;
    int failed = host_sys_text(reader->dir, file, &text);

    if (failed == ENOENT)
        ret->state = BASE_STATE_ABSENT;
    else if (failed)
        group_failed(reader, file, file, failed);
    else
        *ret = (BaseText){BASE_STATE_KNOWN, text};
}

static void
read_group(HostTree *tree, int groups_dir, const char *name)
{
    g_auto(HostDir) dir = -1;
    Reader reader = {.tree = tree};
    guint64 id;
    int failed;

    /* the kernel writes no zeros in front: one name each */
    if (!base_parse_u64(name, 10, &id) || id > G_MAXUINT32 - 1 || (*name == '0' && name[1]))
        return;
    failed = host_sys_open_dir(groups_dir, name, &dir);
    if (failed && !host_sys_denied(failed))
        return;
    reader.dir = dir;
    reader.group = host_facts_add_group(tree->host, (guint)id);
    if (failed) {
        g_autofree char *fact = g_strdup_printf("groups/%s", name);
        g_autofree char *path = g_strdup_printf(GROUPS_PATH "/%s", name);

        host_tree_failed(tree, fact, path, failed);
        return;
    }
    read_word(&reader, "type", &reader.group->type);
    read_word(&reader, "name", &reader.group->name);
    read_regions(&reader);
    read_members(&reader);
}

void
host_tree_read_group(HostTree *tree, guint id)
{
    g_auto(HostDir) dir = -1;
    g_autofree char *name = g_strdup_printf("%u", id);

    if (!host_sys_open_dir(tree->root, GROUPS_PATH, &dir))
        read_group(tree, dir, name);
}

void
host_tree_read_groups(HostTree *tree)
{
    g_auto(HostDir) dir = -1;
    g_autoptr(GPtrArray) names = NULL;
    int failed = host_sys_open_dir(tree->root, GROUPS_PATH, &dir);

    if (!failed)
        failed = host_sys_list(dir, ".", &names);
    if (failed && !host_tree_absent(tree, failed, "sys/kernel")) {
        host_tree_failed(tree, "groups", GROUPS_PATH, failed);
        return;
    }
    tree->host->groups_state = BASE_STATE_KNOWN;
    for (guint i = 0; names && i < names->len; i++)
        read_group(tree, dir, names->pdata[i]);
}
