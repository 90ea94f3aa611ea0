/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-fields.h"

#include "base-text.h"

#include <string.h>

#define TRI(type, member, key)                                                                     \
    {                                                                                              \
        key, HOST_FIELD_TRI, offsetof(type, member), 0, 0                                          \
    }
#define NUMBER(type, member, key, max)                                                             \
    {                                                                                              \
        key, HOST_FIELD_NUMBER, offsetof(type, member), max, 0                                     \
    }
#define HEX(type, member, key, max, digits)                                                        \
    {                                                                                              \
        key, HOST_FIELD_HEX, offsetof(type, member), max, digits                                   \
    }
#define OTHER(type, member, key, kind)                                                             \
    {                                                                                              \
        key, kind, offsetof(type, member), 0, 0                                                    \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, HOST_FIELD_TRI, 0, 0, 0                                                              \
    }

const HostField host_fields_root[] = {
    OTHER(ViommuHost, name, "name", HOST_FIELD_TEXT),
    OTHER(ViommuHost, arch, "arch", HOST_FIELD_TEXT),
    NUMBER(ViommuHost, page_size, "page_size", G_MAXUINT32),
    NUMBER(ViommuHost, memory, "memory", G_MAXINT64),
    END,
};

const HostField host_fields_kernel[] = {
    OTHER(ViommuHost, kernel_release, "release", HOST_FIELD_TEXT),
    OTHER(ViommuHost, kernel_cmdline, "cmdline", HOST_FIELD_TEXT),
    TRI(ViommuHost, vtd_scalable_default, "vtd_scalable_default"),
    END,
};

const HostField host_fields_versions[] = {
    OTHER(ViommuHost, libvirt, "libvirt", HOST_FIELD_VERSION),
    OTHER(ViommuHost, qemu, "qemu", HOST_FIELD_VERSION),
    END,
};

const HostField host_fields_vfio[] = {
    TRI(ViommuHost, vfio_container, "container"),
    TRI(ViommuHost, vfio_cdev, "cdev"),
    TRI(ViommuHost, iommufd, "iommufd"),
    NUMBER(ViommuHost, dma_entry_limit, "dma_entry_limit", G_MAXUINT32),
    TRI(ViommuHost, isolated_msi, "isolated_msi"),
    TRI(ViommuHost, unsafe_interrupts, "unsafe_interrupts"),
    TRI(ViommuHost, iommufd_unsafe_interrupts, "iommufd_unsafe_interrupts"),
    TRI(ViommuHost, noiommu, "noiommu"),
    TRI(ViommuHost, denylist_off, "denylist_off"),
    END,
};

const HostField host_fields_memlock[] = {
    OTHER(HostMemlock, soft, "soft", HOST_FIELD_LIMIT),
    OTHER(HostMemlock, hard, "hard", HOST_FIELD_LIMIT),
    TRI(HostMemlock, can_raise, "can_raise"),
    OTHER(HostMemlock, kind, "kind", HOST_FIELD_TEXT),
    OTHER(HostMemlock, unit, "unit", HOST_FIELD_LIMIT),
    OTHER(HostMemlock, unit_file, "unit_file", HOST_FIELD_TEXT),
    END,
};

const HostField host_fields_iommu[] = {
    HEX(HostIommu, cap, "cap", G_MAXUINT64, 1),
    HEX(HostIommu, ecap, "ecap", G_MAXUINT64, 1),
    HEX(HostIommu, efr, "efr", G_MAXUINT64, 1),
    HEX(HostIommu, efr2, "efr2", G_MAXUINT64, 1),
    HEX(HostIommu, iidr, "iidr", G_MAXUINT32, 1),
    HEX(HostIommu, aidr, "aidr", G_MAXUINT32, 1),
    TRI(HostIommu, nest_parent, "nest_parent"),
    TRI(HostIommu, dirty_tracking, "dirty_tracking"),
    TRI(HostIommu, viommu_alloc, "viommu_alloc"),
    TRI(HostIommu, canwbs, "canwbs"),
    NUMBER(HostIommu, aperture_bits, "aperture_bits", 64),
    NUMBER(HostIommu, domains_supported, "domains_supported", G_MAXUINT32),
    NUMBER(HostIommu, domains_used, "domains_used", G_MAXUINT32),
    END,
};

const HostField host_fields_group[] = {
    OTHER(HostGroup, type, "type", HOST_FIELD_TEXT),
    OTHER(HostGroup, name, "name", HOST_FIELD_TEXT),
    END,
};

const HostField host_fields_device[] = {
    HEX(HostDevice, vendor, "vendor", G_MAXUINT16, 4),
    HEX(HostDevice, device, "device", G_MAXUINT16, 4),
    HEX(HostDevice, class, "class", 0xffffff, 6),
    OTHER(HostDevice, iommu, "iommu", HOST_FIELD_TEXT),
    NUMBER(HostDevice, group, "group", G_MAXUINT32),
    OTHER(HostDevice, driver, "driver", HOST_FIELD_TEXT),
    TRI(HostDevice, vfio_variant, "vfio_variant"),
    OTHER(HostDevice, vfio_dev, "vfio_dev", HOST_FIELD_TEXT),
    NUMBER(HostDevice, numa_node, "numa_node", G_MAXINT32),
    OTHER(HostDevice, parent, "parent", HOST_FIELD_ADDRESS),
    OTHER(HostDevice, vmd, "vmd", HOST_FIELD_ADDRESS),
    OTHER(HostDevice, physfn, "physfn", HOST_FIELD_ADDRESS),
    NUMBER(HostDevice, sriov_totalvfs, "sriov_totalvfs", G_MAXUINT16),
    NUMBER(HostDevice, sriov_numvfs, "sriov_numvfs", G_MAXUINT16),
    OTHER(HostDevice, net, "net", HOST_FIELD_TEXT),
    TRI(HostDevice, net_up, "net_up"),
    OTHER(HostDevice, reset_method, "reset_method", HOST_FIELD_TEXT),
    NUMBER(HostDevice, max_pasid_log2, "max_pasid_log2", 32),
    HEX(HostDevice, hw_capabilities, "hw_capabilities", G_MAXUINT64, 1),
    END,
};

const HostField host_fields_mdev[] = {
    OTHER(HostMdevType, label, "name", HOST_FIELD_TEXT),
    OTHER(HostMdevType, api, "api", HOST_FIELD_TEXT),
    NUMBER(HostMdevType, available, "available", G_MAXUINT32),
    END,
};

const HostField host_fields_vdpa[] = {
    OTHER(HostVdpa, parent, "parent", HOST_FIELD_ADDRESS),
    OTHER(HostVdpa, driver, "driver", HOST_FIELD_TEXT),
    OTHER(HostVdpa, node, "node", HOST_FIELD_TEXT),
    END,
};

const HostField host_fields_hugepages[] = {
    NUMBER(HostEntry, numbers[HOST_HUGEPAGES_TOTAL], "total", G_MAXUINT32),
    NUMBER(HostEntry, numbers[HOST_HUGEPAGES_FREE], "free", G_MAXUINT32),
    END,
};

const HostField host_fields_pinned[] = {
    NUMBER(HostEntry, numbers[HOST_PINNED_PROCESSES], "processes", G_MAXUINT32),
    NUMBER(HostEntry, numbers[HOST_PINNED_LOCKED], "locked", G_MAXINT64),
    NUMBER(HostEntry, numbers[HOST_PINNED_PINNED], "pinned", G_MAXINT64),
    NUMBER(HostEntry, numbers[HOST_PINNED_BY_USER], "by_user", G_MAXINT64),
    END,
};

const HostField host_fields_option[] = {
    OTHER(HostEntry, text, "value", HOST_FIELD_TEXT),
    END,
};

const HostField host_fields_qemu_device[] = {
    OTHER(HostEntry, text, "properties", HOST_FIELD_WORDS),
    END,
};

const HostField host_fields_pcie[] = {
    TRI(HostPcie, ats, "ats"),
    TRI(HostPcie, ats_enabled, "ats_enabled"),
    TRI(HostPcie, pri, "pri"),
    TRI(HostPcie, pri_enabled, "pri_enabled"),
    NUMBER(HostPcie, pasid_bits, "pasid_bits", 20), /* PCIe r6 7.8.8.2: at most 20 */
    TRI(HostPcie, pasid_enabled, "pasid_enabled"),
    TRI(HostPcie, flr, "flr"),
    END,
};

gboolean
host_fields_string(const BasePlace *place, const char **ret, GError **error)
{
    const char *text = NULL;
    gboolean clean;

    if (!base_place_string(place, &text, error))
        return FALSE;
    clean = !text || g_utf8_validate(text, -1, NULL);
    for (const char *c = text; clean && c && *c; c = g_utf8_next_char(c))
        clean = !g_unichar_iscntrl(g_utf8_get_char(c));
    if (!clean) {
        base_place_error(place, error, "must not contain control characters");
        return FALSE;
    }
    if (text)
        *ret = text;
    return TRUE;
}

static gboolean
load_text(const BasePlace *place, BaseText *ret, GError **error)
{
    const char *text = NULL;

    if (place->value && !host_fields_string(place, &text, error))
        return FALSE;
    return base_place_text(place, ret, error);
}

static gboolean
load_address(const BasePlace *place, BaseText *ret, GError **error)
{
    BasePci ignored;

    if (!load_text(place, ret, error))
        return FALSE;
    if (!ret->text || base_pci_parse(ret->text, &ignored))
        return TRUE;
    base_place_error(place, error, "must be an address such as 0000:01:00.0");
    return FALSE;
}

/* An array of words without blanks. */
static gboolean
load_words(const BasePlace *place, BaseText *ret, GError **error)
{
    g_autoptr(GString) words = g_string_new(NULL);

    if (!place->present)
        return TRUE;
    if (!base_place_is_array(place, error))
        return FALSE;
    for (gsize i = 0; i < base_place_length(place); i++) {
        BasePlace element = base_place_element(place, i);
        const char *word = NULL;

        if (!host_fields_string(&element, &word, error))
            return FALSE;
        if (!word || !*word || strchr(word, ' ')) {
            base_place_error(&element, error, "must be a word");
            return FALSE;
        }
        g_string_append_printf(words, "%s%s", words->len ? " " : "", word);
    }
    *ret = (BaseText){BASE_STATE_KNOWN, g_string_free(g_steal_pointer(&words), FALSE)};
    return TRUE;
}

static gboolean
load_limit(const BasePlace *place, BaseU64 *ret, GError **error)
{
    const char *text = NULL;

    if (!json_object_is_type(place->value, json_type_string))
        return base_place_u64(place, G_MAXINT64, ret, error);
    if (!base_place_string(place, &text, error))
        return FALSE;
    if (strcmp(text, "unlimited") != 0) {
        base_place_error(place, error, "must be a number of bytes or \"unlimited\"");
        return FALSE;
    }
    *ret = base_u64(G_MAXUINT64);
    return TRUE;
}

static gboolean
load_version(const BasePlace *place, BaseU64 *ret, GError **error)
{
    const char *text = NULL;
    guint64 version;

    if (!place->present)
        return TRUE;
    if (!place->value) {
        *ret = base_u64_absent();
        return TRUE;
    }
    if (!base_place_string(place, &text, error))
        return FALSE;
    if (!base_parse_version(text, &version)) {
        base_place_error(place, error, "must be a version such as \"12.8.0\", not \"%s\"", text);
        return FALSE;
    }
    *ret = base_u64(version);
    return TRUE;
}

static gboolean
load_field(const BasePlace *place, const HostField *field, gpointer target, GError **error)
{
    switch (field->kind) {
    case HOST_FIELD_TRI:
        return base_place_tri(place, target, error);
    case HOST_FIELD_NUMBER:
        return base_place_u64(place, field->max, target, error);
    case HOST_FIELD_HEX:
        return base_place_hex(place, field->max, target, error);
    case HOST_FIELD_LIMIT:
        return load_limit(place, target, error);
    case HOST_FIELD_VERSION:
        return load_version(place, target, error);
    case HOST_FIELD_TEXT:
        return load_text(place, target, error);
    case HOST_FIELD_ADDRESS:
        return load_address(place, target, error);
    case HOST_FIELD_WORDS:
        return load_words(place, target, error);
    }
    g_assert_not_reached();
}

gboolean
host_fields_load(const BasePlace *object, const HostField *fields, gpointer target, GError **error)
{
    for (const HostField *field = fields; field->key; field++) {
        BasePlace place = base_place_member(object, field->key);

        if (!load_field(&place, field, (char *)target + field->offset, error))
            return FALSE;
    }
    return TRUE;
}

static void
save_hex(BaseJson *object, const HostField *field, BaseU64 number)
{
    g_autofree char *text = NULL;

    if (number.state != BASE_STATE_KNOWN) {
        base_json_add_hex(object, field->key, number);
        return;
    }
    text = g_strdup_printf("0x%0*" G_GINT64_MODIFIER "x", field->digits, number.value);
    base_json_add_string(object, field->key, text);
}

static void
save_version(BaseJson *object, const char *key, BaseU64 version)
{
    g_autofree char *text = NULL;

    if (version.state == BASE_STATE_KNOWN)
        text = base_format_version(version.value);
    if (version.state != BASE_STATE_UNKNOWN)
        json_object_object_add(object, key, text ? json_object_new_string(text) : NULL);
}

static void
save_words(BaseJson *object, const char *key, BaseText words)
{
    g_auto(GStrv) list = NULL;
    BaseJson *array = json_object_new_array();

    list = g_strsplit(words.text ? words.text : "", " ", -1);
    for (guint i = 0; list[i]; i++) {
        if (*list[i])
            json_object_array_add(array, json_object_new_string(list[i]));
    }
    json_object_object_add(object, key, array);
}

static void
save_field(BaseJson *object, const HostField *field, gconstpointer source)
{
    const BaseU64 *number = source;

    switch (field->kind) {
    case HOST_FIELD_TRI:
        base_json_add_tri(object, field->key, *(const BaseTri *)source);
        return;
    case HOST_FIELD_NUMBER:
        base_json_add_u64(object, field->key, *number);
        return;
    case HOST_FIELD_HEX:
        save_hex(object, field, *number);
        return;
    case HOST_FIELD_LIMIT:
        if (number->state == BASE_STATE_KNOWN && number->value == G_MAXUINT64)
            base_json_add_string(object, field->key, "unlimited");
        else
            base_json_add_u64(object, field->key, *number);
        return;
    case HOST_FIELD_VERSION:
        save_version(object, field->key, *number);
        return;
    case HOST_FIELD_WORDS:
        save_words(object, field->key, *(const BaseText *)source);
        return;
    case HOST_FIELD_TEXT:
    case HOST_FIELD_ADDRESS:
        base_json_add_text(object, field->key, *(const BaseText *)source);
        return;
    }
    g_assert_not_reached();
}

void
host_fields_save(BaseJson *object, const HostField *fields, gconstpointer source)
{
    for (const HostField *field = fields; field->key; field++)
        save_field(object, field, (const char *)source + field->offset);
}
