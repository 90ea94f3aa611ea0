/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <viommu/viommu-host.h>

#include "base-text.h"
#include "host-isolation.h"
#include "host-read.h"
#include "lib.h"

#define DEPTH 32 /* bridges above each other */

/* Config space of a function, of those in its slot, and of the bridges above: what tells with whom
 * it is isolated, and no more. */
static void
read_path(ViommuHost *host, const HostDevice *device)
{
    BasePci own = device->address;

    for (guint i = 0; i < host->devices->len; i++) {
        BasePci other = ((const HostDevice *)host->devices->pdata[i])->address;

        if (other.domain == own.domain && other.bus == own.bus && other.slot == own.slot)
            host_read_config(host, other);
    }
    device = host_device_parent(host, device);
    for (guint depth = 0; device && depth < DEPTH; depth++) {
        host_read_config(host, device->address);
        device = host_device_parent(host, device);
    }
}

static void
read_group(ViommuHost *host, const HostGroup *group)
{
    for (guint i = 0; i < group->devices->len; i++) {
        const HostDevice *member =
            host_facts_device(host, g_array_index(group->devices, BasePci, i));

        if (member)
            read_path(host, member);
    }
}

/* The same for all of its group */
static void
read_around(ViommuHost *host, const HostDevice *device)
{
    const HostGroup *group = NULL;

    if (base_u64_is_known(device->group))
        group = host_facts_group(host, (guint)device->group.value);
    read_path(host, device);
    if (group)
        read_group(host, group);
}

static gboolean
find_functions(ViommuHost *host, const char *const *names, GArray *ret, GError **error)
{
    const char *reason = host_facts_reason(host, "devices");

    for (; *names; names++) {
        BasePci address;

        if (!base_pci_parse_loose(*names, &address)) {
            g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_INVALID_ARGUMENT,
                        "'%s' is no PCI address such as 0000:3b:00.0", *names);
            return FALSE;
        }
        if (!host_facts_device(host, address)) {
            gboolean known = host->devices_state != BASE_STATE_UNKNOWN;

            g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_INVALID_ARGUMENT, "%s: %s", *names,
                        known    ? "this host has no such function"
                        : reason ? reason
                                 : "the functions of this host are not known");
            return FALSE;
        }
        read_around(host, host_facts_device(host, address));
        g_array_append_val(ret, address);
    }
    return TRUE;
}

static gboolean
find_groups(ViommuHost *host, const char *const *names, GArray *ret, GError **error)
{
    for (; *names; names++) {
        const HostGroup *group = NULL;
        guint64 id;

        if (base_parse_u64(*names, 10, &id) && id <= G_MAXUINT32)
            group = host_facts_group(host, (guint)id);
        if (!group) {
            g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_INVALID_ARGUMENT,
                        "this host has no IOMMU group '%s'", *names);
            return FALSE;
        }
        read_group(host, group);
        g_array_append_val(ret, group->id);
    }
    return TRUE;
}

char *
viommu_host_render_view(ViommuHost *host, const ViommuHostView *view, GError **error)
{
    g_autoptr(GArray) functions = g_array_new(FALSE, FALSE, sizeof(BasePci));
    g_autoptr(GArray) groups = g_array_new(FALSE, FALSE, sizeof(guint));
    g_autoptr(GString) out = g_string_new(NULL);
    WriteHostView part = {0};

    g_return_val_if_fail(host && view, NULL);
    g_return_val_if_fail(!error || !*error, NULL);

    if ((view->functions && !find_functions(host, view->functions, functions, error)) ||
        (view->groups && !find_groups(host, view->groups, groups, error)))
        return NULL;
    part.style = lib_style(view->flags, view->width);
    part.name = view->name;
    part.name_data = view->name_data;
    part.devices = functions->len > 0 ? functions : NULL;
    part.groups = groups->len > 0 ? groups : NULL;
    write_host_text(host, &part, out);
    return g_string_free(g_steal_pointer(&out), FALSE);
}
