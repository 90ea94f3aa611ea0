/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SARIF 2.1.0 (OASIS Standard, sarif-v2.1.0): what code scanners and forges read. */
#include "write.h"

#include <string.h>

#define SARIF_SCHEMA                                                                               \
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

static BaseJson *
text_json(const char *text)
{
    BaseJson *object = json_object_new_object();

    base_json_add_string(object, "text", text);
    return object;
}

static const char *
level_name(ViommuSeverity severity)
{
    if (severity == VIOMMU_SEVERITY_ERROR)
        return "error";
    return severity == VIOMMU_SEVERITY_WARNING ? "warning" : "note";
}

static BaseJson *
rule_json(const Rule *rule)
{
    BaseJson *object = json_object_new_object();
    BaseJson *configuration = json_object_new_object();
    BaseJson *properties = json_object_new_object();

    base_json_add_string(object, "id", rule->id);
    json_object_object_add(object, "shortDescription", text_json(rule->summary));
    json_object_object_add(object, "fullDescription", text_json(rule->rationale));
    json_object_object_add(object, "help", text_json(rule->remedy));
    base_json_add_string(configuration, "level", level_name(rule->severity));
    json_object_object_add(object, "defaultConfiguration", configuration);
    base_json_add_string(properties, "source", rule->source);
    base_json_add_string(properties, "effect", rule_effect_name(rule->effect));
    json_object_object_add(properties, "certain", json_object_new_boolean(rule->certain));
    json_object_object_add(object, "properties", properties);
    return object;
}

/* The whole catalogue, so that a rule's index does not depend on what was found. */
static BaseJson *
rules_json(GHashTable *indexes)
{
    BaseJson *rules = json_object_new_array();
    gsize count;
    const RuleFamily *const *families = rule_families(&count);

    for (gsize i = 0; i < count; i++) {
        for (gsize j = 0; j < families[i]->count; j++) {
            const Rule *rule = &families[i]->rules[j];

            g_hash_table_insert(indexes, (gpointer)rule,
                                GUINT_TO_POINTER(json_object_array_length(rules)));
            json_object_array_add(rules, rule_json(rule));
        }
    }
    return rules;
}

/* A relative path stays relative, so that forges find it in the repository. */
static char *
file_uri(const char *file)
{
    if (strcmp(file, "-") == 0)
        return g_strdup("stdin");
    if (g_path_is_absolute(file))
        return g_filename_to_uri(file, NULL, NULL);
    return g_uri_escape_string(file, "/!$&'()*+,;=@", FALSE);
}

static BaseJson *
physical_json(const ViommuReport *report, const Finding *finding)
{
    BaseJson *physical = json_object_new_object();
    BaseJson *artifact = json_object_new_object();
    g_autofree char *uri = file_uri(report->file);

    base_json_add_string(artifact, "uri", uri);
    json_object_object_add(physical, "artifactLocation", artifact);
    if (finding->line > 0) {
        BaseJson *region = json_object_new_object();

        json_object_object_add(region, "startLine", json_object_new_uint64(finding->line));
        if (finding->column > 0)
            json_object_object_add(region, "startColumn", json_object_new_uint64(finding->column));
        json_object_object_add(physical, "region", region);
    }
    return physical;
}

static BaseJson *
location_json(const ViommuReport *report, const Finding *finding)
{
    BaseJson *locations = json_object_new_array();
    BaseJson *location = json_object_new_object();

    json_object_object_add(location, "physicalLocation", physical_json(report, finding));
    if (finding->xpath) {
        BaseJson *logicals = json_object_new_array();
        BaseJson *logical = json_object_new_object();

        base_json_add_string(logical, "fullyQualifiedName", finding->xpath);
        base_json_add_string(logical, "name", finding->alias);
        base_json_add_string(logical, "kind", "element");
        json_object_array_add(logicals, logical);
        json_object_object_add(location, "logicalLocations", logicals);
    }
    json_object_array_add(locations, location);
    return locations;
}

/* What a finding is told by from one run to the next: rule, domain and element, not the line. */
static BaseJson *
fingerprint_json(const ViommuReport *report, const Finding *finding)
{
    BaseJson *object = json_object_new_object();
    g_autofree char *text = g_strjoin("\n", finding->rule->id, report->domain ? report->domain : "",
                                      finding->xpath ? finding->xpath : "", NULL);
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);

    base_json_add_string(object, "ruleDomainElement/v1", digest);
    return object;
}

static BaseJson *
result_json(const ViommuReport *report, const Finding *finding, GHashTable *indexes)
{
    gboolean fails = finding->outcome == VIOMMU_OUTCOME_FAIL;
    BaseJson *object = json_object_new_object();
    guint index = GPOINTER_TO_UINT(g_hash_table_lookup(indexes, finding->rule));
    const char *more = fails ? finding->help : finding->how;
    g_autofree char *message =
        g_strconcat(finding->message, more ? " — " : "", more ? more : "", NULL);

    base_json_add_string(object, "ruleId", finding->rule->id);
    json_object_object_add(object, "ruleIndex", json_object_new_uint64(index));
    /* 3.27.9: "open" is a rule that could not be decided; its level must then be "none" */
    base_json_add_string(object, "kind", fails ? "fail" : "open");
    base_json_add_string(object, "level", fails ? level_name(finding->severity) : "none");
    json_object_object_add(object, "message", text_json(message));
    json_object_object_add(object, "locations", location_json(report, finding));
    json_object_object_add(object, "partialFingerprints", fingerprint_json(report, finding));
    return object;
}

static BaseJson *
results_json(const GPtrArray *reports, GHashTable *indexes)
{
    BaseJson *results = json_object_new_array();

    for (guint i = 0; i < reports->len; i++) {
        const ViommuReport *report = reports->pdata[i];

        for (guint j = 0; j < report->findings->len; j++) {
            const Finding *finding = report->findings->pdata[j];

            if (finding->outcome != VIOMMU_OUTCOME_PASS)
                json_object_array_add(results, result_json(report, finding, indexes));
        }
    }
    return results;
}

BaseJson *
write_reports_sarif(const GPtrArray *reports)
{
    g_autoptr(GHashTable) indexes = g_hash_table_new(NULL, NULL);
    BaseJson *log = json_object_new_object();
    BaseJson *runs = json_object_new_array();
    BaseJson *run = json_object_new_object();
    BaseJson *tool = json_object_new_object();
    BaseJson *driver = json_object_new_object();

    base_json_add_string(log, "$schema", SARIF_SCHEMA);
    base_json_add_string(log, "version", "2.1.0");
    base_json_add_string(driver, "name", "virt-viommu");
    base_json_add_string(driver, "version", VIOMMU_VERSION_TEXT);
    json_object_object_add(driver, "rules", rules_json(indexes));
    json_object_object_add(tool, "driver", driver);
    json_object_object_add(run, "tool", tool);
    base_json_add_string(run, "columnKind", "unicodeCodePoints");
    json_object_object_add(run, "results", results_json(reports, indexes));
    json_object_array_add(runs, run);
    json_object_object_add(log, "runs", runs);
    return log;
}
