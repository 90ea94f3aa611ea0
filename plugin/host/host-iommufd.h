/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Questions to the kernel about one idle function, through iommufd. Opening and closing the
 * function resets it (vfio_pci_core.c:603-616 in Linux 7.2) and its whole group is blocked from
 * DMA meanwhile: harmless for a function that idles on vfio-pci, never for one in use.
 */
#pragma once

#include "host-facts.h"

typedef enum {
    HOST_ASK_NEST_PARENT,
    HOST_ASK_DIRTY_TRACKING,
    HOST_ASK_VIOMMU,
    HOST_ASK_CMDQV,
    HOST_ASK_APERTURE,
    HOST_QUESTIONS,
} HostQuestion;

typedef struct {
    guint type;                   /* HOST_HW_INFO_… of host-uapi.h; NONE: no registers */
    guint said_type, said_length; /* what the kernel called it, and how much it gave */
    guint64 cap, ecap;
    guint64 efr, efr2;
    guint32 idr[6], iidr, aidr;
    guint max_pasid_log2;
    guint64 capabilities;                /* HOST_HW_CAP_… */
    BaseTri nest_parent, dirty_tracking; /* an HWPT with that flag could be made */
    BaseTri viommu_alloc;                /* SMMUv3: a vIOMMU object could be made */
    BaseState cmdqv;
    guint8 cmdqv_version, cmdqv_log2vcmdqs, cmdqv_log2vsids;
    BaseU64 aperture_bits;      /* top of the IOVA ranges of a plain domain */
    int failed[HOST_QUESTIONS]; /* errno that tells nothing of the hardware; 0: told, or not asked
                                 */
} HostIommufdAnswer;

/* Asks through the character device @cdev ("/dev/vfio/devices/vfio0") and @iommufd
 * ("/dev/iommu"). An answer that the kernel does not give leaves its member unknown; an error says
 * which step failed and what its errno means there. */
gboolean host_iommufd_query(const char *iommufd, const char *cdev, HostIommufdAnswer *ret,
                            GError **error);
