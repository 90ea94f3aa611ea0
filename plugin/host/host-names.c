/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-names.h"

#include <string.h>

typedef struct {
    const char *name;
    guint value;
} Word;

static const Word iommu_types[] = {
    {"intel-vtd", HOST_IOMMU_VTD},       {"amd-vi", HOST_IOMMU_AMD},
    {"arm-smmuv3", HOST_IOMMU_SMMUV3},   {"arm-smmuv2", HOST_IOMMU_SMMUV2},
    {"virtio-iommu", HOST_IOMMU_VIRTIO}, {"riscv-iommu", HOST_IOMMU_RISCV},
};

static const Word region_types[] = {
    {"direct", HOST_REGION_DIRECT},
    {"direct-relaxable", HOST_REGION_DIRECT_RELAXABLE},
    {"reserved", HOST_REGION_RESERVED},
    {"msi", HOST_REGION_MSI},
};

static const Word pcie_types[] = {
    {"endpoint", HOST_PCIE_ENDPOINT},
    {"legacy-endpoint", HOST_PCIE_LEGACY_ENDPOINT},
    {"root-port", HOST_PCIE_ROOT_PORT},
    {"upstream-port", HOST_PCIE_UPSTREAM},
    {"downstream-port", HOST_PCIE_DOWNSTREAM},
    {"pcie-to-pci-bridge", HOST_PCIE_TO_PCI_BRIDGE},
    {"pci-to-pcie-bridge", HOST_PCI_TO_PCIE_BRIDGE},
    {"rc-endpoint", HOST_PCIE_RC_ENDPOINT},
    {"rc-event-collector", HOST_PCIE_RC_EVENT_COLLECTOR},
};

static const char *const acs_names[HOST_ACS_FLAGS] = {"sv", "tb", "rr", "cr", "uf", "ec", "dt"};

static const Word *
word_by_name(const Word *words, gsize n, const char *name)
{
    for (gsize i = 0; i < n; i++) {
        if (strcmp(words[i].name, name) == 0)
            return &words[i];
    }
    return NULL;
}

static const char *
name_by_value(const Word *words, gsize n, guint value)
{
    for (gsize i = 0; i < n; i++) {
        if (words[i].value == value)
            return words[i].name;
    }
    return NULL;
}

HostIommuType
host_iommu_type_parse(const char *text)
{
    const Word *word = word_by_name(iommu_types, G_N_ELEMENTS(iommu_types), text);

    return word ? word->value : HOST_IOMMU_UNKNOWN;
}

const char *
host_iommu_type_name(HostIommuType type)
{
    return name_by_value(iommu_types, G_N_ELEMENTS(iommu_types), type);
}

HostRegionType
host_region_type_parse(const char *text)
{
    const Word *word = word_by_name(region_types, G_N_ELEMENTS(region_types), text);

    return word ? word->value : HOST_REGION_OTHER;
}

const char *
host_region_type_name(HostRegionType type)
{
    const char *name = name_by_value(region_types, G_N_ELEMENTS(region_types), type);

    return name ? name : "other";
}

gboolean
host_pcie_type_parse(const char *text, HostPcieType *ret)
{
    const Word *word = word_by_name(pcie_types, G_N_ELEMENTS(pcie_types), text);

    if (word)
        *ret = word->value;
    return word != NULL;
}

const char *
host_pcie_type_name(HostPcieType type)
{
    return name_by_value(pcie_types, G_N_ELEMENTS(pcie_types), type);
}

guint
host_acs_parse(const char *text)
{
    for (guint i = 0; i < HOST_ACS_FLAGS; i++) {
        if (strcmp(acs_names[i], text) == 0)
            return 1U << i;
    }
    return 0;
}

const char *
host_acs_name(guint index)
{
    return acs_names[index];
}
