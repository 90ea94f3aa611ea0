/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The answer as a hotplug-1 document and for people. */
#include "hotplug-room.h"

#include "base-text.h"

static BaseJson *
strings_to_json(const GPtrArray *strings)
{
    BaseJson *array = json_object_new_array();

    for (guint i = 0; i < strings->len; i++)
        json_object_array_add(array, json_object_new_string(strings->pdata[i]));
    return array;
}

static BaseJson *
reasons_to_json(const Hotplug *hotplug)
{
    BaseJson *array = json_object_new_array();

    for (guint i = 0; i < hotplug->reasons->len; i++) {
        const HotplugReason *reason = hotplug->reasons->pdata[i];
        BaseJson *object = json_object_new_object();

        base_json_add_string(object, "reason", reason->text);
        base_json_add_string(object, "rule", reason->rule);
        base_json_add_string(object, "would_help", reason->would_help);
        json_object_array_add(array, object);
    }
    return array;
}

static BaseJson *
memlock_to_json(const Hotplug *hotplug)
{
    BaseJson *object = json_object_new_object();

    base_json_add_u64(object, "before", hotplug->before);
    base_json_add_u64(object, "after", hotplug->after);
    if (hotplug->libvirt.state != BASE_STATE_KNOWN || hotplug->libvirt.value != G_MAXUINT64)
        base_json_add_u64(object, "libvirt", hotplug->libvirt);
    return object;
}

BaseJson *
hotplug_to_json(const Hotplug *hotplug)
{
    BaseJson *root = json_object_new_object();

    json_object_object_add(root, "hotplug", json_object_new_int(1));
    base_json_add_string(root, "action", hotplug->detach ? "detach" : "attach");
    json_object_object_add(root, "feasible", json_object_new_boolean(hotplug->feasible));
    base_json_add_string(root, "domain", hotplug->domain);
    base_json_add_string(root, "alias", hotplug->alias);
    base_json_add_string(root, "address", hotplug->address);
    base_json_add_string(root, "where", hotplug->where);
    base_json_add_u64(root, "bus", hotplug->bus);
    base_json_add_string(root, "xml", hotplug->xml);
    if (hotplug->usage_told) {
        base_json_add_string(root, "usage", policy_usage_name(hotplug->usage));
        base_json_add_string(root, "mode", policy_mode_name(hotplug->mode));
    }
    json_object_object_add(root, "locked_memory", memlock_to_json(hotplug));
    json_object_object_add(root, "first", strings_to_json(hotplug->first));
    json_object_object_add(root, "reasons", reasons_to_json(hotplug));
    json_object_object_add(root, "notes", strings_to_json(hotplug->notes));
    return root;
}

/* --- for people --- */

static void
render_reasons(const Hotplug *hotplug, const char *label, GString *out)
{
    g_string_append_printf(out, "%s: %s cannot be %s\n",
                           hotplug->domain ? hotplug->domain : "domain", label,
                           hotplug->detach ? "unplugged" : "plugged in");
    for (guint i = 0; i < hotplug->reasons->len; i++) {
        const HotplugReason *reason = hotplug->reasons->pdata[i];

        g_string_append_printf(out, "  %s", reason->text);
        if (reason->rule)
            g_string_append_printf(out, " [%s]", reason->rule);
        g_string_append_printf(out, "\n  would help: %s\n",
                               reason->would_help ? reason->would_help
                                                  : "nothing while the domain runs");
    }
}

static void
render_limits(const Hotplug *hotplug, GString *out)
{
    g_autofree char *before = base_format_size(hotplug->before.value);
    g_autofree char *after = base_format_size(hotplug->after.value);

    if (!base_u64_is_known(hotplug->before) || !base_u64_is_known(hotplug->after))
        return;
    g_string_append_printf(out, "  locked memory: %s accounted before, %s after%s\n", before, after,
                           hotplug->first->len == 0 && base_u64_is_known(hotplug->libvirt)
                               ? "; libvirt raises the limit at the attach"
                               : "");
}

void
hotplug_render(const Hotplug *hotplug, const WriteStyle *style, GString *out)
{
    g_autofree char *label =
        hotplug->alias && hotplug->address
            ? g_strdup_printf("%s (%s)", hotplug->alias, hotplug->address)
            : g_strdup(hotplug->alias ? hotplug->alias
                                      : (hotplug->address ? hotplug->address : "the device"));

    if (!hotplug->feasible) {
        render_reasons(hotplug, label, out);
        return;
    }
    if (!style->quiet && hotplug->usage_told)
        g_string_append_printf(out, "%s: %s goes to %s, mode %s\n",
                               hotplug->domain ? hotplug->domain : "domain", label,
                               hotplug->where ? hotplug->where : "where libvirt places it",
                               policy_mode_name(hotplug->mode));
    if (!style->quiet && !hotplug->detach)
        render_limits(hotplug, out);
    for (guint i = 0; i < hotplug->first->len; i++)
        g_string_append_printf(out, "  first: %s\n", (char *)hotplug->first->pdata[i]);
    for (guint i = 0; !style->quiet && i < hotplug->notes->len; i++)
        g_string_append_printf(out, "  note: %s\n", (char *)hotplug->notes->pdata[i]);
}
