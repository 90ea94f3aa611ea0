/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where elements and attributes stand in the source text of a well-formed document. */
#pragma once

#include "model.h"

/* Deepest nesting that we take: libxml2's own limit without XML_PARSE_HUGE up to 2.13
 * (parserInternals.h, xmlParserMaxDepth); newer ones allow more. */
#define MODEL_MAX_DEPTH 256

/* Refuses what would make byte offsets or the parser unsafe: NUL, UTF-16/32, text that is not
 * UTF-8, another declared encoding, a document type declaration, thousands of attributes. In
 * model-check.c */
gboolean model_source_check(const char *text, gsize length, const char *file, GError **error);

/* Walks @text in step with @doc, which libxml2 made of it: one ModelSpan for each element in
 * document order, its index + 1 in node->_private. (transfer full) */
GArray *model_source_scan(const char *text, gsize length, xmlDoc *doc, const char *file,
                          GError **error);
