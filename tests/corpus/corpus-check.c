/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * corpus-check FILE...: loads each file as a domain and reports those that we refuse. libvirt's
 * own test data is what it is made for: there a refusal of a file that libvirt takes is our error.
 * Prints each refusal and the totals; exit status 1 when a domain that is well-formed XML was
 * refused with anything but a schema error, and with --strict for any refused domain.
 */
#include <stdio.h>
#include <string.h>

#include "model.h"
#include "viommu/viommu-error.h"

typedef struct {
    guint loaded, refused, malformed, other_root, broken;
    guint elements, hostdevs, iommus, endpoints, written, predicted, unknown;
} Totals;

static void
count_address(Totals *totals, const ModelAddress *address)
{
    totals->written += address->kind == MODEL_ADDRESS_WRITTEN;
    totals->predicted += address->kind == MODEL_ADDRESS_PREDICTED;
    totals->unknown += address->kind == MODEL_ADDRESS_UNKNOWN;
}

static void
count_domain(Totals *totals, const ViommuDomain *domain)
{
    totals->loaded++;
    totals->elements += domain->spans->len;
    totals->hostdevs += domain->hostdevs->len;
    totals->iommus += domain->iommus->len;
    totals->endpoints += domain->endpoints->len;
    for (guint i = 0; i < domain->hostdevs->len; i++)
        count_address(totals, &((ModelHostdev *)domain->hostdevs->pdata[i])->address);
    for (guint i = 0; i < domain->endpoints->len; i++)
        count_address(totals, &((ModelEndpoint *)domain->endpoints->pdata[i])->address);
}

static void
count_error(Totals *totals, const GError *error)
{
    if (g_error_matches(error, VIOMMU_ERROR, VIOMMU_ERROR_PARSE))
        totals->malformed++;
    else if (strstr(error->message, "not a domain: "))
        totals->other_root++;
    else if (g_error_matches(error, VIOMMU_ERROR, VIOMMU_ERROR_SCHEMA))
        totals->refused++;
    else
        totals->broken++;
    if (!strstr(error->message, "not a domain: "))
        printf("%s\n", error->message);
}

int
main(int argc, char **argv)
{
    gboolean strict = argc > 1 && strcmp(argv[1], "--strict") == 0;
    Totals totals = {0};

    for (int i = strict ? 2 : 1; i < argc; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(ViommuDomain) domain = model_domain_load(argv[i], &error);

        if (!domain) {
            count_error(&totals, error);
            continue;
        }
        model_domain_place(domain);
        count_domain(&totals, domain);
    }
    printf("%u domains loaded, %u refused, %u not well-formed, %u not domains, %u failures\n",
           totals.loaded, totals.refused, totals.malformed, totals.other_root, totals.broken);
    printf("%u elements, %u assigned devices, %u vIOMMUs, %u emulated devices; "
           "addresses: %u written, %u predicted, %u unknown\n",
           totals.elements, totals.hostdevs, totals.iommus, totals.endpoints, totals.written,
           totals.predicted, totals.unknown);
    return totals.broken || (strict && totals.refused) ? 1 : 0;
}
