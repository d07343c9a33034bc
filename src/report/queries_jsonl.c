#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/internal.h"

void report_queries_jsonl(const struct table_run *run, struct ipw_buf *out)
{
    bool of_text = !strcmp(table_mode(run), TABLE_PERPLEXITY);
    for (size_t i = 0; i < run->n; i++) {
        const struct table_row *r = &run->v[i];
        struct json_out *o = json_out_new();
        json_node *n = json_new_obj(o);
        json_put_str(o, n, "query_id", r->query_id);
        json_put_str(o, n, "dataset", r->dataset);
        json_put_str(o, n, "domain", r->domain);
        json_put_int(o, n, "sample", r->sample);
        json_put_int(o, n, "attempt", r->attempt);
        json_put_str(o, n, "status", query_status_name(r->status));
        json_put_str(o, n, "reason", r->reason ? r->reason : r->score_reason);
        json_put_str(o, n, "score", score_status_name(r->score));
        json_put_num(o, n, "correct", r->correct);
        json_put_str(o, n, "extracted", r->extracted);
        if (of_text) {
            json_put_num(o, n, "nll", r->nll);
            report_put_count(o, n, "nll_tokens", r->nll_tokens);
            report_put_count(o, n, "nll_bytes", r->nll_bytes);
            json_put_num(o, n, "perplexity", exp(r->nll / r->nll_tokens));
        }
        report_put_count(o, n, "n_in", r->n_in);
        report_put_count(o, n, "n_cached", r->n_cached);
        report_put_count(o, n, "n_out", r->n_out);
        report_put_count(o, n, "n_reason", r->n_reason);
        json_put_num(o, n, "ttft_s", r->ttft_s);
        json_put_num(o, n, "ttfa_s", r->ttfa_s);
        json_put_num(o, n, "latency_s", r->latency_s);
        json_put_num(o, n, "decode_s", r->decode_s);
        json_put_num(o, n, "energy_j", r->energy_j);
        json_put_num(o, n, "u_j", r->u_j);
        json_put_num(o, n, "prefill_j", r->prefill_j);
        json_put_num(o, n, "decode_j", r->decode_j);
        json_put_num(o, n, "thinking_j", r->think_j);
        json_put_num(o, n, "net_j", r->net_j);
        json_put_bool(o, n, "slowed", r->slowed);
        json_put_bool(o, n, "capped", r->capped);
        json_put_str(o, n, "energy_status", energy_status_name(r->energy_status));
        json_put_str(o, n, "energy_reason", r->energy_reason);
        for (size_t k = 0; k < run->n_labels; k++) {
            char name[64];
            snprintf(name, sizeof name, "label_%s", run->labels[k].key);
            json_put_str(o, n, name, run->labels[k].value);
        }
        char *line = json_write(o, n, false);
        ipw_buf_addf(out, "%s\n", line);
        free(line);
        json_out_free(o);
    }
}
