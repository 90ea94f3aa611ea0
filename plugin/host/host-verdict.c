/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an IOMMU can carry on this host, and why not more. */
#include "host-width.h"

#include "base-text.h"

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
    if (!vtd.pasid)
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
        if (!base_u64_is_known(iommu->idr[1]))
            return (BaseU64){0};
        return base_u64(base_bits(iommu->idr[1].value, 10, 6));
    case HOST_IOMMU_SMMUV2:
    case HOST_IOMMU_VIRTIO:
    case HOST_IOMMU_RISCV:
    case HOST_IOMMU_UNKNOWN:
        break;
    }
    return (BaseU64){0};
}

static BaseTri
verdict(BaseTri value, const char *reason, char **ret_reason)
{
    if (ret_reason)
        *ret_reason = g_strdup(reason);
    return value;
}

/* Nobody tried it: whether this kernel's driver can is then a matter of its release, and vendor
 * kernels carry back-ports, so only a release known to have it counts. */
static gboolean
kernel_has(const ViommuHost *host, guint64 version)
{
    return base_u64_is_known(host->kernel) && host->kernel.value >= version;
}

static BaseTri
can_nest_vtd(const ViommuHost *host, const HostIommu *iommu, char **ret)
{
    HostVtd vtd;
    BaseTri scalable;

    if (!host_decode_vtd(iommu, &vtd))
        return verdict(BASE_UNKNOWN, "CAP and ECAP of this VT-d unit are not known", ret);
    if (!vtd.smts)
        return verdict(BASE_NO, "VT-d without scalable mode (ECAP.SMTS is 0)", ret);
    if (!vtd.nest)
        return verdict(BASE_NO, "VT-d without nested translation (ECAP.NEST is 0)", ret);
    if (!vtd.fsts || !vtd.ssts)
        return verdict(BASE_NO, "VT-d needs both stages in scalable mode (ECAP.FSTS, ECAP.SSTS)",
                       ret);
    if (iommu->nest_parent == BASE_NO)
        return verdict(BASE_NO, "the kernel refused a nest parent on this unit", ret);
    scalable = host_vtd_scalable(host, iommu);
    if (scalable == BASE_NO)
        return verdict(BASE_NO, "scalable mode is off: boot with intel_iommu=on,sm_on", ret);
    if (scalable == BASE_UNKNOWN)
        return verdict(BASE_UNKNOWN,
                       "whether scalable mode is on: intel_iommu=sm_on on the command line, or a "
                       "probe, would tell",
                       ret);
    /* 6.12 has it (6.12 intel/iommu.c:1825); older ones we have not read */
    if (iommu->nest_parent == BASE_UNKNOWN && !kernel_has(host, BASE_VERSION(6, 12, 0)))
        return verdict(BASE_UNKNOWN, "a nest parent was not tried on this kernel (--probe)", ret);
    return verdict(BASE_YES, NULL, ret);
}

/* The table walks of a nested domain must be coherent: S2FWB, or CANWBS from the firmware (Linux
 * 7.2 arm-smmu-v3-iommufd.c:439-450). A nest parent alone does not tell: it was seen to work
 * where IOMMU_VIOMMU_ALLOC failed. */
static BaseTri
smmu_walks_coherent(const HostIommu *iommu)
{
    if (iommu->viommu_alloc != BASE_UNKNOWN)
        return iommu->viommu_alloc;
    if (iommu->canwbs == BASE_YES)
        return BASE_YES;
    if (!base_u64_is_known(iommu->idr[3]))
        return BASE_UNKNOWN;
    if (base_bits(iommu->idr[3].value, 8, 8))
        return BASE_YES;
    return iommu->canwbs;
}

static BaseTri
can_nest_smmu(const ViommuHost *host, const HostIommu *iommu, char **ret)
{
    BaseTri parent = iommu->nest_parent, walks = smmu_walks_coherent(iommu);

    if (parent == BASE_UNKNOWN && base_u64_is_known(iommu->idr[0]))
        parent = base_tri(base_bits(iommu->idr[0].value, 1, 0) == 3);
    if (parent == BASE_NO)
        return verdict(BASE_NO, "SMMUv3 without both stages (IDR0.S1P, IDR0.S2P)", ret);
    if (walks == BASE_NO)
        return verdict(BASE_NO, "no S2FWB and no CANWBS: firmware must set it in IORT", ret);
    if (parent == BASE_UNKNOWN)
        return verdict(BASE_UNKNOWN,
                       "IDR0 is not known: it takes an idle function behind this SMMU (--probe)",
                       ret);
    if (walks == BASE_UNKNOWN)
        return verdict(BASE_UNKNOWN,
                       "whether page table walks are coherent: IDR3, IORT (as root) or --probe "
                       "would tell",
                       ret);
    if (iommu->viommu_alloc == BASE_UNKNOWN && !kernel_has(host, BASE_VERSION(7, 2, 0)))
        return verdict(BASE_UNKNOWN,
                       "a vIOMMU was not tried on this kernel: Linux 6.12 has none, 7.2 has "
                       "(--probe)",
                       ret);
    return verdict(BASE_YES, NULL, ret);
}

static BaseTri
can_nest_amd(const ViommuHost *host, char **ret)
{
    /* Linux 7.2 amd/iommufd.c:75-77: the vIOMMU has no way to make a nested page table; the uapi
     * of 7.3 brings none either */
    if (kernel_has(host, BASE_VERSION(7, 4, 0)))
        return verdict(BASE_UNKNOWN, "AMD nesting is not known of kernels after Linux 7.3", ret);
    return verdict(BASE_NO, "AMD: this kernel has no nested translation for guests (Linux 7.2)",
                   ret);
}

/* What the kernel as a whole lacks; UNKNOWN with a reason, NO with a reason, or YES. */
static BaseTri
has_iommufd(const ViommuHost *host, char **ret)
{
    if (host->iommufd == BASE_NO)
        return verdict(BASE_NO, "no iommufd: the kernel needs CONFIG_IOMMUFD", ret);
    if (host->iommufd == BASE_UNKNOWN)
        return verdict(BASE_UNKNOWN, "whether this kernel has iommufd is not known", ret);
    return BASE_YES;
}

static BaseTri
can_nest_by_type(const ViommuHost *host, const HostIommu *iommu, char **ret)
{
    switch (iommu->type) {
    case HOST_IOMMU_VTD:
        return can_nest_vtd(host, iommu, ret);
    case HOST_IOMMU_SMMUV3:
        return can_nest_smmu(host, iommu, ret);
    case HOST_IOMMU_AMD:
        return can_nest_amd(host, ret);
    case HOST_IOMMU_SMMUV2:
    case HOST_IOMMU_VIRTIO:
    case HOST_IOMMU_RISCV:
        return verdict(BASE_NO, "Linux has no nested translation for this kind of IOMMU", ret);
    case HOST_IOMMU_UNKNOWN:
        break;
    }
    return verdict(BASE_UNKNOWN, "the kind of this IOMMU is not known", ret);
}

BaseTri
host_can_nest(const ViommuHost *host, const HostIommu *iommu, char **ret_reason)
{
    g_autofree char *kernel_reason = NULL;
    g_autofree char *reason = NULL;
    BaseTri kernel, hardware;

    if (!iommu)
        return verdict(BASE_NO, "no IOMMU translates this function", ret_reason);
    hardware = can_nest_by_type(host, iommu, &reason);
    kernel = has_iommufd(host, &kernel_reason);
    /* hardware that cannot is the answer that no other kernel changes */
    if (hardware == BASE_NO || (hardware == BASE_UNKNOWN && kernel != BASE_NO))
        return verdict(hardware, reason, ret_reason);
    return verdict(kernel, kernel == BASE_YES ? NULL : kernel_reason, ret_reason);
}

BaseTri
host_can_shadow(const ViommuHost *host, const HostIommu *iommu, char **ret_reason)
{
    HostAmd amd;

    if (!iommu)
        return verdict(BASE_NO, "no IOMMU translates this function", ret_reason);
    if (host_decode_amd(iommu, &amd) && amd.host_bits == 0)
        return verdict(BASE_NO, "AMD: host translation is off (EFR.HATS is 3)", ret_reason);
    /* SMMUv3 without coherent walks: vfio refuses the device (Linux 7.2 vfio_main.c:356) */
    if (iommu->type == HOST_IOMMU_SMMUV3 && base_u64_is_known(iommu->idr[0]) &&
        !base_bits(iommu->idr[0].value, 4, 4))
        return verdict(BASE_NO, "SMMUv3 without coherent access (IDR0.COHACC is 0): vfio refuses",
                       ret_reason);
    /* Linux 7.2 drivers/iommu/iommu.c:2032: EPERM */
    if (host->isolated_msi == BASE_NO)
        return verdict(BASE_NO, "no isolated MSI: vfio refuses without interrupt remapping",
                       ret_reason);
    if (host->vfio_container == BASE_YES || host->iommufd == BASE_YES)
        return verdict(BASE_YES, NULL, ret_reason);
    if (host->vfio_container == BASE_NO && host->iommufd == BASE_NO)
        return verdict(BASE_NO, "no VFIO: load vfio-pci", ret_reason);
    return verdict(BASE_UNKNOWN, "whether VFIO is there (/dev/vfio/vfio, /dev/iommu) is not known",
                   ret_reason);
}
