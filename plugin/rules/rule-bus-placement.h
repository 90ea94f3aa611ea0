/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to the family bus: the checks on addresses, expanders and bus numbers. */
#pragma once

#include "rule.h"

void rule_bus_check_on_expander(RuleCall *call);
void rule_bus_check_number_clash(RuleCall *call);
gboolean rule_bus_has_number(const RuleCall *call);
void rule_bus_check_number_range(RuleCall *call);
void rule_bus_check_number_left(RuleCall *call);
gboolean rule_bus_is_target(const RuleCall *call);
void rule_bus_check_target(RuleCall *call);
void rule_bus_check_clash(RuleCall *call);
void rule_bus_check_functions(RuleCall *call);
gboolean rule_bus_has_expander(const RuleCall *call);
gboolean rule_bus_has_pcie_expander(const RuleCall *call);
void rule_bus_check_unwritten(RuleCall *call);
