/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Offsets and bits: Linux 7.2 include/uapi/linux/pci_regs.h */
#include "host-config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "host-names.h"
#include "host-read.h"
#include "host-sys.h"

#define HEADER_SIZE   64
#define STANDARD_SIZE 256
#define CONFIG_SIZE   4096

#define PCI_STATUS          0x06
#define PCI_STATUS_CAP_LIST (1U << 4)
#define PCI_HEADER_TYPE     0x0e
#define PCI_CAPABILITY_LIST 0x34
#define PCI_CB_CAPABILITY   0x14 /* CardBus bridges */

#define CAP_EXPRESS 0x10
#define EXT_ACS     0x0d
#define EXT_ATS     0x0f
#define EXT_PRI     0x13
#define EXT_PASID   0x1b

typedef struct {
    const guint8 *bytes;
    gsize length;
} Config;

/* Bytes that are not there read as zero. */
static guint32
get(const Config *config, gsize offset, guint size)
{
    guint32 value = 0;

    for (guint i = size; i-- > 0;)
        value = value << 8 | (offset + i < config->length ? config->bytes[offset + i] : 0);
    return value;
}

/* Offset of a standard capability, or 0; *ret_bad: the list is damaged */
static gsize
find_standard(const Config *config, guint id, gboolean *ret_bad)
{
    guint8 header = (guint8)get(config, PCI_HEADER_TYPE, 1) & 0x7f;
    gsize offset = get(config, header == 2 ? PCI_CB_CAPABILITY : PCI_CAPABILITY_LIST, 1) & 0xfc;
    guint steps = (STANDARD_SIZE - HEADER_SIZE) / 4;

    if (!(get(config, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
        return 0;
    while (offset != 0) {
        if (offset < HEADER_SIZE || offset + 2 > config->length || steps-- == 0) {
            *ret_bad = TRUE;
            return 0;
        }
        if (get(config, offset, 1) == id)
            return offset;
        offset = get(config, offset + 1, 1) & 0xfc;
    }
    return 0;
}

static void
parse_ats(const Config *config, gsize offset, HostPcie *ret)
{
    ret->ats = BASE_YES;
    ret->ats_enabled = base_tri(get(config, offset + 6, 2) & 0x8000);
}

static void
parse_pasid(const Config *config, gsize offset, HostPcie *ret)
{
    /* the width may say more than the 20 bits that PCIe has */
    ret->pasid_bits = base_u64(MIN(base_bits(get(config, offset + 4, 2), 12, 8), 20));
    ret->pasid_enabled = base_tri(get(config, offset + 6, 2) & 1);
}

/* Root ports of Intel's 100 and 200 series chipsets have the ACS control register as a double word
 * of its own (Linux 7.2 drivers/pci/quirks.c: pci_quirk_intel_spt_pch_acs()). */
static gboolean
has_wide_acs(const Config *config, const HostPcie *pcie)
{
    static const guint16 ranges[][2] = {
        {0xa110, 0xa11f}, {0xa167, 0xa16a}, {0xa290, 0xa29f}, {0xa2e7, 0xa2ee}, {0x9d10, 0x9d1b}};
    guint device = get(config, 2, 2);

    if (get(config, 0, 2) != 0x8086 || pcie->type != HOST_PCIE_ROOT_PORT)
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(ranges); i++) {
        if (device >= ranges[i][0] && device <= ranges[i][1])
            return TRUE;
    }
    return FALSE;
}

static void
parse_acs(const Config *config, gsize offset, HostPcie *ret)
{
    gsize control = offset + (has_wide_acs(config, ret) ? 8 : 6);

    ret->acs_state = BASE_STATE_KNOWN;
    ret->acs_cap = get(config, offset + 4, 2) & 0x7f;
    ret->acs_ctrl = get(config, control, 2) & 0x7f;
}

static void
parse_extended_capability(const Config *config, gsize offset, HostPcie *ret)
{
    switch (get(config, offset, 2)) {
    case EXT_ATS:
        parse_ats(config, offset, ret);
        return;
    case EXT_PRI:
        ret->pri = BASE_YES;
        ret->pri_enabled = base_tri(get(config, offset + 4, 2) & 1);
        return;
    case EXT_PASID:
        parse_pasid(config, offset, ret);
        return;
    case EXT_ACS:
        parse_acs(config, offset, ret);
        return;
    default:
        return;
    }
}

/* FALSE: the list loops or leaves config space; nothing of it is then believed */
static gboolean
walk_extended(const Config *config, HostPcie *ret)
{
    HostPcie found = *ret;
    gsize offset = STANDARD_SIZE;
    guint steps = (CONFIG_SIZE - STANDARD_SIZE) / 8;

    found.ats = found.pri = BASE_NO;
    found.ats_enabled = found.pri_enabled = found.pasid_enabled = BASE_UNKNOWN;
    found.pasid_bits = base_u64_absent();
    found.acs_state = BASE_STATE_ABSENT;
    while (offset != 0) {
        guint32 header = get(config, offset, 4);

        /* an empty list is one zero header; all ones: no answer */
        if (header == G_MAXUINT32)
            return FALSE;
        if (header == 0)
            break;
        if (steps-- == 0)
            return FALSE;
        parse_extended_capability(config, offset, &found);
        offset = base_bits(header, 31, 20) & 0xffc;
        if (offset != 0 && (offset < STANDARD_SIZE || offset + 8 > config->length))
            return FALSE;
    }
    found.extended = BASE_STATE_KNOWN;
    *ret = found;
    return TRUE;
}

static gboolean
all_ones(const Config *config)
{
    for (gsize i = 0; i < HEADER_SIZE; i++) {
        if (config->bytes[i] != 0xff)
            return FALSE;
    }
    return TRUE;
}

const char *
host_config_parse(const guint8 *bytes, gsize length, HostPcie *ret)
{
    Config config = {bytes, length};
    gboolean bad = FALSE;
    gsize express;

    *ret = (HostPcie){0};
    if (length < HEADER_SIZE)
        return "config space is shorter than its header";
    if (all_ones(&config))
        return "the function does not answer (asleep or gone)";
    if (length < STANDARD_SIZE)
        return "needs root with CAP_SYS_ADMIN on the host: others see the first bytes of config "
               "space only"; /* Linux 7.2 drivers/pci/pci-sysfs.c:706-728 */
    express = find_standard(&config, CAP_EXPRESS, &bad);
    if (bad)
        return "the list of capabilities is damaged";
    if (express == 0) {
        ret->state = BASE_STATE_ABSENT; /* a conventional function has no extended space */
        return NULL;
    }
    ret->state = BASE_STATE_KNOWN;
    ret->type = (HostPcieType)base_bits(get(&config, express + 2, 2), 7, 4);
    if (!host_pcie_type_name(ret->type))
        ret->type = HOST_PCIE_UNKNOWN;
    ret->flr = base_tri(base_bits(get(&config, express + 4, 4), 28, 28) != 0);
    if (length < CONFIG_SIZE)
        return "extended config space is out of reach (no MMCONFIG?)";
    return walk_extended(&config, ret) ? NULL : "the list of extended capabilities is damaged";
}

static int
read_bytes(const ViommuHost *host, const char *path, guint8 **ret, gsize *ret_length)
{
    g_auto(HostDir) root = -1;
    int failed = host_sys_open_dir(AT_FDCWD, host->sysroot, &root);

    return failed ? failed : host_sys_bytes(root, path, CONFIG_SIZE, ret, ret_length);
}

static void
explain_pf(ViommuHost *host, const char *fact, const char *pf)
{
    g_autofree char *pf_fact = g_strdup_printf("devices/%s/pcie", pf);
    const char *why = host_facts_reason(host, pf_fact);

    host_facts_explain(host, fact,
                       "PRI and PASID are those of %s, whose config space is not known%s%s", pf,
                       why ? ": " : "", why ? why : "");
}

/* VFs have no PRI and PASID of their own: the kernel uses their PF's (Linux 7.2
 * drivers/pci/ats.c:417-423, 442-455, 571-585). */
static void
take_from_pf(ViommuHost *host, HostDevice *device, const char *fact)
{
    const HostDevice *pf;
    BasePci address;

    if (device->pcie.extended != BASE_STATE_KNOWN || !device->physfn.text ||
        !base_pci_parse(device->physfn.text, &address) || base_pci_equal(address, device->address))
        return;
    pf = host_facts_device(host, address);
    if (pf && pf->physfn.state == BASE_STATE_ABSENT) /* a PF of a PF is garbage */
        host_read_config(host, address);
    device->pcie.pri = pf ? pf->pcie.pri : BASE_UNKNOWN;
    device->pcie.pri_enabled = pf ? pf->pcie.pri_enabled : BASE_UNKNOWN;
    device->pcie.pasid_bits = pf ? pf->pcie.pasid_bits : (BaseU64){0};
    device->pcie.pasid_enabled = pf ? pf->pcie.pasid_enabled : BASE_UNKNOWN;
    if (!pf || pf->pcie.extended != BASE_STATE_KNOWN)
        explain_pf(host, fact, device->physfn.text);
}

void
host_read_config(ViommuHost *host, BasePci address)
{
    HostDevice *device = (HostDevice *)host_facts_device(host, address);
    g_autofree char *name = base_pci_format(address);
    g_autofree char *fact = g_strdup_printf("devices/%s/pcie", name);
    g_autofree char *path = g_strdup_printf("sys/bus/pci/devices/%s/config", name);
    g_autofree guint8 *bytes = NULL;
    const char *why;
    gsize length = 0;
    int failed;

    if (!host->sysroot || !device || device->pcie.state != BASE_STATE_UNKNOWN ||
        g_hash_table_contains(host->reasons, fact))
        return;
    failed = read_bytes(host, path, &bytes, &length);
    if (failed) {
        host_facts_failed(host, fact, path, failed);
        return;
    }
    why = host_config_parse(bytes, length, &device->pcie);
    if (why)
        host_facts_explain(host, fact, "%s", why);
    take_from_pf(host, device, fact);
}
