/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Windows for BARs above 4 GiB. */
#include "rule-families.h"
#include "rule-tools.h"
#include "view-window.h"

#include "base-text.h"

static gboolean
has_hole(const RuleCall *call)
{
    return call->bus->hole64.state != BASE_STATE_ABSENT;
}

/* libvirt passes the size to Arm virt, where QEMU has rules for it. */
static void
check_virt_hole(RuleCall *call, const xmlNode *hole)
{
    guint64 libvirt = call->view->target.libvirt, size = call->bus->hole64.value;
    g_autofree char *version = base_format_version(libvirt);
    g_autofree char *text = base_format_size(size);

    if (libvirt == 0)
        rule_unknown(call, "versions/libvirt", NULL);
    else if (libvirt < VIEW_WINDOW_LIBVIRT_NOT)
        rule_fail(call, hole, "no <pcihole64>",
                  "<pcihole64> on machine '%s', and libvirt %s refuses it",
                  call->view->domain->machine, version);
    else if (libvirt < VIEW_WINDOW_LIBVIRT)
        rule_unknown(call, "whether this libvirt takes <pcihole64> on Arm virt",
                     "virsh define of a domain that has it");
    else if (size < VIEW_WINDOW_DEFAULT)
        rule_fail(call, hole, NULL, "a window of %s, and QEMU takes no less than 512 GiB", text);
    else if ((size & (size - 1)) != 0)
        rule_fail(call, hole, NULL, "a window of %s is no power of two", text);
}

static void
check_hole(RuleCall *call)
{
    const xmlNode *hole = model_child(call->bus->node, "pcihole64");

    if (call->bus->hole64.state == BASE_STATE_UNKNOWN)
        rule_fail(call, hole, "<pcihole64 unit='GiB'>1024</pcihole64>",
                  "<pcihole64> is no size that libvirt reads");
    else if (call->view->domain->is_virt)
        check_virt_hole(call, hole);
}

static gboolean
has_hole_element(const RuleCall *call)
{
    return model_child(call->bus->node, "pcihole64") != NULL;
}

static void
check_idle_hole(RuleCall *call)
{
    if (call->bus->hole64.state == BASE_STATE_ABSENT)
        rule_fail(call, model_child(call->bus->node, "pcihole64"), NULL,
                  "<pcihole64> %s, and libvirt drops it",
                  call->bus->index == 0 ? "is empty" : "in a controller that is no root bus");
}

/* What would make the window wide enough */
static char *
window_help(const RuleCall *call, guint64 need)
{
    guint64 size = view_window_for(need) >> 30;

    if (call->view->target.libvirt >= VIEW_WINDOW_LIBVIRT)
        return g_strdup_printf("<pcihole64 unit='GiB'>%" G_GUINT64_FORMAT
                               "</pcihole64> in the pcie-root controller",
                               size);
    return g_strdup_printf(
        "-machine highmem-mmio-size=%" G_GUINT64_FORMAT "G by qemu:commandline (QEMU 10.0)", size);
}

static void
check_window(RuleCall *call)
{
    ViewWindow window;

    if (!view_window(call->view, &window)) {
        rule_not_applicable(call);
    } else if (window.have.state == BASE_STATE_UNKNOWN && !window.by_hand) {
        /* a size that is not taken is told by bus-hole-size */
        if (call->view->target.libvirt == 0)
            rule_unknown(call, "versions/libvirt", NULL);
        else
            rule_not_applicable(call);
    } else if (window.by_hand && window.devices > 0) {
        rule_unknown(call, "the size of the window above 4 GiB that is chosen by hand",
                     "info mtree in QEMU's monitor");
    } else if (!window.by_hand && window.need > window.have.value) {
        g_autofree char *need = base_format_size(window.need);
        g_autofree char *have = base_format_size(window.have.value);
        g_autofree char *help = window_help(call, window.need);

        rule_fail(call, NULL, help,
                  "%u assigned %s%s %s of 64-bit BARs, and the machine's window for them has %s",
                  window.devices, window.devices == 1 ? "device" : "devices",
                  window.reserved > 0 ? " and reserving ports have"
                                      : (window.devices == 1 ? " has" : " have"),
                  need, have);
    } else if (window.missing) {
        rule_unknown_of_device(call, &window.missing->dev->host, "bars");
    }
}

static gboolean
is_virt_with_device(const RuleCall *call)
{
    ViewWindow window;

    return view_window(call->view, &window) &&
           (call->view->hostdevs->len > 0 || window.reserved > 0);
}

static const Rule rules[] = {
    {
        .id = "bus-hole-size",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "a pcihole64 that libvirt or QEMU does not take",
        .rationale =
            "libvirt 11.3 takes it on q35 and i440fx only: Setting the 64-bit PCI hole size is not "
            "supported for machine 'virt'. 12.8 makes highmem-mmio-size of it on Arm virt, and "
            "QEMU "
            "says: highmem-mmio-size cannot be set to a lower value than the default (512 GiB); "
            "highmem-mmio-size is not a power of 2. Of what is no number libvirt says: Invalid "
            "value 'x' for element or attribute './pcihole64'; unknown suffix 'foo'; numerical "
            "overflow: value too large.",
        .remedy = "<pcihole64 unit='GiB'>1024</pcihole64>, or none",
        .source = "libvirt 11.3 src/qemu/qemu_validate.c:4087; QEMU 11.1 hw/arm/virt.c:3377-3402; "
                  "run on 9.0.0 and on 12.8.0 with QEMU 11.1.2",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_BUS,
        .effect = RULE_EFFECT_REFUSED_START,
        .certain = TRUE,
        .check = check_hole,
        .applies = has_hole,
    },
    {
        .id = "bus-hole-idle",
        .severity = VIOMMU_SEVERITY_WARNING,
        .summary = "a pcihole64 that libvirt drops",
        .rationale =
            "It belongs to the root bus, pcie-root or pci-root. In another PCI controller, or "
            "without a number, libvirt drops it without a word; with validation it says only: "
            "Extra "
            "element devices in interleave.",
        .remedy = "<pcihole64 unit='GiB'>1024</pcihole64> in the controller with index 0",
        .source = "libvirt 9.0.0 and 12.8.0, run: definition and QEMU's command line",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_BUS,
        .effect = RULE_EFFECT_SILENT,
        .demotable = TRUE,
        .check = check_idle_hole,
        .applies = has_hole_element,
    },
    {
        .id = "bus-high-window",
        .severity = VIOMMU_SEVERITY_ERROR,
        .summary = "BARs of assigned devices that do not fit into the machine's window",
        .rationale =
            "Arm virt has a window of 512 GiB for BARs above 4 GiB unless told otherwise. The "
            "domain starts, and the guest gives no address to what does not fit: pci 0000:03:00.0: "
            "BAR 2 [mem size 0x4000000000 64bit pref]: can't assign; no space. No driver can use "
            "the device.",
        .remedy = "<pcihole64 unit='GiB'>1024</pcihole64> in the pcie-root controller (libvirt "
                  "12.8), or fewer devices",
        .source = "QEMU 11.1 hw/arm/virt.c:228, :3365-3402, 7.2.0 :183; a Linux 7.2 guest with "
                  "three BARs of 256 GiB on 11.1.2: one without address at 512 GiB, all with one "
                  "at 1 TiB",
        .fixer = RULE_FIXER_DOMAIN,
        .scope = RULE_SCOPE_DOMAIN,
        .effect = RULE_EFFECT_LATE,
        .demotable = TRUE,
        .check = check_window,
        .applies = is_virt_with_device,
    },
};

const RuleFamily rule_family_bus_window = {"bus", rules, G_N_ELEMENTS(rules)};
