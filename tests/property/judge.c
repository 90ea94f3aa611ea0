/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "judge.h"

#include <string.h>

#include "hotplug.h"
#include "view-memlock.h"
#include "write.h"

static void problem(GPtrArray *problems, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
problem(GPtrArray *problems, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_ptr_array_add(problems, g_strdup_vprintf(format, args));
    va_end(args);
}

static gboolean
is_error(const Finding *finding)
{
    return finding->outcome == VIOMMU_OUTCOME_FAIL && finding->severity == VIOMMU_SEVERITY_ERROR;
}

static View *
look(const JudgeStack *stack, const ViommuDomain *domain)
{
    return view_new(stack->host, domain, stack->policy, &stack->target);
}

/* What is wrong on the host is in the plan's list of things to do, and stays till then. */
static void
judge_errors(const JudgeStack *stack, const ViommuPlan *plan, const ViommuDomain *after,
             GPtrArray *problems)
{
    g_autoptr(View) view = look(stack, after);
    g_autoptr(ViommuReport) report = rule_check(view);

    for (guint i = 0; i < report->findings->len; i++) {
        const Finding *finding = report->findings->pdata[i];

        if (is_error(finding) &&
            !(finding->rule->fixer == RULE_FIXER_HOST && plan->actions->len > 0))
            problem(problems, "error after apply: %s [%s]", finding->message, finding->rule->id);
    }
}

static void
judge_again(const JudgeStack *stack, const ViommuDomain *after, GPtrArray *problems)
{
    g_autoptr(ViommuPlan) again =
                  plan_new(stack->host, after, stack->policy, &stack->target, PLAN_DEFAULT);

    if (!again->valid) {
        const PlanRejection *first =
            again->rejected->len > 0 ? again->rejected->pdata[again->rejected->len - 1] : NULL;

        problem(problems, "no plan for what was written: %s", first ? first->reason : "?");
    }
    for (guint i = 0; i < again->edits->len; i++) {
        const PlanEdit *edit = again->edits->pdata[i];

        problem(problems, "once more it wants %s %s=%s: %s",
                edit->element ? edit->element->name : (const char *)edit->node->name,
                edit->name ? edit->name : "", edit->value ? edit->value : "", edit->because);
    }
}

/* --- what is kept --- */

static gboolean
touches(const PlanEdit *edit, const xmlNode *node)
{
    return edit->node == node ||
           (edit->kind == PLAN_EDIT_INSERT && edit->node == node->parent && edit->after == node);
}

/* Whether the vIOMMU of a device gives it what it is there for. A plan takes no vIOMMU away. */
static gboolean
is_served(const ViommuPlan *plan, const ViewHostdev *hostdev)
{
    const ViewIommu *viommu = hostdev->viommu;
    gboolean wanted = hostdev->demand.usage > VIOMMU_USAGE_DMA;

    for (guint i = 0; i < plan->devices->len; i++) {
        const PlanDevice *device = plan->devices->pdata[i];

        wanted = wanted || (device->hostdev->index == hostdev->index &&
                            device->mode != VIOMMU_MODE_NONE && device->hostdev->viommu);
    }
    if (!wanted || !viommu)
        return !wanted;
    return viommu->iommu->kind == MODEL_IOMMU_SMMUV3
               ? viommu->accel == BASE_YES
               : viommu->iommu->kind != MODEL_IOMMU_INTEL || viommu->intremap == BASE_YES;
}

/* The devices to come that were asked for must find their memory. */
static gboolean
has_room(const View *view)
{
    guint spares = policy_spare_ports(view->policy, view->domain);
    g_autoptr(ViewMemlock) later = view_memlock(view, spares);

    return !base_u64_is_known(view->domain->hard_limit) || !base_u64_is_known(later->pinned) ||
           view->domain->hard_limit.value > later->pinned.value;
}

/* What somebody could complain of: how often each rule speaks, and devices without what they ask
 * for. Of Rule -> number; NULL: such devices */
static GHashTable *
list_complaints(const JudgeStack *stack, const ViommuPlan *plan, const ViommuDomain *domain)
{
    GHashTable *complaints = g_hash_table_new(NULL, NULL);
    g_autoptr(View) view = look(stack, domain);
    g_autoptr(ViommuReport) report = rule_check(view);
    guint unserved = has_room(view) ? 0 : 1;

    for (guint i = 0; i < report->findings->len; i++) {
        const Finding *finding = report->findings->pdata[i];
        guint before = GPOINTER_TO_UINT(g_hash_table_lookup(complaints, finding->rule));

        if (finding->outcome != VIOMMU_OUTCOME_PASS &&
            finding->outcome != VIOMMU_OUTCOME_NOT_APPLICABLE)
            g_hash_table_insert(complaints, (gpointer)finding->rule, GUINT_TO_POINTER(before + 1));
    }
    for (guint i = 0; i < view->hostdevs->len; i++)
        unserved += !is_served(plan, view->hostdevs->pdata[i]);
    g_hash_table_insert(complaints, NULL, GUINT_TO_POINTER(unserved));
    return complaints;
}

static gboolean
has_more(GHashTable *complaints, GHashTable *than)
{
    GHashTableIter iter;
    gpointer rule, number;

    g_hash_table_iter_init(&iter, complaints);
    while (g_hash_table_iter_next(&iter, &rule, &number))
        if (GPOINTER_TO_UINT(number) > GPOINTER_TO_UINT(g_hash_table_lookup(than, rule)))
            return TRUE;
    return FALSE;
}

static gboolean
is_worse_without(const JudgeStack *stack, const ViommuPlan *plan, const xmlNode *node,
                 GHashTable *after)
{
    g_autoptr(GPtrArray) rest = g_ptr_array_new();
    g_autoptr(GHashTable) complaints = NULL;
    g_autoptr(ViommuDomain) domain = NULL;
    g_autofree char *text = NULL;

    for (guint i = 0; i < plan->edits->len; i++)
        if (!touches(plan->edits->pdata[i], node))
            g_ptr_array_add(rest, plan->edits->pdata[i]);
    text = write_domain(plan->domain, rest, NULL);
    domain = text ? model_domain_parse(text, strlen(text), "domain.xml", NULL) : NULL;
    complaints = domain ? list_complaints(stack, plan, domain) : NULL;
    return !complaints || has_more(complaints, after);
}

static gboolean
has_known_room(const JudgeStack *stack, const ViommuDomain *domain)
{
    g_autoptr(View) view = look(stack, domain);
    g_autoptr(ViewMemlock) memlock = view_memlock(view, 0);

    return base_u64_is_known(memlock->pinned);
}

static guint
number_of(const xmlNode *node, const char *name)
{
    g_autofree char *text = model_attribute(node, name);

    return text ? (guint)strtoul(text, NULL, 0) : 0;
}

/* libvirt takes all zeros for no address, whatever the function. */
static gboolean
is_no_address(const xmlNode *node)
{
    return xmlStrEqual(node->name, BAD_CAST "address") && number_of(node, "bus") == 0 &&
           number_of(node, "slot") == 0;
}

/* libvirt drops every alias that is not the user's. */
static gboolean
is_no_alias(const xmlNode *node)
{
    g_autofree char *name = model_attribute(node, "name");

    return xmlStrEqual(node->name, BAD_CAST "alias") && !(name && g_str_has_prefix(name, "ua-"));
}

/* What was written and is changed or taken out was wrong: with it there is more to complain of. */
static void
judge_kept(const JudgeStack *stack, const ViommuPlan *plan, const ViommuDomain *after,
           GPtrArray *problems)
{
    g_autoptr(GHashTable) complaints = list_complaints(stack, plan, after);

    for (guint i = 0; i < plan->edits->len; i++) {
        const PlanEdit *edit = plan->edits->pdata[i];
        g_autofree char *old = NULL;

        /* what plans leave in <metadata> is their own */
        if (edit->kind == PLAN_EDIT_INSERT || xmlStrEqual(edit->node->name, BAD_CAST "plan") ||
            is_no_address(edit->node) || is_no_alias(edit->node))
            continue;
        /* the rule counts BARs without alignment, a lower bound */
        if (xmlStrEqual(edit->node->name, BAD_CAST "pcihole64"))
            continue;
        old = edit->name ? model_attribute(edit->node, edit->name) : g_strdup("");
        /* what nobody can count nobody can judge */
        if (xmlStrEqual(edit->node->name, BAD_CAST "hard_limit") && !has_known_room(stack, after))
            continue;
        if (!old || is_worse_without(stack, plan, edit->node, complaints))
            continue;
        problem(problems, "<%s> had %s='%s', which nothing speaks against, and it becomes '%s': %s",
                (const char *)edit->node->name, edit->name ? edit->name : "", old,
                edit->value ? edit->value : "", edit->because);
    }
}

/* --- places --- */

static guint
count_places_taken_twice(const xmlNode *parent, GHashTable *places)
{
    guint twice = 0;

    for (const xmlNode *node = parent->children; node; node = node->next) {
        g_autofree char *type = NULL;
        g_autofree char *key = NULL;

        if (node->type != XML_ELEMENT_NODE || xmlStrEqual(node->name, BAD_CAST "source"))
            continue;
        if (!xmlStrEqual(node->name, BAD_CAST "address")) {
            twice += count_places_taken_twice(node, places);
            continue;
        }
        type = model_attribute(node, "type");
        key = g_strdup_printf("%02x:%02x.%x", number_of(node, "bus"), number_of(node, "slot"),
                              number_of(node, "function"));
        /* libvirt takes all zeros for no address */
        if (g_strcmp0(type, "pci") == 0 && !g_str_equal(key, "00:00.0"))
            twice += !g_hash_table_add(places, g_steal_pointer(&key));
    }
    return twice;
}

static gboolean
is_pci_controller(const xmlNode *node)
{
    g_autofree char *type = NULL;

    if (node->type != XML_ELEMENT_NODE || !xmlStrEqual(node->name, BAD_CAST "controller"))
        return FALSE;
    type = model_attribute(node, "type");
    return g_strcmp0(type, "pci") == 0 && xmlHasProp(node, BAD_CAST "index");
}

/* Places that two devices have, and indexes that two controllers have */
static guint
count_clashes(const ViommuDomain *domain)
{
    g_autoptr(GHashTable) places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) indexes = g_hash_table_new(NULL, NULL);
    guint twice = domain->devices ? count_places_taken_twice(domain->devices, places) : 0;

    for (const xmlNode *node = domain->devices ? domain->devices->children : NULL; node;
         node = node->next)
        twice += is_pci_controller(node) &&
                 !g_hash_table_add(indexes, GUINT_TO_POINTER(number_of(node, "index")));
    return twice;
}

/* --- numbers --- */

static void
judge_same(const char *what, BaseU64 planned, BaseU64 counted, GPtrArray *problems)
{
    if (planned.state != counted.state || planned.value != counted.value)
        problem(problems,
                "%s: the plan says %" G_GUINT64_FORMAT " and limits %" G_GUINT64_FORMAT
                " of what was written",
                what, planned.value, counted.value);
}

/* What the plan counts is what "limits" counts of what it wrote. */
static void
judge_memory(const JudgeStack *stack, const ViommuPlan *plan, const ViommuDomain *after,
             GPtrArray *problems)
{
    g_autoptr(View) view = look(stack, after);
    g_autoptr(ViewMemlock) counted = view_memlock(view, 0);

    if (!base_u64_is_known(counted->pinned))
        return;
    if (plan->order && plan->order->attach->len > 0) {
        judge_same("pinned at the start", plan->order->pinned, counted->pinned, problems);
        return;
    }
    judge_same("accounted", plan->memlock->accounted, counted->accounted, problems);
    judge_same("resident", plan->memlock->resident, counted->resident, problems);
    judge_same("libvirt's limit", plan->memlock->libvirt, counted->libvirt, problems);
}

/* --- devices that come later --- */

/* What holds for the domain that starts without them */
static void
judge_order(const JudgeStack *stack, const ViommuDomain *domain, GPtrArray *problems)
{
    g_autoptr(ViommuPlan) plan =
                  plan_new(stack->host, domain, stack->policy, &stack->target, PLAN_DEFAULT);
    g_autofree char *text = NULL;
    g_autoptr(ViommuDomain) start = NULL;

    hotplug_order(plan);
    if (!plan->order || plan->order->attach->len == 0)
        return;
    text = write_domain(domain, plan->edits, NULL);
    start = text ? model_domain_parse(text, strlen(text), "start.xml", NULL) : NULL;
    if (!start) {
        problem(problems, "cannot be written without the devices that come later");
        return;
    }
    judge_errors(stack, plan, start, problems);
    judge_again(stack, start, problems);
    judge_memory(stack, plan, start, problems);
}

/* --- all of it --- */

ViommuPlan *
judge_plan(const JudgeStack *stack, const char *before, GPtrArray *problems, char **ret_after)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ViommuDomain) domain = model_domain_parse(before, strlen(before), "domain.xml", NULL);
    g_autoptr(ViommuDomain) after = NULL;
    g_autoptr(ViommuPlan) plan = NULL;

    *ret_after = NULL;
    if (!domain)
        return NULL;
    plan = plan_new(stack->host, domain, stack->policy, &stack->target, PLAN_DEFAULT);
    if (!plan->valid) {
        if (plan->rejected->len == 0)
            problem(problems, "no plan, and no reason");
        if (plan->edits->len > 0)
            problem(problems, "no plan, and edits");
        return g_steal_pointer(&plan);
    }
    *ret_after = write_domain(domain, plan->edits, &error);
    if (!*ret_after) {
        problem(problems, "cannot be written: %s", error->message);
        return g_steal_pointer(&plan);
    }
    if (plan->edits->len == 0 && strcmp(*ret_after, before) != 0)
        problem(problems, "nothing to write, and other bytes");
    after = model_domain_parse(*ret_after, strlen(*ret_after), "after.xml", &error);
    if (!after) {
        problem(problems, "what was written is no domain: %s", error->message);
        return g_steal_pointer(&plan);
    }
    judge_errors(stack, plan, after, problems);
    judge_again(stack, after, problems);
    judge_kept(stack, plan, after, problems);
    judge_memory(stack, plan, after, problems);
    judge_order(stack, domain, problems);
    if (count_clashes(after) > count_clashes(domain))
        problem(problems, "two devices at one place, or two controllers of one index");
    return g_steal_pointer(&plan);
}

char *
judge_kind(const ViommuPlan *plan)
{
    static const char *const modes[] = {[VIOMMU_MODE_NONE] = "none",
                                        [VIOMMU_MODE_IRQ] = "irq",
                                        [VIOMMU_MODE_SHADOW] = "shadow",
                                        [VIOMMU_MODE_NESTED] = "nested"};
    const PlanIommu *iommu = plan->iommus->len > 0 ? plan->iommus->pdata[0] : NULL;

    if (!plan->valid)
        return g_strdup("no plan");
    if (!iommu)
        return g_strdup("none");
    return g_strdup_printf("%s %s", modes[iommu->mode],
                           iommu->model == MODEL_IOMMU_SMMUV3
                               ? "smmuv3"
                               : (iommu->model == MODEL_IOMMU_VIRTIO ? "virtio" : "x86"));
}
