/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices into and out of domains that ran for real (tests/xml/expert-*), and where it fails. */
#include "hotplug.h"

#include <string.h>

#include "host-read.h"

typedef struct {
    const char *domain; /* golden case */
    const char *host;
    const char *device;
    const char *find, *replace; /* in the domain's text; NULL */
    ViommuProfile profile;
    gboolean detach;
    BaseTri can_raise;
} Try;

static char *
replaced(const char *text, const char *find, const char *replace)
{
    g_auto(GStrv) parts = g_strsplit(text, find, -1);

    g_assert_cmpuint(g_strv_length(parts), >, 1);
    return g_strjoinv(replace, parts);
}

static ViommuDomain *
load_domain(const Try *try)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path =
        g_build_filename(g_getenv("VIOMMU_TEST_DATA"), "xml", try->domain, "domain.xml", NULL);
    g_autofree char *text = NULL;
    g_autofree char *changed = NULL;
    ViommuDomain *domain;

    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    changed = try->find ? replaced(text, try->find, try->replace) : g_strdup(text);
    domain = model_domain_parse(changed, strlen(changed), "vm.xml", &error);
    g_assert_no_error(error);
    return domain;
}

static Hotplug *
plug(const Try *try, GError **error)
{
    g_autoptr(GError) wrong = NULL;
    g_autofree char *file = g_strconcat(try->host, ".json", NULL);
    g_autofree char *path = g_build_filename(g_getenv("VIOMMU_TEST_DATA"), "host", file, NULL);
    g_autoptr(ViommuHost) host = host_json_load(path, &wrong);
    g_autoptr(ViommuDomain) domain = load_domain(try);
    g_autoptr(ViommuPolicy) policy = policy_load(NULL, NULL, &wrong);
    ViommuTarget target = {BASE_VERSION(12, 8, 0), BASE_VERSION(11, 1, 2), try->profile};
    g_autofree char *text = NULL;

    g_assert_no_error(wrong);
    if (try->can_raise != BASE_UNKNOWN)
        host->memlock.can_raise = try->can_raise;
    if (try->detach)
        return hotplug_detach(host, domain, policy, &target, try->device, "device.xml", error);
    text = hotplug_device_text(try->device, "device.xml", error);
    return text ? hotplug_attach(host, domain, policy, &target, text, "device.xml", error) : NULL;
}

static Hotplug *
answer(const Try *try)
{
    g_autoptr(GError) error = NULL;
    Hotplug *hotplug = plug(try, &error);

    g_assert_no_error(error);
    return hotplug;
}

static void
show(const Hotplug *hotplug)
{
    g_autoptr(GString) out = g_string_new(NULL);
    WriteStyle style = {0};

    hotplug_render(hotplug, &style, out);
    g_test_message("%s", out->str);
}

static void
assert_refused(const Try *try, const char *rule, const char *words)
{
    g_autoptr(Hotplug) hotplug = answer(try);
    gboolean found = FALSE;

    g_assert_false(hotplug->feasible);
    g_assert_null(hotplug->xml);
    for (guint i = 0; i < hotplug->reasons->len; i++) {
        const HotplugReason *reason = hotplug->reasons->pdata[i];

        found = found || (g_strcmp0(reason->rule, rule) == 0 && strstr(reason->text, words));
    }
    if (!found)
        show(hotplug);
    g_assert_true(found);
}

static void
assert_has(const char *text, const char *part)
{
    if (!text || !strstr(text, part))
        g_test_message("no \"%s\" in: %s", part, text ? text : "nothing");
    g_assert_true(text && strstr(text, part));
}

#define AT(bus) "<address type='pci' domain='0x0000' bus='" bus "' slot='0x00' function='0x0'/>"
#define ON(slot, more)                                                                             \
    "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' "         \
    "bus='0x01'"                                                                                   \
    " slot='" slot "' function='0x0'/></source>" more "</hostdev>"

#define VF(more)                                                                                   \
    "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' "         \
    "bus='0x02' slot='0x10' function='0x0'/></source>" more "</hostdev>"

/* --- plugging in --- */

/* The VF went into this port and libvirt set this limit: expert domain f. */
static void
test_shadow(void)
{
    Try try = {.domain = "expert-f-vtd-shadow-legacy", .host = "lab-x86", .device = "0000:02:10.0"};
    g_autoptr(Hotplug) hotplug = answer(&try);

    show(hotplug);
    g_assert_true(hotplug->feasible);
    g_assert_cmpuint(hotplug->bus.value, ==, 3);
    assert_has(hotplug->xml, AT("0x03"));
    assert_has(hotplug->xml, "<alias name='ua-0000-02-10-0'/>");
    g_assert_null(strstr(hotplug->xml, "iommufd"));
    g_assert_cmpuint(hotplug->before.value, ==, 1207959552);
    g_assert_cmpuint(hotplug->after.value, ==, 1275068416);
    g_assert_cmpuint(hotplug->libvirt.value, ==, 1275068416);
    g_assert_cmpuint(hotplug->first->len, ==, 0);
    g_assert_cmpint(hotplug->mode, ==, VIOMMU_MODE_SHADOW);
}

/* Behind the vSMMU that stands for its SMMU, by iommufd, though the XML says neither. */
static void
test_nested(void)
{
    Try try = {.domain = "expert-b-hotplug-only", .host = "lab-arm64", .device = "0000:03:00.0"};
    g_autoptr(Hotplug) hotplug = answer(&try);

    show(hotplug);
    g_assert_true(hotplug->feasible);
    g_assert_cmpint(hotplug->mode, ==, VIOMMU_MODE_NESTED);
    assert_has(hotplug->xml, AT("0x02"));
    assert_has(hotplug->xml, "<driver name='vfio' iommufd='yes'/>");
}

static void
test_what_is_written_stays(void)
{
    Try try = {.domain = "expert-b-hotplug-only",
               .host = "lab-arm64",
               .device = "<?xml version='1.0'?>\n"
                         "<hostdev mode='subsystem' type='pci' managed='no'>\n"
                         "  <!-- ours -->\n"
                         "  <driver name='vfio' iommufd='yes'/>\n"
                         "  <source>\n"
                         "    <address domain='0x0000' bus='0x03' slot='0x00' function='0x0'/>\n"
                         "  </source>\n"
                         "  <alias name='ua-disk'/>\n"
                         "  " AT("0x03") "\n"
                                         "</hostdev>\n"};
    g_autoptr(Hotplug) hotplug = answer(&try);

    show(hotplug);
    g_assert_true(hotplug->feasible);
    g_assert_cmpstr(hotplug->xml, ==,
                    "<hostdev mode='subsystem' type='pci' managed='no'>\n"
                    "  <!-- ours -->\n"
                    "  <driver name='vfio' iommufd='yes'/>\n"
                    "  <source>\n"
                    "    <address domain='0x0000' bus='0x03' slot='0x00' function='0x0'/>\n"
                    "  </source>\n"
                    "  <alias name='ua-disk'/>\n"
                    "  " AT("0x03") "\n"
                                    "</hostdev>");
}

static void
test_no_port(void)
{
    Try other_smmu = {.domain = "accel-expert-b-live-after-attach",
                      .host = "lab-arm64",
                      .device = "0000:41:00.0"};
    Try no_hotplug = {.domain = "expert-f-vtd-shadow-legacy",
                      .host = "lab-x86",
                      .device = "0000:02:10.0",
                      .find = "<model name='pcie-root-port'/>",
                      .replace = "<model name='pcie-root-port'/><target hotplug='off'/>"};

    assert_refused(&other_smmu, "hotplug-no-free-port", "ports cannot be plugged in");
    assert_refused(&other_smmu, "accel-second-smmu", "<iommu model=smmuv3>");
    assert_refused(&no_hotplug, "hotplug-no-free-port", "no free hotplug port");
}

/* An address that is written is not changed, so it must be one that takes a device. */
static void
test_place(void)
{
    Try off = {.domain = "expert-f-vtd-shadow-legacy",
               .host = "lab-x86",
               .device = VF(AT("0x03")),
               .find = "<model name='pcie-root-port'/>",
               .replace = "<model name='pcie-root-port'/><target hotplug='off'/>"};

    assert_refused(&off, "hotplug-port-off", "port of bus 3");
}

/* What the domain's vIOMMU cannot give is not made weaker. */
static void
test_usage(void)
{
    Try try = {.domain = "expert-f-vtd-shadow-legacy",
               .host = "lab-x86",
               .device = "<hostdev mode='subsystem' type='pci'><source><address domain='0x0000' "
                         "bus='0x02' slot='0x10' function='0x0'/></source><alias name='ua-vf'/>"
                         "</hostdev>",
               .find = "<name>",
               .replace = "<metadata><viommu:intent xmlns:viommu='urn:virt-viommu:domain:1'>"
                          "<viommu:device alias='ua-vf' usage='pasid'/></viommu:intent></metadata>"
                          "<name>"};

    assert_refused(&try, "vtd-first-stage-host", "ECAP.NEST");
}

static void
test_group(void)
{
    Try alone = {.domain = "plan-vtd-ok", .host = "xeon", .device = "0000:99:00.0"};
    Try mate = {.domain = "plan-vtd-ok",
                .host = "xeon",
                .device = "0000:99:00.0",
                .find = "bus='0x17' slot='0x00' function='0x0'",
                .replace = "bus='0x99' slot='0x00' function='0x1'"};
    g_autoptr(Hotplug) hotplug = answer(&alone);

    g_assert_true(hotplug->feasible); /* the other function is on vfio-pci, and nobody's */
    assert_refused(&mate, "group-singleton", "2 endpoints");
}

static void
test_limits(void)
{
    Try hard = {.domain = "expert-f-vtd-shadow-legacy",
                .host = "lab-x86",
                .device = "0000:02:10.0",
                .find = "<name>",
                .replace = "<memtune><hard_limit unit='KiB'>150000</hard_limit></memtune><name>"};
    Try session = {.domain = "expert-f-vtd-shadow-legacy",
                   .host = "lab-x86",
                   .device = "0000:02:10.0",
                   .profile = VIOMMU_PROFILE_SESSION};
    Try weak = {.domain = "expert-f-vtd-shadow-legacy",
                .host = "lab-x86",
                .device = "0000:02:10.0",
                .can_raise = BASE_NO};
    g_autoptr(Hotplug) first = answer(&hard);
    g_autoptr(Hotplug) second = answer(&session);
    g_autoptr(Hotplug) third = answer(&weak);

    show(first);
    g_assert_true(first->feasible);
    g_assert_cmpuint(first->first->len, ==, 1);
    assert_has(first->first->pdata[0],
               "virsh memtune f-vtd-shadow-legacy --hard-limit 1245184 --live");
    g_assert_cmpuint(second->first->len, ==, 1);
    assert_has(second->first->pdata[0], "--memlock=1275068416:1275068416");
    g_assert_cmpuint(third->first->len, ==, 1);
    assert_has(third->first->pdata[0], "/run/libvirt/qemu/f-vtd-shadow-legacy.pid");
}

/* What "auto" was is not known once no device is left that it was copied from. */
static void
test_auto(void)
{
    Try try = {.domain = "expert-b-hotplug-only",
               .host = "lab-arm64",
               .device = "0000:03:00.0",
               .find = " ats='off'",
               .replace = ""};

    assert_refused(&try, "accel-auto-cold", "nothing tells how");
}

static void
test_window(void)
{
    Try try = {.domain = "plan-vtd-ok", .host = "xeon", .device = "0000:65:00.0"};
    g_autoptr(Hotplug) hotplug = answer(&try);
    gboolean found = FALSE;

    show(hotplug);
    g_assert_true(hotplug->feasible);
    for (guint i = 0; i < hotplug->notes->len; i++)
        found = found || strstr(hotplug->notes->pdata[i], "prefetchable BARs take");
    g_assert_true(found);
}

static void
test_wrong_input(void)
{
    static const struct {
        const char *device, *error;
    } cases[] = {
        {"<disk type='file'/>", "device.xml:1: one <hostdev>"},
        {"<hostdev mode='subsystem' type='pci'>\n<oops>\n</hostdev>", "device.xml:3:"},
        {ON("0x00", "") ON("0x01", ""), "device.xml:1: one <hostdev>"},
        {"<!-- none -->", "not <nothing>"},
        {"", "device.xml: neither a file with a <hostdev> nor a PCI address"},
        {"hostdev.xml", "device.xml: neither a file with a <hostdev> nor a PCI address"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        Try try = {
            .domain = "expert-f-vtd-shadow-legacy", .host = "lab-x86", .device = cases[i].device};
        g_autoptr(GError) error = NULL;
        g_autoptr(Hotplug) hotplug = plug(&try, &error);

        g_assert_null(hotplug);
        g_assert_nonnull(error);
        assert_has(error ? error->message : NULL, cases[i].error);
    }
}

/* --- unplugging --- */

static void
test_detach(void)
{
    Try by_address = {.domain = "expert-f-vtd-shadow-legacy",
                      .host = "lab-x86",
                      .device = "0000:01:00.0",
                      .detach = TRUE};
    Try by_xml = {.domain = "expert-f-vtd-shadow-legacy",
                  .host = "lab-x86",
                  .device = ON("0x00", ""),
                  .detach = TRUE};
    Try nobody = {.domain = "expert-f-vtd-shadow-legacy",
                  .host = "lab-x86",
                  .device = "ua-nobody",
                  .detach = TRUE};
    g_autoptr(Hotplug) first = answer(&by_address);
    g_autoptr(Hotplug) second = answer(&by_xml);
    g_autoptr(GError) error = NULL;

    g_assert_true(first->feasible);
    g_assert_true(g_str_has_prefix(first->xml, "<hostdev"));
    g_assert_cmpstr(first->xml, ==, second->xml);
    g_assert_null(plug(&nobody, &error));
    assert_has(error ? error->message : NULL, "no such assigned device: ua-nobody");
}

static void
test_detach_refused(void)
{
    Try queues = {
        .domain = "accel-ok-explicit", .host = "grace", .device = "0009:01:00.0", .detach = TRUE};
    Try root = {.domain = "expert-f-vtd-shadow-legacy",
                .host = "lab-x86",
                .device = "0000:01:00.0",
                .detach = TRUE,
                .find = AT("0x01"),
                .replace = "<address type='pci' domain='0x0000' bus='0x00' slot='0x09' "
                           "function='0x0'/>"};
    Try off = {.domain = "expert-f-vtd-shadow-legacy",
               .host = "lab-x86",
               .device = "0000:01:00.0",
               .detach = TRUE,
               .find = "<model name='pcie-root-port'/>",
               .replace = "<model name='pcie-root-port'/><target hotplug='off'/>"};

    assert_refused(&queues, "accel-cmdqv", "CMDQV is active");
    assert_refused(&root, NULL, "root bus itself");
    assert_refused(&off, "hotplug-port-off", "hotplug='off'");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/hotplug/shadow", test_shadow);
    g_test_add_func("/hotplug/nested", test_nested);
    g_test_add_func("/hotplug/written", test_what_is_written_stays);
    g_test_add_func("/hotplug/no-port", test_no_port);
    g_test_add_func("/hotplug/place", test_place);
    g_test_add_func("/hotplug/usage", test_usage);
    g_test_add_func("/hotplug/group", test_group);
    g_test_add_func("/hotplug/limits", test_limits);
    g_test_add_func("/hotplug/auto", test_auto);
    g_test_add_func("/hotplug/window", test_window);
    g_test_add_func("/hotplug/wrong-input", test_wrong_input);
    g_test_add_func("/hotplug/detach", test_detach);
    g_test_add_func("/hotplug/detach-refused", test_detach_refused);
    return g_test_run();
}
