/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A user of the installed library: checks and plans one domain. Prints nothing when all is well. */
#include <viommu/viommu.h>

#include <stdio.h>

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ViommuHost) host = viommu_host_new_none();
    g_autoptr(ViommuPolicy) policy = viommu_policy_load("default", &error);
    g_autoptr(ViommuDomain) domain = NULL;
    g_autoptr(ViommuReport) report = NULL;
    g_autoptr(ViommuPlan) plan = NULL;

    if (policy && argc == 2)
        domain = viommu_domain_new_from_file(argv[1], &error);
    if (!domain) {
        fprintf(stderr, "%s\n", error ? error->message : "usage: user DOMAIN.xml");
        return 1;
    }
    if (!VIOMMU_CHECK_VERSION(0, 1, 0) || !g_str_equal(viommu_version(), VIOMMU_VERSION_STRING))
        return 2;
    report = viommu_check(host, domain, policy, NULL);
    plan = viommu_plan_new(host, domain, policy, NULL, VIOMMU_PLAN_DEFAULT);
    return viommu_report_get_length(report) > 0 && plan ? 0 : 3;
}
