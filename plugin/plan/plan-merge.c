/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One coherent domain out of what each device can have. */
#include "plan-room.h"

static void
keep_strikes(PlanWork *work, GPtrArray *strikes)
{
    while (strikes->len > 0)
        g_ptr_array_add(work->plan->rejected, g_ptr_array_steal_index(strikes, 0));
}

static void
free_rejection(gpointer data)
{
    plan_rejection_free(data);
}

static GPtrArray *
strikes_new(void)
{
    return g_ptr_array_new_with_free_func(free_rejection);
}

static void
reject(PlanWork *work, const ViewHostdev *hostdev, ViommuMode mode, const char *would_help,
       const char *reason)
{
    g_ptr_array_add(work->plan->rejected,
                    plan_rejection_new(hostdev, mode, NULL, would_help, reason));
}

static gboolean
policy_has(const PlanWork *work, ViommuMode mode)
{
    for (guint i = 0; i < work->policy->modes->len; i++) {
        if (g_array_index(work->policy->modes, ViommuMode, i) == mode)
            return TRUE;
    }
    return FALSE;
}

static void
reject_usage(PlanWork *work, const ViewHostdev *hostdev, ViommuMode mode)
{
    ViommuUsage usage = hostdev->demand.usage;

    if (mode == VIOMMU_MODE_SHADOW)
        reject(work, hostdev, mode, "usage guest-iommu instead", "cannot carry PASIDs");
    else if (mode == VIOMMU_MODE_IRQ)
        reject(work, hostdev, mode, NULL, "translates no DMA");
    else if (usage != VIOMMU_USAGE_DMA)
        return; /* "none" is no candidate for a device that needs a vIOMMU */
}

static gboolean
alone_works(PlanWork *work, PlanDevice *device, ViommuMode mode)
{
    g_autoptr(GPtrArray) strikes = strikes_new();
    gboolean works = plan_mode_works(work, device->hostdev, mode, strikes);

    keep_strikes(work, strikes);
    return works;
}

static gboolean
take_none(PlanWork *work, PlanDevice *device)
{
    if (!policy_has(work, VIOMMU_MODE_NONE)) {
        reject(work, device->hostdev, VIOMMU_MODE_NONE, "modes in the policy",
               "the policy allows no device without a vIOMMU");
        return FALSE;
    }
    device->mode = VIOMMU_MODE_NONE;
    return alone_works(work, device, VIOMMU_MODE_NONE);
}

/* ARM: a root bus without vIOMMU exists, so each device is on its own. */
static gboolean
choose_alone(PlanWork *work, PlanDevice *device)
{
    const GArray *modes = work->policy->modes;

    if (!plan_wants_viommu(work, device->hostdev))
        return take_none(work, device);
    for (guint i = 0; i < modes->len; i++) {
        ViommuMode mode = g_array_index(modes, ViommuMode, i);

        if (mode == VIOMMU_MODE_NONE)
            continue;
        if (!plan_mode_serves(mode, device->usage)) {
            reject_usage(work, device->hostdev, mode);
            continue;
        }
        if (alone_works(work, device, mode)) {
            device->mode = mode;
            return TRUE;
        }
    }
    return FALSE;
}

/* --- x86: one vIOMMU over every device --- */

static PlanDevice *
first_demanding(const PlanWork *work)
{
    for (guint i = 0; i < work->plan->devices->len; i++) {
        PlanDevice *device = work->plan->devices->pdata[i];

        if (plan_wants_viommu(work, device->hostdev))
            return device;
    }
    return NULL;
}

static gboolean
is_told(const PlanWork *work, const ViewHostdev *hostdev, const PlanRejection *strike)
{
    for (guint i = 0; i < work->plan->rejected->len; i++) {
        const PlanRejection *told = work->plan->rejected->pdata[i];

        if (told->hostdev == hostdev && told->mode == strike->mode &&
            g_str_equal(told->reason, strike->reason))
            return TRUE;
    }
    return FALSE;
}

/* The vIOMMU that @demanding needs would cover @other as well: both are named. */
static void
reject_conflict(PlanWork *work, const PlanDevice *demanding, const PlanDevice *other,
                ViommuMode mode, GPtrArray *strikes)
{
    g_autofree char *label = view_hostdev_label(other->hostdev);

    for (guint i = 0; i < strikes->len; i++) {
        const PlanRejection *strike = strikes->pdata[i];
        g_autofree char *reason = g_strdup_printf(
            "the one vIOMMU of x86 would also cover %s, and %s", label, strike->reason);

        if (!is_told(work, demanding->hostdev, strike))
            g_ptr_array_add(work->plan->rejected,
                            plan_rejection_new(demanding->hostdev, mode, strike->rule,
                                               strike->would_help, reason));
    }
}

static gboolean
all_work(PlanWork *work, const PlanDevice *demanding, ViommuMode mode)
{
    gboolean works = TRUE;

    for (guint i = 0; i < work->plan->devices->len; i++) {
        PlanDevice *device = work->plan->devices->pdata[i];
        gboolean wants = plan_wants_viommu(work, device->hostdev);
        g_autoptr(GPtrArray) strikes = strikes_new();

        if (!plan_mode_serves(mode, device->usage)) {
            reject_usage(work, device->hostdev, mode);
            works = FALSE;
            continue;
        }
        if (plan_mode_works(work, device->hostdev, mode, strikes))
            continue;
        works = FALSE;
        if (wants)
            keep_strikes(work, strikes);
        else
            reject_conflict(work, demanding, device, mode, strikes);
    }
    return works;
}

static gboolean
choose_together(PlanWork *work)
{
    const PlanDevice *demanding = first_demanding(work);
    const GArray *modes = work->policy->modes;

    for (guint i = 0; i < modes->len; i++) {
        ViommuMode mode = g_array_index(modes, ViommuMode, i);

        if (mode == VIOMMU_MODE_NONE || !all_work(work, demanding, mode))
            continue;
        for (guint j = 0; j < work->plan->devices->len; j++)
            ((PlanDevice *)work->plan->devices->pdata[j])->mode = mode;
        return TRUE;
    }
    return FALSE;
}

/* Where one vIOMMU is for all, whoever it fails for is a reason. */
static void
mark_rejected_as_stuck(ViommuPlan *plan)
{
    for (guint i = 0; i < plan->rejected->len; i++) {
        const PlanRejection *rejection = plan->rejected->pdata[i];

        if (rejection->hostdev)
            g_ptr_array_add(plan->stuck, (gpointer)rejection->hostdev);
    }
}

void
plan_choose(PlanWork *work)
{
    ViommuPlan *plan = work->plan;

    if (work->family != PLAN_FAMILY_ARM && first_demanding(work)) {
        plan->valid = choose_together(work);
        if (!plan->valid)
            mark_rejected_as_stuck(plan);
        return;
    }
    for (guint i = 0; i < plan->devices->len; i++) {
        PlanDevice *device = plan->devices->pdata[i];
        gboolean found =
            work->family == PLAN_FAMILY_ARM ? choose_alone(work, device) : take_none(work, device);

        if (!found)
            g_ptr_array_add(plan->stuck, (gpointer)device->hostdev);
    }
    plan->valid = plan->stuck->len == 0;
}
