/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base-text.h"

#include <errno.h>
#include <string.h>

/* As strtoull() tells it: 0 is told by the text, "0x" may stand before 16. */
static const char *
skip_prefix(const char *text, guint *base)
{
    gboolean hex = text[0] == '0' && (text[1] | 0x20) == 'x';

    if (hex && (*base == 0 || *base == 16)) {
        *base = 16;
        return text + 2;
    }
    if (*base == 0)
        *base = text[0] == '0' ? 8 : 10;
    return text;
}

/* A domain has hundreds of numbers, and strtoull() asks the locale about each of them. */
gboolean
base_parse_u64(const char *text, guint base, guint64 *ret)
{
    guint64 value = 0;

    if (!text)
        return FALSE;
    text = skip_prefix(text, &base);
    if (!*text)
        return FALSE;
    for (; *text; text++) {
        gint digit = g_ascii_xdigit_value(*text);

        if (digit < 0 || digit >= (gint)base || value > (G_MAXUINT64 - (guint)digit) / base)
            return FALSE;
        value = value * base + (guint)digit;
    }
    *ret = value;
    return TRUE;
}

gboolean
base_take_hex(const char **cursor, guint64 *ret)
{
    const char *c = *cursor + strspn(*cursor, " \t");
    guint64 value = 0;
    guint digits = 0;

    if (c[0] != '0' || c[1] != 'x')
        return FALSE;
    /* a host has some twenty such words for each function: no call for each digit */
    for (c += 2; g_ascii_isxdigit(*c) && digits <= 16; c++, digits++)
        value = value << 4 | (guint64)(*c <= '9' ? *c - '0' : (*c | 0x20) - 'a' + 10);
    *cursor = c;
    *ret = value;
    return digits > 0 && digits <= 16 && (!*c || g_ascii_isspace(*c));
}

gboolean
base_parse_loose_u64(const char *text, guint base, guint64 *ret)
{
    while (text && g_ascii_isspace(*text))
        text++;
    return base_parse_u64(text && *text == '+' ? text + 1 : text, base, ret);
}

gboolean
base_parse_version(const char *text, guint64 *ret)
{
    guint64 part[3] = {0, 0, 0};
    guint count = 0;

    while (text && count < G_N_ELEMENTS(part) && g_ascii_isdigit(*text)) {
        char *end = NULL;

        part[count] = g_ascii_strtoull(text, &end, 10);
        if (part[count++] > 999)
            return FALSE;
        text = *end == '.' ? end + 1 : "";
    }
    if (count < 2)
        return FALSE;
    *ret = BASE_VERSION(part[0], part[1], part[2]);
    return TRUE;
}

char *
base_format_version(guint64 version)
{
    return g_strdup_printf("%" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT,
                           version / 1000000, version / 1000 % 1000, version % 1000);
}

static const struct {
    const char *name;
    guint shift;
} units[] = {{"", 0}, {"B", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}, {"PiB", 50}};

gboolean
base_parse_size(const char *text, guint64 whole, guint64 *ret)
{
    char *end = NULL;
    guint64 value;

    if (!text || !g_ascii_isdigit(*text))
        return FALSE;
    errno = 0;
    value = g_ascii_strtoull(text, &end, 10);
    if (errno)
        return FALSE;
    if (strcmp(end, "%") == 0) {
        if (whole == 0 || value > 100)
            return FALSE;
        *ret = whole / 100 * value + whole % 100 * value / 100;
        return TRUE;
    }
    while (*end == ' ')
        end++;
    for (guint i = 0; i < G_N_ELEMENTS(units); i++) {
        if (strcmp(end, units[i].name) != 0)
            continue;
        if (value > G_MAXUINT64 >> units[i].shift)
            return FALSE;
        *ret = value << units[i].shift;
        return TRUE;
    }
    return FALSE;
}

char *
base_format_size(guint64 bytes)
{
    for (guint i = G_N_ELEMENTS(units) - 1; i > 1; i--) {
        guint64 unit = G_GUINT64_CONSTANT(1) << units[i].shift;
        guint64 hundredths;

        if (bytes < unit || (bytes % unit) % (unit / 1024) != 0)
            continue;
        if (bytes % unit == 0)
            return g_strdup_printf("%" G_GUINT64_FORMAT " %s", bytes / unit, units[i].name);
        hundredths = (bytes % unit) / (unit / 1024) * 100;
        if (hundredths % 1024 != 0)
            continue;
        hundredths /= 1024;
        return g_strdup_printf("%" G_GUINT64_FORMAT ".%0*" G_GUINT64_FORMAT " %s", bytes / unit,
                               hundredths % 10 ? 2 : 1,
                               hundredths % 10 ? hundredths : hundredths / 10, units[i].name);
    }
    return g_strdup_printf("%" G_GUINT64_FORMAT " B", bytes);
}

guint64
base_saturating_mul(guint64 a, guint64 b)
{
    return a != 0 && b > G_MAXUINT64 / a ? G_MAXUINT64 : a * b;
}

guint64
base_saturating_add(guint64 a, guint64 b)
{
    return b > G_MAXUINT64 - a ? G_MAXUINT64 : a + b;
}

/* Levenshtein distance of two short words, letter case ignored. */
static guint
edit_distance(const char *a, const char *b)
{
    gsize length = strlen(b);
    g_autofree guint *row = g_new(guint, length + 1);

    for (gsize j = 0; j <= length; j++)
        row[j] = (guint)j;
    for (gsize i = 0; a[i]; i++) {
        guint diagonal = row[0];

        row[0] = (guint)i + 1;
        for (gsize j = 0; j < length; j++) {
            guint change = diagonal + (g_ascii_tolower(a[i]) != g_ascii_tolower(b[j]));
            guint best = MIN(change, MIN(row[j], row[j + 1]) + 1);

            diagonal = row[j + 1];
            row[j + 1] = best;
        }
    }
    return row[length];
}

const char *
base_nearest(const char *word, const char *const *words)
{
    const char *nearest = NULL;
    guint limit;
    gsize length = strlen(word);

    if (length > 64)
        return NULL;
    limit = (guint)length / 3 + 1;
    for (; *words; words++) {
        guint distance = edit_distance(word, *words);

        if (distance < limit) {
            limit = distance;
            nearest = *words;
        }
    }
    return nearest;
}

/* Whether a terminal shows the character instead of doing something */
static gboolean
is_harmless(gunichar c)
{
    GUnicodeType type = g_unichar_type(c);

    return type != G_UNICODE_CONTROL && type != G_UNICODE_LINE_SEPARATOR &&
           type != G_UNICODE_PARAGRAPH_SEPARATOR;
}

char *
base_one_line(char *text)
{
    const gsize longest = 4; /* bytes of a character */
    GString *out;

    if (!text)
        return NULL;
    out = g_string_new(NULL);
    for (const char *at = text, *next; *at; at = next) {
        gunichar c = g_utf8_get_char_validated(at, -1);
        gboolean whole = g_unichar_validate(c);

        next = whole ? g_utf8_next_char(at) : at + 1;
        if (out->len + longest + strlen("…") > BASE_LINE_MAX) {
            g_string_append(out, "…");
            break;
        }
        if (whole && is_harmless(c))
            g_string_append_len(out, at, next - at);
        else
            g_string_append(out, "�");
    }
    g_free(text);
    return g_string_free(out, FALSE);
}
