/* Attribution against a known truth, in virtual time: what ipw, the reference's rule and plain reads make of the same
 * simulated meters, and whether every figure of docs/method.md is reached. usage: bench_fidelity [-o md] [SEED] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "fakes/sim.h"

enum { QUERIES = 1000 };

static bool md;
static int failed;

static void check(const char *what, double got, double limit, const char *unit)
{
    bool ok = got <= limit;
    failed += !ok;
    printf(md ? "| %s | %.4g %s | ≤ %.4g %s | %s |\n" : "%-62s %10.4g %-2s limit %8.4g %-2s %s\n", what, got, unit, limit,
           unit, ok ? "pass" : "FAIL");
}

/* ---- scenarios ---- */

static const struct row {
    const char *name;
    struct sim_scenario sc;
} rows[] = {
    {"RAPL 1 ms, 3 s", {.load = {SIM_CPU, SIM_MEDIUM(QUERIES)}, .meter = {{SIM_RAPL}}}},
    {"RAPL 1 ms, 0.3 s", {.load = {SIM_CPU, SIM_SHORT(QUERIES)}, .meter = {{SIM_RAPL}}}},
    {"NVML 100 ms, 3 s", {.load = {SIM_GPU, SIM_MEDIUM(QUERIES)}, .meter = {{SIM_NVML}}}},
    {"NVML 100 ms, 0.3 s", {.load = {SIM_GPU, SIM_SHORT(QUERIES)}, .meter = {{SIM_NVML}}}},
    {"NVML 100 ms, 20 s", {.load = {SIM_GPU, SIM_LONG(QUERIES)}, .meter = {{SIM_NVML}}}},
    {"the same, reads of 5 ms, 3 s", {.load = {SIM_GPU, SIM_MEDIUM(QUERIES)}, .meter = {{SIM_NVML_LATE}}}},
    {"counter 20 ms, 3 s", {.load = {SIM_GPU, SIM_MEDIUM(QUERIES)}, .meter = {{SIM_NVML_20}}}},
    {"counter 20 ms, 0.3 s", {.load = {SIM_GPU, SIM_SHORT(QUERIES)}, .meter = {{SIM_NVML_20}}}},
    {"part-time counter 25/100 ms, 3 s", {.load = {SIM_GPU, SIM_MEDIUM(QUERIES)}, .meter = {{SIM_PART_TIME}}}},
    {"part-time counter 25/100 ms, 0.3 s", {.load = {SIM_GPU, SIM_SHORT(QUERIES)}, .meter = {{SIM_PART_TIME}}}},
    {"part-time counter 25/100 ms, 20 s", {.load = {SIM_GPU, SIM_LONG(QUERIES)}, .meter = {{SIM_PART_TIME}}}},
    {"power 100/100 ms, 3 s",
     {.load = {SIM_GPU, SIM_MEDIUM(QUERIES)}, .meter = {{SIM_POWER(ENERGY_KIND_POWER_INST, 100)}}}},
    {"power 25/100 ms, 3 s", {.load = {SIM_GPU, SIM_MEDIUM(QUERIES)}, .meter = {{SIM_POWER(ENERGY_KIND_POWER_INST, 25)}}}},
    {"power 25/100 ms, 20 s", {.load = {SIM_GPU, SIM_LONG(QUERIES)}, .meter = {{SIM_POWER(ENERGY_KIND_POWER_INST, 25)}}}},
    {"1 s average power, 20 s", {.load = {SIM_GPU, SIM_LONG(QUERIES)}, .meter = {{SIM_POWER(ENERGY_KIND_POWER_AVG, 1000)}}}},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

struct outcome {
    struct sim_score ipw, straight;
    double reference, bias, plain, wakes, unconserved;
};
static struct outcome outcome[ROWS];

static void percent(double x)
{
    char text[32] = "-";
    if (!isnan(x))
        snprintf(text, sizeof text, "%.3f", 100 * x);
    printf(md ? " %s |" : " %8s", text);
}

static void print_row(const char *name, const struct sim_score *s, const struct outcome *o)
{
    printf(md ? "| %s | %s |" : "%-35s %-16s", name, s->method);
    percent(s->total.mean);
    percent(s->total.worst);
    percent(s->prefill.mean);
    percent(s->decode.mean);
    percent(fabs(s->sum));
    percent(o->reference);
    percent(o->plain);
    printf(md ? " %.1f | %.2f | %.0f |\n" : " %7.1f %6.2f %6.0f\n", 100 * s->total.inside, s->total.width, o->wakes);
}

static void play_rows(uint64_t seed)
{
    printf(md ? "| meter, queries | method | query %% | worst | prefill | decode | sum | reference's rule | plain reads | inside "
                "2u %% | width | wakes/s |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n"
              : "%-35s %-16s %8s %8s %8s %8s %8s %8s %8s %7s %6s %6s\n",
           "errors in %", "method", "query", "worst", "prefill", "decode", "sum", "referen.", "plain", "inside", "width",
           "wakes");
    for (size_t i = 0; i < ROWS; i++) {
        struct sim_scenario sc = rows[i].sc;
        struct outcome *o = &outcome[i];
        sc.seed = seed + i;
        struct sim *s = sim_play(&sc);
        sim_attribute(s, 0, energy_attribute, &o->ipw, NULL);
        sim_attribute(s, 0, energy_attribute_plain, &o->straight, NULL);
        o->reference = sim_reference(s, 0, &o->bias);
        o->plain = sim_plain_reads(s, 0);
        o->wakes = sim_wakes(s);
        bool counter = sim_channel(s, 0)->kind == ENERGY_KIND_COUNTER && !strstr(o->ipw.method, "part_time");
        o->unconserved = counter ? fabs((double)sim_unconserved_nj(s, 0)) / sim_channel(s, 0)->unit_nj : 0;
        print_row(rows[i].name, &o->ipw, o);
        if (!strcmp(o->ipw.method, "split"))
            print_row("  without the split", &o->straight, o);
        sim_free(s);
    }
}

/* ---- the acceptance table ---- */

static void check_rows(void)
{
    const struct outcome *o = outcome;
    check("RAPL 1 ms, 3 s: mean error per query", 100 * o[0].ipw.total.mean, 0.05, "%");
    check("RAPL 1 ms, 3 s: worst query", 100 * o[0].ipw.total.worst, 0.2, "%");
    check("RAPL 1 ms, 3 s: sum over the run", 100 * fabs(o[0].ipw.sum), 0.05, "%");
    check("RAPL 1 ms, 0.3 s: query", 100 * o[1].ipw.total.mean, 0.3, "%");
    check("RAPL 1 ms, 0.3 s: prefill of 50 ms", 100 * o[1].ipw.prefill.mean, 2, "%");
    check("NVML 100 ms, 3 s: edges", 100 * o[2].straight.total.mean, 1.2, "%");
    check("NVML 100 ms, 3 s: split", 100 * o[2].ipw.total.mean, 0.4, "%");
    check("NVML 100 ms, 3 s: prefill of 0.3 s, split", 100 * o[2].ipw.prefill.mean, 2.5, "%");
    check("NVML 100 ms, 0.3 s: split", 100 * o[3].ipw.total.mean, 3, "%");
    check("NVML 100 ms, 0.3 s: prefill of 50 ms, split", 100 * o[3].ipw.prefill.mean, 9, "%");
    check("NVML 100 ms, 0.3 s without split: queries neither low nor null", (double)(QUERIES - o[3].straight.total.low - o[3].straight.total.missing), 0, "");
    check("1 s average power, 20 s: query", 100 * o[ROWS - 1].ipw.total.mean, 1.5, "%");
    check("1 s average power: phases with joules", (double)(o[ROWS - 1].ipw.prefill.n + o[ROWS - 1].ipw.decode.n), 0, "");
    double inside = 0, n = 0, least = 1, width = 0, most = 0, negative = 0;
    for (size_t i = 0; i < ROWS; i++) {
        inside += o[i].ipw.total.inside * (double)o[i].ipw.total.n;
        n += (double)o[i].ipw.total.n;
        least = fmin(least, o[i].ipw.total.inside);
        width = fmax(width, o[i].ipw.total.width);
        most = fmax(most, o[i].unconserved);
        negative += o[i].ipw.negative;
    }
    check("conservation: queries and gaps against the counter, quanta", most, 1, "");
    check("truth outside 2u, all scenarios pooled (2 % at least)", 100 * (1 - inside / n), 7, "%");
    check("truth inside 2u, all scenarios pooled", 100 * inside / n, 98, "%");
    check("truth outside 2u, worst scenario", 100 * (1 - least), 7, "%");
    check("mean width of 2u against the empirical 95 %, widest", width, 1.5, "");
    check("negative joules", negative, 0, "");
}

/* A register of 500 J that starts again on the way, the program standing still for `stall` now and then, against one that
 * never wraps. */
static void check_wraps(uint64_t seed, int64_t stall)
{
    struct sim_scenario sc = {.seed = seed, .load = {SIM_CPU, SIM_MEDIUM(100)}, .meter = {{SIM_RAPL}}};
    struct energy_query_value *v[2];
    struct sim_score score[2];
    struct sim *s[2];
    for (int i = 0; i < 12; i++)
        sc.stall[i] = (struct sim_fault){(20 + 25 * i) * SIM_SEC, stall};
    for (int k = 0; k < 2; k++) {
        sc.meter[0].modulus = k ? 8192000 : 0;
        s[k] = sim_play(&sc);
        v[k] = ipw_calloc(100, sizeof *v[k]);
        sim_attribute(s[k], 0, energy_attribute, &score[k], v[k]);
    }
    size_t n, wrong = 0, gaps = 0;
    const struct energy_mark *m = sim_marks(s[0], &n);
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        const struct energy_value *a = &v[0][i].total, *b = &v[1][i].total;
        bool hit = false, beside = false; /* beside: one run knows the power across the stall, the other does not */
        for (int k = 0; k < 12 && stall > 2500 * SIM_MS; k++) {
            int64_t from = sc.stall[k].at, to = from + stall, near = 200 * SIM_MS;
            hit |= m[i].t_send < to && m[i].t_end > from;
            beside |= m[i].t_send < to + near && m[i].t_end > from - near;
        }
        gaps += hit;
        if (hit)
            wrong += b->status != ENERGY_MISSING || !ipw_streq(b->reason, "counter_gap");
        else if (!beside)
            worst = fmax(worst, fabs((double)(a->nj - b->nj)) / 61035.15625);
    }
    if (stall > 2500 * SIM_MS) {
        check("RAPL, wraps and stalls of 3 s: queries not flagged", (double)wrong + (gaps == 0), 0, "");
        check("RAPL, wraps and stalls of 3 s: the others, quanta", worst, 1, "");
    } else {
        check("RAPL, wraps and stalls of 1 s, against none, quanta", worst, 1, "");
    }
    for (int k = 0; k < 2; k++) {
        sim_free(s[k]);
        free(v[k]);
    }
}

/* Net joules may be wrong by what gross is, and by what is stated of the idle power. */
static void check_idle(const char *what, struct sim_scenario sc)
{
    struct sim *s = sim_play(&sc);
    size_t n, n_r, beyond = 0;
    const struct energy_mark *m = sim_marks(s, &n);
    struct energy_reading *r = sim_readings(s, 0, &n_r);
    struct energy_query_value *v = ipw_calloc(n + 1, sizeof *v), rest;
    struct energy_value gap;
    struct energy_mark baseline = {500 * SIM_MS, -1, 5500 * SIM_MS};
    energy_attribute(&(struct energy_facts){sim_channel(s, 0), r, n_r, &baseline, 1, NULL, 0}, &rest, &gap);
    energy_attribute(&(struct energy_facts){sim_channel(s, 0), r, n_r, m, n, NULL, 0}, v, &gap);
    double idle = (double)rest.total.nj * 1e-9 / 5, u = (double)rest.total.u_nj * 1e-9 / 5;
    for (size_t i = 0; i < n; i++) {
        double tau = (double)(m[i].t_end - m[i].t_send) * 1e-9;
        double gross = sim_truth_j(s, m[i].t_send, m[i].t_end), got = (double)v[i].total.nj * 1e-9;
        double net = fabs(got - idle * tau - (gross - sim_idle_w(s) * tau));
        beyond += net > fabs(got - gross) + 2 * u * tau;
    }
    check(what, (double)beyond, 0, "");
    sim_free(s);
    free(v);
}

static void check_wakes(uint64_t seed)
{
    struct sim_scenario sc = {.seed = seed, .load = {SIM_GPU, SIM_MEDIUM(100)}};
    static const char *const ids[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8"};
    struct sim_score score;
    double worst = 0;
    for (int i = 0; i < 8; i++) {
        sc.meter[i] = (struct sim_meter){SIM_NVML};
        sc.meter[i].id = ids[i];
    }
    sc.meter[8] = (struct sim_meter){SIM_RAPL};
    struct sim *s = sim_play(&sc);
    for (size_t i = 0; i < 8; i++) {
        sim_attribute(s, i, energy_attribute, &score, NULL);
        worst = fmax(worst, score.total.mean);
    }
    check("8 slow channels and RAPL: wakes", sim_wakes(s), 60, "/s");
    check("8 slow channels, 3 s: query of the worst", 100 * worst, 1.2, "%");
    sim_free(s);
}

int main(int argc, char **argv)
{
    uint64_t seed = 1;
    for (int i = 1; i < argc; i++) {
        if (ipw_streq(argv[i], "-o") && i + 1 < argc)
            md = ipw_streq(argv[++i], "md");
        else
            seed = strtoull(argv[i], NULL, 10);
    }
    play_rows(seed);
    printf(md ? "\n| figure | measured | bar | |\n|---|---|---|---|\n" : "\n");
    check_rows();
    check_wraps(seed, SIM_SEC);
    check_wraps(seed, 3 * SIM_SEC);
    check_idle("RAPL: net joules beyond gross and idle power's own error",
               (struct sim_scenario){.seed = seed, .load = {SIM_CPU, SIM_MEDIUM(QUERIES)}, .meter = {{SIM_RAPL}}});
    check_idle("NVML 100 ms: the same",
               (struct sim_scenario){.seed = seed, .load = {SIM_GPU, SIM_MEDIUM(QUERIES)}, .meter = {{SIM_NVML}}});
    check_wakes(seed);
    return failed ? 1 : 0;
}
