/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plan for people. */
#include "write-plan.h"

#include <string.h>

#include "write-table.h"

#define LABEL_WIDTH   15
#define REASON_COLUMN 10

void
write_plan_title(const ViommuPlan *plan, const WriteStyle *style, GString *out)
{
    const View *view = plan->view;
    const char *name = plan->domain->name ? plan->domain->name : "domain";
    g_autoptr(GString) line = g_string_new(NULL);
    g_autofree char *libvirt = base_format_version(view->target.libvirt);
    g_autofree char *qemu = base_format_version(view->target.qemu);

    g_string_append_printf(line, "libvirt %s, QEMU %s", view->target.libvirt ? libvirt : "unknown",
                           view->target.qemu ? qemu : "unknown");
    g_string_append_printf(line, ", host %s",
                           plan->host->name.text ? plan->host->name.text
                           : plan->host->none    ? "none"
                                                 : "unnamed");
    g_string_append_printf(line, ", policy %s", plan->policy->name);
    if (style->width == 0 || write_text_width(name) + line->len + 4 <= style->width)
        g_string_append_printf(out, "%s  (%s)\n", name, line->str);
    else {
        g_string_append_printf(out, "%s\n", name);
        write_wrapped(style, out, 2, 3, "(%s)", line->str);
    }
}

/* --- no plan --- */

static gboolean
is_first_of(const ViommuPlan *plan, guint index)
{
    const PlanRejection *rejection = plan->rejected->pdata[index];

    for (guint i = 0; i < index; i++) {
        if (((PlanRejection *)plan->rejected->pdata[i])->hostdev == rejection->hostdev)
            return FALSE;
    }
    return TRUE;
}

static char *
title_of(const ViewHostdev *hostdev)
{
    g_autofree char *address = NULL;

    if (!hostdev)
        return g_strdup("the domain");
    address = write_hostdev_address(hostdev);
    if (!address && !hostdev->dev->alias)
        return view_hostdev_label(hostdev);
    if (hostdev->dev->alias && address)
        return g_strdup_printf("%s (%s), usage %s", hostdev->dev->alias, address,
                               policy_usage_name(hostdev->demand.usage));
    return g_strdup_printf("%s, usage %s", address ? address : hostdev->dev->alias,
                           policy_usage_name(hostdev->demand.usage));
}

/* On x86 two models can shadow. */
static const char *
model_of(const ViommuPlan *plan, const PlanRejection *rejection)
{
    if (!plan->domain->is_q35 || rejection->mode != VIOMMU_MODE_SHADOW)
        return "";
    if (rejection->model == MODEL_IOMMU_VIRTIO)
        return "virtio-iommu: ";
    return rejection->model == MODEL_IOMMU_INTEL ? "VT-d: " : "";
}

/* Several modes may fall for one reason: what would help is told once. */
static gboolean
is_told(const ViommuPlan *plan, guint index)
{
    const PlanRejection *rejection = plan->rejected->pdata[index];

    for (guint i = 0; i < index; i++) {
        const PlanRejection *before = plan->rejected->pdata[i];

        if (before->hostdev == rejection->hostdev &&
            g_str_equal(before->reason, rejection->reason) &&
            g_strcmp0(before->would_help, rejection->would_help) == 0)
            return TRUE;
    }
    return FALSE;
}

static void
write_rejections_of(const ViommuPlan *plan, const ViewHostdev *hostdev, const WriteStyle *style,
                    GString *out)
{
    for (guint i = 0; i < plan->rejected->len; i++) {
        const PlanRejection *rejection = plan->rejected->pdata[i];
        g_autofree char *mode = NULL;

        if (rejection->hostdev != hostdev)
            continue;
        mode = g_strdup_printf("  %s", hostdev ? policy_mode_name(rejection->mode) : "");
        write_labelled(style, out, mode, REASON_COLUMN, "%s%s%s%s%s", model_of(plan, rejection),
                       rejection->reason, rejection->rule ? " [" : "",
                       rejection->rule ? rejection->rule : "", rejection->rule ? "]" : "");
        if (!is_told(plan, i))
            write_labelled(style, out, "", REASON_COLUMN, "would help: %s",
                           rejection->would_help ? rejection->would_help
                                                 : "nothing on this host today");
    }
}

/* Devices that have a mode are no reason why there is no plan. */
static gboolean
is_stuck(const ViommuPlan *plan, const ViewHostdev *hostdev)
{
    for (guint i = 0; i < plan->stuck->len; i++) {
        if (plan->stuck->pdata[i] == hostdev)
            return TRUE;
    }
    return !hostdev;
}

static void
write_no_plan(const ViommuPlan *plan, const WriteStyle *style, GString *out)
{
    for (guint i = 0; i < plan->rejected->len; i++) {
        const PlanRejection *rejection = plan->rejected->pdata[i];
        g_autofree char *title = title_of(rejection->hostdev);

        if (!is_first_of(plan, i) || !is_stuck(plan, rejection->hostdev))
            continue;
        g_string_append_printf(out, "%s: no plan for %s\n",
                               plan->domain->name ? plan->domain->name : "domain", title);
        write_rejections_of(plan, rejection->hostdev, style, out);
    }
}

/* --- devices --- */

static char *
pasid_cell(const PlanDevice *device)
{
    if (!base_u64_is_known(device->pasid_bits))
        return NULL;
    return g_strdup_printf("%u bits", (guint)device->pasid_bits.value);
}

static guint
count_emulated(const ViommuPlan *plan)
{
    guint count = 0;

    for (guint i = 0; i < plan->domain->endpoints->len; i++) {
        const ModelEndpoint *endpoint = plan->domain->endpoints->pdata[i];

        count += endpoint->address.kind != MODEL_ADDRESS_NONE;
    }
    return count;
}

static gboolean
has_bus_without_viommu(const ViommuPlan *plan)
{
    for (guint i = 0; i < plan->iommus->len; i++) {
        if (((PlanIommu *)plan->iommus->pdata[i])->model == MODEL_IOMMU_SMMUV3)
            return TRUE;
    }
    return FALSE;
}

static void
write_devices(const ViommuPlan *plan, const WriteStyle *style, GString *out)
{
    static const char *const heads[] = {"DEVICE", "HOST", "USAGE", "MODE", "WHERE", "PASID", NULL};
    g_autoptr(WriteTable) table = write_table_new(heads);
    g_autofree char *emulated = g_strdup_printf("%u emulated", count_emulated(plan));

    for (guint i = 0; i < plan->devices->len; i++) {
        const PlanDevice *device = plan->devices->pdata[i];
        g_autofree char *address = write_hostdev_address(device->hostdev);
        g_autofree char *pasid = pasid_cell(device);
        const char *alias = device->hostdev->dev->alias;
        const char *cells[] = {alias ? alias : "-",
                               address ? address : "?",
                               policy_usage_name(device->usage),
                               policy_mode_name(device->mode),
                               device->where,
                               pasid};

        write_table_add(table, cells);
    }
    if (has_bus_without_viommu(plan) && count_emulated(plan) > 0) {
        const char *cells[] = {emulated, NULL, NULL, NULL, "on the root complex, no vIOMMU", NULL};

        write_table_add(table, cells);
    }
    if (plan->devices->len > 0) {
        g_string_append_c(out, '\n');
        write_table_print(table, style, out);
    }
}

static void
write_device_notes(const ViommuPlan *plan, const WriteStyle *style, GString *out)
{
    for (guint i = 0; i < plan->devices->len; i++) {
        const PlanDevice *device = plan->devices->pdata[i];
        g_autofree char *label = view_hostdev_label(device->hostdev);

        if (device->note)
            write_labelled(style, out, "Note", LABEL_WIDTH, "%s: %s", label, device->note);
    }
    for (guint i = 0; i < plan->notes->len; i++)
        write_labelled(style, out, "Note", LABEL_WIDTH, "%s", (char *)plan->notes->pdata[i]);
}

/* --- summary lines --- */

static char *
free_ports_text(const ViommuPlan *plan)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < plan->spare_ports->len; i++)
        g_string_append_printf(text, "%s%u", i ? ", " : "",
                               g_array_index(plan->spare_ports, guint, i));
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void
write_hotplug(const ViommuPlan *plan, const WriteStyle *style, GString *out)
{
    g_autofree char *ports = free_ports_text(plan);
    g_autofree char *later = base_format_size(plan->memlock_later.value);
    guint count = plan->spare_ports->len;
    gboolean limited = base_u64_is_known(plan->domain->hard_limit);

    if (count == 0 && !plan->domain->is_q35 && !plan->domain->is_virt)
        write_labelled(style, out, "Hotplug", LABEL_WIDTH,
                       "into a free slot of the conventional bus: no ports on this machine");
    else if (count == 0)
        write_labelled(style, out, "Hotplug", LABEL_WIDTH,
                       "no free port (<viommu:hotplug ports='N'/> in the metadata asks for some)");
    else
        write_labelled(style, out, "Hotplug", LABEL_WIDTH, "%u free port%s: bus %s", count,
                       count == 1 ? "" : "s", ports);
    if (base_u64_is_known(plan->memlock_later) &&
        plan->memlock_later.value > plan->memlock->accounted.value)
        write_labelled(style, out, "", LABEL_WIDTH, "%s accounted once all of it is in use; %s",
                       later,
                       limited ? "with <hard_limit> libvirt raises nothing at an attach"
                               : "libvirt raises its limit at each attach");
}

static void
write_reserved(const ViommuPlan *plan, const WriteStyle *style, GString *out)
{
    for (guint i = 0; i < plan->reserved->len; i++) {
        const PlanReserved *it = &g_array_index(plan->reserved, PlanReserved, i);
        g_autofree char *high = base_format_size(it->prefetchable);
        g_autofree char *low = base_format_size(it->plain);
        const char *label = i == 0 ? "Windows" : "";

        if (it->plain == 0)
            write_labelled(style, out, label, LABEL_WIDTH, "bus %u reserves %s for 64-bit BARs",
                           it->bus, high);
        else if (it->prefetchable == 0)
            write_labelled(style, out, label, LABEL_WIDTH, "bus %u reserves %s below 4 GiB",
                           it->bus, low);
        else
            write_labelled(style, out, label, LABEL_WIDTH,
                           "bus %u reserves %s for 64-bit BARs, %s below 4 GiB", it->bus, high,
                           low);
    }
}

typedef struct {
    const char *one, *many;
    guint count;
} Tally;

enum { EXPANDERS, PORTS, CONTROLLERS, VIOMMUS, ADDRESSES, BACKENDS, TALLIES };

static gboolean
is_address(const PlanEdit *edit)
{
    if (edit->kind == PLAN_EDIT_INSERT)
        return strcmp(edit->element->name, "address") == 0;
    return xmlStrEqual(edit->node->name, BAD_CAST "address");
}

static guint
kind_of_insert(const BaseElement *element)
{
    const char *model = base_element_get(element, "model");

    if (strcmp(element->name, "controller") == 0 && g_strcmp0(model, "pcie-expander-bus") == 0)
        return EXPANDERS;
    if (strcmp(element->name, "controller") == 0 && g_strcmp0(model, "pcie-root-port") == 0)
        return PORTS;
    if (strcmp(element->name, "controller") == 0)
        return CONTROLLERS;
    if (strcmp(element->name, "iommu") == 0)
        return VIOMMUS;
    if (strcmp(element->name, "iommufd") == 0 || base_element_get(element, "iommufd"))
        return BACKENDS;
    return TALLIES;
}

/* Who planned it goes along with what is planned, and is no change to the guest. */
static gboolean
is_provenance(const ViommuPlan *plan, const PlanEdit *edit)
{
    if (edit->kind == PLAN_EDIT_INSERT)
        return g_str_equal(edit->element->name, "metadata") ||
               g_str_has_prefix(edit->element->name, "viommu-plan:");
    return edit->node == plan->domain->plan_node;
}

/* Somebody chose that place, and a rule speaks against it. */
static gboolean
is_move(const PlanEdit *edit)
{
    return is_address(edit) && edit->kind != PLAN_EDIT_INSERT && edit->rule;
}

/* What has no name for people, by its own; in the order of the document */
static void
count_other(GArray *others, const char *name)
{
    Tally other = {name, name, 1};

    for (guint i = 0; i < others->len; i++) {
        Tally *known = &g_array_index(others, Tally, i);

        if (strcmp(known->one, name) == 0) {
            known->count++;
            return;
        }
    }
    g_array_append_val(others, other);
}

/* Attributes of one address are one change. */
static void
tally_edits(const ViommuPlan *plan, Tally *tallies, GArray *others)
{
    const xmlNode *last_address = NULL;

    for (guint i = 0; i < plan->edits->len; i++) {
        const PlanEdit *edit = plan->edits->pdata[i];

        if (is_provenance(plan, edit) || is_move(edit))
            continue;
        if (is_address(edit)) {
            tallies[ADDRESSES].count +=
                edit->kind == PLAN_EDIT_INSERT || edit->node != last_address;
            last_address = edit->kind == PLAN_EDIT_INSERT ? NULL : edit->node;
        } else if (edit->kind == PLAN_EDIT_INSERT) {
            guint kind = kind_of_insert(edit->element);

            if (kind < TALLIES)
                tallies[kind].count++;
            else
                count_other(others, edit->element->name);
        }
    }
}

static void
write_changes(const ViommuPlan *plan, const WriteStyle *style, GString *out)
{
    Tally tallies[TALLIES] = {{"expander bus", "expander buses", 0},
                              {"root port", "root ports", 0},
                              {"other controller", "other controllers", 0},
                              {"vIOMMU", "vIOMMUs", 0},
                              {"address", "addresses", 0},
                              {"iommufd backend", "iommufd backends", 0}};
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GArray) others = g_array_new(FALSE, FALSE, sizeof(Tally));

    if (plan->edits->len == 0) {
        write_labelled(style, out, "Would write", LABEL_WIDTH,
                       "nothing: the domain is right as it is");
        return;
    }
    tally_edits(plan, tallies, others);
    for (guint i = 0; i < TALLIES; i++) {
        if (tallies[i].count > 0)
            g_string_append_printf(text, "%s%u %s", text->len ? ", " : "", tallies[i].count,
                                   tallies[i].count == 1 ? tallies[i].one : tallies[i].many);
    }
    for (guint i = 0; i < others->len; i++) {
        const Tally *other = &g_array_index(others, Tally, i);

        g_string_append(text, text->len ? ", " : "");
        if (other->count > 1)
            g_string_append_printf(text, "%u ", other->count);
        g_string_append_printf(text, "<%s>", other->one);
    }
    if (text->len > 0)
        write_labelled(style, out, "Would write", LABEL_WIDTH, "%s", text->str);
}

static gboolean
is_same_move(const ViommuPlan *plan, guint index, const PlanEdit *edit)
{
    return index < plan->edits->len && is_move(plan->edits->pdata[index]) &&
           ((PlanEdit *)plan->edits->pdata[index])->node == edit->node;
}

/* The attributes that change, from @first on: "bus='0x03' function='0x0'" */
static void
add_move(const ViommuPlan *plan, guint first, GString *what)
{
    const PlanEdit *edit = plan->edits->pdata[first];

    for (guint i = first; is_same_move(plan, i, edit); i++) {
        const PlanEdit *it = plan->edits->pdata[i];

        g_string_append_printf(what, "%s%s%s%s%s", i > first ? " " : "",
                               it->value ? it->name : "no ", it->value ? "='" : it->name,
                               it->value ? it->value : "", it->value ? "'" : "");
    }
    g_string_append(what, " in <address>");
}

/* What is there and gets mended is told one by one, with the reason. */
static void
write_mends(const ViommuPlan *plan, const WriteStyle *style, GString *out)
{
    for (guint i = 0; i < plan->edits->len; i++) {
        const PlanEdit *edit = plan->edits->pdata[i];
        guint line = model_span(plan->domain, edit->node)->line;
        g_autoptr(GString) what = g_string_new(NULL);

        if (edit->kind == PLAN_EDIT_INSERT || (is_address(edit) && !is_move(edit)) ||
            is_provenance(plan, edit) ||
            (i > 0 && is_move(edit) && is_same_move(plan, i - 1, edit)))
            continue;
        if (is_move(edit))
            add_move(plan, i, what);
        else if (edit->kind == PLAN_EDIT_SET_ATTRIBUTE)
            g_string_append_printf(what, "%s='%s' in <%s>", edit->name, edit->value,
                                   (const char *)edit->node->name);
        else if (edit->kind == PLAN_EDIT_REMOVE_ATTRIBUTE)
            g_string_append_printf(what, "no %s in <%s>", edit->name,
                                   (const char *)edit->node->name);
        else
            g_string_append_printf(what, "no <%s>", (const char *)edit->node->name);
        write_labelled(style, out, "Would mend", LABEL_WIDTH, "line %u: %s%s%s%s", line, what->str,
                       edit->rule ? " [" : "", edit->rule ? edit->rule : "", edit->rule ? "]" : "");
        write_labelled(style, out, "", LABEL_WIDTH, "  %s", edit->because);
    }
}

static void
write_actions(const ViommuPlan *plan, const WriteStyle *style, GString *out)
{
    if (plan->actions->len == 0)
        write_labelled(style, out, "Admin", LABEL_WIDTH, "nothing");
    for (guint i = 0; i < plan->actions->len; i++) {
        const PlanAction *action = plan->actions->pdata[i];
        g_autofree char *who = g_strdup(action->who);

        who[0] = g_ascii_toupper(who[0]);
        write_labelled(style, out, who, LABEL_WIDTH, "%s", action->what);
    }
    for (guint i = 0; i < plan->grants->len; i++) {
        const PlanGrant *grant = plan->grants->pdata[i];
        g_autofree char *size = base_format_size(grant->memlock.value);

        if (grant->path)
            write_labelled(style, out, i ? "" : "Grants", LABEL_WIDTH, "%s %s", grant->path,
                           grant->access);
        else
            write_labelled(style, out, i ? "" : "Grants", LABEL_WIDTH, "RLIMIT_MEMLOCK %s", size);
    }
}

/* A better mode that fell, told once for all devices with that reason. */
static void
write_fallen(const ViommuPlan *plan, const WriteStyle *style, GString *out)
{
    for (guint i = 0; i < plan->rejected->len; i++) {
        const PlanRejection *rejection = plan->rejected->pdata[i];
        gboolean told = FALSE;

        for (guint j = 0; j < i && !told; j++)
            told =
                g_str_equal(((PlanRejection *)plan->rejected->pdata[j])->reason, rejection->reason);
        if (told)
            continue;
        write_labelled(style, out, "Not taken", LABEL_WIDTH, "%s: %s%s",
                       policy_mode_name(rejection->mode), model_of(plan, rejection),
                       rejection->reason);
        if (rejection->would_help)
            write_labelled(style, out, "", LABEL_WIDTH, "would help: %s", rejection->would_help);
    }
}

void
write_plan_text(const ViommuPlan *plan, const WriteStyle *style, GString *out)
{
    if (!plan->valid) {
        write_no_plan(plan, style, out);
        return;
    }
    write_plan_title(plan, style, out);
    write_devices(plan, style, out);
    g_string_append_c(out, '\n');
    write_memlock_text(plan, style, LABEL_WIDTH, out);
    if (base_u64_is_known(plan->pasid_bits))
        write_labelled(style, out, "PASIDs", LABEL_WIDTH, "%s", plan->pasid_because);
    write_hotplug(plan, style, out);
    write_reserved(plan, style, out);
    write_order_text(plan, style, LABEL_WIDTH, out);
    write_fallen(plan, style, out);
    write_changes(plan, style, out);
    write_mends(plan, style, out);
    write_device_notes(plan, style, out);
    write_actions(plan, style, out);
}
