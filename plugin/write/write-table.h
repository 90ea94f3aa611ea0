/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Aligned columns. What does not fit the width drops columns from the right; nothing wraps. */
#pragma once

#include "write.h"

typedef struct WriteTable WriteTable;

/* @heads ends with NULL; the strings are copied. */
WriteTable *write_table_new(const char *const *heads);
void write_table_free(WriteTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WriteTable, write_table_free)
/* As many cells as there are heads; NULL is an empty cell. Cells may be coloured. */
void write_table_add(WriteTable *table, const char *const *cells);
/* Number of columns that fit the style's width; the first always does. */
guint write_table_fits(const WriteTable *table, const WriteStyle *style);
void write_table_print(const WriteTable *table, const WriteStyle *style, GString *out);

/* Text wrapped at the width of the style, its first line indented by @first columns, the others by
 * @next. */
void write_wrapped(const WriteStyle *style, GString *out, guint first, guint next,
                   const char *format, ...) G_GNUC_PRINTF(5, 6);

/* Columns that text takes on a terminal; escape sequences for colour take none. */
guint write_text_width(const char *text);

/* "Label          text", continued lines indented alike and wrapped at the width of the style;
 * @label "" continues. */
void write_labelled(const WriteStyle *style, GString *out, const char *label, guint column,
                    const char *format, ...) G_GNUC_PRINTF(5, 6);
