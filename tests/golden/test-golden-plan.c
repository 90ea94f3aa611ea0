/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plans of the golden cases. Cases that ask for it ("plan": true) are compared with
 * expected-plan.json and expected.xml; the properties below hold for every case there is.
 */
#include <string.h>

#include "golden.h"
#include "hotplug.h"
#include "view-memlock.h"
#include "write.h"

static ViommuPlan *
plan_of(const GoldenCase *golden, const ViommuDomain *domain)
{
    ViommuPlan *plan =
        plan_new(golden->host, domain, golden->policy, &golden->target, PLAN_DEFAULT);

    hotplug_order(plan);
    return plan;
}

static char *
apply(const ViommuPlan *plan)
{
    g_autoptr(GError) error = NULL;
    char *text = write_domain(plan->domain, plan->edits, &error);

    g_assert_no_error(error);
    return text;
}

static ViommuDomain *
parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    ViommuDomain *domain = model_domain_parse(text, strlen(text), "domain.xml", &error);

    g_assert_no_error(error);
    return domain;
}

/* --- cases --- */

static void
check_absent(const GoldenCase *golden, const char *file)
{
    g_autofree char *path = g_build_filename(golden->dir, file, NULL);

    if (g_file_test(path, G_FILE_TEST_EXISTS)) {
        g_test_message("%s is there, and the plan is not valid", path);
        g_test_fail();
    }
}

static void
test_case(gconstpointer data)
{
    g_autoptr(GoldenCase) golden = golden_load(data);
    g_autoptr(ViommuPlan) plan = plan_of(golden, golden->domain);
    g_autoptr(BaseJson) document = write_plan_json(plan);
    g_autofree char *text = base_json_to_text(document);
    g_autofree char *xml = NULL;

    golden_compare(golden, "expected-plan.json", text);
    if (!plan->valid) {
        check_absent(golden, "expected.xml");
        return;
    }
    xml = apply(plan);
    golden_compare(golden, "expected.xml", xml);
}

/* The catalogue of cases holds what it is there for. */
static void
test_kinds(void)
{
    g_autoptr(GPtrArray) names = golden_names();
    guint cases = 0, valid = 0, untouched = 0;

    for (guint i = 0; i < names->len; i++) {
        g_autoptr(GoldenCase) golden = golden_load(names->pdata[i]);
        g_autoptr(ViommuPlan) plan = NULL;

        if (!golden->plan)
            continue;
        plan = plan_of(golden, golden->domain);
        cases++;
        valid += plan->valid;
        untouched += plan->valid && plan->edits->len == 0;
    }
    g_assert_cmpuint(cases, >=, 12);
    g_assert_cmpuint(valid, >=, 12);
    g_assert_cmpuint(cases - valid, >=, 6);
    g_assert_cmpuint(untouched, >=, 3);
}

/* --- properties --- */

/* What stays wrong on the host is in the plan's list of things to do. */
static gboolean
is_for_admin(const ViommuPlan *plan, const Finding *finding)
{
    return finding->rule->fixer == RULE_FIXER_HOST && plan->actions->len > 0;
}

static void
check_no_error(const GoldenCase *golden, const ViommuPlan *plan, const ViommuDomain *after)
{
    g_autoptr(View) view = view_new(golden->host, after, golden->policy, &golden->target);
    g_autoptr(ViommuReport) report = rule_check(view);

    for (guint i = 0; i < report->findings->len; i++) {
        const Finding *finding = report->findings->pdata[i];

        if (finding->outcome != VIOMMU_OUTCOME_FAIL || finding->severity != VIOMMU_SEVERITY_ERROR ||
            is_for_admin(plan, finding))
            continue;
        g_test_message("after apply: %s [%s]", finding->message, finding->rule->id);
        g_test_fail();
    }
}

static void
check_idempotent(const GoldenCase *golden, const ViommuDomain *after, const char *text)
{
    g_autoptr(ViommuPlan) again = plan_of(golden, after);
    g_autofree char *twice = NULL;

    g_assert_true(again->valid);
    if (!again->valid)
        return;
    twice = apply(again);
    g_assert_cmpuint(again->edits->len, ==, 0);
    g_assert_cmpstr(twice, ==, text);
}

/* Text of every comment and of every element outside libvirt's schema; <override> and
 * what a plan leaves in <metadata> are its own */
static void
collect_foreign(const xmlNode *node, GString *out)
{
    for (const xmlNode *child = node->children; child; child = child->next) {
        gboolean foreign = child->type == XML_ELEMENT_NODE && child->ns;

        if (foreign && (xmlStrEqual(child->name, BAD_CAST "override") ||
                        xmlStrEqual(child->ns->href, BAD_CAST MODEL_PLAN_NAMESPACE)))
            continue;

        if (child->type == XML_COMMENT_NODE || foreign) {
            xmlBuffer *buffer = xmlBufferCreate();

            xmlNodeDump(buffer, child->doc, (xmlNode *)child, 0, 0);
            g_string_append_printf(out, "%s\n", (const char *)xmlBufferContent(buffer));
            xmlBufferFree(buffer);
        } else if (child->type == XML_ELEMENT_NODE) {
            collect_foreign(child, out);
        }
    }
}

static void
check_foreign(const ViommuDomain *before, const ViommuDomain *after)
{
    g_autoptr(GString) old = g_string_new(NULL);
    g_autoptr(GString) new = g_string_new(NULL);

    collect_foreign(before->root, old);
    collect_foreign(after->root, new);
    g_assert_cmpstr(old->str, ==, new->str);
}

static void
check_same(const char *what, BaseU64 planned, BaseU64 counted)
{
    if (planned.state == counted.state && planned.value == counted.value)
        return;
    g_test_message("%s: the plan says %" G_GUINT64_FORMAT ", and limits %" G_GUINT64_FORMAT
                   " of what was written",
                   what, planned.value, counted.value);
    g_test_fail();
}

/* The plan counts memory before there is a domain with these devices in these places. Devices that
 * come later are in no limit of the domain that starts without them. */
static void
check_memory(const GoldenCase *golden, const ViommuPlan *plan, const ViommuDomain *after)
{
    g_autoptr(View) view = view_new(golden->host, after, golden->policy, &golden->target);
    g_autoptr(ViewMemlock) counted = view_memlock(view, 0);

    if (!base_u64_is_known(counted->pinned) || (plan->order && plan->order->attach->len > 0))
        return;
    check_same("address spaces", base_u64(plan->memlock->spaces), base_u64(counted->spaces));
    check_same("accounted", plan->memlock->accounted, counted->accounted);
    check_same("pinned", plan->memlock->pinned, counted->pinned);
    check_same("resident", plan->memlock->resident, counted->resident);
    check_same("libvirt's limit", plan->memlock->libvirt, counted->libvirt);
}

/* No two devices at one place, no controller index twice. */
static void
check_unique(const ViommuDomain *after)
{
    for (guint i = 1; i < after->controllers->len; i++) {
        const ModelController *left = after->controllers->pdata[i - 1];
        const ModelController *right = after->controllers->pdata[i];

        g_assert_cmpuint(left->index, <, right->index);
    }
}

static void
test_properties(gconstpointer data)
{
    g_autoptr(GoldenCase) golden = golden_load(data);
    g_autoptr(ViommuPlan) plan = plan_of(golden, golden->domain);
    g_autoptr(ViommuDomain) after = NULL;
    g_autofree char *text = NULL;

    if (!plan->valid) {
        g_assert_cmpuint(plan->rejected->len, >, 0);
        g_assert_cmpuint(plan->edits->len, ==, 0);
        return;
    }
    text = apply(plan);
    if (plan->edits->len == 0)
        g_assert_cmpstr(text, ==, golden->domain->text);
    after = parse(text);
    check_no_error(golden, plan, after);
    check_idempotent(golden, after, text);
    check_foreign(golden->domain, after);
    check_unique(after);
    check_memory(golden, plan, after);
}

/* Domains that experts wrote and that ran: there is nothing to mend. */
static void
test_experts(void)
{
    g_autoptr(GPtrArray) names = golden_names();
    guint seen = 0;

    for (guint i = 0; i < names->len; i++) {
        g_autoptr(GoldenCase) golden = NULL;
        g_autoptr(ViommuReport) report = NULL;
        g_autoptr(ViommuPlan) plan = NULL;

        if (!strstr(names->pdata[i], "expert"))
            continue;
        golden = golden_load(names->pdata[i]);
        report = golden_check(golden, NULL);
        plan = plan_of(golden, golden->domain);
        if (report->errors > 0)
            continue;
        if (!plan->valid || plan->edits->len > 0) {
            g_test_message("%s: valid %d, %u edits", golden->name, plan->valid, plan->edits->len);
            g_test_fail();
        }
        seen++;
    }
    g_assert_cmpuint(seen, >=, 20);
}

/* Every plan of every case as one document on stdout, for the schema test */
static int
print_documents(const GPtrArray *names, gboolean limits)
{
    g_autoptr(BaseJson) all = json_object_new_array();
    g_autofree char *text = NULL;

    for (guint i = 0; i < names->len; i++) {
        g_autoptr(GoldenCase) golden = golden_load(names->pdata[i]);
        g_autoptr(ViommuPlan) plan = plan_of(golden, golden->domain);
        g_autoptr(ViewMemlock) now = view_memlock(plan->view, 0);

        json_object_array_add(all, limits ? write_limits_json(plan, now) : write_plan_json(plan));
    }
    text = base_json_to_text(all);
    g_print("%s", text);
    return 0;
}

int
main(int argc, char **argv)
{
    g_autoptr(GPtrArray) names = golden_names();

    if (argc > 1 && strcmp(argv[1], "--plans") == 0)
        return print_documents(names, FALSE);
    if (argc > 1 && strcmp(argv[1], "--limits") == 0)
        return print_documents(names, TRUE);
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    if (names->len == 0)
        g_error("no cases: VIOMMU_TEST_DATA must be the folder tests of the source tree");
    g_test_add_func("/golden/plan-kinds", test_kinds);
    g_test_add_func("/golden/plan-experts", test_experts);
    for (guint i = 0; i < names->len; i++) {
        g_autoptr(GoldenCase) golden = golden_load(names->pdata[i]);
        g_autofree char *plan = g_strconcat("/golden/plan/", names->pdata[i], NULL);
        g_autofree char *properties = g_strconcat("/golden/properties/", names->pdata[i], NULL);

        if (golden->plan)
            g_test_add_data_func(plan, names->pdata[i], test_case);
        g_test_add_data_func(properties, names->pdata[i], test_properties);
    }
    return g_test_run();
}
