/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Quotas at their limits: what others hold, what is not known, and what takes nothing. */
#include <glib/gstdio.h>
#include <string.h>

#include "host-read.h"
#include "rule.h"

#define OWN   "00000000-0000-0000-0000-000000000001"
#define OTHER "00000000-0000-0000-0000-000000000002"
#define THIRD "00000000-0000-0000-0000-000000000003"
#define GIB   (G_GUINT64_CONSTANT(1) << 30)

#define DOMAIN(devices)                                                                            \
    "<domain type='kvm'><name>vm</name><uuid>" OWN "</uuid><memory unit='GiB'>4</memory>"          \
    "<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>" devices "</devices></domain>"
#define DEVICE(bus)                                                                                \
    "<hostdev mode='subsystem' type='pci' managed='yes'><source>"                                  \
    "<address domain='0' bus='" bus "' slot='0' function='0'/></source></hostdev>"
#define TWO     DOMAIN(DEVICE("0x17") DEVICE("0x65"))
#define NETWORK "<interface type='network'><source network='default'/></interface>"
#define NVME                                                                                       \
    "<disk type='nvme' device='disk'><driver name='qemu' type='raw'/><source type='pci' "          \
    "managed='yes' namespace='1'><address domain='0' bus='1' slot='0' function='0'/></source>"     \
    "<target dev='vda' bus='virtio'/></disk>"
#define VTD                                                                                        \
    "<iommu model='intel'><driver caching_mode='on'/><alias name='ua-iommu'/></iommu>"             \
    "</devices><qemu:override xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"            \
    "<qemu:device alias='ua-iommu'><qemu:frontend>"                                                \
    "<qemu:property name='scalable-mode' type='bool' value='true'/>"                               \
    "<qemu:property name='fsts' type='bool' value='true'/>"                                        \
    "<qemu:property name='pasid-bits' type='unsigned' value='16'/>"                                \
    "</qemu:frontend></qemu:device></qemu:override><devices>"

static ViommuPolicy *
load_policy(const char *quota)
{
    g_autofree char *text =
        g_strdup_printf("{\"policy\": 1, \"name\": \"site\", \"quota\": {%s}}", quota);
    g_autofree char *path = NULL;
    gint fd = g_file_open_tmp("viommu-XXXXXX.json", &path, NULL);
    g_autoptr(GError) error = NULL;
    ViommuPolicy *policy;

    g_assert_true(g_close(fd, NULL));
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    policy = policy_load(path, rule_policy_catalogue(), &error);
    g_unlink(path);
    g_assert_no_error(error);
    return policy;
}

static ViommuHost *
load_host(void)
{
    g_autofree char *path =
        g_build_filename(g_getenv("VIOMMU_TEST_DATA"), "host", "xeon.json", NULL);
    ViommuHost *host = host_json_load(path, NULL);

    g_assert_nonnull(host);
    host->reservations_state = BASE_STATE_KNOWN;
    return host;
}

static HostReservation *
hold(ViommuHost *host, const char *uuid, guint devices, guint64 memory)
{
    HostReservation *reservation = host_reservation_new(uuid, "other");

    for (guint i = 0; i < devices; i++)
        g_ptr_array_add(reservation->devices, g_strdup_printf("0000:%02x:00.0", i));
    reservation->locked_memory = base_u64(memory);
    reservation->pasid_bits = reservation->accel_viommus = reservation->command_queues =
        base_u64(0);
    g_ptr_array_add(host->reservations, reservation);
    return reservation;
}

/* The verdict of @rule: "pass", "", or "fail: message" and "unknown: needs" */
static char *
verdict(ViommuHost *host, ViommuProfile profile, const char *xml, const char *quota,
        const char *rule)
{
    ViommuTarget target = {BASE_VERSION(12, 8, 0), BASE_VERSION(11, 1, 2), profile};
    g_autoptr(GError) error = NULL;
    g_autoptr(ViommuDomain) domain = model_domain_parse(xml, strlen(xml), "vm.xml", &error);
    g_autoptr(ViommuPolicy) policy = load_policy(quota);
    g_autoptr(View) view = NULL;
    g_autoptr(ViommuReport) report = NULL;

    g_assert_no_error(error);
    view = view_new(host, domain, policy, &target);
    report = rule_check(view);
    for (guint i = 0; i < report->findings->len; i++) {
        const Finding *finding = report->findings->pdata[i];

        if (strcmp(finding->rule->id, rule) != 0)
            continue;
        if (finding->outcome == VIOMMU_OUTCOME_FAIL)
            return g_strconcat("fail: ", finding->message, NULL);
        if (finding->outcome == VIOMMU_OUTCOME_UNKNOWN)
            return g_strconcat("unknown: ", finding->needs->pdata[0], NULL);
        return g_strdup("pass");
    }
    return g_strdup("");
}

static void
expect(ViommuHost *host, const char *xml, const char *quota, const char *wanted)
{
    const char *rule = strstr(quota, "host") ? "quota-host" : "quota-domain";
    g_autofree char *got = verdict(host, VIOMMU_PROFILE_SYSTEM, xml, quota, rule);

    g_test_message("%s", quota);
    g_assert_cmpstr(got, ==, wanted);
}

/* What others hold and what is asked for may fill the quota, and not more. */
static void
test_sums(void)
{
    g_autoptr(ViommuHost) host = load_host();

    hold(host, OTHER, 3, 8 * GIB);
    hold(host, THIRD, 1, 4 * GIB);
    expect(host, TWO, "\"host\": {\"devices\": 6}", "pass");
    expect(host, TWO, "\"host\": {\"devices\": 5}",
           "fail: 2 assigned devices asked for, other domains hold 4 of this host's quota of 5");
    expect(host, TWO, "\"host\": {\"locked_memory\": \"16 GiB\"}", "pass");
    expect(host, TWO, "\"host\": {\"locked_memory\": 17179869183}",
           "fail: locked memory 4 GiB asked for, other domains hold 12 GiB of this host's quota of "
           "17179869183 B");
    host->memory = base_u64(20 * GIB);
    expect(host, TWO, "\"host\": {\"locked_memory\": \"80%\"}", "pass");
    expect(host, TWO, "\"host\": {\"locked_memory\": \"79%\"}",
           "fail: locked memory 4 GiB asked for, other domains hold 12 GiB of this host's quota of "
           "16179 MiB");
    host->memory = (BaseU64){0};
    expect(host, TWO, "\"host\": {\"locked_memory\": \"79%\"}", "unknown: memory");
    expect(host, TWO, "\"domain\": {\"locked_memory\": \"79%\"}", "unknown: memory");
}

/* A domain that starts again, or is checked while it runs, does not stand in its own way. */
static void
test_own(void)
{
    g_autoptr(ViommuHost) host = load_host();

    hold(host, OWN, 200, 400 * GIB);
    expect(host, TWO, "\"host\": {\"devices\": 2, \"locked_memory\": \"4 GiB\"}", "pass");
}

/* Who takes nothing is not to blame for what is over-full already. */
static void
test_nothing(void)
{
    g_autoptr(ViommuHost) host = load_host();

    hold(host, OTHER, 30, 80 * GIB);
    expect(host, DOMAIN(""), "\"host\": {\"devices\": 5, \"locked_memory\": 5}", "pass");
    host->reservations_state = BASE_STATE_UNKNOWN; /* nobody keeps account */
    g_ptr_array_set_size(host->reservations, 0);
    expect(host, DOMAIN(""), "\"host\": {\"devices\": 5, \"locked_memory\": 5}", "pass");
    expect(host, TWO, "\"host\": {\"devices\": 5, \"locked_memory\": \"5 GiB\"}",
           "unknown: reservations");
    expect(host, TWO, "\"host\": {}", "");
    expect(host, TWO, "\"domain\": {\"devices\": null}, \"host\": {}", "");
}

/* Memory that is pinned without an assigned device counts as well. */
static void
test_nvme(void)
{
    g_autoptr(ViommuHost) host = load_host();

    expect(host, DOMAIN(NVME), "\"host\": {\"locked_memory\": \"4 GiB\"}", "pass");
    expect(host, DOMAIN(NVME), "\"domain\": {\"locked_memory\": \"3 GiB\"}",
           "fail: locked memory 4 GiB, the quota of a domain is 3 GiB");
}

static void
test_pasids(void)
{
    g_autoptr(ViommuHost) host = load_host();
    HostReservation *other = hold(host, OTHER, 1, 0);
    const char *xml = DOMAIN(DEVICE("0x17") VTD);

    other->devices_state = BASE_STATE_UNKNOWN; /* an entry that could not be read */
    expect(host, xml, "\"host\": {\"devices\": 5}", "unknown: reservations");
    other->devices_state = BASE_STATE_KNOWN;
    expect(host, xml, "\"host\": {\"devices\": 5}", "pass");
    expect(host, xml, "\"domain\": {\"pasid_bits\": 16}", "pass");
    expect(host, xml, "\"domain\": {\"pasid_bits\": 15}",
           "fail: 16 PASID bits, the quota of a domain is 15");
    expect(host, xml, "\"host\": {\"pasid_bits\": 16}", "pass");
    other->pasid_bits = base_u64(1);
    expect(host, xml, "\"host\": {\"pasid_bits\": 16}",
           "fail: 65536 PASIDs asked for, other domains hold 2 of this host's quota of 65536");
    expect(host, xml, "\"host\": {\"pasid_bits\": 17}", "pass");
    other->pasid_bits = (BaseU64){0};
    expect(host, xml, "\"host\": {\"pasid_bits\": 17}", "unknown: reservations");
    expect(host, xml, "\"host\": {\"pasid_bits\": 15}",
           "fail: 65536 PASIDs asked for, other domains hold 0 of this host's quota of 32768");
}

/* A network may give a device at start: that matters only where one more would be too many. */
static void
test_networks(void)
{
    g_autoptr(ViommuHost) host = load_host();
    const char *xml = DOMAIN(DEVICE("0x17") NETWORK);

    expect(host, xml, "\"domain\": {\"devices\": 2}", "pass");
    expect(host, xml, "\"domain\": {\"devices\": 1}",
           "unknown: the devices of <interface type='network'>");
    expect(host, xml, "\"domain\": {\"devices\": 0}",
           "fail: 1 assigned device, the quota of a domain is 0");
    hold(host, OTHER, 1, 0);
    expect(host, xml, "\"host\": {\"devices\": 3}", "pass");
    expect(host, xml, "\"host\": {\"devices\": 2}",
           "unknown: the devices of <interface type='network'>");
    expect(host, DOMAIN(NETWORK), "\"host\": {\"devices\": 1}",
           "unknown: the devices of <interface type='network'>");
}

static void
expect_per_user(ViommuHost *host, ViommuProfile profile, const char *wanted)
{
    static const char xml[] = DOMAIN(
        "<hostdev mode='subsystem' type='pci' managed='yes'><driver name='vfio' iommufd='yes'/>"
        "<source><address domain='0' bus='0x65' slot='0' function='0'/></source></hostdev>");
    g_autofree char *got = verdict(host, profile, xml, "", "memlock-per-user");

    g_assert_cmpstr(got, ==, wanted);
}

/* iommufd's default accounting: libvirt's limit of 5 GiB is compared with the sum of all domains
 * (Linux 7.2 drivers/iommu/iommufd/pages.c:969: more than the limit fails) */
static void
test_per_user(void)
{
    static const char vague[] = "fail: iommufd without fdgroup: the kernel adds the memory of this "
                                "domain (4 GiB) to that of all others of its user";
    g_autoptr(ViommuHost) host = load_host();

    expect_per_user(host, VIOMMU_PROFILE_SYSTEM, "");
    expect_per_user(host, VIOMMU_PROFILE_SESSION, vague);
    hold(host, OWN, 1, 400 * GIB);
    hold(host, OTHER, 1, GIB / 2);
    hold(host, THIRD, 1, GIB / 2);
    expect_per_user(host, VIOMMU_PROFILE_KUBEVIRT, vague);
    hold(host, "00000000-0000-0000-0000-000000000004", 1, GIB);
    expect_per_user(host, VIOMMU_PROFILE_KUBEVIRT,
                    "fail: iommufd without fdgroup: the kernel adds the memory of this domain "
                    "(4 GiB) to the 2 GiB that other domains hold, and its limit is 5 GiB");
    host->reservations_state = BASE_STATE_UNKNOWN;
    expect_per_user(host, VIOMMU_PROFILE_KUBEVIRT, vague);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/quota/sums", test_sums);
    g_test_add_func("/quota/own", test_own);
    g_test_add_func("/quota/nothing", test_nothing);
    g_test_add_func("/quota/nvme", test_nvme);
    g_test_add_func("/quota/pasids", test_pasids);
    g_test_add_func("/quota/networks", test_networks);
    g_test_add_func("/quota/per-user", test_per_user);
    return g_test_run();
}
