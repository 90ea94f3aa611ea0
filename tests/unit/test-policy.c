/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy.h"

#include <glib/gstdio.h>
#include <string.h>

/* A catalogue of two: one rule that policy may lower, one that it may not. */
static gboolean
exists(const char *id)
{
    return strcmp(id, "soft-rule") == 0 || strcmp(id, "fix-ed") == 0 ||
           strcmp(id, "bus-root-port-acs") == 0;
}

static gboolean
demotable(const char *id)
{
    return strcmp(id, "fix-ed") != 0;
}

static ViommuSeverity
severity(const char *id)
{
    return strcmp(id, "fix-ed") == 0 ? VIOMMU_SEVERITY_ERROR : VIOMMU_SEVERITY_WARNING;
}

static const PolicyCatalogue catalogue = {exists, demotable, severity};

static char *
data_path(const char *relative)
{
    return g_build_filename(g_getenv("VIOMMU_TEST_DATA"), "policy", relative, NULL);
}

static ViommuPolicy *
load(const char *relative, GError **error)
{
    g_autofree char *path = data_path(relative);

    return policy_load(path, &catalogue, error);
}

/* Every document of the folder gets that verdict, and every error tells file and pointer. */
static void
check_folder(const char *folder, gboolean good)
{
    g_autofree char *path = data_path(folder);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;
    guint count = 0;

    g_assert_nonnull(dir);
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *relative = g_build_filename(folder, name, NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(ViommuPolicy) policy = load(relative, &error);
        g_autofree char *place = g_strconcat(name, ": /", NULL);

        count++;
        if (good && error)
            g_test_message("%s: %s", name, error->message);
        g_assert_cmpint(policy != NULL, ==, good);
        g_assert_cmpint(error != NULL, ==, !good);
        if (!error)
            continue;
        g_assert_cmpint(error->code, ==, VIOMMU_ERROR_SCHEMA);
        g_assert_nonnull(strstr(error->message, place));
        g_assert_null(strchr(error->message, '\n'));
    }
    g_assert_cmpuint(count, >, 3);
}

static void
test_verdicts(void)
{
    check_folder("valid", TRUE);
    check_folder("invalid", FALSE);
    check_folder("refused", FALSE);
}

static void
expect_error(const char *file, const char *message)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ViommuPolicy) policy = load(file, &error);

    g_assert_null(policy);
    g_assert_nonnull(error);
    if (error && !strstr(error->message, message))
        g_test_message("%s", error->message);
    g_assert_true(error && strstr(error->message, message));
}

static void
test_errors(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ViommuPolicy) policy = NULL;

    expect_error("invalid/unknown-member.json",
                 "unknown-member.json: /max_usages: unknown member; did you mean \"max_usage\"?");
    expect_error("invalid/entry-class-odd.json",
                 "/usages/0/match/class: must be \"0x\" and 2, 4 or 6 hex digits, not \"0x030\"");
    expect_error("invalid/rule-severity.json", "/rules/bus-root-port-acs/severity: must be");
    expect_error("refused/unknown-rule.json", "/rules/no-such-rule: no such rule");
    expect_error("refused/not-demotable.json", "/rules/fix-ed: the severity of this rule cannot");
    expect_error("refused/no-reason.json", "/rules/soft-rule: lowering a severity needs");
    expect_error("no-such-file.json", "no-such-file.json");
    policy = policy_load("no-such-profile", &catalogue, &error);
    g_assert_null(policy);
    g_assert_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO);
    g_assert_nonnull(strstr(error->message, "no such profile \"no-such-profile\""));
}

static void
test_default(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ViommuPolicy) policy = policy_load(NULL, &catalogue, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(policy->name, ==, "default");
    g_assert_cmpuint(policy->modes->len, ==, 3);
    g_assert_cmpint(g_array_index(policy->modes, ViommuMode, 0), ==, VIOMMU_MODE_NESTED);
    g_assert_cmpint(g_array_index(policy->modes, ViommuMode, 2), ==, VIOMMU_MODE_NONE);
    g_assert_cmpint(policy->usage, ==, VIOMMU_USAGE_DMA);
    g_assert_cmpint(policy->max_usage, ==, VIOMMU_USAGE_SVA);
    g_assert_true(policy->hook_enforce);
    g_assert_cmpuint(policy->hook_time_limit_ms, ==, 2000);
    g_assert_null(policy->domain_quota.locked_memory);
    g_assert_cmpint(policy->domain_quota.devices.state, ==, BASE_STATE_UNKNOWN);
}

/* Where no profile is installed, the library brings "default", the same as the file. */
static void
test_default_is_built_in(void)
{
    g_autofree char *old = g_strdup(g_getenv("VIRT_VIOMMU_PROFILES"));
    g_autoptr(ViommuPolicy) file = policy_load(NULL, &catalogue, NULL);
    g_autoptr(ViommuPolicy) built_in = NULL;
    g_autofree char *from_file = base_json_to_text(file->merged);
    g_autofree char *from_library = NULL;
    g_autoptr(GError) error = NULL;

    g_setenv("VIRT_VIOMMU_PROFILES", "/nonexistent", TRUE);
    built_in = policy_load(NULL, &catalogue, &error);
    g_setenv("VIRT_VIOMMU_PROFILES", old ? old : "", TRUE);
    g_assert_no_error(error);
    from_library = base_json_to_text(built_in->merged);
    g_assert_cmpstr(from_library, ==, from_file);
}

static void
test_merge(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ViommuPolicy) policy = load("valid/site.json", &error);
    const PolicyUsage *entry;
    const PolicyRule *rule;
    g_autofree char *text = NULL;

    g_assert_no_error(error);
    g_assert_cmpstr(policy->name, ==, "site");
    g_assert_cmpuint(policy->spare_ports, ==, 2);
    g_assert_cmpuint(policy->usages->len, ==, 4);
    entry = policy->usages->pdata[0];
    g_assert_cmpuint(entry->vendor.value, ==, 0x10de);
    g_assert_cmpuint(entry->class_value.value, ==, 0x03);
    g_assert_cmpuint(entry->class_digits, ==, 2);
    g_assert_cmpuint(entry->pasid_bits.value, ==, 16);
    g_assert_cmpuint(policy->domain_quota.devices.value, ==, 8);
    g_assert_cmpstr(policy->host_quota.locked_memory, ==, "90%");
    g_assert_cmpuint(policy->rules->len, ==, 1);
    rule = policy->rules->pdata[0];
    g_assert_cmpstr(rule->rule, ==, "bus-root-port-acs");
    g_assert_cmpint(rule->severity, ==, VIOMMU_SEVERITY_ERROR);
    g_assert_false(policy->hook_enforce);
    g_assert_cmpuint(policy->hook_time_limit_ms, ==, 500);
    /* what the site does not say comes from the profile below */
    text = base_json_to_text(policy->merged);
    g_assert_nonnull(strstr(text, "\"usage\": \"dma\""));
    g_assert_nonnull(strstr(text, "\"spare_ports\": 2"));
}

/* A profiles directory of our own: the profile below sets things that the site takes away. */
static void
test_merge_removes(void)
{
    static const char below[] =
        "{\"policy\": 1, \"name\": \"default\", \"modes\": [\"none\"], \"max_usage\": \"dma\","
        " \"usages\": [{\"match\": {\"class\": \"0x03\"}, \"usage\": \"dma\"}],"
        " \"quota\": {\"domain\": {\"devices\": 4, \"pasid_bits\": 8}},"
        " \"rules\": {\"soft-rule\": {\"severity\": \"off\", \"reason\": \"noise\"}}}";
    static const char site[] =
        "{\"policy\": 1, \"name\": \"site\", \"usages\": [{\"match\": {\"vendor\": \"0x10de\"}}],"
        " \"quota\": {\"domain\": {\"devices\": null}},"
        " \"rules\": {\"soft-rule\": {\"severity\": \"error\"}}}";
    g_autofree char *old = g_strdup(g_getenv("VIRT_VIOMMU_PROFILES"));
    g_autofree char *dir = g_dir_make_tmp("viommu-policy-XXXXXX", NULL);
    g_autofree char *below_path = g_build_filename(dir, "default.json", NULL);
    g_autofree char *site_path = g_build_filename(dir, "site.json", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(ViommuPolicy) policy = NULL;

    g_assert_true(g_file_set_contents(below_path, below, -1, NULL));
    g_assert_true(g_file_set_contents(site_path, site, -1, NULL));
    g_setenv("VIRT_VIOMMU_PROFILES", dir, TRUE);
    policy = policy_load("site", &catalogue, &error);
    g_setenv("VIRT_VIOMMU_PROFILES", old ? old : "", TRUE);
    g_remove(below_path);
    g_remove(site_path);
    g_rmdir(dir);
    g_assert_no_error(error);
    g_assert_cmpint(policy->domain_quota.devices.state, ==, BASE_STATE_ABSENT);
    g_assert_cmpuint(policy->domain_quota.pasid_bits.value, ==, 8);
    g_assert_cmpuint(policy->usages->len, ==, 2);
    g_assert_cmpuint(((PolicyUsage *)policy->usages->pdata[0])->vendor.value, ==, 0x10de);
    g_assert_cmpuint(policy->modes->len, ==, 1);
    g_assert_cmpuint(policy->rules->len, ==, 1);
    g_assert_cmpint(((PolicyRule *)policy->rules->pdata[0])->severity, ==, VIOMMU_SEVERITY_ERROR);
    g_assert_null(((PolicyRule *)policy->rules->pdata[0])->reason);
}

typedef struct {
    const char *address;
    guint64 vendor, device, class_value; /* 0: not known to the host facts */
    const char *alias;
    ViommuUsage usage, asked, max_usage;
    guint64 pasid_bits; /* 0: unknown */
    const char *because, *missing;
} DemandCase;

static void
check_demand(const ViommuPolicy *policy, const ViommuDomain *domain, const DemandCase *c)
{
    HostDevice fact = {.vendor = base_u64(c->vendor),
                       .device = base_u64(c->device),
                       .class = c->class_value ? base_u64(c->class_value) : (BaseU64){0}};
    ModelHostdev hostdev = {.alias = (char *)c->alias};
    PolicyDemand demand;

    hostdev.host_known = base_pci_parse(c->address, &hostdev.host);
    demand = policy_demand(policy, domain, &hostdev, c->vendor ? &fact : NULL);
    g_assert_cmpstr(policy_usage_name(demand.usage), ==, policy_usage_name(c->usage));
    g_assert_cmpstr(policy_usage_name(demand.asked), ==, policy_usage_name(c->asked));
    g_assert_cmpstr(policy_usage_name(demand.max_usage), ==, policy_usage_name(c->max_usage));
    g_assert_cmpuint(demand.pasid_bits.value, ==, c->pasid_bits);
    g_assert_cmpstr(demand.because, ==, c->because);
    g_assert_cmpstr(demand.missing, ==, c->missing);
}

static void
test_demand(void)
{
    static const DemandCase cases[] = {
        /* GPU by vendor and base class */
        {"0000:65:00.0", 0x10de, 0x2941, 0x030200, NULL, VIOMMU_USAGE_PASID, VIOMMU_USAGE_PASID,
         VIOMMU_USAGE_SVA, 16, "policy entry", NULL},
        /* the domain asks for more usage and less width */
        {"0000:65:00.0", 0x10de, 0x2941, 0x030200, "ua-gpu0", VIOMMU_USAGE_SVA, VIOMMU_USAGE_SVA,
         VIOMMU_USAGE_SVA, 12, "domain intent", NULL},
        /* no facts: the entry by address counts, unless it is the GPU of the first entry */
        {"0000:3b:00.0", 0, 0, 0, NULL, VIOMMU_USAGE_PASID, VIOMMU_USAGE_PASID, VIOMMU_USAGE_SVA,
         16, "policy entry", "vendor"},
        /* its vendor alone rules the GPU out */
        {"0000:3b:00.0", 0x8086, 0, 0, NULL, VIOMMU_USAGE_GUEST_IOMMU, VIOMMU_USAGE_GUEST_IOMMU,
         VIOMMU_USAGE_SVA, 0, "policy entry", NULL},
        /* a function of that vendor, of what class nobody knows */
        {"0000:66:00.0", 0x10de, 0x2941, 0, NULL, VIOMMU_USAGE_PASID, VIOMMU_USAGE_PASID,
         VIOMMU_USAGE_SVA, 16, "policy entry", "class"},
        /* NVMe by subclass: the ceiling cuts what the domain asks */
        {"0000:01:00.0", 0x144d, 0xa808, 0x010802, "ua-disk0", VIOMMU_USAGE_DMA, VIOMMU_USAGE_SVA,
         VIOMMU_USAGE_DMA, 0, "domain intent", NULL},
        /* a display of another vendor, and SATA, match nothing */
        {"0000:02:00.0", 0x1002, 0x74a1, 0x030000, NULL, VIOMMU_USAGE_DMA, VIOMMU_USAGE_DMA,
         VIOMMU_USAGE_SVA, 0, "policy default", NULL},
        {"0000:02:00.0", 0x8086, 0xa352, 0x010601, NULL, VIOMMU_USAGE_DMA, VIOMMU_USAGE_DMA,
         VIOMMU_USAGE_SVA, 0, "policy default", NULL},
    };
    ModelIntentDevice gpu = {.alias = (char *)"ua-gpu0",
                             .usage_set = TRUE,
                             .usage = VIOMMU_USAGE_SVA,
                             .pasid_bits = base_u64(12)};
    ModelIntentDevice disk = {
        .alias = (char *)"ua-disk0", .usage_set = TRUE, .usage = VIOMMU_USAGE_SVA};
    g_autoptr(GPtrArray) intent = g_ptr_array_new();
    ViommuDomain domain = {.intent_devices = intent};
    g_autoptr(GError) error = NULL;
    g_autoptr(ViommuPolicy) policy = load("valid/site.json", &error);

    g_assert_no_error(error);
    g_ptr_array_add(intent, &gpu);
    g_ptr_array_add(intent, &disk);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        check_demand(policy, &domain, &cases[i]);
    g_assert_cmpuint(policy_spare_ports(policy, &domain), ==, 2);
    domain.intent_ports = base_u64(5);
    g_assert_cmpuint(policy_spare_ports(policy, &domain), ==, 5);
    domain.intent_ports = base_u64(0);
    g_assert_cmpuint(policy_spare_ports(policy, &domain), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/policy/verdicts", test_verdicts);
    g_test_add_func("/policy/errors", test_errors);
    g_test_add_func("/policy/default", test_default);
    g_test_add_func("/policy/default-is-built-in", test_default_is_built_in);
    g_test_add_func("/policy/merge", test_merge);
    g_test_add_func("/policy/merge-removes", test_merge_removes);
    g_test_add_func("/policy/demand", test_demand);
    return g_test_run();
}
