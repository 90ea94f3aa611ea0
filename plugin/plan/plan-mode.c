/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which modes one device can have, seen alone, and why the others fall. */
#include "plan-room.h"

#include <stdarg.h>

#include "base-text.h"
#include "view-stack.h"

gboolean
plan_strike(PlanStrike *strike, const char *rule, const char *would_help, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    strike->reason = base_one_line(g_strdup_vprintf(format, args));
    va_end(args);
    strike->would_help = g_strdup(would_help);
    strike->rule = rule;
    return TRUE;
}

PlanRejection *
plan_rejection_new(const ViewHostdev *hostdev, PlanCandidate candidate, const char *rule,
                   const char *would_help, const char *reason)
{
    PlanRejection *rejection = g_new0(PlanRejection, 1);

    rejection->hostdev = hostdev;
    rejection->mode = candidate.mode;
    rejection->model = candidate.model;
    rejection->rule = rule;
    rejection->would_help = g_strdup(would_help);
    rejection->reason = g_strdup(reason);
    return rejection;
}

void
plan_rejection_free(PlanRejection *rejection)
{
    g_free(rejection->reason);
    g_free(rejection->would_help);
    g_free(rejection);
}

/* --- checks that several modes share --- */

static gboolean
is_function(const ViewHostdev *hostdev)
{
    return hostdev->dev->kind != MODEL_HOSTDEV_MDEV;
}

gboolean
plan_check_present(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    g_autofree char *address = NULL;

    if (!is_function(hostdev) || hostdev->fact)
        return FALSE;
    if (!hostdev->dev->host_known)
        return plan_strike(strike, NULL, "a <source><address> of four numbers",
                           "its host address cannot be read from the XML");
    address = base_pci_format(hostdev->dev->host);
    if (hostdev->absent)
        return plan_strike(strike, "group-device-absent", "the address of a function of this host",
                           "%s is not on this host", address);
    return plan_strike(strike, NULL, "host facts: run on the host, or --host FILE",
                       work->host->none ? "nothing is known of the host"
                                        : "the host facts have no list of devices");
}

/* Linux refuses to hand such a device to user space: 7.2 drivers/iommu/iommu.c:2404. */
gboolean
plan_check_direct(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    const HostGroup *group = hostdev->group;

    (void)work;
    for (guint i = 0; group && group->reserved && i < group->reserved->len; i++) {
        const HostRegion *region = &g_array_index(group->reserved, HostRegion, i);

        if (region->type == HOST_REGION_DIRECT)
            return plan_strike(
                strike, "iova-direct-region", "another device, or firmware that drops the region",
                "its group %u has a reserved region of type direct (0x%" G_GINT64_MODIFIER
                "x): Linux hands no such device to a guest",
                group->id, region->start);
    }
    return FALSE;
}

static gboolean
check_translated(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    (void)work;
    if (!hostdev->fact || hostdev->fact->group.state != BASE_STATE_ABSENT)
        return FALSE;
    return plan_strike(strike, "group-none",
                       "an IOMMU that is switched on (intel_iommu=on, firmware setting)",
                       "the host has no IOMMU group for it: VFIO cannot take it");
}

/* Another device of this domain in that group */
static gboolean
has_mate(const PlanWork *work, const ViewHostdev *hostdev)
{
    for (guint i = 0; i < work->plan->devices->len; i++) {
        const ViewHostdev *other = ((PlanDevice *)work->plan->devices->pdata[i])->hostdev;

        if (other != hostdev && other->group == hostdev->group)
            return TRUE;
    }
    return FALSE;
}

/* Whether nobody on the host uses the other members of its group. */
static gboolean
check_unused(const PlanWork *work, const ViewHostdev *hostdev, guint64 endpoints,
             PlanStrike *strike)
{
    g_autoptr(GArray) own = g_array_new(FALSE, FALSE, sizeof(BasePci));
    const HostDevice *blocker = NULL;
    g_autofree char *name = NULL, *help = NULL;

    g_array_append_val(own, hostdev->dev->host);
    switch (host_group_viable(work->host, hostdev->group, own, &blocker)) {
    case BASE_YES:
        return FALSE;
    case BASE_UNKNOWN:
        return plan_strike(strike, "group-viable", "host facts with the drivers of the group",
                           "its IOMMU group %u has %" G_GUINT64_FORMAT
                           " endpoints, and whether the host uses the others is not known",
                           hostdev->group->id, endpoints);
    case BASE_NO:
        break;
    }
    name = blocker ? base_pci_format(blocker->address) : g_strdup("a member that is no function");
    help = g_strdup_printf("a slot whose ports have ACS; or unbind %s and leave it unused", name);
    return plan_strike(strike, "group-viable", help,
                       "its IOMMU group %u has %" G_GUINT64_FORMAT " endpoints, and %s is %s%s",
                       hostdev->group->id, endpoints, name, blocker ? "bound to " : "in it",
                       blocker ? blocker->driver.text : "");
}

/* Behind a vIOMMU each device has its own address space, and a group can only be in one; nested,
 * the whole group follows the tables of one guest. */
gboolean
plan_check_group(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    BaseU64 endpoints;

    if (!is_function(hostdev) || !hostdev->fact || hostdev->fact->group.state == BASE_STATE_ABSENT)
        return FALSE;
    if (!hostdev->group)
        return plan_strike(strike, "group-singleton", "host facts with the IOMMU groups",
                           "its IOMMU group is not known");
    endpoints = host_group_endpoints(work->host, hostdev->group);
    if (!base_u64_is_known(endpoints))
        return plan_strike(strike, "group-singleton", "host facts with the members of the group",
                           "the members of its IOMMU group %u are not known", hostdev->group->id);
    if (endpoints.value == 1)
        return FALSE;
    if (work->candidate.mode != VIOMMU_MODE_NESTED && !has_mate(work, hostdev))
        return check_unused(work, hostdev, endpoints.value, strike);
    return plan_strike(strike, "group-singleton",
                       hostdev->demand.usage == VIOMMU_USAGE_DMA && hostdev->viommu
                           ? "a slot whose ports have ACS; or the domain without a vIOMMU"
                           : "a slot whose ports have ACS; or usage dma, which needs no vIOMMU",
                       "its IOMMU group %u has %" G_GUINT64_FORMAT
                       " endpoints, and each device behind a vIOMMU needs a group of its own",
                       hostdev->group->id, endpoints.value);
}

void
plan_note_groups(PlanWork *work)
{
    for (guint i = 0; i < work->plan->devices->len; i++) {
        PlanDevice *device = work->plan->devices->pdata[i];
        const HostGroup *group = device->hostdev->group;
        BaseU64 endpoints = group && is_function(device->hostdev)
                                ? host_group_endpoints(work->host, group)
                                : (BaseU64){0};

        if (device->mode != VIOMMU_MODE_NONE && base_u64_is_known(endpoints) &&
            endpoints.value > 1 && !has_mate(work, device->hostdev))
            plan_device_note(device, "the rest of its IOMMU group %u must stay unused", group->id);
    }
}

gboolean
plan_check_attribute(const PlanWork *work, ModelIommuKind model, const char *attribute,
                     PlanStrike *strike)
{
    const StackAttribute *row = stack_attribute(model, attribute);
    g_autofree char *need = row ? base_format_version(row->since) : NULL;
    g_autofree char *have = base_format_version(work->target.libvirt);
    g_autofree char *help = g_strdup_printf("libvirt %s or later", need ? need : "?");

    if (!row)
        return plan_strike(strike, NULL, NULL, "libvirt has no attribute '%s'", attribute);
    if (work->target.libvirt >= row->since)
        return FALSE;
    if (work->target.libvirt == 0)
        return plan_strike(strike, "xml-attribute-too-new", "--libvirt-version",
                           "the libvirt version is not known, and %s='on' needs %s", attribute,
                           need);
    return plan_strike(strike, "xml-attribute-too-new", help,
                       "libvirt %s does not know %s, it needs libvirt %s", have, attribute, need);
}

/* --- tables --- */

static gboolean
check_no_mode(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    (void)hostdev;
    return plan_strike(strike, NULL, "machine q35, or virt on arm64",
                       "machine '%s' has no vIOMMU that an assigned device can use",
                       model_machine_text(work->domain));
}

static gboolean
check_irq_on_x86(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    (void)work, (void)hostdev;
    return plan_strike(strike, NULL, NULL,
                       "interrupt remapping is a matter of x86; arm64 guests have their ITS");
}

/* A function that is not on this host cannot be assigned; one that nobody told us of can. */
static gboolean
check_absent(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    return hostdev->absent && plan_check_present(work, hostdev, strike);
}

/* Ids by which a VT-d unit tells address spaces apart: behind a vIOMMU each device takes one. */
static gboolean
check_domain_ids(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    const HostIommu *unit = hostdev->unit;
    BaseU64 all = unit ? host_domain_ids(unit) : (BaseU64){0};
    guint needed = 0;

    if (!base_u64_is_known(all) || !base_u64_is_known(unit->domains_used))
        return FALSE;
    for (guint i = 0; i < work->plan->devices->len; i++)
        needed += ((PlanDevice *)work->plan->devices->pdata[i])->hostdev->unit == unit;
    if (base_saturating_add(unit->domains_used.value, needed) <= all.value)
        return FALSE;
    return plan_strike(strike, "group-domain-ids", "fewer devices behind that unit",
                       "%s has %" G_GUINT64_FORMAT " domain ids, %" G_GUINT64_FORMAT
                       " are in use, and these devices would take %u",
                       unit->name, all.value, unit->domains_used.value, needed);
}

static const PlanCheck none_checks[] = {check_absent, plan_check_direct, check_translated, NULL};
static const PlanCheck other_checks[] = {check_no_mode, NULL};
static const PlanCheck arm_irq_checks[] = {check_irq_on_x86, NULL};
static const PlanCheck common_checks[] = {plan_check_present, plan_check_direct, check_translated,
                                          plan_check_group,   check_domain_ids,  NULL};

static const PlanCheck *
checks_of(const PlanWork *work)
{
    if (work->candidate.mode == VIOMMU_MODE_NONE)
        return none_checks;
    if (work->family == PLAN_FAMILY_OTHER)
        return other_checks;
    if (work->candidate.model == MODEL_IOMMU_VIRTIO)
        return plan_virtio_checks();
    if (work->family == PLAN_FAMILY_X86)
        return plan_vtd_checks(work->candidate.mode);
    return work->candidate.mode == VIOMMU_MODE_NESTED ? plan_smmu_checks() : arm_irq_checks;
}

static gboolean
run_checks(const PlanWork *work, const ViewHostdev *hostdev, const PlanCheck *checks,
           GPtrArray *strikes)
{
    gboolean works = TRUE;

    for (; *checks; checks++) {
        PlanStrike strike = {0};

        if (!(*checks)(work, hostdev, &strike))
            continue;
        works = FALSE;
        g_ptr_array_add(strikes, plan_rejection_new(hostdev, work->candidate, strike.rule,
                                                    strike.would_help, strike.reason));
        g_free(strike.reason);
        g_free(strike.would_help);
    }
    return works;
}

gboolean
plan_mode_works(const PlanWork *work, const ViewHostdev *hostdev, GPtrArray *strikes)
{
    const PlanCheck *checks = checks_of(work);
    gboolean works = TRUE;

    if (checks != none_checks && checks != other_checks && checks != arm_irq_checks)
        works = run_checks(work, hostdev, common_checks, strikes);
    return run_checks(work, hostdev, checks, strikes) && works;
}

gboolean
plan_mode_serves(ViommuMode mode, ViommuUsage usage)
{
    switch (usage) {
    case VIOMMU_USAGE_DMA:
        return TRUE;
    case VIOMMU_USAGE_GUEST_IOMMU:
        return mode == VIOMMU_MODE_NESTED || mode == VIOMMU_MODE_SHADOW;
    case VIOMMU_USAGE_PASID:
    case VIOMMU_USAGE_SVA:
        break;
    }
    return mode == VIOMMU_MODE_NESTED;
}

/* Whoever writes an accelerated vSMMU and leaves the address to us wants the device behind it. */
static gboolean
has_accel(const PlanWork *work)
{
    for (guint i = 0; i < work->view->iommus->len; i++) {
        const ViewIommu *iommu = work->view->iommus->pdata[i];

        if (iommu->iommu->kind == MODEL_IOMMU_SMMUV3 && iommu->accel_written)
            return TRUE;
    }
    return FALSE;
}

gboolean
plan_policy_has(const PlanWork *work, ViommuMode mode)
{
    for (guint i = 0; i < work->policy->modes->len; i++) {
        if (g_array_index(work->policy->modes, ViommuMode, i) == mode)
            return TRUE;
    }
    return FALSE;
}

gboolean
plan_policy_forbids(const PlanWork *work, const char *rule)
{
    return rule_severity(rule_find(rule), work->policy) == VIOMMU_SEVERITY_ERROR;
}

gboolean
plan_wants_viommu(const PlanWork *work, const ViewHostdev *hostdev)
{
    if (hostdev->demand.usage != VIOMMU_USAGE_DMA || hostdev->viommu ||
        !plan_policy_has(work, VIOMMU_MODE_NONE))
        return TRUE;
    return hostdev->dev->address.kind != MODEL_ADDRESS_WRITTEN && has_accel(work);
}
