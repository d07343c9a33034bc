/* Typed columns of query results: what analyses and reports work on, whatever the rows came from (run.db now;
 * Parquet and CSV later). One row per query x sample (its last attempt); joules of all its attempts. Unknown
 * numbers are NAN, unknown text is NULL. Column names and units: docs/schema.md. */
#ifndef IPW_TABLE_ROWS_H
#define IPW_TABLE_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/status.h"
#include "table/judge.h"
#include "table/settings.h"

struct stats_hist;

/* Totals beside the component total. */
enum table_scope { TABLE_ACCEL, TABLE_SYSTEM, TABLE_SCOPES };

struct table_row {
    const char *query_id, *dataset, *domain; /* domain: the record's subject */
    uint64_t question; /* hash of its record: the same in two runs that asked the same; 0 unknown */
    int64_t sample, attempt;
    enum query_status status;
    const char *reason;
    enum score_status score;
    const char *score_reason; /* why unscored */
    double correct;           /* 0..1; NAN when pending or unscored */
    const char *extracted;
    bool votes;               /* extracted is the answer itself, so that samples of a question can vote */
    double n_in, n_cached, n_out, n_reason;
    double ttft_s, latency_s; /* send to first token; send to end */
    double decode_s;          /* first token to last token */
    double ttfa_s;            /* send to the first token of the answer: behind the reasoning; NAN: none was seen */
    double think_j;           /* of decode_j: the reasoning's part of its seconds */
    bool unclosed;            /* it reasoned and never came to an answer */
    /* component total over all attempts, J; NAN unless status is measured, estimated or low_resolution */
    double energy_j, u_j; /* u_j: one sigma without gain */
    double other_j[TABLE_SCOPES]; /* the same of the other totals; NAN unknown */
    double energy_s;      /* seconds of all attempts: what energy_j was spent in. Of a second that several queries were in
                             flight each has an equal part */
    double prefill_j, decode_j; /* of the last attempt */
    double net_j;               /* energy_j less the idle watts of the time; NAN without a baseline */
    double idle_u_j;            /* one sigma of what was taken off */
    double delay_s;             /* from when it was due to when it was sent; NAN where nothing was due (in-process) */
    int64_t segment;            /* times of two cannot be compared */
    double send_s, end_s;       /* in its segment */
    double in_flight;           /* with it, when it was sent */
    const char *token_source;   /* "engine", "usage", "tokenizer", "chunks" */
    double nll, nll_tokens, nll_bytes; /* of perplexity: negative log-likelihood, of how many tokens and bytes; else NAN */
    bool slowed, capped;        /* the hardware slowed down for heat or a brake; it was at its power limit */
    enum energy_status energy_status;
    const char *energy_reason;
};

/* A part of the component total. */
struct table_member {
    const char *scope, *source; /* "cpu_package", "powercap" */
    double w;                   /* mean over the queries' time; NAN unknown */
};

/* A figure beside the accuracy that counts: another scorer's, or one that its verdicts hold. */
struct table_beside {
    const char *name; /* "contains", "mcq strict", "ifeval instructions" */
    double n, sum;    /* of answers, or of instructions; what of them is right */
};

/* What is common to the rows of one run. */
struct table_run {
    const char *dir, *run_id;
    bool complete;
    int64_t started_real_ns; /* ns since 1970, 0 unknown */
    const char *model_name, *model_fingerprint, *quant, *device; /* device: "AMD EPYC, 2 threads, no GPU" */
    const char *model_file; /* base name of the file that was given */
    int64_t model_bytes;    /* 0 unknown */
    const char *dataset_name, *dataset_sha256;
    int64_t dataset_n; /* questions that were to be asked */
    const char *energy_source;    /* measured, partial, estimated, none */
    const char *energy_reason;    /* why none or estimated; NULL */
    const char *signature;        /* "component(cpu_package)" */
    const char *scope_signature[TABLE_SCOPES]; /* "accel(gpu_board)"; NULL: no such channel */
    double gain_u;                /* one sigma of the total: member gains weighted by their joules */
    const char *shared;           /* joules of requests in flight together: "shared", "shared_time"; NULL: none were */
    double load_j;                /* while its server was started; NAN unknown, or none was */
    double gap_j;                 /* component energy between queries; NAN unknown */
    const char *meters; /* the channels of the total by id, sorted: two runs with the same ones on one host have one meter */
    const struct table_member *members;
    size_t n_members;
    /* watts of the total without a question: before the model, with it, after the last answer; NAN unknown */
    double idle_cold_w, idle_w, idle_after_w;
    bool idle_drifts, idle_quick; /* quick: watched for seconds only, the net figures are indicative */
    const struct table_beside *beside;
    size_t n_beside;
    const struct table_judge *judge; /* the last one; NULL: none */
    const char *const *unmetered; /* devices that compute and have no channel */
    size_t n_unmetered;
    struct table_setting settings[TABLE_SETTING_N];
    struct {
        double wall_s, cpu_s;         /* of the thread that asked, while it measured; NAN unknown */
        double pieces;                /* tokens or pieces of streams that it took */
        double selftest_p50_s, selftest_p99_s, selftest_cpu_ns; /* what it added against a server that computes nothing */
    } client;
    const struct stats_hist *itl;     /* seconds between two pieces of an answer; NULL: no server was asked */
    double steady_from_s, steady_to_s; /* the load was full, of the last segment; NAN never */
    const struct table_label *labels; /* in the order they were given */
    size_t n_labels;
    struct table_row *v;
    size_t n, cap;
    struct ipw_arena arena; /* owns every string */
};

/* What its figures are of: TABLE_ANSWERS, or log-likelihoods, or perplexity. Of two that differ neither accuracy nor joules
 * are comparable. */
#define TABLE_ANSWERS "generation"
#define TABLE_LIKELY "log-likelihood"
#define TABLE_PERPLEXITY "perplexity"
const char *table_mode(const struct table_run *t);

/* The value of a label, NULL: it has none of that name. */
const char *table_label_of(const struct table_run *t, const char *key);

void table_run_release(struct table_run *t);

#endif
