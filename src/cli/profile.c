/* ipw profile: ask a model questions, meter the answers. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "cli/calibration.h"
#include "cli/complete.h"
#include "cli/meter.h"
#include "cli/models.h"
#include "cli/version.h"
#include "cli/watch.h"
#include "report/report.h"
#include "run/baseline.h"
#include "run/estimate.h"
#include "run/finish.h"
#include "run/runner.h"

struct profile {
    struct cli *cli;
    struct run_plan plan;
    char *output_dir, *resume, *shard, *format;
    bool retry_errors, other_machine, allow_missing, watch;
    int64_t allow_failures;

    char dir[PATH_MAX];
    struct run_machine machine;
    struct dataset *data;
    struct meter *meter;
    struct store *store;
    struct engine *engine;
    const struct engine_ops *ops;
    struct run_todo todo;
    struct run_segment segment;
    struct recorder recorder;
    struct run_baseline baseline;
    struct run_estimate estimate;
};

/* ---- before the model is loaded: everything that can be wrong is found here ---- */

static int parse_shard(struct profile *p, struct ipw_err *err)
{
    char *slash = p->shard ? strchr(p->shard, '/') : NULL;
    if (!p->shard)
        return 0;
    if (slash) {
        *slash = '\0';
        bool ok = ipw_parse_i64(p->shard, &p->plan.shard) && ipw_parse_i64(slash + 1, &p->plan.shards);
        *slash = '/';
        if (ok && p->plan.shards > 0 && p->plan.shard >= 0 && p->plan.shard < p->plan.shards)
            return 0;
    }
    return ipw_err_set(err, IPW_E_USAGE, "'--shard %s': i/N with i from 0 to N-1 is needed", p->shard);
}

/* Resuming works from any folder: paths are stored whole. */
static void make_absolute(char **path)
{
    char *full = *path ? realpath(*path, NULL) : NULL;
    if (!full)
        return;
    free(*path);
    *path = full;
}

static int open_engine_ops(struct profile *p, struct ipw_err *err)
{
    p->ops = engine_find(p->plan.engine);
    if (p->ops)
        return 0;
    char list[200] = "";
    for (size_t i = 0; engines[i]; i++) {
        size_t k = strlen(list);
        snprintf(list + k, sizeof list - k, "%s'%s'", i ? ", " : "", engines[i]->name);
    }
    return ipw_err_set(err, IPW_E_USAGE, "no engine '%s' in this build; there is %s", p->plan.engine,
                       *list ? list : "none: build with llama.cpp");
}

static int open_data(struct profile *p, struct ipw_err *err)
{
    struct dataset_cfg cfg = {p->plan.prompt_length, p->plan.num_samples};
    return dataset_open(&p->data, p->plan.dataset, &cfg, err);
}

static int open_meter(struct profile *p, struct ipw_err *err)
{
    struct stat model;
    int rc = cli_meter_open(&p->meter, p->cli, &(struct cli_meter){p->plan.energy, p->plan.devices, p->plan.include}, err);
    if (rc)
        return rc;
    int64_t bytes = stat(p->plan.model, &model) ? 0 : (int64_t)model.st_size;
    run_estimate_of(&p->estimate, p->todo.n, bytes, NULL);
    return run_baseline_of(&p->baseline, &p->plan, meter_source(p->meter), p->estimate.seconds, err);
}

static int put_plan(struct profile *p, struct ipw_err *err)
{
    char hex[65], id[33], *plan = run_plan_json(&p->plan);
    uint64_t seed = (uint64_t)p->cli->env.clock->real(&p->cli->env) ^ (uint64_t)getpid() << 40;
    snprintf(id, sizeof id, "%016llx%016llx", (unsigned long long)ipw_rng_at(seed, 0),
             (unsigned long long)ipw_rng_at(seed, 1));
    run_plan_hash(&p->plan, hex);
    struct json_out *o = json_out_new();
    json_node *d = json_new_obj(o);
    json_put_str(o, d, "name", p->data->name);
    json_put_str(o, d, "sha256", p->data->sha256);
    json_put_int(o, d, "n", (int64_t)p->todo.total);
    char *dataset = json_write(o, d, false);
    json_out_free(o);
    int rc;
    if (!(rc = store_begin(p->store, err)) && !(rc = store_put_meta(p->store, "run_id", id, err)) &&
        !(rc = store_put_meta_int(p->store, "generation", 0, err)) &&
        !(rc = store_put_meta(p->store, "plan", plan, err)) && !(rc = store_put_meta(p->store, "plan_hash", hex, err)) &&
        !(rc = store_put_meta(p->store, "dataset", dataset, err)) &&
        !(rc = store_put_meta(p->store, "labels", "{}", err)) &&
        !(rc = store_put_meta_int(p->store, "complete", 0, err)))
        rc = store_commit(p->store, err);
    free(plan);
    free(dataset);
    return rc;
}

/* runs/profile_<device>_<model>_<dataset>_<n>, n the first that is free. */
static int make_dir(struct profile *p, struct ipw_err *err)
{
    char device[64], model[64], data[64], name[256];
    run_machine_word(p->machine.cpu, device, sizeof device);
    run_model_word(p->plan.model, model, sizeof model);
    ipw_slug(p->data->name, data, sizeof data);
    int rc = fs_mkdirs(p->output_dir, err);
    if (rc)
        return rc;
    if (strlen(p->output_dir) + sizeof name >= sizeof p->dir)
        return ipw_err_set(err, IPW_E_USAGE, "path '%s' is too long", p->output_dir);
    for (int n = 1; n < 1000000; n++) {
        snprintf(name, sizeof name, "profile_%s_%s_%s_%d", device, model, data, n);
        fs_join(p->dir, sizeof p->dir, p->output_dir, name);
        if (!mkdir(p->dir, 0777))
            return 0;
        if (errno != EEXIST)
            break;
    }
    return ipw_err_set(err, IPW_E_ENV, "cannot make run folder '%s': %s; choose another with --output-dir", p->dir,
                       fs_reason(errno));
}

static int find_model(struct profile *p, struct ipw_err *err)
{
    char *path;
    int rc = cli_model_path(p->cli, p->plan.model, &path, err);
    if (rc)
        return rc;
    free(p->plan.model);
    p->plan.model = path;
    return 0;
}

static int begin(struct profile *p, struct ipw_err *err)
{
    int rc;
    if (!p->plan.model)
        return ipw_err_set(err, IPW_E_USAGE, "which model? -m takes the path of a GGUF file or a name out of ipw "
                           "model list");
    if ((rc = parse_shard(p, err)) || (rc = open_engine_ops(p, err)))
        return rc;
    if ((rc = find_model(p, err)) || (rc = open_data(p, err)) ||
        (rc = run_todo_make(&p->todo, p->data, &p->plan, NULL, false, err)) || (rc = open_meter(p, err)))
        return rc;
    if (!p->todo.total)
        return ipw_err_set(err, IPW_E_USAGE, "nothing to ask: shard %s of '%s' is empty", p->shard, p->data->name);
    make_absolute(&p->plan.model);
    if (!dataset_find(p->plan.dataset))
        make_absolute(&p->plan.dataset);
    if ((rc = make_dir(p, err)) || (rc = store_create(&p->store, p->dir, err)))
        return rc;
    return put_plan(p, err);
}

static int resume(struct profile *p, struct ipw_err *err)
{
    int rc;
    snprintf(p->dir, sizeof p->dir, "%s", p->resume);
    for (size_t n = strlen(p->dir); n > 1 && p->dir[n - 1] == '/';)
        p->dir[--n] = '\0';
    if ((rc = store_open(&p->store, p->dir, true, err)))
        return rc;
    const char *plan = store_meta(p->store, "plan");
    if (!plan)
        return ipw_err_set(err, IPW_E_INPUT, "'%s' was cut off before anything was asked; start again with ipw profile",
                           p->dir);
    char *model = p->plan.model; /* a model that was moved: -m says where it is now */
    p->plan.model = NULL;
    rc = run_plan_from_json(&p->plan, plan, err);
    if (model) {
        free(p->plan.model);
        p->plan.model = model;
        rc = rc ? rc : find_model(p, err);
    }
    if (rc || (rc = open_engine_ops(p, err)))
        return rc;
    bool whole;
    if ((rc = run_answered(p->store, &whole, err)))
        return rc;
    if (whole && !p->retry_errors)
        return 0; /* only the finish is owed: it needs neither questions nor model */
    if ((rc = open_data(p, err)))
        return ipw_err_wrap(err, "the run needs its question set at that path");
    struct json_doc *doc = NULL;
    const char *dataset = store_meta(p->store, "dataset");
    if (dataset && (rc = json_read(&doc, dataset, strlen(dataset), 0, err)))
        return rc;
    bool same = ipw_streq(json_str(json_get(json_root(doc), "sha256")), p->data->sha256);
    json_doc_free(doc);
    if (!same)
        return ipw_err_set(err, IPW_E_INPUT, "'%s' has changed since the run began; put the old file back, or start anew",
                           p->plan.dataset);
    if ((rc = run_todo_make(&p->todo, p->data, &p->plan, p->store, p->retry_errors, err)))
        return rc;
    return p->todo.n ? open_meter(p, err) : 0;
}

/* ---- with the model ---- */

static char *model_json(const struct engine_model *m)
{
    struct json_out *o = json_out_new();
    json_node *obj = json_new_obj(o);
    const struct {
        const char *key, *text;
    } texts[] = {{"name", m->name},   {"fingerprint", m->fingerprint},   {"arch", m->arch},
                 {"quant", m->quant}, {"chat_template", m->chat_template}};
    const struct {
        const char *key;
        int64_t v;
    } counts[] = {{"params_total", m->params_total}, {"params_active", m->params_active}, {"bytes", m->bytes},
                  {"n_layer", m->n_layer},           {"n_ctx_train", m->n_ctx_train},     {"n_ctx", m->n_ctx},
                  {"n_expert", m->n_expert},         {"n_expert_used", m->n_expert_used}, {"n_vocab", m->n_vocab},
                  {"threads", m->threads}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        json_put_str(o, obj, texts[i].key, texts[i].text);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (counts[i].v >= 0)
            json_put_int(o, obj, counts[i].key, counts[i].v);
        else
            json_put_null(o, obj, counts[i].key);
    char *s = json_write(o, obj, false);
    json_out_free(o);
    return s;
}

/* The first segment records the model; later ones must have the same. */
static int put_model(struct profile *p, struct store *store, struct ipw_err *err)
{
    const struct engine_model *m = p->ops->model(p->engine);
    const char *known = store_meta(store, "model");
    struct json_doc *doc = NULL;
    int rc;
    if (known && (rc = json_read(&doc, known, strlen(known), 0, err)))
        return rc;
    bool same = !known || ipw_streq(json_str(json_get(json_root(doc), "fingerprint")), m->fingerprint);
    json_doc_free(doc);
    if (!same)
        return ipw_err_set(err, IPW_E_INPUT, "'%s' is not the file the run was begun with; put it back, or start anew",
                           p->plan.model);
    if (known)
        return 0;
    char *json = model_json(m);
    rc = store_put_meta(store, "model", json, err);
    free(json);
    return rc;
}

/* From here until recorder_stop the store is the writer thread's. */
static int start_recorder(struct profile *p, struct ipw_err *err)
{
    int rc;
    if ((rc = store_begin(p->store, err)) ||
        (rc = run_segment_begin(&p->segment, p->store, &p->cli->env, &p->machine, p->meter, p->ops, cli_version, err)) ||
        (rc = store_commit(p->store, err)))
        return rc;
    return recorder_start(&p->recorder, &p->cli->env, p->store, p->meter, &p->segment, p->todo.total - p->todo.n,
                          p->todo.total, err);
}

static int watch_idle(struct profile *p, const char *kind, struct ipw_err *err)
{
    if (p->baseline.seconds <= 0)
        return 0;
    if (p->cli->err_tty)
        cli_say("idle watts, %s: %g s", kind, p->baseline.seconds);
    return recorder_baseline(&p->recorder, kind, p->baseline.seconds, p->cli->signals, err);
}

/* On the writer's thread: the facts about the engine. */
static int put_engine(struct store *store, void *ud, struct ipw_err *err)
{
    struct profile *p = ud;
    int rc;
    run_segment_computing(p->meter, p->ops, p->engine);
    if (!strcmp(p->plan.energy, "measured") && (rc = meter_require_measured(p->meter, err)))
        return rc;
    if ((rc = put_model(p, store, err)))
        return rc;
    return run_segment_engine(&p->segment, store, &p->machine, p->meter, p->ops, p->engine, err);
}

static int open_engine(struct profile *p, struct ipw_err *err)
{
    struct engine_cfg cfg = {.model = p->plan.model,
                             .system = p->plan.system,
                             .no_chat_template = p->plan.no_chat_template,
                             .ignore_eos = p->plan.ignore_eos,
                             .temperature = p->plan.temperature,
                             .top_p = p->plan.top_p,
                             .top_k = p->plan.top_k,
                             .seed = (uint64_t)p->plan.seed,
                             .ctx = p->plan.ctx,
                             .threads = p->plan.threads,
                             .gpu_layers = p->plan.gpu_layers,
                             .stop = p->cli->signals};
    return p->ops->open(&p->engine, &p->cli->env, &cfg, err);
}

/* A new run is watched from before the model is loaded; a resumed one must first show that it is the same machine, and
 * that takes the engine. */
static int open_model(struct profile *p, struct ipw_err *err)
{
    int rc;
    if (!p->resume) {
        if ((rc = start_recorder(p, err)) || (rc = watch_idle(p, "cold", err)) || (rc = open_engine(p, err)))
            return rc;
    } else {
        if ((rc = open_engine(p, err)))
            return rc;
        run_segment_computing(p->meter, p->ops, p->engine);
        if (!p->other_machine && (rc = run_segment_check(p->store, p->meter, p->ops, p->engine, err)))
            return rc;
        if ((rc = start_recorder(p, err)))
            return rc;
    }
    if ((rc = writer_call(&p->recorder.writer, put_engine, p, err)))
        return rc;
    return watch_idle(p, "loaded", err);
}

static int ask(struct profile *p, struct ipw_err *err)
{
    struct watch view;
    char title[320];
    const struct engine_model *m = p->ops->model(p->engine);
    snprintf(title, sizeof title, "%s %s on %s", m->name ? m->name : "model", m->quant ? m->quant : "", p->data->name);
    struct run_ctx ctx = {.env = &p->cli->env, .plan = &p->plan, .data = p->data, .todo = &p->todo,
                          .recorder = &p->recorder, .segment = &p->segment, .steady = p->baseline.steady, .ops = p->ops, .engine = p->engine,
                          .signals = p->cli->signals, .progress = watch_draw, .ud = &view};
    watch_begin(&view, p->watch, p->cli->err_tty, p->todo.total - p->todo.n, title, p->data);
    int rc = run_execute(&ctx, err);
    watch_end(&view);
    return rc ? rc : watch_idle(p, "after", err);
}

/* The writer's own trouble (a full disk) is the reason of the end, unless there is a graver one. */
static int stop_recorder(struct profile *p, int rc, struct ipw_err *err)
{
    struct ipw_err why;
    int stopped = recorder_stop(&p->recorder, &why);
    if (!stopped || (rc && rc != IPW_E_INTERRUPTED))
        return rc;
    *err = why;
    return stopped;
}

/* ---- the end ---- */

static int show(struct profile *p, const struct table_run *run, const struct accuracy_result *figures)
{
    struct ipw_buf out = IPW_BUF_INIT;
    char analyze[PATH_MAX + 64], quoted[PATH_MAX];
    snprintf(analyze, sizeof analyze, "ipw analyze accuracy %s", cli_quote(p->dir, quoted, sizeof quoted));
    const char *next[] = {analyze, "ipw sensors             what could be measured on this machine",
                          "ipw profile -m MODEL.gguf     the same questions to another model", NULL};
    if (!strcmp(p->format, "json")) {
        char *json = report_summary_json(run, figures);
        ipw_buf_adds(&out, json);
        free(json);
    } else {
        struct report_screen screen = {
            .color = p->cli->color,
            .why = strcmp(p->plan.energy, "auto") ? "it was asked for by --energy"
                   : p->machine.hypervisor        ? "this virtual machine shows no energy counter"
                                                  : NULL,
            .next = next};
        report_screen(run, figures, &screen, &out);
    }
    int rc = cli_print(out.s, out.len);
    ipw_buf_release(&out);
    return rc;
}

static int verdict(const struct profile *p, const struct table_run *run, const struct accuracy_result *figures)
{
    const char *reason = NULL;
    for (size_t i = 0; i < run->n && !reason; i++)
        if (run->v[i].status == QUERY_ERROR || run->v[i].status == QUERY_TIMEOUT)
            reason = run->v[i].reason;
    size_t failed = figures->by_query[QUERY_ERROR] + figures->by_query[QUERY_TIMEOUT];
    if (failed <= (size_t)p->allow_failures)
        return 0;
    cli_say("%zu questions failed (%s); %s, --allow-failures N accepts them", failed, reason ? reason : "error",
            ipw_streq(reason, "prompt_too_long") ? "a new run with a larger --ctx has room for them"
                                                 : "--resume RUN --retry-errors asks them again");
    return 1;
}

static int profile_run(struct profile *p)
{
    struct ipw_err err;
    struct table_run run = {0};
    struct accuracy_result figures;
    bool asked = false;
    run_machine_read(&p->machine, &p->cli->env);
    int rc = p->resume ? resume(p, &err) : begin(p, &err);
    if (!rc && p->todo.n) {
        if (p->watch && !watch_can(p->cli->err_tty))
            cli_say("--watch needs a terminal that it can draw in, and stderr is none; going on without");
        cli_say("%zu questions of %s into %s", p->todo.n, p->data->name, p->dir);
        rc = open_model(p, &err);
        asked = !rc;
        rc = stop_recorder(p, rc ? rc : ask(p, &err), &err);
        if (rc && !asked && !p->resume) /* nothing was asked: leave no empty run behind */
            goto discard;
    }
    if (rc && (rc != IPW_E_INTERRUPTED || !asked))
        return cli_fail(&err);
    struct ipw_err finish_err;
    int frc = cli_complete(p->store, p->dir, p->allow_missing, &run, &figures, &finish_err);
    int code = frc ? cli_fail(&finish_err) : 0;
    if (rc == IPW_E_INTERRUPTED) {
        cli_say("interrupted; what was answered is saved. Go on with: ipw profile --resume %s",
                cli_quote(p->dir, (char[PATH_MAX]){0}, PATH_MAX));
        code = ipw_err_exit_code(rc);
    } else if (!frc) {
        code = show(p, &run, &figures);
        code = code ? code : verdict(p, &run, &figures);
    }
    table_run_release(&run);
    return code;
discard:
    store_close(p->store);
    p->store = NULL;
    static const char *const files[] = {"run.db", "run.db-wal", "run.db-shm", "lock"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[PATH_MAX + 16];
        fs_join(path, sizeof path, p->dir, files[i]);
        unlink(path);
    }
    rmdir(p->dir);
    char *remedy = err.code == IPW_E_IO ? strchr(err.text, ';') : NULL; /* there is nothing to resume */
    if (remedy)
        snprintf(remedy, sizeof err.text - (size_t)(remedy - err.text), "; nothing had been asked and nothing was kept: make room, then start again");
    return cli_fail(&err);
}

extern const struct command command_profile;

static int profile(struct cli *cli, int argc, char **argv)
{
    static const char *const formats[] = {"table", "json", NULL};
    struct profile p = {.cli = cli, .output_dir = ipw_strdup("runs"), .format = ipw_strdup("table")};
    struct run_plan *plan = &p.plan;
    struct ipw_err err = {0};
    run_plan_init(plan);
    /* up to `resume`: what the plan of a run says, and --resume therefore takes from it */
    struct option opt[] = {
        {"model", NULL, 'm', OPTION_TEXT, &plan->model, 0, 0, "MODEL", "a GGUF file, or a name of ipw model list", false},
        {"dataset", NULL, 0, OPTION_TEXT, &plan->dataset, 0, 0, "NAME|FILE", "starter, fixed_length, or JSONL (starter)", false},
        {"max-queries", "limit", 'n', OPTION_INT, &plan->max_queries, 1, 1e9, "N", "only the first N questions", false},
        {"shard", NULL, 0, OPTION_TEXT, &p.shard, 0, 0, "i/N", "only part i (from 0) of N", false},
        {"seed", "random-seed", 0, OPTION_INT, &plan->seed, 0, 9e15, "N", "order of questions, sampling (0)", false},
        {"engine", "client", 0, OPTION_TEXT, &plan->engine, 0, 0, "NAME", "what answers (llama)", false},
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
        {"resume", NULL, 0, OPTION_TEXT, &p.resume, 0, 0, "RUN", "go on with a run that was cut off", false},
        {"retry-errors", NULL, 0, OPTION_FLAG, &p.retry_errors, 0, 0, NULL, "with --resume: ask failed ones again", false},
        {"allow-other-machine", NULL, 0, OPTION_FLAG, &p.other_machine, 0, 0, NULL, "with --resume: on other hardware", false},
        {"output-dir", "output_path", 0, OPTION_TEXT, &p.output_dir, 0, 0, "DIR", "where run folders go (runs)", false},
        {"allow-failures", NULL, 0, OPTION_INT, &p.allow_failures, 0, 1e9, "N", "exit 0 with up to N failed (0)", false},
        {"allow-missing", NULL, 0, OPTION_FLAG, &p.allow_missing, 0, 0, NULL, "IPJ though many joules are missing", false},
        {"watch", NULL, 0, OPTION_FLAG, &p.watch, 0, 0, NULL, "draw power, tokens/s and the question as it runs", false},
        {"output", NULL, 'o', OPTION_TEXT, &p.format, 0, 0, "FORMAT", "table or json (table)", false},
    };
    enum { N = sizeof opt / sizeof opt[0] };
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    size_t n_rest, clash = N;
    int code = 0;
    if (cli_options(&command_profile, opt, N, argc, argv, rest, &n_rest, &code))
        goto out;
    for (size_t i = 1; strcmp(opt[i].name, "resume") != 0; i++) /* from 1: -m may say where the model is now */
        if (opt[i].seen)
            clash = i;
    if (n_rest)
        ipw_err_set(&err, IPW_E_USAGE, "unexpected '%s': the model is given with -m, a run to go on with by --resume", rest[0]);
    else if (p.resume && clash < N)
        ipw_err_set(&err, IPW_E_USAGE, "--resume takes '--%s' from the run; leave it out, or start a new run", opt[clash].name);
    else if (!p.resume && (p.retry_errors || p.other_machine))
        ipw_err_set(&err, IPW_E_USAGE, "'--%s' goes with --resume RUN", p.retry_errors ? "retry-errors" : "allow-other-machine");
    else
        err.code = cli_format(p.format, formats, &err);
    code = err.code ? cli_fail(&err) : profile_run(&p);
out:
    if (p.engine)
        p.ops->close(p.engine);
    meter_close(p.meter);
    store_close(p.store);
    dataset_close(p.data);
    run_todo_release(&p.todo);
    run_segment_release(&p.segment);
    run_plan_release(plan);
    free(p.output_dir);
    free(p.resume);
    free(p.shard);
    free(p.format);
    free(rest);
    return code;
}

const struct command command_profile = {.name = "profile",
                                        .group = "Measure",
                                        .summary = "ask a model questions; record accuracy, joules, watts, latency",
                                        .usage = "ipw profile -m MODEL.gguf [options]",
                                        .run = profile};
