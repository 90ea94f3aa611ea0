/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The probe against a scripted kernel: this program's own ioctl() takes the place of the C
 * library's, so that each errno can be had on demand. What a real kernel answers is for the lab.
 */
#include "host-iommufd.h"
#include "host-probe.h"
#include "host-read.h"
#include "host-uapi.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the scripted kernel says; the one mutable object of this test. */
static struct {
    int bind, hw_info, cmdqv, ioas, nest_parent, dirty, viommu, attach,
        ranges; /* errno, 0: works */
    guint type, length, destroyed, capabilities;
    guint64 top;
} kernel;

static int
answer(int number)
{
    errno = number;
    return number ? -1 : 0;
}

static int
hw_info(struct host_iommu_hw_info *info)
{
    if (info->flags & HOST_HW_INFO_INPUT_TYPE) {
        struct host_hw_info_cmdqv cmdqv = {.version = 1, .log2vcmdqs = 1, .log2vsids = 4};

        memcpy((void *)(guintptr)info->data_uptr, &cmdqv, sizeof cmdqv);
        info->data_len = sizeof cmdqv;
        return answer(kernel.cmdqv);
    }
    if (kernel.type == HOST_HW_INFO_SMMUV3) {
        struct host_hw_info_smmuv3 smmu = {.idr = {1, 2, 3, 4, 5, 6}, .iidr = 7, .aidr = 8};

        memcpy((void *)(guintptr)info->data_uptr, &smmu, sizeof smmu);
    } else if (kernel.type == HOST_HW_INFO_VTD) {
        struct host_hw_info_vtd vtd = {.flags = 1, .cap_reg = 0x11, .ecap_reg = 0x22};

        memcpy((void *)(guintptr)info->data_uptr, &vtd, sizeof vtd);
    } else if (kernel.type == HOST_HW_INFO_AMD) {
        struct host_hw_info_amd amd = {.efr = 0x33, .efr2 = 0x44};

        memcpy((void *)(guintptr)info->data_uptr, &amd, sizeof amd);
    }
    info->data_type = kernel.type;
    info->data_len = kernel.length;
    info->out_max_pasid_log2 = 20;
    info->out_capabilities = kernel.capabilities;
    return answer(kernel.hw_info);
}

static int
hwpt_alloc(struct host_iommu_hwpt_alloc *alloc)
{
    alloc->out_hwpt_id = 40;
    if (alloc->flags & HOST_HWPT_NEST_PARENT)
        return answer(kernel.nest_parent);
    return answer(kernel.dirty);
}

static int
iova_ranges(struct host_iommu_ioas_iova_ranges *ask)
{
    struct host_iommu_iova_range *ranges = (void *)(guintptr)ask->allowed_iovas;

    ranges[0] = (struct host_iommu_iova_range){0, 0xfedfffff};
    ranges[1] = (struct host_iommu_iova_range){0xfef00000, kernel.top};
    ask->num_iovas = 2;
    return answer(kernel.ranges);
}

int
ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    void *argument;

    (void)fd;
    va_start(args, request);
    argument = va_arg(args, void *);
    va_end(args);
    switch (request) {
    case HOST_VFIO_BIND_IOMMUFD:
        return answer(kernel.bind);
    case HOST_VFIO_ATTACH_PT:
        return answer(kernel.attach);
    case HOST_IOMMU_GET_HW_INFO:
        return hw_info(argument);
    case HOST_IOMMU_IOAS_ALLOC:
        return answer(kernel.ioas);
    case HOST_IOMMU_HWPT_ALLOC:
        return hwpt_alloc(argument);
    case HOST_IOMMU_VIOMMU_ALLOC:
        return answer(kernel.viommu);
    case HOST_IOMMU_IOAS_IOVA_RANGES:
        return iova_ranges(argument);
    case HOST_IOMMU_DESTROY:
        kernel.destroyed++;
        return 0;
    default:
        return answer(ENOTTY);
    }
}

/* An SMMUv3 that can do everything. */
static void
reset_kernel(void)
{
    memset(&kernel, 0, sizeof kernel);
    kernel.type = HOST_HW_INFO_SMMUV3;
    kernel.length = sizeof(struct host_hw_info_smmuv3);
    kernel.top = 0xffffffffffff;
}

static HostIommufdAnswer
query(void)
{
    HostIommufdAnswer ret = {0};
    g_autoptr(GError) error = NULL;

    g_assert_true(host_iommufd_query("/dev/null", "/dev/null", &ret, &error));
    g_assert_no_error(error);
    return ret;
}

static void
test_smmu(void)
{
    HostIommufdAnswer ret;

    reset_kernel();
    ret = query();
    g_assert_cmpuint(ret.idr[5], ==, 6);
    g_assert_cmpuint(ret.aidr, ==, 8);
    g_assert_cmpuint(ret.max_pasid_log2, ==, 20);
    g_assert_cmpint(ret.nest_parent, ==, BASE_YES);
    g_assert_cmpint(ret.viommu_alloc, ==, BASE_YES);
    g_assert_cmpint(ret.cmdqv, ==, BASE_STATE_KNOWN);
    g_assert_cmpuint(ret.cmdqv_log2vsids, ==, 4);
    g_assert_cmpuint(ret.aperture_bits.value, ==, 48);
    g_assert_cmpuint(kernel.destroyed, ==, 3);
}

static void
test_cannot(void)
{
    HostIommufdAnswer ret;

    reset_kernel();
    kernel.nest_parent = kernel.dirty = kernel.cmdqv = EOPNOTSUPP;
    ret = query();
    g_assert_cmpint(ret.nest_parent, ==, BASE_NO);
    g_assert_cmpint(ret.dirty_tracking, ==, BASE_NO);
    g_assert_cmpint(ret.viommu_alloc, ==, BASE_UNKNOWN); /* was not asked */
    g_assert_cmpint(ret.cmdqv, ==, BASE_STATE_ABSENT);
    reset_kernel();
    kernel.viommu = EOPNOTSUPP; /* neither S2FWB nor CANWBS */
    g_assert_cmpint(query().viommu_alloc, ==, BASE_NO);
    reset_kernel();
    kernel.nest_parent = kernel.dirty = ENOMEM; /* says nothing about the hardware */
    ret = query();
    g_assert_cmpint(ret.nest_parent, ==, BASE_UNKNOWN);
    g_assert_cmpint(ret.dirty_tracking, ==, BASE_UNKNOWN);
}

static void
test_silence(void)
{
    HostIommufdAnswer ret;

    reset_kernel();
    kernel.cmdqv = EINVAL; /* a kernel that does not know the question */
    kernel.ranges = EMSGSIZE;
    ret = query();
    g_assert_cmpint(ret.cmdqv, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpint(ret.aperture_bits.state, ==, BASE_STATE_UNKNOWN);
    reset_kernel();
    kernel.ioas = ENOMEM;
    ret = query();
    g_assert_cmpint(ret.nest_parent, ==, BASE_UNKNOWN);
    reset_kernel();
    kernel.length = sizeof(struct host_hw_info_smmuv3) - 4; /* a struct shorter than documented */
    g_assert_cmpuint(query().type, ==, HOST_HW_INFO_NONE);
    reset_kernel();
    kernel.type = 77; /* a kind from the future */
    g_assert_cmpuint(query().type, ==, HOST_HW_INFO_NONE);
    reset_kernel();
    kernel.type = HOST_HW_INFO_VTD;
    kernel.length = 4096; /* the kernel knows more than we asked for */
    ret = query();
    g_assert_cmpuint(ret.ecap, ==, 0x22);
    g_assert_cmpint(ret.viommu_alloc, ==, BASE_UNKNOWN);
}

static void
test_refusals(void)
{
    static const struct {
        int bind, hw_info;
        const char *message;
    } cases[] = {{EBUSY, 0, "open through /dev/vfio/GROUP"},
                 {EPERM, 0, "interrupts are not isolated"},
                 {EINVAL, 0, "direct (RMRR) region"},
                 {ENOTTY, 0, "no iommufd support"},
                 {EACCES, 0, "VF token"},
                 {0, EOPNOTSUPP, "IOMMU_GET_HW_INFO"}};
    HostIommufdAnswer ret = {.type = 99};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        reset_kernel();
        kernel.bind = cases[i].bind;
        kernel.hw_info = cases[i].hw_info;
        g_assert_false(host_iommufd_query("/dev/null", "/dev/null", &ret, &error));
        g_assert_nonnull(strstr(error->message, cases[i].message));
        g_assert_cmpuint(ret.type, ==, 99); /* untouched on failure */
    }
    g_assert_false(host_iommufd_query("/nonexistent/iommu", "/dev/null", &ret, NULL));
    g_assert_false(host_iommufd_query("/dev/null", "/nonexistent/vfio0", &ret, NULL));
}

/* A host of one unit with a group of two functions on vfio-pci, read from @root. */
static ViommuHost *
make_host(const char *root)
{
    ViommuHost *host = host_facts_new();
    HostGroup *group;

    host->origin = g_strdup(root);
    host->sysroot = g_strdup(root);
    host->iommufd = BASE_YES;
    host->iommus_state = host->groups_state = host->devices_state = BASE_STATE_KNOWN;
    host_facts_add_iommu(host, "smmu0")->type = HOST_IOMMU_SMMUV3;
    group = host_facts_add_group(host, 3);
    group->devices_state = BASE_STATE_KNOWN;
    for (guint8 function = 0; function < 2; function++) {
        BasePci address = {0, 1, 0, function};
        HostDevice *device = host_facts_add_device(host, address);

        g_array_append_val(group->devices, address);
        device->group = base_u64(3);
        device->iommu = (BaseText){BASE_STATE_KNOWN, g_strdup("smmu0")};
        device->driver = (BaseText){BASE_STATE_KNOWN, g_strdup("vfio-pci")};
        device->vfio_dev = (BaseText){BASE_STATE_KNOWN, g_strdup_printf("vfio%u", (guint)function)};
    }
    host_facts_sort(host);
    return host;
}

static void
set_text(BaseText *text, const char *value)
{
    g_free(text->text);
    *text = (BaseText){value ? BASE_STATE_KNOWN : BASE_STATE_ABSENT, g_strdup(value)};
}

static void
assert_obstacle(const ViommuHost *host, const char *message)
{
    g_autofree char *obstacle = host_probe_obstacle(host, host->devices->pdata[0]);

    if (message)
        g_assert_nonnull(strstr(obstacle ? obstacle : "(none)", message));
    else
        g_assert_cmpstr(obstacle, ==, NULL);
}

static void
test_candidates(void)
{
    g_autofree char *root = g_dir_make_tmp("viommu-XXXXXX", NULL);
    g_autofree char *fds = g_build_filename(root, "proc/123/fd", NULL);
    g_autofree char *fd = g_build_filename(fds, "7", NULL);
    g_autoptr(ViommuHost) host = make_host(root);
    HostDevice *first = host->devices->pdata[0], *second = host->devices->pdata[1];
    g_autoptr(GPtrArray) candidates = host_probe_candidates(host);

    g_assert_cmpuint(candidates->len, ==, 2);
    set_text(&second->driver, "e1000e");
    assert_obstacle(host, "0000:01:00.1 of its group is on driver e1000e");
    set_text(&second->driver, NULL);
    assert_obstacle(host, NULL);
    second->driver.state = BASE_STATE_UNKNOWN;
    assert_obstacle(host, "driver of 0000:01:00.1 is not known");
    set_text(&second->driver, "vfio-pci");
    set_text(&first->driver, "nvidia");
    assert_obstacle(host, "on its host driver");
    set_text(&first->driver, "nvgrace-gpu-vfio-pci");
    g_assert_cmpint(g_mkdir_with_parents(fds, 0700), ==, 0);
    g_assert_cmpint(symlink("/dev/vfio/devices/vfio1", fd), ==, 0);
    assert_obstacle(host, "0000:01:00.1 is in use");
    g_unlink(fd);
    g_assert_cmpint(symlink("/dev/vfio/3", fd), ==, 0);
    assert_obstacle(host, "its group is in use");
    g_unlink(fd);
    assert_obstacle(host, NULL);
    g_assert_false(host_probe(host, (const char *const[]){NULL}, NULL)); /* not the running host */
    g_clear_pointer(&host->sysroot, g_free);                             /* as read from a file */
    g_clear_pointer(&candidates, g_ptr_array_unref);
    candidates = host_probe_candidates(host);
    g_assert_cmpuint(candidates->len, ==, 0);
}

static void
assert_need(const ViommuHost *host, const char *need)
{
    g_auto(GStrv) needs = host_probe_needs(host);

    g_assert_cmpuint(g_strv_length(needs), ==, need ? 1 : 0);
    if (need && *needs)
        g_assert_nonnull(strstr(*needs, need));
}

static void
test_needs(void)
{
    g_autofree char *root = g_dir_make_tmp("viommu-XXXXXX", NULL);
    g_autofree char *fds = g_build_filename(root, "proc/123/fd", NULL);
    g_autofree char *fd = g_build_filename(fds, "7", NULL);
    g_autoptr(ViommuHost) host = make_host(root);
    HostDevice *first = host->devices->pdata[0], *second = host->devices->pdata[1];

    assert_need(host, NULL); /* idle */
    g_assert_cmpint(g_mkdir_with_parents(fds, 0700), ==, 0);
    g_assert_cmpint(symlink("/dev/vfio/3", fd), ==, 0);
    assert_need(host, "smmu0 has no idle function: of 0000:01:00.0, its group is in use");
    g_unlink(fd);
    set_text(&second->driver, "e1000e"); /* the nearest is the one on vfio-pci, then the unbound */
    assert_need(host, "of 0000:01:00.0, 0000:01:00.1 of its group is on driver e1000e");
    set_text(&first->driver, NULL);
    set_text(&first->parent, "0000:00:01.0");
    first->class = base_u64(0x020000);
    assert_need(host, "bind 0000:01:00.0 to vfio-pci");
    first->class = base_u64(0x050000); /* what firmware keeps for itself is proposed to nobody */
    assert_need(host, "one of its 2 that the host can spare");
    first->class = base_u64(0x020000);
    set_text(&first->parent, NULL); /* nor what may be the chipset's */
    assert_need(host, "one of its 2 that the host can spare");
    set_text(&first->driver, "nvme"); /* of what the host uses none is proposed */
    assert_need(host, "one of its 2 that the host can spare");
    second->class = base_u64(0x060000); /* a host bridge */
    assert_need(host, "if the host can spare its only one");
    first->class = base_u64(0x060400);
    assert_need(host, NULL); /* bridges alone: there is nothing to ask */
    first->class = base_u64(0x020000);
    g_clear_pointer(&host->sysroot, g_free);
    assert_need(host, NULL); /* as read from a file */
}

static void
test_merge_and_keep(void)
{
    g_autofree char *root = g_dir_make_tmp("viommu-XXXXXX", NULL);
    g_autofree char *random = g_build_filename(root, "proc/sys/kernel/random", NULL);
    g_autofree char *boot = g_build_filename(random, "boot_id", NULL);
    g_autofree char *run = g_build_filename(root, "run/virt-viommu", NULL);
    g_autofree char *kept = g_build_filename(run, "probed.json", NULL);
    g_autoptr(ViommuHost) host = make_host(root), later = make_host(root), rebooted = NULL;
    g_autoptr(GError) error = NULL;
    HostIommufdAnswer good, bad;
    const HostIommu *unit;

    reset_kernel();
    kernel.capabilities = HOST_HW_CAP_DIRTY_TRACKING | HOST_HW_CAP_ATS_NOT_SUPPORTED;
    good = bad = query();
    bad.nest_parent = BASE_NO; /* another function of the unit could not */
    bad.type = HOST_HW_INFO_NONE;
    bad.max_pasid_log2 = 0;
    host_probe_merge(host, host->devices->pdata[0], &good);
    host_probe_merge(host, host->devices->pdata[1], &bad);
    unit = host_facts_iommu(host, "smmu0");
    g_assert_cmpuint(unit->idr[0].value, ==, 1);
    g_assert_cmpint(unit->nest_parent, ==, BASE_YES);
    g_assert_cmpuint(((HostDevice *)host->devices->pdata[0])->max_pasid_log2.value, ==, 20);
    g_assert_cmphex(((HostDevice *)host->devices->pdata[0])->hw_capabilities.value, ==, 9);
    /* told by the device, not by the registers' driver */
    g_assert_cmpint(((HostDevice *)host->devices->pdata[1])->max_pasid_log2.state, ==,
                    BASE_STATE_KNOWN);
    g_assert_cmpuint(((HostDevice *)host->devices->pdata[1])->max_pasid_log2.value, ==, 0);

    g_assert_false(host_probe_save(host, run, NULL)); /* no boot id */
    g_assert_cmpint(g_mkdir_with_parents(random, 0700), ==, 0);
    g_assert_true(g_file_set_contents(boot, "aaaa-1\n", -1, NULL));
    g_assert_true(host_probe_save(host, run, &error));
    g_assert_no_error(error);
    g_assert_true(host_probe_overlay(later, run, &error));
    g_assert_no_error(error);
    unit = host_facts_iommu(later, "smmu0");
    g_assert_cmpuint(unit->idr[5].value, ==, 6);
    g_assert_cmpint(unit->viommu_alloc, ==, BASE_YES);
    g_assert_cmpint(unit->dirty_tracking, ==, BASE_YES);
    g_assert_cmphex(((HostDevice *)later->devices->pdata[0])->hw_capabilities.value, ==, 9);
    g_assert_cmpuint(unit->cmdqv_log2vsids, ==, 4);
    g_assert_cmpuint(((HostDevice *)later->devices->pdata[0])->max_pasid_log2.value, ==, 20);

    g_assert_true(g_file_set_contents(boot, "bbbb-2\n", -1, NULL));
    rebooted = make_host(root);
    g_assert_true(host_probe_overlay(rebooted, run, NULL));
    unit = host_facts_iommu(rebooted, "smmu0");
    g_assert_cmpint(unit->idr[5].state, ==, BASE_STATE_UNKNOWN);
    g_assert_true(g_file_set_contents(kept, "{\"host\": 1, \"boot_id\": 5}", -1, NULL));
    g_assert_false(host_probe_overlay(rebooted, run, &error));
    g_assert_nonnull(strstr(error->message, "/boot_id"));
}

static void
assert_reason(const ViommuHost *host, const char *fact, const char *wanted)
{
    g_autofree char *path = g_strdup_printf("iommus/smmu0/%s", fact);
    const char *reason = g_hash_table_lookup(host->reasons, path);

    g_test_message("%s: %s", path, reason ? reason : "-");
    if (wanted)
        g_assert_nonnull(strstr(reason ? reason : "", wanted));
    else
        g_assert_null(reason);
}

/* Each question that stays open says why, until another function of the unit answers it. */
static void
test_reasons(void)
{
    g_autofree char *root = g_dir_make_tmp("viommu-XXXXXX", NULL);
    g_autoptr(ViommuHost) host = make_host(root);
    HostIommufdAnswer silent;
    HostIommufdAnswer full;

    host_facts_explain(host, "iommus/smmu0/idr", "takes a probe");
    reset_kernel();
    full = query();
    kernel.type = HOST_HW_INFO_NONE;
    kernel.length = 0;
    kernel.nest_parent = ENOMEM;
    kernel.cmdqv = EINVAL;
    kernel.attach = EBUSY;
    silent = query();
    host_probe_merge(host, host->devices->pdata[0], &silent);
    assert_reason(host, "idr", "CONFIG_ARM_SMMU_V3_IOMMUFD");
    assert_reason(host, "nest_parent", "IOMMU_HWPT_ALLOC: Cannot allocate memory");
    assert_reason(host, "cmdqv", "IOMMU_GET_HW_INFO: Invalid argument");
    assert_reason(host, "aperture_bits", "Device or resource busy");
    assert_reason(host, "dirty_tracking", NULL);
    host_probe_merge(host, host->devices->pdata[1], &full);
    assert_reason(host, "idr", NULL);
    assert_reason(host, "nest_parent", NULL);
    assert_reason(host, "cmdqv", NULL);
    assert_reason(host, "aperture_bits", NULL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/host-probe/smmu", test_smmu);
    g_test_add_func("/host-probe/no", test_cannot);
    g_test_add_func("/host-probe/silence", test_silence);
    g_test_add_func("/host-probe/refusals", test_refusals);
    g_test_add_func("/host-probe/candidates", test_candidates);
    g_test_add_func("/host-probe/needs", test_needs);
    g_test_add_func("/host-probe/reasons", test_reasons);
    g_test_add_func("/host-probe/merge-and-keep", test_merge_and_keep);
    return g_test_run();
}
