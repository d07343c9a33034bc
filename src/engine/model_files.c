/* GGUF files by their own names: in folders, in the hub's cache, in ipw's folder. Parts of one model are one entry. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/model_name.h"
#include "base/str.h"
#include "engine/model_found.h"

static bool ends_with(const char *s, const char *suffix)
{
    size_t n = strlen(s), k = strlen(suffix);
    return n > k && !strcasecmp(s + n - k, suffix);
}

/* What downloads are called until they are whole, by several programs. */
static const char *const unfinished[] = {".gguf.part", ".gguf.downloadinprogress", ".gguf.incomplete", ".gguf.download",
                                         ".gguf.tmp", ".gguf.aria2"};

/* The length of the name without such an ending; 0: it has none. */
static size_t unfinished_stem(const char *name)
{
    for (size_t i = 0; i < sizeof unfinished / sizeof unfinished[0]; i++)
        if (ends_with(name, unfinished[i]))
            return strlen(name) - strlen(unfinished[i]);
    return 0;
}

static bool is_gguf(const char *name)
{
    return ends_with(name, ".gguf") || unfinished_stem(name);
}

static bool is_pulled(const char *name)
{
    return is_gguf(name) || ends_with(name, ".gguf.json");
}

/* Where the files of a walk come from, for their names. */
struct site {
    const char *prefix; /* "": none */
    const char *repo;   /* "ORG/REPO" of all files; NULL: the first two folders of rel, where pulled */
    bool by_path;       /* a folder that was named: what works without naming it again is the path */
    bool pulled;
    size_t revision; /* length of the first folder and its slash, which no name has */
};

static void names(struct finder *f, struct found *e, const struct site *s, const struct walk_file *file, size_t stem)
{
    const char *rel = file->rel + s->revision, *base = fs_basename(rel), *slash;
    const char *colon = *s->prefix ? ":" : "";
    int dir = (int)(base - rel), repo = 0;
    char quant[24];
    model_quant(base, quant);
    snprintf(e->m.quant, sizeof e->m.quant, "%s", quant);
    e->known_quant = *quant;
    if (s->repo)
        e->whole = found_text(f, "%s%s%s/%.*s%.*s", s->prefix, colon, s->repo, dir, rel, (int)stem, base);
    else
        e->whole = found_text(f, "%s%s%.*s%.*s", s->prefix, colon, dir, rel, (int)stem, base);
    e->m.name = e->whole;
    if (s->pulled && !s->repo && (slash = strchr(rel, '/')) && (slash = strchr(slash + 1, '/')))
        repo = (int)(slash - rel);
    if (s->by_path)
        e->m.name = e->whole = file->path;
    if (s->by_path || !*quant || (!s->repo && !repo) || !strncasecmp(base, "mmproj", 6))
        return;
    e->m.name = s->repo ? found_text(f, "%s%s%s:%s", s->prefix, colon, s->repo, quant)
                        : found_text(f, "%s%s%.*s:%s", s->prefix, colon, repo, rel, quant);
}

/* What `ipw model pull` noted beside the file, before its first byte came. */
static void read_record(struct finder *f, struct found *e, const char *path, int64_t *bytes)
{
    struct ipw_buf text = IPW_BUF_INIT;
    struct json_doc *doc = NULL;
    struct ipw_err err;
    if (!fs_read(path, 1 << 16, &text, &err) && !json_read(&doc, text.s, text.len, 0, &err)) {
        const json_val *o = json_root(doc);
        const char *from = json_str(json_get(o, "pull")),
                   *name = json_str(json_get(o, "name"));
        json_is_int(json_get(o, "bytes"), bytes);
        if (name && *name)
            e->m.name = ipw_arena_strdup(f->arena, name);
        if (from)
            e->m.remedy = found_text(f, "ipw model pull %s", from);
    }
    json_doc_free(doc);
    ipw_buf_release(&text);
}

/* One model: a file, or the parts v[0..n) of a split one in order. */
static void add_group(struct finder *f, const struct site *s, const struct walk_file *v, size_t n)
{
    struct found *e = found_add(f);
    int part, parts, of;
    size_t stem, at;
    model_part(fs_basename(v->rel), &part, &parts, &stem);
    names(f, e, s, v, stem);
    e->m.path = v[0].path;
    e->m.bytes = 0;
    for (size_t i = 0; i < n; i++) {
        if (v[i].bytes < 0)
            e->m.problem = "its file is gone (a link that leads nowhere)";
        else
            e->m.bytes += v[i].bytes;
        model_part(fs_basename(v[i].rel), &part, &of, &at);
        if (parts > 1 && !e->m.problem && part != (int)i + 1)
            e->m.problem = found_text(f, "part %d of %d is missing", (int)i + 1, parts);
    }
    if (parts > 1 && !e->m.problem && (int)n < parts)
        e->m.problem = found_text(f, "part %d of %d is missing", (int)n + 1, parts);
    if (s->pulled) {
        int64_t bytes = -1;
        read_record(f, e, found_text(f, "%s.json", v[0].path), &bytes);
        if (!e->m.problem)
            e->m.remedy = NULL; /* it is whole: nothing to pull */
    }
}

static const char *amount(struct finder *f, int64_t bytes)
{
    return bytes >= 1000000000 ? found_text(f, "%.1f GB", (double)bytes / 1e9)
                               : found_text(f, "%.0f MB", (double)bytes / 1e6);
}

/* A download that has not ended, by its own file or by its record alone. */
static void add_unfinished(struct finder *f, const struct site *s, const struct walk_file *file, size_t stem, int64_t have)
{
    struct found *e = found_add(f);
    int part, parts;
    size_t n, dir = (size_t)(fs_basename(file->rel) - file->rel);
    const char *name = found_text(f, "%.*s.gguf", (int)stem, file->rel + dir);
    int64_t bytes = -1;
    model_part(name, &part, &parts, &n);
    names(f, e, s, file, n);
    e->m.bytes = have > 0 ? have : 0;
    if (s->pulled)
        read_record(f, e, found_text(f, "%.*s%s.json", (int)(file->rel + dir - file->path), file->path, name), &bytes);
    e->m.problem = bytes > 0 ? found_text(f, "a pull that was not finished: %s of %s are there", amount(f, e->m.bytes),
                                          amount(f, bytes))
                             : "a download that was not finished";
}

/* The file's path with another ending is among those found. */
static bool there(const struct walk *w, const struct walk_file *like, size_t stem, const char *ending)
{
    for (size_t i = 0; i < w->n; i++)
        if (!strncmp(w->v[i].path, like->path, stem) && !strcmp(w->v[i].path + stem, ending))
            return true;
    return false;
}

/* A note or an unfinished file stands for its model when nothing better is there; of a split one, only the first part. */
static void add_rest(struct finder *f, const struct site *s, const struct walk_file *file)
{
    const char *base = fs_basename(file->rel);
    bool note = ends_with(base, ".gguf.json");
    size_t k = note ? strlen(base) - strlen(".gguf.json") : unfinished_stem(base), at = (size_t)(base - file->path) + k, n;
    int part, parts;
    model_part(found_text(f, "%.*s.gguf", (int)k, base), &part, &parts, &n);
    if (part == 1 && !there(&f->walk, file, at, ".gguf") && !(note && there(&f->walk, file, at, ".gguf.part")))
        add_unfinished(f, s, file, k, note ? 0 : file->bytes);
}

static bool same_split(const struct walk_file *a, const struct walk_file *b)
{
    int part, parts, parts_b;
    size_t stem, stem_b, dir = (size_t)(fs_basename(a->path) - a->path);
    return model_part(a->path + dir, &part, &parts, &stem) && !strncmp(a->path, b->path, dir + stem) &&
           model_part(b->path + dir, &part, &parts_b, &stem_b) && stem == stem_b && parts == parts_b;
}

/* Turns the files of the walk in hand into entries. */
static void add_all(struct finder *f, const struct site *s)
{
    struct walk *w = &f->walk;
    struct walk_file *whole = ipw_calloc(w->n + 1, sizeof *whole);
    size_t n = 0, k;
    for (size_t i = 0; i < w->n; i++)
        if (ends_with(w->v[i].rel, ".gguf"))
            whole[n++] = w->v[i];
        else
            add_rest(f, s, &w->v[i]);
    for (size_t i = 0; i < n; i += k) {
        for (k = 1; i + k < n && same_split(&whole[i], &whole[i + k]);)
            k++;
        add_group(f, s, whole + i, k);
    }
    free(whole);
}

static bool is_hash(const char *s)
{
    return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

bool local_model_sha256(const char *path, char hex[65])
{
    char target[PATH_MAX];
    const char *own = fs_basename(path), *sum = own + (ipw_starts(own, "sha256-") ? strlen("sha256-") : 0);
    ssize_t k = is_hash(sum) ? -1 : readlink(path, target, sizeof target - 1);
    if (k > 0) {
        target[k] = '\0';
        sum = fs_basename(target);
    }
    struct ipw_buf note = IPW_BUF_INIT;
    struct json_doc *doc = NULL;
    struct ipw_err err;
    char file[PATH_MAX];
    if (!is_hash(sum) && (size_t)snprintf(file, sizeof file, "%s.json", path) < sizeof file &&
        !fs_read(file, 1 << 16, &note, &err) && !json_read(&doc, note.s, note.len, 0, &err))
        sum = json_str(json_get(json_root(doc), "sha256"));
    bool told = sum && is_hash(sum);
    snprintf(hex, 65, "%s", told ? sum : "");
    json_doc_free(doc);
    ipw_buf_release(&note);
    return told;
}

int found_files(struct finder *f, const struct model_root *root)
{
    struct site s = {.prefix = root->prefix ? root->prefix : "", .by_path = !root->prefix,
                     .pulled = root->layout == MODEL_PULLED};
    int e = walk_files(&f->walk, root->dir, s.pulled ? is_pulled : is_gguf);
    add_all(f, &s);
    return e;
}

/* models--ORG--REPO/snapshots/REVISION/...; files that two revisions share are one. */
static void add_repo(struct finder *f, const struct model_root *root, const char *folder, const char *dir)
{
    char repo[256], snapshots[PATH_MAX];
    struct walk *w = &f->walk;
    struct site s = {.prefix = root->prefix, .repo = repo};
    snprintf(repo, sizeof repo, "%s", folder + strlen("models--"));
    char *dash = strstr(repo, "--");
    if (dash) {
        *dash = '/';
        memmove(dash + 1, dash + 2, strlen(dash + 2) + 1);
    }
    if ((size_t)snprintf(snapshots, sizeof snapshots, "%s/snapshots", dir) >= sizeof snapshots)
        return;
    walk_files(w, snapshots, is_gguf);
    size_t n = w->n;
    for (size_t i = 0, kept = 0; i < n; i++) {
        const char *slash = strchr(w->v[i].rel, '/');
        bool again = !slash;
        for (size_t k = 0; k < kept && !again; k++)
            again = w->v[i].ino && w->v[k].ino == w->v[i].ino && w->v[k].dev == w->v[i].dev;
        if (!again)
            w->v[kept++] = w->v[i];
        w->n = kept;
    }
    n = w->n;
    struct walk_file *all = ipw_calloc(n + 1, sizeof *all);
    memcpy(all, w->v, n * sizeof *all);
    for (size_t i = 0, k; i < n; i += k) { /* revision by revision */
        s.revision = (size_t)(strchr(all[i].rel, '/') - all[i].rel) + 1;
        for (k = 1; i + k < n && !strncmp(all[i].rel, all[i + k].rel, s.revision);)
            k++;
        memcpy(w->v, all + i, k * sizeof *all);
        w->n = k;
        add_all(f, &s);
    }
    free(all);
}

int found_hub(struct finder *f, const struct model_root *root)
{
    struct walk_file *repos;
    size_t n;
    int e = walk_folders(&f->walk, root->dir);
    repos = f->walk.v;
    n = f->walk.n;
    f->walk.v = NULL;
    f->walk.n = f->walk.cap = 0;
    for (size_t i = 0; i < n; i++) {
        if (!ipw_starts(repos[i].rel, "models--"))
            continue;
        f->walk.n = 0;
        add_repo(f, root, repos[i].rel, repos[i].path);
    }
    free(repos);
    return e;
}
