/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The emulated SMMUv3 against the registers of the physical one, in QEMU's order. */
#include "rule-accel.h"

#include "host-decode.h"
#include "rule-shared.h"

/* QEMU 11.1 hw/arm/tegra241-cmdqv.h:15-17 */
#define CMDQV_VERSION      1
#define CMDQV_LOG2_QUEUES  1
#define CMDQV_LOG2_STREAMS 4

/* The vSMMU over the device and the registers of the host's; NULL: nothing to compare. */
static const ViewIommu *
registers(RuleCall *call, HostSmmu *ret)
{
    const ViewIommu *iommu = rule_accel_over(call);

    if (!iommu)
        return NULL;
    if (!call->hostdev->unit || !host_decode_smmu(call->hostdev->unit, ret)) {
        rule_not_applicable(call);
        return NULL;
    }
    return iommu;
}

static const char *
unit_name(const RuleCall *call)
{
    return call->hostdev->unit->name;
}

void
rule_accel_check_host(RuleCall *call)
{
    const HostIommu *unit = call->hostdev->unit;
    g_autofree char *reason = NULL;
    g_autofree char *path = NULL;
    BaseTri can;

    if (!rule_accel_over(call))
        return;
    if (!unit) {
        rule_not_applicable(call);
        return;
    }
    can = host_can_nest(call->view->host, unit, &reason);
    if (can == BASE_NO) {
        rule_fail(call, NULL, NULL, "accelerated SMMUv3, but host %s cannot nest: %s", unit->name,
                  reason ? reason : "not supported");
    } else if (can == BASE_UNKNOWN) {
        path = g_strdup_printf("iommus/%s/nest_parent", unit->name);
        rule_unknown(call, path, reason);
    }
}

void
rule_accel_check_oas_host(RuleCall *call)
{
    HostSmmu smmu;
    const ViewIommu *iommu = registers(call, &smmu);

    if (iommu && base_u64_is_known(iommu->oas) && iommu->oas.value > smmu.oas)
        rule_fail(call, NULL, smmu.oas >= 44 ? "oas='44'" : "leave out accel: 44 is the least",
                  "oas %" G_GUINT64_FORMAT " exceeds the %u bits of host %s", iommu->oas.value,
                  smmu.oas, unit_name(call));
}

void
rule_accel_check_ssidsize_host(RuleCall *call)
{
    HostSmmu smmu;
    const ViewIommu *iommu = registers(call, &smmu);

    if (iommu && base_u64_is_known(iommu->ssidsize) && iommu->ssidsize.value > smmu.ssid_bits)
        rule_fail(call, NULL, NULL, "ssidsize %" G_GUINT64_FORMAT " exceeds the %u bits of host %s",
                  iommu->ssidsize.value, smmu.ssid_bits, unit_name(call));
}

void
rule_accel_check_ats(RuleCall *call)
{
    HostSmmu smmu;
    const ViewIommu *iommu = registers(call, &smmu);

    if (iommu && iommu->ats == BASE_YES && !smmu.ats)
        rule_fail(call, NULL, NULL, "ats is on, host %s has no ATS (IDR0.ATS 0)", unit_name(call));
}

void
rule_accel_check_ril(RuleCall *call)
{
    HostSmmu smmu;
    const ViewIommu *iommu = registers(call, &smmu);

    if (iommu && iommu->ril == BASE_YES && !smmu.ril)
        rule_fail(call, NULL, NULL, "ril is on, host %s has no range invalidation (IDR3.RIL 0)",
                  unit_name(call));
}

void
rule_accel_check_granules(RuleCall *call)
{
    HostSmmu smmu;

    if (!registers(call, &smmu))
        return;
    if (!smmu.gran4k || !smmu.gran16k || !smmu.gran64k)
        rule_fail(call, NULL, NULL, "host %s lacks %s pages; QEMU demands 4, 16 and 64 KiB",
                  unit_name(call),
                  !smmu.gran4k    ? "4 KiB"
                  : !smmu.gran16k ? "16 KiB"
                                  : "64 KiB");
}

void
rule_accel_check_stream_table(RuleCall *call)
{
    HostSmmu smmu;

    if (!registers(call, &smmu))
        return;
    if (smmu.st_level != 1)
        rule_fail(call, NULL, NULL, "host %s has stream table format %u, QEMU demands 1 (2-level)",
                  unit_name(call), smmu.st_level);
    else if (smmu.ttendian < 2)
        rule_fail(call, NULL, NULL, "host %s does not promise little-endian tables (IDR0.TTENDIAN)",
                  unit_name(call));
    else if (smmu.ttf < 2)
        rule_fail(call, NULL, NULL, "host %s has no AArch64 tables (IDR0.TTF)", unit_name(call));
}

void
rule_accel_check_sidsize(RuleCall *call)
{
    HostSmmu smmu;

    if (registers(call, &smmu) && smmu.sid_bits < 16)
        rule_fail(call, NULL, NULL, "host %s has %u stream id bits, QEMU demands 16",
                  unit_name(call), smmu.sid_bits);
}

gboolean
rule_accel_wants_cmdqv(const RuleCall *call)
{
    const ViewIommu *iommu = call->hostdev->viommu;

    return rule_may_be_accel(call) && (!iommu || iommu->cmdqv == BASE_YES);
}

void
rule_accel_check_cmdqv(RuleCall *call)
{
    const ViewIommu *iommu = rule_accel_over(call);
    const HostIommu *unit = call->hostdev->unit;

    if (!iommu)
        return;
    if (!unit) {
        rule_not_applicable(call);
    } else if (unit->cmdqv == BASE_STATE_ABSENT) {
        rule_fail(call, NULL, NULL, "cmdqv is on, host %s has no command queue virtualisation",
                  unit->name);
    } else if (unit->cmdqv == BASE_STATE_UNKNOWN) {
        g_autofree char *path = g_strdup_printf("iommus/%s/cmdqv", unit->name);

        rule_unknown(call, path, NULL);
    } else if (unit->cmdqv_version != CMDQV_VERSION) {
        rule_fail(call, NULL, NULL, "cmdqv is on, host %s has version %u and QEMU takes %d",
                  unit->name, unit->cmdqv_version, CMDQV_VERSION);
    } else if (unit->cmdqv_log2vcmdqs < CMDQV_LOG2_QUEUES ||
               unit->cmdqv_log2vsids < CMDQV_LOG2_STREAMS) {
        rule_fail(call, NULL, NULL,
                  "cmdqv is on, host %s has %u queues and %u stream ids for a guest, QEMU demands "
                  "%u and %u",
                  unit->name, 1U << unit->cmdqv_log2vcmdqs, 1U << unit->cmdqv_log2vsids,
                  1U << CMDQV_LOG2_QUEUES, 1U << CMDQV_LOG2_STREAMS);
    }
}

void
rule_accel_check_asid16(RuleCall *call)
{
    HostSmmu smmu;

    if (registers(call, &smmu) && !smmu.asid16)
        rule_fail(call, NULL, NULL,
                  "the guest is offered 16-bit ASIDs, host %s has 8 bits (IDR0.ASID16 0)",
                  unit_name(call));
}

void
rule_accel_check_bbml(RuleCall *call)
{
    HostSmmu smmu;

    if (registers(call, &smmu) && smmu.bbml < 2)
        rule_fail(call, NULL, NULL,
                  "the guest is offered break-before-make level 2, host %s has %u (IDR3.BBML)",
                  unit_name(call), smmu.bbml);
}

void
rule_accel_check_stall(RuleCall *call)
{
    HostSmmu smmu;

    if (registers(call, &smmu) && smmu.stall_model == 2)
        rule_fail(call, NULL, NULL,
                  "the guest is offered no stalling, host %s forces it (IDR0.STALL_MODEL 2)",
                  unit_name(call));
}
