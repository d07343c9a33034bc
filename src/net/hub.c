#include "net/hub.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/model_name.h"
#include "base/str.h"

static const char the_hub[] = "https://huggingface.co";
enum { LIST_MAX = 16 << 20, PAGES_MAX = 50, TRIES = 6 };

static bool is_word(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!ipw_isalnum((unsigned char)s[i]) && !strchr("-_.", s[i]))
            return false;
    return n > 0 && s[0] != '.';
}

int hub_spec_parse(struct hub_spec *spec, const char *text, struct ipw_err *err)
{
    const char *slash = strchr(text, '/'), *colon = slash ? strchr(slash, ':') : NULL;
    size_t n = colon ? (size_t)(colon - text) : strlen(text);
    if (!slash || !is_word(text, (size_t)(slash - text)) || !is_word(slash + 1, n - (size_t)(slash + 1 - text)) ||
        n >= sizeof spec->repo || (colon && (!colon[1] || strlen(colon + 1) >= sizeof spec->quant)))
        return ipw_err_set(err, IPW_E_USAGE, "'%s' is no model on the hub: ORG/REPO or ORG/REPO:QUANT is needed, such as "
                           "bartowski/Qwen_Qwen3-4B-GGUF:Q4_K_M", text);
    snprintf(spec->repo, sizeof spec->repo, "%.*s", (int)n, text);
    snprintf(spec->quant, sizeof spec->quant, "%s", colon ? colon + 1 : "");
    return 0;
}

/* ---- which files there are ---- */

static const char *endpoint(const struct hub *hub, char *out, size_t size)
{
    snprintf(out, size, "%s", hub->endpoint && *hub->endpoint ? hub->endpoint : the_hub);
    for (size_t n = strlen(out); n && out[n - 1] == '/';)
        out[--n] = '\0';
    return out;
}

/* It becomes a path here: no step up, nothing absolute, nothing hidden: no list would show it. */
static bool is_plain(const char *path)
{
    size_t n = strlen(path);
    return n > 0 && n < 400 && *path != '/' && *path != '.' && !strstr(path, "/.") &&
           !strstr(path, "..") && ipw_utf8_valid(path, n);
}

static bool could_be_model(const char *path)
{
    const char *base = fs_basename(path);
    size_t n = strlen(path);
    return n > 5 && !strcasecmp(path + n - 5, ".gguf") && strncasecmp(base, "mmproj", 6) != 0 && !strcasestr(base, "imatrix");
}

static int parse(struct hub_files *out, const char *json, size_t len, bool models, struct ipw_err *err)
{
    struct json_doc *doc;
    int rc = json_read(&doc, json, len, 0, err);
    if (rc)
        return ipw_err_wrap(err, "the hub's list of files cannot be read");
    if (json_type(json_root(doc)) != JSON_ARR)
        rc = ipw_err_set(err, IPW_E_INPUT, "the hub's list of files is no list: check HF_ENDPOINT");
    for (struct json_iter it = json_iter(json_root(doc)); !rc && json_next(&it);) {
        const json_val *lfs = json_get(it.val, "lfs");
        const char *path = json_str(json_get(it.val, "path")), *sum = json_str(json_get(lfs, "oid"));
        struct hub_file f = {.bytes = -1};
        if (!path || !is_plain(path) || (models && !could_be_model(path)) || !ipw_streq(json_str(json_get(it.val, "type")), "file"))
            continue;
        if ((!json_is_int(json_get(lfs, "size"), &f.bytes) && !json_is_int(json_get(it.val, "size"), &f.bytes)) ||
            f.bytes < 0)
            continue;
        f.path = ipw_arena_strdup(&out->arena, path);
        if (sum && ipw_starts(sum, "sha256:"))
            sum += strlen("sha256:");
        if (sum && strlen(sum) == 64 && strspn(sum, "0123456789abcdef") == 64)
            f.sha256 = ipw_arena_strdup(&out->arena, sum);
        IPW_GROW(out->v, out->n, out->cap);
        out->v[out->n++] = f;
    }
    json_doc_free(doc);
    return rc;
}

int hub_list_parse(struct hub_files *out, const char *json, size_t len, struct ipw_err *err)
{
    return parse(out, json, len, true, err);
}

static int list_files(struct hub_files *out, const struct hub *hub, const char *kind, const char *repo, struct ipw_err *err)
{
    const bool models = !strcmp(kind, "models");
    char base[300], url[1200];
    struct http_answer answer;
    struct ipw_buf text = IPW_BUF_INIT;
    int rc = 0;
    *out = (struct hub_files){0};
    endpoint(hub, base, sizeof base);
    snprintf(url, sizeof url, "%s/api/%s/%s/tree/main?recursive=true", base, kind, repo);
    for (int page = 0; page < PAGES_MAX && !rc && *url; page++) {
        struct http_get get = {.url = url, .token = hub->token, .stop = hub->stop};
        ipw_buf_clear(&text);
        rc = http_to_memory(&get, LIST_MAX, &text, &answer, err);
        if (hub->status)
            *hub->status = (int)answer.status;
        if (!rc)
            rc = parse(out, text.s, text.len, models, err);
        else
            ipw_err_wrap(err, "%s '%s'", models ? "model" : "dataset", repo);
        bool same = ipw_starts(answer.next, base) && answer.next[strlen(base)] == '/'; /* the token goes with it */
        snprintf(url, sizeof url, "%s", same ? answer.next : "");
    }
    ipw_buf_release(&text);
    return rc;
}

int hub_list(struct hub_files *out, const struct hub *hub, const char *repo, struct ipw_err *err)
{
    return list_files(out, hub, "models", repo, err);
}

int hub_list_data(struct hub_files *out, const struct hub *hub, const char *repo, struct ipw_err *err)
{
    return list_files(out, hub, "datasets", repo, err);
}

void hub_files_release(struct hub_files *f)
{
    free(f->v);
    ipw_arena_release(&f->arena);
    *f = (struct hub_files){0};
}

/* ---- which of them is meant ---- */

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct hub_file *)a)->path, ((const struct hub_file *)b)->path);
}

/* Of the file's name, else of the folder it lies in. */
static const char *quant_of(const struct hub_file *f, char out[24])
{
    const char *base = fs_basename(f->path), *q = model_quant(base, out);
    char dir[400];
    if (*q || base == f->path)
        return q;
    snprintf(dir, sizeof dir, "%.*s", (int)(base - 1 - f->path), f->path);
    return model_quant(fs_basename(dir), out);
}

/* How many files, from i on, make one model: 1, or the parts of a split one, 0 when one of them is not there. */
static size_t run_of(const struct hub_files *f, size_t i, size_t *stem)
{
    int part, parts, p2, of2;
    size_t s2, dir = (size_t)(fs_basename(f->v[i].path) - f->v[i].path);
    if (!model_part(f->v[i].path + dir, &part, &parts, stem)) {
        *stem += dir;
        return 1;
    }
    *stem += dir;
    for (int k = 0; k < parts; k++)
        if (i + (size_t)k >= f->n || strncmp(f->v[i + (size_t)k].path, f->v[i].path, *stem) != 0 ||
            !model_part(f->v[i + (size_t)k].path + dir, &p2, &of2, &s2) || p2 != k + 1 || of2 != parts)
            return 0;
    return (size_t)parts;
}

static bool matches(const struct hub_file *f, size_t stem, const char *want)
{
    char quant[24];
    size_t n = strlen(want), dir = (size_t)(fs_basename(f->path) - f->path);
    return !strcasecmp(quant_of(f, quant), want) || !strcmp(f->path, want) || !strcmp(f->path + dir, want) ||
           (n == stem && !strncmp(f->path, want, n)) || (n == stem - dir && !strncmp(f->path + dir, want, n));
}

static int none_fits(const struct hub_files *files, const struct hub_spec *spec, const char *want, size_t fits,
                     struct ipw_err *err)
{
    char list[500] = "", quant[24];
    size_t stem, k, n = 0;
    for (size_t i = 0; i < files->n; i += k ? k : 1) {
        k = run_of(files, i, &stem);
        const char *word = quant_of(&files->v[i], quant), *base = fs_basename(files->v[i].path);
        if (!k || (fits && !matches(&files->v[i], stem, want)))
            continue;
        if (fits || !*word)
            word = base;
        if (n + strlen(word) + 3 < sizeof list)
            n += (size_t)snprintf(list + n, sizeof list - n, n ? ", %s" : "%s", word);
    }
    if (!n)
        return ipw_err_set(err, IPW_E_INPUT, "'%s' holds no whole GGUF file; repositories whose names end in -GGUF do",
                           spec->repo);
    if (fits)
        return ipw_err_set(err, IPW_E_INPUT, "'%s' holds %zu files of %s; which one? %s:FILE with one of: %s", spec->repo, fits,
                           want, spec->repo, list);
    if (*spec->quant)
        return ipw_err_set(err, IPW_E_INPUT, "'%s' holds no %s; there is: %s", spec->repo, want, list);
    return ipw_err_set(err, IPW_E_INPUT, "which quantisation of '%s'? %s:QUANT with one of: %s", spec->repo, spec->repo, list);
}

int hub_choose(struct hub_files *files, const struct hub_spec *spec, size_t *first, size_t *n, struct ipw_err *err)
{
    const char *want = *spec->quant ? spec->quant : "Q4_K_M";
    size_t models = 0, fits = 0, only = 0, stem, k;
    if (files->n)
        qsort(files->v, files->n, sizeof *files->v, by_path);
    for (size_t i = 0; i < files->n; i += k ? k : 1) {
        k = run_of(files, i, &stem);
        if (!k)
            continue;
        models++;
        only = i;
        if (matches(&files->v[i], stem, want)) {
            fits++;
            *first = i;
            *n = k;
        }
    }
    if (fits == 1)
        return 0;
    if (!fits && models == 1 && !*spec->quant) {
        *first = only;
        *n = run_of(files, only, &stem);
        return 0;
    }
    return none_fits(files, spec, want, fits, err);
}

/* ---- one file ---- */

static void add_escaped(struct ipw_buf *b, const char *s)
{
    for (; *s; s++)
        if (ipw_isalnum((unsigned char)*s) || strchr("-_.~/", *s))
            ipw_buf_addc(b, *s);
        else
            ipw_buf_addf(b, "%%%02X", (unsigned char)*s);
}

/* Opens the unfinished file and takes it for this process. */
static int take_part(const char *part, int *fd, struct ipw_err *err)
{
    struct stat mine, there;
    for (int i = 0; i < 3; i++) {
        *fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (*fd < 0)
            return ipw_err_set(err, IPW_E_IO, "cannot write '%s': %s", part, fs_reason(errno));
        if (flock(*fd, LOCK_EX | LOCK_NB)) {
            close(*fd);
            *fd = -1;
            return ipw_err_set(err, IPW_E_LOCKED, "'%s' is being pulled by another ipw; wait for it", part);
        }
        if (!fstat(*fd, &mine) && !stat(part, &there) && mine.st_ino == there.st_ino)
            return 0;
        close(*fd); /* the other one has just given it its name */
    }
    *fd = -1;
    return ipw_err_set(err, IPW_E_LOCKED, "'%s' is being pulled by another ipw; wait for it", part);
}

/* Goes on after a break as long as bytes come. */
static int fetch(const struct hub *hub, const struct http_get *get, int fd, int64_t bytes, struct ipw_err *err)
{
    struct http_answer answer;
    struct stat st;
    int64_t had = -1;
    int rc = 0;
    for (int i = 0; i < TRIES; i++) {
        if (fstat(fd, &st))
            return ipw_err_set(err, IPW_E_IO, "cannot write the download: %s", strerror(errno));
        if (st.st_size == bytes) {
            *err = (struct ipw_err){0}; /* of the breaks before */
            return 0;
        }
        if (st.st_size > bytes && ftruncate(fd, 0)) /* another version of the file */
            return ipw_err_set(err, IPW_E_IO, "cannot write the download: %s", fs_reason(errno));
        if (i && st.st_size <= had) /* it does not get on */
            break;
        if (i > 1)
            hub->env->clock->sleep_until(hub->env, ipw_now(hub->env) + (int64_t)i * 1000000000);
        had = st.st_size;
        rc = http_to_file(get, fd, &answer, err);
        if (hub->status)
            *hub->status = (int)answer.status;
        if (rc && (rc != IPW_E_ENV || answer.status / 100 == 4))
            return rc;
    }
    if (!rc)
        rc = ipw_err_set(err, IPW_E_ENV, "the hub sent %lld bytes of %lld; try again, it goes on where it stopped",
                         (long long)had, (long long)bytes);
    return rc;
}

static int check(const struct hub *hub, const struct hub_file *file, const char *part, struct ipw_err *err)
{
    char hex[65];
    if (!file->sha256)
        return 0;
    int rc = fs_sha256_file(part, hub->stop, NULL, NULL, hex, err);
    if (rc || !strcmp(hex, file->sha256))
        return rc;
    unlink(part);
    return ipw_err_set(err, IPW_E_INPUT, "'%s' came damaged: its sha256 is %.12s.., not %.12s.. as the hub says; it was removed, "
                       "pull again", file->path, hex, file->sha256);
}

/* It is there already: its size alone does not tell that, when the repository changed or the disk spoiled it. */
static int is_there(const struct hub *hub, const struct hub_file *file, const char *path, bool *there, struct ipw_err *err)
{
    char hex[65];
    struct stat st;
    *there = !stat(path, &st) && st.st_size == file->bytes;
    if (!*there || !file->sha256)
        return 0;
    int rc = fs_sha256_file(path, hub->stop, NULL, NULL, hex, err);
    *there = !rc && !strcmp(hex, file->sha256);
    return rc;
}

int hub_pull(const struct hub *hub, const char *repo, const struct hub_file *file, const char *path,
             void (*progress)(void *ud, int64_t done, int64_t total), void *ud, struct ipw_err *err)
{
    char part[PATH_MAX], base[300];
    struct ipw_buf url = IPW_BUF_INIT;
    struct stat st;
    bool there;
    int fd = -1, rc = is_there(hub, file, path, &there, err);
    if (rc || there)
        return rc;
    if ((size_t)snprintf(part, sizeof part, "%s.part", path) >= sizeof part)
        return ipw_err_set(err, IPW_E_INPUT, "path '%s' is too long", path);
    ipw_buf_addf(&url, "%s/%s/resolve/main/", endpoint(hub, base, sizeof base), repo);
    add_escaped(&url, file->path);
    struct http_get get = {.url = url.s, .token = hub->token, .stop = hub->stop, .progress = progress, .ud = ud,
                           .most = file->bytes};
    if (!(rc = take_part(part, &fd, err)) && !(rc = fetch(hub, &get, fd, file->bytes, err)) &&
        !(rc = check(hub, file, part, err)) && (fsync(fd) || rename(part, path)))
        rc = ipw_err_set(err, IPW_E_IO, "cannot write '%s': %s", path, fs_reason(errno));
    if (fd >= 0 && rc && !fstat(fd, &st) && !st.st_size) /* there is nothing to go on with */
        unlink(part);
    if (fd >= 0)
        close(fd);
    ipw_buf_release(&url);
    return rc;
}
