/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Room for BARs below a port: what devices need, and what firmware makes of a reservation. */
#include "view-bars.h"

#include <string.h>

#include "base-text.h"

#define MIB (G_GUINT64_CONSTANT(1) << 20)
#define GIB (G_GUINT64_CONSTANT(1) << 30)

static HostDevice *
device_with(GArray **bars)
{
    HostDevice *device = g_new0(HostDevice, 1);

    *bars = g_array_new(FALSE, TRUE, sizeof(HostBar));
    device->bars_state = BASE_STATE_KNOWN;
    device->bars = *bars;
    return device;
}

/* 64-bit prefetchable ones are behind the bridge's own window above 4 GiB, every other below. */
static void
test_kinds(void)
{
    const HostBar all[] = {
        {.index = 0, .size = 16 * MIB, .bits = 32},
        {.index = 1, .size = 32 * GIB, .bits = 64, .prefetch = TRUE},
        {.index = 3, .size = 32 * MIB, .bits = 64, .prefetch = TRUE},
        {.index = 4, .size = 4096, .bits = 64},
        {.index = 5, .size = 128, .bits = 32, .io = TRUE},
        {.index = 6, .size = 512 * MIB, .bits = 32}, /* the ROM */
        {.index = 2, .size = 8 * MIB, .bits = 32, .prefetch = TRUE},
    };
    GArray *bars;
    g_autofree HostDevice *device = device_with(&bars);
    ViewBars found;

    g_array_append_vals(bars, all, G_N_ELEMENTS(all));
    g_assert_true(view_bars(device, &found));
    g_assert_cmpuint(found.prefetchable.bytes, ==, 32 * GIB + 32 * MIB);
    g_assert_cmpuint(found.prefetchable.largest, ==, 32 * GIB);
    g_assert_cmpuint(found.plain.bytes, ==, 24 * MIB + 4096);
    g_assert_cmpuint(found.plain.largest, ==, 16 * MIB);
    device->bars_state = BASE_STATE_UNKNOWN;
    g_assert_false(view_bars(device, &found));
    g_assert_cmpuint(found.prefetchable.bytes, ==, 0);
    g_assert_false(view_bars(NULL, &found));
    g_array_unref(bars);
}

/* Whether BARs of that kind fit a window at @start: the largest begins at a multiple of itself. */
static gboolean
fits_at(const ViewBarKind *kind, guint64 start, guint64 size)
{
    guint64 first = (start + kind->largest - 1) / kind->largest * kind->largest;

    return first + kind->bytes <= start + size;
}

static gboolean
fits_anywhere(const ViewBarKind *kind, guint64 size)
{
    for (guint64 start = 0; start < kind->largest; start += 2 * MIB)
        if (!fits_at(kind, start, size))
            return FALSE;
    return TRUE;
}

/* SeaBIOS begins the window of an empty port at any multiple of 2 MiB. */
static void
test_unaligned(void)
{
    const ViewBarKind kinds[] = {
        {4 * MIB, 4 * MIB},     {16 * MIB, 16 * MIB}, {32 * GIB, 32 * GIB},
        {288 * MIB, 256 * MIB}, {48 * MIB, 32 * MIB}, {3 * MIB, MIB},
    };

    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        guint64 reserve = view_bars_reserve(&kinds[i], FALSE);

        g_assert_cmpuint(reserve % MIB, ==, 0);
        g_assert_true(fits_anywhere(&kinds[i], reserve));
        g_assert_false(fits_anywhere(&kinds[i], reserve - MIB));
        g_assert_true(view_bars_fit(&kinds[i], reserve, FALSE));
        g_assert_false(view_bars_fit(&kinds[i], reserve - MIB, FALSE));
    }
}

static void
test_aligned(void)
{
    const struct {
        ViewBarKind kind;
        guint64 reserve, window;
    } cases[] = {
        {{0, 0}, 0, 2 * MIB},
        {{2 * MIB, 2 * MIB}, 0, 2 * MIB},
        {{2 * MIB + 1, MIB}, 3 * MIB, 4 * MIB},
        {{16 * MIB, 16 * MIB}, 16 * MIB, 16 * MIB},
        {{32 * GIB, 32 * GIB}, 32 * GIB, 32 * GIB},
        {{128 * GIB + 48 * MIB, 128 * GIB}, 128 * GIB + 48 * MIB, 256 * GIB},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        const ViewBarKind *kind = &cases[i].kind;

        g_assert_cmpuint(view_bars_reserve(kind, TRUE), ==, cases[i].reserve);
        g_assert_cmpuint(view_reserve_window(cases[i].reserve, TRUE), ==, cases[i].window);
        g_assert_true(view_bars_fit(kind, cases[i].reserve, TRUE));
    }
    /* what is rounded up serves as well */
    g_assert_true(view_bars_fit(&cases[5].kind, 129 * GIB, TRUE));
    g_assert_false(view_bars_fit(&cases[5].kind, 128 * GIB, TRUE));
    g_assert_cmpuint(view_reserve_window(G_MAXUINT64 - MIB, TRUE), ==, G_MAXUINT64 - MIB);
}

static void
test_size(void)
{
    ViewBarKind none = view_bars_of_size(0);
    ViewBarKind whole = view_bars_of_size(32 * GIB);
    ViewBarKind more = view_bars_of_size(130 * GIB);

    g_assert_cmpuint(none.bytes + none.largest, ==, 0);
    g_assert_cmpuint(whole.largest, ==, 32 * GIB);
    g_assert_cmpuint(more.bytes, ==, 130 * GIB);
    g_assert_cmpuint(more.largest, ==, 128 * GIB);
}

/* --- what a port reserves --- */

static ViewReserve
reserve_of(const char *target, const char *alias, const char *property, guint64 libvirt)
{
    g_autofree char *xml = g_strdup_printf(
        "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
        "<memory>1</memory><os><type arch='x86_64' machine='pc-q35-11.1'>hvm</type></os><devices>"
        "<controller type='pci' index='1' model='pcie-root-port'><target%s/>%s</controller>"
        "</devices><qemu:override><qemu:device alias='%s'><qemu:frontend>%s</qemu:frontend>"
        "</qemu:device></qemu:override></domain>",
        target, alias ? "<alias name='ua-p'/>" : "", alias ? alias : "pci.1", property);
    g_autoptr(GError) error = NULL;
    g_autoptr(ViommuDomain) domain = model_domain_parse(xml, strlen(xml), "t", &error);
    g_autoptr(ViommuPolicy) policy = policy_load(NULL, NULL, NULL);
    g_autoptr(ViommuHost) host = host_facts_new();
    ViommuTarget stack = {.libvirt = libvirt};
    g_autoptr(View) view = NULL;

    g_assert_no_error(error);
    view = view_new(host, domain, policy, &stack);
    return view_reserve(view, model_controller(domain, 1));
}

static void
test_reserve(void)
{
    static const char pref[] = "<qemu:property name='pref64-reserve' type='unsigned' value='77'/>";
    static const char mem[] = "<qemu:property name='mem-reserve' type='unsigned' value='99'/>";
    const struct {
        const char *target, *alias, *property;
        guint64 libvirt, prefetchable, plain;
    } cases[] = {
        {"", NULL, "", BASE_VERSION(12, 8, 0), 0, 0},
        {" memReserve='4'", NULL, "", BASE_VERSION(10, 3, 0), 0, 4096},
        {" memReserve='4'", NULL, "", BASE_VERSION(10, 2, 0), 0, 0},
        {" memReserve='4'", NULL, mem, BASE_VERSION(12, 8, 0), 0, 99},
        {" memReserve='4194304'", NULL, "", BASE_VERSION(12, 8, 0), 0, 0},
        {"", NULL, pref, BASE_VERSION(12, 8, 0), 77, 0},
        {"", "ua-p", pref, BASE_VERSION(9, 0, 0), 77, 0},
        {"", "ua-other", pref, BASE_VERSION(12, 8, 0), 0, 0},
        {"", "pci.1", pref, BASE_VERSION(12, 8, 0), 0, 0}, /* the alias is another one */
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        ViewReserve reserve =
            reserve_of(cases[i].target, cases[i].alias, cases[i].property, cases[i].libvirt);

        g_assert_cmpuint(reserve.prefetchable, ==, cases[i].prefetchable);
        g_assert_cmpuint(reserve.plain, ==, cases[i].plain);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/view/bars/kinds", test_kinds);
    g_test_add_func("/view/bars/unaligned", test_unaligned);
    g_test_add_func("/view/bars/aligned", test_aligned);
    g_test_add_func("/view/bars/size", test_size);
    g_test_add_func("/view/bars/reserve", test_reserve);
    return g_test_run();
}
