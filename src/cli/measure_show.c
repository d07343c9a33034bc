/* What `ipw measure` says: a table for people, JSON for programs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/measure.h"
#include "cli/remedy.h"
#include "report/report.h"

enum { COLUMNS = 6, SUBJECT = 36 };

static double joules(const struct energy_value *v)
{
    return energy_value_known(v) ? (double)v->nj * 1e-9 : (double)NAN;
}

static double watts(const struct energy_result *r, const struct energy_value *v)
{
    return r->seconds > 0 ? joules(v) / r->seconds : (double)NAN;
}

/* Four digits of what was measured, two of what is a guess or hardly resolved. */
static void figure(double x, enum energy_status s, char out[24])
{
    double a = fabs(x);
    if (!isfinite(x) || a < 1e-5 || a >= 1e7 || s == ENERGY_ESTIMATED || s == ENERGY_LOW_RESOLUTION)
        report_num(x, out);
    else
        snprintf(out, 24, "%.*f", a >= 999.95 ? 0 : a >= 99.995 ? 1 : a >= 9.9995 ? 2 : a >= 0.99995 ? 3 : 4, x);
}

static const char *mark(enum energy_status s)
{
    return s == ENERGY_ESTIMATED || s == ENERGY_LOW_RESOLUTION ? "~" : s == ENERGY_PARTIAL ? ">" : "";
}

static void quantity(double x, enum energy_status s, char out[32])
{
    char n[24];
    figure(x, s, n);
    snprintf(out, 32, "%s%s", isfinite(x) ? mark(s) : "", n);
}

/* One-sigma of a total: attribution and gain together; and the 95 % band of decisions.md, where a gain is a factor. */
static double sigma(const struct energy_value *v, double gain_u)
{
    double u = v->u_nj < 0 ? (double)NAN : (double)v->u_nj * 1e-9;
    return hypot(u, gain_u * joules(v));
}

/* ---- the sentence ---- */

static void subject(const char *const *command, struct ipw_buf *out)
{
    size_t start = out->len;
    if (!command) {
        ipw_buf_adds(out, "This machine");
        return;
    }
    for (size_t i = 0; command[i]; i++)
        ipw_buf_addf(out, "%s%s", i ? " " : "'", command[i]);
    bool cut = out->len - start > SUBJECT;
    if (cut)
        out->len = start + SUBJECT;
    for (size_t i = start; i < out->len; i++) /* it comes from outside: it does not move the cursor */
        if (out->s[i] < 0x20 || out->s[i] > 0x7e)
            out->s[i] = '?';
    ipw_buf_adds(out, cut ? "..'" : "'");
}

static void sentence(const struct measured *m, struct ipw_buf *out)
{
    const struct energy_result *r = m->result;
    const struct energy_value *v = &r->total[ENERGY_TOTAL_COMPONENT];
    char j[32], w[32], s[24];
    const char *more = v->status == ENERGY_PARTIAL ? "more than " : mark(v->status);
    figure(joules(v), v->status, j);
    figure(watts(r, v), v->status, w);
    report_num(r->seconds, s);
    if (r->seconds >= 1)
        snprintf(s, sizeof s, "%.2f", r->seconds);
    ipw_buf_addc(out, ' ');
    subject(m->command, out);
    if (!energy_value_known(v)) {
        ipw_buf_addf(out, " took %s s;\n its joules are not known: %s.\n", s,
                     ipw_streq(v->reason, "no_channel") ? "nothing that computes is metered" : v->reason);
        return;
    }
    ipw_buf_addf(out, " took %s%s J in %s s:\n a mean power of %s%s W", more, j, s, more, w);
    ipw_buf_adds(out, v->status == ENERGY_ESTIMATED        ? ", estimated.\n"
                      : v->status == ENERGY_PARTIAL        ? "; not all that computes was metered.\n"
                      : v->status == ENERGY_LOW_RESOLUTION ? "; it was too short for these counters.\n"
                                                           : ".\n");
}

/* ---- the table ---- */

static void channels(const struct measured *m, struct ipw_buf *out)
{
    static const char *const head[] = {"channel", "covers", "joules", "watts", "total", "status"};
    const struct energy_result *r = m->result;
    size_t n, rows = 0;
    const struct energy_channel *c = meter_channels(m->meter, &n);
    const char **cells = ipw_calloc(n * COLUMNS + 1, sizeof *cells);
    char(*text)[2][32] = ipw_calloc(n + 1, sizeof *text);
    for (size_t i = 0; i < n; i++) {
        const struct energy_value *v = &r->channel[i];
        if (c[i].status != ENERGY_CHANNEL_OK || c[i].kind == ENERGY_KIND_GAUGE)
            continue;
        quantity(joules(v), v->status, text[i][0]);
        quantity(watts(r, v), v->status, text[i][1]);
        const char **row = cells + rows++ * COLUMNS;
        row[0] = c[i].id;
        row[1] = energy_scope_name(c[i].scope);
        row[2] = text[i][0];
        row[3] = text[i][1];
        row[4] = c[i].in_total ? "in" : "-";
        row[5] = energy_value_known(v) || !v->reason ? energy_status_name((int)v->status) : v->reason;
    }
    struct report_table t = {head, COLUMNS, rows, cells, 4 | 8};
    if (rows) {
        ipw_buf_addc(out, '\n');
        report_table(&t, "table", 80, out);
    }
    free(cells);
    free(text);
}

static void totals(const struct measured *m, struct ipw_buf *out)
{
    static const char *const names[] = {"Total", "GPU/ANE alone", "Whole machine"};
    const struct energy_result *r = m->result;
    ipw_buf_addc(out, '\n');
    for (int t = 0; t < ENERGY_TOTAL_N; t++) {
        const struct energy_value *v = &r->total[t];
        char j[32], w[32], lo[24], hi[24];
        if (!energy_value_known(v))
            continue;
        double u = v->u_nj > 0 ? 2e-9 * (double)v->u_nj : 0, g = 1 + 2 * (r->gain_u[t] > 0 ? r->gain_u[t] : 0);
        quantity(joules(v), v->status, j);
        quantity(watts(r, v), v->status, w);
        figure(fmax(joules(v) - u, 0) / g, v->status, lo);
        figure((joules(v) + u) * g, v->status, hi);
        ipw_buf_addf(out, " %-14s %s J, %s W; a better meter: %s to %s J (95 %%)\n", names[t], j, w, lo, hi);
    }
    if (strcmp(meter_source(m->meter), "none") != 0)
        ipw_buf_addf(out, " The total is %s.\n", meter_signature(m->meter));
}

static void net(const struct measured *m, struct ipw_buf *out)
{
    const struct energy_value *v = &m->result->total[ENERGY_TOTAL_COMPONENT];
    char idle[24], n[24];
    if (!m->idle)
        return;
    double p = watts(m->idle, &m->idle->total[ENERGY_TOTAL_COMPONENT]), own = joules(v) - p * m->result->seconds;
    report_num(p, idle);
    report_num(own, n);
    ipw_buf_addf(out, " Idle took %s W in the %.0f s before: ", idle, m->idle->seconds);
    if (own > 0)
        ipw_buf_addf(out, "~%s J are its own (indicative).\n", n);
    else
        ipw_buf_adds(out, isnan(own) ? "the rest is not known.\n" : "it took no more than that.\n");
}

static void gaps(const struct measured *m, struct ipw_buf *out)
{
    size_t n;
    const struct energy_channel *c = meter_channels(m->meter, &n);
    bool cpu = false, system = false, any = false;
    for (size_t i = 0; i < n; i++) {
        cpu |= c[i].in_total && (c[i].scope == ENERGY_SCOPE_CPU_PACKAGE || c[i].scope == ENERGY_SCOPE_SOC_IN ||
                                 c[i].scope == ENERGY_SCOPE_MODULE);
        system |= c[i].in_system;
        any |= c[i].in_total;
    }
    if (any && !cpu)
        ipw_buf_adds(out, " CPU package not metered.\n");
    if (any && !system && strcmp(meter_source(m->meter), "estimated") != 0)
        ipw_buf_adds(out, " Not metered: what no channel covers (board, disks, fans, power supply).\n");
    if (m->lost)
        ipw_buf_addf(out, " %lld readings were lost; the others span the gaps.\n", (long long)m->lost);
    if (!strcmp(meter_source(m->meter), "estimated"))
        ipw_buf_addf(out, "\n ~ estimated: a CPU load model, because no energy counter is used here. It can\n"
                          "   be off by a factor of %s; never ranked with measured figures.\n",
                     m->result->gain_u[ENERGY_TOTAL_COMPONENT] < 0.5 ? "1.5" : "two");
    remedies_add(c, n, 80, out);
}

void measure_table(const struct measured *m, struct ipw_buf *out)
{
    sentence(m, out);
    channels(m, out);
    totals(m, out);
    net(m, out);
    gaps(m, out);
}

void measure_line(const struct meter *meter, const struct energy_result *r, double at_s, struct ipw_buf *out)
{
    char w[32];
    quantity(watts(r, &r->total[0]), r->total[0].status, w);
    ipw_buf_addf(out, "%8.1f s  %8s W", at_s, w);
    for (int t = 1; t < ENERGY_TOTAL_N; t++)
        if (energy_value_known(&r->total[t])) {
            quantity(watts(r, &r->total[t]), r->total[t].status, w);
            ipw_buf_addf(out, "   %s %s W", t == ENERGY_TOTAL_ACCEL ? "accel" : "system", w);
        }
    ipw_buf_addf(out, "   %s\n", meter_signature(meter));
}

/* ---- JSON ---- */

static void json_channels(const struct measured *m, struct json_out *o, json_node *top)
{
    const struct energy_result *r = m->result;
    size_t n;
    const struct energy_channel *c = meter_channels(m->meter, &n);
    json_node *list = json_put_arr(o, top, "channels");
    for (size_t i = 0; i < n; i++) {
        const struct energy_value *v = &r->channel[i];
        if (c[i].kind == ENERGY_KIND_GAUGE)
            continue;
        bool known = energy_value_known(v);
        json_node *e = json_put_obj(o, list, NULL);
        json_put_str(o, e, "id", c[i].id);
        json_put_str(o, e, "scope", c[i].status == ENERGY_CHANNEL_ABSENT ? NULL : energy_scope_name(c[i].scope));
        json_put_num(o, e, "joules", joules(v));
        json_put_bool(o, e, "in_total", c[i].in_total);
        json_put_num(o, e, "watts", watts(r, v));
        json_put_num(o, e, "u_j", known && v->u_nj >= 0 ? (double)v->u_nj * 1e-9 : (double)NAN);
        json_put_num(o, e, "gain_u", c[i].gain_u > 0 ? c[i].gain_u : (double)NAN);
        json_put_str(o, e, "device", *c[i].device ? c[i].device : NULL);
        json_put_str(o, e, "status", c[i].status == ENERGY_CHANNEL_OK ? energy_status_name((int)v->status) : "missing");
        json_put_str(o, e, "reason", c[i].status == ENERGY_CHANNEL_OK ? v->reason : energy_channel_status_name(c[i].status));
        json_put_str(o, e, "why", c[i].why);
    }
}

void measure_json(const struct measured *m, struct ipw_buf *out)
{
    const struct energy_result *r = m->result;
    const struct energy_value *v = &r->total[ENERGY_TOTAL_COMPONENT], *sys = &r->total[ENERGY_TOTAL_SYSTEM];
    struct json_out *o = json_out_new();
    json_node *top = json_new_obj(o);
    json_put_str(o, top, "schema", "ipw.measure/1");
    json_put_num(o, top, "seconds", r->seconds);
    json_put_str(o, top, "source", meter_source(m->meter));
    json_put_str(o, top, "signature", meter_signature(m->meter));
    json_put_num(o, top, "component_j", joules(v));
    json_put_num(o, top, "system_j", joules(sys));
    json_put_num(o, top, "uncertainty_j", sigma(v, r->gain_u[ENERGY_TOTAL_COMPONENT]));
    json_put_num(o, top, "attribution_u_j", sigma(v, 0));
    json_put_num(o, top, "gain_u", r->gain_u[ENERGY_TOTAL_COMPONENT]);
    json_put_num(o, top, "accel_j", joules(&r->total[ENERGY_TOTAL_ACCEL]));
    json_put_num(o, top, "component_w", watts(r, v));
    json_put_num(o, top, "system_w", watts(r, sys));
    json_put_str(o, top, "status", energy_status_name((int)v->status));
    json_put_str(o, top, "reason", v->reason);
    if (m->idle) {
        double p = watts(m->idle, &m->idle->total[ENERGY_TOTAL_COMPONENT]);
        json_node *b = json_put_obj(o, top, "baseline");
        json_put_str(o, b, "method", "quick");
        json_put_num(o, b, "seconds", m->idle->seconds);
        json_put_num(o, b, "idle_w", p);
        json_put_num(o, b, "net_j", joules(v) - p * r->seconds);
        json_put_bool(o, b, "indicative", true);
    } else {
        json_put_null(o, top, "baseline");
    }
    if (m->command) {
        json_node *a = json_put_arr(o, top, "command");
        for (size_t i = 0; m->command[i]; i++)
            json_put_str(o, a, NULL, m->command[i]);
        json_put_int(o, top, "exit_code", m->exit_code);
    } else {
        json_put_null(o, top, "command");
        json_put_null(o, top, "exit_code");
    }
    json_put_int(o, top, "lost_readings", m->lost);
    json_channels(m, o, top);
    char *s = json_write(o, top, true);
    ipw_buf_adds(out, s);
    free(s);
    json_out_free(o);
}
