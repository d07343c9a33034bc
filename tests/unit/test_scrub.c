/* What a capture must not tell, and what it must leave alone so that it can be replayed. */
#include "check.h"

#include "base/str.h"
#include "cli/scrub.h"

static struct scrub s = {"0011", "toaster"};

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
    struct scrub other = {"2233", ""};
    struct ipw_buf out = IPW_BUF_INIT;
    scrub_text(&other, "serial_number", "SN-12345\n", 9, &out);
    assert_string_not_equal(out.s, a); /* and another in the next */
    ipw_buf_release(&out);
    free(a);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secrets), cmocka_unit_test(test_left_alone), cmocka_unit_test(test_equal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
