/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <viommu/viommu-error.h>
#include <viommu/viommu-types.h>

G_BEGIN_DECLS

/**
 * ViommuHost:
 *
 * What is known about one host: its IOMMUs, groups and PCI functions, kernel and versions. Each
 * fact is known or unknown; facts that could not be read are unknown with the reason. Reading
 * them never fails as long as there is something to read from.
 *
 * viommu_check() and viommu_plan_new() add facts that are only read on demand (config space of the
 * functions that a domain names) to a host that was read from a tree. Do not use one such object
 * from two threads at a time.
 */

/**
 * ViommuHostFlags:
 * @VIOMMU_HOST_DEFAULT: what is cheap and wakes nothing
 * @VIOMMU_HOST_READ_CONFIG: also the config space of every function; takes root, may wake
 *   sleeping devices, and costs up to milliseconds each
 */
typedef enum {
    VIOMMU_HOST_DEFAULT = 0,
    VIOMMU_HOST_READ_CONFIG = 1 << 0,
} ViommuHostFlags;

/**
 * viommu_host_new_live: (constructor)
 * @flags: what to read now
 *
 * Reads the running host, and what a probe earlier in this boot found out.
 *
 * Returns: (transfer full): facts, or NULL with %VIOMMU_ERROR_IO
 *
 * Since: 0.1
 */
ViommuHost *viommu_host_new_live(ViommuHostFlags flags, GError **error);

/**
 * viommu_host_new_from_sysroot: (constructor)
 * @directory: (type filename): a tree with sys/, proc/ and dev/ below it
 * @flags: what to read now
 *
 * Returns: (transfer full): facts, or NULL with %VIOMMU_ERROR_IO
 *
 * Since: 0.1
 */
ViommuHost *viommu_host_new_from_sysroot(const char *directory, ViommuHostFlags flags,
                                         GError **error);

/**
 * viommu_host_new_for_domain: (constructor)
 * @directory: (type filename) (nullable): a tree as above; NULL: the running host
 * @domain: whose functions are looked at, with their groups and IOMMUs, and no others
 *
 * Facts that viommu_check() comes to the same report with as with those of the whole host, in a
 * time that does not grow with the host. Not for a plan, which may count what else there is.
 *
 * Returns: (transfer full): facts, or NULL with %VIOMMU_ERROR_IO
 *
 * Since: 0.1
 */
ViommuHost *viommu_host_new_for_domain(const char *directory, const ViommuDomain *domain,
                                       GError **error);

/**
 * viommu_host_new_from_file: (constructor)
 * @path: (type filename): a host-1 JSON document (schemas/host-1.schema.json); "-": standard input
 *
 * Returns: (transfer full): facts, or NULL with %VIOMMU_ERROR_IO, %VIOMMU_ERROR_PARSE or
 *   %VIOMMU_ERROR_SCHEMA
 *
 * Since: 0.1
 */
ViommuHost *viommu_host_new_from_file(const char *path, GError **error);

/**
 * viommu_host_new_none: (constructor)
 *
 * Returns: (transfer full): facts of which every one is unknown: rules that need only the XML
 *   still run on it
 *
 * Since: 0.1
 */
ViommuHost *viommu_host_new_none(void);

/**
 * viommu_host_ref:
 *
 * Returns: (transfer full): @host
 */
ViommuHost *viommu_host_ref(ViommuHost *host);

/**
 * viommu_host_unref:
 * @host: (nullable) (transfer full)
 */
void viommu_host_unref(ViommuHost *host);

/**
 * viommu_host_has_iommu:
 *
 * Returns: FALSE when no IOMMU is known, whether there is none or nobody could tell
 *
 * Since: 0.1
 */
gboolean viommu_host_has_iommu(const ViommuHost *host);

/**
 * viommu_host_to_json:
 *
 * Returns: (transfer full): the facts as a host-1 document, keys sorted, newline at the end;
 *   viommu_host_new_from_file() reads it back to the same facts
 *
 * Since: 0.1
 */
char *viommu_host_to_json(const ViommuHost *host);

/**
 * viommu_host_describe:
 *
 * Returns: (transfer full): the facts as viommu_host_to_json() has them, and what follows from
 * them: registers by field, and for each IOMMU and function what a guest can have of it, why not
 * more, and the next step. It loads as facts as well: what follows is then left out
 *
 * Since: 0.1
 */
char *viommu_host_describe(const ViommuHost *host);

/**
 * viommu_host_render:
 * @flags: how
 * @width: columns; 0: no limit
 *
 * Returns: (transfer full): what this host can do, for people
 *
 * Since: 0.1
 */
char *viommu_host_render(const ViommuHost *host, ViommuRenderFlags flags, guint width);

/**
 * ViommuHostView: which part of a host to render, and how
 * @flags, @width: as in viommu_host_render()
 * @name: (nullable) (scope call): names of vendors, devices and classes; NULL: ids
 * @name_data: for @name
 * @functions: (nullable) (array zero-terminated=1): these PCI functions alone, with everything that
 *   is known of each: "0000:3b:00.0", "3b:00.0" or libvirt's "pci_0000_3b_00_0"
 * @groups: (nullable) (array zero-terminated=1): these IOMMU groups alone, by number: "27"
 */
typedef struct {
    ViommuRenderFlags flags;
    guint width;
    ViommuNameFunc name;
    gpointer name_data;
    const char *const *functions;
    const char *const *groups;
} ViommuHostView;

/**
 * viommu_host_render_view:
 * @host: learns the config space of @view's functions, and of what tells with whom they are
 * isolated (their groups and slots, and the bridges above), where it was read from a tree
 *
 * Returns: (transfer full): the same for a part of the host, or with names; NULL with
 *   %VIOMMU_ERROR_INVALID_ARGUMENT when a function or group is not there or its name is none
 *
 * Since: 0.1
 */
char *viommu_host_render_view(ViommuHost *host, const ViommuHostView *view, GError **error);

#ifndef VIOMMU_INTERNAL /* the rooms have their own */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ViommuHost, viommu_host_unref)
#endif

G_END_DECLS
