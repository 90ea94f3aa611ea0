/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-read.h"

#include "host-json-keyed.h"
#include "host-names.h"

static void
add(BaseJson *object, const char *key, BaseJson *value)
{
    json_object_object_add(object, key, value);
}

/* An object that holds nothing is left out: all of it is unknown. */
static void
add_section(BaseJson *object, const char *key, BaseJson *section)
{
    if (json_object_object_length(section) > 0)
        add(object, key, section);
    else
        json_object_put(section);
}

static void
save_idr(BaseJson *object, const HostIommu *iommu)
{
    BaseJson *list = json_object_new_array();
    gboolean known = FALSE;

    for (gsize i = 0; i < G_N_ELEMENTS(iommu->idr); i++) {
        g_autofree char *text = g_strdup_printf("0x%x", (guint)iommu->idr[i].value);
        gboolean this_known = base_u64_is_known(iommu->idr[i]);

        known = known || this_known;
        json_object_array_add(list, this_known ? json_object_new_string(text) : NULL);
    }
    if (known)
        add(object, "idr", list);
    else
        json_object_put(list);
}

static void
save_cmdqv(BaseJson *object, const HostIommu *iommu)
{
    BaseJson *cmdqv = NULL;

    if (iommu->cmdqv == BASE_STATE_KNOWN) {
        cmdqv = json_object_new_object();
        base_json_add_u64(cmdqv, "version", base_u64(iommu->cmdqv_version));
        base_json_add_u64(cmdqv, "log2vcmdqs", base_u64(iommu->cmdqv_log2vcmdqs));
        base_json_add_u64(cmdqv, "log2vsids", base_u64(iommu->cmdqv_log2vsids));
    }
    if (iommu->cmdqv != BASE_STATE_UNKNOWN)
        add(object, "cmdqv", cmdqv);
}

static BaseJson *
save_iommu(gconstpointer item)
{
    const HostIommu *iommu = item;
    BaseJson *object = json_object_new_object();

    base_json_add_string(object, "name", iommu->name);
    base_json_add_string(object, "type",
                         iommu->type_text ? iommu->type_text : host_iommu_type_name(iommu->type));
    host_fields_save(object, host_fields_iommu, iommu);
    save_idr(object, iommu);
    save_cmdqv(object, iommu);
    return object;
}

static BaseJson *
save_reserved(const HostGroup *group)
{
    BaseJson *list = json_object_new_array();

    for (guint i = 0; i < group->reserved->len; i++) {
        const HostRegion *region = &g_array_index(group->reserved, HostRegion, i);
        BaseJson *object = json_object_new_object();

        base_json_add_hex(object, "start", base_u64(region->start));
        base_json_add_hex(object, "end", base_u64(region->end));
        base_json_add_string(object, "type", host_region_type_name(region->type));
        json_object_array_add(list, object);
    }
    return list;
}

static BaseJson *
save_members(const HostGroup *group)
{
    BaseJson *list = json_object_new_array();

    for (guint i = 0; i < group->devices->len; i++) {
        g_autofree char *text = base_pci_format(g_array_index(group->devices, BasePci, i));

        json_object_array_add(list, json_object_new_string(text));
    }
    return list;
}

static BaseJson *
save_group(gconstpointer item)
{
    const HostGroup *group = item;
    BaseJson *object = json_object_new_object();

    base_json_add_u64(object, "id", base_u64(group->id));
    host_fields_save(object, host_fields_group, group);
    if (group->reserved_state == BASE_STATE_KNOWN)
        add(object, "reserved", save_reserved(group));
    if (group->devices_state == BASE_STATE_KNOWN)
        add(object, "devices", save_members(group));
    if (group->other_members > 0)
        base_json_add_u64(object, "other_members", base_u64(group->other_members));
    return object;
}

static BaseJson *
save_bars(const HostDevice *device)
{
    BaseJson *list = json_object_new_array();

    for (guint i = 0; i < device->bars->len; i++) {
        const HostBar *bar = &g_array_index(device->bars, HostBar, i);
        BaseJson *object = json_object_new_object();

        base_json_add_u64(object, "index", base_u64(bar->index));
        base_json_add_u64(object, "size", base_u64(bar->size));
        base_json_add_u64(object, "bits", base_u64(bar->bits));
        base_json_add_tri(object, "prefetch", base_tri(bar->prefetch));
        if (bar->io)
            base_json_add_tri(object, "io", BASE_YES);
        json_object_array_add(list, object);
    }
    return list;
}

static BaseJson *
save_acs(guint flags)
{
    BaseJson *list = json_object_new_array();

    for (guint i = 0; i < HOST_ACS_FLAGS; i++) {
        if (flags & 1U << i)
            json_object_array_add(list, json_object_new_string(host_acs_name(i)));
    }
    return list;
}

static BaseJson *
save_pcie(const HostPcie *pcie)
{
    BaseJson *object = json_object_new_object();

    base_json_add_string(object, "type", host_pcie_type_name(pcie->type));
    host_fields_save(object, host_fields_pcie, pcie);
    if (pcie->extended == BASE_STATE_ABSENT)
        add(object, "extended", NULL);
    if (pcie->acs_state == BASE_STATE_ABSENT)
        add(object, "acs", NULL);
    if (pcie->acs_state != BASE_STATE_KNOWN)
        return object;
    add(object, "acs", save_acs(pcie->acs_ctrl));
    if (pcie->acs_cap != pcie->acs_ctrl)
        add(object, "acs_cap", save_acs(pcie->acs_cap));
    return object;
}

static BaseJson *
save_device(gconstpointer item)
{
    const HostDevice *device = item;
    g_autofree char *address = base_pci_format(device->address);
    BaseJson *object = json_object_new_object();

    base_json_add_string(object, "address", address);
    host_fields_save(object, host_fields_device, device);
    if (device->bars_state == BASE_STATE_KNOWN)
        add(object, "bars", save_bars(device));
    if (device->pcie.state == BASE_STATE_ABSENT)
        add(object, "pcie", NULL);
    else if (device->pcie.state == BASE_STATE_KNOWN)
        add(object, "pcie", save_pcie(&device->pcie));
    host_json_save_keyed(object, &host_json_mdev, device->mdev_state, device->mdev_types);
    return object;
}

static void
save_list(BaseJson *root, const char *key, BaseState state, const GPtrArray *items,
          BaseJson *(*save)(gconstpointer item))
{
    BaseJson *list = NULL;

    if (state == BASE_STATE_UNKNOWN)
        return;
    if (state == BASE_STATE_KNOWN)
        list = json_object_new_array();
    for (guint i = 0; list && i < items->len; i++)
        json_object_array_add(list, save(items->pdata[i]));
    add(root, key, list);
}

static void
save_section(BaseJson *root, const char *key, const HostField *fields, const ViommuHost *host)
{
    BaseJson *section = json_object_new_object();

    host_fields_save(section, fields, host);
    add_section(root, key, section);
}

static void
save_memlock(BaseJson *root, const HostMemlock *memlock)
{
    BaseJson *limits = json_object_new_object();
    BaseJson *object = json_object_new_object();

    base_json_add_string(object, "of", memlock->of);
    host_fields_save(object, host_fields_memlock, memlock);
    add_section(limits, "memlock", object);
    add_section(root, "limits", limits);
}

static void
save_unknown(BaseJson *root, const ViommuHost *host)
{
    BaseJson *unknown = json_object_new_object();
    GHashTableIter iter;
    gpointer path, reason;

    g_hash_table_iter_init(&iter, host->reasons);
    while (g_hash_table_iter_next(&iter, &path, &reason))
        base_json_add_string(unknown, path, reason);
    add_section(root, "unknown", unknown);
}

BaseJson *
host_json_save(const ViommuHost *host)
{
    BaseJson *root = json_object_new_object();

    add(root, "host", json_object_new_int(1));
    host_fields_save(root, host_fields_root, host);
    save_section(root, "kernel", host_fields_kernel, host);
    save_section(root, "versions", host_fields_versions, host);
    save_section(root, "vfio", host_fields_vfio, host);
    save_memlock(root, &host->memlock);
    save_list(root, "iommus", host->iommus_state, host->iommus, save_iommu);
    save_list(root, "groups", host->groups_state, host->groups, save_group);
    save_list(root, "devices", host->devices_state, host->devices, save_device);
    host_json_save_keyed(root, &host_json_vdpa, host->vdpa_state, host->vdpa);
    host_json_save_keyed(root, &host_json_hugepages, host->hugepages_state, host->hugepages);
    host_json_save_keyed(root, &host_json_pinned, host->pinned_state, host->pinned);
    host_json_save_keyed(root, &host_json_options, host->options_state, host->options);
    host_json_save_keyed(root, &host_json_qemu, host->qemu_devices_state, host->qemu_devices);
    save_unknown(root, host);
    return root;
}
