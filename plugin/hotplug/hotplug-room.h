/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of this room share. Private to the room. */
#pragma once

#include "hotplug.h"

Hotplug *hotplug_new(const ViommuDomain *domain, gboolean detach);
void hotplug_refuse(Hotplug *hotplug, const char *rule, const char *would_help, const char *format,
                    ...) G_GNUC_PRINTF(4, 5);
void hotplug_note(Hotplug *hotplug, const char *format, ...) G_GNUC_PRINTF(2, 3);
void hotplug_first(Hotplug *hotplug, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* --- hotplug-device.c --- */

/* The last element of <devices>: where the call above put it */
xmlNode *hotplug_last_device(const ViommuDomain *domain);
const ViewHostdev *hotplug_hostdev_of(const View *view, const xmlNode *node);
/* The device of the domain that is the same function or mediated device of the host, or NULL */
const ViewHostdev *hotplug_find_device(const View *view, const ModelHostdev *wanted);
/* (transfer full): the source text of the element */
char *hotplug_source(const ViommuDomain *domain, const xmlNode *node);
/* Names of the device for the answer: alias, host address */
void hotplug_name_device(Hotplug *hotplug, const ModelHostdev *dev);

/* --- hotplug-room.c: what must be there besides a port --- */

/* Limits before the attach and after it, and what must be raised by hand. */
void hotplug_judge_limits(Hotplug *hotplug, const View *before, const View *after);
/* Whether anything can be plugged or unplugged where the device has its address. */
void hotplug_judge_place(Hotplug *hotplug, const View *view, const ViewHostdev *hostdev);
/* Whether the BARs fit the window of the port. */
void hotplug_judge_window(Hotplug *hotplug, const View *after, const ViewHostdev *hostdev);
