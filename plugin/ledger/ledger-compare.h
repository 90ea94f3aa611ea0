/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ledger beside what really runs. */
#pragma once

#include "ledger.h"

typedef enum {
    LEDGER_MISSING, /* runs, and has no entry */
    LEDGER_LEFT,    /* has an entry, and does not run */
    LEDGER_WRONG,   /* runs, and its entry says something else */
} LedgerDifferenceKind;

typedef struct {
    LedgerDifferenceKind kind;
    HostReservation *entry;  /* borrowed; NULL when missing */
    HostReservation *really; /* borrowed; NULL when left */
} LedgerDifference;

/* @entries: from ledger_read(); @really: what the running domains take, of HostReservation, in any
 * order. By UUID. (transfer full): of LedgerDifference */
GPtrArray *ledger_compare(const GPtrArray *entries, const GPtrArray *really);

/* Makes the entries what they really should be. An entry that is not as it was in @entries any more
 * is left alone: a domain started or stopped meanwhile, and its own hook knows better. Needs the
 * lock. Stops at the first error. */
gboolean ledger_repair(Ledger *ledger, const GPtrArray *entries, const GPtrArray *really,
                       GError **error);
