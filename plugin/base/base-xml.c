/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base-xml.h"

#include <stdarg.h>
#include <string.h>

BaseElement *
base_element_new(const char *name)
{
    BaseElement *element = g_new0(BaseElement, 1);

    element->name = g_strdup(name);
    element->names = g_ptr_array_new_with_free_func(g_free);
    element->values = g_ptr_array_new_with_free_func(g_free);
    element->children = g_ptr_array_new_with_free_func((GDestroyNotify)base_element_free);
    return element;
}

void
base_element_free(BaseElement *element)
{
    if (!element)
        return;
    g_free(element->name);
    g_free(element->text);
    g_ptr_array_unref(element->names);
    g_ptr_array_unref(element->values);
    g_ptr_array_unref(element->children);
    g_free(element);
}

static gboolean
find_attribute(const BaseElement *element, const char *name, guint *ret_index)
{
    return g_ptr_array_find_with_equal_func(element->names, name, g_str_equal, ret_index);
}

void
base_element_set(BaseElement *element, const char *name, const char *value)
{
    guint index;

    if (find_attribute(element, name, &index)) {
        g_free(element->values->pdata[index]);
        element->values->pdata[index] = g_strdup(value);
        return;
    }
    g_ptr_array_add(element->names, g_strdup(name));
    g_ptr_array_add(element->values, g_strdup(value));
}

void
base_element_setf(BaseElement *element, const char *name, const char *format, ...)
{
    g_autofree char *value = NULL;
    va_list args;

    va_start(args, format);
    value = g_strdup_vprintf(format, args);
    va_end(args);
    base_element_set(element, name, value);
}

const char *
base_element_get(const BaseElement *element, const char *name)
{
    guint index;

    return find_attribute(element, name, &index) ? element->values->pdata[index] : NULL;
}

BaseElement *
base_element_add(BaseElement *parent, const char *name)
{
    BaseElement *child = base_element_new(name);

    g_ptr_array_add(parent->children, child);
    return child;
}

void
base_xml_escape(const char *value, char quote, GString *out)
{
    for (; *value; value++) {
        if (*value == '&')
            g_string_append(out, "&amp;");
        else if (*value == '<')
            g_string_append(out, "&lt;");
        else if (*value == '>')
            g_string_append(out, "&gt;");
        else if (*value == quote)
            g_string_append(out, quote == '"' ? "&quot;" : "&apos;");
        else if ((guchar)*value < 0x20)
            g_string_append_printf(out, "&#%d;", *value);
        else
            g_string_append_c(out, *value);
    }
}

void
base_element_write(const BaseElement *element, guint indent, const char *newline, GString *out)
{
    g_string_append_printf(out, "%*s<%s", (int)indent, "", element->name);
    for (guint i = 0; i < element->names->len; i++) {
        g_string_append_printf(out, " %s='", (char *)element->names->pdata[i]);
        base_xml_escape(element->values->pdata[i], '\'', out);
        g_string_append_c(out, '\'');
    }
    if (element->text) {
        g_string_append_c(out, '>');
        base_xml_escape(element->text, '\0', out);
        g_string_append_printf(out, "</%s>%s", element->name, newline);
        return;
    }
    g_string_append(out, element->children->len ? ">" : "/>");
    g_string_append(out, newline);
    if (!element->children->len)
        return;
    for (guint i = 0; i < element->children->len; i++)
        base_element_write(element->children->pdata[i], indent + 2, newline, out);
    g_string_append_printf(out, "%*s</%s>%s", (int)indent, "", element->name, newline);
}
