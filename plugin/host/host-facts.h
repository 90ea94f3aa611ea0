/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Host facts: what is known about one host. Every value may be unknown (nobody could read it);
 * unknown is never the same as absent. Addresses and regions are host addresses.
 */
#pragma once

#include "base-pci.h"
#include "base-types.h"
#include "host-reservation.h"

#include <viommu/viommu-types.h>

typedef enum {
    HOST_IOMMU_UNKNOWN, /* a kind that we have no name for, or not told */
    HOST_IOMMU_VTD,     /* "intel-vtd" */
    HOST_IOMMU_AMD,     /* "amd-vi" */
    HOST_IOMMU_SMMUV3,  /* "arm-smmuv3" */
    HOST_IOMMU_SMMUV2,  /* "arm-smmuv2" */
    HOST_IOMMU_VIRTIO,  /* "virtio-iommu" */
    HOST_IOMMU_RISCV,   /* "riscv-iommu" */
} HostIommuType;

typedef struct {
    char *name;      /* as in /sys/class/iommu */
    char *type_text; /* the document's spelling, kept when we do not know it; may be NULL */
    HostIommuType type;
    BaseU64 cap, ecap;          /* VT-d registers, as sysfs shows them */
    BaseU64 efr, efr2;          /* AMD extended features */
    BaseU64 idr[6], iidr, aidr; /* SMMUv3 registers, from IOMMU_GET_HW_INFO */
    BaseTri nest_parent;        /* IOMMU_HWPT_ALLOC(NEST_PARENT) was tried: worked or not */
    BaseTri dirty_tracking;     /* the same with DIRTY_TRACKING */
    BaseTri viommu_alloc;       /* IOMMU_VIOMMU_ALLOC was tried: worked or not */
    BaseTri canwbs;             /* SMMUv3: IORT says that firmware guarantees coherent walks */
    BaseU64 aperture_bits;      /* measured width of a plain domain (IOVA ranges), by a probe */
    BaseState cmdqv;            /* Tegra241 command queue virtualisation */
    guint8 cmdqv_version, cmdqv_log2vcmdqs, cmdqv_log2vsids;
    BaseU64 domains_supported, domains_used; /* VT-d */
} HostIommu;

typedef enum {
    HOST_REGION_DIRECT,
    HOST_REGION_DIRECT_RELAXABLE,
    HOST_REGION_RESERVED,
    HOST_REGION_MSI,
    HOST_REGION_OTHER,
} HostRegionType;

typedef struct {
    guint64 start, end; /* IOVA, both inclusive */
    HostRegionType type;
} HostRegion;

typedef struct {
    guint id;      /* not stable across boots */
    BaseText type; /* default domain: "DMA", "DMA-FQ", "identity", … */
    BaseText name; /* "vfio-noiommu" or absent */
    BaseState reserved_state;
    GArray *reserved; /* of HostRegion; union over the group's devices */
    BaseState devices_state;
    GArray *devices;     /* of BasePci, ascending */
    guint other_members; /* members that are not PCI functions */
} HostGroup;

/* Order of the bits of a device's ACS control and capability, PCIe r6 7.7.8 */
typedef enum {
    HOST_ACS_SV = 1 << 0, /* source validation */
    HOST_ACS_TB = 1 << 1, /* translation blocking */
    HOST_ACS_RR = 1 << 2, /* P2P request redirect */
    HOST_ACS_CR = 1 << 3, /* P2P completion redirect */
    HOST_ACS_UF = 1 << 4, /* upstream forwarding */
    HOST_ACS_EC = 1 << 5, /* P2P egress control */
    HOST_ACS_DT = 1 << 6, /* direct translated P2P */
} HostAcs;

typedef enum {
    HOST_PCIE_ENDPOINT = 0x0, /* value of the type field of PCI_EXP_FLAGS */
    HOST_PCIE_LEGACY_ENDPOINT = 0x1,
    HOST_PCIE_ROOT_PORT = 0x4,
    HOST_PCIE_UPSTREAM = 0x5,
    HOST_PCIE_DOWNSTREAM = 0x6,
    HOST_PCIE_TO_PCI_BRIDGE = 0x7,
    HOST_PCI_TO_PCIE_BRIDGE = 0x8,
    HOST_PCIE_RC_ENDPOINT = 0x9,
    HOST_PCIE_RC_EVENT_COLLECTOR = 0xa,
    HOST_PCIE_UNKNOWN = 0x10, /* not a value of the field: nobody told us */
} HostPcieType;

/* From config space, which takes root and may wake the device: read on demand only. */
typedef struct {
    BaseState state; /* of the PCIe capability; ABSENT: a conventional PCI function */
    HostPcieType type;
    BaseState extended; /* whether extended capabilities could be read */
    BaseTri ats, ats_enabled;
    BaseTri pri, pri_enabled;
    BaseU64 pasid_bits; /* width; ABSENT: no PASID capability. A VF shows its PF's */
    BaseTri pasid_enabled;
    BaseState acs_state;     /* ABSENT: no ACS capability */
    guint acs_cap, acs_ctrl; /* of HostAcs */
    BaseTri flr;
} HostPcie;

typedef struct {
    guint index;  /* 0..5, 6 = expansion ROM */
    guint64 size; /* bytes */
    guint bits;   /* 32 or 64 */
    gboolean prefetch;
    gboolean io;
} HostBar;

typedef struct {
    char *name;     /* such as "i915-GVTg_V5_4"; the first member, host-json-keyed.h counts on it */
    BaseText label; /* the vendor's name */
    BaseText api;   /* "vfio-pci", … */
    BaseU64 available; /* instances that can still be made */
} HostMdevType;

typedef struct {
    char *name;      /* "vdpa0"; the first member, as above */
    BaseText parent; /* address of the PCI function; absent: not of one */
    BaseText driver; /* "vhost_vdpa", "virtio_vdpa"; absent: none bound */
    BaseText node;   /* "vhost-vdpa-0" below /dev; absent: none */
} HostVdpa;

typedef struct {
    BasePci address;
    BaseU64 vendor, device; /* 16 bits */
    BaseU64 class;          /* 24 bits: base, sub, interface */
    BaseText iommu;         /* name of a HostIommu; absent: not translated */
    BaseU64 group;          /* id of a HostGroup; absent: none */
    BaseText driver;        /* absent: no driver bound */
    BaseTri vfio_variant;   /* bound to a VFIO driver of its own, not to vfio-pci */
    BaseText vfio_dev;      /* "vfio0"; absent: no VFIO character device */
    BaseU64 numa_node;      /* absent: the host does not tell */
    BaseText parent;        /* address of the bridge above; absent: a root bus */
    BaseText vmd;           /* address of the VMD whose domain it is in; absent: none */
    BaseText physfn;        /* address of the PF of a VF; absent: not a VF */
    BaseU64 sriov_totalvfs, sriov_numvfs; /* absent: no SR-IOV */
    BaseText net;   /* network interface, of several that libvirt's choice; absent: none */
    BaseTri net_up; /* whether it is up; UNKNOWN as well where of several some are */
    BaseText reset_method;
    BaseState bars_state;
    GArray *bars; /* of HostBar */
    HostPcie pcie;
    BaseState mdev_state;    /* absent: cannot be mediated */
    GPtrArray *mdev_types;   /* of HostMdevType; NULL: none */
    BaseU64 max_pasid_log2;  /* IOMMU_GET_HW_INFO */
    BaseU64 hw_capabilities; /* the same: HOST_HW_CAP_… */
} HostDevice;

typedef struct {
    char *of;           /* whose limits: "libvirtd", "virtqemud", "self"; NULL: unknown */
    BaseU64 soft, hard; /* bytes; G_MAXUINT64: unlimited (JSON: "unlimited") */
    BaseTri can_raise;  /* has CAP_SYS_RESOURCE */
    BaseText kind;      /* "monolithic", "modular", "session": which daemon that is */
    BaseU64 unit;       /* hard limit that its systemd unit will give it; bytes as above */
    BaseText unit_file; /* that says so: "/etc/systemd/system/libvirtd.service.d/limit.conf" */
} HostMemlock;

/* One of the plain lists below; each has its own meaning of the numbers. */
typedef struct {
    char *name; /* the first member, as above */
    BaseU64 numbers[4];
    BaseText text;
} HostEntry;

enum { HOST_HUGEPAGES_TOTAL, HOST_HUGEPAGES_FREE };
enum { HOST_PINNED_PROCESSES, HOST_PINNED_LOCKED, HOST_PINNED_PINNED, HOST_PINNED_BY_USER };

struct _ViommuHost {
    gint refs;
    char *origin;              /* "live", a directory or a file name; for messages */
    char *sysroot;             /* where more facts can be read on demand; NULL: a saved document */
    char *warning;             /* what an earlier probe kept could not be used: why; NULL */
    gboolean none;             /* "--host none": nothing is known */
    BaseText name, arch;       /* arch in libvirt's spelling: x86_64, aarch64 */
    BaseU64 page_size, memory; /* bytes */
    BaseText kernel_release, kernel_cmdline;
    BaseU64 kernel;               /* BASE_VERSION of the release */
    BaseTri vtd_scalable_default; /* CONFIG_INTEL_IOMMU_SCALABLE_MODE_DEFAULT_ON */
    BaseU64 libvirt, qemu;        /* BASE_VERSION */
    BaseTri vfio_container, vfio_cdev, iommufd;
    BaseU64 dma_entry_limit;
    BaseTri isolated_msi;
    BaseTri unsafe_interrupts;         /* vfio_iommu_type1 allow_unsafe_interrupts */
    BaseTri iommufd_unsafe_interrupts; /* the same of iommufd */
    BaseTri noiommu;                   /* vfio enable_unsafe_noiommu_mode */
    BaseTri denylist_off;              /* vfio-pci disable_denylist */
    HostMemlock memlock;
    BaseState iommus_state, groups_state, devices_state; /* whether the list could be read */
    GPtrArray *iommus;                                   /* of HostIommu, by name */
    GPtrArray *groups;                                   /* of HostGroup, by id */
    GPtrArray *devices;                                  /* of HostDevice, by address */
    BaseState vdpa_state;                                /* absent: the bus is not loaded */
    BaseState hugepages_state;                           /* absent: the kernel has none */
    GPtrArray *hugepages; /* of HostEntry: "2048kB"; HOST_HUGEPAGES_* */
    BaseState pinned_state;
    GPtrArray *pinned; /* of HostEntry: user id of QEMU processes; HOST_PINNED_*, bytes */
    BaseState options_state;
    GPtrArray *options; /* of HostEntry: "CONFIG_IOMMUFD"; text "y", "m" or "n" */
    BaseState qemu_devices_state;
    GPtrArray *qemu_devices;      /* of HostEntry: "intel-iommu"; text: its properties, by blanks */
    GPtrArray *vdpa;              /* of HostVdpa, by name */
    BaseState reservations_state; /* of this moment, so in no saved document */
    GPtrArray *reservations;      /* of HostReservation, by UUID; the ledger fills it in */
    GHashTable *reasons; /* char * fact path -> char * why it is unknown and what it would take */
};

ViommuHost *host_facts_new(void);
ViommuHost *host_facts_ref(ViommuHost *host);
void host_facts_unref(ViommuHost *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ViommuHost, host_facts_unref)

HostIommu *host_facts_add_iommu(ViommuHost *host, const char *name);
HostGroup *host_facts_add_group(ViommuHost *host, guint id);
HostDevice *host_facts_add_device(ViommuHost *host, BasePci address);
HostMdevType *host_facts_add_mdev(HostDevice *device, const char *name);
/* To one of the lists of HostEntry. (transfer none) */
HostEntry *host_facts_add_entry(GPtrArray *list, const char *name);
/* (transfer none) (nullable) */
const HostEntry *host_facts_entry(const GPtrArray *list, const char *name);
HostVdpa *host_facts_add_vdpa(ViommuHost *host, const char *name);
/* After the last add: sorts the lists, which the look-ups below need. */
void host_facts_sort(ViommuHost *host);

/* Derives the kernel's version from its release. */
void host_facts_set_kernel(ViommuHost *host);

/* (transfer none) (nullable) */
const HostIommu *host_facts_iommu(const ViommuHost *host, const char *name);
const HostGroup *host_facts_group(const ViommuHost *host, guint id);
const HostDevice *host_facts_device(const ViommuHost *host, BasePci address);

/* Notes why a fact is unknown. Paths follow the document: "vfio/iommufd", "versions/qemu",
 * "devices/0000:01:00.0/pcie", "iommus/smmu3.0x…/idr", "limits/memlock". */
void host_facts_explain(ViommuHost *host, const char *path, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
/* The same where @file (below the tree's top, without a slash) could not be read with @failed, an
 * errno value: what it takes. */
void host_facts_failed(ViommuHost *host, const char *path, const char *file, int failed);
/* (transfer none) (nullable): the reason of that path or of the nearest path above it */
const char *host_facts_reason(const ViommuHost *host, const char *path);
