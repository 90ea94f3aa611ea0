/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Domain XML: whatever is taken has true spans, answers every question, and survives edits. Bytes
 * behind the first NUL choose the edits, three each; without one the text's length does.
 */
#include "fuzz.h"

#include "write.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "viommu/viommu-error.h"

/* libFuzzer keeps the input on SIGABRT, but not on the trap of g_error(). */
static void G_GNUC_PRINTF(1, 2) G_GNUC_NORETURN fail(const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list args;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    g_printerr("%s\n", message);
    abort();
}

static void
check_span(const ViommuDomain *domain, const ModelSpan *span)
{
    gboolean right = domain->text[span->start] == '<' && domain->text[span->tag_end - 1] == '>' &&
                     domain->text[span->end - 1] == '>' && span->start < span->tag_end &&
                     span->tag_end <= span->content_end && span->content_end <= span->end &&
                     span->end <= domain->length && span->line > 0 && span->column > 0;

    if (!right || (!span->empty_tag && domain->text[span->content_end] != '<'))
        fail("a span is wrong: %" G_GSIZE_FORMAT, span->start);
}

static void
ask(const ViommuDomain *domain)
{
    for (guint i = 0; i < domain->spans->len; i++)
        check_span(domain, &g_array_index(domain->spans, ModelSpan, i));
    for (guint i = 0; i < domain->controllers->len; i++) {
        const ModelController *controller = domain->controllers->pdata[i];

        model_root_bus(domain, controller->index);
        model_behind_conventional(domain, controller->index);
        model_port_is_free(domain, controller);
    }
    for (guint i = 0; i < domain->hostdevs->len; i++) {
        const ModelHostdev *hostdev = domain->hostdevs->pdata[i];
        g_autofree char *path = model_xpath(hostdev->node, NULL);

        if (hostdev->address.kind == MODEL_ADDRESS_PREDICTED &&
            !model_controller(domain, hostdev->address.pci.bus))
            fail("%s is predicted on a bus that is not there", path);
    }
}

static xmlNode *
element_at(const ViommuDomain *domain, guint index)
{
    xmlNode *node = domain->root;

    for (index %= domain->spans->len; index > 0; index--) {
        xmlNode *next = xmlFirstElementChild(node);

        for (; !next; node = node->parent)
            next = xmlNextElementSibling(node);
        node = next;
    }
    return node;
}

static void
edit_free(PlanEdit *edit)
{
    base_element_free(edit->element);
    g_free(edit->name);
    g_free(edit->value);
    g_free(edit);
}

static PlanEdit *
edit_new(const ViommuDomain *domain, guint8 kind, guint8 where, guint8 how)
{
    static const char *const values[] = {"", "1", "'\"<>&\n"};
    PlanEdit *edit = g_new0(PlanEdit, 1);

    edit->kind = kind % 4;
    edit->node = element_at(domain, where);
    edit->name = g_strdup("fuzz");
    edit->value = g_strdup(values[how % 3]);
    if (edit->kind == PLAN_EDIT_INSERT) {
        edit->element = base_element_new(edit->name);
        edit->after = how & 4 ? xmlFirstElementChild(edit->node) : NULL;
        base_element_set(base_element_add(edit->element, edit->name), edit->name, edit->value);
    }
    return edit;
}

/* Our edits add only what nobody reads, so these are the reasons that there may be; "must be": a
 * new element brings white space into a number that has elements in it. */
static gboolean
is_excused(const GError *error)
{
    static const char *const excuses[] = {"contradict",       "incomplete", "no memory size",
                                          "nested more than", "depth",      "must be"};

    for (guint i = 0; i < G_N_ELEMENTS(excuses); i++)
        if (strstr(error->message, excuses[i]))
            return TRUE;
    return FALSE;
}

static void
edit(const ViommuDomain *domain, const guint8 *choices, gsize count)
{
    g_autoptr(GPtrArray) edits = g_ptr_array_new_with_free_func((GDestroyNotify)edit_free);
    g_autoptr(GError) error = NULL;
    g_autofree char *result = NULL;
    g_autofree char *diff = NULL;

    for (gsize i = 0; i + 2 < count && i < 30; i += 3)
        g_ptr_array_add(edits, edit_new(domain, choices[i], choices[i + 1], choices[i + 2]));
    result = write_domain(domain, edits, &error);
    if (!result && !is_excused(error))
        fail("%s", error->message);
    if (!result)
        return;
    if (edits->len == 0 && strcmp(result, domain->text) != 0)
        fail("no edits, but another text");
    diff = write_diff(domain->text, result, "fuzz");
    if ((*diff == '\0') != (strcmp(result, domain->text) == 0))
        fail("the diff is empty and should not be, or the reverse");
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    const guint8 *end = memchr(data, '\0', size);
    gsize length = end ? (gsize)(end - data) : size;
    guint8 fallback[] = {(guint8)length, (guint8)(length >> 2), (guint8)(length >> 4)};
    g_autoptr(GError) error = NULL;
    g_autoptr(ViommuDomain) domain = model_domain_parse((const char *)data, length, "fuzz", &error);

    if (!domain && g_error_matches(error, VIOMMU_ERROR, VIOMMU_ERROR_INTERNAL))
        fail("%s", error->message);
    if (!domain)
        return 0;
    model_domain_place(domain);
    ask(domain);
    if (end)
        edit(domain, end + 1, size - length - 1);
    else
        edit(domain, fallback, sizeof fallback);
    return 0;
}
