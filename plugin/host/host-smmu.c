/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arm SMMUv3: identification registers. */
#include "host-width.h"

#include "host-registers.h"

/* As host-registers.c words it */
static const guint bits_by_oas[8] = {32, 36, 40, 42, 44, 48, 52, 56};

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
        .s2p = host_field_bits(HOST_IDR0_S2P, idr0) != 0,
        .s1p = host_field_bits(HOST_IDR0_S1P, idr0) != 0,
        .ttf = (guint)host_field_bits(HOST_IDR0_TTF, idr0),
        .coherent = host_field_bits(HOST_IDR0_COHACC, idr0) != 0,
        .httu = (guint)host_field_bits(HOST_IDR0_HTTU, idr0),
        .hyp = host_field_bits(HOST_IDR0_HYP, idr0) != 0,
        .ats = host_field_bits(HOST_IDR0_ATS, idr0) != 0,
        .asid16 = host_field_bits(HOST_IDR0_ASID16, idr0) != 0,
        .pri = host_field_bits(HOST_IDR0_PRI, idr0) != 0,
        .vmid16 = host_field_bits(HOST_IDR0_VMID16, idr0) != 0,
        .ttendian = (guint)host_field_bits(HOST_IDR0_TTENDIAN, idr0),
        .stall_model = (guint)host_field_bits(HOST_IDR0_STALL_MODEL, idr0),
        .st_level = (guint)host_field_bits(HOST_IDR0_ST_LEVEL, idr0),
        .sid_bits = (guint)host_field_bits(HOST_IDR1_SIDSIZE, idr1),
        .ssid_bits = (guint)host_field_bits(HOST_IDR1_SSIDSIZE, idr1),
        .fwb = host_field_bits(HOST_IDR3_FWB, idr3) != 0,
        .ril = host_field_bits(HOST_IDR3_RIL, idr3) != 0,
        .bbml = (guint)host_field_bits(HOST_IDR3_BBML, idr3),
        .oas = bits_by_oas[host_field_bits(HOST_IDR5_OAS, idr5)],
        .gran4k = host_field_bits(HOST_IDR5_GRAN4K, idr5) != 0,
        .gran16k = host_field_bits(HOST_IDR5_GRAN16K, idr5) != 0,
        .gran64k = host_field_bits(HOST_IDR5_GRAN64K, idr5) != 0,
        .vax = (guint)host_field_bits(HOST_IDR5_VAX, idr5),
    };
    return TRUE;
}

/* Linux 7.2 arm-smmu-v3.c:4929-4940: nesting is taken from MMU-600 before r2, and from MMU-700
 * before r1p1; product codes: arm-smmu-v3.h. 6.1 takes it from every MMU-700. */
const char *
host_smmu_erratum(const HostIommu *iommu)
{
    BaseU64 maker = host_iommu_bits(iommu, HOST_IIDR_Implementer);
    guint64 product = host_iommu_bits(iommu, HOST_IIDR_ProductID).value;
    guint64 variant = host_iommu_bits(iommu, HOST_IIDR_Variant).value;
    guint64 revision = host_iommu_bits(iommu, HOST_IIDR_Revision).value;

    if (!base_u64_is_known(maker) || maker.value != 0x43b)
        return NULL;
    if (product == 0x483 && variant < 2)
        return "MMU-600 before r2: Linux does not nest on it (erratum 1209401)";
    if (product == 0x487 && (variant < 1 || (variant == 1 && revision < 1)))
        return "MMU-700 before r1p1: Linux does not nest on it (errata 2268618, 2812531)";
    return NULL;
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
