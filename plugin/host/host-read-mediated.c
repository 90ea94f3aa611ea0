/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parts of functions: types of mediated devices, and vDPA devices. */
#include "host-tree.h"

#include <errno.h>
#include <string.h>

#define MDEV_PATH "mdev_supported_types"
#define VDPA_PATH "sys/bus/vdpa/devices"

/* One type of one function */
typedef struct {
    HostTree *tree;
    int dir; /* of the function */
    const HostDevice *device;
    const char *type;
} Reader;

/* (transfer full): where @file of the type is, below the function */
static char *
path_of(const Reader *reader, const char *file)
{
    return g_build_filename(MDEV_PATH, reader->type, file, NULL);
}

static void
mdev_failed(const Reader *reader, const char *key, const char *path, int failed)
{
    g_autofree char *address = base_pci_format(reader->device->address);
    g_autofree char *fact =
        g_strdup_printf("devices/%s/mdev_types/%s/%s", address, reader->type, key);
    g_autofree char *file = g_build_filename("sys/bus/pci/devices", address, path, NULL);

    host_tree_failed(reader->tree, fact, file, failed);
}

static void
read_text(const Reader *reader, const char *key, const char *file, BaseText *ret)
{
    g_autofree char *path = path_of(reader, file);
    char *text = NULL;
    int failed = host_sys_text(reader->dir, path, &text);

    if (failed)
        mdev_failed(reader, key, path, failed);
    else
        *ret = (BaseText){BASE_STATE_KNOWN, text};
}

static void
read_count(const Reader *reader, const char *key, const char *file, BaseU64 *ret)
{
    g_autofree char *path = path_of(reader, file);
    guint64 count;
    int failed = host_sys_u64(reader->dir, path, 10, G_MAXUINT32, &count);

    if (failed)
        mdev_failed(reader, key, path, failed);
    else
        *ret = base_u64(count);
}

/* Linux drivers/vfio/mdev/mdev_sysfs.c: parent_create_sysfs_files(), mdev_type_add() */
int
host_tree_read_mdev(HostTree *tree, int dir, HostDevice *device)
{
    g_autoptr(GPtrArray) names = NULL;
    Reader reader = {.tree = tree, .dir = dir, .device = device};
    int failed = host_sys_list(dir, MDEV_PATH, &names);

    if (failed && failed != ENOENT)
        return failed;
    device->mdev_state = names ? BASE_STATE_KNOWN : BASE_STATE_ABSENT;
    for (guint i = 0; names && i < names->len; i++) {
        HostMdevType *type = host_facts_add_mdev(device, names->pdata[i]);

        reader.type = type->name;
        read_text(&reader, "name", "name", &type->label);
        read_text(&reader, "api", "device_api", &type->api);
        read_count(&reader, "available", "available_instances", &type->available);
    }
    return 0;
}

/* The nearest PCI function above: "../../../devices/pci0000:00/0000:01:00.2/vdpa0". A simulator and
 * VDUSE have none. */
static BaseText
pci_parent(const char *target)
{
    g_auto(GStrv) parts = g_strsplit(target, "/", -1);
    BasePci address;

    for (guint i = g_strv_length(parts); i-- > 0;) {
        if (base_pci_parse(parts[i], &address))
            return (BaseText){BASE_STATE_KNOWN, base_pci_format(address)};
    }
    return (BaseText){BASE_STATE_ABSENT, NULL};
}

static void
vdpa_failed(HostTree *tree, const char *name, const char *key, const char *file, int failed)
{
    g_autofree char *fact = g_strdup_printf("vdpa/%s/%s", name, key);
    g_autofree char *path = g_strdup_printf(VDPA_PATH "/%s%s", name, file);

    host_tree_failed(tree, fact, path, failed);
}

/* The vhost-vdpa driver adds a child that is named as its character device (Linux
 * drivers/vhost/vdpa.c: vhost_vdpa_probe()). */
static BaseText
vhost_node(HostTree *tree, int dir, const char *name)
{
    g_autoptr(GPtrArray) names = NULL;
    int failed = host_sys_list(dir, name, &names);

    if (failed) {
        vdpa_failed(tree, name, "node", "", failed);
        return (BaseText){0};
    }
    for (guint i = 0; i < names->len; i++) {
        if (g_str_has_prefix(names->pdata[i], "vhost-vdpa-"))
            return (BaseText){BASE_STATE_KNOWN, g_strdup(names->pdata[i])};
    }
    return (BaseText){BASE_STATE_ABSENT, NULL};
}

static void
read_vdpa(HostTree *tree, int dir, const char *name)
{
    HostVdpa *vdpa;
    g_autofree char *target = NULL;
    g_autofree char *driver_path = g_build_filename(name, "driver", NULL);
    char *driver = NULL;
    int failed = host_sys_target(dir, name, &target);

    if (failed == ENOENT) /* it went away */
        return;
    vdpa = host_facts_add_vdpa(tree->host, name);
    if (failed)
        vdpa_failed(tree, name, "parent", "", failed);
    else
        vdpa->parent = pci_parent(target);
    if (host_sys_find(dir, name) == ENOENT) { /* recorded without what the link points to */
        vdpa_failed(tree, name, "driver", "", ENOENT);
        vdpa_failed(tree, name, "node", "", ENOENT);
        return;
    }
    failed = host_sys_link(dir, driver_path, &driver);
    if (failed == ENOENT)
        vdpa->driver.state = BASE_STATE_ABSENT;
    else if (failed)
        vdpa_failed(tree, name, "driver", "/driver", failed);
    else
        vdpa->driver = (BaseText){BASE_STATE_KNOWN, driver};
    vdpa->node = vhost_node(tree, dir, name);
}

void
host_tree_read_vdpa(HostTree *tree)
{
    g_auto(HostDir) dir = -1;
    g_autoptr(GPtrArray) names = NULL;
    int failed = host_sys_open_dir(tree->root, VDPA_PATH, &dir);

    if (!failed)
        failed = host_sys_list(dir, ".", &names);
    if (host_tree_absent(tree, failed, "sys/bus")) { /* the module is not loaded */
        tree->host->vdpa_state = BASE_STATE_ABSENT;
        return;
    }
    if (failed) {
        host_tree_failed(tree, "vdpa", VDPA_PATH, failed);
        return;
    }
    tree->host->vdpa_state = BASE_STATE_KNOWN;
    for (guint i = 0; i < names->len; i++)
        read_vdpa(tree, dir, names->pdata[i]);
}
