/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Largest input that we take; libvirt's own limit for a domain XML over RPC is 4 MiB. */
#define BASE_FILE_LIMIT ((gsize)32 * 1024 * 1024)

/* Reads a file ("-": standard input) of at most @limit bytes; *ret_text is NUL-terminated.
 * Longer ones, directories and unreadable files are errors that name @path. */
gboolean base_file_read(const char *path, gsize limit, char **ret_text, gsize *ret_length,
                        GError **error);

/* A directory to go through with g_dir_read_name(); *ret is NULL where there is none. FALSE: it is
 * there and cannot be read. */
gboolean base_directory_open(const char *path, GDir **ret, GError **error);

/* Replaces @path by a file with this content, or leaves it untouched: temporary file in the same
 * directory, fsync, rename. Keeps the mode of a file that was there, and its owner and group where
 * the caller may; follows a symbolic link to
 * the file that it names. A pipe, a terminal or another device is written to, not replaced. */
gboolean base_file_replace(const char *path, const char *text, gsize length, GError **error);
