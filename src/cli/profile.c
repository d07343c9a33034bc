/* ipw profile: ask a model questions, meter the answers. What can be wrong is found here, before a model is loaded. */
#include "cli/profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "cli/meter.h"
#include "cli/models.h"
#include "cli/sets.h"
#include "cli/shipped.h"
#include "cli/study.h"
#include "run/finish.h"

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

int profile_check_engine(struct profile *p, struct ipw_err *err)
{
    p->ops = engine_find(p->plan.engine);
    if (p->ops)
        return profile_check_http(p, err);
    char list[200] = "";
    for (size_t i = 0; engines[i]; i++) {
        size_t k = strlen(list);
        snprintf(list + k, sizeof list - k, "%s'%s'", i ? ", " : "", engines[i]->name);
    }
    return ipw_err_set(err, IPW_E_USAGE, "no engine '%s': this build has only %s", p->plan.engine,
                       *list ? list : "none; build with llama.cpp");
}

static int open_data(struct profile *p, struct ipw_err *err)
{
    int rc = profile_scoring_data(p, err);
    if (!rc && !dataset_find(p->plan.dataset)) {
        char path[PATH_MAX];
        sets_path(p->plan.dataset, path);
        free(p->plan.dataset);
        p->plan.dataset = ipw_strdup(path);
        make_absolute(&p->plan.dataset);
    }
    if (!rc) {
        make_absolute(&p->plan.template_file);
        make_absolute(&p->plan.shots_from);
        rc = profile_wording(p, err);
    }
    return rc;
}

int profile_check_data(struct profile *p, struct ipw_err *err)
{
    int rc = parse_shard(p, err);
    if (!rc)
        rc = profile_samples_check(p, err);
    if (!rc)
        rc = open_data(p, err);
    if (!rc)
        rc = run_todo_make(&p->todo, p->data, &p->plan, NULL, false, err);
    if (!rc && !p->todo.n)
        rc = ipw_err_set(err, IPW_E_USAGE, "nothing to ask: shard %lld/%lld of '%s' is empty", (long long)p->plan.shard,
                         (long long)p->plan.shards, p->data->name);
    return rc;
}

int profile_check_model(struct profile *p, struct ipw_err *err)
{
    char *path;
    if (p->ops->caps & ENGINE_REMOTE) { /* the server knows it by that name; "": it has but one */
        p->plan.model = p->plan.model ? p->plan.model : ipw_strdup("");
        return 0;
    }
    int rc = cli_model_path(p->cli, p->plan.model, &path, err);
    if (rc)
        return rc;
    free(p->plan.model_name);
    p->plan.model_name = strcmp(path, p->plan.model) ? p->plan.model : NULL;
    if (!p->plan.model_name)
        free(p->plan.model);
    p->plan.model = path;
    make_absolute(&p->plan.model);
    return 0;
}

/* What an earlier run here cost, else what the model's size tells. */
static void estimate(struct profile *p)
{
    struct stat st;
    struct ipw_err ignored;
    struct run_briefs own = {0};
    int64_t bytes = stat(p->plan.model, &st) ? 0 : (int64_t)st.st_size;
    if (!p->earlier && p->output_dir)
        (void)!runs_list(&own, p->output_dir, &ignored);
    const struct run_brief *b = run_estimate_earlier(p->earlier ? p->earlier : &own, p->plan.model, bytes,
                                                     p->machine.host, p->data->name);
    run_estimate_of(&p->estimate, p->todo.n, bytes, b);
    runs_release(&own);
}

int profile_check_meter(struct profile *p, struct ipw_err *err)
{
    int rc = cli_meter_open(&p->meter, p->cli, &(struct cli_meter){p->plan.energy, p->plan.devices, p->plan.include}, err);
    if (rc)
        return rc;
    if (!p->of) /* a block has its run's */
        estimate(p);
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
        !(rc = store_put_meta(p->store, "labels", p->labels_json ? p->labels_json : "{}", err)) &&
        !(rc = store_put_meta_int(p->store, "complete", 0, err)))
        rc = store_commit(p->store, err);
    free(plan);
    free(dataset);
    return rc;
}

void profile_name(const struct profile *p, char *out, size_t size)
{
    char device[64], model[64], data[64];
    run_machine_word(p->machine.cpu, device, sizeof device);
    run_plan_model_word(&p->plan, model, sizeof model);
    ipw_slug(p->data->name, data, sizeof data);
    snprintf(out, size, "profile_%s_%s_%s", device, model, data);
}

/* runs/profile_<device>_<model>_<dataset>_<n>, n the first that is free; or the study's choice. */
static int make_dir(struct profile *p, struct ipw_err *err)
{
    char stem[230], name[256];
    if (p->into) {
        snprintf(p->dir, sizeof p->dir, "%s", p->into);
        return fs_mkdirs(p->dir, err);
    }
    profile_name(p, stem, sizeof stem);
    int rc = fs_mkdirs(p->output_dir, err);
    if (rc)
        return rc;
    if (strlen(p->output_dir) + sizeof name >= sizeof p->dir)
        return ipw_err_set(err, IPW_E_USAGE, "path '%s' is too long", p->output_dir);
    for (int n = 1; n < 1000000; n++) {
        snprintf(name, sizeof name, "%s_%d", stem, n);
        fs_join(p->dir, sizeof p->dir, p->output_dir, name);
        if (!mkdir(p->dir, 0777))
            return 0;
        if (errno != EEXIST)
            break;
    }
    return ipw_err_set(err, IPW_E_ENV, "cannot make run folder '%s': %s; choose another with --output-dir", p->dir,
                       fs_reason(errno));
}

static int begin(struct profile *p, struct ipw_err *err)
{
    int rc = profile_check_engine(p, err);
    if (rc)
        return rc;
    if (!p->plan.model && !(p->ops->caps & ENGINE_REMOTE))
        return ipw_err_set(err, IPW_E_USAGE, "which model? -m takes a GGUF file, or a name of ipw model list");
    if ( (rc = profile_check_model(p, err)) ||
        (rc = profile_check_data(p, err)) || (rc = profile_check_meter(p, err)))
        return rc;
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
        rc = rc ? rc : profile_check_model(p, err);
    }
    if (rc || (rc = profile_check_engine(p, err)))
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
    return p->todo.n ? profile_check_meter(p, err) : 0;
}

int profile_prepare(struct profile *p, struct ipw_err *err)
{
    run_machine_read(&p->machine, &p->cli->env);
    int rc = p->resume ? resume(p, err) : begin(p, err);
    if (!rc && p->of)
        run_todo_block(&p->todo, p->block, p->of);
    return rc;
}

int profile_look_again(struct profile *p, struct ipw_err *err)
{
    run_machine_read(&p->machine, &p->cli->env);
    meter_close(p->meter);
    p->meter = NULL;
    return profile_check_meter(p, err);
}

/* ---- the command ---- */

extern const struct command command_profile;

/* What goes with what. clash: an option that a run to go on with has of its own. */
static int check_flags(const struct profile *p, const struct option *clash, const char *extra, struct ipw_err *err)
{
    static const char *const formats[] = {"table", "json", NULL};
    if (extra)
        return ipw_err_set(err, IPW_E_USAGE, "unexpected '%s': the model is given with -m, a run to go on with by --resume",
                           extra);
    if (p->resume && clash)
        return ipw_err_set(err, IPW_E_USAGE, "--resume takes '--%s' from the run; leave it out, or start a new run",
                           clash->name);
    if (!p->resume && (p->retry_errors || p->other_machine))
        return ipw_err_set(err, IPW_E_USAGE, "'--%s' goes with --resume RUN",
                           p->retry_errors ? "retry-errors" : "allow-other-machine");
    return cli_format(p->format, formats, err);
}

/* One run, or several as a study. */
static int start(struct profile *p, bool model_given, struct ipw_err *err)
{
    if (p->resume && study_folder(p->resume)) {
        if (model_given)
            ipw_err_set(err, IPW_E_USAGE, "'%.300s' is a study, which has its models in its study.json; leave -m out", p->resume);
        return model_given ? cli_fail(err) : study_resume(p, p->resume, false);
    }
    if (profile_http_plan(p, err))
        return cli_fail(err);
    size_t runs = (p->models.n ? p->models.n : 1) * (p->datasets.n ? p->datasets.n : 1) *
                  (p->concurrencies.n ? p->concurrencies.n : 1) * (size_t)p->repeat;
    if (!p->resume && (runs > 1 || p->blocks > 1))
        return study_of_flags(p);
    if (p->models.n && (!p->resume || model_given))
        p->plan.model = ipw_strdup(p->models.v[0]);
    if (p->datasets.n) {
        free(p->plan.dataset);
        p->plan.dataset = ipw_strdup(p->datasets.v[0]);
    }
    char *labels = NULL;
    int rc = profile_labels(&p->labels, NULL, 0, &labels, err);
    p->labels_json = labels;
    rc = rc ? cli_fail(err) : profile_one(p);
    free(labels);
    return rc;
}

static int profile(struct cli *cli, int argc, char **argv)
{
    struct profile p;
    struct option opt[PROFILE_MAX_OPTIONS], *clash = NULL;
    struct ipw_err err = {0};
    size_t resume_row, n_rest;
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    int code = 0;
    profile_init(&p, cli);
    size_t n = profile_options(&p, opt, &resume_row);
    if (cli_options(&command_profile, opt, n, argc, argv, rest, &n_rest, &code))
        goto out;
    for (size_t i = PROFILE_MODEL + 1; i < resume_row; i++) /* -m may say where the model is now */
        if (opt[i].seen)
            clash = &opt[i];
    err.code = check_flags(&p, clash, n_rest ? rest[0] : NULL, &err);
    if (!err.code && p.preset && !p.resume)
        err.code = shipped_preset(p.preset, opt + PROFILE_FIRST_SET, resume_row - PROFILE_FIRST_SET, &err);
    if (!err.code && p.resume && p.models.n > 1 && opt[PROFILE_MODEL].seen)
        ipw_err_set(&err, IPW_E_USAGE, "--resume goes on with one run; give -m once, or not at all");
    profile_split(&p.concurrencies);
    profile_split(&p.models);
    profile_split(&p.datasets);
    code = err.code ? cli_fail(&err) : start(&p, opt[PROFILE_MODEL].seen, &err);
out:
    profile_release(&p);
    free(rest);
    return code;
}

const struct command command_profile = {
    .name = "profile",
    .group = "Measure",
    .summary = "ask a model questions; record accuracy, joules, watts, latency",
    .usage = "ipw profile -m MODEL.gguf [options]",
    .details = "Asks each question once (K times with --samples K), stores every answer, the time of every token and every counter reading as it "
               "happens, and computes accuracy, joules, IPJ and IPW from them at the end. A kill, a crash or a full disk "
               "costs the question that was being asked; --resume goes on.\n"
               "\n"
               "Energy: the counters that can be read here; where there is none an estimate from processor time, marked "
               "~ and never ranked with measured runs. --energy measured refuses to run without counters. If a device "
               "that computes cannot be metered the run is partial, and its joules are a lower bound.\n",
    .examples = "ipw profile -m model.gguf   # the starter questions\n"
                "ipw profile -m model.gguf --dataset questions.jsonl -n 200\n"
                "ipw profile -m model.gguf --dataset hellaswag --scoring loglik\n"
                "ipw profile -m model.gguf --samples 4 --temperature 0.7   # pass@k, maj@4\n"
                "ipw profile --resume runs/RUN   # after a kill or a crash\n",
    .run = profile,
};
