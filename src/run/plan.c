#include "run/plan.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "run/machine.h"

enum type { TEXT, INT, REAL, BOOL };

static const struct field {
    const char *key;
    enum type type;
    size_t at;
} fields[] = {
#define F(key, type) {#key, type, offsetof(struct run_plan, key)}
    F(engine, TEXT),         F(model, TEXT),       F(model_name, TEXT),  F(dataset, TEXT),   F(system, TEXT),
    F(template_file, TEXT),  F(shots_from, TEXT),  F(shots, INT),       F(wording, TEXT),
    F(scoring, TEXT),        F(energy, TEXT),         F(baseline, TEXT),    F(devices, TEXT),   F(include, TEXT),
    F(max_queries, INT),  F(prompt_length, INT), F(num_samples, INT), F(samples, INT),
    F(shard, INT),           F(shards, INT),       F(seed, INT),       F(warmup, INT),
    F(max_tokens, INT),      F(temperature, REAL), F(top_p, REAL),     F(top_k, INT),
    F(ctx, INT),             F(threads, INT),      F(gpu_layers, INT), F(no_chat_template, BOOL),
    F(ignore_eos, BOOL),
    F(base_url, TEXT),       F(endpoint, TEXT),    F(extra_body, TEXT),  F(keep_alive, TEXT), F(ca_file, TEXT),
    F(api_key_env, TEXT),    F(headers, TEXT),     F(serve, TEXT),       F(tokenizer, TEXT),
          F(no_stream, BOOL),
    F(timeout_s, REAL),      F(connect_timeout_s, REAL), F(retries, INT), F(concurrency, INT),
    F(request_count, INT),   F(request_rate, REAL), F(arrival, TEXT),    F(speed, REAL),
    F(ramp_s, REAL),         F(duration_s, REAL), 
#undef F
};
enum { N_FIELDS = sizeof fields / sizeof fields[0] };

#define AT(p, f, T) ((T *)(void *)((char *)(p) + (f)->at))
#define GET(p, f, T) (*(T const *)(const void *)((const char *)(p) + (f)->at))

void run_plan_init(struct run_plan *p)
{
    *p = (struct run_plan){
        .engine = ipw_strdup("llama"), .dataset = ipw_strdup("starter"), .energy = ipw_strdup("auto"),
        .baseline = ipw_strdup("auto"),
        .samples = 1, .shards = 1, .seed = 0, .warmup = 1, .max_tokens = RUN_UNSET, .top_p = 1, .gpu_layers = RUN_UNSET,
        .timeout_s = 600, .connect_timeout_s = 10, .concurrency = RUN_UNSET, .speed = 1};
}

void run_plan_release(struct run_plan *p)
{
    for (size_t i = 0; i < N_FIELDS; i++)
        if (fields[i].type == TEXT)
            free(*AT(p, &fields[i], char *));
    *p = (struct run_plan){0};
}

char *run_plan_json(const struct run_plan *p)
{
    struct json_out *o = json_out_new();
    json_node *obj = json_new_obj(o);
    for (const struct field *f = fields; f < fields + N_FIELDS; f++)
        switch (f->type) {
        case TEXT:
            json_put_str(o, obj, f->key, GET(p, f, char *));
            break;
        case INT:
            json_put_int(o, obj, f->key, GET(p, f, int64_t));
            break;
        case REAL:
            json_put_num(o, obj, f->key, GET(p, f, double));
            break;
        case BOOL:
            json_put_bool(o, obj, f->key, GET(p, f, bool));
            break;
        }
    char *s = json_write(o, obj, false);
    json_out_free(o);
    return s;
}

const char *run_plan_blob_name(const struct run_plan *p)
{
    const char *colon = p->model_name && !ipw_ends(p->model, ".gguf") ? strchr(p->model_name, ':') : NULL;
    return colon ? colon + 1 : NULL;
}

void run_plan_model_word(const struct run_plan *p, char *out, size_t size)
{
    const char *name = run_plan_blob_name(p);
    run_model_word(name ? name : p->model, out, size);
}

void run_plan_hash(const struct run_plan *p, char hex[65])
{
    char *s = run_plan_json(p);
    struct fs_sha256 *h = fs_sha256_new();
    fs_sha256_add(h, s, strlen(s));
    fs_sha256_end(h, hex);
    free(s);
}

static bool read_field(struct run_plan *p, const struct field *f, const json_val *v)
{
    switch (f->type) {
    case TEXT:
        if (json_type(v) != JSON_STR && json_type(v) != JSON_NULL)
            return false;
        free(*AT(p, f, char *));
        *AT(p, f, char *) = ipw_strdup(json_str(v));
        return true;
    case INT:
        return json_is_int(v, AT(p, f, int64_t));
    case REAL:
        *AT(p, f, double) = json_num(v);
        return json_type(v) == JSON_NUM;
    case BOOL:
        *AT(p, f, bool) = json_true(v);
        return json_type(v) == JSON_BOOL;
    }
    return false;
}

int run_plan_from_json(struct run_plan *p, const char *json, struct ipw_err *err)
{
    struct json_doc *doc;
    int rc = json_read(&doc, json, strlen(json), 0, err);
    if (rc)
        return ipw_err_wrap(err, "the plan in run.db");
    for (size_t i = 0; i < N_FIELDS && !rc; i++) {
        const json_val *v = json_get(json_root(doc), fields[i].key);
        if (v && !read_field(p, &fields[i], v))
            rc = ipw_err_set(err, IPW_E_INPUT, "the plan in run.db has %s under '%s'; the run was damaged",
                             json_type_name(json_type(v)), fields[i].key);
    }
    json_doc_free(doc);
    if (!rc && (p->shards < 1 || p->shard < 0 || p->shard >= p->shards || p->max_queries < 0 || p->warmup < 0 ||
                p->samples < 1 || p->samples > RUN_SAMPLES_MAX))
        rc = ipw_err_set(err, IPW_E_INPUT, "the plan in run.db asks for shard %lld of %lld, %lld samples; the run was damaged",
                         (long long)p->shard, (long long)p->shards, (long long)p->samples);
    return rc;
}
