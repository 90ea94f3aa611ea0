/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a function is, as the links of /sys show it: bridges above it, VMD, and what is itself an
 * IOMMU. */
#include "host-read.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* A tree with one function whose directory is below sys/devices at @place; (transfer full): its
 * root */
static char *
make_tree(const char *place)
{
    char *root = g_dir_make_tmp("viommu-place-XXXXXX", NULL);
    g_autofree char *home = g_build_filename(root, "sys/devices", place, NULL);
    g_autofree char *list = g_build_filename(root, "sys/bus/pci/devices", NULL);
    g_autofree char *name = g_path_get_basename(place);
    g_autofree char *link = g_build_filename(list, name, NULL);
    g_autofree char *target = g_build_filename("../../../devices", place, NULL);
    g_autofree char *vendor = g_build_filename(home, "vendor", NULL);

    g_assert_cmpint(g_mkdir_with_parents(home, 0755), ==, 0);
    g_assert_cmpint(g_mkdir_with_parents(list, 0755), ==, 0);
    g_assert_cmpint(symlink(target, link), ==, 0);
    g_assert_true(g_file_set_contents(vendor, "0x8086\n", -1, NULL));
    return root;
}

static ViommuHost *
read_tree(const char *root)
{
    g_autoptr(GError) error = NULL;
    ViommuHost *host = host_read_tree(root, HOST_READ_DEFAULT, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(host->devices->len, ==, 1);
    return host;
}

static void
remove_tree(const char *root)
{
    const char *const argv[] = {"rm", "-rf", root, NULL};

    g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, NULL, NULL));
}

static void
test_places(void)
{
    static const struct {
        const char *place, *parent, *vmd;
        gboolean known;
    } cases[] = {
        {"pci0000:00/0000:00:1c.0", NULL, NULL, TRUE},
        {"pci0000:00/0000:00:1c.0/0000:01:00.0", "0000:00:1c.0", NULL, TRUE},
        {"pci0000:00/0000:00:1c.0/0000:01:00.0/0000:02:03.0", "0000:01:00.0", NULL, TRUE},
        {"platform/4010000000.pcie/pci0000:00/0000:00:02.0", NULL, NULL, TRUE},
        {"pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:1d.0", NULL, "0000:00:0e.0", TRUE},
        {"pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:1d.0/10000:e1:00.0", "10000:e0:1d.0",
         "0000:00:0e.0", TRUE},
        {"elsewhere/0000:01:00.0", NULL, NULL, FALSE},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *root = make_tree(cases[i].place);
        g_autoptr(ViommuHost) host = read_tree(root);
        const HostDevice *device = host->devices->pdata[0];
        BaseState absent = cases[i].known ? BASE_STATE_ABSENT : BASE_STATE_UNKNOWN;

        g_test_message("%s", cases[i].place);
        g_assert_cmpstr(device->parent.text, ==, cases[i].parent);
        g_assert_cmpint(device->parent.state, ==, cases[i].parent ? BASE_STATE_KNOWN : absent);
        g_assert_cmpstr(device->vmd.text, ==, cases[i].vmd);
        g_assert_cmpint(device->vmd.state, ==, cases[i].vmd ? BASE_STATE_KNOWN : absent);
        if (!cases[i].known)
            g_assert_nonnull(strstr(host_facts_reason(host, "devices/0000:01:00.0/parent"),
                                    "is no link to the place of a function"));
        remove_tree(root);
    }
}

/* A copy that followed the links has directories in their place. */
static void
test_no_link(void)
{
    g_autofree char *root = make_tree("pci0000:00/0000:00:1c.0");
    g_autofree char *link = g_build_filename(root, "sys/bus/pci/devices/0000:00:1c.0", NULL);
    g_autofree char *inside = g_build_filename(link, "vendor", NULL);
    g_autoptr(ViommuHost) host = NULL;

    g_assert_cmpint(g_unlink(link), ==, 0);
    g_assert_cmpint(g_mkdir(link, 0755), ==, 0);
    g_assert_true(g_file_set_contents(inside, "0x8086\n", -1, NULL));
    host = read_tree(root);
    g_assert_cmpint(((HostDevice *)host->devices->pdata[0])->parent.state, ==, BASE_STATE_UNKNOWN);
    g_assert_nonnull(host_facts_reason(host, "devices/0000:00:1c.0/parent"));
    remove_tree(root);
}

/* An AMD or virtio IOMMU is a function that nothing translates. */
static void
test_is_iommu(void)
{
    g_autofree char *root = make_tree("pci0000:00/0000:00:03.0");
    g_autofree char *inside =
        g_build_filename(root, "sys/devices/pci0000:00/0000:00:03.0/iommu/ivhd0", NULL);
    g_autoptr(ViommuHost) host = NULL;

    g_assert_cmpint(g_mkdir_with_parents(inside, 0755), ==, 0);
    host = read_tree(root);
    g_assert_cmpint(((HostDevice *)host->devices->pdata[0])->iommu.state, ==, BASE_STATE_ABSENT);
    g_assert_null(g_hash_table_lookup(host->reasons, "devices/0000:00:03.0/iommu"));
    remove_tree(root);
}

static void
test_reset(void)
{
    static const struct {
        const char *text;
        const char *method;
    } cases[] = {{"flr pm bus\n", "flr pm bus"}, {"", NULL}};

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *root = make_tree("pci0000:00/0000:00:03.0");
        g_autofree char *file =
            g_build_filename(root, "sys/devices/pci0000:00/0000:00:03.0/reset_method", NULL);
        g_autoptr(ViommuHost) host = NULL;
        const HostDevice *device;

        g_assert_true(g_file_set_contents(file, cases[i].text, -1, NULL));
        host = read_tree(root);
        device = host->devices->pdata[0];
        g_assert_cmpstr(device->reset_method.text, ==, cases[i].method);
        g_assert_cmpint(device->reset_method.state, ==,
                        cases[i].method ? BASE_STATE_KNOWN : BASE_STATE_ABSENT);
        remove_tree(root);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/host-place/places", test_places);
    g_test_add_func("/host-place/no-link", test_no_link);
    g_test_add_func("/host-place/is-iommu", test_is_iommu);
    g_test_add_func("/host-place/reset", test_reset);
    return g_test_run();
}
