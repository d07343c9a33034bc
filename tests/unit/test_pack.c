#include "check.h"

#include <stdbool.h>

#include "base/rng.h"
#include "store/pack.h"

/* The bytes of docs/schema.md, spelled out. */
static void test_layout(void **state)
{
    (void)state;
    const struct store_reading r[] = {{1000, 1003, 500, 0}, {1064, 1064, 499, -5}};
    static const uint8_t want[] = {0, 3, 0xe8, 0x07, 0, /* +0, 3 long, raw +500, fine */
                                   0x80, 0x01, 0, 1, 9}; /* +64, 0 long, raw -1, -EIO */
    struct ipw_buf b = IPW_BUF_INIT;
    store_pack_readings(r, 2, 1000, &b);
    assert_int_equal(b.len, sizeof want);
    assert_memory_equal(b.s, want, sizeof want);
    ipw_buf_clear(&b);
    store_pack_stamps((const int64_t[]){70, 134, 133}, 3, 7, &b);
    assert_int_equal(b.len, 4);
    assert_memory_equal(b.s, "\x7e\x80\x01\x01", 4);
    ipw_buf_release(&b);
}

static void test_round_trip(void **state)
{
    (void)state;
    enum { N = 2000 };
    static struct store_reading r[N], back[N];
    static int64_t t[N], times[N * 10];
    const int64_t edge[] = {0, 1, -1, INT64_MAX, INT64_MIN, 1000000000, -64, 63};
    struct ipw_buf b = IPW_BUF_INIT;
    for (uint64_t i = 0; i < N; i++) {
        bool odd = ipw_rng_at(1, i) % 4 == 0;
        int64_t step = odd ? edge[ipw_rng_at(2, i) % 8] : (int64_t)(i * 50000000 + ipw_rng_at(2, i) % 1000000);
        r[i] = (struct store_reading){step, odd ? edge[ipw_rng_at(3, i) % 8] : step + 2000,
                                      odd ? ipw_rng_at(4, i) : i * 7, odd ? (int32_t)ipw_rng_at(5, i) : 0};
        t[i] = odd ? edge[ipw_rng_at(6, i) % 8] : step;
    }
    store_pack_readings(r, N, -77, &b);
    assert_int_equal(store_unpack_readings(b.s, b.len, N, -77, back), 0);
    for (size_t i = 0; i < N; i++)
        assert_true(r[i].t_before == back[i].t_before && r[i].t_after == back[i].t_after && r[i].raw == back[i].raw &&
                    r[i].status == back[i].status);
    assert_int_equal(store_unpack_readings(b.s, b.len, N - 1, -77, back), -1); /* bytes left over */
    assert_int_equal(store_unpack_readings(b.s, b.len - 1, N, -77, back), -1); /* cut */
    ipw_buf_clear(&b);
    store_pack_stamps(t, N, 5, &b);
    assert_true(b.len <= sizeof times / sizeof times[0]);
    assert_int_equal(store_unpack_stamps(b.s, b.len, 5, times), N);
    assert_memory_equal(t, times, sizeof t);
    assert_int_equal(store_unpack_stamps("\x80", 1, 5, times), -1);
    ipw_buf_release(&b);
}

static void test_empty_and_damaged(void **state)
{
    (void)state;
    struct store_reading r[2];
    int64_t t[1];
    assert_int_equal(store_unpack_readings(NULL, 0, 0, 0, r), 0);
    assert_int_equal(store_unpack_readings(NULL, 0, 1, 0, r), -1);
    assert_int_equal(store_unpack_stamps(NULL, 0, 0, t), 0);
    /* a status past 32 bits, a number of eleven bytes */
    assert_int_equal(store_unpack_readings("\0\0\0\x80\x80\x80\x80\x20", 8, 1, 0, r), -1);
    assert_int_equal(store_unpack_readings("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\0\0\0\0", 14, 1, 0, r), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_empty_and_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
