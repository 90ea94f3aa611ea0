/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virt-viommu: arguments in, text and exit codes out. Everything else is the library's. */
#pragma once

#include <viommu/viommu.h>

#include "live.h"

/* What scripts rely on; documented in virt-viommu(1). */
typedef enum {
    CLI_CLEAN = 0,
    CLI_FINDINGS = 1,  /* findings at or above --fail-on, or no valid plan */
    CLI_TROUBLE = 2,   /* wrong use, or an input or output that cannot be read or written */
    CLI_UNDECIDED = 3, /* unknowns under --strict */
} CliExit;

typedef enum {
    CLI_FORMAT_TEXT,
    CLI_FORMAT_JSON,
    CLI_FORMAT_SARIF,
    CLI_FORMAT_LINE,
    CLI_FORMAT_VIRT_XML,
} CliFormat;

/* Which options a verb takes besides --help, --quiet and --verbose. */
typedef enum {
    CLI_TAKES_FORMAT = 1 << 0,
    CLI_TAKES_SARIF = 1 << 1,
    CLI_TAKES_HOST = 1 << 2,    /* --host, --sysroot */
    CLI_TAKES_TARGET = 1 << 3,  /* --policy, --libvirt-version, --qemu-version, --profile */
    CLI_TAKES_VERDICT = 1 << 4, /* --fail-on, --strict */
    CLI_TAKES_DIFF = 1 << 5,
    CLI_TAKES_OUTPUT = 1 << 6,
    CLI_TAKES_SAVE = 1 << 7, /* and --probe */
    CLI_TAKES_ALL = 1 << 8,
    CLI_TAKES_COLOR = 1 << 9,
    CLI_TAKES_DETACH = 1 << 10,
    CLI_TAKES_METADATA = 1 << 11,
    CLI_TAKES_LEDGER = 1 << 12, /* --verify, --rebuild */
    CLI_TAKES_CONNECT = 1 << 13,
    CLI_TAKES_LIVE = 1 << 14,
} CliTakes;

typedef struct {
    CliFormat format;
    char *host, *sysroot, *policy; /* as given; NULL: not */
    ViommuTarget target;
    gboolean fail_on_given;
    ViommuSeverity fail_on;
    gboolean strict, quiet, verbose, diff, all, probe, detach, live, help;
    char *output, *save, *qemu, *connect;
    gboolean numeric, verify, rebuild;
    char **groups; /* NULL: no --group */
    ViommuPlanFlags plan;
    ViommuRenderFlags render;
    guint width; /* of the terminal; 0: not one */
    char **files;
    guint file_count;
} CliOptions;

typedef struct {
    const char *name;
    const char *arguments;
    const char *summary;
    const char *description; /* shown below the options */
    guint takes;             /* of CliTakes */
    guint min_files, max_files;
    CliExit (*run)(const CliOptions *options);
} CliVerb;

CliExit cli_host(const CliOptions *options);
CliExit cli_check(const CliOptions *options);
CliExit cli_plan(const CliOptions *options);
CliExit cli_apply(const CliOptions *options);
CliExit cli_hotplug(const CliOptions *options);
CliExit cli_ledger(const CliOptions *options);
CliExit cli_limits(const CliOptions *options);
CliExit cli_explain(const CliOptions *options);
CliExit cli_policy(const CliOptions *options);

/* Parses the words behind the verb (@words[0] is the verb). FALSE: told why on stderr.
 * options->help: help was printed instead. */
gboolean cli_options_parse(const CliVerb *verb, int argc, char **argv, CliOptions *ret);
void cli_options_clear(CliOptions *options);

/* One line on stderr: "virt-viommu: …" */
void cli_complain(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* The same for a GError, which it frees; returns CLI_TROUBLE. */
CliExit cli_fail(GError *error);
/* Appends to the result on stdout. What goes wrong is told once, and is the exit code of
 * cli_output_finish(). */
void cli_output(const char *text);
/* Flushes stdout: @status, or CLI_TROUBLE when not everything could be written. */
CliExit cli_output_finish(CliExit status);
gboolean cli_output_is_closed(void);
/* Whether an output file is "-", which is stdout like none at all */
gboolean cli_output_is_standard(const char *path);

/* Facts, policy and target that the options ask for. */
typedef struct {
    ViommuHost *host;
    ViommuPolicy *policy;
    const ViommuTarget *target; /* borrowed from the options */
} CliInput;
gboolean cli_input_load(const CliOptions *options, ViommuHostFlags flags, CliInput *ret);
void cli_input_clear(CliInput *input);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CliInput, cli_input_clear)
/* Facts alone, NULL after complaining */
ViommuHost *cli_input_host(const CliOptions *options, ViommuHostFlags flags);

/* The libvirt daemon that the options or the environment name */
const char *cli_daemon(const CliOptions *options);
/* Whether @word is a file, and not the name of a domain */
gboolean cli_word_is_file(const char *word);
/* The domain in the file @word or, where there is no such file, the domain of that name in the
 * state that the verb needs; NULL: complained */
ViommuDomain *cli_domain_load(const CliOptions *options, const char *word, LiveState state);

/* The verdict of --fail-on and --strict on one report. */
CliExit cli_verdict(const CliOptions *options, const ViommuReport *report);
/* The verdict on what @plan would write; only where the options ask for one. */
CliExit cli_plan_verdict(const CliOptions *options, const CliInput *input, const ViommuPlan *plan,
                         const char *file);

/* Tells on stderr why there is no plan. */
CliExit cli_complain_of_plan(const ViommuPlan *plan, const char *file);

/* The word of @words (NULL-terminated) that @word is a misspelling of, or NULL */
const char *cli_nearest(const char *word, const char *const *words);
