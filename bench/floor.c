/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The least that reading a host can cost: opens, reads and closes once what the reader wants of a
 * tree of sysfs-tree.py, and looks at nothing.  usage: floor DIR
 */
#include "floor.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
open_dir(int at, const char *path)
{
    return openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void
read_file(int at, const char *name)
{
    char text[4096];
    int fd = openat(at, name, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    while (read(fd, text, sizeof text) > 0)
        continue;
    close(fd);
}

static void
read_link(int at, const char *name)
{
    char text[4096];

    if (readlinkat(at, name, text, sizeof text) < 0)
        return;
}

static void
list(int at, const char *path)
{
    DIR *dir = fdopendir(open_dir(at, path));

    while (dir && readdir(dir))
        continue;
    if (dir)
        closedir(dir);
}

static void
read_function(int dir)
{
    static const char *const files[] = {"vendor",       "device",         "class",
                                        "numa_node",    "sriov_totalvfs", "sriov_numvfs",
                                        "reset_method", "resource"};
    static const char *const links[] = {"iommu", "iommu_group", "driver", "physfn"};

    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        read_file(dir, files[i]);
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        read_link(dir, links[i]);
    list(dir, "vfio-dev");
    list(dir, "mdev_supported_types");
}

static void
read_unit(int dir)
{
    read_file(dir, "intel-iommu/cap");
    read_file(dir, "intel-iommu/ecap");
    read_file(dir, "intel-iommu/domains_supported");
    read_file(dir, "intel-iommu/domains_used");
}

static void
read_group(int dir)
{
    read_file(dir, "type");
    read_file(dir, "name");
    read_file(dir, "reserved_regions");
    list(dir, "devices");
}

static void
read_each(int root, const char *path, int links, void (*read_one)(int dir))
{
    int at = open_dir(root, path);
    DIR *dir = fdopendir(dup(at));
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        int one = *entry->d_name == '.' ? -1 : open_dir(at, entry->d_name);

        if (one < 0)
            continue;
        if (links)
            read_link(at, entry->d_name);
        read_one(one);
        close(one);
    }
    if (dir)
        closedir(dir);
    close(at);
}

int
floor_read(const char *path)
{
    int root = open_dir(AT_FDCWD, path);

    if (root < 0)
        return -1;
    read_file(root, "proc/cmdline");
    read_file(root, "proc/meminfo");
    read_each(root, "sys/class/iommu", 0, read_unit);
    read_each(root, "sys/kernel/iommu_groups", 0, read_group);
    read_each(root, "sys/bus/pci/devices", 1, read_function);
    close(root);
    return 0;
}

#ifndef FLOOR_IS_A_PART
int
main(int argc, char **argv)
{
    if (argc == 2 && floor_read(argv[1]) == 0)
        return 0;
    fputs("usage: floor DIR\n", stderr);
    return 2;
}
#endif
