/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hook-worker.h"

#include "hook-text.h"

#include <string.h>
#include <unistd.h>

typedef struct {
    const HookCall *call;
    int pipe;
    ViommuDomain *domain;
    ViommuPolicy *policy;
    ViommuHost *host;
    ViommuLedger *ledger; /* NULL: there is none */
    gboolean enforce;     /* policy says so, this operation may refuse, and nothing forbids it */
} Work; /* never cleared: the process ends with the work, and freeing is a tenth of it */

/* A line is shorter than PIPE_BUF or the parent reads it in parts: nobody else writes. */
static void
say(const Work *work, char letter, const char *text)
{
    g_autofree char *line = g_strdup_printf("%c%s", letter, text);
    gsize length, done = 0;

    g_strdelimit(line, "\r\n", ' ');
    length = strlen(line);
    line[length] = '\n'; /* in place of the NUL */
    while (done < length + 1) {
        gssize count = write(work->pipe, line + done, length + 1 - done);

        if (count <= 0)
            return; /* the parent has gone */
        done += (gsize)count;
    }
}

static void
log_error(const Work *work, GError *error, const char *consequence)
{
    hook_journal(work->call, HOOK_ERROR, NULL, NULL, "%s; %s", error->message, consequence);
    g_error_free(error);
}

/* A policy that cannot be read may have asked for anything: refusing in its name would be a guess,
 * and so nothing is refused. */
static void
load_policy(Work *work)
{
    gboolean may_refuse =
        work->call->operation == HOOK_PREPARE || work->call->operation == HOOK_START;
    GError *error = NULL;
    char limit[16];

    work->policy = viommu_policy_load(NULL, &error);
    if (work->policy) {
        work->enforce = may_refuse && viommu_policy_get_hook_enforces(work->policy);
    } else {
        log_error(work, error, "nothing is refused until the policy is mended");
        work->policy = viommu_policy_load("default", NULL);
    }
    if (!work->policy)
        return;
    g_snprintf(limit, sizeof limit, "%u", viommu_policy_get_hook_time_limit(work->policy));
    say(work, HOOK_SAYS_LIMIT, limit);
}

static gboolean
load_host(Work *work)
{
    const char *from = g_getenv("VIRT_VIOMMU_HOST");
    GError *error = NULL;

    if (!from || !*from)
        work->host = viommu_host_new_for_domain(NULL, work->domain, &error);
    else if (g_file_test(from, G_FILE_TEST_IS_DIR))
        work->host = viommu_host_new_for_domain(from, work->domain, &error);
    else
        work->host = viommu_host_new_from_file(from, &error);
    if (!work->host) {
        log_error(work, error, "this domain is not checked");
        return FALSE;
    }
    if (viommu_host_get_warning(work->host))
        hook_journal(work->call, HOOK_WARNING, NULL, NULL, "%s",
                     viommu_host_get_warning(work->host));
    return TRUE;
}

static void
open_ledger(Work *work)
{
    GError *error = NULL;

    work->ledger = viommu_ledger_new(NULL, &error);
    if (!work->ledger)
        log_error(work, error, "nothing is reserved");
}

/* The lock may take three quarters of what is left of the time limit. */
static guint
patience(const Work *work)
{
    gint64 limit = viommu_policy_get_hook_time_limit(work->policy);
    gint64 left = limit - (g_get_monotonic_time() - work->call->begin) / 1000;

    return left > 0 ? (guint)(left * 3 / 4) : 0;
}

static gboolean
refuses(const Work *work, const ViommuReport *report)
{
    g_autofree char *line = NULL;
    guint first;

    if (!work->enforce)
        return FALSE;
    first = hook_first_certain(report);
    if (first == G_MAXUINT)
        return FALSE;
    line = hook_refusal(report);
    hook_journal(work->call, HOOK_ERROR, viommu_report_get_rule(report, first),
                 viommu_report_get_address(report, first), "refused: %s", line);
    say(work, HOOK_SAYS_VETO, line);
    return TRUE;
}

/* FALSE: quotas of the host have no verdict, which leaves all else to be judged */
static gboolean
lock_ledger(const Work *work)
{
    GError *error = NULL;

    if (work->ledger && viommu_ledger_begin(work->ledger, work->domain, patience(work), &error)) {
        viommu_ledger_tell(work->ledger, work->host);
        return TRUE;
    }
    if (error)
        log_error(work, error, "quotas of the host are not judged and nothing is reserved");
    return FALSE;
}

/* Judges and reserves in one breath, so that of several domains that start at once each sees what
 * the others have got. TRUE: refused */
static gboolean
judge_and_reserve(const Work *work)
{
    gboolean locked = lock_ledger(work), refused;
    g_autoptr(ViommuReport) report = viommu_check(work->host, work->domain, work->policy, NULL);
    /* later only what was open at prepare is news */
    const ViommuLedger *known =
        locked && work->call->operation != HOOK_PREPARE ? work->ledger : NULL;
    GError *error = NULL;

    refused = refuses(work, report);
    if (locked && !refused &&
        !viommu_ledger_reserve(work->ledger, work->host, work->domain, NULL, report, &error))
        log_error(work, error, "what this domain takes is not reserved");
    if (locked)
        viommu_ledger_end(work->ledger);
    if (!refused)
        hook_log_findings(work->call, report, known, work->domain);
    return refused;
}

static void
audit(const Work *work)
{
    g_autoptr(ViommuReport) report = viommu_check(work->host, work->domain, work->policy, NULL);

    hook_log_findings(work->call, report, NULL, work->domain);
}

/* TRUE: refused */
static gboolean
check(Work *work)
{
    if (!load_host(work))
        return FALSE;
    if (work->call->operation == HOOK_MIGRATE || work->call->operation == HOOK_RESTORE) {
        audit(work);
        return FALSE;
    }
    open_ledger(work);
    return judge_and_reserve(work);
}

/* Takes no lock and needs no XML: whatever is broken, what the domain held is free. */
static void
release(Work *work)
{
    const char *uuid = work->domain ? viommu_domain_get_uuid(work->domain) : NULL;
    GError *error = NULL;

    open_ledger(work);
    if (work->ledger && !viommu_ledger_release(work->ledger, uuid, work->call->domain, &error))
        log_error(work, error,
                  "what this domain held stays reserved (virt-viommu ledger "
                  "--rebuild)");
}

void
hook_work(const HookCall *call, int pipe)
{
    Work work = {.call = call, .pipe = pipe};
    gboolean refused = FALSE;
    GError *error = NULL;

    work.domain =
        viommu_domain_new_from_data(call->xml, (gssize)call->length, call->domain, &error);
    if (!work.domain && call->operation != HOOK_RELEASE)
        log_error(&work, error, "this domain is not checked");
    else
        g_clear_error(&error);
    if (call->operation == HOOK_RELEASE || (work.domain && viommu_domain_is_plain(work.domain))) {
        release(&work); /* also what an earlier run of a now plain domain has left */
    } else if (work.domain) {
        load_policy(&work);
        refused = work.policy && check(&work);
    }
    if (!refused)
        say(&work, HOOK_SAYS_DONE, "");
}
