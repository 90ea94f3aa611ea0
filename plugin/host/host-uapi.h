/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The part of the iommufd and vfio user API that the probe uses, written from its documented
 * layout (Linux 7.2 Documentation/userspace-api/iommufd.rst, include/uapi/linux/iommufd.h,
 * vfio.h), since Debian 12 ships no linux/iommufd.h. tests/unit/test-host-uapi.c compares it with
 * the installed header where there is one.
 */
#pragma once

#include <linux/ioctl.h>
#include <linux/types.h>

#define HOST_IOMMUFD_COMMAND(number) _IO(';', 0x80 + (number))
#define HOST_IOMMU_DESTROY           HOST_IOMMUFD_COMMAND(0x00)
#define HOST_IOMMU_IOAS_ALLOC        HOST_IOMMUFD_COMMAND(0x01)
#define HOST_IOMMU_IOAS_IOVA_RANGES  HOST_IOMMUFD_COMMAND(0x04)
#define HOST_IOMMU_HWPT_ALLOC        HOST_IOMMUFD_COMMAND(0x09)
#define HOST_IOMMU_GET_HW_INFO       HOST_IOMMUFD_COMMAND(0x0a)
#define HOST_IOMMU_VIOMMU_ALLOC      HOST_IOMMUFD_COMMAND(0x10)
#define HOST_VFIO_BIND_IOMMUFD       _IO(';', 100 + 18)
#define HOST_VFIO_ATTACH_PT          _IO(';', 100 + 19)

struct host_iommu_destroy {
    __u32 size;
    __u32 id;
};

struct host_iommu_ioas_alloc {
    __u32 size;
    __u32 flags;
    __u32 out_ioas_id;
};

struct host_iommu_iova_range {
    __aligned_u64 start;
    __aligned_u64 last; /* inclusive */
};

struct host_iommu_ioas_iova_ranges {
    __u32 size;
    __u32 ioas_id;
    __u32 num_iovas; /* in: room in the array; out: how many there are (EMSGSIZE if more) */
    __u32 reserved;
    __aligned_u64 allowed_iovas;
    __aligned_u64 out_iova_alignment;
};

#define HOST_HWPT_NEST_PARENT    (1u << 0)
#define HOST_HWPT_DIRTY_TRACKING (1u << 1)

struct host_iommu_hwpt_alloc {
    __u32 size;
    __u32 flags;
    __u32 dev_id;
    __u32 pt_id;
    __u32 out_hwpt_id;
    __u32 reserved;
    __u32 data_type;
    __u32 data_len;
    __aligned_u64 data_uptr;
    __u32 fault_id;
    __u32 reserved2;
};

#define HOST_HW_INFO_INPUT_TYPE (1u << 0)

enum {
    HOST_HW_INFO_NONE = 0,
    HOST_HW_INFO_VTD = 1,
    HOST_HW_INFO_SMMUV3 = 2,
    HOST_HW_INFO_CMDQV = 3,
    HOST_HW_INFO_AMD = 4,
};

#define HOST_HW_CAP_DIRTY_TRACKING    (1u << 0)
#define HOST_HW_CAP_PASID_EXEC        (1u << 1)
#define HOST_HW_CAP_PASID_PRIV        (1u << 2)
#define HOST_HW_CAP_ATS_NOT_SUPPORTED (1u << 3)

struct host_iommu_hw_info {
    __u32 size;
    __u32 flags;
    __u32 dev_id;
    __u32 data_len; /* in: room; out: what the kernel has, which may be more */
    __aligned_u64 data_uptr;
    __u32 data_type; /* in with HOST_HW_INFO_INPUT_TYPE, and out */
    __u8 out_max_pasid_log2;
    __u8 reserved[3];
    __aligned_u64 out_capabilities;
};

struct host_hw_info_vtd {
    __u32 flags;
    __u32 reserved;
    __aligned_u64 cap_reg;
    __aligned_u64 ecap_reg;
};

struct host_hw_info_smmuv3 {
    __u32 flags;
    __u32 reserved;
    __u32 idr[6];
    __u32 iidr;
    __u32 aidr;
};

struct host_hw_info_cmdqv {
    __u32 flags;
    __u8 version;
    __u8 log2vcmdqs;
    __u8 log2vsids;
    __u8 reserved;
};

struct host_hw_info_amd {
    __aligned_u64 efr;
    __aligned_u64 efr2;
};

#define HOST_VIOMMU_ARM_SMMUV3 1

struct host_iommu_viommu_alloc {
    __u32 size;
    __u32 flags;
    __u32 type;
    __u32 dev_id;
    __u32 hwpt_id;
    __u32 out_viommu_id;
    __u32 data_len;
    __u32 reserved;
    __aligned_u64 data_uptr;
};

struct host_vfio_bind_iommufd {
    __u32 argsz;
    __u32 flags;
    __s32 iommufd;
    __u32 out_devid;
};

struct host_vfio_attach_pt {
    __u32 argsz;
    __u32 flags;
    __u32 pt_id;
};
