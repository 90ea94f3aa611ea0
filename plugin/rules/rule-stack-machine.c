/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the machine type itself cannot be or have with this QEMU. */
#include "rule-families.h"
#include "rule-tools.h"

#include <string.h>

static gboolean
has_version(const RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;

    return (domain->is_q35 || domain->is_i440fx || domain->is_virt) &&
           base_u64_is_known(domain->machine_version);
}

/* QEMU 11.1 include/hw/core/boards.h:688-703, in force from 10.1 on: a machine type goes six years
 * after it came. Older QEMUs dropped single ones, which is not told here. */
#define DELETED_AFTER 6
#define DELETES_SINCE BASE_VERSION(10, 1, 0)

static guint64
major_of(guint64 version)
{
    return version / BASE_VERSION(1, 0, 0);
}

static guint64
minor_of(guint64 version)
{
    return version / BASE_VERSION(0, 1, 0) % 1000;
}

static gboolean
is_deleted(guint64 machine, guint64 qemu)
{
    guint64 limit = major_of(machine) + DELETED_AFTER;

    if (qemu < DELETES_SINCE)
        return FALSE;
    return major_of(qemu) > limit ||
           (major_of(qemu) == limit && minor_of(qemu) >= minor_of(machine));
}

static void
check_machine_known(RuleCall *call)
{
    const char *machine = call->view->domain->machine;
    const xmlNode *type = model_child(model_child(call->view->domain->root, "os"), "type");
    guint64 wanted = call->view->domain->machine_version.value, qemu = call->view->target.qemu;
    g_autofree char *have = base_format_version(qemu);

    if (major_of(wanted) > major_of(qemu) ||
        (major_of(wanted) == major_of(qemu) && minor_of(wanted) > minor_of(qemu)))
        rule_fail(call, type, NULL, "machine '%s' is newer than QEMU %s", machine, have);
    else if (is_deleted(wanted, qemu))
        rule_fail(call, type, NULL, "machine '%s' is no longer in QEMU %s", machine, have);
}

/* QEMU 11.1 hw/i386/pc_q35.c:370, 464, 494 (4096, up to 8.2 1024, up to 8.0 288), hw/i386/pc.c:1706
 * (255), hw/arm/virt.c:4169 (512) */
static guint
machine_limit(const ViommuDomain *domain, guint64 version)
{
    if (domain->is_virt)
        return 512;
    if (!domain->is_q35)
        return 255;
    if (version <= BASE_VERSION(8, 0, 0))
        return 288;
    return version <= BASE_VERSION(8, 2, 0) ? 1024 : 4096;
}

/* Without KVM libvirt takes version 2 where none is written (11.3 src/qemu/qemu_postparse.c:1506),
 * and that has eight CPU interfaces (QEMU 11.1 include/hw/intc/arm_gic_common.h:33). */
#define GIC_V2_LIMIT 8

static gboolean
has_gic_v2(const ViommuDomain *domain)
{
    g_autofree char *version = model_attribute(model_child(domain->features, "gic"), "version");

    if (!domain->is_virt)
        return FALSE;
    return version ? strcmp(version, "2") == 0 : g_strcmp0(domain->type, "kvm") != 0;
}

/* Only beyond the lowest limit of any version there is something to ask */
static gboolean
has_many_vcpus(const RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;

    return (domain->is_q35 || domain->is_i440fx || domain->is_virt) &&
           (domain->vcpus > machine_limit(domain, 0) ||
            (has_gic_v2(domain) && domain->vcpus > GIC_V2_LIMIT));
}

static void
check_vcpus(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;
    const xmlNode *vcpu = model_child(domain->root, "vcpu");
    BaseU64 version = domain->machine_version;
    guint limit;

    if (version.state == BASE_STATE_ABSENT && call->view->target.qemu != 0)
        version = base_u64(call->view->target.qemu);
    if (domain->is_q35 && !base_u64_is_known(version)) {
        /* a distribution's own machine type has a limit of its own */
        if (version.state == BASE_STATE_ABSENT)
            rule_unknown(call, "versions/qemu", "--qemu-version");
        else
            rule_not_applicable(call);
        return;
    }
    limit = machine_limit(domain, version.value);
    if (domain->vcpus > limit)
        rule_fail(call, vcpu, NULL, "%u vCPUs, and machine '%s' has %u at most", domain->vcpus,
                  model_machine_text(domain), limit);
    else if (has_gic_v2(domain) && domain->vcpus > GIC_V2_LIMIT)
        rule_fail(call, vcpu, "<gic version='3'/> in <features>",
                  "%u vCPUs with a GIC of version 2, which serves %u", domain->vcpus, GIC_V2_LIMIT);
}

/* libvirt 12.8 was run; before 11.4 rules of the single models tell. */
#define IRQCHIP_WILL_DO_FROM BASE_VERSION(12, 8, 0)
#define NEEDS_EIM_TO         BASE_VERSION(11, 4, 0)

static gboolean
has_other_irqchip(const RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;

    return domain->is_q35 && domain->vcpus > 255 && domain->ioapic &&
           strcmp(domain->ioapic, "qemu") != 0;
}

/* EIM of Intel's, XTSup of AMD's, written or added by libvirt */
static gboolean
reaches_all(const ViewIommu *iommu)
{
    if (iommu->iommu->commandline)
        return FALSE;
    if (iommu->iommu->kind == MODEL_IOMMU_INTEL)
        return iommu->eim == BASE_YES;
    return iommu->iommu->kind == MODEL_IOMMU_AMD &&
           g_strcmp0(rule_iommu_attribute(iommu->iommu, "xtsup"), "off") != 0;
}

static void
check_irqchip(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;
    guint64 libvirt = call->view->target.libvirt;

    if (libvirt < NEEDS_EIM_TO) {
        rule_not_applicable(call);
        return;
    }
    for (guint i = 0; i < call->view->iommus->len; i++)
        if (reaches_all(call->view->iommus->pdata[i]))
            return;
    if (libvirt < IRQCHIP_WILL_DO_FROM)
        rule_unknown(call, "whether this libvirt takes more than 255 vCPUs here",
                     "write <ioapic driver='qemu'/> in <features>");
    else
        rule_fail(call, model_child(domain->features, "ioapic"), NULL,
                  "%u vCPUs with <ioapic driver='%s'/>, and no vIOMMU with EIM or XTSup",
                  domain->vcpus, domain->ioapic);
}

static gboolean
is_virt_with_acpi(const RuleCall *call)
{
    return call->view->domain->is_virt && call->view->domain->acpi;
}

static void
check_firmware(RuleCall *call)
{
    if (!call->view->domain->uefi)
        rule_fail(call, call->view->domain->features, NULL, "<acpi/> on Arm without UEFI firmware");
}

/* A PCI vIOMMU in qemu:commandline for which QEMU chooses the slot */
static gboolean
takes_a_slot(const RuleCall *call)
{
    const ModelIommu *iommu = call->iommu->iommu;
    g_autofree char *text = NULL;

    if (!iommu->commandline ||
        (iommu->kind != MODEL_IOMMU_VIRTIO && iommu->kind != MODEL_IOMMU_AMD) ||
        (!call->view->domain->is_q35 && !call->view->domain->is_virt))
        return FALSE;
    text = model_attribute(iommu->node, "value");
    return text && text[strspn(text, " \t\n")] != '{' && !strstr(text, "addr=") &&
           !strstr(text, "bus=") && !strstr(text, "pci-id=");
}

/* The first slot behind the host bridge: nothing else is there when QEMU makes it. */
#define FIRST_SLOT 1

static gboolean
is_there(const ModelAddress *address)
{
    return rule_address_is_known(address) && address->pci.bus == 0 &&
           address->pci.slot == FIRST_SLOT;
}

static char *
device_in_first_slot(const ViommuDomain *domain)
{
    const GPtrArray *lists[] = {domain->controllers, domain->added_controllers};

    for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
        for (guint j = 0; j < lists[i]->len; j++) {
            const ModelController *it = lists[i]->pdata[j];

            if (is_there(&it->address))
                return rule_controller_label(it);
        }
    }
    for (guint i = 0; i < domain->endpoints->len; i++) {
        const ModelEndpoint *it = domain->endpoints->pdata[i];

        if (is_there(&it->address))
            return rule_endpoint_label(it);
    }
    return NULL;
}

static void
check_slot(RuleCall *call)
{
    g_autofree char *other = device_in_first_slot(call->view->domain);
    guint before = 0;

    /* only of the first one the slot is known */
    for (guint i = 0; i < call->iommu->index; i++) {
        const ViewIommu *it = call->view->iommus->pdata[i];

        before += it->iommu->commandline;
    }
    if (other && before == 0)
        rule_fail(call, NULL, NULL,
                  "%s without addr= gets slot %u of pcie.0, where libvirt puts %s",
                  call->iommu->iommu->model, FIRST_SLOT, other);
}

/* Architectures of one kind of processor. libvirt itself asks QEMU what it can (qemu_validate.c),
 * and one processor runs some of the others of its kind: src/qemu/qemu_capabilities.c,
 * virQEMUCapsGuestIsNative(). Those that are not here are kinds of their own. */
static const struct {
    const char *name, *kind;
} architectures[] = {
    {"i686", "x86"},      {"x86_64", "x86"},  {"armv6l", "arm"},  {"armv7l", "arm"},
    {"armv7b", "arm"},    {"aarch64", "arm"}, {"ppc", "ppc"},     {"ppc64", "ppc"},
    {"ppc64le", "ppc"},   {"s390", "s390"},   {"s390x", "s390"},  {"riscv32", "riscv"},
    {"riscv64", "riscv"}, {"mips", "mips"},   {"mipsel", "mips"}, {"mips64", "mips"},
    {"mips64el", "mips"},
};

static const char *
kind_of(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(architectures); i++)
        if (g_str_equal(architectures[i].name, name))
            return architectures[i].kind;
    return name;
}

/* Without the attribute libvirt takes the host's. */
static gboolean
is_kvm_with_devices(const RuleCall *call)
{
    const View *view = call->view;

    if (g_strcmp0(view->domain->type, "kvm") != 0 || !view->domain->arch)
        return FALSE;
    for (guint i = 0; i < view->hostdevs->len; i++)
        if (view_is_assigned(view->hostdevs->pdata[i]))
            return TRUE;
    return FALSE;
}

static void
check_architecture(RuleCall *call)
{
    const xmlNode *type = model_child(model_child(call->view->domain->root, "os"), "type");
    const char *guest = call->view->domain->arch;
    const BaseText *host = &call->view->host->arch;

    if (host->state != BASE_STATE_KNOWN)
        rule_unknown(call, "arch", NULL);
    else if (!g_str_equal(kind_of(host->text), kind_of(guest)))
        rule_fail(call, type, NULL, "the guest is %s, and KVM on this host runs %s", guest,
                  host->text);
}

static const Rule rules[] = {
    {
        .id = "stack-guest-architecture",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a KVM guest of another architecture than the host",
        .rationale =
            "KVM runs what the host's processors run; a guest of another kind takes emulation, and "
            "its assigned devices need the host that they are in. libvirt refuses the definition: "
            "Emulator '/usr/bin/qemu-system-aarch64' does not support virt type 'kvm'.",
        .remedy = "the arch of the host in <os><type>, or the facts of the host that the guest is "
                  "for (--host)",
        .source =
            "libvirt 11.3 src/qemu/qemu_validate.c (qemuValidateDomainDef), "
            "qemu_capabilities.c (virQEMUCapsGuestIsNative); run on 9.0.0 with QEMU 7.2 and on "
            "12.8.0 with 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = check_architecture,
        .applies = is_kvm_with_devices,
    },
    {
        .id = "stack-machine-unknown",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a machine type that this QEMU does not have",
        .rationale = "QEMU knows machine types up to its own version, and from 10.1 on drops those "
                     "that are six years old. libvirt refuses the definition: Emulator "
                     "'/usr/bin/qemu-system-x86_64' does not support machine type 'pc-q35-4.2'.",
        .remedy = "machine='q35' or 'virt' for the newest, or one that qemu-system-… -M help lists",
        .source = "QEMU 11.1 include/hw/core/boards.h:688-703; libvirt 11.3 "
                  "src/qemu/qemu_validate.c:1256; run on libvirt 9.0.0 with QEMU 7.2 and on 12.8.0 "
                  "with 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .needs = RULE_NEEDS_QEMU,
        .check = check_machine_known,
        .applies = has_version,
    },
    {
        .id = "stack-vcpus-limit",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "more vCPUs than the machine type has",
        .rationale =
            "libvirt refuses the definition: Maximum CPUs greater than specified machine type "
            "limit 288. With a GIC of version 2, which libvirt takes without KVM, QEMU says: "
            "Number of SMP CPUs requested (16) exceeds max CPUs supported by machine 'mach-virt' "
            "(8).",
        .remedy = "fewer vCPUs, or a newer machine type; on Arm <gic version='3'/>",
        .source = "QEMU 11.1 hw/i386/pc_q35.c:370-494, hw/arm/virt.c:2985; libvirt 11.3 "
                  "src/qemu/qemu_validate.c:823; run on libvirt 9.0.0 with QEMU 7.2 and on 12.8.0 "
                  "with 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = check_vcpus,
        .applies = has_many_vcpus,
    },
    {
        .id = "stack-vcpus-irqchip",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "more than 255 vCPUs whose interrupts cannot be reached",
        .rationale =
            "APIC ids above 255 need the interrupt controller in QEMU, or a vIOMMU that remaps "
            "interrupts in extended mode. libvirt refuses the definition: more than 255 vCPUs "
            "require either IOAPIC in QEMU or an iommu device with EIM or XTSup mode enabled.",
        .remedy = "<ioapic driver='qemu'/> in <features>, or no <ioapic>: libvirt then adds it",
        .source = "libvirt 12.8.0, run",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .needs = RULE_NEEDS_LIBVIRT,
        .check = check_irqchip,
        .applies = has_other_irqchip,
    },
    {
        .id = "stack-acpi-needs-uefi",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "ACPI on Arm without UEFI firmware",
        .rationale = "Only UEFI hands ACPI tables to an Arm guest. libvirt refuses the definition: "
                     "ACPI requires UEFI on this architecture.",
        .remedy = "<os firmware='efi'>, or no <acpi/>",
        .source = "libvirt 11.3 src/qemu/qemu_validate.c:1291; run on 9.0.0 and 12.8.0",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = check_firmware,
        .applies = is_virt_with_acpi,
    },
    {
        .id = "stack-commandline-slot",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a vIOMMU in qemu:commandline that takes another device's slot",
        .rationale =
            "QEMU makes devices in the plain notation before libvirt's own, which are in JSON, and "
            "gives one without address the first slot of pcie.0. libvirt does not know, and what "
            "it puts there fails: PCI: slot 1 function 0 not available for pcie-root-port, in use "
            "by virtio-iommu-pci.",
        .remedy = "<iommu> instead; else bus=pcie.0,addr=… with a slot that is free",
        .source = "QEMU 11.1 system/vl.c (qemu_create_cli_devices), hw/pci/pci.c:1340; run on "
                  "libvirt 9.0.0 with QEMU 7.2 and on 12.8.0 with 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = check_slot,
        .applies = takes_a_slot,
    },
};

const RuleFamily rule_family_stack_machine = {"stack", rules, G_N_ELEMENTS(rules)};
