/* ipw selftest: what this client adds to what it measures, on this machine, now. */
#include "run/selftest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cost.h"
#include "cli/meter.h"
#include "report/report.h"
#include "run/client.h"

extern const struct command command_selftest;

enum { MOST_STREAMS = 512, LEVELS = 10 };
static const double TOLERATED_S = 1e-3; /* a token that is told later than this is told late */

struct result {
    struct selftest level[LEVELS];
    size_t n;
    int64_t streams; /* the most whose tokens were in time; 0: not even one */
    struct cost_sampling sampling;
    bool sampled;
};

static bool in_time(const struct selftest *t)
{
    return t->delay_p50_s <= TOLERATED_S;
}

static int test(struct cli *cli, double seconds, struct result *r, struct ipw_err *err)
{
    struct meter *m = NULL;
    struct ipw_err ignored;
    int rc = 0;
    for (int64_t streams = 1; streams <= MOST_STREAMS && r->n < LEVELS && !rc; streams *= 2) {
        struct selftest *t = &r->level[r->n];
        if ((rc = selftest_run(&cli->env, streams, seconds / (LEVELS + 2), cli->signals, t, err)))
            break;
        r->n++;
        if (!in_time(t))
            break;
        r->streams = streams;
    }
    if (!rc && !cli_meter_look(&m, cli, &ignored, err) && !cost_sampler(cli, m, 2 * seconds / (LEVELS + 2), &r->sampling, &ignored))
        r->sampled = true;
    meter_close(m);
    return rc;
}

static void as_json(const struct result *r, struct ipw_buf *out)
{
    struct json_out *o = json_out_new();
    json_node *top = json_new_obj(o), *list;
    json_put_str(o, top, "schema", "ipw.selftest/1");
    json_put_int(o, top, "streams_in_time", r->streams);
    list = json_put_arr(o, top, "levels");
    for (size_t i = 0; i < r->n; i++)
        run_selftest_put(o, json_put_obj(o, list, NULL), &r->level[i]);
    json_node *s = json_put_obj(o, top, "sampler");
    json_put_num(o, s, "wakes_s", r->sampled ? r->sampling.wakes_s : (double)NAN);
    json_put_num(o, s, "cpu_share", r->sampled ? r->sampling.cpu_share : (double)NAN);
    char *text = json_write(o, top, true);
    json_out_free(o);
    ipw_buf_adds(out, text);
    free(text);
}

static void cell(double x, const char *unit, char out[32])
{
    char n[24];
    report_num(x, n);
    snprintf(out, 32, "%s%s%s", n, isnan(x) ? "" : " ", isnan(x) ? "" : unit);
}

static void as_table(const struct result *r, struct ipw_buf *out)
{
    static const char *const head[] = {"streams", "added, median", "p99", "of it the server's", "CPU per token", "thread busy"};
    enum { COLUMNS = sizeof head / sizeof head[0] };
    char text[LEVELS][COLUMNS][32];
    const char *cells[LEVELS * COLUMNS];
    for (size_t i = 0; i < r->n; i++) {
        const struct selftest *t = &r->level[i];
        snprintf(text[i][0], sizeof text[i][0], "%lld", (long long)t->streams);
        cell(t->delay_p50_s * 1e3, "ms", text[i][1]);
        cell(t->delay_p99_s * 1e3, "ms", text[i][2]);
        cell(t->server_p50_s * 1e3, "ms", text[i][3]);
        cell(t->cpu_ns_per_piece * 1e-3, "us", text[i][4]);
        cell(t->cpu_share * 100, "%", text[i][5]);
        for (size_t k = 0; k < COLUMNS; k++)
            cells[i * COLUMNS + k] = text[i][k];
    }
    report_table(&(struct report_table){head, COLUMNS, r->n, cells, (1u << COLUMNS) - 1}, "table", 79, out);
    if (r->streams)
        ipw_buf_addf(out, "\nUp to %lld streams at once%s are timed to a millisecond on this machine, now.\n",
                     (long long)r->streams, r->streams == MOST_STREAMS ? " (no more were tried)" : "");
    else
        ipw_buf_adds(out, "\nThis machine is too busy now: not even one stream is timed to a millisecond.\n");
    if (r->sampled) {
        char wakes[24], share[24];
        report_num(r->sampling.wakes_s, wakes);
        report_num(100 * r->sampling.cpu_share, share);
        ipw_buf_addf(out, "Reading the energy counters: %s wakes/s, %s %% of one core.\n", wakes, share);
    }
}

static int selftest(struct cli *cli, int argc, char **argv)
{
    static const char *const formats[] = {"table", "json", NULL};
    char *format = ipw_strdup("table");
    double seconds = 6;
    struct option opt[] = {
        {"output", NULL, 'o', OPTION_TEXT, &format, 0, 0, "FORMAT", "table or json (table)", false},
        {"seconds", NULL, 0, OPTION_REAL, &seconds, 0.1, 3600, "S", "about how long it may take (6)", false}};
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct ipw_buf out = IPW_BUF_INIT;
    struct result r = {0};
    struct ipw_err err;
    size_t n;
    int code;
    if (cli_options(&command_selftest, opt, 2, argc, argv, rest, &n, &code) || (code = cli_extra(rest, n)))
        goto out;
    if (cli_format(format, formats, &err) || test(cli, seconds, &r, &err)) {
        code = cli_fail(&err);
        goto out;
    }
    (strcmp(format, "json") ? as_table : as_json)(&r, &out);
    code = cli_print(out.s, out.len);
out:
    ipw_buf_release(&out);
    free(format);
    free(rest);
    return code;
}

const struct command command_selftest = {
    .name = "selftest",
    .group = "Measure",
    .summary = "what this client adds to the times it measures",
    .usage = "ipw selftest [--seconds S] [-o table|json]",
    .details = "Asks a server inside this program that computes nothing and writes its tokens at known times, with 1, 2, 4 ... "
               "512 streams at once, by the same code that asks real servers: how late tokens are told, the processor time of "
               "each, and what reading the energy counters takes. Every run over HTTP does it once at its own load after its "
               "last answer, and keeps the result.\n",
    .examples = "ipw selftest\n"
                "ipw selftest --seconds 30 -o json\n",
    .run = selftest,
};
