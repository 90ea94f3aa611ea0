/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-json-lists.h"

#include "host-json-keyed.h"
#include "host-names.h"

static gboolean
load_bar(const BasePlace *place, HostBar *ret, GError **error)
{
    BasePlace index_place = base_place_member(place, "index");
    BasePlace size_place = base_place_member(place, "size");
    BasePlace bits_place = base_place_member(place, "bits");
    BasePlace prefetch_place = base_place_member(place, "prefetch");
    BasePlace io_place = base_place_member(place, "io");
    BaseU64 index = {0}, size = {0}, bits = base_u64(32);

    *ret = (HostBar){0};
    if (!base_place_is_object(place, error) || !base_place_u64(&index_place, 6, &index, error) ||
        !base_place_u64(&size_place, G_MAXINT64, &size, error) ||
        !base_place_u64(&bits_place, 64, &bits, error) ||
        !base_place_bool(&prefetch_place, &ret->prefetch, error) ||
        !base_place_bool(&io_place, &ret->io, error))
        return FALSE;
    if (!base_u64_is_known(index) || !base_u64_is_known(size) ||
        (bits.value != 32 && bits.value != 64)) {
        base_place_error(place, error, "needs index, size, and bits of 32 or 64");
        return FALSE;
    }
    ret->index = (guint)index.value;
    ret->size = size.value;
    ret->bits = (guint)bits.value;
    return TRUE;
}

static gboolean
load_bars(const BasePlace *place, HostDevice *device, GError **error)
{
    BasePlace list = base_place_member(place, "bars");

    if (!host_json_list(&list, &device->bars_state, error))
        return FALSE;
    for (gsize i = 0; i < base_place_length(&list); i++) {
        BasePlace element = base_place_element(&list, i);
        HostBar bar;

        if (!load_bar(&element, &bar, error))
            return FALSE;
        g_array_append_val(device->bars, bar);
    }
    return TRUE;
}

static gboolean
load_acs(const BasePlace *object, const char *key, BaseState *state, guint *ret, GError **error)
{
    BasePlace list = base_place_member(object, key);

    if (!host_json_list(&list, state, error))
        return FALSE;
    for (gsize i = 0; i < base_place_length(&list); i++) {
        BasePlace element = base_place_element(&list, i);
        const char *text = NULL;

        if (!base_place_string(&element, &text, error))
            return FALSE;
        if (host_acs_parse(text) == 0) {
            base_place_error(&element, error, "must be one of sv, tb, rr, cr, uf, ec, dt");
            return FALSE;
        }
        *ret |= host_acs_parse(text);
    }
    return TRUE;
}

static gboolean
load_pcie_type(const BasePlace *object, HostPcieType *ret, GError **error)
{
    BasePlace place = base_place_member(object, "type");
    const char *text = NULL;

    *ret = HOST_PCIE_UNKNOWN;
    if (!base_place_string(&place, &text, error))
        return FALSE;
    if (text && !host_pcie_type_parse(text, ret)) {
        base_place_error(&place, error, "\"%s\" is no PCIe device or port type", text);
        return FALSE;
    }
    return TRUE;
}

static gboolean
load_pcie(const BasePlace *device, HostPcie *ret, GError **error)
{
    BasePlace place = base_place_member(device, "pcie");
    BasePlace extended = base_place_member(&place, "extended");
    BaseState cap_state = BASE_STATE_UNKNOWN;
    gboolean ignored = FALSE;

    if (!place.present)
        return TRUE;
    ret->state = place.value ? BASE_STATE_KNOWN : BASE_STATE_ABSENT;
    if (!place.value)
        return TRUE;
    if (!base_place_is_object(&place, error) || !load_pcie_type(&place, &ret->type, error) ||
        !host_fields_load(&place, host_fields_pcie, ret, error) ||
        !load_acs(&place, "acs", &ret->acs_state, &ret->acs_ctrl, error) ||
        !load_acs(&place, "acs_cap", &cap_state, &ret->acs_cap, error))
        return FALSE;
    if (cap_state == BASE_STATE_UNKNOWN)
        ret->acs_cap = ret->acs_ctrl;
    if (extended.value && !base_place_bool(&extended, &ignored, error))
        return FALSE;
    if (extended.present && !extended.value)
        ret->extended = BASE_STATE_ABSENT;
    else if (ret->ats != BASE_UNKNOWN || ret->pri != BASE_UNKNOWN || ret->pasid_bits.state ||
             ret->acs_state)
        ret->extended = BASE_STATE_KNOWN;
    return TRUE;
}

static gboolean
load_device(const BasePlace *place, ViommuHost *host, GHashTable *seen, GError **error)
{
    BasePlace address_place = base_place_member(place, "address");
    const char *text = NULL;
    BasePci address;
    HostDevice *device;

    if (!host_json_key(place, "address", seen, &text, error))
        return FALSE;
    if (!base_pci_parse(text, &address)) {
        base_place_error(&address_place, error, "must be an address such as 0000:01:00.0");
        return FALSE;
    }
    device = host_facts_add_device(host, address);
    return host_fields_load(place, host_fields_device, device, error) &&
           load_bars(place, device, error) && load_pcie(place, &device->pcie, error) &&
           host_json_load_keyed(place, &host_json_mdev, device, &device->mdev_state, error);
}

gboolean
host_json_load_devices(const BasePlace *root, ViommuHost *host, GError **error)
{
    BasePlace list = base_place_member(root, "devices");
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    if (!host_json_list(&list, &host->devices_state, error))
        return FALSE;
    for (gsize i = 0; i < base_place_length(&list); i++) {
        BasePlace place = base_place_element(&list, i);

        if (!load_device(&place, host, seen, error))
            return FALSE;
    }
    return TRUE;
}
