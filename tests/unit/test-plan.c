/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan-sketch.h"

/* --- shadow VT-d --- */

/* Linux 7.2 in scalable mode offers 47 bits, so 48 would be refused; 6.1 offers 48. */
static void
test_vtd_width(void)
{
    g_autofree char *gpu = hostdev("0000:17:00.0", "ua-0", "");
    Sketch sketch = {.machine = "q35",
                     .devices = gpu,
                     .intents = GUEST_IOMMU,
                     .only = TRUE,
                     .mode = VIOMMU_MODE_SHADOW};
    g_autoptr(ViommuPlan) narrow = plan_sketch("xeon", &sketch);
    g_autoptr(ViommuPlan) wide = NULL;
    g_autoptr(ViommuPlan) none = NULL;

    g_assert_true(narrow->valid);
    g_assert_cmpstr(attribute(narrow, 0, "aw_bits"), ==, "39");
    g_assert_cmpstr(attribute(narrow, 0, "caching_mode"), ==, "on");
    g_assert_cmpstr(attribute(narrow, 0, "intremap"), ==, "on");
    g_assert_nonnull(edit_of(narrow, "ioapic"));
    wide = plan_sketch("xeon-6.1", &sketch);
    g_assert_true(wide->valid);
    g_assert_cmpstr(attribute(wide, 0, "aw_bits"), ==, "48");

    /* 511 GiB of RAM end at 513 GiB: the hole below 4 GiB moves 2 GiB up */
    sketch.gib = 511;
    none = plan_sketch("xeon", &sketch);
    g_assert_true(none->valid);
    g_assert_nonnull(rejection_with(none, "vtd-aw-bits-host"));
    g_assert_cmpint(((PlanIommu *)none->iommus->pdata[0])->model, ==, MODEL_IOMMU_VIRTIO);
    g_assert_cmpstr(attribute(none, 0, "aw_bits"), ==, "47");
}

static void
test_vtd_fits_exactly(void)
{
    g_autofree char *nic = hostdev("0000:3b:01.0", "ua-0", "");
    Sketch sketch = {.machine = "pc-q35-11.1",
                     .gib = 509,
                     .devices = nic,
                     .intents = GUEST_IOMMU,
                     .only = TRUE,
                     .mode = VIOMMU_MODE_SHADOW};
    g_autoptr(ViommuPlan) fits = plan_sketch("xeon", &sketch);
    g_autoptr(ViommuPlan) too_much = NULL;

    g_assert_cmpint(((PlanIommu *)fits->iommus->pdata[0])->model, ==, MODEL_IOMMU_INTEL);
    sketch.top = "<maxMemory slots='2' unit='GiB'>512</maxMemory>";
    too_much = plan_sketch("xeon", &sketch);
    g_assert_cmpint(((PlanIommu *)too_much->iommus->pdata[0])->model, ==, MODEL_IOMMU_VIRTIO);
}

/* Behind VT-d each device needs a group of its own; on x86 that binds the others as well. */
static void
test_vtd_conflict(void)
{
    g_autofree char *gpu = hostdev("0000:17:00.0", "ua-0", "");
    g_autofree char *port0 = hostdev("0000:99:00.0", "ua-1", "");
    g_autofree char *port1 = hostdev("0000:99:00.1", "ua-2", "");
    g_autofree char *both = g_strconcat(gpu, port0, port1, NULL);
    g_autofree char *one = g_strconcat(gpu, port0, NULL);
    Sketch sketch = {.machine = "q35", .devices = both, .intents = GUEST_IOMMU};
    Sketch alone = {.machine = "q35", .devices = one, .intents = GUEST_IOMMU};
    g_autoptr(ViommuPlan) plan = plan_sketch("xeon", &sketch);
    g_autoptr(ViommuPlan) unused = plan_sketch("xeon", &alone);
    const PlanRejection *rejection = rejection_with(plan, "group-singleton");

    g_assert_false(plan->valid);
    g_assert_nonnull(rejection);
    g_assert_cmpstr(rejection->hostdev->dev->alias, ==, "ua-0");
    g_assert_nonnull(strstr(rejection->reason, "ua-1, 0000:99:00.0"));
    g_assert_true(unused->valid); /* the other function is on vfio-pci, and stays there */
    g_assert_cmpstr(((PlanDevice *)unused->devices->pdata[1])->note, ==,
                    "the rest of its IOMMU group 29 must stay unused");
    sketch.intents = "";
    g_clear_pointer(&plan, plan_unref);
    plan = plan_sketch("xeon", &sketch);
    g_assert_true(plan->valid);
    g_assert_cmpuint(plan->iommus->len, ==, 0);
    g_assert_cmpuint(plan->edits->len, ==, 0);
}

/* An existing vIOMMU is a wish for at least shadow, and is mended, never taken out. */
static void
test_vtd_existing(void)
{
    g_autofree char *gpu =
        hostdev("0000:17:00.0", "ua-0", "<address type='pci' bus='0x01' slot='0x00'/>");
    g_autofree char *bad =
        g_strconcat(gpu, "<iommu model='intel'><driver aw_bits='48' iotlb='on'/></iommu>", NULL);
    g_autofree char *good = g_strconcat(
        gpu, "<iommu model='intel'><driver intremap='on' caching_mode='on' aw_bits='39'/></iommu>",
        NULL);
    Sketch sketch = {.machine = "pc-q35-11.1", .devices = bad};
    g_autoptr(ViommuPlan) plan = plan_sketch("xeon", &sketch);
    g_autoptr(ViommuPlan) right = NULL;
    const PlanEdit *edit = edit_of(plan, "caching_mode");

    g_assert_true(plan->valid);
    g_assert_nonnull(edit);
    g_assert_cmpstr(edit->rule, ==, "vtd-caching-mode");
    g_assert_cmpstr(attribute(plan, 0, "aw_bits"), ==, "39");
    g_assert_cmpstr(attribute(plan, 0, "iotlb"), ==, "on");
    for (guint i = 0; i < plan->edits->len; i++)
        g_assert_cmpint(((PlanEdit *)plan->edits->pdata[i])->kind, !=, PLAN_EDIT_REMOVE);
    sketch.devices = good;
    sketch.features = "<ioapic driver='qemu'/>";
    right = plan_sketch("xeon", &sketch);
    g_assert_true(right->valid);
    g_assert_cmpuint(right->edits->len, ==, 0);
}

/* Told to translate nothing for devices that want nothing translated: interrupts only. */
static void
test_vtd_irq_kept(void)
{
    g_autofree char *gpu =
        hostdev("0000:17:00.0", "ua-0", "<address type='pci' bus='0x01' slot='0x00'/>");
    g_autofree char *off = g_strconcat(gpu,
                                       "<iommu model='intel'><driver intremap='on' eim='on' "
                                       "dma_translation='off' aw_bits='39'/></iommu>",
                                       NULL);
    Sketch sketch = {
        .machine = "pc-q35-11.1", .devices = off, .features = "<ioapic driver='qemu'/>"};
    g_autoptr(ViommuPlan) irq = plan_sketch("xeon", &sketch);
    g_autoptr(ViommuPlan) shadow = NULL;

    g_assert_true(irq->valid);
    g_assert_cmpint(((PlanDevice *)irq->devices->pdata[0])->mode, ==, VIOMMU_MODE_IRQ);
    g_assert_cmpuint(irq->edits->len, ==, 2); /* and who planned it */
    g_assert_nonnull(edit_of(irq, "viommu-plan:plan"));
    g_assert_nonnull(edit_of(irq, "caching_mode"));
    sketch.intents = GUEST_IOMMU;
    shadow = plan_sketch("xeon", &sketch);
    g_assert_cmpint(((PlanDevice *)shadow->devices->pdata[0])->mode, ==, VIOMMU_MODE_SHADOW);
    g_assert_nonnull(edit_of(shadow, "dma_translation"));
    g_assert_null(attribute(shadow, 0, "dma_translation"));
}

/* Ports for devices to come, in a domain that has not even <devices>; i440fx needs none. */
static void
test_spares_alone(void)
{
    static const char text[] =
        "<domain type='kvm'><name>vm</name><metadata><viommu:intent "
        "xmlns:viommu='urn:virt-viommu:domain:1'><viommu:hotplug ports='2'/></viommu:intent>"
        "</metadata><memory unit='GiB'>1</memory><os><type arch='x86_64' machine='%s'>hvm</type>"
        "</os></domain>";
    g_auto(GStrv) halves = g_strsplit(text, "%s", 2);
    g_autofree char *express = g_strjoinv("q35", halves);
    g_autofree char *conventional = g_strjoinv("pc", halves);
    g_autoptr(ViommuPlan) ports = plan_for("xeon", express, 0, NULL);
    g_autoptr(ViommuPlan) none = plan_for("xeon", conventional, 0, NULL);
    const PlanEdit *devices = edit_of(ports, "devices");

    g_assert_true(ports->valid);
    g_assert_cmpuint(ports->spare_ports->len, ==, 2);
    g_assert_nonnull(devices);
    g_assert_cmpuint(none->edits->len, ==, 0);
}

/* In a domain that has nothing to do with assignment: the disk takes a port, the other is spare. */
static void
test_spares_of_plain_domain(void)
{
    static const char text[] =
        "<domain type='kvm'><name>vm</name><memory unit='GiB'>1</memory><os><type arch='x86_64' "
        "machine='q35'>hvm</type></os><devices><controller type='usb' model='none'/>"
        "<controller type='pci' index='1' model='pcie-root-port'/>"
        "<controller type='pci' index='2' model='pcie-root-port'/>"
        "<disk type='block' device='disk'><source dev='/dev/sdz'/><target dev='vda' bus='virtio'/>"
        "</disk><memballoon model='none'/></devices></domain>";
    g_autoptr(ViommuPlan) plan = plan_for("xeon", text, 0, NULL);

    g_assert_true(plan->valid);
    g_assert_cmpuint(plan->spare_ports->len, ==, 1);
    g_assert_cmpuint(g_array_index(plan->spare_ports, guint, 0), ==, 2);
}

static void
test_vtd_many_vcpus(void)
{
    g_autofree char *gpu = hostdev("0000:17:00.0", "ua-0", "");
    Sketch sketch = {.machine = "pc-q35-11.1", .devices = gpu};
    g_autofree char *plain = draw(&sketch);
    g_auto(GStrv) halves = g_strsplit(plain, "<vcpu>4</vcpu>", 2);
    g_autofree char *xml = g_strjoinv("<vcpu>288</vcpu>", halves);
    g_autoptr(ViommuPlan) plan = plan_for("xeon", xml, 0, NULL);

    g_assert_true(plan->valid);
    g_assert_cmpstr(attribute(plan, 0, "eim"), ==, "on");
    g_assert_cmpstr(attribute(plan, 0, "caching_mode"), ==, "on");
    g_assert_nonnull(edit_of(plan, "iommu"));
}

static void
test_vtd_two(void)
{
    g_autofree char *gpu = hostdev("0000:17:00.0", "ua-0", "");
    g_autofree char *two = g_strconcat(gpu, "<iommu model='intel'/><iommu model='virtio'/>", NULL);
    Sketch sketch = {.machine = "pc-q35-11.1", .devices = two};
    g_autoptr(ViommuPlan) plan = plan_sketch("xeon", &sketch);

    g_assert_false(plan->valid);
    g_assert_nonnull(rejection_with(plan, "stack-one-viommu-on-x86"));
}

static void
test_pasid_needs_nesting(void)
{
    g_autofree char *gpu = hostdev("0000:81:00.0", "ua-0", "");
    Sketch sketch = {.machine = "pc-q35-11.1",
                     .devices = gpu,
                     .intents = "<viommu:device alias='ua-0' usage='pasid'/>"};
    g_autoptr(ViommuPlan) plan = plan_sketch("genoa", &sketch);
    const PlanRejection *nested = rejection_with(plan, "amd-nested-none");

    g_assert_false(plan->valid);
    g_assert_nonnull(nested);
    g_assert_cmpint(nested->mode, ==, VIOMMU_MODE_NESTED);
    g_assert_cmpuint(plan->stuck->len, >, 0);
}

/* --- accelerated SMMUv3 --- */

#define PASID                                                                                      \
    "<viommu:device alias='ua-0' usage='pasid'/><viommu:device alias='ua-1' usage='guest-iommu'/>"

static char *
two_gpus(const char *more)
{
    g_autofree char *first = hostdev("0009:01:00.0", "ua-0", "");
    g_autofree char *second = hostdev("0019:01:00.0", "ua-1", "");

    return g_strconcat(first, second, more, NULL);
}

static void
test_smmu_values(void)
{
    g_autofree char *gpus = two_gpus("");
    Sketch sketch = {.machine = "virt-11.1", .devices = gpus, .intents = PASID};
    g_autoptr(ViommuPlan) plan = plan_sketch("grace", &sketch);
    const PlanDevice *first, *second;

    g_assert_true(plan->valid);
    g_assert_cmpuint(plan->iommus->len, ==, 2);
    g_assert_cmpuint(count_controllers(plan, "pcie-expander-bus"), ==, 2);
    g_assert_cmpuint(count_controllers(plan, "pcie-root-port"), ==, 2);
    g_assert_cmpstr(attribute(plan, 0, "accel"), ==, "on");
    g_assert_cmpstr(attribute(plan, 0, "oas"), ==, "48");
    g_assert_cmpstr(attribute(plan, 0, "ssidsize"), ==, "20");
    g_assert_cmpstr(attribute(plan, 0, "ats"), ==, "on");
    g_assert_cmpstr(attribute(plan, 0, "ril"), ==, "on");
    /* no PASIDs for who asks for none: ssidsize 0, and no ATS */
    g_assert_cmpstr(attribute(plan, 1, "ssidsize"), ==, "0");
    g_assert_cmpstr(attribute(plan, 1, "ats"), ==, "off");
    first = plan->devices->pdata[0];
    second = plan->devices->pdata[1];
    g_assert_cmpuint(first->viommu.value, ==, 0);
    g_assert_cmpuint(second->viommu.value, ==, 1);
    g_assert_cmpuint(first->pasid_bits.value, ==, 20);
    g_assert_cmpint(second->pasid_bits.state, ==, BASE_STATE_ABSENT);
    /* all accelerated devices share one address space; libvirt counts each */
    g_assert_cmpuint(plan->memlock->accounted.value, ==, 9 * GIB);
    g_assert_cmpuint(plan->memlock->libvirt.value, ==, 17 * GIB);
}

/* QEMU takes 44 or 48 address bits, in decimal, whatever code the register has. */
static ViommuPlan *
plan_with_idr5(guint64 idr5)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ViommuHost) host = load_host("grace");
    g_autofree char *gpus = two_gpus("");
    Sketch sketch = {.machine = "virt-11.1", .devices = gpus, .intents = PASID};
    g_autofree char *xml = draw(&sketch);
    g_autoptr(ViommuDomain) domain = parse(xml);
    g_autoptr(ViommuPolicy) policy = policy_load(NULL, NULL, &error);

    g_assert_no_error(error);
    ((HostIommu *)host->iommus->pdata[0])->idr[5] = base_u64(idr5);
    return plan_new(host, domain, policy, NULL, PLAN_DEFAULT);
}

static void
test_smmu_oas(void)
{
    g_autoptr(ViommuPlan) bits44 = plan_with_idr5(0x74);
    g_autoptr(ViommuPlan) bits52 = plan_with_idr5(0x76);
    g_autoptr(ViommuPlan) bits42 = plan_with_idr5(0x73);
    g_autoptr(ViommuPlan) no16k = plan_with_idr5(0x55);

    g_assert_cmpstr(attribute(bits44, 0, "oas"), ==, "44");
    g_assert_cmpstr(attribute(bits44, 1, "oas"), ==, "48");
    g_assert_cmpstr(attribute(bits52, 0, "oas"), ==, "48");
    g_assert_false(bits42->valid);
    g_assert_nonnull(rejection_with(bits42, "accel-oas-host"));
    g_assert_false(no16k->valid);
    g_assert_nonnull(rejection_with(no16k, "accel-granules"));
}

static void
test_smmu_target(void)
{
    g_autofree char *gpus = two_gpus("");
    Sketch sketch = {.machine = "virt", .devices = gpus, .intents = PASID};
    g_autofree char *xml = draw(&sketch);
    g_autoptr(ViommuPlan) old = plan_for("grace", xml, BASE_VERSION(12, 6, 0), NULL);
    g_autoptr(ViommuPlan) fresh = plan_for("grace", xml, BASE_VERSION(12, 7, 0), NULL);
    const PlanRejection *rejection = rejection_with(old, "xml-attribute-too-new");

    g_assert_false(old->valid);
    g_assert_nonnull(rejection);
    g_assert_cmpstr(rejection->would_help, ==, "libvirt 12.7.0 or later");
    g_assert_true(fresh->valid);
}

static void
test_smmu_preconditions(void)
{
    g_autofree char *gpus = two_gpus("");
    Sketch sketch = {.machine = "virt", .devices = gpus, .intents = PASID};
    g_autofree char *xml = draw(&sketch);
    g_autofree char *tcg = g_strdup(xml);
    g_auto(GStrv) halves = g_strsplit(xml, " firmware='efi'", 2);
    g_autofree char *bios = g_strjoinv("", halves);
    g_autoptr(ViommuPlan) without_kvm = NULL;
    g_autoptr(ViommuPlan) without_uefi = plan_for("grace", bios, 0, NULL);

    memcpy(strstr(tcg, "'kvm'"), "'tcg'", 5);
    without_kvm = plan_for("grace", tcg, 0, NULL);
    g_assert_false(without_kvm->valid);
    g_assert_nonnull(rejection_with(without_kvm, "accel-needs-kvm"));
    g_assert_false(without_uefi->valid);
    g_assert_nonnull(rejection_with(without_uefi, "accel-needs-uefi"));
}

/* Nothing is known: nothing is promised, and it says what would tell. */
static void
test_no_facts(void)
{
    g_autofree char *gpus = two_gpus("");
    Sketch sketch = {.machine = "virt", .devices = gpus, .intents = PASID};
    g_autoptr(ViommuPlan) plan = plan_sketch("none", &sketch);
    gboolean told = FALSE;

    g_assert_false(plan->valid);
    for (guint i = 0; i < plan->rejected->len; i++) {
        const PlanRejection *rejection = plan->rejected->pdata[i];

        told = told || (rejection->would_help && strstr(rejection->would_help, "--host"));
    }
    g_assert_true(told);
    sketch.intents = "";
    g_clear_pointer(&plan, plan_unref);
    plan = plan_sketch("none", &sketch);
    g_assert_true(plan->valid);
    g_assert_cmpuint(plan->edits->len, ==, 0);
}

/* A device for plain DMA stays off the vSMMU's bus, and adds a second address space. */
static void
test_smmu_beside_plain(void)
{
    g_autofree char *gpus = two_gpus("");
    Sketch sketch = {.machine = "virt",
                     .devices = gpus,
                     .intents = "<viommu:device alias='ua-0' usage='guest-iommu'/>"};
    g_autoptr(ViommuPlan) plan = plan_sketch("grace", &sketch);
    const PlanDevice *nested, *plain;

    g_assert_true(plan->valid);
    nested = plan->devices->pdata[0];
    plain = plan->devices->pdata[1];
    g_assert_cmpint(nested->mode, ==, VIOMMU_MODE_NESTED);
    g_assert_cmpint(plain->mode, ==, VIOMMU_MODE_NONE);
    g_assert_cmpuint(plan->iommus->len, ==, 1);
    g_assert_cmpuint(plan->memlock->accounted.value, ==, 17 * GIB);
    g_assert_null(strstr(plain->where, "expander"));
    g_assert_nonnull(strstr(nested->where, "smmu3.0x11000000"));
}

/* What is left out because nobody knows is told. */
static void
test_unknown_told(void)
{
    static const char cells[] =
        "<cpu><numa><cell id='0' cpus='0-1' memory='4' unit='GiB'/><cell id='1' cpus='2-3' "
        "memory='4' unit='GiB'/></numa></cpu>";
    g_autoptr(ViommuHost) host = load_host("grace");
    g_autofree char *gpu = hostdev("0009:01:00.0", "ua-0", "");
    Sketch sketch = {.machine = "virt-11.1", .top = cells, .devices = gpu, .intents = GUEST_IOMMU};
    g_autofree char *xml = draw(&sketch);
    g_autoptr(ViommuDomain) domain = parse(xml);
    g_autoptr(ViommuPolicy) policy = load_policy(&sketch);
    ViommuTarget target = {0};
    g_autoptr(ViommuPlan) plan = plan_new(host, domain, policy, &target, PLAN_DEFAULT);

    g_assert_true(plan->valid);
    g_assert_cmpstr(attribute(plan, 0, "cmdqv"), ==, "on");
    g_assert_true(has_note(plan, "no <memnode> in <numatune>"));
    g_assert_false(has_note(plan, "cmdqv='off'"));
    for (guint i = 0; i < host->iommus->len; i++)
        ((HostIommu *)host->iommus->pdata[i])->cmdqv = BASE_STATE_UNKNOWN;
    for (guint i = 0; i < host->devices->len; i++)
        ((HostDevice *)host->devices->pdata[i])->numa_node = (BaseU64){0};
    g_clear_pointer(&plan, plan_unref);
    plan = plan_new(host, domain, policy, &target, PLAN_DEFAULT);
    g_assert_cmpstr(attribute(plan, 0, "cmdqv"), ==, "off");
    g_assert_true(has_note(plan, "cmdqv='off' for smmu3.0x11000000"));
    g_assert_true(has_note(plan, "NUMA node of ua-0, 0009:01:00.0 is not known"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/plan/vtd/width", test_vtd_width);
    g_test_add_func("/plan/vtd/fits", test_vtd_fits_exactly);
    g_test_add_func("/plan/vtd/conflict", test_vtd_conflict);
    g_test_add_func("/plan/vtd/existing", test_vtd_existing);
    g_test_add_func("/plan/vtd/irq-kept", test_vtd_irq_kept);
    g_test_add_func("/plan/vtd/many-vcpus", test_vtd_many_vcpus);
    g_test_add_func("/plan/spares-alone", test_spares_alone);
    g_test_add_func("/plan/spares-of-plain-domain", test_spares_of_plain_domain);
    g_test_add_func("/plan/vtd/two", test_vtd_two);
    g_test_add_func("/plan/pasid/needs-nesting", test_pasid_needs_nesting);
    g_test_add_func("/plan/smmu/values", test_smmu_values);
    g_test_add_func("/plan/smmu/oas", test_smmu_oas);
    g_test_add_func("/plan/smmu/target", test_smmu_target);
    g_test_add_func("/plan/smmu/preconditions", test_smmu_preconditions);
    g_test_add_func("/plan/smmu/beside-plain", test_smmu_beside_plain);
    g_test_add_func("/plan/unknown-told", test_unknown_told);
    g_test_add_func("/plan/no-facts", test_no_facts);
    return g_test_run();
}
