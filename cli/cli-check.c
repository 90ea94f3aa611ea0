/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <stdio.h>
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
    g_autofree char *text = viommu_report_render(report, options->render, options->width);

    cli_output(text);
}

static void
output_reports(const CliOptions *options, const GPtrArray *reports)
{
    ViommuReport *const *list = (ViommuReport *const *)reports->pdata;
    g_autofree char *text = options->format == CLI_FORMAT_SARIF
                                ? viommu_reports_to_sarif(list, reports->len)
                                : viommu_reports_to_json(list, reports->len);

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

static CliExit
check_file(const CliOptions *options, const CliInput *input, const char *file, GPtrArray *reports)
{
    g_autoptr(ViommuDomain) domain = NULL;
    g_autoptr(ViommuReport) report = NULL;
    GError *error = NULL;
    CliExit verdict;

    domain = viommu_domain_new_from_file(file, &error);
    if (!domain)
        return cli_fail(error);
    report = viommu_check(input->host, domain, input->policy, input->target);
    verdict = cli_verdict(options, report);
    if (options->format == CLI_FORMAT_TEXT)
        output_report(options, report);
    else
        g_ptr_array_add(reports, g_steal_pointer(&report));
    return verdict;
}

CliExit
cli_check(const CliOptions *options)
{
    g_autoptr(GPtrArray) reports =
                  g_ptr_array_new_with_free_func((GDestroyNotify)viommu_report_unref);
    g_auto(CliInput) input = {0};
    Progress progress = {.total = options->file_count,
                         .last = g_get_monotonic_time(),
                         .shown = options->file_count >= PROGRESS_FILES && isatty(STDERR_FILENO) &&
                                  !isatty(STDOUT_FILENO) && !options->quiet};
    CliExit status = CLI_CLEAN;

    if (!cli_input_load(options, VIOMMU_HOST_DEFAULT, &input))
        return CLI_TROUBLE;
    for (guint i = 0; i < options->file_count && !cli_output_is_closed(); i++) {
        CliExit verdict = check_file(options, &input, options->files[i], reports);

        status = worse(status, verdict);
        progress_step(&progress, verdict == CLI_FINDINGS || verdict == CLI_TROUBLE);
    }
    progress_end(&progress);
    if (options->format != CLI_FORMAT_TEXT)
        output_reports(options, reports);
    return status;
}
