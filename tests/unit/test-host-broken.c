/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Directory trees made by hand: what small files turn into which fact, and that damaged, missing,
 * huge, looping or vanishing ones make that fact unknown with a reason, and nothing else. */
#include "host-read.h"

#include "base-text.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    char *path;
    ViommuHost *host;
} Tree;

static Tree *
tree_new(void)
{
    Tree *tree = g_new0(Tree, 1);

    tree->path = g_dir_make_tmp("viommu-tree-XXXXXX", NULL);
    return tree;
}

static void
tree_close(Tree *tree)
{
    const char *const argv[] = {"rm", "-rf", tree->path, NULL};

    g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, NULL, NULL));
    g_clear_pointer(&tree->host, host_facts_unref);
    g_free(tree->path);
    g_free(tree);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tree, tree_close)

static char *
tree_path(const Tree *tree, const char *path)
{
    char *full = g_build_filename(tree->path, path, NULL);
    g_autofree char *dir = g_path_get_dirname(full);

    g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
    return full;
}

static void
put_dir(const Tree *tree, const char *path)
{
    g_autofree char *inside = g_build_filename(path, "x", NULL);

    g_free(tree_path(tree, inside));
}

static void
put(const Tree *tree, const char *path, const char *text)
{
    g_autofree char *full = tree_path(tree, path);

    g_assert_true(g_file_set_contents(full, text, -1, NULL));
}

static void
put_link(const Tree *tree, const char *path, const char *target)
{
    g_autofree char *full = tree_path(tree, path);

    g_assert_cmpint(symlink(target, full), ==, 0);
}

static void
drop(const Tree *tree, const char *path)
{
    g_autofree char *full = tree_path(tree, path);

    g_assert_cmpint(g_unlink(full), ==, 0);
}

#define DEVICE "sys/bus/pci/devices/0000:01:00.0/"

static const char resource_lines[] = "0x00000000f0000000 0x00000000f0ffffff 0x000000000014220c\n"
                                     "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
                                     "0x0000000000003000 0x000000000000301f 0x0000000000040101\n"
                                     "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
                                     "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
                                     "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
                                     "0x0000000000000000 0x0000000000000000 0x0000000000000000\n";

/* One function in group 5 behind dmar0, everything readable. */
static Tree *
tree_sound(void)
{
    Tree *tree = tree_new();

    put(tree, DEVICE "vendor", "0x10de\n");
    put(tree, DEVICE "device", "0x2331\n");
    put(tree, DEVICE "class", "0x030200\n");
    put(tree, DEVICE "numa_node", "1\n");
    put(tree, DEVICE "reset_method", "flr bus\n");
    put(tree, DEVICE "resource", resource_lines);
    put(tree, DEVICE "vfio-dev/vfio7/dev", "511:7\n");
    put_link(tree, DEVICE "driver", "../../../../bus/pci/drivers/vfio-pci");
    put_link(tree, DEVICE "iommu", "../../../virtual/iommu/dmar0");
    put_link(tree, DEVICE "iommu_group", "../../../../kernel/iommu_groups/5");
    put(tree, "sys/class/iommu/dmar0/intel-iommu/cap", "d2008c40660462\n");
    put(tree, "sys/class/iommu/dmar0/intel-iommu/ecap", "f050da\n");
    put(tree, "sys/class/iommu/dmar0/intel-iommu/domains_supported", "65536\n");
    put(tree, "sys/class/iommu/dmar0/intel-iommu/domains_used", "3\n");
    put(tree, "sys/kernel/iommu_groups/5/type", "DMA-FQ\n");
    put(tree, "sys/kernel/iommu_groups/5/reserved_regions",
        "0x00000000fee00000 0x00000000feefffff msi\n"
        "0x0000000100000000 0x00000001000fffff tomorrow\n");
    put(tree, "sys/kernel/iommu_groups/5/devices/0000:01:00.0", "");
    return tree;
}

static ViommuHost *
tree_read(Tree *tree)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(BaseJson) saved = NULL;
    g_autoptr(ViommuHost) again = NULL;

    g_clear_pointer(&tree->host, host_facts_unref);
    tree->host = host_read_tree(tree->path, HOST_READ_CONFIG, &error);
    g_assert_no_error(error);
    saved = host_json_save(tree->host); /* whatever the tree holds, the document can be loaded */
    again = host_json_parse(saved, "saved", &error);
    g_assert_no_error(error);
    if (again) {
        g_autoptr(BaseJson) resaved = host_json_save(again);
        g_autofree char *text = base_json_to_text(saved);
        g_autofree char *same = base_json_to_text(resaved);

        g_assert_cmpstr(same, ==, text); /* to the same facts */
    }
    return tree->host;
}

static BaseTri
variant_of(Tree *tree, const char *driver)
{
    drop(tree, DEVICE "driver");
    if (driver)
        put_link(tree, DEVICE "driver", driver);
    return ((const HostDevice *)tree_read(tree)->devices->pdata[0])->vfio_variant;
}

static void
test_variants(void)
{
    g_autoptr(Tree) tree = tree_sound();

    g_assert_cmpint(variant_of(tree, "../drivers/vfio-pci"), ==, BASE_NO);
    g_assert_cmpint(variant_of(tree, "../drivers/mlx5_vfio_pci"), ==, BASE_YES);
    g_assert_cmpint(variant_of(tree, "../drivers/nvgrace-gpu-vfio-pci"), ==, BASE_YES);
    g_assert_cmpint(variant_of(tree, "../drivers/mlx5_core"), ==, BASE_NO);
    g_assert_cmpint(variant_of(tree, NULL), ==, BASE_NO);
    put(tree, DEVICE "driver", "no link");
    g_assert_cmpint(((const HostDevice *)tree_read(tree)->devices->pdata[0])->vfio_variant, ==,
                    BASE_UNKNOWN);
}

static void
test_mdev_types(void)
{
    g_autoptr(Tree) tree = tree_sound();
    const HostDevice *device = tree_read(tree)->devices->pdata[0];
    const HostMdevType *type;

    g_assert_cmpint(device->mdev_state, ==, BASE_STATE_ABSENT);
    put(tree, DEVICE "mdev_supported_types/nvidia-471/name", "GRID A100-1-5C\n");
    put(tree, DEVICE "mdev_supported_types/nvidia-471/device_api", "vfio-pci\n");
    put(tree, DEVICE "mdev_supported_types/nvidia-471/available_instances", "7\n");
    put(tree, DEVICE "mdev_supported_types/nvidia-472/available_instances", "many\n");
    device = tree_read(tree)->devices->pdata[0];
    g_assert_cmpint(device->mdev_state, ==, BASE_STATE_KNOWN);
    g_assert_cmpuint(device->mdev_types->len, ==, 2);
    type = device->mdev_types->pdata[0];
    g_assert_cmpstr(type->name, ==, "nvidia-471");
    g_assert_cmpstr(type->label.text, ==, "GRID A100-1-5C");
    g_assert_cmpstr(type->api.text, ==, "vfio-pci");
    g_assert_cmpuint(type->available.value, ==, 7);
    type = device->mdev_types->pdata[1];
    g_assert_cmpint(type->label.state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpint(type->available.state, ==, BASE_STATE_UNKNOWN);
}

static void
test_vdpa(void)
{
    g_autoptr(Tree) tree = tree_sound();
    const HostVdpa *vdpa;

    g_assert_cmpint(tree_read(tree)->vdpa_state, ==, BASE_STATE_ABSENT);
    put_dir(tree, "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/vdpa0/vhost-vdpa-3");
    put_link(tree, "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/vdpa0/driver",
             "../../../../../bus/vdpa/drivers/vhost_vdpa");
    put_dir(tree, "sys/devices/vdpasim_net/vdpa1");
    put_link(tree, "sys/bus/vdpa/devices/vdpa0",
             "../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0/vdpa0");
    put_link(tree, "sys/bus/vdpa/devices/vdpa1", "../../../devices/vdpasim_net/vdpa1");
    put_link(tree, "sys/bus/vdpa/devices/vdpa2", "../../../devices/gone");
    g_assert_cmpint(tree_read(tree)->vdpa_state, ==, BASE_STATE_KNOWN);
    g_assert_cmpuint(tree->host->vdpa->len, ==, 3);
    vdpa = tree->host->vdpa->pdata[0];
    g_assert_cmpstr(vdpa->name, ==, "vdpa0");
    g_assert_cmpstr(vdpa->parent.text, ==, "0000:01:00.0"); /* not the port above it */
    g_assert_cmpstr(vdpa->driver.text, ==, "vhost_vdpa");
    g_assert_cmpstr(vdpa->node.text, ==, "vhost-vdpa-3");
    vdpa = tree->host->vdpa->pdata[1];
    g_assert_cmpint(vdpa->parent.state, ==, BASE_STATE_ABSENT);
    g_assert_cmpint(vdpa->driver.state, ==, BASE_STATE_ABSENT);
    g_assert_cmpint(vdpa->node.state, ==, BASE_STATE_ABSENT);
    vdpa = tree->host->vdpa->pdata[2];
    g_assert_cmpint(vdpa->driver.state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpint(vdpa->node.state, ==, BASE_STATE_UNKNOWN);
}

static const HostDevice *
only_device(const ViommuHost *host)
{
    g_assert_cmpuint(host->devices->len, ==, 1);
    return host_facts_device(host, (BasePci){0, 1, 0, 0});
}

static void
assert_reason(const ViommuHost *host, const char *fact, const char *word)
{
    const char *reason = host_facts_reason(host, fact);

    if (!reason || !strstr(reason, word))
        g_test_message("%s: wanted \"%s\", got \"%s\"", fact, word, reason);
    g_assert_true(reason && strstr(reason, word));
}

static void
test_sound(void)
{
    g_autoptr(Tree) tree = tree_sound();
    ViommuHost *host = tree_read(tree);
    const HostDevice *device = only_device(host);
    const HostGroup *group = host_facts_group(host, 5);

    g_assert_cmpuint(device->vendor.value, ==, 0x10de);
    g_assert_cmpuint(device->class.value, ==, 0x030200);
    g_assert_cmpuint(device->numa_node.value, ==, 1);
    g_assert_cmpstr(device->driver.text, ==, "vfio-pci");
    g_assert_cmpstr(device->iommu.text, ==, "dmar0");
    g_assert_cmpuint(device->group.value, ==, 5);
    g_assert_cmpstr(device->vfio_dev.text, ==, "vfio7");
    g_assert_cmpuint(device->bars->len, ==, 2);
    g_assert_cmpuint(g_array_index(device->bars, HostBar, 0).size, ==, 16 << 20);
    g_assert_cmpuint(g_array_index(device->bars, HostBar, 0).bits, ==, 64);
    g_assert_true(g_array_index(device->bars, HostBar, 0).prefetch);
    g_assert_cmpuint(g_array_index(device->bars, HostBar, 1).index, ==, 2);
    g_assert_cmpuint(group->reserved->len, ==, 2);
    g_assert_cmpint(g_array_index(group->reserved, HostRegion, 1).type, ==, HOST_REGION_OTHER);
    g_assert_cmpstr(group->type.text, ==, "DMA-FQ");
    g_assert_cmpint(group->name.state, ==, BASE_STATE_ABSENT);
    g_assert_cmphex(host_facts_iommu(host, "dmar0")->cap.value, ==, 0xd2008c40660462);
    g_assert_cmpint(host->vfio_cdev, ==, BASE_YES);
}

static void
test_no_directory(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(host_read_tree("/nonexistent/viommu", HOST_READ_DEFAULT, &error));
    g_assert_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO);
    g_clear_error(&error);
    g_assert_null(host_read_tree("/dev/null", HOST_READ_DEFAULT, &error));
    g_assert_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO);
}

/* A tree without sys/ knows nothing; an empty sys/ knows that there is nothing. */
static void
test_empty(void)
{
    g_autoptr(Tree) tree = tree_new();
    ViommuHost *host = tree_read(tree);

    g_assert_cmpint(host->devices_state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpint(host->groups_state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpint(host->iommus_state, ==, BASE_STATE_UNKNOWN);
    assert_reason(host, "devices", "sys/bus/pci/devices");
    assert_reason(host, "arch", "cpuinfo");
    assert_reason(host, "memory", "MemTotal");
    assert_reason(host, "kernel/cmdline", "no such file");
    g_assert_cmpint(host->iommufd, ==, BASE_UNKNOWN);
    put_dir(tree, "sys/bus");
    put_dir(tree, "sys/class");
    put_dir(tree, "sys/kernel");
    host = tree_read(tree);
    g_assert_cmpint(host->devices_state, ==, BASE_STATE_KNOWN);
    g_assert_cmpint(host->groups_state, ==, BASE_STATE_KNOWN);
    g_assert_cmpint(host->iommus_state, ==, BASE_STATE_KNOWN);
}

static void
test_garbage(void)
{
    g_autoptr(Tree) tree = tree_sound();
    ViommuHost *host;
    const HostDevice *device;

    put(tree, DEVICE "vendor", "0x10dex\n");
    put(tree, DEVICE "device", "0x12345\n");
    put(tree, DEVICE "class", "");
    put(tree, DEVICE "numa_node", "-2\n");
    put(tree, DEVICE "resource", "0x1 0x0 0x0\n");
    put(tree, DEVICE "config", "short");
    put_link(tree, DEVICE "physfn", "../somewhere");
    put(tree, "sys/kernel/iommu_groups/5/reserved_regions", "0x0 0x1\n");
    put(tree, "sys/kernel/iommu_groups/5/devices/platform-thing", "");
    put(tree, "sys/kernel/iommu_groups/five/type", "DMA\n");
    put(tree, "sys/class/iommu/dmar0/intel-iommu/cap", "0xzz\n");
    put(tree, "proc/meminfo", "MemTotal: many kB\n");
    host = tree_read(tree);
    device = only_device(host);
    g_assert_cmpint(device->vendor.state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpint(device->device.state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpint(device->class.state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpint(device->numa_node.state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpint(device->bars_state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpint(device->physfn.state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpint(device->pcie.state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpstr(device->driver.text, ==, "vfio-pci"); /* the others are still known */
    assert_reason(host, "devices/0000:01:00.0/vendor", "does not hold");
    assert_reason(host, "devices/0000:01:00.0/bars", "resource does not hold");
    assert_reason(host, "devices/0000:01:00.0/pcie", "shorter");
    g_assert_cmpint(host_facts_group(host, 5)->reserved_state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpuint(host_facts_group(host, 5)->other_members, ==, 1);
    g_assert_cmpuint(host->groups->len, ==, 1);
    assert_reason(host, "groups/5/reserved", "does not hold");
    g_assert_cmpint(host_facts_iommu(host, "dmar0")->cap.state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpint(host_facts_iommu(host, "dmar0")->ecap.state, ==, BASE_STATE_KNOWN);
    g_assert_cmpint(host->memory.state, ==, BASE_STATE_UNKNOWN);
}

/* Links that loop, files without end, pipes without a writer, directories in a file's place. */
static void
test_hostile(void)
{
    g_autoptr(Tree) tree = tree_sound();
    g_autofree char *big = g_strnfill(1 << 20, '1');
    g_autofree char *fifo = tree_path(tree, DEVICE "numa_node");
    ViommuHost *host;
    const HostDevice *device;

    drop(tree, DEVICE "vendor");
    put_link(tree, DEVICE "vendor", "vendor");
    put_link(tree, "sys/bus/pci/devices/0000:02:00.0", "0000:02:00.0");
    put(tree, DEVICE "device", big);
    g_unlink(fifo);
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    drop(tree, DEVICE "class");
    put_dir(tree, DEVICE "class");
    host = tree_read(tree);
    device = only_device(host);
    g_assert_cmpint(device->vendor.state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpint(device->device.state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpint(device->numa_node.state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpint(device->class.state, ==, BASE_STATE_UNKNOWN);
    assert_reason(host, "devices/0000:01:00.0/vendor", "symbolic links");
    assert_reason(host, "devices/0000:01:00.0/device", "large");
}

#define UNIT "usr/lib/systemd/system/libvirtd.service"

/* Control characters and bytes that are not UTF-8 must not reach a terminal or a document. */
static void
test_text(void)
{
    g_autoptr(Tree) tree = tree_sound();
    ViommuHost *host;

    put(tree, "sys/kernel/iommu_groups/5/type", "DM\x1b[31mA\xff\n");
    put(tree, "proc/cmdline", "quiet\tintel_iommu=on\n");
    put(tree, "sys/class/iommu/dmar\x1b/intel-iommu/cap", "1\n");
    put(tree, UNIT, "[Service]\nLimitMEMLOCK=1M\n");
    put(tree, UNIT ".d/\xeb\x1b.conf", "[Service]\nLimitMEMLOCK=2M\n");
    put(tree, UNIT ".d/\xf0.conf", "[Service]\nLimitMEMLOCK=no size\n");
    host = tree_read(tree);
    g_assert_cmpuint(host->iommus->len, ==, 1); /* no kernel makes the other */
    g_assert_cmpuint(host->memlock.unit.value, ==, 2 << 20);
    g_assert_true(g_utf8_validate(host->memlock.unit_file.text, -1, NULL));
    g_assert_null(strchr(host->memlock.unit_file.text, '\x1b'));
    g_assert_true(g_utf8_validate(host_facts_reason(host, "limits/memlock/unit"), -1, NULL));
    g_assert_null(strchr(host_facts_group(host, 5)->type.text, '\x1b'));
    g_assert_true(g_utf8_validate(host_facts_group(host, 5)->type.text, -1, NULL));
    g_assert_cmpstr(host->kernel_cmdline.text, ==, "quiet intel_iommu=on");
}

/* A function that is in one list but not in the other, as when it goes away meanwhile. */
static void
test_vanishing(void)
{
    g_autoptr(Tree) tree = tree_sound();
    ViommuHost *host;

    put(tree, "sys/kernel/iommu_groups/5/devices/0000:09:00.0", "");
    put(tree, "sys/kernel/iommu_groups/6/type", "DMA\n");
    put(tree, "sys/kernel/iommu_groups/6/devices/0000:01:00.0", "");
    put_dir(tree, "sys/bus/pci/devices/0000:08:00.0");
    put(tree, "sys/bus/pci/devices/0000:03:00.0/vendor", "0x8086\n");
    put_link(tree, "sys/bus/pci/devices/0000:03:00.0/iommu_group", "../../iommu_groups/9");
    put_link(tree, "sys/bus/pci/devices/0000:03:00.0/iommu", "../../iommu/dmar7");
    host = tree_read(tree);
    g_assert_cmpuint(host->devices->len, ==, 2);
    g_assert_cmpuint(host_facts_group(host, 5)->devices->len, ==, 1);
    g_assert_cmpuint(host_facts_group(host, 6)->devices->len, ==, 0);
    g_assert_cmpuint(host_facts_group(host, 9)->devices->len, ==, 1);
    g_assert_nonnull(host_facts_iommu(host, "dmar7"));
    g_assert_null(host_facts_reason(host, "devices/0000:08:00.0/vendor"));
}

static void
test_unreadable(void)
{
    g_autoptr(Tree) tree = tree_sound();
    g_autofree char *path = tree_path(tree, DEVICE "resource");
    ViommuHost *host;

    g_assert_cmpint(g_chmod(path, 0), ==, 0);
    if (g_access(path, R_OK) == 0) {
        g_test_skip("this user may read everything");
        return;
    }
    host = tree_read(tree);
    g_assert_cmpint(only_device(host)->bars_state, ==, BASE_STATE_UNKNOWN);
    assert_reason(host, "devices/0000:01:00.0/bars", "needs root");
}

static void
assert_features(const char *features, const char *release, gboolean known, guint64 efr,
                guint64 efr2)
{
    g_autoptr(Tree) tree = tree_new();
    const HostIommu *iommu;

    put(tree, "sys/class/iommu/ivhd0/amd-iommu/features", features);
    if (release)
        put(tree, "proc/sys/kernel/osrelease", release);
    iommu = host_facts_iommu(tree_read(tree), "ivhd0");
    g_assert_cmpint(iommu->type, ==, HOST_IOMMU_AMD);
    g_assert_cmpint(iommu->efr.state == BASE_STATE_KNOWN, ==, known);
    g_assert_cmphex(iommu->efr.value, ==, efr);
    g_assert_cmphex(iommu->efr2.value, ==, efr2);
}

static void
test_amd_order(void)
{
    assert_features("29d3:0\n", "7.2.12", TRUE, 0x29d3, 0);
    assert_features("0:29d3\n", "6.1.0", TRUE, 0x29d3, 0);
    assert_features("246577efa2254afa:8\n", NULL, TRUE, 0x246577efa2254afa, 8);
    assert_features("8:246577efa2254afa\n", NULL, TRUE, 0x246577efa2254afa, 8);
    assert_features("29d3:8\n", "6.12.1", TRUE, 0x29d3, 8);
    assert_features("8:29d3\n", "6.1.192", TRUE, 0x29d3, 8);
    assert_features("29d3:8\n", "6.6.1", FALSE, 0, 0); /* somewhere between it was turned round */
    assert_features("29d3\n", NULL, TRUE, 0x29d3, 0);
    assert_features("1:2:3\n", "7.2.0", FALSE, 0, 0);
}

static void
test_system(void)
{
    g_autoptr(Tree) tree = tree_new();
    ViommuHost *host;

    put(tree, "proc/version", "Linux version 6.12.107+deb13-amd64 (x@y) (gcc) #1 SMP\n");
    put(tree, "proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vme lm sse2\n");
    put(tree, "proc/meminfo", "MemTotal:       16384 kB\nMemFree:  1 kB\n");
    put(tree, "etc/hostname", "h1\n");
    put_link(tree, "usr/lib/x86_64-linux-gnu/libvirt.so.0", "libvirt.so.0.11003.2");
    put(tree, "var/lib/dpkg/status",
        "Package: qemu-system-data\nStatus: install ok installed\nVersion: 1:9.0.0\n\n"
        "Package: qemu-system-x86\nStatus: install ok installed\nVersion: 1:10.0.8+ds-0\n\n");
    put(tree, "boot/config-6.12.107+deb13-amd64",
        "# CONFIG_IOMMUFD is not set\nCONFIG_INTEL_IOMMU_SCALABLE_MODE_DEFAULT_ON=y\n");
    put(tree, "proc/1234/comm", "libvirtd\n");
    put(tree, "proc/1234/limits",
        "Limit                     Soft Limit           Hard Limit           Units     \n"
        "Max locked memory         67108864             unlimited            bytes     \n");
    put(tree, "proc/1234/status", "Name:\tlibvirtd\nCapEff:\t0000000001000000\n");
    put(tree, "sys/kernel/irq/1/chip_name", "IO-APIC\n");
    put(tree, "sys/kernel/irq/24/chip_name", "PCI-MSI-0000:00:01.0\n");
    put(tree, "dev/vfio/vfio", "");
    host = tree_read(tree);
    g_assert_cmpuint(host->kernel.value, ==, BASE_VERSION(6, 12, 107));
    g_assert_cmpstr(host->arch.text, ==, "x86_64");
    g_assert_cmpuint(host->memory.value, ==, 16 << 20);
    g_assert_cmpstr(host->name.text, ==, "h1");
    g_assert_cmpuint(host->libvirt.value, ==, BASE_VERSION(11, 3, 2));
    g_assert_cmpuint(host->qemu.value, ==, BASE_VERSION(10, 0, 8));
    g_assert_cmpint(host->vtd_scalable_default, ==, BASE_YES);
    g_assert_cmpint(host->iommufd, ==, BASE_NO);
    assert_reason(host, "vfio/iommufd", "CONFIG_IOMMUFD");
    g_assert_cmpint(host->vfio_cdev, ==, BASE_NO);
    g_assert_cmpint(host->vfio_container, ==, BASE_YES);
    g_assert_cmpstr(host->memlock.of, ==, "libvirtd");
    g_assert_cmpuint(host->memlock.soft.value, ==, 67108864);
    g_assert_cmpuint(host->memlock.hard.value, ==, G_MAXUINT64);
    g_assert_cmpint(host->memlock.can_raise, ==, BASE_YES);
    g_assert_cmpint(host->isolated_msi, ==, BASE_NO);
    put(tree, "sys/kernel/irq/25/chip_name", "IR-PCI-MSI-0000:00:02.0\n");
    put(tree, "proc/1234/status", "CapEff:\t0000000000ffffff\n");
    put(tree, "var/cache/libvirt/qemu/capabilities/a.xml",
        "<qemuCaps>\n  <version>11001002</version>\n  <arch>x86_64</arch>\n</qemuCaps>\n");
    host = tree_read(tree);
    g_assert_cmpint(host->isolated_msi, ==, BASE_YES);
    g_assert_cmpint(host->memlock.can_raise, ==, BASE_NO);
    g_assert_cmpuint(host->qemu.value, ==, BASE_VERSION(11, 1, 2));
}

/* /dev/iommu appears with vfio: its absence says nothing before. */
static void
test_iommufd(void)
{
    g_autoptr(Tree) tree = tree_sound();
    ViommuHost *host = tree_read(tree);

    g_assert_cmpint(host->iommufd, ==, BASE_UNKNOWN);
    assert_reason(host, "vfio/iommufd", "modprobe");
    put_dir(tree, "sys/module/vfio");
    host = tree_read(tree);
    g_assert_cmpint(host->iommufd, ==, BASE_NO);
    g_assert_cmpint(host->vfio_container, ==, BASE_NO);
    put_dir(tree, "sys/class/misc/iommu"); /* a container's /dev lacks the node */
    g_assert_cmpint(tree_read(tree)->iommufd, ==, BASE_YES);
}

/* The machine that runs the test, whatever it is. */
static void
test_live(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ViommuHost) host = host_read_tree("/", HOST_READ_DEFAULT, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(host->origin, ==, "live");
    g_assert_cmpint(host->kernel_release.state, ==, BASE_STATE_KNOWN);
    g_assert_cmpuint(host->page_size.value, ==, (guint64)sysconf(_SC_PAGESIZE));
    g_assert_cmpint(host->arch.state, ==, BASE_STATE_KNOWN);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/host-broken/variants", test_variants);
    g_test_add_func("/host-broken/mdev-types", test_mdev_types);
    g_test_add_func("/host-broken/vdpa", test_vdpa);
    g_test_add_func("/host-broken/sound", test_sound);
    g_test_add_func("/host-broken/no-directory", test_no_directory);
    g_test_add_func("/host-broken/empty", test_empty);
    g_test_add_func("/host-broken/garbage", test_garbage);
    g_test_add_func("/host-broken/hostile", test_hostile);
    g_test_add_func("/host-broken/text", test_text);
    g_test_add_func("/host-broken/vanishing", test_vanishing);
    g_test_add_func("/host-broken/unreadable", test_unreadable);
    g_test_add_func("/host-broken/amd-order", test_amd_order);
    g_test_add_func("/host-broken/system", test_system);
    g_test_add_func("/host-broken/iommufd", test_iommufd);
    g_test_add_func("/host-broken/live", test_live);
    return g_test_run();
}
