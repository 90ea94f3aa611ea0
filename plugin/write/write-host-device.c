/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Everything that is known of one function. */
#include "write-host-page.h"

#include "base-text.h"
#include "host-names.h"
#include "host-uapi.h"

static void
put_device_unknown(const WritePage *page, const char *label, const char *path)
{
    g_autofree char *address = base_pci_format(page->device->address);

    write_page_unknown(page, label, "devices", address, path);
}

/* ---- the function ---- */

static void
put_title(const WritePage *page)
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
    write_wrapped(&page->view->style, page->out, 0, WRITE_PAGE_LABEL, "%s  %s%s%s%s%s [%s]", title,
                  vendor ? vendor : "", vendor && model ? " " : "", model ? model : "",
                  vendor || model ? ", " : "", class ? class : write_class_word(device), ids);
}

static void
put_verdict(const WritePage *page)
{
    g_auto(HostAdvice) advice = {0};
    const char *color;
    g_autofree char *can = NULL;
    g_autofree char *colored = NULL;
    g_autofree char *reason = NULL;

    host_advise(page->host, page->device, &advice);
    can = write_ability(&advice, &color);
    colored = write_colored(can, color, &page->view->style);
    write_page_put(page, "Can do", colored);
    if (advice.reason && advice.scope == HOST_SCOPE_GROUP)
        reason = g_strdup_printf("group %u: %s", (guint)page->device->group.value, advice.reason);
    else if (advice.reason && advice.scope == HOST_SCOPE_IOMMU)
        reason = g_strdup_printf("%s: %s", page->device->iommu.text, advice.reason);
    if (advice.reason)
        write_page_put(page, "  why", reason ? reason : advice.reason);
    if (advice.next_step)
        write_page_put(page, "  next step", advice.next_step);
}

static void
put_driver(const WritePage *page)
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
    write_page_put(page, "Driver", text);
}

static void
put_iommu(const WritePage *page)
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
        write_page_put(page, "IOMMU", page->device->iommu.text ? page->device->iommu.text : "none");
        return;
    }
    nest = write_tri(host_can_nest(page->host, iommu, NULL), &page->view->style);
    shadow = write_tri(host_can_shadow(page->host, iommu, NULL), &page->view->style);
    text = g_strdup_printf("%s (%s): nested %s, shadow %s", iommu->name, write_iommu_kind(iommu),
                           nest, shadow);
    write_page_put(page, "IOMMU", text);
}

static void
put_group(const WritePage *page)
{
    BaseU64 id = page->device->group;
    const HostGroup *group =
        base_u64_is_known(id) ? host_facts_group(page->host, (guint)id.value) : NULL;
    g_autofree char *members = group ? write_page_members(group) : NULL;
    g_autofree char *text = NULL;

    if (id.state == BASE_STATE_UNKNOWN) {
        put_device_unknown(page, "Group", "group");
        return;
    }
    if (!group) {
        text = base_u64_is_known(id) ? g_strdup_printf("%u", (guint)id.value) : g_strdup("none");
        write_page_put(page, "Group", text);
        return;
    }
    text = g_strdup_printf("%u: %s", group->id, members);
    write_page_put(page, "Group", text);
}

static void
put_numa_node(const WritePage *page)
{
    BaseU64 node = page->device->numa_node;
    g_autofree char *text = g_strdup_printf("%u", (guint)node.value);

    if (node.state == BASE_STATE_UNKNOWN)
        put_device_unknown(page, "NUMA node", "numa_node");
    else
        write_page_put(page, "NUMA node", base_u64_is_known(node) ? text : "none told");
}

static void
put_sriov(const WritePage *page)
{
    const HostDevice *device = page->device;
    g_autofree char *text = NULL;

    if (device->physfn.text)
        text = g_strdup_printf("VF of %s", device->physfn.text);
    else if (base_u64_is_known(device->sriov_totalvfs) && base_u64_is_known(device->sriov_numvfs))
        text = g_strdup_printf("PF, %u of %u VFs%s%s%s", (guint)device->sriov_numvfs.value,
                               (guint)device->sriov_totalvfs.value,
                               device->net_up == BASE_NO ? ", " : "",
                               device->net_up == BASE_NO ? device->net.text : "",
                               device->net_up == BASE_NO ? " is down" : "");
    if (text)
        write_page_put(page, "SR-IOV", text);
    else if (device->sriov_totalvfs.state == BASE_STATE_UNKNOWN)
        put_device_unknown(page, "SR-IOV", "sriov_totalvfs");
}

static void
put_bar(const WritePage *page, const HostBar *bar, const char *label)
{
    g_autofree char *name = g_strdup_printf("%u", bar->index);
    g_autofree char *size = base_format_size(bar->size);
    const char *kind = bar->bits == 64 ? "64-bit" : "32-bit";
    g_autofree char *text =
        g_strdup_printf("%s: %s, %s%s", bar->index == 6 ? "ROM" : name, size,
                        bar->io ? "I/O ports" : kind, bar->prefetch ? ", prefetchable" : "");

    write_page_put(page, label, text);
}

static void
put_bars(const WritePage *page)
{
    const HostDevice *device = page->device;

    if (device->bars_state == BASE_STATE_UNKNOWN) {
        put_device_unknown(page, "BARs", "bars");
        return;
    }
    for (guint i = 0; i < device->bars->len; i++)
        put_bar(page, &g_array_index(device->bars, HostBar, i), i ? "" : "BARs");
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
put_acs(const WritePage *page)
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
    write_page_put(page, "ACS", flags->len ? flags->str : "none of its controls");
}

static void
put_pcie(const WritePage *page)
{
    const HostPcie *pcie = &page->device->pcie;
    const char *type = host_pcie_type_name(pcie->type);
    g_autoptr(GString) list = g_string_new(NULL);

    if (pcie->state == BASE_STATE_UNKNOWN) {
        put_device_unknown(page, "PCI Express", "pcie");
        return;
    }
    if (pcie->state == BASE_STATE_ABSENT) {
        write_page_put(page, "PCI Express", "no: a conventional PCI function");
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
    write_page_put(page, "PCI Express", list->str);
    put_acs(page);
}

static void
put_parent(const WritePage *page)
{
    const HostDevice *device = page->device;

    if (device->parent.text)
        write_page_put(page, "Below", device->parent.text);
    else if (device->parent.state == BASE_STATE_ABSENT)
        write_page_put(page, "Below", "a root bus");
}

/* (transfer full): "vdpa0, vhost_vdpa, /dev/vhost-vdpa-0" */
static char *
vdpa_text(const HostVdpa *vdpa)
{
    const char *driver = vdpa->driver.text;

    if (!driver)
        driver = vdpa->driver.state == BASE_STATE_ABSENT ? "no driver" : "driver not known";
    return g_strdup_printf("%s, %s%s%s", vdpa->name, driver, vdpa->node.text ? ", /dev/" : "",
                           vdpa->node.text ? vdpa->node.text : "");
}

static void
put_vdpa(const WritePage *page)
{
    g_autofree char *address = base_pci_format(page->device->address);
    gboolean first = TRUE;

    for (guint i = 0; i < page->host->vdpa->len; i++) {
        const HostVdpa *vdpa = page->host->vdpa->pdata[i];
        g_autofree char *text = NULL;

        if (g_strcmp0(vdpa->parent.text, address) != 0)
            continue;
        text = vdpa_text(vdpa);
        write_page_put(page, first ? "vDPA" : "", text);
        first = FALSE;
    }
}

/* (transfer full): "nvidia-63 (GRID M60-1Q), 4 left" */
static char *
mdev_text(const HostMdevType *type)
{
    g_autofree char *left = g_strdup_printf("%" G_GUINT64_FORMAT, type->available.value);

    return g_strdup_printf("%s%s%s%s, %s left", type->name, type->label.text ? " (" : "",
                           type->label.text ? type->label.text : "", type->label.text ? ")" : "",
                           base_u64_is_known(type->available) ? left : "not known how many");
}

/* What the kernel said of the function when it was asked through iommufd */
static void
put_kernel(const WritePage *page)
{
    guint64 bits = page->device->hw_capabilities.value;
    g_autoptr(GString) list = g_string_new(NULL);

    if (!base_u64_is_known(page->device->hw_capabilities))
        return;
    g_string_append(list, bits & HOST_HW_CAP_DIRTY_TRACKING ? "tracks dirty pages"
                                                            : "does not track dirty pages");
    if (bits & HOST_HW_CAP_ATS_NOT_SUPPORTED)
        g_string_append(list, ", no ATS");
    write_page_put(page, "Kernel", list->str);
}

static void
put_rest(const WritePage *page)
{
    const HostDevice *device = page->device;

    if (device->reset_method.state == BASE_STATE_UNKNOWN)
        put_device_unknown(page, "Reset", "reset_method");
    else
        write_page_put(page, "Reset",
                       device->reset_method.text ? device->reset_method.text : "none");
    if (base_u64_is_known(device->max_pasid_log2)) {
        g_autofree char *bits =
            g_strdup_printf("%u bits for a guest", (guint)device->max_pasid_log2.value);

        write_page_put(page, "PASID", device->max_pasid_log2.value > 0 ? bits : "none for a guest");
    }
    put_kernel(page);
    for (guint i = 0; device->mdev_types && i < device->mdev_types->len; i++) {
        g_autofree char *text = mdev_text(device->mdev_types->pdata[i]);

        write_page_put(page, i ? "" : "Mediated", text);
    }
}

void
write_host_device(const ViommuHost *host, const WriteHostView *view, const HostDevice *device,
                  GString *out)
{
    const WritePage page = {host, view, device, out};
    const HostGroup *group = NULL;

    if (base_u64_is_known(device->group))
        group = host_facts_group(host, (guint)device->group.value);
    put_title(&page);
    put_verdict(&page);
    put_driver(&page);
    put_iommu(&page);
    put_group(&page);
    if (group) {
        write_page_shared(&page, group);
        write_page_viable(&page, group);
        write_page_reserved(&page, group);
    }
    put_parent(&page);
    put_numa_node(&page);
    put_sriov(&page);
    put_pcie(&page);
    put_bars(&page);
    put_rest(&page);
    put_vdpa(&page);
}
