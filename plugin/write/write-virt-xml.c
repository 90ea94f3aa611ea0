/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A plan as arguments of virt-xml --edit (virt-install 4.1 man page, --xml): each sets one value by
 * its path, and makes what is missing on the way. All of one call are one change, so libvirt sees
 * no half of it. What is new goes to the end of its parent, where its position is known.
 */
#include <string.h>

#include "write.h"

typedef struct {
    GString *out;
    GHashTable *counts; /* path of parent and name -> elements of that name */
} Job;

/* Commas end a suboption: virtinst takes two for one. */
static void
add(Job *job, const char *prefix, const char *path, const char *value)
{
    g_autofree char *argument = g_strconcat(prefix, path, value ? "=" : NULL, value, NULL);
    g_auto(GStrv) parts = g_strsplit(argument, ",", 0);
    g_autofree char *escaped = g_strjoinv(",,", parts);
    g_autofree char *quoted = g_shell_quote(escaped);

    g_string_append_printf(job->out, "--xml %s\n", quoted);
}

/* virtinst knows QEMU's namespace as "qemu" and no other, whatever the document calls it. */
static char *
with_qemu_prefix(const char *path)
{
    g_auto(GStrv) steps = g_strsplit(path, "/", 0);

    for (guint i = 0; steps[i]; i++) {
        const char *colon = strchr(steps[i], ':');
        char *renamed = colon ? g_strconcat("qemu", colon, NULL) : NULL;

        if (!renamed)
            continue;
        g_free(steps[i]);
        steps[i] = renamed;
    }
    return g_strjoinv("/", steps);
}

/* "./devices/iommu" */
static char *
path_of(const xmlNode *node)
{
    g_autofree char *path = model_xpath(node, NULL);
    g_autofree char *inside = g_strconcat(".", path + strlen("/domain"), NULL);

    return with_qemu_prefix(inside);
}

static guint
count_children(const xmlNode *parent, const char *name)
{
    const char *local = strchr(name, ':') ? strchr(name, ':') + 1 : name;
    guint count = 0;

    for (const xmlNode *node = parent ? parent->children : NULL; node; node = node->next)
        count += node->type == XML_ELEMENT_NODE && xmlStrEqual(node->name, BAD_CAST local) &&
                 (node->ns != NULL) == (local != name);
    return count;
}

static char *
new_path(Job *job, const xmlNode *parent, const char *parent_path, const char *name)
{
    g_autofree char *own = with_qemu_prefix(name);
    char *path = g_strconcat(parent_path, "/", own, NULL);
    guint count = GPOINTER_TO_UINT(g_hash_table_lookup(job->counts, path));
    g_autofree char *plain = NULL;

    if (count == 0)
        count = count_children(parent, name);
    g_hash_table_insert(job->counts, g_strdup(path), GUINT_TO_POINTER(count + 1));
    if (count == 0)
        return path;
    plain = path;
    return g_strdup_printf("%s[%u]", plain, count + 1);
}

static void
add_element(Job *job, const BaseElement *element, const xmlNode *parent, const char *parent_path)
{
    g_autofree char *path = new_path(job, parent, parent_path, element->name);

    for (guint i = 0; i < element->names->len; i++) {
        const char *name = element->names->pdata[i];
        g_autofree char *attribute = g_strdup_printf("%s/@%s", path, name);

        if (!g_str_has_prefix(name, "xmlns"))
            add(job, "", attribute, element->values->pdata[i]);
    }
    if (element->text)
        add(job, "", path, element->text);
    else if (element->names->len == 0 && element->children->len == 0)
        add(job, "xpath.create=", path, NULL);
    for (guint i = 0; i < element->children->len; i++)
        add_element(job, element->children->pdata[i], NULL, path);
}

/* virt-xml has no name for our namespace, and who planned is no part of what was planned. */
static gboolean
is_about_the_plan(const PlanEdit *edit)
{
    return xmlStrEqual(edit->node->name, BAD_CAST "metadata") ||
           (edit->node->ns && xmlStrEqual(edit->node->ns->href, BAD_CAST MODEL_PLAN_NAMESPACE)) ||
           (edit->element && g_str_equal(edit->element->name, "metadata")) ||
           (edit->name && g_str_has_prefix(edit->name, "xmlns"));
}

static void
add_edit(Job *job, const PlanEdit *edit)
{
    g_autofree char *path = path_of(edit->node);
    g_autofree char *attribute = edit->name ? g_strdup_printf("%s/@%s", path, edit->name) : NULL;

    switch (edit->kind) {
    case PLAN_EDIT_SET_ATTRIBUTE:
        add(job, "", attribute, edit->value);
        break;
    case PLAN_EDIT_REMOVE_ATTRIBUTE:
        add(job, "", attribute, "");
        break;
    case PLAN_EDIT_INSERT:
        add_element(job, edit->element, edit->node, path);
        break;
    case PLAN_EDIT_REMOVE:
        add(job, "xpath.delete=", path, NULL);
        break;
    }
}

void
write_plan_virt_xml(const ViommuPlan *plan, GString *out)
{
    g_autoptr(GHashTable) counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Job job = {out, counts};

    for (guint i = 0; i < plan->edits->len; i++) {
        const PlanEdit *edit = plan->edits->pdata[i];

        if (!is_about_the_plan(edit) && edit->kind != PLAN_EDIT_REMOVE)
            add_edit(&job, edit);
    }
    /* the last first: what is taken out changes no position before it */
    for (guint i = plan->edits->len; i > 0; i--) {
        const PlanEdit *edit = plan->edits->pdata[i - 1];

        if (!is_about_the_plan(edit) && edit->kind == PLAN_EDIT_REMOVE)
            add_edit(&job, edit);
    }
}
