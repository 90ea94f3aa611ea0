/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The catalogue. One file per family holds check functions and one `static const` table.
 * A check is pure: it looks at the view and reports on the one object that it was handed.
 */
#pragma once

#include "report.h"
#include "view-memlock.h"
#include "view-stack.h"
#include "view.h"

typedef enum {
    RULE_SCOPE_DOMAIN,  /* once */
    RULE_SCOPE_VIOMMU,  /* each ViewIommu */
    RULE_SCOPE_BUS,     /* each ModelController */
    RULE_SCOPE_HOSTDEV, /* each ViewHostdev */
    RULE_SCOPE_HOST,    /* once, even without assigned devices */
} RuleScope;

typedef enum {
    RULE_EFFECT_REFUSED_DEFINE,
    RULE_EFFECT_REFUSED_START,
    RULE_EFFECT_REFUSED_HOTPLUG,
    RULE_EFFECT_ABORT,
    RULE_EFFECT_LATE,
    RULE_EFFECT_SILENT,
    RULE_EFFECT_UNSAFE,
    RULE_EFFECT_ADVICE,
} RuleEffect;

typedef enum {
    RULE_FIXER_DOMAIN,
    RULE_FIXER_POLICY,
    RULE_FIXER_HOST,
    RULE_FIXER_FIRMWARE,
    RULE_FIXER_STACK,
} RuleFixer;

/* Facts that the engine checks before it calls the rule; one missing makes the outcome unknown.
 * For scope HOSTDEV "the device" is the object; for VIOMMU every hostdev that it covers. */
typedef enum {
    RULE_NEEDS_NOTHING = 0,
    RULE_NEEDS_DEVICE = 1 << 0,    /* the host function is known (or known to be absent) */
    RULE_NEEDS_GROUP = 1 << 1,     /* its group and the group's members */
    RULE_NEEDS_RESERVED = 1 << 2,  /* the group's reserved regions */
    RULE_NEEDS_UNIT = 1 << 3,      /* which host IOMMU it is behind */
    RULE_NEEDS_REGISTERS = 1 << 4, /* that IOMMU's registers */
    RULE_NEEDS_CONFIG = 1 << 5,    /* PCIe capabilities from config space */
    RULE_NEEDS_LIBVIRT = 1 << 6,   /* target libvirt version */
    RULE_NEEDS_QEMU = 1 << 7,      /* target QEMU version */
    RULE_NEEDS_KERNEL = 1 << 8,
    RULE_NEEDS_MEMLOCK = 1 << 9, /* limits of the daemon */
    RULE_NEEDS_USAGE = 1 << 10,  /* what the policy matches a device by, where that decides */
} RuleNeeds;

typedef struct RuleCall RuleCall;
typedef struct RuleRun RuleRun; /* of the engine */

struct Rule {
    const char *id; /* slug with family prefix; never reused */
    ViommuSeverity severity;
    const char *summary;   /* up to 80 characters */
    const char *rationale; /* why it breaks, with the text that QEMU or the kernel prints */
    const char *remedy;    /* what to write or do */
    const char *source;    /* project, version, file:line or URL; mandatory */
    RuleFixer fixer;
    RuleScope scope;
    RuleEffect effect;
    gboolean certain;   /* surely a refusal, or isolation is broken */
    gboolean demotable; /* policy may lower the severity */
    guint needs;        /* of RuleNeeds */
    void (*check)(RuleCall *call);
    /* Whether the rule says anything about this object: asked before the needs, so that a missing
     * fact is no matter where the rule would not use it. Looks at domain, policy and target only,
     * never at host facts. NULL: always. */
    gboolean (*applies)(const RuleCall *call);
};

/* What a check function is handed. Only the member of the rule's scope is set. */
struct RuleCall {
    const View *view;
    const Rule *rule;
    const ViewIommu *iommu;
    const ViewHostdev *hostdev;
    const ModelController *bus;
    guint object; /* position among the objects of the scope */
    RuleRun *run;
    guint reported; /* private to the engine */
};

/* A check that reports nothing has passed. @node: the element that the finding points to (NULL:
 * the object itself). @help may be NULL: the rule's remedy is shown then. */
void rule_fail(RuleCall *call, const xmlNode *node, const char *help, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
/* A fact that this call turned out to need is missing; @fact is its path in the host document
 * ("groups/12/devices"), @how gets it (NULL: what the host facts say of that path). */
void rule_unknown(RuleCall *call, const char *fact, const char *how);
/* view_memlock() of the domain as it is written. (transfer none) */
const ViewMemlock *rule_memlock(const RuleCall *call);
/* The rule says nothing about this object. */
void rule_not_applicable(RuleCall *call);

/* One table; a large family has several, which stand one after the other in the registry. */
typedef struct {
    const char *name; /* "vtd" */
    const Rule *rules;
    gsize count;
} RuleFamily;

/* (transfer none): the tables in registry order */
const RuleFamily *const *rule_families(gsize *ret_count);
const Rule *rule_find(const char *id);
/* All rules on all objects, severities after policy. (transfer full) */
ViommuReport *rule_check(const View *view);
/* What policies may do with which rule. (transfer none) */
const PolicyCatalogue *rule_policy_catalogue(void);
/* What a rule is after policy; OFF: it is not run */
ViommuSeverity rule_severity(const Rule *rule, const ViommuPolicy *policy);
const char *rule_effect_name(RuleEffect effect);
const char *rule_fixer_name(RuleFixer fixer);
const char *rule_scope_name(RuleScope scope);
const char *rule_severity_name(ViommuSeverity severity);
const char *rule_outcome_name(ViommuOutcome outcome);
