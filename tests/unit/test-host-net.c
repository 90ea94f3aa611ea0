/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The network interface of a function; of several what libvirt makes of them (libvirt 11.3
 * src/util/virpci.c:2893-3010). */
#include "host-read.h"

#include <glib/gstdio.h>
#include <unistd.h>

#define DEVICE "sys/bus/pci/devices/0000:01:00.0"
#define FACT   "devices/0000:01:00.0/net_up"

typedef struct {
    const char *what, *class, *driver;
    const char *files[9]; /* name and text below net/; without a text: a directory */
    BaseState state;
    const char *name;
    BaseTri up;
    gboolean explained;
} Case;

static void
put(const char *root, const char *path, const char *text)
{
    g_autofree char *full = g_build_filename(root, DEVICE, path, NULL);
    g_autofree char *dir = g_path_get_dirname(full);

    g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
    g_assert_true(g_file_set_contents(full, text, -1, NULL));
}

static void
put_directory(const char *root, const char *path)
{
    g_autofree char *full = g_build_filename(root, DEVICE, path, NULL);

    g_assert_cmpint(g_mkdir_with_parents(full, 0755), ==, 0);
}

static char *
make_tree(const Case *it)
{
    char *root = g_dir_make_tmp("viommu-net-XXXXXX", NULL);
    g_autofree char *link = g_build_filename(root, DEVICE, "driver", NULL);
    g_autofree char *target = g_build_filename("../../drivers", it->driver, NULL);

    put(root, "vendor", "0x8086\n");
    put(root, "class", it->class);
    if (it->driver)
        g_assert_cmpint(symlink(target, link), ==, 0);
    for (guint i = 0; it->files[i]; i += 2) {
        g_autofree char *path = g_build_filename("net", it->files[i], NULL);

        if (it->files[i + 1])
            put(root, path, it->files[i + 1]);
        else
            put_directory(root, path);
    }
    return root;
}

static void
test_cases(void)
{
    static const Case cases[] = {
        {"no network function", "0x030200\n", "nouveau", {0}, BASE_STATE_ABSENT, NULL, 0, FALSE},
        {"given away", "0x020000\n", "vfio-pci", {0}, BASE_STATE_ABSENT, NULL, 0, FALSE},
        {"given away", "0x020000\n", "mlx5_vfio_pci", {0}, BASE_STATE_ABSENT, NULL, 0, FALSE},
        {"no driver", "0x020000\n", NULL, {0}, BASE_STATE_ABSENT, NULL, 0, FALSE},
        {"not recorded", "0x020000\n", "igb", {0}, BASE_STATE_UNKNOWN, NULL, 0, TRUE},
        {"down",
         "0x020000\n",
         "igb",
         {"eth1/flags", "0x1002\n"},
         BASE_STATE_KNOWN,
         "eth1",
         BASE_NO,
         FALSE},
        {"up",
         "0x020000\n",
         "igb",
         {"eth1/flags", "0x1003\n"},
         BASE_STATE_KNOWN,
         "eth1",
         BASE_YES,
         FALSE},
        {"no number",
         "0x020000\n",
         "igb",
         {"eth1/flags", "up\n"},
         BASE_STATE_UNKNOWN,
         NULL,
         0,
         TRUE},
        {"chance decides",
         "0x020000\n",
         "mlx4_core",
         {"eth0/flags", "0x1002\n", "eth1/flags", "0x1003\n"},
         BASE_STATE_KNOWN,
         "eth0",
         BASE_UNKNOWN,
         TRUE},
        {"in another network namespace",
         "0x020000\n",
         "igb",
         {"."},
         BASE_STATE_UNKNOWN,
         NULL,
         0,
         TRUE},
        {"a representor is passed over",
         "0x020000\n",
         "mlx5_core",
         {"eth0/flags", "0x1002\n", "eth0/phys_port_name", "pf0vf0\n", "eth1/flags", "0x1003\n",
          "eth1/phys_port_name", "p0\n"},
         BASE_STATE_KNOWN,
         "eth1",
         BASE_YES,
         FALSE},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *root = make_tree(&cases[i]);
        g_autoptr(GError) error = NULL;
        g_autoptr(ViommuHost) host = host_read_tree(root, HOST_READ_DEFAULT, &error);
        const char *const remove[] = {"rm", "-rf", root, NULL};
        const HostDevice *device;

        g_assert_no_error(error);
        g_test_message("%s", cases[i].what);
        device = host->devices->pdata[0];
        g_assert_cmpint(device->net.state, ==, cases[i].state);
        g_assert_cmpstr(device->net.text, ==, cases[i].name);
        g_assert_cmpint(device->net_up, ==, cases[i].up);
        g_assert_cmpint(g_hash_table_contains(host->reasons, FACT), ==, cases[i].explained);
        g_assert_true(g_spawn_sync(NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
                                   NULL, NULL, NULL, NULL));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/host-net/cases", test_cases);
    return g_test_run();
}
