/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A user of libviommu: what is wrong with a domain on a host, and what would mend it.
 *
 *   cc library.c -o library $(pkg-config --cflags --libs libviommu)
 *   ./library examples/domains/gpu-q35.xml examples/hosts/xeon.json
 */
#include <viommu/viommu.h>

#include <stdio.h>
#include <stdlib.h>

/* Unknown is not a pass: who cares about a start looks at both. */
static guint
print_findings(const ViommuReport *report)
{
    guint open = 0;

    for (guint i = 0; i < viommu_report_get_length(report); i++) {
        ViommuOutcome outcome = viommu_report_get_outcome(report, i);
        const char *help = viommu_report_get_help(report, i);

        if (outcome != VIOMMU_OUTCOME_FAIL && outcome != VIOMMU_OUTCOME_UNKNOWN)
            continue;
        open++;
        printf("line %u: [%s] %s%s%s\n", viommu_report_get_line(report, i),
               viommu_report_get_rule(report, i), viommu_report_get_message(report, i),
               help ? "; help: " : "", help ? help : "");
    }
    return open;
}

/* FALSE: there is no plan, and why was said */
static gboolean
print_changes(const ViommuPlan *plan)
{
    g_autofree char *diff = NULL, *reasons = NULL;

    if (!viommu_plan_is_valid(plan)) {
        reasons = viommu_plan_render(plan, VIOMMU_RENDER_DEFAULT, 80);
        fputs(reasons, stderr);
        return FALSE;
    }
    diff = viommu_plan_diff(plan, NULL);
    fputs(diff, stdout);
    return TRUE;
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ViommuHost) host = NULL;
    g_autoptr(ViommuDomain) domain = NULL;
    g_autoptr(ViommuPolicy) policy = NULL;
    g_autoptr(ViommuReport) report = NULL;
    g_autoptr(ViommuPlan) plan = NULL;

    if (argc != 2 && argc != 3) {
        fputs("usage: library DOMAIN.xml [HOST.json]\n", stderr);
        return EXIT_FAILURE;
    }
    /* the site's policy, over the shipped default */
    policy = viommu_policy_load(NULL, &error);
    if (policy)
        domain = viommu_domain_new_from_file(argv[1], &error);
    if (domain)
        host = argc == 3 ? viommu_host_new_from_file(argv[2], &error)
                         : viommu_host_new_live(VIOMMU_HOST_DEFAULT, &error);
    if (!host) {
        fprintf(stderr, "%s\n", error->message);
        return EXIT_FAILURE;
    }
    report = viommu_check(host, domain, policy, NULL);
    if (print_findings(report) == 0)
        return EXIT_SUCCESS;
    plan = viommu_plan_new(host, domain, policy, NULL, VIOMMU_PLAN_DEFAULT);
    return print_changes(plan) ? EXIT_SUCCESS : EXIT_FAILURE;
}
