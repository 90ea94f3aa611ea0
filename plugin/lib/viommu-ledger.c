/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <viommu/viommu-ledger.h>

#include "host-read.h"
#include "ledger-compare.h"
#include "lib.h"
#include "view-reservation.h"

struct _ViommuLedger {
    gint refs;
    Ledger *files;
    gboolean kept;       /* somebody keeps account on this host */
    GPtrArray *entries;  /* of HostReservation */
    GPtrArray *problems; /* of char * */
    GPtrArray *really;   /* of HostReservation; NULL: nobody said what runs */
};
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ViommuLedger, viommu_ledger_unref)

static void
free_entry(gpointer entry)
{
    host_reservation_free(entry);
}

ViommuLedger *
viommu_ledger_new(const char *directory, GError **error)
{
    g_autofree char *boot = host_boot_id("/");
    g_autofree char *own = g_build_filename(lib_run_directory(), "ledger", NULL);
    ViommuLedger *ledger;

    g_return_val_if_fail(!error || !*error, NULL);

    if (!boot) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO, "%s: the boot's id cannot be read",
                    directory ? directory : own);
        return NULL;
    }
    ledger = g_new0(ViommuLedger, 1);
    ledger->refs = 1;
    ledger->files = ledger_new(directory ? directory : own, boot);
    ledger->entries = g_ptr_array_new_with_free_func(free_entry);
    ledger->problems = g_ptr_array_new_with_free_func(g_free);
    return ledger;
}

ViommuLedger *
viommu_ledger_ref(ViommuLedger *ledger)
{
    g_return_val_if_fail(ledger, NULL);

    g_atomic_int_inc(&ledger->refs);
    return ledger;
}

void
viommu_ledger_unref(ViommuLedger *ledger)
{
    if (!ledger || !g_atomic_int_dec_and_test(&ledger->refs))
        return;
    ledger_free(ledger->files);
    g_ptr_array_unref(ledger->entries);
    g_ptr_array_unref(ledger->problems);
    g_clear_pointer(&ledger->really, g_ptr_array_unref);
    g_free(ledger);
}

gboolean
viommu_ledger_load(ViommuLedger *ledger, GError **error)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    GPtrArray *entries;

    g_return_val_if_fail(ledger, FALSE);
    g_return_val_if_fail(!error || !*error, FALSE);

    entries = ledger_read(ledger->files, problems, error);
    if (!entries)
        return FALSE;
    ledger->kept = ledger_exists(ledger->files);
    g_ptr_array_unref(ledger->entries);
    g_ptr_array_unref(ledger->problems);
    ledger->entries = entries;
    ledger->problems = g_steal_pointer(&problems);
    g_clear_pointer(&ledger->really, g_ptr_array_unref);
    return TRUE;
}

char **
viommu_ledger_list_problems(const ViommuLedger *ledger)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

    g_return_val_if_fail(ledger, NULL);

    for (guint i = 0; i < ledger->problems->len; i++)
        g_strv_builder_add(builder, ledger->problems->pdata[i]);
    return g_strv_builder_end(builder);
}

gboolean
viommu_ledger_begin(ViommuLedger *ledger, const ViommuDomain *domain, guint timeout_ms,
                    GError **error)
{
    g_return_val_if_fail(ledger, FALSE);
    g_return_val_if_fail(domain, FALSE);
    g_return_val_if_fail(!error || !*error, FALSE);

    if (!ledger_lock(ledger->files, timeout_ms, error))
        return FALSE;
    if (!viommu_ledger_load(ledger, error)) {
        ledger_unlock(ledger->files);
        return FALSE;
    }
    /* what cannot be removed stays in the sums; the write that follows will fail and say why */
    ledger_forget_name(ledger->files, ledger->entries, domain->name, domain->uuid, NULL);
    return TRUE;
}

void
viommu_ledger_tell(const ViommuLedger *ledger, ViommuHost *host)
{
    g_return_if_fail(ledger);
    g_return_if_fail(host);

    if (!ledger->kept)
        return;
    g_ptr_array_set_size(host->reservations, 0);
    for (guint i = 0; i < ledger->entries->len; i++)
        g_ptr_array_add(host->reservations, host_reservation_copy(ledger->entries->pdata[i]));
    host->reservations_state = BASE_STATE_KNOWN;
}

void
lib_add_reservations(ViommuHost *host)
{
    g_autoptr(ViommuLedger) ledger = viommu_ledger_new(NULL, NULL);

    if (ledger && viommu_ledger_load(ledger, NULL))
        viommu_ledger_tell(ledger, host);
}

static HostReservation *
reservation_of(const ViommuHost *host, const ViommuDomain *domain, const ViommuTarget *target)
{
    static const ViommuTarget from_facts = {0};
    g_autoptr(View) view = view_new(host, domain, NULL, target ? target : &from_facts);

    return view_reservation(view);
}

/* Once each, in the order of the catalogue */
static void
note_undecided(HostReservation *reservation, const ViommuReport *report)
{
    const char *last = NULL;

    for (guint i = 0; report && i < report->findings->len; i++) {
        const Finding *finding = report->findings->pdata[i];

        if (finding->outcome != VIOMMU_OUTCOME_UNKNOWN || finding->rule->id == last)
            continue;
        last = finding->rule->id;
        g_ptr_array_add(reservation->undecided, g_strdup(last));
    }
}

gboolean
viommu_ledger_reserve(ViommuLedger *ledger, const ViommuHost *host, const ViommuDomain *domain,
                      const ViommuTarget *target, const ViommuReport *report, GError **error)
{
    g_autoptr(HostReservation) reservation = NULL;

    g_return_val_if_fail(ledger, FALSE);
    g_return_val_if_fail(ledger->files->lock >= 0, FALSE);
    g_return_val_if_fail(host, FALSE);
    g_return_val_if_fail(domain, FALSE);
    g_return_val_if_fail(!error || !*error, FALSE);

    reservation = reservation_of(host, domain, target);
    note_undecided(reservation, report);
    return ledger_write(ledger->files, reservation, error);
}

gboolean
viommu_ledger_was_undecided(const ViommuLedger *ledger, const ViommuDomain *domain,
                            const char *rule)
{
    const HostReservation *entry;

    g_return_val_if_fail(ledger, TRUE);
    g_return_val_if_fail(domain, TRUE);
    g_return_val_if_fail(rule, TRUE);

    entry = domain->uuid ? ledger_find(ledger->entries, domain->uuid) : NULL;
    for (guint i = 0; entry && i < entry->undecided->len; i++)
        if (g_str_equal(entry->undecided->pdata[i], rule))
            return TRUE;
    return !entry;
}

void
viommu_ledger_end(ViommuLedger *ledger)
{
    g_return_if_fail(ledger);

    ledger_unlock(ledger->files);
}

gboolean
viommu_ledger_release(ViommuLedger *ledger, const char *uuid, const char *name, GError **error)
{
    g_autoptr(GPtrArray) entries = NULL;

    g_return_val_if_fail(ledger, FALSE);
    g_return_val_if_fail(uuid || name, FALSE);
    g_return_val_if_fail(!error || !*error, FALSE);

    if (uuid)
        return ledger_remove(ledger->files, uuid, error);
    entries = ledger_read(ledger->files, NULL, error);
    for (guint i = 0; entries && i < entries->len; i++) {
        const HostReservation *entry = entries->pdata[i];

        if (g_strcmp0(entry->domain, name) == 0 &&
            !ledger_remove(ledger->files, entry->uuid, error))
            return FALSE;
    }
    return entries != NULL;
}

void
viommu_ledger_expect_nothing(ViommuLedger *ledger)
{
    g_return_if_fail(ledger);

    g_clear_pointer(&ledger->really, g_ptr_array_unref);
    ledger->really = g_ptr_array_new_with_free_func(free_entry);
}

void
viommu_ledger_expect(ViommuLedger *ledger, const ViommuHost *host, const ViommuDomain *domain,
                     const ViommuTarget *target)
{
    g_return_if_fail(ledger);
    g_return_if_fail(host);
    g_return_if_fail(domain);

    if (!ledger->really)
        viommu_ledger_expect_nothing(ledger);
    g_ptr_array_add(ledger->really, reservation_of(host, domain, target));
}

/* Nobody said that any domain runs: none does. (transfer full) */
static GPtrArray *
differences(const ViommuLedger *ledger)
{
    g_autoptr(GPtrArray) none = g_ptr_array_new();

    return ledger_compare(ledger->entries, ledger->really ? ledger->really : none);
}

guint
viommu_ledger_count_differences(const ViommuLedger *ledger)
{
    g_autoptr(GPtrArray) found = NULL;

    g_return_val_if_fail(ledger, 0);

    found = differences(ledger);
    return found->len;
}

gboolean
viommu_ledger_repair(ViommuLedger *ledger, guint timeout_ms, GError **error)
{
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    gboolean done;

    g_return_val_if_fail(ledger, FALSE);
    g_return_val_if_fail(!error || !*error, FALSE);

    if (!ledger_lock(ledger->files, timeout_ms, error))
        return FALSE;
    done = ledger_repair(ledger->files, ledger->entries, ledger->really ? ledger->really : none,
                         error);
    ledger_unlock(ledger->files);
    return done;
}

static WriteLedger
to_write(const ViommuLedger *ledger, const ViommuPolicy *policy, const GPtrArray *found)
{
    return (WriteLedger){
        .boot = ledger->files->boot,
        .kept = ledger->kept,
        .entries = ledger->entries,
        .problems = ledger->problems,
        .differences = found,
        .policy = policy,
    };
}

char *
viommu_ledger_to_json(const ViommuLedger *ledger, const ViommuPolicy *policy)
{
    g_autoptr(GPtrArray) found = NULL;
    g_autoptr(BaseJson) document = NULL;
    WriteLedger what;

    g_return_val_if_fail(ledger, NULL);

    found = ledger->really ? differences(ledger) : NULL;
    what = to_write(ledger, policy, found);
    document = write_ledger_json(&what);
    return base_json_to_text(document);
}

char *
viommu_ledger_render(const ViommuLedger *ledger, const ViommuPolicy *policy,
                     ViommuRenderFlags flags, guint width)
{
    WriteStyle style = lib_style(flags, width);
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GPtrArray) found = NULL;
    WriteLedger what;

    g_return_val_if_fail(ledger, NULL);

    found = ledger->really ? differences(ledger) : NULL;
    what = to_write(ledger, policy, found);
    write_ledger_text(&what, &style, out);
    return g_string_free(g_steal_pointer(&out), FALSE);
}
