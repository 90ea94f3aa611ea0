/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "random.h"

#include <string.h>

#include "base-pci.h"

#define DEVICES 4

typedef struct {
    GRand *random;
    GString *out;
    BaseJson *host;
    gboolean arm;
    GPtrArray *addresses; /* of the assigned functions, borrowed */
    GArray *ports;        /* guint: indexes of free root ports */
    guint slot_bus;       /* where functions share a slot; 0: nowhere now */
    guint slot_function;  /* the last of them */
    GArray *expanders;    /* guint */
} Draft;

static const char *const on_off[] = {"on", "off", NULL};

static void
put(Draft *draft, const char *text)
{
    g_string_append(draft->out, text);
}

static void
attribute(Draft *draft, const char *name, guint percent, const char *const *values)
{
    if (random_chance(draft->random, percent))
        g_string_append_printf(draft->out, " %s='%s'", name, random_word(draft->random, values));
}

static guint
number(Draft *draft, guint first, guint last)
{
    return (guint)g_rand_int_range(draft->random, (gint)first, (gint)last + 1);
}

static gboolean
chance(Draft *draft, guint percent)
{
    return random_chance(draft->random, percent);
}

static const char *
string_member(BaseJson *object, const char *key)
{
    BaseJson *value = NULL;

    json_object_object_get_ex(object, key, &value);
    return value ? json_object_get_string(value) : NULL;
}

/* --- which devices --- */

/* The other functions of its slot on the host */
static void
pick_companions(Draft *draft, BaseJson *devices, const char *address)
{
    gsize slot = strlen(address) - 1;

    for (gsize i = 0; i < json_object_array_length(devices); i++) {
        char *other = (char *)string_member(json_object_array_get_idx(devices, i), "address");

        if (other && strncmp(other, address, slot) == 0 && strcmp(other, address) != 0 &&
            !g_ptr_array_find_with_equal_func(draft->addresses, other, g_str_equal, NULL))
            g_ptr_array_add(draft->addresses, other);
    }
}

static void
pick_devices(Draft *draft)
{
    BaseJson *devices = NULL;
    guint wanted = number(draft, chance(draft, 90), DEVICES);
    gsize length;

    json_object_object_get_ex(draft->host, "devices", &devices);
    length = devices ? json_object_array_length(devices) : 0;
    for (guint tries = 0; length > 0 && tries < 20 && draft->addresses->len < wanted; tries++) {
        BaseJson *device =
            json_object_array_get_idx(devices, (gsize)number(draft, 0, (guint)length - 1));
        const char *class = string_member(device, "class");
        const char *driver = string_member(device, "driver");
        gboolean bridge = class && g_str_has_prefix(class, "0x06");
        char *address = (char *)string_member(device, "address");

        if (!address || (bridge && !chance(draft, 3)) ||
            (g_strcmp0(driver, "vfio-pci") != 0 && !chance(draft, 20)) ||
            g_ptr_array_find_with_equal_func(draft->addresses, address, g_str_equal, NULL))
            continue;
        g_ptr_array_add(draft->addresses, address);
        if (chance(draft, 30))
            pick_companions(draft, devices, address);
    }
}

/* --- above <devices> --- */

static void
put_intent(Draft *draft)
{
    static const char *const usages[] = {"dma",         "dma",         "dma",         "guest-iommu",
                                         "guest-iommu", "guest-iommu", "guest-iommu", "guest-iommu",
                                         "pasid",       "sva",         NULL};

    if (chance(draft, 15))
        return;
    put(draft, "  <metadata>\n    <v:intent xmlns:v='urn:virt-viommu:domain:1'>\n");
    for (guint i = 0; i < draft->addresses->len; i++) {
        if (!chance(draft, 80))
            continue;
        g_string_append_printf(draft->out, "      <v:device alias='ua-dev%u' usage='%s'", i,
                               random_word(draft->random, usages));
        if (chance(draft, 15))
            g_string_append_printf(draft->out, " pasidBits='%u'", number(draft, 1, 20));
        put(draft, "/>\n");
    }
    if (chance(draft, 40))
        g_string_append_printf(draft->out, "      <v:hotplug ports='%u'/>\n", number(draft, 0, 3));
    put(draft, "    </v:intent>\n    <other xmlns='urn:somebody:else'/>\n  </metadata>\n");
}

static void
put_memory(Draft *draft)
{
    static const guint gib[] = {1, 4, 8, 96, 509, 600, 2048};
    guint memory = gib[chance(draft, 70) ? number(draft, 0, 3) : number(draft, 0, 6)];

    if (chance(draft, 12))
        g_string_append_printf(draft->out, "  <maxMemory slots='%u' unit='GiB'>%u</maxMemory>\n",
                               number(draft, 1, 16), memory * number(draft, 1, 4));
    g_string_append_printf(draft->out, "  <memory unit='GiB'>%u</memory>\n", memory);
    if (chance(draft, 10))
        g_string_append_printf(
            draft->out, "  <memtune>\n    <hard_limit unit='GiB'>%u</hard_limit>\n  </memtune>\n",
            number(draft, 1, 2 * memory));
    if (chance(draft, 10))
        put(draft, "  <memoryBacking>\n    <hugepages/>\n    <locked/>\n  </memoryBacking>\n");
}

static void
put_top(Draft *draft)
{
    static const guint vcpus[] = {1, 2, 4, 64, 255, 256, 300};
    gboolean cells = chance(draft, 15);

    put_intent(draft);
    put_memory(draft);
    g_string_append_printf(draft->out, "  <vcpu placement='static'>%u</vcpu>\n",
                           cells ? 4 : vcpus[number(draft, 0, chance(draft, 80) ? 3 : 6)]);
    if (cells)
        put(draft, "  <numatune>\n    <memnode cellid='0' mode='strict' nodeset='1'/>\n"
                   "    <memnode cellid='1' mode='strict' nodeset='0,2-3'/>\n  </numatune>\n");
    if (chance(draft, 5))
        put(draft, "  <iommufd enabled='yes'/>\n");
}

static void
put_machine(Draft *draft)
{
    static const char *const arm[] = {"virt", "virt", "virt", "virt-11.1", "virt-9.0", NULL};
    static const char *const x86[] = {"q35",        "pc-q35-11.1", "pc-q35-11.1",
                                      "pc-q35-8.2", "pc-q35-7.2",  NULL};
    static const char *const chips[] = {"qemu", "kvm", NULL};
    gboolean efi = chance(draft, draft->arm ? 90 : 30);

    g_string_append_printf(draft->out, "  <os%s>\n    <type arch='%s' machine='%s'>hvm</type>\n",
                           efi ? " firmware='efi'" : "", draft->arm ? "aarch64" : "x86_64",
                           chance(draft, 2) && !draft->arm
                               ? "pc"
                               : random_word(draft->random, draft->arm ? arm : x86));
    put(draft, "  </os>\n");
    if (chance(draft, 92)) {
        put(draft, "  <features>\n");
        put(draft, chance(draft, 93) ? "    <acpi/>\n" : "");
        if (!draft->arm && chance(draft, 20))
            g_string_append_printf(draft->out, "    <ioapic driver='%s'/>\n",
                                   random_word(draft->random, chips));
        put(draft, "  </features>\n");
    }
    if (strstr(draft->out->str, "<numatune>"))
        put(draft,
            "  <cpu mode='host-passthrough'>\n    <numa>\n"
            "      <cell id='0' cpus='0-1' memory='4' unit='GiB'/>\n"
            "      <cell id='1' cpus='2-3' memory='4' unit='GiB'/>\n    </numa>\n  </cpu>\n");
}

/* --- <devices> --- */

static void
put_place(Draft *draft, guint bus, guint slot, guint function)
{
    g_string_append_printf(draft->out,
                           "      <address type='pci' domain='0x0000' bus='0x%02x' slot='0x%02x' "
                           "function='0x%x'%s/>\n",
                           bus, slot, function,
                           function == 0 && slot > 0 && chance(draft, 30) ? " multifunction='on'"
                                                                          : "");
}

static void
put_port(Draft *draft, guint index, guint bus, guint slot, gboolean placed)
{
    g_string_append_printf(draft->out,
                           "    <controller type='pci' index='%u' model='pcie-root-port'>\n"
                           "      <model name='%s'/>\n",
                           index, chance(draft, 90) ? "pcie-root-port" : "ioh3420");
    if (chance(draft, 60))
        g_string_append_printf(draft->out, "      <target chassis='%u' port='0x%x'%s/>\n", index,
                               0xf + index, chance(draft, 5) ? " hotplug='off'" : "");
    if (placed)
        put_place(draft, bus, slot, 0);
    put(draft, "    </controller>\n");
    g_array_append_val(draft->ports, index);
}

static void
put_expander(Draft *draft, guint index, guint bus_nr)
{
    g_string_append_printf(draft->out,
                           "    <controller type='pci' index='%u' model='pcie-expander-bus'>\n"
                           "      <model name='pxb-pcie'/>\n",
                           index);
    if (strstr(draft->out->str, "<numatune>") && chance(draft, 60))
        g_string_append_printf(draft->out,
                               "      <target busNr='%u'>\n        <node>%u</node>\n"
                               "      </target>\n",
                               bus_nr, number(draft, 0, 1));
    else if (chance(draft, 80))
        g_string_append_printf(draft->out, "      <target busNr='%u'/>\n", bus_nr);
    put_place(draft, 0, index + 6, 0);
    put(draft, "    </controller>\n");
    g_array_append_val(draft->expanders, index);
}

static void
put_controllers(Draft *draft)
{
    gboolean placed = chance(draft, 70);
    guint last = number(draft, 1, 9), expander = 0;

    if (chance(draft, 40))
        return;
    put(draft, "    <controller type='pci' index='0' model='pcie-root'/>\n");
    for (guint index = 1; index <= last; index++) {
        if (chance(draft, 12) && placed) {
            put_expander(draft, index, 60 + 40 * draft->expanders->len);
            expander = index;
        } else if (chance(draft, 5)) {
            g_string_append_printf(
                draft->out, "    <controller type='pci' index='%u' model='pcie-to-pci-bridge'/>\n",
                index);
        } else {
            put_port(draft, index, expander, index + (expander ? 0 : 2), placed);
        }
    }
}

static void
put_written_place(Draft *draft, guint percent)
{
    guint taken;

    if (!chance(draft, percent) || draft->ports->len == 0)
        return;
    taken = number(draft, 0, draft->ports->len - 1);
    put_place(draft, g_array_index(draft->ports, guint, taken), chance(draft, 4), 0);
    if (!chance(draft, 4)) /* else two share one port */
        g_array_remove_index(draft->ports, taken);
}

/* The next function of a slot that several share, or the first of one */
static gboolean
put_shared_place(Draft *draft, guint percent)
{
    guint taken;

    if (draft->slot_bus && draft->slot_function < 7 && chance(draft, 70)) {
        draft->slot_function += chance(draft, 90) ? 1 : 0;
        put_place(draft, draft->slot_bus, 0, draft->slot_function);
        return TRUE;
    }
    draft->slot_bus = 0;
    if (!chance(draft, percent) || draft->ports->len == 0)
        return FALSE;
    taken = number(draft, 0, draft->ports->len - 1);
    draft->slot_bus = g_array_index(draft->ports, guint, taken);
    draft->slot_function = 0;
    g_array_remove_index(draft->ports, taken);
    g_string_append_printf(draft->out,
                           "      <address type='pci' domain='0x0000' bus='0x%02x' slot='0x00' "
                           "function='0x0' multifunction='on'/>\n",
                           draft->slot_bus);
    return TRUE;
}

static void
put_emulated(Draft *draft)
{
    static const char *const kinds[][2] = {
        {"<interface type='user'>\n      <model type='virtio'/>\n", "</interface>"},
        {"<disk type='file' device='disk'>\n      <source file='/x'/>\n"
         "      <target dev='vda' bus='virtio'/>\n",
         "</disk>"},
        {"<controller type='usb' index='0' model='qemu-xhci'>\n", "</controller>"},
        {"<controller type='scsi' index='0' model='virtio-scsi'>\n", "</controller>"},
        {"<rng model='virtio'>\n      <backend model='random'>/dev/urandom</backend>\n", "</rng>"},
        {"<video>\n      <model type='virtio'/>\n", "</video>"},
        {"<memballoon model='virtio'>\n", "</memballoon>"},
        {"<interface type='user'>\n      <model type='e1000e'/>\n", "</interface>"},
        {"<interface type='user'>\n      <model type='e1000'/>\n", "</interface>"},
        {"<sound model='ich6'>\n", "</sound>"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        /* conventional ones are rarer */
        if (!chance(draft, i < 8 ? 25 : 4))
            continue;
        g_string_append_printf(draft->out, "    %s", kinds[i][0]);
        if (i < 8)
            put_written_place(draft, 40);
        g_string_append_printf(draft->out, "    %s\n", kinds[i][1]);
    }
    if (chance(draft, 5))
        put(draft, "    <!-- a > b, \"kept\" -->\n");
}

static void
put_hostdev(Draft *draft, guint index)
{
    static const char *const nodesets[] = {"0", "1", "0-1", "1", NULL};
    const char *text = draft->addresses->pdata[index];
    gboolean emulated = FALSE;
    BasePci pci = {0};

    if (!base_pci_parse(text, &pci))
        return;
    g_string_append_printf(draft->out, "    <hostdev mode='subsystem' type='pci' managed='%s'>\n",
                           chance(draft, 80) ? "yes" : "no");
    if (chance(draft, 20))
        g_string_append_printf(draft->out, "      <driver name='vfio' iommufd='%s'/>\n",
                               chance(draft, 80) ? "yes" : "no");
    g_string_append_printf(draft->out,
                           "      <source>\n        <address domain='0x%04x' bus='0x%02x' "
                           "slot='0x%02x' function='0x%x'/>\n      </source>\n"
                           "      <alias name='ua-dev%u'/>\n",
                           pci.domain, pci.bus, pci.slot, pci.function, index);
    if (!put_shared_place(draft, 25)) {
        put_written_place(draft, 45);
    } else if (draft->slot_function < 7 && chance(draft, 5)) {
        emulated = TRUE;
    }
    if (strstr(draft->out->str, "<numatune>") && chance(draft, 30))
        g_string_append_printf(draft->out, "      <acpi nodeset='%s'/>\n",
                               random_word(draft->random, nodesets));
    put(draft, "    </hostdev>\n");
    if (emulated) {
        put(draft, "    <interface type='user'>\n      <model type='e1000e'/>\n");
        put_place(draft, draft->slot_bus, 0, ++draft->slot_function);
        put(draft, "    </interface>\n");
    }
}

static void
put_smmu(Draft *draft)
{
    static const char *const oas[] = {"44", "48", "40", NULL};
    static const char *const ssidsize[] = {"0", "8", "16", "20", "24", NULL};

    put(draft, "    <iommu model='smmuv3'>\n      <driver");
    if (draft->expanders->len > 0 && chance(draft, 90))
        g_string_append_printf(
            draft->out, " pciBus='%u'",
            g_array_index(draft->expanders, guint, number(draft, 0, draft->expanders->len - 1)));
    attribute(draft, "accel", 85, on_off);
    attribute(draft, "ats", 40, on_off);
    attribute(draft, "ril", 40, on_off);
    attribute(draft, "ssidsize", 40, ssidsize);
    attribute(draft, "oas", 40, oas);
    attribute(draft, "cmdqv", 30, on_off);
    put(draft, "/>\n    </iommu>\n");
}

static void
put_x86_viommu(Draft *draft)
{
    static const char *const widths[] = {"39", "48", "57", NULL};

    put(draft, "    <iommu model='intel'>\n      <driver");
    attribute(draft, "intremap", 60, on_off);
    attribute(draft, "caching_mode", 60, on_off);
    attribute(draft, "eim", 20, on_off);
    attribute(draft, "iotlb", 30, on_off);
    attribute(draft, "aw_bits", 40, widths);
    attribute(draft, "dma_translation", 10, on_off);
    put(draft, "/>\n    </iommu>\n");
}

static void
put_viommus(Draft *draft)
{
    static const char *const widths[] = {"39", "47", "48", "64", NULL};

    if (!chance(draft, 35))
        return;
    if (chance(draft, 20)) {
        put(draft, "    <iommu model='virtio'>\n      <driver");
        attribute(draft, "aw_bits", 50, widths);
        put(draft, "/>\n    </iommu>\n");
    } else if (draft->arm) {
        for (gint i = 0; i <= chance(draft, 30); i++)
            put_smmu(draft);
    } else if (chance(draft, 93)) {
        put_x86_viommu(draft);
    } else {
        put(draft, "    <iommu model='amd'/>\n");
    }
}

char *
random_domain(GRand *random, BaseJson *host)
{
    g_autoptr(GPtrArray) addresses = g_ptr_array_new();
    g_autoptr(GArray) ports = g_array_new(FALSE, FALSE, sizeof(guint));
    g_autoptr(GArray) expanders = g_array_new(FALSE, FALSE, sizeof(guint));
    const char *arch = string_member(host, "arch");
    Draft draft = {.random = random,
                   .out = g_string_new(NULL),
                   .host = host,
                   .addresses = addresses,
                   .ports = ports,
                   .expanders = expanders};

    draft.arm = arch ? g_str_equal(arch, "aarch64") : random_chance(random, 50);
    pick_devices(&draft);
    g_string_append_printf(draft.out, "<domain type='%s'>\n  <name>vm</name>\n",
                           random_chance(random, 97) ? "kvm" : "qemu");
    put_top(&draft);
    put_machine(&draft);
    put(&draft, "  <devices>\n");
    put_controllers(&draft);
    put_emulated(&draft);
    for (guint i = 0; i < addresses->len; i++)
        put_hostdev(&draft, i);
    put_viommus(&draft);
    put(&draft, "  </devices>\n</domain>\n");
    return g_string_free(draft.out, FALSE);
}

char *
random_policy(GRand *random)
{
    static const char *const orders[] = {"\"nested\", \"shadow\", \"none\"",
                                         "\"nested\", \"shadow\", \"none\"",
                                         "\"shadow\", \"none\"",
                                         "\"nested\", \"shadow\"",
                                         "\"irq\", \"shadow\"",
                                         "\"irq\"",
                                         "\"nested\"",
                                         "\"none\"",
                                         "\"shadow\", \"nested\", \"irq\", \"none\"",
                                         NULL};
    static const char *const bars[] = {"",
                                       "",
                                       "",
                                       ", \"spare_bars\": {\"prefetchable\": \"32GiB\"}",
                                       ", \"spare_bars\": {\"other\": \"64MiB\"}",
                                       ", \"spare_bars\": {\"prefetchable\": \"200GiB\", "
                                       "\"other\": \"1MiB\"}",
                                       NULL};
    /* what no plan may bring about then */
    static const char *const rules[] = {
        "", "", "\"memlock-per-user\": {\"severity\": \"error\", \"reason\": \"one user\"}",
        "\"bus-guest-group-shared\": {\"severity\": \"error\", \"reason\": \"tenants\"}", NULL};
    static const char *const usages[] = {"dma",         "dma",   "dma", "guest-iommu",
                                         "guest-iommu", "pasid", NULL};

    return g_strdup_printf(
        "{\"policy\": 1, \"name\": \"random\", \"modes\": [%s], \"usage\": \"%s\", "
        "\"migration\": \"%s\", \"hotplug\": {\"spare_ports\": %d, \"boot_pinning\": \"%s\"%s}, "
        "\"quota\": {\"domain\": {\"pasid_bits\": %s}}, \"rules\": {%s}}",
        random_word(random, orders), random_word(random, usages),
        random_chance(random, 8) ? "needed" : "not-needed", g_rand_int_range(random, 0, 4),
        random_chance(random, 20) ? "avoid" : "accept", random_word(random, bars),
        random_chance(random, 20) ? "12" : "null", random_word(random, rules));
}
