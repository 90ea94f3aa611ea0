/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The devices of a domain that need a PCI address, in the order in which libvirt serves them. */
#pragma once

#include "model.h"

/* One device that takes part. */
typedef struct {
    ModelAddress *address;
    const xmlNode *node;               /* NULL: libvirt adds it */
    const ModelController *controller; /* a PCI controller, else NULL */
    const ModelEndpoint *endpoint;     /* an emulated device, else NULL */
    guint flags;                       /* ModelSlotFlags */
    gint usb_function; /* of the four functions of an ICH9 USB 2 controller; else -1 */
    gboolean placed;
    BasePci chosen;
} ModelItem;

/* What we cannot know; a place is told only where all answers lead to the same one. */
typedef enum {
    /* An interface of type network without model: its network is a pool of host devices (PCI
     * Express), not a network with rtl8139 (conventional). Only the host knows. */
    MODEL_GUESS_POOL = 1 << 0,
    /* Added controllers come last, one after the other (libvirt 9.0, virDomainDefAddController),
     * not by type and index (11.3). */
    MODEL_GUESS_LATE = 1 << 1,
    /* SCSI controllers without model are virtio-scsi on ARM virt, and elsewhere where libvirt adds
     * them beside a written virtio-scsi one (seen with libvirt 12.8); they are lsilogic for
     * qemuDomainGetSCSIControllerModel of 9.0 and 11.3. */
    MODEL_GUESS_SCSI = 1 << 2,
    MODEL_GUESS_ALL = MODEL_GUESS_POOL | MODEL_GUESS_LATE | MODEL_GUESS_SCSI,
} ModelGuess;

/* One attempt at placing them. */
typedef struct {
    ViommuDomain *domain;
    guint guess;
    guint matters;    /* guesses that make a difference for this domain */
    GArray *items;    /* of ModelItem */
    GArray *refusals; /* of ModelRefusal: why it failed */
    GPtrArray *added; /* of ModelController: those that libvirt will add, by index */
} ModelRun;

ModelRun *model_run_new(ViommuDomain *domain, guint guess);
void model_run_free(ModelRun *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ModelRun, model_run_free)

/* Lists them anew, added controllers included. */
void model_run_list(ModelRun *run);
ModelItem *model_run_item(const ModelRun *run, guint index);
/* The emulated device of that element; NULL: none */
ModelEndpoint *model_run_endpoint(const ModelRun *run, const xmlNode *node);
gboolean model_has_pcie_root(const ViommuDomain *domain);
