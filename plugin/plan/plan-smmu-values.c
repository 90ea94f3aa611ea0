/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The values of an accelerated vSMMU: the lowest of the physical SMMU's registers, the policy and
 * the demand, spelled as QEMU takes them. What one device lacks does not lower its bus.
 */
#include "plan-room.h"

#include "plan-edit.h"

typedef struct {
    gboolean ats, ril;
    BaseTri cmdqv;
    gboolean write_cmdqv; /* the property came with QEMU 11.1 */
    guint oas, ssidsize;
    guint least;       /* PASID bits that suffice */
    guint widest;      /* PASID bits that the policy lets a domain have */
    gboolean explicit; /* nothing may be left to "auto": no device is there to ask */
    gboolean known;    /* the registers are; where devices come later, those of which SMMU is not */
    HostSmmu host;
} Values;

static gboolean
needs_pasid(const PlanSmmu *smmu)
{
    for (guint i = 0; i < smmu->devices->len; i++) {
        const PlanDevice *device = smmu->devices->pdata[i];

        if (device->usage >= VIOMMU_USAGE_PASID)
            return TRUE;
    }
    return FALSE;
}

/* A width that somebody wrote serves a device that names none. */
static guint
least_bits(const PlanSmmu *smmu)
{
    guint bits = 0;

    for (guint i = 0; i < smmu->devices->len; i++) {
        const PlanDevice *device = smmu->devices->pdata[i];
        BaseU64 wanted = device->hostdev->demand.pasid_bits;

        if (device->usage >= VIOMMU_USAGE_PASID)
            bits = MAX(bits, base_u64_is_known(wanted) ? (guint)wanted.value : 1);
    }
    return bits;
}

/* The widest that a device of this bus asks for: UNKNOWN means as wide as possible. */
static guint
demanded_bits(const PlanSmmu *smmu)
{
    guint bits = 0;

    for (guint i = 0; i < smmu->devices->len; i++) {
        const PlanDevice *device = smmu->devices->pdata[i];
        BaseU64 wanted = device->hostdev->demand.pasid_bits;

        if (device->usage < VIOMMU_USAGE_PASID)
            continue;
        if (!base_u64_is_known(wanted))
            return PLAN_WIDEST_PASID;
        bits = MAX(bits, (guint)MIN(wanted.value, PLAN_WIDEST_PASID));
    }
    return bits;
}

guint
plan_smmu_ssidsize(const PlanWork *work, const PlanSmmu *smmu)
{
    guint bits = MIN(demanded_bits(smmu), plan_widest_pasid(work));
    HostSmmu host;

    if (smmu->unit && host_decode_smmu(smmu->unit, &host))
        bits = MIN(bits, host.ssid_bits);
    return bits;
}

/* The lowest of all physical SMMUs, for a bus whose devices come later and from any of them. */
static gboolean
lowest_registers(const PlanWork *work, HostSmmu *ret)
{
    gboolean found = FALSE;

    for (guint i = 0; i < work->host->iommus->len; i++) {
        HostSmmu next;

        if (!host_decode_smmu(work->host->iommus->pdata[i], &next))
            continue;
        if (!found)
            *ret = next;
        ret->ats = ret->ats && next.ats;
        ret->ril = ret->ril && next.ril;
        ret->oas = MIN(ret->oas, next.oas);
        ret->ssid_bits = MIN(ret->ssid_bits, next.ssid_bits);
        found = TRUE;
    }
    return found;
}

/* QEMU 11.1 hw/arm/tegra241-cmdqv.c:1089-1104: version 1, two queues, sixteen streams. With no
 * device at start there is nobody to ask. */
static BaseTri
has_cmdqv(const PlanSmmu *smmu)
{
    const HostIommu *unit = smmu->unit;

    if (!unit || unit->cmdqv == BASE_STATE_UNKNOWN)
        return BASE_UNKNOWN;
    return base_tri(unit->cmdqv == BASE_STATE_KNOWN && unit->cmdqv_version == 1 &&
                    unit->cmdqv_log2vcmdqs >= 1 && unit->cmdqv_log2vsids >= 4);
}

static Values
values_of(const PlanWork *work, const PlanSmmu *smmu)
{
    Values values = {.explicit = smmu->devices->len == 0};

    values.known = smmu->unit && host_decode_smmu(smmu->unit, &values.host);
    if (!values.known && (smmu->unit || !lowest_registers(work, &values.host)))
        values.host = (HostSmmu){.oas = 44};
    values.oas = values.host.oas >= 48 ? 48 : 44;
    values.ril = values.host.ril;
    values.ats = values.host.ats && needs_pasid(smmu);
    values.least = least_bits(smmu);
    values.widest = plan_widest_pasid(work);
    values.ssidsize = plan_smmu_ssidsize(work, smmu);
    values.cmdqv = has_cmdqv(smmu);
    values.write_cmdqv = work->target.qemu >= BASE_VERSION(11, 1, 0);
    return values;
}

/* --- what is written already and may stay --- */

static gboolean
oas_is_right(const Values *want, const ViewIommu *now)
{
    if (now->oas.state == BASE_STATE_ABSENT)
        return !want->explicit;
    return base_u64_is_known(now->oas) && (now->oas.value == 44 || now->oas.value == 48) &&
           (!want->known || now->oas.value <= want->host.oas);
}

static gboolean
ssidsize_is_right(const Values *want, const ViewIommu *now)
{
    if (now->ssidsize.state == BASE_STATE_ABSENT)
        return !want->explicit && want->known && want->host.ssid_bits <= want->widest;
    if (!base_u64_is_known(now->ssidsize) || now->ssidsize.value > want->widest ||
        (want->known && now->ssidsize.value > want->host.ssid_bits))
        return FALSE;
    return now->ssidsize.value >= MIN(want->least, want->ssidsize);
}

/* An "on" that the host cannot back is wrong; "auto" is right while a device is there to ask. */
static gboolean
switch_is_right(const Values *want, const ViewIommu *now, BaseTri written, gboolean host_has)
{
    if (written == BASE_UNKNOWN)
        return !want->explicit && now->values_auto == BASE_YES;
    return written == BASE_NO || !want->known || host_has;
}

/* --- writing --- */

static const char *
on_off(gboolean value)
{
    return value ? "on" : "off";
}

/* An <iommu> that is only now accelerated has the values that are written, and no "auto". */
static gboolean
keeps(const ViewIommu *now, const char *attribute)
{
    return now &&
           (now->accel == BASE_YES ||
            (now->iommu->attributes && g_hash_table_contains(now->iommu->attributes, attribute)));
}

static void
write_values(PlanWork *work, PlanSpot driver, const Values *want, const ViewIommu *now)
{
    PlanWhy why = {"what the physical SMMU can do, asked of its registers", NULL};
    PlanWhy oas = {"the addresses that the physical SMMU and QEMU both have", "accel-oas"};
    PlanWhy ssidsize = {"the PASIDs that the devices ask for and the physical SMMU has",
                        "accel-ssidsize"};
    ViommuPlan *plan = work->plan;

    if (!keeps(now, "ats") || !switch_is_right(want, now, now->ats, want->host.ats))
        plan_spot_set(plan, driver, "ats", on_off(want->ats), why);
    if (!keeps(now, "ril") || !switch_is_right(want, now, now->ril, want->host.ril))
        plan_spot_set(plan, driver, "ril", on_off(want->ril), why);
    if (!keeps(now, "ssidsize") || !ssidsize_is_right(want, now))
        plan_spot_setf(plan, driver, "ssidsize", ssidsize, "%u", want->ssidsize);
    if (!keeps(now, "oas") || !oas_is_right(want, now))
        plan_spot_setf(plan, driver, "oas", oas, "%u", want->oas);
    if (want->write_cmdqv &&
        (!keeps(now, "cmdqv") || !switch_is_right(want, now, now->cmdqv, want->cmdqv != BASE_NO)))
        plan_spot_set(plan, driver, "cmdqv", on_off(want->cmdqv == BASE_YES), why);
}

static PlanSpot
spot_of(PlanWork *work, const PlanSmmu *smmu)
{
    PlanWhy why = {"one accelerated vSMMU stands for one physical SMMU", "accel-second-smmu"};
    PlanSpot spot;

    if (smmu->existing)
        return plan_spot(smmu->existing->iommu->node);
    spot = plan_spot_add(work->plan, plan_spot_devices(work->plan), "iommu", NULL, why);
    plan_spot_set(work->plan, spot, "model", "smmuv3", why);
    return spot;
}

static gboolean
is_on(PlanWork *work, PlanSpot driver, const char *name)
{
    g_autofree char *value = plan_spot_get(work->plan, driver, name);

    return g_strcmp0(value, "on") == 0;
}

static void
note_devices(PlanWork *work, const PlanSmmu *smmu, PlanSpot driver)
{
    gboolean ats = is_on(work, driver, "ats"), cmdqv = is_on(work, driver, "cmdqv");

    for (guint i = 0; i < smmu->devices->len; i++) {
        PlanDevice *device = smmu->devices->pdata[i];
        const HostDevice *fact = device->hostdev->fact;

        if (ats && fact && fact->pcie.ats == BASE_NO)
            plan_device_note(device, "has no ATS, though its bus offers it");
        if (cmdqv && i == 0)
            plan_device_note(device, "holds the command queues: it cannot be unplugged before the "
                                     "guest ends");
    }
}

static void
record(PlanWork *work, PlanIommu *iommu, PlanSpot driver)
{
    static const char *const names[] = {"pciBus",   "accel", "ats",  "ril",
                                        "ssidsize", "oas",   "cmdqv"};

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        char *value = plan_spot_get(work->plan, driver, names[i]);

        if (!value)
            continue;
        g_ptr_array_add(iommu->names, g_strdup(names[i]));
        g_ptr_array_add(iommu->values, value);
    }
}

guint
plan_smmu_offered_pasid(const PlanSmmu *smmu)
{
    guint64 bits = 0;
    guint index;

    if (!smmu->iommu ||
        !g_ptr_array_find_with_equal_func(smmu->iommu->names, "ssidsize", g_str_equal, &index) ||
        !base_parse_u64(smmu->iommu->values->pdata[index], 10, &bits))
        return 0;
    return (guint)MIN(bits, PLAN_WIDEST_PASID);
}

/* What was left off because nobody could tell */
static void
note_unknown(PlanWork *work, const PlanSmmu *smmu, const Values *want, PlanSpot driver)
{
    g_autofree char *unit = plan_unit_name(smmu->unit);
    g_autofree char *cmdqv = plan_spot_get(work->plan, driver, "cmdqv");

    if (smmu->unit && want->cmdqv == BASE_UNKNOWN && g_strcmp0(cmdqv, "off") == 0)
        plan_note(work,
                  "cmdqv='off' for %s because it is not known whether it has command queues for "
                  "guests: host facts taken with --probe while a function behind it is bound to "
                  "vfio-pci tell",
                  unit);
}

static void
write_one(PlanWork *work, PlanSmmu *smmu)
{
    PlanWhy why = {"without pciBus libvirt makes a machine-wide SMMU of it and drops accel",
                   "xml-accel-without-pcibus"};
    PlanWhy accel = {"an SMMUv3 that QEMU emulates takes no assigned device", "accel-off-hostdev"};
    const ViewIommu *now = smmu->existing;
    Values want = values_of(work, smmu);
    PlanSpot driver = plan_spot_child(work->plan, spot_of(work, smmu), "driver", NULL, why);

    smmu->iommu =
        plan_iommu_add(work, MODEL_IOMMU_SMMUV3, VIOMMU_MODE_NESTED, now ? now->iommu : NULL);
    smmu->iommu->unit = smmu->unit;
    if (!now || !base_u64_is_known(now->pci_bus) || now->pci_bus.value != smmu->bus)
        plan_spot_setf(work->plan, driver, "pciBus", why, "%u", smmu->bus);
    plan_spot_set(work->plan, driver, "accel", "on", accel);
    write_values(work, driver, &want, now);
    record(work, smmu->iommu, driver);
    for (guint i = 0; i < smmu->devices->len; i++)
        plan_iommufd_write(work, smmu->devices->pdata[i],
                           "an accelerated vSMMU takes devices of the iommufd backend only",
                           "accel-legacy-backend");
    note_devices(work, smmu, driver);
    note_unknown(work, smmu, &want, driver);
}

void
plan_smmu_write(PlanWork *work)
{
    for (guint i = 0; i < work->smmus->len; i++)
        write_one(work, work->smmus->pdata[i]);
    if (work->smmus->len == 0)
        return;
    plan_iommufd_write_default(
        work, "a device that is plugged in later must come through iommufd as well",
        "accel-legacy-backend");
    plan_note(work, "an accelerated vSMMU blocks migration (QEMU 11.1 hw/arm/smmuv3.c:2050)");
}
