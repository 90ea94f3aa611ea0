/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model-items.h"

#include <string.h>

#include "model-private.h"
#include "model-slots.h"

ModelRun *
model_run_new(ViommuDomain *domain, guint guess)
{
    ModelRun *run = g_new0(ModelRun, 1);

    run->domain = domain;
    run->guess = guess;
    run->items = g_array_new(FALSE, TRUE, sizeof(ModelItem));
    run->refusals = g_array_new(FALSE, TRUE, sizeof(ModelRefusal));
    run->added = g_ptr_array_new_with_free_func(g_free);
    return run;
}

void
model_run_free(ModelRun *run)
{
    g_array_unref(run->items);
    g_array_unref(run->refusals);
    g_ptr_array_unref(run->added);
    g_free(run);
}

ModelItem *
model_run_item(const ModelRun *run, guint index)
{
    return &g_array_index(run->items, ModelItem, index);
}

gboolean
model_has_pcie_root(const ViommuDomain *domain)
{
    return domain->is_q35 || domain->is_virt;
}

static gint
usb_function(const xmlNode *node)
{
    static const struct {
        const char *model;
        gint function;
    } models[] = {{"ich9-ehci1", 7}, {"ich9-uhci1", 0}, {"ich9-uhci2", 1}, {"ich9-uhci3", 2}};

    if (!model_is(node, "controller"))
        return -1;
    for (guint i = 0; i < G_N_ELEMENTS(models); i++)
        if (model_attribute_is(node, "model", models[i].model))
            return models[i].function;
    return -1;
}

/* NULL: not on PCI. The item stays where it is until the next one is added. */
static ModelItem *
add_item(ModelRun *run, ModelAddress *address, const xmlNode *node, guint flags)
{
    ModelItem item = {.address = address, .node = node, .flags = flags, .usb_function = -1};

    if (address->kind == MODEL_ADDRESS_NONE)
        return NULL;
    if (node)
        item.usb_function = usb_function(node);
    g_array_append_val(run->items, item);
    return model_run_item(run, run->items->len - 1);
}

static void
add_controller(ModelRun *run, ModelController *controller)
{
    guint flags = model_slots_flags_of(controller->kind);
    ModelItem *item = flags ? add_item(run, &controller->address, controller->node, flags) : NULL;

    if (item)
        item->controller = controller;
}

static void
add_controllers(ModelRun *run)
{
    const GPtrArray *written = run->domain->controllers;
    guint next = 0;

    for (guint i = 0; i < written->len; i++) {
        ModelController *controller = written->pdata[i];
        const ModelController *added = next < run->added->len ? run->added->pdata[next] : NULL;

        while (added && added->index < controller->index) {
            if (controller->address.kind != MODEL_ADDRESS_WRITTEN)
                run->matters |= MODEL_GUESS_LATE;
            if (run->guess & MODEL_GUESS_LATE)
                break;
            add_controller(run, run->added->pdata[next++]);
            added = next < run->added->len ? run->added->pdata[next] : NULL;
        }
        add_controller(run, controller);
    }
    for (; next < run->added->len; next++)
        add_controller(run, run->added->pdata[next]);
}

static guint
endpoint_flags(const ModelRun *run, gboolean conventional)
{
    return MODEL_SLOT_AUTO |
           (conventional || !model_has_pcie_root(run->domain) ? MODEL_SLOT_PCI : MODEL_SLOT_PCIE);
}

static gboolean
has_virtio_scsi(const ViommuDomain *domain)
{
    for (guint i = 0; i < domain->endpoints->len; i++) {
        const ModelEndpoint *endpoint = domain->endpoints->pdata[i];

        if (endpoint->node && strcmp(endpoint->what, "virtio-scsi") == 0)
            return TRUE;
    }
    return FALSE;
}

/* Devices without a written model whose default decides between conventional PCI and PCI Express,
 * and for which we do not know the default; 0: not one of these. */
static guint
open_question(const ViommuDomain *domain, const ModelEndpoint *endpoint)
{
    if (!domain->is_virt && endpoint->node && model_is(endpoint->node, "interface") &&
        model_attribute_is(endpoint->node, "type", "network") &&
        !model_child(endpoint->node, "model"))
        return MODEL_GUESS_POOL;
    if (strcmp(endpoint->what, "scsi controller lsilogic") != 0 ||
        (endpoint->node && xmlHasProp(endpoint->node, BAD_CAST "model")))
        return 0;
    return domain->is_virt || (!endpoint->node && has_virtio_scsi(domain)) ? MODEL_GUESS_SCSI : 0;
}

static void
add_endpoint(ModelRun *run, ModelEndpoint *endpoint)
{
    guint question = open_question(run->domain, endpoint);
    gboolean express = !endpoint->conventional || (run->guess & question);
    guint flags = endpoint_flags(run, !express);
    ModelItem *item;

    if (endpoint->rank == MODEL_RANK_PANIC)
        flags |= MODEL_SLOT_INTEGRATED;
    run->matters |= question;
    item = add_item(run, &endpoint->address, endpoint->node, flags);
    if (item)
        item->endpoint = endpoint;
}

static gint
compare_late(gconstpointer a, gconstpointer b)
{
    const ModelEndpoint *left = *(ModelEndpoint *const *)a;
    const ModelEndpoint *right = *(ModelEndpoint *const *)b;

    if (left->rank != right->rank)
        return left->rank < right->rank ? -1 : 1;
    return (left->late > right->late) - (left->late < right->late);
}

/* (transfer container): the endpoints with these ranks */
static GPtrArray *
endpoints_between(ModelRun *run, guint first_rank, guint last_rank)
{
    GPtrArray *found = g_ptr_array_new();

    for (guint i = 0; i < run->domain->endpoints->len; i++) {
        ModelEndpoint *endpoint = run->domain->endpoints->pdata[i];

        if (endpoint->rank >= first_rank && endpoint->rank <= last_rank)
            g_ptr_array_add(found, endpoint);
    }
    return found;
}

static void
add_endpoints(ModelRun *run, guint first_rank, guint last_rank)
{
    g_autoptr(GPtrArray) endpoints = endpoints_between(run, first_rank, last_rank);

    for (guint i = 1; i < endpoints->len; i++)
        if (compare_late(&endpoints->pdata[i - 1], &endpoints->pdata[i]) > 0)
            run->matters |= MODEL_GUESS_LATE;
    if (run->guess & MODEL_GUESS_LATE)
        g_ptr_array_sort(endpoints, compare_late);
    for (guint i = 0; i < endpoints->len; i++)
        add_endpoint(run, endpoints->pdata[i]);
}

ModelEndpoint *
model_run_endpoint(const ModelRun *run, const xmlNode *node)
{
    for (guint i = 0; i < run->domain->endpoints->len; i++) {
        ModelEndpoint *endpoint = run->domain->endpoints->pdata[i];

        if (endpoint->node == node)
            return endpoint;
    }
    return NULL;
}

static ModelHostdev *
hostdev_of(const ModelRun *run, const xmlNode *node)
{
    for (guint i = 0; i < run->domain->hostdevs->len; i++) {
        ModelHostdev *hostdev = run->domain->hostdevs->pdata[i];

        if (hostdev->node == node && hostdev->kind != MODEL_HOSTDEV_NETWORK)
            return hostdev;
    }
    return NULL;
}

/* Interfaces of type hostdev come first, then <hostdev>, vhost-scsi among them. Host devices
 * count as PCI Express, as libvirt has it for those that it cannot look at. */
static void
add_hostdevs(ModelRun *run)
{
    static const char *const elements[] = {"interface", "hostdev"};

    for (guint i = 0; i < G_N_ELEMENTS(elements); i++) {
        for (const xmlNode *node = model_child(run->domain->devices, elements[i]); node;
             node = model_next(node, elements[i])) {
            ModelHostdev *hostdev = hostdev_of(run, node);
            ModelEndpoint *endpoint = i == 1 ? model_run_endpoint(run, node) : NULL;

            if (hostdev)
                add_item(run, &hostdev->address, node, endpoint_flags(run, FALSE));
            else if (endpoint)
                add_item(run, &endpoint->address, node,
                         endpoint_flags(run, endpoint->conventional));
        }
    }
}

static void
add_iommus(ModelRun *run)
{
    for (guint i = 0; i < run->domain->iommus->len; i++) {
        ModelIommu *iommu = run->domain->iommus->pdata[i];

        if (!iommu->commandline)
            add_item(run, &iommu->address, iommu->node,
                     endpoint_flags(run, FALSE) | MODEL_SLOT_INTEGRATED);
    }
}

void
model_run_list(ModelRun *run)
{
    g_array_set_size(run->items, 0);
    add_controllers(run);
    add_endpoints(run, MODEL_RANK_FILESYSTEM, MODEL_RANK_DISK);
    add_hostdevs(run);
    add_endpoints(run, MODEL_RANK_BALLOON, MODEL_RANK_SERIAL);
    add_iommus(run);
    add_endpoints(run, MODEL_RANK_VSOCK, MODEL_RANK_PSTORE);
}
