/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Room for the BARs of assigned devices where the machine's own is too small: virt has 512 GiB for
 * all 64-bit BARs, less than four GPUs with 128 GiB each need. A guest gives a BAR that finds no
 * room no address, and its driver no device.
 */
#include "plan-room.h"

#include "plan-edit.h"
#include "plan-reserve.h"

#define GIB (G_GUINT64_CONSTANT(1) << 30)
/* QEMU 11.1.2: "highmem-mmio-size cannot be set to a lower value than the default (512 GiB)", and
 * "is not a power of 2" (run) */
#define VIRT_WINDOW (512 * GIB)
/* Where <pcihole64> of a virt machine was seen to become highmem-mmio-size */
#define LIBVIRT_WITH_WINDOW BASE_VERSION(12, 8, 0)
#define QEMU_WITH_WINDOW    BASE_VERSION(11, 1, 0)

/* A port's window begins at a multiple of the largest BAR behind it. */
static guint64
window_of(const HostDevice *fact)
{
    guint64 sum = 0, largest = 0, left;

    for (guint i = 0; fact && fact->bars && i < fact->bars->len; i++) {
        const HostBar *bar = &g_array_index(fact->bars, HostBar, i);

        if (bar->bits != 64 || bar->io)
            continue;
        sum = base_saturating_add(sum, bar->size);
        largest = MAX(largest, bar->size);
    }
    left = largest > 0 ? sum % largest : 0;
    return left > 0 ? base_saturating_add(sum, largest - left) : sum;
}

static gboolean
is_spare(const ViommuPlan *plan, guint bus)
{
    for (guint i = 0; i < plan->spare_ports->len; i++) {
        if (g_array_index(plan->spare_ports, guint, i) == bus)
            return TRUE;
    }
    return FALSE;
}

/* What ports that stay empty reserve already, on expanders too, beyond what the policy wants of
 * spare ones. Small windows fit where the large ones are aligned. */
static guint64
kept_windows(const PlanWork *work)
{
    guint ports = work->plan->spare_ports->len;
    guint64 spare = ports > 0 ? plan_reserve_spare_windows(work->plan) / ports : 0, sum = 0;

    for (guint i = 0; i < work->domain->controllers->len; i++) {
        const ModelController *port = work->domain->controllers->pdata[i];
        guint64 reserve = view_reserve(work->view, port).prefetchable;
        guint64 window = view_reserve_window(reserve, view_windows_are_aligned(work->domain));
        guint64 counted = is_spare(work->plan, port->index) ? MIN(spare, window) : 0;

        if (reserve >= GIB && model_port_is_free(work->domain, port))
            sum = base_saturating_add(sum, window - counted);
    }
    return sum;
}

static guint64
windows_of_all(const PlanWork *work)
{
    guint64 sum = base_saturating_add(plan_reserve_spare_windows(work->plan), kept_windows(work));

    for (guint i = 0; i < work->plan->devices->len; i++) {
        const PlanDevice *device = work->plan->devices->pdata[i];

        sum = base_saturating_add(sum, window_of(device->hostdev->fact));
    }
    return sum;
}

/* Bytes, from KiB or the unit that is written; 0: none, or no number */
static guint64
written_window(const xmlNode *hole)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    g_autofree char *unit = hole ? model_attribute(hole, "unit") : NULL;
    const xmlNode *content = hole ? hole->children : NULL;
    g_autofree char *text =
        content && content->type == XML_TEXT_NODE ? g_strdup((const char *)content->content) : NULL;
    guint64 number = 0;

    if (!text || !base_parse_u64(g_strstrip(text), 10, &number))
        return 0;
    for (guint i = 0; i < G_N_ELEMENTS(units); i++)
        if (g_strcmp0(unit ? unit : "KiB", units[i]) == 0)
            return base_saturating_mul(number, G_GUINT64_CONSTANT(1) << (10 * (i + 1)));
    return 0;
}

static PlanSpot
root_bus(PlanWork *work, PlanWhy why)
{
    const ModelController *root = model_controller(work->domain, 0);
    PlanSpot spot;

    if (root && root->node)
        return plan_spot(root->node);
    for (guint i = 0; i < work->plan->edits->len; i++) {
        const PlanEdit *edit = work->plan->edits->pdata[i];

        if (edit->kind == PLAN_EDIT_INSERT && g_str_equal(edit->element->name, "controller") &&
            g_strcmp0(base_element_get(edit->element, "model"), "pcie-root") == 0)
            return (PlanSpot){.element = edit->element};
    }
    spot = plan_spot_add(work->plan, plan_spot_devices(work->plan), "controller", NULL, why);
    plan_spot_set(work->plan, spot, "type", "pci", why);
    plan_spot_set(work->plan, spot, "index", "0", why);
    plan_spot_set(work->plan, spot, "model", "pcie-root", why);
    return spot;
}

static void
write_window(PlanWork *work, guint64 window, PlanWhy why)
{
    PlanSpot root = root_bus(work, why), hole;
    xmlNode *old = root.node ? model_child(root.node, "pcihole64") : NULL;

    hole = plan_spot_add(work->plan, root, "pcihole64", old, why);
    plan_spot_set(work->plan, hole, "unit", "KiB", why); /* as libvirt prints it */
    hole.element->text = g_strdup_printf("%" G_GUINT64_FORMAT, window / 1024);
    if (old)
        plan_spot_remove(work->plan, old, why);
}

gboolean
plan_window_is_ours(const PlanWork *work)
{
    return work->family == PLAN_FAMILY_ARM && !work->live &&
           work->target.libvirt >= LIBVIRT_WITH_WINDOW && work->target.qemu >= QEMU_WITH_WINDOW;
}

static gboolean
is_enough(const PlanWork *work, guint64 need)
{
    const ModelController *root = model_controller(work->domain, 0);
    const xmlNode *hole = root && root->node ? model_child(root->node, "pcihole64") : NULL;

    return MAX(written_window(hole), VIRT_WINDOW) >= need;
}

gboolean
plan_window_is_short(const PlanWork *work)
{
    return work->family == PLAN_FAMILY_ARM && !plan_window_is_ours(work) &&
           !is_enough(work, windows_of_all(work));
}

void
plan_window(PlanWork *work)
{
    guint64 need = windows_of_all(work), window = VIRT_WINDOW;
    g_autofree char *size = base_format_size(need);
    g_autofree char *because =
        g_strdup_printf("the 64-bit BARs of the devices%s take %s, and virt has 512 GiB for them",
                        plan_reserve_spare_windows(work->plan) + kept_windows(work) > 0
                            ? " and the windows of spare ports"
                            : "",
                        size);
    PlanWhy why = {because, "bus-high-window"};

    if (work->family != PLAN_FAMILY_ARM || work->live || is_enough(work, need))
        return;
    while (window < need && window < G_GUINT64_CONSTANT(1) << 60)
        window *= 2;
    if (plan_window_is_ours(work))
        write_window(work, window, why);
    else
        plan_note(work,
                  "%s: more needs machine property highmem-mmio-size, which libvirt 12.8 with QEMU "
                  "11.1 sets by <pcihole64>",
                  because);
}
