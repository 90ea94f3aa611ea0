/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups as the kernel makes them: topologies by hand, and every recorded host. */
#include "host-isolation.h"

#include <string.h>

#include "host-read.h"

#define ALL (HOST_ACS_SV | HOST_ACS_RR | HOST_ACS_CR | HOST_ACS_UF)

typedef struct {
    const char *address, *parent; /* NULL: a root bus */
    HostPcieType type;            /* HOST_PCIE_UNKNOWN: conventional */
    guint cap, ctrl;              /* of ACS; 0: none */
    const char *head;             /* that it is grouped with */
    const char *because;          /* part of the reason; NULL: none */
} Node;

static ViommuHost *
draw(const Node *nodes, guint count)
{
    ViommuHost *host = host_facts_new();

    for (guint i = 0; i < count; i++) {
        const Node *node = &nodes[i];
        BasePci address;
        HostDevice *device;

        g_assert_true(base_pci_parse(node->address, &address));
        device = host_facts_add_device(host, address);
        device->parent.state = node->parent ? BASE_STATE_KNOWN : BASE_STATE_ABSENT;
        device->parent.text = g_strdup(node->parent);
        device->physfn.state = BASE_STATE_ABSENT;
        device->pcie.state = node->type == HOST_PCIE_UNKNOWN ? BASE_STATE_ABSENT : BASE_STATE_KNOWN;
        device->pcie.type = node->type;
        device->pcie.extended = BASE_STATE_KNOWN;
        device->pcie.acs_state = node->cap ? BASE_STATE_KNOWN : BASE_STATE_ABSENT;
        device->pcie.acs_cap = node->cap;
        device->pcie.acs_ctrl = node->ctrl;
    }
    host_facts_sort(host);
    return host;
}

static void
check(const Node *nodes, guint count)
{
    g_autoptr(ViommuHost) host = draw(nodes, count);

    for (guint i = 0; i < count; i++) {
        g_auto(HostIsolation) isolation = {0};
        g_autofree char *head = NULL;
        BasePci address;

        g_assert_true(base_pci_parse(nodes[i].address, &address));
        g_assert_cmpint(host_isolate(host, host_facts_device(host, address), &isolation), ==,
                        BASE_YES);
        head = base_pci_format(isolation.head);
        g_test_message("%s: %s, %s", nodes[i].address, head, isolation.because);
        g_assert_cmpstr(head, ==, nodes[i].head ? nodes[i].head : nodes[i].address);
        if (nodes[i].because)
            g_assert_true(isolation.because && strstr(isolation.because, nodes[i].because));
        else
            g_assert_null(isolation.because);
    }
}

#define PORT "0000:00:1c.0"
#define CARD "0000:01:00.0"

/* A port isolates what is below it where it has all four flags that it can have. */
static void
test_port(void)
{
    static const Node with[] = {{PORT, NULL, HOST_PCIE_ROOT_PORT, ALL, ALL, NULL, NULL},
                                {CARD, PORT, HOST_PCIE_ENDPOINT, 0, 0, NULL, NULL}};
    static const Node without[] = {
        {PORT, NULL, HOST_PCIE_ROOT_PORT, 0, 0, NULL, NULL},
        {CARD, PORT, HOST_PCIE_ENDPOINT, 0, 0, PORT, "bridge 0000:00:1c.0 has no ACS"}};
    static const Node half[] = {
        {PORT, NULL, HOST_PCIE_ROOT_PORT, ALL, HOST_ACS_SV | HOST_ACS_UF, NULL, NULL},
        {CARD, PORT, HOST_PCIE_ENDPOINT, 0, 0, PORT, "has ACS without RR+CR"}};
    /* what it could not have is not asked for */
    static const Node fewer[] = {
        {PORT, NULL, HOST_PCIE_ROOT_PORT, HOST_ACS_SV, HOST_ACS_SV, NULL, NULL},
        {CARD, PORT, HOST_PCIE_ENDPOINT, 0, 0, NULL, NULL}};

    check(with, 2);
    check(without, 2);
    check(half, 2);
    check(fewer, 2);
}

/* Functions of a device reach each other, unless it has ACS; below a good port as well. */
static void
test_functions(void)
{
    static const Node nodes[] = {
        {PORT, NULL, HOST_PCIE_ROOT_PORT, ALL, ALL, NULL, NULL},
        {"0000:01:00.0", PORT, HOST_PCIE_ENDPOINT, 0, 0, "0000:01:00.0", "reach each other"},
        {"0000:01:00.1", PORT, HOST_PCIE_ENDPOINT, 0, 0, "0000:01:00.0", "it has no ACS"},
        {"0000:02:00.0", PORT, HOST_PCIE_ENDPOINT, ALL, ALL, NULL, NULL},
        {"0000:02:00.1", PORT, HOST_PCIE_ENDPOINT, ALL, ALL, NULL, NULL}};

    check(nodes, G_N_ELEMENTS(nodes));
}

/* All behind a bridge to conventional PCI speak in its name. */
static void
test_conventional(void)
{
    static const Node nodes[] = {{PORT, NULL, HOST_PCIE_ROOT_PORT, ALL, ALL, NULL, NULL},
                                 {"0000:01:00.0", PORT, HOST_PCIE_TO_PCI_BRIDGE, 0, 0, NULL, NULL},
                                 {"0000:02:01.0", "0000:01:00.0", HOST_PCIE_UNKNOWN, 0, 0,
                                  "0000:01:00.0", "bridge 0000:01:00.0 speaks for all behind it"},
                                 {"0000:02:02.0", "0000:01:00.0", HOST_PCIE_UNKNOWN, 0, 0,
                                  "0000:01:00.0", "speaks for all behind it"}};

    check(nodes, G_N_ELEMENTS(nodes));
}

/* A switch whose downstream ports have no ACS: everything below is one group with its port. */
static void
test_switch(void)
{
    static const Node nodes[] = {
        {PORT, NULL, HOST_PCIE_ROOT_PORT, ALL, ALL, NULL, NULL},
        {"0000:01:00.0", PORT, HOST_PCIE_UPSTREAM, 0, 0, NULL, NULL},
        {"0000:02:00.0", "0000:01:00.0", HOST_PCIE_DOWNSTREAM, 0, 0, NULL, NULL},
        {"0000:02:01.0", "0000:01:00.0", HOST_PCIE_DOWNSTREAM, ALL, ALL, NULL, NULL},
        {"0000:03:00.0", "0000:02:00.0", HOST_PCIE_ENDPOINT, 0, 0, "0000:02:00.0",
         "bridge 0000:02:00.0 has no ACS"},
        {"0000:04:00.0", "0000:02:01.0", HOST_PCIE_ENDPOINT, 0, 0, NULL, NULL}};

    check(nodes, G_N_ELEMENTS(nodes));
}

static void
test_unknown(void)
{
    static const Node nodes[] = {{PORT, NULL, HOST_PCIE_ROOT_PORT, ALL, ALL, NULL, NULL},
                                 {CARD, PORT, HOST_PCIE_ENDPOINT, 0, 0, NULL, NULL}};
    g_autoptr(ViommuHost) host = draw(nodes, 2);
    g_auto(HostIsolation) isolation = {0};
    HostDevice *port = host->devices->pdata[0], *card = host->devices->pdata[1];

    port->pcie.acs_state = BASE_STATE_UNKNOWN;
    g_assert_cmpint(host_isolate(host, card, &isolation), ==, BASE_UNKNOWN);
    host_isolation_clear(&isolation);
    port->pcie.acs_state = BASE_STATE_KNOWN;
    card->parent.state = BASE_STATE_UNKNOWN;
    g_assert_cmpint(host_isolate(host, card, &isolation), ==, BASE_UNKNOWN);
}

/* With ARI a VF can be in the slot of its PF, and is no neighbour; where nobody told that it is
 * one, nothing follows. */
static void
test_maybe_virtual(void)
{
    static const Node nodes[] = {{PORT, NULL, HOST_PCIE_ROOT_PORT, ALL, ALL, NULL, NULL},
                                 {CARD, PORT, HOST_PCIE_ENDPOINT, 0, 0, NULL, NULL},
                                 {"0000:01:00.1", PORT, HOST_PCIE_ENDPOINT, 0, 0, NULL, NULL}};
    g_autoptr(ViommuHost) host = draw(nodes, G_N_ELEMENTS(nodes));
    const HostDevice *card = host->devices->pdata[1];
    HostDevice *other = host->devices->pdata[2];
    g_auto(HostIsolation) isolation = {0};

    other->physfn = (BaseText){BASE_STATE_KNOWN, g_strdup(CARD)};
    g_assert_cmpint(host_isolate(host, card, &isolation), ==, BASE_YES);
    g_assert_null(isolation.because);
    other->physfn.state = BASE_STATE_UNKNOWN;
    g_assert_cmpint(host_isolate(host, card, &isolation), ==, BASE_UNKNOWN);
}

/* A bridge that is named, and that the document does not list, is not a root bus. */
static void
test_missing_bridge(void)
{
    static const Node nodes[] = {{CARD, PORT, HOST_PCIE_ENDPOINT, 0, 0, NULL, NULL}};
    g_autoptr(ViommuHost) host = draw(nodes, 1);
    g_auto(HostIsolation) isolation = {0};

    g_assert_cmpint(host_isolate(host, host->devices->pdata[0], &isolation), ==, BASE_UNKNOWN);
}

/* A volume management device does DMA in its own name for the disks behind its ports. */
static void
test_vmd(void)
{
#define VMD "0000:00:0e.0"
    static const Node nodes[] = {
        {VMD, NULL, HOST_PCIE_RC_ENDPOINT, 0, 0, NULL, NULL},
        {"10000:e0:1d.0", NULL, HOST_PCIE_ROOT_PORT, ALL, ALL, NULL, NULL},
        {"10000:e1:00.0", "10000:e0:1d.0", HOST_PCIE_ENDPOINT, 0, 0, NULL, NULL}};
    g_autoptr(ViommuHost) host = draw(nodes, G_N_ELEMENTS(nodes));

    for (guint i = 1; i < G_N_ELEMENTS(nodes); i++) {
        HostDevice *device = host->devices->pdata[i];
        g_auto(HostIsolation) isolation = {0};
        g_autofree char *head = NULL;

        device->vmd = (BaseText){BASE_STATE_KNOWN, g_strdup(VMD)};
        g_assert_cmpint(host_isolate(host, device, &isolation), ==, BASE_YES);
        head = base_pci_format(isolation.head);
        g_assert_cmpstr(head, ==, VMD);
        g_assert_cmpstr(isolation.because, ==,
                        "VMD " VMD " does DMA in the name of all in its domain");
    }
}

/* A loop of parents in a document that somebody wrote ends. */
static void
test_loop(void)
{
    static const Node nodes[] = {{PORT, CARD, HOST_PCIE_ROOT_PORT, 0, 0, NULL, NULL},
                                 {CARD, PORT, HOST_PCIE_DOWNSTREAM, 0, 0, NULL, NULL}};
    g_autoptr(ViommuHost) host = draw(nodes, 2);
    g_auto(HostIsolation) isolation = {0};

    g_assert_cmpint(host_isolate(host, host->devices->pdata[0], &isolation), ==, BASE_UNKNOWN);
}

/* --- recorded hosts --- */

typedef struct {
    guint right, wrong, unknown;
} Score;

/* Two functions are in one group exactly when they have the same head. */
static void
compare(const ViommuHost *host, const char *name, Score *score)
{
    for (guint i = 0; i < host->devices->len; i++) {
        const HostDevice *a = host->devices->pdata[i];
        g_auto(HostIsolation) head_a = {0};

        if (!base_u64_is_known(a->group) || host_isolate(host, a, &head_a) != BASE_YES) {
            score->unknown++;
            continue;
        }
        for (guint j = i + 1; j < host->devices->len; j++) {
            const HostDevice *b = host->devices->pdata[j];
            g_auto(HostIsolation) head_b = {0};
            gboolean together = a->group.value == b->group.value;

            if (!base_u64_is_known(b->group) || host_isolate(host, b, &head_b) != BASE_YES)
                continue;
            if (together == base_pci_equal(head_a.head, head_b.head)) {
                score->right++;
                continue;
            }
            score->wrong++;
            g_test_message("%s: %02x:%02x.%x and %02x:%02x.%x are %s", name, a->address.bus,
                           a->address.slot, a->address.function, b->address.bus, b->address.slot,
                           b->address.function, together ? "together" : "apart");
        }
    }
}

static ViommuHost *
load(const char *name)
{
    g_autofree char *file = g_strconcat(name, ".json", NULL);
    g_autofree char *path = g_build_filename(g_getenv("VIOMMU_TEST_DATA"), "host", file, NULL);
    g_autoptr(GError) error = NULL;
    ViommuHost *host = host_json_load(path, &error);

    g_assert_no_error(error);
    return host;
}

/* Hosts that were read from their own trees, config space and all: plain, with switches and
 * functions without ACS, with ACS switched off by option, on VT-d, AMD-Vi and SMMUv3. */
static const char *const recorded[] = {"lab-vtd", "lab-smmuv3", "lab-switch", "lab-acs-off",
                                       "lab-amd"};

static void
test_recorded(void)
{
    Score score = {0};

    for (guint i = 0; i < G_N_ELEMENTS(recorded); i++) {
        g_autoptr(ViommuHost) host = load(recorded[i]);

        compare(host, recorded[i], &score);
    }
    g_test_message("pairs of functions: %u right, %u wrong; functions that cannot be told: %u",
                   score.right, score.wrong, score.unknown);
    g_assert_cmpuint(score.wrong, ==, 0);
    g_assert_cmpuint(score.right, >, 2000);
    g_assert_cmpuint(score.unknown, <, 5);
}

/* Groups by hand follow the same rules as those of a kernel; nothing of them is unknown. */
static void
test_drawn(void)
{
    static const char *const names[] = {"client39",   "genoa", "grace",     "grace-4",    "ampere",
                                        "ampere-64k", "xeon",  "xeon-6.12", "odd-devices"};

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(ViommuHost) host = load(names[i]);
        Score score = {0};

        compare(host, names[i], &score);
        g_test_message("%s: %u right, %u wrong, %u unknown", names[i], score.right, score.wrong,
                       score.unknown);
        g_assert_cmpuint(score.wrong, ==, 0);
        g_assert_cmpuint(score.unknown, ==, 0);
    }
}

static void
forget(HostDevice *device, guint fact)
{
    switch (fact) {
    case 0:
        device->parent.state = BASE_STATE_UNKNOWN;
        return;
    case 1:
        device->pcie.state = BASE_STATE_UNKNOWN;
        return;
    case 2:
        device->pcie.extended = device->pcie.acs_state = BASE_STATE_UNKNOWN;
        return;
    default:
        device->physfn.state = BASE_STATE_UNKNOWN;
    }
}

/* What could not be read makes no wrong answer: each fact is taken away in turn. */
static void
test_less_known(void)
{
    guint unknown = 0;

    for (guint i = 0; i < G_N_ELEMENTS(recorded); i++) {
        g_autoptr(ViommuHost) whole = load(recorded[i]);

        for (guint j = 0; j < 4 * whole->devices->len; j++) {
            g_autoptr(ViommuHost) host = load(recorded[i]);
            Score score = {0};

            forget(host->devices->pdata[j / 4], j % 4);
            compare(host, recorded[i], &score);
            g_assert_cmpuint(score.wrong, ==, 0);
            unknown += score.unknown;
        }
    }
    g_assert_cmpuint(unknown, >, 500);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/host/isolation/port", test_port);
    g_test_add_func("/host/isolation/functions", test_functions);
    g_test_add_func("/host/isolation/conventional", test_conventional);
    g_test_add_func("/host/isolation/switch", test_switch);
    g_test_add_func("/host/isolation/unknown", test_unknown);
    g_test_add_func("/host/isolation/maybe-virtual", test_maybe_virtual);
    g_test_add_func("/host/isolation/missing-bridge", test_missing_bridge);
    g_test_add_func("/host/isolation/vmd", test_vmd);
    g_test_add_func("/host/isolation/loop", test_loop);
    g_test_add_func("/host/isolation/recorded", test_recorded);
    g_test_add_func("/host/isolation/drawn", test_drawn);
    g_test_add_func("/host/isolation/less-known", test_less_known);
    return g_test_run();
}
