/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to the family bus: places and controllers that libvirt or QEMU refuses. */
#pragma once

#include "rule.h"

void rule_bus_check_refused(RuleCall *call);
void rule_bus_check_room(RuleCall *call);
void rule_bus_check_function_zero(RuleCall *call);
