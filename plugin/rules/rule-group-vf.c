/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Virtual functions: what VFIO and libvirt want of the physical one. */
#include "rule-families.h"
#include "rule-shared.h"
#include "rule-tools.h"

static gboolean
is_function(const RuleCall *call)
{
    return !rule_is_mdev(call);
}

/* Whether the domain gives QEMU a VF token for that device */
static gboolean
has_token(const RuleCall *call)
{
    const GPtrArray *overrides = call->view->domain->overrides;

    for (guint i = 0; i < overrides->len; i++) {
        const ModelOverride *override = overrides->pdata[i];

        if (g_strcmp0(override->alias, call->hostdev->dev->alias) == 0 &&
            g_ptr_array_find_with_equal_func(override->names, "vf-token", g_str_equal, NULL))
            return TRUE;
    }
    return FALSE;
}

/* Whether the domain itself has libvirt bind that function to vfio-pci */
static gboolean
is_managed_here(const View *view, const HostDevice *fact)
{
    for (guint i = 0; i < view->hostdevs->len; i++) {
        const ViewHostdev *it = view->hostdevs->pdata[i];

        if (it->fact == fact && it->dev->managed && view_is_assigned(it))
            return TRUE;
    }
    return FALSE;
}

static void
check_token(RuleCall *call)
{
    const HostDevice *fact = call->hostdev->fact, *pf;
    BasePci address;

    if (!fact) {
        rule_not_applicable(call);
        return;
    }
    if (fact->physfn.state == BASE_STATE_UNKNOWN) {
        rule_unknown_of_device(call, &fact->address, "physfn");
        return;
    }
    if (!fact->physfn.text || !base_pci_parse(fact->physfn.text, &address) || has_token(call))
        return;
    pf = host_facts_device(call->view->host, address);
    if (!pf || pf->driver.state == BASE_STATE_UNKNOWN)
        rule_unknown_of_device(call, &address, "driver");
    else if (g_strcmp0(pf->driver.text, "vfio-pci") == 0 || is_managed_here(call->view, pf))
        rule_fail(call, NULL, NULL,
                  "virtual function of %s, which is bound to vfio-pci: VFIO wants a token that "
                  "libvirt cannot give",
                  fact->physfn.text);
}

static gboolean
is_interface(const RuleCall *call)
{
    return call->hostdev->dev->kind == MODEL_HOSTDEV_INTERFACE;
}

static void
check_interface(RuleCall *call)
{
    const HostDevice *fact = call->hostdev->fact;

    if (!fact)
        rule_not_applicable(call);
    else if (fact->physfn.state == BASE_STATE_UNKNOWN)
        rule_unknown_of_device(call, &fact->address, "physfn");
    else if (!fact->physfn.text)
        rule_fail(call, NULL, NULL, "an interface of a function that is not a virtual one");
}

/* With a <virtualport> libvirt leaves the interface of the physical function alone. */
static gboolean
is_set_up_by_parent(const RuleCall *call)
{
    return is_interface(call) && !model_child(call->hostdev->dev->node, "virtualport");
}

static void
check_parent_up(RuleCall *call)
{
    const HostDevice *fact = call->hostdev->fact, *pf;
    BasePci address;

    if (!fact || fact->physfn.state == BASE_STATE_ABSENT) {
        rule_not_applicable(call);
        return;
    }
    if (!fact->physfn.text || !base_pci_parse(fact->physfn.text, &address)) {
        rule_unknown_of_device(call, &fact->address, "physfn");
        return;
    }
    pf = host_facts_device(call->view->host, address);
    if (pf && pf->net.state == BASE_STATE_ABSENT)
        rule_fail(call, NULL, NULL, "its physical function %s has no network interface",
                  fact->physfn.text);
    else if (!pf || pf->net_up == BASE_UNKNOWN)
        rule_unknown_of_device(call, &address, "net_up");
    else if (pf->net_up == BASE_NO)
        rule_fail(call, NULL, NULL, "interface %s of its physical function %s is down",
                  pf->net.text ? pf->net.text : "?", fact->physfn.text);
}

static const Rule rules[] = {
    {
        .id = "group-vf-token",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a virtual function whose physical function is on vfio-pci",
        .rationale =
            "Who has the physical function can disturb its virtual ones, so VFIO wants both to "
            "name the same token. libvirt has no attribute for it. The kernel says: VF token "
            "required to access device.",
        .remedy = "the physical function on its host driver; else vf-token by qemu:override on "
                  "both devices' ua- aliases",
        .source = "Linux 7.2 drivers/vfio/pci/vfio_pci_core.c:1925-1990; QEMU 11.1 "
                  "-device vfio-pci,help (vf-token)",
        .fixer = RULE_FIXER_HOST,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_DEVICE,
        .check = check_token,
        .applies = is_function,
    },
    {
        .id = "group-interface-not-vf",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "an interface of type hostdev that is not a virtual function",
        .rationale =
            "libvirt sets MAC and VLAN of such an interface through the physical function. It says "
            "at start: Interface type hostdev is currently supported on SR-IOV Virtual Functions "
            "only",
        .remedy = "the address of a virtual function, or <hostdev> in place of <interface>",
        .source = "libvirt 11.3 src/hypervisor/virhostdev.c:419; refused by 12.8.0",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_DEVICE,
        .check = check_interface,
        .applies = is_interface,
    },
    {
        .id = "group-vf-parent-down",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a virtual function as interface while its physical function is down",
        .rationale =
            "What is set through an interface that is down does not reach the virtual function, so "
            "libvirt refuses at start: Unable to configure VF 0 of PF 'eth6' because the PF is not "
            "online. Please change host network config to put the PF online. Without an interface: "
            "The PF device for VF ... has no network device name",
        .remedy = "ip link set INTERFACE up, and the same at boot in the host's network "
                  "configuration; or <hostdev> in place of <interface>",
        .source = "libvirt 11.3 src/util/virnetdev.c:1901-1922, src/util/virpci.c:3065-3073; "
                  "refused by 12.8.0",
        .fixer = RULE_FIXER_HOST,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_DEVICE,
        .check = check_parent_up,
        .applies = is_set_up_by_parent,
    },
};

const RuleFamily rule_family_group_vf = {"group", rules, G_N_ELEMENTS(rules)};
