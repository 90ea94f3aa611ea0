/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading and replacing files, on a real file system. */
#include "base-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "viommu/viommu-error.h"

static void
test_replace(void)
{
    g_autofree char *dir = g_dir_make_tmp("viommu-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "a.xml", NULL);
    g_autofree char *link = g_build_filename(dir, "link.xml", NULL);
    g_autofree char *text = NULL;
    GStatBuf info;
    gsize length = 0;

    g_assert_true(base_file_replace(path, "one", 3, NULL));
    g_assert_cmpint(g_chmod(path, 0640), ==, 0);
    g_assert_cmpint(symlink("a.xml", link), ==, 0);
    g_assert_true(base_file_replace(link, "second", 6, NULL));
    g_assert_true(base_file_read(path, 100, &text, &length, NULL));
    g_assert_cmpstr(text, ==, "second");
    g_assert_cmpint(g_stat(path, &info), ==, 0);
    g_assert_cmpint(info.st_mode & 0777, ==, 0640);
    g_assert_true(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
    g_clear_pointer(&text, g_free);
    g_assert_false(base_file_read(path, 5, &text, &length, NULL));
    g_unlink(link);
    g_unlink(path);
    g_assert_cmpint(g_rmdir(dir), ==, 0); /* no temporary file is left */
}

/* Root mends the files of others. */
static void
test_replace_owner(void)
{
    g_autofree char *dir = g_dir_make_tmp("viommu-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "a.xml", NULL);
    GStatBuf info;

    g_assert_true(base_file_replace(path, "one", 3, NULL));
    g_assert_cmpint(g_chmod(path, 04640), ==, 0);
    if (chown(path, 1234, 2345) == 0) {
        g_assert_cmpint(g_chmod(path, 04640), ==, 0);
        g_assert_true(base_file_replace(path, "second", 6, NULL));
        g_assert_cmpint(g_stat(path, &info), ==, 0);
        g_assert_cmpuint(info.st_uid, ==, 1234);
        g_assert_cmpuint(info.st_gid, ==, 2345);
        g_assert_cmpint(info.st_mode & 07777, ==, 04640);
    } else {
        g_test_skip("takes root");
    }
    g_unlink(path);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
}

/* A link is followed wherever it leads: a file in its place would lose it without a word. */
static void
test_replace_dangling(void)
{
    static const struct {
        const char *name, *to;
    } links[] = {
        {"last", "sub/../new.xml"}, {"first", "last"}, {"round", "about"}, {"about", "round"}};
    g_autofree char *dir = g_dir_make_tmp("viommu-XXXXXX", NULL);
    g_autofree char *sub = g_build_filename(dir, "sub", NULL);
    g_autofree char *first = g_build_filename(dir, "first", NULL);
    g_autofree char *round = g_build_filename(dir, "round", NULL);
    g_autofree char *file = g_build_filename(dir, "new.xml", NULL);
    g_autofree char *message = g_strdup_printf("%s: cannot write: %s", round, g_strerror(ELOOP));
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    gsize length = 0;

    g_assert_cmpint(g_mkdir(sub, 0700), ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS(links); i++) {
        g_autofree char *path = g_build_filename(dir, links[i].name, NULL);

        g_assert_cmpint(symlink(links[i].to, path), ==, 0);
    }
    g_assert_true(base_file_replace(first, "one", 3, NULL));
    g_assert_true(base_file_read(file, 100, &text, &length, NULL));
    g_assert_cmpstr(text, ==, "one");
    g_assert_false(base_file_replace(round, "one", 3, &error));
    g_assert_cmpstr(error->message, ==, message);
    for (guint i = 0; i < G_N_ELEMENTS(links); i++) {
        g_autofree char *path = g_build_filename(dir, links[i].name, NULL);

        g_assert_true(g_file_test(path, G_FILE_TEST_IS_SYMLINK));
        g_unlink(path);
    }
    g_unlink(file);
    g_rmdir(sub);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
}

/* As the kernel has it (include/uapi/linux/posix_acl_xattr.h): version 2, then tag, rights and id.
 * The owner rw, user 1234 r, the group r, the mask @mask, others nothing. */
static void
make_acl(guint16 mask, guint8 *ret)
{
    const guint16 entries[][2] = {{0x01, 6}, {0x02, 4}, {0x04, 4}, {0x10, mask}, {0x20, 0}};

    *(guint32 *)ret = GUINT32_TO_LE(2);
    for (guint i = 0; i < G_N_ELEMENTS(entries); i++) {
        guint8 *entry = ret + 4 + 8 * i;
        guint32 id = GUINT32_TO_LE(entries[i][0] == 0x02 ? 1234u : G_MAXUINT32);
        guint16 words[] = {GUINT16_TO_LE(entries[i][0]), GUINT16_TO_LE(entries[i][1])};

        memcpy(entry, words, sizeof words);
        memcpy(entry + 4, &id, sizeof id);
    }
}

#define ACL_SIZE 44

static void
test_replace_attributes(void)
{
    g_autofree char *dir = g_dir_make_tmp("viommu-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "a.xml", NULL);
    g_autofree char *other = g_build_filename(dir, "b.xml", NULL);
    guint8 acl[ACL_SIZE], seen[ACL_SIZE + 1];
    char value[8] = "";
    GStatBuf info;

    make_acl(6, acl);
    g_assert_true(base_file_replace(path, "one", 3, NULL));
    g_assert_cmpint(g_chmod(path, 0600), ==, 0);
    if (setxattr(path, "user.note", "mine", 4, 0) == 0) {
        g_assert_true(base_file_replace(path, "second", 6, NULL));
        g_assert_cmpint(getxattr(path, "user.note", value, sizeof value), ==, 4);
        g_assert_cmpstr(value, ==, "mine");
    } else {
        g_test_skip("no user.* attributes here");
    }
    if (setxattr(path, "system.posix_acl_access", acl, ACL_SIZE, 0) == 0 &&
        setxattr(dir, "system.posix_acl_default", acl, ACL_SIZE, 0) == 0) {
        g_assert_true(base_file_replace(path, "third", 5, NULL));
        g_assert_cmpint(getxattr(path, "system.posix_acl_access", seen, sizeof seen), ==, ACL_SIZE);
        g_assert_cmpmem(seen, ACL_SIZE, acl, ACL_SIZE);
        /* what the directory gives to new files is not for one that was there without */
        g_assert_true(base_file_replace(other, "one", 3, NULL));
        g_assert_cmpint(getxattr(other, "system.posix_acl_access", seen, sizeof seen), >, 0);
        g_assert_cmpint(removexattr(other, "system.posix_acl_access"), ==, 0);
        g_assert_cmpint(g_chmod(other, 0640), ==, 0);
        g_assert_true(base_file_replace(other, "two", 3, NULL));
        g_assert_cmpint(getxattr(other, "system.posix_acl_access", seen, sizeof seen), <, 0);
        g_assert_cmpint(g_stat(other, &info), ==, 0);
        g_assert_cmpint(info.st_mode & 0777, ==, 0640);
    } else {
        g_test_skip("no ACLs here");
    }
    g_unlink(path);
    g_unlink(other);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
}

static void
test_directory(void)
{
    g_autofree char *path = g_dir_make_tmp("viommu-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(path, "a", NULL);
    g_autofree char *message =
        g_strdup_printf("%s: cannot read this directory: %s", file, g_strerror(ENOTDIR));
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) dir = NULL;

    g_assert_true(base_directory_open(file, &dir, NULL));
    g_assert_null(dir);
    g_assert_true(base_file_replace(file, "x", 1, NULL));
    g_assert_false(base_directory_open(file, &dir, &error));
    g_assert_null(dir);
    g_assert_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO);
    g_assert_cmpstr(error->message, ==, message);
    g_assert_true(base_directory_open(path, &dir, NULL));
    g_assert_cmpstr(g_dir_read_name(dir), ==, "a");
    g_unlink(file);
    g_assert_cmpint(g_rmdir(path), ==, 0);
}

/* A pipe has no size to be known beforehand. */
static void
test_file_pipe(void)
{
    g_autofree char *big = g_strnfill(60000, 'x');
    g_autofree char *path = NULL;
    g_autofree char *text = NULL;
    int ends[2];
    gsize length = 0;

    g_assert_cmpint(pipe(ends), ==, 0);
    g_assert_cmpint(write(ends[1], big, 60000), ==, 60000);
    close(ends[1]);
    path = g_strdup_printf("/dev/fd/%d", ends[0]);
    g_assert_true(base_file_read(path, 60000, &text, &length, NULL));
    g_assert_cmpuint(length, ==, 60000);
    g_assert_cmpstr(text, ==, big);
    close(ends[0]);
}

/* Renaming over a device would replace the device: as root that may be /dev/null. */
static void
test_replace_special(void)
{
    g_autofree char *dir = g_dir_make_tmp("viommu-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "pipe", NULL);
    g_autoptr(GError) error = NULL;
    char *text = NULL;
    gsize length = 0;
    char seen[8] = "";
    GStatBuf info;
    int reader;

    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    reader = g_open(path, O_RDWR | O_NONBLOCK, 0);
    g_assert_cmpint(reader, >=, 0);
    g_assert_true(base_file_replace(path, "text", 4, NULL));
    g_assert_cmpint(read(reader, seen, sizeof seen - 1), ==, 4);
    g_assert_cmpstr(seen, ==, "text");
    g_assert_cmpint(g_stat(path, &info), ==, 0);
    g_assert_true(S_ISFIFO(info.st_mode));
    close(reader);
    /* nobody writes into it, and nobody waits */
    g_assert_false(base_file_read_plain(path, 100, &text, &length, &error));
    g_assert_true(g_str_has_suffix(error->message, "/pipe: not a regular file"));
    g_clear_error(&error);
    g_assert_false(base_file_read_plain(dir, 100, &text, &length, &error));
    g_assert_true(g_str_has_suffix(error->message, ": not a regular file"));
    g_unlink(path);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/base-file/pipe", test_file_pipe);
    g_test_add_func("/base-file/replace", test_replace);
    g_test_add_func("/base-file/replace-owner", test_replace_owner);
    g_test_add_func("/base-file/replace-dangling", test_replace_dangling);
    g_test_add_func("/base-file/replace-attributes", test_replace_attributes);
    g_test_add_func("/base-file/directory", test_directory);
    g_test_add_func("/base-file/replace-special", test_replace_special);
    return g_test_run();
}
