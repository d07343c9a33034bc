/* The options of ipw profile as one table: for flags, settings file, presets and studies. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/profile.h"
#include "run/study.h"

void profile_init(struct profile *p, struct cli *cli)
{
    *p = (struct profile){.cli = cli, .output_dir = ipw_strdup("runs"), .format = ipw_strdup("table"), .repeat = 1};
    run_plan_init(&p->plan);
}

void profile_release(struct profile *p)
{
    if (p->engine)
        p->ops->close(p->engine);
    server_stop(&p->server);
    tokenizer_close(p->tokenizer);
    meter_close(p->meter);
    proc_watch_free(atomic_load(&p->watched));
    store_close(p->store);
    dataset_wording_release(&p->wording);
    dataset_close(p->data);
    run_todo_release(&p->todo);
    run_segment_release(&p->segment);
    run_plan_release(&p->plan);
    option_list_release(&p->models);
    option_list_release(&p->datasets);
    option_list_release(&p->labels);
    option_list_release(&p->header_flags);
    option_list_release(&p->concurrencies);
    for (size_t i = 0; p->headers && p->headers[i]; i++)
        free(p->headers[i]);
    free(p->headers);
    char *const texts[] = {p->output_dir, p->resume, p->shard, p->format, p->preset, p->api_key};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
}

size_t profile_options(struct profile *p, struct option opt[PROFILE_MAX_OPTIONS], size_t *resume)
{
    struct run_plan *plan = &p->plan;
    /* up to `resume`: what the plan of a run says, and --resume therefore takes from it */
    const struct option rows[] = {
        {"model", NULL, 'm', OPTION_LIST, &p->models, 0, 0, "MODEL", "GGUF file, or name as listed; again for more", false},
        {"preset", NULL, 0, OPTION_TEXT, &p->preset, 0, 0, "NAME|FILE", "settings by name: quick, paper", false},
        {"label", NULL, 0, OPTION_LIST, &p->labels, 0, 0, "KEY=VALUE", "a column of the results; again for more", false},
        {"blocks", NULL, 0, OPTION_INT, &p->blocks, 1, 1000, "N", "of several runs: parts taken in turns (auto)", false},
        {"dataset", NULL, 0, OPTION_LIST, &p->datasets, 0, 0, "NAME|FILE", "starter, fixed_length, or JSONL (starter)", false},
        {"repeat", NULL, 0, OPTION_INT, &p->repeat, 1, 1000, "R", "so many runs, labelled repeat=1 to R (1)", false},
        {"max-queries", "limit", 'n', OPTION_INT, &plan->max_queries, 1, 1e9, "N", "only the first N questions", false},
        {"samples", NULL, 0, OPTION_INT, &plan->samples, 1, RUN_SAMPLES_MAX, "K", "answers to each question, by other seeds (1)", false},
        {"shard", NULL, 0, OPTION_TEXT, &p->shard, 0, 0, "i/N", "only part i (from 0) of N", false},
        {"seed", "random-seed", 0, OPTION_INT, &plan->seed, 0, 9e15, "N", "order of questions, sampling (0)", false},
        {"scoring", NULL, 0, OPTION_TEXT, &plan->scoring, 0, 0, "HOW", "answer, loglik, letters or perplexity (answer)", false},
        {"template", NULL, 0, OPTION_TEXT, &plan->template_file, 0, 0, "FILE", "your prompt, with {question} {choices} ...", false},
        {"shots", "num-fewshot", 0, OPTION_INT, &plan->shots, 0, WORDING_SHOTS_MAX, "N", "answered examples before each question (0)", false},
        {"shots-from", NULL, 0, OPTION_TEXT, &plan->shots_from, 0, 0, "FILE", "their JSONL (the set's own, where it has some)", false},
        {"engine", "client", 0, OPTION_TEXT, &plan->engine, 0, 0, "NAME", "what answers: llama, openai or ollama (llama)", false},
        {"client-base-url", "base-url", 0, OPTION_TEXT, &plan->base_url, 0, 0, "URL", "the server, as http://HOST:PORT/v1", false},
        {"serve", NULL, 0, OPTION_TEXT, &plan->serve, 0, 0, "'CMD'", "start that server for the run, stop it after", false},
        {"endpoint-type", NULL, 0, OPTION_TEXT, &plan->endpoint, 0, 0, "WHICH", "chat or completions (chat)", false},
        {"no-stream", NULL, 0, OPTION_FLAG, &plan->no_stream, 0, 0, NULL, "take each answer in one piece", false},
        {"api-key-env", NULL, 0, OPTION_TEXT, &plan->api_key_env, 0, 0, "NAME", "the variable that holds the server's key", false},
        {"header", NULL, 'H', OPTION_LIST, &p->header_flags, 0, 0, "'N: V'", "sent along; ${NAME} is that variable", false},
        {"extra-body", "extra-inputs", 0, OPTION_TEXT, &plan->extra_body, 0, 0, "JSON", "put into every request; null takes out", false},
        {"cacert", NULL, 0, OPTION_TEXT, &plan->ca_file, 0, 0, "FILE", "certificates to trust instead of the system's", false},
        {"tokenizer", NULL, 0, OPTION_TEXT, &plan->tokenizer, 0, 0, "GGUF", "counts tokens when the server does not", false},
        {"timeout", "request-timeout-seconds", 0, OPTION_REAL, &plan->timeout_s, 0.001, 1e6, "S", "of a request (600)", false},
        {"connect-timeout", NULL, 0, OPTION_REAL, &plan->connect_timeout_s, 0.001, 1e4, "S", "of a connection (10)", false},
        {"retries", NULL, 0, OPTION_INT, &plan->retries, 0, 20, "N", "when refused or dropped; each is an attempt (0)", false},
        {"keep-alive", NULL, 0, OPTION_TEXT, &plan->keep_alive, 0, 0, "TIME", "ollama: the model stays loaded, as 10m", false},
        {"concurrency", "max-concurrency", 0, OPTION_LIST, &p->concurrencies, 0, 0, "N", "requests in flight; 1,2,4 is a sweep (1)", false},
        {"request-count", "num-requests", 0, OPTION_INT, &plan->request_count, 0, 1e9, "N", "requests in all, questions again and again", false},
        {"duration", "benchmark-duration", 0, OPTION_REAL, &plan->duration_s, 0, 1e7, "S", "ask for so long, again and again", false},
        {"request-rate", NULL, 0, OPTION_REAL, &plan->request_rate, 0, 1e6, "R", "requests per second, whatever the server does", false},
        {"arrival", "request-rate-mode", 0, OPTION_TEXT, &plan->arrival, 0, 0, "KIND", "poisson, constant or trace (poisson)", false},
        {"speed", NULL, 0, OPTION_REAL, &plan->speed, 1e-6, 1e6, "X", "a trace X times as fast (1)", false},
        {"ramp", NULL, 0, OPTION_REAL, &plan->ramp_s, 0, 1e6, "S", "the load grows over S seconds (0)", false},
        {"energy", NULL, 0, OPTION_TEXT, &plan->energy, 0, 0, "MODE", "auto, measured, estimated, none (auto)", false},
        {"baseline", NULL, 0, OPTION_TEXT, &plan->baseline, 0, 0, "KIND", "idle watts: auto, quick, full, none (auto)", false},
        {"devices", NULL, 0, OPTION_TEXT, &plan->devices, 0, 0, "LIST", "GPUs that take part: index, UUID, PCI id", false},
        {"include", NULL, 0, OPTION_TEXT, &plan->include, 0, 0, "IDS", "channels that belong to the total", false},
        {"system", NULL, 0, OPTION_TEXT, &plan->system, 0, 0, "TEXT", "system prompt", false},
        {"no-chat-template", NULL, 0, OPTION_FLAG, &plan->no_chat_template, 0, 0, NULL, "send prompts as they are", false},
        {"max-tokens", NULL, 0, OPTION_INT, &plan->max_tokens, 1, 1e7, "N", "per answer (the record's, else 2048)", false},
        {"temperature", NULL, 0, OPTION_REAL, &plan->temperature, 0, 100, "X", "0 takes the likeliest token (0)", false},
        {"top-p", NULL, 0, OPTION_REAL, &plan->top_p, 0, 1, "X", "nucleus sampling (1: off)", false},
        {"top-k", NULL, 0, OPTION_INT, &plan->top_k, 0, 1e6, "N", "only the N likeliest tokens (0: off)", false},
        {"ignore-eos", NULL, 0, OPTION_FLAG, &plan->ignore_eos, 0, 0, NULL, "always write max-tokens tokens", false},
        {"ctx", NULL, 0, OPTION_INT, &plan->ctx, 16, 1e8, "N", "context in tokens (the model's, at most 4096)", false},
        {"threads", NULL, 't', OPTION_INT, &plan->threads, 1, 4096, "N", "CPU threads (one per core)", false},
        {"gpu-layers", NULL, 0, OPTION_INT, &plan->gpu_layers, 0, 1e6, "N", "layers on the GPU (all that fit)", false},
        {"warmup-request-count", NULL, 0, OPTION_INT, &plan->warmup, 0, 1e6, "N", "asked first, not counted (1)", false},
        {"prompt-length", NULL, 0, OPTION_INT, &plan->prompt_length, 1, 1e6, "N", "fixed_length: tokens of a prompt (100)", false},
        {"num-samples", NULL, 0, OPTION_INT, &plan->num_samples, 1, 1e7, "N", "fixed_length: prompts (8)", false},
        {"resume", NULL, 0, OPTION_TEXT, &p->resume, 0, 0, "RUN", "go on with a run or study that was cut off", false},
        {"retry-errors", NULL, 0, OPTION_FLAG, &p->retry_errors, 0, 0, NULL, "with --resume: ask failed ones again", false},
        {"allow-other-machine", NULL, 0, OPTION_FLAG, &p->other_machine, 0, 0, NULL, "with --resume: on other hardware", false},
        {"pull", NULL, 0, OPTION_FLAG, &p->pull, 0, 0, NULL, "ollama: get the model if the server has it not", false},
        {"output-dir", "output_path", 0, OPTION_TEXT, &p->output_dir, 0, 0, "DIR", "where run folders go (runs)", false},
        {"allow-failures", NULL, 0, OPTION_INT, &p->allow_failures, 0, 1e9, "N", "exit 0 with up to N failed (0)", false},
        {"allow-missing", NULL, 0, OPTION_FLAG, &p->allow_missing, 0, 0, NULL, "IPJ though many joules are missing", false},
        {"watch", NULL, 0, OPTION_FLAG, &p->watch, 0, 0, NULL, "draw power, tokens/s and the question as it runs", false},
        {"output", NULL, 'o', OPTION_TEXT, &p->format, 0, 0, "FORMAT", "table or json (table)", false},
    };
    const size_t n = sizeof rows / sizeof rows[0];
    _Static_assert(sizeof rows / sizeof rows[0] <= PROFILE_MAX_OPTIONS, "room for every option");
    memcpy(opt, rows, sizeof rows);
    for (*resume = 0; strcmp(opt[*resume].name, "resume") != 0;)
        ++*resume;
    return n;
}

void profile_split(struct option_list *l)
{
    struct option_list out = {0};
    for (size_t i = 0; i < l->n; i++) {
        const char *s = l->v[i];
        if (fs_exists(s)) { /* a comma in a file's name */
            option_list_add(&out, s);
            continue;
        }
        for (const char *end; *s; s = *end ? end + 1 : end) {
            end = s + strcspn(s, ",");
            char *part = ipw_strndup(s, (size_t)(end - s));
            if (*part)
                option_list_add(&out, part);
            free(part);
        }
    }
    option_list_release(l);
    *l = out;
}

/* ---- labels ---- */

struct labels {
    struct json_out *o;
    json_node *obj;
    struct option_list seen;
};

static int put(struct labels *l, const char *key, const char *value, struct ipw_err *err)
{
    for (size_t i = 0; i < l->seen.n; i++)
        if (!strcmp(l->seen.v[i], key))
            return ipw_err_set(err, IPW_E_USAGE, "label '%s' is given twice; leave one out", key);
    option_list_add(&l->seen, key);
    json_put_str(l->o, l->obj, key, value);
    return 0;
}

static int put_flag(struct labels *l, const char *text, struct ipw_err *err)
{
    const char *equals = strchr(text, '=');
    char *key = ipw_strndup(text, equals ? (size_t)(equals - text) : 0);
    int rc = study_label_ok(key) ? put(l, key, equals + 1, err)
                                 : ipw_err_set(err, IPW_E_USAGE,
                                               "'--label %.80s': KEY=VALUE is needed; the key, of small letters, digits "
                                               "and _, becomes a column", text);
    free(key);
    return rc;
}

int profile_labels(const struct option_list *flags, const json_val *label, int64_t repeat, char **json,
                   struct ipw_err *err)
{
    struct labels l = {.o = json_out_new()};
    int rc = 0;
    l.obj = json_new_obj(l.o);
    for (size_t i = 0; i < flags->n && !rc; i++)
        rc = put_flag(&l, flags->v[i], err);
    for (struct json_iter it = json_iter(label); !rc && json_next(&it);) {
        char *text = json_str(it.val) ? ipw_strdup(json_str(it.val)) : json_print(it.val);
        rc = put(&l, it.key, text, err);
        free(text);
    }
    if (repeat && !rc) {
        char text[24];
        snprintf(text, sizeof text, "%lld", (long long)repeat);
        rc = put(&l, "repeat", text, err);
    }
    *json = rc ? NULL : json_write(l.o, l.obj, false);
    json_out_free(l.o);
    option_list_release(&l.seen);
    return rc;
}
