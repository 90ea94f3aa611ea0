/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* limits-1 documents: schemas/limits-1.schema.json */
#include "write-plan.h"

BaseJson *
write_limits_json(const ViommuPlan *plan, const ViewMemlock *now)
{
    BaseJson *root = json_object_new_object();
    g_autofree char *to_do = NULL;
    WriteLimitsVerdict verdict = write_limits_verdict(plan, now, &to_do);

    json_object_object_add(root, "limits", json_object_new_int(1));
    base_json_add_string(root, "domain", plan->domain->name);
    json_object_object_add(root, "now", write_memlock_json(now, NULL));
    json_object_object_add(
        root, "planned",
        plan->valid ? write_memlock_json(plan->memlock, write_memlock_verdict(plan)) : NULL);
    json_object_object_add(root, "pasid", write_pasid_json(plan));
    base_json_add_string(root, "verdict", write_limits_verdict_name(verdict));
    base_json_add_string(root, "to_do", to_do);
    write_actions_json(root, plan);
    return root;
}
