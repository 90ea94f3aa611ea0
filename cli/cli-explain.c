/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <string.h>

/* What stands for many rules is replaced by them: the name of a family is what their ids begin
 * with. (transfer container): NULL-terminated */
static const char **
find_rules(const CliOptions *options)
{
    g_autofree const char **all = viommu_rule_list();
    GPtrArray *ids = g_ptr_array_new();

    for (guint i = 0; options->all && all[i]; i++)
        g_ptr_array_add(ids, (char *)all[i]);
    for (guint i = 0; i < options->file_count; i++) {
        g_autofree char *prefix = g_strdup_printf("%s-", options->files[i]);
        guint before = ids->len;

        for (guint j = 0; all[j]; j++)
            if (g_str_has_prefix(all[j], prefix) && !strchr(options->files[i], '-'))
                g_ptr_array_add(ids, (char *)all[j]);
        if (ids->len == before)
            g_ptr_array_add(ids, options->files[i]);
    }
    g_ptr_array_add(ids, NULL);
    return (const char **)g_ptr_array_free(ids, FALSE);
}

CliExit
cli_explain(const CliOptions *options)
{
    g_autofree const char **ids = find_rules(options);
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
    for (const char **id = ids; *id; id++) {
        g_autofree char *text = viommu_rule_explain(*id, options->render, options->width, &error);

        if (!text)
            return cli_fail(error);
        if (id != ids)
            cli_output("\n");
        cli_output(text);
    }
    return CLI_CLEAN;
}
