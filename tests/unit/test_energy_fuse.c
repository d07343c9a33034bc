/* A live counter in real time: fake_powercap (FUSE), meter, sampler thread, boundary reads, attribution, against the
 * closed form. Skipped where FUSE is refused. */
#include "check.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "energy/attribute.h"
#include "energy/sampler.h"
#include "fakes/curve.h"

enum { WINDOWS = 2, CAP = 20000 };
#define SEC ((int64_t)1000000000)

static char mountpoint[] = "/tmp/ipw-fuse-XXXXXX";
static pid_t child;

/* False when there is no such program or no FUSE. */
static bool mount_fake(void)
{
    const char *build = getenv("IPW_BUILD"), *given = getenv("IPW_FAKE_POWERCAP");
    char path[512];
    snprintf(path, sizeof path, "%s/tests/fakes/fake_powercap", build ? build : ".");
    if (given)
        snprintf(path, sizeof path, "%s", given);
    int fd[2];
    if (access(path, X_OK) != 0 || !mkdtemp(mountpoint) || pipe(fd) != 0)
        return false;
    child = fork();
    if (child == 0) {
        dup2(fd[1], 1);
        execl(path, path, mountpoint, "--packages", "2", "--start-near-wrap", "60", (char *)NULL);
        _exit(127);
    }
    close(fd[1]);
    char word[8] = "";
    ssize_t n = read(fd[0], word, sizeof word - 1);
    close(fd[0]);
    return n > 0 && ipw_starts(word, "ready");
}

static void unmount_fake(void)
{
    if (child > 0) {
        kill(child, SIGTERM);
        waitpid(child, NULL, 0);
    }
    rmdir(mountpoint);
}

static void sleep_until(int64_t t)
{
    while (ipw_now(&ipw_env_host) < t)
        ipw_env_host.clock->sleep_until(&ipw_env_host, t);
}

static struct energy_reading got[CAP];

static size_t boundary(const struct meter *m, struct energy_reading *out)
{
    size_t n, k = 0;
    meter_channels(m, &n);
    for (size_t i = 0; i < n; i++)
        meter_read(m, i, &out[k++]);
    return k;
}

static void test_live(void **state)
{
    (void)state;
    struct ipw_env env = ipw_env_host;
    struct ipw_err err;
    struct meter *m;
    struct sampler s;
    env.sys_root = mountpoint;
    char text[64], path[128];
    int64_t epoch;
    snprintf(path, sizeof path, "%s/truth_epoch", mountpoint);
    assert_true(ipw_env_read(&env, path, text, sizeof text) > 0 && ipw_parse_i64(text, &epoch));
    assert_int_equal(meter_open(&m, &env, &(struct meter_cfg){.mode = METER_MEASURED}, &err), 0);
    size_t n_ch, n = 0;
    const struct energy_channel *ch = meter_channels(m, &n_ch);
    assert_int_equal(n_ch, 4);
    print_message("read %.1f us (median)\n", (double)ch[0].latency_ns * 1e-3);
    sampler_init(&s, &env, m);
    int64_t start = ipw_now(&env);
    assert_int_equal(sampler_start(&s, &err), 0);
    struct energy_mark marks[WINDOWS];
    for (int i = 0; i < WINDOWS; i++) {
        sleep_until(ipw_now(&env) + SEC / 5);
        marks[i].t_send = ipw_now(&env);
        n += boundary(m, got + n);
        sleep_until(marks[i].t_send + SEC / 3);
        marks[i].t_first = ipw_now(&env);
        n += boundary(m, got + n);
        sleep_until(marks[i].t_send + 3 * SEC);
        marks[i].t_end = ipw_now(&env);
        n += boundary(m, got + n);
    }
    sampler_stop(&s);
    double seconds = (double)(ipw_now(&env) - start) * 1e-9;
    n += sampler_take(&s, got + n, CAP - n);
    print_message("sampler: %.1f wakes/s, %.2f ms CPU/s, %zu channels\n",
                  (double)atomic_load(&s.lane[0].wakes) / seconds,
                  (double)atomic_load(&s.lane[0].cpu_ns) * 1e-6 / seconds, n_ch);
    assert_true((double)atomic_load(&s.lane[0].wakes) / seconds <= 25);
    sampler_release(&s);
    const struct curve curve = CURVE_DEFAULT;
    struct energy_value total[4][WINDOWS];
    for (size_t c = 0; c < n_ch; c++) {
        static struct energy_reading mine[CAP];
        struct energy_query_value out[WINDOWS];
        struct energy_value gap;
        size_t k = 0;
        for (size_t i = 0; i < n; i++)
            if (got[i].channel == (int32_t)c)
                mine[k++] = got[i];
        energy_attribute(&(struct energy_facts){&ch[c], mine, k, marks, WINDOWS, NULL, 0}, out, &gap);
        for (int i = 0; i < WINDOWS; i++) {
            int64_t a = marks[i].t_send - epoch, b = marks[i].t_end - epoch;
            bool dram = ch[c].scope == ENERGY_SCOPE_DRAM;
            double want = dram ? curve_dram_j(&curve, b) - curve_dram_j(&curve, a)
                               : curve_package_j(&curve, b) - curve_package_j(&curve, a);
            double e = (double)out[i].total.nj * 1e-9;
            total[c][i] = out[i].total;
            print_message("%s, window %d: %.4f J, truth %.4f J, %+.4f %%, u %.4f J\n", ch[c].id, i, e,
                          want, 100 * (e / want - 1), (double)out[i].total.u_nj * 1e-9);
            assert_int_equal(out[i].total.status, ENERGY_MEASURED);
            check_near(e, want, 0.005);
        }
    }
    struct energy_value members[4];
    for (int c = 0; c < 4; c++)
        members[c] = total[c][0];
    assert_int_equal(energy_sum(members, 4).status, ENERGY_MEASURED);
    meter_close(m);
}

int main(void)
{
    if (!mount_fake()) {
        puts("skipped: no fake_powercap, or FUSE is refused here");
        unmount_fake();
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_live)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unmount_fake();
    return failed;
}
