/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rule-bus-placement.h"

#include "rule-tools.h"

/* libvirt counts automatic numbers down from here (libvirt 12.8.0, run: 254, 252, …) */
#define BUS_NUMBERS 256

static gboolean
is_expander(const ModelController *controller)
{
    return controller &&
           (controller->kind == MODEL_BUS_PXB_PCIE || controller->kind == MODEL_BUS_PXB);
}

gboolean
rule_bus_has_expander(const RuleCall *call)
{
    const GPtrArray *controllers = call->view->domain->controllers;

    for (guint i = 0; i < controllers->len; i++)
        if (is_expander(controllers->pdata[i]))
            return TRUE;
    return FALSE;
}

gboolean
rule_bus_has_pcie_expander(const RuleCall *call)
{
    const GPtrArray *controllers = call->view->domain->controllers;

    for (guint i = 0; i < controllers->len; i++)
        if (((const ModelController *)controllers->pdata[i])->kind == MODEL_BUS_PXB_PCIE)
            return TRUE;
    return FALSE;
}

/* A device and its place, whatever kind it is of */
typedef struct {
    const ModelAddress *address;
    const xmlNode *node;
    const ModelController *controller;
    const ViewHostdev *hostdev;
    const ModelEndpoint *endpoint;
    const ModelIommu *iommu;
} Occupant;

static void
add_occupant(GArray *list, Occupant occupant)
{
    g_array_append_val(list, occupant);
}

/* @all: buses and vIOMMUs too */
static GArray *
occupants(const View *view, gboolean all)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(Occupant));
    const ViommuDomain *domain = view->domain;

    for (guint i = 0; all && i < domain->controllers->len; i++) {
        const ModelController *it = domain->controllers->pdata[i];

        add_occupant(list, (Occupant){.address = &it->address, .node = it->node, .controller = it});
    }
    for (guint i = 0; i < domain->endpoints->len; i++) {
        const ModelEndpoint *it = domain->endpoints->pdata[i];

        add_occupant(list, (Occupant){.address = &it->address, .node = it->node, .endpoint = it});
    }
    for (guint i = 0; i < view->hostdevs->len; i++) {
        const ViewHostdev *it = view->hostdevs->pdata[i];

        /* an interface of type network is among the endpoints too */
        if (it->dev->kind != MODEL_HOSTDEV_NETWORK)
            add_occupant(
                list,
                (Occupant){.address = &it->dev->address, .node = it->dev->node, .hostdev = it});
    }
    for (guint i = 0; all && i < domain->iommus->len; i++) {
        const ModelIommu *it = domain->iommus->pdata[i];

        add_occupant(list, (Occupant){.address = &it->address, .node = it->node, .iommu = it});
    }
    return list;
}

static char *
label_of(const Occupant *occupant)
{
    if (occupant->controller)
        return rule_controller_label(occupant->controller);
    if (occupant->hostdev)
        return rule_hostdev_name(occupant->hostdev);
    if (occupant->iommu)
        return g_strdup_printf("iommu model '%s'", occupant->iommu->model);
    return rule_endpoint_label(occupant->endpoint);
}

void
rule_bus_check_on_expander(RuleCall *call)
{
    g_autoptr(GArray) list = occupants(call->view, FALSE);

    for (guint i = 0; i < list->len; i++) {
        const Occupant *it = &g_array_index(list, Occupant, i);
        const ModelController *bus;
        g_autofree char *label = NULL;

        if (it->address->kind != MODEL_ADDRESS_WRITTEN)
            continue;
        bus = model_controller(call->view->domain, it->address->pci.bus);
        if (!bus || bus->kind != MODEL_BUS_PXB_PCIE)
            continue;
        label = label_of(it);
        rule_fail(call, it->node, NULL,
                  "%s is placed on expander bus %u itself, which takes only ports and bridges",
                  label, bus->index);
    }
}

void
rule_bus_check_number_clash(RuleCall *call)
{
    const GPtrArray *controllers = call->view->domain->controllers;
    const ModelController *owner[BUS_NUMBERS] = {NULL};

    for (guint i = 0; i < controllers->len; i++) {
        const ModelController *bus = controllers->pdata[i];

        if (!is_expander(bus) || !base_u64_is_known(bus->bus_nr) ||
            bus->bus_nr.value >= BUS_NUMBERS)
            continue;
        if (owner[bus->bus_nr.value])
            rule_fail(call, bus->node, NULL,
                      "expander buses %u and %u both have busNr %" G_GUINT64_FORMAT,
                      owner[bus->bus_nr.value]->index, bus->index, bus->bus_nr.value);
        else
            owner[bus->bus_nr.value] = bus;
    }
}

/* Bus number that @wanted gets: its own, or what libvirt will choose: each expander without one
 * gets the lowest that is there (or 256) less two. Controllers come in ascending index. */
static guint64
number_of(const ViommuDomain *domain, const ModelController *wanted)
{
    guint64 lowest = BUS_NUMBERS;

    if (wanted->index == 0)
        return 0;
    if (base_u64_is_known(wanted->bus_nr))
        return wanted->bus_nr.value;
    for (guint i = 0; i < domain->controllers->len; i++) {
        const ModelController *bus = domain->controllers->pdata[i];

        if (is_expander(bus) && base_u64_is_known(bus->bus_nr))
            lowest = MIN(lowest, bus->bus_nr.value);
    }
    for (guint i = 0; i < domain->controllers->len; i++) {
        const ModelController *bus = domain->controllers->pdata[i];

        if (is_expander(bus) && !base_u64_is_known(bus->bus_nr))
            lowest = lowest > 2 ? lowest - 2 : 0;
        if (bus == wanted)
            break;
    }
    return lowest;
}

gboolean
rule_bus_has_number(const RuleCall *call)
{
    return rule_bus_has_expander(call) && (call->bus->index == 0 || is_expander(call->bus));
}

void
rule_bus_check_number_range(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;
    guint64 first = number_of(domain, call->bus), next = BUS_NUMBERS;
    guint64 needed = 1, unplaced = 0;

    for (guint i = 0; i < domain->controllers->len; i++) {
        const ModelController *bus = domain->controllers->pdata[i];
        guint64 number = is_expander(bus) ? number_of(domain, bus) : 0;

        if (bus == call->bus)
            continue;
        if (is_expander(bus) && number > first)
            next = MIN(next, number);
        else if (!is_expander(bus) && bus->index != 0) {
            guint root = model_root_bus(domain, bus->index);

            needed += root == call->bus->index;
            unplaced += root == G_MAXUINT;
        }
    }
    /* the ports that libvirt adds are all on pcie.0 */
    if (call->bus->index == 0)
        needed += domain->added_controllers->len;
    if (next - first < needed)
        rule_fail(call, NULL, NULL,
                  "%s %u needs %" G_GUINT64_FORMAT " bus numbers from %" G_GUINT64_FORMAT
                  " on (itself and the ports below), and %" G_GUINT64_FORMAT " %s free",
                  call->bus->model, call->bus->index, needed, first, next - first,
                  next - first == 1 ? "is" : "are");
    else if (next - first < needed + unplaced)
        rule_unknown(call, "the <address> of each port", "write the <address> on the ports");
}

void
rule_bus_check_number_left(RuleCall *call)
{
    if (is_expander(call->bus) && call->bus->bus_nr.state == BASE_STATE_ABSENT &&
        number_of(call->view->domain, call->bus) == 0)
        rule_fail(call, NULL, NULL,
                  "expander bus %u has no busNr, and below the other expanders none is left for it",
                  call->bus->index);
}

gboolean
rule_bus_is_target(const RuleCall *call)
{
    return call->iommu->iommu->kind == MODEL_IOMMU_SMMUV3 &&
           base_u64_is_known(call->iommu->pci_bus);
}

/* Below 11.10 libvirt drops pciBus, which is the finding of another rule. */
void
rule_bus_check_target(RuleCall *call)
{
    const ViewIommu *iommu = call->iommu;
    const xmlNode *place = rule_iommu_place(iommu->iommu);
    guint64 bus = iommu->pci_bus.value;
    const ModelController *controller =
        bus <= G_MAXUINT ? model_controller(call->view->domain, (guint)bus) : NULL;

    if (call->view->target.libvirt < STACK_LIBVIRT_MULTIPLE_IOMMU) {
        rule_not_applicable(call);
        return;
    }
    if (!controller) {
        rule_fail(call, place, NULL, "pciBus='%" G_GUINT64_FORMAT "' names no PCI controller", bus);
        return;
    }
    if (controller->kind != MODEL_BUS_PCIE_ROOT && controller->kind != MODEL_BUS_PXB_PCIE) {
        rule_fail(call, place, NULL,
                  "pciBus='%" G_GUINT64_FORMAT "' is a %s, not pcie.0 or a pcie-expander-bus", bus,
                  controller->model);
        return;
    }
    for (guint i = 0; i < iommu->index; i++) {
        const ViewIommu *other = call->view->iommus->pdata[i];

        if (other->iommu->kind == MODEL_IOMMU_SMMUV3 && base_u64_is_known(other->pci_bus) &&
            other->pci_bus.value == bus)
            rule_fail(call, place, NULL,
                      "bus %" G_GUINT64_FORMAT " already has a vSMMU (<iommu> number %u)", bus,
                      other->index + 1);
    }
}

static const Occupant *
earlier_at(const GArray *list, const Occupant *second)
{
    for (guint i = 0; &g_array_index(list, Occupant, i) != second; i++) {
        const Occupant *first = &g_array_index(list, Occupant, i);

        if (first->address->kind == MODEL_ADDRESS_WRITTEN && first->node != second->node &&
            base_pci_equal(first->address->pci, second->address->pci))
            return first;
    }
    return NULL;
}

/* Whether libvirt's assignment of addresses met something of the chipset at this written place */
static gboolean
meets_chipset(const ViommuDomain *domain, const Occupant *occupant)
{
    for (guint i = 0; i < domain->refusals->len; i++) {
        const ModelRefusal *it = &g_array_index(domain->refusals, ModelRefusal, i);

        if (it->kind == MODEL_REFUSAL_TAKEN && it->node == occupant->node)
            return TRUE;
    }
    return FALSE;
}

void
rule_bus_check_clash(RuleCall *call)
{
    g_autoptr(GArray) list = occupants(call->view, TRUE);

    for (guint i = 0; i < list->len; i++) {
        const Occupant *second = &g_array_index(list, Occupant, i);
        const Occupant *first = NULL;
        g_autofree char *one = NULL, *two = NULL, *place = NULL;

        if (second->address->kind != MODEL_ADDRESS_WRITTEN)
            continue;
        first = earlier_at(list, second);
        if (!first && !meets_chipset(call->view->domain, second))
            continue;
        two = label_of(second);
        place = rule_slot_text(&second->address->pci);
        if (first) {
            one = label_of(first);
            rule_fail(call, second->node, NULL, "%s and %s are both at %s", one, two, place);
        } else {
            rule_fail(call, second->node, NULL, "%s is at %s, which the chipset has", two, place);
        }
    }
}

/* Slots whose function 0 is the machine's own: host bridge; q35 also 0x1f (LPC), i440fx 1 (PIIX3).
 * QEMU 11.1 include/hw/southbridge/ich9.h, hw/i386/pc_piix.c */
static gboolean
is_of_chipset(const ViommuDomain *domain, const BasePci *pci)
{
    if (pci->domain != 0 || pci->bus != 0)
        return FALSE;
    return pci->slot == 0 || (domain->is_q35 && pci->slot == 0x1f) ||
           (domain->is_i440fx && pci->slot == 1);
}

static gboolean
is_function_zero_of(const ModelAddress *address, const BasePci *pci)
{
    return rule_address_is_known(address) && address->pci.domain == pci->domain &&
           address->pci.bus == pci->bus && address->pci.slot == pci->slot &&
           address->pci.function == 0;
}

static gboolean
has_function_zero(const View *view, const GArray *list, const BasePci *pci)
{
    for (guint i = 0; i < list->len; i++)
        if (is_function_zero_of(g_array_index(list, Occupant, i).address, pci))
            return TRUE;
    for (guint i = 0; i < view->iommus->len; i++) {
        const ViewIommu *iommu = view->iommus->pdata[i];

        if (is_function_zero_of(&iommu->iommu->address, pci))
            return TRUE;
    }
    return is_of_chipset(view->domain, pci);
}

void
rule_bus_check_functions(RuleCall *call)
{
    g_autoptr(GArray) list = occupants(call->view, TRUE);

    for (guint i = 0; i < list->len; i++) {
        const Occupant *it = &g_array_index(list, Occupant, i);
        const BasePci *pci = &it->address->pci;
        g_autofree char *label = NULL, *place = NULL;

        if (it->address->kind != MODEL_ADDRESS_WRITTEN || pci->function == 0 ||
            has_function_zero(call->view, list, pci))
            continue;
        label = label_of(it);
        place = rule_slot_text(pci);
        rule_fail(call, it->node, NULL, "%s is at %s, and nothing is at function 0 of that slot",
                  label, place);
    }
}

/* PCIe expander bus above a device that libvirt will place; NULL: none, or not told. A
 * pci-expander-bus of i440fx is no place for a vIOMMU. */
static const ModelController *
expander_above(const ViommuDomain *domain, const ModelAddress *address)
{
    guint root = address->kind == MODEL_ADDRESS_PREDICTED ? model_root_bus(domain, address->pci.bus)
                                                          : G_MAXUINT;
    const ModelController *bus = root == G_MAXUINT ? NULL : model_controller(domain, root);

    return bus && bus->kind == MODEL_BUS_PXB_PCIE ? bus : NULL;
}

void
rule_bus_check_unwritten(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;
    g_autoptr(GArray) list = occupants(call->view, FALSE);
    g_autofree char *unsure = NULL;

    for (guint i = 0; i < list->len; i++) {
        const Occupant *it = &g_array_index(list, Occupant, i);
        const ModelController *bus = expander_above(domain, it->address);
        g_autofree char *label = label_of(it);

        if (it->address->kind == MODEL_ADDRESS_UNKNOWN && !unsure)
            unsure = g_strdup_printf("the guest address of %s", label);
        if (bus)
            rule_fail(call, it->node ? it->node : domain->devices, NULL,
                      "%s has no address, and libvirt will place it on bus %u, behind expander "
                      "bus %u",
                      label, it->address->pci.bus, bus->index);
    }
    if (unsure)
        rule_unknown(call, unsure, "write its <address type='pci'/>");
}
