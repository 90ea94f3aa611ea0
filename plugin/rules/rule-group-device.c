/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Functions and units of the host: what VFIO and libvirt refuse to hand out, or hand out unclean.
 */
#include "host-advice.h"
#include "host-registers.h"
#include "rule-families.h"
#include "rule-shared.h"
#include "rule-tools.h"

#include <string.h>

#define PCI_BRIDGE 0x0604 /* base class and sub-class */

static gboolean
is_function(const RuleCall *call)
{
    return !rule_is_mdev(call);
}

static void
check_endpoint(RuleCall *call)
{
    const HostDevice *fact = call->hostdev->fact;

    if (!fact)
        rule_not_applicable(call);
    else if (!base_u64_is_known(fact->class))
        rule_unknown_of_device(call, &fact->address, "class");
    else if (base_bits(fact->class.value, 23, 8) == PCI_BRIDGE)
        rule_fail(call, call->hostdev->dev->source_address, NULL,
                  "the assigned function is a PCI bridge (class 0x%06x)", (guint)fact->class.value);
}

static void
check_denied(RuleCall *call)
{
    const ViommuHost *host = call->view->host;
    const HostDevice *fact = call->hostdev->fact;
    const char *what;

    if (!fact) {
        rule_not_applicable(call);
        return;
    }
    if (!base_u64_is_known(fact->vendor) || !base_u64_is_known(fact->device)) {
        rule_unknown_of_device(call, &fact->address,
                               base_u64_is_known(fact->vendor) ? "device" : "vendor");
        return;
    }
    what = host_device_denied_as(fact);
    if (!what || g_strcmp0(fact->driver.text, "vfio-pci") == 0 || host->denylist_off == BASE_YES)
        return;
    if (fact->driver.state == BASE_STATE_UNKNOWN)
        rule_unknown_of_device(call, &fact->address, "driver");
    else if (host->denylist_off == BASE_UNKNOWN)
        rule_unknown(call, "vfio/denylist_off", NULL);
    else
        rule_fail(call, NULL, NULL, "vfio-pci refuses 0x%04x:0x%04x (%s), and it is not bound yet",
                  (guint)fact->vendor.value, (guint)fact->device.value, what);
}

static gboolean
has_function(const RuleCall *call)
{
    for (guint i = 0; i < call->view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = call->view->hostdevs->pdata[i];

        if (view_is_assigned(hostdev) && hostdev->dev->kind != MODEL_HOSTDEV_MDEV)
            return TRUE;
    }
    return FALSE;
}

/* Whether a function is assigned on that backend */
static gboolean
has_backend(const View *view, gboolean iommufd)
{
    for (guint i = 0; i < view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = view->hostdevs->pdata[i];

        if (view_is_assigned(hostdev) && hostdev->dev->kind != MODEL_HOSTDEV_MDEV &&
            (hostdev->dev->iommufd == BASE_YES) == iommufd)
            return TRUE;
    }
    return FALSE;
}

/* iommufd has a switch of its own. */
static void
check_msi(RuleCall *call)
{
    const ViommuHost *host = call->view->host;
    BaseTri iommufd = host_iommufd_is_unsafe(host), container = host_container_is_unsafe(host);
    gboolean legacy = has_backend(call->view, FALSE);

    if (host->isolated_msi == BASE_YES)
        return;
    if (host->isolated_msi == BASE_UNKNOWN)
        rule_unknown(call, "vfio/isolated_msi", NULL);
    else if (legacy && container == BASE_UNKNOWN)
        rule_unknown(call, "vfio/unsafe_interrupts", NULL);
    else if (!legacy && iommufd == BASE_UNKNOWN)
        rule_unknown(call, "vfio/iommufd_unsafe_interrupts", NULL);
    else if ((legacy && container == BASE_NO) ||
             (has_backend(call->view, TRUE) && iommufd == BASE_NO))
        rule_fail(call, NULL, NULL,
                  "this host does not remap interrupts, and VFIO hands out no device without that");
}

static void
check_coherency(RuleCall *call)
{
    const HostIommu *unit = call->hostdev->unit;
    const HostDevice *fact = call->hostdev->fact;

    if (!unit || (unit->type == HOST_IOMMU_UNKNOWN && unit->type_text) || !fact) {
        rule_not_applicable(call);
    } else if (unit->type == HOST_IOMMU_UNKNOWN) {
        g_autofree char *path = g_strdup_printf("iommus/%s/type", unit->name);

        rule_unknown(call, path, NULL);
    } else if (unit->type != HOST_IOMMU_SMMUV3 || fact->vfio_dev.state == BASE_STATE_KNOWN) {
        return; /* what VFIO has taken is coherent */
    } else if (!base_u64_is_known(unit->idr[0])) {
        g_autofree char *path = g_strdup_printf("iommus/%s/idr", unit->name);

        rule_unknown(call, path, NULL);
    } else if (host_iommu_bits(unit, HOST_IDR0_COHACC).value == 1) {
        return;
    } else if (fact->vfio_dev.state == BASE_STATE_UNKNOWN) {
        rule_unknown_of_device(call, &fact->address, "vfio_dev");
    } else {
        rule_fail(call, NULL, NULL, "host %s is not coherent with the CPUs (IDR0.COHACC 0)",
                  unit->name);
    }
}

static void
check_reset(RuleCall *call)
{
    const HostDevice *fact = call->hostdev->fact;

    if (!fact)
        rule_not_applicable(call);
    else if (fact->reset_method.state == BASE_STATE_UNKNOWN)
        rule_unknown_of_device(call, &fact->address, "reset_method");
    else if ((fact->reset_method.text && *fact->reset_method.text) || fact->pcie.flr == BASE_YES)
        return; /* a copy of sysfs may lack the file where config space shows FLR */
    else if (fact->pcie.flr == BASE_UNKNOWN && fact->pcie.state != BASE_STATE_ABSENT)
        rule_unknown_of_device(call, &fact->address, "pcie");
    else
        rule_fail(call, NULL, NULL, "the host knows no way to reset this function");
}

/* Domain ids that this unit must find for the domain: one for each address space */
static guint
count_spaces(const View *view, const HostIommu *unit)
{
    guint covered = 0, outside = 0;

    for (guint i = 0; i < view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = view->hostdevs->pdata[i];

        if (hostdev->unit != unit || !view_is_assigned(hostdev))
            continue;
        if (hostdev->covered == BASE_NO)
            outside = 1;
        else
            covered++;
    }
    return covered + outside;
}

static void
judge_domain_ids(RuleCall *call, const HostIommu *unit)
{
    guint needed = count_spaces(call->view, unit);
    BaseU64 all = host_domain_ids(unit);
    g_autofree char *path = NULL;

    if (needed > 0 && unit->type == HOST_IOMMU_UNKNOWN && !unit->type_text) {
        path = g_strdup_printf("iommus/%s/type", unit->name);
        rule_unknown(call, path, NULL);
        return;
    }
    if (needed == 0 || unit->type != HOST_IOMMU_VTD)
        return;
    /* a host has fewer functions than that */
    if (base_u64_is_known(all) && all.value >= 65536)
        return;
    if (!base_u64_is_known(all) || !base_u64_is_known(unit->domains_used)) {
        path = g_strdup_printf("iommus/%s/%s", unit->name,
                               base_u64_is_known(all) ? "domains_used" : "domains_supported");
        rule_unknown(call, path, NULL);
    } else if (base_saturating_add(unit->domains_used.value, needed) > all.value) {
        rule_fail(call, NULL, NULL,
                  "%s has %" G_GUINT64_FORMAT " domain ids, %" G_GUINT64_FORMAT
                  " are in use, and this domain takes %u",
                  unit->name, all.value, unit->domains_used.value, needed);
    }
}

static void
check_domain_ids(RuleCall *call)
{
    const GPtrArray *units = call->view->host->iommus;

    for (guint i = 0; i < units->len; i++)
        judge_domain_ids(call, units->pdata[i]);
}

static const Rule rules[] = {
    {
        .id = "group-not-endpoint",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a PCI bridge is assigned",
        .rationale = "A bridge belongs to the host: only what is behind it can be assigned. "
                     "libvirt says at start: Non-endpoint PCI devices cannot be assigned to guests",
        .remedy = "the address of the device behind the bridge",
        .source = "libvirt 11.3 src/hypervisor/virhostdev.c:684",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_DEVICE,
        .check = check_endpoint,
        .applies = is_function,
    },
    {
        .id = "group-denylist",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a device that vfio-pci refuses to bind",
        .rationale =
            "vfio-pci has a list of devices with errata that a guest could use against the host: "
            "QAT of some generations, DSA and IAX of Sapphire Rapids. The kernel says: 8086:0b25 "
            "exists in vfio-pci device denylist, driver probing disallowed.",
        .remedy = "another device; the module parameter vfio_pci.disable_denylist=1 where the "
                  "guest is trusted",
        .source = "Linux 7.2 drivers/vfio/pci/vfio_pci.c:63-110",
        .fixer = RULE_FIXER_HOST,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_DEVICE,
        .check = check_denied,
        .applies = is_function,
    },
    {
        .id = "group-isolated-msi",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a host that does not keep interrupts of devices apart",
        .rationale =
            "Without interrupt remapping (or a GICv3 ITS) a device can raise any interrupt by a "
            "plain write, so VFIO refuses it with EPERM. The kernel says: No interrupt remapping "
            "support. Use the module param \"allow_unsafe_interrupts\" to enable VFIO IOMMU "
            "support "
            "on this platform.",
        .remedy = "interrupt remapping in the firmware set-up, and no intremap=off on the kernel "
                  "command line; in a nested host intremap='on' in its vIOMMU",
        .source = "Linux 7.2 drivers/iommu/iommu.c:2032, drivers/vfio/vfio_iommu_type1.c:2340, "
                  "drivers/iommu/iommufd/device.c:237; EPERM seen with intremap=off",
        .fixer = RULE_FIXER_HOST,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_START,
        .demotable = TRUE,
        .check = check_msi,
        .applies = has_function,
    },
    {
        .id = "group-coherency",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "a host SMMU that is not coherent with the CPUs",
        .rationale =
            "VFIO takes only devices whose DMA is coherent and answers EINVAL when the driver is "
            "bound. For an SMMUv3 firmware decides (IORT override, dma-coherent in the device "
            "tree) and the register only says what the hardware claims; a function that VFIO has "
            "taken already is proof.",
        .remedy = "bind the function to vfio-pci once and see; else firmware that declares the "
                  "SMMU coherent",
        .source = "Linux 7.2 drivers/vfio/vfio_main.c:356, "
                  "drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.c:2706, :5041",
        .fixer = RULE_FIXER_FIRMWARE,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .demotable = TRUE,
        .needs = RULE_NEEDS_UNIT,
        .check = check_coherency,
        .applies = is_function,
    },
    {
        .id = "group-no-reset",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "a function that cannot be reset",
        .rationale =
            "VFIO resets a function when a guest takes it and when it gives it back. One without "
            "any way to be reset keeps what the last guest left in it, for the host and for the "
            "next guest, and may still do DMA. QEMU says at a reset of the guest: vfio: Cannot "
            "reset device, no available reset mechanism.",
        .remedy = "a device with function level reset, or one that only ever serves this guest",
        .source = "Linux 7.2 Documentation/ABI/testing/sysfs-bus-pci (reset_method), "
                  "drivers/vfio/pci/vfio_pci_core.c:603-616; QEMU 11.1 hw/vfio/pci.c:2879",
        .fixer = RULE_FIXER_HOST,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_UNSAFE,
        .demotable = TRUE,
        .needs = RULE_NEEDS_DEVICE,
        .check = check_reset,
        .applies = is_function,
    },
    {
        .id = "group-domain-ids",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a host IOMMU without enough domain ids left",
        .rationale =
            "A VT-d unit tells address spaces apart by ids, of which CAP.ND says how many there "
            "are. Behind a vIOMMU each device needs one of its own. The kernel says: No free "
            "domain ids.",
        .remedy = "fewer devices behind that unit, or no vIOMMU over them",
        .source = "Linux 7.2 drivers/iommu/intel/iommu.c:1057, iommu.h:184",
        .fixer = RULE_FIXER_HOST,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_START,
        .needs = RULE_NEEDS_UNIT,
        .check = check_domain_ids,
        .applies = has_function,
    },
};

const RuleFamily rule_family_group_device = {"group", rules, G_N_ELEMENTS(rules)};
