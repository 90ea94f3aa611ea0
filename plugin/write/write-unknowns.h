/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What could not be decided, told once for each way to find it out: a host that is missing keeps
 * dozens of rules from an answer for one reason. */
#pragma once

#include "report.h"

typedef struct {
    const char *how;      /* the way to get the facts; borrowed; NULL: nobody knows one */
    GPtrArray *needs;     /* of const char *: the facts, each once; borrowed */
    GPtrArray *rules;     /* of const char *: ids of the rules that lack them, each once */
    const Finding *first; /* the topmost in the file */
    guint count;          /* of findings */
} WriteUnknown;

/* In the order of the report; findings without a way to know stay alone. (transfer full): of
 * WriteUnknown */
GPtrArray *write_collect_unknowns(const ViommuReport *report);
/* "3 rules not decided without A, B and 4 more" (transfer full) */
char *write_unknown_message(const WriteUnknown *unknown);
