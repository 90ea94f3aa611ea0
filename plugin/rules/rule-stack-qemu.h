/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to the family stack: QEMU properties that came, went and changed their names. */
#pragma once

#include "rule.h"

gboolean rule_stack_has_passthrough(const RuleCall *call);
void rule_stack_check_passthrough(RuleCall *call);
gboolean rule_stack_has_renamed(const RuleCall *call);
void rule_stack_check_renamed(RuleCall *call);
