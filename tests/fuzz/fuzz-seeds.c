/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a fuzz target over files and directories of files: its seeds, and what once crashed it.
 * Each is given whole, then cut at every length up to 4096 bytes in steps. */
#include "fuzz.h"

#include "base-file.h"

static void
run(const guint8 *text, gsize length)
{
    g_autofree guint8 *copy = g_memdup2(length ? text : (const guint8 *)"", length ? length : 1);

    LLVMFuzzerTestOneInput(copy, length);
}

static guint
run_file(const char *path)
{
    g_autofree char *text = NULL;
    gsize length = 0;

    if (!base_file_read(path, BASE_FILE_LIMIT, &text, &length, NULL))
        g_error("%s: cannot read it", path);
    run((const guint8 *)text, length);
    for (gsize cut = 0; cut < MIN(length, 4096); cut += 37)
        run((const guint8 *)text, cut);
    return 1;
}

static guint
run_path(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;
    guint n = 0;

    if (!dir)
        return run_file(path);
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *full = g_build_filename(path, name, NULL);

        if (g_file_test(full, G_FILE_TEST_IS_REGULAR))
            n += run_file(full);
    }
    return n;
}

int
main(int argc, char **argv)
{
    guint n = 0;

    for (int i = 1; i < argc; i++)
        n += run_path(argv[i]);
    g_print("%u seeds\n", n);
    return n > 0 ? 0 : 1;
}
