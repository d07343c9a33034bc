/* A study's plan, carried out: block by block, each an ordinary segment of its run. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/accuracy.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "cli/complete.h"
#include "cli/study.h"
#include "report/report.h"
#include "run/load.h"

enum { FILE_MAX_BYTES = 64 << 20 };

struct pace { /* of one run */
    double seconds;
    size_t asked;
};

struct execution {
    struct cli *cli;
    struct study_plan *plan;
    const char *dir;
    const struct profile *flags;
    struct study_block *block;
    size_t n_blocks;
    struct pace *pace;  /* by run */
    bool changed;       /* a command before a block has run: the one at the end is owed */
};

/* ---- commands ---- */

/* sh -c text, which talks on stderr: stdout is for results. what names the command in the error. */
static int run_command(const struct execution *x, const char *what, const char *text, struct ipw_err *err)
{
    char *copy = ipw_strdup(text);
    char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char[]){"exec >&2; eval \"$1\""}, (char[]){"sh"}, copy, NULL};
    struct proc proc;
    int before = atomic_load(x->cli->signals), rc = proc_start(&proc, argv, err);
    free(copy);
    if (rc)
        return rc;
    while (!proc_wait(&proc, -1))
        if (atomic_load(x->cli->signals) > before) {
            proc_signal(&proc, SIGTERM);
            before = INT_MAX;
        }
    int code = proc_exit_code(&proc);
    proc_release(&proc);
    if (before == INT_MAX)
        return ipw_err_set(err, IPW_E_INTERRUPTED, "interrupted");
    if (code)
        return ipw_err_set(err, IPW_E_ENV, "%s '%.300s' ended with %d; put it right, then go on", what, text, code);
    return 0;
}

/* ---- one block ---- */

static double left_s(const struct execution *x, size_t from)
{
    double seconds = 0, left = 0;
    size_t asked = 0;
    for (size_t i = 0; i < x->plan->n; i++) {
        seconds += x->pace[i].seconds;
        asked += x->pace[i].asked;
    }
    if (!asked)
        return NAN;
    for (size_t k = from; k < x->n_blocks; k++) {
        const struct study_run *r = &x->plan->v[x->block[k].run];
        const struct pace *own = &x->pace[x->block[k].run];
        double each = own->asked ? own->seconds / (double)own->asked : seconds / (double)asked;
        left += each * (double)r->questions / (double)r->blocks;
    }
    return left;
}

/* "block 2 of 8: smollm2-135m, threads=1: 4 questions; about 30 seconds left" */
static void announce(const struct execution *x, size_t k, size_t questions)
{
    const struct study_run *r = &x->plan->v[x->block[k].run];
    char words[32], left[64] = "", model[64], *labels = study_run_labels(r);
    double s = left_s(x, k);
    run_plan_model_word(&r->plan, model, sizeof model);
    if (isfinite(s))
        snprintf(left, sizeof left, "; %s left", run_estimate_words(s, words));
    cli_say("block %zu of %zu: %s%s%s: %zu question%s%s", k + 1, x->n_blocks, model, *labels ? ", " : "", labels, questions,
            questions == 1 ? "" : "s", left);
    free(labels);
}

/* A folder whose plan was never committed holds nothing: it is begun again. */
static bool begun(const char *dir)
{
    struct store *s;
    struct ipw_err ignored;
    bool yes = !store_open(&s, dir, false, &ignored);
    if (!yes)
        return false;
    yes = store_meta(s, "plan") != NULL;
    store_close(s);
    return yes;
}

static void clear(const char *dir)
{
    static const char *const files[] = {"run.db", "run.db-wal", "run.db-shm"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[PATH_MAX + 16];
        fs_join(path, sizeof path, dir, files[i]);
        unlink(path);
    }
}

static bool ended(struct profile *p)
{
    char path[PATH_MAX + 16];
    fs_join(path, sizeof path, p->dir, "summary.json");
    return store_meta_int(p->store, "complete", 0) == 1 && fs_exists(path);
}

static int finish(struct profile *p, bool changed, struct ipw_err *err)
{
    struct table_run run = {0};
    struct accuracy_result figures = {0};
    int rc = !changed && ended(p) ? 0 : cli_complete(p->store, p->dir, p->allow_missing, &run, &figures, err);
    table_run_release(&run);
    accuracy_release(&figures);
    return rc;
}

static int ask(struct execution *x, size_t k, struct profile *p, struct ipw_err *err)
{
    const struct study_run *r = &x->plan->v[x->block[k].run];
    int rc = 0;
    announce(x, k, p->todo.n);
    if (r->before) {
        x->changed = true;
        if ((rc = run_command(x, "the command before a block", r->before, err)) || (rc = profile_look_again(p, err)))
            return rc;
    }
    int64_t from = ipw_now(&x->cli->env);
    rc = profile_ask(p, err);
    if (!rc) {
        x->pace[x->block[k].run].seconds += (double)(ipw_now(&x->cli->env) - from) * 1e-9;
        x->pace[x->block[k].run].asked += p->todo.n;
    }
    return rc;
}

static int one_block(struct execution *x, size_t k, struct ipw_err *err)
{
    const struct study_block *b = &x->block[k];
    const struct study_run *r = &x->plan->v[b->run];
    const struct profile *f = x->flags;
    struct profile p;
    char dir[PATH_MAX + 256];
    fs_join(dir, sizeof dir, x->dir, r->dir);
    profile_init(&p, x->cli);
    p.block = b->i;
    p.of = b->of;
    p.estimate.seconds = r->seconds;
    p.retry_errors = f->retry_errors;
    p.other_machine = f->other_machine;
    p.allow_missing = f->allow_missing;
    p.into = dir;
    p.labels_json = r->labels;
    if (begun(dir)) {
        x->changed |= r->before && !x->plan->complete; /* before it was cut off, perhaps */
        p.resume = ipw_strdup(dir);
    } else {
        clear(dir);
        char *plan = run_plan_json(&r->plan);
        run_plan_from_json(&p.plan, plan, err); /* it was read from the same text */
        free(plan);
    }
    int rc = profile_prepare(&p, err);
    if (!rc && p.todo.n)
        rc = ask(x, k, &p, err);
    if (!rc && b->last)
        rc = finish(&p, x->pace[b->run].asked > 0, err);
    profile_release(&p);
    return rc;
}

/* ---- the end ---- */

static int write_plan(const struct study_plan *plan, const char *dir, struct ipw_err *err)
{
    char path[PATH_MAX + 16], *text = study_plan_json(plan);
    fs_join(path, sizeof path, dir, "study.json");
    int rc = fs_write_atomic(path, text, strlen(text), err);
    free(text);
    return rc;
}

/* Two things, or their repeats, can be compared; more, or one, are shown side by side. */
static const char *next_command(const struct study_plan *plan)
{
    size_t other = 0;
    for (size_t i = 1; i < plan->n; i++)
        other += plan->v[i].plan.seed == plan->v[0].plan.seed;
    return other == 1 ? "compare" : "analyze";
}

static void next_line(const struct execution *x, struct ipw_buf *out)
{
    char dir[PATH_MAX];
    ipw_buf_adds(out, "\n Saved  ");
    report_text(x->dir, out);
    ipw_buf_addf(out, "/\n Next   ipw %s %s\n", next_command(x->plan), cli_quote(x->dir, dir, sizeof dir));
}

static bool is_sweep(const struct table_run *const *runs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!table_label_of(runs[i], "concurrency"))
            return false;
    return n > 1;
}

static int show(const struct execution *x, struct ipw_err *err)
{
    size_t n = x->plan->n;
    struct table_run *run = ipw_calloc(n, sizeof *run);
    struct accuracy_result *figures = ipw_calloc(n, sizeof *figures);
    const struct table_run **runs = ipw_calloc(n, sizeof *runs);
    const struct accuracy_result **results = ipw_calloc(n, sizeof *results);
    struct ipw_buf out = IPW_BUF_INIT;
    int rc = 0, code = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        char dir[PATH_MAX + 256];
        struct store *store;
        fs_join(dir, sizeof dir, x->dir, x->plan->v[i].dir);
        if ((rc = store_open(&store, dir, false, err)))
            break;
        rc = run_load(&run[i], store, dir, err);
        store_close(store);
        if (!rc)
            accuracy_of(&run[i], x->flags->allow_missing, &figures[i]);
        runs[i] = &run[i];
        results[i] = &figures[i];
    }
    if (!rc) {
        bool table = !strcmp(x->flags->format, "table");
        report_accuracy(runs, results, n, x->flags->format, &out);
        if (table && is_sweep(runs, n)) {
            ipw_buf_addc(&out, '\n');
            report_sweep(runs, results, n, "table", &out);
        }
        if (table)
            next_line(x, &out);
        code = cli_print(out.s, out.len);
        for (size_t i = 0; i < n && !code; i++)
            code = profile_verdict(x->flags, &run[i], &figures[i]);
    }
    for (size_t i = 0; i < n; i++) {
        table_run_release(&run[i]);
        accuracy_release(&figures[i]);
    }
    ipw_buf_release(&out);
    free(run);
    free(figures);
    free(runs);
    free(results);
    return rc ? cli_fail(err) : code;
}

static int go(struct execution *x, struct ipw_err *err)
{
    int rc = 0;
    for (size_t k = 0; k < x->n_blocks && !rc; k++) {
        if (atomic_load(x->cli->signals))
            rc = ipw_err_set(err, IPW_E_INTERRUPTED, "interrupted");
        else
            rc = one_block(x, k, err);
    }
    if (x->changed && x->plan->after) {
        struct ipw_err why;
        int arc = run_command(x, "the command at the end", x->plan->after, &why);
        if (arc && !rc) {
            *err = why;
            return arc;
        }
        if (arc)
            cli_say("%s", why.text);
    }
    if (rc)
        return rc;
    x->plan->complete = true;
    return write_plan(x->plan, x->dir, err);
}

int study_execute(struct study_plan *plan, const char *dir, const struct profile *flags)
{
    struct execution x = {.cli = flags->cli, .plan = plan, .dir = dir, .flags = flags};
    struct ipw_err err;
    int lock = store_lock(dir, &err);
    if (lock < 0)
        return cli_fail(&err);
    x.n_blocks = study_order(plan, &x.block);
    x.pace = ipw_calloc(plan->n, sizeof *x.pace);
    int rc = go(&x, &err), code;
    if (rc) {
        cli_say("%s", err.text);
        cli_say("what was answered is saved. Go on with: ipw study run --resume %s",
                cli_quote(dir, (char[PATH_MAX]){0}, PATH_MAX));
        code = ipw_err_exit_code(rc);
    } else {
        code = show(&x, &err);
    }
    close(lock);
    free(x.block);
    free(x.pace);
    return code;
}

/* ---- folders ---- */

static int read_plan(struct study_plan *plan, const char *dir, struct ipw_err *err)
{
    char path[PATH_MAX + 16];
    struct ipw_buf text = IPW_BUF_INIT;
    fs_join(path, sizeof path, dir, "study.json");
    int rc = fs_read(path, FILE_MAX_BYTES, &text, err);
    if (!rc)
        rc = study_plan_read(plan, path, text.s, text.len, err);
    ipw_buf_release(&text);
    return rc;
}

bool study_folder(const char *path)
{
    char file[PATH_MAX + 16];
    if (strlen(path) >= PATH_MAX)
        return false;
    fs_join(file, sizeof file, path, "study.json");
    return fs_exists(file);
}

/* Whether the folder holds this plan, cut off; then with the folders of its runs. */
static bool continues(struct study_plan *plan, const char *dir)
{
    struct study_plan there;
    struct ipw_err ignored;
    char a[65], b[65];
    if (!study_folder(dir) || read_plan(&there, dir, &ignored))
        return false;
    study_plan_hash(plan, a);
    study_plan_hash(&there, b);
    bool same = !there.complete && !strcmp(a, b);
    if (same) {
        struct study_plan old = *plan;
        *plan = there;
        there = old;
    }
    study_plan_release(&there);
    return same;
}

int study_folder_make(struct study_plan *plan, const char *output_dir, char dir[PATH_MAX], struct ipw_err *err)
{
    char slug[64], name[100];
    ipw_slug(plan->name, slug, sizeof slug);
    int rc = fs_mkdirs(output_dir, err);
    if (!rc && strlen(output_dir) + 400 > PATH_MAX)
        rc = ipw_err_set(err, IPW_E_USAGE, "path '%.200s...' is too long; choose another with --output-dir", output_dir);
    for (int n = 1; !rc && n < 1000000; n++) {
        snprintf(name, sizeof name, "study_%s_%d", slug, n);
        fs_join(dir, PATH_MAX, output_dir, name);
        if (!mkdir(dir, 0777))
            return write_plan(plan, dir, err);
        if (errno != EEXIST)
            rc = ipw_err_set(err, IPW_E_ENV, "cannot make study folder '%s': %s; choose another with --output-dir", dir,
                             fs_reason(errno));
        else if (continues(plan, dir)) {
            cli_say("going on with %s", dir);
            return 0;
        }
    }
    return rc;
}

int study_resume(const struct profile *flags, const char *dir, bool yes)
{
    struct study_plan plan;
    struct ipw_err err;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", dir);
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/';)
        path[--n] = '\0';
    if (!study_folder(path)) {
        ipw_err_set(&err, IPW_E_INPUT, "no study in '%s': it has no study.json; a single run goes on with ipw profile --resume",
                    path);
        return cli_fail(&err);
    }
    int rc = read_plan(&plan, path, &err);
    if (rc)
        return cli_fail(&err);
    yes |= plan.complete; /* it runs no commands */
    if (!yes)
        study_say_commands(&plan);
    rc = study_confirm(flags->cli, &plan, 0, &yes, &err);
    rc = rc ? cli_fail(&err) : yes ? study_execute(&plan, path, flags) : 0;
    study_plan_release(&plan);
    return rc;
}

/* --concurrency 1,2,4: a setting for each, labelled; a load is not cut into blocks. */
static int sweep_settings(struct study *s, const struct option_list *list, struct ipw_err *err)
{
    struct json_out *o = json_out_new();
    json_node *top = json_new_obj(o), *settings;
    json_put_str(o, top, "name", "sweep");
    json_put_int(o, top, "blocks", 1);
    settings = json_put_arr(o, top, "settings");
    for (size_t i = 0; i < list->n; i++) {
        json_node *one = json_put_obj(o, settings, NULL);
        json_put_str(o, json_put_obj(o, one, "label"), "concurrency", list->v[i]);
        json_put_str(o, json_put_obj(o, one, "options"), "concurrency", list->v[i]);
    }
    char *text = json_write(o, top, false);
    json_out_free(o);
    int rc = study_read(s, "--concurrency", text, strlen(text), err);
    free(text);
    return rc;
}

int study_of_flags(const struct profile *flags)
{
    struct study s;
    struct study_job job;
    struct ipw_err err;
    char dir[PATH_MAX];
    study_init(&s);
    if (flags->concurrencies.n > 1 && sweep_settings(&s, &flags->concurrencies, &err)) {
        study_release(&s);
        return cli_fail(&err);
    }
    s.name = "profile";
    s.repeats = flags->repeat;
    for (size_t i = 0; i < flags->models.n; i++)
        study_list_add(&s, &s.models, flags->models.v[i]);
    for (size_t i = 0; i < flags->datasets.n; i++)
        study_list_add(&s, &s.datasets, flags->datasets.v[i]);
    int rc = study_make(&job, &s, flags, &err);
    if (!rc && job.missing.n)
        rc = (err = job.first_missing).code;
    if (!rc) {
        study_say(&job);
        rc = study_folder_make(&job.plan, flags->output_dir, dir, &err);
    }
    int code = rc ? cli_fail(&err) : study_execute(&job.plan, dir, flags);
    study_job_release(&job);
    study_release(&s);
    return code;
}
