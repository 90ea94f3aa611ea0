/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first and only process of a guest: prints, once a second, what Linux gave BAR 2 of each
 * function of QEMU's test device. Linked statically: there is nothing beside it. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICES "/sys/bus/pci/devices"
#define TESTDEV "0x0005" /* of vendor 0x1b36 */

/* Line @number of that file, counted from 0 */
static void
read_line(const char *name, const char *file, int number, char *text, int size)
{
    char path[512];
    FILE *stream;

    snprintf(path, sizeof path, DEVICES "/%s/%s", name, file);
    text[0] = '\0';
    stream = fopen(path, "r");
    if (!stream)
        return;
    for (int i = 0; i <= number; i++)
        if (!fgets(text, size, stream))
            text[0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    fclose(stream);
}

static void
print_function(const char *name)
{
    char vendor[32], device[32], bar[128];

    read_line(name, "vendor", 0, vendor, sizeof vendor);
    read_line(name, "device", 0, device, sizeof device);
    read_line(name, "resource", 2, bar, sizeof bar);
    if (strcmp(vendor, "0x1b36") == 0 && strcmp(device, TESTDEV) == 0)
        printf("BAR %s %s\n", name, bar);
}

int
main(void)
{
    int console;

    mkdir("/sys", 0755);
    mkdir("/dev", 0755);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    console = open("/dev/console", O_WRONLY);
    if (console >= 0)
        dup2(console, 1);
    printf("\nREADY\n");
    for (;;) {
        const struct dirent *entry;
        DIR *dir = opendir(DEVICES);

        while (dir && (entry = readdir(dir)))
            if (entry->d_name[0] != '.')
                print_function(entry->d_name);
        if (dir)
            closedir(dir);
        fflush(stdout);
        sleep(1);
    }
}
