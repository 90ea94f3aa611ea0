/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

CliExit
cli_limits(const CliOptions *options)
{
    const char *file = options->files[0];
    g_autoptr(ViommuDomain) domain = NULL;
    g_autoptr(ViommuPlan) plan = NULL;
    g_auto(CliInput) input = {0};
    g_autofree char *text = NULL;

    domain = cli_domain_load(options, file, options->live ? LIVE_RUNNING : LIVE_NEXT);
    if (!domain)
        return CLI_TROUBLE;
    if (!cli_input_load(options, VIOMMU_HOST_DEFAULT, &input))
        return CLI_TROUBLE;
    plan = viommu_plan_new(input.host, domain, input.policy, input.target, VIOMMU_PLAN_DEFAULT);
    if (options->format == CLI_FORMAT_JSON)
        text = viommu_plan_limits_to_json(plan);
    else
        text = viommu_plan_limits_render(plan, options->render, options->width);
    cli_output(text);
    return viommu_plan_is_valid(plan) ? CLI_CLEAN : CLI_FINDINGS;
}
