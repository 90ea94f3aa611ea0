/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes of a text by offset, collected in any order and applied at once. */
#pragma once

#include <glib.h>

typedef enum {
    WRITE_SPLICE_INLINE, /* inside a tag */
    WRITE_SPLICE_CHILD,  /* an element; those at one place share one head and one tail */
    WRITE_SPLICE_REMOVE, /* an element goes */
} WriteSpliceKind;

typedef struct {
    WriteSpliceKind kind;
    gsize offset, removed;    /* bytes of the old text */
    guint order;              /* among those at one place */
    char *head, *text, *tail; /* owned; NULL: nothing */
} WriteSplice;

void write_splice_free(WriteSplice *splice);
/* The new text; @splices (of WriteSplice) is sorted on the way. NULL: two of them overlap.
 * (transfer full) */
char *write_splice_apply(const char *text, gsize length, GPtrArray *splices);
