/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rule.h"

const char *
rule_effect_name(RuleEffect effect)
{
    static const char *const names[] = {
        [RULE_EFFECT_REFUSED_DEFINE] = "refused-define",
        [RULE_EFFECT_REFUSED_START] = "refused-start",
        [RULE_EFFECT_REFUSED_HOTPLUG] = "refused-hotplug",
        [RULE_EFFECT_ABORT] = "abort",
        [RULE_EFFECT_LATE] = "late",
        [RULE_EFFECT_SILENT] = "silent",
        [RULE_EFFECT_UNSAFE] = "unsafe",
        [RULE_EFFECT_ADVICE] = "advice",
    };

    return names[effect];
}

const char *
rule_fixer_name(RuleFixer fixer)
{
    static const char *const names[] = {
        [RULE_FIXER_DOMAIN] = "domain", [RULE_FIXER_POLICY] = "policy",
        [RULE_FIXER_HOST] = "host",     [RULE_FIXER_FIRMWARE] = "firmware",
        [RULE_FIXER_STACK] = "stack",
    };

    return names[fixer];
}

const char *
rule_scope_name(RuleScope scope)
{
    static const char *const names[] = {
        [RULE_SCOPE_DOMAIN] = "domain",   [RULE_SCOPE_VIOMMU] = "viommu", [RULE_SCOPE_BUS] = "bus",
        [RULE_SCOPE_HOSTDEV] = "hostdev", [RULE_SCOPE_HOST] = "host",
    };

    return names[scope];
}

const char *
rule_severity_name(ViommuSeverity severity)
{
    static const char *const names[] = {
        [VIOMMU_SEVERITY_OFF] = "off",
        [VIOMMU_SEVERITY_INFO] = "info",
        [VIOMMU_SEVERITY_WARNING] = "warning",
        [VIOMMU_SEVERITY_ERROR] = "error",
    };

    return names[severity];
}

const char *
rule_outcome_name(ViommuOutcome outcome)
{
    static const char *const names[] = {
        [VIOMMU_OUTCOME_PASS] = "pass",
        [VIOMMU_OUTCOME_NOT_APPLICABLE] = "not-applicable",
        [VIOMMU_OUTCOME_UNKNOWN] = "unknown",
        [VIOMMU_OUTCOME_FAIL] = "fail",
    };

    return names[outcome];
}
