/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits, switches and options, read from small trees that the tests write. */
#include "host-read.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

typedef struct {
    char *root;
} Tree;

static void
setup(Tree *tree, gconstpointer data)
{
    (void)data;
    tree->root = g_dir_make_tmp("viommu-host-XXXXXX", NULL);
    g_assert_nonnull(tree->root);
}

static void
remove_all(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        remove_all(child);
    }
    (void)g_remove(path);
}

static void
teardown(Tree *tree, gconstpointer data)
{
    (void)data;
    remove_all(tree->root);
    g_free(tree->root);
}

static void
put(const Tree *tree, const char *path, const char *text)
{
    g_autofree char *full = g_build_filename(tree->root, path, NULL);
    g_autofree char *directory = g_path_get_dirname(full);

    g_assert_cmpint(g_mkdir_with_parents(directory, 0755), ==, 0);
    g_assert_true(g_file_set_contents(full, text, -1, NULL));
}

static ViommuHost *
read_facts(const Tree *tree)
{
    g_autoptr(GError) error = NULL;
    ViommuHost *host = host_read_tree(tree->root, 0, &error);

    g_assert_no_error(error);
    return host;
}

static void
put_process(const Tree *tree, const char *pid, const char *comm, const char *status)
{
    g_autofree char *name = g_build_filename("proc", pid, "comm", NULL);
    g_autofree char *path = g_build_filename("proc", pid, "status", NULL);

    put(tree, name, comm);
    put(tree, path, status);
}

/* Two guests of one user and one of another; libvirtd is none. */
static void
test_pinned(Tree *tree, gconstpointer data)
{
    g_autoptr(ViommuHost) host = NULL;
    const HostEntry *entry;

    (void)data;
    put_process(tree, "100", "qemu-system-x86\n",
                "Name:\tqemu-system-x86\nUid:\t64055\t64055\t64055\t64055\nVmLck:\t  131584 kB\n"
                "VmPin:\t   65792 kB\n");
    put_process(tree, "101", "qemu-system-aar\n",
                "Uid:\t64055\t64055\t64055\t64055\nVmLck:\t 1000 kB\nVmPin:\t 2000 kB\n");
    put_process(tree, "102", "qemu-kvm\n", "Uid:\t107\t107\t107\t107\nVmLck:\t0 kB\n");
    put_process(tree, "103", "libvirtd\n", "Uid:\t0\t0\t0\t0\nVmLck:\t5 kB\n");
    put(tree, "proc/self/comm", "qemu-system-x86\n");
    host = read_facts(tree);
    g_assert_cmpint(host->pinned_state, ==, BASE_STATE_KNOWN);
    g_assert_cmpuint(host->pinned->len, ==, 2);
    entry = host_facts_entry(host->pinned, "64055");
    g_assert_cmpuint(entry->numbers[HOST_PINNED_PROCESSES].value, ==, 2);
    g_assert_cmpuint(entry->numbers[HOST_PINNED_LOCKED].value, ==, 132584 * 1024);
    g_assert_cmpuint(entry->numbers[HOST_PINNED_PINNED].value, ==, 67792 * 1024);
    g_assert_cmpuint(entry->numbers[HOST_PINNED_BY_USER].value, ==, 2000 * 1024); /* of 101 */
    entry = host_facts_entry(host->pinned, "107");
    g_assert_cmpuint(entry->numbers[HOST_PINNED_PROCESSES].value, ==, 1);
    g_assert_cmpuint(entry->numbers[HOST_PINNED_PINNED].value, ==, 0);
}

static void
test_hugepages(Tree *tree, gconstpointer data)
{
    g_autoptr(ViommuHost) host = NULL;
    const HostEntry *entry;

    (void)data;
    put(tree, "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "512\n");
    put(tree, "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "500\n");
    put(tree, "sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "many\n");
    host = read_facts(tree);
    entry = host_facts_entry(host->hugepages, "2048kB");
    g_assert_nonnull(entry);
    g_assert_cmpuint(entry->numbers[HOST_HUGEPAGES_TOTAL].value, ==, 512);
    g_assert_cmpuint(entry->numbers[HOST_HUGEPAGES_FREE].value, ==, 500);
    entry = host_facts_entry(host->hugepages, "1048576kB");
    g_assert_false(base_u64_is_known(entry->numbers[HOST_HUGEPAGES_TOTAL]));
}

static void
test_switches(Tree *tree, gconstpointer data)
{
    g_autoptr(ViommuHost) host = NULL;

    (void)data;
    put(tree, "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
    put(tree, "sys/module/iommufd/parameters/allow_unsafe_interrupts", "N\n");
    put(tree, "sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "N\n");
    put(tree, "sys/module/vfio_pci/parameters/disable_denylist", "perhaps\n");
    host = read_facts(tree);
    g_assert_cmpint(host->unsafe_interrupts, ==, BASE_YES);
    g_assert_cmpint(host->iommufd_unsafe_interrupts, ==, BASE_NO);
    g_assert_cmpint(host->noiommu, ==, BASE_NO);
    g_assert_cmpint(host->denylist_off, ==, BASE_UNKNOWN);
    g_assert_nonnull(host_facts_reason(host, "vfio/denylist_off"));
}

/* The mode is no part of most kernels: vfio is there, the parameter is not. */
static void
test_noiommu(Tree *tree, gconstpointer data)
{
    g_autoptr(ViommuHost) without = read_facts(tree);
    g_autoptr(ViommuHost) with = NULL;

    (void)data;
    g_assert_cmpint(without->noiommu, ==, BASE_UNKNOWN);
    g_assert_nonnull(host_facts_reason(without, "vfio/noiommu"));
    put(tree, "sys/class/vfio-dev/x", "");
    with = read_facts(tree);
    g_assert_cmpint(with->noiommu, ==, BASE_NO);
}

/* --- systemd units --- */

typedef struct {
    const char *files[8]; /* path, content, … */
    guint64 bytes;        /* 0: not known */
    const char *file;
} Unit;

#define LIB "usr/lib/systemd/system/libvirtd.service"
#define ETC "etc/systemd/system/libvirtd.service"
#define ALL "etc/systemd/system/service.d/"

static const Unit units[] = {
    {{LIB, "[Service]\nLimitMEMLOCK=64M\n"}, 64 << 20, "/" LIB},
    /* the administrator's whole unit hides the distribution's */
    {{LIB, "[Service]\nLimitMEMLOCK=64M\n", ETC, "[Service]\nLimitMEMLOCK=128K\n"},
     128 << 10,
     "/" ETC},
    /* drop-ins come after the unit, by name over all directories */
    {{LIB, "[Service]\nLimitMEMLOCK=64M\n", ETC ".d/20-more.conf", "[Service]\nLimitMEMLOCK=2G\n",
      "run/systemd/system/libvirtd.service.d/10-less.conf", "[Service]\nLimitMEMLOCK=1K\n"},
     G_GUINT64_CONSTANT(2) << 30,
     "/" ETC ".d/20-more.conf"},
    /* of two with one name the directory of higher rank has it */
    {{LIB, "[Service]\n", ETC ".d/a.conf", "[Service]\nLimitMEMLOCK=3\n", LIB ".d/a.conf",
      "[Service]\nLimitMEMLOCK=4\n"},
     3,
     "/" ETC ".d/a.conf"},
    /* what is for all services counts by its name as well, and not for a name that the unit has */
    {{LIB, "[Service]\n", ETC ".d/10-own.conf", "[Service]\nLimitMEMLOCK=5\n", ALL "20-all.conf",
      "[Service]\nLimitMEMLOCK=6\n"},
     6,
     "/" ALL "20-all.conf"},
    {{LIB, "[Service]\n", LIB ".d/10-own.conf", "[Service]\nLimitMEMLOCK=5\n", ALL "10-own.conf",
      "[Service]\nLimitMEMLOCK=6\n"},
     5,
     "/" LIB ".d/10-own.conf"},
    {{LIB, "[Service]\nLimitMEMLOCK=1M:8M\n"}, 8 << 20, "/" LIB},
    {{LIB, "[Service]\nLimitMEMLOCK = infinity\n"}, G_MAXUINT64, "/" LIB},
    /* an empty assignment takes it back; another section and a comment say nothing */
    {{LIB, "[Service]\nLimitMEMLOCK=64M\n", ETC ".d/x.conf", "[Service]\nLimitMEMLOCK=\n"},
     0,
     NULL},
    {{LIB, "[Unit]\nLimitMEMLOCK=64M\n[Service]\n#LimitMEMLOCK=1M\nLimitMEMLOCKS=2M\n"}, 0, NULL},
    {{LIB, "[Service]\nLimitMEMLOCK=64Q\n"}, 0, NULL},
    {{"etc/hostname", "x\n"}, 0, NULL},
};

static void
test_unit(Tree *tree, gconstpointer data)
{
    (void)data;
    for (guint i = 0; i < G_N_ELEMENTS(units); i++) {
        g_autofree char *name = g_strdup_printf("%s/%u", tree->root, i);
        Tree one = {.root = name};
        g_autoptr(ViommuHost) host = NULL;

        for (guint j = 0; j + 1 < G_N_ELEMENTS(units[i].files) && units[i].files[j]; j += 2)
            put(&one, units[i].files[j], units[i].files[j + 1]);
        host = read_facts(&one);
        g_test_message("unit %u", i);
        g_assert_cmpint(base_u64_is_known(host->memlock.unit), ==, units[i].bytes != 0);
        g_assert_cmpuint(host->memlock.unit.value, ==, units[i].bytes);
        g_assert_cmpstr(host->memlock.unit_file.text, ==, units[i].file);
        if (!units[i].bytes)
            g_assert_nonnull(host_facts_reason(host, "limits/memlock/unit"));
    }
}

static void
test_kind(Tree *tree, gconstpointer data)
{
    static const struct {
        const char *comm, *uid, *kind;
    } cases[] = {{"libvirtd\n", "0", "monolithic"},
                 {"virtqemud\n", "0", "modular"},
                 {"virtqemud\n", "1000", "session"}};

    (void)data;
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name = g_strdup_printf("%s/%u", tree->root, i);
        g_autofree char *status = g_strdup_printf("Uid:\t%s\t0\t0\t0\nCapEff:\t0\n", cases[i].uid);
        Tree one = {.root = name};
        g_autoptr(ViommuHost) host = NULL;

        put_process(&one, "7", cases[i].comm, status);
        put(&one, "proc/7/limits",
            "Max locked memory         67108864             67108864             bytes     \n");
        host = read_facts(&one);
        g_assert_cmpstr(host->memlock.kind.text, ==, cases[i].kind);
    }
}

/* --- the kernel's configuration --- */

static void
assert_options(const Tree *tree)
{
    g_autoptr(ViommuHost) host = read_facts(tree);

    g_assert_cmpint(host->options_state, ==, BASE_STATE_KNOWN);
    g_assert_cmpstr(host_facts_entry(host->options, "CONFIG_IOMMUFD")->text.text, ==, "y");
    g_assert_cmpstr(host_facts_entry(host->options, "CONFIG_VFIO_PCI")->text.text, ==, "m");
    g_assert_cmpstr(host_facts_entry(host->options, "CONFIG_VFIO_NOIOMMU")->text.text, ==, "n");
}

static void
test_options(Tree *tree, gconstpointer data)
{
    static const char config[] = "# made by make\nCONFIG_IOMMUFD=y\nCONFIG_VFIO_PCI=m\n"
                                 "# CONFIG_VFIO_NOIOMMU is not set\nCONFIG_X=y\n";
    g_autofree char *packed = g_build_filename(tree->root, "proc/config.gz", NULL);
    g_autoptr(ViommuHost) none = NULL;
    gzFile file;

    (void)data;
    put(tree, "proc/sys/kernel/osrelease", "7.2.13\n");
    none = read_facts(tree);
    g_assert_cmpint(none->options_state, ==, BASE_STATE_UNKNOWN);
    file = gzopen(packed, "wb");
    g_assert_nonnull(file);
    g_assert_cmpint(gzwrite(file, config, (unsigned)strlen(config)), ==, (int)strlen(config));
    g_assert_cmpint(gzclose(file), ==, Z_OK);
    assert_options(tree);
    g_assert_true(g_file_set_contents(packed, "not packed", -1, NULL));
    g_clear_pointer(&none, host_facts_unref);
    none = read_facts(tree);
    g_assert_cmpint(none->options_state, ==, BASE_STATE_UNKNOWN);
    put(tree, "boot/config-7.2.13", config);
    assert_options(tree);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add("/host/limits/pinned", Tree, NULL, setup, test_pinned, teardown);
    g_test_add("/host/limits/hugepages", Tree, NULL, setup, test_hugepages, teardown);
    g_test_add("/host/limits/switches", Tree, NULL, setup, test_switches, teardown);
    g_test_add("/host/limits/noiommu", Tree, NULL, setup, test_noiommu, teardown);
    g_test_add("/host/limits/unit", Tree, NULL, setup, test_unit, teardown);
    g_test_add("/host/limits/kind", Tree, NULL, setup, test_kind, teardown);
    g_test_add("/host/limits/options", Tree, NULL, setup, test_options, teardown);
    return g_test_run();
}
