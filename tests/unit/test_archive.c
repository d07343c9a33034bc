#include "check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "net/archive.h"
#include "net/wheel.h"

/* A zip made by python3 in a folder of the test's; "" without python3. */
static char folder[] = "/tmp/ipw-archive-XXXXXX", zip[64], out[64];

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(zip, sizeof zip, "%s/a.zip", folder);
    snprintf(out, sizeof out, "%s/out", folder);
    char command[1000];
    snprintf(command, sizeof command,
             "python3 -c 'import sys, zipfile\n"
             "z = zipfile.ZipFile(sys.argv[1], \"w\", zipfile.ZIP_DEFLATED)\n"
             "z.writestr(\"../../escape.txt\", \"e\")\n"
             "z.writestr(\"p/one.jsonl\", \"hello\")\n"
             "z.writestr(\"p/dir/\", \"\")\n"
             "z.writestr(\"p/bomb\", b\"0\" * (64 << 20))\n"
             "z.close()' %s",
             zip);
    return system(command) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(zip);
    unlink(out);
    return rmdir(folder); /* fails when something was left or written elsewhere in it */
}

static void test_member(void **state)
{
    (void)state;
    struct ipw_err err = {0};
    struct ipw_buf b = IPW_BUF_INIT;
    assert_int_equal(archive_member(zip, "p/one.jsonl", 5, &b, &err), 0);
    assert_string_equal(b.s, "hello");
    ipw_buf_clear(&b);
    assert_int_equal(archive_member(zip, "p/one.jsonl", 4, &b, &err), IPW_E_INPUT);
    assert_non_null(strstr(err.text, "is larger than"));
    ipw_buf_clear(&b);
    assert_int_equal(archive_member(zip, "p/bomb", 1 << 20, &b, &err), IPW_E_INPUT);
    assert_true(b.cap <= 4 << 20); /* what a bomb holds is never all in memory */
    assert_int_equal(archive_member(zip, "p/two.jsonl", 9, &b, &err), IPW_E_INPUT);
    assert_non_null(strstr(err.text, "holds no 'p/two.jsonl'"));
    assert_int_equal(archive_member(zip, "p/dir/", 9, &b, &err), IPW_E_INPUT);
    assert_int_equal(archive_member("/no/such.zip", "p", 9, &b, &err), IPW_E_INPUT);
    assert_int_equal(archive_member("/dev/null", "p", 9, &b, &err), IPW_E_INPUT);
    ipw_buf_release(&b);
}

/* Only to the place that was asked for, whatever the member is called; a full disk leaves no file. */
static void test_extract(void **state)
{
    (void)state;
    char sha[65];
    struct ipw_err err = {0};
    struct ipw_buf b = IPW_BUF_INIT;
    assert_int_equal(archive_extract(zip, "*escape.txt", out, sha, &err), 0);
    assert_string_equal(sha, "3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea");
    assert_int_equal(fs_read(out, 9, &b, &err), 0);
    assert_string_equal(b.s, "e");
    ipw_buf_release(&b);
    assert_int_equal(archive_extract(zip, "none", out, sha, &err), IPW_E_INPUT);
    assert_int_equal(archive_extract(zip, "p/one.jsonl", "/no/such/place", sha, &err), IPW_E_IO);
}

/* Every prefix of the file, and every byte of it changed: an error or a text, never a crash. */
static void test_damaged(void **state)
{
    (void)state;
    char part[80];
    struct ipw_err err = {0};
    struct ipw_buf whole = IPW_BUF_INIT, b = IPW_BUF_INIT;
    snprintf(part, sizeof part, "%s/part", folder);
    assert_int_equal(fs_read(zip, 1 << 20, &whole, &err), 0);
    for (size_t i = 0; i < 160; i++) {
        assert_int_equal(fs_write_atomic(part, whole.s, i, &err), 0);
        ipw_buf_clear(&b);
        int rc = archive_member(part, "p/one.jsonl", 100, &b, &err);
        assert_true(rc == IPW_E_INPUT || (!rc && b.len <= 100));
        whole.s[i] ^= 0x5a;
        assert_int_equal(fs_write_atomic(part, whole.s, whole.len, &err), 0);
        whole.s[i] ^= 0x5a;
        ipw_buf_clear(&b);
        rc = archive_member(part, "p/one.jsonl", 100, &b, &err);
        assert_true(rc == IPW_E_INPUT || (!rc && b.len <= 100));
    }
    unlink(part);
    ipw_buf_release(&whole);
    ipw_buf_release(&b);
}

/* A file the user has counts only with the pinned sha256. */
static void test_given(void **state)
{
    (void)state;
    char path[PATH_MAX], sha[65];
    struct ipw_err err = {0};
    struct wheel w = {"p", "1", "p-1.whl", sha, 0};
    struct wheel_how how = {.given = zip, .dir = folder, .redo = "ipw dataset import"};
    struct ipw_buf b = IPW_BUF_INIT;
    assert_int_equal(fs_read(zip, 1 << 20, &b, &err), 0);
    struct fs_sha256 *h = fs_sha256_new();
    fs_sha256_add(h, b.s, b.len);
    fs_sha256_end(h, sha);
    ipw_buf_release(&b);
    assert_int_equal(wheel_get(&w, &how, path, &err), 0);
    assert_string_equal(path, zip);
    sha[0] = sha[0] == '0' ? '1' : '0';
    assert_int_equal(wheel_get(&w, &how, path, &err), IPW_E_INPUT);
    assert_non_null(strstr(err.text, "is not the 'p-1.whl' that is meant"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_member),
        cmocka_unit_test(test_extract),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_given),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
