/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first and only process of a guest: prints each PCI function with the IOMMU group that Linux
 * gave it, and turns the machine off. Linked statically: there is nothing beside it. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICES "/sys/bus/pci/devices"

static void
read_line(const char *name, const char *file, char *text, size_t size)
{
    char path[512];
    FILE *stream;

    snprintf(path, sizeof path, DEVICES "/%s/%s", name, file);
    text[0] = '\0';
    stream = fopen(path, "r");
    if (!stream)
        return;
    if (fgets(text, (int)size, stream))
        text[strcspn(text, "\n")] = '\0';
    fclose(stream);
}

static void
print_function(const char *name)
{
    char path[512], target[512], vendor[32], device[32];
    ssize_t length;

    read_line(name, "vendor", vendor, sizeof vendor);
    read_line(name, "device", device, sizeof device);
    snprintf(path, sizeof path, DEVICES "/%s/iommu_group", name);
    length = readlink(path, target, sizeof target - 1);
    target[length > 0 ? length : 0] = '\0';
    printf("FUNCTION %s %s:%s %s\n", name, vendor, device,
           strrchr(target, '/') ? strrchr(target, '/') + 1 : "-");
}

int
main(void)
{
    const struct dirent *entry;
    int console;
    DIR *dir;

    mkdir("/sys", 0755);
    mkdir("/dev", 0755);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    console = open("/dev/console", O_WRONLY);
    if (console >= 0)
        dup2(console, 1);
    sleep(1); /* what is found late */
    printf("\nFUNCTIONS BEGIN\n");
    dir = opendir(DEVICES);
    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            print_function(entry->d_name);
    if (access("/sys/bus/virtio/drivers/virtio_iommu", F_OK) != 0)
        printf("WITHOUT virtio-iommu\n");
    printf("FUNCTIONS END\n");
    fflush(stdout);
    sync();
    reboot(RB_POWER_OFF);
    for (;;)
        pause();
}
