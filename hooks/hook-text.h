/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Findings as lines: one for who starts a domain, the rest for the journal. */
#pragma once

#include <viommu/viommu.h>

#include "hook-journal.h"

/* Number of the report's worst finding that the hook refuses for; G_MAXUINT: there is none */
guint hook_first_certain(const ViommuReport *report);
/* "ua-nic0 (0000:3b:00.0): what is wrong; help: what to do [rule] (and 2 more)": one line.
 * (transfer full) */
char *hook_refusal(const ViommuReport *report);
/* Failures to the journal, and in one line the number of rules that had no verdict. @ledger
 * (nullable): leaves out rules that had one when the domain's entry was written. */
void hook_log_findings(const HookCall *call, const ViommuReport *report, const ViommuLedger *ledger,
                       const ViommuDomain *domain);
