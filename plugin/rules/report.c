/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report.h"

static void
finding_free(gpointer data)
{
    Finding *finding = data;

    g_free(finding->xpath);
    g_free(finding->alias);
    g_free(finding->address);
    g_free(finding->message);
    g_free(finding->help);
    g_ptr_array_unref(finding->needs);
    g_free(finding->how);
    g_free(finding);
}

ViommuReport *
report_new(const char *file, const char *domain)
{
    ViommuReport *report = g_new0(ViommuReport, 1);

    report->refs = 1;
    report->file = g_strdup(file);
    report->domain = g_strdup(domain);
    report->findings = g_ptr_array_new_with_free_func(finding_free);
    return report;
}

static void
count_failure(ViommuReport *report, ViommuSeverity severity)
{
    if (severity == VIOMMU_SEVERITY_ERROR)
        report->errors++;
    else if (severity == VIOMMU_SEVERITY_WARNING)
        report->warnings++;
    else
        report->infos++;
}

void
report_add(ViommuReport *report, Finding *finding)
{
    if (!finding->needs)
        finding->needs = g_ptr_array_new_with_free_func(g_free);
    switch (finding->outcome) {
    case VIOMMU_OUTCOME_FAIL:
        count_failure(report, finding->severity);
        break;
    case VIOMMU_OUTCOME_UNKNOWN:
        report->unknowns++;
        break;
    case VIOMMU_OUTCOME_PASS:
    case VIOMMU_OUTCOME_NOT_APPLICABLE:
    default:
        report->passes++;
        break;
    }
    g_ptr_array_add(report->findings, finding);
}

ViommuReport *
report_ref(ViommuReport *report)
{
    g_atomic_int_inc(&report->refs);
    return report;
}

void
report_unref(ViommuReport *report)
{
    if (!report || !g_atomic_int_dec_and_test(&report->refs))
        return;
    g_free(report->file);
    g_free(report->domain);
    g_ptr_array_unref(report->findings);
    g_free(report);
}
