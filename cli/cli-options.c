/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* What GOption fills, before it is understood. */
typedef struct {
    CliOptions out;
    gboolean json, no_metadata;
    char *format, *libvirt, *qemu, *profile, *fail_on, *color;
} Raw;

static void
raw_clear(Raw *raw)
{
    cli_options_clear(&raw->out);
    g_free(raw->format);
    g_free(raw->libvirt);
    g_free(raw->qemu);
    g_free(raw->profile);
    g_free(raw->fail_on);
    g_free(raw->color);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Raw, raw_clear)

void
cli_options_clear(CliOptions *options)
{
    g_clear_pointer(&options->host, g_free);
    g_clear_pointer(&options->sysroot, g_free);
    g_clear_pointer(&options->policy, g_free);
    g_clear_pointer(&options->output, g_free);
    g_clear_pointer(&options->save, g_free);
    g_clear_pointer(&options->groups, g_strfreev);
    g_clear_pointer(&options->qemu, g_free);
    g_clear_pointer(&options->connect, g_free);
    g_clear_pointer(&options->files, g_strfreev);
}

static void
add_entries(GOptionContext *context, const CliVerb *verb, Raw *raw)
{
    const struct {
        guint takes;
        GOptionEntry entry;
    } table[] = {
        {CLI_TAKES_FORMAT,
         {"format", 0, 0, G_OPTION_ARG_STRING, &raw->format,
          verb->takes & CLI_TAKES_SARIF  ? "text, json, sarif or line"
          : verb->takes & CLI_TAKES_DIFF ? "text, json or virt-xml"
                                         : "text or json",
          "FORMAT"}},
        {CLI_TAKES_FORMAT,
         {"json", 0, 0, G_OPTION_ARG_NONE, &raw->json, "Short for --format json", NULL}},
        {CLI_TAKES_DIFF,
         {"diff", 0, 0, G_OPTION_ARG_NONE, &raw->out.diff, "Show the edits as a unified diff",
          NULL}},
        {CLI_TAKES_METADATA,
         {"no-metadata", 0, 0, G_OPTION_ARG_NONE, &raw->no_metadata,
          "Write nothing about the plan into <metadata>", NULL}},
        {CLI_TAKES_OUTPUT,
         {"output", 'o', 0, G_OPTION_ARG_FILENAME, &raw->out.output,
          "Replace FILE in one step instead of writing to stdout (-)", "FILE"}},
        {CLI_TAKES_SAVE,
         {"save", 0, 0, G_OPTION_ARG_FILENAME, &raw->out.save,
          "Save the facts as JSON, for --host on another machine; -: to stdout", "FILE"}},
        {CLI_TAKES_SAVE,
         {"qemu", 0, 0, G_OPTION_ARG_FILENAME, &raw->out.qemu,
          "Start this QEMU and ask for the properties of its devices", "PROGRAM"}},
        {CLI_TAKES_SAVE,
         {"probe", 0, 0, G_OPTION_ARG_NONE, &raw->out.probe,
          "Also ask idle devices, which resets them; takes root", NULL}},
        {CLI_TAKES_DETACH,
         {"detach", 0, 0, G_OPTION_ARG_NONE, &raw->out.detach,
          "Take the device out instead of plugging it in", NULL}},
        {CLI_TAKES_SAVE,
         {"group", 0, 0, G_OPTION_ARG_STRING_ARRAY, &raw->out.groups,
          "Only this IOMMU group, with all that is known of it", "NUMBER"}},
        {CLI_TAKES_SAVE,
         {"numeric", 'n', 0, G_OPTION_ARG_NONE, &raw->out.numeric,
          "Ids instead of names of vendors and devices", NULL}},
        {CLI_TAKES_LEDGER,
         {"verify", 0, 0, G_OPTION_ARG_NONE, &raw->out.verify,
          "Compare the ledger with libvirt's running domains", NULL}},
        {CLI_TAKES_LEDGER,
         {"rebuild", 0, 0, G_OPTION_ARG_NONE, &raw->out.rebuild,
          "Make the ledger what libvirt's running domains hold", NULL}},
        {CLI_TAKES_LIVE,
         {"live", 0, 0, G_OPTION_ARG_NONE, &raw->out.live,
          "Of a domain by its name: as it runs, not as it will start next", NULL}},
        {CLI_TAKES_CONNECT,
         {"connect", 'c', 0, G_OPTION_ARG_STRING, &raw->out.connect,
          "The libvirt daemon to ask (default: qemu:///system)", "URI"}},
        {CLI_TAKES_ALL,
         {"all", 0, 0, G_OPTION_ARG_NONE, &raw->out.all, "All rules of the catalogue", NULL}},
        {CLI_TAKES_HOST,
         {"host", 0, 0, G_OPTION_ARG_FILENAME, &raw->out.host,
          "Facts saved by 'host --save'; none: know nothing (default: this machine)", "FILE"}},
        {CLI_TAKES_HOST,
         {"sysroot", 0, 0, G_OPTION_ARG_FILENAME, &raw->out.sysroot,
          "Read facts from a tree with sys/, proc/ and dev/", "DIR"}},
        {CLI_TAKES_TARGET,
         {"policy", 0, 0, G_OPTION_ARG_FILENAME, &raw->out.policy,
          "Policy file, or the name of a shipped profile", "FILE|NAME"}},
        {CLI_TAKES_TARGET,
         {"libvirt-version", 0, 0, G_OPTION_ARG_STRING, &raw->libvirt,
          "The libvirt that the XML is for (default: the host's)", "VERSION"}},
        {CLI_TAKES_TARGET,
         {"qemu-version", 0, 0, G_OPTION_ARG_STRING, &raw->qemu,
          "The QEMU that the XML is for (default: the host's)", "VERSION"}},
        {CLI_TAKES_TARGET,
         {"profile", 0, 0, G_OPTION_ARG_STRING, &raw->profile,
          "Who runs it: system, session, kubevirt or vdsm", "PROFILE"}},
        {CLI_TAKES_VERDICT,
         {"fail-on", 0, 0, G_OPTION_ARG_STRING, &raw->fail_on,
          "Exit with 1 from error (default), warning or info on", "SEVERITY"}},
        {CLI_TAKES_VERDICT,
         {"strict", 0, 0, G_OPTION_ARG_NONE, &raw->out.strict,
          "Exit with 3 when a rule could not decide", NULL}},
        {CLI_TAKES_COLOR,
         {"color", 0, 0, G_OPTION_ARG_STRING, &raw->color,
          "auto, always or never (NO_COLOR counts too)", "WHEN"}},
        {0, {"quiet", 'q', 0, G_OPTION_ARG_NONE, &raw->out.quiet, "Only what is wrong", NULL}},
        {0, {"verbose", 'v', 0, G_OPTION_ARG_NONE, &raw->out.verbose, "Also what is well", NULL}},
        {0, {"help", 'h', 0, G_OPTION_ARG_NONE, &raw->out.help, "Show this and exit", NULL}},
        {0, {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &raw->out.files, NULL, NULL}},
    };
    GOptionEntry chosen[G_N_ELEMENTS(table) + 1] = {0};
    guint count = 0;

    for (guint i = 0; i < G_N_ELEMENTS(table); i++)
        if (!table[i].takes || table[i].takes & verb->takes)
            chosen[count++] = table[i].entry;
    g_option_context_add_main_entries(context, chosen, NULL);
}

/* Index of @text in @words; FALSE: complained. A NULL @text leaves *ret alone. */
static gboolean
pick(const char *option, const char *text, const char *const *words, guint *ret)
{
    g_autofree char *list = NULL;

    if (!text)
        return TRUE;
    for (guint i = 0; words[i]; i++) {
        if (g_str_equal(words[i], text)) {
            *ret = i;
            return TRUE;
        }
    }
    list = g_strjoinv(", ", (char **)words);
    cli_complain("--%s: '%s' is none of %s", option, text, list);
    return FALSE;
}

static gboolean
parse_version(const char *option, const char *text, guint64 *ret)
{
    if (!text || viommu_version_parse(text, ret))
        return TRUE;
    cli_complain("--%s: '%s' is no version such as 12.8.0", option, text);
    return FALSE;
}

static gboolean
understand_format(const CliVerb *verb, Raw *raw)
{
    static const char *const with_sarif[] = {"text", "json", "sarif", "line", NULL};
    static const char *const with_virt_xml[] = {"text", "json", "virt-xml", NULL};
    static const char *const without[] = {"text", "json", NULL};
    gboolean plan = (verb->takes & CLI_TAKES_DIFF) != 0;
    const char *const *names =
        verb->takes & CLI_TAKES_SARIF ? with_sarif : (plan ? with_virt_xml : without);
    guint format = CLI_FORMAT_TEXT;

    if (!pick("format", raw->format, names, &format))
        return FALSE;
    if (plan && format > CLI_FORMAT_JSON)
        format = CLI_FORMAT_VIRT_XML;
    if (raw->json && raw->format && format != CLI_FORMAT_JSON) {
        cli_complain("--json and --format %s exclude each other", raw->format);
        return FALSE;
    }
    raw->out.format = raw->json ? CLI_FORMAT_JSON : (CliFormat)format;
    if (raw->out.diff && raw->out.format != CLI_FORMAT_TEXT) {
        cli_complain("--diff is text; the other formats have the edits");
        return FALSE;
    }
    return TRUE;
}

static gboolean
understand_target(Raw *raw)
{
    static const char *const profiles[] = {"system", "session", "kubevirt", "vdsm", NULL};
    static const char *const severities[] = {"off", "info", "warning", "error", NULL};
    guint profile = VIOMMU_PROFILE_SYSTEM, severity = VIOMMU_SEVERITY_ERROR;

    if (raw->out.host && raw->out.sysroot) {
        cli_complain("--host and --sysroot exclude each other");
        return FALSE;
    }
    if (raw->out.probe && (raw->out.host || raw->out.sysroot)) {
        cli_complain("--probe asks this machine; not with --host or --sysroot");
        return FALSE;
    }
    /* "off" would make every check succeed, which --fail-on is not for */
    if (!pick("profile", raw->profile, profiles, &profile) ||
        !pick("fail-on", raw->fail_on, severities + 1, &severity) ||
        !parse_version("libvirt-version", raw->libvirt, &raw->out.target.libvirt) ||
        !parse_version("qemu-version", raw->qemu, &raw->out.target.qemu))
        return FALSE;
    raw->out.target.profile = profile;
    raw->out.plan = raw->no_metadata ? VIOMMU_PLAN_NO_METADATA : VIOMMU_PLAN_DEFAULT;
    raw->out.fail_on_given = raw->fail_on != NULL;
    raw->out.fail_on = raw->fail_on ? severity + 1 : VIOMMU_SEVERITY_ERROR;
    return TRUE;
}

/* What the user says counts, then what the terminal says; 0: not a terminal. */
static guint
find_width(gboolean terminal)
{
    const char *columns = g_getenv("COLUMNS");
    struct winsize size = {0};
    guint64 wish;

    if (columns && g_ascii_string_to_unsigned(columns, 10, 20, 1000, &wish, NULL))
        return (guint)wish;
    if (!terminal)
        return 0;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static gboolean
understand_looks(Raw *raw)
{
    static const char *const whens[] = {"auto", "always", "never", NULL};
    const char *no_color = g_getenv("NO_COLOR");
    gboolean terminal = isatty(STDOUT_FILENO);
    guint when = 0;

    if (!pick("color", raw->color, whens, &when))
        return FALSE;
    if (when == 1 || (when == 0 && terminal && !(no_color && *no_color) &&
                      g_strcmp0(g_getenv("TERM"), "dumb") != 0))
        raw->out.render |= VIOMMU_RENDER_COLOR;
    if (raw->out.verbose)
        raw->out.render |= VIOMMU_RENDER_VERBOSE;
    if (raw->out.quiet)
        raw->out.render |= VIOMMU_RENDER_QUIET;
    raw->out.width = find_width(terminal);
    return TRUE;
}

static gboolean
count_files(const CliVerb *verb, CliOptions *options)
{
    if (!options->files)
        options->files = g_new0(char *, 2); /* room to look at the second of none */
    options->file_count = g_strv_length(options->files);
    if (options->file_count >= verb->min_files && options->file_count <= verb->max_files)
        return TRUE;
    cli_complain("%s takes %s; see virt-viommu %s --help", verb->name,
                 *verb->arguments ? verb->arguments : "no file", verb->name);
    return FALSE;
}

gboolean
cli_options_parse(const CliVerb *verb, int argc, char **argv, CliOptions *ret)
{
    g_autoptr(GOptionContext) context = g_option_context_new(verb->arguments);
    g_autofree char *program = g_strdup_printf("virt-viommu %s", verb->name);
    g_auto(Raw) raw = {0};
    g_autoptr(GError) error = NULL;

    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(context, verb->summary);
    g_option_context_set_description(context, verb->description);
    add_entries(context, verb, &raw);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        cli_complain("%s: %s; see %s --help", verb->name, error->message, program);
        return FALSE;
    }
    if (raw.out.help) {
        g_autofree char *help = NULL;

        g_set_prgname(program);
        help = g_option_context_get_help(context, TRUE, NULL);
        cli_output(help);
    } else if (!understand_format(verb, &raw) || !understand_target(&raw) ||
               !understand_looks(&raw) || !count_files(verb, &raw.out)) {
        return FALSE;
    }
    *ret = raw.out;
    raw.out = (CliOptions){0};
    return TRUE;
}
