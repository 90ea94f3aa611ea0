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

/* An entry without that number matches any. A fact that is not known may match; *ret_missing
 * becomes its name then. */
static BaseTri
matches_number(BaseU64 wanted, BaseU64 fact, guint shift, const char *name,
               const char **ret_missing)
{
    if (!base_u64_is_known(wanted))
        return BASE_YES;
    if (fact.state == BASE_STATE_UNKNOWN) {
        *ret_missing = name;
        return BASE_UNKNOWN;
    }
    return base_tri(fact.state == BASE_STATE_KNOWN && fact.value >> shift == wanted.value);
}

static BaseTri
matches(const PolicyUsage *entry, const ModelHostdev *hostdev, const HostDevice *fact,
        const char **ret_missing)
{
    static const HostDevice nothing = {0};
    const HostDevice *device = fact ? fact : &nothing;
    BaseTri parts[3];

    if (entry->address_set &&
        (!hostdev->host_known || !base_pci_equal(entry->address, hostdev->host)))
        return BASE_NO;
    parts[0] = matches_number(entry->class_value, device->class, 24 - 4 * entry->class_digits,
                              "class", ret_missing);
    parts[1] = matches_number(entry->device, device->device, 0, "device", ret_missing);
    parts[2] = matches_number(entry->vendor, device->vendor, 0, "vendor", ret_missing);
    if (parts[0] == BASE_NO || parts[1] == BASE_NO || parts[2] == BASE_NO)
        return BASE_NO;
    if (parts[0] == BASE_YES && parts[1] == BASE_YES && parts[2] == BASE_YES)
        return BASE_YES;
    return BASE_UNKNOWN;
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

/* @entry may be NULL: none matches */
static PolicyDemand
demand_by(const ViommuPolicy *policy, const PolicyUsage *entry, const ModelIntentDevice *intent)
{
    PolicyDemand demand = {
        .asked = policy->usage, .max_usage = policy->max_usage, .because = "policy default"};

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

static gboolean
is_same(const PolicyDemand *a, const PolicyDemand *b)
{
    return a->usage == b->usage && a->asked == b->asked && a->max_usage == b->max_usage &&
           a->pasid_bits.state == b->pasid_bits.state && a->pasid_bits.value == b->pasid_bits.value;
}

PolicyDemand
policy_demand(const ViommuPolicy *policy, const ViommuDomain *domain, const ModelHostdev *hostdev,
              const HostDevice *fact)
{
    const ModelIntentDevice *intent = intent_of(domain, hostdev);
    g_autoptr(GArray) possible = g_array_new(FALSE, FALSE, sizeof(PolicyDemand));
    PolicyDemand demand = demand_by(policy, NULL, intent);

    for (guint i = 0; i < policy->usages->len; i++) {
        const PolicyUsage *entry = policy->usages->pdata[i];
        PolicyDemand by_entry = demand_by(policy, entry, intent);
        BaseTri match = matches(entry, hostdev, fact, &by_entry.missing);

        if (match == BASE_UNKNOWN)
            g_array_append_val(possible, by_entry);
        if (match != BASE_YES)
            continue;
        demand = by_entry;
        demand.missing = NULL;
        break;
    }
    for (guint i = possible->len; i-- > 0;) {
        PolicyDemand other = g_array_index(possible, PolicyDemand, i);
        const char *missing = other.missing;

        if (is_same(&demand, &other))
            continue;
        if (other.usage > demand.usage)
            demand = other;
        demand.missing = missing;
    }
    return demand;
}

guint
policy_spare_ports(const ViommuPolicy *policy, const ViommuDomain *domain)
{
    if (base_u64_is_known(domain->intent_ports))
        return (guint)MIN(domain->intent_ports.value, G_MAXUINT16);
    return policy->spare_ports;
}
