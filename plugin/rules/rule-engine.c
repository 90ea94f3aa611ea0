/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rule-needs.h"

#include "base-text.h"

/* What all rules on one domain share. A domain may have thousands of devices, and each of them a
 * finding of many rules. */
struct RuleRun {
    const View *view;
    ViommuReport *report;
    GHashTable *places;   /* of model_xpath */
    GHashTable *xpaths;   /* of const char *, texts of the report, by node */
    GPtrArray *missing;   /* of char *: of one call, emptied for the next */
    ViewMemlock *memlock; /* NULL: nobody asked yet */
    gboolean concerns_us; /* an assigned device, a vIOMMU, or the wish for one */
};

/* Who the finding is about: the hostdev that holds the element, else the object of the call. */
static const ViewHostdev *
hostdev_of_node(const RuleCall *call, const xmlNode *node)
{
    for (guint i = 0; node && i < call->view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = call->view->hostdevs->pdata[i];

        for (const xmlNode *it = node; it; it = it->parent)
            if (hostdev->dev->node == it)
                return hostdev;
    }
    return call->hostdev;
}

static const xmlNode *
object_node(const RuleCall *call)
{
    const xmlNode *node = NULL;

    if (call->rule->scope == RULE_SCOPE_HOST)
        return NULL;
    if (call->hostdev)
        node = call->hostdev->dev->node;
    else if (call->iommu)
        node = call->iommu->iommu->node;
    else if (call->bus)
        node = call->bus->node;
    else
        node = call->view->domain->root;
    /* what libvirt adds by itself has no element of its own */
    return node ? node : call->view->domain->devices;
}

static void
set_identity(const RuleCall *call, const xmlNode *node, Finding *finding)
{
    const ViewHostdev *hostdev = hostdev_of_node(call, node);
    ViommuReport *report = call->run->report;

    if (hostdev) {
        finding->alias = report_text(report, hostdev->dev->alias);
        finding->address = report_text(report, hostdev->dev->source_text);
    } else if (call->iommu) {
        finding->alias = report_text(report, call->iommu->iommu->alias);
    } else if (call->bus) {
        finding->alias = report_text(report, call->bus->alias);
    }
}

static const char *
xpath_of(const RuleRun *run, const xmlNode *node)
{
    const char *known = g_hash_table_lookup(run->xpaths, node);
    g_autofree char *xpath = known ? NULL : model_xpath(node, run->places);

    if (known)
        return known;
    known = report_text(run->report, xpath);
    g_hash_table_insert(run->xpaths, (xmlNode *)node, (char *)known);
    return known;
}

static Finding *
finding_new(RuleCall *call, ViommuOutcome outcome, const xmlNode *node)
{
    Finding *finding = report_finding(call->run->report);
    const xmlNode *place = node ? node : object_node(call);

    finding->rule = call->rule;
    finding->outcome = outcome;
    finding->severity = rule_severity(call->rule, call->view->policy);
    finding->object = call->object;
    set_identity(call, node, finding);
    if (place) {
        const ModelSpan *span = model_span(call->view->domain, place);

        finding->line = span ? span->line : 0;
        finding->column = span ? span->column : 0;
        finding->character = span ? span->character : 0;
        finding->xpath = outcome == VIOMMU_OUTCOME_PASS ? NULL : xpath_of(call->run, place);
    }
    call->reported++;
    return finding;
}

void
rule_fail(RuleCall *call, const xmlNode *node, const char *help, const char *format, ...)
{
    ViommuReport *report = call->run->report;
    Finding *finding = finding_new(call, VIOMMU_OUTCOME_FAIL, node);
    g_autofree char *message = NULL;
    g_autofree char *advice = NULL;
    va_list args;

    va_start(args, format);
    message = base_one_line(g_strdup_vprintf(format, args));
    va_end(args);
    advice = base_one_line(g_strdup(help));
    finding->message = report_text(report, message);
    finding->help = advice ? report_text(report, advice) : call->rule->remedy;
    report_add(report, finding);
}

/* The missing facts of this call are those that the run holds. */
static void
report_unknown(RuleCall *call, const char *how)
{
    ViommuReport *report = call->run->report;
    const GPtrArray *missing = call->run->missing;
    const char *first = missing->pdata[0];
    Finding *finding = finding_new(call, VIOMMU_OUTCOME_UNKNOWN, NULL);
    g_autofree char *message = g_strdup_printf("%s? Not known without %s%s", call->rule->summary,
                                               first, missing->len > 1 ? " and more" : "");

    finding->needs = g_ptr_array_sized_new(missing->len);
    for (guint i = 0; i < missing->len; i++)
        g_ptr_array_add(finding->needs, (char *)report_text(report, missing->pdata[i]));
    finding->how = report_text(report, how ? how : rule_needs_how(call->view, first));
    finding->message = report_text(report, message);
    report_add(report, finding);
}

void
rule_unknown(RuleCall *call, const char *fact, const char *how)
{
    g_ptr_array_set_size(call->run->missing, 0);
    g_ptr_array_add(call->run->missing, g_strdup(fact));
    report_unknown(call, how);
}

const ViewMemlock *
rule_memlock(const RuleCall *call)
{
    if (!call->run->memlock)
        call->run->memlock = view_memlock(call->view, 0);
    return call->run->memlock;
}

void
rule_not_applicable(RuleCall *call)
{
    call->reported++;
}

/* FALSE: the rule's facts cannot be meant for any device of this object */
static gboolean
collect_missing(const RuleCall *call, GPtrArray *missing)
{
    guint needs = call->rule->needs;

    rule_needs_of_view(call->view, needs, missing);
    if (call->hostdev) {
        if (!rule_needs_fit(call->hostdev, needs))
            return FALSE;
        rule_needs_of_device(call->hostdev, needs, missing);
        return TRUE;
    }
    for (guint i = 0; i < call->view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = call->view->hostdevs->pdata[i];

        if (call->rule->scope == RULE_SCOPE_HOST)
            break;
        if (call->iommu && hostdev->viommu != call->iommu)
            continue;
        if (call->bus && hostdev->dev->address.pci.bus != call->bus->index)
            continue;
        if (rule_needs_fit(hostdev, needs))
            rule_needs_of_device(hostdev, needs, missing);
    }
    return TRUE;
}

static void
run(RuleCall *call)
{
    GPtrArray *missing = call->run->missing;

    if (call->rule->applies && !call->rule->applies(call))
        return;
    g_ptr_array_set_size(missing, 0);
    if (!collect_missing(call, missing))
        return;
    if (missing->len > 0) {
        report_unknown(call, NULL);
        return;
    }
    call->rule->check(call);
    if (call->reported == 0)
        report_add(call->run->report, finding_new(call, VIOMMU_OUTCOME_PASS, NULL));
}

static void
run_on_hostdevs(const RuleCall *template)
{
    for (guint i = 0; i < template->view->hostdevs->len; i++) {
        RuleCall call = *template;

        call.hostdev = template->view->hostdevs->pdata[i];
        call.object = i;
        if (view_is_assigned(call.hostdev))
            run(&call);
    }
}

static void
run_on_iommus(const RuleCall *template)
{
    for (guint i = 0; i < template->view->iommus->len; i++) {
        RuleCall call = *template;

        call.iommu = template->view->iommus->pdata[i];
        call.object = i;
        run(&call);
    }
}

static void
run_on_buses(const RuleCall *template)
{
    for (guint i = 0; i < template->view->domain->controllers->len; i++) {
        RuleCall call = *template;

        call.bus = template->view->domain->controllers->pdata[i];
        call.object = i;
        run(&call);
    }
}

static void
run_rule(RuleRun *state, const Rule *rule)
{
    RuleCall call = {.view = state->view, .rule = rule, .run = state};

    if (rule->scope != RULE_SCOPE_HOST && !state->concerns_us)
        return;
    if (rule_severity(rule, state->view->policy) == VIOMMU_SEVERITY_OFF)
        return;
    switch (rule->scope) {
    case RULE_SCOPE_VIOMMU:
        run_on_iommus(&call);
        break;
    case RULE_SCOPE_BUS:
        run_on_buses(&call);
        break;
    case RULE_SCOPE_HOSTDEV:
        run_on_hostdevs(&call);
        break;
    case RULE_SCOPE_DOMAIN:
    case RULE_SCOPE_HOST:
    default:
        run(&call);
        break;
    }
}

ViommuReport *
rule_check(const View *view)
{
    g_autoptr(GHashTable) places = g_hash_table_new(NULL, NULL);
    g_autoptr(GHashTable) xpaths = g_hash_table_new(NULL, NULL);
    g_autoptr(GPtrArray) missing = g_ptr_array_new_with_free_func(g_free);
    RuleRun state = {.view = view,
                     .report = report_new(view->domain->file, view->domain->name),
                     .places = places,
                     .xpaths = xpaths,
                     .missing = missing,
                     .concerns_us = view_concerns_us(view->domain)};
    gsize count;
    const RuleFamily *const *families = rule_families(&count);

    for (gsize i = 0; i < count; i++)
        for (gsize j = 0; j < families[i]->count; j++)
            run_rule(&state, &families[i]->rules[j]);
    view_memlock_free(state.memlock);
    return state.report;
}
