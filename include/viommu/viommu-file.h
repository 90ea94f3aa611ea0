/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * viommu_file_read:
 * @path: (type filename): a file; "-": standard input
 *
 * Returns: (transfer full): its content, at most 32 MiB of UTF-8 without NUL; NULL with
 *   %VIOMMU_ERROR_IO
 *
 * Since: 0.1
 */
char *viommu_file_read(const char *path, GError **error);

/**
 * viommu_file_replace:
 * @path: (type filename): a file that exists or not
 * @text: its new content
 * @length: in bytes; -1: @text is NUL-terminated
 *
 * Replaces a file in one step (a temporary file beside it, fsync, rename): whoever reads it, and
 * whenever the machine stops, sees all of the old content or all of the new. Keeps the mode of a
 * file that was there, and where the caller may its owner, group, ACL, security label and user.*
 * attributes; follows a symbolic link, also to a file that is not there yet. What is there and is
 * no regular file (a pipe, a terminal) is written to instead.
 *
 * Returns: FALSE with %VIOMMU_ERROR_IO, and the old content untouched
 *
 * Since: 0.1
 */
gboolean viommu_file_replace(const char *path, const char *text, gssize length, GError **error);

G_END_DECLS
