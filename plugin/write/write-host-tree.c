/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* IOMMUs, their groups, and the functions in them, as columns that keep to a terminal. */
#include "write-host-rows.h"

#include <string.h>

#define GAP      2
#define INDENT   2
#define NAME_MIN 16 /* a name cut shorter tells less than its class does */

typedef struct {
    guint group, device, what, driver, node, can; /* columns; node 0: left out */
    gboolean by_class;                            /* "GPU" instead of a name */
} Layout;

char *
write_ability(const HostAdvice *advice, const char **ret_color)
{
    *ret_color = WRITE_YELLOW;
    switch (advice->ability) {
    case HOST_ABILITY_NESTED:
        *ret_color = WRITE_GREEN;
        return advice->pasid_bits > 0 ? g_strdup_printf("nested, %u bit", advice->pasid_bits)
                                      : g_strdup("nested");
    case HOST_ABILITY_SHADOW:
        *ret_color = WRITE_GREEN;
        return g_strdup(advice->maybe_nested ? "shadow, nested?" : "shadow");
    case HOST_ABILITY_PLAIN:
        return g_strdup("dma only");
    case HOST_ABILITY_NONE:
        *ret_color = WRITE_RED;
        return g_strdup("none");
    case HOST_ABILITY_UNKNOWN:
        break;
    }
    return g_strdup("?");
}

/* ---- several VFs in one row ---- */

static const HostDevice *
last_of(const WriteHostRow *row)
{
    return row->more->pdata[row->more->len - 1];
}

/* How much shorter a row says the same thing */
typedef enum {
    FOLD_FULL,    /* "0000:3b:02.0 … 0000:3b:05.7 (32 VFs of 0000:3b:00.0)" */
    FOLD_ELIDED,  /* "0000:3b:02.0…05.7 (32 VFs of 0000:3b:00.0)" */
    FOLD_COUNTED, /* "0000:3b:02.0…05.7 (32 VFs)" */
    FOLD_FIRST,   /* "0000:3b:02.0 + 31 VFs" */
} Fold;

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

static char *
fold_text(const WriteHostRow *row, Fold fold)
{
    BasePci first = row->device->address, last = last_of(row)->address;
    g_autofree char *start = base_pci_format(first);
    g_autofree char *end = fold == FOLD_FULL ? base_pci_format(last) : elide(first, last);

    switch (fold) {
    case FOLD_FULL:
        return g_strdup_printf("%s … %s (%u VFs of %s)", start, end, row->more->len + 1,
                               row->device->physfn.text);
    case FOLD_ELIDED:
        return g_strdup_printf("%s…%s (%u VFs of %s)", start, end, row->more->len + 1,
                               row->device->physfn.text);
    case FOLD_COUNTED:
        return g_strdup_printf("%s…%s (%u VFs)", start, end, row->more->len + 1);
    case FOLD_FIRST:
        break;
    }
    return g_strdup_printf("%s + %u VFs", start, row->more->len);
}

/* What a note is about. (transfer full) */
static char *
subject_of(const WriteHostRow *row)
{
    return row->more ? fold_text(row, FOLD_COUNTED) : base_pci_format(row->device->address);
}

/* ---- layout ---- */

static char *
group_text(const WriteHostRow *row)
{
    if (!row->leads)
        return g_strdup("");
    if (!row->group)
        return g_strdup("-");
    if (row->more)
        return g_strdup_printf("%u…%" G_GUINT64_FORMAT, row->group->id, last_of(row)->group.value);
    return g_strdup_printf("%u", row->group->id);
}

static const char *
driver_text(const HostDevice *device)
{
    if (device->driver.text)
        return device->driver.text;
    return device->driver.state == BASE_STATE_ABSENT ? "-" : "?";
}

static char *
node_text(const HostDevice *device)
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
measure_row(const WriteHostRow *row, const WriteHostView *view, Layout *ret, guint *ret_span)
{
    g_autofree char *address = base_pci_format(row->device->address);
    g_autofree char *name = row->more ? NULL : write_device_name(view, row->device);
    g_autofree char *fold = row->more ? fold_text(row, FOLD_FULL) : NULL;
    g_autofree char *group = group_text(row);
    g_autofree char *node = node_text(row->device);
    const char *color;
    g_autofree char *can = write_ability(&row->advice, &color);

    widen(&ret->group, group);
    widen(&ret->device, address);
    if (name)
        widen(&ret->what, name);
    if (fold)
        widen(ret_span, fold);
    widen(&ret->driver, driver_text(row->device));
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
squeeze(Layout *layout, const WriteHostRows *rows, guint width)
{
    guint fixed = INDENT + layout->group + layout->device + layout->driver + layout->can + 4 * GAP;
    guint node = layout->node ? layout->node + GAP : 0;

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

static Layout
lay_out(const ViommuHost *host, const WriteHostView *view, const WriteHostRows *rows)
{
    Layout layout = {.group = strlen("GROUP"),
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
    if (span > layout.device + GAP)
        layout.what = MAX(layout.what, span - layout.device - GAP);
    if (!has_nodes(host))
        layout.node = 0;
    squeeze(&layout, rows, view->style.width);
    return layout;
}

/* ---- printing ---- */

/* @text in @width columns, cut where it is longer, and the gap behind it */
static void
put_cell(GString *out, const char *text, guint width)
{
    guint length = write_text_width(text);

    if (length > width) {
        g_autofree char *cut = g_utf8_substring(text, 0, width - 1);

        g_string_append_printf(out, "%s…%*s", cut, GAP, "");
        return;
    }
    g_string_append_printf(out, "%s%*s", text, (int)(width - length + GAP), "");
}

static void
put_function(const WriteHostRow *row, const WriteHostView *view, const Layout *layout, GString *out)
{
    g_autofree char *address = base_pci_format(row->device->address);
    g_autofree char *name = layout->by_class ? g_strdup(write_class_word(row->device))
                                             : write_device_name(view, row->device);

    put_cell(out, address, layout->device);
    put_cell(out, name, layout->what);
}

/* The longest text that fits over both columns */
static void
put_fold(const WriteHostRow *row, const Layout *layout, GString *out)
{
    guint span = layout->device + GAP + layout->what;

    for (Fold fold = FOLD_FULL; fold <= FOLD_FIRST; fold++) {
        g_autofree char *text = fold_text(row, fold);

        if (fold < FOLD_FIRST && write_text_width(text) > span)
            continue;
        put_cell(out, text, span);
        return;
    }
}

static void
put_row(const WriteHostRow *row, const WriteHostView *view, const Layout *layout, GString *out)
{
    g_autofree char *group = group_text(row);
    const char *color;
    g_autofree char *can = write_ability(&row->advice, &color);
    g_autofree char *colored = write_colored(can, color, &view->style);

    g_string_append_printf(out, "%*s", INDENT, "");
    put_cell(out, group, layout->group);
    if (row->more)
        put_fold(row, layout, out);
    else
        put_function(row, view, layout, out);
    put_cell(out, driver_text(row->device), layout->driver);
    if (layout->node > 0) {
        g_autofree char *node = node_text(row->device);

        put_cell(out, node, layout->node);
    }
    g_string_append_printf(out, "%s\n", colored);
}

static void
put_heads(const Layout *layout, GString *out)
{
    g_string_append_printf(out, "\n%*s", INDENT, "");
    put_cell(out, "GROUP", layout->group);
    put_cell(out, "DEVICE", layout->device);
    put_cell(out, "WHAT", layout->what);
    put_cell(out, "DRIVER", layout->driver);
    if (layout->node > 0)
        put_cell(out, "NUMA", layout->node);
    g_string_append(out, "CAN DO\n");
}

static char *
number_text(BaseU64 number)
{
    if (base_u64_is_known(number))
        return g_strdup_printf("%" G_GUINT64_FORMAT, number.value);
    return g_strdup(number.state == BASE_STATE_ABSENT ? "-" : "?");
}

/* PASIDs reach a guest through nesting only. */
static char *
pasid_text(const ViommuHost *host, const HostIommu *iommu, BaseTri nested)
{
    BaseU64 bits = host_pasid_bits(host, iommu);

    if (nested == BASE_NO || (base_u64_is_known(bits) && bits.value == 0))
        return g_strdup("-");
    return number_text(bits);
}

static void
put_unit(const ViommuHost *host, const WriteHostView *view, const WriteHostUnit *unit, GString *out)
{
    const HostIommu *iommu = unit->iommu;
    HostVerdict verdict;
    g_autofree char *title = NULL;
    g_autofree char *nest_word = NULL;
    g_autofree char *shadow_word = NULL;
    g_autofree char *pasid = NULL;
    g_autofree char *width = NULL;

    title = write_colored(unit->title, WRITE_BOLD, &view->style);
    if (!iommu) {
        g_string_append_printf(out, "%s\n", title);
        return;
    }
    host_iommu_verdict(host, iommu, &verdict);
    nest_word = write_tri(verdict.nest, &view->style);
    shadow_word = write_tri(verdict.shadow, &view->style);
    pasid = pasid_text(host, iommu, verdict.nest);
    width = number_text(host_iova_bits(host, iommu, HOST_TABLE_PLAIN));
    write_wrapped(&view->style, out, 0, 4, "%s %s, nested %s, shadow %s, PASID %s, width %s", title,
                  write_iommu_kind(iommu), nest_word, shadow_word, pasid, width);
}

/* ---- what is told at the end ---- */

static void
note_unit(const ViommuHost *host, const HostIommu *iommu, WriteHostNotes *notes)
{
    HostVerdict verdict;

    host_iommu_verdict(host, iommu, &verdict);
    if (verdict.why_not_shadow)
        write_notes_add(notes->reasons, iommu->name, verdict.why_not_shadow);
    if (verdict.why_not_nested)
        write_notes_add(notes->reasons, iommu->name, verdict.why_not_nested);
    if (verdict.next)
        write_notes_add(notes->steps, iommu->name, verdict.next);
}

static void
note_group(const ViommuHost *host, const WriteHostRow *row, WriteNotes *reasons)
{
    g_autofree char *subject = g_strdup_printf("group %u", row->group->id);
    g_autofree char *because = write_shared_because(host, row->group);
    g_autofree char *sentence =
        g_strdup_printf("%s%s%s", row->advice.reason, because ? "; " : "", because ? because : "");

    write_notes_add(reasons, subject, sentence);
}

static void
note_row(const ViommuHost *host, const WriteHostRow *row, WriteHostNotes *notes)
{
    const HostAdvice *advice = &row->advice;
    g_autofree char *subject = subject_of(row);

    if (advice->reason && advice->scope == HOST_SCOPE_GROUP && row->group)
        note_group(host, row, notes->reasons);
    else if (advice->reason && advice->scope == HOST_SCOPE_DEVICE && host->iommus->len > 0)
        write_notes_add(notes->reasons, subject, advice->reason);
    if (advice->next_step)
        write_notes_add(notes->steps, subject, advice->next_step);
}

static void
write_idle_units(const WriteHostRows *rows, const WriteStyle *style, GString *out)
{
    g_autoptr(GString) names = g_string_new(NULL);

    for (guint i = 0; i < rows->units->len; i++) {
        const WriteHostUnit *unit = rows->units->pdata[i];

        if (unit->rows->len == 0 && unit->iommu->type != HOST_IOMMU_UNKNOWN)
            g_string_append_printf(names, "%s%s", names->len ? ", " : "", unit->title);
    }
    if (names->len > 0)
        write_wrapped(style, out, 0, 2, "Nothing to assign behind %s", names->str);
}

static void
write_hidden(guint hidden, GString *out)
{
    g_string_append_printf(out, "%u %s not shown (-v)\n", hidden,
                           hidden == 1 ? "bridge or chipset function"
                                       : "bridges and chipset functions");
}

void
write_host_tree(const ViommuHost *host, const WriteHostView *view, WriteHostNotes *notes,
                GString *out)
{
    g_autoptr(WriteHostRows) rows = write_host_rows_new(host, view);
    Layout layout = lay_out(host, view, rows);
    gboolean all = view->style.verbose || (rows->rows == 0 && !view->groups);

    if (rows->rows > 0)
        put_heads(&layout, out);
    else
        g_string_append_c(out, '\n');
    for (guint i = 0; i < rows->units->len; i++) {
        const WriteHostUnit *unit = rows->units->pdata[i];

        if (unit->rows->len == 0 && !all)
            continue;
        put_unit(host, view, unit, out);
        if (unit->iommu)
            note_unit(host, unit->iommu, notes);
        for (guint j = 0; j < unit->rows->len; j++) {
            put_row(unit->rows->pdata[j], view, &layout, out);
            note_row(host, unit->rows->pdata[j], notes);
        }
    }
    if (view->groups || view->style.quiet)
        return;
    if (!all)
        write_idle_units(rows, &view->style, out);
    if (rows->hidden > 0)
        write_hidden(rows->hidden, out);
}
