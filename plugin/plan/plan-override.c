/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan-override.h"

#include <string.h>

struct PlanOverride {
    ViommuPlan *plan;
    char *prefix; /* what the document calls QEMU's namespace */
    PlanSpot frontend;
};

static gboolean
is_taken(const ViommuPlan *plan, const char *alias)
{
    if (strstr(plan->domain->text, alias))
        return TRUE;
    for (guint i = 0; i < plan->edits->len; i++) {
        const PlanEdit *edit = plan->edits->pdata[i];
        g_autoptr(GString) text = g_string_new(edit->value);

        if (edit->element)
            base_element_write(edit->element, 0, "\n", text);
        if (strstr(text->str, alias))
            return TRUE;
    }
    return FALSE;
}

static char *
new_alias(const ViommuPlan *plan, const char *stem, guint first)
{
    for (guint i = first;; i++) {
        g_autofree char *alias = g_strdup_printf("%s%u", stem, i);

        if (!is_taken(plan, alias))
            return g_steal_pointer(&alias);
    }
}

char *
plan_override_alias(ViommuPlan *plan, PlanSpot spot, xmlNode *after, const char *stem, guint first)
{
    PlanWhy why = {"libvirt ties <qemu:override> to an alias that starts with ua-", NULL};
    PlanSpot alias = plan_spot_child(plan, spot, "alias", after, why);
    char *name = plan_spot_get(plan, alias, "name");

    if (name && g_str_has_prefix(name, "ua-"))
        return name;
    g_free(name);
    name = new_alias(plan, stem, first);
    plan_spot_set(plan, alias, "name", name, why);
    return name;
}

static const xmlNs *
find_namespace(const xmlNode *root)
{
    for (const xmlNs *ns = root->nsDef; ns; ns = ns->next) {
        if (ns->prefix && xmlStrEqual(ns->href, BAD_CAST MODEL_QEMU_NAMESPACE))
            return ns;
    }
    return NULL;
}

/* "qemu", or what the document calls that namespace where the override is or goes. */
static char *
write_prefix(ViommuPlan *plan)
{
    PlanWhy why = {"<qemu:override> is in QEMU's namespace", NULL};
    const xmlNode *root = plan->domain->root, *override = plan->domain->override_root;
    const xmlNs *ns = find_namespace(root);

    if (override && override->ns && override->ns->prefix)
        return g_strdup((const char *) override->ns->prefix);
    if (ns)
        return g_strdup((const char *)ns->prefix);
    plan_spot_set(plan, plan_spot(plan->domain->root), "xmlns:qemu", MODEL_QEMU_NAMESPACE, why);
    return g_strdup("qemu");
}

static PlanSpot
find_device(const ViommuPlan *plan, const char *alias)
{
    const GPtrArray *overrides = plan->domain->overrides;

    for (guint i = 0; overrides && i < overrides->len; i++) {
        const ModelOverride *it = overrides->pdata[i];

        if (g_strcmp0(it->alias, alias) == 0)
            return plan_spot(it->node);
    }
    return (PlanSpot){0};
}

gboolean
plan_override_exists(const ViommuPlan *plan, const char *alias)
{
    return find_device(plan, alias).node != NULL;
}

static PlanSpot
root_of(ViommuPlan *plan, const char *prefix, PlanWhy why)
{
    g_autofree char *name = g_strdup_printf("%s:override", prefix);

    if (plan->domain->override_root)
        return plan_spot(plan->domain->override_root);
    return plan_spot_child(plan, plan_spot(plan->domain->root), name, NULL, why);
}

static PlanSpot
frontend_of(ViommuPlan *plan, const char *prefix, PlanSpot device, PlanWhy why)
{
    g_autofree char *full = g_strdup_printf("%s:frontend", prefix);

    for (xmlNode *node = device.node ? device.node->children : NULL; node; node = node->next) {
        if (node->type == XML_ELEMENT_NODE && xmlStrEqual(node->name, BAD_CAST "frontend"))
            return plan_spot(node);
    }
    return device.node ? plan_spot_add(plan, device, full, NULL, why)
                       : plan_spot_child(plan, device, full, NULL, why);
}

/* The one that an earlier call made */
static PlanSpot
find_made(const ViommuPlan *plan, PlanSpot root, const char *alias)
{
    for (guint i = 0; root.node && i < plan->edits->len; i++) {
        const PlanEdit *edit = plan->edits->pdata[i];

        if (edit->kind == PLAN_EDIT_INSERT && edit->node == root.node &&
            g_strcmp0(base_element_get(edit->element, "alias"), alias) == 0)
            return (PlanSpot){.element = edit->element};
    }
    for (guint i = 0; root.element && i < root.element->children->len; i++) {
        BaseElement *child = root.element->children->pdata[i];

        if (g_strcmp0(base_element_get(child, "alias"), alias) == 0)
            return (PlanSpot){.element = child};
    }
    return (PlanSpot){0};
}

static PlanSpot
device_of(ViommuPlan *plan, const char *prefix, const char *alias, PlanWhy why)
{
    g_autofree char *name = g_strdup_printf("%s:device", prefix);
    PlanSpot device = find_device(plan, alias), root;

    if (device.node)
        return device;
    root = root_of(plan, prefix, why);
    device = find_made(plan, root, alias);
    if (device.element)
        return device;
    device = plan_spot_add(plan, root, name, NULL, why);
    plan_spot_set(plan, device, "alias", alias, why);
    return device;
}

PlanOverride *
plan_override_open(ViommuPlan *plan, const char *alias, PlanWhy why)
{
    PlanOverride *override = g_new0(PlanOverride, 1);

    override->plan = plan;
    override->prefix = write_prefix(plan);
    override->frontend =
        frontend_of(plan, override->prefix, device_of(plan, override->prefix, alias, why), why);
    return override;
}

void
plan_override_free(PlanOverride *override)
{
    if (!override)
        return;
    g_free(override->prefix);
    g_free(override);
}

static xmlNode *
find_property(const PlanOverride *override, const char *name)
{
    const xmlNode *frontend = override->frontend.node;

    for (xmlNode *node = frontend ? frontend->children : NULL; node; node = node->next) {
        g_autofree char *has =
            node->type == XML_ELEMENT_NODE ? model_attribute(node, "name") : NULL;

        if (g_strcmp0(has, name) == 0)
            return node;
    }
    return NULL;
}

void
plan_override_set(const PlanOverride *override, const char *name, const char *type,
                  const char *value, PlanWhy why)
{
    g_autofree char *full = g_strdup_printf("%s:property", override->prefix);
    ViommuPlan *plan = override->plan;
    xmlNode *node = find_property(override, name);
    PlanSpot spot =
        node ? plan_spot(node) : plan_spot_add(plan, override->frontend, full, NULL, why);

    plan_spot_set(plan, spot, "name", name, why);
    plan_spot_set(plan, spot, "type", type, why);
    plan_spot_set(plan, spot, "value", value, why);
}

void
plan_override_note(ViommuPlan *plan)
{
    static const char note[] = "qemu:override taints the domain (custom-device); after a start, "
                               "see that QEMU's command line has the properties";

    for (guint i = 0; i < plan->notes->len; i++) {
        if (g_str_equal(plan->notes->pdata[i], note))
            return;
    }
    g_ptr_array_add(plan->notes, g_strdup(note));
}
