#include "run/facts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"

static const struct condition {
    const char *name;
    bool number;
} conditions[] = {{"power_source", false}, {"governor", false}, {"cpu_max_mhz", true}, {"power_limit_w", true},
                  {"driver", false},       {"kernel", false},   {"clock_mhz", true},   {"temperature_c", true}};
enum { N = sizeof conditions / sizeof conditions[0] };

struct facts {
    struct ipw_buf text[N]; /* of the texts: "a, b", each once */
    const char *last[N];
    double lo[N], hi[N];
    struct table_run *t;
};

static void add_text(struct facts *f, size_t k, const char *text)
{
    if (!text || ipw_streq(f->last[k], text))
        return;
    ipw_buf_addf(&f->text[k], "%s%s", f->text[k].len ? ", " : "", text);
    f->last[k] = ipw_arena_strdup(&f->t->arena, text);
}

static int on_segment(const struct store_segment *s, void *ud)
{
    struct facts *f = ud;
    struct json_doc *doc;
    struct ipw_err ignored;
    if (!s->engine_build || !s->env || json_read(&doc, s->env, strlen(s->env), 0, &ignored))
        return 0; /* nothing was asked in it */
    for (size_t k = 0; k < N; k++) {
        const json_val *v = json_get(json_root(doc), conditions[k].name);
        if (!conditions[k].number) {
            add_text(f, k, k == 0 ? s->power_source : json_str(v));
            continue;
        }
        f->lo[k] = fmin(f->lo[k], json_num(v)); /* fmin passes over NAN */
        f->hi[k] = fmax(f->hi[k], json_num(v));
    }
    json_doc_free(doc);
    return 0;
}

static void keep_conditions(struct facts *f)
{
    struct table_fact *out = ipw_arena_alloc(&f->t->arena, N * sizeof *out);
    for (size_t k = 0; k < N; k++) {
        char text[64];
        if (conditions[k].number && isfinite(f->lo[k])) {
            int n = snprintf(text, sizeof text, "%.0f", f->lo[k]);
            if (round(f->hi[k]) > round(f->lo[k]))
                snprintf(text + n, sizeof text - (size_t)n, " to %.0f", f->hi[k]);
            ipw_buf_adds(&f->text[k], text);
        }
        if (f->text[k].len)
            out[f->t->n_conditions++] = (struct table_fact){conditions[k].name, ipw_arena_strdup(&f->t->arena, f->text[k].s)};
        ipw_buf_release(&f->text[k]);
    }
    f->t->conditions = out;
}

static void load_labels(struct table_run *t, struct store *store)
{
    struct json_doc *doc;
    struct ipw_err ignored;
    const char *text = store_meta(store, "labels");
    if (!text || json_read(&doc, text, strlen(text), 0, &ignored))
        return;
    struct table_fact *out = ipw_arena_alloc(&t->arena, (json_len(json_root(doc)) + 1) * sizeof *out);
    for (struct json_iter it = json_iter(json_root(doc)); json_next(&it);)
        if (it.key && json_str(it.val))
            out[t->n_labels++] = (struct table_fact){ipw_arena_strdup(&t->arena, it.key),
                                                     ipw_arena_strdup(&t->arena, json_str(it.val))};
    t->labels = out;
    json_doc_free(doc);
}

int run_facts_load(struct table_run *t, struct store *store, struct ipw_err *err)
{
    struct facts f = {.t = t};
    for (size_t k = 0; k < N; k++) {
        ipw_buf_init(&f.text[k]);
        f.lo[k] = f.hi[k] = NAN;
    }
    load_labels(t, store);
    int rc = store_each_segment(store, on_segment, &f, err);
    keep_conditions(&f);
    return rc;
}
