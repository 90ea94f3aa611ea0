/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rule-tools.h"

char *
rule_slot_text(const BasePci *guest)
{
    if (guest->function == 0)
        return g_strdup_printf("bus %u, slot %u", guest->bus, guest->slot);
    return g_strdup_printf("bus %u, slot %u, function %u", guest->bus, guest->slot,
                           guest->function);
}

char *
rule_endpoint_label(const ModelEndpoint *endpoint)
{
    if (endpoint->alias)
        return g_strdup_printf("%s (%s)", endpoint->what, endpoint->alias);
    return g_strdup(endpoint->what);
}

char *
rule_controller_label(const ModelController *controller)
{
    return g_strdup_printf("%s %u", controller->model, controller->index);
}

char *
rule_hostdev_name(const ViewHostdev *hostdev)
{
    return hostdev->dev->alias ? g_strdup(hostdev->dev->alias) : view_hostdev_label(hostdev);
}

void
rule_unknown_of_device(RuleCall *call, const BasePci *address, const char *name)
{
    g_autofree char *text = base_pci_format(*address);
    g_autofree char *path = g_strdup_printf("devices/%s/%s", text, name);

    rule_unknown(call, path, NULL);
}
