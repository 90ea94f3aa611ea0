/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups and functions of a host: what each can have in a guest, and the next step. */
#include "write-host.h"

#include "host-advice.h"

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

static const char *
class_word(const HostDevice *device)
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

static char *
describe(const HostDevice *device)
{
    const char *vf = device->physfn.text ? " VF" : "";

    if (!base_u64_is_known(device->vendor) || !base_u64_is_known(device->device))
        return g_strdup_printf("%s%s", class_word(device), vf);
    return g_strdup_printf("%s%s %04x:%04x", class_word(device), vf, (guint)device->vendor.value,
                           (guint)device->device.value);
}

static char *
ability_word(const HostAdvice *advice, const WriteStyle *style)
{
    g_autofree char *nested = NULL;

    switch (advice->ability) {
    case HOST_ABILITY_NESTED:
        if (advice->pasid_bits > 0)
            nested = g_strdup_printf("nested, %u bit", advice->pasid_bits);
        return write_colored(nested ? nested : "nested", WRITE_GREEN, style);
    case HOST_ABILITY_SHADOW:
        return write_colored(advice->maybe_nested ? "shadow, nested?" : "shadow", WRITE_GREEN,
                             style);
    case HOST_ABILITY_PLAIN:
        return write_colored("dma only", WRITE_YELLOW, style);
    case HOST_ABILITY_NONE:
        return write_colored("-", WRITE_RED, style);
    case HOST_ABILITY_UNKNOWN:
        break;
    }
    return write_colored("?", WRITE_YELLOW, style);
}

/* Bridges, and what the chipset keeps for itself: nobody assigns it. */
static gboolean
is_furniture(const HostDevice *device)
{
    guint64 base = base_bits(device->class.value, 23, 16);
    gboolean unbound = device->driver.state == BASE_STATE_ABSENT;

    if (!base_u64_is_known(device->class))
        return FALSE;
    if (base == 0x06)
        return !device->driver.text || host_driver_leaves_dma(device->driver.text);
    return unbound && (base == 0x05 || base == 0x08 || base == 0x11);
}

typedef struct {
    const ViommuHost *host;
    const WriteStyle *style;
    WriteTable *table;
    GPtrArray *steps; /* of char *, "0000:01:00.0  bind to vfio-pci" */
    guint hidden;
} Rows;

static void
add_row(Rows *rows, const HostDevice *device, const char *group)
{
    g_auto(HostAdvice) advice = {0};
    g_autofree char *address = base_pci_format(device->address);
    g_autofree char *what = describe(device);
    g_autofree char *node = NULL;
    g_autofree char *ability = NULL;
    const char *driver = device->driver.text;
    const char *step;

    host_advise(rows->host, device, &advice);
    step = advice.next_step;
    if (!step && advice.scope != HOST_SCOPE_IOMMU)
        step = advice.reason;
    ability = ability_word(&advice, rows->style);
    if (base_u64_is_known(device->numa_node))
        node = g_strdup_printf("%u", (guint)device->numa_node.value);
    if (!driver)
        driver = device->driver.state == BASE_STATE_ABSENT ? "-" : "?";
    write_table_add(rows->table, (const char *const[]){group, address, what, driver,
                                                       node ? node : "-", ability, step});
    if (step)
        g_ptr_array_add(rows->steps, g_strdup_printf("%s: %s", address, step));
}

static void
add_group(Rows *rows, const HostGroup *group)
{
    g_autofree char *id = g_strdup_printf("%u", group->id);
    gboolean first = TRUE;

    for (guint i = 0; i < group->devices->len; i++) {
        const HostDevice *device =
            host_facts_device(rows->host, g_array_index(group->devices, BasePci, i));

        if (!device)
            continue;
        if (!rows->style->verbose && is_furniture(device)) {
            rows->hidden++;
            continue;
        }
        add_row(rows, device, first ? id : "");
        first = FALSE;
    }
}

/* Functions of which no group is known come last. */
static void
add_rest(Rows *rows)
{
    for (guint i = 0; i < rows->host->devices->len; i++) {
        const HostDevice *device = rows->host->devices->pdata[i];

        if (base_u64_is_known(device->group) &&
            host_facts_group(rows->host, (guint)device->group.value))
            continue;
        if (!rows->style->verbose && is_furniture(device))
            rows->hidden++;
        else
            add_row(rows, device, "-");
    }
}

void
write_host_groups(const ViommuHost *host, const WriteStyle *style, GString *out)
{
    static const char *const heads[] = {"GROUP", "DEVICE", "WHAT",      "DRIVER",
                                        "NUMA",  "CAN DO", "NEXT STEP", NULL};
    g_autoptr(WriteTable) table = write_table_new(heads);
    g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func(g_free);
    Rows rows = {host, style, table, steps, 0};

    if (host->devices_state != BASE_STATE_KNOWN)
        return;
    for (guint i = 0; i < host->groups->len; i++)
        add_group(&rows, host->groups->pdata[i]);
    add_rest(&rows);
    g_string_append_c(out, '\n');
    write_table_print(table, style, out);
    if (write_table_fits(table, style) < g_strv_length((char **)heads)) {
        for (guint i = 0; i < steps->len; i++)
            write_labelled(style, out, "  next step:", 13, "%s", (char *)steps->pdata[i]);
    }
    if (rows.hidden > 0 && !style->quiet)
        g_string_append_printf(out, "%u %s not shown (-v)\n", rows.hidden,
                               rows.hidden == 1 ? "bridge or chipset function"
                                                : "bridges and chipset functions");
}
