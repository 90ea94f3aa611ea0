/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One port's windows: memReserve where libvirt has it, QEMU's own properties else. */
#include "plan-reserve.h"

#include "plan-edit.h"

#define GIB (G_GUINT64_CONSTANT(1) << 30)

void
plan_reserve_note(ViommuPlan *plan, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_ptr_array_add(plan->notes, g_strdup_vprintf(format, args));
    va_end(args);
}

PlanEdit *
plan_reserve_edit(const ViommuPlan *plan, guint bus)
{
    g_autofree char *index = g_strdup_printf("%u", bus);

    for (guint i = 0; i < plan->edits->len; i++) {
        PlanEdit *edit = plan->edits->pdata[i];

        if (edit->kind == PLAN_EDIT_INSERT && g_str_equal(edit->element->name, "controller") &&
            g_strcmp0(base_element_get(edit->element, "type"), "pci") == 0 &&
            g_strcmp0(base_element_get(edit->element, "index"), index) == 0)
            return edit;
    }
    return NULL;
}

gboolean
plan_reserve_is_generic(const ViommuPlan *plan, const ModelController *port)
{
    xmlNode *model = model_child(port->node, "model");
    g_autofree char *name = model ? plan_spot_get(plan, plan_spot(model), "name") : NULL;

    return g_strcmp0(name ? name : port->model_name, "ioh3420") != 0;
}

/* --- writing --- */

/* An edit that inserts the port tells why it is as it is. */
static void
add_reason(const PlanPort *port)
{
    PlanEdit *edit = plan_reserve_edit(port->plan, port->bus);
    g_autofree char *before = edit ? edit->because : NULL;

    if (edit)
        edit->because = g_strdup_printf("%s; %s", before, port->because);
}

static void
write_override(const PlanPort *port, const char *name, guint64 bytes, PlanWhy why)
{
    PlanWhy what = {"libvirt has no attribute for this window", NULL};
    xmlNode *target = port->existing ? model_child(port->existing->node, "target") : NULL;
    g_autofree char *own = g_strdup_printf("pci.%u", port->bus);
    g_autofree char *value = g_strdup_printf("%" G_GUINT64_FORMAT, bytes);
    g_autofree char *alias = NULL;
    g_autoptr(PlanOverride) override = NULL;

    /* libvirt's own name works as well (12.8, run), and another would undo what it says */
    if (port->existing && plan_override_exists(port->plan, own) &&
        !(port->existing->alias && g_str_has_prefix(port->existing->alias, "ua-")))
        alias = g_steal_pointer(&own);
    else
        alias = plan_override_alias(port->plan, port->port, target, "ua-port", port->bus);
    override = plan_override_open(port->plan, alias, what);
    plan_override_set(override, name, "unsigned", value, why);
    plan_override_note(port->plan);
}

static void
write_plain(const PlanPort *port)
{
    PlanWhy why = {port->because, port->rule};
    PlanSpot target;

    if (port->plan->view->target.libvirt < VIEW_LIBVIRT_MEM_RESERVE) {
        write_override(port, "mem-reserve", port->reserve.plain, why);
        return;
    }
    target = plan_spot_child(port->plan, port->port, "target", NULL, why);
    plan_spot_setf(port->plan, target, "memReserve", why, "%" G_GUINT64_FORMAT,
                   port->reserve.plain / 1024);
}

gboolean
plan_reserve_write(const PlanPort *port)
{
    PlanWhy why = {port->because, port->rule};

    if (port->reserve.plain > 0)
        write_plain(port);
    if (port->reserve.prefetchable > 0)
        write_override(port, "pref64-reserve", port->reserve.prefetchable, why);
    if (port->reserve.plain == 0 && port->reserve.prefetchable == 0)
        return FALSE;
    add_reason(port);
    return TRUE;
}

/* --- what is wrong already --- */

gboolean
plan_reserve_moves(const ViommuPlan *plan, const ModelController *port)
{
    guint64 libvirt = plan->view->target.libvirt;

    return libvirt < VIEW_LIBVIRT_MEM_RESERVE && libvirt >= PLAN_LIBVIRT_OVERRIDE &&
           port->kind == MODEL_BUS_ROOT_PORT && plan_reserve_is_generic(plan, port) &&
           base_u64_is_known(port->mem_reserve) && port->mem_reserve.value < 4 * GIB &&
           view_reserve(plan->view, port).plain == 0;
}

/* What libvirt drops, and what QEMU refuses */
static const char *
wrong_reserve(PlanWork *work, const ModelController *port)
{
    if (work->target.libvirt < VIEW_LIBVIRT_MEM_RESERVE)
        return "bus-reserve-too-new";
    if (base_u64_is_known(port->mem_reserve) &&
        (port->mem_reserve.value >= 4 * GIB || !plan_reserve_is_generic(work->plan, port)))
        return "bus-mem-reserve";
    return NULL;
}

static void
mend_port(PlanWork *work, const ModelController *port, xmlNode *target)
{
    const char *rule = wrong_reserve(work, port);
    PlanWhy why = {g_strcmp0(rule, "bus-mem-reserve") == 0
                       ? "QEMU does not take this memReserve"
                       : "this libvirt drops memReserve without a word",
                   rule};
    PlanPort same = {work->plan, port->index, plan_spot(port->node), port, {0}, {0}, {0},
                     NULL,       rule};

    if (!rule)
        return;
    if (plan_reserve_moves(work->plan, port))
        write_override(&same, "mem-reserve", port->mem_reserve.value, why);
    plan_spot_unset(work->plan, plan_spot(target), "memReserve", why);
}

void
plan_reserve_mend(PlanWork *work)
{
    for (guint i = 0; !work->live && work->target.libvirt && i < work->domain->controllers->len;
         i++) {
        const ModelController *port = work->domain->controllers->pdata[i];
        xmlNode *target = port->node ? model_child(port->node, "target") : NULL;

        if (target && xmlHasProp(target, BAD_CAST "memReserve"))
            mend_port(work, port, target);
    }
}
