/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* AMD-Vi: extended features and the widths of its two kinds of page table. */
#include "host-width.h"

#include "base-text.h"
#include "host-registers.h"

#include <string.h>

/* Host table levels 4, 5, 6; 3 switches translation off (Linux 7.2 amd/init.c:3271-3283). */
static const guint bits_by_hats[4] = {48, 57, 64, 0};

gboolean
host_decode_amd(const HostIommu *iommu, HostAmd *ret)
{
    guint64 efr = iommu->efr.value;

    if (iommu->type != HOST_IOMMU_AMD || !base_u64_is_known(iommu->efr))
        return FALSE;
    *ret = (HostAmd){
        .ppr = host_field_bits(HOST_EFR_PPRSup, efr) != 0,
        .xt = host_field_bits(HOST_EFR_XTSup, efr) != 0,
        .gt = host_field_bits(HOST_EFR_GTSup, efr) != 0,
        .ga = host_field_bits(HOST_EFR_GASup, efr) != 0,
        .gio = host_field_bits(HOST_EFR_GIoSup, efr) != 0,
        .hd = host_field_bits(HOST_EFR_HDSup, efr) != 0,
        .snp = host_field_bits(HOST_EFR_SNPSup, efr) != 0,
        .gats = (guint)host_field_bits(HOST_EFR_GATS, efr),
        .eph = host_field_bits(HOST_EFR_EPHSup, efr) != 0,
        .host_bits = bits_by_hats[host_field_bits(HOST_EFR_HATS, efr)],
    };
    /* amd/init.c:3943-3956: PASIDs need guest tables, PPR and EPH */
    if (ret->gt && ret->gio && ret->ppr && ret->eph)
        ret->pasid_bits = (guint)host_field_bits(HOST_EFR_PASmax, efr) + 1;
    return TRUE;
}

static BaseTri
wants_guest_tables(const ViommuHost *host)
{
    g_auto(GStrv) words = NULL;

    if (host->kernel_cmdline.state == BASE_STATE_UNKNOWN)
        return BASE_UNKNOWN;
    words = g_strsplit_set(host->kernel_cmdline.text ? host->kernel_cmdline.text : "", " \t\n", -1);
    for (guint i = 0; words[i]; i++) {
        if (g_str_has_prefix(words[i], "amd_iommu=") && strstr(words[i], "pgtbl_v2"))
            return BASE_YES;
    }
    return BASE_NO;
}

/* IVRS may name a smaller size than the tables allow; sysfs does not show it. */
BaseU64
host_amd_iova_bits(const ViommuHost *host, const HostIommu *iommu, HostTable table)
{
    HostAmd amd;
    BaseTri guest_tables = table == HOST_TABLE_PLAIN ? wants_guest_tables(host) : BASE_NO;

    if (!host_decode_amd(iommu, &amd))
        return (BaseU64){0};
    if (amd.host_bits == 0)
        return base_u64_absent();
    if (guest_tables == BASE_UNKNOWN)
        return (BaseU64){0};
    /* 47, or 56 where the CPU has five levels as well (Linux 7.2 amd/iommu.c:2791-2797) */
    if (guest_tables == BASE_YES && amd.gt && amd.gio)
        return amd.gats == 0 ? base_u64(47) : (BaseU64){0};
    /* 6.1 and 6.12 offer all 64 bits whatever HATS says (dma_max_address()) */
    if (amd.host_bits == 64)
        return base_u64(64);
    if (!base_u64_is_known(host->kernel))
        return (BaseU64){0};
    if (host->kernel.value < BASE_VERSION(6, 13, 0))
        return base_u64(64);
    return host->kernel.value >= BASE_VERSION(7, 2, 0) ? base_u64(amd.host_bits) : (BaseU64){0};
}
