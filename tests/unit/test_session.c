/* Windows of a session: from several threads at once, against a known curve; what is forgotten; suspends; CPU time of a
 * process tree. Run it under TSan. */
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/proc.h"
#include "energy/session.c" /* also what it keeps and forgets, in simulated time */
#include "fakes/fake_io.h"

#define SEC ((int64_t)1000000000)
enum { THREADS = 4, ROUNDS = 3 };

static struct fake_io f;
static struct meter *meter;
static struct energy_session *session;
static struct rapl_model model = RAPL_MODEL_DEFAULT;

static int64_t asleep; /* what BOOTTIME is ahead */
static int64_t boot_clock(const struct ipw_env *env)
{
    return ipw_now(env) + __atomic_load_n(&asleep, __ATOMIC_SEQ_CST);
}

static struct ipw_clock live;

static void open_live(enum meter_mode mode, const char *fixture, energy_tap *tap, void *ud)
{
    struct ipw_err err;
    fake_io_init(&f, fixture);
    model.curve = (struct curve){5, 12, 1700000000, 0}; /* "client" is capped at 15 W */
    f.model = &model;
    f.real_clock = true;
    live = *f.env.clock;
    live.boot = boot_clock;
    f.env.clock = &live;
    assert_int_equal(meter_open(&meter, &f.env, &(struct meter_cfg){.mode = mode}, &err), 0);
    assert_int_equal(energy_session_open(&session, &f.env, meter, tap, ud, &err), 0);
}

static void close_live(void)
{
    energy_session_close(session);
    meter_close(meter);
    fake_io_release(&f);
}

static void nap(int64_t ns)
{
    int64_t end = ipw_now(&f.env) + ns;
    while (ipw_now(&f.env) < end)
        f.env.clock->sleep_until(&f.env, end);
}

static double truth_j(int64_t t0, int64_t t1)
{
    return curve_package_j(&model.curve, t1) - curve_package_j(&model.curve, t0);
}

static void *worker(void *arg)
{
    double *worst = arg;
    for (int i = 0; i < ROUNDS; i++) {
        struct energy_window *w = energy_window_begin(session);
        nap((300 + 70 * i) * MS);
        energy_window_end(w);
        const struct energy_result *r = energy_window_result(w);
        const struct energy_value *v = &r->total[ENERGY_TOTAL_COMPONENT];
        double want = truth_j(r->t0, r->t1), off = fabs((double)v->nj * 1e-9 / want - 1);
        if (v->status != ENERGY_MEASURED)
            off = INFINITY;
        *worst = off > *worst ? off : *worst;
        energy_window_free(w);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    double worst[THREADS] = {0};
    pthread_t t[THREADS];
    open_live(METER_MEASURED, "client", NULL, NULL);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&t[i], NULL, worker, &worst[i]), 0);
        nap(37 * MS);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(t[i], NULL);
        print_message("thread %d: worst error %.3f %%\n", i, worst[i] * 100);
        assert_true(worst[i] < 0.05); /* a loaded machine moves the edges by ticks, not more */
    }
    close_live();
}

static void test_states(void **state)
{
    (void)state;
    open_live(METER_MEASURED, "client", NULL, NULL);
    struct energy_window *w = energy_window_begin(session), *inner = energy_window_begin(session);
    assert_null(energy_window_result(w)); /* has not ended */
    assert_false(energy_window_ready(w));
    nap(60 * MS);
    energy_window_end(inner);
    nap(60 * MS);
    energy_window_end(w);
    const struct energy_result *r = energy_window_result(w), *i = energy_window_result(inner);
    int64_t t1 = r->t1;
    energy_window_end(w);
    assert_ptr_equal(energy_window_result(w), r);
    assert_true(r->t1 == t1 && r->t0 <= i->t0 && i->t1 < t1);
    assert_true(i->total[ENERGY_TOTAL_COMPONENT].nj > 0);
    assert_true(r->total[ENERGY_TOTAL_COMPONENT].nj > i->total[ENERGY_TOTAL_COMPONENT].nj);
    assert_int_equal(r->total[ENERGY_TOTAL_ACCEL].status, ENERGY_MISSING);
    assert_string_equal(r->total[ENERGY_TOTAL_ACCEL].reason, "no_channel");
    energy_window_free(w);
    energy_window_free(inner);
    close_live();
}

/* A made-up machine: a 100 W counter that shows a new value every 100 ms, and, when told to, none at all. */
static _Atomic int broken;

static void slow_open(struct energy_collector **out, const struct ipw_env *env, struct energy_channels *list)
{
    (void)env;
    struct energy_channel *c = energy_channels_add(list);
    snprintf(c->id, sizeof c->id, "slow");
    snprintf(c->device, sizeof c->device, "0000:01:00.0");
    c->scope = ENERGY_SCOPE_GPU_BOARD;
    c->unit_nj = 1e6;
    c->quantum_nj = 1000000;
    c->period_ns = 100 * MS;
    *out = (struct energy_collector *)(uintptr_t)1;
}

static int slow_read(struct energy_collector *c, const struct ipw_env *env, size_t local, uint64_t *raw)
{
    (void)c, (void)local;
    *raw = (uint64_t)(ipw_now(env) / (100 * MS)) * 10000;
    return atomic_load(&broken) ? -EIO : 0;
}

static void slow_close(struct energy_collector *c, const struct ipw_env *env)
{
    (void)c, (void)env;
}

static void test_slow(void **state)
{
    (void)state;
    static const struct energy_collector_ops slow = {.name = "slow", .what = "", .verified = "stub", .open = slow_open,
                                                     .read = slow_read, .close = slow_close};
    const struct energy_collector_ops *const list[] = {&slow, NULL};
    struct ipw_err err;
    const struct energy_value *v;
    assert_int_equal(meter_open(&meter, &ipw_env_host, &(struct meter_cfg){.collectors = list}, &err), 0);
    assert_int_equal(energy_session_open(&session, &ipw_env_host, meter, NULL, NULL, &err), 0);
    usleep(500000); /* so long that the update before the window has been seen */
    struct energy_window *w = energy_window_begin(session);
    usleep(1030000);
    energy_window_end(w);
    assert_false(energy_window_ready(w)); /* the update that holds the end is yet to come */
    int64_t asked = ipw_now(&ipw_env_host);
    const struct energy_result *r = energy_window_result(w);
    double waited = (double)(ipw_now(&ipw_env_host) - asked) * 1e-9;
    v = &r->total[ENERGY_TOTAL_ACCEL];
    print_message("100 W for %.3f s from a 100 ms counter: %.2f J, %s, known after %.3f s\n", r->seconds,
                  (double)v->nj * 1e-9, energy_status_name((int)v->status), waited);
    assert_true(energy_value_known(v) && waited < 0.4);
    check_near((double)v->nj * 1e-9, 100 * r->seconds, 0.01); /* though one update is 10 J */
    energy_window_free(w);
    w = energy_window_begin(session);
    atomic_store(&broken, 1);
    usleep(1200000);
    energy_window_end(w);
    asked = ipw_now(&ipw_env_host);
    v = &energy_window_result(w)->total[ENERGY_TOTAL_COMPONENT];
    waited = (double)(ipw_now(&ipw_env_host) - asked) * 1e-9;
    assert_int_equal(v->status, ENERGY_MISSING);
    assert_non_null(v->reason);
    assert_true(waited < 1); /* a dead counter does not hold the answer up */
    energy_window_free(w);
    energy_session_close(session);
    meter_close(meter);
}

struct seen {
    size_t readings, clocks, suspended;
    struct energy_span span;
};

static void on_batch(const struct energy_batch *b, void *ud)
{
    struct seen *s = ud;
    s->readings += b->n;
    s->clocks += b->clock != NULL;
    s->suspended += b->suspended != NULL;
    if (b->suspended)
        s->span = *b->suspended;
}

/* The clocks step apart by 5 s: one span, between two looks; and every reading reaches the tap once. */
static void test_suspend(void **state)
{
    (void)state;
    struct seen seen = {0};
    open_live(METER_MEASURED, "client", on_batch, &seen);
    nap(300 * MS);
    int64_t t = ipw_now(&f.env);
    __atomic_store_n(&asleep, 5 * SEC, __ATOMIC_SEQ_CST);
    nap(900 * MS);
    energy_session_close(session);
    assert_int_equal(seen.suspended, 1);
    assert_true(seen.span.t0 <= t && seen.span.t1 >= t && seen.span.t1 - seen.span.t0 < SEC);
    assert_true(seen.clocks >= 2 && seen.clocks <= 4);
    assert_true(seen.readings > 40 && seen.readings < 200);
    meter_close(meter);
    fake_io_release(&f);
    __atomic_store_n(&asleep, 0, __ATOMIC_SEQ_CST);
}

/* Four hours at 20 Hz with a window open all the time: memory is bounded and the joules stay what they were, over wraps
 * of the counter; when nobody asks any more, a minute is left. */
static void test_memory(void **state)
{
    (void)state;
    struct energy_channel ch = {.id = "x", .unit_nj = 1000, .modulus = 262143328911u, .period_ns = MS, .in_total = true,
                                .quantum_nj = 61000, .pmax_w = 200};
    struct track track = {.thin_at = THIN_AT};
    struct energy_session s = {.ch = &ch, .n_ch = 1, .track = &track};
    struct energy_window w = {.s = &s, .t0 = 100 * SEC, .t1 = 0};
    size_t most = 0;
    double watts = 50;
    pthread_mutex_init(&s.lock, NULL);
    s.windows = &w;
    for (int64_t t = 0; t <= 4 * 3600 * SEC; t += 50 * MS) {
        struct energy_reading r = {.t_before = t, .t_after = t + 20000,
                                   .raw = (uint64_t)(watts * (double)t * 1e-3) % ch.modulus};
        keep(&s, &r, 1);
        if (t % (10 * SEC) == 0)
            forget(&s, t);
        most = track.n > most ? track.n : most;
        w.t1 = t == 4 * 3600 * SEC - 30 * SEC ? t : w.t1;
    }
    print_message("at most %zu readings of 288001\n", most);
    assert_true(most <= THIN_AT + 200);
    struct energy_value v = attribute(&w, 0, NULL, 0);
    assert_int_equal(v.status, ENERGY_MEASURED);
    check_near((double)v.nj * 1e-9, watts * (double)(w.t1 - w.t0) * 1e-9, 1e-6);
    s.windows = NULL;
    forget(&s, 4 * 3600 * SEC);
    assert_true(track.n > 1150 && track.n < 1300);
    free(track.v);
}

/* 20,000 windows of 50 us, all open until the end, and then their results: each copies what is its own, not what was read for
 * the others, and the joules are right. */
static void test_many(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    struct energy_channel ch = {.id = "x", .unit_nj = 1000, .modulus = 262143328911u, .period_ns = MS, .in_total = true,
                                .quantum_nj = 61000, .pmax_w = 200};
    struct track track = {.thin_at = THIN_AT};
    struct energy_session s = {.ch = &ch, .n_ch = 1, .track = &track};
    struct energy_window *w = ipw_calloc(MANY, sizeof *w);
    pthread_mutex_init(&s.lock, NULL);
    int64_t t = 100 * SEC, tick = t;
    for (int i = 0; i < MANY; i++) {
        w[i] = (struct energy_window){.s = &s, .t0 = t, .t1 = t + 20 * MS, .next = s.windows};
        s.windows = &w[i];
        for (int k = 0; k < 2; k++, t += 50000) {
            struct energy_reading r = {.t_before = t, .t_after = t + 20000, .raw = (uint64_t)(t / 20)};
            keep(&s, &r, 1);
        }
        for (; i % 2500 == 2499 && tick < t; tick += 50 * MS) { /* a round later */
            struct energy_reading r = {.t_before = tick + 7, .t_after = tick + 20007, .raw = (uint64_t)((tick + 7) / 20)};
            keep(&s, &r, 1);
        }
    }
    for (size_t i = 1; i < track.n; i++)
        assert_true(track.v[i - 1].t_before <= track.v[i].t_before);
    size_t before = track.n;
    thin(&s, &track, t);
    assert_int_equal(track.n, before); /* all near to an edge */
    for (int i = 1000; i < MANY - 1000; i++) {
        size_t n;
        struct energy_reading *v = copy_readings(&s, 0, &w[i], &n);
        assert_true(n < 500);
        free(v);
    }
    print_message("%.0f of %zu readings copied for a window\n", (double)s.n_copied / (MANY - 2000), track.n);
    for (int i = 1000; i < MANY - 1000; i += 500) {
        struct energy_value v = attribute(&w[i], 0, NULL, 0);
        assert_int_equal(v.status, ENERGY_MEASURED);
        check_near((double)v.nj * 1e-9, 50 * 0.02, 0.01);
    }
    free(track.v);
    free(w);
}

static void burn(int64_t ns)
{
    int64_t end = ipw_env_host.clock->cpu(&ipw_env_host) + ns;
    while (ipw_env_host.clock->cpu(&ipw_env_host) < end)
        ;
}

static void *burner(void *arg)
{
    (void)arg;
    struct timespec ts;
    do
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    while (ts.tv_nsec < 200000000);
    return NULL;
}

/* A child with two threads, which starts a grandchild that it waits for and one that it leaves alone: 0.2 s each. */
static void test_tree(void **state)
{
    (void)state;
    struct proc_tree *tree = proc_tree_new();
    assert_true(proc_tree_cpu(tree) < 20 * MS);
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    pid_t child = fork();
    if (!child) {
        pthread_t t;
        if (!fork()) { /* becomes an orphan */
            pid_t me = getpid();
            if (write(fd[1], &me, sizeof me) != sizeof me)
                _exit(1);
            burn(200 * MS);
            pause();
        }
        pid_t waited = fork();
        if (!waited) {
            burn(200 * MS);
            _exit(0);
        }
        pthread_create(&t, NULL, burner, NULL);
        burner(NULL);
        pthread_join(t, NULL);
        waitpid(waited, NULL, 0);
        _exit(0);
    }
    struct proc p = {.pid = child, .fd = -1};
    int64_t last = 0;
    for (bool done = false; !done;) {
        proc_tree_scan(tree, child);
        done = proc_wait(&p, 20);
        int64_t now = proc_tree_cpu(tree);
        assert_true(now >= last);
        last = now;
    }
    double cpu = 0;
    for (int i = 0; i < 500 && cpu < 0.79; i++) { /* the orphan goes on */
        usleep(20000);
        proc_tree_scan(tree, 0);
        cpu = (double)proc_tree_cpu(tree) * 1e-9;
    }
    print_message("0.8 s of work in a tree: %.3f s counted\n", cpu);
    check_near(cpu, 0.8, 0.12);
    pid_t orphan;
    assert_int_equal(read(fd[0], &orphan, sizeof orphan), sizeof orphan);
    kill(orphan, SIGKILL);
    waitpid(orphan, NULL, 0); /* it has become a child of this process */
    close(fd[0]);
    close(fd[1]);
    proc_tree_free(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tree), cmocka_unit_test(test_threads),
                                       cmocka_unit_test(test_states), cmocka_unit_test(test_suspend),
                                       cmocka_unit_test(test_memory), cmocka_unit_test(test_many),
                                       cmocka_unit_test(test_slow)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
