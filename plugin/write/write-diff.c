/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unified diff after Myers ("An O(ND) Difference Algorithm and Its Variations", 1986). Debian has
 * no small C library for it: libgit2 would bring ssh, TLS and Kerberos along.
 */
#include <string.h>

#include "write.h"

#define CONTEXT 3
/* Differences beyond which the whole middle is shown as replaced: bounds time and memory. */
#define MAX_DIFFERENCES 2000

typedef struct {
    GPtrArray *lines; /* borrowed starts of lines; one more for the end */
    guint count;
} Lines;

typedef struct {
    Lines old, new;
    gboolean *removed, *added; /* per line */
} Comparison;

static Lines
split(const char *text)
{
    Lines lines = {g_ptr_array_new(), 0};

    for (const char *line = text; *line; lines.count++) {
        const char *end = strchr(line, '\n');

        g_ptr_array_add(lines.lines, (char *)line);
        line = end ? end + 1 : line + strlen(line);
        if (!*line)
            g_ptr_array_add(lines.lines, (char *)line);
    }
    return lines;
}

static gsize
line_length(const Lines *lines, guint index)
{
    return (gsize)((const char *)lines->lines->pdata[index + 1] -
                   (const char *)lines->lines->pdata[index]);
}

static gboolean
same_line(const Comparison *c, guint a, guint b)
{
    gsize length = line_length(&c->old, a);

    return length == line_length(&c->new, b) &&
           memcmp(c->old.lines->pdata[a], c->new.lines->pdata[b], length) == 0;
}

static void
mark_all(Comparison *c, guint old_start, guint old_end, guint new_start, guint new_end)
{
    for (guint i = old_start; i < old_end; i++)
        c->removed[i] = TRUE;
    for (guint i = new_start; i < new_end; i++)
        c->added[i] = TRUE;
}

/* Whether the best way onto diagonal k with d differences comes from diagonal k + 1 (a line is
 * added) and not from k - 1 (one is removed). @before is centred on diagonal 0. */
static gboolean
comes_from_above(const gint *before, gint d, gint k)
{
    return k == -d || (k != d && before[k - 1] < before[k + 1]);
}

/* Walks back through the kept frontiers and marks what the path removes and adds. */
static void
mark_path(Comparison *c, const GPtrArray *frontiers, gint k, guint base)
{
    for (gint d = (gint)frontiers->len - 1; d > 0; d--) {
        const gint *before = (const gint *)frontiers->pdata[d - 1] + (d - 1);
        gboolean adds = comes_from_above(before, d, k);
        gint x;

        k += adds ? 1 : -1;
        x = before[k];
        if (adds)
            c->added[base + (guint)(x - k)] = TRUE;
        else
            c->removed[base + (guint)x] = TRUE;
    }
}

/* frontiers[d][k + d]: farthest x on diagonal k with d differences, for k = -d … d. */
static gboolean
search(Comparison *c, guint start, guint old_end, guint new_end)
{
    gint n = (gint)(old_end - start), m = (gint)(new_end - start);
    g_autoptr(GPtrArray) frontiers = g_ptr_array_new_with_free_func(g_free);

    for (gint d = 0; d <= MIN(n + m, MAX_DIFFERENCES); d++) {
        gint *frontier = g_new(gint, 2 * (gsize)d + 1);
        const gint *before = d ? (const gint *)frontiers->pdata[d - 1] + (d - 1) : NULL;

        g_ptr_array_add(frontiers, frontier);
        for (gint k = -d; k <= d; k += 2) {
            gint x = 0, y;

            if (d > 0)
                x = comes_from_above(before, d, k) ? before[k + 1] : before[k - 1] + 1;
            for (y = x - k; x < n && y < m && same_line(c, start + (guint)x, start + (guint)y); y++)
                x++;
            frontier[k + d] = x;
            if (x >= n && y >= m) {
                mark_path(c, frontiers, k, start);
                return TRUE;
            }
        }
    }
    return FALSE;
}

static void
compare(Comparison *c)
{
    guint start = 0, old_end = c->old.count, new_end = c->new.count;

    while (start < old_end && start < new_end && same_line(c, start, start))
        start++;
    while (old_end > start && new_end > start && same_line(c, old_end - 1, new_end - 1)) {
        old_end--;
        new_end--;
    }
    if (!search(c, start, old_end, new_end))
        mark_all(c, start, old_end, start, new_end);
}

static void
print_line(const Lines *lines, guint index, char sign, GString *out)
{
    gsize length = line_length(lines, index);
    const char *line = lines->lines->pdata[index];

    g_string_append_c(out, sign);
    g_string_append_len(out, line, (gssize)length);
    if (line[length - 1] != '\n')
        g_string_append(out, "\n\\ No newline at end of file\n");
}

static void
print_range(guint start, guint count, GString *out)
{
    g_string_append_printf(out, count == 1 ? "%u" : "%u,%u", count ? start + 1 : start, count);
}

/* Steps from one change to the next; lines that are the same on both sides go by in step. */
typedef struct {
    guint old, new;
} Cursor;

static gboolean
at_change(const Comparison *c, Cursor at)
{
    return (at.old < c->old.count && c->removed[at.old]) ||
           (at.new < c->new.count && c->added[at.new]);
}

static gboolean
at_end(const Comparison *c, Cursor at)
{
    return at.old >= c->old.count && at.new >= c->new.count;
}

static Cursor
skip_change(const Comparison *c, Cursor at)
{
    while (at.old < c->old.count && c->removed[at.old])
        at.old++;
    while (at.new < c->new.count && c->added[at.new])
        at.new ++;
    return at;
}

/* The end of the hunk that begins at change @at: changes at most 2 * CONTEXT lines apart join. */
static Cursor
hunk_end(const Comparison *c, Cursor at)
{
    for (;;) {
        guint same = 0;
        Cursor next;

        at = skip_change(c, at);
        next = at;
        while (!at_end(c, next) && !at_change(c, next) && same <= 2 * CONTEXT) {
            next.old++;
            next.new ++;
            same++;
        }
        if (at_end(c, next) || same > 2 * CONTEXT) {
            guint trailing = MIN(same, CONTEXT);

            return (Cursor){at.old + trailing, at.new + trailing};
        }
        at = next;
    }
}

static void
print_hunk(const Comparison *c, Cursor start, Cursor end, GString *out)
{
    g_string_append(out, "@@ -");
    print_range(start.old, end.old - start.old, out);
    g_string_append(out, " +");
    print_range(start.new, end.new - start.new, out);
    g_string_append(out, " @@\n");
    for (Cursor at = start; at.old < end.old || at.new < end.new;) {
        for (; at.old < end.old && c->removed[at.old]; at.old++)
            print_line(&c->old, at.old, '-', out);
        for (; at.new < end.new && c->added[at.new]; at.new ++)
            print_line(&c->new, at.new, '+', out);
        if (at.old < end.old && at.new < end.new) {
            print_line(&c->old, at.old++, ' ', out);
            at.new ++;
        }
    }
}

char *
write_diff(const char *before, const char *after, const char *name)
{
    g_autoptr(GString) out = g_string_new(NULL);
    Comparison c = {split(before), split(after), NULL, NULL};
    g_autofree gboolean *removed = g_new0(gboolean, c.old.count + 1);
    g_autofree gboolean *added = g_new0(gboolean, c.new.count + 1);
    Cursor at = {0, 0};

    c.removed = removed;
    c.added = added;
    compare(&c);
    while (!at_end(&c, at)) {
        Cursor start, end;
        guint lead;

        if (!at_change(&c, at)) {
            at.old++;
            at.new ++;
            continue;
        }
        if (!out->len)
            g_string_printf(out, "--- %s\n+++ %s\n", name, name);
        lead = MIN(MIN(at.old, at.new), CONTEXT);
        start = (Cursor){at.old - lead, at.new - lead};
        end = hunk_end(&c, at);
        print_hunk(&c, start, end, out);
        at = end;
    }
    g_ptr_array_unref(c.old.lines);
    g_ptr_array_unref(c.new.lines);
    return g_string_free(g_steal_pointer(&out), FALSE);
}
