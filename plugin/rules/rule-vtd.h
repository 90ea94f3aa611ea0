/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks of family vtd; what each says and where it was read is in the table of rule-vtd.c. */
#pragma once

#include "rule.h"

/* Which objects a rule is about */
gboolean rule_vtd_is(const RuleCall *call);
gboolean rule_vtd_over_device(const RuleCall *call);
gboolean rule_vtd_first_stage(const RuleCall *call);
gboolean rule_vtd_first_stage_device(const RuleCall *call);
gboolean rule_vtd_has_pasid_device(const RuleCall *call);
gboolean rule_vtd_has_svm(const RuleCall *call);
gboolean rule_vtd_may_have_intremap(const RuleCall *call);
gboolean rule_vtd_may_have_eim(const RuleCall *call);
gboolean rule_vtd_has_eim_without_kvm(const RuleCall *call);
void rule_vtd_check_eim_without_kvm(RuleCall *call);
gboolean rule_vtd_has_many_vcpus(const RuleCall *call);
gboolean rule_vtd_has_eim_off(const RuleCall *call);
gboolean rule_vtd_lacks_translation(const RuleCall *call);

void rule_vtd_check_caching_mode(RuleCall *call);
void rule_vtd_check_translation(RuleCall *call);
void rule_vtd_check_snoop_control(RuleCall *call);
void rule_vtd_check_irqchip(RuleCall *call);
void rule_vtd_check_eim(RuleCall *call);
void rule_vtd_check_many_vcpus(RuleCall *call);
void rule_vtd_check_eim_off(RuleCall *call);

void rule_vtd_check_width_value(RuleCall *call);
void rule_vtd_check_width_host(RuleCall *call);
void rule_vtd_check_width_memory(RuleCall *call);

void rule_vtd_check_scalable(RuleCall *call);
void rule_vtd_check_backend(RuleCall *call);
void rule_vtd_check_host(RuleCall *call);
void rule_vtd_check_1g(RuleCall *call);
void rule_vtd_check_bridge(RuleCall *call);
void rule_vtd_check_pasid_bits(RuleCall *call);
void rule_vtd_check_pasid_host(RuleCall *call);
void rule_vtd_check_pasid_stage(RuleCall *call);
void rule_vtd_check_svm(RuleCall *call);
void rule_vtd_check_errata(RuleCall *call);
