/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy.h"

#include <string.h>

static const char *const usage_names[] = {
    [VIOMMU_USAGE_DMA] = "dma",
    [VIOMMU_USAGE_GUEST_IOMMU] = "guest-iommu",
    [VIOMMU_USAGE_PASID] = "pasid",
    [VIOMMU_USAGE_SVA] = "sva",
};

static const char *const mode_names[] = {
    [VIOMMU_MODE_NESTED] = "nested",
    [VIOMMU_MODE_SHADOW] = "shadow",
    [VIOMMU_MODE_IRQ] = "irq",
    [VIOMMU_MODE_NONE] = "none",
};

const char *
policy_usage_name(ViommuUsage usage)
{
    return usage_names[usage];
}

const char *
policy_mode_name(ViommuMode mode)
{
    return mode_names[mode];
}

static gboolean
find_name(const char *const *names, guint count, const char *text, guint *ret)
{
    for (guint i = 0; text && i < count; i++) {
        if (strcmp(names[i], text) == 0) {
            *ret = i;
            return TRUE;
        }
    }
    return FALSE;
}

gboolean
policy_usage_parse(const char *text, ViommuUsage *ret)
{
    guint index;

    if (!find_name(usage_names, G_N_ELEMENTS(usage_names), text, &index))
        return FALSE;
    *ret = (ViommuUsage)index;
    return TRUE;
}

gboolean
policy_mode_parse(const char *text, ViommuMode *ret)
{
    guint index;

    if (!find_name(mode_names, G_N_ELEMENTS(mode_names), text, &index))
        return FALSE;
    *ret = (ViommuMode)index;
    return TRUE;
}

/* An entry without that number matches any; a fact that is not known matches no number. */
static gboolean
matches_number(BaseU64 wanted, BaseU64 fact, guint shift)
{
    if (!base_u64_is_known(wanted))
        return TRUE;
    return base_u64_is_known(fact) && fact.value >> shift == wanted.value;
}

static gboolean
matches(const PolicyUsage *entry, const ModelHostdev *hostdev, const HostDevice *fact)
{
    static const HostDevice nothing = {0};
    const HostDevice *device = fact ? fact : &nothing;

    if (entry->address_set &&
        (!hostdev->host_known || !base_pci_equal(entry->address, hostdev->host)))
        return FALSE;
    return matches_number(entry->vendor, device->vendor, 0) &&
           matches_number(entry->device, device->device, 0) &&
           matches_number(entry->class_value, device->class, 24 - 4 * entry->class_digits);
}

static const PolicyUsage *
first_match(const ViommuPolicy *policy, const ModelHostdev *hostdev, const HostDevice *fact)
{
    for (guint i = 0; i < policy->usages->len; i++)
        if (matches(policy->usages->pdata[i], hostdev, fact))
            return policy->usages->pdata[i];
    return NULL;
}

static const ModelIntentDevice *
intent_of(const ViommuDomain *domain, const ModelHostdev *hostdev)
{
    for (guint i = 0; hostdev->alias && i < domain->intent_devices->len; i++) {
        const ModelIntentDevice *device = domain->intent_devices->pdata[i];

        if (g_strcmp0(device->alias, hostdev->alias) == 0)
            return device;
    }
    return NULL;
}

static BaseU64
smaller(BaseU64 a, BaseU64 b)
{
    if (!base_u64_is_known(a))
        return b;
    if (!base_u64_is_known(b))
        return a;
    return a.value < b.value ? a : b;
}

PolicyDemand
policy_demand(const ViommuPolicy *policy, const ViommuDomain *domain, const ModelHostdev *hostdev,
              const HostDevice *fact)
{
    PolicyDemand demand = {
        .asked = policy->usage, .max_usage = policy->max_usage, .because = "policy default"};
    const PolicyUsage *entry = first_match(policy, hostdev, fact);
    const ModelIntentDevice *intent = intent_of(domain, hostdev);

    if (entry && entry->max_usage_set)
        demand.max_usage = entry->max_usage;
    if (entry && entry->usage_set) {
        demand.asked = entry->usage;
        demand.because = "policy entry";
    }
    if (intent && intent->usage_set) {
        demand.asked = intent->usage;
        demand.because = "domain intent";
    }
    demand.usage = MIN(demand.asked, demand.max_usage);
    /* a domain may ask for less width than the entry gives, never for more */
    if (intent)
        demand.pasid_bits = intent->pasid_bits;
    if (entry)
        demand.pasid_bits = smaller(demand.pasid_bits, entry->pasid_bits);
    if (base_u64_is_known(demand.pasid_bits))
        demand.pasid_bits = smaller(demand.pasid_bits, policy->domain_quota.pasid_bits);
    return demand;
}

guint
policy_spare_ports(const ViommuPolicy *policy, const ViommuDomain *domain)
{
    if (base_u64_is_known(domain->intent_ports))
        return (guint)MIN(domain->intent_ports.value, G_MAXUINT16);
    return policy->spare_ports;
}
