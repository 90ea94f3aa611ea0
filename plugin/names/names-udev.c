/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "names.h"

#include <libudev.h>
#include <string.h>

struct Names {
    struct udev *udev;
    struct udev_hwdb *hwdb; /* NULL: no database */
    GHashTable *known;      /* char *modalias -> Entry: a host has many functions of few kinds */
};

typedef struct {
    char *names[VIOMMU_NAME_CLASS + 1]; /* NULL: the database has none */
} Entry;

static void
entry_free(gpointer data)
{
    Entry *entry = data;

    for (guint i = 0; i < G_N_ELEMENTS(entry->names); i++)
        g_free(entry->names[i]);
    g_free(entry);
}

Names *
names_new(void)
{
    Names *names = g_new0(Names, 1);

    names->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_free);
    names->udev = udev_new();
    if (names->udev)
        names->hwdb = udev_hwdb_new(names->udev);
    return names;
}

void
names_free(Names *names)
{
    if (!names)
        return;
    g_hash_table_unref(names->known);
    if (names->hwdb)
        udev_hwdb_unref(names->hwdb);
    if (names->udev)
        udev_unref(names->udev);
    g_free(names);
}

/* An admin's own entry may hold anything, and terminals obey some of it. */
static gboolean
is_fit_to_show(const char *text)
{
    if (!*text || !g_utf8_validate(text, -1, NULL))
        return FALSE;
    for (const char *c = text; *c; c = g_utf8_next_char(c)) {
        if (g_unichar_iscntrl(g_utf8_get_char(c)))
            return FALSE;
    }
    return TRUE;
}

static void
take(Entry *entry, ViommuNameKind kind, const char *value)
{
    if (!value || !is_fit_to_show(value))
        return;
    g_free(entry->names[kind]);
    entry->names[kind] = g_strdup(value);
}

/* The properties that udev would give such a device (systemd hwdb.d/20-pci-vendor-model.hwdb and
 * 20-pci-classes.hwdb); the class is the subclass's name where that has one. */
static Entry *
look_up(Names *names, const char *modalias)
{
    Entry *entry = g_new0(Entry, 1);
    struct udev_list_entry *list =
        names->hwdb ? udev_hwdb_get_properties_list_entry(names->hwdb, modalias, 0) : NULL;
    struct udev_list_entry *property;

    property = udev_list_entry_get_by_name(list, "ID_VENDOR_FROM_DATABASE");
    take(entry, VIOMMU_NAME_VENDOR, udev_list_entry_get_value(property));
    property = udev_list_entry_get_by_name(list, "ID_MODEL_FROM_DATABASE");
    take(entry, VIOMMU_NAME_DEVICE, udev_list_entry_get_value(property));
    property = udev_list_entry_get_by_name(list, "ID_PCI_CLASS_FROM_DATABASE");
    take(entry, VIOMMU_NAME_CLASS, udev_list_entry_get_value(property));
    property = udev_list_entry_get_by_name(list, "ID_PCI_SUBCLASS_FROM_DATABASE");
    take(entry, VIOMMU_NAME_CLASS, udev_list_entry_get_value(property));
    return entry;
}

const char *
names_find(ViommuNameKind kind, guint vendor, guint device, guint class_code, gpointer data)
{
    Names *names = data;
    /* as the kernel spells it (Linux drivers/pci/pci-sysfs.c modalias_show()); the names of boards
     * are not asked for */
    g_autofree char *modalias =
        g_strdup_printf("pci:v%08Xd%08Xsv00000000sd00000000bc%02Xsc%02Xi%02X", vendor, device,
                        class_code >> 16 & 0xff, class_code >> 8 & 0xff, class_code & 0xff);
    Entry *entry = g_hash_table_lookup(names->known, modalias);

    if (!entry) {
        entry = look_up(names, modalias);
        g_hash_table_insert(names->known, g_steal_pointer(&modalias), entry);
    }
    return entry->names[kind];
}
