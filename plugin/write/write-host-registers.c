/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The registers of the host's IOMMUs, field by field; units with the same value share a table. */
#include "host-registers.h"
#include "write-host.h"
#include "write-table.h"

static gboolean
has_value(const HostIommu *iommu, HostRegister reg, guint64 value)
{
    BaseU64 own = host_register_value(iommu, reg);

    return base_u64_is_known(own) && own.value == value;
}

/* Names of the units from @first on with that value; empty when an earlier one has it too. */
static char *
units_with(const ViommuHost *host, guint first, HostRegister reg, guint64 value)
{
    g_autoptr(GString) names = g_string_new(NULL);

    for (guint i = 0; i < host->iommus->len; i++) {
        const HostIommu *iommu = host->iommus->pdata[i];

        if (!has_value(iommu, reg, value))
            continue;
        if (i < first)
            return g_strdup("");
        g_string_append_printf(names, "%s%s", names->len ? ", " : "", iommu->name);
    }
    return g_string_free(g_steal_pointer(&names), FALSE);
}

static void
write_fields(HostRegister reg, guint64 value, const WriteStyle *style, GString *out)
{
    static const char *const heads[] = {"FIELD", "VALUE", "MEANING", "NEEDED FOR", NULL};
    g_autoptr(WriteTable) table = write_table_new(heads);

    for (HostFieldId id = 0; id < HOST_FIELD_COUNT; id++) {
        const HostRegisterField *field = host_register_field(id);
        g_autofree char *text = NULL;

        if (field->reg != reg)
            continue;
        text = host_field_text(id, value);
        write_table_add(table,
                        (const char *const[]){field->name, text, field->meaning, field->allows});
    }
    write_table_print(table, style, out);
}

void
write_host_registers(const ViommuHost *host, const WriteStyle *style, GString *out)
{
    for (guint i = 0; i < host->iommus->len; i++) {
        const HostIommu *iommu = host->iommus->pdata[i];

        for (HostRegister reg = 0; reg < HOST_REGISTER_COUNT; reg++) {
            BaseU64 value = host_register_value(iommu, reg);
            g_autofree char *units = NULL;

            if (!base_u64_is_known(value))
                continue;
            units = units_with(host, i, reg, value.value);
            if (!*units)
                continue;
            g_string_append_c(out, '\n');
            write_labelled(style, out, "", 0, "%s of %s: 0x%" G_GINT64_MODIFIER "x",
                           host_register_name(reg), units, value.value);
            write_fields(reg, value.value, style, out);
        }
    }
}
