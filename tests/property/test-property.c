/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plans of generated domains on generated hosts. VIOMMU_TEST_COUNT of them from VIOMMU_TEST_SEED
 * on; what fails is told with its number and, with VIOMMU_TEST_KEEP, left in that folder. With
 * VIOMMU_TEST_WRITE domains that have something to plan are left in that one.
 */
#include "judge.h"
#include "random.h"

#include <glib/gstdio.h>

#include "base-text.h"
#include "host-read.h"

#define COUNT         2500
#define MOST_REPORTED 30

typedef struct {
    const GPtrArray *hosts;
    const char *folder; /* for the policy */
    GHashTable *kinds;  /* name -> number */
    guint broken;
    guint64 seed;
    const char *host_text, *policy_text; /* of this seed */
} Run;

static guint64
number_from(const char *name, guint64 otherwise)
{
    guint64 number = otherwise;

    if (g_getenv(name) && !base_parse_u64(g_getenv(name), 10, &number))
        g_error("%s=%s is no number", name, g_getenv(name));
    return number;
}

static ViommuTarget
random_target(GRand *random)
{
    static const struct {
        guint64 libvirt, qemu;
    } versions[] = {
        {BASE_VERSION(9, 0, 0), BASE_VERSION(7, 2, 0)},
        {BASE_VERSION(10, 10, 0), BASE_VERSION(9, 2, 0)},
        {BASE_VERSION(11, 9, 0), BASE_VERSION(10, 1, 0)},
        {BASE_VERSION(12, 1, 0), BASE_VERSION(11, 0, 0)},
    };
    guint which = (guint)g_rand_int_range(random, 0, 16);
    ViommuTarget target = {
        .profile = (ViommuProfile)(random_chance(random, 70) ? 0 : g_rand_int_range(random, 0, 4))};

    if (which < G_N_ELEMENTS(versions)) {
        target.libvirt = versions[which].libvirt;
        target.qemu = versions[which].qemu;
    } else if (which < 14) {
        target.libvirt = BASE_VERSION(12, 8, 0);
        target.qemu = BASE_VERSION(11, 1, 2);
    } /* else what the host has */
    return target;
}

static void
keep(const Run *run, const char *name, const char *text)
{
    const char *folder = g_getenv("VIOMMU_TEST_KEEP");
    g_autofree char *file = g_strdup_printf("%" G_GUINT64_FORMAT ".%s", run->seed, name);
    g_autofree char *path = folder ? g_build_filename(folder, file, NULL) : NULL;

    if (path && text && !g_file_set_contents(path, text, -1, NULL))
        g_test_message("%s cannot be written", path);
}

static void
tell(Run *run, const JudgeStack *stack, const GPtrArray *problems, const char *before,
     const char *after)
{
    g_autofree char *libvirt = base_format_version(stack->target.libvirt);
    g_autofree char *qemu = base_format_version(stack->target.qemu);

    if (problems->len == 0)
        return;
    run->broken++;
    g_test_fail();
    if (run->broken > MOST_REPORTED)
        return;
    g_test_message("VIOMMU_TEST_SEED=%" G_GUINT64_FORMAT " (libvirt %s, QEMU %s, profile %d):",
                   run->seed, libvirt, qemu, (int)stack->target.profile);
    for (guint i = 0; i < problems->len; i++)
        g_test_message("  %s", (const char *)problems->pdata[i]);
    keep(run, "xml", before);
    keep(run, "after.xml", after);
}

/* For tests that hold plans against a real libvirt: domains for which there is something to write,
 * with their host and policy */
static void
hand_out(const Run *run, const ViommuPlan *plan, const char *domain, guint depth)
{
    const char *folder = g_getenv("VIOMMU_TEST_WRITE");
    g_autofree char *name = g_strdup_printf("%" G_GUINT64_FORMAT "-%u", run->seed, depth);
    const struct {
        const char *suffix, *text;
    } files[] = {{"xml", domain}, {"host.json", run->host_text}, {"policy.json", run->policy_text}};

    if (!folder || !plan || !plan->valid || plan->edits->len == 0 || plan->devices->len == 0)
        return;
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_strdup_printf("%s/%s.%s", folder, name, files[i].suffix);

        if (!g_file_set_contents(path, files[i].text, -1, NULL))
            g_error("%s cannot be written", path);
    }
}

/* One domain, and what was planned for it with something broken */
static void
one(Run *run, GRand *random, const JudgeStack *stack, const char *domain, guint depth)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *after = NULL;
    g_autofree char *damaged = NULL;
    g_autofree char *kind = NULL;
    g_autoptr(ViommuPlan) plan = judge_plan(stack, domain, problems, &after);

    kind = plan ? judge_kind(plan) : g_strdup("no domain");
    g_hash_table_insert(
        run->kinds, g_strdup(kind),
        GUINT_TO_POINTER(GPOINTER_TO_UINT(g_hash_table_lookup(run->kinds, kind)) + 1));
    tell(run, stack, problems, domain, after);
    hand_out(run, plan, domain, depth);
    damaged = after && depth > 0 && problems->len == 0 ? random_damage(random, after) : NULL;
    if (damaged)
        one(run, random, stack, damaged, depth - 1);
}

static void
from_seed(Run *run)
{
    g_autoptr(GRand) random = g_rand_new_with_seed((guint32)run->seed);
    g_autoptr(GError) error = NULL;
    g_autoptr(BaseJson) document = random_host_document(random, run->hosts);
    g_autofree char *domain = random_domain(random, document);
    g_autofree char *policy_text = random_policy(random);
    g_autofree char *host_text = base_json_to_text(document);
    g_autoptr(ViommuHost) host = host_json_parse(document, "host.json", &error);
    g_autoptr(ViommuPolicy) policy = NULL;
    g_autofree char *path = NULL;
    JudgeStack stack = {.host = host, .target = random_target(random)};
    guint before = run->broken;

    g_assert_no_error(error);
    path = g_build_filename(run->folder, "policy.json", NULL);
    g_assert_true(g_file_set_contents(path, policy_text, -1, NULL));
    policy = policy_load(random_chance(random, 40) ? path : NULL, rule_policy_catalogue(), &error);
    g_assert_no_error(error);
    stack.policy = policy;
    run->host_text = host_text;
    run->policy_text = policy_text;
    one(run, random, &stack, domain, 2);
    if (run->broken == before)
        return;
    keep(run, "host.json", host_text);
    keep(run, "policy.json", policy_text);
}

static void
test_properties(void)
{
    static const char *const wanted[] = {
        "none",          "nested smmuv3", "nested x86", "shadow x86",
        "shadow virtio", "irq x86",       "no plan",    NULL};
    guint64 count = number_from("VIOMMU_TEST_COUNT", COUNT);
    g_autoptr(GPtrArray) hosts = random_recorded_hosts();
    g_autoptr(GHashTable) kinds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *folder = g_dir_make_tmp("viommu-XXXXXX", NULL);
    g_autofree char *policy = g_build_filename(folder, "policy.json", NULL);
    Run run = {.hosts = hosts,
               .folder = folder,
               .kinds = kinds,
               .seed = number_from("VIOMMU_TEST_SEED", 1)};
    GHashTableIter iter;
    gpointer name, number;

    for (guint64 i = 0; i < count; i++, run.seed++)
        from_seed(&run);
    g_unlink(policy);
    g_rmdir(folder);
    g_hash_table_iter_init(&iter, kinds);
    while (g_hash_table_iter_next(&iter, &name, &number))
        g_test_message("%s: %u", (const char *)name, GPOINTER_TO_UINT(number));
    g_test_message("%u broken", run.broken);
    /* the dice, which fall differently with each compiler, must reach every kind of plan */
    for (guint i = 0; count >= COUNT && wanted[i]; i++)
        if (GPOINTER_TO_UINT(g_hash_table_lookup(kinds, wanted[i])) < COUNT / 500) {
            g_test_message("too few: %s", wanted[i]);
            g_test_fail();
        }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/property/plans", test_properties);
    return g_test_run();
}
