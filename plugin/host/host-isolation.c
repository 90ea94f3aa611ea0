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

const HostDevice *
host_device_parent(const ViommuHost *host, const HostDevice *device)
{
    BasePci address;

    if (!device->parent.text || !base_pci_parse(device->parent.text, &address))
        return NULL;
    return host_facts_device(host, address);
}

static gboolean
is_virtual(const HostDevice *device)
{
    return device->physfn.state == BASE_STATE_KNOWN;
}

/* Another function of the same slot; the header bit that says so is not among the facts. */
static gboolean
has_siblings(const ViommuHost *host, const HostDevice *device)
{
    for (guint i = 0; i < host->devices->len; i++) {
        const HostDevice *other = host->devices->pdata[i];

        if (other != device && !is_virtual(other) &&
            other->address.domain == device->address.domain &&
            other->address.bus == device->address.bus &&
            other->address.slot == device->address.slot)
            return TRUE;
    }
    return FALSE;
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
        /* a function alone has nobody to reach */
        return has_siblings(host, device) ? flags_enabled(pcie, ret_lack) : BASE_YES;
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

/* The bridge nearest to the root that speaks for everything below it. */
static const HostDevice *
alias_of(const ViommuHost *host, const HostDevice *device)
{
    const HostDevice *alias = NULL, *above = host_device_parent(host, device);

    for (guint depth = 0; above && depth < DEPTH; depth++) {
        if (above->pcie.state == BASE_STATE_ABSENT ||
            (above->pcie.state == BASE_STATE_KNOWN && above->pcie.type == HOST_PCIE_TO_PCI_BRIDGE))
            alias = above;
        above = host_device_parent(host, above);
    }
    return alias;
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
            return BASE_NO;
        }
        bridge = host_device_parent(host, bridge);
    }
    return BASE_YES;
}

/* get_pci_function_alias_group(): the lowest function of the slot that is not isolated either */
static const HostDevice *
slot_head(const ViommuHost *host, const HostDevice *device)
{
    for (guint i = 0; i < host->devices->len; i++) {
        const HostDevice *other = host->devices->pdata[i];
        g_autofree char *lack = NULL;

        if (!is_virtual(other) && other->address.domain == device->address.domain &&
            other->address.bus == device->address.bus &&
            other->address.slot == device->address.slot &&
            host_acs_enabled(host, other, &lack) == BASE_NO)
            return other;
    }
    return device;
}

static BaseTri
judge_slot(const ViommuHost *host, const HostDevice *device, HostIsolation *ret)
{
    g_autofree char *lack = NULL;
    BaseTri enabled;

    ret->head = device->address;
    if (is_virtual(device) || !has_siblings(host, device))
        return BASE_YES;
    enabled = host_acs_enabled(host, device, &lack);
    if (enabled != BASE_NO)
        return enabled;
    ret->head = slot_head(host, device)->address;
    explain(ret, g_strdup_printf("the functions of %04x:%02x:%02x reach each other: it %s",
                                 device->address.domain, device->address.bus, device->address.slot,
                                 lack));
    return BASE_YES;
}

static BaseTri
isolate(const ViommuHost *host, const HostDevice *device, HostIsolation *ret, guint depth)
{
    const HostDevice *alias = alias_of(host, device);
    const HostDevice *start = alias ? alias : device, *above = host_device_parent(host, start);
    BaseTri path;

    if (device->parent.state == BASE_STATE_UNKNOWN || depth > DEPTH)
        return BASE_UNKNOWN;
    path = path_enabled(host, above, ret);
    if (path == BASE_UNKNOWN)
        return BASE_UNKNOWN;
    if (path == BASE_NO) {
        g_autofree char *because = g_strdup(ret->because);

        if (isolate(host, above, ret, depth + 1) == BASE_UNKNOWN)
            return BASE_UNKNOWN;
        explain(ret, g_steal_pointer(&because));
        return BASE_YES;
    }
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
