/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The engine: which rules run on which objects, what a missing fact does, where a finding points.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "host-read.h"
#include "rule.h"

#define DEVICES_BEGIN                                                                              \
    "<domain type='kvm'>\n  <name>vm</name>\n  <memory unit='GiB'>4</memory>\n"                    \
    "  <os><type arch='x86_64' machine='q35'>hvm</type></os>\n"                                    \
    "  <features><acpi/><ioapic driver='qemu'/></features>\n  <devices>\n"                         \
    "    <controller type='pci' index='0' model='pcie-root'/>\n"                                   \
    "    <controller type='pci' index='1' model='pcie-root-port'>\n"                               \
    "      <model name='ioh3420'/>\n"                                                              \
    "      <address type='pci' bus='0' slot='2' function='0'/>\n    </controller>\n"
#define DEVICES_END "  </devices>\n</domain>\n"
#define GPU                                                                                        \
    "    <hostdev mode='subsystem' type='pci' managed='yes'>\n"                                    \
    "      <source><address domain='0x0000' bus='0x98' slot='0x00' function='0x0'/></source>\n"    \
    "      <alias name='ua-gpu0'/>\n"                                                              \
    "      <address type='pci' bus='1' slot='0' function='0'/>\n    </hostdev>\n"
#define IOMMU   "    <iommu model='intel'><driver intremap='on' caching_mode='on'/></iommu>\n"
#define NETWORK "    <interface type='network'><source network='default'/></interface>\n"

typedef struct {
    ViommuHost *host;
    ViommuDomain *domain;
    ViommuPolicy *policy;
    ViommuReport *report;
} Fixture;

static void
fixture_clear(Fixture *fixture)
{
    report_unref(fixture->report);
    policy_unref(fixture->policy);
    model_domain_unref(fixture->domain);
    host_facts_unref(fixture->host);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

static ViommuPolicy *
load_policy(const char *rules)
{
    g_autofree char *text =
        g_strdup_printf("{\"policy\": 1, \"name\": \"site\", \"usage\": \"guest-iommu\","
                        " \"rules\": {%s}}",
                        rules);
    g_autofree char *path = NULL;
    gint fd = g_file_open_tmp("viommu-XXXXXX.json", &path, NULL);
    g_autoptr(GError) error = NULL;
    ViommuPolicy *policy;

    g_assert_true(g_close(fd, NULL));
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    policy = policy_load(path, rule_policy_catalogue(), &error);
    g_unlink(path);
    g_assert_no_error(error);
    return policy;
}

/* @host: name of a file in tests/host, or NULL for no facts */
static Fixture
check(const char *xml, const char *host, const char *rules)
{
    ViommuTarget target = {BASE_VERSION(12, 8, 0), BASE_VERSION(11, 1, 2), VIOMMU_PROFILE_SYSTEM};
    Fixture fixture = {NULL, NULL, NULL, NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(View) view = NULL;

    if (host) {
        g_autofree char *path = g_build_filename(g_getenv("VIOMMU_TEST_DATA"), "host", host, NULL);

        fixture.host = host_json_load(path, &error);
    } else {
        fixture.host = host_facts_none();
    }
    g_assert_no_error(error);
    fixture.domain = model_domain_parse(xml, strlen(xml), "vm.xml", &error);
    g_assert_no_error(error);
    fixture.policy = load_policy(rules ? rules : "");
    view = view_new(fixture.host, fixture.domain, fixture.policy, &target);
    fixture.report = rule_check(view);
    return fixture;
}

static const Finding *
find(const ViommuReport *report, const char *id)
{
    for (guint i = 0; i < report->findings->len; i++) {
        const Finding *finding = report->findings->pdata[i];

        if (strcmp(finding->rule->id, id) == 0)
            return finding;
    }
    return NULL;
}

static guint
count(const ViommuReport *report, ViommuOutcome outcome)
{
    guint number = 0;

    for (guint i = 0; i < report->findings->len; i++)
        number += ((const Finding *)report->findings->pdata[i])->outcome == outcome;
    return number;
}

/* Domains without assigned device, vIOMMU and intent are none of our business. */
static void
test_concerns(void)
{
    g_auto(Fixture) plain = check(DEVICES_BEGIN DEVICES_END, NULL, NULL);
    g_auto(Fixture) network = check(DEVICES_BEGIN NETWORK DEVICES_END, NULL, NULL);
    g_auto(Fixture) iommu = check(DEVICES_BEGIN IOMMU DEVICES_END, NULL, NULL);

    g_assert_cmpuint(plain.report->findings->len, ==, 0);
    g_assert_cmpuint(network.report->findings->len, ==, 0);
    g_assert_cmpuint(iommu.report->findings->len, >, 5);
    g_assert_null(find(iommu.report, "group-viable"));
}

static void
test_place(void)
{
    g_auto(Fixture) fixture = check(DEVICES_BEGIN IOMMU GPU DEVICES_END, "xeon.json", NULL);
    const Finding *device = find(fixture.report, "group-viable");
    const Finding *bus = find(fixture.report, "bus-root-port-acs");
    const Finding *domain = find(fixture.report, "xml-unknown-attribute");

    g_assert_cmpstr(fixture.report->file, ==, "vm.xml");
    g_assert_cmpstr(fixture.report->domain, ==, "vm");
    g_assert_cmpint(device->outcome, ==, VIOMMU_OUTCOME_FAIL);
    g_assert_cmpuint(device->line, ==, 13);
    g_assert_cmpuint(device->column, ==, 5);
    g_assert_cmpstr(device->xpath, ==, "/domain/devices/hostdev");
    g_assert_cmpstr(device->alias, ==, "ua-gpu0");
    g_assert_cmpstr(device->address, ==, "0000:98:00.0");
    g_assert_nonnull(strstr(device->message, "0000:98:00.1 is bound to snd_hda_intel"));
    g_assert_nonnull(device->help);
    g_assert_cmpuint(device->object, ==, 0);

    g_assert_cmpint(bus->outcome, ==, VIOMMU_OUTCOME_FAIL);
    g_assert_cmpuint(bus->line, ==, 8);
    g_assert_cmpstr(bus->xpath, ==, "/domain/devices/controller[2]");
    g_assert_null(bus->alias);
    g_assert_cmpuint(bus->object, ==, 1);

    g_assert_cmpint(domain->outcome, ==, VIOMMU_OUTCOME_PASS);
    g_assert_cmpuint(domain->line, ==, 1);
    g_assert_null(domain->message);
}

static void
test_counts(void)
{
    g_auto(Fixture) fixture = check(DEVICES_BEGIN IOMMU GPU DEVICES_END, "xeon.json", NULL);
    const ViommuReport *report = fixture.report;

    g_assert_cmpuint(report->errors + report->warnings + report->infos, ==,
                     count(report, VIOMMU_OUTCOME_FAIL));
    g_assert_cmpuint(report->unknowns, ==, count(report, VIOMMU_OUTCOME_UNKNOWN));
    g_assert_cmpuint(report->passes, ==, count(report, VIOMMU_OUTCOME_PASS));
    g_assert_cmpuint(count(report, VIOMMU_OUTCOME_NOT_APPLICABLE), ==, 0);
    g_assert_cmpuint(report->errors, >, 0);
    g_assert_cmpuint(report->warnings, >, 0);
    g_assert_cmpuint(report->passes, >, 0);
}

/* Without facts: unknown with path and way for what needs them, a verdict for what does not. */
static void
test_no_facts(void)
{
    g_auto(Fixture) fixture = check(DEVICES_BEGIN IOMMU GPU DEVICES_END, NULL, NULL);
    const Finding *device = find(fixture.report, "group-viable");
    const Finding *bus = find(fixture.report, "bus-root-port-acs");

    g_assert_cmpint(device->outcome, ==, VIOMMU_OUTCOME_UNKNOWN);
    g_assert_cmpuint(device->needs->len, ==, 1);
    g_assert_cmpstr(device->needs->pdata[0], ==, "devices/0000:98:00.0");
    g_assert_nonnull(strstr(device->how, "--host FILE"));
    g_assert_cmpuint(device->line, ==, 13);
    g_assert_cmpint(bus->outcome, ==, VIOMMU_OUTCOME_FAIL);
}

static void
test_severities(void)
{
    g_auto(Fixture) raised = check(DEVICES_BEGIN IOMMU GPU DEVICES_END, "xeon.json",
                                   "\"bus-root-port-acs\": {\"severity\": \"error\"}");
    g_auto(Fixture) off =
               check(DEVICES_BEGIN IOMMU GPU DEVICES_END, "xeon.json",
                     "\"bus-root-port-acs\": {\"severity\": \"off\", \"reason\": \"known\"}");
    g_auto(Fixture) usual = check(DEVICES_BEGIN IOMMU GPU DEVICES_END, "xeon.json", NULL);

    g_assert_cmpint(find(usual.report, "bus-root-port-acs")->severity, ==, VIOMMU_SEVERITY_WARNING);
    g_assert_cmpint(find(raised.report, "bus-root-port-acs")->severity, ==, VIOMMU_SEVERITY_ERROR);
    g_assert_cmpuint(raised.report->errors, ==, usual.report->errors + 1);
    g_assert_null(find(off.report, "bus-root-port-acs"));
    g_assert_cmpuint(off.report->warnings, ==, usual.report->warnings - 1);
}

/* Findings come family by family, within a rule in the order of the document. */
static void
test_order(void)
{
    g_auto(Fixture) fixture = check(DEVICES_BEGIN IOMMU GPU GPU DEVICES_END, "xeon.json", NULL);
    gsize families;
    const RuleFamily *const *list = rule_families(&families);
    guint position = 0, last = 0;

    for (guint i = 0; i < fixture.report->findings->len; i++) {
        const Finding *finding = fixture.report->findings->pdata[i];
        guint rank = 0;

        for (gsize f = 0; f < families; f++)
            for (gsize r = 0; r < list[f]->count; r++, rank++)
                if (&list[f]->rules[r] == finding->rule)
                    position = rank;
        g_assert_cmpuint(position, >=, last);
        last = position;
    }
    g_assert_cmpint(find(fixture.report, "xml-hostdev-duplicate")->outcome, ==,
                    VIOMMU_OUTCOME_PASS);
    g_assert_cmpuint(find(fixture.report, "xml-hostdev-duplicate")->object, ==, 0);
}

/* A mediated device has no host function: facts of one are no matter there. */
static void
test_mdev(void)
{
    static const char mdev[] =
        "    <hostdev mode='subsystem' type='mdev' model='vfio-pci'>\n"
        "      <source><address uuid='b7e3c7a2-3f3c-4c8e-9f0b-2f6f5b1a9d11'/></source>\n"
        "      <address type='pci' bus='1' slot='0' function='0'/>\n    </hostdev>\n";
    g_autofree char *xml = g_strconcat(DEVICES_BEGIN IOMMU, mdev, DEVICES_END, NULL);
    g_auto(Fixture) fixture = check(xml, NULL, NULL);
    const Finding *own = find(fixture.report, "xml-mdev-driver-dropped");

    g_assert_null(find(fixture.report, "group-viable"));
    g_assert_null(find(fixture.report, "group-device-absent"));
    g_assert_cmpstr(own->address, ==, "b7e3c7a2-3f3c-4c8e-9f0b-2f6f5b1a9d11");
}

static void
test_catalogue(void)
{
    const PolicyCatalogue *catalogue = rule_policy_catalogue();

    g_assert_true(catalogue->exists("group-viable"));
    g_assert_false(catalogue->exists("group-viability"));
    g_assert_false(catalogue->demotable("group-viable"));
    g_assert_true(catalogue->demotable("bus-root-port-acs"));
    g_assert_cmpint(catalogue->severity("group-viable"), ==, VIOMMU_SEVERITY_ERROR);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/rules/concerns", test_concerns);
    g_test_add_func("/rules/place", test_place);
    g_test_add_func("/rules/counts", test_counts);
    g_test_add_func("/rules/no-facts", test_no_facts);
    g_test_add_func("/rules/severities", test_severities);
    g_test_add_func("/rules/order", test_order);
    g_test_add_func("/rules/mdev", test_mdev);
    g_test_add_func("/rules/catalogue", test_catalogue);
    return g_test_run();
}
