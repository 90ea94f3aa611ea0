/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What follows from the facts, beside them: registers by field, what is in the way of a group, and
 * the verdict on each IOMMU and function. Readers of host-1 documents take no notice of it, so that
 * nothing that follows from an older reading is ever taken for a fact.
 */
#include "host-advice.h"
#include "host-isolation.h"
#include "host-read.h"
#include "host-registers.h"

static void
add(BaseJson *object, const char *key, BaseJson *value)
{
    json_object_object_add(object, key, value);
}

static BaseJson *
register_fields(HostRegister reg, guint64 value)
{
    BaseJson *object = json_object_new_object();

    for (HostFieldId id = 0; id < HOST_FIELD_COUNT; id++) {
        const HostRegisterField *field = host_register_field(id);

        if (field->reg == reg)
            add(object, field->name, host_field_json(id, value));
    }
    return object;
}

static BaseJson *
decoded(const HostIommu *iommu)
{
    BaseJson *object = json_object_new_object();

    for (HostRegister reg = 0; reg < HOST_REGISTER_COUNT; reg++) {
        BaseU64 value = host_register_value(iommu, reg);

        if (base_u64_is_known(value))
            add(object, host_register_name(reg), register_fields(reg, value.value));
    }
    return object;
}

static void
add_reason(BaseJson *reasons, const char *of, const char *reason)
{
    g_autofree char *text = NULL;

    if (!reason)
        return;
    text = g_strdup_printf("%s%s%s", of ? of : "", of ? ": " : "", reason);
    json_object_array_add(reasons, json_object_new_string(text));
}

static BaseJson *
iommu_verdict(const ViommuHost *host, const HostIommu *iommu)
{
    BaseJson *object = json_object_new_object();
    BaseJson *reasons = json_object_new_array();
    HostVerdict verdict;

    host_iommu_verdict(host, iommu, &verdict);
    base_json_add_string(object, "mode", verdict.mode);
    base_json_add_string(object, "next", verdict.next);
    add_reason(reasons, "not nested", verdict.why_not_nested);
    add_reason(reasons, "not shadow", verdict.why_not_shadow);
    add(object, "reasons", reasons);
    return object;
}

/* An empty list is left out. */
static void
add_texts(BaseJson *object, const char *key, const GPtrArray *texts)
{
    BaseJson *list;

    if (texts->len == 0)
        return;
    list = json_object_new_array();
    for (guint i = 0; i < texts->len; i++)
        json_object_array_add(list, json_object_new_string(texts->pdata[i]));
    add(object, key, list);
}

static void
describe_iommu(const ViommuHost *host, BaseJson *object, const HostIommu *iommu)
{
    g_autoptr(GPtrArray) notes = host_iommu_notes(host, iommu);
    BaseJson *fields = decoded(iommu);

    if (json_object_object_length(fields) > 0)
        add(object, "decoded", fields);
    else
        json_object_put(fields);
    add_texts(object, "notes", notes);
    add(object, "verdict", iommu_verdict(host, iommu));
}

/* --- groups --- */

static void
describe_group(const ViommuHost *host, BaseJson *object, const HostGroup *group)
{
    g_autoptr(GPtrArray) blockers = host_group_blockers(host, group);
    g_autoptr(GPtrArray) addresses = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) reasons = host_group_reasons(host, group);

    for (guint i = 0; i < blockers->len; i++)
        g_ptr_array_add(addresses,
                        base_pci_format(((const HostDevice *)blockers->pdata[i])->address));
    base_json_add_tri(object, "viable", host_group_viable(host, group, NULL, NULL));
    add_texts(object, "blocked_by", addresses);
    base_json_add_u64(object, "endpoints", host_group_endpoints(host, group));
    add_texts(object, "shared_because", reasons);
}

/* --- functions --- */

static const char *
mode_of(const HostAdvice *advice)
{
    switch (advice->ability) {
    case HOST_ABILITY_NESTED:
        return "nested";
    case HOST_ABILITY_SHADOW:
        return "shadow";
    case HOST_ABILITY_PLAIN:
    case HOST_ABILITY_NONE:
        return "none";
    case HOST_ABILITY_UNKNOWN:
        break;
    }
    return NULL;
}

static const char *
subject_of(const HostAdvice *advice)
{
    switch (advice->scope) {
    case HOST_SCOPE_GROUP:
        return "its group";
    case HOST_SCOPE_IOMMU:
        return "its IOMMU";
    case HOST_SCOPE_DEVICE:
        break;
    }
    return NULL; /* the function itself */
}

/* What the function or its group lacks no step on its IOMMU gives. */
static const char *
next_of(const ViommuHost *host, const HostDevice *device, const HostAdvice *advice)
{
    const HostIommu *iommu = host_facts_iommu(host, device->iommu.text);
    HostVerdict unit;

    if (advice->next_step)
        return advice->next_step;
    if (host->iommus_state == BASE_STATE_KNOWN && host->iommus->len == 0)
        return host_translation_step(host);
    if (!iommu || !advice->reason || advice->scope != HOST_SCOPE_IOMMU)
        return NULL;
    host_iommu_verdict(host, iommu, &unit);
    return unit.next;
}

static BaseJson *
device_verdict(const ViommuHost *host, const HostDevice *device)
{
    BaseJson *object = json_object_new_object();
    BaseJson *reasons = json_object_new_array();
    g_auto(HostAdvice) advice = {0};

    host_advise(host, device, &advice);
    base_json_add_string(object, "mode", mode_of(&advice));
    base_json_add_string(object, "next", next_of(host, device, &advice));
    if (advice.ability != HOST_ABILITY_UNKNOWN)
        add(object, "assignable", json_object_new_boolean(advice.ability != HOST_ABILITY_NONE));
    if (host_device_denied_as(device))
        add(object, "denylisted", json_object_new_boolean(TRUE));
    if (advice.pasid_bits > 0)
        add(object, "pasid_bits", json_object_new_uint64(advice.pasid_bits));
    if (advice.reason)
        add_reason(reasons, subject_of(&advice), advice.reason);
    add(object, "reasons", reasons);
    return object;
}

BaseJson *
host_json_describe(const ViommuHost *host)
{
    BaseJson *root = host_json_save(host);
    BaseJson *iommus = json_object_object_get(root, "iommus");
    BaseJson *groups = json_object_object_get(root, "groups");
    BaseJson *devices = json_object_object_get(root, "devices");

    for (guint i = 0; iommus && i < host->iommus->len; i++)
        describe_iommu(host, json_object_array_get_idx(iommus, i), host->iommus->pdata[i]);
    for (guint i = 0; groups && i < host->groups->len; i++)
        describe_group(host, json_object_array_get_idx(groups, i), host->groups->pdata[i]);
    for (guint i = 0; devices && i < host->devices->len; i++) {
        const HostDevice *device = host->devices->pdata[i];

        if (!host_device_is_bridge(device))
            add(json_object_array_get_idx(devices, i), "verdict", device_verdict(host, device));
    }
    return root;
}
