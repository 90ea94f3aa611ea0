/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What registers mean: of the fields in host-register-list.h those that decide something. */
#pragma once

#include "host-facts.h"

typedef struct {
    gboolean caching_mode; /* CAP.CM: this IOMMU is itself virtual */
    guint mgaw;            /* bits */
    guint sagaw;           /* bit 1: 39-bit, bit 2: 48-bit, bit 3: 57-bit second stage */
    gboolean fs1gp, fs5lp; /* first-stage 1 GiB pages, 5 levels */
    gboolean ir, eim, dt, prs, nest, pasid, smts, ssads, ssts, fsts, smpwc, sc;
    guint pasid_bits; /* PSS + 1; 0 without PASID */
} HostVtd;
/* FALSE: a register is unknown, or not a VT-d unit */
gboolean host_decode_vtd(const HostIommu *iommu, HostVtd *ret);

typedef struct {
    gboolean s1p, s2p, coherent, ats, asid16, vmid16, pri, ril, fwb, hyp;
    guint ttf, ttendian, st_level, stall_model, httu, bbml;
    guint sid_bits, ssid_bits;
    guint oas; /* bits, decoded by the code table 32/36/40/42/44/48/52/56 */
    gboolean gran4k, gran16k, gran64k;
    guint vax; /* 1: 52-bit virtual addresses */
} HostSmmu;
/* FALSE: one of IDR0, 1, 3, 5 is unknown, or not an SMMUv3 */
gboolean host_decode_smmu(const HostIommu *iommu, HostSmmu *ret);
/* (nullable) static: why Linux does not nest on an SMMU of this make */
const char *host_smmu_erratum(const HostIommu *iommu);

typedef struct {
    guint pasid_bits; /* 0 without PASID support */
    guint host_bits;  /* v1 table width from HATS; 0: translation unusable */
    guint gats;       /* guest table levels: 0: 4, 1: 5, 2: 6 */
    gboolean ppr, xt, gt, ga, gio, snp, hd, eph;
} HostAmd;
gboolean host_decode_amd(const HostIommu *iommu, HostAmd *ret);

/* Which page table the VMM asks of the host kernel; decides the address width. */
typedef enum {
    HOST_TABLE_PLAIN,       /* neither nest parent nor dirty tracking */
    HOST_TABLE_NEST_PARENT, /* second stage */
} HostTable;

/* Width in bits of the IOVA space that this kernel offers behind @iommu; the state tells whether
 * it is known. Linux 7.2 with VT-d first stage: 47, not 48 (generic_pt sign extension). */
BaseU64 host_iova_bits(const ViommuHost *host, const HostIommu *iommu, HostTable table);

/* Whether scalable mode is on (VT-d): ECAP.SMTS and the command line. */
BaseTri host_vtd_scalable(const ViommuHost *host, const HostIommu *iommu);

/* Width of the PASIDs that this IOMMU handles on this host; 0: none. A device has its own. */
BaseU64 host_pasid_bits(const ViommuHost *host, const HostIommu *iommu);
/* VT-d: how many ids it has to tell address spaces apart (CAP.ND, which sysfs shows as
 * domains_supported) */
BaseU64 host_domain_ids(const HostIommu *iommu);

/* Whether this kernel gives guests PASIDs: 6.12 has neither IOMMU_HWPT_ALLOC_PASID nor a way to
 * attach to one, 7.2 has (uapi linux/iommufd.h, linux/vfio.h); between them not known. */
BaseTri host_gives_pasids(const ViommuHost *host);

/* What a device behind @iommu can have on this host. (nullable) @ret_reason: (transfer full) one
 * sentence why not, or what is missing to know. NULL @iommu: the function is not translated. */
BaseTri host_can_nest(const ViommuHost *host, const HostIommu *iommu, char **ret_reason);
BaseTri host_can_shadow(const ViommuHost *host, const HostIommu *iommu, char **ret_reason);

/* The best that a guest can have behind an IOMMU, and why not more. All strings are static. */
typedef struct {
    const char *mode; /* "nested", "shadow", "irq" (interrupts alone), "none"; NULL: not known */
    BaseTri nest, shadow;
    const char *why_not_nested, *why_not_shadow; /* NULL: it can */
    const char *next; /* the single step that would give more; NULL: none on this host */
} HostVerdict;
/* What gives a host without IOMMU one; static. */
const char *host_translation_step(const ViommuHost *host);
/* What gives a host without isolated MSI that; static. */
const char *host_remapping_step(const ViommuHost *host);
/* Whether iommufd hands out devices whose interrupts are not remapped, by its switch, else by the
 * kernel command line; a file in modprobe.d that sets it shows once the module is loaded. */
BaseTri host_iommufd_is_unsafe(const ViommuHost *host);
/* The same of the legacy backend */
BaseTri host_container_is_unsafe(const ViommuHost *host);
/* Whether one of the words of the kernel's command line is known to start with @prefix */
gboolean host_boots_with(const ViommuHost *host, const char *prefix);
/* Whether the kernel is known to be built without @option, "CONFIG_…" */
gboolean host_kernel_lacks(const ViommuHost *host, const char *option);
/* NULL @iommu: no IOMMU translates the function */
void host_iommu_verdict(const ViommuHost *host, const HostIommu *iommu, HostVerdict *ret);

/* A group is viable when each member is unbound or bound to a driver that leaves DMA to user
 * space (vfio-*, pci-stub, pcieport; Linux 7.2 drivers/iommu/iommu.c:3423). @ret_blocker: first
 * member that blocks it. @managed: members that libvirt will rebind (of BasePci). */
BaseTri host_group_viable(const ViommuHost *host, const HostGroup *group, const GArray *managed,
                          const HostDevice **ret_blocker);
/* Number of members that are not PCI bridges; the state tells whether it is known. */
BaseU64 host_group_endpoints(const ViommuHost *host, const HostGroup *group);
/* Members on a driver that keeps DMA for itself, each of which makes the group not viable.
 * (transfer full): of const HostDevice * */
GPtrArray *host_group_blockers(const ViommuHost *host, const HostGroup *group);
/* Made by VFIO for a function without IOMMU; mediated devices get groups of the same name, but have
 * no PCI function in them (Linux 7.2 drivers/vfio/group.c:588-700). */
gboolean host_group_is_noiommu(const HostGroup *group);
gboolean host_driver_leaves_dma(const char *driver);
gboolean host_device_is_bridge(const HostDevice *device);
