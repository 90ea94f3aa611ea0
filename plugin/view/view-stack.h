/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each libvirt and QEMU version can say: attributes, properties, spellings, defaults. */
#pragma once

#include "base-text.h"
#include "host-facts.h"
#include "model.h"

typedef struct {
    ModelIommuKind model;
    const char *attribute; /* of <iommu><driver>, in libvirt's spelling */
    guint64 since;         /* libvirt version that accepts it for this model */
    const char *qemu;      /* QEMU property it becomes; NULL: none */
    const char *source;
} StackAttribute;

/* (transfer none): table of @ret_length rows */
const StackAttribute *stack_attributes(gsize *ret_length);
/* NULL: libvirt knows no such attribute for that model */
const StackAttribute *stack_attribute(ModelIommuKind model, const char *attribute);
/* Oldest libvirt that knows the attribute for any model; 0: none does */
guint64 stack_known_since(const char *attribute);
/* libvirt version that first knows <iommu model=…>; 0 for OTHER */
guint64 stack_model_since(ModelIommuKind model);
/* libvirt versions of: several <iommu>; <granule>; <driver iommufd=>; domain-level <iommufd>;
 * qemu:override */
#define STACK_LIBVIRT_MULTIPLE_IOMMU BASE_VERSION(11, 10, 0)
#define STACK_LIBVIRT_GRANULE        BASE_VERSION(12, 1, 0)
#define STACK_LIBVIRT_DRIVER_IOMMUFD BASE_VERSION(12, 1, 0)
#define STACK_LIBVIRT_DOMAIN_IOMMUFD BASE_VERSION(12, 2, 0)
#define STACK_LIBVIRT_OVERRIDE       BASE_VERSION(8, 2, 0)

typedef enum {
    STACK_SCALABLE_MODE,
    STACK_FIRST_STAGE,
    STACK_PASID_BITS,
} StackCapability;
/* The intel-iommu property of that QEMU ("fsts", formerly "x-flts"); NULL: this QEMU has none.
 * 11.1 and later: new names; 7.2 to 10.0: x- names; between, and before 7.2: *ret_known is FALSE.
 */
const char *stack_qemu_property(StackCapability capability, guint64 qemu, gboolean *ret_known);
/* The same, asked of the QEMU itself where the host facts have what it answered. */
const char *stack_host_property(const ViommuHost *host, StackCapability capability, guint64 qemu,
                                gboolean *ret_known);
/* Whether that device of QEMU @qemu has the property, by what it answered; UNKNOWN: not asked. */
BaseTri stack_device_has(const ViommuHost *host, const char *device, const char *property,
                         guint64 qemu);
