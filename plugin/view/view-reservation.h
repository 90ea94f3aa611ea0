/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a domain takes of its host while it runs. */
#pragma once

#include "host-reservation.h"
#include "view.h"

/* (transfer full): devices are those that are assigned for sure; what cannot be told is unknown */
HostReservation *view_reservation(const View *view);
/* Devices more that <interface type='network'> may turn out to be at start. */
guint view_open_devices(const View *view);
