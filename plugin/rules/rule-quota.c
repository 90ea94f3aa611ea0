/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the policy lets one domain, and all domains of a host together, take. */
#include "rule-families.h"

#include "base-text.h"
#include "view-reservation.h"

#define MIB (G_GUINT64_CONSTANT(1) << 20)

typedef enum {
    DEVICES,
    LOCKED_MEMORY,
    PASID_BITS,
    ACCEL_VIOMMUS,
    COMMAND_QUEUES,
    RESOURCES,
} Resource;

static const struct {
    const char *member; /* of the policy's quota */
    const char *one, *many;
} resources[RESOURCES] = {
    [DEVICES] = {"devices", "assigned device", "assigned devices"},
    [LOCKED_MEMORY] = {"locked_memory", "locked memory", "locked memory"},
    [PASID_BITS] = {"pasid_bits", "PASID bit", "PASID bits"},
    [ACCEL_VIOMMUS] = {"accel_viommus", "accelerated vIOMMU", "accelerated vIOMMUs"},
    [COMMAND_QUEUES] = {"command_queues", "command queue", "command queues"},
};

/* As much as is known: the true number is @least or, where it is not exact, may be more. */
typedef struct {
    guint64 least;
    gboolean exact;
} Amount;

/* ABSENT: no quota; UNKNOWN: a share of memory that nobody told us */
static BaseU64
limit_of(const PolicyQuota *quota, Resource resource, const ViommuHost *host)
{
    const BaseU64 numbers[RESOURCES] = {
        [DEVICES] = quota->devices,
        [PASID_BITS] = quota->pasid_bits,
        [ACCEL_VIOMMUS] = quota->accel_viommus,
        [COMMAND_QUEUES] = quota->command_queues,
    };
    guint64 memory = base_u64_is_known(host->memory) ? host->memory.value : 0, bytes;

    if (resource != LOCKED_MEMORY)
        return base_u64_is_known(numbers[resource]) ? numbers[resource] : base_u64_absent();
    if (!quota->locked_memory)
        return base_u64_absent();
    if (!base_parse_size(quota->locked_memory, memory, &bytes))
        return (BaseU64){0};
    /* a share of memory that people can read */
    return base_u64(g_str_has_suffix(quota->locked_memory, "%") ? bytes / MIB * MIB : bytes);
}

static gboolean
has_limit(const PolicyQuota *quota)
{
    return base_u64_is_known(quota->devices) || quota->locked_memory ||
           base_u64_is_known(quota->pasid_bits) || base_u64_is_known(quota->accel_viommus) ||
           base_u64_is_known(quota->command_queues);
}

static Amount
amount_of(const HostReservation *reservation, Resource resource)
{
    const BaseU64 numbers[RESOURCES] = {
        [DEVICES] = {reservation->devices_state, reservation->devices->len},
        [LOCKED_MEMORY] = reservation->locked_memory,
        [PASID_BITS] = reservation->pasid_bits,
        [ACCEL_VIOMMUS] = reservation->accel_viommus,
        [COMMAND_QUEUES] = reservation->command_queues,
    };
    BaseU64 number = numbers[resource];

    return (Amount){base_u64_is_known(number) ? number.value : 0, base_u64_is_known(number)};
}

/* A width of n bits is 2^n PASIDs; of all domains they add up, widths do not. */
static Amount
as_pasids(Amount bits)
{
    bits.least = bits.least == 0 ? 0 : G_GUINT64_CONSTANT(1) << MIN(bits.least, 32);
    return bits;
}

static Amount
held_by_others(const View *view, Resource resource)
{
    Amount sum = {0, TRUE};

    for (guint i = 0; i < view->host->reservations->len; i++) {
        const HostReservation *other = view->host->reservations->pdata[i];
        Amount amount = amount_of(other, resource);

        if (view->domain->uuid && g_ascii_strcasecmp(other->uuid, view->domain->uuid) == 0)
            continue;
        if (resource == PASID_BITS)
            amount = as_pasids(amount);
        sum.least = base_saturating_add(sum.least, amount.least);
        sum.exact = sum.exact && amount.exact;
    }
    return sum;
}

/* "3 assigned devices", "locked memory 96 GiB" */
static char *
with_unit(Resource resource, guint64 number)
{
    g_autofree char *size = NULL;

    if (resource != LOCKED_MEMORY)
        return g_strdup_printf("%" G_GUINT64_FORMAT " %s", number,
                               number == 1 ? resources[resource].one : resources[resource].many);
    size = base_format_size(number);
    return g_strdup_printf("%s %s", resources[resource].one, size);
}

static char *
bare(Resource resource, guint64 number)
{
    return resource == LOCKED_MEMORY ? base_format_size(number)
                                     : g_strdup_printf("%" G_GUINT64_FORMAT, number);
}

/* (transfer full): the fact without which the domain's own amount cannot be told */
static char *
missing_fact(const View *view, Resource resource)
{
    for (guint i = 0; resource != DEVICES && i < view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = view->hostdevs->pdata[i];

        if (hostdev->viommu && hostdev->unit)
            return g_strdup_printf("iommus/%s/%s", hostdev->unit->name,
                                   resource == COMMAND_QUEUES ? "cmdqv" : "idr");
    }
    return g_strdup(resource == DEVICES ? "the devices of <interface type='network'>"
                                        : "versions/qemu");
}

static void
report_open(RuleCall *call, Resource resource)
{
    g_autofree char *fact = missing_fact(call->view, resource);

    rule_unknown(call, fact, resource == DEVICES ? "libvirt takes them at start" : NULL);
}

static void
judge_domain(RuleCall *call, Resource resource, Amount asked)
{
    BaseU64 limit = limit_of(&call->view->policy->domain_quota, resource, call->view->host);
    g_autofree char *help = NULL, *much = NULL, *quota = NULL;

    if (limit.state == BASE_STATE_ABSENT)
        return;
    if (limit.state == BASE_STATE_UNKNOWN) {
        rule_unknown(call, "memory", NULL);
    } else if (asked.least > limit.value) {
        much = with_unit(resource, asked.least);
        quota = bare(resource, limit.value);
        help = g_strdup_printf("less of it, or a higher quota.domain.%s in the policy",
                               resources[resource].member);
        rule_fail(call, call->view->domain->root, help, "%s, the quota of a domain is %s", much,
                  quota);
    } else if (!asked.exact &&
               (resource != DEVICES || asked.least + view_open_devices(call->view) > limit.value)) {
        report_open(call, resource);
    }
}

static void
fail_host(RuleCall *call, Resource resource, guint64 asked, guint64 held, guint64 limit)
{
    g_autofree char *help =
        g_strdup_printf("stop a domain that holds some (virt-viommu ledger shows them), or a "
                        "higher quota.host.%s in the policy",
                        resources[resource].member);
    g_autofree char *much = resource == PASID_BITS
                                ? g_strdup_printf("%" G_GUINT64_FORMAT " PASIDs", asked)
                                : with_unit(resource, asked);
    g_autofree char *taken = bare(resource, held), *quota = bare(resource, limit);

    rule_fail(call, call->view->domain->root, help,
              "%s asked for, other domains hold %s of this host's quota of %s", much, taken, quota);
}

/* Once is enough for all resources. */
static void
report_reservations(RuleCall *call)
{
    gboolean known = call->view->host->reservations_state == BASE_STATE_KNOWN;

    if (call->reported == 0)
        rule_unknown(call, "reservations",
                     known ? "another domain's entry does not tell; virt-viommu ledger shows which"
                           : "run on the host, where the libvirt hook keeps them");
}

static void
judge_host(RuleCall *call, Resource resource, Amount asked)
{
    const ViommuHost *host = call->view->host;
    BaseU64 limit = limit_of(&call->view->policy->host_quota, resource, host);
    Amount held = held_by_others(call->view, resource);
    guint64 most = asked.least + (resource == DEVICES ? view_open_devices(call->view) : 0);

    /* who takes nothing breaks no quota, whoever else may have */
    if (limit.state == BASE_STATE_ABSENT || (asked.exact && asked.least == 0))
        return;
    if (limit.state == BASE_STATE_UNKNOWN) {
        rule_unknown(call, "memory", NULL);
        return;
    }
    if (resource == PASID_BITS) {
        asked = as_pasids(asked);
        limit = base_u64(as_pasids((Amount){limit.value, TRUE}).least);
    }
    if (asked.least > 0 && base_saturating_add(asked.least, held.least) > limit.value)
        fail_host(call, resource, asked.least, held.least, limit.value);
    else if (host->reservations_state != BASE_STATE_KNOWN || !held.exact)
        report_reservations(call);
    else if (!asked.exact && (resource != DEVICES || most + held.least > limit.value))
        report_open(call, resource);
}

static void
judge_all(RuleCall *call, void (*judge)(RuleCall *call, Resource resource, Amount asked))
{
    g_autoptr(HostReservation) reservation = view_reservation(call->view);

    for (Resource resource = 0; resource < RESOURCES; resource++) {
        Amount asked = amount_of(reservation, resource);

        if (resource == DEVICES)
            asked.exact = view_open_devices(call->view) == 0;
        judge(call, resource, asked);
    }
}

static void
check_domain(RuleCall *call)
{
    judge_all(call, judge_domain);
}

static void
check_host(RuleCall *call)
{
    judge_all(call, judge_host);
}

static gboolean
has_domain_quota(const RuleCall *call)
{
    return call->view->policy && has_limit(&call->view->policy->domain_quota);
}

static gboolean
has_host_quota(const RuleCall *call)
{
    return call->view->policy && has_limit(&call->view->policy->host_quota);
}

/* Scope host: memory that a domain pins without any assigned device counts as well. */
static const Rule rules[] = {
    {
        .id = "quota-domain",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "more than the policy lets one domain take",
        .rationale =
            "The kernel has limits per process and per user, and none at all for PASIDs. What one "
            "domain may take of a host that others share is the site's to say, in the policy; the "
            "libvirt hook refuses the start of a domain that takes more.",
        .remedy = "less of it, or a higher quota in the policy",
        .source = "the policy (virt-viommu-policy(5), quota.domain); Linux 7.2: no rlimit and no "
                  "cgroup controller of PASIDs (Documentation/admin-guide/cgroup-v2.rst)",
        .fixer = RULE_FIXER_POLICY,
        .scope = RULE_SCOPE_HOST,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = check_domain,
        .applies = has_domain_quota,
    },
    {
        .id = "quota-host",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "more than the policy lets all domains of this host take together",
        .rationale =
            "Memory that is pinned cannot be swapped or moved, and accelerated vIOMMUs and command "
            "queues are few in hardware: the start that takes the last of them may be somebody "
            "else's outage. The libvirt hook keeps account of what running domains hold and "
            "refuses a start that would exceed the policy's quota.",
        .remedy = "stop a domain that holds some (virt-viommu ledger shows them), or a higher "
                  "quota in the policy",
        .source = "the policy (virt-viommu-policy(5), quota.host); Linux 7.2 "
                  "drivers/iommu/arm/arm-smmu-v3/tegra241-cmdqv.c:1321 (few VINTFs for each SMMU)",
        .fixer = RULE_FIXER_POLICY,
        .scope = RULE_SCOPE_HOST,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = check_host,
        .applies = has_host_quota,
    },
};

const RuleFamily rule_family_quota = {"quota", rules, G_N_ELEMENTS(rules)};
