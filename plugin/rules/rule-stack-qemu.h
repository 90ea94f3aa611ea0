/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which QEMU has which property of a vIOMMU. */
#pragma once

#include "rule.h"

gboolean rule_stack_has_passthrough(const RuleCall *call);
void rule_stack_check_passthrough(RuleCall *call);
gboolean rule_stack_has_renamed(const RuleCall *call);
void rule_stack_check_renamed(RuleCall *call);
/* All properties that were not renamed, those included that no QEMU knows */
gboolean rule_stack_has_plain_property(const RuleCall *call);
void rule_stack_check_plain_property(RuleCall *call);
