/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains in a few words, planned on the recorded hosts: for the tests of the plan room. */
#pragma once

#include "plan.h"

#include <string.h>

#include "host-read.h"

#define GIB (G_GUINT64_CONSTANT(1) << 30)

static G_GNUC_UNUSED ViommuHost *
load_host(const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *file = g_strconcat(name, ".json", NULL);
    g_autofree char *path = g_build_filename(g_getenv("VIOMMU_TEST_DATA"), "host", file, NULL);
    ViommuHost *host = host_json_load(path, &error);

    g_assert_no_error(error);
    return host;
}

static G_GNUC_UNUSED ViommuDomain *
parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    ViommuDomain *domain = model_domain_parse(text, strlen(text), "vm.xml", &error);

    g_assert_no_error(error);
    return domain;
}

static G_GNUC_UNUSED char *
hostdev(const char *address, const char *alias, const char *more)
{
    BasePci pci;

    g_assert_true(base_pci_parse(address, &pci));
    return g_strdup_printf("<hostdev mode='subsystem' type='pci' managed='yes'><source><address "
                           "domain='0x%04x' bus='0x%02x' slot='0x%02x' function='%u'/></source>"
                           "<alias name='%s'/>%s</hostdev>",
                           pci.domain, pci.bus, pci.slot, pci.function, alias, more);
}

typedef struct {
    const char *machine;
    guint64 gib;
    const char *top;      /* children of <domain> */
    const char *features; /* children of <features> */
    const char *devices;
    const char *intents; /* children of <viommu:intent> */
    gboolean only;       /* the policy has no mode but this one */
    ViommuMode mode;
    guint64 qemu; /* 0: the host's */
} Sketch;

static G_GNUC_UNUSED char *
draw(const Sketch *sketch)
{
    gboolean arm = g_str_has_prefix(sketch->machine, "virt");

    return g_strdup_printf(
        "<domain type='kvm'><name>vm</name><metadata><viommu:intent "
        "xmlns:viommu='urn:virt-viommu:domain:1'>%s</viommu:intent></metadata><memory "
        "unit='GiB'>%" G_GUINT64_FORMAT "</memory><vcpu>4</vcpu>%s<os%s><type arch='%s' "
        "machine='%s'>hvm</type></os><features><acpi/>%s</features><devices>%s<memballoon "
        "model='none'/></devices></domain>",
        sketch->intents ? sketch->intents : "", sketch->gib ? sketch->gib : 8,
        sketch->top ? sketch->top : "", arm ? " firmware='efi'" : "", arm ? "aarch64" : "x86_64",
        sketch->machine, sketch->features ? sketch->features : "",
        sketch->devices ? sketch->devices : "");
}

static G_GNUC_UNUSED ViommuPolicy *
load_policy(const Sketch *sketch)
{
    g_autoptr(GError) error = NULL;
    ViommuPolicy *policy = policy_load(NULL, NULL, &error);

    g_assert_no_error(error);
    if (sketch && sketch->only) {
        g_array_set_size(policy->modes, 0);
        g_array_append_val(policy->modes, sketch->mode);
    }
    return policy;
}

static G_GNUC_UNUSED ViommuPlan *
plan_for(const char *host_name, const char *xml, guint64 libvirt, const Sketch *sketch)
{
    g_autoptr(ViommuHost) host =
                  g_str_equal(host_name, "none") ? host_facts_none() : load_host(host_name);
    g_autoptr(ViommuDomain) domain = parse(xml);
    g_autoptr(ViommuPolicy) policy = load_policy(sketch);
    ViommuTarget target = {.libvirt = libvirt, .qemu = sketch ? sketch->qemu : 0};

    return plan_new(host, domain, policy, &target, PLAN_DEFAULT);
}

static G_GNUC_UNUSED ViommuPlan *
plan_sketch(const char *host, const Sketch *sketch)
{
    g_autofree char *xml = draw(sketch);

    return plan_for(host, xml, 0, sketch);
}

static G_GNUC_UNUSED const char *
attribute(const ViommuPlan *plan, guint viommu, const char *name)
{
    const PlanIommu *iommu;
    guint index;

    g_assert_cmpuint(plan->iommus->len, >, viommu);
    if (plan->iommus->len <= viommu)
        return NULL;
    iommu = plan->iommus->pdata[viommu];
    if (!g_ptr_array_find_with_equal_func(iommu->names, name, g_str_equal, &index))
        return NULL;
    return iommu->values->pdata[index];
}

static G_GNUC_UNUSED const PlanRejection *
rejection_with(const ViommuPlan *plan, const char *rule)
{
    for (guint i = 0; i < plan->rejected->len; i++) {
        const PlanRejection *rejection = plan->rejected->pdata[i];

        if (g_strcmp0(rejection->rule, rule) == 0)
            return rejection;
    }
    return NULL;
}

static G_GNUC_UNUSED gboolean
has_note(const ViommuPlan *plan, const char *part)
{
    for (guint i = 0; i < plan->notes->len; i++)
        if (strstr(plan->notes->pdata[i], part))
            return TRUE;
    return FALSE;
}

static G_GNUC_UNUSED const PlanEdit *
edit_of(const ViommuPlan *plan, const char *name)
{
    for (guint i = 0; i < plan->edits->len; i++) {
        const PlanEdit *edit = plan->edits->pdata[i];

        if (g_strcmp0(edit->name, name) == 0 ||
            (edit->element && g_str_equal(edit->element->name, name)))
            return edit;
    }
    return NULL;
}

static G_GNUC_UNUSED guint
count_controllers(const ViommuPlan *plan, const char *model)
{
    guint count = 0;

    for (guint i = 0; i < plan->edits->len; i++) {
        const PlanEdit *edit = plan->edits->pdata[i];

        count += edit->element && g_str_equal(edit->element->name, "controller") &&
                 g_strcmp0(base_element_get(edit->element, "model"), model) == 0;
    }
    return count;
}

#define GUEST_IOMMU "<viommu:device alias='ua-0' usage='guest-iommu'/>"
