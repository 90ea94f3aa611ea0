/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base-json-out.h"
#include "base-pci.h"
#include "base-text.h"
#include "base-xml.h"

#include <string.h>

static void
assert_pci(BasePci address, const char *wanted)
{
    g_autofree char *text = base_pci_format(address);

    g_assert_cmpstr(text, ==, wanted);
}

static void
test_pci(void)
{
    static const char *const bad[] = {"",
                                      "0000:01:00",
                                      "0000:01:00.8",
                                      "0000:01:20.0",
                                      "000:01:00.0",
                                      "0000:1:00.0",
                                      "0000:01:00.0 ",
                                      "0000-01:00.0"};
    BasePci address = {0};
    g_autofree char *text = NULL;

    g_assert_true(base_pci_parse("10000:E1:1f.7", &address));
    g_assert_cmpuint(address.domain, ==, 0x10000);
    g_assert_cmpuint(address.bus, ==, 0xe1);
    g_assert_cmpuint(address.slot, ==, 0x1f);
    g_assert_cmpuint(address.function, ==, 7);
    text = base_pci_format(address);
    g_assert_cmpstr(text, ==, "10000:e1:1f.7");
    assert_pci((BasePci){0}, "0000:00:00.0");
    assert_pci((BasePci){0xffffffff, 0xff, 0x1f, 7}, "ffffffff:ff:1f.7");
    assert_pci((BasePci){0xfff, 0x0a, 0x0b, 1}, "0fff:0a:0b.1");
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(base_pci_parse(bad[i], &address));
    g_assert_false(base_pci_parse(NULL, &address));
}

static void
test_loose_pci(void)
{
    static const char *const good[] = {"0000:3b:01.2", "3b:01.2", "pci_0000_3b_01_2"};
    static const char *const bad[] = {
        "",     "3b:01",         "pci_3b_01_2",      "pci_0000:3b:01.2",
        "pci_", "0000_3b_01_2_", "pci_0000_3b_20_0", "b:01.2"};

    for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
        BasePci address = {9, 9, 9, 9};

        g_assert_true(base_pci_parse_loose(good[i], &address));
        g_assert_true(base_pci_equal(address, (BasePci){0, 0x3b, 1, 2}));
    }
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        BasePci address = {0};

        g_assert_false(base_pci_parse_loose(bad[i], &address));
    }
    g_assert_false(base_pci_parse_loose(NULL, &(BasePci){0}));
}

static void
test_versions(void)
{
    guint64 version = 0;
    g_autofree char *text = NULL;

    g_assert_true(base_parse_version("12.8.0", &version));
    g_assert_cmpuint(version, ==, 12008000);
    g_assert_true(base_parse_version("11.1.2+ds-3", &version));
    g_assert_cmpuint(version, ==, 11001002);
    g_assert_true(base_parse_version("7.2.13-lab", &version));
    g_assert_cmpuint(version, ==, BASE_VERSION(7, 2, 13));
    text = base_format_version(version);
    g_assert_cmpstr(text, ==, "7.2.13");
    g_assert_false(base_parse_version("12", &version));
    g_assert_false(base_parse_version("v12.8", &version));
    g_assert_false(base_parse_version("12.8000", &version));
}

static void
test_hex_words(void)
{
    static const char *const bad[] = {"",   "0x",   "10",    "0X10", "0x10g",
                                      "x1", "-0x1", "\n0x1", "0x1_", "0x10000000000000000"};
    const char *cursor = "0x0 \t0x00000000fEe00000 0xffffffffffffffff\nrest";
    guint64 value = 1;

    g_assert_true(base_take_hex(&cursor, &value));
    g_assert_cmpuint(value, ==, 0);
    g_assert_true(base_take_hex(&cursor, &value));
    g_assert_cmphex(value, ==, 0xfee00000);
    g_assert_true(base_take_hex(&cursor, &value));
    g_assert_cmphex(value, ==, G_MAXUINT64);
    g_assert_cmpstr(cursor, ==, "\nrest");
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        cursor = bad[i];
        g_assert_false(base_take_hex(&cursor, &value));
    }
}

static void
test_sizes(void)
{
    static const struct {
        guint64 bytes;
        const char *text;
    } formats[] = {{0, "0 B"},
                   {1023, "1023 B"},
                   {8192, "8 KiB"},
                   {207232172032, "193 GiB"},
                   {1140850688, "1088 MiB"},
                   {1610612736, "1.5 GiB"},
                   {G_GUINT64_CONSTANT(5) << 38, "1.25 TiB"}};
    guint64 bytes = 0;

    for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
        g_autofree char *text = base_format_size(formats[i].bytes);

        g_assert_cmpstr(text, ==, formats[i].text);
    }
    g_assert_true(base_parse_size("600GiB", 0, &bytes));
    g_assert_cmpuint(bytes, ==, G_GUINT64_CONSTANT(600) << 30);
    g_assert_true(base_parse_size("64 KiB", 0, &bytes));
    g_assert_cmpuint(bytes, ==, 65536);
    g_assert_true(base_parse_size("90%", 1000, &bytes));
    g_assert_cmpuint(bytes, ==, 900);
    g_assert_false(base_parse_size("90%", 0, &bytes));
    g_assert_false(base_parse_size("101%", 1000, &bytes));
    g_assert_false(base_parse_size("-1", 0, &bytes));
    g_assert_false(base_parse_size("16384PiB", 0, &bytes));
    g_assert_false(base_parse_size("1 GB", 0, &bytes));
    g_assert_cmpuint(base_saturating_mul(G_MAXUINT64, 2), ==, G_MAXUINT64);
    g_assert_cmpuint(base_saturating_add(G_MAXUINT64, 2), ==, G_MAXUINT64);
}

static void
test_nearest(void)
{
    static const char *const words[] = {"ssidsize", "oas", "ats", "accel", "pciBus", NULL};

    g_assert_cmpstr(base_nearest("ssidSize", words), ==, "ssidsize");
    g_assert_cmpstr(base_nearest("pcibus", words), ==, "pciBus");
    g_assert_cmpstr(base_nearest("acel", words), ==, "accel");
    g_assert_null(base_nearest("granule", words));
}

static void
assert_one_line(const char *text, const char *expected)
{
    g_autofree char *line = base_one_line(g_strdup(text));

    g_assert_cmpstr(line, ==, expected);
}

static void
test_one_line(void)
{
    g_autofree char *huge = g_strnfill(1000 * 1000, 'x');
    g_autofree char *line = base_one_line(g_steal_pointer(&huge));

    g_assert_null(base_one_line(NULL));
    assert_one_line("", "");
    assert_one_line("bus 2, ä, 😀: “x”", "bus 2, ä, 😀: “x”");
    assert_one_line("a\nb\r\tc\033[31m\177", "a�b��c�[31m�");
    /* a terminal may take U+009B for ESC [, and an editor U+2028 for the end of a line */
    assert_one_line("\xc2\x9b"
                    "31m\xe2\x80\xa8",
                    "�31m�");
    assert_one_line("\xff"
                    "a\xc3",
                    "�a�");
    g_assert_cmpuint(strlen(line), <=, BASE_LINE_MAX);
    g_assert_true(g_str_has_prefix(line, "xxx") && g_str_has_suffix(line, "x…"));
}

/* Parses, expects a failure, and expects @message in it. */
static void
assert_json_error(const char *text, const char *message)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(BaseJson) value = base_json_parse(text, strlen(text), "x.json", &error);

    g_assert_null(value);
    g_assert_error(error, VIOMMU_ERROR, VIOMMU_ERROR_PARSE);
    g_assert_nonnull(strstr(error->message, message));
}

static void
test_json_text(void)
{
    g_autoptr(BaseJson) value = NULL;
    g_autofree char *text = NULL;
    const char *source = "{\"b\": [1, {\"e\": {}, \"d\": null, \"c\": \"x/y\\\"\"}], \"a\": []}";

    value = base_json_parse(source, strlen(source), "x.json", NULL);
    g_assert_nonnull(value);
    text = base_json_to_text(value);
    g_assert_cmpstr(text, ==,
                    "{\n  \"a\": [],\n  \"b\": [\n    1,\n    {\n      \"c\": \"x/y\\\"\",\n"
                    "      \"d\": null,\n      \"e\": {}\n    }\n  ]\n}\n");
    assert_json_error("{\n\"a\": 1,\n}", "x.json:3:");
    json_object_put(g_steal_pointer(&value));
    value = base_json_parse("\xef\xbb\xbf{}\n", 6, "x.json", NULL);
    g_assert_nonnull(value);
    assert_json_error("\xef\xbb\xbf{\n", "x.json:2:");
    assert_json_error("\xef\xbb\xbf\xef\xbb\xbf{}", "x.json:1:");
    assert_json_error("{} {}", "after the end");
    assert_json_error("{\"a\":", "too early");
    assert_json_error("", "too early");
}

/* A string of every byte but zero that may stand in UTF-8 text, as json-c writes it. */
static void
test_json_escapes(void)
{
    g_autoptr(GString) all = g_string_new(NULL);
    g_autoptr(BaseJson) value = NULL;
    g_autofree char *text = NULL;
    g_autofree char *expected = NULL;

    for (guint c = 1; c < 0x80; c++)
        g_string_append_c(all, (char)c);
    g_string_append(all, "\u00e9\u2014\\");
    value = json_object_new_string(all->str);
    text = base_json_to_text(value);
    expected = g_strconcat(json_object_to_json_string_ext(value, JSON_C_TO_STRING_NOSLASHESCAPE),
                           "\n", NULL);
    g_assert_cmpstr(text, ==, expected);
}

static void
test_json_out(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    BaseJsonOut out = {.text = text};

    base_json_out_open(&out, NULL, '{');
    base_json_out_open(&out, "a", '[');
    base_json_out_number(&out, NULL, 0);
    base_json_out_number(&out, NULL, G_MAXUINT64);
    base_json_out_close(&out, ']');
    base_json_out_string(&out, "b", NULL);
    g_assert_cmpstr(text->str, ==, "{\n  \"a\": [\n    0,\n    18446744073709551615\n  ]");
    g_string_truncate(text, 0); /* the piece is handed on, the document goes on */
    base_json_out_open(&out, "c", '{');
    base_json_out_close(&out, '}');
    base_json_out_bool(&out, "d", TRUE);
    base_json_out_string(&out, "e", "x\ty");
    base_json_out_close(&out, '}');
    g_assert_cmpstr(text->str, ==, ",\n  \"c\": {},\n  \"d\": true,\n  \"e\": \"x\\ty\"\n}");
}

/* As strtoull() has it, but for signs, blanks and what stands behind the number. */
static void
test_numbers(void)
{
    static const char *const texts[] = {"",
                                        "0",
                                        "00",
                                        "7",
                                        "08",
                                        "010",
                                        "0x",
                                        "0x0",
                                        "0X1f",
                                        "0xg",
                                        "1f",
                                        "ffff",
                                        "x1",
                                        "-1",
                                        "+1",
                                        " 1",
                                        "1 ",
                                        "12a",
                                        "a",
                                        "1_",
                                        "G",
                                        "1\xc3\xa9",
                                        "18446744073709551615",
                                        "18446744073709551616",
                                        "0xffffffffffffffff",
                                        "0x10000000000000000",
                                        "01777777777777777777777",
                                        "02000000000000000000000",
                                        "99999999999999999999999999"};
    static const guint bases[] = {0, 8, 10, 16};

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        for (gsize j = 0; j < G_N_ELEMENTS(bases); j++) {
            char *end = NULL;
            guint64 value = 42, expected;
            gboolean good;

            errno = 0;
            expected = g_ascii_strtoull(texts[i], &end, bases[j]);
            good = g_ascii_isxdigit(texts[i][0]) && end != texts[i] && !*end && errno == 0;
            g_assert_cmpint(base_parse_u64(texts[i], bases[j], &value), ==, good);
            g_assert_cmpuint(value, ==, good ? expected : 42);
        }
    }
    g_assert_false(base_parse_u64(NULL, 10, &(guint64){0}));
    g_assert_false(base_parse_u64("0b1", 0, &(guint64){0})); /* a later GLib takes it */
}

/* Whatever a document holds, an error about it is one line that leaves the terminal alone. */
static void
test_json_controls(void)
{
    const char *source = "{\"a\\u001b[31m\\n\\u009bb\": {\"c\": \"d\\r\\u007fe\"}}";
    g_autoptr(BaseJson) value = base_json_parse(source, strlen(source), "h.json", NULL);
    BasePlace root = base_place_root(value, "h.json");
    BasePlace outer = base_place_member(&root, "a\x1b[31m\n\xc2\x9b"
                                               "b");
    BasePlace inner = base_place_member(&outer, "c");
    const char *text = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(base_place_string(&inner, &text, &error));
    base_place_error(&inner, &error, "not \"%s\"", text);
    g_assert_cmpstr(error->message, ==, "h.json: /a�[31m��b/c: not \"d��e\"");
}

static void
test_json_places(void)
{
    g_autoptr(GError) error = NULL;
    const char *source = "{\"devices\": [{\"group\": -1, \"n\": 70000, \"h\": \"0xff\", \"x/y\": 1,"
                         "\"none\": null}]}";
    g_autoptr(BaseJson) value = base_json_parse(source, strlen(source), "h.json", NULL);
    BasePlace root = base_place_root(value, "h.json");
    BasePlace devices = base_place_member(&root, "devices");
    BasePlace device = base_place_element(&devices, 0);
    BasePlace group = base_place_member(&device, "group");
    BasePlace number = base_place_member(&device, "n");
    BasePlace hex = base_place_member(&device, "h");
    BasePlace none = base_place_member(&device, "none");
    BasePlace missing = base_place_member(&device, "zzz");
    BaseU64 ret = {0};
    static const char *const keys[] = {"group", "n", "h", "none", NULL};

    g_assert_false(base_place_u64(&group, 10, &ret, &error));
    g_assert_nonnull(strstr(error->message, "h.json: /devices/0/group: "));
    g_clear_error(&error);
    g_assert_false(base_place_u64(&number, 65535, &ret, &error));
    g_clear_error(&error);
    g_assert_true(base_place_u64(&missing, 1, &ret, &error));
    g_assert_cmpint(ret.state, ==, BASE_STATE_UNKNOWN);
    g_assert_true(base_place_u64(&none, 1, &ret, &error));
    g_assert_cmpint(ret.state, ==, BASE_STATE_ABSENT);
    g_assert_true(base_place_hex(&hex, 255, &ret, &error));
    g_assert_cmpuint(ret.value, ==, 255);
    g_assert_false(base_place_hex(&hex, 254, &ret, NULL));
    g_assert_false(base_place_only(&device, keys, &error));
    g_assert_nonnull(strstr(error->message, "/devices/0/x~1y: unknown member"));
}

static void
test_element(void)
{
    g_autoptr(BaseElement) element = base_element_new("iommu");
    g_autoptr(GString) out = g_string_new(NULL);

    base_element_set(element, "model", "intel");
    base_element_set(base_element_add(element, "driver"), "aw_bits", "39");
    base_element_set(element, "model", "o'hare & co");
    base_element_write(element, 4, "\n", out);
    g_assert_cmpstr(out->str, ==,
                    "    <iommu model='o&apos;hare &amp; co'>\n      <driver aw_bits='39'/>\n"
                    "    </iommu>\n");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_test_add_func("/base/pci", test_pci);
    g_test_add_func("/base/loose-pci", test_loose_pci);
    g_test_add_func("/base/versions", test_versions);
    g_test_add_func("/base/hex-words", test_hex_words);
    g_test_add_func("/base/sizes", test_sizes);
    g_test_add_func("/base/nearest", test_nearest);
    g_test_add_func("/base/one-line", test_one_line);
    g_test_add_func("/base/json-text", test_json_text);
    g_test_add_func("/base/numbers", test_numbers);
    g_test_add_func("/base/json-escapes", test_json_escapes);
    g_test_add_func("/base/json-out", test_json_out);
    g_test_add_func("/base/json-places", test_json_places);
    g_test_add_func("/base/json-controls", test_json_controls);
    g_test_add_func("/base/element", test_element);
    return g_test_run();
}
