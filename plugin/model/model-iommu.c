/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "model-private.h"

/* libvirt 11.3, qemu_domain.h: QEMU_MAX_VCPUS_WITHOUT_EIM */
#define MAX_VCPUS_WITHOUT_EIM 255

static const struct {
    const char *model;
    ModelIommuKind kind;
} models[] = {
    {"intel", MODEL_IOMMU_INTEL},
    {"amd", MODEL_IOMMU_AMD},
    {"virtio", MODEL_IOMMU_VIRTIO},
    {"smmuv3", MODEL_IOMMU_SMMUV3},
};

ModelIommu *
model_iommu_new(void)
{
    ModelIommu *iommu = g_new0(ModelIommu, 1);

    iommu->kind = MODEL_IOMMU_OTHER;
    iommu->attributes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    iommu->properties = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    iommu->globals = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return iommu;
}

void
model_iommu_free(ModelIommu *iommu)
{
    if (!iommu)
        return;
    g_free(iommu->alias);
    g_free(iommu->model);
    g_hash_table_unref(iommu->attributes);
    g_hash_table_unref(iommu->properties);
    g_hash_table_unref(iommu->globals);
    g_free(iommu);
}

static void
read_driver(ModelIommu *iommu)
{
    for (const xmlAttr *attr = iommu->driver ? iommu->driver->properties : NULL; attr;
         attr = attr->next) {
        if (!attr->ns)
            g_hash_table_insert(iommu->attributes, g_strdup((const char *)attr->name),
                                model_attribute(iommu->driver, (const char *)attr->name));
    }
}

static BaseU64
read_granule(const xmlNode *driver)
{
    const xmlNode *granule = model_child(driver, "granule");
    g_autofree char *unit = model_attribute(granule, "unit");
    BaseU64 size = model_number(granule, "size", 10);
    guint64 bytes;

    if (!granule)
        return (BaseU64){0};
    if (model_attribute_is(granule, "mode", "host"))
        return base_u64_absent();
    if (base_u64_is_known(size) && model_scale(size.value, unit && *unit ? unit : "KiB", &bytes))
        return base_u64(bytes);
    return (BaseU64){0};
}

static void
read_iommu(ViommuDomain *domain, xmlNode *node)
{
    ModelIommu *iommu = model_iommu_new();

    iommu->node = node;
    iommu->alias = model_alias(node);
    iommu->model = model_attribute(node, "model");
    for (guint i = 0; i < G_N_ELEMENTS(models); i++)
        if (g_strcmp0(models[i].model, iommu->model) == 0)
            iommu->kind = models[i].kind;
    if (!iommu->model)
        iommu->model = g_strdup(MODEL_NO_IOMMU_MODEL);
    iommu->driver = model_child(node, "driver");
    read_driver(iommu);
    iommu->granule = read_granule(iommu->driver);
    iommu->address = model_guest_address(node);
    if (iommu->kind != MODEL_IOMMU_VIRTIO && iommu->kind != MODEL_IOMMU_AMD)
        iommu->address.kind = MODEL_ADDRESS_NONE;
    g_ptr_array_add(domain->iommus, iommu);
}

/* libvirt 10.10 and newer add this one at define (qemu_postparse.c:1453 in 11.3). */
static void
add_implicit(ViommuDomain *domain)
{
    ModelIommu *iommu = model_iommu_new();

    iommu->implicit = TRUE;
    iommu->kind = MODEL_IOMMU_INTEL;
    iommu->model = g_strdup("intel");
    g_hash_table_insert(iommu->attributes, g_strdup("intremap"), g_strdup("on"));
    g_hash_table_insert(iommu->attributes, g_strdup("eim"), g_strdup("on"));
    g_ptr_array_add(domain->iommus, iommu);
}

void
model_read_iommus(ViommuDomain *domain)
{
    for (xmlNode *node = model_child(domain->devices, "iommu"); node;
         node = model_next(node, "iommu"))
        read_iommu(domain, node);
    if (domain->iommus->len == 0 && domain->is_q35 && domain->vcpus > MAX_VCPUS_WITHOUT_EIM)
        add_implicit(domain);
}
