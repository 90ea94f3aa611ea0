/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "write.h"

static void
add(ViommuReport *report, const char *rule, ViommuOutcome outcome, guint line, const char *alias,
    const char *address, const char *message)
{
    Finding *finding = report_finding(report);

    finding->rule = rule_find(rule);
    g_assert_nonnull(finding->rule);
    finding->outcome = outcome;
    finding->severity = finding->rule->severity;
    finding->line = line;
    finding->column = finding->character = line ? 5 : 0;
    finding->xpath = line ? "/domain/devices/hostdev[2]" : NULL;
    finding->alias = alias;
    finding->address = address;
    finding->message = message;
    if (outcome == VIOMMU_OUTCOME_FAIL)
        finding->help = "write it otherwise";
    report_add(report, finding);
}

static void
add_unknown(ViommuReport *report, const char *rule, const char *need, const char *how)
{
    Finding *finding;

    add(report, rule, VIOMMU_OUTCOME_UNKNOWN, 50, "ua-nic0", "0000:3b:00.0", "cannot tell");
    finding = report->findings->pdata[report->findings->len - 1];
    finding->needs = g_ptr_array_new();
    g_ptr_array_add(finding->needs, (char *)need);
    finding->how = how;
}

static ViommuReport *
sample(void)
{
    ViommuReport *report = report_new("dir/my vm.xml", "vm");

    add(report, "group-viable", VIOMMU_OUTCOME_FAIL, 41, "ua-nic0", "0000:3b:00.0",
        "group 7 is not viable");
    add(report, "bus-root-port-acs", VIOMMU_OUTCOME_FAIL, 0, NULL, NULL, "no ACS");
    add(report, "xml-alias-not-user", VIOMMU_OUTCOME_PASS, 1, NULL, NULL, NULL);
    add(report, "group-none", VIOMMU_OUTCOME_PASS, 41, "ua-nic0", NULL, NULL);
    return report;
}

static char *
text_of(const ViommuReport *report, const WriteStyle *style)
{
    g_autoptr(GString) out = g_string_new(NULL);

    write_report_text(report, style, out);
    return g_strdup(out->str);
}

static void
test_text(void)
{
    g_autoptr(ViommuReport) report = sample();
    WriteStyle style = {FALSE, 0, FALSE, FALSE};
    g_autofree char *text = text_of(report, &style);

    g_assert_cmpstr(text, ==,
                    "dir/my vm.xml:41: error: group 7 is not viable (ua-nic0, 0000:3b:00.0) "
                    "[group-viable]\n"
                    "  help: write it otherwise\n"
                    "dir/my vm.xml: warning: no ACS [bus-root-port-acs]\n"
                    "  help: write it otherwise\n"
                    "1 error, 1 warning, 2 passed\n");
}

/* Errors, warnings, what is not known, passes; each from top to bottom */
static void
test_order(void)
{
    g_autoptr(ViommuReport) report = report_new("vm.xml", "vm");
    WriteStyle style = {FALSE, 0, TRUE, FALSE};
    g_autofree char *text = NULL;
    const char *last;

    add(report, "group-none", VIOMMU_OUTCOME_PASS, 3, NULL, NULL, "fifth");
    add(report, "bus-root-port-acs", VIOMMU_OUTCOME_FAIL, 2, NULL, NULL, "third");
    add(report, "group-viable", VIOMMU_OUTCOME_UNKNOWN, 1, NULL, NULL, "fourth");
    add(report, "group-viable", VIOMMU_OUTCOME_FAIL, 70, NULL, NULL, "second");
    add(report, "group-viable", VIOMMU_OUTCOME_FAIL, 9, NULL, NULL, "first");
    text = text_of(report, &style);
    last = text;
    for (guint i = 0; i < 5; i++) {
        static const char *const words[] = {"first", "second", "third", "fourth", "fifth"};

        last = strstr(last, words[i]);
        g_assert_nonnull(last);
    }
}

static void
test_styles(void)
{
    g_autoptr(ViommuReport) report = sample();
    WriteStyle style = {FALSE, 0, FALSE, TRUE};
    g_autofree char *quiet = text_of(report, &style);
    g_autofree char *verbose = NULL;
    g_autofree char *color = NULL;

    g_assert_cmpstr(quiet, ==,
                    "dir/my vm.xml:41: error: group 7 is not viable (ua-nic0, 0000:3b:00.0) "
                    "[group-viable]\n"
                    "dir/my vm.xml: warning: no ACS [bus-root-port-acs]\n");
    style = (WriteStyle){FALSE, 0, TRUE, FALSE};
    verbose = text_of(report, &style);
    g_assert_nonnull(
        strstr(verbose, "dir/my vm.xml:41: pass: not so: the host does not translate"));
    style = (WriteStyle){TRUE, 0, FALSE, FALSE};
    color = text_of(report, &style);
    g_assert_nonnull(strstr(color, "\033[1;31merror:\033[0m group 7"));
    g_assert_nonnull(strstr(color, "\033[1;33mwarning:\033[0m no ACS"));
}

/* The summary tells how to get what is missing, the same way only once. */
static void
test_unknowns(void)
{
    g_autoptr(ViommuReport) report = report_new("vm.xml", "vm");
    WriteStyle style = {FALSE, 0, FALSE, FALSE};
    g_autoptr(GString) lines = g_string_new(NULL);
    g_autofree char *verbose = NULL;
    g_autofree char *one = NULL;
    g_autofree char *many = NULL;

    add_unknown(report, "group-viable", "groups/7/devices", "run it as root");
    one = text_of(report, &style);
    g_assert_cmpstr(one, ==, "no findings, 1 unknown (groups/7/devices: run it as root)\n");
    add_unknown(report, "group-none", "groups/7", "run it as root");
    add_unknown(report, "group-singleton", "groups/7", "run it as root");
    add_unknown(report, "stack-model-unknown", "versions/libvirt", "--libvirt-version");
    many = text_of(report, &style);
    g_assert_cmpstr(many, ==,
                    "no findings, 4 unknown (groups/7/devices and 1 more: run it as root; "
                    "versions/libvirt: --libvirt-version)\n");
    style.names_file = TRUE;
    style.verbose = TRUE;
    verbose = text_of(report, &style);
    g_assert_cmpstr(
        verbose, ==,
        "vm.xml: unknown: 3 rules not decided without groups/7/devices, groups/7\n"
        "  help: run it as root\n"
        "  rules: group-viable group-none group-singleton\n"
        "vm.xml:50: unknown: cannot tell (ua-nic0, 0000:3b:00.0) [stack-model-unknown]\n"
        "  help: --libvirt-version\n"
        "vm.xml: no findings, 4 unknown (groups/7/devices and 1 more: run it as root; "
        "versions/libvirt: --libvirt-version)\n");
    write_report_lines(report, &style, lines);
    g_assert_cmpstr(
        lines->str, ==,
        "vm.xml:50: unknown: 3 rules not decided without groups/7/devices, groups/7 "
        "[group-viable,group-none,group-singleton]; run it as root\n"
        "vm.xml:50: unknown: cannot tell (ua-nic0, 0000:3b:00.0) [stack-model-unknown]; "
        "--libvirt-version\n");
}

static BaseJson *
at(BaseJson *value, const char *path)
{
    g_auto(GStrv) keys = g_strsplit(path, "/", -1);

    for (guint i = 0; keys[i] && value; i++)
        value = json_object_is_type(value, json_type_array)
                    ? json_object_array_get_idx(value, g_ascii_strtoull(keys[i], NULL, 10))
                    : json_object_object_get(value, keys[i]);
    g_assert_nonnull(value);
    return value;
}

#define assert_at(root, path, expected)                                                            \
    g_assert_cmpstr(json_object_get_string(at(root, path)), ==, expected)

/* What was written as it went is the canonical text of what it says: members in their order, and
 * each character escaped as json-c does. */
static BaseJson *
parse_canonical(const BaseJsonOut *out)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(BaseJson) json = base_json_parse(out->text->str, out->text->len, "x", &error);
    g_autofree char *canonical = json ? base_json_to_text(json) : NULL;
    g_autofree char *written = g_strconcat(out->text->str, "\n", NULL);

    g_assert_no_error(error);
    g_assert_cmpuint(out->depth, ==, 0);
    g_assert_cmpstr(written, ==, canonical);
    return g_steal_pointer(&json);
}

static void
test_json(void)
{
    g_autoptr(ViommuReport) report = sample();
    g_autoptr(GString) text = g_string_new(NULL);
    BaseJsonOut out = {.text = text};
    g_autoptr(BaseJson) json = NULL;

    add_unknown(report, "group-singleton", "groups/7", "run it as root");
    write_report_json(report, &out);
    json = parse_canonical(&out);
    assert_at(json, "report", "1");
    assert_at(json, "file", "dir/my vm.xml");
    g_assert_cmpuint(json_object_array_length(at(json, "findings")), ==, 3);
    assert_at(json, "findings/0/rule", "group-viable");
    assert_at(json, "findings/0/effect", "refused-start");
    assert_at(json, "findings/0/certain", "true");
    assert_at(json, "findings/0/line", "41");
    assert_at(json, "findings/0/address", "0000:3b:00.0");
    g_assert_null(json_object_object_get(at(json, "findings/1"), "line"));
    assert_at(json, "findings/2/outcome", "unknown");
    assert_at(json, "findings/2/needs/0", "groups/7");
    assert_at(json, "findings/2/how", "run it as root");
    assert_at(json, "summary/error", "1");
    assert_at(json, "summary/unknown", "1");
    assert_at(json, "summary/pass", "2");
}

static void
test_sarif(void)
{
    g_autoptr(ViommuReport) report = sample();
    g_autoptr(GString) text = g_string_new(NULL);
    BaseJsonOut out = {.text = text};
    g_autoptr(BaseJson) log = NULL;
    BaseJson *results;
    g_autofree char *rule = NULL;

    add_unknown(report, "group-singleton", "groups/7", "run it as root");
    write_sarif_begin(&out);
    write_sarif_results(report, &out);
    write_sarif_end(&out);
    log = parse_canonical(&out);
    assert_at(log, "version", "2.1.0");
    assert_at(log, "runs/0/tool/driver/name", "virt-viommu");
    results = at(log, "runs/0/results");
    g_assert_cmpuint(json_object_array_length(results), ==, 3);
    assert_at(results, "0/ruleId", "group-viable");
    assert_at(results, "0/kind", "fail");
    assert_at(results, "0/level", "error");
    rule = g_strdup_printf("runs/0/tool/driver/rules/%s/id",
                           json_object_get_string(at(results, "0/ruleIndex")));
    assert_at(log, rule, "group-viable");
    assert_at(results, "0/message/text", "group 7 is not viable — write it otherwise");
    assert_at(results, "0/locations/0/physicalLocation/artifactLocation/uri", "dir/my%20vm.xml");
    assert_at(results, "0/locations/0/physicalLocation/region/startLine", "41");
    assert_at(results, "0/locations/0/physicalLocation/region/startColumn", "5");
    assert_at(results, "0/locations/0/logicalLocations/0/fullyQualifiedName",
              "/domain/devices/hostdev[2]");
    assert_at(results, "1/level", "warning");
    g_assert_null(json_object_object_get(at(results, "1/locations/0/physicalLocation"), "region"));
    assert_at(results, "2/kind", "open");
    assert_at(results, "2/level", "none");
    assert_at(results, "2/ruleId", "group-singleton");
}

/* Rules that lack the same facts are one result. */
static void
test_sarif_unknowns(void)
{
    g_autoptr(ViommuReport) report = sample();
    g_autoptr(GString) text = g_string_new(NULL);
    BaseJsonOut out = {.text = text};
    g_autoptr(BaseJson) log = NULL;
    g_autofree char *rule = NULL;
    BaseJson *results;

    add_unknown(report, "group-none", "groups/7", "run it as root");
    add_unknown(report, "group-singleton", "groups/8", "run it as root");
    write_sarif_begin(&out);
    write_sarif_results(report, &out);
    write_sarif_end(&out);
    log = parse_canonical(&out);
    results = at(log, "runs/0/results");
    g_assert_cmpuint(json_object_array_length(results), ==, 3);
    assert_at(results, "2/kind", "open");
    assert_at(results, "2/level", "none");
    assert_at(results, "2/message/text",
              "2 rules not decided without groups/7, groups/8 — run it as root");
    assert_at(results, "2/locations/0/physicalLocation/region/startLine", "50");
    assert_at(results, "2/properties/facts/1", "groups/8");
    assert_at(results, "2/properties/rules/0", "group-none");
    rule = g_strdup_printf("runs/0/tool/driver/rules/%s/id",
                           json_object_get_string(at(results, "2/ruleIndex")));
    assert_at(log, rule, "undecided");
}

static void
test_rule(void)
{
    WriteStyle style = {FALSE, 80, FALSE, FALSE};
    g_autoptr(GString) out = g_string_new(NULL);
    g_auto(GStrv) lines = NULL;

    write_rule_text(rule_find("bus-expander-number-clash"), &style, out);
    lines = g_strsplit(out->str, "\n", -1);
    g_assert_cmpstr(lines[0], ==, "bus-expander-number-clash (error, certain, refused at start)");
    g_assert_cmpstr(lines[1], ==,
                    "libvirt takes equal numbers at define. QEMU says: Bus 128 is already in use.");
    g_assert_cmpstr(lines[2], ==,
                    "Write:      a busNr of its own in <target> of each expander bus");
    g_assert_true(g_str_has_prefix(lines[5], "Source:     libvirt 12.8.0 and QEMU 11.1.2, run"));
    for (guint i = 0; lines[i]; i++)
        g_assert_cmpuint(g_utf8_strlen(lines[i], -1), <=, 80);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/write-report/text", test_text);
    g_test_add_func("/write-report/order", test_order);
    g_test_add_func("/write-report/styles", test_styles);
    g_test_add_func("/write-report/unknowns", test_unknowns);
    g_test_add_func("/write-report/json", test_json);
    g_test_add_func("/write-report/sarif", test_sarif);
    g_test_add_func("/write-report/sarif-unknowns", test_sarif_unknowns);
    g_test_add_func("/write-report/rule", test_rule);
    return g_test_run();
}
