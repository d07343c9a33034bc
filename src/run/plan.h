/* The plan of a run: everything that decides what is asked and how. Stored as JSON in run.db (meta.plan), so that
 * --resume needs nothing but the folder. */
#ifndef IPW_RUN_PLAN_H
#define IPW_RUN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { RUN_MAX_TOKENS_DEFAULT = 2048, RUN_SAMPLES_MAX = 1000, RUN_UNSET = -1 };

struct run_plan { /* strings are owned */
    char *engine, *model, *dataset, *system, *energy;
    char *template_file, *shots_from; /* NULL: our templates; the examples of the set itself */
    int64_t shots;                    /* examples before each question */
    char *wording; /* which texts these were: a file that changed behind its name is found out */
    char *scoring; /* as dataset_asking_name; NULL: "answer" */
    char *model_name; /* the printed name that model was asked for by ("ollama:qwen3:4b"); NULL: its path */
    char *baseline, *devices, *include; /* devices, include: NULL as struct meter_cfg */
    int64_t max_queries; /* 0: all */
    int64_t prompt_length, num_samples; /* fixed_length; 0: its defaults */
    int64_t samples;                    /* answers to each question; 1 */
    int64_t shard, shards;              /* of the selected questions, those at positions = shard mod shards */
    int64_t seed;
    int64_t warmup;
    int64_t max_tokens; /* RUN_UNSET: the record's, else RUN_MAX_TOKENS_DEFAULT */
    double temperature, top_p;
    int64_t top_k, ctx, threads, gpu_layers;
    bool no_chat_template, ignore_eos;
    /* of engines that ask a server */
    char *base_url, *endpoint, *extra_body, *keep_alive, *ca_file;
    char *api_key_env; /* name of the variable that holds the key: the key itself is nowhere */
    char *headers;     /* JSON array of "Name: value"; ${NAME} in a value stands for that variable */
    char *tokenizer;   /* GGUF file whose vocabulary counts tokens that the server does not count; NULL: pieces are counted */
    char *serve;       /* the command of a server that the run starts; NULL: none */
    bool no_stream;
    double timeout_s, connect_timeout_s;
    int64_t retries; /* of a request that the server refused or dropped, each an attempt of its own; 0 */
    /* load */
    int64_t concurrency;   /* RUN_UNSET: 1, or what an open loop needs */
    int64_t request_count; /* requests in all, going through the questions again; 0: each once */
    double request_rate;   /* per second; 0: a closed loop */
    char *arrival;         /* "poisson", "constant", "trace"; NULL: poisson with a rate */
    double speed, ramp_s;
    double duration_s;     /* stop asking after; 0: when all is asked */
};

void run_plan_init(struct run_plan *p); /* the defaults */
void run_plan_release(struct run_plan *p);

char *run_plan_json(const struct run_plan *p);              /* one line; caller frees */
/* "qwen3:4b" of a model that was asked for by such a name and lies in a file without one (a blob); else NULL. */
const char *run_plan_blob_name(const struct run_plan *p);

/* A word for the model in a folder's name. */
void run_plan_model_word(const struct run_plan *p, char *out, size_t size);

void run_plan_hash(const struct run_plan *p, char hex[65]); /* SHA-256 of that line */
int run_plan_from_json(struct run_plan *p, const char *json, struct ipw_err *err);

#endif
