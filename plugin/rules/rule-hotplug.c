/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Room for devices that come while the guest runs. */
#include "rule-families.h"
#include "rule-tools.h"
#include "view-bars.h"

#include "base-text.h"

static guint
wanted_ports(const RuleCall *call)
{
    return policy_spare_ports(call->view->policy, call->view->domain);
}

static gboolean
wants_ports(const RuleCall *call)
{
    return call->view->policy && wanted_ports(call) > 0;
}

/* On a conventional root bus every free slot takes a device, and there are no root ports. */
static gboolean
needs_ports(const RuleCall *call)
{
    const ModelController *root = model_controller(call->view->domain, 0);

    return wants_ports(call) && !(root && root->kind == MODEL_BUS_PCI_ROOT);
}

static guint
count_free(const ViommuDomain *domain, const GPtrArray *controllers, guint root)
{
    guint count = 0;

    for (guint i = 0; i < controllers->len; i++) {
        const ModelController *port = controllers->pdata[i];

        if (!model_port_is_free(domain, port))
            continue;
        if (root == G_MAXUINT || model_root_bus(domain, port->index) == root)
            count++;
    }
    return count;
}

/* Free ports below root bus @root (G_MAXUINT: anywhere), those included that libvirt adds by
 * itself */
static guint
free_ports(const ViommuDomain *domain, guint root)
{
    return count_free(domain, domain->controllers, root) +
           count_free(domain, domain->added_controllers, root);
}

/* Whether a device's place cannot be foreseen: then neither can the ports that stay free */
static gboolean
is_unsure(const ViommuDomain *domain)
{
    for (guint i = 0; i < domain->endpoints->len; i++) {
        const ModelEndpoint *it = domain->endpoints->pdata[i];

        if (it->address.kind == MODEL_ADDRESS_UNKNOWN)
            return TRUE;
    }
    for (guint i = 0; i < domain->hostdevs->len; i++) {
        const ModelHostdev *it = domain->hostdevs->pdata[i];

        if (it->address.kind == MODEL_ADDRESS_UNKNOWN)
            return TRUE;
    }
    return FALSE;
}

static void
check_bus_ports(RuleCall *call, const ViewIommu *iommu, guint wanted)
{
    guint bus = (guint)iommu->pci_bus.value;
    const ModelController *controller = model_controller(call->view->domain, bus);
    guint have = free_ports(call->view->domain, bus);
    g_autofree char *help = NULL;

    if (have >= wanted)
        return;
    help = g_strdup_printf("%u more <controller type='pci' model='pcie-root-port'> with an "
                           "<address> on bus %u",
                           wanted - have, bus);
    rule_fail(call, controller ? controller->node : NULL, help,
              "spare hotplug ports behind the vSMMU of bus %u: %u asked for, %u free", bus, wanted,
              have);
}

static void
check_free_ports(RuleCall *call)
{
    guint wanted = wanted_ports(call), have;
    gboolean per_bus = FALSE;
    g_autofree char *help = NULL;

    if (is_unsure(call->view->domain)) {
        rule_unknown(call, "the guest addresses", "write <address type='pci'/> for each device");
        return;
    }
    for (guint i = 0; i < call->view->iommus->len; i++) {
        const ViewIommu *iommu = call->view->iommus->pdata[i];

        if (iommu->accel != BASE_YES || !base_u64_is_known(iommu->pci_bus))
            continue;
        per_bus = TRUE;
        check_bus_ports(call, iommu, wanted);
    }
    have = free_ports(call->view->domain, G_MAXUINT);
    if (per_bus || have >= wanted)
        return;
    help = g_strdup_printf("%u more <controller type='pci' model='pcie-root-port'>", wanted - have);
    rule_fail(call, call->view->domain->devices, help, "spare hotplug ports: %u asked for, %u free",
              wanted, have);
}

static gboolean
is_port_off(const RuleCall *call)
{
    return wants_ports(call) &&
           (call->bus->kind == MODEL_BUS_ROOT_PORT || call->bus->kind == MODEL_BUS_DOWNSTREAM);
}

static gboolean
is_occupied(const ViommuDomain *domain, const ModelController *port)
{
    ModelController on = *port;

    on.hotplug = BASE_YES;
    return !model_port_is_free(domain, &on);
}

static void
check_port_off(RuleCall *call)
{
    if (call->bus->hotplug == BASE_NO && !is_occupied(call->view->domain, call->bus))
        rule_fail(call, NULL, NULL, "port %u is free, but hotplug='off' keeps devices out",
                  call->bus->index);
}

static gboolean
is_for_devices_to_come(const RuleCall *call)
{
    return wants_ports(call) && call->iommu->iommu->kind == MODEL_IOMMU_INTEL;
}

static const ViewHostdev *
first_below(const RuleCall *call)
{
    for (guint i = 0; i < call->view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = call->view->hostdevs->pdata[i];

        if (hostdev->viommu == call->iommu && view_is_assigned(hostdev))
            return hostdev;
    }
    return NULL;
}

static void
check_caching_mode(RuleCall *call)
{
    /* with a device below it vtd-caching-mode says so */
    if (call->iommu->caching_mode != BASE_YES && !first_below(call))
        rule_fail(call, call->iommu->iommu->driver, NULL,
                  "VT-d vIOMMU without caching mode, and %u device%s may come", wanted_ports(call),
                  wanted_ports(call) == 1 ? "" : "s");
}

static gboolean
has_queues(const RuleCall *call)
{
    return wants_ports(call) && call->iommu->accel == BASE_YES && call->iommu->cmdqv == BASE_YES;
}

static void
check_queues(RuleCall *call)
{
    const ViewHostdev *first = first_below(call);
    g_autofree char *name = NULL;

    if (!first)
        return;
    name = rule_hostdev_name(first);
    rule_fail(call, call->iommu->iommu->driver, NULL,
              "command queues belong to the first device: %s cannot be detached while the guest "
              "runs",
              name);
}

static gboolean
is_for_bars(const RuleCall *call)
{
    const ViommuPolicy *policy = call->view->policy;

    return wants_ports(call) && policy->spare_prefetchable + policy->spare_plain > 0 &&
           call->bus->kind == MODEL_BUS_ROOT_PORT;
}

static void
check_kind(RuleCall *call, const char *name, guint64 bytes, guint64 reserve, const char *attribute)
{
    gboolean aligned = view_windows_are_aligned(call->view->domain);
    ViewBarKind kind = view_bars_of_size(bytes);
    g_autofree char *size = base_format_size(bytes);
    guint64 window = view_reserve_window(reserve, aligned);
    g_autofree char *have = base_format_size(window);
    g_autofree char *want = base_format_size(view_bars_reserve(&kind, aligned));
    g_autofree char *help = g_strdup_printf("%s of %s", attribute, want);

    if (!view_bars_fit(&kind, reserve, aligned))
        rule_fail(call, NULL, help,
                  "port %u is sure of %s for %s BARs%s, and the policy wants room for %s",
                  call->bus->index, have, name, window >= bytes ? " at some multiple of 2 MiB" : "",
                  size);
}

static void
check_spare_window(RuleCall *call)
{
    const ViommuPolicy *policy = call->view->policy;
    ViewReserve reserve = view_reserve(call->view, call->bus);

    if (!model_port_is_free(call->view->domain, call->bus))
        return;
    check_kind(call, "prefetchable", policy->spare_prefetchable, reserve.prefetchable,
               "pref64-reserve by qemu:override");
    check_kind(call, "32-bit", policy->spare_plain, reserve.plain, "memReserve in <target>");
}

static gboolean
is_arm_expander(const RuleCall *call)
{
    return wants_ports(call) && call->bus->kind == MODEL_BUS_PXB_PCIE &&
           g_strcmp0(call->view->domain->arch, "aarch64") == 0;
}

/* A port alone on its expander takes from nobody. */
static void
check_neighbours(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;
    guint ports = 0, bare = 0;

    for (guint i = 0; i < domain->controllers->len; i++) {
        const ModelController *port = domain->controllers->pdata[i];

        if (port->kind != MODEL_BUS_ROOT_PORT ||
            model_root_bus(domain, port->index) != call->bus->index)
            continue;
        ports++;
        bare +=
            model_port_is_free(domain, port) && view_reserve(call->view, port).prefetchable == 0;
    }
    if (ports > 1 && bare > 0)
        rule_fail(call, NULL, NULL,
                  "%u free port%s below expander %u without pref64-reserve, and %u port%s beside "
                  "%s",
                  bare, bare == 1 ? "" : "s", call->bus->index, ports - 1, ports == 2 ? "" : "s",
                  bare == 1 ? "it" : "each");
}

static const Rule rules[] = {
    {
        .id = "hotplug-no-free-port",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "fewer free hotplug ports than asked for",
        .rationale =
            "PCI controllers cannot be hot-plugged: a device can only be added to a root port "
            "that was there at start, is empty, and is on the bus of the vIOMMU that the device "
            "needs. libvirt says: No more available PCI slots.",
        .remedy = "<controller type='pci' model='pcie-root-port'/> for each device to come",
        .source = "libvirt 12.8.0, run: attach without a free port; libvirt 11.3 "
                  "src/qemu/qemu_domain_address.c",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_HOTPLUG,
        .demotable = TRUE,
        .check = check_free_ports,
        .applies = needs_ports,
    },
    {
        .id = "hotplug-port-off",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "a free port that refuses hotplug, while spare ports are asked for",
        .rationale = "libvirt refuses an attach into a port with hotplug='off': The device "
                     "requires hotplug capability, but the PCI controller with index='N' doesn't "
                     "support hotplug.",
        .remedy = "hotplug='on' in <target> of that controller, or no such attribute",
        .source = "libvirt 12.8.0, run; QEMU 11.1.2: Bus 'rp0' does not support hotplugging",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_BUS,
        .effect = RULE_EFFECT_REFUSED_HOTPLUG,
        .demotable = TRUE,
        .check = check_port_off,
        .applies = is_port_off,
    },
    {
        .id = "hotplug-spare-window",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "a spare port without room for the BARs that the policy speaks of",
        .rationale =
            "Firmware gives an empty port a window of 2 MiB, and what the port reserves. A guest "
            "that has no room for a BAR says: BAR 2 [mem size 0x800000000 64bit pref]: can't "
            "assign; no space. SeaBIOS begins the window at any multiple of 2 MiB, so there it "
            "has to be larger than the BARs by the largest of them; UEFI aligns it.",
        .remedy = "<target memReserve=…> (libvirt 10.3, in KiB), and pref64-reserve of the port by "
                  "qemu:override (in bytes); virt-viommu apply writes them",
        .source =
            "SeaBIOS 1.17 src/fw/pciinit.c:920-1000, edk2 OvmfPkg/PciHotPlugInitDxe; run with "
            "SeaBIOS 1.16 and 1.17, OVMF 2026.08 and a Linux 7.2 guest: a BAR of 32 GiB finds "
            "no place in a window of 32 GiB from SeaBIOS, and one from OVMF",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_BUS,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .check = check_spare_window,
        .applies = is_for_bars,
    },
    {
        .id = "hotplug-caching-mode",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a VT-d vIOMMU that will refuse the devices to come",
        .rationale =
            "Without caching mode QEMU refuses each assigned device, and a vIOMMU cannot be "
            "changed while the guest runs. device_add says: Device assignment is not allowed "
            "without enabling caching-mode=on for Intel IOMMU.",
        .remedy = "caching_mode='on' in the <driver> of <iommu model='intel'>",
        .source = "QEMU 11.1 hw/i386/intel_iommu.c:4758",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_HOTPLUG,
        .demotable = TRUE,
        .check = check_caching_mode,
        .applies = is_for_devices_to_come,
    },
    {
        .id = "hotplug-command-queues",
        .severity = VIOMMU_SEVERITY_INFO,
        .summary = "a device that cannot be detached because of its command queues",
        .rationale =
            "The guest's command queues are made with the first device below the SMMU. QEMU "
            "refuses to remove that one: CMDQV is active: removing the device that established "
            "the viommu association would break the guest CMDQV",
        .remedy = "first of all a device that stays, or cmdqv='off'",
        .source = "QEMU 11.1 hw/arm/smmuv3-accel.c:781",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_HOTPLUG,
        .demotable = TRUE,
        .check = check_queues,
        .applies = has_queues,
    },
    {
        .id = "hotplug-expander-windows",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "ports of an expander bus whose devices lose their memory at a hotplug",
        .rationale =
            "Firmware of arm64 guests gives an expander no prefetchable memory. Linux wants 2 MiB "
            "of it for the port where a device comes, has none, and takes the window of another "
            "port of that expander, whose device then does not answer any more: BAR 0: not "
            "claimed; can't enable device.",
        .remedy = "pref64-reserve of 2097152 or more (type='unsigned') on each free port, in "
                  "<qemu:override>, which virt-viommu apply writes; or "
                  "pci=hpmmioprefsize=0,hpiosize=0 on the guest's kernel command line",
        .source = "run: libvirt 12.8.0, QEMU 11.1.2, edk2 2026.08, Linux 7.2.13 in the guest: an "
                  "NVMe stops when a NIC is plugged in beside it, and with either remedy goes on",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_BUS,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .check = check_neighbours,
        .applies = is_arm_expander,
    },
};

const RuleFamily rule_family_hotplug = {"hotplug", rules, G_N_ELEMENTS(rules)};
