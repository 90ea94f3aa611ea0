/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a probe would need where no function behind an IOMMU idles. */
#include "host-probe.h"

#include <string.h>

#include "host-decode.h"

/* The functions behind one IOMMU, by what keeps each from being asked */
typedef struct {
    const HostDevice *on_vfio; /* the first of each kind */
    const HostDevice *spare;
    guint others;
    gboolean idle;
} Behind;

/* Host bridges as well, unlike host_device_is_bridge() */
static gboolean
is_bridge(const HostDevice *device)
{
    return base_u64_is_known(device->class) && base_bits(device->class.value, 23, 16) == 0x06;
}

/* An unbound function in a slot. Memory, system peripherals and signal processing on the root bus
 * are the chipset's: unbound on many hosts, and nobody's to bind. */
static gboolean
is_spare(const HostDevice *device)
{
    guint64 base = base_bits(device->class.value, 23, 16);

    return device->driver.state == BASE_STATE_ABSENT && base_u64_is_known(device->class) &&
           device->parent.text && base != 0x05 && base != 0x08 && base != 0x11;
}

static void
sort_in(Behind *behind, const ViommuHost *host, const HostDevice *device)
{
    g_autofree char *obstacle = host_probe_obstacle(host, device);
    const char *driver = device->driver.text;

    if (!obstacle)
        behind->idle = TRUE;
    else if (driver && strstr(driver, "vfio"))
        behind->on_vfio = behind->on_vfio ? behind->on_vfio : device;
    else if (is_spare(device))
        behind->spare = behind->spare ? behind->spare : device;
    else
        behind->others++;
}

/* (transfer full): a function that its host driver uses is never proposed, its disk may be root's
 */
static char *
need(const ViommuHost *host, const char *iommu, const Behind *behind)
{
    const HostDevice *nearest = behind->on_vfio ? behind->on_vfio : behind->spare;
    g_autofree char *address = nearest ? base_pci_format(nearest->address) : NULL;
    g_autofree char *obstacle = nearest ? host_probe_obstacle(host, nearest) : NULL;

    if (behind->on_vfio)
        return g_strdup_printf("%s has no idle function: of %s, %s; probe once it is idle", iommu,
                               address, obstacle);
    if (behind->spare)
        return g_strdup_printf("%s has no idle function: bind %s to vfio-pci, with its whole group",
                               iommu, address);
    if (behind->others == 1)
        return g_strdup_printf("%s has no idle function: if the host can spare its only one, bind "
                               "it to vfio-pci, with its whole group",
                               iommu);
    return g_strdup_printf("%s has no idle function: bind one of its %u that the host can spare to "
                           "vfio-pci, with its whole group",
                           iommu, behind->others);
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

            if (g_strcmp0(device->iommu.text, unit->name) == 0 && !is_bridge(device))
                sort_in(&behind, host, device);
        }
        if (behind.idle || (!behind.on_vfio && !behind.spare && behind.others == 0))
            continue;
        text = need(host, unit->name, &behind);
        g_strv_builder_add(needs, text);
    }
    return g_strv_builder_end(needs);
}
