/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* host-1 documents: whatever is taken can be asked everything, and saving is a fixed point. */
#include "fuzz.h"

#include "host-decode.h"
#include "host-read.h"

#include <string.h>

static void
ask(const ViommuHost *host)
{
    for (guint i = 0; i < host->iommus->len; i++) {
        const HostIommu *iommu = host->iommus->pdata[i];
        g_autofree char *nest = NULL;
        g_autofree char *shadow = NULL;

        host_can_nest(host, iommu, &nest);
        host_can_shadow(host, iommu, &shadow);
        host_iova_bits(host, iommu, HOST_TABLE_PLAIN);
        host_iova_bits(host, iommu, HOST_TABLE_NEST_PARENT);
    }
    for (guint i = 0; i < host->groups->len; i++) {
        host_group_viable(host, host->groups->pdata[i], NULL, NULL);
        host_group_endpoints(host, host->groups->pdata[i]);
    }
}

static char *
save_text(const ViommuHost *host)
{
    g_autoptr(BaseJson) saved = host_json_save(host);

    return base_json_to_text(saved);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(BaseJson) value = base_json_parse((const char *)data, size, "fuzz", NULL);
    g_autoptr(ViommuHost) host = value ? host_json_parse(value, "fuzz", NULL) : NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(BaseJson) parsed = NULL;
    g_autoptr(ViommuHost) again = NULL;
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;

    if (!host)
        return 0;
    ask(host);
    first = save_text(host);
    parsed = base_json_parse(first, strlen(first), "saved", &error);
    again = parsed ? host_json_parse(parsed, "saved", &error) : NULL;
    if (!again)
        g_error("what was saved is refused: %s", error->message);
    second = save_text(again);
    if (strcmp(first, second) != 0)
        g_error("saving twice differs:\n%s\n%s", first, second);
    return 0;
}
