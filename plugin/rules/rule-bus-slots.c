/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers that the guest's PCI topology must get right: chassis, functions, windows, NUMA cells. */
#include "rule-bus-placement.h"
#include "rule-families.h"
#include "rule-shared.h"
#include "rule-tools.h"
#include "view-bars.h"

#include <string.h>

#define GIB             (G_GUINT64_CONSTANT(1) << 30)
#define LIBVIRT_NODESET BASE_VERSION(11, 8, 0)

static gboolean
has_chassis(const ModelController *controller)
{
    return controller->kind == MODEL_BUS_ROOT_PORT || controller->kind == MODEL_BUS_DOWNSTREAM;
}

/* libvirt gives a port without one its index (libvirt 11.3 qemu_domain_address.c:2829) */
static guint64
chassis_of(const ModelController *controller)
{
    return base_u64_is_known(controller->chassis) ? controller->chassis.value : controller->index;
}

static void
check_chassis_in(RuleCall *call, const GPtrArray *list, const ModelController *second)
{
    for (guint i = 0; i < list->len; i++) {
        const ModelController *first = list->pdata[i];

        if (first->index >= second->index || !has_chassis(first) ||
            chassis_of(first) != chassis_of(second))
            continue;
        rule_fail(call, second->node, NULL, "ports %u and %u both have chassis %" G_GUINT64_FORMAT,
                  first->index, second->index, chassis_of(second));
        return;
    }
}

static void
check_chassis(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;
    const GPtrArray *lists[] = {domain->controllers, domain->added_controllers};

    for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
        for (guint j = 0; j < lists[i]->len; j++) {
            const ModelController *second = lists[i]->pdata[j];

            if (!has_chassis(second))
                continue;
            for (guint k = 0; k < G_N_ELEMENTS(lists); k++)
                check_chassis_in(call, lists[k], second);
        }
    }
}

/* Before libvirt 10.3 memReserve is dropped: the finding of another rule. */
static void
check_reserve(RuleCall *call)
{
    BaseU64 reserve = call->bus->mem_reserve;
    g_autofree char *size = base_format_size(reserve.value);

    if (call->view->target.libvirt < VIEW_LIBVIRT_MEM_RESERVE)
        rule_not_applicable(call);
    else if (g_strcmp0(call->bus->model_name, "ioh3420") == 0)
        rule_fail(call, NULL, "<model name='pcie-root-port'/> in that <controller>",
                  "memReserve of port %u, which is an ioh3420", call->bus->index);
    else if (reserve.value >= 4 * GIB)
        rule_fail(call, NULL, NULL, "memReserve of port %u is %s, and QEMU takes less than 4 GiB",
                  call->bus->index, size);
}

static gboolean
has_reserve(const RuleCall *call)
{
    return base_u64_is_known(call->bus->mem_reserve);
}

static gboolean
has_address(const RuleCall *call)
{
    return rule_iommu_is_element(call->iommu->iommu) &&
           model_child(call->iommu->iommu->node, "address");
}

static void
check_viommu_address(RuleCall *call)
{
    const ModelIommu *iommu = call->iommu->iommu;
    const xmlNode *address = model_child(iommu->node, "address");
    const char *type = model_value(address, "type");

    if (iommu->kind == MODEL_IOMMU_INTEL || iommu->kind == MODEL_IOMMU_SMMUV3)
        rule_fail(call, address, "remove its <address>",
                  "iommu model '%s' has an <address>, and it is no PCI device", iommu->model);
    else if (iommu->kind != MODEL_IOMMU_OTHER && g_strcmp0(type, "pci") != 0)
        rule_fail(call, address, NULL, "iommu model '%s' has an <address> of type '%s'",
                  iommu->model, type ? type : "");
    else if (iommu->address.kind == MODEL_ADDRESS_WRITTEN && iommu->address.pci.bus != 0)
        rule_fail(call, address, NULL, "iommu model '%s' is on bus %u, and it must be on bus 0",
                  iommu->model, iommu->address.pci.bus);
}

static gboolean
has_node(const RuleCall *call)
{
    return call->bus->index > 0 && base_u64_is_known(call->bus->numa_node);
}

static void
check_node(RuleCall *call)
{
    guint64 node = call->bus->numa_node.value;
    guint cells = call->view->domain->numa_cells;

    if (node >= cells)
        rule_fail(call, NULL, NULL,
                  "%s %u is for NUMA cell %" G_GUINT64_FORMAT
                  ", and the guest has %u of them (counted from 0)",
                  call->bus->model, call->bus->index, node, cells);
}

/* The highest number of a list such as "0-3,7"; FALSE: no list */
static gboolean
highest_of(const char *list, guint64 *ret)
{
    g_auto(GStrv) parts = g_strsplit_set(list, ",-", -1);

    *ret = 0;
    for (guint i = 0; parts[i]; i++) {
        guint64 number;

        if (!base_parse_u64(g_strstrip(parts[i]), 10, &number))
            return FALSE;
        *ret = MAX(*ret, number);
    }
    return parts[0] != NULL;
}

/* (transfer full) (nullable): the nodes that the device is an initiator of */
static char *
nodeset_of(const RuleCall *call)
{
    return model_attribute(model_child(call->hostdev->dev->node, "acpi"), "nodeset");
}

static gboolean
has_nodeset(const RuleCall *call)
{
    g_autofree char *list = nodeset_of(call);

    return list != NULL;
}

static void
check_nodeset(RuleCall *call)
{
    guint cells = call->view->domain->numa_cells;
    g_autofree char *list = nodeset_of(call);
    guint64 highest;

    if (cells > 0 && highest_of(list, &highest) && highest >= cells)
        rule_fail(call, NULL, NULL, "<acpi nodeset='%s'/>, and the guest has %u NUMA cell%s", list,
                  cells, cells == 1 ? "" : "s");
}

static void
check_idle_nodeset(RuleCall *call)
{
    g_autofree char *list = nodeset_of(call);

    if (call->view->domain->numa_cells == 0)
        rule_fail(call, NULL, NULL, "<acpi nodeset='%s'/>, and the guest has no NUMA cells", list);
}

static void
check_nodeset_known(RuleCall *call)
{
    guint64 libvirt = call->view->target.libvirt;
    g_autofree char *version = base_format_version(libvirt);

    if (libvirt < LIBVIRT_NODESET)
        rule_fail(call, model_child(call->hostdev->dev->node, "acpi"), NULL,
                  "libvirt %s drops the nodeset in <acpi> without a word; 11.8.0 is needed",
                  version);
}

static gboolean
is_smmu_of_bus(const RuleCall *call)
{
    return call->iommu->iommu->kind == MODEL_IOMMU_SMMUV3 &&
           base_u64_is_known(call->iommu->pci_bus) && call->iommu->pci_bus.value <= G_MAXUINT;
}

static void
check_bypass(RuleCall *call)
{
    guint bus = (guint)call->iommu->pci_bus.value;

    if (view_is_bypassed(call->view->domain, bus))
        rule_fail(call, NULL, NULL, "vSMMU of bus %u, which bypass_iommu keeps out of any vIOMMU",
                  bus);
}

static gboolean
is_smmu_of_expander(const RuleCall *call)
{
    return is_smmu_of_bus(call) && call->iommu->pci_bus.value != 0 &&
           call->iommu->accel != BASE_YES;
}

static void
check_device_tree(RuleCall *call)
{
    if (!rule_has_firmware(call->view->domain) || !call->view->domain->acpi)
        rule_fail(call, NULL, NULL,
                  "vSMMU of expander bus %" G_GUINT64_FORMAT " in a guest without %s: it will not "
                  "see it",
                  call->iommu->pci_bus.value, call->view->domain->acpi ? "UEFI" : "ACPI");
}

static const Rule rules[] = {
    {
        .id = "bus-chassis-clash",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "two ports with one chassis number",
        .rationale = "libvirt takes equal numbers at define, and gives a port without one its "
                     "index. QEMU says: Can't add chassis slot, error -16",
        .remedy = "a chassis of its own in <target> of each port, or none at all",
        .source = "libvirt 12.8.0 with QEMU 11.1.2, refused at start; QEMU 11.1 "
                  "hw/pci-bridge/pcie_root_port.c:108, libvirt 11.3 "
                  "src/qemu/qemu_domain_address.c:2829",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = check_chassis,
    },
    {
        .id = "bus-function-without-zero",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a slot with functions but without function 0",
        .rationale =
            "A guest looks for function 0 of a slot and for the others only where that is there. "
            "libvirt and QEMU take the address and the domain starts; the guest does not see the "
            "device.",
        .remedy = "function='0' for one device of the slot",
        .source = "libvirt 12.8.0 with QEMU 11.1.2, started; PCI Local Bus 3.0, 3.2.2.3.4",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .check = rule_bus_check_functions,
    },
    {
        .id = "bus-mem-reserve",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a memReserve that QEMU does not take",
        .rationale = "memReserve is for memory below 4 GiB (BARs that are not prefetchable) and is "
                     "counted in KiB. libvirt takes any number. QEMU says: PCI resource reserve "
                     "cap: mem-reserve must be less than 4G; of an ioh3420: Property "
                     "'ioh3420.mem-reserve' not found",
        .remedy = "less; large 64-bit BARs need pref64-reserve by qemu:override instead",
        .source = "libvirt 12.8.0 with QEMU 11.1.2, refused at start; QEMU 11.1 "
                  "hw/pci/pci_bridge.c:438",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_BUS,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_LIBVIRT,
        .check = check_reserve,
        .applies = has_reserve,
    },
    {
        .id = "bus-viommu-address",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "an address that libvirt refuses for a vIOMMU",
        .rationale =
            "intel and smmuv3 are no PCI devices; virtio and amd are, on the root bus only. "
            "libvirt says at define: iommu model 'intel' can't have address; or: The device at "
            "PCI address 0000:01:00.0 needs to be an integrated device (bus=0); or: IOMMU device: "
            "'virtio' needs a PCI address (of a type that it does not know: Invalid value for "
            "attribute 'type' in element 'address')",
        .remedy = "no <address>, or type='pci' on bus 0 for virtio and amd",
        .source = "libvirt 12.8.0, refused at define; 11.3 src/conf/domain_validate.c "
                  "(virDomainIOMMUDefValidate)",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = check_viommu_address,
        .applies = has_address,
    },
    {
        .id = "bus-numa-node",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "an expander bus for a NUMA cell that the guest does not have",
        .rationale =
            "<node> is a cell of the guest, not a node of the host. libvirt says at define: "
            "pcie-expander-bus with index 1 is configured for a NUMA node (1) not present in the "
            "domain's <cpu><numa> array (0)",
        .remedy = "a <cell> in <cpu><numa>, or no <node> in <target>",
        .source = "libvirt 12.8.0, refused at define; 11.3 src/qemu/qemu_postparse.c:417",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_BUS,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = check_node,
        .applies = has_node,
    },
    {
        .id = "bus-device-nodeset",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a device as initiator of NUMA cells that the guest does not have",
        .rationale = "libvirt takes any nodeset in <acpi> of a hostdev. QEMU says: "
                     "acpi-generic-initiator: Specified node 5 is invalid.",
        .remedy = "cells that are in <cpu><numa>, counted from 0",
        .source = "QEMU 11.1 hw/acpi/pci.c:163, ended with 11.1.2; libvirt 12.8.0 takes the "
                  "definition",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = check_nodeset,
        .applies = has_nodeset,
    },
    {
        .id = "bus-nodeset-idle",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "a device as initiator of NUMA cells in a guest without any",
        .rationale = "QEMU says nothing, writes no affinity table, and the guest learns nothing of "
                     "the device's memory.",
        .remedy = "<cell> in <cpu><numa>, or no nodeset",
        .source = "QEMU 11.1.2, started without a word",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .check = check_idle_nodeset,
        .applies = has_nodeset,
    },
    {
        .id = "bus-nodeset-too-new",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "NUMA cells of a device that this libvirt does not know",
        .rationale = "nodeset in <acpi> of a hostdev came with libvirt 11.8. An older one drops it "
                     "without a word, and the guest's driver finds no node for the memory of the "
                     "device.",
        .remedy = "libvirt 11.8.0 or newer",
        .source = "libvirt 12.8 NEWS, v11.8.0 (NUMA affinity of PCI devices); dropped by 9.0.0",
        .fixer = RULE_FIXER_STACK,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .needs = RULE_NEEDS_LIBVIRT,
        .check = check_nodeset_known,
        .applies = has_nodeset,
    },
    {
        .id = "bus-smmu-bypass",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a vSMMU on a bus that is told to go past any vIOMMU",
        .rationale = "QEMU says: Bypass option cannot be set for SMMUv3 associated PCIe RC",
        .remedy = "no bypass_iommu on that bus, or the vSMMU on another one",
        .source = "QEMU 11.1 hw/arm/virt.c:3943; refused on 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = check_bypass,
        .applies = is_smmu_of_bus,
    },
    {
        .id = "bus-smmu-device-tree",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "a vSMMU of an expander bus that the guest cannot find",
        .rationale =
            "The device tree of a guest without UEFI and ACPI has the SMMU of pcie.0 only. QEMU "
            "warns into its log: SMMUv3 device only supported with pcie.0 for DT. The domain "
            "starts and the guest has no vIOMMU there.",
        .remedy = "<os firmware='efi'> and <acpi/> in <features>",
        .source = "QEMU 11.1 hw/arm/virt.c:2046; started with 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .check = check_device_tree,
        .applies = is_smmu_of_expander,
    },
};

const RuleFamily rule_family_bus_slots = {"bus", rules, G_N_ELEMENTS(rules)};
