/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "write.h"

BaseJson *
write_rule_json(const Rule *rule)
{
    BaseJson *document = json_object_new_object();

    json_object_object_add(document, "version", json_object_new_int(1));
    base_json_add_string(document, "rule", rule->id);
    base_json_add_string(document, "severity", rule_severity_name(rule->severity));
    base_json_add_string(document, "summary", rule->summary);
    base_json_add_string(document, "rationale", rule->rationale);
    base_json_add_string(document, "remedy", rule->remedy);
    base_json_add_string(document, "source", rule->source);
    base_json_add_string(document, "fixer", rule_fixer_name(rule->fixer));
    base_json_add_string(document, "scope", rule_scope_name(rule->scope));
    base_json_add_string(document, "effect", rule_effect_name(rule->effect));
    json_object_object_add(document, "certain", json_object_new_boolean(rule->certain));
    json_object_object_add(document, "demotable", json_object_new_boolean(rule->demotable));
    return document;
}
