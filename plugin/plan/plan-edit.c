/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan-edit.h"

#include <stdarg.h>

static PlanEdit *
edit_new(ViommuPlan *plan, PlanEditKind kind, xmlNode *node, PlanWhy why)
{
    PlanEdit *edit = g_new0(PlanEdit, 1);

    edit->kind = kind;
    edit->node = node;
    edit->because = g_strdup(why.because);
    edit->rule = why.rule;
    g_ptr_array_add(plan->edits, edit);
    return edit;
}

void
plan_edit_free(PlanEdit *edit)
{
    if (!edit)
        return;
    g_free(edit->name);
    g_free(edit->value);
    g_free(edit->because);
    base_element_free(edit->element);
    g_free(edit);
}

PlanSpot
plan_spot(xmlNode *node)
{
    return (PlanSpot){.node = node};
}

PlanSpot
plan_spot_add(ViommuPlan *plan, PlanSpot parent, const char *name, xmlNode *after, PlanWhy why)
{
    PlanEdit *edit;

    if (!parent.node)
        return (PlanSpot){.element = base_element_add(parent.element, name)};
    edit = edit_new(plan, PLAN_EDIT_INSERT, parent.node, why);
    edit->after = after;
    edit->element = base_element_new(name);
    return (PlanSpot){.element = edit->element};
}

/* The child that an earlier edit inserts, or NULL. */
static BaseElement *
pending_child(const ViommuPlan *plan, PlanSpot parent, const char *name)
{
    for (guint i = 0; parent.element && i < parent.element->children->len; i++) {
        BaseElement *child = parent.element->children->pdata[i];

        if (g_str_equal(child->name, name))
            return child;
    }
    for (guint i = 0; parent.node && i < plan->edits->len; i++) {
        const PlanEdit *edit = plan->edits->pdata[i];

        if (edit->kind == PLAN_EDIT_INSERT && edit->node == parent.node &&
            g_str_equal(edit->element->name, name))
            return edit->element;
    }
    return NULL;
}

PlanSpot
plan_spot_child(ViommuPlan *plan, PlanSpot parent, const char *name, xmlNode *after, PlanWhy why)
{
    xmlNode *node = model_child(parent.node, name);
    BaseElement *element = node ? NULL : pending_child(plan, parent, name);

    if (node)
        return plan_spot(node);
    if (element)
        return (PlanSpot){.element = element};
    return plan_spot_add(plan, parent, name, after, why);
}

PlanSpot
plan_spot_devices(ViommuPlan *plan)
{
    PlanWhy why = {"the domain has no devices yet", NULL};

    return plan_spot_child(plan, plan_spot(plan->domain->root), "devices", NULL, why);
}

/* The edit of that attribute which is already in the list, or NULL. */
static PlanEdit *
pending_attribute(const ViommuPlan *plan, const xmlNode *node, const char *name)
{
    for (guint i = 0; i < plan->edits->len; i++) {
        PlanEdit *edit = plan->edits->pdata[i];

        if ((edit->kind == PLAN_EDIT_SET_ATTRIBUTE || edit->kind == PLAN_EDIT_REMOVE_ATTRIBUTE) &&
            edit->node == node && g_str_equal(edit->name, name))
            return edit;
    }
    return NULL;
}

char *
plan_spot_get(const ViommuPlan *plan, PlanSpot spot, const char *name)
{
    const PlanEdit *edit = spot.node ? pending_attribute(plan, spot.node, name) : NULL;

    if (spot.element)
        return g_strdup(base_element_get(spot.element, name));
    if (edit)
        return edit->kind == PLAN_EDIT_SET_ATTRIBUTE ? g_strdup(edit->value) : NULL;
    return spot.node ? model_attribute(spot.node, name) : NULL;
}

void
plan_spot_set(ViommuPlan *plan, PlanSpot spot, const char *name, const char *value, PlanWhy why)
{
    g_autofree char *now = plan_spot_get(plan, spot, name);
    PlanEdit *edit;

    if (g_strcmp0(now, value) == 0)
        return;
    if (spot.element) {
        base_element_set(spot.element, name, value);
        return;
    }
    edit = pending_attribute(plan, spot.node, name);
    if (!edit) {
        edit = edit_new(plan, PLAN_EDIT_SET_ATTRIBUTE, spot.node, why);
        edit->name = g_strdup(name);
    }
    edit->kind = PLAN_EDIT_SET_ATTRIBUTE;
    g_free(edit->value);
    edit->value = g_strdup(value);
}

void
plan_spot_setf(ViommuPlan *plan, PlanSpot spot, const char *name, PlanWhy why, const char *format,
               ...)
{
    g_autofree char *value = NULL;
    va_list args;

    va_start(args, format);
    value = g_strdup_vprintf(format, args);
    va_end(args);
    plan_spot_set(plan, spot, name, value, why);
}

void
plan_spot_unset(ViommuPlan *plan, PlanSpot spot, const char *name, PlanWhy why)
{
    g_autofree char *now = plan_spot_get(plan, spot, name);
    PlanEdit *edit;

    if (!now || !spot.node)
        return;
    edit = pending_attribute(plan, spot.node, name);
    if (!edit) {
        edit = edit_new(plan, PLAN_EDIT_REMOVE_ATTRIBUTE, spot.node, why);
        edit->name = g_strdup(name);
    }
    edit->kind = PLAN_EDIT_REMOVE_ATTRIBUTE;
    g_clear_pointer(&edit->value, g_free);
}

void
plan_spot_remove(ViommuPlan *plan, xmlNode *node, PlanWhy why)
{
    edit_new(plan, PLAN_EDIT_REMOVE, node, why);
}

void
plan_spot_drop_empty(ViommuPlan *plan, PlanSpot spot)
{
    if (!spot.element || spot.element->names->len > 0 || spot.element->children->len > 0)
        return;
    for (guint i = 0; i < plan->edits->len; i++) {
        const PlanEdit *edit = plan->edits->pdata[i];

        if (edit->element == spot.element) {
            g_ptr_array_remove_index(plan->edits, i);
            return;
        }
    }
}

/* Byte offset in the source where the edit takes effect. */
static gsize
place_of(const ViommuPlan *plan, const PlanEdit *edit)
{
    const ViommuDomain *domain = plan->view->domain;

    if (edit->kind != PLAN_EDIT_INSERT)
        return model_span(domain, edit->node)->start;
    if (edit->after)
        return model_span(domain, edit->after)->end;
    return model_span(domain, edit->node)->content_end;
}

/* Insertion sort: stable, and the lists are short and mostly sorted already. */
void
plan_edits_sort(ViommuPlan *plan)
{
    GPtrArray *edits = plan->edits;

    for (guint i = 1; i < edits->len; i++) {
        gpointer edit = edits->pdata[i];
        gsize place = place_of(plan, edit);
        guint j = i;

        for (; j > 0 && place_of(plan, edits->pdata[j - 1]) > place; j--)
            edits->pdata[j] = edits->pdata[j - 1];
        edits->pdata[j] = edit;
    }
}
