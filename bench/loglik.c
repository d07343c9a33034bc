/* Log-likelihoods of options by plain llama.cpp calls, each option evaluated from nothing, against those of the engine, which
 * evaluates the context once: the largest difference per token, and questions per second of both.
 * Usage: bench_loglik MODEL.gguf QUESTIONS.jsonl [loglik|letters|perplexity] [N] [THREADS] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <llama.h>

#include "dataset/dataset.h"
#include "engine/engine.h"

enum { CTX = 4096 };

static double now_s(void)
{
    return (double)ipw_now(&ipw_env_host) * 1e-9;
}

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_loglik: %s\n", what);
    exit(2);
}

/* ---- from nothing ---- */

struct plain {
    struct llama_model *model;
    struct llama_context *ctx;
    const struct llama_vocab *vocab;
};

static int tokens(const struct plain *p, const char *text, size_t len, llama_token out[CTX])
{
    int n = llama_tokenize(p->vocab, text, (int32_t)len, out, CTX, true, false);
    if (n < 0)
        die("a text is too long");
    return n;
}

static double log_p(const float *x, int n, int token)
{
    double top = -INFINITY, sum = 0;
    for (int i = 0; i < n; i++)
        top = fmax(top, (double)x[i]);
    for (int i = 0; i < n; i++)
        sum += exp((double)x[i] - top);
    return (double)x[token] - top - log(sum);
}

static double from_nothing(const struct plain *p, const char *context, const char *option, int *n_tokens)
{
    static llama_token t[CTX + 1], c[CTX];
    size_t len = strlen(context), kept = len;
    char *all = malloc(len + strlen(option) + 1);
    memcpy(all, context, len);
    memcpy(all + len, option, strlen(option) + 1);
    while (kept && strchr(" \t\r\n\v\f", context[kept - 1]))
        kept--;
    int from = tokens(p, context, kept, c), n = tokens(p, all, strlen(all), t);
    free(all);
    if (from == 0) {
        memmove(t + 1, t, (size_t)n * sizeof *t);
        t[0] = llama_vocab_bos(p->vocab) >= 0 ? llama_vocab_bos(p->vocab) : llama_vocab_eos(p->vocab);
        n++;
        from = 1;
    }
    llama_memory_clear(llama_get_memory(p->ctx), true);
    struct llama_batch b = llama_batch_init(n, 0, 1);
    for (int i = 0; i < n; i++) {
        b.token[i] = t[i];
        b.pos[i] = i;
        b.n_seq_id[i] = 1;
        b.seq_id[i][0] = 0;
        b.logits[i] = i + 1 >= from && i + 1 < n;
    }
    b.n_tokens = n;
    if (llama_decode(p->ctx, b))
        die("llama_decode failed");
    double ll = 0;
    for (int i = from; i < n; i++)
        ll += log_p(llama_get_logits_ith(p->ctx, i - 1), llama_vocab_n_tokens(p->vocab), t[i]);
    llama_batch_free(b);
    *n_tokens = n - from;
    return ll;
}

/* ---- the engine ---- */

static void by_engine(const struct engine_ops *ops, struct engine *e, const struct dataset_options *o, double *ll, int64_t *n)
{
    static uint32_t id;
    struct engine_event ev[8];
    struct ipw_err err;
    struct engine_req req = {.id = ++id, .context = o->context, .options = o->v, .n_options = o->n};
    if (ops->submit(e, &req, &err))
        die(err.text);
    for (;;) {
        int k = ops->poll(e, 0, ev, 8, &err);
        if (k < 0)
            die(err.text);
        if (k && ev[k - 1].kind == ENGINE_END) {
            if (!ev[k - 1].likely)
                die(ev[k - 1].reason);
            for (size_t i = 0; i < o->n; i++) {
                ll[i] = ev[k - 1].likely[i].ll;
                n[i] = ev[k - 1].likely[i].n_tokens;
            }
            return;
        }
    }
}

int main(int argc, char **argv)
{
    if (argc < 3)
        die("MODEL.gguf QUESTIONS.jsonl [loglik|letters|perplexity] [N] [THREADS]");
    enum dataset_asking how;
    struct ipw_err err;
    struct dataset *d;
    if (!dataset_asking_find(argc > 3 ? argv[3] : "loglik", &how) || how == DATASET_ANSWER)
        die("loglik, letters or perplexity is needed");
    if (dataset_open(&d, argv[2], &(struct dataset_cfg){0}, &err))
        die(err.text);
    size_t n = argc > 4 ? (size_t)strtoul(argv[4], NULL, 10) : d->n;
    int threads = argc > 5 ? (int)strtol(argv[5], NULL, 10) : 1;
    n = n < d->n ? n : d->n;

    const struct engine_ops *ops = engine_find("llama");
    struct engine *e;
    struct engine_cfg cfg = {.model = argv[1], .options = true, .ctx = CTX, .threads = threads, .gpu_layers = 0,
                             .top_p = 1};
    if (ops->open(&e, &ipw_env_host, &cfg, &err))
        die(err.text);

    struct plain p = {0};
    struct llama_model_params mp = llama_model_default_params();
    mp.n_gpu_layers = 0;
    mp.use_extra_bufts = false; /* as the engine, for the same reason */
    p.model = llama_model_load_from_file(argv[1], mp);
    struct llama_context_params cp = llama_context_default_params();
    cp.n_ctx = cp.n_batch = CTX;
    cp.n_threads = cp.n_threads_batch = threads;
    cp.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    p.ctx = p.model ? llama_init_from_model(p.model, cp) : NULL;
    if (!p.ctx)
        die("cannot load the model");
    p.vocab = llama_model_get_vocab(p.model);

    double shared_s = 0, plain_s = 0, worst = 0, sum = 0;
    size_t options = 0, differ = 0, flips = 0;
    for (size_t i = 0; i < n; i++) {
        struct ipw_arena arena = {0};
        struct dataset_options o;
        struct json_doc *doc;
        double ll[DATASET_OPTIONS_MAX], ref[DATASET_OPTIONS_MAX];
        int64_t count[DATASET_OPTIONS_MAX];
        if (json_read(&doc, d->v[i].record, d->v[i].record_len, 0, &err) || !dataset_options(json_root(doc), how, &arena, &o))
            die("a record has no choices");
        if (!i)
            by_engine(ops, e, &o, ll, count); /* warm */
        double t0 = now_s();
        by_engine(ops, e, &o, ll, count);
        double t1 = now_s();
        int k, best = 0, best_ref = 0;
        for (size_t j = 0; j < o.n; j++) {
            ref[j] = from_nothing(&p, o.context, o.v[j], &k);
            double off = fabs(ref[j] - ll[j]) / k;
            differ += k != count[j];
            worst = fmax(worst, off);
            sum += off;
            best = ll[j] > ll[best] ? (int)j : best;
            best_ref = ref[j] > ref[best_ref] ? (int)j : best_ref;
        }
        double t2 = now_s();
        flips += best != best_ref;
        options += o.n;
        shared_s += t1 - t0;
        plain_s += t2 - t1;
        json_doc_free(doc);
        ipw_arena_release(&arena);
    }
    printf("%zu questions, %zu options; tokens counted otherwise: %zu; another likeliest: %zu\n", n, options, differ, flips);
    printf("difference per token: largest %.3g, mean %.3g\n", worst, sum / (double)options);
    printf("questions/s: %.2f with one state, %.2f from nothing (%.2f times)\n", (double)n / shared_s, (double)n / plain_s,
           plain_s / shared_s);
    ops->close(e);
    llama_free(p.ctx);
    llama_model_free(p.model);
    dataset_close(d);
    return worst > 1e-4 || differ;
}
