/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A position in the source text of a document, with its line. Private to the room. */
#pragma once

#include <string.h>

#include "model.h"

typedef struct {
    const char *text; /* borrowed */
    gsize length, at; /* all offsets: in bytes */
    guint line;       /* from 1, as of @counted */
    gsize line_start;
    gsize counted;    /* line breaks before this offset are in @line */
    guint characters; /* from line_start to there */
} ModelScanner;

static inline gboolean
model_looking_at(const ModelScanner *scanner, const char *what)
{
    gsize length = strlen(what);

    return scanner->length - scanner->at >= length &&
           memcmp(scanner->text + scanner->at, what, length) == 0;
}

/* Moves behind the next @what; FALSE (at the end) when there is none. */
static inline gboolean
model_skip_behind(ModelScanner *scanner, const char *what)
{
    const char *found =
        memmem(scanner->text + scanner->at, scanner->length - scanner->at, what, strlen(what));

    if (!found) {
        scanner->at = scanner->length;
        return FALSE;
    }
    scanner->at = (gsize)(found - scanner->text) + strlen(what);
    return TRUE;
}

static inline gboolean
model_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Brings line, line_start and characters up to @offset. */
void model_count_lines(ModelScanner *scanner, gsize offset);
