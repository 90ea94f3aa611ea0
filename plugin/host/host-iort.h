/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ACPI IORT table: which SMMU the firmware vouches for. Pure, on bytes. */
#pragma once

#include "base-types.h"

/* CANWBS ("coherent attributes, non-writeback S2 forced"): whether every root complex whose
 * traffic goes through the SMMUv3 at @base has the flag. UNKNOWN: the table is damaged, has no
 * such SMMU, none of its root complexes lead there, or they differ. */
BaseTri host_iort_canwbs(const guint8 *table, gsize length, guint64 base);
