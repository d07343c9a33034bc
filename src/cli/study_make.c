/* From a study to its plan: every cell becomes a run, checked as if it were begun. */
#include "cli/study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/str.h"
#include "cli/shipped.h"

void study_job_release(struct study_job *j)
{
    study_plan_release(&j->plan);
    option_list_release(&j->missing);
    free(j->estimate);
    *j = (struct study_job){0};
}

static void miss(struct study_job *j, const char *what, const char *name)
{
    char text[100];
    snprintf(text, sizeof text, "%s '%.60s'", what, name);
    for (size_t i = 0; i < j->missing.n; i++)
        if (!strcmp(j->missing.v[i], text))
            return;
    option_list_add(&j->missing, text);
}

static void replace(char **to, const char *text)
{
    if (!text)
        return;
    free(*to);
    *to = ipw_strdup(text);
}

/* The options of one cell: flags, then the study's preset and options, then the setting's. */
static int configure(struct profile *p, const struct study *s, const struct study_cell *c, const struct profile *base,
                     struct ipw_err *err)
{
    struct option opt[PROFILE_MAX_OPTIONS];
    size_t resume;
    char source[200], *plan = run_plan_json(&base->plan);
    profile_options(p, opt, &resume);
    struct option *own = opt + PROFILE_FIRST_PLAN;
    size_t n = resume - PROFILE_FIRST_PLAN;
    snprintf(source, sizeof source, "%.150s: options", s->name);
    replace(&p->shard, base->shard);
    p->watch = base->watch;
    p->pull = base->pull;
    int rc = run_plan_from_json(&p->plan, plan, err);
    if (!rc && s->preset)
        rc = shipped_preset(s->preset, own, n, err);
    if (!rc)
        rc = options_from_json(own, n, s->options, source, NULL, err);
    if (!rc)
        rc = options_from_json(own, n, c->setting->options, source, NULL, err);
    replace(&p->plan.model, c->model);
    replace(&p->plan.dataset, c->dataset);
    replace(&p->plan.engine, c->engine);
    p->plan.seed += c->repeat - 1; /* another order, another draw where there is a temperature */
    free(plan);
    return rc;
}

/* What is not here is noted; anything else that is wrong is an error. */
static int check(struct study_job *j, struct profile *p, bool *here, struct ipw_err *err)
{
    const struct {
        int (*check)(struct profile *, struct ipw_err *);
        const char *what, *name;
    } part[] = {{profile_check_engine, "engine", p->plan.engine},
                {profile_check_model, "model", p->plan.model},
                {profile_check_data, "question set", p->plan.dataset}};
    *here = true;
    if (!p->plan.model)
        return ipw_err_set(err, IPW_E_USAGE, "which model? the study names none; give -m the path of a GGUF file");
    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++) {
        char *name = ipw_strdup(part[i].name); /* a check may put a whole path there */
        struct ipw_err why;
        if (part[i].check(p, &why)) {
            if (!j->missing.n)
                j->first_missing = why;
            *here = false;
            miss(j, part[i].what, name);
        }
        free(name);
    }
    return *here ? profile_check_meter(p, err) : 0;
}

/* Opening a model once more: its bytes at 1 GB/s, a question to warm up, watching it idle. */
static double overhead_s(const struct profile *p)
{
    struct stat st;
    double bytes = stat(p->plan.model, &st) ? 0 : (double)st.st_size;
    return bytes / 1e9 + p->estimate.seconds / (double)p->todo.n + 2 * p->baseline.seconds + (p->baseline.steady ? 60 : 0);
}

/* A folder's name that no run of the plan has yet. */
static void name_run(struct study_plan *plan, struct study_run *run, const struct profile *p)
{
    char stem[230], name[256];
    size_t n = 1;
    bool taken = true;
    profile_name(p, stem, sizeof stem);
    for (size_t i = 0; i < plan->n; i++) /* so many have such a name already: thousands of repeats are not tried one by one */
        n += plan->v[i].dir && ipw_starts(plan->v[i].dir, stem) && plan->v[i].dir[strlen(stem)] == '_';
    for (; taken; n++) {
        taken = false;
        snprintf(name, sizeof name, "%s_%zu", stem, n);
        for (size_t i = 0; i < plan->n; i++)
            taken |= plan->v[i].dir && !strcmp(plan->v[i].dir, name);
    }
    run->dir = ipw_strdup(name);
}

static int add(struct study_job *j, const struct study *s, const struct study_cell *c, const struct profile *base,
               const struct run_briefs *earlier, double *overhead, struct ipw_err *err)
{
    struct profile p;
    char *labels = NULL;
    bool here;
    profile_init(&p, base->cli);
    p.earlier = earlier;
    run_machine_read(&p.machine, &base->cli->env);
    int rc = configure(&p, s, c, base, err);
    if (!rc)
        rc = profile_labels(&base->labels, c->setting->label, s->repeats > 1 ? c->repeat : 0, &labels, err);
    if (!rc)
        rc = check(j, &p, &here, err);
    if (!rc && here) {
        struct study_run *run = study_plan_add(&j->plan);
        j->warned = j->warned || profile_samples_warn(&p);
        *overhead += overhead_s(&p);
        name_run(&j->plan, run, &p);
        run->labels = labels;
        labels = NULL;
        run->before = ipw_strdup(c->setting->before);
        run->questions = (int64_t)(p.todo.total ? p.todo.total : p.todo.n);
        run->seconds = p.estimate.seconds;
        run_plan_release(&run->plan);
        run->plan = p.plan;
        run_plan_init(&p.plan);
        j->estimate = ipw_realloc(j->estimate, j->plan.n * sizeof *j->estimate);
        j->estimate[j->plan.n - 1] = p.estimate;
    }
    free(labels);
    profile_release(&p);
    return rc;
}

int study_make(struct study_job *j, const struct study *s, const struct profile *base, struct ipw_err *err)
{
    double overhead = 0;
    int rc = 0;
    struct run_briefs earlier;
    struct ipw_err ignored;
    (void)!runs_list(&earlier, base->output_dir, &ignored);
    *j = (struct study_job){.cells = study_cells(s)};
    j->plan.name = ipw_strdup(s->name);
    j->plan.after = ipw_strdup(s->after);
    for (size_t i = 0; i < j->cells && !rc; i++) {
        struct study_cell c = study_cell_at(s, i);
        rc = add(j, s, &c, base, &earlier, &overhead, err);
    }
    runs_release(&earlier);
    if (!rc && s->judge)
        miss(j, "judge", s->judge);
    for (size_t i = 0; i < j->plan.n; i++) {
        j->seconds += j->estimate[i].seconds;
        j->joules += j->estimate[i].joules;
    }
    int64_t wanted = base->blocks ? base->blocks : s->blocks;
    size_t uncut = 0;
    for (size_t i = 0; i < j->plan.n; i++) {
        struct study_run *r = &j->plan.v[i];
        r->blocks = wanted && r->plan.duration_s <= 0 ? (wanted < r->questions ? wanted : r->questions)
                    : r->plan.duration_s > 0 ? 1
                    : j->plan.n > 1 ? study_blocks_of(j->seconds, overhead, r->questions)
                                    : 1;
        uncut += wanted > 1 && r->plan.duration_s > 0;
        j->seconds += (double)r->blocks * overhead / (double)j->plan.n;
    }
    if (uncut)
        cli_say("'blocks' does not hold for %zu run%s: what a duration ends is not cut", uncut, uncut == 1 ? "" : "s");
    return rc;
}

char *study_words(const json_val *obj, const char *between)
{
    struct ipw_buf s = IPW_BUF_INIT;
    for (struct json_iter it = json_iter(obj); json_next(&it);) {
        char *value = json_str(it.val) ? ipw_strdup(json_str(it.val)) : json_print(it.val);
        ipw_buf_addf(&s, "%s%s%s%s", s.len ? ", " : "", it.key, between, value);
        free(value);
    }
    return ipw_buf_take(&s);
}

char *study_run_labels(const struct study_run *r)
{
    struct json_doc *doc;
    struct ipw_err ignored;
    (void)!json_read(&doc, r->labels, strlen(r->labels), 0, &ignored); /* ours, and well formed */
    char *words = study_words(json_root(doc), "=");
    json_doc_free(doc);
    return words;
}

void study_say(const struct study_job *j)
{
    char words[32], joules[64] = "";
    size_t blocks = 0;
    for (size_t i = 0; i < j->plan.n; i++)
        blocks += (size_t)j->plan.v[i].blocks;
    if (isfinite(j->joules))
        snprintf(joules, sizeof joules, " and %.3g %s", j->joules < 1e6 ? j->joules / 1e3 : j->joules / 1e6,
                 j->joules < 1e6 ? "kJ" : "MJ");
    cli_say("%s: %zu run%s in %zu block%s, %s%s", j->plan.name, j->plan.n, j->plan.n == 1 ? "" : "s", blocks,
            blocks == 1 ? "" : "s", run_estimate_words(j->seconds, words), joules);
    study_say_commands(&j->plan);
}

/* Whole, however long: nothing runs that was not shown. */
static void say_command(const char *what, const char *command)
{
    enum { PIECE = 1500 };
    for (size_t at = 0, n = strlen(command); at < n; at += PIECE)
        cli_say("%s: %.*s", what, PIECE, command + at);
}

void study_say_commands(const struct study_plan *plan)
{
    for (size_t i = 0; i < plan->n; i++) {
        const char *b = plan->v[i].before;
        size_t k = 0;
        while (k < i && !ipw_streq(b, plan->v[k].before))
            k++;
        if (b && k == i) /* each once */
            say_command("before blocks", b);
    }
    if (plan->after)
        say_command("at the end", plan->after);
}
