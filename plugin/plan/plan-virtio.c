/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virtio-iommu: shadow translation on arm64, and on x86 where VT-d will not do. One that the
 * domain has already is kept as it is where the rules say nothing against it.
 */
#include "plan-room.h"

#include "plan-edit.h"
#include "view-stack.h"

#define GIB        (G_GUINT64_CONSTANT(1) << 30)
#define SMALL_PAGE 4096

/* Since then QEMU has aw-bits and granule, and its defaults follow host and machine: before, a
 * domain of 64 bits over pages of 4 KiB was what every guest got (QEMU 11.1
 * hw/core/machine.c:110, what machines of 8.2 and older get). */
#define QEMU_WITH_GEOMETRY BASE_VERSION(9, 0, 0)
/* libvirt 12.8 formatdomain.html, IOMMU devices */
#define LIBVIRT_WITH_GRANULE BASE_VERSION(12, 1, 0)
/* QEMU 11.1 hw/i386/pc_q35.c:71, hw/arm/virt.c:101; machines of 8.2 and older: 64 */
#define Q35_DEFAULT_WIDTH  39
#define VIRT_DEFAULT_WIDTH 48

static gboolean
is_kept(const PlanWork *work)
{
    const ViewIommu *viommu = plan_viommu_written(work);

    return viommu && viommu->iommu->kind == MODEL_IOMMU_VIRTIO;
}

/* --- strikes --- */

static gboolean
check_kept(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    static const char *const families[] = {"virtio", NULL};

    return is_kept(work) && plan_strike_by_rules(work, hostdev, families, strike);
}

static gboolean
check_stack(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    guint64 since = stack_model_since(MODEL_IOMMU_VIRTIO);
    g_autofree char *libvirt = base_format_version(work->target.libvirt);
    g_autofree char *qemu = base_format_version(work->target.qemu);

    (void)hostdev;
    if (is_kept(work))
        return FALSE;
    if (work->target.libvirt && work->target.libvirt < since)
        return plan_strike(strike, "stack-model-unknown", "libvirt 8.3.0 or later",
                           "libvirt %s does not know model virtio, it needs libvirt 8.3.0",
                           libvirt);
    if (work->target.qemu == 0)
        return plan_strike(strike, NULL, "--qemu-version",
                           "the QEMU version is not known, and assigned devices behind a virtio "
                           "vIOMMU need 9.0");
    if (work->target.qemu < QEMU_WITH_GEOMETRY)
        return plan_strike(strike, NULL, "QEMU 9.0 or later",
                           "QEMU %s gives a virtio vIOMMU 64 bits and pages of 4 KiB whatever the "
                           "host has; the width and the pages that fit came with 9.0",
                           qemu);
    return FALSE;
}

static gboolean
is_conventional(const ViommuDomain *domain, const ModelAddress *address)
{
    return (address->kind == MODEL_ADDRESS_WRITTEN || address->kind == MODEL_ADDRESS_PREDICTED) &&
           model_behind_conventional(domain, address->pci.bus);
}

/* One conventional device behind a bridge takes the whole vIOMMU away from a Linux guest. */
static gboolean
check_conventional(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    const GPtrArray *endpoints = work->domain->endpoints;

    (void)hostdev;
    for (guint i = 0; i < endpoints->len; i++) {
        const ModelEndpoint *endpoint = endpoints->pdata[i];
        gboolean to_come =
            endpoint->conventional && endpoint->address.kind == MODEL_ADDRESS_UNKNOWN;

        if (to_come || is_conventional(work->domain, &endpoint->address))
            return plan_strike(strike, "virtio-conventional",
                               "a PCI Express model of that device, or the domain without it",
                               "the domain has a conventional PCI device (%s): a Linux guest then "
                               "gives up a virtio vIOMMU altogether",
                               endpoint->what);
    }
    return FALSE;
}

/* The guest learns of it from ACPI, which Arm firmware has to hand on. */
static gboolean
check_firmware(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    (void)hostdev;
    if (!work->domain->is_virt || work->domain->uefi)
        return FALSE;
    return plan_strike(
        strike, "stack-acpi-needs-uefi", "<os firmware='efi'>",
        "a virtio vIOMMU needs ACPI in the guest, and the domain has no UEFI loader");
}

/* It remaps no interrupts, so the guest's CPUs beyond 255 get none. */
static gboolean
check_vcpus(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    (void)hostdev;
    if (work->family != PLAN_FAMILY_X86 || work->domain->vcpus <= 255)
        return FALSE;
    return plan_strike(strike, "vtd-many-vcpus", "mode shadow with VT-d, or fewer vCPUs",
                       "%u vCPUs need interrupt remapping, which virtio-iommu does not have",
                       (guint)work->domain->vcpus);
}

/* The lowest width of the devices' host IOMMUs; 0: of none it is known. */
static guint64
host_width(const PlanWork *work)
{
    guint64 lowest = 0;

    for (guint i = 0; i < work->view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = work->view->hostdevs->pdata[i];
        BaseU64 bits = {0};

        if (view_is_assigned(hostdev) && hostdev->unit)
            bits = host_iova_bits(work->host, hostdev->unit, view_table_of(hostdev));
        if (base_u64_is_known(bits) && (lowest == 0 || bits.value < lowest))
            lowest = bits.value;
    }
    return lowest;
}

static gboolean
has_width(const PlanWork *work)
{
    const StackAttribute *row = stack_attribute(MODEL_IOMMU_VIRTIO, "aw_bits");

    return work->target.libvirt >= row->since;
}

static guint64
default_width(const PlanWork *work)
{
    BaseU64 machine = view_machine_version(work->domain, work->target.qemu);

    if (base_u64_is_known(machine) && machine.value < QEMU_WITH_GEOMETRY)
        return 64;
    return work->family == PLAN_FAMILY_X86 ? Q35_DEFAULT_WIDTH : VIRT_DEFAULT_WIDTH;
}

/* What the vIOMMU will have: as wide as the host, 48 bits at most, which is what guests are used
 * to; where this libvirt cannot say so, QEMU's default. */
static guint64
width_of(const PlanWork *work)
{
    guint64 host = host_width(work);

    if (!has_width(work) || host == 0)
        return default_width(work);
    return MIN(host, 48);
}

static gboolean
check_width(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    guint64 gib = (plan_guest_space(work) + GIB - 1) / GIB, width = width_of(work);

    (void)hostdev;
    if (is_kept(work) || width >= 64 || plan_guest_space(work) <= G_GUINT64_CONSTANT(1) << width)
        return FALSE;
    return plan_strike(strike, "virtio-aw-bits-host",
                       has_width(work) ? "less guest memory" : "libvirt 12.2, which has aw_bits",
                       "the guest's memory and BARs end at %" G_GUINT64_FORMAT
                       " GiB, beyond the %" G_GUINT64_FORMAT " bits of the vIOMMU",
                       gib, width);
}

static const PlanCheck checks[] = {plan_check_existing,
                                   plan_check_shadow_host,
                                   check_kept,
                                   check_stack,
                                   check_conventional,
                                   check_firmware,
                                   check_vcpus,
                                   check_width,
                                   NULL};

const PlanCheck *
plan_virtio_checks(void)
{
    return checks;
}

/* --- writing --- */

static void
record(PlanWork *work, PlanIommu *iommu, PlanSpot driver)
{
    char *value = plan_spot_get(work->plan, driver, "aw_bits");

    if (!value)
        return;
    g_ptr_array_add(iommu->names, g_strdup("aw_bits"));
    g_ptr_array_add(iommu->values, value);
}

/* The guest's pages may be no smaller than the granule, and the granule no smaller than the
 * host's pages (QEMU 11.1 hw/virtio/virtio-iommu.c:597). */
static void
write_granule(PlanWork *work, PlanSpot driver)
{
    PlanWhy why = {"the pages of the host's IOMMU, whatever the machine's default is",
                   "virtio-granule-small"};
    PlanSpot granule;

    if (work->family != PLAN_FAMILY_ARM || work->target.libvirt < LIBVIRT_WITH_GRANULE)
        return;
    granule = plan_spot_child(work->plan, driver, "granule", NULL, why);
    plan_spot_set(work->plan, granule, "mode", "host", why);
}

static void
tell_guest(PlanWork *work)
{
    BaseU64 page = work->host->page_size;

    if (work->family == PLAN_FAMILY_ARM && base_u64_is_known(page) && page.value > SMALL_PAGE)
        plan_action(work, "guest",
                    "run a kernel with pages of %" G_GUINT64_FORMAT
                    " KiB: the host's IOMMU has no smaller ones, and a guest with smaller pages "
                    "gives up the vIOMMU",
                    page.value / 1024);
    for (guint i = 0; work->family == PLAN_FAMILY_X86 && i < work->plan->devices->len; i++) {
        const PlanDevice *device = work->plan->devices->pdata[i];

        if (device->usage == VIOMMU_USAGE_DMA)
            continue;
        plan_action(work, "guest",
                    "virtio-iommu remaps no interrupts: VFIO in the guest wants "
                    "vfio_iommu_type1.allow_unsafe_interrupts=1");
        return;
    }
}

void
plan_virtio_write(PlanWork *work)
{
    const ViewIommu *viommu = plan_viommu_written(work);
    PlanWhy why = {"the devices need a vIOMMU, and only <iommu> tells libvirt to count their "
                   "locked memory",
                   NULL};
    PlanWhy width = {"the width that the host's IOMMU really offers", "virtio-aw-bits-host"};
    PlanIommu *iommu =
        plan_iommu_add(work, MODEL_IOMMU_VIRTIO, VIOMMU_MODE_SHADOW, viommu ? viommu->iommu : NULL);
    PlanSpot spot, driver;

    tell_guest(work);
    if (viommu)
        return;
    spot = plan_spot_add(work->plan, plan_spot_devices(work->plan), "iommu", NULL, why);
    plan_spot_set(work->plan, spot, "model", "virtio", why);
    if (has_width(work)) {
        driver = plan_spot_child(work->plan, spot, "driver", NULL, why);
        plan_spot_setf(work->plan, driver, "aw_bits", width, "%" G_GUINT64_FORMAT, width_of(work));
        write_granule(work, driver);
        record(work, iommu, driver);
    }
    plan_write_acpi(work);
}
