/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* XML that libvirt drops without a word, reads otherwise than it looks, or refuses. */
#include "rule-families.h"
#include "rule-tools.h"
#include "rule-xml-attributes.h"

#include <string.h>

/* accel, ats, ril, ssidsize, oas and cmdqv came with it */
#define LIBVIRT_ACCEL BASE_VERSION(12, 7, 0)

static gboolean
is_smmu_element(const RuleCall *call)
{
    return rule_iommu_is_element(call->iommu->iommu) &&
           call->iommu->iommu->kind == MODEL_IOMMU_SMMUV3;
}

static gboolean
writes_accel(const RuleCall *call)
{
    return is_smmu_element(call) &&
           g_strcmp0(rule_iommu_attribute(call->iommu->iommu, "accel"), "on") == 0;
}

static gboolean
knows_accel(RuleCall *call)
{
    if (call->view->target.libvirt >= LIBVIRT_ACCEL)
        return TRUE;
    rule_not_applicable(call);
    return FALSE;
}

static void
check_accel_without_bus(RuleCall *call)
{
    const ModelIommu *iommu = call->iommu->iommu;

    if (!knows_accel(call))
        return;
    if (!rule_iommu_attribute(iommu, "pciBus"))
        rule_fail(call, rule_iommu_place(iommu), NULL,
                  "accel='on' without pciBus is dropped: QEMU gets a plain emulated SMMU");
}

/* What libvirt calls devices by itself: in live XML such an alias is harmless. */
static gboolean
is_automatic(const char *alias)
{
    static const char *const stems[] = {"hostdev", "iommu", "net", "pci.", "pcie.", NULL};
    gsize stem = strcspn(alias, "0123456789");
    g_autofree char *text = g_strndup(alias, stem);

    return g_strv_contains(stems, text) && alias[stem] &&
           alias[stem + strspn(alias + stem, "0123456789")] == '\0';
}

static void
check_alias(RuleCall *call, const xmlNode *device, const char *alias)
{
    const xmlNode *place = model_child(device, "alias");
    g_autofree char *help = NULL;

    if (!alias || !place || g_str_has_prefix(alias, "ua-") || is_automatic(alias))
        return;
    help = g_strdup_printf("<alias name='ua-%s'/>", alias);
    rule_fail(call, place, help, "alias '%s' does not begin with 'ua-': libvirt discards it",
              alias);
}

static void
check_aliases(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;

    for (guint i = 0; i < domain->controllers->len; i++) {
        const ModelController *it = domain->controllers->pdata[i];

        check_alias(call, it->node, it->alias);
    }
    for (guint i = 0; i < domain->hostdevs->len; i++) {
        const ModelHostdev *it = domain->hostdevs->pdata[i];

        check_alias(call, it->node, it->alias);
    }
    for (guint i = 0; i < domain->iommus->len; i++) {
        const ModelIommu *it = domain->iommus->pdata[i];

        if (rule_iommu_is_element(it))
            check_alias(call, it->node, it->alias);
    }
}

/* Not the <alias> of <qemu:override>, nor one that libvirt discards */
static void
check_alias_twice(RuleCall *call)
{
    const xmlNode *devices = call->view->domain->devices;
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (xmlNode *device = devices ? xmlFirstElementChild((xmlNode *)devices) : NULL; device;
         device = xmlNextElementSibling(device)) {
        const xmlNode *alias = model_child(device, "alias");
        char *name = model_attribute(alias, "name");

        if (name && g_str_has_prefix(name, "ua-") && g_hash_table_contains(seen, name))
            rule_fail(call, alias, NULL, "alias '%s' is there twice", name);
        if (name)
            g_hash_table_add(seen, name);
    }
}

static gboolean
has_overrides(const RuleCall *call)
{
    return call->view->domain->overrides->len > 0;
}

static void
check_overrides(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;

    for (guint i = 0; i < domain->overrides->len; i++) {
        const ModelOverride *override = domain->overrides->pdata[i];

        if (!override->matched)
            rule_fail(call, override->node, NULL,
                      "override for alias '%s' is ignored: no device will have that alias",
                      override->alias);
    }
}

static gboolean
has_intent(const RuleCall *call)
{
    return call->view->domain->intent_devices->len > 0;
}

static gboolean
has_hostdev_alias(const ViommuDomain *domain, const char *alias)
{
    for (guint i = 0; i < domain->hostdevs->len; i++) {
        const ModelHostdev *it = domain->hostdevs->pdata[i];

        if (g_strcmp0(it->alias, alias) == 0)
            return TRUE;
    }
    return FALSE;
}

static void
check_intent(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;

    for (guint i = 0; i < domain->intent_devices->len; i++) {
        const ModelIntentDevice *device = domain->intent_devices->pdata[i];

        if (!has_hostdev_alias(domain, device->alias))
            rule_fail(call, device->node, NULL,
                      "intent names '%s', and no assigned device has that alias",
                      device->alias ? device->alias : "");
    }
}

static gboolean
is_pci(const RuleCall *call)
{
    return call->hostdev->dev->kind == MODEL_HOSTDEV_PCI && call->hostdev->dev->host_known;
}

static void
check_duplicate(RuleCall *call)
{
    for (guint i = 0; i < call->hostdev->index; i++) {
        const ViewHostdev *first = call->view->hostdevs->pdata[i];
        g_autofree char *address = NULL;

        if (first->dev->kind != MODEL_HOSTDEV_PCI || !first->dev->host_known ||
            !base_pci_equal(first->dev->host, call->hostdev->dev->host))
            continue;
        address = base_pci_format(first->dev->host);
        rule_fail(call, call->hostdev->dev->source_address, NULL,
                  "host function %s is assigned twice", address);
        return;
    }
}

static gboolean
is_mdev(const RuleCall *call)
{
    return call->hostdev->dev->kind == MODEL_HOSTDEV_MDEV;
}

static void
check_mdev_driver(RuleCall *call)
{
    const xmlNode *driver = model_child(call->hostdev->dev->node, "driver");

    if (driver)
        rule_fail(call, driver, NULL,
                  "<driver> of a mediated device is dropped without a word: it stays on the "
                  "legacy VFIO path");
}

static gboolean
has_iommufd(const RuleCall *call)
{
    return call->view->domain->iommufd_node != NULL;
}

static void
check_iommufd(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;
    g_autofree char *enabled = model_attribute(domain->iommufd_node, "enabled");
    guint64 libvirt = call->view->target.libvirt;

    /* an older libvirt drops the element: xml-iommufd-too-new */
    if (libvirt != 0 && libvirt < STACK_LIBVIRT_DOMAIN_IOMMUFD)
        rule_not_applicable(call);
    else if (!enabled)
        rule_fail(call, domain->iommufd_node, "enabled='yes'",
                  "<iommufd> without enabled='yes' or 'no'");
    else if (strcmp(enabled, "yes") != 0 && strcmp(enabled, "no") != 0)
        rule_fail(call, domain->iommufd_node, "enabled='yes' or enabled='no'",
                  "<iommufd enabled='%s'>, which is neither 'yes' nor 'no'", enabled);
    else if (domain->iommufd_fdgroup && strcmp(enabled, "yes") != 0)
        rule_fail(call, domain->iommufd_node, NULL, "<iommufd enabled='%s'> with an fdgroup",
                  enabled);
}

/* With assigned devices stack-iommufd-libvirt tells what becomes of them. */
static gboolean
has_idle_iommufd(const RuleCall *call)
{
    for (guint i = 0; i < call->view->hostdevs->len; i++)
        if (view_is_assigned(call->view->hostdevs->pdata[i]))
            return FALSE;
    return has_iommufd(call);
}

static void
check_iommufd_known(RuleCall *call)
{
    guint64 libvirt = call->view->target.libvirt;
    g_autofree char *version = base_format_version(libvirt);

    if (libvirt < STACK_LIBVIRT_DOMAIN_IOMMUFD)
        rule_fail(call, call->view->domain->iommufd_node, NULL,
                  "libvirt %s drops <iommufd> without a word; 12.2.0 is needed", version);
}

static const Rule rules[] = {
    {
        .id = "xml-unknown-attribute",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "an attribute or element that libvirt does not know",
        .rationale =
            "Without VIR_DOMAIN_DEFINE_VALIDATE libvirt drops an attribute that it does not know "
            "and says nothing; attach-device cannot validate at all. With validation it says only: "
            "Extra element devices in interleave.",
        .remedy = "libvirt's own spelling, or no such attribute",
        .source = "libvirt 12.8.0, run; domaincommon.rng:6396 (iommu), basictypes.rng:708 "
                  "(hostdevDriver); ssidSize is what KubeVirt wrote",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .check = rule_xml_check_unknown,
    },
    {
        .id = "xml-attribute-not-for-model",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "an attribute that libvirt refuses for this vIOMMU model",
        .rationale = "libvirt checks its attributes against the model at define and says: iommu "
                     "model 'virtio' doesn't support additional attributes (12.x: some additional "
                     "attributes).",
        .remedy = "remove the attribute, or take the model that has it",
        .source = "libvirt 11.3 src/conf/domain_validate.c (virDomainIOMMUDefValidate); run on "
                  "libvirt 9.0.0 and 12.8.0; intremap on virtio is what Nova wrote",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .needs = RULE_NEEDS_LIBVIRT,
        .check = rule_xml_check_not_for_model,
        .applies = rule_xml_asks_model,
    },
    {
        .id = "xml-value-invalid",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a value that libvirt cannot read",
        .rationale =
            "Switches of a vIOMMU are 'on' or 'off' (not 'yes' or 'true'), and its numbers are "
            "decimal. libvirt refuses the definition: Invalid value for attribute 'caching_mode' "
            "in element 'driver': 'yes'; of pciBus, ssidsize and oas: Invalid value for attribute "
            "'oas' in element 'driver': 'auto'. Expected integer value; of aw_bits: Expected "
            "non-negative integer value. Of <granule>: Invalid value for attribute 'mode' in "
            "element 'granule': 'guest'; Invalid value 'x' for element or attribute "
            "'./driver/granule/@size'; unknown suffix 'pages'.",
        .remedy = "on or off; a decimal number; <granule mode='host'/>",
        .source = "libvirt 11.3 src/conf/domain_conf.c:14312-14335, src/util/virxml.c:396, 613; "
                  "libvirt 12.8 domaincommon.rng, element iommu; texts run on 12.8.0",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = rule_xml_check_value,
        .applies = rule_xml_is_written,
    },
    {
        .id = "xml-address-invalid",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a guest or host address that libvirt cannot read",
        .rationale = "Bus, slot and function are numbers up to 0xff, 0x1f and 7. libvirt refuses "
                     "the definition: Invalid value for attribute 'bus' in element 'address': "
                     "'abc'. Expected non-negative integer value; Invalid PCI address "
                     "slot='0x20', must be <= 0x1F; Invalid PCI address bus='0x100', must be <= "
                     "0xFF; Invalid PCI address function=9, must be <= 7; Invalid value for "
                     "attribute 'multifunction' in element 'address': 'yes'; Missing required "
                     "attribute 'type' in element 'address' (9.0: No type specified for device "
                     "address); Invalid value for attribute 'type' in element 'address': 'abc'.",
        .remedy = "an address within these bounds, or none: libvirt then chooses one",
        .source = "libvirt 11.3 src/conf/device_conf.c:258, src/util/virpci.c:1782; texts run on "
                  "libvirt 12.8.0",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = rule_xml_check_addresses,
    },
    {
        .id = "xml-hostdev-invalid",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a <hostdev> that libvirt cannot read, or that names no device",
        .rationale =
            "Without mode and type that libvirt knows nothing can be said about the device, "
            "and libvirt refuses the definition: Invalid value for attribute 'type' in "
            "element 'hostdev': 'abc'; Missing <source> element in hostdev device; PCI "
            "host devices must use 'pci' or 'unassigned' address type. A <source> without "
            "<address> it takes for the function 0000:00:00.0, a host bridge.",
        .remedy = "<source><address domain=… bus=… slot=… function=…/></source>",
        .source =
            "libvirt 11.3 src/conf/domain_conf.c (virDomainHostdevDefParseXML), "
            "src/conf/domain_validate.c (virDomainHostdevDefValidate); run on 9.0.0 and 12.8.0",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = rule_xml_check_hostdevs,
    },
    {
        .id = "xml-driver-invalid",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "iommu or ats that libvirt refuses for an emulated device",
        .rationale = "They are switches of virtio devices. libvirt refuses the definition: Invalid "
                     "value for attribute 'iommu' in element 'driver': 'yes'; of an interface of "
                     "another model: iommu driver option is only supported for virtio devices.",
        .remedy = "on or off, on virtio devices",
        .source = "libvirt 11.3 src/conf/domain_validate.c (virDomainCheckVirtioOptionsAreAbsent); "
                  "run on 9.0.0 and 12.8.0",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = rule_xml_check_driver,
    },
    {
        .id = "xml-attribute-too-new",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "an attribute that this libvirt version is too old to know",
        .rationale = "An older libvirt drops the attribute without a word and starts the domain "
                     "with another vIOMMU than the one that is written.",
        .remedy = "a libvirt that knows it, or no such attribute",
        .source = "libvirt 12.8 formatdomain.html, IOMMU devices; dropping run on libvirt 9.0.0",
        .fixer = RULE_FIXER_STACK,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .needs = RULE_NEEDS_LIBVIRT,
        .check = rule_xml_check_too_new,
        .applies = rule_xml_has_late_comer,
    },
    {
        .id = "xml-accel-without-pcibus",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "accel='on' without pciBus, which libvirt drops",
        .rationale = "Without pciBus libvirt writes \"-machine virt,iommu=smmuv3\", which has no "
                     "acceleration; assigned devices behind it fail with: requires iommu MAP "
                     "notifier which is not currently supported.",
        .remedy = "pciBus='N' with the index of a pcie-expander-bus",
        .source = "libvirt 12.8.0, run: define and argv",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_SILENT,
        .demotable = FALSE,
        .needs = RULE_NEEDS_LIBVIRT,
        .check = check_accel_without_bus,
        .applies = writes_accel,
    },
    {
        .id = "xml-value-dropped",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "a value that libvirt drops or that does nothing",
        .rationale = "libvirt's schema takes any integer for ssidsize and oas, and its parser "
                     "drops a negative one (pciBus too), an aw_bits of 0 and an empty <granule> "
                     "without a word: QEMU then does what it would do without. For virtio it takes "
                     "passthrough and xtsup, which are amd's, and makes nothing of them.",
        .remedy = "the value that is meant, or no such attribute",
        .source = "libvirt 12.8.0, run: definition and QEMU's command line",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .needs = RULE_NEEDS_LIBVIRT,
        .check = rule_xml_check_value_dropped,
        .applies = rule_xml_may_be_dropped,
    },
    {
        .id = "xml-alias-not-user",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "an alias that libvirt discards",
        .rationale = "libvirt keeps only aliases that begin with \"ua-\"; any other one is "
                     "discarded at define without a word, and an override or an intent for it "
                     "then has no effect.",
        .remedy = "an alias that begins with 'ua-'",
        .source = "libvirt 11.3 src/conf/domain_conf.c:5831; run on libvirt 12.8.0",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .check = check_aliases,
    },
    {
        .id = "xml-alias-twice",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "two devices with one alias",
        .rationale = "libvirt refuses the definition: non unique alias detected: ua-nic0.",
        .remedy = "an alias of its own for each device",
        .source = "libvirt 11.3 src/conf/domain_validate.c (virDomainDefValidateAliases); run on "
                  "9.0.0 and 12.8.0",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = check_alias_twice,
    },
    {
        .id = "xml-override-unmatched",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a qemu:override for an alias that no device has",
        .rationale =
            "libvirt ignores an override whose alias matches nothing, and the domain starts "
            "without the properties: a vIOMMU meant to be nested comes up as a plain shadow one, "
            "and nobody warns.",
        .remedy = "an <alias name='ua-…'/> in the device, and the same alias in <qemu:device>",
        .source = "libvirt 12.8.0, run: the domain started as shadow and pinned for shadow",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .check = check_overrides,
        .applies = has_overrides,
    },
    {
        .id = "xml-intent-unmatched",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "an intent for an alias that no assigned device has",
        .rationale = "A <viommu:device> in the metadata says what one assigned device is for, by "
                     "its alias. Where no device has the alias the wish is lost, and the device "
                     "that was meant is judged by policy alone.",
        .remedy = "the alias of an assigned device, ua- prefix included",
        .source = "virt-viommu: metadata namespace urn:virt-viommu:domain:1",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .check = check_intent,
        .applies = has_intent,
    },
    {
        .id = "xml-hostdev-duplicate",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "one host function assigned twice",
        .rationale = "libvirt refuses the definition: Hostdev already exists in the domain "
                     "configuration.",
        .remedy = "remove one of the two <hostdev>",
        .source = "libvirt 12.8.0, run; libvirt 11.3 tests/qemuxmlconfdata/hostdev-pci-duplicate",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = check_duplicate,
        .applies = is_pci,
    },
    {
        .id = "xml-mdev-driver-dropped",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "<driver> in a mediated device, which libvirt drops",
        .rationale = "libvirt has no <driver> for hostdevs of type mdev: with validation it is an "
                     "error, without it is dropped, and the device always uses the legacy VFIO "
                     "group, never iommufd.",
        .remedy = "remove <driver> from that <hostdev>",
        .source = "libvirt 12.8.0, run; basictypes.rng:708",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .check = check_mdev_driver,
        .applies = is_mdev,
    },
    {
        .id = "xml-memory-invalid",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "an amount of memory that libvirt cannot read",
        .rationale = "libvirt takes blanks before the number and none behind it, a line break "
                     "included. It refuses the definition: Invalid value '512 ' for element or "
                     "attribute './memory[1]'",
        .remedy = "the number alone: <memory unit='GiB'>4</memory>",
        .source = "libvirt 12.8.0, refused at define; 11.3 src/util/virxml.c "
                  "(virParseScaledValue)",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = rule_xml_check_memory,
    },
    {
        .id = "xml-iommufd-invalid",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "an <iommufd> that libvirt refuses",
        .rationale =
            "libvirt says at define: Missing required attribute 'enabled' in element 'iommufd'; "
            "or: Invalid value for attribute 'enabled' in element 'iommufd': 'on'; or: Setting "
            "'fdgroup' when 'iommufd' is disabled is not supported.",
        .remedy = "<iommufd enabled='yes' fdgroup='NAME'/>",
        .source = "libvirt 12.8.0, refused at define",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .needs = RULE_NEEDS_LIBVIRT,
        .check = check_iommufd,
        .applies = has_iommufd,
    },
    {
        .id = "xml-iommufd-too-new",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "an <iommufd> of the domain that this libvirt does not know",
        .rationale = "It came with libvirt 12.2. An older one drops it without a word, and devices "
                     "that are hot-plugged later come by their VFIO groups.",
        .remedy = "libvirt 12.2.0 or newer, or no <iommufd>",
        .source = "libvirt 12.8 formatdomain.html; dropped by 9.0.0, run",
        .fixer = RULE_FIXER_STACK,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .needs = RULE_NEEDS_LIBVIRT,
        .check = check_iommufd_known,
        .applies = has_idle_iommufd,
    },
};

const RuleFamily rule_family_xml = {"xml", rules, G_N_ELEMENTS(rules)};
