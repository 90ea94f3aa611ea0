/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Start first, attach later: what to attach, when, and what that saves. */
#include "write-plan.h"

#include "base-text.h"
#include "write-table.h"

/* Linux 7.2 drivers/iommu/intel/iommu.c intel_iommu_init() */
#define WHEN                                                                                       \
    "once the guest's IOMMU driver is up (Linux logs 'DMAR: Intel(R) Virtualization Technology "   \
    "for Directed I/O'), one after the other; a guest with iommu=pt gains nothing"

static char *
command_of(const ViommuPlan *plan, const PlanAttach *attach)
{
    g_autofree char *address = write_hostdev_address(attach->hostdev);
    const char *alias = attach->hostdev->dev->alias;

    return g_strdup_printf("virsh attach-device %s %s.xml --live",
                           plan->domain->name ? plan->domain->name : "DOMAIN",
                           alias ? alias : (address ? address : "device"));
}

/* --- JSON --- */

static void
add_strings(BaseJson *object, const char *key, const GPtrArray *strings)
{
    BaseJson *array = json_object_new_array();

    for (guint i = 0; i < strings->len; i++)
        json_object_array_add(array, json_object_new_string(strings->pdata[i]));
    json_object_object_add(object, key, array);
}

static BaseJson *
attach_json(const ViommuPlan *plan, const PlanAttach *attach)
{
    BaseJson *object = json_object_new_object();
    g_autofree char *address = write_hostdev_address(attach->hostdev);
    g_autofree char *command = command_of(plan, attach);

    base_json_add_string(object, "alias", attach->hostdev->dev->alias);
    base_json_add_string(object, "address", address);
    base_json_add_string(object, "xml", attach->xml);
    base_json_add_string(object, "command", command);
    add_strings(object, "first", attach->first);
    add_strings(object, "notes", attach->notes);
    return object;
}

static BaseJson *
refused_json(const PlanRejection *refusal)
{
    BaseJson *object = json_object_new_object();
    const ViewHostdev *hostdev = refusal->hostdev;
    g_autofree char *address = hostdev ? write_hostdev_address(hostdev) : NULL;

    if (hostdev)
        base_json_add_string(object, "device", hostdev->dev->alias ? hostdev->dev->alias : address);
    base_json_add_string(object, "reason", refusal->reason);
    base_json_add_string(object, "rule", refusal->rule);
    base_json_add_string(object, "would_help", refusal->would_help);
    return object;
}

void
write_order_json(BaseJson *root, const ViommuPlan *plan)
{
    const PlanOrder *order = plan->order;
    BaseJson *object, *attach, *refused;

    if (!order)
        return;
    object = json_object_new_object();
    attach = json_object_new_array();
    refused = json_object_new_array();
    for (guint i = 0; i < order->attach->len; i++)
        json_object_array_add(attach, attach_json(plan, order->attach->pdata[i]));
    for (guint i = 0; i < order->refused->len; i++)
        json_object_array_add(refused, refused_json(order->refused->pdata[i]));
    if (order->attach->len > 0) {
        base_json_add_string(object, "when", WHEN);
        base_json_add_u64(object, "pinned_at_boot", order->pinned);
        base_json_add_u64(object, "pinned_at_boot_otherwise", order->pinned_otherwise);
    }
    json_object_object_add(object, "devices", attach);
    json_object_object_add(object, "refused", refused);
    json_object_object_add(root, "attach_later", object);
}

/* --- text --- */

static void
write_attach(const ViommuPlan *plan, const PlanAttach *attach, const WriteStyle *style,
             guint column, GString *out)
{
    g_autofree char *command = command_of(plan, attach);
    g_auto(GStrv) lines = g_strsplit(attach->xml, "\n", -1);

    for (guint i = 0; i < attach->first->len; i++)
        write_labelled(style, out, "", column, "first: %s", (char *)attach->first->pdata[i]);
    write_labelled(style, out, "", column, "%s", command);
    for (guint i = 0; lines[i]; i++)
        g_string_append_printf(out, "%*s%s\n", (int)column + 2, "", lines[i]);
    for (guint i = 0; i < attach->notes->len; i++)
        write_labelled(style, out, "", column, "note: %s", (char *)attach->notes->pdata[i]);
}

void
write_order_text(const ViommuPlan *plan, const WriteStyle *style, guint column, GString *out)
{
    const PlanOrder *order = plan->order;
    g_autofree char *pinned = order ? base_format_size(order->pinned.value) : NULL;
    g_autofree char *otherwise = order ? base_format_size(order->pinned_otherwise.value) : NULL;

    if (!order)
        return;
    if (order->attach->len > 0) {
        write_labelled(style, out, "Attach later", column, "%u device%s, %s", order->attach->len,
                       order->attach->len == 1 ? "" : "s", WHEN);
        write_labelled(style, out, "", column,
                       "accounted at boot: %s, and %s with all devices there from the start; after "
                       "the attach what the guest maps",
                       base_u64_is_known(order->pinned) ? pinned : "unknown",
                       base_u64_is_known(order->pinned_otherwise) ? otherwise : "unknown");
    }
    for (guint i = 0; i < order->attach->len; i++)
        write_attach(plan, order->attach->pdata[i], style, column, out);
    for (guint i = 0; i < order->refused->len; i++) {
        const PlanRejection *refusal = order->refused->pdata[i];
        g_autofree char *label =
            refusal->hostdev ? view_hostdev_label(refusal->hostdev) : g_strdup("all others");

        write_labelled(style, out, "There at start", column, "%s: %s", label, refusal->reason);
        if (refusal->would_help)
            write_labelled(style, out, "", column, "would help: %s", refusal->would_help);
    }
}
