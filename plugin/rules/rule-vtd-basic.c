/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rule-vtd.h"

#include "rule-shared.h"
#include "rule-tools.h"

gboolean
rule_vtd_is(const RuleCall *call)
{
    return call->iommu->iommu->kind == MODEL_IOMMU_INTEL;
}

/* What is written in <driver>, or NULL */
static const char *
attribute(const ViewIommu *iommu, const char *name)
{
    return iommu->iommu->commandline ? NULL : g_hash_table_lookup(iommu->iommu->attributes, name);
}

static gboolean
attribute_is(const ViewIommu *iommu, const char *name, const char *value)
{
    return g_strcmp0(attribute(iommu, name), value) == 0;
}

void
rule_vtd_check_caching_mode(RuleCall *call)
{
    const ViewIommu *iommu = call->hostdev->viommu;
    g_autofree char *line = rule_line_of(call, iommu);
    g_autofree char *help = NULL;

    if (iommu->caching_mode == BASE_YES)
        return;
    if (iommu->iommu->implicit) {
        rule_fail(
            call, NULL,
            "<iommu model='intel'><driver caching_mode='on'/></iommu>: libvirt then adds "
            "interrupt remapping and EIM by itself",
            "assigned device behind the VT-d vIOMMU that libvirt adds for %u vCPUs, which has no "
            "caching mode",
            call->view->domain->vcpus);
        return;
    }
    help = g_strdup_printf("caching_mode='on' in the vIOMMU's <driver>%s", line);
    rule_fail(call, NULL, help, "assigned device behind a VT-d vIOMMU without caching mode");
}

void
rule_vtd_check_snoop_control(RuleCall *call)
{
    if (call->hostdev->viommu->snoop_control == BASE_YES)
        rule_fail(call, NULL, NULL, "assigned device behind a VT-d vIOMMU with snoop-control");
}

/* libvirt 10.10 and later add what more than 255 vCPUs need. */
static BaseTri
adds_eim(const RuleCall *call)
{
    guint64 libvirt = call->view->target.libvirt;

    return libvirt == 0 ? BASE_UNKNOWN : base_tri(libvirt >= BASE_VERSION(10, 10, 0));
}

/* Whether libvirt switches this attribute on by itself, for the number of vCPUs */
static BaseTri
is_added(const RuleCall *call, const char *name)
{
    if (call->view->domain->vcpus <= 255 || attribute(call->iommu, name) ||
        !rule_iommu_is_element(call->iommu->iommu))
        return BASE_NO;
    return adds_eim(call);
}

static BaseTri
has_intremap(const RuleCall *call)
{
    if (call->iommu->iommu->implicit)
        return call->view->domain->ioapic ? adds_eim(call) : BASE_NO;
    if (attribute_is(call->iommu, "intremap", "on"))
        return BASE_YES;
    return is_added(call, "intremap");
}

/* libvirt adds its own vIOMMU together with the right interrupt controller, unless another one is
 * written. */
gboolean
rule_vtd_may_have_intremap(const RuleCall *call)
{
    return rule_vtd_is(call) && has_intremap(call) != BASE_NO;
}

void
rule_vtd_check_irqchip(RuleCall *call)
{
    if (has_intremap(call) == BASE_YES)
        rule_check_irqchip(call);
    else if (g_strcmp0(call->view->domain->ioapic, "qemu") != 0)
        rule_unknown(call, "versions/libvirt", NULL);
}

gboolean
rule_vtd_may_have_eim(const RuleCall *call)
{
    return rule_vtd_is(call) &&
           (attribute_is(call->iommu, "eim", "on") || is_added(call, "eim") != BASE_NO);
}

void
rule_vtd_check_eim(RuleCall *call)
{
    BaseTri added = is_added(call, "intremap");

    if (attribute_is(call->iommu, "intremap", "on") || added == BASE_YES)
        return;
    if (added == BASE_UNKNOWN)
        rule_unknown(call, "versions/libvirt", NULL);
    else
        rule_fail(call, NULL, NULL, "eim is on and intremap, which it needs, is %s",
                  attribute(call->iommu, "intremap") ? "off" : "not written");
}

gboolean
rule_vtd_has_eim_without_kvm(const RuleCall *call)
{
    return rule_vtd_is(call) && !call->iommu->iommu->implicit && call->iommu->eim != BASE_NO &&
           g_strcmp0(call->view->domain->type, "kvm") != 0 &&
           !attribute_is(call->iommu, "x-buggy-eim", "on");
}

/* Seen refused by 7.2 and taken by 11.1; 10.0.13 has no such check any more */
void
rule_vtd_check_eim_without_kvm(RuleCall *call)
{
    guint64 qemu = call->view->target.qemu;

    if (qemu == 0)
        rule_unknown(call, "versions/qemu", NULL);
    else if (qemu < BASE_VERSION(10, 0, 0) && call->iommu->eim == BASE_UNKNOWN)
        rule_unknown(call, "versions/libvirt", NULL);
    else if (qemu < BASE_VERSION(7, 3, 0))
        rule_fail(call, NULL, NULL, "eim is on in a domain of type '%s'",
                  call->view->domain->type ? call->view->domain->type : "");
    else if (qemu < BASE_VERSION(10, 0, 0))
        rule_unknown(call, "whether this QEMU takes eim without KVM", "QEMU 10.0 does");
}

gboolean
rule_vtd_has_many_vcpus(const RuleCall *call)
{
    return rule_vtd_is(call) && !call->iommu->iommu->commandline && call->view->domain->vcpus > 255;
}

void
rule_vtd_check_many_vcpus(RuleCall *call)
{
    if (!call->iommu->iommu->implicit && attribute_is(call->iommu, "eim", "on"))
        return;
    if (adds_eim(call) == BASE_UNKNOWN)
        rule_unknown(call, "versions/libvirt", NULL);
    else if (adds_eim(call) == BASE_NO)
        rule_fail(call, NULL, NULL, "%u vCPUs, and no vIOMMU with eim='on'",
                  call->view->domain->vcpus);
}

gboolean
rule_vtd_has_eim_off(const RuleCall *call)
{
    return rule_vtd_has_many_vcpus(call) && attribute(call->iommu, "eim");
}

void
rule_vtd_check_eim_off(RuleCall *call)
{
    if (call->iommu->eim == BASE_NO)
        rule_fail(call, NULL, NULL,
                  "%u vCPUs, and eim is off: those above 255 get no interrupts through the vIOMMU",
                  call->view->domain->vcpus);
}

gboolean
rule_vtd_lacks_translation(const RuleCall *call)
{
    return rule_vtd_over_device(call) && call->hostdev->demand.usage != VIOMMU_USAGE_DMA;
}

void
rule_vtd_check_translation(RuleCall *call)
{
    if (call->hostdev->viommu->dma_translation == BASE_NO)
        rule_fail(call, NULL, NULL, "usage %s, but dma_translation is off: interrupts only",
                  policy_usage_name(call->hostdev->demand.usage));
}
