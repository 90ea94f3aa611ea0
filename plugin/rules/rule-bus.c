/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Buses of the guest: what a port, a bridge or an expander does to isolation and to start. */
#include "rule-families.h"

#include <string.h>

static gboolean
has_iommu(const RuleCall *call)
{
    return call->view->iommus->len > 0;
}

/* QEMU 11.1 hw/pci-bridge/gen_pcie_root_port.c:156 gives pcie-root-port an ACS capability;
 * ioh3420.c gives none. */
static void
check_root_port_acs(RuleCall *call)
{
    for (guint i = 0; i < call->view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = call->view->hostdevs->pdata[i];
        const ModelAddress *address = &hostdev->dev->address;
        g_autofree char *label = NULL;

        if (address->kind != MODEL_ADDRESS_WRITTEN && address->kind != MODEL_ADDRESS_PREDICTED)
            continue;
        if (address->pci.bus != call->bus->index || hostdev->demand.usage == VIOMMU_USAGE_DMA)
            continue;
        label = view_hostdev_label(hostdev);
        rule_fail(call, NULL, NULL,
                  "root port model ioh3420 has no ACS: the guest sees port %u and %s as one group",
                  call->bus->index, label);
    }
}

static gboolean
is_ioh3420(const RuleCall *call)
{
    return has_iommu(call) && call->bus->kind == MODEL_BUS_ROOT_PORT &&
           g_strcmp0(call->bus->model_name, "ioh3420") == 0;
}

static const Rule rules[] = {
    {
        .id = "bus-root-port-acs",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "root port without ACS above a device that the guest isolates",
        .rationale =
            "The guest's kernel puts a device into a group of its own only where the port above it "
            "has the ACS capability. QEMU's pcie-root-port has it, ioh3420 has not: port and "
            "device become one group, and what the guest passes on must take the port with it.",
        .remedy = "<model name='pcie-root-port'/> in that <controller>",
        .source = "QEMU 11.1 hw/pci-bridge/gen_pcie_root_port.c:156, ioh3420.c (no acs_offset); "
                  "groups seen in a Linux 7.2 guest",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_BUS,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .check = check_root_port_acs,
        .applies = is_ioh3420,
    },
};

const RuleFamily rule_family_bus = {"bus", rules, G_N_ELEMENTS(rules)};
