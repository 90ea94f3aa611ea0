/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups of the host: what the kernel lets a domain take. */
#include "rule-families.h"
#include "rule-shared.h"
#include "rule-tools.h"

static void
check_device_absent(RuleCall *call)
{
    const char *name = call->view->host->name.text;
    g_autofree char *address = NULL;

    if (!call->hostdev->absent)
        return;
    address = base_pci_format(call->hostdev->dev->host);
    rule_fail(call, call->hostdev->dev->source_address, NULL, "%s%s has no function %s",
              name ? "host " : "this host", name ? name : "", address);
}

static void
check_none(RuleCall *call)
{
    const HostDevice *fact = call->hostdev->fact;
    g_autofree char *address = base_pci_format(fact->address);

    if (fact->group.state == BASE_STATE_ABSENT)
        rule_fail(call, NULL, NULL, "%s is in no IOMMU group: its DMA is not translated", address);
    else if (call->hostdev->group && call->hostdev->group->name.text &&
             g_str_equal(call->hostdev->group->name.text, "vfio-noiommu"))
        rule_fail(call, NULL, NULL, "%s is in VFIO's no-IOMMU mode, which no VM can use", address);
}

/* Devices that libvirt rebinds by itself before QEMU starts, of BasePci */
static GArray *
managed_devices(const View *view)
{
    GArray *managed = g_array_new(FALSE, FALSE, sizeof(BasePci));

    for (guint i = 0; i < view->hostdevs->len; i++) {
        const ViewHostdev *hostdev = view->hostdevs->pdata[i];

        if (hostdev->dev->managed && hostdev->dev->host_known)
            g_array_append_val(managed, hostdev->dev->host);
    }
    return managed;
}

static void
report_blocker(RuleCall *call, const HostDevice *blocker)
{
    g_autofree char *address = base_pci_format(blocker->address);
    const char *driver = blocker->driver.text ? blocker->driver.text : "a host driver";
    g_autofree char *help = NULL;

    if (base_pci_equal(blocker->address, call->hostdev->dev->host)) {
        help = g_strdup("managed='yes', or bind it to vfio-pci before the start");
        rule_fail(call, NULL, help, "%s is bound to %s and managed='no'", address, driver);
        return;
    }
    help = g_strdup_printf("unbind %s or bind it to vfio-pci (driverctl set-override %s vfio-pci); "
                           "assigned to this domain too it must be managed='yes'",
                           address, address);
    rule_fail(call, NULL, help, "group %u is not viable: its member %s is bound to %s",
              call->hostdev->group->id, address, driver);
}

static void
check_viable(RuleCall *call)
{
    const HostGroup *group = call->hostdev->group;
    const HostDevice *blocker = NULL;
    g_autoptr(GArray) managed = NULL;
    BaseTri viable;

    if (!group) {
        rule_not_applicable(call);
        return;
    }
    managed = managed_devices(call->view);
    viable = host_group_viable(call->view->host, group, managed, &blocker);
    if (viable == BASE_UNKNOWN) {
        g_autofree char *path = g_strdup_printf("groups/%u/devices", group->id);

        rule_unknown(call, path, NULL);
    } else if (viable == BASE_NO && blocker) {
        report_blocker(call, blocker);
    } else if (viable == BASE_NO) {
        rule_fail(call, NULL, NULL,
                  "group %u is not viable: it has members that are no PCI "
                  "functions",
                  group->id);
    }
}

/* By the member list of @hostdev's own group, so that nothing needs to be known of @other. */
static gboolean
is_member(const ViewHostdev *hostdev, const ViewHostdev *other)
{
    const GArray *members = hostdev->group->devices;

    for (guint i = 0; other->dev->host_known && i < members->len; i++)
        if (base_pci_equal(g_array_index(members, BasePci, i), other->dev->host))
            return TRUE;
    return FALSE;
}

/* All devices behind accelerated vSMMUs share one address space, so both can be attached. */
static gboolean
are_accelerated(const ViewHostdev *a, const ViewHostdev *b)
{
    return a->viommu && b->viommu && rule_is_accel(a->viommu) && rule_is_accel(b->viommu);
}

static void
judge_pair(RuleCall *call, const ViewHostdev *first)
{
    const ViewHostdev *second = call->hostdev;
    g_autofree char *one = NULL, *two = NULL;

    if (first->covered == BASE_NO && second->covered == BASE_NO)
        return;
    if (view_share_requester(first, second) || are_accelerated(first, second))
        return;
    one = base_pci_format(first->dev->host);
    two = base_pci_format(second->dev->host);
    if (first->covered != BASE_YES && second->covered != BASE_YES) {
        rule_unknown(call, "the guest address", "write <address type='pci'/> for both devices");
        return;
    }
    rule_fail(call, NULL, NULL,
              "%s and %s are both in host group %" G_GUINT64_FORMAT
              ", and behind a vIOMMU each needs an address space of its own",
              one, two, second->fact->group.value);
}

static void
check_singleton(RuleCall *call)
{
    if (!call->hostdev->group) {
        rule_not_applicable(call);
        return;
    }
    for (guint i = 0; i < call->hostdev->index && call->reported == 0; i++) {
        const ViewHostdev *first = call->view->hostdevs->pdata[i];

        if (view_is_assigned(first) && is_member(call->hostdev, first))
            judge_pair(call, first);
    }
}

/* The first device before the call's that is in its host group and for which @fits holds */
static const ViewHostdev *
find_partner(const RuleCall *call, gboolean (*fits)(const ViewHostdev *, const ViewHostdev *))
{
    for (guint i = 0; i < call->hostdev->index; i++) {
        const ViewHostdev *first = call->view->hostdevs->pdata[i];

        if (view_is_assigned(first) && is_member(call->hostdev, first) &&
            fits(first, call->hostdev))
            return first;
    }
    return NULL;
}

static void
check_nested_shared(RuleCall *call)
{
    const ViewHostdev *first;
    g_autofree char *one = NULL, *two = NULL;

    if (!call->hostdev->group) {
        rule_not_applicable(call);
        return;
    }
    first = find_partner(call, are_accelerated);
    if (!first)
        return;
    one = base_pci_format(first->dev->host);
    two = base_pci_format(call->hostdev->dev->host);
    rule_fail(call, NULL, NULL,
              "%s and %s are both in host group %u, which can follow the guest's page tables of "
              "one device only",
              one, two, call->hostdev->group->id);
}

static gboolean
has_other_backend(const ViewHostdev *a, const ViewHostdev *b)
{
    return (a->dev->iommufd == BASE_YES) != (b->dev->iommufd == BASE_YES);
}

static void
check_backends(RuleCall *call)
{
    guint64 libvirt = call->view->target.libvirt;
    const ViewHostdev *first;
    g_autofree char *one = NULL, *two = NULL;

    /* an older libvirt takes the legacy backend for all */
    if (!call->hostdev->group || (libvirt != 0 && libvirt < STACK_LIBVIRT_DRIVER_IOMMUFD)) {
        rule_not_applicable(call);
        return;
    }
    first = find_partner(call, has_other_backend);
    if (!first)
        return;
    one = base_pci_format(first->dev->host);
    two = base_pci_format(call->hostdev->dev->host);
    rule_fail(call, NULL, NULL, "%s and %s are both in host group %u, one on iommufd and one not",
              one, two, call->hostdev->group->id);
}

static gboolean
has_iommu(const RuleCall *call)
{
    return call->view->iommus->len > 0;
}

static gboolean
is_nested(const ViewIommu *iommu)
{
    return iommu && (iommu->accel == BASE_YES || iommu->fsts == BASE_YES);
}

static gboolean
behind_nested(const RuleCall *call)
{
    return is_nested(call->hostdev->viommu);
}

/* An unassigned member follows each change of the guest's tables: iommufd replaces the domain of
 * the whole group. */
static void
check_nested_alone(RuleCall *call)
{
    const HostGroup *group = call->hostdev->group;
    BaseU64 endpoints;

    if (!group) {
        rule_not_applicable(call);
        return;
    }
    endpoints = host_group_endpoints(call->view->host, group);
    if (!base_u64_is_known(endpoints)) {
        g_autofree char *path = g_strdup_printf("groups/%u/devices", group->id);

        rule_unknown(call, path, NULL);
    } else if (endpoints.value > 1) {
        rule_fail(call, NULL, NULL,
                  "host group %u has %" G_GUINT64_FORMAT
                  " endpoints, and the guest's page tables will translate for all of them",
                  group->id, endpoints.value);
    }
}

static const Rule rules[] = {
    {
        .id = "group-device-absent",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "the assigned function is not on this host",
        .rationale =
            "libvirt takes any source address at define and looks for the function only "
            "when the domain starts or the device is attached: Device 0000:02:10.0 not found: "
            "could not access /sys/bus/pci/devices/0000:02:10.0/config: No such file or "
            "directory.",
        .remedy = "the address of a function that \"virt-viommu host\" lists",
        .source = "libvirt 11.3 src/hypervisor/virhostdev.c:670; define of absent functions run on "
                  "libvirt 12.8.0",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_DEVICE,
        .check = check_device_absent,
    },
    {
        .id = "group-none",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "the host does not translate this device's DMA",
        .rationale =
            "VFIO hands out only devices that are in an IOMMU group. Without one there is "
            "no /dev/vfio node for the device: the host has no IOMMU, it is switched off "
            "in firmware or on the kernel command line, or firmware leaves this device "
            "out of its tables. libvirt says: Invalid device 0000:81:00.0 iommu_group "
            "file /sys/bus/pci/devices/0000:81:00.0/iommu_group is not a symlink; for iommufd: "
            "cannot find VFIO device for PCI device 0000:81:00.0. QEMU says: couldn't "
            "open directory …/0000:81:00.0/vfio-dev: No such file or directory.",
        .remedy = "switch the IOMMU on (firmware set-up; intel_iommu=on on the kernel command "
                  "line), or assign another device",
        .source = "Linux 7.2 drivers/vfio/group.c (vfio_group_find_or_alloc); message seen with "
                  "QEMU 11.1.2 on a device without IOMMU",
        .fixer = RULE_FIXER_HOST,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_GROUP,
        .check = check_none,
    },
    {
        .id = "group-viable",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a member of the host group is bound to a host driver",
        .rationale =
            "The kernel gives a group to user space only while each member is unbound or bound to "
            "a driver that leaves its DMA to user space (vfio-*, pci-stub, pcieport). libvirt "
            "rebinds managed devices of the domain and no others. QEMU says: group 18 is not "
            "viable. Please ensure all devices within the iommu_group are bound to their vfio bus "
            "driver. With iommufd: error bind device fd=22 to iommufd=23: Operation not permitted. "
            "Of "
            "the device itself, where it is not managed, libvirt says: Unmanaged PCI device "
            "0000:01:00.0 must be manually detached from the host.",
        .remedy = "unbind the other member or bind it to vfio-pci",
        .source = "Linux 7.2 drivers/iommu/iommu.c:3423-3478; both messages seen with QEMU 11.1.2",
        .fixer = RULE_FIXER_HOST,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_GROUP,
        .check = check_viable,
    },
    {
        .id = "group-singleton",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "two devices of one host group in different address spaces of the guest",
        .rationale =
            "Behind a vIOMMU each device has an address space of its own, while the host can "
            "translate a group only as a whole. QEMU says: group 18 used in multiple address "
            "spaces. With iommufd: error attach hostdev1 (23) pasid 0 to id=6: Invalid argument.",
        .remedy = "assign one device of the group only, or the whole group to a domain without "
                  "vIOMMU",
        .source = "QEMU 11.1 hw/vfio/container-legacy.c:775; Linux 7.2 "
                  "drivers/iommu/iommufd/device.c:632; both seen with QEMU 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_GROUP,
        .check = check_singleton,
        .applies = has_iommu,
    },
    {
        .id = "group-nested-shared",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "two devices of one host group behind accelerated SMMUv3s",
        .rationale =
            "QEMU puts each device behind an accelerated vSMMU onto the guest's own tables, and "
            "the "
            "kernel gives a group one set of tables at a time: the second device is refused. QEMU "
            "says: error attach hostdev1 (17) pasid 0 to id=9: Invalid argument.",
        .remedy = "assign one device of the group only, or ACS on the ports above them",
        .source = "Linux 7.2 drivers/iommu/iommufd/device.c:632; QEMU 11.1 "
                  "hw/arm/smmuv3-accel.c:920-940; refused on 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_GROUP,
        .check = check_nested_shared,
        .applies = has_iommu,
    },
    {
        .id = "group-mixed-backends",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "two devices of one host group on different VFIO backends",
        .rationale =
            "The group's own device node and the nodes of its functions exclude each other: "
            "whoever comes second gets EBUSY. QEMU says: failed to open /dev/vfio/18: Device or "
            "resource busy.",
        .remedy = "the same <driver iommufd=…/> on all devices of the group",
        .source = "Linux 7.2 drivers/vfio/group.c:384-399, :433-444",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .needs = RULE_NEEDS_GROUP,
        .check = check_backends,
    },
    {
        .id = "group-nested-alone",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "the host group has more endpoints than the one behind the nested vIOMMU",
        .rationale =
            "With an accelerated vSMMU or VT-d first stage the guest's own tables are installed in "
            "the host IOMMU, and the kernel replaces the domain of the whole group: the other "
            "endpoints follow the guest's tables too and can be used by nobody else.",
        .remedy = "a device that is alone in its group, or ACS on the ports above it",
        .source = "Linux 7.2 drivers/iommu/iommufd/device.c:814",
        .fixer = RULE_FIXER_HOST,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_ADVICE,
        .demotable = TRUE,
        .needs = RULE_NEEDS_GROUP,
        .check = check_nested_alone,
        .applies = behind_nested,
    },
};

const RuleFamily rule_family_group = {"group", rules, G_N_ELEMENTS(rules)};
