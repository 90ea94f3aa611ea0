/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The PCI buses of the planned domain: the controllers that are there and those to be added, and
 * which slots are taken. Knows libvirt's and QEMU's rules for buses, nothing of vIOMMUs.
 * Private to the room.
 */
#pragma once

#include "model.h"

typedef struct {
    guint index;
    ModelBusKind kind;
    const ModelController *existing; /* NULL: to be added */
    BasePci address;                 /* bus: index of the parent; meaningless for the root bus 0 */
    gboolean multifunction;
    guint chassis, port; /* new ports only */
    guint bus_nr;        /* expanders; 0: libvirt chooses */
    gboolean bus_nr_new; /* differs from what is written */
    BaseU64 cell;        /* expanders: guest NUMA cell; UNKNOWN: none */
    char *because;       /* new ones: what for */
    const char *rule;    /* that it answers; NULL */
} PlanController;

typedef struct PlanLayout PlanLayout;

PlanLayout *plan_layout_new(const ViommuDomain *domain);
void plan_layout_free(PlanLayout *layout);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PlanLayout, plan_layout_free)

/* (transfer none): of PlanController, ascending index */
const GPtrArray *plan_layout_controllers(const PlanLayout *layout);
/* (transfer none) (nullable) */
PlanController *plan_layout_find(const PlanLayout *layout, guint index);
/* Root bus above a controller; G_MAXUINT: not known */
guint plan_layout_root(const PlanLayout *layout, guint index);
/* Number of bus numbers that firmware hands out below a root bus, itself not counted */
guint plan_layout_buses_below(const PlanLayout *layout, guint root);

void plan_layout_take(PlanLayout *layout, BasePci address);
void plan_layout_release(PlanLayout *layout, BasePci address);
/* Devices and controllers plugged into a bus. */
guint plan_layout_users(const PlanLayout *layout, guint bus);
/* A generic root port or nothing: ioh3420 has no ACS, so the guest sees it and its device as one
 * group (QEMU 11.1 hw/pci-bridge/gen_pcie_root_port.c:156; Linux 7.2 guests). */
gboolean plan_layout_is_generic_port(const PlanController *controller);
/* Indexes of the free root ports below @root that allow hotplug, ascending. (transfer full) */
GArray *plan_layout_free_ports(const PlanLayout *layout, guint root);

/* Makers; each returns NULL when the domain has no room for it. */
PlanController *plan_layout_add_port(PlanLayout *layout, guint root, const char *because);
/* On bus 0, with an index below @limit: QEMU makes buses in their order, so that a bridge of that
 * index finds its port. NULL also when no such index is free. */
PlanController *plan_layout_add_port_below(PlanLayout *layout, guint limit, const char *because);
PlanController *plan_layout_add_expander(PlanLayout *layout, const char *because);
/* A pcie-to-pci-bridge on a port of its own on bus 0 */
PlanController *plan_layout_add_bridge(PlanLayout *layout, const char *because);
/* A free slot of a conventional bus; FALSE: full */
gboolean plan_layout_free_slot(const PlanLayout *layout, guint bus, guint *ret_slot);

/* plan-bus.c: gives every expander below which something is new a bus number with room for all
 * its buses. FALSE: 256 numbers do not suffice. */
gboolean plan_bus_number(PlanLayout *layout);
/* plan-bus.c: the guest NUMA cell that numatune backs with memory of that host node; UNKNOWN
 * when the guest has no cells or nothing says which. */
BaseU64 plan_bus_cell(const ViommuDomain *domain, BaseU64 host_node);
/* plan-bus.c: an expander of the domain that is of that cell; 0: none */
guint plan_bus_near(const PlanLayout *layout, const ViommuDomain *domain, BaseU64 host_node);
/* TRUE once something was added */
gboolean plan_layout_changed(const PlanLayout *layout);
