/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rule-vtd.h"

#include "rule-shared.h"

void
rule_vtd_check_width_value(RuleCall *call)
{
    BaseU64 width = call->iommu->aw_bits;
    gboolean first_stage = call->iommu->fsts == BASE_YES;
    g_autofree char *text = rule_width_text(call->view, call->iommu);

    if (!base_u64_is_known(width)) {
        if (first_stage)
            rule_unknown(call, "versions/qemu", "--qemu-version, or a machine with its version");
    } else if (first_stage && width.value != 48) {
        rule_fail(call, NULL, "aw_bits='48'", "%s, but first stage takes 48 only", text);
    } else if (width.value != 39 && width.value != 48) {
        rule_fail(call, NULL, NULL, "%s is neither 39 nor 48", text);
    }
}

void
rule_vtd_check_width_host(RuleCall *call)
{
    BaseU64 width = call->hostdev->viommu->aw_bits;
    g_autofree char *text = rule_width_text(call->view, call->hostdev->viommu);
    guint64 offered = 0;

    /* both defaults fit into 48 bits */
    if (!rule_host_width(call, &offered) || (!base_u64_is_known(width) && offered >= 48))
        return;
    if (!base_u64_is_known(width)) {
        rule_unknown(call, "versions/qemu", "--qemu-version, or a machine with its version");
        return;
    }
    if (width.value > offered)
        rule_fail(call, NULL,
                  offered >= 39
                      ? "aw_bits='39' in the vIOMMU's <driver>; guest memory must end below 512 GiB"
                      : "a virtio vIOMMU, whose aw_bits goes down to 32",
                  "%s exceeds the %" G_GUINT64_FORMAT " bits that this host offers behind %s", text,
                  offered, call->hostdev->unit->name);
}

void
rule_vtd_check_width_memory(RuleCall *call)
{
    guint64 top = rule_ram_top(call->view->domain);
    BaseU64 width = call->iommu->aw_bits;
    g_autofree char *end = base_format_size(top);
    g_autofree char *text = rule_width_text(call->view, call->iommu);

    /* 39 bits at least, by any version of QEMU and machine */
    if (!base_u64_is_known(width) && top <= G_GUINT64_CONSTANT(1) << 39)
        return;
    if (!base_u64_is_known(width)) {
        rule_unknown(call, "versions/qemu", "--qemu-version, or a machine with its version");
    } else if (width.value >= 64) {
        rule_not_applicable(call);
    } else if (top > G_GUINT64_CONSTANT(1) << width.value) {
        g_autofree char *limit = base_format_size(G_GUINT64_CONSTANT(1) << width.value);

        rule_fail(call, NULL, NULL, "guest memory ends at %s, and %s reaches %s", end, text, limit);
    }
}
