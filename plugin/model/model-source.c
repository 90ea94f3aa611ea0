/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model-source.h"

#include <string.h>

#include "model-scanner.h"
#include "viommu/viommu-error.h"

/* Few of libvirt's test domains have more elements (half of them one in 36 bytes). */
#define BYTES_PER_ELEMENT 32

/* The scan proper: what libxml2 took for well-formed is walked again, and each step is checked
 * against its tree, so that no offset is ever attached to the wrong node. */
typedef struct {
    ModelScanner at;
    xmlDoc *doc;
    xmlNode *previous; /* the element that began last */
    xmlNode *open;     /* innermost element without its end tag yet */
    guint depth;
    GArray *spans;
} Walk;

static xmlNode *
element_from(xmlNode *node)
{
    while (node && node->type != XML_ELEMENT_NODE)
        node = node->next;
    return node;
}

/* The element behind @node in document order. */
static xmlNode *
next_in_document(Walk *walk)
{
    xmlNode *node = walk->previous;
    xmlNode *next;

    if (!node)
        return xmlDocGetRootElement(walk->doc);
    next = element_from(node->children);
    while (!next && node && node->type == XML_ELEMENT_NODE) {
        next = element_from(node->next);
        node = node->parent;
    }
    return next;
}

static gboolean
ends_name(char c)
{
    return model_is_space(c) || c == '>' || c == '/' || c == '=';
}

static gsize
name_length(const ModelScanner *scanner)
{
    gsize end = scanner->at;

    while (end < scanner->length && !ends_name(scanner->text[end]))
        end++;
    return end - scanner->at;
}

static gboolean
take(ModelScanner *scanner, const char *what)
{
    if (!model_looking_at(scanner, what))
        return FALSE;
    scanner->at += strlen(what);
    return TRUE;
}

/* Whether the name at @from is that of @node, with the prefix that it was written with. The text
 * ends with a zero. */
static gboolean
name_is(const ModelScanner *from, const xmlNode *node)
{
    ModelScanner scanner = *from;

    if (node->ns && node->ns->prefix &&
        (!take(&scanner, (const char *)node->ns->prefix) || !take(&scanner, ":")))
        return FALSE;
    return take(&scanner, (const char *)node->name) && ends_name(scanner.text[scanner.at]);
}

/* Without a document type there are no entities but the predefined, so that each value is one
 * piece of text, as model_value() takes it. */
static gboolean
values_are_whole(const xmlNode *node)
{
    for (const xmlAttr *it = node->properties; it; it = it->next)
        if (it->children && (it->children->type != XML_TEXT_NODE || it->children->next))
            return FALSE;
    return TRUE;
}

/* Moves behind the '>' of a start tag; quoted values may hold '>' and '/'. */
static gboolean
skip_start_tag(ModelScanner *scanner, gboolean *ret_empty)
{
    for (; scanner->at < scanner->length; scanner->at++) {
        char c = scanner->text[scanner->at];

        if (c == '"' || c == '\'') {
            const char *quote =
                memchr(scanner->text + scanner->at + 1, c, scanner->length - scanner->at - 1);

            if (!quote)
                return FALSE;
            scanner->at = (gsize)(quote - scanner->text);
        } else if (c == '>') {
            *ret_empty = scanner->text[scanner->at - 1] == '/';
            scanner->at++;
            return TRUE;
        }
    }
    return FALSE;
}

/* NULL: fine; else what does not fit. */
static const char *
walk_start_tag(Walk *walk)
{
    ModelSpan span = {.start = walk->at.at};
    xmlNode *node = next_in_document(walk);

    model_count_lines(&walk->at, span.start);
    span.line = walk->at.line;
    span.column = (guint)(span.start - walk->at.line_start) + 1;
    span.character = walk->at.characters + 1;
    walk->at.at++;
    if (!node || !name_is(&walk->at, node) ||
        node->parent != (walk->open ? walk->open : (xmlNode *)walk->doc))
        return "start tag";
    if (!values_are_whole(node))
        return "attribute";
    if (!skip_start_tag(&walk->at, &span.empty_tag))
        return "end of the start tag";
    span.tag_end = walk->at.at;
    if (span.empty_tag)
        span.content_end = span.end = walk->at.at;
    g_array_append_val(walk->spans, span);
    node->_private = GUINT_TO_POINTER(walk->spans->len);
    walk->previous = node;
    if (!span.empty_tag) {
        walk->open = node;
        walk->depth++;
    }
    return NULL;
}

static const char *
walk_end_tag(Walk *walk)
{
    gsize start = walk->at.at;
    const char *end;
    ModelSpan *span;

    walk->at.at += strlen("</");
    if (!walk->open || !name_is(&walk->at, walk->open))
        return "end tag";
    end = memchr(walk->at.text + walk->at.at, '>', walk->at.length - walk->at.at);
    if (!end)
        return "end tag";
    walk->at.at = (gsize)(end - walk->at.text) + 1;
    span = &g_array_index(walk->spans, ModelSpan, GPOINTER_TO_UINT(walk->open->_private) - 1);
    span->content_end = start;
    span->end = walk->at.at;
    walk->open = walk->open->parent->type == XML_ELEMENT_NODE ? walk->open->parent : NULL;
    walk->depth--;
    return NULL;
}

/* Moves behind markup that begins with @open and ends with the next @close behind that. */
static gboolean
skip_markup(ModelScanner *scanner, const char *open, const char *close)
{
    scanner->at += strlen(open);
    return model_skip_behind(scanner, close);
}

static const char *
walk_markup(Walk *walk)
{
    switch (walk->at.text[walk->at.at + 1]) {
    case '/':
        return walk_end_tag(walk);
    case '?':
        return skip_markup(&walk->at, "<?", "?>") ? NULL : "processing instruction";
    case '!':
        if (model_looking_at(&walk->at, "<!--"))
            return skip_markup(&walk->at, "<!--", "-->") ? NULL : "comment";
        if (model_looking_at(&walk->at, "<![CDATA["))
            return skip_markup(&walk->at, "<![CDATA[", "]]>") ? NULL : "CDATA section";
        return "declaration";
    default:
        return walk_start_tag(walk);
    }
}

GArray *
model_source_scan(const char *text, gsize length, xmlDoc *doc, const char *file, GError **error)
{
    g_autoptr(GArray) spans = g_array_sized_new(FALSE, FALSE, sizeof(ModelSpan),
                                                (guint)(length / BYTES_PER_ELEMENT));
    Walk walk = {.at = {.text = text, .length = length, .line = 1}, .doc = doc, .spans = spans};
    const char *wrong = NULL;

    while (!wrong) {
        const char *tag = memchr(text + walk.at.at, '<', length - walk.at.at);

        if (!tag)
            break;
        walk.at.at = (gsize)(tag - text);
        wrong = walk_markup(&walk);
        if (walk.depth > MODEL_MAX_DEPTH) {
            model_count_lines(&walk.at, walk.at.at);
            g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_PARSE,
                        "%s:%u: elements are nested more than %d deep", file, walk.at.line,
                        MODEL_MAX_DEPTH);
            return NULL;
        }
    }
    if (!wrong && (walk.open || next_in_document(&walk)))
        wrong = "end of the document";
    if (wrong) {
        model_count_lines(&walk.at, MIN(walk.at.at, length));
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_INTERNAL,
                    "%s:%u: the %s does not match the parsed document", file, walk.at.line, wrong);
        return NULL;
    }
    return g_steal_pointer(&spans);
}

const ModelSpan *
model_span(const ViommuDomain *domain, const xmlNode *element)
{
    return &g_array_index(domain->spans, ModelSpan, GPOINTER_TO_UINT(element->_private) - 1);
}

gboolean
model_span_next_attribute(const ViommuDomain *domain, const ModelSpan *span, gsize *cursor,
                          ModelAttributeSpan *ret)
{
    ModelScanner scanner = {.text = domain->text, .length = span->tag_end, .at = *cursor};
    const char *equals, *quote;

    if (scanner.at == 0) {
        scanner.at = span->start + 1;
        scanner.at += name_length(&scanner);
    }
    while (model_is_space(scanner.text[scanner.at]))
        scanner.at++;
    if (scanner.text[scanner.at] == '>' || scanner.text[scanner.at] == '/')
        return FALSE;
    ret->start = scanner.at;
    ret->name_end = scanner.at + name_length(&scanner);
    equals = scanner.text + ret->name_end;
    equals += strcspn(equals, "'\"");
    ret->quote = *equals;
    ret->value = (gsize)(equals - scanner.text) + 1;
    quote = strchr(scanner.text + ret->value, ret->quote);
    ret->value_end = (gsize)(quote - scanner.text);
    *cursor = ret->value_end + 1;
    return TRUE;
}

gboolean
model_span_attribute(const ViommuDomain *domain, const xmlNode *element, const char *name,
                     ModelAttributeSpan *ret)
{
    gsize cursor = 0;

    while (model_span_next_attribute(domain, model_span(domain, element), &cursor, ret)) {
        gsize length = ret->name_end - ret->start;

        if (strlen(name) == length && memcmp(domain->text + ret->start, name, length) == 0)
            return TRUE;
    }
    return FALSE;
}
