/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rule-xml-attributes.h"

#include <string.h>

#include "rule-tools.h"

/* Attributes that libvirt 12.8 reads, per element (domaincommon.rng "iommu", basictypes.rng
 * "hostdevDriver", "driver" of interfaces, "pciController"). */
static const char *const iommu_keys[] = {"model", NULL};
static const char *const iommu_driver_keys[] = {
    "accel", "ats", "aw_bits",     "caching_mode", "cmdqv", "dma_translation", "eim",   "intremap",
    "iotlb", "oas", "passthrough", "pciBus",       "ril",   "ssidsize",        "xtsup", NULL};
static const char *const hostdev_driver_keys[] = {"iommufd", "model", "name", NULL};
static const char *const interface_driver_keys[] = {
    "ats",           "event_idx",     "ioeventfd",   "iommu",  "iommufd", "model",
    "name",          "packed",        "page_per_vq", "queues", "rss",     "rss_hash_report",
    "rx_queue_size", "tx_queue_size", "txmode",      NULL};
static const char *const target_keys[] = {"busNr", "chassis",    "chassisNr", "hotplug",
                                          "index", "memReserve", "port",      NULL};
static const char *const iommufd_keys[] = {"enabled", "fdgroup", NULL};

/* What QEMU has and libvirt 12.8 has no attribute for (QEMU 11.1 -device intel-iommu,help;
 * amd-iommu; virtio-iommu-pci; arm-smmuv3). */
static const char *const qemu_only[] = {
    "boot-bypass",   "dma-remap",     "flts",  "fs1gp",    "fsts", "msi-gpa", "pasid-bits",
    "scalable-mode", "snoop-control", "stage", "stale-tm", "svm",  NULL};

/* (transfer full) (nullable): the QEMU property that @name stands for, where libvirt has none */
static char *
qemu_property(const char *name)
{
    g_autofree char *property = g_ascii_strdown(name, -1);
    const char *plain;

    g_strdelimit(property, "_", '-');
    plain = g_str_has_prefix(property, "x-") ? property + 2 : property;
    if (!g_strv_contains(qemu_only, plain))
        return NULL;
    return g_strdup(strcmp(plain, "flts") == 0 ? "fsts" : plain);
}

static void
report_unknown_attribute(RuleCall *call, const xmlNode *element, const char *name,
                         const char *const *keys)
{
    g_autofree char *property = keys == iommu_driver_keys ? qemu_property(name) : NULL;
    const char *near = property ? NULL : base_nearest(name, keys);
    g_autofree char *help = NULL;

    if (property)
        help = g_strdup_printf("libvirt has no attribute for it: <qemu:property name='%s' …/> in "
                               "<qemu:override> for the vIOMMU's ua- alias",
                               property);
    else if (near)
        help = g_strdup_printf("%s instead of %s", near, name);
    else
        help = g_strdup_printf("remove %s; define with --validate refuses it", name);
    rule_fail(call, element, help,
              "attribute '%s' of <%s> is not libvirt's and is dropped without a word%s%s%s", name,
              (const char *)element->name, near ? "; did you mean '" : "", near ? near : "",
              near ? "'?" : "");
}

static void
check_element(RuleCall *call, const xmlNode *element, const char *const *keys)
{
    for (const xmlAttr *attribute = element ? element->properties : NULL; attribute;
         attribute = attribute->next) {
        const char *name = (const char *)attribute->name;

        if (!attribute->ns && !g_strv_contains(keys, name))
            report_unknown_attribute(call, element, name, keys);
    }
}

static const char *const iommu_children[] = {"acpi", "address", "alias", "driver", NULL};
static const char *const driver_children[] = {"granule", NULL};
static const char *const granule_keys[] = {"mode", "size", "unit", NULL};

/* Elements that libvirt does not know, or that are there twice: it reads the first. */
static void
check_children(RuleCall *call, const xmlNode *element, const char *const *names)
{
    for (const xmlNode *child = element ? element->children : NULL; child; child = child->next) {
        const char *name = (const char *)child->name;

        if (child->type != XML_ELEMENT_NODE || child->ns)
            continue;
        if (!g_strv_contains(names, name))
            rule_fail(call, child, "remove it",
                      "element <%s> of <%s> is not libvirt's and is dropped without a word", name,
                      (const char *)element->name);
        else if (model_child(element, name) != child)
            rule_fail(call, child, "one of them",
                      "a second <%s> in <%s>, which libvirt drops without a word", name,
                      (const char *)element->name);
    }
}

static const char *const address_keys[] = {"bus",  "domain", "function", "multifunction",
                                           "slot", "type",   NULL};

static void
check_addresses(RuleCall *call)
{
    const xmlNode *devices = call->view->domain->devices;

    for (xmlNode *device = devices ? xmlFirstElementChild((xmlNode *)devices) : NULL; device;
         device = xmlNextElementSibling(device)) {
        const xmlNode *address = model_child(device, "address");
        const char *type = model_value(address, "type");

        if (g_strcmp0(type, "pci") == 0)
            check_element(call, address, address_keys);
    }
}

static const char *const *
driver_keys(const ModelHostdev *hostdev)
{
    return hostdev->kind == MODEL_HOSTDEV_INTERFACE ? interface_driver_keys : hostdev_driver_keys;
}

void
rule_xml_check_unknown(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;

    for (guint i = 0; i < domain->iommus->len; i++) {
        const ModelIommu *iommu = domain->iommus->pdata[i];

        if (!rule_iommu_is_element(iommu))
            continue;
        check_element(call, iommu->node, iommu_keys);
        check_element(call, iommu->driver, iommu_driver_keys);
        check_element(call, model_child(iommu->driver, "granule"), granule_keys);
        check_children(call, iommu->node, iommu_children);
        check_children(call, iommu->driver, driver_children);
    }
    for (guint i = 0; i < domain->hostdevs->len; i++) {
        const ModelHostdev *hostdev = domain->hostdevs->pdata[i];

        if (hostdev->kind == MODEL_HOSTDEV_PCI || hostdev->kind == MODEL_HOSTDEV_INTERFACE)
            check_element(call, hostdev->driver, driver_keys(hostdev));
    }
    for (guint i = 0; i < domain->controllers->len; i++) {
        const ModelController *controller = domain->controllers->pdata[i];

        check_element(call, model_child(controller->node, "target"), target_keys);
    }
    check_element(call, domain->iommufd_node, iommufd_keys);
    check_addresses(call);
}

/* The oldest libvirt that is supported: what it knows for a model no version has to be asked for.
 * The tables were read up to the newest. */
#define OLDEST_LIBVIRT BASE_VERSION(9, 0, 0)
#define NEWEST_LIBVIRT BASE_VERSION(12, 9, 0)

static gboolean
is_driver_of_known_model(const ModelIommu *iommu)
{
    return rule_iommu_is_element(iommu) && iommu->driver && iommu->kind != MODEL_IOMMU_OTHER;
}

gboolean
rule_xml_asks_model(const RuleCall *call)
{
    const ModelIommu *iommu = call->iommu->iommu;

    if (!is_driver_of_known_model(iommu))
        return FALSE;
    for (const xmlAttr *attribute = iommu->driver->properties; attribute;
         attribute = attribute->next) {
        const StackAttribute *row = stack_attribute(iommu->kind, (const char *)attribute->name);

        if (!row || row->since > OLDEST_LIBVIRT)
            return TRUE;
    }
    return model_child(iommu->driver, "granule") != NULL;
}

/* virtio has the attributes that came with amd as far as libvirt's check goes: it takes them, keeps
 * them, and makes nothing of them (run on 12.8.0). */
gboolean
rule_xml_is_idle(ModelIommuKind model, const char *attribute)
{
    return model == MODEL_IOMMU_VIRTIO &&
           (strcmp(attribute, "passthrough") == 0 || strcmp(attribute, "xtsup") == 0);
}

static gboolean
is_zero(const xmlNode *driver, const char *name)
{
    const char *text = model_value(driver, name);
    guint64 number = 1;

    return text && base_parse_loose_u64(text, 10, &number) && number == 0;
}

void
rule_xml_check_not_for_model(RuleCall *call)
{
    const ModelIommu *iommu = call->iommu->iommu;
    guint64 libvirt = call->view->target.libvirt;

    /* a model that this libvirt does not know at all is another rule's finding */
    if (stack_model_since(iommu->kind) > libvirt) {
        rule_not_applicable(call);
        return;
    }
    for (const xmlAttr *attribute = iommu->driver->properties; attribute;
         attribute = attribute->next) {
        const char *name = (const char *)attribute->name;
        const StackAttribute *row = stack_attribute(iommu->kind, name);
        guint64 any = stack_known_since(name);
        g_autofree char *version = base_format_version(libvirt);
        g_autofree char *help = g_strdup_printf("remove %s", name);

        /* what this libvirt knows for no model at all it drops instead, and so it does a width of 0
         */
        if (attribute->ns || (strcmp(name, "aw_bits") == 0 && is_zero(iommu->driver, name)) ||
            any == 0 || any > libvirt || (row && row->since <= libvirt))
            continue;
        if (!row && (libvirt >= NEWEST_LIBVIRT || rule_xml_is_idle(iommu->kind, name)))
            continue;
        rule_fail(call, iommu->driver, help,
                  "libvirt %s refuses attribute '%s' for iommu model '%s'", version, name,
                  iommu->model);
    }
    if (iommu->kind != MODEL_IOMMU_VIRTIO && libvirt >= STACK_LIBVIRT_GRANULE &&
        model_child(iommu->driver, "granule"))
        rule_fail(call, iommu->driver, "remove <granule>",
                  "libvirt refuses <granule> for iommu model '%s'", iommu->model);
}

/* What came later than the oldest supported libvirt: attributes of <driver>, and its <granule> */
static GArray *
late_comers(const ModelIommu *iommu, GPtrArray *names)
{
    GArray *versions = g_array_new(FALSE, FALSE, sizeof(guint64));
    guint64 granule = STACK_LIBVIRT_GRANULE;

    for (const xmlAttr *attribute = iommu->driver->properties; attribute;
         attribute = attribute->next) {
        const char *name = (const char *)attribute->name;
        guint64 since = stack_known_since(name);

        /* what no model had yet is dropped of any model */
        if (attribute->ns || since <= OLDEST_LIBVIRT)
            continue;
        g_ptr_array_add(names, (char *)name);
        g_array_append_val(versions, since);
    }
    if (model_child(iommu->driver, "granule")) {
        g_ptr_array_add(names, (char *)"granule");
        g_array_append_val(versions, granule);
    }
    return versions;
}

gboolean
rule_xml_has_late_comer(const RuleCall *call)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autoptr(GArray) versions = NULL;

    if (!is_driver_of_known_model(call->iommu->iommu))
        return FALSE;
    versions = late_comers(call->iommu->iommu, names);
    return versions->len > 0;
}

void
rule_xml_check_too_new(RuleCall *call)
{
    const ModelIommu *iommu = call->iommu->iommu;
    guint64 libvirt = call->view->target.libvirt, needed = 0;
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autoptr(GArray) versions = late_comers(iommu, names);
    g_autoptr(GString) list = g_string_new(NULL);
    g_autofree char *have = base_format_version(libvirt);
    g_autofree char *need = NULL;
    g_autofree char *help = NULL;

    for (guint i = 0; i < names->len; i++) {
        guint64 since = g_array_index(versions, guint64, i);

        if (since <= libvirt)
            continue;
        g_string_append_printf(list, "%s%s", list->len ? ", " : "", (char *)names->pdata[i]);
        needed = MAX(needed, since);
    }
    if (needed == 0)
        return;
    need = base_format_version(needed);
    help = g_strdup_printf("libvirt %s or newer, or the vIOMMU without them", need);
    rule_fail(call, iommu->driver, help, "libvirt %s drops %s without a word; %s is needed", have,
              list->str, need);
}
