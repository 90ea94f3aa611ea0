/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host as people see it: whole texts, kept in tests/write-host/. */
#include "write.h"

#include "base-file.h"
#include "host-read.h"

#include <string.h>

static char *
render(const char *name, const WriteStyle *style)
{
    g_autofree char *file = g_strconcat(name, ".json", NULL);
    g_autofree char *path = g_build_filename(g_getenv("VIOMMU_TEST_DATA"), "host", file, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(ViommuHost) host = host_json_load(path, &error);
    GString *out = g_string_new(NULL);

    g_assert_no_error(error);
    write_host_text(host, style, out);
    return g_string_free(out, FALSE);
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

static const char *const hosts[] = {"grace", "xeon",   "xeon-6.1",   "client39",
                                    "genoa", "ampere", "none-iommu", "lab-smmuv3"};

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

/* Narrow: the last columns leave the tables, what they said follows below. */
static void
test_narrow(void)
{
    const WriteStyle style = {.width = 80};

    for (guint i = 0; i < G_N_ELEMENTS(hosts); i++) {
        g_autofree char *text = render(hosts[i], &style);
        g_autofree char *name = g_strconcat(hosts[i], "-80.txt", NULL);

        assert_width(text, 80);
        compare(text, name);
    }
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

    g_assert_nonnull(strstr(text, "0000:00:10.0")); /* a root port */
    g_assert_nonnull(strstr(text, "iommufd_selftest_iommu.0"));
    g_assert_nonnull(strstr(text, "vfio/dma_entry_limit"));
    g_assert_null(strstr(brief, "0000:00:10.0"));
    g_assert_null(strstr(brief, "iommufd_selftest_iommu.0"));
    g_assert_null(strstr(brief, "Not known"));
}

static void
test_none(void)
{
    const WriteStyle style = {.width = 80};
    g_autoptr(ViommuHost) host = host_facts_none();
    g_autoptr(GString) out = g_string_new(NULL);

    write_host_text(host, &style, out);
    g_assert_true(g_str_has_prefix(out->str, "No host facts:"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/write-host/pipe", test_pipe);
    g_test_add_func("/write-host/narrow", test_narrow);
    g_test_add_func("/write-host/color", test_color);
    g_test_add_func("/write-host/verbose", test_verbose);
    g_test_add_func("/write-host/none", test_none);
    return g_test_run();
}
