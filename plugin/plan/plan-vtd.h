/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the checks and the writer of the x86 vIOMMU share. Private to the room. */
#pragma once

#include "plan-room.h"

#include "plan-edit.h"

/* Whether the vIOMMU is one that we make or mend: VT-d. Another model is kept as it is, or falls.
 */
gboolean plan_vtd_is_ours(const PlanWork *work);
/* Whether every assigned device's host IOMMU offers 48 bits; @ret_lowest: the lowest width that is
 * known, 64 when none is. */
BaseTri plan_vtd_host_offers_48(const PlanWork *work, guint64 *ret_lowest);
/* 39 or 48, the widths that QEMU's VT-d has; 0: neither serves. */
guint plan_vtd_width(const PlanWork *work);
/* Of mode nested; NULL-terminated */
const PlanCheck *plan_first_stage_checks(void);
/* Scalable mode, first stage and PASIDs by override, and the backend of the devices. @spot: of the
 * <iommu>. */
void plan_first_stage_write(PlanWork *work, PlanIommu *iommu, PlanSpot spot);
