/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-json-lists.h"

#include "host-fields.h"
#include "host-names.h"

gboolean
host_json_key(const BasePlace *object, const char *key, GHashTable *seen, const char **ret,
              GError **error)
{
    BasePlace place = base_place_member(object, key);

    if (!base_place_is_object(object, error) || !host_fields_string(&place, ret, error))
        return FALSE;
    if (!*ret || !**ret) {
        base_place_error(&place, error, "a string must be here");
        return FALSE;
    }
    if (!g_hash_table_add(seen, g_strdup(*ret))) {
        base_place_error(&place, error, "\"%s\" is listed twice", *ret);
        return FALSE;
    }
    return TRUE;
}

gboolean
host_json_list(const BasePlace *list, BaseState *state, GError **error)
{
    if (!list->present)
        return TRUE;
    *state = list->value ? BASE_STATE_KNOWN : BASE_STATE_ABSENT;
    return !list->value || base_place_is_array(list, error);
}

static gboolean
load_idr(const BasePlace *object, HostIommu *iommu, GError **error)
{
    BasePlace list = base_place_member(object, "idr");

    if (!list.present)
        return TRUE;
    if (!base_place_is_array(&list, error))
        return FALSE;
    if (base_place_length(&list) != G_N_ELEMENTS(iommu->idr)) {
        base_place_error(&list, error, "must hold the six registers IDR0 to IDR5");
        return FALSE;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(iommu->idr); i++) {
        BasePlace place = base_place_element(&list, i);

        if (place.value && !base_place_hex(&place, G_MAXUINT32, &iommu->idr[i], error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
load_cmdqv(const BasePlace *object, HostIommu *iommu, GError **error)
{
    BasePlace cmdqv = base_place_member(object, "cmdqv");
    const struct {
        const char *key;
        guint8 *target;
    } numbers[] = {{"version", &iommu->cmdqv_version},
                   {"log2vcmdqs", &iommu->cmdqv_log2vcmdqs},
                   {"log2vsids", &iommu->cmdqv_log2vsids}};

    if (!cmdqv.present)
        return TRUE;
    iommu->cmdqv = cmdqv.value ? BASE_STATE_KNOWN : BASE_STATE_ABSENT;
    if (!cmdqv.value)
        return TRUE;
    if (!base_place_is_object(&cmdqv, error))
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
        BasePlace place = base_place_member(&cmdqv, numbers[i].key);
        BaseU64 value = {0};

        if (!base_place_u64(&place, G_MAXUINT8, &value, error))
            return FALSE;
        if (!base_u64_is_known(value)) {
            base_place_error(&place, error, "a number must be here");
            return FALSE;
        }
        *numbers[i].target = (guint8)value.value;
    }
    return TRUE;
}

static gboolean
load_iommu(const BasePlace *place, ViommuHost *host, GHashTable *seen, GError **error)
{
    const char *name = NULL, *type = NULL;
    BasePlace type_place = base_place_member(place, "type");
    HostIommu *iommu;

    if (!host_json_key(place, "name", seen, &name, error))
        return FALSE;
    iommu = host_facts_add_iommu(host, name);
    if (!host_fields_string(&type_place, &type, error))
        return FALSE;
    iommu->type_text = g_strdup(type);
    iommu->type = type ? host_iommu_type_parse(type) : HOST_IOMMU_UNKNOWN;
    return host_fields_load(place, host_fields_iommu, iommu, error) &&
           load_idr(place, iommu, error) && load_cmdqv(place, iommu, error);
}

gboolean
host_json_load_iommus(const BasePlace *root, ViommuHost *host, GError **error)
{
    BasePlace list = base_place_member(root, "iommus");
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    if (!host_json_list(&list, &host->iommus_state, error))
        return FALSE;
    for (gsize i = 0; i < base_place_length(&list); i++) {
        BasePlace place = base_place_element(&list, i);

        if (!load_iommu(&place, host, seen, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
load_region(const BasePlace *place, HostRegion *ret, GError **error)
{
    BasePlace start_place = base_place_member(place, "start");
    BasePlace end_place = base_place_member(place, "end");
    BasePlace type_place = base_place_member(place, "type");
    BaseU64 start = {0}, end = {0};
    const char *type = NULL;

    if (!base_place_is_object(place, error) ||
        !base_place_hex(&start_place, G_MAXUINT64, &start, error) ||
        !base_place_hex(&end_place, G_MAXUINT64, &end, error) ||
        !host_fields_string(&type_place, &type, error))
        return FALSE;
    if (!base_u64_is_known(start) || !base_u64_is_known(end) || !type || start.value > end.value) {
        base_place_error(place, error, "needs start, end (not below start) and type");
        return FALSE;
    }
    *ret = (HostRegion){start.value, end.value, host_region_type_parse(type)};
    return TRUE;
}

static gboolean
load_reserved(const BasePlace *place, HostGroup *group, GError **error)
{
    BasePlace list = base_place_member(place, "reserved");

    if (!host_json_list(&list, &group->reserved_state, error))
        return FALSE;
    for (gsize i = 0; i < base_place_length(&list); i++) {
        BasePlace element = base_place_element(&list, i);
        HostRegion region;

        if (!load_region(&element, &region, error))
            return FALSE;
        g_array_append_val(group->reserved, region);
    }
    return TRUE;
}

/* @members: every address that some group lists */
static gboolean
load_members(const BasePlace *place, HostGroup *group, GHashTable *members, GError **error)
{
    BasePlace list = base_place_member(place, "devices");

    if (!host_json_list(&list, &group->devices_state, error))
        return FALSE;
    for (gsize i = 0; i < base_place_length(&list); i++) {
        BasePlace element = base_place_element(&list, i);
        const char *text = NULL;
        BasePci address;

        if (!base_place_string(&element, &text, error))
            return FALSE;
        if (!base_pci_parse(text, &address)) {
            base_place_error(&element, error, "must be an address such as 0000:01:00.0");
            return FALSE;
        }
        if (!g_hash_table_insert(members, base_pci_format(address),
                                 GUINT_TO_POINTER(group->id + 1))) {
            base_place_error(&element, error, "%s is in a group already", text);
            return FALSE;
        }
        g_array_append_val(group->devices, address);
    }
    return TRUE;
}

static gboolean
load_group(const BasePlace *place, ViommuHost *host, GHashTable *seen, GHashTable *members,
           GError **error)
{
    BasePlace id_place = base_place_member(place, "id");
    BasePlace others_place = base_place_member(place, "other_members");
    BaseU64 id = {0}, others = {0};
    HostGroup *group;

    if (!base_place_is_object(place, error) ||
        !base_place_u64(&id_place, G_MAXUINT32, &id, error) ||
        !base_place_u64(&others_place, G_MAXUINT16, &others, error))
        return FALSE;
    if (!base_u64_is_known(id)) {
        base_place_error(&id_place, error, "a number must be here");
        return FALSE;
    }
    if (!g_hash_table_add(seen, g_strdup_printf("%" G_GUINT64_FORMAT, id.value))) {
        base_place_error(&id_place, error, "group %" G_GUINT64_FORMAT " is listed twice", id.value);
        return FALSE;
    }
    group = host_facts_add_group(host, (guint)id.value);
    group->other_members = (guint)others.value;
    return host_fields_load(place, host_fields_group, group, error) &&
           load_reserved(place, group, error) && load_members(place, group, members, error);
}

gboolean
host_json_load_groups(const BasePlace *root, ViommuHost *host, GHashTable *members, GError **error)
{
    BasePlace list = base_place_member(root, "groups");
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    if (!host_json_list(&list, &host->groups_state, error))
        return FALSE;
    for (gsize i = 0; i < base_place_length(&list); i++) {
        BasePlace place = base_place_element(&list, i);

        if (!load_group(&place, host, seen, members, error))
            return FALSE;
    }
    return TRUE;
}
