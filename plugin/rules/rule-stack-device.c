/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Assigned devices by hand: qemu:commandline and qemu:override, of which libvirt knows nothing. */
#include "rule-families.h"
#include "rule-shared.h"
#include "rule-stack-qemu.h"
#include "rule-tools.h"

#include <string.h>

#define MESSAGE_VALUE_MAX 60 /* characters of an argument that a message shows */

static void
check_hidden_device(RuleCall *call)
{
    const GPtrArray *hidden = call->view->domain->hidden_hostdevs;

    for (guint i = 0; i < hidden->len; i++) {
        g_autofree char *value = model_attribute(hidden->pdata[i], "value");

        rule_fail(call, hidden->pdata[i], NULL,
                  "assigned device '%.*s' in qemu:commandline: libvirt does not prepare it, and no "
                  "rule looks at it",
                  MESSAGE_VALUE_MAX, value);
    }
}

static gboolean
wants_iommufd(const RuleCall *call)
{
    return call->hostdev->dev->iommufd == BASE_YES;
}

static void
check_iommufd_by_hand(RuleCall *call)
{
    if (call->hostdev->dev->iommufd_by_hand)
        rule_fail(call, NULL, NULL,
                  "iommufd by qemu:override: QEMU has to open /dev/iommu and the device's own "
                  "node, and libvirt gives it neither");
}

/* What an override sets, or NULL */
static const char *
property_by_hand(const RuleCall *call, const char *name)
{
    const char *value = g_hash_table_lookup(call->hostdev->dev->properties, name);

    return value && *value ? value : NULL;
}

/* Those that have to do with the IOMMU. Read: hw/vfio/pci.c of these QEMUs */
static const struct {
    const char *name;
    gboolean in_7_2, in_10_0, in_11_1;
} properties[] = {
    {"ats", FALSE, FALSE, TRUE},
    {"iommufd", FALSE, TRUE, TRUE},
    {"vf-token", FALSE, TRUE, TRUE},
    {"x-vpasid-cap-offset", FALSE, FALSE, TRUE},
};

static gboolean
has_property_by_hand(const RuleCall *call)
{
    for (gsize i = 0; i < G_N_ELEMENTS(properties); i++)
        if (property_by_hand(call, properties[i].name))
            return TRUE;
    return FALSE;
}

static void
check_properties(RuleCall *call)
{
    guint64 qemu = call->view->target.qemu;
    g_autofree char *version = base_format_version(qemu);

    for (gsize i = 0; i < G_N_ELEMENTS(properties); i++) {
        const char *name = properties[i].name;
        BaseTri known = stack_device_has(call->view->host, "vfio-pci", name, qemu);

        if (!property_by_hand(call, name))
            continue;
        if (known == BASE_UNKNOWN)
            known = rule_stack_qemu_has(properties[i].in_7_2, properties[i].in_10_0,
                                        properties[i].in_11_1, qemu);
        if (known == BASE_NO)
            rule_fail(call, NULL, NULL, "override of '%s', and vfio-pci of QEMU %s has none", name,
                      version);
        else if (known == BASE_UNKNOWN)
            rule_unknown(call, "property names of vfio-pci",
                         "qemu-system-x86_64 -device vfio-pci,help");
    }
}

static gboolean
wants_ats(const RuleCall *call)
{
    return wants_iommufd(call) && g_strcmp0(property_by_hand(call, "ats"), "on") == 0;
}

/* UNKNOWN: not a make whose registers tell */
static BaseTri
unit_takes_ats(const HostIommu *unit)
{
    HostSmmu smmu;
    HostVtd vtd;

    if (host_decode_vtd(unit, &vtd))
        return base_tri(vtd.dt);
    if (host_decode_smmu(unit, &smmu))
        return base_tri(smmu.ats);
    return BASE_UNKNOWN;
}

/* The kernel reports it in 7.2 and not in 6.12; without a report QEMU asks no further. */
static void
check_ats(RuleCall *call)
{
    const ViewHostdev *hostdev = call->hostdev;
    guint64 kernel = call->view->host->kernel.value;
    BaseTri unit = hostdev->unit ? unit_takes_ats(hostdev->unit) : BASE_NO;
    BaseTri device =
        hostdev->fact->pcie.state == BASE_STATE_ABSENT ? BASE_NO : hostdev->fact->pcie.ats;
    const char *lacks = device == BASE_NO ? "the device"
                        : unit == BASE_NO ? "its host IOMMU"
                                          : NULL;

    if (kernel < BASE_VERSION(6, 13, 0))
        return;
    if (lacks && kernel >= BASE_VERSION(7, 2, 0))
        rule_fail(call, NULL, NULL, "ats='on' by qemu:override, and %s has no ATS", lacks);
    else if (lacks || device == BASE_UNKNOWN || unit == BASE_UNKNOWN)
        rule_unknown(call, "whether the host's kernel reports ATS of the device",
                     "ats='auto' does not depend on it");
}

/* After 10.0 QEMU took "volatile" from its writes to the controller's registers. */
#define UNORDERED_NVME BASE_VERSION(10, 1, 0)

static gboolean
has_nvme_disk(const RuleCall *call)
{
    return call->view->domain->nvme_disks > 0;
}

static void
check_nvme_disk(RuleCall *call)
{
    g_autofree char *version = base_format_version(call->view->target.qemu);

    if (call->view->target.qemu >= UNORDERED_NVME)
        rule_fail(call, NULL, NULL,
                  "a disk of type nvme: QEMU %s may switch the controller on before it has told it "
                  "the completion queue",
                  version);
}

static const Rule rules[] = {
    {
        .id = "stack-hostdev-in-commandline",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "an assigned device that libvirt does not know of",
        .rationale =
            "libvirt binds its own assigned devices to vfio-pci, lets QEMU open their nodes and "
            "raises the locked memory limit for them. For one from qemu:commandline it does none "
            "of that: QEMU says: vfio 0000:3b:00.0: failed to open /dev/vfio/12: Operation not "
            "permitted; or: vfio_container_dma_map(…) = -12 (Cannot allocate memory). Another "
            "domain can be given the same device. The rules on groups, address widths and the "
            "vIOMMU are not asked either.",
        .remedy = "<hostdev>, and what it cannot say by <qemu:override>",
        .source = "libvirt 11.3 src/qemu/qemu_domain.c:8109, src/qemu/qemu_cgroup.c:41, "
                  "src/hypervisor/virhostdev.c:670 (all of <hostdev> only)",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .check = check_hidden_device,
    },
    {
        .id = "stack-nvme-disk",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "a disk of type nvme whose start may never return",
        .rationale =
            "QEMU after 10.0 writes the controller's registers by plain stores, which a "
            "compiler may put in another order. Debian's 11.1.2 for x86 sets the enable bit first "
            "and the address of the admin completion queue after it: the controller takes whatever "
            "address was there before, its host IOMMU stops the write (DMAR: DMA Write fault), and "
            "QEMU waits for the first completion without end, and virsh start with it.",
        .remedy = "<hostdev> in place of the disk; or a QEMU that is known to start it",
        .source =
            "QEMU 11.1 block/nvme.c:884-891, include/qemu/host-pci-mmio.h; 10.0 block/nvme.c:786 "
            "(volatile); run on Debian's 11.1.2, with the writes traced at the controller",
        .fixer = RULE_FIXER_STACK,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_REFUSED_START,
        .demotable = TRUE,
        .needs = RULE_NEEDS_QEMU,
        .check = check_nvme_disk,
        .applies = has_nvme_disk,
    },
    {
        .id = "stack-iommufd-by-hand",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "iommufd that libvirt does not know of",
        .rationale =
            "libvirt 12.1 and newer open /dev/iommu themselves and pass it on. By qemu:override "
            "QEMU has to open it and /dev/vfio/devices/vfioN, and libvirt starts QEMU with a /dev "
            "of its own and a list of devices that it may open, which have neither. QEMU says: "
            "/dev/iommu does not exist (is your kernel config missing CONFIG_IOMMUFD?). Locked "
            "memory is then counted for the user, all domains together.",
        .remedy = "libvirt 12.1 and <driver name='vfio' iommufd='yes'/>; else both nodes in "
                  "cgroup_device_acl of qemu.conf",
        .source = "libvirt 11.3 src/qemu/qemu_cgroup.c:41, src/qemu/qemu_namespace.c:215; 12.8 "
                  "qemu.conf, cgroup_device_acl; Linux 7.2 drivers/iommu/iommufd/pages.c:956-973",
        .fixer = RULE_FIXER_HOST,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .demotable = TRUE,
        .check = check_iommufd_by_hand,
        .applies = wants_iommufd,
    },
    {
        .id = "stack-hostdev-property",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a property that this QEMU's assigned devices do not have",
        .rationale =
            "iommufd came after QEMU 7.2, ats and x-vpasid-cap-offset after 10.0. libvirt passes "
            "the properties of qemu:override on as they are. QEMU says: Property 'vfio-pci.ats' "
            "not found.",
        .remedy = "a newer QEMU, or no such property",
        .source = "QEMU 7.2.0 :3268, 10.0.13 :3367 and 11.1.1 :3867, all hw/vfio/pci.c; refused by "
                  "7.2.22",
        .fixer = RULE_FIXER_STACK,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_QEMU,
        .check = check_properties,
        .applies = has_property_by_hand,
    },
    {
        .id = "stack-hostdev-ats",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "ats='on' for an assigned device that the host gives no ATS",
        .rationale =
            "With ats='auto' QEMU hides the capability where the kernel reports that ATS cannot "
            "be used; 'on' insists. QEMU says: vfio-pci: ATS requested but not supported by "
            "kernel",
        .remedy = "ats='auto', which is the default",
        .source = "QEMU 11.1 hw/vfio/pci.c:2617; Linux 7.2 drivers/iommu/iommufd/device.c:1621, "
                  "intel/iommu.c:3284, arm/arm-smmu-v3/arm-smmu-v3.c:2930",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_DEVICE | RULE_NEEDS_REGISTERS | RULE_NEEDS_CONFIG | RULE_NEEDS_KERNEL,
        .check = check_ats,
        .applies = wants_ats,
    },
};

const RuleFamily rule_family_stack_device = {"stack", rules, G_N_ELEMENTS(rules)};
