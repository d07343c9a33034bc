/* ipw score RUN: stored answers again, by the scorers of this version; no model needed. */
#include "cli/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/accuracy.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/complete.h"
#include "cli/runs.h"
#include "report/report.h"
#include "run/finish.h"
#include "run/load.h"
#include "score/score.h"

struct rescored {
    const char *dir;
    struct table_run before, after;
    struct accuracy_result was, is;
    size_t *changed, n_changed, cap_changed; /* rows; the same in both */
};

static const char *scorer_of(const struct table_run *run) /* NULL: each question's own */
{
    return run->settings[TABLE_SETTING_SCORER].text;
}

static bool same_score(const struct table_row *a, const struct table_row *b)
{
    return a->score == b->score && (isnan(a->correct) ? isnan(b->correct) : a->correct == b->correct);
}

static void rescored_release(struct rescored *r)
{
    table_run_release(&r->before);
    table_run_release(&r->after);
    accuracy_release(&r->was);
    accuracy_release(&r->is);
    free(r->changed);
}

static int rescore(struct rescored *r, const char *scorer, struct ipw_err *err)
{
    struct store *store;
    int rc = store_open(&store, r->dir, true, err);
    if (rc)
        return rc;
    if (!(rc = run_load(&r->before, store, r->dir, err)) && !(rc = run_rescore(store, scorer, err)) &&
        !(rc = cli_figures(store, r->dir, false, &r->after, &r->is, err))) {
        accuracy_of(&r->before, false, &r->was);
        for (size_t i = 0; i < r->after.n; i++)
            if (!same_score(&r->before.v[i], &r->after.v[i])) {
                IPW_GROW(r->changed, r->n_changed, r->cap_changed);
                r->changed[r->n_changed++] = i;
            }
    }
    store_close(store);
    return rc;
}

static void put_row(struct json_out *o, json_node *at, const char *key, const struct table_row *r)
{
    json_node *n = json_put_obj(o, at, key);
    json_put_str(o, n, "status", score_status_name((int)r->score));
    json_put_num(o, n, "correct", r->correct);
    json_put_str(o, n, "extracted", r->extracted);
}

static void as_json(const struct rescored *v, size_t n, struct ipw_buf *out)
{
    struct json_out *o = json_out_new();
    json_node *list = json_new_arr(o);
    for (size_t i = 0; i < n; i++) {
        json_node *r = json_put_obj(o, list, NULL);
        json_put_str(o, r, "run", v[i].dir);
        json_put_str(o, r, "scorer", scorer_of(&v[i].after));
        json_put_num(o, r, "accuracy_before", v[i].was.accuracy.est);
        json_put_num(o, r, "accuracy", v[i].is.accuracy.est);
        json_put_int(o, r, "n", (int64_t)v[i].is.n_scored);
        json_put_int(o, r, "unscored", (int64_t)v[i].is.n_unscored);
        json_node *changed = json_put_arr(o, r, "changed");
        for (size_t k = 0; k < v[i].n_changed; k++) {
            const struct table_row *was = &v[i].before.v[v[i].changed[k]], *is = &v[i].after.v[v[i].changed[k]];
            json_node *c = json_put_obj(o, changed, NULL);
            json_put_str(o, c, "query_id", is->query_id);
            json_put_int(o, c, "sample", is->sample);
            put_row(o, c, "before", was);
            put_row(o, c, "now", is);
        }
    }
    char *text = json_write(o, list, true);
    ipw_buf_adds(out, text);
    free(text);
    json_out_free(o);
}

static void add_accuracy(const char *name, const char *scorer, const struct accuracy_result *r, struct ipw_buf *out)
{
    ipw_buf_addf(out, "  %-8s", name);
    if (isnan(r->accuracy.est))
        ipw_buf_adds(out, "nothing is scored");
    else
        ipw_buf_addf(out, "%.1f %% right of %zu", 100 * r->accuracy.est, r->n_scored);
    if (r->n_unscored)
        ipw_buf_addf(out, ", %zu unscored", r->n_unscored);
    ipw_buf_addf(out, ", by %s\n", scorer ? scorer : "the questions' own scorers");
}

static void add_verdict(const struct table_row *r, struct ipw_buf *cell)
{
    ipw_buf_adds(cell, score_status_name((int)r->score));
    if (r->extracted) {
        ipw_buf_adds(cell, ": ");
        report_cut(r->extracted, 20, cell);
    }
}

static void add_question(const struct rescored *v, const struct table_row *r, struct ipw_buf *cell)
{
    ipw_buf_adds(cell, r->query_id);
    if (v->is.n_questions < v->is.n_rows)
        ipw_buf_addf(cell, ", sample %lld", (long long)r->sample);
}

static void as_text(const struct rescored *v, size_t n, struct ipw_buf *out)
{
    enum { SHOWN = 20 };
    static const char *const head[] = {"question", "before", "now"};
    for (size_t i = 0; i < n; i++) {
        ipw_buf_addf(out, "%s\n", v[i].dir);
        add_accuracy("before", scorer_of(&v[i].before), &v[i].was, out);
        add_accuracy("now", scorer_of(&v[i].after), &v[i].is, out);
        ipw_buf_addf(out, "  %zu of %zu verdicts changed\n", v[i].n_changed, v[i].after.n);
        size_t shown = v[i].n_changed < SHOWN ? v[i].n_changed : SHOWN;
        if (!shown)
            continue;
        struct ipw_buf cell[SHOWN][3] = {{{0}}};
        const char *cells[3 * SHOWN];
        for (size_t k = 0; k < shown; k++) {
            const struct table_row *was = &v[i].before.v[v[i].changed[k]], *is = &v[i].after.v[v[i].changed[k]];
            add_question(&v[i], is, &cell[k][0]);
            add_verdict(was, &cell[k][1]);
            add_verdict(is, &cell[k][2]);
            for (size_t c = 0; c < 3; c++)
                cells[3 * k + c] = cell[k][c].s;
        }
        struct report_table table = {.head = head, .n_cols = 3, .n_rows = shown, .cells = cells};
        report_table(&table, "table", 80, out);
        for (size_t k = 0; k < shown; k++)
            for (size_t c = 0; c < 3; c++)
                ipw_buf_release(&cell[k][c]);
        if (shown < v[i].n_changed)
            ipw_buf_addf(out, "  and %zu more: ipw score RUN -o json\n", v[i].n_changed - shown);
    }
}

/* "own" gives the runs back to their questions' own scorers. */
static int check_scorer(char **scorer, struct ipw_err *err)
{
    if (!*scorer || scorer_find(*scorer))
        return 0;
    if (!strcmp(*scorer, "own")) {
        free(*scorer);
        *scorer = NULL;
        return 0;
    }
    struct ipw_buf known = IPW_BUF_INIT;
    for (size_t i = 0; scorers[i]; i++)
        ipw_buf_addf(&known, "%s%s", i ? ", " : "", scorers[i]->name);
    int rc = ipw_err_set(err, IPW_E_USAGE, "no scorer is called '%s'; there are: own, %s", *scorer, known.s);
    ipw_buf_release(&known);
    return rc;
}

static int score_runs(const char *const *dirs, size_t n, const char *scorer, const char *format)
{
    struct rescored *v = ipw_calloc(n, sizeof *v);
    struct ipw_buf out = IPW_BUF_INIT;
    struct ipw_err err;
    int rc = 0, code;
    for (size_t i = 0; i < n && !rc; i++) {
        v[i].dir = dirs[i];
        rc = rescore(&v[i], scorer, &err);
    }
    if (rc) {
        code = cli_fail(&err);
    } else {
        (strcmp(format, "json") ? as_text : as_json)(v, n, &out);
        code = cli_print(out.s, out.len);
    }
    for (size_t i = 0; i < n; i++)
        rescored_release(&v[i]);
    free(v);
    ipw_buf_release(&out);
    return code;
}

extern const struct command command_score;

static int score(struct cli *cli, int argc, char **argv)
{
    static const char *const formats[] = {"table", "json", NULL};
    char *file = NULL, *scorer = NULL, *format = ipw_strdup("table"), *output_dir = ipw_strdup("runs");
    struct option opt[] = {
        {"scorer", NULL, 0, OPTION_TEXT, &scorer, 0, 0, "NAME", "by this one, which the runs then count by; own: each question's", false},
        {"output-dir", "output_path", 0, OPTION_TEXT, &output_dir, 0, 0, "DIR", "where runs are looked for (runs)", false},
        {"output", NULL, 'o', OPTION_TEXT, &format, 0, 0, "FORMAT", "table or json (table)", false},
        {"try", NULL, 0, OPTION_TEXT, &file, 0, 0, "FILE.jsonl", "no run: score each line, compare with what it expects", false}};
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct option_list dirs = {0};
    size_t n_rest = 0;
    int code, rc;
    struct ipw_err err;
    (void)cli;
    if (cli_options(&command_score, opt, sizeof opt / sizeof opt[0], argc, argv, rest, &n_rest, &code))
        goto out;
    if (!(rc = cli_format(format, formats, &err)) && !file && !n_rest)
        rc = ipw_err_set(&err, IPW_E_USAGE, "what is to be scored? ipw score runs/profile_..., or --try FILE.jsonl");
    else if (!rc && file && (n_rest || scorer))
        rc = ipw_err_set(&err, IPW_E_USAGE, "--try takes neither runs nor --scorer: its lines say what they are");
    if (rc || (!file && (rc = check_scorer(&scorer, &err)))) {
        code = cli_fail(&err);
    } else if (file) {
        code = score_try(file);
    } else {
        cli_run_dirs(rest, n_rest, output_dir, &dirs);
        code = score_runs((const char *const *)dirs.v, dirs.n, scorer, format);
    }
out:
    option_list_release(&dirs);
    free(file);
    free(scorer);
    free(format);
    free(output_dir);
    free(rest);
    return code;
}

const struct command command_score = {
    .name = "score",
    .group = "Check and redo, without the model",
    .summary = "score stored answers again, or try the scorers on text",
    .usage = "ipw score RUN... [--scorer NAME]\n"
             "ipw score --try FILE.jsonl",
    .details = "Scores the answers that runs have stored by the scorers of this version; no model is asked, joules stay as "
               "they are. Prints the accuracy before and now and every verdict that changed. Old scores stay in run.db.\n"
               "\n"
               "--try reads one JSON object a line and prints what the scorer made of it; exits 1 if something that the line "
               "expects does not hold. A line has \"kind\" (mcq, numeric, exact, strip_think ...), \"response\", the gold "
               "answer as in a question file, and what is expected:\n"
               "\n"
               "    {\"kind\":\"mcq\",\"response\":\"Answer: B\",\"n_choices\":4,\"expected\":\"B\"}\n",
    .examples = "ipw score runs/RUN\n"
                "ipw score runs/RUN --scorer contains\n"
                "ipw score --try vectors.jsonl\n",
    .run = score,
};
