/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tree of a host before it is laid out: which functions are shown, and where. */
#pragma once

#include "write-host.h"

typedef struct {
    const HostDevice *device;
    const HostGroup *group; /* NULL: not known */
    gboolean leads;         /* the first of its group */
    HostAdvice advice;
    GPtrArray *more; /* of const HostDevice: other VFs of its PF of which all the same is true */
} WriteHostRow;

typedef struct {
    const HostIommu *iommu; /* NULL: none translates these functions, or it is not known which */
    const char *title;
    GPtrArray *rows; /* of WriteHostRow, groups together, by address */
} WriteHostUnit;

typedef struct {
    GPtrArray *units; /* of WriteHostUnit; some may have no rows */
    guint rows;       /* of all */
    guint hidden;     /* functions that nobody assigns and nobody asked for */
} WriteHostRows;

WriteHostRows *write_host_rows_new(const ViommuHost *host, const WriteHostView *view);
void write_host_rows_free(WriteHostRows *rows);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WriteHostRows, write_host_rows_free)
