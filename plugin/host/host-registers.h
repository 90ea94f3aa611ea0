/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The identification registers of VT-d, AMD-Vi and SMMUv3, field by field. */
#pragma once

#include "base-json.h"
#include "host-facts.h"
#include "host-register-list.h"

typedef enum {
    HOST_REGISTER_CAP,
    HOST_REGISTER_ECAP,
    HOST_REGISTER_EFR,
    HOST_REGISTER_EFR2,
    HOST_REGISTER_IDR0,
    HOST_REGISTER_IDR1,
    HOST_REGISTER_IDR2,
    HOST_REGISTER_IDR3,
    HOST_REGISTER_IDR4,
    HOST_REGISTER_IDR5,
    HOST_REGISTER_IIDR,
    HOST_REGISTER_AIDR,
    HOST_REGISTER_COUNT,
} HostRegister;

/* How the bits of a field read. */
typedef enum {
    HOST_READS_FLAG,
    HOST_READS_NUMBER,
    HOST_READS_PLUS1,   /* one more than the bits say */
    HOST_READS_POWER,   /* two to the power of the bits */
    HOST_READS_TIMES16, /* sixteen times the bits */
    HOST_READS_DOMAINS, /* two to the power of 4 + 2 x the bits (Linux 7.2 intel/iommu.h:184) */
    HOST_READS_HEX,
    HOST_READS_SAGAW, /* the rest are codes: one word for each value, or for each bit */
    HOST_READS_LARGE,
    HOST_READS_HATS,
    HOST_READS_GATS,
    HOST_READS_TTF,
    HOST_READS_HTTU,
    HOST_READS_TTENDIAN,
    HOST_READS_STALL,
    HOST_READS_LEVEL,
    HOST_READS_BBML,
    HOST_READS_OAS,
    HOST_READS_VAX,
} HostReads;

typedef enum {
#define FIELD(reg, name, ...) HOST_##reg##_##name,
    HOST_FIELD_LIST(FIELD)
#undef FIELD
        HOST_FIELD_COUNT,
} HostFieldId;

typedef struct {
    HostRegister reg;
    const char *name; /* the specification's */
    guint high, low;  /* bits, both included */
    HostReads reads;
    const char *meaning;
    const char *allows; /* what it is needed for; NULL */
} HostRegisterField;

/* (transfer none) */
const HostRegisterField *host_register_field(HostFieldId id);
const char *host_register_name(HostRegister reg);
/* The register as the facts have it; the state tells whether it is known */
BaseU64 host_register_value(const HostIommu *iommu, HostRegister reg);

/* The bits of a field in a register's value, as they are */
guint64 host_field_bits(HostFieldId id, guint64 value);
/* The same of an IOMMU; UNKNOWN where the register is */
BaseU64 host_iommu_bits(const HostIommu *iommu, HostFieldId id);
/* What a field says: "yes", "48", "39, 48". (transfer full) */
char *host_field_text(HostFieldId id, guint64 value);
/* A boolean, a number or a string. (transfer full) */
BaseJson *host_field_json(HostFieldId id, guint64 value);

/* What the numbers do not say by themselves: errata, widths that this kernel really offers.
 * (transfer full): of char * */
GPtrArray *host_iommu_notes(const ViommuHost *host, const HostIommu *iommu);
