/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Huge pages, memory that guests have pinned, and switches of the VFIO modules. */
#include "host-tree.h"

#include "base-text.h"

#include <errno.h>
#include <string.h>

#define STATUS_LIMIT ((gsize)65536)

/* --- huge pages --- */

static BaseU64
read_number(HostTree *tree, const char *fact, const char *directory, const char *name)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);
    guint64 number;
    int failed = host_sys_u64(tree->root, path, 10, G_MAXUINT32, &number);

    if (!failed)
        return base_u64(number);
    host_tree_failed(tree, fact, path, failed);
    return (BaseU64){0};
}

static void
read_pages(HostTree *tree, const char *directory, const char *size)
{
    g_autofree char *total = g_strdup_printf("hugepages/%s/total", size);
    g_autofree char *unused = g_strdup_printf("hugepages/%s/free", size);
    HostEntry *entry = host_facts_add_entry(tree->host->hugepages, size);

    entry->numbers[HOST_HUGEPAGES_TOTAL] = read_number(tree, total, directory, "nr_hugepages");
    entry->numbers[HOST_HUGEPAGES_FREE] = read_number(tree, unused, directory, "free_hugepages");
}

/* Linux Documentation/admin-guide/mm/hugetlbpage.rst: hugepages-2048kB/{nr,free}_hugepages */
static void
read_hugepages(HostTree *tree)
{
    static const char directory[] = "sys/kernel/mm/hugepages", prefix[] = "hugepages-";
    g_autoptr(GPtrArray) names = NULL;
    int failed = host_sys_list(tree->root, directory, &names);

    if (failed) {
        if (host_tree_absent(tree, failed, "sys/kernel/mm"))
            tree->host->hugepages_state = BASE_STATE_ABSENT;
        else
            host_tree_failed(tree, "hugepages", directory, failed);
        return;
    }
    tree->host->hugepages_state = BASE_STATE_KNOWN;
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path = g_build_filename(directory, names->pdata[i], NULL);

        if (g_str_has_prefix(names->pdata[i], prefix) && !g_str_equal(names->pdata[i], prefix))
            read_pages(tree, path, (char *)names->pdata[i] + strlen(prefix));
    }
}

/* --- pinned memory --- */

typedef struct {
    guint64 uid, locked, pinned; /* bytes */
    gboolean has_uid;
} Status;

/* "VmLck:\t  524292 kB", "Uid:\t64055\t64055\t64055\t64055" */
static gboolean
parse_line(const char *line, const char *key, guint64 *ret)
{
    g_auto(GStrv) words = NULL;

    if (!g_str_has_prefix(line, key))
        return FALSE;
    words = g_strsplit_set(line + strlen(key), " \t", -1);
    for (guint i = 0; words[i]; i++) {
        if (*words[i])
            return base_parse_u64(words[i], 10, ret);
    }
    return FALSE;
}

/* FALSE: it has ended. What may not be seen is noted: the sum would be too small. */
static gboolean
read_status(HostTree *tree, const char *pid, Status *ret)
{
    g_autofree char *path = g_build_filename("proc", pid, "status", NULL);
    g_auto(GStrv) lines = NULL;
    int failed = host_sys_lines(tree->root, path, STATUS_LIMIT, &lines);

    *ret = (Status){0};
    if (host_sys_denied(failed))
        host_tree_failed(tree, "pinned", path, failed);
    if (failed)
        return FALSE;
    for (guint i = 0; lines[i]; i++) {
        ret->has_uid = parse_line(lines[i], "Uid:", &ret->uid) || ret->has_uid;
        (void)parse_line(lines[i], "VmLck:", &ret->locked);
        (void)parse_line(lines[i], "VmPin:", &ret->pinned);
    }
    return ret->has_uid;
}

static gboolean
is_qemu(HostTree *tree, const char *pid)
{
    g_autofree char *path = g_build_filename("proc", pid, "comm", NULL);
    g_autofree char *name = NULL;
    int failed = host_sys_text(tree->root, path, &name);

    if (host_sys_denied(failed))
        host_tree_failed(tree, "pinned", path, failed);
    return !failed && (g_str_has_prefix(name, "qemu-system-") || g_str_equal(name, "qemu-kvm"));
}

static HostEntry *
entry_of(ViommuHost *host, const char *uid)
{
    for (guint i = 0; i < host->pinned->len; i++) {
        HostEntry *entry = host->pinned->pdata[i];

        if (g_str_equal(entry->name, uid))
            return entry;
    }
    return host_facts_add_entry(host->pinned, uid);
}

static void
count(ViommuHost *host, const Status *status)
{
    g_autofree char *uid = g_strdup_printf("%" G_GUINT64_FORMAT, status->uid);
    HostEntry *entry = entry_of(host, uid);
    const guint64 more[] = {
        [HOST_PINNED_PROCESSES] = 1,
        [HOST_PINNED_LOCKED] = base_saturating_mul(status->locked, 1024),
        [HOST_PINNED_PINNED] = base_saturating_mul(status->pinned, 1024),
        [HOST_PINNED_BY_USER] =
            status->pinned > status->locked ? base_saturating_mul(status->pinned, 1024) : 0,
    };

    for (guint i = 0; i < G_N_ELEMENTS(more); i++) {
        BaseU64 *number = &entry->numbers[i];

        *number = base_u64(base_saturating_add(number->value, more[i]));
    }
}

/* The legacy backend charges a process, and only VmLck shows it. iommufd shows in VmPin what it
 * pins; told to account by process it adds the same to VmLck, and left alone it charges the user,
 * over all of his processes (Linux 7.2 drivers/iommu/iommufd/pages.c:956-1008). No file tells the
 * mode or the user's counter: more pinned than locked gives the default mode away. */
static void
read_pinned(HostTree *tree)
{
    g_autoptr(GPtrArray) pids = NULL;
    int failed = host_tree_list_processes(tree, &pids);
    const char *hidden;

    if (failed) {
        host_tree_failed(tree, "pinned", "proc", failed);
        return;
    }
    hidden = host_tree_hides_processes(tree, pids);
    if (hidden) {
        host_facts_explain(tree->host, "pinned", "%s", hidden);
        return;
    }
    for (guint i = 0; i < pids->len; i++) {
        Status status;

        if (is_qemu(tree, pids->pdata[i]) && read_status(tree, pids->pdata[i], &status))
            count(tree->host, &status);
    }
    if (g_hash_table_contains(tree->host->reasons, "pinned"))
        g_ptr_array_set_size(tree->host->pinned, 0);
    else
        tree->host->pinned_state = BASE_STATE_KNOWN;
}

/* --- switches --- */

static BaseTri
read_switch(HostTree *tree, const char *fact, const char *path)
{
    g_autofree char *text = NULL;
    int failed = host_sys_text(tree->root, path, &text);

    if (failed == 0 && (g_str_equal(text, "Y") || g_str_equal(text, "1")))
        return BASE_YES;
    if (failed == 0 && (g_str_equal(text, "N") || g_str_equal(text, "0")))
        return BASE_NO;
    if (failed == ENOENT)
        host_facts_explain(tree->host, fact, "no /%s: its module is not loaded", path);
    else
        host_tree_failed(tree, fact, path, failed ? failed : EBADMSG);
    return BASE_UNKNOWN;
}

/* Where vfio is loaded (it made its class) and has no such parameter, the kernel was built without
 * CONFIG_VFIO_NOIOMMU (Linux 7.2 drivers/vfio/vfio_main.c:56-62). */
static BaseTri
read_noiommu(HostTree *tree)
{
    static const char *const path = "sys/module/vfio/parameters/enable_unsafe_noiommu_mode";

    if (host_sys_gone(tree->root, path) && host_sys_exists(tree->root, "sys/class/vfio-dev"))
        return BASE_NO;
    return read_switch(tree, "vfio/noiommu", path);
}

/* Linux 7.2 drivers/vfio/vfio_iommu_type1.c:53, pci/vfio_pci.c:50, iommu/iommufd/device.c:14-19 */
void
host_tree_read_limits(HostTree *tree)
{
    ViommuHost *host = tree->host;

    host->unsafe_interrupts =
        read_switch(tree, "vfio/unsafe_interrupts",
                    "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts");
    host->iommufd_unsafe_interrupts =
        read_switch(tree, "vfio/iommufd_unsafe_interrupts",
                    "sys/module/iommufd/parameters/allow_unsafe_interrupts");
    host->noiommu = read_noiommu(tree);
    host->denylist_off =
        read_switch(tree, "vfio/denylist_off", "sys/module/vfio_pci/parameters/disable_denylist");
    read_hugepages(tree);
    read_pinned(tree);
}
