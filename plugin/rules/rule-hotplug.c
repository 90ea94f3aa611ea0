/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Room for devices that come while the guest runs. */
#include "rule-families.h"
#include "rule-tools.h"

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
};

const RuleFamily rule_family_hotplug = {"hotplug", rules, G_N_ELEMENTS(rules)};
