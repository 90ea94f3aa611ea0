/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-advice.h"

#define VENDOR_INTEL 0x8086

/* What vfio-pci refuses to bind unless loaded with disable_denylist=1: QAT C3XXX, C62X, DH895XCC
 * and their VFs, DSA and IAX of Sapphire Rapids (Linux 7.2 drivers/vfio/pci/vfio_pci.c:63-82). */
static const guint16 denylist[] = {0x19e2, 0x19e3, 0x37c8, 0x37c9, 0x0435, 0x0443, 0x0b25, 0x0cfe};

static gboolean
is_denied(const HostDevice *device)
{
    if (device->vendor.value != VENDOR_INTEL || !base_u64_is_known(device->device))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(denylist); i++) {
        if (device->device.value == denylist[i])
            return TRUE;
    }
    return FALSE;
}

BaseTri
host_group_direct(const HostGroup *group)
{
    for (guint i = 0; i < group->reserved->len; i++) {
        if (g_array_index(group->reserved, HostRegion, i).type == HOST_REGION_DIRECT)
            return BASE_YES;
    }
    return group->reserved_state == BASE_STATE_KNOWN ? BASE_NO : BASE_UNKNOWN;
}

/* Other members of the group that are no bridges; *ret_first: one of them */
static guint
count_others(const ViommuHost *host, const HostGroup *group, const HostDevice *device,
             BasePci *ret_first)
{
    guint count = 0;

    for (guint i = 0; i < group->devices->len; i++) {
        BasePci address = g_array_index(group->devices, BasePci, i);
        const HostDevice *other = host_facts_device(host, address);

        if (base_pci_equal(address, device->address) || (other && host_device_is_bridge(other)))
            continue;
        if (count++ == 0)
            *ret_first = address;
    }
    return count;
}

static char *
describe_others(const ViommuHost *host, const HostGroup *group, const HostDevice *device)
{
    BasePci first = {0};
    guint count = count_others(host, group, device, &first);
    g_autofree char *address = base_pci_format(first);

    if (count == 1)
        return g_strdup_printf("shares group %u with %s: not for a vIOMMU", group->id, address);
    return g_strdup_printf("shares group %u with %u others: not for a vIOMMU", group->id,
                           count + group->other_members);
}

/* Such a function speaks with the bridge's requester ID as well; the kernel then refuses a virtual
 * device (one stream ID each: Linux 7.2 arm-smmu-v3-iommufd.c:292). */
static gboolean
behind_conventional_bridge(const ViommuHost *host, const HostGroup *group)
{
    for (guint i = 0; i < group->devices->len; i++) {
        const HostDevice *member =
            host_facts_device(host, g_array_index(group->devices, BasePci, i));

        if (member && member->pcie.state == BASE_STATE_KNOWN &&
            member->pcie.type == HOST_PCIE_TO_PCI_BRIDGE)
            return TRUE;
    }
    return FALSE;
}

/* Sets what stops it from being assigned at all, if anything does. */
static gboolean
is_unassignable(const HostDevice *device, const HostGroup *group, HostAdvice *ret)
{
    ret->ability = HOST_ABILITY_NONE;
    if (device->group.state == BASE_STATE_ABSENT || device->iommu.state == BASE_STATE_ABSENT)
        ret->next_step = g_strdup("no IOMMU translates it");
    else if (group && host_group_direct(group) == BASE_YES)
        ret->next_step = g_strdup("firmware keeps memory for its group (RMRR): Linux refuses it");
    return ret->next_step != NULL;
}

static guint
nested_pasid_bits(const ViommuHost *host, const HostIommu *iommu, const HostDevice *device)
{
    BaseU64 unit = host_pasid_bits(host, iommu);

    if (base_u64_is_known(device->max_pasid_log2))
        return (guint)device->max_pasid_log2.value;
    if (!base_u64_is_known(unit) || !base_u64_is_known(device->pcie.pasid_bits))
        return 0;
    return (guint)MIN(unit.value, device->pcie.pasid_bits.value);
}

static void
judge_modes(const ViommuHost *host, const HostDevice *device, const HostGroup *group,
            const HostIommu *iommu, HostAdvice *ret)
{
    g_autofree char *why = NULL;
    BaseTri nest =
        behind_conventional_bridge(host, group) ? BASE_NO : host_can_nest(host, iommu, NULL);
    BaseTri shadow = host_can_shadow(host, iommu, &why);

    if (shadow == BASE_NO) {
        ret->ability = HOST_ABILITY_NONE;
        ret->next_step = g_steal_pointer(&why);
        return;
    }
    if (nest == BASE_YES) {
        ret->ability = HOST_ABILITY_NESTED;
        ret->pasid_bits = nested_pasid_bits(host, iommu, device);
        return;
    }
    ret->ability = shadow == BASE_YES ? HOST_ABILITY_SHADOW : HOST_ABILITY_UNKNOWN;
    ret->maybe_nested = nest == BASE_UNKNOWN;
}

/* The one thing that an admin would do next. */
static char *
next_step(const ViommuHost *host, const HostDevice *device, const HostGroup *group, gboolean single)
{
    if (device->driver.state == BASE_STATE_UNKNOWN)
        return NULL;
    if (!device->driver.text || !host_driver_leaves_dma(device->driver.text)) {
        if (is_denied(device))
            return g_strdup("vfio-pci refuses it unless loaded with disable_denylist=1");
        if (single || !device->driver.text)
            return g_strdup("bind to vfio-pci, or managed='yes'");
        return g_strdup_printf("blocks group %u: bind to vfio-pci or unbind", group->id);
    }
    return single ? NULL : describe_others(host, group, device);
}

void
host_advise(const ViommuHost *host, const HostDevice *device, HostAdvice *ret)
{
    const HostGroup *group = NULL;
    const HostIommu *iommu = host_facts_iommu(host, device->iommu.text);
    BaseU64 endpoints;
    gboolean single;

    *ret = (HostAdvice){0};
    if (base_u64_is_known(device->group))
        group = host_facts_group(host, (guint)device->group.value);
    if (is_unassignable(device, group, ret))
        return;
    ret->ability = HOST_ABILITY_UNKNOWN;
    if (!iommu || !group)
        return;
    judge_modes(host, device, group, iommu, ret);
    if (ret->ability == HOST_ABILITY_NONE)
        return;
    endpoints = host_group_endpoints(host, group);
    single = base_u64_is_known(endpoints) && endpoints.value == 1;
    if (!base_u64_is_known(endpoints)) {
        ret->ability = HOST_ABILITY_UNKNOWN;
    } else if (!single) {
        ret->ability = HOST_ABILITY_PLAIN;
        ret->maybe_nested = FALSE;
        ret->pasid_bits = 0;
    }
    ret->next_step = next_step(host, device, group, single || !base_u64_is_known(endpoints));
}

void
host_advice_clear(HostAdvice *advice)
{
    g_clear_pointer(&advice->next_step, g_free);
}
