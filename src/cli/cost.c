#include "cli/cost.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "energy/sampler.h"
#include "engine/engine.h"
#include "report/report.h"
#include "stats/stats.h"

enum { READS = 40, SECONDS = 5, BLOCK = 16, PAIRS = 24, TOKENS = BLOCK * (2 * PAIRS + 2) };
static const int64_t SLOW_BUDGET_NS = 2000000000; /* a channel that hangs must not hold up the listing */

/* ---- reading ---- */

static void put_latency(const struct meter *m, const struct energy_channel *ch, size_t n, struct ipw_buf *out)
{
    static const char *const head[] = {"channel", "read median", "95 %"};
    const char **cells = ipw_calloc(n * 3 + 1, sizeof *cells);
    char(*text)[2][24] = ipw_calloc(n + 1, sizeof *text);
    size_t rows = 0;
    for (size_t i = 0; i < n; i++) {
        double us[READS];
        int64_t spent = 0;
        size_t k = 0;
        for (int j = 0; j < READS && spent < SLOW_BUDGET_NS && ch[i].status == ENERGY_CHANNEL_OK; j++) {
            struct energy_reading r;
            meter_read(m, i, &r);
            spent += r.t_after - r.t_before;
            us[k++] = (double)(r.t_after - r.t_before) * 1e-3;
        }
        if (!k)
            continue;
        snprintf(text[i][0], sizeof text[i][0], "%.1f us", stats_quantile(us, k, 0.5));
        snprintf(text[i][1], sizeof text[i][1], "%.1f us", stats_quantile(us, k, 0.95));
        cells[rows * 3] = ch[i].id;
        cells[rows * 3 + 1] = text[i][0];
        cells[rows++ * 3 + 2] = text[i][1];
    }
    struct report_table t = {head, 3, rows, cells, 1 << 1 | 1 << 2};
    report_table(&t, "table", 80, out);
    free(cells);
    free(text);
}

struct spent {
    double wakes, cpu_s, s;
};

static struct spent spent_by(const struct sampler *s, const struct ipw_env *env)
{
    struct spent x = {.s = (double)ipw_now(env) * 1e-9};
    for (size_t i = 0; i < s->n_lanes; i++) {
        x.wakes += (double)atomic_load(&s->lane[i].wakes);
        x.cpu_s += (double)atomic_load(&s->lane[i].cpu_ns) * 1e-9;
    }
    return x;
}

static void discard(struct sampler *s)
{
    struct energy_reading r[256];
    while (sampler_take(s, r, 256))
        ;
}

static void pass(const struct ipw_env *env, struct sampler *s, int64_t ns)
{
    for (int64_t until = ipw_now(env) + ns; ipw_now(env) < until;) {
        env->clock->sleep_until(env, ipw_now(env) + 100000000);
        discard(s);
    }
}

static struct cost_sampling between(struct spent a, struct spent b, const struct sampler *s)
{
    return (struct cost_sampling){(b.wakes - a.wakes) / (b.s - a.s), (b.cpu_s - a.cpu_s) / (b.s - a.s), s->n_lanes};
}

int cost_sampler(const struct cli *cli, struct meter *m, double seconds, struct cost_sampling *out, struct ipw_err *err)
{
    struct sampler s;
    sampler_init(&s, &cli->env, m);
    int rc = sampler_start(&s, err);
    if (!rc) {
        struct spent a = spent_by(&s, &cli->env);
        pass(&cli->env, &s, (int64_t)(seconds * 1e9));
        *out = between(a, spent_by(&s, &cli->env), &s);
        sampler_stop(&s);
    }
    sampler_release(&s);
    return rc;
}

/* ---- with a model ---- */

struct generation {
    struct sampler *sampler;
    double block_s[2 * PAIRS]; /* seconds for BLOCK - 1 tokens */
    size_t tokens;
    int64_t from;
};

/* Off, on, on, off, ...: what slows down over the generation falls on both alike. */
static bool sampled(size_t block)
{
    return block % 4 == 1 || block % 4 == 2;
}

/* The first token of a block pays for the switch and is not counted. */
static void on_token(struct generation *g, int64_t t_ns)
{
    size_t i = g->tokens++;
    if (i < BLOCK || i >= TOKENS - BLOCK)
        return;
    size_t block = i / BLOCK - 1, at = i % BLOCK;
    if (at == 0)
        g->from = t_ns;
    if (at == BLOCK - 1) {
        g->block_s[block] = (double)(t_ns - g->from) * 1e-9;
        sampler_pause(g->sampler, !sampled(block + 1));
        discard(g->sampler);
    }
}

static int generate(const struct cli *cli, struct generation *g, const char *model, int64_t threads, struct ipw_err *err)
{
    const struct engine_ops *ops = engine_find("llama");
    struct engine *e = NULL;
    struct engine_event ev[16];
    struct engine_cfg cfg = {.model = model, .ignore_eos = true, .top_p = 1, .ctx = TOKENS + 256, .threads = threads,
                             .gpu_layers = -1, .stop = cli->signals};
    struct engine_message ask = {"user", "Write a very long story about a lighthouse keeper."};
    struct engine_req req = {.id = 1, .messages = &ask, .n_messages = 1, .max_tokens = TOKENS};
    if (!ops)
        return ipw_err_set(err, IPW_E_USAGE, "no engine 'llama' in this build; leave out -m");
    int rc = ops->open(&e, &cli->env, &cfg, err);
    if (!rc)
        rc = ops->submit(e, &req, err);
    for (bool done = false; !rc && !done;) {
        int n = ops->poll(e, ipw_now(&cli->env) + 100000000, ev, 16, err);
        rc = n < 0 ? -n : atomic_load(cli->signals) ? ipw_err_set(err, IPW_E_INTERRUPTED, "interrupted") : 0;
        for (int i = 0; i < n && !rc; i++) {
            if (ev[i].kind == ENGINE_TOKEN)
                on_token(g, ev[i].t_ns);
            done |= ev[i].kind == ENGINE_END;
        }
    }
    if (e)
        ops->close(e);
    return rc;
}

/* Each block with the sampler against its neighbour without. */
static void put_ratio(const struct generation *g, struct ipw_buf *out)
{
    double x[PAIRS], off = 0;
    for (size_t i = 0; i < PAIRS; i++) {
        double with = g->block_s[2 * i + sampled(2 * i + 1)], without = g->block_s[2 * i + sampled(2 * i)];
        x[i] = log(without / with);
        off += without;
    }
    struct stats_interval r = stats_mean_t(x, PAIRS);
    ipw_buf_addf(out,
                 "\nDecoding, one generation, sampler switched every %d tokens: %.0f tokens/s\n"
                 "without it; with it %.4f times as fast (95 %%: %.4f to %.4f, %d pairs).\n",
                 BLOCK, PAIRS * (BLOCK - 1) / off, exp(r.est), exp(r.lo), exp(r.hi), PAIRS);
}

int cost_report(struct cli *cli, struct meter *m, const char *model, int64_t threads, struct ipw_buf *out,
                struct ipw_err *err)
{
    size_t n;
    const struct energy_channel *ch = meter_channels(m, &n);
    struct sampler s;
    put_latency(m, ch, n, out);
    sampler_init(&s, &cli->env, m);
    int rc = sampler_start(&s, err);
    if (!rc) {
        pass(&cli->env, &s, 2500000000); /* periods are found first */
        struct spent a = spent_by(&s, &cli->env);
        pass(&cli->env, &s, SECONDS * (int64_t)1000000000);
        struct cost_sampling c = between(a, spent_by(&s, &cli->env), &s);
        ipw_buf_addf(out, "\nSampler: %.1f wakes/s, %.3f %% of one core, %zu thread%s.\n", c.wakes_s, 100 * c.cpu_share,
                     c.threads, c.threads == 1 ? "" : "s");
        struct generation g = {.sampler = &s};
        if (model)
            sampler_pause(&s, true);
        if (model && !(rc = generate(cli, &g, model, threads, err)) && g.tokens >= TOKENS - BLOCK)
            put_ratio(&g, out);
        sampler_pause(&s, false);
        sampler_stop(&s);
    }
    sampler_release(&s);
    return rc;
}
