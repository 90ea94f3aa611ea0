/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VT-d over what is no plain assigned function: mediated devices, and svm over assigned ones. */
#include "rule-families.h"
#include "rule-shared.h"
#include "rule-vtd.h"

static gboolean
is_mdev_below(const RuleCall *call)
{
    return rule_is_behind(call, MODEL_IOMMU_INTEL) && rule_is_mdev(call);
}

static void
check_mdev_caching(RuleCall *call)
{
    const ViewIommu *iommu = call->hostdev->viommu;

    if (iommu->caching_mode != BASE_YES && iommu->dma_translation != BASE_NO)
        rule_fail(call, NULL, "caching_mode='on' in the vIOMMU's <driver>",
                  "mediated device behind a VT-d vIOMMU without caching mode");
}

static void
check_mdev_stage(RuleCall *call)
{
    if (call->hostdev->viommu->fsts == BASE_YES)
        rule_fail(call, NULL, NULL, "mediated device behind a VT-d vIOMMU with first stage");
}

static void
check_svm(RuleCall *call)
{
    if (call->hostdev->viommu->svm == BASE_YES)
        rule_fail(call, NULL, NULL,
                  "assigned device behind a VT-d vIOMMU with svm, which it does not get");
}

static const Rule rules[] = {
    {
        .id = "vtd-mdev-caching-mode",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "mediated device behind a VT-d vIOMMU without caching mode",
        .rationale =
            "QEMU asks for caching mode of functions only, so the domain starts. When the guest "
            "turns DMA remapping on QEMU ends: device 01:00.0 requires caching mode; vfio: DMA "
            "mapping failed, unable to continue. A guest that never does so is safe.",
        .remedy = "caching_mode='on' in the <driver> of <iommu model='intel'>",
        .source = "QEMU 11.1 hw/vfio/pci.c:3637, hw/i386/intel_iommu.c:4079, "
                  "hw/vfio/listener.c:659",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .check = check_mdev_caching,
        .applies = is_mdev_below,
    },
    {
        .id = "vtd-mdev-first-stage",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "mediated device behind VT-d first stage",
        .rationale =
            "First-stage tables are used by the host IOMMU, and a mediated device has none: QEMU "
            "would have to shadow them. A guest does not announce new first-stage mappings, with "
            "caching mode or without, so the device's DMA finds nothing mapped. Nobody says so.",
        .remedy = "leave out fsts, or the mediated device",
        .source = "QEMU 11.1 hw/i386/intel_iommu.c:1707-1716, hw/vfio/pci.c:3637; Linux 7.2 "
                  "drivers/iommu/intel/cache.c:507",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_SILENT,
        .check = check_mdev_stage,
        .applies = is_mdev_below,
    },
    {
        .id = "vtd-svm-assigned",
        .severity = VIOMMU_SEVERITY_INFO,
        .summary = "svm over an assigned device",
        .rationale = "svm adds page requests for emulated devices that can make them; QEMU has no "
                     "way to bring those of an assigned device to the guest.",
        .remedy = "leave out svm",
        .source = "QEMU 11.1 hw/i386/intel_iommu.c (vtd_pri_*), hw/vfio/pci.c (no PRI capability)",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .check = check_svm,
        .applies = rule_vtd_over_device,
    },
};

const RuleFamily rule_family_vtd_device = {"vtd", rules, G_N_ELEMENTS(rules)};
