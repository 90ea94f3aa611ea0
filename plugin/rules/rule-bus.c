/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Buses of the guest: what ports, bridges and slots do to isolation and to the start. */
#include "rule-bus-placement.h"
#include "rule-families.h"
#include "rule-shared.h"
#include "rule-tools.h"

#include <string.h>

/* Devices that the guest wants to isolate: behind a vIOMMU and more than plain DMA */
static gboolean
wants_isolation(const ViewHostdev *hostdev)
{
    return hostdev->covered != BASE_NO && hostdev->demand.usage > VIOMMU_USAGE_DMA &&
           rule_address_is_known(&hostdev->dev->address);
}

static gboolean
is_ioh3420(const RuleCall *call)
{
    return call->view->iommus->len > 0 && call->bus->kind == MODEL_BUS_ROOT_PORT &&
           g_strcmp0(call->bus->model_name, "ioh3420") == 0;
}

static void
check_root_port_acs(RuleCall *call)
{
    for (guint i = 0; i < call->view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = call->view->hostdevs->pdata[i];
        g_autofree char *label = NULL;

        if (!wants_isolation(hostdev) || hostdev->dev->address.pci.bus != call->bus->index)
            continue;
        label = rule_hostdev_name(hostdev);
        rule_fail(call, NULL, NULL,
                  "root port model ioh3420 has no ACS: the guest sees port %u and %s as one group",
                  call->bus->index, label);
    }
}

static gboolean
hostdev_wants_isolation(const RuleCall *call)
{
    return wants_isolation(call->hostdev);
}

static void
check_guest_group(RuleCall *call)
{
    const ModelAddress *address = &call->hostdev->dev->address;
    const ModelController *bus = model_controller(call->view->domain, address->pci.bus);

    if (call->hostdev->conventional)
        rule_fail(call, NULL, NULL,
                  "the guest puts all devices behind the conventional PCI bridge %u into one group",
                  address->pci.bus);
    else if (bus && bus->kind == MODEL_BUS_DOWNSTREAM)
        rule_fail(call, NULL, NULL,
                  "switch downstream port %u has no ACS: the guest sees port and device as one "
                  "group",
                  bus->index);
    else if (rule_has_slot_mate(call))
        rule_fail(call, address->node, NULL,
                  "shares bus %u, slot %u with another function: the guest sees them as one group",
                  address->pci.bus, address->pci.slot);
}

/* What asks for PASIDs is told by pasid-without-nesting. */
static gboolean
wants_guest_iommu(const RuleCall *call)
{
    return call->hostdev->demand.usage == VIOMMU_USAGE_GUEST_IOMMU &&
           view_is_assigned(call->hostdev);
}

static void
check_covered(RuleCall *call)
{
    const ViewHostdev *hostdev = call->hostdev;
    const View *view = call->view;

    if (hostdev->covered == BASE_UNKNOWN)
        rule_unknown(call, "the device's guest <address>", "write the <address> on the device");
    else if (hostdev->covered == BASE_YES)
        return;
    else if (view->iommus->len == 0)
        rule_fail(call, NULL, NULL, "usage guest-iommu (%s), and the guest has no vIOMMU",
                  hostdev->demand.because);
    else if (view_is_bypassed(view->domain, hostdev->root_bus))
        rule_fail(call, NULL, "no bypass_iommu on that bus, or usage dma",
                  "usage guest-iommu (%s), and root bus %u is told to go past the vIOMMU",
                  hostdev->demand.because, hostdev->root_bus);
    else
        rule_fail(call, NULL, NULL, "usage guest-iommu (%s), and no vIOMMU covers root bus %u",
                  hostdev->demand.because, hostdev->root_bus);
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
        .needs = RULE_NEEDS_USAGE,
        .check = check_root_port_acs,
        .applies = is_ioh3420,
    },
    {
        .id = "bus-guest-group-shared",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "a device that the guest isolates shares its group in the guest",
        .rationale =
            "The guest can hand on a device only with its whole group. A device is alone there as "
            "function 0 of a pcie-root-port or as a single function on pcie.0; behind a "
            "conventional bridge, behind a switch's downstream port (xio3130 has no ACS) or beside "
            "another function of its slot it is not.",
        .remedy = "function 0 of slot 0 of a pcie-root-port of its own",
        .source = "Linux 7.2 drivers/iommu/iommu.c:1623-1684; groups of all these layouts seen in "
                  "a Linux 7.2 guest on QEMU 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .needs = RULE_NEEDS_USAGE,
        .check = check_guest_group,
        .applies = hostdev_wants_isolation,
    },
    {
        .id = "bus-device-uncovered",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a device that the guest isolates, and no vIOMMU covers it",
        .rationale =
            "The domain starts, and the guest has no IOMMU group for the device: its own VFIO "
            "takes the device in no-IOMMU mode only, in which any program that has it can write "
            "all of the guest's memory. A vSMMU with pciBus covers the buses below that expander; "
            "bypass_iommu on a bus takes it out of any vIOMMU.",
        .remedy = "an <iommu> over the device's bus (virt-viommu apply writes it), or usage dma",
        .source = "QEMU 11.1 hw/pci/pci.c:2996-3000; no groups seen in a Linux 7.2 guest without "
                  "vIOMMU and on a bus with bypass_iommu",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .needs = RULE_NEEDS_USAGE,
        .check = check_covered,
        .applies = wants_guest_iommu,
    },
    {
        .id = "bus-endpoint-on-expander",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a device directly on a pcie-expander-bus",
        .rationale =
            "An expander bus takes only ports and bridges. libvirt refuses the definition: "
            "The device at PCI address 0000:01:00.0 cannot be plugged into the PCI "
            "controller with index='1'. QEMU says: PCI: Only PCI/PCIe bridges can be "
            "plugged into pxb-pcie.",
        .remedy = "a pcie-root-port on the expander bus, and the device into that port",
        .source = "libvirt 11.3 src/conf/domain_addr.c (virDomainPCIAddressBusSetModel), run on "
                  "12.8.0; QEMU 11.1 hw/pci/pci.c:1348",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = rule_bus_check_on_expander,
        .applies = rule_bus_has_expander,
    },
    {
        .id = "bus-expander-number-clash",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "two expander buses with one bus number",
        .rationale = "libvirt takes equal numbers at define. QEMU says: Bus 128 is already in use.",
        .remedy = "a busNr of its own in <target> of each expander bus",
        .source = "libvirt 12.8.0 and QEMU 11.1.2, run; QEMU 11.1 "
                  "hw/pci-bridge/pci_expander_bridge.c",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = rule_bus_check_number_clash,
        .applies = rule_bus_has_expander,
    },
    {
        .id = "bus-expander-number-range",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "too few bus numbers before the next expander bus",
        .rationale =
            "Each port below a root bus takes one bus number, counted up from busNr. QEMU checks "
            "only for equal numbers; where the numbers do not suffice the firmware leaves ports "
            "without one, and the guest does not see what is behind them. A busNr that libvirt "
            "chooses (254, 252, …) has room for one port.",
        .remedy = "busNr values farther apart: one number per port, spare ones included",
        .source = "libvirt 12.8.0 and QEMU 11.1.2, run: gaps too small are accepted and start",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_BUS,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .check = rule_bus_check_number_range,
        .applies = rule_bus_has_number,
    },
    {
        .id = "bus-pcibus-target",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "pciBus of a vSMMU does not name a free root complex",
        .rationale =
            "libvirt takes any number at define. At start it says: Could not find a suitable "
            "controller for smmuv3. QEMU says: SMMU should be attached to a default PCIe root "
            "complex(pcie.0) or a pxb-pcie based root complex; for the second one on a bus: An "
            "iommu is already attached to this bus.",
        .remedy = "pciBus='N' with the index of a pcie-expander-bus that has no other vSMMU",
        .source = "QEMU 11.1 hw/arm/smmu-common.c:993, hw/pci/pci.c:3321; all three seen with "
                  "libvirt 12.8.0 and QEMU 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_LIBVIRT,
        .check = rule_bus_check_target,
        .applies = rule_bus_is_target,
    },
    {
        .id = "bus-address-clash",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "two devices at one guest PCI address",
        .rationale = "libvirt refuses the definition: Attempted double use of PCI Address.",
        .remedy = "an address of its own for each device, or no <address> for one of them",
        .source = "libvirt 11.3 src/conf/domain_addr.c "
                  "(virDomainPCIAddressReserveAddrInternal)",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = rule_bus_check_clash,
    },
    {
        .id = "bus-unwritten-address-behind-expander",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "a device without address that libvirt will place behind an expander bus",
        .rationale =
            "libvirt puts a device without <address> into the first free slot that fits, ports "
            "behind expander buses included; devices of its own, such as a default USB "
            "controller, too. There it takes a port that was meant for an assigned device, and "
            "behind an accelerated vSMMU an emulated device keeps QEMU from starting.",
        .remedy = "an <address> for every device; <controller type='usb' model='none'/> where no "
                  "USB is wanted",
        .source = "libvirt 12.8.0, run: its own qemu-xhci went into a port behind the pxb",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .check = rule_bus_check_unwritten,
        .applies = rule_bus_has_pcie_expander,
    },
};

const RuleFamily rule_family_bus = {"bus", rules, G_N_ELEMENTS(rules)};
