/* share: joules of requests that overlap. One channel's readings and the requests of a segment -> a share for each, what the
 * machine took while nothing was asked, and what nobody can be given. Pure, as attribute.h, whose rules for readings, breaks
 * and statuses hold here too; docs/method.md, "Several at once", says how and how well. */
#ifndef IPW_ENERGY_SHARE_H
#define IPW_ENERGY_SHARE_H

#include "energy/attribute.h"

/* One request. Times as in energy_mark; counts -1 where nobody said. */
struct share_request {
    int64_t t_send, t_first, t_end; /* t_first < 0: no token came */
    int64_t prompt_ns;              /* how long the server says that the prompt took; -1 unknown */
    int64_t n_eval, n_cached;       /* prompt tokens evaluated, and taken from a cache */
    int64_t n_out;
    const int64_t *stamps; /* when chunks of the answer came, ascending, the first one at t_first; NULL: not known */
    size_t n_stamps;
};

struct share_facts {
    const struct energy_channel *ch;
    struct energy_reading *readings; /* sorted in place */
    size_t n;
    const struct share_request *req; /* in order of t_send */
    size_t n_req;
    const struct energy_span *suspended;
    size_t n_suspended;
    double idle_w, u_idle_w; /* of this channel while nothing is asked; idle_w NAN: not known */
};

/* What one unit of work was found to take. */
enum share_work {
    SHARE_PREFILL, /* a prompt token evaluated, J */
    SHARE_DECODE,  /* a token written, J */
    SHARE_CONTEXT, /* a token of context that a written one looks back at, J */
    SHARE_STEP,    /* a step, in which everybody who writes gets a token: by those who take part, J */
    SHARE_WORKS
};

struct share_result {
    struct energy_value gap;  /* between the first t_send and the last t_end, outside every request */
    struct energy_value rest; /* inside, but of a time that nobody knows enough about to share it */
    double coef[SHARE_WORKS]; /* NAN: no part of the model */
    double u_coef[SHARE_WORKS];
    double condition;         /* of the model's columns; INFINITY: they say the same */
    double residual;          /* of the blocks, relative to the mean */
    double spread;            /* one sigma of a request's true energy per unit of work, relative */
    size_t blocks;            /* that the coefficients come from */
    double block_s;
    bool by_time;             /* no model: equal shares of time in flight */
    const char *why;          /* static: "few_blocks", "one_mix"; NULL */
};

/* out: n_req rows. Methods "shared", and "shared_time" where by_time. In nanojoules, shares + gap + rest is what the curve of
 * the readings rises between the first t_send and the last t_end (nj of a gap or rest that is missing holds what is known of
 * it). Reasons beside those of energy_attribute: "no_work" (nothing is known of what the request had done: it has its part of
 * the idle energy, and may have taken more, u). */
void energy_share(const struct share_facts *f, struct energy_query_value *out, struct share_result *r);

#endif
