/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What QEMU will see of one vIOMMU. Private to the room. */
#pragma once

#include "view.h"

/* (transfer full). @target: after the join with the host facts */
ViewIommu *view_iommu_new(const ViommuDomain *domain, const ModelIommu *iommu, guint index,
                          const ViommuTarget *target);
void view_iommu_free(ViewIommu *iommu);

/* QEMU's spellings of a boolean; anything else ("auto", NULL) is UNKNOWN */
BaseTri view_parse_tri(const char *text);
