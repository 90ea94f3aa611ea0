/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a function can have, whose shortcoming keeps it from more, and the next step. */
#include "base-text.h"
#include "host-advice.h"
#include "host-shared.h"

#include <string.h>

static ViommuHost *
make_host(const char *release, const char *cmdline)
{
    ViommuHost *host = host_facts_new();

    if (release)
        host->kernel_release = (BaseText){BASE_STATE_KNOWN, g_strdup(release)};
    if (cmdline)
        host->kernel_cmdline = (BaseText){BASE_STATE_KNOWN, g_strdup(cmdline)};
    host_facts_set_kernel(host);
    return host;
}

static void
assert_advice(const ViommuHost *host, const char *address, HostAbility ability, guint pasid_bits,
              const char *reason, const char *step)
{
    g_auto(HostAdvice) advice = {0};
    const HostDevice *device;
    BasePci parsed = {0};

    g_assert_true(base_pci_parse(address, &parsed));
    device = host_facts_device(host, parsed);
    g_assert_nonnull(device);
    host_advise(host, device, &advice);
    g_test_message("%s: %d, %s, %s", address, advice.ability, advice.reason, advice.next_step);
    g_assert_cmpint(advice.ability, ==, ability);
    g_assert_cmpuint(advice.pasid_bits, ==, pasid_bits);
    if (reason)
        g_assert_true(advice.reason && strstr(advice.reason, reason));
    else
        g_assert_null(advice.reason);
    if (step)
        g_assert_true(advice.next_step && strstr(advice.next_step, step));
    else
        g_assert_null(advice.next_step);
}

static void
test_advice(void)
{
    g_autoptr(ViommuHost) grace = load_shared("grace.json");
    g_autoptr(ViommuHost) xeon = load_shared("xeon.json");
    g_autoptr(ViommuHost) old = load_shared("xeon-6.12.json");
    g_autoptr(ViommuHost) genoa = load_shared("genoa.json");
    g_autoptr(ViommuHost) lab = load_shared("lab-smmuv3.json");
    g_autoptr(ViommuHost) plain = load_shared("none-iommu.json");

    assert_advice(grace, "0009:01:00.0", HOST_ABILITY_NESTED, 20, NULL, NULL);
    assert_advice(grace, "0019:02:00.1", HOST_ABILITY_NESTED, 0, NULL, "bind to vfio-pci");
    assert_advice(grace, "0009:02:00.0", HOST_ABILITY_PLAIN, 0,
                  "shared by 0009:02:00.0 and 0009:02:00.1",
                  "free group 13: unbind 0009:02:00.1, or bind it to vfio-pci");
    assert_advice(grace, "0009:02:00.1", HOST_ABILITY_PLAIN, 0,
                  "shared by 0009:02:00.0 and 0009:02:00.1", "free group 13: unbind");
    assert_advice(xeon, "0000:17:00.0", HOST_ABILITY_NESTED, 20, NULL, NULL);
    assert_advice(xeon, "0000:c1:00.0", HOST_ABILITY_NONE, 0, "RMRR", "firmware option");
    ((HostIommu *)host_facts_iommu(xeon, "dmar3"))->type = HOST_IOMMU_AMD;
    assert_advice(xeon, "0000:c1:00.0", HOST_ABILITY_NONE, 0, "(IVMD)", "takes its IVMD away");
    ((HostIommu *)host_facts_iommu(xeon, "dmar3"))->type = HOST_IOMMU_VIRTIO;
    assert_advice(xeon, "0000:c1:00.0", HOST_ABILITY_NONE, 0, "(direct region)", "another slot");
    assert_advice(xeon, "0000:6a:01.0", HOST_ABILITY_NESTED, 20, NULL, "disable_denylist");
    xeon->denylist_off = BASE_YES;
    assert_advice(xeon, "0000:6a:01.0", HOST_ABILITY_NESTED, 20, NULL, "bind to vfio-pci");
    assert_advice(xeon, "0000:06:00.0", HOST_ABILITY_SHADOW, 0, "conventional", NULL);
    assert_advice(old, "0000:17:00.0", HOST_ABILITY_NESTED, 0, NULL, NULL); /* 6.12: no PASIDs */
    assert_advice(old, "0000:6a:01.0", HOST_ABILITY_NESTED, 0, NULL, "disable_denylist");
    assert_advice(genoa, "0000:81:00.0", HOST_ABILITY_SHADOW, 0, "AMD", NULL);
    assert_advice(lab, "0000:01:00.0", HOST_ABILITY_SHADOW, 0, "IDR0", NULL);
    assert_advice(lab, "0000:81:00.0", HOST_ABILITY_NONE, 0, "no IOMMU", "another slot");
    assert_advice(plain, "0000:01:00.0", HOST_ABILITY_NONE, 0, "no IOMMU", NULL);
    grace->isolated_msi = BASE_NO;
    assert_advice(grace, "0009:01:00.0", HOST_ABILITY_NONE, 0, "isolated MSI", NULL);
}

/* A host without an IOMMU: what switched it off is the step, before what might. */
static void
test_translation_step(void)
{
    static const struct {
        const char *arch, *cmdline, *lacks, *step;
    } cases[] = {
        {"x86_64", "quiet", NULL, "switch VT-d or AMD-Vi on in the firmware; Intel may need"},
        {"x86_64", "quiet intel_iommu=on,sm_on", NULL, "switch VT-d on in the firmware"},
        {"x86_64", "intel_iommu=off", NULL, "boot without intel_iommu=off"},
        {"x86_64", "amd_iommu=off quiet", NULL, "boot without amd_iommu=off"},
        {"x86_64", "iommu=off", NULL, "boot without iommu=off"},
        {"x86_64", "xiommu=off", "CONFIG_AMD_IOMMU", "switch VT-d or AMD-Vi on"},
        {"aarch64", "iommu=off", NULL, "the firmware must describe an SMMU"},
        {"aarch64", "", "CONFIG_ARM_SMMU_V3", "a kernel with CONFIG_ARM_SMMU_V3"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(ViommuHost) host = make_host("7.2.13", cases[i].cmdline);

        host->arch = (BaseText){BASE_STATE_KNOWN, g_strdup(cases[i].arch)};
        if (cases[i].lacks)
            host_facts_add_entry(host->options, cases[i].lacks)->text =
                (BaseText){BASE_STATE_KNOWN, g_strdup("n")};
        g_test_message("%s", host_translation_step(host));
        g_assert_true(g_str_has_prefix(host_translation_step(host), cases[i].step));
    }
}

static void
test_remapping_step(void)
{
    g_autoptr(ViommuHost) host = make_host("7.2.13", "intremap=off");
    HostIommu iommu = vtd_unit(0xd2008c40660462, 0xf050da);
    HostVerdict verdict;

    host->vfio_container = BASE_YES;
    host->isolated_msi = BASE_NO;
    host_iommu_verdict(host, &iommu, &verdict);
    g_assert_cmpstr(verdict.next, ==, "boot without intremap=off");
    g_free(host->kernel_cmdline.text);
    host->kernel_cmdline.text = g_strdup("");
    host_iommu_verdict(host, &iommu, &verdict);
    g_assert_cmpstr(verdict.next, ==, "switch interrupt remapping on in the firmware");
    host_facts_add_entry(host->options, "CONFIG_IRQ_REMAP")->text =
        (BaseText){BASE_STATE_KNOWN, g_strdup("n")};
    host_iommu_verdict(host, &iommu, &verdict);
    g_assert_cmpstr(verdict.next, ==, "a kernel with CONFIG_IRQ_REMAP");
}

/* Groups: what splits one comes before what frees it. */
static void
test_group_steps(void)
{
    g_autoptr(ViommuHost) off = load_shared("lab-acs-off.json");
    g_autoptr(ViommuHost) amd = load_shared("lab-amd.json");
    HostDevice *bridge;

    assert_advice(off, "0000:03:00.0", HOST_ABILITY_PLAIN, 0, "shared by 5 functions",
                  "split group 5: boot without pci=disable_acs_redir");
    assert_advice(off, "0000:06:00.0", HOST_ABILITY_PLAIN, 0, "shared by", /* no ACS to switch */
                  "free group 6: unbind 0000:06:00.0, 0000:06:00.1, or bind them to vfio-pci");
    g_free(off->kernel_cmdline.text);
    off->kernel_cmdline.text = g_strdup("quiet");
    assert_advice(off, "0000:03:00.0", HOST_ABILITY_PLAIN, 0, "shared by 5 functions",
                  "free group 5: unbind 0000:03:00.0, 0000:04:00.0, 0000:05:00.0 and 2 more, or "
                  "bind them to vfio-pci");
    bridge = (HostDevice *)host_facts_device(amd, (BasePci){0, 0, 0x1e, 0});
    g_free(bridge->driver.text);
    bridge->driver = (BaseText){BASE_STATE_KNOWN, g_strdup("shpchp")};
    assert_advice(amd, "0000:0b:02.0", HOST_ABILITY_SHADOW, 0, "AMD",
                  "free group 9: unbind 0000:00:1e.0 from shpchp");
    assert_advice(amd, "0000:00:03.0", HOST_ABILITY_NONE, 0, "it is an IOMMU itself", NULL);
}

/* Linux 7.2 drivers/vfio/pci/vfio_pci.c:63-82 */
static void
test_denylist(void)
{
    static const struct {
        guint vendor, device;
        gboolean denied;
    } cases[] = {
        {0x8086, 0x0b25, TRUE},                          /* DSA of Sapphire Rapids */
        {0x8086, 0x0cfe, TRUE},                          /* IAX */
        {0x8086, 0x19e2, TRUE},  {0x8086, 0x19e3, TRUE}, /* QAT C3XXX, and its VF */
        {0x8086, 0x37c8, TRUE},  {0x8086, 0x37c9, TRUE}, /* C62X */
        {0x8086, 0x0435, TRUE},  {0x8086, 0x0443, TRUE}, /* DH895XCC */
        {0x8086, 0x4940, FALSE},                         /* QAT 4XXX */
        {0x8086, 0x1592, FALSE}, {0x10de, 0x0b25, FALSE},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        const HostDevice device = {.vendor = base_u64(cases[i].vendor),
                                   .device = base_u64(cases[i].device)};

        g_test_message("%04x:%04x", cases[i].vendor, cases[i].device);
        g_assert_cmpint(host_device_denied_as(&device) != NULL, ==, cases[i].denied);
    }
}

/* Whose shortcoming it is: what an IOMMU lacks is told once, not for each function behind it. */
static void
test_scopes(void)
{
    static const struct {
        const char *host, *address;
        HostScope scope;
    } cases[] = {{"genoa.json", "0000:81:00.0", HOST_SCOPE_IOMMU},
                 {"xeon.json", "0000:98:00.0", HOST_SCOPE_GROUP},
                 {"xeon.json", "0000:c1:00.0", HOST_SCOPE_GROUP},
                 {"xeon.json", "0000:06:00.0", HOST_SCOPE_DEVICE},
                 {"none-iommu.json", "0000:01:00.0", HOST_SCOPE_DEVICE}};

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(ViommuHost) host = load_shared(cases[i].host);
        g_auto(HostAdvice) advice = {0};
        BasePci address = {0};

        g_assert_true(base_pci_parse(cases[i].address, &address));
        host_advise(host, host_facts_device(host, address), &advice);
        g_test_message("%s: %s", cases[i].address, advice.reason);
        g_assert_nonnull(advice.reason);
        g_assert_cmpint(advice.scope, ==, cases[i].scope);
    }
}

/* Width of the PASIDs of a unit, and the function's own where the kernel told it. */
static void
test_pasid_bits(void)
{
    g_autoptr(ViommuHost) host = make_host("7.2.13", "intel_iommu=on,sm_on");
    HostIommu iommu = vtd_unit(0x81d2008c222f0686, 0x8d9a20f00f4e);

    g_assert_cmpuint(host_pasid_bits(host, &iommu).value, ==, 20);
    host->kernel = base_u64(BASE_VERSION(6, 12, 107)); /* its VFIO attaches no PASIDs */
    g_assert_cmpuint(host_pasid_bits(host, &iommu).value, ==, 0);
    host->kernel = base_u64(BASE_VERSION(7, 2, 13));
    g_free(host->kernel_cmdline.text);
    host->kernel_cmdline.text = g_strdup("intel_iommu=sm_off");
    g_assert_cmpint(host_pasid_bits(host, &iommu).state, ==, BASE_STATE_KNOWN);
    g_assert_cmpuint(host_pasid_bits(host, &iommu).value, ==, 0);
    *host->kernel_cmdline.text = '\0';
    g_assert_cmpint(host_pasid_bits(host, &iommu).state, ==, BASE_STATE_UNKNOWN);
    iommu = (HostIommu){.type = HOST_IOMMU_SMMUV3, .idr = {{0}, base_u64(0x500)}};
    g_assert_cmpuint(host_pasid_bits(host, &iommu).value, ==, 20);
    iommu = (HostIommu){.type = HOST_IOMMU_VIRTIO};
    g_assert_cmpint(host_pasid_bits(host, &iommu).state, ==, BASE_STATE_UNKNOWN);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/host-advice/advice", test_advice);
    g_test_add_func("/host-advice/translation-step", test_translation_step);
    g_test_add_func("/host-advice/remapping-step", test_remapping_step);
    g_test_add_func("/host-advice/group-steps", test_group_steps);
    g_test_add_func("/host-advice/scopes", test_scopes);
    g_test_add_func("/host-advice/pasid-bits", test_pasid_bits);
    g_test_add_func("/host-advice/denylist", test_denylist);
    return g_test_run();
}
