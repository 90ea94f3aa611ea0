/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rule-families.h"

#include <string.h>

/* The order of reports and of docs/rules.md, one a line */
/* clang-format off */
static const RuleFamily *const families[] = {
    &rule_family_xml,
    &rule_family_stack,
    &rule_family_stack_version,
    &rule_family_stack_machine,
    &rule_family_stack_device,
    &rule_family_group,
    &rule_family_group_device,
    &rule_family_group_vf,
    &rule_family_group_backend,
    &rule_family_bus,
    &rule_family_bus_refused,
    &rule_family_bus_slots,
    &rule_family_bus_window,
    &rule_family_accel,
    &rule_family_accel_device,
    &rule_family_vtd,
    &rule_family_vtd_device,
    &rule_family_amd,
    &rule_family_virtio,
    &rule_family_virtio_device,
    &rule_family_iova,
    &rule_family_memlock,
    &rule_family_pasid,
    &rule_family_hotplug,
    &rule_family_quota,
    &rule_family_policy,
};
/* clang-format on */

const RuleFamily *const *
rule_families(gsize *ret_count)
{
    *ret_count = G_N_ELEMENTS(families);
    return families;
}

const Rule *
rule_find(const char *id)
{
    for (gsize i = 0; i < G_N_ELEMENTS(families); i++)
        for (gsize j = 0; j < families[i]->count; j++)
            if (strcmp(families[i]->rules[j].id, id) == 0)
                return &families[i]->rules[j];
    return NULL;
}

static gboolean
exists(const char *id)
{
    return rule_find(id) != NULL;
}

static gboolean
demotable(const char *id)
{
    const Rule *rule = rule_find(id);

    return rule && rule->demotable;
}

static ViommuSeverity
severity(const char *id)
{
    const Rule *rule = rule_find(id);

    return rule ? rule->severity : VIOMMU_SEVERITY_OFF;
}

const PolicyCatalogue *
rule_policy_catalogue(void)
{
    static const PolicyCatalogue catalogue = {exists, demotable, severity};

    return &catalogue;
}

ViommuSeverity
rule_severity(const Rule *rule, const ViommuPolicy *policy)
{
    for (guint i = 0; policy && i < policy->rules->len; i++) {
        const PolicyRule *entry = policy->rules->pdata[i];

        if (strcmp(entry->rule, rule->id) == 0)
            return entry->severity;
    }
    return rule->severity;
}
