/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ports for devices and for hotplug, the conventional bus, and the expander buses of vSMMUs.
 * FALSE: the domain has no room for it. Private to the room. */
#pragma once

#include "plan-room.h"

/* Says that there is no plan because the domain has no room for @what. */
void plan_port_reject(PlanWork *work, const char *what);
/* A free port below @root, or a new one that is there because of @because */
gboolean plan_port_take(PlanWork *work, guint root, const char *because, BasePci *ret);
/* On bus 0, and one that QEMU makes before the bridge */
gboolean plan_port_take_for_bridge(PlanWork *work, const ModelController *bridge,
                                   const char *because, BasePci *ret);
/* A slot on a conventional bus that hangs below bus 0 */
gboolean plan_port_take_conventional(PlanWork *work, BasePci *ret);

/* Whether fewer ports stay free below @root than the domain is to have */
gboolean plan_port_lacks_spares(const PlanWork *work, guint root);
/* Adds ports below @root until @wanted are free; rejects where it returns FALSE. */
gboolean plan_port_add_spares(PlanWork *work, guint root, guint wanted, const char *because);
/* Adds the free ports below @root to those that the plan names. @placed: devices have left the
 * places that libvirt would give them */
void plan_port_list_spares(PlanWork *work, guint root, gboolean placed);

/* The expander bus for the devices of @smmu; rejects where it returns FALSE. */
gboolean plan_port_add_expander(PlanWork *work, PlanSmmu *smmu);
