/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <viommu/viommu-hotplug.h>

#include "hotplug.h"
#include "lib.h"

static const ViommuTarget from_facts = {0};

ViommuHotplug *
viommu_hotplug_attach(ViommuHost *host, const ViommuDomain *domain, const ViommuPolicy *policy,
                      const ViommuTarget *target, const char *device, const char *name,
                      GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(ViommuDomain) with = NULL;

    g_return_val_if_fail(host, NULL);
    g_return_val_if_fail(domain, NULL);
    g_return_val_if_fail(policy, NULL);
    g_return_val_if_fail(device, NULL);
    g_return_val_if_fail(!error || !*error, NULL);

    text = hotplug_device_text(device, name ? name : "device", error);
    with = text ? hotplug_with_device(domain, text, error) : NULL;
    if (!with)
        return NULL;
    lib_read_named(host, with);
    return hotplug_attach(host, domain, policy, target ? target : &from_facts, text,
                          name ? name : "device", error);
}

ViommuHotplug *
viommu_hotplug_detach(ViommuHost *host, const ViommuDomain *domain, const ViommuPolicy *policy,
                      const ViommuTarget *target, const char *device, const char *name,
                      GError **error)
{
    g_return_val_if_fail(host, NULL);
    g_return_val_if_fail(domain, NULL);
    g_return_val_if_fail(policy, NULL);
    g_return_val_if_fail(device, NULL);
    g_return_val_if_fail(!error || !*error, NULL);

    return hotplug_detach(host, domain, policy, target ? target : &from_facts, device,
                          name ? name : "device", error);
}

ViommuHotplug *
viommu_hotplug_ref(ViommuHotplug *hotplug)
{
    g_return_val_if_fail(hotplug, NULL);

    return hotplug_ref(hotplug);
}

void
viommu_hotplug_unref(ViommuHotplug *hotplug)
{
    hotplug_unref(hotplug);
}

gboolean
viommu_hotplug_is_feasible(const ViommuHotplug *hotplug)
{
    g_return_val_if_fail(hotplug, FALSE);

    return hotplug->feasible;
}

const char *
viommu_hotplug_get_xml(const ViommuHotplug *hotplug)
{
    g_return_val_if_fail(hotplug, NULL);

    return hotplug->xml;
}

char *
viommu_hotplug_to_json(const ViommuHotplug *hotplug)
{
    g_autoptr(BaseJson) document = NULL;

    g_return_val_if_fail(hotplug, NULL);

    document = hotplug_to_json(hotplug);
    return base_json_to_text(document);
}

char *
viommu_hotplug_render(const ViommuHotplug *hotplug, ViommuRenderFlags flags, guint width)
{
    WriteStyle style = lib_style(flags, width);
    g_autoptr(GString) out = g_string_new(NULL);

    g_return_val_if_fail(hotplug, NULL);

    hotplug_render(hotplug, &style, out);
    return g_string_free(g_steal_pointer(&out), FALSE);
}
