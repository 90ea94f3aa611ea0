/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every field stands where a second reading of the sources has it: shift and width as QEMU 11.1
 * smmuv3-common.h gives them, and as the shifts and masks of Linux 7.2 intel/iommu.h and
 * amd_iommu_types.h; the table under test has high and low bits.
 */
#include "host-registers.h"

#include <string.h>

static const struct {
    const char *reg, *name;
    guint shift, width;
} expected[] = {
    {"IDR0", "S2P", 0, 1},
    {"IDR0", "S1P", 1, 1},
    {"IDR0", "TTF", 2, 2},
    {"IDR0", "COHACC", 4, 1},
    {"IDR0", "BTM", 5, 1},
    {"IDR0", "HTTU", 6, 2},
    {"IDR0", "DORMHINT", 8, 1},
    {"IDR0", "HYP", 9, 1},
    {"IDR0", "ATS", 10, 1},
    {"IDR0", "NS1ATS", 11, 1},
    {"IDR0", "ASID16", 12, 1},
    {"IDR0", "MSI", 13, 1},
    {"IDR0", "SEV", 14, 1},
    {"IDR0", "ATOS", 15, 1},
    {"IDR0", "PRI", 16, 1},
    {"IDR0", "VMW", 17, 1},
    {"IDR0", "VMID16", 18, 1},
    {"IDR0", "CD2L", 19, 1},
    {"IDR0", "VATOS", 20, 1},
    {"IDR0", "TTENDIAN", 21, 2},
    {"IDR0", "ATSRECERR", 23, 1},
    {"IDR0", "STALL_MODEL", 24, 2},
    {"IDR0", "TERM_MODEL", 26, 1},
    {"IDR0", "ST_LEVEL", 27, 2},
    {"IDR0", "RME_IMPL", 30, 1},
    {"IDR1", "SIDSIZE", 0, 6},
    {"IDR1", "SSIDSIZE", 6, 5},
    {"IDR1", "PRIQS", 11, 5},
    {"IDR1", "EVENTQS", 16, 5},
    {"IDR1", "CMDQS", 21, 5},
    {"IDR1", "ATTR_PERMS_OVR", 26, 1},
    {"IDR1", "ATTR_TYPES_OVR", 27, 1},
    {"IDR1", "REL", 28, 1},
    {"IDR1", "QUEUES_PRESET", 29, 1},
    {"IDR1", "TABLES_PRESET", 30, 1},
    {"IDR1", "ECMDQ", 31, 1},
    {"IDR2", "BA_VATOS", 0, 10},
    {"IDR3", "HAD", 2, 1},
    {"IDR3", "PBHA", 3, 1},
    {"IDR3", "XNX", 4, 1},
    {"IDR3", "PPS", 5, 1},
    {"IDR3", "MPAM", 7, 1},
    {"IDR3", "FWB", 8, 1},
    {"IDR3", "STT", 9, 1},
    {"IDR3", "RIL", 10, 1},
    {"IDR3", "BBML", 11, 2},
    {"IDR3", "E0PD", 13, 1},
    {"IDR3", "PTWNNC", 14, 1},
    {"IDR3", "DPT", 15, 1},
    {"IDR4", "IMPL", 0, 32},
    {"IDR5", "OAS", 0, 3},
    {"IDR5", "GRAN4K", 4, 1},
    {"IDR5", "GRAN16K", 5, 1},
    {"IDR5", "GRAN64K", 6, 1},
    {"IDR5", "DS", 7, 1},
    {"IDR5", "VAX", 10, 2},
    {"IDR5", "STALL_MAX", 16, 16},
    {"IIDR", "Implementer", 0, 12},
    {"IIDR", "Revision", 12, 4},
    {"IIDR", "Variant", 16, 4},
    {"IIDR", "ProductID", 20, 12},
    {"AIDR", "ArchMinorRev", 0, 4},
    {"AIDR", "ArchMajorRev", 4, 4},
    {"CAP", "ND", 0, 3},
    {"CAP", "AFL", 3, 1},
    {"CAP", "RWBF", 4, 1},
    {"CAP", "PLMR", 5, 1},
    {"CAP", "PHMR", 6, 1},
    {"CAP", "CM", 7, 1},
    {"CAP", "SAGAW", 8, 5},
    {"CAP", "MGAW", 16, 6},
    {"CAP", "ZLR", 22, 1},
    {"CAP", "FRO", 24, 10},
    {"CAP", "SSLPS", 34, 4},
    {"CAP", "PSI", 39, 1},
    {"CAP", "NFR", 40, 8},
    {"CAP", "MAMV", 48, 6},
    {"CAP", "DWD", 54, 1},
    {"CAP", "DRD", 55, 1},
    {"CAP", "FS1GP", 56, 1},
    {"CAP", "PI", 59, 1},
    {"CAP", "FS5LP", 60, 1},
    {"CAP", "ECMDS", 61, 1},
    {"CAP", "ESIRTPS", 62, 1},
    {"CAP", "ESRTPS", 63, 1},
    {"ECAP", "C", 0, 1},
    {"ECAP", "QI", 1, 1},
    {"ECAP", "DT", 2, 1},
    {"ECAP", "IR", 3, 1},
    {"ECAP", "EIM", 4, 1},
    {"ECAP", "PT", 6, 1},
    {"ECAP", "SC", 7, 1},
    {"ECAP", "IRO", 8, 10},
    {"ECAP", "MHMV", 20, 4},
    {"ECAP", "MTS", 25, 1},
    {"ECAP", "NEST", 26, 1},
    {"ECAP", "DIS", 27, 1},
    {"ECAP", "PRS", 29, 1},
    {"ECAP", "ERS", 30, 1},
    {"ECAP", "SRS", 31, 1},
    {"ECAP", "NWFS", 33, 1},
    {"ECAP", "EAFS", 34, 1},
    {"ECAP", "PSS", 35, 5},
    {"ECAP", "PASID", 40, 1},
    {"ECAP", "DIT", 41, 1},
    {"ECAP", "PDS", 42, 1},
    {"ECAP", "SMTS", 43, 1},
    {"ECAP", "VCS", 44, 1},
    {"ECAP", "SSADS", 45, 1},
    {"ECAP", "SSTS", 46, 1},
    {"ECAP", "FSTS", 47, 1},
    {"ECAP", "SMPWC", 48, 1},
    {"ECAP", "RPS", 49, 1},
    {"ECAP", "PMS", 51, 1},
    {"EFR", "PreFSup", 0, 1},
    {"EFR", "PPRSup", 1, 1},
    {"EFR", "XTSup", 2, 1},
    {"EFR", "NXSup", 3, 1},
    {"EFR", "GTSup", 4, 1},
    {"EFR", "IASup", 6, 1},
    {"EFR", "GASup", 7, 1},
    {"EFR", "HESup", 8, 1},
    {"EFR", "PCSup", 9, 1},
    {"EFR", "HATS", 10, 2},
    {"EFR", "GATS", 12, 2},
    {"EFR", "GLXSup", 14, 2},
    {"EFR", "GAMSup", 21, 3},
    {"EFR", "PASmax", 32, 5},
    {"EFR", "GIoSup", 48, 1},
    {"EFR", "HASup", 49, 1},
    {"EFR", "EPHSup", 50, 1},
    {"EFR", "HDSup", 52, 1},
    {"EFR", "vIOMMU", 55, 1},
    {"EFR", "SNPSup", 63, 1},
    {"EFR2", "SEVSNPIOSup", 1, 1},
    {"EFR2", "GCR3TRPMode", 3, 1},
    {"EFR2", "SNPAVICSup", 5, 3},
    {"EFR2", "NumIntRemapSup", 8, 2},
    {"EFR2", "HtRangeIgnore", 11, 1},
};

static void
test_places(void)
{
    g_assert_cmpuint(G_N_ELEMENTS(expected), ==, HOST_FIELD_COUNT);
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        guint64 ones = expected[i].width == 64 ? G_MAXUINT64
                                               : (G_GUINT64_CONSTANT(1) << expected[i].width) - 1;
        gboolean found = FALSE;

        for (HostFieldId id = 0; id < HOST_FIELD_COUNT; id++) {
            const HostRegisterField *field = host_register_field(id);

            if (strcmp(host_register_name(field->reg), expected[i].reg) != 0 ||
                strcmp(field->name, expected[i].name) != 0)
                continue;
            found = TRUE;
            /* all of its own bits, and none of the others */
            g_assert_cmphex(host_field_bits(id, ones << expected[i].shift), ==, ones);
            g_assert_cmphex(host_field_bits(id, ~(ones << expected[i].shift)), ==, 0);
        }
        if (!found)
            g_test_message("no field %s.%s", expected[i].reg, expected[i].name);
        g_assert_true(found);
    }
}

static void
assert_text(HostFieldId id, guint64 value, const char *text)
{
    g_autofree char *got = host_field_text(id, value);

    g_assert_cmpstr(got, ==, text);
}

/* One of each way to read. */
static void
test_readings(void)
{
    assert_text(HOST_CAP_ND, 6, "65536");
    assert_text(HOST_CAP_ND, 2, "256");
    assert_text(HOST_CAP_MGAW, 47 << 16, "48");
    assert_text(HOST_CAP_CM, 1 << 7, "yes");
    assert_text(HOST_CAP_CM, 0, "no");
    assert_text(HOST_CAP_SAGAW, 6 << 8, "39, 48");
    assert_text(HOST_CAP_SAGAW, 0, "none");
    assert_text(HOST_CAP_SSLPS, G_GUINT64_CONSTANT(3) << 34, "2 MiB, 1 GiB");
    assert_text(HOST_CAP_FRO, G_GUINT64_CONSTANT(0x22) << 24, "544");
    assert_text(HOST_ECAP_PSS, G_GUINT64_CONSTANT(19) << 35, "20");
    assert_text(HOST_EFR_HATS, 0, "48");
    assert_text(HOST_EFR_HATS, 3 << 10, "off");
    assert_text(HOST_EFR_GATS, 1 << 12, "5");
    assert_text(HOST_EFR_PASmax, G_GUINT64_CONSTANT(15) << 32, "16");
    assert_text(HOST_IDR0_TTF, 2 << 2, "AArch64");
    assert_text(HOST_IDR0_TTENDIAN, 2 << 21, "little");
    assert_text(HOST_IDR0_STALL_MODEL, 1 << 24, "terminate");
    assert_text(HOST_IDR0_ST_LEVEL, 1 << 27, "2");
    assert_text(HOST_IDR0_HTTU, 2 << 6, "accessed and dirty");
    assert_text(HOST_IDR1_CMDQS, 19 << 21, "524288");
    assert_text(HOST_IDR3_BBML, 2 << 11, "level 2");
    assert_text(HOST_IDR5_OAS, 3, "42");
    assert_text(HOST_IDR5_OAS, 6, "52");
    assert_text(HOST_IDR5_VAX, 1 << 10, "52");
    assert_text(HOST_IIDR_ProductID, G_GUINT64_CONSTANT(0x487) << 20, "0x487");
}

static void
test_unknown_register(void)
{
    HostIommu iommu = {.type = HOST_IOMMU_SMMUV3, .idr = {base_u64(0x10)}};

    g_assert_true(base_u64_is_known(host_iommu_bits(&iommu, HOST_IDR0_COHACC)));
    g_assert_cmpuint(host_iommu_bits(&iommu, HOST_IDR0_COHACC).value, ==, 1);
    g_assert_false(base_u64_is_known(host_iommu_bits(&iommu, HOST_IDR5_OAS)));
}

/* Errata by product, variant and revision: MMU-600 before r2, MMU-700 before r1p1. */
static void
test_notes(void)
{
    static const struct {
        guint64 iidr;
        const char *note;
    } cases[] = {
        {0x4830043b, "MMU-600 before r2"},
        {0x4831043b, "MMU-600 before r2"},
        {0x4832043b, NULL},
        {0x4870143b, "MMU-700 before r1p1"},
        {0x4871043b, "MMU-700 before r1p1"},
        {0x4871143b, NULL},
        {0x4872043b, NULL},
        {0x48700999, NULL},
        {0x1234043b, NULL},
    };
    g_autoptr(ViommuHost) host = host_facts_new();

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        HostIommu iommu = {.type = HOST_IOMMU_SMMUV3, .iidr = base_u64(cases[i].iidr)};
        g_autoptr(GPtrArray) notes = host_iommu_notes(host, &iommu);

        g_assert_cmpuint(notes->len, ==, cases[i].note ? 1 : 0);
        if (cases[i].note && notes->len)
            g_assert_nonnull(strstr(notes->pdata[0], cases[i].note));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/host/fields/places", test_places);
    g_test_add_func("/host/fields/readings", test_readings);
    g_test_add_func("/host/fields/unknown", test_unknown_register);
    g_test_add_func("/host/fields/notes", test_notes);
    return g_test_run();
}
