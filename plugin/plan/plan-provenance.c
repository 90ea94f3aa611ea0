/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What we leave in <metadata>: the policy's name and a digest of the decisions, so that a later
 * run knows that they are ours and whether they are still the same. No version and no time: they
 * would change a file in which nothing changed.
 */
#include "plan-room.h"

#include "plan-edit.h"

static void
add_device(GString *decisions, const PlanDevice *device)
{
    const ModelHostdev *dev = device->hostdev->dev;
    g_autofree char *address = dev->host_known ? base_pci_format(dev->host) : NULL;

    g_string_append_printf(decisions, "device %s %s %s",
                           address ? address : (dev->mdev_uuid ? dev->mdev_uuid : "?"),
                           policy_usage_name(device->usage), policy_mode_name(device->mode));
    if (base_u64_is_known(device->pasid_bits))
        g_string_append_printf(decisions, " %" G_GUINT64_FORMAT, device->pasid_bits.value);
    g_string_append_c(decisions, '\n');
}

/* Values of attributes are not in it: those that are kept are not decisions of ours. */
static char *
digest_of(const ViommuPlan *plan)
{
    g_autoptr(GString) decisions = g_string_new(NULL);

    for (guint i = 0; i < plan->devices->len; i++)
        add_device(decisions, plan->devices->pdata[i]);
    for (guint i = 0; i < plan->iommus->len; i++) {
        const PlanIommu *iommu = plan->iommus->pdata[i];

        g_string_append_printf(decisions, "viommu %d %s\n", (int)iommu->model,
                               policy_mode_name(iommu->mode));
    }
    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, decisions->str, -1);
}

static xmlNode *
metadata_anchor(const ViommuDomain *domain)
{
    static const char *const before[] = {"description", "title", "genid", "uuid", "name"};

    for (guint i = 0; i < G_N_ELEMENTS(before); i++) {
        xmlNode *node = model_child(domain->root, before[i]);

        if (node)
            return node;
    }
    return NULL;
}

static PlanSpot
spot_of(PlanWork *work, PlanWhy why)
{
    PlanSpot metadata, spot;

    if (work->domain->plan_node)
        return plan_spot(work->domain->plan_node);
    metadata = plan_spot_child(work->plan, plan_spot(work->domain->root), "metadata",
                               metadata_anchor(work->domain), why);
    spot = plan_spot_add(work->plan, metadata, "viommu-plan:plan", NULL, why);
    plan_spot_set(work->plan, spot, "xmlns:viommu-plan", MODEL_PLAN_NAMESPACE, why);
    return spot;
}

void
plan_provenance(PlanWork *work)
{
    PlanWhy why = {"a later run knows by this what was planned, and by which policy", NULL};
    ViommuPlan *plan = work->plan;
    PlanSpot spot;

    g_free(plan->digest);
    plan->digest = digest_of(plan);
    if (plan->edits->len == 0 || work->live || work->anonymous)
        return;
    spot = spot_of(work, why);
    plan_spot_set(plan, spot, "policy", work->policy->name, why);
    plan_spot_set(plan, spot, "digest", plan->digest, why);
}
