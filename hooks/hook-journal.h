/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages to the journal, or to syslog where there is none. syslog(3) and GLib's journal writer
 * send on a blocking socket: behind a logger that hangs they would hang the start of a domain, so
 * this sends what can be sent at once and drops the rest. It also keeps libsystemd out.
 */
#pragma once

#include "hook-call.h"

/* As in syslog(3) */
typedef enum {
    HOOK_ERROR = 3,
    HOOK_WARNING = 4,
    HOOK_NOTICE = 5,
    HOOK_INFO = 6,
} HookPriority;

/* @rule and @device (both nullable) become fields of the journal's entry. */
void hook_journal(const HookCall *call, HookPriority priority, const char *rule, const char *device,
                  const char *format, ...) G_GNUC_PRINTF(5, 6);
