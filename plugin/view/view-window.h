/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The window of Arm virt for BARs that do not go below 4 GiB. */
#pragma once

#include "view.h"

/* QEMU 11.1 hw/arm/virt.c:228, the same in 7.2.0 :183: the default, and the least that it takes */
#define VIEW_WINDOW_DEFAULT (G_GUINT64_CONSTANT(512) << 30)
/* <pcihole64> of pcie-root is QEMU's highmem-mmio-size: 11.3 refuses it for virt, 12.8.0 takes it,
 * both run; between them nothing was. */
#define VIEW_WINDOW_LIBVIRT_NOT BASE_VERSION(11, 4, 0)
#define VIEW_WINDOW_LIBVIRT     BASE_VERSION(12, 8, 0)

typedef struct {
    guint64 reserved;           /* of need: bytes that empty ports reserve */
    guint64 need;               /* bytes of the BARs that are known; no alignment: a lower bound */
    guint devices;              /* that have such BARs */
    const ViewHostdev *missing; /* one whose BARs are not known; NULL: all are */
    BaseU64 have;               /* bytes; UNKNOWN: set by hand, or a size that is not taken */
    gboolean by_hand;           /* in qemu:commandline */
} ViewWindow;

/* FALSE: not a machine whose window has a size that somebody chose */
gboolean view_window(const View *view, ViewWindow *ret);
/* A size that QEMU takes and that holds @need bytes */
guint64 view_window_for(guint64 need);
