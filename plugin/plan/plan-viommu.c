/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every vIOMMU that covers the whole domain has in common, whatever its model. */
#include "plan-room.h"

#include <string.h>

#include "plan-edit.h"

#define GIB (G_GUINT64_CONSTANT(1) << 30)

/* --- what is there --- */

const ViewIommu *
plan_viommu(const PlanWork *work)
{
    return work->view->iommus->len > 0 ? work->view->iommus->pdata[0] : NULL;
}

const ViewIommu *
plan_viommu_written(const PlanWork *work)
{
    const ViewIommu *viommu = plan_viommu(work);

    return viommu && !viommu->iommu->implicit ? viommu : NULL;
}

guint
plan_viommu_line(const PlanWork *work, const ViewIommu *viommu)
{
    const xmlNode *node = viommu->iommu->node;

    return node ? model_span(work->domain, node)->line : 0;
}

gboolean
plan_viommu_is_new(const PlanWork *work)
{
    for (guint i = 0; i < work->plan->iommus->len; i++) {
        const PlanIommu *iommu = work->plan->iommus->pdata[i];

        if (iommu->model != MODEL_IOMMU_SMMUV3 && (!iommu->existing || iommu->existing->implicit))
            return TRUE;
    }
    return FALSE;
}

/* --- strikes --- */

gboolean
plan_check_existing(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    const GPtrArray *viommus = work->view->iommus;
    const ViewIommu *viommu = plan_viommu_written(work);

    (void)hostdev;
    if (!viommu)
        return FALSE;
    if (viommus->len > 1)
        return plan_strike(
            strike,
            work->family == PLAN_FAMILY_X86 ? "stack-one-viommu-on-x86" : "stack-arm-mixed-viommus",
            "take one of them out; the plan mends the other",
            "the domain has vIOMMUs at line %u and at line %u, and QEMU takes one over every bus",
            plan_viommu_line(work, viommu), plan_viommu_line(work, viommus->pdata[1]));
    if (viommu->iommu->commandline)
        return plan_strike(strike, "stack-viommu-in-commandline", "<iommu> in <devices> instead",
                           "the vIOMMU is hidden in <qemu:commandline> (line %u), where libvirt "
                           "does not count it and this plan does not write",
                           plan_viommu_line(work, viommu));
    if (viommu->iommu->kind == work->candidate.model)
        return FALSE;
    return plan_strike(strike, NULL, "the domain without that <iommu>",
                       "the domain has %s vIOMMU (line %u), and QEMU takes one over every bus",
                       viommu->iommu->model, plan_viommu_line(work, viommu));
}

gboolean
plan_check_shadow_host(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    HostVerdict verdict;

    if (!hostdev->fact || hostdev->fact->iommu.state == BASE_STATE_ABSENT)
        return FALSE;
    host_iommu_verdict(work->host, hostdev->unit, &verdict);
    if (verdict.shadow == BASE_YES)
        return FALSE;
    return plan_strike(strike, NULL, verdict.next, "%s", verdict.why_not_shadow);
}

gboolean
plan_check_nests(const PlanWork *work, const ViewHostdev *hostdev, const char *rule,
                 PlanStrike *strike)
{
    HostVerdict verdict;

    host_iommu_verdict(work->host, hostdev->unit, &verdict);
    if (verdict.nest == BASE_YES)
        return FALSE;
    return plan_strike(strike, hostdev->unit ? rule : "group-none", verdict.next, "%s",
                       verdict.why_not_nested);
}

static gboolean
is_about(const Finding *finding, const ViewHostdev *hostdev)
{
    return finding->rule->scope != RULE_SCOPE_HOSTDEV || finding->object == hostdev->index;
}

gboolean
plan_strike_by_rules(const PlanWork *work, const ViewHostdev *hostdev, const char *const *families,
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

/* --- what the guest addresses --- */

static guint64
hotplug_slots(const ViommuDomain *domain)
{
    g_autofree char *text = model_attribute(model_child(domain->root, "maxMemory"), "slots");
    guint64 slots = 0;

    return base_parse_u64(text, 10, &slots) ? slots : 0;
}

static guint64
bar_space(const PlanWork *work)
{
    guint64 space = 0;

    for (guint i = 0; i < work->view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = work->view->hostdevs->pdata[i];
        const GArray *bars = hostdev->fact ? hostdev->fact->bars : NULL;

        for (guint j = 0; bars && j < bars->len; j++) {
            const HostBar *bar = &g_array_index(bars, HostBar, j);

            if (bar->bits == 64 && !bar->io)
                space = base_saturating_add(space, bar->size);
        }
    }
    return space;
}

/* On x86 RAM goes on behind the hole of 2 GiB below 4 GiB (QEMU 11.1 hw/i386/pc_q35.c), on virt
 * it starts at 1 GiB and the devices follow (hw/arm/virt.c); memory to be plugged has 1 GiB of
 * alignment for each slot (hw/i386/pc.c, hw/arm/virt.c), and then come the 64-bit BARs. */
guint64
plan_guest_memory_end(const ViommuDomain *domain)
{
    guint64 top = MAX(base_saturating_add(domain->memory, 2 * GIB), 4 * GIB);

    if (domain->max_memory > domain->memory) {
        top = base_saturating_add(top, domain->max_memory - domain->memory);
        top = base_saturating_add(top, base_saturating_mul(hotplug_slots(domain) + 1, GIB));
    }
    return top;
}

guint64
plan_guest_space(const PlanWork *work)
{
    return base_saturating_add(plan_guest_memory_end(work->domain), bar_space(work));
}

/* --- writing --- */

void
plan_write_acpi(PlanWork *work)
{
    PlanWhy why = {"the guest learns of the vIOMMU from ACPI", NULL};
    PlanSpot features;

    if (work->domain->acpi)
        return;
    features = plan_spot_child(work->plan, plan_spot(work->domain->root), "features",
                               model_child(work->domain->root, "os"), why);
    (void)plan_spot_child(work->plan, features, "acpi", NULL, why);
}
