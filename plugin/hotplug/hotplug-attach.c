/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plugging in. The planner plans the domain with the device in it and the domain without it: what
 * it would change besides the device, and only because of the device, is what a running domain
 * cannot get any more. Then the rules judge the domain as it would be, beside the domain as it is.
 */
#include "hotplug-room.h"

#include <string.h>

/* --- edits --- */

static gboolean
is_inside(const xmlNode *node, const xmlNode *top)
{
    for (; node; node = node->parent) {
        if (node == top)
            return TRUE;
    }
    return FALSE;
}

static char *
edit_key(const PlanEdit *edit)
{
    g_autofree char *xpath = model_xpath(edit->node, NULL);
    g_autoptr(GString) key = g_string_new(NULL);

    g_string_printf(key, "%d %s %s=%s ", (int)edit->kind, xpath, edit->name ? edit->name : "",
                    edit->value ? edit->value : "");
    if (edit->element)
        base_element_write(edit->element, 0, "\n", key);
    return g_string_free(g_steal_pointer(&key), FALSE);
}

static GHashTable *
edit_keys(const ViommuPlan *plan)
{
    GHashTable *keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < plan->edits->len; i++)
        g_hash_table_add(keys, edit_key(plan->edits->pdata[i]));
    return keys;
}

static gboolean
is_limit(const PlanEdit *edit)
{
    return (edit->element && g_str_equal(edit->element->name, "hard_limit")) ||
           (edit->kind == PLAN_EDIT_REMOVE && xmlStrEqual(edit->node->name, BAD_CAST "hard_limit"));
}

static void
refuse_edit(Hotplug *hotplug, const ViommuDomain *domain, const PlanEdit *edit)
{
    const char *name = edit->element ? edit->element->name : NULL;

    if (name && g_str_equal(name, "controller"))
        hotplug_refuse(hotplug, "hotplug-no-free-port",
                       "a free root port, which the domain must have from its start",
                       "no free hotplug port where the device must go, and ports cannot be plugged "
                       "in (%s)",
                       edit->because);
    else if (name)
        hotplug_refuse(hotplug, edit->rule, "the XML of the next start, by virt-viommu apply",
                       "it takes <%s%s%s>, which a running domain cannot get: %s", name,
                       base_element_get(edit->element, "model") ? " model=" : "",
                       base_element_get(edit->element, "model")
                           ? base_element_get(edit->element, "model")
                           : "",
                       edit->because);
    else
        hotplug_refuse(hotplug, edit->rule, "the XML of the next start, by virt-viommu apply",
                       "line %u is frozen while the domain runs, and would have to be %s%s%s%s: %s",
                       model_span(domain, edit->node)->line, edit->name ? edit->name : "without",
                       edit->value ? "='" : "", edit->value ? edit->value : "",
                       edit->value ? "'" : "", edit->because);
}

/* One refusal for ports, however many would be added. */
static gboolean
told(const Hotplug *hotplug, const char *rule)
{
    for (guint i = 0; rule && i < hotplug->reasons->len; i++) {
        const HotplugReason *reason = hotplug->reasons->pdata[i];

        if (g_strcmp0(reason->rule, rule) == 0)
            return TRUE;
    }
    return FALSE;
}

/* The edits of the device itself; what else is new refuses. (transfer container) */
static GPtrArray *
split_edits(Hotplug *hotplug, const ViommuPlan *base, const ViommuPlan *plan, const xmlNode *device)
{
    GPtrArray *own = g_ptr_array_new();
    g_autoptr(GHashTable) known = edit_keys(base);

    for (guint i = 0; i < plan->edits->len; i++) {
        const PlanEdit *edit = plan->edits->pdata[i];
        g_autofree char *key = edit_key(edit);
        gboolean port = edit->element && g_str_equal(edit->element->name, "controller");

        if (is_inside(edit->node, device))
            g_ptr_array_add(own, (gpointer)edit);
        else if (!g_hash_table_contains(known, key) && !is_limit(edit) &&
                 !(port && told(hotplug, "hotplug-no-free-port")))
            refuse_edit(hotplug, plan->domain, edit);
    }
    return own;
}

/* virsh finds a device again by its alias, and libvirt keeps one that starts with "ua-". */
static void
add_alias(ViommuPlan *plan, GPtrArray *own, xmlNode *device, const ModelHostdev *dev)
{
    g_autofree char *address = dev->host_known ? base_pci_format(dev->host) : NULL;
    PlanEdit *edit;

    if (dev->alias || !address)
        return;
    g_strdelimit(address, ":.", '-');
    edit = g_new0(PlanEdit, 1);
    edit->kind = PLAN_EDIT_INSERT;
    edit->node = device;
    edit->element = base_element_new("alias");
    edit->because = g_strdup("a name to find the device by");
    base_element_setf(edit->element, "name", "ua-%s", address);
    g_ptr_array_add(plan->edits, edit); /* which frees it */
    g_ptr_array_add(own, edit);
}

/* --- judging --- */

static void
refuse_rejected(Hotplug *hotplug, const ViommuPlan *plan, const xmlNode *device)
{
    for (guint i = 0; i < plan->rejected->len; i++) {
        const PlanRejection *rejection = plan->rejected->pdata[i];

        if (!rejection->hostdev || rejection->hostdev->dev->node == device)
            hotplug_refuse(hotplug, rejection->rule, rejection->would_help, "%s",
                           rejection->reason);
    }
    if (hotplug->reasons->len == 0)
        hotplug_refuse(hotplug, NULL, "virt-viommu plan for the whole domain",
                       "the domain has no plan with the device in it");
}

static gboolean
has_finding(const ViommuReport *report, const Finding *finding)
{
    for (guint i = 0; i < report->findings->len; i++) {
        const Finding *old = report->findings->pdata[i];

        if (old->rule == finding->rule && old->outcome == finding->outcome &&
            g_strcmp0(old->xpath, finding->xpath) == 0 &&
            g_strcmp0(old->message, finding->message) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Limits have an answer of their own, and to be used up is what spare ports are for. */
static gboolean
is_answered(const Finding *finding)
{
    return g_str_has_prefix(finding->rule->id, "memlock-") ||
           g_str_equal(finding->rule->id, "hotplug-no-free-port");
}

/* What the device brings into the domain. */
static void
judge_findings(Hotplug *hotplug, const View *before, const View *after)
{
    g_autoptr(ViommuReport) old = rule_check(before);
    g_autoptr(ViommuReport) new = rule_check(after);

    for (guint i = 0; i < new->findings->len; i++) {
        const Finding *finding = new->findings->pdata[i];

        if (is_answered(finding) || has_finding(old, finding))
            continue;
        if (finding->outcome == VIOMMU_OUTCOME_UNKNOWN && finding->rule->certain)
            hotplug_note(hotplug, "not decided: %s [%s]", finding->rule->summary,
                         finding->rule->id);
        if (finding->outcome != VIOMMU_OUTCOME_FAIL)
            continue;
        if (finding->severity == VIOMMU_SEVERITY_ERROR)
            hotplug_refuse(hotplug, finding->rule->id,
                           finding->help ? finding->help : finding->rule->remedy, "%s",
                           finding->message);
        else if (finding->severity == VIOMMU_SEVERITY_WARNING)
            hotplug_note(hotplug, "%s [%s]", finding->message, finding->rule->id);
    }
}

static gboolean
others_behind(const View *view, const ViewHostdev *hostdev)
{
    for (guint i = 0; i < view->hostdevs->len; i++) {
        const ViewHostdev *other = view->hostdevs->pdata[i];

        if (other != hostdev && other->viommu == hostdev->viommu)
            return TRUE;
    }
    return FALSE;
}

/* "auto" was copied from the first device at the start and is frozen; with that device gone
 * nothing tells what it was (QEMU 11.1 hw/arm/smmuv3-accel.c:44-76). */
static void
judge_auto(Hotplug *hotplug, const View *after, const ViewHostdev *hostdev)
{
    const ViewIommu *viommu = hostdev->viommu;

    if (!viommu || viommu->iommu->kind != MODEL_IOMMU_SMMUV3 || viommu->accel != BASE_YES ||
        others_behind(after, hostdev))
        return;
    if (viommu->ats == BASE_UNKNOWN || viommu->ril == BASE_UNKNOWN ||
        viommu->oas.state != BASE_STATE_KNOWN || viommu->ssidsize.state != BASE_STATE_KNOWN)
        hotplug_refuse(hotplug, "accel-auto-cold",
                       "ats, ril, oas and ssidsize written out, from the next start on",
                       "no device is behind its vSMMU, whose values are automatic: they were "
                       "settled at the start, and nothing tells how");
}

/* --- the answer --- */

static void
describe(Hotplug *hotplug, const ViommuPlan *plan, const xmlNode *device)
{
    for (guint i = 0; i < plan->devices->len; i++) {
        const PlanDevice *it = plan->devices->pdata[i];

        if (it->hostdev->dev->node != device)
            continue;
        hotplug->usage_told = TRUE;
        hotplug->usage = it->usage;
        hotplug->mode = it->mode;
        hotplug->where = g_strdup(it->where);
        hotplug->bus = it->bus;
        if (it->note)
            hotplug_note(hotplug, "%s", it->note);
    }
}

/* The domain once the device is in. FALSE with @error set: a defect of ours. */
static gboolean
look_at_result(Hotplug *hotplug, const ViommuPlan *base, const ViommuPlan *plan, GPtrArray *own,
               GError **error)
{
    g_autofree char *text = write_domain(plan->domain, own, error);
    g_autoptr(ViommuDomain) domain = NULL;
    g_autoptr(View) after = NULL;
    const xmlNode *device;
    const ViewHostdev *hostdev;

    if (!text)
        return FALSE;
    domain = model_domain_parse(text, strlen(text), plan->domain->file, error);
    if (!domain)
        return FALSE;
    device = hotplug_last_device(domain);
    after = view_new(plan->host, domain, plan->policy, &plan->view->target);
    hostdev = hotplug_hostdev_of(after, device);
    hotplug_name_device(hotplug, hostdev->dev);
    judge_findings(hotplug, base->view, after);
    judge_auto(hotplug, after, hostdev);
    hotplug_judge_limits(hotplug, base->view, after);
    hotplug_judge_place(hotplug, after, hostdev);
    hotplug_judge_window(hotplug, after, hostdev);
    hotplug->xml = hotplug_source(domain, device);
    return TRUE;
}

Hotplug *
hotplug_attach(const ViommuHost *host, const ViommuDomain *domain, const ViommuPolicy *policy,
               const ViommuTarget *target, const char *device, const char *name, GError **error)
{
    g_autofree char *text = hotplug_device_text(device, name, error);
    g_autoptr(ViommuDomain) with = text ? hotplug_with_device(domain, text, error) : NULL;
    g_autoptr(Hotplug) hotplug = NULL;
    g_autoptr(ViommuPlan) base = NULL;
    g_autoptr(ViommuPlan) plan = NULL;
    g_autoptr(GPtrArray) own = NULL;
    const ViewHostdev *hostdev, *twin;
    xmlNode *node;

    if (!with)
        return NULL;
    hotplug = hotplug_new(domain, FALSE);
    base = plan_new(host, domain, policy, target, PLAN_LIVE);
    plan = plan_new(host, with, policy, target, PLAN_LIVE);
    node = hotplug_last_device(with);
    hostdev = hotplug_hostdev_of(plan->view, node);
    hotplug_name_device(hotplug, hostdev->dev);
    twin = hotplug_find_device(base->view, hostdev->dev);
    if (twin) {
        hotplug_refuse(hotplug, "xml-hostdev-duplicate", "another device, or --detach first",
                       "the domain has this device already, at line %u",
                       model_span(domain, twin->dev->node)->line);
        return g_steal_pointer(&hotplug);
    }
    if (!plan->valid) {
        refuse_rejected(hotplug, plan, node);
        return g_steal_pointer(&hotplug);
    }
    own = split_edits(hotplug, base, plan, node);
    describe(hotplug, plan, node);
    add_alias(plan, own, node, hostdev->dev);
    if (!look_at_result(hotplug, base, plan, own, error))
        return NULL;
    hotplug->feasible = hotplug->reasons->len == 0;
    if (!hotplug->feasible)
        g_clear_pointer(&hotplug->xml, g_free);
    return g_steal_pointer(&hotplug);
}
