/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Golden cases: check says of each domain of tests/xml what expected.json says. expected.json lists
 * all failures and unknowns, and of the rules of the folder's own family those that passed, so that
 * a new rule in one family does not touch the cases of the others.
 */
#include <string.h>

#include "golden.h"
#include "host-read.h"
#include "write.h"

static gint
compare_ids(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static BaseJson *
passed_json(const ViommuReport *report, const char *name)
{
    g_autofree char *family = g_strndup(name, strcspn(name, "-") + 1);
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    BaseJson *array = json_object_new_array();

    for (guint i = 0; i < report->findings->len; i++) {
        const Finding *finding = report->findings->pdata[i];

        if (finding->outcome == VIOMMU_OUTCOME_PASS &&
            g_str_has_prefix(finding->rule->id, family) &&
            !g_ptr_array_find(ids, finding->rule->id, NULL))
            g_ptr_array_add(ids, (char *)finding->rule->id);
    }
    g_ptr_array_sort(ids, compare_ids);
    for (guint i = 0; i < ids->len; i++)
        json_object_array_add(array, json_object_new_string(ids->pdata[i]));
    return array;
}

static void
test_case(gconstpointer data)
{
    g_autoptr(GoldenCase) golden = golden_load(data);
    g_autoptr(ViommuReport) report = golden_check(golden, NULL);
    g_autoptr(BaseJson) document = NULL;
    g_autoptr(GString) written = g_string_new(NULL);
    g_autofree char *text = NULL;

    write_report_json(report, &(BaseJsonOut){.text = written});
    document = base_json_parse(written->str, written->len, golden->name, NULL);
    g_assert_nonnull(document);
    json_object_object_del(document, "summary");
    json_object_object_add(document, "passed", passed_json(report, golden->name));
    text = base_json_to_text(document);
    golden_compare(golden, "expected.json", text);
}

/* One more than the worst outcome of each rule on each object, keyed "rule object"; 0: no word */
static GHashTable *
outcomes(const ViommuReport *report)
{
    GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < report->findings->len; i++) {
        const Finding *finding = report->findings->pdata[i];
        char *key = g_strdup_printf("%s %u", finding->rule->id, finding->object);
        guint old = GPOINTER_TO_UINT(g_hash_table_lookup(table, key));

        g_hash_table_insert(table, key, GUINT_TO_POINTER(MAX(old, finding->outcome + 1)));
    }
    return table;
}

typedef struct {
    const GoldenCase *golden;
    GHashTable *before;
    guint tried;
} Removal;

#define SILENT  0
#define PASS    (VIOMMU_OUTCOME_PASS + 1)
#define UNKNOWN (VIOMMU_OUTCOME_UNKNOWN + 1)

static const char *
outcome_name(guint number)
{
    return number == SILENT ? "silent" : rule_outcome_name((ViommuOutcome)(number - 1));
}

/* A failure and an open question stay at least open; what passed does not fall silent. */
static gboolean
is_worse(guint before, guint after)
{
    return before >= UNKNOWN ? after < UNKNOWN : before == PASS && after == SILENT;
}

/* Rules that follow from attributes which an old libvirt drops. Where its version is not known, the
 * doubt is told once, of the attribute. */
static gboolean
is_told_of_attribute(const ViommuReport *report, const char *key)
{
    static const char *const derived[] = {"accel-off-hostdev", "bus-smmu-device-tree",
                                          "stack-arm-smmu-collapse", "virtio-driver-iommu", NULL};
    g_auto(GStrv) words = g_strsplit(key, " ", 2);
    gboolean told = FALSE;

    for (guint i = 0; i < report->findings->len; i++) {
        const Finding *finding = report->findings->pdata[i];

        told |= finding->outcome == VIOMMU_OUTCOME_UNKNOWN &&
                strcmp(finding->rule->id, "xml-attribute-too-new") == 0;
    }
    return told && g_strv_contains(derived, words[0]);
}

static void
compare_outcomes(const Removal *removal, const ViommuReport *report, const char *pointer)
{
    g_autoptr(GHashTable) after = outcomes(report);
    GHashTableIter iter;
    gpointer key, value;

    g_hash_table_iter_init(&iter, removal->before);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        guint was = GPOINTER_TO_UINT(value);
        guint now = GPOINTER_TO_UINT(g_hash_table_lookup(after, key));

        if (!is_worse(was, now) || is_told_of_attribute(report, key))
            continue;
        g_test_message("without %s, %s is \"%s\" and not \"%s\"", pointer, (char *)key,
                       outcome_name(now), outcome_name(was));
        g_test_fail();
    }
}

static void
check_without(Removal *removal, const char *pointer)
{
    g_autoptr(ViommuHost) host =
                  host_json_parse(removal->golden->host_document, "reduced host", NULL);
    g_autoptr(ViommuReport) report = NULL;

    /* a member that the format cannot do without is no fact */
    if (!host)
        return;
    removal->tried++;
    report = golden_check(removal->golden, host);
    compare_outcomes(removal, report, pointer);
}

/* Whether @device is that of a domain, shares its group, or is its physical function */
static gboolean
is_related(const HostDevice *own, const HostDevice *device)
{
    g_autofree char *address = base_pci_format(device->address);

    return own == device ||
           (base_u64_is_known(own->group) && own->group.value == device->group.value) ||
           g_strcmp0(own->physfn.text, address) == 0;
}

/* Whether a device of the host document is one that the domain's rules look at */
static gboolean
concerns(const Removal *removal, BaseJson *element)
{
    const ViommuHost *host = removal->golden->host;
    const char *text = json_object_get_string(json_object_object_get(element, "address"));
    const HostDevice *device;
    BasePci address;

    if (!text || !base_pci_parse(text, &address))
        return TRUE;
    device = host_facts_device(host, address);
    for (guint i = 0; device && i < removal->golden->domain->hostdevs->len; i++) {
        const ModelHostdev *hostdev = removal->golden->domain->hostdevs->pdata[i];
        const HostDevice *own = host_facts_device(host, hostdev->host);

        if (own && is_related(own, device))
            return TRUE;
    }
    return FALSE;
}

static void remove_each(Removal *removal, BaseJson *value, const char *pointer);

static void
remove_members(Removal *removal, BaseJson *object, const char *pointer)
{
    g_autoptr(GPtrArray) borrowed = base_json_members(object);
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < borrowed->len; i++)
        g_ptr_array_add(keys, g_strdup(borrowed->pdata[i]));
    for (guint i = 0; i < keys->len; i++) {
        const char *key = keys->pdata[i];
        g_autoptr(BaseJson) value = json_object_get(json_object_object_get(object, key));
        g_autofree char *child = g_strdup_printf("%s/%s", pointer, key);

        json_object_object_del(object, key);
        check_without(removal, child);
        json_object_object_add(object, key, json_object_get(value));
        remove_each(removal, value, child);
    }
}

static void
remove_each(Removal *removal, BaseJson *value, const char *pointer)
{
    if (json_object_is_type(value, json_type_object))
        remove_members(removal, value, pointer);
    if (!json_object_is_type(value, json_type_array))
        return;
    for (gsize i = 0; i < json_object_array_length(value); i++) {
        BaseJson *element = json_object_array_get_idx(value, i);
        g_autofree char *child = g_strdup_printf("%s/%" G_GSIZE_FORMAT, pointer, i);

        if (json_object_is_type(element, json_type_object) && concerns(removal, element))
            remove_members(removal, element, child);
    }
}

/* The versions of libvirt and QEMU come from the case and from the host: both are taken away. */
static void
check_without_version(Removal *removal, GoldenCase *golden, const char *key, guint64 *version)
{
    BaseJson *versions = json_object_object_get(golden->host_document, "versions");
    g_autoptr(BaseJson) value = json_object_get(json_object_object_get(versions, key));
    g_autofree char *pointer = g_strdup_printf("/versions/%s and target", key);
    guint64 given = *version;

    *version = 0;
    if (versions)
        json_object_object_del(versions, key);
    check_without(removal, pointer);
    if (value)
        json_object_object_add(versions, key, json_object_get(value));
    *version = given;
}

/* Taking any one fact away never turns a failure or an unknown into anything better. */
static void
test_monotone(gconstpointer data)
{
    g_autoptr(GoldenCase) golden = golden_load(data);
    g_autoptr(ViommuReport) report = golden_check(golden, NULL);
    g_autoptr(GHashTable) before = outcomes(report);
    Removal removal = {golden, before, 0};

    remove_each(&removal, golden->host_document, "");
    check_without_version(&removal, golden, "libvirt", &golden->target.libvirt);
    check_without_version(&removal, golden, "qemu", &golden->target.qemu);
    g_assert_cmpuint(removal.tried, >, 10);
}

/* What nobody can know before the start is the whole of what these say. */
static const char *const unknown_only[] = {"stack-network-unresolved", NULL};

static void
count_outcomes(GHashTable *failed, GHashTable *passed)
{
    g_autoptr(GPtrArray) names = golden_names();

    for (guint i = 0; i < names->len; i++) {
        g_autoptr(GoldenCase) golden = golden_load(names->pdata[i]);
        g_autoptr(ViommuReport) report = golden_check(golden, NULL);

        for (guint j = 0; j < report->findings->len; j++) {
            const Finding *finding = report->findings->pdata[j];

            if (finding->outcome == VIOMMU_OUTCOME_FAIL ||
                (finding->outcome == VIOMMU_OUTCOME_UNKNOWN &&
                 g_strv_contains(unknown_only, finding->rule->id)))
                g_hash_table_add(failed, (gpointer)finding->rule->id);
            if (finding->outcome == VIOMMU_OUTCOME_PASS)
                g_hash_table_add(passed, (gpointer)finding->rule->id);
        }
    }
}

/* Each rule fires in one case at least and passes in another. */
static void
test_complete(void)
{
    g_autoptr(GHashTable) failed = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) passed = g_hash_table_new(g_str_hash, g_str_equal);
    gsize count;
    const RuleFamily *const *families = rule_families(&count);

    count_outcomes(failed, passed);
    for (gsize i = 0; i < count; i++) {
        for (gsize j = 0; j < families[i]->count; j++) {
            const char *id = families[i]->rules[j].id;

            if (g_hash_table_contains(failed, id) && g_hash_table_contains(passed, id))
                continue;
            g_test_message("%s: no case in tests/xml where it %s", id,
                           g_hash_table_contains(failed, id) ? "passes" : "fails");
            g_test_fail();
        }
    }
}

static void
test_row(const RuleFamily *family, const Rule *rule, GHashTable *ids)
{
    g_autofree char *prefix = g_strconcat(family->name, "-", NULL);

    g_test_message("%s", rule->id);
    g_assert_true(g_str_has_prefix(rule->id, prefix));
    g_assert_true(g_hash_table_add(ids, (gpointer)rule->id));
    g_assert_true(rule_find(rule->id) == rule);
    g_assert_nonnull(rule->check);
    g_assert_true(rule->source && strlen(rule->source) > 10);
    g_assert_true(rule->remedy && *rule->remedy);
    g_assert_true(rule->rationale && strlen(rule->rationale) > 40);
    g_assert_true(rule->summary && *rule->summary);
    g_assert_cmpuint(g_utf8_strlen(rule->summary, -1), <=, 80);
    g_assert_cmpint(rule->severity, !=, VIOMMU_SEVERITY_OFF);
    /* what is certain to break is an error, and policy cannot talk it away */
    if (rule->certain)
        g_assert_cmpint(rule->severity, ==, VIOMMU_SEVERITY_ERROR);
}

static void
test_rows(void)
{
    g_autoptr(GHashTable) ids = g_hash_table_new(g_str_hash, g_str_equal);
    gsize count;
    const RuleFamily *const *families = rule_families(&count);

    for (gsize i = 0; i < count; i++)
        for (gsize j = 0; j < families[i]->count; j++)
            test_row(families[i], &families[i]->rules[j], ids);
}

static void
test_document(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *path =
        g_build_filename(g_getenv("VIOMMU_TEST_DATA"), "..", "docs", "rules.md", NULL);

    write_rules_markdown(text);
    golden_compare_file(path, text->str);
}

/* The reports of all cases as one document on stdout, for the schema test */
static int
print_reports(const GPtrArray *names)
{
    g_autoptr(GString) text = g_string_new(NULL);
    BaseJsonOut all = {.text = text};

    base_json_out_open(&all, NULL, '[');
    for (guint i = 0; i < names->len; i++) {
        g_autoptr(GoldenCase) golden = golden_load(names->pdata[i]);
        g_autoptr(ViommuReport) report = golden_check(golden, NULL);

        write_report_json(report, &all);
    }
    base_json_out_close(&all, ']');
    g_print("%s\n", text->str);
    return 0;
}

/* Two programs from one source: the cases, and with --catalogue the tables */
int
main(int argc, char **argv)
{
    g_autoptr(GPtrArray) names = NULL;
    gboolean catalogue = argc > 1 && strcmp(argv[1], "--catalogue") == 0;

    if (argc > 1 && strcmp(argv[1], "--reports") == 0) {
        names = golden_names();
        return print_reports(names);
    }
    if (catalogue) {
        argv[1] = argv[0];
        argv++;
        argc--;
    }
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    names = golden_names();
    if (names->len == 0)
        g_error("no cases: VIOMMU_TEST_DATA must be the folder tests of the source tree");
    if (catalogue) {
        g_test_add_func("/catalogue/rows", test_rows);
        g_test_add_func("/catalogue/complete", test_complete);
        g_test_add_func("/catalogue/docs", test_document);
        return g_test_run();
    }
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *check = g_strconcat("/golden/check/", names->pdata[i], NULL);
        g_autofree char *monotone = g_strconcat("/golden/monotone/", names->pdata[i], NULL);
        g_autoptr(GoldenCase) golden = golden_load(names->pdata[i]);

        g_test_add_data_func(check, names->pdata[i], test_case);
        if (golden->host_document) /* else there is no fact to take away */
            g_test_add_data_func(monotone, names->pdata[i], test_monotone);
    }
    return g_test_run();
}
