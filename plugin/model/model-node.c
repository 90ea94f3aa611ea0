/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model-private.h"

#include <stdarg.h>
#include <string.h>

#include "base-text.h"
#include "viommu/viommu-error.h"

gboolean
model_refuse(const ViommuDomain *domain, const xmlNode *element, GError **error, const char *format,
             ...)
{
    g_autofree char *message = NULL;
    va_list args;

    va_start(args, format);
    message = base_one_line(g_strdup_vprintf(format, args));
    va_end(args);
    g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_SCHEMA, "%s:%u: %s", domain->file,
                model_span(domain, element)->line, message);
    return FALSE;
}

/* Most names that are looked at are not the one that is looked for, and begin otherwise. */
static gboolean
is_name(const xmlChar *name, const char *wanted)
{
    return *name == (xmlChar)*wanted && strcmp((const char *)name, wanted) == 0;
}

gboolean
model_is(const xmlNode *element, const char *name)
{
    return element && !element->ns && is_name(element->name, name);
}

gboolean
model_is_in(const xmlNode *element, const char *name, const char *name_space)
{
    return element && element->ns && element->ns->href &&
           strcmp((const char *)element->ns->href, name_space) == 0 &&
           strcmp((const char *)element->name, name) == 0;
}

static xmlNode *
element_from(xmlNode *node)
{
    while (node && node->type != XML_ELEMENT_NODE)
        node = node->next;
    return node;
}

xmlNode *
model_first_element(const xmlNode *parent)
{
    return parent ? element_from(parent->children) : NULL;
}

xmlNode *
model_next_element(const xmlNode *element)
{
    return element_from(element->next);
}

xmlNode *
model_next(const xmlNode *element, const char *name)
{
    xmlNode *next = model_next_element(element);

    while (next && !model_is(next, name))
        next = model_next_element(next);
    return next;
}

xmlNode *
model_child(const xmlNode *parent, const char *name)
{
    xmlNode *first = model_first_element(parent);

    return !first || model_is(first, name) ? first : model_next(first, name);
}

const char *
model_value(const xmlNode *element, const char *name)
{
    const xmlAttr *it = element ? element->properties : NULL;

    while (it && (it->ns || !is_name(it->name, name)))
        it = it->next;
    if (!it)
        return NULL;
    return it->children && it->children->content ? (const char *)it->children->content : "";
}

char *
model_attribute(const xmlNode *element, const char *name)
{
    return g_strdup(model_value(element, name));
}

gboolean
model_attribute_is(const xmlNode *element, const char *name, const char *value)
{
    return g_strcmp0(model_value(element, name), value) == 0;
}

char *
model_text(const xmlNode *element)
{
    const xmlNode *first = element ? element->children : NULL;
    g_autoptr(XmlText) pieces = NULL;
    g_autofree char *text = NULL;

    if (!first)
        return NULL;
    if (first->type != XML_TEXT_NODE || first->next) /* comments in between, or elements */
        pieces = (XmlText *)xmlNodeGetContent((xmlNode *)element);
    text = g_strstrip(g_strdup(pieces ? pieces : (const char *)first->content));
    return *text ? g_steal_pointer(&text) : NULL;
}

char *
model_alias(const xmlNode *device)
{
    return base_one_line(model_attribute(model_child(device, "alias"), "name"));
}

BaseU64
model_number(const xmlNode *element, const char *name, guint base)
{
    const char *text = model_value(element, name);
    guint64 value;

    if (!text)
        return base_u64_absent();
    return base_parse_loose_u64(text, base, &value) ? base_u64(value) : (BaseU64){0};
}

BaseTri
model_switch(const xmlNode *element, const char *name)
{
    const char *text = model_value(element, name);

    if (g_strcmp0(text, "yes") == 0 || g_strcmp0(text, "on") == 0)
        return BASE_YES;
    if (g_strcmp0(text, "no") == 0 || g_strcmp0(text, "off") == 0)
        return BASE_NO;
    return BASE_UNKNOWN;
}

static gboolean
same_name(const xmlNode *node, const xmlNode *element)
{
    return node->type == XML_ELEMENT_NODE && node->ns == element->ns &&
           xmlStrEqual(node->name, element->name);
}

/* Gives each sibling of that name its 1-based place; 0 when @element is the only one. */
static void
count_siblings(const xmlNode *element, GHashTable *places)
{
    guint count = 0;

    for (xmlNode *node = element->parent->children; node; node = node->next)
        if (same_name(node, element))
            g_hash_table_insert(places, node, GUINT_TO_POINTER(++count));
    if (count == 1)
        g_hash_table_insert(places, (xmlNode *)element, GUINT_TO_POINTER(0));
}

static guint
sibling_place(const xmlNode *element, GHashTable *places)
{
    if (!g_hash_table_contains(places, element))
        count_siblings(element, places);
    return GPOINTER_TO_UINT(g_hash_table_lookup(places, element));
}

static void
append_steps(const xmlNode *element, GHashTable *places, GString *path)
{
    guint place;

    if (!element || element->type != XML_ELEMENT_NODE)
        return;
    append_steps(element->parent, places, path);
    g_string_append_c(path, '/');
    if (element->ns && element->ns->prefix)
        g_string_append_printf(path, "%s:", (const char *)element->ns->prefix);
    g_string_append(path, (const char *)element->name);
    place = sibling_place(element, places);
    if (place)
        g_string_append_printf(path, "[%u]", place);
}

char *
model_xpath(const xmlNode *element, GHashTable *places)
{
    g_autoptr(GHashTable) own = places ? g_hash_table_ref(places) : g_hash_table_new(NULL, NULL);
    GString *path = g_string_new(NULL);

    append_steps(element, own, path);
    return g_string_free(path, FALSE);
}
