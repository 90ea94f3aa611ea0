/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The order of decisions, and the life of a plan. */
#include "plan-room.h"

#include <stdarg.h>

#include "plan-edit.h"
#include "plan-reserve.h"

/* --- parts --- */

static void
device_free(gpointer data)
{
    PlanDevice *device = data;

    g_free(device->where);
    g_free(device->note);
    g_free(device);
}

static void
iommu_free(gpointer data)
{
    PlanIommu *iommu = data;

    g_ptr_array_unref(iommu->names);
    g_ptr_array_unref(iommu->values);
    g_ptr_array_unref(iommu->property_names);
    g_ptr_array_unref(iommu->property_values);
    g_free(iommu);
}

static void
edit_free(gpointer data)
{
    plan_edit_free(data);
}

static void
action_free(gpointer data)
{
    PlanAction *action = data;

    g_free(action->who);
    g_free(action->what);
    g_free(action);
}

static void
grant_free(gpointer data)
{
    PlanGrant *grant = data;

    g_free(grant->path);
    g_free(grant->access);
    g_free(grant->for_whom);
    g_free(grant);
}

static void
rejection_free(gpointer data)
{
    plan_rejection_free(data);
}

static void
smmu_free(gpointer data)
{
    PlanSmmu *smmu = data;

    g_ptr_array_unref(smmu->devices);
    g_free(smmu);
}

PlanDevice *
plan_device_of(const PlanWork *work, const ViewHostdev *hostdev)
{
    for (guint i = 0; i < work->plan->devices->len; i++) {
        PlanDevice *device = work->plan->devices->pdata[i];

        if (device->hostdev == hostdev)
            return device;
    }
    return NULL;
}

PlanIommu *
plan_iommu_add(PlanWork *work, ModelIommuKind model, ViommuMode mode, const ModelIommu *existing)
{
    PlanIommu *iommu = g_new0(PlanIommu, 1);

    iommu->model = model;
    iommu->mode = mode;
    iommu->existing = existing;
    iommu->names = g_ptr_array_new_with_free_func(g_free);
    iommu->values = g_ptr_array_new_with_free_func(g_free);
    iommu->property_names = g_ptr_array_new_with_free_func(g_free);
    iommu->property_values = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(work->plan->iommus, iommu);
    return iommu;
}

void
plan_note(PlanWork *work, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_ptr_array_add(work->plan->notes, g_strdup_vprintf(format, args));
    va_end(args);
}

void
plan_device_note(PlanDevice *device, const char *format, ...)
{
    g_autofree char *before = device->note;
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    device->note = before ? g_strdup_printf("%s; %s", before, text) : g_steal_pointer(&text);
}

void
plan_action(PlanWork *work, const char *who, const char *format, ...)
{
    PlanAction *action = g_new0(PlanAction, 1);
    va_list args;

    va_start(args, format);
    action->what = g_strdup_vprintf(format, args);
    va_end(args);
    action->who = g_strdup(who);
    g_ptr_array_add(work->plan->actions, action);
}

/* --- the plan --- */

static ViommuPlan *
plan_alloc(void)
{
    ViommuPlan *plan = g_new0(ViommuPlan, 1);

    plan->refs = 1;
    plan->devices = g_ptr_array_new_with_free_func(device_free);
    plan->iommus = g_ptr_array_new_with_free_func(iommu_free);
    plan->spare_ports = g_array_new(FALSE, FALSE, sizeof(guint));
    plan->reserved = g_array_new(FALSE, FALSE, sizeof(PlanReserved));
    plan->edits = g_ptr_array_new_with_free_func(edit_free);
    plan->actions = g_ptr_array_new_with_free_func(action_free);
    plan->grants = g_ptr_array_new_with_free_func(grant_free);
    plan->rejected = g_ptr_array_new_with_free_func(rejection_free);
    plan->notes = g_ptr_array_new_with_free_func(g_free);
    plan->stuck = g_ptr_array_new();
    plan->pasid_bits = base_u64_absent();
    return plan;
}

ViommuPlan *
plan_ref(ViommuPlan *plan)
{
    g_atomic_int_inc(&plan->refs);
    return plan;
}

void
plan_unref(ViommuPlan *plan)
{
    if (!plan || !g_atomic_int_dec_and_test(&plan->refs))
        return;
    g_ptr_array_unref(plan->devices);
    g_ptr_array_unref(plan->iommus);
    g_array_unref(plan->spare_ports);
    g_array_unref(plan->reserved);
    g_ptr_array_unref(plan->edits);
    g_ptr_array_unref(plan->actions);
    g_ptr_array_unref(plan->grants);
    g_ptr_array_unref(plan->rejected);
    g_ptr_array_unref(plan->notes);
    g_ptr_array_unref(plan->stuck);
    plan_order_free(plan->order);
    view_memlock_free(plan->memlock);
    g_free(plan->pasid_because);
    g_free(plan->digest);
    view_free(plan->view);
    host_facts_unref(plan->host);
    model_domain_unref(plan->domain);
    policy_unref(plan->policy);
    g_free(plan);
}

/* --- the procedure --- */

static PlanFamily
family_of(const ViommuDomain *domain)
{
    if (domain->is_q35)
        return PLAN_FAMILY_X86;
    return domain->is_virt && g_strcmp0(domain->arch, "aarch64") == 0 ? PLAN_FAMILY_ARM
                                                                      : PLAN_FAMILY_OTHER;
}

static void
add_devices(PlanWork *work)
{
    for (guint i = 0; i < work->view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = work->view->hostdevs->pdata[i];
        PlanDevice *device;

        if (hostdev->dev->kind == MODEL_HOSTDEV_NETWORK)
            plan_note(work,
                      "network '%s' may give a host device at start, which is not planned for",
                      hostdev->dev->network ? hostdev->dev->network : "?");
        if (!view_is_assigned(hostdev))
            continue;
        device = g_new0(PlanDevice, 1);
        device->hostdev = hostdev;
        device->usage = hostdev->demand.usage;
        device->mode = VIOMMU_MODE_NONE;
        device->viommu = base_u64_absent();
        device->pasid_bits = base_u64_absent();
        g_ptr_array_add(work->plan->devices, device);
    }
}

/* The one that covers it in the plan's list. */
static void
number_viommus(PlanWork *work)
{
    const GPtrArray *iommus = work->plan->iommus;

    for (guint i = 0; i < work->plan->devices->len; i++) {
        PlanDevice *device = work->plan->devices->pdata[i];

        if (device->mode != VIOMMU_MODE_NONE && work->smmus->len == 0 && iommus->len > 0)
            device->viommu = base_u64(0);
    }
    for (guint i = 0; i < work->smmus->len; i++) {
        const PlanSmmu *smmu = work->smmus->pdata[i];
        guint index = 0;

        if (!g_ptr_array_find(work->plan->iommus, smmu->iommu, &index))
            continue;
        for (guint j = 0; j < smmu->devices->len; j++)
            ((PlanDevice *)smmu->devices->pdata[j])->viommu = base_u64(index);
    }
}

/* A vIOMMU that was told to translate nothing, for devices that want nothing translated. */
static ViommuMode
mode_as_kept(PlanWork *work)
{
    const ViewIommu *viommu = plan_viommu(work);

    if (work->candidate.mode != VIOMMU_MODE_SHADOW || !viommu || viommu->dma_translation != BASE_NO)
        return work->candidate.mode;
    for (guint i = 0; i < work->plan->devices->len; i++) {
        if (((PlanDevice *)work->plan->devices->pdata[i])->usage != VIOMMU_USAGE_DMA)
            return work->candidate.mode;
    }
    for (guint i = 0; i < work->plan->devices->len; i++)
        ((PlanDevice *)work->plan->devices->pdata[i])->mode = VIOMMU_MODE_IRQ;
    return VIOMMU_MODE_IRQ;
}

static void
write_viommu(PlanWork *work)
{
    if (work->candidate.model == MODEL_IOMMU_SMMUV3)
        return;
    if (work->candidate.mode == VIOMMU_MODE_NONE)
        plan_vtd_write_for_hotplug(work);
    else if (work->candidate.model == MODEL_IOMMU_VIRTIO)
        plan_virtio_write(work);
    else
        plan_vtd_write(work, mode_as_kept(work));
}

static gboolean
make(PlanWork *work)
{
    work->layout = plan_layout_new(work->domain);
    if (!plan_smmu_match(work))
        return FALSE;
    write_viommu(work);
    if (!plan_place(work))
        return FALSE;
    if (work->family == PLAN_FAMILY_ARM)
        plan_smmu_write(work);
    plan_reserve_mend(work);
    plan_reserve_spares(work);
    plan_window(work);
    number_viommus(work);
    plan_note_groups(work);
    plan_pasid(work);
    for (guint i = 0; i < work->plan->iommus->len; i++)
        plan_clean_driver(work, ((PlanIommu *)work->plan->iommus->pdata[i])->existing);
    plan_limits(work);
    plan_provenance(work);
    plan_edits_sort(work->plan);
    return plan_rest(work);
}

/* What was decided before the plan failed is no plan. */
static void
forget(ViommuPlan *plan)
{
    plan->valid = FALSE;
    g_clear_pointer(&plan->digest, g_free);
    g_ptr_array_set_size(plan->edits, 0);
    g_ptr_array_set_size(plan->iommus, 0);
    g_array_set_size(plan->spare_ports, 0);
    g_array_set_size(plan->reserved, 0);
}

ViommuPlan *
plan_new(const ViommuHost *host, const ViommuDomain *domain, const ViommuPolicy *policy,
         const ViommuTarget *target, PlanFlags flags)
{
    ViommuPlan *plan = plan_alloc();
    PlanWork work = {.plan = plan, .host = host, .domain = domain, .policy = policy};
    g_autoptr(GPtrArray) smmus = g_ptr_array_new_with_free_func(smmu_free);
    g_autoptr(PlanLayout) layout = NULL;

    work.live = (flags & PLAN_LIVE) != 0;
    work.anonymous = (flags & PLAN_NO_METADATA) != 0;
    /* references for as long as the plan lives; it only reads them */
    plan->host = host_facts_ref((ViommuHost *)host);
    plan->domain = model_domain_ref((ViommuDomain *)domain);
    plan->policy = policy_ref((ViommuPolicy *)policy);
    model_domain_place(domain); /* ports are kept free in any domain */
    plan->view = view_new(host, domain, policy, target);
    work.view = plan->view;
    work.target = plan->view->target;
    work.family = family_of(domain);
    /* elsewhere than on PCI Express slots take devices without ports */
    if (work.family != PLAN_FAMILY_OTHER && !work.live)
        work.spares = policy_spare_ports(policy, domain);
    work.smmus = smmus;
    add_devices(&work);
    plan_choose(&work);
    if (plan->valid && !make(&work))
        forget(plan);
    layout = work.layout;
    if (!plan->memlock)
        plan->memlock = view_memlock(plan->view, 0);
    return plan;
}
