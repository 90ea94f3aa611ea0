/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "write-ledger.h"

#include "base-text.h"
#include "write-table.h"

const char *
write_difference_name(LedgerDifferenceKind kind)
{
    static const char *const names[] = {
        [LEDGER_MISSING] = "missing",
        [LEDGER_LEFT] = "left",
        [LEDGER_WRONG] = "wrong",
    };

    return names[kind];
}

/* A width of n bits is 2^n address spaces on one device. */
static BaseU64
pasids_of(BaseU64 bits)
{
    if (base_u64_is_known(bits) && bits.value > 0)
        return base_u64(G_GUINT64_CONSTANT(1) << MIN(bits.value, 32));
    return bits;
}

static BaseU64
add(BaseU64 a, BaseU64 b)
{
    if (!base_u64_is_known(a) || !base_u64_is_known(b))
        return (BaseU64){0};
    return base_u64(base_saturating_add(a.value, b.value));
}

static WriteTotal
numbers_of(const HostReservation *reservation)
{
    return (WriteTotal){
        .devices = {reservation->devices_state, reservation->devices->len},
        .locked_memory = reservation->locked_memory,
        .pasids = pasids_of(reservation->pasid_bits),
        .accel_viommus = reservation->accel_viommus,
        .command_queues = reservation->command_queues,
    };
}

WriteTotal
write_ledger_total(const GPtrArray *entries)
{
    const BaseU64 zero = base_u64(0);
    WriteTotal sum = {zero, zero, zero, zero, zero};

    for (guint i = 0; i < entries->len; i++) {
        WriteTotal one = numbers_of(entries->pdata[i]);

        sum.devices = add(sum.devices, one.devices);
        sum.locked_memory = add(sum.locked_memory, one.locked_memory);
        sum.pasids = add(sum.pasids, one.pasids);
        sum.accel_viommus = add(sum.accel_viommus, one.accel_viommus);
        sum.command_queues = add(sum.command_queues, one.command_queues);
    }
    return sum;
}

static char *
count_text(BaseU64 number, const char *unknown)
{
    return base_u64_is_known(number) ? g_strdup_printf("%" G_GUINT64_FORMAT, number.value)
                                     : g_strdup(unknown);
}

static void
add_row(WriteTable *table, const char *name, const WriteTotal *row, const char *memory,
        const char *unknown)
{
    g_autofree char *devices = count_text(row->devices, unknown);
    g_autofree char *pasids = count_text(row->pasids, unknown);
    g_autofree char *viommus = count_text(row->accel_viommus, unknown);
    g_autofree char *queues = count_text(row->command_queues, unknown);

    write_table_add(table,
                    (const char *const[]){name, devices, memory, pasids, viommus, queues, NULL});
}

static void
add_numbers(WriteTable *table, const char *name, const WriteTotal *row)
{
    g_autofree char *size = base_u64_is_known(row->locked_memory)
                                ? base_format_size(row->locked_memory.value)
                                : g_strdup("?");

    add_row(table, name, row, size, "?");
}

static gboolean
has_quota(const PolicyQuota *quota)
{
    return quota->locked_memory || base_u64_is_known(quota->devices) ||
           base_u64_is_known(quota->pasid_bits) || base_u64_is_known(quota->accel_viommus) ||
           base_u64_is_known(quota->command_queues);
}

static void
add_quota(WriteTable *table, const PolicyQuota *quota)
{
    WriteTotal row = {
        .devices = quota->devices,
        .pasids = pasids_of(quota->pasid_bits),
        .accel_viommus = quota->accel_viommus,
        .command_queues = quota->command_queues,
    };

    add_row(table, "quota", &row, quota->locked_memory ? quota->locked_memory : "-", "-");
}

static void
write_table(const WriteLedger *ledger, const WriteStyle *style, GString *out)
{
    static const char *const heads[] = {
        "DOMAIN", "DEVICES", "LOCKED MEMORY", "PASIDS", "ACCEL VIOMMUS", "QUEUES", NULL};
    g_autoptr(WriteTable) table = write_table_new(heads);
    WriteTotal total = write_ledger_total(ledger->entries);

    for (guint i = 0; i < ledger->entries->len; i++) {
        const HostReservation *entry = ledger->entries->pdata[i];
        WriteTotal row = numbers_of(entry);

        add_numbers(table, entry->domain ? entry->domain : entry->uuid, &row);
    }
    add_numbers(table, "all", &total);
    if (ledger->policy && has_quota(&ledger->policy->host_quota))
        add_quota(table, &ledger->policy->host_quota);
    write_table_print(table, style, out);
}

static void
write_devices(const WriteLedger *ledger, const WriteStyle *style, GString *out)
{
    g_string_append_c(out, '\n');
    for (guint i = 0; i < ledger->entries->len; i++) {
        const HostReservation *entry = ledger->entries->pdata[i];
        g_autoptr(GString) list = g_string_new(NULL);

        for (guint j = 0; j < entry->devices->len; j++)
            g_string_append_printf(list, " %s", (const char *)entry->devices->pdata[j]);
        write_labelled(style, out, entry->domain ? entry->domain : "?", 16, "%s%s", entry->uuid,
                       list->str);
    }
}

/* ", 2 devices"; nothing for none */
static void
add_count(GString *text, BaseU64 number, const char *one, const char *many)
{
    g_autofree char *count = count_text(number, "?");

    if (!base_u64_is_known(number) || number.value > 0)
        g_string_append_printf(text, ", %s %s", count,
                               base_u64_is_known(number) && number.value == 1 ? one : many);
}

/* "8 GiB locked, 2 devices" */
static char *
summary(const HostReservation *reservation)
{
    WriteTotal numbers = numbers_of(reservation);
    GString *text = g_string_new(NULL);
    g_autofree char *size = base_u64_is_known(numbers.locked_memory)
                                ? base_format_size(numbers.locked_memory.value)
                                : g_strdup("?");

    g_string_append_printf(text, "%s locked", size);
    add_count(text, numbers.devices, "device", "devices");
    add_count(text, numbers.pasids, "PASID", "PASIDs");
    add_count(text, numbers.accel_viommus, "accelerated vIOMMU", "accelerated vIOMMUs");
    add_count(text, numbers.command_queues, "queue", "queues");
    return g_string_free(text, FALSE);
}

static void
write_difference(const LedgerDifference *difference, GString *out)
{
    const HostReservation *any = difference->really ? difference->really : difference->entry;
    g_autofree char *entry = difference->entry ? summary(difference->entry) : NULL;
    g_autofree char *really = difference->really ? summary(difference->really) : NULL;

    g_string_append_printf(out, "%s (%s): ", any->domain ? any->domain : "?", any->uuid);
    switch (difference->kind) {
    case LEDGER_MISSING:
        g_string_append_printf(out, "runs and has no entry: %s\n", really);
        break;
    case LEDGER_LEFT:
        g_string_append_printf(out, "does not run, or holds nothing, and has an entry: %s\n",
                               entry);
        break;
    case LEDGER_WRONG:
    default:
        g_string_append_printf(out, "its entry says %s; it holds %s\n", entry, really);
        break;
    }
}

static void
write_differences(const WriteLedger *ledger, const WriteStyle *style, GString *out)
{
    guint count = ledger->differences->len;

    for (guint i = 0; i < count; i++)
        write_difference(ledger->differences->pdata[i], out);
    if (style->quiet)
        return;
    if (count == 0)
        g_string_append(out, "The ledger is what libvirt's running domains hold.\n");
    else
        g_string_append_printf(out, "%u difference%s; virt-viommu ledger --rebuild mends them\n",
                               count, count == 1 ? "" : "s");
}

void
write_ledger_text(const WriteLedger *ledger, const WriteStyle *style, GString *out)
{
    if (ledger->differences) {
        write_differences(ledger, style, out);
        return;
    }
    if (!ledger->kept)
        g_string_append(out, "Nobody keeps account on this host: the libvirt hook does "
                             "(virt-viommu-hook(8)).\n");
    else if (ledger->entries->len == 0)
        g_string_append(out, "No domain holds anything.\n");
    else
        write_table(ledger, style, out);
    if (style->verbose && ledger->entries->len > 0)
        write_devices(ledger, style, out);
}
