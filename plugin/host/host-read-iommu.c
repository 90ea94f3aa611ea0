/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /sys/class/iommu and what the firmware says of SMMUs. */
#include "host-tree.h"

#include "base-pci.h"
#include "base-text.h"
#include "host-iort.h"
#include "host-names.h"

#include <errno.h>
#include <string.h>

#define IORT_PATH  "sys/firmware/acpi/tables/IORT"
#define IORT_LIMIT ((gsize)1024 * 1024)

typedef struct {
    const char *prefix;
    HostIommuType type;
} Prefix;

/* Names that the drivers give: Linux 7.2 dmar.c:1071, amd/init.c:2236, arm-smmu-v3.c:5533,
 * arm-smmu.c:2235, riscv/iommu.c:1618 */
static const Prefix prefixes[] = {{"dmar", HOST_IOMMU_VTD},
                                  {"ivhd", HOST_IOMMU_AMD},
                                  {"smmu3.", HOST_IOMMU_SMMUV3},
                                  {"smmu.", HOST_IOMMU_SMMUV2},
                                  {"riscv-iommu", HOST_IOMMU_RISCV}};

static HostIommuType
type_of_name(const char *name)
{
    BasePci ignored;

    for (guint i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        if (g_str_has_prefix(name, prefixes[i].prefix))
            return prefixes[i].type;
    }
    /* virtio-iommu takes its parent's name: its PCI function (virtio-iommu.c:1232) */
    return base_pci_parse(name, &ignored) ? HOST_IOMMU_VIRTIO : HOST_IOMMU_UNKNOWN;
}

typedef struct {
    HostTree *tree;
    int dir; /* of the IOMMU's sysfs node */
    HostIommu *iommu;
} Unit;

static void
unit_failed(const Unit *unit, const char *fact, const char *file, int failed)
{
    g_autofree char *fact_path = g_strdup_printf("iommus/%s/%s", unit->iommu->name, fact);
    g_autofree char *file_path = g_strdup_printf("sys/class/iommu/%s/%s", unit->iommu->name, file);

    host_tree_failed(unit->tree, fact_path, file_path, failed);
}

static void
unit_explain(const Unit *unit, const char *fact, const char *why)
{
    g_autofree char *fact_path = g_strdup_printf("iommus/%s/%s", unit->iommu->name, fact);

    host_facts_explain(unit->tree->host, fact_path, "%s", why);
}

static void
read_number(const Unit *unit, const char *fact, const char *file, guint base, BaseU64 *ret)
{
    guint64 value;
    int failed = host_sys_u64(unit->dir, file, base, G_MAXUINT64, &value);

    if (failed)
        unit_failed(unit, fact, file, failed);
    else
        *ret = base_u64(value);
}

static void
read_vtd(const Unit *unit)
{
    read_number(unit, "cap", "intel-iommu/cap", 16, &unit->iommu->cap);
    read_number(unit, "ecap", "intel-iommu/ecap", 16, &unit->iommu->ecap);
    read_number(unit, "domains_supported", "intel-iommu/domains_supported", 10,
                &unit->iommu->domains_supported);
    read_number(unit, "domains_used", "intel-iommu/domains_used", 10, &unit->iommu->domains_used);
}

/* Which of the two numbers is EFR: 6.1 prints EFR2:EFR (6.1 amd/init.c:1999), 6.12 and 7.2 print
 * EFR:EFR2 (7.2 amd/init.c:2097). EFR2 defines nothing above bit 11, EFR has PASmax at 36:32.
 * 0: the first, 1: the second, -1: cannot be told */
static int
efr_half(const ViommuHost *host, const guint64 *halves)
{
    if (halves[0] == 0 || halves[1] == 0)
        return halves[0] == 0 && halves[1] != 0;
    if ((halves[0] >> 32 != 0) != (halves[1] >> 32 != 0))
        return halves[1] >> 32 != 0;
    if (base_u64_is_known(host->kernel) && host->kernel.value >= BASE_VERSION(6, 12, 0))
        return 0;
    if (base_u64_is_known(host->kernel) && host->kernel.value < BASE_VERSION(6, 2, 0))
        return 1;
    return -1;
}

static void
amd_failed(const Unit *unit, int failed)
{
    unit_failed(unit, "efr", "amd-iommu/features", failed);
    unit_failed(unit, "efr2", "amd-iommu/features", failed);
}

static void
read_amd(const Unit *unit)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) words = NULL;
    guint64 halves[2] = {0, 0};
    int failed = host_sys_text(unit->dir, "amd-iommu/features", &text);
    int efr;

    if (failed) {
        amd_failed(unit, failed);
        return;
    }
    words = g_strsplit(text, ":", -1);
    if (g_strv_length(words) < 1 || g_strv_length(words) > 2 ||
        !base_parse_u64(words[0], 16, &halves[0]) ||
        (words[1] && !base_parse_u64(words[1], 16, &halves[1]))) {
        amd_failed(unit, EBADMSG);
        return;
    }
    efr = words[1] ? efr_half(unit->tree->host, halves) : 0;
    if (efr < 0) {
        amd_failed(unit, EBADMSG);
        return;
    }
    unit->iommu->efr = base_u64(halves[efr]);
    if (words[1])
        unit->iommu->efr2 = base_u64(halves[1 - efr]);
    else
        unit_explain(unit, "efr2", "this kernel shows EFR alone");
}

static void
read_smmu(const Unit *unit)
{
    HostIommu *iommu = unit->iommu;
    g_autofree guint8 *table = NULL;
    g_autofree char *fact = g_strdup_printf("iommus/%s/canwbs", iommu->name);
    gsize length = 0;
    guint64 base;
    int failed;

    unit_explain(unit, "idr",
                 "SMMUv3 shows its registers through an idle function bound to vfio-pci only "
                 "(--probe)");
    failed = host_sys_bytes(unit->tree->root, IORT_PATH, IORT_LIMIT, &table, &length);
    if (failed == ENOENT && host_sys_exists(unit->tree->root, "sys/firmware/devicetree")) {
        iommu->canwbs = BASE_NO; /* a device tree has no such flag */
        return;
    }
    if (base_parse_u64(iommu->name + strlen("smmu3."), 0, &base) && !failed)
        iommu->canwbs = host_iort_canwbs(table, length, base);
    if (failed)
        host_tree_failed(unit->tree, fact, IORT_PATH, failed);
    else if (iommu->canwbs == BASE_UNKNOWN)
        unit_explain(unit, "canwbs",
                     "/" IORT_PATH " does not tell for all root complexes of this SMMU");
}

#define IOMMUS_PATH "sys/class/iommu"
/* What a kernel with IOMMUFD_TEST pretends for its own tests (Linux 7.2
 * drivers/iommu/iommufd/selftest.c): there is no hardware, and no function is behind it. */
#define SELFTEST "iommufd_selftest_iommu"

void
host_tree_read_iommu(HostTree *tree, const char *name)
{
    g_auto(HostDir) dir = -1;
    g_autofree char *path = g_build_filename(IOMMUS_PATH, name, NULL);
    g_autofree char *fact = g_strdup_printf("iommus/%s", name);
    Unit unit = {.tree = tree};
    const char *type;
    int failed = host_sys_open_dir(tree->root, path, &dir);

    if ((failed && !host_sys_denied(failed)) || g_str_has_prefix(name, SELFTEST))
        return;
    unit.dir = dir;
    unit.iommu = host_facts_add_iommu(tree->host, name);
    unit.iommu->type = type_of_name(name);
    type = host_iommu_type_name(unit.iommu->type);
    unit.iommu->type_text = g_strdup(type);
    if (failed)
        host_tree_failed(tree, fact, path, failed);
    else if (unit.iommu->type == HOST_IOMMU_VTD)
        read_vtd(&unit);
    else if (unit.iommu->type == HOST_IOMMU_AMD)
        read_amd(&unit);
    if (unit.iommu->type == HOST_IOMMU_SMMUV3)
        read_smmu(&unit); /* nothing of its directory */
}

void
host_tree_read_iommus(HostTree *tree)
{
    g_autoptr(GPtrArray) names = NULL;
    int failed = host_sys_list(tree->root, IOMMUS_PATH, &names);

    if (failed && !host_tree_absent(tree, failed, "sys/class")) {
        host_tree_failed(tree, "iommus", IOMMUS_PATH, failed);
        return;
    }
    tree->host->iommus_state = BASE_STATE_KNOWN;
    for (guint i = 0; names && i < names->len; i++)
        host_tree_read_iommu(tree, names->pdata[i]);
}
