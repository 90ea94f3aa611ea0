/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an admin does next: to have an IOMMU at all, to free a group, to get a function to VFIO. */
#include "host-advice.h"
#include "host-isolation.h"

#include <string.h>

/* As the kernel reads a parameter of type bool: lib/kstrtox.c, kstrtobool() */
static gboolean
is_on(const char *value)
{
    return (*value && strchr("yYtT1", *value)) || g_ascii_strncasecmp(value, "on", 2) == 0;
}

/* A switch that is off unless the kernel's command line says otherwise */
static BaseTri
boots_with_switch(const ViommuHost *host, const char *name)
{
    g_auto(GStrv) words = NULL;
    BaseTri unsafe = BASE_NO;

    if (host->kernel_cmdline.state == BASE_STATE_UNKNOWN)
        return BASE_UNKNOWN;
    words = g_strsplit(host->kernel_cmdline.text ? host->kernel_cmdline.text : "", " ", -1);
    for (guint i = 0; words[i]; i++) {
        const char *value = g_str_has_prefix(words[i], name) ? words[i] + strlen(name) : "?";

        if (!*value || *value == '=')
            unsafe = base_tri(!*value || is_on(value + 1)); /* the last one counts */
    }
    return unsafe;
}

BaseTri
host_iommufd_is_unsafe(const ViommuHost *host)
{
    if (host->iommufd_unsafe_interrupts != BASE_UNKNOWN)
        return host->iommufd_unsafe_interrupts;
    return boots_with_switch(host, "iommufd.allow_unsafe_interrupts");
}

BaseTri
host_container_is_unsafe(const ViommuHost *host)
{
    if (host->unsafe_interrupts != BASE_UNKNOWN)
        return host->unsafe_interrupts;
    return boots_with_switch(host, "vfio_iommu_type1.allow_unsafe_interrupts");
}

gboolean
host_boots_with(const ViommuHost *host, const char *prefix)
{
    g_auto(GStrv) words = NULL;

    if (!host->kernel_cmdline.text)
        return FALSE;
    words = g_strsplit_set(host->kernel_cmdline.text, " \t\n", -1);
    for (guint i = 0; words[i]; i++) {
        if (g_str_has_prefix(words[i], prefix))
            return TRUE;
    }
    return FALSE;
}

gboolean
host_kernel_lacks(const ViommuHost *host, const char *option)
{
    const HostEntry *entry = host_facts_entry(host->options, option);

    return entry && g_strcmp0(entry->text.text, "n") == 0;
}

const char *
host_translation_step(const ViommuHost *host)
{
    if (g_strcmp0(host->arch.text, "x86_64") != 0) {
        if (host_kernel_lacks(host, "CONFIG_ARM_SMMU_V3"))
            return "a kernel with CONFIG_ARM_SMMU_V3";
        return "the firmware must describe an SMMU (ACPI IORT or device tree)";
    }
    if (host_boots_with(host, "intel_iommu=off"))
        return "boot without intel_iommu=off";
    if (host_boots_with(host, "amd_iommu=off"))
        return "boot without amd_iommu=off";
    if (host_boots_with(host, "iommu=off"))
        return "boot without iommu=off";
    if (host_kernel_lacks(host, "CONFIG_INTEL_IOMMU") &&
        host_kernel_lacks(host, "CONFIG_AMD_IOMMU"))
        return "a kernel with CONFIG_INTEL_IOMMU and CONFIG_AMD_IOMMU";
    if (host_boots_with(host, "intel_iommu=on"))
        return "switch VT-d on in the firmware";
    return "switch VT-d or AMD-Vi on in the firmware; Intel may need intel_iommu=on on the "
           "kernel's "
           "command line";
}

const char *
host_remapping_step(const ViommuHost *host)
{
    if (host_boots_with(host, "intremap=off"))
        return "boot without intremap=off";
    if (host_kernel_lacks(host, "CONFIG_IRQ_REMAP"))
        return "a kernel with CONFIG_IRQ_REMAP";
    return "switch interrupt remapping on in the firmware";
}

/* "0000:03:00.0, 0000:04:00.0 and 3 more" */
static char *
list_functions(const GPtrArray *devices)
{
    GString *list = g_string_new(NULL);

    for (guint i = 0; i < MIN(devices->len, 3); i++) {
        g_autofree char *address = base_pci_format(((HostDevice *)devices->pdata[i])->address);

        g_string_append_printf(list, "%s%s", i ? ", " : "", address);
    }
    if (devices->len > 3)
        g_string_append_printf(list, " and %u more", devices->len - 3);
    return g_string_free(list, FALSE);
}

/* A bridge whose driver keeps DMA for itself, as shpchp does; vfio-pci would not bind it. */
static char *
bridge_step(const ViommuHost *host, const HostGroup *group)
{
    g_autoptr(GPtrArray) blockers = host_group_blockers(host, group);

    for (guint i = 0; i < blockers->len; i++) {
        const HostDevice *bridge = blockers->pdata[i];
        g_autofree char *address = base_pci_format(bridge->address);

        if (host_device_is_bridge(bridge))
            return g_strdup_printf("free group %u: unbind %s from %s", group->id, address,
                                   bridge->driver.text);
    }
    return NULL;
}

/* Names the group, so that it is said once for all its members. */
static char *
group_step(const ViommuHost *host, const HostGroup *group)
{
    g_autoptr(GPtrArray) blockers = NULL;
    g_autofree char *list = NULL;

    /* Linux 7.2 Documentation/admin-guide/kernel-parameters.txt:5191 */
    if (host_boots_with(host, "pci=disable_acs_redir=") && host_group_acs_is_off(host, group))
        return g_strdup_printf("split group %u: boot without pci=disable_acs_redir", group->id);
    blockers = host_group_blockers(host, group);
    if (blockers->len == 0)
        return NULL;
    list = list_functions(blockers);
    return g_strdup_printf("free group %u: unbind %s, or bind %s to vfio-pci", group->id, list,
                           blockers->len > 1 ? "them" : "it");
}

char *
host_next_step(const ViommuHost *host, const HostDevice *device, const HostGroup *group,
               gboolean single, HostScope *ret_scope)
{
    g_autofree char *step = bridge_step(host, group);
    gboolean bound = device->driver.text && host_driver_leaves_dma(device->driver.text);

    *ret_scope = HOST_SCOPE_GROUP;
    if (!step && !single)
        step = group_step(host, group);
    if (step)
        return g_steal_pointer(&step);
    *ret_scope = HOST_SCOPE_DEVICE;
    if (device->driver.state == BASE_STATE_UNKNOWN || bound)
        return NULL;
    if (host_device_denied_as(device) && host->denylist_off != BASE_YES)
        return g_strdup("load vfio-pci with disable_denylist=1, without which it refuses");
    return g_strdup("bind to vfio-pci to assign it, or managed='yes'");
}
