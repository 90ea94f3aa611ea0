/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions to the libvirt daemon. */
#pragma once

#include <viommu/viommu.h>

#define LIVE_URI "qemu:///system"

/* The running domains as they are now, read-only. Errors: libvirt is not there, or says no; one
 * line. (transfer full): of ViommuDomain */
GPtrArray *live_list_running(const char *uri, GError **error);
/* Which XML of a domain */
typedef enum {
    LIVE_NEXT,    /* as it will start next: virsh dumpxml --inactive */
    LIVE_RUNNING, /* as it runs; an error where it does not */
    /* the first with its secrets, for who defines it again: libvirt shows them to those who may
     * write */
    LIVE_NEXT_WHOLE,
} LiveState;

/* The domain of that name. Errors: as above, or there is none. (transfer full) */
ViommuDomain *live_find(const char *uri, const char *name, LiveState state, GError **error);
