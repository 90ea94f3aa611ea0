/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All decisions for one domain as data. Made once, then only read. */
#pragma once

#include "rule.h"
#include "view-memlock.h"
#include "view.h"

typedef enum {
    PLAN_EDIT_SET_ATTRIBUTE,    /* node, name, value */
    PLAN_EDIT_REMOVE_ATTRIBUTE, /* node, name */
    PLAN_EDIT_INSERT,           /* element as child of node (behind @after, NULL: at the end) */
    PLAN_EDIT_REMOVE,           /* node */
} PlanEditKind;

typedef struct {
    PlanEditKind kind;
    xmlNode *node;        /* existing element of the domain */
    xmlNode *after;       /* INSERT: existing child of @node, or NULL */
    char *name, *value;   /* attribute */
    BaseElement *element; /* INSERT */
    char *because;        /* why, one sentence */
    const char *rule;     /* id of the rule that it mends; NULL */
} PlanEdit;

typedef struct {
    const ViewHostdev *hostdev;
    ViommuUsage usage;
    ViommuMode mode;
    BaseU64 viommu;     /* index in the plan's list; ABSENT: none */
    BaseU64 bus;        /* guest controller index; UNKNOWN: libvirt places it */
    BaseU64 pasid_bits; /* ABSENT: none */
    char *where;        /* "bus 2 on expander 1 (smmu3.0x11000000)" */
    char *note;         /* what it cannot have of what its IOMMU has; NULL */
} PlanDevice;

typedef struct {
    ModelIommuKind model;
    ViommuMode mode;
    const ModelIommu *existing;                  /* NULL: new */
    const HostIommu *unit;                       /* SMMUv3: the physical instance */
    GPtrArray *names, *values;                   /* attributes in the end, of char * */
    GPtrArray *property_names, *property_values; /* QEMU properties by override */
} PlanIommu;

typedef struct {
    char *who;  /* "admin", "libvirt", "guest" */
    char *what; /* one sentence, with the command where there is one */
} PlanAction;

typedef struct {
    char *path;   /* device node, or NULL */
    char *access; /* "rw" */
    char *for_whom;
    BaseU64 memlock; /* bytes; for an RLIMIT grant */
} PlanGrant;

typedef struct {
    const ViewHostdev *hostdev; /* NULL: the whole domain */
    ViommuMode mode;
    ModelIommuKind model; /* OTHER: of no model in particular */
    char *reason;
    char *would_help; /* NULL: nothing known */
    const char *rule; /* NULL */
} PlanRejection;

/* One device that is attached once the guest's IOMMU driver is up. */
typedef struct {
    const ViewHostdev *hostdev;
    char *xml;        /* for virsh attach-device */
    GPtrArray *first; /* of char *: commands to run before */
    GPtrArray *notes; /* of char *: what to know, e.g. that a BAR may find no room */
} PlanAttach;

/* What a port that is empty at boot reserves, for BARs to come. */
typedef struct {
    guint bus;                   /* controller index */
    guint64 prefetchable, plain; /* bytes, above and below 4 GiB; 0: what firmware gives */
} PlanReserved;

/* Start without devices, attach them later, so that RAM is not pinned at boot. */
typedef struct {
    GPtrArray *attach;  /* of PlanAttach, in the order of the attaches; the domain lacks them */
    GPtrArray *refused; /* of PlanRejection: devices that stay in the domain, and why */
    /* bytes accounted at boot, without slack: in this order, and with all devices there */
    BaseU64 pinned, pinned_otherwise;
} PlanOrder;

struct _ViommuPlan {
    gint refs;
    View *view;       /* owned; reads host, domain and policy */
    ViommuHost *host; /* references, for the view's sake */
    ViommuDomain *domain;
    ViommuPolicy *policy;
    gboolean valid;       /* FALSE: no plan; the rejections tell why */
    GPtrArray *devices;   /* of PlanDevice */
    GPtrArray *iommus;    /* of PlanIommu */
    GArray *spare_ports;  /* of guint: controller indexes */
    GArray *reserved;     /* of PlanReserved */
    ViewMemlock *memlock; /* of the planned domain */
    /* accounted with every spare port in use and memory up to maxMemory; UNKNOWN where there is
     * nothing to come */
    BaseU64 memlock_later;
    BaseU64 pasid_bits;
    char *pasid_because;
    GPtrArray *edits;                               /* of PlanEdit, document order */
    GPtrArray *actions, *grants, *rejected, *notes; /* notes: of char *, e.g. migration */
    char *digest;     /* SHA-256 of the decisions, in hex; NULL: there are none */
    GPtrArray *stuck; /* of const ViewHostdev *: devices for which there is no plan */
    PlanOrder *order; /* NULL: not asked for */
};

typedef enum {
    PLAN_DEFAULT = 0,
    /* nothing about the plan goes into <metadata> */
    PLAN_NO_METADATA = 1 << 0,
    /* for a domain that runs, with a device in its XML that is to be plugged in: no spare port is
     * wanted, what has no address yet gets one, and <metadata> stays. Edits of anything but that
     * device tell what the running domain lacks */
    PLAN_LIVE = 1 << 1,
} PlanFlags;

/* Always returns a plan; look at ->valid. Takes over nothing. (transfer full) */
ViommuPlan *plan_new(const ViommuHost *host, const ViommuDomain *domain, const ViommuPolicy *policy,
                     const ViommuTarget *target, PlanFlags flags);
ViommuPlan *plan_ref(ViommuPlan *plan);
void plan_unref(ViommuPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ViommuPlan, plan_unref)

/* --- plan-order.c --- */

PlanOrder *plan_order_new(void);
void plan_order_free(PlanOrder *order);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PlanOrder, plan_order_free)
/* @device NULL: none that is left can come later; @rule and @would_help may be NULL */
void plan_order_refuse(PlanOrder *order, const PlanDevice *device, const char *rule,
                       const char *would_help, const char *reason);
/* Takes the order over; what it attaches leaves the planned domain. */
void plan_order_take(ViommuPlan *plan, PlanOrder *order);

/* --- plan-reserve.c --- */

/* Reserves windows on the ports of those devices (of PlanDevice *), which come later. FALSE: every
 * port has what its device needs. */
gboolean plan_reserve_later(ViommuPlan *plan, const GPtrArray *later);
