/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "model-private.h"

void
model_hostdev_free(ModelHostdev *hostdev)
{
    if (!hostdev)
        return;
    g_free(hostdev->alias);
    g_free(hostdev->mdev_uuid);
    g_free(hostdev->source_text);
    g_free(hostdev->network);
    g_hash_table_unref(hostdev->properties);
    g_free(hostdev);
}

/* TRUE: @node is a device that VFIO assigns, or may turn out to be one. */
/* libvirt 11.3 src/conf/domain_conf.c (virDomainHostdevMode, virDomainHostdevSubsys,
 * virDomainHostdevCaps); no mode is "subsystem" */
gboolean
model_hostdev_is_known(const xmlNode *node)
{
    static const char *const subsystems[] = {"usb", "pci", "scsi", "scsi_host", "mdev", NULL};
    static const char *const capabilities[] = {"storage", "misc", "net", NULL};
    const char *mode = model_value(node, "mode"), *type = model_value(node, "type");

    if (!type)
        return FALSE;
    if (!mode || strcmp(mode, "subsystem") == 0)
        return g_strv_contains(subsystems, type);
    return strcmp(mode, "capabilities") == 0 && g_strv_contains(capabilities, type);
}

static gboolean
kind_of(const xmlNode *node, ModelHostdevKind *ret)
{
    gboolean is_interface = model_is(node, "interface");
    const char *type, *mode;

    if (!is_interface && !model_is(node, "hostdev"))
        return FALSE;
    type = model_value(node, "type");
    mode = model_value(node, "mode");
    if (is_interface) {
        *ret = g_strcmp0(type, "hostdev") == 0 ? MODEL_HOSTDEV_INTERFACE : MODEL_HOSTDEV_NETWORK;
        return g_strcmp0(type, "hostdev") == 0 || g_strcmp0(type, "network") == 0;
    }
    if (mode && strcmp(mode, "subsystem") != 0)
        return FALSE;
    *ret = g_strcmp0(type, "mdev") == 0 ? MODEL_HOSTDEV_MDEV : MODEL_HOSTDEV_PCI;
    return g_strcmp0(type, "mdev") == 0 || g_strcmp0(type, "pci") == 0;
}

static void
read_source(ModelHostdev *hostdev)
{
    const xmlNode *source = model_child(hostdev->node, "source");

    hostdev->source_address = model_child(source, "address");
    if (hostdev->kind == MODEL_HOSTDEV_MDEV)
        hostdev->mdev_uuid = model_attribute(hostdev->source_address, "uuid");
    else if (hostdev->kind == MODEL_HOSTDEV_NETWORK)
        hostdev->network = model_attribute(source, "network");
    else
        hostdev->host_known = model_pci_attributes(hostdev->source_address, &hostdev->host);
    hostdev->source_text =
        hostdev->host_known ? base_pci_format(hostdev->host) : g_strdup(hostdev->mdev_uuid);
}

/* A mediated device takes the legacy way whatever is written (libvirt 12.8: the attribute is
 * dropped); for a network the pool's own <driver> has its say as well. */
static void
read_iommufd(const ViommuDomain *domain, ModelHostdev *hostdev)
{
    BaseTri written = model_switch(hostdev->driver, "iommufd");

    hostdev->iommufd_written = written != BASE_UNKNOWN;
    if (hostdev->kind == MODEL_HOSTDEV_MDEV)
        hostdev->iommufd = BASE_NO;
    else if (hostdev->iommufd_written)
        hostdev->iommufd = written;
    else if (domain->iommufd_enabled != BASE_UNKNOWN)
        hostdev->iommufd = domain->iommufd_enabled;
    else
        hostdev->iommufd = hostdev->kind == MODEL_HOSTDEV_NETWORK ? BASE_UNKNOWN : BASE_NO;
}

/* vfio-ccw and vfio-ap devices of s390 have no place on PCI. */
static ModelAddress
read_address(const ModelHostdev *hostdev)
{
    ModelAddress address = model_guest_address(hostdev->node);

    if (hostdev->kind == MODEL_HOSTDEV_MDEV &&
        !model_attribute_is(hostdev->node, "model", "vfio-pci"))
        address.kind = MODEL_ADDRESS_NONE;
    /* libvirt refuses any other type: whoever wrote it wants the device assigned */
    else if (hostdev->kind == MODEL_HOSTDEV_PCI && address.kind == MODEL_ADDRESS_NONE &&
             !model_attribute_is(address.node, "type", "unassigned"))
        address.kind = MODEL_ADDRESS_UNKNOWN;
    return address;
}

void
model_read_hostdevs(ViommuDomain *domain)
{
    for (xmlNode *node = model_first_element(domain->devices); node;
         node = model_next_element(node)) {
        ModelHostdev *hostdev;
        ModelHostdevKind kind;

        if (model_is(node, "hostdev") && !model_hostdev_is_known(node))
            domain->unread_hostdevs++;
        if (!kind_of(node, &kind))
            continue;
        hostdev = g_new0(ModelHostdev, 1);
        hostdev->node = node;
        hostdev->kind = kind;
        hostdev->properties = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        hostdev->alias = model_alias(node);
        hostdev->managed = model_attribute_is(node, "managed", "yes");
        hostdev->driver = model_child(node, "driver");
        read_source(hostdev);
        read_iommufd(domain, hostdev);
        hostdev->address = read_address(hostdev);
        g_ptr_array_add(domain->hostdevs, hostdev);
    }
}
