/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rule-needs.h"

#include <string.h>

gboolean
rule_needs_fit(const ViewHostdev *hostdev, guint needs)
{
    needs &= RULE_NEEDS_OF_DEVICE;
    if (needs == 0)
        return TRUE;
    if (hostdev->dev->kind == MODEL_HOSTDEV_MDEV || hostdev->dev->kind == MODEL_HOSTDEV_NETWORK)
        return FALSE;
    return !hostdev->absent || needs == RULE_NEEDS_DEVICE;
}

static void G_GNUC_PRINTF(2, 3) add(GPtrArray *missing, const char *format, ...)
{
    g_autofree char *path = NULL;
    va_list args;

    va_start(args, format);
    path = g_strdup_vprintf(format, args);
    va_end(args);
    if (!g_ptr_array_find_with_equal_func(missing, path, g_str_equal, NULL))
        g_ptr_array_add(missing, g_steal_pointer(&path));
}

static void
add_group(const ViewHostdev *hostdev, const char *address, gboolean reserved, GPtrArray *missing)
{
    const HostDevice *fact = hostdev->fact;
    const HostGroup *group = hostdev->group;
    guint64 id = fact->group.value;

    if (fact->group.state == BASE_STATE_UNKNOWN)
        add(missing, "devices/%s/group", address);
    else if (fact->group.state == BASE_STATE_KNOWN && !group)
        add(missing, "groups/%" G_GUINT64_FORMAT, id);
    else if (group && group->devices_state == BASE_STATE_UNKNOWN)
        add(missing, "groups/%" G_GUINT64_FORMAT "/devices", id);
    if (reserved && group && group->reserved_state == BASE_STATE_UNKNOWN)
        add(missing, "groups/%" G_GUINT64_FORMAT "/reserved", id);
}

static void
add_registers(const HostIommu *unit, GPtrArray *missing)
{
    static const guint idrs[] = {0, 1, 3, 5}; /* those that the kernel and QEMU judge by */

    if (unit->type == HOST_IOMMU_UNKNOWN && !unit->type_text)
        add(missing, "iommus/%s/type", unit->name);
    if (unit->type == HOST_IOMMU_VTD && !base_u64_is_known(unit->cap))
        add(missing, "iommus/%s/cap", unit->name);
    if (unit->type == HOST_IOMMU_VTD && !base_u64_is_known(unit->ecap))
        add(missing, "iommus/%s/ecap", unit->name);
    if (unit->type == HOST_IOMMU_AMD && !base_u64_is_known(unit->efr))
        add(missing, "iommus/%s/efr", unit->name);
    for (guint i = 0; unit->type == HOST_IOMMU_SMMUV3 && i < G_N_ELEMENTS(idrs); i++)
        if (!base_u64_is_known(unit->idr[idrs[i]]))
            add(missing, "iommus/%s/idr", unit->name);
}

static void
add_usage(const ViewHostdev *hostdev, GPtrArray *missing)
{
    const char *address = hostdev->dev->source_text;

    if (!hostdev->demand.missing || !hostdev->dev->host_known)
        return;
    if (hostdev->fact)
        add(missing, "devices/%s/%s", address, hostdev->demand.missing);
    else
        add(missing, "devices/%s", address);
}

void
rule_needs_of_device(const ViewHostdev *hostdev, guint needs, GPtrArray *missing)
{
    const HostDevice *fact = hostdev->fact;
    const char *address = hostdev->dev->source_text;

    if (needs & RULE_NEEDS_USAGE)
        add_usage(hostdev, missing);
    if ((needs & RULE_NEEDS_OF_DEVICE) == 0 || hostdev->absent)
        return;
    if (!hostdev->dev->host_known) {
        add(missing, "the device's <source><address>");
        return;
    }
    if (!fact) {
        add(missing, "devices/%s", address);
        return;
    }
    if (needs & (RULE_NEEDS_GROUP | RULE_NEEDS_RESERVED))
        add_group(hostdev, address, (needs & RULE_NEEDS_RESERVED) != 0, missing);
    if (needs & (RULE_NEEDS_UNIT | RULE_NEEDS_REGISTERS)) {
        if (fact->iommu.state == BASE_STATE_UNKNOWN)
            add(missing, "devices/%s/iommu", address);
        else if (fact->iommu.state == BASE_STATE_KNOWN && !hostdev->unit)
            add(missing, "iommus/%s", fact->iommu.text);
    }
    if ((needs & RULE_NEEDS_REGISTERS) && hostdev->unit)
        add_registers(hostdev->unit, missing);
    if ((needs & RULE_NEEDS_CONFIG) && fact->pcie.state == BASE_STATE_UNKNOWN)
        add(missing, "devices/%s/pcie", address);
}

void
rule_needs_of_view(const View *view, guint needs, GPtrArray *missing)
{
    if ((needs & RULE_NEEDS_LIBVIRT) && view->target.libvirt == 0)
        add(missing, "versions/libvirt");
    if ((needs & RULE_NEEDS_QEMU) && view->target.qemu == 0)
        add(missing, "versions/qemu");
    if ((needs & RULE_NEEDS_KERNEL) && !base_u64_is_known(view->host->kernel))
        add(missing, "kernel/release");
    if ((needs & RULE_NEEDS_MEMLOCK) && !base_u64_is_known(view->host->memlock.hard))
        add(missing, "limits/memlock");
}

const char *
rule_needs_how(const View *view, const char *path)
{
    const char *reason;

    if (strcmp(path, "versions/libvirt") == 0)
        return "--libvirt-version";
    if (strcmp(path, "versions/qemu") == 0)
        return "--qemu-version";
    if (view->host->none)
        return "--host FILE, --sysroot DIR, or run it on the host";
    reason = host_facts_reason(view->host, path);
    return reason ? reason : "the host facts do not tell";
}
