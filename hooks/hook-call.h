/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One call by libvirt: "50-viommu DOMAIN OPERATION SUB-OPERATION EXTRA", the domain on stdin. */
#pragma once

#include <glib.h>

typedef enum {
    HOOK_OTHER, /* nothing to do: started, stopped, attach, and what later versions bring */
    HOOK_PREPARE,
    HOOK_START,
    HOOK_RELEASE,
    HOOK_RECONNECT,
    HOOK_MIGRATE,
    HOOK_RESTORE,
} HookOperation;

typedef struct {
    const char *domain, *name; /* of the domain and of the operation, as libvirt says them */
    HookOperation operation;
    char *xml;
    gsize length;
    gint64 begin; /* monotonic time in microseconds */
} HookCall;

/* What the hook may take where the policy has not been read yet; the policy's own default. */
#define HOOK_TIME_LIMIT_MS 2000
/* libvirt itself takes no longer document over its protocol (4 MiB); ours is viommu-domain.h's. */
#define HOOK_XML_LIMIT ((gsize)32 * 1024 * 1024)
