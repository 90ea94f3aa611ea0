/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-reservation.h"

#include <string.h>

HostReservation *
host_reservation_new(const char *uuid, const char *domain)
{
    HostReservation *reservation = g_new0(HostReservation, 1);

    reservation->uuid = g_strdup(uuid);
    reservation->domain = g_strdup(domain);
    reservation->devices_state = BASE_STATE_KNOWN;
    reservation->devices = g_ptr_array_new_with_free_func(g_free);
    reservation->undecided = g_ptr_array_new_with_free_func(g_free);
    return reservation;
}

static GPtrArray *
copy_texts(const GPtrArray *texts)
{
    GPtrArray *copy = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < texts->len; i++)
        g_ptr_array_add(copy, g_strdup(texts->pdata[i]));
    return copy;
}

HostReservation *
host_reservation_copy(const HostReservation *reservation)
{
    HostReservation *copy = g_memdup2(reservation, sizeof *reservation);

    copy->uuid = g_strdup(reservation->uuid);
    copy->domain = g_strdup(reservation->domain);
    copy->devices = copy_texts(reservation->devices);
    copy->undecided = copy_texts(reservation->undecided);
    return copy;
}

void
host_reservation_free(HostReservation *reservation)
{
    if (!reservation)
        return;
    g_free(reservation->uuid);
    g_free(reservation->domain);
    g_ptr_array_unref(reservation->devices);
    g_ptr_array_unref(reservation->undecided);
    g_free(reservation);
}

static gboolean
is_zero(BaseU64 number)
{
    return base_u64_is_known(number) && number.value == 0;
}

gboolean
host_reservation_is_empty(const HostReservation *reservation)
{
    return reservation->devices_state == BASE_STATE_KNOWN && reservation->devices->len == 0 &&
           is_zero(reservation->locked_memory) && is_zero(reservation->pasid_bits) &&
           is_zero(reservation->accel_viommus) && is_zero(reservation->command_queues);
}

static gboolean
same_number(BaseU64 a, BaseU64 b)
{
    return a.state == b.state && (a.state != BASE_STATE_KNOWN || a.value == b.value);
}

gboolean
host_reservation_holds_same(const HostReservation *a, const HostReservation *b)
{
    if (a->devices_state != b->devices_state || a->devices->len != b->devices->len)
        return FALSE;
    for (guint i = 0; i < a->devices->len; i++)
        if (strcmp(a->devices->pdata[i], b->devices->pdata[i]) != 0)
            return FALSE;
    return same_number(a->locked_memory, b->locked_memory) &&
           same_number(a->pasid_bits, b->pasid_bits) &&
           same_number(a->accel_viommus, b->accel_viommus) &&
           same_number(a->command_queues, b->command_queues);
}
