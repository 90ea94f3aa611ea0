/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libviommu: what a host can give to a guest with a virtual IOMMU, what is wrong with a libvirt
 * domain XML that asks for one, and the XML and limits that would be right.
 *
 * The way through: facts (viommu-host.h), a domain (viommu-domain.h) and a policy
 * (viommu-policy.h) go into viommu_check() (viommu-report.h), viommu_plan_new() (viommu-plan.h) or,
 * for a domain that runs, viommu_hotplug_attach() (viommu-hotplug.h). What running domains hold of
 * the host is kept in a ledger (viommu-ledger.h). examples/library.c is a whole program.
 *
 * Conventions: a function that can fail takes a GError ** and returns NULL or FALSE exactly when
 * it sets it, in the domain VIOMMU_ERROR. Strings are UTF-8, sizes are bytes. A "const char *"
 * result belongs to the object that it was asked of and lives as long. The library prints
 * nothing, never exits and has no mutable global state.
 */
#pragma once

#include <viommu/viommu-domain.h>
#include <viommu/viommu-error.h>
#include <viommu/viommu-file.h>
#include <viommu/viommu-host.h>
#include <viommu/viommu-hotplug.h>
#include <viommu/viommu-ledger.h>
#include <viommu/viommu-plan.h>
#include <viommu/viommu-policy.h>
#include <viommu/viommu-probe.h>
#include <viommu/viommu-report.h>
#include <viommu/viommu-rule.h>
#include <viommu/viommu-types.h>
#include <viommu/viommu-version.h>
