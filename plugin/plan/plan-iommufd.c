/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The iommufd backend of assigned devices. */
#include "plan-room.h"

#include "plan-edit.h"

gboolean
plan_check_per_user(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike)
{
    static const char rule[] = "memlock-per-user";

    (void)hostdev;
    if (!view_would_count_per_user(work->view) || !plan_policy_forbids(work, rule))
        return FALSE;
    return plan_strike(strike, rule, rule_find(rule)->remedy,
                       "it needs iommufd, by which the kernel adds up the memory of all domains of "
                       "this user, and the policy forbids that");
}

void
plan_iommufd_write(PlanWork *work, const PlanDevice *device, const char *because, const char *rule)
{
    PlanWhy why = {because, rule};
    const ModelHostdev *dev = device->hostdev->dev;
    PlanSpot driver;

    /* what is plugged in says so itself: the default of the domain may change */
    if (dev->iommufd == BASE_YES && (!work->live || dev->iommufd_written))
        return;
    driver = plan_spot_child(work->plan, plan_spot(dev->node), "driver",
                             model_child(dev->node, "source"), why);
    plan_spot_set(work->plan, driver, "name", "vfio", why);
    plan_spot_set(work->plan, driver, "iommufd", "yes", why);
}

void
plan_iommufd_write_default(PlanWork *work, const char *because, const char *rule)
{
    PlanWhy why = {because, rule};
    PlanSpot spot;

    if (work->spares == 0 || work->domain->iommufd_enabled != BASE_UNKNOWN)
        return;
    for (guint i = 0; i < work->plan->devices->len; i++) {
        const PlanDevice *device = work->plan->devices->pdata[i];

        if (device->mode != VIOMMU_MODE_NESTED && !device->hostdev->dev->iommufd_written) {
            plan_note(work, "a device that is plugged in behind a vSMMU needs "
                            "<driver name='vfio' iommufd='yes'/> in its XML");
            return;
        }
    }
    spot = plan_spot_child(work->plan, plan_spot(work->domain->root), "iommufd",
                           model_child(work->domain->root, "vcpu"), why);
    plan_spot_set(work->plan, spot, "enabled", "yes", why);
}
