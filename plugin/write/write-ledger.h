/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "write.h"

/* Of all domains; what is unknown of one is unknown of the sum. */
typedef struct {
    BaseU64 devices, locked_memory, pasids, accel_viommus, command_queues;
} WriteTotal;

WriteTotal write_ledger_total(const GPtrArray *entries);
/* "missing", "left", "wrong" */
const char *write_difference_name(LedgerDifferenceKind kind);
