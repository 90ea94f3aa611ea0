/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One coherent domain out of what each device can have. A candidate is a mode with a model, and
 * must serve every device that it would cover: on x86 and under virtio-iommu that is all of them,
 * under accelerated vSMMUs only those that want one.
 */
#include "plan-room.h"

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

static PlanRejection *
told_before(const PlanWork *work, const ViewHostdev *hostdev, const PlanRejection *strike)
{
    for (guint i = 0; i < work->plan->rejected->len; i++) {
        PlanRejection *told = work->plan->rejected->pdata[i];

        if (told->hostdev == hostdev && told->mode == strike->mode &&
            g_str_equal(told->reason, strike->reason))
            return told;
    }
    return NULL;
}

/* What falls for one model and for the next falls for the mode. */
static void
keep_strikes(PlanWork *work, GPtrArray *strikes)
{
    while (strikes->len > 0) {
        PlanRejection *strike = g_ptr_array_steal_index(strikes, 0);
        PlanRejection *told = told_before(work, strike->hostdev, strike);

        if (!told) {
            g_ptr_array_add(work->plan->rejected, strike);
            continue;
        }
        if (told->model != strike->model)
            told->model = MODEL_IOMMU_OTHER;
        plan_rejection_free(strike);
    }
}

static void
reject(PlanWork *work, const ViewHostdev *hostdev, const char *would_help, const char *reason)
{
    g_autoptr(GPtrArray) strikes = strikes_new();

    g_ptr_array_add(strikes,
                    plan_rejection_new(hostdev, work->candidate, NULL, would_help, reason));
    keep_strikes(work, strikes);
}

static void
reject_usage(PlanWork *work, const ViewHostdev *hostdev)
{
    if (work->candidate.mode == VIOMMU_MODE_SHADOW)
        reject(work, hostdev, "usage guest-iommu instead", "cannot carry PASIDs");
    else
        reject(work, hostdev, NULL, "translates no DMA");
}

static gboolean
take_none(PlanWork *work, PlanDevice *device)
{
    g_autoptr(GPtrArray) strikes = strikes_new();
    PlanCandidate before = work->candidate;
    gboolean works;

    work->candidate = PLAN_NO_CANDIDATE;
    device->mode = VIOMMU_MODE_NONE;
    works = plan_mode_works(work, device->hostdev, strikes);
    keep_strikes(work, strikes);
    if (!works)
        g_ptr_array_add(work->plan->stuck, (gpointer)device->hostdev);
    work->candidate = before;
    return works;
}

/* --- candidates --- */

static gboolean
is_fixed(const PlanWork *work)
{
    const ViewIommu *viommu = plan_viommu_written(work);

    return viommu && viommu->iommu->kind != MODEL_IOMMU_SMMUV3;
}

static void
add(GArray *candidates, ViommuMode mode, ModelIommuKind model)
{
    PlanCandidate candidate = {mode, model};

    g_array_append_val(candidates, candidate);
}

/* VT-d before virtio-iommu on x86: it remaps interrupts as well. A model that the domain has
 * stays. */
static void
add_models(const PlanWork *work, GArray *candidates, ViommuMode mode)
{
    if (mode == VIOMMU_MODE_NONE)
        return;
    if (work->family == PLAN_FAMILY_ARM) {
        add(candidates, mode, mode == VIOMMU_MODE_NESTED ? MODEL_IOMMU_SMMUV3 : MODEL_IOMMU_VIRTIO);
    } else if (mode != VIOMMU_MODE_SHADOW) {
        add(candidates, mode, MODEL_IOMMU_INTEL);
    } else if (is_fixed(work)) {
        add(candidates, mode, plan_viommu_written(work)->iommu->kind);
    } else {
        add(candidates, mode, MODEL_IOMMU_INTEL);
        add(candidates, mode, MODEL_IOMMU_VIRTIO);
    }
}

static gboolean
all_plain(const PlanWork *work)
{
    for (guint i = 0; i < work->plan->devices->len; i++) {
        if (((PlanDevice *)work->plan->devices->pdata[i])->usage != VIOMMU_USAGE_DMA)
            return FALSE;
    }
    return TRUE;
}

/* What is there and serves is kept, so its mode comes first; and where nobody wants more than
 * plain DMA, the mode with the most conditions comes last. Else the policy's order. */
static guint
rank_of(const PlanWork *work, ViommuMode mode)
{
    if (is_fixed(work)) {
        gboolean first_stage = plan_viommu_written(work)->fsts == BASE_YES;

        if (mode == (first_stage ? VIOMMU_MODE_NESTED : VIOMMU_MODE_SHADOW))
            return 0;
    }
    return mode == VIOMMU_MODE_NESTED && work->family == PLAN_FAMILY_X86 && all_plain(work) ? 2 : 1;
}

static GArray *
list_candidates(const PlanWork *work)
{
    GArray *candidates = g_array_new(FALSE, FALSE, sizeof(PlanCandidate));
    const GArray *modes = work->policy->modes;

    for (guint rank = 0; rank <= 2; rank++) {
        for (guint i = 0; i < modes->len; i++) {
            ViommuMode mode = g_array_index(modes, ViommuMode, i);

            if (rank_of(work, mode) == rank)
                add_models(work, candidates, mode);
        }
    }
    return candidates;
}

/* --- one candidate for all --- */

static gboolean
covers(const PlanWork *work, const ViewHostdev *hostdev)
{
    return work->candidate.model != MODEL_IOMMU_SMMUV3 || plan_wants_viommu(work, hostdev);
}

/* The vIOMMU that @demanding needs would cover @other as well: both are named. */
static void
reject_conflict(PlanWork *work, const PlanDevice *demanding, const PlanDevice *other,
                GPtrArray *strikes)
{
    g_autofree char *label = view_hostdev_label(other->hostdev);

    for (guint i = 0; i < strikes->len; i++) {
        const PlanRejection *strike = strikes->pdata[i];
        g_autofree char *reason = g_strdup_printf("the one vIOMMU%s would also cover %s, and %s",
                                                  work->family == PLAN_FAMILY_X86 ? " of x86" : "",
                                                  label, strike->reason);
        g_autoptr(GPtrArray) own = strikes_new();

        if (told_before(work, demanding->hostdev, strike))
            continue;
        g_ptr_array_add(own, plan_rejection_new(demanding->hostdev, work->candidate, strike->rule,
                                                strike->would_help, reason));
        keep_strikes(work, own);
    }
}

static gboolean
all_work(PlanWork *work, const PlanDevice *demanding)
{
    gboolean works = TRUE;

    for (guint i = 0; i < work->plan->devices->len; i++) {
        PlanDevice *device = work->plan->devices->pdata[i];
        g_autoptr(GPtrArray) strikes = strikes_new();

        if (!covers(work, device->hostdev))
            continue;
        if (!plan_mode_serves(work->candidate.mode, device->usage)) {
            reject_usage(work, device->hostdev);
            works = FALSE;
            continue;
        }
        if (plan_mode_works(work, device->hostdev, strikes))
            continue;
        works = FALSE;
        if (plan_wants_viommu(work, device->hostdev))
            keep_strikes(work, strikes);
        else
            reject_conflict(work, demanding, device, strikes);
    }
    return works;
}

/* A card that somebody put into one slot goes behind the vIOMMU as a whole, where it can. */
static gboolean
follows(const PlanWork *work, const ViewHostdev *hostdev)
{
    g_autoptr(GPtrArray) strikes = strikes_new();

    for (guint i = 0; i < work->plan->devices->len; i++) {
        const PlanDevice *gpu = work->plan->devices->pdata[i];

        if (covers(work, gpu->hostdev) && gpu->usage <= VIOMMU_USAGE_GUEST_IOMMU &&
            plan_slot_is_card_of(work, gpu->hostdev, hostdev))
            return plan_mode_works(work, hostdev, strikes);
    }
    return FALSE;
}

static void
take(PlanWork *work)
{
    for (guint i = 0; i < work->plan->devices->len; i++) {
        PlanDevice *device = work->plan->devices->pdata[i];

        if (covers(work, device->hostdev) || follows(work, device->hostdev))
            device->mode = work->candidate.mode;
        else if (!take_none(work, device))
            work->plan->valid = FALSE;
    }
}

/* Whoever a candidate fails for is a reason. */
static void
mark_rejected_as_stuck(ViommuPlan *plan)
{
    for (guint i = 0; i < plan->rejected->len; i++) {
        const PlanRejection *rejection = plan->rejected->pdata[i];

        if (rejection->hostdev)
            g_ptr_array_add(plan->stuck, (gpointer)rejection->hostdev);
    }
}

static const PlanDevice *
first_demanding(const PlanWork *work)
{
    for (guint i = 0; i < work->plan->devices->len; i++) {
        const PlanDevice *device = work->plan->devices->pdata[i];

        if (plan_wants_viommu(work, device->hostdev))
            return device;
    }
    return NULL;
}

void
plan_choose(PlanWork *work)
{
    const PlanDevice *demanding = first_demanding(work);
    g_autoptr(GArray) candidates = list_candidates(work);

    work->plan->valid = TRUE;
    for (guint i = 0; demanding && i < candidates->len; i++) {
        work->candidate = g_array_index(candidates, PlanCandidate, i);
        if (all_work(work, demanding)) {
            take(work);
            return;
        }
    }
    work->candidate = PLAN_NO_CANDIDATE;
    if (demanding) {
        if (candidates->len == 0)
            reject(work, demanding->hostdev, "modes in the policy",
                   "the policy allows no mode with a vIOMMU");
        mark_rejected_as_stuck(work->plan);
        work->plan->valid = FALSE;
        return;
    }
    for (guint i = 0; i < work->plan->devices->len; i++) {
        if (!take_none(work, work->plan->devices->pdata[i]))
            work->plan->valid = FALSE;
    }
}
