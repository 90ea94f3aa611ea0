/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits, and what is left in the domain about the plan. */
#include "plan-sketch.h"

/* The digest is that of the decisions: the same for the same, another for others, and none goes
 * into a domain that needs nothing. */
static void
test_provenance(void)
{
    g_autofree char *gpu = hostdev("0000:17:00.0", "ua-0", "");
    Sketch sketch = {.machine = "pc-q35-11.1", .devices = gpu, .intents = GUEST_IOMMU};
    g_autoptr(ViommuPlan) first = plan_sketch("xeon", &sketch);
    g_autoptr(ViommuPlan) second = plan_sketch("xeon", &sketch);
    g_autoptr(ViommuPlan) other = NULL;
    g_autoptr(ViommuPlan) nothing = NULL;
    const PlanEdit *edit = edit_of(first, "viommu-plan:plan");

    g_assert_nonnull(edit);
    g_assert_cmpstr(base_element_get(edit->element, "policy"), ==, "default");
    g_assert_cmpstr(base_element_get(edit->element, "digest"), ==, first->digest);
    g_assert_cmpstr(first->digest, ==, second->digest);
    sketch.only = TRUE;
    sketch.mode = VIOMMU_MODE_SHADOW;
    other = plan_sketch("xeon", &sketch);
    g_assert_cmpstr(first->digest, !=, other->digest);
    sketch.intents = "";
    sketch.only = FALSE;
    nothing = plan_sketch("xeon", &sketch);
    g_assert_null(edit_of(nothing, "viommu-plan:plan"));
    g_assert_cmpuint(nothing->edits->len, ==, 0);
}

static void
test_hard_limit(void)
{
    g_autofree char *gpu = hostdev("0000:17:00.0", "ua-0", "");
    Sketch sketch = {.machine = "pc-q35-11.1",
                     .top = "<memtune><hard_limit unit='GiB'>8</hard_limit></memtune>",
                     .devices = gpu,
                     .intents = GUEST_IOMMU};
    g_autoptr(ViommuPlan) low = plan_sketch("xeon", &sketch);
    g_autoptr(ViommuPlan) high = NULL;
    const PlanEdit *edit = edit_of(low, "hard_limit");

    g_assert_nonnull(edit);
    g_assert_cmpstr(edit->element->text, ==, "9437184");
    sketch.top = "<memtune><hard_limit unit='GiB'>9</hard_limit></memtune>";
    high = plan_sketch("xeon", &sketch);
    g_assert_null(edit_of(high, "hard_limit"));
}

static void
test_daemon_limit(void)
{
    g_autoptr(ViommuHost) host = load_host("xeon");
    g_autofree char *gpu = hostdev("0000:17:00.0", "ua-0", "");
    Sketch sketch = {.machine = "pc-q35-11.1", .devices = gpu, .intents = GUEST_IOMMU};
    g_autofree char *xml = draw(&sketch);
    g_autoptr(ViommuDomain) domain = parse(xml);
    g_autoptr(ViommuPolicy) policy = NULL;
    g_autoptr(ViommuPlan) plan = NULL;
    ViommuTarget session = {.profile = VIOMMU_PROFILE_SESSION};

    sketch.only = TRUE;
    sketch.mode = VIOMMU_MODE_SHADOW;
    policy = load_policy(&sketch);
    plan = plan_new(host, domain, policy, NULL, PLAN_DEFAULT);
    g_assert_cmpuint(plan->actions->len, ==, 0);
    g_assert_cmpuint(plan->grants->len, ==, 0);
    host->memlock.can_raise = BASE_NO;
    g_clear_pointer(&plan, plan_unref);
    plan = plan_new(host, domain, policy, NULL, PLAN_DEFAULT);
    g_assert_cmpuint(plan->actions->len, ==, 1);
    g_assert_nonnull(
        strstr(((PlanAction *)plan->actions->pdata[0])->what, "LimitMEMLOCK=9663676416"));
    g_clear_pointer(&plan, plan_unref);
    plan = plan_new(host, domain, policy, &session, PLAN_DEFAULT);
    g_assert_cmpuint(plan->grants->len, ==, 3);
    g_assert_cmpstr(((PlanGrant *)plan->grants->pdata[1])->path, ==, "/dev/vfio/20");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/plan/provenance", test_provenance);
    g_test_add_func("/plan/limits/hard-limit", test_hard_limit);
    g_test_add_func("/plan/limits/daemon", test_daemon_limit);
    return g_test_run();
}
