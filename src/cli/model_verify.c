/* ipw model verify: the whole sha256 of a model's files against what their source says. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/model_name.h"
#include "cli/model.h"
#include "cli/paths.h"

/* Where the sha256 of exactly this file's content is kept once it has been computed; "" where nothing is. */
static void cache_path(const struct stat *st, char out[PATH_MAX])
{
    char name[160];
#ifdef __APPLE__
    long long ns = st->st_mtimespec.tv_nsec;
#else
    long long ns = st->st_mtim.tv_nsec;
#endif
    snprintf(name, sizeof name, "sha256/%llx-%llx-%llx-%llx.%llx", (unsigned long long)st->st_dev,
             (unsigned long long)st->st_ino, (unsigned long long)st->st_size, (unsigned long long)st->st_mtime,
             (unsigned long long)ns);
    cli_cache_file(name, out);
}

static bool cached(const char *path, char hex[65])
{
    struct ipw_buf b = IPW_BUF_INIT;
    struct ipw_err err;
    bool ok = *path && fs_exists(path) && !fs_read(path, 100, &b, &err) && b.len == 64 &&
              strspn(b.s, "0123456789abcdef") == 64;
    if (ok)
        memcpy(hex, b.s, 65);
    ipw_buf_release(&b);
    return ok;
}

static int hash(struct model_bar *bar, const char *path, char hex[65], struct ipw_err *err)
{
    char keep[PATH_MAX], dir[PATH_MAX];
    struct stat st;
    struct ipw_err ignored;
    if (stat(path, &st))
        return ipw_err_set(err, IPW_E_INPUT, "cannot read '%s': it is gone", path);
    cache_path(&st, keep);
    if (cached(keep, hex))
        return 0;
    bar->total = (int64_t)st.st_size;
    int rc = fs_sha256_file(path, bar->cli->signals, model_bar_draw, bar, hex, err);
    model_bar_end(bar);
    if (!rc && *keep) { /* a cache that cannot be written costs time only */
        snprintf(dir, sizeof dir, "%.*s", (int)(fs_basename(keep) - 1 - keep), keep);
        if (!fs_mkdirs(dir, &ignored))
            fs_write_atomic(keep, hex, 64, &ignored);
    }
    return rc;
}

/* One file; *bad counts those that are not what they should be. */
static int verify_file(const struct cli *cli, const char *path, int *bad, struct ipw_buf *out, struct ipw_err *err)
{
    char want[65], hex[65];
    struct model_bar bar = {.cli = cli, .what = "checked"};
    bool told = local_model_sha256(path, want);
    int rc = hash(&bar, path, hex, err);
    if (rc)
        return rc;
    const char *word = !told ? "unknown" : strcmp(hex, want) ? "DIFFERS" : "ok";
    ipw_buf_addf(out, "%-7s  %s  %s\n", word, hex, fs_basename(path));
    if (told && strcmp(hex, want) != 0) {
        cli_say("'%s' is damaged: its source says sha256 %s; get it again", path, want);
        ++*bad;
    }
    if (!told)
        cli_say("'%s': nothing here says what its sha256 should be; compare it with its page", path);
    return 0;
}

int model_verify(struct cli *cli, int argc, char **argv)
{
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct option none;
    struct local_models all = {0};
    const struct local_model *local;
    struct ipw_buf out = IPW_BUF_INIT;
    struct ipw_err err;
    char *path = NULL, file[PATH_MAX];
    size_t n_rest, stem;
    int code, rc, part, parts, bad = 0;
    if (cli_options(&model_command_verify, &none, 0, argc, argv, rest, &n_rest, &code))
        goto out;
    rc = n_rest == 1 ? model_resolve(cli, rest[0], &all, &local, &path, &err)
                     : ipw_err_set(&err, IPW_E_USAGE, "which model? ipw model verify NAME; ipw model list shows the names");
    if (!rc) {
        size_t base = (size_t)(fs_basename(path) - path);
        model_part(path + base, &part, &parts, &stem);
        for (int i = 1; i <= parts && !rc; i++) {
            int n = parts > 1 ? snprintf(file, sizeof file, "%.*s-%05d-of-%05d.gguf", (int)(base + stem), path, i, parts)
                              : snprintf(file, sizeof file, "%s", path);
            rc = n < (int)sizeof file ? verify_file(cli, file, &bad, &out, &err)
                                      : ipw_err_set(&err, IPW_E_INPUT, "path '%s' is too long", path);
        }
    }
    code = out.len ? cli_print(out.s, out.len) : 0;
    if (rc)
        code = cli_fail(&err);
    else if (bad)
        code = 1;
out:
    local_models_release(&all);
    ipw_buf_release(&out);
    free(path);
    free(rest);
    return code;
}

const struct command model_command_verify = {
    .name = "verify",
    .summary = "the whole sha256 against what the model's source says",
    .usage = "ipw model verify NAME|FILE",
    .details = "Ollama and the hub name files by their sha256; ipw notes it when it pulls. Computed once, then remembered until "
               "the file changes. Exit 1: it differs.",
    .examples = "ipw model verify ollama:qwen3:4b\n",
    .run = model_verify};
