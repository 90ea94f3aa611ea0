/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* PCI address of a function, on the host or in the guest. Text form is DDDD:BB:DD.F. */
typedef struct {
    guint32 domain; /* 16 bits in PCI; Linux numbers VMD and Hyper-V domains above 0xffff */
    guint8 bus;
    guint8 slot;     /* 0..31 */
    guint8 function; /* 0..7 */
} BasePci;

/* Parses exactly DDDD:BB:DD.F (domain of 4 to 8 hex digits); *ret is set only on success. */
gboolean base_pci_parse(const char *text, BasePci *ret);
/* The same as people write it too: "3b:00.0" (lspci's, domain 0) and "pci_0000_3b_00_0" (libvirt's
 * name of the node device). */
gboolean base_pci_parse_loose(const char *text, BasePci *ret);
/* (transfer full): DDDD:BB:DD.F */
char *base_pci_format(BasePci address);
gint base_pci_compare(BasePci a, BasePci b);

static inline gboolean
base_pci_equal(BasePci a, BasePci b)
{
    return base_pci_compare(a, b) == 0;
}
