/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the domain asks for or does against the policy of the site. */
#include "rule-families.h"
#include "rule-shared.h"
#include "rule-tools.h"

static gboolean
has_policy(const RuleCall *call)
{
    return call->view->policy != NULL;
}

static void
check_ceiling(RuleCall *call)
{
    const PolicyDemand *demand = &call->hostdev->demand;

    if (demand->asked > demand->max_usage)
        rule_fail(call, NULL, NULL, "usage %s asked for (%s), and the policy allows %s at most",
                  policy_usage_name(demand->asked), demand->because,
                  policy_usage_name(demand->max_usage));
}

/* UNKNOWN: its guest address, or the QEMU version, would tell */
static gboolean
mode_of(const ViewHostdev *hostdev, ViommuMode *ret)
{
    const ViewIommu *iommu = hostdev->viommu;

    if (!iommu) {
        *ret = VIOMMU_MODE_NONE;
        return hostdev->covered == BASE_NO;
    }
    if (rule_is_accel(iommu) || iommu->fsts == BASE_YES)
        *ret = VIOMMU_MODE_NESTED;
    else if (iommu->dma_translation == BASE_NO)
        *ret = VIOMMU_MODE_IRQ;
    else
        *ret = VIOMMU_MODE_SHADOW;
    return TRUE;
}

/* For DMA interrupt remapping alone is as good as no vIOMMU. */
static gboolean
allows(const ViommuPolicy *policy, ViommuMode mode)
{
    for (guint i = 0; i < policy->modes->len; i++) {
        ViommuMode allowed = g_array_index(policy->modes, ViommuMode, i);

        if (allowed == mode || (mode == VIOMMU_MODE_IRQ && allowed == VIOMMU_MODE_NONE))
            return TRUE;
    }
    return FALSE;
}

static void
check_mode(RuleCall *call)
{
    const ViommuPolicy *policy = call->view->policy;
    g_autoptr(GString) list = g_string_new(NULL);
    ViommuMode mode;

    if (!mode_of(call->hostdev, &mode)) {
        rule_unknown(call, "the device's guest <address>", "write the <address> on the device");
        return;
    }
    if (allows(policy, mode))
        return;
    for (guint i = 0; i < policy->modes->len; i++)
        g_string_append_printf(list, "%s%s", i ? ", " : "",
                               policy_mode_name(g_array_index(policy->modes, ViommuMode, i)));
    rule_fail(call, NULL, NULL, "the device is in mode %s, and the policy allows: %s",
              policy_mode_name(mode), list->str);
}

static gboolean
wants_migration(const RuleCall *call)
{
    return has_policy(call) && call->view->policy->migration_needed && !rule_is_mdev(call);
}

static void
unknown_of_device(RuleCall *call, const char *name, const char *how)
{
    g_autofree char *address = base_pci_format(call->hostdev->fact->address);
    g_autofree char *path = g_strdup_printf("devices/%s/%s", address, name);

    rule_unknown(call, path, how);
}

/* libvirt binds a managed device to the variant driver that fits it best, so only one that is
 * bound now tells which that is. */
static void
check_migration(RuleCall *call)
{
    const HostDevice *fact = call->hostdev->fact;

    if (!fact)
        rule_not_applicable(call);
    else if (fact->driver.state == BASE_STATE_UNKNOWN)
        unknown_of_device(call, "driver", NULL);
    else if (g_strcmp0(fact->driver.text, "vfio-pci") == 0)
        rule_fail(call, NULL, NULL, "vfio-pci cannot save the state of the device");
    else if (fact->vfio_variant != BASE_YES)
        unknown_of_device(call, "driver", "bind the function to the VFIO driver that it will have");
}

static const Rule rules[] = {
    {
        .id = "policy-usage-ceiling",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "more usage asked for than the policy allows",
        .rationale =
            "A domain may ask for what its devices are for, up to what the policy allows for "
            "them. Above that it gets the ceiling: the device is judged and planned for less than "
            "was asked.",
        .remedy = "a weaker usage in <viommu:device>, or a higher max_usage in the policy",
        .source = "virt-viommu: policy-1, max_usage; virt-viommu-policy(5)",
        .fixer = RULE_FIXER_POLICY,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .needs = RULE_NEEDS_USAGE,
        .check = check_ceiling,
        .applies = has_policy,
    },
    {
        .id = "policy-mode",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "a device in a mode that the policy does not list",
        .rationale =
            "The policy lists the ways in which a guest's IOMMU may be realised on this site. The "
            "domain is written for another one; a plan takes one of the list.",
        .remedy = "virt-viommu apply writes a mode of the list, where the host has one",
        .source = "virt-viommu: policy-1, modes; virt-viommu-policy(5)",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_ADVICE,
        .demotable = TRUE,
        .check = check_mode,
        .applies = has_policy,
    },
    {
        .id = "policy-migration-device",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "migration wanted with a device that cannot be migrated",
        .rationale =
            "A device's state can only be moved by a VFIO driver of its own; plain vfio-pci has "
            "none. QEMU says: VFIO migration init failed: migration is not supported in kernel",
        .remedy = "<driver model='mlx5_vfio_pci'/> or the variant driver of that device; else "
                  "unplug it before migration",
        .source = "QEMU 11.1 hw/vfio/migration.c:1169 (vfio_migration_init); libvirt 12.8 "
                  "formatdomain.html, hostdev driver model",
        .fixer = RULE_FIXER_POLICY,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_ADVICE,
        .demotable = TRUE,
        .needs = RULE_NEEDS_DEVICE,
        .check = check_migration,
        .applies = wants_migration,
    },
};

const RuleFamily rule_family_policy = {"policy", rules, G_N_ELEMENTS(rules)};
