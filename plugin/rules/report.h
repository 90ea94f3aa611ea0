/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <viommu/viommu-types.h>

typedef struct Rule Rule;

typedef struct {
    const Rule *rule;
    ViommuOutcome outcome;
    ViommuSeverity severity;       /* after policy */
    guint line, column;            /* 0: no place */
    char *xpath, *alias, *address; /* NULL where there is none */
    char *message;                 /* one line: what is wrong, with both numbers; NULL for a pass */
    char *help;                    /* what to write instead; NULL */
    GPtrArray *needs;              /* of char *: facts that are missing (outcome UNKNOWN) */
    char *how;                     /* how to get them; NULL */
} Finding;

struct _ViommuReport {
    gint refs;
    char *file;          /* of the domain */
    char *domain;        /* name */
    GPtrArray *findings; /* of Finding: registry order x document order */
    guint errors, warnings, infos, unknowns, passes;
};

ViommuReport *report_ref(ViommuReport *report);
void report_unref(ViommuReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ViommuReport, report_unref)
