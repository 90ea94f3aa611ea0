/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a host can do, for people. */
#include "write-host.h"

#include "base-text.h"
#include "host-registers.h"

#include <string.h>

char *
write_colored(const char *text, const char *color, const WriteStyle *style)
{
    if (!style->color)
        return g_strdup(text);
    return g_strdup_printf("\033[%sm%s\033[0m", color, text);
}

const char *
write_tri_word(BaseTri tri)
{
    if (tri == BASE_UNKNOWN)
        return "?";
    return tri == BASE_YES ? "yes" : "no";
}

char *
write_tri(BaseTri tri, const WriteStyle *style)
{
    static const char *const colors[] = {WRITE_YELLOW, WRITE_RED, WRITE_GREEN};

    return write_colored(write_tri_word(tri), colors[tri], style);
}

const char *
write_iommu_kind(const HostIommu *iommu)
{
    static const char *const names[] = {
        [HOST_IOMMU_UNKNOWN] = "unknown kind", [HOST_IOMMU_VTD] = "VT-d",
        [HOST_IOMMU_AMD] = "AMD-Vi",           [HOST_IOMMU_SMMUV3] = "SMMUv3",
        [HOST_IOMMU_SMMUV2] = "SMMUv2",        [HOST_IOMMU_VIRTIO] = "virtio-iommu",
        [HOST_IOMMU_RISCV] = "RISC-V IOMMU",
    };

    return names[iommu->type];
}

/* ---- the lines at the top ---- */

/* Parts with dots between; none is broken, but a line ends before it would be too long. */
static void
write_parts(const GPtrArray *parts, const WriteStyle *style, GString *out)
{
    guint used = 0;

    for (guint i = 0; i < parts->len; i++) {
        const char *part = parts->pdata[i];
        guint length = write_text_width(part);

        if (i > 0 && style->width > 0 && used + 3 + length > style->width) {
            g_string_append(out, "\n  ");
            used = 2;
        } else if (i > 0) {
            g_string_append(out, " · ");
            used += 3;
        }
        g_string_append(out, part);
        used += length;
    }
    g_string_append_c(out, '\n');
}

static char *
version_word(const char *what, BaseU64 version)
{
    g_autofree char *text = NULL;

    if (version.state != BASE_STATE_KNOWN)
        return g_strdup_printf("%s %s", what, version.state == BASE_STATE_ABSENT ? "none" : "?");
    text = base_format_version(version.value);
    return g_strdup_printf("%s %s", what, text);
}

/* "4 VT-d units", by kind */
static void
count_iommus(const ViommuHost *host, const WriteStyle *style, GPtrArray *parts)
{
    guint counts[HOST_IOMMU_RISCV + 1] = {0};

    for (guint i = 0; i < host->iommus->len; i++) {
        const HostIommu *iommu = host->iommus->pdata[i];

        counts[iommu->type]++;
    }
    for (guint type = HOST_IOMMU_UNKNOWN + 1; type < G_N_ELEMENTS(counts); type++) {
        const HostIommu kind = {.type = type};

        if (counts[type] > 0)
            g_ptr_array_add(parts,
                            g_strdup_printf("%u × %s", counts[type], write_iommu_kind(&kind)));
    }
    if (parts->len > 0)
        return;
    if (host->iommus_state == BASE_STATE_UNKNOWN)
        g_ptr_array_add(parts, write_colored("IOMMU ?", WRITE_YELLOW, style));
    else
        g_ptr_array_add(parts, write_colored("no IOMMU", WRITE_RED, style));
}

/* What a guest can have at all rests on these, so what is missing is seen at once. */
static void
add_tri(GPtrArray *parts, const char *what, BaseTri tri, const WriteStyle *style)
{
    g_autofree char *word = write_tri(tri, style);

    g_ptr_array_add(parts, g_strdup_printf("%s %s", what, word));
}

static void
write_header(const ViommuHost *host, const WriteStyle *style, GString *out)
{
    g_autoptr(GPtrArray) stack = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) kernel = g_ptr_array_new_with_free_func(g_free);
    const char *release = host->kernel_release.text;

    g_ptr_array_add(stack, host->name.text ? g_strdup(host->name.text)
                                           : g_path_get_basename(host->origin));
    g_ptr_array_add(stack, g_strdup(host->arch.text ? host->arch.text : "?"));
    g_ptr_array_add(stack, g_strdup_printf("Linux %s", release ? release : "?"));
    g_ptr_array_add(stack, version_word("libvirt", host->libvirt));
    g_ptr_array_add(stack, version_word("QEMU", host->qemu));
    write_parts(stack, style, out);
    count_iommus(host, style, kernel);
    add_tri(kernel, "iommufd", host->iommufd, style);
    add_tri(kernel, "vfio cdev", host->vfio_cdev, style);
    add_tri(kernel, "isolated MSI", host->isolated_msi, style);
    write_parts(kernel, style, out);
}

/* ---- what is missing, and what would bring it ---- */

static guint
count_without_config(const ViommuHost *host)
{
    guint count = 0;

    for (guint i = 0; i < host->devices->len; i++)
        count += ((const HostDevice *)host->devices->pdata[i])->pcie.state == BASE_STATE_UNKNOWN;
    return count;
}

static void
note_config(const ViommuHost *host, WriteNotes *missing)
{
    guint count = count_without_config(host);
    g_autofree char *subject =
        g_strdup_printf("capabilities of %u function%s", count, count == 1 ? "" : "s");

    if (count > 0)
        write_notes_add(missing, subject, "config space takes root to read");
}

typedef struct {
    const char *path;
    gboolean unknown;
} Missing;

static void
note_unknown(const ViommuHost *host, WriteNotes *missing)
{
    const Missing facts[] = {
        {"kernel/release", host->kernel_release.state == BASE_STATE_UNKNOWN},
        {"versions/libvirt", host->libvirt.state == BASE_STATE_UNKNOWN},
        {"versions/qemu", host->qemu.state == BASE_STATE_UNKNOWN},
        {"vfio/iommufd", host->iommufd == BASE_UNKNOWN},
        {"vfio/isolated_msi", host->isolated_msi == BASE_UNKNOWN},
        {"limits/memlock", host->memlock.hard.state == BASE_STATE_UNKNOWN},
        {"iommus", host->iommus_state == BASE_STATE_UNKNOWN},
        {"groups", host->groups_state == BASE_STATE_UNKNOWN},
        {"devices", host->devices_state == BASE_STATE_UNKNOWN},
    };

    for (guint i = 0; i < G_N_ELEMENTS(facts); i++) {
        const char *reason = host_facts_reason(host, facts[i].path);

        if (facts[i].unknown)
            write_notes_add(missing, facts[i].path, reason ? reason : "the document does not tell");
    }
}

static void
note_all(const ViommuHost *host, WriteNotes *missing)
{
    g_autoptr(GList) paths = g_hash_table_get_keys(host->reasons);

    paths = g_list_sort(paths, (GCompareFunc)strcmp);
    for (GList *i = paths; i; i = i->next)
        write_notes_add(missing, i->data, g_hash_table_lookup(host->reasons, i->data));
}

static void
write_missing(const ViommuHost *host, const WriteStyle *style, GString *out)
{
    g_autoptr(WriteNotes) missing = write_notes_new();

    note_config(host, missing);
    if (style->verbose)
        note_all(host, missing);
    else
        note_unknown(host, missing);
    write_notes_print(missing, "Not known", FALSE, style, out);
}

/* ---- the whole ---- */

/* What the registers do not say by themselves */
static void
write_remarks(const ViommuHost *host, const WriteStyle *style, GString *out)
{
    g_autoptr(WriteNotes) remarks = write_notes_new();

    for (guint i = 0; i < host->iommus->len; i++) {
        const HostIommu *iommu = host->iommus->pdata[i];
        g_autoptr(GPtrArray) notes = host_iommu_notes(host, iommu);

        for (guint j = 0; j < notes->len; j++)
            write_notes_add(remarks, iommu->name, notes->pdata[j]);
    }
    write_notes_print(remarks, "Remarks", FALSE, style, out);
}

static void
write_host(const ViommuHost *host, const WriteHostView *view, GString *out)
{
    g_autoptr(WriteNotes) reasons = write_notes_new();
    g_autoptr(WriteNotes) steps = write_notes_new();
    WriteHostNotes notes = {reasons, steps};

    if (!view->groups)
        write_header(host, &view->style, out);
    if (host->iommus_state != BASE_STATE_UNKNOWN && host->iommus->len == 0)
        write_notes_add(steps, NULL, host_translation_step(host));
    if (host->devices_state == BASE_STATE_KNOWN)
        write_host_tree(host, view, &notes, out);
    if (!view->style.quiet && !view->groups)
        write_host_limits(host, &view->style, out);
    if (view->style.verbose && !view->groups) {
        write_host_registers(host, &view->style, out);
        write_remarks(host, &view->style, out);
    }
    write_notes_print(reasons, "Why not more", FALSE, &view->style, out);
    if (!view->style.quiet && !view->groups)
        write_missing(host, &view->style, out);
    write_notes_print(steps, "Next steps", TRUE, &view->style, out);
}

static void
write_groups(const ViommuHost *host, const WriteHostView *view, GString *out)
{
    for (guint i = 0; i < view->groups->len; i++) {
        const HostGroup *group = host_facts_group(host, g_array_index(view->groups, guint, i));

        if (!group)
            continue;
        if (out->len > 0)
            g_string_append_c(out, '\n');
        write_host_group(host, view, group, out);
    }
    write_host(host, view, out);
}

void
write_host_text(const ViommuHost *host, const WriteHostView *view, GString *out)
{
    if (host->none) {
        write_labelled(&view->style, out, "No host facts:", 15, "%s", host_facts_reason(host, ""));
        return;
    }
    for (guint i = 0; view->devices && i < view->devices->len; i++) {
        BasePci address = g_array_index(view->devices, BasePci, i);
        const HostDevice *device = host_facts_device(host, address);

        if (!device)
            continue;
        if (out->len > 0)
            g_string_append_c(out, '\n');
        write_host_device(host, view, device, out);
    }
    if (view->groups)
        write_groups(host, view, out);
    else if (!view->devices)
        write_host(host, view, out);
}
