/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The join of domain, host, policy and target: which assigned device is which host function,
 * which vIOMMU covers it, what the vIOMMU's properties really are, and what memory that pins.
 * Pure, and without judgement: rules and planner both read it.
 */
#pragma once

#include "host-decode.h"
#include "host-facts.h"
#include "model.h"
#include "policy.h"

/* One vIOMMU with the values that QEMU will see: attribute, else override, else the default of
 * that QEMU and machine version. UNKNOWN where the target version decides and is not known. */
typedef struct {
    const ModelIommu *iommu;
    guint index; /* in the domain's list */
    BaseU64 aw_bits;
    BaseTri caching_mode, intremap, eim, device_iotlb, dma_translation; /* intel (amd: part) */
    BaseTri scalable, fsts;
    BaseTri fs1gp, snoop_control, svm; /* intel */
    BaseU64 pasid_bits;                /* intel; 0: none */
    BaseTri dma_remap;                 /* amd */
    BaseTri boot_bypass;               /* virtio */
    BaseU64 granule;                   /* virtio, bytes; ABSENT: that of the host */
    BaseTri accel;                     /* smmuv3: as QEMU will see it (dropped without pciBus) */
    gboolean accel_written;
    BaseU64 pci_bus;         /* smmuv3: controller index; ABSENT: machine-wide */
    BaseTri values_auto;     /* smmuv3: whether unwritten ats, ril, oas, ssidsize follow the host */
    BaseTri ats, ril, cmdqv; /* smmuv3; auto is UNKNOWN */
    BaseU64 oas, ssidsize;   /* smmuv3; ABSENT: auto; UNKNOWN: the machine version decides */
} ViewIommu;

typedef struct {
    const ModelHostdev *dev;
    guint index;
    const HostDevice *fact;  /* NULL: unknown, or absent from a known list */
    gboolean absent;         /* the host's list is known and has no such function */
    const HostGroup *group;  /* NULL: unknown or none */
    const HostIommu *unit;   /* host IOMMU; NULL: unknown or not translated */
    const ViewIommu *viommu; /* that covers its guest address; NULL: none */
    BaseTri covered;         /* UNKNOWN: its guest address cannot be told */
    guint root_bus;          /* controller index of the guest root bus; G_MAXUINT: unknown */
    gboolean conventional;   /* behind a conventional bridge in the guest */
    PolicyDemand demand;
} ViewHostdev;

typedef struct {
    const ViommuHost *host; /* never NULL; may be the "none" facts */
    const ViommuDomain *domain;
    const ViommuPolicy *policy;
    ViommuTarget target; /* zeros replaced from the host facts where these tell */
    GPtrArray *iommus;   /* of ViewIommu */
    GPtrArray *hostdevs; /* of ViewHostdev */
} View;

/* Whether a domain is any business of ours: a device that is assigned or that nobody can read, a
 * vIOMMU, or the wish for one */
gboolean view_concerns_us(const ViommuDomain *domain);

/* Places the devices of @domain, if it concerns us. */
View *view_new(const ViommuHost *host, const ViommuDomain *domain, const ViommuPolicy *policy,
               const ViommuTarget *target);
void view_free(View *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(View, view_free)

static inline gboolean
view_is_assigned(const ViewHostdev *hostdev)
{
    return model_is_assigned(hostdev->dev);
}

/* Two devices behind one conventional bridge of the guest have one requester id there, and so one
 * address space: seen with QEMU 11.1.2 behind VT-d, where both together lock RAM once. */
static inline gboolean
view_share_requester(const ViewHostdev *a, const ViewHostdev *b)
{
    return a->conventional && b->conventional && a->dev->address.pci.bus == b->dev->address.pci.bus;
}

/* Version that decides QEMU's machine defaults: the machine's own, or for an alias ("q35") that of
 * the target QEMU; UNKNOWN when neither is told. */
BaseU64 view_machine_version(const ViommuDomain *domain, guint64 qemu);
/* Whether a vIOMMU stands on <qemu:commandline>, of which libvirt's own limit knows nothing */
gboolean view_has_hidden_viommu(const View *view);
/* Whether QEMU is told to keep the devices on root bus @root_bus outside of any vIOMMU. */
gboolean view_is_bypassed(const ViommuDomain *domain, guint root_bus);
/* The vIOMMU that covers a guest address on root bus @root_bus (G_MAXUINT: not known), or NULL. */
const ViewIommu *view_covering(const View *view, guint root_bus, BaseTri *ret_known);
/* Which page table the host kernel will be asked for: decides the width (host_iova_bits()) */
HostTable view_table_of(const ViewHostdev *hostdev);
/* (transfer full): "ua-gpu0, 0000:65:00.0", what messages put in brackets */
char *view_hostdev_label(const ViewHostdev *hostdev);
