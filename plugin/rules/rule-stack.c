/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What this libvirt, this QEMU and this machine type cannot do at all. */
#include "rule-families.h"
#include "rule-stack-qemu.h"
#include "rule-tools.h"

#include <string.h>

static void
check_commandline(RuleCall *call)
{
    if (call->iommu->iommu->commandline)
        rule_fail(call, NULL, NULL,
                  "vIOMMU '%s' in qemu:commandline is hidden from libvirt: no check and no locked "
                  "memory for it",
                  call->iommu->iommu->model);
}

static gboolean
is_element(const RuleCall *call)
{
    return rule_iommu_is_element(call->iommu->iommu);
}

/* The other models are older than any libvirt that is supported. */
static gboolean
is_new_model(const RuleCall *call)
{
    return is_element(call) && (call->iommu->iommu->kind == MODEL_IOMMU_AMD ||
                                call->iommu->iommu->kind == MODEL_IOMMU_OTHER);
}

static void
check_model(RuleCall *call)
{
    const ModelIommu *iommu = call->iommu->iommu;
    guint64 since = stack_model_since(iommu->kind), libvirt = call->view->target.libvirt;
    g_autofree char *have = base_format_version(libvirt);
    g_autofree char *need = base_format_version(since);

    if (g_str_equal(iommu->model, MODEL_NO_IOMMU_MODEL))
        rule_fail(call, NULL, "model='intel', 'amd', 'virtio' or 'smmuv3'",
                  "an <iommu> without model, which libvirt refuses");
    else if (iommu->kind == MODEL_IOMMU_OTHER && libvirt < BASE_VERSION(12, 9, 0))
        rule_fail(call, NULL, "one of intel, amd, virtio, smmuv3",
                  "libvirt %s knows no iommu model '%s'", have, iommu->model);
    else if (since > libvirt)
        rule_fail(call, NULL, NULL, "iommu model '%s' needs libvirt %s, and the target is %s",
                  iommu->model, need, have);
}

static guint
count_elements(const View *view, const ModelIommu **ret_last)
{
    guint count = 0;

    for (guint i = 0; i < view->iommus->len; i++) {
        const ViewIommu *iommu = view->iommus->pdata[i];

        if (!rule_iommu_is_element(iommu->iommu))
            continue;
        count++;
        *ret_last = iommu->iommu;
    }
    return count;
}

static gboolean
has_two_elements(const RuleCall *call)
{
    const ModelIommu *last = NULL;

    return count_elements(call->view, &last) > 1;
}

static void
check_multiple(RuleCall *call)
{
    const ModelIommu *last = NULL;
    guint count = count_elements(call->view, &last);
    g_autofree char *version = base_format_version(call->view->target.libvirt);

    if (call->view->target.libvirt < STACK_LIBVIRT_MULTIPLE_IOMMU)
        rule_fail(call, last->node, NULL, "%u <iommu> elements, and libvirt %s takes one", count,
                  version);
}

static gboolean
is_x86_with_iommu(const RuleCall *call)
{
    return rule_is_x86(call->view->domain) && call->view->iommus->len > 0;
}

static void
check_one_on_x86(RuleCall *call)
{
    const GPtrArray *iommus = call->view->iommus;
    const ViewIommu *second = iommus->len > 1 ? iommus->pdata[1] : NULL;

    if (second)
        rule_fail(call, second->iommu->node, NULL,
                  "%u vIOMMUs, and QEMU takes one on x86 (libvirt accepts the definition)",
                  iommus->len);
}

static gboolean
is_virt_with_iommu(const RuleCall *call)
{
    return call->view->domain->is_virt && call->view->iommus->len > 0;
}

/* The vIOMMUs of an Arm guest by what libvirt and QEMU make of them */
typedef struct {
    const ViewIommu *machine_wide; /* -machine iommu=smmuv3: of the first <iommu> alone */
    const ViewIommu *dropped[2];   /* smmuv3 without pciBus behind it: first and last */
    const ViewIommu *per_bus;      /* -device arm-smmuv3 */
    const ViewIommu *virtio[2];    /* first and second */
} ArmIommus;

static void
sort_iommu(const ViewIommu *iommu, gboolean is_first, ArmIommus *found)
{
    if (iommu->iommu->kind == MODEL_IOMMU_VIRTIO) {
        found->virtio[found->virtio[0] ? 1 : 0] = iommu;
    } else if (iommu->iommu->kind != MODEL_IOMMU_SMMUV3) {
        return;
    } else if (iommu->pci_bus.state != BASE_STATE_ABSENT) {
        found->per_bus = iommu;
    } else if (is_first) {
        found->machine_wide = iommu;
    } else {
        if (!found->dropped[0])
            found->dropped[0] = iommu;
        found->dropped[1] = iommu;
    }
}

static ArmIommus
sort_iommus(const View *view)
{
    ArmIommus found = {NULL, {NULL, NULL}, NULL, {NULL, NULL}};
    gboolean is_first = TRUE;

    for (guint i = 0; i < view->iommus->len; i++) {
        const ViewIommu *iommu = view->iommus->pdata[i];

        sort_iommu(iommu, is_first && rule_iommu_is_element(iommu->iommu), &found);
        is_first = FALSE;
    }
    return found;
}

/* Below 11.10 libvirt drops pciBus and refuses a second <iommu>: found by other rules. */
static void
check_arm_mixed(RuleCall *call)
{
    ArmIommus found = sort_iommus(call->view);
    const ViewIommu *other = found.per_bus ? found.per_bus : found.virtio[0];

    if (found.machine_wide && other)
        rule_fail(call, found.machine_wide->iommu->node, NULL,
                  "smmuv3 without pciBus is machine-wide and goes with no other vIOMMU, and there "
                  "is %s too",
                  other == found.virtio[0] ? "a virtio one" : "one with pciBus");
}

static void
check_arm_two_virtio(RuleCall *call)
{
    ArmIommus found = sort_iommus(call->view);

    if (found.virtio[1])
        rule_fail(call, found.virtio[1]->iommu->node, NULL,
                  "two virtio vIOMMUs, and QEMU takes one on Arm virt");
}

static void
check_arm_virtio(RuleCall *call)
{
    ArmIommus found = sort_iommus(call->view);

    if (found.per_bus && found.virtio[0])
        rule_fail(call, found.virtio[0]->iommu->node, NULL,
                  "virtio-iommu beside a vSMMU: QEMU refuses this in one order and starts it by "
                  "oversight in the other");
}

static void
check_arm_collapse(RuleCall *call)
{
    ArmIommus found = sort_iommus(call->view);

    if (found.dropped[1])
        rule_fail(call, found.dropped[1]->iommu->node, NULL,
                  found.machine_wide
                      ? "two smmuv3 without pciBus become one machine-wide SMMU"
                      : "smmuv3 without pciBus behind another <iommu> is dropped without a word");
}

static void
check_machine(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;
    const ModelIommu *iommu = call->iommu->iommu;
    gboolean x86 = iommu->kind == MODEL_IOMMU_INTEL || iommu->kind == MODEL_IOMMU_AMD;
    gboolean good;

    if (!domain->machine || iommu->kind == MODEL_IOMMU_OTHER) {
        rule_not_applicable(call);
        return;
    }
    if (x86)
        good = domain->is_q35;
    else if (iommu->kind == MODEL_IOMMU_SMMUV3)
        good = domain->is_virt;
    else
        good = domain->is_q35 || domain->is_virt;
    if (!good)
        rule_fail(call, NULL, NULL, "iommu model '%s' on machine '%s'%s%s, and it needs %s",
                  iommu->model, domain->machine, domain->arch ? " of " : "",
                  domain->arch ? domain->arch : "",
                  x86                                 ? "q35"
                  : iommu->kind == MODEL_IOMMU_SMMUV3 ? "Arm virt"
                                                      : "q35 or Arm virt");
}

static gboolean
wants_iommufd(const RuleCall *call)
{
    return call->hostdev->dev->iommufd == BASE_YES;
}

static gboolean
asks_libvirt_for_iommufd(const RuleCall *call)
{
    return wants_iommufd(call) && !call->hostdev->dev->iommufd_by_hand;
}

/* Element that asks for iommufd, and the libvirt that first knows it */
static const xmlNode *
iommufd_place(const RuleCall *call, guint64 *ret_since)
{
    const ModelHostdev *dev = call->hostdev->dev;

    if (dev->iommufd_by_hand) {
        *ret_since = 0;
        return NULL;
    }
    *ret_since = dev->iommufd_written ? STACK_LIBVIRT_DRIVER_IOMMUFD : STACK_LIBVIRT_DOMAIN_IOMMUFD;
    return dev->iommufd_written ? dev->driver : NULL;
}

static void
check_iommufd_libvirt(RuleCall *call)
{
    guint64 since = 0, libvirt = call->view->target.libvirt;
    const xmlNode *place = iommufd_place(call, &since);
    g_autofree char *have = base_format_version(libvirt);
    g_autofree char *need = base_format_version(since);

    if (libvirt < since)
        rule_fail(call, place, NULL,
                  "iommufd here needs libvirt %s; %s drops it and takes the legacy VFIO group",
                  need, have);
}

static void
check_iommufd_host(RuleCall *call)
{
    const ViommuHost *host = call->view->host;
    guint64 since = 0;
    const xmlNode *place = iommufd_place(call, &since);

    if (call->view->target.libvirt != 0 && call->view->target.libvirt < since) {
        rule_not_applicable(call);
        return;
    }
    if (host->iommufd == BASE_NO)
        rule_fail(call, place, NULL, "iommufd is asked for, and the host has no /dev/iommu");
    else if (host->vfio_cdev == BASE_NO)
        rule_fail(call, place, NULL,
                  "iommufd is asked for, and the host's kernel gives VFIO devices no character "
                  "device of their own");
    else if (host->iommufd == BASE_UNKNOWN || host->vfio_cdev == BASE_UNKNOWN)
        rule_unknown(call, host->iommufd == BASE_UNKNOWN ? "vfio/iommufd" : "vfio/cdev", NULL);
}

static gboolean
is_virtio_element(const RuleCall *call)
{
    return is_element(call) && call->iommu->iommu->kind == MODEL_IOMMU_VIRTIO;
}

static void
check_virtio_acpi(RuleCall *call)
{
    if (!call->view->domain->acpi)
        rule_fail(call, NULL, NULL, "virtio-iommu without <acpi/> in <features>");
}

static const Rule rules[] = {
    {
        .id = "stack-viommu-in-commandline",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "a vIOMMU that libvirt does not know of",
        .rationale =
            "libvirt multiplies the locked memory limit by the number of assigned devices only "
            "when it sees an <iommu>. A vIOMMU added by qemu:commandline needs the same memory "
            "and gets the limit of a guest without one: the second device fails with "
            "vfio_container_dma_map(…) = -12 (Cannot allocate memory). libvirt's checks of the "
            "machine and the interrupt controller are passed by too.",
        .remedy = "<iommu model='…'>, and what it cannot say by <qemu:override>",
        .source = "libvirt 11.3 src/qemu/qemu_domain.c:8109, same in 12.8.0",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .check = check_commandline,
    },
    {
        .id = "stack-model-unknown",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "an iommu model that this libvirt does not know",
        .rationale = "libvirt refuses the definition: Invalid value for attribute 'model' in "
                     "element 'iommu'. intel came with 2.1, smmuv3 with 5.5, virtio with 8.3, amd "
                     "with 11.5.",
        .remedy = "a newer libvirt, or a model that it knows",
        .source = "libvirt 12.8 formatdomain.html, IOMMU devices; run on libvirt 9.0.0",
        .fixer = RULE_FIXER_STACK,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .needs = RULE_NEEDS_LIBVIRT,
        .check = check_model,
        .applies = is_new_model,
    },
    {
        .id = "stack-multiple-iommu-needs-libvirt",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "several <iommu> on a libvirt that takes one",
        .rationale = "Before 11.10 libvirt refuses the definition: only a single IOMMU device is "
                     "supported.",
        .remedy = "libvirt 11.10.0 or newer, or one <iommu>",
        .source = "libvirt 11.3 src/conf/domain_conf.c:20029; 12.8 formatdomain.html",
        .fixer = RULE_FIXER_STACK,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .needs = RULE_NEEDS_LIBVIRT,
        .check = check_multiple,
        .applies = has_two_elements,
    },
    {
        .id = "stack-one-viommu-on-x86",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "more than one vIOMMU on x86",
        .rationale =
            "QEMU says: QEMU does not support multiple vIOMMUs for x86 yet. libvirt 12.8 means to "
            "refuse it at define, but its check only logs the error and goes on.",
        .remedy = "one vIOMMU; all devices of an x86 guest share it",
        .source = "QEMU 11.1 hw/i386/pc.c:1346; libvirt 12.8.0 "
                  "src/conf/domain_validate.c:1875 (no return); both run",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = check_one_on_x86,
        .applies = is_x86_with_iommu,
    },
    {
        .id = "stack-arm-mixed-viommus",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a machine-wide SMMU together with another vIOMMU",
        .rationale =
            "QEMU says: virt machine already has iommu=smmuv3 set. Doesn't support incompatible "
            "iommus; with virtio-iommu: virt machine does not support multiple IOMMUs. libvirt "
            "makes the SMMU machine-wide only where its <iommu> is the "
            "first; another one it drops.",
        .remedy = "pciBus in every <iommu model='smmuv3'>, or only one <iommu>",
        .source = "QEMU 11.1 hw/arm/virt.c:3818,3857; run with libvirt 12.8.0",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = check_arm_mixed,
        .applies = is_virt_with_iommu,
    },
    {
        .id = "stack-arm-two-virtio",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "two virtio vIOMMUs on Arm virt",
        .rationale = "libvirt 12.8 accepts them. QEMU says: virt machine does not support multiple "
                     "IOMMUs.",
        .remedy = "one of them: it covers every bus",
        .source = "QEMU 11.1 hw/arm/virt.c:3818; run with libvirt 12.8.0 and QEMU 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = check_arm_two_virtio,
        .applies = is_virt_with_iommu,
    },
    {
        .id = "stack-arm-smmu-with-virtio",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "virtio-iommu together with a vSMMU of one bus",
        .rationale =
            "QEMU supports one kind of vIOMMU on virt and refuses a vSMMU behind a virtio-iommu: "
            "virt machine already has virtio-iommu set. Doesn't support incompatible iommus. The "
            "other order it accepts by oversight, and the second vIOMMU silently replaces the "
            "first one's hold on pcie.0.",
        .remedy = "one kind of vIOMMU: smmuv3 with pciBus for each bus, or one virtio",
        .source = "QEMU 11.1 hw/arm/virt.c:3861, hw/pci/pci.c:3293; run with QEMU 11.1.2 in both "
                  "orders",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .check = check_arm_virtio,
        .applies = is_virt_with_iommu,
    },
    {
        .id = "stack-arm-smmu-collapse",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "an smmuv3 without pciBus that libvirt drops",
        .rationale = "The first <iommu> sets iommu=smmuv3 on the machine. One without pciBus that "
                     "is not the first does nothing: libvirt 12.8 accepts it, the domain starts, "
                     "and there is one SMMU less.",
        .remedy = "one <iommu model='smmuv3'>, or pciBus in each",
        .source = "libvirt 12.8.0 and QEMU 11.1.2, run",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .check = check_arm_collapse,
        .applies = is_virt_with_iommu,
    },
    {
        .id = "stack-viommu-machine",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "an iommu model that this machine type cannot have",
        .rationale = "libvirt takes intel and amd on q35 only, smmuv3 on Arm virt only, virtio on "
                     "q35 and Arm virt, and refuses the definition: IOMMU device: 'intel' is only "
                     "supported with Q35 machines (smmuv3: is only supported with ARM Virt "
                     "machines; virtio: is only supported with Q35 and ARM Virt machines). On "
                     "microvm: No PCI buses available.",
        .remedy = "the machine type that the model needs, or another model",
        .source = "libvirt 11.3 src/qemu/qemu_validate.c (qemuValidateDomainDeviceDefIOMMU); run "
                  "on 12.8.0",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = check_machine,
        .applies = is_element,
    },
    {
        .id = "stack-iommufd-libvirt",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "iommufd on a libvirt that does not know it",
        .rationale = "<driver iommufd='yes'/> came with libvirt 12.1, <iommufd enabled='yes'/> of "
                     "the domain with 12.2. An older libvirt drops them without a word and hands "
                     "the device over by its VFIO group.",
        .remedy = "a libvirt that knows it, or a mode that does not need iommufd",
        .source = "libvirt 12.8 formatdomain.html, NEWS 12.1 and 12.2; dropping run on 9.0.0",
        .fixer = RULE_FIXER_STACK,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .needs = RULE_NEEDS_LIBVIRT,
        .check = check_iommufd_libvirt,
        .applies = asks_libvirt_for_iommufd,
    },
    {
        .id = "stack-iommufd-needs",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "iommufd on a host that has none",
        .rationale =
            "libvirt says: IOMMUFD is not supported by host kernel (at define only when <driver> "
            "has name='vfio' too, else at start); where the kernel has VFIO, at start: cannot open "
            "VFIO "
            "device /dev/vfio/devices/vfio0: No such file or directory. QEMU says: /dev/iommu does "
            "not exist (is your "
            "kernel config missing CONFIG_IOMMUFD?).",
        .remedy = "a kernel with CONFIG_IOMMUFD and CONFIG_VFIO_DEVICE_CDEV, or iommufd='no'",
        .source = "libvirt 12.8.0, run on a host without /dev/iommu; QEMU 11.1.2, run",
        .fixer = RULE_FIXER_HOST,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = check_iommufd_host,
        .applies = wants_iommufd,
    },
    {
        .id = "stack-amd-passthrough",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "passthrough= of the amd model, which this QEMU no longer has",
        .rationale = "libvirt 12.8 turns the attribute into the property \"pt\" of amd-iommu, "
                     "which QEMU 11.1 has not. QEMU says: Property 'amd-iommu.pt' not found.",
        .remedy = "remove passthrough; the guest says iommu=pt by itself",
        .source = "libvirt 12.8.0 and QEMU 11.1.2, run",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_QEMU,
        .check = rule_stack_check_passthrough,
        .applies = rule_stack_has_passthrough,
    },
    {
        .id = "stack-property-renamed",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "an intel-iommu property that this QEMU spells otherwise",
        .rationale =
            "QEMU 11.1 has scalable-mode, fsts and pasid-bits where 10.0 has x-scalable-mode, "
            "x-flts and x-pasid-mode; neither knows the other's names. QEMU says: Property "
            "'intel-iommu.x-flts' not found; of -global: can't apply global intel-iommu.pt=on: "
            "Property 'intel-iommu.pt' not found.",
        .remedy = "the name that this QEMU has (qemu-system-x86_64 -device intel-iommu,help)",
        .source = "QEMU 11.1 hw/i386/intel_iommu.c:4184-4190; help of QEMU 10.0.13 and 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_QEMU,
        .check = rule_stack_check_renamed,
        .applies = rule_stack_has_renamed,
    },
    {
        .id = "stack-virtio-needs-acpi",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "virtio-iommu without ACPI",
        .rationale = "The guest finds a virtio-iommu's reach in an ACPI table only; libvirt "
                     "refuses the definition: IOMMU device: 'virtio' requires ACPI.",
        .remedy = "<acpi/> in <features> (on Arm with UEFI firmware)",
        .source = "libvirt 11.3 src/qemu/qemu_validate.c (qemuValidateDomainDeviceDefIOMMU); run "
                  "on 12.8.0",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = check_virtio_acpi,
        .applies = is_virtio_element,
    },
};

const RuleFamily rule_family_stack = {"stack", rules, G_N_ELEMENTS(rules)};
