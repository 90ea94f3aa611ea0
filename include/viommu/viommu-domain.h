/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <viommu/viommu-error.h>
#include <viommu/viommu-types.h>

G_BEGIN_DECLS

/**
 * ViommuDomain:
 *
 * One libvirt domain XML: the text as it was given, and what it says. Immutable.
 */

/**
 * viommu_domain_new_from_file: (constructor)
 * @path: (type filename): a <domain> document of at most 32 MiB; "-": standard input
 *
 * A document that is not well-formed, has a document type declaration or another root element is
 * an error: nothing is guessed, no entity is expanded, no other file is read.
 *
 * Returns: (transfer full): the domain, or NULL with %VIOMMU_ERROR_IO, %VIOMMU_ERROR_PARSE or
 *   %VIOMMU_ERROR_SCHEMA; the message starts with "file:line: "
 *
 * Since: 0.1
 */
ViommuDomain *viommu_domain_new_from_file(const char *path, GError **error);

/**
 * viommu_domain_new_from_data: (constructor)
 * @text: the document
 * @length: in bytes; -1: @text is NUL-terminated
 * @name: stands for the file name in messages
 *
 * Returns: (transfer full): the domain, or NULL with an error as for a file
 *
 * Since: 0.1
 */
ViommuDomain *viommu_domain_new_from_data(const char *text, gssize length, const char *name,
                                          GError **error);

/**
 * viommu_domain_ref:
 *
 * Returns: (transfer full): @domain
 */
ViommuDomain *viommu_domain_ref(ViommuDomain *domain);

/**
 * viommu_domain_unref:
 * @domain: (nullable) (transfer full)
 */
void viommu_domain_unref(ViommuDomain *domain);

/**
 * viommu_domain_get_name:
 *
 * Returns: (transfer none) (nullable): text of <name>
 *
 * Since: 0.1
 */
const char *viommu_domain_get_name(const ViommuDomain *domain);

/**
 * viommu_domain_get_uuid:
 *
 * Returns: (transfer none) (nullable): text of <uuid>
 *
 * Since: 0.1
 */
const char *viommu_domain_get_uuid(const ViommuDomain *domain);

/**
 * viommu_domain_get_text:
 * @ret_length: (out) (optional): in bytes
 *
 * Returns: (transfer none): the document as it was given, NUL-terminated
 *
 * Since: 0.1
 */
const char *viommu_domain_get_text(const ViommuDomain *domain, gsize *ret_length);

/**
 * viommu_domain_count_assigned:
 *
 * Returns: number of host devices that the domain takes (PCI functions and mediated devices)
 *
 * Since: 0.1
 */
guint viommu_domain_count_assigned(const ViommuDomain *domain);

/**
 * viommu_domain_is_plain:
 *
 * Returns: whether the domain is none of our business: no assigned device, no vIOMMU, no wish for
 *   one, and nothing that pins its memory. An <interface type='network'> may still become a
 *   device when the domain starts.
 *
 * Since: 0.1
 */
gboolean viommu_domain_is_plain(const ViommuDomain *domain);

#ifndef VIOMMU_INTERNAL /* the rooms have their own */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ViommuDomain, viommu_domain_unref)
#endif

G_END_DECLS
