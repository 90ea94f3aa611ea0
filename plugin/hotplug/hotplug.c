/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hotplug-room.h"

#include <stdarg.h>

#include "base-text.h"

static void
free_reason(gpointer data)
{
    HotplugReason *reason = data;

    g_free(reason->text);
    g_free(reason->would_help);
    g_free(reason);
}

Hotplug *
hotplug_new(const ViommuDomain *domain, gboolean detach)
{
    Hotplug *hotplug = g_new0(Hotplug, 1);

    hotplug->refs = 1;
    hotplug->detach = detach;
    hotplug->domain = g_strdup(domain->name);
    hotplug->first = g_ptr_array_new_with_free_func(g_free);
    hotplug->reasons = g_ptr_array_new_with_free_func(free_reason);
    hotplug->notes = g_ptr_array_new_with_free_func(g_free);
    return hotplug;
}

Hotplug *
hotplug_ref(Hotplug *hotplug)
{
    g_atomic_int_inc(&hotplug->refs);
    return hotplug;
}

void
hotplug_unref(Hotplug *hotplug)
{
    if (!hotplug || !g_atomic_int_dec_and_test(&hotplug->refs))
        return;
    g_free(hotplug->domain);
    g_free(hotplug->alias);
    g_free(hotplug->address);
    g_free(hotplug->where);
    g_free(hotplug->xml);
    g_ptr_array_unref(hotplug->first);
    g_ptr_array_unref(hotplug->reasons);
    g_ptr_array_unref(hotplug->notes);
    g_free(hotplug);
}

void
hotplug_refuse(Hotplug *hotplug, const char *rule, const char *would_help, const char *format, ...)
{
    g_autofree char *text = NULL;
    HotplugReason *reason;
    va_list args;

    va_start(args, format);
    text = base_one_line(g_strdup_vprintf(format, args));
    va_end(args);
    /* several modes may fall for one reason */
    for (guint i = 0; i < hotplug->reasons->len; i++) {
        const HotplugReason *told = hotplug->reasons->pdata[i];

        if (g_str_equal(told->text, text))
            return;
    }
    reason = g_new0(HotplugReason, 1);
    reason->text = g_steal_pointer(&text);
    reason->rule = rule;
    reason->would_help = g_strdup(would_help);
    g_ptr_array_add(hotplug->reasons, reason);
}

void
hotplug_note(Hotplug *hotplug, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_ptr_array_add(hotplug->notes, g_strdup_vprintf(format, args));
    va_end(args);
}

void
hotplug_first(Hotplug *hotplug, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_ptr_array_add(hotplug->first, g_strdup_vprintf(format, args));
    va_end(args);
}
