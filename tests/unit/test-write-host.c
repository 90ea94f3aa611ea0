/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host as people see it: whole texts, kept in tests/write-host/. */
#include "write.h"

#include "base-file.h"
#include "host-read.h"

#include <string.h>

static const char *const hosts[] = {"grace", "xeon",   "xeon-6.1",   "client39",
                                    "genoa", "ampere", "none-iommu", "lab-smmuv3"};

static ViommuHost *
load(const char *name)
{
    g_autofree char *file = g_strconcat(name, ".json", NULL);
    g_autofree char *path = g_build_filename(g_getenv("VIOMMU_TEST_DATA"), "host", file, NULL);
    g_autoptr(GError) error = NULL;
    ViommuHost *host = host_json_load(path, &error);

    g_assert_no_error(error);
    return host;
}

/* A few entries of the database, spelled as they are there */
static const char *
name_of(ViommuNameKind kind, guint vendor, guint device, guint class_code, gpointer data)
{
    static const struct {
        guint vendor, device;
        const char *maker, *model;
    } known[] = {
        {0x10de, 0x2331, "NVIDIA Corporation", "GH100 [H100 PCIe]"},
        {0x10de, 0x10f7, "NVIDIA Corporation", "TU102 High Definition Audio Controller"},
        {0x1000, 0x10e2, "Broadcom / LSI", "MegaRAID 12GSAS/PCIe Secure SAS39xx"},
        {0x144d, 0xa824, "Samsung Electronics Co Ltd", "NVMe SSD Controller PM173X"},
        {0x15b3, 0x1021, "Mellanox Technologies", "MT2910 Family [ConnectX-7]"},
        {0x15b3, 0x101e, "Mellanox Technologies", "ConnectX Family mlx5Gen Virtual Function"},
        {0x8086, 0x1592, "Intel Corporation", "Ethernet Controller E810-C for QSFP"},
        {0x8086, 0x1889, "Intel Corporation", "Ethernet Adaptive Virtual Function"},
        {0x8086, 0x0b25, "Intel Corporation", NULL},
        {0x1022, 0x14ab, "Advanced Micro Devices, Inc. [AMD]", "Genoa/Bergamo GPP Bridge"},
        {0x1def, 0xe101, "Ampere Computing, LLC", "Altra PCI Express Root Port a0"},
    };

    g_assert_true(data == (gpointer)hosts);
    if (kind == VIOMMU_NAME_CLASS)
        return class_code >> 8 == 0x0200 ? "Ethernet controller" : NULL;
    for (guint i = 0; i < G_N_ELEMENTS(known); i++) {
        if (known[i].vendor == vendor && known[i].device == device)
            return kind == VIOMMU_NAME_VENDOR ? known[i].maker : known[i].model;
    }
    return NULL;
}

static char *
show(const ViommuHost *host, const WriteHostView *view)
{
    GString *out = g_string_new(NULL);

    write_host_text(host, view, out);
    return g_string_free(out, FALSE);
}

static char *
render(const char *name, const WriteStyle *style)
{
    const WriteHostView view = {.style = *style};
    g_autoptr(ViommuHost) host = load(name);

    return show(host, &view);
}

static void
compare(const char *text, const char *name)
{
    g_autofree char *path =
        g_build_filename(g_getenv("VIOMMU_TEST_DATA"), "write-host", name, NULL);
    g_autofree char *wanted = NULL;
    gsize length = 0;

    if (g_getenv("VIOMMU_TEST_REGENERATE"))
        g_assert_true(g_file_set_contents(path, text, -1, NULL));
    g_assert_true(base_file_read(path, BASE_FILE_LIMIT, &wanted, &length, NULL));
    g_assert_cmpstr(text, ==, wanted);
}

static void
assert_width(const char *text, glong width)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (guint i = 0; lines[i]; i++) {
        if (g_utf8_strlen(lines[i], -1) > width)
            g_test_message("wider than %ld: %s", width, lines[i]);
        g_assert_cmpint(g_utf8_strlen(lines[i], -1), <=, width);
        g_assert_false(g_str_has_suffix(lines[i], " "));
    }
}

static void
test_pipe(void)
{
    const WriteStyle style = {0};

    for (guint i = 0; i < G_N_ELEMENTS(hosts); i++) {
        g_autofree char *text = render(hosts[i], &style);
        g_autofree char *name = g_strconcat(hosts[i], ".txt", NULL);

        g_assert_null(strchr(text, '\033'));
        compare(text, name);
    }
}

/* Narrow: names are cut, then columns leave; nothing is wider than the terminal. */
static void
test_narrow(void)
{
    static const guint widths[] = {80, 60};

    for (guint i = 0; i < G_N_ELEMENTS(hosts) * G_N_ELEMENTS(widths); i++) {
        guint width = widths[i % G_N_ELEMENTS(widths)];
        const char *host = hosts[i / G_N_ELEMENTS(widths)];
        const WriteStyle style = {.width = width};
        g_autofree char *text = render(host, &style);
        g_autofree char *name = g_strdup_printf("%s-%u.txt", host, width);

        assert_width(text, width);
        compare(text, name);
    }
}

/* Every recorded host at every width that a terminal may have: nothing sticks out. */
static void
test_widths(void)
{
    g_autofree char *path = g_build_filename(g_getenv("VIOMMU_TEST_DATA"), "host", NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *file;
    guint count = 0;

    g_assert_nonnull(dir);
    while ((file = g_dir_read_name(dir))) {
        g_autofree char *name = NULL;
        g_autoptr(ViommuHost) host = NULL;

        if (!g_str_has_suffix(file, ".json"))
            continue;
        name = g_strndup(file, strlen(file) - strlen(".json"));
        host = load(name);
        for (guint width = 60; width <= 130; width += 10) {
            const WriteHostView view = {
                .style = {.width = width}, .name = name_of, .name_data = (gpointer)hosts};
            g_autofree char *text = show(host, &view);

            assert_width(text, width);
        }
        count++;
    }
    g_assert_cmpuint(count, >=, 15);
}

static void
test_names(void)
{
    static const guint widths[] = {0, 100, 80, 60};
    g_autoptr(ViommuHost) host = load("xeon");

    for (guint i = 0; i < G_N_ELEMENTS(widths); i++) {
        const WriteHostView view = {
            .style = {.width = widths[i]}, .name = name_of, .name_data = (gpointer)hosts};
        g_autofree char *text = show(host, &view);
        g_autofree char *name = g_strdup_printf("names-%u.txt", widths[i]);

        compare(text, name);
    }
}

/* ---- many VFs ---- */

static HostDevice *
add_function(ViommuHost *host, guint bus, guint number, guint16 id, const char *driver)
{
    BasePci address = {0, (guint8)bus, (guint8)(number / 8), (guint8)(number % 8)};
    HostDevice *device = host_facts_add_device(host, address);
    HostGroup *group = host_facts_add_group(host, bus * 256 + number);

    device->vendor = base_u64(0x15b3);
    device->device = base_u64(id);
    device->class = base_u64(0x020000);
    device->iommu = (BaseText){BASE_STATE_KNOWN, g_strdup("dmar10")};
    device->group = base_u64(group->id);
    device->driver = (BaseText){BASE_STATE_KNOWN, g_strdup(driver)};
    device->numa_node = base_u64_absent();
    device->pcie.state = BASE_STATE_KNOWN;
    group->devices_state = BASE_STATE_KNOWN;
    group->reserved_state = BASE_STATE_KNOWN;
    g_array_append_val(group->devices, address);
    return device;
}

/* Two PFs: 62 VFs of the first in two buses of which one belongs to the host, two of the second */
static ViommuHost *
make_sriov(void)
{
    ViommuHost *host = host_facts_new();
    HostIommu *idle = host_facts_add_iommu(host, "dmar2");
    HostIommu *unit = host_facts_add_iommu(host, "dmar10");

    host->origin = g_strdup("sriov");
    host->iommus_state = host->groups_state = host->devices_state = BASE_STATE_KNOWN;
    host->vfio_container = host->iommufd = host->vfio_cdev = host->isolated_msi = BASE_YES;
    host->memlock.hard = base_u64(0);
    idle->type = unit->type = HOST_IOMMU_VIRTIO;
    for (guint pf = 0; pf < 2; pf++) {
        g_autofree char *physfn = g_strdup_printf("0000:3b:00.%u", pf);

        add_function(host, 0x3b, pf, 0x1021, "mlx5_core");
        for (guint i = 0; i < (pf ? 2 : 62); i++) {
            guint number = pf ? 128 + i : 8 + i;
            HostDevice *vf = add_function(host, 0x3b + number / 64, number % 64, 0x101e,
                                          i == 5 ? "mlx5_core" : "vfio-pci");

            vf->physfn = (BaseText){BASE_STATE_KNOWN, g_strdup(physfn)};
        }
    }
    host_facts_sort(host);
    return host;
}

/* The VFs of a PF that are alike are one line; the odd one is not hidden in it. */
static void
test_fold(void)
{
    static const guint widths[] = {0, 80, 60};
    g_autoptr(ViommuHost) host = make_sriov();
    const WriteHostView verbose = {.style = {.verbose = TRUE}};
    g_autofree char *all = show(host, &verbose);

    for (guint i = 0; i < G_N_ELEMENTS(widths); i++) {
        const WriteHostView view = {
            .style = {.width = widths[i]}, .name = name_of, .name_data = (gpointer)hosts};
        g_autofree char *text = show(host, &view);
        g_autofree char *name = g_strdup_printf("sriov-%u.txt", widths[i]);

        assert_width(text, widths[i] ? widths[i] : 200);
        compare(text, name);
    }
    for (guint i = 0; i < host->devices->len; i++) {
        g_autofree char *address =
            base_pci_format(((HostDevice *)host->devices->pdata[i])->address);

        g_assert_nonnull(strstr(all, address));
    }
}

/* ---- a part of the host ---- */

static char *
show_functions(const char *name, guint width, const char *const *addresses)
{
    g_autoptr(ViommuHost) host = load(name);
    g_autoptr(GArray) devices = g_array_new(FALSE, FALSE, sizeof(BasePci));
    const WriteHostView view = {.style = {.width = width},
                                .devices = devices,
                                .name = name_of,
                                .name_data = (gpointer)hosts};

    for (; *addresses; addresses++) {
        BasePci address = {0};

        g_assert_true(base_pci_parse(*addresses, &address));
        g_array_append_val(devices, address);
    }
    return show(host, &view);
}

static void
test_functions(void)
{
    static const char *const xeon[] = {
        "0000:17:00.0", "0000:98:00.0", "0000:3b:00.0", "0000:3b:01.2",
        "0000:6a:01.0", "0000:c1:00.0", "0000:06:00.0", NULL};
    static const char *const lab[] = {"0000:01:00.0", "0000:81:00.0", NULL};
    g_autofree char *wide = show_functions("xeon", 0, xeon);
    g_autofree char *narrow = show_functions("xeon", 60, xeon);
    g_autofree char *unknown = show_functions("lab-smmuv3", 80, lab);

    assert_width(narrow, 60);
    compare(wide, "functions.txt");
    compare(narrow, "functions-60.txt");
    compare(unknown, "functions-unknown.txt");
}

static char *
page_of(ViommuHost *host, const char *name)
{
    g_autoptr(GArray) devices = g_array_new(FALSE, FALSE, sizeof(BasePci));
    const WriteHostView view = {.devices = devices};
    BasePci address = {0};

    g_assert_true(base_pci_parse(name, &address));
    g_array_append_val(devices, address);
    return show(host, &view);
}

/* What a function was split into; of what is not known it does not say that it is not there. */
static void
test_parts(void)
{
    g_autoptr(ViommuHost) host = load("xeon");
    BasePci address = {0};
    HostDevice *device;
    HostMdevType *type;
    HostVdpa *vdpa;
    g_autofree char *text = NULL;

    g_assert_true(base_pci_parse("0000:3b:00.0", &address));
    device = (HostDevice *)host_facts_device(host, address);
    type = host_facts_add_mdev(device, "nvidia-63");
    type->label = (BaseText){BASE_STATE_KNOWN, g_strdup("GRID M60-1Q")};
    type->available = base_u64(4);
    host_facts_add_mdev(device, "nvidia-64");
    vdpa = host_facts_add_vdpa(host, "vdpa0");
    vdpa->parent = (BaseText){BASE_STATE_KNOWN, g_strdup("0000:3b:00.0")};
    vdpa->driver = (BaseText){BASE_STATE_KNOWN, g_strdup("vhost_vdpa")};
    vdpa->node = (BaseText){BASE_STATE_KNOWN, g_strdup("vhost-vdpa-0")};
    vdpa = host_facts_add_vdpa(host, "vdpa1");
    vdpa->parent = (BaseText){BASE_STATE_KNOWN, g_strdup("0000:3b:00.0")};
    vdpa->driver.state = BASE_STATE_ABSENT;
    vdpa = host_facts_add_vdpa(host, "vdpa2");
    vdpa->parent = (BaseText){BASE_STATE_KNOWN, g_strdup("0000:3b:00.0")};
    vdpa = host_facts_add_vdpa(host, "vdpa3");
    vdpa->parent = (BaseText){BASE_STATE_KNOWN, g_strdup("0000:98:00.0")};
    device->hw_capabilities = base_u64(0x9);
    text = page_of(host, "0000:3b:00.0");
    g_assert_nonnull(strstr(text, "Kernel        tracks dirty pages, no ATS\n"));
    g_assert_nonnull(strstr(text, "Mediated      nvidia-63 (GRID M60-1Q), 4 left\n"));
    g_assert_nonnull(strstr(text, "\n              nvidia-64, not known how many left\n"));
    g_assert_nonnull(strstr(text, "vDPA          vdpa0, vhost_vdpa, /dev/vhost-vdpa-0\n"));
    g_assert_nonnull(strstr(text, "\n              vdpa1, no driver\n"));
    g_assert_nonnull(strstr(text, "\n              vdpa2, driver not known\n"));
    g_assert_null(strstr(text, "vdpa3"));
}

static void
test_group(void)
{
    g_autoptr(ViommuHost) host = load("xeon");
    g_autoptr(GArray) groups = g_array_new(FALSE, FALSE, sizeof(guint));
    const WriteHostView view = {.style = {.width = 80}, .groups = groups};
    guint ids[] = {27, 22};
    g_autofree char *text = NULL;

    g_array_append_vals(groups, ids, G_N_ELEMENTS(ids));
    text = show(host, &view);
    assert_width(text, 80);
    compare(text, "groups.txt");
    g_assert_null(strstr(text, "0000:17:00.0"));
}

/* Memory that the next guest of a user meets is told apart from what each guest has for itself. */
static void
test_pinned(void)
{
    static const WriteHostView view = {{0}};
    g_autoptr(ViommuHost) host = load("xeon");
    HostEntry *entry = host_facts_add_entry(host->pinned, "64055");
    g_autofree char *each = NULL;
    g_autofree char *shared = NULL;

    entry->numbers[HOST_PINNED_PROCESSES] = base_u64(2);
    entry->numbers[HOST_PINNED_LOCKED] = base_u64(G_GUINT64_CONSTANT(8) << 30);
    entry->numbers[HOST_PINNED_PINNED] = base_u64(G_GUINT64_CONSTANT(8) << 30);
    entry->numbers[HOST_PINNED_BY_USER] = base_u64(0);
    each = show(host, &view);
    g_assert_nonnull(strstr(each, "8 GiB locked, 8 GiB pinned by 2 QEMU of user 64055\n"));
    entry->numbers[HOST_PINNED_LOCKED] = base_u64(0);
    entry->numbers[HOST_PINNED_BY_USER] = base_u64(G_GUINT64_CONSTANT(8) << 30);
    shared = show(host, &view);
    g_assert_nonnull(strstr(shared, "of user 64055, 8 GiB of it against the limit of each other "
                                    "guest of the user\n"));
}

/* Colours change nothing but colours. */
static void
test_color(void)
{
    const WriteStyle plain = {.width = 80}, style = {.width = 80, .color = TRUE};
    g_autoptr(GRegex) escape = g_regex_new("\033\\[[0-9;]*m", 0, 0, NULL);

    for (guint i = 0; i < G_N_ELEMENTS(hosts); i++) {
        g_autofree char *wanted = render(hosts[i], &plain);
        g_autofree char *text = render(hosts[i], &style);
        g_autofree char *bare = g_regex_replace_literal(escape, text, -1, 0, "", 0, NULL);

        g_assert_nonnull(strchr(text, '\033'));
        g_assert_cmpstr(bare, ==, wanted);
    }
}

static void
test_verbose(void)
{
    const WriteStyle style = {.verbose = TRUE}, quiet = {.quiet = TRUE};
    g_autofree char *text = render("lab-vtd", &style);
    g_autofree char *brief = render("lab-vtd", &quiet);
    g_autofree char *spare = render("lab-switch", &style);
    g_autofree char *no_spare = render("lab-switch", &quiet);

    g_assert_nonnull(strstr(text, "0000:00:10.0"));              /* a root port */
    g_assert_nonnull(strstr(spare, "iommufd_selftest_iommu.0")); /* a unit with nothing behind it */
    g_assert_nonnull(strstr(text, "vfio/dma_entry_limit"));
    g_assert_null(strstr(brief, "0000:00:10.0"));
    g_assert_null(strstr(no_spare, "iommufd_selftest_iommu.0"));
    g_assert_null(strstr(brief, "Not known"));
}

static void
test_none(void)
{
    const WriteHostView view = {.style = {.width = 80}};
    g_autoptr(ViommuHost) host = host_facts_none();
    g_autoptr(GString) out = g_string_new(NULL);

    write_host_text(host, &view, out);
    g_assert_true(g_str_has_prefix(out->str, "No host facts:"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/write-host/pipe", test_pipe);
    g_test_add_func("/write-host/narrow", test_narrow);
    g_test_add_func("/write-host/widths", test_widths);
    g_test_add_func("/write-host/names", test_names);
    g_test_add_func("/write-host/fold", test_fold);
    g_test_add_func("/write-host/functions", test_functions);
    g_test_add_func("/write-host/parts", test_parts);
    g_test_add_func("/write-host/pinned", test_pinned);
    g_test_add_func("/write-host/group", test_group);
    g_test_add_func("/write-host/color", test_color);
    g_test_add_func("/write-host/verbose", test_verbose);
    g_test_add_func("/write-host/none", test_none);
    return g_test_run();
}
