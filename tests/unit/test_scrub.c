/* What a capture must not tell, and what it must leave alone so that it can be replayed. */
#include "check.h"

#include "base/str.h"
#include "cli/scrub.h"

static struct scrub s = {.salt = "0011", .host = "toaster"};

static char *scrubbed(const char *name, const char *text, size_t n)
{
    struct ipw_buf out = IPW_BUF_INIT;
    scrub_text(&s, name, text, n, &out);
    assert_int_equal(out.len, n); /* shapes are kept */
    return ipw_buf_take(&out);
}

static void test_secrets(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *secret, *kept;
    } v[] = {
        {"serial_number", "SN-12345\n", "12345", "-"},
        {"unique_id", "a1b2c3d4e5f60718\n", "a1b2", ""},
        {"UUID", "x9", "x9", ""},
        {"cpuinfo", "Serial\t\t: 10000000abcdef\nmodel name\t: A : B\n", "abcdef", "model name\t: A : B\n"},
        {"uevent", "POWER_SUPPLY_SERIAL_NUMBER=77 99\nPOWER_SUPPLY_TYPE=Mains", "77 99", "=Mains"},
        {"uevent", "HID_NAME=Pad\nHID_UNIQ=SN 77-99 \nHID_PHYS=usb-0000:00:14.0-3/input0", "77-99", "HID_NAME=Pad\nHID_UNIQ="},
        {"uevent", "HID_PHYS=usb-0000:00:14.0-3/input0\n", "14.0", "HID_PHYS="},
        {"x", "GPU-8b1fe2a4-0123-4567-89ab-0123456789ab (0)", "8b1fe2a4", "GPU-"},
        {"x", "id 8B1FE2A4-0123-4567-89AB-0123456789AB", "8B1FE2A4", "id "},
        {"x", "at 52:54:00:ab:cd:ef.", "52:54", "at "},
        {"x", "on toaster: ok, toaster.lan", "toaster", ".lan"},
        {"sensors.json", "{\"uuid\": \"GPU-8b1fe2a4-0123-4567-89ab-0123456789ab\"}", "8b1fe2a4", "{\"uuid\": \"GPU-"},
        {"sensors.json", "{\"id\": \"toaster\"}", "toaster", "\"id\""},
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        char *got = scrubbed(v[i].name, v[i].text, strlen(v[i].text));
        assert_null(strstr(got, v[i].secret));
        assert_non_null(strstr(got, v[i].kept));
        free(got);
    }
}

static void test_left_alone(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
    } v[] = {
        {"energy_uj", "262143328850\n"},
        {"name", "package-0\n"},
        {"x", "0000:01:00.0 00000000:01:00.0 intel-rapl:0:1 01:02:03:04:05 01:02:03:04:05:06:07"},
        {"x", "8b1fe2a4-0123-4567-89ab-0123456789abc 8b1fe2a4-0123-4567-89ab-01234567 ffff-ffff"},
        {"x", "toasters xtoaster my-toaster toaster_2"},
        {"sensors.json", "{\"uuid\": null, \"serial\": 7}"},
        {"cpuinfo", "flags\t\t: fpu vme de pse\n\nprocessor\t: 1\n"},
        {"empty", ""},
        {"x", "\n\n:=\n"},
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        char *got = scrubbed(v[i].name, v[i].text, strlen(v[i].text));
        assert_string_equal(got, v[i].text);
        free(got);
    }
    static const char binary[] = "x\0toaster 52:54:00:ab:cd:ef";
    char *got = scrubbed("gpu_metrics", binary, sizeof binary);
    assert_memory_equal(got, binary, sizeof binary);
    free(got);
}

static void test_equal(void **state)
{
    (void)state;
    char *a = scrubbed("serial_number", "SN-12345\n", 9), *b = scrubbed("x", "serial: SN-12345", 16);
    assert_memory_equal(a, b + 8, 8); /* the same thing is the same in every file of a capture */
    struct scrub other = {.salt = "2233"};
    struct ipw_buf out = IPW_BUF_INIT;
    scrub_text(&other, "serial_number", "SN-12345\n", 9, &out);
    assert_string_not_equal(out.s, a); /* and another in the next */
    ipw_buf_release(&out);
    free(a);
    free(b);
}

static char *path_of(const struct scrub *with, const char *path)
{
    struct ipw_buf out = IPW_BUF_INIT;
    scrub_path(with, path, &out);
    return ipw_buf_take(&out);
}

/* What a file tells of a device is found in the names of folders too, and nothing else is. */
static void test_known(void **state)
{
    (void)state;
    static const char uevent[] = "HID_UNIQ=SN-12345\nPOWER_SUPPLY_SERIAL_NUMBER= 20231107 \nHID_PHYS=\nA_SERIAL=unknown\n"
                                 "B_SERIAL=00000000\nC_SERIAL=0\n";
    struct scrub with = s;
    scrub_learn(&with, "uevent", uevent, strlen(uevent));
    scrub_learn(&with, "serial_number", "SN-12345\n", 9);
    assert_int_equal(with.n_known, 2);
    char *hash = scrubbed("serial_number", "SN-12345 \n", 10);
    char *got = path_of(&with, "/class/power_supply/hid-SN-12345-battery/SN-123456/a_20231107/unknown");
    assert_memory_equal(got, "/class/power_supply/hid-", 24);
    assert_memory_equal(got + 24, hash, 8);
    assert_memory_equal(got + 32, "-battery/SN-123456/a_", 21);
    assert_null(strstr(got, "20231107"));
    assert_string_equal(got + strlen(got) - 8, "/unknown");
    struct ipw_buf text = IPW_BUF_INIT;
    static const char json[] = "{\"raw\": 20231107, \"x\": -20231107, \"id\": \"hid-SN-12345\"}";
    scrub_text(&with, "a.json", json, strlen(json), &text);
    assert_non_null(strstr(text.s, "{\"raw\": 20231107, \"x\": -20231107, \"id\": \"hid-"));
    assert_null(strstr(text.s, "SN-12345"));
    ipw_buf_release(&text);
    free(hash);
    free(got);
    got = path_of(&s, "/class/hid-52:54:00:ab:cd:ef-battery/0000:01:00.0/intel-rapl:0:1");
    assert_null(strstr(got, "52:54"));
    assert_non_null(strstr(got, "-battery/0000:01:00.0/intel-rapl:0:1"));
    free(got);
    scrub_release(&with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secrets), cmocka_unit_test(test_left_alone), cmocka_unit_test(test_equal),
        cmocka_unit_test(test_known)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
