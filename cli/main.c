/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TAKES_DOMAIN (CLI_TAKES_HOST | CLI_TAKES_TARGET)
#define TAKES_NAME   (CLI_TAKES_CONNECT | CLI_TAKES_LIVE)
#define FILE_OR_NAME                                                                               \
    "FILE may be - for standard input, or where there is no such file the name of a domain of\n"   \
    "the libvirt daemon (--connect).\n"
#define EXIT_CODES                                                                                 \
    "Exit codes: 0 clean; 1 findings or no valid plan; 2 wrong use, unreadable or\n"               \
    "malformed input; 3 undecided under --strict.\n"

static const CliVerb verbs[] = {
    {"host", "[FUNCTION...]", "What this host can do, its groups, and why not more.",
     "FUNCTION is a PCI address (0000:3b:00.0, 3b:00.0 or pci_0000_3b_00_0): all that is known of\n"
     "it. The facts are those of this machine, or of --host or --sysroot.\n",
     CLI_TAKES_FORMAT | CLI_TAKES_HOST | CLI_TAKES_SAVE | CLI_TAKES_COLOR, 0, G_MAXUINT, cli_host},
    {"check", "FILE...", "What is wrong with these domain XML files.",
     FILE_OR_NAME "JSON is an array with one report per FILE.\n" EXIT_CODES,
     TAKES_DOMAIN | TAKES_NAME | CLI_TAKES_FORMAT | CLI_TAKES_SARIF | CLI_TAKES_VERDICT |
         CLI_TAKES_COLOR,
     1, G_MAXUINT, cli_check},
    {"plan", "FILE", "What would be written and granted for this domain, and why.",
     FILE_OR_NAME "With --fail-on or --strict the planned domain is checked as well.\n" EXIT_CODES,
     TAKES_DOMAIN | TAKES_NAME | CLI_TAKES_FORMAT | CLI_TAKES_DIFF | CLI_TAKES_VERDICT |
         CLI_TAKES_COLOR | CLI_TAKES_METADATA,
     1, 1, cli_plan},
    {"apply", "FILE", "The finished domain XML.",
     FILE_OR_NAME
     "Only what the plan changes is changed; a domain that needs nothing comes back\n"
     "byte for byte. With --fail-on or --strict nothing is written where the planned\n"
     "domain would not pass. Into libvirt: apply NAME | virsh define /dev/stdin\n" EXIT_CODES,
     TAKES_DOMAIN | CLI_TAKES_CONNECT | CLI_TAKES_VERDICT | CLI_TAKES_OUTPUT | CLI_TAKES_METADATA,
     1, 1, cli_apply},
    {"hotplug", "DOMAIN DEVICE", "Whether a device can be plugged in, with which XML, or why not.",
     "DOMAIN is the XML of the running domain, as virsh dumpxml prints it, or where there is no\n"
     "such file its name; DEVICE is a file with\n"
     "a <hostdev>, or the host address of a PCI function; with --detach also an alias. Either\n"
     "may be - for standard input. The device XML goes to stdout, for virsh attach-device; what\n"
     "to do first goes to stderr.\n" EXIT_CODES,
     TAKES_DOMAIN | CLI_TAKES_FORMAT | CLI_TAKES_DETACH | CLI_TAKES_CONNECT, 2, 2, cli_hotplug},
    {"limits", "FILE", "Locked memory and PASIDs of this domain: figures, formulas, who sets them.",
     FILE_OR_NAME "Without a valid plan the figures are those of the domain as it is.\n" EXIT_CODES,
     TAKES_DOMAIN | TAKES_NAME | CLI_TAKES_FORMAT | CLI_TAKES_COLOR, 1, 1, cli_limits},
    {"ledger", "", "Who holds which devices and limits of this host.",
     "The libvirt hook keeps it. --verify exits with 1 where it is not what runs, --rebuild\n"
     "mends that; both ask the libvirt daemon.\n" EXIT_CODES,
     CLI_TAKES_FORMAT | CLI_TAKES_HOST | CLI_TAKES_LEDGER | CLI_TAKES_CONNECT | CLI_TAKES_COLOR, 0,
     0, cli_ledger},
    {"explain", "[RULE...]", "Why a rule exists, what to do about it, and where that was read.",
     "RULE is what stands in brackets behind a finding, or the first word of many: vtd.\n",
     CLI_TAKES_FORMAT | CLI_TAKES_ALL | CLI_TAKES_COLOR, 0, G_MAXUINT, cli_explain},
    {"policy", "check FILE... | show [FILE|NAME]",
     "Validates policies, or prints one as merged over the shipped default.", NULL, 0, 1, G_MAXUINT,
     cli_policy},
};

static const CliVerb *
find_verb(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (g_str_equal(verbs[i].name, name))
            return &verbs[i];
    return NULL;
}

static char *
usage(void)
{
    GString *out = g_string_new("usage: virt-viommu VERB [OPTION...] [FILE...]\n\n");

    for (guint i = 0; i < G_N_ELEMENTS(verbs); i++)
        g_string_append_printf(out, "  %-8s %s\n", verbs[i].name, verbs[i].summary);
    g_string_append(out,
                    "\nvirt-viommu VERB --help shows a verb's options; virt-viommu(1) tells "
                    "more.\n  --help     Show this and exit\n  --version  Show the version and "
                    "exit\n");
    return g_string_free(out, FALSE);
}

static CliExit
unknown_verb(const char *word)
{
    const char *names[G_N_ELEMENTS(verbs) + 1] = {0};
    const char *nearest;

    for (guint i = 0; i < G_N_ELEMENTS(verbs); i++)
        names[i] = verbs[i].name;
    nearest = cli_nearest(word, names);
    if (*word == '-')
        cli_complain("option '%s' belongs behind a verb; see virt-viommu --help", word);
    else if (nearest)
        cli_complain("no verb '%s'; did you mean '%s'?", word, nearest);
    else
        cli_complain("no verb '%s'; see virt-viommu --help", word);
    return CLI_TROUBLE;
}

static CliExit
run_verb(const CliVerb *verb, int argc, char **argv)
{
    CliOptions options = {0};
    CliExit status = CLI_CLEAN;

    if (!cli_options_parse(verb, argc, argv, &options))
        return CLI_TROUBLE;
    if (!options.help)
        status = verb->run(&options);
    cli_options_clear(&options);
    return status;
}

static CliExit
show_verb(const char *word)
{
    const CliVerb *verb = find_verb(word);
    char *words[] = {(char *)word, (char *)"--help", NULL};

    return verb ? run_verb(verb, 2, words) : unknown_verb(word);
}

static CliExit
dispatch(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    g_autofree char *text = NULL;
    const CliVerb *verb;

    if (argc < 2) {
        text = usage();
        fputs(text, stderr);
        return CLI_TROUBLE;
    }
    if (g_str_equal(word, "--version")) {
        text = g_strdup_printf("virt-viommu %s\n", viommu_version());
        cli_output(text);
        return CLI_CLEAN;
    }
    if (g_str_equal(word, "help") && argc > 2)
        return show_verb(argv[2]);
    if (g_str_equal(word, "--help") || g_str_equal(word, "-h") || g_str_equal(word, "help")) {
        text = usage();
        cli_output(text);
        return CLI_CLEAN;
    }
    verb = find_verb(word);
    return verb ? run_verb(verb, argc - 1, argv + 1) : unknown_verb(word);
}

/* A file that we open must not become a standard stream which the caller has closed: the result
 * would go into it. Standard output is taken read-only, so that writing to it is an error. */
static gboolean
keep_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) == -1 &&
            open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return FALSE;
    return TRUE;
}

int
main(int argc, char **argv)
{
    if (!keep_standard_streams())
        return CLI_TROUBLE;
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is a write error, and told by the exit code */
    g_set_prgname("virt-viommu");
    return (int)cli_output_finish(dispatch(argc, argv));
}
