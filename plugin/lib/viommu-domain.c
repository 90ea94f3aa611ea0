/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <viommu/viommu-domain.h>

#include <string.h>

#include "model.h"

ViommuDomain *
viommu_domain_new_from_file(const char *path, GError **error)
{
    g_return_val_if_fail(path, NULL);
    g_return_val_if_fail(!error || !*error, NULL);

    return model_domain_load(path, error);
}

ViommuDomain *
viommu_domain_new_from_data(const char *text, gssize length, const char *name, GError **error)
{
    g_return_val_if_fail(text || length == 0, NULL);
    g_return_val_if_fail(name, NULL);
    g_return_val_if_fail(!error || !*error, NULL);

    return model_domain_parse(text ? text : "", length < 0 ? strlen(text) : (gsize)length, name,
                              error);
}

ViommuDomain *
viommu_domain_ref(ViommuDomain *domain)
{
    g_return_val_if_fail(domain, NULL);

    return model_domain_ref(domain);
}

void
viommu_domain_unref(ViommuDomain *domain)
{
    if (domain)
        model_domain_unref(domain);
}

const char *
viommu_domain_get_name(const ViommuDomain *domain)
{
    g_return_val_if_fail(domain, NULL);

    return domain->name;
}

const char *
viommu_domain_get_uuid(const ViommuDomain *domain)
{
    g_return_val_if_fail(domain, NULL);

    return domain->uuid;
}

const char *
viommu_domain_get_text(const ViommuDomain *domain, gsize *ret_length)
{
    g_return_val_if_fail(domain, NULL);

    if (ret_length)
        *ret_length = domain->length;
    return domain->text;
}

guint
viommu_domain_count_assigned(const ViommuDomain *domain)
{
    guint count = 0;

    g_return_val_if_fail(domain, 0);

    for (guint i = 0; i < domain->hostdevs->len; i++) {
        const ModelHostdev *hostdev = g_ptr_array_index(domain->hostdevs, i);

        if (hostdev->kind != MODEL_HOSTDEV_NETWORK)
            count++;
    }
    return count;
}

gboolean
viommu_domain_is_plain(const ViommuDomain *domain)
{
    g_return_val_if_fail(domain, FALSE);

    for (guint i = 0; i < domain->hostdevs->len; i++) {
        const ModelHostdev *hostdev = g_ptr_array_index(domain->hostdevs, i);

        if (hostdev->kind != MODEL_HOSTDEV_NETWORK)
            return FALSE;
    }
    return domain->iommus->len == 0 && !domain->intent && !domain->locked &&
           domain->nvme_disks == 0 && domain->vdpa_devices == 0;
}
