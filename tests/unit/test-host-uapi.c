/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Our own definitions of the iommufd user API against the installed header, where there is one
 * (Debian 12 has none). */
#include "host-uapi.h"

#include <glib.h>
#include <stddef.h>

#if __has_include(<linux/iommufd.h>)
#include <linux/iommufd.h>
#include <linux/vfio.h>
#define HAVE_UAPI 1
#else
#define HAVE_UAPI 0
#endif

#if HAVE_UAPI
/* Kernels add members at the end: ours may be shorter, never longer. */
#define SAME_START(ours, theirs)                                                                   \
    G_STMT_START                                                                                   \
    {                                                                                              \
        g_assert_cmpuint(sizeof(struct ours), <=, sizeof(struct theirs));                          \
    }                                                                                              \
    G_STMT_END
#define SAME_PLACE(ours, a, theirs, b)                                                             \
    g_assert_cmpuint(offsetof(struct ours, a), ==, offsetof(struct theirs, b))

static void
test_numbers(void)
{
    g_assert_cmpuint(HOST_IOMMU_DESTROY, ==, IOMMU_DESTROY);
    g_assert_cmpuint(HOST_IOMMU_IOAS_ALLOC, ==, IOMMU_IOAS_ALLOC);
    g_assert_cmpuint(HOST_IOMMU_IOAS_IOVA_RANGES, ==, IOMMU_IOAS_IOVA_RANGES);
    g_assert_cmpuint(HOST_IOMMU_HWPT_ALLOC, ==, IOMMU_HWPT_ALLOC);
    g_assert_cmpuint(HOST_IOMMU_GET_HW_INFO, ==, IOMMU_GET_HW_INFO);
    g_assert_cmpuint(HOST_VFIO_BIND_IOMMUFD, ==, VFIO_DEVICE_BIND_IOMMUFD);
    g_assert_cmpuint(HOST_VFIO_ATTACH_PT, ==, VFIO_DEVICE_ATTACH_IOMMUFD_PT);
    g_assert_cmpuint(HOST_HWPT_NEST_PARENT, ==, IOMMU_HWPT_ALLOC_NEST_PARENT);
    g_assert_cmpuint(HOST_HWPT_DIRTY_TRACKING, ==, IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
    g_assert_cmpuint(HOST_HW_INFO_VTD, ==, IOMMU_HW_INFO_TYPE_INTEL_VTD);
#ifdef IOMMU_VIOMMU_ALLOC
    g_assert_cmpuint(HOST_IOMMU_VIOMMU_ALLOC, ==, IOMMU_VIOMMU_ALLOC);
    g_assert_cmpuint(HOST_VIOMMU_ARM_SMMUV3, ==, IOMMU_VIOMMU_TYPE_ARM_SMMUV3);
    g_assert_cmpuint(HOST_HW_INFO_SMMUV3, ==, IOMMU_HW_INFO_TYPE_ARM_SMMUV3);
#endif
#ifdef IOMMU_HW_QUEUE_ALLOC
    g_assert_cmpuint(HOST_HW_INFO_INPUT_TYPE, ==, IOMMU_HW_INFO_FLAG_INPUT_TYPE);
    g_assert_cmpuint(HOST_HW_INFO_CMDQV, ==, IOMMU_HW_INFO_TYPE_TEGRA241_CMDQV);
    g_assert_cmpuint(sizeof(struct host_hw_info_cmdqv), ==,
                     sizeof(struct iommu_hw_info_tegra241_cmdqv));
#endif
}

static void
test_layouts(void)
{
    SAME_START(host_iommu_hw_info, iommu_hw_info);
    SAME_PLACE(host_iommu_hw_info, data_uptr, iommu_hw_info, data_uptr);
    SAME_PLACE(host_iommu_hw_info, data_type, iommu_hw_info, out_data_type);
    SAME_PLACE(host_iommu_hw_info, out_capabilities, iommu_hw_info, out_capabilities);
    SAME_START(host_iommu_hwpt_alloc, iommu_hwpt_alloc);
    SAME_PLACE(host_iommu_hwpt_alloc, pt_id, iommu_hwpt_alloc, pt_id);
    SAME_PLACE(host_iommu_hwpt_alloc, out_hwpt_id, iommu_hwpt_alloc, out_hwpt_id);
    SAME_START(host_iommu_ioas_alloc, iommu_ioas_alloc);
    SAME_START(host_iommu_ioas_iova_ranges, iommu_ioas_iova_ranges);
    SAME_PLACE(host_iommu_ioas_iova_ranges, allowed_iovas, iommu_ioas_iova_ranges, allowed_iovas);
    SAME_START(host_hw_info_vtd, iommu_hw_info_vtd);
    SAME_PLACE(host_hw_info_vtd, ecap_reg, iommu_hw_info_vtd, ecap_reg);
    SAME_START(host_vfio_bind_iommufd, vfio_device_bind_iommufd);
    SAME_PLACE(host_vfio_bind_iommufd, out_devid, vfio_device_bind_iommufd, out_devid);
    SAME_START(host_vfio_attach_pt, vfio_device_attach_iommufd_pt);
    SAME_PLACE(host_vfio_attach_pt, pt_id, vfio_device_attach_iommufd_pt, pt_id);
#ifdef IOMMU_VIOMMU_ALLOC
    SAME_START(host_iommu_viommu_alloc, iommu_viommu_alloc);
    SAME_PLACE(host_iommu_viommu_alloc, out_viommu_id, iommu_viommu_alloc, out_viommu_id);
    SAME_START(host_hw_info_smmuv3, iommu_hw_info_arm_smmuv3);
    SAME_PLACE(host_hw_info_smmuv3, aidr, iommu_hw_info_arm_smmuv3, aidr);
#endif
}
#else
static void
test_no_header(void)
{
    g_test_skip("no linux/iommufd.h is installed here (Debian 12 ships none)");
}
#endif

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#if HAVE_UAPI
    g_test_add_func("/host-uapi/numbers", test_numbers);
    g_test_add_func("/host-uapi/layouts", test_layouts);
#else
    g_test_add_func("/host-uapi/no-header", test_no_header);
#endif
    return g_test_run();
}
