/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "view-memlock.h"

#include "base-text.h"
#include "host-reservation.h"

#define SLACK (G_GUINT64_CONSTANT(1) << 30)
#define MIB   (G_GUINT64_CONSTANT(1) << 20)

/* One DMA address space holds guest RAM: per device behind a vIOMMU that notifies (those on one
 * conventional bus count once), one for all devices behind accelerated SMMUs, one per backend for
 * all devices without a vIOMMU. */
#define ACCOUNTED_SOURCE                                                                           \
    "QEMU 11.1 hw/arm/smmuv3-accel.c:920-940 (one shared space), hw/vfio/container-legacy.c and "  \
    "hw/vfio/iommufd.c (one container or IOAS per space); Linux 7.2 "                              \
    "drivers/vfio/vfio_iommu_type1.c:430, drivers/iommu/iommufd/pages.c:956; measured on both"
#define LIBVIRT_SOURCE                                                                             \
    "libvirt 11.3 src/qemu/qemu_domain.c:8109 qemuDomainGetMemLockLimitBytes(), the same in "      \
    "12.8.0; 9.0 src/qemu/qemu_domain.c:9361"

typedef struct {
    guint own;                                /* devices with a space of their own */
    guint accel, plain_legacy, plain_iommufd; /* devices that share one */
    guint hostdevs;                           /* as libvirt counts them */
    gboolean known;
} Count;

static guint64
round_up(guint64 bytes, guint64 unit)
{
    return base_saturating_add(bytes, unit - 1) / unit * unit;
}

/* libvirt rounds memory up to MiB before it starts QEMU (11.3 qemuDomainAlignMemorySizes). */
static guint64
guest_ram(guint64 memory)
{
    return round_up(memory, MIB);
}

static gboolean
is_accel(const ViewIommu *iommu)
{
    return iommu && iommu->iommu->kind == MODEL_IOMMU_SMMUV3 && iommu->accel == BASE_YES;
}

/* Whether a device before it is mapped for it as well */
static gboolean
rides_along(const View *view, const ViewHostdev *hostdev)
{
    for (guint i = 0; i < hostdev->index; i++) {
        const ViewHostdev *first = view->hostdevs->pdata[i];

        if (view_is_assigned(first) && view_share_requester(first, hostdev))
            return TRUE;
    }
    return FALSE;
}

static void
count_device(const View *view, const ViewHostdev *hostdev, Count *count)
{
    if (hostdev->dev->kind == MODEL_HOSTDEV_NETWORK)
        return;
    count->hostdevs++;
    if (!view_is_assigned(hostdev))
        return;
    if (hostdev->covered == BASE_UNKNOWN)
        count->known = FALSE;
    else if (is_accel(hostdev->viommu) && hostdev->dev->iommufd == BASE_YES)
        count->accel++;
    else if (hostdev->covered == BASE_YES && !is_accel(hostdev->viommu))
        count->own += rides_along(view, hostdev) ? 0 : 1;
    else if (hostdev->dev->iommufd == BASE_YES)
        count->plain_iommufd++;
    else
        count->plain_legacy++;
}

static Count
count_devices(const View *view)
{
    Count count = {.known = TRUE};

    for (guint i = 0; i < view->hostdevs->len; i++)
        count_device(view, view->hostdevs->pdata[i], &count);
    return count;
}

/* Where a device to come will go cannot be known; the costliest place of this domain counts. */
static guint
spaces_of(const View *view, const Count *count, guint extra)
{
    guint spaces =
        count->own + (count->accel > 0) + (count->plain_legacy > 0) + (count->plain_iommufd > 0);

    for (guint i = 0; i < view->iommus->len; i++) {
        const ViewIommu *iommu = view->iommus->pdata[i];

        if (!is_accel(iommu))
            return spaces + extra;
    }
    return spaces == 0 && extra > 0 ? 1 : spaces;
}

static void
add_part(GString *text, guint *parts, guint number, const char *one, const char *many)
{
    if (number == 0)
        return;
    g_string_append_printf(text, "%s%u %s", *parts ? " + " : "", number, number == 1 ? one : many);
    (*parts)++;
}

static void
set_accounted(ViewMemlock *memlock, const ViommuDomain *domain, guint spaces)
{
    guint64 ram = guest_ram(domain->memory);
    guint64 ceiling = guest_ram(MAX(domain->max_memory, domain->memory));
    guint64 times =
        (guint64)spaces + domain->vdpa_devices + domain->nvme_disks + (domain->locked ? 1 : 0);
    g_autofree char *size = base_format_size(ram);
    g_autofree char *slack = base_format_size(SLACK);
    g_autoptr(GString) text = g_string_new(NULL);
    guint parts = 0;

    if (times == 0) {
        memlock->accounted = memlock->pinned = base_u64(0);
        memlock->ceiling = memlock->resident = base_u64(0);
        memlock->formula = g_strdup("nothing pins guest memory");
        return;
    }
    memlock->resident = base_u64(ram);
    memlock->pinned = base_u64(base_saturating_mul(times, ram));
    memlock->accounted = base_u64(base_saturating_add(base_saturating_mul(times, ram), SLACK));
    memlock->ceiling = base_u64(base_saturating_add(base_saturating_mul(times, ceiling), SLACK));
    add_part(text, &parts, spaces, "address space", "address spaces");
    add_part(text, &parts, domain->vdpa_devices, "vDPA device", "vDPA devices");
    add_part(text, &parts, domain->nvme_disks, "NVMe disk", "NVMe disks");
    add_part(text, &parts, domain->locked ? 1 : 0, "locked copy", "");
    memlock->formula =
        g_strdup_printf(parts > 1 ? "(%s) x %s + %s" : "%s x %s + %s", text->str, size, slack);
}

static void
take_libvirt(ViewMemlock *memlock, BaseU64 number, const char *formula)
{
    memlock->libvirt = number;
    memlock->libvirt_formula = g_strdup(formula);
}

/* How many times guest RAM this libvirt counts; 0: it leaves the limit alone. FALSE: not known. */
static gboolean
libvirt_times(const ViommuDomain *domain, guint64 libvirt, guint hostdevs, gboolean any_viommu,
              guint64 *ret)
{
    guint nvme = domain->nvme_disks;

    if (hostdevs + domain->vdpa_devices + nvme == 0) {
        *ret = 0;
        return TRUE;
    }
    if (libvirt == 0)
        return FALSE;
    if (libvirt < BASE_VERSION(8, 7, 0)) {
        *ret = 1;
        return TRUE;
    }
    if (libvirt < BASE_VERSION(9, 3, 0)) { /* an NVMe disk is one VFIO device more */
        hostdevs += nvme;
        nvme = 0;
    }
    *ret = (any_viommu ? hostdevs : MIN(hostdevs, 1)) + (guint64)domain->vdpa_devices + nvme;
    return TRUE;
}

static gboolean
is_ppc64(const ViommuDomain *domain)
{
    return g_strcmp0(domain->type, "kvm") == 0 &&
           (g_strcmp0(domain->arch, "ppc64") == 0 || g_strcmp0(domain->arch, "ppc64le") == 0);
}

/* Host bridges of a pseries guest. FALSE: libvirt adds one for each device whose group has none
 * yet, and has not done so. */
static gboolean
count_bridges(const View *view, guint *ret)
{
    *ret = 0;
    for (guint i = 0; i < view->domain->controllers->len; i++) {
        const ModelController *bus = view->domain->controllers->pdata[i];

        *ret += bus->kind == MODEL_BUS_PCI_ROOT;
    }
    for (guint i = 0; i < view->hostdevs->len; i++) {
        const ModelHostdev *dev = ((const ViewHostdev *)view->hostdevs->pdata[i])->dev;

        if (dev->kind != MODEL_HOSTDEV_NETWORK && dev->address.kind != MODEL_ADDRESS_WRITTEN)
            return FALSE;
    }
    return TRUE;
}

/* libvirt 11.3 qemu_domain.c:7915 getPPC64MemLockLimitBytes(), the same in 9.0; what it does for
 * the NVLink of POWER9 is left out. KiB in there, and memory in steps of 256 MiB (:7177). */
static void
set_libvirt_ppc64(ViewMemlock *memlock, const View *view, guint hostdevs)
{
    const ViommuDomain *domain = view->domain;
    guint64 memory = round_up(domain->memory, 256 * MIB) / 1024;
    guint64 most = MAX(round_up(domain->max_memory, 256 * MIB) / 1024, memory);
    guint64 base, passed = 0;
    guint bridges;
    g_autofree char *text = NULL;

    if (!count_bridges(view, &bridges)) {
        take_libvirt(memlock, (BaseU64){0}, "depends on how many host bridges libvirt adds");
        return;
    }
    base = most / 128 + 4096 * (guint64)bridges + 8192;
    if (hostdevs + domain->vdpa_devices + domain->nvme_disks > 0)
        passed = MAX(2097152 * (guint64)bridges, memory + memory / 512 * bridges + 8192);
    text = g_strdup_printf("libvirt's formula for ppc64 with %u host bridge%s", bridges,
                           bridges == 1 ? "" : "s");
    take_libvirt(memlock, base_u64(base_saturating_mul(base + passed, 1024)), text);
}

static void
set_libvirt(ViewMemlock *memlock, const View *view, guint hostdevs, gboolean any_viommu)
{
    const ViommuDomain *domain = view->domain;
    guint64 ram = guest_ram(domain->memory), times = 0;
    g_autofree char *size = base_format_size(ram);
    g_autofree char *slack = base_format_size(SLACK);
    g_autofree char *text = NULL;

    if (domain->hard_limit.state == BASE_STATE_KNOWN) {
        take_libvirt(memlock, domain->hard_limit, "<hard_limit>");
        return;
    }
    if (domain->locked) {
        take_libvirt(memlock, base_u64(G_MAXUINT64), "unlimited, for <locked/>");
        return;
    }
    if (is_ppc64(domain)) {
        set_libvirt_ppc64(memlock, view, hostdevs);
        return;
    }
    if (!libvirt_times(domain, view->target.libvirt, hostdevs, any_viommu, &times)) {
        take_libvirt(memlock, (BaseU64){0}, "depends on the libvirt version");
        return;
    }
    if (times == 0) {
        take_libvirt(memlock, base_u64_absent(), "left alone: nothing that libvirt counts");
        return;
    }
    text = times == 1
               ? g_strdup_printf("%s + %s", size, slack)
               : g_strdup_printf("%" G_GUINT64_FORMAT " devices x %s + %s", times, size, slack);
    take_libvirt(memlock, base_u64(base_saturating_add(base_saturating_mul(times, ram), SLACK)),
                 text);
}

gboolean
view_would_count_per_user(const View *view)
{
    return (view->target.profile == VIOMMU_PROFILE_SESSION ||
            view->target.profile == VIOMMU_PROFILE_KUBEVIRT) &&
           !view->domain->iommufd_fdgroup;
}

gboolean
view_counts_per_user(const View *view)
{
    gboolean as_user = view_would_count_per_user(view);

    for (guint i = 0; i < view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = view->hostdevs->pdata[i];

        if (view_is_assigned(hostdev) && hostdev->dev->iommufd == BASE_YES &&
            (as_user || hostdev->dev->iommufd_by_hand))
            return TRUE;
    }
    return FALSE;
}

/* Domains of other users are in the ledger as well: who separates users has no use for this sum. */
static BaseU64
held_by_others(const View *view)
{
    guint64 sum = 0;

    if (!view_counts_per_user(view))
        return base_u64_absent();
    if (view->host->reservations_state != BASE_STATE_KNOWN)
        return (BaseU64){0};
    for (guint i = 0; i < view->host->reservations->len; i++) {
        const HostReservation *other = view->host->reservations->pdata[i];

        if (view->domain->uuid && g_ascii_strcasecmp(other->uuid, view->domain->uuid) == 0)
            continue;
        if (!base_u64_is_known(other->locked_memory))
            return (BaseU64){0};
        sum = base_saturating_add(sum, other->locked_memory.value);
    }
    return base_u64(sum);
}

ViewMemlock *
view_memlock_of(const View *view, guint spaces, guint hostdevs, gboolean any_viommu)
{
    ViewMemlock *memlock = g_new0(ViewMemlock, 1);

    memlock->spaces = spaces;
    memlock->source = ACCOUNTED_SOURCE;
    memlock->libvirt_source = LIBVIRT_SOURCE;
    memlock->others = held_by_others(view);
    memlock->allowed = view->host->memlock.hard;
    memlock->can_raise = view->host->memlock.can_raise;
    set_accounted(memlock, view->domain, spaces);
    set_libvirt(memlock, view, hostdevs, any_viommu);
    return memlock;
}

gboolean
view_libvirt_sees_viommu(const View *view)
{
    for (guint i = 0; i < view->iommus->len; i++) {
        const ViewIommu *iommu = view->iommus->pdata[i];

        if (!iommu->iommu->commandline)
            return TRUE;
    }
    return FALSE;
}

ViewMemlock *
view_memlock(const View *view, guint extra)
{
    Count count = count_devices(view);
    ViewMemlock *memlock = view_memlock_of(view, spaces_of(view, &count, extra),
                                           count.hostdevs + extra, view_libvirt_sees_viommu(view));

    if (count.known)
        return memlock;
    memlock->accounted = memlock->pinned = memlock->ceiling = (BaseU64){0};
    g_free(memlock->formula);
    memlock->formula = g_strdup("depends on where libvirt places the devices");
    return memlock;
}

void
view_memlock_free(ViewMemlock *memlock)
{
    if (!memlock)
        return;
    g_free(memlock->formula);
    g_free(memlock->libvirt_formula);
    g_free(memlock);
}
