/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* report-1: schemas/report-1.schema.json */
#include "write.h"

static void
write_finding(const Finding *finding, BaseJsonOut *out)
{
    base_json_out_open(out, NULL, '{');
    base_json_out_string(out, "address", finding->address);
    base_json_out_string(out, "alias", finding->alias);
    base_json_out_bool(out, "certain", finding->rule->certain);
    if (finding->line > 0)
        base_json_out_number(out, "column", finding->column);
    base_json_out_string(out, "effect", rule_effect_name(finding->rule->effect));
    base_json_out_string(out, "fixer", rule_fixer_name(finding->rule->fixer));
    base_json_out_string(out, "help", finding->help);
    base_json_out_string(out, "how", finding->how);
    if (finding->line > 0)
        base_json_out_number(out, "line", finding->line);
    base_json_out_string(out, "message", finding->message);
    base_json_out_open(out, "needs", '[');
    for (guint i = 0; finding->needs && i < finding->needs->len; i++)
        base_json_out_string(out, NULL, finding->needs->pdata[i]);
    base_json_out_close(out, ']');
    base_json_out_string(out, "outcome", rule_outcome_name(finding->outcome));
    base_json_out_string(out, "rule", finding->rule->id);
    base_json_out_string(out, "severity", rule_severity_name(finding->severity));
    base_json_out_string(out, "xpath", finding->xpath);
    base_json_out_close(out, '}');
}

void
write_report_json(const ViommuReport *report, BaseJsonOut *out)
{
    /* JSON is UTF-8, and a file name any bytes */
    g_autofree char *file = g_utf8_make_valid(report->file, -1);

    base_json_out_open(out, NULL, '{');
    base_json_out_string(out, "domain", report->domain);
    base_json_out_string(out, "file", file);
    base_json_out_open(out, "findings", '[');
    for (guint i = 0; i < report->findings->len; i++) {
        const Finding *finding = report->findings->pdata[i];

        if (finding->outcome != VIOMMU_OUTCOME_PASS)
            write_finding(finding, out);
    }
    base_json_out_close(out, ']');
    base_json_out_number(out, "report", 1);
    base_json_out_open(out, "summary", '{');
    base_json_out_number(out, "error", report->errors);
    base_json_out_number(out, "info", report->infos);
    base_json_out_number(out, "pass", report->passes);
    base_json_out_number(out, "unknown", report->unknowns);
    base_json_out_number(out, "warning", report->warnings);
    base_json_out_close(out, '}');
    base_json_out_close(out, '}');
}
