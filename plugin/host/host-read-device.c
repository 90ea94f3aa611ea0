/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /sys/bus/pci/devices, without config space */
#include "host-tree.h"

#include "base-text.h"

#include <errno.h>
#include <string.h>

#define DEVICES_PATH "sys/bus/pci/devices"
#define BAR_COUNT    7 /* six BARs and the expansion ROM */

/* linux/ioport.h */
#define IORESOURCE_IO       0x100
#define IORESOURCE_PREFETCH 0x2000
#define IORESOURCE_MEM_64   0x100000

typedef struct {
    HostTree *tree;
    int dir; /* of the function */
    const char *name;
    HostDevice *device;
} Reader;

static void
device_failed(const Reader *reader, const char *fact, const char *file, int failed)
{
    g_autofree char *fact_path = g_strdup_printf("devices/%s/%s", reader->name, fact);
    g_autofree char *file_path = g_strdup_printf(DEVICES_PATH "/%s/%s", reader->name, file);

    host_tree_failed(reader->tree, fact_path, file_path, failed);
}

/* @optional: a missing file means absent */
static void
read_number(const Reader *reader, const char *file, guint base, guint64 max, gboolean optional,
            BaseU64 *ret)
{
    guint64 value;
    int failed = host_sys_u64(reader->dir, file, base, max, &value);

    if (failed == ENOENT && optional)
        *ret = base_u64_absent();
    else if (failed)
        device_failed(reader, file, file, failed);
    else
        *ret = base_u64(value);
}

/* A link that exists only where there is something to point to. */
static void
read_link(const Reader *reader, const char *file, BaseText *ret)
{
    char *name = NULL;
    int failed = host_sys_link(reader->dir, file, &name);

    if (failed == ENOENT)
        ret->state = BASE_STATE_ABSENT;
    else if (failed)
        device_failed(reader, file, file, failed);
    else
        *ret = (BaseText){BASE_STATE_KNOWN, name};
}

/* A function that is an IOMMU itself (AMD, virtio) has a directory there, with its name in it;
 * nothing translates it. */
static void
read_iommu(const Reader *reader)
{
    BaseText *iommu = &reader->device->iommu;
    g_auto(HostDir) dir = -1;
    char *name = NULL;
    int failed = host_sys_link(reader->dir, "iommu", &name);

    if (!failed)
        *iommu = (BaseText){BASE_STATE_KNOWN, name};
    else if (failed == ENOENT ||
             (failed == EBADMSG && !host_sys_open_dir(reader->dir, "iommu", &dir)))
        iommu->state = BASE_STATE_ABSENT;
    else
        device_failed(reader, "iommu", "iommu", failed);
}

static void
read_group(const Reader *reader)
{
    g_autofree char *name = NULL;
    guint64 id;
    int failed = host_sys_link(reader->dir, "iommu_group", &name);

    if (failed == ENOENT)
        reader->device->group = base_u64_absent();
    else if (!failed && base_parse_u64(name, 10, &id) && id < G_MAXUINT32)
        reader->device->group = base_u64(id);
    else
        device_failed(reader, "group", "iommu_group", failed ? failed : EBADMSG);
}

static void
read_physfn(const Reader *reader)
{
    BaseText *physfn = &reader->device->physfn;
    BasePci ignored;

    read_link(reader, "physfn", physfn);
    if (physfn->text && !base_pci_parse(physfn->text, &ignored)) {
        g_clear_pointer(&physfn->text, g_free);
        physfn->state = BASE_STATE_UNKNOWN;
        device_failed(reader, "physfn", "physfn", EBADMSG);
    }
}

/* "-1": the firmware does not tell; no file: a kernel without NUMA */
static void
read_numa_node(const Reader *reader)
{
    g_autofree char *text = NULL;
    guint64 node;
    int failed = host_sys_text(reader->dir, "numa_node", &text);

    if (failed == ENOENT || (!failed && strcmp(text, "-1") == 0))
        reader->device->numa_node = base_u64_absent();
    else if (!failed && base_parse_u64(text, 10, &node) && node <= G_MAXINT32)
        reader->device->numa_node = base_u64(node);
    else
        device_failed(reader, "numa_node", "numa_node", failed ? failed : EBADMSG);
}

static void
read_reset_method(const Reader *reader)
{
    g_autofree char *text = NULL;
    int failed = host_sys_text(reader->dir, "reset_method", &text);

    /* hidden where nothing can reset the function, empty once an admin took all methods away */
    if (failed == ENOENT || (!failed && !*text))
        reader->device->reset_method.state = BASE_STATE_ABSENT;
    else if (failed)
        device_failed(reader, "reset_method", "reset_method", failed);
    else
        reader->device->reset_method = (BaseText){BASE_STATE_KNOWN, g_steal_pointer(&text)};
}

/* "0x00000000fe600000 0x00000000fe61ffff 0x0000000000040200", and moves *cursor to the next line */
static gboolean
take_resource(const char **cursor, guint index, HostBar *ret)
{
    guint64 start, end, flags;

    if (!base_take_hex(cursor, &start) || !base_take_hex(cursor, &end) ||
        !base_take_hex(cursor, &flags) || (**cursor && *(*cursor)++ != '\n'))
        return FALSE;
    if (end < start || end - start >= G_MAXINT64)
        return FALSE;
    *ret = (HostBar){.index = index,
                     .size = flags == 0 ? 0 : end - start + 1,
                     .bits = flags & IORESOURCE_MEM_64 ? 64 : 32,
                     .prefetch = (flags & IORESOURCE_PREFETCH) != 0,
                     .io = (flags & IORESOURCE_IO) != 0};
    return TRUE;
}

static void
read_bars(const Reader *reader)
{
    HostDevice *device = reader->device;
    g_autofree char *rows = NULL;
    int failed = host_sys_rows(reader->dir, "resource", &rows);
    const char *cursor = rows;

    for (guint i = 0; !failed && i < BAR_COUNT; i++) {
        HostBar bar;

        if (!take_resource(&cursor, i, &bar))
            failed = EBADMSG;
        else if (bar.size > 0)
            g_array_append_val(device->bars, bar);
    }
    if (failed) {
        g_array_set_size(device->bars, 0);
        device_failed(reader, "bars", "resource", failed);
        return;
    }
    device->bars_state = BASE_STATE_KNOWN;
}

/* vfio-dev/vfioN exists for any VFIO driver; it has a "dev" file only where there is a character
 * device (Linux 7.2 include/linux/vfio.h:358-366). */
static void
read_vfio_dev(const Reader *reader)
{
    BaseText *ret = &reader->device->vfio_dev;
    g_autoptr(GPtrArray) names = NULL;
    int failed = host_sys_list(reader->dir, "vfio-dev", &names);

    if (failed && failed != ENOENT) {
        device_failed(reader, "vfio_dev", "vfio-dev", failed);
        return;
    }
    ret->state = BASE_STATE_ABSENT;
    for (guint i = 0; names && i < names->len; i++) {
        const char *name = names->pdata[i];
        g_autofree char *path = g_build_filename("vfio-dev", name, "dev", NULL);

        if (!g_str_has_prefix(name, "vfio"))
            continue;
        failed = host_sys_find(reader->dir, path);
        if (host_sys_denied(failed)) {
            ret->state = BASE_STATE_UNKNOWN;
            device_failed(reader, "vfio_dev", path, failed);
        } else if (!failed) {
            *ret = (BaseText){BASE_STATE_KNOWN, g_strdup(name)};
            return;
        }
    }
}

/* Their drivers are named as the modules: "mlx5_vfio_pci" (Linux drivers/vfio/pci/mlx5/main.c,
 * KBUILD_MODNAME), while vfio-pci has its own name. */
static BaseTri
is_variant(const HostDevice *device)
{
    const char *driver = device->driver.text;

    if (device->driver.state == BASE_STATE_UNKNOWN)
        return BASE_UNKNOWN;
    return base_tri(driver && strcmp(driver, "vfio-pci") != 0 &&
                    (strstr(driver, "vfio-pci") || strstr(driver, "vfio_pci")));
}

static void
read_mdev_types(const Reader *reader)
{
    int failed = host_tree_read_mdev(reader->tree, reader->dir, reader->device);

    if (failed)
        device_failed(reader, "mdev_types", "mdev_supported_types", failed);
}

static void
read_net(const Reader *reader)
{
    static const char elsewhere[] = "its interface is in another network namespace";
    int failed = host_tree_read_net(reader->tree, reader->dir, reader->device);
    g_autofree char *net = g_strdup_printf("devices/%s/net", reader->name);
    g_autofree char *up = g_strdup_printf("devices/%s/net_up", reader->name);
    const BaseText *name = &reader->device->net;

    if (failed && name->state == BASE_STATE_UNKNOWN)
        device_failed(reader, "net", "net", failed);
    if (failed) {
        device_failed(reader, "net_up", "net", failed);
    } else if (name->state == BASE_STATE_UNKNOWN) {
        host_facts_explain(reader->tree->host, net, "%s", elsewhere);
        host_facts_explain(reader->tree->host, up, "%s", elsewhere);
    } else if (name->text && reader->device->net_up == BASE_UNKNOWN) {
        host_facts_explain(reader->tree->host, up,
                           "some of its interfaces are up, and libvirt takes one by chance");
    }
}

static gboolean
is_address(const char *text)
{
    BasePci ignored;

    return base_pci_parse(text, &ignored);
}

/* (nullable) @text: absent */
static BaseText
address_text(const char *text)
{
    return (BaseText){text ? BASE_STATE_KNOWN : BASE_STATE_ABSENT, g_strdup(text)};
}

/* What is above a function in the path of its directory: the bridge, or the root bus, which an
 * Intel VMD has below itself: "…/pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:1d.0". A recorded
 * tree may have directories in place of links, which tell neither. */
static gboolean
take_place(HostDevice *device, const char *target)
{
    g_auto(GStrv) parts = g_strsplit(target, "/", -1);
    guint last = g_strv_length(parts) - 1, root = last;

    while (root > 0 && is_address(parts[root]))
        root--;
    if (root == last || !g_str_has_prefix(parts[root], "pci"))
        return FALSE;
    device->parent = address_text(last - root > 1 ? parts[last - 1] : NULL);
    device->vmd = address_text(root > 0 && is_address(parts[root - 1]) ? parts[root - 1] : NULL);
    return TRUE;
}

static void
read_place(const Reader *reader, int devices_dir)
{
    g_autofree char *target = NULL;
    g_autofree char *fact = NULL;

    if (host_sys_target(devices_dir, reader->name, &target) == 0 &&
        take_place(reader->device, target))
        return;
    fact = g_strdup_printf("devices/%s/parent", reader->name);
    host_facts_explain(reader->tree->host, fact,
                       "/" DEVICES_PATH "/%s is no link to the place of a function", reader->name);
}

static void
read_facts(const Reader *reader)
{
    HostDevice *device = reader->device;

    read_number(reader, "vendor", 0, G_MAXUINT16, FALSE, &device->vendor);
    read_number(reader, "device", 0, G_MAXUINT16, FALSE, &device->device);
    read_number(reader, "class", 0, 0xffffff, FALSE, &device->class);
    read_iommu(reader);
    read_group(reader);
    read_link(reader, "driver", &device->driver);
    device->vfio_variant = is_variant(device);
    read_vfio_dev(reader);
    read_mdev_types(reader);
    read_numa_node(reader);
    read_physfn(reader);
    read_number(reader, "sriov_totalvfs", 10, G_MAXUINT16, TRUE, &device->sriov_totalvfs);
    read_number(reader, "sriov_numvfs", 10, G_MAXUINT16, TRUE, &device->sriov_numvfs);
    read_net(reader);
    read_reset_method(reader);
    read_bars(reader);
}

static void
read_neighbour_facts(const Reader *reader)
{
    read_number(reader, "class", 0, 0xffffff, FALSE, &reader->device->class);
    read_link(reader, "driver", &reader->device->driver);
    reader->device->vfio_variant = is_variant(reader->device);
    read_net(reader);
    read_physfn(reader);
}

static gboolean
starts_with(gpointer key, gpointer value, gpointer prefix)
{
    (void)value;
    return g_str_has_prefix(key, prefix);
}

/* A function that went away while we read it: what we have of it is half the truth. */
static void
forget(HostTree *tree, const char *name)
{
    g_autofree char *prefix = g_strdup_printf("devices/%s/", name);

    g_ptr_array_set_size(tree->host->devices, (gint)tree->host->devices->len - 1);
    g_hash_table_foreach_remove(tree->host->reasons, starts_with, prefix);
}

/* One that is there, and not for us to look at */
static void
closed(HostTree *tree, const char *name, int failed)
{
    g_autofree char *fact = g_strdup_printf("devices/%s", name);
    g_autofree char *path = g_strdup_printf(DEVICES_PATH "/%s", name);

    host_tree_failed(tree, fact, path, failed);
}

static void
read_device(HostTree *tree, int devices_dir, const char *name, gboolean neighbour)
{
    g_auto(HostDir) dir = -1;
    Reader reader = {.tree = tree, .name = name};
    BasePci address;
    int failed;

    if (!host_tree_address(name, &address))
        return;
    failed = host_sys_open_dir(devices_dir, name, &dir);
    if (failed && !host_sys_denied(failed))
        return;
    reader.dir = dir;
    reader.device = host_facts_add_device(tree->host, address);
    read_place(&reader, devices_dir);
    if (failed)
        closed(tree, name, failed);
    else if (neighbour)
        read_neighbour_facts(&reader);
    else
        read_facts(&reader);
    /* The kernel takes the driver and SR-IOV's files, then the bus's link, then "vendor" and its
     * like (drivers/base/core.c: device_del()). A file tells it too where another function has that
     * name by now. */
    if (!failed && (host_sys_gone(devices_dir, name) || host_sys_gone(dir, "vendor")))
        forget(tree, name);
}

static void
read_one(HostTree *tree, BasePci address, gboolean neighbour)
{
    g_auto(HostDir) dir = -1;
    g_autofree char *name = base_pci_format(address);

    if (!host_sys_open_dir(tree->root, DEVICES_PATH, &dir))
        read_device(tree, dir, name, neighbour);
}

void
host_tree_read_device(HostTree *tree, BasePci address)
{
    read_one(tree, address, FALSE);
}

void
host_tree_read_neighbour(HostTree *tree, BasePci address)
{
    read_one(tree, address, TRUE);
}

void
host_tree_read_devices(HostTree *tree)
{
    g_auto(HostDir) dir = -1;
    g_autoptr(GPtrArray) names = NULL;
    int failed = host_sys_open_dir(tree->root, DEVICES_PATH, &dir);

    if (!failed)
        failed = host_sys_list(dir, ".", &names);
    if (failed && !host_tree_absent(tree, failed, "sys/bus")) {
        host_tree_failed(tree, "devices", DEVICES_PATH, failed);
        return;
    }
    tree->host->devices_state = BASE_STATE_KNOWN;
    for (guint i = 0; names && i < names->len; i++)
        read_device(tree, dir, names->pdata[i], FALSE);
}
