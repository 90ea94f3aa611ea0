/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The join through parsed XML: what QEMU will see of a vIOMMU, and what that covers. */
#include "view-memlock.h"
#include "view-stack.h"
#include "view.h"

#include <string.h>

#define QEMU_11_1 BASE_VERSION(11, 1, 2)

typedef struct {
    ViommuHost *host;
    ViommuDomain *domain;
    ViommuPolicy *policy;
    View *view;
} Joined;

static Joined
join(const char *xml, guint64 libvirt, guint64 qemu)
{
    ViommuTarget target = {.libvirt = libvirt, .qemu = qemu};
    g_autoptr(GError) error = NULL;
    Joined joined = {0};

    joined.host = host_facts_new();
    joined.policy = policy_load(NULL, NULL, &error);
    g_assert_no_error(error);
    joined.domain = model_domain_parse(xml, strlen(xml), "test.xml", &error);
    g_assert_no_error(error);
    joined.view = view_new(joined.host, joined.domain, joined.policy, &target);
    return joined;
}

static void
joined_clear(Joined *joined)
{
    view_free(joined->view);
    model_domain_unref(joined->domain);
    policy_unref(joined->policy);
    host_facts_unref(joined->host);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Joined, joined_clear)

/* A q35 or virt domain with @devices inside <devices> and @tail behind it */
static char *
domain_xml(const char *type, const char *machine, const char *features, guint vcpus,
           const char *devices, const char *tail)
{
    const char *arch = g_str_has_prefix(machine, "virt") ? "aarch64" : "x86_64";

    return g_strdup_printf(
        "<domain type='%s' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
        "<name>t</name><memory unit='GiB'>4</memory><vcpu>%u</vcpu>"
        "<os><type arch='%s' machine='%s'>hvm</type></os><features><acpi/>%s</features>"
        "<devices>%s<controller type='usb' model='none'/><memballoon model='none'/></devices>"
        "%s</domain>",
        type, vcpus, arch, machine, features, devices, tail);
}

static const ViewIommu *
first_iommu(const Joined *joined)
{
    g_assert_cmpuint(joined->view->iommus->len, >=, 1);
    return joined->view->iommus->pdata[0];
}

/* Default widths: QEMU 11.1 hw/i386/pc.c:104, pc_q35.c:71, hw/arm/virt.c:101, core/machine.c:111 */
static void
test_widths(void)
{
    static const struct {
        const char *machine, *iommu;
        guint64 qemu;
        BaseState state;
        guint64 width;
    } rows[] = {
        {"pc-q35-9.2", "<iommu model='intel'/>", 0, BASE_STATE_UNKNOWN, 0},
        {"pc-q35-9.2", "<iommu model='intel'/>", BASE_VERSION(9, 2, 4), BASE_STATE_KNOWN, 39},
        {"pc-q35-9.2", "<iommu model='intel'/>", BASE_VERSION(10, 0, 0), BASE_STATE_KNOWN, 48},
        {"pc-q35-10.0", "<iommu model='intel'/>", 0, BASE_STATE_KNOWN, 48},
        {"pc-q35-9.1", "<iommu model='intel'/>", QEMU_11_1, BASE_STATE_KNOWN, 39},
        {"q35", "<iommu model='intel'/>", QEMU_11_1, BASE_STATE_KNOWN, 48},
        {"q35", "<iommu model='intel'/>", BASE_VERSION(7, 2, 19), BASE_STATE_KNOWN, 39},
        {"q35", "<iommu model='intel'/>", 0, BASE_STATE_UNKNOWN, 0},
        {"q35", "<iommu model='intel'><driver aw_bits='39'/></iommu>", 0, BASE_STATE_KNOWN, 39},
        {"pc-q35-11.1", "<iommu model='virtio'/>", 0, BASE_STATE_KNOWN, 39},
        {"pc-q35-8.2", "<iommu model='virtio'/>", 0, BASE_STATE_KNOWN, 64},
        {"virt-9.0", "<iommu model='virtio'/>", 0, BASE_STATE_KNOWN, 48},
        {"virt", "<iommu model='virtio'/>", 0, BASE_STATE_UNKNOWN, 0},
        {"virt", "<iommu model='virtio'><driver aw_bits='52'/></iommu>", 0, BASE_STATE_KNOWN, 52},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *xml = domain_xml("kvm", rows[i].machine, "", 2, rows[i].iommu, "");
        g_auto(Joined) joined = join(xml, BASE_VERSION(12, 8, 0), rows[i].qemu);
        const ViewIommu *iommu = first_iommu(&joined);

        g_test_message("%s %s", rows[i].machine, rows[i].iommu);
        g_assert_cmpint(iommu->aw_bits.state, ==, rows[i].state);
        g_assert_cmpuint(iommu->aw_bits.value, ==, rows[i].width);
    }
}

/* QEMU 11.1 hw/core/machine.c:110, qapi/virtio.json */
static void
test_granules(void)
{
    static const struct {
        const char *machine, *driver;
        guint64 qemu;
        BaseState state;
        guint64 bytes;
    } rows[] = {
        {"pc-q35-8.2", "", 0, BASE_STATE_KNOWN, 4096},
        {"pc-q35-9.0", "", 0, BASE_STATE_ABSENT, 0},
        {"q35", "", BASE_VERSION(7, 2, 0), BASE_STATE_KNOWN, 4096},
        {"virt", "", QEMU_11_1, BASE_STATE_ABSENT, 0},
        {"virt", "", 0, BASE_STATE_UNKNOWN, 0},
        {"virt", "<granule mode='host'/>", 0, BASE_STATE_ABSENT, 0},
        {"virt-8.2", "<granule size='64'/>", 0, BASE_STATE_KNOWN, 65536},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *iommu =
            g_strdup_printf("<iommu model='virtio'><driver>%s</driver></iommu>", rows[i].driver);
        g_autofree char *xml = domain_xml("kvm", rows[i].machine, "", 2, iommu, "");
        g_auto(Joined) joined = join(xml, BASE_VERSION(12, 8, 0), rows[i].qemu);

        g_test_message("%s %s", rows[i].machine, rows[i].driver);
        g_assert_cmpint(first_iommu(&joined)->granule.state, ==, rows[i].state);
        g_assert_cmpuint(first_iommu(&joined)->granule.value, ==, rows[i].bytes);
    }
}

#define OVERRIDE(properties)                                                                       \
    "<qemu:override><qemu:device alias='ua-v'><qemu:frontend>" properties                          \
    "</qemu:frontend></qemu:device></qemu:override>"
#define PROPERTY(name, type, value)                                                                \
    "<qemu:property name='" name "' type='" type "' value='" value "'/>"

static void
test_override(void)
{
    static const char *const devices = "<iommu model='intel'><driver caching_mode='on' "
                                       "aw_bits='48' iotlb='on'/><alias name='ua-v'/></iommu>";
    static const char *const tail = OVERRIDE(
        PROPERTY("scalable-mode", "bool",
                 "true") PROPERTY("fsts", "bool", "true") PROPERTY("pasid-bits", "unsigned", "16")
            PROPERTY("fs1gp", "string", "off") PROPERTY("caching-mode", "bool", "false") PROPERTY(
                "device-iotlb", "remove",
                "")) "<qemu:commandline><qemu:arg value='-global'/>"
                     "<qemu:arg value='intel-iommu.snoop-control=on'/><qemu:arg value='-global'/>"
                     "<qemu:arg value='intel-iommu.aw-bits=39'/></qemu:commandline>";
    g_autofree char *xml = domain_xml("kvm", "pc-q35-11.1", "", 2, devices, tail);
    g_auto(Joined) joined = join(xml, BASE_VERSION(12, 8, 0), QEMU_11_1);
    const ViewIommu *iommu = first_iommu(&joined);

    g_assert_cmpint(iommu->scalable, ==, BASE_YES);
    g_assert_cmpint(iommu->fsts, ==, BASE_YES);
    g_assert_cmpuint(iommu->pasid_bits.value, ==, 16);
    g_assert_cmpint(iommu->fs1gp, ==, BASE_NO);
    /* an override replaces what libvirt makes of the attribute */
    g_assert_cmpint(iommu->caching_mode, ==, BASE_NO);
    g_assert_cmpint(iommu->device_iotlb, ==, BASE_NO);
    /* -global counts where nothing else is written */
    g_assert_cmpint(iommu->snoop_control, ==, BASE_YES);
    g_assert_cmpuint(iommu->aw_bits.value, ==, 48);
    g_assert_cmpint(iommu->dma_translation, ==, BASE_YES);
}

static void
test_old_names(void)
{
    static const char *const devices =
        "<iommu model='intel'><driver caching_mode='on'/><alias name='ua-v'/></iommu>";
    static const char *const tail = OVERRIDE(PROPERTY("x-scalable-mode", "bool", "true") PROPERTY(
        "x-flts", "bool", "true") PROPERTY("x-pasid-mode", "bool", "true"));
    g_autofree char *xml = domain_xml("kvm", "pc-q35-10.0", "", 2, devices, tail);
    g_auto(Joined) joined = join(xml, BASE_VERSION(11, 3, 0), BASE_VERSION(10, 0, 13));
    const ViewIommu *iommu = first_iommu(&joined);

    g_assert_cmpint(iommu->scalable, ==, BASE_YES);
    g_assert_cmpint(iommu->fsts, ==, BASE_YES);
    /* a switch without a width */
    g_assert_cmpint(iommu->pasid_bits.state, ==, BASE_STATE_UNKNOWN);
}

static void
test_interrupts(void)
{
    static const struct {
        const char *type, *features;
        guint vcpus;
        guint64 libvirt;
        BaseTri intremap, eim;
    } rows[] = {
        {"kvm", "<ioapic driver='qemu'/>", 2, 0, BASE_YES, BASE_YES},
        {"kvm", "", 2, 0, BASE_NO, BASE_NO},
        {"qemu", "", 2, 0, BASE_YES, BASE_NO},
        {"kvm", "", 300, BASE_VERSION(12, 8, 0), BASE_YES, BASE_YES},
        {"kvm", "", 300, BASE_VERSION(9, 0, 0), BASE_NO, BASE_NO},
        {"kvm", "", 300, 0, BASE_UNKNOWN, BASE_UNKNOWN},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *xml = domain_xml(rows[i].type, "pc-q35-11.1", rows[i].features,
                                          rows[i].vcpus, "<iommu model='intel'/>", "");
        g_auto(Joined) joined = join(xml, rows[i].libvirt, QEMU_11_1);

        g_test_message("row %u", i);
        g_assert_cmpint(first_iommu(&joined)->intremap, ==, rows[i].intremap);
        g_assert_cmpint(first_iommu(&joined)->eim, ==, rows[i].eim);
    }
}

/* auto from virt-11.1 on, forced values before (QEMU 11.1 hw/core/machine.c:49-52) */
static void
test_smmu_values(void)
{
    static const struct {
        const char *machine, *driver;
        guint64 qemu;
        BaseTri accel, autos, ats, ril;
        BaseState oas_state;
        guint64 oas;
        BaseState ssid_state;
    } rows[] = {
        {"virt-11.1", "pciBus='1' accel='on'", 0, BASE_YES, BASE_YES, BASE_UNKNOWN, BASE_UNKNOWN,
         BASE_STATE_ABSENT, 0, BASE_STATE_ABSENT},
        {"virt-11.0", "pciBus='1' accel='on'", 0, BASE_YES, BASE_NO, BASE_NO, BASE_YES,
         BASE_STATE_KNOWN, 44, BASE_STATE_KNOWN},
        {"virt-11.0", "pciBus='1' accel='on' oas='48' ats='on'", 0, BASE_YES, BASE_NO, BASE_YES,
         BASE_YES, BASE_STATE_KNOWN, 48, BASE_STATE_KNOWN},
        {"virt", "pciBus='1' accel='on'", 0, BASE_YES, BASE_UNKNOWN, BASE_UNKNOWN, BASE_UNKNOWN,
         BASE_STATE_UNKNOWN, 0, BASE_STATE_UNKNOWN},
        {"virt", "pciBus='1' accel='on'", QEMU_11_1, BASE_YES, BASE_YES, BASE_UNKNOWN, BASE_UNKNOWN,
         BASE_STATE_ABSENT, 0, BASE_STATE_ABSENT},
        {"virt-11.1", "accel='on'", 0, BASE_NO, BASE_NO, BASE_NO, BASE_YES, BASE_STATE_KNOWN, 44,
         BASE_STATE_KNOWN},
        {"virt-11.1", "pciBus='1'", 0, BASE_NO, BASE_NO, BASE_NO, BASE_YES, BASE_STATE_KNOWN, 44,
         BASE_STATE_KNOWN},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *driver =
            g_strdup_printf("<iommu model='smmuv3'><driver %s/></iommu>", rows[i].driver);
        g_autofree char *xml = domain_xml("kvm", rows[i].machine, "", 2, driver, "");
        g_auto(Joined) joined = join(xml, BASE_VERSION(12, 8, 0), rows[i].qemu);
        const ViewIommu *iommu = first_iommu(&joined);

        g_test_message("%s %s", rows[i].machine, rows[i].driver);
        g_assert_cmpint(iommu->accel, ==, rows[i].accel);
        g_assert_cmpint(iommu->values_auto, ==, rows[i].autos);
        g_assert_cmpint(iommu->ats, ==, rows[i].ats);
        g_assert_cmpint(iommu->ril, ==, rows[i].ril);
        g_assert_cmpint(iommu->oas.state, ==, rows[i].oas_state);
        g_assert_cmpuint(iommu->oas.value, ==, rows[i].oas);
        g_assert_cmpint(iommu->ssidsize.state, ==, rows[i].ssid_state);
        g_assert_cmpint(iommu->accel_written, ==, strstr(rows[i].driver, "accel='on'") != NULL);
    }
}

#define ARGS(first, second)                                                                        \
    "<qemu:commandline><qemu:arg value='" first "'/><qemu:arg value='" second                      \
    "'/></qemu:commandline>"
#define BUSES                                                                                      \
    "<controller type='pci' index='0' model='pcie-root'/>"                                         \
    "<controller type='pci' index='1' model='pcie-expander-bus'><target busNr='64'/>"              \
    "<address type='pci' domain='0' bus='0' slot='8' function='0'/></controller>"                  \
    "<controller type='pci' index='2' model='pcie-root-port'>"                                     \
    "<address type='pci' domain='0' bus='1' slot='0' function='0'/></controller>"                  \
    "<controller type='pci' index='3' model='pcie-root-port'>"                                     \
    "<address type='pci' domain='0' bus='0' slot='1' function='0'/></controller>"
#define INTERFACE(host, bus)                                                                       \
    "<interface type='hostdev'><source><address type='pci' domain='0' bus='" host                  \
    "' slot='0' function='0'/></source><address type='pci' domain='0' bus='" bus                   \
    "' slot='0' function='0'/></interface>"
#define HOSTDEV(host, bus)                                                                         \
    "<hostdev mode='subsystem' type='pci'><driver iommufd='yes'/><source><address domain='0' "     \
    "bus='" host "' slot='0' function='0'/></source><address type='pci' domain='0' bus='" bus      \
    "' slot='0' function='0'/></hostdev>"

/* Which of two devices, on the expander's port and on pcie.0's, a vIOMMU covers */
static void
test_coverage(void)
{
    static const char *const bypass =
        "<qemu:override><qemu:device alias='pci.1'><qemu:frontend>" PROPERTY(
            "bypass_iommu", "bool", "true") "</qemu:frontend></qemu:device></qemu:override>";
    static const struct {
        const char *machine, *devices, *tail;
        BaseTri expander, root;
        guint spaces;
    } rows[] = {
        {"virt-11.1", "<iommu model='smmuv3'><driver pciBus='1' accel='on'/></iommu>", "", BASE_YES,
         BASE_NO, 2},
        {"virt-11.1", "<iommu model='smmuv3'><driver pciBus='0'/></iommu>", "", BASE_NO, BASE_YES,
         2},
        {"virt-11.1", "<iommu model='smmuv3'/>", "", BASE_YES, BASE_YES, 2},
        {"virt-11.1", "<iommu model='virtio'/>", "", BASE_YES, BASE_YES, 2},
        {"pc-q35-11.1", "<iommu model='intel'/>", "", BASE_YES, BASE_YES, 2},
        {"pc-q35-11.1", "<iommu model='intel'/>", bypass, BASE_NO, BASE_YES, 2},
        {"pc-q35-11.1", "<iommu model='intel'/>", ARGS("-global", "pxb-pcie.bypass_iommu=on"),
         BASE_NO, BASE_YES, 2},
        {"pc-q35-11.1", "<iommu model='intel'/>", ARGS("-global", "pxb-pcie.bypass_iommus=on"),
         BASE_YES, BASE_YES, 2},
        {"pc-q35-11.1", "<iommu model='intel'/>", ARGS("-global", "pxb-pci.bypass_iommu=on"),
         BASE_YES, BASE_YES, 2},
        {"pc-q35-11.1", "<iommu model='intel'/>", ARGS("-set", "pxb-pcie.bypass_iommu=on"),
         BASE_YES, BASE_YES, 2},
        {"pc-q35-11.1", "<iommu model='intel'/>", ARGS("-M", "default-bus-bypass-iommu=on"),
         BASE_YES, BASE_NO, 2},
        {"virt-11.1", "", ARGS("-device", "arm-smmuv3,primary-bus=pci.1,accel=on"), BASE_YES,
         BASE_NO, 2},
        {"virt-11.1", "", ARGS("-device", "arm-smmuv3,primary-bus=pcie.0"), BASE_NO, BASE_YES, 2},
        {"pc-q35-11.1", "", "", BASE_NO, BASE_NO, 1},
        {"pc-q35-11.1", "", ARGS("-device", "intel-iommu,caching-mode=on"), BASE_YES, BASE_YES, 2},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *devices =
            g_strconcat(BUSES, rows[i].devices, HOSTDEV("1", "2"), HOSTDEV("2", "3"), NULL);
        g_autofree char *xml = domain_xml("kvm", rows[i].machine, "", 2, devices, rows[i].tail);
        g_auto(Joined) joined = join(xml, BASE_VERSION(12, 8, 0), QEMU_11_1);
        const ViewHostdev *expander = joined.view->hostdevs->pdata[0];
        const ViewHostdev *root = joined.view->hostdevs->pdata[1];
        g_autoptr(ViewMemlock) memlock = view_memlock(joined.view, 0);

        g_test_message("row %u", i);
        g_assert_cmpuint(expander->root_bus, ==, 1);
        g_assert_cmpuint(root->root_bus, ==, 0);
        g_assert_cmpint(expander->covered, ==, rows[i].expander);
        g_assert_cmpint(root->covered, ==, rows[i].root);
        g_assert_cmpint(expander->viommu != NULL, ==, rows[i].expander == BASE_YES);
        g_assert_cmpuint(memlock->spaces, ==, rows[i].spaces);
    }
}

/* Devices on one conventional bus are mapped once; on two, twice */
static void
test_conventional(void)
{
    static const char buses[] =
        "<controller type='pci' index='0' model='pcie-root'/>"
        "<controller type='pci' index='1' model='pcie-root-port'/>"
        "<controller type='pci' index='2' model='pcie-to-pci-bridge'>"
        "<address type='pci' bus='1' slot='0'/></controller>"
        "<controller type='pci' index='3' model='pcie-root-port'/>"
        "<controller type='pci' index='4' model='pcie-to-pci-bridge'>"
        "<address type='pci' bus='3' slot='0'/></controller><iommu model='intel'/>";
    static const struct {
        const char *slot, *bus;
        guint spaces;
    } rows[] = {{"2", "2", 1}, {"1", "4", 2}, {"3", "0", 2}};

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *second =
            g_strdup_printf("<hostdev mode='subsystem' type='pci' managed='yes'><source>"
                            "<address domain='0' bus='0x3b' slot='0' function='1'/></source>"
                            "<address type='pci' bus='%s' slot='%s'/></hostdev>",
                            rows[i].bus, rows[i].slot);
        g_autofree char *devices =
            g_strconcat(buses,
                        "<hostdev mode='subsystem' type='pci' managed='yes'><source>"
                        "<address domain='0' bus='0x3b' slot='0' function='0'/></source>"
                        "<address type='pci' bus='2' slot='1'/></hostdev>",
                        second, NULL);
        g_autofree char *xml = domain_xml("kvm", "pc-q35-11.1", "", 2, devices, "");
        g_auto(Joined) joined = join(xml, BASE_VERSION(12, 8, 0), QEMU_11_1);
        g_autoptr(ViewMemlock) memlock = view_memlock(joined.view, 0);

        g_test_message("row %u", i);
        g_assert_cmpuint(memlock->spaces, ==, rows[i].spaces);
    }
}

static void
test_host_side(void)
{
    g_autofree char *xml =
        domain_xml("kvm", "pc-q35-11.1", "", 2, BUSES INTERFACE("1", "2") HOSTDEV("2", "3"), "");
    g_auto(Joined) joined = join(xml, 0, 0);
    const ViewHostdev *first = joined.view->hostdevs->pdata[0], *second;
    g_autofree char *label = view_hostdev_label(first);
    g_autoptr(View) again = NULL;
    HostDevice *device;
    HostGroup *group;

    g_assert_cmpstr(label, ==, "0000:01:00.0");
    g_assert_null(first->fact);
    g_assert_false(first->absent);
    device = host_facts_add_device(joined.host, first->dev->host);
    device->group = base_u64(7);
    device->iommu = (BaseText){BASE_STATE_KNOWN, g_strdup("dmar0")};
    group = host_facts_add_group(joined.host, 7);
    g_array_append_val(group->devices, first->dev->host);
    host_facts_add_iommu(joined.host, "dmar0");
    joined.host->devices_state = joined.host->groups_state = joined.host->iommus_state =
        BASE_STATE_KNOWN;
    joined.host->libvirt = base_u64(BASE_VERSION(12, 8, 0));
    host_facts_sort(joined.host);
    again = view_new(joined.host, joined.domain, joined.policy, &(ViommuTarget){.qemu = 5});
    first = again->hostdevs->pdata[0];
    second = again->hostdevs->pdata[1];
    g_assert_nonnull(first->fact);
    g_assert_nonnull(first->group);
    g_assert_cmpuint(first->group->id, ==, 7);
    g_assert_cmpstr(first->unit->name, ==, "dmar0");
    g_assert_true(second->absent);
    g_assert_cmpuint(again->target.libvirt, ==, BASE_VERSION(12, 8, 0));
    g_assert_cmpuint(again->target.qemu, ==, 5);
}

/* A view places what concerns us, and leaves the rest to whoever asks. */
static void
test_places(void)
{
    g_autofree char *plain = domain_xml("kvm", "q35", "", 1, "<vsock model='virtio'/>", "");
    g_autofree char *ours =
        domain_xml("kvm", "q35", "", 1, "<vsock model='virtio'/><iommu model='intel'/>", "");
    g_auto(Joined) other = join(plain, 0, 0);
    g_auto(Joined) joined = join(ours, 0, 0);

    g_assert_false(view_concerns_us(other.domain));
    g_assert_cmpuint(other.domain->endpoints->len, ==, 0);
    model_domain_place(other.domain);
    model_domain_place(other.domain);
    g_assert_cmpuint(other.domain->endpoints->len, ==, joined.domain->endpoints->len);
    g_assert_true(view_concerns_us(joined.domain));
    g_assert_cmpuint(joined.domain->endpoints->len, ==, 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/view/join/widths", test_widths);
    g_test_add_func("/view/join/granules", test_granules);
    g_test_add_func("/view/join/override", test_override);
    g_test_add_func("/view/join/old-names", test_old_names);
    g_test_add_func("/view/join/interrupts", test_interrupts);
    g_test_add_func("/view/join/smmu-values", test_smmu_values);
    g_test_add_func("/view/join/coverage", test_coverage);
    g_test_add_func("/view/join/conventional", test_conventional);
    g_test_add_func("/view/join/host", test_host_side);
    g_test_add_func("/view/join/places", test_places);
    return g_test_run();
}
