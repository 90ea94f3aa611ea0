/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small questions that several families ask. */
#pragma once

#include "rule.h"

/* Whether the bus of a guest address is known, written or by libvirt's own placement. */
static inline gboolean
rule_address_is_known(const ModelAddress *address)
{
    return address->kind == MODEL_ADDRESS_WRITTEN || address->kind == MODEL_ADDRESS_PREDICTED;
}

/* The element that a finding about the vIOMMU's attributes points to */
static inline const xmlNode *
rule_iommu_place(const ModelIommu *iommu)
{
    return iommu->driver ? iommu->driver : iommu->node;
}

/* Whether the vIOMMU is written as <iommu>, so that libvirt knows of it */
static inline gboolean
rule_iommu_is_element(const ModelIommu *iommu)
{
    return !iommu->commandline && !iommu->implicit;
}

static inline gboolean
rule_is_x86(const ViommuDomain *domain)
{
    return domain->is_q35 || domain->is_i440fx || g_strcmp0(domain->arch, "x86_64") == 0 ||
           g_strcmp0(domain->arch, "i686") == 0;
}

/* Value of an attribute or property of that vIOMMU as written, or NULL */
static inline const char *
rule_iommu_attribute(const ModelIommu *iommu, const char *name)
{
    return iommu->attributes ? g_hash_table_lookup(iommu->attributes, name) : NULL;
}

/* Reports devices/ADDRESS/@name as the missing fact. */
void rule_unknown_of_device(RuleCall *call, const BasePci *address, const char *name);
/* (transfer full): "bus 2, slot 0" */
char *rule_slot_text(const BasePci *guest);
/* (transfer full): what a message calls an emulated device: "virtio-net (ua-net0)" */
char *rule_endpoint_label(const ModelEndpoint *endpoint);
/* (transfer full): what a message calls a controller: "pcie-root-port 3" */
char *rule_controller_label(const ModelController *controller);
/* (transfer full): the alias, else the host address; the report adds both in brackets */
char *rule_hostdev_name(const ViewHostdev *hostdev);
