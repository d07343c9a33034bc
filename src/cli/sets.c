#include "cli/sets.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/paths.h"
#include "score/score.h"

enum { ORIGIN_MAX = 65536 };

int sets_open(struct dataset **out, const char *spec, int64_t prompt_length, int64_t num_samples, struct ipw_err *err)
{
    char dir[PATH_MAX];
    struct dataset_cfg cfg = {prompt_length, num_samples, cli_data_dir("datasets", dir)};
    return dataset_open(out, spec, &cfg, err);
}

const char *sets_path(const char *spec, char out[PATH_MAX])
{
    char dir[PATH_MAX];
    struct dataset_cfg cfg = {.dir = cli_data_dir("datasets", dir)};
    dataset_path(spec, &cfg, out, PATH_MAX);
    return out;
}

const char *sets_scorer(const json_val *record, bool *built)
{
    const char *name = scorer_name_for(record);
    *built = scorer_find(name) != NULL;
    return name;
}

const char *sets_scorer_of(const struct question *q, char name[40], bool *built)
{
    struct json_doc *doc;
    struct ipw_err ignored;
    *built = false;
    bool read = !json_read(&doc, q->record, q->record_len, 0, &ignored);
    snprintf(name, 40, "%s", read ? sets_scorer(json_root(doc), built) : "none");
    json_doc_free(doc);
    return name;
}

void sets_say_unscored(const struct dataset *d)
{
    size_t n = 0, judged = 0;
    bool built;
    char name[40], scorer[40] = "";
    for (size_t i = 0; i < d->n; i++) {
        sets_scorer_of(&d->v[i], name, &built);
        judged += !strcmp(name, "judge") || !strcmp(name, "pairwise");
        if (built || !strcmp(name, "none"))
            continue;
        memcpy(scorer, name, sizeof scorer);
        n++;
    }
    if (judged)
        cli_say("%zu of the %zu questions of '%s' are for a judge, after the run: ipw judge RUN -m JUDGE.gguf", judged, d->n,
                d->name);
    if (n)
        cli_say("%zu of the %zu questions of '%s' cannot be scored yet (no scorer '%s' in this build): joules and speed will "
                "be told, accuracy only of the others", n, d->n, d->name, scorer);
}

bool sets_has_canary(const struct dataset *d)
{
    bool found = false;
    for (size_t i = 0; i < d->n && !found; i++) {
        struct json_doc *doc;
        struct ipw_err ignored;
        if (!memmem(d->v[i].record, d->v[i].record_len, "\"canary\"", strlen("\"canary\"")) ||
            json_read(&doc, d->v[i].record, d->v[i].record_len, 0, &ignored))
            continue;
        found = json_str(json_get(json_root(doc), "canary"));
        json_doc_free(doc);
    }
    return found;
}

int sets_may_print(const struct dataset *d, const char *file, struct ipw_err *err)
{
    struct stat st;
    if (!sets_has_canary(d) || (file && (stat(file, &st) || S_ISREG(st.st_mode))))
        return 0;
    return ipw_err_set(err, IPW_E_INPUT, "the authors of '%s' ask not to post its questions, so they are not printed; write them to a "
                       "file of yours: --out FILE", d->name);
}

int sets_dir(char out[PATH_MAX], struct ipw_err *err)
{
    if (*cli_data_dir("datasets", out))
        return 0;
    return ipw_err_set(err, IPW_E_ENV, "no folder for question sets: neither IPW_DATA nor HOME is set; set one");
}

int sets_file(const char *name, const char *suffix, char out[PATH_MAX], struct ipw_err *err)
{
    char dir[PATH_MAX];
    if (sets_dir(dir, err))
        return err->code;
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    if (!*name || name[strspn(name, allowed)] || strchr("-.", name[0]) || !strcmp(name, "all") || ipw_ends(name, ".jsonl"))
        return ipw_err_set(err, IPW_E_USAGE, "'%s' cannot name a question set; use letters, digits, '-' and '_'", name);
    if (snprintf(out, PATH_MAX, "%s/%s%s", dir, name, suffix) >= PATH_MAX)
        return ipw_err_set(err, IPW_E_USAGE, "the name '%.60s...' is too long; choose a shorter one", name);
    return 0;
}

static void text_of(const json_val *obj, const char *key, char *out, size_t size)
{
    const char *s = json_str(json_get(obj, key));
    snprintf(out, size, "%s", s ? s : "");
}

int set_origin_read(const char *name, struct set_origin *o, struct ipw_err *err)
{
    char path[PATH_MAX];
    struct ipw_buf text = IPW_BUF_INIT;
    struct json_doc *doc = NULL;
    *o = (struct set_origin){0};
    int rc = sets_file(name, ".origin.json", path, err);
    if (!rc && !(rc = fs_read(path, ORIGIN_MAX, &text, err)) && (rc = json_read(&doc, text.s, text.len, 0, err)))
        ipw_err_wrap(err, "'%s'", path);
    const json_val *top = json_root(doc);
    if (!rc) {
        text_of(top, "sha256", o->sha256, sizeof o->sha256);
        text_of(top, "package_sha256", o->package_sha256, sizeof o->package_sha256);
        text_of(top, "source", o->source, sizeof o->source);
        text_of(top, "license", o->license, sizeof o->license);
        text_of(top, "date", o->date, sizeof o->date);
        json_is_int(json_get(top, "n"), &o->n);
    }
    json_doc_free(doc);
    ipw_buf_release(&text);
    return rc;
}

static char *origin_json(const char *name, const struct set_origin *o)
{
    struct json_out *out = json_out_new();
    json_node *top = json_new_obj(out);
    json_put_str(out, top, "schema", "ipw.origin/1");
    json_put_str(out, top, "name", name);
    json_put_int(out, top, "n", o->n);
    json_put_str(out, top, "sha256", o->sha256);
    json_put_str(out, top, "source", *o->source ? o->source : NULL);
    json_put_str(out, top, "license", *o->license ? o->license : NULL);
    json_put_str(out, top, "package_sha256", *o->package_sha256 ? o->package_sha256 : NULL);
    json_put_str(out, top, "date", o->date);
    char *s = json_write(out, top, true);
    json_out_free(out);
    return s;
}

int set_origin_write(const char *name, const struct set_origin *o, struct ipw_err *err)
{
    char path[PATH_MAX];
    int rc = sets_file(name, ".origin.json", path, err);
    char *s = origin_json(name, o);
    if (!rc)
        rc = fs_write_atomic(path, s, strlen(s), err);
    free(s);
    return rc;
}

void set_origin_date(const struct cli *cli, struct set_origin *o)
{
    time_t now = (time_t)(cli->env.clock->real(&cli->env) / 1000000000);
    struct tm tm;
    strftime(o->date, sizeof o->date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
}

/* The text is written beside its place first: once it is on the disk, only the small origin and a rename can still fail. */
int set_store(const char *name, const char *text, size_t len, const struct set_origin *o, struct ipw_err *err)
{
    char dir[PATH_MAX], path[PATH_MAX], fresh[PATH_MAX];
    int rc;
    if ((rc = sets_dir(dir, err)) || (rc = sets_file(name, ".jsonl", path, err)) ||
        (rc = sets_file(name, ".jsonl.new", fresh, err)) ||
        (rc = fs_mkdirs(dir, err)) || (rc = fs_write_atomic(fresh, text, len, err)))
        return rc;
    if (!(rc = set_origin_write(name, o, err)) && rename(fresh, path))
        rc = ipw_err_set(err, IPW_E_IO, "cannot write '%s': %s", path, fs_reason(errno));
    if (rc)
        unlink(fresh);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **sets_here(size_t *n)
{
    char dir[PATH_MAX], **names = NULL;
    size_t cap = 0;
    DIR *d = *cli_data_dir("datasets", dir) ? opendir(dir) : NULL;
    *n = 0;
    for (struct dirent *e; d && (e = readdir(d));) {
        if (!ipw_ends(e->d_name, ".jsonl") || ipw_ends(e->d_name, CATALOGUE_SHOTS ".jsonl") || e->d_name[0] == '.')
            continue;
        IPW_GROW(names, *n, cap);
        names[(*n)++] = ipw_strndup(e->d_name, strlen(e->d_name) - strlen(".jsonl"));
    }
    if (d)
        closedir(d);
    if (*n)
        qsort(names, *n, sizeof *names, by_name);
    return names;
}

static int not_here(const char *name, struct ipw_err *err)
{
    struct catalogue *c = catalogue_open();
    const struct catalogue_set *set = catalogue_find(c, name);
    if (set && set->refused)
        ipw_err_set(err, IPW_E_INPUT, "question set '%s' cannot be asked: %s", name, set->refused);
    else
        ipw_err_set(err, IPW_E_INPUT, "no question set '%s' was pulled or imported; ipw dataset list tells which were", name);
    catalogue_close(c);
    return err->code;
}

int set_check(const char *name, size_t *n, struct ipw_err *err)
{
    char path[PATH_MAX];
    struct set_origin origin;
    struct dataset *d = NULL;
    *n = 0;
    int rc = sets_file(name, ".jsonl", path, err);
    if (!rc && !fs_exists(path))
        rc = not_here(name, err);
    if (rc || (rc = set_origin_read(name, &origin, err)) || (rc = dataset_open(&d, path, &(struct dataset_cfg){0}, err)))
        return rc;
    *n = d->n;
    if (strcmp(d->sha256, origin.sha256) != 0)
        rc = ipw_err_set(err, IPW_E_INPUT, "'%s' was changed after it was taken (sha256 %.12s, then %.12s); take it again",
                         path, d->sha256, origin.sha256);
    dataset_close(d);
    return rc;
}
