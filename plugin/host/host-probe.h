/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Facts that only the kernel can tell, asked through idle functions (host-iommufd.h), and kept for
 * the rest of this boot since a busy host cannot be asked again.
 */
#pragma once

#include "host-facts.h"
#include "host-iommufd.h"

/* Why @device must not be opened, one sentence; NULL when it idles on a vfio driver with a
 * character device, its whole group idles too, and no process holds one of their nodes. Reads
 * /proc below the root that the facts were read from. (transfer full) (nullable) */
char *host_probe_obstacle(const ViommuHost *host, const HostDevice *device);

/* The functions that a probe would open, and reset. (transfer container) of const HostDevice * */
GPtrArray *host_probe_candidates(const ViommuHost *host);

/* Why there is no candidate behind each IOMMU that has functions but no idle one, and what it would
 * take: one sentence each. (transfer full) */
char **host_probe_needs(const ViommuHost *host);

/* Whether the kernel may be asked at all. Errors: not the running host, no iommufd, panic_on_warn
 * is set. */
gboolean host_probe_allowed(const ViommuHost *host, GError **error);

/* Asks through the functions in @named (addresses) that are still candidates, and through no
 * other, and merges the answers into @host; a function that does not answer, or has found a user
 * since, leaves a reason. Errors: as host_probe_allowed(). */
gboolean host_probe(ViommuHost *host, const char *const *named, GError **error);

/* Adds one function's answer to the facts of the function and of its IOMMU. */
void host_probe_merge(ViommuHost *host, HostDevice *device, const HostIommufdAnswer *answer);

/* Keeps what is known by probing in @directory/probed.json, with the boot that it is of. */
gboolean host_probe_save(const ViommuHost *host, const char *directory, GError **error);
/* Adds what an earlier probe of this boot found where @host does not know it; FALSE with an error
 * only for a file that is there and cannot be used. */
gboolean host_probe_overlay(ViommuHost *host, const char *directory, GError **error);
