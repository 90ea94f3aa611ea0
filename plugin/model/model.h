/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The read view of a domain XML over the document that libxml2 parsed. It states what is written
 * and what libvirt will make of it; it judges nothing. All nodes are borrowed from the document.
 */
#pragma once

#include "base-pci.h"
#include "base-types.h"
#include "base-xml.h"

#include <viommu/viommu-types.h>

#define MODEL_QEMU_NAMESPACE   "http://libvirt.org/schemas/domain/qemu/1.0"
#define MODEL_INTENT_NAMESPACE "urn:virt-viommu:domain:1"
#define MODEL_PLAN_NAMESPACE   "urn:virt-viommu:plan:1"
#define MODEL_NO_IOMMU_MODEL   "(no model)"

/* Byte offsets of one element in the source text. */
typedef struct {
    gsize start;        /* of '<' */
    gsize tag_end;      /* behind the '>' of the start tag */
    gsize content_end;  /* of the '<' of the end tag; == tag_end for <a/> */
    gsize end;          /* behind the element */
    guint line, column; /* of start, from 1; column counts bytes */
    guint character;    /* the same column in characters */
    gboolean empty_tag; /* written <a/> */
} ModelSpan;

/* Byte offsets of one attribute in a start tag. */
typedef struct {
    gsize start;     /* of its name */
    gsize name_end;  /* behind its name */
    gsize value;     /* behind the opening quote */
    gsize value_end; /* of the closing quote */
    char quote;      /* ' or " */
} ModelAttributeSpan;

typedef enum {
    MODEL_ADDRESS_NONE,      /* no PCI address, and libvirt will not give one */
    MODEL_ADDRESS_WRITTEN,   /* <address type='pci' …> with bus and slot */
    MODEL_ADDRESS_PREDICTED, /* not written; where libvirt's own rules would place it */
    MODEL_ADDRESS_UNKNOWN,   /* libvirt will place it, we cannot tell where */
} ModelAddressKind;

typedef struct {
    ModelAddressKind kind;
    BasePci pci;            /* guest address; bus = index of the controller it is plugged into */
    gboolean multifunction; /* multifunction='on' */
    xmlNode *node;          /* the <address> element or NULL */
} ModelAddress;

/* Whether somebody wrote both into one slot */
static inline gboolean
model_address_share_slot(const ModelAddress *a, const ModelAddress *b)
{
    return a->kind == MODEL_ADDRESS_WRITTEN && b->kind == MODEL_ADDRESS_WRITTEN &&
           a->pci.domain == b->pci.domain && a->pci.bus == b->pci.bus && a->pci.slot == b->pci.slot;
}

typedef enum {
    MODEL_BUS_PCIE_ROOT,
    MODEL_BUS_PCI_ROOT,
    MODEL_BUS_ROOT_PORT,
    MODEL_BUS_UPSTREAM,   /* pcie-switch-upstream-port */
    MODEL_BUS_DOWNSTREAM, /* pcie-switch-downstream-port */
    MODEL_BUS_PXB_PCIE,   /* pcie-expander-bus */
    MODEL_BUS_PXB,        /* pci-expander-bus */
    MODEL_BUS_PCI_BRIDGE,
    MODEL_BUS_PCIE_TO_PCI,
    MODEL_BUS_DMI_TO_PCI,
    MODEL_BUS_OTHER,
} ModelBusKind;

/* A PCI controller; index 0 exists even where it is not written (node is NULL then). */
typedef struct {
    xmlNode *node;
    gboolean added; /* one of added_controllers */
    /* texts are those of the document */
    const char *alias; /* NULL when not written */
    guint index;       /* == guest bus number in libvirt's addresses */
    ModelBusKind kind;
    const char *model;      /* text of @model, or what libvirt takes; "pci controller": neither */
    const char *model_name; /* <model name=…>: "ioh3420", "pcie-root-port", …; NULL */
    ModelAddress address;
    BaseU64 bus_nr; /* <target busNr>; pxb only */
    BaseU64 chassis, port;
    BaseU64 numa_node;   /* <target><node>; guest cell */
    BaseU64 mem_reserve; /* bytes */
    BaseU64 hole64;      /* bytes; <pcihole64> of a root bus; UNKNOWN: no size */
    BaseTri hotplug;     /* <target hotplug>; NO = off */
} ModelController;

typedef enum {
    MODEL_HOSTDEV_PCI,       /* <hostdev type='pci'> */
    MODEL_HOSTDEV_INTERFACE, /* <interface type='hostdev'> */
    MODEL_HOSTDEV_NETWORK,   /* <interface type='network'>: may turn out to be one at start */
    MODEL_HOSTDEV_MDEV,
} ModelHostdevKind;

typedef struct {
    xmlNode *node;
    char *alias;
    ModelHostdevKind kind;
    BasePci host;        /* PCI kinds */
    gboolean host_known; /* FALSE: source address missing or malformed */
    char *mdev_uuid;
    char
        *source_text; /* what it is on the host: "0000:3b:00.0", or an mdev's UUID; NULL: neither */
    char *network;    /* name, for kind NETWORK */
    gboolean managed;
    BaseTri iommufd; /* effective: <driver iommufd=>, else <iommufd enabled=> of the domain */
    gboolean iommufd_written; /* on the device itself */
    gboolean iommufd_by_hand; /* by qemu:override: libvirt knows nothing of it */
    GHashTable *properties;   /* char * -> char *: from qemu:override; "" for type='remove' */
    xmlNode *driver;          /* <driver> or NULL */
    xmlNode *source_address;
    ModelAddress address; /* in the guest */
} ModelHostdev;

/* An emulated device that sits (or will sit) on a PCI bus of the guest. */
typedef struct {
    xmlNode *node;
    char *alias;
    char *what; /* "virtio-net", "usb controller qemu-xhci": for messages */
    ModelAddress address;
    gboolean conventional; /* libvirt places it as conventional PCI */
    gboolean implicit;     /* libvirt adds it by itself; node is NULL */
    BaseTri driver_iommu;  /* <driver iommu='on|off'> of virtio devices */
    guint rank;            /* private to this room: class in libvirt's order of placement */
    guint index;           /* of a controller: @index or what libvirt gives it */
    guint late;            /* private: of a controller that libvirt adds, its turn; else 0 */
} ModelEndpoint;

typedef enum {
    MODEL_IOMMU_INTEL,
    MODEL_IOMMU_AMD,
    MODEL_IOMMU_VIRTIO,
    MODEL_IOMMU_SMMUV3,
    MODEL_IOMMU_OTHER,
} ModelIommuKind;

typedef struct {
    xmlNode
        *node; /* <iommu>; for one from qemu:commandline the <qemu:arg>; NULL if libvirt adds it */
    char *alias;
    ModelIommuKind kind;
    char *model;            /* text of @model; MODEL_NO_IOMMU_MODEL: not written */
    gboolean commandline;   /* hidden in qemu:commandline: libvirt does not know of it */
    gboolean implicit;      /* libvirt adds it (more than 255 vCPUs) */
    xmlNode *driver;        /* <driver> or NULL */
    GHashTable *attributes; /* char * -> char *: of <driver> as written; for a commandline one
                               the QEMU properties in QEMU's spelling */
    GHashTable *properties; /* char * -> char *: QEMU properties from qemu:override that reach it;
                               they win over attributes. "" for type='remove' */
    GHashTable *globals;    /* char * -> char *: from `-global MODEL.property=value`; attributes and
                               properties win over them */
    BaseU64 granule;        /* bytes from <granule size>; ABSENT: mode='host' */
    ModelAddress address;   /* virtio and amd only */
} ModelIommu;

/* One <qemu:device alias=…> of qemu:override */
typedef struct {
    xmlNode *node;
    char *alias;
    GPtrArray *names, *types, *values; /* of char *, same length */
    gboolean matched; /* some device has that alias; else libvirt ignores it without a word */
} ModelOverride;

typedef struct {
    xmlNode *node;
    char *alias; /* "ua-gpu0" */
    gboolean usage_set;
    ViommuUsage usage;
    BaseU64 pasid_bits;
} ModelIntentDevice;

/* Why libvirt's assignment of PCI addresses refuses a domain */
typedef enum {
    MODEL_REFUSAL_NONE,       /* it does not, but what it does is beyond us */
    MODEL_REFUSAL_DOMAIN,     /* a PCI domain other than 0 */
    MODEL_REFUSAL_BUS,        /* no such bus, and none that libvirt would add */
    MODEL_REFUSAL_KIND,       /* the bus takes no device of that kind */
    MODEL_REFUSAL_INTEGRATED, /* a device of the chipset: on bus 0 only */
    MODEL_REFUSAL_SLOT,       /* the bus has no such slot */
    MODEL_REFUSAL_TAKEN,      /* another device, or one of the chipset, has that function */
    MODEL_REFUSAL_ROOM,       /* no address is written, and no place is left */
} ModelRefusalKind;

typedef struct {
    ModelRefusalKind kind;
    const xmlNode *node; /* of the device; NULL: one that libvirt adds */
    BasePci place;       /* what was written; of TAKEN also what the chipset needs. Not for ROOM */
    guint first, last;   /* of SLOT: the slots of that bus */
} ModelRefusal;

struct _ViommuDomain {
    gint refs;
    char *file; /* as given, for messages */
    char *text; /* the source, NUL-terminated */
    gsize length;
    xmlDoc *doc;
    xmlNode *root, *devices, *features;
    GArray *spans; /* of ModelSpan, in document order of elements */

    char *name, *uuid;
    char *type;           /* "kvm", "qemu", … */
    char *arch, *machine; /* machine as written: "q35", "pc-q35-9.1", "virt-11.1" */
    char *emulator;
    gboolean is_q35, is_virt, is_i440fx;
    gboolean virtio_mmio;    /* virtio devices without address become virtio-mmio ones */
    BaseU64 machine_version; /* BASE_VERSION(9,1,0); ABSENT: alias ("q35"), newest of that QEMU */
    gboolean acpi;
    gboolean uefi; /* a pflash loader or firmware='efi' */
    char *ioapic;  /* driver attribute; NULL */
    guint vcpus;   /* maximum */
    guint numa_cells;
    guint64 memory;     /* bytes at start: initial + memory devices (dimm, nvdimm, virtio-mem) */
    guint64 max_memory; /* bytes; <maxMemory>, or memory when not written */
    gboolean locked;    /* <memoryBacking><locked/> */
    gboolean hugepages;
    xmlNode *hard_limit_node;
    BaseU64 hard_limit; /* bytes; ABSENT: not written */
    guint nvme_disks, vdpa_devices;
    BaseTri iommufd_enabled; /* <iommufd enabled=>; UNKNOWN: not written */
    xmlNode *iommufd_node;
    char *iommufd_fdgroup;

    gsize placed;                 /* private: whether model_domain_place() has been here */
    GPtrArray *controllers;       /* of ModelController, ascending index */
    GPtrArray *added_controllers; /* of ModelController, ascending index: libvirt will add them for
                                     devices without address; addresses are predicted ones */
    GArray *refusals;             /* of ModelRefusal; then no place is predicted */
    GPtrArray *hostdevs;          /* of ModelHostdev, document order */
    GPtrArray *endpoints;         /* of ModelEndpoint, in the order in which libvirt places them */
    GPtrArray *iommus;            /* of ModelIommu; <iommu> first, then hidden ones */
    guint unread_hostdevs;        /* <hostdev> of which we, and libvirt, know no kind */
    GPtrArray *overrides;         /* of ModelOverride */
    GPtrArray *arguments;         /* of xmlNode *: <qemu:arg> */
    GPtrArray *hidden_hostdevs;   /* of xmlNode *: the <qemu:arg> that make a vfio-pci device */
    xmlNode *commandline, *override_root;

    xmlNode *intent;           /* <viommu:intent> or NULL */
    GPtrArray *intent_devices; /* of ModelIntentDevice */
    BaseU64 intent_ports;      /* <viommu:hotplug ports=> */
    xmlNode *plan_node;        /* what we wrote earlier */
};

/* Parses a <domain> document. Refuses what is not well-formed, larger than BASE_FILE_LIMIT, has a
 * DTD, is UTF-16, or has another root element; one error "file:line: …". (transfer full) */
ViommuDomain *model_domain_parse(const char *text, gsize length, const char *file, GError **error);
ViommuDomain *model_domain_load(const char *path, GError **error);
/* Finds out, once, where devices sit and what libvirt will add: endpoints, added_controllers,
 * refusals and every address that is not written are empty or UNKNOWN until then. Apart from
 * parsing, because it takes a third as long again and few domains concern us. */
void model_domain_place(const ViommuDomain *domain);
ViommuDomain *model_domain_ref(ViommuDomain *domain);
void model_domain_unref(ViommuDomain *domain);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ViommuDomain, model_domain_unref)

/* Where an element stands in the source; never NULL for an element of the document. */
const ModelSpan *model_span(const ViommuDomain *domain, const xmlNode *element);
/* Finds the attribute written @name (qualified) in the start tag of @element. */
gboolean model_span_attribute(const ViommuDomain *domain, const xmlNode *element, const char *name,
                              ModelAttributeSpan *ret);
/* Goes through the attributes of a start tag: *cursor is 0 at first. FALSE: no more. */
gboolean model_span_next_attribute(const ViommuDomain *domain, const ModelSpan *span, gsize *cursor,
                                   ModelAttributeSpan *ret);
/* (transfer full): "/domain/devices/hostdev[2]". @places (nullable; of direct keys) keeps what was
 * counted: a domain may have thousands of devices, and a finding for each. */
char *model_xpath(const xmlNode *element, GHashTable *places);

/* Whether this is an assigned device for sure: <interface type='network'> may turn into one only
 * at start, and address type='unassigned' keeps one off the guest. */
static inline gboolean
model_is_assigned(const ModelHostdev *hostdev)
{
    return hostdev->kind != MODEL_HOSTDEV_NETWORK && hostdev->address.kind != MODEL_ADDRESS_NONE;
}

/* What a message calls the machine type, in quotes or not */
static inline const char *
model_machine_text(const ViommuDomain *domain)
{
    return domain->machine ? domain->machine : "(default)";
}

/* Whether libvirt knows the type of this <address> of a device in the guest */
gboolean model_address_is_known(const xmlNode *address);
/* Whether libvirt knows the mode and type of this <hostdev> */
gboolean model_hostdev_is_known(const xmlNode *node);

/* @value of @unit in bytes (libvirt's virScaleInteger); FALSE: unknown unit or overflow */
gboolean model_scale(guint64 value, const char *unit, guint64 *ret);

/* First child element of that name (no namespace), or NULL; @parent may be NULL. */
xmlNode *model_child(const xmlNode *parent, const char *name);
/* Value of the attribute of that name (no namespace), or NULL; @element may be NULL. It lives as
 * long as the domain. */
const char *model_value(const xmlNode *element, const char *name);
/* A copy of it. (transfer full) (nullable) */
char *model_attribute(const xmlNode *element, const char *name);

/* Also one that libvirt will add; NULL: none of that index */
const ModelController *model_controller(const ViommuDomain *domain, guint index);
/* Index of the root bus (0 or a pxb) above controller @index; G_MAXUINT: unknown or a loop */
guint model_root_bus(const ViommuDomain *domain, guint index);
/* Whether a conventional PCI bridge stands between controller @index and its root bus */
gboolean model_behind_conventional(const ViommuDomain *domain, guint index);
/* Whether a device can be hot-added into this controller and none is there: a free root port or
 * downstream port with hotplug not off. */
gboolean model_port_is_free(const ViommuDomain *domain, const ModelController *port);
