/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Config space of a hostile function, and the firmware's IORT. */
#include "fuzz.h"

#include "host-config.h"
#include "host-iort.h"

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    HostPcie pcie;
    const char *why = host_config_parse(data, size, &pcie);

    if (pcie.extended == BASE_STATE_KNOWN && why)
        g_error("a damaged list was believed: %s", why);
    if (base_u64_is_known(pcie.pasid_bits) && pcie.pasid_bits.value > 20)
        g_error("PASIDs of %u bits", (guint)pcie.pasid_bits.value);
    host_iort_canwbs(data, size, 0x0c000000);
    return 0;
}
