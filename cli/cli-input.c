/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

ViommuHost *
cli_input_host(const CliOptions *options, ViommuHostFlags flags)
{
    GError *error = NULL;
    ViommuHost *host;

    if (g_strcmp0(options->host, "none") == 0)
        return viommu_host_new_none();
    if (options->host)
        host = viommu_host_new_from_file(options->host, &error);
    else if (options->sysroot)
        host = viommu_host_new_from_sysroot(options->sysroot, flags, &error);
    else
        host = viommu_host_new_live(flags, &error);
    if (!host)
        cli_fail(error);
    else if (viommu_host_get_warning(host))
        cli_complain("warning: %s; 'virt-viommu host --probe' writes it anew",
                     viommu_host_get_warning(host));
    return host;
}

gboolean
cli_input_load(const CliOptions *options, ViommuHostFlags flags, CliInput *ret)
{
    g_auto(CliInput) input = {.target = &options->target};
    GError *error = NULL;

    input.policy = viommu_policy_load(options->policy, &error);
    if (!input.policy) {
        cli_fail(error);
        return FALSE;
    }
    input.host = cli_input_host(options, flags);
    if (!input.host)
        return FALSE;
    if (!options->quiet && !options->host && !viommu_host_has_iommu(input.host))
        cli_complain("%s has no IOMMU; --host FILE takes the facts of another host "
                     "(virt-viommu host --save FILE there)",
                     options->sysroot ? options->sysroot : "this machine");
    *ret = input;
    input = (CliInput){0};
    return TRUE;
}

void
cli_input_clear(CliInput *input)
{
    g_clear_pointer(&input->host, viommu_host_unref);
    g_clear_pointer(&input->policy, viommu_policy_unref);
}

CliExit
cli_verdict(const CliOptions *options, const ViommuReport *report)
{
    if (viommu_report_count(report, VIOMMU_OUTCOME_FAIL, options->fail_on) > 0)
        return CLI_FINDINGS;
    if (options->strict &&
        viommu_report_count(report, VIOMMU_OUTCOME_UNKNOWN, VIOMMU_SEVERITY_OFF) > 0)
        return CLI_UNDECIDED;
    return CLI_CLEAN;
}

CliExit
cli_plan_verdict(const CliOptions *options, const CliInput *input, const ViommuPlan *plan,
                 const char *file)
{
    g_autoptr(ViommuDomain) domain = NULL;
    g_autoptr(ViommuReport) report = NULL;
    g_autofree char *text = NULL;
    GError *error = NULL;
    CliExit verdict;

    if (!viommu_plan_is_valid(plan))
        return CLI_FINDINGS;
    if (!options->fail_on_given && !options->strict)
        return CLI_CLEAN;
    text = viommu_plan_apply(plan, &error);
    if (!text)
        return cli_fail(error);
    domain = viommu_domain_new_from_data(text, -1, file, &error);
    if (!domain)
        return cli_fail(error);
    report = viommu_check(input->host, domain, input->policy, input->target);
    verdict = cli_verdict(options, report);
    if (verdict == CLI_FINDINGS)
        cli_complain("%s: the planned domain still has findings at or above --fail-on "
                     "(virt-viommu check on what apply writes shows them)",
                     file);
    else if (verdict == CLI_UNDECIDED)
        cli_complain("%s: the planned domain rests on facts that are unknown "
                     "(virt-viommu check on what apply writes shows them)",
                     file);
    return verdict;
}
