/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of objects that one of their members names, and that are plain otherwise. */
#include "host-json-keyed.h"

static gpointer
add_mdev(gpointer owner, const char *name)
{
    return host_facts_add_mdev(owner, name);
}

static gpointer
add_vdpa(gpointer owner, const char *name)
{
    return host_facts_add_vdpa(owner, name);
}

static gpointer
add_hugepages(gpointer owner, const char *name)
{
    return host_facts_add_entry(((ViommuHost *)owner)->hugepages, name);
}

static gpointer
add_pinned(gpointer owner, const char *name)
{
    return host_facts_add_entry(((ViommuHost *)owner)->pinned, name);
}

static gpointer
add_option(gpointer owner, const char *name)
{
    return host_facts_add_entry(((ViommuHost *)owner)->options, name);
}

static gpointer
add_qemu_device(gpointer owner, const char *name)
{
    return host_facts_add_entry(((ViommuHost *)owner)->qemu_devices, name);
}

const HostJsonKeyed host_json_hugepages = {"hugepages", "size", host_fields_hugepages,
                                           add_hugepages};
const HostJsonKeyed host_json_pinned = {"pinned", "uid", host_fields_pinned, add_pinned};
const HostJsonKeyed host_json_options = {"kernel_options", "name", host_fields_option, add_option};
const HostJsonKeyed host_json_qemu = {"qemu_devices", "name", host_fields_qemu_device,
                                      add_qemu_device};
const HostJsonKeyed host_json_mdev = {"mdev_types", "type", host_fields_mdev, add_mdev};
const HostJsonKeyed host_json_vdpa = {"vdpa", "name", host_fields_vdpa, add_vdpa};

gboolean
host_json_load_keyed(const BasePlace *object, const HostJsonKeyed *list, gpointer owner,
                     BaseState *state, GError **error)
{
    BasePlace place = base_place_member(object, list->member);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    if (!host_json_list(&place, state, error))
        return FALSE;
    for (gsize i = 0; i < base_place_length(&place); i++) {
        BasePlace element = base_place_element(&place, i);
        const char *name = NULL;

        if (!host_json_key(&element, list->key, seen, &name, error) ||
            !host_fields_load(&element, list->fields, list->add(owner, name), error))
            return FALSE;
    }
    return TRUE;
}

void
host_json_save_keyed(BaseJson *object, const HostJsonKeyed *list, BaseState state,
                     const GPtrArray *items)
{
    BaseJson *array = NULL;

    if (state == BASE_STATE_UNKNOWN)
        return;
    if (state == BASE_STATE_KNOWN)
        array = json_object_new_array();
    for (guint i = 0; array && items && i < items->len; i++) {
        BaseJson *element = json_object_new_object();

        base_json_add_string(element, list->key, *(char *const *)items->pdata[i]);
        host_fields_save(element, list->fields, items->pdata[i]);
        json_object_array_add(array, element);
    }
    json_object_object_add(object, list->member, array);
}
