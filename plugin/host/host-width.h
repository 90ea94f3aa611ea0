/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* IOVA widths by vendor; host_iova_bits() picks. */
#pragma once

#include "host-decode.h"

BaseU64 host_vtd_iova_bits(const ViommuHost *host, const HostIommu *iommu, HostTable table);
BaseU64 host_amd_iova_bits(const ViommuHost *host, const HostIommu *iommu, HostTable table);
BaseU64 host_smmu_iova_bits(const HostIommu *iommu, HostTable table);
