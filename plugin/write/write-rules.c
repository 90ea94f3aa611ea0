/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The catalogue for people: "explain" and docs/rules.md. */
#include "write.h"

#include <string.h>

#define DEFAULT_WIDTH 80
#define LABEL_WIDTH   12

static const char *
effect_text(RuleEffect effect)
{
    static const char *const texts[] = {
        [RULE_EFFECT_REFUSED_DEFINE] = "refused at define",
        [RULE_EFFECT_REFUSED_START] = "refused at start",
        [RULE_EFFECT_REFUSED_HOTPLUG] = "refused at hotplug",
        [RULE_EFFECT_ABORT] = "QEMU aborts",
        [RULE_EFFECT_LATE] = "fails late, in the guest or at DMA time",
        [RULE_EFFECT_SILENT] = "silently not what was written",
        [RULE_EFFECT_UNSAFE] = "breaks isolation",
        [RULE_EFFECT_ADVICE] = "advice",
    };

    return texts[effect];
}

static const char *
fixer_text(RuleFixer fixer)
{
    static const char *const texts[] = {
        [RULE_FIXER_DOMAIN] = "the domain XML",
        [RULE_FIXER_POLICY] = "the policy",
        [RULE_FIXER_HOST] = "the host's set-up",
        [RULE_FIXER_FIRMWARE] = "the host's firmware",
        [RULE_FIXER_STACK] = "another libvirt, QEMU or kernel version",
    };

    return texts[fixer];
}

/* Appends @text broken at blanks to @width columns, lines after the first @indent deep. */
static void
wrap(GString *out, const char *text, guint column, guint indent, guint width)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);

    for (guint i = 0; words[i]; i++) {
        guint length = (guint)g_utf8_strlen(words[i], -1);

        if (i > 0 && column + 1 + length > width) {
            g_string_append_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (i > 0) {
            g_string_append_c(out, ' ');
            column++;
        }
        g_string_append(out, words[i]);
        column += length;
    }
    g_string_append_c(out, '\n');
}

static void
write_field(GString *out, const char *label, const char *text, guint width)
{
    g_string_append_printf(out, "%-*s", LABEL_WIDTH, label);
    wrap(out, text, LABEL_WIDTH, LABEL_WIDTH, width);
}

void
write_rule_text(const Rule *rule, const WriteStyle *style, GString *out)
{
    guint width = style->width ? style->width : DEFAULT_WIDTH;

    g_string_append_printf(out, "%s%s%s (%s, %s%s)\n", style->color ? "\033[1m" : "", rule->id,
                           style->color ? "\033[0m" : "", rule_severity_name(rule->severity),
                           rule->certain ? "certain, " : "", effect_text(rule->effect));
    wrap(out, rule->rationale, 0, 0, width);
    write_field(out, "Write:", rule->remedy, width);
    write_field(out, "Mended in:", fixer_text(rule->fixer), width);
    write_field(out, "Policy:",
                rule->demotable ? "may lower the severity, with a reason"
                                : "cannot lower the severity",
                width);
    write_field(out, "Source:", rule->source, width);
}

/* Markdown takes '<' as HTML and '_' and '*' as emphasis; a backslash keeps them as they are. */
static void
append_markdown(GString *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (strchr("<>*_`|[]\\", *c))
            g_string_append_c(out, '\\');
        g_string_append_c(out, *c);
    }
}

static void
markdown_field(GString *out, const char *label, const char *text)
{
    g_string_append_printf(out, "- **%s**: ", label);
    append_markdown(out, text);
    g_string_append_c(out, '\n');
}

static void
markdown_rule(GString *out, const Rule *rule)
{
    g_string_append_printf(out, "\n### %s\n\n", rule->id);
    append_markdown(out, rule->summary);
    g_string_append_printf(out, " (%s%s, per %s)\n\n", rule_severity_name(rule->severity),
                           rule->certain ? ", certain" : "", rule_scope_name(rule->scope));
    append_markdown(out, rule->rationale);
    g_string_append(out, "\n\n");
    markdown_field(out, "What happens", effect_text(rule->effect));
    markdown_field(out, "Write", rule->remedy);
    markdown_field(out, "Mended in", fixer_text(rule->fixer));
    markdown_field(out, "Policy",
                   rule->demotable ? "may lower the severity, with a reason"
                                   : "cannot lower the severity");
    markdown_field(out, "Source", rule->source);
}

void
write_rules_markdown(GString *out)
{
    gsize count;
    const RuleFamily *const *families = rule_families(&count);

    g_string_append(
        out, "<!-- Generated from the tables in plugin/rules; do not edit. To write it anew:\n"
             "     VIOMMU_TEST_REGENERATE=1 meson test -C build catalogue -->\n"
             "# Rules\n\n"
             "Every rule that `virt-viommu check` knows. *Certain* means that breaking it surely "
             "ends in a refusal\nby libvirt, QEMU or the kernel, or breaks isolation; all others "
             "are advice.\n");
    for (gsize i = 0; i < count; i++) {
        if (i == 0 || strcmp(families[i]->name, families[i - 1]->name) != 0)
            g_string_append_printf(out, "\n## %s\n", families[i]->name);
        for (gsize j = 0; j < families[i]->count; j++)
            markdown_rule(out, &families[i]->rules[j]);
    }
}
