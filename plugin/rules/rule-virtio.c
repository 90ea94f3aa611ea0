/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-iommu, and virtio devices in front of any vIOMMU. */
#include "rule-families.h"
#include "rule-shared.h"

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
    guint64 offered = 0;

    if (!rule_host_width(call, &offered) || (!base_u64_is_known(width) && offered >= 64))
        return;
    if (!base_u64_is_known(width))
        rule_unknown(call, "versions/qemu", "--qemu-version, or a machine with its version");
    else if (width.value > offered)
        rule_fail(call, NULL, NULL,
                  "aw_bits %" G_GUINT64_FORMAT " exceeds the %" G_GUINT64_FORMAT
                  " bits that this host offers behind %s",
                  width.value, offered, call->hostdev->unit->name);
}

static gboolean
is_below(const RuleCall *call)
{
    return rule_is_behind(call, MODEL_IOMMU_VIRTIO) && !rule_is_mdev(call);
}

static gboolean
has_granule(const RuleCall *call)
{
    return is_below(call) && base_u64_is_known(call->hostdev->viommu->granule);
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

static void
check_boot_bypass(RuleCall *call)
{
    if (call->iommu->boot_bypass == BASE_NO)
        rule_fail(call, NULL, NULL,
                  "boot-bypass is off: nothing behind this vIOMMU can be booted from");
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

static const Rule rules[] = {
    {
        .id = "virtio-aw-range",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "address width that a virtio vIOMMU does not take",
        .rationale = "libvirt and QEMU say: aw-bits must be within [32,64]",
        .remedy = "aw_bits from 32 to 64, best the width of the host",
        .source = "libvirt 12.8.0, refused at define; QEMU 11.1 hw/virtio/virtio-iommu.c:1447",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
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
        .id = "virtio-boot-bypass",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "virtio vIOMMU that blocks DMA until the guest drives it",
        .rationale =
            "Firmware has no driver for it: what sits behind it cannot read a disk or the network "
            "until the guest's kernel is up.",
        .remedy = "leave out boot-bypass (it is on), or boot from a device that has no iommu='on'",
        .source = "QEMU 11.1 hw/virtio/virtio-iommu.c:1198-1229",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .check = check_boot_bypass,
        .applies = is_virtio,
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
