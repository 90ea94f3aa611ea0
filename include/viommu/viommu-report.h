/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <viommu/viommu-domain.h>
#include <viommu/viommu-host.h>
#include <viommu/viommu-policy.h>

G_BEGIN_DECLS

/**
 * ViommuReport:
 *
 * The verdicts of all rules on one domain, in a stable order. Immutable.
 */

/**
 * viommu_check:
 * @host: facts; config space of the functions that @domain names is read if it has not been
 * @domain: what to check
 * @policy: changes severities where it may
 * @target: (nullable): the stack that the XML is for; NULL: what the host facts say
 *
 * Returns: (transfer full): the report; a bad domain is a report with findings, not an error
 *
 * Since: 0.1
 */
ViommuReport *viommu_check(ViommuHost *host, const ViommuDomain *domain, const ViommuPolicy *policy,
                           const ViommuTarget *target);

/**
 * viommu_report_ref:
 *
 * Returns: (transfer full): @report
 */
ViommuReport *viommu_report_ref(ViommuReport *report);

/**
 * viommu_report_unref:
 * @report: (nullable) (transfer full)
 */
void viommu_report_unref(ViommuReport *report);

/**
 * viommu_report_count:
 * @outcome: a verdict
 * @severity: for %VIOMMU_OUTCOME_FAIL: findings of this severity and worse; else ignored
 *
 * Returns: number of findings
 *
 * Since: 0.1
 */
guint viommu_report_count(const ViommuReport *report, ViommuOutcome outcome,
                          ViommuSeverity severity);

/**
 * viommu_report_get_length:
 *
 * Returns: number of findings of all outcomes; they are numbered from 0
 *
 * Since: 0.1
 */
guint viommu_report_get_length(const ViommuReport *report);

/* What finding number @index, less than viommu_report_get_length(), says. Texts are (transfer none)
 * (nullable). Since: 0.1 */

ViommuOutcome viommu_report_get_outcome(const ViommuReport *report, guint index);
/* Severity of a failure, after policy */
ViommuSeverity viommu_report_get_severity(const ViommuReport *report, guint index);
/* Whether the failure surely ends in a refusal, breaks isolation or exceeds a quota */
gboolean viommu_report_is_certain(const ViommuReport *report, guint index);
/* Id of the rule; never NULL, never reused for another rule */
const char *viommu_report_get_rule(const ViommuReport *report, guint index);
/* One sentence: what is wrong, or which fact is missing */
const char *viommu_report_get_message(const ViommuReport *report, guint index);
/* What to write or do instead */
const char *viommu_report_get_help(const ViommuReport *report, guint index);
/* Alias of the device, and its address on the host */
const char *viommu_report_get_alias(const ViommuReport *report, guint index);
const char *viommu_report_get_address(const ViommuReport *report, guint index);
/* Line in the domain's text, from 1; 0: no place */
guint viommu_report_get_line(const ViommuReport *report, guint index);

/**
 * viommu_report_render:
 * @flags: how
 * @width: columns; 0: no limit
 *
 * Returns: (transfer full): findings and their sum, for people
 *
 * Since: 0.1
 */
char *viommu_report_render(const ViommuReport *report, ViommuRenderFlags flags, guint width);

/**
 * viommu_report_render_lines:
 * @flags: %VIOMMU_RENDER_QUIET leaves out what could not be decided
 *
 * Returns: (transfer full): findings one a line with what to do in it, for grep, editors and logs,
 *   the worst first; and a line for each way to decide what is unknown, with its rules
 *
 * Since: 0.1
 */
char *viommu_report_render_lines(const ViommuReport *report, ViommuRenderFlags flags);

/**
 * viommu_reports_to_json:
 * @reports: (array length=count): reports
 *
 * Returns: (transfer full): a JSON array with one report-1 document each
 *
 * Since: 0.1
 */
char *viommu_reports_to_json(ViommuReport *const *reports, gsize count);

/**
 * viommu_reports_to_sarif:
 * @reports: (array length=count): reports
 *
 * Returns: (transfer full): one SARIF 2.1.0 log
 *
 * Since: 0.1
 */
char *viommu_reports_to_sarif(ViommuReport *const *reports, gsize count);

/**
 * ViommuReportFormat: a document that can hold many reports
 * @VIOMMU_REPORT_FORMAT_JSON: as viommu_reports_to_json() makes it
 * @VIOMMU_REPORT_FORMAT_SARIF: as viommu_reports_to_sarif() makes it
 */
typedef enum {
    VIOMMU_REPORT_FORMAT_JSON,
    VIOMMU_REPORT_FORMAT_SARIF,
} ViommuReportFormat;

/**
 * viommu_report_stream_new:
 * @format: what to write
 *
 * One document with many reports, made in pieces, so that neither the reports nor their text are
 * held until the last is there. The document is the pieces one behind the other.
 *
 * Returns: (transfer full): a document without reports yet
 *
 * Since: 0.1
 */
ViommuReportStream *viommu_report_stream_new(ViommuReportFormat format);

/**
 * viommu_report_stream_add:
 * @report: the next report; not needed any more afterwards
 *
 * Returns: (transfer none): the next piece; valid until the next call
 *
 * Since: 0.1
 */
const char *viommu_report_stream_add(ViommuReportStream *stream, const ViommuReport *report);

/**
 * viommu_report_stream_end:
 *
 * To be called once, and nothing but viommu_report_stream_free() after it.
 *
 * Returns: (transfer none): the last piece; valid until @stream is freed
 *
 * Since: 0.1
 */
const char *viommu_report_stream_end(ViommuReportStream *stream);

/**
 * viommu_report_stream_free:
 * @stream: (nullable) (transfer full)
 */
void viommu_report_stream_free(ViommuReportStream *stream);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ViommuReportStream, viommu_report_stream_free)
#ifndef VIOMMU_INTERNAL /* the rooms have their own */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ViommuReport, viommu_report_unref)
#endif

G_END_DECLS
