/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * VT-d with first stage: the guest's own tables are stage 1 over a stage 2 of the host. libvirt
 * 12.8 has no attribute for it, so scalable mode, first stage and PASIDs go in by <qemu:override>,
 * which libvirt ties to the vIOMMU by an alias that starts with "ua-": any other is dropped
 * without a word, and the domain starts as a plain shadow vIOMMU (seen on libvirt 12.8.0).
 */
#include "plan-vtd.h"

#include "plan-override.h"
#include "view-stack.h"

/* QEMU 11.1 hw/i386/intel_iommu.c:5576: Scalable mode(fsts=on): supported value for aw-bits */
#define FIRST_STAGE_WIDTH 48
/* 10.0 has the properties, and does not nest assigned devices under them; 11.1 does */
#define QEMU_THAT_NESTS BASE_VERSION(11, 1, 0)

/* --- strikes --- */

static gboolean
check_libvirt(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    g_autofree char *have = base_format_version(work->target.libvirt);

    (void)hostdev;
    if (work->target.libvirt >= STACK_LIBVIRT_DRIVER_IOMMUFD)
        return FALSE;
    if (work->target.libvirt == 0)
        return plan_strike(strike, "stack-iommufd-libvirt", "--libvirt-version",
                           "the libvirt version is not known, and iommufd needs 12.1");
    return plan_strike(strike, "stack-iommufd-libvirt", "libvirt 12.1 or later",
                       "libvirt %s has no iommufd backend, which first stage needs", have);
}

static gboolean
check_qemu(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    g_autofree char *have = base_format_version(work->target.qemu);

    (void)hostdev;
    if (work->target.qemu >= QEMU_THAT_NESTS)
        return FALSE;
    if (work->target.qemu == 0)
        return plan_strike(strike, NULL, "--qemu-version",
                           "the QEMU version is not known, and first stage needs 11.1");
    return plan_strike(strike, NULL, "QEMU 11.1 or later",
                       "QEMU %s is not known to put assigned devices under VT-d first stage; "
                       "11.1 does",
                       have);
}

static gboolean
check_mediated(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    (void)work;
    if (hostdev->dev->kind != MODEL_HOSTDEV_MDEV)
        return FALSE;
    return plan_strike(strike, "vtd-first-stage-host", "a whole function or a VF",
                       "a mediated device has no translation of its own to nest under");
}

static gboolean
check_host(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    if (!hostdev->fact || hostdev->fact->iommu.state == BASE_STATE_ABSENT)
        return FALSE;
    return plan_check_nests(work, hostdev,
                            hostdev->unit && hostdev->unit->type == HOST_IOMMU_AMD
                                ? "amd-nested-none"
                                : "vtd-first-stage-host",
                            strike);
}

static gboolean
check_width(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    BaseU64 bits;

    if (!hostdev->unit || hostdev->unit->type != HOST_IOMMU_VTD)
        return FALSE;
    bits = host_iova_bits(work->host, hostdev->unit, HOST_TABLE_NEST_PARENT);
    if (base_u64_is_known(bits) && bits.value >= FIRST_STAGE_WIDTH)
        return FALSE;
    if (!base_u64_is_known(bits))
        return plan_strike(strike, "vtd-aw-bits-host", "host facts with CAP and ECAP, or --probe",
                           "the address width of a nest parent on %s is not known",
                           hostdev->unit->name);
    return plan_strike(strike, "vtd-aw-bits-host", NULL,
                       "%s has %" G_GUINT64_FORMAT
                       " bits below a nested domain, and QEMU's first stage has 48",
                       hostdev->unit->name, bits.value);
}

static gboolean
check_pasid(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    BaseU64 bits;

    if (hostdev->demand.usage < VIOMMU_USAGE_PASID || !hostdev->fact || !hostdev->unit)
        return FALSE;
    if (hostdev->demand.usage == VIOMMU_USAGE_SVA)
        return plan_strike(strike, "pasid-sva-vtd", "usage pasid",
                           "a Linux guest shares address spaces only where ECAP.SMPWC is set, "
                           "which QEMU's VT-d does not offer");
    bits = host_pasid_bits(work->host, hostdev->unit);
    if (!base_u64_is_known(bits))
        return plan_strike(strike, "vtd-pasid-host", "host facts with CAP and ECAP",
                           "the PASID width of %s is not known", hostdev->unit->name);
    if (bits.value == 0)
        return plan_strike(strike, "vtd-pasid-host", "usage guest-iommu instead",
                           "%s has no PASIDs", hostdev->unit->name);
    return plan_check_pasid_device(work, hostdev, strike);
}

static const PlanCheck checks[] = {plan_check_existing, check_libvirt,       check_qemu,
                                   check_mediated,      check_host,          check_width,
                                   check_pasid,         plan_check_per_user, NULL};

const PlanCheck *
plan_first_stage_checks(void)
{
    return checks;
}

/* --- values --- */

/* The narrowest of the host IOMMUs, within the quota: QEMU compares that of each device with a
 * PASID capability. */
static guint
host_limit(const PlanWork *work)
{
    guint limit = plan_widest_pasid(work);

    for (guint i = 0; i < work->plan->devices->len; i++) {
        const ViewHostdev *hostdev = ((PlanDevice *)work->plan->devices->pdata[i])->hostdev;
        BaseU64 bits = hostdev->unit ? host_pasid_bits(work->host, hostdev->unit) : (BaseU64){0};

        if (base_u64_is_known(bits) && !plan_lacks_pasid(hostdev->fact))
            limit = MIN(limit, (guint)MIN(bits.value, PLAN_WIDEST_PASID));
    }
    return limit;
}

guint
plan_first_stage_pasid_bits(const PlanWork *work)
{
    guint wanted = 0;

    for (guint i = 0; i < work->plan->devices->len; i++) {
        const PlanDevice *device = work->plan->devices->pdata[i];
        BaseU64 demand = device->hostdev->demand.pasid_bits;
        guint bits = base_u64_is_known(demand) ? (guint)MIN(demand.value, PLAN_WIDEST_PASID)
                                               : PLAN_WIDEST_PASID;

        if (device->usage >= VIOMMU_USAGE_PASID)
            wanted = MAX(wanted, bits);
    }
    return MIN(wanted, host_limit(work));
}

static gboolean
hosts_have_1g(const PlanWork *work)
{
    for (guint i = 0; i < work->plan->devices->len; i++) {
        const HostIommu *unit = ((PlanDevice *)work->plan->devices->pdata[i])->hostdev->unit;
        HostVtd vtd;

        if (!unit || !host_decode_vtd(unit, &vtd) || !vtd.fs1gp)
            return FALSE;
    }
    return TRUE;
}

/* --- writing the override --- */

typedef struct {
    PlanWork *work;
    const PlanOverride *properties;
    PlanIommu *iommu;
} Override;

static void
write_property(const Override *override, const char *name, const char *type, const char *value,
               const char *because, const char *rule)
{
    PlanWhy why = {because, rule};

    plan_override_set(override->properties, name, type, value, why);
}

static void
record(const Override *override, const char *name, const char *value)
{
    g_ptr_array_add(override->iommu->property_names, g_strdup(name));
    g_ptr_array_add(override->iommu->property_values, g_strdup(value));
}

static void
write_switch(const Override *override, StackCapability capability, BaseTri now, const char *because,
             const char *rule)
{
    gboolean known = FALSE;
    const char *name =
        stack_host_property(override->work->host, capability, override->work->target.qemu, &known);

    if (!known || !name)
        return;
    if (now != BASE_YES)
        write_property(override, name, "bool", "true", because, rule);
    record(override, name, "true");
}

/* A width that somebody wrote serves a device that names none. */
static guint
least_pasid_bits(const PlanWork *work)
{
    guint bits = 0;

    for (guint i = 0; i < work->plan->devices->len; i++) {
        const PlanDevice *device = work->plan->devices->pdata[i];
        BaseU64 demand = device->hostdev->demand.pasid_bits;

        if (device->usage >= VIOMMU_USAGE_PASID)
            bits = MAX(bits, base_u64_is_known(demand) ? (guint)demand.value : 1);
    }
    return bits;
}

/* A width that is there already stays where it carries the demand and the host carries it. */
static void
write_pasids(const Override *override, const ViewIommu *now)
{
    PlanWork *work = override->work;
    guint64 have = now && base_u64_is_known(now->pasid_bits) ? now->pasid_bits.value : 0;
    guint bits = plan_first_stage_pasid_bits(work), limit = host_limit(work);
    gboolean known = FALSE;
    const char *name = stack_host_property(work->host, STACK_PASID_BITS, work->target.qemu, &known);
    g_autofree char *text = NULL;

    if (!known || !name || (have == 0 && bits == 0))
        return;
    if (have >= MIN(bits, least_pasid_bits(work)) && have <= limit) {
        text = g_strdup_printf("%" G_GUINT64_FORMAT, have);
    } else {
        text = g_strdup_printf("%u", bits > 0 ? bits : limit);
        write_property(override, name, "unsigned", text,
                       "the PASIDs that the devices ask for and the host IOMMU has",
                       have > limit ? "vtd-pasid-host" : "pasid-off");
    }
    record(override, name, text);
}

/* QEMU offers them unless told otherwise, and the host's IOMMU walks the guest's tables. */
static void
write_large_pages(const Override *override, const ViewIommu *now)
{
    if (hosts_have_1g(override->work))
        return;
    if (!now || now->fs1gp != BASE_NO)
        write_property(override, "fs1gp", "bool", "false",
                       "the host IOMMU has no first-stage pages of 1 GiB", "vtd-first-stage-1g");
    record(override, "fs1gp", "false");
}

void
plan_first_stage_write(PlanWork *work, PlanIommu *iommu, PlanSpot spot)
{
    static const char backend[] = "first stage takes devices of the iommufd backend only";
    const ViewIommu *now = plan_viommu_written(work);
    PlanWhy why = {"libvirt has no attribute for first stage and scalable mode", NULL};
    g_autofree char *alias = plan_override_alias(
        work->plan, spot, spot.node ? model_child(spot.node, "driver") : NULL, "ua-viommu", 0);
    g_autoptr(PlanOverride) properties = plan_override_open(work->plan, alias, why);
    Override override = {.work = work, .properties = properties, .iommu = iommu};

    write_switch(&override, STACK_SCALABLE_MODE, now ? now->scalable : BASE_NO,
                 "first-stage tables exist in scalable mode only", "vtd-first-stage-scalable");
    write_switch(&override, STACK_FIRST_STAGE, now ? now->fsts : BASE_NO,
                 "the guest's own tables, walked by the host's IOMMU", NULL);
    write_pasids(&override, now);
    write_large_pages(&override, now);
    for (guint i = 0; i < work->plan->devices->len; i++)
        plan_iommufd_write(work, work->plan->devices->pdata[i], backend, "vtd-first-stage-backend");
    plan_iommufd_write_default(
        work, "a device that is plugged in later must come through iommufd as well",
        "vtd-first-stage-backend");
    plan_override_note(work->plan);
}
