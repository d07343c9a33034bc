#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/internal.h"

void report_put_estimate(struct json_out *o, json_node *to, const char *key, const struct estimate *e)
{
    json_node *n = json_put_obj(o, to, key);
    json_put_num(o, n, "est", e->est);
    json_put_num(o, n, "lo", e->lo);
    json_put_num(o, n, "hi", e->hi);
    json_put_num(o, n, "meter_lo", e->meter_lo);
    json_put_num(o, n, "meter_hi", e->meter_hi);
    json_put_int(o, n, "n", (int64_t)e->n);
    json_put_str(o, n, "method", e->method);
}

void report_put_scoped(struct json_out *o, json_node *to, const char *key, const struct estimate *component,
                       const struct estimate *accel, const struct estimate *system)
{
    json_node *n = json_put_obj(o, to, key);
    report_put_estimate(o, n, "component", component);
    if (accel && accel->n)
        report_put_estimate(o, n, "accel", accel);
    if (system && system->n)
        report_put_estimate(o, n, "system", system);
}

void report_put_labels(struct json_out *o, json_node *to, const struct table_run *run)
{
    json_node *obj = json_put_obj(o, to, "labels");
    for (size_t i = 0; i < run->n_labels; i++)
        json_put_str(o, obj, run->labels[i].key, run->labels[i].value);
}

void report_put_count(struct json_out *o, json_node *to, const char *key, double n)
{
    if (isfinite(n))
        json_put_int(o, to, key, (int64_t)n);
    else
        json_put_null(o, to, key);
}

static void put_scope_num(struct json_out *o, json_node *to, const char *key, double x)
{
    json_put_num(o, json_put_obj(o, to, key), "component", x);
}

static void put_quantiles(struct json_out *o, json_node *to, const char *key, const struct quantiles *q)
{
    json_node *n = json_put_obj(o, to, key);
    json_put_num(o, n, "mean", q->mean);
    json_put_num(o, n, "p50", q->p50);
    json_put_num(o, n, "p90", q->p90);
    json_put_num(o, n, "p99", q->p99);
}

static void put_phase(struct json_out *o, json_node *to, const char *key, const struct phase_figures *p)
{
    json_node *n = json_put_obj(o, to, key);
    json_put_num(o, n, "s", p->s);
    put_scope_num(o, n, "j", p->j);
    json_put_num(o, n, "w", p->w);
    json_put_num(o, n, "j_per_token", p->j_per_token);
    json_put_str(o, n, "reason", p->reason);
}

/* A number where it is one, null where it is not known. */
void report_put_settings(struct json_out *o, json_node *top, const struct table_run *run)
{
    report_put_labels(o, top, run);
    json_node *n = json_put_obj(o, top, "settings");
    for (int i = 0; i < TABLE_SETTING_N; i++) {
        const struct table_setting *s = &run->settings[i];
        if (s->text && isfinite(s->number))
            json_put_num(o, n, table_settings[i].key, s->number);
        else
            json_put_str(o, n, table_settings[i].key, s->text);
    }
}

static void put_energy(struct json_out *o, json_node *top, const struct table_run *run,
                       const struct accuracy_result *r)
{
    json_node *e = json_put_obj(o, top, "energy");
    json_put_str(o, e, "source", run->energy_source);
    json_put_str(o, e, "headline", "component");
    json_put_str(o, e, "signature", run->signature);
    json_node *total = json_put_obj(o, e, "total_j");
    json_put_num(o, total, "component", r->total_j);
    for (size_t k = 0; k < TABLE_SCOPES; k++)
        if (run->scope_signature[k])
            json_put_num(o, total, k == TABLE_ACCEL ? "accel" : "system", r->other[k].total_j);
    json_node *signatures = json_put_arr(o, e, "signatures");
    for (size_t k = 0; k < TABLE_SCOPES; k++)
        if (run->scope_signature[k])
            json_put_str(o, signatures, NULL, run->scope_signature[k]);
    report_put_scoped(o, e, "per_query_j", &r->per_query_j, &r->other[TABLE_ACCEL].per_query_j, &r->other[TABLE_SYSTEM].per_query_j);
    put_scope_num(o, e, "gap_j", r->gap_j);
    put_scope_num(o, e, "load_j", run->load_j);
    put_scope_num(o, e, "idle_w", run->idle_w);
    put_scope_num(o, e, "idle_cold_w", run->idle_cold_w);
    put_scope_num(o, e, "idle_after_w", run->idle_after_w);
    json_put_bool(o, e, "idle_drifts", run->idle_drifts);
    json_put_bool(o, e, "idle_indicative", run->idle_quick);
    report_put_scoped(o, e, "net_per_query_j", &r->net_per_query_j, NULL, NULL);
    json_node *parts = json_put_arr(o, e, "members");
    for (size_t i = 0; i < run->n_members; i++) {
        json_node *m = json_put_obj(o, parts, NULL);
        json_put_str(o, m, "scope", run->members[i].scope);
        json_put_str(o, m, "source", run->members[i].source);
        json_put_num(o, m, "w", run->members[i].w);
    }
    json_node *list = json_put_arr(o, e, "unmetered");
    for (size_t i = 0; i < run->n_unmetered; i++)
        json_put_str(o, list, NULL, run->unmetered[i]);
    json_put_str(o, e, "reason", r->energy_reason);
    json_put_str(o, e, "shared", run->shared);
}

static void put_perplexity(struct json_out *o, json_node *top, const struct perplexity_figures *p)
{
    json_node *n = json_put_obj(o, top, "perplexity");
    report_put_estimate(o, n, "mean", &p->mean);
    report_put_estimate(o, n, "corpus", &p->corpus);
    report_put_estimate(o, n, "bits_per_byte", &p->bits_per_byte);
    json_put_num(o, n, "tokens", p->tokens);
    json_put_num(o, n, "bytes", p->bytes);
    report_put_scoped(o, n, "ppw", &p->ppw, NULL, NULL);
    report_put_scoped(o, n, "ppj", &p->ppj, NULL, NULL);
}

static void put_load(struct json_out *o, json_node *top, const struct table_run *run, const struct load_figures *f)
{
    if (!f->any)
        return;
    json_node *n = json_put_obj(o, top, "load");
    json_put_int(o, n, "in_flight", (int64_t)f->in_flight);
    json_put_num(o, n, "seconds", f->seconds);
    json_put_bool(o, n, "steady", f->steady);
    json_put_num(o, n, "requests_s", f->requests_s);
    json_put_num(o, n, "tokens_s", f->tokens_s);
    put_quantiles(o, n, "schedule_delay_s", &f->delay_s);
    put_quantiles(o, n, "itl_s", &f->itl_s);
    json_put_num(o, n, "client_cpu_share", f->cpu_share);
    json_put_num(o, n, "client_cpu_us_per_piece", f->cpu_us_per_piece);
    json_put_num(o, n, "selftest_delay_p50_s", run->client.selftest_p50_s);
    json_put_num(o, n, "selftest_delay_p99_s", run->client.selftest_p99_s);
    json_put_num(o, n, "selftest_cpu_ns_per_piece", run->client.selftest_cpu_ns);
    json_put_str(o, n, "client_bound", f->bound);
    json_put_str(o, n, "token_source", f->token_source);
}

char *report_summary_json(const struct table_run *run, const struct accuracy_result *r)
{
    struct json_out *o = json_out_new();
    json_node *top = json_new_obj(o);
    json_put_str(o, top, "schema", "ipw.summary/1");
    json_put_str(o, top, "run_id", run->run_id);
    json_put_bool(o, top, "complete", run->complete);
    json_node *n = json_put_obj(o, top, "model");
    json_put_str(o, n, "name", run->model_name);
    json_put_str(o, n, "fingerprint", run->model_fingerprint);
    json_put_str(o, n, "quant", run->quant);
    json_put_str(o, n, "file", run->model_file);
    report_put_count(o, n, "bytes", run->model_bytes ? (double)run->model_bytes : (double)NAN);
    n = json_put_obj(o, top, "dataset");
    json_put_str(o, n, "name", run->dataset_name);
    json_put_str(o, n, "sha256", run->dataset_sha256);
    json_put_int(o, n, "n", run->dataset_n);
    const char *mode = table_mode(run);
    json_put_str(o, top, "mode", mode);
    json_put_str(o, top, "mode_note", strcmp(mode, TABLE_ANSWERS) ? "log-likelihood; " REPORT_MODE_NOTE : NULL);
    json_put_str(o, top, "device", run->device);
    json_put_str(o, top, "host", run->settings[TABLE_SETTING_HOST].text);
    if (run->started_real_ns) /* a double has not the digits */
        json_put_int(o, top, "started_real_ns", run->started_real_ns);
    else
        json_put_null(o, top, "started_real_ns");
    report_put_settings(o, top, run);
    n = json_put_obj(o, top, "status_counts");
    json_node *q = json_put_obj(o, n, "query"), *s = json_put_obj(o, n, "score");
    for (int i = 0; i < QUERY_STATUS_N; i++)
        if (r->by_query[i])
            json_put_int(o, q, query_status_name(i), (int64_t)r->by_query[i]);
    for (int i = 0; i < SCORE_STATUS_N; i++)
        if (r->by_score[i])
            json_put_int(o, s, score_status_name(i), (int64_t)r->by_score[i]);
    struct report_failure kinds[REPORT_FAILURES];
    json_node *failures = json_put_obj(o, n, "failures");
    for (size_t i = 0, k = report_failures(run, kinds); i < k; i++)
        json_put_int(o, failures, kinds[i].reason, (int64_t)kinds[i].n);
    report_put_estimate(o, top, "accuracy", &r->accuracy);
    report_put_estimate(o, top, "accuracy_scored", &r->accuracy_scored);
    report_put_samples(o, top, r);
    report_put_domains(o, top, r);
    n = json_put_obj(o, top, "accuracy_bounds");
    json_put_num(o, n, "all_wrong", r->all_wrong);
    json_put_num(o, n, "all_right", r->all_right);
    json_put_int(o, n, "unscored", (int64_t)r->n_unscored);
    json_node *scores = json_put_obj(o, top, "scores_beside");
    for (size_t i = 0; i < run->n_beside; i++) {
        n = json_put_obj(o, scores, run->beside[i].name);
        json_put_num(o, n, "est", run->beside[i].sum / run->beside[i].n);
        json_put_int(o, n, "n", (int64_t)run->beside[i].n);
    }
    if (run->judge)
        table_judge_put(o, json_put_obj(o, top, "judge"), run->judge);
    put_energy(o, top, run, r);
    if (!strcmp(mode, TABLE_PERPLEXITY))
        put_perplexity(o, top, &r->perplexity);
    report_put_scoped(o, top, "ipj", &r->ipj, &r->other[TABLE_ACCEL].ipj, &r->other[TABLE_SYSTEM].ipj);
    report_put_scoped(o, top, "ipj_net", &r->ipj_net, NULL, NULL);
    report_put_scoped(o, top, "ipw", &r->ipw, &r->other[TABLE_ACCEL].ipw, &r->other[TABLE_SYSTEM].ipw);
    report_put_scoped(o, top, "ipw_tw", &r->ipw_tw, NULL, NULL);
    report_put_scoped(o, top, "ipw_slo", &r->ipw_slo, NULL, NULL);
    n = json_put_obj(o, top, "power_w");
    report_put_scoped(o, n, "mean", &r->power_w, &r->other[TABLE_ACCEL].power_w, &r->other[TABLE_SYSTEM].power_w);
    put_scope_num(o, n, "max", r->power_max_w);
    n = json_put_obj(o, top, "flags");
    json_put_int(o, n, "slowed", (int64_t)r->n_slowed);
    json_put_int(o, n, "power_capped", (int64_t)r->n_capped);
    json_put_int(o, n, "low_resolution", (int64_t)r->n_low);
    n = json_put_obj(o, top, "latency");
    put_quantiles(o, n, "ttft_s", &r->ttft_s);
    put_quantiles(o, n, "tpot_s", &r->tpot_s);
    put_quantiles(o, n, "e2e_s", &r->e2e_s);
    json_put_bool(o, n, "interactive", r->interactive);
    n = json_put_obj(o, top, "phases");
    put_phase(o, n, "prefill", &r->prefill);
    put_phase(o, n, "decode", &r->decode);
    n = json_put_obj(o, top, "tokens");
    report_put_count(o, n, "in", r->n_in);
    report_put_count(o, n, "cached", r->n_cached);
    report_put_count(o, n, "out", r->n_out);
    report_put_count(o, n, "reasoning", r->n_reason);
    n = json_put_obj(o, top, "thinking");
    json_put_int(o, n, "n", (int64_t)r->thinking.n);
    json_put_num(o, n, "unclosed_rate", r->thinking.n ? (double)r->thinking.n_unclosed / (double)r->thinking.n : (double)NAN);
    json_put_num(o, n, "token_share", r->thinking.share);
    put_scope_num(o, n, "energy_j", r->thinking.j);
    put_load(o, top, run, &r->load);
    n = json_put_obj(o, top, "throughput");
    json_put_num(o, n, "decode_tok_s", r->decode_tok_s);
    json_put_num(o, n, "prefill_tok_s", r->prefill_tok_s);
    char *text = json_write(o, top, true);
    json_out_free(o);
    return text;
}
