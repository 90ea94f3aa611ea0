/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A directory tree being read into facts; the parts of host_read_tree(). */
#pragma once

#include "host-facts.h"
#include "host-sys.h"

typedef struct {
    int root; /* descriptor of the tree's top */
    gboolean live;
    ViommuHost *host; /* being filled */
    char *kconfig;    /* the kernel's build configuration; NULL: not readable */
} HostTree;

/* Notes in host->reasons why @fact could not be read from @file. */
void host_tree_failed(HostTree *tree, const char *fact, const char *file, int failed);
/* ENOENT although the directory around it is there: known not to exist, not just left out of a
 * recorded tree. @parent is the directory that a kernel always has. */
gboolean host_tree_absent(const HostTree *tree, int failed, const char *parent);
/* Whether the kernel was built with an option; UNKNOWN where its configuration is not readable. */
BaseTri host_tree_config(const HostTree *tree, const char *option);

void host_tree_read_system(HostTree *tree);  /* kernel, arch, memory, versions */
void host_tree_read_memlock(HostTree *tree); /* the libvirt daemon's limits */
void host_tree_read_vfio(HostTree *tree);    /* needs the devices */
void host_tree_read_iommus(HostTree *tree);
void host_tree_read_groups(HostTree *tree);
void host_tree_read_devices(HostTree *tree);
void host_tree_read_vdpa(HostTree *tree);
/* Types of mediated devices of the function whose directory is @dir; 0 or an errno value */
int host_tree_read_mdev(int dir, HostDevice *device);
