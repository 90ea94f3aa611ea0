/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tests/placement holds more, judged by libvirt itself. */
#include "model.h"

#include <string.h>

#define MEMORY "<memory unit='MiB'>1024</memory>"

static ViommuDomain *
parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    ViommuDomain *domain = model_domain_parse(text, strlen(text), "vm.xml", &error);

    g_assert_no_error(error);
    model_domain_place(domain);
    return domain;
}

/* A q35 domain with these devices. */
static ViommuDomain *
parse_q35(const char *devices)
{
    g_autofree char *text =
        g_strconcat("<domain type='kvm'><name>vm</name>" MEMORY
                    "<os><type arch='x86_64' machine='pc-q35-9.1'>hvm</type></os><devices>",
                    devices, "</devices></domain>", NULL);

    return parse(text);
}

static const ModelEndpoint *
endpoint(const ViommuDomain *domain, const char *what)
{
    for (guint i = 0; i < domain->endpoints->len; i++) {
        const ModelEndpoint *found = domain->endpoints->pdata[i];

        if (strcmp(found->what, what) == 0)
            return found;
    }
    return NULL;
}

static guint
count_kind(const ViommuDomain *domain, ModelAddressKind kind)
{
    guint count = 0;

    for (guint i = 0; i < domain->endpoints->len; i++)
        count += ((ModelEndpoint *)domain->endpoints->pdata[i])->address.kind == kind;
    for (guint i = 0; i < domain->hostdevs->len; i++)
        count += ((ModelHostdev *)domain->hostdevs->pdata[i])->address.kind == kind;
    return count;
}

/* xHCI on bus 1, the device on bus 2, the balloon on bus 3, and bus 4 is kept free for hotplug. */
static void
test_added_ports(void)
{
    g_autoptr(ViommuDomain) domain = parse_q35("<hostdev type='pci'/>");
    const ModelHostdev *hostdev = domain->hostdevs->pdata[0];
    const ModelController *spare = model_controller(domain, 4);

    g_assert_cmpint(hostdev->address.kind, ==, MODEL_ADDRESS_PREDICTED);
    g_assert_cmpuint(hostdev->address.pci.bus, ==, 2);
    g_assert_cmpuint(domain->controllers->len, ==, 1);
    g_assert_cmpuint(domain->added_controllers->len, ==, 4);
    g_assert_true(spare && spare->added && !spare->node);
    g_assert_cmpstr(spare->model, ==, "pcie-root-port");
    g_assert_cmpuint(spare->address.pci.function, ==, 3);
    g_assert_true(model_port_is_free(domain, spare));
    g_assert_false(model_port_is_free(domain, model_controller(domain, 2)));
    g_assert_cmpuint(model_root_bus(domain, 2), ==, 0);
}

/* A network may be a pool of host devices, else this interface is conventional PCI and brings a
 * bridge along, which takes the first port: only what has a fixed place can be told. */
static void
test_unknown_network(void)
{
    g_autoptr(ViommuDomain) domain = parse_q35(
        "<filesystem/><interface type='network'><source network='n'/></interface>"
        "<rng model='virtio'/>");
    g_autoptr(ViommuDomain) told = parse_q35(
        "<interface type='network'><source network='n'/><model type='virtio'/></interface>");
    const ModelHostdev *unknown = domain->hostdevs->pdata[0], *known = told->hostdevs->pdata[0];

    g_assert_cmpint(endpoint(domain, "sata controller ahci")->address.kind, ==,
                    MODEL_ADDRESS_PREDICTED);
    g_assert_cmpint(unknown->address.kind, ==, MODEL_ADDRESS_UNKNOWN);
    g_assert_cmpint(endpoint(domain, "virtio-rng")->address.kind, ==, MODEL_ADDRESS_UNKNOWN);
    g_assert_cmpint(known->address.kind, ==, MODEL_ADDRESS_PREDICTED);
    g_assert_cmpuint(known->address.pci.bus, ==, 1);
}

/* The default SCSI controller of ARM is conventional up to libvirt 11.3 and PCI Express in 12.8; so
 * is one that is added beside a virtio-scsi controller. */
static void
test_unknown_scsi(void)
{
    static const char form[] =
        "<domain>" MEMORY "<os><type arch='aarch64' machine='virt'/></os><devices>"
        "<controller type='scsi'%s/><rng model='virtio'/></devices></domain>";
    g_autofree char *open = g_strdup_printf(form, "");
    g_autofree char *closed = g_strdup_printf(form, " model='virtio-scsi'");
    g_autoptr(ViommuDomain) unknown = parse(open);
    g_autoptr(ViommuDomain) known = parse(closed);
    g_autoptr(ViommuDomain) second = parse_q35(
        "<controller type='scsi' model='virtio-scsi'/><disk><target dev='sdh' bus='scsi'/></disk>");

    g_assert_cmpuint(count_kind(unknown, MODEL_ADDRESS_UNKNOWN), ==, 2);
    g_assert_cmpint(endpoint(second, "scsi controller lsilogic")->address.kind, ==,
                    MODEL_ADDRESS_UNKNOWN);
    g_assert_cmpuint(count_kind(known, MODEL_ADDRESS_PREDICTED), ==, 2);
}

/* libvirt 9.0 places port 5 before the ones that it adds, 11.3 behind them: the ports are unknown,
 * the devices on them are not. */
static void
test_unknown_order(void)
{
    g_autoptr(ViommuDomain) domain = parse_q35(
        "<controller type='pci' index='0' model='pcie-root'/>"
        "<controller type='pci' index='5' model='pcie-root-port'/><hostdev type='pci'/>");
    const ModelHostdev *hostdev = domain->hostdevs->pdata[0];

    g_assert_cmpint(model_controller(domain, 5)->address.kind, ==, MODEL_ADDRESS_UNKNOWN);
    g_assert_cmpint(hostdev->address.kind, ==, MODEL_ADDRESS_PREDICTED);
    g_assert_cmpuint(hostdev->address.pci.bus, ==, 2);
}

/* Two devices at one place, an endpoint on an expander, a machine whose rules we do not know: all
 * devices are there, and no place is made up. */
static void
test_no_prediction(void)
{
    static const char *const devices[] = {
        "<hostdev type='pci'/><rng model='virtio'><address type='pci' slot='3'/></rng>"
        "<vsock><address type='pci' slot='3'/></vsock>",
        "<hostdev type='pci'/><controller type='pci' index='1' model='pcie-expander-bus'/>"
        "<rng model='virtio'><address type='pci' bus='1' slot='0'/></rng>",
        "<hostdev type='pci'/><controller type='pci' index='0' model='pci-root'/>",
        "<hostdev type='pci'/><controller type='virtio-serial' ports='2'/>"
        "<channel><target type='virtio'/></channel><channel><target type='virtio'/></channel>",
    };
    g_autoptr(ViommuDomain) s390 = parse(
        "<domain>" MEMORY "<os><type arch='s390x' machine='s390-ccw-virtio'/></os><devices>"
        "<hostdev type='pci'/><disk><target dev='vda'/></disk></devices></domain>");

    for (guint i = 0; i < G_N_ELEMENTS(devices); i++) {
        g_autoptr(ViommuDomain) domain = parse_q35(devices[i]);

        g_assert_cmpuint(count_kind(domain, MODEL_ADDRESS_PREDICTED), ==, 0);
        g_assert_cmpuint(count_kind(domain, MODEL_ADDRESS_UNKNOWN), >, 0);
        g_assert_cmpuint(domain->added_controllers->len, ==, 0);
    }
    g_assert_cmpuint(count_kind(s390, MODEL_ADDRESS_UNKNOWN), ==, 1);
    g_assert_cmpuint(s390->endpoints->len, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/placement/added-ports", test_added_ports);
    g_test_add_func("/placement/unknown-network", test_unknown_network);
    g_test_add_func("/placement/unknown-scsi", test_unknown_scsi);
    g_test_add_func("/placement/unknown-order", test_unknown_order);
    g_test_add_func("/placement/none", test_no_prediction);
    return g_test_run();
}
