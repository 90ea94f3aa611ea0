/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tables of the families; rule_families() lists them in registry order. */
#pragma once

#include "rule.h"

extern const RuleFamily rule_family_xml, rule_family_stack, rule_family_group, rule_family_bus;
extern const RuleFamily rule_family_accel, rule_family_vtd, rule_family_amd, rule_family_virtio;
extern const RuleFamily rule_family_iova, rule_family_memlock, rule_family_pasid;
extern const RuleFamily rule_family_hotplug, rule_family_quota, rule_family_policy;
/* The second tables of large families */
extern const RuleFamily rule_family_stack_version, rule_family_stack_machine,
    rule_family_stack_device, rule_family_group_device, rule_family_group_vf,
    rule_family_group_backend;
extern const RuleFamily rule_family_bus_slots, rule_family_accel_device;
extern const RuleFamily rule_family_bus_refused, rule_family_bus_window;
extern const RuleFamily rule_family_vtd_device, rule_family_virtio_device;
