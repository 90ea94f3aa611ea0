/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-registers.h"

#include "base-text.h"
#include "host-decode.h"

static const HostRegisterField fields[] = {
#define FIELD(reg, name, high, low, reads, meaning, allows)                                        \
    {HOST_REGISTER_##reg, #name, high, low, HOST_READS_##reads, meaning, allows},
    HOST_FIELD_LIST(FIELD)
#undef FIELD
};

/* --- codes --- */

static const char *const sagaw[] = {"30", "39", "48", "57", "64", NULL};
static const char *const large[] = {"2 MiB", "1 GiB", "512 GiB", "1 TiB", NULL};
/* Linux 7.2 amd/init.c:3271-3283: 3 switches translation off */
static const char *const hats[] = {"48", "57", "64", "off", NULL};
static const char *const gats[] = {"4", "5", "6", "reserved", NULL};
static const char *const ttf[] = {"reserved", "AArch32", "AArch64", "AArch32 and AArch64", NULL};
static const char *const httu[] = {"none", "accessed", "accessed and dirty",
                                   "accessed and dirty, tables too", NULL};
static const char *const ttendian[] = {"mixed", "reserved", "little", "big", NULL};
static const char *const stall[] = {"stall or terminate", "terminate", "stall", "reserved", NULL};
static const char *const level[] = {"1", "2", "reserved", "reserved", NULL};
static const char *const bbml[] = {"level 0", "level 1", "level 2", "reserved", NULL};
/* A code, not a step of four bits: Linux 7.2 arm-smmu-v3.h:72-78; 7 is 56 bits in QEMU 11.1
 * qapi/misc-arm.json:90 and reserved in Linux. */
static const char *const oas[] = {"32", "36", "40", "42", "44", "48", "52", "56", NULL};
static const char *const vax[] = {"48", "52", "reserved", "reserved", NULL};

typedef struct {
    const char *const *words; /* NULL: no code */
    gboolean by_bit;          /* a word for each bit that is set */
} Code;

static const Code codes[] = {
    [HOST_READS_SAGAW] = {sagaw, TRUE},        [HOST_READS_LARGE] = {large, TRUE},
    [HOST_READS_HATS] = {hats, FALSE},         [HOST_READS_GATS] = {gats, FALSE},
    [HOST_READS_TTF] = {ttf, FALSE},           [HOST_READS_HTTU] = {httu, FALSE},
    [HOST_READS_TTENDIAN] = {ttendian, FALSE}, [HOST_READS_STALL] = {stall, FALSE},
    [HOST_READS_LEVEL] = {level, FALSE},       [HOST_READS_BBML] = {bbml, FALSE},
    [HOST_READS_OAS] = {oas, FALSE},           [HOST_READS_VAX] = {vax, FALSE},
};

static char *
words_by_bit(const char *const *words, guint64 bits)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; words[i]; i++) {
        if (bits & G_GUINT64_CONSTANT(1) << i)
            g_string_append_printf(text, "%s%s", text->len ? ", " : "", words[i]);
    }
    return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : g_strdup("none");
}

/* --- fields --- */

const HostRegisterField *
host_register_field(HostFieldId id)
{
    return &fields[id];
}

const char *
host_register_name(HostRegister reg)
{
    static const char *const names[HOST_REGISTER_COUNT] = {"CAP",  "ECAP", "EFR",  "EFR2",
                                                           "IDR0", "IDR1", "IDR2", "IDR3",
                                                           "IDR4", "IDR5", "IIDR", "AIDR"};

    return names[reg];
}

BaseU64
host_register_value(const HostIommu *iommu, HostRegister reg)
{
    switch (reg) {
    case HOST_REGISTER_CAP:
        return iommu->cap;
    case HOST_REGISTER_ECAP:
        return iommu->ecap;
    case HOST_REGISTER_EFR:
        return iommu->efr;
    case HOST_REGISTER_EFR2:
        return iommu->efr2;
    case HOST_REGISTER_IDR0:
    case HOST_REGISTER_IDR1:
    case HOST_REGISTER_IDR2:
    case HOST_REGISTER_IDR3:
    case HOST_REGISTER_IDR4:
    case HOST_REGISTER_IDR5:
        return iommu->idr[reg - HOST_REGISTER_IDR0];
    case HOST_REGISTER_IIDR:
        return iommu->iidr;
    case HOST_REGISTER_AIDR:
        return iommu->aidr;
    case HOST_REGISTER_COUNT:
        break;
    }
    return (BaseU64){0};
}

guint64
host_field_bits(HostFieldId id, guint64 value)
{
    return base_bits(value, fields[id].high, fields[id].low);
}

BaseU64
host_iommu_bits(const HostIommu *iommu, HostFieldId id)
{
    BaseU64 value = host_register_value(iommu, fields[id].reg);

    return base_u64_is_known(value) ? base_u64(host_field_bits(id, value.value)) : (BaseU64){0};
}

/* FALSE: it is no number */
static gboolean
as_number(HostReads reads, guint64 bits, guint64 *ret)
{
    switch (reads) {
    case HOST_READS_NUMBER:
        *ret = bits;
        return TRUE;
    case HOST_READS_PLUS1:
        *ret = bits + 1;
        return TRUE;
    case HOST_READS_POWER:
        *ret = G_GUINT64_CONSTANT(1) << bits;
        return TRUE;
    case HOST_READS_TIMES16:
        *ret = bits * 16;
        return TRUE;
    case HOST_READS_DOMAINS:
        *ret = G_GUINT64_CONSTANT(1) << (4 + 2 * bits);
        return TRUE;
    case HOST_READS_FLAG:
    case HOST_READS_HEX:
    case HOST_READS_SAGAW:
    case HOST_READS_LARGE:
    case HOST_READS_HATS:
    case HOST_READS_GATS:
    case HOST_READS_TTF:
    case HOST_READS_HTTU:
    case HOST_READS_TTENDIAN:
    case HOST_READS_STALL:
    case HOST_READS_LEVEL:
    case HOST_READS_BBML:
    case HOST_READS_OAS:
    case HOST_READS_VAX:
        break;
    }
    return FALSE;
}

char *
host_field_text(HostFieldId id, guint64 value)
{
    guint64 bits = host_field_bits(id, value), number = 0;
    HostReads reads = fields[id].reads;

    if (reads == HOST_READS_FLAG)
        return g_strdup(bits ? "yes" : "no");
    if (as_number(reads, bits, &number))
        return g_strdup_printf("%" G_GUINT64_FORMAT, number);
    if (reads == HOST_READS_HEX)
        return g_strdup_printf("0x%" G_GINT64_MODIFIER "x", bits);
    return codes[reads].by_bit ? words_by_bit(codes[reads].words, bits)
                               : g_strdup(codes[reads].words[bits]);
}

BaseJson *
host_field_json(HostFieldId id, guint64 value)
{
    g_autofree char *text = host_field_text(id, value);
    guint64 number = 0;

    if (fields[id].reads == HOST_READS_FLAG)
        return json_object_new_boolean(host_field_bits(id, value) != 0);
    if (base_parse_u64(text, 10, &number))
        return json_object_new_uint64(number);
    return json_object_new_string(text);
}

/* --- notes --- */

static void
note_vtd(const ViommuHost *host, const HostIommu *iommu, GPtrArray *notes)
{
    BaseU64 plain = host_vtd_scalable(host, iommu) == BASE_YES
                        ? host_iova_bits(host, iommu, HOST_TABLE_PLAIN)
                        : (BaseU64){0};
    HostVtd vtd;

    if (!host_decode_vtd(iommu, &vtd))
        return;
    if (vtd.caching_mode)
        g_ptr_array_add(notes, g_strdup("caching mode is on: this IOMMU is itself virtual"));
    if (base_u64_is_known(plain) && plain.value < vtd.mgaw && vtd.fsts)
        g_ptr_array_add(
            notes, g_strdup_printf("a device has %" G_GUINT64_FORMAT
                                   " bits of IOVA though MGAW is %u: this kernel takes first-stage "
                                   "tables, which extend the sign; intel_iommu=sm_off gives more",
                                   plain.value, vtd.mgaw));
    /* the flag came with the query itself, Linux 6.12 intel/iommu.c:4440, 7.2 :3704 */
    if (vtd.smts && vtd.nest)
        g_ptr_array_add(notes, g_strdup("Linux flags erratum 772415 for every VT-d unit, so the "
                                        "flag tells nothing of this one; below a nested domain "
                                        "devices cannot read what the guest has read-only"));
}

GPtrArray *
host_iommu_notes(const ViommuHost *host, const HostIommu *iommu)
{
    GPtrArray *notes = g_ptr_array_new_with_free_func(g_free);
    const char *erratum = host_smmu_erratum(iommu);

    if (erratum)
        g_ptr_array_add(notes, g_strdup(erratum));
    if (iommu->type == HOST_IOMMU_VTD)
        note_vtd(host, iommu, notes);
    else if (iommu->type == HOST_IOMMU_AMD)
        g_ptr_array_add(notes, g_strdup("sysfs shows the features that all IOMMUs of the host "
                                        "share, not those of this one alone"));
    return notes;
}
