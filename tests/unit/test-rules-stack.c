/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Versions of libvirt and QEMU: the last one that fails and the first one that does not. */
#include "rules-subject.h"

static void
check_at(const char *machine, const char *devices, const char *tail, guint64 libvirt, guint64 qemu,
         const char *rule, ViommuOutcome wanted)
{
    g_autoptr(ViommuHost) host = host_facts_none();
    Subject subject = {.machine = machine,
                       .host = host,
                       .devices = devices,
                       .tail = tail,
                       .target = {libvirt, qemu}};

    g_test_message("libvirt %" G_GUINT64_FORMAT ", QEMU %" G_GUINT64_FORMAT, libvirt, qemu);
    assert_outcome(&subject, rule, wanted);
}

static void
test_minimum(void)
{
    static const struct {
        guint64 libvirt, qemu;
        ViommuOutcome wanted;
    } rows[] = {
        {BASE_VERSION(12, 8, 0), BASE_VERSION(7, 1, 9), FAIL},
        {BASE_VERSION(12, 4, 0), BASE_VERSION(7, 1, 9), FAIL},
        {BASE_VERSION(12, 4, 0), BASE_VERSION(7, 2, 0), PASS},
        {BASE_VERSION(12, 3, 0), BASE_VERSION(7, 1, 9), PASS},
        {BASE_VERSION(12, 3, 0), BASE_VERSION(6, 1, 9), FAIL},
        {BASE_VERSION(11, 3, 0), BASE_VERSION(6, 2, 0), PASS},
        {BASE_VERSION(11, 2, 0), BASE_VERSION(6, 1, 9), PASS},
        {BASE_VERSION(10, 6, 0), BASE_VERSION(5, 1, 9), FAIL},
        {BASE_VERSION(10, 5, 0), BASE_VERSION(5, 1, 9), PASS},
        {BASE_VERSION(9, 0, 0), BASE_VERSION(4, 1, 9), FAIL},
        {BASE_VERSION(9, 0, 0), BASE_VERSION(4, 2, 0), PASS},
        {BASE_VERSION(8, 9, 0), BASE_VERSION(4, 1, 9), PASS},
        {0, BASE_VERSION(11, 1, 0), UNKNOWN},
        {BASE_VERSION(12, 8, 0), 0, UNKNOWN},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
        check_at(NULL, CM, NULL, rows[i].libvirt, rows[i].qemu, "stack-qemu-minimum",
                 rows[i].wanted);
}

static void
test_attributes(void)
{
    static const struct {
        const char *machine, *iommu;
        guint64 libvirt, qemu;
        ViommuOutcome wanted;
    } rows[] = {
        {NULL, "<iommu model='virtio'><driver aw_bits='39'/></iommu>", NEWEST,
         BASE_VERSION(8, 2, 9), FAIL},
        {NULL, "<iommu model='virtio'><driver aw_bits='39'/></iommu>", NEWEST,
         BASE_VERSION(9, 0, 0), PASS},
        /* an older libvirt drops it, so QEMU is not asked */
        {NULL, "<iommu model='virtio'><driver aw_bits='39'/></iommu>", BASE_VERSION(12, 1, 0),
         BASE_VERSION(8, 2, 9), NOTHING},
        {NULL, "<iommu model='virtio'><driver><granule mode='host'/></driver></iommu>", NEWEST,
         BASE_VERSION(8, 2, 9), FAIL},
        {NULL, "<iommu model='virtio'><driver><granule mode='host'/></driver></iommu>",
         BASE_VERSION(12, 0, 0), BASE_VERSION(8, 2, 9), NOTHING},
        {NULL, "<iommu model='virtio'/>", NEWEST, BASE_VERSION(8, 2, 9), NOTHING},
        {"virt", "<iommu model='smmuv3'><driver pciBus='0'/></iommu>", NEWEST,
         BASE_VERSION(10, 0, 99), FAIL},
        {"virt", "<iommu model='smmuv3'><driver pciBus='0'/></iommu>", NEWEST,
         BASE_VERSION(10, 1, 0), UNKNOWN},
        {"virt", "<iommu model='smmuv3'><driver pciBus='0'/></iommu>", NEWEST,
         BASE_VERSION(11, 0, 0), PASS},
        {"virt", "<iommu model='smmuv3'><driver pciBus='0' accel='on' cmdqv='on'/></iommu>", NEWEST,
         BASE_VERSION(11, 0, 0), UNKNOWN},
        {"virt", "<iommu model='smmuv3'><driver pciBus='0' accel='on' cmdqv='on'/></iommu>", NEWEST,
         BASE_VERSION(11, 1, 0), PASS},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
        check_at(rows[i].machine, rows[i].iommu, NULL, rows[i].libvirt, rows[i].qemu,
                 "stack-qemu-attribute", rows[i].wanted);
}

#define OLD   BASE_VERSION(7, 2, 99)
#define GAP_1 BASE_VERSION(7, 3, 0)
#define TEN   BASE_VERSION(10, 0, 99)
#define GAP_2 BASE_VERSION(10, 1, 0)
#define NEW   BASE_VERSION(11, 1, 0)

static void
test_properties(void)
{
    static const struct {
        const char *property;
        const char *rule;
        guint64 qemu;
        ViommuOutcome wanted;
    } rows[] = {
        {"x-flts", "stack-property-renamed", OLD, FAIL},
        {"x-flts", "stack-property-renamed", GAP_1, UNKNOWN},
        {"x-flts", "stack-property-renamed", BASE_VERSION(10, 0, 0), PASS},
        {"x-flts", "stack-property-renamed", GAP_2, UNKNOWN},
        {"x-flts", "stack-property-renamed", NEW, FAIL},
        {"x-scalable-mode", "stack-property-renamed", BASE_VERSION(7, 1, 0), UNKNOWN},
        {"x-scalable-mode", "stack-property-renamed", BASE_VERSION(7, 2, 0), PASS},
        {"x-scalable-mode", "stack-property-renamed", BASE_VERSION(9, 2, 0), PASS},
        {"fsts", "stack-property-renamed", TEN, FAIL},
        {"fsts", "stack-property-renamed", BASE_VERSION(11, 0, 9), UNKNOWN},
        {"fsts", "stack-property-renamed", NEW, PASS},
        {"fs1gp", "stack-property-unknown", OLD, FAIL},
        {"fs1gp", "stack-property-unknown", GAP_1, UNKNOWN},
        {"fs1gp", "stack-property-unknown", TEN, PASS},
        {"fs1gp", "stack-property-unknown", GAP_2, PASS},
        {"nonsense", "stack-property-unknown", BASE_VERSION(11, 1, 99), FAIL},
        {"nonsense", "stack-property-unknown", BASE_VERSION(11, 2, 0), UNKNOWN},
        {"nonsense", "stack-property-renamed", NEW, NOTHING},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *tail = g_strdup_printf(
            "<qemu:override><qemu:device alias='iommu0'><qemu:frontend><qemu:property name='%s' "
            "type='bool' value='true'/></qemu:frontend></qemu:device></qemu:override>",
            rows[i].property);

        g_test_message("%s", rows[i].property);
        check_at(NULL, CM, tail, NEWEST, rows[i].qemu, rows[i].rule, rows[i].wanted);
    }
}

/* What the QEMU of the XML answered counts before what is known of its version. */
static void
test_asked(void)
{
    static const struct {
        const char *property;
        guint64 host_qemu, qemu;
        ViommuOutcome wanted;
    } rows[] = {
        {"fsts", BASE_VERSION(10, 2, 0), BASE_VERSION(10, 2, 0), PASS},
        {"x-flts", BASE_VERSION(10, 2, 0), BASE_VERSION(10, 2, 0), FAIL},
        {"fsts", BASE_VERSION(10, 2, 0), BASE_VERSION(10, 3, 0), UNKNOWN},
        {"x-flts", BASE_VERSION(10, 2, 0), BASE_VERSION(10, 0, 0), PASS},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ViommuHost) host = host_new(HOST_IOMMU_VTD);
        g_autofree char *tail = g_strdup_printf(
            "<qemu:override><qemu:device alias='iommu0'><qemu:frontend><qemu:property name='%s' "
            "type='bool' value='true'/></qemu:frontend></qemu:device></qemu:override>",
            rows[i].property);
        Subject subject = {
            .host = host, .devices = CM, .tail = tail, .target = {NEWEST, rows[i].qemu}};
        HostEntry *entry = host_facts_add_entry(host->qemu_devices, "intel-iommu");

        entry->text = (BaseText){BASE_STATE_KNOWN, g_strdup("aw-bits fsts scalable-mode")};
        host->qemu_devices_state = BASE_STATE_KNOWN;
        host->qemu = base_u64(rows[i].host_qemu);
        g_test_message("%s", rows[i].property);
        assert_outcome(&subject, "stack-property-renamed", rows[i].wanted);
    }
}

/* Properties of an assigned device, of which the second alias is libvirt's own */
static void
test_device_properties(void)
{
    static const struct {
        const char *alias, *property, *type;
        guint64 qemu;
        const char *asked; /* properties that the QEMU of the host has; NULL: not asked */
        ViommuOutcome wanted;
    } rows[] = {
        {"hostdev0", "ats", "string", BASE_VERSION(7, 2, 0), NULL, FAIL},
        {"hostdev0", "ats", "string", BASE_VERSION(10, 0, 99), NULL, FAIL},
        {"hostdev0", "ats", "string", BASE_VERSION(10, 1, 0), NULL, UNKNOWN},
        {"hostdev0", "ats", "string", BASE_VERSION(10, 1, 0), "ats iommufd", PASS},
        {"hostdev0", "ats", "string", BASE_VERSION(10, 1, 0), "iommufd", FAIL},
        {"hostdev0", "ats", "string", QEMU_11_1, NULL, PASS},
        {"hostdev0", "ats", "remove", BASE_VERSION(7, 2, 0), NULL, NOTHING},
        {"hostdev1", "ats", "string", BASE_VERSION(7, 2, 0), NULL, NOTHING},
        {"hostdev0", "iommufd", "string", BASE_VERSION(7, 2, 0), NULL, FAIL},
        {"hostdev0", "iommufd", "string", BASE_VERSION(9, 0, 0), NULL, UNKNOWN},
        {"hostdev0", "iommufd", "string", BASE_VERSION(10, 0, 0), NULL, PASS},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ViommuHost) host = host_new(HOST_IOMMU_VTD);
        g_autofree char *tail = g_strdup_printf(
            "<qemu:override><qemu:device alias='%s'><qemu:frontend><qemu:property name='%s' "
            "type='%s' value='on'/></qemu:frontend></qemu:device></qemu:override>",
            rows[i].alias, rows[i].property, rows[i].type);
        Subject subject = {.host = host,
                           .devices = CM,
                           .hostdevs = 1,
                           .tail = tail,
                           .target = {NEWEST, rows[i].qemu}};

        if (rows[i].asked) {
            HostEntry *entry = host_facts_add_entry(host->qemu_devices, "vfio-pci");

            entry->text = (BaseText){BASE_STATE_KNOWN, g_strdup(rows[i].asked)};
            host->qemu_devices_state = BASE_STATE_KNOWN;
        }
        g_test_message("row %u", i);
        assert_outcome(&subject, "stack-hostdev-property", rows[i].wanted);
    }
}

/* Who lacks ATS, and from which kernel on that is told to QEMU */
static void
test_ats(void)
{
    static const struct {
        const char *value;
        BaseTri device;
        gboolean unit;
        guint64 kernel;
        ViommuOutcome wanted;
    } rows[] = {
        {"on", BASE_YES, TRUE, BASE_VERSION(7, 2, 0), PASS},
        {"on", BASE_YES, FALSE, BASE_VERSION(7, 2, 0), FAIL},
        {"on", BASE_NO, TRUE, BASE_VERSION(7, 2, 0), FAIL},
        {"on", BASE_UNKNOWN, TRUE, BASE_VERSION(7, 2, 0), UNKNOWN},
        {"on", BASE_NO, TRUE, BASE_VERSION(7, 1, 99), UNKNOWN},
        {"on", BASE_NO, TRUE, BASE_VERSION(6, 13, 0), UNKNOWN},
        {"on", BASE_NO, TRUE, BASE_VERSION(6, 12, 99), PASS},
        {"auto", BASE_NO, FALSE, BASE_VERSION(7, 2, 0), NOTHING},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ViommuHost) host = host_new(HOST_IOMMU_VTD);
        g_autofree char *tail = g_strdup_printf(
            "<qemu:override><qemu:device alias='hostdev0'><qemu:frontend><qemu:property name='ats' "
            "type='string' value='%s'/></qemu:frontend></qemu:device></qemu:override>",
            rows[i].value);
        Subject subject = {.host = host,
                           .devices = CM,
                           .hostdevs = 1,
                           .tail = tail,
                           .target = {NEWEST, QEMU_11_1}};
        HostDevice *device = host->devices->pdata[0];

        device->pcie.state = device->pcie.extended = BASE_STATE_KNOWN;
        device->pcie.ats = rows[i].device;
        first_unit(host)->cap = base_u64(0);
        first_unit(host)->ecap = base_u64(rows[i].unit ? 1 << 2 : 0);
        host->kernel = base_u64(rows[i].kernel);
        g_test_message("row %u", i);
        assert_outcome(&subject, "stack-hostdev-ats", rows[i].wanted);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/stack/minimum", test_minimum);
    g_test_add_func("/stack/attributes", test_attributes);
    g_test_add_func("/stack/properties", test_properties);
    g_test_add_func("/stack/asked", test_asked);
    g_test_add_func("/stack/device-properties", test_device_properties);
    g_test_add_func("/stack/ats", test_ats);
    return g_test_run();
}
