/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The second table of the family bus: controllers and places that are refused or not understood. */
#include "rule-bus-address.h"
#include "rule-bus-controller.h"
#include "rule-bus-placement.h"
#include "rule-families.h"

static const Rule rules[] = {
    {
        .id = "bus-address-refused",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a guest address on a bus or in a slot that cannot have the device",
        .rationale =
            "libvirt refuses the definition. Of the bus it says: The device at PCI address "
            "0000:01:00.0 cannot be plugged into the PCI controller with index='1'. It requires a "
            "controller that accepts a pcie-root-port (or another kind of device); of a vIOMMU: "
            "The device at PCI address 0000:01:00.0 needs to be an integrated device (bus=0); of "
            "the rest: Invalid PCI address. slot must be <= 0 (slot must be >= 1). Only PCI domain "
            "0 is available. Only PCI buses up to 3 are available. Where the bus is not there, and "
            "is none that it adds: a PCI slot (12.x: a PCIe slot) is needed to connect a PCI "
            "controller model='…', but none is available, and it cannot be automatically added "
            "(9.0 "
            "of some: Cannot automatically add a new PCI bus for a device with connect flags "
            "2000).",
        .remedy = "an address on a bus that takes it: ports and bridges below pcie.0 or an "
                  "expander bus, devices in slot 0 of a port; or none: libvirt then chooses",
        .source = "libvirt 11.3 src/conf/domain_addr.c:304-457, 470 "
                  "(virDomainPCIAddressBusSetModel), 726; run on 9.0.0 and 12.8.0",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = rule_bus_check_refused,
    },
    {
        .id = "bus-no-room",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a device without address that finds no place",
        .rationale =
            "libvirt adds root ports for devices and bridges for conventional devices, and nothing "
            "else. It refuses the definition: a PCI slot (12.x: a PCIe slot) is needed to connect "
            "a PCI controller model='…', but none is available, and it cannot be automatically "
            "added; 9.0 also: Cannot automatically add a new PCI bus for a device with connect "
            "flags 2000. libvirt 12.8 does add a root port for an upstream port or a "
            "pcie-to-pci-bridge, but behind it, and QEMU refuses to start: Bus 'pci.2' not found.",
        .remedy = "the port or bridge that it needs, with a lower index, or fewer devices",
        .source = "libvirt 11.3 src/conf/domain_addr.c:686-733; run on 9.0.0 and 12.8.0 with QEMU "
                  "11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = rule_bus_check_room,
    },
    {
        .id = "bus-function-zero",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "several functions in a slot whose function 0 denies them",
        .rationale = "libvirt sets multifunction='on' by itself where it is not written. Against a "
                     "written 'off' QEMU says: PCI: 5.0 indicates single function, but 5.1 is "
                     "already populated; or: PCI: single function device can't be populated in "
                     "function 5.1.",
        .remedy = "multifunction='on' in the <address> of function 0",
        .source = "QEMU 11.1 hw/pci/pci.c:1171-1190; run on 7.2 and 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = rule_bus_check_function_zero,
    },
    {
        .id = "bus-controller-index",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a PCI controller with a wrong index or model",
        .rationale =
            "Index 0 is the root bus of the machine, and nothing else. libvirt refuses the "
            "definition: The PCI controller with index='0' must be model='pcie-root' for this "
            "machine type, but model='pcie-root-port' was found instead; pci-root and pcie-root "
            "controllers should have index 0; Multiple 'pci' controllers with index '1'; PCI "
            "controller index 256 too high, maximum is 255; Unknown model type 'pcie-bridge'; PCI "
            "controller model was not set correctly. A controller without index takes the lowest "
            "that is free: 0 where the root is not written.",
        .remedy = "<controller type='pci' index='0' model='pcie-root'/>, and an index of its own "
                  "for each other controller",
        .source = "libvirt 11.3 src/qemu/qemu_postparse.c:391, 1350, 1371, "
                  "src/conf/domain_postparse.c:1196, src/conf/domain_conf.c:8852, "
                  "src/conf/domain_validate.c:1241; run on 9.0.0 and 12.8.0",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_BUS,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = rule_bus_check_index,
        .applies = rule_bus_is_written,
    },
    {
        .id = "bus-controller-machine",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "an expander bus that this machine type cannot have",
        .rationale =
            "libvirt refuses the definition: pci-expander-bus controllers are only supported on "
            "440fx-based machinetypes; pcie-expander-bus controllers are not supported with this "
            "machine type.",
        .remedy = "pcie-expander-bus on q35 and Arm virt",
        .source = "libvirt 11.3 src/qemu/qemu_postparse.c:398-404; run on 9.0.0 and 12.8.0",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_BUS,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = rule_bus_check_machine,
        .applies = rule_bus_is_written,
    },
    {
        .id = "bus-controller-option",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a <target> or <model> that this PCI controller does not take",
        .rationale =
            "libvirt refuses the definition: Option 'busNr' is not valid for PCI controller with "
            "index '1', model 'pcie-root-port' and modelName 'pcie-root-port'; Option 'modelName' "
            "has invalid value for PCI controller with index '1', model 'pcie-root-port' and "
            "modelName 'pxb-pcie'; PCI controller busNr '0' out of range - must be 1-254 (chassis "
            "and port: must be 0-255); Invalid value for attribute 'chassis' in element 'target': "
            "'x'. Expected integer value (-1: Expected non-negative value; memReserve: Expected "
            "non-negative integer value, or Zero is not permitted); invalid NUMA node in target; "
            "pcie-root-port with index 1 is configured for a NUMA node (0) not present in the "
            "domain's <cpu><numa> array (0).",
        .remedy = "chassis, port and hotplug on ports, busNr on expander buses, chassisNr on "
                  "pci-bridge, memReserve on root ports; each within its bounds",
        .source =
            "libvirt 11.3 src/qemu/qemu_validate.c:3842, src/conf/domain_validate.c:1251-1294, "
            "src/conf/domain_conf.c:8905-8945; run on 9.0.0 and 12.8.0",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_BUS,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = rule_bus_check_option,
        .applies = rule_bus_is_written,
    },
    {
        .id = "bus-reserve-too-new",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a memReserve that this libvirt does not know",
        .rationale = "memReserve came with libvirt 10.3. An older one drops it without a word, and "
                     "a device with large BARs may find no room when it is hot-plugged.",
        .remedy = "libvirt 10.3.0 or newer, or the property mem-reserve by <qemu:override>",
        .source = "libvirt 12.8 formatdomain.html, Controllers; run on 9.0.0",
        .fixer = RULE_FIXER_STACK,
        .scope = RULE_SCOPE_BUS,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .needs = RULE_NEEDS_LIBVIRT,
        .check = rule_bus_check_reserve_known,
        .applies = rule_bus_has_reserve,
    },
    {
        .id = "bus-controller-order",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a PCI controller on a bus with a higher index than its own",
        .rationale =
            "libvirt writes controllers in the order of their indexes, and QEMU makes them in that "
            "order: Bus 'pci.2' not found. Of a pci-bridge alone libvirt says so at define: PCI "
            "controller at index 1 (0x01) has bus='0x02', but index must be larger than bus.",
        .remedy = "indexes that grow from the root bus downward",
        .source = "libvirt 11.3 src/qemu/qemu_domain_address.c:2886 (pci-bridge only); run on "
                  "9.0.0 with QEMU 7.2 and on 12.8.0 with QEMU 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_BUS,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = rule_bus_check_order,
    },
    {
        .id = "bus-expander-number-left",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "an expander bus for which no bus number is left",
        .rationale =
            "libvirt numbers an expander without busNr two below the lowest there is, and refuses "
            "the definition where that is not possible: No free busNr lower than current lowest "
            "busNr is available to auto-assign to bus 0. Must be manually assigned.",
        .remedy = "a busNr in its <target>",
        .source = "libvirt 11.3 src/qemu/qemu_domain_address.c:2541, 2845; run on 9.0.0 and 12.8.0",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_BUS,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = rule_bus_check_number_left,
        .applies = rule_bus_has_number,
    },
};

const RuleFamily rule_family_bus_refused = {"bus", rules, G_N_ELEMENTS(rules)};
