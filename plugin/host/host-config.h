/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI config space: the capabilities that matter to an IOMMU. Pure, on bytes. */
#pragma once

#include "host-facts.h"

/* Decodes @length bytes of config space into *ret. Returns NULL, or (static) why part of it is
 * unknown. Any bytes are safe. */
const char *host_config_parse(const guint8 *bytes, gsize length, HostPcie *ret);
