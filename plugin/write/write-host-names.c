/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a function is called: by the names that the caller knows, else by class and ids. */
#include "write-host.h"

#include <string.h>

typedef struct {
    guint16 class;
    const char *word;
} ClassWord;

/* include/linux/pci_ids.h; a base class alone (low byte 0xff) stands for all below it */
static const ClassWord class_words[] = {
    {0x0106, "SATA"},       {0x0107, "SAS"},         {0x0108, "NVMe"},
    {0x01ff, "storage"},    {0x0207, "InfiniBand"},  {0x02ff, "network"},
    {0x03ff, "GPU"},        {0x0403, "audio"},       {0x04ff, "multimedia"},
    {0x05ff, "memory"},     {0x0600, "host bridge"}, {0x0601, "ISA bridge"},
    {0x0604, "PCI bridge"}, {0x06ff, "bridge"},      {0x07ff, "communication"},
    {0x0880, "system"},     {0x08ff, "system"},      {0x0b40, "co-processor"},
    {0x0c03, "USB"},        {0x0c04, "FC"},          {0x0c05, "SMBus"},
    {0x0cff, "bus"},        {0x0dff, "wireless"},    {0x10ff, "crypto"},
    {0x11ff, "signal"},     {0x12ff, "accelerator"},
};

const char *
write_class_word(const HostDevice *device)
{
    guint64 class = base_bits(device->class.value, 23, 8);

    if (!base_u64_is_known(device->class))
        return "?";
    for (guint i = 0; i < G_N_ELEMENTS(class_words); i++) {
        guint word = class_words[i].class;

        if (word == class || ((word & 0xff) == 0xff && word >> 8 == class >> 8))
            return class_words[i].word;
    }
    return "device";
}

const char *
write_name_of(const WriteHostView *view, const HostDevice *device, ViommuNameKind kind)
{
    const char *name;

    if (!view->name ||
        !base_u64_is_known(kind == VIOMMU_NAME_CLASS ? device->class : device->vendor) ||
        (kind == VIOMMU_NAME_DEVICE && !base_u64_is_known(device->device)))
        return NULL;
    name = view->name(kind, (guint)device->vendor.value, (guint)device->device.value,
                      (guint)device->class.value, view->name_data);
    return name && *name ? name : NULL;
}

/* The text in the brackets at the end of "Advanced Micro Devices, Inc. [AMD]"; NULL: none */
static char *
in_brackets(const char *name)
{
    const char *open = strrchr(name, '[');

    if (!open || !g_str_has_suffix(open, "]") || open[1] == ']')
        return NULL;
    return g_strndup(open + 1, strlen(open) - 2);
}

static gboolean
says_nothing(const char *word)
{
    static const char *const words[] = {
        "AG",          "Co",           "Co.",        "Company",    "Corp", "Corp.",
        "Corporation", "Electronics",  "Inc",        "Inc.",       "LLC",  "Limited",
        "Ltd",         "Ltd.",         "GmbH",       "Group",      "S.A.", "Semiconductor",
        "Systems",     "Technologies", "Technology", "Technology,"};

    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        if (strcmp(word, words[i]) == 0)
            return TRUE;
    }
    return FALSE;
}

/* "Samsung Electronics Co Ltd" is Samsung. (transfer full) */
static char *
short_vendor(const char *name)
{
    char *brackets = in_brackets(name);
    g_auto(GStrv) words = NULL;

    if (brackets)
        return brackets;
    words = g_strsplit(name, " ", -1);
    for (guint i = g_strv_length(words); i-- > 1 && says_nothing(words[i]);)
        g_clear_pointer(&words[i], g_free);
    for (guint i = 0; words[i]; i++) {
        if (!words[i + 1])
            g_strchomp(g_strdelimit(words[i], ",", ' '));
    }
    return g_strjoinv(" ", words);
}

/* "Ethernet Controller E810-C for QSFP": every network card is one, and the tail tells it apart. */
static const char *
without_class(const char *name)
{
    static const char *const heads[] = {"Ethernet Controller ", "Ethernet "};

    for (guint i = 0; i < G_N_ELEMENTS(heads); i++) {
        if (g_str_has_prefix(name, heads[i]))
            return name + strlen(heads[i]);
    }
    return name;
}

/* In the names of displays, network and accelerator functions the brackets hold what people bought:
 * "MT2910 Family [ConnectX-7]". (transfer full) */
static char *
short_device(const char *name, const HostDevice *device)
{
    guint64 base = base_bits(device->class.value, 23, 16);
    char *brackets = base == 0x02 || base == 0x03 || base == 0x12 ? in_brackets(name) : NULL;

    return brackets ? brackets : g_strdup(base == 0x02 ? without_class(name) : name);
}

char *
write_device_name(const WriteHostView *view, const HostDevice *device)
{
    const char *vendor = write_name_of(view, device, VIOMMU_NAME_VENDOR);
    const char *model = write_name_of(view, device, VIOMMU_NAME_DEVICE);
    const char *vf =
        device->physfn.text && !(model && strstr(model, "Virtual Function")) ? " VF" : "";
    g_autofree char *maker = vendor ? short_vendor(vendor) : NULL;
    g_autofree char *what = model ? short_device(model, device) : NULL;

    if (maker && what)
        return g_strdup_printf("%s %s%s", maker, what, vf);
    what = g_strdup_printf("%s%s%s%s", maker ? maker : "", maker ? " " : "",
                           write_class_word(device), vf);
    if (!base_u64_is_known(device->vendor) || !base_u64_is_known(device->device))
        return g_steal_pointer(&what);
    return g_strdup_printf("%s %04x:%04x", what, (guint)device->vendor.value,
                           (guint)device->device.value);
}
