/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where each limit lies: the value that still passes and the next one that does not. */
#include "rules-subject.h"

/* Linux 6.1 lets AMD and Arm devices with such a region go, 6.12 does not; Intel's driver never */
static void
test_direct(void)
{
    static const struct {
        HostIommuType type;
        guint64 kernel;
        ViommuOutcome wanted;
    } rows[] = {
        {HOST_IOMMU_AMD, BASE_VERSION(6, 1, 999), PASS},
        {HOST_IOMMU_AMD, BASE_VERSION(6, 2, 0), UNKNOWN},
        {HOST_IOMMU_AMD, BASE_VERSION(6, 11, 9), UNKNOWN},
        {HOST_IOMMU_AMD, BASE_VERSION(6, 12, 0), FAIL},
        {HOST_IOMMU_AMD, 0, UNKNOWN},
        {HOST_IOMMU_VTD, BASE_VERSION(6, 1, 0), FAIL},
        {HOST_IOMMU_VTD, 0, FAIL},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ViommuHost) host = host_new(rows[i].type);
        HostRegion region = {0x7b800000, 0x7fffffff, HOST_REGION_DIRECT_RELAXABLE};
        Subject subject = {
            .host = host, .devices = "", .hostdevs = 1, .target = {NEWEST, QEMU_11_1}};

        host->kernel = rows[i].kernel ? base_u64(rows[i].kernel) : (BaseU64){0};
        g_array_append_val(first_group(host)->reserved, region);
        assert_outcome(&subject, "iova-direct-region", PASS);
        region.type = HOST_REGION_DIRECT;
        g_array_append_val(first_group(host)->reserved, region);
        g_test_message("row %u", i);
        assert_outcome(&subject, "iova-direct-region", rows[i].wanted);
    }
}

/* A q35 guest of 8 GiB has memory at 0-2 GiB and 4-10 GiB, a virt guest at 1-9 GiB. */
static void
test_reserved(void)
{
    static const struct {
        const char *machine;
        guint64 memory, start, end;
        HostRegionType type;
        ViommuOutcome wanted;
    } rows[] = {
        {"pc-q35-11.1", 8 * GIB, 0xf0000000, 0xffffffff, HOST_REGION_RESERVED, PASS},
        {"pc-q35-11.1", 8 * GIB, 0xf0000000, 0x100000000, HOST_REGION_RESERVED, FAIL},
        {"pc-q35-11.1", 8 * GIB, 0x280000000, 0x28fffffff, HOST_REGION_RESERVED, PASS},
        {"pc-q35-11.1", 8 * GIB, 0x27fffffff, 0x28fffffff, HOST_REGION_RESERVED, FAIL},
        {"pc-q35-11.1", 8 * GIB, 0x80000000, 0xefffffff, HOST_REGION_RESERVED, PASS},
        {"pc-q35-11.1", 8 * GIB, 0x7fffffff, 0xefffffff, HOST_REGION_MSI, FAIL},
        {"pc-q35-11.1", 8 * GIB, 0x7fffffff, 0xefffffff, HOST_REGION_DIRECT_RELAXABLE, PASS},
        {"pc-q35-11.1", 8 * GIB, 0xa0000, 0xfffff, HOST_REGION_RESERVED, PASS},
        /* memory below the split is one piece */
        {"pc-q35-11.1", 0xb0000000 - MIB, 0x80000000, 0x8fffffff, HOST_REGION_RESERVED, FAIL},
        {"pc-q35-11.1", 0xb0000000, 0x80000000, 0x8fffffff, HOST_REGION_RESERVED, PASS},
        /* AMD's HyperTransport window: QEMU goes around it, and around nothing else */
        {"pc-q35-11.1", 1100 * GIB, 0xfd00000000, 0xffffffffff, HOST_REGION_RESERVED, PASS},
        {"pc-q35-11.1", 1100 * GIB, 0xfd00000000, 0xfffffffffe, HOST_REGION_RESERVED, FAIL},
        {"pc-q35-11.1", 1100 * GIB, 0xfc00000000, 0xffffffffff, HOST_REGION_RESERVED, FAIL},
        {"virt-11.1", 8 * GIB, 0x8000000, 0x3fffffff, HOST_REGION_MSI, PASS},
        {"virt-11.1", 8 * GIB, 0x8000000, 0x40000000, HOST_REGION_MSI, FAIL},
        {"virt-11.1", 8 * GIB, 0x240000000, 0x24fffffff, HOST_REGION_RESERVED, PASS},
        {"virt-11.1", 8 * GIB, 0x23fffffff, 0x24fffffff, HOST_REGION_RESERVED, FAIL},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ViommuHost) host = host_new(HOST_IOMMU_AMD);
        HostRegion region = {rows[i].start, rows[i].end, rows[i].type};
        Subject subject = {.machine = rows[i].machine,
                           .devices = "",
                           .memory = rows[i].memory,
                           .hostdevs = 1,
                           .host = host,
                           .target = {NEWEST, QEMU_11_1}};

        g_array_append_val(first_group(host)->reserved, region);
        g_test_message("row %u", i);
        assert_outcome(&subject, "iova-reserved-memory", rows[i].wanted);
    }
}

/* 39 bits end at 512 GiB, and memory 2 GiB above its size */
static void
test_widths(void)
{
    static const struct {
        guint64 memory;
        const char *devices;
        ViommuOutcome host, viommu;
    } rows[] = {
        {510 * GIB, CM, PASS, PASS},
        {510 * GIB + MIB, CM, FAIL, FAIL},
        {510 * GIB + MIB, "<iommu model='virtio'/>", FAIL, NOTHING},
        {2 * GIB, CM, NOTHING, PASS},
        /* from 2.75 GiB on a part of it lies above 4 GiB */
        {0xb0000000 - MIB, CM, NOTHING, PASS},
        {0xb0000000, CM, PASS, PASS},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ViommuHost) host = host_new(HOST_IOMMU_VTD);
        Subject subject = {.devices = rows[i].devices,
                           .memory = rows[i].memory,
                           .hostdevs = 1,
                           .host = host,
                           .target = {NEWEST, QEMU_11_1}};

        first_unit(host)->cap = base_u64(0xd2008c40660462);
        first_unit(host)->ecap = base_u64(0xf050da);
        g_test_message("row %u", i);
        assert_outcome(&subject, "iova-guest-memory-width", rows[i].host);
        assert_outcome(&subject, "vtd-aw-bits-memory", rows[i].viommu);
        assert_outcome(&subject, "vtd-aw-bits-host", i == 2 ? NOTHING : PASS);
        /* without the registers only what ends below 4 GiB is clear */
        first_unit(host)->cap = (BaseU64){0};
        assert_outcome(&subject, "iova-guest-memory-width",
                       rows[i].host == NOTHING ? NOTHING : UNKNOWN);
    }
}

static void
test_memlock(void)
{
    static const struct {
        guint64 limit; /* hard_limit in bytes, 0: none */
        guint64 memory;
        guint hostdevs;
        const char *devices;
        guint64 libvirt;
        const char *rule;
        ViommuOutcome wanted;
    } rows[] = {
        {8 * GIB, 4 * GIB, 2, CM, NEWEST, "memlock-hard-limit-low", FAIL},
        {8 * GIB + MIB, 4 * GIB, 2, CM, NEWEST, "memlock-hard-limit-low", PASS},
        {8 * GIB, 4 * GIB, 2, CM, NEWEST, "memlock-libvirt-low", NOTHING},
        {0, 4 * GIB, 0, "", NEWEST, "memlock-libvirt-low", NOTHING},
        /* libvirt 8.6 sets memory + 1 GiB whatever there is, 8.7 multiplies */
        {0, 1 * GIB - MIB, 2, CM, BASE_VERSION(8, 6, 0), "memlock-libvirt-low", PASS},
        {0, 1 * GIB, 2, CM, BASE_VERSION(8, 6, 0), "memlock-libvirt-low", FAIL},
        {0, 1 * GIB + MIB, 2, CM, BASE_VERSION(8, 7, 0), "memlock-libvirt-low", PASS},
        {0, 1 * GIB + MIB, 2, CM, 0, "memlock-libvirt-low", UNKNOWN},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ViommuHost) host = host_new(HOST_IOMMU_VTD);
        g_autofree char *head = g_strdup_printf("<memtune><hard_limit unit='b'>%" G_GUINT64_FORMAT
                                                "</hard_limit></memtune>",
                                                rows[i].limit);
        Subject subject = {.devices = rows[i].devices,
                           .memory = rows[i].memory,
                           .hostdevs = rows[i].hostdevs,
                           .head = rows[i].limit ? head : NULL,
                           .host = host,
                           .target = {rows[i].libvirt, QEMU_11_1}};

        g_test_message("row %u", i);
        assert_outcome(&subject, rows[i].rule, rows[i].wanted);
    }
}

/* libvirt counts NVMe disks from 9.3 on; with one device that is 2 x 8 GiB of need */
static void
test_memlock_nvme(void)
{
    static const struct {
        guint64 libvirt;
        ViommuOutcome wanted;
    } rows[] = {
        {BASE_VERSION(9, 2, 999), FAIL},
        {BASE_VERSION(9, 3, 0), PASS},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ViommuHost) host = host_new(HOST_IOMMU_VTD);
        Subject subject = {.devices = "<disk type='nvme' device='disk'><driver name='qemu' "
                                      "type='raw'/><source type='pci' managed='yes' "
                                      "namespace='1'><address domain='0' bus='9' slot='0' "
                                      "function='0'/></source><target dev='vda' bus='virtio'/>"
                                      "</disk>",
                           .memory = 8 * GIB,
                           .hostdevs = 1,
                           .host = host,
                           .target = {rows[i].libvirt, QEMU_11_1}};

        assert_outcome(&subject, "memlock-libvirt-low", rows[i].wanted);
    }
}

static void
test_virtio_range(void)
{
    static const struct {
        guint width;
        ViommuOutcome wanted;
    } rows[] = {{31, FAIL}, {32, PASS}, {64, PASS}, {65, FAIL}};

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ViommuHost) host = host_new(HOST_IOMMU_VTD);
        g_autofree char *devices =
            g_strdup_printf("<iommu model='virtio'><driver aw_bits='%u'/></iommu>", rows[i].width);
        Subject subject = {
            .devices = devices, .hostdevs = 1, .host = host, .target = {NEWEST, QEMU_11_1}};

        assert_outcome(&subject, "virtio-aw-range", rows[i].wanted);
    }
}

static void
test_daemon(void)
{
    static const struct {
        const char *of;
        BaseU64 hard;
        BaseTri can_raise;
        ViommuOutcome wanted;
    } rows[] = {
        {"libvirtd", {BASE_STATE_KNOWN, 5 * GIB}, BASE_NO, PASS},
        {"libvirtd", {BASE_STATE_KNOWN, 5 * GIB - 1}, BASE_NO, FAIL},
        {"libvirtd", {BASE_STATE_KNOWN, 5 * GIB - 1}, BASE_YES, PASS},
        {"libvirtd", {BASE_STATE_KNOWN, 5 * GIB - 1}, BASE_UNKNOWN, UNKNOWN},
        {"self", {BASE_STATE_KNOWN, 5 * GIB - 1}, BASE_NO, UNKNOWN},
        {NULL, {BASE_STATE_KNOWN, 5 * GIB - 1}, BASE_NO, UNKNOWN},
        {"libvirtd", {BASE_STATE_KNOWN, G_MAXUINT64}, BASE_NO, PASS},
        {"libvirtd", {BASE_STATE_UNKNOWN, 0}, BASE_NO, UNKNOWN},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ViommuHost) host = host_new(HOST_IOMMU_VTD);
        Subject subject = {
            .devices = "", .hostdevs = 1, .host = host, .target = {NEWEST, QEMU_11_1}};

        host->memlock =
            (HostMemlock){g_strdup(rows[i].of), rows[i].hard, rows[i].hard, rows[i].can_raise};
        g_test_message("row %u", i);
        assert_outcome(&subject, "memlock-daemon-cannot-raise", rows[i].wanted);
    }
}

/* libvirt 10.10 adds the I/O APIC and what more than 255 vCPUs need */
static void
test_interrupts(void)
{
    static const char *const no_eim =
        "<iommu model='intel'><driver intremap='on' caching_mode='on' eim='off'/></iommu>";
    static const struct {
        const char *ioapic, *devices;
        guint vcpus;
        guint64 libvirt;
        const char *rule;
        ViommuOutcome wanted;
    } rows[] = {
        {"", CM, 2, BASE_VERSION(10, 9, 0), "vtd-intremap-irqchip", FAIL},
        {"", CM, 2, BASE_VERSION(10, 10, 0), "vtd-intremap-irqchip", UNKNOWN},
        {"", CM, 2, BASE_VERSION(11, 2, 0), "vtd-intremap-irqchip", UNKNOWN},
        {"", CM, 2, BASE_VERSION(11, 3, 0), "vtd-intremap-irqchip", PASS},
        {"", CM, 2, 0, "vtd-intremap-irqchip", UNKNOWN},
        {"<ioapic driver='kvm'/>", CM, 2, NEWEST, "vtd-intremap-irqchip", FAIL},
        {NULL, CM, 255, BASE_VERSION(10, 9, 0), "vtd-many-vcpus", NOTHING},
        {NULL, CM, 256, BASE_VERSION(10, 9, 0), "vtd-many-vcpus", FAIL},
        {NULL, CM, 256, BASE_VERSION(10, 10, 0), "vtd-many-vcpus", PASS},
        {NULL, CM, 256, 0, "vtd-many-vcpus", UNKNOWN},
        {NULL, "", 256, BASE_VERSION(10, 9, 0), "vtd-many-vcpus", FAIL},
        {NULL, no_eim, 256, NEWEST, "vtd-eim-off", FAIL},
        {NULL, no_eim, 255, NEWEST, "vtd-eim-off", NOTHING},
        {NULL, "<iommu model='amd'/>", 256, BASE_VERSION(12, 1, 0), "amd-many-vcpus", FAIL},
        {NULL, "<iommu model='amd'/>", 256, BASE_VERSION(12, 2, 0), "amd-many-vcpus", PASS},
        {NULL, "<iommu model='amd'/>", 256, 0, "amd-many-vcpus", UNKNOWN},
        {NULL, "<iommu model='amd'/>", 255, BASE_VERSION(12, 1, 0), "amd-many-vcpus", NOTHING},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ViommuHost) host = host_new(HOST_IOMMU_VTD);
        Subject subject = {.ioapic = rows[i].ioapic,
                           .devices = rows[i].devices,
                           .vcpus = rows[i].vcpus,
                           .hostdevs = 1,
                           .host = host,
                           .target = {rows[i].libvirt, QEMU_11_1}};

        g_test_message("row %u", i);
        assert_outcome(&subject, rows[i].rule, rows[i].wanted);
    }
}

static void
set_device(const ViommuHost *host, BaseU64 log2, BaseU64 own)
{
    HostDevice *device = (HostDevice *)host_facts_device(host, device_address);

    device->max_pasid_log2 = log2;
    device->pcie.state = BASE_STATE_KNOWN;
    device->pcie.pasid_bits = own;
}

/* What the kernel says, else the lesser of capability and IOMMU (0xf… has PSS 7: 8 bits) */
static void
test_pasid_width(void)
{
    static const BaseU64 unknown = {0}, absent = {BASE_STATE_ABSENT, 0};
    const struct {
        BaseU64 log2, own;
        gboolean registers;
        guint wanted_bits;
        ViommuOutcome wanted;
    } rows[] = {
        {base_u64(8), base_u64(20), FALSE, 8, PASS}, {base_u64(8), base_u64(20), FALSE, 9, FAIL},
        {base_u64(0), base_u64(20), FALSE, 0, FAIL}, {unknown, base_u64(20), TRUE, 8, PASS},
        {unknown, base_u64(20), TRUE, 9, FAIL},      {unknown, base_u64(20), FALSE, 20, UNKNOWN},
        {unknown, base_u64(16), FALSE, 20, FAIL},    {unknown, absent, FALSE, 0, FAIL},
        {unknown, unknown, TRUE, 8, UNKNOWN},        {unknown, unknown, TRUE, 9, FAIL},
        {unknown, unknown, FALSE, 1, UNKNOWN},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ViommuHost) host = host_new(HOST_IOMMU_VTD);
        g_autofree char *bits = rows[i].wanted_bits
                                    ? g_strdup_printf("pasidBits='%u'", rows[i].wanted_bits)
                                    : g_strdup("");
        g_autofree char *head =
            g_strdup_printf("<metadata><v:intent xmlns:v='urn:virt-viommu:domain:1'>"
                            "<v:device alias='ua-d' usage='pasid' %s/></v:intent></metadata>",
                            bits);
        Subject subject = {
            .devices =
                "<controller type='pci' index='1' model='pcie-root-port'>"
                "<address type='pci' bus='0' slot='2' function='0'/></controller>"
                "<hostdev mode='subsystem' type='pci'><driver iommufd='yes'/><source><address "
                "domain='0' bus='1' slot='0' function='0'/></source><alias name='ua-d'/><address "
                "type='pci' bus='1' slot='0' function='0'/></hostdev>",
            .head = head,
            .host = host,
            .target = {NEWEST, QEMU_11_1}};

        set_device(host, rows[i].log2, rows[i].own);
        first_unit(host)->cap = rows[i].registers ? base_u64(0x81d2008c222f0686) : unknown;
        first_unit(host)->ecap = rows[i].registers ? base_u64(0x1c93804f00f4e) : unknown;
        g_test_message("row %u", i);
        assert_outcome(&subject, "pasid-device-width", rows[i].wanted);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/bounds/direct", test_direct);
    g_test_add_func("/bounds/reserved", test_reserved);
    g_test_add_func("/bounds/widths", test_widths);
    g_test_add_func("/bounds/memlock", test_memlock);
    g_test_add_func("/bounds/memlock-nvme", test_memlock_nvme);
    g_test_add_func("/bounds/virtio-range", test_virtio_range);
    g_test_add_func("/bounds/daemon", test_daemon);
    g_test_add_func("/bounds/interrupts", test_interrupts);
    g_test_add_func("/bounds/pasid-width", test_pasid_width);
    return g_test_run();
}
