/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "view-window.h"

#include <string.h>

#include "base-text.h"
#include "view-bars.h"

/* The window below 4 GiB has less than 1 GiB (QEMU 11.1 hw/arm/virt.c, VIRT_PCIE_MMIO). */
#define LEAST_HIGH_BAR (G_GUINT64_CONSTANT(1) << 30)

/* FALSE: not known */
static gboolean
high_bars(const ViewHostdev *hostdev, guint64 *ret)
{
    const HostDevice *fact = hostdev->fact;

    *ret = 0;
    if (!fact || fact->bars_state == BASE_STATE_UNKNOWN)
        return FALSE;
    for (guint i = 0; fact->bars && i < fact->bars->len; i++) {
        const HostBar *bar = &g_array_index(fact->bars, HostBar, i);

        if (!bar->io && bar->size >= LEAST_HIGH_BAR)
            *ret = base_saturating_add(*ret, bar->size);
    }
    return TRUE;
}

static gboolean
is_function(const ViewHostdev *hostdev)
{
    return view_is_assigned(hostdev) && hostdev->dev->kind != MODEL_HOSTDEV_MDEV &&
           !hostdev->absent;
}

static gboolean
is_chosen_by_hand(const ViommuDomain *domain)
{
    for (guint i = 0; i < domain->arguments->len; i++) {
        const char *value = model_value(domain->arguments->pdata[i], "value");

        if (value && strstr(value, "highmem"))
            return TRUE;
    }
    return FALSE;
}

/* Firmware gives them out whether somebody comes or not. */
static guint64
reserved_windows(const View *view)
{
    guint64 sum = 0;

    for (guint i = 0; i < view->domain->controllers->len; i++) {
        const ModelController *port = view->domain->controllers->pdata[i];
        ViewReserve reserve = view_reserve(view, port);

        if (reserve.prefetchable >= LEAST_HIGH_BAR && model_port_is_free(view->domain, port))
            sum = base_saturating_add(
                sum,
                view_reserve_window(reserve.prefetchable, view_windows_are_aligned(view->domain)));
    }
    return sum;
}

static BaseU64
size_of(const View *view)
{
    const ModelController *root = model_controller(view->domain, 0);
    guint64 libvirt = view->target.libvirt;

    if (!root || root->hole64.state == BASE_STATE_ABSENT)
        return base_u64(VIEW_WINDOW_DEFAULT);
    return libvirt >= VIEW_WINDOW_LIBVIRT ? root->hole64 : (BaseU64){0};
}

gboolean
view_window(const View *view, ViewWindow *ret)
{
    *ret = (ViewWindow){0};
    if (!view->domain->is_virt)
        return FALSE;
    ret->by_hand = is_chosen_by_hand(view->domain);
    ret->have = ret->by_hand ? (BaseU64){0} : size_of(view);
    for (guint i = 0; i < view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = view->hostdevs->pdata[i];
        guint64 bytes = 0;

        if (!is_function(hostdev))
            continue;
        if (!high_bars(hostdev, &bytes))
            ret->missing = hostdev;
        ret->devices += bytes > 0;
        ret->need = base_saturating_add(ret->need, bytes);
    }
    ret->reserved = reserved_windows(view);
    ret->need = base_saturating_add(ret->need, ret->reserved);
    return TRUE;
}

guint64
view_window_for(guint64 need)
{
    guint64 size = VIEW_WINDOW_DEFAULT;

    while (size < need && size <= G_MAXUINT64 / 4)
        size *= 2;
    return size;
}
