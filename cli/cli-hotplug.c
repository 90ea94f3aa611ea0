/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <stdio.h>
#include <string.h>

/* A name of the device, or the content of the file. FALSE: complained */
static gboolean
load_device(const char *word, char **ret)
{
    GError *error = NULL;

    if (strcmp(word, "-") != 0 && !strchr(word, '/') && !g_file_test(word, G_FILE_TEST_EXISTS)) {
        *ret = g_strdup(word);
        return TRUE;
    }
    *ret = viommu_file_read(word, &error);
    if (!*ret)
        cli_fail(error);
    return *ret != NULL;
}

static CliExit
answer(const CliOptions *options, const ViommuHotplug *hotplug)
{
    g_autofree char *text = NULL;

    if (options->format == CLI_FORMAT_JSON) {
        text = viommu_hotplug_to_json(hotplug);
        cli_output(text);
    } else {
        text = viommu_hotplug_render(hotplug, options->render, 0);
        fputs(text, stderr);
        if (viommu_hotplug_is_feasible(hotplug)) {
            cli_output(viommu_hotplug_get_xml(hotplug));
            cli_output("\n");
        }
    }
    return viommu_hotplug_is_feasible(hotplug) ? CLI_CLEAN : CLI_FINDINGS;
}

CliExit
cli_hotplug(const CliOptions *options)
{
    const char *file = options->files[0], *device = options->files[1];
    g_autoptr(ViommuDomain) domain = NULL;
    g_autoptr(ViommuHotplug) hotplug = NULL;
    g_auto(CliInput) input = {0};
    g_autofree char *text = NULL;
    GError *error = NULL;

    if (strcmp(file, "-") == 0 && strcmp(device, "-") == 0) {
        cli_complain("hotplug: only one of DOMAIN and DEVICE can be standard input");
        return CLI_TROUBLE;
    }
    domain = cli_domain_load(options, file, LIVE_RUNNING);
    if (!domain)
        return CLI_TROUBLE;
    if (!load_device(device, &text) || !cli_input_load(options, VIOMMU_HOST_DEFAULT, &input))
        return CLI_TROUBLE;
    if (options->detach)
        hotplug = viommu_hotplug_detach(input.host, domain, input.policy, input.target, text,
                                        device, &error);
    else
        hotplug = viommu_hotplug_attach(input.host, domain, input.policy, input.target, text,
                                        device, &error);
    return hotplug ? answer(options, hotplug) : cli_fail(error);
}
