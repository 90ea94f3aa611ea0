/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The families, each defined in rule-<name>.c; rule_families() lists them in registry order. */
#pragma once

#include "rule.h"

extern const RuleFamily rule_family_xml, rule_family_stack, rule_family_group, rule_family_bus;
extern const RuleFamily rule_family_accel, rule_family_vtd, rule_family_amd, rule_family_virtio;
extern const RuleFamily rule_family_iova, rule_family_memlock, rule_family_pasid;
extern const RuleFamily rule_family_hotplug;
