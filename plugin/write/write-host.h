/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of write_host_text(). */
#pragma once

#include "host-advice.h"
#include "write-notes.h"
#include "write.h"

#define WRITE_GREEN  "32"
#define WRITE_RED    "31"
#define WRITE_YELLOW "33"
#define WRITE_BOLD   "1"

/* (transfer full): @text in colour where the style has colours */
char *write_colored(const char *text, const char *color, const WriteStyle *style);
const char *write_tri_word(BaseTri tri);
/* (transfer full): "yes", "no" or "?" in its colour */
char *write_tri(BaseTri tri, const WriteStyle *style);
/* "VT-d", "SMMUv3", … */
const char *write_iommu_kind(const HostIommu *iommu);

/* One word for what the function is: "GPU", "network" */
const char *write_class_word(const HostDevice *device);
/* (transfer none) (nullable): as the caller's database has it */
const char *write_name_of(const WriteHostView *view, const HostDevice *device, ViommuNameKind kind);
/* (transfer full): what to call it in a table: maker and model, as short as they are told apart */
char *write_device_name(const WriteHostView *view, const HostDevice *device);

/* What a function can have in a guest: "nested, 20 bit", and its colour. (transfer full) */
char *write_ability(const HostAdvice *advice, const char **ret_color);

/* (transfer full) (nullable): why the members of a group are together, where that is known */
char *write_shared_because(const ViommuHost *host, const HostGroup *group);

/* What the parts say to be told once, at the end. */
typedef struct {
    WriteNotes *reasons; /* why not more */
    WriteNotes *steps;   /* what to do */
} WriteHostNotes;

/* The tree: IOMMUs, their groups, the functions in them. */
void write_host_tree(const ViommuHost *host, const WriteHostView *view, WriteHostNotes *notes,
                     GString *out);
/* Everything that is known of one function, and of one group. */
void write_host_device(const ViommuHost *host, const WriteHostView *view, const HostDevice *device,
                       GString *out);
void write_host_group(const ViommuHost *host, const WriteHostView *view, const HostGroup *group,
                      GString *out);
/* Every field of every register, with its meaning. */
void write_host_registers(const ViommuHost *host, const WriteStyle *style, GString *out);
/* The daemon's limit, pinned memory, huge pages, unsafe switches; nothing where none is known. */
void write_host_limits(const ViommuHost *host, const WriteStyle *style, GString *out);
