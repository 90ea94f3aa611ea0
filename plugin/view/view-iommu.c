/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "view-iommu.h"

#include <string.h>

#include "base-text.h"
#include "view-stack.h"

BaseTri
view_parse_tri(const char *text)
{
    static const char *const yes[] = {"on", "yes", "true", "y", NULL};
    static const char *const no[] = {"off", "no", "false", "n", NULL};

    if (!text)
        return BASE_UNKNOWN;
    if (g_strv_contains(yes, text))
        return BASE_YES;
    return g_strv_contains(no, text) ? BASE_NO : BASE_UNKNOWN;
}

BaseU64
view_machine_version(const ViommuDomain *domain, guint64 qemu)
{
    if (domain->machine_version.state != BASE_STATE_ABSENT)
        return domain->machine_version;
    return qemu ? base_u64(qemu) : (BaseU64){0};
}

/* Values that libvirt reads as if the attribute were not there (run on 12.8.0) */
static gboolean
is_dropped(const char *attribute, const char *value)
{
    static const char *const signed_numbers[] = {"oas", "pciBus", "ssidsize", NULL};
    guint64 number = 1;

    if (g_strv_contains(signed_numbers, attribute))
        return value[strspn(value, " \t\n")] == '-';
    return strcmp(attribute, "aw_bits") == 0 && base_parse_loose_u64(value, 10, &number) &&
           number == 0;
}

/* One vIOMMU as a libvirt of that version reads it; 0: not known, and it reads all there is */
typedef struct {
    const ModelIommu *iommu;
    guint64 libvirt;
} Source;

/* Whether this libvirt knows the attribute for any model: else it drops it without a word */
static gboolean
is_known(const Source *from, const char *attribute)
{
    return from->libvirt == 0 || stack_known_since(attribute) <= from->libvirt;
}

/* What is written for one property, or NULL ("" where an override removes it). An override replaces
 * what libvirt makes of the attribute (libvirt 11.3 qemu_command.c,
 * qemuBuildDeviceCommandlineHandleOverrides), and both replace a -global default. @attribute:
 * libvirt's spelling or NULL. (transfer full) */
static char *
written(const Source *from, const char *attribute, const char *property)
{
    const ModelIommu *iommu = from->iommu;
    gpointer value = NULL;

    if (g_hash_table_lookup_extended(iommu->properties, property, NULL, &value))
        return g_strdup(value);
    if (iommu->commandline)
        attribute = property;
    if (attribute && g_hash_table_lookup_extended(iommu->attributes, attribute, NULL, &value) &&
        (iommu->commandline || (is_known(from, attribute) && !is_dropped(attribute, value))))
        return g_strdup(value);
    return g_strdup(g_hash_table_lookup(iommu->globals, property));
}

static BaseTri
tri_of(const Source *from, const char *attribute, const char *property, BaseTri fallback)
{
    g_autofree char *text = written(from, attribute, property);
    BaseTri tri = view_parse_tri(text);

    return tri == BASE_UNKNOWN ? fallback : tri;
}

/* "auto" and what is no number count as not written. */
static BaseU64
number_of(const Source *from, const char *attribute, const char *property, BaseU64 fallback)
{
    g_autofree char *text = written(from, attribute, property);
    guint64 value = 0;

    return base_parse_loose_u64(text, 0, &value) ? base_u64(value) : fallback;
}

/* QEMU 11.1 hw/i386/pc.c:104: 48 from q35 9.2 on, 39 before. QEMU 9.2 itself has 39 throughout: the
 * change (QEMU commit message of 12 December 2024) came two days after its release. */
static BaseU64
intel_default_width(const ViommuDomain *domain, guint64 qemu)
{
    BaseU64 version = view_machine_version(domain, qemu);

    if (qemu != 0 && qemu < BASE_VERSION(10, 0, 0))
        return base_u64(39);
    if (!base_u64_is_known(version))
        return version;
    if (qemu == 0 && version.value >= BASE_VERSION(9, 2, 0) &&
        version.value < BASE_VERSION(10, 0, 0))
        return (BaseU64){0};
    return base_u64(version.value >= BASE_VERSION(9, 2, 0) ? 48 : 39);
}

/* QEMU 11.1 hw/i386/pc_q35.c:71, hw/arm/virt.c:101, hw/core/machine.c:111: machines up to 8.2
 * keep 64 bits. */
static BaseU64
virtio_default_width(const ViommuDomain *domain, guint64 qemu)
{
    BaseU64 version = view_machine_version(domain, qemu);

    if (!base_u64_is_known(version))
        return version;
    if (version.value < BASE_VERSION(9, 0, 0))
        return base_u64(64);
    if (domain->is_q35)
        return base_u64(39);
    return base_u64(domain->is_virt ? 48 : 64);
}

/* QEMU 11.1 qapi/virtio.json, GranuleMode; ABSENT: "host" */
static gboolean
parse_granule(const char *text, BaseU64 *ret)
{
    static const struct {
        const char *text;
        guint64 bytes;
    } sizes[] = {{"4k", 4096}, {"8k", 8192}, {"16k", 16384}, {"64k", 65536}};

    if (g_strcmp0(text, "host") == 0) {
        *ret = base_u64_absent();
        return TRUE;
    }
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        if (g_strcmp0(text, sizes[i].text) == 0) {
            *ret = base_u64(sizes[i].bytes);
            return TRUE;
        }
    }
    return FALSE;
}

/* QEMU 11.1 hw/core/machine.c:110: machines up to 8.2 have 4 KiB, later ones the host's; QEMU
 * before 9.0 has no such property and 4 KiB. */
static BaseU64
granule_of(const ViommuDomain *domain, const Source *from, guint64 qemu)
{
    const ModelIommu *iommu = from->iommu;
    g_autofree char *text = written(from, NULL, "granule");
    BaseU64 version = view_machine_version(domain, qemu), granule;

    if (parse_granule(text, &granule))
        return granule;
    if (iommu->granule.state != BASE_STATE_UNKNOWN &&
        (from->libvirt == 0 || from->libvirt >= STACK_LIBVIRT_GRANULE))
        return iommu->granule;
    if (!base_u64_is_known(version))
        return (BaseU64){0};
    return version.value < BASE_VERSION(9, 0, 0) ? base_u64(4096) : base_u64_absent();
}

/* QEMU 11.1 hw/i386/x86-iommu.c:118: on unless KVM's interrupt chip is wholly in the kernel,
 * which is what libvirt asks for without <ioapic driver='qemu'/>. */
static BaseTri
intremap_default(const ViommuDomain *domain)
{
    if (g_strcmp0(domain->type, "kvm") != 0)
        return BASE_YES;
    return base_tri(g_strcmp0(domain->ioapic, "qemu") == 0);
}

/* libvirt 10.10 and later switch intremap and eim on for more than 255 vCPUs (run on 12.8.0). */
static BaseTri
many_vcpus_default(const ViommuDomain *domain, const ModelIommu *iommu, guint64 libvirt,
                   BaseTri fallback)
{
    if (iommu->implicit)
        return BASE_YES;
    if (domain->vcpus <= 255 || iommu->commandline)
        return fallback;
    if (libvirt == 0)
        return BASE_UNKNOWN;
    return libvirt >= BASE_VERSION(10, 10, 0) ? BASE_YES : fallback;
}

/* The x- names are those of QEMU 10.0; its x-pasid-mode is a boolean without a width. */
static void
fill_intel_scalable(ViewIommu *view, const Source *from)
{
    BaseTri old_pasid = tri_of(from, NULL, "x-pasid-mode", BASE_NO);

    view->scalable =
        tri_of(from, NULL, "scalable-mode", tri_of(from, NULL, "x-scalable-mode", BASE_NO));
    view->fsts = tri_of(from, NULL, "fsts", tri_of(from, NULL, "x-flts", BASE_NO));
    view->fs1gp = tri_of(from, NULL, "fs1gp", BASE_YES);
    view->snoop_control = tri_of(from, NULL, "snoop-control", BASE_NO);
    view->svm = tri_of(from, NULL, "svm", BASE_NO);
    view->pasid_bits =
        number_of(from, NULL, "pasid-bits", old_pasid == BASE_YES ? (BaseU64){0} : base_u64(0));
}

static void
fill_intel(ViewIommu *view, const ViommuDomain *domain, const Source *from,
           const ViommuTarget *target)
{
    const ModelIommu *iommu = from->iommu;
    BaseTri kvm = base_tri(g_strcmp0(domain->type, "kvm") == 0);
    BaseTri intremap = many_vcpus_default(domain, iommu, target->libvirt, intremap_default(domain));
    BaseTri eim;

    view->aw_bits =
        number_of(from, "aw_bits", "aw-bits", intel_default_width(domain, target->qemu));
    view->caching_mode = tri_of(from, "caching_mode", "caching-mode", BASE_NO);
    view->intremap = tri_of(from, "intremap", "intremap", intremap);
    eim = kvm == BASE_YES ? view->intremap : BASE_NO;
    view->eim = tri_of(from, "eim", "eim", many_vcpus_default(domain, iommu, target->libvirt, eim));
    view->device_iotlb = tri_of(from, "iotlb", "device-iotlb", BASE_NO);
    view->dma_translation = tri_of(from, "dma_translation", "dma-translation", BASE_YES);
    fill_intel_scalable(view, from);
}

static void
fill_amd(ViewIommu *view, const ViommuDomain *domain, const Source *from)
{
    const ModelIommu *iommu = from->iommu;

    view->intremap = tri_of(from, "intremap", "intremap", intremap_default(domain));
    view->device_iotlb = tri_of(from, "iotlb", "device-iotlb", BASE_NO);
    view->dma_translation = tri_of(from, NULL, "dma-translation", BASE_YES);
    /* An override cannot reach it: the alias is that of the AMDVI-PCI helper (libvirt 12.8.0). */
    if (iommu->commandline) {
        view->dma_remap = tri_of(from, NULL, "dma-remap", BASE_NO);
    } else {
        const char *text = g_hash_table_lookup(iommu->globals, "dma-remap");

        view->dma_remap = view_parse_tri(text) == BASE_YES ? BASE_YES : BASE_NO;
    }
}

/* Controller index that a QEMU bus name stands for: "pcie.0", "pci.7" or a controller's alias. */
static BaseU64
bus_by_name(const ViommuDomain *domain, const char *name)
{
    guint64 index = 0;

    if (!name)
        return base_u64_absent();
    if (strcmp(name, "pcie.0") == 0)
        return base_u64(0);
    if (g_str_has_prefix(name, "pci.") && base_parse_u64(name + 4, 10, &index))
        return base_u64(index);
    for (guint i = 0; i < domain->controllers->len; i++) {
        const ModelController *controller = domain->controllers->pdata[i];

        if (g_strcmp0(controller->alias, name) == 0)
            return base_u64(controller->index);
    }
    return (BaseU64){0};
}

/* auto exists from virt-11.1 on; older machines force values (QEMU 11.1 hw/core/machine.c:49-52),
 * and without acceleration nothing else is allowed (hw/arm/smmuv3.c:2001-2018). */
static void
fill_smmu(ViewIommu *view, const ViommuDomain *domain, const Source *from,
          const ViommuTarget *target)
{
    const ModelIommu *iommu = from->iommu;
    BaseU64 version = view_machine_version(domain, target->qemu);
    gboolean known = base_u64_is_known(version);
    gboolean forced;

    if (iommu->commandline) {
        g_autofree char *name = written(from, NULL, "primary-bus");

        view->pci_bus = bus_by_name(domain, name);
    } else {
        view->pci_bus = number_of(from, "pciBus", "primary-bus", base_u64_absent());
    }
    view->accel = tri_of(from, "accel", "accel", BASE_NO);
    view->accel_written = view->accel == BASE_YES;
    /* libvirt 12.8 makes a machine-wide SMMU of it and drops accel without a word (run) */
    if (view->pci_bus.state == BASE_STATE_ABSENT)
        view->accel = BASE_NO;
    forced = view->accel != BASE_YES || (known && version.value < BASE_VERSION(11, 1, 0));
    view->values_auto = base_tri(!forced);
    if (!forced && !known)
        view->values_auto = BASE_UNKNOWN;
    view->ats = tri_of(from, "ats", "ats", forced ? BASE_NO : BASE_UNKNOWN);
    view->ril = tri_of(from, "ril", "ril", forced ? BASE_YES : BASE_UNKNOWN);
    view->cmdqv = tri_of(from, "cmdqv", "cmdqv", view->accel == BASE_YES ? BASE_UNKNOWN : BASE_NO);
    view->ssidsize = number_of(from, "ssidsize", "ssidsize",
                               forced  ? base_u64(0)
                               : known ? base_u64_absent()
                                       : (BaseU64){0});
    view->oas = number_of(from, "oas", "oas",
                          forced  ? base_u64(44)
                          : known ? base_u64_absent()
                                  : (BaseU64){0});
}

ViewIommu *
view_iommu_new(const ViommuDomain *domain, const ModelIommu *iommu, guint index,
               const ViommuTarget *target)
{
    ViewIommu *view = g_new0(ViewIommu, 1);
    Source source = {iommu, target->libvirt}, *from = &source;

    view->iommu = iommu;
    view->index = index;
    switch (iommu->kind) {
    case MODEL_IOMMU_INTEL:
        fill_intel(view, domain, from, target);
        break;
    case MODEL_IOMMU_AMD:
        fill_amd(view, domain, from);
        break;
    case MODEL_IOMMU_VIRTIO:
        view->aw_bits =
            number_of(from, "aw_bits", "aw-bits", virtio_default_width(domain, target->qemu));
        view->granule = granule_of(domain, from, target->qemu);
        view->boot_bypass = tri_of(from, NULL, "boot-bypass", BASE_YES);
        break;
    case MODEL_IOMMU_SMMUV3:
        fill_smmu(view, domain, from, target);
        break;
    case MODEL_IOMMU_OTHER:
        break;
    }
    return view;
}

void
view_iommu_free(ViewIommu *iommu)
{
    g_free(iommu);
}
