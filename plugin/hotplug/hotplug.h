/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether one device can be plugged into a running domain or out of it, and with which XML. */
#pragma once

#include "write.h"

typedef ViommuHotplug Hotplug;

typedef struct {
    char *text;       /* why it cannot work, one sentence */
    const char *rule; /* NULL */
    char *would_help; /* NULL: nothing while the domain runs */
} HotplugReason;

struct _ViommuHotplug {
    gint refs;
    gboolean detach;
    gboolean feasible;
    char *domain;        /* its name; NULL: it has none */
    char *alias;         /* of the device; NULL */
    char *address;       /* on the host; NULL */
    char *where;         /* "bus 4"; NULL */
    BaseU64 bus;         /* guest controller index */
    char *xml;           /* for virsh attach-device or detach-device; NULL unless feasible */
    gboolean usage_told; /* the next two are known: an attach that has a plan */
    ViommuUsage usage;
    ViommuMode mode;
    BaseU64 before, after; /* locked memory that the kernel may account, bytes */
    BaseU64 libvirt;       /* what libvirt sets at the attach; ABSENT: it leaves the limit alone */
    GPtrArray *first;      /* of char *: commands to run before */
    GPtrArray *reasons;    /* of HotplugReason: why not */
    GPtrArray *notes;      /* of char * */
};

/* @device: XML of a <hostdev> or an <interface type='hostdev'>; @name: of that file, for errors.
 * Fails where the device XML is not that; what keeps the domain from taking it is a reason.
 * (transfer full) */
Hotplug *hotplug_attach(const ViommuHost *host, const ViommuDomain *domain,
                        const ViommuPolicy *policy, const ViommuTarget *target, const char *device,
                        const char *name, GError **error);
/* @device: device XML as above, or the alias or host address of a device of the domain. Fails
 * where the domain has no such device. (transfer full) */
Hotplug *hotplug_detach(const ViommuHost *host, const ViommuDomain *domain,
                        const ViommuPolicy *policy, const ViommuTarget *target, const char *device,
                        const char *name, GError **error);
Hotplug *hotplug_ref(Hotplug *hotplug);
void hotplug_unref(Hotplug *hotplug);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Hotplug, hotplug_unref)

/* Where the policy wants no memory pinned at boot: takes those devices out of the planned domain
 * that can be attached after it with that effect, and tells why the others stay. */
void hotplug_order(ViommuPlan *plan);

/* The device XML without an XML declaration, checked to be one <hostdev> or hostdev <interface>; a
 * host address becomes a managed <hostdev>. (transfer full) */
char *hotplug_device_text(const char *device, const char *name, GError **error);
/* The domain with the device as the last of its <devices>. (transfer full) */
ViommuDomain *hotplug_with_device(const ViommuDomain *domain, const char *text, GError **error);

/* hotplug-1 documents: schemas/hotplug-1.schema.json. (transfer full) */
BaseJson *hotplug_to_json(const Hotplug *hotplug);
/* For people: what to do first and what to know, or why it cannot work; not the device XML. */
void hotplug_render(const Hotplug *hotplug, const WriteStyle *style, GString *out);
