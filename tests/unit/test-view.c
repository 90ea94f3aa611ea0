/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "view-memlock.h"
#include "view-stack.h"

#include <string.h>

#define MIB (G_GUINT64_CONSTANT(1) << 20)
#define GIB (G_GUINT64_CONSTANT(1) << 30)

/* A view made by hand: the counting needs nothing else. */
typedef struct {
    ViommuHost host;
    ViommuDomain domain;
    View view;
    ModelIommu iommu[2];
    ViewIommu view_iommu[2];
    ModelHostdev dev[8];
    ViewHostdev hostdev[8];
} Fixture;

static void
fixture_start(Fixture *f, guint64 memory, guint64 libvirt)
{
    memset(f, 0, sizeof(*f));
    f->domain.memory = f->domain.max_memory = memory;
    f->domain.hard_limit = base_u64_absent();
    f->view.host = &f->host;
    f->view.domain = &f->domain;
    f->view.target.libvirt = libvirt;
    f->view.iommus = g_ptr_array_new();
    f->view.hostdevs = g_ptr_array_new();
}

static void
fixture_stop(Fixture *f)
{
    g_ptr_array_unref(f->view.iommus);
    g_ptr_array_unref(f->view.hostdevs);
}

static ViewIommu *
add_iommu(Fixture *f, ModelIommuKind kind, BaseTri accel)
{
    guint i = f->view.iommus->len;

    f->iommu[i].kind = kind;
    f->view_iommu[i].iommu = &f->iommu[i];
    f->view_iommu[i].accel = accel;
    g_ptr_array_add(f->view.iommus, &f->view_iommu[i]);
    return &f->view_iommu[i];
}

static void
add_hostdevs(Fixture *f, guint number, const ViewIommu *viommu, BaseTri iommufd)
{
    while (number-- > 0) {
        guint i = f->view.hostdevs->len;

        f->dev[i].kind = MODEL_HOSTDEV_PCI;
        f->dev[i].iommufd = iommufd;
        f->dev[i].address.kind = MODEL_ADDRESS_WRITTEN;
        f->hostdev[i].dev = &f->dev[i];
        f->hostdev[i].viommu = viommu;
        f->hostdev[i].covered = base_tri(viommu != NULL);
        g_ptr_array_add(f->view.hostdevs, &f->hostdev[i]);
    }
}

/* What libvirt sets: its own test values (11.3 tests/qemumemlocktest.c) and what 12.8 was seen
 * to set; G_MAXUINT64: unlimited; 0: left alone. */
static void
test_libvirt_figures(void)
{
    static const struct {
        guint64 memory, libvirt;
        guint hostdevs;
        gboolean viommu;
        guint nvme, vdpa;
        guint64 wanted;
        const char *formula;
    } rows[] = {
        {1 * GIB, BASE_VERSION(12, 8, 0), 1, FALSE, 0, 0, 2147483648, "1 GiB + 1 GiB"},
        {1 * GIB, BASE_VERSION(11, 3, 0), 1, FALSE, 1, 0, 3221225472, "2 devices x 1 GiB + 1 GiB"},
        {1 * GIB, BASE_VERSION(9, 0, 0), 1, FALSE, 1, 0, 2147483648, "1 GiB + 1 GiB"},
        /* seen of 9.0.0, which starts QEMU with them (tests/hook/test-libvirtd-limits.py) */
        {4 * MIB, BASE_VERSION(9, 0, 0), 0, FALSE, 1, 0, 1077936128, "4 MiB + 1 GiB"},
        {4 * MIB, BASE_VERSION(9, 0, 0), 0, FALSE, 1, 1, 1082130432, "2 devices x 4 MiB + 1 GiB"},
        {4 * MIB, BASE_VERSION(9, 0, 0), 2, FALSE, 2, 0, 1077936128, "4 MiB + 1 GiB"},
        {4 * MIB, BASE_VERSION(9, 0, 0), 2, TRUE, 2, 1, 1094713344, "5 devices x 4 MiB + 1 GiB"},
        {8 * GIB, BASE_VERSION(12, 8, 0), 4, TRUE, 0, 0, 35433480192, "4 devices x 8 GiB + 1 GiB"},
        {8 * GIB, BASE_VERSION(9, 0, 0), 4, TRUE, 0, 0, 35433480192, "4 devices x 8 GiB + 1 GiB"},
        {8 * GIB, BASE_VERSION(8, 6, 0), 4, TRUE, 0, 1, 9663676416, "8 GiB + 1 GiB"},
        {8 * GIB, BASE_VERSION(12, 8, 0), 4, FALSE, 0, 0, 9663676416, "8 GiB + 1 GiB"},
        {8 * GIB, BASE_VERSION(12, 8, 0), 4, TRUE, 0, 1, 41 * GIB, "5 devices x 8 GiB + 1 GiB"},
        {8 * GIB, BASE_VERSION(11, 3, 0), 4, TRUE, 1, 1, 49 * GIB, "6 devices x 8 GiB + 1 GiB"},
        {64 * GIB, BASE_VERSION(12, 8, 0), 8, TRUE, 0, 0, 513 * GIB, "8 devices x 64 GiB + 1 GiB"},
        {512 * GIB, BASE_VERSION(12, 8, 0), 8, TRUE, 0, 0, 4097 * GIB,
         "8 devices x 512 GiB + 1 GiB"},
        {64 * MIB, BASE_VERSION(12, 8, 0), 2, TRUE, 0, 0, 1207959552, "2 devices x 64 MiB + 1 GiB"},
        /* rounded up to MiB before QEMU starts */
        {64 * MIB - 1024, BASE_VERSION(12, 8, 0), 1, TRUE, 0, 0, 1140850688, "64 MiB + 1 GiB"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        Fixture f;
        ViewIommu *viommu;
        g_autoptr(ViewMemlock) memlock = NULL;

        fixture_start(&f, rows[i].memory, rows[i].libvirt);
        viommu = rows[i].viommu ? add_iommu(&f, MODEL_IOMMU_INTEL, BASE_UNKNOWN) : NULL;
        add_hostdevs(&f, rows[i].hostdevs, viommu, BASE_YES);
        f.domain.nvme_disks = rows[i].nvme;
        f.domain.vdpa_devices = rows[i].vdpa;
        memlock = view_memlock(&f.view, 0);
        g_assert_cmpint(memlock->libvirt.state, ==, BASE_STATE_KNOWN);
        g_assert_cmpuint(memlock->libvirt.value, ==, rows[i].wanted);
        g_assert_cmpstr(memlock->libvirt_formula, ==, rows[i].formula);
        fixture_stop(&f);
    }
}

static void
test_libvirt_special(void)
{
    Fixture f;
    g_autoptr(ViewMemlock) none = NULL, limit = NULL, locked = NULL, unknown = NULL, nvme = NULL;
    g_autoptr(ViewMemlock) hidden = NULL;

    fixture_start(&f, 8 * GIB, BASE_VERSION(12, 8, 0));
    none = view_memlock(&f.view, 0);
    g_assert_cmpint(none->libvirt.state, ==, BASE_STATE_ABSENT);
    g_assert_cmpuint(none->accounted.value, ==, 0);

    add_hostdevs(&f, 2, add_iommu(&f, MODEL_IOMMU_VIRTIO, BASE_UNKNOWN), BASE_NO);
    f.iommu[0].commandline = TRUE; /* libvirt does not count that one */
    hidden = view_memlock(&f.view, 0);
    g_assert_cmpuint(hidden->libvirt.value, ==, 9 * GIB);
    g_assert_cmpuint(hidden->accounted.value, ==, 17 * GIB);

    f.domain.locked = TRUE;
    locked = view_memlock(&f.view, 0);
    g_assert_cmpuint(locked->libvirt.value, ==, G_MAXUINT64);
    g_assert_cmpuint(locked->accounted.value, ==, 25 * GIB);
    g_assert_cmpstr(locked->formula, ==, "(2 address spaces + 1 locked copy) x 8 GiB + 1 GiB");
    f.domain.hard_limit = base_u64(20 * GIB);
    limit = view_memlock(&f.view, 0);
    g_assert_cmpuint(limit->libvirt.value, ==, 20 * GIB);
    f.domain.hard_limit = base_u64_absent();
    f.domain.locked = FALSE;

    f.view.target.libvirt = 0;
    unknown = view_memlock(&f.view, 0);
    g_assert_cmpint(unknown->libvirt.state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpuint(unknown->accounted.value, ==, 17 * GIB);
    fixture_stop(&f);

    fixture_start(&f, 8 * GIB, BASE_VERSION(9, 0, 0));
    f.domain.nvme_disks = 1;
    nvme = view_memlock(&f.view, 0);
    g_assert_cmpuint(nvme->libvirt.value, ==, 9 * GIB);
    g_assert_cmpuint(nvme->accounted.value, ==, 9 * GIB);
    fixture_stop(&f);
}

/* libvirt 11.3 tests/qemumemlocktest.c: pseries-kvm, pseries-hostdev once libvirt has added the
 * second host bridge, pseries-tcg; then each term by itself */
static void
test_libvirt_ppc64(void)
{
    static const struct {
        const char *type;
        guint64 memory, max_memory;
        guint bridges, hostdevs;
        gboolean placed;
        guint64 wanted; /* 0: not known; 1: left alone */
    } rows[] = {
        {"kvm", 1 * GIB, 1 * GIB, 1, 0, TRUE, 20971520},
        {"kvm", 1 * GIB, 1 * GIB, 2, 1, TRUE, 4320133120},
        {"qemu", 1 * GIB, 1 * GIB, 1, 0, TRUE, 1},
        {"kvm", 1 * GIB, 1 * GIB, 1, 1, FALSE, 0},
        /* 64 GiB / 128 + 4 MiB + 8 MiB + 64 GiB + 64 GiB / 512 + 8 MiB */
        {"kvm", 64 * GIB, 64 * GIB, 1, 1, TRUE, 64 * GIB + 512 * MIB + 128 * MIB + 20 * MIB},
        /* as before, of which the first term is of the most there can be */
        {"kvm", 64 * GIB, 128 * GIB, 1, 1, TRUE, 64 * GIB + 1024 * MIB + 128 * MIB + 20 * MIB},
        {"kvm", 64 * GIB - MIB, 0, 1, 1, TRUE, 64 * GIB + 512 * MIB + 128 * MIB + 20 * MIB},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        Fixture f;
        ModelController bridges[2] = {{.kind = MODEL_BUS_PCI_ROOT}, {.kind = MODEL_BUS_PCI_ROOT}};
        g_autoptr(ViewMemlock) memlock = NULL;
        char type[8], arch[] = "ppc64";

        g_test_message("row %u", i);
        g_strlcpy(type, rows[i].type, sizeof type);
        fixture_start(&f, rows[i].memory, BASE_VERSION(11, 3, 0));
        f.domain.type = type;
        f.domain.arch = arch;
        f.domain.max_memory = rows[i].max_memory;
        f.domain.controllers = g_ptr_array_new();
        for (guint j = 0; j < rows[i].bridges; j++)
            g_ptr_array_add(f.domain.controllers, &bridges[j]);
        add_hostdevs(&f, rows[i].hostdevs, NULL, BASE_NO);
        if (!rows[i].placed)
            f.dev[0].address.kind = MODEL_ADDRESS_UNKNOWN;
        memlock = view_memlock(&f.view, 0);
        g_assert_cmpint(memlock->libvirt.state, ==,
                        rows[i].wanted > 1    ? BASE_STATE_KNOWN
                        : rows[i].wanted == 1 ? BASE_STATE_ABSENT
                                              : BASE_STATE_UNKNOWN);
        if (rows[i].wanted > 1)
            g_assert_cmpuint(memlock->libvirt.value, ==, rows[i].wanted);
        g_ptr_array_unref(f.domain.controllers);
        fixture_stop(&f);
    }
}

static void
assert_spaces(Fixture *f, guint extra, guint spaces, guint64 accounted, const char *formula)
{
    g_autoptr(ViewMemlock) memlock = view_memlock(&f->view, extra);

    g_assert_cmpuint(memlock->spaces, ==, spaces);
    g_assert_cmpint(memlock->accounted.state, ==, BASE_STATE_KNOWN);
    g_assert_cmpuint(memlock->accounted.value, ==, accounted);
    g_assert_cmpuint(memlock->resident.value, ==, f->domain.memory);
    g_assert_cmpstr(memlock->formula, ==, formula);
}

/* Numbers of address spaces as measured with QEMU 11.1.2: pinned bytes divided by guest RAM. */
static void
test_spaces(void)
{
    Fixture f;
    ViewIommu *first, *second;

    /* four devices behind two accelerated SMMUs: 524292 kB pinned of 512 MiB */
    fixture_start(&f, 512 * MIB, BASE_VERSION(12, 8, 0));
    first = add_iommu(&f, MODEL_IOMMU_SMMUV3, BASE_YES);
    second = add_iommu(&f, MODEL_IOMMU_SMMUV3, BASE_YES);
    assert_spaces(&f, 1, 1, 1536 * MIB, "1 address space x 512 MiB + 1 GiB");
    add_hostdevs(&f, 2, first, BASE_YES);
    add_hostdevs(&f, 2, second, BASE_YES);
    assert_spaces(&f, 0, 1, 1536 * MIB, "1 address space x 512 MiB + 1 GiB");
    /* and two beside them without a vIOMMU on the same backend: 1048584 kB */
    add_hostdevs(&f, 2, NULL, BASE_YES);
    assert_spaces(&f, 0, 2, 2048 * MIB, "2 address spaces x 512 MiB + 1 GiB");
    /* the legacy backend never shares */
    add_hostdevs(&f, 2, NULL, BASE_NO);
    assert_spaces(&f, 0, 3, 2560 * MIB, "3 address spaces x 512 MiB + 1 GiB");
    fixture_stop(&f);

    /* each device behind an Intel vIOMMU: 131584 kB of 64 MiB; one more hot-plugged: 197376 kB */
    fixture_start(&f, 64 * MIB, BASE_VERSION(12, 8, 0));
    add_hostdevs(&f, 1, add_iommu(&f, MODEL_IOMMU_INTEL, BASE_UNKNOWN), BASE_YES);
    add_hostdevs(&f, 1, &f.view_iommu[0], BASE_NO);
    assert_spaces(&f, 0, 2, 1152 * MIB, "2 address spaces x 64 MiB + 1 GiB");
    assert_spaces(&f, 1, 3, 1216 * MIB, "3 address spaces x 64 MiB + 1 GiB");
    f.domain.vdpa_devices = 2;
    f.domain.nvme_disks = 1;
    assert_spaces(&f, 0, 2, 1344 * MIB,
                  "(2 address spaces + 2 vDPA devices + 1 NVMe disk) x 64 MiB + 1 GiB");
    fixture_stop(&f);
}

static void
test_spaces_unknown(void)
{
    Fixture f;
    g_autoptr(ViewMemlock) memlock = NULL, ceiling = NULL;

    fixture_start(&f, 4 * GIB, BASE_VERSION(12, 8, 0));
    add_iommu(&f, MODEL_IOMMU_SMMUV3, BASE_YES);
    add_hostdevs(&f, 1, NULL, BASE_YES);
    f.domain.max_memory = 16 * GIB;
    ceiling = view_memlock(&f.view, 0);
    g_assert_cmpuint(ceiling->accounted.value, ==, 5 * GIB);
    g_assert_cmpuint(ceiling->ceiling.value, ==, 17 * GIB);
    f.hostdev[0].covered = BASE_UNKNOWN;
    memlock = view_memlock(&f.view, 0);
    g_assert_cmpint(memlock->accounted.state, ==, BASE_STATE_UNKNOWN);
    g_assert_cmpuint(memlock->libvirt.value, ==, 5 * GIB);
    /* what is kept off the guest pins nothing, but libvirt counts it */
    f.hostdev[0].covered = BASE_NO;
    f.dev[0].address.kind = MODEL_ADDRESS_NONE;
    view_memlock_free(g_steal_pointer(&memlock));
    memlock = view_memlock(&f.view, 0);
    g_assert_cmpuint(memlock->accounted.value, ==, 0);
    g_assert_cmpuint(memlock->libvirt.value, ==, 5 * GIB);
    fixture_stop(&f);
}

static void
test_stack(void)
{
    static const struct {
        StackCapability capability;
        guint64 qemu;
        gboolean known;
        const char *name;
    } rows[] = {
        {STACK_SCALABLE_MODE, BASE_VERSION(11, 1, 2), TRUE, "scalable-mode"},
        {STACK_FIRST_STAGE, BASE_VERSION(11, 1, 0), TRUE, "fsts"},
        {STACK_PASID_BITS, BASE_VERSION(12, 0, 0), TRUE, "pasid-bits"},
        {STACK_SCALABLE_MODE, BASE_VERSION(10, 0, 13), TRUE, "x-scalable-mode"},
        {STACK_FIRST_STAGE, BASE_VERSION(10, 0, 0), TRUE, "x-flts"},
        {STACK_PASID_BITS, BASE_VERSION(10, 0, 0), TRUE, "x-pasid-mode"},
        {STACK_FIRST_STAGE, BASE_VERSION(7, 2, 0), TRUE, NULL},
        {STACK_PASID_BITS, BASE_VERSION(7, 2, 0), TRUE, "x-pasid-mode"},
        {STACK_SCALABLE_MODE, BASE_VERSION(7, 1, 0), FALSE, NULL},
        {STACK_FIRST_STAGE, BASE_VERSION(10, 1, 0), FALSE, NULL},
        {STACK_FIRST_STAGE, BASE_VERSION(11, 0, 3), FALSE, NULL},
        {STACK_FIRST_STAGE, 0, FALSE, NULL},
    };
    const StackAttribute *attribute;
    gsize length = 0;

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        gboolean known = !rows[i].known;

        g_assert_cmpstr(stack_qemu_property(rows[i].capability, rows[i].qemu, &known), ==,
                        rows[i].name);
        g_assert_cmpint(known, ==, rows[i].known);
    }
    g_assert_nonnull(stack_attributes(&length));
    g_assert_cmpuint(length, ==, 18);
    attribute = stack_attribute(MODEL_IOMMU_SMMUV3, "ssidsize");
    g_assert_nonnull(attribute);
    g_assert_cmpuint(attribute->since, ==, BASE_VERSION(12, 7, 0));
    g_assert_null(stack_attribute(MODEL_IOMMU_SMMUV3, "ssidSize"));
    g_assert_null(stack_attribute(MODEL_IOMMU_VIRTIO, "caching_mode"));
    attribute = stack_attribute(MODEL_IOMMU_VIRTIO, "aw_bits");
    g_assert_nonnull(attribute);
    g_assert_cmpuint(attribute->since, ==, BASE_VERSION(12, 2, 0));
    g_assert_cmpstr(attribute->qemu, ==, "aw-bits");
    g_assert_cmpuint(stack_model_since(MODEL_IOMMU_AMD), ==, BASE_VERSION(11, 5, 0));
    g_assert_cmpuint(stack_model_since(MODEL_IOMMU_OTHER), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/view/memlock/libvirt", test_libvirt_figures);
    g_test_add_func("/view/memlock/libvirt-special", test_libvirt_special);
    g_test_add_func("/view/memlock/libvirt-ppc64", test_libvirt_ppc64);
    g_test_add_func("/view/memlock/spaces", test_spaces);
    g_test_add_func("/view/memlock/unknown", test_spaces_unknown);
    g_test_add_func("/view/stack", test_stack);
    return g_test_run();
}
