/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include "names.h"

#include <stdio.h>

/* Opening a function resets it, so what will be touched is said before. */
static gboolean
probe(const CliOptions *options, ViommuHost *host, GError **error)
{
    g_auto(GStrv) idle = viommu_host_list_idle(host);
    g_auto(GStrv) needs = viommu_host_list_probe_needs(host);
    g_autofree char *list = g_strjoinv(", ", idle);

    /* a refusal must not look like something was reset */
    if (!viommu_host_can_probe(host, error))
        return FALSE;
    if (*idle && !options->quiet)
        cli_complain("opening and closing %s, which resets %s", list, idle[1] ? "them" : "it");
    if (!*idle)
        cli_complain("nothing to ask: no function idles on a vfio driver with its whole group; "
                     "one behind each IOMMU is enough");
    for (guint i = 0; needs[i] && !options->quiet; i++)
        cli_complain("%s", needs[i]);
    fflush(stderr);
    return viommu_host_probe(host, (const char *const *)idle, error);
}

/* A part of the host is for people; documents are whole, or they would be taken for it. */
static gboolean
understand(const CliOptions *options)
{
    gboolean part = options->groups || options->file_count > 0;

    if (part && options->save)
        cli_complain("--save saves the whole host; not with a function or --group");
    else if (part && options->format == CLI_FORMAT_JSON)
        cli_complain("JSON has the whole host; not with a function or --group");
    else
        return TRUE;
    return FALSE;
}

/* (transfer full): NULL after complaining */
static char *
render(const CliOptions *options, ViommuHost *host)
{
    g_autoptr(Names) names = options->numeric ? NULL : names_new();
    const ViommuHostView view = {
        .flags = options->render,
        .width = options->width,
        .name = names ? names_find : NULL,
        .name_data = names,
        .functions = options->file_count > 0 ? (const char *const *)options->files : NULL,
        .groups = (const char *const *)options->groups,
    };
    GError *error = NULL;
    char *text = viommu_host_render_view(host, &view, &error);

    if (!text)
        cli_fail(error);
    return text;
}

CliExit
cli_host(const CliOptions *options)
{
    gboolean part = options->groups || options->file_count > 0;
    g_autoptr(ViommuHost) host = NULL;
    g_autofree char *text = NULL;
    GError *error = NULL;

    if (!understand(options))
        return CLI_TROUBLE;
    /* of a part only that part's config space is read, when it is rendered */
    host = cli_input_host(options, part ? VIOMMU_HOST_DEFAULT : VIOMMU_HOST_READ_CONFIG);
    if (!host)
        return CLI_TROUBLE;
    if (options->probe && !probe(options, host, &error))
        return cli_fail(error);
    if (options->qemu && !viommu_host_ask_qemu(host, options->qemu, &error))
        return cli_fail(error);
    if (options->save) {
        g_autofree char *document = viommu_host_to_json(host);

        if (cli_output_is_standard(options->save))
            cli_output(document);
        else if (!viommu_file_replace(options->save, document, -1, &error))
            return cli_fail(error);
        return CLI_CLEAN;
    }
    if (options->format == CLI_FORMAT_JSON)
        text = viommu_host_describe(host);
    else
        text = render(options, host);
    if (!text)
        return CLI_TROUBLE;
    cli_output(text);
    return CLI_CLEAN;
}
