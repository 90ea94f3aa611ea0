/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-read.h"

#include "base-file.h"
#include "host-json-keyed.h"

#define HOST_JSON_VERSION 1

/* A device must name an IOMMU and a group that the document lists, and group and device must
 * agree: a slip in a hand-written document would otherwise turn into a wrong verdict. */
static gboolean
check_device(const BasePlace *place, const ViommuHost *host, GHashTable *members,
             const HostDevice *device, GError **error)
{
    g_autofree char *address = base_pci_format(device->address);
    guint listed = GPOINTER_TO_UINT(g_hash_table_lookup(members, address));
    const HostGroup *group = NULL;

    if (device->iommu.text && host->iommus_state && !host_facts_iommu(host, device->iommu.text)) {
        base_place_error(place, error, "%s names IOMMU \"%s\", which is not listed", address,
                         device->iommu.text);
        return FALSE;
    }
    if (base_u64_is_known(device->group))
        group = host_facts_group(host, (guint)device->group.value);
    if (base_u64_is_known(device->group) && host->groups_state && !group) {
        base_place_error(place, error, "%s names group %u, which is not listed", address,
                         (guint)device->group.value);
        return FALSE;
    }
    if (device->group.state == BASE_STATE_UNKNOWN || (group && !group->devices_state && !listed))
        return TRUE;
    if (listed != (group ? group->id + 1 : 0)) {
        base_place_error(place, error, "%s and the lists of the groups disagree on its group",
                         address);
        return FALSE;
    }
    return TRUE;
}

static gboolean
load_lists(const BasePlace *root, ViommuHost *host, GError **error)
{
    BasePlace devices = base_place_member(root, "devices");
    g_autoptr(GHashTable) members = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    if (!host_json_load_iommus(root, host, error) ||
        !host_json_load_groups(root, host, members, error) ||
        !host_json_load_devices(root, host, error))
        return FALSE;
    host_facts_sort(host);
    for (guint i = 0; i < host->devices->len; i++) {
        if (!check_device(&devices, host, members, host->devices->pdata[i], error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
load_memlock(const BasePlace *root, HostMemlock *ret, GError **error)
{
    BasePlace limits = base_place_member(root, "limits");
    BasePlace memlock = base_place_member(&limits, "memlock");
    BasePlace of_place = base_place_member(&memlock, "of");
    const char *of = NULL;

    if (!limits.present)
        return TRUE;
    if (!base_place_is_object(&limits, error))
        return FALSE;
    if (!memlock.present)
        return TRUE;
    if (!base_place_is_object(&memlock, error) || !host_fields_string(&of_place, &of, error))
        return FALSE;
    ret->of = g_strdup(of);
    return host_fields_load(&memlock, host_fields_memlock, ret, error);
}

static gboolean
load_section(const BasePlace *root, const char *key, const HostField *fields, ViommuHost *host,
             GError **error)
{
    BasePlace section = base_place_member(root, key);

    return !section.present || (base_place_is_object(&section, error) &&
                                host_fields_load(&section, fields, host, error));
}

static gboolean
is_path(const char *text)
{
    for (; *text; text++) {
        if (!g_ascii_isprint(*text))
            return FALSE;
    }
    return TRUE;
}

static gboolean
load_unknown(const BasePlace *root, ViommuHost *host, GError **error)
{
    BasePlace unknown = base_place_member(root, "unknown");
    g_autoptr(GPtrArray) keys = NULL;

    if (!unknown.present)
        return TRUE;
    if (!base_place_is_object(&unknown, error))
        return FALSE;
    keys = base_json_members(unknown.value);
    for (guint i = 0; i < keys->len; i++) {
        BasePlace place = base_place_member(&unknown, keys->pdata[i]);
        const char *reason = NULL;

        if (!host_fields_string(&place, &reason, error))
            return FALSE;
        if (!is_path(keys->pdata[i])) {
            base_place_error(&unknown, error, "a path of a fact must be printable ASCII");
            return FALSE;
        }
        host_facts_explain(host, keys->pdata[i], "%s", reason);
    }
    return TRUE;
}

static gboolean
check_version(const BasePlace *root, GError **error)
{
    BasePlace place = base_place_member(root, "host");
    BaseU64 version = {0};

    if (!base_place_is_object(root, error) || !base_place_u64(&place, G_MAXUINT32, &version, error))
        return FALSE;
    if (!base_u64_is_known(version)) {
        base_place_error(&place, error, "not a host facts document: it starts with \"host\": 1");
        return FALSE;
    }
    if (version.value != HOST_JSON_VERSION) {
        base_place_error(&place, error,
                         "version %" G_GUINT64_FORMAT " of the format; this program reads %d",
                         version.value, HOST_JSON_VERSION);
        return FALSE;
    }
    return TRUE;
}

ViommuHost *
host_json_parse(BaseJson *value, const char *name, GError **error)
{
    BasePlace root = base_place_root(value, name);
    g_autoptr(ViommuHost) host = host_facts_new();

    host->origin = g_strdup(name);
    if (!check_version(&root, error) || !host_fields_load(&root, host_fields_root, host, error) ||
        !load_section(&root, "kernel", host_fields_kernel, host, error) ||
        !load_section(&root, "versions", host_fields_versions, host, error) ||
        !load_section(&root, "vfio", host_fields_vfio, host, error) ||
        !load_memlock(&root, &host->memlock, error) || !load_unknown(&root, host, error) ||
        !load_lists(&root, host, error) ||
        !host_json_load_keyed(&root, &host_json_vdpa, host, &host->vdpa_state, error) ||
        !host_json_load_keyed(&root, &host_json_hugepages, host, &host->hugepages_state, error) ||
        !host_json_load_keyed(&root, &host_json_pinned, host, &host->pinned_state, error) ||
        !host_json_load_keyed(&root, &host_json_options, host, &host->options_state, error) ||
        !host_json_load_keyed(&root, &host_json_qemu, host, &host->qemu_devices_state, error))
        return NULL;
    host_facts_set_kernel(host);
    return g_steal_pointer(&host);
}

ViommuHost *
host_json_load(const char *path, GError **error)
{
    g_autoptr(BaseJson) value = base_json_load(path, BASE_FILE_LIMIT, error);

    return value ? host_json_parse(value, path, error) : NULL;
}
