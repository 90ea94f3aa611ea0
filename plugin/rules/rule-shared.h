/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What several families ask of a call. */
#pragma once

#include "host-decode.h"
#include "rule.h"

/* Whether the call's device is behind a vIOMMU of that kind for sure */
static inline gboolean
rule_is_behind(const RuleCall *call, ModelIommuKind kind)
{
    return call->hostdev->viommu && call->hostdev->viommu->iommu->kind == kind;
}

static inline gboolean
rule_is_mdev(const RuleCall *call)
{
    return call->hostdev->dev->kind == MODEL_HOSTDEV_MDEV;
}

/* An accelerated SMMUv3, as QEMU will see it */
gboolean rule_is_accel(const ViewIommu *iommu);
/* Whether the call's device is, or may be (its guest address is not known), behind one */
gboolean rule_may_be_accel(const RuleCall *call);
/* The accelerated SMMUv3 over the call's device; NULL, and unknown reported, where only its guest
 * address would tell. */
const ViewIommu *rule_accel_over(RuleCall *call);

/* The width behind the call's device. FALSE: unknown or not applicable, and reported as such. */
gboolean rule_host_width(RuleCall *call, guint64 *ret);

/* (transfer full): "aw_bits 48", and that it is a default where nothing is written */
char *rule_width_text(const View *view, const ViewIommu *iommu);

/* Checks that more than one family's table names */
void rule_check_irqchip(RuleCall *call);
void rule_check_migration(RuleCall *call);

/* Whether the guest boots by firmware, of which a <loader type='rom'> is one too */
gboolean rule_has_firmware(const ViommuDomain *domain);
/* (transfer full): " (line 38)" of the vIOMMU's element, "" for one that libvirt adds */
char *rule_line_of(const RuleCall *call, const ViewIommu *iommu);
/* Address behind the highest byte of guest RAM at start; a lower bound where the layout of the
 * machine is not known. QEMU 11.1 hw/i386/pc_q35.c (2 GiB below 4 GiB), hw/arm/virt.c (from 1 GiB).
 */
guint64 rule_ram_top(const ViommuDomain *domain);
/* Whether another function is in the slot of the call's device; functions of one slot have no ACS
 * between them. */
gboolean rule_has_slot_mate(const RuleCall *call);
