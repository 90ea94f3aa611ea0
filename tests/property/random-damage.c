/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What people and older tools do to a domain that was right: an attribute that went missing or has
 * another value, an element that is not there. */
#include "random.h"

#include <libxml/parser.h>
#include <string.h>

/* Nothing of these can be put right from the rest of the domain. */
static const char *const left_alone[] = {"domain", "source",   "name", "memory", "os",
                                         "type",   "metadata", "numa", "cell",   NULL};

/* Of another model it makes a machine that there is not. */
static gboolean
is_root_bus(xmlNode *node)
{
    xmlChar *index = xmlGetProp(node, BAD_CAST "index"), *type = xmlGetProp(node, BAD_CAST "type");
    gboolean root = xmlStrEqual(index, BAD_CAST "0") && xmlStrEqual(type, BAD_CAST "pci");

    xmlFree(index);
    xmlFree(type);
    return root;
}

static void
collect(xmlNode *node, GPtrArray *elements)
{
    for (xmlNode *child = node->children; child; child = child->next) {
        if (child->type != XML_ELEMENT_NODE || child->ns ||
            g_strv_contains(left_alone, (const char *)child->name) || is_root_bus(child))
            continue;
        g_ptr_array_add(elements, child);
        collect(child, elements);
    }
}

static void
change_attribute(GRand *random, xmlNode *node, xmlAttr *attribute)
{
    static const char *const numbers[] = {"0x01", "0x03", "1", "2", NULL};
    static const char *const values[] = {"on", "off", "yes", "no", "0x00", "0x01", "0x03",
                                         "1",  "2",   "39",  "48", "64",   NULL};

    /* ids of things are what other things name */
    if (random_chance(random, 40))
        xmlRemoveProp(attribute);
    else
        xmlSetProp(node, attribute->name,
                   BAD_CAST random_word(
                       random, xmlStrEqual(node->name, BAD_CAST "address") ? numbers : values));
}

static void
damage(GRand *random, xmlNode *root)
{
    g_autoptr(GPtrArray) elements = g_ptr_array_new();
    xmlNode *node;
    guint attributes = 0, chosen;

    collect(root, elements);
    if (elements->len == 0)
        return;
    node = elements->pdata[g_rand_int_range(random, 0, (gint)elements->len)];
    for (xmlAttr *it = node->properties; it; it = it->next)
        attributes++;
    if (attributes == 0 || random_chance(random, 40)) {
        if (!xmlStrEqual(node->name, BAD_CAST "devices")) {
            xmlUnlinkNode(node);
            xmlFreeNode(node);
        }
        return;
    }
    chosen = (guint)g_rand_int_range(random, 0, (gint)attributes);
    for (xmlAttr *it = node->properties; it; it = it->next)
        if (chosen-- == 0) {
            change_attribute(random, node, it);
            return;
        }
}

char *
random_damage(GRand *random, const char *domain)
{
    xmlDoc *doc = xmlReadMemory(domain, (int)strlen(domain), "domain.xml", NULL, XML_PARSE_NONET);
    xmlChar *text = NULL;
    char *copy = NULL;
    int length;

    if (!doc)
        return NULL;
    for (gint times = 0; times <= random_chance(random, 40); times++)
        damage(random, xmlDocGetRootElement(doc));
    xmlDocDumpMemory(doc, &text, &length);
    copy = g_strdup((const char *)text);
    xmlFree(text);
    xmlFreeDoc(doc);
    return copy;
}
