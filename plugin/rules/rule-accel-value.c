/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rule-accel.h"

#include "rule-shared.h"

gboolean
rule_accel_has_oas(const RuleCall *call)
{
    return rule_is_accel(call->iommu) && base_u64_is_known(call->iommu->oas);
}

gboolean
rule_accel_has_ssidsize(const RuleCall *call)
{
    return rule_is_accel(call->iommu) && base_u64_is_known(call->iommu->ssidsize);
}

gboolean
rule_accel_has_cmdqv(const RuleCall *call)
{
    return rule_is_accel(call->iommu) && call->iommu->cmdqv == BASE_YES;
}

/* An SMMUv3 that libvirt knows, without accel='on' */
gboolean
rule_accel_lacks(const RuleCall *call)
{
    return call->iommu->iommu->kind == MODEL_IOMMU_SMMUV3 && !call->iommu->iommu->commandline &&
           !call->iommu->accel_written;
}

void
rule_accel_check_oas(RuleCall *call)
{
    guint64 oas = call->iommu->oas.value;

    if (oas != 44 && oas != 48)
        rule_fail(call, NULL, NULL, "oas %" G_GUINT64_FORMAT " is neither 44 nor 48", oas);
}

void
rule_accel_check_ssidsize(RuleCall *call)
{
    guint64 bits = call->iommu->ssidsize.value;

    if (bits > 20)
        rule_fail(call, NULL, NULL, "ssidsize %" G_GUINT64_FORMAT " is above the 20 bits of PCI",
                  bits);
}

void
rule_accel_check_values(RuleCall *call)
{
    static const char *const names[] = {"ats", "ril", "ssidsize", "oas", "cmdqv"};
    guint64 libvirt = call->view->target.libvirt;

    /* an older libvirt does not know them and drops them: xml-attribute-too-new */
    if (!call->iommu->iommu->commandline && libvirt != 0 && libvirt < BASE_VERSION(12, 7, 0)) {
        rule_not_applicable(call);
        return;
    }
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        const char *value = g_hash_table_lookup(call->iommu->iommu->attributes, names[i]);

        /* a negative number is dropped: xml-value-dropped */
        if (value && value[strspn(value, " \t\n")] != '-')
            rule_fail(call, NULL, NULL, "%s='%s' without accel='on'", names[i], value);
    }
}

/* A vSMMU of one bus with properties by hand: the machine-wide one has none */
gboolean
rule_accel_is_by_hand(const RuleCall *call)
{
    const ModelIommu *iommu = call->iommu->iommu;

    return iommu->kind == MODEL_IOMMU_SMMUV3 && call->iommu->accel == BASE_NO &&
           call->iommu->pci_bus.state != BASE_STATE_ABSENT &&
           (iommu->commandline || g_hash_table_size(iommu->properties) > 0 ||
            g_hash_table_size(iommu->globals) > 0);
}

void
rule_accel_check_properties(RuleCall *call)
{
    const ViewIommu *iommu = call->iommu;

    if (iommu->ril == BASE_NO)
        rule_fail(call, NULL, NULL, "ril is off, which only accel may have");
    if (iommu->ats == BASE_YES)
        rule_fail(call, NULL, NULL, "ats is on without accel");
    if (iommu->cmdqv == BASE_YES)
        rule_fail(call, NULL, NULL, "cmdqv is on without accel");
    if (base_u64_is_known(iommu->oas) && iommu->oas.value > 44)
        rule_fail(call, NULL, NULL, "oas is %" G_GUINT64_FORMAT " without accel", iommu->oas.value);
    if (base_u64_is_known(iommu->ssidsize) && iommu->ssidsize.value > 0)
        rule_fail(call, NULL, NULL, "ssidsize is %" G_GUINT64_FORMAT " without accel",
                  iommu->ssidsize.value);
}

void
rule_accel_check_kvm(RuleCall *call)
{
    if (g_strcmp0(call->view->domain->type, "kvm") != 0)
        rule_fail(call, NULL, NULL, "accel='on' in a domain of type '%s', and it takes kvm",
                  call->view->domain->type ? call->view->domain->type : "");
}

void
rule_accel_check_uefi(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;

    if (!rule_has_firmware(domain))
        rule_fail(call, NULL, NULL, "accel='on' in a domain without UEFI firmware");
    else if (!domain->acpi)
        rule_fail(call, NULL, NULL, "accel='on' in a domain without <acpi/>");
}

void
rule_accel_check_migration(RuleCall *call)
{
    if (call->view->policy && call->view->policy->migration_needed)
        rule_fail(call, NULL, NULL, "policy wants migration, which an accelerated SMMUv3 blocks");
}

void
rule_accel_check_machine(RuleCall *call)
{
    BaseU64 version = view_machine_version(call->view->domain, call->view->target.qemu);
    static const char *const names[] = {"ats", "ril", "oas", "ssidsize"};
    g_autoptr(GString) missing = g_string_new(NULL);
    GHashTable *attributes = call->iommu->iommu->attributes;
    g_autofree char *text = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (!g_hash_table_contains(attributes, names[i]))
            g_string_append_printf(missing, "%s%s", missing->len ? ", " : "", names[i]);
    if (missing->len == 0)
        return;
    if (!base_u64_is_known(version)) {
        rule_unknown(call, "versions/qemu", "--qemu-version, or a machine with its version");
    } else if (version.value < BASE_VERSION(11, 1, 0)) {
        text = base_format_version(version.value);
        rule_fail(call, NULL, NULL,
                  "machine version %s fixes ats=off, ril=on, oas=44, ssidsize=0; not written: %s",
                  text, missing->str);
    }
}

void
rule_accel_check_cmdqv_pages(RuleCall *call)
{
    if (!call->view->domain->hugepages)
        rule_fail(call, NULL, NULL, "cmdqv='on' without huge pages keeps the queues at one page");
}
