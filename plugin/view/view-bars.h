/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The windows of a root port: what a device that is plugged in needs of them, and what firmware
 * will have given to the empty port at boot.
 */
#pragma once

#include "view.h"

/* What firmware leaves below an empty hotplug port that reserves nothing, each for 32-bit and for
 * prefetchable BARs, at least: seen with SeaBIOS 1.16 and 1.17. Guests with memory above 4 GiB get
 * more for prefetchable ones from SeaBIOS 1.17 (src/fw/pciinit.c:974: 2^-11 of the address space)
 * and from OVMF; firmware of Arm gives them nothing, and Linux makes room by itself there: below an
 * expander at the cost of other ports (rule hotplug-expander-windows). */
#define VIEW_FIRMWARE_WINDOW (G_GUINT64_CONSTANT(2) << 20)
/* <target memReserve> (libvirt 12.8 formatdomain.html, Controllers) */
#define VIEW_LIBVIRT_MEM_RESERVE BASE_VERSION(10, 3, 0)

/* BARs of one kind. Each is a power of two, so laid out from the largest on they leave no gap. */
typedef struct {
    guint64 bytes;   /* their sum */
    guint64 largest; /* at a multiple of which they begin */
} ViewBarKind;

typedef struct {
    ViewBarKind prefetchable; /* with 64 bits */
    ViewBarKind plain; /* all others of memory: bridges have room for them below 4 GiB only */
} ViewBars;

/* FALSE: not known. The expansion ROM does not count: guests do without. */
gboolean view_bars(const HostDevice *fact, ViewBars *ret);
/* A device of which only the size is known: the worst that it can be */
ViewBarKind view_bars_of_size(guint64 bytes);

/* UEFI rounds what a port reserves up to a power of two and aligns it so (edk2
 * OvmfPkg/PciHotPlugInitDxe/PciHotPlugInit.c SetMmioPadding(); seen with edk2 2026.08, OVMF and
 * AAVMF). SeaBIOS 1.17 aligns the window of an empty port to 2 MiB (src/fw/pciinit.c:920-1000):
 * one of 32 GiB was seen at 0xe783000000, where Linux finds no place for a BAR of 32 GiB. */
gboolean view_windows_are_aligned(const ViommuDomain *domain);
/* What a port has to reserve, so that BARs of that kind surely fit: bytes, in whole MiB; 0: what
 * firmware gives anyway is enough. */
guint64 view_bars_reserve(const ViewBarKind *kind, gboolean aligned);
/* The window that firmware makes of it. Bytes. */
guint64 view_reserve_window(guint64 reserve, gboolean aligned);

/* What the port reserves now, as this libvirt and QEMU take it; 0: nothing. Bytes. */
typedef struct {
    guint64 prefetchable, plain;
} ViewReserve;

ViewReserve view_reserve(const View *view, const ModelController *port);
/* Whether BARs of that kind surely fit below a port with that reservation */
gboolean view_bars_fit(const ViewBarKind *kind, guint64 reserve, gboolean aligned);
/* The name by which <qemu:override> means that port. (transfer full) */
char *view_port_alias(const ModelController *port);

/* Width of the guest CPU's physical addresses: <maxphysaddr> or the default of QEMU; 0: not known,
 * such as the host's */
guint view_physical_bits(const ViommuDomain *domain);
