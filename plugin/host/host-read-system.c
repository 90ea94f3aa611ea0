/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kernel, architecture, memory and the versions of the stack. */
#include "host-tree.h"

#include "base-text.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#define PROC_LIMIT     ((gsize)1024 * 1024)
#define PACKAGES_LIMIT ((gsize)32 * 1024 * 1024)
#define CACHE_LIMIT    ((gsize)8 * 1024 * 1024)

static BaseText
known_text(const char *text)
{
    return (BaseText){BASE_STATE_KNOWN, g_strdup(text)};
}

/* "Linux version 7.2.13 (…) …" */
static char *
release_from_version(const HostTree *tree)
{
    static const char prefix[] = "Linux version ";
    g_autofree char *text = NULL;

    if (host_sys_text(tree->root, "proc/version", &text) || !g_str_has_prefix(text, prefix))
        return NULL;
    return g_strndup(text + strlen(prefix), strcspn(text + strlen(prefix), " "));
}

/* The first line that starts with @key, behind its colon. */
static char *
line_value(const HostTree *tree, const char *path, const char *key)
{
    g_auto(GStrv) lines = NULL;

    if (host_sys_lines(tree->root, path, PROC_LIMIT, &lines))
        return NULL;
    for (guint i = 0; lines[i]; i++) {
        const char *colon = strchr(lines[i], ':');

        if (colon && g_str_has_prefix(lines[i], key))
            return g_strstrip(g_strdup(colon + 1));
    }
    return NULL;
}

static gboolean
has_word(const char *words, const char *word)
{
    g_auto(GStrv) list = g_strsplit(words, " ", -1);

    return g_strv_contains((const char *const *)list, word);
}

/* A recorded tree may lack proc/sys/kernel/arch (Linux 6.1): the CPU's flags tell as well. */
static const char *
arch_from_cpuinfo(const HostTree *tree)
{
    g_autofree char *flags = line_value(tree, "proc/cpuinfo", "flags");
    g_autofree char *features = line_value(tree, "proc/cpuinfo", "Features");

    if (flags && has_word(flags, "lm"))
        return "x86_64";
    return features && has_word(features, "asimd") ? "aarch64" : NULL;
}

static void
read_kernel(HostTree *tree)
{
    ViommuHost *host = tree->host;
    g_autofree char *release = NULL;
    g_autofree char *arch = NULL;
    g_autofree char *name = NULL;
    struct utsname names;

    if (tree->live && uname(&names) == 0) {
        host->kernel_release = known_text(names.release);
        host->arch = known_text(names.machine);
        host->name = known_text(names.nodename);
        host_facts_set_kernel(host);
        return;
    }
    if (host_sys_text(tree->root, "proc/sys/kernel/osrelease", &release))
        release = release_from_version(tree);
    if (release && *release)
        host->kernel_release = known_text(release);
    else
        host_facts_explain(host, "kernel/release",
                           "neither /proc/sys/kernel/osrelease nor /proc/version in this tree");
    host_facts_set_kernel(host);
    if (host_sys_text(tree->root, "proc/sys/kernel/arch", &arch))
        arch = g_strdup(arch_from_cpuinfo(tree));
    if (arch && *arch)
        host->arch = known_text(arch);
    else
        host_facts_explain(host, "arch",
                           "neither /proc/sys/kernel/arch nor a known /proc/cpuinfo in this tree");
    if (host_sys_text(tree->root, "proc/sys/kernel/hostname", &name) == 0 ||
        host_sys_text(tree->root, "etc/hostname", &name) == 0)
        host->name = known_text(name);
}

static void
read_cmdline(HostTree *tree)
{
    char *text = NULL;
    int failed = host_sys_text(tree->root, "proc/cmdline", &text);

    if (failed)
        host_tree_failed(tree, "kernel/cmdline", "proc/cmdline", failed);
    else
        tree->host->kernel_cmdline = (BaseText){BASE_STATE_KNOWN, text};
}

static void
read_memory(HostTree *tree)
{
    g_autofree char *text = line_value(tree, "proc/meminfo", "MemTotal");
    guint64 kilobytes;

    if (text && g_str_has_suffix(text, " kB")) {
        *strchr(text, ' ') = '\0';
        if (base_parse_u64(text, 10, &kilobytes) && kilobytes <= G_MAXINT64 / 1024) {
            tree->host->memory = base_u64(kilobytes * 1024);
            return;
        }
    }
    host_facts_explain(tree->host, "memory", "no MemTotal in /proc/meminfo");
}

static void
read_page_size(HostTree *tree)
{
    ViommuHost *host = tree->host;

    if (tree->live)
        host->page_size = base_u64((guint64)sysconf(_SC_PAGESIZE));
    else if (g_strcmp0(host->arch.text, "x86_64") == 0)
        host->page_size = base_u64(4096); /* the only one that x86 has */
    else
        host_facts_explain(host, "page_size", "a directory tree does not show it");
}

/* The library's file name carries its version: libvirt.so.0.12008.0 is 12.8.0 (libvirt
 * meson.build: libvirt_lib_version is major * 1000 + minor). */
static gboolean
version_of_library(const char *target, guint64 *ret)
{
    static const char prefix[] = "libvirt.so.0.";
    g_auto(GStrv) parts = NULL;
    guint64 release, micro;

    if (!g_str_has_prefix(target, prefix))
        return FALSE;
    parts = g_strsplit(target + strlen(prefix), ".", -1);
    if (g_strv_length(parts) != 2 || !base_parse_u64(parts[0], 10, &release) ||
        !base_parse_u64(parts[1], 10, &micro) || release < 1000 || release > 999999 || micro > 999)
        return FALSE;
    *ret = BASE_VERSION(release / 1000, release % 1000, micro);
    return TRUE;
}

static void
read_libvirt(HostTree *tree)
{
    const char *arch = tree->host->arch.text;
    g_autofree char *multiarch =
        g_strdup_printf("usr/lib/%s-linux-gnu/libvirt.so.0", arch ? arch : "none");
    const char *const paths[] = {multiarch, "usr/lib64/libvirt.so.0", "usr/lib/libvirt.so.0"};

    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *target = NULL;
        guint64 version;

        if (host_sys_link(tree->root, paths[i], &target) == 0 &&
            version_of_library(target, &version)) {
            tree->host->libvirt = base_u64(version);
            return;
        }
    }
    host_facts_explain(tree->host, "versions/libvirt",
                       "no libvirt.so.0 in the usual places; --libvirt-version tells it");
}

/* The number between <version> and </version> of one file in libvirt's cache of QEMU
 * capabilities, which is in our own encoding, if the file is about @emulator. */
static gboolean
version_of_cache(const char *text, const char *arch, guint64 *ret)
{
    g_autofree char *wanted = g_strdup_printf("<arch>%s</arch>", arch);
    const char *start = strstr(text, "<version>"), *end;
    g_autofree char *number = NULL;

    if (!start || !strstr(text, wanted))
        return FALSE;
    start += strlen("<version>");
    end = strchr(start, '<');
    number = end ? g_strndup(start, (gsize)(end - start)) : NULL;
    return number && base_parse_u64(number, 10, ret) && *ret >= BASE_VERSION(1, 0, 0);
}

/* libvirt asked QEMU already; of several emulators the newest counts. Takes root. */
static gboolean
qemu_from_cache(HostTree *tree, const char *arch)
{
    static const char directory[] = "var/cache/libvirt/qemu/capabilities";
    g_autoptr(GPtrArray) names = NULL;
    guint64 newest = 0;

    if (host_sys_list(tree->root, directory, &names))
        return FALSE;
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path = g_build_filename(directory, names->pdata[i], NULL);
        g_autofree guint8 *text = NULL;
        gsize length;
        guint64 version;

        if (host_sys_bytes(tree->root, path, CACHE_LIMIT, &text, &length) == 0 &&
            version_of_cache((const char *)text, arch, &version))
            newest = MAX(newest, version);
    }
    if (newest > 0)
        tree->host->qemu = base_u64(newest);
    return newest > 0;
}

/* The version of an installed Debian package, without its epoch. */
static gboolean
version_of_package(const char *status, const char *package, guint64 *ret)
{
    g_autofree char *head = g_strdup_printf("\nPackage: %s\n", package);
    const char *start = strstr(status, head), *end, *field, *colon;
    g_autofree char *stanza = NULL;
    g_autofree char *version = NULL;

    if (!start)
        return FALSE;
    start++;
    end = strstr(start, "\n\n");
    stanza = end ? g_strndup(start, (gsize)(end - start)) : g_strdup(start);
    field = strstr(stanza, "\nVersion: ");
    if (!field || !strstr(stanza, "\nStatus: install ok installed"))
        return FALSE;
    field += strlen("\nVersion: ");
    version = g_strndup(field, strcspn(field, "\n"));
    colon = strchr(version, ':');
    return base_parse_version(colon ? colon + 1 : version, ret);
}

static gboolean
qemu_from_packages(HostTree *tree, const char *arch)
{
    const char *package = strcmp(arch, "aarch64") == 0 ? "qemu-system-arm" : "qemu-system-x86";
    g_autofree guint8 *status = NULL;
    gsize length;
    guint64 version;

    if (host_sys_bytes(tree->root, "var/lib/dpkg/status", PACKAGES_LIMIT, &status, &length) ||
        !version_of_package((const char *)status, package, &version))
        return FALSE;
    tree->host->qemu = base_u64(version);
    return TRUE;
}

static void
read_qemu(HostTree *tree)
{
    const char *arch = tree->host->arch.text;

    if (arch && (qemu_from_cache(tree, arch) || qemu_from_packages(tree, arch)))
        return;
    host_facts_explain(tree->host, "versions/qemu",
                       "neither libvirt's cache of capabilities (needs root) nor dpkg tells it; "
                       "--qemu-version does");
}

void
host_tree_read_system(HostTree *tree)
{
    read_kernel(tree);
    read_cmdline(tree);
    read_memory(tree);
    read_page_size(tree);
    read_libvirt(tree);
    read_qemu(tree);
}
