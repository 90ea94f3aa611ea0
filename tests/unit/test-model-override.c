/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu:override: which device an alias stands for. */
#include "model.h"

#include <string.h>

#define MEMORY "<memory unit='MiB'>1024</memory>"

static ViommuDomain *
parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    ViommuDomain *domain = model_domain_parse(text, strlen(text), "vm.xml", &error);

    g_assert_no_error(error);
    return domain;
}

static void
test_overrides(void)
{
    static const struct {
        const char *alias;
        gboolean matched;
    } rows[] = {{"ua-v", TRUE},         {"ua-none", FALSE}, {"gpu0", FALSE},  {"hostdev0", TRUE},
                {"hostdev1", FALSE},    {"pci.2", TRUE},    {"pci.3", FALSE}, {"pcie.0", TRUE},
                {"virtio-disk0", TRUE}, {"iommu0", FALSE},  {"ua-disk", TRUE}};
    g_autoptr(GString) text = g_string_new(
        "<domain xmlns:qemu='" MODEL_QEMU_NAMESPACE "'>" MEMORY
        "<os><type machine='q35'/></os><devices><iommu model='intel'><alias name='ua-v'/></iommu>"
        "<controller type='pci' index='2' model='pcie-root-port'/>"
        "<hostdev type='pci'><alias name='gpu0'/></hostdev><disk><alias name='ua-disk'/></disk>"
        "</devices><qemu:override>");
    g_autoptr(ViommuDomain) domain = NULL;
    const ModelIommu *iommu;

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
        g_string_append_printf(text,
                               "<qemu:device alias='%s'><qemu:frontend><qemu:property "
                               "name='fsts' type='bool' value='true'/><qemu:property name='svm' "
                               "type='remove'/></qemu:frontend></qemu:device>",
                               rows[i].alias);
    g_string_append(text, "</qemu:override></domain>");
    domain = parse(text->str);
    g_assert_cmpuint(domain->overrides->len, ==, G_N_ELEMENTS(rows));
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        const ModelOverride *override = domain->overrides->pdata[i];

        g_assert_cmpuint(override->names->len, ==, 2);
        if (override->matched != rows[i].matched)
            g_assert_cmpstr(rows[i].alias, ==, "as expected");
    }
    iommu = domain->iommus->pdata[0];
    g_assert_cmpstr(g_hash_table_lookup(iommu->properties, "fsts"), ==, "true");
    g_assert_cmpstr(g_hash_table_lookup(iommu->properties, "svm"), ==, "");
}

/* A machine-wide SMMU is a machine option: an override for its alias reaches nothing. */
static void
test_override_of_machine_smmu(void)
{
    static const char *const aliases[] = {"ua-v", "iommu0"};

    for (guint i = 0; i < G_N_ELEMENTS(aliases); i++) {
        for (guint per_bus = 0; per_bus < 2; per_bus++) {
            g_autofree char *text = g_strdup_printf(
                "<domain xmlns:qemu='" MODEL_QEMU_NAMESPACE "'>" MEMORY
                "<os><type machine='virt'/></os><devices><iommu model='smmuv3'>%s%s</iommu>"
                "</devices><qemu:override><qemu:device alias='%s'/></qemu:override></domain>",
                per_bus ? "<driver pciBus='0'/>" : "", i == 0 ? "<alias name='ua-v'/>" : "",
                aliases[i]);
            g_autoptr(ViommuDomain) domain = parse(text);
            const ModelOverride *override = domain->overrides->pdata[0];

            g_assert_cmpint(override->matched, ==, per_bus == 1);
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/model/overrides", test_overrides);
    g_test_add_func("/model/override-of-machine-smmu", test_override_of_machine_smmu);
    return g_test_run();
}
