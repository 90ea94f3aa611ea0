/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "viommu/viommu-error.h"

G_DEFINE_QUARK(viommu - error - quark, viommu_error)
