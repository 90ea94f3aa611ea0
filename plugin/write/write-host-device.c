/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Everything that is known of one function, or of one group. */
#include "write-host.h"

#include "base-text.h"
#include "host-isolation.h"
#include "host-names.h"

#define LABEL 14

typedef struct {
    const ViommuHost *host;
    const WriteHostView *view;
    const HostDevice *device;
    GString *out;
} Page;

static void
put(const Page *page, const char *label, const char *text)
{
    write_labelled(&page->view->style, page->out, label, LABEL, "%s", text);
}

/* Why the fact at @path below "devices/ADDRESS/" or "groups/ID/" is not known */
static void
put_unknown(const Page *page, const char *label, const char *list, const char *key,
            const char *path)
{
    g_autofree char *full = g_strdup_printf("%s/%s/%s", list, key, path);
    const char *reason = host_facts_reason(page->host, full);
    g_autofree char *text =
        g_strdup_printf("not known: %s", reason ? reason : "the document does not tell");

    put(page, label, text);
}

static void
put_device_unknown(const Page *page, const char *label, const char *path)
{
    g_autofree char *address = base_pci_format(page->device->address);

    put_unknown(page, label, "devices", address, path);
}

/* ---- the function ---- */

static void
put_title(const Page *page)
{
    const HostDevice *device = page->device;
    g_autofree char *address = base_pci_format(device->address);
    const char *vendor = write_name_of(page->view, device, VIOMMU_NAME_VENDOR);
    const char *model = write_name_of(page->view, device, VIOMMU_NAME_DEVICE);
    const char *class = write_name_of(page->view, device, VIOMMU_NAME_CLASS);
    g_autofree char *ids = g_strdup("ids not known");
    g_autofree char *title = NULL;

    if (base_u64_is_known(device->vendor) && base_u64_is_known(device->device)) {
        g_free(ids);
        ids =
            g_strdup_printf("%04x:%04x", (guint)device->vendor.value, (guint)device->device.value);
    }
    title = write_colored(address, WRITE_BOLD, &page->view->style);
    write_wrapped(&page->view->style, page->out, 0, LABEL, "%s  %s%s%s%s%s [%s]", title,
                  vendor ? vendor : "", vendor && model ? " " : "", model ? model : "",
                  vendor || model ? ", " : "", class ? class : write_class_word(device), ids);
}

static void
put_verdict(const Page *page)
{
    g_auto(HostAdvice) advice = {0};
    const char *color;
    g_autofree char *can = NULL;
    g_autofree char *colored = NULL;
    g_autofree char *reason = NULL;

    host_advise(page->host, page->device, &advice);
    can = write_ability(&advice, &color);
    colored = write_colored(can, color, &page->view->style);
    put(page, "Can do", colored);
    if (advice.reason && advice.scope == HOST_SCOPE_GROUP)
        reason = g_strdup_printf("group %u: %s", (guint)page->device->group.value, advice.reason);
    else if (advice.reason && advice.scope == HOST_SCOPE_IOMMU)
        reason = g_strdup_printf("%s: %s", page->device->iommu.text, advice.reason);
    if (advice.reason)
        put(page, "  why", reason ? reason : advice.reason);
    if (advice.next_step)
        put(page, "  next step", advice.next_step);
}

static void
put_driver(const Page *page)
{
    const HostDevice *device = page->device;
    g_autofree char *text = NULL;

    if (device->driver.state == BASE_STATE_UNKNOWN) {
        put_device_unknown(page, "Driver", "driver");
        return;
    }
    text = g_strdup_printf("%s%s%s%s", device->driver.text ? device->driver.text : "none",
                           device->vfio_variant == BASE_YES ? " (a vfio driver of its own)" : "",
                           device->vfio_dev.text ? ", /dev/vfio/devices/" : "",
                           device->vfio_dev.text ? device->vfio_dev.text : "");
    put(page, "Driver", text);
}

static void
put_iommu(const Page *page)
{
    const HostIommu *iommu = host_facts_iommu(page->host, page->device->iommu.text);
    g_autofree char *nest = NULL;
    g_autofree char *shadow = NULL;
    g_autofree char *text = NULL;

    if (page->device->iommu.state == BASE_STATE_UNKNOWN) {
        put_device_unknown(page, "IOMMU", "iommu");
        return;
    }
    if (!iommu) {
        put(page, "IOMMU", page->device->iommu.text ? page->device->iommu.text : "none");
        return;
    }
    nest = write_tri(host_can_nest(page->host, iommu, NULL), &page->view->style);
    shadow = write_tri(host_can_shadow(page->host, iommu, NULL), &page->view->style);
    text = g_strdup_printf("%s (%s): nested %s, shadow %s", iommu->name, write_iommu_kind(iommu),
                           nest, shadow);
    put(page, "IOMMU", text);
}

static char *
list_members(const HostGroup *group)
{
    GString *list = g_string_new(NULL);

    for (guint i = 0; i < group->devices->len; i++) {
        g_autofree char *address = base_pci_format(g_array_index(group->devices, BasePci, i));

        g_string_append_printf(list, "%s%s", i ? ", " : "", address);
    }
    if (group->other_members > 0)
        g_string_append_printf(list, " and %u that are no PCI functions", group->other_members);
    return g_string_free(list, FALSE);
}

static void
put_group(const Page *page)
{
    BaseU64 id = page->device->group;
    const HostGroup *group =
        base_u64_is_known(id) ? host_facts_group(page->host, (guint)id.value) : NULL;
    g_autofree char *members = group ? list_members(group) : NULL;
    g_autofree char *text = NULL;

    if (id.state == BASE_STATE_UNKNOWN) {
        put_device_unknown(page, "Group", "group");
        return;
    }
    if (!group) {
        text = base_u64_is_known(id) ? g_strdup_printf("%u", (guint)id.value) : g_strdup("none");
        put(page, "Group", text);
        return;
    }
    text = g_strdup_printf("%u: %s", group->id, members);
    put(page, "Group", text);
}

static void
put_numa_node(const Page *page)
{
    BaseU64 node = page->device->numa_node;
    g_autofree char *text = g_strdup_printf("%u", (guint)node.value);

    if (node.state == BASE_STATE_UNKNOWN)
        put_device_unknown(page, "NUMA node", "numa_node");
    else
        put(page, "NUMA node", base_u64_is_known(node) ? text : "none told");
}

static void
put_sriov(const Page *page)
{
    const HostDevice *device = page->device;
    g_autofree char *text = NULL;

    if (device->physfn.text)
        text = g_strdup_printf("VF of %s", device->physfn.text);
    else if (base_u64_is_known(device->sriov_totalvfs) && base_u64_is_known(device->sriov_numvfs))
        text = g_strdup_printf("PF, %u of %u VFs", (guint)device->sriov_numvfs.value,
                               (guint)device->sriov_totalvfs.value);
    if (text)
        put(page, "SR-IOV", text);
    else if (device->sriov_totalvfs.state == BASE_STATE_UNKNOWN)
        put_device_unknown(page, "SR-IOV", "sriov_totalvfs");
}

static void
put_bars(const Page *page)
{
    const HostDevice *device = page->device;

    if (device->bars_state == BASE_STATE_UNKNOWN) {
        put_device_unknown(page, "BARs", "bars");
        return;
    }
    for (guint i = 0; i < device->bars->len; i++) {
        const HostBar *bar = &g_array_index(device->bars, HostBar, i);
        g_autofree char *size = base_format_size(bar->size);
        g_autofree char *text = g_strdup_printf(
            "%s: %s, %s%s",
            bar->index == 6 ? "ROM" : (const char *)(const char[]){(char)('0' + bar->index), '\0'},
            size,
            bar->io           ? "I/O ports"
            : bar->bits == 64 ? "64-bit"
                              : "32-bit",
            bar->prefetch ? ", prefetchable" : "");

        put(page, i ? "" : "BARs", text);
    }
}

/* "ATS yes (on)" */
static void
add_capability(GString *list, const char *name, BaseTri has, BaseTri on)
{
    g_string_append_printf(list, ", %s %s", name, write_tri_word(has));
    if (has == BASE_YES)
        g_string_append(list, on == BASE_YES ? " (on)" : on == BASE_NO ? " (off)" : "");
}

static void
put_acs(const Page *page)
{
    const HostPcie *pcie = &page->device->pcie;
    g_autoptr(GString) flags = g_string_new(NULL);

    if (pcie->acs_state != BASE_STATE_KNOWN)
        return;
    for (guint i = 0; i < HOST_ACS_FLAGS; i++) {
        if (pcie->acs_cap & 1u << i)
            g_string_append_printf(flags, "%s%s%s", flags->len ? ", " : "", host_acs_name(i),
                                   pcie->acs_ctrl & 1u << i ? "" : " (off)");
    }
    put(page, "ACS", flags->len ? flags->str : "none of its controls");
}

static void
put_pcie(const Page *page)
{
    const HostPcie *pcie = &page->device->pcie;
    const char *type = host_pcie_type_name(pcie->type);
    g_autoptr(GString) list = g_string_new(NULL);

    if (pcie->state == BASE_STATE_UNKNOWN) {
        put_device_unknown(page, "PCI Express", "pcie");
        return;
    }
    if (pcie->state == BASE_STATE_ABSENT) {
        put(page, "PCI Express", "no: a conventional PCI function");
        return;
    }
    g_string_append(list, type ? type : "of an unknown type");
    g_string_append_printf(list, ", FLR %s", write_tri_word(pcie->flr));
    add_capability(list, "ATS", pcie->ats, pcie->ats_enabled);
    add_capability(list, "PRI", pcie->pri, pcie->pri_enabled);
    if (base_u64_is_known(pcie->pasid_bits))
        g_string_append_printf(list, ", PASID %u bits%s", (guint)pcie->pasid_bits.value,
                               pcie->pasid_enabled == BASE_YES ? " (on)" : " (off)");
    else
        g_string_append(list,
                        pcie->pasid_bits.state == BASE_STATE_ABSENT ? ", PASID no" : ", PASID ?");
    put(page, "PCI Express", list->str);
    put_acs(page);
}

static void
put_rest(const Page *page)
{
    const HostDevice *device = page->device;

    if (device->reset_method.state == BASE_STATE_UNKNOWN)
        put_device_unknown(page, "Reset", "reset_method");
    else
        put(page, "Reset", device->reset_method.text ? device->reset_method.text : "none");
    if (base_u64_is_known(device->max_pasid_log2)) {
        g_autofree char *bits =
            g_strdup_printf("%u bits for a guest", (guint)device->max_pasid_log2.value);

        put(page, "PASID", device->max_pasid_log2.value > 0 ? bits : "none for a guest");
    }
    for (guint i = 0; device->mdev_types && i < device->mdev_types->len; i++) {
        const HostMdevType *type = device->mdev_types->pdata[i];
        g_autofree char *text =
            g_strdup_printf("%s%s%s%s, %" G_GUINT64_FORMAT " left", type->name,
                            type->label.text ? " (" : "", type->label.text ? type->label.text : "",
                            type->label.text ? ")" : "", type->available.value);

        put(page, i ? "" : "Mediated", text);
    }
}

/* ---- the group ---- */

char *
write_shared_because(const ViommuHost *host, const HostGroup *group)
{
    g_autoptr(GPtrArray) reasons = host_group_reasons(host, group);

    if (reasons->len == 0 || g_str_has_prefix(reasons->pdata[0], "not known"))
        return NULL;
    g_ptr_array_add(reasons, NULL);
    return g_strjoinv("; ", (char **)reasons->pdata);
}

static void
put_shared(const Page *page, const HostGroup *group)
{
    g_autoptr(GPtrArray) reasons = host_group_reasons(page->host, group);

    for (guint i = 0; i < reasons->len; i++)
        put(page, i ? "" : "  shared", reasons->pdata[i]);
}

static void
put_reserved(const Page *page, const HostGroup *group)
{
    g_autofree char *id = g_strdup_printf("%u", group->id);

    if (group->reserved_state == BASE_STATE_UNKNOWN)
        put_unknown(page, "Reserved", "groups", id, "reserved");
    for (guint i = 0; i < group->reserved->len; i++) {
        const HostRegion *region = &g_array_index(group->reserved, HostRegion, i);
        g_autofree char *text =
            g_strdup_printf("0x%" G_GINT64_MODIFIER "x to 0x%" G_GINT64_MODIFIER "x, %s",
                            region->start, region->end, host_region_type_name(region->type));

        put(page, i ? "" : "Reserved", text);
    }
}

static void
put_viable(const Page *page, const HostGroup *group)
{
    const HostDevice *blocker;
    BaseTri viable = host_group_viable(page->host, group, NULL, &blocker);
    g_autofree char *address = blocker ? base_pci_format(blocker->address) : NULL;
    g_autofree char *word = write_tri(viable, &page->view->style);
    g_autofree char *text = NULL;

    if (blocker)
        text = g_strdup_printf("%s: %s is bound to %s", word, address, blocker->driver.text);
    put(page, "Viable", text ? text : word);
}

void
write_host_device(const ViommuHost *host, const WriteHostView *view, const HostDevice *device,
                  GString *out)
{
    const Page page = {host, view, device, out};
    const HostGroup *group = NULL;

    if (base_u64_is_known(device->group))
        group = host_facts_group(host, (guint)device->group.value);
    put_title(&page);
    put_verdict(&page);
    put_driver(&page);
    put_iommu(&page);
    put_group(&page);
    if (group) {
        put_shared(&page, group);
        put_viable(&page, group);
        put_reserved(&page, group);
    }
    put_numa_node(&page);
    put_sriov(&page);
    put_pcie(&page);
    put_bars(&page);
    put_rest(&page);
}

void
write_host_group(const ViommuHost *host, const WriteHostView *view, const HostGroup *group,
                 GString *out)
{
    const Page page = {host, view, NULL, out};
    g_autofree char *members = list_members(group);
    g_autofree char *title = g_strdup_printf("Group %u", group->id);

    put(&page, title, members);
    put_shared(&page, group);
    put(&page, "Domain type", group->type.text ? group->type.text : "not known");
    if (group->name.text)
        put(&page, "Name", group->name.text);
    put_viable(&page, group);
    put_reserved(&page, group);
}
