/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ledger-compare.h"

#include <string.h>

static void
add(GPtrArray *list, LedgerDifferenceKind kind, HostReservation *entry, HostReservation *really)
{
    LedgerDifference difference = {kind, entry, really};

    g_ptr_array_add(list, g_memdup2(&difference, sizeof difference));
}

GPtrArray *
ledger_compare(const GPtrArray *entries, const GPtrArray *really)
{
    GPtrArray *differences = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < entries->len; i++) {
        HostReservation *entry = entries->pdata[i];
        HostReservation *running = ledger_find(really, entry->uuid);

        if (!running || host_reservation_is_empty(running))
            add(differences, LEDGER_LEFT, entry, NULL);
        else if (!host_reservation_holds_same(entry, running) ||
                 g_strcmp0(entry->domain, running->domain) != 0)
            add(differences, LEDGER_WRONG, entry, running);
    }
    for (guint i = 0; i < really->len; i++) {
        HostReservation *running = really->pdata[i];

        if (!host_reservation_is_empty(running) && !ledger_find(entries, running->uuid))
            add(differences, LEDGER_MISSING, NULL, running);
    }
    return differences;
}

static gboolean
is_as_before(const HostReservation *before, const HostReservation *now)
{
    if (!before || !now)
        return !before && !now;
    return host_reservation_holds_same(before, now) && g_strcmp0(before->domain, now->domain) == 0;
}

static gboolean
mend(Ledger *ledger, const LedgerDifference *difference, GError **error)
{
    g_autoptr(HostReservation) wanted = NULL;

    if (!difference->really)
        return ledger_remove(ledger, difference->entry->uuid, error);
    wanted = host_reservation_copy(difference->really);
    for (guint i = 0; difference->entry && i < difference->entry->undecided->len; i++)
        g_ptr_array_add(wanted->undecided, g_strdup(difference->entry->undecided->pdata[i]));
    return ledger_write(ledger, wanted, error);
}

gboolean
ledger_repair(Ledger *ledger, const GPtrArray *entries, const GPtrArray *really, GError **error)
{
    g_autoptr(GPtrArray) now = ledger_read(ledger, NULL, error);
    g_autoptr(GPtrArray) differences = NULL;

    g_return_val_if_fail(ledger->lock >= 0, FALSE);

    if (!now)
        return FALSE;
    differences = ledger_compare(entries, really);
    for (guint i = 0; i < differences->len; i++) {
        const LedgerDifference *difference = differences->pdata[i];
        const char *uuid = difference->really ? difference->really->uuid : difference->entry->uuid;

        if (is_as_before(difference->entry, ledger_find(now, uuid)) &&
            !mend(ledger, difference, error))
            return FALSE;
    }
    return TRUE;
}
