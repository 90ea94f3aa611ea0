/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cleanup for libxml2 types, and small trees of XML that are yet to be written. */
#pragma once

#include <glib.h>
#include <libxml/tree.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)

typedef char XmlText;
static inline void
base_xml_text_free(XmlText *text)
{
    xmlFree(text);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(XmlText, base_xml_text_free)

/* An element that a plan wants to exist: name, attributes in order, children or text. */
typedef struct BaseElement BaseElement;
struct BaseElement {
    char *name;          /* qualified: "driver", "qemu:property" */
    GPtrArray *names;    /* of char *, attribute names */
    GPtrArray *values;   /* of char *, same length */
    GPtrArray *children; /* of BaseElement * */
    char *text;          /* NULL when there is none */
};

BaseElement *base_element_new(const char *name);
void base_element_free(BaseElement *element);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BaseElement, base_element_free)

/* Sets or replaces an attribute. */
void base_element_set(BaseElement *element, const char *name, const char *value);
void base_element_setf(BaseElement *element, const char *name, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
const char *base_element_get(const BaseElement *element, const char *name);
/* Appends a new child and returns it, owned by @parent. */
BaseElement *base_element_add(BaseElement *parent, const char *name);
/* Appends libvirt text with single-quoted attributes, one element a line, @indent spaces deep;
 * @newline is "\n" or "\r\n". */
void base_element_write(const BaseElement *element, guint indent, const char *newline,
                        GString *out);
/* Appends @value escaped for an attribute in quotes of kind @quote. */
void base_xml_escape(const char *value, char quote, GString *out);
