/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an IOMMU can carry on this host, and why not more. */
#include "host-width.h"

#include "base-text.h"
#include "host-registers.h"

BaseU64
host_iova_bits(const ViommuHost *host, const HostIommu *iommu, HostTable table)
{
    /* a probe measured what this kernel really offers */
    if (table == HOST_TABLE_PLAIN && base_u64_is_known(iommu->aperture_bits))
        return iommu->aperture_bits;
    switch (iommu->type) {
    case HOST_IOMMU_VTD:
        return host_vtd_iova_bits(host, iommu, table);
    case HOST_IOMMU_AMD:
        return host_amd_iova_bits(host, iommu, table);
    case HOST_IOMMU_SMMUV3:
        return host_smmu_iova_bits(iommu, table);
    case HOST_IOMMU_UNKNOWN:
    case HOST_IOMMU_SMMUV2:
    case HOST_IOMMU_VIRTIO:
    case HOST_IOMMU_RISCV:
        break;
    }
    return (BaseU64){0};
}

static BaseU64
vtd_pasid_bits(const ViommuHost *host, const HostIommu *iommu)
{
    HostVtd vtd;

    if (!host_decode_vtd(iommu, &vtd))
        return (BaseU64){0};
    /* VFIO of 6.12 cannot attach the guest's PASIDs (no VFIO_DEVICE_ATTACH_PASID in its
     * include/uapi/linux/vfio.h), that of 7.2 can */
    if (!vtd.pasid ||
        (base_u64_is_known(host->kernel) && host->kernel.value < BASE_VERSION(6, 13, 0)))
        return base_u64(0);
    switch (host_vtd_scalable(host, iommu)) {
    case BASE_YES: /* pasid_supported: intel/iommu.h:531-538 */
        return base_u64(vtd.pasid_bits);
    case BASE_NO:
        return base_u64(0);
    case BASE_UNKNOWN:
        break;
    }
    return (BaseU64){0};
}

BaseU64
host_pasid_bits(const ViommuHost *host, const HostIommu *iommu)
{
    HostAmd amd;

    switch (iommu->type) {
    case HOST_IOMMU_VTD:
        return vtd_pasid_bits(host, iommu);
    case HOST_IOMMU_AMD:
        return host_decode_amd(iommu, &amd) ? base_u64(amd.pasid_bits) : (BaseU64){0};
    case HOST_IOMMU_SMMUV3:
        return host_iommu_bits(iommu, HOST_IDR1_SSIDSIZE);
    case HOST_IOMMU_SMMUV2:
    case HOST_IOMMU_VIRTIO:
    case HOST_IOMMU_RISCV:
    case HOST_IOMMU_UNKNOWN:
        break;
    }
    return (BaseU64){0};
}

BaseU64
host_domain_ids(const HostIommu *iommu)
{
    BaseU64 field =
        iommu->type == HOST_IOMMU_VTD ? host_iommu_bits(iommu, HOST_CAP_ND) : (BaseU64){0};

    if (base_u64_is_known(iommu->domains_supported) || !base_u64_is_known(field))
        return iommu->domains_supported;
    return base_u64(G_GUINT64_CONSTANT(1) << (4 + 2 * field.value));
}

BaseTri
host_gives_pasids(const ViommuHost *host)
{
    if (!base_u64_is_known(host->kernel))
        return BASE_UNKNOWN;
    if (host->kernel.value < BASE_VERSION(6, 13, 0))
        return BASE_NO;
    return host->kernel.value >= BASE_VERSION(7, 2, 0) ? BASE_YES : BASE_UNKNOWN;
}

/* --- what is in the way --- */

typedef enum {
    ANSWER_YES,
    NOT_TRANSLATED,
    VTD_REGISTERS,
    VTD_NO_SCALABLE,
    VTD_NO_NEST,
    VTD_NO_STAGES,
    VTD_REFUSED,
    VTD_SCALABLE_OFF,
    VTD_SCALABLE_UNKNOWN,
    VTD_UNTRIED,
    SMMU_NO_STAGES,
    SMMU_ERRATUM,
    SMMU_REFUSED,
    SMMU_NO_WALKS,
    SMMU_KERNEL,
    SMMU_NO_VIOMMU,
    SMMU_VIOMMU_REFUSED,
    SMMU_REGISTERS,
    SMMU_WALKS_UNKNOWN,
    SMMU_UNTRIED,
    SMMU_INCOHERENT,
    AMD_LATER,
    AMD_NONE,
    AMD_OFF,
    OTHER_NONE,
    TYPE_UNKNOWN,
    IOMMUFD_NONE,
    IOMMUFD_UNKNOWN,
    CDEV_NONE,
    MSI_SHARED,
    MSI_UNKNOWN,
    MSI_SWITCH_UNKNOWN,
    VFIO_NONE,
    VFIO_UNKNOWN,
} Answer;

static const struct {
    BaseTri value;
    const char *reason;
    const char *next; /* the one step that would change it; NULL: none on this host */
} answers[] = {
    [ANSWER_YES] = {BASE_YES, NULL, NULL},
    [NOT_TRANSLATED] = {BASE_NO, "no IOMMU translates this function", NULL},
    [VTD_REGISTERS] = {BASE_UNKNOWN, "CAP and ECAP of this VT-d unit are not known",
                       "facts of the host itself: virt-viommu host --save"},
    [VTD_NO_SCALABLE] = {BASE_NO, "VT-d without scalable mode (ECAP.SMTS is 0)", NULL},
    [VTD_NO_NEST] = {BASE_NO, "VT-d without nested translation (ECAP.NEST is 0)", NULL},
    [VTD_NO_STAGES] = {BASE_NO, "VT-d needs both stages in scalable mode (ECAP.FSTS, ECAP.SSTS)",
                       NULL},
    [VTD_REFUSED] = {BASE_NO, "the kernel refused a nest parent on this unit", NULL},
    [VTD_SCALABLE_OFF] = {BASE_NO, "scalable mode is off: boot with intel_iommu=on,sm_on",
                          "boot with intel_iommu=on,sm_on"},
    [VTD_SCALABLE_UNKNOWN] = {BASE_UNKNOWN,
                              "whether scalable mode is on: intel_iommu=sm_on on the command line, "
                              "or a probe, would tell",
                              "virt-viommu host --probe, with an idle function behind it"},
    [VTD_UNTRIED] = {BASE_UNKNOWN, "a nest parent was not tried on this kernel (--probe)",
                     "virt-viommu host --probe, with an idle function behind it"},
    [SMMU_NO_STAGES] = {BASE_NO, "SMMUv3 without both stages (IDR0.S1P, IDR0.S2P)", NULL},
    [SMMU_ERRATUM] = {BASE_NO, "errata of this SMMU: Linux does not nest on it", NULL},
    [SMMU_REFUSED] = {BASE_NO, "the kernel refused a nest parent on this SMMU", NULL},
    [SMMU_NO_WALKS] = {BASE_NO, "no S2FWB and no CANWBS: firmware must set it in IORT",
                       "firmware that sets CANWBS in IORT, where the platform is coherent"},
    /* arm-smmu-v3.h:1273: without it the driver has no vIOMMU */
    [SMMU_KERNEL] = {BASE_NO, "the kernel is built without CONFIG_ARM_SMMU_V3_IOMMUFD",
                     "a kernel with CONFIG_ARM_SMMU_V3_IOMMUFD"},
    [SMMU_NO_VIOMMU] = {BASE_NO,
                        "the kernel refused a vIOMMU: no S2FWB and no CANWBS, or built without "
                        "CONFIG_ARM_SMMU_V3_IOMMUFD",
                        "a kernel with CONFIG_ARM_SMMU_V3_IOMMUFD, if this one is without"},
    [SMMU_VIOMMU_REFUSED] = {BASE_NO,
                             "the kernel refused a vIOMMU though page table walks are coherent: "
                             "built without CONFIG_ARM_SMMU_V3_IOMMUFD?",
                             "a kernel with CONFIG_ARM_SMMU_V3_IOMMUFD"},
    [SMMU_REGISTERS] = {BASE_UNKNOWN,
                        "IDR0 is not known: it takes an idle function behind this SMMU (--probe)",
                        "virt-viommu host --probe, with an idle function behind it"},
    [SMMU_WALKS_UNKNOWN] = {BASE_UNKNOWN,
                            "whether page table walks are coherent: IDR3, IORT (as root) or "
                            "--probe would tell",
                            "virt-viommu host --probe as root, with an idle function behind it"},
    [SMMU_UNTRIED] = {BASE_UNKNOWN,
                      "a vIOMMU was not tried on this kernel: Linux 6.12 has none, 7.2 has "
                      "(--probe)",
                      "virt-viommu host --probe, with an idle function behind it"},
    /* vfio refuses the device: Linux 7.2 vfio_main.c:356 */
    [SMMU_INCOHERENT] = {BASE_NO, "SMMUv3 without coherent access (IDR0.COHACC is 0): vfio refuses",
                         NULL},
    [AMD_LATER] = {BASE_UNKNOWN, "AMD nesting is not known of kernels after Linux 7.3",
                   "a later virt-viommu"},
    /* Linux 7.2 amd/iommufd.c:75-77: the vIOMMU has no way to make a nested page table; the uapi
     * of 7.3 brings none either */
    [AMD_NONE] = {BASE_NO, "AMD: this kernel has no nested translation for guests (Linux 7.2)",
                  NULL},
    [AMD_OFF] = {BASE_NO, "AMD: host translation is off (EFR.HATS is 3)", NULL},
    [OTHER_NONE] = {BASE_NO, "Linux has no nested translation for this kind of IOMMU", NULL},
    [TYPE_UNKNOWN] = {BASE_UNKNOWN, "the kind of this IOMMU is not known",
                      "a later virt-viommu, or complete facts"},
    [IOMMUFD_NONE] = {BASE_NO, "no iommufd: the kernel needs CONFIG_IOMMUFD",
                      "a kernel with CONFIG_IOMMUFD and CONFIG_VFIO_DEVICE_CDEV"},
    [IOMMUFD_UNKNOWN] = {BASE_UNKNOWN, "whether this kernel has iommufd is not known",
                         "facts of the host itself: virt-viommu host --save"},
    /* Linux 7.2 drivers/iommu/iommu.c:2032: EPERM */
    [CDEV_NONE] = {BASE_NO, "no VFIO character devices: the kernel needs CONFIG_VFIO_DEVICE_CDEV",
                   "a kernel with CONFIG_VFIO_DEVICE_CDEV"},
    [MSI_SHARED] = {BASE_NO, "no isolated MSI: vfio refuses without interrupt remapping", NULL},
    [MSI_UNKNOWN] = {BASE_UNKNOWN, "whether interrupts are remapped (isolated MSI) is not known",
                     "facts of the host itself: virt-viommu host --save"},
    [MSI_SWITCH_UNKNOWN] = {BASE_UNKNOWN,
                            "no isolated MSI, and whether vfio does without "
                            "(allow_unsafe_interrupts) is not known",
                            NULL},
    [VFIO_NONE] = {BASE_NO, "no VFIO: load vfio-pci", "modprobe vfio-pci"},
    [VFIO_UNKNOWN] = {BASE_UNKNOWN,
                      "whether VFIO is there (/dev/vfio/vfio, /dev/iommu) is not known",
                      "facts of the host itself: virt-viommu host --save"},
};

static BaseTri
answer(Answer which, char **ret_reason)
{
    if (ret_reason)
        *ret_reason = g_strdup(answers[which].reason);
    return answers[which].value;
}

/* Nobody tried it: whether this kernel's driver can is then a matter of its release, and vendor
 * kernels carry back-ports, so only a release known to have it counts. */
static gboolean
kernel_has(const ViommuHost *host, guint64 version)
{
    return base_u64_is_known(host->kernel) && host->kernel.value >= version;
}

static Answer
can_nest_vtd(const ViommuHost *host, const HostIommu *iommu)
{
    HostVtd vtd;
    BaseTri scalable;

    if (!host_decode_vtd(iommu, &vtd))
        return VTD_REGISTERS;
    if (!vtd.smts)
        return VTD_NO_SCALABLE;
    if (!vtd.nest)
        return VTD_NO_NEST;
    if (!vtd.fsts || !vtd.ssts)
        return VTD_NO_STAGES;
    if (iommu->nest_parent == BASE_NO)
        return VTD_REFUSED;
    scalable = host_vtd_scalable(host, iommu);
    if (scalable == BASE_NO)
        return VTD_SCALABLE_OFF;
    if (scalable == BASE_UNKNOWN)
        return VTD_SCALABLE_UNKNOWN;
    /* 6.12 has it (6.12 intel/iommu.c:1825); older ones we have not read */
    if (iommu->nest_parent == BASE_UNKNOWN && !kernel_has(host, BASE_VERSION(6, 12, 0)))
        return VTD_UNTRIED;
    return ANSWER_YES;
}

/* The table walks of a nested domain must be coherent: S2FWB, or CANWBS from the firmware (Linux
 * 7.2 arm-smmu-v3-iommufd.c:439-450). */
static BaseTri
smmu_walks_coherent(const HostIommu *iommu)
{
    BaseU64 forced = host_iommu_bits(iommu, HOST_IDR3_FWB);

    if (iommu->canwbs == BASE_YES)
        return BASE_YES;
    if (!base_u64_is_known(forced))
        return BASE_UNKNOWN;
    return forced.value ? BASE_YES : iommu->canwbs;
}

/* Why no nest parent can be had; ANSWER_YES: it can */
static Answer
smmu_parent(const HostIommu *iommu)
{
    BaseU64 first = host_iommu_bits(iommu, HOST_IDR0_S1P);
    BaseU64 second = host_iommu_bits(iommu, HOST_IDR0_S2P);

    if (iommu->nest_parent == BASE_YES)
        return ANSWER_YES;
    if (base_u64_is_known(first) && !(first.value && second.value))
        return SMMU_NO_STAGES;
    if (host_smmu_erratum(iommu))
        return SMMU_ERRATUM;
    if (iommu->nest_parent == BASE_NO)
        return SMMU_REFUSED;
    return base_u64_is_known(first) ? ANSWER_YES : SMMU_REGISTERS;
}

/* A nest parent alone does not tell: it was seen to work where IOMMU_VIOMMU_ALLOC failed. */
static Answer
can_nest_smmu(const ViommuHost *host, const HostIommu *iommu)
{
    Answer parent = smmu_parent(iommu);
    BaseTri walks = smmu_walks_coherent(iommu);

    if (iommu->viommu_alloc == BASE_YES && iommu->nest_parent != BASE_NO)
        return ANSWER_YES;
    if (answers[parent].value == BASE_NO)
        return parent;
    if (walks == BASE_NO)
        return SMMU_NO_WALKS;
    if (host_kernel_lacks(host, "CONFIG_ARM_SMMU_V3_IOMMUFD"))
        return SMMU_KERNEL;
    if (iommu->viommu_alloc == BASE_NO)
        return walks == BASE_YES ? SMMU_VIOMMU_REFUSED : SMMU_NO_VIOMMU;
    if (parent != ANSWER_YES)
        return parent;
    if (walks == BASE_UNKNOWN)
        return SMMU_WALKS_UNKNOWN;
    return kernel_has(host, BASE_VERSION(7, 2, 0)) ? ANSWER_YES : SMMU_UNTRIED;
}

/* What becomes of interrupts where @unsafe is the backend's own switch to do without remapping:
 * Linux 7.2 drivers/iommu/iommufd/device.c:14-19, drivers/vfio/vfio_iommu_type1.c:53 */
static Answer
takes_interrupts(const ViommuHost *host, BaseTri unsafe)
{
    if (host->isolated_msi == BASE_YES || unsafe == BASE_YES)
        return ANSWER_YES;
    if (host->isolated_msi == BASE_UNKNOWN)
        return MSI_UNKNOWN;
    return unsafe == BASE_NO ? MSI_SHARED : MSI_SWITCH_UNKNOWN;
}

static Answer
has_iommufd_interrupts(const ViommuHost *host)
{
    return takes_interrupts(host, host_iommufd_is_unsafe(host));
}

/* What the kernel as a whole lacks. */
static Answer
has_iommufd(const ViommuHost *host)
{
    Answer interrupts = has_iommufd_interrupts(host);

    if (host->iommufd == BASE_NO)
        return IOMMUFD_NONE;
    if (host->vfio_cdev == BASE_NO)
        return CDEV_NONE;
    if (interrupts == MSI_SHARED || host->iommufd == BASE_YES)
        return interrupts;
    return IOMMUFD_UNKNOWN;
}

static Answer
can_nest_by_type(const ViommuHost *host, const HostIommu *iommu)
{
    switch (iommu->type) {
    case HOST_IOMMU_VTD:
        return can_nest_vtd(host, iommu);
    case HOST_IOMMU_SMMUV3:
        return can_nest_smmu(host, iommu);
    case HOST_IOMMU_AMD:
        return kernel_has(host, BASE_VERSION(7, 4, 0)) ? AMD_LATER : AMD_NONE;
    case HOST_IOMMU_SMMUV2:
    case HOST_IOMMU_VIRTIO:
    case HOST_IOMMU_RISCV:
        return OTHER_NONE;
    case HOST_IOMMU_UNKNOWN:
        break;
    }
    return TYPE_UNKNOWN;
}

static Answer
nesting(const ViommuHost *host, const HostIommu *iommu)
{
    Answer hardware, kernel;

    if (!iommu)
        return NOT_TRANSLATED;
    hardware = can_nest_by_type(host, iommu);
    kernel = has_iommufd(host);
    /* hardware that cannot is the answer that no other kernel changes */
    if (answers[hardware].value == BASE_NO ||
        (answers[hardware].value == BASE_UNKNOWN && answers[kernel].value != BASE_NO))
        return hardware;
    return kernel;
}

static Answer
through(BaseTri backend, Answer interrupts)
{
    if (backend == BASE_NO)
        return VFIO_NONE;
    if (answers[interrupts].value != BASE_NO && backend == BASE_UNKNOWN)
        return VFIO_UNKNOWN;
    return interrupts;
}

/* Whichever backend is there and takes this host's interrupts */
static Answer
has_backend(const ViommuHost *host)
{
    Answer interrupts = takes_interrupts(host, host_container_is_unsafe(host));
    Answer legacy = through(host->vfio_container, interrupts);
    Answer iommufd = through(host->iommufd, has_iommufd_interrupts(host));

    if (legacy == ANSWER_YES || iommufd == ANSWER_YES)
        return ANSWER_YES;
    if (answers[legacy].value == BASE_UNKNOWN)
        return legacy;
    if (answers[iommufd].value == BASE_UNKNOWN)
        return iommufd;
    /* what the host cannot is told before what is not loaded */
    return interrupts == MSI_SHARED || iommufd == MSI_SHARED ? MSI_SHARED : VFIO_NONE;
}

static Answer
shadowing(const ViommuHost *host, const HostIommu *iommu)
{
    BaseU64 coherent = iommu ? host_iommu_bits(iommu, HOST_IDR0_COHACC) : (BaseU64){0};
    HostAmd amd;

    if (!iommu)
        return NOT_TRANSLATED;
    if (host_decode_amd(iommu, &amd) && amd.host_bits == 0)
        return AMD_OFF;
    if (iommu->type == HOST_IOMMU_SMMUV3 && base_u64_is_known(coherent) && !coherent.value)
        return SMMU_INCOHERENT;
    return has_backend(host);
}

BaseTri
host_can_nest(const ViommuHost *host, const HostIommu *iommu, char **ret_reason)
{
    return answer(nesting(host, iommu), ret_reason);
}

BaseTri
host_can_shadow(const ViommuHost *host, const HostIommu *iommu, char **ret_reason)
{
    return answer(shadowing(host, iommu), ret_reason);
}

/* --- what it comes to --- */

/* Interrupts can be remapped where nothing is translated. */
static BaseTri
remaps_interrupts(const HostIommu *iommu)
{
    BaseU64 remapping = {0};

    if (iommu && iommu->type == HOST_IOMMU_AMD)
        return BASE_YES;
    if (!iommu || iommu->type != HOST_IOMMU_VTD)
        return BASE_NO;
    remapping = host_iommu_bits(iommu, HOST_ECAP_IR);
    return base_u64_is_known(remapping) ? base_tri(remapping.value != 0) : BASE_UNKNOWN;
}

void
host_iommu_verdict(const ViommuHost *host, const HostIommu *iommu, HostVerdict *ret)
{
    /* by BaseTri */
    static const char *const without_shadow[] = {
        [BASE_UNKNOWN] = NULL, [BASE_NO] = "none", [BASE_YES] = "irq"};
    Answer nest = nesting(host, iommu), shadow = shadowing(host, iommu);

    *ret = (HostVerdict){.nest = answers[nest].value, .shadow = answers[shadow].value};
    if (ret->shadow == BASE_NO)
        ret->mode = without_shadow[remaps_interrupts(iommu)];
    else if (ret->shadow == BASE_YES)
        ret->mode = ret->nest == BASE_YES ? "nested" : "shadow";
    if (shadow != ANSWER_YES) {
        ret->why_not_shadow = answers[shadow].reason;
        ret->next = answers[shadow].next;
    }
    if (nest != ANSWER_YES)
        ret->why_not_nested = answers[nest].reason;
    if (nest != ANSWER_YES && !ret->next)
        ret->next = answers[nest].next;
    if (shadow == MSI_SHARED)
        ret->next = host_remapping_step(host);
    if (shadow == NOT_TRANSLATED)
        ret->next = host_translation_step(host);
}
