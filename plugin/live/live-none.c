/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "live.h"

GPtrArray *
live_list_running(const char *uri, GError **error)
{
    g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_UNSUPPORTED,
                "%s: built without libvirt's headers (libvirt-dev)", uri);
    return NULL;
}
