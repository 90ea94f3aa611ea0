/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to the family bus: what is wrong with a PCI controller itself. */
#pragma once

#include "rule.h"

gboolean rule_bus_is_written(const RuleCall *call);
void rule_bus_check_index(RuleCall *call);
void rule_bus_check_machine(RuleCall *call);
void rule_bus_check_option(RuleCall *call);
void rule_bus_check_order(RuleCall *call);
gboolean rule_bus_has_reserve(const RuleCall *call);
void rule_bus_check_reserve_known(RuleCall *call);
