/* ipw servers start, stop, status, list: servers that go on when ipw ends. One small file each in the user's data folder. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/paths.h"
#include "engine/servers.h"
#include "net/http.h"
#include "report/report.h"

struct entry {
    char name[64], url[300], engine[16], word[32], log[PATH_MAX], command[400]; /* word: of its kind */
    int64_t pid, began, started_real_ns;
};
struct entries {
    struct entry *v;
    size_t n, cap;
};

extern const struct command command_servers_start, command_servers_stop, command_servers_status, command_servers_list;

static bool name_ok(const char *name)
{
    if (!*name || strlen(name) >= sizeof((struct entry){0}).name || *name == '.' || *name == '-')
        return false;
    for (; *name; name++)
        if (!ipw_isalnum((unsigned char)*name) && !strchr("-_.", *name))
            return false;
    return true;
}

static int folder(char dir[PATH_MAX], struct ipw_err *err)
{
    cli_data_dir("servers", dir);
    return *dir ? fs_mkdirs(dir, err) : ipw_err_set(err, IPW_E_ENV, "there is no home folder; set IPW_DATA to one of yours");
}

static void file_of(const char *dir, const char *name, const char *ending, char path[PATH_MAX + 80])
{
    char file[80];
    snprintf(file, sizeof file, "%s%s", name, ending);
    fs_join(path, PATH_MAX + 80, dir, file);
}

static const struct field {
    const char *key;
    size_t at, size; /* size 0: int64_t */
} fields[] = {
#define TEXT(f) {#f, offsetof(struct entry, f), sizeof(((struct entry *)0)->f)}
#define INT(f) {#f, offsetof(struct entry, f), 0}
    TEXT(name), TEXT(url), TEXT(engine), TEXT(word), TEXT(log), TEXT(command), INT(pid), INT(began), INT(started_real_ns),
#undef TEXT
#undef INT
};

static void put(struct json_out *o, json_node *obj, const struct entry *e)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const char *at = (const char *)e + fields[i].at;
        if (fields[i].size)
            json_put_str(o, obj, fields[i].key, at);
        else
            json_put_int(o, obj, fields[i].key, *(const int64_t *)(const void *)at);
    }
}

static int save(const char *dir, const struct entry *e, struct ipw_err *err)
{
    char path[PATH_MAX + 80];
    struct json_out *o = json_out_new();
    json_node *obj = json_new_obj(o);
    put(o, obj, e);
    char *text = json_write(o, obj, true);
    json_out_free(o);
    file_of(dir, e->name, ".json", path);
    int rc = fs_write_atomic(path, text, strlen(text), err);
    free(text);
    return rc;
}

static bool load(const char *path, struct entry *e)
{
    struct ipw_buf text = IPW_BUF_INIT;
    struct json_doc *doc = NULL;
    struct ipw_err ignored;
    bool ok = !fs_read(path, 1 << 16, &text, &ignored) && !json_read(&doc, text.s, text.len, 0, &ignored);
    *e = (struct entry){0};
    for (size_t i = 0; ok && i < sizeof fields / sizeof fields[0]; i++) {
        char *at = (char *)e + fields[i].at;
        const json_val *v = json_get(json_root(doc), fields[i].key);
        if (fields[i].size && json_str(v))
            snprintf(at, fields[i].size, "%s", json_str(v));
        else if (fields[i].size || !json_is_int(v, (int64_t *)(void *)at))
            ok = false;
    }
    json_doc_free(doc);
    ipw_buf_release(&text);
    return ok && name_ok(e->name) && e->pid > 1;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static int collect(struct entries *all, char dir[PATH_MAX], struct ipw_err *err)
{
    *all = (struct entries){0};
    int rc = folder(dir, err);
    DIR *d = rc ? NULL : opendir(dir);
    for (const struct dirent *f; d && (f = readdir(d));) {
        char path[PATH_MAX + 300];
        struct entry e;
        fs_join(path, sizeof path, dir, f->d_name);
        if (!ipw_ends(f->d_name, ".json") || !load(path, &e))
            continue;
        IPW_GROW(all->v, all->n, all->cap);
        all->v[all->n++] = e;
    }
    if (d)
        closedir(d);
    if (all->n)
        qsort(all->v, all->n, sizeof *all->v, by_name);
    return rc;
}

static const struct server_kind *kind_of(const struct entry *e)
{
    const struct server_kind *k = server_kinds;
    while (k->word && strcmp(k->word, e->word) != 0)
        k++;
    return k;
}

static bool runs(const struct cli *cli, const struct entry *e)
{
    return e->began && server_began(&cli->env, (pid_t)e->pid) == (uint64_t)e->began;
}

static const char *state_of(const struct cli *cli, const struct entry *e)
{
    return !runs(cli, e) ? "gone" : server_answers(kind_of(e), e->url) ? "answers" : "silent";
}

static void forget(const char *dir, const struct entry *e)
{
    char path[PATH_MAX + 80];
    file_of(dir, e->name, ".json", path);
    unlink(path);
}

/* ---- start ---- */

static int start_one(struct cli *cli, const char *name, const char *url, double wait_s, char **argv, struct ipw_err *err)
{
    char dir[PATH_MAX], path[PATH_MAX + 80], line[PATH_MAX];
    struct entry e = {0}, old;
    struct server s;
    const struct server_kind *kind = server_kind_of(argv);
    int rc = folder(dir, err);
    if (rc)
        return rc;
    snprintf(e.name, sizeof e.name, "%.60s", name ? name : kind->word ? kind->word : fs_basename(argv[0]));
    if (!name_ok(e.name))
        return ipw_err_set(err, IPW_E_USAGE, "'%s' is no name for a server: letters, digits, - _ . are; --name gives one", e.name);
    file_of(dir, e.name, ".json", path);
    if (load(path, &old) && runs(cli, &old))
        return ipw_err_set(err, IPW_E_USAGE, "'%s' runs already, at %s: stop it by ipw servers stop %s, or give this one another "
                           "--name", e.name, old.url, e.name);
    file_of(dir, e.name, ".log", path);
    if ((size_t)snprintf(e.log, sizeof e.log, "%.4095s", path) != strlen(path))
        return ipw_err_set(err, IPW_E_ENV, "path '%.100s...' is too long; set IPW_DATA to a shorter folder", path);
    unlink(e.log);
    rc = server_start(&s, &cli->env, &(struct server_start){.argv = argv, .base_url = url, .log = e.log, .detached = true,
                                                            .timeout_s = wait_s, .stop = cli->signals}, err);
    if (rc)
        return rc;
    for (size_t i = 0, n = 0; argv[i] && n < sizeof e.command; i++)
        n += (size_t)snprintf(e.command + n, sizeof e.command - n, "%s%s", i ? " " : "", cli_quote(argv[i], line, sizeof line));
    snprintf(e.url, sizeof e.url, "%s", s.base_url);
    snprintf(e.engine, sizeof e.engine, "%s", kind->engine);
    snprintf(e.word, sizeof e.word, "%s", kind->word ? kind->word : "");
    e.pid = s.proc.pid;
    e.began = (int64_t)s.began;
    e.started_real_ns = cli->env.clock->real(&cli->env);
    if ((rc = save(dir, &e, err))) {
        server_stop(&s); /* nobody would find it again */
        return rc;
    }
    cli_say("%s answers at %s after %.1f s (process %lld, log %s)", e.name, e.url, s.ready_s, (long long)e.pid, e.log);
    cli_say("ask it with: ipw profile --client %s --client-base-url %s -m MODEL", e.engine, e.url);
    return 0;
}

static int start(struct cli *cli, int argc, char **argv)
{
    char *name = NULL, *url = NULL;
    double wait_s = 300;
    struct option opt[] = {
        {"name", NULL, 0, OPTION_TEXT, &name, 0, 0, "NAME", "what to call it (the program's name)", false},
        {"client-base-url", "base-url", 0, OPTION_TEXT, &url, 0, 0, "URL", "where it will answer, if its words do not tell", false},
        {"wait", NULL, 0, OPTION_REAL, &wait_s, 0.1, 86400, "S", "until it answers (300)", false}};
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct ipw_err err;
    size_t n;
    int code;
    if (cli_options(&command_servers_start, opt, sizeof opt / sizeof opt[0], argc, argv, rest, &n, &code))
        goto out;
    char **words = ipw_calloc(n + 1, sizeof *words);
    for (size_t i = 0; i < n; i++)
        words[i] = ipw_strdup(rest[i]);
    int rc = n ? start_one(cli, name, url, wait_s, words, &err)
               : ipw_err_set(&err, IPW_E_USAGE, "which server? its command stands after --, as: ipw servers start -- "
                             "llama-server -m MODEL.gguf");
    code = rc ? cli_fail(&err) : 0;
    for (size_t i = 0; i < n; i++)
        free(words[i]);
    free(words);
out:
    free(name);
    free(url);
    free(rest);
    return code;
}

const struct command command_servers_start = {
    .name = "start",
    .summary = "start a server, wait until it answers, leave it running",
    .usage = "ipw servers start [--name NAME] -- COMMAND...",
    .details = "llama-server, ollama, vllm and sglang are known by their commands; any other needs --port N in its words or "
               "--client-base-url. What it prints goes into a log. It goes on until ipw servers stop.\n",
    .examples = "ipw servers start -- llama-server -m model.gguf --port 8081\n"
                "ipw servers start --name big -- vllm serve Qwen/Qwen3-8B\n",
    .run = start,
};

/* ---- stop ---- */

static const struct entry *find(const struct entries *all, const char *name, struct ipw_err *err)
{
    const char **names = ipw_calloc(all->n + 1, sizeof *names);
    const struct entry *found = NULL;
    for (size_t i = 0; i < all->n; i++) {
        names[i] = all->v[i].name;
        if (!strcmp(names[i], name))
            found = &all->v[i];
    }
    const char *near = ipw_nearest(name, names, all->n);
    if (!found)
        ipw_err_set(err, IPW_E_INPUT, "no server '%s' was started here%s%s; ipw servers list shows them", name,
                    near ? ", is it " : "", near ? near : "");
    free(names);
    return found;
}

static int stop_one(struct cli *cli, const char *dir, const struct entry *e, struct ipw_err *err)
{
    if (!runs(cli, e)) {
        cli_say("%s is gone already; its log: %s", e->name, e->log);
    } else {
        if (!server_stop_pid(&cli->env, (pid_t)e->pid, (uint64_t)e->began))
            return ipw_err_set(err, IPW_E_ENV, "process %lld of '%s' cannot be stopped: it is another user's, or hangs; try kill -9",
                               (long long)e->pid, e->name);
        cli_say("%s is stopped", e->name);
    }
    forget(dir, e);
    return 0;
}

static int stop(struct cli *cli, int argc, char **argv)
{
    bool every = false;
    struct option opt[] = {{"all", NULL, 0, OPTION_FLAG, &every, 0, 0, NULL, "all that were started", false}};
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct entries all = {0};
    struct ipw_err err;
    char dir[PATH_MAX];
    size_t n;
    int code, rc;
    if (cli_options(&command_servers_stop, opt, 1, argc, argv, rest, &n, &code))
        goto out;
    rc = collect(&all, dir, &err);
    if (!rc && !n && !every)
        rc = ipw_err_set(&err, IPW_E_USAGE, "which one? a name of ipw servers list, or --all");
    for (size_t i = 0; i < all.n && every && !rc; i++)
        rc = stop_one(cli, dir, &all.v[i], &err);
    for (size_t i = 0; i < n && !every && !rc; i++) {
        const struct entry *e = find(&all, rest[i], &err);
        rc = e ? stop_one(cli, dir, e, &err) : err.code;
    }
    code = rc ? cli_fail(&err) : 0;
out:
    free(all.v);
    free(rest);
    return code;
}

const struct command command_servers_stop = {
    .name = "stop",
    .summary = "stop servers that were started here",
    .usage = "ipw servers stop NAME...|--all",
    .details = "Only what ipw servers start has started, and only if that process still is the same one.\n",
    .run = stop,
};

/* ---- list, status ---- */

/* The model that it has now, "" unknown. */
static void model_of(const struct entry *e, char out[128])
{
    struct ipw_buf body = IPW_BUF_INIT;
    struct http_answer answer = {0};
    struct json_doc *doc = NULL;
    struct ipw_err ignored;
    char url[400];
    bool ollama = !strcmp(e->engine, "ollama");
    snprintf(url, sizeof url, "%s%s", e->url, ollama ? "/api/ps" : "/models");
    *out = '\0';
    if (!http_to_memory(&(struct http_get){.url = url, .stall_s = 2}, 1 << 20, &body, &answer, &ignored) &&
        !json_read(&doc, body.s, body.len, 0, &ignored)) {
        const json_val *first = json_at(json_get(json_root(doc), ollama ? "models" : "data"), 0);
        const char *id = json_str(json_get(first, ollama ? "name" : "id"));
        snprintf(out, 128, "%s", id ? fs_basename(id) : "");
    }
    json_doc_free(doc);
    ipw_buf_release(&body);
}

static void as_json(struct cli *cli, const struct entry *v, size_t n, struct ipw_buf *out)
{
    struct json_out *o = json_out_new();
    json_node *top = json_new_obj(o), *list;
    json_put_str(o, top, "schema", "ipw.servers/1");
    list = json_put_arr(o, top, "servers");
    for (size_t i = 0; i < n; i++) {
        json_node *obj = json_put_obj(o, list, NULL);
        char model[128] = "";
        const char *state = state_of(cli, &v[i]);
        if (!strcmp(state, "answers"))
            model_of(&v[i], model);
        put(o, obj, &v[i]);
        json_put_str(o, obj, "state", state);
        json_put_str(o, obj, "model", *model ? model : NULL);
    }
    char *text = json_write(o, top, true);
    json_out_free(o);
    ipw_buf_adds(out, text);
    free(text);
}

static void as_table(struct cli *cli, const struct entry *v, size_t n, struct ipw_buf *out)
{
    static const char *const head[] = {"server", "state", "model", "address", "process", "since"};
    enum { COLUMNS = sizeof head / sizeof head[0] };
    struct text {
        char model[128], pid[24], since[32];
    } *text = ipw_calloc(n + 1, sizeof *text);
    const char **cells = ipw_calloc(n * COLUMNS + 1, sizeof *cells);
    for (size_t i = 0; i < n; i++) {
        const char *state = state_of(cli, &v[i]);
        time_t t = (time_t)(v[i].started_real_ns / 1000000000);
        struct tm tm;
        if (!strcmp(state, "answers"))
            model_of(&v[i], text[i].model);
        snprintf(text[i].pid, sizeof text[i].pid, "%lld", (long long)v[i].pid);
        strftime(text[i].since, sizeof text[i].since, "%m-%d %H:%M", localtime_r(&t, &tm));
        const char *const row[COLUMNS] = {v[i].name, state, *text[i].model ? text[i].model : "-", v[i].url, text[i].pid,
                                          text[i].since};
        memcpy(cells + i * COLUMNS, row, sizeof row);
    }
    report_table(&(struct report_table){head, COLUMNS, n, cells, 1u << 4}, "table", 79, out);
    free(cells);
    free(text);
}

static int list(struct cli *cli, int argc, char **argv)
{
    static const char *const formats[] = {"table", "json", NULL};
    char *format = ipw_strdup("table"), dir[PATH_MAX];
    struct option opt[] = {{"output", NULL, 'o', OPTION_TEXT, &format, 0, 0, "FORMAT", "table or json (table)", false}};
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct ipw_buf out = IPW_BUF_INIT;
    struct entries all = {0};
    struct ipw_err err;
    size_t n;
    int code;
    if (cli_options(&command_servers_list, opt, 1, argc, argv, rest, &n, &code) || (code = cli_extra(rest, n)))
        goto out;
    if (cli_format(format, formats, &err) || collect(&all, dir, &err)) {
        code = cli_fail(&err);
        goto out;
    }
    if (!strcmp(format, "json"))
        as_json(cli, all.v, all.n, &out);
    else if (all.n)
        as_table(cli, all.v, all.n, &out);
    else
        ipw_buf_adds(&out, "No server was started here. ipw servers start -- COMMAND starts one.\n");
    code = cli_print(out.s, out.len);
out:
    ipw_buf_release(&out);
    free(all.v);
    free(format);
    free(rest);
    return code;
}

const struct command command_servers_list = {
    .name = "list",
    .summary = "servers that were started here: address, model, process",
    .usage = "ipw servers list [-o table|json]",
    .run = list,
};

static int status(struct cli *cli, int argc, char **argv)
{
    const char **rest = ipw_calloc((size_t)argc + 1, sizeof *rest);
    struct ipw_buf out = IPW_BUF_INIT;
    struct entries all = {0};
    struct ipw_err err;
    char dir[PATH_MAX];
    size_t n;
    int code, rc;
    if (cli_options(&command_servers_status, NULL, 0, argc, argv, rest, &n, &code) || (n && (code = cli_extra(rest + 1, n - 1))))
        goto out;
    rc = n ? collect(&all, dir, &err) : ipw_err_set(&err, IPW_E_USAGE, "which one? ipw servers list shows the names");
    const struct entry *e = rc ? NULL : find(&all, rest[0], &err);
    if (!e) {
        code = cli_fail(&err);
        goto out;
    }
    as_table(cli, e, 1, &out);
    ipw_buf_adds(&out, "\nlog      ");
    report_text(e->log, &out);
    ipw_buf_adds(&out, "\ncommand  ");
    report_text(e->command, &out);
    ipw_buf_adds(&out, "\n");
    code = cli_print(out.s, out.len);
    if (!code && strcmp(state_of(cli, e), "answers") != 0) {
        cli_say("%s does not answer; ipw servers stop %s clears it away", e->name, e->name);
        code = 1;
    }
out:
    ipw_buf_release(&out);
    free(all.v);
    free(rest);
    return code;
}

const struct command command_servers_status = {
    .name = "status",
    .summary = "whether a server answers, its log and its command",
    .usage = "ipw servers status NAME",
    .details = "Exits 0 when it answers, else 1.\n",
    .run = status,
};

static const struct command *const subs[] = {&command_servers_start, &command_servers_stop, &command_servers_status,
                                             &command_servers_list, NULL};

const struct command command_servers = {
    .name = "servers",
    .group = "Prepare",
    .summary = "servers to ask: start, stop, status, list",
    .usage = "ipw servers COMMAND [options]",
    .details = "A server that is started here goes on when ipw ends, until it is stopped. For one that lives as long as a run "
               "there is ipw profile --serve 'COMMAND'.\n",
    .examples = "ipw servers start -- llama-server -m model.gguf --port 8081\n"
                "ipw servers list\n"
                "ipw servers stop llama-server\n",
    .subs = subs,
};
