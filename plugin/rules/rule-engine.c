/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rule-needs.h"

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

    if (hostdev) {
        finding->alias = g_strdup(hostdev->dev->alias);
        if (hostdev->dev->kind == MODEL_HOSTDEV_MDEV)
            finding->address = g_strdup(hostdev->dev->mdev_uuid);
        else if (hostdev->dev->host_known)
            finding->address = base_pci_format(hostdev->dev->host);
    } else if (call->iommu) {
        finding->alias = g_strdup(call->iommu->iommu->alias);
    } else if (call->bus) {
        finding->alias = g_strdup(call->bus->alias);
    }
}

static Finding *
finding_new(RuleCall *call, ViommuOutcome outcome, const xmlNode *node)
{
    Finding *finding = g_new0(Finding, 1);
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
        finding->xpath = model_xpath(place, call->places);
    }
    call->reported++;
    return finding;
}

void
rule_fail(RuleCall *call, const xmlNode *node, const char *help, const char *format, ...)
{
    Finding *finding = finding_new(call, VIOMMU_OUTCOME_FAIL, node);
    va_list args;

    va_start(args, format);
    finding->message = g_strdup_vprintf(format, args);
    va_end(args);
    finding->help = g_strdup(help ? help : call->rule->remedy);
    report_add(call->report, finding);
}

/* Takes over @missing */
static void
report_unknown(RuleCall *call, GPtrArray *missing, const char *how)
{
    Finding *finding = finding_new(call, VIOMMU_OUTCOME_UNKNOWN, NULL);

    finding->needs = missing;
    finding->how = how ? g_strdup(how) : rule_needs_how(call->view, missing->pdata[0]);
    finding->message =
        g_strdup_printf("%s? Not known without %s%s", call->rule->summary,
                        (char *)missing->pdata[0], missing->len > 1 ? " and more" : "");
    report_add(call->report, finding);
}

void
rule_unknown(RuleCall *call, const char *fact, const char *how)
{
    GPtrArray *missing = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(missing, g_strdup(fact));
    report_unknown(call, missing, how);
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
    g_autoptr(GPtrArray) missing = NULL;

    if (call->rule->applies && !call->rule->applies(call))
        return;
    missing = g_ptr_array_new_with_free_func(g_free);
    if (!collect_missing(call, missing))
        return;
    if (missing->len > 0) {
        report_unknown(call, g_steal_pointer(&missing), NULL);
        return;
    }
    call->rule->check(call);
    if (call->reported == 0)
        report_add(call->report, finding_new(call, VIOMMU_OUTCOME_PASS, NULL));
}

/* Whether the domain is any business of ours: an assigned device, a vIOMMU, or the wish for one */
static gboolean
concerns_us(const View *view)
{
    for (guint i = 0; i < view->hostdevs->len; i++)
        if (view_is_assigned(view->hostdevs->pdata[i]))
            return TRUE;
    return view->iommus->len > 0 || view->domain->intent;
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
run_rule(const View *view, const Rule *rule, ViommuReport *report, GHashTable *places)
{
    RuleCall call = {.view = view, .rule = rule, .report = report, .places = places};

    if (rule_severity(rule, view->policy) == VIOMMU_SEVERITY_OFF)
        return;
    if (rule->scope != RULE_SCOPE_HOST && !concerns_us(view))
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
    ViommuReport *report = report_new(view->domain->file, view->domain->name);
    g_autoptr(GHashTable) places = g_hash_table_new(NULL, NULL);
    gsize count;
    const RuleFamily *const *families = rule_families(&count);

    for (gsize i = 0; i < count; i++)
        for (gsize j = 0; j < families[i]->count; j++)
            run_rule(view, &families[i]->rules[j], report, places);
    return report;
}
