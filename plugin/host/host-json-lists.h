/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loading the lists of a host-1 document; what host-json.c puts together. */
#pragma once

#include "base-json.h"
#include "host-facts.h"

/* A list member: missing is unknown, null is known to be absent. */
gboolean host_json_list(const BasePlace *list, BaseState *state, GError **error);
/* Reads a required string and refuses one that is in @seen already. */
gboolean host_json_key(const BasePlace *object, const char *key, GHashTable *seen, const char **ret,
                       GError **error);

gboolean host_json_load_iommus(const BasePlace *root, ViommuHost *host, GError **error);
/* @members gains "address" -> group id + 1 for every listed member */
gboolean host_json_load_groups(const BasePlace *root, ViommuHost *host, GHashTable *members,
                               GError **error);
gboolean host_json_load_devices(const BasePlace *root, ViommuHost *host, GError **error);
