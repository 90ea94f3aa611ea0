/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* report-1: schemas/report-1.schema.json */
#include "write.h"

static void
add_number(BaseJson *object, const char *key, guint number)
{
    json_object_object_add(object, key, json_object_new_uint64(number));
}

static BaseJson *
finding_json(const Finding *finding)
{
    BaseJson *object = json_object_new_object();
    BaseJson *needs = json_object_new_array();

    base_json_add_string(object, "rule", finding->rule->id);
    base_json_add_string(object, "outcome", rule_outcome_name(finding->outcome));
    base_json_add_string(object, "severity", rule_severity_name(finding->severity));
    base_json_add_string(object, "effect", rule_effect_name(finding->rule->effect));
    base_json_add_string(object, "fixer", rule_fixer_name(finding->rule->fixer));
    json_object_object_add(object, "certain", json_object_new_boolean(finding->rule->certain));
    if (finding->line > 0) {
        add_number(object, "line", finding->line);
        add_number(object, "column", finding->column);
    }
    base_json_add_string(object, "xpath", finding->xpath);
    base_json_add_string(object, "alias", finding->alias);
    base_json_add_string(object, "address", finding->address);
    base_json_add_string(object, "message", finding->message);
    base_json_add_string(object, "help", finding->help);
    for (guint i = 0; i < finding->needs->len; i++)
        json_object_array_add(needs, json_object_new_string(finding->needs->pdata[i]));
    json_object_object_add(object, "needs", needs);
    base_json_add_string(object, "how", finding->how);
    return object;
}

static BaseJson *
summary_json(const ViommuReport *report)
{
    BaseJson *summary = json_object_new_object();

    add_number(summary, "error", report->errors);
    add_number(summary, "warning", report->warnings);
    add_number(summary, "info", report->infos);
    add_number(summary, "unknown", report->unknowns);
    add_number(summary, "pass", report->passes);
    return summary;
}

BaseJson *
write_report_json(const ViommuReport *report)
{
    BaseJson *object = json_object_new_object();
    BaseJson *findings = json_object_new_array();

    json_object_object_add(object, "report", json_object_new_int(1));
    base_json_add_string(object, "file", report->file);
    base_json_add_string(object, "domain", report->domain);
    for (guint i = 0; i < report->findings->len; i++) {
        const Finding *finding = report->findings->pdata[i];

        if (finding->outcome != VIOMMU_OUTCOME_PASS)
            json_object_array_add(findings, finding_json(finding));
    }
    json_object_object_add(object, "findings", findings);
    json_object_object_add(object, "summary", summary_json(report));
    return object;
}
