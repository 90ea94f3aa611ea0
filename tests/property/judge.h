/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What holds for every plan, whatever the host, the domain and the policy. */
#pragma once

#include "plan.h"

typedef struct {
    const ViommuHost *host;
    const ViommuPolicy *policy;
    ViommuTarget target;
} JudgeStack;

/* Plans @before, writes it, and adds to @problems (of char *) what does not hold. @ret_after: what
 * was written; NULL where there is no plan. (transfer full): the plan; NULL: @before is no domain
 */
ViommuPlan *judge_plan(const JudgeStack *stack, const char *before, GPtrArray *problems,
                       char **ret_after);
/* Name of what the plan decided: "none", "nested smmuv3", "shadow intel" and so on */
char *judge_kind(const ViommuPlan *plan);
