/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reservations on this host: DIRECTORY/UUID.json for each domain, DIRECTORY/lock. All that changes
 * it happens under the lock; reading alone needs none to see each entry whole.
 */
#pragma once

#include "host-reservation.h"

#include "viommu/viommu-error.h"

typedef struct {
    char *directory;
    char *boot;       /* id of this boot; entries of another are void */
    int lock;         /* descriptor while it is held; else -1 */
    GPtrArray *stale; /* of char *: names found under the lock that mean nothing any more */
} Ledger;

/* Touches no file. (transfer full) */
Ledger *ledger_new(const char *directory, const char *boot);
void ledger_free(Ledger *ledger);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Ledger, ledger_free)

/* Makes the directory where it is missing, and waits until nobody else holds the lock, by the
 * monotonic clock. The lock ends with the process, however that ends. Errors: VIOMMU_ERROR_IO, also
 * for the time being up. */
gboolean ledger_lock(Ledger *ledger, guint timeout_ms, GError **error);
void ledger_unlock(Ledger *ledger);

/* FALSE: nobody keeps account on this host */
gboolean ledger_exists(const Ledger *ledger);

/* The entries of this boot, of HostReservation, by UUID. A file that cannot be used yields an entry
 * of which all is unknown, and a sentence in @problems (of char *, may be NULL). A directory that
 * is not there holds none. Errors: it cannot be read. (transfer full) */
GPtrArray *ledger_read(Ledger *ledger, GPtrArray *problems, GError **error);

/* Removes what other UUIDs hold under the name of a domain that is being started, from @entries
 * too: a name is unique among running domains, so they are of an earlier one that nobody released.
 * Needs the lock. */
gboolean ledger_forget_name(const Ledger *ledger, GPtrArray *entries, const char *domain,
                            const char *uuid, GError **error);

/* Replaces the domain's entry, or removes it where nothing is held. Needs the lock. */
gboolean ledger_write(Ledger *ledger, const HostReservation *reservation, GError **error);

/* Removes an entry; fine where there is none. Takes no lock: less is held afterwards. */
gboolean ledger_remove(const Ledger *ledger, const char *uuid, GError **error);

/* (nullable): the entry of that UUID in what ledger_read() returned */
HostReservation *ledger_find(const GPtrArray *entries, const char *uuid);
