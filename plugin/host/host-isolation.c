/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why functions share a group, worked out from topology and ACS as the kernel does it (Linux 7.2
 * drivers/iommu/iommu.c pci_device_group(), drivers/pci/pci.c pci_acs_enabled()). The kernel also
 * knows quirks, firmware and pcie_acs_override, which no config space shows: the groups are a
 * fact, and this only explains them.
 */
#include "host-isolation.h"

#include "base-text.h"

/* REQ_ACS_FLAGS, Linux 7.2 include/linux/pci-acs.h or drivers/iommu/iommu.c */
#define NEEDED_ACS (HOST_ACS_SV | HOST_ACS_RR | HOST_ACS_CR | HOST_ACS_UF)
#define DEPTH      32 /* bridges above each other; PCI has 256 buses */

static const HostDevice *
find(const ViommuHost *host, BaseText text)
{
    BasePci address;

    if (text.state != BASE_STATE_KNOWN || !base_pci_parse(text.text, &address))
        return NULL;
    return host_facts_device(host, address);
}

const HostDevice *
host_device_parent(const ViommuHost *host, const HostDevice *device)
{
    return find(host, device->parent);
}

/* Whether the bridge above is known, or known not to be there. */
static gboolean
knows_parent(const ViommuHost *host, const HostDevice *device)
{
    return device->parent.state == BASE_STATE_ABSENT || host_device_parent(host, device);
}

static gboolean
is_virtual(const HostDevice *device)
{
    return device->physfn.state == BASE_STATE_KNOWN;
}

#define FUNCTIONS 8 /* of a slot */

/* (nullable): the function of @device's slot with that number; VFs are none of it */
static const HostDevice *
in_slot(const ViommuHost *host, const HostDevice *device, guint8 function)
{
    BasePci address = device->address;
    const HostDevice *other;

    address.function = function;
    other = host_facts_device(host, address);
    return other && !is_virtual(other) ? other : NULL;
}

/* Whether its slot has other functions; the header bit that says so is not among the facts. */
static BaseTri
has_siblings(const ViommuHost *host, const HostDevice *device)
{
    BaseTri siblings = BASE_NO;

    for (guint8 i = 0; i < FUNCTIONS; i++) {
        const HostDevice *other = in_slot(host, device, i);

        if (!other || other == device)
            continue;
        if (other->physfn.state == BASE_STATE_ABSENT)
            return BASE_YES;
        siblings = BASE_UNKNOWN;
    }
    return siblings;
}

/* "SV+RR": what is needed, could be switched on, and is not */
static char *
missing_flags(const HostPcie *pcie)
{
    static const struct {
        guint flag;
        const char *name;
    } names[] = {
        {HOST_ACS_SV, "SV"}, {HOST_ACS_RR, "RR"}, {HOST_ACS_CR, "CR"}, {HOST_ACS_UF, "UF"}};
    g_autoptr(GString) text = g_string_new(NULL);
    guint wanted = NEEDED_ACS & pcie->acs_cap & ~pcie->acs_ctrl;

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        if (wanted & names[i].flag)
            g_string_append_printf(text, "%s%s", text->len ? "+" : "", names[i].name);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* pci_acs_flags_enabled(): a flag that the function could not have is not asked for. */
static BaseTri
flags_enabled(const HostPcie *pcie, char **ret_lack)
{
    g_autofree char *missing = NULL;

    if (pcie->extended != BASE_STATE_KNOWN && pcie->acs_state != BASE_STATE_KNOWN)
        return BASE_UNKNOWN;
    if (pcie->acs_state == BASE_STATE_ABSENT) {
        *ret_lack = g_strdup("has no ACS");
        return BASE_NO;
    }
    if (pcie->acs_state == BASE_STATE_UNKNOWN)
        return BASE_UNKNOWN;
    missing = missing_flags(pcie);
    if (!*missing)
        return BASE_YES;
    *ret_lack = g_strdup_printf("has ACS without %s", missing);
    return BASE_NO;
}

/* A function alone in its slot has nobody to reach. */
static BaseTri
function_enabled(const ViommuHost *host, const HostDevice *device, char **ret_lack)
{
    BaseTri siblings = has_siblings(host, device);
    BaseTri enabled = siblings == BASE_NO ? BASE_YES : flags_enabled(&device->pcie, ret_lack);

    if (siblings == BASE_YES || enabled == BASE_YES)
        return enabled;
    g_clear_pointer(ret_lack, g_free);
    return BASE_UNKNOWN;
}

BaseTri
host_acs_enabled(const ViommuHost *host, const HostDevice *device, char **ret_lack)
{
    const HostPcie *pcie = &device->pcie;

    *ret_lack = NULL;
    if (pcie->state == BASE_STATE_UNKNOWN)
        return BASE_UNKNOWN;
    if (pcie->state == BASE_STATE_ABSENT) {
        *ret_lack = g_strdup("is conventional PCI, which has no ACS");
        return BASE_NO;
    }
    switch (pcie->type) {
    case HOST_PCIE_ROOT_PORT:
    case HOST_PCIE_DOWNSTREAM:
        return flags_enabled(pcie, ret_lack);
    case HOST_PCIE_ENDPOINT:
    case HOST_PCIE_LEGACY_ENDPOINT:
    case HOST_PCIE_UPSTREAM:
    case HOST_PCIE_RC_ENDPOINT:
        return function_enabled(host, device, ret_lack);
    case HOST_PCIE_TO_PCI_BRIDGE:
    case HOST_PCI_TO_PCIE_BRIDGE:
    case HOST_PCIE_RC_EVENT_COLLECTOR:
        *ret_lack = g_strdup("leads to conventional PCI, which has no ACS");
        return BASE_NO;
    case HOST_PCIE_UNKNOWN:
        break;
    }
    return BASE_UNKNOWN;
}

/* --- what a function is grouped with --- */

static void
explain(HostIsolation *ret, char *because)
{
    g_free(ret->because);
    ret->because = because;
}

gboolean
host_bridge_is_conventional(const HostDevice *bridge)
{
    return bridge->pcie.state == BASE_STATE_ABSENT ||
           (bridge->pcie.state == BASE_STATE_KNOWN && bridge->pcie.type == HOST_PCIE_TO_PCI_BRIDGE);
}

/* *ret_alias: the bridge nearest to the root that speaks for everything below it, or NULL. FALSE:
 * not all of the path up to the root is known. */
static gboolean
find_alias(const ViommuHost *host, const HostDevice *device, const HostDevice **ret_alias)
{
    const HostDevice *above = device;

    *ret_alias = NULL;
    for (guint depth = 0; above && depth < DEPTH; depth++) {
        if (!knows_parent(host, above))
            return FALSE;
        above = host_device_parent(host, above);
        if (above && host_bridge_is_conventional(above))
            *ret_alias = above;
    }
    return !above;
}

/* pci_acs_path_enabled() from @bridge up to the root */
static BaseTri
path_enabled(const ViommuHost *host, const HostDevice *bridge, HostIsolation *ret)
{
    for (guint depth = 0; bridge && depth < DEPTH; depth++) {
        g_autofree char *lack = NULL;
        g_autofree char *name = base_pci_format(bridge->address);
        BaseTri enabled = host_acs_enabled(host, bridge, &lack);

        if (enabled == BASE_UNKNOWN)
            return BASE_UNKNOWN;
        if (enabled == BASE_NO) {
            explain(ret, g_strdup_printf("bridge %s %s", name, lack));
            ret->off = ret->off || bridge->pcie.acs_state == BASE_STATE_KNOWN;
            return BASE_NO;
        }
        bridge = host_device_parent(host, bridge);
    }
    return BASE_YES;
}

/* get_pci_function_alias_group(): the lowest function of the slot that is not isolated either.
 * (nullable): NULL: not known */
static const HostDevice *
slot_head(const ViommuHost *host, const HostDevice *device)
{
    for (guint8 i = 0; i < FUNCTIONS; i++) {
        const HostDevice *other = in_slot(host, device, i);
        g_autofree char *lack = NULL;
        BaseTri enabled;

        if (!other)
            continue;
        enabled = host_acs_enabled(host, other, &lack);
        if (enabled != BASE_YES)
            return enabled == BASE_NO && other->physfn.state == BASE_STATE_ABSENT ? other : NULL;
    }
    return device;
}

static BaseTri
judge_slot(const ViommuHost *host, const HostDevice *device, HostIsolation *ret)
{
    g_autofree char *lack = NULL;
    const HostDevice *head;
    BaseTri siblings, enabled;

    ret->head = device->address;
    if (is_virtual(device))
        return BASE_YES;
    siblings = has_siblings(host, device);
    if (siblings == BASE_NO)
        return BASE_YES;
    enabled = host_acs_enabled(host, device, &lack);
    if (enabled != BASE_NO)
        return enabled;
    head = slot_head(host, device);
    if (siblings != BASE_YES || device->physfn.state == BASE_STATE_UNKNOWN || !head)
        return BASE_UNKNOWN;
    ret->head = head->address;
    ret->off = ret->off || device->pcie.acs_state == BASE_STATE_KNOWN;
    explain(ret, g_strdup_printf("the functions of %04x:%02x:%02x reach each other: it %s",
                                 device->address.domain, device->address.bus, device->address.slot,
                                 lack));
    return BASE_YES;
}

static BaseTri isolate(const ViommuHost *host, const HostDevice *device, HostIsolation *ret,
                       guint depth);

/* Behind a bridge that isolates nothing: its group is this one's too. */
static BaseTri
join_bridge(const ViommuHost *host, const HostDevice *bridge, HostIsolation *ret, guint depth)
{
    g_autofree char *because = g_strdup(ret->because);

    if (isolate(host, bridge, ret, depth + 1) == BASE_UNKNOWN)
        return BASE_UNKNOWN;
    explain(ret, g_steal_pointer(&because));
    return BASE_YES;
}

/* All in its domain does DMA as the VMD itself (Linux 7.2 drivers/pci/search.c
 * pci_for_each_dma_alias(), arch/x86/pci/common.c pci_real_dma_dev()). */
static BaseTri
join_vmd(const ViommuHost *host, const HostDevice *device, HostIsolation *ret, guint depth)
{
    const HostDevice *vmd = find(host, device->vmd);

    if (!vmd || isolate(host, vmd, ret, depth + 1) == BASE_UNKNOWN)
        return BASE_UNKNOWN;
    explain(ret,
            g_strdup_printf("VMD %s does DMA in the name of all in its domain", device->vmd.text));
    return BASE_YES;
}

static BaseTri
isolate(const ViommuHost *host, const HostDevice *device, HostIsolation *ret, guint depth)
{
    const HostDevice *alias, *start, *above;
    BaseTri path;

    if (depth > DEPTH)
        return BASE_UNKNOWN;
    if (device->vmd.text)
        return join_vmd(host, device, ret, depth);
    if (!find_alias(host, device, &alias))
        return BASE_UNKNOWN;
    start = alias ? alias : device;
    above = host_device_parent(host, start);
    path = path_enabled(host, above, ret);
    if (path == BASE_UNKNOWN)
        return BASE_UNKNOWN;
    if (path == BASE_NO)
        return join_bridge(host, above, ret, depth);
    path = judge_slot(host, start, ret);
    if (alias) {
        g_autofree char *name = base_pci_format(alias->address);

        explain(ret, g_strdup_printf("bridge %s speaks for all behind it", name));
    }
    return path;
}

BaseTri
host_isolate(const ViommuHost *host, const HostDevice *device, HostIsolation *ret)
{
    *ret = (HostIsolation){.head = device->address};
    return isolate(host, device, ret, 0);
}

void
host_isolation_clear(HostIsolation *isolation)
{
    g_clear_pointer(&isolation->because, g_free);
}

/* --- a group --- */

static void
add_once(GPtrArray *list, char *text)
{
    for (guint i = 0; i < list->len; i++) {
        if (g_str_equal(list->pdata[i], text)) {
            g_free(text);
            return;
        }
    }
    g_ptr_array_add(list, text);
}

gboolean
host_group_acs_is_off(const ViommuHost *host, const HostGroup *group)
{
    for (guint i = 0; group->devices->len > 1 && i < group->devices->len; i++) {
        const HostDevice *device =
            host_facts_device(host, g_array_index(group->devices, BasePci, i));
        g_auto(HostIsolation) isolation = {0};

        if (device && host_isolate(host, device, &isolation) == BASE_YES && isolation.off)
            return TRUE;
    }
    return FALSE;
}

GPtrArray *
host_group_reasons(const ViommuHost *host, const HostGroup *group)
{
    GPtrArray *reasons = g_ptr_array_new_with_free_func(g_free);
    gboolean apart = FALSE;
    BasePci head = {0};

    for (guint i = 0; group->devices->len > 1 && i < group->devices->len; i++) {
        const HostDevice *device =
            host_facts_device(host, g_array_index(group->devices, BasePci, i));
        g_auto(HostIsolation) isolation = {0};

        if (!device || host_isolate(host, device, &isolation) == BASE_UNKNOWN) {
            g_ptr_array_set_size(reasons, 0);
            g_ptr_array_add(reasons,
                            g_strdup("not known: it takes the bridges above and config space, "
                                     "as root"));
            return reasons;
        }
        if (isolation.because)
            add_once(reasons, g_steal_pointer(&isolation.because));
        if (i > 0 && !base_pci_equal(head, isolation.head))
            apart = TRUE;
        head = isolation.head;
    }
    if (apart)
        g_ptr_array_add(reasons,
                        g_strdup("the kernel keeps them together for a reason that config space "
                                 "does not show (a quirk, the firmware)"));
    return reasons;
}

BaseTri
host_pcie_redirects(const HostPcie *pcie)
{
    const guint needed = HOST_ACS_RR | HOST_ACS_UF;

    if (pcie->acs_state == BASE_STATE_UNKNOWN)
        return BASE_UNKNOWN;
    return base_tri(pcie->acs_state == BASE_STATE_KNOWN &&
                    (pcie->acs_cap & needed & ~pcie->acs_ctrl) == 0);
}
