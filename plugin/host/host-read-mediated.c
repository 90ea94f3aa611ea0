/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parts of functions: types of mediated devices, and vDPA devices. */
#include "host-tree.h"

#include <errno.h>
#include <string.h>

#define MDEV_PATH "mdev_supported_types"
#define VDPA_PATH "sys/bus/vdpa/devices"

static BaseText
text_of(int dir, const char *path)
{
    char *text = NULL;

    if (host_sys_text(dir, path, &text))
        return (BaseText){0};
    return (BaseText){BASE_STATE_KNOWN, text};
}

/* Linux drivers/vfio/mdev/mdev_sysfs.c: parent_create_sysfs_files(), mdev_type_add() */
int
host_tree_read_mdev(int dir, HostDevice *device)
{
    g_autoptr(GPtrArray) names = NULL;
    int failed = host_sys_list(dir, MDEV_PATH, &names);

    if (failed && failed != ENOENT)
        return failed;
    device->mdev_state = names ? BASE_STATE_KNOWN : BASE_STATE_ABSENT;
    for (guint i = 0; names && i < names->len; i++) {
        HostMdevType *type = host_facts_add_mdev(device, names->pdata[i]);
        g_autofree char *label = g_build_filename(MDEV_PATH, type->name, "name", NULL);
        g_autofree char *api = g_build_filename(MDEV_PATH, type->name, "device_api", NULL);
        g_autofree char *left =
            g_build_filename(MDEV_PATH, type->name, "available_instances", NULL);
        guint64 count;

        type->label = text_of(dir, label);
        type->api = text_of(dir, api);
        if (host_sys_u64(dir, left, 10, G_MAXUINT32, &count) == 0)
            type->available = base_u64(count);
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

/* The vhost-vdpa driver adds a child that is named as its character device (Linux
 * drivers/vhost/vdpa.c: vhost_vdpa_probe()). */
static BaseText
vhost_node(int dir, const char *name)
{
    g_autoptr(GPtrArray) names = NULL;

    if (host_sys_list(dir, name, &names))
        return (BaseText){0};
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
    if (!failed)
        vdpa->parent = pci_parent(target);
    if (!host_sys_exists(dir, name)) /* recorded without what the link points to */
        return;
    failed = host_sys_link(dir, driver_path, &driver);
    if (failed == ENOENT)
        vdpa->driver.state = BASE_STATE_ABSENT;
    else if (!failed)
        vdpa->driver = (BaseText){BASE_STATE_KNOWN, driver};
    vdpa->node = vhost_node(dir, name);
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
