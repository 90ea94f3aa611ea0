/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "write-host-layout.h"

#include <string.h>

#define NAME_MIN 16 /* a name cut shorter tells less than its class does */

static const HostDevice *
last_of(const WriteHostRow *row)
{
    return row->more->pdata[row->more->len - 1];
}

/* (transfer full): what of @last differs from @first, by whole parts */
static char *
elide(BasePci first, BasePci last)
{
    g_autofree char *whole = base_pci_format(last);

    if (first.domain != last.domain)
        return g_steal_pointer(&whole);
    if (first.bus != last.bus)
        return g_strdup(strchr(whole, ':') + 1);
    return g_strdup(strrchr(whole, ':') + 1);
}

char *
write_fold_text(const WriteHostRow *row, WriteFold fold)
{
    BasePci first = row->device->address, last = last_of(row)->address;
    g_autofree char *start = base_pci_format(first);
    g_autofree char *end = fold == WRITE_FOLD_FULL ? base_pci_format(last) : elide(first, last);

    switch (fold) {
    case WRITE_FOLD_FULL:
        return g_strdup_printf("%s … %s (%u VFs of %s)", start, end, row->more->len + 1,
                               row->device->physfn.text);
    case WRITE_FOLD_ELIDED:
        return g_strdup_printf("%s…%s (%u VFs of %s)", start, end, row->more->len + 1,
                               row->device->physfn.text);
    case WRITE_FOLD_COUNTED:
        return g_strdup_printf("%s…%s (%u VFs)", start, end, row->more->len + 1);
    case WRITE_FOLD_FIRST:
        break;
    }
    return g_strdup_printf("%s + %u VFs", start, row->more->len);
}

char *
write_row_subject(const WriteHostRow *row)
{
    return row->more ? write_fold_text(row, WRITE_FOLD_COUNTED)
                     : base_pci_format(row->device->address);
}

char *
write_group_text(const WriteHostRow *row)
{
    if (!row->leads)
        return g_strdup("");
    if (!row->group)
        return g_strdup("-");
    if (row->more)
        return g_strdup_printf("%u…%" G_GUINT64_FORMAT, row->group->id, last_of(row)->group.value);
    return g_strdup_printf("%u", row->group->id);
}

const char *
write_driver_text(const HostDevice *device)
{
    if (device->driver.text)
        return device->driver.text;
    return device->driver.state == BASE_STATE_ABSENT ? "-" : "?";
}

char *
write_node_text(const HostDevice *device)
{
    if (!base_u64_is_known(device->numa_node))
        return g_strdup("-");
    return g_strdup_printf("%" G_GUINT64_FORMAT, device->numa_node.value);
}

static void
widen(guint *width, const char *text)
{
    *width = MAX(*width, write_text_width(text));
}

static void
measure_row(const WriteHostRow *row, const WriteHostView *view, WriteHostLayout *ret,
            guint *ret_span)
{
    g_autofree char *address = base_pci_format(row->device->address);
    g_autofree char *name = row->more ? NULL : write_device_name(view, row->device);
    g_autofree char *fold = row->more ? write_fold_text(row, WRITE_FOLD_FULL) : NULL;
    g_autofree char *group = write_group_text(row);
    g_autofree char *node = write_node_text(row->device);
    const char *color;
    g_autofree char *can = write_ability(&row->advice, &color);

    widen(&ret->group, group);
    widen(&ret->device, address);
    if (name)
        widen(&ret->what, name);
    if (fold)
        widen(ret_span, fold);
    widen(&ret->driver, write_driver_text(row->device));
    widen(&ret->node, node);
    widen(&ret->can, can);
}

/* A host with one node, or that tells none, does not need the column. */
static gboolean
has_nodes(const ViommuHost *host)
{
    for (guint i = 0; i < host->devices->len; i++) {
        const HostDevice *device = host->devices->pdata[i];

        if (base_u64_is_known(device->numa_node) && device->numa_node.value > 0)
            return TRUE;
    }
    return FALSE;
}

static guint
widest_class(const WriteHostRows *rows)
{
    guint width = 0;

    for (guint i = 0; i < rows->units->len; i++) {
        const WriteHostUnit *unit = rows->units->pdata[i];

        for (guint j = 0; j < unit->rows->len; j++)
            widen(&width, write_class_word(((WriteHostRow *)unit->rows->pdata[j])->device));
    }
    return width;
}

/* Gives way to the width of the terminal: first the name gets shorter, then the node leaves, then
 * the class stands for the name, then the driver's name is cut. */
static void
squeeze(WriteHostLayout *layout, const WriteHostRows *rows, guint width)
{
    guint fixed = WRITE_INDENT + layout->group + layout->device + layout->driver + layout->can +
                  4 * WRITE_GAP;
    guint node = layout->node ? layout->node + WRITE_GAP : 0;

    if (width == 0 || fixed + node + layout->what <= width)
        return;
    if (fixed + node + NAME_MIN > width)
        layout->node = node = 0;
    if (fixed + node + NAME_MIN <= width) {
        layout->what = width - fixed - node;
        return;
    }
    layout->by_class = TRUE;
    layout->what = widest_class(rows);
    if (fixed + layout->what > width)
        layout->driver -= MIN(layout->driver - 6, fixed + layout->what - width);
}

WriteHostLayout
write_lay_out(const ViommuHost *host, const WriteHostView *view, const WriteHostRows *rows)
{
    WriteHostLayout layout = {.group = strlen("GROUP"),
                              .device = strlen("DEVICE"),
                              .what = strlen("WHAT"),
                              .driver = strlen("DRIVER"),
                              .node = strlen("NUMA"),
                              .can = strlen("CAN DO")};
    guint span = 0;

    for (guint i = 0; i < rows->units->len; i++) {
        const WriteHostUnit *unit = rows->units->pdata[i];

        for (guint j = 0; j < unit->rows->len; j++)
            measure_row(unit->rows->pdata[j], view, &layout, &span);
    }
    if (span > layout.device + WRITE_GAP)
        layout.what = MAX(layout.what, span - layout.device - WRITE_GAP);
    if (!has_nodes(host))
        layout.node = 0;
    squeeze(&layout, rows, view->style.width);
    return layout;
}
