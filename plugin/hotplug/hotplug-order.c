/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Start first, attach later. Before the guest turns its VT-d on, each device behind it sees all of
 * the guest's memory, which VFIO pins. One that is attached after that sees nothing until the guest
 * maps something: its context entry is not present, which is not pass-through (QEMU 11.1
 * hw/i386/intel_iommu.c vtd_as_pt_enabled, vtd_switch_address_space).
 *
 * Nothing here is foreseen: the domain is written, the devices are taken out, and each is plugged
 * in again as "virt-viommu hotplug" would.
 */
#include "hotplug-room.h"

#include <string.h>

/* --- which devices --- */

static BaseTri
boot_bypass(const ViommuPlan *plan)
{
    for (guint i = 0; i < plan->view->iommus->len; i++) {
        const ViewIommu *iommu = plan->view->iommus->pdata[i];

        if (iommu->iommu->kind == MODEL_IOMMU_VIRTIO)
            return iommu->boot_bypass;
    }
    return BASE_YES;
}

/* An endpoint without a domain is bypassed whenever it comes (QEMU 11.1
 * hw/virtio/virtio-iommu.c virtio_iommu_device_bypassed). */
static const char *
virtio_reason(const ViommuPlan *plan, const char **ret_help)
{
    if (boot_bypass(plan) == BASE_NO)
        return "boot-bypass is off: nothing is pinned at boot, whatever the order";
    *ret_help = "boot-bypass off by <qemu:override>, where the guest boots from nothing behind the "
                "vIOMMU";
    return "virtio-iommu in bypass has all guest memory pinned at an attach as well, until the "
           "guest "
           "takes the device";
}

/* NULL: the order helps */
static const char *
reason_against(const ViommuPlan *plan, const PlanDevice *device, const char **ret_help)
{
    const PlanIommu *iommu =
        base_u64_is_known(device->viommu) ? plan->iommus->pdata[device->viommu.value] : NULL;

    switch (device->mode) {
    case VIOMMU_MODE_NESTED:
        return "nested translation keeps all guest memory pinned while the device is there, "
               "whatever "
               "the order";
    case VIOMMU_MODE_IRQ:
        return "nothing is translated: all guest memory is pinned while the device is there, "
               "whatever "
               "the order";
    case VIOMMU_MODE_NONE:
        return "no vIOMMU is over it: all guest memory is pinned while the device is there, "
               "whatever "
               "the order";
    case VIOMMU_MODE_SHADOW:
        break;
    }
    if (iommu && iommu->model == MODEL_IOMMU_VIRTIO)
        return virtio_reason(plan, ret_help);
    if (!iommu || iommu->model != MODEL_IOMMU_INTEL)
        return "what this vIOMMU has pinned at an attach is not known";
    if (!model_child(device->hostdev->dev->node, "boot"))
        return NULL;
    *ret_help = "no <boot order> on it, where the guest boots from a disk";
    return "the firmware boots from it, so it must be there at the start";
}

/* Whether it has its slot to itself in the domain as it is planned */
static gboolean
is_alone(const ViommuPlan *plan, const ViommuDomain *with, const PlanDevice *device)
{
    guint index = 0;
    const ModelAddress *own;

    if (!g_ptr_array_find(plan->domain->hostdevs, device->hostdev->dev, &index))
        return TRUE;
    own = &((ModelHostdev *)with->hostdevs->pdata[index])->address;
    for (guint i = 0; i < with->hostdevs->len; i++) {
        const ModelAddress *other = &((ModelHostdev *)with->hostdevs->pdata[i])->address;

        if (i != index && model_address_share_slot(own, other))
            return FALSE;
    }
    for (guint i = 0; i < with->endpoints->len; i++) {
        const ModelEndpoint *endpoint = with->endpoints->pdata[i];

        if (model_address_share_slot(own, &endpoint->address))
            return FALSE;
    }
    return own->pci.function == 0;
}

/* (transfer container): of PlanDevice */
static GPtrArray *
choose(const ViommuPlan *plan, const ViommuDomain *with, PlanOrder *order)
{
    GPtrArray *chosen = g_ptr_array_new();

    for (guint i = 0; i < plan->devices->len; i++) {
        const PlanDevice *device = plan->devices->pdata[i];
        const char *help = NULL;
        const char *reason = reason_against(plan, device, &help);

        if (!reason && !is_alone(plan, with, device)) {
            reason = "it shares its slot, and libvirt attaches function 0 of an empty slot only "
                     "(Only PCI device addresses with function=0 are supported)";
            help = "a port for each of them";
        }
        if (reason)
            plan_order_refuse(order, device, NULL, help, reason);
        else
            g_ptr_array_add(chosen, (gpointer)device);
    }
    return chosen;
}

/* --- trying it --- */

static ViommuDomain *
with_edits(const ViommuDomain *domain, const GPtrArray *edits, GError **error)
{
    g_autofree char *text = write_domain(domain, edits, error);

    return text ? model_domain_parse(text, strlen(text), domain->file, error) : NULL;
}

/* The element of the same device in the domain as it is planned: a plan leaves devices in order. */
static xmlNode *
node_in(const ViommuDomain *with, const ViommuPlan *plan, const PlanDevice *device)
{
    guint index = 0;

    if (!g_ptr_array_find(plan->domain->hostdevs, device->hostdev->dev, &index))
        return NULL;
    return ((ModelHostdev *)with->hostdevs->pdata[index])->node;
}

/* The planned domain without those devices; their XML goes to @texts. */
static ViommuDomain *
take_out(const ViommuPlan *plan, const ViommuDomain *with, const GPtrArray *chosen,
         GPtrArray *texts, GError **error)
{
    g_autoptr(GPtrArray) edits = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < chosen->len; i++) {
        PlanEdit *edit = g_new0(PlanEdit, 1);

        edit->kind = PLAN_EDIT_REMOVE;
        edit->node = node_in(with, plan, chosen->pdata[i]);
        g_ptr_array_add(edits, edit);
        g_ptr_array_add(texts, hotplug_source(with, edit->node));
    }
    return with_edits(with, edits, error);
}

static void
add_attach(PlanOrder *order, const PlanDevice *device, const Hotplug *hotplug)
{
    PlanAttach *attach = g_new0(PlanAttach, 1);

    attach->hostdev = device->hostdev;
    attach->xml = g_strdup(hotplug->xml);
    attach->first = g_ptr_array_ref(hotplug->first);
    attach->notes = g_ptr_array_ref(hotplug->notes);
    g_ptr_array_add(order->attach, attach);
}

static void
refuse(PlanOrder *order, const PlanDevice *device, const Hotplug *hotplug)
{
    for (guint i = 0; i < hotplug->reasons->len; i++) {
        const HotplugReason *reason = hotplug->reasons->pdata[i];

        plan_order_refuse(order, device, reason->rule, reason->would_help, reason->text);
    }
}

/* One after the other, each into the domain that has those before it. *ret_failed: the first that
 * cannot be plugged in, NULL: none. FALSE: an error. */
static gboolean
attach_all(const ViommuPlan *plan, PlanOrder *order, ViommuDomain *start, const GPtrArray *chosen,
           const GPtrArray *texts, const PlanDevice **ret_failed, GError **error)
{
    g_autoptr(ViommuDomain) domain = model_domain_ref(start);

    *ret_failed = NULL;
    for (guint i = 0; i < chosen->len; i++) {
        g_autoptr(Hotplug) hotplug =
                      hotplug_attach(plan->host, domain, plan->policy, &plan->view->target,
                                     texts->pdata[i], "device", error);
        ViommuDomain *next;

        if (!hotplug)
            return FALSE;
        if (!hotplug->feasible) {
            *ret_failed = chosen->pdata[i];
            refuse(order, *ret_failed, hotplug);
            return TRUE;
        }
        add_attach(order, chosen->pdata[i], hotplug);
        next = hotplug_with_device(domain, hotplug->xml, error);
        if (!next)
            return FALSE;
        model_domain_unref(domain);
        domain = next;
    }
    return TRUE;
}

static gboolean
has_error(const ViommuReport *report, const Rule *rule)
{
    for (guint i = 0; i < report->findings->len; i++) {
        const Finding *finding = report->findings->pdata[i];

        if (finding->rule == rule && finding->outcome == VIOMMU_OUTCOME_FAIL &&
            finding->severity == VIOMMU_SEVERITY_ERROR)
            return TRUE;
    }
    return FALSE;
}

/* What a policy makes an error of a domain without the devices: wishes for one that is not there.
 */
static gboolean
judge_start(const ViommuPlan *plan, PlanOrder *order, const ViommuDomain *with,
            const ViommuDomain *start)
{
    g_autoptr(View) full = view_new(plan->host, with, plan->policy, &plan->view->target);
    g_autoptr(View) view = view_new(plan->host, start, plan->policy, &plan->view->target);
    g_autoptr(ViommuReport) before = rule_check(full);
    g_autoptr(ViommuReport) after = rule_check(view);
    g_autoptr(ViewMemlock) memlock = view_memlock(view, 0);
    gboolean fine = TRUE;

    for (guint i = 0; i < after->findings->len; i++) {
        const Finding *finding = after->findings->pdata[i];

        if (finding->outcome != VIOMMU_OUTCOME_FAIL || finding->severity != VIOMMU_SEVERITY_ERROR ||
            has_error(before, finding->rule))
            continue;
        plan_order_refuse(order, NULL, finding->rule->id,
                          finding->help ? finding->help : finding->rule->remedy, finding->message);
        fine = FALSE;
    }
    order->pinned = memlock->pinned;
    order->pinned_otherwise = plan->memlock->pinned;
    return fine;
}

/* FALSE: none of them can come later. A device that cannot leaves @chosen, and the others are tried
 * without it. */
static gboolean
try_order(const ViommuPlan *plan, PlanOrder *order, GPtrArray *chosen, GError **error)
{
    g_autoptr(ViommuDomain) with = with_edits(plan->domain, plan->edits, error);

    while (with && chosen->len > 0) {
        g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(ViommuDomain) start = take_out(plan, with, chosen, texts, error);
        const PlanDevice *failed = NULL;

        g_ptr_array_set_size(order->attach, 0);
        if (!start || !judge_start(plan, order, with, start) ||
            !attach_all(plan, order, start, chosen, texts, &failed, error))
            return FALSE;
        if (!failed)
            return TRUE;
        g_ptr_array_remove(chosen, (gpointer)failed);
    }
    return FALSE;
}

void
hotplug_order(ViommuPlan *plan)
{
    g_autoptr(PlanOrder) order = NULL;
    g_autoptr(GPtrArray) chosen = NULL;
    g_autoptr(ViommuDomain) with = NULL;
    g_autoptr(GError) error = NULL;

    if (!plan->valid || !plan->policy->avoid_boot_pinning || plan->devices->len == 0)
        return;
    order = plan_order_new();
    with = with_edits(plan->domain, plan->edits, &error);
    chosen = with ? choose(plan, with, order) : NULL;
    /* once more with the windows that the devices need, for what is said of each attach */
    if (!with || !try_order(plan, order, chosen, &error) ||
        (plan_reserve_later(plan, chosen) && !try_order(plan, order, chosen, &error)))
        g_ptr_array_set_size(order->attach, 0);
    if (error)
        plan_order_refuse(order, NULL, NULL, NULL, error->message);
    plan_order_take(plan, g_steal_pointer(&order));
}
