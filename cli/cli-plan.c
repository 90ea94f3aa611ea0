/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

/* With --quiet the diff stands alone. FALSE: told why on stderr */
static gboolean
output_diff(const CliOptions *options, const ViommuPlan *plan)
{
    g_autofree char *diff = NULL;
    GError *error = NULL;

    if (!viommu_plan_is_valid(plan))
        return TRUE;
    diff = viommu_plan_diff(plan, &error);
    if (!diff) {
        cli_fail(error);
        return FALSE;
    }
    if (!options->quiet && *diff)
        cli_output("\n");
    cli_output(diff);
    return TRUE;
}

CliExit
cli_plan(const CliOptions *options)
{
    const char *file = options->files[0];
    g_autoptr(ViommuDomain) domain = NULL;
    g_autoptr(ViommuPlan) plan = NULL;
    g_auto(CliInput) input = {0};
    g_autofree char *text = NULL;
    GError *error = NULL;

    domain = viommu_domain_new_from_file(file, &error);
    if (!domain)
        return cli_fail(error);
    if (!cli_input_load(options, VIOMMU_HOST_DEFAULT, &input))
        return CLI_TROUBLE;
    plan = viommu_plan_new(input.host, domain, input.policy, input.target, options->plan);
    if (options->format == CLI_FORMAT_VIRT_XML) {
        /* what is read by another program is never reasons */
        if (!viommu_plan_is_valid(plan))
            return cli_complain_of_plan(plan, file);
        text = viommu_plan_to_virt_xml(plan, NULL);
    } else if (options->format == CLI_FORMAT_JSON)
        text = viommu_plan_to_json(plan);
    else if (!options->diff || !options->quiet || !viommu_plan_is_valid(plan))
        text = viommu_plan_render(plan, options->render, options->width);
    if (text)
        cli_output(text);
    if (options->diff && !output_diff(options, plan))
        return CLI_TROUBLE;
    return cli_plan_verdict(options, &input, plan, file);
}
