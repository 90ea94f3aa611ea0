/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The work of one call, in a process that may be killed at any time. */
#pragma once

#include "hook-call.h"

/* What the worker says on its pipe, a letter and a line each: */
#define HOOK_SAYS_LIMIT 'L' /* milliseconds that the policy gives the whole hook */
#define HOOK_SAYS_VETO  'V' /* the line for who starts the domain */
#define HOOK_SAYS_DONE  'D' /* nothing to say against it */

/* Does it, and ends with HOOK_SAYS_VETO or HOOK_SAYS_DONE on @pipe. */
void hook_work(const HookCall *call, int pipe);
