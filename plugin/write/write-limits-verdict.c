/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a domain as it is written may lock what it must, and the one thing to do where not. */
#include "write-plan.h"

#include "base-text.h"

/* What libvirt sets, or leaves as it is */
static BaseU64
limit_of(const ViewMemlock *memlock)
{
    return memlock->libvirt.state == BASE_STATE_ABSENT ? memlock->allowed : memlock->libvirt;
}

static gboolean
is_enough(const ViewMemlock *memlock)
{
    BaseU64 limit = limit_of(memlock);

    return base_u64_is_known(limit) && base_u64_is_known(memlock->pinned) &&
           limit.value > memlock->pinned.value;
}

static gboolean
is_unprivileged(const ViommuPlan *plan)
{
    ViommuProfile profile = plan->view->target.profile;

    return profile == VIOMMU_PROFILE_SESSION || profile == VIOMMU_PROFILE_KUBEVIRT;
}

static char *
mend_low(const ViommuPlan *plan, const ViewMemlock *now)
{
    g_autofree char *wanted = base_format_size(now->accounted.value);

    if (plan->valid && is_enough(plan->memlock))
        return g_strdup("virt-viommu apply: the planned domain has enough");
    if (base_u64_is_known(plan->domain->hard_limit))
        return g_strdup_printf("leave out <hard_limit>, or %s and what QEMU itself needs", wanted);
    if (view_has_hidden_viommu(plan->view))
        return g_strdup("<iommu> in place of the argument in <qemu:commandline>: libvirt then "
                        "counts each device");
    if (is_unprivileged(plan)) /* where libvirt refuses <hard_limit> */
        return g_strdup("one backend for all devices without a vIOMMU, or a newer libvirt");
    return g_strdup_printf("one backend for all devices without a vIOMMU; a newer libvirt; or "
                           "<hard_limit> of %s and more",
                           wanted);
}

static char *
raise_daemon(const ViommuPlan *plan, const char *daemon, guint64 bytes)
{
    g_autofree char *size = bytes == G_MAXUINT64 ? g_strdup("unlimited") : base_format_size(bytes);
    g_autofree char *number =
        bytes == G_MAXUINT64 ? g_strdup("infinity") : g_strdup_printf("%" G_GUINT64_FORMAT, bytes);

    switch (plan->view->target.profile) {
    case VIOMMU_PROFILE_SESSION:
        return g_strdup_printf("allow the user %s: LimitMEMLOCK=%s in user@.service, or 'USER - "
                               "memlock' in /etc/security/limits.d",
                               size, number);
    case VIOMMU_PROFILE_KUBEVIRT:
        return g_strdup_printf("allow %s in the pod %s: prlimit --pid PID --memlock=%s:%s", daemon,
                               size, bytes == G_MAXUINT64 ? "unlimited" : number,
                               bytes == G_MAXUINT64 ? "unlimited" : number);
    case VIOMMU_PROFILE_SYSTEM:
    case VIOMMU_PROFILE_VDSM:
    default:
        return g_strdup_printf("allow %s %s: systemctl edit %s.service, then LimitMEMLOCK=%s under "
                               "[Service]",
                               daemon, size, daemon, number);
    }
}

/* Whether the daemon can give what libvirt wants to set */
static WriteLimitsVerdict
judge_daemon(const ViommuPlan *plan, const ViewMemlock *now, char **ret_to_do)
{
    const char *daemon = plan->host->memlock.of ? plan->host->memlock.of : "libvirtd";

    if (now->can_raise == BASE_YES ||
        (base_u64_is_known(now->allowed) && now->allowed.value >= now->libvirt.value))
        return WRITE_LIMITS_ENOUGH;
    if (!base_u64_is_known(now->allowed) || now->can_raise == BASE_UNKNOWN) {
        *ret_to_do = g_strdup_printf("find out what %s may lock, and whether it has "
                                     "CAP_SYS_RESOURCE: as root, where it runs",
                                     daemon);
        return WRITE_LIMITS_UNKNOWN;
    }
    *ret_to_do = raise_daemon(plan, daemon, now->libvirt.value);
    return WRITE_LIMITS_DAEMON;
}

/* Where iommufd adds all domains of the user up: whether there is enough for their sum */
static WriteLimitsVerdict
judge_user(const ViewMemlock *now, guint64 limit, char **ret_to_do)
{
    guint64 sum = base_saturating_add(now->pinned.value, now->others.value);
    g_autofree char *size = base_format_size(sum);

    if (now->others.state == BASE_STATE_ABSENT)
        return WRITE_LIMITS_ENOUGH;
    if (now->others.state == BASE_STATE_UNKNOWN) {
        *ret_to_do = g_strdup("find out what other domains of this user hold (virt-viommu ledger)");
        return WRITE_LIMITS_UNKNOWN;
    }
    if (sum <= limit)
        return WRITE_LIMITS_ENOUGH;
    *ret_to_do = g_strdup_printf("<iommufd fdgroup='NAME'/> with a descriptor in per-process "
                                 "accounting; or a limit of %s and more, for all domains of the "
                                 "user",
                                 size);
    return WRITE_LIMITS_LOW;
}

WriteLimitsVerdict
write_limits_verdict(const ViommuPlan *plan, const ViewMemlock *now, char **ret_to_do)
{
    BaseU64 limit = limit_of(now);

    *ret_to_do = NULL;
    if (!base_u64_is_known(now->pinned)) {
        *ret_to_do = g_strdup("write the guest <address> of the assigned devices, or define the "
                              "domain first");
        return WRITE_LIMITS_UNKNOWN;
    }
    if (now->pinned.value == 0)
        return WRITE_LIMITS_ENOUGH;
    if (!base_u64_is_known(limit)) {
        *ret_to_do = g_strdup(now->libvirt.state == BASE_STATE_ABSENT
                                  ? "find out what the libvirt daemon may lock: as root, where it "
                                    "runs"
                                  : "--libvirt-version, or --host with the facts of its host");
        return WRITE_LIMITS_UNKNOWN;
    }
    if (limit.value <= now->pinned.value) {
        *ret_to_do = mend_low(plan, now);
        return WRITE_LIMITS_LOW;
    }
    if (now->libvirt.state == BASE_STATE_KNOWN) {
        WriteLimitsVerdict daemon = judge_daemon(plan, now, ret_to_do);

        if (daemon != WRITE_LIMITS_ENOUGH)
            return daemon;
    }
    return judge_user(now, limit.value, ret_to_do);
}

const char *
write_limits_verdict_name(WriteLimitsVerdict verdict)
{
    static const char *const names[] = {
        [WRITE_LIMITS_ENOUGH] = "enough",
        [WRITE_LIMITS_LOW] = "too-low",
        [WRITE_LIMITS_DAEMON] = "daemon-cannot-raise",
        [WRITE_LIMITS_UNKNOWN] = "unknown",
    };

    return names[verdict];
}
