/* The in-process engine: libllama, one question at a time, KV cleared between questions. */
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <ggml-cpu.h>
#include <llama.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "engine/about_llama.h"
#include "engine/argmax.h"
#include "engine/chat_template.h"
#include "engine/cpu_level.h"
#include "engine/engine.h"
#include "engine/gguf_info.h"
#include "engine/llama_devices.h"
#include "engine/llama_likely.h"

enum state { IDLE, QUEUED, PREFILL, DECODE, LIKELY };

struct engine {
    const struct ipw_env *env;
    struct llama_model *model;
    struct llama_context *ctx;
    const struct llama_vocab *vocab;
    struct ggml_threadpool *pool;
    struct llama_sampler *sampler; /* NULL at temperature 0: argmax */
    struct chat_template *tmpl;    /* NULL: prompts go in as they are */
    struct gguf_info info;
    struct engine_model facts;
    char model_name[160], quant[32], variant[512];
    bool ignore_eos, on_gpu;
    const char *bos; /* text of the token that the tokenizer puts first by itself; "" if it does not */
    char *system;
    int64_t n_ctx, n_batch;
    _Atomic bool abort;

    /* the request */
    enum state state;
    uint32_t id;
    int64_t max_tokens;
    struct ipw_buf prompt, piece; /* piece: bytes of a UTF-8 sequence that is not complete yet, then one token's */
    char *failed;                 /* why the prompt could not be made */
    llama_token *tokens;
    size_t n_tokens, cap_tokens;
    size_t n_fed, n_out;
    llama_token next;
    size_t tail;
    struct likely *likely; /* NULL: not asked for when it was opened */
    bool compares;         /* this request is about options */
};

/* llama.cpp logs instead of returning reasons: its last error line is kept for our message. */
static struct {
    pthread_mutex_t lock;
    char text[300];
} last_error = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void on_log(enum ggml_log_level level, const char *text, void *ud)
{
    (void)ud;
    if (level != GGML_LOG_LEVEL_ERROR)
        return;
    pthread_mutex_lock(&last_error.lock);
    snprintf(last_error.text, sizeof last_error.text, "%s", text);
    size_t n = strlen(last_error.text);
    while (n && ipw_isspace((unsigned char)last_error.text[n - 1]))
        last_error.text[--n] = '\0';
    pthread_mutex_unlock(&last_error.lock);
}

static bool on_abort(void *ud)
{
    return atomic_load_explicit(&((struct engine *)ud)->abort, memory_order_relaxed);
}

/* Loading a large model takes longer than an interrupted user waits. */
static bool on_load(float progress, void *ud)
{
    const _Atomic int *stop = ud;
    (void)progress;
    return !stop || !atomic_load(stop);
}

/* Threads that do arithmetic: the CPUs this process may use, one per core where SMT is on. */
static int default_threads(const struct ipw_env *env)
{
    char smt[8];
    long n = sysconf(_SC_NPROCESSORS_ONLN);
#ifdef __linux__
    cpu_set_t set;
    if (!sched_getaffinity(0, sizeof set, &set))
        n = CPU_COUNT(&set);
#endif
    if (ipw_env_read(env, "/sys/devices/system/cpu/smt/active", smt, sizeof smt) > 0 && smt[0] == '1' && n > 1)
        n /= 2;
    return n > 0 ? (int)n : 1;
}

static void make_sampler(struct engine *e, const struct engine_cfg *cfg)
{
    if (cfg->temperature <= 0)
        return;
    e->sampler = llama_sampler_chain_init(llama_sampler_chain_default_params());
    if (cfg->top_k > 0)
        llama_sampler_chain_add(e->sampler, llama_sampler_init_top_k((int32_t)cfg->top_k));
    if (cfg->top_p < 1)
        llama_sampler_chain_add(e->sampler, llama_sampler_init_top_p((float)cfg->top_p, 1));
    llama_sampler_chain_add(e->sampler, llama_sampler_init_temp((float)cfg->temperature));
}

static int load_template(struct engine *e, const struct engine_cfg *cfg, struct ipw_err *err)
{
    const char *source = llama_model_chat_template(e->model, NULL);
    e->facts.chat_template = "none";
    e->bos = "";
    if (!source || cfg->no_chat_template)
        return 0;
    llama_token bos = llama_vocab_bos(e->vocab), eos = llama_vocab_eos(e->vocab);
    char why[200];
    e->tmpl = chat_template_new(source, bos >= 0 ? llama_vocab_get_text(e->vocab, bos) : "",
                                eos >= 0 ? llama_vocab_get_text(e->vocab, eos) : "", why, sizeof why);
    if (!e->tmpl)
        return ipw_err_set(err, IPW_E_INPUT,
                           "the chat template of '%s' cannot be read: %s; --no-chat-template asks without it",
                           cfg->model, why);
    e->facts.chat_template = "jinja";
    if (bos >= 0 && llama_vocab_get_add_bos(e->vocab))
        e->bos = llama_vocab_get_text(e->vocab, bos);
    return 0;
}

/* The name people know the model by: the file's, without ".gguf" and the quantisation, which is told beside it. A file
 * of another name (Ollama's blobs) goes by its general.name. */
static void name_model(struct engine *e, const char *path)
{
    const char *base = fs_basename(path);
    size_t n = strlen(base), q = strlen(e->quant);
    if (!ipw_ends(base, ".gguf")) {
        snprintf(e->model_name, sizeof e->model_name, "%s", e->info.name);
        return;
    }
    n -= strlen(".gguf");
    if (n > q + 1 && strchr("-._", base[n - q - 1]) && !strncasecmp(base + n - q, e->quant, q))
        n -= q + 1;
    snprintf(e->model_name, sizeof e->model_name, "%.*s", (int)n, base);
}

static void name_quant(struct engine *e)
{
    const char *type = llama_ftype_name(llama_model_ftype(e->model));
    if (ipw_starts(type, "(guessed) "))
        type += strlen("(guessed) ");
    snprintf(e->quant, sizeof e->quant, "%s", type);
    char *dash = strstr(e->quant, " - ");
    if (dash) { /* "Q4_K - Medium" is what everyone calls Q4_K_M */
        char size = dash[3];
        *dash = '\0';
        size_t n = strlen(e->quant);
        if (n + 3 < sizeof e->quant && strchr("SML", size))
            snprintf(e->quant + n, sizeof e->quant - n, "_%c", size);
    }
}

static void fill_facts(struct engine *e, const char *path)
{
    name_quant(e);
    name_model(e, path);
    e->facts.name = e->model_name;
    e->facts.arch = e->info.arch;
    e->facts.quant = e->quant;
    e->facts.fingerprint = e->info.fingerprint;
    e->facts.params_total = e->info.params_total;
    e->facts.params_active = e->info.params_active;
    e->facts.bytes = e->info.bytes;
    e->facts.n_layer = e->info.n_layer;
    e->facts.n_expert = e->info.n_expert;
    e->facts.n_expert_used = e->info.n_expert_used;
    e->facts.n_ctx_train = llama_model_n_ctx_train(e->model);
    e->facts.n_ctx = e->n_ctx;
    e->facts.n_vocab = llama_vocab_n_tokens(e->vocab);
    e->facts.threads = llama_n_threads(e->ctx);
}

static int load(struct engine *e, const struct engine_cfg *cfg, struct ipw_err *err)
{
    struct llama_model_params mp = llama_model_default_params();
    mp.n_gpu_layers = cfg->gpu_layers >= 0 ? (int32_t)cfg->gpu_layers : llama_devices_layers(&e->info);
    mp.progress_callback = on_load;
    mp.progress_callback_user_data = (void *)(uintptr_t)cfg->stop;
    mp.use_extra_bufts = !cfg->options; /* repacked weights: what a value is depends on its row in the batch */
    last_error.text[0] = '\0';
    e->model = llama_model_load_from_file(cfg->model, mp);
    if (!e->model && !on_load(0, (void *)(uintptr_t)cfg->stop))
        return ipw_err_set(err, IPW_E_INTERRUPTED, "interrupted while the model was loaded; nothing was asked");
    if (!e->model)
        return ipw_err_set(err, IPW_E_INPUT, "cannot load model '%s': %s", cfg->model,
                           *last_error.text ? last_error.text : "llama.cpp gives no reason");
    e->on_gpu = llama_devices_gpu() && mp.n_gpu_layers != 0;
    e->vocab = llama_model_get_vocab(e->model);
    if (llama_vocab_type(e->vocab) == LLAMA_VOCAB_TYPE_NONE || llama_model_has_encoder(e->model) ||
        !llama_model_has_decoder(e->model) || llama_model_is_diffusion(e->model))
        return ipw_err_set(err, IPW_E_INPUT,
                           "'%s' is not a decoder language model; use the GGUF of a chat or base model", cfg->model);

    struct llama_context_params cp = llama_context_default_params();
    int64_t train = llama_model_n_ctx_train(e->model);
    int64_t ctx = cfg->ctx > 0 ? cfg->ctx : train > 0 && train < 4096 ? train : 4096;
    int threads = cfg->threads > 0 ? (int)cfg->threads : default_threads(e->env);
    cp.n_ctx = (uint32_t)ctx;
    cp.n_threads = cp.n_threads_batch = threads;
    if (cfg->options) { /* a sequence for the context, one for an option behind it */
        cp.n_seq_max = 2;
        cp.kv_unified = true;
        cp.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED; /* with it a value depends on the batch it was computed in */
    }
    cp.abort_callback = on_abort;
    cp.abort_callback_data = e;
    e->ctx = llama_init_from_model(e->model, cp);
    if (!e->ctx)
        return ipw_err_set(err, IPW_E_ENV, "no room for a context of %lld tokens: %s; try a smaller --ctx",
                           (long long)ctx, *last_error.text ? last_error.text : "out of memory");
    e->n_ctx = llama_n_ctx(e->ctx);
    e->n_batch = llama_n_batch(e->ctx);
    e->likely = cfg->options ? likely_new(e->ctx) : NULL;

    /* Without OpenMP ggml starts its threads anew for every token unless it is given a pool. */
    struct ggml_threadpool_params tp = ggml_threadpool_params_default(threads);
    e->pool = ggml_threadpool_new(&tp);
    if (!e->pool)
        return ipw_err_set(err, IPW_E_ENV, "cannot start %d threads; try a smaller --threads", threads);
    llama_attach_threadpool(e->ctx, e->pool, NULL);
    return 0;
}

static void llama_close(struct engine *e)
{
    if (!e)
        return;
    likely_free(e->likely);
    if (e->ctx)
        llama_free(e->ctx);
    if (e->pool)
        ggml_threadpool_free(e->pool);
    if (e->model)
        llama_model_free(e->model);
    if (e->sampler)
        llama_sampler_free(e->sampler);
    chat_template_free(e->tmpl);
    ipw_buf_release(&e->prompt);
    ipw_buf_release(&e->piece);
    free(e->tokens);
    free(e->failed);
    free(e->system);
    free(e);
}

static int llama_open(struct engine **out, const struct ipw_env *env, const struct engine_cfg *cfg, struct ipw_err *err)
{
    struct engine *e = ipw_calloc(1, sizeof *e);
    *out = NULL;
    e->env = env;
    e->ignore_eos = cfg->ignore_eos;
    e->system = ipw_strdup(cfg->system);
    ipw_buf_init(&e->prompt);
    ipw_buf_init(&e->piece);
    llama_log_set(on_log, NULL);
    const struct cpu_words cpu = cpu_words_here();
    int rc = cpu_level_check(&cpu, IPW_CPU_LEVEL, err);
    if (rc || (rc = gguf_info_read(&e->info, cfg->model, err)))
        goto fail;
    llama_backend_init();
    if ((rc = load(e, cfg, err)) || (rc = load_template(e, cfg, err)))
        goto fail;
    make_sampler(e, cfg);
    fill_facts(e, cfg->model);
    about_llama_cpu(e->variant, sizeof e->variant);
    ipw_buf_reserve(&e->piece, 4096);
    *out = e;
    return 0;
fail:
    llama_close(e);
    return rc;
}

/* ---- one request ---- */

static char *make_prompt(struct engine *e, const struct engine_req *req)
{
    size_t n = req->n_messages + (e->system ? 1 : 0), k = 0;
    const char **roles = ipw_calloc(n, sizeof *roles), **contents = ipw_calloc(n, sizeof *contents);
    if (e->system) {
        roles[k] = "system";
        contents[k++] = e->system;
    }
    for (size_t i = 0; i < req->n_messages; i++) {
        roles[k] = req->messages[i].role;
        contents[k++] = req->messages[i].content;
    }
    char why[200], *failed = NULL;
    ipw_buf_clear(&e->prompt);
    if (e->tmpl) {
        char *s = chat_template_render(e->tmpl, roles, contents, n, why, sizeof why);
        if (s)
            ipw_buf_adds(&e->prompt, ipw_starts(s, e->bos) ? s + strlen(e->bos) : s);
        else
            failed = ipw_strdup(why);
        free(s);
    } else {
        for (size_t i = 0; i < n; i++) {
            ipw_buf_adds(&e->prompt, i ? "\n\n" : "");
            ipw_buf_adds(&e->prompt, contents[i]);
        }
    }
    free(roles);
    free(contents);
    return failed;
}

static void tokenize(struct engine *e)
{
    for (;;) {
        int32_t n = llama_tokenize(e->vocab, e->prompt.s, (int32_t)e->prompt.len, e->tokens,
                                   (int32_t)e->cap_tokens, true, true);
        if (n >= 0) {
            e->n_tokens = (size_t)n;
            return;
        }
        e->cap_tokens = (size_t)-n;
        e->tokens = ipw_realloc(e->tokens, e->cap_tokens * sizeof *e->tokens);
    }
}

static int llama_submit(struct engine *e, const struct engine_req *req, struct ipw_err *err)
{
    if (e->state != IDLE)
        return ipw_err_set(err, IPW_E_BUG, "the in-process engine answers one question at a time");
    free(e->failed);
    e->failed = NULL;
    if ((e->compares = req->n_options)) {
        if (!e->likely)
            return ipw_err_set(err, IPW_E_BUG, "the engine was not opened for options");
        ipw_buf_clear(&e->prompt);
        ipw_buf_adds(&e->prompt, req->context);
        e->n_tokens = likely_ask(e->likely, req->context, req->options, req->n_options);
    } else {
        e->failed = make_prompt(e, req);
        tokenize(e);
    }
    e->id = req->id;
    e->max_tokens = req->max_tokens;
    e->n_fed = e->n_out = 0;
    e->tail = 0;
    ipw_buf_clear(&e->piece);
    if (e->sampler && !e->compares) {
        /* a fresh random stream per query: its text does not depend on what was asked before */
        int n = llama_sampler_chain_n(e->sampler);
        struct llama_sampler *last = n ? llama_sampler_chain_get(e->sampler, n - 1) : NULL;
        if (last && !strcmp(llama_sampler_name(last), "dist"))
            llama_sampler_free(llama_sampler_chain_remove(e->sampler, n - 1));
        llama_sampler_reset(e->sampler);
        llama_sampler_chain_add(e->sampler, llama_sampler_init_dist((uint32_t)req->seed));
    }
    e->state = QUEUED;
    return 0;
}

static struct engine_event *event(struct engine *e, struct engine_event *ev, enum engine_event_kind kind)
{
    *ev = (struct engine_event){.kind = kind, .id = e->id, .t_ns = ipw_now(e->env)};
    return ev;
}

static int finish(struct engine *e, struct engine_event *ev, enum query_status status, const char *reason,
                  const char *stop)
{
    event(e, ev, ENGINE_END);
    ev->status = status;
    ev->reason = reason;
    ev->stop = stop;
    ev->n_in = (int64_t)e->n_tokens;
    ev->n_cached = 0;
    ev->n_out = (int64_t)e->n_out;
    ev->n_reason = ev->load_ns = ev->prompt_ns = ev->decode_ns = ENGINE_UNKNOWN;
    ev->retry_after_s = -1;
    ev->token_source = "engine";
    ev->prompt = e->prompt.s;
    ev->prompt_len = e->prompt.len;
    if (e->compares && status == QUERY_OK)
        ev->likely = likely_result(e->likely, &ev->n_likely);
    e->state = IDLE;
    return 1;
}

/* The best token that does not end the text. */
static llama_token argmax_no_eog(const struct engine *e, const float *x, int n)
{
    int best = -1;
    for (int i = 0; i < n; i++)
        if ((best < 0 || x[i] > x[best]) && !llama_vocab_is_eog(e->vocab, i))
            best = i;
    return best < 0 ? 0 : best;
}

static llama_token pick(struct engine *e)
{
    float *logits = llama_get_logits_ith(e->ctx, -1);
    int n = (int)e->facts.n_vocab;
    if (e->sampler) {
        if (e->ignore_eos)
            for (int i = 0; i < n; i++)
                if (llama_vocab_is_eog(e->vocab, i))
                    logits[i] = -INFINITY;
        return llama_sampler_sample(e->sampler, e->ctx, -1);
    }
    llama_token t = engine_argmax(logits, n);
    return e->ignore_eos && llama_vocab_is_eog(e->vocab, t) ? argmax_no_eog(e, logits, n) : t;
}

/* Appends the token's bytes and gives out the whole UTF-8 sequences; an unfinished one waits for the next. */
static void add_piece(struct engine *e, struct engine_event *ev, llama_token token)
{
    struct ipw_buf *p = &e->piece;
    if (e->tail)
        memmove(p->s, p->s + p->len - e->tail, e->tail);
    p->len = e->tail;
    int32_t n = llama_token_to_piece(e->vocab, token, p->s + p->len, (int32_t)(p->cap - p->len - 1), 0, false);
    if (n < 0) {
        ipw_buf_reserve(p, (size_t)-n);
        n = llama_token_to_piece(e->vocab, token, p->s + p->len, (int32_t)(p->cap - p->len - 1), 0, false);
    }
    p->len += n > 0 ? (size_t)n : 0;
    p->s[p->len] = '\0';
    e->tail = ipw_utf8_tail(p->s, p->len);
    ev->text = p->s;
    ev->len = p->len - e->tail;
}

static int decode(struct engine *e, llama_token *tokens, size_t n)
{
    int rc = llama_decode(e->ctx, llama_batch_get_one(tokens, (int32_t)n));
    llama_synchronize(e->ctx);
    return rc;
}

/* A failed llama_decode: 2 is our abort, 1 is a full KV cache, negative is an error. */
static int decode_failed(struct engine *e, int rc, struct engine_event *ev)
{
    bool aborted = rc == 2 || on_abort(e);
    atomic_store(&e->abort, false);
    return finish(e, ev, QUERY_ERROR, aborted ? "interrupted" : "decode_failed", "abort");
}

static int start(struct engine *e, struct engine_event *ev)
{
    bool too_long = e->compares ? !likely_fits(e->likely) : (int64_t)e->n_tokens >= e->n_ctx;
    const char *never = e->failed ? "chat_template_failed" : !e->n_tokens ? "prompt_empty" : too_long ? "prompt_too_long" : NULL;
    if (never) {
        e->n_tokens = 0; /* none was fed */
        return finish(e, ev, QUERY_ERROR, never, NULL);
    }
    llama_memory_clear(llama_get_memory(e->ctx), false);
    e->state = e->compares ? LIKELY : PREFILL;
    event(e, ev, ENGINE_SENT);
    return 1;
}

/* After a forward pass: the next token, as FIRST and TOKEN or as END. */
static int emit(struct engine *e, struct engine_event *ev)
{
    int n = 0;
    e->next = pick(e);
    if (llama_vocab_is_eog(e->vocab, e->next))
        return finish(e, ev, e->n_out ? QUERY_OK : QUERY_EMPTY, e->n_out ? NULL : "no_tokens", "eos");
    if (e->n_out == 0)
        event(e, &ev[n++], ENGINE_FIRST);
    e->n_out++;
    add_piece(e, event(e, &ev[n++], ENGINE_TOKEN), e->next);
    bool full = (int64_t)(e->n_tokens + e->n_out) > e->n_ctx;
    if ((int64_t)e->n_out >= e->max_tokens || full)
        n += finish(e, &ev[n], QUERY_TRUNCATED, full ? "context_full" : "max_tokens", "length");
    else
        e->state = DECODE;
    return n;
}

static int llama_poll(struct engine *e, int64_t deadline_ns, struct engine_event *ev, int cap, struct ipw_err *err)
{
    if (cap < 3)
        return -ipw_err_set(err, IPW_E_BUG, "poll needs room for 3 events, has %d", cap);
    int rc;
    switch (e->state) {
    case IDLE:
        e->env->clock->sleep_until(e->env, deadline_ns);
        return 0;
    case QUEUED:
        return start(e, ev);
    case PREFILL: {
        size_t n = e->n_tokens - e->n_fed;
        n = n > (size_t)e->n_batch ? (size_t)e->n_batch : n;
        if ((rc = decode(e, e->tokens + e->n_fed, n)))
            return decode_failed(e, rc, ev);
        e->n_fed += n;
        return e->n_fed < e->n_tokens ? 0 : emit(e, ev);
    }
    case DECODE:
        if ((rc = decode(e, &e->next, 1)))
            return decode_failed(e, rc, ev);
        return emit(e, ev);
    case LIKELY:
        if ((rc = likely_step(e->likely)) < 0 || rc > 1)
            return decode_failed(e, rc, ev);
        return rc ? 0 : finish(e, ev, QUERY_OK, NULL, NULL);
    }
    return 0;
}

static void llama_abort(struct engine *e)
{
    atomic_store(&e->abort, true);
}

static void llama_cancel(struct engine *e, uint32_t id)
{
    if (e->state != IDLE && e->id == id)
        atomic_store(&e->abort, true);
}

static int llama_devices(struct engine *e, struct engine_device *out, int cap)
{
    return llama_devices_list(e->on_gpu, out, cap);
}

static const struct engine_model *llama_facts(struct engine *e)
{
    return &e->facts;
}

static const char *llama_build(struct engine *e)
{
    (void)e;
    static char text[64];
    snprintf(text, sizeof text, "llama.cpp %s", llama_version());
    return text;
}

static const char *llama_variant(struct engine *e)
{
    return e->variant;
}

extern const struct engine_ops engine_llama;
const struct engine_ops engine_llama = {
    .name = "llama",
    .what = "GGUF models in this process, through llama.cpp",
    .caps = ENGINE_LOGPROBS | ENGINE_SHARED_KV,
    .verified = "CPU: hw (x86-64 virtual machine, 2026-11); GPU: not yet run by us",
    .open = llama_open,
    .submit = llama_submit,
    .poll = llama_poll,
    .cancel = llama_cancel,
    .abort = llama_abort,
    .devices = llama_devices,
    .model = llama_facts,
    .build = llama_build,
    .cpu_variant = llama_variant,
    .here = about_llama_here,
    .close = llama_close,
};
