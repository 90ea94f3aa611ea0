/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words that documents and sysfs use for our enumerations. */
#pragma once

#include "host-facts.h"

HostIommuType host_iommu_type_parse(const char *text);
/* NULL for HOST_IOMMU_UNKNOWN */
const char *host_iommu_type_name(HostIommuType type);

/* Kernel spelling (Linux 7.2 drivers/iommu/iommu.c:114-120); any other word is OTHER. */
HostRegionType host_region_type_parse(const char *text);
const char *host_region_type_name(HostRegionType type);

gboolean host_pcie_type_parse(const char *text, HostPcieType *ret);
/* NULL for a value without a name */
const char *host_pcie_type_name(HostPcieType type);

/* "sv", "tb", "rr", "cr", "uf", "ec", "dt"; 0: not a flag's name */
guint host_acs_parse(const char *text);
#define HOST_ACS_FLAGS 7
/* name of bit @index, below HOST_ACS_FLAGS */
const char *host_acs_name(guint index);
