/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "live.h"

static void
set_error(const char *uri, GError **error)
{
    g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_UNSUPPORTED,
                "%s: built without libvirt's headers (libvirt-dev)", uri);
}

GPtrArray *
live_list_running(const char *uri, GError **error)
{
    set_error(uri, error);
    return NULL;
}

ViommuDomain *
live_find(const char *uri, const char *name, LiveState state, GError **error)
{
    (void)name;
    (void)state;
    set_error(uri, error);
    return NULL;
}
