/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <viommu/viommu-domain.h>
#include <viommu/viommu-host.h>
#include <viommu/viommu-policy.h>

G_BEGIN_DECLS

/**
 * ViommuHotplug:
 *
 * Whether one assigned device can be plugged into a running domain or out of it: the port, the
 * device XML, what must be raised first, or the reasons why not. Immutable.
 */

/**
 * viommu_hotplug_attach: (constructor)
 * @host: facts; config space of the functions that are named is read if it has not been
 * @domain: the domain as it runs (virsh dumpxml)
 * @policy: what is allowed and wanted
 * @target: (nullable): the stack that the XML is for; NULL: what the host facts say
 * @device: XML of one <hostdev> or <interface type='hostdev'>, or the host address of a PCI
 *   function ("0000:65:00.0", "65:00.0" or "pci_0000_65_00_0"), which becomes a managed <hostdev>
 * @name: (nullable): file that @device is from, for errors
 * @error: set when @device is neither
 *
 * Returns: (transfer full): the answer; NULL with @error set
 *
 * Since: 0.1
 */
ViommuHotplug *viommu_hotplug_attach(ViommuHost *host, const ViommuDomain *domain,
                                     const ViommuPolicy *policy, const ViommuTarget *target,
                                     const char *device, const char *name, GError **error);

/**
 * viommu_hotplug_detach: (constructor)
 * @host: facts
 * @domain: the domain as it runs (virsh dumpxml)
 * @policy: what is allowed and wanted
 * @target: (nullable): the stack that the XML is for; NULL: what the host facts say
 * @device: device XML, or the alias or host address of a device of the domain
 * @name: (nullable): file that @device is from, for errors
 * @error: set when the domain has no such device
 *
 * Returns: (transfer full): the answer; NULL with @error set
 *
 * Since: 0.1
 */
ViommuHotplug *viommu_hotplug_detach(ViommuHost *host, const ViommuDomain *domain,
                                     const ViommuPolicy *policy, const ViommuTarget *target,
                                     const char *device, const char *name, GError **error);

/**
 * viommu_hotplug_ref:
 *
 * Returns: (transfer full): @hotplug
 */
ViommuHotplug *viommu_hotplug_ref(ViommuHotplug *hotplug);

/**
 * viommu_hotplug_unref:
 * @hotplug: (nullable) (transfer full)
 */
void viommu_hotplug_unref(ViommuHotplug *hotplug);

/**
 * viommu_hotplug_is_feasible:
 *
 * Returns: FALSE when it cannot work; viommu_hotplug_render() tells the reasons
 *
 * Since: 0.1
 */
gboolean viommu_hotplug_is_feasible(const ViommuHotplug *hotplug);

/**
 * viommu_hotplug_get_xml:
 *
 * Returns: (transfer none) (nullable): XML for virsh attach-device or detach-device, without a
 *   newline at its end; NULL when it cannot work
 *
 * Since: 0.1
 */
const char *viommu_hotplug_get_xml(const ViommuHotplug *hotplug);

/**
 * viommu_hotplug_to_json:
 *
 * Returns: (transfer full): a hotplug-1 document
 *
 * Since: 0.1
 */
char *viommu_hotplug_to_json(const ViommuHotplug *hotplug);

/**
 * viommu_hotplug_render:
 * @flags: how
 * @width: columns; 0: no limit
 *
 * Returns: (transfer full): what to do first and what to know, or why it cannot work; the device
 *   XML is not in it
 *
 * Since: 0.1
 */
char *viommu_hotplug_render(const ViommuHotplug *hotplug, ViommuRenderFlags flags, guint width);

#ifndef VIOMMU_INTERNAL /* the rooms have their own */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ViommuHotplug, viommu_hotplug_unref)
#endif

G_END_DECLS
