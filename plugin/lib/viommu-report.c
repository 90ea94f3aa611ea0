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
viommu_report_render_lines(const ViommuReport *report, ViommuRenderFlags flags)
{
    WriteStyle style = lib_style(flags, 0);
    g_autoptr(GString) out = g_string_new(NULL);

    g_return_val_if_fail(report, NULL);

    write_report_lines(report, &style, out);
    return g_string_free(g_steal_pointer(&out), FALSE);
}

struct _ViommuReportStream {
    ViommuReportFormat format;
    BaseJsonOut out; /* its text is the piece that was handed out last */
    gboolean begun;
};

ViommuReportStream *
viommu_report_stream_new(ViommuReportFormat format)
{
    ViommuReportStream *stream = g_new0(ViommuReportStream, 1);

    stream->format = format;
    stream->out.text = g_string_new(NULL);
    return stream;
}

void
viommu_report_stream_free(ViommuReportStream *stream)
{
    if (!stream)
        return;
    g_string_free(stream->out.text, TRUE);
    g_free(stream);
}

static void
begin(ViommuReportStream *stream)
{
    if (stream->begun)
        return;
    stream->begun = TRUE;
    if (stream->format == VIOMMU_REPORT_FORMAT_SARIF)
        write_sarif_begin(&stream->out);
    else
        base_json_out_open(&stream->out, NULL, '[');
}

static void
add(ViommuReportStream *stream, const ViommuReport *report)
{
    begin(stream);
    if (stream->format == VIOMMU_REPORT_FORMAT_SARIF)
        write_sarif_results(report, &stream->out);
    else
        write_report_json(report, &stream->out);
}

static void
end(ViommuReportStream *stream)
{
    begin(stream);
    if (stream->format == VIOMMU_REPORT_FORMAT_SARIF)
        write_sarif_end(&stream->out);
    else
        base_json_out_close(&stream->out, ']');
    g_string_append_c(stream->out.text, '\n');
}

const char *
viommu_report_stream_add(ViommuReportStream *stream, const ViommuReport *report)
{
    g_return_val_if_fail(stream, NULL);
    g_return_val_if_fail(report, NULL);

    g_string_truncate(stream->out.text, 0);
    add(stream, report);
    return stream->out.text->str;
}

const char *
viommu_report_stream_end(ViommuReportStream *stream)
{
    g_return_val_if_fail(stream, NULL);

    g_string_truncate(stream->out.text, 0);
    end(stream);
    return stream->out.text->str;
}

static char *
whole_document(ViommuReportFormat format, ViommuReport *const *reports, gsize count)
{
    ViommuReportStream stream = {.format = format, .out = {.text = g_string_new(NULL)}};

    for (gsize i = 0; i < count; i++)
        add(&stream, reports[i]);
    end(&stream);
    return g_string_free(stream.out.text, FALSE);
}

char *
viommu_reports_to_json(ViommuReport *const *reports, gsize count)
{
    g_return_val_if_fail(reports || count == 0, NULL);

    return whole_document(VIOMMU_REPORT_FORMAT_JSON, reports, count);
}

char *
viommu_reports_to_sarif(ViommuReport *const *reports, gsize count)
{
    g_return_val_if_fail(reports || count == 0, NULL);

    return whole_document(VIOMMU_REPORT_FORMAT_SARIF, reports, count);
}
