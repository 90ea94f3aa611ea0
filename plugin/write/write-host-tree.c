/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* IOMMUs, their groups, and the functions in them. */
#include "write-host-layout.h"

#include <string.h>

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

/* ---- printing ---- */

/* @text in @width columns, cut where it is longer, and the gap behind it */
static void
put_cell(GString *out, const char *text, guint width)
{
    guint length = write_text_width(text);

    if (length > width) {
        g_autofree char *cut = g_utf8_substring(text, 0, width - 1);

        g_string_append_printf(out, "%s…%*s", cut, WRITE_GAP, "");
        return;
    }
    g_string_append_printf(out, "%s%*s", text, (int)(width - length + WRITE_GAP), "");
}

static void
put_function(const WriteHostRow *row, const WriteHostView *view, const WriteHostLayout *layout,
             GString *out)
{
    g_autofree char *address = base_pci_format(row->device->address);
    g_autofree char *name = layout->by_class ? g_strdup(write_class_word(row->device))
                                             : write_device_name(view, row->device);

    put_cell(out, address, layout->device);
    put_cell(out, name, layout->what);
}

/* The longest text that fits over both columns */
static void
put_fold(const WriteHostRow *row, const WriteHostLayout *layout, GString *out)
{
    guint span = layout->device + WRITE_GAP + layout->what;

    for (WriteFold fold = WRITE_FOLD_FULL; fold <= WRITE_FOLD_FIRST; fold++) {
        g_autofree char *text = write_fold_text(row, fold);

        if (fold < WRITE_FOLD_FIRST && write_text_width(text) > span)
            continue;
        put_cell(out, text, span);
        return;
    }
}

static void
put_row(const WriteHostRow *row, const WriteHostView *view, const WriteHostLayout *layout,
        GString *out)
{
    g_autofree char *group = write_group_text(row);
    const char *color;
    g_autofree char *can = write_ability(&row->advice, &color);
    g_autofree char *colored = write_colored(can, color, &view->style);

    g_string_append_printf(out, "%*s", WRITE_INDENT, "");
    put_cell(out, group, layout->group);
    if (row->more)
        put_fold(row, layout, out);
    else
        put_function(row, view, layout, out);
    put_cell(out, write_driver_text(row->device), layout->driver);
    if (layout->node > 0) {
        g_autofree char *node = write_node_text(row->device);

        put_cell(out, node, layout->node);
    }
    g_string_append_printf(out, "%s\n", colored);
}

static void
put_heads(const WriteHostLayout *layout, GString *out)
{
    g_string_append_printf(out, "\n%*s", WRITE_INDENT, "");
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

    if (nested == BASE_NO || host_gives_pasids(host) == BASE_NO ||
        (base_u64_is_known(bits) && bits.value == 0))
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
    g_autofree char *subject = write_row_subject(row);

    if (advice->reason && advice->scope == HOST_SCOPE_GROUP && row->group)
        note_group(host, row, notes->reasons);
    else if (advice->reason && advice->scope == HOST_SCOPE_DEVICE && host->iommus->len > 0)
        write_notes_add(notes->reasons, subject, advice->reason);
    if (advice->next_step)
        write_notes_add(notes->steps, advice->step_scope == HOST_SCOPE_GROUP ? NULL : subject,
                        advice->next_step);
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
    WriteHostLayout layout = write_lay_out(host, view, rows);
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
