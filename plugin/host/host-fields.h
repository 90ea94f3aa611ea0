/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plain members of host-1 documents as tables, so that loading and saving cannot disagree.
 * Lists and nested objects are in host-json.c and host-json-save.c.
 */
#pragma once

#include "base-json.h"
#include "host-facts.h"

typedef enum {
    HOST_FIELD_TRI,     /* BaseTri: true or false */
    HOST_FIELD_NUMBER,  /* BaseU64: a number up to max */
    HOST_FIELD_HEX,     /* BaseU64: "0x…" up to max, written with at least @digits digits */
    HOST_FIELD_LIMIT,   /* BaseU64: bytes or "unlimited" */
    HOST_FIELD_VERSION, /* BaseU64: "12.8.0" */
    HOST_FIELD_TEXT,    /* BaseText */
    HOST_FIELD_ADDRESS, /* BaseText: an address of a PCI function */
    HOST_FIELD_WORDS,   /* BaseText of words and blanks: an array of strings */
} HostFieldKind;

typedef struct {
    const char *key;
    HostFieldKind kind;
    gsize offset;
    guint64 max;
    gint digits;
} HostField;

/* Each ends with a NULL key. */
extern const HostField host_fields_root[];        /* of ViommuHost */
extern const HostField host_fields_kernel[];      /* of ViommuHost */
extern const HostField host_fields_versions[];    /* of ViommuHost */
extern const HostField host_fields_vfio[];        /* of ViommuHost */
extern const HostField host_fields_memlock[];     /* of HostMemlock */
extern const HostField host_fields_iommu[];       /* of HostIommu */
extern const HostField host_fields_group[];       /* of HostGroup */
extern const HostField host_fields_device[];      /* of HostDevice */
extern const HostField host_fields_pcie[];        /* of HostPcie */
extern const HostField host_fields_mdev[];        /* of HostMdevType */
extern const HostField host_fields_vdpa[];        /* of HostVdpa */
extern const HostField host_fields_hugepages[];   /* of HostEntry */
extern const HostField host_fields_pinned[];      /* of HostEntry */
extern const HostField host_fields_option[];      /* of HostEntry */
extern const HostField host_fields_qemu_device[]; /* of HostEntry */

/* A string that may be printed: base_place_string(), valid UTF-8 without control characters */
gboolean host_fields_string(const BasePlace *place, const char **ret, GError **error);
gboolean host_fields_load(const BasePlace *object, const HostField *fields, gpointer target,
                          GError **error);
void host_fields_save(BaseJson *object, const HostField *fields, gconstpointer source);
