/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report.h"

/* Bytes: the texts of a few findings */
#define TEXTS_AT_ONCE 2048
/* Findings on a domain with one assigned device: some hundred */
#define BLOCK 64

ViommuReport *
report_new(const char *file, const char *domain)
{
    ViommuReport *report = g_new0(ViommuReport, 1);

    report->refs = 1;
    report->texts = g_string_chunk_new(TEXTS_AT_ONCE);
    report->file = report_text(report, file);
    report->domain = report_text(report, domain);
    report->findings = g_ptr_array_new();
    report->blocks = g_ptr_array_new_with_free_func(g_free);
    return report;
}

Finding *
report_finding(ViommuReport *report)
{
    Finding *block;

    if (report->left == 0) {
        g_ptr_array_add(report->blocks, g_new0(Finding, BLOCK));
        report->left = BLOCK;
    }
    block = report->blocks->pdata[report->blocks->len - 1];
    return &block[BLOCK - report->left--];
}

const char *
report_text(ViommuReport *report, const char *text)
{
    return text ? g_string_chunk_insert_const(report->texts, text) : NULL;
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
    for (guint i = 0; i < report->findings->len; i++)
        g_clear_pointer(&((Finding *)report->findings->pdata[i])->needs, g_ptr_array_unref);
    g_ptr_array_unref(report->findings);
    g_ptr_array_unref(report->blocks);
    g_string_chunk_free(report->texts);
    g_free(report);
}
