/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a probe would need where no function behind an IOMMU idles. */
#include "host-probe.h"

#include <string.h>

#include "host-decode.h"

/* The functions behind one IOMMU, by what keeps each from being asked */
typedef struct {
    const HostDevice *on_vfio; /* the first of each kind */
    const HostDevice *unbound;
    guint on_host_driver;
    gboolean idle;
} Behind;

static void
sort_in(Behind *behind, const ViommuHost *host, const HostDevice *device)
{
    g_autofree char *obstacle = host_probe_obstacle(host, device);
    const char *driver = device->driver.text;

    if (!obstacle)
        behind->idle = TRUE;
    else if (driver && strstr(driver, "vfio"))
        behind->on_vfio = behind->on_vfio ? behind->on_vfio : device;
    else if (device->driver.state == BASE_STATE_ABSENT)
        behind->unbound = behind->unbound ? behind->unbound : device;
    else
        behind->on_host_driver++;
}

/* (transfer full): a function that its host driver uses is never proposed, its disk may be root's
 */
static char *
need(const ViommuHost *host, const char *iommu, const Behind *behind)
{
    const HostDevice *nearest = behind->on_vfio ? behind->on_vfio : behind->unbound;
    g_autofree char *address = nearest ? base_pci_format(nearest->address) : NULL;
    g_autofree char *obstacle = nearest ? host_probe_obstacle(host, nearest) : NULL;

    if (behind->on_vfio)
        return g_strdup_printf("%s has no idle function: of %s, %s; probe once it is idle", iommu,
                               address, obstacle);
    if (behind->unbound)
        return g_strdup_printf("%s has no idle function: bind %s to vfio-pci, with its whole group",
                               iommu, address);
    if (behind->on_host_driver == 1)
        return g_strdup_printf("%s has no idle function: its only one is on a host driver; if the "
                               "host can spare it, bind it to vfio-pci, with its whole group",
                               iommu);
    return g_strdup_printf("%s has no idle function: all %u are on host drivers; bind one that the "
                           "host can spare to vfio-pci, with its whole group",
                           iommu, behind->on_host_driver);
}

char **
host_probe_needs(const ViommuHost *host)
{
    g_autoptr(GStrvBuilder) needs = g_strv_builder_new();

    for (guint i = 0; host->sysroot && i < host->iommus->len; i++) {
        const HostIommu *unit = host->iommus->pdata[i];
        g_autofree char *text = NULL;
        Behind behind = {0};

        for (guint j = 0; j < host->devices->len; j++) {
            const HostDevice *device = host->devices->pdata[j];

            if (g_strcmp0(device->iommu.text, unit->name) == 0 && !host_device_is_bridge(device))
                sort_in(&behind, host, device);
        }
        if (behind.idle || (!behind.on_vfio && !behind.unbound && behind.on_host_driver == 0))
            continue;
        text = need(host, unit->name, &behind);
        g_strv_builder_add(needs, text);
    }
    return g_strv_builder_end(needs);
}
