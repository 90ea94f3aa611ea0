/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "view-stack.h"

#include <string.h>

/* Since-versions: libvirt 12.8 docs/formatdomain.html "IOMMU devices" and NEWS; properties: the
 * command lines that libvirt 12.8.0 makes of them. */
static const StackAttribute attributes[] = {
    {MODEL_IOMMU_INTEL, "intremap", BASE_VERSION(3, 4, 0), "intremap",
     "libvirt 12.8 formatdomain.html, IOMMU devices"},
    {MODEL_IOMMU_INTEL, "caching_mode", BASE_VERSION(3, 4, 0), "caching-mode",
     "libvirt 12.8 formatdomain.html, IOMMU devices"},
    {MODEL_IOMMU_INTEL, "eim", BASE_VERSION(3, 4, 0), "eim",
     "libvirt 12.8 formatdomain.html, IOMMU devices"},
    {MODEL_IOMMU_INTEL, "iotlb", BASE_VERSION(3, 5, 0), "device-iotlb",
     "libvirt 12.8 formatdomain.html, IOMMU devices"},
    {MODEL_IOMMU_INTEL, "aw_bits", BASE_VERSION(6, 5, 0), "aw-bits",
     "libvirt 12.8 formatdomain.html, IOMMU devices"},
    {MODEL_IOMMU_INTEL, "dma_translation", BASE_VERSION(10, 7, 0), "dma-translation",
     "libvirt 12.8 formatdomain.html, IOMMU devices"},
    {MODEL_IOMMU_AMD, "intremap", BASE_VERSION(11, 5, 0), "intremap",
     "libvirt 12.8 formatdomain.html, IOMMU devices"},
    {MODEL_IOMMU_AMD, "iotlb", BASE_VERSION(11, 5, 0), "device-iotlb", "libvirt 12.8.0, started"},
    {MODEL_IOMMU_AMD, "passthrough", BASE_VERSION(11, 5, 0), "pt",
     "libvirt 12.8 formatdomain.html, IOMMU devices"},
    {MODEL_IOMMU_AMD, "xtsup", BASE_VERSION(11, 5, 0), "xtsup",
     "libvirt 12.8 formatdomain.html, IOMMU devices"},
    {MODEL_IOMMU_VIRTIO, "aw_bits", BASE_VERSION(12, 2, 0), "aw-bits",
     "libvirt 12.2 NEWS; tp-libvirt pull request 6876"},
    {MODEL_IOMMU_SMMUV3, "pciBus", BASE_VERSION(11, 10, 0), "primary-bus",
     "libvirt 12.8 formatdomain.html, IOMMU devices"},
    {MODEL_IOMMU_SMMUV3, "accel", BASE_VERSION(12, 7, 0), "accel",
     "libvirt 12.8 formatdomain.html, IOMMU devices"},
    {MODEL_IOMMU_SMMUV3, "ats", BASE_VERSION(12, 7, 0), "ats",
     "libvirt 12.8 formatdomain.html, IOMMU devices"},
    {MODEL_IOMMU_SMMUV3, "ril", BASE_VERSION(12, 7, 0), "ril",
     "libvirt 12.8 formatdomain.html, IOMMU devices"},
    {MODEL_IOMMU_SMMUV3, "ssidsize", BASE_VERSION(12, 7, 0), "ssidsize",
     "libvirt 12.8 formatdomain.html, IOMMU devices"},
    {MODEL_IOMMU_SMMUV3, "oas", BASE_VERSION(12, 7, 0), "oas",
     "libvirt 12.8 formatdomain.html, IOMMU devices"},
    {MODEL_IOMMU_SMMUV3, "cmdqv", BASE_VERSION(12, 7, 0), "cmdqv",
     "libvirt 12.8 formatdomain.html, IOMMU devices"},
};

const StackAttribute *
stack_attributes(gsize *ret_length)
{
    *ret_length = G_N_ELEMENTS(attributes);
    return attributes;
}

const StackAttribute *
stack_attribute(ModelIommuKind model, const char *attribute)
{
    for (gsize i = 0; i < G_N_ELEMENTS(attributes); i++) {
        if (attributes[i].model == model && strcmp(attributes[i].attribute, attribute) == 0)
            return &attributes[i];
    }
    return NULL;
}

guint64
stack_known_since(const char *attribute)
{
    guint64 since = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(attributes); i++)
        if (strcmp(attributes[i].attribute, attribute) == 0)
            since = since ? MIN(since, attributes[i].since) : attributes[i].since;
    return since;
}

guint64
stack_model_since(ModelIommuKind model)
{
    switch (model) {
    case MODEL_IOMMU_INTEL:
        return BASE_VERSION(2, 1, 0);
    case MODEL_IOMMU_SMMUV3:
        return BASE_VERSION(5, 5, 0);
    case MODEL_IOMMU_VIRTIO:
        return BASE_VERSION(8, 3, 0);
    case MODEL_IOMMU_AMD:
        return BASE_VERSION(11, 5, 0);
    case MODEL_IOMMU_OTHER:
        break;
    }
    return 0;
}

/* Read: QEMU 7.2.0, 10.0.13 and 11.1.1 hw/i386/intel_iommu.c (vtd_properties). The x- names are in
 * 7.2 and 10.0, x-flts in 10.0 alone (its series is of 12 December 2024, after 9.2.0); 11.1 has the
 * plain names only. Which release between 10.0 and 11.1 renamed them is not known. */
static const struct {
    guint64 old_since; /* QEMU that surely has the x- name */
    guint64 old_from;  /* QEMU before this surely has neither; between the two it is not known */
    const char *old_name, *new_name;
} spellings[] = {
    [STACK_SCALABLE_MODE] = {BASE_VERSION(7, 2, 0), 0, "x-scalable-mode", "scalable-mode"},
    [STACK_FIRST_STAGE] = {BASE_VERSION(10, 0, 0), BASE_VERSION(10, 0, 0), "x-flts", "fsts"},
    [STACK_PASID_BITS] = {BASE_VERSION(7, 2, 0), 0, "x-pasid-mode", "pasid-bits"},
};

const char *
stack_qemu_property(StackCapability capability, guint64 qemu, gboolean *ret_known)
{
    guint64 since = spellings[capability].old_since, from = spellings[capability].old_from;

    *ret_known = qemu >= BASE_VERSION(11, 1, 0) || (qemu != 0 && qemu < from) ||
                 (qemu >= since && qemu < BASE_VERSION(10, 1, 0));
    if (!*ret_known)
        return NULL;
    if (qemu >= BASE_VERSION(11, 1, 0))
        return spellings[capability].new_name;
    return qemu >= since ? spellings[capability].old_name : NULL;
}

static gboolean
has_word(const char *words, const char *word)
{
    g_auto(GStrv) list = g_strsplit(words, " ", -1);

    return g_strv_contains((const char *const *)list, word);
}

/* The device's entry where the QEMU that was asked is the one that the XML is for; NULL: not asked
 */
static const HostEntry *
asked_device(const ViommuHost *host, const char *device, guint64 qemu)
{
    if (host->qemu_devices_state != BASE_STATE_KNOWN)
        return NULL;
    if (qemu != 0 && base_u64_is_known(host->qemu) && host->qemu.value != qemu)
        return NULL;
    return host_facts_entry(host->qemu_devices, device);
}

BaseTri
stack_device_has(const ViommuHost *host, const char *device, const char *property, guint64 qemu)
{
    const HostEntry *entry = asked_device(host, device, qemu);

    if (!entry || entry->text.state == BASE_STATE_UNKNOWN)
        return BASE_UNKNOWN;
    return base_tri(entry->text.text && has_word(entry->text.text, property));
}

const char *
stack_host_property(const ViommuHost *host, StackCapability capability, guint64 qemu,
                    gboolean *ret_known)
{
    const HostEntry *device = asked_device(host, "intel-iommu", qemu);

    if (!device || !device->text.text)
        return stack_qemu_property(capability, qemu, ret_known);
    *ret_known = TRUE;
    if (has_word(device->text.text, spellings[capability].new_name))
        return spellings[capability].new_name;
    return has_word(device->text.text, spellings[capability].old_name)
               ? spellings[capability].old_name
               : NULL;
}
