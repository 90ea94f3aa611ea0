/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "host-tree.h"

#define KCONFIG_LIMIT ((gsize)4 * 1024 * 1024)

void
host_tree_failed(HostTree *tree, const char *fact, const char *file, int failed)
{
    host_facts_failed(tree->host, fact, file, failed);
}

void
host_tree_missing(HostTree *tree, const char *fact, const char *file, int failed,
                  const char *otherwise)
{
    if (host_sys_denied(failed))
        host_tree_failed(tree, fact, file, failed);
    else
        host_facts_explain(tree->host, fact, "%s", otherwise);
}

gboolean
host_tree_absent(const HostTree *tree, int failed, const char *parent)
{
    return failed == ENOENT && host_sys_exists(tree->root, parent);
}

BaseTri
host_tree_config(const HostTree *tree, const char *option)
{
    g_autofree char *line = g_strconcat("\n", option, "=", NULL);
    const char *value;

    if (!tree->kconfig)
        return BASE_UNKNOWN;
    value = strstr(tree->kconfig, line);
    value = value ? value + strlen(line) : "n\n";
    return base_tri(g_str_has_prefix(value, "y\n") || g_str_has_prefix(value, "m\n"));
}

/* /proc/config.gz, where CONFIG_IKCONFIG_PROC made one. (transfer full) (nullable) */
static char *
unpack(const guint8 *packed, gsize length)
{
    z_stream stream = {.next_in = (guint8 *)packed, .avail_in = (guint)length};
    g_autofree char *text = g_malloc(KCONFIG_LIMIT + 1);
    int result;

    if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) /* 16: with a gzip header */
        return NULL;
    stream.next_out = (guint8 *)text;
    stream.avail_out = (guint)KCONFIG_LIMIT;
    result = inflate(&stream, Z_FINISH);
    text[stream.total_out] = '\0';
    (void)inflateEnd(&stream);
    return result == Z_STREAM_END ? g_strdup(text) : NULL;
}

/* (transfer full) (nullable): notes why not, where it is there */
static char *
take_kconfig(HostTree *tree, const char *path)
{
    g_autofree guint8 *bytes = NULL;
    char *text = NULL;
    gsize length = 0;
    int failed = host_sys_bytes(tree->root, path, KCONFIG_LIMIT, &bytes, &length);

    if (!failed)
        text =
            g_str_has_suffix(path, ".gz") ? unpack(bytes, length) : (char *)g_steal_pointer(&bytes);
    if (!failed && !text)
        failed = EBADMSG;
    if (failed && failed != ENOENT)
        host_tree_failed(tree, "kernel_options", path, failed);
    return text;
}

/* The two that the release names, the nearer first */
static void
read_named_kconfig(HostTree *tree, const char *release)
{
    g_autofree char *boot = g_strconcat("boot/config-", release, NULL);
    g_autofree char *modules = g_strconcat("lib/modules/", release, "/config", NULL);

    tree->kconfig = take_kconfig(tree, boot);
    if (!tree->kconfig)
        tree->kconfig = take_kconfig(tree, modules);
}

static void
read_kconfig(HostTree *tree)
{
    GHashTable *reasons = tree->host->reasons;
    const char *release = tree->host->kernel_release.text;

    if (release && !strchr(release, '/'))
        read_named_kconfig(tree, release);
    if (!tree->kconfig)
        tree->kconfig = take_kconfig(tree, "proc/config.gz");
    if (tree->kconfig)
        g_hash_table_remove(reasons, "kernel_options");
    else if (!release)
        host_facts_explain(tree->host, "kernel_options",
                           "takes kernel/release, or /proc/config.gz");
    else if (!g_hash_table_contains(reasons, "kernel_options"))
        host_facts_explain(tree->host, "kernel_options",
                           "no configuration of this kernel in /boot, /lib/modules or "
                           "/proc/config.gz");
}

/* What decides about VFIO, iommufd and nesting on this kernel. */
static void
keep_options(HostTree *tree)
{
    static const char *const names[] = {"CONFIG_IOMMUFD",
                                        "CONFIG_IOMMUFD_VFIO_CONTAINER",
                                        "CONFIG_VFIO_DEVICE_CDEV",
                                        "CONFIG_VFIO_CONTAINER",
                                        "CONFIG_VFIO_IOMMU_TYPE1",
                                        "CONFIG_VFIO_NOIOMMU",
                                        "CONFIG_VFIO_PCI",
                                        "CONFIG_INTEL_IOMMU",
                                        "CONFIG_INTEL_IOMMU_DEFAULT_ON",
                                        "CONFIG_INTEL_IOMMU_SVM",
                                        "CONFIG_INTEL_IOMMU_SCALABLE_MODE_DEFAULT_ON",
                                        "CONFIG_IRQ_REMAP",
                                        "CONFIG_AMD_IOMMU",
                                        "CONFIG_AMD_IOMMU_IOMMUFD",
                                        "CONFIG_ARM_SMMU_V3",
                                        "CONFIG_ARM_SMMU_V3_SVA",
                                        "CONFIG_ARM_SMMU_V3_IOMMUFD",
                                        "CONFIG_TEGRA241_CMDQV",
                                        "CONFIG_IOMMU_DEFAULT_PASSTHROUGH",
                                        "CONFIG_IOMMU_DEFAULT_DMA_STRICT",
                                        "CONFIG_IOMMU_DEFAULT_DMA_LAZY"};

    if (!tree->kconfig) {
        host_facts_explain(tree->host, "kernel/vtd_scalable_default", "%s",
                           host_facts_reason(tree->host, "kernel_options"));
        return;
    }
    tree->host->options_state = BASE_STATE_KNOWN;
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *module = g_strconcat("\n", names[i], "=m\n", NULL);
        const char *value = strstr(tree->kconfig, module) ? "m" : "n";

        if (host_tree_config(tree, names[i]) == BASE_YES && *value == 'n')
            value = "y";
        host_facts_add_entry(tree->host->options, names[i])->text =
            (BaseText){BASE_STATE_KNOWN, g_strdup(value)};
    }
}

gboolean
host_tree_address(const char *name, BasePci *ret)
{
    g_autofree char *canonical = base_pci_parse(name, ret) ? base_pci_format(*ret) : NULL;

    return g_strcmp0(canonical, name) == 0;
}

static gboolean
group_lists(const HostGroup *group, BasePci address)
{
    for (guint i = 0; i < group->devices->len; i++) {
        if (base_pci_equal(g_array_index(group->devices, BasePci, i), address))
            return TRUE;
    }
    return FALSE;
}

/* Keeps of each group's list the functions that are there and that name this group themselves,
 * or name none yet: the lists were read at another moment than the functions. */
static void
settle_members(ViommuHost *host)
{
    for (guint i = 0; i < host->groups->len; i++) {
        HostGroup *group = host->groups->pdata[i];

        for (guint j = group->devices->len; j-- > 0;) {
            BasePci address = g_array_index(group->devices, BasePci, j);
            HostDevice *device = (HostDevice *)host_facts_device(host, address);

            if (device && !base_u64_is_known(device->group))
                device->group = base_u64(group->id);
            if (!device || device->group.value != group->id)
                g_array_remove_index(group->devices, j);
        }
    }
}

/* The same where no function could be read: of two groups that list one the first keeps it. */
static void
settle_unseen(ViommuHost *host)
{
    g_autoptr(GHashTable) listed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < host->groups->len; i++) {
        HostGroup *group = host->groups->pdata[i];

        for (guint j = group->devices->len; j-- > 0;) {
            if (!g_hash_table_add(listed,
                                  base_pci_format(g_array_index(group->devices, BasePci, j))))
                g_array_remove_index(group->devices, j);
        }
    }
}

static HostGroup *
find_or_add_group(ViommuHost *host, guint id)
{
    HostGroup *group = (HostGroup *)host_facts_group(host, id);

    if (group)
        return group;
    group = host_facts_add_group(host, id);
    group->devices_state = BASE_STATE_KNOWN;
    host_facts_sort(host);
    return group;
}

/* Whatever changed while we read: afterwards devices, groups and IOMMUs agree. */
static void
settle(ViommuHost *host)
{
    host_facts_sort(host);
    if (host->groups_state == BASE_STATE_KNOWN && host->devices_state == BASE_STATE_KNOWN)
        settle_members(host);
    else
        settle_unseen(host);
    for (guint i = 0; i < host->devices->len; i++) {
        HostDevice *device = host->devices->pdata[i];

        if (host->groups_state == BASE_STATE_KNOWN && base_u64_is_known(device->group)) {
            HostGroup *group = find_or_add_group(host, (guint)device->group.value);

            if (group->devices_state == BASE_STATE_KNOWN && !group_lists(group, device->address))
                g_array_append_val(group->devices, device->address);
        }
        if (host->iommus_state == BASE_STATE_KNOWN && device->iommu.text &&
            !host_facts_iommu(host, device->iommu.text)) {
            host_facts_add_iommu(host, device->iommu.text);
            host_facts_sort(host);
        }
    }
    host_facts_sort(host);
}

static gboolean
is_live(const char *root)
{
    g_autofree char *real = realpath(root, NULL);

    return real && strcmp(real, "/") == 0;
}

/* The tree's own directory and what does not depend on devices. */
static gboolean
begin(HostTree *tree, const char *root, HostDir *dir, GError **error)
{
    int failed = host_sys_open_dir(AT_FDCWD, root, dir);

    if (failed) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO, "%s: cannot read this directory: %s",
                    root, g_strerror(failed));
        return FALSE;
    }
    tree->root = *dir;
    tree->live = is_live(root);
    tree->host->origin = g_strdup(tree->live ? "live" : root);
    tree->host->sysroot = g_strdup(root);
    host_tree_read_system(tree);
    read_kconfig(tree);
    keep_options(tree);
    tree->host->vtd_scalable_default =
        host_tree_config(tree, "CONFIG_INTEL_IOMMU_SCALABLE_MODE_DEFAULT_ON");
    return TRUE;
}

static void
end(HostTree *tree)
{
    settle(tree->host);
    host_tree_read_vfio(tree);
    g_clear_pointer(&tree->kconfig, g_free);
}

ViommuHost *
host_read_tree(const char *root, HostReadFlags flags, GError **error)
{
    g_autoptr(ViommuHost) host = host_facts_new();
    g_auto(HostDir) dir = -1;
    HostTree tree = {.host = host};

    if (!begin(&tree, root, &dir, error))
        return NULL;
    host_tree_read_memlock(&tree);
    host_tree_read_unit(&tree);
    host_tree_read_limits(&tree);
    host_tree_read_iommus(&tree);
    host_tree_read_groups(&tree);
    host_tree_read_devices(&tree);
    end(&tree);
    host_tree_read_vdpa(&tree);
    host_tree_read_isolation(&tree);
    if (!(flags & HOST_READ_CONFIG))
        host_facts_explain(host, "devices",
                           "config space was not read: it takes root and wakes sleeping devices");
    for (guint i = 0; flags & HOST_READ_CONFIG && i < host->devices->len; i++)
        host_read_config(host, ((HostDevice *)host->devices->pdata[i])->address);
    return g_steal_pointer(&host);
}

/* A list of which only some members are read is known where its directory is: what is not in it
 * then is not there. */
static BaseState
list_state(HostTree *tree, const char *fact, const char *directory, const char *parent)
{
    g_auto(HostDir) dir = -1;
    int failed = host_sys_open_dir(tree->root, directory, &dir);

    if (!failed || host_tree_absent(tree, failed, parent))
        return BASE_STATE_KNOWN;
    host_tree_failed(tree, fact, directory, failed);
    return BASE_STATE_UNKNOWN;
}

static void
read_neighbour(HostTree *tree, BasePci address)
{
    if (host_facts_device(tree->host, address))
        return;
    host_tree_read_neighbour(tree, address);
    host_facts_sort(tree->host);
}

static void
read_group_of(HostTree *tree, BaseU64 group)
{
    guint id = (guint)group.value;
    const HostGroup *known;

    if (!base_u64_is_known(group) || host_facts_group(tree->host, id))
        return;
    host_tree_read_group(tree, id);
    host_facts_sort(tree->host);
    known = host_facts_group(tree->host, id);
    for (guint i = 0; known && i < known->devices->len; i++)
        read_neighbour(tree, g_array_index(known->devices, BasePci, i));
}

static void
read_iommu_of(HostTree *tree, const BaseText *iommu)
{
    if (!iommu->text || host_facts_iommu(tree->host, iommu->text))
        return;
    host_tree_read_iommu(tree, iommu->text);
    host_facts_sort(tree->host);
}

static void
read_named(HostTree *tree, const GArray *addresses)
{
    ViommuHost *host = tree->host;

    host->devices_state = list_state(tree, "devices", "sys/bus/pci/devices", "sys/bus");
    host->groups_state = list_state(tree, "groups", "sys/kernel/iommu_groups", "sys/kernel");
    host->iommus_state = list_state(tree, "iommus", "sys/class/iommu", "sys/class");
    for (guint i = 0; i < addresses->len; i++) {
        BasePci address = g_array_index(addresses, BasePci, i);

        if (host_facts_device(host, address))
            continue;
        host_tree_read_device(tree, address);
        host_facts_sort(host);
    }
    for (guint i = 0; i < addresses->len; i++) {
        const HostDevice *device = host_facts_device(host, g_array_index(addresses, BasePci, i));
        BasePci physfn;

        if (!device)
            continue;
        read_iommu_of(tree, &device->iommu);
        read_group_of(tree, device->group);
        if (device->physfn.text && base_pci_parse(device->physfn.text, &physfn))
            read_neighbour(tree, physfn); /* a VF's PASIDs are its PF's */
    }
}

ViommuHost *
host_read_named(const char *root, const GArray *addresses, GError **error)
{
    g_autoptr(ViommuHost) host = host_facts_new();
    g_auto(HostDir) dir = -1;
    HostTree tree = {.host = host};

    if (!begin(&tree, root, &dir, error))
        return NULL;
    if (tree.live)
        host_tree_read_own_memlock(&tree);
    else
        host_tree_read_memlock(&tree);
    read_named(&tree, addresses);
    end(&tree);
    host_tree_read_isolation(&tree);
    return g_steal_pointer(&host);
}
