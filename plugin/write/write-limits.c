/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Locked memory and PASIDs for people: each figure with its formula, its source, and who acts. */
#include "write-plan.h"

#include "write-table.h"

#define LABEL_WIDTH 12

static char *
size_text(BaseU64 bytes)
{
    if (bytes.state == BASE_STATE_UNKNOWN)
        return g_strdup("unknown");
    if (bytes.state == BASE_STATE_ABSENT)
        return g_strdup("none");
    return bytes.value == G_MAXUINT64 ? g_strdup("unlimited") : base_format_size(bytes.value);
}

static char *
libvirt_name(const ViommuPlan *plan)
{
    g_autofree char *version = base_format_version(plan->view->target.libvirt);

    return plan->view->target.libvirt ? g_strdup_printf("libvirt %s", version)
                                      : g_strdup("libvirt");
}

static gboolean
is_enough(const ViewMemlock *memlock)
{
    return base_u64_is_known(memlock->libvirt) && base_u64_is_known(memlock->accounted) &&
           memlock->libvirt.value >= memlock->accounted.value;
}

static const char *
libvirt_verdict(const ViommuPlan *plan)
{
    const ViewMemlock *memlock = plan->memlock;

    if (plan->actions->len > 0)
        return "see below";
    if (is_enough(memlock))
        return "enough, nothing to write";
    if (base_u64_is_known(memlock->libvirt) && base_u64_is_known(memlock->accounted))
        return "too little";
    return "nothing to write";
}

void
write_memlock_text(const ViommuPlan *plan, const WriteStyle *style, guint column, GString *out)
{
    const ViewMemlock *memlock = plan->memlock;
    g_autofree char *accounted = size_text(memlock->accounted);
    g_autofree char *resident = size_text(memlock->resident);
    g_autofree char *sets = size_text(memlock->libvirt);
    g_autofree char *libvirt = libvirt_name(plan);

    if (base_u64_is_known(memlock->accounted) && memlock->accounted.value == 0) {
        write_labelled(style, out, "Locked memory", column, "none: %s", memlock->formula);
        return;
    }
    write_labelled(style, out, "Locked memory", column, "%s accounted = %s; %s resident", accounted,
                   memlock->formula, resident);
    if (memlock->libvirt.state == BASE_STATE_KNOWN)
        write_labelled(style, out, "", column, "%s sets %s by itself (%s): %s", libvirt, sets,
                       memlock->libvirt_formula, libvirt_verdict(plan));
    else
        write_labelled(style, out, "", column, "%s: %s", libvirt, memlock->libvirt_formula);
}

static void
write_per_user(const ViewMemlock *memlock, const WriteStyle *style, GString *out)
{
    g_autofree char *others = size_text(memlock->others);

    write_labelled(
        style, out, "  per user", LABEL_WIDTH,
        "%s held by other domains (virt-viommu ledger): iommufd adds up all domains of a "
        "user, and compares the sum with the limit of the one that maps",
        others);
    write_labelled(style, out, "", LABEL_WIDTH,
                   "source: Linux 7.2 drivers/iommu/iommufd/pages.c:956-973");
}

static void
write_figures(const ViommuPlan *plan, const ViewMemlock *memlock, const WriteStyle *style,
              GString *out)
{
    g_autofree char *accounted = size_text(memlock->accounted);
    g_autofree char *ceiling = size_text(memlock->ceiling);
    g_autofree char *resident = size_text(memlock->resident);
    g_autofree char *sets = size_text(memlock->libvirt);
    g_autofree char *allowed = size_text(memlock->allowed);
    g_autofree char *libvirt = libvirt_name(plan);
    const char *raise = memlock->can_raise == BASE_YES  ? "it may raise that itself"
                        : memlock->can_raise == BASE_NO ? "it cannot raise that"
                                                        : "whether it may raise that is unknown";

    write_labelled(style, out, "  accounted", LABEL_WIDTH, "%s = %s", accounted, memlock->formula);
    write_labelled(style, out, "", LABEL_WIDTH,
                   "enforced by the kernel: beyond it pinning fails (ENOMEM)");
    if (base_u64_is_known(memlock->ceiling) && base_u64_is_known(memlock->accounted) &&
        memlock->ceiling.value != memlock->accounted.value)
        write_labelled(style, out, "", LABEL_WIDTH,
                       "%s once memory is plugged in up to <maxMemory>", ceiling);
    write_labelled(style, out, "", LABEL_WIDTH, "source: %s", memlock->source);
    write_labelled(style, out, "  resident", LABEL_WIDTH, "%s really pinned, RAM once", resident);
    if (memlock->others.state != BASE_STATE_ABSENT)
        write_per_user(memlock, style, out);
    write_labelled(style, out, "  libvirt", LABEL_WIDTH, "%s by %s: %s", sets, libvirt,
                   memlock->libvirt_formula);
    write_labelled(style, out, "", LABEL_WIDTH, "source: %s", memlock->libvirt_source);
    write_labelled(style, out, "  allowed", LABEL_WIDTH, "%s to %s; %s", allowed,
                   plan->host->memlock.of ? plan->host->memlock.of : "the daemon", raise);
}

static gboolean
same(BaseU64 a, BaseU64 b)
{
    return a.state == b.state && (a.state != BASE_STATE_KNOWN || a.value == b.value);
}

static void
write_to_do(const ViommuPlan *plan, const ViewMemlock *now, const WriteStyle *style, GString *out)
{
    static const char *const texts[] = {
        [WRITE_LIMITS_ENOUGH] = "enough",
        [WRITE_LIMITS_LOW] = "too low: pinning will fail with -12 (Cannot allocate memory)",
        [WRITE_LIMITS_DAEMON] = "the daemon cannot set what libvirt wants, and refuses the start",
        [WRITE_LIMITS_UNKNOWN] = "unknown",
    };
    g_autofree char *to_do = NULL;
    WriteLimitsVerdict verdict = write_limits_verdict(plan, now, &to_do);
    guint rows = 0;

    write_labelled(style, out, "As written", LABEL_WIDTH, "%s", texts[verdict]);
    /* the plan's own actions say the same of the daemon, and more */
    if (to_do && (verdict != WRITE_LIMITS_DAEMON || plan->actions->len == 0))
        write_labelled(style, out, rows++ ? "" : "To do", LABEL_WIDTH, "%s", to_do);
    for (guint i = 0; i < plan->actions->len; i++) {
        const PlanAction *action = plan->actions->pdata[i];

        write_labelled(style, out, rows++ ? "" : "To do", LABEL_WIDTH, "%s: %s", action->who,
                       action->what);
    }
    if (rows == 0)
        g_string_append(out, "To do       nothing\n");
}

void
write_limits_text(const ViommuPlan *plan, const ViewMemlock *now, const WriteStyle *style,
                  GString *out)
{
    gboolean differ = plan->valid && (!same(now->accounted, plan->memlock->accounted) ||
                                      !same(now->libvirt, plan->memlock->libvirt));

    write_plan_title(plan, style, out);
    g_string_append_c(out, '\n');
    g_string_append_printf(out, "Locked memory%s\n", differ ? ", as planned" : "");
    write_figures(plan, plan->valid ? plan->memlock : now, style, out);
    if (differ) {
        g_string_append(out, "Locked memory, as written now\n");
        write_figures(plan, now, style, out);
    }
    if (!plan->valid && !style->quiet)
        write_wrapped(
            style, out, 0, 2,
            "There is no plan for this domain (virt-viommu plan tells why): these are its "
            "figures as written.");
    g_string_append_printf(out, "PASIDs      %s\n",
                           plan->pasid_because ? plan->pasid_because : "none asked for");
    write_to_do(plan, now, style, out);
}
