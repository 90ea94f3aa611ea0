/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-probe.h"

#include "base-file.h"
#include "host-read.h"
#include "host-uapi.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* (transfer full): @path below the root that the facts came from */
static char *
below_root(const ViommuHost *host, const char *path)
{
    return g_build_filename(host->sysroot, path, NULL);
}

static gboolean
is_vfio(const HostDevice *device)
{
    return device->driver.text && strstr(device->driver.text, "vfio") != NULL;
}

static gboolean
is_bridge(const HostDevice *device)
{
    return base_u64_is_known(device->class) && device->class.value >> 16 == 0x06;
}

/* Whether some process has @path open: libvirt holds a function's node between opening it and
 * handing it to QEMU, when the kernel does not call it busy yet. */
static gboolean
is_held(const char *proc, const char *path)
{
    g_autoptr(GDir) processes = g_dir_open(proc, 0, NULL);
    const char *name;

    while (processes && (name = g_dir_read_name(processes))) {
        g_autofree char *fds = g_build_filename(proc, name, "fd", NULL);
        g_autoptr(GDir) dir = g_ascii_isdigit(*name) ? g_dir_open(fds, 0, NULL) : NULL;
        const char *fd;

        while (dir && (fd = g_dir_read_name(dir))) {
            g_autofree char *link = g_build_filename(fds, fd, NULL);
            g_autofree char *target = g_file_read_link(link, NULL);

            if (g_strcmp0(target, path) == 0)
                return TRUE;
        }
    }
    return FALSE;
}

/* (transfer full) (nullable) */
static char *
member_obstacle(const ViommuHost *host, const HostDevice *member)
{
    g_autofree char *proc = below_root(host, "proc");
    g_autofree char *name = base_pci_format(member->address);
    g_autofree char *node = NULL;

    if (member->driver.state == BASE_STATE_UNKNOWN)
        return g_strdup_printf("the driver of %s is not known", name);
    if (member->driver.text && !is_vfio(member) && !is_bridge(member))
        return g_strdup_printf("%s of its group is on driver %s", name, member->driver.text);
    if (!member->vfio_dev.text)
        return NULL;
    node = g_strdup_printf("/dev/vfio/devices/%s", member->vfio_dev.text);
    if (is_held(proc, node))
        return g_strdup_printf("%s is in use", name);
    return NULL;
}

char *
host_probe_obstacle(const ViommuHost *host, const HostDevice *device)
{
    g_autofree char *proc = below_root(host, "proc");
    g_autofree char *group_node = NULL;
    const HostGroup *group = NULL;

    if (!is_vfio(device))
        return g_strdup(device->driver.text ? "it is on its host driver" : "it is not on vfio-pci");
    if (!device->vfio_dev.text)
        return g_strdup("it has no VFIO character device");
    if (base_u64_is_known(device->group))
        group = host_facts_group(host, (guint)device->group.value);
    if (!group || group->devices_state != BASE_STATE_KNOWN)
        return g_strdup("its IOMMU group is not known");
    group_node = g_strdup_printf("/dev/vfio/%u", group->id);
    if (is_held(proc, group_node))
        return g_strdup("its group is in use");
    for (guint i = 0; i < group->devices->len; i++) {
        const HostDevice *member =
            host_facts_device(host, g_array_index(group->devices, BasePci, i));
        char *obstacle = member ? member_obstacle(host, member) : NULL;

        if (obstacle)
            return obstacle;
    }
    return NULL;
}

GPtrArray *
host_probe_candidates(const ViommuHost *host)
{
    GPtrArray *candidates = g_ptr_array_new();

    /* a saved document shows neither who holds a node nor what happened since */
    for (guint i = 0; host->sysroot && i < host->devices->len; i++) {
        const HostDevice *device = host->devices->pdata[i];
        g_autofree char *obstacle = host_probe_obstacle(host, device);

        if (!obstacle)
            g_ptr_array_add(candidates, (gpointer)device);
    }
    return candidates;
}

static HostIommu *
find_iommu(const ViommuHost *host, const char *name)
{
    return name ? (HostIommu *)host_facts_iommu(host, name) : NULL;
}

/* Registers of one unit are the same for all its functions; page table trials can fail for one
 * function and work for the next, so a success stays. */
static void
merge_tri(BaseTri *known, BaseTri answer)
{
    if (answer != BASE_UNKNOWN && *known != BASE_YES)
        *known = answer;
}

static void
merge_iommu(HostIommu *unit, const HostIommufdAnswer *answer)
{
    if (answer->type == HOST_HW_INFO_VTD) {
        unit->cap = base_u64(answer->cap);
        unit->ecap = base_u64(answer->ecap);
    } else if (answer->type == HOST_HW_INFO_AMD) {
        unit->efr = base_u64(answer->efr);
        unit->efr2 = base_u64(answer->efr2);
    } else if (answer->type == HOST_HW_INFO_SMMUV3) {
        for (gsize i = 0; i < G_N_ELEMENTS(unit->idr); i++)
            unit->idr[i] = base_u64(answer->idr[i]);
        unit->iidr = base_u64(answer->iidr);
        unit->aidr = base_u64(answer->aidr);
    }
    merge_tri(&unit->nest_parent, answer->nest_parent);
    merge_tri(&unit->dirty_tracking, answer->dirty_tracking);
    merge_tri(&unit->viommu_alloc, answer->viommu_alloc);
    if (base_u64_is_known(answer->aperture_bits))
        unit->aperture_bits = answer->aperture_bits;
    if (answer->cmdqv != BASE_STATE_UNKNOWN) {
        unit->cmdqv = answer->cmdqv;
        unit->cmdqv_version = answer->cmdqv_version;
        unit->cmdqv_log2vcmdqs = answer->cmdqv_log2vcmdqs;
        unit->cmdqv_log2vsids = answer->cmdqv_log2vsids;
    }
}

/* What each question is about, and whether some function of the unit has told by now */
static const struct {
    const char *fact, *call;
} questions[] = {
    [HOST_ASK_NEST_PARENT] = {"nest_parent", "IOMMU_HWPT_ALLOC"},
    [HOST_ASK_DIRTY_TRACKING] = {"dirty_tracking", "IOMMU_HWPT_ALLOC"},
    [HOST_ASK_VIOMMU] = {"viommu_alloc", "IOMMU_VIOMMU_ALLOC"},
    [HOST_ASK_CMDQV] = {"cmdqv", "IOMMU_GET_HW_INFO"},
    [HOST_ASK_APERTURE] = {"aperture_bits", "IOMMU_IOAS_IOVA_RANGES"},
};

static gboolean
is_known(const HostIommu *unit, HostQuestion question)
{
    switch (question) {
    case HOST_ASK_NEST_PARENT:
        return unit->nest_parent != BASE_UNKNOWN;
    case HOST_ASK_DIRTY_TRACKING:
        return unit->dirty_tracking != BASE_UNKNOWN;
    case HOST_ASK_VIOMMU:
        return unit->viommu_alloc != BASE_UNKNOWN;
    case HOST_ASK_CMDQV:
        return unit->cmdqv != BASE_STATE_UNKNOWN;
    case HOST_ASK_APERTURE:
        return base_u64_is_known(unit->aperture_bits);
    case HOST_QUESTIONS:
        break;
    }
    return TRUE;
}

static void
explain_questions(ViommuHost *host, const HostIommu *unit, const HostIommufdAnswer *answer)
{
    for (HostQuestion i = 0; i < HOST_QUESTIONS; i++) {
        g_autofree char *fact = g_strdup_printf("iommus/%s/%s", unit->name, questions[i].fact);

        if (is_known(unit, i))
            g_hash_table_remove(host->reasons, fact);
        else if (answer->failed[i] == EBADMSG)
            host_facts_explain(host, fact, "the probe failed: %s: not what Linux documents",
                               questions[i].call);
        else if (answer->failed[i])
            host_facts_explain(host, fact, "the probe failed: %s: %s", questions[i].call,
                               g_strerror(answer->failed[i]));
    }
}

/* Only SMMUv3 has registers that nothing else shows. */
static void
explain_registers(ViommuHost *host, const HostIommu *unit, const HostIommufdAnswer *answer)
{
    g_autofree char *fact = g_strdup_printf("iommus/%s/idr", unit->name);

    if (unit->type != HOST_IOMMU_SMMUV3)
        return;
    if (base_u64_is_known(unit->idr[0]))
        g_hash_table_remove(host->reasons, fact);
    else if (answer->said_type == HOST_HW_INFO_NONE) /* Linux 7.2 arm-smmu-v3.h:1273 */
        host_facts_explain(host, fact,
                           "the probe got none: this kernel's driver has no iommufd support "
                           "(CONFIG_ARM_SMMU_V3_IOMMUFD)");
    else
        host_facts_explain(host, fact,
                           "the probe failed: IOMMU_GET_HW_INFO: %u bytes of type %u, not what "
                           "Linux documents",
                           answer->said_length, answer->said_type);
}

void
host_probe_merge(ViommuHost *host, HostDevice *device, const HostIommufdAnswer *answer)
{
    HostIommu *unit = find_iommu(host, device->iommu.text);

    if (unit) {
        merge_iommu(unit, answer);
        explain_questions(host, unit, answer);
        explain_registers(host, unit, answer);
    }
    /* Both are the device's, told by whatever driver (Linux 7.2 iommufd/device.c:1616-1655); before
     * the kernel had PASIDs for VFIO it left the number of bits at 0. */
    device->max_pasid_log2 = base_u64(answer->max_pasid_log2);
    device->hw_capabilities = base_u64(answer->capabilities);
}

static void
probe_device(ViommuHost *host, HostDevice *device)
{
    g_autofree char *iommufd = below_root(host, "dev/iommu");
    g_autofree char *devices = below_root(host, "dev/vfio/devices");
    g_autofree char *cdev = g_build_filename(devices, device->vfio_dev.text, NULL);
    HostIommufdAnswer answer;
    g_autoptr(GError) error = NULL;

    if (!host_iommufd_query(iommufd, cdev, &answer, &error)) {
        g_autofree char *name = base_pci_format(device->address);
        g_autofree char *path = g_strdup_printf("devices/%s/max_pasid_log2", name);

        host_facts_explain(host, path, "the probe failed: %s", error->message);
        return;
    }
    host_probe_merge(host, device, &answer);
}

static gboolean
may_open(const ViommuHost *host, GError **error)
{
    g_autofree char *path = below_root(host, "dev/iommu");

    if (access(path, R_OK | W_OK) == 0)
        return TRUE;
    g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_UNSUPPORTED, "%s: %s", path,
                errno == EACCES ? "a probe needs root" : g_strerror(errno));
    return FALSE;
}

/* The kernel warns where a PASID capability exists and could not be enabled (Linux 7.2
 * drivers/iommu/iommufd/device.c:1642): a host that panics on warnings must not be asked. */
gboolean
host_probe_allowed(const ViommuHost *host, GError **error)
{
    g_autofree char *path = NULL;
    g_autofree char *text = NULL;
    gsize length = 0;

    if (!host->sysroot || strcmp(host->sysroot, "/") != 0) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_INVALID_ARGUMENT,
                    "%s: only the running host can be probed", host->origin);
        return FALSE;
    }
    if (host->iommufd != BASE_YES) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_UNSUPPORTED,
                    "/dev/iommu: not there; the kernel needs CONFIG_IOMMUFD and "
                    "CONFIG_VFIO_DEVICE_CDEV, and vfio-pci must be loaded");
        return FALSE;
    }
    if (!may_open(host, error))
        return FALSE;
    path = below_root(host, "proc/sys/kernel/panic_on_warn");
    if (!base_file_read(path, 64, &text, &length, error))
        return FALSE;
    if (strcmp(g_strstrip(text), "0") != 0) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_UNSUPPORTED,
                    "%s: is set, and the probe can make the kernel warn", path);
        return FALSE;
    }
    return TRUE;
}

/* Looks once more whether it idles: since it was named somebody may have opened it. */
static void
probe_named(ViommuHost *host, const char *name)
{
    BasePci address;
    HostDevice *device =
        base_pci_parse(name, &address) ? (HostDevice *)host_facts_device(host, address) : NULL;
    g_autofree char *obstacle = device ? host_probe_obstacle(host, device) : NULL;
    g_autofree char *path = g_strdup_printf("devices/%s/max_pasid_log2", name);

    if (obstacle)
        host_facts_explain(host, path, "not probed: %s", obstacle);
    else if (device)
        probe_device(host, device);
}

gboolean
host_probe(ViommuHost *host, const char *const *named, GError **error)
{
    if (!host_probe_allowed(host, error))
        return FALSE;
    for (guint i = 0; named[i]; i++)
        probe_named(host, named[i]);
    return TRUE;
}
