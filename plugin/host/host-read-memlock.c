/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the running libvirt daemon may lock, and whether it can raise that. */
#include "host-tree.h"

#include "base-text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LIMITS_SIZE       ((gsize)65536)
#define CAP_SYS_RESOURCE_ 24 /* linux/capability.h */

static gboolean
is_daemon(const HostTree *tree, const char *pid, char **ret_name)
{
    g_autofree char *path = g_build_filename("proc", pid, "comm", NULL);
    g_autofree char *name = NULL;
    guint64 number;

    if (!base_parse_u64(pid, 10, &number) || host_sys_text(tree->root, path, &name))
        return FALSE;
    if (strcmp(name, "libvirtd") != 0 && strcmp(name, "virtqemud") != 0)
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

void
host_tree_read_memlock(HostTree *tree)
{
    g_autoptr(GPtrArray) pids = NULL;

    if (host_sys_list(tree->root, "proc", &pids)) {
        host_facts_explain(tree->host, "limits/memlock", "no /proc in this tree");
        return;
    }
    for (guint i = 0; i < pids->len; i++) {
        g_autofree char *name = NULL;
        g_autofree char *limits = NULL;
        g_autofree char *status = NULL;
        int failed;

        if (!is_daemon(tree, pids->pdata[i], &name))
            continue;
        limits = g_build_filename("proc", pids->pdata[i], "limits", NULL);
        status = g_build_filename("proc", pids->pdata[i], "status", NULL);
        failed = read_limits(tree, limits);
        if (failed == ENOENT || failed == ESRCH)
            continue; /* it ended while we looked */
        tree->host->memlock.of = g_steal_pointer(&name);
        if (failed)
            host_tree_failed(tree, "limits/memlock", limits, failed);
        failed = read_capabilities(tree, status);
        if (failed)
            host_tree_failed(tree, "limits/memlock/can_raise", status, failed);
        return;
    }
    host_facts_explain(tree->host, "limits/memlock", "%s",
                       tree->live
                           ? "neither libvirtd nor virtqemud runs: start it to see its limit"
                           : "neither libvirtd nor virtqemud among the processes of this tree");
}
