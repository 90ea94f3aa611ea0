/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sentences, each told once with all that it holds for, in the order in which they came up. */
#pragma once

#include "write-table.h"

typedef struct WriteNotes WriteNotes;

WriteNotes *write_notes_new(void);
void write_notes_free(WriteNotes *notes);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WriteNotes, write_notes_free)
/* The strings are copied; a subject that the sentence has already is not added again. @subject
 * NULL: it needs none. */
void write_notes_add(WriteNotes *notes, const char *subject, const char *sentence);
/* A blank line, the heading, and a line for each note: "subjects: sentence", or "sentence:
 * subjects" where @sentence_first. Nothing where there are no notes. */
void write_notes_print(const WriteNotes *notes, const char *heading, gboolean sentence_first,
                       const WriteStyle *style, GString *out);
