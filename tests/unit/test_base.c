#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/status.h"
#include "base/str.h"
#include "base/varint.h"

static void test_utf8(void **state)
{
    (void)state;
    assert_true(ipw_utf8_valid("h\xc3\xa9", 3));
    assert_false(ipw_utf8_valid("\xc0\x80", 2));
    assert_false(ipw_utf8_valid("\xed\xa0\x80", 3));
    assert_int_equal(ipw_utf8_tail("a\xe2\x82", 3), 2);
    assert_int_equal(ipw_utf8_tail("a\xe2\x82\xac", 4), 0);
    assert_int_equal(ipw_utf8_tail("\xf0\x9f\x98", 3), 3);
    assert_int_equal(ipw_utf8_tail("abc", 3), 0);
    size_t n;
    char *s = ipw_utf8_repair("a\xff" "b", 3, &n);
    assert_string_equal(s, "a\xef\xbf\xbd" "b");
    free(s);
}

static void test_varint(void **state)
{
    (void)state;
    const int64_t v[] = {0, 1, -1, 63, 64, -65, INT64_MAX, INT64_MIN, 1234567890123};
    uint8_t p[IPW_VARINT_MAX * 9];
    size_t n = 0;
    for (size_t i = 0; i < 9; i++)
        n += ipw_varint_puts(p + n, v[i]);
    struct ipw_varint_in in = {p, p + n, false};
    for (size_t i = 0; i < 9; i++)
        assert_true(ipw_varint_gets(&in) == v[i]);
    assert_false(in.bad);
    assert_int_equal(ipw_varint_get(&in), 0);
    assert_true(in.bad);
}

static void test_json(void **state)
{
    (void)state;
    struct ipw_err err;
    struct json_doc *d;
    assert_int_equal(json_read(&d, "{\"a\": nope}", 11, 0, &err), IPW_E_INPUT);
    assert_non_null(strstr(err.text, "at byte"));
    const char *t = "{\"a\":[1,2.5,null],\"b\":\"x\\u0000y\",\"c\":-3}";
    assert_int_equal(json_read(&d, t, strlen(t), 0, &err), 0);
    const json_val *r = json_root(d);
    assert_int_equal(json_len(json_get(r, "a")), 3);
    check_near(json_num(json_at(json_get(r, "a"), 1)), 2.5, 0);
    assert_true(isnan(json_num(json_get(r, "b"))));
    assert_int_equal(json_len(json_get(r, "b")), 3);
    int64_t i;
    assert_true(json_is_int(json_get(r, "c"), &i));
    assert_int_equal(i, -3);
    int n = 0;
    for (struct json_iter it = json_iter(r); json_next(&it);)
        n += it.key[0];
    assert_int_equal(n, 'a' + 'b' + 'c');
    json_doc_free(d);

    struct json_out *o = json_out_new();
    json_node *obj = json_new_obj(o);
    json_put_num(o, obj, "x", (double)NAN);
    json_put_str(o, obj, "s", "bad\xff");
    json_put_int(o, json_put_arr(o, obj, "v"), NULL, 7);
    char *s = json_write(o, obj, false);
    assert_string_equal(s, "{\"x\":null,\"s\":\"bad\xef\xbf\xbd\",\"v\":[7]}");
    free(s);
    json_out_free(o);
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const words[] = {"profile", "analyze", "sensors"};
    assert_string_equal(ipw_nearest("profiel", words, 3), "profile");
    assert_string_equal(ipw_nearest("analyse", words, 3), "analyze");
    assert_null(ipw_nearest("xyzzy", words, 3));
}

static void test_slug_hash_shuffle(void **state)
{
    (void)state;
    char s[64];
    ipw_slug("SmolLM2-135M  Instruct.Q4_1", s, sizeof s);
    assert_string_equal(s, "smollm2-135m-instruct.q4-1");
    size_t o[100], seen[100] = {0};
    ipw_rng_shuffle(7, o, 100);
    for (int i = 0; i < 100; i++)
        seen[o[i]]++;
    for (int i = 0; i < 100; i++)
        assert_int_equal(seen[i], 1);
    char hex[65];
    struct fs_sha256 *h = fs_sha256_new();
    fs_sha256_add(h, "abc", 3);
    fs_sha256_end(h, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_status(void **state)
{
    (void)state;
    for (int i = 0; i < QUERY_STATUS_N; i++)
        assert_int_equal(query_status_of(query_status_name(i)), i);
    assert_int_equal(energy_status_of("low_resolution"), ENERGY_LOW_RESOLUTION);
    assert_int_equal(score_status_of("nonsense"), -1);
    assert_int_equal(ipw_err_exit_code(IPW_E_LOCKED), 3);
    assert_int_equal(ipw_err_exit_code(IPW_E_INTERRUPTED), 130);
}

static void *read_pipe(void *path)
{
    static char got[32];
    FILE *f = fopen(path, "r");
    if (!f || !fgets(got, sizeof got, f))
        got[0] = '\0';
    if (f)
        fclose(f);
    return got;
}

/* A target's neighbours are nobody's business, a pipe stays one, and nothing is left behind. */
static void test_write(void **state)
{
    (void)state;
    char dir[] = "/tmp/ipw-base-XXXXXX", path[64], other[64];
    struct ipw_err err;
    struct ipw_buf text = IPW_BUF_INIT;
    struct stat st;
    pthread_t reader;
    void *got;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/a", dir);
    snprintf(other, sizeof other, "%s/a.tmp", dir);
    assert_int_equal(fs_write_atomic(other, "mine", 4, &err), 0);
    assert_int_equal(fs_write_atomic(path, "one", 3, &err), 0);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(fs_write_atomic(path, "two", 3, &err), 0);
    assert_true(!stat(path, &st) && (st.st_mode & 0777) == 0640);
    assert_int_equal(fs_read(other, 100, &text, &err), 0);
    assert_string_equal(text.s, "mine");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(other), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(pthread_create(&reader, NULL, read_pipe, path), 0);
    assert_int_equal(fs_write_atomic(path, "down the pipe", 13, &err), 0);
    pthread_join(reader, &got);
    assert_string_equal(got, "down the pipe");
    assert_true(!stat(path, &st) && S_ISFIFO(st.st_mode));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(fs_write_atomic(dir, "x", 1, &err), IPW_E_IO); /* a folder; and no file is left in it */
    assert_int_equal(rmdir(dir), 0);
    ipw_buf_release(&text);
}

static void *write_often(void *path)
{
    struct ipw_err err;
    intptr_t failed = 0;
    for (int i = 0; i < 50; i++)
        failed += fs_write_atomic(path, "0123456789", 10, &err) != 0;
    return (void *)failed;
}

static void *watch_mask(void *stop)
{
    intptr_t wrong = 0;
    while (!atomic_load((_Atomic int *)stop)) {
        FILE *f = fopen("/proc/self/status", "r");
        char line[128];
        while (f && fgets(line, sizeof line, f))
            wrong += ipw_starts(line, "Umask:") && !strstr(line, "0027");
        if (f)
            fclose(f);
    }
    return (void *)wrong;
}

/* Writers in parallel all succeed, the file is whole, nothing stays beside it, and nobody else's umask changes. */
static void test_writers(void **state)
{
    (void)state;
    char dir[] = "/tmp/ipw-base-XXXXXX", path[320], name[256];
    struct ipw_buf text = IPW_BUF_INIT;
    struct ipw_err err;
    struct stat st;
    pthread_t writer[4], watcher;
    _Atomic int stop = 0;
    void *failed;
    mode_t mask = umask(027);
    memset(name, 'n', 255); /* the longest there can be */
    name[255] = '\0';
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(pthread_create(&watcher, NULL, watch_mask, &stop), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&writer[i], NULL, write_often, path), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(writer[i], &failed);
        assert_null(failed);
    }
    atomic_store(&stop, 1);
    pthread_join(watcher, &failed);
    assert_null(failed);
    umask(mask);
    assert_true(!stat(path, &st) && (st.st_mode & 0777) == 0640);
    assert_int_equal(fs_read(path, 100, &text, &err), 0);
    assert_string_equal(text.s, "0123456789");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
    ipw_buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),   cmocka_unit_test(test_writers), cmocka_unit_test(test_utf8), cmocka_unit_test(test_varint),
        cmocka_unit_test(test_json),    cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_status),  cmocka_unit_test(test_slug_hash_shuffle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
