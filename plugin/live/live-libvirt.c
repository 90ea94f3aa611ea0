/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "live.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY "libvirt.so.0"

/* The functions that are used, by the types of libvirt's own headers */
typedef struct {
    __typeof__(virConnectOpenReadOnly) *open_read_only;
    __typeof__(virConnectOpen) *open;
    __typeof__(virConnectClose) *close;
    __typeof__(virConnectListAllDomains) *list;
    __typeof__(virDomainLookupByName) *look_up;
    __typeof__(virDomainIsActive) *is_active;
    __typeof__(virDomainGetXMLDesc) *get_xml;
    __typeof__(virDomainGetName) *get_name;
    __typeof__(virDomainFree) *free_domain;
    __typeof__(virGetLastError) *get_error;
    __typeof__(virSetErrorFunc) *set_error_func;
} Api;

static const struct {
    const char *name;
    gsize offset;
} symbols[] = {
    {"virConnectOpenReadOnly", G_STRUCT_OFFSET(Api, open_read_only)},
    {"virConnectOpen", G_STRUCT_OFFSET(Api, open)},
    {"virConnectClose", G_STRUCT_OFFSET(Api, close)},
    {"virConnectListAllDomains", G_STRUCT_OFFSET(Api, list)},
    {"virDomainLookupByName", G_STRUCT_OFFSET(Api, look_up)},
    {"virDomainIsActive", G_STRUCT_OFFSET(Api, is_active)},
    {"virDomainGetXMLDesc", G_STRUCT_OFFSET(Api, get_xml)},
    {"virDomainGetName", G_STRUCT_OFFSET(Api, get_name)},
    {"virDomainFree", G_STRUCT_OFFSET(Api, free_domain)},
    {"virGetLastError", G_STRUCT_OFFSET(Api, get_error)},
    {"virSetErrorFunc", G_STRUCT_OFFSET(Api, set_error_func)},
};

/* What is wrong is told by us. */
static void
say_nothing(void *data, virErrorPtr error)
{
    (void)data;
    (void)error;
}

/* libvirt cannot be unloaded again: it starts threads and keeps destructors. */
static gboolean
load(const char *uri, Api *ret, GError **error)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

    for (guint i = 0; library && i < G_N_ELEMENTS(symbols); i++) {
        void *symbol = dlsym(library, symbols[i].name);

        if (!symbol)
            library = NULL;
        else
            memcpy((char *)ret + symbols[i].offset, &symbol, sizeof symbol);
    }
    if (!library) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_UNSUPPORTED, "%s: cannot ask libvirt: %s",
                    uri, dlerror());
        return FALSE;
    }
    ret->set_error_func(NULL, say_nothing);
    return TRUE;
}

static void
set_error(const Api *api, const char *uri, GError **error)
{
    const virError *last = api->get_error();
    g_autofree char *text =
        g_strdup(last && last->message ? last->message : "libvirt does not say why");

    g_strdelimit(text, "\r\n", ' ');
    g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO, "%s: %s", uri, text);
}

static void
free_domain(gpointer domain)
{
    viommu_domain_unref(domain);
}

/* One that has ended since it was listed is left out. */
static gboolean
add_domain(const Api *api, const char *uri, virDomainPtr running, GPtrArray *domains,
           GError **error)
{
    char *xml = api->get_xml(running, 0);
    const virError *last = xml ? NULL : api->get_error();
    ViommuDomain *domain;

    if (!xml && last &&
        (last->code == VIR_ERR_NO_DOMAIN || last->code == VIR_ERR_OPERATION_INVALID))
        return TRUE;
    if (!xml) {
        set_error(api, uri, error);
        return FALSE;
    }
    domain = viommu_domain_new_from_data(xml, -1, api->get_name(running), error);
    free(xml);
    if (domain)
        g_ptr_array_add(domains, domain);
    return domain != NULL;
}

static GPtrArray *
list(const Api *api, const char *uri, virConnectPtr connection, GError **error)
{
    g_autoptr(GPtrArray) domains = g_ptr_array_new_with_free_func(free_domain);
    virDomainPtr *running = NULL;
    int count = api->list(connection, &running, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    gboolean good = count >= 0;

    if (!good)
        set_error(api, uri, error);
    for (int i = 0; i < count; i++) {
        good = good && add_domain(api, uri, running[i], domains, error);
        api->free_domain(running[i]);
    }
    free(running);
    return good ? g_steal_pointer(&domains) : NULL;
}

static virConnectPtr
reach(const char *uri, gboolean writable, Api *ret, GError **error)
{
    virConnectPtr connection;

    if (!load(uri, ret, error))
        return NULL;
    connection = writable ? ret->open(uri) : ret->open_read_only(uri);
    if (!connection)
        set_error(ret, uri, error);
    return connection;
}

GPtrArray *
live_list_running(const char *uri, GError **error)
{
    Api api = {0};
    virConnectPtr connection;
    GPtrArray *domains;

    connection = reach(uri, FALSE, &api, error);
    if (!connection)
        return NULL;
    domains = list(&api, uri, connection, error);
    api.close(connection);
    return domains;
}

static ViommuDomain *
read_domain(const Api *api, const char *uri, virDomainPtr domain, LiveState state, GError **error)
{
    static const unsigned int flags[] = {
        [LIVE_NEXT] = VIR_DOMAIN_XML_INACTIVE,
        [LIVE_RUNNING] = 0,
        [LIVE_NEXT_WHOLE] = VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE,
    };
    const char *name = api->get_name(domain);
    ViommuDomain *result = NULL;
    char *xml;

    if (state == LIVE_RUNNING && api->is_active(domain) == 0) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO, "%s: domain '%s' does not run", uri,
                    name);
        return NULL;
    }
    xml = api->get_xml(domain, flags[state]);
    if (xml)
        result = viommu_domain_new_from_data(xml, -1, name, error);
    else
        set_error(api, uri, error);
    free(xml);
    return result;
}

ViommuDomain *
live_find(const char *uri, const char *name, LiveState state, GError **error)
{
    ViommuDomain *result = NULL;
    Api api = {0};
    virConnectPtr connection;
    virDomainPtr domain;

    connection = reach(uri, state == LIVE_NEXT_WHOLE, &api, error);
    if (!connection)
        return NULL;
    domain = api.look_up(connection, name);
    if (domain) {
        result = read_domain(&api, uri, domain, state, error);
        api.free_domain(domain);
    } else {
        set_error(&api, uri, error);
    }
    api.close(connection);
    return result;
}
