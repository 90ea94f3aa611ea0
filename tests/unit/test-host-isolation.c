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

/* The two hosts that were read from their own trees, config space and all. */
static void
test_recorded(void)
{
    static const char *const names[] = {"lab-vtd", "lab-smmuv3"};
    Score score = {0};

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *file = g_strconcat(names[i], ".json", NULL);
        g_autofree char *path = g_build_filename(g_getenv("VIOMMU_TEST_DATA"), "host", file, NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(ViommuHost) host = host_json_load(path, &error);

        g_assert_no_error(error);
        compare(host, names[i], &score);
    }
    g_test_message("pairs of functions: %u right, %u wrong; functions that cannot be told: %u",
                   score.right, score.wrong, score.unknown);
    g_assert_cmpuint(score.wrong, ==, 0);
    g_assert_cmpuint(score.right, >, 100);
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
    g_test_add_func("/host/isolation/loop", test_loop);
    g_test_add_func("/host/isolation/recorded", test_recorded);
    return g_test_run();
}
