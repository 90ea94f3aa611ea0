/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Accelerated SMMUv3: what goes wrong without a word of refusal, and what few domains write. */
#include "rule-accel.h"

#include "rule-families.h"
#include "rule-shared.h"
#include "rule-tools.h"

#include <string.h>

/* Whether a conventional bridge is below that SMMU at all */
static gboolean
has_bridge(const RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;

    for (guint i = 0; rule_accel_is(call) && i < domain->controllers->len; i++) {
        const ModelController *it = domain->controllers->pdata[i];

        if (it->index > 0 && model_behind_conventional(domain, it->index) &&
            model_root_bus(domain, it->index) == call->iommu->pci_bus.value)
            return TRUE;
    }
    return FALSE;
}

static gboolean
may_be_accel_function(const RuleCall *call)
{
    return rule_may_be_accel(call) && !rule_is_mdev(call);
}

/* A conventional function sends with its own requester id and with its bridge's. */
static void
check_streams(RuleCall *call)
{
    const ViewIommu *iommu = rule_accel_over(call);

    if (!iommu)
        return;
    if (!call->hostdev->fact)
        rule_not_applicable(call);
    else if (call->hostdev->fact->pcie.state == BASE_STATE_ABSENT)
        rule_fail(call, NULL, NULL,
                  "a conventional PCI function has two stream ids, and a vSMMU takes devices with "
                  "one");
}

static void
check_stage(RuleCall *call)
{
    GHashTable *written = call->iommu->iommu->commandline ? call->iommu->iommu->attributes
                                                          : call->iommu->iommu->properties;
    const char *stage = g_hash_table_lookup(written, "stage");

    if (stage && *stage && strcmp(stage, "1") != 0)
        rule_fail(call, NULL, NULL, "stage='%s' with accel, which takes stage 1 only", stage);
}

static const Rule rules[] = {
    {
        .id = "accel-emulated-behind-bridge",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "emulated device behind a PCI bridge below an accelerated SMMUv3",
        .rationale =
            "QEMU refuses emulated devices there, but behind a conventional bridge it looks at "
            "the bridge's slot 0 only. In any other slot the domain starts, and the guest's "
            "tables for the device are never used.",
        .remedy = "an <address> on a bus that this SMMUv3 does not cover, such as a port of pcie.0",
        .source = "QEMU 11.1 hw/pci/pci.c:2975-2990, hw/arm/smmuv3-accel.c:880",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_SILENT,
        .check = rule_accel_check_emulated_bridge,
        .applies = has_bridge,
    },
    {
        .id = "accel-stream-count",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a device with more than one stream id behind an accelerated SMMUv3",
        .rationale =
            "The kernel maps one stream id of the guest to one of the host. A conventional PCI "
            "function has two, its own and its bridge's. The domain starts and the device is "
            "dead: IOMMU_VDEVICE_ALLOC failed: Operation not supported",
        .remedy = "model='virtio' for that device, or a bus without vIOMMU",
        .source = "Linux 7.2 drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3-iommufd.c:309, "
                  "drivers/acpi/arm64/iort.c (iort_pci_iommu_init); QEMU 11.1 "
                  "hw/arm/smmuv3-accel.c:237",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .needs = RULE_NEEDS_CONFIG,
        .check = check_streams,
        .applies = may_be_accel_function,
    },
    {
        .id = "accel-stage",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "another stage than 1 of an accelerated SMMUv3",
        .rationale = "Stage 2 is the host's. QEMU says: Only stage1 is supported for SMMUv3 with "
                     "accel=on",
        .remedy = "leave out stage",
        .source = "QEMU 11.1 hw/arm/smmuv3.c:2026",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = check_stage,
        .applies = rule_accel_is,
    },
    {
        .id = "accel-values-by-hand",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "SMMUv3 properties that need accel",
        .rationale = "Set past libvirt, by qemu:override or qemu:commandline, they meet QEMU's own "
                     "check: ril can only be disabled if accel=on; ats can only be enabled if "
                     "accel=on; cmdqv can only be enabled if accel=on; oas must be 44 bits when "
                     "accel=off; ssidsize can only be greater than 0 bits if accel=on.",
        .remedy = "accel='on' in <driver>, or no such property",
        .source = "QEMU 11.1 hw/arm/smmuv3.c:2000-2018; run with libvirt 12.8.0 and QEMU 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = rule_accel_check_properties,
        .applies = rule_accel_is_by_hand,
    },
};

const RuleFamily rule_family_accel_device = {"accel", rules, G_N_ELEMENTS(rules)};
