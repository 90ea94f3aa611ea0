/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

/* Whoever starts domains holds the lock for milliseconds. */
#define LOCK_TIMEOUT_MS 5000
/* Domains that start or stop between two looks make a difference of their own. */
#define REBUILD_TRIES 3

/* Reads the ledger, asks libvirt what runs, and puts both side by side. */
static gboolean
compare(const CliOptions *options, ViommuLedger *ledger, GError **error)
{
    g_autoptr(ViommuHost) given = NULL;
    g_autoptr(GPtrArray) running = NULL;

    if (!viommu_ledger_load(ledger, error))
        return FALSE;
    if (options->host || options->sysroot) {
        given = cli_input_host(options, VIOMMU_HOST_DEFAULT);
        if (!given) {
            g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO, "without facts nothing is compared");
            return FALSE;
        }
    }
    running = live_list_running(cli_daemon(options), error);
    if (!running)
        return FALSE;
    viommu_ledger_expect_nothing(ledger);
    for (guint i = 0; i < running->len; i++) {
        ViommuDomain *domain = g_ptr_array_index(running, i);
        g_autoptr(ViommuHost) host = given ? viommu_host_ref(given)
                                           : viommu_host_new_for_domain(NULL, domain, error);

        if (!host)
            return FALSE;
        viommu_ledger_expect(ledger, host, domain, NULL);
    }
    return TRUE;
}

/* Says on standard error what it mends, and repairs until ledger and libvirt agree. */
static gboolean
rebuild(const CliOptions *options, ViommuLedger *ledger, GError **error)
{
    for (guint i = 0; i < REBUILD_TRIES; i++) {
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;

        if (!compare(options, ledger, error))
            return FALSE;
        if (viommu_ledger_count_differences(ledger) == 0)
            return TRUE;
        text = viommu_ledger_render(ledger, NULL, VIOMMU_RENDER_QUIET, 0);
        lines = g_strsplit(text, "\n", -1);
        for (guint j = 0; lines[j] && *lines[j] && !options->quiet; j++)
            cli_complain("%s", lines[j]);
        if (!viommu_ledger_repair(ledger, LOCK_TIMEOUT_MS, error))
            return FALSE;
    }
    return compare(options, ledger, error);
}

static void
show(const CliOptions *options, const ViommuLedger *ledger)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ViommuPolicy) policy = viommu_policy_load(NULL, &error);
    g_auto(GStrv) problems = viommu_ledger_list_problems(ledger);
    g_autofree char *text = NULL;

    if (!policy)
        cli_complain("warning: %s; quotas are not shown", error->message);
    for (guint i = 0; problems[i]; i++)
        cli_complain("warning: %s; what that domain holds is unknown", problems[i]);
    if (options->format == CLI_FORMAT_JSON)
        text = viommu_ledger_to_json(ledger, policy);
    else
        text = viommu_ledger_render(ledger, policy, options->render, options->width);
    cli_output(text);
}

CliExit
cli_ledger(const CliOptions *options)
{
    g_autoptr(ViommuLedger) ledger = NULL;
    GError *error = NULL;
    gboolean read;

    if (options->verify && options->rebuild) {
        cli_complain("--verify and --rebuild exclude each other");
        return CLI_TROUBLE;
    }
    ledger = viommu_ledger_new(NULL, &error);
    if (!ledger)
        return cli_fail(error);
    if (options->rebuild)
        read = rebuild(options, ledger, &error);
    else if (options->verify)
        read = compare(options, ledger, &error);
    else
        read = viommu_ledger_load(ledger, &error);
    if (!read)
        return cli_fail(error);
    show(options, ledger);
    return viommu_ledger_count_differences(ledger) > 0 && (options->verify || options->rebuild)
               ? CLI_FINDINGS
               : CLI_CLEAN;
}
