/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking a device out of a running domain. */
#include "hotplug-room.h"

#include <string.h>

static const ViewHostdev *
find_by_name(const View *view, const char *name)
{
    BasePci address;
    gboolean is_address = base_pci_parse_loose(name, &address);

    for (guint i = 0; i < view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = view->hostdevs->pdata[i];
        const ModelHostdev *dev = hostdev->dev;

        if (g_strcmp0(dev->alias, name) == 0 ||
            (is_address && dev->host_known && base_pci_compare(dev->host, address) == 0))
            return hostdev;
    }
    return NULL;
}

static const ViewHostdev *
find_by_xml(const View *view, const char *text, const char *name, GError **error)
{
    g_autofree char *device = hotplug_device_text(text, name, error);
    g_autoptr(ViommuDomain) with = device ? hotplug_with_device(view->domain, device, error) : NULL;

    return with ? hotplug_find_device(view, with->hostdevs->pdata[with->hostdevs->len - 1]) : NULL;
}

static gboolean
is_first_behind(const View *view, const ViewHostdev *hostdev)
{
    for (guint i = 0; i < view->hostdevs->len; i++) {
        const ViewHostdev *other = view->hostdevs->pdata[i];

        if (other->viommu == hostdev->viommu)
            return other == hostdev;
    }
    return FALSE;
}

/* QEMU 11.1 hw/arm/smmuv3-accel.c:781: the guest's queues are those of the first device's vIOMMU
 * object. Automatic queues are there where the host has them. */
static void
judge_queues(Hotplug *hotplug, const View *view, const ViewHostdev *hostdev)
{
    const ViewIommu *viommu = hostdev->viommu;
    gboolean maybe;

    if (!viommu || viommu->iommu->kind != MODEL_IOMMU_SMMUV3 || viommu->accel != BASE_YES ||
        viommu->cmdqv == BASE_NO || !is_first_behind(view, hostdev))
        return;
    maybe = viommu->cmdqv == BASE_UNKNOWN;
    if (maybe && (!hostdev->unit || hostdev->unit->cmdqv != BASE_STATE_KNOWN))
        return;
    hotplug_refuse(hotplug, "accel-cmdqv", "cmdqv='off' from the next start on",
                   "it set up the command queues of its vSMMU, and QEMU says: CMDQV is active: "
                   "removing the device that established the viommu association would break the "
                   "guest CMDQV");
}

/* libvirt takes no function out of a slot that has others. */
static void
judge_functions(Hotplug *hotplug, const View *view, const ViewHostdev *hostdev)
{
    for (guint i = 0; i < view->hostdevs->len; i++) {
        const ViewHostdev *other = view->hostdevs->pdata[i];

        if (other == hostdev ||
            !model_address_share_slot(&hostdev->dev->address, &other->dev->address))
            continue;
        hotplug_refuse(hotplug, NULL, "a port for each of them, from the next start on",
                       "its slot holds other functions, and libvirt says: cannot hot unplug "
                       "multifunction PCI device");
        return;
    }
}

static void
tell(Hotplug *hotplug, const View *view, const ViewHostdev *hostdev)
{
    guint iommufd = 0;

    for (guint i = 0; i < view->hostdevs->len; i++)
        iommufd += ((ViewHostdev *)view->hostdevs->pdata[i])->dev->iommufd == BASE_YES;
    hotplug_note(hotplug,
                 "the guest must let go of the device: wait until virsh dumpxml shows it no "
                 "more");
    if (hostdev->dev->iommufd == BASE_YES && iommufd == 1)
        hotplug_note(hotplug,
                     "with its last iommufd device QEMU keeps one descriptor of /dev/iommu "
                     "open (seen with QEMU 11.1.2)");
    if (view->hostdevs->len == 1)
        hotplug_note(hotplug, "libvirt lowers the limit of locked memory again");
}

Hotplug *
hotplug_detach(const ViommuHost *host, const ViommuDomain *domain, const ViommuPolicy *policy,
               const ViommuTarget *target, const char *device, const char *name, GError **error)
{
    g_autoptr(View) view = view_new(host, domain, policy, target);
    gboolean is_xml = strchr(device, '<') != NULL;
    g_autoptr(GError) wrong = NULL;
    g_autoptr(Hotplug) hotplug = NULL;
    const ViewHostdev *hostdev =
        is_xml ? find_by_xml(view, device, name, &wrong) : find_by_name(view, device);

    if (wrong) {
        g_propagate_error(error, g_steal_pointer(&wrong));
        return NULL;
    }
    if (!hostdev) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_INVALID_ARGUMENT,
                    "%s: the domain has no such assigned device: %s", domain->file,
                    is_xml ? name : device);
        return NULL;
    }
    hotplug = hotplug_new(domain, TRUE);
    hotplug_name_device(hotplug, hostdev->dev);
    if (hostdev->dev->address.kind == MODEL_ADDRESS_WRITTEN)
        hotplug->bus = base_u64(hostdev->dev->address.pci.bus);
    judge_queues(hotplug, view, hostdev);
    hotplug_judge_place(hotplug, view, hostdev);
    judge_functions(hotplug, view, hostdev);
    hotplug->feasible = hotplug->reasons->len == 0;
    if (hotplug->feasible) {
        tell(hotplug, view, hostdev);
        hotplug->xml = hotplug_source(domain, hostdev->dev->node);
    }
    return g_steal_pointer(&hotplug);
}
