/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading a host beside the floor, in turns in one process: without the start of a program, and
 * with the same caches for both. Facts are read and freed.  usage: read DIR ROUNDS  Prints the
 * medians in nanoseconds of the floor and of reading, first of the time that passed, then of the
 * processor's; and how many bytes of heap the facts hold.
 */
#include "floor.h"

#include <viommu/viommu.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* What a round took: of the day, and of the processor, which others on the machine do not lengthen
 */
typedef struct {
    gint64 wall, processor;
} Taken;

static gint64
now(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (gint64)time.tv_sec * 1000000000 + time.tv_nsec;
}

static Taken
begin(void)
{
    return (Taken){now(CLOCK_MONOTONIC), now(CLOCK_PROCESS_CPUTIME_ID)};
}

static Taken
since(Taken start)
{
    return (Taken){now(CLOCK_MONOTONIC) - start.wall,
                   now(CLOCK_PROCESS_CPUTIME_ID) - start.processor};
}

static Taken
time_floor(const char *directory)
{
    Taken start = begin();

    if (floor_read(directory) != 0)
        exit(2);
    return since(start);
}

static Taken
time_read(const char *directory)
{
    Taken start = begin();
    ViommuHost *host = viommu_host_new_from_sysroot(directory, VIOMMU_HOST_DEFAULT, NULL);

    if (!host || !viommu_host_has_iommu(host))
        exit(2);
    viommu_host_unref(host);
    return since(start);
}

static size_t
heap(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

static size_t
held_by_facts(const char *directory)
{
    size_t before = heap(), after;
    ViommuHost *host = viommu_host_new_from_sysroot(directory, VIOMMU_HOST_DEFAULT, NULL);

    after = heap();
    viommu_host_unref(host);
    return after - before;
}

static int
compare(const void *a, const void *b)
{
    return (*(const gint64 *)a > *(const gint64 *)b) - (*(const gint64 *)a < *(const gint64 *)b);
}

static gint64
median(const Taken *rounds, guint count, gboolean processor)
{
    g_autofree gint64 *times = g_new(gint64, count);

    for (guint i = 0; i < count; i++)
        times[i] = processor ? rounds[i].processor : rounds[i].wall;
    qsort(times, count, sizeof *times, compare);
    return times[count / 2];
}

int
main(int argc, char **argv)
{
    guint rounds = argc == 3 ? (guint)atoi(argv[2]) : 0;
    g_autofree Taken *floors = g_new(Taken, rounds + 1);
    g_autofree Taken *reads = g_new(Taken, rounds + 1);

    if (rounds == 0) {
        fputs("usage: read DIR ROUNDS\n", stderr);
        return 2;
    }
    time_floor(argv[1]);
    time_read(argv[1]);
    for (guint i = 0; i < rounds; i++) {
        floors[i] = time_floor(argv[1]);
        reads[i] = time_read(argv[1]);
    }
    for (int processor = 0; processor < 2; processor++)
        printf("%" G_GINT64_FORMAT " %" G_GINT64_FORMAT " ", median(floors, rounds, processor),
               median(reads, rounds, processor));
    printf("%zu\n", held_by_facts(argv[1]));
    return 0;
}
