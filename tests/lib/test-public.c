/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public API as its users see it: public headers and the shared library only. */
#include <viommu/viommu.h>

#include <string.h>

#define PLAIN                                                                                      \
    "<domain type='kvm'>\n"                                                                        \
    "  <name>plain</name>\n"                                                                       \
    "  <memory unit='GiB'>4</memory>\n"                                                            \
    "  <vcpu>2</vcpu>\n"                                                                           \
    "  <os><type arch='x86_64' machine='q35'>hvm</type></os>\n"                                    \
    "  <devices/>\n"                                                                               \
    "</domain>\n"

/* Caching mode is missing, which no host can make good. */
#define WRONG                                                                                      \
    "<domain type='kvm'>\n"                                                                        \
    "  <name>wrong</name>\n"                                                                       \
    "  <memory unit='GiB'>4</memory>\n"                                                            \
    "  <vcpu>2</vcpu>\n"                                                                           \
    "  <os><type arch='x86_64' machine='q35'>hvm</type></os>\n"                                    \
    "  <features><acpi/><ioapic driver='qemu'/></features>\n"                                      \
    "  <devices>\n"                                                                                \
    "    <hostdev mode='subsystem' type='pci' managed='yes'>\n"                                    \
    "      <source><address domain='0' bus='0x3b' slot='0' function='0'/></source>\n"              \
    "      <alias name='ua-nic0'/>\n"                                                              \
    "    </hostdev>\n"                                                                             \
    "    <iommu model='intel'><driver intremap='on'/></iommu>\n"                                   \
    "  </devices>\n"                                                                               \
    "</domain>\n"

typedef struct {
    ViommuHost *host;
    ViommuPolicy *policy;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->host = viommu_host_new_none();
    fixture->policy = viommu_policy_load("default", NULL);
    g_assert_nonnull(fixture->host);
    g_assert_nonnull(fixture->policy);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    viommu_host_unref(fixture->host);
    viommu_policy_unref(fixture->policy);
}

static void
test_domain(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ViommuDomain) domain = viommu_domain_new_from_data(PLAIN, -1, "plain.xml", &error);
    gsize length = 0;

    (void)fixture;
    (void)data;
    g_assert_no_error(error);
    g_assert_cmpstr(viommu_domain_get_name(domain), ==, "plain");
    g_assert_cmpstr(viommu_domain_get_text(domain, &length), ==, PLAIN);
    g_assert_cmpuint(length, ==, strlen(PLAIN));
    g_assert_cmpuint(viommu_domain_count_assigned(domain), ==, 0);
    g_assert_null(viommu_domain_new_from_data("<domain>", -1, "cut.xml", &error));
    g_assert_error(error, VIOMMU_ERROR, VIOMMU_ERROR_PARSE);
    g_assert_true(g_str_has_prefix(error->message, "cut.xml:1: "));
}

static void
test_check(Fixture *fixture, gconstpointer data)
{
    static const ViommuTarget target = {.libvirt = 12008000, .qemu = 11001002};
    g_autoptr(ViommuDomain) domain = viommu_domain_new_from_data(WRONG, -1, "wrong.xml", NULL);
    g_autoptr(ViommuReport) report = viommu_check(fixture->host, domain, fixture->policy, &target);
    g_autofree char *json = viommu_reports_to_json(&report, 1);
    g_autofree char *text = viommu_report_render(report, VIOMMU_RENDER_DEFAULT, 0);
    gboolean found = FALSE;

    (void)data;
    for (guint i = 0; i < viommu_report_get_length(report); i++) {
        if (viommu_report_get_outcome(report, i) != VIOMMU_OUTCOME_FAIL ||
            !g_str_equal(viommu_report_get_rule(report, i), "vtd-caching-mode"))
            continue;
        found = TRUE;
        g_assert_cmpuint(viommu_report_get_severity(report, i), ==, VIOMMU_SEVERITY_ERROR);
        g_assert_cmpuint(viommu_report_get_line(report, i), >, 0);
        g_assert_nonnull(viommu_report_get_message(report, i));
    }
    g_assert_true(found);
    g_assert_cmpuint(viommu_report_count(report, VIOMMU_OUTCOME_FAIL, VIOMMU_SEVERITY_ERROR), >=,
                     1);
    g_assert_cmpuint(viommu_report_count(report, VIOMMU_OUTCOME_FAIL, VIOMMU_SEVERITY_INFO), >=,
                     viommu_report_count(report, VIOMMU_OUTCOME_FAIL, VIOMMU_SEVERITY_ERROR));
    g_assert_nonnull(strstr(json, "\"vtd-caching-mode\""));
    g_assert_nonnull(strstr(text, "[vtd-caching-mode]"));
}

/* Of no report, one and two: the pieces make the document that is made at once. */
static void
test_stream(Fixture *fixture, gconstpointer data)
{
    static char *(*const at_once[])(ViommuReport *const *, gsize) = {
        [VIOMMU_REPORT_FORMAT_JSON] = viommu_reports_to_json,
        [VIOMMU_REPORT_FORMAT_SARIF] = viommu_reports_to_sarif,
    };
    g_autoptr(ViommuDomain) domain = viommu_domain_new_from_data(WRONG, -1, "wrong.xml", NULL);
    g_autoptr(ViommuReport) report = viommu_check(fixture->host, domain, fixture->policy, NULL);
    ViommuReport *const reports[] = {report, report};

    (void)data;
    for (guint format = 0; format < G_N_ELEMENTS(at_once); format++) {
        for (gsize count = 0; count <= G_N_ELEMENTS(reports); count++) {
            g_autoptr(ViommuReportStream) stream = viommu_report_stream_new(format);
            g_autoptr(GString) pieces = g_string_new(NULL);
            g_autofree char *whole = at_once[format](reports, count);

            for (gsize i = 0; i < count; i++)
                g_string_append(pieces, viommu_report_stream_add(stream, reports[i]));
            g_string_append(pieces, viommu_report_stream_end(stream));
            g_assert_cmpstr(pieces->str, ==, whole);
            g_assert_true(g_str_has_suffix(whole, format ? "\n}\n" : "]\n"));
        }
    }
}

static void
test_plan(Fixture *fixture, gconstpointer data)
{
    g_autoptr(ViommuDomain) domain = viommu_domain_new_from_data(PLAIN, -1, "plain.xml", NULL);
    g_autoptr(ViommuPlan) plan = viommu_plan_new(fixture->host, domain, fixture->policy, NULL,
                                                 VIOMMU_PLAN_DEFAULT);
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    g_autofree char *diff = NULL;

    (void)data;
    g_assert_true(viommu_plan_is_valid(plan));
    g_assert_cmpuint(viommu_plan_count_edits(plan), ==, 0);
    text = viommu_plan_apply(plan, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(text, ==, PLAIN);
    diff = viommu_plan_diff(plan, &error);
    g_assert_cmpstr(diff, ==, "");
}

/* Objects keep alive what they were made of. */
static void
test_lifetime(Fixture *fixture, gconstpointer data)
{
    ViommuDomain *domain = viommu_domain_new_from_data(WRONG, -1, "wrong.xml", NULL);
    ViommuReport *report = viommu_check(fixture->host, domain, fixture->policy, NULL);
    ViommuPlan *plan =
        viommu_plan_new(fixture->host, domain, fixture->policy, NULL, VIOMMU_PLAN_DEFAULT);
    g_autofree char *text = NULL;
    g_autofree char *json = NULL;

    (void)data;
    g_assert_true(viommu_domain_ref(domain) == domain);
    viommu_domain_unref(domain);
    viommu_domain_unref(domain);
    g_clear_pointer(&fixture->host, viommu_host_unref);
    g_clear_pointer(&fixture->policy, viommu_policy_unref);
    text = viommu_report_render(viommu_report_ref(report), VIOMMU_RENDER_VERBOSE, 80);
    viommu_report_unref(report);
    json = viommu_plan_to_json(viommu_plan_ref(plan));
    viommu_plan_unref(plan);
    g_assert_nonnull(text);
    g_assert_nonnull(json);
    viommu_report_unref(report);
    viommu_plan_unref(plan);
}

static void
test_rules(Fixture *fixture, gconstpointer data)
{
    g_autofree const char **rules = viommu_rule_list();
    g_autoptr(GError) error = NULL;

    (void)fixture;
    (void)data;
    g_assert_nonnull(rules[0]);
    for (const char **rule = rules; *rule; rule++) {
        g_autofree char *text = viommu_rule_explain(*rule, VIOMMU_RENDER_DEFAULT, 0, NULL);

        g_assert_nonnull(strstr(text, *rule));
    }
    g_assert_null(viommu_rule_explain("vtd-cachingmode", VIOMMU_RENDER_DEFAULT, 0, &error));
    g_assert_error(error, VIOMMU_ERROR, VIOMMU_ERROR_INVALID_ARGUMENT);
    g_assert_nonnull(strstr(error->message, "'vtd-caching-mode'"));
}

static char *
report_of(ViommuHost *host, const ViommuDomain *domain, const ViommuPolicy *policy)
{
    ViommuReport *report = viommu_check(host, domain, policy, NULL);
    char *text = viommu_reports_to_json(&report, 1);

    viommu_report_unref(report);
    return text;
}

/* A domain's own devices are all that a report rests on: one that is there and shares its group,
 * a VF, and one that is not there. */
static void
test_named(Fixture *fixture, gconstpointer data)
{
    static const char device[] =
        "<hostdev mode='subsystem' type='pci' managed='no'><source><address domain='0' "
        "bus='0x%s' slot='0x%s' function='0'/></source></hostdev>";
    g_autofree char *shared = g_strdup_printf(device, "07", "00");
    g_autofree char *vf = g_strdup_printf(device, "02", "10");
    g_autofree char *absent = g_strdup_printf(device, "77", "00");
    g_autofree char *xml =
        g_strconcat("<domain type='kvm'><name>x</name><memory>1</memory><vcpu>1</vcpu><os><type "
                    "arch='x86_64' machine='q35'>hvm</type></os><devices>",
                    shared, vf, absent, "<iommu model='intel'/></devices></domain>", NULL);
    g_autoptr(ViommuDomain) domain = viommu_domain_new_from_data(xml, -1, "x.xml", NULL);
    g_autofree char *archive =
        g_build_filename(g_getenv("VIOMMU_TEST_DATA"), "host", "vtd-iommufd.tar.gz", NULL);
    g_autofree char *root = g_dir_make_tmp("viommu-public-XXXXXX", NULL);
    const char *const unpack[] = {"tar", "-xzf", archive, "-C", root, "--strip-components=1", NULL};
    const char *const remove[] = {"rm", "-rf", root, NULL};
    g_autoptr(ViommuHost) whole = NULL, named = NULL;
    g_autofree char *wanted = NULL, *got = NULL;

    (void)data;
    g_assert_true(g_spawn_sync(NULL, (char **)unpack, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, NULL, NULL));
    whole = viommu_host_new_from_sysroot(root, VIOMMU_HOST_DEFAULT, NULL);
    named = viommu_host_new_for_domain(root, domain, NULL);
    wanted = report_of(whole, domain, fixture->policy);
    got = report_of(named, domain, fixture->policy);
    g_assert_nonnull(strstr(wanted, "group-device-absent"));
    g_assert_cmpstr(got, ==, wanted);
    g_assert_true(g_spawn_sync(NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, NULL, NULL));
}

static ViommuDomain *
numbered(guint number, const char *name)
{
    g_autofree char *uuid = g_strdup_printf("<uuid>00000000-0000-0000-0000-%012u</uuid>", number);
    g_auto(GStrv) parts = g_strsplit(WRONG, "wrong</name>", 2);
    g_autofree char *xml = g_strconcat(parts[0], name, "</name>", uuid, parts[1], NULL);

    return viommu_domain_new_from_data(xml, -1, "numbered.xml", NULL);
}

/* What a front end does at a start; TRUE: reserved */
static gboolean
start(ViommuLedger *ledger, const ViommuDomain *domain, const ViommuPolicy *policy)
{
    g_autoptr(ViommuHost) host = viommu_host_new_none();
    g_autoptr(ViommuReport) report = NULL;
    gboolean over = FALSE;

    g_assert_true(viommu_ledger_begin(ledger, domain, 1000, NULL));
    viommu_ledger_tell(ledger, host);
    report = viommu_check(host, domain, policy, NULL);
    for (guint i = 0; i < viommu_report_get_length(report); i++)
        over = over || (viommu_report_is_certain(report, i) &&
                        g_str_equal(viommu_report_get_rule(report, i), "quota-host"));
    if (!over)
        g_assert_true(viommu_ledger_reserve(ledger, host, domain, NULL, report, NULL));
    viommu_ledger_end(ledger);
    return !over;
}

static void
test_ledger(Fixture *fixture, gconstpointer data)
{
    g_autofree char *directory = g_dir_make_tmp("viommu-public-XXXXXX", NULL);
    g_autofree char *inner = g_build_filename(directory, "ledger", NULL);
    g_autofree char *path = g_build_filename(directory, "policy.json", NULL);
    const char *const remove[] = {"rm", "-rf", directory, NULL};
    g_autoptr(ViommuLedger) ledger = viommu_ledger_new(inner, NULL);
    g_autoptr(ViommuPolicy) policy = NULL;
    g_autoptr(ViommuDomain) first = numbered(1, "wrong"), second = numbered(2, "wrong");
    g_autoptr(ViommuDomain) other = numbered(3, "other");
    g_autofree char *empty = NULL, *json = NULL;

    (void)data;
    g_assert_true(g_file_set_contents(
        path, "{\"policy\": 1, \"name\": \"x\", \"quota\": {\"host\": {\"devices\": 1}}}", -1,
        NULL));
    policy = viommu_policy_load(path, NULL);
    g_assert_true(viommu_ledger_load(ledger, NULL));
    empty = viommu_ledger_render(ledger, policy, VIOMMU_RENDER_DEFAULT, 0);
    g_assert_nonnull(strstr(empty, "Nobody keeps account"));
    g_assert_true(viommu_ledger_was_undecided(ledger, first, "group-viable"));
    g_assert_true(start(ledger, first, policy));
    g_assert_true(start(ledger, first, policy)); /* again: replaces its own */
    /* what is undecided is kept: nothing is known of this host */
    g_assert_true(viommu_ledger_was_undecided(ledger, first, "group-viable"));
    g_assert_false(viommu_ledger_was_undecided(ledger, first, "vtd-caching-mode"));
    /* the same name, so it takes the first one's place; then nothing is left of either */
    g_assert_true(start(ledger, second, policy));
    g_assert_false(start(ledger, other, policy));
    g_assert_true(viommu_ledger_load(ledger, NULL));
    viommu_ledger_expect(ledger, fixture->host, first, NULL);
    g_assert_cmpuint(viommu_ledger_count_differences(ledger), ==, 2);
    json = viommu_ledger_to_json(ledger, policy);
    g_assert_nonnull(strstr(json, "\"kind\": \"left\""));
    g_assert_nonnull(strstr(json, "\"kind\": \"missing\""));
    g_assert_true(viommu_ledger_repair(ledger, 1000, NULL));
    g_assert_true(viommu_ledger_load(ledger, NULL));
    viommu_ledger_expect(ledger, fixture->host, first, NULL);
    g_assert_cmpuint(viommu_ledger_count_differences(ledger), ==, 0);
    g_assert_true(viommu_ledger_release(ledger, NULL, "wrong", NULL));
    g_assert_true(viommu_ledger_load(ledger, NULL));
    g_assert_cmpuint(viommu_ledger_count_differences(ledger), ==, 0);
    g_assert_true(g_spawn_sync(NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, NULL, NULL));
}

static void
test_misuse(Fixture *fixture, gconstpointer data)
{
    (void)fixture;
    (void)data;
    if (g_test_subprocess()) {
        g_assert_null(viommu_domain_new_from_file(NULL, NULL));
        return;
    }
    viommu_domain_unref(NULL);
    viommu_plan_unref(NULL);
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*viommu_domain_new_from_file*assertion*failed*");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add("/public/domain", Fixture, NULL, set_up, test_domain, tear_down);
    g_test_add("/public/check", Fixture, NULL, set_up, test_check, tear_down);
    g_test_add("/public/stream", Fixture, NULL, set_up, test_stream, tear_down);
    g_test_add("/public/plan", Fixture, NULL, set_up, test_plan, tear_down);
    g_test_add("/public/lifetime", Fixture, NULL, set_up, test_lifetime, tear_down);
    g_test_add("/public/rules", Fixture, NULL, set_up, test_rules, tear_down);
    g_test_add("/public/named", Fixture, NULL, set_up, test_named, tear_down);
    g_test_add("/public/ledger", Fixture, NULL, set_up, test_ledger, tear_down);
    g_test_add("/public/misuse", Fixture, NULL, set_up, test_misuse, tear_down);
    return g_test_run();
}
