/* The figures of runs as plain structs: what an analysis computes and a report renders, so that neither knows the
 * other. NAN: unknown (null in JSON, a dash in tables). */
#ifndef IPW_TABLE_FIGURES_H
#define IPW_TABLE_FIGURES_H

#include "table/rows.h"

/* An estimate with both intervals. lo, hi: other questions of this
 * kind; meter_lo, meter_hi: a better meter (NAN where it changes nothing). method is static, NULL with est NAN. */
struct estimate {
    double est, lo, hi, meter_lo, meter_hi;
    size_t n;
    const char *method;
};

struct quantiles {
    double mean, p50, p90, p99;
    size_t n;
};

struct phase_figures {
    double s, j, w, j_per_token; /* sums over queries; NAN unknown */
    const char *reason;          /* why j is unknown; NULL */
};

/* Reasoning before the answer. */
struct thinking_figures {
    size_t n, n_unclosed; /* answers that reasoned; of them, that never came to an answer */
    double tokens, j;     /* sums over them; NAN unknown */
    double share;         /* of their output tokens */
};

/* Of pieces of a text that were read, not answered (metrics 2.1). est NAN: not such a run, or no joules. */
struct perplexity_figures {
    size_t n;
    double tokens, bytes;
    struct estimate mean, corpus; /* mean of the pieces' perplexities; of all tokens together */
    struct estimate bits_per_byte;
    struct estimate ppw, ppj;     /* 1 / (mean perplexity x mean W), 1 / (mean perplexity x mean J) */
};

/* Several answers to each question (metrics 2.4). */
enum { SAMPLES_AT = 12 };
struct sample_figures {
    size_t k; /* asked of each question; 1: nothing to tell */
    struct {
        size_t k;
        struct estimate pass; /* at least one of k is right */
        struct estimate ipj;  /* that, over k times J/query */
    } at[SAMPLES_AT];         /* the powers of two up to k, and k */
    size_t n_at;
    struct estimate majority; /* the answer given most often is right; of the questions whose answers can be counted */
    double round_sd;          /* of the accuracies of the first, second, … answers to all; NAN: not two rounds are whole */
};

/* One subject's part of a run. */
struct domain_figures {
    const char *name;    /* of the run's; NULL: the questions without one */
    size_t n_questions, n_scored, n_unscored; /* scored, unscored: answers */
    double n_correct;
    struct estimate accuracy, per_query_j, power_w, ipj, ipw;
};

/* Of one number over queries (the reference's efficiency blocks). */
struct spread {
    double avg, median, min, max, total;
    size_t count;
};

/* How the server was asked, and whether we kept up (src/analysis/load.c). Only of engines that ask a server. */
struct load_figures {
    bool any;
    size_t in_flight;               /* the most */
    double seconds;                 /* of the steady window, else from the first request to the last end */
    bool steady;
    double requests_s, tokens_s;    /* that ended, that came, per second of it */
    struct quantiles delay_s, itl_s;
    double cpu_share, cpu_us_per_piece; /* of the thread that asked */
    const char *bound;              /* static: why the client was the bottleneck; NULL: it was not */
    const char *token_source;       /* "mixed" where it differs; NULL unknown */
};

/* Of one run (src/analysis/accuracy.c). */
struct accuracy_result {
    size_t by_query[QUERY_STATUS_N], by_score[SCORE_STATUS_N];
    size_t n_rows;      /* attempted: sent, not warm-up */
    size_t n_scored;    /* S: correct, incorrect, unparsed, failed */
    size_t n_energy;    /* S_E: S with energy */
    size_t n_unscored;  /* cannot be scored: no gold, scorer not built */
    size_t n_failed;    /* error, timeout, empty, refused: wrong, in S */
    double n_correct;   /* sum of correct over S */

    struct estimate accuracy;        /* over S */
    struct estimate accuracy_scored; /* the reference's: correct / (correct + incorrect) */
    double all_wrong, all_right;     /* bounds when the unscored items are counted; equal when there are none */

    /* component scope, over S_E; est NAN with `energy_reason` when |S_E| < 0.9 |S| and !allow_missing */
    double total_j, gap_j;
    const char *energy_reason;
    struct estimate per_query_j, power_w, ipj, ipw, ipw_tw, ipw_slo;
    struct {
        double total_j;
        struct estimate per_query_j, power_w, ipj, ipw;
    } other[TABLE_SCOPES]; /* accel, system: over the questions of S that have them; n 0 without such a channel */
    double power_max_w; /* the largest mean power of a query */
    struct estimate net_per_query_j, ipj_net; /* less idle; over S_E with a baseline */
    size_t n_slowed, n_capped; /* of the attempted: hot or braked, at the power limit */
    size_t n_low;              /* joules with low resolution */

    struct quantiles ttft_s, tpot_s, e2e_s;
    struct load_figures load;
    bool interactive; /* TTFT p90 <= 2 s and decode >= 10 tokens/s */
    struct phase_figures prefill, decode;
    struct thinking_figures thinking;
    struct perplexity_figures perplexity;
    struct sample_figures samples;
    size_t n_questions; /* of the attempted */
    struct domain_figures *domain; /* by name; none where all questions are of one */
    size_t n_domains;
    struct estimate accuracy_macro; /* mean of the subjects' */
    double n_in, n_cached, n_out, n_reason; /* sums of what is known */
    double decode_tok_s, prefill_tok_s;

    struct spread energy, power; /* per query, over queries with joules */
    double efficiency_accuracy;  /* accuracy on that subset */
};
void accuracy_release(struct accuracy_result *r);

#endif
