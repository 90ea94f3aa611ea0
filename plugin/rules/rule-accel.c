/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The accelerated SMMUv3: what QEMU, libvirt and the physical SMMU demand. */
#include "rule-accel.h"

#include "rule-families.h"
#include "rule-shared.h"

static const Rule rules[] = {
    {
        .id = "accel-emulated-endpoint",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "emulated device below an accelerated SMMUv3",
        .rationale =
            "The guest's tables are used by the host's SMMU, which no emulated device can go "
            "through. QEMU says: Emulated endpoint devices are not allowed when using "
            "arm-smmuv3,accel=on. A device without <address> libvirt puts on the first free port, "
            "an expander's as well.",
        .remedy = "an <address> on a bus that this SMMUv3 does not cover, such as a port of pcie.0",
        .source = "QEMU 11.1 hw/arm/smmuv3-accel.c:892; refused on 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = rule_accel_check_emulated,
        .applies = rule_accel_is,
    },
    {
        .id = "accel-legacy-backend",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "device below an accelerated SMMUv3 on the legacy VFIO backend",
        .rationale =
            "Nested tables are attached through iommufd. QEMU says: vfio-pci endpoint devices "
            "without an iommufd backend not allowed when using arm-smmuv3,accel=on",
        .remedy =
            "<driver name='vfio' iommufd='yes'/> on the device, or <iommufd enabled='yes'/> in "
            "<domain>",
        .source = "QEMU 11.1 hw/arm/smmuv3-accel.c:888; refused on 11.1.2, at hotplug too",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = rule_accel_check_backend,
        .applies = rule_may_be_accel,
    },
    {
        .id = "accel-second-smmu",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "devices of two host SMMUs behind one accelerated SMMUv3",
        .rationale =
            "A vIOMMU object of the kernel belongs to one physical SMMU. The domain starts, QEMU "
            "writes: Failed to attach GBPA hwpt 6 for hiodi devid 7; IOMMU_VDEVICE_ALLOC failed: "
            "Invalid argument; and the vSMMU takes no more commands of the guest, so that no "
            "device behind it does DMA, those of the first host SMMU neither",
        .remedy = "an expander bus and an <iommu model='smmuv3'> of its own for each host SMMU",
        .source =
            "Linux 7.2 drivers/iommu/iommufd/viommu.c:167; QEMU 11.1 hw/arm/smmuv3-accel.c:237; "
            "started on 11.1.2, neither of two NVMe moves data (guest Linux 7.2.13: CMD_SYNC "
            "timeout)",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_SILENT,
        .certain = TRUE,
        .needs = RULE_NEEDS_UNIT,
        .check = rule_accel_check_second_smmu,
        .applies = rule_may_be_accel,
    },
    {
        .id = "accel-bridge",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "assigned device behind a PCI bridge below an accelerated SMMUv3",
        .rationale =
            "Behind a conventional bridge QEMU takes the device for an emulated one. It says: "
            "device 00.00.0 requires iommu MAP notifier which is not currently supported",
        .remedy = "an own pcie-root-port on that expander bus",
        .source = "QEMU 11.1 hw/arm/smmuv3.c:2242, smmuv3-accel.c:880; refused on 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = rule_accel_check_bridge,
        .applies = rule_may_be_accel,
    },
    {
        .id = "accel-off-hostdev",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "assigned device behind an emulated SMMUv3",
        .rationale =
            "An SMMUv3 has no caching mode, so QEMU learns of no mapping and cannot pass it to "
            "VFIO, on either backend. QEMU says: device XX.YY.Z requires iommu MAP notifier which "
            "is not currently supported",
        .remedy =
            "accel='on' with pciBus on an expander bus, model='virtio', or a bus without vIOMMU",
        .source = "QEMU 11.1 hw/arm/smmuv3.c:2242; refused on 11.1.2 with both backends",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = rule_accel_check_off_device,
        .applies = rule_accel_off_device,
    },
    {
        .id = "accel-auto-cold",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "accelerated SMMUv3 with values to be taken from no device",
        .rationale =
            "From virt-11.1 on QEMU takes what is not written from the first assigned device, and "
            "ends when there is none: arm-smmuv3 accel=on with 'auto' properties requires at "
            "least one cold-plugged VFIO device",
        .remedy =
            "ats, ril, ssidsize and oas in <driver>, from the host SMMU that hot-plugged devices "
            "will be behind",
        .source = "QEMU 11.1 hw/arm/smmuv3-accel.c:1107; refused on 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = rule_accel_check_cold,
        .applies = rule_accel_is,
    },
    {
        .id = "accel-oas",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "output address size that QEMU does not have",
        .rationale =
            "libvirt takes any number. QEMU says: QEMU SMMUv3 model only implements auto, 44 bit, "
            "or 48 bit OAS. Other OasMode values are not supported; of a size that no SMMU has: "
            "Parameter 'oas' does not accept value '43'.",
        .remedy = "oas='44' or oas='48', no larger than that of the host SMMU",
        .source = "QEMU 11.1 hw/arm/smmuv3.c:1993; refused on 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = rule_accel_check_oas,
        .applies = rule_accel_has_oas,
    },
    {
        .id = "accel-oas-host",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "output address size above that of the host SMMU",
        .rationale =
            "QEMU says: Host SMMUv3 supports only 44-bit IPA, but the vSMMU OAS implies 48-bit IPA",
        .remedy = "oas no larger than IDR5.OAS of the host SMMU",
        .source = "QEMU 11.1 hw/arm/smmuv3-accel.c:80-170; refused on 11.1.2, at hotplug too",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_REGISTERS,
        .check = rule_accel_check_oas_host,
        .applies = rule_may_be_accel,
    },
    {
        .id = "accel-ssidsize",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "substream id width above 20",
        .rationale =
            "libvirt takes any number. QEMU says: Parameter 'ssidsize' does not accept value '21'",
        .remedy = "ssidsize from 0 to 20",
        .source = "QEMU 11.1 qapi/misc-arm.json (SsidSizeMode); refused on 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = rule_accel_check_ssidsize,
        .applies = rule_accel_has_ssidsize,
    },
    {
        .id = "accel-ssidsize-host",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "more substream id bits than the host SMMU has",
        .rationale = "QEMU says: Host SMMUv3 SSIDSIZE not compatible (host=0, QEMU=8)",
        .remedy = "ssidsize no larger than IDR1.SSIDSIZE of the host SMMU",
        .source = "QEMU 11.1 hw/arm/smmuv3-accel.c:80-170; refused on 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_REGISTERS,
        .check = rule_accel_check_ssidsize_host,
        .applies = rule_may_be_accel,
    },
    {
        .id = "accel-ats",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "ATS that the host SMMU lacks",
        .rationale = "QEMU says: Host SMMUv3 doesn't support Address Translation Services",
        .remedy = "ats='off'",
        .source = "QEMU 11.1 hw/arm/smmuv3-accel.c:80-170; refused on 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_REGISTERS,
        .check = rule_accel_check_ats,
        .applies = rule_may_be_accel,
    },
    {
        .id = "accel-ril",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "range invalidation that the host SMMU lacks",
        .rationale =
            "On machines up to virt-11.0 it is on unless written. QEMU says: Host SMMUv3 doesn't "
            "support Range Invalidation",
        .remedy = "ril='off'",
        .source = "QEMU 11.1 hw/arm/smmuv3-accel.c:80-170, hw/core/machine.c:49-52",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_REGISTERS,
        .check = rule_accel_check_ril,
        .applies = rule_may_be_accel,
    },
    {
        .id = "accel-host-cannot-nest",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "accelerated SMMUv3 on a host that cannot nest",
        .rationale =
            "The kernel needs both stages, no erratum against nesting, and coherent table walks: "
            "IDR3.FWB or the CANWBS flag of the IORT. QEMU says: Failed to allocate hwpt; or: "
            "IOMMU_VIOMMU_ALLOC failed: Operation not supported",
        .remedy = "model='virtio', or a host (or firmware) that can nest",
        .source = "Linux 7.2 drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3-iommufd.c:424-450, "
                  "arm-smmu-v3.c:5181, :4929; refused without CANWBS",
        .fixer = RULE_FIXER_HOST,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_UNIT,
        .check = rule_accel_check_host,
        .applies = rule_may_be_accel,
    },
    {
        .id = "accel-granules",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "host SMMU without one of the page sizes that QEMU demands",
        .rationale =
            "QEMU offers 4, 16 and 64 KiB and takes no host without one of them: Host SMMUv3 "
            "doesn't support 16K translation granule",
        .remedy = "model='virtio'; no attribute changes the page sizes",
        .source = "QEMU 11.1 hw/arm/smmuv3-accel.c:80-170",
        .fixer = RULE_FIXER_STACK,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_REGISTERS,
        .check = rule_accel_check_granules,
        .applies = rule_may_be_accel,
    },
    {
        .id = "accel-stream-table",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "host SMMU with tables of a format that QEMU does not take",
        .rationale =
            "QEMU says: Host SMMUv3 Stream Table format mismatch (host STLEVEL=0, QEMU "
            "STLEVEL=1); doesn't support Little-endian translation table; doesn't support AArch64 "
            "translation table format",
        .remedy = "model='virtio'; no attribute changes the format",
        .source = "QEMU 11.1 hw/arm/smmuv3-accel.c:80-170",
        .fixer = RULE_FIXER_STACK,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_REGISTERS,
        .check = rule_accel_check_stream_table,
        .applies = rule_may_be_accel,
    },
    {
        .id = "accel-sidsize",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "host SMMU with less than 16 stream id bits",
        .rationale = "QEMU says: Host SMMUv3 SIDSIZE not compatible (host=8, QEMU=16)",
        .remedy = "model='virtio'; no attribute changes the width",
        .source = "QEMU 11.1 hw/arm/smmuv3-accel.c:80-170",
        .fixer = RULE_FIXER_STACK,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_REGISTERS,
        .check = rule_accel_check_sidsize,
        .applies = rule_may_be_accel,
    },
    {
        .id = "accel-cmdqv",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "command queues that the host SMMU lacks",
        .rationale =
            "QEMU takes version 1 with at least 2 queues and 16 stream ids for a guest, and says: "
            "Failed to get hardware info: Operation not supported; Host CMDQV: insufficient vCMDQs "
            "log2=0 (need >= 1); CMDQV requested but not supported",
        .remedy = "cmdqv='off', or leave it out",
        .source = "QEMU 11.1 hw/arm/tegra241-cmdqv.c:1089-1104; refused on 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_UNIT,
        .check = rule_accel_check_cmdqv,
        .applies = rule_accel_wants_cmdqv,
    },
    {
        .id = "accel-cmdqv-pages",
        .severity = VIOMMU_SEVERITY_INFO,
        .summary = "command queues in memory of small pages",
        .rationale =
            "A queue must lie in one page of guest memory's backing, as the host's SMMU reads it "
            "by physical address: 8 MiB queues need huge pages.",
        .remedy = "<memoryBacking><hugepages/></memoryBacking>",
        .source = "QEMU 11.1 hw/arm/tegra241-cmdqv.c:100-107, :1010-1026; Linux 7.2 "
                  "drivers/iommu/iommufd/viommu.c:343-347",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_ADVICE,
        .demotable = TRUE,
        .check = rule_accel_check_cmdqv_pages,
        .applies = rule_accel_has_cmdqv,
    },
    {
        .id = "accel-asid16",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "16-bit ASIDs offered over a host SMMU that has 8 bits",
        .rationale =
            "QEMU offers ASID16 without asking the host. A guest that gives out an ASID above 255 "
            "gets event C_BAD_CD for the device and no reason.",
        .remedy =
            "a guest that uses few address spaces, or model='virtio'; no attribute changes the "
            "offer",
        .source =
            "QEMU 11.1 hw/arm/smmuv3.c:276-322 (ASID16 1), smmuv3-accel.c:80-170 (not compared)",
        .fixer = RULE_FIXER_STACK,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .needs = RULE_NEEDS_REGISTERS,
        .check = rule_accel_check_asid16,
        .applies = rule_may_be_accel,
    },
    {
        .id = "accel-bbml",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "break-before-make level offered above that of the host SMMU",
        .rationale =
            "QEMU offers BBML 2 without asking the host. A guest that relies on it changes block "
            "sizes in place, and the host's SMMU may raise a TLB conflict.",
        .remedy = "nothing that the domain could say; model='virtio' avoids it",
        .source =
            "QEMU 11.1 hw/arm/smmuv3.c:276-322 (BBML 2), smmuv3-accel.c:80-170 (not compared)",
        .fixer = RULE_FIXER_STACK,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .needs = RULE_NEEDS_REGISTERS,
        .check = rule_accel_check_bbml,
        .applies = rule_may_be_accel,
    },
    {
        .id = "accel-stall",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "host SMMU that forces the stall model QEMU does not offer",
        .rationale =
            "QEMU offers STALL_MODEL 1 (no stalling) without asking the host. A host that forces "
            "stalling refuses the context descriptors that such a guest writes.",
        .remedy = "nothing that the domain could say; model='virtio' avoids it",
        .source = "QEMU 11.1 hw/arm/smmuv3.c:276-322 (STALL_MODEL 1), smmuv3-accel.c:80-170 (not "
                  "compared)",
        .fixer = RULE_FIXER_STACK,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .needs = RULE_NEEDS_REGISTERS,
        .check = rule_accel_check_stall,
        .applies = rule_may_be_accel,
    },
    {
        .id = "accel-values",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "SMMUv3 values without accel",
        .rationale =
            "They belong to the accelerated SMMUv3. libvirt says at define: accel must be enabled "
            "for iommu model 'smmuv3' when setting ats, ril, ssidsize, oas, or cmdqv",
        .remedy = "accel='on' and pciBus beside them, or leave them out",
        .source = "libvirt 12.8.0, refused at define; QEMU 11.1 hw/arm/smmuv3.c:2001-2018",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = rule_accel_check_values,
        .applies = rule_accel_lacks,
    },
    {
        .id = "accel-needs-kvm",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "accelerated SMMUv3 without KVM",
        .rationale = "QEMU says: SMMUv3 accel=on requires KVM with kernel-irqchip=on support",
        .remedy = "<domain type='kvm'>",
        .source = "QEMU 11.1 hw/arm/virt.c:3882; refused on 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = rule_accel_check_kvm,
        .applies = rule_accel_is,
    },
    {
        .id = "accel-needs-uefi",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "accelerated SMMUv3 without UEFI and ACPI",
        .rationale =
            "The guest learns of its SMMU from the IORT, which UEFI brings. QEMU says: SMMUv3 "
            "with accel=on not supported for DT",
        .remedy = "<os firmware='efi'> and <acpi/> in <features>",
        .source = "QEMU 11.1 hw/arm/virt.c:2042; refused on 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = rule_accel_check_uefi,
        .applies = rule_accel_is,
    },
    {
        .id = "accel-migration",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "migration wanted with an accelerated SMMUv3",
        .rationale = "QEMU says: Migration not supported with SMMUv3 accelerator mode enabled",
        .remedy = "policy without migration for this domain, or usage dma on a bus without vIOMMU",
        .source = "QEMU 11.1 hw/arm/smmuv3.c:2050",
        .fixer = RULE_FIXER_POLICY,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_ADVICE,
        .demotable = TRUE,
        .check = rule_accel_check_migration,
        .applies = rule_accel_is,
    },
    {
        .id = "accel-machine-version",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "machine version that fixes the values of the SMMUv3",
        .rationale =
            "Machines up to virt-11.0 do not take values from the host: what is not written is "
            "ats=off, ril=on, oas=44 and ssidsize=0, so the guest has no ATS and no PASID, and "
            "nothing says so.",
        .remedy = "machine virt-11.1 or later, or ats, ril, oas and ssidsize in <driver>",
        .source = "QEMU 11.1 hw/core/machine.c:49-52",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .check = rule_accel_check_machine,
        .applies = rule_accel_is,
    },
};

const RuleFamily rule_family_accel = {"accel", rules, G_N_ELEMENTS(rules)};
