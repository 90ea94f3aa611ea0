/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Emulated devices on PCI. Which models are conventional PCI is libvirt's
 * qemuDomainDeviceCalculatePCIConnectFlags (11.3, qemu_domain_address.c:508).
 */
#include <string.h>

#include "model-private.h"

typedef enum { NOT_PCI, EXPRESS, CONVENTIONAL } Connection;

typedef struct {
    const char *model;
    Connection connection;
} ModelRow;

void
model_endpoint_free(ModelEndpoint *endpoint)
{
    if (!endpoint)
        return;
    g_free(endpoint->alias);
    g_free(endpoint->what);
    g_free(endpoint);
}

/* With one virtio-mmio device written, libvirt makes all virtio devices of an ARM virt machine
 * virtio-mmio (qemuDomainAssignVirtioMMIOAddresses). */
static gboolean
uses_mmio(const ViommuDomain *domain)
{
    for (const xmlNode *node = model_first_element(domain->devices); node && domain->is_virt;
         node = model_next_element(node))
        if (model_attribute_is(model_child(node, "address"), "type", "virtio-mmio"))
            return TRUE;
    return FALSE;
}

ModelEndpoint *
model_add_endpoint(ViommuDomain *domain, xmlNode *node, guint rank, gboolean conventional,
                   const char *what)
{
    gboolean has_rules = domain->is_q35 || domain->is_virt || domain->is_i440fx;
    ModelAddress address = model_guest_address(node);
    ModelEndpoint *endpoint;

    if (address.kind == MODEL_ADDRESS_NONE ||
        (address.kind == MODEL_ADDRESS_UNKNOWN &&
         (!has_rules || (g_str_has_prefix(what, "virtio") && domain->virtio_mmio))))
        return NULL;
    endpoint = g_new0(ModelEndpoint, 1);
    endpoint->node = node;
    endpoint->implicit = !node;
    endpoint->alias = model_alias(node);
    endpoint->what = g_strdup(what);
    endpoint->rank = rank;
    endpoint->conventional = conventional || domain->is_i440fx;
    endpoint->address = address;
    endpoint->driver_iommu = model_switch(model_child(node, "driver"), "iommu");
    g_ptr_array_add(domain->endpoints, endpoint);
    return endpoint;
}

static Connection
look_up(const ModelRow *rows, gsize count, const char *model, Connection otherwise)
{
    for (gsize i = 0; i < count; i++)
        if (strcmp(rows[i].model, model) == 0)
            return rows[i].connection;
    return otherwise;
}

/* "virtio-transitional" devices work in conventional slots only. */
static gboolean
is_transitional(const xmlNode *node)
{
    return model_attribute_is(node, "model", "virtio-transitional");
}

static void
add_virtio(ViommuDomain *domain, xmlNode *node, guint rank, const char *what)
{
    model_add_endpoint(domain, node, rank, is_transitional(node), what);
}

static void
read_filesystems(ViommuDomain *domain)
{
    static const char *const outside[] = {"mtp", "loop", "nbd", "ploop", NULL};

    for (xmlNode *node = model_child(domain->devices, "filesystem"); node;
         node = model_next(node, "filesystem")) {
        const char *driver = model_value(model_child(node, "driver"), "type");

        if (!driver || !g_strv_contains(outside, driver))
            add_virtio(domain, node, MODEL_RANK_FILESYSTEM,
                       g_strcmp0(driver, "virtiofs") == 0 ? "virtio-fs" : "virtio-9p");
    }
}

/* Without <model> it is what qemuDomainDefaultNetModel (11.3, qemu_postparse.c:52) takes. */
static char *
net_model(const ViommuDomain *domain, const xmlNode *node)
{
    char *written = model_attribute(model_child(node, "model"), "type");

    if (written)
        return written;
    return g_strdup(domain->is_virt || model_attribute_is(node, "type", "vdpa") ||
                            model_attribute_is(node, "type", "vhostuser")
                        ? "virtio"
                        : "rtl8139");
}

static void
read_nets(ViommuDomain *domain)
{
    static const ModelRow rows[] = {
        {"virtio", EXPRESS},  {"virtio-non-transitional", EXPRESS},
        {"e1000e", EXPRESS},  {"igb", EXPRESS},
        {"usb-net", NOT_PCI},
    };

    for (xmlNode *node = model_child(domain->devices, "interface"); node;
         node = model_next(node, "interface")) {
        g_autofree char *model = net_model(domain, node);
        g_autofree char *what =
            g_strdup_printf("%s", g_str_has_prefix(model, "virtio") ? "virtio-net" : model);
        Connection connection = look_up(rows, G_N_ELEMENTS(rows), model, CONVENTIONAL);

        if (!model_attribute_is(node, "type", "hostdev") && connection != NOT_PCI)
            model_add_endpoint(domain, node, MODEL_RANK_NET, connection == CONVENTIONAL, what);
    }
}

static void
read_sounds(ViommuDomain *domain)
{
    static const ModelRow rows[] = {
        {"virtio", EXPRESS}, {"sb16", NOT_PCI}, {"pcspk", NOT_PCI},
        {"usb", NOT_PCI},    {"ich7", NOT_PCI},
    };

    for (xmlNode *node = model_child(domain->devices, "sound"); node;
         node = model_next(node, "sound")) {
        const char *model = model_value(node, "model");
        g_autofree char *what = g_strdup_printf("%s sound", model ? model : "default");
        Connection connection = look_up(rows, G_N_ELEMENTS(rows), model ? model : "", CONVENTIONAL);

        if (connection != NOT_PCI)
            model_add_endpoint(domain, node, MODEL_RANK_SOUND, connection == CONVENTIONAL, what);
    }
}

/* virDiskNameToIndex (11.3, util/virutil.c): a prefix, letters as digits of base 26, and perhaps
 * the number of a partition. */
gint
model_disk_index(const xmlNode *disk)
{
    static const char *const prefixes[] = {"fd", "hd", "vd", "sd", "xvd", "ubd"};
    const char *target = model_value(model_child(disk, "target"), "dev");
    const char *name = NULL;
    gint index = 0;

    for (guint i = 0; target && i < G_N_ELEMENTS(prefixes); i++)
        if (g_str_has_prefix(target, prefixes[i]))
            name = target + strlen(prefixes[i]);
    if (!name || !g_ascii_islower(*name))
        return -1;
    for (; g_ascii_islower(*name) && index < 26 * 26 * 26; name++)
        index = index * 26 + (*name - 'a') + 1;
    return index - 1;
}

/* virDomainDiskDefPostParse, 11.3, conf/domain_postparse.c:510 */
char *
model_disk_bus(const xmlNode *disk)
{
    const xmlNode *target = model_child(disk, "target");
    const char *dev = model_value(target, "dev");
    char *bus = model_attribute(target, "bus");

    if (bus)
        return bus;
    if (model_attribute_is(disk, "device", "floppy"))
        return g_strdup("fdc");
    if (dev && g_str_has_prefix(dev, "sd"))
        return g_strdup("scsi");
    if (dev && g_str_has_prefix(dev, "vd"))
        return g_strdup("virtio");
    return g_strdup(dev && g_str_has_prefix(dev, "xvd") ? "xen" : "ide");
}

/* libvirt keeps disks of one bus sorted by target name (virDomainDiskInsert, 11.3,
 * conf/domain_conf.c:15119). */
static void
insert_disk(GPtrArray *disks, xmlNode *disk)
{
    guint place = disks->len;

    while (place > 0 && model_disk_index(disks->pdata[place - 1]) > model_disk_index(disk))
        place--;
    g_ptr_array_insert(disks, (gint)place, disk);
}

static void
read_disks(ViommuDomain *domain)
{
    g_autoptr(GPtrArray) disks = g_ptr_array_new();

    for (xmlNode *node = model_child(domain->devices, "disk"); node;
         node = model_next(node, "disk")) {
        g_autofree char *bus = model_disk_bus(node);

        if (strcmp(bus, "virtio") == 0)
            insert_disk(disks, node);
    }
    for (guint i = 0; i < disks->len; i++)
        add_virtio(domain, disks->pdata[i], MODEL_RANK_DISK, "virtio-blk");
}

/* vhost-scsi: placed among the assigned devices */
static void
read_scsi_hosts(ViommuDomain *domain)
{
    for (xmlNode *node = model_child(domain->devices, "hostdev"); node;
         node = model_next(node, "hostdev"))
        if (model_attribute_is(node, "type", "scsi_host"))
            add_virtio(domain, node, MODEL_RANK_HOSTDEV, "vhost-scsi");
}

/* x86 gets a balloon when none is written, ARM does not. */
static void
read_balloon(ViommuDomain *domain)
{
    xmlNode *node = model_child(domain->devices, "memballoon");

    if (!node && (domain->is_q35 || domain->is_i440fx))
        model_add_endpoint(domain, NULL, MODEL_RANK_BALLOON, FALSE, "virtio-balloon");
    if (node && !model_attribute_is(node, "model", "none") &&
        !model_attribute_is(node, "model", "xen"))
        add_virtio(domain, node, MODEL_RANK_BALLOON, "virtio-balloon");
}

static void
read_each_virtio(ViommuDomain *domain, const char *element, guint rank, const char *what)
{
    for (xmlNode *node = model_child(domain->devices, element); node;
         node = model_next(node, element))
        add_virtio(domain, node, rank, what);
}

static void
read_watchdogs(ViommuDomain *domain)
{
    for (xmlNode *node = model_child(domain->devices, "watchdog"); node;
         node = model_next(node, "watchdog"))
        if (model_attribute_is(node, "model", "i6300esb"))
            model_add_endpoint(domain, node, MODEL_RANK_WATCHDOG, TRUE, "i6300esb watchdog");
}

static void
read_video(ViommuDomain *domain, xmlNode *node)
{
    static const ModelRow rows[] = {
        {"virtio", EXPRESS}, {"bochs", EXPRESS}, {"gop", NOT_PCI},
        {"none", NOT_PCI},   {"ramfb", NOT_PCI},
    };
    g_autofree char *model = model_attribute(model_child(node, "model"), "type");
    g_autofree char *what = NULL;
    Connection connection;

    if (!model || strcmp(model, "default") == 0) {
        g_free(model);
        model = g_strdup(domain->is_virt ? "virtio" : "vga");
    }
    what = g_strdup_printf("%s video", model);
    connection = look_up(rows, G_N_ELEMENTS(rows), model, CONVENTIONAL);
    if (connection != NOT_PCI)
        model_add_endpoint(domain, node, MODEL_RANK_VIDEO, connection == CONVENTIONAL, what);
}

/* The primary one comes first; <graphics> alone brings a video device along. */
static void
read_videos(ViommuDomain *domain)
{
    xmlNode *first = model_child(domain->devices, "video");
    xmlNode *primary = NULL;

    for (xmlNode *node = first; node; node = model_next(node, "video"))
        if (model_attribute_is(model_child(node, "model"), "primary", "yes"))
            primary = node;
    if (primary)
        read_video(domain, primary);
    for (xmlNode *node = first; node; node = model_next(node, "video"))
        if (node != primary)
            read_video(domain, node);
    if (!first && model_child(domain->devices, "graphics"))
        read_video(domain, NULL);
}

static void
read_inputs(ViommuDomain *domain)
{
    for (xmlNode *node = model_child(domain->devices, "input"); node;
         node = model_next(node, "input"))
        if (model_attribute_is(node, "bus", "virtio"))
            add_virtio(domain, node, MODEL_RANK_INPUT, "virtio-input");
}

static void
read_serials(ViommuDomain *domain)
{
    for (xmlNode *node = model_child(domain->devices, "serial"); node;
         node = model_next(node, "serial"))
        if (model_attribute_is(model_child(node, "target"), "type", "pci-serial"))
            model_add_endpoint(domain, node, MODEL_RANK_SERIAL, TRUE, "pci-serial");
}

static void
read_memory_devices(ViommuDomain *domain)
{
    for (xmlNode *node = model_child(domain->devices, "memory"); node;
         node = model_next(node, "memory"))
        if (model_attribute_is(node, "model", "virtio-mem") ||
            model_attribute_is(node, "model", "virtio-pmem"))
            model_add_endpoint(domain, node, MODEL_RANK_MEMORY, FALSE, "virtio memory");
}

static void
read_conventional(ViommuDomain *domain, const char *element, guint rank, const char *what)
{
    for (xmlNode *node = model_child(domain->devices, element); node;
         node = model_next(node, element))
        model_add_endpoint(domain, node, rank, TRUE, what);
}

static void
read_panics(ViommuDomain *domain)
{
    for (xmlNode *node = model_child(domain->devices, "panic"); node;
         node = model_next(node, "panic"))
        if (model_attribute_is(node, "model", "pvpanic") ||
            (domain->is_virt && model_attribute_is(node, "model", NULL)))
            model_add_endpoint(domain, node, MODEL_RANK_PANIC, TRUE, "pvpanic");
}

void
model_read_endpoints(ViommuDomain *domain)
{
    domain->virtio_mmio = uses_mmio(domain);
    read_filesystems(domain);
    read_nets(domain);
    read_sounds(domain);
    model_read_device_controllers(domain);
    read_disks(domain);
    read_scsi_hosts(domain);
    read_balloon(domain);
    read_each_virtio(domain, "rng", MODEL_RANK_RNG, "virtio-rng");
    read_watchdogs(domain);
    read_videos(domain);
    read_conventional(domain, "shmem", MODEL_RANK_SHMEM, "ivshmem");
    read_inputs(domain);
    read_serials(domain);
    read_each_virtio(domain, "vsock", MODEL_RANK_VSOCK, "vhost-vsock");
    read_memory_devices(domain);
    read_conventional(domain, "crypto", MODEL_RANK_CRYPTO, "virtio-crypto");
    read_panics(domain);
    read_conventional(domain, "pstore", MODEL_RANK_PSTORE, "acpi-erst");
}
