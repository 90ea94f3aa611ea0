/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A small domain on a small host, and what one rule says of it. */
#pragma once

#include <string.h>

#include "host-read.h"
#include "rule.h"

#define GIB       (G_GUINT64_CONSTANT(1) << 30)
#define MIB       (G_GUINT64_CONSTANT(1) << 20)
#define QEMU_11_1 BASE_VERSION(11, 1, 2)
#define NEWEST    BASE_VERSION(12, 8, 0)
#define CM        "<iommu model='intel'><driver intremap='on' caching_mode='on' aw_bits='39'/></iommu>"

typedef struct {
    const char *machine, *ioapic, *devices, *head, *tail;
    guint64 memory; /* bytes */
    guint vcpus, hostdevs;
    ViommuTarget target;
    ViommuHost *host;
} Subject;

static const BasePci device_address G_GNUC_UNUSED = {0, 1, 0, 0};

/* A host with one function in group 3 behind one unit of that type */
static inline ViommuHost *
host_new(HostIommuType type)
{
    ViommuHost *host = host_facts_new();
    HostIommu *unit = host_facts_add_iommu(host, "unit0");
    HostGroup *group = host_facts_add_group(host, 3);

    unit->type = type;
    host->kernel = base_u64(BASE_VERSION(7, 2, 13));
    host->page_size = base_u64(4096);
    host->iommufd = host->vfio_container = host->vfio_cdev = BASE_YES;
    group->reserved_state = group->devices_state = BASE_STATE_KNOWN;
    for (guint8 i = 1; i <= 2; i++) {
        BasePci address = {0, i, 0, 0};
        HostDevice *device = host_facts_add_device(host, address);

        device->group = base_u64(3);
        device->iommu = (BaseText){BASE_STATE_KNOWN, g_strdup("unit0")};
        g_array_append_val(group->devices, address);
    }
    host->devices_state = host->groups_state = host->iommus_state = BASE_STATE_KNOWN;
    host_facts_sort(host);
    return host;
}

static inline HostGroup *
first_group(const ViommuHost *host)
{
    return host->groups->pdata[0];
}

static inline HostIommu *
first_unit(const ViommuHost *host)
{
    return host->iommus->pdata[0];
}

static inline char *
subject_xml(const Subject *subject)
{
    g_autoptr(GString) devices = g_string_new(subject->devices);

    for (guint i = 1; i <= subject->hostdevs; i++)
        g_string_append_printf(
            devices,
            "<controller type='pci' index='%u' model='pcie-root-port'>"
            "<address type='pci' bus='0' slot='%u' function='0'/></controller>"
            "<hostdev mode='subsystem' type='pci'><driver iommufd='yes'/><source>"
            "<address domain='0' bus='%u' slot='0' function='0'/></source>"
            "<address type='pci' bus='%u' slot='0' function='0'/></hostdev>",
            i, i + 1, i, i);
    return g_strdup_printf(
        "<domain type='kvm' xmlns:qemu='" MODEL_QEMU_NAMESPACE
        "'><name>t</name><memory unit='b'>%" G_GUINT64_FORMAT "</memory>"
        "<vcpu>%u</vcpu>%s<os><type arch='%s' machine='%s'>hvm</type></os>"
        "<features><acpi/>%s</features><devices>%s<controller type='usb' model='none'/>"
        "<memballoon model='none'/></devices>%s</domain>",
        subject->memory ? subject->memory : 4 * GIB, subject->vcpus ? subject->vcpus : 2,
        subject->head ? subject->head : "",
        subject->machine && g_str_has_prefix(subject->machine, "virt") ? "aarch64" : "x86_64",
        subject->machine ? subject->machine : "pc-q35-11.1",
        subject->ioapic ? subject->ioapic : "<ioapic driver='qemu'/>", devices->str,
        subject->tail ? subject->tail : "");
}

/* The worst outcome of @rule on any object */
static inline ViommuOutcome
outcome(const Subject *subject, const char *rule)
{
    g_autofree char *xml = subject_xml(subject);
    g_autoptr(GError) error = NULL;
    g_autoptr(ViommuPolicy) policy = policy_load(NULL, NULL, &error);
    g_autoptr(ViommuDomain) domain = model_domain_parse(xml, strlen(xml), "t.xml", &error);
    g_autoptr(View) view = NULL;
    g_autoptr(ViommuReport) report = NULL;
    ViommuOutcome worst = VIOMMU_OUTCOME_NOT_APPLICABLE;

    g_assert_no_error(error);
    g_assert_nonnull(rule_find(rule));
    view = view_new(subject->host, domain, policy, &subject->target);
    report = rule_check(view);
    for (guint i = 0; i < report->findings->len; i++) {
        const Finding *finding = report->findings->pdata[i];

        if (strcmp(finding->rule->id, rule) != 0)
            continue;
        if (worst == VIOMMU_OUTCOME_NOT_APPLICABLE || finding->outcome > worst)
            worst = finding->outcome;
    }
    return worst;
}

static inline void
assert_outcome(const Subject *subject, const char *rule, ViommuOutcome wanted)
{
    ViommuOutcome actual = outcome(subject, rule);

    if (actual == wanted)
        return;
    g_test_message("%s: %s, not %s", rule, rule_outcome_name(actual), rule_outcome_name(wanted));
    g_test_fail();
}

#define PASS    VIOMMU_OUTCOME_PASS
#define FAIL    VIOMMU_OUTCOME_FAIL
#define UNKNOWN VIOMMU_OUTCOME_UNKNOWN
#define NOTHING VIOMMU_OUTCOME_NOT_APPLICABLE
