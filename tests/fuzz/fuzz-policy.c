/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * policy-1 documents: one by itself, and behind a NUL one more over it. What is valid alone is
 * valid merged, either way round, and is written as what is read again.
 */
#include "fuzz.h"

#include "policy-read.h"

#include <string.h>

/* NULL: refused */
static BaseJson *
load(const char *text, gsize length)
{
    g_autoptr(ViommuPolicy) policy = policy_new_empty();
    g_autoptr(BaseJson) document = base_json_parse(text, length, "fuzz", NULL);
    g_autoptr(GError) error = NULL;

    if (!document || !policy_read(document, "fuzz", NULL, policy, &error)) {
        g_assert_true(!error || !strchr(error->message, '\n'));
        return NULL;
    }
    return g_steal_pointer(&document);
}

static void
merge(BaseJson *below, BaseJson *over)
{
    g_autoptr(BaseJson) merged = policy_merge(below, over);
    g_autofree char *text = base_json_to_text(merged), *second = NULL;
    g_autoptr(BaseJson) again = load(text, strlen(text));

    if (!again)
        g_error("two policies are valid, and merged they are not:\n%s", text);
    second = base_json_to_text(again);
    g_assert_cmpstr(text, ==, second);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    const char *text = (const char *)data;
    const char *nul = memchr(text, '\0', size);
    gsize length = nul ? (gsize)(nul - text) : size;
    g_autoptr(BaseJson) first = load(text, length), second = NULL;

    if (!first)
        return 0;
    second = nul ? load(nul + 1, size - length - 1) : json_object_get(first);
    if (!second)
        return 0;
    merge(first, second);
    merge(second, first);
    return 0;
}
