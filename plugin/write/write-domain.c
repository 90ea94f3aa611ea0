/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Edits domain XML by splicing its source text: libxml2's serialiser would touch every line
 * (quotes, entities, white space in tags), and a reviewer must see our changes and nothing else.
 */
#include "write.h"

#include <string.h>

#include "viommu/viommu-error.h"
#include "write-edit.h"
#include "write-splice.h"

static gboolean
fail(const ViommuDomain *domain, const PlanEdit *edit, GError **error, const char *what)
{
    gboolean ours = edit->node && edit->node->doc == domain->doc;

    g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_INTERNAL, "%s:%u: cannot edit <%s>: %s",
                domain->file, ours ? model_span(domain, edit->node)->line : 1,
                ours ? (const char *)edit->node->name : "?", what);
    return FALSE;
}

static gint
count_new(const BaseElement *element)
{
    gint count = 1;

    for (guint i = 0; i < element->children->len; i++)
        count += count_new(element->children->pdata[i]);
    return count;
}

static gint
count_old(xmlNode *element)
{
    gint count = 1;

    for (xmlNode *child = xmlFirstElementChild(element); child;
         child = xmlNextElementSibling(child))
        count += count_old(child);
    return count;
}

static gboolean
is_complete(const ViommuDomain *domain, const PlanEdit *edit)
{
    if (!edit->node || edit->node->doc != domain->doc || edit->node->type != XML_ELEMENT_NODE)
        return FALSE;
    switch (edit->kind) {
    case PLAN_EDIT_SET_ATTRIBUTE:
        return edit->name && edit->value;
    case PLAN_EDIT_REMOVE_ATTRIBUTE:
        return edit->name != NULL;
    case PLAN_EDIT_INSERT:
        return edit->element && (!edit->after || (edit->after->parent == edit->node &&
                                                  edit->after->type == XML_ELEMENT_NODE));
    case PLAN_EDIT_REMOVE:
        return edit->node != domain->root;
    }
    return FALSE;
}

static gboolean
is_attribute_edit(const PlanEdit *edit)
{
    return edit->kind == PLAN_EDIT_SET_ATTRIBUTE || edit->kind == PLAN_EDIT_REMOVE_ATTRIBUTE;
}

static gboolean
is_within(const xmlNode *node, const xmlNode *ancestor)
{
    while (node && node != ancestor)
        node = node->parent;
    return node != NULL;
}

/* Whether @edit says again what @earlier said already. */
static gboolean
repeats(const PlanEdit *earlier, const PlanEdit *edit)
{
    if (earlier->kind != edit->kind || earlier->node != edit->node ||
        edit->kind == PLAN_EDIT_INSERT)
        return FALSE;
    return edit->kind == PLAN_EDIT_REMOVE ||
           (strcmp(earlier->name, edit->name) == 0 && g_strcmp0(earlier->value, edit->value) == 0);
}

static gboolean
contradicts(const PlanEdit *earlier, const PlanEdit *edit)
{
    if (earlier->kind == PLAN_EDIT_REMOVE || edit->kind == PLAN_EDIT_REMOVE)
        return (earlier->kind == PLAN_EDIT_REMOVE && is_within(edit->node, earlier->node)) ||
               (edit->kind == PLAN_EDIT_REMOVE && is_within(earlier->node, edit->node));
    return is_attribute_edit(earlier) && is_attribute_edit(edit) && earlier->node == edit->node &&
           strcmp(earlier->name, edit->name) == 0;
}

/* FALSE with *error: no way; FALSE without: nothing left to do for this edit. */
static gboolean
check_edit(const ViommuDomain *domain, const GPtrArray *edits, guint index, GError **error)
{
    const PlanEdit *edit = edits->pdata[index];

    if (!is_complete(domain, edit))
        return fail(domain, edit, error, "the edit is incomplete or not of this document");
    for (guint i = 0; i < index; i++) {
        const PlanEdit *earlier = edits->pdata[i];

        if (repeats(earlier, edit))
            return FALSE;
        if (contradicts(earlier, edit))
            return fail(domain, edit, error, "two edits contradict each other");
    }
    return TRUE;
}

/* Elements whose prefix nobody declared: libxml2 and libvirt let them pass. */
static guint
count_unbound(xmlNode *element)
{
    guint count = !element->ns && strchr((const char *)element->name, ':') ? 1 : 0;

    for (xmlNode *child = xmlFirstElementChild(element); child;
         child = xmlNextElementSibling(child))
        count += count_unbound(child);
    return count;
}

/* The last line of defence: what we return is a domain, with as many elements as there must be. */
static gboolean
check_result(const ViommuDomain *before, const char *text, gint growth, GError **error)
{
    g_autoptr(GError) reason = NULL;
    g_autoptr(ViommuDomain) after = model_domain_parse(text, strlen(text), before->file, &reason);

    if (after && (gint)after->spans->len == (gint)before->spans->len + growth &&
        count_unbound(after->root) <= count_unbound(before->root))
        return TRUE;
    g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_INTERNAL,
                "%s: the edited domain is not right%s%s", before->file, reason ? ": " : "",
                reason ? reason->message : "");
    return FALSE;
}

static gboolean
collect_all(WriteJob *job, const GPtrArray *edits, gint *ret_growth, GError **error)
{
    for (guint i = 0; i < edits->len; i++) {
        const PlanEdit *edit = edits->pdata[i];
        g_autoptr(GError) reason = NULL;

        if (check_edit(job->domain, edits, i, &reason)) {
            write_edit_collect(job, edit);
            if (edit->kind == PLAN_EDIT_INSERT)
                *ret_growth += count_new(edit->element);
            else if (edit->kind == PLAN_EDIT_REMOVE)
                *ret_growth -= count_old(edit->node);
        } else if (reason) {
            g_propagate_error(error, g_steal_pointer(&reason));
            return FALSE;
        }
    }
    return TRUE;
}

char *
write_domain(const ViommuDomain *domain, const GPtrArray *edits, GError **error)
{
    g_autoptr(GPtrArray) splices =
                  g_ptr_array_new_with_free_func((GDestroyNotify)write_splice_free);
    const char *line_end = strchr(domain->text, '\n');
    gboolean dos = line_end && line_end > domain->text && line_end[-1] == '\r';
    g_autofree char *unit = write_edit_unit(domain);
    g_autofree char *text = NULL;
    WriteJob job = {domain, splices, dos ? "\r\n" : "\n", unit};
    gint growth = 0;

    if (!collect_all(&job, edits, &growth, error))
        return NULL;
    if (splices->len == 0)
        return g_strdup(domain->text);
    text = write_splice_apply(domain->text, domain->length, splices);
    if (!text) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_INTERNAL, "%s: two edits overlap",
                    domain->file);
        return NULL;
    }
    return check_result(domain, text, growth, error) ? g_steal_pointer(&text) : NULL;
}
