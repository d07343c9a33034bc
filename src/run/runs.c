#include "run/runs.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/status.h"
#include "base/str.h"
#include "store/store.h"

enum { SUMMARY_MAX = 1 << 22 };

static const char *keep(struct run_briefs *list, const char *s)
{
    return ipw_arena_strdup(&list->arena, s);
}

/* ---- from summary.json ---- */

static const json_val *scoped(const json_val *root, const char *key)
{
    return json_get(json_get(json_get(root, key), "component"), "est");
}

static int64_t whole(const json_val *v)
{
    int64_t n;
    return json_is_int(v, &n) ? n : 0;
}

static void take_figures(struct run_briefs *list, struct run_brief *b, const json_val *root)
{
    const json_val *energy = json_get(root, "energy"), *accuracy = json_get(root, "accuracy");
    b->device = keep(list, json_str(json_get(root, "device")));
    b->energy_source = keep(list, json_str(json_get(energy, "source")));
    b->signature = keep(list, json_str(json_get(energy, "signature")));
    b->n_scored = (size_t)whole(json_get(accuracy, "n"));
    b->accuracy = json_num(json_get(accuracy, "est"));
    b->accuracy_lo = json_num(json_get(accuracy, "lo"));
    b->accuracy_hi = json_num(json_get(accuracy, "hi"));
    b->per_query_j = json_num(scoped(energy, "per_query_j"));
    b->ipj = json_num(scoped(root, "ipj"));
    b->seconds = json_num(json_get(json_get(json_get(root, "latency"), "e2e_s"), "mean"));
}

/* meta.model and summary.json have the same keys. */
static void take_model(struct run_briefs *list, struct run_brief *b, const json_val *model)
{
    b->model_name = keep(list, json_str(json_get(model, "name")));
    b->model_fingerprint = keep(list, json_str(json_get(model, "fingerprint")));
    b->quant = keep(list, json_str(json_get(model, "quant")));
    b->model_bytes = whole(json_get(model, "bytes"));
}

static void take_dataset(struct run_briefs *list, struct run_brief *b, const json_val *dataset)
{
    b->dataset_name = keep(list, json_str(json_get(dataset, "name")));
    b->dataset_sha256 = keep(list, json_str(json_get(dataset, "sha256")));
    b->n_total = whole(json_get(dataset, "n"));
}

static void take_labels(struct run_briefs *list, struct run_brief *b, const json_val *labels)
{
    char *text = json_type(labels) == JSON_OBJ ? json_print(labels) : NULL;
    b->labels = text ? keep(list, text) : "{}";
    free(text);
}

/* True when nothing more is to be found in run.db: the run is finished, and this ipw wrote the file. */
static bool from_summary(struct run_briefs *list, struct run_brief *b)
{
    char path[PATH_MAX];
    struct ipw_buf text = IPW_BUF_INIT;
    struct ipw_err ignored;
    struct json_doc *doc;
    struct stat wal;
    fs_join(path, sizeof path, b->dir, "run.db-wal");
    bool open = !stat(path, &wal) && wal.st_size > 0; /* somebody writes, or was killed while writing */
    fs_join(path, sizeof path, b->dir, "summary.json");
    bool known = !fs_read(path, SUMMARY_MAX, &text, &ignored) && !json_read(&doc, text.s, text.len, 0, &ignored);
    ipw_buf_release(&text);
    if (!known)
        return false;
    const json_val *root = json_root(doc);
    b->complete = json_true(json_get(root, "complete")) && !open;
    b->started_real_ns = whole(json_get(root, "started_real_ns"));
    b->host = keep(list, json_str(json_get(root, "host")));
    b->model_file = keep(list, json_str(json_get(json_get(root, "model"), "file")));
    take_model(list, b, json_get(root, "model"));
    take_dataset(list, b, json_get(root, "dataset"));
    take_labels(list, b, json_get(root, "labels"));
    take_figures(list, b, root);
    b->n_asked = b->complete ? b->n_total : 0;
    json_doc_free(doc);
    return b->complete && b->started_real_ns;
}

/* ---- from run.db ---- */

struct reading {
    struct run_briefs *list;
    struct run_brief *b;
};

static int on_segment(const struct store_segment *s, void *ud)
{
    struct reading *r = ud;
    if (r->b->started_real_ns)
        return 0;
    r->b->started_real_ns = s->started_real_ns;
    r->b->host = keep(r->list, s->host);
    return 0;
}

static int on_key(const char *query_id, int64_t sample, int64_t attempt, int status, void *ud)
{
    (void)query_id;
    (void)sample;
    *(int64_t *)ud += status != QUERY_NOT_SENT && attempt == 1;
    return 0;
}

static void with_meta(struct reading *r, struct store *store, const char *key,
                      void (*take)(struct run_briefs *, struct run_brief *, const json_val *))
{
    struct ipw_err ignored;
    struct json_doc *doc;
    const char *text = store_meta(store, key);
    if (!text || json_read(&doc, text, strlen(text), 0, &ignored))
        return;
    take(r->list, r->b, json_root(doc));
    json_doc_free(doc);
}

static void take_plan(struct run_briefs *list, struct run_brief *b, const json_val *plan)
{
    const char *model = json_str(json_get(plan, "model"));
    b->model_file = model ? keep(list, fs_basename(model)) : NULL;
}

static void from_store(struct run_briefs *list, struct run_brief *b)
{
    struct reading r = {list, b};
    struct store *store;
    struct ipw_err err;
    int rc = store_open(&store, b->dir, false, &err);
    b->started_real_ns = 0;
    b->n_asked = 0;
    if (!rc) {
        b->complete = store_meta_int(store, "complete", 0) == 1;
        with_meta(&r, store, "plan", take_plan);
        with_meta(&r, store, "model", take_model);
        with_meta(&r, store, "dataset", take_dataset);
        with_meta(&r, store, "labels", take_labels);
        if (!(rc = store_each_segment(store, on_segment, &r, &err)))
            rc = store_each_key(store, on_key, &b->n_asked, &err);
    }
    store_close(store);
    if (rc)
        b->problem = keep(list, err.text);
    b->running = !rc && !b->complete && store_writer(b->dir);
}

/* ---- the list ---- */

void runs_add(struct run_briefs *list, const char *dir)
{
    char path[PATH_MAX];
    struct stat st;
    IPW_GROW(list->v, list->n, list->cap);
    struct run_brief *b = &list->v[list->n++];
    *b = (struct run_brief){.accuracy = NAN, .accuracy_lo = NAN, .accuracy_hi = NAN, .per_query_j = NAN, .ipj = NAN,
                            .seconds = NAN, .labels = "{}"};
    if (strlen(dir) + 32 > sizeof b->dir) {
        b->problem = "its path is too long";
        return;
    }
    memcpy(b->dir, dir, strlen(dir) + 1);
    fs_join(path, sizeof path, dir, "run.db");
    if (stat(path, &st) || st.st_size == 0)
        b->problem = fs_exists(dir) ? "it holds no run.db: the start was cut off, or it was moved" : "there is no such folder";
    else if (!from_summary(list, b))
        from_store(list, b);
}

static int newest_first(const void *a, const void *b)
{
    const struct run_brief *x = a, *y = b;
    if (!x->problem != !y->problem)
        return x->problem ? 1 : -1;
    if (x->started_real_ns != y->started_real_ns)
        return x->started_real_ns > y->started_real_ns ? -1 : 1;
    return strcmp(x->dir, y->dir);
}

void runs_sort(struct run_briefs *list)
{
    if (list->n)
        qsort(list->v, list->n, sizeof *list->v, newest_first);
}

/* A folder with a run.db, or with the name of a run. */
static bool looks_like_run(const char *dir, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    if (name[0] == '.' || stat(dir, &st) || !S_ISDIR(st.st_mode))
        return false;
    fs_join(path, sizeof path, dir, "run.db");
    return ipw_starts(name, "profile_") || fs_exists(path);
}

/* within: a study's folder, which holds runs and no studies. */
static int add_folder(struct run_briefs *out, const char *folder, bool within)
{
    char dir[PATH_MAX];
    DIR *d = opendir(folder);
    if (!d)
        return errno;
    for (struct dirent *e; (e = readdir(d));) {
        if (strlen(folder) + strlen(e->d_name) + 32 > sizeof dir)
            continue;
        fs_join(dir, sizeof dir, folder, e->d_name);
        if (looks_like_run(dir, e->d_name))
            runs_add(out, dir);
        else if (!within && ipw_starts(e->d_name, "study_"))
            (void)!add_folder(out, dir, true); /* one that cannot be read hides no other */
    }
    closedir(d);
    return 0;
}

int runs_list(struct run_briefs *out, const char *output_dir, struct ipw_err *err)
{
    *out = (struct run_briefs){0};
    int e = add_folder(out, output_dir, false);
    if (e && e != ENOENT)
        return ipw_err_set(err, IPW_E_IO, "cannot read folder '%s': %s; name the folder that holds the runs", output_dir,
                           strerror(e));
    runs_sort(out);
    return 0;
}

void runs_release(struct run_briefs *list)
{
    free(list->v);
    ipw_arena_release(&list->arena);
    *list = (struct run_briefs){0};
}
