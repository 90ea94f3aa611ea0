/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "write-table.h"

#include <stdarg.h>
#include <string.h>

#define GAP 2

struct WriteTable {
    guint columns;
    GPtrArray *cells; /* of char *, row by row, the heads first */
};

static void
append_row(WriteTable *table, const char *const *cells)
{
    for (guint i = 0; i < table->columns; i++)
        g_ptr_array_add(table->cells, g_strdup(cells[i] ? cells[i] : ""));
}

WriteTable *
write_table_new(const char *const *heads)
{
    WriteTable *table = g_new0(WriteTable, 1);

    table->columns = g_strv_length((char **)heads);
    table->cells = g_ptr_array_new_with_free_func(g_free);
    append_row(table, heads);
    return table;
}

void
write_table_free(WriteTable *table)
{
    if (!table)
        return;
    g_ptr_array_unref(table->cells);
    g_free(table);
}

void
write_table_add(WriteTable *table, const char *const *cells)
{
    append_row(table, cells);
}

guint
write_text_width(const char *text)
{
    guint width = 0;

    for (const char *c = text; *c; c = g_utf8_next_char(c)) {
        if (*c != '\033')
            width++;
        else if (strchr(c, 'm'))
            c = strchr(c, 'm');
    }
    return width;
}

static glong
cell_width(const WriteTable *table, guint index)
{
    return write_text_width(table->cells->pdata[index]);
}

/* (transfer full): of glong, one a column */
static GArray *
column_widths(const WriteTable *table)
{
    GArray *widths = g_array_sized_new(FALSE, TRUE, sizeof(glong), table->columns);

    g_array_set_size(widths, table->columns);
    for (guint i = 0; i < table->cells->len; i++) {
        glong *width = &g_array_index(widths, glong, i % table->columns);

        *width = MAX(*width, cell_width(table, i));
    }
    return widths;
}

static guint
count_fitting(const GArray *widths, const WriteStyle *style)
{
    glong used = 0;

    for (guint column = 0; column < widths->len; column++) {
        used += g_array_index(widths, glong, column) + (column ? GAP : 0);
        if (style->width > 0 && column > 0 && used > (glong)style->width)
            return column;
    }
    return widths->len;
}

guint
write_table_fits(const WriteTable *table, const WriteStyle *style)
{
    g_autoptr(GArray) widths = column_widths(table);

    return count_fitting(widths, style);
}

void
write_table_print(const WriteTable *table, const WriteStyle *style, GString *out)
{
    g_autoptr(GArray) widths = column_widths(table);
    guint shown = count_fitting(widths, style);

    for (guint row = 0; row < table->cells->len; row += table->columns) {
        gsize start = out->len;

        for (guint column = 0; column < shown; column++) {
            glong pad =
                g_array_index(widths, glong, column) - cell_width(table, row + column) + GAP;

            g_string_append_printf(out, "%s%*s", (char *)table->cells->pdata[row + column],
                                   (int)pad, "");
        }
        while (out->len > start && out->str[out->len - 1] == ' ')
            g_string_truncate(out, out->len - 1);
        g_string_append_c(out, '\n');
    }
}

/* Appends @text behind the @used columns of the line. */
static void
wrap(const WriteStyle *style, GString *out, guint used, guint next, const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);

    for (guint i = 0; words[i]; i++) {
        guint length = write_text_width(words[i]);

        if (style->width > 0 && i > 0 && used + 1 + length > style->width) {
            g_string_append_printf(out, "\n%*s", (int)next, "");
            used = next;
        } else if (i > 0) {
            g_string_append_c(out, ' ');
            used++;
        }
        g_string_append(out, words[i]);
        used += length;
    }
    g_string_append_c(out, '\n');
}

void
write_wrapped(const WriteStyle *style, GString *out, guint first, guint next, const char *format,
              ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    g_string_append_printf(out, "%*s", (int)first, "");
    wrap(style, out, first, next, text);
}

void
write_labelled(const WriteStyle *style, GString *out, const char *label, guint column,
               const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    g_string_append_printf(out, "%-*s", (int)column, label);
    wrap(style, out, column, column, text);
}
