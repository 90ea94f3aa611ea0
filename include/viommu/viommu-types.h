/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Reference-counted. All but ViommuHost and ViommuLedger are immutable once made and safe to share
 * between threads; a ViommuHost learns facts on demand (viommu-host.h). ViommuReportStream has one
 * owner instead. */
typedef struct _ViommuHost ViommuHost;
typedef struct _ViommuDomain ViommuDomain;
typedef struct _ViommuPolicy ViommuPolicy;
typedef struct _ViommuReport ViommuReport;
typedef struct _ViommuReportStream ViommuReportStream;
typedef struct _ViommuPlan ViommuPlan;
typedef struct _ViommuHotplug ViommuHotplug;
typedef struct _ViommuLedger ViommuLedger;

/* How serious a finding is. Ordered: a greater value is worse. */
typedef enum {
    VIOMMU_SEVERITY_OFF,
    VIOMMU_SEVERITY_INFO,
    VIOMMU_SEVERITY_WARNING,
    VIOMMU_SEVERITY_ERROR,
} ViommuSeverity;

/* Verdict of one rule on one object. */
typedef enum {
    VIOMMU_OUTCOME_PASS,
    VIOMMU_OUTCOME_NOT_APPLICABLE,
    VIOMMU_OUTCOME_UNKNOWN,
    VIOMMU_OUTCOME_FAIL,
} ViommuOutcome;

/* What the guest will do with a device; ordered by what it demands of the vIOMMU. */
typedef enum {
    VIOMMU_USAGE_DMA,
    VIOMMU_USAGE_GUEST_IOMMU,
    VIOMMU_USAGE_PASID,
    VIOMMU_USAGE_SVA,
} ViommuUsage;

/* How a guest's IOMMU is realised for a device. */
typedef enum {
    VIOMMU_MODE_NESTED,
    VIOMMU_MODE_SHADOW,
    VIOMMU_MODE_IRQ,
    VIOMMU_MODE_NONE,
} ViommuMode;

/* Which kind of management stack the XML is for. */
typedef enum {
    VIOMMU_PROFILE_SYSTEM,
    VIOMMU_PROFILE_SESSION,
    VIOMMU_PROFILE_KUBEVIRT,
    VIOMMU_PROFILE_VDSM,
} ViommuProfile;

/**
 * ViommuRenderFlags: how text for people looks
 * @VIOMMU_RENDER_COLOR: severities and verdicts in colour, by terminal escapes
 * @VIOMMU_RENDER_VERBOSE: also what is well
 * @VIOMMU_RENDER_QUIET: problems only, without help and sums
 * @VIOMMU_RENDER_NAMES_FILE: the sum of a report says of which file
 */
typedef enum {
    VIOMMU_RENDER_DEFAULT = 0,
    VIOMMU_RENDER_COLOR = 1 << 0,
    VIOMMU_RENDER_VERBOSE = 1 << 1,
    VIOMMU_RENDER_QUIET = 1 << 2,
    VIOMMU_RENDER_NAMES_FILE = 1 << 3,
} ViommuRenderFlags;

/**
 * ViommuNameKind: of what a name is asked
 * @VIOMMU_NAME_VENDOR: "Intel Corporation"
 * @VIOMMU_NAME_DEVICE: "Ethernet Controller E810-C for QSFP"
 * @VIOMMU_NAME_CLASS: "Ethernet controller"
 */
typedef enum {
    VIOMMU_NAME_VENDOR,
    VIOMMU_NAME_DEVICE,
    VIOMMU_NAME_CLASS,
} ViommuNameKind;

/**
 * ViommuNameFunc:
 * @vendor, @device: PCI ids, 16 bits
 * @class_code: base class, subclass and interface, 24 bits
 *
 * Names for people; the library itself knows none, because a database of them is no business of a
 * hook that has to answer fast.
 *
 * Returns: (transfer none) (nullable): UTF-8 that lives as long as @data, or NULL: no name known
 */
typedef const char *(*ViommuNameFunc)(ViommuNameKind kind, guint vendor, guint device,
                                      guint class_code, gpointer data);

/**
 * ViommuTarget: the stack that the XML is for.
 * @libvirt, @qemu: version as major * 1000000 + minor * 1000 + micro (libvirt's own encoding),
 *   0 = take it from the host facts, and if they do not tell either: unknown
 * @profile: management stack
 */
typedef struct {
    guint64 libvirt;
    guint64 qemu;
    ViommuProfile profile;
} ViommuTarget;

/**
 * viommu_version_parse:
 * @text: a version as tools print it: "12.8.0", "11.1", "7.2.13-lab"
 * @ret: (out): major * 1000000 + minor * 1000 + micro
 *
 * Returns: FALSE, and @ret as it was, when @text is no version
 *
 * Since: 0.1
 */
gboolean viommu_version_parse(const char *text, guint64 *ret);

G_END_DECLS
