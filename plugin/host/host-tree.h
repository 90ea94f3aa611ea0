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
/* The same where others might have told as well: @otherwise, unless the way to @file is barred. */
void host_tree_missing(HostTree *tree, const char *fact, const char *file, int failed,
                       const char *otherwise);
/* ENOENT although the directory around it is there: known not to exist, not just left out of a
 * recorded tree. @parent is the directory that a kernel always has. */
gboolean host_tree_absent(const HostTree *tree, int failed, const char *parent);
/* Whether the kernel was built with an option; UNKNOWN where its configuration is not readable. */
BaseTri host_tree_config(const HostTree *tree, const char *option);

/* An address as the kernel writes it, and no other spelling of it: each function has one name. */
gboolean host_tree_address(const char *name, BasePci *ret);

/* Process ids below /proc, as they are named there; 0 or an errno value. (transfer full) */
int host_tree_list_processes(HostTree *tree, GPtrArray **ret);
/* What keeps processes out of that list; NULL: nothing that shows. (transfer none) */
const char *host_tree_hides_processes(const HostTree *tree, GPtrArray *pids);

void host_tree_read_system(HostTree *tree);  /* kernel, arch, memory, versions */
void host_tree_read_memlock(HostTree *tree); /* the libvirt daemon's limits */
/* The same of the daemon that started us, or else named itself in a pid file: without a look at
 * each process */
void host_tree_read_own_memlock(HostTree *tree);
void host_tree_read_unit(HostTree *tree);      /* what systemd will give it; after the above */
void host_tree_read_limits(HostTree *tree);    /* huge pages, pinned memory, module switches */
void host_tree_read_vfio(HostTree *tree);      /* needs the devices */
void host_tree_read_isolation(HostTree *tree); /* of interrupts; needs the IOMMUs */
void host_tree_read_iommus(HostTree *tree);
void host_tree_read_groups(HostTree *tree);
void host_tree_read_devices(HostTree *tree);
void host_tree_read_vdpa(HostTree *tree);

/* One of each, where it is there */
void host_tree_read_iommu(HostTree *tree, const char *name);
void host_tree_read_group(HostTree *tree, guint id);
void host_tree_read_device(HostTree *tree, BasePci address);
/* Of a function only what is asked of the other members of a group, and of a VF's PF: class,
 * driver, network interface, and whether it is a VF itself */
void host_tree_read_neighbour(HostTree *tree, BasePci address);
/* Types of mediated devices of the function whose directory is @dir; 0 or an errno value */
int host_tree_read_mdev(HostTree *tree, int dir, HostDevice *device);
/* Its network interface, after its class and driver; the same. A recorded tree may lack the folder,
 * which tells nothing there. */
int host_tree_read_net(HostTree *tree, int dir, HostDevice *device);
