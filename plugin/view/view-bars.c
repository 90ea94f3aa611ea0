/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "view-bars.h"

#include "base-text.h"

#define MIB (G_GUINT64_CONSTANT(1) << 20)
/* "PCI resource reserve cap: mem-reserve must be less than 4G" (QEMU 11.1, run) */
#define QEMU_LIMIT (4096 * MIB)
/* QEMU 11.1 target/i386/cpu.h, TCG_PHYS_ADDR_BITS: of every model that does not take the host's. A
 * distribution may have changed that for its own machine types. */
#define DEFAULT_PHYSICAL_BITS 40

/* --- what devices need --- */

static void
add_bar(ViewBarKind *kind, guint64 size)
{
    kind->bytes = base_saturating_add(kind->bytes, size);
    kind->largest = MAX(kind->largest, size);
}

gboolean
view_bars(const HostDevice *fact, ViewBars *ret)
{
    *ret = (ViewBars){0};
    if (!fact || fact->bars_state == BASE_STATE_UNKNOWN)
        return FALSE;
    for (guint i = 0; fact->bars && i < fact->bars->len; i++) {
        const HostBar *bar = &g_array_index(fact->bars, HostBar, i);

        if (!bar->io && bar->index <= 5)
            add_bar(bar->prefetch && bar->bits == 64 ? &ret->prefetchable : &ret->plain, bar->size);
    }
    return TRUE;
}

ViewBarKind
view_bars_of_size(guint64 bytes)
{
    ViewBarKind kind = {.bytes = bytes, .largest = bytes > 0 ? 1 : 0};

    while (kind.largest > 0 && kind.largest <= bytes / 2)
        kind.largest *= 2;
    return kind;
}

/* --- what firmware makes of a reservation --- */

gboolean
view_windows_are_aligned(const ViommuDomain *domain)
{
    return domain->uefi || domain->is_virt;
}

guint64
view_reserve_window(guint64 reserve, gboolean aligned)
{
    guint64 window = VIEW_FIRMWARE_WINDOW;

    if (!aligned || reserve > G_MAXUINT64 / 2)
        return MAX(reserve, window);
    while (window < reserve)
        window *= 2;
    return window;
}

guint64
view_bars_reserve(const ViewBarKind *kind, gboolean aligned)
{
    guint64 bytes = base_saturating_add(kind->bytes, MIB - 1) / MIB * MIB;

    if (kind->bytes <= VIEW_FIRMWARE_WINDOW)
        return 0;
    if (aligned || kind->largest <= VIEW_FIRMWARE_WINDOW)
        return bytes;
    return base_saturating_add(bytes, kind->largest - VIEW_FIRMWARE_WINDOW);
}

gboolean
view_bars_fit(const ViewBarKind *kind, guint64 reserve, gboolean aligned)
{
    return view_reserve_window(view_bars_reserve(kind, aligned), aligned) <=
           view_reserve_window(reserve, aligned);
}

/* --- what a port reserves --- */

char *
view_port_alias(const ModelController *port)
{
    return port->alias ? g_strdup(port->alias) : g_strdup_printf("pci.%u", port->index);
}

/* FALSE: nothing is written */
static gboolean
override_number(const View *view, const ModelController *port, const char *name, guint64 *ret)
{
    g_autofree char *alias = view_port_alias(port);
    const GPtrArray *overrides = view->domain->overrides;

    for (guint i = 0; overrides && i < overrides->len; i++) {
        const ModelOverride *override = overrides->pdata[i];

        if (g_strcmp0(override->alias, alias) != 0)
            continue;
        for (guint j = 0; j < override->names->len; j++) {
            if (g_strcmp0(override->names->pdata[j], name) == 0 &&
                base_parse_u64(override->values->pdata[j], 10, ret))
                return TRUE;
        }
    }
    return FALSE;
}

ViewReserve
view_reserve(const View *view, const ModelController *port)
{
    guint64 libvirt = view->target.libvirt;
    ViewReserve reserve = {0};

    (void)override_number(view, port, "pref64-reserve", &reserve.prefetchable);
    if (!override_number(view, port, "mem-reserve", &reserve.plain) &&
        base_u64_is_known(port->mem_reserve) && port->mem_reserve.value < QEMU_LIMIT &&
        (libvirt == 0 || libvirt >= VIEW_LIBVIRT_MEM_RESERVE))
        reserve.plain = port->mem_reserve.value;
    return reserve;
}

/* --- addresses --- */

static guint
written_bits(const xmlNode *element)
{
    g_autofree char *mode = model_attribute(element, "mode");
    g_autofree char *text = model_attribute(element, "bits");
    guint64 bits = 0;

    if (g_strcmp0(mode, "emulate") != 0 || !base_parse_u64(text, 10, &bits) || bits >= 64)
        return 0;
    return (guint)bits;
}

guint
view_physical_bits(const ViommuDomain *domain)
{
    const xmlNode *cpu = model_child(domain->root, "cpu");
    const xmlNode *element = model_child(cpu, "maxphysaddr");
    g_autofree char *mode = model_attribute(cpu, "mode");

    if (element)
        return written_bits(element);
    if (g_strcmp0(mode, "host-passthrough") == 0 || g_strcmp0(mode, "host-model") == 0 ||
        g_strcmp0(mode, "maximum") == 0 || domain->machine_version.state == BASE_STATE_UNKNOWN)
        return 0;
    return DEFAULT_PHYSICAL_BITS;
}
