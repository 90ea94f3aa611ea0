/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy-read.h"

#include <string.h>

#include "base-text.h"

#define MAX_NAME_LENGTH 64

static gboolean
is_name(const char *text)
{
    if (!g_ascii_isalnum(*text) || strlen(text) > MAX_NAME_LENGTH)
        return FALSE;
    for (const char *c = text; *c; c++)
        if (!g_ascii_isalnum(*c) && !strchr("._-", *c))
            return FALSE;
    return TRUE;
}

static gboolean
read_version(const BasePlace *root, GError **error)
{
    BasePlace place = base_place_member(root, "policy");
    BaseU64 version = {0};

    if (!place.present) {
        base_place_error(&place, error, "is missing; this version reads \"policy\": 1");
        return FALSE;
    }
    if (!base_place_u64(&place, G_MAXINT64, &version, error))
        return FALSE;
    if (!base_u64_is_known(version) || version.value != 1) {
        base_place_error(&place, error, "must be 1, the only version that is known");
        return FALSE;
    }
    return TRUE;
}

static gboolean
read_name(const BasePlace *root, ViommuPolicy *policy, GError **error)
{
    BasePlace place = base_place_member(root, "name");
    const char *name = NULL;

    if (!place.present) {
        base_place_error(&place, error, "is missing");
        return FALSE;
    }
    if (!base_place_string(&place, &name, error))
        return FALSE;
    if (!is_name(name)) {
        base_place_error(&place, error,
                         "must be 1 to %d letters, digits, '.', '_' or '-', not \"%s\"",
                         MAX_NAME_LENGTH, name);
        return FALSE;
    }
    g_free(policy->name);
    policy->name = g_strdup(name);
    return TRUE;
}

static gboolean
read_usage(const BasePlace *object, const char *key, ViommuUsage *ret, gboolean *ret_set,
           GError **error)
{
    BasePlace place = base_place_member(object, key);
    const char *text = NULL;

    if (!base_place_string(&place, &text, error))
        return FALSE;
    if (text && !policy_usage_parse(text, ret)) {
        base_place_error(&place, error,
                         "must be \"dma\", \"guest-iommu\", \"pasid\" or \"sva\", not \"%s\"",
                         text);
        return FALSE;
    }
    if (text && ret_set)
        *ret_set = TRUE;
    return TRUE;
}

static gboolean
read_mode(const BasePlace *place, GArray *modes, GError **error)
{
    const char *text = NULL;
    ViommuMode mode;

    if (!base_place_string(place, &text, error))
        return FALSE;
    if (!policy_mode_parse(text, &mode)) {
        base_place_error(place, error,
                         "must be \"nested\", \"shadow\", \"irq\" or \"none\", not \"%s\"", text);
        return FALSE;
    }
    for (guint i = 0; i < modes->len; i++) {
        if (g_array_index(modes, ViommuMode, i) != mode)
            continue;
        base_place_error(place, error, "\"%s\" is listed twice", text);
        return FALSE;
    }
    g_array_append_val(modes, mode);
    return TRUE;
}

static gboolean
read_modes(const BasePlace *root, ViommuPolicy *policy, GError **error)
{
    BasePlace place = base_place_member(root, "modes");

    if (!place.present)
        return TRUE;
    if (!base_place_is_array(&place, error))
        return FALSE;
    if (base_place_length(&place) == 0) {
        base_place_error(&place, error, "must list at least one mode");
        return FALSE;
    }
    g_array_set_size(policy->modes, 0);
    for (gsize i = 0; i < base_place_length(&place); i++) {
        BasePlace element = base_place_element(&place, i);

        if (!read_mode(&element, policy->modes, error))
            return FALSE;
    }
    return TRUE;
}

/* "0x" and exactly one of the numbers of hex digits in @digits */
static gboolean
read_id(const BasePlace *match, const char *key, const char *digits, BaseU64 *ret,
        guint *ret_digits, GError **error)
{
    BasePlace place = base_place_member(match, key);
    const char *text = NULL;
    gsize length;
    guint64 value;

    if (!base_place_string(&place, &text, error))
        return FALSE;
    if (!text)
        return TRUE;
    length = g_str_has_prefix(text, "0x") ? strlen(text + 2) : 0;
    if (length == 0 || length > 9 || !strchr(digits, (int)('0' + length)) ||
        !base_parse_u64(text + 2, 16, &value)) {
        base_place_error(&place, error, "must be \"0x\" and %s hex digits, not \"%s\"",
                         strlen(digits) == 1 ? digits : "2, 4 or 6", text);
        return FALSE;
    }
    *ret = base_u64(value);
    if (ret_digits)
        *ret_digits = (guint)length;
    return TRUE;
}

static gboolean
read_match(const BasePlace *entry, PolicyUsage *usage, GError **error)
{
    static const char *const keys[] = {"address", "class", "device", "vendor", NULL};
    BasePlace match = base_place_member(entry, "match");
    BasePlace address = base_place_member(&match, "address");
    const char *text = NULL;

    if (!match.present) {
        base_place_error(&match, error, "is missing");
        return FALSE;
    }
    if (!base_place_only(&match, keys, error) ||
        !read_id(&match, "vendor", "4", &usage->vendor, NULL, error) ||
        !read_id(&match, "device", "4", &usage->device, NULL, error) ||
        !read_id(&match, "class", "246", &usage->class_value, &usage->class_digits, error) ||
        !base_place_string(&address, &text, error))
        return FALSE;
    if (json_object_object_length(match.value) == 0) {
        base_place_error(&match, error, "is empty; \"usage\" at the top is for every device");
        return FALSE;
    }
    usage->address_set = text != NULL;
    if (text && !base_pci_parse(text, &usage->address)) {
        base_place_error(&address, error, "must be a PCI address DDDD:BB:DD.F, not \"%s\"", text);
        return FALSE;
    }
    return TRUE;
}

static gboolean
read_entry(const BasePlace *entry, ViommuPolicy *policy, GError **error)
{
    static const char *const keys[] = {"match", "max_usage", "pasid_bits", "usage", NULL};
    g_autofree PolicyUsage *usage = g_new0(PolicyUsage, 1);

    if (!base_place_only(entry, keys, error) || !read_match(entry, usage, error) ||
        !read_usage(entry, "usage", &usage->usage, &usage->usage_set, error) ||
        !read_usage(entry, "max_usage", &usage->max_usage, &usage->max_usage_set, error) ||
        !policy_read_pasid_bits(entry, 1, &usage->pasid_bits, error))
        return FALSE;
    if (usage->pasid_bits.state == BASE_STATE_ABSENT) {
        BasePlace place = base_place_member(entry, "pasid_bits");

        base_place_error(&place, error, "must be a number, not null");
        return FALSE;
    }
    if (usage->usage_set && usage->max_usage_set && usage->usage > usage->max_usage) {
        BasePlace place = base_place_member(entry, "usage");

        base_place_error(&place, error, "\"%s\" is above max_usage \"%s\"",
                         policy_usage_name(usage->usage), policy_usage_name(usage->max_usage));
        return FALSE;
    }
    g_ptr_array_add(policy->usages, g_steal_pointer(&usage));
    return TRUE;
}

static gboolean
read_usages(const BasePlace *root, ViommuPolicy *policy, GError **error)
{
    BasePlace place = base_place_member(root, "usages");

    if (!place.present)
        return TRUE;
    if (!base_place_is_array(&place, error))
        return FALSE;
    for (gsize i = 0; i < base_place_length(&place); i++) {
        BasePlace entry = base_place_element(&place, i);

        if (!read_entry(&entry, policy, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
policy_read(BaseJson *document, const char *file, const PolicyCatalogue *catalogue,
            ViommuPolicy *policy, GError **error)
{
    static const char *const keys[] = {"hook",  "hotplug", "max_usage", "migration",
                                       "modes", "name",    "policy",    "quota",
                                       "rules", "usage",   "usages",    NULL};
    BasePlace root = base_place_root(document, file);

    return base_place_is_object(&root, error) && read_version(&root, error) &&
           base_place_only(&root, keys, error) && read_name(&root, policy, error) &&
           read_modes(&root, policy, error) &&
           read_usage(&root, "usage", &policy->usage, NULL, error) &&
           read_usage(&root, "max_usage", &policy->max_usage, NULL, error) &&
           policy_read_choice(&root, "migration", "not-needed", "needed", &policy->migration_needed,
                              error) &&
           read_usages(&root, policy, error) && policy_read_hotplug(&root, policy, error) &&
           policy_read_quotas(&root, policy, error) &&
           policy_read_rules(&root, catalogue, policy, error) &&
           policy_read_hook(&root, policy, error);
}
