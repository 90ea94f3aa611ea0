/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <string.h>

const char *
cli_daemon(const CliOptions *options)
{
    const char *uri = g_getenv("LIBVIRT_DEFAULT_URI");

    if (options->connect)
        return options->connect;
    return uri && *uri ? uri : LIVE_URI;
}

/* Names of domains have no slash. What ends as a file does is a file that is missing: a slip in its
 * name must not start a daemon. */
gboolean
cli_word_is_file(const char *word)
{
    return !*word || strcmp(word, "-") == 0 || strchr(word, '/') ||
           g_str_has_suffix(word, ".xml") || g_file_test(word, G_FILE_TEST_EXISTS);
}

/* A daemon elsewhere has another host below it: its domains are not judged by our facts. */
static gboolean
is_elsewhere(const char *uri)
{
    g_autofree char *server = NULL;

    return g_uri_split(uri, G_URI_FLAGS_NONE, NULL, NULL, &server, NULL, NULL, NULL, NULL, NULL) &&
           server && *server && !g_str_equal(server, "localhost") &&
           !g_str_equal(server, g_get_host_name());
}

ViommuDomain *
cli_domain_load(const CliOptions *options, const char *word, LiveState state)
{
    const char *uri = cli_daemon(options);
    GError *error = NULL;
    ViommuDomain *domain = NULL;

    if (cli_word_is_file(word)) {
        if (options->live) {
            cli_complain("%s: --live is for a domain by its name, and this is a file", word);
            return NULL;
        }
        domain = viommu_domain_new_from_file(word, &error);
    } else if (!options->host && !options->sysroot && is_elsewhere(uri)) {
        cli_complain(
            "%s: %s is another host, whose facts --host takes (virt-viommu host --save FILE "
            "there)",
            word, uri);
        return NULL;
    } else {
        domain = live_find(uri, word, state, &error);
        if (!domain)
            g_prefix_error(&error, "%s: no such file, and no such domain: ", word);
    }
    if (!domain)
        cli_fail(error);
    return domain;
}
