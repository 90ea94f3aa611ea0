/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void
cli_complain(const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_strdelimit(text, "\r\n", ' ');
    fprintf(stderr, "virt-viommu: %s\n", text);
}

CliExit
cli_fail(GError *error)
{
    cli_complain("%s", error->message);
    g_error_free(error);
    return CLI_TROUBLE;
}

void
cli_output(const char *text)
{
    fwrite(text, 1, strlen(text), stdout);
}

gboolean
cli_output_is_closed(void)
{
    return ferror(stdout) != 0;
}

CliExit
cli_output_finish(CliExit status)
{
    gboolean failed = ferror(stdout) != 0;

    errno = 0;
    if (fflush(stdout) != 0)
        failed = TRUE;
    if (!failed)
        return status;
    /* whoever closed the pipe has seen enough */
    if (errno != EPIPE)
        cli_complain("cannot write the result: %s",
                     errno ? g_strerror(errno) : "an earlier write failed");
    return CLI_TROUBLE;
}
