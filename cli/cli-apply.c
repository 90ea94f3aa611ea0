/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <stdio.h>

CliExit
cli_complain_of_plan(const ViommuPlan *plan, const char *file)
{
    g_autofree char *reasons = viommu_plan_render(plan, VIOMMU_RENDER_DEFAULT, 0);

    cli_complain("%s: no plan, nothing is written", file);
    fputs(reasons, stderr);
    return CLI_FINDINGS;
}

CliExit
cli_apply(const CliOptions *options)
{
    const char *file = options->files[0];
    g_autoptr(ViommuDomain) domain = NULL;
    g_autoptr(ViommuPlan) plan = NULL;
    g_auto(CliInput) input = {0};
    g_autofree char *text = NULL;
    GError *error = NULL;
    CliExit verdict;

    domain = cli_domain_load(options, file, LIVE_NEXT_WHOLE);
    if (!domain)
        return CLI_TROUBLE;
    if (!cli_input_load(options, VIOMMU_HOST_DEFAULT, &input))
        return CLI_TROUBLE;
    plan = viommu_plan_new(input.host, domain, input.policy, input.target, options->plan);
    if (!viommu_plan_is_valid(plan))
        return cli_complain_of_plan(plan, file);
    /* what the caller refuses is not written */
    verdict = cli_plan_verdict(options, &input, plan, file);
    if (verdict != CLI_CLEAN)
        return verdict;
    text = viommu_plan_apply(plan, &error);
    if (!text)
        return cli_fail(error);
    if (cli_output_is_standard(options->output))
        cli_output(text);
    else if (!viommu_file_replace(options->output, text, -1, &error))
        return cli_fail(error);
    return CLI_CLEAN;
}
