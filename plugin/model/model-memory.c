/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base-text.h"
#include "model-private.h"

/* libvirt's virMemoryMaxValue (11.3, util/virutil.c:1498) */
#define MEMORY_MAX ((guint64)G_MAXINT64)
/* VIR_DOMAIN_MEMORY_PARAM_UNLIMITED (libvirt-domain.h), in KiB: from there on there is no limit */
#define UNLIMITED_KIB G_GUINT64_CONSTANT(9007199254740991)

/* Powers of 1024 ("k", "KiB") or 1000 ("KB"), in any letter case: virScaleInteger, 11.3,
 * util/virutil.c:176. */
gboolean
model_scale(guint64 value, const char *unit, guint64 *ret)
{
    static const char prefixes[] = "kmgtpe";
    const char *prefix;
    guint64 scale = 1, base;

    if (g_ascii_strcasecmp(unit, "b") == 0 || g_ascii_strcasecmp(unit, "byte") == 0 ||
        g_ascii_strcasecmp(unit, "bytes") == 0)
        base = 1;
    else if (unit[0] && (!unit[1] || g_ascii_strcasecmp(unit + 1, "iB") == 0))
        base = 1024;
    else if (unit[0] && g_ascii_strcasecmp(unit + 1, "b") == 0)
        base = 1000;
    else
        return FALSE;
    prefix = strchr(prefixes, g_ascii_tolower(unit[0]));
    if (base > 1 && !prefix)
        return FALSE;
    for (const char *step = prefixes; base > 1 && step <= prefix; step++)
        scale *= base;
    if (value > MEMORY_MAX / scale)
        return FALSE;
    *ret = value * scale;
    return TRUE;
}

gboolean
model_size(const ViommuDomain *domain, const xmlNode *element, BaseU64 *ret, GError **error)
{
    g_autofree char *text = model_text(element);
    const char *unit = model_value(element, "unit");
    guint64 number, bytes = 0;

    *ret = base_u64_absent();
    if (!text)
        return TRUE;
    if (!base_parse_u64(text, 10, &number))
        return model_refuse(domain, element, error, "<%s> must be a whole number, not %s",
                            (const char *)element->name, text);
    if (!model_scale(number, unit && *unit ? unit : "KiB", &bytes) ||
        bytes > MEMORY_MAX - MEMORY_MAX % 1024)
        return model_refuse(domain, element, error,
                            "<%s> is too large or of an unknown unit: %s %s",
                            (const char *)element->name, text, unit ? unit : "KiB");
    *ret = base_u64((bytes + 1023) / 1024 * 1024);
    return TRUE;
}

/* Memory of the guest's NUMA cells: an attribute of <cell>, KiB unless @unit says otherwise. */
static gboolean
sum_cells(const ViommuDomain *domain, guint64 *ret, GError **error)
{
    const xmlNode *numa = model_child(model_child(domain->root, "cpu"), "numa");

    *ret = 0;
    for (xmlNode *cell = model_child(numa, "cell"); cell; cell = model_next(cell, "cell")) {
        const char *unit = model_value(cell, "unit");
        BaseU64 memory = model_number(cell, "memory", 10);
        guint64 bytes = 0;

        if (memory.state == BASE_STATE_UNKNOWN ||
            !model_scale(memory.value, unit && *unit ? unit : "KiB", &bytes))
            return model_refuse(domain, cell, error, "the memory of this <cell> is not a size");
        *ret = base_saturating_add(*ret, (bytes + 1023) / 1024 * 1024);
    }
    return TRUE;
}

/* dimm, nvdimm, virtio-pmem, virtio-mem, sgx-epc: libvirt counts <target><size> of each. */
static gboolean
sum_modules(const ViommuDomain *domain, guint64 *ret, GError **error)
{
    *ret = 0;
    for (xmlNode *node = model_child(domain->devices, "memory"); node;
         node = model_next(node, "memory")) {
        BaseU64 size;

        if (!model_size(domain, model_child(model_child(node, "target"), "size"), &size, error))
            return FALSE;
        *ret = base_saturating_add(*ret, size.value);
    }
    return TRUE;
}

/* <memory> includes the memory devices; with guest NUMA cells libvirt replaces it at define by the
 * sum of cells and devices (virDomainDefPostParseMemory, 11.3, conf/domain_postparse.c:33). */
static gboolean
read_total(ViommuDomain *domain, GError **error)
{
    const xmlNode *written = model_child(domain->root, "memory");
    guint64 cells, modules;
    BaseU64 total;

    if (!model_size(domain, written, &total, error) || !sum_cells(domain, &cells, error) ||
        !sum_modules(domain, &modules, error))
        return FALSE;
    domain->memory = cells ? base_saturating_add(cells, modules) : total.value;
    if (domain->memory == 0)
        return model_refuse(domain, written ? written : domain->root, error,
                            "no memory size in <memory> or <numa>; libvirt refuses this domain");
    if (domain->memory > MEMORY_MAX)
        return model_refuse(domain, written ? written : domain->root, error,
                            "the memory of this domain is too large");
    return TRUE;
}

gboolean
model_read_memory(ViommuDomain *domain, GError **error)
{
    xmlNode *limit = model_child(model_child(domain->root, "memtune"), "hard_limit");
    BaseU64 max;

    if (!read_total(domain, error) ||
        !model_size(domain, model_child(domain->root, "maxMemory"), &max, error) ||
        !model_size(domain, limit, &domain->hard_limit, error))
        return FALSE;
    domain->max_memory = base_u64_is_known(max) && max.value ? max.value : domain->memory;
    domain->hard_limit_node = limit;
    if (base_u64_is_known(domain->hard_limit) && domain->hard_limit.value / 1024 >= UNLIMITED_KIB)
        domain->hard_limit = base_u64_absent();
    return TRUE;
}
