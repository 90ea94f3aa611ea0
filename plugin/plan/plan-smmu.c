/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * arm64: what an accelerated vSMMU demands, and which one stands for which physical SMMU. One
 * vSMMU is one physical SMMU: a device of another makes the guest's stream table fail without a
 * word from QEMU (11.1 hw/arm/smmuv3-accel.c:237; Linux 7.2 drivers/iommu/iommufd/viommu.c:167).
 */
#include "plan-room.h"

#include <string.h>

#include "view-stack.h"

char *
plan_unit_name(const HostIommu *unit)
{
    const char *hex = unit ? strstr(unit->name, "0x") : NULL;

    if (!unit)
        return g_strdup("any SMMU");
    if (!hex)
        return g_strdup(unit->name);
    hex += 2;
    return g_strdup_printf("%.*s%s", (int)(hex - unit->name), unit->name,
                           hex + MIN(strspn(hex, "0"), strlen(hex) - 1));
}

/* --- strikes --- */

static gboolean
check_domain(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    const ViommuDomain *domain = work->domain;

    (void)hostdev;
    if (g_strcmp0(domain->type, "kvm") != 0)
        return plan_strike(strike, "accel-needs-kvm", "<domain type='kvm'>",
                           "accel='on' needs KVM with its interrupt chip in the kernel");
    if (!domain->acpi || !domain->uefi)
        return plan_strike(strike, "accel-needs-uefi",
                           "<os firmware='efi'> and <acpi/> in <features>",
                           "accel='on' needs UEFI and ACPI in the guest, and the domain has no %s",
                           domain->uefi ? "<acpi/>" : "UEFI loader");
    return FALSE;
}

static gboolean
check_libvirt(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    (void)hostdev;
    return plan_check_attribute(work, MODEL_IOMMU_SMMUV3, "accel", strike);
}

/* QEMU 11.1 hw/core/machine.c:49-52 shows that 11.0 had the properties. */
static gboolean
check_qemu(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    g_autofree char *have = base_format_version(work->target.qemu);

    (void)hostdev;
    if (work->target.qemu >= BASE_VERSION(11, 0, 0))
        return FALSE;
    if (work->target.qemu == 0)
        return plan_strike(strike, NULL, "--qemu-version",
                           "the QEMU version is not known, and accel needs 11.0");
    return plan_strike(strike, NULL, "QEMU 11.0 or later",
                       "QEMU %s has no accelerated SMMUv3, it needs 11.0", have);
}

static gboolean
check_device(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    (void)work;
    if (hostdev->dev->kind == MODEL_HOSTDEV_MDEV)
        return plan_strike(strike, NULL, "a whole function or a VF",
                           "a mediated device has no stream of its own in the host's SMMU");
    if (hostdev->fact && hostdev->fact->pcie.state == BASE_STATE_ABSENT)
        return plan_strike(strike, "accel-stream-count", "a PCI Express function",
                           "a conventional PCI function has two stream ids, and a vSMMU takes "
                           "devices with one");
    return FALSE;
}

static gboolean
check_migration(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    (void)hostdev;
    if (!work->policy->migration_needed)
        return FALSE;
    return plan_strike(strike, "accel-migration", "a policy with \"migration\": \"not-needed\"",
                       "QEMU blocks migration of a domain with an accelerated vSMMU, and the "
                       "policy wants migration");
}

static gboolean
check_host(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    if (!hostdev->fact)
        return FALSE;
    if (hostdev->fact->iommu.state == BASE_STATE_UNKNOWN)
        return plan_strike(strike, "accel-second-smmu", "host facts with the device's IOMMU",
                           "which SMMU the device is behind is not known");
    return plan_check_nests(work, hostdev, "accel-host-cannot-nest", strike);
}

/* What QEMU demands of the host's registers: 11.1 hw/arm/smmuv3-accel.c:80-170. */
static gboolean
check_registers(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    HostSmmu smmu;

    (void)work;
    if (!hostdev->unit || hostdev->unit->type != HOST_IOMMU_SMMUV3)
        return FALSE;
    if (!host_decode_smmu(hostdev->unit, &smmu))
        return plan_strike(strike, "accel-host-cannot-nest",
                           "host facts with the registers, taken while a function behind this SMMU "
                           "is bound to vfio-pci",
                           "the IDR registers of %s are not known", hostdev->unit->name);
    if (smmu.oas < 44)
        return plan_strike(strike, "accel-oas-host", NULL,
                           "%s has %u address bits, and QEMU's vSMMU needs 44 or 48",
                           hostdev->unit->name, smmu.oas);
    if (!smmu.gran4k || !smmu.gran16k || !smmu.gran64k)
        return plan_strike(strike, "accel-granules", NULL,
                           "%s lacks the %s granule, and QEMU's vSMMU has all three",
                           hostdev->unit->name,
                           !smmu.gran4k ? "4K" : (!smmu.gran16k ? "16K" : "64K"));
    if (smmu.st_level != 1 || smmu.ttf < 2 || smmu.ttendian < 2 || smmu.sid_bits < 16)
        return plan_strike(strike, "accel-stream-table", NULL,
                           "%s has other tables than QEMU's vSMMU (STLEVEL %u, TTF %u, TTENDIAN "
                           "%u, SIDSIZE %u)",
                           hostdev->unit->name, smmu.st_level, smmu.ttf, smmu.ttendian,
                           smmu.sid_bits);
    return FALSE;
}

static gboolean
check_pasid(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    HostSmmu smmu;

    if (hostdev->demand.usage < VIOMMU_USAGE_PASID || !hostdev->fact)
        return FALSE;
    if (hostdev->unit && host_decode_smmu(hostdev->unit, &smmu) && smmu.ssid_bits == 0)
        return plan_strike(strike, "accel-ssidsize-host", "usage guest-iommu instead",
                           "%s has no PASIDs (IDR1.SSIDSIZE is 0)", hostdev->unit->name);
    return plan_check_pasid_device(work, hostdev, strike);
}

/* A vIOMMU that is there already and cannot stay beside an accelerated one */
static gboolean
check_existing(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    (void)hostdev;
    for (guint i = 0; i < work->view->iommus->len; i++) {
        const ViewIommu *iommu = work->view->iommus->pdata[i];
        guint line = iommu->iommu->node ? model_span(work->domain, iommu->iommu->node)->line : 0;

        if (iommu->iommu->commandline)
            return plan_strike(strike, "stack-viommu-in-commandline",
                               "<iommu> in <devices> instead",
                               "the vIOMMU is hidden in <qemu:commandline> (line %u), where "
                               "libvirt does not count it and this plan does not write",
                               line);
        if (iommu->iommu->kind != MODEL_IOMMU_SMMUV3)
            return plan_strike(strike, NULL, "the domain without that <iommu>",
                               "the %s vIOMMU (line %u) excludes SMMUv3: QEMU takes one family",
                               iommu->iommu->model, line);
    }
    return FALSE;
}

static const PlanCheck checks[] = {check_domain,        check_libvirt, check_qemu,
                                   check_device,        check_host,    check_registers,
                                   check_migration,     check_pasid,   check_existing,
                                   plan_check_per_user, NULL};

const PlanCheck *
plan_smmu_checks(void)
{
    return checks;
}

/* --- which vSMMU stands for which SMMU --- */

static PlanSmmu *
smmu_for(PlanWork *work, const HostIommu *unit)
{
    PlanSmmu *smmu;

    for (guint i = 0; i < work->smmus->len; i++) {
        smmu = work->smmus->pdata[i];
        if (smmu->unit == unit)
            return smmu;
    }
    smmu = g_new0(PlanSmmu, 1);
    smmu->unit = unit;
    smmu->bus = G_MAXUINT;
    smmu->devices = g_ptr_array_new();
    g_ptr_array_add(work->smmus, smmu);
    return smmu;
}

static gboolean
is_used(const PlanWork *work, const ViewIommu *iommu, guint bus)
{
    for (guint i = 0; i < work->smmus->len; i++) {
        const PlanSmmu *smmu = work->smmus->pdata[i];

        if ((iommu && smmu->existing == iommu) || (bus != G_MAXUINT && smmu->bus == bus))
            return TRUE;
    }
    return FALSE;
}

/* Emulated devices (and maybe-assigned ones) on or below a root bus */
static gboolean
has_emulated(const PlanWork *work, guint root)
{
    for (guint i = 0; i < work->domain->endpoints->len; i++) {
        const ModelEndpoint *endpoint = work->domain->endpoints->pdata[i];

        if (endpoint->address.kind != MODEL_ADDRESS_NONE &&
            (endpoint->address.kind == MODEL_ADDRESS_UNKNOWN ||
             plan_layout_root(work->layout, endpoint->address.pci.bus) == root))
            return TRUE;
    }
    return FALSE;
}

/* An expander, or bus 0 where nothing emulated lives */
static gboolean
may_carry(const PlanWork *work, guint bus)
{
    const PlanController *controller = plan_layout_find(work->layout, bus);

    if (!controller || is_used(work, NULL, bus))
        return FALSE;
    return controller->kind == MODEL_BUS_PXB_PCIE || (bus == 0 && !has_emulated(work, 0));
}

static const ViewIommu *
existing_on(const PlanWork *work, guint bus)
{
    for (guint i = 0; i < work->view->iommus->len; i++) {
        const ViewIommu *iommu = work->view->iommus->pdata[i];

        if (iommu->iommu->kind == MODEL_IOMMU_SMMUV3 && base_u64_is_known(iommu->pci_bus) &&
            iommu->pci_bus.value == bus)
            return iommu;
    }
    return NULL;
}

/* Whether a device that does not belong to @smmu is written on that bus for good. */
static gboolean
has_stranger(const PlanWork *work, const PlanSmmu *smmu, guint bus)
{
    for (guint i = 0; i < work->plan->devices->len; i++) {
        PlanDevice *device = work->plan->devices->pdata[i];

        if (device->hostdev->root_bus == bus && device->mode == VIOMMU_MODE_NONE &&
            !g_ptr_array_find(smmu->devices, device, NULL))
            return TRUE;
    }
    return FALSE;
}

/* The bus that its devices are on already: one with a vSMMU first, then a bare expander. */
static void
match_where_devices_are(PlanWork *work, PlanSmmu *smmu, gboolean with_viommu)
{
    for (guint i = 0; i < smmu->devices->len && smmu->bus == G_MAXUINT; i++) {
        const PlanDevice *device = smmu->devices->pdata[i];
        guint root = device->hostdev->root_bus;
        const ViewIommu *existing = existing_on(work, root);

        if (root == G_MAXUINT || (with_viommu && !existing) || (!with_viommu && root == 0) ||
            !may_carry(work, root) || has_stranger(work, smmu, root))
            continue;
        smmu->bus = root;
        smmu->existing = existing;
    }
}

static gboolean
is_vacant(const PlanWork *work, guint bus)
{
    for (guint i = 0; i < work->plan->devices->len; i++) {
        const PlanDevice *device = work->plan->devices->pdata[i];

        if (device->hostdev->root_bus == bus)
            return FALSE;
    }
    return TRUE;
}

/* A vSMMU that waits on an expander without devices */
static void
match_vacant(PlanWork *work, PlanSmmu *smmu)
{
    for (guint i = 0; i < work->view->iommus->len && smmu->bus == G_MAXUINT; i++) {
        const ViewIommu *iommu = work->view->iommus->pdata[i];

        if (!base_u64_is_known(iommu->pci_bus) || iommu->pci_bus.value > 255 ||
            is_used(work, iommu, G_MAXUINT) || !may_carry(work, (guint)iommu->pci_bus.value) ||
            !is_vacant(work, (guint)iommu->pci_bus.value))
            continue;
        smmu->bus = (guint)iommu->pci_bus.value;
        smmu->existing = iommu;
    }
}

/* An <iommu> whose bus will not do (machine-wide, no such controller, a root port, bus 0 among
 * emulated devices) is given another. */
static void
match_misplaced(PlanWork *work, PlanSmmu *smmu)
{
    for (guint i = 0; i < work->view->iommus->len && !smmu->existing; i++) {
        const ViewIommu *iommu = work->view->iommus->pdata[i];
        gboolean fine = base_u64_is_known(iommu->pci_bus) && iommu->pci_bus.value <= 255 &&
                        may_carry(work, (guint)iommu->pci_bus.value);

        if (iommu->iommu->kind == MODEL_IOMMU_SMMUV3 && !fine && !is_used(work, iommu, G_MAXUINT))
            smmu->existing = iommu;
    }
}

static gboolean
reject_left_over(PlanWork *work, const ViewIommu *iommu, const char *rule, const char *why)
{
    g_autofree char *reason = g_strdup_printf(
        "the SMMUv3 at line %u %s", model_span(work->domain, iommu->iommu->node)->line, why);

    g_ptr_array_add(
        work->plan->rejected,
        plan_rejection_new(NULL, work->candidate, rule, "the domain without that <iommu>", reason));
    return FALSE;
}

/* What no device needs waits for hotplug, serves emulated devices, or cannot stay. */
static gboolean
keep_one(PlanWork *work, const ViewIommu *iommu)
{
    guint bus = base_u64_is_known(iommu->pci_bus) ? (guint)iommu->pci_bus.value : G_MAXUINT;
    const PlanController *controller = plan_layout_find(work->layout, bus);
    PlanSmmu *smmu;

    if (iommu->pci_bus.state == BASE_STATE_ABSENT) {
        if (work->smmus->len == 0 && work->view->iommus->len == 1)
            return TRUE;
        return reject_left_over(work, iommu, "stack-arm-mixed-viommus",
                                "is machine-wide and goes with no other vIOMMU");
    }
    if (!controller || (bus != 0 && controller->kind != MODEL_BUS_PXB_PCIE) ||
        is_used(work, NULL, bus) || existing_on(work, bus) != iommu)
        return reject_left_over(work, iommu, "bus-pcibus-target", "has no root bus of its own");
    if (iommu->accel != BASE_YES)
        return TRUE;
    if (!may_carry(work, bus))
        return reject_left_over(work, iommu, "accel-emulated-endpoint",
                                "is accelerated on a bus with emulated devices");
    smmu = g_new0(PlanSmmu, 1);
    smmu->existing = iommu;
    smmu->bus = bus;
    smmu->devices = g_ptr_array_new();
    g_ptr_array_add(work->smmus, smmu);
    return TRUE;
}

static gboolean
keep_left_over(PlanWork *work)
{
    gboolean fine = TRUE;

    for (guint i = 0; i < work->view->iommus->len; i++) {
        const ViewIommu *iommu = work->view->iommus->pdata[i];

        if (iommu->iommu->kind == MODEL_IOMMU_SMMUV3 && iommu->iommu->node &&
            !iommu->iommu->commandline && !is_used(work, iommu, G_MAXUINT))
            fine = keep_one(work, iommu) && fine;
    }
    return fine;
}

gboolean
plan_smmu_match(PlanWork *work)
{
    if (work->family != PLAN_FAMILY_ARM)
        return TRUE;
    for (guint i = 0; i < work->plan->devices->len; i++) {
        PlanDevice *device = work->plan->devices->pdata[i];

        if (device->mode == VIOMMU_MODE_NESTED)
            g_ptr_array_add(smmu_for(work, device->hostdev->unit)->devices, device);
    }
    for (guint i = 0; i < work->smmus->len; i++)
        match_where_devices_are(work, work->smmus->pdata[i], TRUE);
    for (guint i = 0; i < work->smmus->len; i++)
        match_where_devices_are(work, work->smmus->pdata[i], FALSE);
    for (guint i = 0; i < work->smmus->len; i++)
        match_vacant(work, work->smmus->pdata[i]);
    for (guint i = 0; i < work->smmus->len; i++)
        match_misplaced(work, work->smmus->pdata[i]);
    return keep_left_over(work);
}
