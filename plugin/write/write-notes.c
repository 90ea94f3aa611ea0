/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "write-notes.h"

#include <string.h>

/* More are counted, not named */
#define SUBJECTS_SHOWN 6

typedef struct {
    char *sentence;
    GPtrArray *subjects; /* of char * */
    GHashTable *known;   /* the same, to look up */
} Note;

struct WriteNotes {
    GPtrArray *list;       /* of Note */
    GHashTable *sentences; /* sentence -> Note */
};

static void
note_free(gpointer data)
{
    Note *note = data;

    g_free(note->sentence);
    g_ptr_array_unref(note->subjects);
    g_hash_table_unref(note->known);
    g_free(note);
}

WriteNotes *
write_notes_new(void)
{
    WriteNotes *notes = g_new0(WriteNotes, 1);

    notes->list = g_ptr_array_new_with_free_func(note_free);
    notes->sentences = g_hash_table_new(g_str_hash, g_str_equal);
    return notes;
}

void
write_notes_free(WriteNotes *notes)
{
    if (!notes)
        return;
    g_hash_table_unref(notes->sentences);
    g_ptr_array_unref(notes->list);
    g_free(notes);
}

void
write_notes_add(WriteNotes *notes, const char *subject, const char *sentence)
{
    Note *note = g_hash_table_lookup(notes->sentences, sentence);
    char *copy;

    if (!note) {
        note = g_new0(Note, 1);
        note->sentence = g_strdup(sentence);
        note->subjects = g_ptr_array_new_with_free_func(g_free);
        note->known = g_hash_table_new(g_str_hash, g_str_equal);
        g_ptr_array_add(notes->list, note);
        g_hash_table_insert(notes->sentences, note->sentence, note);
    }
    if (!subject || g_hash_table_contains(note->known, subject))
        return;
    copy = g_strdup(subject);
    g_ptr_array_add(note->subjects, copy);
    g_hash_table_add(note->known, copy);
}

/* (transfer full) */
static char *
list_subjects(const Note *note, gboolean all)
{
    guint count = note->subjects->len;
    guint shown = all || count <= SUBJECTS_SHOWN ? count : SUBJECTS_SHOWN - 1;
    GString *list = g_string_new(NULL);

    for (guint i = 0; i < shown; i++)
        g_string_append_printf(list, "%s%s", i ? ", " : "", (char *)note->subjects->pdata[i]);
    if (shown < count)
        g_string_append_printf(list, " and %u more", count - shown);
    return g_string_free(list, FALSE);
}

void
write_notes_print(const WriteNotes *notes, const char *heading, gboolean sentence_first,
                  const WriteStyle *style, GString *out)
{
    if (notes->list->len == 0)
        return;
    g_string_append_printf(out, "\n%s\n", heading);
    for (guint i = 0; i < notes->list->len; i++) {
        const Note *note = notes->list->pdata[i];
        g_autofree char *subjects = list_subjects(note, style->verbose);

        if (!*subjects)
            write_wrapped(style, out, 2, 4, "%s", note->sentence);
        else if (sentence_first)
            write_wrapped(style, out, 2, 4, "%s: %s", note->sentence, subjects);
        else
            write_wrapped(style, out, 2, 4, "%s: %s", subjects, note->sentence);
    }
}
