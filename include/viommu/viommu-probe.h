/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions to the running kernel that take opening, and so resetting, an idle function. */
#pragma once

#include <viommu/viommu-host.h>

G_BEGIN_DECLS

/**
 * viommu_host_get_warning:
 *
 * Returns: (transfer none) (nullable): why what an earlier probe of this boot kept could not be
 *   used; the facts lack only that
 *
 * Since: 0.1
 */
const char *viommu_host_get_warning(const ViommuHost *host);

/**
 * viommu_host_can_probe:
 *
 * Opens nothing.
 *
 * Returns: whether viommu_host_probe() may ask at all; FALSE with %VIOMMU_ERROR_INVALID_ARGUMENT
 *   when @host is not the running host, else %VIOMMU_ERROR_UNSUPPORTED or %VIOMMU_ERROR_IO
 *
 * Since: 0.1
 */
gboolean viommu_host_can_probe(const ViommuHost *host, GError **error);

/**
 * viommu_host_list_probe_needs:
 *
 * Returns: (transfer full) (array zero-terminated=1): one sentence for each IOMMU that has
 * functions but no idle one, and what it would take to ask it; free with g_strfreev()
 *
 * Since: 0.1
 */
char **viommu_host_list_probe_needs(const ViommuHost *host);

/**
 * viommu_host_list_idle:
 * @host: facts of the running host
 *
 * The functions that viommu_host_probe() would open, and so reset: each idles on a vfio driver, its
 * whole group idles too, and no process holds their device nodes.
 *
 * Returns: (transfer full) (array zero-terminated=1): addresses, "DDDD:BB:DD.F"; free with
 *   g_strfreev()
 *
 * Since: 0.1
 */
char **viommu_host_list_idle(const ViommuHost *host);

/**
 * viommu_host_probe:
 * @host: facts of the running host
 * @named: (array zero-terminated=1): what viommu_host_list_idle() gave, and the user was told of
 *
 * Asks the kernel what no file tells (SMMUv3 registers, address widths, whether nesting works), by
 * opening the functions in @named, which resets them; one that has found a user since, and any
 * other function, is left alone. Takes root. The answers are kept for the rest of this boot:
 * viommu_host_new_live() adds them on a busy host too.
 *
 * Returns: FALSE with %VIOMMU_ERROR_UNSUPPORTED or %VIOMMU_ERROR_IO when nothing could be asked, or
 *   the answers could not be kept; @host has what was learnt
 *
 * Since: 0.1
 */
gboolean viommu_host_probe(ViommuHost *host, const char *const *named, GError **error);

/**
 * viommu_host_ask_qemu:
 * @program: (type filename): a QEMU system emulator, or its name in PATH
 *
 * Starts it with a machine of none, asks for its version and the properties of its devices over
 * QMP, and ends it, within ten seconds. Nothing else of this library starts a program.
 *
 * Returns: FALSE with %VIOMMU_ERROR_IO when it cannot be started or does not answer,
 *   %VIOMMU_ERROR_UNSUPPORTED when it says nothing of its devices
 *
 * Since: 0.1
 */
gboolean viommu_host_ask_qemu(ViommuHost *host, const char *program, GError **error);

G_END_DECLS
