/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one function can have in a guest on this host, and the next step towards more. */
#pragma once

#include "host-decode.h"

typedef enum {
    HOST_ABILITY_UNKNOWN,
    HOST_ABILITY_NONE,   /* cannot be assigned */
    HOST_ABILITY_PLAIN,  /* assigned, but not behind a vIOMMU: it shares its group */
    HOST_ABILITY_SHADOW, /* behind a vIOMMU that is shadowed */
    HOST_ABILITY_NESTED, /* behind a vIOMMU with hardware stage 1 */
} HostAbility;

/* Whose shortcoming a reason tells; others with the same share it. */
typedef enum {
    HOST_SCOPE_DEVICE,
    HOST_SCOPE_GROUP,
    HOST_SCOPE_IOMMU,
} HostScope;

typedef struct {
    HostAbility ability;
    gboolean maybe_nested; /* SHADOW, and whether nesting works is not known */
    guint pasid_bits;      /* that a guest can have of it when nested; 0: none, or not known */
    HostScope scope;       /* of the reason */
    char *reason;          /* why not more, without its subject; NULL: it is NESTED */
    char *next_step;       /* what to do with this function or its group; NULL: nothing */
    HostScope step_scope;  /* GROUP: the step names the group, and is one for all its members */
} HostAdvice;

void host_advise(const ViommuHost *host, const HostDevice *device, HostAdvice *ret);
void host_advice_clear(HostAdvice *advice);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HostAdvice, host_advice_clear)

/* What an admin would do next with a function that can be assigned; @single: it is alone in its
 * group. (transfer full) (nullable) */
char *host_next_step(const ViommuHost *host, const HostDevice *device, const HostGroup *group,
                     gboolean single, HostScope *ret_scope);

/* What it is that vfio-pci refuses to bind unless loaded with disable_denylist=1; NULL: it binds.
 * (transfer none) */
const char *host_device_denied_as(const HostDevice *device);

/* Whether the group has a region of type "direct" (RMRR, IVMD, RMR), with which Linux refuses to
 * assign: sysfs tells it for the group, the kernel tests each function, and one is enough, since a
 * group is claimed as a whole (Linux 7.2 drivers/iommu/iommu.c:2404-2417, 3394-3411). */
BaseTri host_group_direct(const HostGroup *group);
