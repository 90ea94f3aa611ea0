/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rule-vtd.h"

#include "host-decode.h"
#include "rule-shared.h"
#include "rule-tools.h"

#define MAX_PASID_BITS 20

gboolean
rule_vtd_over_device(const RuleCall *call)
{
    return rule_is_behind(call, MODEL_IOMMU_INTEL) && !rule_is_mdev(call);
}

gboolean
rule_vtd_first_stage(const RuleCall *call)
{
    return rule_vtd_is(call) && call->iommu->fsts == BASE_YES;
}

gboolean
rule_vtd_has_svm(const RuleCall *call)
{
    return rule_vtd_is(call) && call->iommu->svm == BASE_YES;
}

gboolean
rule_vtd_first_stage_device(const RuleCall *call)
{
    return rule_vtd_over_device(call) && call->hostdev->viommu->fsts == BASE_YES;
}

gboolean
rule_vtd_has_pasid_device(const RuleCall *call)
{
    const ViewIommu *iommu = call->hostdev->viommu;

    return rule_vtd_first_stage_device(call) && base_u64_is_known(iommu->pasid_bits) &&
           iommu->pasid_bits.value > 0;
}

void
rule_vtd_check_scalable(RuleCall *call)
{
    if (call->iommu->scalable != BASE_YES)
        rule_fail(call, NULL, NULL, "first stage (fsts) is on and scalable-mode is off");
}

void
rule_vtd_check_backend(RuleCall *call)
{
    if (call->hostdev->dev->iommufd != BASE_YES)
        rule_fail(call, NULL, NULL,
                  "assigned device is not on iommufd, which VT-d first stage needs for each");
}

void
rule_vtd_check_host(RuleCall *call)
{
    g_autofree char *reason = NULL;
    g_autofree char *path = NULL;
    BaseTri can;

    if (!call->hostdev->unit) {
        rule_not_applicable(call);
        return;
    }
    can = host_can_nest(call->view->host, call->hostdev->unit, &reason);
    if (can == BASE_NO) {
        rule_fail(call, NULL, NULL, "VT-d first stage, but %s cannot nest: %s",
                  call->hostdev->unit->name, reason ? reason : "not supported");
    } else if (can == BASE_UNKNOWN) {
        path = g_strdup_printf("iommus/%s/nest_parent", call->hostdev->unit->name);
        rule_unknown(call, path, reason);
    }
}

void
rule_vtd_check_1g(RuleCall *call)
{
    const HostIommu *unit = call->hostdev->unit;
    HostVtd vtd;

    /* a host that cannot nest at all is refused before that, and another rule says so */
    if (!unit || !host_decode_vtd(unit, &vtd) ||
        host_can_nest(call->view->host, unit, NULL) == BASE_NO) {
        rule_not_applicable(call);
        return;
    }
    if (call->hostdev->viommu->fs1gp == BASE_YES && !vtd.fs1gp)
        rule_fail(call, NULL, NULL,
                  "the vIOMMU offers 1 GiB first-stage pages, %s has none (CAP.FS1GP 0)",
                  unit->name);
}

void
rule_vtd_check_bridge(RuleCall *call)
{
    if (call->hostdev->conventional)
        rule_fail(call, NULL, NULL,
                  "assigned device behind the conventional PCI bridge %u, with VT-d first stage",
                  call->hostdev->dev->address.pci.bus);
}

void
rule_vtd_check_pasid_bits(RuleCall *call)
{
    guint64 bits = call->iommu->pasid_bits.value;

    if (!base_u64_is_known(call->iommu->pasid_bits)) {
        rule_not_applicable(call);
    } else if (bits > MAX_PASID_BITS) {
        rule_fail(call, NULL, NULL, "pasid-bits %" G_GUINT64_FORMAT " is above the %d of PCI", bits,
                  MAX_PASID_BITS);
    } else if (bits > 0 && call->iommu->scalable != BASE_YES) {
        rule_fail(call, NULL, NULL, "pasid-bits %" G_GUINT64_FORMAT " without scalable mode", bits);
    }
}

/* Whether the host kernel offers PASIDs of that device to QEMU: out_max_pasid_log2 above 0 */
static BaseTri
offers_pasids(const HostDevice *fact)
{
    if (base_u64_is_known(fact->max_pasid_log2))
        return base_tri(fact->max_pasid_log2.value > 0);
    if (fact->pcie.pasid_bits.state == BASE_STATE_ABSENT)
        return BASE_NO;
    return fact->pcie.pasid_enabled;
}

void
rule_vtd_check_pasid_host(RuleCall *call)
{
    const ViewHostdev *hostdev = call->hostdev;
    guint64 bits = hostdev->viommu->pasid_bits.value;
    BaseTri offered;
    HostVtd vtd;

    if (!hostdev->unit || !host_decode_vtd(hostdev->unit, &vtd)) {
        rule_not_applicable(call);
        return;
    }
    if (bits <= vtd.pasid_bits)
        return;
    offered = offers_pasids(hostdev->fact);
    if (offered == BASE_YES) {
        rule_fail(call, NULL, NULL,
                  "pasid-bits %" G_GUINT64_FORMAT " exceeds the %u bits of host %s", bits,
                  vtd.pasid_bits, hostdev->unit->name);
    } else if (offered == BASE_UNKNOWN) {
        rule_unknown_of_device(call, &hostdev->fact->address, "max_pasid_log2");
    }
}

void
rule_vtd_check_pasid_stage(RuleCall *call)
{
    const ViewIommu *iommu = call->hostdev->viommu;

    if (iommu->fsts != BASE_YES && base_u64_is_known(iommu->pasid_bits) &&
        iommu->pasid_bits.value > 0)
        rule_fail(call, NULL, NULL,
                  "pasid-bits %" G_GUINT64_FORMAT " without first stage: the device gets no PASID",
                  iommu->pasid_bits.value);
}

void
rule_vtd_check_svm(RuleCall *call)
{
    const ViewIommu *iommu = call->iommu;

    if (iommu->device_iotlb != BASE_YES)
        rule_fail(call, NULL, NULL, "svm is on and the device IOTLB is off");
    else if (iommu->fsts != BASE_YES)
        rule_fail(call, NULL, NULL, "svm is on and first stage is off");
    else if (iommu->dma_translation == BASE_NO)
        rule_fail(call, NULL, NULL, "svm is on and DMA translation is off");
    else if (base_u64_is_known(iommu->pasid_bits) && iommu->pasid_bits.value == 0)
        rule_fail(call, NULL, NULL, "svm is on and pasid-bits is 0");
}

void
rule_vtd_check_errata(RuleCall *call)
{
    if (call->iommu->fsts == BASE_YES)
        rule_fail(call, NULL, NULL,
                  "under first stage devices cannot read the guest's read-only memory, and a guest "
                  "booted with intel_iommu=sm_off breaks");
}
