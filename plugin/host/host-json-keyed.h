/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of objects that one of their members names, and that are plain otherwise. */
#pragma once

#include "host-fields.h"
#include "host-json-lists.h"

typedef struct {
    const char *member; /* of the object that has the list */
    const char *key;    /* of each element: its name */
    const HostField *fields;
    /* Adds an element, whose struct begins with "char *name". (transfer none) */
    gpointer (*add)(gpointer owner, const char *name);
} HostJsonKeyed;

extern const HostJsonKeyed host_json_mdev; /* owner: HostDevice */
/* owner: ViommuHost */
extern const HostJsonKeyed host_json_hugepages, host_json_pinned, host_json_options, host_json_qemu;
extern const HostJsonKeyed host_json_vdpa; /* owner: ViommuHost */

gboolean host_json_load_keyed(const BasePlace *object, const HostJsonKeyed *list, gpointer owner,
                              BaseState *state, GError **error);
/* @items may be NULL: none */
void host_json_save_keyed(BaseJson *object, const HostJsonKeyed *list, BaseState state,
                          const GPtrArray *items);
