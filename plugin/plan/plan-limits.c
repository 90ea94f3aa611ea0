/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Locked memory of the planned domain, and who has to do something about it: mostly nobody. */
#include "plan-room.h"

#include "plan-edit.h"

typedef struct {
    guint own;             /* devices with an address space of their own */
    guint shared;          /* behind accelerated vSMMUs: all share one */
    guint legacy, iommufd; /* without vIOMMU: one space per backend */
    guint all;
} Devices;

static gboolean
stays(const PlanDevice *device)
{
    const ModelAddress *now = &device->hostdev->dev->address;

    return base_u64_is_known(device->bus) && device->bus.value == now->pci.bus;
}

/* Whether a device before it is mapped for it as well, and neither gets another place */
static gboolean
rides_along(const PlanWork *work, const PlanDevice *device)
{
    for (guint i = 0; i < work->plan->devices->len && stays(device); i++) {
        const PlanDevice *first = work->plan->devices->pdata[i];

        if (first == device)
            return FALSE;
        if (stays(first) && view_share_requester(first->hostdev, device->hostdev))
            return TRUE;
    }
    return FALSE;
}

static Devices
count_devices(const PlanWork *work)
{
    Devices devices = {0};

    for (guint i = 0; i < work->plan->devices->len; i++) {
        const PlanDevice *device = work->plan->devices->pdata[i];

        devices.all++;
        if (device->mode == VIOMMU_MODE_NESTED && work->family == PLAN_FAMILY_ARM)
            devices.shared++;
        else if (device->mode != VIOMMU_MODE_NONE)
            devices.own += rides_along(work, device) ? 0 : 1;
        else if (device->hostdev->dev->iommufd == BASE_YES)
            devices.iommufd++;
        else
            devices.legacy++;
    }
    return devices;
}

static guint
spaces_of(const Devices *devices)
{
    return devices->own + (devices->shared > 0) + (devices->legacy > 0) + (devices->iommufd > 0);
}

/* --- an existing hard limit --- */

/* It is the cgroup's memory.max as well, so it needs room for QEMU itself: the slack of libvirt's
 * own formula on top of what is pinned. With hard_limit libvirt raises nothing at hotplug, so what
 * is to come counts. */
static void
mend_hard_limit(PlanWork *work, const ViewMemlock *later)
{
    ViewMemlock *memlock = work->plan->memlock;
    const ViommuDomain *domain = work->domain;
    PlanWhy low = {"<hard_limit> replaces libvirt's own figure and is below what will be pinned",
                   "memlock-hard-limit-low"};
    PlanWhy to_come = {
        "with <hard_limit> libvirt raises nothing when a device is plugged in, and it "
        "is below what will be pinned then",
        "memlock-hard-limit-hotplug"};
    PlanWhy why = low;
    PlanSpot limit;

    if (!domain->hard_limit_node || !base_u64_is_known(domain->hard_limit) ||
        !base_u64_is_known(later->pinned) || domain->hard_limit.value > later->pinned.value)
        return;
    if (base_u64_is_known(memlock->pinned) && domain->hard_limit.value > memlock->pinned.value)
        why = to_come;
    limit = plan_spot_add(work->plan, plan_spot(domain->hard_limit_node->parent), "hard_limit",
                          domain->hard_limit_node, why);
    plan_spot_set(work->plan, limit, "unit", "KiB", why);
    limit.element->text =
        g_strdup_printf("%" G_GUINT64_FORMAT, (later->accounted.value + 1023) / 1024);
    plan_spot_remove(work->plan, domain->hard_limit_node, why);
    memlock->libvirt = later->accounted;
}

/* --- the daemon's own limit --- */

static const char *
daemon_of(const ViommuHost *host)
{
    return host->memlock.of ? host->memlock.of : "libvirtd";
}

/* Devices to come: as many as were asked for, on each bus where they may go. */
static guint
devices_to_come(const PlanWork *work)
{
    return MIN(work->plan->spare_ports->len, work->spares * MAX(work->smmus->len, 1));
}

/* One that covers none of the devices makes libvirt count each of them as well. */
static gboolean
libvirt_sees_viommu(const PlanWork *work)
{
    return work->plan->iommus->len > 0 || view_libvirt_sees_viommu(work->view);
}

/* The plan's devices and those to be plugged in. */
static ViewMemlock *
memlock_later(const PlanWork *work, const Devices *devices)
{
    const ViewIommu *now = plan_viommu(work);
    /* a vIOMMU over every bus covers what is to come as well, also while there is no device */
    gboolean covered = now && now->iommu->kind != MODEL_IOMMU_SMMUV3 && devices->all == 0;
    guint ports = devices_to_come(work);
    guint spaces = spaces_of(devices) + (devices->own > 0 || covered ? ports : 0);
    gboolean viommu = libvirt_sees_viommu(work) || covered;

    if (spaces == 0 && ports > 0)
        spaces = 1;
    return view_memlock_of(work->view, spaces, devices->all + ports, viommu);
}

/* What has to be possible, with memory up to maxMemory as well. */
static guint64
ceiling_of(PlanWork *work, const ViewMemlock *later)
{
    guint64 bytes =
        later->spaces > 0 && base_u64_is_known(later->ceiling) ? later->ceiling.value : 0;

    if (later->spaces > 0 &&
        (devices_to_come(work) > 0 || work->domain->max_memory > work->domain->memory))
        work->plan->memlock_later = later->ceiling;
    /* libvirt refuses to start below its own figure, however generous that is */
    if (base_u64_is_known(work->plan->memlock->libvirt))
        bytes = MAX(bytes, work->plan->memlock->libvirt.value);
    return bytes;
}

static void
ask_admin(PlanWork *work, guint64 bytes)
{
    g_autofree char *need = base_format_size(bytes);
    g_autofree char *have = base_format_size(work->plan->memlock->allowed.value);
    const char *daemon = daemon_of(work->host);

    if (work->plan->memlock->libvirt.value == G_MAXUINT64 &&
        base_u64_is_known(work->plan->memlock->libvirt)) {
        plan_action(work, "admin",
                    "allow %s any amount of locked memory, which <locked/> makes libvirt ask for "
                    "(now %s, and it cannot raise that): LimitMEMLOCK=infinity for its unit or "
                    "container",
                    daemon, have);
        return;
    }
    switch (work->target.profile) {
    case VIOMMU_PROFILE_SESSION:
        plan_action(
            work, "admin",
            "allow the user %s of locked memory (now %s): 'USER - memlock %" G_GUINT64_FORMAT
            "' in /etc/security/limits.d, or LimitMEMLOCK=%" G_GUINT64_FORMAT " in user@.service",
            need, have, bytes / 1024, bytes);
        return;
    case VIOMMU_PROFILE_KUBEVIRT:
        plan_action(work, "granting agent",
                    "raise the limit of virtqemud in the pod to %s (now %s): prlimit --pid PID "
                    "--memlock=%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT,
                    need, have, bytes, bytes);
        return;
    case VIOMMU_PROFILE_SYSTEM:
    case VIOMMU_PROFILE_VDSM:
        break;
    }
    plan_action(work, "admin",
                "allow %s %s of locked memory (now %s, and it cannot raise that): systemctl edit "
                "%s.service, then LimitMEMLOCK=%" G_GUINT64_FORMAT " under [Service]",
                daemon, need, have, daemon, bytes);
}

static void
judge_allowed(PlanWork *work, guint64 bytes)
{
    const ViewMemlock *memlock = work->plan->memlock;

    if (bytes == 0 || memlock->can_raise == BASE_YES)
        return;
    if (!base_u64_is_known(memlock->allowed)) {
        plan_note(work, "the locked memory limit of %s is not known", daemon_of(work->host));
        return;
    }
    if (memlock->allowed.value >= bytes)
        return;
    if (memlock->can_raise == BASE_NO)
        ask_admin(work, bytes);
    else
        plan_note(work, "whether %s may raise its locked memory limit is not known",
                  daemon_of(work->host));
}

/* --- grants, for stacks where another process opens the devices --- */

static void
add_grant(PlanWork *work, char *path, BaseU64 memlock)
{
    PlanGrant *grant = g_new0(PlanGrant, 1);

    grant->path = path;
    grant->access = path ? g_strdup("rw") : NULL;
    grant->for_whom =
        g_strdup(work->target.profile == VIOMMU_PROFILE_SESSION ? "session" : "kubevirt");
    grant->memlock = memlock;
    g_ptr_array_add(work->plan->grants, grant);
}

static gboolean
uses_iommufd(const PlanDevice *device)
{
    return device->mode == VIOMMU_MODE_NESTED || device->hostdev->dev->iommufd == BASE_YES;
}

static guint
count_iommufd(const PlanWork *work)
{
    guint count = 0;

    for (guint i = 0; i < work->plan->devices->len; i++)
        count += uses_iommufd(work->plan->devices->pdata[i]);
    return count;
}

static void
grant_device(PlanWork *work, const PlanDevice *device)
{
    const ViewHostdev *hostdev = device->hostdev;
    gboolean iommufd = uses_iommufd(device);

    if (iommufd && hostdev->fact && hostdev->fact->vfio_dev.state == BASE_STATE_KNOWN)
        add_grant(work, g_strdup_printf("/dev/vfio/devices/%s", hostdev->fact->vfio_dev.text),
                  (BaseU64){0});
    else if (!iommufd && hostdev->group)
        add_grant(work, g_strdup_printf("/dev/vfio/%u", hostdev->group->id), (BaseU64){0});
}

/* A privileged libvirt opens everything itself and hands descriptors on. */
static void
list_grants(PlanWork *work, const Devices *devices, guint64 bytes)
{
    ViommuProfile profile = work->target.profile;
    guint iommufd = count_iommufd(work);

    if (profile == VIOMMU_PROFILE_SYSTEM || profile == VIOMMU_PROFILE_VDSM || devices->all == 0)
        return;
    if (iommufd > 0)
        add_grant(work, g_strdup("/dev/iommu"), (BaseU64){0});
    if (devices->all > iommufd)
        add_grant(work, g_strdup("/dev/vfio/vfio"), (BaseU64){0});
    for (guint i = 0; i < work->plan->devices->len; i++)
        grant_device(work, work->plan->devices->pdata[i]);
    add_grant(work, NULL, base_u64(bytes));
    if (iommufd > 0)
        plan_action(work, "admin",
                    "iommufd counts locked memory per user here: either one VM to a uid, or pass "
                    "an iommufd in per-process accounting with <iommufd fdgroup='…'/>");
}

void
plan_limits(PlanWork *work)
{
    Devices devices = count_devices(work);
    g_autoptr(ViewMemlock) later = memlock_later(work, &devices);
    guint64 bytes;

    work->plan->memlock =
        view_memlock_of(work->view, spaces_of(&devices), devices.all, libvirt_sees_viommu(work));
    mend_hard_limit(work, later);
    bytes = ceiling_of(work, later);
    judge_allowed(work, bytes);
    list_grants(work, &devices, bytes);
}
