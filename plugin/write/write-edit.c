/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "write-edit.h"

#include <string.h>

#include "write-splice.h"

static gboolean
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static gboolean
is_white(char c)
{
    return is_blank(c) || c == '\n' || c == '\r';
}

/* Start of the line that @offset is on. */
static gsize
line_start(const char *text, gsize offset)
{
    while (offset > 0 && text[offset - 1] != '\n')
        offset--;
    return offset;
}

/* The white space that the line of @offset begins with. (transfer full) */
static char *
leading_blanks(const char *text, gsize offset)
{
    gsize start = line_start(text, offset), end = start;

    while (end < offset && is_blank(text[end]))
        end++;
    return g_strndup(text + start, end - start);
}

static gboolean
is_first_on_line(const char *text, gsize offset)
{
    while (offset > 0 && is_blank(text[offset - 1]))
        offset--;
    return offset == 0 || text[offset - 1] == '\n';
}

/* One step of indentation: that of the root's first child; two spaces where it has none. */
char *
write_edit_unit(const ViommuDomain *domain)
{
    const xmlNode *child = xmlFirstElementChild(domain->root);
    g_autofree char *outer = leading_blanks(domain->text, model_span(domain, domain->root)->start);
    g_autofree char *inner = NULL;
    gsize start = child ? model_span(domain, child)->start : 0;

    if (child && is_first_on_line(domain->text, start)) {
        inner = leading_blanks(domain->text, start);
        if (g_str_has_prefix(inner, outer) && strlen(inner) > strlen(outer))
            return g_strdup(inner + strlen(outer));
    }
    return g_strdup("  ");
}

/* Indentation of a new child of @node behind @after. (transfer full) */
static char *
child_indent(const WriteJob *job, xmlNode *node, xmlNode *after)
{
    const char *text = job->domain->text;
    const xmlNode *sibling = after ? after : xmlLastElementChild(node);
    g_autofree char *outer = NULL;

    for (; sibling; sibling = sibling->prev) {
        gsize start;

        if (sibling->type != XML_ELEMENT_NODE)
            continue;
        start = model_span(job->domain, sibling)->start;
        if (is_first_on_line(text, start))
            return leading_blanks(text, start);
    }
    outer = leading_blanks(text, model_span(job->domain, node)->start);
    return g_strconcat(outer, job->unit, NULL);
}

/* Quotation mark of the last attribute of a tag, else of the root's first, else libvirt's. */
static char
quote_of(const ViommuDomain *domain, const xmlNode *node)
{
    ModelAttributeSpan attribute = {.quote = '\0'};
    gsize cursor = 0;

    while (model_span_next_attribute(domain, model_span(domain, node), &cursor, &attribute))
        continue;
    if (attribute.quote || node == domain->root)
        return attribute.quote ? attribute.quote : '\'';
    return quote_of(domain, domain->root);
}

static WriteSplice *
add_splice(WriteJob *job, WriteSpliceKind kind, gsize offset, gsize removed)
{
    WriteSplice *splice = g_new0(WriteSplice, 1);

    splice->kind = kind;
    splice->offset = offset;
    splice->removed = removed;
    splice->order = job->splices->len;
    g_ptr_array_add(job->splices, splice);
    return splice;
}

/* Behind the last attribute of a start tag, or its name. */
static gsize
attributes_end(const ViommuDomain *domain, const xmlNode *node)
{
    const ModelSpan *span = model_span(domain, node);
    ModelAttributeSpan attribute = {0};
    gsize cursor = 0, end = span->start + 1;

    while (!is_white(domain->text[end]) && domain->text[end] != '/' && domain->text[end] != '>')
        end++;
    while (model_span_next_attribute(domain, span, &cursor, &attribute))
        end = attribute.value_end + 1;
    return end;
}

static gboolean
has_value(const WriteJob *job, const PlanEdit *edit, const ModelAttributeSpan *attribute)
{
    gsize length = attribute->value_end - attribute->value;
    g_autofree char *parsed = NULL;

    if (strlen(edit->value) == length &&
        memcmp(job->domain->text + attribute->value, edit->value, length) == 0)
        return TRUE;
    if (strchr(edit->name, ':') || strcmp(edit->name, "xmlns") == 0)
        return FALSE;
    parsed = model_attribute(edit->node, edit->name);
    return g_strcmp0(parsed, edit->value) == 0;
}

static void
set_attribute(WriteJob *job, const PlanEdit *edit)
{
    g_autoptr(GString) text = g_string_new(NULL);
    ModelAttributeSpan attribute;
    WriteSplice *splice;
    char quote;

    if (model_span_attribute(job->domain, edit->node, edit->name, &attribute)) {
        if (has_value(job, edit, &attribute))
            return;
        base_xml_escape(edit->value, attribute.quote, text);
        splice = add_splice(job, WRITE_SPLICE_INLINE, attribute.value,
                            attribute.value_end - attribute.value);
    } else {
        quote = quote_of(job->domain, edit->node);
        g_string_printf(text, " %s=%c", edit->name, quote);
        base_xml_escape(edit->value, quote, text);
        g_string_append_c(text, quote);
        splice = add_splice(job, WRITE_SPLICE_INLINE, attributes_end(job->domain, edit->node), 0);
    }
    splice->text = g_string_free(g_steal_pointer(&text), FALSE);
}

static void
remove_attribute(WriteJob *job, const PlanEdit *edit)
{
    ModelAttributeSpan attribute;
    gsize start;

    if (!model_span_attribute(job->domain, edit->node, edit->name, &attribute))
        return;
    start = attribute.start;
    while (is_white(job->domain->text[start - 1]))
        start--;
    add_splice(job, WRITE_SPLICE_INLINE, start, attribute.value_end + 1 - start);
}

/* The element goes with its line: the line break before it, its indentation, blanks behind it.
 * Where something else is on its lines, only the element goes. */
static void
remove_element(WriteJob *job, const PlanEdit *edit)
{
    const char *text = job->domain->text;
    const ModelSpan *span = model_span(job->domain, edit->node);
    gsize start = span->start, end = span->end;

    while (is_blank(text[end]))
        end++;
    if (is_first_on_line(text, start) && (text[end] == '\n' || text[end] == '\r')) {
        start = line_start(text, start) - 1;
        start -= start > 0 && text[start - 1] == '\r';
        /* on its own, so that a new element may stand between the two */
        if (end > span->end)
            add_splice(job, WRITE_SPLICE_REMOVE, span->end, end - span->end);
    }
    add_splice(job, WRITE_SPLICE_REMOVE, start, span->end - start);
}

static void
render(const WriteJob *job, const BaseElement *element, const char *indent, char quote,
       GString *out)
{
    g_autofree char *deeper = g_strconcat(indent, job->unit, NULL);

    g_string_append_printf(out, "%s%s<%s", job->newline, indent, element->name);
    for (guint i = 0; i < element->names->len; i++) {
        g_string_append_printf(out, " %s=%c", (char *)element->names->pdata[i], quote);
        base_xml_escape(element->values->pdata[i], quote, out);
        g_string_append_c(out, quote);
    }
    if (!element->text && !element->children->len) {
        g_string_append(out, "/>");
        return;
    }
    g_string_append_c(out, '>');
    if (element->text)
        base_xml_escape(element->text, '\0', out);
    for (guint i = 0; i < element->children->len; i++)
        render(job, element->children->pdata[i], deeper, quote, out);
    if (element->children->len)
        g_string_append_printf(out, "%s%s", job->newline, indent);
    g_string_append_printf(out, "</%s>", element->name);
}

/* Behind @after, and behind comments that follow it on its line, since they speak of it. */
static gsize
behind_with_comments(const ViommuDomain *domain, const xmlNode *after)
{
    const char *text = domain->text;
    gsize place = model_span(domain, after)->end;
    gsize at = place;

    for (;;) {
        const char *end;

        while (is_blank(text[at]))
            at++;
        if (!g_str_has_prefix(text + at, "<!--"))
            return place;
        end = strstr(text + at + strlen("<!--"), "-->");
        if (!end || memchr(text + at, '\n', (gsize)(end - text) - at))
            return place;
        place = at = (gsize)(end - text) + strlen("-->");
    }
}

/* What must follow a new element so that the text behind it gets a line of its own; NULL: it has
 * one. (transfer full) */
static char *
closing_line(const WriteJob *job, gsize offset, const char *inner, const char *outer)
{
    const char *rest = job->domain->text + offset;

    while (is_blank(*rest))
        rest++;
    if (*rest == '\n' || *rest == '\r')
        return NULL;
    return g_strconcat(job->newline, g_str_has_prefix(rest, "</") ? outer : inner, NULL);
}

static WriteSplice *
place_child(WriteJob *job, const PlanEdit *edit, const char *indent)
{
    const char *text = job->domain->text;
    const ModelSpan *span = model_span(job->domain, edit->node);
    g_autofree char *outer = leading_blanks(text, span->start);
    gsize offset = span->content_end;
    WriteSplice *splice;

    if (span->empty_tag) {
        offset = attributes_end(job->domain, edit->node);
        splice = add_splice(job, WRITE_SPLICE_CHILD, offset, span->end - offset);
        splice->head = g_strdup(">");
        splice->tail = g_strconcat(
            job->newline, outer, "</",
            edit->node->ns && edit->node->ns->prefix ? (const char *)edit->node->ns->prefix : "",
            edit->node->ns && edit->node->ns->prefix ? ":" : "", (const char *)edit->node->name,
            ">", NULL);
        return splice;
    }
    if (edit->after)
        offset = behind_with_comments(job->domain, edit->after);
    else
        while (offset > span->tag_end && is_white(text[offset - 1]))
            offset--;
    splice = add_splice(job, WRITE_SPLICE_CHILD, offset, 0);
    splice->tail = closing_line(job, offset, indent, outer);
    return splice;
}

static void
insert_element(WriteJob *job, const PlanEdit *edit)
{
    g_autofree char *indent = child_indent(job, edit->node, edit->after);
    g_autoptr(GString) text = g_string_new(NULL);
    WriteSplice *splice = place_child(job, edit, indent);

    render(job, edit->element, indent, quote_of(job->domain, job->domain->root), text);
    splice->text = g_string_free(g_steal_pointer(&text), FALSE);
}

void
write_edit_collect(WriteJob *job, const PlanEdit *edit)
{
    switch (edit->kind) {
    case PLAN_EDIT_SET_ATTRIBUTE:
        set_attribute(job, edit);
        break;
    case PLAN_EDIT_REMOVE_ATTRIBUTE:
        remove_attribute(job, edit);
        break;
    case PLAN_EDIT_INSERT:
        insert_element(job, edit);
        break;
    case PLAN_EDIT_REMOVE:
        remove_element(job, edit);
        break;
    }
}
