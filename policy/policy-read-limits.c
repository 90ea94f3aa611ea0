/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of a policy that bound and judge: spare ports, quota, severities, the hook. */
#include "policy-read.h"

#include <string.h>

#include "base-text.h"

/* PCIe r6 6.20: a PASID has at most 20 bits */
#define MAX_PASID_BITS 20
/* pcie.0 has 32 slots of 8 functions; nobody wants more spare ports than this */
#define MAX_SPARE_PORTS 64
/* BARs of one device: the widest address space, and what all devices have below 4 GiB */
#define MAX_PREFETCHABLE (G_GUINT64_CONSTANT(1) << 52)
#define MAX_OTHER        (G_GUINT64_CONSTANT(512) << 20)
#define MAX_TIME_LIMIT   60000
#define MAX_RULE_ID_SIZE 64

gboolean
policy_read_pasid_bits(const BasePlace *object, guint64 min, BaseU64 *ret, GError **error)
{
    BasePlace place = base_place_member(object, "pasid_bits");

    if (!base_place_u64(&place, MAX_PASID_BITS, ret, error))
        return FALSE;
    if (place.present && base_u64_is_known(*ret) && ret->value < min) {
        base_place_error(&place, error, "must be from 1 to %d, not 0", MAX_PASID_BITS);
        return FALSE;
    }
    return TRUE;
}

/* A number of bytes or a size */
static gboolean
read_size(const BasePlace *object, const char *key, guint64 max, guint64 *ret, GError **error)
{
    BasePlace place = base_place_member(object, key);
    BaseU64 bytes = {0};

    if (!place.present)
        return TRUE;
    if (!json_object_is_type(place.value, json_type_string)) {
        if (!base_place_u64(&place, max, &bytes, error))
            return FALSE;
        *ret = base_u64_is_known(bytes) ? bytes.value : 0;
        return TRUE;
    }
    if (base_parse_size(json_object_get_string(place.value), 0, ret) && *ret <= max)
        return TRUE;
    base_place_error(&place, error, "must be bytes or a size such as \"%s\", not \"%s\"",
                     max >= MAX_PREFETCHABLE ? "130GiB" : "32MiB",
                     json_object_get_string(place.value));
    return FALSE;
}

static gboolean
read_spare_bars(const BasePlace *hotplug, ViommuPolicy *policy, GError **error)
{
    static const char *const keys[] = {"other", "prefetchable", NULL};
    BasePlace place = base_place_member(hotplug, "spare_bars");

    if (!place.present)
        return TRUE;
    return base_place_only(&place, keys, error) &&
           read_size(&place, "prefetchable", MAX_PREFETCHABLE, &policy->spare_prefetchable,
                     error) &&
           read_size(&place, "other", MAX_OTHER, &policy->spare_plain, error);
}

gboolean
policy_read_hotplug(const BasePlace *root, ViommuPolicy *policy, GError **error)
{
    static const char *const keys[] = {"boot_pinning", "spare_bars", "spare_ports", NULL};
    BasePlace place = base_place_member(root, "hotplug");
    BasePlace ports = base_place_member(&place, "spare_ports");
    BaseU64 number = {0};

    if (!place.present)
        return TRUE;
    if (!base_place_only(&place, keys, error) ||
        !policy_read_choice(&place, "boot_pinning", "accept", "avoid", &policy->avoid_boot_pinning,
                            error) ||
        !read_spare_bars(&place, policy, error) ||
        !base_place_u64(&ports, MAX_SPARE_PORTS, &number, error))
        return FALSE;
    if (number.state == BASE_STATE_ABSENT) {
        base_place_error(&ports, error, "must be a number, not null");
        return FALSE;
    }
    if (base_u64_is_known(number))
        policy->spare_ports = (guint)number.value;
    return TRUE;
}

/* A number of bytes, "600GiB", "90%", or null for no quota */
static gboolean
read_locked_memory(const BasePlace *quota, char **ret, GError **error)
{
    BasePlace place = base_place_member(quota, "locked_memory");
    BaseU64 bytes = {0};
    guint64 ignored;

    if (!place.present)
        return TRUE;
    g_clear_pointer(ret, g_free);
    if (!json_object_is_type(place.value, json_type_string)) {
        if (!base_place_u64(&place, G_MAXINT64, &bytes, error))
            return FALSE;
        if (base_u64_is_known(bytes))
            *ret = g_strdup_printf("%" G_GUINT64_FORMAT, bytes.value);
        return TRUE;
    }
    if (!base_parse_size(json_object_get_string(place.value), 100, &ignored)) {
        base_place_error(&place, error,
                         "must be bytes, a size such as \"600GiB\" or \"90%%\", not \"%s\"",
                         json_object_get_string(place.value));
        return FALSE;
    }
    *ret = g_strdup(json_object_get_string(place.value));
    return TRUE;
}

static gboolean
read_quota(const BasePlace *quotas, const char *key, PolicyQuota *ret, GError **error)
{
    static const char *const keys[] = {"accel_viommus", "command_queues", "devices",
                                       "locked_memory", "pasid_bits",     NULL};
    BasePlace quota = base_place_member(quotas, key);
    BasePlace devices = base_place_member(&quota, "devices");
    BasePlace accel = base_place_member(&quota, "accel_viommus");
    BasePlace queues = base_place_member(&quota, "command_queues");

    if (!quota.present)
        return TRUE;
    return base_place_only(&quota, keys, error) &&
           base_place_u64(&devices, G_MAXUINT16, &ret->devices, error) &&
           base_place_u64(&accel, G_MAXUINT16, &ret->accel_viommus, error) &&
           base_place_u64(&queues, G_MAXUINT16, &ret->command_queues, error) &&
           policy_read_pasid_bits(&quota, 0, &ret->pasid_bits, error) &&
           read_locked_memory(&quota, &ret->locked_memory, error);
}

gboolean
policy_read_quotas(const BasePlace *root, ViommuPolicy *policy, GError **error)
{
    static const char *const keys[] = {"domain", "host", NULL};
    BasePlace place = base_place_member(root, "quota");

    if (!place.present)
        return TRUE;
    return base_place_only(&place, keys, error) &&
           read_quota(&place, "domain", &policy->domain_quota, error) &&
           read_quota(&place, "host", &policy->host_quota, error);
}

static gboolean
read_severity(const BasePlace *rule, ViommuSeverity *ret, GError **error)
{
    static const char *const names[] = {
        [VIOMMU_SEVERITY_OFF] = "off",
        [VIOMMU_SEVERITY_INFO] = "info",
        [VIOMMU_SEVERITY_WARNING] = "warning",
        [VIOMMU_SEVERITY_ERROR] = "error",
    };
    BasePlace place = base_place_member(rule, "severity");
    const char *text = NULL;

    if (!place.present) {
        base_place_error(&place, error, "is missing");
        return FALSE;
    }
    if (!base_place_string(&place, &text, error))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(names[i], text) != 0)
            continue;
        *ret = (ViommuSeverity)i;
        return TRUE;
    }
    base_place_error(&place, error,
                     "must be \"off\", \"info\", \"warning\" or \"error\", not \"%s\"", text);
    return FALSE;
}

static gboolean
allowed_by_catalogue(const BasePlace *place, const PolicyRule *rule,
                     const PolicyCatalogue *catalogue, GError **error)
{
    if (!catalogue)
        return TRUE;
    if (!catalogue->exists(rule->rule)) {
        base_place_error(place, error, "no such rule; \"virt-viommu explain --all\" lists them");
        return FALSE;
    }
    if (rule->severity >= catalogue->severity(rule->rule))
        return TRUE;
    if (!catalogue->demotable(rule->rule)) {
        base_place_error(place, error, "the severity of this rule cannot be lowered");
        return FALSE;
    }
    if (!rule->reason) {
        base_place_error(place, error, "lowering a severity needs a \"reason\"");
        return FALSE;
    }
    return TRUE;
}

static gboolean
is_rule_id(const char *id)
{
    if (!g_ascii_islower(*id) || !strchr(id, '-') || strlen(id) > MAX_RULE_ID_SIZE)
        return FALSE;
    for (const char *c = id; *c; c++)
        if (!g_ascii_islower(*c) && !g_ascii_isdigit(*c) && *c != '-')
            return FALSE;
    return TRUE;
}

static gboolean
read_rule(const BasePlace *place, const PolicyCatalogue *catalogue, ViommuPolicy *policy,
          GError **error)
{
    static const char *const keys[] = {"reason", "severity", NULL};
    BasePlace reason = base_place_member(place, "reason");
    PolicyRule rule = {.rule = (char *)place->key};
    const char *text = NULL;

    if (!is_rule_id(place->key)) {
        base_place_error(place, error, "not a rule id");
        return FALSE;
    }
    if (!base_place_only(place, keys, error) || !read_severity(place, &rule.severity, error) ||
        !base_place_string(&reason, &text, error))
        return FALSE;
    if (text && !*text) {
        base_place_error(&reason, error, "is empty");
        return FALSE;
    }
    rule.reason = (char *)text;
    if (!allowed_by_catalogue(place, &rule, catalogue, error))
        return FALSE;
    rule.rule = g_strdup(rule.rule);
    rule.reason = g_strdup(rule.reason);
    g_ptr_array_add(policy->rules, g_memdup2(&rule, sizeof(rule)));
    return TRUE;
}

gboolean
policy_read_rules(const BasePlace *root, const PolicyCatalogue *catalogue, ViommuPolicy *policy,
                  GError **error)
{
    BasePlace place = base_place_member(root, "rules");
    g_autoptr(GPtrArray) ids = NULL;

    if (!place.present)
        return TRUE;
    if (!base_place_is_object(&place, error))
        return FALSE;
    ids = base_json_members(place.value);
    for (guint i = 0; i < ids->len; i++) {
        BasePlace rule = base_place_member(&place, ids->pdata[i]);

        if (!read_rule(&rule, catalogue, policy, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
policy_read_choice(const BasePlace *object, const char *key, const char *no, const char *yes,
                   gboolean *ret, GError **error)
{
    BasePlace place = base_place_member(object, key);
    const char *text = NULL;

    if (!base_place_string(&place, &text, error))
        return FALSE;
    if (!text)
        return TRUE;
    if (strcmp(text, yes) != 0 && strcmp(text, no) != 0) {
        base_place_error(&place, error, "must be \"%s\" or \"%s\", not \"%s\"", no, yes, text);
        return FALSE;
    }
    *ret = strcmp(text, yes) == 0;
    return TRUE;
}

gboolean
policy_read_hook(const BasePlace *root, ViommuPolicy *policy, GError **error)
{
    static const char *const keys[] = {"mode", "time_limit_ms", NULL};
    BasePlace place = base_place_member(root, "hook");
    BasePlace limit = base_place_member(&place, "time_limit_ms");
    BaseU64 number = {0};

    if (!place.present)
        return TRUE;
    if (!base_place_only(&place, keys, error) ||
        !policy_read_choice(&place, "mode", "audit", "enforce", &policy->hook_enforce, error) ||
        !base_place_u64(&limit, MAX_TIME_LIMIT, &number, error))
        return FALSE;
    if (limit.present && (!base_u64_is_known(number) || number.value == 0)) {
        base_place_error(&limit, error, "must be from 1 to %d milliseconds", MAX_TIME_LIMIT);
        return FALSE;
    }
    if (limit.present)
        policy->hook_time_limit_ms = (guint)number.value;
    return TRUE;
}
