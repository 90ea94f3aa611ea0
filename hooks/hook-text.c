/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hook-text.h"

#include <string.h>

static gboolean
is_refused(const ViommuReport *report, guint index)
{
    return viommu_report_is_certain(report, index) &&
           viommu_report_get_severity(report, index) == VIOMMU_SEVERITY_ERROR;
}

/* Reports are in the order of the catalogue: what is wrong with the XML comes before what the host
 * lacks, and quotas come last. */
guint
hook_first_certain(const ViommuReport *report)
{
    for (guint i = 0; i < viommu_report_get_length(report); i++)
        if (is_refused(report, i))
            return i;
    return G_MAXUINT;
}

/* "ua-nic0 (0000:3b:00.0): "; at prepare libvirt has given no aliases of its own yet */
static char *
device_of(const ViommuReport *report, guint index)
{
    const char *alias = viommu_report_get_alias(report, index);
    const char *address = viommu_report_get_address(report, index);

    if (alias && address)
        return g_strdup_printf("%s (%s): ", alias, address);
    if (alias || address)
        return g_strdup_printf("%s: ", alias ? alias : address);
    return g_strdup("");
}

/* Lines are of the running domain's XML on our standard input: whoever edits the domain sees other
 * ones. (transfer full): without " (line 12)" */
static char *
without_lines(const char *text)
{
    static const char begin[] = " (line ";
    GString *out = g_string_new(text);
    char *at;

    while ((at = strstr(out->str, begin))) {
        gsize digits = strspn(at + strlen(begin), "0123456789");
        gsize length = strlen(begin) + digits + 1;

        if (digits == 0 || at[length - 1] != ')')
            break;
        g_string_erase(out, at - out->str, (gssize)length);
    }
    return g_string_free(out, FALSE);
}

static char *
line_of(const ViommuReport *report, guint index)
{
    const char *help = viommu_report_get_help(report, index);
    g_autofree char *device = device_of(report, index);
    g_autofree char *line = g_strdup_printf(
        "%s%s%s%s [%s]", device, viommu_report_get_message(report, index), help ? "; help: " : "",
        help ? help : "", viommu_report_get_rule(report, index));

    return without_lines(line);
}

char *
hook_refusal(const ViommuReport *report)
{
    guint first = hook_first_certain(report), more = 0;
    g_autofree char *line = line_of(report, first);

    for (guint i = first + 1; i < viommu_report_get_length(report); i++)
        more += is_refused(report, i);
    if (more == 0)
        return g_steal_pointer(&line);
    return g_strdup_printf("%s (and %u more; virt-viommu check tells)", line, more);
}

static HookPriority
priority_of(ViommuSeverity severity)
{
    switch (severity) {
    case VIOMMU_SEVERITY_ERROR:
        return HOOK_ERROR;
    case VIOMMU_SEVERITY_WARNING:
        return HOOK_WARNING;
    case VIOMMU_SEVERITY_INFO:
    case VIOMMU_SEVERITY_OFF:
    default:
        return HOOK_INFO;
    }
}

void
hook_log_findings(const HookCall *call, const ViommuReport *report, const ViommuLedger *ledger,
                  const ViommuDomain *domain)
{
    const char *undecided = NULL;
    guint count = 0;

    for (guint i = 0; i < viommu_report_get_length(report); i++) {
        const char *rule = viommu_report_get_rule(report, i);
        g_autofree char *line = NULL;

        if (ledger && !viommu_ledger_was_undecided(ledger, domain, rule))
            continue;
        if (viommu_report_get_outcome(report, i) == VIOMMU_OUTCOME_UNKNOWN) {
            undecided = undecided ? undecided : rule;
            count++;
        }
        if (viommu_report_get_outcome(report, i) != VIOMMU_OUTCOME_FAIL)
            continue;
        line = line_of(report, i);
        hook_journal(call, priority_of(viommu_report_get_severity(report, i)), rule,
                     viommu_report_get_address(report, i), "%s", line);
    }
    if (count > 0)
        hook_journal(call, HOOK_INFO, undecided, NULL,
                     "%u verdicts are open, that of %s first (virt-viommu check tells why)", count,
                     undecided);
}
