/* ipw dataset show, sample, verify: a set's questions. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "cli/paths.h"
#include "cli/sets.h"
#include "report/report.h"

/* ---- subjects: the strata of a sample ---- */

struct stratum {
    const char *subject; /* NULL: none */
    size_t n, take;
    double rest; /* what the share lost to rounding */
};

static size_t stratum_of(struct stratum *s, size_t *n, const char *subject)
{
    size_t i = 0;
    while (i < *n && !ipw_streq(s[i].subject, subject))
        i++;
    if (i == *n)
        s[(*n)++] = (struct stratum){.subject = subject};
    return i;
}

static struct stratum *strata_of(const struct dataset *d, size_t *which, size_t *n)
{
    struct stratum *s = ipw_calloc(d->n, sizeof *s);
    *n = 0;
    for (size_t i = 0; i < d->n; i++) {
        which[i] = stratum_of(s, n, d->v[i].subject);
        s[which[i]].n++;
    }
    return s;
}

/* ---- show ---- */

static void put_prompt(const struct question *q, struct ipw_buf *out)
{
    struct json_doc *doc;
    struct ipw_err err;
    struct ipw_buf text = IPW_BUF_INIT;
    const char *tmpl;
    if (json_read(&doc, q->record, q->record_len, 0, &err))
        return;
    const json_val *r = json_root(doc);
    dataset_prompt(r, &text, &tmpl);
    char *messages = text.len ? NULL : json_print(json_get(r, "messages"));
    ipw_buf_addf(out, "\n-- %s, asked as %s, right: %s\n\n", q->id, tmpl,
                 json_str(json_get(r, "answer")) ? json_str(json_get(r, "answer")) : "-");
    for (char *line = messages ? messages : text.s; line;) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        ipw_buf_adds(out, *line ? "    " : "");
        report_text(line, out);
        ipw_buf_addc(out, '\n');
        line = end ? end + 1 : NULL;
    }
    free(messages);
    ipw_buf_release(&text);
    json_doc_free(doc);
}

static void line(struct ipw_buf *out, const char *key, const char *text)
{
    struct ipw_buf safe = IPW_BUF_INIT, wrapped = IPW_BUF_INIT;
    if (!text || !*text)
        return;
    report_text(text, &safe);
    report_fold(safe.s, 80, 12, 12, &wrapped);
    ipw_buf_addf(out, "%-12s%s", key, wrapped.s + 12);
    ipw_buf_release(&safe);
    ipw_buf_release(&wrapped);
}

static void show_set(const struct dataset *d, const char *spec, int64_t examples, struct ipw_buf *out)
{
    struct catalogue *c = catalogue_open();
    const struct catalogue_set *set = catalogue_find(c, d->name);
    const struct dataset_ops *built_in = dataset_find(spec);
    struct set_origin o = {0};
    struct ipw_err err;
    char text[400], scorer[40], path[PATH_MAX];
    bool built, pulled = !built_in && !set_origin_read(d->name, &o, &err);
    size_t n, *which = ipw_calloc(d->n, sizeof *which);
    struct stratum *s = strata_of(d, which, &n);
    ipw_buf_addf(out, "%s, %zu questions\n\n", d->name, d->n);
    line(out, "asks", built_in ? built_in->what : pulled && set ? set->what : NULL);
    line(out, "but", pulled && set ? set->note : NULL);
    line(out, "source", built_in ? "inside this program" : pulled ? o.source : NULL);
    line(out, "licence", built_in ? "Apache-2.0" : o.license);
    line(out, "file", built_in ? NULL : sets_path(spec, path));
    snprintf(text, sizeof text, "%.64s%s", d->sha256, pulled && strcmp(o.sha256, d->sha256) ? " (changed since it was taken)" : "");
    line(out, "sha256", text);
    sets_scorer_of(&d->v[0], scorer, &built);
    snprintf(text, sizeof text, "%s%s", scorer, built ? "" : strcmp(scorer, "none") ? " (not in this build: no accuracy yet)" : " (nothing to score)");
    line(out, "scored by", text);
    if (n > 1 || s[0].subject) {
        struct ipw_buf subjects = IPW_BUF_INIT;
        for (size_t i = 0; i < n && i < 40; i++)
            ipw_buf_addf(&subjects, "%s%s %zu", i ? ", " : "", s[i].subject ? s[i].subject : "(none)", s[i].n);
        if (n > 40)
            ipw_buf_addf(&subjects, ", and %zu more", n - 40);
        line(out, "subjects", subjects.s);
        ipw_buf_release(&subjects);
    }
    for (size_t i = 0; i < d->n && (int64_t)i < examples; i++)
        put_prompt(&d->v[i], out);
    free(s);
    free(which);
    catalogue_close(c);
}

static int show(struct cli *cli, int argc, char **argv)
{
    int64_t examples = 1;
    struct option opt[] = {
        {"max-queries", "limit", 'n', OPTION_INT, &examples, 0, 1e6, "K", "how many questions as they are asked (1)", false}};
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct ipw_buf out = IPW_BUF_INIT;
    struct dataset *d = NULL;
    struct ipw_err err = {0};
    size_t n_rest;
    int code;
    (void)cli;
    if (cli_options(&command_dataset_show, opt, 1, argc, argv, rest, &n_rest, &code))
        goto out;
    if (n_rest != 1)
        ipw_err_set(&err, IPW_E_USAGE, "which set? ipw dataset show NAME; ipw dataset list tells the names");
    else
        sets_open(&d, rest[0], 0, 0, &err);
    if (err.code) {
        code = cli_fail(&err);
        goto out;
    }
    show_set(d, rest[0], examples, &out);
    code = cli_print(out.s, out.len);
out:
    dataset_close(d);
    ipw_buf_release(&out);
    free(rest);
    return code;
}

const struct command command_dataset_show = {
    .name = "show",
    .summary = "what a set asks, its licence, questions as they are sent",
    .usage = "ipw dataset show NAME|FILE [-n K]",
    .run = show,
};

/* ---- sample ---- */

/* Shares by largest remainder: every subject as often as in the set, to one question. */
static void share_out(struct stratum *s, size_t n, size_t total, size_t k)
{
    size_t given = 0;
    for (size_t i = 0; i < n; i++) {
        double share = (double)s[i].n * (double)k / (double)total;
        s[i].take = (size_t)share;
        s[i].rest = share - (double)s[i].take;
        given += s[i].take;
    }
    for (; given < k; given++) {
        size_t best = 0;
        for (size_t i = 1; i < n; i++)
            if (s[i].rest > s[best].rest)
                best = i;
        s[best].take++;
        s[best].rest = -1;
    }
}

struct draw {
    uint64_t key;
    size_t question;
};

static int by_key(const void *a, const void *b)
{
    const struct draw *x = a, *y = b;
    return x->key != y->key ? (x->key > y->key) - (x->key < y->key) : (x->question > y->question) - (x->question < y->question);
}

static void sample_of(const struct dataset *d, size_t k, uint64_t seed, struct ipw_buf *out)
{
    size_t n, *which = ipw_calloc(d->n, sizeof *which);
    struct stratum *s = strata_of(d, which, &n);
    struct draw *order = ipw_calloc(d->n, sizeof *order);
    bool *taken = ipw_calloc(d->n, sizeof *taken);
    share_out(s, n, d->n, k);
    for (size_t i = 0; i < d->n; i++)
        order[i] = (struct draw){ipw_rng_at(seed, ipw_hash64(d->v[i].id, strlen(d->v[i].id))), i};
    qsort(order, d->n, sizeof *order, by_key);
    for (size_t i = 0; i < d->n; i++) {
        struct stratum *of = &s[which[order[i].question]];
        taken[order[i].question] = of->take > 0;
        of->take -= of->take > 0;
    }
    for (size_t i = 0; i < d->n; i++) /* in the set's order: the run has its own */
        if (taken[i])
            ipw_buf_addf(out, "%.*s\n", (int)d->v[i].record_len, d->v[i].record);
    free(taken);
    free(order);
    free(s);
    free(which);
}

static int sample(struct cli *cli, int argc, char **argv)
{
    int64_t k = 0, seed = 0;
    char *file = NULL;
    struct option opt[] = {
        {"max-queries", "limit", 'n', OPTION_INT, &k, 1, 1e9, "K", "how many questions", false},
        {"seed", "random-seed", 0, OPTION_INT, &seed, 0, 9e15, "N", "which draw (0)", false},
        {"out", NULL, 0, OPTION_TEXT, &file, 0, 0, "FILE", "write there (standard output)", false}};
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct ipw_buf out = IPW_BUF_INIT;
    struct dataset *d = NULL;
    struct ipw_err err = {0};
    size_t n_rest;
    int code;
    (void)cli;
    if (cli_options(&command_dataset_sample, opt, 3, argc, argv, rest, &n_rest, &code))
        goto out;
    if (n_rest != 1 || !k)
        ipw_err_set(&err, IPW_E_USAGE, "a sample of what? ipw dataset sample NAME -n K");
    else if (!sets_open(&d, rest[0], 0, 0, &err) && (size_t)k > d->n)
        ipw_err_set(&err, IPW_E_INPUT, "'%s' has %zu questions, not %lld; give a smaller -n", d->name, d->n, (long long)k);
    if (!err.code) {
        sample_of(d, (size_t)k, (uint64_t)seed, &out);
        if (file && !fs_write_atomic(file, out.s, out.len, &err))
            cli_say("%lld of the %zu questions of %s are in %s", (long long)k, d->n, d->name, file);
    }
    code = err.code ? cli_fail(&err) : file ? 0 : cli_print(out.s, out.len);
out:
    dataset_close(d);
    ipw_buf_release(&out);
    free(file);
    free(rest);
    return code;
}

const struct command command_dataset_sample = {
    .name = "sample",
    .summary = "K questions drawn at random, every subject by its share",
    .usage = "ipw dataset sample NAME|FILE -n K [--seed N] [--out FILE]",
    .details = "The same seed draws the same questions on every machine; each subject keeps its share to one "
               "question.\n",
    .examples = "ipw dataset sample gsm8k -n 100 --seed 1 --out part.jsonl\n",
    .run = sample,
};

/* ---- verify ---- */

static bool verify_one(const char *name)
{
    struct ipw_err err;
    size_t n;
    if (set_check(name, &n, &err)) {
        cli_say("%s", err.text);
        return false;
    }
    printf("%s: %zu questions, as they were taken\n", name, n);
    return true;
}

static int verify(struct cli *cli, int argc, char **argv)
{
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    size_t n_rest, bad = 0, seen = 0;
    char dir[PATH_MAX];
    int code;
    (void)cli;
    if (cli_options(&command_dataset_verify, NULL, 0, argc, argv, rest, &n_rest, &code))
        goto out;
    for (size_t i = 0; i < n_rest; i++, seen++)
        bad += !verify_one(rest[i]);
    DIR *d = !n_rest && *cli_data_dir("datasets", dir) ? opendir(dir) : NULL;
    for (struct dirent *e; d && (e = readdir(d));)
        if (ipw_ends(e->d_name, ".jsonl") && e->d_name[0] != '.') {
            e->d_name[strlen(e->d_name) - strlen(".jsonl")] = '\0';
            bad += !verify_one(e->d_name);
            seen++;
        }
    if (d)
        closedir(d);
    if (!seen)
        cli_say("no question set was pulled yet: ipw dataset list tells which there are");
    code = bad ? 1 : cli_print("", 0);
out:
    free(rest);
    return code;
}

const struct command command_dataset_verify = {
    .name = "verify",
    .summary = "that pulled sets are still what they were",
    .usage = "ipw dataset verify [NAME...]",
    .run = verify,
};
