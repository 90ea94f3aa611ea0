/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices that the planned domain starts without. Whether that works is for others to find out. */
#include "plan-room.h"

#include "plan-edit.h"

static void
attach_free(gpointer data)
{
    PlanAttach *attach = data;

    g_free(attach->xml);
    g_ptr_array_unref(attach->first);
    g_ptr_array_unref(attach->notes);
    g_free(attach);
}

static void
refusal_free(gpointer data)
{
    plan_rejection_free(data);
}

PlanOrder *
plan_order_new(void)
{
    PlanOrder *order = g_new0(PlanOrder, 1);

    order->attach = g_ptr_array_new_with_free_func(attach_free);
    order->refused = g_ptr_array_new_with_free_func(refusal_free);
    return order;
}

void
plan_order_free(PlanOrder *order)
{
    if (!order)
        return;
    g_ptr_array_unref(order->attach);
    g_ptr_array_unref(order->refused);
    g_free(order);
}

void
plan_order_refuse(PlanOrder *order, const PlanDevice *device, const char *rule,
                  const char *would_help, const char *reason)
{
    g_ptr_array_add(order->refused,
                    plan_rejection_new(device ? device->hostdev : NULL, PLAN_NO_CANDIDATE, rule,
                                       would_help, reason));
}

static gboolean
is_inside(const xmlNode *node, const xmlNode *top)
{
    for (; node; node = node->parent) {
        if (node == top)
            return TRUE;
    }
    return FALSE;
}

/* What was to be written on it stands in the XML that is attached. */
static void
leave_out(ViommuPlan *plan, xmlNode *node)
{
    PlanWhy why = {"it is attached once the guest's IOMMU driver is up, so that it has no memory "
                   "pinned at boot",
                   NULL};

    for (guint i = plan->edits->len; i > 0; i--) {
        const PlanEdit *edit = plan->edits->pdata[i - 1];

        if (is_inside(edit->node, node))
            g_ptr_array_remove_index(plan->edits, i - 1);
    }
    plan_spot_remove(plan, node, why);
}

void
plan_order_take(ViommuPlan *plan, PlanOrder *order)
{
    for (guint i = 0; i < order->attach->len; i++)
        leave_out(plan, ((PlanAttach *)order->attach->pdata[i])->hostdev->dev->node);
    plan_edits_sort(plan);
    plan_order_free(plan->order);
    plan->order = order;
}
