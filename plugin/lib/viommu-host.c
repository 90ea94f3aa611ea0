/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <viommu/viommu-host.h>
#include <viommu/viommu-probe.h>

#include "host-probe.h"
#include "host-read.h"
#include "lib.h"

static HostReadFlags
read_flags(ViommuHostFlags flags)
{
    return flags & VIOMMU_HOST_READ_CONFIG ? HOST_READ_CONFIG : HOST_READ_DEFAULT;
}

const char *
lib_run_directory(void)
{
    const char *directory = g_getenv("VIRT_VIOMMU_RUNDIR");

    return directory && *directory ? directory : VIOMMU_RUNDIR;
}

/* Spoilt notes of an earlier probe cost facts, not the run. */
static void
add_probed(ViommuHost *host)
{
    g_autoptr(GError) stale = NULL;

    if (!host_probe_overlay(host, lib_run_directory(), &stale))
        host->warning = g_strdup(stale->message);
}

ViommuHost *
viommu_host_new_live(ViommuHostFlags flags, GError **error)
{
    g_autoptr(ViommuHost) host = NULL;

    g_return_val_if_fail(!error || !*error, NULL);

    host = host_read_tree("/", read_flags(flags), error);
    if (host) {
        add_probed(host);
        lib_add_reservations(host);
    }
    return g_steal_pointer(&host);
}

ViommuHost *
viommu_host_new_for_domain(const char *directory, const ViommuDomain *domain, GError **error)
{
    g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(BasePci));
    g_autoptr(ViommuHost) host = NULL;

    g_return_val_if_fail(domain, NULL);
    g_return_val_if_fail(!error || !*error, NULL);

    for (guint i = 0; i < domain->hostdevs->len; i++) {
        const ModelHostdev *hostdev = g_ptr_array_index(domain->hostdevs, i);

        if (hostdev->host_known)
            g_array_append_val(addresses, hostdev->host);
    }
    host = host_read_named(directory ? directory : "/", addresses, error);
    if (host && !directory)
        add_probed(host);
    return g_steal_pointer(&host);
}

const char *
viommu_host_get_warning(const ViommuHost *host)
{
    g_return_val_if_fail(host, NULL);

    return host->warning;
}

gboolean
viommu_host_can_probe(const ViommuHost *host, GError **error)
{
    g_return_val_if_fail(host, FALSE);
    g_return_val_if_fail(!error || !*error, FALSE);

    return host_probe_allowed(host, error);
}

char **
viommu_host_list_probe_needs(const ViommuHost *host)
{
    g_return_val_if_fail(host, NULL);

    return host_probe_needs(host);
}

char **
viommu_host_list_idle(const ViommuHost *host)
{
    g_autoptr(GPtrArray) candidates = NULL;
    g_autoptr(GStrvBuilder) addresses = g_strv_builder_new();

    g_return_val_if_fail(host, NULL);

    candidates = host_probe_candidates(host);
    for (guint i = 0; i < candidates->len; i++) {
        const HostDevice *device = g_ptr_array_index(candidates, i);
        g_autofree char *address = base_pci_format(device->address);

        g_strv_builder_add(addresses, address);
    }
    return g_strv_builder_end(addresses);
}

gboolean
viommu_host_probe(ViommuHost *host, const char *const *named, GError **error)
{
    g_return_val_if_fail(host, FALSE);
    g_return_val_if_fail(named, FALSE);
    g_return_val_if_fail(!error || !*error, FALSE);

    return host_probe(host, named, error) && host_probe_save(host, lib_run_directory(), error);
}

ViommuHost *
viommu_host_new_from_sysroot(const char *directory, ViommuHostFlags flags, GError **error)
{
    g_return_val_if_fail(directory, NULL);
    g_return_val_if_fail(!error || !*error, NULL);

    return host_read_tree(directory, read_flags(flags), error);
}

ViommuHost *
viommu_host_new_from_file(const char *path, GError **error)
{
    g_return_val_if_fail(path, NULL);
    g_return_val_if_fail(!error || !*error, NULL);

    return host_json_load(path, error);
}

ViommuHost *
viommu_host_new_none(void)
{
    return host_facts_none();
}

ViommuHost *
viommu_host_ref(ViommuHost *host)
{
    g_return_val_if_fail(host, NULL);

    return host_facts_ref(host);
}

void
viommu_host_unref(ViommuHost *host)
{
    if (host)
        host_facts_unref(host);
}

gboolean
viommu_host_ask_qemu(ViommuHost *host, const char *program, GError **error)
{
    g_return_val_if_fail(host, FALSE);
    g_return_val_if_fail(program, FALSE);
    g_return_val_if_fail(!error || !*error, FALSE);

    return host_ask_qemu(host, program, error);
}

gboolean
viommu_host_has_iommu(const ViommuHost *host)
{
    g_return_val_if_fail(host, FALSE);

    return host->iommus->len > 0;
}

char *
viommu_host_to_json(const ViommuHost *host)
{
    g_autoptr(BaseJson) document = NULL;

    g_return_val_if_fail(host, NULL);

    document = host_json_save(host);
    return base_json_to_text(document);
}

char *
viommu_host_describe(const ViommuHost *host)
{
    g_autoptr(BaseJson) document = NULL;

    g_return_val_if_fail(host, NULL);

    document = host_json_describe(host);
    return base_json_to_text(document);
}

char *
viommu_host_render(const ViommuHost *host, ViommuRenderFlags flags, guint width)
{
    const WriteHostView view = {.style = lib_style(flags, width)};
    g_autoptr(GString) out = g_string_new(NULL);

    g_return_val_if_fail(host, NULL);

    write_host_text(host, &view, out);
    return g_string_free(g_steal_pointer(&out), FALSE);
}

void
lib_read_named(ViommuHost *host, const ViommuDomain *domain)
{
    for (guint i = 0; i < domain->hostdevs->len; i++) {
        const ModelHostdev *hostdev = g_ptr_array_index(domain->hostdevs, i);

        if (hostdev->host_known)
            host_read_config(host, hostdev->host);
    }
}
