/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A run over fewer files is over before anyone looks. */
#define PROGRESS_FILES    100
#define PROGRESS_INTERVAL (G_USEC_PER_SEC / 10)

typedef struct {
    gboolean shown; /* on a terminal, and long enough */
    guint total, done, with_errors;
    gint64 last; /* monotonic time in microseconds */
    gboolean printed;
} Progress;

static void
progress_step(Progress *progress, gboolean with_errors)
{
    gint64 now = g_get_monotonic_time();

    progress->done++;
    progress->with_errors += with_errors;
    if (!progress->shown || now - progress->last < PROGRESS_INTERVAL)
        return;
    progress->last = now;
    progress->printed = TRUE;
    fprintf(stderr, "\r%u/%u files, %u with errors", progress->done, progress->total,
            progress->with_errors);
}

static void
progress_end(const Progress *progress)
{
    if (progress->printed)
        fputs("\r\033[K", stderr);
}

static void
output_report(const CliOptions *options, const ViommuReport *report)
{
    ViommuRenderFlags flags =
        options->render | (options->file_count > 1 ? VIOMMU_RENDER_NAMES_FILE : 0);
    g_autofree char *text = options->format == CLI_FORMAT_LINE
                                ? viommu_report_render_lines(report, flags)
                                : viommu_report_render(report, flags, options->width);

    cli_output(text);
}

/* Trouble outweighs findings, and findings outweigh what could not be decided. */
static CliExit
worse(CliExit a, CliExit b)
{
    static const guint weight[] = {
        [CLI_CLEAN] = 0, [CLI_UNDECIDED] = 1, [CLI_FINDINGS] = 2, [CLI_TROUBLE] = 3};

    return weight[a] > weight[b] ? a : b;
}

typedef struct {
    const CliOptions *options;
    const CliInput *input;
    ViommuReportStream *document; /* JSON and SARIF: one with all reports; else NULL */
} Run;

static CliExit
check_file(Run *run, const char *file)
{
    const CliInput *input = run->input;
    g_autoptr(ViommuDomain) domain = NULL;
    g_autoptr(ViommuReport) report = NULL;
    CliExit verdict;

    domain = cli_domain_load(run->options, file, run->options->live ? LIVE_RUNNING : LIVE_NEXT);
    if (!domain)
        return CLI_TROUBLE;
    report = viommu_check(input->host, domain, input->policy, input->target);
    verdict = cli_verdict(run->options, report);
    switch (run->options->format) {
    case CLI_FORMAT_TEXT:
    case CLI_FORMAT_LINE:
        output_report(run->options, report);
        break;
    case CLI_FORMAT_JSON:
    case CLI_FORMAT_SARIF:
    case CLI_FORMAT_VIRT_XML: /* of plan alone */
        cli_output(viommu_report_stream_add(run->document, report));
        break;
    }
    return verdict;
}

static ViommuReportStream *
document_of(CliFormat format)
{
    if (format == CLI_FORMAT_JSON)
        return viommu_report_stream_new(VIOMMU_REPORT_FORMAT_JSON);
    if (format == CLI_FORMAT_SARIF)
        return viommu_report_stream_new(VIOMMU_REPORT_FORMAT_SARIF);
    return NULL;
}

CliExit
cli_check(const CliOptions *options)
{
    g_autoptr(ViommuReportStream) document = document_of(options->format);
    g_auto(CliInput) input = {0};
    Progress progress = {.total = options->file_count,
                         .last = g_get_monotonic_time(),
                         .shown = options->file_count >= PROGRESS_FILES && isatty(STDERR_FILENO) &&
                                  !isatty(STDOUT_FILENO) && !options->quiet};
    Run run = {options, &input, document};
    CliExit status = CLI_CLEAN;

    if (!cli_input_load(options, VIOMMU_HOST_DEFAULT, &input))
        return CLI_TROUBLE;
    for (guint i = 0; i < options->file_count && !cli_output_is_closed(); i++) {
        CliExit verdict = check_file(&run, options->files[i]);

        status = worse(status, verdict);
        progress_step(&progress, verdict == CLI_FINDINGS || verdict == CLI_TROUBLE);
    }
    progress_end(&progress);
    if (document)
        cli_output(viommu_report_stream_end(document));
    return status;
}
