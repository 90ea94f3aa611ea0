/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rule-stack-qemu.h"

#include <string.h>

#include "rule-tools.h"

/* QEMU 10.0.13 and 11.1.2 were asked (-device …,help); which release between them changed the
 * names is not known. */
#define LAST_OLD  BASE_VERSION(10, 1, 0)
#define FIRST_NEW BASE_VERSION(11, 1, 0)

static const struct {
    const char *name;
    gboolean old;      /* QEMU 10.0 has it, 11.1 has not; else the other way round */
    const char *other; /* what the other one has instead; NULL: nothing */
} properties[] = {
    {"x-scalable-mode", TRUE, "scalable-mode"},
    {"x-flts", TRUE, "fsts"},
    {"x-pasid-mode", TRUE, "pasid-bits"},
    {"pt", TRUE, NULL},
    {"dma-drain", TRUE, NULL},
    {"x-buggy-eim", TRUE, NULL},
    {"scalable-mode", FALSE, "x-scalable-mode"},
    {"fsts", FALSE, "x-flts"},
    {"pasid-bits", FALSE, "x-pasid-mode"},
    {"svm", FALSE, NULL},
};

gboolean
rule_stack_has_passthrough(const RuleCall *call)
{
    const ModelIommu *iommu = call->iommu->iommu;

    return rule_iommu_is_element(iommu) && iommu->kind == MODEL_IOMMU_AMD &&
           rule_iommu_attribute(iommu, "passthrough");
}

void
rule_stack_check_passthrough(RuleCall *call)
{
    const ModelIommu *iommu = call->iommu->iommu;
    guint64 qemu = call->view->target.qemu;
    g_autofree char *version = base_format_version(qemu);

    if (qemu >= FIRST_NEW)
        rule_fail(call, rule_iommu_place(iommu), NULL,
                  "passthrough='%s' becomes the property 'pt', which QEMU %s does not have",
                  rule_iommu_attribute(iommu, "passthrough"), version);
    else if (qemu >= LAST_OLD)
        rule_unknown(call, "property pt of amd-iommu", "qemu-system-x86_64 -device amd-iommu,help");
}

/* Properties that reach the vIOMMU by hand: from qemu:commandline or qemu:override */
static GHashTable *
written_properties(const ModelIommu *iommu)
{
    return iommu->commandline ? iommu->attributes : iommu->properties;
}

gboolean
rule_stack_has_renamed(const RuleCall *call)
{
    const ModelIommu *iommu = call->iommu->iommu;
    GHashTable *written = written_properties(iommu);

    if (iommu->kind != MODEL_IOMMU_INTEL || !written)
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(properties); i++)
        if (g_hash_table_contains(written, properties[i].name))
            return TRUE;
    return FALSE;
}

static const xmlNode *
override_place(const ViommuDomain *domain, const char *property)
{
    for (guint i = 0; i < domain->overrides->len; i++) {
        const ModelOverride *override = domain->overrides->pdata[i];

        if (g_ptr_array_find_with_equal_func(override->names, property, g_str_equal, NULL))
            return override->node;
    }
    return NULL;
}

static void
judge_property(RuleCall *call, const char *name, gboolean old, const char *other)
{
    guint64 qemu = call->view->target.qemu;
    gboolean has = old ? qemu < LAST_OLD : qemu >= FIRST_NEW;
    g_autofree char *version = base_format_version(qemu);
    g_autofree char *help = other ? g_strdup_printf("%s instead of %s", other, name)
                                  : g_strdup_printf("remove %s", name);

    if (has)
        return;
    if (qemu >= LAST_OLD && qemu < FIRST_NEW)
        rule_unknown(call, "property names of intel-iommu",
                     "qemu-system-x86_64 -device intel-iommu,help");
    else
        rule_fail(call, override_place(call->view->domain, name), help,
                  "QEMU %s has no property '%s' of intel-iommu", version, name);
}

void
rule_stack_check_renamed(RuleCall *call)
{
    GHashTable *written = written_properties(call->iommu->iommu);

    for (guint i = 0; i < G_N_ELEMENTS(properties); i++)
        if (g_hash_table_contains(written, properties[i].name))
            judge_property(call, properties[i].name, properties[i].old, properties[i].other);
}
