/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a probe found, kept for this boot: a host-1 document with the probed members only. */
#include "host-probe.h"

#include "base-file.h"
#include "host-read.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#define PROBED_FILE  "probed.json"
#define PROBED_LIMIT ((gsize)4 * 1024 * 1024)

char *
host_boot_id(const char *root)
{
    g_autofree char *path = NULL;
    char *text = NULL;

    if (!root)
        return NULL;
    path = g_build_filename(root, "proc/sys/kernel/random/boot_id", NULL);
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return NULL;
    return g_strstrip(text);
}

/* Takes over what @from knows and @to does not. */
static void
fill_u64(BaseU64 *to, BaseU64 from)
{
    if (to->state == BASE_STATE_UNKNOWN)
        *to = from;
}

static void
fill_tri(BaseTri *to, BaseTri from)
{
    if (*to == BASE_UNKNOWN)
        *to = from;
}

static void
fill_iommu(HostIommu *to, const HostIommu *from)
{
    fill_u64(&to->cap, from->cap);
    fill_u64(&to->ecap, from->ecap);
    fill_u64(&to->efr, from->efr);
    fill_u64(&to->efr2, from->efr2);
    for (gsize i = 0; i < G_N_ELEMENTS(to->idr); i++)
        fill_u64(&to->idr[i], from->idr[i]);
    fill_u64(&to->iidr, from->iidr);
    fill_u64(&to->aidr, from->aidr);
    fill_tri(&to->nest_parent, from->nest_parent);
    fill_tri(&to->dirty_tracking, from->dirty_tracking);
    fill_tri(&to->viommu_alloc, from->viommu_alloc);
    fill_u64(&to->aperture_bits, from->aperture_bits);
    if (to->cmdqv == BASE_STATE_UNKNOWN) {
        to->cmdqv = from->cmdqv;
        to->cmdqv_version = from->cmdqv_version;
        to->cmdqv_log2vcmdqs = from->cmdqv_log2vcmdqs;
        to->cmdqv_log2vsids = from->cmdqv_log2vsids;
    }
}

/* (transfer full): @host's probed members alone */
static ViommuHost *
probed_only(const ViommuHost *host)
{
    ViommuHost *probed = host_facts_new();

    probed->iommus_state = probed->devices_state = BASE_STATE_KNOWN;
    for (guint i = 0; i < host->iommus->len; i++) {
        const HostIommu *unit = host->iommus->pdata[i];
        HostIommu *copy = host_facts_add_iommu(probed, unit->name);

        copy->type = unit->type;
        copy->type_text = g_strdup(unit->type_text);
        fill_iommu(copy, unit);
    }
    for (guint i = 0; i < host->devices->len; i++) {
        const HostDevice *device = host->devices->pdata[i];
        HostDevice *copy;

        if (!base_u64_is_known(device->max_pasid_log2))
            continue;
        copy = host_facts_add_device(probed, device->address);
        copy->max_pasid_log2 = device->max_pasid_log2;
        copy->hw_capabilities = device->hw_capabilities;
    }
    host_facts_sort(probed);
    return probed;
}

gboolean
host_probe_save(const ViommuHost *host, const char *directory, GError **error)
{
    g_autoptr(ViommuHost) probed = probed_only(host);
    g_autoptr(BaseJson) document = host_json_save(probed);
    g_autofree char *boot = host_boot_id(host->sysroot);
    g_autofree char *path = g_build_filename(directory, PROBED_FILE, NULL);
    g_autofree char *text = NULL;

    if (!boot) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO, "%s: the boot's id cannot be read",
                    host->origin);
        return FALSE;
    }
    if (g_mkdir_with_parents(directory, 0755) != 0) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO, "%s: cannot make it: %s", directory,
                    g_strerror(errno));
        return FALSE;
    }
    base_json_add_string(document, "boot_id", boot);
    text = base_json_to_text(document);
    return base_file_replace(path, text, strlen(text), error);
}

static void
overlay(ViommuHost *host, const ViommuHost *probed)
{
    for (guint i = 0; i < probed->iommus->len; i++) {
        const HostIommu *from = probed->iommus->pdata[i];
        HostIommu *to = (HostIommu *)host_facts_iommu(host, from->name);

        if (to && to->type == from->type)
            fill_iommu(to, from);
    }
    for (guint i = 0; i < probed->devices->len; i++) {
        const HostDevice *from = probed->devices->pdata[i];
        HostDevice *to = (HostDevice *)host_facts_device(host, from->address);

        if (!to)
            continue;
        fill_u64(&to->max_pasid_log2, from->max_pasid_log2);
        fill_u64(&to->hw_capabilities, from->hw_capabilities);
    }
}

gboolean
host_probe_overlay(ViommuHost *host, const char *directory, GError **error)
{
    g_autofree char *path = g_build_filename(directory, PROBED_FILE, NULL);
    g_autofree char *boot = host_boot_id(host->sysroot);
    g_autoptr(BaseJson) document = NULL;
    g_autoptr(ViommuHost) probed = NULL;
    BasePlace root, member;
    const char *of = NULL;

    if (!boot || !g_file_test(path, G_FILE_TEST_EXISTS))
        return TRUE;
    document = base_json_load_plain(path, PROBED_LIMIT, error);
    if (!document)
        return FALSE;
    root = base_place_root(document, path);
    member = base_place_member(&root, "boot_id");
    if (!base_place_is_object(&root, error) || !base_place_string(&member, &of, error))
        return FALSE;
    if (g_strcmp0(of, boot) != 0)
        return TRUE; /* of another boot: groups, binding and firmware may have changed */
    probed = host_json_parse(document, path, error);
    if (!probed)
        return FALSE;
    overlay(host, probed);
    return TRUE;
}
