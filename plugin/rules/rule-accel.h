/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks of family accel; what each says and where it was read is in the table of rule-accel.c. */
#pragma once

#include "rule.h"

/* Which objects a rule is about */
gboolean rule_accel_is(const RuleCall *call);
gboolean rule_accel_has_oas(const RuleCall *call);
gboolean rule_accel_has_ssidsize(const RuleCall *call);
gboolean rule_accel_has_cmdqv(const RuleCall *call);
gboolean rule_accel_lacks(const RuleCall *call);
gboolean rule_accel_off_device(const RuleCall *call);
gboolean rule_accel_wants_cmdqv(const RuleCall *call);

void rule_accel_check_emulated(RuleCall *call);
void rule_accel_check_emulated_bridge(RuleCall *call);
void rule_accel_check_backend(RuleCall *call);
void rule_accel_check_second_smmu(RuleCall *call);
void rule_accel_check_bridge(RuleCall *call);
void rule_accel_check_off_device(RuleCall *call);
void rule_accel_check_cold(RuleCall *call);
void rule_accel_check_oas(RuleCall *call);
void rule_accel_check_ssidsize(RuleCall *call);
void rule_accel_check_values(RuleCall *call);
gboolean rule_accel_is_by_hand(const RuleCall *call);
void rule_accel_check_properties(RuleCall *call);
void rule_accel_check_kvm(RuleCall *call);
void rule_accel_check_uefi(RuleCall *call);
void rule_accel_check_migration(RuleCall *call);
void rule_accel_check_machine(RuleCall *call);
void rule_accel_check_cmdqv_pages(RuleCall *call);

void rule_accel_check_host(RuleCall *call);
void rule_accel_check_oas_host(RuleCall *call);
void rule_accel_check_ssidsize_host(RuleCall *call);
void rule_accel_check_ats(RuleCall *call);
void rule_accel_check_ril(RuleCall *call);
void rule_accel_check_granules(RuleCall *call);
void rule_accel_check_stream_table(RuleCall *call);
void rule_accel_check_sidsize(RuleCall *call);
void rule_accel_check_cmdqv(RuleCall *call);
void rule_accel_check_asid16(RuleCall *call);
void rule_accel_check_bbml(RuleCall *call);
void rule_accel_check_stall(RuleCall *call);
