/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the façade's files share. Public headers leave out their clean-up functions here, because
 * the rooms' headers define the same ones on the rooms' own unref. */
#pragma once

#include "write.h"

static inline WriteStyle
lib_style(ViommuRenderFlags flags, guint width)
{
    return (WriteStyle){
        .color = (flags & VIOMMU_RENDER_COLOR) != 0,
        .width = width,
        .verbose = (flags & VIOMMU_RENDER_VERBOSE) != 0,
        .quiet = (flags & VIOMMU_RENDER_QUIET) != 0,
        .names_file = (flags & VIOMMU_RENDER_NAMES_FILE) != 0,
    };
}

/* Where what lasts for one boot is kept. */
const char *lib_run_directory(void);
/* Adds what this host's ledger says; where nobody keeps one it stays unknown. */
void lib_add_reservations(ViommuHost *host);

/* Reads on demand what rules need to know of the functions that @domain names. */
void lib_read_named(ViommuHost *host, const ViommuDomain *domain);
