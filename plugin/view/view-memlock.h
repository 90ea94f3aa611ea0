/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Locked memory: what the kernel may charge, what is really pinned, what libvirt will set. */
#pragma once

#include "view.h"

typedef struct {
    BaseU64 accounted; /* bytes the kernel may charge to QEMU: sets RLIMIT_MEMLOCK */
    BaseU64 pinned;    /* accounted without the slack: less than this surely fails */
    BaseU64 ceiling;   /* accounted once memory is hot-plugged up to <maxMemory> */
    BaseU64 resident;  /* bytes really pinned, RAM once */
    BaseU64 libvirt;   /* what this libvirt sets by itself; ABSENT: it leaves the limit alone;
                          G_MAXUINT64: unlimited */
    BaseU64 others;  /* bytes that other domains of this host keep pinned, where the kernel adds all
                        domains of a user up; ABSENT: it does not */
    BaseU64 allowed; /* hard limit of the daemon that starts QEMU */
    BaseTri can_raise; /* whether that daemon may raise it */
    guint spaces;      /* DMA address spaces that hold guest RAM */
    char *formula;     /* of accounted: "2 address spaces x 96 GiB + 1 GiB" */
    char *libvirt_formula;
    const char *source, *libvirt_source; /* static: where the formula was read */
} ViewMemlock;

/* The figures of the domain as it is written, with @extra more assigned devices hot-plugged. */
ViewMemlock *view_memlock(const View *view, guint extra);
void view_memlock_free(ViewMemlock *memlock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ViewMemlock, view_memlock_free)

/* Who opens an iommufd without CAP_SYS_RESOURCE leaves it in the kernel's default accounting: the
 * sum over all processes of the user is compared with the limit of the one that maps (Linux 7.2
 * drivers/iommu/iommufd/pages.c:956-973, ioas.c:593-625). */
gboolean view_counts_per_user(const View *view);
/* Whether it would once a device has the iommufd backend by its XML */
gboolean view_would_count_per_user(const View *view);

/* libvirt counts each device where there is an <iommu> element, whether it covers them or not; one
 * from qemu:commandline it does not know of. */
gboolean view_libvirt_sees_viommu(const View *view);

/* The formula alone, for plans, which change the spaces: (@spaces + vDPA + NVMe + locked) x RAM +
 * slack, and its text. @hostdevs, @any_viommu: what libvirt will count. */
ViewMemlock *view_memlock_of(const View *view, guint spaces, guint hostdevs, gboolean any_viommu);
