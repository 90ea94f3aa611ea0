/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* IOMMU groups: who blocks one, and how many functions it really has. */
#include "host-decode.h"

#include <string.h>

static gboolean
listed(const GArray *addresses, BasePci address)
{
    for (guint i = 0; addresses && i < addresses->len; i++) {
        if (base_pci_equal(g_array_index(addresses, BasePci, i), address))
            return TRUE;
    }
    return FALSE;
}

/* Drivers with driver_managed_dma: the vfio family, pci-stub and pcieport (Linux 7.2
 * pci/pcie/portdrv.c:801, pci/pci-stub.c:39, vfio/). Variant drivers are named after their
 * module: nvgrace_gpu_vfio_pci, mlx5_vfio_pci; xe-vfio-pci is not. */
gboolean
host_driver_leaves_dma(const char *driver)
{
    return strcmp(driver, "pci-stub") == 0 || strcmp(driver, "pcieport") == 0 ||
           g_str_has_prefix(driver, "vfio-") || g_str_has_suffix(driver, "vfio_pci") ||
           g_str_has_suffix(driver, "vfio-pci");
}

BaseTri
host_group_viable(const ViommuHost *host, const HostGroup *group, const GArray *managed,
                  const HostDevice **ret_blocker)
{
    BaseTri viable = BASE_YES;

    if (ret_blocker)
        *ret_blocker = NULL;
    /* members that are not PCI functions count too, and nobody told us their drivers */
    if (group->devices_state != BASE_STATE_KNOWN || group->other_members > 0)
        viable = BASE_UNKNOWN;
    for (guint i = 0; i < group->devices->len; i++) {
        BasePci address = g_array_index(group->devices, BasePci, i);
        const HostDevice *device = host_facts_device(host, address);

        if (listed(managed, address) || (device && device->driver.state == BASE_STATE_ABSENT))
            continue;
        if (!device || !device->driver.text) {
            viable = BASE_UNKNOWN;
            continue;
        }
        if (host_driver_leaves_dma(device->driver.text))
            continue;
        if (ret_blocker)
            *ret_blocker = device;
        return BASE_NO;
    }
    return viable;
}

GPtrArray *
host_group_blockers(const ViommuHost *host, const HostGroup *group)
{
    GPtrArray *blockers = g_ptr_array_new();

    for (guint i = 0; i < group->devices->len; i++) {
        const HostDevice *device =
            host_facts_device(host, g_array_index(group->devices, BasePci, i));

        if (device && device->driver.text && !host_driver_leaves_dma(device->driver.text))
            g_ptr_array_add(blockers, (gpointer)device);
    }
    return blockers;
}

gboolean
host_group_is_noiommu(const HostGroup *group)
{
    return g_strcmp0(group->name.text, "vfio-noiommu") == 0 && group->devices->len > 0;
}

/* PCI-to-PCI and ISA bridges, which the kernel tolerates in a singleton group */
gboolean
host_device_is_bridge(const HostDevice *device)
{
    guint64 class = base_bits(device->class.value, 23, 8);

    return base_u64_is_known(device->class) && (class == 0x0604 || class == 0x0601);
}

BaseU64
host_group_endpoints(const ViommuHost *host, const HostGroup *group)
{
    guint64 count = group->other_members;

    if (group->devices_state != BASE_STATE_KNOWN)
        return (BaseU64){0};
    for (guint i = 0; i < group->devices->len; i++) {
        const HostDevice *device =
            host_facts_device(host, g_array_index(group->devices, BasePci, i));

        if (!device || !base_u64_is_known(device->class))
            return (BaseU64){0};
        if (!host_device_is_bridge(device))
            count++;
    }
    return base_u64(count);
}
