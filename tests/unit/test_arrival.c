/* When requests are due: rates, ramps, traces, and what does not go together. */
#include "check.h"

#include <math.h>
#include <stdlib.h>

#include "run/arrival.h"
#include "run/settings.h"

static struct ipw_err err;

static struct arrival make(const char *kind, double rate, double ramp, double speed, int64_t concurrency)
{
    struct arrival a;
    struct run_plan p = {.arrival = kind ? (char *)(uintptr_t)kind : NULL, .request_rate = rate, .ramp_s = ramp, .speed = speed,
                         .concurrency = concurrency, .seed = 7};
    assert_int_equal(arrival_init(&a, &p, &err), 0);
    arrival_begin(&a, 1000);
    return a;
}

static void test_constant(void **state)
{
    (void)state;
    struct arrival a = make("constant", 4, 0, 1, RUN_UNSET);
    for (int k = 0; k < 9; k++)
        assert_int_equal(arrival_next_ns(&a, 0), 1000 + k * 250000000ll);
}

/* The mean and the spread of an exponential; the same seed gives the same times. */
static void test_poisson(void **state)
{
    (void)state;
    struct arrival a = make(NULL, 50, 0, 1, RUN_UNSET), b = make("poisson", 50, 0, 1, RUN_UNSET);
    int64_t last = 1000;
    double sum = 0, square = 0;
    enum { N = 20000 };
    for (int k = 0; k < N; k++) {
        int64_t t = arrival_next_ns(&a, 0);
        assert_int_equal(t, arrival_next_ns(&b, 0));
        double s = (double)(t - last) * 1e-9;
        assert_true(t >= last);
        sum += s;
        square += s * s;
        last = t;
    }
    double mean = sum / N;
    assert_true(fabs(mean * 50 - 1) < 0.03);
    assert_true(fabs(sqrt(square / N - mean * mean) / mean - 1) < 0.05);
}

/* A ramp asks half of what the full rate would, then goes on at that rate. */
static void test_ramp(void **state)
{
    (void)state;
    struct arrival a = make("constant", 10, 4, 1, RUN_UNSET);
    int64_t t = 0, last = 0;
    for (int k = 0; k <= 20; k++)
        t = arrival_next_ns(&a, 0);
    assert_int_equal(t, 1000 + 4000000000ll);
    last = t;
    assert_true(llabs(arrival_next_ns(&a, 0) - last - 100000000) <= 1);
    a = make(NULL, 0, 3, 1, 4);
    assert_int_equal(a.kind, ARRIVAL_CLOSED);
    assert_int_equal(arrival_opens_ns(&a, 0), 1000);
    assert_int_equal(arrival_opens_ns(&a, 2), 1000 + 1500000000ll);
}

static void test_trace(void **state)
{
    (void)state;
    struct arrival a = make("trace", 0, 0, 4, RUN_UNSET);
    assert_int_equal(arrival_next_ns(&a, 2), 1000 + 500000000);
}

static void test_refused(void **state)
{
    (void)state;
    struct arrival a;
    const struct run_plan bad[] = {{.arrival = (char[]){"sometimes"}, .speed = 1},
                                   {.arrival = (char[]){"poisson"}, .speed = 1},
                                   {.arrival = (char[]){"trace"}, .request_rate = 3, .speed = 1},
                                   {.request_rate = 3, .speed = 2}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(arrival_init(&a, &bad[i], &err), IPW_E_USAGE);
}

/* The templates of a run are told in one order, whatever order its questions were asked in. */
static void test_templates(void **state)
{
    (void)state;
    static const char *const words[] = {"numeric/1", "contains/1", "mcq/1", "mcq/10"};
    for (size_t shift = 0; shift < 4; shift++) {
        struct table_run t = {0};
        for (size_t i = 0; i < 8; i++)
            run_settings_query(&t, words[(i + shift) % 4], 1);
        assert_string_equal(t.settings[TABLE_SETTING_TEMPLATE].text, "contains/1, mcq/1, mcq/10, numeric/1");
        table_run_release(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_constant), cmocka_unit_test(test_poisson),
                                       cmocka_unit_test(test_ramp),     cmocka_unit_test(test_trace),
                                       cmocka_unit_test(test_refused),  cmocka_unit_test(test_templates)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
