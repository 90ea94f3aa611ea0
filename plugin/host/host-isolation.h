/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why functions share an IOMMU group. */
#pragma once

#include "host-decode.h"

typedef struct {
    BasePci head;  /* the function that stands for its group: the same for all that share one */
    char *because; /* why it does not stand for itself; NULL: it does */
    gboolean off;  /* ACS that would change it is there, and is switched off */
} HostIsolation;

/* (transfer none) (nullable): the bridge above; NULL: none, or not known. The state of its
 * address tells which, but a bridge that the host does not list is not known either. */
const HostDevice *host_device_parent(const ViommuHost *host, const HostDevice *device);
/* Whether all behind the bridge speaks with its requester ID: it leads to conventional PCI. FALSE
 * where config space could not be read. */
gboolean host_bridge_is_conventional(const HostDevice *bridge);
/* Whether ACS keeps the function from reaching others past the IOMMU. @ret_lack: (transfer full)
 * what it lacks, "has ACS without RR+CR"; NULL unless NO. */
BaseTri host_acs_enabled(const ViommuHost *host, const HostDevice *device, char **ret_lack);
/* Which group the kernel should have put it in; UNKNOWN where topology or config space is not
 * known. */
BaseTri host_isolate(const ViommuHost *host, const HostDevice *device, HostIsolation *ret);
void host_isolation_clear(HostIsolation *isolation);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HostIsolation, host_isolation_clear)
/* Whether ACS that is switched off is what joins members of the group. */
gboolean host_group_acs_is_off(const ViommuHost *host, const HostGroup *group);
/* Why the members of a group are together: "bridge 0000:00:1c.0 has ACS without RR+CR". Empty for
 * a group of one. (transfer full): of char * */
GPtrArray *host_group_reasons(const ViommuHost *host, const HostGroup *group);
/* Whether the ACS of a function among several sends its requests to the IOMMU, as Linux demands
 * before it enables PASIDs; what the capability lacks counts as done (7.2 drivers/pci/pci.c:3555,
 * drivers/pci/ats.c:440-490). */
BaseTri host_pcie_redirects(const HostPcie *pcie);
