/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where host facts come from. */
#pragma once

#include "host-facts.h"

#include "base-json.h"

typedef enum {
    HOST_READ_DEFAULT = 0,
    /* also read config space of every function: wakes sleeping devices, milliseconds each */
    HOST_READ_CONFIG = 1 << 0,
} HostReadFlags;

/* Reads the tree below @root ("/" for the running host). Facts that cannot be read are unknown
 * with a reason; an error only where @root itself is no readable directory. (transfer full) */
ViommuHost *host_read_tree(const char *root, HostReadFlags flags, GError **error);
/* Reads of that tree only the functions at @addresses (of BasePci), their groups with what the
 * other members are judged by, and their IOMMUs: time does not grow with the host. A function that
 * is not there is known to be absent, as in the whole tree; lists hold nothing else, so rules may
 * look up but not count. Limits are those of the libvirt daemon that started us. Errors: as above.
 */
ViommuHost *host_read_named(const char *root, const GArray *addresses, GError **error);
/* (transfer full) (nullable): differs from boot to boot; NULL: /proc does not tell */
char *host_boot_id(const char *root);
/* Reads one function's config space into facts made by host_read_tree(); does nothing for saved
 * documents, unknown functions, and functions that have been read before. */
void host_read_config(ViommuHost *host, BasePci address);

/* host-1 documents; load and save round-trip to the same document. */
ViommuHost *host_json_load(const char *path, GError **error);
ViommuHost *host_json_parse(BaseJson *value, const char *name, GError **error);
BaseJson *host_json_save(const ViommuHost *host);
/* The same with what follows from the facts: "decoded", "notes" and "verdict". */
BaseJson *host_json_describe(const ViommuHost *host);
/* Asks the QEMU @program (a path, or a name in PATH) for its version and the properties of its
 * devices, for at most ten seconds; replaces what the facts had of them. Starts a process. */
gboolean host_ask_qemu(ViommuHost *host, const char *program, GError **error);
/* Facts of which nothing is known ("--host none") */
ViommuHost *host_facts_none(void);
