/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What iommufd says of one function that is bound to vfio-pci, as "name value" lines. The lab holds
 * virt-viommu's own probe against it, so nothing is shared with that: numbers are from Linux 7.2
 * include/uapi/linux/iommufd.h and vfio.h, and structures are arrays of words.
 *
 * usage: probe /dev/vfio/devices/vfioN
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

enum { WORDS = 24, RANGES = 64 };

static const struct {
    const char *name;
    uint32_t flags;
} tables[] = {{"plain", 0}, {"nest_parent", 1}, {"dirty", 2}, {"pasid", 8}};

static uint64_t
address(const void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

static int
call(int fd, unsigned number, void *words)
{
    return ioctl(fd, _IO(';', number), words) ? errno : 0;
}

/* struct iommu_hw_info: size flags dev data_len data_uptr64 type pasid8 caps64 */
static void
hw_info(int iommufd, uint32_t device)
{
    uint32_t data[16] = {0}, in[WORDS] = {40, 0, device, sizeof data};
    uint64_t at = address(data);
    int error;

    memcpy(in + 4, &at, sizeof at);
    error = call(iommufd, 0x8a, in);
    printf("hw_info %d\n", error);
    if (error)
        return;
    printf("type %u\nmax_pasid_log2 %u\ncapabilities 0x%x\n", in[6], in[7] & 0xff, in[8]);
    for (unsigned word = 0; word < in[3] / 4 && word < 16; word++)
        printf("data%u 0x%08x\n", word, data[word]);
}

/* struct iommu_ioas_iova_ranges: size ioas room reserved array64 alignment64 */
static void
iova_ranges(int iommufd, uint32_t ioas, const char *name)
{
    uint64_t ranges[RANGES][2] = {{0}}, at = address(ranges);
    uint32_t in[WORDS] = {32, ioas, RANGES, 0};
    int error;

    memcpy(in + 4, &at, sizeof at);
    error = call(iommufd, 0x84, in);
    printf("%s_ranges %d\n", name, error);
    for (uint32_t number = 0; !error && number < in[2] && number < RANGES; number++)
        printf("%s 0x%llx-0x%llx\n", name, (unsigned long long)ranges[number][0],
               (unsigned long long)ranges[number][1]);
}

/* struct iommu_hwpt_alloc: size flags dev pt out_hwpt reserved type len data_uptr64 fault */
static void
page_tables(int iommufd, uint32_t device, uint32_t ioas)
{
    for (unsigned number = 0; number < sizeof tables / sizeof *tables; number++) {
        uint32_t in[WORDS] = {48, tables[number].flags, device, ioas};
        int error = call(iommufd, 0x89, in);

        printf("hwpt_%s %d\n", tables[number].name, error);
        if (!error && tables[number].flags == 1) {
            /* struct iommu_viommu_alloc: size flags type dev hwpt out_viommu */
            uint32_t viommu[WORDS] = {40, 0, 1, device, in[4]}, gone[2] = {8};

            error = call(iommufd, 0x90, viommu);
            printf("viommu %d\n", error);
            gone[1] = viommu[5];
            if (!error)
                call(iommufd, 0x80, gone);
        }
    }
}

int
main(int count, char **arguments)
{
    int device = count == 2 ? open(arguments[1], O_RDWR) : -1, iommufd = open("/dev/iommu", O_RDWR);
    uint32_t bind[WORDS] = {16, 0, (uint32_t)iommufd}, ioas[WORDS] = {12}, attach[WORDS] = {12};
    int error;

    if (device < 0 || iommufd < 0) {
        perror("probe");
        return 1;
    }
    error = call(device, 100 + 18, bind);
    printf("bind %d\n", error);
    if (error)
        return 1;
    hw_info(iommufd, bind[3]);
    error = call(iommufd, 0x81, ioas);
    printf("ioas %d\n", error);
    attach[2] = ioas[2];
    error = call(device, 100 + 19, attach);
    printf("attach %d\n", error);
    if (!error)
        iova_ranges(iommufd, ioas[2], "iova");
    /* a nesting parent may leave less */
    page_tables(iommufd, bind[3], ioas[2]);
    iova_ranges(iommufd, ioas[2], "parent");
    return 0;
}
