/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which QEMU has which property. */
#pragma once

#include "rule.h"

/* Whether @qemu has a property that 7.2.0, 10.0.13 and 11.1.1 have or have not. UNKNOWN: between
 * two of them that differ, or outside of them */
BaseTri rule_stack_qemu_has(gboolean in_7_2, gboolean in_10_0, gboolean in_11_1, guint64 qemu);

gboolean rule_stack_has_passthrough(const RuleCall *call);
void rule_stack_check_passthrough(RuleCall *call);
gboolean rule_stack_has_renamed(const RuleCall *call);
void rule_stack_check_renamed(RuleCall *call);
/* All properties that were not renamed, those included that no QEMU knows */
gboolean rule_stack_has_plain_property(const RuleCall *call);
void rule_stack_check_plain_property(RuleCall *call);
