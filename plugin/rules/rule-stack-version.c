/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libvirt, QEMU and kernel against each other, and what by-passes libvirt. */
#include "rule-families.h"
#include "rule-stack-qemu.h"
#include "rule-tools.h"

#include <string.h>

/* The oldest QEMU that a libvirt takes. Releases between these rows may already have asked for
 * more. */
static const struct {
    guint64 libvirt, qemu;
} minima[] = {
    {BASE_VERSION(12, 4, 0), BASE_VERSION(7, 2, 0)}, /* NEWS 12.4.0 */
    {BASE_VERSION(11, 3, 0), BASE_VERSION(6, 2, 0)}, /* 11.3 src/qemu/qemu_capabilities.c:5660 */
    {BASE_VERSION(10, 6, 0), BASE_VERSION(5, 2, 0)}, /* NEWS 10.6.0 */
    {BASE_VERSION(9, 0, 0), BASE_VERSION(4, 2, 0)},  /* 9.0 src/qemu/qemu_capabilities.c:5639 */
};

static void
check_minimum(RuleCall *call)
{
    guint64 libvirt = call->view->target.libvirt, qemu = call->view->target.qemu;
    g_autofree char *have = base_format_version(qemu);
    g_autofree char *by = base_format_version(libvirt);

    for (gsize i = 0; i < G_N_ELEMENTS(minima); i++) {
        g_autofree char *need = base_format_version(minima[i].qemu);

        if (libvirt < minima[i].libvirt)
            continue;
        if (qemu < minima[i].qemu)
            rule_fail(call, NULL, NULL, "libvirt %s takes QEMU %s or newer, and the target is %s",
                      by, need, have);
        return;
    }
}

/* Properties that libvirt's attributes become, and the QEMUs that were seen without and with them:
 * sources of 7.2.0, 10.0.13 and 11.1.1; "with" also from compatibility entries of 11.1
 * (hw/core/machine.c:46-55 for 11.0, :106-113 for 9.0), which name the release before the one that
 * brought the property. */
typedef struct {
    ModelIommuKind model;
    const char *attribute;
    guint64 without; /* QEMU before this surely lacks it */
    guint64 with;    /* QEMU from this on surely has it */
    const char *device;
} QemuAttribute;

static const QemuAttribute qemu_attributes[] = {
    {MODEL_IOMMU_VIRTIO, "aw_bits", BASE_VERSION(9, 0, 0), BASE_VERSION(9, 0, 0),
     "virtio-iommu-pci"},
    {MODEL_IOMMU_VIRTIO, "granule", BASE_VERSION(9, 0, 0), BASE_VERSION(9, 0, 0),
     "virtio-iommu-pci"},
    {MODEL_IOMMU_SMMUV3, "pciBus", BASE_VERSION(10, 1, 0), BASE_VERSION(11, 0, 0), "arm-smmuv3"},
    {MODEL_IOMMU_SMMUV3, "accel", BASE_VERSION(10, 1, 0), BASE_VERSION(11, 0, 0), "arm-smmuv3"},
    {MODEL_IOMMU_SMMUV3, "ats", BASE_VERSION(10, 1, 0), BASE_VERSION(11, 0, 0), "arm-smmuv3"},
    {MODEL_IOMMU_SMMUV3, "ril", BASE_VERSION(10, 1, 0), BASE_VERSION(11, 0, 0), "arm-smmuv3"},
    {MODEL_IOMMU_SMMUV3, "ssidsize", BASE_VERSION(10, 1, 0), BASE_VERSION(11, 0, 0), "arm-smmuv3"},
    {MODEL_IOMMU_SMMUV3, "oas", BASE_VERSION(10, 1, 0), BASE_VERSION(11, 0, 0), "arm-smmuv3"},
    {MODEL_IOMMU_SMMUV3, "cmdqv", BASE_VERSION(10, 1, 0), BASE_VERSION(11, 1, 0), "arm-smmuv3"},
};

/* Whether libvirt will ask QEMU for that row; an attribute that this libvirt drops it will not */
static gboolean
is_asked(const RuleCall *call, const QemuAttribute *row)
{
    const ModelIommu *iommu = call->iommu->iommu;
    guint64 libvirt = call->view->target.libvirt;
    const StackAttribute *known;

    if (iommu->kind != row->model)
        return FALSE;
    if (strcmp(row->attribute, "granule") == 0)
        return model_child(iommu->driver, "granule") &&
               (libvirt == 0 || libvirt >= BASE_VERSION(12, 1, 0));
    known = stack_attribute(iommu->kind, row->attribute);
    return rule_iommu_attribute(iommu, row->attribute) &&
           (libvirt == 0 || !known || known->since <= libvirt);
}

static gboolean
asks_qemu(const RuleCall *call)
{
    if (!rule_iommu_is_element(call->iommu->iommu))
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(qemu_attributes); i++)
        if (is_asked(call, &qemu_attributes[i]))
            return TRUE;
    return FALSE;
}

/* What that QEMU answered, else what is known of its version */
static BaseTri
qemu_has(const View *view, const QemuAttribute *row)
{
    const StackAttribute *known = stack_attribute(row->model, row->attribute);
    BaseTri asked = stack_device_has(view->host, row->device, known ? known->qemu : row->attribute,
                                     view->target.qemu);

    if (asked != BASE_UNKNOWN)
        return asked;
    if (view->target.qemu >= row->with)
        return BASE_YES;
    return view->target.qemu < row->without ? BASE_NO : BASE_UNKNOWN;
}

static void
check_attribute(RuleCall *call)
{
    const ModelIommu *iommu = call->iommu->iommu;
    guint64 qemu = call->view->target.qemu;
    const QemuAttribute *unsure = NULL;
    g_autofree char *have = base_format_version(qemu);
    g_autoptr(GString) list = g_string_new(NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(qemu_attributes); i++) {
        const QemuAttribute *row = &qemu_attributes[i];
        BaseTri has = is_asked(call, row) ? qemu_has(call->view, row) : BASE_YES;

        if (has == BASE_YES)
            continue;
        if (has == BASE_NO)
            g_string_append_printf(list, "%s%s", list->len ? ", " : "", row->attribute);
        else
            unsure = row;
    }
    if (list->len > 0) {
        rule_fail(call, rule_iommu_place(iommu), NULL,
                  "QEMU %s is too old for %s of iommu model '%s'", have, list->str, iommu->model);
    } else if (unsure) {
        g_autofree char *fact = g_strdup_printf("properties of %s", unsure->device);
        g_autofree char *how = g_strdup_printf("qemu-system-… -device %s,help", unsure->device);

        rule_unknown(call, fact, how);
    }
}

typedef enum {
    VALUE_BOOL,
    VALUE_NUMBER,
    VALUE_STRING,
} ValueKind;

/* What QEMU takes for a property in its JSON notation. Switches that know "auto" are strings. */
static const struct {
    const char *name;
    ValueKind kind;
} value_kinds[] = {
    {"accel", VALUE_BOOL},           {"ats", VALUE_STRING},
    {"aw-bits", VALUE_NUMBER},       {"boot-bypass", VALUE_BOOL},
    {"bypass_iommu", VALUE_BOOL},    {"caching-mode", VALUE_BOOL},
    {"cmdqv", VALUE_STRING},         {"device-iotlb", VALUE_BOOL},
    {"dma-translation", VALUE_BOOL}, {"eim", VALUE_STRING},
    {"fs1gp", VALUE_BOOL},           {"fsts", VALUE_BOOL},
    {"granule", VALUE_STRING},       {"intremap", VALUE_STRING},
    {"mem-reserve", VALUE_NUMBER},   {"oas", VALUE_STRING},
    {"pasid-bits", VALUE_NUMBER},    {"pref64-reserve", VALUE_NUMBER},
    {"ril", VALUE_STRING},           {"scalable-mode", VALUE_BOOL},
    {"snoop-control", VALUE_BOOL},   {"ssidsize", VALUE_STRING},
    {"stale-tm", VALUE_BOOL},        {"svm", VALUE_BOOL},
    {"x-flts", VALUE_BOOL},          {"x-pasid-mode", VALUE_BOOL},
    {"x-scalable-mode", VALUE_BOOL}, {"x-vpasid-cap-offset", VALUE_NUMBER},
};

static gboolean
is_kind(const char *type, ValueKind kind)
{
    switch (kind) {
    case VALUE_BOOL:
        return strcmp(type, "bool") == 0;
    case VALUE_NUMBER:
        return strcmp(type, "unsigned") == 0 || strcmp(type, "signed") == 0;
    case VALUE_STRING:
    default:
        return strcmp(type, "string") == 0;
    }
}

static void
judge_type(RuleCall *call, const ModelOverride *override, guint property)
{
    static const char *const names[] = {
        [VALUE_BOOL] = "bool", [VALUE_NUMBER] = "unsigned", [VALUE_STRING] = "string"};
    const char *name = override->names->pdata[property], *type = override->types->pdata[property];

    if (strcmp(type, "remove") == 0)
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(value_kinds); i++) {
        g_autofree char *help = NULL;

        if (strcmp(value_kinds[i].name, name) != 0 || is_kind(type, value_kinds[i].kind))
            continue;
        help = g_strdup_printf("type='%s' for '%s'", names[value_kinds[i].kind], name);
        rule_fail(call, override->node, help,
                  "override of '%s' for alias '%s' has type '%s', and QEMU takes '%s'", name,
                  override->alias, type, names[value_kinds[i].kind]);
    }
}

static gboolean
has_overrides(const RuleCall *call)
{
    return call->view->domain->overrides->len > 0;
}

static void
check_types(RuleCall *call)
{
    const GPtrArray *overrides = call->view->domain->overrides;

    for (guint i = 0; i < overrides->len; i++) {
        const ModelOverride *override = overrides->pdata[i];

        for (guint j = 0; override->matched && j < override->names->len; j++)
            judge_type(call, override, j);
    }
}

static gboolean
is_amd_element(const RuleCall *call)
{
    return rule_iommu_is_element(call->iommu->iommu) && call->iommu->iommu->kind == MODEL_IOMMU_AMD;
}

static gboolean
is_override_of(const ModelOverride *override, const ViewIommu *iommu)
{
    g_autofree char *usual = g_strdup_printf("iommu%u", iommu->index);
    const char *alias = iommu->iommu->alias;

    return strcmp(override->alias, usual) == 0 || g_strcmp0(override->alias, alias) == 0;
}

static void
check_amd_override(RuleCall *call)
{
    static const char *const own[] = {"device-iotlb", "dma-remap", "dma-translation", "intremap",
                                      "pci-id",       "pt",        "xtsup",           NULL};
    const GPtrArray *overrides = call->view->domain->overrides;

    for (guint i = 0; i < overrides->len; i++) {
        const ModelOverride *override = overrides->pdata[i];

        for (guint j = 0; is_override_of(override, call->iommu) && j < override->names->len; j++) {
            const char *name = override->names->pdata[j];
            g_autofree char *help = NULL;

            if (!g_strv_contains(own, name))
                continue;
            help = g_strdup_printf("<qemu:commandline> with -global amd-iommu.%s=%s", name,
                                   (char *) override->values->pdata[j]);
            rule_fail(call, override->node, help,
                      "override of '%s' goes to AMDVI-PCI, the helper of the amd vIOMMU, which has "
                      "no such property",
                      name);
        }
    }
}

static gboolean
is_hidden(const RuleCall *call)
{
    return call->iommu->iommu->commandline;
}

static gboolean
has_split_irqchip(const ViommuDomain *domain)
{
    static const char *const texts[] = {"kernel-irqchip=split", "kernel-irqchip=off",
                                        "kernel_irqchip=split", "kernel_irqchip=off"};

    if (g_strcmp0(domain->type, "kvm") != 0 || g_strcmp0(domain->ioapic, "qemu") == 0)
        return TRUE;
    for (guint i = 0; i < domain->arguments->len; i++) {
        g_autofree char *value = model_attribute(domain->arguments->pdata[i], "value");

        for (gsize j = 0; value && j < G_N_ELEMENTS(texts); j++)
            if (strstr(value, texts[j]))
                return TRUE;
    }
    return FALSE;
}

/* -device arm-smmuv3: 7.2.0 and 10.0.13 refuse it, 11.0 has properties for it */
static void
check_hidden_smmu(RuleCall *call)
{
    guint64 qemu = call->view->target.qemu;
    g_autofree char *version = base_format_version(qemu);

    if (qemu != 0 && qemu < BASE_VERSION(10, 1, 0))
        rule_fail(call, NULL, "<iommu model='smmuv3'/>",
                  "-device arm-smmuv3, and QEMU %s makes one only for the whole machine", version);
    else if (qemu < BASE_VERSION(11, 0, 0))
        rule_unknown(call, "whether this QEMU takes -device arm-smmuv3",
                     "qemu-system-aarch64 -M virt -device arm-smmuv3,help");
}

/* What libvirt would have refused of an <iommu>, or never writes */
static void
check_hidden_virtio(RuleCall *call)
{
    static const char *const granules[] = {"host", "4k", "8k", "16k", "64k", NULL};
    const ModelIommu *iommu = call->iommu->iommu;
    const char *root = call->view->domain->is_i440fx ? "pci.0" : "pcie.0";
    const char *bus = rule_iommu_attribute(iommu, "bus");
    const char *granule = rule_iommu_attribute(iommu, "granule");
    GHashTableIter iter;
    gpointer name;

    if (bus && strcmp(bus, root) != 0)
        rule_fail(call, NULL, NULL, "%s on bus '%s', and it must be on %s", iommu->model, bus,
                  root);
    if (granule && !g_strv_contains(granules, granule))
        rule_fail(call, NULL, "granule=host", "granule '%s' of %s, and QEMU has no such", granule,
                  iommu->model);
    g_hash_table_iter_init(&iter, iommu->attributes);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        if (g_str_has_prefix(name, "reserved-regions"))
            rule_fail(call, NULL, "no reserved-regions",
                      "reserved-regions of %s, which the machine sets by itself", iommu->model);
}

static void
check_hidden(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;
    const ModelIommu *iommu = call->iommu->iommu;

    /* -machine iommu=smmuv3 is another matter */
    if (iommu->kind == MODEL_IOMMU_SMMUV3 && call->iommu->pci_bus.state != BASE_STATE_ABSENT)
        check_hidden_smmu(call);
    if (iommu->kind == MODEL_IOMMU_VIRTIO)
        check_hidden_virtio(call);
    if (iommu->kind != MODEL_IOMMU_INTEL && iommu->kind != MODEL_IOMMU_AMD)
        return;
    if (domain->machine && !domain->is_q35)
        rule_fail(call, NULL, "machine type q35", "%s on machine '%s', and it needs q35",
                  iommu->model, domain->machine);
    else if (g_strcmp0(rule_iommu_attribute(iommu, "intremap"), "on") == 0 &&
             !has_split_irqchip(domain))
        rule_fail(call, NULL, "<ioapic driver='qemu'/> in <features>",
                  "%s with interrupt remapping, and the interrupt controller is all in KVM",
                  iommu->model);
}

static gboolean
is_hidden_over_device(const RuleCall *call)
{
    for (guint i = 0; is_hidden(call) && i < call->view->hostdevs->len; i++)
        if (view_is_assigned(call->view->hostdevs->pdata[i]))
            return TRUE;
    return FALSE;
}

static void
check_order(RuleCall *call)
{
    g_autofree char *text = model_attribute(call->iommu->iommu->node, "value");

    if (text && text[strspn(text, " \t\n")] == '{')
        rule_fail(call, NULL, NULL,
                  "%s in QEMU's JSON notation is made after the assigned devices, and they stay "
                  "outside of it",
                  call->iommu->iommu->model);
}

static gboolean
has_viommu(const RuleCall *call)
{
    return call->view->iommus->len > 0;
}

static void
check_network(RuleCall *call)
{
    for (guint i = 0; i < call->view->hostdevs->len; i++) {
        const ModelHostdev *dev = ((const ViewHostdev *)call->view->hostdevs->pdata[i])->dev;
        const char *name = dev->network ? dev->network : "";
        g_autofree char *fact = NULL;
        g_autofree char *how = NULL;

        if (dev->kind != MODEL_HOSTDEV_NETWORK)
            continue;
        fact = g_strdup_printf("network '%s'", name);
        how = g_strdup_printf("virsh net-dumpxml %s: unless it has <forward mode='hostdev'>, all "
                              "is well",
                              name);
        rule_unknown(call, fact, how);
    }
}

static const Rule rules[] = {
    {
        .id = "stack-qemu-minimum",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a QEMU that is too old for this libvirt",
        .rationale = "libvirt asks each QEMU binary for its version and takes none below its own "
                     "minimum. It says: QEMU version >= 7.2.0 is required, but 6.2.0 found",
        .remedy = "a newer QEMU, or the versions that really go together in --libvirt-version and "
                  "--qemu-version",
        .source = "libvirt 9.0 src/qemu/qemu_capabilities.c:5639, 11.3 :5660-5704; NEWS 10.6.0 and "
                  "12.4.0",
        .fixer = RULE_FIXER_STACK,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .needs = RULE_NEEDS_LIBVIRT | RULE_NEEDS_QEMU,
        .check = check_minimum,
    },
    {
        .id = "stack-qemu-attribute",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "an attribute that this QEMU is too old for",
        .rationale =
            "libvirt asks QEMU what its vIOMMU devices can do and refuses the definition where a "
            "property is missing: iommu: aw_bits is not supported with this QEMU binary; iommu: "
            "accel is not supported with this QEMU binary.",
        .remedy = "a newer QEMU, or the vIOMMU without it",
        .source = "libvirt 11.3 src/qemu/qemu_validate.c (qemuValidateDomainDeviceDefIOMMU), texts "
                  "in 12.8.0; QEMU 7.2.0, 10.0.13 and 11.1.1: properties of the devices, "
                  "hw/core/machine.c:46-55, :106-113",
        .fixer = RULE_FIXER_STACK,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .needs = RULE_NEEDS_QEMU,
        .check = check_attribute,
        .applies = asks_qemu,
    },
    {
        .id = "stack-property-unknown",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a property that this QEMU's vIOMMU does not have",
        .rationale = "libvirt passes the properties of qemu:override and qemu:commandline on as "
                     "they are; schema and definition take any name. QEMU says: Property "
                     "'intel-iommu.scalablemode' not found; of -global: can't apply global "
                     "intel-iommu.pt=on: Property 'intel-iommu.pt' not found",
        .remedy = "a name that this QEMU has (qemu-system-x86_64 -device intel-iommu,help)",
        .source = "libvirt 12.8.0 with QEMU 11.1.2, refused at start; QEMU 7.2.0, 10.0.13 and "
                  "11.1.1 hw/i386/intel_iommu.c, amd_iommu.c, hw/arm/smmuv3.c",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_QEMU,
        .check = rule_stack_check_plain_property,
        .applies = rule_stack_has_plain_property,
    },
    {
        .id = "stack-property-type",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "an override of a type that QEMU does not take for that property",
        .rationale =
            "libvirt writes devices in QEMU's JSON notation, where types count: a boolean is no "
            "string and a number is none. Switches that know \"auto\" are strings. QEMU says: "
            "Invalid parameter type for 'scalable-mode', expected: boolean; or: Parameter "
            "'pasid-bits' expects uint64",
        .remedy = "bool for plain switches, unsigned for numbers, string for the others",
        .source = "libvirt 12.8.0 with QEMU 11.1.2, refused at start",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = check_types,
        .applies = has_overrides,
    },
    {
        .id = "stack-amd-override",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "an override that does not reach the amd vIOMMU",
        .rationale =
            "libvirt makes two devices of <iommu model='amd'>: a helper AMDVI-PCI, which has the "
            "alias, and amd-iommu itself, which has none. QEMU says: Property "
            "'AMDVI-PCI.dma-remap' not found",
        .remedy = "<qemu:commandline> with -global amd-iommu.PROPERTY=VALUE",
        .source = "libvirt 12.8.0 with QEMU 11.1.2, refused at start",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = check_amd_override,
        .applies = is_amd_element,
    },
    {
        .id = "stack-commandline-refused",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a vIOMMU in qemu:commandline that QEMU refuses",
        .rationale =
            "libvirt does not look into qemu:commandline. QEMU says: Parameter 'driver' expects a "
            "dynamic sysbus device type for the machine (of arm-smmuv3 before 10.1: expects a "
            "pluggable device type); Interrupt Remapping cannot work with kernel-irqchip=on, "
            "please use 'split|off'; virtio-iommu-pci must be plugged on the root bus; Bus 'pci.1' "
            "not found; Parameter 'granule' does not accept value '2k'; Property "
            "'virtio-iommu-pci.reserved-regions.0' not found; of it in JSON: array size property "
            "reserved-regions may not be set more than once, and SIGABRT.",
        .remedy = "<iommu> instead, which libvirt checks at define",
        .source = "QEMU 11.1 system/qdev-monitor.c:279, hw/i386/x86-iommu.c:118, "
                  "hw/virtio/virtio-iommu-pci.c:65; refused by 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = check_hidden,
        .applies = is_hidden,
    },
    {
        .id = "stack-commandline-order",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a vIOMMU that is made after the devices it should cover",
        .rationale =
            "QEMU makes devices in the plain notation first and those in JSON after them, in "
            "their order; libvirt writes its own in JSON and qemu:arg behind them. An assigned "
            "device takes its address space when it is made: one that comes before the vIOMMU "
            "stays outside of it while the guest is told that it is behind it. The domain starts, "
            "no check of QEMU's is made, and DMA goes to the wrong memory once the guest "
            "translates.",
        .remedy = "<iommu> instead; else the plain notation (-device intel-iommu,…)",
        .source = "QEMU 11.1 system/vl.c (qemu_create_cli_devices), hw/pci/pci.c "
                  "(pci_device_iommu_address_space); libvirt 11.3 src/qemu/qemu_command.c "
                  "(qemuBuildCommandLine)",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_SILENT,
        .check = check_order,
        .applies = is_hidden_over_device,
    },
    {
        .id = "stack-network-unresolved",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "an interface that may turn into an assigned device at start",
        .rationale =
            "A network with <forward mode='hostdev'> hands out functions of the host, and which "
            "one it is libvirt decides at start: behind a vIOMMU all rules of assigned devices "
            "hold for it. The hook looks again when the domain starts.",
        .remedy = "<interface type='hostdev'> with the function's own address",
        .source = "libvirt 12.8 formatnetwork.html, forward mode hostdev; 11.3 "
                  "src/network/bridge_driver.c (networkAllocatePort)",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .check = check_network,
        .applies = has_viommu,
    },
};

const RuleFamily rule_family_stack_version = {"stack", rules, G_N_ELEMENTS(rules)};
