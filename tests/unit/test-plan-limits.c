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

/* --- windows --- */

static const char *
pcihole(const ViommuPlan *plan)
{
    for (guint i = 0; i < plan->edits->len; i++) {
        const PlanEdit *edit = plan->edits->pdata[i];

        if (!edit->element)
            continue;
        if (g_str_equal(edit->element->name, "pcihole64"))
            return edit->element->text;
        for (guint j = 0; j < edit->element->children->len; j++) {
            const BaseElement *child = edit->element->children->pdata[j];

            if (g_str_equal(child->name, "pcihole64"))
                return child->text;
        }
    }
    return NULL;
}

/* Three GPUs with 128 GiB and some MiB of BARs each begin at 0, 256 and 512 GiB. */
static void
test_window(void)
{
    g_autofree char *one = hostdev("0009:01:00.0", "ua-0", "");
    g_autofree char *two = hostdev("0019:01:00.0", "ua-1", "");
    g_autofree char *three = hostdev("0029:01:00.0", "ua-2", "");
    g_autofree char *fit = g_strconcat(one, two, NULL);
    g_autofree char *many = g_strconcat(fit, three, NULL);
    g_autofree char *wide = g_strconcat("<controller type='pci' index='0' model='pcie-root'>"
                                        "<pcihole64 unit='TiB'>1</pcihole64></controller>",
                                        many, NULL);
    g_autofree char *narrow = g_strconcat("<controller type='pci' index='0' model='pcie-root'>"
                                          "<pcihole64>536870912</pcihole64></controller>",
                                          many, NULL);
    const struct {
        const char *devices, *expected;
        guint64 libvirt;
        gboolean told;
    } cases[] = {
        {fit, NULL, 0, FALSE},
        {many, "1073741824", 0, FALSE},
        {wide, NULL, 0, FALSE},
        {narrow, "1073741824", 0, FALSE},
        {many, NULL, BASE_VERSION(12, 2, 0), TRUE},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        Sketch sketch = {.machine = "virt-11.1", .devices = cases[i].devices};
        g_autofree char *xml = draw(&sketch);
        g_autoptr(ViommuPlan) plan = plan_for("grace-4", xml, cases[i].libvirt, NULL);

        g_assert_true(plan->valid);
        g_assert_cmpstr(pcihole(plan), ==, cases[i].expected);
        g_assert_cmpint(has_note(plan, "highmem-mmio-size"), ==, cases[i].told);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/plan/window", test_window);
    g_test_add_func("/plan/provenance", test_provenance);
    g_test_add_func("/plan/limits/hard-limit", test_hard_limit);
    g_test_add_func("/plan/limits/daemon", test_daemon_limit);
    return g_test_run();
}
