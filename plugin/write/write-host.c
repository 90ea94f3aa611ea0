/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a host can do, for people. */
#include "write-host.h"

#include "base-text.h"
#include "host-decode.h"

#include <string.h>

char *
write_colored(const char *text, const char *color, const WriteStyle *style)
{
    if (!style->color)
        return g_strdup(text);
    return g_strdup_printf("\033[%sm%s\033[0m", color, text);
}

static const char *
tri_word(BaseTri tri)
{
    if (tri == BASE_UNKNOWN)
        return "?";
    return tri == BASE_YES ? "yes" : "no";
}

char *
write_tri(BaseTri tri, const WriteStyle *style)
{
    static const char *const colors[] = {WRITE_YELLOW, WRITE_RED, WRITE_GREEN};

    return write_colored(tri_word(tri), colors[tri], style);
}

/* ---- the line at the top ---- */

static char *
version_word(const char *what, BaseU64 version)
{
    g_autofree char *text = NULL;

    if (version.state != BASE_STATE_KNOWN)
        return g_strdup_printf("%s %s", what, version.state == BASE_STATE_ABSENT ? "none" : "?");
    text = base_format_version(version.value);
    return g_strdup_printf("%s %s", what, text);
}

static void
write_header(const ViommuHost *host, const WriteStyle *style, GString *out)
{
    const char *release = host->kernel_release.text;
    g_autofree char *kernel = g_strdup_printf("Linux %s", release ? release : "?");
    g_autofree char *libvirt = version_word("libvirt", host->libvirt);
    g_autofree char *qemu = version_word("QEMU", host->qemu);
    g_autofree char *iommufd = g_strdup_printf("iommufd %s", tri_word(host->iommufd));
    g_autofree char *cdev = g_strdup_printf("vfio cdev %s", tri_word(host->vfio_cdev));
    g_autofree char *origin = g_path_get_basename(host->origin);
    const char *const parts[] = {host->name.text ? host->name.text : origin,
                                 host->arch.text ? host->arch.text : "?",
                                 kernel,
                                 libvirt,
                                 qemu,
                                 iommufd,
                                 cdev};
    glong used = 0;

    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        glong length = g_utf8_strlen(parts[i], -1);

        if (i > 0 && style->width > 0 && used + 3 + length > (glong)style->width) {
            g_string_append(out, "\n  ");
            used = 2;
        } else if (i > 0) {
            g_string_append(out, " · ");
            used += 3;
        }
        g_string_append(out, parts[i]);
        used += length;
    }
    g_string_append_c(out, '\n');
}

/* ---- IOMMUs ---- */

static char *
width_word(BaseU64 number)
{
    if (number.state == BASE_STATE_KNOWN)
        return g_strdup_printf("%u", (guint)number.value);
    return g_strdup(number.state == BASE_STATE_ABSENT ? "-" : "?");
}

/* PASIDs reach a guest through nesting only. */
static char *
pasid_word(const ViommuHost *host, const HostIommu *iommu, BaseTri nested)
{
    BaseU64 bits = host_pasid_bits(host, iommu);

    if (nested == BASE_NO || (base_u64_is_known(bits) && bits.value == 0))
        return g_strdup("-");
    return width_word(bits);
}

/* A unit of unknown kind with nothing behind it, such as the kernel's self-test, is no news. */
static gboolean
is_idle_stranger(const ViommuHost *host, const HostIommu *iommu)
{
    if (iommu->type != HOST_IOMMU_UNKNOWN)
        return FALSE;
    for (guint i = 0; i < host->devices->len; i++) {
        const HostDevice *device = host->devices->pdata[i];

        if (g_strcmp0(device->iommu.text, iommu->name) == 0)
            return FALSE;
    }
    return TRUE;
}

/* The reasons that had no room beside the table, the units with the same one together. */
static void
write_reasons(const GPtrArray *names, const GPtrArray *reasons, const WriteStyle *style,
              GString *out)
{
    for (guint i = 0; i < reasons->len; i++) {
        const char *reason = reasons->pdata[i];
        g_autoptr(GString) who = g_string_new(names->pdata[i]);
        gboolean said = FALSE;

        for (guint j = 0; j < i && !said; j++)
            said = strcmp(reasons->pdata[j], reason) == 0;
        for (guint j = i + 1; j < reasons->len; j++) {
            if (strcmp(reasons->pdata[j], reason) == 0)
                g_string_append_printf(who, ", %s", (char *)names->pdata[j]);
        }
        if (*reason && !said)
            write_labelled(style, out, "  why not more:", 16, "%s: %s", who->str, reason);
    }
}

static void
write_iommus(const ViommuHost *host, const WriteStyle *style, GString *out)
{
    static const char *const heads[] = {"IOMMU", "nested",       "shadow", "PASID",
                                        "width", "why not more", NULL};
    g_autoptr(WriteTable) table = write_table_new(heads);
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autoptr(GPtrArray) reasons = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < host->iommus->len; i++) {
        const HostIommu *iommu = host->iommus->pdata[i];
        char *why_nest = NULL;
        g_autofree char *why_shadow = NULL;
        BaseTri nested, shadow;
        g_autofree char *nested_word = NULL;
        g_autofree char *shadow_word = NULL;
        g_autofree char *pasid = NULL;
        g_autofree char *width = NULL;

        if (!style->verbose && is_idle_stranger(host, iommu))
            continue;
        nested = host_can_nest(host, iommu, &why_nest);
        shadow = host_can_shadow(host, iommu, &why_shadow);
        nested_word = write_tri(nested, style);
        shadow_word = write_tri(shadow, style);
        pasid = pasid_word(host, iommu, nested);
        width = width_word(host_iova_bits(host, iommu, HOST_TABLE_PLAIN));
        if (!why_nest)
            why_nest = g_strdup(why_shadow ? why_shadow : "");
        g_ptr_array_add(names, iommu->name);
        g_ptr_array_add(reasons, why_nest);
        write_table_add(table, (const char *const[]){iommu->name, nested_word, shadow_word, pasid,
                                                     width, why_nest});
    }
    g_string_append_c(out, '\n');
    write_table_print(table, style, out);
    if (write_table_fits(table, style) < g_strv_length((char **)heads))
        write_reasons(names, reasons, style, out);
}

static void
write_no_iommu(const ViommuHost *host, const WriteStyle *style, GString *out)
{
    gboolean x86 = g_strcmp0(host->arch.text, "x86_64") == 0;

    g_string_append_c(out, '\n');
    write_labelled(style, out, "No IOMMU:", 10, "%s",
                   x86 ? "switch VT-d or AMD-Vi on in the firmware; Intel may need intel_iommu=on "
                         "on the kernel's command line"
                       : "the firmware must describe an SMMU (ACPI IORT or device tree)");
}

/* ---- what is missing, and what would bring it ---- */

static void
write_need(const char *need, const GPtrArray *what, const WriteStyle *style, GString *out)
{
    g_autoptr(GString) list = g_string_new(NULL);

    for (guint i = 0; i < what->len; i++)
        g_string_append_printf(list, "%s%s", i ? ", " : "", (char *)what->pdata[i]);
    if (what->len > 0)
        write_labelled(style, out, "", 0, "%s %s", need, list->str);
}

static guint
count_without_config(const ViommuHost *host)
{
    guint count = 0;

    for (guint i = 0; i < host->devices->len; i++)
        count += ((const HostDevice *)host->devices->pdata[i])->pcie.state == BASE_STATE_UNKNOWN;
    return count;
}

static void
write_needs_root(const ViommuHost *host, const WriteStyle *style, GString *out)
{
    g_autoptr(GPtrArray) what = g_ptr_array_new_with_free_func(g_free);
    guint count = count_without_config(host);

    if (count > 0)
        g_ptr_array_add(what, g_strdup_printf("capabilities of %u devices", count));
    write_need("Facts that need root:", what, style, out);
}

static void
write_needs_probe(const ViommuHost *host, const WriteStyle *style, GString *out)
{
    g_autoptr(GPtrArray) what = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < host->iommus->len; i++) {
        const HostIommu *iommu = host->iommus->pdata[i];

        if (iommu->type == HOST_IOMMU_SMMUV3 && !base_u64_is_known(iommu->idr[0]))
            g_ptr_array_add(what, g_strdup_printf("IDRs of %s", iommu->name));
    }
    write_need("Facts that need an idle device (--probe):", what, style, out);
}

typedef struct {
    const char *path;
    gboolean unknown;
} Missing;

static void
write_unknown(const ViommuHost *host, const WriteStyle *style, GString *out)
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
            write_labelled(style, out, "Not known:", 11, "%s: %s", facts[i].path,
                           reason ? reason : "the document does not tell");
    }
}

static void
write_all_reasons(const ViommuHost *host, const WriteStyle *style, GString *out)
{
    g_autoptr(GList) paths = g_hash_table_get_keys(host->reasons);

    paths = g_list_sort(paths, (GCompareFunc)strcmp);
    for (GList *i = paths; i; i = i->next)
        write_labelled(style, out, "Not known:", 11, "%s: %s", (char *)i->data,
                       (char *)g_hash_table_lookup(host->reasons, i->data));
}

void
write_host_text(const ViommuHost *host, const WriteStyle *style, GString *out)
{
    if (host->none) {
        write_labelled(style, out, "No host facts:", 15, "%s", host_facts_reason(host, ""));
        return;
    }
    write_header(host, style, out);
    if (host->iommus_state == BASE_STATE_KNOWN && host->iommus->len > 0)
        write_iommus(host, style, out);
    else if (host->iommus_state != BASE_STATE_UNKNOWN)
        write_no_iommu(host, style, out);
    write_host_groups(host, style, out);
    if (style->quiet)
        return;
    g_string_append_c(out, '\n');
    write_host_limits(host, style, out);
    if (style->verbose)
        write_host_registers(host, style, out);
    write_needs_root(host, style, out);
    write_needs_probe(host, style, out);
    if (style->verbose)
        write_all_reasons(host, style, out);
    else
        write_unknown(host, style, out);
    while (g_str_has_suffix(out->str, "\n\n"))
        g_string_truncate(out, out->len - 1);
}
