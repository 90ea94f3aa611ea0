/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base-file.h"
#include "model.h"

#include <string.h>

#include "viommu/viommu-error.h"

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

static void
refused(const char *text, gssize length, ViommuErrorCode code, const char *message)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ViommuDomain) domain = model_domain_parse(
        text, length < 0 ? strlen(text) : (gsize)length, "vm.xml", &error);

    g_assert_null(domain);
    g_assert_error(error, VIOMMU_ERROR, (gint)code);
    if (error && !g_str_has_prefix(error->message, message))
        g_assert_cmpstr(error->message, ==, message);
}

static void
test_not_a_domain(void)
{
    refused("", -1, VIOMMU_ERROR_PARSE, "vm.xml:1: empty; a <domain> document is needed");
    refused("\n \n", -1, VIOMMU_ERROR_PARSE, "vm.xml:3: empty");
    refused("hello", -1, VIOMMU_ERROR_PARSE, "vm.xml:1: not well-formed: Start tag expected");
    refused("{\"host\": 1}", -1, VIOMMU_ERROR_PARSE, "vm.xml:1: not well-formed: Start tag");
    refused("<network><name>n</name></network>", -1, VIOMMU_ERROR_SCHEMA,
            "vm.xml:1: not a domain: root element is <network>");
    refused("<!-- d -->\n<x:domain xmlns:x='urn:x'/>", -1, VIOMMU_ERROR_SCHEMA,
            "vm.xml:2: not a domain: root element is <domain> in namespace urn:x");
    refused("<domain>\n<devices>\n</domain>", -1, VIOMMU_ERROR_PARSE,
            "vm.xml:3: not well-formed: Opening and ending tag mismatch");
    refused("<domain>\n<devices>", -1, VIOMMU_ERROR_PARSE, "vm.xml:2: not well-formed: ");
    refused("<domain a='1' a='2'/>", -1, VIOMMU_ERROR_PARSE,
            "vm.xml:1: not well-formed: Attribute a redefined");
    refused("<domain>&nbsp;</domain>", -1, VIOMMU_ERROR_PARSE,
            "vm.xml:1: not well-formed: Entity 'nbsp' not defined");
    refused("<!-- <domain/>", -1, VIOMMU_ERROR_PARSE, "vm.xml:1: not well-formed: ");
}

static void
test_encodings(void)
{
    g_autoptr(ViommuDomain) marked = parse(
        "\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?>\n<domain>" MEMORY "</domain>");

    g_assert_cmpuint(model_span(marked, marked->root)->line, ==, 2);
    g_assert_cmpuint(model_span(marked, marked->root)->column, ==, 1);
    refused("\xff\xfe<\0d\0/\0>\0", 8, VIOMMU_ERROR_PARSE,
            "vm.xml:1: UTF-16 or UTF-32; convert the file to UTF-8");
    refused("\0\0\0<\0\0\0d", 8, VIOMMU_ERROR_PARSE, "vm.xml:1: UTF-16 or UTF-32");
    refused("<domain>\n\0</domain>", 19, VIOMMU_ERROR_PARSE,
            "vm.xml:2: not well-formed: null character");
    refused("<domain>\n<!-- \xe9 --></domain>", -1, VIOMMU_ERROR_PARSE,
            "vm.xml:2: not UTF-8 text; convert the file to UTF-8");
    refused("<?xml version='1.0' encoding='ISO-8859-1'?><domain/>", -1, VIOMMU_ERROR_PARSE,
            "vm.xml:1: encoding is ISO-8859-1; convert the file to UTF-8");
}

static void
test_entities(void)
{
    refused("<?xml version='1.0'?>\n<!-- a -->\n<!DOCTYPE domain [<!ENTITY a 'aaaa'>"
            "<!ENTITY b '&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;'>]><domain>&c;</domain>",
            -1, VIOMMU_ERROR_PARSE, "vm.xml:3: document type declarations are not allowed");
    refused("<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><domain>&x;</domain>", -1,
            VIOMMU_ERROR_PARSE, "vm.xml:1: document type declarations are not allowed");
    refused("<!DOCTYPE domain SYSTEM 'http://127.0.0.1:1/d.dtd'><domain/>", -1, VIOMMU_ERROR_PARSE,
            "vm.xml:1: document type declarations are not allowed");
}

static void
test_sizes_of_input(void)
{
    g_autofree char *large = g_malloc0(50 * 1024 * 1024);
    g_autoptr(GString) deep = g_string_new("<domain>");

    refused(large, 50 * 1024 * 1024, VIOMMU_ERROR_IO, "vm.xml: larger than 33554432 bytes");
    for (guint i = 0; i < 300; i++)
        g_string_append(deep, "<a>");
    for (guint i = 0; i < 300; i++)
        g_string_append(deep, "</a>");
    g_string_append(deep, "</domain>");
    refused(deep->str, -1, VIOMMU_ERROR_PARSE, "vm.xml:1: ");
}

static void
test_numbers(void)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"<domain/>", "vm.xml:1: no memory size in <memory> or <numa>"},
        {"<domain><memory>-5</memory></domain>", "vm.xml:1: <memory> must be a whole number"},
        {"<domain><memory>1.5</memory></domain>", "vm.xml:1: <memory> must be a whole number"},
        {"<domain>\n<memory unit='EiB'>16</memory></domain>", "vm.xml:2: <memory> is too large"},
        {"<domain>\n<memory unit='KiB'>99999999999999999999</memory></domain>",
         "vm.xml:2: <memory> must be a whole number"},
        {"<domain><memory unit='GB!'>1</memory></domain>",
         "vm.xml:1: <memory> is too large or of an unknown unit"},
        {"<domain>" MEMORY "<vcpu>-1</vcpu></domain>", "vm.xml:1: <vcpu> must be a number"},
        {"<domain>" MEMORY "<memtune><hard_limit>x</hard_limit></memtune></domain>",
         "vm.xml:1: <hard_limit> must be a whole number"},
        {"<domain>" MEMORY "<devices><controller type='pci' index='-1'/></devices></domain>",
         "vm.xml:1: the index of this <controller> is no number"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
        refused(rows[i].text, -1, VIOMMU_ERROR_SCHEMA, rows[i].message);
}

static guint64
memory_of(const char *elements)
{
    g_autofree char *text = g_strdup_printf("<domain>%s</domain>", elements);
    g_autoptr(ViommuDomain) domain = parse(text);

    return domain ? domain->memory : 0;
}

/* Units of libvirt's virScaleInteger; whole KiB, rounded up. */
static void
test_memory(void)
{
    g_autoptr(ViommuDomain) domain = parse(
        "<domain><memory>1048576</memory><maxMemory unit='GiB' slots='4'>8</maxMemory>"
        "<memtune><hard_limit unit='G'>3</hard_limit></memtune></domain>");
    g_autoptr(ViommuDomain) unlimited = parse(
        "<domain>" MEMORY "<memtune><hard_limit unit='KiB'>9007199254740991</hard_limit>"
        "</memtune></domain>");

    g_assert_cmpuint(domain->memory, ==, G_GUINT64_CONSTANT(1) << 30);
    g_assert_cmpuint(domain->max_memory, ==, G_GUINT64_CONSTANT(8) << 30);
    g_assert_cmpuint(domain->hard_limit.value, ==, G_GUINT64_CONSTANT(3) << 30);
    g_assert_cmpint(unlimited->hard_limit.state, ==, BASE_STATE_ABSENT);
    g_assert_nonnull(unlimited->hard_limit_node);
    g_assert_cmpuint(memory_of("<memory unit='KB'>1</memory>"), ==, 1024);
    g_assert_cmpuint(memory_of("<memory unit='b'>1025</memory>"), ==, 2048);
    g_assert_cmpuint(memory_of("<memory unit='Bytes'>2048</memory>"), ==, 2048);
    g_assert_cmpuint(memory_of("<memory unit='MB'>1024</memory>"), ==, 1024000000);
    g_assert_cmpuint(memory_of("<memory unit='gib'>2</memory>"), ==, G_GUINT64_CONSTANT(2) << 30);
    g_assert_cmpuint(memory_of("<memory> 4 </memory><memory>8</memory>"), ==, 4096);
    /* <memory> holds the modules already; NUMA cells replace it and modules come on top */
    g_assert_cmpuint(memory_of("<memory unit='GiB'>4</memory><devices><memory model='dimm'><target>"
                               "<size unit='GiB'>1</size></target></memory></devices>"),
                     ==, G_GUINT64_CONSTANT(4) << 30);
    g_assert_cmpuint(
        memory_of("<memory>1</memory><cpu><numa><cell memory='2' unit='GiB'/>"
                  "<cell memory='1048576'/></numa></cpu><devices><memory model='dimm'><target>"
                  "<size unit='GiB'>1</size></target></memory></devices>"),
        ==, G_GUINT64_CONSTANT(4) << 30);
}

static void
test_scalars(void)
{
    g_autoptr(ViommuDomain) domain = parse(
        "<domain type='kvm'><name> vm </name><uuid>u</uuid>" MEMORY
        "<vcpu current='1'>300</vcpu><memoryBacking><hugepages/><locked/></memoryBacking>"
        "<os firmware='efi'><type arch='x86_64' machine='pc-q35-9.1'>hvm</type></os>"
        "<features><acpi/><ioapic driver='qemu'/></features><iommufd enabled='yes' "
        "fdgroup='g'/><cpu><numa><cell memory='1'/><cell memory='1'/></numa></cpu><devices>"
        "<emulator>/usr/bin/q</emulator><disk type='nvme'/><disk type='file'><backingStore "
        "type='nvme'/></disk><disk type='vhostvdpa'/><interface type='vdpa'/></devices>"
        "</domain>");
    g_autoptr(ViommuDomain) arm =
                  parse("<domain>" MEMORY "<os><loader type='pflash'>x</loader>"
                        "<type arch='aarch64' machine='virt'>hvm</type></os></domain>");
    g_autoptr(ViommuDomain) rhel =
                  parse("<domain>" MEMORY "<os><type machine='pc-q35-rhel9.2.0'/></os></domain>");

    g_assert_cmpstr(domain->name, ==, "vm");
    g_assert_cmpstr(domain->type, ==, "kvm");
    g_assert_true(domain->is_q35 && !domain->is_virt && !domain->is_i440fx);
    g_assert_cmpuint(domain->machine_version.value, ==, 9001000);
    g_assert_true(domain->acpi && domain->uefi && domain->locked && domain->hugepages);
    g_assert_cmpstr(domain->ioapic, ==, "qemu");
    g_assert_cmpuint(domain->vcpus, ==, 300);
    g_assert_cmpuint(domain->numa_cells, ==, 2);
    g_assert_cmpuint(domain->nvme_disks, ==, 2);
    g_assert_cmpuint(domain->vdpa_devices, ==, 2);
    g_assert_cmpint(domain->iommufd_enabled, ==, BASE_YES);
    g_assert_cmpstr(domain->iommufd_fdgroup, ==, "g");
    g_assert_true(arm->is_virt && arm->uefi && !arm->acpi);
    g_assert_cmpint(arm->machine_version.state, ==, BASE_STATE_ABSENT);
    g_assert_true(rhel->is_q35);
    g_assert_cmpstr(rhel->arch, ==, "x86_64");
    g_assert_cmpint(rhel->machine_version.state, ==, BASE_STATE_UNKNOWN);
}

static void
is_text(const ViommuDomain *domain, gsize start, gsize end, const char *expected)
{
    g_autofree char *text = g_strndup(domain->text + start, end - start);

    g_assert_cmpstr(text, ==, expected);
}

static void
test_spans(void)
{
    static const char text[] =
        "<?xml version='1.0'?>\r\n<!--><fake> -->\r\n<domain\ttype = \"a>b/\" >\r\n"
        "  <?pi <fake/> ?><memory>1</memory><![CDATA[<fake>]]>\r\n"
        "  <!-- </domain> --><q:a xmlns:q='urn:q' q:b='\"'\r\n/><u:x/>\r\n</domain>\r\n<!-- -->";
    g_autoptr(ViommuDomain) domain = parse(text);
    const xmlNode *memory = model_child(domain->root, "memory");
    const xmlNode *foreign = xmlNextElementSibling((xmlNode *)memory);
    const ModelSpan *span = model_span(domain, memory);
    ModelAttributeSpan attribute = {0};

    g_assert_cmpuint(domain->spans->len, ==, 4);
    g_assert_cmpuint(span->line, ==, 4);
    g_assert_cmpuint(span->column, ==, 18);
    is_text(domain, span->start, span->end, "<memory>1</memory>");
    is_text(domain, span->tag_end, span->content_end, "1");
    span = model_span(domain, foreign);
    g_assert_cmpstr((const char *)foreign->name, ==, "a");
    g_assert_true(span->empty_tag);
    g_assert_cmpuint(span->tag_end, ==, span->end);
    g_assert_true(model_span_attribute(domain, foreign, "q:b", &attribute));
    g_assert_cmpint(attribute.quote, ==, '\'');
    is_text(domain, attribute.value, attribute.value_end, "\"");
    g_assert_true(model_span_attribute(domain, domain->root, "type", &attribute));
    is_text(domain, attribute.value, attribute.value_end, "a>b/");
    is_text(domain, attribute.start, attribute.name_end, "type");
    g_assert_false(model_span_attribute(domain, domain->root, "typ", &attribute));
    g_assert_cmpuint(model_span(domain, domain->root)->end, ==,
                     (gsize)(strstr(text, "\r\n<!-- -->") - text));
}

/* References in values, comments and references in text: each is read as one piece. */
static void
test_references(void)
{
    g_autoptr(ViommuDomain) domain = parse(
        "<domain type='k&amp;v&#109;&lt;&#x20AC;' empty=''>" MEMORY
        "<name> a&amp;<!-- no -->b<![CDATA[<c>]]>&#x64; </name><uuid><!-- --></uuid></domain>");

    g_assert_cmpstr(domain->type, ==, "k&vm<\xe2\x82\xac");
    g_assert_cmpstr(model_value(domain->root, "empty"), ==, "");
    g_assert_null(model_value(domain->root, "missing"));
    g_assert_null(model_value(NULL, "type"));
    g_assert_cmpstr(domain->name, ==, "a&b<c>d");
    g_assert_null(domain->uuid);
}

/* libxml2 keeps 16 bits of line numbers; ours must not wrap. */
static void
test_many_lines(void)
{
    g_autoptr(GString) text = g_string_new("<domain>" MEMORY);
    g_autoptr(ViommuDomain) domain = NULL;
    g_autoptr(GString) broken = NULL;

    for (guint i = 0; i < 70000; i++)
        g_string_append_c(text, '\n');
    broken = g_string_new(text->str);
    g_string_append(broken, "<devices></domain>");
    g_string_append(text, "   <devices/></domain>");
    domain = parse(text->str);
    g_assert_cmpuint(model_span(domain, domain->devices)->line, ==, 70001);
    g_assert_cmpuint(model_span(domain, domain->devices)->column, ==, 4);
    refused(broken->str, -1, VIOMMU_ERROR_PARSE, "vm.xml:70001: not well-formed: ");
}

static void
test_xpath(void)
{
    g_autoptr(ViommuDomain) domain = parse_q35("<hostdev/><disk/><hostdev><source/></hostdev>");
    const xmlNode *second = domain->devices->last;
    g_autofree char *path = model_xpath(second->children, NULL);

    g_assert_cmpstr(path, ==, "/domain/devices/hostdev[2]/source");
}

static void
test_tree(void)
{
    g_autoptr(ViommuDomain) domain = parse_q35(
        "<controller type='pci' index='3' model='pcie-root-port'><address type='pci' bus='2'"
        " slot='0' function='0x1'/><target hotplug='off'/></controller>"
        "<controller type='pci' index='2' model='pcie-expander-bus'><model name='pxb-pcie'/>"
        "<target busNr='128' memReserve='4'><node> 1 </node></target>"
        "<address type='pci' slot='5'/></controller>"
        "<controller type='pci' index='1' model='pcie-root-port'><address type='pci' slot='0x10'/>"
        "</controller><controller type='pci' index='4' model='pcie-to-pci-bridge'>"
        "<address type='pci' bus='1'/></controller>"
        "<controller type='pci' index='9' model='pcie-root-port'><address type='pci' bus='9'/>"
        "</controller><controller type='pci' index='10' model='pcie-root-port'>"
        "<address type='pci' bus='2' slot='3'/></controller>");
    const ModelController *pxb = model_controller(domain, 2);

    g_assert_cmpuint(domain->controllers->len, ==, 7);
    g_assert_null(model_controller(domain, 0)->node);
    g_assert_cmpint(model_controller(domain, 0)->kind, ==, MODEL_BUS_PCIE_ROOT);
    g_assert_cmpuint(pxb->bus_nr.value, ==, 128);
    g_assert_cmpuint(pxb->numa_node.value, ==, 1);
    g_assert_cmpuint(pxb->mem_reserve.value, ==, 4096);
    g_assert_cmpstr(pxb->model_name, ==, "pxb-pcie");
    g_assert_cmpuint(model_controller(domain, 1)->address.pci.slot, ==, 16);
    g_assert_cmpint(model_controller(domain, 4)->kind, ==, MODEL_BUS_PCIE_TO_PCI);
    g_assert_cmpuint(model_root_bus(domain, 3), ==, 2);
    g_assert_cmpuint(model_root_bus(domain, 4), ==, 0);
    g_assert_cmpuint(model_root_bus(domain, 0), ==, 0);
    g_assert_cmpuint(model_root_bus(domain, 9), ==, G_MAXUINT);
    g_assert_cmpuint(model_root_bus(domain, 77), ==, G_MAXUINT);
    g_assert_true(model_behind_conventional(domain, 4));
    g_assert_false(model_behind_conventional(domain, 3));
    g_assert_false(model_port_is_free(domain, model_controller(domain, 1))); /* bridge on it */
    g_assert_false(model_port_is_free(domain, model_controller(domain, 3))); /* hotplug off */
    g_assert_true(model_port_is_free(domain, model_controller(domain, 10)));
    g_assert_false(model_port_is_free(domain, pxb));
}

/* libvirt numbers controllers before it adds the root bus, each with the lowest free index. */
static void
test_unindexed(void)
{
    g_autoptr(ViommuDomain) domain =
                  parse_q35("<controller type='pci' model='pcie-root'/>"
                            "<controller type='pci' model='pcie-root-port'/>"
                            "<controller type='pci' index='1' model='dmi-to-pci-bridge'/>"
                            "<controller type='usb' model='none'/>");

    g_assert_cmpuint(domain->controllers->len, ==, 3);
    g_assert_cmpint(model_controller(domain, 0)->kind, ==, MODEL_BUS_PCIE_ROOT);
    g_assert_cmpint(model_controller(domain, 1)->kind, ==, MODEL_BUS_DMI_TO_PCI);
    g_assert_cmpint(model_controller(domain, 2)->kind, ==, MODEL_BUS_ROOT_PORT);
}

static void
test_hostdevs(void)
{
    g_autoptr(ViommuDomain) domain = parse_q35(
        "<hostdev mode='subsystem' type='pci' managed='yes'><driver name='vfio' iommufd='yes'/>"
        "<source><address domain='0x0009' bus='0x01' slot='0x1f' function='7'/></source>"
        "<alias name='ua-gpu0'/><address type='pci' bus='0x03' slot='0' multifunction='on'/>"
        "</hostdev><hostdev mode='subsystem' type='usb'/>"
        "<hostdev type='pci'><source><address bus='0x100'/></source><address type='unassigned'/>"
        "</hostdev><interface type='hostdev'><source><address type='pci' bus='0x3b'/></source>"
        "</interface><interface type='network'><source network='pool'/></interface>"
        "<hostdev type='mdev' model='vfio-pci'><driver iommufd='yes'/><source><address uuid='u'/>"
        "</source></hostdev><hostdev type='mdev' model='vfio-ccw'/><hostdev mode='capabilities' "
        "type='pci'/>");
    const ModelHostdev *gpu = domain->hostdevs->pdata[0], *bad = domain->hostdevs->pdata[1];
    const ModelHostdev *vf = domain->hostdevs->pdata[2], *net = domain->hostdevs->pdata[3];
    const ModelHostdev *mdev = domain->hostdevs->pdata[4], *ccw = domain->hostdevs->pdata[5];
    g_autofree char *host = base_pci_format(gpu->host);

    g_assert_cmpuint(domain->hostdevs->len, ==, 6);
    g_assert_cmpstr(host, ==, "0009:01:1f.7");
    g_assert_true(gpu->host_known && gpu->managed && gpu->iommufd_written);
    g_assert_cmpint(gpu->iommufd, ==, BASE_YES);
    g_assert_cmpstr(gpu->alias, ==, "ua-gpu0");
    g_assert_cmpint(gpu->address.kind, ==, MODEL_ADDRESS_WRITTEN);
    g_assert_true(gpu->address.multifunction);
    g_assert_false(bad->host_known);
    g_assert_cmpint(bad->address.kind, ==, MODEL_ADDRESS_NONE);
    g_assert_cmpint(bad->iommufd, ==, BASE_NO);
    g_assert_cmpint(vf->kind, ==, MODEL_HOSTDEV_INTERFACE);
    g_assert_cmpuint(vf->host.bus, ==, 0x3b);
    g_assert_cmpint(net->kind, ==, MODEL_HOSTDEV_NETWORK);
    g_assert_cmpstr(net->network, ==, "pool");
    g_assert_cmpint(net->iommufd, ==, BASE_UNKNOWN);
    g_assert_cmpstr(mdev->mdev_uuid, ==, "u");
    g_assert_cmpint(mdev->iommufd, ==, BASE_NO);
    g_assert_cmpint(ccw->address.kind, ==, MODEL_ADDRESS_NONE);
}

static void
test_iommufd_default(void)
{
    g_autoptr(ViommuDomain) domain =
                  parse("<domain>" MEMORY "<iommufd enabled='yes'/><devices><hostdev type='pci'/>"
                        "<hostdev type='pci'><driver iommufd='no'/></hostdev></devices></domain>");
    const ModelHostdev *first = domain->hostdevs->pdata[0], *second = domain->hostdevs->pdata[1];

    g_assert_cmpint(first->iommufd, ==, BASE_YES);
    g_assert_false(first->iommufd_written);
    g_assert_cmpint(second->iommufd, ==, BASE_NO);
}

static void
test_iommus(void)
{
    g_autoptr(ViommuDomain) domain = parse_q35(
        "<iommu model='intel'><driver caching_mode='on' iotlb='on'/><alias name='ua-v'/></iommu>"
        "<iommu model='virtio'><driver><granule size='64' unit='KiB'/></driver></iommu>"
        "<iommu model='virtio'><driver><granule mode='host'/></driver>"
        "<address type='pci' slot='3'/></iommu><iommu model='new'/>");
    const ModelIommu *intel = domain->iommus->pdata[0], *first = domain->iommus->pdata[1];
    const ModelIommu *second = domain->iommus->pdata[2], *other = domain->iommus->pdata[3];

    g_assert_cmpint(intel->kind, ==, MODEL_IOMMU_INTEL);
    g_assert_cmpstr(g_hash_table_lookup(intel->attributes, "caching_mode"), ==, "on");
    g_assert_cmpuint(g_hash_table_size(intel->attributes), ==, 2);
    g_assert_cmpint(intel->address.kind, ==, MODEL_ADDRESS_NONE);
    g_assert_cmpint(intel->granule.state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpuint(first->granule.value, ==, 65536);
    g_assert_cmpint(second->granule.state, ==, BASE_STATE_ABSENT);
    g_assert_cmpint(second->address.kind, ==, MODEL_ADDRESS_WRITTEN);
    g_assert_cmpint(other->kind, ==, MODEL_IOMMU_OTHER);
}

static void
test_implicit_iommu(void)
{
    static const char form[] = "<domain>" MEMORY "<vcpu>%s</vcpu><os><type machine='%s'/></os>"
                               "<devices>%s</devices></domain>";
    static const struct {
        const char *vcpus, *machine, *devices;
        gboolean implicit;
    } rows[] = {
        {"256", "q35", "", TRUE},
        {"255", "q35", "", FALSE},
        {"256", "pc-i440fx-9.1", "", FALSE},
        {"256", "q35", "<iommu model='virtio'/>", FALSE},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text =
            g_strdup_printf(form, rows[i].vcpus, rows[i].machine, rows[i].devices);
        g_autoptr(ViommuDomain) domain = parse(text);
        const ModelIommu *iommu = domain->iommus->len ? domain->iommus->pdata[0] : NULL;

        g_assert_cmpint(iommu && iommu->implicit, ==, rows[i].implicit);
    }
}

/* What hides behind -device and -machine, in every notation that QEMU takes */
static void
test_commandline(void)
{
    g_autoptr(ViommuDomain) domain = parse(
        "<domain xmlns:qemu='" MODEL_QEMU_NAMESPACE "'>" MEMORY "<qemu:commandline>"
        "<qemu:arg value='-device'/><qemu:arg value='intel-iommu,caching-mode=on,x=a,,b'/>"
        "<qemu:arg value='--device'/><qemu:arg value='{\"driver\":\"virtio-iommu-pci\","
        "\"id\":\"v\",\"aw-bits\":39,\"boot-bypass\":false}'/>"
        "<qemu:arg value='-device'/><qemu:arg value='driver=amd-iommu'/>"
        "<qemu:arg value='-device'/><qemu:arg value='virtio-net-pci,id=intel-iommu'/>"
        "<qemu:arg value='-machine'/><qemu:arg value='gic-version=3,iommu=smmuv3'/>"
        "<qemu:arg value='-global'/><qemu:arg value='amd-iommu.dma-remap=on'/>"
        "<qemu:arg value='-global'/><qemu:arg value='driver=intel-iommu,property=fsts,"
        "value=on'/><qemu:arg value='-device'/></qemu:commandline></domain>");
    const ModelIommu *intel = domain->iommus->pdata[0], *virtio = domain->iommus->pdata[1];
    const ModelIommu *amd = domain->iommus->pdata[2], *smmu = domain->iommus->pdata[3];

    g_assert_cmpuint(domain->arguments->len, ==, 15);
    g_assert_cmpuint(domain->iommus->len, ==, 4);
    g_assert_true(intel->commandline && virtio->commandline && smmu->commandline);
    g_assert_cmpstr((const char *)intel->node->name, ==, "arg");
    g_assert_cmpstr(g_hash_table_lookup(intel->attributes, "caching-mode"), ==, "on");
    g_assert_cmpstr(g_hash_table_lookup(intel->attributes, "x"), ==, "a,b");
    g_assert_cmpstr(g_hash_table_lookup(intel->globals, "fsts"), ==, "on");
    g_assert_cmpint(virtio->kind, ==, MODEL_IOMMU_VIRTIO);
    g_assert_cmpstr(virtio->alias, ==, "v");
    g_assert_cmpstr(g_hash_table_lookup(virtio->attributes, "aw-bits"), ==, "39");
    g_assert_cmpstr(g_hash_table_lookup(virtio->attributes, "boot-bypass"), ==, "off");
    g_assert_cmpint(amd->kind, ==, MODEL_IOMMU_AMD);
    g_assert_cmpstr(g_hash_table_lookup(amd->globals, "dma-remap"), ==, "on");
    g_assert_cmpint(smmu->kind, ==, MODEL_IOMMU_SMMUV3);
}

static void
test_intent(void)
{
    g_autoptr(ViommuDomain) domain = parse(
        "<domain>" MEMORY "<metadata><viommu:intent xmlns:viommu='" MODEL_INTENT_NAMESPACE "'>"
        "<viommu:device alias='ua-gpu0' usage='pasid' pasidBits='16'/><viommu:device alias='x' "
        "usage='what'/><viommu:hotplug ports='2'/></viommu:intent>"
        "<p:plan xmlns:p='" MODEL_PLAN_NAMESPACE "'/></metadata></domain>");
    const ModelIntentDevice *gpu = domain->intent_devices->pdata[0];
    const ModelIntentDevice *bad = domain->intent_devices->pdata[1];

    g_assert_nonnull(domain->intent);
    g_assert_nonnull(domain->plan_node);
    g_assert_cmpuint(domain->intent_ports.value, ==, 2);
    g_assert_true(gpu->usage_set);
    g_assert_cmpint(gpu->usage, ==, VIOMMU_USAGE_PASID);
    g_assert_cmpuint(gpu->pasid_bits.value, ==, 16);
    g_assert_false(bad->usage_set);
    g_assert_cmpint(bad->pasid_bits.state, ==, BASE_STATE_ABSENT);
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

static void
test_endpoints(void)
{
    g_autoptr(ViommuDomain) domain = parse_q35(
        "<disk><target dev='vda' bus='virtio'/><driver iommu='on'/></disk>"
        "<disk><target dev='sda' bus='sata'/></disk><channel><target type='virtio'/></channel>"
        "<interface type='bridge'><model type='e1000'/></interface>"
        "<interface type='hostdev'/><sound model='ich9'/><video><model type='none'/></video>"
        "<watchdog model='itco'/><tpm/><input type='mouse' bus='usb'/><graphics type='vnc'/>");
    g_autoptr(ViommuDomain) arm = parse(
        "<domain>" MEMORY "<os><type arch='aarch64' machine='virt'/></os><devices>"
        "<disk><target dev='vda'/></disk><interface type='bridge'/></devices></domain>");
    const ModelEndpoint *disk = endpoint(domain, "virtio-blk");
    const ModelEndpoint *usb = endpoint(domain, "usb controller qemu-xhci");

    g_assert_true(disk && disk->driver_iommu == BASE_YES && !disk->conventional);
    g_assert_true(usb && usb->implicit && !usb->node);
    g_assert_true(endpoint(domain, "e1000")->conventional);
    g_assert_true(endpoint(domain, "ich9 sound")->conventional);
    g_assert_true(endpoint(domain, "virtio-balloon")->implicit);
    g_assert_true(endpoint(domain, "virtio-serial")->implicit);
    g_assert_nonnull(endpoint(domain, "sata controller ahci"));
    g_assert_cmpuint(domain->endpoints->len, ==, 7);
    g_assert_cmpuint(arm->endpoints->len, ==, 2);
    g_assert_nonnull(endpoint(arm, "virtio-net"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/model/parse/not-a-domain", test_not_a_domain);
    g_test_add_func("/model/parse/encodings", test_encodings);
    g_test_add_func("/model/parse/entities", test_entities);
    g_test_add_func("/model/parse/sizes", test_sizes_of_input);
    g_test_add_func("/model/numbers", test_numbers);
    g_test_add_func("/model/memory", test_memory);
    g_test_add_func("/model/scalars", test_scalars);
    g_test_add_func("/model/spans", test_spans);
    g_test_add_func("/model/references", test_references);
    g_test_add_func("/model/many-lines", test_many_lines);
    g_test_add_func("/model/xpath", test_xpath);
    g_test_add_func("/model/tree", test_tree);
    g_test_add_func("/model/unindexed", test_unindexed);
    g_test_add_func("/model/hostdevs", test_hostdevs);
    g_test_add_func("/model/iommufd-default", test_iommufd_default);
    g_test_add_func("/model/iommus", test_iommus);
    g_test_add_func("/model/implicit-iommu", test_implicit_iommu);
    g_test_add_func("/model/commandline", test_commandline);
    g_test_add_func("/model/intent", test_intent);
    g_test_add_func("/model/endpoints", test_endpoints);
    return g_test_run();
}
