/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What plan and limits share. Private to the room. */
#pragma once

#include "write.h"

/* (transfer full) (nullable): "0000:65:00.0", or the UUID of a mediated device */
char *write_hostdev_address(const ViewHostdev *hostdev);
/* (transfer full): @write is what the plan writes about it, NULL: leave the member out */
BaseJson *write_memlock_json(const ViewMemlock *memlock, const char *write);
BaseJson *write_pasid_json(const ViommuPlan *plan);
void write_actions_json(BaseJson *root, const ViommuPlan *plan);
/* "nothing", or the element that the plan writes about locked memory */
const char *write_memlock_verdict(const ViommuPlan *plan);
/* The lines about locked memory, each behind a label of @column columns. */
void write_memlock_text(const ViommuPlan *plan, const WriteStyle *style, guint column,
                        GString *out);
/* Devices to attach after the start, where that was asked for: as a member, and for people. */
void write_order_json(BaseJson *root, const ViommuPlan *plan);
void write_order_text(const ViommuPlan *plan, const WriteStyle *style, guint column, GString *out);
/* "vm1  (libvirt 12.8.0, QEMU 11.1.2, host g7, policy default)", on more lines where that is wider
 * than the terminal */
void write_plan_title(const ViommuPlan *plan, const WriteStyle *style, GString *out);

/* Of a domain as it is written */
typedef enum {
    WRITE_LIMITS_ENOUGH,
    WRITE_LIMITS_LOW,     /* what libvirt sets is no more than what will be pinned */
    WRITE_LIMITS_DAEMON,  /* it would be, but the daemon may not set it */
    WRITE_LIMITS_UNKNOWN, /* a figure is missing */
} WriteLimitsVerdict;

/* @ret_to_do (transfer full): the one thing to do; NULL where there is enough */
WriteLimitsVerdict write_limits_verdict(const ViommuPlan *plan, const ViewMemlock *now,
                                        char **ret_to_do);
/* "enough", "too-low", "daemon-cannot-raise", "unknown" */
const char *write_limits_verdict_name(WriteLimitsVerdict verdict);
