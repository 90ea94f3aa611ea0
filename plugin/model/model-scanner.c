/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model-scanner.h"

void
model_count_lines(ModelScanner *scanner, gsize offset)
{
    const char *end = scanner->text + offset;
    const char *at = scanner->text + scanner->counted;

    if (scanner->counted >= offset)
        return;
    while ((at = memchr(at, '\n', (gsize)(end - at)))) {
        at++;
        scanner->line++;
        scanner->line_start = (gsize)(at - scanner->text);
    }
    if (scanner->counted < scanner->line_start) {
        scanner->counted = scanner->line_start;
        scanner->characters = 0;
    }
    scanner->characters +=
        (guint)g_utf8_strlen(scanner->text + scanner->counted, (gssize)(offset - scanner->counted));
    scanner->counted = offset;
}
