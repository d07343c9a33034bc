/* The ring, the sampler's schedule in simulated time, and its thread beside a reader that never rests (run this one
 * under TSan). */
#include "check.h"

#include <pthread.h>
#include <unistd.h>

#include "base/mem.h"
#include "energy/attribute.h"
#include "energy/sampler.h"
#include "fakes/fake_io.h"

#define MS ((int64_t)1000000)
#define SEC ((int64_t)1000000000)

static struct energy_ring ring;

static void test_ring(void **state)
{
    (void)state;
    memset(&ring, 0, sizeof ring);
    atomic_store(&ring.head, UINT32_MAX - 10); /* the counters wrap on the way */
    atomic_store(&ring.tail, UINT32_MAX - 10);
    struct energy_reading x = {0}, got[100];
    for (uint64_t i = 0; i < ENERGY_RING_CAP + 3; i++) {
        x.raw = i;
        energy_ring_put(&ring, &x);
    }
    assert_int_equal(energy_ring_lost(&ring), 3);
    assert_int_equal(energy_ring_lost(&ring), 0);
    uint64_t next = 0;
    for (size_t n; (n = energy_ring_take(&ring, got, 100));)
        for (size_t i = 0; i < n; i++)
            assert_true(got[i].raw == next++);
    assert_int_equal(next, ENERGY_RING_CAP);
}

static size_t count(const struct energy_reading *r, size_t n, int32_t channel)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        k += r[i].channel == channel;
    return k;
}

/* Ten simulated seconds: 20 reads a second of counters, 10 of the model, 1 of a gauge. */
static void test_schedule(void **state)
{
    (void)state;
    const struct {
        const char *fixture;
        size_t reads[4]; /* per channel */
        size_t n;
    } v[] = {{"client", {201, 201, 201, 201}, 4}, {"none", {0, 101, 101, 11}, 4}};
    for (size_t k = 0; k < 2; k++) {
        struct fake_io f;
        struct ipw_err err;
        struct meter *m;
        struct sampler s;
        static struct energy_reading got[ENERGY_RING_CAP];
        fake_io_init(&f, v[k].fixture);
        assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_AUTO}, &err), 0);
        sampler_init(&s, &f.env, m);
        assert_int_equal(s.n_lanes, 1);
        struct sampler_lane *l = &s.lane[0];
        size_t steps = 0;
        for (int64_t now = 0; now <= 10 * SEC; steps++) {
            atomic_store(&f.now, now);
            int64_t next = sampler_step(l, now);
            assert_true(next > now && next % l->tick_ns == 0);
            assert_true(sampler_step(l, now) == next); /* woken early: nothing is read */
            now = next;
        }
        assert_true(steps <= 250);
        size_t n = sampler_take(&s, got, ENERGY_RING_CAP);
        for (size_t c = 0; c < v[k].n; c++)
            assert_int_equal(count(got, n, (int32_t)c), v[k].reads[c]);
        atomic_store(&f.now, 20 * SEC + 3);
        assert_true(sampler_step(l, 20 * SEC + 3) == 20 * SEC + l->tick_ns); /* 10 s late: no catching up */
        sampler_release(&s);
        meter_close(m);
        fake_io_release(&f);
    }
}

struct racer {
    const struct meter *m;
    struct energy_ring *ring;
    _Atomic bool stop;
    uint64_t reads;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    while (!atomic_load(&r->stop)) {
        struct energy_reading x;
        meter_read(r->m, 0, &x);
        energy_ring_put(r->ring, &x);
        r->reads++;
        usleep(20);
    }
    return NULL;
}

/* Real threads and real time: two producers with their rings, a zone that goes and comes back meanwhile, and the
 * joules of a query that ends while both read. */
static void test_thread(void **state)
{
    (void)state;
    static struct energy_ring fast;
    struct fake_io f;
    struct ipw_err err;
    struct meter *m;
    struct sampler s;
    struct rapl_model model = RAPL_MODEL_DEFAULT;
    model.curve.low_w = 8; /* the fixture's package may take 2 x 15 W */
    model.curve.high_w = 24;
    model.vanish = (struct fault){600 * MS, 200 * MS};
    fake_io_init(&f, "client");
    f.model = &model;
    f.real_clock = true;
    assert_int_equal(meter_open(&m, &f.env, &(struct meter_cfg){.mode = METER_MEASURED}, &err), 0);
    sampler_init(&s, &f.env, m);
    assert_int_equal(sampler_start(&s, &err), 0);
    struct racer r = {.m = m, .ring = &fast};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, race, &r), 0);
    size_t cap = 400000, n = 0;
    struct energy_reading *got = ipw_malloc(cap * sizeof *got);
    for (int i = 0; i < 36; i++) {
        usleep(100000);
        n += sampler_take(&s, got + n, cap - n);
        n += energy_ring_take(&fast, got + n, cap - n);
    }
    atomic_store(&r.stop, true);
    pthread_join(thread, NULL);
    sampler_stop(&s);
    sampler_stop(&s); /* twice is once */
    n += sampler_take(&s, got + n, cap - n);
    n += energy_ring_take(&fast, got + n, cap - n);
    assert_int_equal(sampler_lost(&s), 0);
    double seconds = 3.6;
    double wakes = (double)atomic_load(&s.lane[0].wakes) / seconds;
    print_message("%.1f wakes/s, %.2f ms CPU/s, %zu readings, %llu by the fast reader\n", wakes,
                  (double)atomic_load(&s.lane[0].cpu_ns) * 1e-6 / seconds, n, (unsigned long long)r.reads);
    assert_true(wakes <= 25);
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (got[i].channel == 0)
            got[k++] = got[i];
    size_t n_ch;
    const struct energy_channel *ch = meter_channels(m, &n_ch);
    const struct energy_mark marks[] = {{200 * MS, 300 * MS, 500 * MS}, {650 * MS, 700 * MS, 900 * MS},
                                        {2000 * MS, 2100 * MS, 3400 * MS}};
    struct energy_query_value out[3];
    struct energy_value gap;
    energy_attribute(&(struct energy_facts){&ch[0], got, k, marks, 3, NULL, 0}, out, &gap);
    for (int i = 0; i < 3; i += 2) {
        assert_int_equal(out[i].total.status, ENERGY_MEASURED);
        check_near((double)out[i].total.nj * 1e-9,
                   curve_package_j(&model.curve, marks[i].t_end) -
                       curve_package_j(&model.curve, marks[i].t_send),
                   0.02);
    }
    assert_string_equal(out[1].total.reason, "counter_unreadable");
    free(got);
    sampler_release(&s);
    meter_close(m);
    assert_int_equal(atomic_load(&f.open_fds), 0);
    fake_io_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_schedule),
        cmocka_unit_test(test_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
