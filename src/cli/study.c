/* ipw study: models x sets x engines x settings x repeats from a file, in turns. */
#include "cli/study.h"

#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "cli/shipped.h"
#include "report/report.h"

enum { ASK_ABOVE_S = 3600, LOOK_MS = 200 };

struct study_flags {
    struct profile base; /* models, sets, blocks, folders, what the end allows */
    char *resume;
    bool yes;
};

static void replace(struct study *s, struct study_list *l, struct option_list *given)
{
    profile_split(given);
    if (given->n)
        *l = (struct study_list){0};
    for (size_t i = 0; i < given->n; i++)
        study_list_add(s, l, given->v[i]);
}

static int open_study(struct study *s, struct study_job *j, const char *spec, struct profile *base, struct ipw_err *err)
{
    struct ipw_buf text = IPW_BUF_INIT;
    study_init(s);
    *j = (struct study_job){0};
    int rc = shipped_read(shipped_studies, "study", spec, &text, err);
    if (!rc)
        rc = study_read(s, spec, text.s, text.len, err);
    ipw_buf_release(&text);
    if (rc)
        return rc;
    if (!s->name) {
        const char *name = fs_basename(spec);
        s->name = ipw_arena_strndup(&s->arena, name, strlen(name) - (ipw_ends(name, ".json") ? strlen(".json") : 0));
    }
    replace(s, &s->models, &base->models);
    replace(s, &s->datasets, &base->datasets);
    return study_make(j, s, base, err);
}

/* ---- list ---- */

extern const struct command command_study_list, command_study_show, command_study_plan, command_study_run;

static int list(struct cli *cli, int argc, char **argv)
{
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    size_t n_rest;
    int code = 0;
    struct ipw_buf out = IPW_BUF_INIT;
    (void)cli;
    if (cli_options(&command_study_list, NULL, 0, argc, argv, rest, &n_rest, &code) || (code = cli_extra(rest, n_rest)))
        goto out;
    for (size_t i = 0; shipped_studies[i].name; i++) {
        struct study s;
        struct ipw_err err;
        study_init(&s);
        if (study_read(&s, shipped_studies[i].name, (const char *)shipped_studies[i].text, *shipped_studies[i].len, &err))
            IPW_BUG("%s", err.text);
        ipw_buf_addf(&out, "%s\n    %s\n", shipped_studies[i].name, s.about);
        study_release(&s);
    }
    code = cli_print(out.s, out.len);
out:
    ipw_buf_release(&out);
    free(rest);
    return code;
}

/* ---- show, plan ---- */

enum { WIDTH = 66 }; /* of what stands beside a heading */

static void add_list(struct ipw_buf *out, const char *what, const struct study_list *l, const char *none)
{
    ipw_buf_addf(out, "   %-10s", what);
    if (!l->n)
        ipw_buf_adds(out, none);
    for (size_t i = 0; i < l->n; i++) {
        if (i)
            ipw_buf_addf(out, "\n%13s", "");
        report_cut(l->v[i], WIDTH, out);
    }
    ipw_buf_addc(out, '\n');
}

static void add_settings(struct ipw_buf *out, const struct study *s)
{
    bool any = false;
    for (size_t i = 0; i < s->n_settings; i++) {
        const struct study_setting *t = &s->settings[i];
        const struct {
            const char *what;
            char *text;
        } part[] = {{"", study_words(t->label, "=")},
                    {"with ", study_words(t->options, " ")},
                    {"before: ", ipw_strdup(t->before ? t->before : "")}};
        for (size_t k = 0; k < sizeof part / sizeof part[0]; k++) {
            if (*part[k].text) {
                ipw_buf_addf(out, "   %-10s%s", any ? "" : "settings", part[k].what);
                report_cut(part[k].text, WIDTH - (int)strlen(part[k].what), out);
                ipw_buf_addc(out, '\n');
                any = true;
            }
            free(part[k].text);
        }
    }
}

static void add_missing(struct ipw_buf *out, const struct study_job *j)
{
    static const char *const kinds[] = {"engine", "model", "question set", "judge"};
    if (j->missing.n)
        ipw_buf_adds(out, "\n Missing here; it cannot run without\n");
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        for (size_t i = 0; i < j->missing.n; i++)
            if (ipw_starts(j->missing.v[i], kinds[k])) {
                ipw_buf_adds(out, "   ");
                report_cut(j->missing.v[i], WIDTH, out);
                ipw_buf_addc(out, '\n');
            }
}

static void add_cost(struct ipw_buf *out, const struct study_job *j)
{
    char words[32], num[24];
    size_t blocks = 0;
    for (size_t i = 0; i < j->plan.n; i++)
        blocks += (size_t)j->plan.v[i].blocks;
    ipw_buf_addf(out, "   %-10s%zu", "runs", j->cells);
    if (j->plan.n) {
        if (j->plan.n < j->cells)
            ipw_buf_addf(out, ", of which %zu can start", j->plan.n);
        ipw_buf_addf(out, " in %zu block%s, %s", blocks, blocks == 1 ? "" : "s", run_estimate_words(j->seconds, words));
        if (isfinite(j->joules)) {
            report_num(j->joules / 1e3, num);
            ipw_buf_addf(out, ", %s kJ", num);
        }
        ipw_buf_addf(out, " (from %s)", j->estimate[0].basis);
    }
    ipw_buf_addc(out, '\n');
}

static void add_study(struct ipw_buf *out, const struct study *s, const struct study_job *j)
{
    ipw_buf_addc(out, ' ');
    report_cut(s->name, WIDTH, out);
    if (s->about) {
        ipw_buf_adds(out, "\n ");
        report_cut(s->about, 78, out);
    }
    ipw_buf_adds(out, "\n\n");
    add_list(out, "models", &s->models, "none: give -m");
    add_list(out, "datasets", &s->datasets, "starter");
    add_list(out, "engines", &s->engines, "llama");
    if (s->preset)
        add_list(out, "preset", &(struct study_list){(const char *[]){s->preset}, 1}, "");
    add_settings(out, s);
    ipw_buf_addf(out, "   %-10s%lld\n", "repeats", (long long)s->repeats);
    if (s->after)
        add_list(out, "after", &(struct study_list){(const char *[]){s->after}, 1}, "");
    add_cost(out, j);
    add_missing(out, j);
}

static void add_plan(struct ipw_buf *out, const struct study_job *j)
{
    static const char *const head[] = {"#", "model", "dataset", "labels", "n", "blocks", "time"};
    enum { COLS = sizeof head / sizeof head[0] };
    struct ipw_arena arena = {0};
    const char **cells = ipw_calloc(j->plan.n * COLS + 1, sizeof *cells);
    struct study_block *block;
    size_t k = 0, n = study_order(&j->plan, &block);
    for (size_t i = 0; i < j->plan.n; i++) {
        const struct study_run *r = &j->plan.v[i];
        char num[3][24], words[32], model[64];
        char *labels = study_run_labels(r);
        run_plan_model_word(&r->plan, model, sizeof model);
        snprintf(num[0], sizeof num[0], "%zu", i + 1);
        snprintf(num[1], sizeof num[1], "%lld", (long long)r->questions);
        snprintf(num[2], sizeof num[2], "%lld", (long long)r->blocks);
        const char *row[COLS] = {num[0], model, fs_basename(r->plan.dataset), labels, num[1], num[2],
                                 run_estimate_words(r->seconds, words) + strlen("about ")};
        for (size_t c = 0; c < COLS; c++)
            cells[k++] = ipw_arena_strdup(&arena, row[c]);
        free(labels);
    }
    ipw_buf_addc(out, '\n');
    report_table(&(struct report_table){head, COLS, j->plan.n, cells, 1u | 1u << 4 | 1u << 5}, "table", 80, out);
    ipw_buf_adds(out, "\n Order of the blocks, by run:");
    size_t column = 80;
    for (size_t i = 0; i < n; i++) {
        char text[24];
        int len = snprintf(text, sizeof text, " %zu", block[i].run + 1);
        if (column + (size_t)len > 79) {
            ipw_buf_adds(out, "\n  ");
            column = 2;
        }
        ipw_buf_adds(out, text);
        column += (size_t)len;
    }
    ipw_buf_addc(out, '\n');
    ipw_arena_release(&arena);
    free(cells);
    free(block);
}

/* The one study that the words left over name. */
static int one(const char *const *rest, size_t n, struct ipw_err *err)
{
    if (n == 1)
        return 0;
    return n ? ipw_err_set(err, IPW_E_USAGE, "unexpected '%s': one study at a time", rest[1])
             : ipw_err_set(err, IPW_E_USAGE, "which study? give a file or a name; ipw study list tells the names");
}

static int tell(const struct command *cmd, bool plan, struct cli *cli, int argc, char **argv)
{
    struct profile base;
    profile_init(&base, cli);
    struct option opt[] = {
        {"model", NULL, 'm', OPTION_LIST, &base.models, 0, 0, "FILE", "instead of the study's models", false},
        {"dataset", NULL, 0, OPTION_LIST, &base.datasets, 0, 0, "NAME|FILE", "instead of the study's datasets", false},
        {"blocks", NULL, 0, OPTION_INT, &base.blocks, 1, 1000, "N", "parts of a run taken in turns (auto)", false},
        {"output-dir", NULL, 0, OPTION_TEXT, &base.output_dir, 0, 0, "DIR", "where earlier runs are (runs)", false},
    };
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct ipw_buf out = IPW_BUF_INIT;
    struct ipw_err err = {0};
    size_t n_rest;
    int code = 0;
    if (cli_options(cmd, opt, sizeof opt / sizeof opt[0], argc, argv, rest, &n_rest, &code))
        goto out;
    int rc = one(rest, n_rest, &err);
    if (!rc) {
        struct study s;
        struct study_job j;
        rc = open_study(&s, &j, rest[0], &base, &err);
        if (!rc) {
            add_study(&out, &s, &j);
            if (plan && j.plan.n)
                add_plan(&out, &j);
        }
        study_job_release(&j);
        study_release(&s);
    }
    code = rc ? cli_fail(&err) : cli_print(out.s, out.len);
out:
    ipw_buf_release(&out);
    profile_release(&base);
    free(rest);
    return code;
}

static int show(struct cli *cli, int argc, char **argv)
{
    return tell(&command_study_show, false, cli, argc, argv);
}

static int plan(struct cli *cli, int argc, char **argv)
{
    return tell(&command_study_plan, true, cli, argc, argv);
}

/* ---- run ---- */

/* A signal ends the asking too. */
static int answer(const struct cli *cli, bool *yes, struct ipw_err *err)
{
    char text[16] = "";
    struct pollfd in = {STDIN_FILENO, POLLIN, 0};
    fprintf(stderr, "ipw: start? [y/N] ");
    fflush(stderr);
    for (int ready = 0; !ready; ready = poll(&in, 1, LOOK_MS) > 0) /* read alone begins again after a signal */
        if (atomic_load(cli->signals)) {
            fputc('\n', stderr);
            return ipw_err_set(err, IPW_E_INTERRUPTED, "interrupted; nothing was started");
        }
    ssize_t n = read(STDIN_FILENO, text, sizeof text - 1);
    *yes = n > 0 && (text[0] == 'y' || text[0] == 'Y');
    return 0;
}

int study_confirm(const struct cli *cli, const struct study_plan *plan, double seconds, bool *yes, struct ipw_err *err)
{
    bool commanded = plan->after != NULL;
    char words[32], takes[64] = "";
    for (size_t i = 0; i < plan->n; i++)
        commanded |= plan->v[i].before != NULL;
    *yes |= seconds <= ASK_ABOVE_S && !commanded;
    if (*yes)
        return 0;
    if (isatty(STDIN_FILENO) && cli->err_tty)
        return answer(cli, yes, err);
    if (seconds > 0)
        snprintf(takes, sizeof takes, "takes %s%s", run_estimate_words(seconds, words), commanded ? " and " : "");
    return ipw_err_set(err, IPW_E_USAGE, "study '%s' %s%s, and there is no terminal to ask on; ipw study run with -y starts it "
                       "without asking", plan->name, takes, commanded ? "runs the commands above" : "");
}

static int start(const char *spec, struct study_flags *f)
{
    struct study s;
    struct study_job j;
    struct ipw_err err;
    char dir[PATH_MAX];
    int code = 0, rc = open_study(&s, &j, spec, &f->base, &err);
    for (size_t i = 0; i < j.missing.n && !rc; i++)
        cli_say("missing: %s", j.missing.v[i]);
    if (!rc && j.missing.n == 1)
        rc = j.first_missing.code ? (err = j.first_missing).code
                                  : ipw_err_set(&err, IPW_E_INPUT, "study '%s' cannot run here: this build has no judges", s.name);
    else if (!rc && j.missing.n)
        rc = ipw_err_set(&err, IPW_E_INPUT, "study '%s' cannot run here: %zu things are missing; the list is above", s.name,
                         j.missing.n);
    if (!rc) {
        study_say(&j);
        rc = study_confirm(f->base.cli, &j.plan, j.seconds, &f->yes, &err);
    }
    if (!rc && f->yes)
        rc = study_folder_make(&j.plan, f->base.output_dir, dir, &err);
    if (rc)
        code = cli_fail(&err);
    else if (f->yes)
        code = study_execute(&j.plan, dir, &f->base);
    study_job_release(&j);
    study_release(&s);
    return code;
}

static int run(struct cli *cli, int argc, char **argv)
{
    static const char *const formats[] = {"table", "json", "csv", "md", NULL};
    struct study_flags f = {0};
    struct profile *p = &f.base;
    profile_init(p, cli);
    struct option opt[] = {
        {"model", NULL, 'm', OPTION_LIST, &p->models, 0, 0, "FILE", "instead of the study's models", false},
        {"dataset", NULL, 0, OPTION_LIST, &p->datasets, 0, 0, "NAME|FILE", "instead of the study's datasets", false},
        {"blocks", NULL, 0, OPTION_INT, &p->blocks, 1, 1000, "N", "parts of a run taken in turns (auto)", false},
        {"label", NULL, 0, OPTION_LIST, &p->labels, 0, 0, "KEY=VALUE", "a column of every run; again for more", false},
        {"yes", NULL, 'y', OPTION_FLAG, &f.yes, 0, 0, NULL, "start without asking", false},
        {"resume", NULL, 0, OPTION_TEXT, &f.resume, 0, 0, "FOLDER", "go on with the study in this folder", false},
        {"retry-errors", NULL, 0, OPTION_FLAG, &p->retry_errors, 0, 0, NULL, "ask failed questions again", false},
        {"allow-other-machine", NULL, 0, OPTION_FLAG, &p->other_machine, 0, 0, NULL, "go on with it on other hardware", false},
        {"output-dir", NULL, 0, OPTION_TEXT, &p->output_dir, 0, 0, "DIR", "where its folder goes (runs)", false},
        {"allow-failures", NULL, 0, OPTION_INT, &p->allow_failures, 0, 1e9, "N", "exit 0 with up to N failed a run (0)", false},
        {"allow-missing", NULL, 0, OPTION_FLAG, &p->allow_missing, 0, 0, NULL, "IPJ though many joules are missing", false},
        {"output", NULL, 'o', OPTION_TEXT, &p->format, 0, 0, "FORMAT", "table, json, csv or md (table)", false},
    };
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct ipw_err err = {0};
    size_t n_rest;
    int code = 0;
    if (cli_options(&command_study_run, opt, sizeof opt / sizeof opt[0], argc, argv, rest, &n_rest, &code))
        goto out;
    if (!(err.code = cli_format(p->format, formats, &err)) && f.resume && n_rest)
        ipw_err_set(&err, IPW_E_USAGE, "unexpected '%s': --resume takes the study from its folder", rest[0]);
    else if (!err.code && !f.resume)
        one(rest, n_rest, &err);
    for (size_t i = 0; i < 4 && f.resume && !err.code; i++)
        if (opt[i].seen)
            ipw_err_set(&err, IPW_E_USAGE, "--resume takes '--%s' from the study's folder; leave it out, or start a new study",
                        opt[i].name);
    code = err.code ? cli_fail(&err) : f.resume ? study_resume(p, f.resume, f.yes) : start(rest[0], &f);
out:
    profile_release(p);
    free(f.resume);
    free(rest);
    return code;
}

const struct command command_study_list = {
    .name = "list", .summary = "the studies that come with ipw", .usage = "ipw study list", .run = list};
const struct command command_study_show = {
    .name = "show",
    .summary = "what a study asks, how long it takes, what is missing for it",
    .usage = "ipw study show FILE|NAME [-m MODEL.gguf]",
    .run = show,
};
const struct command command_study_plan = {
    .name = "plan",
    .summary = "its runs and the order of their blocks",
    .usage = "ipw study plan FILE|NAME [-m MODEL.gguf]",
    .run = plan,
};
const struct command command_study_run = {
    .name = "run",
    .summary = "carry it out, or go on with it",
    .usage = "ipw study run FILE|NAME [-m MODEL.gguf] [-y]",
    .run = run,
};
static const struct command *const subs[] = {&command_study_list, &command_study_show, &command_study_plan,
                                             &command_study_run, NULL};
const struct command command_study = {
    .name = "study",
    .group = "Prepare",
    .summary = "several models, sets and settings in turns, from a file",
    .usage = "ipw study COMMAND [options]",
    .details = "A study is a JSON file: models, question sets, settings, repeats. Its runs are cut into blocks "
               "that take turns, so that a machine that warms up or slows down does so for all of them. It says "
               "first how long it takes; what was cut off goes on where it stopped. The runs are ordinary ones: "
               "ipw list, analyze and compare read them.\n",
    .examples = "ipw study list\n"
                "ipw study plan power-caps -m model.gguf\n"
                "ipw study run my-study.json\n",
    .subs = subs,
};
