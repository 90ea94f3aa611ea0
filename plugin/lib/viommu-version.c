/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <viommu/viommu-file.h>
#include <viommu/viommu-types.h>
#include <viommu/viommu-version.h>

#include <string.h>

#include "base-file.h"
#include "base-text.h"

const char *
viommu_version(void)
{
    return VIOMMU_VERSION_STRING;
}

gboolean
viommu_version_parse(const char *text, guint64 *ret)
{
    g_return_val_if_fail(text, FALSE);
    g_return_val_if_fail(ret, FALSE);

    return base_parse_version(text, ret);
}

gboolean
viommu_file_replace(const char *path, const char *text, gssize length, GError **error)
{
    g_return_val_if_fail(path, FALSE);
    g_return_val_if_fail(text || length == 0, FALSE);
    g_return_val_if_fail(!error || !*error, FALSE);

    return base_file_replace(path, text, length < 0 ? strlen(text) : (gsize)length, error);
}
