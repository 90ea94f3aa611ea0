/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SARIF 2.1.0 (OASIS Standard, sarif-v2.1.0): what code scanners and forges read. */
#include "write.h"

#include <string.h>

#include "write-unknowns.h"

#define SARIF_SCHEMA                                                                               \
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

static void
write_text(BaseJsonOut *out, const char *key, const char *text)
{
    base_json_out_open(out, key, '{');
    base_json_out_string(out, "text", text);
    base_json_out_close(out, '}');
}

static const char *
level_name(ViommuSeverity severity)
{
    if (severity == VIOMMU_SEVERITY_ERROR)
        return "error";
    return severity == VIOMMU_SEVERITY_WARNING ? "warning" : "note";
}

static void
write_rule(const Rule *rule, BaseJsonOut *out)
{
    base_json_out_open(out, NULL, '{');
    base_json_out_open(out, "defaultConfiguration", '{');
    base_json_out_string(out, "level", level_name(rule->severity));
    base_json_out_close(out, '}');
    write_text(out, "fullDescription", rule->rationale);
    write_text(out, "help", rule->remedy);
    base_json_out_string(out, "id", rule->id);
    base_json_out_open(out, "properties", '{');
    base_json_out_bool(out, "certain", rule->certain);
    base_json_out_string(out, "effect", rule_effect_name(rule->effect));
    base_json_out_string(out, "source", rule->source);
    base_json_out_close(out, '}');
    write_text(out, "shortDescription", rule->summary);
    base_json_out_close(out, '}');
}

/* Its place in the whole catalogue, so that it does not depend on what was found. */
static gsize
index_of(const Rule *rule)
{
    gsize count, before = 0;
    const RuleFamily *const *families = rule_families(&count);

    for (gsize i = 0; i < count; i++) {
        for (gsize j = 0; j < families[i]->count; j++)
            if (&families[i]->rules[j] == rule)
                return before + j;
        before += families[i]->count;
    }
    return before;
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

static void
write_logical_location(const Finding *finding, BaseJsonOut *out)
{
    base_json_out_open(out, "logicalLocations", '[');
    base_json_out_open(out, NULL, '{');
    base_json_out_string(out, "fullyQualifiedName", finding->xpath);
    base_json_out_string(out, "kind", "element");
    base_json_out_string(out, "name", finding->alias);
    base_json_out_close(out, '}');
    base_json_out_close(out, ']');
}

static void
write_physical_location(const ViommuReport *report, const Finding *finding, BaseJsonOut *out)
{
    g_autofree char *uri = file_uri(report->file);

    base_json_out_open(out, "physicalLocation", '{');
    base_json_out_open(out, "artifactLocation", '{');
    base_json_out_string(out, "uri", uri);
    base_json_out_close(out, '}');
    if (finding->line > 0) {
        base_json_out_open(out, "region", '{');
        base_json_out_number(out, "startColumn", finding->character);
        base_json_out_number(out, "startLine", finding->line);
        base_json_out_close(out, '}');
    }
    base_json_out_close(out, '}');
}

/* What a finding is told by from one run to the next: rule, domain and element, not the line. */
static void
write_fingerprint(const ViommuReport *report, const char *rule, const char *element,
                  BaseJsonOut *out)
{
    g_autofree char *text =
        g_strjoin("\n", rule, report->domain ? report->domain : "", element ? element : "", NULL);
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);

    base_json_out_open(out, "partialFingerprints", '{');
    base_json_out_string(out, "ruleDomainElement/v1", digest);
    base_json_out_close(out, '}');
}

/* All rules that lack the same facts are one result, of a rule that is none of the catalogue. */
#define UNDECIDED "undecided"

static void
write_undecided_rule(BaseJsonOut *out)
{
    base_json_out_open(out, NULL, '{');
    base_json_out_open(out, "defaultConfiguration", '{');
    base_json_out_string(out, "level", "none");
    base_json_out_close(out, '}');
    write_text(out, "fullDescription",
               "Rules that could not decide since facts of the host or of its software are not "
               "known; the properties of a result name them.");
    base_json_out_string(out, "id", UNDECIDED);
    write_text(out, "shortDescription", "rules that could not decide");
    base_json_out_close(out, '}');
}

static void
write_texts(const char *key, const GPtrArray *texts, BaseJsonOut *out)
{
    base_json_out_open(out, key, '[');
    for (guint i = 0; i < texts->len; i++)
        base_json_out_string(out, NULL, texts->pdata[i]);
    base_json_out_close(out, ']');
}

static gsize
count_rules(void)
{
    gsize count, rules = 0;
    const RuleFamily *const *families = rule_families(&count);

    for (gsize i = 0; i < count; i++)
        rules += families[i]->count;
    return rules;
}

static void
write_undecided(const ViommuReport *report, const WriteUnknown *unknown, BaseJsonOut *out)
{
    g_autofree char *sentence = write_unknown_message(unknown);
    g_autofree char *message = g_strdup_printf("%s — %s", sentence, unknown->how);

    base_json_out_open(out, NULL, '{');
    base_json_out_string(out, "kind", "open");
    base_json_out_string(out, "level", "none");
    base_json_out_open(out, "locations", '[');
    base_json_out_open(out, NULL, '{');
    write_physical_location(report, unknown->first, out);
    base_json_out_close(out, '}');
    base_json_out_close(out, ']');
    write_text(out, "message", message);
    write_fingerprint(report, UNDECIDED, unknown->how, out);
    base_json_out_open(out, "properties", '{');
    write_texts("facts", unknown->needs, out);
    write_texts("rules", unknown->rules, out);
    base_json_out_close(out, '}');
    base_json_out_string(out, "ruleId", UNDECIDED);
    base_json_out_number(out, "ruleIndex", count_rules());
    base_json_out_close(out, '}');
}

static void
write_result(const ViommuReport *report, const Finding *finding, BaseJsonOut *out)
{
    gboolean fails = finding->outcome == VIOMMU_OUTCOME_FAIL;
    const char *more = fails ? finding->help : finding->how;
    g_autofree char *message =
        g_strconcat(finding->message, more ? " — " : "", more ? more : "", NULL);

    base_json_out_open(out, NULL, '{');
    /* 3.27.9: "open" is a rule that could not be decided; its level must then be "none" */
    base_json_out_string(out, "kind", fails ? "fail" : "open");
    base_json_out_string(out, "level", fails ? level_name(finding->severity) : "none");
    base_json_out_open(out, "locations", '[');
    base_json_out_open(out, NULL, '{');
    if (finding->xpath)
        write_logical_location(finding, out);
    write_physical_location(report, finding, out);
    base_json_out_close(out, '}');
    base_json_out_close(out, ']');
    write_text(out, "message", message);
    write_fingerprint(report, finding->rule->id, finding->xpath, out);
    base_json_out_string(out, "ruleId", finding->rule->id);
    base_json_out_number(out, "ruleIndex", index_of(finding->rule));
    base_json_out_close(out, '}');
}

void
write_sarif_begin(BaseJsonOut *out)
{
    base_json_out_open(out, NULL, '{');
    base_json_out_string(out, "$schema", SARIF_SCHEMA);
    base_json_out_open(out, "runs", '[');
    base_json_out_open(out, NULL, '{');
    base_json_out_string(out, "columnKind", "unicodeCodePoints");
    base_json_out_open(out, "results", '[');
}

void
write_sarif_results(const ViommuReport *report, BaseJsonOut *out)
{
    g_autoptr(GPtrArray) unknowns = write_collect_unknowns(report);

    for (guint i = 0; i < report->findings->len; i++) {
        const Finding *finding = report->findings->pdata[i];

        if (finding->outcome == VIOMMU_OUTCOME_FAIL)
            write_result(report, finding, out);
    }
    for (guint i = 0; i < unknowns->len; i++) {
        const WriteUnknown *unknown = unknowns->pdata[i];

        if (unknown->count == 1)
            write_result(report, unknown->first, out);
        else
            write_undecided(report, unknown, out);
    }
}

void
write_sarif_end(BaseJsonOut *out)
{
    gsize count;
    const RuleFamily *const *families = rule_families(&count);

    base_json_out_close(out, ']');
    base_json_out_open(out, "tool", '{');
    base_json_out_open(out, "driver", '{');
    base_json_out_string(out, "name", "virt-viommu");
    base_json_out_open(out, "rules", '[');
    for (gsize i = 0; i < count; i++)
        for (gsize j = 0; j < families[i]->count; j++)
            write_rule(&families[i]->rules[j], out);
    write_undecided_rule(out);
    base_json_out_close(out, ']');
    base_json_out_string(out, "version", VIOMMU_VERSION_TEXT);
    base_json_out_close(out, '}');
    base_json_out_close(out, '}');
    base_json_out_close(out, '}');
    base_json_out_close(out, ']');
    base_json_out_string(out, "version", "2.1.0");
    base_json_out_close(out, '}');
}
