/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base-text.h"
#include "model-private.h"

/* libvirt (11.3, qemu_domain.c: qemuDomainMachineIsQ35, …IsI440FX, …IsARMVirt) tells machines by
 * these names; the x86 default is QEMU's "pc", the ARM one "virt". */
static void
read_machine_family(ViommuDomain *domain)
{
    const char *machine = domain->machine;
    gboolean arm = domain->arch &&
                   (g_str_has_prefix(domain->arch, "armv") || strcmp(domain->arch, "aarch64") == 0);
    gboolean x86 =
        domain->arch && (strcmp(domain->arch, "x86_64") == 0 || strcmp(domain->arch, "i686") == 0);

    if (!machine) {
        domain->is_i440fx = x86;
        domain->is_virt = arm;
        return;
    }
    domain->is_q35 = strcmp(machine, "q35") == 0 || g_str_has_prefix(machine, "pc-q35");
    domain->is_virt = arm && (strcmp(machine, "virt") == 0 || g_str_has_prefix(machine, "virt-"));
    domain->is_i440fx = strcmp(machine, "pc") == 0 || g_str_has_prefix(machine, "pc-0.") ||
                        g_str_has_prefix(machine, "pc-1.") ||
                        g_str_has_prefix(machine, "pc-i440") || g_str_has_prefix(machine, "rhel");
}

/* "pc-q35-9.1" -> 9.1; an alias has none; distributions' own names ("pc-q35-rhel9.2.0") tell
 * nothing about QEMU's version. */
static void
read_machine_version(ViommuDomain *domain)
{
    const char *dash = domain->machine ? strrchr(domain->machine, '-') : NULL;
    guint64 version;

    if (!dash)
        domain->machine_version = base_u64_absent();
    else if (base_parse_version(dash + 1, &version))
        domain->machine_version = base_u64(version);
}

/* Where no arch is written libvirt takes the host's; the emulator and the machine tell as well. */
static char *
guess_arch(const ViommuDomain *domain)
{
    const char *system = domain->emulator ? strstr(domain->emulator, "qemu-system-") : NULL;

    if (system)
        return g_strdup(system + strlen("qemu-system-"));
    if (domain->machine &&
        (strcmp(domain->machine, "q35") == 0 || g_str_has_prefix(domain->machine, "pc-q35") ||
         g_str_has_prefix(domain->machine, "pc-i440")))
        return g_strdup("x86_64");
    return NULL;
}

static void
read_os(ViommuDomain *domain)
{
    const xmlNode *os = model_child(domain->root, "os");
    const xmlNode *type = model_child(os, "type");
    const xmlNode *loader = model_child(os, "loader");

    domain->arch = model_attribute(type, "arch");
    domain->machine = model_attribute(type, "machine");
    if (!domain->arch)
        domain->arch = guess_arch(domain);
    read_machine_family(domain);
    read_machine_version(domain);
    domain->uefi =
        model_attribute_is(os, "firmware", "efi") || model_attribute_is(loader, "type", "pflash");
}

static guint
count_children(const xmlNode *parent, const char *name)
{
    guint count = 0;

    for (xmlNode *node = model_child(parent, name); node; node = model_next(node, name))
        count++;
    return count;
}

static gboolean
read_vcpus(ViommuDomain *domain, GError **error)
{
    const xmlNode *vcpu = model_child(domain->root, "vcpu");
    g_autofree char *text = model_text(vcpu);
    guint64 count = 1;

    if (vcpu && (!base_parse_u64(text, 10, &count) || count > G_MAXUINT))
        return model_refuse(domain, vcpu, error, "<vcpu> must be a number, not %s",
                            text ? text : "empty");
    domain->vcpus = (guint)count;
    return TRUE;
}

static void
read_iommufd(ViommuDomain *domain)
{
    domain->iommufd_node = model_child(domain->root, "iommufd");
    domain->iommufd_enabled = model_switch(domain->iommufd_node, "enabled");
    domain->iommufd_fdgroup = model_attribute(domain->iommufd_node, "fdgroup");
}

/* <backingStore> may nest; libvirt looks for NVMe in the whole chain. */
static gboolean
chain_has_nvme(const xmlNode *disk)
{
    for (const xmlNode *link = disk; link; link = model_child(link, "backingStore"))
        if (model_attribute_is(link, "type", "nvme"))
            return TRUE;
    return FALSE;
}

static void
count_devices(ViommuDomain *domain)
{
    for (const xmlNode *node = model_first_element(domain->devices); node;
         node = model_next_element(node)) {
        if (model_is(node, "disk") && chain_has_nvme(node))
            domain->nvme_disks++;
        if ((model_is(node, "disk") && model_attribute_is(node, "type", "vhostvdpa")) ||
            (model_is(node, "interface") && model_attribute_is(node, "type", "vdpa")))
            domain->vdpa_devices++;
    }
}

gboolean
model_read_scalars(ViommuDomain *domain, GError **error)
{
    const xmlNode *backing = model_child(domain->root, "memoryBacking");

    domain->devices = model_child(domain->root, "devices");
    domain->features = model_child(domain->root, "features");
    domain->type = model_attribute(domain->root, "type");
    domain->name = base_one_line(model_text(model_child(domain->root, "name")));
    domain->uuid = model_text(model_child(domain->root, "uuid"));
    domain->emulator = model_text(model_child(domain->devices, "emulator"));
    read_os(domain);
    domain->acpi = model_child(domain->features, "acpi") != NULL;
    domain->ioapic = model_attribute(model_child(domain->features, "ioapic"), "driver");
    domain->numa_cells =
        count_children(model_child(model_child(domain->root, "cpu"), "numa"), "cell");
    domain->locked = model_child(backing, "locked") != NULL;
    domain->hugepages = model_child(backing, "hugepages") != NULL;
    read_iommufd(domain);
    count_devices(domain);
    return read_vcpus(domain, error);
}
