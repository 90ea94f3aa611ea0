/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the running libvirt daemon may lock, and whether it can raise that. */
#include "host-tree.h"

#include "base-text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LIMITS_SIZE       ((gsize)65536)
#define CAP_SYS_RESOURCE_ 24 /* linux/capability.h */

#define FACT "limits/memlock"

/* One that nobody may look at could be the daemon: notes that. */
static gboolean
is_daemon(HostTree *tree, const char *pid, char **ret_name)
{
    g_autofree char *path = g_build_filename("proc", pid, "comm", NULL);
    g_autofree char *name = NULL;
    int failed = host_sys_text(tree->root, path, &name);

    if (host_sys_denied(failed))
        host_tree_failed(tree, FACT, path, failed);
    if (failed || (strcmp(name, "libvirtd") != 0 && strcmp(name, "virtqemud") != 0))
        return FALSE;
    *ret_name = g_steal_pointer(&name);
    return TRUE;
}

static gboolean
parse_limit(const char *word, BaseU64 *ret)
{
    guint64 bytes;

    if (strcmp(word, "unlimited") == 0) {
        *ret = base_u64(G_MAXUINT64);
        return TRUE;
    }
    if (!base_parse_u64(word, 10, &bytes))
        return FALSE;
    *ret = base_u64(bytes);
    return TRUE;
}

/* "Max locked memory         67108864             67108864             bytes" */
static int
read_limits(HostTree *tree, const char *path)
{
    static const char prefix[] = "Max locked memory";
    g_auto(GStrv) lines = NULL;
    int failed = host_sys_lines(tree->root, path, LIMITS_SIZE, &lines);

    if (failed)
        return failed;
    for (guint i = 0; lines[i]; i++) {
        char soft[32], hard[32];
        BaseU64 soft_bytes = {0}, hard_bytes = {0};

        if (!g_str_has_prefix(lines[i], prefix))
            continue;
        if (sscanf(lines[i] + strlen(prefix), "%31s %31s", soft, hard) != 2 ||
            !parse_limit(soft, &soft_bytes) || !parse_limit(hard, &hard_bytes))
            return EBADMSG;
        tree->host->memlock.soft = soft_bytes;
        tree->host->memlock.hard = hard_bytes;
        return 0;
    }
    return EBADMSG;
}

static int
read_capabilities(HostTree *tree, const char *path)
{
    static const char prefix[] = "CapEff:";
    g_auto(GStrv) lines = NULL;
    int failed = host_sys_lines(tree->root, path, LIMITS_SIZE, &lines);

    if (failed)
        return failed;
    for (guint i = 0; lines[i]; i++) {
        g_autofree char *word = NULL;
        guint64 caps;

        if (!g_str_has_prefix(lines[i], prefix))
            continue;
        word = g_strstrip(g_strdup(lines[i] + strlen(prefix)));
        if (!base_parse_u64(word, 16, &caps))
            return EBADMSG;
        tree->host->memlock.can_raise =
            base_tri(base_bits(caps, CAP_SYS_RESOURCE_, CAP_SYS_RESOURCE_) != 0);
        return 0;
    }
    return EBADMSG;
}

/* Who runs it tells what it serves: one that is not root's is a user's own. */
static void
read_kind(HostTree *tree, const char *path)
{
    HostMemlock *memlock = &tree->host->memlock;
    g_auto(GStrv) lines = NULL;
    const char *kind = g_str_equal(memlock->of, "libvirtd") ? "monolithic" : "modular";
    int failed = host_sys_lines(tree->root, path, LIMITS_SIZE, &lines);

    if (failed) {
        host_tree_failed(tree, FACT "/kind", path, failed);
        return;
    }
    for (guint i = 0; lines[i]; i++) {
        guint64 uid = 0;

        if (sscanf(lines[i], "Uid: %" G_GUINT64_FORMAT, &uid) == 1 && uid != 0)
            kind = "session";
    }
    memlock->kind = (BaseText){BASE_STATE_KNOWN, g_strdup(kind)};
}

/* FALSE: this process has ended, or is none of them */
static gboolean
read_daemon(HostTree *tree, const char *pid)
{
    g_autofree char *name = NULL;
    g_autofree char *limits = g_build_filename("proc", pid, "limits", NULL);
    g_autofree char *status = g_build_filename("proc", pid, "status", NULL);
    int failed;

    if (!is_daemon(tree, pid, &name))
        return FALSE;
    failed = read_limits(tree, limits);
    if (failed == ENOENT || failed == ESRCH)
        return FALSE; /* it ended while we looked */
    tree->host->memlock.of = g_steal_pointer(&name);
    g_hash_table_remove(tree->host->reasons, FACT);
    if (failed)
        host_tree_failed(tree, FACT, limits, failed);
    read_kind(tree, status);
    failed = read_capabilities(tree, status);
    if (failed)
        host_tree_failed(tree, FACT "/can_raise", status, failed);
    return TRUE;
}

/* The fourth field of /proc/PID/stat; the second, the name, may hold blanks and brackets. */
static char *
parent_of(const HostTree *tree, const char *pid)
{
    g_autofree char *path = g_build_filename("proc", pid, "stat", NULL);
    g_autofree char *text = NULL;
    const char *name_end;
    guint64 parent;

    if (host_sys_text(tree->root, path, &text))
        return NULL;
    name_end = strrchr(text, ')');
    if (!name_end || sscanf(name_end, ") %*c %" G_GUINT64_FORMAT, &parent) != 1)
        return NULL;
    return g_strdup_printf("%" G_GUINT64_FORMAT, parent);
}

static gboolean
read_ancestor(HostTree *tree)
{
    g_autofree char *pid = g_strdup_printf("%d", (int)getpid());

    /* the hook's worker, the hook, the daemon; one more for a script around the hook */
    for (guint i = 0; pid && i < 4; i++) {
        char *parent;

        if (read_daemon(tree, pid))
            return TRUE;
        parent = parent_of(tree, pid);
        g_free(pid);
        pid = parent;
    }
    return FALSE;
}

void
host_tree_read_own_memlock(HostTree *tree)
{
    /* libvirt src/remote/remote_daemon.c (virPidFileConstructPath) */
    static const char *const files[] = {"run/libvirtd.pid", "run/virtqemud.pid"};

    if (tree->live && read_ancestor(tree))
        return;
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *pid = NULL;

        if (host_sys_text(tree->root, files[i], &pid) == 0 && read_daemon(tree, pid))
            return;
    }
    if (!g_hash_table_contains(tree->host->reasons, FACT))
        host_facts_explain(
            tree->host, FACT,
            "neither libvirtd nor virtqemud started this process or left a pid file");
}

void
host_tree_read_memlock(HostTree *tree)
{
    g_autoptr(GPtrArray) pids = NULL;
    int failed = host_tree_list_processes(tree, &pids);
    const char *why;

    if (failed) {
        host_tree_missing(tree, FACT, "proc", failed, "no /proc in this tree");
        return;
    }
    for (guint i = 0; i < pids->len; i++) {
        if (read_daemon(tree, pids->pdata[i]))
            return;
    }
    if (g_hash_table_contains(tree->host->reasons, FACT)) /* one that may not be looked at */
        return;
    why = host_tree_hides_processes(tree, pids);
    if (!why)
        why = tree->live ? "neither libvirtd nor virtqemud runs: start it to see its limit"
                         : "neither libvirtd nor virtqemud among the processes of this tree";
    host_facts_explain(tree->host, FACT, "%s", why);
}
