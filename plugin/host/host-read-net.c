/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The network interface of a physical function, which libvirt wants up before it gives away one of
 * its virtual functions as <interface type='hostdev'>. */
#include "host-tree.h"

#include <errno.h>

#define NET_PATH "net"
#define NETWORK  0x02 /* PCI base class */

enum { IFF_UP = 1 }; /* linux/if.h */

/* libvirt passes over interfaces whose port has another kind of name, as representors of switchdev
 * have ("pf0vf1"); one without a name counts (libvirt 11.3 src/util/virpci.c:2893, :2988). */
static gboolean
is_port(int dir, const char *name)
{
    g_autofree char *path = g_build_filename(NET_PATH, name, "phys_port_name", NULL);
    g_autofree char *port = NULL;

    return host_sys_text(dir, path, &port) || !*port ||
           g_regex_match_simple("(p[0-9]+$)|(p[0-9]+s[0-9]+$)", port, 0, 0);
}

static int
read_up(int dir, const char *name, BaseTri *ret)
{
    g_autofree char *path = g_build_filename(NET_PATH, name, "flags", NULL);
    guint64 flags;
    int failed = host_sys_u64(dir, path, 0, G_MAXUINT32, &flags);

    *ret = failed ? BASE_UNKNOWN : base_tri((flags & IFF_UP) != 0);
    return failed;
}

/* Of several, libvirt takes the first that the directory happens to list: what they do not agree
 * on is not known. */
static int
read_interfaces(int dir, const GPtrArray *names, HostDevice *device)
{
    gboolean any_port = FALSE;

    for (guint i = 0; names->len > 1 && !any_port && i < names->len; i++)
        any_port = is_port(dir, names->pdata[i]);
    for (guint i = 0; i < names->len; i++) {
        const char *name = names->pdata[i];
        BaseTri up;
        int failed;

        if (any_port && !is_port(dir, name))
            continue;
        failed = read_up(dir, name, &up);
        if (failed)
            return failed;
        if (device->net.text && up != device->net_up) {
            device->net_up = BASE_UNKNOWN;
            return 0;
        }
        device->net_up = up;
        if (!device->net.text)
            device->net = (BaseText){BASE_STATE_KNOWN, g_strdup(name)};
    }
    return 0;
}

/* Without a host driver there is none */
static gboolean
is_given_away(const HostDevice *device)
{
    return device->driver.state == BASE_STATE_ABSENT || device->vfio_variant == BASE_YES ||
           g_strcmp0(device->driver.text, "vfio-pci") == 0;
}

int
host_tree_read_net(HostTree *tree, int dir, HostDevice *device)
{
    g_autoptr(GPtrArray) names = NULL;
    int failed;

    if (base_u64_is_known(device->class) && base_bits(device->class.value, 23, 16) != NETWORK) {
        device->net.state = BASE_STATE_ABSENT;
        return 0;
    }
    failed = host_sys_list(dir, NET_PATH, &names);
    if (failed == ENOENT && (tree->live || is_given_away(device))) {
        device->net.state = BASE_STATE_ABSENT;
        return 0;
    }
    return failed ? failed : read_interfaces(dir, names, device);
}
