/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of <iommu><driver> that libvirt refuses, or reads as if they were not written. */
#include "rule-xml-attributes.h"

#include "base-text.h"
#include "rule-tools.h"

#include <string.h>

/* The oldest libvirt that is supported; what it knows no version has to be asked for */
#define OLDEST_LIBVIRT BASE_VERSION(9, 0, 0)

/* "on" or "off", as libvirt reads them with virXMLPropTristateSwitch */
static const char *const switches[] = {"accel",           "ats", "caching_mode", "cmdqv",
                                       "dma_translation", "eim", "intremap",     "iotlb",
                                       "passthrough",     "ril", "xtsup"};
/* Whole numbers with a sign, as virXMLPropInt reads them */
static const char *const numbers[] = {"oas", "pciBus", "ssidsize"};

gboolean
rule_xml_is_written(const RuleCall *call)
{
    return rule_iommu_is_element(call->iommu->iommu) && call->iommu->iommu->driver;
}

/* Whether the target's libvirt reads this attribute at all; unknown is reported. */
static gboolean
is_read(RuleCall *call, guint64 since)
{
    if (since <= OLDEST_LIBVIRT)
        return TRUE;
    if (call->view->target.libvirt == 0) {
        rule_unknown(call, "versions/libvirt", "--libvirt-version");
        return FALSE;
    }
    return call->view->target.libvirt >= since;
}

/* As virXMLPropUInt reads it: leading blanks and a plus sign pass, anything behind it does not. */
static gboolean
is_uint(const char *text)
{
    guint64 value;

    return base_parse_loose_u64(text, 10, &value) && value <= G_MAXUINT32;
}

static gboolean
is_negative(const char *text)
{
    guint64 value;

    while (g_ascii_isspace(*text))
        text++;
    return *text == '-' && base_parse_u64(text + 1, 10, &value) && value <= G_MAXINT32;
}

static gboolean
is_int(const char *text)
{
    guint64 value;

    return is_negative(text) || (base_parse_loose_u64(text, 10, &value) && value <= G_MAXINT32);
}

static void
check_switch(RuleCall *call, const char *name)
{
    const ModelIommu *iommu = call->iommu->iommu;
    const char *value = rule_iommu_attribute(iommu, name);
    g_autofree char *help = NULL;

    if (!value || strcmp(value, "on") == 0 || strcmp(value, "off") == 0 ||
        !is_read(call, stack_known_since(name)))
        return;
    help = g_strdup_printf("%s='on' or %s='off'", name, name);
    rule_fail(call, rule_iommu_place(iommu), help, "%s='%s' is neither 'on' nor 'off'", name,
              value);
}

static void
check_number(RuleCall *call, const char *name)
{
    const ModelIommu *iommu = call->iommu->iommu;
    const char *value = rule_iommu_attribute(iommu, name);
    g_autofree char *help = NULL;

    if (!value || is_int(value) || !is_read(call, stack_known_since(name)))
        return;
    help = strcmp(name, "pciBus") == 0
               ? g_strdup("the index of a pcie-expander-bus in pciBus")
               : g_strdup_printf("a decimal number, or no %s: it is automatic then", name);
    rule_fail(call, rule_iommu_place(iommu), help, "%s='%s' is no decimal number", name, value);
}

/* Why libvirt cannot read this <granule>; NULL: it can, and its size is another rule's matter */
static const char *
granule_problem(const xmlNode *granule)
{
    g_autofree char *mode = model_attribute(granule, "mode");
    g_autofree char *size = model_attribute(granule, "size");
    g_autofree char *unit = model_attribute(granule, "unit");
    guint64 number = 0, bytes = 0;

    if (mode && strcmp(mode, "host") != 0)
        return "has a mode other than 'host'";
    if (!size)
        return NULL;
    if (!base_parse_loose_u64(size, 10, &number))
        return "has a size that is no number";
    if (!model_scale(number, unit && *unit ? unit : "KiB", &bytes))
        return "has a unit that libvirt does not know";
    return NULL;
}

static void
check_granule(RuleCall *call)
{
    const xmlNode *granule = model_child(call->iommu->iommu->driver, "granule");
    const char *problem = NULL;

    if (!granule || !is_read(call, STACK_LIBVIRT_GRANULE))
        return;
    problem = granule_problem(granule);
    if (problem)
        rule_fail(call, granule, "<granule mode='host'/> or <granule size='4' unit='KiB'/>",
                  "<granule> %s", problem);
}

void
rule_xml_check_value(RuleCall *call)
{
    const char *width = rule_iommu_attribute(call->iommu->iommu, "aw_bits");

    for (guint i = 0; i < G_N_ELEMENTS(switches); i++)
        check_switch(call, switches[i]);
    for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
        check_number(call, numbers[i]);
    if (width && !is_uint(width))
        rule_fail(call, rule_iommu_place(call->iommu->iommu), "aw_bits='39' or aw_bits='48'",
                  "aw_bits='%s' is no number of bits", width);
    check_granule(call);
}

static void
check_idle(RuleCall *call)
{
    const ModelIommu *iommu = call->iommu->iommu;

    for (const xmlAttr *attribute = iommu->driver->properties; attribute;
         attribute = attribute->next) {
        const char *name = (const char *)attribute->name;
        g_autofree char *help = g_strdup_printf("remove %s", name);

        if (!attribute->ns && rule_xml_is_idle(iommu->kind, name) &&
            call->view->target.libvirt >= stack_known_since(name))
            rule_fail(call, iommu->driver, help,
                      "%s is taken for iommu model '%s' and does nothing there", name,
                      iommu->model);
    }
}

static gboolean
is_width_of_zero(const ModelIommu *iommu)
{
    const char *width = rule_iommu_attribute(iommu, "aw_bits");
    guint64 number = 1;

    return width && base_parse_loose_u64(width, 10, &number) && number == 0;
}

static gboolean
is_empty_granule(const xmlNode *granule)
{
    g_autofree char *size = model_attribute(granule, "size");
    guint64 number = 1;

    if (!granule || xmlHasProp((xmlNode *)granule, BAD_CAST "mode"))
        return FALSE;
    return !size || (base_parse_loose_u64(size, 10, &number) && number == 0);
}

static gboolean
has_negative(const ModelIommu *iommu)
{
    for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
        const char *value = rule_iommu_attribute(iommu, numbers[i]);

        if (value && is_negative(value))
            return TRUE;
    }
    return FALSE;
}

/* Only where something of the kind is written the version has to be known. */
gboolean
rule_xml_may_be_dropped(const RuleCall *call)
{
    const ModelIommu *iommu = call->iommu->iommu;

    return rule_xml_is_written(call) &&
           (has_negative(iommu) || is_width_of_zero(iommu) ||
            is_empty_granule(model_child(iommu->driver, "granule")) ||
            (iommu->kind == MODEL_IOMMU_VIRTIO &&
             (rule_iommu_attribute(iommu, "xtsup") || rule_iommu_attribute(iommu, "passthrough"))));
}

void
rule_xml_check_value_dropped(RuleCall *call)
{
    const ModelIommu *iommu = call->iommu->iommu;
    const xmlNode *granule = model_child(iommu->driver, "granule");
    guint64 libvirt = call->view->target.libvirt;

    for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
        const char *value = rule_iommu_attribute(iommu, numbers[i]);

        if (value && is_negative(value) && libvirt >= stack_known_since(numbers[i]))
            rule_fail(call, rule_iommu_place(iommu), NULL,
                      "%s='%s' is dropped without a word, as if it were not written", numbers[i],
                      value);
    }
    if (is_width_of_zero(iommu))
        rule_fail(call, rule_iommu_place(iommu), NULL,
                  "aw_bits='%s' is dropped without a word: the width is QEMU's default",
                  rule_iommu_attribute(iommu, "aw_bits"));
    if (is_empty_granule(granule) && libvirt >= STACK_LIBVIRT_GRANULE)
        rule_fail(call, granule, "<granule mode='host'/> or <granule size='4' unit='KiB'/>",
                  "<granule> without mode and size is dropped without a word");
    check_idle(call);
}
