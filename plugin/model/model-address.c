/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model-private.h"

static gboolean
read_part(const xmlNode *address, const char *name, guint64 max, guint64 *ret)
{
    BaseU64 number = model_number(address, name, 0);

    *ret = number.value;
    return number.state != BASE_STATE_UNKNOWN && number.value <= max;
}

gboolean
model_pci_attributes(const xmlNode *address, BasePci *ret)
{
    guint64 domain, bus, slot, function;

    if (!address || !read_part(address, "domain", G_MAXUINT32, &domain) ||
        !read_part(address, "bus", 0xff, &bus) || !read_part(address, "slot", 31, &slot) ||
        !read_part(address, "function", 7, &function))
        return FALSE;
    *ret = (BasePci){(guint32)domain, (guint8)bus, (guint8)slot, (guint8)function};
    return TRUE;
}

/* libvirt 11.3 src/conf/device_conf.c (virDomainDeviceAddress); "none" is the lack of one */
gboolean
model_address_is_known(const xmlNode *address)
{
    static const char *const types[] = {
        "pci", "drive",       "virtio-serial", "ccid", "usb",        "spapr-vio", "virtio-s390",
        "ccw", "virtio-mmio", "isa",           "dimm", "unassigned", NULL};
    const char *type = model_value(address, "type");

    return type && g_strv_contains(types, type);
}

/* An all-zero PCI address asks libvirt to choose one (virDeviceInfoPCIAddressIsWanted, 11.3,
 * conf/device_conf.c). */
ModelAddress
model_guest_address(const xmlNode *device)
{
    ModelAddress address = {.node = model_child(device, "address")};
    gboolean pci;

    address.kind = MODEL_ADDRESS_UNKNOWN;
    if (!address.node)
        return address;
    pci = model_attribute_is(address.node, "type", "pci");
    address.multifunction = model_switch(address.node, "multifunction") == BASE_YES;
    if (!pci && model_address_is_known(address.node))
        address.kind = MODEL_ADDRESS_NONE;
    else if (pci && model_pci_attributes(address.node, &address.pci) &&
             (address.pci.domain || address.pci.bus || address.pci.slot))
        address.kind = MODEL_ADDRESS_WRITTEN;
    return address;
}
