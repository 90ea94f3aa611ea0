/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values that may be unknown. Zero-initialised memory is "unknown" for each of them. */
#pragma once

#include <glib.h>

typedef enum {
    BASE_UNKNOWN = 0, /* nobody told us */
    BASE_NO,
    BASE_YES,
} BaseTri;

typedef enum {
    BASE_STATE_UNKNOWN = 0, /* nobody told us; JSON: member missing */
    BASE_STATE_ABSENT,      /* known not to be there; JSON: null */
    BASE_STATE_KNOWN,
} BaseState;

typedef struct {
    BaseState state;
    guint64 value; /* meaningful only in state KNOWN */
} BaseU64;

typedef struct {
    BaseState state;
    char *text; /* owned; non-NULL only in state KNOWN */
} BaseText;

static inline BaseTri
base_tri(gboolean value)
{
    return value ? BASE_YES : BASE_NO;
}

static inline BaseU64
base_u64(guint64 value)
{
    return (BaseU64){BASE_STATE_KNOWN, value};
}

static inline BaseU64
base_u64_absent(void)
{
    return (BaseU64){BASE_STATE_ABSENT, 0};
}

static inline gboolean
base_u64_is_known(BaseU64 number)
{
    return number.state == BASE_STATE_KNOWN;
}

/* Bits high..low of @value, both inclusive, right-aligned. */
static inline guint64
base_bits(guint64 value, guint high, guint low)
{
    guint64 width = high - low + 1;
    guint64 mask = width >= 64 ? G_MAXUINT64 : (G_GUINT64_CONSTANT(1) << width) - 1;

    return (value >> low) & mask;
}
