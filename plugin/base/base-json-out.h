/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON text written as it goes, in the layout of base_json_to_text(): for documents that are made
 * often or grow too long to be kept. Members are written in the order of their names, which is the
 * caller's part.
 */
#pragma once

#include "base-json.h"

typedef struct {
    GString *text;   /* may be emptied in between */
    guint depth;     /* open brackets */
    gboolean filled; /* the innermost of them has something in it */
} BaseJsonOut;

/* @key: name of the member; NULL for an element of an array and for the document itself. */
void base_json_out_open(BaseJsonOut *out, const char *key, char bracket);
void base_json_out_close(BaseJsonOut *out, char bracket);
/* NULL @value: the member is left out */
void base_json_out_string(BaseJsonOut *out, const char *key, const char *value);
void base_json_out_number(BaseJsonOut *out, const char *key, guint64 value);
void base_json_out_bool(BaseJsonOut *out, const char *key, gboolean value);
/* A whole document as a member */
void base_json_out_value(BaseJsonOut *out, const char *key, BaseJson *value);
