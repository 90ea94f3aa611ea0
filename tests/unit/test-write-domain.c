/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "write.h"

#include <string.h>

#include "viommu/viommu-error.h"

/* Two spaces, single quotes, a comment behind an element, and things that a serialiser changes */
#define PLAIN                                                                                      \
    "<?xml version='1.0'?>\n<!-- mine -->\n<domain   type='kvm'>\n"                                \
    "  <memory>1</memory>\n  <metadata><x:y xmlns:x=\"urn:x\" a='&#65;'><![CDATA[<b>]]></x:y>"     \
    "</metadata>\n  <devices>\n    <emulator>q</emulator> <!-- about the emulator -->\n"           \
    "    <iommu model='intel' />\n    <hostdev a='1'  b=\"2\"\n      c='3'>\n      <source/>\n"    \
    "    </hostdev>\n    <!-- the end -->\n  </devices>\n</domain>\n"

static ViommuDomain *
parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    ViommuDomain *domain = model_domain_parse(text, strlen(text), "vm.xml", &error);

    g_assert_no_error(error);
    return domain;
}

static void
edit_free(PlanEdit *edit)
{
    g_free(edit->name);
    g_free(edit->value);
    base_element_free(edit->element);
    g_free(edit);
}

static GPtrArray *
edits_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)edit_free);
}

static void
attribute(GPtrArray *edits, xmlNode *node, const char *name, const char *value)
{
    PlanEdit *edit = g_new0(PlanEdit, 1);

    edit->kind = value ? PLAN_EDIT_SET_ATTRIBUTE : PLAN_EDIT_REMOVE_ATTRIBUTE;
    edit->node = node;
    edit->name = g_strdup(name);
    edit->value = g_strdup(value);
    g_ptr_array_add(edits, edit);
}

static void
removal(GPtrArray *edits, xmlNode *node)
{
    PlanEdit *edit = g_new0(PlanEdit, 1);

    edit->kind = PLAN_EDIT_REMOVE;
    edit->node = node;
    g_ptr_array_add(edits, edit);
}

static BaseElement *
insertion(GPtrArray *edits, xmlNode *node, xmlNode *after, const char *name)
{
    PlanEdit *edit = g_new0(PlanEdit, 1);

    edit->kind = PLAN_EDIT_INSERT;
    edit->node = node;
    edit->after = after;
    edit->element = base_element_new(name);
    g_ptr_array_add(edits, edit);
    return edit->element;
}

/* Applies the edits; the result must be @before with @old replaced by @new, once each. */
static void
gives(const ViommuDomain *domain, GPtrArray *edits, const char *const *replacements)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *result = write_domain(domain, edits, &error);
    g_autofree char *expected = g_strdup(domain->text);

    for (; *replacements; replacements += 2) {
        g_auto(GStrv) parts = g_strsplit(expected, replacements[0], -1);

        g_assert_cmpuint(g_strv_length(parts), ==, 2);
        g_free(expected);
        expected = g_strjoinv(replacements[1], parts);
    }
    g_assert_no_error(error);
    g_assert_cmpstr(result, ==, expected);
}

#define GIVES(domain, edits, ...) gives(domain, edits, (const char *const[]){__VA_ARGS__, NULL})

static void
test_nothing(void)
{
    g_autoptr(ViommuDomain) domain = parse(PLAIN);
    g_autoptr(GPtrArray) edits = edits_new();
    g_autofree char *result = NULL;

    attribute(edits, domain->root, "type", "kvm");
    attribute(edits, domain->root, "missing", NULL);
    result = write_domain(domain, edits, NULL);
    g_assert_cmpstr(result, ==, PLAIN);
}

static void
test_attributes(void)
{
    g_autoptr(ViommuDomain) domain = parse(PLAIN);
    xmlNode *hostdev = model_child(domain->devices, "hostdev");
    g_autoptr(GPtrArray) edits = edits_new();

    attribute(edits, hostdev, "b", "it's \"<&>\"");
    attribute(edits, hostdev, "a", NULL);
    attribute(edits, hostdev, "d", "4");
    attribute(edits, hostdev, "e", "'");
    attribute(edits, model_child(domain->devices, "iommu"), "x", "");
    attribute(edits, model_child(domain->root, "memory"), "unit", "KiB");
    attribute(edits, domain->root, "xmlns:q", "urn:q");
    GIVES(domain, edits, " a='1'  b=\"2\"", "  b=\"it's &quot;&lt;&amp;&gt;&quot;\"", "c='3'>",
          "c='3' d='4' e='&apos;'>", "model='intel' />", "model='intel' x='' />", "<memory>",
          "<memory unit='KiB'>", "type='kvm'>", "type='kvm' xmlns:q='urn:q'>");
}

static void
test_insert(void)
{
    g_autoptr(ViommuDomain) domain = parse(PLAIN);
    xmlNode *iommu = model_child(domain->devices, "iommu");
    g_autoptr(GPtrArray) edits = edits_new();
    BaseElement *driver = insertion(edits, iommu, NULL, "driver");
    BaseElement *last = insertion(edits, domain->devices, NULL, "last");

    base_element_set(driver, "caching_mode", "on");
    base_element_set(driver, "q", "'\"");
    insertion(edits, iommu, NULL, "alias");
    base_element_set(base_element_add(last, "child"), "a", "1");
    base_element_add(last, "text")->text = g_strdup("a<b");
    insertion(edits, domain->devices, model_child(domain->devices, "emulator"), "one");
    insertion(edits, domain->devices, model_child(domain->devices, "emulator"), "two");
    GIVES(domain, edits, "<iommu model='intel' />",
          "<iommu model='intel'>\n      <driver caching_mode='on' q='&apos;\"'/>\n      <alias/>\n"
          "    </iommu>",
          "<!-- the end -->\n",
          "<!-- the end -->\n    <last>\n      <child a='1'/>\n      <text>a&lt;b</text>\n"
          "    </last>\n",
          "<!-- about the emulator -->\n", "<!-- about the emulator -->\n    <one/>\n    <two/>\n");
}

static void
test_attribute_and_child(void)
{
    g_autoptr(ViommuDomain) domain = parse(PLAIN);
    xmlNode *iommu = model_child(domain->devices, "iommu");
    g_autoptr(GPtrArray) edits = edits_new();

    insertion(edits, iommu, NULL, "driver");
    attribute(edits, iommu, "model", NULL);
    attribute(edits, iommu, "new", "1");
    GIVES(domain, edits, "<iommu model='intel' />",
          "<iommu new='1'>\n      <driver/>\n    </iommu>");
}

static void
test_remove(void)
{
    g_autoptr(ViommuDomain) domain = parse(PLAIN);
    g_autoptr(GPtrArray) edits = edits_new();

    removal(edits, model_child(domain->devices, "iommu"));
    removal(edits, model_child(domain->devices, "iommu"));
    removal(edits, model_child(domain->devices, "emulator"));
    removal(edits, model_child(domain->devices, "hostdev"));
    insertion(edits, domain->devices, model_child(domain->devices, "iommu"), "instead");
    GIVES(domain, edits,
          "    <emulator>q</emulator> <!-- about the emulator -->\n    <iommu model='intel' />\n"
          "    <hostdev a='1'  b=\"2\"\n      c='3'>\n      <source/>\n    </hostdev>\n",
          "     <!-- about the emulator -->\n    <instead/>\n");
}

static void
test_remove_last_and_append(void)
{
    g_autoptr(ViommuDomain) domain = parse("<domain>\n  <memory>1</memory>\n  <a/>  \n</domain>");
    g_autoptr(GPtrArray) edits = edits_new();

    removal(edits, model_child(domain->root, "a"));
    insertion(edits, domain->root, NULL, "b");
    GIVES(domain, edits, "<a/>  ", "<b/>");
}

static void
test_one_line(void)
{
    g_autoptr(ViommuDomain) domain = parse(
        "<domain><memory>1</memory><devices><a/><b/></devices><c></c><d/></domain>");
    g_autoptr(GPtrArray) edits = edits_new();

    insertion(edits, domain->devices, model_child(domain->devices, "a"), "x");
    insertion(edits, domain->devices, NULL, "y");
    insertion(edits, model_child(domain->root, "c"), NULL, "z");
    insertion(edits, model_child(domain->root, "d"), NULL, "z");
    removal(edits, model_child(domain->devices, "b"));
    GIVES(domain, edits, "<a/><b/></devices>", "<a/>\n  <x/>\n  \n  <y/>\n</devices>", "<c></c>",
          "<c>\n  <z/>\n</c>", "<d/>", "<d>\n  <z/>\n</d>");
}

static void
test_tabs_and_crlf(void)
{
    g_autoptr(ViommuDomain) domain = parse("<domain type=\"kvm\">\r\n\t<memory>1</memory>\r\n"
                                           "\t<devices/>\r\n</domain>\r\n");
    g_autoptr(GPtrArray) edits = edits_new();
    BaseElement *iommu = insertion(edits, domain->devices, NULL, "iommu");

    base_element_set(iommu, "model", "intel");
    base_element_add(iommu, "driver");
    attribute(edits, domain->devices, "a", "1");
    GIVES(domain, edits, "\t<devices/>\r\n",
          "\t<devices a=\"1\">\r\n\t\t<iommu model=\"intel\">\r\n\t\t\t<driver/>\r\n\t\t</iommu>"
          "\r\n\t</devices>\r\n");
}

static void
test_foreign_prefix(void)
{
    g_autoptr(ViommuDomain) domain = parse("<domain>\n  <memory>1</memory>\n</domain>");
    g_autoptr(GPtrArray) unbound = edits_new();
    g_autoptr(GPtrArray) bound = edits_new();
    g_autoptr(GError) error = NULL;

    insertion(unbound, domain->root, NULL, "qemu:override");
    g_assert_null(write_domain(domain, unbound, &error));
    g_assert_error(error, VIOMMU_ERROR, VIOMMU_ERROR_INTERNAL);
    insertion(bound, domain->root, NULL, "qemu:override");
    attribute(bound, domain->root, "xmlns:qemu", MODEL_QEMU_NAMESPACE);
    GIVES(domain, bound, "<domain>", "<domain xmlns:qemu='" MODEL_QEMU_NAMESPACE "'>", "</memory>",
          "</memory>\n  <qemu:override/>");
}

static void
is_refused(const ViommuDomain *domain, const GPtrArray *edits, const char *message)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *result = write_domain(domain, edits, &error);

    g_assert_null(result);
    g_assert_error(error, VIOMMU_ERROR, VIOMMU_ERROR_INTERNAL);
    if (error && !strstr(error->message, message))
        g_assert_cmpstr(error->message, ==, message);
}

static void
test_contradictions(void)
{
    g_autoptr(ViommuDomain) domain = parse(PLAIN);
    g_autoptr(ViommuDomain) other = parse(PLAIN);
    xmlNode *hostdev = model_child(domain->devices, "hostdev");
    g_autoptr(GPtrArray) twice = edits_new(), inside = edits_new(), around = edits_new();
    g_autoptr(GPtrArray) foreign = edits_new(), root = edits_new(), broken = edits_new();

    attribute(twice, hostdev, "a", "1");
    attribute(twice, hostdev, "a", "1");
    attribute(twice, hostdev, "a", NULL);
    is_refused(domain, twice, "vm.xml:9: cannot edit <hostdev>: two edits contradict");
    removal(inside, domain->devices);
    attribute(inside, hostdev, "a", "2");
    is_refused(domain, inside, "contradict");
    insertion(around, hostdev, NULL, "x");
    removal(around, domain->devices);
    is_refused(domain, around, "contradict");
    attribute(foreign, other->root, "a", "2");
    is_refused(domain, foreign, "not of this document");
    removal(root, domain->root);
    is_refused(domain, root, "incomplete");
    attribute(broken, hostdev, "not a name", "1");
    is_refused(domain, broken, "the edited domain is not right: vm.xml:10: not well-formed");
}

/* ---- properties ---- */

static const char *const documents[] = {
    PLAIN,
    "<domain><memory>1</memory><a/><b x='1'/>text<!-- <c/> --><d><e/></d></domain>",
    "<domain>\r\n\t<memory>1</memory>\r\n\t<a  y = \"2\"\t/>\r\n\t<b>\r\n\t</b><c>x<d/>y</c>\r\n"
    "</domain>\r\n",
    "\xef\xbb\xbf<domain\n>\n    <memory>1</memory>\n    <q:a xmlns:q='urn:q' q:b='>'>\n"
    "    <![CDATA[ </domain> ]]><?p <q/> ?></q:a>\n</domain>\n\n<!-- end -->",
};

static xmlNode *
random_element(const ViommuDomain *domain)
{
    gint left = g_test_rand_int_range(0, (gint)domain->spans->len);
    xmlNode *node = domain->root;

    while (left-- > 0) {
        xmlNode *next = xmlFirstElementChild(node);

        while (!next && node) {
            next = xmlNextElementSibling(node);
            node = node->parent;
        }
        node = next;
    }
    return node;
}

static xmlNode *
random_child(xmlNode *node)
{
    xmlNode *child = xmlFirstElementChild(node);

    while (child && g_test_rand_bit())
        child = xmlNextElementSibling(child);
    return child;
}

static void
add_random_edit(const ViommuDomain *domain, GPtrArray *edits, gboolean only_add)
{
    static const char *const values[] = {"", "1", "a'b", "a\"b", "<&>", "\n\t"};
    static const char *const names[] = {"x", "y", "new", "type"};
    xmlNode *node = random_element(domain);
    gint kind = g_test_rand_int_range(0, only_add ? 1 : 4);

    if (kind == 1)
        attribute(edits, node, names[g_test_rand_int_range(0, 4)],
                  values[g_test_rand_int_range(0, 6)]);
    else if (kind == 2)
        attribute(edits, node, names[g_test_rand_int_range(0, 4)], NULL);
    else if (kind == 3)
        removal(edits, node);
    else if (strcmp((const char *)node->name, "memory") != 0)
        base_element_set(
            base_element_add(insertion(edits, node, random_child(node), "inserted"), "inner"), "v",
            values[g_test_rand_int_range(0, 6)]);
}

static gboolean
is_subsequence(const char *part, const char *whole)
{
    for (; *whole && *part; whole++)
        part += *part == *whole;
    return !*part;
}

/* Insertions only: the old document is in the new one, byte for byte and in order (but for the
 * blanks before "/>" of an element that was opened). */
static void
test_insertions_keep_everything(void)
{
    for (guint round = 0; round < 2000; round++) {
        g_autoptr(ViommuDomain) domain = parse(documents[round % G_N_ELEMENTS(documents)]);
        g_autoptr(GPtrArray) edits = edits_new();
        g_autoptr(GError) error = NULL;
        g_autofree char *result = NULL;
        g_autofree char *tight = NULL;
        g_auto(GStrv) parts = g_regex_split_simple("\\s+(?=/>)", domain->text, 0, 0);

        for (gint i = g_test_rand_int_range(1, 6); i > 0; i--)
            add_random_edit(domain, edits, TRUE);
        result = write_domain(domain, edits, &error);
        tight = g_strjoinv("", parts);
        g_assert_no_error(error);
        g_assert_true(is_subsequence(tight, result));
        if (g_test_failed())
            return;
    }
}

/* Any edits: a well-formed domain or an internal error, and setting attributes is idempotent. */
static void
test_random_edits(void)
{
    guint written = 0;

    for (guint round = 0; round < 4000; round++) {
        g_autoptr(ViommuDomain) domain = parse(documents[round % G_N_ELEMENTS(documents)]);
        g_autoptr(GPtrArray) edits = edits_new();
        g_autoptr(GError) error = NULL;
        g_autofree char *result = NULL;

        for (gint i = g_test_rand_int_range(1, 5); i > 0; i--)
            add_random_edit(domain, edits, FALSE);
        result = write_domain(domain, edits, &error);
        g_assert_true((result != NULL) == (error == NULL));
        if (!result && !strstr(error->message, "contradict") &&
            !strstr(error->message, "incomplete") && !strstr(error->message, "no memory size"))
            g_assert_no_error(error);
        written += result != NULL;
        if (g_test_failed())
            return;
    }
    g_assert_cmpuint(written, >, 1000);
}

static void
test_set_twice(void)
{
    for (guint round = 0; round < 400; round++) {
        g_autoptr(ViommuDomain) domain = parse(documents[round % G_N_ELEMENTS(documents)]);
        g_autoptr(ViommuDomain) second = NULL;
        g_autoptr(GPtrArray) edits = edits_new(), repeated = edits_new();
        g_autofree char *once = NULL, *twice = NULL;
        xmlNode *node = random_element(domain), *same;
        guint index = GPOINTER_TO_UINT(node->_private);

        attribute(edits, node, "x", "'\"\n<&>");
        once = write_domain(domain, edits, NULL);
        second = parse(once);
        for (same = second->root; same && GPOINTER_TO_UINT(same->_private) != index;)
            same = random_element(second);
        attribute(repeated, same, "x", "'\"\n<&>");
        twice = write_domain(second, repeated, NULL);
        g_assert_cmpstr(once, ==, twice);
    }
}

/* ---- diff ---- */

static void
test_diff(void)
{
    g_autofree char *same = write_diff("a\nb\n", "a\nb\n", "f");
    g_autofree char *change =
        write_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n", "f");
    g_autofree char *two =
        write_diff("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n", "f");
    g_autofree char *joined =
        write_diff("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n", "f");
    g_autofree char *end = write_diff("a\nb", "a\nb\nc", "f");
    g_autofree char *all = write_diff("", "a\nb\n", "f");

    g_assert_cmpstr(same, ==, "");
    g_assert_cmpstr(change, ==,
                    "--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
    g_assert_cmpstr(two, ==,
                    "--- f\n+++ f\n@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n"
                    "@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n");
    g_assert_cmpstr(joined, ==,
                    "--- f\n+++ f\n@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n");
    g_assert_cmpstr(end, ==,
                    "--- f\n+++ f\n@@ -1,2 +1,3 @@\n a\n-b\n\\ No newline at end of file\n+b\n+c\n"
                    "\\ No newline at end of file\n");
    g_assert_cmpstr(all, ==, "--- f\n+++ f\n@@ -0,0 +1,2 @@\n+a\n+b\n");
}

static char *
random_lines(void)
{
    GString *text = g_string_new(NULL);

    for (gint i = g_test_rand_int_range(0, 30); i > 0; i--)
        g_string_append_printf(text, "%d\n", g_test_rand_int_range(0, 5));
    return g_string_free(text, FALSE);
}

/* Puts the lines of a diff's hunks back together: old side ('-') or new side ('+'). */
static void
apply(const char *before, const char *diff, GString *out)
{
    g_auto(GStrv) old = g_strsplit(before, "\n", -1);
    g_auto(GStrv) lines = g_strsplit(diff, "\n", -1);
    guint at = 0;

    for (char **line = lines; *line; line++) {
        guint start, count = 1;

        if (g_str_has_prefix(*line, "---") || g_str_has_prefix(*line, "+++"))
            continue;
        if (sscanf(*line, "@@ -%u,%u", &start, &count) >= 1) {
            while (at + (count > 0) < start)
                g_string_append_printf(out, "%s\n", old[at++]);
        } else if (**line == ' ' || **line == '-') {
            g_assert_cmpstr(*line + 1, ==, old[at++]);
        }
        if (**line == ' ' || **line == '+')
            g_string_append_printf(out, "%s\n", *line + 1);
    }
    while (old[at] && old[at + 1])
        g_string_append_printf(out, "%s\n", old[at++]);
}

static void
test_diff_applies(void)
{
    for (guint round = 0; round < 3000; round++) {
        g_autofree char *before = random_lines();
        g_autofree char *after = random_lines();
        g_autofree char *diff = write_diff(before, after, "f");
        g_autoptr(GString) patched = g_string_new(NULL);

        apply(before, diff, patched);
        g_assert_cmpstr(patched->str, ==, after);
        if (g_test_failed())
            return;
    }
}

/* More differences than the search allows: still a right diff, and in bounded time */
static void
test_diff_large(void)
{
    g_autoptr(GString) before = g_string_new(NULL), after = g_string_new(NULL);
    g_autoptr(GString) patched = g_string_new(NULL);
    g_autofree char *diff = NULL;

    for (guint i = 0; i < 20000; i++) {
        g_string_append_printf(before, "old %u\n", i);
        g_string_append_printf(after, "new %u\n", i);
    }
    diff = write_diff(before->str, after->str, "f");
    apply(before->str, diff, patched);
    g_assert_cmpstr(patched->str, ==, after->str);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/write/domain/nothing", test_nothing);
    g_test_add_func("/write/domain/attributes", test_attributes);
    g_test_add_func("/write/domain/insert", test_insert);
    g_test_add_func("/write/domain/attribute-and-child", test_attribute_and_child);
    g_test_add_func("/write/domain/remove", test_remove);
    g_test_add_func("/write/domain/remove-and-append", test_remove_last_and_append);
    g_test_add_func("/write/domain/one-line", test_one_line);
    g_test_add_func("/write/domain/tabs-and-crlf", test_tabs_and_crlf);
    g_test_add_func("/write/domain/foreign-prefix", test_foreign_prefix);
    g_test_add_func("/write/domain/contradictions", test_contradictions);
    g_test_add_func("/write/domain/insertions", test_insertions_keep_everything);
    g_test_add_func("/write/domain/random", test_random_edits);
    g_test_add_func("/write/domain/set-twice", test_set_twice);
    g_test_add_func("/write/diff", test_diff);
    g_test_add_func("/write/diff-applies", test_diff_applies);
    g_test_add_func("/write/diff-large", test_diff_large);
    return g_test_run();
}
