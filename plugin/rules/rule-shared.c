/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rule-shared.h"

#include "rule-tools.h"

#define GIB (G_GUINT64_CONSTANT(1) << 30)

gboolean
rule_is_accel(const ViewIommu *iommu)
{
    return iommu->iommu->kind == MODEL_IOMMU_SMMUV3 && iommu->accel == BASE_YES;
}

gboolean
rule_may_be_accel(const RuleCall *call)
{
    if (call->hostdev->viommu)
        return rule_is_accel(call->hostdev->viommu);
    if (call->hostdev->covered != BASE_UNKNOWN)
        return FALSE;
    for (guint i = 0; i < call->view->iommus->len; i++)
        if (rule_is_accel(call->view->iommus->pdata[i]))
            return TRUE;
    return FALSE;
}

const ViewIommu *
rule_accel_over(RuleCall *call)
{
    if (!call->hostdev->viommu)
        rule_unknown(call, "the device's guest <address>", "write the <address> on the device");
    return call->hostdev->viommu;
}

gboolean
rule_has_firmware(const ViommuDomain *domain)
{
    return domain->uefi || model_child(model_child(domain->root, "os"), "loader");
}

char *
rule_line_of(const RuleCall *call, const ViewIommu *iommu)
{
    const xmlNode *node = iommu->iommu->driver ? iommu->iommu->driver : iommu->iommu->node;
    const ModelSpan *span = node ? model_span(call->view->domain, node) : NULL;

    return span ? g_strdup_printf(" (line %u)", span->line) : g_strdup("");
}

guint64
rule_ram_top(const ViommuDomain *domain)
{
    if (domain->is_virt)
        return base_saturating_add(domain->memory, GIB);
    if (domain->is_q35 && domain->memory >= 0xb0000000)
        return base_saturating_add(domain->memory, 2 * GIB);
    return domain->memory;
}

gboolean
rule_host_width(RuleCall *call, guint64 *ret)
{
    const HostIommu *unit = call->hostdev->unit;
    BaseU64 width;

    if (!unit) {
        rule_not_applicable(call);
        return FALSE;
    }
    width = host_iova_bits(call->view->host, unit, view_table_of(call->hostdev));
    if (width.state == BASE_STATE_ABSENT) {
        rule_not_applicable(call);
    } else if (width.state == BASE_STATE_UNKNOWN) {
        g_autofree char *path = g_strdup_printf("iommus/%s/aperture_bits", unit->name);

        rule_unknown(call, path, NULL);
    } else {
        *ret = width.value;
    }
    return width.state == BASE_STATE_KNOWN;
}

static gboolean
is_width_written(const ModelIommu *iommu)
{
    return g_hash_table_contains(iommu->attributes, iommu->commandline ? "aw-bits" : "aw_bits") ||
           g_hash_table_contains(iommu->properties, "aw-bits") ||
           g_hash_table_contains(iommu->globals, "aw-bits");
}

char *
rule_width_text(const View *view, const ViewIommu *iommu)
{
    if (is_width_written(iommu->iommu))
        return g_strdup_printf("aw_bits %" G_GUINT64_FORMAT, iommu->aw_bits.value);
    return g_strdup_printf("aw_bits %" G_GUINT64_FORMAT " (default of machine %s)",
                           iommu->aw_bits.value, model_machine_text(view->domain));
}

/* libvirt 11.3 turns on the I/O APIC that interrupt remapping needs
 * (src/qemu/qemu_postparse.c:1537); 9.0 does not, and NEWS has no word of it before 10.10. */
void
rule_check_irqchip(RuleCall *call)
{
    const char *ioapic = call->view->domain->ioapic;

    if (g_strcmp0(ioapic, "qemu") == 0)
        return;
    if (ioapic)
        rule_fail(call, NULL, NULL, "interrupt remapping with <ioapic driver='%s'/>", ioapic);
    else if (call->view->target.libvirt == 0)
        rule_unknown(call, "versions/libvirt", NULL);
    else if (call->view->target.libvirt < BASE_VERSION(10, 10, 0))
        rule_fail(call, NULL, NULL, "interrupt remapping without <ioapic driver='qemu'/>");
    else if (call->view->target.libvirt < BASE_VERSION(11, 3, 0))
        rule_unknown(call, "whether this libvirt adds <ioapic driver='qemu'/> by itself",
                     "write <ioapic driver='qemu'/> in <features>");
}

void
rule_check_migration(RuleCall *call)
{
    const ViommuPolicy *policy = call->view->policy;

    for (guint i = 0; policy && policy->migration_needed && i < call->view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = call->view->hostdevs->pdata[i];

        if (hostdev->viommu != call->iommu || !view_is_assigned(hostdev))
            continue;
        rule_fail(call, NULL, NULL,
                  "policy wants migration, which a vIOMMU over an assigned device can block");
        return;
    }
}

static gboolean
same_slot(const ModelAddress *a, const ModelAddress *b)
{
    return rule_address_is_known(b) && a->pci.domain == b->pci.domain && a->pci.bus == b->pci.bus &&
           a->pci.slot == b->pci.slot;
}

gboolean
rule_has_slot_mate(const RuleCall *call)
{
    const ModelAddress *own = &call->hostdev->dev->address;
    const ViommuDomain *domain = call->view->domain;

    for (guint i = 0; i < call->view->hostdevs->len; i++) {
        const ViewHostdev *other = call->view->hostdevs->pdata[i];

        if (other != call->hostdev && same_slot(own, &other->dev->address))
            return TRUE;
    }
    for (guint i = 0; i < domain->endpoints->len; i++) {
        const ModelEndpoint *other = domain->endpoints->pdata[i];

        if (same_slot(own, &other->address))
            return TRUE;
    }
    return FALSE;
}
