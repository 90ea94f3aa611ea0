/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <viommu/viommu-plan.h>

#include "hotplug.h"
#include "lib.h"

ViommuPlan *
viommu_plan_new(ViommuHost *host, const ViommuDomain *domain, const ViommuPolicy *policy,
                const ViommuTarget *target, ViommuPlanFlags flags)
{
    static const ViommuTarget from_facts = {0};
    PlanFlags inner = flags & VIOMMU_PLAN_NO_METADATA ? PLAN_NO_METADATA : PLAN_DEFAULT;
    ViommuPlan *plan;

    g_return_val_if_fail(host, NULL);
    g_return_val_if_fail(domain, NULL);
    g_return_val_if_fail(policy, NULL);

    lib_read_named(host, domain);
    plan = plan_new(host, domain, policy, target ? target : &from_facts, inner);
    hotplug_order(plan);
    return plan;
}

ViommuPlan *
viommu_plan_ref(ViommuPlan *plan)
{
    g_return_val_if_fail(plan, NULL);

    return plan_ref(plan);
}

void
viommu_plan_unref(ViommuPlan *plan)
{
    if (plan)
        plan_unref(plan);
}

gboolean
viommu_plan_is_valid(const ViommuPlan *plan)
{
    g_return_val_if_fail(plan, FALSE);

    return plan->valid;
}

guint
viommu_plan_count_edits(const ViommuPlan *plan)
{
    g_return_val_if_fail(plan, 0);

    return plan->edits->len;
}

char *
viommu_plan_apply(const ViommuPlan *plan, GError **error)
{
    const ViommuDomain *domain;

    g_return_val_if_fail(plan, NULL);
    g_return_val_if_fail(!error || !*error, NULL);

    domain = plan->domain;
    if (!plan->valid) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_NO_PLAN, "%s: no plan", domain->file);
        return NULL;
    }
    return write_domain(domain, plan->edits, error);
}

char *
viommu_plan_diff(const ViommuPlan *plan, GError **error)
{
    g_autofree char *after = NULL;

    g_return_val_if_fail(plan, NULL);

    after = viommu_plan_apply(plan, error);
    return after ? write_diff(plan->domain->text, after, plan->domain->file) : NULL;
}

char *
viommu_plan_to_virt_xml(const ViommuPlan *plan, GError **error)
{
    g_autoptr(GString) out = g_string_new(NULL);

    g_return_val_if_fail(plan, NULL);

    if (!plan->valid) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_NO_PLAN, "%s: no plan", plan->domain->file);
        return NULL;
    }
    write_plan_virt_xml(plan, out);
    return g_string_free(g_steal_pointer(&out), FALSE);
}

char *
viommu_plan_to_json(const ViommuPlan *plan)
{
    g_autoptr(BaseJson) document = NULL;

    g_return_val_if_fail(plan, NULL);

    document = write_plan_json(plan);
    return base_json_to_text(document);
}

char *
viommu_plan_render(const ViommuPlan *plan, ViommuRenderFlags flags, guint width)
{
    WriteStyle style = lib_style(flags, width);
    g_autoptr(GString) out = g_string_new(NULL);

    g_return_val_if_fail(plan, NULL);

    write_plan_text(plan, &style, out);
    return g_string_free(g_steal_pointer(&out), FALSE);
}

char *
viommu_plan_limits_to_json(const ViommuPlan *plan)
{
    g_autoptr(ViewMemlock) now = NULL;
    g_autoptr(BaseJson) document = NULL;

    g_return_val_if_fail(plan, NULL);

    now = view_memlock(plan->view, 0);
    document = write_limits_json(plan, now);
    return base_json_to_text(document);
}

char *
viommu_plan_limits_render(const ViommuPlan *plan, ViommuRenderFlags flags, guint width)
{
    WriteStyle style = lib_style(flags, width);
    g_autoptr(ViewMemlock) now = NULL;
    g_autoptr(GString) out = g_string_new(NULL);

    g_return_val_if_fail(plan, NULL);

    now = view_memlock(plan->view, 0);
    write_limits_text(plan, now, &style, out);
    return g_string_free(g_steal_pointer(&out), FALSE);
}
