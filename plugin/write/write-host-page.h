/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Labelled lines about one function or one group. */
#pragma once

#include "write-host.h"

#define WRITE_PAGE_LABEL 14

typedef struct {
    const ViommuHost *host;
    const WriteHostView *view;
    const HostDevice *device; /* NULL: a group's page */
    GString *out;
} WritePage;

void write_page_put(const WritePage *page, const char *label, const char *text);
/* Why the fact at @path below "devices/ADDRESS/" or "groups/ID/" is not known */
void write_page_unknown(const WritePage *page, const char *label, const char *list, const char *key,
                        const char *path);

/* (transfer full): addresses */
char *write_page_members(const HostGroup *group);
void write_page_shared(const WritePage *page, const HostGroup *group);
void write_page_viable(const WritePage *page, const HostGroup *group);
void write_page_reserved(const WritePage *page, const HostGroup *group);
