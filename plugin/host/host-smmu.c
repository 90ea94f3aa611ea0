/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arm SMMUv3: identification registers. */
#include "host-width.h"

/* IDR5.OAS is a code, not a step of four bits: Linux 7.2 arm-smmu-v3.h:72-78; 7 is 56 bits in
 * QEMU 11.1 qapi/misc-arm.json:90 and reserved in Linux. */
static const guint bits_by_oas[8] = {32, 36, 40, 42, 44, 48, 52, 56};

/* Linux 7.2 arm-smmu-v3.h:22-80; QEMU 11.1 include/hw/arm/smmuv3-common.h:275-339 */
gboolean
host_decode_smmu(const HostIommu *iommu, HostSmmu *ret)
{
    guint64 idr0 = iommu->idr[0].value, idr1 = iommu->idr[1].value;
    guint64 idr3 = iommu->idr[3].value, idr5 = iommu->idr[5].value;

    if (iommu->type != HOST_IOMMU_SMMUV3 || !base_u64_is_known(iommu->idr[0]) ||
        !base_u64_is_known(iommu->idr[1]) || !base_u64_is_known(iommu->idr[3]) ||
        !base_u64_is_known(iommu->idr[5]))
        return FALSE;
    *ret = (HostSmmu){
        .s2p = base_bits(idr0, 0, 0) != 0,
        .s1p = base_bits(idr0, 1, 1) != 0,
        .ttf = (guint)base_bits(idr0, 3, 2),
        .coherent = base_bits(idr0, 4, 4) != 0,
        .httu = (guint)base_bits(idr0, 7, 6),
        .hyp = base_bits(idr0, 9, 9) != 0,
        .ats = base_bits(idr0, 10, 10) != 0,
        .asid16 = base_bits(idr0, 12, 12) != 0,
        .pri = base_bits(idr0, 16, 16) != 0,
        .vmid16 = base_bits(idr0, 18, 18) != 0,
        .ttendian = (guint)base_bits(idr0, 22, 21),
        .stall_model = (guint)base_bits(idr0, 25, 24),
        .st_level = (guint)base_bits(idr0, 28, 27),
        .sid_bits = (guint)base_bits(idr1, 5, 0),
        .ssid_bits = (guint)base_bits(idr1, 10, 6),
        .fwb = base_bits(idr3, 8, 8) != 0,
        .ril = base_bits(idr3, 10, 10) != 0,
        .bbml = (guint)base_bits(idr3, 12, 11),
        .oas = bits_by_oas[base_bits(idr5, 2, 0)],
        .gran4k = base_bits(idr5, 4, 4) != 0,
        .gran16k = base_bits(idr5, 5, 5) != 0,
        .gran64k = base_bits(idr5, 6, 6) != 0,
        .vax = (guint)base_bits(idr5, 11, 10),
    };
    return TRUE;
}

/* Linux 7.2 arm-smmu-v3.c:2837-2859: first stage for plain domains, second for nest parents */
BaseU64
host_smmu_iova_bits(const HostIommu *iommu, HostTable table)
{
    HostSmmu smmu;

    if (!host_decode_smmu(iommu, &smmu))
        return (BaseU64){0};
    if (table == HOST_TABLE_NEST_PARENT)
        return smmu.s2p ? base_u64(smmu.oas) : base_u64_absent();
    if (!smmu.s1p)
        return base_u64(smmu.oas);
    /* with 52-bit addresses the kernel's own VA_BITS cap it, which nobody shows */
    return smmu.vax == 0 ? base_u64(48) : (BaseU64){0};
}
