/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86: why a mode falls. */
#include "plan-vtd.h"

#include <string.h>

#define GIB (G_GUINT64_CONSTANT(1) << 30)

static guint
line_of(const PlanWork *work, const ViewIommu *viommu)
{
    const xmlNode *node = viommu->iommu->node;

    return node ? model_span(work->domain, node)->line : 0;
}

static gboolean
check_single(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    const GPtrArray *viommus = work->view->iommus;
    g_autofree char *help = NULL;
    guint line;

    (void)hostdev;
    if (viommus->len < 2)
        return FALSE;
    line = line_of(work, viommus->pdata[1]);
    help = g_strdup_printf("take one of them out; the plan mends the other");
    return plan_strike(strike, "stack-one-viommu-on-x86", help,
                       "the domain has vIOMMUs at line %u and at line %u, and x86 takes one",
                       line_of(work, viommus->pdata[0]), line);
}

static gboolean
check_commandline(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    const ViewIommu *viommu = plan_vtd_viommu(work);

    (void)hostdev;
    if (!viommu || !viommu->iommu->commandline)
        return FALSE;
    return plan_strike(strike, "stack-viommu-in-commandline", "<iommu> in <devices> instead",
                       "the vIOMMU is hidden in <qemu:commandline> (line %u), where libvirt does "
                       "not count it and this plan does not write",
                       line_of(work, viommu));
}

static gboolean
check_amd(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    const ViewIommu *viommu = plan_vtd_viommu(work);

    (void)hostdev;
    if (!viommu || viommu->iommu->kind != MODEL_IOMMU_AMD || viommu->dma_remap == BASE_YES)
        return FALSE;
    return plan_strike(strike, "amd-dma-remap-off",
                       "<iommu model='intel'>, which serves on AMD hosts",
                       "the amd vIOMMU (line %u) translates nothing without dma-remap, which "
                       "libvirt cannot write",
                       line_of(work, viommu));
}

static gboolean
check_shadow_host(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    g_autofree char *reason = NULL;

    if (!hostdev->fact || hostdev->fact->iommu.state == BASE_STATE_ABSENT)
        return FALSE;
    if (host_can_shadow(work->host, hostdev->unit, &reason) == BASE_YES)
        return FALSE;
    return plan_strike(strike, NULL, NULL, "%s", reason ? reason : "the host cannot shadow");
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
    guint64 gib = (plan_vtd_guest_space(work) + GIB - 1) / GIB, lowest;
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
is_about(const Finding *finding, const ViewHostdev *hostdev)
{
    return finding->rule->scope != RULE_SCOPE_HOSTDEV || finding->object == hostdev->index;
}

/* What the rules say of a vIOMMU that we keep and do not mend. */
static gboolean
strike_by_rules(const PlanWork *work, const ViewHostdev *hostdev, const char *const *families,
                PlanStrike *strike)
{
    g_autoptr(ViommuReport) report = rule_check(work->view);

    for (guint i = 0; i < report->findings->len; i++) {
        const Finding *finding = report->findings->pdata[i];
        g_autofree char *family = g_strndup(finding->rule->id, strcspn(finding->rule->id, "-"));

        if (finding->outcome == VIOMMU_OUTCOME_FAIL && finding->severity == VIOMMU_SEVERITY_ERROR &&
            is_about(finding, hostdev) && g_strv_contains(families, family))
            return plan_strike(strike, finding->rule->id,
                               finding->help ? finding->help : finding->rule->remedy, "%s",
                               finding->message);
    }
    return FALSE;
}

static gboolean
check_virtio(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    static const char *const families[] = {"virtio", NULL};
    const ViewIommu *viommu = hostdev->viommu;

    return viommu && viommu->iommu->kind == MODEL_IOMMU_VIRTIO &&
           strike_by_rules(work, hostdev, families, strike);
}

/* A first stage that somebody wrote by override is kept as it is; we write none. */
static gboolean
check_nested(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    static const char *const families[] = {"vtd", "pasid", NULL};
    const ViewIommu *viommu = plan_vtd_viommu(work);
    g_autofree char *reason = NULL;

    if (!hostdev->fact || hostdev->fact->iommu.state == BASE_STATE_ABSENT)
        return FALSE;
    if (host_can_nest(work->host, hostdev->unit, &reason) != BASE_YES)
        return plan_strike(strike,
                           hostdev->unit && hostdev->unit->type == HOST_IOMMU_AMD
                               ? "amd-nested-none"
                               : "vtd-first-stage-host",
                           NULL, "%s", reason ? reason : "the host cannot nest");
    if (viommu && viommu->fsts == BASE_YES)
        return strike_by_rules(work, hostdev, families, strike);
    return plan_strike(strike, NULL,
                       hostdev->demand.usage > VIOMMU_USAGE_GUEST_IOMMU
                           ? "usage guest-iommu, for which mode shadow serves"
                           : NULL,
                       "first-stage VT-d is a mode that this version does not write yet");
}

static gboolean
check_no_first_stage(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    const ViewIommu *viommu = plan_vtd_viommu(work);

    (void)hostdev;
    if (!plan_vtd_is_ours(work) || !viommu || viommu->fsts == BASE_NO)
        return FALSE;
    return plan_strike(strike, NULL, "mode nested, or the vIOMMU without fsts",
                       "the vIOMMU (line %u) has first stage by override", line_of(work, viommu));
}

static const PlanCheck shadow_checks[] = {check_single,     check_commandline, check_no_first_stage,
                                          check_amd,        check_shadow_host, check_width,
                                          check_attributes, check_virtio,      NULL};
static const PlanCheck nested_checks[] = {check_single, check_commandline, check_nested, NULL};
static const PlanCheck virtio_checks[] = {check_commandline, check_shadow_host, check_virtio, NULL};

const PlanCheck *
plan_vtd_checks(ViommuMode mode)
{
    return mode == VIOMMU_MODE_NESTED ? nested_checks : shadow_checks;
}

const PlanCheck *
plan_virtio_checks(void)
{
    return virtio_checks;
}
