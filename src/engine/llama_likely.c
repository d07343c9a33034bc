#include "engine/llama_likely.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <llama.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/argmax.h"

enum {
    OUTPUT_BYTES = 128 << 20, /* of logits at once: a row is a megabyte where the vocabulary has 262 k words */
    ROWS = 8 /* tokens in a batch: with fewer other kernels compute, whose last bits differ */
};

struct text { /* context and option as the model reads them */
    llama_token *v;
    size_t n, cap, from; /* from: the option's first token */
};

struct likely {
    struct llama_context *ctx;
    const struct llama_vocab *vocab;
    size_t n_ctx, n_batch, n_vocab, n_outputs;
    struct text *text;
    struct engine_likely *out;
    size_t n, cap;
    size_t shared, fed; /* tokens that all texts begin with and no option has; of them in the cache */
    size_t option, at;  /* the one whose turn it is, and its next token */
    struct llama_batch batch;
};

struct likely *likely_new(struct llama_context *ctx)
{
    struct likely *l = ipw_calloc(1, sizeof *l);
    l->ctx = ctx;
    l->vocab = llama_model_get_vocab(llama_get_model(ctx));
    l->n_ctx = llama_n_ctx(ctx);
    l->n_batch = llama_n_batch(ctx);
    l->n_vocab = (size_t)llama_vocab_n_tokens(l->vocab);
    l->n_outputs = OUTPUT_BYTES / (l->n_vocab * sizeof(float)) + 1;
    l->batch = llama_batch_init((int32_t)l->n_batch, 0, 1);
    return l;
}

void likely_free(struct likely *l)
{
    if (!l)
        return;
    llama_batch_free(l->batch);
    for (size_t i = 0; i < l->cap; i++)
        free(l->text[i].v);
    free(l->text);
    free(l->out);
    free(l);
}

/* ---- texts to tokens ---- */

static void tokens_of(const struct likely *l, const char *s, size_t len, struct text *t)
{
    int32_t n;
    while ((n = llama_tokenize(l->vocab, s, (int32_t)len, t->v, (int32_t)t->cap, true, false)) < 0) {
        t->cap = (size_t)-n;
        t->v = ipw_realloc(t->v, t->cap * sizeof *t->v);
    }
    t->n = (size_t)n;
    if (t->n && llama_vocab_get_add_eos(l->vocab) && t->v[t->n - 1] == llama_vocab_eos(l->vocab))
        t->n--; /* the text goes on */
}

/* What a text begins with when it has nothing before it. */
static llama_token opener(const struct likely *l)
{
    llama_token bos = llama_vocab_bos(l->vocab);
    llama_token eos = llama_vocab_eos(l->vocab);
    return bos != LLAMA_TOKEN_NULL ? bos : eos != LLAMA_TOKEN_NULL ? eos : 0;
}

static void open_text(const struct likely *l, struct text *t)
{
    if (t->n == t->cap) {
        t->cap = 2 * t->cap + 1;
        t->v = ipw_realloc(t->v, t->cap * sizeof *t->v);
    }
    memmove(t->v + 1, t->v, t->n * sizeof *t->v);
    t->v[0] = opener(l);
    t->n++;
}

static void grow(struct likely *l, size_t n)
{
    if (n <= l->cap)
        return;
    l->text = ipw_realloc(l->text, n * sizeof *l->text);
    l->out = ipw_realloc(l->out, n * sizeof *l->out);
    memset(l->text + l->cap, 0, (n - l->cap) * sizeof *l->text);
    l->cap = n;
}

/* As many tokens as every text begins with, before any option's first; so many that enough are left behind them in each text.
 * Options of one token leave nothing to be fed. */
static size_t shared_by(const struct likely *l)
{
    size_t n = l->text[0].from;
    for (size_t i = 1; i < l->n; i++) {
        size_t k = 0, most = l->text[i].from < n ? l->text[i].from : n;
        while (k < most && l->text[i].v[k] == l->text[0].v[k])
            k++;
        n = k;
    }
    size_t shortest = l->text[0].n - 1, longest = shortest;
    for (size_t i = 1; i < l->n; i++) {
        shortest = l->text[i].n - 1 < shortest ? l->text[i].n - 1 : shortest;
        longest = l->text[i].n - 1 > longest ? l->text[i].n - 1 : longest;
    }
    if (longest == n)
        return n;
    if (shortest < n + ROWS)
        n = shortest > ROWS ? shortest - ROWS : 0;
    return n < ROWS ? 0 : n;
}

/* Where feeding a text ends: nothing is asked of its last token. One that is fed from its beginning is fed as a whole. */
static size_t end_of(const struct likely *l, const struct text *t)
{
    return t->n - (l->shared > 0);
}

size_t likely_ask(struct likely *l, const char *context, const char *const *options, size_t n)
{
    struct ipw_buf all = IPW_BUF_INIT;
    struct text before = {0};
    size_t len = strlen(context), fed = 0;
    while (len && ipw_isspace((unsigned char)context[len - 1]))
        len--;
    grow(l, n);
    l->n = n;
    tokens_of(l, context, len, &before);
    for (size_t i = 0; i < n; i++) {
        struct text *t = &l->text[i];
        ipw_buf_clear(&all);
        ipw_buf_adds(&all, context);
        ipw_buf_adds(&all, options[i]);
        tokens_of(l, all.s, all.len, t);
        t->from = before.n;
        if (!before.n) {
            open_text(l, t);
            t->from = 1;
        }
        if (t->from >= t->n) /* the last tokens of both became one */
            t->from = t->n - 1;
        l->out[i] = (struct engine_likely){.n_tokens = (int64_t)(t->n - t->from), .greedy = true};
    }
    l->shared = shared_by(l);
    for (size_t i = 0; i < n; i++)
        fed += end_of(l, &l->text[i]) - l->shared;
    l->fed = l->option = l->at = 0;
    ipw_buf_release(&all);
    free(before.v);
    return l->shared + fed;
}

bool likely_fits(const struct likely *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (end_of(l, &l->text[i]) > l->n_ctx)
            return false;
    return true;
}

/* ---- evaluation ---- */

/* Adds the log-probability of a token by the logits of the batch's i-th. */
static void add(struct likely *l, int32_t i, llama_token token, struct engine_likely *to)
{
    const float *x = llama_get_logits_ith(l->ctx, i);
    int n = (int)l->n_vocab, best = engine_argmax(x, n);
    double p = (double)x[token] - (double)x[best] - log(engine_sum_exp(x, n, x[best]));
    to->ll += p;
    to->worst = p < to->worst ? p : to->worst;
    to->greedy = to->greedy && best == token;
}

static void put(struct likely *l, llama_token token, size_t pos, size_t seq, bool output)
{
    struct llama_batch *b = &l->batch;
    int32_t i = b->n_tokens++;
    b->token[i] = token;
    b->pos[i] = (llama_pos)pos;
    b->n_seq_id[i] = 1;
    b->seq_id[i][0] = (llama_seq_id)seq;
    b->logits[i] = output;
}

/* What all have in common; its last token tells how each option may begin. */
static int feed_shared(struct likely *l)
{
    l->batch.n_tokens = 0;
    for (; l->fed < l->shared && (size_t)l->batch.n_tokens < l->n_batch; l->fed++)
        put(l, l->text[0].v[l->fed], l->fed, 0, l->fed + 1 == l->shared);
    int rc = llama_decode(l->ctx, l->batch);
    for (size_t i = 0; i < l->n && !rc && l->fed == l->shared; i++)
        if (l->text[i].from == l->shared)
            add(l, l->batch.n_tokens - 1, l->text[i].v[l->shared], &l->out[i]);
    return rc;
}

/* The next tokens of an option, on a copy of the shared state. One option after another and nothing else in the batch: so a
 * value is the same to the last bit whatever it is asked together with. */
static int feed_option(struct likely *l)
{
    const struct text *t = &l->text[l->option];
    size_t from = l->at, outputs = 0;
    if (from == l->shared && from)
        llama_memory_seq_cp(llama_get_memory(l->ctx), 0, 1, -1, -1);
    l->batch.n_tokens = 0;
    for (; l->at < end_of(l, t) && l->at - from < l->n_batch && outputs < l->n_outputs; l->at++) {
        bool counts = l->at + 1 >= t->from && l->at + 1 < t->n;
        put(l, t->v[l->at], l->at, 1, counts);
        outputs += counts;
    }
    int rc = llama_decode(l->ctx, l->batch);
    for (size_t i = from; i < l->at && !rc; i++)
        if (i + 1 >= t->from && i + 1 < t->n)
            add(l, (int32_t)(i - from), t->v[i + 1], &l->out[l->option]);
    return rc;
}

/* Options of which nothing is left to be fed are done. */
static bool next_option(struct likely *l)
{
    while (l->option < l->n && l->at >= end_of(l, &l->text[l->option])) {
        llama_memory_seq_rm(llama_get_memory(l->ctx), 1, -1, -1);
        l->option++;
        l->at = l->shared;
    }
    return l->option < l->n;
}

int likely_step(struct likely *l)
{
    int rc = 0;
    if (l->fed < l->shared)
        rc = feed_shared(l);
    else if (next_option(l))
        rc = feed_option(l);
    l->at = l->at < l->shared ? l->shared : l->at;
    if (rc)
        return rc == 1 ? -1 : rc; /* 1: no room in the cache */
    return l->fed < l->shared || next_option(l);
}

const struct engine_likely *likely_result(const struct likely *l, size_t *n)
{
    *n = l->n;
    return l->out;
}
