/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Turns one edit of a plan into splices of the source text. */
#pragma once

#include "write.h"

typedef struct {
    const ViommuDomain *domain;
    GPtrArray *splices;  /* of WriteSplice */
    const char *newline; /* "\n" or "\r\n" */
    const char *unit;    /* one step of indentation */
} WriteJob;

/* One step of indentation as the document has it. (transfer full) */
char *write_edit_unit(const ViommuDomain *domain);
/* Adds the splices of an edit that is complete and contradicts no other. */
void write_edit_collect(WriteJob *job, const PlanEdit *edit);
