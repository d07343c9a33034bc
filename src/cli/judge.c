/* ipw judge RUN: stored answers judged by a model, by their reference answers or against another run's. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/model_name.h"
#include "base/str.h"
#include "cli/complete.h"
#include "cli/meter.h"
#include "cli/paths.h"
#include "cli/profile.h"
#include "cli/runs.h"
#include "energy/session.h"
#include "report/report.h"
#include "run/judge.h"
#include "run/load.h"
#include "run/segment.h"
#include "stats/stats.h"

enum { FILE_MAX_BYTES = 64 << 20, MAX_TOKENS = 1024 };

struct judge {
    struct profile p; /* of it only what opens a model */
    char *prompt, *labels, *against;
    struct ipw_buf prompt_text, labels_text;
    struct option_list dirs;
    struct judge_form form;
    struct run_judge work;
    struct store *other;
    char other_dir[PATH_MAX], cache[PATH_MAX], name[200], id[1200];
    struct energy_session *session;
    int64_t drawn_ns;
};

static void judge_release(struct judge *j)
{
    energy_session_close(j->session);
    store_close(j->other);
    option_list_release(&j->dirs);
    ipw_buf_release(&j->prompt_text);
    ipw_buf_release(&j->labels_text);
    free(j->prompt);
    free(j->labels);
    free(j->against);
    profile_release(&j->p);
}

/* ---- what judges, by what ---- */

static int read_files(struct judge *j, struct ipw_err *err)
{
    int rc = 0;
    if (j->prompt && !(rc = fs_read(j->prompt, FILE_MAX_BYTES, &j->prompt_text, err)))
        rc = judge_form_read(&j->form, j->prompt, j->prompt_text.s, j->prompt_text.len, err);
    if (!rc && j->labels)
        rc = fs_read(j->labels, FILE_MAX_BYTES, &j->labels_text, err);
    return rc;
}

/* Without a prompt of the user's: a comparison where there is something to compare with. */
static int choose_form(struct judge *j, struct ipw_err *err)
{
    bool pairs = j->against != NULL;
    int rc = 0;
    if (!*j->form.id) {
        for (size_t i = 0; i < j->dirs.n && !rc && !pairs; i++) {
            struct store *store;
            if (!(rc = store_open(&store, j->dirs.v[i], false, err))) {
                pairs = run_judge_compares(store);
                store_close(store);
            }
        }
        j->form = pairs ? judge_form_pairwise : judge_form_reference;
    }
    if (!rc && j->against && !j->form.pairwise)
        rc = ipw_err_set(err, IPW_E_USAGE, "--against compares two answers, and '%s' shows one; it needs {answer_a} and {answer_b}",
                         j->prompt);
    return rc;
}

static int open_other(struct judge *j, struct ipw_err *err)
{
    if (!j->against)
        return 0;
    cli_run_dir(j->against, j->p.output_dir, j->other_dir);
    return store_open(&j->other, j->other_dir, false, err);
}

static int open_judge(struct judge *j, struct ipw_err *err)
{
    struct profile *p = &j->p;
    int rc;
    if (p->models.n > 1 || p->concurrencies.n > 1)
        return ipw_err_set(err, IPW_E_USAGE, "one judge at a time, with one --concurrency");
    p->plan.model = p->models.n ? ipw_strdup(p->models.v[0]) : NULL;
    snprintf(p->dir, sizeof p->dir, "%s", j->dirs.n ? j->dirs.v[0] : "."); /* where a server's log goes */
    if (p->plan.max_tokens == RUN_UNSET)
        p->plan.max_tokens = MAX_TOKENS;
    if ((rc = profile_check_engine(p, err)))
        return rc;
    if (!p->plan.model && !(p->ops->caps & ENGINE_REMOTE))
        return ipw_err_set(err, IPW_E_USAGE, "which judge? -m takes a GGUF file, or a name of ipw model list");
    if ((rc = profile_check_model(p, err)) ||
        (rc = cli_meter_open(&p->meter, p->cli, &(struct cli_meter){p->plan.energy, p->plan.devices, p->plan.include}, err)) ||
        (rc = profile_open_engine(p, err)))
        return rc;
    run_segment_computing(p->meter, p->ops, p->engine);
    if (!strcmp(p->plan.energy, "measured") && (rc = meter_require_measured(p->meter, err)))
        return rc;
    return energy_session_open(&j->session, &p->cli->env, p->meter, NULL, NULL, err);
}

static void describe_judge(struct judge *j)
{
    const struct profile *p = &j->p;
    const struct engine_model *m = p->ops->model(p->engine);
    const char *blob = run_plan_blob_name(&p->plan), *said = *p->plan.model ? fs_basename(p->plan.model) : "model";
    snprintf(j->name, sizeof j->name, "%.190s", blob ? blob : m->name && *m->name ? m->name : said);
    if (p->ops->caps & ENGINE_REMOTE)
        snprintf(j->id, sizeof j->id, "%s %.400s %.300s %.400s", p->ops->name, p->plan.base_url ? p->plan.base_url : p->ops->usual_url,
                 p->plan.model, p->plan.extra_body ? p->plan.extra_body : "");
    else
        snprintf(j->id, sizeof j->id, "%s %.200s ctx %lld", p->ops->name, m->fingerprint ? m->fingerprint : said,
                 (long long)m->n_ctx);
}

static bool same_family(const struct judge *j, const struct table_run *run)
{
    char judge[24], judged[24];
    const char *fingerprint = j->p.ops->model(j->p.engine)->fingerprint;
    model_family(j->name, judge);
    model_family(run->model_name ? run->model_name : "", judged);
    return (fingerprint && ipw_streq(fingerprint, run->model_fingerprint)) || (*judge && !strcmp(judge, judged));
}

static void on_progress(void *ud, size_t done)
{
    struct judge *j = ud;
    int64_t now = ipw_now(&j->p.cli->env);
    if (!j->p.cli->err_tty || now - j->drawn_ns < 250000000)
        return;
    j->drawn_ns = now;
    fprintf(stderr, "\r\033[K%zu judged", done);
}

/* ---- one run ---- */

static void fill_labels(const struct run_judge_labels *l, const struct run_judge_sum *sum, struct table_judge *out)
{
    out->labels = (double)l->n;
    out->agreement = l->agreement;
    out->kappa = l->kappa;
    if (l->right && l->wrong) {
        out->sensitivity = (double)l->judged_right / (double)l->right;
        out->specificity = (double)l->judged_wrong / (double)l->wrong;
    }
    if (sum && l->kappa >= TABLE_JUDGE_KAPPA && sum->n > sum->unscored) {
        size_t n = sum->n - sum->unscored;
        struct stats_interval k = stats_rogan_gladen(sum->right / (double)n, n, l->judged_right, l->right, l->judged_wrong,
                                                     l->wrong);
        out->corrected = k.est;
        out->corrected_lo = k.lo;
        out->corrected_hi = k.hi;
    }
}

static void fill(struct judge *j, const struct run_judge_sum *sum, const struct energy_result *e, struct table_judge *out)
{
    const struct energy_value *v = &e->total[ENERGY_TOTAL_COMPONENT];
    const struct judging_counts *c = &sum->counts;
    *out = (struct table_judge){.model = j->name, .engine = j->p.ops->name, .form = j->form.id,
                                .scorer = run_judge_scorer(&j->form), .reason = sum->why, .against = j->against ? fs_basename(j->other_dir) : NULL,
                                .version = sum->version, .n = (double)sum->n, .unscored = (double)sum->unscored,
                                .right = sum->right, .not_attempted = (double)sum->not_attempted, .wins = (double)sum->wins,
                                .ties = (double)sum->ties, .losses = (double)sum->losses, .flips = (double)sum->flips,
                                .asked = (double)c->asked, .cached = (double)c->cached, .n_in = (double)c->n_in,
                                .n_out = (double)c->n_out, .seconds = e->seconds,
                                .energy_j = energy_value_known(v) ? (double)v->nj * 1e-9 : (double)NAN,
                                .energy_source = meter_source(j->p.meter), .agreement = NAN, .kappa = NAN, .sensitivity = NAN,
                                .specificity = NAN, .corrected = NAN, .corrected_lo = NAN, .corrected_hi = NAN};
}

static int judge_answers(struct judge *j, struct run_judge_sum *sum, struct run_judge_labels *labels, struct ipw_err *err)
{
    int rc = j->work.store ? run_judge(&j->work, sum, err) : 0;
    if (!rc && j->labels)
        rc = run_judge_labels(&j->work, sum->version, j->labels, j->labels_text.s, j->labels_text.len, labels, err);
    if (j->p.cli->err_tty)
        fprintf(stderr, "\r\033[K");
    return rc;
}

static int check_run(const struct judge *j, const char *dir, const struct table_run *run, struct ipw_err *err)
{
    struct stat a, b;
    if (strcmp(table_mode(run), TABLE_ANSWERS) != 0)
        return ipw_err_set(err, IPW_E_INPUT, "'%s' holds %s: there is no answer to judge", dir,
                           !strcmp(table_mode(run), TABLE_LIKELY) ? "log-likelihoods" : "perplexities");
    if (j->other && !stat(dir, &a) && !stat(j->other_dir, &b) && a.st_ino == b.st_ino && a.st_dev == b.st_dev)
        return ipw_err_set(err, IPW_E_USAGE, "'%s' against itself: --against names another run of the same questions", dir);
    return 0;
}

/* dir NULL: only the labels are judged. */
static int judge_run(struct judge *j, const char *dir, struct table_judge *out, struct ipw_buf *text, struct ipw_err *err)
{
    struct table_run run = {0};
    struct accuracy_result figures = {0};
    struct run_judge_sum sum = {0};
    struct run_judge_labels labels = {0};
    int rc = 0;
    if (dir && ((rc = store_open(&j->work.store, dir, true, err)) || (rc = run_load(&run, j->work.store, dir, err)) ||
                (rc = check_run(j, dir, &run, err))))
        goto out;
    bool family = dir && same_family(j, &run);
    if (family)
        cli_say("the judge is of the family of the model that answered, '%s', and may prefer its answers; another family's is better",
                run.model_name);
    struct energy_window *w = energy_window_begin(j->session);
    rc = judge_answers(j, &sum, &labels, err);
    energy_window_end(w);
    if (!rc) {
        fill(j, &sum, energy_window_result(w), out);
        out->same_family = family;
        if (j->labels)
            fill_labels(&labels, dir ? &sum : NULL, out);
    }
    energy_window_free(w);
    if (!rc && dir && !(rc = store_begin(j->work.store, err)) && !(rc = run_judge_put(j->work.store, out, err)) &&
        !(rc = store_commit(j->work.store, err))) {
        table_run_release(&run);
        rc = cli_figures(j->work.store, dir, false, &run, &figures, err);
    }
    if (!rc && text) {
        ipw_buf_addf(text, "%s\n", dir ? dir : j->labels);
        report_judge(out, text);
    }
out:
    table_run_release(&run);
    accuracy_release(&figures);
    store_close(j->work.store);
    j->work.store = NULL;
    return rc;
}

static int judge_all(struct judge *j, bool *invalid, struct ipw_buf *out, struct ipw_err *err)
{
    bool json = !strcmp(j->p.format, "json");
    struct json_out *o = json_out_new();
    json_node *list = json_new_arr(o);
    size_t n = j->dirs.n ? j->dirs.n : 1; /* one without a run */
    int rc = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        struct table_judge result;
        const char *dir = j->dirs.n ? j->dirs.v[i] : NULL;
        if ((rc = judge_run(j, dir, &result, json ? NULL : out, err)))
            break;
        *invalid |= table_judge_invalid(&result);
        json_node *r = json_put_obj(o, list, NULL);
        json_put_str(o, r, "run", dir);
        table_judge_put(o, r, &result);
    }
    if (!rc && json) {
        char *text = json_write(o, list, true);
        ipw_buf_adds(out, text);
        free(text);
    }
    json_out_free(o);
    return rc;
}

static int judge_work(struct judge *j)
{
    struct ipw_buf out = IPW_BUF_INIT;
    struct ipw_err err;
    bool invalid = false;
    int rc, code;
    if ((rc = read_files(j, &err)) || (rc = open_other(j, &err)) || (rc = choose_form(j, &err)) || (rc = open_judge(j, &err)))
        return cli_fail(&err);
    describe_judge(j);
    cli_cache_file("verdicts", j->cache);
    j->work = (struct run_judge){.other = j->other,
                                 .asking = {.env = &j->p.cli->env, .ops = j->p.ops, .engine = j->p.engine, .form = &j->form,
                                            .judge = j->id, .cache = *j->cache ? j->cache : NULL,
                                            .max_tokens = j->p.plan.max_tokens, .at_once = j->p.arrival.slots,
                                            .stop = j->p.cli->signals},
                                 .progress = on_progress, .ud = j};
    rc = judge_all(j, &invalid, &out, &err);
    code = cli_print(out.s, out.len);
    ipw_buf_release(&out);
    if (rc == IPW_E_INTERRUPTED) {
        cli_say("interrupted; what was judged is kept, the same command goes on with the rest");
        return ipw_err_exit_code(rc);
    }
    if (rc)
        return cli_fail(&err);
    return code ? code : invalid;
}

/* The rows of `ipw profile` that say which model, where and how. */
static size_t shared_options(struct profile *p, struct option *out)
{
    static const char *const names[] = {"model", "engine", "client-base-url", "serve", "endpoint-type", "api-key-env", "header",
                                        "extra-body", "cacert", "timeout", "connect-timeout", "keep-alive", "concurrency", "energy",
                                        "devices", "include", "ctx", "threads", "gpu-layers", "output-dir", "output"};
    struct option all[PROFILE_MAX_OPTIONS];
    size_t resume, n = profile_options(p, all, &resume), k = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (size_t a = 0; a < n; a++)
            if (!strcmp(all[a].name, names[i]))
                out[k++] = all[a];
    return k;
}

extern const struct command command_judge;

static int judge(struct cli *cli, int argc, char **argv)
{
    static const char *const formats[] = {"table", "json", NULL};
    struct judge j = {.prompt_text = IPW_BUF_INIT, .labels_text = IPW_BUF_INIT};
    struct option opt[PROFILE_MAX_OPTIONS];
    struct ipw_err err;
    size_t n_rest = 0;
    int code;
    profile_init(&j.p, cli);
    size_t n = shared_options(&j.p, opt);
    const struct option own[] = {
        {"max-tokens", NULL, 0, OPTION_INT, &j.p.plan.max_tokens, 16, 1e6, "N", "per reply; 4096 for one that thinks (1024)", false},
        {"against", NULL, 0, OPTION_TEXT, &j.against, 0, 0, "RUN", "compare with that run's answers, in both orders", false},
        {"prompt", NULL, 0, OPTION_TEXT, &j.prompt, 0, 0, "FILE", "what the judge is asked, instead of ours", false},
        {"labels", NULL, 0, OPTION_TEXT, &j.labels, 0, 0, "FILE.jsonl", "people's verdicts: how far the judge agrees", false}};
    memcpy(opt + n, own, sizeof own);
    n += sizeof own / sizeof own[0];
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    if (cli_options(&command_judge, opt, n, argc, argv, rest, &n_rest, &code))
        goto out;
    if (cli_format(j.p.format, formats, &err))
        code = cli_fail(&err);
    else if (!n_rest && !j.labels) {
        ipw_err_set(&err, IPW_E_USAGE, "what is to be judged? ipw judge runs/profile_... -m MODEL");
        code = cli_fail(&err);
    } else {
        cli_run_dirs(rest, n_rest, j.p.output_dir, &j.dirs);
        code = judge_work(&j);
    }
out:
    judge_release(&j);
    free(rest);
    return code;
}

const struct command command_judge = {
    .name = "judge",
    .group = "Understand",
    .summary = "let a model judge stored answers, or compare two runs' answers",
    .usage = "ipw judge RUN... -m MODEL [options]\n"
             "ipw judge RUN --against RUN -m MODEL",
    .details = "Asks a model about every answer whose score is left to a judge; of a run that has none such, about every answer. By "
               "default it sees the question, the reference answer and the answer; with --against, or in sets made for it, two "
               "answers in both orders. Temperature is 0. A reply without a verdict in the form asked for is asked for again "
               "twice; after that the answer stays unscored, and with more than 2 % of these it exits 1.\n"
               "\n"
               "Judging happens after the run: its joules are told apart and are in no figure of the run. Replies are kept by their "
               "content (IPW_CACHE), so that the same one is never asked twice.\n"
               "\n"
               "--labels: one object a line, {\"query_id\", \"label\"} for an answer of the run, else {\"question\", \"answer\", "
               "\"response\", \"label\"}; label is correct or incorrect, of comparisons win, tie or loss. --prompt: a text with "
               "{question}, {reference} and {answer}, or {question}, {answer_a} and {answer_b}; {mark} is a word that stands in "
               "none of them.\n",
    .examples = "ipw judge runs/RUN -m judge.gguf\n"
                "ipw judge runs/RUN -m judge.gguf --labels people.jsonl\n"
                "ipw judge runs/RUN --against runs/OTHER -m judge.gguf\n"
                "ipw judge runs/RUN --client openai --client-base-url URL -m NAME\n",
    .run = judge,
};
