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

/* One way to give devices a vIOMMU. */
typedef struct {
    ViommuMode mode;
    ModelIommuKind model;
} PlanCandidate;

#define PLAN_NO_CANDIDATE ((PlanCandidate){VIOMMU_MODE_NONE, MODEL_IOMMU_OTHER})

typedef struct {
    ViommuPlan *plan;
    const View *view;
    const ViommuHost *host;
    const ViommuDomain *domain;
    const ViommuPolicy *policy;
    ViommuTarget target;
    PlanFamily family;
    PlanCandidate candidate; /* being looked at; in the end the one that was taken */
    gboolean anonymous;      /* nothing about the plan goes into <metadata> */
    gboolean live;           /* the domain runs: a device is to be plugged in */
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

/* Runs the checks of the candidate for this device; adds what falls to @strikes (of
 * PlanRejection). */
gboolean plan_mode_works(const PlanWork *work, const ViewHostdev *hostdev, GPtrArray *strikes);
/* Whether a device of that usage can do with that mode at all */
gboolean plan_mode_serves(ViommuMode mode, ViommuUsage usage);
/* Whether the device is to be behind a vIOMMU: its usage, the policy, or one that is there
 * already */
gboolean plan_wants_viommu(const PlanWork *work, const ViewHostdev *hostdev);
gboolean plan_policy_has(const PlanWork *work, ViommuMode mode);
/* Whether the policy makes an error of what @rule says: then no plan may bring it about. */
gboolean plan_policy_forbids(const PlanWork *work, const char *rule);
PlanRejection *plan_rejection_new(const ViewHostdev *hostdev, PlanCandidate candidate,
                                  const char *rule, const char *would_help, const char *reason);
void plan_rejection_free(PlanRejection *rejection);
/* Gives every device its mode, or adds rejections and leaves the plan invalid. */
void plan_choose(PlanWork *work);

/* Checks that every mode with a vIOMMU shares: on this host, nobody else in its group. */
gboolean plan_check_present(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike);
gboolean plan_check_direct(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike);
gboolean plan_check_group(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike);
/* Notes at devices behind a vIOMMU that are not alone in their group, once the modes are chosen. */
void plan_note_groups(PlanWork *work);
/* Of the vIOMMUs that are there: more than one on x86, one by hand, one of another family. */
gboolean plan_check_existing(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike);
gboolean plan_check_shadow_host(const PlanWork *work, const ViewHostdev *hostdev,
                                PlanStrike *strike);
/* What the host itself says of nesting, by @rule; with the step that would give more. */
gboolean plan_check_nests(const PlanWork *work, const ViewHostdev *hostdev, const char *rule,
                          PlanStrike *strike);
/* What the rules of these families say of a vIOMMU that is kept and not mended. */
gboolean plan_strike_by_rules(const PlanWork *work, const ViewHostdev *hostdev,
                              const char *const *families, PlanStrike *strike);
/* Whether the target libvirt takes @attribute of that model. */
gboolean plan_check_attribute(const PlanWork *work, ModelIommuKind model, const char *attribute,
                              PlanStrike *strike);

/* --- plan-vtd.c, plan-virtio.c, plan-smmu.c, plan-smmu-values.c: the models --- */

/* NULL-terminated; what they check comes on top of the common checks */
const PlanCheck *plan_vtd_checks(ViommuMode mode);
const PlanCheck *plan_smmu_checks(void);
const PlanCheck *plan_virtio_checks(void);
/* The first vIOMMU of the domain, be it one that libvirt adds; NULL: none */
const ViewIommu *plan_viommu(const PlanWork *work);
/* One that the XML writes; NULL: none */
const ViewIommu *plan_viommu_written(const PlanWork *work);
/* Line of its element; 0: none */
guint plan_viommu_line(const PlanWork *work, const ViewIommu *viommu);
/* Decide the one vIOMMU that covers every bus, and its attributes. */
void plan_vtd_write(PlanWork *work, ViommuMode mode);
void plan_virtio_write(PlanWork *work);
/* Of a vIOMMU that has no device yet, what cannot be changed once the domain runs. */
void plan_vtd_write_for_hotplug(PlanWork *work);
/* Whether the plan gives the domain a vIOMMU over every bus that it did not have. */
gboolean plan_viommu_is_new(const PlanWork *work);
/* <acpi/>: the guest learns of the vIOMMU from it. */
void plan_write_acpi(PlanWork *work);
/* End of the guest's RAM and memory to come. Bytes. */
guint64 plan_guest_memory_end(const ViommuDomain *domain);
/* End of what the guest addresses: that, and 64-bit BARs. Bytes. */
guint64 plan_guest_space(const PlanWork *work);
/* --- plan-iommufd.c --- */
/* Whether the policy lets memory that iommufd counts be added up over all domains of a user. */
gboolean plan_check_per_user(const PlanWork *work, const ViewHostdev *hostdev, PlanStrike *strike);
/* Gives the device the iommufd backend; @why: what for. */
void plan_iommufd_write(PlanWork *work, const PlanDevice *device, const char *because,
                        const char *rule);
/* Makes iommufd the domain's default for devices to come, where that changes no other device. */
void plan_iommufd_write_default(PlanWork *work, const char *because, const char *rule);
/* Which vSMMU serves which physical SMMU; fills work->smmus. FALSE: rejected. */
gboolean plan_smmu_match(PlanWork *work);
/* Decides the attributes, once the buses have their numbers. */
void plan_smmu_write(PlanWork *work);
/* "smmu3.0x11000000" */
char *plan_unit_name(const HostIommu *unit);
/* x86 with first stage: the same of its vIOMMU */
guint plan_first_stage_pasid_bits(const PlanWork *work);
/* PASID bits that the vSMMU for that unit should offer: 0 where no device asks for any */
guint plan_smmu_ssidsize(const PlanWork *work, const PlanSmmu *smmu);
/* Those that it will offer, once it is written: a width that was there may stay */
guint plan_smmu_offered_pasid(const PlanSmmu *smmu);

/* --- plan-place.c, plan-slot.c, plan-bus.c: where devices sit --- */

/* Gives every device and port its place and writes the edits. FALSE: rejected. */
gboolean plan_place(PlanWork *work);
/* Whether @other is sound, USB or its controller of the same card, which nobody uses without the
 * GPU, and somebody put the card and nothing else into one slot of the guest */
gboolean plan_slot_is_card_of(const PlanWork *work, const ViewHostdev *gpu,
                              const ViewHostdev *other);

/* --- plan-window.c --- */

/* Room for the BARs of the devices, where virt's own is too small. */
void plan_window(PlanWork *work);
/* Whether that can be written, and is not for somebody else to do */
gboolean plan_window_is_ours(const PlanWork *work);
/* Whether they, and the windows of spare ports, have too little and nothing can be written */
gboolean plan_window_is_short(const PlanWork *work);

/* --- plan-limits.c, plan-pasid.c --- */

void plan_limits(PlanWork *work);
void plan_pasid(PlanWork *work);
/* The width of a PASID in PCI: QEMU 11.1 hw/i386/intel_iommu.c:5587, qapi/misc-arm.json */
#define PLAN_WIDEST_PASID 20
/* What the policy lets a domain have, at most that */
guint plan_widest_pasid(const PlanWork *work);
/* Known to have no PASID capability */
gboolean plan_lacks_pasid(const HostDevice *fact);
gboolean plan_check_pasid_device(const PlanWork *work, const ViewHostdev *hostdev,
                                 PlanStrike *strike);

/* --- plan-provenance.c --- */

/* Writes who planned this, where the plan writes anything; the last of the edits to be made. */
void plan_provenance(PlanWork *work);

/* --- plan-rest.c --- */

/* FALSE: an error stays that somebody must mend by hand. */
gboolean plan_rest(PlanWork *work);
/* Takes out what libvirt drops or refuses on the <driver> of that model. */
void plan_clean_driver(PlanWork *work, const ModelIommu *iommu);
