/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions to the libvirt daemon. */
#pragma once

#include <viommu/viommu.h>

#define LIVE_URI "qemu:///system"

/* The running domains as they are now, read-only. Errors: libvirt is not there, or says no; one
 * line. (transfer full): of ViommuDomain */
GPtrArray *live_list_running(const char *uri, GError **error);
/* The running domain of that name as it is now, read-only. Errors: as above, or there is none that
 * runs. (transfer full) */
ViommuDomain *live_find_running(const char *uri, const char *name, GError **error);
