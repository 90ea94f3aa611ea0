/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers, versions and sizes as people and tools write them. */
#pragma once

#include <glib.h>

/* Whole-string unsigned number; @base 0 takes 0x… and decimal. Sign, blank, overflow: FALSE. */
gboolean base_parse_u64(const char *text, guint base, guint64 *ret);
/* The same as libvirt reads an XML attribute (virStrToLong_ullp, 11.3, src/util/virstring.c:217):
 * blanks before it and a plus are no matter. */
gboolean base_parse_loose_u64(const char *text, guint base, guint64 *ret);

/* "0x" with 1 to 16 digits, after blanks and before a blank or the end of the line; *cursor moves
 * behind them. Else FALSE, and *cursor is anywhere. */
gboolean base_take_hex(const char **cursor, guint64 *ret);

/* "12.8.0", "12.8", "11.1.2+ds-3" or "7.2.13-lab": leading numbers count, at least major.minor. */
gboolean base_parse_version(const char *text, guint64 *ret);
/* (transfer full): "12.8.0" */
char *base_format_version(guint64 version);
#define BASE_VERSION(major, minor, micro)                                                          \
    ((guint64)(major)*1000000 + (guint64)(minor)*1000 + (guint64)(micro))

/* "600GiB", "64 KiB", "4096", "90%"; a percentage is of @whole (0: percentages are refused). */
gboolean base_parse_size(const char *text, guint64 whole, guint64 *ret);
/* (transfer full): the largest binary unit that needs at most two decimals: "97 GiB", "1.5 MiB" */
char *base_format_size(guint64 bytes);

/* (transfer full): @text, which it takes, as a message can hold it: in one line of at most
 * BASE_LINE_MAX bytes, and without characters that move a terminal's cursor. What somebody else
 * wrote may have any of these. */
char *base_one_line(char *text);
#define BASE_LINE_MAX 2000

/* a * b and a + b that stop at G_MAXUINT64 instead of wrapping */
guint64 base_saturating_mul(guint64 a, guint64 b);
guint64 base_saturating_add(guint64 a, guint64 b);

/* The entry of @words nearest to @word by edit distance, ignoring case; NULL when none is near
 * enough to be a likely misspelling. @words ends with NULL. */
const char *base_nearest(const char *word, const char *const *words);
