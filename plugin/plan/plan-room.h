/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of this room share while they make one plan. Private to the room. */
#pragma once

#include "plan.h"

#include "plan-layout.h"

typedef enum {
    PLAN_FAMILY_X86,   /* q35: one vIOMMU, which covers every bus */
    PLAN_FAMILY_ARM,   /* virt: a vIOMMU for each root bus */
    PLAN_FAMILY_OTHER, /* no vIOMMU that an assigned device could use */
} PlanFamily;

/* One accelerated vSMMU of the planned domain and the root bus that it covers. */
typedef struct {
    const HostIommu *unit;     /* the physical SMMU; NULL: its devices come later, by hotplug */
    const ViewIommu *existing; /* the <iommu> that it is made of; NULL: a new one */
    guint bus;                 /* controller index; G_MAXUINT until the expander is made */
    GPtrArray *devices;        /* of PlanDevice, borrowed */
    PlanIommu *iommu;          /* in the plan's list, borrowed */
} PlanSmmu;

typedef struct {
    ViommuPlan *plan;
    const View *view;
    const ViommuHost *host;
    const ViommuDomain *domain;
    const ViommuPolicy *policy;
    ViommuTarget target;
    PlanFamily family;
    guint spares; /* free hotplug ports wanted on each bus where a device may have to go */
    PlanLayout *layout;
    GPtrArray *smmus; /* of PlanSmmu */
} PlanWork;

/* --- plan.c: making and reading the parts of a plan --- */

PlanDevice *plan_device_of(const PlanWork *work, const ViewHostdev *hostdev);
/* (transfer none): a new entry in the plan's list */
PlanIommu *plan_iommu_add(PlanWork *work, ModelIommuKind model, ViommuMode mode,
                          const ModelIommu *existing);
void plan_note(PlanWork *work, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Adds @format to what is said of this device. */
void plan_device_note(PlanDevice *device, const char *format, ...) G_GNUC_PRINTF(2, 3);
void plan_action(PlanWork *work, const char *who, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* --- plan-mode.c, plan-merge.c: what each device gets --- */

/* Why a candidate falls. */
typedef struct {
    const char *rule; /* NULL */
    char *reason, *would_help;
} PlanStrike;

/* Fills @strike and returns TRUE, so that a check can end with it. @would_help may be NULL. */
gboolean plan_strike(PlanStrike *strike, const char *rule, const char *would_help,
                     const char *format, ...) G_GNUC_PRINTF(4, 5);
/* TRUE when the candidate falls. */
typedef gboolean (*PlanCheck)(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike);

/* Runs the checks of @mode for this device; adds what falls to @strikes (of PlanRejection). */
gboolean plan_mode_works(const PlanWork *work, const ViewHostdev *hostdev, ViommuMode mode,
                         GPtrArray *strikes);
/* Whether a device of that usage can do with that mode at all */
gboolean plan_mode_serves(ViommuMode mode, ViommuUsage usage);
/* Whether the device is to be behind a vIOMMU: its usage, or one that is there already */
gboolean plan_wants_viommu(const PlanWork *work, const ViewHostdev *hostdev);
PlanRejection *plan_rejection_new(const ViewHostdev *hostdev, ViommuMode mode, const char *rule,
                                  const char *would_help, const char *reason);
void plan_rejection_free(PlanRejection *rejection);
/* Gives every device its mode, or adds rejections and leaves the plan invalid. */
void plan_choose(PlanWork *work);

/* Checks that every mode with a vIOMMU shares: on this host, one function in its group. */
gboolean plan_check_present(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike);
gboolean plan_check_direct(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike);
gboolean plan_check_group(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike);
/* Whether the target libvirt takes @attribute of that model. */
gboolean plan_check_attribute(const PlanWork *work, ModelIommuKind model, const char *attribute,
                              PlanStrike *strike);

/* --- plan-vtd.c, plan-smmu.c, plan-smmu-values.c: the two families --- */

/* NULL-terminated; what they check comes on top of the common checks */
const PlanCheck *plan_vtd_checks(ViommuMode mode);
const PlanCheck *plan_smmu_checks(void);
/* For a virtio vIOMMU that the domain has already: kept, never written. */
const PlanCheck *plan_virtio_checks(void);
/* Decides the one vIOMMU of x86 and its attributes. */
void plan_vtd_write(PlanWork *work, ViommuMode mode);
/* Whether the plan gives an x86 domain a vIOMMU that it did not have. */
gboolean plan_vtd_is_new(const PlanWork *work);
/* Which vSMMU serves which physical SMMU; fills work->smmus. FALSE: rejected. */
gboolean plan_smmu_match(PlanWork *work);
/* Decides the attributes, once the buses have their numbers. */
void plan_smmu_write(PlanWork *work);
/* "smmu3.0x11000000" */
char *plan_unit_name(const HostIommu *unit);
/* PASID bits that the vSMMU for that unit should offer: 0 where no device asks for any */
guint plan_smmu_ssidsize(const PlanWork *work, const PlanSmmu *smmu);

/* --- plan-place.c, plan-bus.c: where devices sit --- */

/* Gives every device and port its place and writes the edits. FALSE: rejected. */
gboolean plan_place(PlanWork *work);

/* --- plan-limits.c, plan-pasid.c --- */

void plan_limits(PlanWork *work);
void plan_pasid(PlanWork *work);

/* --- plan-rest.c --- */

/* FALSE: an error stays that somebody must mend by hand. */
gboolean plan_rest(PlanWork *work);
/* Takes out what libvirt drops or refuses on the <driver> of that model. */
void plan_clean_driver(PlanWork *work, const ModelIommu *iommu);
