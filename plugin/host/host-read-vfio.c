/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VFIO, iommufd, and whether interrupts are isolated. */
#include "host-tree.h"

#include "host-decode.h"

#include <errno.h>
#include <string.h>

#define INTERRUPTS_LIMIT ((gsize)4 * 1024 * 1024)

/* A device node that a module makes. In a container /dev is private while sysfs is the host's, so
 * both are asked. Before vfio is loaded the node is missing on kernels that have it
 * (Linux 7.2 iommufd/main.c:818-821). */
static BaseTri
read_node(HostTree *tree, const char *fact, const char *node, const char *class_node,
          const char *option)
{
    BaseTri built = host_tree_config(tree, option);

    if (host_sys_exists(tree->root, node) || host_sys_exists(tree->root, class_node))
        return BASE_YES;
    if (built == BASE_NO) {
        host_facts_explain(tree->host, fact, "the kernel is built without %s", option);
        return BASE_NO;
    }
    if (host_sys_exists(tree->root, "sys/module/vfio") ||
        host_sys_exists(tree->root, "sys/module/vfio_pci")) {
        host_facts_explain(tree->host, fact, "no such file: /%s (kernel without %s?)", node,
                           option);
        return BASE_NO;
    }
    host_facts_explain(tree->host, fact, "no /%s, but vfio-pci is not loaded: modprobe it", node);
    return BASE_UNKNOWN;
}

static BaseTri
read_cdev(HostTree *tree)
{
    g_autoptr(GPtrArray) nodes = NULL;

    if (host_sys_list(tree->root, "dev/vfio/devices", &nodes) == 0 && nodes->len > 0)
        return BASE_YES;
    if (tree->host->iommufd == BASE_NO) /* VFIO_DEVICE_CDEV depends on IOMMUFD */
        return BASE_NO;
    for (guint i = 0; i < tree->host->devices->len; i++) {
        const HostDevice *device = tree->host->devices->pdata[i];

        if (device->vfio_dev.text)
            return BASE_YES;
        if (g_strcmp0(device->driver.text, "vfio-pci") == 0)
            return BASE_NO; /* bound, and still without a node */
    }
    if (host_tree_config(tree, "CONFIG_VFIO_DEVICE_CDEV") == BASE_UNKNOWN)
        host_facts_explain(tree->host, "vfio/cdev", "no function is bound to vfio-pci");
    return host_tree_config(tree, "CONFIG_VFIO_DEVICE_CDEV");
}

/* Interrupt remapping gives its chips names that start with "IR-" on x86; GICv3 ITS isolates on
 * Arm (Linux 7.2 kernel/irq/msi.c:1753-1775, irq_remapping.c:1533, amd/iommu.c:4181). */
static gboolean
isolates(const char *chip)
{
    return g_str_has_prefix(chip, "IR-") || g_str_has_prefix(chip, "ITS-");
}

/* one directory a chip name: the first isolated one is enough */
static BaseTri
msi_from_chips(HostTree *tree)
{
    g_autoptr(GPtrArray) numbers = NULL;
    gboolean any = FALSE;

    if (host_sys_list(tree->root, "sys/kernel/irq", &numbers))
        return BASE_UNKNOWN;
    for (guint i = 0; i < numbers->len; i++) {
        g_autofree char *path =
            g_build_filename("sys/kernel/irq", numbers->pdata[i], "chip_name", NULL);
        g_autofree char *chip = NULL;

        if (host_sys_text(tree->root, path, &chip))
            continue;
        if (isolates(chip))
            return BASE_YES;
        any = any || strstr(chip, "MSI") != NULL;
    }
    return any ? BASE_NO : BASE_UNKNOWN;
}

static BaseTri
msi_from_interrupts(HostTree *tree)
{
    g_auto(GStrv) lines = NULL;
    gboolean any = FALSE;

    if (host_sys_lines(tree->root, "proc/interrupts", INTERRUPTS_LIMIT, &lines))
        return BASE_UNKNOWN;
    for (guint i = 0; lines[i]; i++) {
        if (strstr(lines[i], " IR-") || strstr(lines[i], " ITS-"))
            return BASE_YES;
        any = any || strstr(lines[i], "MSI") != NULL;
    }
    return any ? BASE_NO : BASE_UNKNOWN;
}

/* VT-d units of which none can remap */
static gboolean
vtd_cannot_remap(const ViommuHost *host)
{
    gboolean any = FALSE;

    for (guint i = 0; i < host->iommus->len; i++) {
        HostVtd vtd;

        if (!host_decode_vtd(host->iommus->pdata[i], &vtd) || vtd.ir)
            return FALSE;
        any = TRUE;
    }
    return any;
}

void
host_tree_read_isolation(HostTree *tree)
{
    ViommuHost *host = tree->host;

    host->isolated_msi = msi_from_chips(tree);
    if (host->isolated_msi == BASE_UNKNOWN)
        host->isolated_msi = msi_from_interrupts(tree);
    if (host->isolated_msi == BASE_UNKNOWN && vtd_cannot_remap(host))
        host->isolated_msi = BASE_NO;
    if (host->isolated_msi == BASE_UNKNOWN)
        host_facts_explain(host, "vfio/isolated_msi",
                           "no MSI chip in /sys/kernel/irq or /proc/interrupts");
}

void
host_tree_read_vfio(HostTree *tree)
{
    static const char limit[] = "sys/module/vfio_iommu_type1/parameters/dma_entry_limit";
    ViommuHost *host = tree->host;
    guint64 value;
    int failed = host_sys_u64(tree->root, limit, 10, G_MAXUINT32, &value);

    host->iommufd =
        read_node(tree, "vfio/iommufd", "dev/iommu", "sys/class/misc/iommu", "CONFIG_IOMMUFD");
    host->vfio_container =
        read_node(tree, "vfio/container", "dev/vfio/vfio", "sys/class/misc/vfio", "CONFIG_VFIO");
    host->vfio_cdev = read_cdev(tree);
    if (failed)
        host_tree_failed(tree, "vfio/dma_entry_limit", limit, failed);
    else
        host->dma_entry_limit = base_u64(value);
}
