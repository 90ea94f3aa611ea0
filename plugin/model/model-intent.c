/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model-private.h"

#include "base-text.h"

void
model_intent_device_free(ModelIntentDevice *device)
{
    if (!device)
        return;
    g_free(device->alias);
    g_free(device);
}

static gboolean
read_usage(const xmlNode *node, ViommuUsage *ret)
{
    static const char *const names[] = {"dma", "guest-iommu", "pasid", "sva"};
    g_autofree char *text = model_attribute(node, "usage");

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        if (g_strcmp0(text, names[i]) == 0) {
            *ret = (ViommuUsage)i;
            return TRUE;
        }
    }
    return FALSE;
}

static void
read_intent_device(ViommuDomain *domain, xmlNode *node)
{
    ModelIntentDevice *device = g_new0(ModelIntentDevice, 1);

    device->node = node;
    device->alias = base_one_line(model_attribute(node, "alias"));
    device->usage_set = read_usage(node, &device->usage);
    device->pasid_bits = model_number(node, "pasidBits", 10);
    g_ptr_array_add(domain->intent_devices, device);
}

void
model_read_intent(ViommuDomain *domain)
{
    const xmlNode *metadata = model_child(domain->root, "metadata");

    domain->intent_ports = base_u64_absent();
    for (xmlNode *node = model_first_element(metadata); node; node = model_next_element(node)) {
        if (model_is_in(node, "intent", MODEL_INTENT_NAMESPACE) && !domain->intent)
            domain->intent = node;
        else if (node->ns && xmlStrEqual(node->ns->href, BAD_CAST MODEL_PLAN_NAMESPACE) &&
                 !domain->plan_node)
            domain->plan_node = node;
    }
    for (xmlNode *node = model_first_element(domain->intent); node;
         node = model_next_element(node)) {
        if (model_is_in(node, "device", MODEL_INTENT_NAMESPACE))
            read_intent_device(domain, node);
        else if (model_is_in(node, "hotplug", MODEL_INTENT_NAMESPACE))
            domain->intent_ports = model_number(node, "ports", 10);
    }
}
