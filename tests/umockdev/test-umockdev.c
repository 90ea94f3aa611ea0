/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virt-viommu on a machine that umockdev pretends: no --sysroot, the real open() and ioctl() of a
 * real process, and a kernel that answers as each case says. A fault that a case does not name is
 * an answer like a healthy SMMUv3's.  usage: umockdev-wrapper test-umockdev PROGRAM
 */
#include "base-json.h"
#include "host-uapi.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <libudev.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <umockdev.h>
#include <unistd.h>

#define FUNCTION "0000:01:00.0"
#define TIMEOUT  60

/* What the kernel says, by question: an errno, or 0 for an answer */
typedef struct {
    int bind, hw_info, cmdqv, ioas, hwpt, viommu, attach, ranges;
    guint cut, cut_queue; /* bytes that its answers to IOMMU_GET_HW_INFO lack */
} Kernel;

typedef struct {
    Kernel kernel;
    UMockdevTestbed *bed;
    UMockdevIoctlBase *handler;
    GMainLoop *loop;
    GHashTable *asked; /* requests that came */
    char *run;         /* where the program keeps what it learnt */
    int status;
} Machine;

/* ---- the kernel ---- */

/* Writes @length bytes of @answer over those that the argument points to. */
static void
give(UMockdevIoctlData *data, const void *answer, gsize length)
{
    umockdev_ioctl_data_update(data, 0, (guint8 *)answer, (gint)length);
}

static UMockdevIoctlData *
resolve(UMockdevIoctlData *data, gsize offset, gsize length)
{
    g_autoptr(GError) error = NULL;
    UMockdevIoctlData *ret = umockdev_ioctl_data_resolve(data, offset, length, &error);

    g_assert_no_error(error);
    return ret;
}

static void
fetch(UMockdevIoctlData *data, void *ret, gsize length)
{
    g_autofree guint8 *bytes = NULL;
    gint count = 0;

    umockdev_ioctl_data_retrieve(data, &bytes, &count);
    g_assert_cmpint(count, ==, (gint)length);
    memcpy(ret, bytes, length);
}

static int
answer_hw_info(const Kernel *kernel, UMockdevIoctlData *argument)
{
    static const struct host_hw_info_smmuv3 smmu = {
        /* both stages and coherent, 20 bits of SubstreamID, FWB, OAS 48 */
        .idr = {0x13, 20 << 6, 0, 1 << 8, 0, 5},
        .iidr = 7,
        .aidr = 8};
    static const struct host_hw_info_cmdqv cmdqv = {.version = 1, .log2vcmdqs = 1, .log2vsids = 4};
    g_autoptr(UMockdevIoctlData) data = resolve(argument, 0, sizeof(struct host_iommu_hw_info));
    g_autoptr(UMockdevIoctlData) room = NULL;
    struct host_iommu_hw_info info;
    gboolean queue;

    fetch(data, &info, sizeof info);
    g_assert_cmpuint(info.size, ==, sizeof info);
    g_assert_cmpuint(info.dev_id, ==, 77);
    queue = (info.flags & HOST_HW_INFO_INPUT_TYPE) != 0;
    if (queue ? kernel->cmdqv : kernel->hw_info)
        return queue ? kernel->cmdqv : kernel->hw_info;
    room = resolve(data, offsetof(struct host_iommu_hw_info, data_uptr), info.data_len);
    if (queue)
        give(room, &cmdqv, sizeof cmdqv - kernel->cut_queue);
    else
        give(room, &smmu, sizeof smmu - kernel->cut);
    info.data_type = queue ? HOST_HW_INFO_CMDQV : HOST_HW_INFO_SMMUV3;
    info.data_len = (guint32)(queue ? sizeof cmdqv - kernel->cut_queue : sizeof smmu - kernel->cut);
    info.out_max_pasid_log2 = 20;
    give(data, &info, sizeof info);
    return 0;
}

static int
answer_ranges(const Kernel *kernel, UMockdevIoctlData *argument)
{
    static const struct host_iommu_iova_range ranges[] = {{0, 0x7ffffff},
                                                          {0x8100000, 0xffffffffffff}};
    g_autoptr(UMockdevIoctlData) data =
                  resolve(argument, 0, sizeof(struct host_iommu_ioas_iova_ranges));
    g_autoptr(UMockdevIoctlData) room = NULL;
    struct host_iommu_ioas_iova_ranges ask;

    fetch(data, &ask, sizeof ask);
    g_assert_cmpuint(ask.num_iovas, >=, G_N_ELEMENTS(ranges));
    if (kernel->ranges == 0) {
        room = resolve(data, offsetof(struct host_iommu_ioas_iova_ranges, allowed_iovas),
                       ask.num_iovas * sizeof *ranges);
        give(room, ranges, sizeof ranges);
    }
    /* EMSGSIZE: the number that there would be */
    ask.num_iovas = kernel->ranges ? 1000 : G_N_ELEMENTS(ranges);
    give(data, &ask, sizeof ask);
    return kernel->ranges;
}

/* Sets the id that a successful call gives back. */
static int
answer_id(UMockdevIoctlData *argument, gsize length, gsize offset, guint32 id, int failed)
{
    g_autoptr(UMockdevIoctlData) data = resolve(argument, 0, length);
    guint8 bytes[128];

    g_assert_cmpuint(length, <=, sizeof bytes);
    fetch(data, bytes, length);
    memcpy(bytes + offset, &id, sizeof id);
    if (!failed)
        give(data, bytes, length);
    return failed;
}

static int
answer(const Kernel *kernel, gulong request, UMockdevIoctlData *argument)
{
    switch (request) {
    case HOST_VFIO_BIND_IOMMUFD:
        return answer_id(argument, sizeof(struct host_vfio_bind_iommufd),
                         offsetof(struct host_vfio_bind_iommufd, out_devid), 77, kernel->bind);
    case HOST_VFIO_ATTACH_PT:
        return kernel->attach;
    case HOST_IOMMU_GET_HW_INFO:
        return answer_hw_info(kernel, argument);
    case HOST_IOMMU_IOAS_ALLOC:
        return answer_id(argument, sizeof(struct host_iommu_ioas_alloc),
                         offsetof(struct host_iommu_ioas_alloc, out_ioas_id), 78, kernel->ioas);
    case HOST_IOMMU_HWPT_ALLOC:
        return answer_id(argument, sizeof(struct host_iommu_hwpt_alloc),
                         offsetof(struct host_iommu_hwpt_alloc, out_hwpt_id), 79, kernel->hwpt);
    case HOST_IOMMU_VIOMMU_ALLOC:
        return answer_id(argument, sizeof(struct host_iommu_viommu_alloc),
                         offsetof(struct host_iommu_viommu_alloc, out_viommu_id), 80,
                         kernel->viommu);
    case HOST_IOMMU_IOAS_IOVA_RANGES:
        return answer_ranges(kernel, argument);
    case HOST_IOMMU_DESTROY:
        return 0;
    default:
        return ENOTTY;
    }
}

static gboolean
on_ioctl(UMockdevIoctlBase *base, UMockdevIoctlClient *client, Machine *machine)
{
    UMockdevIoctlData *argument = umockdev_ioctl_client_get_arg(client);
    gulong request = umockdev_ioctl_client_get_request(client);
    int failed;

    (void)base;
    g_hash_table_add(machine->asked, GSIZE_TO_POINTER(request));
    failed = answer(&machine->kernel, request, argument);
    umockdev_ioctl_client_complete(client, failed ? -1 : 0, failed);
    return TRUE;
}

/* ---- the machine ---- */

static const char machine_devices[] =
    "P: /devices/platform/smmu/iommu/smmu3.0x0000000011000000\n"
    "E: SUBSYSTEM=iommu\n"
    "\n"
    "P: /devices/virtual/misc/iommu\n"
    "N: iommu\n"
    "E: DEVNAME=/dev/iommu\n"
    "E: SUBSYSTEM=misc\n"
    "A: dev=10:125\n"
    "\n"
    "P: /devices/pci0000:00/0000:01:00.0\n"
    "E: SUBSYSTEM=pci\n"
    "E: DRIVER=vfio-pci\n"
    "E: PCI_SLOT_NAME=" FUNCTION "\n"
    "A: vendor=0x8086\\n\n"
    "A: device=0x10d3\\n\n"
    "A: class=0x020000\\n\n"
    "A: numa_node=-1\\n\n"
    "L: iommu=../../platform/smmu/iommu/smmu3.0x0000000011000000\n"
    "L: iommu_group=../../../kernel/iommu_groups/7\n"
    "L: driver=../../../bus/pci/drivers/vfio-pci\n"
    "\n"
    "P: /devices/pci0000:00/0000:01:00.0/vfio-dev/vfio0\n"
    "N: vfio/devices/vfio0\n"
    "E: DEVNAME=/dev/vfio/devices/vfio0\n"
    "E: SUBSYSTEM=vfio-dev\n"
    "A: dev=511:0\n";

/* umockdev makes devices; the rest of sysfs are directories and files */
static void
put(const Machine *machine, const char *name, const char *text)
{
    g_autofree char *sys = umockdev_testbed_get_sys_dir(machine->bed);
    g_autofree char *path = g_build_filename(sys, name, NULL);
    g_autofree char *directory = g_path_get_dirname(path);

    g_assert_cmpint(g_mkdir_with_parents(directory, 0755), ==, 0);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static Machine *
machine_new(Kernel kernel)
{
    Machine *machine = g_new0(Machine, 1);
    g_autoptr(GError) error = NULL;

    machine->kernel = kernel;
    machine->loop = g_main_loop_new(NULL, FALSE);
    machine->asked = g_hash_table_new(NULL, NULL);
    machine->run = g_dir_make_tmp("viommu-run-XXXXXX", &error);
    g_assert_no_error(error);
    machine->bed = umockdev_testbed_new();
    umockdev_testbed_add_from_string(machine->bed, machine_devices, &error);
    g_assert_no_error(error);
    put(machine, "kernel/iommu_groups/7/type", "DMA\n");
    put(machine, "kernel/iommu_groups/7/reserved_regions",
        "0x0000000008000000 0x00000000080fffff msi\n");
    put(machine, "kernel/iommu_groups/7/devices/" FUNCTION, "");
    put(machine, "kernel/irq/40/chip_name", "ITS-PCI-MSIX-0000:01:00.0\n");
    machine->handler = umockdev_ioctl_base_new();
    g_signal_connect(machine->handler, "handle-ioctl", G_CALLBACK(on_ioctl), machine);
    umockdev_testbed_attach_ioctl(machine->bed, "/dev/iommu", machine->handler, &error);
    g_assert_no_error(error);
    umockdev_testbed_attach_ioctl(machine->bed, "/dev/vfio/devices/vfio0", machine->handler,
                                  &error);
    g_assert_no_error(error);
    return machine;
}

static void
machine_free(Machine *machine)
{
    g_autofree char *kept = g_build_filename(machine->run, "probed.json", NULL);

    umockdev_testbed_detach_ioctl(machine->bed, "/dev/iommu", NULL);
    umockdev_testbed_detach_ioctl(machine->bed, "/dev/vfio/devices/vfio0", NULL);
    g_unlink(kept);
    g_rmdir(machine->run);
    g_object_unref(machine->handler);
    g_object_unref(machine->bed);
    g_hash_table_unref(machine->asked);
    g_main_loop_unref(machine->loop);
    g_free(machine->run);
    g_free(machine);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Machine, machine_free)

static void
on_exit_of_program(GPid pid, gint status, gpointer data)
{
    Machine *machine = data;

    machine->status = status;
    g_spawn_close_pid(pid);
    g_main_loop_quit(machine->loop);
}

static gboolean
on_timeout(gpointer data)
{
    (void)data;
    g_error("the program does not end");
    return G_SOURCE_REMOVE;
}

/* What "virt-viommu host @flags" writes on standard output; its exit code is 0. The kernel answers
 * meanwhile, in this process. */
static char *
run_host(Machine *machine, const char *flag1, const char *flag2)
{
    const char *argv[] = {g_getenv("VIOMMU_TEST_PROGRAM"), "host", flag1, flag2, NULL};
    g_auto(GStrv) environment =
               g_environ_setenv(g_get_environ(), "VIRT_VIOMMU_RUNDIR", machine->run, TRUE);
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    char *text = NULL;
    int out = g_file_open_tmp("viommu-out-XXXXXX", &path, &error);
    guint timeout = g_timeout_add_seconds(TIMEOUT, on_timeout, NULL);
    GPid pid = 0;

    g_assert_no_error(error);
    g_spawn_async_with_fds(NULL, (char **)argv, environment, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
                           &pid, -1, out, -1, &error);
    g_assert_no_error(error);
    g_child_watch_add(pid, on_exit_of_program, machine);
    g_main_loop_run(machine->loop);
    g_source_remove(timeout);
    close(out);
    g_assert_cmpint(machine->status, ==, 0);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_unlink(path);
    return text;
}

static BaseJson *
probe(Machine *machine)
{
    g_autofree char *text = run_host(machine, "--probe", "--json");
    g_autoptr(GError) error = NULL;
    BaseJson *document = base_json_parse(text, strlen(text), "host", &error);

    g_assert_no_error(error);
    return document;
}

static BaseJson *
first(BaseJson *document, const char *list)
{
    BaseJson *array = json_object_object_get(document, list);

    if (!json_object_is_type(array, json_type_array))
        g_error("no %s in %s", list, json_object_to_json_string(document));
    g_assert_cmpuint(json_object_array_length(array), ==, 1);
    return json_object_array_get_idx(array, 0);
}

static const char *
text_of(BaseJson *object, const char *key)
{
    return json_object_get_string(json_object_object_get(object, key));
}

static void
assert_tri(BaseJson *object, const char *key, BaseTri wanted)
{
    BaseJson *value = json_object_object_get(object, key);

    g_test_message("%s", key);
    if (wanted == BASE_UNKNOWN)
        g_assert_null(value);
    else
        g_assert_cmpint(json_object_get_boolean(value), ==, wanted == BASE_YES);
}

/* ---- tests ---- */

/* The functions that libudev finds on the same machine, with a property and an attribute of each */
static void
assert_udev_agrees(BaseJson *functions)
{
    struct udev *udev = udev_new();
    struct udev_enumerate *list = udev_enumerate_new(udev);
    struct udev_list_entry *entry;
    guint count = 0;

    udev_enumerate_add_match_subsystem(list, "pci");
    g_assert_cmpint(udev_enumerate_scan_devices(list), ==, 0);
    udev_list_entry_foreach(entry, udev_enumerate_get_list_entry(list))
    {
        struct udev_device *device =
            udev_device_new_from_syspath(udev, udev_list_entry_get_name(entry));
        BaseJson *ours = json_object_array_get_idx(functions, count++);

        g_assert_nonnull(device);
        g_assert_cmpstr(udev_device_get_sysname(device), ==, text_of(ours, "address"));
        g_assert_cmpstr(udev_device_get_driver(device), ==, text_of(ours, "driver"));
        g_assert_cmpstr(udev_device_get_sysattr_value(device, "vendor"), ==,
                        text_of(ours, "vendor"));
        g_assert_cmpstr(udev_device_get_property_value(device, "PCI_SLOT_NAME"), ==,
                        text_of(ours, "address"));
        udev_device_unref(device);
    }
    g_assert_cmpuint(count, ==, json_object_array_length(functions));
    udev_enumerate_unref(list);
    udev_unref(udev);
}

/* The live reader sees the machine: through the root directory, without --sysroot */
static void
test_live(void)
{
    g_autoptr(Machine) machine = machine_new((Kernel){0});
    g_autofree char *text = run_host(machine, "--json", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(BaseJson) document = base_json_parse(text, strlen(text), "host", &error);
    BaseJson *device = first(document, "devices");

    g_assert_no_error(error);
    g_assert_cmpstr(text_of(device, "address"), ==, FUNCTION);
    g_assert_cmpstr(text_of(device, "driver"), ==, "vfio-pci");
    g_assert_cmpstr(text_of(device, "vfio_dev"), ==, "vfio0");
    g_assert_cmpstr(text_of(device, "iommu"), ==, "smmu3.0x0000000011000000");
    g_assert_cmpint(json_object_get_int(json_object_object_get(device, "group")), ==, 7);
    assert_tri(json_object_object_get(document, "vfio"), "iommufd", BASE_YES);
    assert_tri(json_object_object_get(document, "vfio"), "isolated_msi", BASE_YES);
    g_assert_null(json_object_object_get(first(document, "iommus"), "idr"));
    g_assert_cmpuint(g_hash_table_size(machine->asked), ==, 0); /* and asks nothing */
    assert_udev_agrees(json_object_object_get(document, "devices"));
}

static void
test_probe(void)
{
    g_autoptr(Machine) machine = machine_new((Kernel){0});
    g_autoptr(BaseJson) document = probe(machine);
    g_autofree char *later = NULL;
    BaseJson *unit = first(document, "iommus");
    BaseJson *idr = json_object_object_get(unit, "idr");

    g_assert_cmpuint(json_object_array_length(idr), ==, 6);
    g_assert_cmpstr(json_object_get_string(json_object_array_get_idx(idr, 5)), ==, "0x5");
    g_assert_cmpstr(text_of(unit, "aidr"), ==, "0x8");
    assert_tri(unit, "nest_parent", BASE_YES);
    assert_tri(unit, "viommu_alloc", BASE_YES);
    g_assert_cmpint(json_object_get_int(json_object_object_get(unit, "aperture_bits")), ==, 48);
    g_assert_cmpint(json_object_get_int(
                        json_object_object_get(json_object_object_get(unit, "cmdqv"), "log2vsids")),
                    ==, 4);
    g_assert_cmpint(
        json_object_get_int(json_object_object_get(first(document, "devices"), "max_pasid_log2")),
        ==, 20);
    g_assert_cmpuint(g_hash_table_size(machine->asked), ==, 8);
    g_hash_table_remove_all(machine->asked);
    later = run_host(machine, "--json", NULL); /* what was learnt is kept, nothing is asked again */
    g_assert_nonnull(strstr(later, "\"nest_parent\": true"));
    g_assert_cmpuint(g_hash_table_size(machine->asked), ==, 0);
}

/* Errors that end the questions: the facts stay as they were, with the reason. */
static void
test_refusals(void)
{
    static const struct {
        Kernel kernel;
        const char *reason;
    } cases[] = {
        {{.bind = EBUSY}, "bind to iommufd: its group is open"},
        {{.bind = EPERM}, "bind to iommufd: a group member is in use"},
        {{.bind = ENOTTY}, "bind to iommufd: this kernel's vfio has no iommufd support"},
        {{.hw_info = EOPNOTSUPP}, "ask for IOMMU_GET_HW_INFO: Operation not supported"},
        {{.hw_info = ENOTTY}, "ask for IOMMU_GET_HW_INFO: Inappropriate ioctl"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Machine) machine = machine_new(cases[i].kernel);
        g_autoptr(BaseJson) document = probe(machine);
        const char *reason = text_of(json_object_object_get(document, "unknown"),
                                     "devices/" FUNCTION "/max_pasid_log2");

        g_test_message("%s: %s", cases[i].reason, reason);
        g_assert_nonnull(reason);
        g_assert_nonnull(strstr(reason, cases[i].reason));
        g_assert_null(json_object_object_get(first(document, "iommus"), "idr"));
        assert_tri(first(document, "iommus"), "nest_parent", BASE_UNKNOWN);
    }
}

/* What a probe asks of an IOMMU is known, or this one fact (and what hangs on it) says why not. */
static void
assert_only_reason(BaseJson *document, const char *wanted, const char *reason)
{
    static const char *const facts[] = {"idr", "nest_parent", "viommu_alloc", "cmdqv",
                                        "aperture_bits"};
    BaseJson *unknown = json_object_object_get(document, "unknown");
    gboolean found = FALSE;

    for (guint i = 0; i < G_N_ELEMENTS(facts); i++) {
        g_autofree char *path = g_strdup_printf("iommus/smmu3.0x0000000011000000/%s", facts[i]);
        const char *text = text_of(unknown, path);

        g_test_message("%s: %s", path, text ? text : "-");
        if (!wanted)
            g_assert_null(text);
        else if (g_str_equal(wanted, facts[i]))
            found = text && strstr(text, reason);
    }
    g_assert_true(found || !wanted);
}

/* Errors on one question: known not to be, or not known, and the other answers stand. */
static void
test_faults(void)
{
    static const struct {
        Kernel kernel;
        BaseTri nest_parent, viommu_alloc;
        gboolean registers, width;
        const char *fact, *reason; /* of the IOMMU; NULL: all are known */
    } cases[] = {
        {{0}, BASE_YES, BASE_YES, TRUE, TRUE, NULL, NULL},
        {{.hwpt = EOPNOTSUPP}, BASE_NO, BASE_UNKNOWN, TRUE, TRUE, NULL, NULL},
        {{.hwpt = EBUSY}, BASE_UNKNOWN, BASE_UNKNOWN, TRUE, TRUE, "nest_parent", "busy"},
        {{.viommu = EOPNOTSUPP}, BASE_YES, BASE_NO, TRUE, TRUE, NULL, NULL},
        {{.viommu = ENOTTY}, BASE_YES, BASE_NO, TRUE, TRUE, NULL, NULL},
        {{.viommu = EPERM}, BASE_YES, BASE_UNKNOWN, TRUE, TRUE, "viommu_alloc", "not permitted"},
        {{.ranges = EMSGSIZE}, BASE_YES, BASE_YES, TRUE, FALSE, "aperture_bits", "too long"},
        {{.attach = EBUSY}, BASE_YES, BASE_YES, TRUE, FALSE, "aperture_bits", "busy"},
        {{.ioas = EPERM}, BASE_UNKNOWN, BASE_UNKNOWN, TRUE, FALSE, "nest_parent", "not permitted"},
        {{.cmdqv = EOPNOTSUPP}, BASE_YES, BASE_YES, TRUE, TRUE, NULL, NULL},
        {{.cmdqv = EPERM}, BASE_YES, BASE_YES, TRUE, TRUE, "cmdqv", "not permitted"},
        /* structs shorter than documented */
        {{.cut = 4}, BASE_YES, BASE_UNKNOWN, FALSE, TRUE, "idr", "36 bytes of type 2"},
        {{.cut_queue = 4}, BASE_YES, BASE_YES, TRUE, TRUE, "cmdqv", "not what Linux documents"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Machine) machine = machine_new(cases[i].kernel);
        g_autoptr(BaseJson) document = probe(machine);
        BaseJson *unit = first(document, "iommus");

        g_test_message("case %u", i);
        assert_tri(unit, "nest_parent", cases[i].nest_parent);
        assert_tri(unit, "viommu_alloc", cases[i].viommu_alloc);
        g_assert_cmpint(json_object_object_get(unit, "idr") != NULL, ==, cases[i].registers);
        g_assert_cmpint(json_object_object_get(unit, "aperture_bits") != NULL, ==, cases[i].width);
        assert_only_reason(document, cases[i].fact, cases[i].reason);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/umockdev/live", test_live);
    g_test_add_func("/umockdev/probe", test_probe);
    g_test_add_func("/umockdev/refusals", test_refusals);
    g_test_add_func("/umockdev/faults", test_faults);
    return g_test_run();
}
