/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plan-1 documents: schemas/plan-1.schema.json */
#include "write-plan.h"

#include <string.h>

static const char *const model_names[] = {
    [MODEL_IOMMU_INTEL] = "intel",   [MODEL_IOMMU_AMD] = "amd",     [MODEL_IOMMU_VIRTIO] = "virtio",
    [MODEL_IOMMU_SMMUV3] = "smmuv3", [MODEL_IOMMU_OTHER] = "other",
};

char *
write_hostdev_address(const ViewHostdev *hostdev)
{
    const ModelHostdev *dev = hostdev->dev;

    if (dev->kind == MODEL_HOSTDEV_MDEV)
        return g_strdup(dev->mdev_uuid);
    return dev->host_known ? base_pci_format(dev->host) : NULL;
}

static void
add_device_names(BaseJson *object, const ViewHostdev *hostdev)
{
    g_autofree char *address = write_hostdev_address(hostdev);

    base_json_add_string(object, "alias", hostdev->dev->alias);
    base_json_add_string(object, "address", address);
}

static BaseJson *
array_in(BaseJson *object, const char *key)
{
    BaseJson *array = json_object_new_array();

    json_object_object_add(object, key, array);
    return array;
}

static BaseJson *
object_in(BaseJson *object, const char *key)
{
    BaseJson *child = json_object_new_object();

    json_object_object_add(object, key, child);
    return child;
}

static BaseJson *
object_at_end(BaseJson *array)
{
    BaseJson *child = json_object_new_object();

    json_object_array_add(array, child);
    return child;
}

static void
add_devices(BaseJson *root, const ViommuPlan *plan)
{
    BaseJson *array = array_in(root, "devices");

    for (guint i = 0; i < plan->devices->len; i++) {
        const PlanDevice *device = plan->devices->pdata[i];
        BaseJson *object = object_at_end(array);

        add_device_names(object, device->hostdev);
        base_json_add_string(object, "usage", policy_usage_name(device->usage));
        base_json_add_string(object, "because", device->hostdev->demand.because);
        if (!plan->valid)
            continue;
        base_json_add_string(object, "mode", policy_mode_name(device->mode));
        base_json_add_u64(object, "viommu", device->viommu);
        base_json_add_u64(object, "bus", device->bus);
        base_json_add_u64(object, "pasid_bits", device->pasid_bits);
        base_json_add_string(object, "where", device->where);
        base_json_add_string(object, "note", device->note);
    }
}

static void
add_pairs(BaseJson *root, const char *key, const GPtrArray *names, const GPtrArray *values)
{
    BaseJson *object = object_in(root, key);

    for (guint i = 0; i < names->len; i++)
        base_json_add_string(object, names->pdata[i], values->pdata[i]);
}

static void
add_viommus(BaseJson *root, const ViommuPlan *plan)
{
    BaseJson *array = array_in(root, "viommus");

    for (guint i = 0; i < plan->iommus->len; i++) {
        const PlanIommu *iommu = plan->iommus->pdata[i];
        BaseJson *object = object_at_end(array);

        base_json_add_string(object, "model", model_names[iommu->model]);
        base_json_add_string(object, "mode", policy_mode_name(iommu->mode));
        base_json_add_string(object, "unit", iommu->unit ? iommu->unit->name : NULL);
        json_object_object_add(object, "new",
                               json_object_new_boolean(!iommu->existing || !iommu->existing->node));
        add_pairs(object, "attributes", iommu->names, iommu->values);
        add_pairs(object, "properties", iommu->property_names, iommu->property_values);
    }
}

BaseJson *
write_memlock_json(const ViewMemlock *memlock, const char *write)
{
    BaseJson *object = json_object_new_object();
    BaseJson *allowed = object_in(object, "allowed");

    base_json_add_u64(object, "accounted", memlock->accounted);
    base_json_add_u64(object, "ceiling", memlock->ceiling);
    base_json_add_u64(object, "resident", memlock->resident);
    if (memlock->libvirt.state == BASE_STATE_KNOWN && memlock->libvirt.value == G_MAXUINT64)
        base_json_add_string(object, "libvirt", "unlimited");
    else
        base_json_add_u64(object, "libvirt", memlock->libvirt);
    if (memlock->allowed.state == BASE_STATE_KNOWN && memlock->allowed.value == G_MAXUINT64)
        base_json_add_string(allowed, "bytes", "unlimited");
    else
        base_json_add_u64(allowed, "bytes", memlock->allowed);
    base_json_add_tri(allowed, "can_raise", memlock->can_raise);
    if (memlock->others.state != BASE_STATE_ABSENT)
        base_json_add_u64(object, "others", memlock->others);
    base_json_add_string(object, "formula", memlock->formula);
    base_json_add_string(object, "libvirt_formula", memlock->libvirt_formula);
    base_json_add_string(object, "source", memlock->source);
    base_json_add_string(object, "libvirt_source", memlock->libvirt_source);
    base_json_add_string(object, "write", write);
    return object;
}

const char *
write_memlock_verdict(const ViommuPlan *plan)
{
    for (guint i = 0; i < plan->edits->len; i++) {
        const PlanEdit *edit = plan->edits->pdata[i];

        if (edit->kind == PLAN_EDIT_INSERT && strcmp(edit->element->name, "hard_limit") == 0)
            return "hard_limit";
    }
    return "nothing";
}

BaseJson *
write_pasid_json(const ViommuPlan *plan)
{
    BaseJson *object = json_object_new_object();

    base_json_add_u64(object, "bits", plan->pasid_bits);
    base_json_add_string(object, "because", plan->pasid_because);
    return object;
}

static void
add_limits(BaseJson *root, const ViommuPlan *plan)
{
    BaseJson *limits = object_in(root, "limits");

    BaseJson *memlock = write_memlock_json(plan->memlock, write_memlock_verdict(plan));

    base_json_add_u64(memlock, "accounted_later", plan->memlock_later);
    json_object_object_add(limits, "locked_memory", memlock);
    json_object_object_add(limits, "pasid", write_pasid_json(plan));
}

static void
add_grants(BaseJson *root, const ViommuPlan *plan)
{
    BaseJson *array = array_in(root, "grants");

    for (guint i = 0; i < plan->grants->len; i++) {
        const PlanGrant *grant = plan->grants->pdata[i];
        BaseJson *object = object_at_end(array);

        base_json_add_string(object, "path", grant->path);
        base_json_add_string(object, "access", grant->access);
        base_json_add_string(object, "for", grant->for_whom);
        if (!grant->path) {
            base_json_add_string(object, "rlimit", "memlock");
            base_json_add_u64(object, "bytes", grant->memlock);
        }
    }
}

static const char *
kind_name(PlanEditKind kind)
{
    switch (kind) {
    case PLAN_EDIT_SET_ATTRIBUTE:
        return "set-attribute";
    case PLAN_EDIT_REMOVE_ATTRIBUTE:
        return "remove-attribute";
    case PLAN_EDIT_INSERT:
        return "insert";
    case PLAN_EDIT_REMOVE:
        break;
    }
    return "remove";
}

static void
add_edits(BaseJson *root, const ViommuPlan *plan)
{
    BaseJson *array = array_in(root, "edits");

    for (guint i = 0; i < plan->edits->len; i++) {
        const PlanEdit *edit = plan->edits->pdata[i];
        BaseJson *object = object_at_end(array);
        g_autofree char *xpath = model_xpath(edit->node, NULL);

        base_json_add_string(object, "kind", kind_name(edit->kind));
        base_json_add_string(object, "xpath", xpath);
        json_object_object_add(object, "line",
                               json_object_new_int64(model_span(plan->domain, edit->node)->line));
        base_json_add_string(object, "name", edit->name);
        base_json_add_string(object, "value", edit->value);
        base_json_add_string(object, "because", edit->because);
        base_json_add_string(object, "rule", edit->rule);
        if (edit->element) {
            g_autoptr(GString) text = g_string_new(NULL);

            base_element_write(edit->element, 0, "\n", text);
            base_json_add_string(object, "element", text->str);
        }
    }
}

void
write_actions_json(BaseJson *root, const ViommuPlan *plan)
{
    BaseJson *array = array_in(root, "actions");

    for (guint i = 0; i < plan->actions->len; i++) {
        const PlanAction *action = plan->actions->pdata[i];
        BaseJson *object = object_at_end(array);

        base_json_add_string(object, "who", action->who);
        base_json_add_string(object, "what", action->what);
    }
}

static void
add_rejected(BaseJson *root, const ViommuPlan *plan)
{
    BaseJson *array = array_in(root, "rejected");

    for (guint i = 0; i < plan->rejected->len; i++) {
        const PlanRejection *rejection = plan->rejected->pdata[i];
        BaseJson *object = object_at_end(array);

        if (rejection->hostdev) {
            g_autofree char *address = write_hostdev_address(rejection->hostdev);
            const char *alias = rejection->hostdev->dev->alias;

            base_json_add_string(object, "device", alias ? alias : address);
            base_json_add_string(object, "address", address);
        }
        base_json_add_string(object, "mode", policy_mode_name(rejection->mode));
        if (rejection->model != MODEL_IOMMU_OTHER)
            base_json_add_string(object, "model", model_names[rejection->model]);
        base_json_add_string(object, "reason", rejection->reason);
        base_json_add_string(object, "rule", rejection->rule);
        base_json_add_string(object, "would_help", rejection->would_help);
    }
}

static void
add_spare_ports(BaseJson *root, const ViommuPlan *plan)
{
    BaseJson *array = array_in(root, "spare_ports");

    for (guint i = 0; i < plan->spare_ports->len; i++)
        json_object_array_add(array,
                              json_object_new_int64(g_array_index(plan->spare_ports, guint, i)));
}

static void
add_reserved(BaseJson *root, const ViommuPlan *plan)
{
    BaseJson *array = plan->reserved->len > 0 ? array_in(root, "reserved_windows") : NULL;

    for (guint i = 0; i < plan->reserved->len; i++) {
        const PlanReserved *it = &g_array_index(plan->reserved, PlanReserved, i);
        BaseJson *object = json_object_new_object();

        json_object_object_add(object, "bus", json_object_new_int64(it->bus));
        json_object_object_add(object, "prefetchable",
                               json_object_new_int64((gint64)it->prefetchable));
        json_object_object_add(object, "other", json_object_new_int64((gint64)it->plain));
        json_object_array_add(array, object);
    }
}

/* What the domain says of an earlier plan, and whether the decisions are still the same. */
static void
add_provenance(BaseJson *root, const ViommuPlan *plan)
{
    const xmlNode *node = plan->domain->plan_node;
    g_autofree char *policy = model_attribute(node, "policy");
    g_autofree char *digest = model_attribute(node, "digest");
    BaseJson *before;

    base_json_add_string(root, "digest", plan->digest);
    if (!node)
        return;
    before = object_in(root, "planned_before");
    base_json_add_string(before, "policy", policy);
    base_json_add_string(before, "digest", digest);
    if (plan->digest)
        json_object_object_add(before, "same",
                               json_object_new_boolean(g_strcmp0(digest, plan->digest) == 0));
}

BaseJson *
write_plan_json(const ViommuPlan *plan)
{
    BaseJson *root = json_object_new_object();
    BaseJson *notes;

    json_object_object_add(root, "plan", json_object_new_int(1));
    base_json_add_string(root, "domain", plan->domain->name);
    json_object_object_add(root, "valid", json_object_new_boolean(plan->valid));
    add_devices(root, plan);
    add_viommus(root, plan);
    add_spare_ports(root, plan);
    add_reserved(root, plan);
    add_limits(root, plan);
    add_grants(root, plan);
    add_edits(root, plan);
    write_actions_json(root, plan);
    add_rejected(root, plan);
    add_provenance(root, plan);
    write_order_json(root, plan);
    notes = array_in(root, "notes");
    for (guint i = 0; i < plan->notes->len; i++)
        json_object_array_add(notes, json_object_new_string(plan->notes->pdata[i]));
    return root;
}
