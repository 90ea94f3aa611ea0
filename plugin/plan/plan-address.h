/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The edits that put devices and controllers where the layout has them. Private to the room. */
#pragma once

#include "plan-room.h"

/* Writes the guest address of a device. @multifunction: other devices are in its slot; UNKNOWN:
 * whatever is written stays. */
void plan_address_write(PlanWork *work, xmlNode *device, BasePci address, BaseTri multifunction,
                        const char *because, const char *rule);
/* An emulated device that libvirt would add by itself, written out with its address. FALSE: of a
 * kind that we cannot write. */
gboolean plan_address_write_implicit(PlanWork *work, const ModelEndpoint *endpoint,
                                     BasePci address);
/* Takes from an address that there are more functions. */
void plan_address_make_single(PlanWork *work, xmlNode *device);
/* Replaces an ioh3420 by the generic root port. */
void plan_address_make_generic(PlanWork *work, const PlanController *port);
/* Writes the controllers that were added and the bus numbers that changed. */
void plan_address_write_controllers(PlanWork *work);
