/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Address widths, and what an IOMMU, a group or a function can do. */
#include "host-advice.h"
#include "host-decode.h"
#include "host-shared.h"

#include "base-text.h"

#include <string.h>

static ViommuHost *
make_host(const char *release, const char *cmdline)
{
    ViommuHost *host = host_facts_new();

    if (release)
        host->kernel_release = (BaseText){BASE_STATE_KNOWN, g_strdup(release)};
    if (cmdline)
        host->kernel_cmdline = (BaseText){BASE_STATE_KNOWN, g_strdup(cmdline)};
    host_facts_set_kernel(host);
    return host;
}

static void
assert_bits(const char *release, const char *cmdline, const HostIommu *iommu, HostTable table,
            BaseState state, guint bits)
{
    g_autoptr(ViommuHost) host = make_host(release, cmdline);
    BaseU64 got = host_iova_bits(host, iommu, table);

    if (got.state != state || (state == BASE_STATE_KNOWN && got.value != bits))
        g_test_message("%s, %s, table %d", release, cmdline, table);
    g_assert_cmpint(got.state, ==, state);
    if (state == BASE_STATE_KNOWN)
        g_assert_cmpuint(got.value, ==, bits);
}

/* The lab measured 47 bits for 7.2 with first stage, 48 without it or with sm_off. */
static void
test_vtd_bits(void)
{
    const guint64 fsts = 0x8d9a20f00f4e, ssts = 0x480084f00f4e, both = fsts | ssts;
    HostIommu first = vtd_unit(0x81d2008c222f0686, fsts);
    HostIommu second = vtd_unit(0x81d2008c222f0686, ssts);
    HostIommu xeon = vtd_unit(0x81d2008c222f0686, both);
    HostIommu client = vtd_unit(0xd2008c40660462, 0xf050da);
    HostIommu wide = vtd_unit(0x11d2008c22380e86, both); /* MGAW 57, SAGAW 57, FS5LP */
    HostIommu narrow;

    assert_bits("7.2.13", "intel_iommu=on,sm_on", &first, HOST_TABLE_PLAIN, BASE_STATE_KNOWN, 47);
    assert_bits("7.2.13", "intel_iommu=on,sm_off", &first, HOST_TABLE_PLAIN, BASE_STATE_KNOWN, 48);
    assert_bits("7.2.13", "intel_iommu=on,sm_on", &second, HOST_TABLE_PLAIN, BASE_STATE_KNOWN, 48);
    assert_bits("7.2.13", "", &second, HOST_TABLE_PLAIN, BASE_STATE_KNOWN, 48);
    assert_bits("7.2.13", "", &xeon, HOST_TABLE_PLAIN, BASE_STATE_UNKNOWN, 0);
    assert_bits("7.2.13", "sm_on", &xeon, HOST_TABLE_PLAIN, BASE_STATE_UNKNOWN, 0);
    assert_bits("7.2.13", "intel_iommu=sm_on", &xeon, HOST_TABLE_PLAIN, BASE_STATE_KNOWN, 47);
    assert_bits("7.2.13", "intel_iommu=sm_off,sm_on", &xeon, HOST_TABLE_PLAIN, BASE_STATE_KNOWN,
                47);
    assert_bits("7.2.13", "intel_iommu=sm_on intel_iommu=sm_off", &xeon, HOST_TABLE_PLAIN,
                BASE_STATE_KNOWN, 48);
    assert_bits("6.12.107", "intel_iommu=sm_on", &xeon, HOST_TABLE_PLAIN, BASE_STATE_KNOWN, 48);
    assert_bits("6.12.107", NULL, &xeon, HOST_TABLE_PLAIN, BASE_STATE_KNOWN, 48);
    assert_bits("6.12.107", NULL, &first, HOST_TABLE_PLAIN, BASE_STATE_UNKNOWN, 0);
    assert_bits("6.16.1", "intel_iommu=sm_on", &xeon, HOST_TABLE_PLAIN, BASE_STATE_UNKNOWN, 0);
    assert_bits(NULL, "intel_iommu=sm_on", &xeon, HOST_TABLE_PLAIN, BASE_STATE_UNKNOWN, 0);
    assert_bits("7.2.13", "intel_iommu=sm_on", &xeon, HOST_TABLE_NEST_PARENT, BASE_STATE_KNOWN, 48);
    assert_bits("7.2.13", "intel_iommu=sm_on", &first, HOST_TABLE_NEST_PARENT, BASE_STATE_ABSENT,
                0);
    assert_bits("6.12.107", "", &client, HOST_TABLE_PLAIN, BASE_STATE_KNOWN, 39);
    assert_bits("7.2.13", "", &client, HOST_TABLE_PLAIN, BASE_STATE_KNOWN, 39);
    /* MGAW and SAGAW, without scalable mode: the lower of both */
    narrow = vtd_unit(0x2d0400, 0);
    assert_bits("7.2.13", "", &narrow, HOST_TABLE_PLAIN, BASE_STATE_KNOWN, 46);
    narrow = vtd_unit(0x230200, 0);
    assert_bits("7.2.13", "", &narrow, HOST_TABLE_PLAIN, BASE_STATE_KNOWN, 36);
    narrow = vtd_unit(0x2f0200, 0);
    assert_bits("7.2.13", "", &narrow, HOST_TABLE_PLAIN, BASE_STATE_KNOWN, 39);
    narrow = vtd_unit(0x2f0000, 0);
    assert_bits("7.2.13", "", &narrow, HOST_TABLE_PLAIN, BASE_STATE_ABSENT, 0);
    assert_bits("7.2.13", "intel_iommu=sm_on", &wide, HOST_TABLE_PLAIN, BASE_STATE_KNOWN, 56);
    assert_bits("7.2.13", "intel_iommu=sm_on", &wide, HOST_TABLE_NEST_PARENT, BASE_STATE_KNOWN, 57);
    xeon.aperture_bits = base_u64(46);
    assert_bits("7.2.13", "", &xeon, HOST_TABLE_PLAIN, BASE_STATE_KNOWN, 46);
    assert_bits("7.2.13", "", &xeon, HOST_TABLE_NEST_PARENT, BASE_STATE_UNKNOWN, 0);
    xeon.nest_parent = BASE_YES; /* which only scalable mode allows */
    assert_bits("7.2.13", "", &xeon, HOST_TABLE_NEST_PARENT, BASE_STATE_KNOWN, 48);
}

static void
test_other_bits(void)
{
    HostIommu amd = {.type = HOST_IOMMU_AMD, .efr = base_u64(0x1000000000010)}; /* HATS 0 */
    HostIommu smmu = {.type = HOST_IOMMU_SMMUV3,
                      .idr = {base_u64(0x0d44101b), base_u64(0x02730010), base_u64(0),
                              base_u64(0x1414), base_u64(0), base_u64(0x74)}};
    HostIommu virtio = {.type = HOST_IOMMU_VIRTIO};

    assert_bits("7.2.13", "", &amd, HOST_TABLE_PLAIN, BASE_STATE_KNOWN, 48);
    assert_bits("6.12.107", "", &amd, HOST_TABLE_PLAIN, BASE_STATE_KNOWN, 64);
    assert_bits("6.16.0", "", &amd, HOST_TABLE_PLAIN, BASE_STATE_UNKNOWN, 0);
    assert_bits("7.2.13", "amd_iommu=pgtbl_v2", &amd, HOST_TABLE_PLAIN, BASE_STATE_KNOWN, 47);
    assert_bits("7.2.13", "amd_iommu=pgtbl_v2", &amd, HOST_TABLE_NEST_PARENT, BASE_STATE_KNOWN, 48);
    assert_bits("7.2.13", NULL, &amd, HOST_TABLE_PLAIN, BASE_STATE_UNKNOWN, 0);
    amd.efr = base_u64(0x400);
    assert_bits("7.2.13", "", &amd, HOST_TABLE_PLAIN, BASE_STATE_KNOWN, 57);
    amd.efr = base_u64(0x29d3); /* measured up to 2^64-1 */
    assert_bits("6.16.0", "", &amd, HOST_TABLE_PLAIN, BASE_STATE_KNOWN, 64);
    amd.efr = base_u64(0xc00);
    assert_bits("7.2.13", "", &amd, HOST_TABLE_PLAIN, BASE_STATE_ABSENT, 0);
    /* measured: 48-bit IOVA although OAS is 44 */
    assert_bits("7.2.13", "", &smmu, HOST_TABLE_PLAIN, BASE_STATE_KNOWN, 48);
    assert_bits("7.2.13", "", &smmu, HOST_TABLE_NEST_PARENT, BASE_STATE_KNOWN, 44);
    smmu.idr[5] = base_u64(0x475); /* VAX */
    assert_bits("7.2.13", "", &smmu, HOST_TABLE_PLAIN, BASE_STATE_UNKNOWN, 0);
    assert_bits("7.2.13", "", &virtio, HOST_TABLE_PLAIN, BASE_STATE_UNKNOWN, 0);
    virtio.aperture_bits = base_u64(64);
    assert_bits("7.2.13", "", &virtio, HOST_TABLE_PLAIN, BASE_STATE_KNOWN, 64);
}

static void
assert_nest(const ViommuHost *host, const HostIommu *iommu, BaseTri wanted, const char *word)
{
    g_autofree char *reason = NULL;
    BaseTri got = host_can_nest(host, iommu, &reason);

    if (got != wanted || (word && (!reason || !strstr(reason, word))))
        g_test_message("wanted %d \"%s\", got %d \"%s\"", wanted, word, got, reason);
    g_assert_cmpint(got, ==, wanted);
    g_assert_true(word ? reason && strstr(reason, word) : reason == NULL);
}

static void
test_nest_shared(void)
{
    static const struct {
        const char *file;
        const char *iommu;
        BaseTri wanted;
        const char *word;
    } cases[] = {
        {"grace.json", "smmu3.0x0000000011000000", BASE_YES, NULL},
        {"grace-8bit-asid.json", "smmu3.0x0000000012000000", BASE_YES, NULL},
        {"xeon.json", "dmar2", BASE_YES, NULL},
        {"xeon-6.1.json", "dmar0", BASE_NO, "ECAP.SMTS"},
        {"client39.json", "dmar1", BASE_NO, "ECAP.SMTS"},
        {"genoa.json", "ivhd0", BASE_NO, "AMD"},
        {"ampere.json", "smmu3.0x000033ffe0000000", BASE_NO, "no S2FWB and no CANWBS"},
        {"none-iommu.json", NULL, BASE_NO, "no IOMMU translates"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(ViommuHost) host = load_shared(cases[i].file);
        const HostIommu *iommu = host_facts_iommu(host, cases[i].iommu);

        g_assert_true(cases[i].iommu == NULL || iommu != NULL);
        assert_nest(host, iommu, cases[i].wanted, cases[i].word);
    }
}

/* Taking a fact away may only turn an answer into unknown. */
static void
test_nest_smmu(void)
{
    g_autoptr(ViommuHost) host = make_host("7.2.13", "");
    HostIommu iommu = {.type = HOST_IOMMU_SMMUV3,
                       .idr = {base_u64(0x0d44101b), base_u64(0x02730010), base_u64(0),
                               base_u64(0x1414), base_u64(0), base_u64(0x74)}};

    assert_nest(host, &iommu, BASE_UNKNOWN, "coherent");
    iommu.canwbs = BASE_YES;
    assert_nest(host, &iommu, BASE_UNKNOWN, "iommufd");
    host->iommufd = BASE_YES;
    assert_nest(host, &iommu, BASE_UNKNOWN, "isolated MSI");
    host->isolated_msi = BASE_YES;
    assert_nest(host, &iommu, BASE_YES, NULL);
    iommu.viommu_alloc = BASE_NO; /* tried beats told */
    assert_nest(host, &iommu, BASE_NO, "though page table walks are coherent");
    iommu.idr[3] = (BaseU64){0};
    iommu.canwbs = BASE_NO; /* S2FWB may be there */
    assert_nest(host, &iommu, BASE_NO, "or built without CONFIG_ARM_SMMU_V3_IOMMUFD");
    iommu.idr[3] = base_u64(0x1414);
    iommu.viommu_alloc = BASE_UNKNOWN;
    iommu.canwbs = BASE_NO;
    assert_nest(host, &iommu, BASE_NO, "CANWBS");
    iommu.idr[3] = base_u64(0x1514);
    assert_nest(host, &iommu, BASE_YES, NULL);
    iommu.idr[0] = (BaseU64){0};
    assert_nest(host, &iommu, BASE_UNKNOWN, "IDR0");
    iommu.nest_parent = BASE_YES;
    assert_nest(host, &iommu, BASE_YES, NULL);
    iommu.nest_parent = BASE_NO;
    assert_nest(host, &iommu, BASE_NO, "refused a nest parent");
    iommu.nest_parent = BASE_UNKNOWN;
    iommu.idr[0] = base_u64(0x0d44101a);
    assert_nest(host, &iommu, BASE_NO, "stages");
    iommu.idr[0] = base_u64(0x0d44101b);
    host->iommufd = BASE_NO;
    assert_nest(host, &iommu, BASE_NO, "CONFIG_IOMMUFD");
    host->iommufd = BASE_YES;
    host->kernel = base_u64(BASE_VERSION(6, 14, 0));
    assert_nest(host, &iommu, BASE_UNKNOWN, "not tried");
    iommu.viommu_alloc = BASE_YES;
    assert_nest(host, &iommu, BASE_YES, NULL);
}

/* What a kernel or an implementation takes away from an SMMU that has it all. */
static void
test_nest_smmu_without(void)
{
    static const struct {
        const char *word;
        BaseTri unsafe;
    } switches[] = {
        {"iommufd.allow_unsafe_interrupts=0", BASE_NO},
        {"iommufd.allow_unsafe_interrupts_not=1", BASE_NO},
        {"iommufd.allow_unsafe_interrupts=1 iommufd.allow_unsafe_interrupts=off", BASE_NO},
        {"iommufd.allow_unsafe_interrupts", BASE_YES},
        {"iommufd.allow_unsafe_interrupts=Y", BASE_YES},
        {"iommufd.allow_unsafe_interrupts=on", BASE_YES},
    };
    g_autoptr(ViommuHost) host = make_host("7.2.13", "");
    HostIommu iommu = {.type = HOST_IOMMU_SMMUV3,
                       .canwbs = BASE_YES,
                       .iidr = base_u64(0x4832043b),
                       .idr = {base_u64(0x0d44101b), base_u64(0x02730010), base_u64(0),
                               base_u64(0x1414), base_u64(0), base_u64(0x74)}};
    HostEntry *option = host_facts_add_entry(host->options, "CONFIG_ARM_SMMU_V3_IOMMUFD");

    host->iommufd = host->isolated_msi = BASE_YES;
    assert_nest(host, &iommu, BASE_YES, NULL);
    option->text = (BaseText){BASE_STATE_KNOWN, g_strdup("n")};
    assert_nest(host, &iommu, BASE_NO, "built without CONFIG_ARM_SMMU_V3_IOMMUFD");
    *option->text.text = 'y';
    iommu.iidr = base_u64(0x4831043b);
    assert_nest(host, &iommu, BASE_NO, "errata");
    iommu.iidr = base_u64(0x4832043b);
    host->vfio_cdev = BASE_NO;
    assert_nest(host, &iommu, BASE_NO, "CONFIG_VFIO_DEVICE_CDEV");
    host->vfio_cdev = BASE_YES;
    host->isolated_msi = BASE_NO;
    host->unsafe_interrupts = BASE_YES; /* VFIO's own switch, not iommufd's */
    assert_nest(host, &iommu, BASE_NO, "isolated MSI");
    for (guint i = 0; i < G_N_ELEMENTS(switches); i++) {
        g_free(host->kernel_cmdline.text);
        host->kernel_cmdline.text = g_strdup_printf("quiet %s rw", switches[i].word);
        g_test_message("%s", switches[i].word);
        g_assert_cmpint(host_iommufd_is_unsafe(host), ==, switches[i].unsafe);
    }
    assert_nest(host, &iommu, BASE_YES, NULL);
    host->iommufd_unsafe_interrupts = BASE_NO; /* what it really is counts */
    assert_nest(host, &iommu, BASE_NO, "isolated MSI");
    host->iommufd_unsafe_interrupts = BASE_UNKNOWN;
    g_clear_pointer(&host->kernel_cmdline.text, g_free);
    host->kernel_cmdline.state = BASE_STATE_UNKNOWN;
    assert_nest(host, &iommu, BASE_UNKNOWN, "allow_unsafe_interrupts");
}

static void
test_nest_vtd(void)
{
    const guint64 both = 0x8d9a20f00f4e | 0x480084f00f4e;
    g_autoptr(ViommuHost) host = make_host("7.2.13", "intel_iommu=on");
    HostIommu iommu = vtd_unit(0x81d2008c222f0686, both);

    host->iommufd = host->isolated_msi = BASE_YES;
    assert_nest(host, &iommu, BASE_UNKNOWN, "scalable mode");
    host->vtd_scalable_default = BASE_YES;
    assert_nest(host, &iommu, BASE_YES, NULL);
    iommu.nest_parent = BASE_NO;
    assert_nest(host, &iommu, BASE_NO, "refused");
    iommu.nest_parent = BASE_UNKNOWN;
    host->vtd_scalable_default = BASE_NO;
    assert_nest(host, &iommu, BASE_NO, "sm_on");
    iommu = vtd_unit(0x81d2008c222f0686, both & ~(1ULL << 26));
    assert_nest(host, &iommu, BASE_NO, "ECAP.NEST");
    iommu = vtd_unit(0x81d2008c222f0686, both & ~(1ULL << 46));
    assert_nest(host, &iommu, BASE_NO, "ECAP.SSTS");
    iommu.cap = (BaseU64){0};
    assert_nest(host, &iommu, BASE_UNKNOWN, "not known");
}

static void
test_shadow(void)
{
    g_autoptr(ViommuHost) host = make_host("7.2.13", "");
    HostIommu iommu = vtd_unit(0xd2008c40660462, 0xf050da);
    static const struct {
        BaseTri container, iommufd, isolated, unsafe, iommufd_unsafe, wanted;
        const char *word;
    } cases[] = {
        {BASE_YES, BASE_NO, BASE_YES, BASE_NO, BASE_NO, BASE_YES, NULL},
        {BASE_NO, BASE_YES, BASE_YES, BASE_NO, BASE_NO, BASE_YES, NULL},
        {BASE_YES, BASE_NO, BASE_NO, BASE_YES, BASE_NO, BASE_YES, NULL},
        {BASE_YES, BASE_NO, BASE_UNKNOWN, BASE_YES, BASE_NO, BASE_YES, NULL},
        /* each has a switch of its own */
        {BASE_YES, BASE_NO, BASE_NO, BASE_NO, BASE_YES, BASE_NO, "isolated MSI"},
        {BASE_NO, BASE_YES, BASE_NO, BASE_YES, BASE_NO, BASE_NO, "isolated MSI"},
        {BASE_YES, BASE_YES, BASE_NO, BASE_NO, BASE_YES, BASE_YES, NULL},
        {BASE_YES, BASE_YES, BASE_NO, BASE_NO, BASE_NO, BASE_NO, "isolated MSI"},
        {BASE_YES, BASE_YES, BASE_UNKNOWN, BASE_NO, BASE_NO, BASE_UNKNOWN, "is not known"},
        /* off until the kernel's command line says otherwise */
        {BASE_YES, BASE_NO, BASE_NO, BASE_UNKNOWN, BASE_NO, BASE_NO, "isolated MSI"},
        {BASE_UNKNOWN, BASE_UNKNOWN, BASE_NO, BASE_NO, BASE_NO, BASE_NO, "isolated MSI"},
        {BASE_NO, BASE_NO, BASE_NO, BASE_NO, BASE_NO, BASE_NO, "isolated MSI"},
        {BASE_NO, BASE_NO, BASE_YES, BASE_NO, BASE_NO, BASE_NO, "no VFIO"},
        {BASE_NO, BASE_NO, BASE_UNKNOWN, BASE_NO, BASE_NO, BASE_NO, "no VFIO"},
        {BASE_NO, BASE_UNKNOWN, BASE_YES, BASE_NO, BASE_NO, BASE_UNKNOWN, "whether VFIO is there"},
    };

    g_assert_cmpint(host_can_shadow(host, NULL, NULL), ==, BASE_NO);
    g_assert_cmpint(host_can_shadow(host, &iommu, NULL), ==, BASE_UNKNOWN);
    host->isolated_msi = BASE_YES;
    g_assert_cmpint(host_can_shadow(host, &iommu, NULL), ==, BASE_UNKNOWN);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *reason = NULL;

        host->vfio_container = cases[i].container;
        host->iommufd = cases[i].iommufd;
        host->isolated_msi = cases[i].isolated;
        host->unsafe_interrupts = cases[i].unsafe;
        host->iommufd_unsafe_interrupts = cases[i].iommufd_unsafe;
        g_test_message("case %u", i);
        g_assert_cmpint(host_can_shadow(host, &iommu, &reason), ==, cases[i].wanted);
        g_assert_true(cases[i].word ? strstr(reason, cases[i].word) != NULL : reason == NULL);
    }
    host->vfio_container = host->iommufd = host->isolated_msi = BASE_YES;
    iommu = (HostIommu){.type = HOST_IOMMU_SMMUV3, .idr = {base_u64(0x0d44100b)}};
    g_assert_cmpint(host_can_shadow(host, &iommu, NULL), ==, BASE_NO);
    iommu = (HostIommu){.type = HOST_IOMMU_AMD, .efr = base_u64(0xc00)};
    g_assert_cmpint(host_can_shadow(host, &iommu, NULL), ==, BASE_NO);
}

static void
test_groups(void)
{
    g_autoptr(ViommuHost) host = load_shared("xeon.json");
    const HostDevice *blocker = NULL;
    BasePci sound = {0, 0x98, 0, 1};
    g_autoptr(GArray) managed = g_array_new(FALSE, FALSE, sizeof(BasePci));
    HostGroup *group;

    g_assert_cmpint(host_group_viable(host, host_facts_group(host, 27), NULL, &blocker), ==,
                    BASE_NO);
    g_assert_true(blocker && base_pci_equal(blocker->address, sound));
    g_assert_cmpuint(host_group_endpoints(host, host_facts_group(host, 27)).value, ==, 2);
    g_array_append_val(managed, sound);
    g_assert_cmpint(host_group_viable(host, host_facts_group(host, 27), managed, &blocker), ==,
                    BASE_YES);
    g_assert_null(blocker);
    /* the bridge is unbound and does not count as an endpoint */
    g_assert_cmpint(host_group_viable(host, host_facts_group(host, 30), NULL, NULL), ==, BASE_YES);
    g_assert_cmpuint(host_group_endpoints(host, host_facts_group(host, 30)).value, ==, 1);
    group = (HostGroup *)host_facts_group(host, 29);
    g_assert_cmpint(host_group_viable(host, group, NULL, NULL), ==, BASE_YES);
    group->other_members = 1;
    g_assert_cmpint(host_group_viable(host, group, NULL, NULL), ==, BASE_UNKNOWN);
    g_assert_cmpuint(host_group_endpoints(host, group).value, ==, 3);
    ((HostDevice *)host_facts_device(host, sound))->driver.state = BASE_STATE_UNKNOWN;
    g_clear_pointer(&((HostDevice *)host_facts_device(host, sound))->driver.text, g_free);
    g_assert_cmpint(host_group_viable(host, host_facts_group(host, 27), NULL, &blocker), ==,
                    BASE_UNKNOWN);
    group->devices_state = BASE_STATE_UNKNOWN;
    g_assert_cmpint(host_group_endpoints(host, group).state, ==, BASE_STATE_UNKNOWN);
}

/* Which drivers leave DMA to user space. */
static void
test_drivers(void)
{
    static const struct {
        const char *driver;
        BaseTri viable;
    } cases[] = {
        {"vfio-pci", BASE_YES},   {"nvgrace_gpu_vfio_pci", BASE_YES}, {"pci-stub", BASE_YES},
        {"pcieport", BASE_YES},   {"mlx5-vfio-pci", BASE_YES},        {"shpchp", BASE_NO},
        {"xen-pciback", BASE_NO}, {"snd_hda_intel", BASE_NO},         {"not_vfio_at_all", BASE_NO}};

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(ViommuHost) host = host_facts_new();
        BasePci address = {0, 1, 0, 0};
        HostDevice *device = host_facts_add_device(host, address);
        HostGroup *group = host_facts_add_group(host, 1);

        device->driver = (BaseText){BASE_STATE_KNOWN, g_strdup(cases[i].driver)};
        group->devices_state = BASE_STATE_KNOWN;
        g_array_append_val(group->devices, address);
        host_facts_sort(host);
        g_assert_cmpint(host_group_viable(host, group, NULL, NULL), ==, cases[i].viable);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/host-decode/vtd-bits", test_vtd_bits);
    g_test_add_func("/host-decode/other-bits", test_other_bits);
    g_test_add_func("/host-decode/nest-shared", test_nest_shared);
    g_test_add_func("/host-decode/nest-smmu", test_nest_smmu);
    g_test_add_func("/host-decode/nest-smmu-without", test_nest_smmu_without);
    g_test_add_func("/host-decode/nest-vtd", test_nest_vtd);
    g_test_add_func("/host-decode/shadow", test_shadow);
    g_test_add_func("/host-decode/groups", test_groups);
    g_test_add_func("/host-decode/drivers", test_drivers);
    return g_test_run();
}
