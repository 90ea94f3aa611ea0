/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: why a mode falls. */
#include "plan-vtd.h"

#define GIB (G_GUINT64_CONSTANT(1) << 30)

static gboolean
check_amd(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    const ViewIommu *viommu = plan_viommu(work);

    (void)hostdev;
    if (!viommu || viommu->iommu->kind != MODEL_IOMMU_AMD || viommu->dma_remap == BASE_YES)
        return FALSE;
    return plan_strike(strike, "amd-dma-remap-off",
                       "<iommu model='intel'>, which serves on AMD hosts",
                       "the amd vIOMMU (line %u) translates nothing without dma-remap, which "
                       "libvirt cannot write",
                       plan_viommu_line(work, viommu));
}

/* Without scalable mode the kernel takes second-stage tables, which are wider. */
static gboolean
is_scalable(const PlanWork *work, const ViewHostdev *hostdev)
{
    return hostdev->unit && host_vtd_scalable(work->host, hostdev->unit) == BASE_YES;
}

static gboolean
check_width(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    guint64 gib = (plan_guest_space(work) + GIB - 1) / GIB, lowest;
    g_autofree char *width = NULL;

    if (!plan_vtd_is_ours(work) || plan_vtd_width(work) != 0)
        return FALSE;
    (void)plan_vtd_host_offers_48(work, &lowest);
    if (lowest < 39)
        return plan_strike(strike, "vtd-aw-bits-host", NULL,
                           "the host offers only %" G_GUINT64_FORMAT
                           " bits of IOVA, and QEMU's VT-d has 39 or 48",
                           lowest);
    width = lowest < 48 ? g_strdup_printf("offers %" G_GUINT64_FORMAT " bits of IOVA", lowest)
                        : g_strdup("is not known to offer 48 bits of IOVA");
    return plan_strike(strike, "vtd-aw-bits-host",
                       is_scalable(work, hostdev)
                           ? "less guest memory, or intel_iommu=sm_off on the host (48 bits)"
                           : "less guest memory",
                       "the host %s, and the guest's memory and BARs end at %" G_GUINT64_FORMAT
                       " GiB: neither of the widths that QEMU's VT-d has, 39 and 48, serves",
                       width, gib);
}

static gboolean
check_attributes(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    static const char *const needed[] = {"caching_mode", "intremap", "aw_bits"};

    (void)hostdev;
    if (work->target.libvirt == 0 || !plan_vtd_is_ours(work))
        return FALSE; /* every libvirt since 6.5 knows them */
    for (guint i = 0; i < G_N_ELEMENTS(needed); i++) {
        if (plan_check_attribute(work, MODEL_IOMMU_INTEL, needed[i], strike))
            return TRUE;
    }
    return FALSE;
}

static gboolean
check_no_first_stage(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    const ViewIommu *viommu = plan_viommu(work);

    (void)hostdev;
    if (!plan_vtd_is_ours(work) || !viommu || viommu->fsts == BASE_NO)
        return FALSE;
    return plan_strike(strike, NULL, "mode nested, or the vIOMMU without fsts",
                       "the vIOMMU (line %u) has first stage by override",
                       plan_viommu_line(work, viommu));
}

/* Turned into interrupt remapping alone by dma_translation='off'. */
static gboolean
check_irq(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    (void)hostdev;
    return plan_check_attribute(work, MODEL_IOMMU_INTEL, "dma_translation", strike);
}

/* Before 10.0 QEMU wants KVM for eim, which more than 255 vCPUs need (7.2
 * hw/i386/intel_iommu.c:4029). */
static gboolean
check_eim(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    (void)hostdev;
    if (!plan_vtd_is_ours(work) || work->domain->vcpus <= 255 || work->target.qemu == 0 ||
        work->target.qemu >= BASE_VERSION(10, 0, 0) || g_strcmp0(work->domain->type, "kvm") == 0)
        return FALSE;
    return plan_strike(strike, "vtd-eim-needs-kvm", "<domain type='kvm'>, or fewer vCPUs",
                       "%u vCPUs need extended interrupt mode, which this QEMU has with KVM only",
                       (guint)work->domain->vcpus);
}

static const PlanCheck shadow_checks[] = {
    plan_check_existing, check_no_first_stage, check_amd, plan_check_shadow_host,
    check_width,         check_attributes,     check_eim, NULL};
static const PlanCheck irq_checks[] = {
    plan_check_existing, check_no_first_stage, check_irq, plan_check_shadow_host,
    check_width,         check_attributes,     check_eim, NULL};

const PlanCheck *
plan_vtd_checks(ViommuMode mode)
{
    if (mode == VIOMMU_MODE_NESTED)
        return plan_first_stage_checks();
    return mode == VIOMMU_MODE_IRQ ? irq_checks : shadow_checks;
}
