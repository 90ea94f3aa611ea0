/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtio-iommu against its guest's pages, and virtio devices that want more than a vIOMMU has. */
#include "rule-families.h"
#include "rule-shared.h"
#include "rule-tools.h"

#include <string.h>

#define X86_PAGE 4096

static gboolean
is_virtio(const RuleCall *call)
{
    return call->iommu->iommu->kind == MODEL_IOMMU_VIRTIO;
}

static const xmlNode *
granule_element(const RuleCall *call)
{
    return model_child(call->iommu->iommu->driver, "granule");
}

static gboolean
writes_granule(const RuleCall *call)
{
    return is_virtio(call) && rule_iommu_is_element(call->iommu->iommu) && granule_element(call);
}

static void
check_granule_value(RuleCall *call)
{
    static const guint64 sizes[] = {4096, 8192, 16384, 65536};
    BaseU64 granule = call->iommu->iommu->granule;
    const xmlNode *element = granule_element(call);
    const char *mode = model_value(element, "mode");
    const char *size = model_value(element, "size");
    guint64 libvirt = call->view->target.libvirt;

    /* an older libvirt drops the element: xml-attribute-too-new */
    if (libvirt != 0 && libvirt < BASE_VERSION(12, 1, 0)) {
        rule_not_applicable(call);
        return;
    }
    if (mode && size) {
        rule_fail(call, element, NULL, "<granule> with both mode='%s' and size='%s'", mode, size);
        return;
    }
    /* 0 and none at all are dropped, what cannot be read is refused for that: other rules tell */
    if (!base_u64_is_known(granule) || granule.value == 0)
        return;
    granule.value = (granule.value + 1023) / 1024 * 1024; /* as libvirt rounds it */
    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++)
        if (granule.value == sizes[i])
            return;
    rule_fail(call, element, NULL, "granule size='%s' is not 4, 8, 16 or 64 KiB", size ? size : "");
}

static gboolean
is_virtio_on_x86(const RuleCall *call)
{
    return is_virtio(call) && rule_is_x86(call->view->domain);
}

static void
check_granule_x86(RuleCall *call)
{
    BaseU64 granule = call->iommu->granule;

    if (base_u64_is_known(granule) && granule.value > X86_PAGE)
        rule_fail(call, NULL, NULL,
                  "granule %" G_GUINT64_FORMAT " KiB, and an x86 guest has pages of 4 KiB",
                  granule.value / 1024);
}

static gboolean
is_virtio_on_arm(const RuleCall *call)
{
    return is_virtio(call) && call->view->domain->is_virt;
}

static void
check_granule_arm(RuleCall *call)
{
    BaseU64 granule = call->iommu->granule, page = call->view->host->page_size;
    guint64 bytes = granule.value;

    if (granule.state == BASE_STATE_UNKNOWN) {
        rule_unknown(call, "versions/qemu", "--qemu-version, or a machine with its version");
        return;
    }
    if (granule.state == BASE_STATE_ABSENT && !base_u64_is_known(page)) {
        rule_unknown(call, "page_size", NULL);
        return;
    }
    if (granule.state == BASE_STATE_ABSENT)
        bytes = page.value;
    if (bytes > X86_PAGE)
        rule_fail(call, NULL, NULL,
                  "granule %" G_GUINT64_FORMAT
                  " KiB%s: a guest with smaller pages drops the vIOMMU",
                  bytes / 1024, granule.state == BASE_STATE_ABSENT ? " (that of the host)" : "");
}

static gboolean
is_device_below(const RuleCall *call)
{
    return rule_is_behind(call, MODEL_IOMMU_VIRTIO) && !rule_is_mdev(call);
}

/* QEMU 7.2 was read and has nothing of the kind, 10.0 has, and 9.0 brought aw-bits. */
static void
check_geometry(RuleCall *call)
{
    guint64 qemu = call->view->target.qemu;
    g_autofree char *version = base_format_version(qemu);

    if (qemu >= BASE_VERSION(9, 0, 0))
        return;
    if (qemu >= BASE_VERSION(7, 3, 0))
        rule_unknown(call, "whether virtio-iommu of this QEMU knows the host's IOVA ranges",
                     "QEMU 9.0 or newer does");
    else
        rule_fail(
            call, NULL, NULL,
            "assigned device behind the virtio vIOMMU of QEMU %s, which offers 64 bits whatever "
            "the host has",
            version);
}

/* The vIOMMU over an emulated device; NULL: none, or its place is not known */
static const ViewIommu *
iommu_over(const View *view, const ModelEndpoint *endpoint)
{
    BaseTri known;

    if (!rule_address_is_known(&endpoint->address))
        return NULL;
    return view_covering(view, model_root_bus(view->domain, endpoint->address.pci.bus), &known);
}

static gboolean
has_viommu(const RuleCall *call)
{
    return call->view->iommus->len > 0;
}

static gboolean
wants_ats(const ModelEndpoint *endpoint)
{
    const char *ats = model_value(model_child(endpoint->node, "driver"), "ats");

    return endpoint->driver_iommu == BASE_YES && g_strcmp0(ats, "on") == 0;
}

static void
check_ats(RuleCall *call)
{
    const GPtrArray *endpoints = call->view->domain->endpoints;

    for (guint i = 0; i < endpoints->len; i++) {
        const ModelEndpoint *endpoint = endpoints->pdata[i];
        const ViewIommu *iommu = wants_ats(endpoint) ? iommu_over(call->view, endpoint) : NULL;
        gboolean has_one = iommu && (iommu->iommu->kind == MODEL_IOMMU_INTEL ||
                                     iommu->iommu->kind == MODEL_IOMMU_AMD);
        g_autofree char *label = NULL;

        if (!iommu || rule_is_accel(iommu) || iommu->device_iotlb == BASE_YES)
            continue;
        label = rule_endpoint_label(endpoint);
        rule_fail(call, endpoint->node,
                  has_one ? "iotlb='on' in the vIOMMU's <driver>, or no ats='on'"
                          : "leave out ats='on'",
                  "%s has ats='on', and the %s vIOMMU over it has no device IOTLB", label,
                  iommu->iommu->model);
    }
}

static gboolean
is_vdpa(const ModelEndpoint *endpoint)
{
    g_autofree char *type = endpoint->node ? model_attribute(endpoint->node, "type") : NULL;

    return g_strcmp0(type, "vdpa") == 0 && endpoint->driver_iommu == BASE_YES;
}

/* (nullable): why QEMU hears of no mapping of a device behind it */
static const char *
why_deaf(const ViewIommu *iommu)
{
    if (iommu->iommu->kind == MODEL_IOMMU_SMMUV3)
        return "an SMMUv3 announces no mappings";
    if (iommu->iommu->kind != MODEL_IOMMU_INTEL || iommu->dma_translation == BASE_NO)
        return NULL;
    if (iommu->fsts == BASE_YES)
        return "VT-d first stage announces no mappings";
    return iommu->caching_mode == BASE_YES ? NULL : "the VT-d vIOMMU has no caching mode";
}

static void
check_vdpa(RuleCall *call)
{
    const GPtrArray *endpoints = call->view->domain->endpoints;

    for (guint i = 0; i < endpoints->len; i++) {
        const ModelEndpoint *endpoint = endpoints->pdata[i];
        const ViewIommu *iommu = is_vdpa(endpoint) ? iommu_over(call->view, endpoint) : NULL;
        const char *why = iommu ? why_deaf(iommu) : NULL;

        if (why)
            rule_fail(call, endpoint->node, NULL, "vDPA interface with iommu='on', and %s", why);
    }
}

/* Whether firmware would read that disk or network card through a vIOMMU */
static gboolean
is_boot_source(const xmlNode *node)
{
    const char *bus = model_value(model_child(node, "target"), "bus");
    const char *model = model_value(model_child(node, "model"), "type");
    const char *iommu = model_value(model_child(node, "driver"), "iommu");

    if (g_strcmp0(iommu, "on") == 0)
        return TRUE;
    if (xmlStrcmp(node->name, BAD_CAST "disk") == 0)
        return bus && (strcmp(bus, "sata") == 0 || strcmp(bus, "ide") == 0 ||
                       strcmp(bus, "usb") == 0 || strcmp(bus, "nvme") == 0);
    if (xmlStrcmp(node->name, BAD_CAST "controller") == 0)
        return FALSE;
    return model && !g_str_has_prefix(model, "virtio");
}

/* The guest boots by itself, and maybe from something that goes through the vIOMMU. */
static gboolean
can_boot_through(const RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;
    const xmlNode *node = model_child(domain->root, "devices");

    if (model_child(model_child(domain->root, "os"), "kernel"))
        return FALSE;
    for (guint i = 0; i < call->view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = call->view->hostdevs->pdata[i];

        if (view_is_assigned(hostdev) && hostdev->viommu == call->iommu)
            return TRUE;
    }
    for (node = node ? node->children : NULL; node; node = node->next)
        if (node->type == XML_ELEMENT_NODE &&
            (xmlStrcmp(node->name, BAD_CAST "disk") == 0 ||
             xmlStrcmp(node->name, BAD_CAST "interface") == 0 ||
             xmlStrcmp(node->name, BAD_CAST "controller") == 0) &&
            is_boot_source(node))
            return TRUE;
    return FALSE;
}

static void
check_boot_bypass(RuleCall *call)
{
    if (call->iommu->boot_bypass != BASE_NO)
        return;
    if (!can_boot_through(call))
        rule_not_applicable(call);
    else
        rule_fail(call, NULL, NULL,
                  "boot-bypass is off: nothing behind this vIOMMU can be booted from");
}

static const Rule rules[] = {
    {
        .id = "virtio-boot-bypass",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "virtio vIOMMU that blocks DMA until the guest drives it",
        .rationale =
            "Firmware has no driver for it: what sits behind it cannot read a disk or the network "
            "until the guest's kernel is up.",
        .remedy = "leave out boot-bypass (it is on), or boot from a virtio disk without iommu='on'",
        .source = "QEMU 11.1 hw/virtio/virtio-iommu.c:1198-1229",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .check = check_boot_bypass,
        .applies = is_virtio,
    },
    {
        .id = "virtio-granule-value",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a granule that libvirt does not take",
        .rationale = "libvirt says at define: iommu: unsupported granule size. Supported values "
                     "are 4, 8, 16 and 64 KiB; or: 'mode' and 'size' can't be specified at the "
                     "same time for 'granule'",
        .remedy = "<granule mode='host'/>, or size='4' unit='KiB' and the like",
        .source = "libvirt 12.8.0, refused at define",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_REFUSED_DEFINE,
        .certain = TRUE,
        .check = check_granule_value,
        .applies = writes_granule,
    },
    {
        .id = "virtio-granule-x86",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "granule above the page size of an x86 guest",
        .rationale =
            "A Linux guest gives up a vIOMMU whose granule is above its own pages, and with it "
            "every group: devices with iommu='on' (disks) never appear. It says: granule 0x10000 "
            "larger than system page size 0x1000. QEMU says nothing.",
        .remedy = "<granule size='4' unit='KiB'/>, or mode='host'",
        .source = "QEMU 11.1 hw/virtio/virtio-iommu.c:1416; seen in a Linux 7.2 guest with granule "
                  "64 KiB",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_LATE,
        .check = check_granule_x86,
        .applies = is_virtio_on_x86,
    },
    {
        .id = "virtio-granule-arm",
        .severity = VIOMMU_SEVERITY_INFO,
        .summary = "granule that not every Arm guest can use",
        .rationale =
            "An Arm guest has pages of 4, 16 or 64 KiB. With smaller ones than the granule it "
            "drops the vIOMMU and every device behind it: granule 0x10000 larger than system page "
            "size 0x1000. On a host with pages of 64 KiB nothing smaller serves an assigned "
            "device.",
        .remedy = "a guest kernel with pages no smaller than the granule",
        .source = "QEMU 11.1 hw/virtio/virtio-iommu.c:1416; seen in a Linux 7.2 guest on x86",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_VIOMMU,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .check = check_granule_arm,
        .applies = is_virtio_on_arm,
    },
    {
        .id = "virtio-old-geometry",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "assigned device behind a virtio vIOMMU that does not know the host's width",
        .rationale =
            "QEMU 7.2 offers the guest 64 bits of addresses and tells it nothing of what the host "
            "cannot map. A guest that uses addresses above the host's width has DMA faults, and "
            "QEMU logs vfio_dma_map(...) = -22 (Invalid argument).",
        .remedy = "QEMU 9.0 or newer, or model='intel'",
        .source = "QEMU 7.2.0 hw/virtio/virtio-iommu.c (neither aw-bits nor IOVA ranges), 10.0.13 "
                  ":536 has both; 11.1 hw/core/machine.c:106-113 (aw-bits since 9.0)",
        .fixer = RULE_FIXER_STACK,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .needs = RULE_NEEDS_QEMU,
        .check = check_geometry,
        .applies = is_device_below,
    },
    {
        .id = "virtio-ats-idle",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "ats='on' of a virtio device behind a vIOMMU without device IOTLB",
        .rationale =
            "The device shows the capability and a Linux guest leaves it alone, since its vIOMMU "
            "says nothing of device IOTLBs. A guest that switches it on regardless, with a vhost "
            "backend, ends QEMU: requires device IOTLB mode; Virtio-iommu does not support "
            "dev-iotlb yet; SMMUv3 does not support dev-iotlb yet",
        .remedy = "leave out ats='on', or iotlb='on' in the <driver> of an intel vIOMMU",
        .source = "QEMU 11.1 hw/virtio/vhost.c:1040-1052 (error_fatal), "
                  "hw/i386/intel_iommu.c:4085, hw/virtio/virtio-iommu.c:1388, "
                  "hw/arm/smmuv3.c:2237; libvirt 12.8.0 with QEMU 11.1.2 starts it",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .check = check_ats,
        .applies = has_viommu,
    },
    {
        .id = "virtio-vdpa-deaf",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "vDPA behind a vIOMMU that announces no mappings",
        .rationale =
            "A vDPA device with iommu='on' does DMA by what the guest maps, and QEMU hears of it "
            "by the vIOMMU's map notifications. Where there are none QEMU drops the error and "
            "goes on: nothing is ever mapped for the device, and nobody says so.",
        .remedy = "caching_mode='on' in an intel vIOMMU, model='virtio', or no iommu='on' on the "
                  "interface",
        .source = "QEMU 11.1 hw/virtio/vhost-vdpa.c:259-292, hw/i386/intel_iommu.c:4079, "
                  "hw/arm/smmuv3.c:2242",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_SILENT,
        .check = check_vdpa,
        .applies = has_viommu,
    },
};

const RuleFamily rule_family_virtio_device = {"virtio", rules, G_N_ELEMENTS(rules)};
