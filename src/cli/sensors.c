/* ipw sensors: the energy counters here, what each covers, who may read it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/capture.h"
#include "cli/cli.h"
#include "cli/cost.h"
#include "cli/meter.h"
#include "cli/models.h"
#include "cli/remedy.h"
#include "energy/sampler.h"
#include "report/report.h"

/* Name of a counter's raw unit, where there is one. */
static const char *unit_name(const struct energy_channel *c)
{
    static const struct {
        double nj;
        const char *name;
    } units[] = {{1, "nJ"}, {1e3, "uJ"}, {1e6, "mJ"}, {1e9, "J"}};
    for (size_t i = 0; c->kind == ENERGY_KIND_COUNTER && !c->estimated && i < sizeof units / sizeof units[0]; i++)
        if (c->unit_nj == units[i].nj)
            return units[i].name;
    return NULL;
}

static double positive(double x)
{
    return x > 0 ? x : (double)NAN;
}

static void json_channel(struct json_out *o, json_node *list, const struct energy_channel *c)
{
    json_node *n = json_put_obj(o, list, NULL);
    json_put_str(o, n, "id", c->id);
    json_put_str(o, n, "device", *c->device ? c->device : NULL);
    json_put_str(o, n, "scope", c->status == ENERGY_CHANNEL_ABSENT ? NULL : energy_scope_name(c->scope));
    json_put_str(o, n, "kind", energy_kind_name(c->kind));
    json_put_str(o, n, "unit", unit_name(c));
    json_put_num(o, n, "period_ms", positive(c->estimated ? 0 : (double)c->period_ns * 1e-6));
    json_put_num(o, n, "quantum_j", positive((double)c->quantum_nj * 1e-9));
    json_put_num(o, n, "wrap_j", positive((double)c->modulus * c->unit_nj * 1e-9));
    json_put_bool(o, n, "in_total", c->in_total);
    json_put_str(o, n, "why", c->why);
    json_put_str(o, n, "status", energy_channel_status_name(c->status));
    if (c->remedy.id) {
        json_node *r = json_put_obj(o, n, "remedy");
        json_put_str(o, r, "id", c->remedy.id);
        json_put_str(o, r, "text", c->remedy.text);
    } else {
        json_put_null(o, n, "remedy");
    }
    json_put_str(o, n, "verified", c->verified);
}

static void as_json(const struct meter *m, struct ipw_buf *out)
{
    size_t n;
    const struct energy_channel *c = meter_channels(m, &n);
    struct json_out *o = json_out_new();
    json_node *top = json_new_obj(o);
    json_put_str(o, top, "schema", "ipw.sensors/1");
    json_put_str(o, top, "signature", meter_signature(m));
    json_node *list = json_put_arr(o, top, "channels");
    for (size_t i = 0; i < n; i++)
        json_channel(o, list, &c[i]);
    char *s = json_write(o, top, true);
    ipw_buf_adds(out, s);
    free(s);
    json_out_free(o);
}

/* The drivers that read something here, and what each was verified on. */
static void verified(const struct energy_channel *c, size_t n, struct ipw_buf *out)
{
    struct ipw_buf s = IPW_BUF_INIT;
    for (size_t i = 0; i < n; i++) {
        bool told = c[i].status != ENERGY_CHANNEL_OK;
        for (size_t k = 0; k < i && !told; k++)
            told = c[k].status == ENERGY_CHANNEL_OK && !strcmp(c[k].source, c[i].source);
        if (!told)
            ipw_buf_addf(&s, "%s%s (%s)", s.len ? ", " : "Drivers and what they were verified on: ", c[i].source, c[i].verified);
    }
    if (s.len)
        ipw_buf_addc(&s, '.');
    report_fold(s.s, 80, 0, 0, out);
    ipw_buf_release(&s);
}

static const char *model_note(const struct meter *m)
{
    size_t n;
    const struct energy_channel *c = meter_channels(m, &n);
    if (strcmp(meter_source(m), "estimated") != 0)
        return "";
    for (size_t i = 0; i < n; i++)
        if (c[i].in_total && c[i].gain_u > 0.25)
            return " (a CPU load model; no counter can be read)";
    return " (a CPU load model with this machine's own\nwatts, from ipw calibrate; no counter can be read)";
}

/* "same energy as :energy" where the other is a sister: its whole id would not fit. */
static const char *short_why(const struct energy_channel *c, char *out, size_t size)
{
    static const char same[] = "same energy as ";
    const char *last = strrchr(c->id, ':');
    size_t n = last ? (size_t)(last - c->id) : 0;
    if (!n || !ipw_starts(c->why, same) || strncmp(c->why + sizeof same - 1, c->id, n + 1) != 0)
        return c->why;
    snprintf(out, size, "%s%s", same, c->why + sizeof same - 1 + n);
    return out;
}

/* "id scope period in/out": the reasons stand below, they are long. */
static void as_table(const struct meter *m, struct ipw_buf *out)
{
    static const char *const head[] = {"channel", "covers", "every", "total", "why"};
    size_t n;
    const struct energy_channel *c = meter_channels(m, &n);
    size_t rows = 0, gauges = 0;
    const char **cells = ipw_calloc(n * 5 + 1, sizeof *cells);
    char(*every)[16] = ipw_calloc(n + 1, sizeof *every), (*why)[96] = ipw_calloc(n + 1, sizeof *why);
    for (size_t i = 0; i < n; i++) {
        if (c[i].kind == ENERGY_KIND_GAUGE) {
            gauges++;
            continue;
        }
        const char **row = cells + rows++ * 5;
        if (c[i].period_ns > 0 && !c[i].estimated)
            snprintf(every[i], sizeof every[i], "%.3g ms", (double)c[i].period_ns * 1e-6);
        row[0] = c[i].id;
        row[1] = c[i].status == ENERGY_CHANNEL_ABSENT ? "-" : energy_scope_name(c[i].scope);
        row[2] = *every[i] ? every[i] : "-";
        row[3] = c[i].status != ENERGY_CHANNEL_OK ? energy_channel_status_name(c[i].status) : c[i].in_total ? "in" : "-";
        row[4] = short_why(&c[i], why[i], sizeof why[i]);
    }
    struct report_table t = {head, 5, rows, cells, 0};
    ipw_buf_addf(out, "Energy of this machine: %s%s\n\n", meter_source(m), model_note(m));
    report_table(&t, "table", 80, out);
    ipw_buf_addf(out, "\nThe total is %s.\n", meter_signature(m));
    if (gauges)
        ipw_buf_addf(out, "Beside them %zu gauge%s (load, clocks, heat): -o json.\n", gauges, gauges == 1 ? "" : "s");
    verified(c, n, out);
    remedies_add(c, n, 80, out);
    free(cells);
    free(every);
    free(why);
}

/* How often a source updates is found by looking: some seconds, where it is not known beforehand. */
static int find_periods(struct cli *cli, struct meter *m, struct ipw_err *err)
{
    size_t n;
    const struct energy_channel *c = meter_channels(m, &n);
    bool unknown = false;
    for (size_t i = 0; i < n; i++)
        unknown |= c[i].status == ENERGY_CHANNEL_OK && c[i].kind != ENERGY_KIND_GAUGE && c[i].period_ns == 0;
    if (!unknown)
        return 0;
    struct sampler s;
    sampler_init(&s, &cli->env, m);
    int rc = sampler_start(&s, err);
    if (!rc)
        cli->env.clock->sleep_until(&cli->env, ipw_now(&cli->env) + 2500000000);
    sampler_stop(&s);
    sampler_release(&s);
    return rc;
}

extern const struct command command_sensors;

static int sensors(struct cli *cli, int argc, char **argv)
{
    static const char *const formats[] = {"table", "json", NULL};
    char *format = ipw_strdup("table"), *devices = NULL, *include = NULL, *model = NULL, *capture_dir = NULL;
    int64_t threads = 0;
    double seconds = 10;
    bool cost = false;
    struct option opt[] = {
        {"devices", NULL, 0, OPTION_TEXT, &devices, 0, 0, "LIST", "GPUs that take part: index, UUID, PCI id", false},
        {"include", NULL, 0, OPTION_TEXT, &include, 0, 0, "IDS", "channels that belong to the total", false},
        {"cost", NULL, 0, OPTION_FLAG, &cost, 0, 0, NULL, "what reading them costs; with -m, in tokens/s", false},
        {"model", NULL, 'm', OPTION_TEXT, &model, 0, 0, "MODEL", "with --cost: what to decode with", false},
        {"threads", NULL, 't', OPTION_INT, &threads, 1, 4096, "N", "with --cost -m: CPU threads (one per core)", false},
        {"capture", NULL, 0, OPTION_TEXT, &capture_dir, 0, 0, "DIR", "record this machine's counters into DIR", false},
        {"seconds", NULL, 0, OPTION_REAL, &seconds, 0, 600, "N", "with --capture: for so long (10)", false},
        {"output", NULL, 'o', OPTION_TEXT, &format, 0, 0, "FORMAT", "table or json (table)", false}};
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct ipw_buf out = IPW_BUF_INIT;
    struct meter *m = NULL;
    struct ipw_err err;
    size_t n_rest;
    int code;
    if (cli_options(&command_sensors, opt, sizeof opt / sizeof opt[0], argc, argv, rest, &n_rest, &code))
        goto out;
    if ((code = cli_extra(rest, n_rest)))
        goto out;
    int rc = cli_format(format, formats, &err);
    if (!rc && model && !cost)
        rc = ipw_err_set(&err, IPW_E_USAGE, "'--model' goes with --cost");
    if (!rc && capture_dir) {
        code = capture(cli, capture_dir, seconds, as_json, &err) ? cli_fail(&err) : 0;
        goto out;
    }
    char *path = NULL;
    if (!rc && model && !(rc = cli_model_path(cli, model, &path, &err))) {
        free(model);
        model = path;
    }
    if (!rc)
        rc = cli_meter_open(&m, cli, &(struct cli_meter){NULL, devices, include}, &err);
    if (!rc)
        rc = cost ? cost_report(cli, m, model, threads, &out, &err) : find_periods(cli, m, &err);
    if (rc) {
        code = cli_fail(&err);
        goto out;
    }
    if (!cost)
        (strcmp(format, "json") ? as_table : as_json)(m, &out);
    code = cli_print(out.s, out.len);
out:
    meter_close(m);
    ipw_buf_release(&out);
    free(format);
    free(devices);
    free(include);
    free(model);
    free(capture_dir);
    free(rest);
    return code;
}

const struct command command_sensors = {.name = "sensors",
                                        .group = "Measure",
                                        .summary = "the energy counters here, what each covers, who may read it",
                                        .usage = "ipw sensors [-o table|json] [--cost [-m MODEL.gguf]] [--capture DIR]",
                                        .run = sensors};
