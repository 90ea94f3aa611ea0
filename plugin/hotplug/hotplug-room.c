/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Locked memory and address windows: what a port alone does not give. */
#include "hotplug-room.h"

#include "base-text.h"
#include "view-bars.h"

/* --- limits --- */

/* libvirt leaves the limit of QEMU at <hard_limit>, and raising that alone does not raise the
 * limit: the attach after it does (seen with libvirt 12.8.0). */
static void
judge_hard_limit(Hotplug *hotplug, const View *after, const ViewMemlock *then)
{
    guint64 kib = (then->accounted.value + 1023) / 1024;

    if (then->pinned.value < after->domain->hard_limit.value)
        return;
    hotplug_first(hotplug, "virsh memtune %s --hard-limit %" G_GUINT64_FORMAT " --live",
                  after->domain->name ? after->domain->name : "DOMAIN", kib);
}

static void
judge_process(Hotplug *hotplug, const View *after, guint64 bytes)
{
    const char *name = after->domain->name ? after->domain->name : "DOMAIN";
    const HostMemlock *memlock = &after->host->memlock;

    switch (after->target.profile) {
    case VIOMMU_PROFILE_SESSION:
        hotplug_first(hotplug,
                      "prlimit --pid $(cat $XDG_RUNTIME_DIR/libvirt/qemu/run/%s.pid) "
                      "--memlock=%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT " (as root)",
                      name, bytes, bytes);
        return;
    case VIOMMU_PROFILE_KUBEVIRT:
        hotplug_first(hotplug,
                      "prlimit --pid QEMU --memlock=%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT
                      " (from the granting agent)",
                      bytes, bytes);
        return;
    case VIOMMU_PROFILE_SYSTEM:
    case VIOMMU_PROFILE_VDSM:
        break;
    }
    if (memlock->can_raise == BASE_YES)
        return;
    if (memlock->can_raise == BASE_UNKNOWN || !base_u64_is_known(memlock->hard))
        hotplug_note(hotplug, "whether %s may raise the limit of locked memory is not known",
                     memlock->of ? memlock->of : "libvirtd");
    else if (memlock->hard.value < bytes)
        hotplug_first(hotplug,
                      "prlimit --pid $(cat /run/libvirt/qemu/%s.pid) --memlock=%" G_GUINT64_FORMAT
                      ":%" G_GUINT64_FORMAT " (as root: %s cannot raise it)",
                      name, bytes, bytes, memlock->of ? memlock->of : "libvirtd");
}

void
hotplug_judge_limits(Hotplug *hotplug, const View *before, const View *after)
{
    g_autoptr(ViewMemlock) now = view_memlock(before, 0);
    g_autoptr(ViewMemlock) then = view_memlock(after, 0);

    hotplug->before = now->accounted;
    hotplug->after = then->accounted;
    hotplug->libvirt = then->libvirt;
    if (!base_u64_is_known(then->accounted))
        return;
    if (after->domain->hard_limit_node && base_u64_is_known(after->domain->hard_limit))
        judge_hard_limit(hotplug, after, then);
    else if (!base_u64_is_known(now->accounted) || then->accounted.value > now->accounted.value)
        judge_process(hotplug, after, then->accounted.value);
}

/* --- the place --- */

/* QEMU 11.1, run: device_add on pcie.0, an expander bus or a port with hotplug=off says "Bus '…'
 * does not support hotplugging". */
void
hotplug_judge_place(Hotplug *hotplug, const View *view, const ViewHostdev *hostdev)
{
    const ModelAddress *address = &hostdev->dev->address;
    const ModelController *bus;

    if (address->kind != MODEL_ADDRESS_WRITTEN)
        return;
    if (!hotplug->detach && address->pci.function != 0)
        hotplug_refuse(hotplug, NULL, "function='0x0' of a free port, or no <address>",
                       "its address has function %u, and libvirt says: Only PCI device addresses "
                       "with function=0 are supported",
                       address->pci.function);
    bus = model_controller(view->domain, address->pci.bus);
    if ((address->pci.bus == 0 && (view->domain->is_q35 || view->domain->is_virt)) ||
        (bus && bus->kind == MODEL_BUS_PXB_PCIE))
        hotplug_refuse(hotplug, NULL, "an address on a root port, from the next start on",
                       "it sits on the root bus itself, where nothing can be plugged or unplugged");
    else if (bus && bus->hotplug == BASE_NO)
        hotplug_refuse(hotplug, "hotplug-port-off", "the port without hotplug='off'",
                       "the port of bus %u has hotplug='off'", bus->index);
}

/* --- windows --- */

static void
judge_kind(Hotplug *hotplug, guint bus, const char *name, const ViewBarKind *kind, guint64 reserve,
           gboolean aligned, const char *remedy)
{
    guint64 window = view_reserve_window(reserve, aligned);
    g_autofree char *size = base_format_size(kind->bytes);
    g_autofree char *have = base_format_size(window);
    g_autofree char *want = base_format_size(view_bars_reserve(kind, aligned));

    if (view_bars_fit(kind, reserve, aligned))
        return;
    hotplug_note(hotplug,
                 "its %s BARs take %s, and the port of bus %u %s %s%s: the guest may find no room "
                 "for them. From the next start on: %s, %s",
                 name, size, bus, reserve ? "reserves" : "is only sure of", have,
                 window >= kind->bytes ? " at some multiple of 2 MiB" : "", remedy, want);
}

/* Without prefetchable memory below that expander, Linux in the guest takes the window of a device
 * that runs there (rule hotplug-expander-windows; seen on the nested host: its NVMe died). */
static void
judge_neighbours(Hotplug *hotplug, const ViommuDomain *domain, const ModelController *port)
{
    guint root_index = model_root_bus(domain, port->index), used = 0;
    const ModelController *root = model_controller(domain, root_index);

    if (!root || root->kind != MODEL_BUS_PXB_PCIE || g_strcmp0(domain->arch, "aarch64") != 0)
        return;
    for (guint i = 0; i < domain->controllers->len; i++) {
        const ModelController *other = domain->controllers->pdata[i];

        used += other != port && other->kind == MODEL_BUS_ROOT_PORT &&
                model_root_bus(domain, other->index) == root_index &&
                !model_port_is_free(domain, other);
    }
    if (used > 0)
        hotplug_note(hotplug,
                     "the port of bus %u reserves no prefetchable memory, and Linux in the guest "
                     "may take that of a device beside it on expander %u, which then does not "
                     "answer any more, unless it was booted with pci=hpmmioprefsize=0,hpiosize=0. "
                     "From the next start on: pref64-reserve on the port by <qemu:override>, 2 MiB",
                     port->index, root_index);
}

void
hotplug_judge_window(Hotplug *hotplug, const View *after, const ViewHostdev *hostdev)
{
    const ModelController *port = base_u64_is_known(hotplug->bus)
                                      ? model_controller(after->domain, (guint)hotplug->bus.value)
                                      : NULL;
    gboolean aligned = view_windows_are_aligned(after->domain);
    ViewReserve reserve;
    ViewBars bars;

    if (!port || port->kind != MODEL_BUS_ROOT_PORT)
        return;
    reserve = view_reserve(after, port);
    if (reserve.prefetchable == 0)
        judge_neighbours(hotplug, after->domain, port);
    if (!view_bars(hostdev->fact, &bars))
        return;
    judge_kind(hotplug, port->index, "prefetchable", &bars.prefetchable, reserve.prefetchable,
               aligned, "pref64-reserve on the port by <qemu:override>");
    judge_kind(hotplug, port->index, "32-bit", &bars.plain, reserve.plain, aligned,
               "<target memReserve=…> on the port");
}
