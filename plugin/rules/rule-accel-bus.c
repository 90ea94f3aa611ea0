/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rule-accel.h"

#include "rule-shared.h"
#include "rule-tools.h"

gboolean
rule_accel_is(const RuleCall *call)
{
    return rule_is_accel(call->iommu);
}

/* Goes through what is, or may be, below the SMMU's root bus on the side of conventional bridges
 * (@bridged) or not. */
static void
check_endpoints(RuleCall *call, gboolean bridged)
{
    const ViommuDomain *domain = call->view->domain;
    gboolean unknown = FALSE;

    for (guint i = 0; i < domain->endpoints->len; i++) {
        const ModelEndpoint *endpoint = domain->endpoints->pdata[i];
        guint bus = endpoint->address.pci.bus;
        g_autofree char *label = NULL;

        unknown = unknown || endpoint->address.kind == MODEL_ADDRESS_UNKNOWN;
        if (!rule_address_is_known(&endpoint->address) ||
            model_root_bus(domain, bus) != call->iommu->pci_bus.value ||
            model_behind_conventional(domain, bus) != bridged)
            continue;
        label = rule_endpoint_label(endpoint);
        if (bridged)
            rule_fail(call, endpoint->node, NULL,
                      "emulated %s behind PCI bridge %u, below the accelerated SMMUv3 of bus "
                      "%" G_GUINT64_FORMAT ": QEMU may not notice",
                      label, bus, call->iommu->pci_bus.value);
        else if (endpoint->address.kind == MODEL_ADDRESS_PREDICTED)
            rule_fail(call, endpoint->node, NULL,
                      "emulated %s has no address, and libvirt will place it on bus %u, below the "
                      "accelerated SMMUv3 of bus %" G_GUINT64_FORMAT,
                      label, bus, call->iommu->pci_bus.value);
        else
            rule_fail(call, endpoint->node, NULL,
                      "emulated %s on bus %u, below the accelerated SMMUv3 of bus "
                      "%" G_GUINT64_FORMAT,
                      label, bus, call->iommu->pci_bus.value);
    }
    if (unknown && call->reported == 0)
        rule_unknown(call, "the guest <address> of every emulated device",
                     "write the <address> on the device");
}

void
rule_accel_check_emulated(RuleCall *call)
{
    check_endpoints(call, FALSE);
}

void
rule_accel_check_emulated_bridge(RuleCall *call)
{
    check_endpoints(call, TRUE);
}

void
rule_accel_check_backend(RuleCall *call)
{
    const ViewIommu *iommu = rule_accel_over(call);

    if (iommu && call->hostdev->dev->iommufd != BASE_YES)
        rule_fail(call, NULL, NULL,
                  "assigned device behind the accelerated SMMUv3 of bus %" G_GUINT64_FORMAT
                  " is not on iommufd",
                  iommu->pci_bus.value);
}

/* The first device before @self behind the same vSMMU whose host SMMU is another, or is not known
 * (*ret_known is FALSE then). */
static const ViewHostdev *
find_other_smmu(const View *view, const ViewHostdev *self, gboolean *ret_known)
{
    *ret_known = TRUE;
    for (guint i = 0; i < self->index; i++) {
        const ViewHostdev *other = view->hostdevs->pdata[i];

        if (other->viommu != self->viommu || !view_is_assigned(other) || other->absent)
            continue;
        if (other->unit && other->unit != self->unit)
            return other;
        if (!other->unit && other->dev->kind != MODEL_HOSTDEV_MDEV &&
            (!other->fact || other->fact->iommu.state != BASE_STATE_ABSENT))
            *ret_known = FALSE;
    }
    return NULL;
}

void
rule_accel_check_second_smmu(RuleCall *call)
{
    const ViewHostdev *self = call->hostdev, *other;
    const ViewIommu *iommu = rule_accel_over(call);
    g_autofree char *label = NULL;
    gboolean known = TRUE;

    if (!iommu)
        return;
    if (!self->unit) {
        rule_not_applicable(call);
        return;
    }
    other = find_other_smmu(call->view, self, &known);
    if (other) {
        label = rule_hostdev_name(other);
        rule_fail(call, NULL, NULL,
                  "assigned device is behind host %s, while %s ties the vSMMU of bus "
                  "%" G_GUINT64_FORMAT " to %s",
                  self->unit->name, label, iommu->pci_bus.value, other->unit->name);
    } else if (!known) {
        rule_unknown(call, "the IOMMU of the devices before it", NULL);
    }
}

void
rule_accel_check_bridge(RuleCall *call)
{
    const ViewIommu *iommu = rule_accel_over(call);

    if (iommu && call->hostdev->conventional)
        rule_fail(call, NULL, NULL,
                  "assigned device behind the conventional PCI bridge %u, below the accelerated "
                  "SMMUv3 of bus %" G_GUINT64_FORMAT,
                  call->hostdev->dev->address.pci.bus, iommu->pci_bus.value);
}

gboolean
rule_accel_off_device(const RuleCall *call)
{
    return rule_is_behind(call, MODEL_IOMMU_SMMUV3);
}

void
rule_accel_check_off_device(RuleCall *call)
{
    const ViewIommu *iommu = call->hostdev->viommu;

    if (iommu->accel == BASE_YES)
        return;
    if (iommu->accel_written)
        rule_fail(call, NULL, "pciBus with the index of the pcie-expander-bus of that SMMUv3",
                  "assigned device behind an SMMUv3 whose accel='on' libvirt drops because pciBus "
                  "is missing");
    else
        rule_fail(call, NULL, NULL, "assigned device behind an SMMUv3 without accel");
}

/* (transfer full) (nullable): names of the values that QEMU takes from a device */
static char *
auto_values(const ViewIommu *iommu)
{
    const char *names[] = {iommu->ats == BASE_UNKNOWN ? "ats" : NULL,
                           iommu->ril == BASE_UNKNOWN ? "ril" : NULL,
                           base_u64_is_known(iommu->oas) ? NULL : "oas",
                           base_u64_is_known(iommu->ssidsize) ? NULL : "ssidsize"};
    g_autoptr(GString) list = g_string_new(NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        if (names[i])
            g_string_append_printf(list, "%s%s", list->len ? ", " : "", names[i]);
    return list->len ? g_string_free(g_steal_pointer(&list), FALSE) : NULL;
}

/* An assigned device below that SMMU when the domain starts; UNKNOWN: one that may be. */
static BaseTri
has_cold_device(const RuleCall *call)
{
    BaseTri found = BASE_NO;

    for (guint i = 0; i < call->view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = call->view->hostdevs->pdata[i];

        if (!view_is_assigned(hostdev))
            continue;
        if (hostdev->viommu == call->iommu)
            return BASE_YES;
        if (hostdev->covered == BASE_UNKNOWN)
            found = BASE_UNKNOWN;
    }
    return found;
}

void
rule_accel_check_cold(RuleCall *call)
{
    BaseTri found = has_cold_device(call);
    g_autofree char *missing = auto_values(call->iommu);

    if (found == BASE_YES || !missing)
        return;
    if (found == BASE_UNKNOWN)
        rule_unknown(call, "the guest <address> of the assigned devices",
                     "write the <address> on the device");
    else if (call->iommu->values_auto == BASE_UNKNOWN)
        rule_unknown(call, "versions/qemu", "--qemu-version, or a machine with its version");
    else if (call->iommu->values_auto == BASE_YES)
        rule_fail(call, NULL, NULL,
                  "%s left to the host, and no assigned device is below this SMMUv3 at start",
                  missing);
}
