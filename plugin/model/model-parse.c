/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <libxml/parser.h>
#include <string.h>

#include "base-file.h"
#include "model-private.h"
#include "model-source.h"
#include "viommu/viommu-error.h"

typedef xmlParserCtxt ParserContext;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ParserContext, xmlFreeParserCtxt)

/* The first fatal complaint of libxml2. It may report several; the later ones are often only
 * consequences. */
typedef struct {
    char *message;
    gint line;
    const char *limit; /* NULL: not well-formed */
} Complaint;

/* What is more than libxml2 takes, in our words; NULL: not well-formed. It tells that under many
 * codes (before 2.13 there is none for it) and names its own options in the text. */
static const char *
limit_of(const xmlError *error)
{
    static const char *const words[] = {"too long", "too big", "XML_PARSE_HUGE"};
    static const char *const size = "a name, value or comment is too long for libvirt's XML parser";

    if (strstr(error->message, "depth"))
        return "elements are nested too deep for libvirt's XML parser";
#if LIBXML_VERSION >= 21300
    if (error->code == XML_ERR_RESOURCE_LIMIT)
        return size;
#endif
    for (guint i = 0; i < G_N_ELEMENTS(words); i++)
        if (strstr(error->message, words[i]))
            return size;
    return NULL;
}

static void
keep_complaint(Complaint *complaint, const xmlError *error)
{
    if (complaint->message || error->level != XML_ERR_FATAL || !error->message)
        return;
    complaint->message = g_strstrip(g_strdup(error->message));
    g_strdelimit(complaint->message, "\r\n", ' ');
    complaint->line = error->line;
    complaint->limit = limit_of(error);
}

#if LIBXML_VERSION >= 21300
static void
on_error(void *data, const xmlError *error)
{
    keep_complaint(data, error);
}
#else
static void
on_error(void *data, xmlError *error)
{
    keep_complaint(((ParserContext *)data)->_private, error);
}
#endif

/* Handlers of this context only: nothing global changes, nothing is printed. */
static void
collect_errors(ParserContext *context, Complaint *complaint)
{
#if LIBXML_VERSION >= 21300
    xmlCtxtSetErrorHandler(context, on_error, complaint);
#else
    context->_private = complaint;
    context->sax->serror = on_error;
#endif
}

static xmlDoc *
parse_xml(const char *text, gsize length, const char *file, GError **error)
{
    g_autoptr(ParserContext) context = xmlNewParserCtxt();
    g_autoptr(xmlDoc) doc = NULL;
    g_autofree char *message = NULL;
    Complaint complaint = {0};
    gint line;

    collect_errors(context, &complaint);
    /* not XML_PARSE_NOERROR: from 2.13 on it silences the handler too. Space between elements says
     * nothing to anyone, and half of all nodes would be that. */
    doc = xmlCtxtReadMemory(context, text, (int)length, NULL, NULL,
                            XML_PARSE_NONET | XML_PARSE_BIG_LINES | XML_PARSE_COMPACT |
                                XML_PARSE_NOBLANKS);
    message = complaint.message;
    line = MAX(complaint.line, 1);
    if (!doc) {
        if (complaint.limit)
            g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_PARSE, "%s:%d: %s", file, line,
                        complaint.limit);
        else
            g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_PARSE, "%s:%d: not well-formed: %s", file,
                        line, message ? message : "cannot be parsed");
        return NULL;
    }
    if (doc->intSubset || doc->extSubset) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_PARSE,
                    "%s:1: document type declarations are not allowed", file);
        return NULL;
    }
    return g_steal_pointer(&doc);
}

/* Takes over @text */
static ViommuDomain *
domain_new(char *text, gsize length, const char *file)
{
    ViommuDomain *domain = g_new0(ViommuDomain, 1);

    domain->refs = 1;
    domain->file = g_strdup(file);
    domain->text = text;
    domain->length = length;
    domain->controllers = g_ptr_array_new_with_free_func(g_free);
    domain->refusals = g_array_new(FALSE, FALSE, sizeof(ModelRefusal));
    domain->added_controllers = g_ptr_array_new_with_free_func(g_free);
    domain->hostdevs = g_ptr_array_new_with_free_func((GDestroyNotify)model_hostdev_free);
    domain->endpoints = g_ptr_array_new_with_free_func((GDestroyNotify)model_endpoint_free);
    domain->iommus = g_ptr_array_new_with_free_func((GDestroyNotify)model_iommu_free);
    domain->overrides = g_ptr_array_new_with_free_func((GDestroyNotify)model_override_free);
    domain->arguments = g_ptr_array_new();
    domain->hidden_hostdevs = g_ptr_array_new();
    domain->intent_devices =
        g_ptr_array_new_with_free_func((GDestroyNotify)model_intent_device_free);
    return domain;
}

static gboolean
check_root(ViommuDomain *domain, GError **error)
{
    domain->root = xmlDocGetRootElement(domain->doc);
    if (model_is(domain->root, "domain"))
        return TRUE;
    return model_refuse(domain, domain->root, error,
                        "not a domain: root element is <%.60s>%s%.100s",
                        (const char *)domain->root->name, domain->root->ns ? " in namespace " : "",
                        domain->root->ns ? (const char *)domain->root->ns->href : "");
}

static gboolean
read_domain(ViommuDomain *domain, GError **error)
{
    if (!check_root(domain, error) || !model_read_scalars(domain, error) ||
        !model_read_memory(domain, error) || !model_read_controllers(domain, error))
        return FALSE;
    model_read_hostdevs(domain);
    model_read_iommus(domain);
    model_read_arguments(domain);
    model_read_overrides(domain);
    model_read_intent(domain);
    return TRUE;
}

void
model_domain_place(const ViommuDomain *constant)
{
    ViommuDomain *domain = (ViommuDomain *)constant; /* what is shared sees it done, or not begun */

    if (!g_once_init_enter(&domain->placed))
        return;
    model_read_endpoints(domain);
    model_predict_placement(domain);
    g_once_init_leave(&domain->placed, 1);
}

/* Takes over @text, which ends with a zero behind @length bytes. */
static ViommuDomain *
parse(char *text, gsize length, const char *file, GError **error)
{
    g_autoptr(ViommuDomain) domain = domain_new(text, length, file);

    if (!model_source_check(text, length, file, error))
        return NULL;
    domain->doc = parse_xml(text, length, file, error);
    if (!domain->doc)
        return NULL;
    domain->spans = model_source_scan(domain->text, length, domain->doc, file, error);
    if (!domain->spans || !read_domain(domain, error))
        return NULL;
    return g_steal_pointer(&domain);
}

ViommuDomain *
model_domain_parse(const char *text, gsize length, const char *file, GError **error)
{
    char *copy;

    if (length > BASE_FILE_LIMIT) {
        g_set_error(error, VIOMMU_ERROR, VIOMMU_ERROR_IO,
                    "%s: larger than %" G_GSIZE_FORMAT " bytes", file, BASE_FILE_LIMIT);
        return NULL;
    }
    copy = g_malloc(length + 1); /* zeros inside the text are found later */
    memcpy(copy, text, length);
    copy[length] = '\0';
    return parse(copy, length, file, error);
}

ViommuDomain *
model_domain_load(const char *path, GError **error)
{
    char *text = NULL;
    gsize length;

    if (!base_file_read(path, BASE_FILE_LIMIT, &text, &length, error))
        return NULL;
    return parse(text, length, path, error);
}

ViommuDomain *
model_domain_ref(ViommuDomain *domain)
{
    g_atomic_int_inc(&domain->refs);
    return domain;
}

static void
free_strings(ViommuDomain *domain)
{
    g_free(domain->file);
    g_free(domain->text);
    g_free(domain->name);
    g_free(domain->uuid);
    g_free(domain->type);
    g_free(domain->arch);
    g_free(domain->machine);
    g_free(domain->emulator);
    g_free(domain->ioapic);
    g_free(domain->iommufd_fdgroup);
}

void
model_domain_unref(ViommuDomain *domain)
{
    if (!domain || !g_atomic_int_dec_and_test(&domain->refs))
        return;
    free_strings(domain);
    g_ptr_array_unref(domain->controllers);
    g_array_unref(domain->refusals);
    g_ptr_array_unref(domain->added_controllers);
    g_ptr_array_unref(domain->hostdevs);
    g_ptr_array_unref(domain->endpoints);
    g_ptr_array_unref(domain->iommus);
    g_ptr_array_unref(domain->overrides);
    g_ptr_array_unref(domain->arguments);
    g_ptr_array_unref(domain->hidden_hostdevs);
    g_ptr_array_unref(domain->intent_devices);
    g_clear_pointer(&domain->spans, g_array_unref);
    g_clear_pointer(&domain->doc, xmlFreeDoc);
    g_free(domain);
}
