/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <string.h>

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

/* A word as a shell takes it */
static char *
quote(const char *word)
{
    gboolean plain = strspn(word, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-+_.:/") == strlen(word);

    return plain ? g_strdup(word) : g_shell_quote(word);
}

/* How a domain of the daemon gets what was planned */
static void
output_next_step(const CliOptions *options, const ViommuPlan *plan)
{
    const char *name = options->files[0];
    g_autofree char *diff = NULL, *quoted = quote(name), *uri = NULL, *line = NULL;
    g_autofree char *connect = options->connect ? quote(options->connect) : NULL;

    /* what runs is not what apply reads */
    if (options->quiet || options->live || cli_word_is_file(name) || !viommu_plan_is_valid(plan))
        return;
    diff = viommu_plan_diff(plan, NULL);
    if (!diff || !*diff)
        return;
    uri = connect ? g_strdup_printf(" -c %s", connect) : g_strdup("");
    line = g_strdup_printf("\nTo define it, with the options of this command:\n"
                           "  virt-viommu apply%s %s | virsh%s define /dev/stdin\n",
                           uri, quoted, uri);
    cli_output(line);
}

CliExit
cli_plan(const CliOptions *options)
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
    if (options->format == CLI_FORMAT_TEXT)
        output_next_step(options, plan);
    return cli_plan_verdict(options, &input, plan, file);
}
