/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Columns of the tree that keep to the width of a terminal, and what stands in them. */
#pragma once

#include "write-host-rows.h"

#define WRITE_GAP    2
#define WRITE_INDENT 2

typedef struct {
    guint group, device, what, driver, node, can; /* columns; node 0: left out */
    gboolean by_class;                            /* "GPU" instead of a name */
} WriteHostLayout;

/* Gives way to the width: first the name gets shorter, then the node leaves, then the class stands
 * for the name, then the driver's name is cut. */
WriteHostLayout write_lay_out(const ViommuHost *host, const WriteHostView *view,
                              const WriteHostRows *rows);

/* How much shorter a row says the same thing */
typedef enum {
    WRITE_FOLD_FULL,    /* "0000:3b:02.0 … 0000:3b:05.7 (32 VFs of 0000:3b:00.0)" */
    WRITE_FOLD_ELIDED,  /* "0000:3b:02.0…05.7 (32 VFs of 0000:3b:00.0)" */
    WRITE_FOLD_COUNTED, /* "0000:3b:02.0…05.7 (32 VFs)" */
    WRITE_FOLD_FIRST,   /* "0000:3b:02.0 + 31 VFs" */
} WriteFold;
/* A row of several functions. (transfer full) */
char *write_fold_text(const WriteHostRow *row, WriteFold fold);
/* What a note about the row is about. (transfer full) */
char *write_row_subject(const WriteHostRow *row);

/* (transfer full): "27", "23…54", or nothing for a further member of the group above */
char *write_group_text(const WriteHostRow *row);
const char *write_driver_text(const HostDevice *device);
/* (transfer full) */
char *write_node_text(const HostDevice *device);
