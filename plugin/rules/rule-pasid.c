/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Usages pasid and sva: what the device, the vIOMMU and QEMU must bring. */
#include "rule-families.h"
#include "rule-shared.h"
#include "rule-tools.h"

#include "host-isolation.h"

static gboolean
wants_pasid(const RuleCall *call)
{
    return call->hostdev->demand.usage >= VIOMMU_USAGE_PASID && !rule_is_mdev(call);
}

static const char *
usage(const RuleCall *call)
{
    return policy_usage_name(call->hostdev->demand.usage);
}

/* PASID bits of a host IOMMU; UNKNOWN where its registers are not known */
static BaseU64
unit_width(const HostIommu *unit)
{
    HostVtd vtd;
    HostSmmu smmu;
    HostAmd amd;

    if (unit && host_decode_vtd(unit, &vtd))
        return base_u64(vtd.pasid_bits);
    if (unit && host_decode_smmu(unit, &smmu))
        return base_u64(smmu.ssid_bits);
    if (unit && host_decode_amd(unit, &amd))
        return base_u64(amd.pasid_bits);
    return (BaseU64){0};
}

/* What the kernel says of the device, else the lesser of its capability and the IOMMU's width; at
 * most *ret_limit where that is not known. */
static BaseU64
device_width(const ViewHostdev *hostdev, guint64 *ret_limit)
{
    const HostDevice *fact = hostdev->fact;
    BaseU64 own = fact->pcie.pasid_bits, unit = unit_width(hostdev->unit);

    *ret_limit = G_MAXUINT64;
    if (fact->max_pasid_log2.state != BASE_STATE_UNKNOWN)
        return fact->max_pasid_log2;
    if (own.state == BASE_STATE_ABSENT)
        return own;
    if (base_u64_is_known(own) && base_u64_is_known(unit))
        return base_u64(MIN(own.value, unit.value));
    if (base_u64_is_known(own))
        *ret_limit = own.value;
    else if (base_u64_is_known(unit))
        *ret_limit = unit.value;
    return (BaseU64){0};
}

static void
check_device(RuleCall *call)
{
    const HostDevice *fact = call->hostdev->fact;
    BaseU64 wanted = call->hostdev->demand.pasid_bits, width;
    guint64 limit = 0;

    if (!fact) {
        rule_not_applicable(call);
        return;
    }
    width = device_width(call->hostdev, &limit);
    if (base_u64_is_known(width))
        limit = width.value;
    if (width.state == BASE_STATE_ABSENT || limit == 0) {
        rule_fail(call, NULL, NULL, "usage %s, but the device has no PASIDs here", usage(call));
    } else if (base_u64_is_known(wanted) && wanted.value > limit) {
        rule_fail(call, NULL, NULL,
                  "%" G_GUINT64_FORMAT " PASID bits wanted, the device has %" G_GUINT64_FORMAT,
                  wanted.value, limit);
    } else if (width.state == BASE_STATE_UNKNOWN) {
        rule_unknown_of_device(call, &fact->address,
                               limit == G_MAXUINT64 ? "pcie" : "max_pasid_log2");
    }
}

/* Whether the vIOMMU over the device carries PASIDs at all: nested translation */
static gboolean
is_nested(const ViewIommu *iommu)
{
    return rule_is_accel(iommu) || (iommu->iommu->kind == MODEL_IOMMU_INTEL &&
                                    iommu->fsts == BASE_YES && iommu->scalable == BASE_YES);
}

/* (nullable): what to write where the device has no vIOMMU yet, by the host's kind */
static const char *
nested_help(const ViewHostdev *hostdev)
{
    if (!hostdev->unit)
        return NULL;
    switch (hostdev->unit->type) {
    case HOST_IOMMU_VTD:
        return "an <iommu model='intel'> with scalable-mode and fsts (virt-viommu apply writes "
               "it), or a weaker usage";
    case HOST_IOMMU_SMMUV3:
        return "an <iommu model='smmuv3'> with accel='on' over the device's expander bus "
               "(virt-viommu apply writes both), or a weaker usage";
    case HOST_IOMMU_AMD:
    case HOST_IOMMU_SMMUV2:
    case HOST_IOMMU_VIRTIO:
    case HOST_IOMMU_RISCV:
        return "a weaker usage: nothing nests below this host's IOMMU";
    case HOST_IOMMU_UNKNOWN:
    default:
        return NULL;
    }
}

static void
check_nested(RuleCall *call)
{
    const ViewHostdev *hostdev = call->hostdev;

    if (hostdev->covered == BASE_UNKNOWN)
        rule_unknown(call, "the device's guest <address>", "write the <address> on the device");
    else if (!hostdev->viommu)
        rule_fail(call, NULL, nested_help(hostdev), "usage %s, but no vIOMMU covers the device",
                  usage(call));
    else if (!is_nested(hostdev->viommu))
        rule_fail(call, NULL, NULL, "usage %s, but the %s vIOMMU over the device is not nested",
                  usage(call), hostdev->viommu->iommu->model);
}

static gboolean
has_nested(const RuleCall *call)
{
    return wants_pasid(call) && call->hostdev->viommu && is_nested(call->hostdev->viommu);
}

static BaseU64
offered_bits(const ViewIommu *iommu)
{
    return rule_is_accel(iommu) ? iommu->ssidsize : iommu->pasid_bits;
}

static const char *
bits_name(const ViewIommu *iommu)
{
    return rule_is_accel(iommu) ? "ssidsize" : "pasid-bits";
}

static void
check_offered(RuleCall *call)
{
    const ViewIommu *iommu = call->hostdev->viommu;
    BaseU64 offered = offered_bits(iommu);

    if (offered.state == BASE_STATE_UNKNOWN)
        rule_unknown(call, "versions/qemu", "--qemu-version, or a machine with its version");
    else if (base_u64_is_known(offered) && offered.value == 0)
        rule_fail(call, NULL, NULL, "usage %s, but the vIOMMU offers no PASIDs (%s is 0)",
                  usage(call), bits_name(iommu));
}

static void
check_narrow(RuleCall *call)
{
    const ViewIommu *iommu = call->hostdev->viommu;
    BaseU64 offered = offered_bits(iommu), wanted = call->hostdev->demand.pasid_bits;

    if (!base_u64_is_known(offered) || offered.value == 0 || !base_u64_is_known(wanted))
        rule_not_applicable(call);
    else if (offered.value < wanted.value)
        rule_fail(call, NULL, NULL,
                  "%" G_GUINT64_FORMAT " PASID bits wanted, the vIOMMU offers %" G_GUINT64_FORMAT
                  " (%s)",
                  wanted.value, offered.value, bits_name(iommu));
}

static gboolean
wants_sva(const RuleCall *call)
{
    return call->hostdev->demand.usage == VIOMMU_USAGE_SVA && !rule_is_mdev(call) &&
           call->hostdev->viommu;
}

static void
check_sva(RuleCall *call)
{
    if (rule_is_behind(call, MODEL_IOMMU_INTEL))
        rule_fail(call, NULL, NULL, "usage sva, which no VT-d vIOMMU of QEMU can give");
}

/* Linux enables PASIDs when the IOMMU driver takes the device (VT-d, SMMUv3), before any VFIO, and
 * that shows in the capability; AMD's driver does it later. */
static void
check_path(RuleCall *call)
{
    const HostDevice *fact = call->hostdev->fact;
    const HostIommu *unit = call->hostdev->unit;
    g_autofree char *address = fact ? base_pci_format(fact->address) : NULL;
    g_autofree char *path = NULL;
    BaseU64 width;

    if (unit && unit->type == HOST_IOMMU_UNKNOWN && !unit->type_text) {
        path = g_strdup_printf("iommus/%s/type", unit->name);
        rule_unknown(call, path, NULL);
        return;
    }
    if (!fact || !unit || (unit->type != HOST_IOMMU_VTD && unit->type != HOST_IOMMU_SMMUV3) ||
        fact->max_pasid_log2.state != BASE_STATE_UNKNOWN ||
        fact->pcie.pasid_bits.state == BASE_STATE_ABSENT) {
        rule_not_applicable(call);
        return;
    }
    width = host_pasid_bits(call->view->host, unit);
    if (fact->pcie.pasid_enabled == BASE_YES || (base_u64_is_known(width) && width.value == 0))
        return; /* a unit without PASIDs is a finding of its own */
    if (fact->pcie.pasid_enabled == BASE_UNKNOWN || !base_u64_is_known(fact->pcie.pasid_bits) ||
        !base_u64_is_known(width)) {
        path = g_strdup_printf("devices/%s/max_pasid_log2", address);
        rule_unknown(call, path, NULL);
        return;
    }
    rule_fail(call, NULL, NULL,
              "usage %s, the device has %" G_GUINT64_FORMAT
              " PASID bits and %s has %" G_GUINT64_FORMAT ", and Linux did not enable them",
              usage(call), fact->pcie.pasid_bits.value, unit->name, width.value);
}

/* 6.12 was read and says nothing of PASIDs to QEMU, 7.2 does. */
static void
check_kernel(RuleCall *call)
{
    BaseU64 kernel = call->view->host->kernel;
    g_autofree char *version = base_format_version(kernel.value);

    if (kernel.value >= BASE_VERSION(7, 2, 0) ||
        (call->hostdev->fact && call->hostdev->fact->max_pasid_log2.state != BASE_STATE_UNKNOWN))
        return;
    if (kernel.value < BASE_VERSION(6, 13, 0))
        rule_fail(call, NULL, NULL, "usage %s, and Linux %s gives PASIDs to no guest", usage(call),
                  version);
    else
        rule_unknown(call, "max_pasid_log2 of the device",
                     "a probe (virt-viommu host --probe); Linux 6.12 has none, 7.2 has");
}

/* What an override says of the place of the PASID capability, or NULL */
static const char *
written_offset(const RuleCall *call)
{
    return g_hash_table_lookup(call->hostdev->dev->properties, "x-vpasid-cap-offset");
}

/* An alone function 0 that says there are more */
static gboolean
says_multifunction(const RuleCall *call)
{
    const ModelAddress *address = &call->hostdev->dev->address;

    return wants_pasid(call) && call->hostdev->covered == BASE_YES &&
           address->kind == MODEL_ADDRESS_WRITTEN && address->multifunction &&
           address->pci.bus != 0 && address->pci.function == 0 && !rule_has_slot_mate(call);
}

static void
check_multifunction(RuleCall *call)
{
    const HostDevice *fact = call->hostdev->fact;
    BaseTri redirects = fact ? host_pcie_redirects(&fact->pcie) : BASE_UNKNOWN;

    if (!fact) {
        rule_not_applicable(call);
    } else if (redirects == BASE_UNKNOWN) {
        rule_unknown_of_device(call, &fact->address, "pcie");
    } else if (redirects == BASE_NO) {
        rule_fail(
            call, call->hostdev->dev->address.node, NULL,
            "usage %s, but the slot says multifunction='on' of a device without ACS: Linux in "
            "the guest enables no PASID there",
            usage(call));
    }
}

static gboolean
has_offset(const RuleCall *call)
{
    return written_offset(call) != NULL;
}

static void
check_offset(RuleCall *call)
{
    guint64 offset = 0;

    if (!base_parse_u64(written_offset(call), 0, &offset) || offset == 0)
        return;
    if (offset % 4 != 0 || offset < 0x100 || offset > 0xff8)
        rule_fail(call, NULL, NULL,
                  "x-vpasid-cap-offset 0x%" G_GINT64_MODIFIER
                  "x is not a multiple of 4 from 0x100 to 0xff8",
                  offset);
}

static const Rule rules[] = {
    {
        .id = "pasid-device-width",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "PASIDs wanted of a device that has none, or fewer",
        .rationale =
            "The width is the device's own (for a VF its PF's), cut by the host IOMMU; QEMU gives "
            "the guest's function a PASID capability of that width or none.",
        .remedy = "usage dma or guest-iommu for the device, or pasidBits within its width",
        .source = "Linux 7.2 drivers/iommu/iommu.c:438-454, drivers/pci/ats.c:571-585; QEMU 11.1 "
                  "hw/vfio/pci.c:2541-2582",
        .fixer = RULE_FIXER_POLICY,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_SILENT,
        .needs = RULE_NEEDS_DEVICE | RULE_NEEDS_USAGE,
        .check = check_device,
        .applies = wants_pasid,
    },
    {
        .id = "pasid-without-nesting",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "PASIDs wanted without a nested vIOMMU",
        .rationale =
            "A PASID selects one of the guest's own tables, which only hardware can walk: an "
            "accelerated SMMUv3 or VT-d first stage. Shadow vIOMMUs have no PASIDs for assigned "
            "devices, and a device outside a vIOMMU has none at all. Nothing says so at start.",
        .remedy =
            "accel='on' on the SMMUv3 of the device's bus, fsts and scalable-mode on VT-d, or a "
            "weaker usage",
        .source =
            "QEMU 11.1 hw/i386/intel_iommu.c:4816-4830, hw/arm/smmuv3-accel.c; virtio-iommu has "
            "no get_viommu_flags",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_SILENT,
        .needs = RULE_NEEDS_USAGE,
        .check = check_nested,
        .applies = wants_pasid,
    },
    {
        .id = "pasid-off",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "PASIDs wanted of a nested vIOMMU that offers none",
        .rationale =
            "The vIOMMU's width is 0 unless written (VT-d, and SMMUv3 on machines up to "
            "virt-11.0): the guest's device has no PASID capability then, and nothing says so.",
        .remedy =
            "ssidsize in <driver> (SMMUv3), or pasid-bits by qemu:override (VT-d), within the "
            "host's width",
        .source = "QEMU 11.1 hw/vfio/pci.c:2541-2582, hw/core/machine.c:49-52",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_SILENT,
        .needs = RULE_NEEDS_USAGE,
        .check = check_offered,
        .applies = has_nested,
    },
    {
        .id = "pasid-narrow",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "vIOMMU with fewer PASID bits than wanted",
        .rationale = "The guest can use no more address spaces than the vIOMMU's width allows.",
        .remedy = "a wider ssidsize or pasid-bits, or fewer pasidBits in policy or <viommu:intent>",
        .source = "QEMU 11.1 hw/i386/intel_iommu.c:4177-4191, hw/arm/smmuv3.c:2144-2174",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .needs = RULE_NEEDS_USAGE,
        .check = check_narrow,
        .applies = has_nested,
    },
    {
        .id = "pasid-sva-vtd",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "shared virtual addressing wanted behind a VT-d vIOMMU",
        .rationale =
            "A Linux guest binds a process only where ECAP.SMPWC says that page walks are "
            "coherent, and QEMU's VT-d does not set it: sva is refused in the guest, while PASIDs "
            "for other use work.",
        .remedy = "usage pasid for the device",
        .source =
            "Linux 7.2 drivers/iommu/intel/svm.c:28-48; QEMU 11.1 hw/i386/intel_iommu.c (ECAP)",
        .fixer = RULE_FIXER_STACK,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_SILENT,
        .needs = RULE_NEEDS_USAGE,
        .check = check_sva,
        .applies = wants_sva,
    },
    {
        .id = "pasid-path",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "PASIDs wanted of a device for which Linux did not enable them",
        .rationale =
            "Device and IOMMU have PASIDs, and Linux turns them on only where no request can leave "
            "the path to the root: each port above needs ACS request redirect and upstream "
            "forwarding, and end-to-end TLP prefixes must pass. Where that fails the guest's "
            "device has no PASID capability, and nothing says so.",
        .remedy = "a slot whose ports all have ACS and pass TLP prefixes; ACS in the firmware "
                  "set-up",
        .source = "Linux 7.2 drivers/pci/ats.c:440-490 (pci_enable_pasid), "
                  "drivers/iommu/intel/iommu.c:3361, arm-smmu-v3.c:2983",
        .fixer = RULE_FIXER_HOST,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_SILENT,
        .needs = RULE_NEEDS_UNIT | RULE_NEEDS_CONFIG | RULE_NEEDS_USAGE,
        .check = check_path,
        .applies = wants_pasid,
    },
    {
        .id = "pasid-kernel",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "PASIDs wanted on a kernel that has none for guests",
        .rationale =
            "QEMU learns a device's PASID width from IOMMU_GET_HW_INFO and attaches PASIDs through "
            "VFIO. Linux 6.12 has neither: the guest's device has no PASID capability.",
        .remedy = "a newer kernel on the host, or a weaker usage",
        .source = "Linux 6.12 and 7.2 include/uapi/linux/iommufd.h (out_max_pasid_log2), "
                  "include/uapi/linux/vfio.h (VFIO_DEVICE_ATTACH_PASID)",
        .fixer = RULE_FIXER_HOST,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_SILENT,
        .needs = RULE_NEEDS_KERNEL | RULE_NEEDS_USAGE,
        .check = check_kernel,
        .applies = wants_pasid,
    },
    {
        .id = "pasid-multifunction",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "PASIDs wanted of a device whose slot says that it has more functions",
        .rationale =
            "Linux enables PASIDs only where no request can go from one function to another: a "
            "function of several must have ACS, a single one need not. QEMU shows the guest what "
            "multifunction= says, so an attribute that is left of an earlier neighbour is enough "
            "to lose PASIDs, and nothing says so.",
        .remedy = "no multifunction='on' in the device's <address>",
        .source = "Linux 7.2 drivers/pci/ats.c:440-490 (pci_enable_pasid), drivers/pci/pci.c:3555; "
                  "QEMU 11.1 hw/vfio/pci.c (header type is emulated)",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .needs = RULE_NEEDS_CONFIG | RULE_NEEDS_USAGE,
        .check = check_multifunction,
        .applies = says_multifunction,
    },
    {
        .id = "pasid-cap-offset",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "a place for the PASID capability that QEMU cannot use",
        .rationale =
            "QEMU puts the capability at the end of the configuration space unless told otherwise. "
            "A place that does not serve it only logs: vfio: Placing PASID capability at offset "
            "0x102 failed; the domain starts and the device has no PASIDs.",
        .remedy = "leave out x-vpasid-cap-offset",
        .source = "QEMU 11.1 hw/vfio/pci.c:2541-2582, hw/pci/pcie.c:1073",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .check = check_offset,
        .applies = has_offset,
    },
};

const RuleFamily rule_family_pasid = {"pasid", rules, G_N_ELEMENTS(rules)};
