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

/* Whoever closed the pipe has seen enough. */
static void
complain_of_output(int number)
{
    if (number != EPIPE)
        cli_complain("cannot write the result: %s", g_strerror(number));
}

void
cli_output(const char *text)
{
    gsize length = strlen(text);

    /* the first error is told, while its reason is known */
    if (!ferror(stdout) && fwrite(text, 1, length, stdout) != length)
        complain_of_output(errno);
}

gboolean
cli_output_is_standard(const char *path)
{
    return !path || g_str_equal(path, "-");
}

gboolean
cli_output_is_closed(void)
{
    return ferror(stdout) != 0;
}

CliExit
cli_output_finish(CliExit status)
{
    if (ferror(stdout))
        return CLI_TROUBLE;
    if (fflush(stdout) == 0)
        return status;
    complain_of_output(errno);
    return CLI_TROUBLE;
}
