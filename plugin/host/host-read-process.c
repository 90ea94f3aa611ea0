/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process list, and whether it is all of it. */
#include "host-tree.h"

#include "base-text.h"

/* PROC_PID_INIT_INO, Linux 7.2 include/linux/proc_ns.h */
#define FIRST_NAMESPACE "pid:[4026531836]"

int
host_tree_list_processes(HostTree *tree, GPtrArray **ret)
{
    int failed = host_sys_list(tree->root, "proc", ret);

    for (guint i = failed ? 0 : (*ret)->len; i-- > 0;) {
        guint64 number;

        if (!base_parse_u64((*ret)->pdata[i], 10, &number))
            g_ptr_array_remove_index(*ret, i);
    }
    return failed;
}

const char *
host_tree_hides_processes(const HostTree *tree, GPtrArray *pids)
{
    g_autofree char *own = NULL;

    if (!tree->live) /* a recording has what somebody found worth it */
        return NULL;
    if (!g_ptr_array_find_with_equal_func(pids, "1", g_str_equal, NULL))
        return "needs root: /proc shows users their own processes alone (hidepid)";
    if (host_sys_target(tree->root, "proc/self/ns/pid", &own) == 0 &&
        !g_str_equal(own, FIRST_NAMESPACE))
        return "needs the host's PID namespace: a container sees its own processes alone";
    return NULL;
}
