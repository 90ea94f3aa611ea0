/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the rules say of the domain and the plan does not mend. A plan that is valid leaves no
 * error in the domain: what somebody must write by hand makes it invalid, and what somebody must
 * do to the host is an action.
 */
#include "plan-room.h"

#include <string.h>

#include "plan-edit.h"
#include "view-stack.h"

/* Errors that the plan mends, or for which it has struck a mode with reasons of its own. */
static const char *const answered[] = {"accel-ats",
                                       "accel-auto-cold",
                                       "accel-bridge",
                                       "accel-cmdqv",
                                       "accel-emulated-endpoint",
                                       "accel-granules",
                                       "accel-host-cannot-nest",
                                       "accel-legacy-backend",
                                       "accel-oas",
                                       "accel-oas-host",
                                       "accel-off-hostdev",
                                       "accel-ril",
                                       "accel-second-smmu",
                                       "accel-sidsize",
                                       "accel-ssidsize",
                                       "accel-ssidsize-host",
                                       "accel-stream-table",
                                       "accel-values",
                                       "amd-dma-remap-off",
                                       "amd-nested-none",
                                       "bus-mem-reserve",
                                       "bus-pcibus-target",
                                       "bus-reserve-too-new",
                                       "group-device-absent",
                                       "group-singleton",
                                       "hotplug-caching-mode",
                                       "hotplug-no-free-port",
                                       "iova-direct-region",
                                       "memlock-daemon-cannot-raise",
                                       "memlock-hard-limit-low",
                                       "pasid-device-width",
                                       "pasid-off",
                                       "pasid-sva-vtd",
                                       "pasid-without-nesting",
                                       "stack-arm-mixed-viommus",
                                       "vtd-aw-bits-host",
                                       "vtd-aw-bits-value",
                                       "vtd-caching-mode",
                                       "vtd-dma-translation-off",
                                       "vtd-eim-needs-intremap",
                                       "vtd-first-stage-bridge",
                                       "vtd-first-stage-host",
                                       "vtd-intremap-irqchip",
                                       "vtd-many-vcpus",
                                       "xml-accel-without-pcibus",
                                       "xml-attribute-not-for-model",
                                       NULL};

/* Errors that go away when somebody does something on the host. */
static const char *const for_admin[] = {"group-denylist",      "group-viable",
                                        "group-vf-token",      "memlock-iommufd-accounting",
                                        "stack-iommufd-needs", NULL};

static gboolean
is_planned(const PlanWork *work, const ModelIommu *iommu)
{
    for (guint i = 0; i < work->plan->iommus->len; i++) {
        if (((PlanIommu *)work->plan->iommus->pdata[i])->existing == iommu)
            return TRUE;
    }
    return FALSE;
}

/* Attributes that libvirt does not know are taken out of the vIOMMUs that the plan writes. */
static gboolean
is_on_planned(const PlanWork *work, const Finding *finding)
{
    for (guint i = 0; i < work->domain->iommus->len; i++) {
        const ModelIommu *iommu = work->domain->iommus->pdata[i];
        g_autofree char *xpath = iommu->driver ? model_xpath(iommu->driver, NULL) : NULL;

        if (is_planned(work, iommu) && g_strcmp0(xpath, finding->xpath) == 0)
            return TRUE;
    }
    return FALSE;
}

/* The plan writes vIOMMUs, and takes no bus out of the bypass that was written for it. */
static gboolean
is_on_bypassed_bus(const PlanWork *work, const Finding *finding)
{
    const ViewHostdev *hostdev = work->view->hostdevs->pdata[finding->object];

    return view_is_bypassed(work->domain, hostdev->root_bus);
}

static gboolean
is_answered(const PlanWork *work, const Finding *finding)
{
    const Rule *rule = finding->rule;

    if (strcmp(rule->id, "bus-high-window") == 0)
        return plan_window_is_ours(work);
    if (strcmp(rule->id, "bus-device-uncovered") == 0)
        return !is_on_bypassed_bus(work, finding);
    if (strcmp(rule->id, "xml-unknown-attribute") == 0)
        return is_on_planned(work, finding);
    if (!g_strv_contains(answered, rule->id))
        return FALSE;
    return rule->scope != RULE_SCOPE_VIOMMU || finding->object >= work->domain->iommus->len ||
           is_planned(work, work->domain->iommus->pdata[finding->object]);
}

static void
reject(PlanWork *work, const Finding *finding)
{
    g_autofree char *reason = finding->line
                                  ? g_strdup_printf("line %u: %s", finding->line, finding->message)
                                  : g_strdup(finding->message);
    const char *help = finding->help ? finding->help : finding->rule->remedy;

    g_ptr_array_add(work->plan->rejected,
                    plan_rejection_new(NULL, PLAN_NO_CANDIDATE, finding->rule->id, help, reason));
}

void
plan_clean_driver(PlanWork *work, const ModelIommu *iommu)
{
    PlanWhy why = {"libvirt drops or refuses this attribute on this model",
                   "xml-attribute-not-for-model"};

    if (!iommu || !iommu->driver || iommu->commandline || iommu->kind == MODEL_IOMMU_OTHER ||
        work->target.libvirt == 0)
        return;
    for (const xmlAttr *attribute = iommu->driver->properties; attribute;
         attribute = attribute->next) {
        const char *name = (const char *)attribute->name;
        const StackAttribute *row = stack_attribute(iommu->kind, name);
        /* without the attribute the vIOMMU is still the one that was meant */
        gboolean too_new = row && iommu->kind == MODEL_IOMMU_VIRTIO && work->target.libvirt &&
                           row->since > work->target.libvirt;

        if (!attribute->ns && (!row || too_new))
            plan_spot_unset(work->plan, plan_spot(iommu->driver), name, why);
    }
}

gboolean
plan_rest(PlanWork *work)
{
    g_autoptr(ViommuReport) report = rule_check(work->view);
    gboolean fine = TRUE;

    for (guint i = 0; i < report->findings->len; i++) {
        const Finding *finding = report->findings->pdata[i];

        if (finding->outcome != VIOMMU_OUTCOME_FAIL || finding->severity != VIOMMU_SEVERITY_ERROR ||
            is_answered(work, finding))
            continue;
        if (g_strv_contains(for_admin, finding->rule->id)) {
            plan_action(work, "admin", "%s: %s", finding->message,
                        finding->help ? finding->help : finding->rule->remedy);
            continue;
        }
        reject(work, finding);
        fine = FALSE;
    }
    return fine;
}
