/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VFIO backends of devices that share an address space of the guest. */
#include "rule-families.h"
#include "rule-shared.h"

#define CASTS BASE_VERSION(10, 2, 0) /* that QEMU checks what a container is */

/* Whether QEMU maps guest memory once for both: without a vIOMMU over them, or with one requester
 * id. Behind accelerated SMMUv3s too, but there the legacy backend is refused. */
static BaseTri
share_address_space(const ViewHostdev *a, const ViewHostdev *b)
{
    if (view_share_requester(a, b))
        return BASE_YES;
    if (a->covered == BASE_YES || b->covered == BASE_YES)
        return BASE_NO;
    return a->covered == BASE_NO && b->covered == BASE_NO ? BASE_YES : BASE_UNKNOWN;
}

/* The first device before the call's that is on the other backend and, as far as @shared says
 * whether, mapped together with it */
static const ViewHostdev *
find_partner(const RuleCall *call, const BaseTri *shared)
{
    for (guint i = 0; i < call->hostdev->index; i++) {
        const ViewHostdev *first = call->view->hostdevs->pdata[i];

        if (view_is_assigned(first) &&
            (first->dev->iommufd == BASE_YES) != (call->hostdev->dev->iommufd == BASE_YES) &&
            (!shared || share_address_space(first, call->hostdev) == *shared))
            return first;
    }
    return NULL;
}

/* An older libvirt takes the legacy backend for all */
static gboolean
has_both_backends(const RuleCall *call)
{
    guint64 libvirt = call->view->target.libvirt;

    return view_is_assigned(call->hostdev) &&
           (libvirt == 0 || libvirt >= STACK_LIBVIRT_DRIVER_IOMMUFD) && find_partner(call, NULL);
}

static void
report_mix(RuleCall *call, const ViewHostdev *first)
{
    const ViewHostdev *on_iommufd = first->dev->iommufd == BASE_YES ? first : call->hostdev;
    const ViewHostdev *legacy = on_iommufd == first ? call->hostdev : first;
    g_autofree char *one = view_hostdev_label(on_iommufd);
    g_autofree char *two = view_hostdev_label(legacy);

    rule_fail(call, NULL, NULL,
              "QEMU aborts: one address space for both, but %s is on iommufd and %s is not", one,
              two);
}

static void
check_address_space(RuleCall *call)
{
    const BaseTri together = BASE_YES, perhaps = BASE_UNKNOWN;
    const ViewHostdev *first = find_partner(call, &together);

    if (call->view->target.qemu < CASTS)
        rule_not_applicable(call);
    else if (first)
        report_mix(call, first);
    else if (find_partner(call, &perhaps))
        rule_unknown(call, "the guest address", "write <address type='pci'/> for the devices");
}

static const Rule rules[] = {
    {
        .id = "group-address-space-backends",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "two devices of one guest address space on different VFIO backends",
        .rationale =
            "QEMU keeps one list of VFIO containers per address space, and each backend takes "
            "every entry for its own. Devices that no vIOMMU covers share one address space, and "
            "so do those behind one conventional bridge. In either order QEMU aborts: "
            "VFIO_IOMMU_LEGACY: Object 0x5629 is not an instance of type vfio-iommu-legacy; "
            "VFIO_IOMMU_IOMMUFD: Object 0x5568 is not an instance of type vfio-iommu-iommufd. "
            "Behind a vIOMMU, each in its own address space, both backends work side by side.",
        .remedy = "the same <driver iommufd=…/> on all of them",
        .source = "QEMU 11.1.2, run in both orders, with and without VT-d; hw/vfio/"
                  "container-legacy.c (vfio_container_connect: the cast comes before any check)",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_HOSTDEV,
        .effect = RULE_EFFECT_ABORT,
        .certain = TRUE,
        .needs = RULE_NEEDS_QEMU,
        .check = check_address_space,
        .applies = has_both_backends,
    },
};

const RuleFamily rule_family_group_backend = {"group", rules, G_N_ELEMENTS(rules)};
