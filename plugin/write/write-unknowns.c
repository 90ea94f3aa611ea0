/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "write-unknowns.h"

#include "rule.h"

/* How many facts a sentence names */
#define MAX_FACTS 2

static void
unknown_free(gpointer data)
{
    WriteUnknown *unknown = data;

    g_ptr_array_unref(unknown->needs);
    g_ptr_array_unref(unknown->rules);
    g_free(unknown);
}

static WriteUnknown *
unknown_for(GPtrArray *unknowns, const Finding *finding)
{
    WriteUnknown *unknown;

    for (guint i = 0; i < unknowns->len && finding->how; i++) {
        unknown = unknowns->pdata[i];
        if (g_strcmp0(unknown->how, finding->how) == 0)
            return unknown;
    }
    unknown = g_new0(WriteUnknown, 1);
    unknown->how = finding->how;
    unknown->needs = g_ptr_array_new();
    unknown->rules = g_ptr_array_new();
    unknown->first = finding;
    g_ptr_array_add(unknowns, unknown);
    return unknown;
}

static void
add_once(GPtrArray *texts, const char *text)
{
    if (!g_ptr_array_find_with_equal_func(texts, text, g_str_equal, NULL))
        g_ptr_array_add(texts, (char *)text);
}

GPtrArray *
write_collect_unknowns(const ViommuReport *report)
{
    GPtrArray *unknowns = g_ptr_array_new_with_free_func(unknown_free);

    for (guint i = 0; i < report->findings->len; i++) {
        const Finding *finding = report->findings->pdata[i];
        WriteUnknown *unknown;

        if (finding->outcome != VIOMMU_OUTCOME_UNKNOWN)
            continue;
        unknown = unknown_for(unknowns, finding);
        for (guint j = 0; finding->needs && j < finding->needs->len; j++)
            add_once(unknown->needs, finding->needs->pdata[j]);
        add_once(unknown->rules, finding->rule->id);
        if (finding->line < unknown->first->line)
            unknown->first = finding;
        unknown->count++;
    }
    return unknowns;
}

char *
write_unknown_message(const WriteUnknown *unknown)
{
    g_autoptr(GString) out = g_string_new(NULL);

    g_string_append_printf(out, "%u rule%s not decided without ", unknown->rules->len,
                           unknown->rules->len == 1 ? "" : "s");
    for (guint i = 0; i < MIN(unknown->needs->len, MAX_FACTS); i++)
        g_string_append_printf(out, "%s%s", i ? ", " : "", (char *)unknown->needs->pdata[i]);
    if (unknown->needs->len > MAX_FACTS)
        g_string_append_printf(out, " and %u more", unknown->needs->len - MAX_FACTS);
    return g_string_free(g_steal_pointer(&out), FALSE);
}
