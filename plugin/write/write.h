/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Renders facts, reports and plans; edits domain XML. Takes no decision. */
#pragma once

#include "base-json-out.h"
#include "ledger-compare.h"
#include "plan.h"

/* The domain's source text with the plan's edits and nothing else changed: byte-identical where
 * there are none. (transfer full) */
char *write_domain(const ViommuDomain *domain, const GPtrArray *edits, GError **error);
/* Unified diff of two texts, empty when equal. (transfer full) */
char *write_diff(const char *before, const char *after, const char *name);

typedef struct {
    gboolean color;
    guint width;         /* columns; 0: no limit (a pipe) */
    gboolean verbose;    /* also passes */
    gboolean quiet;      /* findings only, no summary and help */
    gboolean names_file; /* in the sum of a report too */
} WriteStyle;

/* a report-1 document, as a value of @out */
void write_report_json(const ViommuReport *report, BaseJsonOut *out);
void write_report_text(const ViommuReport *report, const WriteStyle *style, GString *out);
/* One finding a line, with what to write in it: for grep, editors and logs */
void write_report_lines(const ViommuReport *report, const WriteStyle *style, GString *out);
/* A SARIF 2.1.0 log: its begin, the results of each report, its end. */
void write_sarif_begin(BaseJsonOut *out);
void write_sarif_results(const ViommuReport *report, BaseJsonOut *out);
void write_sarif_end(BaseJsonOut *out);
BaseJson *write_plan_json(const ViommuPlan *plan);
void write_plan_text(const ViommuPlan *plan, const WriteStyle *style, GString *out);
/* Arguments of virt-xml --edit, one a line and quoted for a shell; without what is only about the
 * plan */
void write_plan_virt_xml(const ViommuPlan *plan, GString *out);
BaseJson *write_limits_json(const ViommuPlan *plan, const ViewMemlock *now);
void write_limits_text(const ViommuPlan *plan, const ViewMemlock *now, const WriteStyle *style,
                       GString *out);

/* Which part of a host to show, and how. */
typedef struct {
    WriteStyle style;
    ViommuNameFunc name; /* NULL: ids only */
    gpointer name_data;
    const GArray *devices; /* of BasePci: these functions alone, with all that is known of each */
    const GArray *groups;  /* of guint: these groups alone; both NULL: the whole host */
} WriteHostView;
void write_host_text(const ViommuHost *host, const WriteHostView *view, GString *out);

typedef struct {
    const char *boot;
    gboolean kept;                /* FALSE: nobody keeps account on this host */
    const GPtrArray *entries;     /* of HostReservation */
    const GPtrArray *problems;    /* of char * */
    const GPtrArray *differences; /* of LedgerDifference; NULL: not compared */
    const ViommuPolicy *policy;   /* NULL: no quotas */
} WriteLedger;

/* a ledger-1 document. (transfer full) */
BaseJson *write_ledger_json(const WriteLedger *ledger);
void write_ledger_text(const WriteLedger *ledger, const WriteStyle *style, GString *out);
void write_rule_text(const Rule *rule, const WriteStyle *style, GString *out);
/* a rule-1 document. (transfer full) */
BaseJson *write_rule_json(const Rule *rule);
/* docs/rules.md */
void write_rules_markdown(GString *out);
