/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names from udev's hardware database (hwdb(7)), which distributions fill from pci.ids and admins
 * add to. It is not part of libviommu: whoever only checks a domain must not load libudev for it.
 */
#pragma once

#include <viommu/viommu-types.h>

typedef struct Names Names;

/* (transfer full): never NULL; where there is no database it knows no names */
Names *names_new(void);
void names_free(Names *names);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Names, names_free)
/* A ViommuNameFunc; @names is a Names. What it returns has no control characters. */
const char *names_find(ViommuNameKind kind, guint vendor, guint device, guint class_code,
                       gpointer names);
