/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to the family xml: attributes and addresses that libvirt drops or refuses. */
#pragma once

#include "rule.h"

/* Whether libvirt takes this attribute for that model and does nothing with it */
gboolean rule_xml_is_idle(ModelIommuKind model, const char *attribute);

void rule_xml_check_unknown(RuleCall *call);
gboolean rule_xml_asks_model(const RuleCall *call);
void rule_xml_check_not_for_model(RuleCall *call);
gboolean rule_xml_has_late_comer(const RuleCall *call);
void rule_xml_check_too_new(RuleCall *call);
gboolean rule_xml_is_written(const RuleCall *call);
void rule_xml_check_value(RuleCall *call);
gboolean rule_xml_may_be_dropped(const RuleCall *call);
void rule_xml_check_value_dropped(RuleCall *call);
void rule_xml_check_addresses(RuleCall *call);
void rule_xml_check_hostdevs(RuleCall *call);
void rule_xml_check_memory(RuleCall *call);
void rule_xml_check_driver(RuleCall *call);
