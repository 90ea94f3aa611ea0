/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a site allows and wants: a policy-1 document, merged over the shipped profile. */
#pragma once

#include "base-json.h"
#include "host-facts.h"
#include "model.h"

typedef struct {
    BaseU64 vendor, device; /* UNKNOWN: matches any */
    BaseU64 class_value;    /* "0x03" matches by base class, "0x0302" and "0x030200" by more */
    guint class_digits;     /* 2, 4 or 6 hex digits given */
    gboolean address_set;
    BasePci address;
    gboolean usage_set, max_usage_set;
    ViommuUsage usage, max_usage;
    BaseU64 pasid_bits;
} PolicyUsage;

typedef struct {
    char *rule;
    ViommuSeverity severity;
    char *reason;
} PolicyRule;

typedef struct {
    BaseU64 devices, pasid_bits, accel_viommus, command_queues;
    char *locked_memory; /* "600GiB" or "90%"; NULL: no quota */
} PolicyQuota;

struct _ViommuPolicy {
    gint refs;
    char *name;
    GArray *modes;     /* of ViommuMode, in order of preference */
    ViommuUsage usage; /* where no entry matches and the domain asks nothing */
    ViommuUsage max_usage;
    gboolean migration_needed;
    GPtrArray *usages; /* of PolicyUsage */
    guint spare_ports;
    guint64 spare_prefetchable, spare_plain; /* bytes of BARs that each is to have room for */
    gboolean avoid_boot_pinning;             /* devices come once the guest's IOMMU driver is up */
    PolicyQuota domain_quota, host_quota;
    GPtrArray *rules; /* of PolicyRule */
    gboolean hook_enforce;
    guint hook_time_limit_ms;
    BaseJson *merged; /* the document after merging, for "policy show" */
};

/* A rule id that a policy names: whether it exists and whether its severity may be lowered.
 * policy/ cannot see the catalogue, so the caller brings this. */
typedef struct {
    gboolean (*exists)(const char *id);
    gboolean (*demotable)(const char *id);
    ViommuSeverity (*severity)(const char *id);
} PolicyCatalogue;

/* @source: file name, or a shipped profile's name ("default"); NULL = "default".
 * Files are merged over "default". (transfer full) */
ViommuPolicy *policy_load(const char *source, const PolicyCatalogue *catalogue, GError **error);
/* Several of them (NULL-terminated), each valid by itself, each over those before it. */
ViommuPolicy *policy_load_all(const char *const *sources, const PolicyCatalogue *catalogue,
                              GError **error);
ViommuPolicy *policy_ref(ViommuPolicy *policy);
void policy_unref(ViommuPolicy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ViommuPolicy, policy_unref)

/* What the domain and the policy say of one assigned device. */
typedef struct {
    ViommuUsage usage; /* wanted, after the ceiling */
    ViommuUsage asked; /* before the ceiling */
    ViommuUsage max_usage;
    BaseU64 pasid_bits;  /* wanted width; UNKNOWN: as wide as possible */
    const char *because; /* static: "domain intent", "policy entry", "policy default" */
    const char *missing; /* static: fact ("vendor", "device", "class") without which it cannot be
                            told whether an entry matches; the demand is then the greatest that
                            there can be. NULL: sure */
} PolicyDemand;

/* @fact may be NULL (device unknown to the host facts); a number that is ABSENT matches nothing */
PolicyDemand policy_demand(const ViommuPolicy *policy, const ViommuDomain *domain,
                           const ModelHostdev *hostdev, const HostDevice *fact);
/* Spare hotplug ports wanted: the domain's wish, else the policy's */
guint policy_spare_ports(const ViommuPolicy *policy, const ViommuDomain *domain);

const char *policy_usage_name(ViommuUsage usage);
gboolean policy_usage_parse(const char *text, ViommuUsage *ret);
const char *policy_mode_name(ViommuMode mode);
gboolean policy_mode_parse(const char *text, ViommuMode *ret);
