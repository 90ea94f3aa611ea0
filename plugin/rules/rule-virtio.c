/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-iommu, and virtio devices in front of any vIOMMU. */
#include "rule-families.h"
#include "rule-shared.h"
#include "rule-tools.h"

#define X86_PAGE 4096

static gboolean
is_virtio(const RuleCall *call)
{
    return call->iommu->iommu->kind == MODEL_IOMMU_VIRTIO;
}

static void
check_width_range(RuleCall *call)
{
    BaseU64 width = call->iommu->aw_bits;

    if (base_u64_is_known(width) && (width.value < 32 || width.value > 64))
        rule_fail(call, NULL, NULL, "aw_bits %" G_GUINT64_FORMAT " is not from 32 to 64",
                  width.value);
}

/* Plain DMA goes through the guest's DMA API, which keeps off what QEMU announces as reserved. */
static gboolean
passes_on(const RuleCall *call)
{
    return rule_is_behind(call, MODEL_IOMMU_VIRTIO) && !rule_is_mdev(call) &&
           call->hostdev->demand.usage != VIOMMU_USAGE_DMA;
}

static void
check_width_host(RuleCall *call)
{
    BaseU64 width = call->hostdev->viommu->aw_bits;
    g_autofree char *text = rule_width_text(call->view, call->hostdev->viommu);
    guint64 offered = 0;

    if (!rule_host_width(call, &offered) || (!base_u64_is_known(width) && offered >= 64))
        return;
    if (!base_u64_is_known(width))
        rule_unknown(call, "versions/qemu", "--qemu-version, or a machine with its version");
    else if (width.value > offered)
        rule_fail(call, NULL, NULL,
                  "%s exceeds the %" G_GUINT64_FORMAT " bits that this host offers behind %s", text,
                  offered, call->hostdev->unit->name);
}

static gboolean
is_below(const RuleCall *call)
{
    return rule_is_behind(call, MODEL_IOMMU_VIRTIO) && !rule_is_mdev(call);
}

/* What is not known is a default, and that is no larger than any page. */
static gboolean
has_granule(const RuleCall *call)
{
    return is_below(call) && call->hostdev->viommu->granule.state != BASE_STATE_ABSENT;
}

static gboolean
has_granule_iommufd(const RuleCall *call)
{
    return has_granule(call) && call->hostdev->dev->iommufd == BASE_YES;
}

static gboolean
has_granule_legacy(const RuleCall *call)
{
    return has_granule(call) && call->hostdev->dev->iommufd != BASE_YES;
}

/* Smallest page of the host's IOMMU as VFIO shows it; FALSE: unknown, and reported. */
static gboolean
host_page(RuleCall *call, guint64 *ret)
{
    BaseU64 page = call->view->host->page_size;

    if (call->view->domain->is_q35)
        page = base_u64(X86_PAGE);
    if (!base_u64_is_known(page))
        rule_unknown(call, "page_size", NULL);
    *ret = page.value;
    return base_u64_is_known(page);
}

static void
check_granule(RuleCall *call)
{
    guint64 granule = call->hostdev->viommu->granule.value, page = 0;

    if (host_page(call, &page) && granule > page)
        rule_fail(call, NULL, NULL,
                  "granule %" G_GUINT64_FORMAT " KiB on a host with pages of %" G_GUINT64_FORMAT
                  " KiB",
                  granule / 1024, page / 1024);
}

/* Machines up to 8.2 have 4 KiB unless something is written. */
static void
check_granule_small(RuleCall *call)
{
    const ViewIommu *iommu = call->hostdev->viommu;
    gboolean written = iommu->iommu->granule.state == BASE_STATE_KNOWN;
    guint64 page = 0;

    if (!host_page(call, &page) || page <= X86_PAGE)
        return;
    if (iommu->granule.state == BASE_STATE_UNKNOWN)
        rule_unknown(call, "versions/qemu", "--qemu-version, or a machine with its version");
    else if (base_u64_is_known(iommu->granule) && iommu->granule.value < page)
        rule_fail(call, NULL, NULL,
                  "granule %" G_GUINT64_FORMAT " KiB%s on a host with pages of %" G_GUINT64_FORMAT
                  " KiB",
                  iommu->granule.value / 1024,
                  written ? "" : " (the default of this machine version)", page / 1024);
}

/* virtio devices of the guest with iommu='on' (@on) or without */
static guint
count_virtio(const ViommuDomain *domain, gboolean on)
{
    guint count = 0;

    for (guint i = 0; i < domain->endpoints->len; i++) {
        const ModelEndpoint *endpoint = domain->endpoints->pdata[i];

        if (g_str_has_prefix(endpoint->what, "virtio") &&
            endpoint->address.kind != MODEL_ADDRESS_NONE &&
            (endpoint->driver_iommu == BASE_YES) == on)
            count++;
    }
    return count;
}

static gboolean
has_assigned(const View *view)
{
    for (guint i = 0; i < view->hostdevs->len; i++)
        if (view_is_assigned(view->hostdevs->pdata[i]))
            return TRUE;
    return FALSE;
}

/* Only the first vIOMMU that covers every bus says so, and only where virtio devices seem to be
 * meant: some of them are behind it, or nothing else could be. */
static gboolean
is_meant_for_virtio(const RuleCall *call)
{
    const ViewIommu *iommu = call->iommu;

    if (iommu->index != 0 ||
        (iommu->iommu->kind == MODEL_IOMMU_SMMUV3 && iommu->pci_bus.state != BASE_STATE_ABSENT))
        return FALSE;
    return count_virtio(call->view->domain, TRUE) > 0 || !has_assigned(call->view);
}

static void
check_driver_iommu(RuleCall *call)
{
    guint count = count_virtio(call->view->domain, FALSE);

    if (count > 0)
        rule_fail(call, NULL, NULL, "%u virtio device%s past this vIOMMU (no iommu='on')", count,
                  count == 1 ? " goes" : "s go");
}

static gboolean
has_no_viommu(const RuleCall *call)
{
    return call->view->iommus->len == 0;
}

static void
check_driver_iommu_alone(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;

    for (guint i = 0; i < domain->endpoints->len; i++) {
        const ModelEndpoint *endpoint = domain->endpoints->pdata[i];

        if (endpoint->driver_iommu == BASE_YES)
            rule_fail(call, endpoint->node, NULL, "%s has iommu='on', and the domain no vIOMMU",
                      endpoint->what);
    }
}

/* Devices that QEMU never makes transitional (11.1, users of virtio_pci_force_virtio_1;
 * vhost-user-fs)
 */
static gboolean
is_modern_only(const ModelEndpoint *endpoint)
{
    static const char *const kinds[] = {
        "virtio-input",  "virtio video",  "virtio sound", "virtio-fs",
        "virtio memory", "virtio-crypto", "vhost-vsock",  NULL};
    const char *model = model_value(endpoint->node, "model");
    const char *type = model_value(model_child(endpoint->node, "model"), "type");

    return g_strv_contains(kinds, endpoint->what) ||
           g_strcmp0(model, "virtio-non-transitional") == 0 ||
           g_strcmp0(type, "virtio-non-transitional") == 0;
}

/* Whether somebody has chosen disable-legacy by hand: then QEMU's default is no matter */
static gboolean
is_chosen(const ViommuDomain *domain)
{
    for (guint i = 0; i < domain->arguments->len; i++) {
        const char *value = model_value(domain->arguments->pdata[i], "value");

        if (value && strstr(value, "disable-legacy"))
            return TRUE;
    }
    for (guint i = 0; i < domain->overrides->len; i++) {
        const ModelOverride *override = domain->overrides->pdata[i];

        if (g_ptr_array_find_with_equal_func(override->names, "disable-legacy", g_str_equal, NULL))
            return TRUE;
    }
    return FALSE;
}

/* QEMU 11.1 hw/virtio/virtio-pci.c:2197: on a port of PCI Express a virtio device has no legacy
 * half, elsewhere it has. */
static void
check_legacy(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;
    g_autofree char *unsure = NULL;

    for (guint i = 0; i < domain->endpoints->len && !is_chosen(domain); i++) {
        const ModelEndpoint *endpoint = domain->endpoints->pdata[i];
        const ModelController *bus = NULL;
        g_autofree char *label = NULL;

        if (endpoint->driver_iommu != BASE_YES || !g_str_has_prefix(endpoint->what, "v") ||
            is_modern_only(endpoint))
            continue;
        label = rule_endpoint_label(endpoint);
        if (rule_address_is_known(&endpoint->address))
            bus = model_controller(domain, endpoint->address.pci.bus);
        if (!bus && !unsure)
            unsure = g_strdup_printf("the guest address of %s", label);
        else if (bus && bus->kind != MODEL_BUS_ROOT_PORT && bus->kind != MODEL_BUS_DOWNSTREAM)
            rule_fail(call, endpoint->node, NULL,
                      "%s has iommu='on' and is on bus %u (%s), where it is a transitional device",
                      label, bus->index, bus->model);
    }
    if (unsure)
        rule_unknown(call, unsure, "write its <address type='pci'/>");
}

static gboolean
is_conventional(const ViommuDomain *domain, const ModelAddress *address)
{
    return (address->kind == MODEL_ADDRESS_WRITTEN || address->kind == MODEL_ADDRESS_PREDICTED) &&
           model_behind_conventional(domain, address->pci.bus);
}

static void
check_conventional(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;

    for (guint i = 0; i < domain->endpoints->len; i++) {
        const ModelEndpoint *endpoint = domain->endpoints->pdata[i];

        if (is_conventional(domain, &endpoint->address))
            rule_fail(call, endpoint->node, NULL,
                      "%s behind a conventional PCI bridge, with a virtio vIOMMU", endpoint->what);
    }
    for (guint i = 0; i < call->view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = call->view->hostdevs->pdata[i];

        if (view_is_assigned(hostdev) && is_conventional(domain, &hostdev->dev->address))
            rule_fail(call, hostdev->dev->node, NULL,
                      "assigned device behind a conventional PCI bridge, with a virtio vIOMMU");
    }
}

/* Seen refused on 9.0.0 and read in 11.3; seen started on 12.8.0 */
#define REFUSES_MANY_VCPUS_TO BASE_VERSION(11, 4, 0)
#define TAKES_MANY_VCPUS_FROM BASE_VERSION(12, 8, 0)

static gboolean
has_many_vcpus(const RuleCall *call)
{
    return is_virtio(call) && call->view->domain->is_q35 && call->view->domain->vcpus > 255 &&
           rule_iommu_is_element(call->iommu->iommu);
}

static void
check_many_vcpus(RuleCall *call)
{
    guint64 libvirt = call->view->target.libvirt;

    if (libvirt < REFUSES_MANY_VCPUS_TO)
        rule_fail(call, NULL, NULL, "%u vCPUs with a virtio vIOMMU, which has no interrupt mode",
                  call->view->domain->vcpus);
    else if (libvirt < TAKES_MANY_VCPUS_FROM)
        rule_unknown(call, "whether this libvirt takes more than 255 vCPUs here",
                     "libvirt 12.8.0 does");
}

static const Rule rules[] = {
    {
        .id = "virtio-aw-range",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "address width that a virtio vIOMMU does not take",
        .rationale =
            "libvirt refuses the attribute at define, and QEMU the property at start: aw-bits "
            "must be within [32,64]; of a number above 255: Parameter 'aw-bits' expects uint8_t.",
        .remedy = "aw_bits from 32 to 64, best the width of the host",
        .source = "libvirt 12.8.0, refused at define; QEMU 11.1 hw/virtio/virtio-iommu.c:1447",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = check_width_range,
        .applies = is_virtio,
    },
    {
        .id = "virtio-aw-bits-host",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "virtio vIOMMU wider than the IOVA space of the host",
        .rationale =
            "QEMU does not compare; it announces what the host cannot map as reserved. The "
            "guest's own drivers keep off it, a program that was given the device in the guest "
            "may not: its mapping fails with vfio_container_dma_map(...) = -22",
        .remedy = "aw_bits no larger than the width of the host",
        .source =
            "QEMU 11.1 hw/virtio/virtio-iommu.c:505-560; started and booted with 48 bits over 47",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .needs = RULE_NEEDS_REGISTERS | RULE_NEEDS_USAGE,
        .check = check_width_host,
        .applies = passes_on,
    },
    {
        .id = "virtio-granule",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "granule above the page size of the host",
        .rationale =
            "iommufd shows one page size. QEMU says: virtio-iommu reports a page size mask "
            "0xffffffffffff0000 incompatible with currently supported mask 0x1000",
        .remedy = "<granule mode='host'/>",
        .source = "QEMU 11.1 hw/virtio/virtio-iommu.c:597, hw/vfio/iommufd.c:610",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = check_granule,
        .applies = has_granule_iommufd,
    },
    {
        .id = "virtio-granule-legacy",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "granule above the page size of the host, legacy backend",
        .rationale =
            "The container shows 4 KiB, 2 MiB and 1 GiB: with a granule between them 2 MiB is "
            "left, and a guest of smaller pages drops its vIOMMU and every device behind it, the "
            "disks as well: granule 0x10000 larger than system page size 0x1000",
        .remedy = "<granule mode='host'/>",
        .source =
            "QEMU 11.1 hw/virtio/virtio-iommu.c:597; seen in a Linux 7.2 guest with granule 64 KiB",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_LATE,
        .check = check_granule,
        .applies = has_granule_legacy,
    },
    {
        .id = "virtio-granule-small",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "granule below the page size of the host",
        .rationale =
            "With a device at start the granule rises to the host's, which a guest of smaller "
            "pages cannot use. One that is plugged later is refused: virtio-iommu does not "
            "support frozen granule. Machines up to 8.2 have 4 KiB unless it is written.",
        .remedy = "<granule mode='host'/>, and a guest with pages no smaller than the host's",
        .source = "QEMU 11.1 hw/virtio/virtio-iommu.c:611, :1416, hw/core/machine.c:110",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .check = check_granule_small,
        .applies = is_below,
    },
    {
        .id = "virtio-driver-iommu",
        .severity = VIOMMU_SEVERITY_INFO,
        .summary = "virtio devices that go past the vIOMMU",
        .rationale =
            "Without iommu='on' a virtio device uses guest physical addresses, whatever the "
            "vIOMMU says. A guest that wants to isolate them needs it.",
        .remedy = "<driver iommu='on'/> on them, where the guest should isolate them",
        .source = "libvirt 12.8 formatdomain.html, Virtio-related options",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_ADVICE,
        .demotable = TRUE,
        .check = check_driver_iommu,
        .applies = is_meant_for_virtio,
    },
    {
        .id = "virtio-driver-iommu-alone",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "iommu='on' of a virtio device without a vIOMMU",
        .rationale = "libvirt and QEMU take it and the domain starts; nothing translates.",
        .remedy = "an <iommu>, or leave out iommu='on'",
        .source = "libvirt 12.8.0 and QEMU 11.1.2, started",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .check = check_driver_iommu_alone,
        .applies = has_no_viommu,
    },
    {
        .id = "virtio-many-vcpus",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "more than 255 vCPUs with a virtio vIOMMU",
        .rationale =
            "Interrupts to APIC ids above 255 need interrupt remapping in extended mode, which "
            "virtio-iommu has not. libvirt says at define: more than 255 vCPUs require extended "
            "interrupt mode enabled on the iommu device. 12.8 takes it, since the interrupt "
            "controller in QEMU is enough.",
        .remedy = "<iommu model='intel'><driver intremap='on' eim='on'/></iommu>, or libvirt "
                  "12.8.0",
        .source = "libvirt 11.3 src/qemu/qemu_validate.c:854; run on 9.0.0 and 12.8.0",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .needs = RULE_NEEDS_LIBVIRT,
        .check = check_many_vcpus,
        .applies = has_many_vcpus,
    },
    {
        .id = "virtio-driver-iommu-legacy",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "iommu='on' of a virtio device that is not in a PCI Express port",
        .rationale =
            "In a root port or a switch port a virtio device is a modern one. Right on pcie.0, on "
            "a "
            "conventional bridge or on i440fx it is transitional, and its legacy half cannot go "
            "through a vIOMMU. libvirt accepts it; QEMU says: VIRTIO_F_IOMMU_PLATFORM was "
            "supported by neither legacy nor transitional device.",
        .remedy = "an address in a pcie-root-port, or model='virtio-non-transitional'",
        .source = "QEMU 11.1 hw/virtio/virtio-pci.c:2051, 2197, 2249; run on 7.2 and 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = check_legacy,
    },
    {
        .id = "virtio-conventional",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "conventional PCI bridge in a domain with a virtio vIOMMU",
        .rationale =
            "QEMU knows such a device by its bridge's address and denies the guest's question for "
            "its own. A Linux guest then gives up the whole vIOMMU: all groups vanish, and "
            "devices with iommu='on' (disks) never appear. QEMU prints nothing. Two assigned "
            "devices there are refused: virtio-iommu does not support aliased BDF",
        .remedy = "a pcie-root-port instead of the bridge, PCI Express models of the devices, or "
                  "another vIOMMU",
        .source = "QEMU 11.1 hw/virtio/virtio-iommu.c:941, :555; Linux 7.2 "
                  "drivers/iommu/virtio-iommu.c:1040-1055; seen in a Linux 7.2 guest",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_LATE,
        .check = check_conventional,
        .applies = is_virtio,
    },
    {
        .id = "virtio-migration",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "migration wanted with a vIOMMU over an assigned device",
        .rationale =
            "A device that tracks its own writes cannot tell which guest address an IOVA was. "
            "QEMU says: Migration is currently not supported with vIOMMU enabled; a device whose "
            "writes the host IOMMU tracks is not concerned.",
        .remedy = "policy without migration for this domain, or no vIOMMU",
        .source = "QEMU 11.1 hw/vfio/migration.c:1344, :1423",
        .fixer = RULE_FIXER_POLICY,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_ADVICE,
        .demotable = TRUE,
        .check = rule_check_migration,
        .applies = is_virtio,
    },
};

const RuleFamily rule_family_virtio = {"virtio", rules, G_N_ELEMENTS(rules)};
