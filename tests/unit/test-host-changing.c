/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hosts that change while they are read: functions, VFs, drivers, groups and IOMMUs that come and
 * go. What is read is of one moment or another, never half of a thing that is there. */
#include "host-read.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* At least that many reads and changes of everything */
#define READS 400
#define TURNS 50

#define PF    "0000:01:00.0"
#define VF    "0000:01:10.0"
#define DISK  "0000:02:00.0"
#define ADDED "sys/added"

typedef struct {
    char *top;
    gint stop, turns; /* atomic */
} Changing;

static char *
path_of(const Changing *tree, const char *path)
{
    return g_build_filename(tree->top, path, NULL);
}

static void
put(const Changing *tree, const char *path, const char *text)
{
    g_autofree char *full = path_of(tree, path);
    g_autofree char *dir = g_path_get_dirname(full);

    g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
    g_assert_true(g_file_set_contents_full(full, text, -1, G_FILE_SET_CONTENTS_NONE, 0644, NULL));
}

static void
put_link(const Changing *tree, const char *path, const char *target)
{
    g_autofree char *full = path_of(tree, path);
    g_autofree char *dir = g_path_get_dirname(full);

    g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
    g_assert_cmpint(symlink(target, full), ==, 0);
}

static void
move(const Changing *tree, const char *from, const char *to)
{
    g_autofree char *old = path_of(tree, from);
    g_autofree char *new = path_of(tree, to);

    g_assert_cmpint(g_rename(old, new), ==, 0);
}

static void
drop(const Changing *tree, const char *path)
{
    g_autofree char *full = path_of(tree, path);

    g_assert_cmpint(g_remove(full), ==, 0);
}

/* ---- one function ---- */

#define NO_BAR "0x0 0x0 0x0\n"
#define LATE   5 /* of these stay until the link is gone */
static const char *const files[][2] = {
    {"vendor", "0x8086\n"},
    {"device", "0x10d3\n"},
    {"class", "0x020000\n"},
    {"numa_node", "0\n"},
    {"resource", NO_BAR NO_BAR NO_BAR NO_BAR NO_BAR NO_BAR NO_BAR},
    {"reset_method", "flr\n"},
    {"sriov_totalvfs", "8\n"},
    {"config", "\x86\x80 short"},
};

/* Built where nobody looks, as the kernel shows no device before all of it is there. */
static void
add_function(const Changing *tree, const char *address, guint group)
{
    g_autofree char *bus = g_strdup_printf("sys/bus/pci/devices/%s", address);
    g_autofree char *member =
        g_strdup_printf("sys/kernel/iommu_groups/%u/devices/%s", group, address);
    g_autofree char *home = g_strdup_printf("sys/devices/%s", address);
    g_autofree char *here = g_strdup_printf("../../../devices/%s", address);
    g_autofree char *target = g_strdup_printf("../../kernel/iommu_groups/%u", group);

    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(ADDED, files[i][0], NULL);

        put(tree, path, files[i][1]);
    }
    put_link(tree, ADDED "/iommu_group", target);
    put_link(tree, ADDED "/iommu", "../../class/iommu/dmar0");
    put_link(tree, ADDED "/driver", "../../drivers/vfio-pci");
    put(tree, member, "");
    move(tree, ADDED, home);
    put_link(tree, bus, here);
}

/* In the kernel's order: driver, the type's files, the bus's link, the bus's files, and what the
 * IOMMU made (drivers/base/core.c: device_del(), bus.c: bus_remove_device()). */
static void
remove_function(const Changing *tree, const char *address, guint group)
{
    static const char *const links[] = {"iommu", "iommu_group"};
    g_autofree char *home = g_strdup_printf("sys/devices/%s", address);
    g_autofree char *driver = g_build_filename(home, "driver", NULL);
    g_autofree char *bus = g_strdup_printf("sys/bus/pci/devices/%s", address);
    g_autofree char *member =
        g_strdup_printf("sys/kernel/iommu_groups/%u/devices/%s", group, address);

    drop(tree, driver);
    for (guint i = G_N_ELEMENTS(files); i-- > 0;) {
        g_autofree char *path = g_build_filename(home, files[i][0], NULL);

        drop(tree, path);
        if (i == LATE)
            drop(tree, bus);
    }
    drop(tree, member);
    for (guint i = 0; i < G_N_ELEMENTS(links); i++) {
        g_autofree char *path = g_build_filename(home, links[i], NULL);

        drop(tree, path);
    }
    drop(tree, home);
}

/* ---- what changes ---- */

static void
change_driver(const Changing *tree, const char *driver)
{
    g_autofree char *target = g_strconcat("../../drivers/", driver, NULL);

    put_link(tree, "sys/new-driver", target);
    move(tree, "sys/new-driver", "sys/devices/" DISK "/driver");
}

static gpointer
change(gpointer data)
{
    Changing *tree = data;

    while (!g_atomic_int_get(&tree->stop)) {
        add_function(tree, VF, 8);
        change_driver(tree, "nvme");
        remove_function(tree, VF, 8);
        change_driver(tree, "vfio-pci");
        put(tree, "sys/class/iommu/dmar1/intel-iommu/cap", "1\n");
        move(tree, "sys/class/iommu/dmar1", "sys/gone");
        drop(tree, "sys/gone/intel-iommu/cap");
        drop(tree, "sys/gone/intel-iommu");
        drop(tree, "sys/gone");
        g_atomic_int_inc(&tree->turns);
    }
    return NULL;
}

static Changing *
changing_new(void)
{
    Changing *tree = g_new0(Changing, 1);

    tree->top = g_dir_make_tmp("viommu-changing-XXXXXX", NULL);
    put(tree, "sys/class/iommu/dmar0/intel-iommu/cap", "d2008c222f0686\n");
    put(tree, "sys/class/iommu/dmar0/intel-iommu/ecap", "f00f4e\n");
    put(tree, "sys/bus/pci/devices/x", "");
    put(tree, "sys/devices/x", "");
    put(tree, "sys/kernel/iommu_groups/8/type", "DMA\n");
    put(tree, "sys/kernel/iommu_groups/8/devices/serial0", "");
    put(tree, "sys/kernel/iommu_groups/8/reserved_regions", "0xfee00000 0xfeefffff msi\n");
    add_function(tree, PF, 7);
    add_function(tree, DISK, 9);
    return tree;
}

static void
changing_free(Changing *tree)
{
    const char *const argv[] = {"rm", "-rf", tree->top, NULL};

    g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, NULL, NULL));
    g_free(tree->top);
    g_free(tree);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Changing, changing_free)

/* ---- what is read ---- */

static gboolean
is_member(const HostGroup *group, BasePci address)
{
    for (guint i = 0; i < group->devices->len; i++) {
        if (base_pci_equal(g_array_index(group->devices, BasePci, i), address))
            return TRUE;
    }
    return FALSE;
}

/* A function that is told of is whole, but for what the kernel takes away before the link. */
static void
assert_device(const ViommuHost *host, const HostDevice *device)
{
    const HostGroup *group;

    g_assert_cmpuint(device->vendor.value, ==, 0x8086);
    g_assert_cmpuint(device->device.value, ==, 0x10d3);
    g_assert_cmpuint(device->class.value, ==, 0x020000);
    g_assert_cmpint(device->numa_node.state, ==, BASE_STATE_KNOWN);
    g_assert_cmpint(device->bars_state, ==, BASE_STATE_KNOWN);
    if (!base_u64_is_known(device->group))
        return;
    group = host_facts_group(host, (guint)device->group.value);
    g_assert_nonnull(group);
    g_assert_true(is_member(group, device->address));
}

static void
assert_members(const ViommuHost *host, const HostGroup *group)
{
    for (guint i = 0; i < group->devices->len; i++) {
        const HostDevice *device =
            host_facts_device(host, g_array_index(group->devices, BasePci, i));

        g_assert_nonnull(device);
        g_assert_cmpuint(device->group.value, ==, group->id);
    }
}

static void
assert_host(const ViommuHost *host, gboolean *ret_vf)
{
    BasePci vf, disk;
    const HostDevice *device;

    g_assert_true(base_pci_parse(VF, &vf) && base_pci_parse(DISK, &disk));
    g_assert_cmpuint(host->devices->len, >=, 2);
    for (guint i = 0; i < host->devices->len; i++)
        assert_device(host, host->devices->pdata[i]);
    for (guint i = 0; i < host->groups->len; i++)
        assert_members(host, host->groups->pdata[i]);
    device = host_facts_device(host, disk);
    g_assert_true(g_str_equal(device->driver.text, "nvme") ||
                  g_str_equal(device->driver.text, "vfio-pci"));
    *ret_vf = host_facts_device(host, vf) != NULL;
}

static void
test_whole(void)
{
    g_autoptr(Changing) tree = changing_new();
    GThread *thread = g_thread_new("change", change, tree);
    guint reads = 0, seen = 0;

    for (; reads < READS || g_atomic_int_get(&tree->turns) < TURNS; reads++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(ViommuHost) host = host_read_tree(tree->top, HOST_READ_CONFIG, &error);
        g_autoptr(BaseJson) document = NULL;
        gboolean vf = FALSE;

        g_assert_no_error(error);
        assert_host(host, &vf);
        document = host_json_describe(host); /* and all that follows of it */
        seen += vf;
    }
    g_atomic_int_set(&tree->stop, 1);
    g_thread_join(thread);
    g_test_message("%d turns, the VF was there in %u of %u", tree->turns, seen, reads);
    g_assert_cmpuint(seen, >, 0);
    g_assert_cmpuint(seen, <, reads);
}

static void
test_named(void)
{
    g_autoptr(Changing) tree = changing_new();
    GThread *thread = g_thread_new("change", change, tree);
    g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(BasePci));
    BasePci vf;

    g_assert_true(base_pci_parse(VF, &vf));
    g_array_append_val(addresses, vf);
    for (guint i = 0; i < READS || g_atomic_int_get(&tree->turns) < TURNS; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(ViommuHost) host = host_read_named(tree->top, addresses, &error);
        const HostDevice *device;

        g_assert_no_error(error);
        device = host_facts_device(host, vf);
        if (device)
            assert_device(host, device);
    }
    g_atomic_int_set(&tree->stop, 1);
    g_thread_join(thread);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/host-changing/whole", test_whole);
    g_test_add_func("/host-changing/named", test_named);
    return g_test_run();
}
