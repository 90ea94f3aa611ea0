/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "write-ledger.h"

#include "ledger-entry.h"

/* What one domain holds; the entry as it is on disk but for the version and the boot. */
static BaseJson *
reservation_json(const HostReservation *reservation)
{
    BaseJson *entry = ledger_entry_save(reservation, NULL);

    json_object_object_del(entry, "ledger");
    return entry;
}

static BaseJson *
difference_json(const LedgerDifference *difference)
{
    const HostReservation *any = difference->really ? difference->really : difference->entry;
    BaseJson *object = json_object_new_object();

    base_json_add_string(object, "kind", write_difference_name(difference->kind));
    base_json_add_string(object, "uuid", any->uuid);
    base_json_add_string(object, "domain", any->domain);
    if (difference->entry)
        json_object_object_add(object, "entry", reservation_json(difference->entry));
    if (difference->really)
        json_object_object_add(object, "really", reservation_json(difference->really));
    return object;
}

static BaseJson *
quota_json(const PolicyQuota *quota)
{
    BaseJson *object = json_object_new_object();

    base_json_add_u64(object, "devices", quota->devices);
    base_json_add_string(object, "locked_memory", quota->locked_memory);
    base_json_add_u64(object, "pasid_bits", quota->pasid_bits);
    base_json_add_u64(object, "accel_viommus", quota->accel_viommus);
    base_json_add_u64(object, "command_queues", quota->command_queues);
    return object;
}

static BaseJson *
total_json(const GPtrArray *entries)
{
    WriteTotal total = write_ledger_total(entries);
    BaseJson *object = json_object_new_object();

    base_json_add_u64(object, "devices", total.devices);
    base_json_add_u64(object, "locked_memory", total.locked_memory);
    base_json_add_u64(object, "pasids", total.pasids);
    base_json_add_u64(object, "accel_viommus", total.accel_viommus);
    base_json_add_u64(object, "command_queues", total.command_queues);
    return object;
}

BaseJson *
write_ledger_json(const WriteLedger *ledger)
{
    BaseJson *document = json_object_new_object();
    BaseJson *domains = json_object_new_array(), *problems = json_object_new_array();
    BaseJson *differences = ledger->differences ? json_object_new_array() : NULL;

    for (guint i = 0; i < ledger->entries->len; i++)
        json_object_array_add(domains, reservation_json(ledger->entries->pdata[i]));
    for (guint i = 0; i < ledger->problems->len; i++)
        json_object_array_add(problems, json_object_new_string(ledger->problems->pdata[i]));
    for (guint i = 0; differences && i < ledger->differences->len; i++)
        json_object_array_add(differences, difference_json(ledger->differences->pdata[i]));
    json_object_object_add(document, "ledger", json_object_new_int(1));
    base_json_add_string(document, "boot_id", ledger->boot);
    json_object_object_add(document, "kept", json_object_new_boolean(ledger->kept));
    json_object_object_add(document, "domains", domains);
    json_object_object_add(document, "problems", problems);
    json_object_object_add(document, "total", total_json(ledger->entries));
    if (ledger->policy)
        json_object_object_add(document, "quota", quota_json(&ledger->policy->host_quota));
    if (differences)
        json_object_object_add(document, "differences", differences);
    return document;
}
