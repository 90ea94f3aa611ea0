/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rule-accel.h"

#include "rule-shared.h"

gboolean
rule_accel_is(const RuleCall *call)
{
    return rule_is_accel(call->iommu);
}

/* What sits below the SMMU's root bus, or may; FALSE: it does not. */
static gboolean
report_endpoint(RuleCall *call, const ModelEndpoint *endpoint)
{
    const ViommuDomain *domain = call->view->domain;
    guint bus = endpoint->address.pci.bus;

    if (model_root_bus(domain, bus) != call->iommu->pci_bus.value)
        return FALSE;
    if (model_behind_conventional(domain, bus))
        rule_fail(call, endpoint->node, NULL,
                  "emulated %s behind a PCI bridge below an accelerated SMMUv3: QEMU does not "
                  "notice",
                  endpoint->what);
    else if (endpoint->address.kind == MODEL_ADDRESS_PREDICTED)
        rule_fail(call, endpoint->node, NULL,
                  "emulated %s has no address, and libvirt will place it on bus %u, below an "
                  "accelerated SMMUv3",
                  endpoint->what, bus);
    else
        rule_fail(call, endpoint->node, NULL, "emulated %s on bus %u, below an accelerated SMMUv3",
                  endpoint->what, bus);
    return TRUE;
}

void
rule_accel_check_emulated(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;
    gboolean unknown = FALSE, reported = FALSE;

    for (guint i = 0; i < domain->endpoints->len; i++) {
        const ModelEndpoint *endpoint = domain->endpoints->pdata[i];

        if (endpoint->address.kind == MODEL_ADDRESS_UNKNOWN)
            unknown = TRUE;
        else if (endpoint->address.kind != MODEL_ADDRESS_NONE)
            reported |= report_endpoint(call, endpoint);
    }
    if (unknown && !reported)
        rule_unknown(call, "the guest <address> of every emulated device",
                     "write the <address> on the device");
}

void
rule_accel_check_backend(RuleCall *call)
{
    const ViewIommu *iommu = rule_accel_over(call);

    if (iommu && call->hostdev->dev->iommufd != BASE_YES)
        rule_fail(call, NULL, NULL, "behind an accelerated SMMUv3 without the iommufd backend");
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
        label = view_hostdev_label(other);
        rule_fail(call, NULL, NULL,
                  "behind host %s, but the vSMMU of bus %" G_GUINT64_FORMAT " serves %s (%s)",
                  self->unit->name, iommu->pci_bus.value, other->unit->name, label);
    } else if (!known) {
        rule_unknown(call, "the IOMMU of the devices before it", NULL);
    }
}

void
rule_accel_check_bridge(RuleCall *call)
{
    if (rule_accel_over(call) && call->hostdev->conventional)
        rule_fail(call, NULL, NULL, "behind a conventional PCI bridge below an accelerated SMMUv3");
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
                  "behind an SMMUv3 whose accel='on' libvirt drops because pciBus is missing");
    else
        rule_fail(call, NULL, NULL, "assigned device behind an SMMUv3 without accel");
}

static gboolean
has_auto_value(const ViewIommu *iommu)
{
    return iommu->ats == BASE_UNKNOWN || iommu->ril == BASE_UNKNOWN ||
           !base_u64_is_known(iommu->oas) || !base_u64_is_known(iommu->ssidsize);
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

    if (found == BASE_YES || !has_auto_value(call->iommu))
        return;
    if (found == BASE_UNKNOWN)
        rule_unknown(call, "the guest <address> of the assigned devices",
                     "write the <address> on the device");
    else if (call->iommu->values_auto == BASE_UNKNOWN)
        rule_unknown(call, "versions/qemu", "--qemu-version, or a machine with its version");
    else if (call->iommu->values_auto == BASE_YES)
        rule_fail(call, NULL, NULL,
                  "values left to the host and no assigned device below this SMMUv3 at start");
}
