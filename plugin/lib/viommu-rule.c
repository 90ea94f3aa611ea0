/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <viommu/viommu-rule.h>

#include "base-text.h"
#include "lib.h"

const char **
viommu_rule_list(void)
{
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    gsize count = 0;
    const RuleFamily *const *families = rule_families(&count);

    for (gsize i = 0; i < count; i++)
        for (gsize j = 0; j < families[i]->count; j++)
            g_ptr_array_add(ids, (char *)families[i]->rules[j].id);
    g_ptr_array_add(ids, NULL);
    return (const char **)g_ptr_array_free(g_steal_pointer(&ids), FALSE);
}

/* (nullable): NULL with an error that names the nearest id */
static const Rule *
find_rule(const char *id, GError **error)
{
    const Rule *rule = rule_find(id);
    g_autofree const char **ids = NULL;
    const char *nearest;

    if (rule)
        return rule;
    ids = viommu_rule_list();
    nearest = base_nearest(id, ids);
    if (nearest)
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_INVALID_ARGUMENT,
                    "no rule '%s'; did you mean '%s'?", id, nearest);
    else
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_INVALID_ARGUMENT, "no rule '%s'", id);
    return NULL;
}

char *
viommu_rule_explain(const char *id, ViommuRenderFlags flags, guint width, GError **error)
{
    WriteStyle style = lib_style(flags, width);
    g_autoptr(GString) out = NULL;
    const Rule *rule;

    g_return_val_if_fail(id, NULL);
    g_return_val_if_fail(!error || !*error, NULL);

    rule = find_rule(id, error);
    if (!rule)
        return NULL;
    out = g_string_new(NULL);
    write_rule_text(rule, &style, out);
    return g_string_free(g_steal_pointer(&out), FALSE);
}

char *
viommu_rules_to_json(const char *const *ids, GError **error)
{
    g_autoptr(BaseJson) array = json_object_new_array();
    g_autofree const char **all = ids ? NULL : viommu_rule_list();

    g_return_val_if_fail(!error || !*error, NULL);

    for (const char *const *id = ids ? ids : all; *id; id++) {
        const Rule *rule = find_rule(*id, error);

        if (!rule)
            return NULL;
        json_object_array_add(array, write_rule_json(rule));
    }
    return base_json_to_text(array);
}
