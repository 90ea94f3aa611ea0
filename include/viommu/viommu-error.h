/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VIOMMU_ERROR: the library's one error domain. An error says that we could not do the job;
 * what is wrong with the user's domain is a finding in a ViommuReport, never a GError.
 * Messages are one line and start with the place: "file:line: " or "file: /json/pointer: ".
 */
#define VIOMMU_ERROR (viommu_error_quark())

GQuark viommu_error_quark(void);

/**
 * ViommuErrorCode:
 * @VIOMMU_ERROR_INVALID_ARGUMENT: the caller's own words are wrong (an unknown rule, a bad version)
 * @VIOMMU_ERROR_IO: a file could not be read or written
 * @VIOMMU_ERROR_PARSE: the input is not well-formed XML or JSON
 * @VIOMMU_ERROR_SCHEMA: well-formed, but not what the format allows (wrong type, unknown version)
 * @VIOMMU_ERROR_UNSUPPORTED: understood, but this version cannot handle it
 * @VIOMMU_ERROR_NO_PLAN: no plan exists; the plan object tells the reasons
 * @VIOMMU_ERROR_INTERNAL: a defect of ours
 */
typedef enum {
    VIOMMU_ERROR_INVALID_ARGUMENT,
    VIOMMU_ERROR_IO,
    VIOMMU_ERROR_PARSE,
    VIOMMU_ERROR_SCHEMA,
    VIOMMU_ERROR_UNSUPPORTED,
    VIOMMU_ERROR_NO_PLAN,
    VIOMMU_ERROR_INTERNAL,
} ViommuErrorCode;

G_END_DECLS
