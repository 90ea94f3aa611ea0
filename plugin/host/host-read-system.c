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
#define CACHE_PATH     "var/cache/libvirt/qemu/capabilities"

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

/* The first line that starts with @key, behind its colon; NULL: there is none. 0 or an errno value
 */
static int
line_value(const HostTree *tree, const char *path, const char *key, char **ret)
{
    g_auto(GStrv) lines = NULL;
    int failed = host_sys_lines(tree->root, path, PROC_LIMIT, &lines);

    for (guint i = 0; !failed && lines[i] && !*ret; i++) {
        const char *colon = strchr(lines[i], ':');

        if (colon && g_str_has_prefix(lines[i], key))
            *ret = g_strstrip(g_strdup(colon + 1));
    }
    return failed;
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
    g_autofree char *flags = NULL;
    g_autofree char *features = NULL;

    (void)line_value(tree, "proc/cpuinfo", "flags", &flags);
    (void)line_value(tree, "proc/cpuinfo", "Features", &features);
    if (flags && has_word(flags, "lm"))
        return "x86_64";
    return features && has_word(features, "asimd") ? "aarch64" : NULL;
}

static void
read_release(HostTree *tree)
{
    static const char file[] = "proc/sys/kernel/osrelease";
    g_autofree char *release = NULL;
    int failed = host_sys_text(tree->root, file, &release);

    if (failed)
        release = release_from_version(tree);
    if (release && *release)
        tree->host->kernel_release = known_text(release);
    else
        host_tree_missing(tree, "kernel/release", file, failed,
                          "neither /proc/sys/kernel/osrelease nor /proc/version in this tree");
}

static void
read_arch(HostTree *tree)
{
    static const char file[] = "proc/sys/kernel/arch";
    g_autofree char *arch = NULL;
    int failed = host_sys_text(tree->root, file, &arch);

    if (failed)
        arch = g_strdup(arch_from_cpuinfo(tree));
    if (arch && *arch)
        tree->host->arch = known_text(arch);
    else
        host_tree_missing(tree, "arch", file, failed,
                          "neither /proc/sys/kernel/arch nor a known /proc/cpuinfo in this tree");
}

static void
read_name(HostTree *tree)
{
    static const char file[] = "proc/sys/kernel/hostname";
    g_autofree char *name = NULL;
    int failed = host_sys_text(tree->root, file, &name);

    if (!failed || host_sys_text(tree->root, "etc/hostname", &name) == 0)
        tree->host->name = known_text(name);
    else
        host_tree_missing(tree, "name", file, failed,
                          "neither /proc/sys/kernel/hostname nor /etc/hostname in this tree");
}

static void
read_kernel(HostTree *tree)
{
    ViommuHost *host = tree->host;
    struct utsname names;

    if (tree->live && uname(&names) == 0) {
        host->kernel_release = known_text(names.release);
        host->arch = known_text(names.machine);
        host->name = known_text(names.nodename);
    } else {
        read_release(tree);
        read_arch(tree);
        read_name(tree);
    }
    host_facts_set_kernel(host);
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
    static const char file[] = "proc/meminfo";
    g_autofree char *text = NULL;
    int failed = line_value(tree, file, "MemTotal", &text);
    guint64 kilobytes;

    if (text && g_str_has_suffix(text, " kB")) {
        *strchr(text, ' ') = '\0';
        if (base_parse_u64(text, 10, &kilobytes) && kilobytes <= G_MAXINT64 / 1024) {
            tree->host->memory = base_u64(kilobytes * 1024);
            return;
        }
    }
    host_tree_missing(tree, "memory", file, failed, "no MemTotal in /proc/meminfo");
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
        host_facts_explain(host, "page_size", "%s",
                           host->arch.text ? "a directory tree does not show it"
                                           : "takes arch, and a directory tree shows no more");
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
    const char *barred = NULL;
    int why = 0;

    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *target = NULL;
        guint64 version;
        int failed = host_sys_link(tree->root, paths[i], &target);

        if (!failed && version_of_library(target, &version)) {
            tree->host->libvirt = base_u64(version);
            return;
        }
        if (!barred && host_sys_denied(failed)) {
            barred = paths[i];
            why = failed;
        }
    }
    host_tree_missing(tree, "versions/libvirt", barred, why,
                      arch ? "no libvirt.so.0 in the usual places; --libvirt-version tells it"
                           : "takes arch, or --libvirt-version");
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
    return number && base_parse_u64(number, 10, ret) && *ret >= BASE_VERSION(1, 0, 0) &&
           *ret < BASE_VERSION(1000, 0, 0);
}

/* libvirt asked QEMU already; of several emulators the newest counts. Takes root. 0 or an errno
 * value: of those that we may see the newest could be an older one. */
static int
qemu_from_cache(HostTree *tree, const char *arch)
{
    g_autoptr(GPtrArray) names = NULL;
    guint64 newest = 0;
    int failed = host_sys_list_any(tree->root, CACHE_PATH, &names);

    for (guint i = 0; !failed && i < names->len; i++) {
        g_autofree char *path = g_build_filename(CACHE_PATH, names->pdata[i], NULL);
        g_autofree guint8 *text = NULL;
        gsize length;
        guint64 version;
        int unread = host_sys_bytes(tree->root, path, CACHE_LIMIT, &text, &length);

        if (!unread && version_of_cache((const char *)text, arch, &version))
            newest = MAX(newest, version);
        failed = host_sys_denied(unread) ? unread : 0;
    }
    if (failed || newest == 0)
        return failed ? failed : ENOENT;
    tree->host->qemu = base_u64(newest);
    return 0;
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
    int failed;

    if (!arch) {
        host_facts_explain(tree->host, "versions/qemu", "takes arch, or --qemu-version");
        return;
    }
    failed = qemu_from_cache(tree, arch);
    if (failed && !qemu_from_packages(tree, arch))
        host_tree_missing(tree, "versions/qemu", CACHE_PATH, failed,
                          "neither libvirt's cache of capabilities nor dpkg tells it; "
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
