#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/list.h"
#include "cli/models.h"
#include "cli/sets.h"
#include "cli/terminal.h"
#include "energy/collector.h"
#include "engine/engine.h"
#include "report/report.h"

/* Cells of one kind's table, owned by its arena. */
struct cells {
    const char **v;
    size_t n, cap;
    struct ipw_arena arena;
};

static void put(struct cells *c, const char *text)
{
    IPW_GROW(c->v, c->n, c->cap);
    c->v[c->n++] = ipw_arena_strdup(&c->arena, text ? text : "-");
}

/* What a model is, where it can be asked; else why not. */
static int models_here(struct cli *cli, struct cells *c, struct ipw_err *err)
{
    struct local_models all;
    int rc = cli_models(cli, NULL, &all, err);
    for (size_t i = 0; i < all.n && !rc; i++) {
        const struct local_model *m = &all.v[i];
        char size[32], what[120];
        snprintf(size, sizeof size, m->bytes < 0 ? "-" : "%.2f GB", 1e-9 * (double)m->bytes);
        snprintf(what, sizeof what, "%s%s%s", m->arch, *m->arch && *m->quant ? " " : "", m->quant);
        put(c, m->name);
        put(c, size);
        put(c, m->problem ? m->problem : *what ? what : NULL);
    }
    local_models_release(&all);
    return rc;
}

static void put_set(struct cells *c, const char *name, const char *where, const char *what)
{
    put(c, name);
    put(c, where);
    put(c, what);
}

/* Built in, in the user's folder, to be pulled; ipw dataset list has their figures. */
static int datasets_here(struct cli *cli, struct cells *c, struct ipw_err *err)
{
    size_t n_here, n;
    char **here = sets_here(&n_here);
    struct catalogue *public = catalogue_open();
    const struct catalogue_set *sets = catalogue_sets(public, &n);
    (void)cli;
    (void)err;
    for (size_t i = 0; datasets[i]; i++)
        put_set(c, datasets[i]->name, "built in", datasets[i]->what);
    for (size_t i = 0; i < n_here; i++) {
        const struct catalogue_set *set = catalogue_find(public, here[i]);
        put_set(c, here[i], "here", set ? set->what : "your own");
    }
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < n_here && strcmp(here[k], sets[i].name) != 0)
            k++;
        if (k == n_here)
            put_set(c, sets[i].name, "to pull", sets[i].what);
    }
    for (size_t i = 0; i < n_here; i++)
        free(here[i]);
    free(here);
    catalogue_close(public);
    return 0;
}

static int engines_here(struct cli *cli, struct cells *c, struct ipw_err *err)
{
    (void)cli;
    (void)err;
    for (size_t i = 0; engines[i]; i++) {
        put(c, engines[i]->name);
        put(c, engines[i]->verified);
        put(c, engines[i]->what);
    }
    return 0;
}

static int collectors_here(struct cli *cli, struct cells *c, struct ipw_err *err)
{
    (void)cli;
    (void)err;
    for (size_t i = 0; energy_collectors[i]; i++) {
        put(c, energy_collectors[i]->name);
        put(c, energy_collectors[i]->verified);
        put(c, energy_collectors[i]->what);
    }
    return 0;
}

enum { COLUMNS = 3 };
static const struct kind {
    const char *name;
    const char *head[COLUMNS];
    int (*fill)(struct cli *cli, struct cells *c, struct ipw_err *err);
} kinds[] = {
    {"models", {"model", "size", "what"}, models_here},
    {"datasets", {"dataset", "where", "what"}, datasets_here},
    {"engines", {"engine", "verified", "what"}, engines_here},
    {"collectors", {"collector", "verified", "what"}, collectors_here},
};
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

const char list_kinds_words[] = "models, datasets, engines, collectors, all";

bool list_is_kind(const char *word)
{
    bool known = !strcmp(word, "all");
    for (size_t i = 0; i < N_KINDS; i++)
        known = known || !strcmp(word, kinds[i].name);
    return known;
}

static void as_json(const struct kind *k, const struct cells *c, struct json_out *o, json_node *top)
{
    json_node *list = json_put_arr(o, top, k->name);
    for (size_t i = 0; i + COLUMNS <= c->n; i += COLUMNS) {
        json_node *n = json_put_obj(o, list, NULL);
        for (size_t j = 0; j < COLUMNS; j++)
            json_put_str(o, n, j ? k->head[j] : "name", strcmp(c->v[i + j], "-") ? c->v[i + j] : NULL);
    }
}

/* In a terminal the last column wraps, so that both long ones stand in it. */
static void as_table(const struct kind *k, struct cells *c, const char *format, struct ipw_buf *out)
{
    bool text = !strcmp(format, "table");
    char head[64];
    const char *two[] = {k->head[0], head};
    struct report_table t = {.head = text ? two : k->head, .n_cols = text ? 2 : COLUMNS, .n_rows = c->n / COLUMNS, .cells = c->v};
    snprintf(head, sizeof head, "%s (%s)", k->head[2], k->head[1]);
    for (size_t i = 0; text && i < t.n_rows; i++) {
        char both[400];
        snprintf(both, sizeof both, "%.250s (%.120s)", c->v[3 * i + 2], c->v[3 * i + 1]);
        c->v[2 * i] = c->v[3 * i];
        c->v[2 * i + 1] = ipw_arena_strdup(&c->arena, both);
    }
    report_table(&t, format, terminal_columns(1), out);
}

int list_kind(struct cli *cli, const char *kind, const char *format)
{
    struct json_out *o = json_out_new();
    json_node *top = json_new_obj(o);
    struct ipw_buf out = IPW_BUF_INIT;
    struct ipw_err err;
    int code = 0;
    for (size_t i = 0; i < N_KINDS; i++) {
        struct cells c = {0};
        if (strcmp(kind, "all") != 0 && strcmp(kind, kinds[i].name) != 0)
            continue;
        if (kinds[i].fill(cli, &c, &err)) { /* one that cannot be told does not hide the others */
            code = cli_fail(&err);
        } else if (!strcmp(format, "json")) {
            as_json(&kinds[i], &c, o, top);
        } else {
            ipw_buf_adds(&out, out.len ? "\n" : "");
            if (!c.n && !strcmp(format, "table"))
                ipw_buf_addf(&out, "no %s here yet\n", kinds[i].name);
            else
                as_table(&kinds[i], &c, format, &out);
        }
        ipw_arena_release(&c.arena);
        free(c.v);
    }
    if (!strcmp(format, "json")) {
        char *text = json_write(o, top, true);
        ipw_buf_adds(&out, text);
        free(text);
    }
    json_out_free(o);
    int printed = cli_print(out.s, out.len);
    ipw_buf_release(&out);
    return code ? code : printed;
}
