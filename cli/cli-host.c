/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

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
    return viommu_host_probe(host, error);
}

CliExit
cli_host(const CliOptions *options)
{
    g_autoptr(ViommuHost) host = cli_input_host(options, VIOMMU_HOST_READ_CONFIG);
    g_autofree char *text = NULL;
    GError *error = NULL;

    if (!host)
        return CLI_TROUBLE;
    if (options->probe && !probe(options, host, &error))
        return cli_fail(error);
    if (options->qemu && !viommu_host_ask_qemu(host, options->qemu, &error))
        return cli_fail(error);
    if (options->save) {
        g_autofree char *document = viommu_host_to_json(host);

        if (!viommu_file_replace(options->save, document, -1, &error))
            return cli_fail(error);
        return CLI_CLEAN;
    }
    if (options->format == CLI_FORMAT_JSON)
        text = viommu_host_describe(host);
    else
        text = viommu_host_render(host, options->render, options->width);
    cli_output(text);
    return CLI_CLEAN;
}
