/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* AMD-Vi, in the guest and on the host. */
#include "rule-families.h"
#include "rule-shared.h"
#include "rule-tools.h"

#include <string.h>

static gboolean
is_amd(const RuleCall *call)
{
    return call->iommu->iommu->kind == MODEL_IOMMU_AMD;
}

static gboolean
over_device(const RuleCall *call)
{
    return rule_is_behind(call, MODEL_IOMMU_AMD) && !rule_is_mdev(call);
}

static void
check_dma_remap(RuleCall *call)
{
    if (call->hostdev->viommu->dma_remap != BASE_YES)
        rule_fail(call, NULL, NULL,
                  "assigned device behind an AMD vIOMMU that never translates (dma-remap off)");
}

static gboolean
wants_pasid(const RuleCall *call)
{
    return call->hostdev->demand.usage >= VIOMMU_USAGE_PASID && !rule_is_mdev(call);
}

static void
check_nested(RuleCall *call)
{
    const HostIommu *unit = call->hostdev->unit;
    g_autofree char *reason = NULL;
    g_autofree char *path = NULL;
    BaseTri can;

    if (unit && unit->type == HOST_IOMMU_UNKNOWN && !unit->type_text) {
        path = g_strdup_printf("iommus/%s/type", unit->name);
        rule_unknown(call, path, NULL);
        return;
    }
    if (!unit) {
        rule_not_applicable(call);
        return;
    }
    if (unit->type != HOST_IOMMU_AMD)
        return;
    can = host_can_nest(call->view->host, unit, &reason);
    if (can == BASE_NO) {
        rule_fail(call, NULL, NULL, "usage %s, but host %s cannot nest: %s",
                  policy_usage_name(call->hostdev->demand.usage), unit->name, reason);
    } else if (can == BASE_UNKNOWN) {
        path = g_strdup_printf("iommus/%s/nest_parent", unit->name);
        rule_unknown(call, path, reason);
    }
}

static gboolean
has_intremap(const RuleCall *call)
{
    const ModelIommu *iommu = call->iommu->iommu;
    const char *written = g_hash_table_lookup(iommu->attributes, "intremap");
    /* with XTSup libvirt switches it on for more than 255 vCPUs (12.2 NEWS, run on 12.8.0) */
    gboolean added = !written && call->view->domain->vcpus > 255 &&
                     call->view->target.libvirt >= BASE_VERSION(12, 2, 0);

    return is_amd(call) && !iommu->commandline && (added || g_strcmp0(written, "on") == 0);
}

static gboolean
has_many_vcpus(const RuleCall *call)
{
    return is_amd(call) && call->view->domain->vcpus > 255 &&
           g_strcmp0(call->view->domain->type, "kvm") == 0;
}

static void
check_many_vcpus(RuleCall *call)
{
    const char *xtsup = g_hash_table_lookup(call->iommu->iommu->attributes, "xtsup");
    gboolean added =
        call->view->target.libvirt >= BASE_VERSION(12, 2, 0) && !call->iommu->iommu->commandline;

    if (g_strcmp0(xtsup, "on") == 0)
        return;
    if (!xtsup && call->view->target.libvirt == 0)
        rule_unknown(call, "versions/libvirt", NULL);
    else if (xtsup || !added)
        rule_fail(call, NULL, NULL, "%u vCPUs and no xtsup='on'", call->view->domain->vcpus);
}

static gboolean
passes_through(const RuleCall *call)
{
    return is_amd(call) && call->iommu->dma_remap != BASE_YES;
}

static gboolean
is_any(const RuleCall *call)
{
    return is_amd(call);
}

static void
check_virtio(RuleCall *call)
{
    const GPtrArray *endpoints = call->view->domain->endpoints;

    for (guint i = 0; passes_through(call) && i < endpoints->len; i++) {
        const ModelEndpoint *endpoint = endpoints->pdata[i];
        g_autofree char *label = NULL;

        if (endpoint->driver_iommu != BASE_YES)
            continue;
        label = rule_endpoint_label(endpoint);
        rule_fail(call, endpoint->node, NULL,
                  "%s has iommu='on' behind an AMD vIOMMU that never translates (dma-remap off)",
                  label);
    }
}

/* Names an AMDVI-PCI device in qemu:commandline, or the helper of an <iommu model='amd'>. */
static gboolean
is_helper(const View *view, const char *id)
{
    const ViommuDomain *domain = view->domain;

    for (guint i = 0; i < domain->arguments->len; i++) {
        g_autofree char *text = model_attribute(domain->arguments->pdata[i], "value");
        g_autofree char *plain = g_strdup_printf("id=%s", id);
        g_autofree char *json = g_strdup_printf("\"%s\"", id);

        if (text && strstr(text, "AMDVI-PCI") && (strstr(text, plain) || strstr(text, json)))
            return TRUE;
    }
    for (guint i = 0; i < view->iommus->len; i++) {
        const ViewIommu *iommu = view->iommus->pdata[i];
        g_autofree char *usual = g_strdup_printf("iommu%u", i);

        if (iommu->iommu->kind == MODEL_IOMMU_AMD && !iommu->iommu->commandline &&
            (strcmp(usual, id) == 0 || g_strcmp0(iommu->iommu->alias, id) == 0))
            return TRUE;
    }
    return FALSE;
}

static gboolean
has_helper(const RuleCall *call)
{
    return is_amd(call) && call->iommu->iommu->commandline &&
           g_hash_table_contains(call->iommu->iommu->attributes, "pci-id");
}

static void
check_helper(RuleCall *call)
{
    const char *id = g_hash_table_lookup(call->iommu->iommu->attributes, "pci-id");

    if (!is_helper(call->view, id))
        rule_fail(call, NULL, NULL, "pci-id '%s' of amd-iommu names no AMDVI-PCI device", id);
}

static const Rule rules[] = {
    {
        .id = "amd-dma-remap-off",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "assigned device behind an AMD vIOMMU that does not translate",
        .rationale =
            "QEMU's amd-iommu has dma-remap off unless told otherwise, and then never turns "
            "translation on, whatever the guest's tables say. A guest that does translate hands "
            "IOVAs to a device that takes them for memory addresses: lost data or a hang, and no "
            "message. A guest with iommu=pt is safe; a site whose guests have it lowers this rule.",
        .remedy =
            "<qemu:commandline> with -global amd-iommu.dma-remap=on, model='intel' or 'virtio', "
            "or iommu=pt in the guest",
        .source = "QEMU 11.1 hw/i386/amd_iommu.c:1161-1173; a guest hung on 11.1.2, worked with "
                  "dma-remap=on",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .check = check_dma_remap,
        .applies = over_device,
    },
    {
        .id = "amd-nested-none",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "PASIDs wanted behind an AMD host IOMMU",
        .rationale =
            "Linux 7.2 answers the query and makes a nest parent, but has no way to make a nested "
            "page table for a guest: the device gets no PASID in any mode.",
        .remedy = "usage guest-iommu or dma for the device, or another host",
        .source =
            "Linux 7.2 drivers/iommu/amd/iommufd.c:75-77, drivers/iommu/iommufd/hw_pagetable.c:298",
        .fixer = RULE_FIXER_POLICY,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_SILENT,
        .needs = RULE_NEEDS_UNIT | RULE_NEEDS_USAGE,
        .check = check_nested,
        .applies = wants_pasid,
    },
    {
        .id = "amd-intremap-irqchip",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "interrupt remapping without a split interrupt controller",
        .rationale =
            "Interrupt remapping needs the I/O APIC in QEMU. libvirt refuses any other at define: "
            "IOMMU interrupt remapping requires split I/O APIC (ioapic driver='qemu'). "
            "QEMU says: Interrupt Remapping cannot work with kernel-irqchip=on, please use "
            "'split|off'.",
        .remedy = "<ioapic driver='qemu'/> in <features>",
        .source = "libvirt 11.3 src/qemu/qemu_validate.c (interrupt remapping); QEMU 11.1 "
                  "hw/i386/x86-iommu.c:118, refused on 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = rule_check_irqchip,
        .applies = has_intremap,
    },
    {
        .id = "amd-many-vcpus",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "more than 255 vCPUs with an AMD vIOMMU without x2APIC",
        .rationale = "libvirt writes it by itself from 12.2 on. QEMU says: AMD IOMMU with x2APIC "
                     "configuration requires xtsup=on",
        .remedy = "<driver intremap='on' xtsup='on'/>",
        .source = "QEMU 11.1 hw/i386/amd_iommu.c:2740; libvirt 12.2 NEWS",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = check_many_vcpus,
        .applies = has_many_vcpus,
    },
    {
        .id = "amd-dma-remap-virtio",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "virtio device with iommu='on' behind an AMD vIOMMU that does not translate",
        .rationale =
            "The device uses the addresses that the guest's IOMMU driver gave it, and QEMU's "
            "amd-iommu takes them for memory addresses unless dma-remap is on. The guest hangs; "
            "QEMU says: Guest says index 45241 is available. A guest with iommu=pt is safe.",
        .remedy = "<qemu:commandline> with -global amd-iommu.dma-remap=on, no iommu='on', or "
                  "iommu=pt in the guest",
        .source = "QEMU 11.1 hw/i386/amd_iommu.c:1161-1173; a guest hung on 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .check = check_virtio,
        .applies = is_any,
    },
    {
        .id = "amd-pci-id",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "an amd-iommu whose pci-id names no AMDVI-PCI device",
        .rationale = "QEMU says: Cannot find PCI device 'x'; or: Device 'x' must be an AMDVI-PCI "
                     "device type; and crashes with SIGSEGV.",
        .remedy = "-device AMDVI-PCI,id=x before it, or <iommu model='amd'/> instead",
        .source = "QEMU 11.1 hw/i386/amd_iommu.c:2689, :2694; crashed on 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_ABORT,
        .certain = TRUE,
        .check = check_helper,
        .applies = has_helper,
    },
    {
        .id = "amd-migration",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "migration wanted with a vIOMMU over an assigned device",
        .rationale =
            "A device that tracks its own writes cannot tell which guest address an IOVA was. "
            "QEMU says: Migration is currently not supported with vIOMMU enabled; a device whose "
            "writes the host IOMMU tracks is not concerned. An amd-iommu without pci-id blocks "
            "migration altogether: State blocked by non-migratable device 'amd-iommu'.",
        .remedy = "policy without migration for this domain, or no vIOMMU",
        .source = "QEMU 11.1 hw/vfio/migration.c:1344, :1423, hw/i386/amd_iommu.c:2764",
        .fixer = RULE_FIXER_POLICY,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_ADVICE,
        .demotable = TRUE,
        .check = rule_check_migration,
        .applies = is_any,
    },
};

const RuleFamily rule_family_amd = {"amd", rules, G_N_ELEMENTS(rules)};
