/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base-text.h"
#include "model-private.h"

void
model_override_free(ModelOverride *override)
{
    if (!override)
        return;
    g_free(override->alias);
    g_ptr_array_unref(override->names);
    g_ptr_array_unref(override->types);
    g_ptr_array_unref(override->values);
    g_free(override);
}

/* libvirt keeps an alias only if it begins with "ua-" and consists of these characters
 * (virDomainDeviceInfoParseXML, 11.3, conf/domain_conf.c:5831); others are dropped in silence. */
static gboolean
is_user_alias(const char *alias)
{
    return alias && g_str_has_prefix(alias, "ua-") &&
           strspn(alias, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
               strlen(alias);
}

/* Whether @alias is the user alias of @node or, where that has none, @prefix and @number. */
static gboolean
alias_fits(const char *alias, const char *written, const char *prefix, guint number)
{
    g_autofree char *usual = g_strdup_printf("%s%u", prefix, number);

    return strcmp(alias, is_user_alias(written) ? written : usual) == 0;
}

/* A machine-wide SMMU is a machine option and no device, so it has no alias. */
static gboolean
is_machine_option(const ModelIommu *iommu)
{
    return iommu->kind == MODEL_IOMMU_SMMUV3 && !g_hash_table_contains(iommu->attributes, "pciBus");
}

static gboolean
is_iommu_alias(const ViommuDomain *domain, const char *alias)
{
    for (guint i = 0; i < domain->iommus->len; i++) {
        const ModelIommu *iommu = domain->iommus->pdata[i];

        if (!iommu->commandline && !is_machine_option(iommu) &&
            alias_fits(alias, iommu->alias, "iommu", i))
            return TRUE;
    }
    return FALSE;
}

static gboolean
is_controller_alias(const ViommuDomain *domain, const char *alias)
{
    for (guint i = 0; i < domain->controllers->len; i++) {
        const ModelController *controller = domain->controllers->pdata[i];

        if (alias_fits(alias, controller->alias,
                       controller->kind == MODEL_BUS_PCIE_ROOT ? "pcie." : "pci.",
                       controller->index))
            return TRUE;
    }
    return FALSE;
}

/* libvirt numbers the interfaces of type hostdev before the hostdevs, each by its place. */
static const xmlNode *
hostdev_of_alias(const ViommuDomain *domain, const char *alias)
{
    static const char *const elements[] = {"interface", "hostdev"};
    guint number = 0;

    for (guint i = 0; i < G_N_ELEMENTS(elements); i++) {
        for (const xmlNode *node = model_child(domain->devices, elements[i]); node;
             node = model_next(node, elements[i])) {
            g_autofree char *written = model_alias(node);

            if (i == 0 && !model_attribute_is(node, "type", "hostdev"))
                continue;
            if (alias_fits(alias, written, "hostdev", number++))
                return node;
        }
    }
    return NULL;
}

/* Default aliases of other devices: a class name and numbers. Whether that very device exists is
 * not told here; "matched" must be FALSE only where libvirt surely ignores the entry. */
static gboolean
may_be_other_alias(const char *alias)
{
    static const char *const classes[] = {
        "virtio-disk", "scsi",      "sata",       "ide",    "fdc",     "usb",       "virtio-serial",
        "ccid",        "net",       "video",      "sound",  "balloon", "rng",       "input",
        "watchdog",    "vsock",     "fs",         "tpm",    "shmem",   "serial",    "console",
        "channel",     "parallel",  "dimm",       "nvdimm", "redir",   "crypto",    "panic",
        "pstore",      "virtiomem", "virtiopmem", "hub",    "audio",   "smartcard", "nvram",
        "epc",         NULL};
    g_autofree char *stem = g_strndup(alias, strcspn(alias, "0123456789"));

    return g_strv_contains(classes, stem);
}

static gboolean
stands_for_no_device(const ViommuDomain *domain, const xmlNode *node)
{
    for (guint i = 0; i < domain->iommus->len; i++) {
        const ModelIommu *iommu = domain->iommus->pdata[i];

        if (iommu->node == node)
            return is_machine_option(iommu);
    }
    return FALSE;
}

static gboolean
some_device_is_called(const ViommuDomain *domain, const char *alias)
{
    if (is_iommu_alias(domain, alias) || is_controller_alias(domain, alias) ||
        hostdev_of_alias(domain, alias) || may_be_other_alias(alias))
        return TRUE;
    for (const xmlNode *node = model_first_element(domain->devices); node;
         node = model_next_element(node)) {
        g_autofree char *written = model_alias(node);

        if (is_user_alias(written) && strcmp(written, alias) == 0)
            return !stands_for_no_device(domain, node);
    }
    return FALSE;
}

static void
read_properties(ModelOverride *override)
{
    xmlNode *frontend = model_first_element(override->node);

    while (frontend && !model_is_in(frontend, "frontend", MODEL_QEMU_NAMESPACE))
        frontend = model_next_element(frontend);
    for (xmlNode *node = model_first_element(frontend); node; node = model_next_element(node)) {
        g_autofree char *name = model_attribute(node, "name");
        g_autofree char *type = model_attribute(node, "type");
        g_autofree char *value = model_attribute(node, "value");

        if (!model_is_in(node, "property", MODEL_QEMU_NAMESPACE) || !name)
            continue;
        g_ptr_array_add(override->names, g_steal_pointer(&name));
        g_ptr_array_add(override->types, type ? g_steal_pointer(&type) : g_strdup(""));
        g_ptr_array_add(override->values, value ? g_steal_pointer(&value) : g_strdup(""));
    }
}

/* The alias of an amd vIOMMU belongs to its helper device: no override reaches the vIOMMU. */
static gboolean
can_be_overridden(const ModelIommu *iommu)
{
    return !iommu->commandline && iommu->kind != MODEL_IOMMU_AMD && !is_machine_option(iommu);
}

static void
keep_properties(GHashTable *properties, const ModelOverride *override)
{
    for (guint i = 0; i < override->names->len; i++) {
        gboolean removed = strcmp(override->types->pdata[i], "remove") == 0;

        g_hash_table_replace(properties, g_strdup(override->names->pdata[i]),
                             g_strdup(removed ? "" : override->values->pdata[i]));
    }
}

/* An assigned device gets its iommufd by a property, whoever writes that. */
static void
apply_to_hostdev(const ViommuDomain *domain, const ModelOverride *override)
{
    const xmlNode *node = hostdev_of_alias(domain, override->alias);

    for (guint i = 0; node && i < domain->hostdevs->len; i++) {
        ModelHostdev *hostdev = domain->hostdevs->pdata[i];
        const char *iommufd;

        if (hostdev->node != node)
            continue;
        keep_properties(hostdev->properties, override);
        iommufd = g_hash_table_lookup(hostdev->properties, "iommufd");
        hostdev->iommufd_by_hand = iommufd && *iommufd;
        if (hostdev->iommufd_by_hand)
            hostdev->iommufd = BASE_YES;
    }
}

static void
apply(const ViommuDomain *domain, const ModelOverride *override)
{
    for (guint i = 0; i < domain->iommus->len; i++) {
        ModelIommu *iommu = domain->iommus->pdata[i];

        if (can_be_overridden(iommu) && alias_fits(override->alias, iommu->alias, "iommu", i))
            keep_properties(iommu->properties, override);
    }
}

void
model_read_overrides(ViommuDomain *domain)
{
    for (xmlNode *node = model_first_element(domain->root); node; node = model_next_element(node))
        if (model_is_in(node, "override", MODEL_QEMU_NAMESPACE))
            domain->override_root = node;
    for (xmlNode *node = model_first_element(domain->override_root); node;
         node = model_next_element(node)) {
        g_autofree char *alias = base_one_line(model_attribute(node, "alias"));
        ModelOverride *override;

        if (!model_is_in(node, "device", MODEL_QEMU_NAMESPACE) || !alias)
            continue;
        override = g_new0(ModelOverride, 1);
        override->node = node;
        override->alias = g_steal_pointer(&alias);
        override->names = g_ptr_array_new_with_free_func(g_free);
        override->types = g_ptr_array_new_with_free_func(g_free);
        override->values = g_ptr_array_new_with_free_func(g_free);
        read_properties(override);
        override->matched = some_device_is_called(domain, override->alias);
        g_ptr_array_add(domain->overrides, override);
        apply(domain, override);
        apply_to_hostdev(domain, override);
    }
}
