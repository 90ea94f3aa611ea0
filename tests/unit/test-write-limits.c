/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What "limits" says of a domain as it is written: the verdict and the one thing to do. */
#include "write-plan.h"

#include <string.h>

#include "host-read.h"

#define GIB (G_GUINT64_CONSTANT(1) << 30)

typedef struct {
    const char *domain; /* golden case */
    const char *host;
    ViommuProfile profile;
    void (*change)(ViewMemlock *now); /* NULL: none */
    WriteLimitsVerdict verdict;
    const char *to_do; /* begins so; NULL: nothing */
} Row;

static void
others_fit(ViewMemlock *now)
{
    now->others = base_u64(now->libvirt.value - now->pinned.value);
}

static void
others_are_too_many(ViewMemlock *now)
{
    now->others = base_u64(now->libvirt.value - now->pinned.value + 1);
}

static void
libvirt_wants_no_more_than_is_pinned(ViewMemlock *now)
{
    now->libvirt = now->pinned;
}

static void
libvirt_wants_one_byte_more(ViewMemlock *now)
{
    now->libvirt = base_u64(now->pinned.value + 1);
}

static void
daemon_cannot(ViewMemlock *now)
{
    now->can_raise = BASE_NO;
    now->allowed = base_u64(now->libvirt.value - 1);
}

static void
daemon_has_just_enough(ViewMemlock *now)
{
    now->can_raise = BASE_NO;
    now->allowed = now->libvirt;
}

static void
daemon_is_not_known(ViewMemlock *now)
{
    now->can_raise = BASE_UNKNOWN;
}

static void
limit_is_left_alone(ViewMemlock *now)
{
    now->libvirt = base_u64_absent();
    now->allowed = now->pinned;
}

static void
libvirt_is_not_known(ViewMemlock *now)
{
    now->libvirt = (BaseU64){0};
}

static void
places_are_not_known(ViewMemlock *now)
{
    now->pinned = (BaseU64){0};
}

static const Row rows[] = {
    {"memlock-libvirt-low", "xeon", VIOMMU_PROFILE_SYSTEM, NULL, WRITE_LIMITS_LOW,
     "one backend for all devices without a vIOMMU; a newer libvirt; or <hard_limit> of 17 GiB"},
    {"memlock-libvirt-low", "xeon", VIOMMU_PROFILE_KUBEVIRT, NULL, WRITE_LIMITS_LOW,
     "one backend for all devices without a vIOMMU, or a newer libvirt"},
    {"memlock-commandline-viommu", "xeon", VIOMMU_PROFILE_SYSTEM, NULL, WRITE_LIMITS_LOW,
     "<iommu> in place of the argument"},
    {"memlock-hard-limit-low", "xeon", VIOMMU_PROFILE_SYSTEM, NULL, WRITE_LIMITS_LOW,
     "virt-viommu apply"},
    {"memlock-hard-limit-low-ok", "xeon", VIOMMU_PROFILE_SYSTEM, NULL, WRITE_LIMITS_ENOUGH, NULL},
    {"memlock-libvirt-low-ok", "xeon", VIOMMU_PROFILE_SYSTEM, NULL, WRITE_LIMITS_ENOUGH, NULL},
    {"memlock-libvirt-low-ok", "xeon", VIOMMU_PROFILE_SYSTEM, libvirt_wants_no_more_than_is_pinned,
     WRITE_LIMITS_LOW, ""},
    {"memlock-libvirt-low-ok", "xeon", VIOMMU_PROFILE_SYSTEM, libvirt_wants_one_byte_more,
     WRITE_LIMITS_ENOUGH, NULL},
    {"memlock-libvirt-low-ok", "xeon", VIOMMU_PROFILE_SYSTEM, daemon_cannot, WRITE_LIMITS_DAEMON,
     "allow libvirtd "},
    {"memlock-libvirt-low-ok", "xeon", VIOMMU_PROFILE_SESSION, daemon_cannot, WRITE_LIMITS_DAEMON,
     "allow the user "},
    {"memlock-libvirt-low-ok", "xeon", VIOMMU_PROFILE_KUBEVIRT, daemon_cannot, WRITE_LIMITS_DAEMON,
     "allow libvirtd in the pod "},
    {"memlock-libvirt-low-ok", "xeon", VIOMMU_PROFILE_SYSTEM, daemon_has_just_enough,
     WRITE_LIMITS_ENOUGH, NULL},
    {"memlock-libvirt-low-ok", "xeon", VIOMMU_PROFILE_SYSTEM, daemon_is_not_known,
     WRITE_LIMITS_UNKNOWN, "find out what libvirtd may lock"},
    {"memlock-libvirt-low-ok", "xeon", VIOMMU_PROFILE_SYSTEM, limit_is_left_alone, WRITE_LIMITS_LOW,
     ""},
    {"memlock-libvirt-low-ok", "xeon", VIOMMU_PROFILE_SYSTEM, libvirt_is_not_known,
     WRITE_LIMITS_UNKNOWN, "--libvirt-version"},
    {"memlock-libvirt-low-ok", "xeon", VIOMMU_PROFILE_SYSTEM, places_are_not_known,
     WRITE_LIMITS_UNKNOWN, "write the guest <address>"},
    {"memlock-per-user", "lab-x86", VIOMMU_PROFILE_SESSION, NULL, WRITE_LIMITS_UNKNOWN,
     "find out what other domains of this user hold"},
    {"memlock-per-user", "lab-x86", VIOMMU_PROFILE_SESSION, others_fit, WRITE_LIMITS_ENOUGH, NULL},
    {"memlock-per-user", "lab-x86", VIOMMU_PROFILE_SESSION, others_are_too_many, WRITE_LIMITS_LOW,
     "<iommufd fdgroup='NAME'/>"},
};

static void
check_row(const Row *row)
{
    const char *data = g_getenv("VIOMMU_TEST_DATA");
    g_autofree char *file = g_strdup_printf("%s/xml/%s/domain.xml", data, row->domain);
    g_autofree char *facts = g_strdup_printf("%s/host/%s.json", data, row->host);
    g_autofree char *text = NULL, *to_do = NULL;
    ViommuTarget target = {BASE_VERSION(12, 8, 0), BASE_VERSION(11, 1, 2), row->profile};
    g_autoptr(ViommuHost) host = host_json_load(facts, NULL);
    g_autoptr(ViommuDomain) domain = NULL;
    g_autoptr(ViommuPolicy) policy = policy_load(NULL, NULL, NULL);
    g_autoptr(ViommuPlan) plan = NULL;
    g_autoptr(ViewMemlock) now = NULL;
    gsize length = 0;

    g_assert_true(g_file_get_contents(file, &text, &length, NULL));
    domain = model_domain_parse(text, length, file, NULL);
    g_assert_nonnull(host);
    g_assert_nonnull(domain);
    plan = plan_new(host, domain, policy, &target, PLAN_DEFAULT);
    now = view_memlock(plan->view, 0);
    if (row->change)
        row->change(now);
    g_assert_cmpint(write_limits_verdict(plan, now, &to_do), ==, row->verdict);
    if (row->to_do)
        g_assert_true(to_do && g_str_has_prefix(to_do, row->to_do));
    else
        g_assert_null(to_do);
}

static void
test_verdicts(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_test_message("row %u", i);
        check_row(&rows[i]);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/write/limits/verdicts", test_verdicts);
    return g_test_run();
}
