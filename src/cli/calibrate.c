/* ipw calibrate: the watts of this machine's processor, idle and busy, for the estimator. Measured where there is a
 * counter (so that the estimate of another program, container or user there is as good), else given by hand. */
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/calibration.h"
#include "energy/series.h"

#define TICK_NS ((int64_t)50000000)
enum { MAX_COUNTERS = 64 };
static const double settle_s = 0.5, busy_settle = 0.2; /* the second: of the time measured, for clocks and fans */

struct calibrate {
    struct cli *cli;
    struct meter *meter;
    size_t counter[MAX_COUNTERS]; /* of processor packages, in the total */
    size_t n;
    double seconds;
};

/* ---- a busy machine ---- */

struct load {
    pthread_t *thread;
    size_t n;
    _Atomic bool stop;
};

/* Multiply-adds in registers on every lane: near the most that a program draws, if it is not bound by memory. */
static void *spin(void *arg)
{
    struct load *l = arg;
    float v[64];
    volatile float sink = 0;
    for (int i = 0; i < 64; i++)
        v[i] = (float)i;
    while (!atomic_load_explicit(&l->stop, memory_order_relaxed)) {
        for (int k = 0; k < 4096; k++)
            for (int i = 0; i < 64; i++)
                v[i] = v[i] * 0.999f + 0.5f;
        sink = sink + v[0] + v[63];
    }
    return NULL;
}

static void load_end(struct load *l)
{
    atomic_store(&l->stop, true);
    for (size_t i = 0; i < l->n; i++)
        pthread_join(l->thread[i], NULL);
    free(l->thread);
}

static int load_begin(struct load *l, struct ipw_err *err)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    memset(l, 0, sizeof *l);
    l->thread = ipw_calloc((size_t)(n > 0 ? n : 1), sizeof *l->thread);
    for (; l->n < (size_t)(n > 0 ? n : 1); l->n++)
        if (pthread_create(&l->thread[l->n], NULL, spin, l)) {
            load_end(l);
            return ipw_err_set(err, IPW_E_ENV, "cannot start %ld threads to keep the processor busy; raise ulimit -u", n);
        }
    return 0;
}

/* ---- measuring ---- */

static int pause_for(struct calibrate *k, int64_t until, struct ipw_err *err)
{
    while (ipw_now(&k->cli->env) < until) {
        if (atomic_load(k->cli->signals))
            return ipw_err_set(err, IPW_E_INTERRUPTED, "interrupted; nothing was stored, run ipw calibrate again");
        int64_t next = ipw_now(&k->cli->env) + TICK_NS;
        k->cli->env.clock->sleep_until(&k->cli->env, next < until ? next : until);
    }
    return 0;
}

static int read_all(struct calibrate *k, struct series_unwrap *u, int64_t *t, struct ipw_err *err)
{
    size_t n;
    const struct energy_channel *ch = meter_channels(k->meter, &n);
    for (size_t i = 0; i < k->n; i++) {
        struct energy_reading r;
        meter_read(k->meter, k->counter[i], &r);
        t[i] = r.t_before + (r.t_after - r.t_before) / 2;
        if (r.status || series_unwrap_next(&u[i], r.raw, t[i]) != UNWRAP_OK)
            return ipw_err_set(err, IPW_E_ENV, "counter '%s' %s while it was measured; try again, or give the watts: "
                               "--pmin W --pmax W", ch[k->counter[i]].id, r.status ? "could not be read" : "was reset");
    }
    return 0;
}

/* Mean watts of all packages over k->seconds. */
static int mean_w(struct calibrate *k, double *watts, struct ipw_err *err)
{
    struct series_unwrap u[MAX_COUNTERS];
    int64_t first[MAX_COUNTERS], t[MAX_COUNTERS];
    size_t n;
    const struct energy_channel *ch = meter_channels(k->meter, &n);
    for (size_t i = 0; i < k->n; i++)
        series_unwrap_init(&u[i], &ch[k->counter[i]]);
    int64_t end = ipw_now(&k->cli->env) + (int64_t)(k->seconds * 1e9);
    int rc = read_all(k, u, first, err);
    while (!rc && ipw_now(&k->cli->env) < end)
        if (!(rc = pause_for(k, ipw_now(&k->cli->env) + TICK_NS, err)))
            rc = read_all(k, u, t, err);
    *watts = 0;
    for (size_t i = 0; !rc && i < k->n; i++)
        *watts += (double)u[i].acc * u[i].unit_nj / (double)(t[i] - first[i]);
    return rc;
}

/* Busy share of the machine, other people's too; NAN where it is not known. */
static double busy_ns(const struct meter *gauges)
{
    size_t n;
    const struct energy_channel *ch = meter_channels(gauges, &n);
    for (size_t i = 0; i < n; i++)
        if (ch[i].kind == ENERGY_KIND_GAUGE && ch[i].status == ENERGY_CHANNEL_OK) {
            struct energy_reading r;
            meter_read(gauges, i, &r);
            return r.status ? (double)NAN : (double)r.raw * ch[i].unit_nj;
        }
    return (double)NAN;
}

static int measure_idle(struct calibrate *k, double *watts, struct ipw_err *err)
{
    struct meter *gauges;
    struct ipw_err none;
    if (meter_open(&gauges, &k->cli->env, &(struct meter_cfg){.mode = METER_ESTIMATED}, &none))
        gauges = NULL;
    int rc = pause_for(k, ipw_now(&k->cli->env) + (int64_t)(settle_s * 1e9), err);
    double before = gauges ? busy_ns(gauges) : (double)NAN;
    if (!rc)
        rc = mean_w(k, watts, err);
    double cpus = (gauges ? busy_ns(gauges) - before : (double)NAN) * 1e-9 / k->seconds;
    if (!rc && cpus > 0.1)
        cli_say("other programs kept %.2g processors busy while idle watts were measured, so these are too high", cpus);
    meter_close(gauges);
    return rc;
}

static int measure_busy(struct calibrate *k, double *watts, struct ipw_err *err)
{
    struct load load;
    int rc = load_begin(&load, err);
    if (rc)
        return rc;
    double settle = k->seconds * busy_settle > settle_s ? k->seconds * busy_settle : settle_s;
    rc = pause_for(k, ipw_now(&k->cli->env) + (int64_t)(settle * 1e9), err);
    if (!rc)
        rc = mean_w(k, watts, err);
    load_end(&load);
    return rc;
}

/* Its length without the full stop at the end. */
static int sentence_of(const struct energy_remedy *r)
{
    int n = energy_remedy_sentence(r);
    return n && r->text[n - 1] == '.' ? n - 1 : n;
}

static int find_counters(struct calibrate *k, const char **source, struct ipw_err *err)
{
    int rc = meter_open(&k->meter, &k->cli->env, &(struct meter_cfg){.mode = METER_AUTO}, err);
    if (rc)
        return rc;
    size_t n;
    const struct energy_channel *ch = meter_channels(k->meter, &n);
    for (size_t i = 0; i < n && k->n < MAX_COUNTERS; i++)
        if (ch[i].in_total && !ch[i].estimated && ch[i].scope == ENERGY_SCOPE_CPU_PACKAGE &&
            ch[i].kind == ENERGY_KIND_COUNTER) {
            k->counter[k->n++] = i;
            *source = ch[i].source;
        }
    const struct energy_remedy *r = meter_remedy(k->meter);
    return k->n ? 0
                : ipw_err_set(err, IPW_E_ENV,
                              "no counter of the processor's energy can be read here, so its watts must be given: "
                              "--pmin W (idle) and --pmax W (all cores busy), from a wall meter or the data sheet.%s%.*s. "
                              "More: ipw doctor energy",
                              r ? " Why: " : "", r ? sentence_of(r) : 0, r ? r->text : "");
}

static int measure(struct calibrate *k, struct energy_calibration *out, const char **source, struct ipw_err *err)
{
    int rc = find_counters(k, source, err);
    if (rc)
        return rc;
    cli_say("measuring %g s idle, then %g s with all processors busy", k->seconds, k->seconds);
    if ((rc = measure_idle(k, &out->idle_w, err)) || (rc = measure_busy(k, &out->max_w, err)))
        return rc;
    if (out->max_w > 1.05 * out->idle_w)
        return 0;
    return ipw_err_set(err, IPW_E_ENV, "%.3g W with all processors busy is no more than %.3g W idle: something else was "
                       "running, or the counter does not follow the load; try again on a quiet machine, or give "
                       "--pmin W --pmax W", out->max_w, out->idle_w);
}

/* ---- the command ---- */

extern const struct command command_calibrate;

static int finish(struct calibrate *k, const struct energy_calibration *found, const char *source, const char *format,
                  struct ipw_err *err)
{
    char path[PATH_MAX], *json = NULL;
    int rc = calibration_store(k->cli, found, source, path, &json, err);
    if (rc)
        return cli_fail(err);
    struct ipw_buf out = IPW_BUF_INIT;
    if (ipw_streq(format, "json"))
        ipw_buf_adds(&out, json);
    else
        ipw_buf_addf(&out, "Processor power: %.3g W idle, %.3g W busy (%s)\n\nEstimates here use it from now on, within "
                     "about half instead of\na factor of two. Stored in %s\n", found->idle_w, found->max_w,
                     ipw_streq(source, "given") ? "as given" : "measured", path);
    rc = cli_print(out.s, out.len);
    ipw_buf_release(&out);
    free(json);
    return rc;
}

static int calibrate(struct cli *cli, int argc, char **argv)
{
    static const char *const formats[] = {"table", "json", NULL};
    struct calibrate k = {.cli = cli, .seconds = 10};
    struct energy_calibration found = {0, 0};
    const char *source = "given";
    char *format = ipw_strdup("table");
    struct option opt[] = {
        {"pmin", NULL, 0, OPTION_REAL, &found.idle_w, 0, 1e6, "W", "watts of the idle machine's processors", false},
        {"pmax", NULL, 0, OPTION_REAL, &found.max_w, 0, 1e6, "W", "watts with all cores busy", false},
        {"seconds", NULL, 0, OPTION_REAL, &k.seconds, 0.2, 600, "N", "measure each for so long (10)", false},
        {"output", NULL, 'o', OPTION_TEXT, &format, 0, 0, "FORMAT", "table or json (table)", false},
    };
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct ipw_err err = {0};
    size_t n_rest;
    int code;
    if (cli_options(&command_calibrate, opt, sizeof opt / sizeof opt[0], argc, argv, rest, &n_rest, &code) ||
        (code = cli_extra(rest, n_rest)))
        goto out;
    if (cli_format(format, formats, &err))
        ;
    else if (opt[0].seen != opt[1].seen)
        ipw_err_set(&err, IPW_E_USAGE, "--pmin W and --pmax W go together: idle, and all cores busy");
    else if (opt[0].seen && found.max_w <= found.idle_w)
        ipw_err_set(&err, IPW_E_USAGE, "--pmax %g W must be more than --pmin %g W", found.max_w, found.idle_w);
    else if (!opt[0].seen)
        measure(&k, &found, &source, &err);
    code = err.code ? cli_fail(&err) : finish(&k, &found, source, format, &err);
out:
    meter_close(k.meter);
    free(format);
    free(rest);
    return code;
}

const struct command command_calibrate = {
    .name = "calibrate",
    .group = "Check and redo, without the model",
    .summary = "the CPU power of this machine, idle and busy, for its estimates",
    .usage = "ipw calibrate [--pmin W --pmax W] [--seconds N] [-o table|json]",
    .details = "Without counters, joules are estimated from processor time and two figures: the watts of this machine's "
               "processors idle and with all cores busy. By default they are published ones and the estimate may be off "
               "by a factor of two; with this machine's own it is within about a half. Where a counter can be read they "
               "are measured (it takes twice --seconds, and keeps all cores busy for half of that); else give them, from "
               "a wall meter or a data sheet.\n",
    .examples = "ipw calibrate   # where a counter can be read\n"
                "ipw calibrate --pmin 9 --pmax 65   # by hand\n",
    .run = calibrate,
};
