/* Two configurations on the same questions as a plain struct: what src/analysis/compare.c computes and src/report renders.
 * Everything is of the questions that both were asked ("joint"). NAN: unknown, with a reason beside it. */
#ifndef IPW_TABLE_COMPARE_H
#define IPW_TABLE_COMPARE_H

#include "table/figures.h"

/* id, name in JSON, words in tables, what it counts: joules or watts (marked >), per joule or watt (marked <), neither */
#define TABLE_COMPARE_MAP(XX)                                                                                          \
    XX(IPJ, "ipj", "IPJ, right/J", PER_JOULE)                                                                          \
    XX(IPW, "ipw", "IPW, right/W", PER_JOULE)                                                                          \
    XX(J, "j_per_query", "Energy, J/query", JOULES)                                                                    \
    XX(W, "power_w", "Mean power, W", JOULES)                                                                          \
    XX(S, "s_per_query", "Time, s/query", PLAIN)                                                                       \
    XX(TTFT, "ttft_s", "First token, mean s", PLAIN)                                                                        \
    XX(RATE, "tokens_per_s", "Speed, tokens/s", PLAIN)                                                                 \
    XX(OUT, "tokens_out", "Answer, tokens", PLAIN)

enum compare_id {
#define XX(id, key, label, kind) COMPARE_##id,
    TABLE_COMPARE_MAP(XX)
#undef XX
        COMPARE_N
};
enum compare_kind { COMPARE_PER_JOULE, COMPARE_JOULES, COMPARE_PLAIN };
struct compare_info {
    const char *key, *label;
    enum compare_kind kind;
};
extern const struct compare_info compare_infos[COMPARE_N];

struct compare_figure {
    double a, b;           /* means, or ratios of means */
    struct estimate ratio; /* b / a: lo, hi paired by question; meter_lo, meter_hi NAN where the meter's error cancels */
    const char *reason;    /* why there is no ratio; NULL: there is */
};

struct compare_difference { /* in something that was recorded; a, b "-" where it is not known or not set */
    const char *key, *label, *a, *b;
};

struct compare_domain { /* of the questions of one subject that are scored on both sides */
    const char *name; /* NULL: without one */
    size_t n;
    double a, b;
    struct estimate difference;
};

struct compare_side {
    const struct table_run *const *runs; /* repeats of one configuration */
    size_t n;
};

struct compare_result {
    struct compare_side side[2];
    char refused[400];   /* why these runs cannot be compared, with the way out; "": they can, the rest is filled */
    size_t n_asked[2];   /* questions of each side */
    size_t n;            /* joint and scored on both sides */
    size_t n_unscored;   /* joint, not scored on one side or both */
    double right[2];     /* of n; with repeats the mean of the repeats */
    struct estimate accuracy[2], difference; /* difference: b less a, 0 to 1 */
    bool binary;         /* scores are 0 or 1, so the counts mean something */
    size_t both, only_a, only_b, neither;
    double p, mcnemar_exact, mcnemar_mid; /* McNemar NAN where scores are fractions; p: its mid-p, else Student's */
    const char *joules_reason; /* why joules are not compared; NULL: they are */
    bool same_meter;     /* one host, one set of channels: an error of their gain cancels */
    bool scope_mismatch; /* the signatures differ and it was allowed */
    struct compare_figure figure[COMPARE_N];
    double ipj_p;        /* permutation p of the IPJ ratio; NAN: not computed (more than 1000 questions, or no ratio) */
    struct compare_difference *differs;
    size_t n_differs, cap_differs;
    struct compare_domain *domain; /* by name; none where all questions are of one */
    size_t n_domains;
    struct ipw_arena arena;
};
void compare_release(struct compare_result *r);

#endif
