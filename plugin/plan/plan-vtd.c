/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: the one vIOMMU. New ones are VT-d, on AMD hosts as well: the model is QEMU's own. */
#include "plan-vtd.h"

/* --- what is there --- */

gboolean
plan_vtd_is_ours(const PlanWork *work)
{
    const ViewIommu *viommu = plan_viommu(work);

    return !viommu || viommu->iommu->kind == MODEL_IOMMU_INTEL;
}

/* --- address width --- */

static gboolean
fits_39_bits(const PlanWork *work)
{
    return plan_guest_space(work) <= G_GUINT64_CONSTANT(1) << 39;
}

BaseTri
plan_vtd_host_offers_48(const PlanWork *work, guint64 *ret_lowest)
{
    BaseTri wide = BASE_YES;

    *ret_lowest = 64;
    for (guint i = 0; i < work->view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = work->view->hostdevs->pdata[i];
        BaseU64 bits;

        if (!view_is_assigned(hostdev) || hostdev->dev->kind == MODEL_HOSTDEV_MDEV)
            continue;
        bits = hostdev->unit ? host_iova_bits(work->host, hostdev->unit, view_table_of(hostdev))
                             : (BaseU64){0};
        if (base_u64_is_known(bits))
            *ret_lowest = MIN(*ret_lowest, bits.value);
        else if (wide == BASE_YES)
            wide = BASE_UNKNOWN;
    }
    return *ret_lowest < 48 ? BASE_NO : wide;
}

guint
plan_vtd_width(const PlanWork *work)
{
    guint64 lowest;

    if (plan_vtd_host_offers_48(work, &lowest) == BASE_YES)
        return 48;
    return lowest >= 39 && fits_39_bits(work) ? 39 : 0;
}

/* One that is written stays where the host is not known to have less. */
static gboolean
width_is_right(const PlanWork *work, BaseU64 width)
{
    guint64 lowest;
    BaseTri wide = plan_vtd_host_offers_48(work, &lowest);
    /* BARs beyond the width are out of reach for other devices alone: no reason to change it */
    gboolean narrow = lowest >= 39 && plan_guest_memory_end(work->domain) <= G_GUINT64_CONSTANT(1)
                                                                                 << 39;

    /* not told is one of QEMU's two defaults */
    if (!base_u64_is_known(width))
        return wide == BASE_YES && narrow;
    return (width.value == 48 && wide != BASE_NO) || (width.value == 39 && narrow);
}

static void
note_width(PlanWork *work, guint width)
{
    guint64 lowest;

    if (plan_vtd_host_offers_48(work, &lowest) == BASE_UNKNOWN)
        plan_note(work,
                  "aw_bits='%u' is written because the address width of the host's IOMMU is not "
                  "known (host facts with CAP and ECAP, or --probe)",
                  width);
}

/* --- writing --- */

static PlanSpot
spot_of(PlanWork *work, const ViewIommu *viommu)
{
    PlanWhy why = {"the devices need a vIOMMU, and only <iommu> tells libvirt to count their "
                   "locked memory",
                   NULL};
    PlanSpot devices = plan_spot_devices(work->plan);
    PlanSpot spot;

    if (viommu && viommu->iommu->node)
        return plan_spot(viommu->iommu->node);
    spot = plan_spot_add(work->plan, devices, "iommu", NULL, why);
    plan_spot_set(work->plan, spot, "model", "intel", why);
    return spot;
}

static gboolean
is_written(const ViewIommu *viommu, const char *attribute)
{
    return viommu && viommu->iommu->attributes &&
           g_hash_table_contains(viommu->iommu->attributes, attribute);
}

/* Somebody who turned it off by hand and demands no isolation in the guest may keep it so. */
static gboolean
remapping_is_declined(const PlanWork *work, const ViewIommu *viommu)
{
    for (guint i = 0; i < work->plan->devices->len; i++) {
        const PlanDevice *device = work->plan->devices->pdata[i];

        if (device->usage != VIOMMU_USAGE_DMA)
            return FALSE;
    }
    return is_written(viommu, "intremap") && work->domain->vcpus <= 255;
}

static void
write_remapping(PlanWork *work, PlanSpot driver, const ViewIommu *viommu)
{
    PlanWhy why = {"without interrupt remapping a guest hands no device on to its own users safely",
                   NULL};
    PlanWhy wide = {"more than 255 vCPUs need extended interrupt mode", "vtd-many-vcpus"};
    PlanWhy irqchip = {"interrupt remapping needs the split interrupt chip",
                       "vtd-intremap-irqchip"};
    PlanWhy under_eim = {"libvirt refuses eim without interrupt remapping",
                         "vtd-eim-needs-intremap"};
    gboolean many = work->domain->vcpus > 255;
    g_autofree char *eim = NULL;
    g_autofree char *intremap = NULL;
    PlanSpot features, ioapic;

    if (!viommu || (viommu->intremap != BASE_YES && !remapping_is_declined(work, viommu)))
        plan_spot_set(work->plan, driver, "intremap", "on", why);
    if (many && (!viommu || viommu->eim != BASE_YES || !is_written(viommu, "eim")))
        plan_spot_set(work->plan, driver, "eim", "on", wide);
    eim = plan_spot_get(work->plan, driver, "eim");
    if (g_strcmp0(eim, "on") == 0) /* libvirt wants it written, whatever the default is */
        plan_spot_set(work->plan, driver, "intremap", "on", under_eim);
    intremap = plan_spot_get(work->plan, driver, "intremap");
    if (g_strcmp0(intremap, "on") != 0)
        return;
    features = plan_spot_child(work->plan, plan_spot(work->domain->root), "features",
                               model_child(work->domain->root, "os"), irqchip);
    ioapic = plan_spot_child(work->plan, features, "ioapic", NULL, irqchip);
    plan_spot_set(work->plan, ioapic, "driver", "qemu", irqchip);
}

/* Whether a device in the guest will translate ahead by ATS: only one that the guest isolates. */
static gboolean
needs_device_iotlb(const PlanWork *work)
{
    for (guint i = 0; i < work->plan->devices->len; i++) {
        const PlanDevice *device = work->plan->devices->pdata[i];
        const HostDevice *fact = device->hostdev->fact;

        if (device->usage >= VIOMMU_USAGE_PASID && fact && fact->pcie.ats == BASE_YES)
            return TRUE;
    }
    return FALSE;
}

/* QEMU's first stage has one width, and shadow tables one of two. */
static void
write_width(PlanWork *work, PlanSpot driver, const ViewIommu *viommu, ViommuMode mode)
{
    PlanWhy width = {"the width that the host's IOMMU really offers and the guest fits in",
                     "vtd-aw-bits-host"};
    PlanWhy stage = {"the one width of QEMU's first stage", "vtd-aw-bits-value"};
    gboolean is_48 = viommu && base_u64_is_known(viommu->aw_bits) && viommu->aw_bits.value == 48;

    if (mode == VIOMMU_MODE_NESTED && !is_48)
        plan_spot_set(work->plan, driver, "aw_bits", "48", stage);
    else if (mode != VIOMMU_MODE_NESTED && (!viommu || !width_is_right(work, viommu->aw_bits))) {
        plan_spot_setf(work->plan, driver, "aw_bits", width, "%u", plan_vtd_width(work));
        note_width(work, plan_vtd_width(work));
    }
}

static void
write_translation(PlanWork *work, PlanSpot driver, const ViewIommu *viommu, ViommuMode mode)
{
    PlanWhy caching = {"QEMU refuses an assigned device behind VT-d without caching mode",
                       "vtd-caching-mode"};
    PlanWhy iotlb = {"a device that uses PASIDs translates ahead by ATS", NULL};
    PlanWhy dma = {"a device that the guest isolates needs its DMA translated",
                   "vtd-dma-translation-off"};
    PlanWhy irq = {"interrupts are remapped and DMA is left alone", NULL};

    if (!viommu || viommu->caching_mode != BASE_YES)
        plan_spot_set(work->plan, driver, "caching_mode", "on", caching);
    if (mode == VIOMMU_MODE_NESTED && needs_device_iotlb(work) &&
        (!viommu || viommu->device_iotlb != BASE_YES))
        plan_spot_set(work->plan, driver, "iotlb", "on", iotlb);
    if (mode == VIOMMU_MODE_IRQ && (!viommu || viommu->dma_translation != BASE_NO))
        plan_spot_set(work->plan, driver, "dma_translation", "off", irq);
    write_width(work, driver, viommu, mode);
    for (guint i = 0; viommu && i < work->plan->devices->len; i++) {
        const PlanDevice *device = work->plan->devices->pdata[i];

        if (viommu->dma_translation == BASE_NO && device->usage != VIOMMU_USAGE_DMA)
            plan_spot_unset(work->plan, driver, "dma_translation", dma);
    }
}

/* The attributes as they will be, in the order of the XML. */
static void
record(PlanWork *work, PlanIommu *iommu, PlanSpot driver)
{
    static const char *const names[] = {"intremap", "caching_mode",    "eim",
                                        "iotlb",    "dma_translation", "aw_bits"};

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        char *value = plan_spot_get(work->plan, driver, names[i]);

        if (!value)
            continue;
        g_ptr_array_add(iommu->names, g_strdup(names[i]));
        g_ptr_array_add(iommu->values, value);
    }
}

void
plan_vtd_write(PlanWork *work, ViommuMode mode)
{
    const ViewIommu *viommu = plan_viommu(work), *written = plan_viommu_written(work);
    PlanWhy why = {"what the vIOMMU needs for assigned devices", NULL};
    PlanIommu *iommu = plan_iommu_add(work, viommu ? viommu->iommu->kind : MODEL_IOMMU_INTEL, mode,
                                      viommu ? viommu->iommu : NULL);
    PlanSpot spot, driver;

    if (!plan_vtd_is_ours(work))
        return;
    spot = spot_of(work, viommu);
    driver = plan_spot_child(work->plan, spot, "driver", NULL, why);
    write_remapping(work, driver, written);
    write_translation(work, driver, written, mode);
    plan_write_acpi(work);
    record(work, iommu, driver);
    plan_spot_drop_empty(work->plan, driver);
    if (mode == VIOMMU_MODE_NESTED)
        plan_first_stage_write(work, iommu, spot);
}

void
plan_vtd_write_for_hotplug(PlanWork *work)
{
    const ViewIommu *viommu = plan_viommu_written(work);
    PlanWhy why = {"QEMU refuses a device that is plugged in behind VT-d without caching mode, "
                   "which cannot be turned on later",
                   "hotplug-caching-mode"};
    PlanWhy width = {"a width that QEMU's VT-d has, for devices of whatever host IOMMU",
                     "vtd-aw-bits-value"};
    PlanIommu *iommu;
    PlanSpot driver;

    if (work->spares == 0 || !viommu || viommu->iommu->kind != MODEL_IOMMU_INTEL ||
        viommu->iommu->commandline || viommu->caching_mode == BASE_YES)
        return;
    iommu = plan_iommu_add(work, MODEL_IOMMU_INTEL, VIOMMU_MODE_SHADOW, viommu->iommu);
    driver = plan_spot_child(work->plan, plan_spot(viommu->iommu->node), "driver", NULL, why);
    plan_spot_set(work->plan, driver, "caching_mode", "on", why);
    if (base_u64_is_known(viommu->aw_bits) && viommu->aw_bits.value != 39 &&
        viommu->aw_bits.value != 48)
        plan_spot_set(work->plan, driver, "aw_bits", fits_39_bits(work) ? "39" : "48", width);
    if (viommu->eim == BASE_YES || work->domain->vcpus > 255)
        write_remapping(work, driver, viommu);
    record(work, iommu, driver);
}
