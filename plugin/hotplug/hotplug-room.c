/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Locked memory and address windows: what a port alone does not give. */
#include "hotplug-room.h"

#include "base-text.h"

#define MIB (G_GUINT64_CONSTANT(1) << 20)
/* What firmware leaves below a hotplug port that reserves nothing: seen with SeaBIOS of QEMU 11.1,
 * each for 32-bit and for prefetchable BARs. */
#define FIRMWARE_WINDOW (2 * MIB)

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

static guint64
override_number(const View *view, const ModelController *port, const char *name)
{
    g_autofree char *own = g_strdup_printf("pci.%u", port->index);
    const GPtrArray *overrides = view->domain->overrides;

    for (guint i = 0; overrides && i < overrides->len; i++) {
        const ModelOverride *override = overrides->pdata[i];
        guint64 value = 0;

        if (g_strcmp0(override->alias, port->alias ? port->alias : own) != 0)
            continue;
        for (guint j = 0; j < override->names->len; j++) {
            if (g_strcmp0(override->names->pdata[j], name) == 0 &&
                base_parse_u64(override->values->pdata[j], 10, &value))
                return value;
        }
    }
    return 0;
}

static void
judge_one(Hotplug *hotplug, const ModelController *port, const char *kind, guint64 need,
          guint64 reserved, const char *remedy)
{
    g_autofree char *wanted = base_format_size(need);
    g_autofree char *have = base_format_size(MAX(reserved, FIRMWARE_WINDOW));

    if (need <= MAX(reserved, FIRMWARE_WINDOW))
        return;
    hotplug_note(
        hotplug,
        "its %s BARs take %s, and the port of bus %u %s %s: the guest may find no room for "
        "them. From the next start on: %s",
        kind, wanted, port->index, reserved ? "reserves" : "is only sure of", have, remedy);
}

void
hotplug_judge_window(Hotplug *hotplug, const View *after, const ViewHostdev *hostdev)
{
    const ModelController *port = base_u64_is_known(hotplug->bus)
                                      ? model_controller(after->domain, (guint)hotplug->bus.value)
                                      : NULL;
    const GArray *bars = hostdev->fact ? hostdev->fact->bars : NULL;
    guint64 prefetchable = 0, plain = 0;

    if (!port || port->kind != MODEL_BUS_ROOT_PORT || !bars)
        return;
    for (guint i = 0; i < bars->len; i++) {
        const HostBar *bar = &g_array_index(bars, HostBar, i);

        if (bar->io || bar->index > 5)
            continue;
        if (bar->prefetch && bar->bits == 64)
            prefetchable = base_saturating_add(prefetchable, bar->size);
        else
            plain = base_saturating_add(plain, bar->size);
    }
    judge_one(hotplug, port, "prefetchable", prefetchable,
              override_number(after, port, "pref64-reserve"),
              "pref64-reserve on the port by <qemu:override>");
    judge_one(hotplug, port, "32-bit", plain,
              base_u64_is_known(port->mem_reserve) ? port->mem_reserve.value : 0,
              "<target memReserve=…> on the port");
}
