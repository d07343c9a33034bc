/* Figures: wakes per second by count, CPU time of the sampler thread, allocations per tick.
 * usage: IPW_SYSFS_ROOT=TREE bench_sampler [SECONDS] */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "energy/sampler.h"

/* Every allocation of the program passes here (--wrap); those on other threads than main's are the sampler's. */
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

static pthread_t main_thread;
static _Atomic unsigned long allocations;

static void count(void)
{
    if (main_thread && !pthread_equal(pthread_self(), main_thread))
        allocations++;
}

void *__wrap_malloc(size_t n)
{
    count();
    return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    count();
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    count();
    return __real_realloc(p, n);
}

int main(int argc, char **argv)
{
    struct ipw_env env = ipw_env_host;
    struct ipw_err err;
    struct meter *meter;
    struct sampler s;
    unsigned seconds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 20;
    size_t n, ok = 0;
    main_thread = pthread_self();
    env.sys_root = getenv("IPW_SYSFS_ROOT") ? getenv("IPW_SYSFS_ROOT") : "";
    if (meter_open(&meter, &env, &(struct meter_cfg){.mode = METER_AUTO}, &err)) {
        fprintf(stderr, "bench_sampler: %s\n", err.text);
        return 3;
    }
    const struct energy_channel *ch = meter_channels(meter, &n);
    for (size_t i = 0; i < n; i++)
        ok += ch[i].status == ENERGY_CHANNEL_OK;
    sampler_init(&s, &env, meter);
    int64_t t0 = ipw_now(&env);
    if (sampler_start(&s, &err))
        return 3;
    struct energy_reading taken[512];
    unsigned long readings = 0;
    for (unsigned i = 0; i < seconds * 4; i++) {
        usleep(250000);
        readings += sampler_take(&s, taken, 512);
    }
    sampler_stop(&s);
    double took = (double)(ipw_now(&env) - t0) * 1e-9;
    printf("channels %zu, readings %lu, lost %u\n", ok, readings, sampler_lost(&s));
    double wakes = 0, cpu_s = 0;
    for (size_t i = 0; i < s.n_lanes; i++) {
        wakes += (double)s.lane[i].wakes;
        cpu_s += (double)s.lane[i].cpu_ns * 1e-9;
    }
    printf("wakes            %8.2f /s\n", wakes / took);
    printf("CPU              %8.3f %% of one core\n", cpu_s / took * 100);
    printf("allocations      %8.3f per wake\n", (double)allocations / wakes);
    meter_close(meter);
    sampler_release(&s);
    return 0;
}
