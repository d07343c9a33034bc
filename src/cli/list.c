/* ipw list: the runs of a folder; and what this ipw knows of models, questions, engines, collectors. */
#include "cli/list.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/runs.h"
#include "cli/terminal.h"
#include "report/report.h"

enum { TEXT = 1, MD = 2, CSV = 4 };

/* One line of the list, as text. */
struct line {
    const struct run_brief *b;
    char n[40], right[24], joules[32], age[24];
    char model[120], labels[160];
};

/* ---- cells ---- */

static const char *mark(const struct run_brief *b)
{
    return ipw_streq(b->energy_source, "estimated") ? "~" : ipw_streq(b->energy_source, "partial") ? ">" : "";
}

static void age_words(int64_t now_ns, int64_t then_ns, char out[24])
{
    static const struct {
        double unit, below;
        const char *word;
    } words[] = {{1, 60, "s"}, {60, 3600, "min"}, {3600, 48 * 3600.0, "h"}, {86400, INFINITY, "days"}};
    double s = (double)(now_ns - then_ns) * 1e-9;
    size_t k = 0;
    if (!then_ns || s < 0) {
        snprintf(out, 24, "-"); /* a clock that was set back tells no age */
        return;
    }
    while (s >= words[k].below)
        k++;
    snprintf(out, 24, "%.0f %s", floor(s / words[k].unit), words[k].word);
}

/* {"cap":"60","repeat":"1"} as "cap=60 repeat=1". */
static void labels_words(const char *labels, char *out, size_t size)
{
    struct json_doc *doc;
    struct ipw_err ignored;
    size_t n = 0;
    snprintf(out, size, "-");
    if (json_read(&doc, labels, strlen(labels), 0, &ignored))
        return;
    for (struct json_iter it = json_iter(json_root(doc)); json_next(&it) && n < size;) {
        char *text = json_type(it.val) == JSON_STR ? ipw_strdup(json_str(it.val)) : json_print(it.val);
        n += (size_t)snprintf(out + n, size - n, "%s%s=%s", n ? " " : "", it.key, text);
        free(text);
    }
    json_doc_free(doc);
}

static void fill(struct line *l, const struct run_brief *b, int64_t now_ns, const char *format)
{
    bool csv = !strcmp(format, "csv");
    char num[24];
    l->b = b;
    snprintf(l->n, sizeof l->n, b->complete ? "%lld" : "%lld of %lld", (long long)(b->complete ? b->n_total : b->n_asked),
             (long long)b->n_total);
    snprintf(l->right, sizeof l->right, isnan(b->accuracy) ? "-" : "%.3g", 100 * b->accuracy);
    report_num(b->per_query_j, num);
    snprintf(l->joules, sizeof l->joules, "%s%s", isnan(b->per_query_j) || csv ? "" : mark(b), num);
    if (csv && isfinite(b->per_query_j))
        snprintf(l->joules, sizeof l->joules, "%.9g", b->per_query_j);
    age_words(now_ns, b->started_real_ns, l->age);
    snprintf(l->model, sizeof l->model, "%.90s%s%.24s", b->model_name ? b->model_name : b->model_file ? b->model_file : "-",
             b->quant ? " " : "", b->quant ? b->quant : "");
    labels_words(b->labels, l->labels, sizeof l->labels);
}

/* The name that commands take: with its study's. */
static const char *c_run(const struct line *l)
{
    const char *name = fs_basename(l->b->dir), *up = name;
    while (up > l->b->dir && (up == name || up[-1] != '/'))
        up--;
    return ipw_starts(up, "study_") ? up : name;
}
static const char *c_dir(const struct line *l)
{
    return l->b->dir;
}
static const char *c_model(const struct line *l)
{
    return l->model;
}
static const char *c_dataset(const struct line *l)
{
    return l->b->dataset_name ? l->b->dataset_name : "-";
}
static const char *c_labels(const struct line *l)
{
    return l->labels;
}
static const char *c_n(const struct line *l)
{
    return l->n;
}
static const char *c_right(const struct line *l)
{
    return l->right;
}
static const char *c_joules(const struct line *l)
{
    return l->joules;
}
static const char *c_source(const struct line *l)
{
    return l->b->energy_source ? l->b->energy_source : "-";
}
static const char *c_age(const struct line *l)
{
    return l->age;
}

/* `spare`: left out of a terminal that is too narrow, the highest first; the folder's name says much of it. */
static const struct column {
    int formats;
    const char *head;
    const char *(*cell)(const struct line *);
    bool right;
    int spare;
} columns[] = {
    {TEXT | MD, "run", c_run, false, 0},          {CSV, "run", c_dir, false, 0},
    {TEXT | MD | CSV, "model", c_model, false, 3}, {TEXT | MD | CSV, "questions", c_dataset, false, 4},
    {TEXT | MD | CSV, "labels", c_labels, false, 2}, {TEXT | MD | CSV, "n", c_n, true, 0},
    {TEXT | MD, "right %", c_right, true, 0},     {CSV, "accuracy_pct", c_right, true, 0},
    {TEXT | MD, "J/query", c_joules, true, 0},    {CSV, "j_per_query", c_joules, true, 0},
    {TEXT | MD | CSV, "joules", c_source, false, 1}, {TEXT | MD, "age", c_age, true, 0},
    {CSV, "age", c_age, true, 0},
};
enum { N_COLUMNS = sizeof columns / sizeof columns[0] };

/* ---- as a table ---- */

static bool any_labels(const struct line *line, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(line[i].labels, "-") != 0)
            return true;
    return false;
}

static int width_of(const struct column *c, const struct line *line, size_t n)
{
    size_t w = strlen(c->head);
    for (size_t i = 0; i < n; i++)
        w = strlen(c->cell(&line[i])) > w ? strlen(c->cell(&line[i])) : w;
    return (int)w;
}

/* Which columns are shown: bit i. A name that is cut cannot be pasted, so that others go. */
static unsigned shown(const struct line *line, size_t n, int format, int width)
{
    unsigned bits = 0;
    for (unsigned i = 0; i < N_COLUMNS; i++)
        if (columns[i].formats & format && !(columns[i].cell == c_labels && format != CSV && !any_labels(line, n)))
            bits |= 1u << i;
    for (int spare = 4; spare > 0 && format == TEXT; spare--) {
        int total = -2;
        for (unsigned i = 0; i < N_COLUMNS; i++)
            total += bits >> i & 1 ? 2 + width_of(&columns[i], line, n) : 0;
        for (unsigned i = 0; i < N_COLUMNS && total > width; i++)
            if (columns[i].spare == spare)
                bits &= ~(1u << i);
    }
    return bits;
}

static void put_table(const struct line *line, size_t n, const char *format, int width, struct ipw_buf *out)
{
    int bit = !strcmp(format, "csv") ? CSV : !strcmp(format, "md") ? MD : TEXT;
    unsigned bits = shown(line, n, bit, width);
    const char *head[N_COLUMNS], **cell = ipw_calloc(n * N_COLUMNS + 1, sizeof *cell);
    struct report_table t = {.head = head, .n_rows = n, .cells = cell};
    size_t k = 0;
    for (unsigned i = 0; i < N_COLUMNS; i++)
        if (bits >> i & 1) {
            t.right |= columns[i].right ? 1u << t.n_cols : 0;
            head[t.n_cols++] = columns[i].head;
        }
    for (size_t r = 0; r < n; r++)
        for (unsigned i = 0; i < N_COLUMNS; i++)
            if (bits >> i & 1)
                cell[k++] = columns[i].cell(&line[r]);
    report_table(&t, format, width, out);
    free(cell);
}

/* Two lines a run, where not even the spare table fits. */
static void put_narrow(const struct line *line, size_t n, int width, struct ipw_buf *out)
{
    for (size_t i = 0; i < n; i++) {
        char text[300];
        report_fold(c_run(&line[i]), width, 0, 2, out);
        snprintf(text, sizeof text, "n %s, %s %% right, %s J/query, %s ago", line[i].n, line[i].right, line[i].joules, line[i].age);
        report_fold(text, width, 2, 2, out);
    }
}

/* What is not a finished run, with what to do about it. */
static void put_notes(const struct run_briefs *list, int width, struct ipw_buf *out)
{
    char quoted[PATH_MAX];
    struct ipw_buf s = IPW_BUF_INIT;
    for (size_t i = 0; i < list->n; i++) {
        const struct run_brief *b = &list->v[i];
        ipw_buf_clear(&s);
        if (b->problem)
            ipw_buf_addf(&s, "'%s' cannot be read: %s", fs_basename(b->dir), b->problem);
        else if (b->running)
            ipw_buf_addf(&s, "'%s' is being written now", fs_basename(b->dir));
        else if (!b->complete)
            ipw_buf_addf(&s, "'%s' is not finished; go on with:\n    ipw profile --resume %s", fs_basename(b->dir),
                         cli_quote(b->dir, quoted, sizeof quoted));
        if (s.len)
            report_fold(s.s, width, 0, 2, out);
    }
    ipw_buf_release(&s);
}

/* ---- as JSON ---- */

static void put_json(const struct run_briefs *list, struct ipw_buf *out)
{
    struct json_out *o = json_out_new();
    json_node *all = json_new_arr(o);
    for (size_t i = 0; i < list->n; i++) {
        const struct run_brief *b = &list->v[i];
        json_node *n = json_put_obj(o, all, NULL);
        struct json_doc *labels = NULL;
        struct ipw_err ignored;
        json_put_str(o, n, "run", b->dir);
        json_put_str(o, n, "problem", b->problem);
        json_put_bool(o, n, "complete", b->complete);
        json_put_bool(o, n, "running", b->running);
        if (b->started_real_ns)
            json_put_int(o, n, "started_real_ns", b->started_real_ns);
        else
            json_put_null(o, n, "started_real_ns");
        json_put_str(o, n, "host", b->host);
        json_put_str(o, n, "model", b->model_name);
        json_put_str(o, n, "quant", b->quant);
        json_put_str(o, n, "dataset", b->dataset_name);
        json_put_int(o, n, "asked", b->complete ? b->n_total : b->n_asked);
        json_put_int(o, n, "n", b->n_total);
        json_put_num(o, n, "accuracy", b->accuracy);
        json_put_num(o, n, "j_per_query", b->per_query_j);
        json_put_num(o, n, "ipj", b->ipj);
        json_put_num(o, n, "s_per_query", b->seconds);
        json_put_str(o, n, "energy_source", b->energy_source);
        json_put_str(o, n, "signature", b->signature);
        if (!json_read(&labels, b->labels, strlen(b->labels), 0, &ignored))
            json_put_val(o, n, "labels", json_root(labels));
        json_doc_free(labels);
    }
    char *text = json_write(o, all, true);
    ipw_buf_adds(out, text);
    free(text);
    json_out_free(o);
}

/* ---- the command ---- */

static void put_runs(const struct run_briefs *list, int64_t now_ns, const char *format, int width, struct ipw_buf *out)
{
    struct line *line = ipw_calloc(list->n + 1, sizeof *line);
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++)
        if (!list->v[i].problem)
            fill(&line[n++], &list->v[i], now_ns, format);
    bool text = !strcmp(format, "table");
    if (text && width < 60)
        put_narrow(line, n, width, out);
    else if (n || !text)
        put_table(line, n, format, width, out);
    if (text)
        put_notes(list, width, out);
    free(line);
}

/* Folders of runs, runs, both. */
static int gather(struct run_briefs *list, const char *const *given, size_t n, const char *output_dir, struct ipw_err *err)
{
    char dir[PATH_MAX], db[PATH_MAX];
    *list = (struct run_briefs){0};
    if (!n)
        return runs_list(list, output_dir, err);
    for (size_t i = 0; i < n; i++) {
        struct run_briefs more;
        cli_run_dir(given[i], output_dir, dir);
        if (!fs_exists(dir))
            return ipw_err_set(err, IPW_E_INPUT, "there is no folder '%s'; give one with runs, a run, or one of: %s", given[i],
                               list_kinds_words);
        fs_join(db, sizeof db, dir, "run.db");
        if (fs_exists(db) || ipw_starts(fs_basename(dir), "profile_")) {
            runs_add(list, dir);
            continue;
        }
        int rc = runs_list(&more, dir, err);
        for (size_t k = 0; k < more.n && !rc; k++)
            runs_add(list, more.v[k].dir);
        runs_release(&more);
        if (rc)
            return rc;
    }
    runs_sort(list);
    return 0;
}

static int list_runs(struct cli *cli, const char *const *given, size_t n, const char *output_dir, const char *format)
{
    struct run_briefs list;
    struct ipw_buf out = IPW_BUF_INIT;
    struct ipw_err err;
    int code = 0;
    if (gather(&list, given, n, output_dir, &err)) {
        code = cli_fail(&err);
    } else if (!list.n && !strcmp(format, "table")) {
        cli_say("no runs in '%s' yet; ipw profile -m MODEL.gguf makes one", n ? given[0] : output_dir);
    } else {
        if (!strcmp(format, "json"))
            put_json(&list, &out);
        else
            put_runs(&list, cli->env.clock->real(&cli->env), format, terminal_columns(1), &out);
        code = cli_print(out.s, out.len);
    }
    ipw_buf_release(&out);
    runs_release(&list);
    return code;
}

extern const struct command command_list;

static int list(struct cli *cli, int argc, char **argv)
{
    static const char *const formats[] = {"table", "json", "csv", "md", NULL};
    char *format = ipw_strdup("table"), *output_dir = ipw_strdup("runs");
    struct option opt[] = {
        {"output", NULL, 'o', OPTION_TEXT, &format, 0, 0, "FORMAT", "table, json, csv or md (table)", false},
        {"output-dir", "output_path", 0, OPTION_TEXT, &output_dir, 0, 0, "DIR", "where runs are looked for (runs)", false},
    };
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    size_t n = 0;
    int code = 0;
    struct ipw_err err;
    if (cli_options(&command_list, opt, 2, argc, argv, rest, &n, &code))
        goto out;
    if (cli_format(format, formats, &err))
        code = cli_fail(&err);
    else if (n == 1 && list_is_kind(rest[0]))
        code = list_kind(cli, rest[0], format);
    else
        code = list_runs(cli, rest, n, output_dir, format);
out:
    free(format);
    free(output_dir);
    free(rest);
    return code;
}

const struct command command_list = {
    .name = "list",
    .group = "Understand",
    .summary = "the runs here: accuracy, joules, source, age",
    .usage = "ipw list [DIR|RUN...] | models|datasets|engines|collectors|all",
    .details = "Runs, newest first: model, questions, accuracy, joules per query, where the joules come from, "
               "age. A run that was cut off is shown with the command that goes on with it. With a word it lists "
               "something else: models, datasets, engines, collectors, or all of them.\n",
    .examples = "ipw list\n"
                "ipw list models\n"
                "ipw list -o csv > runs.csv\n",
    .run = list,
};
