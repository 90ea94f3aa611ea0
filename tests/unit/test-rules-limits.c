/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers of the host against numbers of the domain: the last that fits and the first that does
 * not.
 */
#include "rules-subject.h"

#define SMMU                                                                                       \
    "<controller type='pci' index='9' model='pcie-expander-bus'><target busNr='64'/>"              \
    "<address type='pci' bus='0' slot='9' function='0'/></controller>"                             \
    "<controller type='pci' index='10' model='pcie-root-port'>"                                    \
    "<address type='pci' bus='9' slot='0' function='0'/></controller>"                             \
    "<iommu model='smmuv3'><driver pciBus='9' accel='on' cmdqv='on'/></iommu>"                     \
    "<hostdev mode='subsystem' type='pci'><driver iommufd='yes'/><source>"                         \
    "<address domain='0' bus='1' slot='0' function='0'/></source>"                                 \
    "<address type='pci' bus='10' slot='0' function='0'/></hostdev>"

static void
test_cmdqv(void)
{
    static const struct {
        BaseState state;
        guint8 version, queues, streams;
        ViommuOutcome wanted;
    } rows[] = {
        {BASE_STATE_KNOWN, 1, 1, 4, PASS},  {BASE_STATE_KNOWN, 1, 7, 7, PASS},
        {BASE_STATE_KNOWN, 1, 0, 4, FAIL},  {BASE_STATE_KNOWN, 1, 1, 3, FAIL},
        {BASE_STATE_KNOWN, 2, 1, 4, FAIL},  {BASE_STATE_KNOWN, 0, 1, 4, FAIL},
        {BASE_STATE_ABSENT, 0, 0, 0, FAIL}, {BASE_STATE_UNKNOWN, 0, 0, 0, UNKNOWN},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ViommuHost) host = host_new(HOST_IOMMU_SMMUV3);
        Subject subject = {
            .machine = "virt-11.1", .host = host, .devices = SMMU, .target = {NEWEST, QEMU_11_1}};
        HostIommu *unit = first_unit(host);

        unit->cmdqv = rows[i].state;
        unit->cmdqv_version = rows[i].version;
        unit->cmdqv_log2vcmdqs = rows[i].queues;
        unit->cmdqv_log2vsids = rows[i].streams;
        g_test_message("row %u", i);
        assert_outcome(&subject, "accel-cmdqv", rows[i].wanted);
    }
}

/* CAP.ND 2: 256 ids; both devices behind one vIOMMU take one each, without a vIOMMU one together */
static void
test_domain_ids(void)
{
    static const struct {
        const char *devices;
        guint64 cap;
        BaseU64 supported, used;
        ViommuOutcome wanted;
    } rows[] = {
        {CM, 2, {0}, {BASE_STATE_KNOWN, 254}, PASS},
        {CM, 2, {0}, {BASE_STATE_KNOWN, 255}, FAIL},
        {"", 2, {0}, {BASE_STATE_KNOWN, 255}, PASS},
        {"", 2, {0}, {BASE_STATE_KNOWN, 256}, FAIL},
        {CM, 2, {0}, {0}, UNKNOWN},
        {CM, 6, {0}, {0}, PASS},
        {CM, 5, {0}, {0}, UNKNOWN},
        {CM, 6, {BASE_STATE_KNOWN, 16}, {BASE_STATE_KNOWN, 15}, FAIL},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ViommuHost) host = host_new(HOST_IOMMU_VTD);
        Subject subject = {
            .host = host, .devices = rows[i].devices, .hostdevs = 2, .target = {NEWEST, QEMU_11_1}};
        HostIommu *unit = first_unit(host);

        unit->cap = base_u64(rows[i].cap);
        unit->domains_supported = rows[i].supported;
        unit->domains_used = rows[i].used;
        g_test_message("row %u", i);
        assert_outcome(&subject, "group-domain-ids", rows[i].wanted);
    }
}

static void
test_physical_bits(void)
{
    static const struct {
        guint64 memory;
        guint bits;
        const char *machine;
        ViommuOutcome wanted;
    } rows[] = {
        {1 * GIB, 36, NULL, PASS},  {1 * GIB, 35, NULL, FAIL},       {30 * GIB, 36, NULL, PASS},
        {31 * GIB, 36, NULL, FAIL}, {31 * GIB, 36, "virt", NOTHING}, {1 * GIB, 64, NULL, NOTHING},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ViommuHost) host = host_new(HOST_IOMMU_VTD);
        g_autofree char *head = g_strdup_printf(
            "<cpu mode='host-model'><maxphysaddr mode='emulate' bits='%u'/></cpu>", rows[i].bits);
        Subject subject = {.machine = rows[i].machine,
                           .host = host,
                           .devices = "",
                           .head = head,
                           .hostdevs = 1,
                           .memory = rows[i].memory,
                           .target = {NEWEST, QEMU_11_1}};

        g_test_message("row %u", i);
        assert_outcome(&subject, "iova-phys-bits", rows[i].wanted);
    }
}

static void
test_reserve(void)
{
    static const struct {
        guint64 kib;
        ViommuOutcome wanted;
    } rows[] = {{4194303, PASS}, {4194304, FAIL}, {1, PASS}};

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ViommuHost) host = host_new(HOST_IOMMU_VTD);
        g_autofree char *port =
            g_strdup_printf("<controller type='pci' index='9' model='pcie-root-port'><target "
                            "memReserve='%" G_GUINT64_FORMAT
                            "'/><address type='pci' bus='0' slot='9' function='0'/></controller>",
                            rows[i].kib);
        Subject subject = {
            .host = host, .devices = port, .hostdevs = 1, .target = {NEWEST, QEMU_11_1}};

        assert_outcome(&subject, "bus-mem-reserve", rows[i].wanted);
    }
}

#define INTENT                                                                                     \
    "<metadata><viommu:intent xmlns:viommu='urn:virt-viommu:domain:1'>"                            \
    "<viommu:device alias='ua-dev' usage='guest-iommu'/></viommu:intent></metadata>"

#define PASSED_ON                                                                                  \
    "<controller type='pci' index='9' model='pcie-root-port'>"                                     \
    "<address type='pci' bus='0' slot='9' function='0'/></controller>%s"                           \
    "<hostdev mode='subsystem' type='pci'><driver iommufd='yes'/><source>"                         \
    "<address domain='0' bus='1' slot='0' function='0'/></source><alias name='ua-dev'/>"           \
    "<address type='pci' bus='9' slot='0' function='0'/></hostdev>"

/* No host is narrower than a width that nobody can exceed, even where the domain's is unknown. */
static void
test_width(void)
{
    static const struct {
        const char *bits; /* NULL: left to a machine type without a version */
        BaseU64 offered;
        ViommuOutcome wanted;
    } rows[] = {
        {NULL, {BASE_STATE_KNOWN, 64}, PASS}, {NULL, {BASE_STATE_KNOWN, 63}, UNKNOWN},
        {"48", {BASE_STATE_KNOWN, 48}, PASS}, {"48", {BASE_STATE_KNOWN, 47}, FAIL},
        {"49", {BASE_STATE_KNOWN, 48}, FAIL}, {"64", {BASE_STATE_KNOWN, 64}, PASS},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ViommuHost) host = host_new(HOST_IOMMU_VTD);
        g_autofree char *iommu =
            rows[i].bits ? g_strdup_printf("<iommu model='virtio'><driver aw_bits='%s'/></iommu>",
                                           rows[i].bits)
                         : g_strdup("<iommu model='virtio'/>");
        g_autofree char *devices = g_strdup_printf(PASSED_ON, iommu);
        Subject subject = {.machine = "q35",
                           .host = host,
                           .head = INTENT,
                           .devices = devices,
                           .target = {NEWEST, rows[i].bits ? QEMU_11_1 : 0}};

        first_unit(host)->aperture_bits = rows[i].offered;
        first_unit(host)->cap = first_unit(host)->ecap = base_u64(0);
        g_test_message("row %u", i);
        assert_outcome(&subject, "virtio-aw-bits-host", rows[i].wanted);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/limits/cmdqv", test_cmdqv);
    g_test_add_func("/limits/domain-ids", test_domain_ids);
    g_test_add_func("/limits/physical-bits", test_physical_bits);
    g_test_add_func("/limits/reserve", test_reserve);
    g_test_add_func("/limits/width", test_width);
    return g_test_run();
}
