/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

static CliExit
policy_check(const CliOptions *options, const char *file)
{
    g_autoptr(ViommuPolicy) policy = NULL;
    g_autofree char *line = NULL;
    GError *error = NULL;

    policy = viommu_policy_load(file, &error);
    if (!policy)
        return cli_fail(error);
    line = g_strdup_printf("%s: valid, name '%s'\n", file, viommu_policy_get_name(policy));
    if (!options->quiet)
        cli_output(line);
    return CLI_CLEAN;
}

static CliExit
policy_show(const char *source)
{
    g_autoptr(ViommuPolicy) policy = NULL;
    g_autofree char *text = NULL;
    GError *error = NULL;

    policy = viommu_policy_load(source, &error);
    if (!policy)
        return cli_fail(error);
    text = viommu_policy_to_json(policy);
    cli_output(text);
    return CLI_CLEAN;
}

CliExit
cli_policy(const CliOptions *options)
{
    static const char *const actions[] = {"check", "show", NULL};
    const char *action = options->files[0];
    const char *nearest;
    CliExit status = CLI_CLEAN;

    if (g_str_equal(action, "show") && options->file_count <= 2)
        return policy_show(options->files[1]);
    if (g_str_equal(action, "check") && options->file_count >= 2) {
        for (guint i = 1; i < options->file_count; i++)
            if (policy_check(options, options->files[i]) != CLI_CLEAN)
                status = CLI_TROUBLE;
        return status;
    }
    if (g_strv_contains(actions, action)) {
        cli_complain("policy: policy check FILE..., or policy show [FILE|NAME]");
        return CLI_TROUBLE;
    }
    nearest = cli_nearest(action, actions);
    cli_complain("policy: no action '%s'; %s%s%s", action, nearest ? "did you mean '" : "use check",
                 nearest ? nearest : " or show", nearest ? "'?" : "");
    return CLI_TROUBLE;
}
