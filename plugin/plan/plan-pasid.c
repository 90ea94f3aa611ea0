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
explain(PlanWork *work, const PlanSmmu *smmu, guint bits)
{
    BaseU64 quota = work->policy->domain_quota.pasid_bits;
    g_autofree char *unit = plan_unit_name(smmu->unit);
    const char *why = "what the devices ask for";
    HostSmmu host;

    if (smmu->unit && host_decode_smmu(smmu->unit, &host) && host.ssid_bits == bits)
        why = "all that its IDR1 has";
    else if (base_u64_is_known(quota) && quota.value == bits)
        why = "the policy's quota";
    g_free(work->plan->pasid_because);
    work->plan->pasid_because = g_strdup_printf("%u bits on %s: %s", bits, unit, why);
}

void
plan_pasid(PlanWork *work)
{
    for (guint i = 0; i < work->smmus->len; i++) {
        const PlanSmmu *smmu = work->smmus->pdata[i];
        guint bits = plan_smmu_ssidsize(work, smmu);

        for (guint j = 0; j < smmu->devices->len; j++) {
            PlanDevice *device = smmu->devices->pdata[j];

            if (device->usage >= VIOMMU_USAGE_PASID)
                set_device(device, bits);
        }
        if (bits == 0)
            continue;
        if (!base_u64_is_known(work->plan->pasid_bits) || work->plan->pasid_bits.value < bits) {
            work->plan->pasid_bits = base_u64(bits);
            explain(work, smmu, bits);
        }
    }
}
