/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * placement-check [--complete] INPUT OUTPUT...: compares the addresses that we predict for INPUT
 * with those that libvirt wrote into OUTPUT, its dump of the same domain. Prints what differs and
 * the totals; exit status 1 when a prediction was wrong, or with --complete when one is missing.
 */
#include <stdio.h>
#include <string.h>

#include "model.h"

typedef struct {
    guint right, wrong, unknown;
    const char *file;
} Tally;

static void
judge(Tally *tally, const char *what, const ModelAddress *ours, const ModelAddress *theirs)
{
    g_autofree char *predicted = base_pci_format(ours->pci);
    g_autofree char *real = theirs ? base_pci_format(theirs->pci) : g_strdup("none");

    if (ours->kind == MODEL_ADDRESS_UNKNOWN) {
        tally->unknown++;
        printf("%s: %s: unknown, libvirt: %s\n", tally->file, what, real);
    } else if (ours->kind == MODEL_ADDRESS_PREDICTED) {
        gboolean same = theirs && theirs->kind == MODEL_ADDRESS_WRITTEN &&
                        base_pci_equal(ours->pci, theirs->pci);

        tally->right += same;
        tally->wrong += !same;
        if (!same)
            printf("%s: %s: predicted %s, libvirt: %s\n", tally->file, what, predicted, real);
    }
}

static void
judge_controllers(Tally *tally, const ViommuDomain *in, const ViommuDomain *out)
{
    const GPtrArray *lists[] = {in->controllers, in->added_controllers};

    for (guint l = 0; l < G_N_ELEMENTS(lists); l++) {
        for (guint i = 0; i < lists[l]->len; i++) {
            const ModelController *ours = lists[l]->pdata[i];
            const ModelController *theirs = model_controller(out, ours->index);
            gboolean same = theirs && theirs->kind == ours->kind;
            g_autofree char *what = g_strdup_printf("controller %u %s", ours->index, ours->model);

            judge(tally, what, &ours->address, same ? &theirs->address : NULL);
        }
    }
}

/* Controllers of which we said nothing: wrong, unless we said that we cannot tell something. */
static void
judge_unforeseen(Tally *tally, const ViommuDomain *in, const ViommuDomain *out)
{
    gboolean unsure = tally->unknown > 0;

    for (guint i = 0; i < out->controllers->len; i++) {
        const ModelController *theirs = out->controllers->pdata[i];

        if (model_controller(in, theirs->index))
            continue;
        printf("%s: controller %u %s not foreseen\n", tally->file, theirs->index, theirs->model);
        tally->unknown += unsure;
        tally->wrong += !unsure;
    }
}

/* The device of the same class, index and (for controllers) name at the same place of the order. */
static gboolean
alike(const ModelEndpoint *a, const ModelEndpoint *b)
{
    return a->rank == b->rank && a->index == b->index &&
           (!strstr(a->what, " controller ") || strcmp(a->what, b->what) == 0);
}

static const ModelEndpoint *
twin(const ViommuDomain *in, const ViommuDomain *out, guint index)
{
    const ModelEndpoint *ours = in->endpoints->pdata[index];
    guint before = 0;

    for (guint i = 0; i < index; i++)
        before += alike(ours, in->endpoints->pdata[i]) ? 1 : 0;
    for (guint i = 0; i < out->endpoints->len; i++)
        if (alike(ours, out->endpoints->pdata[i]) && before-- == 0)
            return out->endpoints->pdata[i];
    return NULL;
}

static gboolean
is_interface(const ModelHostdev *hostdev)
{
    return hostdev->kind == MODEL_HOSTDEV_INTERFACE || hostdev->kind == MODEL_HOSTDEV_NETWORK;
}

/* libvirt lists interfaces before hostdevs, so they are told apart by kind. */
static const ModelHostdev *
hostdev_twin(const ViommuDomain *in, const ViommuDomain *out, guint index)
{
    const ModelHostdev *ours = in->hostdevs->pdata[index];
    guint before = 0;

    for (guint i = 0; i < index; i++)
        before += is_interface(in->hostdevs->pdata[i]) == is_interface(ours);
    for (guint i = 0; i < out->hostdevs->len; i++)
        if (is_interface(out->hostdevs->pdata[i]) == is_interface(ours) && before-- == 0)
            return out->hostdevs->pdata[i];
    return NULL;
}

static void
compare(Tally *tally, const ViommuDomain *in, const ViommuDomain *out)
{
    judge_controllers(tally, in, out);
    for (guint i = 0; i < in->endpoints->len; i++) {
        const ModelEndpoint *ours = in->endpoints->pdata[i];
        const ModelEndpoint *theirs = twin(in, out, i);

        judge(tally, ours->what, &ours->address, theirs ? &theirs->address : NULL);
    }
    for (guint i = 0; i < in->hostdevs->len; i++) {
        const ModelHostdev *ours = in->hostdevs->pdata[i];
        const ModelHostdev *theirs = hostdev_twin(in, out, i);

        if (ours->kind != MODEL_HOSTDEV_NETWORK)
            judge(tally, "hostdev", &ours->address, theirs ? &theirs->address : NULL);
    }
    for (guint i = 0; i < in->iommus->len; i++) {
        const ModelIommu *ours = in->iommus->pdata[i];
        const ModelIommu *theirs = i < out->iommus->len ? out->iommus->pdata[i] : NULL;

        judge(tally, "iommu", &ours->address, theirs ? &theirs->address : NULL);
    }
    judge_unforeseen(tally, in, out);
}

int
main(int argc, char **argv)
{
    gboolean complete = argc > 1 && strcmp(argv[1], "--complete") == 0;
    Tally total = {0};

    for (int i = complete ? 2 : 1; i + 1 < argc; i += 2) {
        g_autoptr(GError) error = NULL;
        g_autoptr(ViommuDomain) in = model_domain_load(argv[i], &error);
        g_autoptr(ViommuDomain) out = in ? model_domain_load(argv[i + 1], &error) : NULL;
        Tally tally = {.file = argv[i]};

        if (!out) {
            printf("%s\n", error->message);
            return 2;
        }
        model_domain_place(in);
        model_domain_place(out);
        compare(&tally, in, out);
        total.right += tally.right;
        total.wrong += tally.wrong;
        total.unknown += tally.unknown;
    }
    printf("%u right, %u wrong, %u unknown\n", total.right, total.wrong, total.unknown);
    return total.wrong || total.right == 0 || (complete && total.unknown) ? 1 : 0;
}
