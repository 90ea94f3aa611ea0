/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of this room share. Each reader fills its part of the domain. */
#pragma once

#include "model.h"

/* "file:line: message" about an element that libvirt would refuse too; always FALSE. */
gboolean model_refuse(const ViommuDomain *domain, const xmlNode *element, GError **error,
                      const char *format, ...) G_GNUC_PRINTF(4, 5);

/* Reading helpers. Names are without namespace; @element may be NULL. */
xmlNode *model_next(const xmlNode *element, const char *name); /* next sibling of that name */
xmlNode *model_first_element(const xmlNode *parent);
xmlNode *model_next_element(const xmlNode *element);
gboolean model_is(const xmlNode *element, const char *name);
gboolean model_is_in(const xmlNode *element, const char *name, const char *name_space);
gboolean model_attribute_is(const xmlNode *element, const char *name, const char *value);
/* (transfer full) (nullable): text content without surrounding white space; NULL when empty */
char *model_text(const xmlNode *element);
/* <alias name=…> */
char *model_alias(const xmlNode *device);
/* An unsigned attribute; UNKNOWN when malformed, ABSENT when not written. @base 0: 0x… too. */
BaseU64 model_number(const xmlNode *element, const char *name, guint base);
/* yes/on = YES, no/off = NO, anything else UNKNOWN */
BaseTri model_switch(const xmlNode *element, const char *name);

/* A size element as libvirt reads it: number, @unit (default KiB), rounded up to whole KiB.
 * ABSENT when @element is NULL or empty. FALSE: not a number, unknown unit, or too large. */
gboolean model_size(const ViommuDomain *domain, const xmlNode *element, BaseU64 *ret,
                    GError **error);

/* domain, bus, slot, function of an <address>; FALSE: malformed or out of range */
gboolean model_pci_attributes(const xmlNode *address, BasePci *ret);
/* The guest address of a device. Kind NONE when its <address> is of another type, UNKNOWN when
 * it has no (usable) one yet: placement decides later. */
ModelAddress model_guest_address(const xmlNode *device);

/* Classes of devices in the order in which libvirt gives them PCI addresses, after the controllers
 * of PCI itself (qemuDomainAssignDevicePCISlots, 11.3, qemu_domain_address.c:2063). */
enum {
    MODEL_RANK_FILESYSTEM,
    MODEL_RANK_NET,
    MODEL_RANK_SOUND,
    MODEL_RANK_CONTROLLER,
    MODEL_RANK_DISK,
    MODEL_RANK_HOSTDEV,
    MODEL_RANK_BALLOON,
    MODEL_RANK_RNG,
    MODEL_RANK_WATCHDOG,
    MODEL_RANK_VIDEO,
    MODEL_RANK_SHMEM,
    MODEL_RANK_INPUT,
    MODEL_RANK_SERIAL,
    MODEL_RANK_IOMMU,
    MODEL_RANK_VSOCK,
    MODEL_RANK_MEMORY,
    MODEL_RANK_CRYPTO,
    MODEL_RANK_PANIC,
    MODEL_RANK_PSTORE,
};

/* Appends an endpoint; @node NULL: libvirt adds the device. It is left out (NULL) when its address
 * is of another bus type. @conventional is what libvirt does on a PCIe machine. */
ModelEndpoint *model_add_endpoint(ViommuDomain *domain, xmlNode *node, guint rank,
                                  gboolean conventional, const char *what);
/* Controllers other than PCI ones, those that libvirt adds included. */
void model_read_device_controllers(ViommuDomain *domain);
/* Whether so many SCSI units or virtio ports are written that libvirt may add controllers which we
 * do not foresee. */
gboolean model_controllers_may_overflow(const ViommuDomain *domain);
/* Index of a disk's target name ("sda": 0); -1: no disk name */
gint model_disk_index(const xmlNode *disk);
/* Bus of a disk: written, or what libvirt takes from device and target name. (transfer full) */
char *model_disk_bus(const xmlNode *disk);

gboolean model_read_scalars(ViommuDomain *domain, GError **error);
gboolean model_read_memory(ViommuDomain *domain, GError **error);
gboolean model_read_controllers(ViommuDomain *domain, GError **error);
void model_read_hostdevs(ViommuDomain *domain);
void model_read_iommus(ViommuDomain *domain);
void model_read_arguments(ViommuDomain *domain);
void model_read_overrides(ViommuDomain *domain);
void model_read_intent(ViommuDomain *domain);
void model_read_endpoints(ViommuDomain *domain);
/* Fills the addresses that are not written; needs everything else. */
void model_predict_placement(ViommuDomain *domain);
/* libvirt's name of a kind; NULL for OTHER */
const char *model_bus_name(ModelBusKind kind);

ModelIommu *model_iommu_new(void);
void model_iommu_free(ModelIommu *iommu);
void model_hostdev_free(ModelHostdev *hostdev);
void model_endpoint_free(ModelEndpoint *endpoint);
void model_override_free(ModelOverride *override);
void model_intent_device_free(ModelIntentDevice *device);
