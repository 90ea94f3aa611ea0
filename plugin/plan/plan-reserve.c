/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Windows of the ports that are empty at boot. Firmware gives such a port 2 MiB for each kind of
 * BAR, and the machine's own window ends right behind what firmware has given out: a GPU that
 * comes later finds no room, unless its port has reserved it. Ports with a device in them have
 * what the device needs.
 */
#include "plan-reserve.h"

#include "base-text.h"
#include "plan-edit.h"

#define MIB (G_GUINT64_CONSTANT(1) << 20)
#define GIB (G_GUINT64_CONSTANT(1) << 30)
/* All devices of q35 have 0xc0000000 to 0xfebfffff below 4 GiB (SeaBIOS 1.17 src/fw/pciinit.c:502,
 * src/config.h:47), and it gives up where that does not suffice ("PCI: out of 32bit address space",
 * src/fw/pciinit.c:1131): half of it */
#define LOW_ROOM (512 * MIB)

static void
port_clear(gpointer data)
{
    g_free(((PlanPort *)data)->because);
}

/* --- which ports --- */

/* FALSE: not a port that could reserve anything, with a note */
static gboolean
find_port(ViommuPlan *plan, guint bus, PlanPort *ret)
{
    const ModelController *existing = model_controller(plan->domain, bus);
    const PlanEdit *edit = plan_reserve_edit(plan, bus);

    *ret = (PlanPort){.plan = plan, .bus = bus};
    if (edit) {
        ret->port = (PlanSpot){.element = edit->element};
        return TRUE;
    }
    if (existing && existing->kind != MODEL_BUS_ROOT_PORT)
        return FALSE;
    if (!existing || !existing->node) {
        plan_reserve_note(
            plan,
            "bus %u is of a port that libvirt adds: the windows of a device that comes later "
            "have to be written on a <controller> of its own",
            bus);
        return FALSE;
    }
    if (!plan_reserve_is_generic(plan, existing)) {
        plan_reserve_note(plan,
                          "the port of bus %u is an ioh3420, which reserves no windows: <model "
                          "name='pcie-root-port'/>",
                          bus);
        return FALSE;
    }
    ret->port = plan_spot(existing->node);
    ret->existing = existing;
    ret->now = view_reserve(plan->view, existing);
    if (plan_reserve_moves(plan, existing))
        ret->now.plain = existing->mem_reserve.value;
    return TRUE;
}

/* --- how much --- */

static guint64
lacking(const ViewBarKind *kind, guint64 now, gboolean aligned)
{
    return view_bars_fit(kind, now, aligned) ? 0 : view_bars_reserve(kind, aligned);
}

static ViewBars
bars_of_policy(const ViommuPlan *plan)
{
    return (ViewBars){view_bars_of_size(plan->policy->spare_prefetchable),
                      view_bars_of_size(plan->policy->spare_plain)};
}

/* @bars: of the device that comes to that port; NULL: not known. Whoever looks at the domain later
 * sees an empty port, so it has at least what the policy wants of those. */
static void
add_port(ViommuPlan *plan, GArray *ports, guint bus, const ViewBars *bars, const char *because)
{
    gboolean aligned = view_windows_are_aligned(plan->domain);
    ViewBars least = bars_of_policy(plan), need = bars ? *bars : least;
    PlanPort port;

    if (view_bars_reserve(&need.prefetchable, aligned) == 0 &&
        view_bars_reserve(&need.plain, aligned) == 0 &&
        view_bars_reserve(&least.prefetchable, aligned) == 0 &&
        view_bars_reserve(&least.plain, aligned) == 0)
        return;
    if (!find_port(plan, bus, &port))
        return;
    port.least.prefetchable = lacking(&least.prefetchable, port.now.prefetchable, aligned);
    port.least.plain = lacking(&least.plain, port.now.plain, aligned);
    port.reserve.prefetchable =
        MAX(port.least.prefetchable, lacking(&need.prefetchable, port.now.prefetchable, aligned));
    port.reserve.plain = MAX(port.least.plain, lacking(&need.plain, port.now.plain, aligned));
    port.because = g_strdup(because);
    port.rule = bars ? NULL : "hotplug-spare-window";
    g_array_append_val(ports, port);
}

/* What firmware has for 64-bit windows. Bytes; 0: not known. UEFI takes an eighth of the address
 * space, but 32 GiB where it does not trust the CPU's width, such as QEMU's default of 40 bits
 * (edk2 OvmfPkg/Library/PlatformInitLib/MemDetect.c PlatformAddressWidthFromCpuid,
 * PlatformDynamicMmioWindow: run, a port with more got no window at all). SeaBIOS takes what is
 * above guest memory, but for AMD's 12 GiB below 1 TiB (src/fw/pciinit.c:1141; run: with more the
 * windows begin at address 0). */
static guint64
space_for_windows(const ViommuPlan *plan)
{
    guint64 memory_end = plan_guest_memory_end(plan->domain);
    guint bits = view_physical_bits(plan->domain);
    guint64 all;

    if (plan->domain->is_virt || bits == 0)
        return 0;
    if (plan->domain->uefi)
        return bits >= 41 ? G_GUINT64_CONSTANT(1) << (MIN(bits, 46) - 3) : 32 * GIB;
    all = G_GUINT64_CONSTANT(1) << bits;
    return all > memory_end + 12 * GIB ? all - memory_end - 12 * GIB : 1;
}

static gboolean
is_prefetchable(const GArray *ports)
{
    for (guint i = 0; i < ports->len; i++) {
        if (g_array_index(ports, PlanPort, i).reserve.prefetchable > 0)
            return TRUE;
    }
    return FALSE;
}

static guint64
taken_by(const GArray *ports, gboolean aligned)
{
    guint64 sum = 0;

    for (guint i = 0; i < ports->len; i++) {
        const PlanPort *port = &g_array_index(ports, PlanPort, i);
        guint64 reserve = MAX(port->reserve.prefetchable, port->now.prefetchable);

        sum = base_saturating_add(sum, view_reserve_window(reserve, aligned));
    }
    return sum;
}

/* What the policy wants of every empty port stays. */
static void
lower_prefetchable(GArray *ports)
{
    for (guint i = 0; i < ports->len; i++) {
        PlanPort *port = &g_array_index(ports, PlanPort, i);

        port->reserve.prefetchable = port->least.prefetchable;
        port->least.prefetchable = 0;
    }
}

/* @others: 64-bit BARs that are there at boot, and windows of other ports */
static void
judge_space(ViommuPlan *plan, GArray *ports, guint64 others)
{
    gboolean aligned = view_windows_are_aligned(plan->domain);
    guint64 need = base_saturating_add(taken_by(ports, aligned), others);
    guint64 space = space_for_windows(plan);
    g_autofree char *size = base_format_size(need);
    g_autofree char *have = base_format_size(space);

    if (plan->domain->is_virt || need <= 32 * GIB || !is_prefetchable(ports))
        return;
    if (space == 0)
        plan_reserve_note(
            plan,
            "64-bit windows and BARs take %s of guest addresses, and how many the guest's CPU has "
            "is not known here: %s",
            size,
            plan->domain->uefi ? "UEFI has an eighth of them for that, and a port with more than "
                                 "that gets no window"
                               : "SeaBIOS has those above guest memory for that");
    if (space == 0 || need <= space)
        return;
    plan_reserve_note(
        plan,
        "64-bit windows and BARs would take %s of guest addresses, and firmware has %s for them "
        "with a CPU of %u bits: they are not reserved. <maxphysaddr mode='passthrough'/> or "
        "mode='host-passthrough' would help",
        size, have, view_physical_bits(plan->domain));
    for (guint i = 0; i < 2 && need > space; i++) {
        lower_prefetchable(ports);
        need = base_saturating_add(taken_by(ports, aligned), others);
    }
}

static guint64
low_taken_by(const GArray *ports, gboolean aligned)
{
    guint64 sum = 0;

    for (guint i = 0; i < ports->len; i++)
        sum = base_saturating_add(
            sum, view_reserve_window(g_array_index(ports, PlanPort, i).reserve.plain, aligned));
    return sum;
}

static void
judge_low_space(ViommuPlan *plan, GArray *ports)
{
    gboolean aligned = view_windows_are_aligned(plan->domain);
    guint64 sum = low_taken_by(ports, aligned);
    g_autofree char *size = base_format_size(sum);

    if (sum <= LOW_ROOM)
        return;
    plan_reserve_note(
        plan,
        "BARs that must be below 4 GiB would take windows of %s, and a guest has less than 1 GiB "
        "there for all of its devices: they are not reserved",
        size);
    for (guint i = 0; i < 2 && low_taken_by(ports, aligned) > LOW_ROOM; i++) {
        for (guint j = 0; j < ports->len; j++) {
            PlanPort *port = &g_array_index(ports, PlanPort, j);

            port->reserve.plain = port->least.plain;
            port->least.plain = 0;
        }
    }
}

static gboolean
can_write(ViommuPlan *plan, const GArray *ports)
{
    guint64 libvirt = plan->view->target.libvirt;
    gboolean low = FALSE;

    for (guint i = 0; i < ports->len; i++)
        low = low || g_array_index(ports, PlanPort, i).reserve.plain > 0;
    if (libvirt >= PLAN_LIBVIRT_OVERRIDE || (!low && !is_prefetchable(ports)))
        return TRUE;
    plan_reserve_note(plan,
                      "empty ports reserve no windows, and a large BAR may find no room there: %s",
                      libvirt == 0 ? "libvirt 8.2 has <qemu:override> for that, and which one is "
                                     "here is not known"
                                   : "libvirt 8.2 has <qemu:override> for that, and 10.3 "
                                     "memReserve");
    return FALSE;
}

static void
record(ViommuPlan *plan, const PlanPort *port)
{
    PlanReserved reserved = {port->bus, MAX(port->now.prefetchable, port->reserve.prefetchable),
                             MAX(port->now.plain, port->reserve.plain)};

    if (reserved.prefetchable > 0 || reserved.plain > 0)
        g_array_append_val(plan->reserved, reserved);
}

/* TRUE: something was written */
static gboolean
write_ports(ViommuPlan *plan, GArray *ports, guint64 others)
{
    gboolean written = FALSE;

    if (!can_write(plan, ports))
        return FALSE;
    judge_space(plan, ports, others);
    judge_low_space(plan, ports);
    for (guint i = 0; i < ports->len; i++) {
        const PlanPort *port = &g_array_index(ports, PlanPort, i);

        written = plan_reserve_write(port) || written;
        record(plan, port);
    }
    return written;
}

/* --- for devices that are known --- */

/* Of the devices that are there at boot: none is counted where the policy wants them to come
 * later, so that the domain without them has the same answer. */
static guint64
boot_bars(const ViommuPlan *plan)
{
    guint64 sum = 0;

    for (guint i = 0; i < plan->devices->len && !plan->policy->avoid_boot_pinning; i++) {
        const PlanDevice *device = plan->devices->pdata[i];
        ViewBars bars;

        if (view_bars(device->hostdev->fact, &bars))
            sum = base_saturating_add(sum, bars.prefetchable.bytes);
    }
    return sum;
}

gboolean
plan_reserve_later(ViommuPlan *plan, const GPtrArray *later)
{
    g_autoptr(GArray) ports = g_array_new(FALSE, TRUE, sizeof(PlanPort));
    gboolean written;

    g_array_set_clear_func(ports, port_clear);
    for (guint i = 0; i < later->len; i++) {
        const PlanDevice *device = later->pdata[i];
        g_autofree char *label = view_hostdev_label(device->hostdev);
        g_autofree char *because =
            g_strdup_printf("windows for the BARs of %s, which is attached later", label);
        ViewBars bars;

        if (!base_u64_is_known(device->bus) || !view_bars(device->hostdev->fact, &bars))
            plan_reserve_note(plan, "no window is reserved for %s: %s not known", label,
                              base_u64_is_known(device->bus) ? "the sizes of its BARs are"
                                                             : "its port is");
        else
            add_port(plan, ports, (guint)device->bus.value, &bars, because);
    }
    written = write_ports(plan, ports, plan_reserve_spare_windows(plan));
    plan_edits_sort(plan);
    return written;
}

/* --- for devices that are not --- */

/* Ports that are free by chance are nobody's wish. */
static gboolean
wants_devices(const ViommuPlan *plan)
{
    return policy_spare_ports(plan->policy, plan->domain) > 0;
}

guint64
plan_reserve_spare_windows(const ViommuPlan *plan)
{
    gboolean aligned = view_windows_are_aligned(plan->domain);
    ViewBarKind kind = view_bars_of_size(plan->policy->spare_prefetchable);
    guint64 window = view_reserve_window(view_bars_reserve(&kind, aligned), aligned);

    return kind.bytes > 0 && wants_devices(plan)
               ? base_saturating_mul(window, plan->spare_ports->len)
               : 0;
}

/* Firmware of arm64 gives an expander no prefetchable memory, and Linux in the guest takes that of
 * another port there for the one where a device comes (rule hotplug-expander-windows). */
static gboolean
takes_from_neighbours(const PlanWork *work, guint bus)
{
    const GPtrArray *controllers = plan_layout_controllers(work->layout);
    guint root = plan_layout_root(work->layout, bus), ports = 0;

    for (guint i = 0; i < controllers->len; i++) {
        const PlanController *port = controllers->pdata[i];

        ports += port->kind == MODEL_BUS_ROOT_PORT &&
                 plan_layout_root(work->layout, port->index) == root;
    }
    return root != 0 && root != G_MAXUINT && ports > 1 &&
           g_strcmp0(work->domain->arch, "aarch64") == 0;
}

/* @known: the last of @ports is that port already */
static void
spare_neighbours(PlanWork *work, GArray *ports, guint bus, gboolean known)
{
    PlanPort port, *mine;

    if (!known && !find_port(work->plan, bus, &port))
        return;
    if (!known) {
        port.because = g_strdup("a window of its own: a device that comes there leaves those of "
                                "the other ports of its expander alone");
        port.rule = "hotplug-expander-windows";
        g_array_append_val(ports, port);
    }
    mine = &g_array_index(ports, PlanPort, ports->len - 1);
    if (mine->now.prefetchable > 0)
        return;
    mine->least.prefetchable = MAX(mine->least.prefetchable, VIEW_FIRMWARE_WINDOW);
    mine->reserve.prefetchable = MAX(mine->reserve.prefetchable, VIEW_FIRMWARE_WINDOW);
}

void
plan_reserve_spares(PlanWork *work)
{
    static const char because[] = "windows for the BARs that the policy wants room for on a spare "
                                  "port (hotplug.spare_bars)";
    ViommuPlan *plan = work->plan;
    g_autoptr(GArray) ports = g_array_new(FALSE, TRUE, sizeof(PlanPort));

    g_array_set_clear_func(ports, port_clear);
    if (work->live || !wants_devices(plan))
        return;
    for (guint i = 0; i < plan->spare_ports->len; i++) {
        guint bus = g_array_index(plan->spare_ports, guint, i), before = ports->len;

        add_port(plan, ports, bus, NULL, because);
        if (takes_from_neighbours(work, bus))
            spare_neighbours(work, ports, bus, ports->len > before);
    }
    if (plan_window_is_short(work))
        for (guint i = 0; i < 2; i++)
            lower_prefetchable(ports);
    (void)write_ports(plan, ports, boot_bars(plan));
}
