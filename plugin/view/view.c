/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "view.h"

#include <string.h>

#include "view-iommu.h"

static gboolean
covers_all_buses(const ViewIommu *iommu)
{
    return iommu->iommu->kind != MODEL_IOMMU_SMMUV3 || iommu->pci_bus.state == BASE_STATE_ABSENT;
}

static gboolean
has_argument(const ViommuDomain *domain, const char *part)
{
    for (guint i = 0; domain->arguments && i < domain->arguments->len; i++) {
        g_autofree char *text = model_attribute(domain->arguments->pdata[i], "value");

        if (text && strstr(text, part))
            return TRUE;
    }
    return FALSE;
}

static gboolean
override_says(const ModelOverride *override, const char *alias, const char *name)
{
    if (g_strcmp0(override->alias, alias) != 0)
        return FALSE;
    for (guint i = 0; i < override->names->len; i++) {
        if (g_strcmp0(override->names->pdata[i], name) == 0)
            return view_parse_tri(override->values->pdata[i]) == BASE_YES;
    }
    return FALSE;
}

/* The "value" of @argument when it is "driver.property=value". */
static const char *
match_global(const char *argument, const char *driver, const char *property)
{
    gsize driver_length = strlen(driver), property_length = strlen(property);

    if (strncmp(argument, driver, driver_length) != 0 || argument[driver_length] != '.')
        return NULL;
    argument += driver_length + 1;
    if (strncmp(argument, property, property_length) != 0 || argument[property_length] != '=')
        return NULL;
    return argument + property_length + 1;
}

/* Value of "driver.property" after the last -global in <qemu:commandline>, or NULL.
 * (transfer full) */
static char *
last_global(const ViommuDomain *domain, const char *driver, const char *property)
{
    char *found = NULL;
    gboolean after_global = FALSE;

    for (guint i = 0; domain->arguments && i < domain->arguments->len; i++) {
        g_autofree char *text = model_attribute(domain->arguments->pdata[i], "value");
        const char *value = after_global && text ? match_global(text, driver, property) : NULL;

        if (value) {
            g_free(found);
            found = g_strdup(value);
        }
        after_global = g_strcmp0(text, "-global") == 0;
    }
    return found;
}

gboolean
view_has_hidden_viommu(const View *view)
{
    for (guint i = 0; i < view->iommus->len; i++) {
        const ViewIommu *iommu = view->iommus->pdata[i];

        if (iommu->iommu->commandline)
            return TRUE;
    }
    return FALSE;
}

/* libvirt has no attribute for QEMU's bus bypass: it comes by override or by hand only.
 * QEMU 11.1 hw/pci/pci.c:2996, hw/pci-bridge/pci_expander_bridge.c, hw/core/machine options. */
gboolean
view_is_bypassed(const ViommuDomain *domain, guint root_bus)
{
    const ModelController *bus = model_controller(domain, root_bus);
    g_autofree char *global = last_global(domain, "pxb-pcie", "bypass_iommu");
    g_autofree char *alias = NULL;

    if (root_bus == 0)
        return has_argument(domain, "default-bus-bypass-iommu=on") ||
               has_argument(domain, "default_bus_bypass_iommu=on");
    if (view_parse_tri(global) == BASE_YES)
        return TRUE;
    alias = bus && bus->alias ? g_strdup(bus->alias) : g_strdup_printf("pci.%u", root_bus);
    for (guint i = 0; domain->overrides && i < domain->overrides->len; i++) {
        if (override_says(domain->overrides->pdata[i], alias, "bypass_iommu"))
            return TRUE;
    }
    return FALSE;
}

const ViewIommu *
view_covering(const View *view, guint root_bus, BaseTri *ret_known)
{
    const ViewIommu *everywhere = NULL;
    gboolean per_bus = FALSE;

    *ret_known = BASE_YES;
    for (guint i = 0; i < view->iommus->len; i++) {
        const ViewIommu *iommu = view->iommus->pdata[i];

        if (covers_all_buses(iommu)) {
            everywhere = everywhere ? everywhere : iommu;
            continue;
        }
        per_bus = TRUE;
        if (base_u64_is_known(iommu->pci_bus) && iommu->pci_bus.value == root_bus)
            return iommu;
        if (!base_u64_is_known(iommu->pci_bus))
            *ret_known = BASE_NO;
    }
    if (root_bus != G_MAXUINT)
        return view_is_bypassed(view->domain, root_bus) ? NULL : everywhere;
    if (per_bus)
        *ret_known = BASE_NO;
    return per_bus ? NULL : everywhere;
}

static void
join_guest_side(const View *view, ViewHostdev *hostdev)
{
    const ModelAddress *address = &hostdev->dev->address;
    BaseTri known = BASE_NO;

    hostdev->root_bus = G_MAXUINT;
    if (address->kind == MODEL_ADDRESS_NONE) {
        hostdev->covered = BASE_NO;
        return;
    }
    if (address->kind != MODEL_ADDRESS_UNKNOWN) {
        hostdev->root_bus = model_root_bus(view->domain, address->pci.bus);
        hostdev->conventional = model_behind_conventional(view->domain, address->pci.bus);
    }
    hostdev->viommu = view_covering(view, hostdev->root_bus, &known);
    if (hostdev->viommu)
        hostdev->covered = BASE_YES;
    else
        hostdev->covered = known == BASE_YES ? BASE_NO : BASE_UNKNOWN;
}

static void
join_host_side(const View *view, ViewHostdev *hostdev)
{
    const ViommuHost *host = view->host;
    const ModelHostdev *dev = hostdev->dev;

    if (dev->kind != MODEL_HOSTDEV_PCI && dev->kind != MODEL_HOSTDEV_INTERFACE)
        return;
    if (!dev->host_known)
        return;
    hostdev->fact = host_facts_device(host, dev->host);
    if (!hostdev->fact) {
        hostdev->absent = host->devices_state == BASE_STATE_KNOWN;
        return;
    }
    if (base_u64_is_known(hostdev->fact->group) && hostdev->fact->group.value <= G_MAXUINT)
        hostdev->group = host_facts_group(host, (guint)hostdev->fact->group.value);
    if (hostdev->fact->iommu.state == BASE_STATE_KNOWN)
        hostdev->unit = host_facts_iommu(host, hostdev->fact->iommu.text);
}

/* What is no function, or none of this host, has no numbers that a policy could match. */
static const HostDevice *
fact_for_policy(const ViewHostdev *hostdev)
{
    static const HostDevice nothing = {.vendor = {BASE_STATE_ABSENT, 0},
                                       .device = {BASE_STATE_ABSENT, 0},
                                       .class = {BASE_STATE_ABSENT, 0}};
    gboolean is_function =
        hostdev->dev->kind == MODEL_HOSTDEV_PCI || hostdev->dev->kind == MODEL_HOSTDEV_INTERFACE;

    return is_function && !hostdev->absent ? hostdev->fact : &nothing;
}

static void
hostdev_free(gpointer data)
{
    g_free(data);
}

static void
iommu_free(gpointer data)
{
    view_iommu_free(data);
}

static void
fill_target(View *view, const ViommuTarget *target)
{
    if (target)
        view->target = *target;
    if (view->target.libvirt == 0 && base_u64_is_known(view->host->libvirt))
        view->target.libvirt = view->host->libvirt.value;
    if (view->target.qemu == 0 && base_u64_is_known(view->host->qemu))
        view->target.qemu = view->host->qemu.value;
}

gboolean
view_concerns_us(const ViommuDomain *domain)
{
    for (guint i = 0; i < domain->hostdevs->len; i++)
        if (model_is_assigned(domain->hostdevs->pdata[i]))
            return TRUE;
    return domain->iommus->len > 0 || domain->intent || domain->unread_hostdevs > 0;
}

View *
view_new(const ViommuHost *host, const ViommuDomain *domain, const ViommuPolicy *policy,
         const ViommuTarget *target)
{
    View *view = g_new0(View, 1);

    view->host = host;
    view->domain = domain;
    view->policy = policy;
    fill_target(view, target);
    if (view_concerns_us(domain))
        model_domain_place(domain);
    view->iommus = g_ptr_array_new_with_free_func(iommu_free);
    view->hostdevs = g_ptr_array_new_with_free_func(hostdev_free);
    for (guint i = 0; i < domain->iommus->len; i++)
        g_ptr_array_add(view->iommus,
                        view_iommu_new(domain, domain->iommus->pdata[i], i, &view->target));
    for (guint i = 0; i < domain->hostdevs->len; i++) {
        ViewHostdev *hostdev = g_new0(ViewHostdev, 1);

        hostdev->dev = domain->hostdevs->pdata[i];
        hostdev->index = i;
        join_host_side(view, hostdev);
        join_guest_side(view, hostdev);
        if (policy)
            hostdev->demand = policy_demand(policy, domain, hostdev->dev, fact_for_policy(hostdev));
        g_ptr_array_add(view->hostdevs, hostdev);
    }
    return view;
}

void
view_free(View *view)
{
    if (!view)
        return;
    g_ptr_array_unref(view->hostdevs);
    g_ptr_array_unref(view->iommus);
    g_free(view);
}

/* QEMU asks for dirty tracking on an iommufd device where the host has it, which makes the kernel
 * take second-stage tables (QEMU 11.1 hw/vfio/iommufd.c:446; Linux 7.2 intel/iommu.c:3013). */
HostTable
view_table_of(const ViewHostdev *hostdev)
{
    const ViewIommu *iommu = hostdev->viommu;
    HostVtd vtd;

    if (iommu && (iommu->fsts == BASE_YES ||
                  (iommu->iommu->kind == MODEL_IOMMU_SMMUV3 && iommu->accel == BASE_YES)))
        return HOST_TABLE_NEST_PARENT;
    if (hostdev->dev->iommufd == BASE_YES && host_decode_vtd(hostdev->unit, &vtd) && vtd.smts &&
        vtd.ssads && vtd.smpwc)
        return HOST_TABLE_NEST_PARENT;
    return HOST_TABLE_PLAIN;
}

char *
view_hostdev_label(const ViewHostdev *hostdev)
{
    const ModelHostdev *dev = hostdev->dev;
    g_autofree char *source = NULL;

    if (dev->kind == MODEL_HOSTDEV_MDEV)
        source = g_strdup(dev->mdev_uuid);
    else if (dev->kind == MODEL_HOSTDEV_NETWORK)
        source = g_strdup_printf("network %s", dev->network ? dev->network : "?");
    else if (dev->host_known)
        source = base_pci_format(dev->host);
    if (dev->alias && source)
        return g_strdup_printf("%s, %s", dev->alias, source);
    if (dev->alias)
        return g_strdup(dev->alias);
    return source ? g_steal_pointer(&source) : g_strdup_printf("device %u", hostdev->index + 1);
}
