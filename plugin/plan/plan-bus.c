/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers of expander buses, and which guest NUMA cell they belong to. */
#include "plan-layout.h"

#include <string.h>

#include "base-text.h"

static gboolean
is_expander(const PlanController *controller)
{
    return controller->kind == MODEL_BUS_PXB_PCIE;
}

/* Numbers that an expander needs: its own, one for each bus below, and one to spare. */
static guint
numbers_needed(const PlanLayout *layout, guint root)
{
    return plan_layout_buses_below(layout, root) + 2;
}

static gboolean
fits(const PlanLayout *layout, const PlanController *expander, guint number)
{
    const GPtrArray *controllers = plan_layout_controllers(layout);
    guint end = number + numbers_needed(layout, expander->index);

    if (number < numbers_needed(layout, 0) || end > 256)
        return FALSE;
    for (guint i = 0; i < controllers->len; i++) {
        const PlanController *other = controllers->pdata[i];

        if (other == expander || !is_expander(other) || other->bus_nr == 0)
            continue;
        if (number < other->bus_nr + numbers_needed(layout, other->index) && other->bus_nr < end)
            return FALSE;
    }
    return TRUE;
}

/* Numbers spread evenly, as far apart as 64. */
static guint
find_number(const PlanLayout *layout, const PlanController *expander, guint expanders)
{
    guint step = MAX(MIN(64, (256 / (expanders + 1)) & ~7U), 1);

    for (guint number = step; number < 256; number += step) {
        if (fits(layout, expander, number))
            return number;
    }
    for (guint number = 1; number < 256; number++) {
        if (fits(layout, expander, number))
            return number;
    }
    return 0;
}

static gboolean
has_new_child(const PlanLayout *layout, const PlanController *expander)
{
    const GPtrArray *controllers = plan_layout_controllers(layout);

    for (guint i = 0; i < controllers->len; i++) {
        const PlanController *controller = controllers->pdata[i];

        if (!controller->existing && controller != expander &&
            plan_layout_root(layout, controller->index) == expander->index)
            return TRUE;
    }
    return FALSE;
}

/* libvirt numbers an expander without busNr two below the lowest that is written (11.3
 * qemu_domain_address.c, qemuDomainAddressFindNewBusNr), so one that we write would move it. */
gboolean
plan_bus_number(PlanLayout *layout)
{
    const GPtrArray *controllers = plan_layout_controllers(layout);
    guint expanders = 0;

    for (guint i = 0; i < controllers->len; i++)
        expanders += is_expander(controllers->pdata[i]);
    for (guint i = 0; plan_layout_changed(layout) && i < controllers->len; i++) {
        PlanController *controller = controllers->pdata[i];

        if (!is_expander(controller) ||
            (controller->bus_nr != 0 &&
             (!has_new_child(layout, controller) || fits(layout, controller, controller->bus_nr))))
            continue;
        controller->bus_nr = find_number(layout, controller, expanders);
        controller->bus_nr_new = TRUE;
        if (controller->bus_nr == 0)
            return FALSE;
    }
    return TRUE;
}

/* --- NUMA --- */

/* libvirt's lists of numbers: "0-3,8,^2" */
static gboolean
nodeset_has(const char *nodeset, guint64 node)
{
    g_auto(GStrv) parts = g_strsplit(nodeset, ",", 0);
    gboolean found = FALSE;

    for (guint i = 0; parts[i]; i++) {
        gboolean without = parts[i][0] == '^';
        g_auto(GStrv) ends = g_strsplit(g_strstrip(parts[i] + without), "-", 2);
        guint64 first = 0, last = 0;

        if (!ends[0] || !base_parse_u64(ends[0], 10, &first))
            continue;
        last = first;
        if (ends[1] && !base_parse_u64(ends[1], 10, &last))
            continue;
        if (node >= first && node <= last)
            found = !without;
    }
    return found;
}

BaseU64
plan_bus_cell(const ViommuDomain *domain, BaseU64 host_node)
{
    const xmlNode *numatune = model_child(domain->root, "numatune");

    if (domain->numa_cells == 0 || !base_u64_is_known(host_node))
        return (BaseU64){0};
    for (const xmlNode *node = numatune ? numatune->children : NULL; node; node = node->next) {
        g_autofree char *cell = NULL;
        g_autofree char *nodeset = NULL;
        guint64 number = 0;

        if (node->type != XML_ELEMENT_NODE || !xmlStrEqual(node->name, BAD_CAST "memnode"))
            continue;
        cell = model_attribute(node, "cellid");
        nodeset = model_attribute(node, "nodeset");
        if (nodeset && nodeset_has(nodeset, host_node.value) && base_parse_u64(cell, 10, &number) &&
            number < domain->numa_cells)
            return base_u64(number);
    }
    return domain->numa_cells == 1 ? base_u64(0) : (BaseU64){0};
}

guint
plan_bus_near(const PlanLayout *layout, const ViommuDomain *domain, BaseU64 host_node)
{
    const GPtrArray *controllers = plan_layout_controllers(layout);
    BaseU64 cell = plan_bus_cell(domain, host_node);

    for (guint i = 0; base_u64_is_known(cell) && i < controllers->len; i++) {
        const PlanController *controller = controllers->pdata[i];

        if (controller->kind == MODEL_BUS_PXB_PCIE && controller->existing &&
            base_u64_is_known(controller->cell) && controller->cell.value == cell.value)
            return controller->index;
    }
    return 0;
}
