/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

CliExit
cli_explain(const CliOptions *options)
{
    g_autofree const char **all = options->all ? viommu_rule_list() : NULL;
    const char *const *ids = all ? all : (const char *const *)options->files;
    GError *error = NULL;

    if (options->all == (options->file_count > 0)) {
        cli_complain("explain: name rules, or give --all");
        return CLI_TROUBLE;
    }
    if (options->format == CLI_FORMAT_JSON) {
        g_autofree char *text = viommu_rules_to_json(ids, &error);

        if (!text)
            return cli_fail(error);
        cli_output(text);
        return CLI_CLEAN;
    }
    for (const char *const *id = ids; *id; id++) {
        g_autofree char *text = viommu_rule_explain(*id, options->render, options->width, &error);

        if (!text)
            return cli_fail(error);
        if (id != ids)
            cli_output("\n");
        cli_output(text);
    }
    return CLI_CLEAN;
}
