/* A run with its model: watched, asked, closed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/profile.h"
#include "cli/version.h"
#include "cli/watch.h"

enum { SELFTEST_STREAMS = 512 };
static const double SELFTEST_S = 0.2;
static const double SERVE_S = 600; /* a large model takes long to load */

static char *model_json(const struct engine_model *m, const char *name)
{
    struct json_out *o = json_out_new();
    json_node *obj = json_new_obj(o);
    const struct {
        const char *key, *text;
    } texts[] = {{"name", name ? name : m->name}, {"fingerprint", m->fingerprint},   {"arch", m->arch},
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
    char *json = model_json(m, run_plan_blob_name(&p->plan));
    rc = store_put_meta(store, "model", json, err);
    free(json);
    return rc;
}

/* Answers that were there already, as the progress line counts: a block is counted for itself. */
static size_t done(const struct profile *p)
{
    return p->of || !p->todo.total ? 0 : p->todo.total - p->todo.n;
}

/* From here until recorder_stop the store is the writer thread's. */
static int start_recorder(struct profile *p, struct ipw_err *err)
{
    int rc;
    if ((rc = store_begin(p->store, err)) ||
        (rc = run_segment_begin(&p->segment, p->store, &p->cli->env, &p->machine, p->meter, p->ops, cli_version, err)) ||
        (rc = store_commit(p->store, err)))
        return rc;
    return recorder_start(&p->recorder, &p->cli->env, p->store, p->meter, &p->segment, done(p), done(p) + p->todo.n, err);
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

/* Its own address, unless the user said one. */
static int serve(struct profile *p, struct ipw_err *err)
{
    char log[PATH_MAX + 16];
    if (!p->plan.serve || p->server.proc.pid)
        return 0;
    fs_join(log, sizeof log, p->dir, "server.log");
    cli_say("starting %s", p->plan.serve);
    int64_t from = ipw_now(&p->cli->env);
    int rc = server_start(&p->server, &p->cli->env, &(struct server_start){.command = p->plan.serve, .log = log,
                                                                          .base_url = p->plan.base_url, .timeout_s = SERVE_S,
                                                                          .stop = p->cli->signals}, err);
    if (rc)
        return rc;
    cli_say("it answers at %s after %.1f s", p->server.base_url, p->server.ready_s);
    return p->recorder.running ? recorder_span(&p->recorder, "load", from, ipw_now(&p->cli->env), err) : 0;
}

int profile_open_engine(struct profile *p, struct ipw_err *err)
{
    int rc = serve(p, err);
    if (rc)
        return rc;
    struct engine_cfg cfg = {.model = *p->plan.model ? p->plan.model : NULL,
                             .http = {.base_url = p->server.proc.pid ? p->server.base_url : p->plan.base_url,
                                      .endpoint = p->plan.endpoint,
                                      .api_key = p->api_key,
                                      .headers = (const char *const *)p->headers,
                                      .extra_body = p->plan.extra_body,
                                      .ca_file = p->plan.ca_file,
                                      .keep_alive = p->plan.keep_alive,
                                      .no_stream = p->plan.no_stream,
                                      .pull = p->pull,
                                      .timeout_s = p->plan.timeout_s,
                                      .connect_timeout_s = p->plan.connect_timeout_s,
                                      .streams = (int64_t)p->arrival.slots,
                                      .devices = profile_server_devices,
                                      .ud = p},
                             .system = p->plan.system,
                             .no_chat_template = p->plan.no_chat_template || p->options,
                             .options = p->options > 0,
                             .ignore_eos = p->plan.ignore_eos,
                             .temperature = p->plan.temperature,
                             .top_p = p->plan.top_p,
                             .top_k = p->plan.top_k,
                             .seed = (uint64_t)p->plan.seed,
                             .ctx = p->plan.ctx,
                             .threads = p->plan.threads,
                             .gpu_layers = p->plan.gpu_layers,
                             .stop = p->cli->signals};
    if (!(rc = p->ops->open(&p->engine, &p->cli->env, &cfg, err)) && p->ops->caps & ENGINE_REMOTE)
        profile_watch_server(p);
    return rc;
}

/* A new run is watched from before the model is loaded; a resumed one must first show that it is the same machine, and
 * that takes the engine. */
static int open_model(struct profile *p, struct ipw_err *err)
{
    int rc;
    if (!p->resume) {
        if ((rc = start_recorder(p, err)) || (rc = watch_idle(p, "cold", err)) || (rc = profile_open_engine(p, err)))
            return rc;
    } else {
        if ((rc = profile_open_engine(p, err)))
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

static int put_client(struct store *store, void *ud, struct ipw_err *err)
{
    struct profile *p = ud;
    return run_client_put(store, p->segment.id, p->segment.anchor_ns, &p->load, p->selftest.pieces ? &p->selftest : NULL, err);
}

static int ask(struct profile *p, struct ipw_err *err)
{
    struct watch view;
    char title[320];
    const struct engine_model *m = p->ops->model(p->engine);
    const char *blob = run_plan_blob_name(&p->plan), *name = blob ? blob : m->name ? m->name : "model";
    snprintf(title, sizeof title, "%s %s on %s", name, m->quant ? m->quant : "", p->data->name);
    struct run_ctx ctx = {.env = &p->cli->env, .plan = &p->plan, .data = p->data, .wording = &p->wording, .todo = &p->todo,
                          .recorder = &p->recorder, .segment = &p->segment, .steady = p->baseline.steady,
                          .ops = p->ops, .engine = p->engine, .signals = p->cli->signals,
                          .progress = watch_draw, .ud = &view};
    p->recorder.writer.tokenizer = p->tokenizer; /* its thread looks only once something is put */
    watch_begin(&view, p->watch, p->cli->err_tty, done(p), title, p->data);
    int rc = run_execute(&ctx, &p->load, err);
    struct ipw_err ignored;
    watch_end(&view);
    rc = rc ? rc : watch_idle(p, "after", err);
    if (p->ops->caps & ENGINE_REMOTE) {
        int64_t streams = (int64_t)p->arrival.slots < SELFTEST_STREAMS ? (int64_t)p->arrival.slots : SELFTEST_STREAMS;
        if (!rc) /* nothing is measured any more */
            (void)!selftest_run(&p->cli->env, streams, SELFTEST_S, p->cli->signals, &p->selftest, &ignored);
        (void)!writer_call(&p->recorder.writer, put_client, p, &ignored);
    }
    return rc;
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

/* Nothing was asked: leave no empty run behind. */
static void discard(struct profile *p, struct ipw_err *err)
{
    store_close(p->store);
    p->store = NULL;
    static const char *const files[] = {"server.log", "run.db", "run.db-wal", "run.db-shm", "lock"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[PATH_MAX + 16];
        fs_join(path, sizeof path, p->dir, files[i]);
        unlink(path);
    }
    rmdir(p->dir);
    char *remedy = err->code == IPW_E_IO ? strchr(err->text, ';') : NULL; /* there is nothing to resume */
    if (remedy)
        snprintf(remedy, sizeof err->text - (size_t)(remedy - err->text),
                 "; nothing had been asked and nothing was kept: make room, then start again");
}

int profile_ask(struct profile *p, struct ipw_err *err)
{
    int rc = open_model(p, err);
    p->asked = !rc;
    rc = stop_recorder(p, rc ? rc : ask(p, err), err);
    if (rc == IPW_E_ENV && !p->load.requests) /* no request reached the server */
        p->asked = false;
    if (rc && !p->asked && !p->resume)
        discard(p, err);
    return rc;
}
