/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

CliExit
cli_host(const CliOptions *options)
{
    g_autoptr(ViommuHost) host = cli_input_host(options, VIOMMU_HOST_READ_CONFIG);
    g_autofree char *text = NULL;
    GError *error = NULL;

    if (!host)
        return CLI_TROUBLE;
    if (options->probe && !viommu_host_probe(host, &error))
        return cli_fail(error);
    if (options->save) {
        g_autofree char *document = viommu_host_to_json(host);

        if (!viommu_file_replace(options->save, document, -1, &error))
            return cli_fail(error);
        return CLI_CLEAN;
    }
    if (options->format == CLI_FORMAT_JSON)
        text = viommu_host_to_json(host);
    else
        text = viommu_host_render(host, options->render, options->width);
    cli_output(text);
    return CLI_CLEAN;
}
