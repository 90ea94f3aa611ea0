/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-iommufd.h"

#include "host-uapi.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <viommu/viommu-error.h>

typedef int Fd;

static void
fd_close(Fd *fd)
{
    if (*fd >= 0)
        close(*fd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fd, fd_close)

typedef struct {
    int iommufd, cdev;
    guint32 device; /* the function's object in the iommufd */
} Session;

/* What an errno of VFIO_DEVICE_BIND_IOMMUFD means (Linux 7.2 drivers/vfio/device_cdev.c,
 * drivers/iommu/iommufd/device.c:211). */
static const char *
bind_reason(int number)
{
    switch (number) {
    case EBUSY:
        return "its group is open through /dev/vfio/GROUP";
    case EINVAL:
        return "it is in use, has a direct (RMRR) region, or its IOMMU is not cache coherent";
    case EPERM:
        return "a group member is in use or on a host driver, or interrupts are not isolated";
    case EACCES:
        return "it is a PF on vfio-pci and wants a VF token";
    case ENODEV:
        return "it has no IOMMU group";
    case ENOTTY:
        return "this kernel's vfio has no iommufd support";
    default:
        return g_strerror(number);
    }
}

static gboolean
set_error(GError **error, const char *path, const char *what, const char *why)
{
    g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO, "%s: cannot %s: %s", path, what, why);
    return FALSE;
}

static int
open_node(const char *path, GError **error)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd < 0)
        set_error(error, path, "open", g_strerror(errno));
    return fd;
}

static gboolean
bind_function(Session *session, const char *path, GError **error)
{
    struct host_vfio_bind_iommufd bind = {.argsz = sizeof bind, .iommufd = session->iommufd};

    if (ioctl(session->cdev, HOST_VFIO_BIND_IOMMUFD, &bind) != 0)
        return set_error(error, path, "bind to iommufd", bind_reason(errno));
    session->device = bind.out_devid;
    return TRUE;
}

static void
take_registers(HostIommufdAnswer *answer, const void *data, gsize length)
{
    const struct host_hw_info_vtd *vtd = data;
    const struct host_hw_info_smmuv3 *smmu = data;
    const struct host_hw_info_amd *amd = data;

    if (answer->type == HOST_HW_INFO_VTD && length >= sizeof *vtd) {
        answer->cap = vtd->cap_reg;
        answer->ecap = vtd->ecap_reg;
    } else if (answer->type == HOST_HW_INFO_SMMUV3 && length >= sizeof *smmu) {
        memcpy(answer->idr, smmu->idr, sizeof answer->idr);
        answer->iidr = smmu->iidr;
        answer->aidr = smmu->aidr;
    } else if (answer->type == HOST_HW_INFO_AMD && length >= sizeof *amd) {
        answer->efr = amd->efr;
        answer->efr2 = amd->efr2;
    } else {
        answer->type = HOST_HW_INFO_NONE; /* a kind, or a short answer, that we cannot read */
    }
}

static gboolean
ask_hw_info(const Session *session, const char *path, HostIommufdAnswer *answer, GError **error)
{
    guint64 data[16] = {0};
    struct host_iommu_hw_info info = {.size = sizeof info,
                                      .dev_id = session->device,
                                      .data_len = sizeof data,
                                      .data_uptr = (guintptr)data};

    if (ioctl(session->iommufd, HOST_IOMMU_GET_HW_INFO, &info) != 0)
        return set_error(error, path, "ask for IOMMU_GET_HW_INFO", g_strerror(errno));
    answer->type = answer->said_type = info.data_type;
    answer->said_length = info.data_len;
    answer->max_pasid_log2 = info.out_max_pasid_log2;
    answer->capabilities = info.out_capabilities;
    take_registers(answer, data, MIN(info.data_len, sizeof data));
    return TRUE;
}

/* Whether the errno of a failed call says that the host cannot; notes it where it does not. */
static gboolean
is_told(HostIommufdAnswer *answer, HostQuestion question, gboolean told)
{
    if (!told)
        answer->failed[question] = errno;
    return told;
}

/* Only kernels with Tegra241 CMDQV support know the question: EOPNOTSUPP says that this host has
 * none; any other errno says nothing. */
static void
ask_cmdqv(const Session *session, HostIommufdAnswer *answer)
{
    struct host_hw_info_cmdqv data = {0};
    struct host_iommu_hw_info info = {.size = sizeof info,
                                      .flags = HOST_HW_INFO_INPUT_TYPE,
                                      .dev_id = session->device,
                                      .data_len = sizeof data,
                                      .data_uptr = (guintptr)&data,
                                      .data_type = HOST_HW_INFO_CMDQV};

    if (ioctl(session->iommufd, HOST_IOMMU_GET_HW_INFO, &info) != 0) {
        if (is_told(answer, HOST_ASK_CMDQV, errno == EOPNOTSUPP))
            answer->cmdqv = BASE_STATE_ABSENT;
        return;
    }
    if (info.data_type != HOST_HW_INFO_CMDQV || info.data_len < sizeof data) {
        answer->failed[HOST_ASK_CMDQV] = EBADMSG;
        return;
    }
    answer->cmdqv = BASE_STATE_KNOWN;
    answer->cmdqv_version = data.version;
    answer->cmdqv_log2vcmdqs = data.log2vcmdqs;
    answer->cmdqv_log2vsids = data.log2vsids;
}

static void
destroy(const Session *session, guint32 id)
{
    struct host_iommu_destroy command = {.size = sizeof command, .id = id};

    (void)ioctl(session->iommufd, HOST_IOMMU_DESTROY, &command);
}

static BaseTri
cannot(HostIommufdAnswer *answer, HostQuestion question)
{
    return is_told(answer, question, errno == EOPNOTSUPP || errno == ENOTTY) ? BASE_NO
                                                                             : BASE_UNKNOWN;
}

/* Makes a page table with @flags. UNKNOWN where the errno does not speak about the hardware. */
static BaseTri
try_hwpt(const Session *session, guint32 ioas, guint32 flags, HostQuestion question,
         HostIommufdAnswer *answer, guint32 *ret_id)
{
    struct host_iommu_hwpt_alloc alloc = {
        .size = sizeof alloc, .flags = flags, .dev_id = session->device, .pt_id = ioas};

    if (ioctl(session->iommufd, HOST_IOMMU_HWPT_ALLOC, &alloc) != 0)
        return cannot(answer, question);
    *ret_id = alloc.out_hwpt_id;
    return BASE_YES;
}

static BaseTri
try_viommu(const Session *session, guint32 parent, HostIommufdAnswer *answer)
{
    struct host_iommu_viommu_alloc alloc = {.size = sizeof alloc,
                                            .type = HOST_VIOMMU_ARM_SMMUV3,
                                            .dev_id = session->device,
                                            .hwpt_id = parent};

    if (ioctl(session->iommufd, HOST_IOMMU_VIOMMU_ALLOC, &alloc) != 0)
        return cannot(answer, HOST_ASK_VIOMMU);
    destroy(session, alloc.out_viommu_id);
    return BASE_YES;
}

static void
ask_page_tables(const Session *session, guint32 ioas, HostIommufdAnswer *answer)
{
    guint32 id = 0;

    answer->dirty_tracking =
        try_hwpt(session, ioas, HOST_HWPT_DIRTY_TRACKING, HOST_ASK_DIRTY_TRACKING, answer, &id);
    if (answer->dirty_tracking == BASE_YES)
        destroy(session, id);
    answer->nest_parent =
        try_hwpt(session, ioas, HOST_HWPT_NEST_PARENT, HOST_ASK_NEST_PARENT, answer, &id);
    if (answer->nest_parent != BASE_YES)
        return;
    if (answer->type == HOST_HW_INFO_SMMUV3)
        answer->viommu_alloc = try_viommu(session, id, answer);
    destroy(session, id);
}

/* The width of a plain domain: attaching narrows the IOAS to the aperture, and pins nothing since
 * the IOAS is empty. */
static void
ask_aperture(const Session *session, guint32 ioas, HostIommufdAnswer *answer)
{
    struct host_iommu_iova_range ranges[64];
    struct host_vfio_attach_pt attach = {.argsz = sizeof attach, .pt_id = ioas};
    struct host_iommu_ioas_iova_ranges ask = {.size = sizeof ask,
                                              .ioas_id = ioas,
                                              .num_iovas = G_N_ELEMENTS(ranges),
                                              .allowed_iovas = (guintptr)ranges};
    guint64 top = 0;

    if (ioctl(session->cdev, HOST_VFIO_ATTACH_PT, &attach) != 0 ||
        ioctl(session->iommufd, HOST_IOMMU_IOAS_IOVA_RANGES, &ask) != 0) {
        answer->failed[HOST_ASK_APERTURE] = errno;
        return;
    }
    for (guint i = 0; i < MIN(ask.num_iovas, G_N_ELEMENTS(ranges)); i++)
        top = MAX(top, ranges[i].last);
    if (top == 0 || ask.num_iovas > G_N_ELEMENTS(ranges)) {
        answer->failed[HOST_ASK_APERTURE] = EBADMSG;
        return;
    }
    answer->aperture_bits = base_u64(top == G_MAXUINT64 ? 64 : g_bit_storage((gulong)top));
}

gboolean
host_iommufd_query(const char *iommufd, const char *cdev, HostIommufdAnswer *ret, GError **error)
{
    g_auto(Fd) context = -1;
    g_auto(Fd) function = -1; /* closed before the context */
    Session session = {0};
    HostIommufdAnswer answer = {0};
    struct host_iommu_ioas_alloc ioas = {.size = sizeof ioas};

    context = open_node(iommufd, error);
    if (context < 0)
        return FALSE;
    function = open_node(cdev, error);
    if (function < 0)
        return FALSE;
    session = (Session){.iommufd = context, .cdev = function};
    if (!bind_function(&session, cdev, error) || !ask_hw_info(&session, cdev, &answer, error))
        return FALSE;
    ask_cmdqv(&session, &answer);
    if (ioctl(session.iommufd, HOST_IOMMU_IOAS_ALLOC, &ioas) == 0) {
        ask_page_tables(&session, ioas.out_ioas_id, &answer);
        ask_aperture(&session, ioas.out_ioas_id, &answer);
    } else {
        answer.failed[HOST_ASK_NEST_PARENT] = answer.failed[HOST_ASK_DIRTY_TRACKING] =
            answer.failed[HOST_ASK_APERTURE] = errno;
    }
    *ret = answer;
    return TRUE;
}
