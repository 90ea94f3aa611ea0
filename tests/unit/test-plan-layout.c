/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mechanical half of the planner: buses, numbers, edits. */
#include "plan-edit.h"
#include "plan-layout.h"
#include "plan.h"

#include <string.h>

#include "host-read.h"

static ViommuDomain *
parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    ViommuDomain *domain = model_domain_parse(text, strlen(text), "vm.xml", &error);

    g_assert_no_error(error);
    model_domain_place(domain);
    return domain;
}

/* --- buses --- */

#define EXPANDER(index, nr, slot)                                                                  \
    "<controller type='pci' index='" index "' model='pcie-expander-bus'><target busNr='" nr        \
    "'/><address type='pci' bus='0' slot='" slot "'/></controller>"

static void
test_bus_numbers(void)
{
    g_autoptr(ViommuDomain) empty =
                  parse("<domain type='kvm'><name>vm</name><memory unit='GiB'>1</memory><os><type "
                        "arch='aarch64' machine='virt'>hvm</type></os>"
                        "<devices/></domain>");
    g_autoptr(ViommuDomain) full = parse(
        "<domain type='kvm'><name>vm</name><memory unit='GiB'>1</memory><os><type arch='aarch64' "
        "machine='virt'>hvm</type></os>"
        "<devices>" EXPANDER("1", "64", "8") EXPANDER("2", "66", "9") "</devices></domain>");
    g_autoptr(PlanLayout) two = plan_layout_new(empty);
    g_autoptr(PlanLayout) narrow = plan_layout_new(full);
    const PlanController *first = plan_layout_add_expander(two, "a");
    const PlanController *second = plan_layout_add_expander(two, "b");
    const PlanController *squeezed = plan_layout_find(narrow, 1);

    g_assert_true(plan_bus_number(two));
    g_assert_cmpuint(first->bus_nr, ==, 64);
    g_assert_cmpuint(second->bus_nr, ==, 128);
    g_assert_cmpuint(first->address.slot, ==, 8);
    g_assert_cmpuint(second->address.slot, ==, 9);

    /* 64 and 66 leave room for one bus: two ports need another number */
    g_assert_nonnull(plan_layout_add_port(narrow, 1, "a"));
    g_assert_nonnull(plan_layout_add_port(narrow, 1, "b"));
    g_assert_true(plan_bus_number(narrow));
    g_assert_true(squeezed->bus_nr_new);
    g_assert_cmpuint(squeezed->bus_nr, !=, 64);
    g_assert_cmpuint(plan_layout_find(narrow, 2)->bus_nr, ==, 66);
}

static void
test_ports(void)
{
    g_autoptr(ViommuDomain) domain = parse(
        "<domain type='kvm'><name>vm</name><memory unit='GiB'>1</memory><os><type arch='x86_64' "
        "machine='q35'>hvm</type>"
        "</os><devices><controller type='pci' index='1' model='pcie-root-port'><target "
        "chassis='2'/><address type='pci' bus='0' slot='2' multifunction='on'/></controller>"
        "<rng model='virtio'><backend model='random'>/dev/urandom</backend><address "
        "type='pci' bus='1' slot='0'/></rng></devices></domain>");
    g_autoptr(PlanLayout) layout = plan_layout_new(domain);
    g_autoptr(GArray) none = plan_layout_free_ports(layout, 0);
    const PlanController *ninth = NULL;

    g_assert_cmpuint(none->len, ==, 0);
    g_assert_cmpuint(plan_layout_users(layout, 1), ==, 1);
    for (guint i = 0; i < 9; i++)
        ninth = plan_layout_add_port(layout, 0, "port");
    /* slot 2 is taken, chassis 2 too; eight ports share slot 3 */
    g_assert_cmpuint(plan_layout_find(layout, 2)->address.slot, ==, 3);
    g_assert_true(plan_layout_find(layout, 2)->multifunction);
    g_assert_cmpuint(plan_layout_find(layout, 2)->chassis, ==, 3);
    g_assert_cmpuint(plan_layout_find(layout, 9)->address.function, ==, 7);
    g_assert_cmpuint(ninth->address.slot, ==, 4);
    g_assert_false(ninth->multifunction);
}

static void
test_numa_cell(void)
{
    g_autoptr(ViommuDomain) domain = parse(
        "<domain type='kvm'><name>vm</name><memory unit='GiB'>2</memory><numatune><memnode "
        "cellid='0' mode='strict' "
        "nodeset='0-2,^1'/><memnode cellid='1' mode='strict' nodeset='1'/></numatune><cpu><numa>"
        "<cell id='0' cpus='0' memory='1' unit='GiB'/><cell id='1' cpus='1' memory='1' "
        "unit='GiB'/></numa></cpu><devices/></domain>");

    g_assert_cmpuint(plan_bus_cell(domain, base_u64(1)).value, ==, 1);
    g_assert_cmpuint(plan_bus_cell(domain, base_u64(2)).value, ==, 0);
    g_assert_true(base_u64_is_known(plan_bus_cell(domain, base_u64(2))));
    g_assert_false(base_u64_is_known(plan_bus_cell(domain, base_u64(3))));
    g_assert_false(base_u64_is_known(plan_bus_cell(domain, (BaseU64){0})));
}

/* --- edits --- */

static void
test_edits(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ViommuHost) host = host_facts_none();
    g_autoptr(ViommuPolicy) policy = policy_load(NULL, NULL, &error);
    g_autoptr(ViommuDomain) domain = parse(
        "<domain type='kvm'><name>vm</name><memory unit='GiB'>1</memory><os><type "
        "arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features><devices/>"
        "</domain>");
    g_autoptr(ViommuPlan) plan = plan_new(host, domain, policy, NULL, PLAN_DEFAULT);
    PlanWhy why = {"a test", NULL};
    PlanSpot root = plan_spot(plan->domain->root);
    PlanSpot features = plan_spot(plan->domain->features);
    PlanSpot made;

    g_assert_cmpuint(plan->edits->len, ==, 0);
    plan_spot_set(plan, root, "type", "kvm", why);
    g_assert_cmpuint(plan->edits->len, ==, 0); /* it is already so */
    plan_spot_unset(plan, root, "nothing", why);
    g_assert_cmpuint(plan->edits->len, ==, 0);
    made = plan_spot_child(plan, features, "ioapic", NULL, why);
    plan_spot_set(plan, made, "driver", "qemu", why);
    made = plan_spot_child(plan, features, "ioapic", NULL, why);
    g_assert_cmpstr(base_element_get(made.element, "driver"), ==, "qemu");
    plan_spot_set(plan, root, "id", "1", why);
    plan_spot_set(plan, root, "id", "2", why);
    g_assert_cmpuint(plan->edits->len, ==, 2);
    plan_edits_sort(plan);
    g_assert_cmpint(((PlanEdit *)plan->edits->pdata[0])->kind, ==, PLAN_EDIT_SET_ATTRIBUTE);
    g_assert_cmpstr(((PlanEdit *)plan->edits->pdata[0])->value, ==, "2");
}

/* Every rule id that the planner names is in the catalogue. */
static void
check_ids_in(const char *text, const char *file)
{
    g_autoptr(GRegex) regex = g_regex_new(
        "\"((?:xml|stack|group|bus|accel|vtd|amd|virtio|iova|memlock|pasid|hotplug)-"
        "[a-z0-9-]*[a-z0-9])\"",
        0, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;

    for (g_regex_match(regex, text, 0, &match); g_match_info_matches(match);
         g_match_info_next(match, NULL)) {
        g_autofree char *id = g_match_info_fetch(match, 1);

        if (!g_str_equal(id, "virtio-serial") && !rule_find(id)) {
            g_test_message("%s names rule %s, which is not in the catalogue", file, id);
            g_test_fail();
        }
    }
}

static void
test_rule_ids(void)
{
    g_autofree char *folder =
        g_build_filename(g_getenv("VIOMMU_TEST_DATA"), "..", "plugin", "plan", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    guint files = 0;

    g_assert_nonnull(dir);
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autofree char *text = NULL;

        if (!g_str_has_suffix(name, ".c") || !g_file_get_contents(path, &text, NULL, NULL))
            continue;
        check_ids_in(text, name);
        files++;
    }
    g_assert_cmpuint(files, >, 8);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/plan/bus/numbers", test_bus_numbers);
    g_test_add_func("/plan/bus/ports", test_ports);
    g_test_add_func("/plan/bus/cell", test_numa_cell);
    g_test_add_func("/plan/edits", test_edits);
    g_test_add_func("/plan/rule-ids", test_rule_ids);
    return g_test_run();
}
