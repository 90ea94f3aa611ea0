/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Address widths and regions of the host that guest memory must fit. */
#include "rule-families.h"
#include "rule-shared.h"
#include "view-bars.h"

#define GIB       (G_GUINT64_CONSTANT(1) << 30)
#define LOW_SPLIT G_GUINT64_CONSTANT(0xb0000000)

static gboolean
is_pci(const RuleCall *call)
{
    return !rule_is_mdev(call);
}

static const HostRegion *
find_region(const HostGroup *group, HostRegionType type)
{
    for (guint i = 0; group && group->reserved && i < group->reserved->len; i++) {
        const HostRegion *region = &g_array_index(group->reserved, HostRegion, i);

        if (region->type == type)
            return region;
    }
    return NULL;
}

/* The Intel driver refused such devices before the IOMMU core did, which 6.1 does not and 6.12
 * does. UNKNOWN: the kernel's version would tell. */
static BaseTri
refuses_direct(const ViewHostdev *hostdev, BaseU64 kernel)
{
    if (hostdev->unit && hostdev->unit->type == HOST_IOMMU_VTD)
        return BASE_YES;
    if (!base_u64_is_known(kernel))
        return BASE_UNKNOWN;
    if (kernel.value >= BASE_VERSION(6, 12, 0))
        return BASE_YES;
    return kernel.value < BASE_VERSION(6, 2, 0) ? BASE_NO : BASE_UNKNOWN;
}

static void
check_direct(RuleCall *call)
{
    const HostRegion *region = find_region(call->hostdev->group, HOST_REGION_DIRECT);
    BaseTri refused = refuses_direct(call->hostdev, call->view->host->kernel);

    if (!call->hostdev->group)
        rule_not_applicable(call);
    else if (region && refused == BASE_YES)
        rule_fail(call, NULL, NULL,
                  "host group %u has firmware's own memory at 0x%" G_GINT64_MODIFIER
                  "x-0x%" G_GINT64_MODIFIER "x and can never be assigned",
                  call->hostdev->group->id, region->start, region->end);
    else if (region && refused == BASE_UNKNOWN)
        rule_unknown(call, "kernel/release", NULL);
}

/* Whether the host maps all guest memory for that device when the domain starts */
static gboolean
maps_all(const RuleCall *call)
{
    const ViewIommu *iommu = call->hostdev->viommu;

    if (!is_pci(call))
        return FALSE;
    return !iommu || iommu->iommu->kind != MODEL_IOMMU_VIRTIO || iommu->boot_bypass != BASE_NO;
}

/* No IOMMU that VFIO takes maps less than 4 GiB, so what ends below needs no fact. */
static gboolean
maps_high(const RuleCall *call)
{
    return maps_all(call) && rule_ram_top(call->view->domain) > 4 * GIB;
}

static void
check_memory(RuleCall *call)
{
    guint64 top = rule_ram_top(call->view->domain), offered = 0;
    g_autofree char *end = base_format_size(top);
    g_autofree char *limit = NULL;

    if (!rule_host_width(call, &offered) || offered >= 64)
        return;
    limit = base_format_size(G_GUINT64_CONSTANT(1) << offered);
    if (top > G_GUINT64_CONSTANT(1) << offered)
        rule_fail(call, NULL, NULL,
                  "guest memory ends at %s, the host maps up to %s (%" G_GUINT64_FORMAT
                  " bits behind %s)",
                  end, limit, offered, call->hostdev->unit->name);
}

static gboolean
overlaps(const HostRegion *region, guint64 start, guint64 end)
{
    return start < end && region->start < end && region->end >= start;
}

/* QEMU moves guest memory above AMD's HyperTransport window by itself (11.1 hw/i386/pc.c:768). */
static gboolean
is_ht_window(const HostRegion *region)
{
    return region->start == G_GUINT64_CONSTANT(0xfd00000000) &&
           region->end == G_GUINT64_CONSTANT(0xffffffffff);
}

static gboolean
hits_memory(const ViommuDomain *domain, const HostRegion *region)
{
    guint64 top = rule_ram_top(domain);
    guint64 low = domain->memory >= LOW_SPLIT ? 2 * GIB : domain->memory;

    if (domain->is_virt)
        return overlaps(region, GIB, top);
    if (!domain->is_q35 || is_ht_window(region))
        return FALSE;
    /* the first MiB and its holes are nobody's business */
    return overlaps(region, 1024 * 1024, low) || overlaps(region, 4 * GIB, top);
}

static void
check_reserved(RuleCall *call)
{
    const HostGroup *group = call->hostdev->group;

    if (!group)
        rule_not_applicable(call);
    for (guint i = 0; group && group->reserved && i < group->reserved->len; i++) {
        const HostRegion *region = &g_array_index(group->reserved, HostRegion, i);

        if (region->type != HOST_REGION_RESERVED && region->type != HOST_REGION_MSI)
            continue;
        if (!hits_memory(call->view->domain, region))
            continue;
        rule_fail(call, NULL, NULL,
                  "host group %u reserves 0x%" G_GINT64_MODIFIER "x-0x%" G_GINT64_MODIFIER
                  "x, where guest memory is",
                  group->id, region->start, region->end);
        return;
    }
}

/* A shadow vIOMMU over a device on the legacy backend whose guest may map all memory by itself */
static gboolean
is_mapped_by_guest(const ViewHostdev *hostdev)
{
    const ViewIommu *iommu = hostdev->viommu;

    if (!iommu || !view_is_assigned(hostdev) || hostdev->dev->kind == MODEL_HOSTDEV_MDEV ||
        hostdev->dev->iommufd == BASE_YES || hostdev->demand.usage == VIOMMU_USAGE_DMA)
        return FALSE;
    switch (iommu->iommu->kind) {
    case MODEL_IOMMU_INTEL:
        return iommu->fsts != BASE_YES && iommu->dma_translation != BASE_NO;
    case MODEL_IOMMU_AMD:
        return iommu->dma_remap == BASE_YES;
    case MODEL_IOMMU_VIRTIO:
        return TRUE;
    case MODEL_IOMMU_SMMUV3:
    case MODEL_IOMMU_OTHER:
        break;
    }
    return FALSE;
}

static guint
count_mapped_by_guest(const View *view)
{
    guint count = 0;

    for (guint i = 0; i < view->hostdevs->len; i++)
        count += is_mapped_by_guest(view->hostdevs->pdata[i]) ? 1 : 0;
    return count;
}

static gboolean
has_mapped_by_guest(const RuleCall *call)
{
    return count_mapped_by_guest(call->view) > 0;
}

#define SMALL_PAGE 4096
#define MIB        (G_GUINT64_CONSTANT(1) << 20)

static void
check_count(RuleCall *call)
{
    BaseU64 limit = call->view->host->dma_entry_limit;
    guint64 memory = call->view->domain->memory;
    guint64 reach = base_saturating_mul(limit.value, SMALL_PAGE);
    guint count = count_mapped_by_guest(call->view);
    g_autofree char *size = base_format_size(memory);

    if (limit.state == BASE_STATE_UNKNOWN)
        rule_unknown(call, "vfio/dma_entry_limit", NULL);
    else if (base_u64_is_known(limit) && reach < memory)
        rule_fail(
            call, NULL, NULL,
            "%u device%s that the guest maps for, on the legacy VFIO backend: %s%" G_GUINT64_FORMAT
            " mappings at most (dma_entry_limit), or %" G_GUINT64_FORMAT
            " MiB in pages of 4 KiB, and the guest has %s",
            count, count == 1 ? "" : "s", count == 1 ? "" : "each ", limit.value, reach / MIB,
            size);
}

#define HOLE64_DEFAULT (32 * GIB)

static gboolean
has_physical_bits(const RuleCall *call)
{
    return call->view->domain->is_q35 && g_strcmp0(call->view->domain->arch, "x86_64") == 0 &&
           view_physical_bits(call->view->domain) > 0;
}

/* What may be plugged lies behind guest memory, with 1 GiB more for each slot (QEMU 11.1
 * hw/i386/pc.c:603). */
static guint64
plugged_reach(const ViommuDomain *domain)
{
    const xmlNode *element = model_child(domain->root, "maxMemory");
    g_autofree char *text = model_attribute(element, "slots");
    guint64 slots = 0;

    if (!element || domain->max_memory <= domain->memory)
        return 0;
    if (!base_parse_u64(text, 10, &slots) || slots > G_MAXUINT16)
        slots = 0;
    return base_saturating_add(domain->max_memory - domain->memory, slots * GIB);
}

/* The window behind guest memory. What libvirt cannot read counts nothing: bus-hole-size tells it.
 */
static guint64
hole(const ViommuDomain *domain)
{
    const ModelController *root = model_controller(domain, 0);

    if (!root || root->hole64.state == BASE_STATE_ABSENT)
        return HOLE64_DEFAULT;
    return root->hole64.value;
}

/* A lower bound */
static void
check_physical(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;
    guint64 bits = view_physical_bits(domain), reach = G_GUINT64_CONSTANT(1) << bits;
    guint64 top = (MAX(rule_ram_top(domain), 4 * GIB) + GIB - 1) / GIB * GIB;
    guint64 end =
        base_saturating_add(base_saturating_add(top, plugged_reach(domain)), hole(domain));
    g_autofree char *need = base_format_size(end);
    g_autofree char *have = base_format_size(reach);

    if (end > reach)
        rule_fail(call, NULL, NULL,
                  "guest memory and the window behind it end at %s, and a CPU of %" G_GUINT64_FORMAT
                  " physical address bits reaches %s",
                  need, bits, have);
}

static const Rule rules[] = {
    {
        .id = "iova-direct-region",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "device whose memory firmware keeps for itself (RMRR)",
        .rationale =
            "The firmware wants that memory mapped at all times, so the kernel refuses to give "
            "the device away: Firmware has requested this device have a 1:1 IOMMU mapping, "
            "rejecting configuring the device without a 1:1 mapping. VFIO answers EINVAL (EPERM "
            "before Linux 6.2).",
        .remedy = "another device, or firmware that drops the region",
        .source = "Linux 7.2 drivers/iommu/iommu.c:2404-2417; 6.12 :2260; 6.1 "
                  "drivers/iommu/intel/iommu.c:4326",
        .fixer = RULE_FIXER_FIRMWARE,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_UNIT | RULE_NEEDS_RESERVED,
        .check = check_direct,
        .applies = is_pci,
    },
    {
        .id = "iova-guest-memory-width",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "guest memory above what the host IOMMU can map",
        .rationale =
            "All guest memory is mapped for the device at start, at its guest address. QEMU says: "
            "vfio_container_dma_map(...) = -22 (Invalid argument)",
        .remedy = "less memory, or a host with a wider IOMMU",
        .source = "QEMU 11.1 hw/vfio/listener.c:640; Linux 7.2 "
                  "drivers/iommu/iommufd/io_pagetable.c:1181-1190",
        .fixer = RULE_FIXER_HOST,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_REGISTERS,
        .check = check_memory,
        .applies = maps_high,
    },
    {
        .id = "iova-reserved-memory",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "guest memory over a reserved region of the host",
        .rationale =
            "Regions of type reserved and msi are cut out of what the kernel maps for the "
            "device's group, and guest memory must be mapped at its guest address. QEMU says: "
            "vfio_container_dma_map(...) = -22 (Invalid argument)",
        .remedy = "less guest memory, or another host",
        .source = "Linux 7.2 drivers/iommu/iommufd/io_pagetable.c:1502-1530, "
                  "drivers/vfio/vfio_iommu_type1.c (vfio_iommu_resv_exclude)",
        .fixer = RULE_FIXER_HOST,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_RESERVED,
        .check = check_reserved,
        .applies = maps_all,
    },
    {
        .id = "iova-map-count",
        .severity = VIOMMU_SEVERITY_INFO,
        .summary = "too few mappings for a guest that maps its memory in small pages",
        .rationale =
            "Behind a shadow vIOMMU each page that the guest maps is one mapping of the VFIO "
            "container, which takes dma_entry_limit of them. A guest that gives the device to a "
            "program or a nested guest maps all of that one's memory: with 4 KiB pages DMA fails "
            "beyond the limit, with vfio_container_dma_map(...) = -28 (No space left on device) "
            "in QEMU's log only.",
        .remedy = "iommufd, which has no such limit, or huge pages in the guest",
        .source = "Linux 7.2 drivers/vfio/vfio_iommu_type1.c:59, :1745; QEMU 11.1 "
                  "hw/vfio/listener.c:177; ENOSPC seen with the limit at 0",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .needs = RULE_NEEDS_USAGE,
        .check = check_count,
        .applies = has_mapped_by_guest,
    },
    {
        .id = "iova-phys-bits",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "guest memory that the guest's CPU cannot address",
        .rationale =
            "QEMU puts a window of 32 GiB for 64-bit BARs behind guest memory, and both "
            "must be within the physical addresses of the CPU: 40 bits of a CPU model that "
            "does not take the host's. It says: Address space limit 0xffffffff < 0x9ffffffff "
            "phys-bits too low (32)",
        .remedy = "more bits in <maxphysaddr>, or mode='passthrough'",
        .source = "QEMU 11.1 hw/i386/pc.c:784; libvirt 12.8.0 with QEMU 11.1.2, refused at start",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = check_physical,
        .applies = has_physical_bits,
    },
};

const RuleFamily rule_family_iova = {"iova", rules, G_N_ELEMENTS(rules)};
