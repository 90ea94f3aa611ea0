/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "viommu/viommu-error.h"

/* The one public function that lives in a room: every room needs it. */
__attribute__((visibility("default"))) GQuark viommu_error_quark(void);

G_DEFINE_QUARK(viommu - error - quark, viommu_error)
