/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Intel VT-d in the guest: what QEMU, libvirt and the host demand of <iommu model='intel'>. */
#include "rule-vtd.h"

#include "rule-families.h"
#include "rule-shared.h"

static const Rule rules[] = {
    {
        .id = "vtd-caching-mode",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "assigned device behind a VT-d vIOMMU without caching mode",
        .rationale =
            "Without caching mode the guest does not tell QEMU of new mappings, and QEMU could "
            "not pass them on. It refuses every assigned device then, under first stage and with "
            "dma_translation='off' as well. QEMU says: Device assignment is not allowed without "
            "enabling caching-mode=on for Intel IOMMU.",
        .remedy = "caching_mode='on' in the <driver> of <iommu model='intel'>",
        .source =
            "QEMU 11.1 hw/i386/intel_iommu.c:4758 (the same in 10.0.13); refused on 11.1.2 with "
            "and without first stage",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = rule_vtd_check_caching_mode,
        .applies = rule_vtd_over_device,
    },
    {
        .id = "vtd-aw-bits-value",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "address width that QEMU's VT-d does not have",
        .rationale =
            "QEMU's VT-d has 3-level (39 bit) and 4-level (48 bit) tables; first stage has 4 "
            "levels only. libvirt passes any number on. QEMU says: Legacy mode: supported values "
            "for aw-bits are: 39, 48; or: Scalable mode(fsts=on): supported value for aw-bits is: "
            "48; of a number above 255: Parameter 'aw-bits' expects uint8_t.",
        .remedy = "aw_bits='39' or aw_bits='48' in <driver>; with first stage 48",
        .source = "QEMU 11.1 hw/i386/intel_iommu.c:5569-5576; refused on 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = rule_vtd_check_width_value,
        .applies = rule_vtd_is,
    },
    {
        .id = "vtd-aw-bits-host",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "vIOMMU wider than the IOVA space of the host",
        .rationale =
            "QEMU compares aw-bits with the end of the IOVA range that the host kernel offers for "
            "the device. Linux 7.2 takes first-stage tables for plain domains in scalable mode, "
            "and these end at 47 bits, not 48. QEMU says: Failed to set vIOMMU: aw-bits 48 > host "
            "aw-bits 47",
        .remedy = "the next lower of 39 and 48 as aw_bits in <driver>, or a virtio vIOMMU",
        .source = "QEMU 11.1 hw/i386/intel_iommu.c:4732; Linux 7.2 "
                  "drivers/iommu/intel/iommu.c:3013-3017, drivers/iommu/generic_pt/pt_iter.h:230; "
                  "refused on a 47-bit host",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_REGISTERS,
        .check = rule_vtd_check_width_host,
        .applies = rule_vtd_over_device,
    },
    {
        .id = "vtd-aw-bits-memory",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "guest memory that the vIOMMU cannot address",
        .rationale =
            "Table entries that point above the width of the vIOMMU have reserved bits set for "
            "QEMU: the guest's DMA to that memory faults once translation is on, while the domain "
            "starts without a word.",
        .remedy = "aw_bits='48' where the host offers 48 bits, less memory, or a virtio vIOMMU",
        .source = "QEMU 11.1 hw/i386/intel_iommu.c:1159 (IOVA overflow) and VTD_HAW_MASK in "
                  "intel_iommu_internal.h",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .check = rule_vtd_check_width_memory,
        .applies = rule_vtd_is,
    },
    {
        .id = "vtd-first-stage-scalable",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "first stage without scalable mode",
        .rationale =
            "First-stage tables exist in scalable mode only. QEMU says: fsts is only available in "
            "scalable mode",
        .remedy = "scalable-mode=on by qemu:override on the vIOMMU's ua- alias",
        .source = "QEMU 11.1 hw/i386/intel_iommu.c:5563; refused on 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = rule_vtd_check_scalable,
        .applies = rule_vtd_first_stage,
    },
    {
        .id = "vtd-first-stage-backend",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "VT-d first stage with a device on the legacy VFIO backend",
        .rationale =
            "The guest's own tables are attached through iommufd; the container interface cannot "
            "do it. One legacy device among many is enough. QEMU says: Failed to set vIOMMU: Need "
            "IOMMUFD backend when fsts=on; where the host's IOVA space ends at 47 bits, first of "
            "all: Failed to set vIOMMU: aw-bits 48 > host aw-bits 47",
        .remedy =
            "<driver name='vfio' iommufd='yes'/> on each <hostdev>, or <iommufd enabled='yes'/> "
            "in <domain>",
        .source = "QEMU 11.1 hw/i386/intel_iommu_accel.c:30; refused on 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = rule_vtd_check_backend,
        .applies = rule_vtd_first_stage_device,
    },
    {
        .id = "vtd-first-stage-host",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "VT-d first stage on a host that cannot nest",
        .rationale =
            "The guest's tables are stage 1 over a stage 2 of the host. Without scalable mode, "
            "nesting and both stages in the host's registers the kernel refuses the parent, and "
            "QEMU says only: Failed to allocate hwpt: Operation not supported; for other makes of "
            "IOMMU: Incompatible host platform IOMMU type",
        .remedy =
            "leave out fsts (shadow mode), or run the domain on a host whose ECAP has SMTS, NEST, "
            "SSTS and FSTS",
        .source =
            "Linux 7.2 drivers/iommu/intel/iommu.c:2940, iommu.h:537; QEMU 11.1 "
            "hw/vfio/iommufd.c:476, hw/i386/intel_iommu_accel.c:35; refused on a host without NEST",
        .fixer = RULE_FIXER_HOST,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_REGISTERS,
        .check = rule_vtd_check_host,
        .applies = rule_vtd_first_stage_device,
    },
    {
        .id = "vtd-first-stage-1g",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "1 GiB first-stage pages that the host lacks",
        .rationale =
            "QEMU offers 1 GiB first-stage pages unless told otherwise, and the host walks the "
            "guest's tables. QEMU says: First stage 1GB large page is unsupported by host IOMMU",
        .remedy = "fs1gp=off by qemu:override on the vIOMMU's ua- alias",
        .source = "QEMU 11.1 hw/i386/intel_iommu_accel.c:41",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_REGISTERS,
        .check = rule_vtd_check_1g,
        .applies = rule_vtd_first_stage_device,
    },
    {
        .id = "vtd-first-stage-bridge",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "VT-d first stage above a conventional PCI bridge",
        .rationale =
            "Behind a conventional bridge the requester id is the bridge's. QEMU says: Host "
            "device downstream to a PCI bridge is unsupported when fsts=on",
        .remedy = "an own pcie-root-port for the device",
        .source = "QEMU 11.1 hw/i386/intel_iommu_accel.c:54; refused on 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = rule_vtd_check_bridge,
        .applies = rule_vtd_first_stage_device,
    },
    {
        .id = "vtd-pasid-bits",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "PASID width that QEMU's VT-d does not take",
        .rationale =
            "PCI has 20 PASID bits, and PASIDs exist in scalable mode only. QEMU says: PASID "
            "width 21 exceeds Max PASID Width 20 allowed in PCI spec; or: Need to set scalable "
            "mode for PASID",
        .remedy = "pasid-bits from 1 to 20 with scalable-mode=on, or no pasid-bits at all",
        .source = "QEMU 11.1 hw/i386/intel_iommu.c:5582-5587; refused on 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = rule_vtd_check_pasid_bits,
        .applies = rule_vtd_is,
    },
    {
        .id = "vtd-pasid-host",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "more PASID bits than the host IOMMU has",
        .rationale =
            "For a device with PASID QEMU compares pasid-bits with ECAP.PSS + 1 of the host. QEMU "
            "says: PASID bits size 20 > host IOMMU PASID bits size 16. A device without PASID is "
            "not compared.",
        .remedy = "pasid-bits no larger than ECAP.PSS + 1 of the host",
        .source = "QEMU 11.1 hw/i386/intel_iommu_accel.c:48; started with 20 bits over PSS 0 for a "
                  "device without PASID",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_REGISTERS,
        .check = rule_vtd_check_pasid_host,
        .applies = rule_vtd_has_pasid_device,
    },
    {
        .id = "vtd-pasid-stage",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "PASID bits without first stage",
        .rationale =
            "QEMU gives an assigned device a PASID capability under first stage only: in "
            "second-stage scalable mode the width is offered and no assigned device can use it.",
        .remedy = "fsts=on beside scalable-mode=on where the host can nest, or no pasid-bits",
        .source = "QEMU 11.1 hw/i386/intel_iommu.c:4816-4830",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .check = rule_vtd_check_pasid_stage,
        .applies = rule_vtd_over_device,
    },
    {
        .id = "vtd-svm",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "svm without what it builds on",
        .rationale =
            "QEMU says: Need to set device IOTLB for svm; Need to set fsts for svm; Need to set "
            "dma-translation for svm; Need to set PASID support for svm.",
        .remedy =
            "leave out svm, which serves emulated devices only; else iotlb='on', scalable-mode, "
            "fsts and pasid-bits",
        .source = "QEMU 11.1 hw/i386/intel_iommu.c:5594-5609; refused on 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = rule_vtd_check_svm,
        .applies = rule_vtd_has_svm,
    },
    {
        .id = "vtd-snoop-control",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "snoop control with an assigned device",
        .rationale =
            "QEMU starts, and aborts when the guest turns DMA remapping on: Snoop Control with "
            "vhost or VFIO is not supported; then: vfio: DMA mapping failed, unable to continue. "
            "A guest that never does so is safe.",
        .remedy = "leave out snoop-control",
        .source = "QEMU 11.1 hw/i386/intel_iommu.c:4075, hw/vfio/listener.c:659; its start was run",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .check = rule_vtd_check_snoop_control,
        .applies = rule_vtd_over_device,
    },
    {
        .id = "vtd-errata-772415",
        .severity = VIOMMU_SEVERITY_INFO,
        .summary = "VT-d first stage leaves read-only memory out of reach of devices",
        .rationale =
            "Linux 7.2 flags erratum 772415 for every VT-d host, so the flag tells nothing of "
            "this one; QEMU reacts by not mapping read-only sections below a nesting parent: "
            "devices cannot read guest ROM. A guest that boots with intel_iommu=sm_off, or is "
            "restarted into it by kexec, falls back to shadow tables that do not fit that. Sites "
            "whose guests do so raise this rule to an error.",
        .remedy = "nothing where guests stay in scalable mode; else leave out fsts",
        .source = "Linux 7.2 drivers/iommu/intel/iommu.c:3704, :2958; QEMU 11.1 "
                  "hw/i386/intel_iommu_accel.c:512-524, docs/devel/vfio-iommufd.rst:173-181",
        .fixer = RULE_FIXER_POLICY,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .check = rule_vtd_check_errata,
        .applies = rule_vtd_is,
    },
    {
        .id = "vtd-intremap-irqchip",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "interrupt remapping without a split interrupt controller",
        .rationale =
            "Interrupt remapping needs the I/O APIC in QEMU. libvirt refuses any other at define: "
            "IOMMU interrupt remapping requires split I/O APIC (ioapic driver='qemu'); "
            "since 10.10 it writes the element by itself where none is. QEMU says: Interrupt "
            "Remapping cannot work with kernel-irqchip=on, please use 'split|off'.",
        .remedy = "<ioapic driver='qemu'/> in <features>",
        .source = "libvirt 11.3 src/qemu/qemu_validate.c (interrupt remapping); QEMU 11.1 "
                  "hw/i386/x86-iommu.c:118, refused on 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = rule_vtd_check_irqchip,
        .applies = rule_vtd_may_have_intremap,
    },
    {
        .id = "vtd-eim-needs-intremap",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "extended interrupt mode without interrupt remapping",
        .rationale = "libvirt says at define: IOMMU eim requires interrupt remapping to be enabled",
        .remedy = "intremap='on' beside eim='on'",
        .source = "libvirt 12.8.0, refused at define; QEMU 11.1 hw/i386/intel_iommu.c:5545",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = rule_vtd_check_eim,
        .applies = rule_vtd_may_have_eim,
    },
    {
        .id = "vtd-eim-needs-kvm",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "extended interrupt mode without KVM on an old QEMU",
        .rationale = "QEMU 7.2 says: eim=on requires accel=kvm,kernel-irqchip=split. Later ones "
                     "take it without KVM as well.",
        .remedy = "<domain type='kvm'>, or no eim",
        .source = "QEMU 7.2 hw/i386/intel_iommu.c:4029, 10.0 :4752; run on 7.2 and 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_QEMU,
        .check = rule_vtd_check_eim_without_kvm,
        .applies = rule_vtd_has_eim_without_kvm,
    },
    {
        .id = "vtd-many-vcpus",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "more than 255 vCPUs without extended interrupt mode",
        .rationale =
            "Interrupts to APIC ids above 255 need interrupt remapping in extended mode. libvirt "
            "before 10.10 does not add it and says at define: more than 255 vCPUs require "
            "extended interrupt mode enabled on the iommu device",
        .remedy = "<iommu model='intel'><driver intremap='on' caching_mode='on' eim='on'/></iommu>",
        .source = "libvirt 11.3 src/qemu/qemu_validate.c; 10.10 NEWS",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = rule_vtd_check_many_vcpus,
        .applies = rule_vtd_has_many_vcpus,
    },
    {
        .id = "vtd-eim-off",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "extended interrupt mode switched off with more than 255 vCPUs",
        .rationale =
            "libvirt 12.8 takes it where the I/O APIC is in QEMU, and the domain starts; a guest "
            "without another way to reach APIC ids above 255 leaves these vCPUs off.",
        .remedy = "eim='on' in <driver>",
        .source = "libvirt 12.8.0 and QEMU 11.1.2, started with eim='off' and 256 vCPUs",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .check = rule_vtd_check_eim_off,
        .applies = rule_vtd_has_eim_off,
    },
    {
        .id = "vtd-dma-translation-off",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "usage that needs translation behind a vIOMMU without it",
        .rationale = "dma_translation='off' leaves interrupt remapping alone: the guest has no DMA "
                     "isolation to give, and nothing says so.",
        .remedy = "leave out dma_translation, or usage dma for the device",
        .source =
            "QEMU 11.1 hw/i386/intel_iommu.c (dma-translation); libvirt 12.8 formatdomain.html, "
            "dma_translation",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_SILENT,
        .needs = RULE_NEEDS_USAGE,
        .check = rule_vtd_check_translation,
        .applies = rule_vtd_lacks_translation,
    },
    {
        .id = "vtd-migration",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "migration wanted with a vIOMMU over an assigned device",
        .rationale =
            "A device that tracks its own writes cannot tell which guest address an IOVA was. "
            "QEMU says: Migration is currently not supported with vIOMMU enabled; a device whose "
            "writes the host IOMMU tracks is not concerned.",
        .remedy = "policy without migration for this domain, or no vIOMMU",
        .source = "QEMU 11.1 hw/vfio/migration.c:1344, :1423",
        .fixer = RULE_FIXER_POLICY,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_ADVICE,
        .demotable = TRUE,
        .check = rule_check_migration,
        .applies = rule_vtd_is,
    },
};

const RuleFamily rule_family_vtd = {"vtd", rules, G_N_ELEMENTS(rules)};
