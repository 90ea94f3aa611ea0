/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VFIO, iommufd, and whether interrupts are isolated. */
#include "host-tree.h"

#include "host-decode.h"

#include <errno.h>
#include <string.h>

#define CHIPS            "sys/kernel/irq"
#define INTERRUPTS       "proc/interrupts"
#define INTERRUPTS_LIMIT ((gsize)4 * 1024 * 1024)

/* Notes it where somebody else could tell whether one of the two is there. */
static gboolean
is_barred(HostTree *tree, const char *fact, const char *const paths[2])
{
    for (guint i = 0; i < 2; i++) {
        int failed = host_sys_find(tree->root, paths[i]);

        if (host_sys_denied(failed)) {
            host_tree_failed(tree, fact, paths[i], failed);
            return TRUE;
        }
    }
    return FALSE;
}

/* A device node that a module makes. In a container /dev is private while sysfs is the host's, so
 * both are asked. Before vfio is loaded the node is missing on kernels that have it
 * (Linux 7.2 iommufd/main.c:818-821). */
static BaseTri
read_node(HostTree *tree, const char *fact, const char *node, const char *class_node,
          const char *option)
{
    static const char *const modules[] = {"sys/module/vfio", "sys/module/vfio_pci"};
    const char *const places[] = {node, class_node};

    for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
        if (host_sys_exists(tree->root, places[i]))
            return BASE_YES;
    }
    if (host_tree_config(tree, option) == BASE_NO) {
        host_facts_explain(tree->host, fact, "the kernel is built without %s", option);
        return BASE_NO;
    }
    if (is_barred(tree, fact, places) || is_barred(tree, fact, modules))
        return BASE_UNKNOWN;
    for (guint i = 0; i < G_N_ELEMENTS(modules); i++) {
        if (!host_sys_exists(tree->root, modules[i]))
            continue;
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
    static const char directory[] = "dev/vfio/devices";
    g_autoptr(GPtrArray) nodes = NULL;
    BaseTri built = host_tree_config(tree, "CONFIG_VFIO_DEVICE_CDEV");
    int failed = host_sys_list(tree->root, directory, &nodes);

    if (!failed && nodes->len > 0)
        return BASE_YES;
    if (tree->host->iommufd == BASE_NO) /* VFIO_DEVICE_CDEV depends on IOMMUFD */
        return BASE_NO;
    for (guint i = 0; i < tree->host->devices->len; i++) {
        const HostDevice *device = tree->host->devices->pdata[i];

        if (device->vfio_dev.text)
            return BASE_YES;
        if (g_strcmp0(device->driver.text, "vfio-pci") == 0 &&
            device->vfio_dev.state == BASE_STATE_ABSENT)
            return BASE_NO; /* bound, and still without a node */
    }
    if (built == BASE_UNKNOWN)
        host_tree_missing(tree, "vfio/cdev", directory, failed,
                          tree->host->devices_state == BASE_STATE_UNKNOWN
                              ? "takes devices, of which one is on vfio-pci"
                              : "no function is bound to vfio-pci");
    return built;
}

/* Interrupt remapping gives its chips names that start with "IR-" on x86; GICv3 ITS isolates on
 * Arm (Linux 7.2 kernel/irq/msi.c:1753-1775, irq_remapping.c:1533, amd/iommu.c:4181). */
static gboolean
isolates(const char *chip)
{
    return g_str_has_prefix(chip, "IR-") || g_str_has_prefix(chip, "ITS-");
}

/* One directory a chip name: the first isolated one is enough. *ret_failed: why some are not seen
 */
static BaseTri
msi_from_chips(HostTree *tree, int *ret_failed)
{
    g_autoptr(GPtrArray) numbers = NULL;
    gboolean any = FALSE;

    *ret_failed = host_sys_list(tree->root, CHIPS, &numbers);
    if (*ret_failed)
        return BASE_UNKNOWN;
    for (guint i = 0; i < numbers->len; i++) {
        g_autofree char *path = g_build_filename(CHIPS, numbers->pdata[i], "chip_name", NULL);
        g_autofree char *chip = NULL;
        int failed = host_sys_text(tree->root, path, &chip);

        if (host_sys_denied(failed))
            *ret_failed = failed;
        if (failed)
            continue;
        if (isolates(chip))
            return BASE_YES;
        any = any || strstr(chip, "MSI") != NULL;
    }
    return any && !*ret_failed ? BASE_NO : BASE_UNKNOWN;
}

static BaseTri
msi_from_interrupts(HostTree *tree, int *ret_failed)
{
    g_auto(GStrv) lines = NULL;
    gboolean any = FALSE;

    *ret_failed = host_sys_lines(tree->root, INTERRUPTS, INTERRUPTS_LIMIT, &lines);
    if (*ret_failed)
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
    int no_chips, no_interrupts = 0;
    gboolean barred;

    host->isolated_msi = msi_from_chips(tree, &no_chips);
    barred = host_sys_denied(no_chips);
    if (host->isolated_msi == BASE_UNKNOWN)
        host->isolated_msi = msi_from_interrupts(tree, &no_interrupts);
    if (host->isolated_msi == BASE_UNKNOWN && vtd_cannot_remap(host))
        host->isolated_msi = BASE_NO;
    if (host->isolated_msi == BASE_UNKNOWN)
        host_tree_missing(tree, "vfio/isolated_msi", barred ? CHIPS : INTERRUPTS,
                          barred ? no_chips : no_interrupts,
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
