/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One folder of tests/xml: a domain, the host and target that it is judged for, what is expected.
 */
#pragma once

#include "rule.h"

typedef struct {
    char *name; /* of the folder: "<family>-<condition>" */
    char *dir;
    BaseJson *host_document; /* NULL: host "none" */
    ViommuHost *host;
    ViommuDomain *domain;
    ViommuPolicy *policy;
    ViommuTarget target;
    gboolean plan; /* the case wants a plan too */
} GoldenCase;

/* Names of all folders, sorted, of char *. (transfer full) */
GPtrArray *golden_names(void);
/* A broken case is a broken test: stops with a message. (transfer full) */
GoldenCase *golden_load(const char *name);
void golden_free(GoldenCase *golden);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GoldenCase, golden_free)

/* (transfer full): the report of that case; @host NULL: the case's own */
ViommuReport *golden_check(const GoldenCase *golden, const ViommuHost *host);
/* Whether the file of the case holds @text; prints the lines that differ. With
 * VIOMMU_TEST_REGENERATE=1 the file is written instead. */
void golden_compare(const GoldenCase *golden, const char *file, const char *text);
/* As above for any file, by path */
void golden_compare_file(const char *path, const char *text);
