/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* host-1 documents: what is read, what is refused, and that saving gives back what was loaded. */
#include "host-read.h"

#include "base-file.h"
#include "base-text.h"

#include <string.h>

static char *
data_path(const char *directory, const char *name)
{
    return g_build_filename(g_getenv("VIOMMU_TEST_DATA"), directory, name, NULL);
}

static ViommuHost *
load_shared(const char *name)
{
    g_autofree char *path = data_path("host", name);
    g_autoptr(GError) error = NULL;
    ViommuHost *host = host_json_load(path, &error);

    g_assert_no_error(error);
    return host;
}

/* Loads @path, saves, and compares with the file's own text. */
static void
check_round_trip(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ViommuHost) host = host_json_load(path, &error);
    g_autoptr(BaseJson) saved = NULL;
    g_autofree char *text = NULL;
    g_autofree char *wanted = NULL;
    gsize length;

    g_assert_no_error(error);
    if (!host)
        return;
    saved = host_json_save(host);
    text = base_json_to_text(saved);
    if (g_getenv("VIOMMU_TEST_REGENERATE"))
        g_assert_true(base_file_replace(path, text, strlen(text), NULL));
    g_assert_true(base_file_read(path, BASE_FILE_LIMIT, &wanted, &length, NULL));
    if (g_strcmp0(text, wanted) != 0)
        g_test_message("%s is not what saving it gives", path);
    g_assert_cmpstr(text, ==, wanted);
}

static guint
round_trip_directory(const char *name)
{
    g_autofree char *path = data_path(name, NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *file;
    guint n = 0;

    g_assert_nonnull(dir);
    while (dir && (file = g_dir_read_name(dir))) {
        g_autofree char *full = g_build_filename(path, file, NULL);

        if (!g_str_has_suffix(file, ".json"))
            continue;
        check_round_trip(full);
        n++;
    }
    return n;
}

static void
test_round_trip(void)
{
    g_assert_cmpuint(round_trip_directory("host"), >=, 8);
    g_assert_cmpuint(round_trip_directory("../examples/hosts"), >=, 2);
}

/* The shipped examples are also the hosts of golden cases; they must not drift apart. */
static void
test_examples(void)
{
    static const char *const names[] = {"grace.json", "xeon.json"};

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *test = data_path("host", names[i]);
        g_autofree char *example = data_path("../examples/hosts", names[i]);
        g_autofree char *a = NULL;
        g_autofree char *b = NULL;
        gsize length;

        g_assert_true(base_file_read(test, BASE_FILE_LIMIT, &a, &length, NULL));
        g_assert_true(base_file_read(example, BASE_FILE_LIMIT, &b, &length, NULL));
        g_assert_cmpstr(a, ==, b);
    }
}

static ViommuHost *
parse(const char *text, GError **error)
{
    g_autoptr(BaseJson) value = base_json_parse(text, strlen(text), "h.json", error);

    return value ? host_json_parse(value, "h.json", error) : NULL;
}

static void
test_members(void)
{
    g_autoptr(ViommuHost) host = load_shared("grace.json");
    const HostIommu *iommu = host_facts_iommu(host, "smmu3.0x0000000012000000");
    BasePci gpu = {0x9, 1, 0, 0}, nic = {0x9, 2, 0, 1};
    const HostDevice *device = host_facts_device(host, gpu);
    const HostGroup *group = host_facts_group(host, 13);

    g_assert_cmpstr(host->arch.text, ==, "aarch64");
    g_assert_cmpuint(host->page_size.value, ==, 65536);
    g_assert_cmpuint(host->kernel.value, ==, BASE_VERSION(7, 2, 13));
    g_assert_cmpuint(host->libvirt.value, ==, 12008000);
    g_assert_cmpint(host->iommufd, ==, BASE_YES);
    g_assert_cmpuint(host->memlock.hard.value, ==, 67108864);
    g_assert_cmpint(host->memlock.can_raise, ==, BASE_YES);
    g_assert_nonnull(iommu);
    g_assert_cmpint(iommu->type, ==, HOST_IOMMU_SMMUV3);
    g_assert_cmpint(iommu->canwbs, ==, BASE_YES);
    g_assert_cmpint(iommu->cmdqv, ==, BASE_STATE_KNOWN);
    g_assert_cmpuint(iommu->cmdqv_log2vsids, ==, 4);
    g_assert_cmpuint(base_bits(iommu->idr[5].value, 2, 0), ==, 5);
    g_assert_nonnull(device);
    g_assert_cmpuint(device->class.value, ==, 0x030200);
    g_assert_cmpint(device->physfn.state, ==, BASE_STATE_ABSENT);
    g_assert_cmpint(device->pcie.state, ==, BASE_STATE_KNOWN);
    g_assert_cmpuint(device->pcie.pasid_bits.value, ==, 20);
    g_assert_cmpint(device->pcie.acs_state, ==, BASE_STATE_ABSENT);
    g_assert_cmpuint(g_array_index(device->bars, HostBar, 1).size, ==, 128LL << 30);
    g_assert_nonnull(group);
    g_assert_cmpuint(group->devices->len, ==, 2);
    g_assert_true(base_pci_equal(g_array_index(group->devices, BasePci, 1), nic));
    g_assert_cmpuint(g_array_index(group->reserved, HostRegion, 0).end, ==, 0x80fffff);
    g_assert_null(host_facts_group(host, 7));
    g_assert_null(host_facts_iommu(host, "smmu3"));
    g_assert_null(host_facts_device(host, (BasePci){0, 1, 0, 0}));
}

/* Missing is unknown, null is absent, and neither is a number. */
static void
test_states(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ViommuHost) host = parse(
        "{\"host\": 1, \"versions\": {\"libvirt\": null}, \"iommus\": [], \"future\": {},"
        " \"limits\": {\"memlock\": {\"soft\": \"unlimited\"}}, \"devices\": [{\"address\":"
        " \"0000:01:00.0\", \"numa_node\": null, \"pcie\": {\"flr\": true}},"
        " {\"address\": \"0000:02:00.0\", \"pcie\": null}]}",
        &error);
    const HostDevice *first, *second;

    g_assert_no_error(error);
    g_assert_cmpint(host->libvirt.state, ==, BASE_STATE_ABSENT);
    g_assert_cmpint(host->qemu.state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpint(host->iommus_state, ==, BASE_STATE_KNOWN);
    g_assert_cmpint(host->groups_state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpuint(host->memlock.soft.value, ==, G_MAXUINT64);
    g_assert_cmpint(host->memlock.hard.state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpint(host->iommufd, ==, BASE_UNKNOWN);
    first = host_facts_device(host, (BasePci){0, 1, 0, 0});
    second = host_facts_device(host, (BasePci){0, 2, 0, 0});
    g_assert_cmpint(first->numa_node.state, ==, BASE_STATE_ABSENT);
    g_assert_cmpint(first->group.state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpint(first->pcie.state, ==, BASE_STATE_KNOWN);
    g_assert_cmpint(first->pcie.type, ==, HOST_PCIE_UNKNOWN);
    g_assert_cmpint(first->pcie.extended, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpint(first->pcie.ats, ==, BASE_UNKNOWN);
    g_assert_cmpint(second->pcie.state, ==, BASE_STATE_ABSENT);
}

static void
test_refused(void)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"[]", "h.json: /: must be an object"},
        {"{}", "/host: not a host facts document"},
        {"{\"host\": 2}", "/host: version 2 of the format; this program reads 1"},
        {"{\"host\": \"1\"}", "/host: must be a number"},
        {"{\"host\": 1, \"arch\": 3}", "/arch: must be a string"},
        {"{\"host\": 1, \"memory\": \"1GiB\"}", "/memory: must be a number"},
        {"{\"host\": 1, \"memory\": -1}", "/memory: must be from 0"},
        {"{\"host\": 1, \"versions\": {\"qemu\": \"new\"}}", "/versions/qemu: must be a version"},
        {"{\"host\": 1, \"vfio\": {\"iommufd\": \"yes\"}}", "/vfio/iommufd: must be true or false"},
        {"{\"host\": 1, \"limits\": {\"memlock\": {\"soft\": \"infinity\"}}}",
         "/limits/memlock/soft: must be a number of bytes or \"unlimited\""},
        {"{\"host\": 1, \"unknown\": {\"arch\": 1}}", "/unknown/arch: must be a string"},
        {"{\"host\": 1, \"iommus\": {}}", "/iommus: must be an array"},
        {"{\"host\": 1, \"iommus\": [{}]}", "/iommus/0/name: a string must be here"},
        {"{\"host\": 1, \"iommus\": [{\"name\": \"a\"}, {\"name\": \"a\"}]}",
         "/iommus/1/name: \"a\" is listed twice"},
        {"{\"host\": 1, \"iommus\": [{\"name\": \"a\", \"cap\": \"80\"}]}",
         "/iommus/0/cap: must be a hex string"},
        {"{\"host\": 1, \"iommus\": [{\"name\": \"a\", \"idr\": [\"0x1\"]}]}",
         "/iommus/0/idr: must hold the six registers"},
        {"{\"host\": 1, \"iommus\": [{\"name\": \"a\", \"cmdqv\": {\"version\": 1}}]}",
         "/iommus/0/cmdqv/log2vcmdqs: a number must be here"},
        {"{\"host\": 1, \"groups\": [{\"id\": 3}, {\"id\": 3}]}",
         "/groups/1/id: group 3 is listed twice"},
        {"{\"host\": 1, \"groups\": [{\"id\": 3, \"devices\": [\"1:00.0\"]}]}",
         "/groups/0/devices/0: must be an address"},
        {"{\"host\": 1, \"groups\": [{\"id\": 1, \"devices\": [\"0000:01:00.0\"]},"
         "{\"id\": 2, \"devices\": [\"0000:01:00.0\"]}]}",
         "/groups/1/devices/0: 0000:01:00.0 is in a group already"},
        {"{\"host\": 1, \"groups\": [{\"id\": 3, \"reserved\": [{\"start\": \"0x2\", \"end\":"
         "\"0x1\", \"type\": \"msi\"}]}]}",
         "/groups/0/reserved/0: needs start, end (not below start)"},
        {"{\"host\": 1, \"devices\": [{\"address\": \"0000:01:00.0\"},"
         "{\"address\": \"0000:01:00.0\"}]}",
         "/devices/1/address: \"0000:01:00.0\" is listed twice"},
        {"{\"host\": 1, \"devices\": [{\"address\": \"0000:01:00.0\", \"physfn\": \"x\"}]}",
         "/devices/0/physfn: must be an address"},
        {"{\"host\": 1, \"devices\": [{\"address\": \"0000:01:00.0\", \"bars\": [{\"index\": 0,"
         "\"size\": 4, \"bits\": 48}]}]}",
         "/devices/0/bars/0: needs index, size, and bits"},
        {"{\"host\": 1, \"devices\": [{\"address\": \"0000:01:00.0\", \"pcie\": {\"type\":"
         "\"port\"}}]}",
         "/devices/0/pcie/type: \"port\" is no PCIe device or port type"},
        {"{\"host\": 1, \"devices\": [{\"address\": \"0000:01:00.0\", \"pcie\": {\"acs\":"
         "[\"xx\"]}}]}",
         "/devices/0/pcie/acs/0: must be one of"},
        {"{\"host\": 1, \"devices\": [{\"address\": \"0000:01:00.0\", \"pcie\": {\"pasid_bits\":"
         "21}}]}",
         "/devices/0/pcie/pasid_bits: must be from 0 to 20"},
        {"{\"host\": 1, \"iommus\": [], \"devices\": [{\"address\": \"0000:01:00.0\","
         "\"iommu\": \"dmar0\"}]}",
         "/devices: 0000:01:00.0 names IOMMU \"dmar0\", which is not listed"},
        {"{\"host\": 1, \"groups\": [], \"devices\": [{\"address\": \"0000:01:00.0\","
         "\"group\": 4}]}",
         "/devices: 0000:01:00.0 names group 4, which is not listed"},
        {"{\"host\": 1, \"groups\": [{\"id\": 4, \"devices\": []}], \"devices\": [{\"address\":"
         "\"0000:01:00.0\", \"group\": 4}]}",
         "/devices: 0000:01:00.0 and the lists of the groups disagree"},
        {"{\"host\": 1, \"groups\": [{\"id\": 4, \"devices\": [\"0000:01:00.0\"]}], \"devices\":"
         "[{\"address\": \"0000:01:00.0\", \"group\": null}]}",
         "/devices: 0000:01:00.0 and the lists of the groups disagree"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(ViommuHost) host = parse(cases[i].text, &error);

        g_assert_null(host);
        g_assert_error(error, VIOMMU_ERROR, VIOMMU_ERROR_SCHEMA);
        if (error && !strstr(error->message, cases[i].message))
            g_test_message("%s: \"%s\"", cases[i].message, error->message);
        g_assert_true(error && strstr(error->message, cases[i].message));
        g_assert_true(error && g_str_has_prefix(error->message, "h.json: "));
    }
}

/* Documents that the schema refuses as well (tests/schema-verdict.py). */
static void
test_invalid(void)
{
    g_autofree char *path = data_path("host-invalid", NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *file;
    guint n = 0;

    while (dir && (file = g_dir_read_name(dir))) {
        g_autofree char *full = g_build_filename(path, file, NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(ViommuHost) host = host_json_load(full, &error);

        if (host)
            g_test_message("%s is taken", file);
        g_assert_null(host);
        g_assert_error(error, VIOMMU_ERROR, VIOMMU_ERROR_SCHEMA);
        n++;
    }
    g_assert_cmpuint(n, >=, 25);
}

static void
test_reasons(void)
{
    g_autoptr(ViommuHost) host = host_facts_new();
    g_autoptr(ViommuHost) none = host_facts_none();

    host_facts_explain(host, "devices/0000:01:00.0", "needs %s", "root");
    host_facts_explain(host, "iommufd", "no such file");
    g_assert_cmpstr(host_facts_reason(host, "devices/0000:01:00.0/pcie/ats"), ==, "needs root");
    g_assert_cmpstr(host_facts_reason(host, "iommufd"), ==, "no such file");
    g_assert_null(host_facts_reason(host, "devices/0000:01:00.1/pcie"));
    g_assert_null(host_facts_reason(host, "iommufd2"));
    g_assert_true(none->none);
    g_assert_cmpint(none->devices_state, ==, BASE_STATE_UNKNOWN);
    g_assert_nonnull(strstr(host_facts_reason(none, "vfio/iommufd"), "no host facts"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/host-json/round-trip", test_round_trip);
    g_test_add_func("/host-json/examples", test_examples);
    g_test_add_func("/host-json/members", test_members);
    g_test_add_func("/host-json/states", test_states);
    g_test_add_func("/host-json/refused", test_refused);
    g_test_add_func("/host-json/invalid", test_invalid);
    g_test_add_func("/host-json/reasons", test_reasons);
    return g_test_run();
}
