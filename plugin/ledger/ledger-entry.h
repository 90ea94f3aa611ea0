/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One entry as a ledger-1 document. */
#pragma once

#include "base-json.h"
#include "host-reservation.h"

/* With the boot that it is of. (transfer full) */
BaseJson *ledger_entry_save(const HostReservation *reservation, const char *boot);

/* @uuid: what the file's name says; another one inside is an error. NULL without error: an entry of
 * another boot. (transfer full) */
HostReservation *ledger_entry_load(const char *path, const char *uuid, const char *boot,
                                   GError **error);
