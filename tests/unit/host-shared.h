/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recorded hosts of tests/host, and an IOMMU of two registers. */
#pragma once

#include "host-read.h"

static inline ViommuHost *
load_shared(const char *name)
{
    g_autofree char *path = g_build_filename(g_getenv("VIOMMU_TEST_DATA"), "host", name, NULL);
    g_autoptr(GError) error = NULL;
    ViommuHost *host = host_json_load(path, &error);

    g_assert_no_error(error);
    return host;
}

static inline HostIommu
vtd_unit(guint64 cap, guint64 ecap)
{
    return (HostIommu){.type = HOST_IOMMU_VTD, .cap = base_u64(cap), .ecap = base_u64(ecap)};
}
