/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Config space and IORT: bytes from hardware and firmware, damaged ones included. */
#include "host-config.h"
#include "host-iort.h"

#include <string.h>

static void
put16(guint8 *bytes, gsize offset, guint value)
{
    bytes[offset] = (guint8)value;
    bytes[offset + 1] = (guint8)(value >> 8);
}

static void
put32(guint8 *bytes, gsize offset, guint32 value)
{
    put16(bytes, offset, value & 0xffff);
    put16(bytes, offset + 2, value >> 16);
}

/* A PCIe endpoint with FLR whose standard list is 0x40 (power management) -> 0x60 (PCIe). */
static void
make_endpoint(guint8 *bytes)
{
    memset(bytes, 0, 4096);
    put16(bytes, 0, 0x8086);
    put16(bytes, 0x06, 0x0010);
    bytes[0x34] = 0x40;
    put16(bytes, 0x40, 0x6001);
    put16(bytes, 0x60, 0x0010);
    put16(bytes, 0x62, 0x0002);
    put32(bytes, 0x64, 1U << 28);
}

static void
put_extended(guint8 *bytes, gsize offset, guint id, gsize next)
{
    put32(bytes, offset, id | 1U << 16 | (guint32)next << 20);
}

static void
test_capabilities(void)
{
    guint8 bytes[4096];
    HostPcie pcie;

    make_endpoint(bytes);
    put_extended(bytes, 0x100, 0x0001, 0x150); /* AER: passed over */
    put_extended(bytes, 0x150, 0x000f, 0x160);
    put16(bytes, 0x156, 0x8000);
    put_extended(bytes, 0x160, 0x0013, 0x170);
    put16(bytes, 0x164, 1);
    put_extended(bytes, 0x170, 0x001b, 0x180);
    put16(bytes, 0x174, 20 << 8 | 6);
    put16(bytes, 0x176, 1);
    put_extended(bytes, 0x180, 0x000d, 0);
    put16(bytes, 0x184, 0x005f);
    put16(bytes, 0x186, 0x001d);
    g_assert_null(host_config_parse(bytes, sizeof bytes, &pcie));
    g_assert_cmpint(pcie.state, ==, BASE_STATE_KNOWN);
    g_assert_cmpint(pcie.type, ==, HOST_PCIE_ENDPOINT);
    g_assert_cmpint(pcie.flr, ==, BASE_YES);
    g_assert_cmpint(pcie.ats, ==, BASE_YES);
    g_assert_cmpint(pcie.ats_enabled, ==, BASE_YES);
    g_assert_cmpint(pcie.pri, ==, BASE_YES);
    g_assert_cmpint(pcie.pri_enabled, ==, BASE_YES);
    g_assert_cmpuint(pcie.pasid_bits.value, ==, 20);
    g_assert_cmpint(pcie.pasid_enabled, ==, BASE_YES);
    g_assert_cmphex(pcie.acs_cap, ==, 0x5f);
    g_assert_cmphex(pcie.acs_ctrl, ==, 0x1d); /* SV RR CR UF */
    put16(bytes, 0x174, 31 << 8);
    put16(bytes, 0x156, 0x001f);
    put16(bytes, 0x164, 2); /* PRI: reset is not enable */
    g_assert_null(host_config_parse(bytes, sizeof bytes, &pcie));
    g_assert_cmpint(pcie.pri_enabled, ==, BASE_NO);
    g_assert_cmpuint(pcie.pasid_bits.value, ==, 20);
    g_assert_cmpint(pcie.ats_enabled, ==, BASE_NO);
    put32(bytes, 0x100, 0); /* an empty list */
    g_assert_null(host_config_parse(bytes, sizeof bytes, &pcie));
    g_assert_cmpint(pcie.ats, ==, BASE_NO);
    g_assert_cmpint(pcie.ats_enabled, ==, BASE_UNKNOWN);
    g_assert_cmpint(pcie.pri_enabled, ==, BASE_UNKNOWN);
    g_assert_cmpint(pcie.pasid_bits.state, ==, BASE_STATE_ABSENT);
    g_assert_cmpint(pcie.acs_state, ==, BASE_STATE_ABSENT);
    g_assert_cmpint(pcie.extended, ==, BASE_STATE_KNOWN);
    put16(bytes, 0x62, 0x0092); /* a type that PCIe does not define is no endpoint */
    bytes[0x62] = 0xc2;
    g_assert_null(host_config_parse(bytes, sizeof bytes, &pcie));
    g_assert_cmpint(pcie.type, ==, HOST_PCIE_UNKNOWN);
}

/* Intel's 100 and 200 series: the control register is two bytes further on. */
static void
test_wide_acs(void)
{
    guint8 bytes[4096];
    HostPcie pcie;

    make_endpoint(bytes);
    put16(bytes, 2, 0xa110);
    put16(bytes, 0x62, 0x0042); /* root port */
    put_extended(bytes, 0x100, 0x000d, 0);
    put16(bytes, 0x104, 0x000f);
    put16(bytes, 0x106, 0x0012);
    put16(bytes, 0x108, 0x001d);
    g_assert_null(host_config_parse(bytes, sizeof bytes, &pcie));
    g_assert_cmphex(pcie.acs_cap, ==, 0x0f);
    g_assert_cmphex(pcie.acs_ctrl, ==, 0x1d);
    for (guint i = 0; i < 3; i++) {
        static const struct {
            guint16 vendor, device, flags;
        } others[] = {{0x8086, 0xa10f, 0x42}, {0x8087, 0xa110, 0x42}, {0x8086, 0xa110, 0x62}};

        put16(bytes, 0, others[i].vendor);
        put16(bytes, 2, others[i].device);
        put16(bytes, 0x62, others[i].flags);
        g_assert_null(host_config_parse(bytes, sizeof bytes, &pcie));
        g_assert_cmphex(pcie.acs_ctrl, ==, 0x12);
    }
}

static void
test_conventional(void)
{
    guint8 bytes[256];
    guint8 whole[4096];
    HostPcie pcie;

    make_endpoint(whole);
    whole[0x41] = 0; /* power management alone */
    memcpy(bytes, whole, sizeof bytes);
    g_assert_null(host_config_parse(bytes, sizeof bytes, &pcie));
    g_assert_cmpint(pcie.state, ==, BASE_STATE_ABSENT);
    bytes[0x06] = 0; /* no list at all */
    bytes[0x34] = 0x44;
    g_assert_null(host_config_parse(bytes, sizeof bytes, &pcie));
    g_assert_cmpint(pcie.state, ==, BASE_STATE_ABSENT);
}

static void
assert_config_error(const guint8 *bytes, gsize length, const char *word, HostPcie *ret)
{
    const char *why = host_config_parse(bytes, length, ret);

    if (!why || !strstr(why, word))
        g_test_message("wanted \"%s\", got \"%s\"", word, why);
    g_assert_true(why && strstr(why, word));
}

static void
test_damaged(void)
{
    guint8 bytes[4096];
    HostPcie pcie;

    make_endpoint(bytes);
    assert_config_error(bytes, 0, "shorter", &pcie);
    assert_config_error(bytes, 63, "shorter", &pcie);
    assert_config_error(bytes, 64, "needs root", &pcie);
    g_assert_cmpint(pcie.state, ==, BASE_STATE_UNKNOWN);
    assert_config_error(bytes, 256, "out of reach", &pcie);
    g_assert_cmpint(pcie.state, ==, BASE_STATE_KNOWN);
    g_assert_cmpint(pcie.flr, ==, BASE_YES);
    g_assert_cmpint(pcie.ats, ==, BASE_UNKNOWN);
    memset(bytes, 0xff, sizeof bytes);
    assert_config_error(bytes, sizeof bytes, "does not answer", &pcie);
    make_endpoint(bytes);
    put16(bytes, 0x40, 0x4001); /* loops */
    assert_config_error(bytes, sizeof bytes, "list of capabilities", &pcie);
    g_assert_cmpint(pcie.state, ==, BASE_STATE_UNKNOWN);
    bytes[0x34] = 0x3c; /* into the header */
    assert_config_error(bytes, sizeof bytes, "list of capabilities", &pcie);
    make_endpoint(bytes);
    put_extended(bytes, 0x100, 0x000f, 0x200);
    put_extended(bytes, 0x200, 0x001b, 0x100); /* loops */
    assert_config_error(bytes, sizeof bytes, "extended", &pcie);
    g_assert_cmpint(pcie.ats, ==, BASE_UNKNOWN); /* nothing of a damaged list is believed */
    g_assert_cmpint(pcie.pasid_bits.state, ==, BASE_STATE_UNKNOWN);
    put_extended(bytes, 0x200, 0x001b, 0x0fc); /* back into the standard part */
    assert_config_error(bytes, sizeof bytes, "extended", &pcie);
    put_extended(bytes, 0x200, 0x001b, 0xffc); /* a capability that does not fit */
    assert_config_error(bytes, sizeof bytes, "extended", &pcie);
    put32(bytes, 0x100, 0xffffffff);
    assert_config_error(bytes, sizeof bytes, "extended", &pcie);
}

#define SMMU_BASE 0x0c020000ULL

/* One SMMUv3 at 48, one root complex at 136 whose only mapping leads to it. */
static void
make_iort(guint8 *table, gsize length)
{
    memset(table, 0, length);
    memcpy(table, "IORT", 4);
    put32(table, 4, (guint32)length);
    put32(table, 36, 2);
    put32(table, 40, 48);
    table[48] = 4;
    put16(table, 49, 88);
    put32(table, 64, (guint32)SMMU_BASE);
    table[136] = 2;
    put16(table, 137, 56);
    put32(table, 144, 1);
    put32(table, 148, 36);
    table[136 + 23] = 4; /* CANWBS */
    put32(table, 136 + 36 + 12, 48);
}

static void
test_iort(void)
{
    guint8 table[192];

    make_iort(table, sizeof table);
    g_assert_cmpint(host_iort_canwbs(table, sizeof table, SMMU_BASE), ==, BASE_YES);
    g_assert_cmpint(host_iort_canwbs(table, sizeof table, SMMU_BASE + 1), ==, BASE_UNKNOWN);
    table[136 + 23] = 3;
    g_assert_cmpint(host_iort_canwbs(table, sizeof table, SMMU_BASE), ==, BASE_NO);
    put32(table, 136 + 36 + 12, 136); /* leads elsewhere */
    g_assert_cmpint(host_iort_canwbs(table, sizeof table, SMMU_BASE), ==, BASE_UNKNOWN);
    put32(table, 136 + 36 + 12, 0xfffffff0);
    g_assert_cmpint(host_iort_canwbs(table, sizeof table, SMMU_BASE), ==, BASE_UNKNOWN);
    make_iort(table, sizeof table);
    put32(table, 144, 0x10000000); /* more mappings than fit */
    g_assert_cmpint(host_iort_canwbs(table, sizeof table, SMMU_BASE), ==, BASE_UNKNOWN);
    make_iort(table, sizeof table);
    put16(table, 49, 0); /* a node without length must not loop */
    g_assert_cmpint(host_iort_canwbs(table, sizeof table, SMMU_BASE), ==, BASE_UNKNOWN);
    for (gsize length = 0; length < sizeof table; length++) {
        g_autofree guint8 *part = NULL;

        make_iort(table, sizeof table);
        part = g_memdup2(table, length ? length : 1);
        g_assert_cmpint(host_iort_canwbs(part, length, SMMU_BASE), ==, BASE_UNKNOWN);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/host-config/capabilities", test_capabilities);
    g_test_add_func("/host-config/conventional", test_conventional);
    g_test_add_func("/host-config/wide-acs", test_wide_acs);
    g_test_add_func("/host-config/damaged", test_damaged);
    g_test_add_func("/host-config/iort", test_iort);
    return g_test_run();
}
