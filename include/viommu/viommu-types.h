/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Reference-counted; g_autoptr() works for all of them. All but ViommuHost and ViommuLedger are
 * immutable once made and safe to share between threads; a ViommuHost learns facts on demand
 * (viommu-host.h). ViommuReportStream has one owner instead. */
typedef struct _ViommuHost ViommuHost;
typedef struct _ViommuDomain ViommuDomain;
typedef struct _ViommuPolicy ViommuPolicy;
typedef struct _ViommuReport ViommuReport;
typedef struct _ViommuReportStream ViommuReportStream;
typedef struct _ViommuPlan ViommuPlan;
typedef struct _ViommuHotplug ViommuHotplug;
typedef struct _ViommuLedger ViommuLedger;

/**
 * ViommuSeverity: how serious a finding is; a greater value is worse
 * @VIOMMU_SEVERITY_OFF: the policy does not want to hear of it; no finding has it
 * @VIOMMU_SEVERITY_INFO: worth knowing
 * @VIOMMU_SEVERITY_WARNING: works, and is likely to disappoint
 * @VIOMMU_SEVERITY_ERROR: fails, or gives up isolation
 */
typedef enum {
    VIOMMU_SEVERITY_OFF,
    VIOMMU_SEVERITY_INFO,
    VIOMMU_SEVERITY_WARNING,
    VIOMMU_SEVERITY_ERROR,
} ViommuSeverity;

/**
 * ViommuOutcome: verdict of one rule on one object
 * @VIOMMU_OUTCOME_PASS: it is as it should be
 * @VIOMMU_OUTCOME_NOT_APPLICABLE: the rule has nothing to say there
 * @VIOMMU_OUTCOME_UNKNOWN: a fact is missing; never to be taken for a pass
 * @VIOMMU_OUTCOME_FAIL: it is not as it should be
 */
typedef enum {
    VIOMMU_OUTCOME_PASS,
    VIOMMU_OUTCOME_NOT_APPLICABLE,
    VIOMMU_OUTCOME_UNKNOWN,
    VIOMMU_OUTCOME_FAIL,
} ViommuOutcome;

/**
 * ViommuUsage: what the guest will do with a device; ordered by what it demands of the vIOMMU
 * @VIOMMU_USAGE_DMA: plain DMA by the guest's kernel
 * @VIOMMU_USAGE_GUEST_IOMMU: isolation inside the guest: DPDK, VFIO, nested guests
 * @VIOMMU_USAGE_PASID: several address spaces on one device
 * @VIOMMU_USAGE_SVA: address spaces shared with processes of the guest
 */
typedef enum {
    VIOMMU_USAGE_DMA,
    VIOMMU_USAGE_GUEST_IOMMU,
    VIOMMU_USAGE_PASID,
    VIOMMU_USAGE_SVA,
} ViommuUsage;

/**
 * ViommuMode: how a guest's IOMMU is realised for a device
 * @VIOMMU_MODE_NESTED: the host's IOMMU walks the guest's tables
 * @VIOMMU_MODE_SHADOW: the hypervisor mirrors what the guest maps
 * @VIOMMU_MODE_IRQ: interrupt remapping alone
 * @VIOMMU_MODE_NONE: no vIOMMU over the device
 */
typedef enum {
    VIOMMU_MODE_NESTED,
    VIOMMU_MODE_SHADOW,
    VIOMMU_MODE_IRQ,
    VIOMMU_MODE_NONE,
} ViommuMode;

/**
 * ViommuProfile: who runs the guest, which decides who sets limits and gives addresses
 * @VIOMMU_PROFILE_SYSTEM: libvirt's system daemon
 * @VIOMMU_PROFILE_SESSION: libvirt's session daemon, as a user without privileges
 * @VIOMMU_PROFILE_KUBEVIRT: libvirt in a KubeVirt pod
 * @VIOMMU_PROFILE_VDSM: libvirt under oVirt's VDSM
 */
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
