/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-advice.h"

#include "host-isolation.h"

#define VENDOR_INTEL 0x8086

/* What vfio-pci refuses to bind unless loaded with disable_denylist=1 (Linux 7.2
 * drivers/vfio/pci/vfio_pci.c:63-82 with include/linux/pci_ids.h) */
static const struct {
    guint16 device;
    const char *what;
} denylist[] = {
    {0x19e2, "QAT C3xxx"},
    {0x19e3, "QAT C3xxx VF"},
    {0x37c8, "QAT C62x"},
    {0x37c9, "QAT C62x VF"},
    {0x0435, "QAT DH895xCC"},
    {0x0443, "QAT DH895xCC VF"},
    {0x0b25, "DSA, Sapphire Rapids"},
    {0x0cfe, "IAX, Sapphire Rapids"},
};

const char *
host_device_denied_as(const HostDevice *device)
{
    if (device->vendor.value != VENDOR_INTEL || !base_u64_is_known(device->device))
        return NULL;
    for (guint i = 0; i < G_N_ELEMENTS(denylist); i++) {
        if (device->device.value == denylist[i].device)
            return denylist[i].what;
    }
    return NULL;
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

/* (transfer full): by whom a group is shared, by name where they are few */
static char *
describe_shared(const ViommuHost *host, const HostGroup *group)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *list = NULL;

    for (guint i = 0; i < group->devices->len; i++) {
        BasePci address = g_array_index(group->devices, BasePci, i);
        const HostDevice *device = host_facts_device(host, address);

        if (!device || !host_device_is_bridge(device))
            g_ptr_array_add(names, base_pci_format(address));
    }
    if (group->other_members > 0)
        g_ptr_array_add(names,
                        g_strdup_printf("%u that are no PCI functions", group->other_members));
    if (names->len > 3)
        return g_strdup_printf("shared by %u functions: plain DMA only, no vIOMMU",
                               names->len - (group->other_members > 0) + group->other_members);
    g_ptr_array_add(names, NULL);
    list = g_strjoinv(" and ", (char **)names->pdata);
    return g_strdup_printf("shared by %s: plain DMA only, no vIOMMU", list);
}

/* Such a function speaks with the bridge's requester ID as well; the kernel then refuses a virtual
 * device (one stream ID each: Linux 7.2 arm-smmu-v3-iommufd.c:292). */
static gboolean
behind_conventional_bridge(const ViommuHost *host, const HostGroup *group)
{
    for (guint i = 0; i < group->devices->len; i++) {
        const HostDevice *member =
            host_facts_device(host, g_array_index(group->devices, BasePci, i));

        if (member && base_bits(member->class.value, 23, 8) == 0x0604 &&
            host_bridge_is_conventional(member))
            return TRUE;
    }
    return FALSE;
}

static void
set_reason(HostAdvice *advice, HostScope scope, const char *reason)
{
    g_free(advice->reason);
    advice->scope = scope;
    advice->reason = g_strdup(reason);
}

/* AMD's have a class of their own (PCI Code and ID Assignment Specification, 08h 06h); virtio-iommu
 * is named by its function. */
static gboolean
is_iommu(const ViommuHost *host, const HostDevice *device)
{
    g_autofree char *address = base_pci_format(device->address);

    return (base_u64_is_known(device->class) && base_bits(device->class.value, 23, 8) == 0x0806) ||
           host_facts_iommu(host, address);
}

static void
judge_untranslated(const ViommuHost *host, const HostDevice *device, HostAdvice *ret)
{
    if (is_iommu(host, device)) {
        set_reason(ret, HOST_SCOPE_DEVICE, "it is an IOMMU itself");
        return;
    }
    set_reason(ret, HOST_SCOPE_DEVICE, "no IOMMU translates it");
    if (host->iommus->len > 0)
        ret->next_step = g_strdup("another slot: the firmware puts no IOMMU before this one");
}

static void
judge_direct(const ViommuHost *host, const HostDevice *device, const HostGroup *group,
             HostAdvice *ret)
{
    static const char *const names[] = {
        [HOST_IOMMU_VTD] = "RMRR", [HOST_IOMMU_AMD] = "IVMD", [HOST_IOMMU_SMMUV3] = "RMR"};
    const HostIommu *iommu = host_facts_iommu(host, device->iommu.text);
    const char *name = iommu && iommu->type <= HOST_IOMMU_SMMUV3 ? names[iommu->type] : NULL;
    g_autofree char *reason = NULL;

    name = name ? name : "direct region";
    reason = g_strdup_printf(
        "firmware keeps memory for its functions (%s): Linux refuses to assign them", name);
    set_reason(ret, HOST_SCOPE_GROUP, reason);
    ret->step_scope = HOST_SCOPE_GROUP;
    ret->next_step = g_strdup_printf("group %u needs another slot, or a firmware option of the "
                                     "platform's vendor that takes its %s away",
                                     group->id, name);
}

/* Sets what stops it from being assigned at all, if anything does. */
static gboolean
is_unassignable(const ViommuHost *host, const HostDevice *device, const HostGroup *group,
                HostAdvice *ret)
{
    ret->ability = HOST_ABILITY_NONE;
    if (group && host_group_is_noiommu(group)) {
        set_reason(ret, HOST_SCOPE_DEVICE,
                   "no IOMMU translates it: VFIO gives it to privileged programs, not to guests");
    } else if (device->group.state == BASE_STATE_ABSENT ||
               device->iommu.state == BASE_STATE_ABSENT) {
        judge_untranslated(host, device, ret);
    } else if (group && host_group_direct(group) == BASE_YES) {
        judge_direct(host, device, group, ret);
    }
    return ret->reason != NULL;
}

static guint
nested_pasid_bits(const ViommuHost *host, const HostIommu *iommu, const HostDevice *device)
{
    BaseU64 unit = host_pasid_bits(host, iommu);

    if (base_u64_is_known(device->max_pasid_log2))
        return (guint)device->max_pasid_log2.value;
    if (host_gives_pasids(host) == BASE_NO || !base_u64_is_known(unit) ||
        !base_u64_is_known(device->pcie.pasid_bits))
        return 0;
    return (guint)MIN(unit.value, device->pcie.pasid_bits.value);
}

static void
judge_modes(const ViommuHost *host, const HostDevice *device, const HostGroup *group,
            const HostIommu *iommu, HostAdvice *ret)
{
    g_autofree char *why_shadow = NULL;
    g_autofree char *why_nest = NULL;
    BaseTri nest = host_can_nest(host, iommu, &why_nest);
    BaseTri shadow = host_can_shadow(host, iommu, &why_shadow);

    if (shadow != BASE_YES)
        set_reason(ret, HOST_SCOPE_IOMMU, why_shadow);
    else
        set_reason(ret, HOST_SCOPE_IOMMU, why_nest);
    if (nest != BASE_NO && behind_conventional_bridge(host, group)) {
        nest = BASE_NO;
        set_reason(ret, HOST_SCOPE_DEVICE, "behind a conventional bridge: cannot be nested");
    }
    if (shadow == BASE_NO) {
        ret->ability = HOST_ABILITY_NONE;
    } else if (nest == BASE_YES) {
        ret->ability = HOST_ABILITY_NESTED;
        ret->pasid_bits = nested_pasid_bits(host, iommu, device);
    } else {
        ret->ability = shadow == BASE_YES ? HOST_ABILITY_SHADOW : HOST_ABILITY_UNKNOWN;
        ret->maybe_nested = nest == BASE_UNKNOWN;
    }
}

/* What its group takes away of what its IOMMU gives */
static void
judge_group(const ViommuHost *host, const HostDevice *device, const HostGroup *group,
            HostAdvice *ret)
{
    BaseU64 endpoints = host_group_endpoints(host, group);
    gboolean single = !base_u64_is_known(endpoints) || endpoints.value == 1;

    if (!base_u64_is_known(endpoints)) {
        ret->ability = HOST_ABILITY_UNKNOWN;
        set_reason(ret, HOST_SCOPE_GROUP, "what else it holds is not known");
    } else if (!single) {
        g_autofree char *reason = describe_shared(host, group);

        ret->ability = HOST_ABILITY_PLAIN;
        ret->maybe_nested = FALSE;
        ret->pasid_bits = 0;
        set_reason(ret, HOST_SCOPE_GROUP, reason);
    }
    ret->next_step = host_next_step(host, device, group, single, &ret->step_scope);
}

void
host_advise(const ViommuHost *host, const HostDevice *device, HostAdvice *ret)
{
    const HostGroup *group = NULL;
    const HostIommu *iommu = host_facts_iommu(host, device->iommu.text);

    *ret = (HostAdvice){0};
    if (base_u64_is_known(device->group))
        group = host_facts_group(host, (guint)device->group.value);
    /* vfio-pci binds no bridge: Linux 7.2 drivers/vfio/pci/vfio_pci_core.c, header type 0 alone */
    if (host_device_is_bridge(device)) {
        ret->ability = HOST_ABILITY_NONE;
        set_reason(ret, HOST_SCOPE_DEVICE, "a bridge is not assigned");
        return;
    }
    if (is_unassignable(host, device, group, ret))
        return;
    ret->ability = HOST_ABILITY_UNKNOWN;
    if (!iommu || !group) {
        set_reason(ret, HOST_SCOPE_DEVICE, "its IOMMU or its group is not known");
        return;
    }
    judge_modes(host, device, group, iommu, ret);
    if (ret->ability != HOST_ABILITY_NONE)
        judge_group(host, device, group, ret);
}

void
host_advice_clear(HostAdvice *advice)
{
    g_clear_pointer(&advice->reason, g_free);
    g_clear_pointer(&advice->next_step, g_free);
}
