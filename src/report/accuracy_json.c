#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/internal.h"

static void put_spread(struct json_out *o, json_node *to, const char *key, const struct spread *s, double accuracy,
                       bool power)
{
    json_node *n = json_put_obj(o, to, key);
    json_put_int(o, n, "count", (int64_t)s->count);
    json_put_num(o, n, "avg", s->avg);
    json_put_num(o, n, "median", s->median);
    json_put_num(o, n, "min", s->min);
    json_put_num(o, n, "max", s->max);
    json_put_num(o, n, "total", power ? (double)NAN : s->total); /* watts do not add up */
    json_put_num(o, n, "accuracy", accuracy);
    json_put_int(o, n, "zero_values", 0); /* what was not read is missing here, never 0, and nothing is imputed */
    if (power) {                          /* a query's power is its joules over its seconds */
        json_put_int(o, n, "derived_power_samples", (int64_t)s->count);
        json_put_int(o, n, "power_metric_samples", 0);
    } else {
        json_put_int(o, n, "imputed_from_power", 0);
        json_put_int(o, n, "imputed_count", 0);
    }
}

static void put_run(struct json_out *o, json_node *top, const struct table_run *run, const struct accuracy_result *r)
{
    struct report_verdicts v = report_verdicts_of(run);
    json_put_str(o, top, "analysis", "accuracy");
    json_put_str(o, top, "run", run->dir);
    report_put_labels(o, top, run);
    json_put_str(o, top, "scope", "component");
    json_put_str(o, top, "signature", run->signature);
    json_put_str(o, top, "energy_source", run->energy_source);
    json_put_str(o, top, "energy_reason", r->energy_reason);
    json_node *s = json_put_obj(o, top, "summary");
    json_put_str(o, s, "model", run->model_name);
    json_put_int(o, s, "correct", (int64_t)v.correct);
    json_put_int(o, s, "incorrect", (int64_t)v.incorrect);
    json_put_int(o, s, "unevaluated", (int64_t)(v.unparsed + v.unscored + v.pending));
    json_put_int(o, s, "failed", (int64_t)v.failed);
    json_put_int(o, s, "total_scored", (int64_t)r->n_scored);
    json_put_num(o, s, "accuracy", r->accuracy.est);
    json_put_num(o, s, "accuracy_scored", r->accuracy_scored.est);
    json_put_num(o, s, "intelligence_per_joule", r->ipj.est);
    json_put_num(o, s, "intelligence_per_watt", r->ipw.est);
    json_put_num(o, s, "avg_per_query_energy_joules", r->per_query_j.est);
    json_put_num(o, s, "avg_per_query_power_watts", r->power_w.est);
    json_put_int(o, s, "energy_sample_count", (int64_t)r->energy.count);
    json_put_int(o, s, "power_sample_count", (int64_t)r->power.count);
    json_node *e = json_put_obj(o, json_put_obj(o, top, "data"), "efficiency");
    put_spread(o, e, "energy", &r->energy, r->efficiency_accuracy, false);
    put_spread(o, e, "power", &r->power, r->efficiency_accuracy, true);
    json_node *est = json_put_obj(o, top, "estimates");
    const struct {
        const char *key;
        const struct estimate *e;
    } all[] = {{"accuracy", &r->accuracy}, {"accuracy_scored", &r->accuracy_scored}, {"per_query_j", &r->per_query_j},
               {"power_w", &r->power_w},   {"ipj", &r->ipj},                         {"ipw", &r->ipw},
               {"ipw_tw", &r->ipw_tw},     {"ipw_slo", &r->ipw_slo}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        report_put_estimate(o, est, all[i].key, all[i].e);
    report_put_samples(o, top, r);
    report_put_domains(o, top, r);
    report_put_settings(o, top, run);
    json_node *b = json_put_obj(o, top, "bounds");
    json_put_num(o, b, "all_wrong", r->all_wrong);
    json_put_num(o, b, "all_right", r->all_right);
    json_put_int(o, b, "unscored", (int64_t)r->n_unscored);
}

char *report_accuracy_json(const struct table_run *run, const struct accuracy_result *r)
{
    struct json_out *o = json_out_new();
    json_node *top = json_new_obj(o);
    put_run(o, top, run, r);
    char *text = json_write(o, top, true);
    json_out_free(o);
    return text;
}

static char *accuracy_array(const struct table_run *const *runs, const struct accuracy_result *const *r, size_t n)
{
    struct json_out *o = json_out_new();
    json_node *list = json_new_arr(o);
    for (size_t i = 0; i < n; i++)
        put_run(o, json_put_obj(o, list, NULL), runs[i], r[i]);
    char *text = json_write(o, list, true);
    json_out_free(o);
    return text;
}

void report_accuracy(const struct table_run *const *runs, const struct accuracy_result *const *r, size_t n,
                     const char *format, struct ipw_buf *out)
{
    if (strcmp(format, "json") != 0) {
        report_accuracy_table(runs, r, n, format, out);
        return;
    }
    char *text = n == 1 ? report_accuracy_json(runs[0], r[0]) : accuracy_array(runs, r, n);
    ipw_buf_adds(out, text);
    free(text);
}
