/* A judging model asked about answers, over any engine: fills a form, reads the verdict, reminds of the form when there is
 * none, keeps what was written by its content. */
#ifndef IPW_RUN_JUDGING_H
#define IPW_RUN_JUDGING_H

#include "engine/engine.h"
#include "score/judge_form.h"

enum { JUDGE_TRIES = 3 }; /* replies without a verdict, or failures, before an answer stays unscored */

struct judging_cfg {
    const struct ipw_env *env;
    const struct engine_ops *ops;
    struct engine *engine; /* open, temperature 0 */
    const struct judge_form *form;
    const char *judge; /* who it is: what it writes is kept for this one */
    const char *cache; /* folder of what judges wrote; NULL: nothing is kept */
    int64_t max_tokens;
    uint64_t seed;
    size_t at_once;
    const _Atomic int *stop; /* IPW_E_INTERRUPTED once it is not 0 */
};

/* One answer judged; its texts live until the callback returns. */
struct judgement {
    int64_t tag;
    const char *verdict;  /* "correct", "incorrect", "not_attempted"; NULL: pairwise, or none */
    int preference[2];    /* pairwise: the answer as A, as B (score/judge.h) */
    const char *reason;   /* why there is no verdict; NULL: there is one */
    size_t games;         /* of text: what the judge wrote last of each */
    const char *text[2];
    int64_t n_in[2], n_out[2]; /* ENGINE_UNKNOWN */
};

struct judging_counts {
    size_t asked, cached, again; /* replies from the judge, from the folder; of both, after one that could not be used */
    int64_t n_in, n_out;         /* tokens, where they are known */
};

struct judging;
/* done returns 0, or the error that ends it all. */
struct judging *judging_new(const struct judging_cfg *cfg, int (*done)(void *ud, const struct judgement *v, struct ipw_err *err),
                            void *ud);
void judging_free(struct judging *j);

/* Takes a copy of the case; waits while as many as may be are in flight. Ten failures of the judge one after another are
 * IPW_E_ENV. */
int judging_ask(struct judging *j, int64_t tag, const struct judge_case *c, struct ipw_err *err);
int judging_finish(struct judging *j, struct ipw_err *err); /* waits for all */
const struct judging_counts *judging_counts(const struct judging *j);

#endif
