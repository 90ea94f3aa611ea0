/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "write-splice.h"

void
write_splice_free(WriteSplice *splice)
{
    if (!splice)
        return;
    g_free(splice->head);
    g_free(splice->text);
    g_free(splice->tail);
    g_free(splice);
}

static gint
compare(gconstpointer a, gconstpointer b)
{
    const WriteSplice *left = *(WriteSplice *const *)a;
    const WriteSplice *right = *(WriteSplice *const *)b;

    if (left->offset != right->offset)
        return left->offset < right->offset ? -1 : 1;
    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    return (left->order > right->order) - (left->order < right->order);
}

static gboolean
same_place(const GPtrArray *splices, guint a, guint b)
{
    const WriteSplice *left, *right;

    if (b >= splices->len)
        return FALSE;
    left = splices->pdata[a];
    right = splices->pdata[b];
    return left->kind == WRITE_SPLICE_CHILD && right->kind == WRITE_SPLICE_CHILD &&
           left->offset == right->offset;
}

static void
append(GString *out, const char *text)
{
    if (text)
        g_string_append(out, text);
}

char *
write_splice_apply(const char *text, gsize length, GPtrArray *splices)
{
    g_autoptr(GString) out = g_string_sized_new(length + 1024);
    gsize at = 0;

    g_ptr_array_sort(splices, compare);
    for (guint i = 0; i < splices->len; i++) {
        const WriteSplice *splice = splices->pdata[i];
        gboolean first = i == 0 || !same_place(splices, i - 1, i);
        gboolean last = !same_place(splices, i, i + 1);

        if (first && (splice->offset < at || splice->removed > length - splice->offset))
            return NULL;
        if (first) {
            g_string_append_len(out, text + at, (gssize)(splice->offset - at));
            at = splice->offset + splice->removed;
            append(out, splice->head);
        }
        append(out, splice->text);
        if (last)
            append(out, splice->tail);
    }
    g_string_append_len(out, text + at, (gssize)(length - at));
    return g_string_free(g_steal_pointer(&out), FALSE);
}
