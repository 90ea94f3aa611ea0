/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every member that a function can have, on a machine that umockdev pretends: read live and with
 * --sysroot, in JSON and in text.  usage: umockdev-wrapper test-umockdev-members PROGRAM
 */
#include "base-json.h"

#include <glib/gstdio.h>
#include <string.h>
#include <umockdev.h>
#include <unistd.h>

#define PF  "0000:02:00.0"
#define VF  "0000:02:00.1"
#define GPU "0000:03:00.0"
#define DSA "0000:04:00.0"

#define NO_BAR "0x0000000000000000 0x0000000000000000 0x0000000000000000\\n"

static const char machine_devices[] =
    "P: /devices/pci0000:00/" PF "\n"
    "E: SUBSYSTEM=pci\n"
    "A: vendor=0x15b3\\n\n"
    "A: device=0x101d\\n\n"
    "A: class=0x020000\\n\n"
    "A: numa_node=1\\n\n"
    "A: sriov_totalvfs=8\\n\n"
    "A: sriov_numvfs=1\\n\n"
    "A: reset_method=flr bus\\n\n"
    "A: resource=0x0000000091800000 0x0000000091ffffff 0x000000000014220c\\n" NO_BAR
    "0x0000000000004000 0x000000000000401f 0x0000000000040101\\n"
    "0x00000000fe600000 0x00000000fe61ffff 0x0000000000040200\\n" NO_BAR NO_BAR
    "0x00000000c0000000 0x00000000c00fffff 0x0000000000046200\\n\n"
    "L: driver=../../../bus/pci/drivers/mlx5_core\n"
    "\n"
    "P: /devices/pci0000:00/" VF "\n"
    "E: SUBSYSTEM=pci\n"
    "A: vendor=0x15b3\\n\n"
    "A: device=0x101e\\n\n"
    "A: class=0x020000\\n\n"
    "L: physfn=../" PF "\n"
    "L: driver=../../../bus/pci/drivers/mlx5_vfio_pci\n"
    "\n"
    "P: /devices/pci0000:00/" GPU "\n"
    "E: SUBSYSTEM=pci\n"
    "A: vendor=0x10de\\n\n"
    "A: device=0x2235\\n\n"
    "A: class=0x030200\\n\n"
    "A: numa_node=-1\\n\n"
    "L: driver=../../../bus/pci/drivers/nvidia\n"
    "\n"
    "P: /devices/pci0000:00/" DSA "\n"
    "E: SUBSYSTEM=pci\n"
    "A: vendor=0x8086\\n\n"
    "A: device=0x0b25\\n\n"
    "A: class=0x088000\\n\n"
    "L: driver=../../../bus/pci/drivers/idxd\n";

typedef struct {
    UMockdevTestbed *bed;
    char *root;
} Machine;

/* ---- the machine ---- */

static void
put(const Machine *machine, const char *name, const void *bytes, gssize length)
{
    g_autofree char *path = g_build_filename(machine->root, "sys", name, NULL);
    g_autofree char *directory = g_path_get_dirname(path);

    g_assert_cmpint(g_mkdir_with_parents(directory, 0755), ==, 0);
    g_assert_true(g_file_set_contents(path, bytes, length, NULL));
}

static void
put_link(const Machine *machine, const char *name, const char *target)
{
    g_autofree char *path = g_build_filename(machine->root, "sys", name, NULL);
    g_autofree char *directory = g_path_get_dirname(path);

    g_assert_cmpint(g_mkdir_with_parents(directory, 0755), ==, 0);
    g_assert_cmpint(symlink(target, path), ==, 0);
}

static void
set16(guint8 *bytes, gsize offset, guint value)
{
    bytes[offset] = (guint8)value;
    bytes[offset + 1] = (guint8)(value >> 8);
}

/* An extended capability of version 1: id, two words at 4 and 6, the next one at @next */
static void
set_extended(guint8 *bytes, gsize offset, guint id, guint first, guint second, gsize next)
{
    set16(bytes, offset, id);
    set16(bytes, offset + 2, (guint)(next << 4 | 1));
    set16(bytes, offset + 4, first);
    set16(bytes, offset + 6, second);
}

/* An endpoint with FLR and ATS switched on; @pf: PRI, PASID of 16 bits and ACS as well */
static void
put_config(const Machine *machine, const char *function, gboolean pf)
{
    g_autofree char *name = g_strdup_printf("devices/pci0000:00/%s/config", function);
    guint8 bytes[4096] = {0};

    set16(bytes, 0x06, 0x0010);
    bytes[0x34] = 0x40;
    set16(bytes, 0x40, 0x0010);
    set16(bytes, 0x42, 0x0002);
    bytes[0x47] = 0x10;
    set_extended(bytes, 0x100, 0x000f, 0, 0x8000, pf ? 0x120 : 0);
    if (pf) {
        set_extended(bytes, 0x120, 0x0013, 1, 0, 0x140);
        set_extended(bytes, 0x140, 0x001b, 16 << 8, 1, 0x160);
        set_extended(bytes, 0x160, 0x000d, 0x5f, 0x1d, 0);
    }
    put(machine, name, bytes, sizeof bytes);
}

static Machine *
machine_new(void)
{
    static const char mdev[] = "devices/pci0000:00/" GPU "/mdev_supported_types/nvidia-558";
    Machine *machine = g_new0(Machine, 1);
    g_autofree char *label = g_strconcat(mdev, "/name", NULL);
    g_autofree char *api = g_strconcat(mdev, "/device_api", NULL);
    g_autofree char *left = g_strconcat(mdev, "/available_instances", NULL);
    g_autoptr(GError) error = NULL;

    machine->bed = umockdev_testbed_new();
    machine->root = umockdev_testbed_get_root_dir(machine->bed);
    umockdev_testbed_add_from_string(machine->bed, machine_devices, &error);
    g_assert_no_error(error);
    put_config(machine, PF, TRUE);
    put_config(machine, VF, FALSE);
    put(machine, "devices/pci0000:00/" VF "/vfio-dev/vfio3/dev", "511:3\n", -1);
    put(machine, "devices/pci0000:00/" DSA "/vfio-dev/vfio4/name", "", 0); /* no cdev: no "dev" */
    put(machine, label, "GRID A40-2Q\n", -1);
    put(machine, api, "vfio-pci\n", -1);
    put(machine, left, "24\n", -1);
    put(machine, "devices/pci0000:00/" PF "/vdpa0/vhost-vdpa-0/dev", "510:0\n", -1);
    put_link(machine, "devices/pci0000:00/" PF "/vdpa0/driver",
             "../../../../bus/vdpa/drivers/vhost_vdpa");
    put_link(machine, "bus/vdpa/devices/vdpa0", "../../../devices/pci0000:00/" PF "/vdpa0");
    return machine;
}

static void
machine_free(Machine *machine)
{
    g_object_unref(machine->bed);
    g_free(machine->root);
    g_free(machine);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Machine, machine_free)

/* ---- the program ---- */

/* What "virt-viommu host @flag -n" writes: of this machine, or, with @sysroot, of its tree, which
 * then is a folder like any other. */
static char *
run_host(const Machine *machine, gboolean sysroot, const char *flag)
{
    const char *program = g_getenv("VIOMMU_TEST_PROGRAM");
    const char *live[] = {program, "host", flag, "-n", NULL};
    const char *tree[] = {program, "host", flag, "-n", "--sysroot", machine->root, NULL};
    g_auto(GStrv) environment = g_get_environ();
    g_autoptr(GError) error = NULL;
    char *text = NULL;
    int status = -1;

    if (sysroot)
        environment = g_environ_unsetenv(environment, "LD_PRELOAD");
    g_spawn_sync(NULL, (char **)(sysroot ? tree : live), environment, 0, NULL, NULL, &text, NULL,
                 &status, &error);
    g_assert_no_error(error);
    g_assert_cmpint(status, ==, 0);
    return text;
}

/* ---- tests ---- */

static const struct {
    const char *function, *path, *json;
} members[] = {
    {PF, "numa_node", "1"},
    {PF, "driver", "\"mlx5_core\""},
    {PF, "vfio_variant", "false"},
    {PF, "sriov_totalvfs", "8"},
    {PF, "sriov_numvfs", "1"},
    {PF, "physfn", "null"},
    {PF, "reset_method", "\"flr bus\""},
    {PF, "bars",
     "[{\"index\":0,\"size\":8388608,\"bits\":64,\"prefetch\":true},"
     "{\"index\":2,\"size\":32,\"bits\":32,\"prefetch\":false,\"io\":true},"
     "{\"index\":3,\"size\":131072,\"bits\":32,\"prefetch\":false},"
     "{\"index\":6,\"size\":1048576,\"bits\":32,\"prefetch\":true}]"},
    {PF, "pcie",
     "{\"type\":\"endpoint\",\"ats\":true,\"ats_enabled\":true,\"pri\":true,"
     "\"pri_enabled\":true,\"pasid_bits\":16,\"pasid_enabled\":true,\"flr\":true,"
     "\"acs\":[\"sv\",\"rr\",\"cr\",\"uf\"],"
     "\"acs_cap\":[\"sv\",\"tb\",\"rr\",\"cr\",\"uf\",\"dt\"]}"},
    {VF, "physfn", "\"" PF "\""},
    {VF, "sriov_totalvfs", "null"},
    {VF, "vfio_variant", "true"},
    {VF, "vfio_dev", "\"vfio3\""},
    {VF, "reset_method", "null"},
    {VF, "pcie", /* PRI and PASID are the PF's */
     "{\"type\":\"endpoint\",\"ats\":true,\"ats_enabled\":true,\"pri\":true,"
     "\"pri_enabled\":true,\"pasid_bits\":16,\"pasid_enabled\":true,\"flr\":true,\"acs\":null}"},
    {GPU, "numa_node", "null"},
    {GPU, "vfio_dev", "null"},
    {GPU, "mdev_types",
     "[{\"type\":\"nvidia-558\",\"name\":\"GRID A40-2Q\",\"api\":\"vfio-pci\",\"available\":24}]"},
    {VF, "mdev_types", "null"},
    {DSA, "vfio_dev", "null"},
    {DSA, "verdict/denylisted", "true"},
};

static BaseJson *
find_device(BaseJson *document, const char *address)
{
    BaseJson *devices = json_object_object_get(document, "devices");

    for (gsize i = 0; i < json_object_array_length(devices); i++) {
        BaseJson *device = json_object_array_get_idx(devices, i);

        if (g_str_equal(json_object_get_string(json_object_object_get(device, "address")), address))
            return device;
    }
    g_assert_not_reached();
}

static BaseJson *
find_member(BaseJson *object, const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);

    for (guint i = 0; parts[i]; i++) {
        if (!json_object_object_get_ex(object, parts[i], &object)) {
            g_test_message("no %s", path);
            return NULL;
        }
    }
    return object;
}

static void
check_json(const Machine *machine, gboolean sysroot)
{
    g_autofree char *text = run_host(machine, sysroot, "--json");
    g_autoptr(GError) error = NULL;
    g_autoptr(BaseJson) document = base_json_parse(text, strlen(text), "host", &error);

    g_assert_no_error(error);
    for (guint i = 0; i < G_N_ELEMENTS(members); i++) {
        BaseJson *got = find_member(find_device(document, members[i].function), members[i].path);
        g_autoptr(BaseJson) wanted = json_tokener_parse(members[i].json);

        g_test_message("%s %s", members[i].function, members[i].path);
        if (!json_object_equal(got, wanted))
            g_assert_cmpstr(json_object_to_json_string_ext(got, JSON_C_TO_STRING_PLAIN), ==,
                            members[i].json);
    }
    g_assert_cmpstr(json_object_to_json_string_ext(json_object_object_get(document, "vdpa"),
                                                   JSON_C_TO_STRING_PLAIN),
                    ==,
                    "[{\"driver\":\"vhost_vdpa\",\"name\":\"vdpa0\",\"node\":\"vhost-vdpa-0\","
                    "\"parent\":\"" PF "\"}]");
}

static const struct {
    const char *function, *line;
} lines[] = {
    {PF, "Driver        mlx5_core\n"},
    {PF, "SR-IOV        PF, 1 of 8 VFs\n"},
    {PF, "NUMA node     1\n"},
    {PF, "Reset         flr bus\n"},
    {PF, "endpoint, FLR yes, ATS yes (on), PRI yes (on), PASID 16 bits (on)\n"},
    {PF, "ACS           sv, tb (off), rr, cr, uf, dt (off)\n"},
    {PF, "0: 8 MiB, 64-bit, prefetchable\n"},
    {PF, "2: 32 B, I/O ports\n"},
    {PF, "3: 128 KiB, 32-bit\n"},
    {PF, "ROM: 1 MiB, 32-bit, prefetchable\n"},
    {PF, "vdpa0, vhost_vdpa, /dev/vhost-vdpa-0\n"},
    {VF, "Driver        mlx5_vfio_pci (a vfio driver of its own), /dev/vfio/devices/vfio3\n"},
    {VF, "SR-IOV        VF of " PF "\n"},
    {VF, "endpoint, FLR yes, ATS yes (on), PRI yes (on), PASID 16 bits (on)\n"},
    {VF, "Reset         none\n"},
    {GPU, "NUMA node     none told\n"},
    {GPU, "nvidia-558 (GRID A40-2Q), 24 left\n"},
};

static void
check_text(const Machine *machine, gboolean sysroot)
{
    for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autofree char *text = run_host(machine, sysroot, lines[i].function);

        if (!strstr(text, lines[i].line))
            g_test_message("no \"%s\" in: %s", lines[i].line, text);
        g_assert_nonnull(strstr(text, lines[i].line));
    }
}

static void
test_members(gconstpointer sysroot)
{
    g_autoptr(Machine) machine = machine_new();

    check_json(machine, sysroot != NULL);
    check_text(machine, sysroot != NULL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_data_func("/umockdev/members/live", NULL, test_members);
    g_test_add_data_func("/umockdev/members/sysroot", "yes", test_members);
    return g_test_run();
}
