#include "engine/llama_likely.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <llama.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/argmax.h"

enum { OUTPUT_BYTES = 128 << 20 }; /* of logits at once: a row is a megabyte where the vocabulary has 262 k words */

struct text { /* context and option as the model reads them */
    llama_token *v;
    size_t n, cap, from; /* from: the option's first token */
};

struct step { /* a token to be fed behind the shared ones */
    llama_token token, then; /* then: what the option goes on with */
    size_t pos, option;
    bool counts; /* `then` is of the option */
};

struct likely {
    struct llama_context *ctx;
    const struct llama_vocab *vocab;
    size_t n_ctx, n_batch, n_vocab, n_outputs, n_seq;
    struct text *text;
    struct engine_likely *out;
    size_t n, cap;
    size_t shared, fed; /* tokens that all texts begin with and no option has; of them in the cache */
    size_t group, next; /* options from group to before next have a copy of them */
    struct step *step;
    size_t n_steps, cap_steps, at;
    struct llama_batch batch;
};

struct likely *likely_new(struct llama_context *ctx)
{
    struct likely *l = ipw_calloc(1, sizeof *l);
    l->ctx = ctx;
    l->vocab = llama_model_get_vocab(llama_get_model(ctx));
    l->n_ctx = llama_n_ctx(ctx);
    l->n_batch = llama_n_batch(ctx);
    l->n_seq = llama_n_seq_max(ctx);
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
    free(l->step);
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

/* One text for all: as many tokens as every one begins with, before any option's first. */
static size_t shared_by(const struct likely *l)
{
    size_t n = l->text[0].from;
    for (size_t i = 1; i < l->n; i++) {
        size_t k = 0, most = l->text[i].from < n ? l->text[i].from : n;
        while (k < most && l->text[i].v[k] == l->text[0].v[k])
            k++;
        n = k;
    }
    return n;
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
        fed += l->text[i].n - 1 - l->shared;
    l->fed = l->group = l->next = l->n_steps = l->at = 0;
    ipw_buf_release(&all);
    free(before.v);
    return l->shared + fed;
}

bool likely_fits(const struct likely *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->text[i].n - 1 > l->n_ctx)
            return false;
    return true;
}

/* ---- evaluation ---- */

/* Adds the log-probability of a token by the logits of the batch's i-th. */
static void add(struct likely *l, int32_t i, llama_token token, struct engine_likely *to)
{
    const float *x = llama_get_logits_ith(l->ctx, i);
    int n = (int)l->n_vocab, best = engine_argmax(x, n);
    double sum = 0;
    for (int k = 0; k < n; k++)
        sum += expf(x[k] - x[best]);
    double p = (double)(x[token] - x[best]) - log(sum);
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

static void queue(struct likely *l, size_t option)
{
    const struct text *t = &l->text[option];
    for (size_t k = l->shared; k + 1 < t->n; k++) {
        IPW_GROW(l->step, l->n_steps, l->cap_steps);
        l->step[l->n_steps++] = (struct step){t->v[k], t->v[k + 1], k, option, k + 1 >= t->from};
    }
}

/* The next options that fit into the cache together, one at least. */
static void next_group(struct likely *l)
{
    llama_memory_t mem = llama_get_memory(l->ctx);
    for (size_t i = l->group; i < l->next; i++)
        llama_memory_seq_rm(mem, (llama_seq_id)(1 + i - l->group), -1, -1);
    l->group = l->next;
    l->n_steps = l->at = 0;
    while (l->next < l->n && 1 + l->next - l->group < l->n_seq) {
        size_t more = l->text[l->next].n - 1 - l->shared;
        if (l->n_steps && l->shared + l->n_steps + more > l->n_ctx)
            break;
        llama_memory_seq_cp(mem, 0, (llama_seq_id)(1 + l->next - l->group), -1, -1);
        queue(l, l->next++);
    }
}

static int feed_group(struct likely *l)
{
    size_t from = l->at, outputs = 0;
    l->batch.n_tokens = 0;
    for (; l->at < l->n_steps && l->at - from < l->n_batch && outputs < l->n_outputs; l->at++) {
        const struct step *s = &l->step[l->at];
        put(l, s->token, s->pos, 1 + s->option - l->group, s->counts);
        outputs += s->counts;
    }
    int rc = llama_decode(l->ctx, l->batch);
    for (size_t i = from; i < l->at && !rc; i++)
        if (l->step[i].counts)
            add(l, (int32_t)(i - from), l->step[i].then, &l->out[l->step[i].option]);
    return rc;
}

int likely_step(struct likely *l)
{
    int rc = l->fed < l->shared ? feed_shared(l) : l->at < l->n_steps ? feed_group(l) : 0;
    if (rc)
        return rc == 1 ? -1 : rc; /* 1: no room in the cache */
    while (l->fed == l->shared && l->at == l->n_steps && l->next < l->n)
        next_group(l);
    return l->fed < l->shared || l->at < l->n_steps;
}

const struct engine_likely *likely_result(const struct likely *l, size_t *n)
{
    *n = l->n;
    return l->out;
}
