/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model-source.h"

#include <string.h>

#include "viommu/viommu-error.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
/* Few of libvirt's test domains have more elements (half of them one in 36 bytes). */
#define BYTES_PER_ELEMENT 32

typedef struct {
    const char *text;
    gsize length, at;
    guint line;
    gsize line_start;
    gsize counted;    /* line breaks before this offset are in @line */
    guint characters; /* from line_start to there */
} Scanner;

static gboolean
looking_at(const Scanner *scanner, const char *what)
{
    gsize length = strlen(what);

    return scanner->length - scanner->at >= length &&
           memcmp(scanner->text + scanner->at, what, length) == 0;
}

/* Moves behind the next @what; FALSE (at the end) when there is none. */
static gboolean
skip_behind(Scanner *scanner, const char *what)
{
    const char *found =
        memmem(scanner->text + scanner->at, scanner->length - scanner->at, what, strlen(what));

    if (!found) {
        scanner->at = scanner->length;
        return FALSE;
    }
    scanner->at = (gsize)(found - scanner->text) + strlen(what);
    return TRUE;
}

/* Brings line, line_start and characters up to @offset. */
static void
count_lines(Scanner *scanner, gsize offset)
{
    const char *end = scanner->text + offset;
    const char *at = scanner->text + scanner->counted;

    if (scanner->counted >= offset)
        return;
    while ((at = memchr(at, '\n', (gsize)(end - at)))) {
        at++;
        scanner->line++;
        scanner->line_start = (gsize)(at - scanner->text);
    }
    if (scanner->counted < scanner->line_start) {
        scanner->counted = scanner->line_start;
        scanner->characters = 0;
    }
    scanner->characters +=
        (guint)g_utf8_strlen(scanner->text + scanner->counted, (gssize)(offset - scanner->counted));
    scanner->counted = offset;
}

static gboolean
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static gboolean
set_parse_error(GError **error, Scanner *scanner, const char *file, const char *what)
{
    count_lines(scanner, scanner->at);
    g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_PARSE, "%s:%u: %s", file, scanner->line, what);
    return FALSE;
}

/* The encoding that the XML declaration names. (transfer full) (nullable) */
static char *
declared_encoding(const Scanner *scanner, gsize end)
{
    g_autofree char *declaration = g_strndup(scanner->text + scanner->at, end - scanner->at);
    const char *value = strstr(declaration, "encoding");

    if (!value)
        return NULL;
    value += strlen("encoding");
    value += strspn(value, " \t\r\n=");
    if (*value != '\'' && *value != '"')
        return NULL;
    return g_strndup(value + 1, strcspn(value + 1, "'\""));
}

static gboolean
check_declaration(Scanner *scanner, const char *file, GError **error)
{
    Scanner behind = *scanner;
    g_autofree char *encoding = NULL;

    if (!looking_at(scanner, "<?xml") || !skip_behind(&behind, "?>"))
        return TRUE;
    encoding = declared_encoding(scanner, behind.at);
    if (!encoding || g_ascii_strcasecmp(encoding, "utf-8") == 0 ||
        g_ascii_strcasecmp(encoding, "utf8") == 0 ||
        g_ascii_strcasecmp(encoding, "us-ascii") == 0 || g_ascii_strcasecmp(encoding, "ascii") == 0)
        return TRUE;
    g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_PARSE,
                "%s:%u: encoding is %.40s; convert the file to UTF-8", file, scanner->line,
                encoding);
    return FALSE;
}

/* Before the root element only white space, comments and processing instructions may stand. A
 * document type is refused before any parser sees it: libvirt has no use for one, and it is the
 * way to entity bombs and external files. */
static gboolean
check_prolog(Scanner *scanner, const char *file, GError **error)
{
    for (;;) {
        Scanner behind;
        gboolean comment;

        while (scanner->at < scanner->length && is_space(scanner->text[scanner->at]))
            scanner->at++;
        if (looking_at(scanner, "<!DOCTYPE"))
            return set_parse_error(error, scanner, file,
                                   "document type declarations are not allowed");
        comment = looking_at(scanner, "<!--");
        behind = *scanner;
        behind.at += comment ? strlen("<!--") : 0;
        if ((!comment && !looking_at(scanner, "<?")) ||
            !skip_behind(&behind, comment ? "-->" : "?>"))
            return TRUE;
        *scanner = behind;
    }
}

static gboolean
looks_like_wide_text(const char *text, gsize length)
{
    if (length < 2)
        return FALSE;
    return memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0 ||
           memcmp(text, "<\0", 2) == 0 || memcmp(text, "\0<", 2) == 0 ||
           (length > 3 && memcmp(text, "\0\0\0<", 4) == 0);
}

/* Nearly every domain is, and is then known to be UTF-8 in a fraction of the time. */
static gboolean
is_ascii(const char *text, gsize length)
{
    char bits = 0;

    for (gsize i = 0; i < length; i++)
        bits |= text[i];
    return !(bits & (char)0x80) && !memchr(text, '\0', length);
}

/* libxml2 2.9.14 compares each attribute of an element with all others. */
#define MAX_ATTRIBUTES 1000
/* No shorter text can hold so many that it matters. */
#define FEW_BYTES 65536

/* Moves behind a start tag, or to where it turns out to be none; FALSE: more attributes than
 * MAX_ATTRIBUTES. */
static gboolean
count_attributes(Scanner *scanner)
{
    guint count = 0;

    for (; scanner->at < scanner->length && scanner->text[scanner->at] != '>'; scanner->at++) {
        char c = scanner->text[scanner->at];

        if (c == '<')
            return TRUE;
        if (c == '=' && ++count > MAX_ATTRIBUTES)
            return FALSE;
        if (c != '"' && c != '\'')
            continue;
        scanner->at++;
        if (!skip_behind(scanner, c == '"' ? "\"" : "'"))
            return TRUE;
        scanner->at--;
    }
    return TRUE;
}

static gboolean
check_attributes(Scanner scanner, const char *file, GError **error)
{
    while (skip_behind(&scanner, "<")) {
        if (looking_at(&scanner, "!--")) {
            skip_behind(&scanner, "-->");
        } else if (looking_at(&scanner, "![CDATA[")) {
            skip_behind(&scanner, "]]>");
        } else if (looking_at(&scanner, "?")) {
            skip_behind(&scanner, "?>");
        } else if (!count_attributes(&scanner)) {
            g_autofree char *what =
                g_strdup_printf("an element with more than %d attributes", MAX_ATTRIBUTES);

            return set_parse_error(error, &scanner, file, what);
        }
    }
    return TRUE;
}

gboolean
model_source_check(const char *text, gsize length, const char *file, GError **error)
{
    Scanner scanner = {.text = text, .length = length, .line = 1};
    const char *bad = NULL;

    if (looks_like_wide_text(text, length))
        return set_parse_error(error, &scanner, file,
                               "UTF-16 or UTF-32; convert the file to UTF-8");
    if (!is_ascii(text, length) && !g_utf8_validate(text, (gssize)length, &bad)) {
        scanner.at = (gsize)(bad - text);
        return set_parse_error(error, &scanner, file,
                               *bad ? "not UTF-8 text; convert the file to UTF-8"
                                    : "not well-formed: null character");
    }
    if (looking_at(&scanner, BYTE_ORDER_MARK))
        scanner.at += strlen(BYTE_ORDER_MARK);
    if (!check_declaration(&scanner, file, error) || !check_prolog(&scanner, file, error))
        return FALSE;
    if (scanner.at == length)
        return set_parse_error(error, &scanner, file, "empty; a <domain> document is needed");
    return length < FEW_BYTES || check_attributes(scanner, file, error);
}

/* The scan proper: what libxml2 took for well-formed is walked again, and each step is checked
 * against its tree, so that no offset is ever attached to the wrong node. */
typedef struct {
    Scanner at;
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
    return is_space(c) || c == '>' || c == '/' || c == '=';
}

static gsize
name_length(const Scanner *scanner)
{
    gsize end = scanner->at;

    while (end < scanner->length && !ends_name(scanner->text[end]))
        end++;
    return end - scanner->at;
}

static gboolean
take(Scanner *scanner, const char *what)
{
    if (!looking_at(scanner, what))
        return FALSE;
    scanner->at += strlen(what);
    return TRUE;
}

/* Whether the name at @from is that of @node, with the prefix that it was written with. The text
 * ends with a zero. */
static gboolean
name_is(const Scanner *from, const xmlNode *node)
{
    Scanner scanner = *from;

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
skip_start_tag(Scanner *scanner, gboolean *ret_empty)
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

    count_lines(&walk->at, span.start);
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
skip_markup(Scanner *scanner, const char *open, const char *close)
{
    scanner->at += strlen(open);
    return skip_behind(scanner, close);
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
        if (looking_at(&walk->at, "<!--"))
            return skip_markup(&walk->at, "<!--", "-->") ? NULL : "comment";
        if (looking_at(&walk->at, "<![CDATA["))
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
            count_lines(&walk.at, walk.at.at);
            g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_PARSE,
                        "%s:%u: elements are nested more than %d deep", file, walk.at.line,
                        MODEL_MAX_DEPTH);
            return NULL;
        }
    }
    if (!wrong && (walk.open || next_in_document(&walk)))
        wrong = "end of the document";
    if (wrong) {
        count_lines(&walk.at, MIN(walk.at.at, length));
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
    Scanner scanner = {.text = domain->text, .length = span->tag_end, .at = *cursor};
    const char *equals, *quote;

    if (scanner.at == 0) {
        scanner.at = span->start + 1;
        scanner.at += name_length(&scanner);
    }
    while (is_space(scanner.text[scanner.at]))
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
