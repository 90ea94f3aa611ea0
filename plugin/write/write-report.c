/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A report as compilers write it: "file:line: severity: message (who) [rule]". */
#include "write.h"

#include <string.h>

#include "base-text.h"

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

static gboolean
is_shown(const Finding *finding, const WriteStyle *style)
{
    return finding->outcome == VIOMMU_OUTCOME_FAIL || (style->verbose && !style->quiet);
}

static void
add_count(GString *out, guint count, const char *one, const char *many)
{
    if (count > 0)
        g_string_append_printf(out, "%s%u %s", out->len ? ", " : "", count,
                               count == 1 ? one : many);
}

/* One way to get missing facts, and which facts it would give */
typedef struct {
    const char *how;
    GPtrArray *needs; /* of const char *, borrowed */
} Reason;

static void
reason_free(gpointer data)
{
    Reason *reason = data;

    g_ptr_array_unref(reason->needs);
    g_free(reason);
}

static Reason *
reason_for(GPtrArray *reasons, const char *how)
{
    Reason *reason;

    for (guint i = 0; i < reasons->len; i++) {
        reason = reasons->pdata[i];
        if (strcmp(reason->how, how) == 0)
            return reason;
    }
    reason = g_new0(Reason, 1);
    reason->how = how;
    reason->needs = g_ptr_array_new();
    g_ptr_array_add(reasons, reason);
    return reason;
}

static GPtrArray *
collect_reasons(const ViommuReport *report)
{
    GPtrArray *reasons = g_ptr_array_new_with_free_func(reason_free);

    for (guint i = 0; i < report->findings->len; i++) {
        const Finding *finding = report->findings->pdata[i];
        Reason *reason;

        if (finding->outcome != VIOMMU_OUTCOME_UNKNOWN || !finding->how)
            continue;
        reason = reason_for(reasons, finding->how);
        for (guint j = 0; j < finding->needs->len; j++)
            if (!g_ptr_array_find_with_equal_func(reason->needs, finding->needs->pdata[j],
                                                  g_str_equal, NULL))
                g_ptr_array_add(reason->needs, finding->needs->pdata[j]);
    }
    return reasons;
}

static void
add_reasons(GString *out, const ViommuReport *report)
{
    g_autoptr(GPtrArray) reasons = collect_reasons(report);

    if (reasons->len == 0)
        return;
    g_string_append(out, " (");
    for (guint i = 0; i < MIN(reasons->len, MAX_REASONS); i++) {
        const Reason *reason = reasons->pdata[i];

        g_string_append_printf(out, "%s%s", i ? "; " : "", (char *)reason->needs->pdata[0]);
        if (reason->needs->len > 1)
            g_string_append_printf(out, " and %u more", reason->needs->len - 1);
        g_string_append_printf(out, ": %s", reason->how);
    }
    g_string_append(out, reasons->len > MAX_REASONS ? "; and more)" : ")");
}

static void
write_summary(const ViommuReport *report, GString *out)
{
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
    g_string_append_printf(out, "%s\n", line->str);
}

/* What stops the domain first, then from top to bottom of the file */
static int
compare_findings(gconstpointer a, gconstpointer b)
{
    const Finding *left = *(const Finding *const *)a, *right = *(const Finding *const *)b;

    if (left->outcome != right->outcome)
        return left->outcome > right->outcome ? -1 : 1;
    if (left->outcome == VIOMMU_OUTCOME_FAIL && left->severity != right->severity)
        return left->severity > right->severity ? -1 : 1;
    return left->line == right->line ? 0 : left->line < right->line ? -1 : 1;
}

void
write_report_text(const ViommuReport *report, const WriteStyle *style, GString *out)
{
    g_autoptr(GPtrArray) shown = g_ptr_array_new();
    g_autofree char *file = base_one_line(g_strdup(report->file));

    for (guint i = 0; i < report->findings->len; i++)
        if (is_shown(report->findings->pdata[i], style))
            g_ptr_array_add(shown, report->findings->pdata[i]);
    g_ptr_array_sort(shown, compare_findings);
    for (guint i = 0; i < shown->len; i++)
        write_finding(file, shown->pdata[i], style, out);
    if (!style->quiet)
        write_summary(report, out);
}
