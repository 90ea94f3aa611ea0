/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two recorded hosts, read as directory trees and compared with what lspci, virsh and the kernel
 * said at the same moment (captured/ in the recordings).
 */
#include "host-decode.h"
#include "host-read.h"

#include "base-file.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct {
    char *path; /* of the unpacked tree */
    ViommuHost *host;
} Recording;

static void
run(const char *const *argv)
{
    g_autoptr(GError) error = NULL;
    int status = -1;

    g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, &status, &error));
    g_assert_no_error(error);
    g_assert_cmpint(status, ==, 0);
}

static Recording *
recording_open(const char *name)
{
    Recording *recording = g_new0(Recording, 1);
    g_autofree char *file = g_strconcat(name, ".tar.gz", NULL);
    g_autofree char *archive = g_build_filename(g_getenv("VIOMMU_TEST_DATA"), "host", file, NULL);
    g_autoptr(GError) error = NULL;

    recording->path = g_dir_make_tmp("viommu-host-XXXXXX", NULL);
    run((const char *const[]){"tar", "-xzf", archive, "-C", recording->path, "--strip-components=1",
                              NULL});
    recording->host = host_read_tree(recording->path, HOST_READ_CONFIG, &error);
    g_assert_no_error(error);
    return recording;
}

static void
recording_close(Recording *recording)
{
    run((const char *const[]){"rm", "-rf", recording->path, NULL});
    host_facts_unref(recording->host);
    g_free(recording->path);
    g_free(recording);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Recording, recording_close)

static GStrv
captured_lines(const Recording *recording, const char *name)
{
    g_autofree char *path = g_build_filename(recording->path, "captured", name, NULL);
    g_autofree char *text = NULL;
    gsize length;

    g_assert_true(base_file_read(path, BASE_FILE_LIMIT, &text, &length, NULL));
    return g_strsplit(text, "\n", -1);
}

static const HostDevice *
device_at(const ViommuHost *host, const char *text)
{
    g_autofree char *full = strlen(text) == 7 ? g_strconcat("0000:", text, NULL) : g_strdup(text);
    BasePci address = {0};

    g_assert_true(base_pci_parse(full, &address));
    return host_facts_device(host, address);
}

/* ---- lspci -vvv ---- */

typedef struct {
    const char *words;
    HostPcieType type;
} LspciType;

static const LspciType lspci_types[] = {
    {"Root Port", HOST_PCIE_ROOT_PORT},
    {"PCI-Express to PCI/PCI-X Bridge", HOST_PCIE_TO_PCI_BRIDGE},
    {"Root Complex Integrated Endpoint", HOST_PCIE_RC_ENDPOINT},
    {"Legacy Endpoint", HOST_PCIE_LEGACY_ENDPOINT},
    {"Endpoint", HOST_PCIE_ENDPOINT},
};

static HostPcieType
lspci_type(const char *line)
{
    for (guint i = 0; i < G_N_ELEMENTS(lspci_types); i++) {
        if (strstr(line, lspci_types[i].words))
            return lspci_types[i].type;
    }
    return HOST_PCIE_UNKNOWN;
}

static guint
lspci_acs(const char *line)
{
    static const char *const words[] = {"SrcValid+",    "TransBlk+",   "ReqRedir+",   "CmpltRedir+",
                                        "UpstreamFwd+", "EgressCtrl+", "DirectTrans+"};
    guint flags = 0;

    for (guint i = 0; i < G_N_ELEMENTS(words); i++)
        flags |= strstr(line, words[i]) ? 1U << i : 0;
    return flags;
}

/* What lspci said of one function, in the form of our own facts. */
static void
lspci_read(const char *line, HostPcie *said, char **driver, guint64 *group)
{
    if (strstr(line, "] Express (v")) {
        said->state = BASE_STATE_KNOWN;
        said->type = lspci_type(line);
    } else if (strstr(line, "FLReset+")) {
        said->flr = BASE_YES;
    } else if (strstr(line, "ATSCtl:")) {
        said->ats = BASE_YES;
        said->ats_enabled = base_tri(strstr(line, "Enable+") != NULL);
    } else if (strstr(line, "ACSCap:")) {
        said->acs_state = BASE_STATE_KNOWN;
        said->acs_cap = lspci_acs(line);
    } else if (strstr(line, "ACSCtl:")) {
        said->acs_ctrl = lspci_acs(line);
    } else if (strstr(line, "Page Request Interface")) {
        said->pri = BASE_YES;
    } else if (g_str_has_prefix(line, "\tKernel driver in use: ")) {
        g_free(*driver);
        *driver = g_strdup(strchr(line, ':') + 2);
    } else if (g_str_has_prefix(line, "\tIOMMU group: ")) {
        *group = g_ascii_strtoull(strchr(line, ':') + 2, NULL, 10);
    }
}

static void
compare_lspci(const HostDevice *device, const HostPcie *said, const char *driver, guint64 group)
{
    const HostPcie *read = &device->pcie;

    g_assert_cmpstr(device->driver.text, ==, driver);
    g_assert_cmpint(device->group.state, ==,
                    group == G_MAXUINT64 ? BASE_STATE_ABSENT : BASE_STATE_KNOWN);
    if (group != G_MAXUINT64)
        g_assert_cmpuint(device->group.value, ==, group);
    if (said->state != BASE_STATE_KNOWN) {
        g_assert_cmpint(read->state, ==, BASE_STATE_ABSENT);
        return;
    }
    g_assert_cmpint(read->state, ==, BASE_STATE_KNOWN);
    g_assert_cmpint(read->type, ==, said->type);
    g_assert_cmpint(read->flr == BASE_YES, ==, said->flr == BASE_YES);
    g_assert_cmpint(read->ats == BASE_YES, ==, said->ats == BASE_YES);
    g_assert_cmpint(read->ats_enabled == BASE_YES, ==, said->ats_enabled == BASE_YES);
    g_assert_cmpint(read->acs_state == BASE_STATE_KNOWN, ==, said->acs_state == BASE_STATE_KNOWN);
    g_assert_cmphex(read->acs_cap, ==, said->acs_cap);
    g_assert_cmphex(read->acs_ctrl, ==, said->acs_ctrl);
    g_assert_cmpint(read->pri == BASE_YES, ==, said->pri == BASE_YES);
}

static void
check_lspci(const Recording *recording, const char *name)
{
    g_auto(GStrv) lines = captured_lines(recording, name);
    guint n = 0;

    for (guint i = 0; lines[i];) {
        g_autofree char *driver = NULL;
        g_autofree char *address = NULL;
        guint64 group = G_MAXUINT64;
        HostPcie said = {.type = HOST_PCIE_UNKNOWN};
        const HostDevice *device;

        if (!g_ascii_isxdigit(lines[i][0])) {
            i++;
            continue;
        }
        address = g_strndup(lines[i], strcspn(lines[i], " "));
        for (i++; lines[i] && g_ascii_isspace(lines[i][0]); i++)
            lspci_read(lines[i], &said, &driver, &group);
        g_test_message("lspci %s", address);
        device = device_at(recording->host, address);
        g_assert_nonnull(device);
        if (device)
            compare_lspci(device, &said, driver, group);
        n++;
    }
    g_assert_cmpuint(n, ==, recording->host->devices->len);
}

/* ---- virsh nodedev-dumpxml: the groups' members ---- */

static guint64
attribute(const char *line, const char *name)
{
    g_autofree char *key = g_strdup_printf(" %s='", name);
    const char *start = strstr(line, key);

    g_assert_nonnull(start);
    return g_ascii_strtoull(start + strlen(key), NULL, 0);
}

static gboolean
group_lists(const HostGroup *group, BasePci address)
{
    for (guint i = 0; i < group->devices->len; i++) {
        if (base_pci_equal(g_array_index(group->devices, BasePci, i), address))
            return TRUE;
    }
    return FALSE;
}

/* The group of an <iommuGroup> element that starts at line *cursor, with the same members */
static void
check_nodedev_group(const ViommuHost *host, const GStrv lines, guint *cursor)
{
    const HostGroup *group = host_facts_group(host, (guint)attribute(lines[*cursor], "number"));
    guint members = 0;

    g_assert_nonnull(group);
    for ((*cursor)++; group && strstr(lines[*cursor], "<address "); (*cursor)++) {
        const char *line = lines[*cursor];
        BasePci address = {(guint32)attribute(line, "domain"), (guint8)attribute(line, "bus"),
                           (guint8)attribute(line, "slot"), (guint8)attribute(line, "function")};

        g_assert_true(group_lists(group, address));
        members++;
    }
    if (group)
        g_assert_cmpuint(group->devices->len, ==, members);
}

/* "  <parent>pci_0000_00_1c_0</parent>"; (transfer full) (nullable): its address */
static char *
nodedev_address(const char *line, const char *element)
{
    g_autofree char *start = g_strdup_printf("<%s>pci_", element);
    char *address = strstr(line, start) ? g_strdup(strstr(line, start) + strlen(start)) : NULL;

    if (address) {
        address[strlen("0000:00:00.0")] = '\0';
        address[4] = address[7] = ':';
        address[10] = '.';
    }
    return address;
}

/* A function that is the child of another, or of none */
static guint
check_nodedev_parent(const ViommuHost *host, const GStrv lines, guint line)
{
    g_autofree char *address = nodedev_address(lines[line], "name");
    g_autofree char *parent = NULL;

    if (!address)
        return 0;
    parent = nodedev_address(lines[line + 2], "parent");
    g_assert_nonnull(strstr(lines[line + 2], "<parent>"));
    g_assert_cmpstr(device_at(host, address)->parent.text, ==, parent);
    g_assert_cmpint(device_at(host, address)->parent.state, ==,
                    parent ? BASE_STATE_KNOWN : BASE_STATE_ABSENT);
    g_assert_cmpint(device_at(host, address)->vmd.state, ==, BASE_STATE_ABSENT);
    return parent ? 1 : 0;
}

static void
check_nodedev(const Recording *recording, const char *name)
{
    g_auto(GStrv) lines = captured_lines(recording, name);
    guint groups = 0, children = 0;

    for (guint i = 0; lines[i]; i++) {
        children += check_nodedev_parent(recording->host, lines, i);
        if (strstr(lines[i], "<iommuGroup ")) {
            check_nodedev_group(recording->host, lines, &i);
            groups++;
        }
    }
    g_assert_cmpuint(groups, >=, recording->host->groups->len);
    g_assert_cmpuint(children, >=, 9);
}

/* ---- the kernel's own text of reserved regions ---- */

static void
check_regions(const Recording *recording)
{
    static const char *const names[] = {"direct", "direct-relaxable", "reserved", "msi"};

    for (guint i = 0; i < recording->host->groups->len; i++) {
        const HostGroup *group = recording->host->groups->pdata[i];
        g_autofree char *path = g_strdup_printf("%s/sys/kernel/iommu_groups/%u/reserved_regions",
                                                recording->path, group->id);
        g_autoptr(GString) text = g_string_new(NULL);
        g_autofree char *wanted = NULL;
        gsize length;

        for (guint j = 0; j < group->reserved->len; j++) {
            const HostRegion *region = &g_array_index(group->reserved, HostRegion, j);

            g_assert_cmpint(region->type, <, HOST_REGION_OTHER);
            g_string_append_printf(text, "0x%016lx 0x%016lx %s\n", region->start, region->end,
                                   names[region->type]);
        }
        g_assert_true(base_file_read(path, BASE_FILE_LIMIT, &wanted, &length, NULL));
        g_assert_cmpstr(text->str, ==, wanted);
    }
}

/* The whole document is kept beside the recording: the schema test and other tests use it. */
static void
check_saved(const Recording *recording, const char *name)
{
    g_autofree char *path = g_build_filename(g_getenv("VIOMMU_TEST_DATA"), "host", name, NULL);
    g_autoptr(BaseJson) saved = host_json_save(recording->host);
    g_autofree char *text = base_json_to_text(saved);
    g_autoptr(GError) error = NULL;
    g_autoptr(ViommuHost) again = host_json_parse(saved, "saved", &error);
    g_autofree char *wanted = NULL;
    gsize length;

    g_assert_no_error(error);
    g_assert_nonnull(again);
    if (g_getenv("VIOMMU_TEST_REGENERATE"))
        g_assert_true(base_file_replace(path, text, strlen(text), NULL));
    g_assert_true(base_file_read(path, BASE_FILE_LIMIT, &wanted, &length, NULL));
    g_assert_cmpstr(text, ==, wanted);
}

static void
test_vtd(void)
{
    g_autoptr(Recording) recording = recording_open("vtd-iommufd");
    const ViommuHost *host = recording->host;
    const HostIommu *iommu = host_facts_iommu(host, "dmar0");
    const HostDevice *vf = device_at(host, "02:10.2"), *pf = device_at(host, "02:00.0");
    const HostDevice *nic = device_at(host, "01:00.0");

    g_assert_cmpuint(host->devices->len, ==, 26);
    g_assert_cmpuint(host->groups->len, ==, 21);
    check_lspci(recording, "lspci.txt");
    check_nodedev(recording, "nodedev-all.xml");
    check_regions(recording);
    check_saved(recording, "lab-vtd.json");
    g_assert_cmpstr(host->arch.text, ==, "x86_64");
    g_assert_cmpuint(host->page_size.value, ==, 4096);
    g_assert_cmpint(host->kernel_release.state, ==, BASE_STATE_UNKNOWN);
    g_assert_nonnull(host_facts_reason(host, "kernel/release"));
    g_assert_nonnull(strstr(host->kernel_cmdline.text, "intel_iommu=on,sm_on"));
    g_assert_nonnull(iommu);
    g_assert_cmphex(iommu->cap.value, ==, 0x81d2008c222f0686);
    g_assert_cmphex(iommu->ecap.value, ==, 0x480084f00f4e);
    g_assert_cmpuint(iommu->domains_supported.value, ==, 65536);
    g_assert_cmpuint(iommu->domains_used.value, ==, 21);
    g_assert_cmpint(host->iommufd, ==, BASE_YES);
    g_assert_cmpint(host->vfio_cdev, ==, BASE_YES);
    g_assert_cmpint(host->vfio_container, ==, BASE_YES);
    g_assert_cmpstr(vf->physfn.text, ==, "0000:02:00.0");
    g_assert_cmpint(vf->pcie.pasid_bits.state, ==, BASE_STATE_ABSENT);
    g_assert_cmpuint(pf->sriov_totalvfs.value, ==, 7);
    g_assert_cmpuint(pf->sriov_numvfs.value, ==, 2);
    g_assert_cmpstr(pf->reset_method.text, ==, "flr pm bus");
    g_assert_cmpint(nic->sriov_totalvfs.state, ==, BASE_STATE_ABSENT);
    g_assert_cmpint(nic->numa_node.state, ==, BASE_STATE_ABSENT);
    g_assert_cmpstr(nic->vfio_dev.text, ==, "vfio0");
    g_assert_cmpstr(nic->iommu.text, ==, "dmar0");
    g_assert_cmpuint(nic->bars->len, ==, 5);
    g_assert_cmpuint(g_array_index(nic->bars, HostBar, 0).size, ==, 0x20000);
    g_assert_true(g_array_index(nic->bars, HostBar, 2).io);
    g_assert_cmpuint(g_array_index(nic->bars, HostBar, 4).index, ==, 6);
    g_assert_true(g_array_index(nic->bars, HostBar, 4).prefetch);
    g_assert_cmpint(device_at(host, "07:00.1")->vfio_dev.state, ==, BASE_STATE_ABSENT);
}

/* What the kernel answered to IOMMU_GET_HW_INFO, which only a probe can ask, must not be needed
 * for the verdict that firmware and sysfs give. */
static void
test_smmu(void)
{
    g_autoptr(Recording) recording = recording_open("smmuv3-nested");
    ViommuHost *host = recording->host;
    HostIommu *iommu = (HostIommu *)host_facts_iommu(host, "smmu3.0x000000000c000000");
    const HostIommu *second = host_facts_iommu(host, "smmu3.0x000000000c020000");
    g_autofree char *reason = NULL;

    g_assert_cmpuint(host->devices->len, ==, 25);
    g_assert_cmpuint(host->groups->len, ==, 20);
    g_assert_cmpuint(host->iommus->len, ==, 2);
    check_lspci(recording, "meta/lspci-vvv");
    check_nodedev(recording, "libvirt/nodedev-all.xml");
    check_regions(recording);
    check_saved(recording, "lab-smmuv3.json");
    g_assert_cmpstr(host->arch.text, ==, "aarch64");
    g_assert_cmpint(host->page_size.state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpuint(host->memory.value, ==, 4023120ULL * 1024);
    g_assert_cmpint(iommu->canwbs, ==, BASE_YES);
    g_assert_cmpint(second->canwbs, ==, BASE_YES);
    g_assert_cmpuint(host->dma_entry_limit.value, ==, 65535);
    /* no group, and no IOMMU: behind the bus without SMMU; then the second function of the
     * conventional bridge, which the kernel gave none */
    g_assert_cmpint(device_at(host, "81:00.0")->group.state, ==, BASE_STATE_ABSENT);
    g_assert_cmpint(device_at(host, "81:00.0")->iommu.state, ==, BASE_STATE_ABSENT);
    g_assert_cmpint(device_at(host, "44:02.0")->group.state, ==, BASE_STATE_ABSENT);
    g_assert_cmpuint(device_at(host, "44:01.0")->group.value, ==, 19);
    g_assert_cmpstr(device_at(host, "41:00.0")->vfio_dev.text, ==, "vfio2");
    g_assert_cmpint(host_can_nest(host, iommu, &reason), ==, BASE_UNKNOWN);
    g_assert_nonnull(strstr(reason, "--probe"));
    g_assert_nonnull(
        strstr(host_facts_reason(host, "iommus/smmu3.0x000000000c000000/idr"), "vfio-pci"));
}

/* Config space is read only when asked for, and then for one function at a time. */
static void
test_on_demand(void)
{
    g_autoptr(Recording) recording = recording_open("vtd-iommufd");
    g_autoptr(ViommuHost) host = host_read_tree(recording->path, HOST_READ_DEFAULT, NULL);
    const HostDevice *vf = device_at(host, "02:10.0"), *pf = device_at(host, "02:00.0");

    g_assert_nonnull(host);
    g_assert_cmpint(vf->pcie.state, ==, BASE_STATE_UNKNOWN);
    g_assert_nonnull(strstr(host_facts_reason(host, "devices/0000:02:10.0/pcie"), "not read"));
    host_read_config(host, vf->address);
    g_assert_cmpint(vf->pcie.state, ==, BASE_STATE_KNOWN);
    g_assert_cmpint(pf->pcie.state, ==, BASE_STATE_KNOWN); /* a VF needs its PF's */
    g_assert_cmpint(device_at(host, "01:00.0")->pcie.state, ==, BASE_STATE_UNKNOWN);
    host_read_config(host, (BasePci){0, 0x77, 0, 0}); /* unknown: nothing happens */
}

static BaseJson *
element_of(BaseJson *document, const char *list, const char *key, const char *value)
{
    BaseJson *array = json_object_object_get(document, list);

    for (gsize i = 0; i < json_object_array_length(array); i++) {
        BaseJson *element = json_object_array_get_idx(array, i);

        if (g_str_equal(json_object_get_string(json_object_object_get(element, key)), value))
            return element;
    }
    return NULL;
}

static void
assert_same_element(const ViommuHost *a, const ViommuHost *b, const char *list, const char *key,
                    const char *value)
{
    g_autoptr(BaseJson) first = host_json_save(a), second = host_json_save(b);
    BaseJson *one = element_of(first, list, key, value);
    BaseJson *two = element_of(second, list, key, value);
    g_autofree char *text = base_json_to_text(one), *other = base_json_to_text(two);

    g_assert_nonnull(one);
    g_assert_cmpstr(text, ==, other);
}

static void
check_named_group(const ViommuHost *whole, const ViommuHost *named, const HostGroup *group)
{
    const HostGroup *same = host_facts_group(named, group->id);
    const HostDevice *blocker = NULL, *same_blocker = NULL;

    g_assert_nonnull(same);
    g_assert_cmpuint(same->devices->len, ==, group->devices->len);
    g_assert_cmpint(host_group_viable(named, same, NULL, &same_blocker), ==,
                    host_group_viable(whole, group, NULL, &blocker));
    g_assert_true(!blocker || base_pci_equal(blocker->address, same_blocker->address));
    g_assert_cmpuint(host_group_endpoints(named, same).value, ==,
                     host_group_endpoints(whole, group).value);
}

/* One function at a time, as the whole tree shows it, with its group and IOMMU. */
static void
check_named(const Recording *recording, const HostDevice *device)
{
    const ViommuHost *whole = recording->host;
    g_autoptr(GArray) one = g_array_new(FALSE, FALSE, sizeof(BasePci));
    g_autofree char *address = base_pci_format(device->address);
    g_autoptr(ViommuHost) named = NULL;
    guint members = 1;

    g_array_append_val(one, device->address);
    named = host_read_named(recording->path, one, NULL);
    g_assert_nonnull(named);
    host_read_config(named, device->address);
    assert_same_element(whole, named, "devices", "address", address);
    if (device->iommu.text)
        assert_same_element(whole, named, "iommus", "name", device->iommu.text);
    if (base_u64_is_known(device->group)) {
        const HostGroup *group = host_facts_group(whole, (guint)device->group.value);

        check_named_group(whole, named, group);
        members = group->devices->len;
    }
    /* nothing else was looked at, but for a VF's PF */
    g_assert_cmpuint(named->devices->len, <=, members + (device->physfn.text ? 1 : 0));
    g_assert_cmpuint(named->iommus->len, ==, device->iommu.text ? 1 : 0);
}

static void
test_named(void)
{
    static const char *const names[] = {"vtd-iommufd", "smmuv3-nested"};

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(Recording) recording = recording_open(names[i]);

        for (guint j = 0; j < recording->host->devices->len; j++)
            check_named(recording, recording->host->devices->pdata[j]);
    }
}

static void
test_named_absent(void)
{
    g_autoptr(Recording) recording = recording_open("vtd-iommufd");
    g_autoptr(GArray) none = g_array_new(FALSE, FALSE, sizeof(BasePci));
    g_autoptr(ViommuHost) host = NULL;
    g_autoptr(ViommuHost) empty = NULL;
    g_autoptr(GError) error = NULL;
    BasePci absent = {0, 0x77, 0, 0};

    g_array_append_val(none, absent);
    host = host_read_named(recording->path, none, NULL);
    g_assert_nonnull(host);
    g_assert_cmpint(host->devices_state, ==, BASE_STATE_KNOWN);
    g_assert_null(host_facts_device(host, absent));
    g_assert_cmpuint(host->memory.value, ==, recording->host->memory.value);
    g_assert_cmpuint(host->memlock.hard.value, ==, recording->host->memlock.hard.value);
    g_assert_cmpint(host->iommufd, ==, recording->host->iommufd);
    /* a tree without sysfs: nothing is known to be absent */
    empty = host_read_named(g_getenv("VIOMMU_TEST_DATA"), none, NULL);
    g_assert_nonnull(empty);
    g_assert_cmpint(empty->devices_state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpint(empty->groups_state, ==, BASE_STATE_UNKNOWN);
    g_assert_null(host_read_named("/no/such/tree", none, &error));
    g_assert_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/host-tree/vtd", test_vtd);
    g_test_add_func("/host-tree/smmu", test_smmu);
    g_test_add_func("/host-tree/on-demand", test_on_demand);
    g_test_add_func("/host-tree/named", test_named);
    g_test_add_func("/host-tree/named-absent", test_named_absent);
    return g_test_run();
}
