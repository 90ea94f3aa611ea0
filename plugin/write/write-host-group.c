/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Everything that is known of one group, and what pages share. */
#include "write-host-page.h"

#include "host-isolation.h"
#include "host-names.h"

void
write_page_put(const WritePage *page, const char *label, const char *text)
{
    write_labelled(&page->view->style, page->out, label, WRITE_PAGE_LABEL, "%s", text);
}

void
write_page_unknown(const WritePage *page, const char *label, const char *list, const char *key,
                   const char *path)
{
    g_autofree char *full = g_strdup_printf("%s/%s/%s", list, key, path);
    const char *reason = host_facts_reason(page->host, full);
    g_autofree char *text =
        g_strdup_printf("not known: %s", reason ? reason : "the document does not tell");

    write_page_put(page, label, text);
}

char *
write_page_members(const HostGroup *group)
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

char *
write_shared_because(const ViommuHost *host, const HostGroup *group)
{
    g_autoptr(GPtrArray) reasons = host_group_reasons(host, group);

    if (reasons->len == 0 || g_str_has_prefix(reasons->pdata[0], "not known"))
        return NULL;
    g_ptr_array_add(reasons, NULL);
    return g_strjoinv("; ", (char **)reasons->pdata);
}

void
write_page_shared(const WritePage *page, const HostGroup *group)
{
    g_autoptr(GPtrArray) reasons = host_group_reasons(page->host, group);

    for (guint i = 0; i < reasons->len; i++)
        write_page_put(page, i ? "" : "  shared", reasons->pdata[i]);
}

void
write_page_reserved(const WritePage *page, const HostGroup *group)
{
    g_autofree char *id = g_strdup_printf("%u", group->id);

    if (group->reserved_state == BASE_STATE_UNKNOWN)
        write_page_unknown(page, "Reserved", "groups", id, "reserved");
    for (guint i = 0; i < group->reserved->len; i++) {
        const HostRegion *region = &g_array_index(group->reserved, HostRegion, i);
        g_autofree char *text =
            g_strdup_printf("0x%" G_GINT64_MODIFIER "x to 0x%" G_GINT64_MODIFIER "x, %s",
                            region->start, region->end, host_region_type_name(region->type));

        write_page_put(page, i ? "" : "Reserved", text);
    }
}

void
write_page_viable(const WritePage *page, const HostGroup *group)
{
    const HostDevice *blocker;
    BaseTri viable = host_group_viable(page->host, group, NULL, &blocker);
    g_autofree char *address = blocker ? base_pci_format(blocker->address) : NULL;
    g_autofree char *word = write_tri(viable, &page->view->style);
    g_autofree char *text = NULL;

    if (blocker)
        text = g_strdup_printf("%s: %s is bound to %s", word, address, blocker->driver.text);
    write_page_put(page, "Viable", text ? text : word);
}

void
write_host_group(const ViommuHost *host, const WriteHostView *view, const HostGroup *group,
                 GString *out)
{
    const WritePage page = {host, view, NULL, out};
    g_autofree char *members = write_page_members(group);
    g_autofree char *title = g_strdup_printf("Group %u", group->id);

    write_page_put(&page, title, members);
    write_page_shared(&page, group);
    write_page_put(&page, "Domain type", group->type.text ? group->type.text : "not known");
    if (group->name.text)
        write_page_put(&page, "Name", group->name.text);
    write_page_viable(&page, group);
    write_page_reserved(&page, group);
}
