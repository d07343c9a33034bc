/* Engines: what answers questions. Event-shaped, so that one runner serves one question at a time and a
 * thousand streams. To add one: write src/engine/<name>.c ending in one `const struct engine_ops`, add a row in
 * registry.c (docs/add-an-engine.md). Used by one thread (work), but for engine_abort. */
#ifndef IPW_ENGINE_ENGINE_H
#define IPW_ENGINE_ENGINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/status.h"

struct engine;

/* LOGPROBS: of any text behind another; LETTERS: of the likeliest next tokens alone. */
enum { ENGINE_LOGPROBS = 1, ENGINE_SHARED_KV = 2, ENGINE_SERVER_TIMINGS = 4, ENGINE_REMOTE = 8, ENGINE_LETTERS = 16 };

struct engine_device {
    char key[64];  /* "cpu", or a PCI bus id */
    char name[128];
    char kind[16]; /* "cpu", "gpu", "accel" */
    bool computes; /* holds repeating layers, the output layer or KV */
};

/* For engines that ask a server. */
struct engine_http {
    const char *base_url;    /* what stands before /chat/completions; NULL: the engine's usual one */
    const char *endpoint;    /* "chat", "completions" */
    const char *api_key;     /* never stored, printed or logged; NULL: none */
    const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
    const char *extra_body;  /* a JSON object whose members go into every request; NULL */
    const char *ca_file;     /* certificates to trust instead of the system's; NULL */
    const char *keep_alive;  /* ollama: how long the model stays loaded; NULL: the server's default */
    bool no_stream, pull;
    double timeout_s, connect_timeout_s; /* of a request from sending to its end; of a connection */
    int64_t streams;         /* most requests in flight */
    /* What the server computes on, as `devices` of the engine; NULL or none: it is not known. */
    int (*devices)(void *ud, struct engine_device *out, int cap);
    void *ud;
};

struct engine_cfg {
    const char *model;      /* path (llama), or the name the server knows it by */
    struct engine_http http;
    const char *system;     /* system prompt; NULL: none of ours */
    bool no_chat_template;
    bool ignore_eos;
    double temperature, top_p;
    int64_t top_k;          /* 0: off */
    uint64_t seed;
    bool options;           /* requests come with options */
    int64_t ctx;            /* tokens; 0: the model's own, at most 4096 */
    int64_t threads;        /* 0: all online CPUs */
    int64_t gpu_layers;     /* -1: all that fit */
    const _Atomic int *stop; /* open gives up with IPW_E_INTERRUPTED once this is not 0; NULL: never */
};

struct engine_message {
    const char *role, *content;
};

struct engine_req {
    uint32_t id; /* caller's; events carry it */
    const struct engine_message *messages;
    size_t n_messages;
    int64_t max_tokens;
    uint64_t seed; /* of this query: used when temperature > 0 */
    /* Instead of an answer to messages: how likely each option is behind the context, word for word, without a chat
     * template. Such a request has neither FIRST nor TOKEN. */
    const char *context;
    const char *const *options;
    size_t n_options; /* 0: an answer is asked for */
};

/* The log-probability of an option: the sum of its tokens'. */
struct engine_likely {
    double ll, worst; /* natural logarithms; worst: the least likely token's */
    int64_t n_tokens; /* whose probabilities are in it */
    bool greedy;      /* the model itself would have written it */
};

#define ENGINE_UNKNOWN INT64_MIN /* of counts and times; the same as STORE_NULL */

enum engine_event_kind { ENGINE_SENT, ENGINE_FIRST, ENGINE_TOKEN, ENGINE_END };

/* t_ns is ipw_now() at the instant. FIRST comes with the first token (of any kind), before its TOKEN event. text of
 * TOKEN: bytes decoded by this token (of a server: of this piece, one token or several), whole UTF-8 sequences only, may be
 * empty; valid until the next poll or submit. A server's answer that came in one piece has no FIRST. */
struct engine_event {
    enum engine_event_kind kind;
    uint32_t id;
    int64_t t_ns;
    const char *text;
    size_t len;
    bool thinking; /* FIRST, TOKEN: reasoning that the server keeps apart from the answer */
    /* END only */
    enum query_status status;
    const char *reason; /* static: "prompt_too_long", "interrupted", ...; NULL when ok */
    const char *stop;   /* static: "eos", "length", "abort"; NULL when there was none */
    int64_t n_in, n_cached, n_out;
    int64_t n_reason;         /* of n_out; ENGINE_UNKNOWN, as may be every count here */
    const char *token_source; /* static: "engine", "usage", "chunks"; NULL: not counted */
    const char *detail;       /* what went wrong, for people; valid like text; NULL */
    int64_t load_ns, prompt_ns, decode_ns; /* the server's own word */
    int64_t retry_after_s;    /* -1: not said */
    const struct engine_likely *likely; /* of each option, valid like text; NULL: not asked for, or it failed */
    size_t n_likely;
    const char *prompt; /* as sent, after the chat template; valid until the next poll */
    size_t prompt_len;
};

/* What is known about the model; text is owned by the engine. Unknown: NULL or -1. */
struct engine_model {
    const char *name, *arch, *quant, *fingerprint, *chat_template; /* "jinja", "none" */
    int64_t params_total, params_active, bytes, n_layer, n_ctx_train, n_ctx, n_expert, n_expert_used;
    int64_t n_vocab, threads;
};

/* What an engine of this build can compute with on this machine. */
enum { ENGINE_HERE_DEVICES = 16 };
struct engine_here {
    char backends[160];    /* compiled in: "CUDA, CPU" */
    char cpu_variant[512]; /* as cpu_variant below; "" not known */
    struct engine_gpu {
        char name[128];
        int64_t free_bytes, total_bytes;
    } gpu[ENGINE_HERE_DEVICES];
    int n;
    struct ipw_err problem; /* why this build cannot compute on this processor; code 0: it can */
};

struct engine_ops {
    const char *name;
    const char *what;
    const char *verified;
    const char *usual_url; /* where its server is when nobody says; NULL: it needs none */
    uint32_t caps;
    int (*open)(struct engine **out, const struct ipw_env *env, const struct engine_cfg *cfg,
                struct ipw_err *err);
    /* Takes a copy of what it needs; never blocks. */
    int (*submit)(struct engine *e, const struct engine_req *req, struct ipw_err *err);
    /* Does some work, or waits until deadline_ns at most; fills events, returns how many (0: none yet), or a
     * negative IPW_E_ code when the engine cannot go on. */
    int (*poll)(struct engine *e, int64_t deadline_ns, struct engine_event *ev, int cap,
                struct ipw_err *err);
    void (*cancel)(struct engine *e, uint32_t id); /* its END comes with status error, reason "interrupted" */
    void (*abort)(struct engine *e); /* from any thread or a signal handler: makes a running poll return soon */
    int (*devices)(struct engine *e, struct engine_device *out, int cap); /* 0: it is not known what computes */
    const struct engine_model *(*model)(struct engine *e);
    const char *(*build)(struct engine *e);       /* version of the engine; e may be NULL */
    const char *(*cpu_variant)(struct engine *e); /* instruction sets of the CPU kernels; NULL: not known */
    void (*here)(struct engine_here *out); /* (optional) without a model; may wake a GPU's driver */
    void (*close)(struct engine *e);
};

extern const struct engine_ops *const engines[]; /* NULL-terminated */
const struct engine_ops *engine_find(const char *name);

#endif
