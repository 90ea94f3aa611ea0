/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <viommu/viommu-error.h>
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

char *
viommu_file_read(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    gsize length = 0;

    g_return_val_if_fail(path, NULL);
    g_return_val_if_fail(!error || !*error, NULL);

    if (!base_file_read(path, BASE_FILE_LIMIT, &text, &length, error))
        return NULL;
    if (!g_utf8_validate(text, (gssize)length, NULL)) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO, "%s: not UTF-8 text", path);
        return NULL;
    }
    return g_steal_pointer(&text);
}

gboolean
viommu_file_replace(const char *path, const char *text, gssize length, GError **error)
{
    g_return_val_if_fail(path, FALSE);
    g_return_val_if_fail(text || length == 0, FALSE);
    g_return_val_if_fail(!error || !*error, FALSE);

    return base_file_replace(path, text, length < 0 ? strlen(text) : (gsize)length, error);
}
