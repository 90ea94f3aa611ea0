/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Intel VT-d: registers, scalable mode, and the widths of its two kinds of page table. */
#include "host-width.h"

#include "base-text.h"
#include "host-registers.h"

#include <string.h>

gboolean
host_decode_vtd(const HostIommu *iommu, HostVtd *ret)
{
    guint64 cap = iommu->cap.value, ecap = iommu->ecap.value;

    if (iommu->type != HOST_IOMMU_VTD || !base_u64_is_known(iommu->cap) ||
        !base_u64_is_known(iommu->ecap))
        return FALSE;
    *ret = (HostVtd){
        .caching_mode = host_field_bits(HOST_CAP_CM, cap) != 0,
        .mgaw = (guint)host_field_bits(HOST_CAP_MGAW, cap) + 1,
        .sagaw = (guint)host_field_bits(HOST_CAP_SAGAW, cap),
        .fs1gp = host_field_bits(HOST_CAP_FS1GP, cap) != 0,
        .fs5lp = host_field_bits(HOST_CAP_FS5LP, cap) != 0,
        .dt = host_field_bits(HOST_ECAP_DT, ecap) != 0,
        .ir = host_field_bits(HOST_ECAP_IR, ecap) != 0,
        .eim = host_field_bits(HOST_ECAP_EIM, ecap) != 0,
        .sc = host_field_bits(HOST_ECAP_SC, ecap) != 0,
        .nest = host_field_bits(HOST_ECAP_NEST, ecap) != 0,
        .prs = host_field_bits(HOST_ECAP_PRS, ecap) != 0,
        .pasid = host_field_bits(HOST_ECAP_PASID, ecap) != 0,
        .smts = host_field_bits(HOST_ECAP_SMTS, ecap) != 0,
        .ssads = host_field_bits(HOST_ECAP_SSADS, ecap) != 0,
        .ssts = host_field_bits(HOST_ECAP_SSTS, ecap) != 0,
        .fsts = host_field_bits(HOST_ECAP_FSTS, ecap) != 0,
        .smpwc = host_field_bits(HOST_ECAP_SMPWC, ecap) != 0,
    };
    /* the kernel takes 2 << PSS PASIDs: drivers/iommu/intel/dmar.c:1141 */
    if (ret->pasid)
        ret->pasid_bits = (guint)host_field_bits(HOST_ECAP_PSS, ecap) + 1;
    return TRUE;
}

/* What one comma-separated list says of scalable mode; the last word wins, as in the kernel's
 * parser (Linux 7.2 drivers/iommu/intel/iommu.c:241-283). */
static BaseTri
parse_options(const char *options, BaseTri before)
{
    g_auto(GStrv) words = g_strsplit(options, ",", -1);
    BaseTri state = before;

    for (guint i = 0; words[i]; i++) {
        if (g_str_has_prefix(words[i], "sm_on"))
            state = BASE_YES;
        else if (g_str_has_prefix(words[i], "sm_off"))
            state = BASE_NO;
    }
    return state;
}

static BaseTri
scalable_by_cmdline(const char *cmdline)
{
    g_auto(GStrv) words = g_strsplit_set(cmdline, " \t\n", -1);
    BaseTri state = BASE_UNKNOWN;

    for (guint i = 0; words[i]; i++) {
        if (g_str_has_prefix(words[i], "intel_iommu="))
            state = parse_options(words[i] + strlen("intel_iommu="), state);
    }
    return state;
}

BaseTri
host_vtd_scalable(const ViommuHost *host, const HostIommu *iommu)
{
    HostVtd vtd;
    BaseTri asked = BASE_UNKNOWN;

    if (!host_decode_vtd(iommu, &vtd))
        return BASE_UNKNOWN;
    if (!vtd.smts)
        return BASE_NO;
    /* nested_supported is scalable && NEST (intel/iommu.h:531-538): what was tried tells */
    if (iommu->nest_parent == BASE_YES)
        return BASE_YES;
    if (host->kernel_cmdline.state == BASE_STATE_UNKNOWN)
        return BASE_UNKNOWN;
    if (host->kernel_cmdline.text)
        asked = scalable_by_cmdline(host->kernel_cmdline.text);
    return asked != BASE_UNKNOWN ? asked : host->vtd_scalable_default;
}

/* Linux 7.2 drivers/iommu/intel/iommu.c:2896-2919 */
static BaseU64
second_stage_bits(const HostVtd *vtd)
{
    if (vtd->mgaw > 48 && vtd->sagaw >= 8)
        return base_u64(57);
    if (vtd->mgaw > 39 && vtd->sagaw >= 4)
        return base_u64(MIN(48, vtd->mgaw));
    if (vtd->mgaw > 30 && vtd->sagaw >= 2)
        return base_u64(MIN(39, vtd->mgaw));
    return base_u64_absent();
}

/* One bit less than the table can hold: the generic page table extends the sign (Linux 7.2
 * drivers/iommu/intel/iommu.c:2822-2842, generic_pt/pt_iter.h:230-239). Measured: 47. */
static BaseU64
first_stage_bits(const HostVtd *vtd)
{
    if (vtd->fs5lp && vtd->mgaw > 48)
        return base_u64(MIN(57, vtd->mgaw) - 1);
    return base_u64(MIN(48, vtd->mgaw) - 1);
}

static gboolean
prefers_second_stage(const ViommuHost *host)
{
    return base_u64_is_known(host->kernel) && host->kernel.value < BASE_VERSION(6, 13, 0);
}

BaseU64
host_vtd_iova_bits(const ViommuHost *host, const HostIommu *iommu, HostTable table)
{
    HostVtd vtd;
    BaseTri scalable;

    if (!host_decode_vtd(iommu, &vtd))
        return (BaseU64){0};
    scalable = host_vtd_scalable(host, iommu);
    if (scalable == BASE_NO)
        return second_stage_bits(&vtd);
    /* the second stage is the same with and without */
    if (scalable == BASE_UNKNOWN && !(vtd.ssts && (!vtd.fsts || prefers_second_stage(host))))
        return (BaseU64){0};
    if (table == HOST_TABLE_NEST_PARENT)
        return vtd.ssts ? second_stage_bits(&vtd) : base_u64_absent();
    if (!vtd.fsts)
        return vtd.ssts ? second_stage_bits(&vtd) : base_u64_absent();
    /* 6.12 gave VFIO the second stage (6.12 intel/iommu.c:3621), 7.2 prefers the first
     * (7.2 intel/iommu.c:3013-3017); which release between them changed it, we do not know. */
    if (base_u64_is_known(host->kernel) && host->kernel.value >= BASE_VERSION(7, 2, 0))
        return first_stage_bits(&vtd);
    if (prefers_second_stage(host) && vtd.ssts)
        return second_stage_bits(&vtd);
    return (BaseU64){0};
}
