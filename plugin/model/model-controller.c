/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Controllers of disks, USB and serial ports: written ones and those that libvirt adds. */
#include <string.h>

#include "model-private.h"

/* One controller in libvirt's list. Strings belong to it. */
typedef struct {
    xmlNode *node; /* NULL: libvirt adds it */
    char *type, *model;
    gint index;         /* -1: none written, and none given yet */
    guint late;         /* see ModelEndpoint */
    gboolean companion; /* <master>: a USB companion, behind its master */
} Entry;

static void
entry_free(Entry *entry)
{
    g_free(entry->type);
    g_free(entry->model);
    g_free(entry);
}

static gboolean
has_entry(const GPtrArray *list, const char *type, gint index)
{
    for (guint i = 0; i < list->len; i++) {
        const Entry *entry = list->pdata[i];

        if (entry->index == index && strcmp(entry->type, type) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Grouped by type in order of first appearance, by index within a type, and masters before their
 * companions: virDomainControllerInsertPreAlloced (11.3, conf/domain_conf.c:15517). */
static void
insert_entry(GPtrArray *list, Entry *new)
{
    gint place = -1;

    for (gint i = (gint)list->len - 1; i >= 0; i--) {
        const Entry *entry = list->pdata[i];

        if (strcmp(entry->type, new->type) != 0)
            continue;
        if (new->index == -1) {
            place = i + 1;
            break;
        }
        if (entry->index > new->index ||
            (entry->index == new->index && !new->companion && entry->companion))
            place = i;
        else if (place == -1)
            place = i + 1;
    }
    g_ptr_array_insert(list, place, new);
}

static void
add_missing(GPtrArray *list, const char *type, gint index, const char *model)
{
    Entry *entry;

    if (has_entry(list, type, index))
        return;
    entry = g_new0(Entry, 1);
    entry->type = g_strdup(type);
    entry->model = g_strdup(model);
    entry->index = index;
    entry->late = list->len + 1;
    insert_entry(list, entry);
}

static gboolean
is_usb2(const Entry *entry)
{
    return strcmp(entry->type, "usb") == 0 && entry->model &&
           g_str_has_prefix(entry->model, "ich9-");
}

/* The index of the USB 2 controller before @place, unless that one has this model already; -1:
 * a new index is needed. */
static gint
companion_index(const GPtrArray *list, guint place)
{
    const Entry *entry = list->pdata[place], *before = NULL;

    for (guint i = 0; i < place; i++)
        if (strcmp(((Entry *)list->pdata[i])->type, "usb") == 0)
            before = list->pdata[i];
    if (!before || !is_usb2(before))
        return -1;
    for (guint i = 0; i < list->len; i++) {
        const Entry *other = list->pdata[i];

        if (is_usb2(other) && other->index == before->index &&
            strcmp(other->model, entry->model) == 0)
            return -1;
    }
    return before->index;
}

/* virDomainAssignControllerIndexes (11.3, conf/domain_postparse.c:1341): the lowest free index,
 * but the functions of one USB 2 controller share theirs and are sorted anew. */
static GPtrArray *
give_indexes(GPtrArray *list)
{
    GPtrArray *sorted = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
    g_autoptr(GHashTable) next = g_hash_table_new(g_str_hash, g_str_equal);
    gboolean again = FALSE;

    for (guint i = 0; i < list->len; i++) {
        Entry *entry = list->pdata[i];
        gint index = GPOINTER_TO_INT(g_hash_table_lookup(next, entry->type));

        if (entry->index != -1)
            continue;
        again = again || is_usb2(entry);
        entry->index = is_usb2(entry) ? companion_index(list, i) : -1;
        if (entry->index != -1)
            continue;
        while (has_entry(list, entry->type, index))
            index++;
        entry->index = index;
        g_hash_table_insert(next, entry->type, GINT_TO_POINTER(index));
    }
    for (guint i = 0; i < list->len; i++) {
        if (again)
            insert_entry(sorted, list->pdata[i]);
        else
            g_ptr_array_add(sorted, list->pdata[i]);
    }
    g_ptr_array_set_free_func(list, NULL);
    g_ptr_array_unref(list);
    return sorted;
}

static void
read_written(const ViommuDomain *domain, GPtrArray *list)
{
    for (xmlNode *node = model_child(domain->devices, "controller"); node;
         node = model_next(node, "controller")) {
        BaseU64 index = model_number(node, "index", 10);
        Entry *entry;

        if (model_attribute_is(node, "type", "pci") || !xmlHasProp(node, BAD_CAST "type"))
            continue;
        entry = g_new0(Entry, 1);
        entry->node = node;
        entry->type = model_attribute(node, "type");
        entry->model = model_attribute(node, "model");
        entry->index = base_u64_is_known(index) ? (gint)MIN(index.value, G_MAXINT) : -1;
        entry->companion = model_child(node, "master") != NULL;
        insert_entry(list, entry);
    }
}

/* Number of the controller that a disk hangs on: written, or by its target name
 * (virDomainDiskDefAssignAddress, 11.3, conf/domain_conf.c:6790). -1: cannot be told */
static gint
disk_controller(const xmlNode *disk, guint disks_per_controller)
{
    const xmlNode *address = model_child(disk, "address");
    BaseU64 written = model_number(address, "controller", 10);
    gint index = model_disk_index(disk);

    if (address && model_attribute_is(address, "type", "drive"))
        return base_u64_is_known(written) ? (gint)MIN(written.value, 255) : 0;
    return address || index < 0 ? -1 : index / (gint)disks_per_controller;
}

static void
add_for_disks(const ViommuDomain *domain, GPtrArray *list, const char *bus, guint per_controller)
{
    gint last = -1;

    for (const xmlNode *node = model_child(domain->devices, "disk"); node;
         node = model_next(node, "disk")) {
        g_autofree char *disk_bus = model_disk_bus(node);

        if (strcmp(disk_bus, bus) == 0)
            last = MAX(last, disk_controller(node, per_controller));
    }
    for (gint i = 0; i <= MIN(last, 255); i++)
        add_missing(list, bus, i, NULL);
}

/* virtio channels and consoles need a virtio-serial controller. */
static void
add_for_channels(const ViommuDomain *domain, GPtrArray *list, const char *element)
{
    for (const xmlNode *node = model_child(domain->devices, element); node;
         node = model_next(node, element)) {
        const xmlNode *address = model_child(node, "address");
        BaseU64 index = model_number(address, "controller", 10);

        if (model_attribute_is(model_child(node, "target"), "type", "virtio"))
            add_missing(list, "virtio-serial",
                        base_u64_is_known(index) ? (gint)MIN(index.value, G_MAXINT) : 0, NULL);
    }
}

static void
add_for_scsi_hostdevs(const ViommuDomain *domain, GPtrArray *list)
{
    for (const xmlNode *node = model_child(domain->devices, "hostdev"); node;
         node = model_next(node, "hostdev")) {
        BaseU64 index = model_number(model_child(node, "address"), "controller", 10);

        if (model_attribute_is(node, "type", "scsi"))
            for (gint i = 0; i <= (gint)MIN(index.value, 255); i++)
                add_missing(list, "scsi", i, NULL);
    }
}

/* qemuDomainDefAddDefaultDevices (11.3, qemu_postparse.c:1178), and then
 * virDomainDefAddImplicitControllers (conf/domain_conf.c:22646). */
static void
add_implied(const ViommuDomain *domain, GPtrArray *list)
{
    if (domain->is_q35 || domain->is_i440fx)
        add_missing(list, "usb", 0, domain->is_q35 ? "qemu-xhci" : NULL);
    if (domain->is_q35)
        add_missing(list, "sata", 0, NULL);
    add_for_disks(domain, list, "scsi", 7);
    add_for_disks(domain, list, "ide", 4);
    add_for_disks(domain, list, "sata", 6);
    add_for_channels(domain, list, "channel");
    add_for_channels(domain, list, "console");
    add_for_scsi_hostdevs(domain, list);
}

/* The models that libvirt takes where none is written: qemuDomainControllerDefPostParse (11.3,
 * qemu_postparse.c:294). NULL: not a PCI device, or unknown to us. */
static const char *
default_model(const ViommuDomain *domain, const char *type)
{
    static const char *const table[][2] = {
        {"scsi", "lsilogic"}, {"virtio-serial", "virtio"}, {"sata", "ahci"}, {"ide", "piix"}};

    if (strcmp(type, "usb") == 0)
        return domain->is_virt ? "qemu-xhci" : "piix3-uhci";
    for (guint i = 0; i < G_N_ELEMENTS(table); i++)
        if (strcmp(table[i][0], type) == 0)
            return table[i][1];
    return NULL;
}

static gboolean
is_conventional(const char *type, const char *model)
{
    static const char *const express[] = {
        "nec-xhci", "qemu-xhci", "virtio-scsi", "virtio", "virtio-non-transitional", NULL};

    return strcmp(type, "sata") == 0 || strcmp(type, "ide") == 0 ||
           !g_strv_contains(express, model);
}

static void
add_endpoint(ViommuDomain *domain, const Entry *entry)
{
    const char *model = entry->model && strcmp(entry->model, "auto") != 0
                            ? entry->model
                            : default_model(domain, entry->type);
    g_autofree char *what = NULL;
    ModelEndpoint *endpoint;

    if (!model || !default_model(domain, entry->type) || strcmp(model, "none") == 0 ||
        strcmp(model, "ncr53c90") == 0 || strcmp(model, "ibmvscsi") == 0)
        return;
    what = g_str_has_prefix(model, "virtio")
               ? g_strdup(strcmp(entry->type, "scsi") == 0 ? "virtio-scsi" : "virtio-serial")
               : g_strdup_printf("%s controller %s", entry->type, model);
    endpoint = model_add_endpoint(domain, entry->node, MODEL_RANK_CONTROLLER,
                                  is_conventional(entry->type, model), what);
    if (!endpoint)
        return;
    endpoint->index = (guint)entry->index;
    endpoint->late = entry->late;
}

static guint
count_scsi_units(const ViommuDomain *domain)
{
    guint count = 0;

    for (const xmlNode *node = model_first_element(domain->devices); node;
         node = model_next_element(node)) {
        g_autofree char *bus = model_is(node, "disk") ? model_disk_bus(node) : NULL;

        count += g_strcmp0(bus, "scsi") == 0 ||
                 (model_is(node, "hostdev") && model_attribute_is(node, "type", "scsi"));
    }
    return count;
}

static guint
count_virtio_ports(const ViommuDomain *domain)
{
    guint count = 0;

    for (const xmlNode *node = model_first_element(domain->devices); node;
         node = model_next_element(node))
        count += (model_is(node, "channel") || model_is(node, "console")) &&
                 model_attribute_is(model_child(node, "target"), "type", "virtio");
    return count;
}

/* 31 ports where none are written (VIR_DOMAIN_DEFAULT_VIRTIO_SERIAL_PORTS), port 0 reserved. */
static guint64
fewest_virtio_ports(const ViommuDomain *domain)
{
    guint64 fewest = 31;

    for (const xmlNode *node = model_child(domain->devices, "controller"); node;
         node = model_next(node, "controller")) {
        BaseU64 ports = model_number(node, "ports", 10);

        if (model_attribute_is(node, "type", "virtio-serial") && base_u64_is_known(ports))
            fewest = MIN(fewest, ports.value);
    }
    return fewest ? fewest - 1 : 0;
}

gboolean
model_controllers_may_overflow(const ViommuDomain *domain)
{
    gboolean scsi_hostdevs = FALSE;

    for (const xmlNode *node = model_child(domain->devices, "hostdev"); node;
         node = model_next(node, "hostdev"))
        scsi_hostdevs = scsi_hostdevs || model_attribute_is(node, "type", "scsi");
    return (scsi_hostdevs && count_scsi_units(domain) > 7) ||
           count_virtio_ports(domain) > fewest_virtio_ports(domain);
}

void
model_read_device_controllers(ViommuDomain *domain)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);

    read_written(domain, list);
    list = give_indexes(list);
    add_implied(domain, list);
    for (guint i = 0; i < list->len; i++)
        add_endpoint(domain, list->pdata[i]);
}
