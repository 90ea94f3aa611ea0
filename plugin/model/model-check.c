/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is refused before any parser sees it. */
#include "model-source.h"

#include <string.h>

#include "model-scanner.h"
#include "viommu/viommu-error.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
/* libxml2 2.9.14 compares each attribute of an element with all others. */
#define MAX_ATTRIBUTES 1000
/* No shorter text can hold so many that it matters. */
#define FEW_BYTES 65536

static gboolean
set_parse_error(GError **error, ModelScanner *scanner, const char *file, const char *what)
{
    model_count_lines(scanner, scanner->at);
    g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_PARSE, "%s:%u: %s", file, scanner->line, what);
    return FALSE;
}

/* The encoding that the XML declaration names. (transfer full) (nullable) */
static char *
declared_encoding(const ModelScanner *scanner, gsize end)
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
check_declaration(ModelScanner *scanner, const char *file, GError **error)
{
    ModelScanner behind = *scanner;
    g_autofree char *encoding = NULL;

    if (!model_looking_at(scanner, "<?xml") || !model_skip_behind(&behind, "?>"))
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
check_prolog(ModelScanner *scanner, const char *file, GError **error)
{
    for (;;) {
        ModelScanner behind;
        gboolean comment;

        while (scanner->at < scanner->length && model_is_space(scanner->text[scanner->at]))
            scanner->at++;
        if (model_looking_at(scanner, "<!DOCTYPE"))
            return set_parse_error(error, scanner, file,
                                   "document type declarations are not allowed");
        comment = model_looking_at(scanner, "<!--");
        behind = *scanner;
        behind.at += comment ? strlen("<!--") : 0;
        if ((!comment && !model_looking_at(scanner, "<?")) ||
            !model_skip_behind(&behind, comment ? "-->" : "?>"))
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

/* Moves behind a start tag, or to where it turns out to be none; FALSE: more attributes than
 * MAX_ATTRIBUTES. */
static gboolean
count_attributes(ModelScanner *scanner)
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
        if (!model_skip_behind(scanner, c == '"' ? "\"" : "'"))
            return TRUE;
        scanner->at--;
    }
    return TRUE;
}

static gboolean
check_attributes(ModelScanner scanner, const char *file, GError **error)
{
    while (model_skip_behind(&scanner, "<")) {
        if (model_looking_at(&scanner, "!--")) {
            model_skip_behind(&scanner, "-->");
        } else if (model_looking_at(&scanner, "![CDATA[")) {
            model_skip_behind(&scanner, "]]>");
        } else if (model_looking_at(&scanner, "?")) {
            model_skip_behind(&scanner, "?>");
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
    ModelScanner scanner = {.text = text, .length = length, .line = 1};
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
    if (model_looking_at(&scanner, BYTE_ORDER_MARK))
        scanner.at += strlen(BYTE_ORDER_MARK);
    if (!check_declaration(&scanner, file, error) || !check_prolog(&scanner, file, error))
        return FALSE;
    if (scanner.at == length)
        return set_parse_error(error, &scanner, file, "empty; a <domain> document is needed");
    return length < FEW_BYTES || check_attributes(scanner, file, error);
}
