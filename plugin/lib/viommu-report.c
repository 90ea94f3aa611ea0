/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <viommu/viommu-report.h>

#include "lib.h"

ViommuReport *
viommu_check(ViommuHost *host, const ViommuDomain *domain, const ViommuPolicy *policy,
             const ViommuTarget *target)
{
    static const ViommuTarget from_facts = {0};
    g_autoptr(View) view = NULL;

    g_return_val_if_fail(host, NULL);
    g_return_val_if_fail(domain, NULL);
    g_return_val_if_fail(policy, NULL);

    lib_read_named(host, domain);
    view = view_new(host, domain, policy, target ? target : &from_facts);
    return rule_check(view);
}

ViommuReport *
viommu_report_ref(ViommuReport *report)
{
    g_return_val_if_fail(report, NULL);

    return report_ref(report);
}

void
viommu_report_unref(ViommuReport *report)
{
    if (report)
        report_unref(report);
}

guint
viommu_report_count(const ViommuReport *report, ViommuOutcome outcome, ViommuSeverity severity)
{
    guint count = 0;

    g_return_val_if_fail(report, 0);

    for (guint i = 0; i < report->findings->len; i++) {
        const Finding *finding = g_ptr_array_index(report->findings, i);

        if (finding->outcome == outcome &&
            (outcome != VIOMMU_OUTCOME_FAIL || finding->severity >= severity))
            count++;
    }
    return count;
}

guint
viommu_report_get_length(const ViommuReport *report)
{
    g_return_val_if_fail(report, 0);

    return report->findings->len;
}

/* (nullable): NULL, with a critical, for a number that is out of range */
static const Finding *
finding_of(const ViommuReport *report, guint index)
{
    g_return_val_if_fail(report, NULL);
    g_return_val_if_fail(index < report->findings->len, NULL);

    return g_ptr_array_index(report->findings, index);
}

ViommuOutcome
viommu_report_get_outcome(const ViommuReport *report, guint index)
{
    const Finding *finding = finding_of(report, index);

    return finding ? finding->outcome : VIOMMU_OUTCOME_UNKNOWN;
}

ViommuSeverity
viommu_report_get_severity(const ViommuReport *report, guint index)
{
    const Finding *finding = finding_of(report, index);

    return finding ? finding->severity : VIOMMU_SEVERITY_ERROR;
}

gboolean
viommu_report_is_certain(const ViommuReport *report, guint index)
{
    const Finding *finding = finding_of(report, index);

    return finding && finding->outcome == VIOMMU_OUTCOME_FAIL && finding->rule->certain;
}

const char *
viommu_report_get_rule(const ViommuReport *report, guint index)
{
    const Finding *finding = finding_of(report, index);

    return finding ? finding->rule->id : NULL;
}

const char *
viommu_report_get_message(const ViommuReport *report, guint index)
{
    const Finding *finding = finding_of(report, index);

    return finding ? finding->message : NULL;
}

const char *
viommu_report_get_help(const ViommuReport *report, guint index)
{
    const Finding *finding = finding_of(report, index);

    return finding ? finding->help : NULL;
}

const char *
viommu_report_get_alias(const ViommuReport *report, guint index)
{
    const Finding *finding = finding_of(report, index);

    return finding ? finding->alias : NULL;
}

const char *
viommu_report_get_address(const ViommuReport *report, guint index)
{
    const Finding *finding = finding_of(report, index);

    return finding ? finding->address : NULL;
}

guint
viommu_report_get_line(const ViommuReport *report, guint index)
{
    const Finding *finding = finding_of(report, index);

    return finding ? finding->line : 0;
}

char *
viommu_report_render(const ViommuReport *report, ViommuRenderFlags flags, guint width)
{
    WriteStyle style = lib_style(flags, width);
    g_autoptr(GString) out = g_string_new(NULL);

    g_return_val_if_fail(report, NULL);

    write_report_text(report, &style, out);
    return g_string_free(g_steal_pointer(&out), FALSE);
}

char *
viommu_reports_to_json(ViommuReport *const *reports, gsize count)
{
    g_autoptr(BaseJson) array = json_object_new_array();

    g_return_val_if_fail(reports || count == 0, NULL);

    for (gsize i = 0; i < count; i++)
        json_object_array_add(array, write_report_json(reports[i]));
    return base_json_to_text(array);
}

char *
viommu_reports_to_sarif(ViommuReport *const *reports, gsize count)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    g_autoptr(BaseJson) log = NULL;

    g_return_val_if_fail(reports || count == 0, NULL);

    for (gsize i = 0; i < count; i++)
        g_ptr_array_add(list, reports[i]);
    log = write_reports_sarif(list);
    return base_json_to_text(log);
}
