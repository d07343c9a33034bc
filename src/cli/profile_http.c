/* Of ipw profile: what is only for engines that ask a server. Keys and headers are put together here and stored nowhere. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/models.h"
#include "cli/profile.h"
#include "energy/gpu_users.h"
#include "net/url.h"

enum { MAX_GPUS = 16, MAX_PIDS = 256 };

/* Flags that make no sense for an engine in this process. */
static int check_local(const struct profile *p, struct ipw_err *err)
{
    const struct {
        const char *flag;
        bool given;
    } remote[] = {{"client-base-url", p->plan.base_url != NULL}, {"endpoint-type", p->plan.endpoint != NULL},
                  {"api-key-env", p->plan.api_key_env != NULL},  {"header", p->plan.headers != NULL},
                  {"extra-body", p->plan.extra_body != NULL},    {"cacert", p->plan.ca_file != NULL},
                  {"keep-alive", p->plan.keep_alive != NULL},    {"no-stream", p->plan.no_stream},
                  {"pull", p->pull},                             {"retries", p->plan.retries > 0},
                  {"serve", p->plan.serve != NULL},              {"tokenizer", p->plan.tokenizer != NULL}};
    for (size_t i = 0; i < sizeof remote / sizeof remote[0]; i++)
        if (remote[i].given)
            return ipw_err_set(err, IPW_E_USAGE, "'--%s': '%s' runs in this process and has no address; leave it out, or ask "
                               "a server with --client openai or --client ollama", remote[i].flag, p->plan.engine);
    if (p->arrival.kind != ARRIVAL_CLOSED || p->arrival.slots > 1)
        return ipw_err_set(err, IPW_E_USAGE, "'%s' answers one question at a time; for more at once start a server: --client "
                           "openai --serve 'llama-server -m MODEL.gguf'", p->plan.engine);
    return 0;
}

static bool secret_name(const char *name, size_t n)
{
    static const char *const words[] = {"authorization", "cookie", "key", "token", "secret", "password"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        for (size_t at = 0; at + strlen(words[i]) <= n; at++)
            if (!strncasecmp(name + at, words[i], strlen(words[i])))
                return true;
    return false;
}

/* "Name: value" with the variables in it put in. */
static int expand(const char *text, struct ipw_buf *out, struct ipw_err *err)
{
    const char *colon = strchr(text, ':');
    if (!colon || colon == text || strpbrk(text, "\r\n"))
        return ipw_err_set(err, IPW_E_USAGE, "'--header %.60s': 'Name: value' is needed", text);
    if (secret_name(text, (size_t)(colon - text)) && !strstr(colon, "${"))
        return ipw_err_set(err, IPW_E_USAGE, "'--header %.*s': a key on the command line is seen by everybody here; put it into "
                           "a variable and write '%.*s: ${NAME}'", (int)(colon - text), text, (int)(colon - text), text);
    for (const char *at = text; *at;) {
        const char *open = strstr(at, "${"), *close = open ? strchr(open, '}') : NULL;
        if (!close) {
            ipw_buf_adds(out, at);
            break;
        }
        char *name = ipw_strndup(open + 2, (size_t)(close - open - 2));
        const char *value = cli_setting(name);
        ipw_buf_add(out, at, (size_t)(open - at));
        int rc = !value || strpbrk(value, "\r\n")
                     ? ipw_err_set(err, IPW_E_USAGE, "'--header %.60s': the variable %.60s %s", text, name,
                                   value ? "holds a line break" : "is not set; export it")
                     : 0;
        ipw_buf_adds(out, rc ? "" : value);
        free(name);
        if (rc)
            return rc;
        at = close + 1;
    }
    return 0;
}

int profile_http_plan(struct profile *p, struct ipw_err *err)
{
    const char *n = p->concurrencies.n == 1 ? p->concurrencies.v[0] : NULL;
    if (n && (!ipw_parse_i64(n, &p->plan.concurrency) || p->plan.concurrency < 1 || p->plan.concurrency > 65536))
        return ipw_err_set(err, IPW_E_USAGE, "'--concurrency %s': a number from 1 to 65536 is needed, or several: 1,2,4", n);
    if (!p->header_flags.n)
        return 0;
    struct json_out *o = json_out_new();
    json_node *list = json_new_arr(o);
    for (size_t i = 0; i < p->header_flags.n; i++)
        json_put_str(o, list, NULL, p->header_flags.v[i]);
    free(p->plan.headers);
    p->plan.headers = json_write(o, list, false);
    json_out_free(o);
    return 0;
}

/* The plan's headers as they are sent. */
static int make_headers(struct profile *p, struct ipw_err *err)
{
    struct json_doc *doc = NULL;
    int rc = 0;
    size_t n = 0;
    if (!p->plan.headers || p->headers)
        return 0;
    if ((rc = json_read(&doc, p->plan.headers, strlen(p->plan.headers), 0, err)))
        return ipw_err_wrap(err, "headers");
    p->headers = ipw_calloc(json_len(json_root(doc)) + 1, sizeof *p->headers);
    for (struct json_iter it = json_iter(json_root(doc)); !rc && json_next(&it);) {
        struct ipw_buf line = IPW_BUF_INIT;
        rc = expand(json_str(it.val) ? json_str(it.val) : "", &line, err);
        p->headers[n++] = ipw_buf_take(&line);
    }
    json_doc_free(doc);
    return rc;
}

static int check_texts(struct profile *p, struct ipw_err *err)
{
    static const char *const endpoints[] = {"chat", "completions"};
    struct json_doc *doc = NULL;
    char url[1000];
    const char *e = p->plan.endpoint;
    if (e && strcmp(e, endpoints[0]) != 0 && strcmp(e, endpoints[1]) != 0)
        return ipw_err_set(err, IPW_E_USAGE, "'--endpoint-type %s': chat or completions is needed", e);
    if (p->plan.extra_body) {
        if (json_read(&doc, p->plan.extra_body, strlen(p->plan.extra_body), 0, err))
            return ipw_err_wrap(err, "'--extra-body'");
        bool object = json_type(json_root(doc)) == JSON_OBJ;
        json_doc_free(doc);
        if (!object)
            return ipw_err_set(err, IPW_E_USAGE, "'--extra-body': a JSON object is needed, as '{\"top_k\": 20}'");
    }
    return p->plan.base_url ? net_url_base(p->plan.base_url, url, sizeof url, err) : 0;
}

static int64_t cpu_with_server(const struct ipw_env *env)
{
    struct profile *p = env->ud;
    struct proc_watch *w = atomic_load(&p->watched);
    return ipw_env_host.clock->cpu(env) + (w ? proc_watch_cpu(w) : 0);
}

/* The estimator counts what the server spends, not only what asking it costs. */
static void count_server(struct profile *p)
{
    if (p->cli == &p->here)
        return;
    p->clock = *p->cli->env.clock;
    p->clock.cpu = cpu_with_server;
    p->here = *p->cli;
    p->here.env.clock = &p->clock;
    p->here.env.ud = p;
    p->cli = &p->here;
}

void profile_watch_server(struct profile *p)
{
    const char *url = p->server.proc.pid ? p->server.base_url : p->plan.base_url ? p->plan.base_url : p->ops->usual_url;
    if (!strcmp(p->plan.energy, "none") || atomic_load(&p->watched) || !net_url_is_here(url))
        return;
    pid_t pid = p->server.proc.pid ? p->server.proc.pid : server_pid(&p->cli->env, url);
    struct proc_watch *w = pid ? proc_watch_new(&p->cli->env, pid) : NULL;
    atomic_store(&p->watched, w);
    if (!w && !strcmp(meter_source(p->meter), "estimated"))
        cli_say("the server's process cannot be found, so its processor time is not in the estimate: run as its user, or start "
                "it by --serve 'CMD'");
}

static bool meters_gpus(const struct profile *p)
{
    size_t n;
    const struct energy_channel *ch = meter_channels(p->meter, &n);
    char pci[64];
    for (size_t i = 0; i < n; i++)
        if (ch[i].status == ENERGY_CHANNEL_OK && energy_pci_id(ch[i].device, pci, sizeof pci))
            return true;
    return false;
}

/* The GPUs that hold memory of its processes. When none does and there are some, it is not known: Ollama loads a model with
 * the first question, and a container's numbers of processes are its own. */
int profile_server_devices(void *ud, struct engine_device *out, int cap)
{
    struct profile *p = ud;
    struct proc_watch *w = atomic_load(&p->watched);
    struct energy_gpu gpu[MAX_GPUS];
    pid_t pid[MAX_PIDS];
    if (!w || cap < 1)
        return 0;
    size_t n_pids = proc_watch_pids(w, pid, MAX_PIDS);
    size_t n = energy_gpus_of(&p->cli->env, pid, n_pids < MAX_PIDS ? n_pids : MAX_PIDS, gpu, MAX_GPUS);
    int k = 0;
    if (!n && meters_gpus(p))
        return 0;
    out[k++] = (struct engine_device){.key = "cpu", .kind = "cpu", .computes = !n};
    snprintf(out[0].name, sizeof out[0].name, "%.100s", p->machine.cpu);
    for (size_t i = 0; i < n && k < cap; i++, k++) {
        out[k] = (struct engine_device){.kind = "gpu", .computes = true};
        snprintf(out[k].key, sizeof out[k].key, "%.63s", gpu[i].key);
        snprintf(out[k].name, sizeof out[k].name, "%.95s", gpu[i].name);
    }
    return k;
}

int profile_check_http(struct profile *p, struct ipw_err *err)
{
    int rc = profile_http_plan(p, err); /* a study's setting may have just set it */
    if (rc)
        return rc;
    rc = arrival_init(&p->arrival, &p->plan, err);
    if (rc)
        return rc;
    if (!(p->ops->caps & ENGINE_REMOTE))
        return check_local(p, err);
    count_server(p);
    if ((rc = check_texts(p, err)) || (rc = make_headers(p, err)))
        return rc;
    if (p->plan.tokenizer && !p->tokenizer) {
        char *path;
        if ((rc = cli_model_path(p->cli, p->plan.tokenizer, &path, err)))
            return rc;
        free(p->plan.tokenizer);
        p->plan.tokenizer = path;
        if ((rc = tokenizer_open(&p->tokenizer, path, err)))
            return rc;
    }
    if (p->plan.api_key_env) {
        const char *key = cli_setting(p->plan.api_key_env);
        if (!key || !*key)
            return ipw_err_set(err, IPW_E_USAGE, "'--api-key-env %s': that variable is not set; export it with the key in it",
                               p->plan.api_key_env);
        free(p->api_key);
        p->api_key = ipw_strdup(key);
    }
    /* joules of another machine cannot be read here */
    if (p->plan.base_url && !p->plan.serve && !p->plan.devices && strcmp(p->plan.energy, "none") != 0 &&
        !net_url_is_here(p->plan.base_url)) {
        if (!strcmp(p->plan.energy, "measured"))
            return ipw_err_set(err, IPW_E_ENV, "the server at '%s' is on another machine, whose counters cannot be read from "
                               "here; run ipw there, or with --energy none", p->plan.base_url);
        cli_say("the server is on another machine: its joules cannot be read from here (--energy none)");
        free(p->plan.energy);
        p->plan.energy = ipw_strdup("none");
    }
    return 0;
}
