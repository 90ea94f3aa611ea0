/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Register decode: values that hardware and emulators showed, then every field by itself. */
#include "host-decode.h"
#include "host-shared.h"

/* Registers of QEMU 11.1's VT-d with fsts=on, as Linux 7.2.13 showed them in sysfs. */
static void
test_vtd(void)
{
    HostIommu iommu = vtd_unit(0x81d2008c222f0686, 0x8d9a20f00f4e);
    HostVtd vtd = {0};

    g_assert_true(host_decode_vtd(&iommu, &vtd));
    g_assert_true(vtd.caching_mode);
    g_assert_cmpuint(vtd.mgaw, ==, 48);
    g_assert_cmpuint(vtd.sagaw, ==, 6);
    g_assert_true(vtd.fs1gp);
    g_assert_false(vtd.fs5lp);
    g_assert_true(vtd.ir);
    g_assert_false(vtd.eim);
    g_assert_true(vtd.dt);
    g_assert_true(vtd.prs);
    g_assert_false(vtd.nest);
    g_assert_true(vtd.pasid);
    g_assert_cmpuint(vtd.pasid_bits, ==, 20);
    g_assert_true(vtd.smts);
    g_assert_false(vtd.ssads);
    g_assert_false(vtd.ssts);
    g_assert_true(vtd.fsts);
    g_assert_false(vtd.smpwc);
    /* the same unit with fsts=off and NEST forced on */
    iommu = vtd_unit(0x81d2008c222f0686, 0x480084f00f4e);
    g_assert_true(host_decode_vtd(&iommu, &vtd));
    g_assert_true(vtd.nest);
    g_assert_true(vtd.ssts);
    g_assert_false(vtd.fsts);
    g_assert_false(vtd.pasid);
    g_assert_cmpuint(vtd.pasid_bits, ==, 0);
    iommu.ecap = (BaseU64){0};
    g_assert_false(host_decode_vtd(&iommu, &vtd));
}

/* IDRs that IOMMU_GET_HW_INFO gave for QEMU 11.1's SMMUv3 with stage=nested. */
static void
test_smmu(void)
{
    static const guint oas[8] = {32, 36, 40, 42, 44, 48, 52, 56};
    HostIommu iommu = {.type = HOST_IOMMU_SMMUV3,
                       .idr = {base_u64(0x0d44101b), base_u64(0x02730010), base_u64(0),
                               base_u64(0x1414), base_u64(0), base_u64(0x74)}};
    HostSmmu smmu = {0};

    g_assert_true(host_decode_smmu(&iommu, &smmu));
    g_assert_true(smmu.s1p && smmu.s2p && smmu.coherent && smmu.asid16 && smmu.vmid16);
    g_assert_false(smmu.ats || smmu.pri || smmu.hyp || smmu.fwb);
    g_assert_true(smmu.ril);
    g_assert_cmpuint(smmu.ttf, ==, 2);
    g_assert_cmpuint(smmu.ttendian, ==, 2);
    g_assert_cmpuint(smmu.st_level, ==, 1);
    g_assert_cmpuint(smmu.stall_model, ==, 1);
    g_assert_cmpuint(smmu.httu, ==, 0);
    g_assert_cmpuint(smmu.bbml, ==, 2);
    g_assert_cmpuint(smmu.sid_bits, ==, 16);
    g_assert_cmpuint(smmu.ssid_bits, ==, 0);
    g_assert_cmpuint(smmu.oas, ==, 44);
    g_assert_true(smmu.gran4k && smmu.gran16k && smmu.gran64k);
    for (guint code = 0; code < 8; code++) {
        iommu.idr[5] = base_u64(code);
        g_assert_true(host_decode_smmu(&iommu, &smmu));
        g_assert_cmpuint(smmu.oas, ==, oas[code]);
        g_assert_false(smmu.gran4k || smmu.gran16k || smmu.gran64k);
    }
    iommu.idr[3] = (BaseU64){0};
    g_assert_false(host_decode_smmu(&iommu, &smmu));
}

static void
test_amd(void)
{
    g_autoptr(ViommuHost) genoa = load_shared("genoa.json");
    HostIommu iommu = {.type = HOST_IOMMU_AMD, .efr = base_u64(0x29d3), .efr2 = base_u64(0)};
    HostAmd amd = {0};

    /* QEMU 11.1's amd-iommu under Linux 7.2.12: "features = 29d3:0" */
    g_assert_true(host_decode_amd(&iommu, &amd));
    g_assert_cmpuint(amd.host_bits, ==, 64);
    g_assert_cmpuint(amd.pasid_bits, ==, 0);
    g_assert_true(amd.ppr && amd.gt && amd.ga);
    g_assert_false(amd.xt || amd.gio || amd.snp || amd.hd);
    g_assert_true(host_decode_amd(host_facts_iommu(genoa, "ivhd0"), &amd));
    g_assert_cmpuint(amd.pasid_bits, ==, 16);
    g_assert_true(amd.xt && amd.gio && amd.hd);
    iommu.efr = base_u64(0xc00);
    g_assert_true(host_decode_amd(&iommu, &amd));
    g_assert_cmpuint(amd.host_bits, ==, 0);
}

typedef struct {
    guint reg, low, high; /* the field's register and bits */
    gsize offset;         /* of a guint or gboolean in the decoded struct */
    guint plus;           /* what is added to the bits */
} Field;

/* With all bits of one field set and no other, this field alone has a value. */
static void
assert_field(const Field *fields, guint n, guint which, const guint8 *decoded)
{
    for (guint i = 0; i < n; i++) {
        guint value = *(const guint *)(decoded + fields[i].offset);
        guint ones = (guint)base_bits(G_MAXUINT64, fields[i].high, fields[i].low);

        if (value != (i == which ? ones : 0) + fields[i].plus)
            g_test_message("field %u of register %u, with %u set: %u", i, fields[i].reg, which,
                           value);
        g_assert_cmpuint(value, ==, (i == which ? ones : 0) + fields[i].plus);
    }
}

static guint64
field_mask(const Field *field, guint reg)
{
    guint64 ones = base_bits(G_MAXUINT64, field->high, field->low);

    return field->reg == reg ? ones << field->low : 0;
}

#define VTD(reg, low, high, member, plus)                                                          \
    {                                                                                              \
        reg, low, high, offsetof(HostVtd, member), plus                                            \
    }
#define SMMU(reg, low, high, member)                                                               \
    {                                                                                              \
        reg, low, high, offsetof(HostSmmu, member), 0                                              \
    }
#define AMD(low, high, member)                                                                     \
    {                                                                                              \
        0, low, high, offsetof(HostAmd, member), 0                                                 \
    }

/* facts of Linux 7.2 intel/iommu.h:157-218 */
static void
test_vtd_fields(void)
{
    static const Field fields[] = {
        VTD(0, 7, 7, caching_mode, 0), VTD(0, 8, 12, sagaw, 0),  VTD(0, 16, 21, mgaw, 1),
        VTD(0, 56, 56, fs1gp, 0),      VTD(0, 60, 60, fs5lp, 0), VTD(1, 2, 2, dt, 0),
        VTD(1, 3, 3, ir, 0),           VTD(1, 4, 4, eim, 0),     VTD(1, 7, 7, sc, 0),
        VTD(1, 26, 26, nest, 0),       VTD(1, 29, 29, prs, 0),   VTD(1, 43, 43, smts, 0),
        VTD(1, 45, 45, ssads, 0),      VTD(1, 46, 46, ssts, 0),  VTD(1, 47, 47, fsts, 0),
        VTD(1, 48, 48, smpwc, 0),
    };
    HostVtd vtd;

    for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
        HostIommu iommu = vtd_unit(field_mask(&fields[i], 0), field_mask(&fields[i], 1));

        g_assert_true(host_decode_vtd(&iommu, &vtd));
        assert_field(fields, G_N_ELEMENTS(fields), i, (const guint8 *)&vtd);
        g_assert_false(vtd.pasid);
    }
    for (guint bits = 1; bits <= 20; bits++) {
        HostIommu iommu = vtd_unit(0, 1ULL << 40 | (guint64)(bits - 1) << 35);

        g_assert_true(host_decode_vtd(&iommu, &vtd));
        g_assert_true(vtd.pasid);
        g_assert_cmpuint(vtd.pasid_bits, ==, bits);
    }
}

/* Linux 7.2 arm-smmu-v3.h:22-80; OAS is a code and has its own test */
static void
test_smmu_fields(void)
{
    static const Field fields[] = {
        SMMU(0, 0, 0, s2p),        SMMU(0, 1, 1, s1p),        SMMU(0, 2, 3, ttf),
        SMMU(0, 4, 4, coherent),   SMMU(0, 6, 7, httu),       SMMU(0, 9, 9, hyp),
        SMMU(0, 10, 10, ats),      SMMU(0, 12, 12, asid16),   SMMU(0, 16, 16, pri),
        SMMU(0, 18, 18, vmid16),   SMMU(0, 21, 22, ttendian), SMMU(0, 24, 25, stall_model),
        SMMU(0, 27, 28, st_level), SMMU(1, 0, 5, sid_bits),   SMMU(1, 6, 10, ssid_bits),
        SMMU(3, 8, 8, fwb),        SMMU(3, 10, 10, ril),      SMMU(3, 11, 12, bbml),
        SMMU(5, 4, 4, gran4k),     SMMU(5, 5, 5, gran16k),    SMMU(5, 6, 6, gran64k),
        SMMU(5, 10, 11, vax),
    };

    for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
        HostIommu iommu = {.type = HOST_IOMMU_SMMUV3};
        HostSmmu smmu;

        for (guint reg = 0; reg < 6; reg++)
            iommu.idr[reg] = base_u64(field_mask(&fields[i], reg));
        g_assert_true(host_decode_smmu(&iommu, &smmu));
        assert_field(fields, G_N_ELEMENTS(fields), i, (const guint8 *)&smmu);
    }
}

/* Linux 7.2 amd/amd_iommu_types.h:88-119 */
static void
test_amd_fields(void)
{
    static const Field fields[] = {
        AMD(1, 1, ppr),   AMD(2, 2, xt),    AMD(4, 4, gt),   AMD(7, 7, ga),    AMD(12, 13, gats),
        AMD(48, 48, gio), AMD(50, 50, eph), AMD(52, 52, hd), AMD(63, 63, snp),
    };
    const guint64 needed = 1ULL << 1 | 1ULL << 4 | 1ULL << 48 | 1ULL << 50;
    HostIommu iommu = {.type = HOST_IOMMU_AMD};
    HostAmd amd;

    for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
        iommu.efr = base_u64(field_mask(&fields[i], 0));
        g_assert_true(host_decode_amd(&iommu, &amd));
        assert_field(fields, G_N_ELEMENTS(fields), i, (const guint8 *)&amd);
    }
    for (guint bits = 1; bits <= 32; bits++) {
        iommu.efr = base_u64(needed | (guint64)(bits - 1) << 32);
        g_assert_true(host_decode_amd(&iommu, &amd));
        g_assert_cmpuint(amd.pasid_bits, ==, bits);
    }
    for (guint bit = 0; bit < 64; bit++) { /* each of the four is needed */
        if (!(needed >> bit & 1))
            continue;
        iommu.efr = base_u64((needed & ~(1ULL << bit)) | 15ULL << 32);
        g_assert_true(host_decode_amd(&iommu, &amd));
        g_assert_cmpuint(amd.pasid_bits, ==, 0);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/host-registers/vtd", test_vtd);
    g_test_add_func("/host-registers/smmu", test_smmu);
    g_test_add_func("/host-registers/amd", test_amd);
    g_test_add_func("/host-registers/vtd-fields", test_vtd_fields);
    g_test_add_func("/host-registers/smmu-fields", test_smmu_fields);
    g_test_add_func("/host-registers/amd-fields", test_amd_fields);
    return g_test_run();
}
