/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "write-host-rows.h"

#include <string.h>

/* Fewer VFs of one kind are shown one by one. */
#define FOLD_FROM 3

typedef struct {
    const ViommuHost *host;
    const WriteHostView *view;
    WriteHostRows *out;
    GHashTable *units;  /* const char *iommu name -> WriteHostUnit */
    GHashTable *groups; /* ids of those that are in the tree */
    GHashTable *kinds;  /* char *kind -> WriteHostRow that stands for it */
} Collector;

static void
row_free(gpointer data)
{
    WriteHostRow *row = data;

    host_advice_clear(&row->advice);
    g_clear_pointer(&row->more, g_ptr_array_unref);
    g_free(row);
}

static void
unit_free(gpointer data)
{
    WriteHostUnit *unit = data;

    g_ptr_array_unref(unit->rows);
    g_free(unit);
}

void
write_host_rows_free(WriteHostRows *rows)
{
    if (!rows)
        return;
    g_ptr_array_unref(rows->units);
    g_free(rows);
}

static WriteHostUnit *
add_unit(Collector *collector, const HostIommu *iommu, const char *title)
{
    WriteHostUnit *unit = g_new0(WriteHostUnit, 1);

    unit->iommu = iommu;
    unit->title = title;
    unit->rows = g_ptr_array_new_with_free_func(row_free);
    g_ptr_array_add(collector->out->units, unit);
    g_hash_table_insert(collector->units, (gpointer)title, unit);
    return unit;
}

/* "dmar2" before "dmar10" */
static gint
compare_iommus(gconstpointer a, gconstpointer b)
{
    const HostIommu *const *left = a, *const *right = b;

    return strverscmp((*left)->name, (*right)->name);
}

static void
add_units(Collector *collector)
{
    g_autoptr(GPtrArray) iommus = g_ptr_array_copy(collector->host->iommus, NULL, NULL);

    g_ptr_array_set_free_func(iommus, NULL);
    g_ptr_array_sort(iommus, compare_iommus);
    for (guint i = 0; i < iommus->len; i++) {
        const HostIommu *iommu = iommus->pdata[i];

        add_unit(collector, iommu, iommu->name);
    }
}

static WriteHostUnit *
unit_of(Collector *collector, const HostDevice *device)
{
    const char *title = device->iommu.text;
    WriteHostUnit *unit;

    if (!title)
        title = device->iommu.state == BASE_STATE_ABSENT ? "No IOMMU" : "IOMMU not known";
    unit = g_hash_table_lookup(collector->units, title);
    return unit ? unit : add_unit(collector, NULL, title);
}

/* Bridges, and what the chipset keeps for itself: nobody assigns it. */
static gboolean
is_furniture(const HostDevice *device)
{
    guint64 base = base_bits(device->class.value, 23, 16);
    gboolean unbound = device->driver.state == BASE_STATE_ABSENT;

    if (!base_u64_is_known(device->class))
        return FALSE;
    if (base == 0x06)
        return !device->driver.text || host_driver_leaves_dma(device->driver.text);
    return unbound && (base == 0x05 || base == 0x08 || base == 0x11);
}

static gboolean
is_asked_for(const WriteHostView *view, const HostGroup *group)
{
    for (guint i = 0; group && i < view->groups->len; i++) {
        if (g_array_index(view->groups, guint, i) == group->id)
            return TRUE;
    }
    return FALSE;
}

static gboolean
is_shown(Collector *collector, const HostDevice *device, const HostGroup *group)
{
    if (collector->view->groups)
        return is_asked_for(collector->view, group);
    if (collector->view->style.verbose || !is_furniture(device))
        return TRUE;
    collector->out->hidden++;
    return FALSE;
}

/* What must be the same for VFs to share a row; NULL: it has a row of its own. (transfer full) */
static char *
kind_of(const Collector *collector, const HostDevice *device, const HostGroup *group,
        const HostAdvice *advice)
{
    BaseU64 endpoints = group ? host_group_endpoints(collector->host, group) : (BaseU64){0};

    if (collector->view->style.verbose || !device->physfn.text || !base_u64_is_known(endpoints) ||
        endpoints.value != 1)
        return NULL;
    return g_strdup_printf(
        "%s %s %s %d %d %u %s %s %d %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, device->physfn.text,
        device->iommu.text, device->driver.text ? device->driver.text : "", advice->ability,
        advice->maybe_nested, advice->pasid_bits, advice->reason ? advice->reason : "",
        advice->next_step ? advice->next_step : "", device->numa_node.state,
        device->numa_node.value, device->device.value);
}

static void
add_row(Collector *collector, WriteHostUnit *unit, const HostDevice *device, const HostGroup *group,
        gboolean leads)
{
    WriteHostRow *row = g_new0(WriteHostRow, 1);
    g_autofree char *kind = NULL;
    WriteHostRow *same;

    row->device = device;
    row->group = group;
    row->leads = leads;
    host_advise(collector->host, device, &row->advice);
    kind = kind_of(collector, device, group, &row->advice);
    same = kind ? g_hash_table_lookup(collector->kinds, kind) : NULL;
    if (same) {
        if (!same->more)
            same->more = g_ptr_array_new();
        g_ptr_array_add(same->more, (gpointer)device);
        row_free(row);
        return;
    }
    g_ptr_array_add(unit->rows, row);
    if (kind)
        g_hash_table_insert(collector->kinds, g_steal_pointer(&kind), row);
}

static void
add_group(Collector *collector, const HostGroup *group)
{
    WriteHostUnit *unit = NULL;
    gboolean leads = TRUE;

    g_hash_table_add(collector->groups, GUINT_TO_POINTER(group->id));
    for (guint i = 0; i < group->devices->len; i++) {
        const HostDevice *device =
            host_facts_device(collector->host, g_array_index(group->devices, BasePci, i));

        if (!device || !is_shown(collector, device, group))
            continue;
        if (!unit)
            unit = unit_of(collector, device);
        add_row(collector, unit, device, group, leads);
        leads = FALSE;
    }
}

/* Two of a kind are not worth a summary. */
static void
unfold_few(Collector *collector, GPtrArray *rows)
{
    for (guint i = 0; i < rows->len; i++) {
        WriteHostRow *row = rows->pdata[i];
        g_autoptr(GPtrArray) more = NULL;

        if (!row->more || row->more->len + 1 >= FOLD_FROM)
            continue;
        more = g_steal_pointer(&row->more);
        for (guint j = 0; j < more->len; j++) {
            WriteHostRow *other = g_new0(WriteHostRow, 1);

            other->device = more->pdata[j];
            other->group = host_facts_group(collector->host, (guint)other->device->group.value);
            other->leads = TRUE;
            host_advise(collector->host, other->device, &other->advice);
            g_ptr_array_insert(rows, (gint)(i + 1 + j), other);
        }
    }
}

WriteHostRows *
write_host_rows_new(const ViommuHost *host, const WriteHostView *view)
{
    WriteHostRows *out = g_new0(WriteHostRows, 1);
    g_autoptr(GHashTable) units = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) groups = g_hash_table_new(NULL, NULL);
    g_autoptr(GHashTable) kinds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Collector collector = {host, view, out, units, groups, kinds};

    out->units = g_ptr_array_new_with_free_func(unit_free);
    add_units(&collector);
    for (guint i = 0; i < host->devices->len; i++) {
        const HostDevice *device = host->devices->pdata[i];
        const HostGroup *group = NULL;

        if (base_u64_is_known(device->group))
            group = host_facts_group(host, (guint)device->group.value);
        if (!group && is_shown(&collector, device, NULL))
            add_row(&collector, unit_of(&collector, device), device, NULL, TRUE);
        else if (group && !g_hash_table_contains(groups, GUINT_TO_POINTER(group->id)))
            add_group(&collector, group);
    }
    for (guint i = 0; i < out->units->len; i++) {
        WriteHostUnit *unit = out->units->pdata[i];

        unfold_few(&collector, unit->rows);
        out->rows += unit->rows->len;
    }
    return out;
}
