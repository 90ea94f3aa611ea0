/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <viommu/viommu-types.h>

typedef struct Rule Rule;

typedef struct {
    const Rule *rule;
    ViommuOutcome outcome;
    ViommuSeverity severity;       /* after policy */
    guint object;                  /* position among the objects of the rule's scope */
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
    GPtrArray *findings; /* of Finding: registry order x document order; fail, unknown and pass */
    guint errors, warnings, infos, unknowns, passes; /* each finding is counted in one of them */
};

/* (transfer full) */
ViommuReport *report_new(const char *file, const char *domain);
/* Takes over @finding and counts it. */
void report_add(ViommuReport *report, Finding *finding);

ViommuReport *report_ref(ViommuReport *report);
void report_unref(ViommuReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ViommuReport, report_unref)
