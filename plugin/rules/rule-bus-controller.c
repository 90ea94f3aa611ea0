/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rule-bus-controller.h"

#include "base-text.h"
#include "rule-bus-placement.h"
#include "rule-tools.h"
#include "view-bars.h"

#include <string.h>

#define HIGHEST_INDEX 255

gboolean
rule_bus_is_written(const RuleCall *call)
{
    return call->bus->node != NULL;
}

/* libvirt's root bus of this machine; OTHER: we do not know */
static ModelBusKind
root_of(const ViommuDomain *domain)
{
    if (domain->is_q35 || domain->is_virt)
        return MODEL_BUS_PCIE_ROOT;
    return domain->is_i440fx ? MODEL_BUS_PCI_ROOT : MODEL_BUS_OTHER;
}

static gboolean
has_earlier_twin(const RuleCall *call)
{
    const GPtrArray *controllers = call->view->domain->controllers;

    for (guint i = 0; i < controllers->len && controllers->pdata[i] != call->bus; i++)
        if (((const ModelController *)controllers->pdata[i])->index == call->bus->index)
            return TRUE;
    return FALSE;
}

void
rule_bus_check_index(RuleCall *call)
{
    const ModelController *bus = call->bus;
    ModelBusKind root = root_of(call->view->domain);
    const char *root_model = root == MODEL_BUS_PCI_ROOT ? "pci-root" : "pcie-root";
    gboolean is_root = bus->kind == MODEL_BUS_PCIE_ROOT || bus->kind == MODEL_BUS_PCI_ROOT;
    gboolean has_model = xmlHasProp((xmlNode *)bus->node, BAD_CAST "model") != NULL;

    if (root == MODEL_BUS_OTHER)
        rule_not_applicable(call);
    else if (has_earlier_twin(call))
        rule_fail(call, NULL, NULL, "a second PCI controller with index %u", bus->index);
    else if (bus->index == 0 && bus->kind != root)
        rule_fail(call, NULL, "index='1' or more, or none",
                  "the PCI controller with index 0 is a %s, and machine '%s' has a %s there",
                  has_model ? bus->model : "controller without model",
                  model_machine_text(call->view->domain), root_model);
    else if (bus->index != 0 && is_root)
        rule_fail(call, NULL, NULL, "a %s with index %u, and it is bus 0", bus->model, bus->index);
    else if (bus->index > HIGHEST_INDEX)
        rule_fail(call, NULL, NULL, "index %u, and the highest is %u", bus->index, HIGHEST_INDEX);
    else if (!has_model)
        rule_fail(call, NULL, "model='pcie-root-port'", "PCI controller %u has no model",
                  bus->index);
    else if (bus->kind == MODEL_BUS_OTHER)
        rule_fail(call, NULL, NULL, "libvirt knows no PCI controller '%s'", bus->model);
}

void
rule_bus_check_machine(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;

    if (root_of(domain) == MODEL_BUS_OTHER)
        rule_not_applicable(call);
    else if (call->bus->kind == MODEL_BUS_PXB && !domain->is_i440fx)
        rule_fail(call, NULL, "model='pcie-expander-bus'",
                  "a pci-expander-bus on machine '%s': only i440fx has it",
                  model_machine_text(domain));
    else if (call->bus->kind == MODEL_BUS_PXB_PCIE && domain->is_i440fx)
        rule_fail(call, NULL, NULL,
                  "a pcie-expander-bus on machine '%s': only q35 and Arm virt have it",
                  model_machine_text(domain));
}

#define KIND(kind) (1U << (kind))
#define ROOT_PORTS (KIND(MODEL_BUS_ROOT_PORT) | KIND(MODEL_BUS_DOWNSTREAM))
#define EXPANDERS  (KIND(MODEL_BUS_PXB_PCIE) | KIND(MODEL_BUS_PXB))

/* Attributes of <target>: who has them, and what they may be. libvirt 11.3
 * src/qemu/qemu_validate.c:3842 (qemuValidateDomainDeviceDefControllerPCI),
 * src/conf/domain_validate.c:1251-1294 */
static const struct {
    const char *name;
    guint kinds;
    guint64 lowest, highest;
    guint64 since;
} options[] = {
    {"chassisNr", KIND(MODEL_BUS_PCI_BRIDGE), 1, 255, 0},
    {"chassis", ROOT_PORTS, 0, 255, 0},
    {"port", ROOT_PORTS, 0, 255, 0},
    {"busNr", EXPANDERS, 1, 254, 0},
    {"index", 0, 0, 0, 0},
    {"memReserve", KIND(MODEL_BUS_ROOT_PORT) | KIND(MODEL_BUS_PCI_BRIDGE), 1, G_MAXUINT64,
     VIEW_LIBVIRT_MEM_RESERVE},
};

static void
check_number(RuleCall *call, gsize option, const xmlNode *target)
{
    const char *name = options[option].name;
    const char *text = model_value(target, name);
    g_autofree char *help = NULL;
    guint64 value = 0;

    if (!text)
        return;
    if (options[option].since && call->view->target.libvirt == 0) {
        rule_unknown(call, "versions/libvirt", "--libvirt-version");
        return;
    }
    if (call->view->target.libvirt < options[option].since)
        return;
    if (!(options[option].kinds & KIND(call->bus->kind))) {
        help = g_strdup_printf("no %s in <target>", name);
        rule_fail(call, target, help, "a %s has no %s", call->bus->model, name);
        return;
    }
    if (base_parse_loose_u64(text, 0, &value) && value >= options[option].lowest &&
        value <= options[option].highest)
        return;
    help = options[option].highest == G_MAXUINT64
               ? g_strdup_printf("a number of KiB in %s", name)
               : g_strdup_printf("%s between %" G_GUINT64_FORMAT " and %" G_GUINT64_FORMAT, name,
                                 options[option].lowest, options[option].highest);
    rule_fail(call, target, help, "%s='%s' of %s %u is out of range", name, text, call->bus->model,
              call->bus->index);
}

/* <model name=…> of each kind; two for the root port only */
static gboolean
name_fits(ModelBusKind kind, const char *name)
{
    static const char *const names[][3] = {
        [MODEL_BUS_PCIE_ROOT] = {NULL},
        [MODEL_BUS_PCI_ROOT] = {NULL},
        [MODEL_BUS_ROOT_PORT] = {"pcie-root-port", "ioh3420", NULL},
        [MODEL_BUS_UPSTREAM] = {"x3130-upstream", NULL},
        [MODEL_BUS_DOWNSTREAM] = {"xio3130-downstream", NULL},
        [MODEL_BUS_PXB_PCIE] = {"pxb-pcie", NULL},
        [MODEL_BUS_PXB] = {"pxb", NULL},
        [MODEL_BUS_PCI_BRIDGE] = {"pci-bridge", NULL},
        [MODEL_BUS_PCIE_TO_PCI] = {"pcie-pci-bridge", NULL},
        [MODEL_BUS_DMI_TO_PCI] = {"i82801b11-bridge", NULL},
    };

    return g_strv_contains(names[kind], name);
}

static void
check_hotplug(RuleCall *call, const xmlNode *target)
{
    const char *text = model_value(target, "hotplug");
    guint kinds = ROOT_PORTS | KIND(MODEL_BUS_PCI_ROOT);

    if (!text)
        return;
    if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
        rule_fail(call, target, "hotplug='on' or hotplug='off'", "hotplug='%s' of %s %u", text,
                  call->bus->model, call->bus->index);
    else if (!(kinds & KIND(call->bus->kind)))
        rule_fail(call, target, "no hotplug in <target>", "a %s has no hotplug", call->bus->model);
}

static void
check_node(RuleCall *call, const xmlNode *target)
{
    const ModelController *bus = call->bus;
    const xmlNode *node = model_child(target, "node");

    if (!node || bus->numa_node.state == BASE_STATE_ABSENT)
        return;
    if (bus->numa_node.state == BASE_STATE_UNKNOWN)
        rule_fail(call, node, "the number of a <cell> in <node>",
                  "the NUMA node of %s %u is no number", bus->model, bus->index);
    else if (!(EXPANDERS & KIND(bus->kind)))
        rule_fail(call, node, "<node> in the <target> of the expander bus above it",
                  "a %s has no NUMA node of its own", bus->model);
}

/* pSeries has many a pci-root, with an index and a name (qemu_validate.c:3842 knows them too), and
 * ppc64le is what its hosts call themselves (11.3 src/util/virarch.h ARCH_IS_PPC64) */
static gboolean
is_spapr_bridge(const RuleCall *call)
{
    const char *arch = call->view->domain->arch;

    return call->bus->kind == MODEL_BUS_PCI_ROOT &&
           (g_strcmp0(arch, "ppc64") == 0 || g_strcmp0(arch, "ppc64le") == 0);
}

void
rule_bus_check_option(RuleCall *call)
{
    const ModelController *bus = call->bus;
    const xmlNode *target = model_child(bus->node, "target");

    if (bus->kind == MODEL_BUS_OTHER || is_spapr_bridge(call)) {
        rule_not_applicable(call);
        return;
    }
    for (gsize i = 0; target && i < G_N_ELEMENTS(options); i++)
        check_number(call, i, target);
    check_hotplug(call, target);
    check_node(call, target);
    if (bus->model_name && !name_fits(bus->kind, bus->model_name))
        rule_fail(call, model_child(bus->node, "model"), "no <model name=…>: libvirt chooses it",
                  "a %s is no '%s'", bus->model, bus->model_name);
}

gboolean
rule_bus_has_reserve(const RuleCall *call)
{
    const xmlNode *target = model_child(call->bus->node, "target");

    return target && xmlHasProp((xmlNode *)target, BAD_CAST "memReserve");
}

void
rule_bus_check_reserve_known(RuleCall *call)
{
    guint64 libvirt = call->view->target.libvirt;
    g_autofree char *version = base_format_version(libvirt);

    if (libvirt < VIEW_LIBVIRT_MEM_RESERVE)
        rule_fail(call, model_child(call->bus->node, "target"), NULL,
                  "libvirt %s drops memReserve of %s %u without a word; 10.3.0 is needed", version,
                  call->bus->model, call->bus->index);
}

/* QEMU makes buses in the order of their indexes. */
void
rule_bus_check_order(RuleCall *call)
{
    const ModelController *bus = call->bus;
    guint above = bus->address.pci.bus;

    if (bus->index == 0 || !rule_address_is_known(&bus->address) || above < bus->index)
        return;
    rule_fail(call, NULL, NULL, "%s %u is on bus %u, which is made after it", bus->model,
              bus->index, above);
}
