/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PASID widths. The kernel has no quota for them, so the cap is the policy's. */
#include "plan-room.h"

static BaseU64
lowest(BaseU64 a, BaseU64 b)
{
    if (!base_u64_is_known(a))
        return b;
    return base_u64_is_known(b) && b.value < a.value ? b : a;
}

/* What the device itself can: the kernel's answer, else its config space. */
static BaseU64
device_bits(const HostDevice *fact)
{
    if (!fact)
        return (BaseU64){0};
    return base_u64_is_known(fact->max_pasid_log2) ? fact->max_pasid_log2 : fact->pcie.pasid_bits;
}

guint
plan_widest_pasid(const PlanWork *work)
{
    BaseU64 quota = work->policy->domain_quota.pasid_bits;

    return base_u64_is_known(quota) ? (guint)MIN(quota.value, PLAN_WIDEST_PASID)
                                    : PLAN_WIDEST_PASID;
}

gboolean
plan_lacks_pasid(const HostDevice *fact)
{
    return fact && (fact->pcie.pasid_bits.state == BASE_STATE_ABSENT ||
                    (base_u64_is_known(fact->max_pasid_log2) && fact->max_pasid_log2.value == 0));
}

gboolean
plan_check_pasid_device(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    BaseU64 wanted = hostdev->demand.pasid_bits, own = device_bits(hostdev->fact);
    g_autofree char *help = NULL;

    (void)work;
    if (hostdev->demand.usage < VIOMMU_USAGE_PASID)
        return FALSE;
    if (plan_lacks_pasid(hostdev->fact))
        return plan_strike(strike, "pasid-device-width", "usage guest-iommu instead",
                           "the device has no PASID capability");
    if (!base_u64_is_known(wanted) || !base_u64_is_known(own) || own.value >= wanted.value)
        return FALSE;
    help = g_strdup_printf("pasidBits='%" G_GUINT64_FORMAT "'", own.value);
    return plan_strike(strike, "pasid-device-width", help,
                       "the device has %" G_GUINT64_FORMAT " PASID bits, and %" G_GUINT64_FORMAT
                       " are asked for",
                       own.value, wanted.value);
}

static void
set_device(PlanDevice *device, guint bus_bits)
{
    BaseU64 wanted = device->hostdev->demand.pasid_bits;
    BaseU64 own = device_bits(device->hostdev->fact);

    device->pasid_bits = lowest(lowest(base_u64(bus_bits), own), wanted);
    if (!base_u64_is_known(own))
        plan_device_note(device, "its own PASID width is not known");
    if (base_u64_is_known(wanted) && device->pasid_bits.value < wanted.value)
        plan_device_note(device, "gets %" G_GUINT64_FORMAT " PASID bits of %" G_GUINT64_FORMAT,
                         device->pasid_bits.value, wanted.value);
    if (base_u64_is_known(own) && own.value < bus_bits)
        plan_device_note(device, "has %" G_GUINT64_FORMAT " PASID bits, its bus %u", own.value,
                         bus_bits);
}

static void
explain(PlanWork *work, const char *unit, guint bits, const char *all)
{
    BaseU64 quota = work->policy->domain_quota.pasid_bits;
    const char *why = "what the devices ask for";

    if (base_u64_is_known(work->plan->pasid_bits) && work->plan->pasid_bits.value >= bits)
        return;
    if (all)
        why = all;
    else if (base_u64_is_known(quota) && quota.value == bits)
        why = "the policy's quota";
    work->plan->pasid_bits = base_u64(bits);
    g_free(work->plan->pasid_because);
    work->plan->pasid_because = g_strdup_printf("%u bits on %s: %s", bits, unit, why);
}

static void
give(GPtrArray *devices, guint bits)
{
    for (guint i = 0; i < devices->len; i++) {
        PlanDevice *device = devices->pdata[i];

        if (device->usage >= VIOMMU_USAGE_PASID)
            set_device(device, bits);
    }
}

/* x86: one vIOMMU, and the narrowest host IOMMU decides. */
static void
give_first_stage(PlanWork *work)
{
    guint bits = plan_first_stage_pasid_bits(work);
    const PlanDevice *first = work->plan->devices->pdata[0];
    BaseU64 host =
        first->hostdev->unit ? host_pasid_bits(work->host, first->hostdev->unit) : (BaseU64){0};

    if (bits == 0)
        return;
    give(work->plan->devices, bits);
    explain(work, "VT-d", bits,
            base_u64_is_known(host) && host.value == bits ? "all that its ECAP has" : NULL);
}

void
plan_pasid(PlanWork *work)
{
    if (work->family == PLAN_FAMILY_X86 && work->candidate.mode == VIOMMU_MODE_NESTED)
        give_first_stage(work);
    for (guint i = 0; i < work->smmus->len; i++) {
        const PlanSmmu *smmu = work->smmus->pdata[i];
        guint offered = plan_smmu_offered_pasid(smmu), wanted = plan_smmu_ssidsize(work, smmu);
        /* left to "auto" it is what the host has */
        guint bits = offered > 0 ? MIN(offered, wanted) : wanted;
        g_autofree char *unit = plan_unit_name(smmu->unit);
        HostSmmu host;

        give(smmu->devices, bits);
        if (bits > 0)
            explain(work, unit, bits,
                    smmu->unit && host_decode_smmu(smmu->unit, &host) && host.ssid_bits == bits
                        ? "all that its IDR1 has"
                        : NULL);
    }
}
