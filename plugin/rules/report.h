/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <viommu/viommu-types.h>

typedef struct Rule Rule;

/* Texts belong to the report, or to the rule. */
typedef struct {
    const Rule *rule;
    ViommuOutcome outcome;
    ViommuSeverity severity;     /* after policy */
    guint object;                /* position among the objects of the rule's scope */
    guint line, column;          /* 0: no place; a column in bytes */
    guint character;             /* the same in characters */
    const char *xpath;           /* NULL where there is no place, and for a pass */
    const char *alias, *address; /* NULL where there is none */
    const char *message;         /* one line: what is wrong, with both numbers; NULL for a pass */
    const char *help;            /* what to write instead; NULL */
    GPtrArray *needs; /* of const char *: facts that are missing; NULL: not outcome UNKNOWN */
    const char *how;  /* how to get them; NULL */
} Finding;

struct _ViommuReport {
    gint refs;
    const char *file;    /* of the domain */
    const char *domain;  /* name */
    GPtrArray *findings; /* of Finding: registry order x document order; fail, unknown and pass */
    guint errors, warnings, infos, unknowns, passes; /* each finding is counted in one of them */
    GStringChunk *texts;                             /* what the findings borrow */
    GPtrArray *blocks;                               /* of Finding[], most of which passed */
    guint left;                                      /* in the last of them */
};

/* (transfer full) */
ViommuReport *report_new(const char *file, const char *domain);
/* A copy of @text (NULL: NULL) that lives as long as the report; equal texts share one. */
const char *report_text(ViommuReport *report, const char *text);
/* Room for one, with nothing in it; it belongs to the report. */
Finding *report_finding(ViommuReport *report);
/* Counts a finding that is filled in. */
void report_add(ViommuReport *report, Finding *finding);

ViommuReport *report_ref(ViommuReport *report);
void report_unref(ViommuReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ViommuReport, report_unref)
