/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who holds what of this host now: one entry for each domain that runs or is being started. */
#pragma once

#include "base-types.h"

typedef struct {
    char *uuid;              /* in lower case, with dashes */
    char *domain;            /* name */
    BaseState devices_state; /* UNKNOWN: an entry that cannot be read */
    GPtrArray *devices;      /* of char *: "DDDD:BB:DD.F", or a mediated device's UUID; sorted */
    BaseU64 locked_memory;   /* bytes that stay pinned, guest memory once */
    BaseU64 pasid_bits;      /* of the widest vIOMMU; 0: none has PASIDs */
    BaseU64 accel_viommus;   /* vIOMMU objects of the kernel: accelerated SMMUs */
    BaseU64 command_queues;
    GPtrArray *undecided; /* of char *: rules that had no verdict when this was written; sorted */
} HostReservation;

/* No devices, every number unknown. */
HostReservation *host_reservation_new(const char *uuid, const char *domain);
HostReservation *host_reservation_copy(const HostReservation *reservation);
void host_reservation_free(HostReservation *reservation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HostReservation, host_reservation_free)

/* Whether it surely takes nothing that anyone counts. */
gboolean host_reservation_is_empty(const HostReservation *reservation);
/* Whether both hold the same, whatever the domain's name and the rules said. */
gboolean host_reservation_holds_same(const HostReservation *a, const HostReservation *b);
