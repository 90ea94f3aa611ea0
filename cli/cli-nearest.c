/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <string.h>

#define LONGEST 32

/* Edit distance of two words of at most LONGEST bytes. */
static guint
distance(const char *a, const char *b)
{
    guint row[LONGEST + 1];
    gsize length = strlen(b);

    for (guint j = 0; j <= length; j++)
        row[j] = j;
    for (guint i = 1; a[i - 1]; i++) {
        guint diagonal = row[0];

        row[0] = i;
        for (guint j = 1; j <= length; j++) {
            guint change = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            row[j] = MIN(change, MIN(row[j], row[j - 1]) + 1);
        }
    }
    return row[length];
}

const char *
cli_nearest(const char *word, const char *const *words)
{
    const char *nearest = NULL;
    guint best = 3; /* more than two slips is another word */

    if (strlen(word) > LONGEST)
        return NULL;
    for (; *words; words++) {
        guint slips = distance(word, *words);

        if (slips < best && slips < strlen(*words)) {
            best = slips;
            nearest = *words;
        }
    }
    return nearest;
}
