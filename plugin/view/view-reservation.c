/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "view-reservation.h"

#include <string.h>

#include "view-memlock.h"

/* <hostdev> with address type='unassigned' is taken from the host as well, though no guest sees it
 * (libvirt 11.3 src/hypervisor/virhostdev.c prepares all of a domain's hostdevs). */
static void
add_device(HostReservation *reservation, const ModelHostdev *dev)
{
    if (dev->kind == MODEL_HOSTDEV_NETWORK)
        return;
    if (dev->kind == MODEL_HOSTDEV_MDEV) {
        if (dev->mdev_uuid)
            g_ptr_array_add(reservation->devices, g_strdup(dev->mdev_uuid));
    } else if (dev->host_known) {
        g_ptr_array_add(reservation->devices, base_pci_format(dev->host));
    }
}

static gint
compare_texts(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

guint
view_open_devices(const View *view)
{
    guint count = 0;

    for (guint i = 0; i < view->hostdevs->len; i++)
        count +=
            ((const ViewHostdev *)view->hostdevs->pdata[i])->dev->kind == MODEL_HOSTDEV_NETWORK;
    return count;
}

/* Resident memory is the same for one address space and for many. */
static BaseU64
locked_memory(const View *view)
{
    gboolean assigned = FALSE;
    g_autoptr(ViewMemlock) memlock = NULL;

    for (guint i = 0; i < view->hostdevs->len; i++)
        assigned = assigned || view_is_assigned(view->hostdevs->pdata[i]);
    memlock = view_memlock_of(view, assigned ? 1 : 0, 0, FALSE);
    return memlock->resident;
}

/* The host IOMMU behind a vIOMMU: an accelerated one has devices of one only. NULL: not known */
static const HostIommu *
unit_behind(const View *view, const ViewIommu *iommu)
{
    for (guint i = 0; i < view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = view->hostdevs->pdata[i];

        if (hostdev->viommu == iommu && hostdev->unit)
            return hostdev->unit;
    }
    return NULL;
}

/* Auto takes what the host's SMMU has (QEMU 11.1 hw/arm/smmuv3-accel.c). */
static BaseU64
smmu_pasid_bits(const View *view, const ViewIommu *iommu)
{
    const HostIommu *unit = unit_behind(view, iommu);
    HostSmmu smmu;

    if (iommu->accel == BASE_NO)
        return base_u64(0);
    if (iommu->accel == BASE_UNKNOWN || iommu->ssidsize.state != BASE_STATE_ABSENT)
        return iommu->accel == BASE_YES ? iommu->ssidsize : (BaseU64){0};
    return unit && host_decode_smmu(unit, &smmu) ? base_u64(smmu.ssid_bits) : (BaseU64){0};
}

static BaseU64
pasid_bits_of(const View *view, const ViewIommu *iommu)
{
    if (iommu->iommu->kind == MODEL_IOMMU_SMMUV3)
        return smmu_pasid_bits(view, iommu);
    if (iommu->iommu->kind == MODEL_IOMMU_INTEL && iommu->fsts != BASE_NO)
        return iommu->pasid_bits;
    return base_u64(0);
}

/* One VINTF for each vSMMU, with all its queues: Linux 7.2 tegra241-cmdqv.c
 * tegra241_cmdqv_hw_info() (log2vcmdqs is of the queues per VINTF), include/uapi/linux/iommufd.h
 * struct iommu_hw_info_tegra241_cmdqv; QEMU 11.1 hw/arm/tegra241-cmdqv.c */
static BaseU64
queues_of(const View *view, const ViewIommu *iommu)
{
    const HostIommu *unit = unit_behind(view, iommu);

    if (iommu->iommu->kind != MODEL_IOMMU_SMMUV3 || iommu->accel == BASE_NO ||
        iommu->cmdqv == BASE_NO)
        return base_u64(0);
    if (iommu->accel == BASE_UNKNOWN || !unit || unit->cmdqv == BASE_STATE_UNKNOWN)
        return (BaseU64){0};
    if (unit->cmdqv == BASE_STATE_ABSENT)
        return base_u64(0);
    return base_u64(G_GUINT64_CONSTANT(1) << MIN(unit->cmdqv_log2vcmdqs, 16));
}

static BaseU64
accel_of(const ViewIommu *iommu)
{
    if (iommu->iommu->kind != MODEL_IOMMU_SMMUV3 || iommu->accel == BASE_NO)
        return base_u64(0);
    return iommu->accel == BASE_YES ? base_u64(1) : (BaseU64){0};
}

/* What is not known of one is not known of all. */
static BaseU64
add(BaseU64 a, BaseU64 b)
{
    return base_u64_is_known(a) && base_u64_is_known(b) ? base_u64(a.value + b.value)
                                                        : (BaseU64){0};
}

static BaseU64
greater(BaseU64 a, BaseU64 b)
{
    return base_u64_is_known(a) && base_u64_is_known(b) ? base_u64(MAX(a.value, b.value))
                                                        : (BaseU64){0};
}

HostReservation *
view_reservation(const View *view)
{
    const char *written = view->domain->uuid;
    g_autofree char *uuid = written ? g_ascii_strdown(written, -1) : NULL;
    HostReservation *reservation = host_reservation_new(uuid, view->domain->name);

    for (guint i = 0; i < view->hostdevs->len; i++)
        add_device(reservation, ((const ViewHostdev *)view->hostdevs->pdata[i])->dev);
    g_ptr_array_sort(reservation->devices, compare_texts);
    reservation->locked_memory = locked_memory(view);
    reservation->pasid_bits = reservation->accel_viommus = reservation->command_queues =
        base_u64(0);
    for (guint i = 0; i < view->iommus->len; i++) {
        const ViewIommu *iommu = view->iommus->pdata[i];

        reservation->pasid_bits = greater(reservation->pasid_bits, pasid_bits_of(view, iommu));
        reservation->accel_viommus = add(reservation->accel_viommus, accel_of(iommu));
        reservation->command_queues = add(reservation->command_queues, queues_of(view, iommu));
    }
    return reservation;
}
