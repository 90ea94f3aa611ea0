/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A report as compilers write it: "file:line: severity: message (who) [rule]". */
#include "write.h"

#include <string.h>

#include "base-text.h"
#include "write-unknowns.h"

/* How many reasons for unknowns the summary line names */
#define MAX_REASONS 2

static const char *
color_of(const Finding *finding)
{
    if (finding->outcome == VIOMMU_OUTCOME_PASS)
        return "32";
    if (finding->outcome == VIOMMU_OUTCOME_UNKNOWN)
        return "35";
    if (finding->severity == VIOMMU_SEVERITY_ERROR)
        return "1;31";
    return finding->severity == VIOMMU_SEVERITY_WARNING ? "1;33" : "36";
}

static void
write_verdict(const Finding *finding, const WriteStyle *style, GString *out)
{
    const char *word = finding->outcome == VIOMMU_OUTCOME_FAIL
                           ? rule_severity_name(finding->severity)
                           : rule_outcome_name(finding->outcome);

    if (style->color)
        g_string_append_printf(out, "\033[%sm%s:\033[0m ", color_of(finding), word);
    else
        g_string_append_printf(out, "%s: ", word);
}

/* A summary names the defect: of a rule that passed it says what is not so. */
static void
write_message(const Finding *finding, GString *out)
{
    if (finding->message)
        g_string_append(out, finding->message);
    else
        g_string_append_printf(out, "not so: %s", finding->rule->summary);
}

static void
write_who(const Finding *finding, GString *out)
{
    if (finding->alias && finding->address)
        g_string_append_printf(out, " (%s, %s)", finding->alias, finding->address);
    else if (finding->alias || finding->address)
        g_string_append_printf(out, " (%s)", finding->alias ? finding->alias : finding->address);
}

static void
write_finding(const char *file, const Finding *finding, const WriteStyle *style, GString *out)
{
    g_string_append_printf(out, "%s:", file);
    if (finding->line > 0)
        g_string_append_printf(out, "%u:", finding->line);
    g_string_append_c(out, ' ');
    write_verdict(finding, style, out);
    write_message(finding, out);
    write_who(finding, out);
    g_string_append_printf(out, " [%s]\n", finding->rule->id);
    if (style->quiet)
        return;
    if (finding->outcome == VIOMMU_OUTCOME_FAIL && finding->help)
        g_string_append_printf(out, "  help: %s\n", finding->help);
    if (finding->outcome == VIOMMU_OUTCOME_UNKNOWN && finding->how)
        g_string_append_printf(out, "  help: %s\n", finding->how);
}

static void
add_count(GString *out, guint count, const char *one, const char *many)
{
    if (count > 0)
        g_string_append_printf(out, "%s%u %s", out->len ? ", " : "", count,
                               count == 1 ? one : many);
}

static void
add_reasons(GString *out, const ViommuReport *report)
{
    g_autoptr(GPtrArray) unknowns = write_collect_unknowns(report);
    guint told = 0;

    for (guint i = 0; i < unknowns->len; i++) {
        const WriteUnknown *unknown = unknowns->pdata[i];

        if (!unknown->how || told++ >= MAX_REASONS)
            continue;
        g_string_append_printf(out, "%s%s", told > 1 ? "; " : " (",
                               (char *)unknown->needs->pdata[0]);
        if (unknown->needs->len > 1)
            g_string_append_printf(out, " and %u more", unknown->needs->len - 1);
        g_string_append_printf(out, ": %s", unknown->how);
    }
    if (told > 0)
        g_string_append(out, told > MAX_REASONS ? "; and more)" : ")");
}

static void
write_summary(const ViommuReport *report, const WriteStyle *style, GString *out)
{
    g_autofree char *file = base_one_line(g_strdup(report->file));
    g_autoptr(GString) line = g_string_new(NULL);

    add_count(line, report->errors, "error", "errors");
    add_count(line, report->warnings, "warning", "warnings");
    add_count(line, report->infos, "note", "notes");
    if (line->len == 0)
        g_string_append(line, "no findings");
    add_count(line, report->unknowns, "unknown", "unknown");
    if (report->unknowns > 0)
        add_reasons(line, report);
    add_count(line, report->passes, "passed", "passed");
    if (style->names_file)
        g_string_append_printf(out, "%s: ", file);
    g_string_append_printf(out, "%s\n", line->str);
}

/* What stops the domain first, then from top to bottom of the file */
static int
compare_findings(gconstpointer a, gconstpointer b)
{
    const Finding *left = *(const Finding *const *)a, *right = *(const Finding *const *)b;

    if (left->outcome == VIOMMU_OUTCOME_FAIL && left->severity != right->severity)
        return left->severity > right->severity ? -1 : 1;
    return left->line == right->line ? 0 : left->line < right->line ? -1 : 1;
}

/* (transfer full): of Finding, sorted */
static GPtrArray *
choose(const ViommuReport *report, ViommuOutcome outcome)
{
    GPtrArray *chosen = g_ptr_array_new();

    for (guint i = 0; i < report->findings->len; i++) {
        Finding *finding = report->findings->pdata[i];

        if (finding->outcome == outcome)
            g_ptr_array_add(chosen, finding);
    }
    g_ptr_array_sort(chosen, compare_findings);
    return chosen;
}

static void
write_chosen(const ViommuReport *report, ViommuOutcome outcome, const WriteStyle *style,
             GString *out)
{
    g_autoptr(GPtrArray) chosen = choose(report, outcome);
    g_autofree char *file = base_one_line(g_strdup(report->file));

    for (guint i = 0; i < chosen->len; i++)
        write_finding(file, chosen->pdata[i], style, out);
}

static void
write_unknowns(const ViommuReport *report, const WriteStyle *style, GString *out)
{
    g_autoptr(GPtrArray) unknowns = write_collect_unknowns(report);
    g_autofree char *file = base_one_line(g_strdup(report->file));

    for (guint i = 0; i < unknowns->len; i++) {
        const WriteUnknown *unknown = unknowns->pdata[i];
        g_autofree char *message = write_unknown_message(unknown);

        if (unknown->count == 1) {
            write_finding(file, unknown->first, style, out);
            continue;
        }
        g_string_append_printf(out, "%s: ", file);
        write_verdict(unknown->first, style, out);
        g_string_append_printf(out, "%s\n  help: %s\n  rules:", message, unknown->how);
        for (guint j = 0; j < unknown->rules->len; j++)
            g_string_append_printf(out, " %s", (char *)unknown->rules->pdata[j]);
        g_string_append_c(out, '\n');
    }
}

void
write_report_text(const ViommuReport *report, const WriteStyle *style, GString *out)
{
    write_chosen(report, VIOMMU_OUTCOME_FAIL, style, out);
    if (style->quiet)
        return;
    if (style->verbose) {
        write_unknowns(report, style, out);
        write_chosen(report, VIOMMU_OUTCOME_PASS, style, out);
    }
    write_summary(report, style, out);
}

/* Whatever is printed on a line behind the place */
static void
write_line(const ViommuReport *report, const Finding *finding, const char *verdict, GString *out)
{
    g_autofree char *file = base_one_line(g_strdup(report->file));

    g_string_append_printf(out, "%s:%u: %s: ", file, MAX(finding->line, 1), verdict);
}

static void
write_finding_line(const ViommuReport *report, const Finding *finding, GString *out)
{
    gboolean fails = finding->outcome == VIOMMU_OUTCOME_FAIL;
    const char *help = fails ? finding->help : finding->how;

    write_line(report, finding,
               fails ? rule_severity_name(finding->severity) : rule_outcome_name(finding->outcome),
               out);
    write_message(finding, out);
    write_who(finding, out);
    g_string_append_printf(out, " [%s]%s%s\n", finding->rule->id, help ? "; " : "",
                           help ? help : "");
}

static void
write_unknown_line(const ViommuReport *report, const WriteUnknown *unknown, GString *out)
{
    g_autofree char *message = write_unknown_message(unknown);

    write_line(report, unknown->first, rule_outcome_name(VIOMMU_OUTCOME_UNKNOWN), out);
    g_string_append_printf(out, "%s [", message);
    for (guint i = 0; i < unknown->rules->len; i++)
        g_string_append_printf(out, "%s%s", i ? "," : "", (char *)unknown->rules->pdata[i]);
    g_string_append_printf(out, "]; %s\n", unknown->how);
}

void
write_report_lines(const ViommuReport *report, const WriteStyle *style, GString *out)
{
    g_autoptr(GPtrArray) failed = choose(report, VIOMMU_OUTCOME_FAIL);
    g_autoptr(GPtrArray) unknowns = write_collect_unknowns(report);

    for (guint i = 0; i < failed->len; i++)
        write_finding_line(report, failed->pdata[i], out);
    for (guint i = 0; i < unknowns->len && !style->quiet; i++) {
        const WriteUnknown *unknown = unknowns->pdata[i];

        if (unknown->count == 1)
            write_finding_line(report, unknown->first, out);
        else
            write_unknown_line(report, unknown, out);
    }
}
