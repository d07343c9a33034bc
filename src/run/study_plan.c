#include "run/study_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

static const char schema[] = "ipw.study/1";

void study_plan_release(struct study_plan *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->v[i].dir);
        free(p->v[i].labels);
        free(p->v[i].before);
        run_plan_release(&p->v[i].plan);
    }
    free(p->v);
    free(p->name);
    free(p->after);
    *p = (struct study_plan){0};
}

struct study_run *study_plan_add(struct study_plan *p)
{
    IPW_GROW(p->v, p->n, p->cap);
    struct study_run *r = &p->v[p->n++];
    *r = (struct study_run){.blocks = 1};
    run_plan_init(&r->plan);
    return r;
}

size_t study_order(const struct study_plan *p, struct study_block **out)
{
    size_t total = 0, k = 0;
    int64_t rounds = 0;
    for (size_t i = 0; i < p->n; i++) {
        total += (size_t)p->v[i].blocks;
        rounds = p->v[i].blocks > rounds ? p->v[i].blocks : rounds;
    }
    struct study_block *v = ipw_calloc(total ? total : 1, sizeof *v);
    for (int64_t round = 0; round < rounds; round++)
        for (size_t j = 0; j < p->n; j++) {
            size_t i = round % 2 ? p->n - 1 - j : j;
            if (round < p->v[i].blocks)
                v[k++] = (struct study_block){i, round, p->v[i].blocks, round + 1 == p->v[i].blocks};
        }
    *out = v;
    return k;
}

int64_t study_blocks_of(double seconds, double overhead_s, int64_t questions)
{
    int64_t n = 4;
    while (n > 1 && ((double)n * overhead_s > 0.1 * seconds || n > questions))
        n--;
    return n;
}

/* ---- study.json ---- */

static void put_plan(struct json_out *o, json_node *to, const struct run_plan *plan)
{
    char *text = run_plan_json(plan);
    struct json_doc *doc;
    struct ipw_err ignored;
    if (!json_read(&doc, text, strlen(text), 0, &ignored))
        json_put_val(o, to, "plan", json_root(doc));
    json_doc_free(doc);
    free(text);
}

static void put_labels(struct json_out *o, json_node *to, const char *labels)
{
    struct json_doc *doc = NULL;
    struct ipw_err ignored;
    if (labels && !json_read(&doc, labels, strlen(labels), 0, &ignored))
        json_put_val(o, to, "labels", json_root(doc));
    json_doc_free(doc);
}

/* whole: with what tells where the study lies, how far it is, and what follows from an estimate. */
static char *print(const struct study_plan *p, bool whole)
{
    struct json_out *o = json_out_new();
    json_node *top = json_new_obj(o), *runs;
    json_put_str(o, top, "schema", schema);
    json_put_str(o, top, "name", p->name);
    if (whole)
        json_put_bool(o, top, "complete", p->complete);
    json_put_str(o, top, "after", p->after);
    runs = json_put_arr(o, top, "runs");
    for (size_t i = 0; i < p->n; i++) {
        const struct study_run *r = &p->v[i];
        json_node *n = json_put_obj(o, runs, NULL);
        if (whole)
            json_put_str(o, n, "dir", r->dir);
        put_labels(o, n, r->labels);
        json_put_int(o, n, "questions", r->questions);
        if (whole) {
            json_put_int(o, n, "blocks", r->blocks);
            json_put_num(o, n, "seconds", r->seconds);
        }
        json_put_str(o, n, "before", r->before);
        put_plan(o, n, &r->plan);
    }
    char *s = json_write(o, top, whole);
    json_out_free(o);
    return s;
}

char *study_plan_json(const struct study_plan *p)
{
    return print(p, true);
}

void study_plan_hash(const struct study_plan *p, char hex[65])
{
    char *s = print(p, false);
    struct fs_sha256 *h = fs_sha256_new();
    fs_sha256_add(h, s, strlen(s));
    fs_sha256_end(h, hex);
    free(s);
}

static char *text_of(const json_val *v)
{
    return ipw_strdup(json_str(v));
}

/* A folder of the study's own: no way out of it. */
static bool plain_name(const char *s)
{
    for (const char *p = s; p && *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '/')
            return false;
    return s && *s && *s != '.' && *s != '-' && strlen(s) < 250;
}

static bool texts_only(const json_val *labels)
{
    for (struct json_iter it = json_iter(labels); json_next(&it);)
        if (!json_str(it.val))
            return false;
    return json_type(labels) == JSON_OBJ;
}

static int read_run(struct study_run *r, const json_val *v, struct ipw_err *err)
{
    const json_val *labels = json_get(v, "labels"), *plan = json_get(v, "plan");
    if (!plain_name(json_str(json_get(v, "dir"))) || !texts_only(labels) || json_type(plan) != JSON_OBJ ||
        !json_is_int(json_get(v, "questions"), &r->questions) || !json_is_int(json_get(v, "blocks"), &r->blocks) ||
        r->blocks < 1 || r->blocks > 1000)
        return ipw_err_set(err, IPW_E_INPUT, "a run in it lacks 'dir', 'labels', 'plan', 'questions' or 'blocks'");
    r->seconds = json_num(json_get(v, "seconds"));
    r->dir = text_of(json_get(v, "dir"));
    r->before = text_of(json_get(v, "before"));
    r->labels = json_print(labels);
    char *text = json_print(plan);
    int rc = run_plan_from_json(&r->plan, text, err);
    free(text);
    return rc;
}

/* Two runs in one folder would be one run with the answers of both. */
static int check_folders(const struct study_plan *p, struct ipw_err *err)
{
    for (size_t i = 1; i < p->n; i++)
        for (size_t k = 0; k < i; k++)
            if (!strcmp(p->v[i].dir, p->v[k].dir))
                return ipw_err_set(err, IPW_E_INPUT, "two runs in it have the folder '%.250s'", p->v[i].dir);
    return 0;
}

int study_plan_read(struct study_plan *p, const char *source, const char *text, size_t len, struct ipw_err *err)
{
    struct json_doc *doc;
    struct ipw_err why = {0};
    *p = (struct study_plan){0};
    int rc = json_read(&doc, text, len, 0, &why);
    const json_val *top = json_root(doc), *runs = json_get(top, "runs");
    if (!rc && (!ipw_streq(json_str(json_get(top, "schema")), schema) || !json_len(runs)))
        rc = ipw_err_set(&why, IPW_E_INPUT, "its 'schema' is not %s, or it has no runs", schema);
    p->name = text_of(json_get(top, "name"));
    p->after = text_of(json_get(top, "after"));
    p->complete = json_true(json_get(top, "complete"));
    for (struct json_iter it = json_iter(runs); !rc && json_next(&it);)
        rc = read_run(study_plan_add(p), it.val, &why);
    if (!rc && !p->name)
        rc = ipw_err_set(&why, IPW_E_INPUT, "it has no 'name'");
    if (!rc)
        rc = check_folders(p, &why);
    json_doc_free(doc);
    if (rc) {
        study_plan_release(p);
        return ipw_err_set(err, IPW_E_INPUT, "'%.300s' is damaged: %.500s; start the study again", source, why.text);
    }
    return 0;
}
