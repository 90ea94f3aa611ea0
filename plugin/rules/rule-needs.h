/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to the engine: which facts a rule needs that nobody told us. */
#pragma once

#include "rule.h"

/* The device-level bits of RuleNeeds */
#define RULE_NEEDS_OF_DEVICE                                                                       \
    (RULE_NEEDS_DEVICE | RULE_NEEDS_GROUP | RULE_NEEDS_RESERVED | RULE_NEEDS_UNIT |                \
     RULE_NEEDS_REGISTERS | RULE_NEEDS_CONFIG)

/* Whether @needs can be meant for that device at all: not for a mediated device, not for a
 * network that is resolved at start, and for a function that the host does not have only its
 * being absent. */
gboolean rule_needs_fit(const ViewHostdev *hostdev, guint needs);
/* Appends the paths of what is missing, of char *. */
void rule_needs_of_device(const ViewHostdev *hostdev, guint needs, GPtrArray *missing);
void rule_needs_of_view(const View *view, guint needs, GPtrArray *missing);
/* How to get the fact at @path; lives as long as the host facts */
const char *rule_needs_how(const View *view, const char *path);
