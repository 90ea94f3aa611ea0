/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-facts.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base-text.h"
#include "host-read.h"
#include "host-sys.h"

static void
clear_text(BaseText *text)
{
    g_clear_pointer(&text->text, g_free);
}

static void
iommu_free(gpointer data)
{
    HostIommu *iommu = data;

    g_free(iommu->name);
    g_free(iommu->type_text);
    g_free(iommu);
}

static void
group_free(gpointer data)
{
    HostGroup *group = data;

    clear_text(&group->type);
    clear_text(&group->name);
    g_array_unref(group->reserved);
    g_array_unref(group->devices);
    g_free(group);
}

static void
mdev_free(gpointer data)
{
    HostMdevType *type = data;

    g_free(type->name);
    clear_text(&type->label);
    clear_text(&type->api);
    g_free(type);
}

static void
entry_free(gpointer data)
{
    HostEntry *entry = data;

    g_free(entry->name);
    clear_text(&entry->text);
    g_free(entry);
}

static void
vdpa_free(gpointer data)
{
    HostVdpa *vdpa = data;

    g_free(vdpa->name);
    clear_text(&vdpa->parent);
    clear_text(&vdpa->driver);
    clear_text(&vdpa->node);
    g_free(vdpa);
}

static void
reservation_free(gpointer data)
{
    host_reservation_free(data);
}

static void
device_free(gpointer data)
{
    HostDevice *device = data;

    clear_text(&device->iommu);
    clear_text(&device->driver);
    clear_text(&device->vfio_dev);
    clear_text(&device->parent);
    clear_text(&device->vmd);
    clear_text(&device->physfn);
    clear_text(&device->net);
    clear_text(&device->reset_method);
    g_array_unref(device->bars);
    g_clear_pointer(&device->mdev_types, g_ptr_array_unref);
    g_free(device);
}

ViommuHost *
host_facts_new(void)
{
    ViommuHost *host = g_new0(ViommuHost, 1);

    host->refs = 1;
    host->iommus = g_ptr_array_new_with_free_func(iommu_free);
    host->groups = g_ptr_array_new_with_free_func(group_free);
    host->devices = g_ptr_array_new_with_free_func(device_free);
    host->vdpa = g_ptr_array_new_with_free_func(vdpa_free);
    host->hugepages = g_ptr_array_new_with_free_func(entry_free);
    host->pinned = g_ptr_array_new_with_free_func(entry_free);
    host->options = g_ptr_array_new_with_free_func(entry_free);
    host->qemu_devices = g_ptr_array_new_with_free_func(entry_free);
    host->reservations = g_ptr_array_new_with_free_func(reservation_free);
    host->reasons = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return host;
}

ViommuHost *
host_facts_none(void)
{
    ViommuHost *host = host_facts_new();

    host->origin = g_strdup("none");
    host->none = TRUE;
    host_facts_explain(host, "", "no host facts were given (--host FILE, or run on the host)");
    return host;
}

ViommuHost *
host_facts_ref(ViommuHost *host)
{
    g_atomic_int_inc(&host->refs);
    return host;
}

void
host_facts_unref(ViommuHost *host)
{
    if (!g_atomic_int_dec_and_test(&host->refs))
        return;
    g_free(host->origin);
    g_free(host->sysroot);
    g_free(host->warning);
    clear_text(&host->name);
    clear_text(&host->arch);
    clear_text(&host->kernel_release);
    clear_text(&host->kernel_cmdline);
    g_free(host->memlock.of);
    clear_text(&host->memlock.kind);
    clear_text(&host->memlock.unit_file);
    g_ptr_array_unref(host->iommus);
    g_ptr_array_unref(host->groups);
    g_ptr_array_unref(host->devices);
    g_ptr_array_unref(host->vdpa);
    g_ptr_array_unref(host->hugepages);
    g_ptr_array_unref(host->pinned);
    g_ptr_array_unref(host->options);
    g_ptr_array_unref(host->qemu_devices);
    g_ptr_array_unref(host->reservations);
    g_hash_table_unref(host->reasons);
    g_free(host);
}

HostIommu *
host_facts_add_iommu(ViommuHost *host, const char *name)
{
    HostIommu *iommu = g_new0(HostIommu, 1);

    iommu->name = g_strdup(name);
    g_ptr_array_add(host->iommus, iommu);
    return iommu;
}

HostGroup *
host_facts_add_group(ViommuHost *host, guint id)
{
    HostGroup *group = g_new0(HostGroup, 1);

    group->id = id;
    group->reserved = g_array_new(FALSE, FALSE, sizeof(HostRegion));
    group->devices = g_array_new(FALSE, FALSE, sizeof(BasePci));
    g_ptr_array_add(host->groups, group);
    return group;
}

HostDevice *
host_facts_add_device(ViommuHost *host, BasePci address)
{
    HostDevice *device = g_new0(HostDevice, 1);

    device->address = address;
    device->bars = g_array_new(FALSE, FALSE, sizeof(HostBar));
    g_ptr_array_add(host->devices, device);
    return device;
}

HostMdevType *
host_facts_add_mdev(HostDevice *device, const char *name)
{
    HostMdevType *type = g_new0(HostMdevType, 1);

    type->name = g_strdup(name);
    if (!device->mdev_types)
        device->mdev_types = g_ptr_array_new_with_free_func(mdev_free);
    g_ptr_array_add(device->mdev_types, type);
    return type;
}

HostEntry *
host_facts_add_entry(GPtrArray *list, const char *name)
{
    HostEntry *entry = g_new0(HostEntry, 1);

    entry->name = g_strdup(name);
    g_ptr_array_add(list, entry);
    return entry;
}

const HostEntry *
host_facts_entry(const GPtrArray *list, const char *name)
{
    for (guint i = 0; i < list->len; i++) {
        const HostEntry *entry = list->pdata[i];

        if (g_str_equal(entry->name, name))
            return entry;
    }
    return NULL;
}

HostVdpa *
host_facts_add_vdpa(ViommuHost *host, const char *name)
{
    HostVdpa *vdpa = g_new0(HostVdpa, 1);

    vdpa->name = g_strdup(name);
    g_ptr_array_add(host->vdpa, vdpa);
    return vdpa;
}

void
host_facts_set_kernel(ViommuHost *host)
{
    guint64 version;

    if (host->kernel_release.text && base_parse_version(host->kernel_release.text, &version))
        host->kernel = base_u64(version);
}

/* Look-up keys and list elements compare by these, so that sorting and searching agree. */
static gint
key_to_iommu(gconstpointer key, gconstpointer element)
{
    return strcmp(key, ((const HostIommu *)element)->name);
}

static gint
key_to_group(gconstpointer key, gconstpointer element)
{
    guint id = *(const guint *)key, other = ((const HostGroup *)element)->id;

    return (id > other) - (id < other);
}

static gint
key_to_device(gconstpointer key, gconstpointer element)
{
    return base_pci_compare(*(const BasePci *)key, ((const HostDevice *)element)->address);
}

static gint
compare_iommus(gconstpointer a, gconstpointer b)
{
    return key_to_iommu((*(const HostIommu *const *)a)->name, *(const HostIommu *const *)b);
}

static gint
compare_groups(gconstpointer a, gconstpointer b)
{
    return key_to_group(&(*(const HostGroup *const *)a)->id, *(const HostGroup *const *)b);
}

static gint
compare_devices(gconstpointer a, gconstpointer b)
{
    return key_to_device(&(*(const HostDevice *const *)a)->address, *(const HostDevice *const *)b);
}

static gint
compare_addresses(gconstpointer a, gconstpointer b)
{
    return base_pci_compare(*(const BasePci *)a, *(const BasePci *)b);
}

void
host_facts_sort(ViommuHost *host)
{
    g_ptr_array_sort(host->iommus, compare_iommus);
    g_ptr_array_sort(host->groups, compare_groups);
    g_ptr_array_sort(host->devices, compare_devices);
    for (guint i = 0; i < host->groups->len; i++)
        g_array_sort(((HostGroup *)host->groups->pdata[i])->devices, compare_addresses);
}

static gpointer
search(const GPtrArray *list, gconstpointer key, GCompareFunc compare)
{
    guint low = 0, high = list->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;
        gint order = compare(key, list->pdata[middle]);

        if (order == 0)
            return list->pdata[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const HostIommu *
host_facts_iommu(const ViommuHost *host, const char *name)
{
    return name ? search(host->iommus, name, key_to_iommu) : NULL;
}

const HostGroup *
host_facts_group(const ViommuHost *host, guint id)
{
    return search(host->groups, &id, key_to_group);
}

const HostDevice *
host_facts_device(const ViommuHost *host, BasePci address)
{
    return search(host->devices, &address, key_to_device);
}

void
host_facts_explain(ViommuHost *host, const char *path, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    /* names of files are in it */
    g_hash_table_insert(host->reasons, g_strdup(path), host_sys_clean(text));
}

void
host_facts_failed(ViommuHost *host, const char *path, const char *file, int failed)
{
    if (host_sys_denied(failed) && geteuid() == 0)
        host_facts_explain(
            host, path, "denied to root as well, by a container or a security module: /%s", file);
    else if (host_sys_denied(failed))
        host_facts_explain(host, path, "needs root: /%s", file);
    else if (failed == ENOENT || failed == ENOTDIR)
        host_facts_explain(host, path, "no such file: /%s", file);
    else if (failed == EBADMSG)
        host_facts_explain(host, path, "/%s does not hold what the kernel writes there", file);
    else
        host_facts_explain(host, path, "/%s: %s", file, g_strerror(failed));
}

const char *
host_facts_reason(const ViommuHost *host, const char *path)
{
    g_autofree char *prefix = g_strdup(path);

    for (;;) {
        const char *reason = g_hash_table_lookup(host->reasons, prefix);
        char *slash = strrchr(prefix, '/');

        if (reason || !*prefix)
            return reason;
        *(slash ? slash : prefix) = '\0';
    }
}
