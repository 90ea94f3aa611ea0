/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <viommu/viommu-domain.h>
#include <viommu/viommu-host.h>
#include <viommu/viommu-policy.h>
#include <viommu/viommu-report.h>

G_BEGIN_DECLS

/**
 * ViommuLedger:
 *
 * Who holds which devices, pinned memory, PASIDs and vIOMMU objects on this host, from before a
 * domain starts until it is gone, in this boot. Kept as one file for each domain, which survives
 * the end of whoever writes it. Not to be used from two threads at a time.
 *
 * Who starts domains goes viommu_ledger_begin(), viommu_ledger_tell(), viommu_check(),
 * viommu_ledger_reserve() where the report allows, viommu_ledger_end(): no quota is exceeded
 * however many do so at once.
 */

/**
 * viommu_ledger_new: (constructor)
 * @directory: (type filename) (nullable): NULL: "ledger" in the run directory
 *
 * Touches no file of the ledger yet.
 *
 * Returns: (transfer full): NULL with %VIOMMU_ERROR_IO where the boot's id cannot be read
 *
 * Since: 0.1
 */
ViommuLedger *viommu_ledger_new(const char *directory, GError **error);

/**
 * viommu_ledger_ref:
 *
 * Returns: (transfer full): @ledger
 */
ViommuLedger *viommu_ledger_ref(ViommuLedger *ledger);

/**
 * viommu_ledger_unref:
 * @ledger: (nullable) (transfer full)
 */
void viommu_ledger_unref(ViommuLedger *ledger);

/**
 * viommu_ledger_load:
 *
 * Reads the entries; without the lock, so that it never waits.
 *
 * Returns: FALSE with %VIOMMU_ERROR_IO
 *
 * Since: 0.1
 */
gboolean viommu_ledger_load(ViommuLedger *ledger, GError **error);

/**
 * viommu_ledger_list_problems:
 *
 * Returns: (transfer full) (array zero-terminated=1): one sentence for each file that could not be
 *   used; what its domain holds is unknown
 *
 * Since: 0.1
 */
char **viommu_ledger_list_problems(const ViommuLedger *ledger);

/**
 * viommu_ledger_begin:
 * @domain: that is about to start
 * @timeout_ms: how long to wait for others
 *
 * Takes the lock and reads the entries. What an earlier domain of that name left behind is dropped.
 * Returns: FALSE with %VIOMMU_ERROR_IO, also when the time is up; the lock is not held then
 *
 * Since: 0.1
 */
gboolean viommu_ledger_begin(ViommuLedger *ledger, const ViommuDomain *domain, guint timeout_ms,
                             GError **error);

/**
 * viommu_ledger_tell:
 *
 * Adds to @host what the entries say, for quotas. Since: 0.1
 */
void viommu_ledger_tell(const ViommuLedger *ledger, ViommuHost *host);

/**
 * viommu_ledger_reserve:
 * @host: facts, at least of the functions that @domain names
 * @target: (nullable): the stack; NULL: what the host facts say
 * @report: (nullable): what viommu_check() says; rules that are undecided are noted
 *
 * Replaces the domain's entry by what it takes now; needs the lock.
 * Returns: FALSE with %VIOMMU_ERROR_IO, or %VIOMMU_ERROR_INVALID_ARGUMENT for a domain without
 *   <uuid>; the entry is as it was
 *
 * Since: 0.1
 */
gboolean viommu_ledger_reserve(ViommuLedger *ledger, const ViommuHost *host,
                               const ViommuDomain *domain, const ViommuTarget *target,
                               const ViommuReport *report, GError **error);

/**
 * viommu_ledger_was_undecided:
 *
 * Returns: whether @rule had no verdict when the domain's entry was written; TRUE where it has none
 *
 * Since: 0.1
 */
gboolean viommu_ledger_was_undecided(const ViommuLedger *ledger, const ViommuDomain *domain,
                                     const char *rule);

/**
 * viommu_ledger_end:
 *
 * Gives the lock back; fine where it is not held. Since: 0.1
 */
void viommu_ledger_end(ViommuLedger *ledger);

/**
 * viommu_ledger_release:
 * @uuid: (nullable): of the domain that is gone; NULL: all entries of that name
 * @name: (nullable): its name
 *
 * Works without the lock, so that nothing keeps it from being done.
 *
 * Returns: FALSE with %VIOMMU_ERROR_IO
 *
 * Since: 0.1
 */
gboolean viommu_ledger_release(ViommuLedger *ledger, const char *uuid, const char *name,
                               GError **error);

/**
 * viommu_ledger_expect_nothing:
 *
 * Says that what runs will be told now, one by one: nothing but that is compared. Since: 0.1
 */
void viommu_ledger_expect_nothing(ViommuLedger *ledger);

/**
 * viommu_ledger_expect:
 *
 * Says that this domain runs, for viommu_ledger_count_differences(). Since: 0.1
 */
void viommu_ledger_expect(ViommuLedger *ledger, const ViommuHost *host, const ViommuDomain *domain,
                          const ViommuTarget *target);

/**
 * viommu_ledger_count_differences:
 *
 * Returns: number of domains whose entry is missing, says something else, or is of none that runs
 *
 * Since: 0.1
 */
guint viommu_ledger_count_differences(const ViommuLedger *ledger);

/**
 * viommu_ledger_repair:
 * @timeout_ms: how long to wait for others
 *
 * Makes the entries what the running domains really take. An entry that has changed since it was
 * read is left alone.
 *
 * Returns: FALSE with %VIOMMU_ERROR_IO
 *
 * Since: 0.1
 */
gboolean viommu_ledger_repair(ViommuLedger *ledger, guint timeout_ms, GError **error);

/**
 * viommu_ledger_to_json:
 * @policy: (nullable): whose quotas to show
 *
 * Returns: (transfer full): the entries, their sum and the differences, as a ledger-1 document
 *
 * Since: 0.1
 */
char *viommu_ledger_to_json(const ViommuLedger *ledger, const ViommuPolicy *policy);

/**
 * viommu_ledger_render:
 * @policy: (nullable): whose quotas to show
 * @flags: how
 * @width: columns; 0: no limit
 *
 * Returns: (transfer full): the same for people
 *
 * Since: 0.1
 */
char *viommu_ledger_render(const ViommuLedger *ledger, const ViommuPolicy *policy,
                           ViommuRenderFlags flags, guint width);

#ifndef VIOMMU_INTERNAL /* the rooms have their own */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ViommuLedger, viommu_ledger_unref)
#endif

G_END_DECLS
