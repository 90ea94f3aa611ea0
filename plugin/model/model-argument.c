/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vIOMMUs and assigned devices that libvirt does not know of: they hide in <qemu:commandline>. */
#include <string.h>

#include "base-json.h"
#include "model-private.h"

static const struct {
    const char *driver;
    ModelIommuKind kind;
} drivers[] = {
    {"intel-iommu", MODEL_IOMMU_INTEL},       {"amd-iommu", MODEL_IOMMU_AMD},
    {"virtio-iommu-pci", MODEL_IOMMU_VIRTIO}, {"virtio-iommu", MODEL_IOMMU_VIRTIO},
    {"arm-smmuv3", MODEL_IOMMU_SMMUV3},
};

static gboolean
driver_kind(const char *driver, ModelIommuKind *ret)
{
    for (guint i = 0; i < G_N_ELEMENTS(drivers); i++) {
        if (strcmp(drivers[i].driver, driver) == 0) {
            *ret = drivers[i].kind;
            return TRUE;
        }
    }
    return FALSE;
}

/* "key=value"; a bare key means on and "nokey" means nothing to us. */
static void
set_option(GHashTable *options, const char *text)
{
    const char *equals = strchr(text, '=');

    if (equals)
        g_hash_table_insert(options, g_strndup(text, (gsize)(equals - text)), g_strdup(equals + 1));
    else if (*text)
        g_hash_table_insert(options, g_strdup(text), g_strdup("on"));
}

/* QEMU's own option text: a comma separates, two commas stand for one. (transfer full) */
static GPtrArray *
split_options(const char *text)
{
    GPtrArray *parts = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) part = g_string_new(NULL);

    for (; *text; text++) {
        if (*text != ',' || text[1] == ',') {
            text += *text == ',';
            g_string_append_c(part, *text);
            continue;
        }
        g_ptr_array_add(parts, g_strdup(part->str));
        g_string_truncate(part, 0);
    }
    g_ptr_array_add(parts, g_strdup(part->str));
    return parts;
}

static void
add_json_options(GHashTable *options, BaseJson *object)
{
    g_autoptr(GPtrArray) keys = base_json_members(object);

    for (guint i = 0; i < keys->len; i++) {
        BaseJson *value = json_object_object_get(object, keys->pdata[i]);
        const char *text = json_object_is_type(value, json_type_boolean)
                               ? (json_object_get_boolean(value) ? "on" : "off")
                               : json_object_get_string(value);

        g_hash_table_insert(options, g_strdup(keys->pdata[i]), g_strdup(text ? text : ""));
    }
}

/* The options of `-device`, in either of QEMU's notations; "driver" is the device's name. */
static GHashTable *
parse_device(const char *text)
{
    GHashTable *options = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GPtrArray) parts = NULL;

    if (*text == '{') {
        g_autoptr(BaseJson) json = base_json_parse(text, strlen(text), "-device", NULL);

        if (json_object_is_type(json, json_type_object))
            add_json_options(options, json);
        return options;
    }
    parts = split_options(text);
    for (guint i = 0; i < parts->len; i++) {
        const char *part = parts->pdata[i];

        if (i == 0 && !strchr(part, '='))
            g_hash_table_insert(options, g_strdup("driver"), g_strdup(part));
        else
            set_option(options, part);
    }
    return options;
}

static void
add_hidden(ViommuDomain *domain, xmlNode *node, ModelIommuKind kind, const char *driver,
           GHashTable *options)
{
    ModelIommu *iommu = model_iommu_new();
    GHashTableIter iter;
    gpointer key, value;

    iommu->node = node;
    iommu->commandline = TRUE;
    iommu->kind = kind;
    iommu->model = g_strdup(driver);
    g_hash_table_iter_init(&iter, options);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        if (strcmp(key, "driver") != 0 && strcmp(key, "id") != 0)
            g_hash_table_insert(iommu->attributes, g_strdup(key), g_strdup(value));
    }
    iommu->alias = g_strdup(g_hash_table_lookup(options, "id"));
    iommu->address.kind = kind == MODEL_IOMMU_VIRTIO || kind == MODEL_IOMMU_AMD
                              ? MODEL_ADDRESS_UNKNOWN
                              : MODEL_ADDRESS_NONE;
    g_ptr_array_add(domain->iommus, iommu);
}

static void
read_device(ViommuDomain *domain, xmlNode *node, const char *value)
{
    g_autoptr(GHashTable) options = parse_device(value);
    const char *driver = g_hash_table_lookup(options, "driver");
    ModelIommuKind kind;

    if (driver && driver_kind(driver, &kind))
        add_hidden(domain, node, kind, driver, options);
    else if (g_strcmp0(driver, "vfio-pci") == 0 || g_strcmp0(driver, "vfio-pci-nohotplug") == 0)
        g_ptr_array_add(domain->hidden_hostdevs, node);
}

/* -machine …,iommu=smmuv3 (or intel, on old QEMU) */
static void
read_machine(ViommuDomain *domain, xmlNode *node, const char *value)
{
    g_autoptr(GHashTable) options = parse_device(value);
    g_autoptr(GHashTable) none = g_hash_table_new(g_str_hash, g_str_equal);
    const char *model = g_hash_table_lookup(options, "iommu");

    if (g_strcmp0(model, "smmuv3") == 0)
        add_hidden(domain, node, MODEL_IOMMU_SMMUV3, "smmuv3", none);
    else if (g_strcmp0(model, "intel") == 0)
        add_hidden(domain, node, MODEL_IOMMU_INTEL, "intel-iommu", none);
}

/* -global DRIVER.property=value, or -global driver=…,property=…,value=… */
static void
read_global(ViommuDomain *domain, const char *text)
{
    g_autofree char *driver = NULL, *property = NULL, *value = NULL;
    const char *dot = strchr(text, '.');
    const char *equals = strchr(text, '=');
    ModelIommuKind kind;

    if (dot && equals && dot < equals) {
        driver = g_strndup(text, (gsize)(dot - text));
        property = g_strndup(dot + 1, (gsize)(equals - dot - 1));
        value = g_strdup(equals + 1);
    } else {
        g_autoptr(GHashTable) options = parse_device(text);

        driver = g_strdup(g_hash_table_lookup(options, "driver"));
        property = g_strdup(g_hash_table_lookup(options, "property"));
        value = g_strdup(g_hash_table_lookup(options, "value"));
    }
    if (!driver || !property || !value || !driver_kind(driver, &kind))
        return;
    for (guint i = 0; i < domain->iommus->len; i++) {
        ModelIommu *iommu = domain->iommus->pdata[i];

        if (iommu->kind == kind)
            g_hash_table_replace(iommu->globals, g_strdup(property), g_strdup(value));
    }
}

static void
each_option(ViommuDomain *domain, gboolean globals)
{
    for (guint i = 0; i + 1 < domain->arguments->len; i++) {
        g_autofree char *option = model_attribute(domain->arguments->pdata[i], "value");
        g_autofree char *value = model_attribute(domain->arguments->pdata[i + 1], "value");
        const char *name = option ? option : "";

        name += g_str_has_prefix(name, "--") ? 1 : 0;
        if (!value)
            continue;
        if (globals && strcmp(name, "-global") == 0)
            read_global(domain, value);
        else if (!globals && strcmp(name, "-device") == 0)
            read_device(domain, domain->arguments->pdata[i + 1], value);
        else if (!globals && (strcmp(name, "-machine") == 0 || strcmp(name, "-M") == 0))
            read_machine(domain, domain->arguments->pdata[i + 1], value);
    }
}

void
model_read_arguments(ViommuDomain *domain)
{
    for (xmlNode *node = model_first_element(domain->root); node; node = model_next_element(node))
        if (model_is_in(node, "commandline", MODEL_QEMU_NAMESPACE))
            domain->commandline = node;
    for (xmlNode *node = model_first_element(domain->commandline); node;
         node = model_next_element(node))
        if (model_is_in(node, "arg", MODEL_QEMU_NAMESPACE))
            g_ptr_array_add(domain->arguments, node);
    each_option(domain, FALSE);
    each_option(domain, TRUE);
}
