/* ipw dataset show, sample, verify: a set's questions. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "cli/sets.h"
#include "report/report.h"

/* ---- subjects: the strata of a sample ---- */

struct stratum {
    const char *subject; /* "": none */
    size_t n, take;
    uint64_t rest, key; /* rest: what the share lost to rounding, in 1/total; key: who comes first among equals */
};

struct labelled {
    const char *subject;
    size_t question;
};

static int by_subject(const void *a, const void *b)
{
    return strcmp(((const struct labelled *)a)->subject, ((const struct labelled *)b)->subject);
}

/* which[i]: the stratum of question i. In the order of their names. */
static struct stratum *strata_of(const struct dataset *d, size_t *which, size_t *n)
{
    struct stratum *s = ipw_calloc(d->n, sizeof *s);
    struct labelled *v = ipw_calloc(d->n, sizeof *v);
    for (size_t i = 0; i < d->n; i++)
        v[i] = (struct labelled){d->v[i].subject ? d->v[i].subject : "", i};
    qsort(v, d->n, sizeof *v, by_subject);
    *n = 0;
    for (size_t i = 0; i < d->n; i++) {
        if (!i || strcmp(v[i].subject, v[i - 1].subject) != 0)
            s[(*n)++].subject = v[i].subject;
        which[v[i].question] = *n - 1;
        s[*n - 1].n++;
    }
    free(v);
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

/* What scores how many. */
static void put_scorers(const struct dataset *d, struct ipw_buf *out)
{
    struct {
        char name[40];
        bool built;
        size_t n;
    } by[16];
    size_t n = 0;
    struct ipw_buf text = IPW_BUF_INIT;
    for (size_t i = 0; i < d->n; i++) {
        char name[40];
        bool built;
        size_t k = 0;
        sets_scorer_of(&d->v[i], name, &built);
        while (k < n && strcmp(by[k].name, name) != 0)
            k++;
        if (k == sizeof by / sizeof by[0])
            continue;
        if (k == n) {
            memcpy(by[n].name, name, sizeof name);
            by[n].built = built;
            by[n++].n = 0;
        }
        by[k].n++;
    }
    for (size_t k = 0; k < n; k++)
        ipw_buf_addf(&text, "%s%s %zu%s", k ? ", " : "", by[k].name, by[k].n,
                     by[k].built                   ? ""
                     : strcmp(by[k].name, "none") ? " (not in this build: cannot be scored yet)"
                                                  : " (nothing to score)");
    line(out, "scored by", text.s);
    ipw_buf_release(&text);
}

static void show_set(const struct dataset *d, const char *spec, int64_t examples, struct ipw_buf *out)
{
    struct catalogue *c = catalogue_open();
    const struct catalogue_set *set = catalogue_find(c, d->name);
    const struct dataset_ops *built_in = dataset_find(spec);
    struct set_origin o = {0};
    struct ipw_err err;
    char text[400], path[PATH_MAX];
    sets_path(spec, path);
    bool pulled = !built_in && strcmp(path, spec) && !set_origin_read(d->name, &o, &err); /* not any file of that name */
    size_t n, *which = ipw_calloc(d->n, sizeof *which);
    struct stratum *s = strata_of(d, which, &n);
    report_text(d->name, out);
    ipw_buf_addf(out, ", %zu question%s\n\n", d->n, d->n == 1 ? "" : "s");
    line(out, "asks", built_in ? built_in->what : pulled && set ? set->what : NULL);
    const bool canary = sets_has_canary(d) || (pulled && set && json_str(json_get(set->hub, "canary")));
    line(out, "canary", canary ? "its authors ask not to post its questions: they are not shown" : NULL);
    line(out, "but", pulled && set ? set->note : NULL);
    line(out, "source", built_in ? "inside this program" : pulled ? o.source : NULL);
    line(out, "licence", built_in ? "Apache-2.0" : o.license);
    line(out, "file", built_in ? NULL : path);
    snprintf(text, sizeof text, "%.64s%s", d->sha256, pulled && strcmp(o.sha256, d->sha256) ? " (changed since it was taken)" : "");
    line(out, "sha256", text);
    put_scorers(d, out);
    if (n > 1 || *s[0].subject) {
        struct ipw_buf subjects = IPW_BUF_INIT;
        for (size_t i = 0; i < n && i < 40; i++)
            ipw_buf_addf(&subjects, "%s%s %zu", i ? ", " : "", *s[i].subject ? s[i].subject : "(none)", s[i].n);
        if (n > 40)
            ipw_buf_addf(&subjects, ", and %zu more", n - 40);
        line(out, "subjects", subjects.s);
        ipw_buf_release(&subjects);
    }
    for (size_t i = 0; i < d->n && (int64_t)i < examples && !canary; i++) /* what may not be posted is not printed */
        put_prompt(&d->v[i], out);
    free(s);
    free(which);
    catalogue_close(c);
}

/* A public set that was not pulled yet. */
static bool show_known(const char *name, struct ipw_buf *out)
{
    char path[PATH_MAX], text[400];
    struct catalogue *c = catalogue_open();
    const struct catalogue_set *set = catalogue_find(c, name);
    bool known = set && !set->refused && !fs_exists(sets_path(name, path)), built;
    if (known) {
        const char *repo = json_str(json_get(set->hub, "repo"));
        struct catalogue_package p = catalogue_package(c, set->package);
        ipw_buf_addf(out, "%s, not here yet: ipw dataset pull %s\n\n", name, name);
        line(out, "asks", set->what);
        line(out, "but", set->note);
        int64_t n = set->n;
        json_is_int(json_get(set->hub, "n"), &n);
        snprintf(text, sizeof text, n == set->n ? "%lld" : "%lld on the hub, %lld in the package", (long long)n, (long long)set->n);
        line(out, "questions", n ? text : json_str(json_get(set->hub, "n_unknown")));
        snprintf(text, sizeof text, "%s%s%s%s", repo ? repo : "", repo ? " on the hub" : "", repo && p.name ? ", else " : "",
                 p.name ? p.name : "");
        line(out, "source", text);
        line(out, "access", json_true(json_get(set->hub, "gated")) ? "gated: its authors grant it on its page on the hub" : NULL);
        line(out, "canary", json_str(json_get(set->hub, "canary")) ? "its authors ask not to post its questions" : NULL);
        line(out, "licence", set->license);
        line(out, "scored by", sets_scorer(set->row, &built));
    }
    catalogue_close(c);
    return known;
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
    else if (!show_known(rest[0], &out) && !sets_open(&d, rest[0], 0, 0, &err))
        show_set(d, rest[0], examples, &out);
    if (err.code) {
        code = cli_fail(&err);
        goto out;
    }
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

static int by_rest(const void *a, const void *b)
{
    const struct stratum *x = *(struct stratum *const *)a, *y = *(struct stratum *const *)b;
    return x->rest != y->rest ? (x->rest < y->rest) - (x->rest > y->rest) : (x->key > y->key) - (x->key < y->key);
}

/* Shares by largest remainder: every subject as often as in the set, to one question. The seed decides among equals: a
 * sample smaller than the number of subjects must not always hold the same ones. */
static void share_out(struct stratum *s, size_t n, size_t total, size_t k, uint64_t seed)
{
    struct stratum **order = ipw_calloc(n, sizeof(struct stratum *));
    size_t given = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t share = (uint64_t)s[i].n * k;
        s[i].take = (size_t)(share / total);
        s[i].rest = share % total;
        s[i].key = ipw_rng_at(seed, ipw_hash64(s[i].subject, strlen(s[i].subject)));
        given += s[i].take;
        order[i] = &s[i];
    }
    qsort(order, n, sizeof(struct stratum *), by_rest);
    for (size_t i = 0; given < k; i++, given++)
        order[i]->take++;
    free(order);
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
    share_out(s, n, d->n, k, seed);
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
    else if (d)
        sets_may_print(d, file, &err);
    if (!err.code) {
        sample_of(d, (size_t)k, (uint64_t)seed, &out);
        if (file && !fs_write_atomic(file, out.s, out.len, &err))
            cli_say("%lld of the %zu questions of %s are in %s%s", (long long)k, d->n, d->name, file,
                    sets_has_canary(d) ? SET_CANARY : "");
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
    struct ipw_buf safe = IPW_BUF_INIT;
    report_text(name, &safe);
    printf("%s: %zu question%s, as taken\n", safe.s, n, n == 1 ? "" : "s");
    ipw_buf_release(&safe);
    return true;
}

/* A set, and the examples that were pulled with it. */
static bool verify_both(const char *name)
{
    char shots[300];
    struct set_origin o;
    struct ipw_err ignored;
    bool good = verify_one(name);
    snprintf(shots, sizeof shots, "%.250s%s", name, CATALOGUE_SHOTS);
    return (set_origin_read(shots, &o, &ignored) || verify_one(shots)) && good;
}

static int verify(struct cli *cli, int argc, char **argv)
{
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    size_t n_rest, n_here = 0, bad = 0;
    char **here = NULL;
    int code;
    (void)cli;
    if (cli_options(&command_dataset_verify, NULL, 0, argc, argv, rest, &n_rest, &code))
        goto out;
    for (size_t i = 0; i < n_rest; i++)
        bad += !verify_both(rest[i]);
    if (!n_rest)
        here = sets_here(&n_here);
    for (size_t i = 0; i < n_here; i++) {
        bad += !verify_both(here[i]);
        free(here[i]);
    }
    free(here);
    if (!n_rest && !n_here)
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
