/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hosts, domains and policies by the throw of a die: the same seed gives the same. */
#pragma once

#include "policy.h"

/* Texts of recorded host documents. (transfer full) */
GPtrArray *random_recorded_hosts(void);
/* One of them, mostly as it is, else with a few facts forgotten or changed. (transfer full) */
BaseJson *random_host_document(GRand *random, const GPtrArray *texts);
/* A domain with devices of that host: bare, as libvirt would print it, or half right.
 * (transfer full) */
char *random_domain(GRand *random, BaseJson *host);
/* The same with one thing of it changed or taken out; NULL: nothing to change. (transfer full) */
char *random_damage(GRand *random, const char *domain);
/* A policy-1 document. (transfer full) */
char *random_policy(GRand *random);

gboolean random_chance(GRand *random, guint percent);
/* One of a NULL-terminated list. (transfer none) */
const char *random_word(GRand *random, const char *const *words);
