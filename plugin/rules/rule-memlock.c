/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Locked memory: what a domain pins, against what it may lock. */
#include <string.h>

#include "rule-families.h"
#include "rule-shared.h"
#include "rule-tools.h"
#include "view-memlock.h"

#define MIB (G_GUINT64_CONSTANT(1) << 20)

static gboolean
pins(const RuleCall *call)
{
    const ViewMemlock *memlock = rule_memlock(call);

    return memlock->pinned.state != BASE_STATE_KNOWN || memlock->pinned.value > 0;
}

static gboolean
has_hard_limit(const RuleCall *call)
{
    return base_u64_is_known(call->view->domain->hard_limit) && pins(call);
}

static gboolean
is_unprivileged(const RuleCall *call)
{
    return call->view->target.profile == VIOMMU_PROFILE_SESSION ||
           call->view->target.profile == VIOMMU_PROFILE_KUBEVIRT;
}

static void
unknown_spaces(RuleCall *call)
{
    rule_unknown(call, "the guest <address> of the assigned devices",
                 "write the <address> on the device");
}

/* (transfer full): the formula of what is pinned, which is that of the limit without its slack */
static char *
pinned_formula(const ViewMemlock *memlock)
{
    const char *slack = g_strrstr(memlock->formula, " + ");

    return g_strndup(memlock->formula,
                     slack ? (gsize)(slack - memlock->formula) : strlen(memlock->formula));
}

static void
fail_low(RuleCall *call, const xmlNode *node, const char *help, const char *what, guint64 bytes,
         const ViewMemlock *memlock)
{
    g_autofree char *size = base_format_size(bytes);
    g_autofree char *need = base_format_size(memlock->pinned.value);
    g_autofree char *formula = pinned_formula(memlock);

    rule_fail(call, node, help, "%s%s is not more than the %s that must be locked (%s)", what, size,
              need, formula);
}

static void
check_hard_limit(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;
    const ViewMemlock *memlock = rule_memlock(call);
    g_autofree char *wanted = NULL;
    g_autofree char *help = NULL;

    if (!base_u64_is_known(memlock->pinned)) {
        unknown_spaces(call);
        return;
    }
    if (domain->hard_limit.value > memlock->pinned.value)
        return;
    wanted = base_format_size(memlock->accounted.value);
    help = g_strdup_printf("leave out <hard_limit>, or at least %s and what QEMU itself needs",
                           wanted);
    fail_low(call, domain->hard_limit_node, help, "hard_limit ", domain->hard_limit.value, memlock);
}

/* QEMU beside its guest's memory, as KubeVirt measured it: 30 MiB, the page tables, 8 MiB for each
 * vCPU. */
static guint64
cgroup_need(const ViommuDomain *domain)
{
    return domain->memory + domain->memory / 512 + (30 + 8 * (guint64)domain->vcpus) * MIB;
}

/* Huge pages are of another controller (hugetlb). */
static gboolean
is_charged_to_cgroup(const RuleCall *call)
{
    return has_hard_limit(call) && !call->view->domain->hugepages && !is_unprivileged(call);
}

static void
check_hard_limit_cgroup(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;
    guint64 limit = domain->hard_limit.value, need = cgroup_need(domain);
    g_autofree char *size = base_format_size(limit);
    g_autofree char *memory = base_format_size(domain->memory);
    g_autofree char *rest = NULL, *beside = NULL, *wanted = NULL, *help = NULL;

    if (limit >= need)
        return;
    if (limit < domain->memory) {
        rule_fail(call, domain->hard_limit_node, NULL,
                  "hard_limit %s is below the %s of guest memory, all of which is pinned", size,
                  memory);
        return;
    }
    rest = base_format_size(limit - domain->memory);
    beside = base_format_size(need - domain->memory);
    wanted = base_format_size(need);
    help = g_strdup_printf("leave out <hard_limit>, or %s and more", wanted);
    rule_fail(
        call, domain->hard_limit_node, help,
        "hard_limit %s leaves %s beside the pinned %s of guest memory, and QEMU takes some %s",
        size, rest, memory, beside);
}

static gboolean
has_spare_ports(const RuleCall *call)
{
    return base_u64_is_known(call->view->domain->hard_limit) && call->view->policy &&
           policy_spare_ports(call->view->policy, call->view->domain) > 0;
}

static void
check_hard_limit_hotplug(RuleCall *call)
{
    const ViommuDomain *domain = call->view->domain;
    guint spare = policy_spare_ports(call->view->policy, domain);
    const ViewMemlock *now = rule_memlock(call);
    g_autoptr(ViewMemlock) later = view_memlock(call->view, spare);
    g_autofree char *size = base_format_size(domain->hard_limit.value);
    g_autofree char *need = NULL;
    g_autofree char *formula = NULL;

    if (!base_u64_is_known(now->pinned) || !base_u64_is_known(later->pinned)) {
        unknown_spaces(call);
        return;
    }
    if (domain->hard_limit.value <= now->pinned.value ||
        domain->hard_limit.value > later->pinned.value)
        return;
    need = base_format_size(later->pinned.value);
    formula = pinned_formula(later);
    rule_fail(call, domain->hard_limit_node, NULL,
              "hard_limit %s is not more than the %s to be locked with %u more device%s (%s)", size,
              need, spare, spare == 1 ? "" : "s", formula);
}

static void
check_session(RuleCall *call)
{
    if (call->view->domain->hard_limit_node)
        rule_fail(call, call->view->domain->hard_limit_node, NULL,
                  "<hard_limit> in a domain of a session daemon");
}

/* Domains where libvirt's own formula decides */
static gboolean
is_counted(const RuleCall *call)
{
    return !base_u64_is_known(call->view->domain->hard_limit) && pins(call);
}

static gboolean
is_counted_hidden(const RuleCall *call)
{
    return is_counted(call) && view_has_hidden_viommu(call->view);
}

static gboolean
is_counted_plainly(const RuleCall *call)
{
    return is_counted(call) && !view_has_hidden_viommu(call->view);
}

static void
check_libvirt(RuleCall *call)
{
    const ViewMemlock *memlock = rule_memlock(call);

    if (!base_u64_is_known(memlock->pinned))
        unknown_spaces(call);
    else if (memlock->libvirt.state == BASE_STATE_UNKNOWN)
        rule_unknown(call, "versions/libvirt", NULL);
    else if (memlock->libvirt.state == BASE_STATE_ABSENT)
        rule_not_applicable(call);
    else if (memlock->libvirt.value <= memlock->pinned.value)
        fail_low(call, NULL, NULL, "libvirt's own limit of ", memlock->libvirt.value, memlock);
}

static gboolean
is_raised(const RuleCall *call)
{
    const ViewMemlock *memlock = rule_memlock(call);

    return memlock->libvirt.state != BASE_STATE_ABSENT;
}

/* "16 GiB" or "unlimited" */
static char *
format_limit(guint64 bytes)
{
    return bytes == G_MAXUINT64 ? g_strdup("unlimited") : base_format_size(bytes);
}

static void
check_daemon(RuleCall *call)
{
    const ViewMemlock *memlock = rule_memlock(call);
    const char *of = call->view->host->memlock.of;
    g_autofree char *wanted = NULL;
    g_autofree char *allowed = NULL;

    if (memlock->allowed.value == G_MAXUINT64 || memlock->can_raise == BASE_YES)
        return;
    if (memlock->libvirt.state == BASE_STATE_UNKNOWN) {
        rule_unknown(call, "versions/libvirt", NULL);
        return;
    }
    if (memlock->allowed.value >= memlock->libvirt.value)
        return;
    if (memlock->can_raise == BASE_UNKNOWN || !of || g_strcmp0(of, "self") == 0) {
        rule_unknown(call, "limits/memlock/can_raise", "the limits of the libvirt daemon, as root");
        return;
    }
    wanted = format_limit(memlock->libvirt.value);
    allowed = format_limit(memlock->allowed.value);
    rule_fail(call, NULL, NULL, "libvirt wants to lock %s, %s may have %s and cannot raise it",
              wanted, of, allowed);
}

/* By QEMU itself, even where libvirt could have */
static gboolean
opens_iommufd_by_hand(const RuleCall *call)
{
    for (guint i = 0; i < call->view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = call->view->hostdevs->pdata[i];

        if (view_is_assigned(hostdev) && hostdev->dev->iommufd == BASE_YES &&
            hostdev->dev->iommufd_by_hand)
            return TRUE;
    }
    return FALSE;
}

/* By a privileged libvirt, which sets how it counts */
static gboolean
opens_iommufd_by_libvirt(const RuleCall *call)
{
    if (is_unprivileged(call) || call->view->domain->iommufd_fdgroup)
        return FALSE;
    for (guint i = 0; i < call->view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = call->view->hostdevs->pdata[i];

        if (view_is_assigned(hostdev) && hostdev->dev->iommufd == BASE_YES &&
            !hostdev->dev->iommufd_by_hand)
            return TRUE;
    }
    return FALSE;
}

static void
check_accounting(RuleCall *call)
{
    const HostMemlock *daemon = &call->view->host->memlock;
    guint64 libvirt = call->view->target.libvirt;

    if (libvirt != 0 && libvirt < STACK_LIBVIRT_DRIVER_IOMMUFD)
        rule_not_applicable(call); /* it hands the group over instead */
    else if (daemon->can_raise == BASE_UNKNOWN || !daemon->of || strcmp(daemon->of, "self") == 0)
        rule_unknown(call, "limits/memlock/can_raise", "the limits of the libvirt daemon, as root");
    else if (daemon->can_raise == BASE_NO)
        rule_fail(call, NULL, NULL,
                  "%s has no CAP_SYS_RESOURCE, and makes iommufd count locked memory by process, "
                  "which takes it",
                  daemon->of);
}

static gboolean
opens_iommufd_as_user(const RuleCall *call)
{
    return is_unprivileged(call) || opens_iommufd_by_hand(call);
}

static void
check_per_user(RuleCall *call)
{
    const ViewMemlock *memlock = rule_memlock(call);
    BaseU64 limit = base_u64_is_known(memlock->libvirt) ? memlock->libvirt : memlock->allowed;
    g_autofree char *need = base_format_size(memlock->resident.value);
    g_autofree char *others = base_format_size(memlock->others.value);
    g_autofree char *most = base_format_size(limit.value);
    const char *how =
        opens_iommufd_by_hand(call) ? "iommufd by qemu:override" : "iommufd without fdgroup";

    if (!view_counts_per_user(call->view))
        return;
    if (base_u64_is_known(memlock->others) && base_u64_is_known(memlock->pinned) &&
        base_u64_is_known(limit) &&
        base_saturating_add(memlock->pinned.value, memlock->others.value) > limit.value)
        rule_fail(call, NULL, NULL,
                  "%s: the kernel adds the memory of this domain (%s) to the %s that other domains "
                  "hold, and its limit is %s",
                  how, need, others, most);
    else
        rule_fail(call, NULL, NULL,
                  "%s: the kernel adds the memory of this domain (%s) to that of all others of its "
                  "user",
                  how, need);
}

static gboolean
has_virtio_mem(const ViommuDomain *domain)
{
    for (xmlNode *node = model_child(domain->devices, "memory"); node;
         node = xmlNextElementSibling(node)) {
        g_autofree char *model = model_attribute(node, "model");

        if (strcmp((const char *)node->name, "memory") == 0 && g_strcmp0(model, "virtio-mem") == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean
is_plugged_in_parts(const RuleCall *call)
{
    return has_virtio_mem(call->view->domain) && call->view->iommus->len > 0;
}

static void
check_virtio_mem(RuleCall *call)
{
    for (guint i = 0; i < call->view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = call->view->hostdevs->pdata[i];
        g_autofree char *name = NULL;

        if (!view_is_assigned(hostdev) || !hostdev->viommu || rule_is_accel(hostdev->viommu) ||
            hostdev->viommu->fsts == BASE_YES)
            continue;
        name = rule_hostdev_name(hostdev);
        rule_fail(call, NULL, NULL,
                  "virtio-mem with %s behind a shadow vIOMMU: what the guest gave back can stay "
                  "pinned",
                  name);
        return;
    }
}

static const Rule rules[] = {
    {
        .id = "memlock-hard-limit-low",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "hard_limit below the memory that must be locked",
        .rationale =
            "hard_limit replaces libvirt's own figure for RLIMIT_MEMLOCK and is the cgroup's "
            "memory.max as well. Below the need QEMU says: vfio_container_dma_map(...) = -12 "
            "(Cannot allocate memory); below guest memory itself the kernel kills QEMU and "
            "libvirt says only: process exited while connecting to monitor. A QEMU with "
            "CAP_IPC_LOCK is exempt from the first.",
        .remedy = "leave out <hard_limit>: libvirt counts for itself",
        .source = "libvirt 11.3 src/qemu/qemu_domain.c:8109; Linux 7.2 "
                  "drivers/vfio/vfio_iommu_type1.c:430, drivers/iommu/iommufd/pages.c:983; 512 MiB "
                  "guest refused at 512 MiB, started at 513",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_START,
        .check = check_hard_limit,
        .applies = has_hard_limit,
    },
    {
        .id = "memlock-hard-limit-cgroup",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "hard_limit without room for QEMU beside its guest",
        .rationale =
            "hard_limit is the cgroup's memory.max: guest memory, QEMU's own, and page tables of "
            "both count. Pinned memory cannot be swapped out, so beyond the limit the kernel kills "
            "QEMU, and nobody is told but the kernel's log.",
        .remedy = "leave out <hard_limit>: libvirt counts locked memory for itself",
        .source =
            "libvirt 11.3 src/hypervisor/domain_cgroup.c:79; KubeVirt 1.9 GetMemoryOverhead() "
            "(QemuOverhead, page tables, vCPUs: what QEMU was seen to take)",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .check = check_hard_limit_cgroup,
        .applies = is_charged_to_cgroup,
    },
    {
        .id = "memlock-hard-limit-hotplug",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "hard_limit too low for the devices to come",
        .rationale =
            "With hard_limit libvirt does not raise the limit when a device is attached: "
            "device_add fails with vfio_container_dma_map(...) = -12 (Cannot allocate memory)",
        .remedy = "leave out <hard_limit>, or virsh memtune DOMAIN --hard-limit KIB --live before "
                  "attach-device",
        .source =
            "libvirt 12.8.0, third device refused with hard_limit 150 MiB, attached after memtune",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_HOTPLUG,
        .demotable = TRUE,
        .check = check_hard_limit_hotplug,
        .applies = has_spare_ports,
    },
    {
        .id = "memlock-hard-limit-session",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "hard_limit in a domain of a session daemon",
        .rationale = "libvirt says: Memory tuning is not available in session mode",
        .remedy = "leave out <memtune>; raise the daemon's own limit instead",
        .source = "libvirt 11.3 src/qemu/qemu_command.c:10088; the text is in 12.8.0",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = check_session,
        .applies = is_unprivileged,
    },
    {
        .id = "memlock-commandline-viommu",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "vIOMMU that libvirt does not count",
        .rationale =
            "libvirt multiplies guest memory by the number of devices only where it sees an "
            "<iommu>. One from <qemu:commandline> it does not see, and QEMU locks more than the "
            "limit: vfio_container_dma_map(...) = -12 (Cannot allocate memory)",
        .remedy = "<iommu> instead of the argument; what it cannot say goes into <qemu:override>",
        .source = "libvirt 11.3 src/qemu/qemu_domain.c:8109, 12.8.0 the same; QEMU 11.1 "
                  "hw/vfio/listener.c:640",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_START,
        .check = check_libvirt,
        .applies = is_counted_hidden,
    },
    {
        .id = "memlock-libvirt-low",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "limit that libvirt sets below what must be locked",
        .rationale =
            "Devices that share no address space lock guest memory once each: without a vIOMMU "
            "those on the legacy backend and those on iommufd are two such spaces, and libvirt "
            "before 8.7 counts one whatever there is. QEMU says: vfio_container_dma_map(...) = "
            "-12 (Cannot allocate memory)",
        .remedy =
            "one backend for all devices without a vIOMMU; a newer libvirt; else <hard_limit> of "
            "the figure",
        .source = "libvirt 11.3 src/qemu/qemu_domain.c:8109, NEWS 8.7.0; QEMU 11.1 "
                  "hw/vfio/container-legacy.c, hw/vfio/iommufd.c; pinned twice in a measurement",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_START,
        .check = check_libvirt,
        .applies = is_counted_plainly,
    },
    {
        .id = "memlock-daemon-cannot-raise",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "limit that the libvirt daemon cannot raise",
        .rationale =
            "libvirt raises RLIMIT_MEMLOCK of QEMU just before it starts it, which takes "
            "CAP_SYS_RESOURCE above the daemon's own limit. It says: cannot limit locked memory "
            "of process N to X: Operation not permitted",
        .remedy = "LimitMEMLOCK=infinity for the daemon's unit or container, or CAP_SYS_RESOURCE",
        .source =
            "libvirt 12.8.0, refused in a container without CAP_SYS_RESOURCE; KubeVirt issue 17694",
        .fixer = RULE_FIXER_HOST,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_MEMLOCK,
        .check = check_daemon,
        .applies = is_raised,
    },
    {
        .id = "memlock-iommufd-accounting",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "iommufd with a libvirt daemon that may not set how it counts",
        .rationale =
            "A privileged libvirt opens /dev/iommu and has it count locked memory by process, "
            "which the kernel allows with CAP_SYS_RESOURCE only, whatever the limits are. libvirt "
            "says: failed to set memory accounting for iommufd: Operation not permitted. With "
            "managed='yes' it says nothing: 12.8.0 then waits without end for the device, whose "
            "node it holds open itself, and answers nobody who asks for that domain.",
        .remedy = "CAP_SYS_RESOURCE for the daemon's unit or container; or <iommufd fdgroup='…'/> "
                  "with a descriptor that counts by process; or iommufd='no'",
        .source = "Linux 7.2 drivers/iommu/iommufd/ioas.c:593-625; libvirt 12.8.0 "
                  "(virIOMMUFDSetRLimitMode), run without the capability",
        .fixer = RULE_FIXER_HOST,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_MEMLOCK,
        .check = check_accounting,
        .applies = opens_iommufd_by_libvirt,
    },
    {
        .id = "memlock-per-user",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "locked memory that is counted per user",
        .rationale =
            "Whoever opens /dev/iommu without CAP_SYS_RESOURCE leaves the kernel's default: "
            "iommufd compares the sum over all processes of the user with the limit of the one "
            "that maps. The second domain of that user fails with vfio_container_dma_map(...) = "
            "-12 (Cannot allocate memory)",
        .remedy =
            "<iommufd enabled='yes' fdgroup='NAME'/> with a descriptor in per-process mode, or "
            "one user per domain",
        .source = "Linux 7.2 drivers/iommu/iommufd/pages.c:956-973, ioas.c:593-625; second domain "
                  "refused in a measurement",
        .fixer = RULE_FIXER_HOST,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .check = check_per_user,
        .applies = opens_iommufd_as_user,
    },
    {
        .id = "memlock-virtio-mem",
        .severity = VIOMMU_SEVERITY_INFO,
        .summary = "virtio-mem with a device behind a shadow vIOMMU",
        .rationale =
            "Memory that the guest gives back stays pinned as long as its vIOMMU maps it, so a "
            "hostile guest can hold more than it was given, up to the locked memory limit. QEMU "
            "logs once: Using vfio with vIOMMUs and coordinated discarding of RAM (e.g., "
            "virtio-mem) works, however, malicious guests can trigger pinning of more memory than "
            "intended via an IOMMU.",
        .remedy = "a locked memory limit no higher than needed (virt-viommu limits shows it)",
        .source = "QEMU 11.1 hw/vfio/listener.c:105-125",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_UNSAFE,
        .demotable = TRUE,
        .check = check_virtio_mem,
        .applies = is_plugged_in_parts,
    },
};

const RuleFamily rule_family_memlock = {"memlock", rules, G_N_ELEMENTS(rules)};
