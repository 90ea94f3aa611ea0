/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Largest input that we take; libvirt's own limit for a domain XML over RPC is 4 MiB. */
#define BASE_FILE_LIMIT ((gsize)32 * 1024 * 1024)

/* Reads a file ("-": standard input) of at most @limit bytes; *ret_text is NUL-terminated.
 * Longer ones, directories and unreadable files are errors that name @path. */
gboolean base_file_read(const char *path, gsize limit, char **ret_text, gsize *ret_length,
                        GError **error);

/* The same of a file that nobody gave us by name: anything but a regular file is an error at once,
 * where a pipe would wait. */
gboolean base_file_read_plain(const char *path, gsize limit, char **ret_text, gsize *ret_length,
                              GError **error);

/* A directory to go through with g_dir_read_name(); *ret is NULL where there is none. FALSE: it is
 * there and cannot be read. */
gboolean base_directory_open(const char *path, GDir **ret, GError **error);

/* Replaces @path by a file with this content, or leaves it untouched: temporary file in the same
 * directory, fsync, rename. Keeps the mode of a file that was there, and where the caller may its
 * owner, group, ACL, security label and user.* attributes; follows a symbolic link to the file that
 * it names, also to one that is not there yet. A pipe, a terminal or another device is written to,
 * not replaced. */
gboolean base_file_replace(const char *path, const char *text, gsize length, GError **error);
