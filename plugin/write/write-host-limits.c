/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host limits: the daemon, huge pages, what is pinned, switches of VFIO. */
#include "base-text.h"
#include "write-host.h"

#define LABEL_WIDTH 17

static char *
size_text(BaseU64 bytes)
{
    if (!base_u64_is_known(bytes))
        return g_strdup("?");
    return bytes.value == G_MAXUINT64 ? g_strdup("unlimited") : base_format_size(bytes.value);
}

static void
write_daemon(const HostMemlock *memlock, const WriteStyle *style, GString *out)
{
    g_autofree char *now = size_text(memlock->hard);
    g_autofree char *next = size_text(memlock->unit);
    gboolean differs = base_u64_is_known(memlock->hard) && base_u64_is_known(memlock->unit) &&
                       memlock->hard.value != memlock->unit.value;

    if (memlock->of)
        write_labelled(style, out, "  Locked memory", LABEL_WIDTH, "%s%s%s%s has %s%s", memlock->of,
                       memlock->kind.text ? " (" : "", memlock->kind.text ? memlock->kind.text : "",
                       memlock->kind.text ? ")" : "", now,
                       memlock->can_raise == BASE_YES  ? " and may raise it"
                       : memlock->can_raise == BASE_NO ? " and cannot raise it"
                                                       : "");
    if (base_u64_is_known(memlock->unit) && (differs || !memlock->of))
        write_labelled(style, out, memlock->of ? "" : "  Locked memory", LABEL_WIDTH,
                       "%s gives %s from the next start on", memlock->unit_file.text, next);
}

static gboolean
is_nothing(BaseU64 bytes)
{
    return base_u64_is_known(bytes) && bytes.value == 0;
}

/* (transfer full): what of it counts against the limit of the user's next guest */
static char *
charged_text(BaseU64 bytes)
{
    g_autofree char *size = size_text(bytes);

    if (!base_u64_is_known(bytes) || bytes.value == 0)
        return g_strdup("");
    return g_strdup_printf(", %s of it against the limit of each other guest of the user", size);
}

static void
write_pinned(const ViommuHost *host, const WriteStyle *style, GString *out)
{
    gboolean first = TRUE;

    for (guint i = 0; i < host->pinned->len; i++) {
        const HostEntry *entry = host->pinned->pdata[i];
        g_autofree char *locked = size_text(entry->numbers[HOST_PINNED_LOCKED]);
        g_autofree char *pinned = size_text(entry->numbers[HOST_PINNED_PINNED]);

        g_autofree char *charged = charged_text(entry->numbers[HOST_PINNED_BY_USER]);

        if (is_nothing(entry->numbers[HOST_PINNED_LOCKED]) &&
            is_nothing(entry->numbers[HOST_PINNED_PINNED]))
            continue;
        write_labelled(style, out, first ? "  Pinned" : "", LABEL_WIDTH,
                       "%s locked, %s pinned by %u QEMU of user %s%s", locked, pinned,
                       (guint)entry->numbers[HOST_PINNED_PROCESSES].value, entry->name, charged);
        first = FALSE;
    }
}

static void
write_hugepages(const ViommuHost *host, const WriteStyle *style, GString *out)
{
    for (guint i = 0; i < host->hugepages->len; i++) {
        const HostEntry *entry = host->hugepages->pdata[i];

        if (entry->numbers[HOST_HUGEPAGES_TOTAL].value > 0)
            write_labelled(style, out, "  Huge pages", LABEL_WIDTH, "%s: %u, %u free", entry->name,
                           (guint)entry->numbers[HOST_HUGEPAGES_TOTAL].value,
                           (guint)entry->numbers[HOST_HUGEPAGES_FREE].value);
    }
}

void
write_host_limits(const ViommuHost *host, const WriteStyle *style, GString *out)
{
    g_autoptr(GString) lines = g_string_new(NULL);

    write_daemon(&host->memlock, style, lines);
    write_pinned(host, style, lines);
    write_hugepages(host, style, lines);
    if (host->unsafe_interrupts == BASE_YES)
        write_labelled(style, lines, "  Unsafe", LABEL_WIDTH,
                       "VFIO assigns without isolated interrupts (allow_unsafe_interrupts)");
    if (host->iommufd_unsafe_interrupts == BASE_YES)
        write_labelled(style, lines, "  Unsafe", LABEL_WIDTH,
                       "iommufd assigns without isolated interrupts (allow_unsafe_interrupts)");
    if (host->noiommu == BASE_YES)
        write_labelled(style, lines, "  Unsafe", LABEL_WIDTH,
                       "VFIO assigns without an IOMMU (enable_unsafe_noiommu_mode)");
    if (lines->len > 0)
        g_string_append_printf(out, "\nLimits\n%s", lines->str);
}
