/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Small files, links and directories below a directory descriptor. Plain openat() and
 * readlinkat(): the fastest way through sysfs, and one that umockdev can stand in for. Functions
 * return 0 or an errno value; EBADMSG: the content is not what the kernel writes there.
 */
#pragma once

#include <glib.h>
#include <unistd.h>

/* A directory descriptor that closes itself; -1: none. */
typedef int HostDir;

static inline void
host_dir_clear(HostDir *dir)
{
    if (*dir >= 0)
        close(*dir);
    *dir = -1;
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HostDir, host_dir_clear)

int host_sys_open_dir(int dir, const char *path, HostDir *ret);
/* At most @limit bytes (EFBIG beyond); regular files only. The bytes are NUL-terminated. */
int host_sys_bytes(int dir, const char *path, gsize limit, guint8 **ret, gsize *ret_length);
/* An attribute (a file of sysfs, or of /proc with one record) without surrounding blanks, as valid
 * UTF-8 without control characters; EFBIG beyond 64 KiB. */
int host_sys_text(int dir, const char *path, char **ret);
/* An attribute as it is, with its lines: to be parsed, not to be shown. */
int host_sys_rows(int dir, const char *path, char **ret);
/* The lines of any other file, read up to its end, each as host_sys_text() gives them. */
int host_sys_lines(int dir, const char *path, gsize limit, GStrv *ret);
/* A whole-file number in @base (0: as its prefix says), up to @max */
int host_sys_u64(int dir, const char *path, guint base, guint64 max, guint64 *ret);
/* Last component of a link's target. */
int host_sys_link(int dir, const char *path, char **ret);
/* A link's whole target. */
int host_sys_target(int dir, const char *path, char **ret);
/* Names in a directory in strcmp order, without "." and ".." and without those that the kernel
 * never gives: blanks, control characters, not ASCII. (transfer full) strings */
int host_sys_list(int dir, const char *path, GPtrArray **ret);
/* The same of directories in which people name files: any bytes; host_sys_clean() what is kept */
int host_sys_list_any(int dir, const char *path, GPtrArray **ret);
/* (transfer full): what may be shown on a terminal and put into JSON: UTF-8 without control
 * characters, and without blanks at both ends */
char *host_sys_clean(const char *text);
gboolean host_sys_exists(int dir, const char *path);
/* 0: it is there; ENOENT: it is not; others: out of reach, so nobody can tell */
int host_sys_find(int dir, const char *path);
/* Whether an errno value says that somebody else may look. */
gboolean host_sys_denied(int failed);
/* Surely not there, rather than out of reach. */
gboolean host_sys_gone(int dir, const char *path);
