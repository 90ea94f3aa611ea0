/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rule-stack-qemu.h"

#include <string.h>

#include "rule-tools.h"

/* Three QEMUs were read (7.2.0, 10.0.13, 11.1.1); which release between two of them changed a name
 * is not known. */
#define FIRST_READ BASE_VERSION(7, 2, 0)
#define AFTER_7_2  BASE_VERSION(7, 3, 0)
#define FROM_10_0  BASE_VERSION(10, 0, 0)
#define AFTER_10_0 BASE_VERSION(10, 1, 0)
#define FROM_11_1  BASE_VERSION(11, 1, 0)
#define AFTER_11_1 BASE_VERSION(11, 2, 0)

typedef struct {
    const char *name;
    gboolean in_7_2, in_10_0, in_11_1;
    gboolean renamed;  /* a finding of stack-property-renamed, else of stack-property-unknown */
    const char *other; /* what the QEMU without it has instead; NULL: nothing */
} Property;

/* hw/i386/intel_iommu.c (vtd_properties), x86-iommu.c */
static const Property intel_properties[] = {
    {"x-scalable-mode", TRUE, TRUE, FALSE, TRUE, "scalable-mode"},
    {"x-flts", FALSE, TRUE, FALSE, TRUE, "fsts"},
    {"x-pasid-mode", TRUE, TRUE, FALSE, TRUE, "pasid-bits"},
    {"pt", TRUE, TRUE, FALSE, TRUE, NULL},
    {"dma-drain", TRUE, TRUE, FALSE, TRUE, NULL},
    {"x-buggy-eim", TRUE, TRUE, FALSE, TRUE, NULL},
    {"scalable-mode", FALSE, FALSE, TRUE, TRUE, "x-scalable-mode"},
    {"fsts", FALSE, FALSE, TRUE, TRUE, "x-flts"},
    {"pasid-bits", FALSE, FALSE, TRUE, TRUE, "x-pasid-mode"},
    {"svm", FALSE, FALSE, TRUE, TRUE, NULL},
    {"fs1gp", FALSE, TRUE, TRUE, FALSE, NULL},
    {"stale-tm", FALSE, TRUE, TRUE, FALSE, NULL},
    {"aw-bits", TRUE, TRUE, TRUE, FALSE, NULL},
    {"caching-mode", TRUE, TRUE, TRUE, FALSE, NULL},
    {"device-iotlb", TRUE, TRUE, TRUE, FALSE, NULL},
    {"dma-translation", TRUE, TRUE, TRUE, FALSE, NULL},
    {"eim", TRUE, TRUE, TRUE, FALSE, NULL},
    {"intremap", TRUE, TRUE, TRUE, FALSE, NULL},
    {"snoop-control", TRUE, TRUE, TRUE, FALSE, NULL},
    {"version", TRUE, TRUE, TRUE, FALSE, NULL},
};

/* hw/i386/amd_iommu.c, x86-iommu.c; of its helper device only what every device has */
static const Property amd_properties[] = {
    {"device-iotlb", TRUE, TRUE, TRUE, FALSE, NULL},
    {"dma-remap", FALSE, FALSE, TRUE, FALSE, NULL},
    {"dma-translation", FALSE, FALSE, TRUE, FALSE, NULL},
    {"intremap", TRUE, TRUE, TRUE, FALSE, NULL},
    {"pci-id", FALSE, FALSE, TRUE, FALSE, NULL},
    {"pt", TRUE, TRUE, FALSE, FALSE, NULL},
    {"xtsup", FALSE, TRUE, TRUE, FALSE, NULL},
};

/* hw/arm/smmuv3.c, smmu-common.c; nobody can write the device on QEMU 7.2 and 10.0 at all */
static const Property smmu_properties[] = {
    {"accel", FALSE, FALSE, TRUE, FALSE, NULL},
    {"ats", FALSE, FALSE, TRUE, FALSE, NULL},
    {"bus_num", TRUE, TRUE, TRUE, FALSE, NULL},
    {"cmdqv", FALSE, FALSE, TRUE, FALSE, NULL},
    {"identifier", FALSE, FALSE, TRUE, FALSE, NULL},
    {"memory", FALSE, FALSE, TRUE, FALSE, NULL},
    {"msi-gpa", FALSE, FALSE, TRUE, FALSE, NULL},
    {"oas", FALSE, FALSE, TRUE, FALSE, NULL},
    {"primary-bus", TRUE, TRUE, TRUE, FALSE, NULL},
    {"ril", FALSE, FALSE, TRUE, FALSE, NULL},
    {"secure-memory", FALSE, FALSE, TRUE, FALSE, NULL},
    {"smmu_per_bus", FALSE, FALSE, TRUE, FALSE, NULL},
    {"ssidsize", FALSE, FALSE, TRUE, FALSE, NULL},
    {"stage", FALSE, TRUE, TRUE, FALSE, NULL},
};

/* hw/virtio/virtio-iommu.c, virtio-iommu-pci.c; its own, beside those of every virtio device */
static const Property virtio_properties[] = {
    {"aw-bits", FALSE, TRUE, TRUE, FALSE, NULL},
    {"boot-bypass", TRUE, TRUE, TRUE, FALSE, NULL},
    {"granule", FALSE, TRUE, TRUE, FALSE, NULL},
    {"primary-bus", TRUE, TRUE, TRUE, FALSE, NULL},
};

typedef struct {
    ModelIommuKind kind;
    const char *driver;
    const Property *properties;
    gsize count;
    gboolean open; /* has others, which are not in the table */
} Driver;

static const Driver drivers[] = {
    {MODEL_IOMMU_INTEL, "intel-iommu", intel_properties, G_N_ELEMENTS(intel_properties), FALSE},
    {MODEL_IOMMU_AMD, "amd-iommu", amd_properties, G_N_ELEMENTS(amd_properties), FALSE},
    {MODEL_IOMMU_SMMUV3, "arm-smmuv3", smmu_properties, G_N_ELEMENTS(smmu_properties), FALSE},
    {MODEL_IOMMU_VIRTIO, "virtio-iommu-pci", virtio_properties, G_N_ELEMENTS(virtio_properties),
     TRUE},
};

static const Driver *
driver_of(const ModelIommu *iommu)
{
    for (gsize i = 0; i < G_N_ELEMENTS(drivers); i++)
        if (drivers[i].kind == iommu->kind)
            return &drivers[i];
    return NULL;
}

static const Property *
find_property(const Driver *driver, const char *name)
{
    for (gsize i = 0; i < driver->count; i++)
        if (strcmp(driver->properties[i].name, name) == 0)
            return &driver->properties[i];
    return NULL;
}

BaseTri
rule_stack_qemu_has(gboolean in_7_2, gboolean in_10_0, gboolean in_11_1, guint64 qemu)
{
    if (qemu >= FROM_11_1)
        return base_tri(in_11_1);
    if (qemu >= AFTER_10_0)
        return in_10_0 == in_11_1 ? base_tri(in_10_0) : BASE_UNKNOWN;
    if (qemu >= FROM_10_0)
        return base_tri(in_10_0);
    if (qemu >= AFTER_7_2)
        return in_7_2 == in_10_0 ? base_tri(in_7_2) : BASE_UNKNOWN;
    return qemu >= FIRST_READ ? base_tri(in_7_2) : BASE_UNKNOWN;
}

static BaseTri
has_property(const Property *property, guint64 qemu)
{
    if (!property)
        return qemu < AFTER_11_1 ? BASE_NO : BASE_UNKNOWN;
    return rule_stack_qemu_has(property->in_7_2, property->in_10_0, property->in_11_1, qemu);
}

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

    if (qemu >= FROM_11_1)
        rule_fail(call, rule_iommu_place(iommu), NULL,
                  "passthrough='%s' becomes the property 'pt', which QEMU %s does not have",
                  rule_iommu_attribute(iommu, "passthrough"), version);
    else if (qemu >= AFTER_10_0)
        rule_unknown(call, "property pt of amd-iommu", "qemu-system-x86_64 -device amd-iommu,help");
}

/* Properties that reach the vIOMMU by hand: from qemu:commandline or qemu:override */
static GHashTable *
written_properties(const ModelIommu *iommu)
{
    return iommu->commandline ? iommu->attributes : iommu->properties;
}

static gint
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(a, b);
}

/* Names in a stable order, those of -global too. (transfer container) */
static GList *
written_names(const ModelIommu *iommu)
{
    GHashTable *written = written_properties(iommu);
    GList *names = g_hash_table_get_keys(iommu->globals);

    if (written)
        names = g_list_concat(names, g_hash_table_get_keys(written));
    return g_list_sort(names, compare_names);
}

/* Whether the name is one that only Intel's vIOMMU has */
static gboolean
is_intel_only(const char *name)
{
    return find_property(&drivers[0], name) && !find_property(&drivers[1], name) &&
           !find_property(&drivers[3], name);
}

/* Whether that property is one that stack-property-renamed (@renamed) judges, or the other rule */
static gboolean
is_of_rule(const Driver *driver, const char *name, gboolean renamed)
{
    const Property *property = find_property(driver, name);

    if (!property && driver->open && !is_intel_only(name))
        return FALSE;
    return (property && property->renamed) == renamed;
}

static gboolean
has_written(const RuleCall *call, gboolean renamed)
{
    const Driver *driver = driver_of(call->iommu->iommu);
    g_autoptr(GList) names = driver ? written_names(call->iommu->iommu) : NULL;

    /* a machine-wide SMMU is no device that a property could reach */
    if (call->iommu->iommu->kind == MODEL_IOMMU_SMMUV3 &&
        call->iommu->pci_bus.state == BASE_STATE_ABSENT)
        return FALSE;
    for (const GList *it = names; it; it = it->next)
        if (is_of_rule(driver, it->data, renamed))
            return TRUE;
    return FALSE;
}

gboolean
rule_stack_has_renamed(const RuleCall *call)
{
    return has_written(call, TRUE);
}

gboolean
rule_stack_has_plain_property(const RuleCall *call)
{
    return has_written(call, FALSE);
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

/* (transfer full): what to write instead; the nearest name where nobody knows this one */
static char *
help_of(const Driver *driver, const Property *property, const char *name)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const char *near;

    if (property)
        return property->other ? g_strdup_printf("%s instead of %s", property->other, name)
                               : g_strdup_printf("remove %s", name);
    for (gsize i = 0; i < driver->count; i++)
        g_ptr_array_add(names, (char *)driver->properties[i].name);
    g_ptr_array_add(names, NULL);
    near = base_nearest(name, (const char *const *)names->pdata);
    return near ? g_strdup_printf("%s instead of %s", near, name)
                : g_strdup_printf("remove %s", name);
}

static void
judge_property(RuleCall *call, const Driver *driver, const char *name)
{
    const Property *property = find_property(driver, name);
    guint64 qemu = call->view->target.qemu;
    BaseTri asked = stack_device_has(call->view->host, driver->driver, name, qemu);
    BaseTri has = asked == BASE_UNKNOWN ? has_property(property, qemu) : asked;
    g_autofree char *version = base_format_version(qemu);
    g_autofree char *help = help_of(driver, property, name);
    g_autofree char *what = NULL;
    g_autofree char *how = NULL;

    if (has == BASE_NO) {
        rule_fail(call, override_place(call->view->domain, name), help,
                  "QEMU %s has no property '%s' of %s", version, name, driver->driver);
    } else if (has == BASE_UNKNOWN) {
        what = g_strdup_printf("property names of %s", driver->driver);
        how =
            g_strdup_printf("qemu-system-%s -device %s,help",
                            rule_is_x86(call->view->domain) ? "x86_64" : "aarch64", driver->driver);
        rule_unknown(call, what, how);
    }
}

static void
check_written(RuleCall *call, gboolean renamed)
{
    const Driver *driver = driver_of(call->iommu->iommu);
    g_autoptr(GList) names = written_names(call->iommu->iommu);

    for (const GList *it = names; it; it = it->next) {
        gboolean again = it->prev && strcmp(it->prev->data, it->data) == 0;

        if (!again && is_of_rule(driver, it->data, renamed))
            judge_property(call, driver, it->data);
    }
}

void
rule_stack_check_renamed(RuleCall *call)
{
    check_written(call, TRUE);
}

void
rule_stack_check_plain_property(RuleCall *call)
{
    check_written(call, FALSE);
}
